// SPDX-License-Identifier: Apache-2.0
/* The VP9 payload descriptor and the beginning of a key frame. */
#include "media/wire/vp9.h"

#include "base/buf.h"
#include "base/er.h"
#include "media/wire/bits.h"

/* The descriptor's first byte */
enum {
    DESC_PICTURE_ID = 0x80,
    DESC_INTER = 0x40,
    DESC_LAYERS = 0x20,
    DESC_FLEXIBLE = 0x10,
    DESC_START = 0x08,
    DESC_END = 0x04,
    DESC_STRUCTURE = 0x02,
    DESC_NO_UPPER_USE = 0x01
};

enum { REFERENCES_MAX = 3, SRGB = 7, SYNC_CODE = 0x498342, MARKER = 2 };

static void parse_layers(struct rd *r, struct vp9_payload *ret)
{
    uint8_t layers = rd_u8(r);
    ret->has_layers = true;
    ret->temporal_id = layers >> 5;
    ret->switch_up = (layers & 0x10) != 0;
    ret->spatial_id = layers >> 1 & 7;
    ret->inter_layer = layers & 1;
    if (!ret->flexible) {
        ret->has_tl0_index = true;
        ret->tl0_index = rd_u8(r);
    }
}

/** Which pictures this one refers to, of no use to us: P_DIFF(7) and a bit that says whether more
 *  follow, three at most. */
static int skip_references(struct rd *r)
{
    for (unsigned i = 0; i < REFERENCES_MAX; i++)
        if (!(rd_u8(r) & 1))
            return 0;
    return ER_MALFORMED;
}

static void parse_structure(struct rd *r, struct vp9_payload *ret)
{
    uint8_t flags = rd_u8(r);
    ret->has_structure = true;
    ret->layer_count = (uint8_t)((flags >> 5) + 1);
    ret->has_sizes = (flags & 0x10) != 0;
    for (unsigned i = 0; ret->has_sizes && i < ret->layer_count; i++) {
        ret->layer_width[i] = rd_u16(r);
        ret->layer_height[i] = rd_u16(r);
    }
    unsigned pictures = flags & 0x08 ? rd_u8(r) : 0;
    while (pictures-- > 0)
        rd_skip(r, rd_u8(r) >> 2 & 3);
}

/** The first byte or two: whose profile, and what kind of frame. */
struct frame_start {
    unsigned profile;
    bool existing, inter, shown, resilient;
};

static bool parse_frame_start(struct bits *b, struct frame_start *ret)
{
    uint32_t marker = bits_u(b, 2);
    ret->profile = bits_u(b, 1);
    ret->profile |= bits_u(b, 1) << 1;
    if (ret->profile == 3)
        bits_skip(b, 1);
    ret->existing = bits_flag(b);
    ret->inter = bits_flag(b);
    ret->shown = bits_flag(b);
    ret->resilient = bits_flag(b);
    return marker == MARKER && !ret->existing;
}

static bool parse_size(struct bits *b, uint16_t *ret_width, uint16_t *ret_height)
{
    uint32_t width = bits_u(b, 16) + 1, height = bits_u(b, 16) + 1;
    if (b->bad || width > UINT16_MAX || height > UINT16_MAX)
        return false;
    *ret_width = (uint16_t)width;
    *ret_height = (uint16_t)height;
    return true;
}

bool vp9_key_size(const uint8_t *frame, size_t len, uint16_t *ret_width, uint16_t *ret_height)
{
    struct bits b = bits_make(frame, len);
    struct frame_start start;
    if (!parse_frame_start(&b, &start) || start.inter || bits_u(&b, 24) != SYNC_CODE)
        return false;
    if (start.profile >= 2)
        bits_skip(&b, 1); /* 10 or 12 bits */
    if (bits_u(&b, 3) != SRGB)
        bits_skip(&b, start.profile & 1 ? 4 : 1); /* range; subsampling */
    else if (start.profile & 1)
        bits_skip(&b, 1);
    else
        return false;
    return parse_size(&b, ret_width, ret_height);
}

bool vp9_upper_size(const uint8_t *frame, size_t len, uint16_t *ret_width, uint16_t *ret_height)
{
    struct bits b = bits_make(frame, len);
    struct frame_start start;
    if (!parse_frame_start(&b, &start) || !start.inter || (!start.shown && bits_flag(&b)))
        return false;
    if (!start.resilient)
        bits_skip(&b, 2);
    bits_skip(&b, 8 + 3 * 4); /* what it replaces; what it refers to */
    for (unsigned i = 0; i < 3; i++)
        if (bits_flag(&b))
            return false; /* as large as that one */
    return parse_size(&b, ret_width, ret_height);
}

static void find_size(struct vp9_payload *p, const uint8_t *frame, size_t len)
{
    if (p->has_sizes) {
        p->width = p->layer_width[p->layer_count - 1];
        p->height = p->layer_height[p->layer_count - 1];
    } else {
        (void)vp9_key_size(frame, len, &p->width, &p->height);
    }
}

int vp9_parse(const uint8_t *payload, size_t len, struct vp9_payload *ret)
{
    *ret = (struct vp9_payload){0};
    struct rd r = rd_make(payload, len);
    uint8_t first = rd_u8(&r);
    ret->start = (first & DESC_START) != 0;
    ret->end = (first & DESC_END) != 0;
    ret->inter_predicted = (first & DESC_INTER) != 0;
    ret->flexible = (first & DESC_FLEXIBLE) != 0;
    ret->no_upper_use = (first & DESC_NO_UPPER_USE) != 0;
    if (first & DESC_PICTURE_ID) {
        ret->has_picture_id = true;
        ret->picture_id = rd_u8(&r);
        if (ret->picture_id & 0x80)
            ret->picture_id = (uint16_t)((ret->picture_id & 0x7f) << 8 | rd_u8(&r));
    }
    if (first & DESC_LAYERS)
        parse_layers(&r, ret);
    if (ret->flexible && ret->inter_predicted && skip_references(&r) < 0)
        return r.bad ? ER_TRUNCATED : ER_MALFORMED;
    if (first & DESC_STRUCTURE)
        parse_structure(&r, ret);
    if (r.bad || rd_left(&r) == 0)
        return ER_TRUNCATED;
    ret->descriptor_len = (size_t)(r.at - payload);
    ret->key_picture = ret->start && !ret->inter_predicted && ret->spatial_id == 0;
    if (ret->key_picture)
        find_size(ret, r.at, rd_left(&r));
    return 0;
}
