// SPDX-License-Identifier: Apache-2.0
/* OBU elements in RTP packets, OBU headers, and sequence headers as far as the picture's size. */
#include "media/wire/av1.h"

#include "base/er.h"
#include "media/wire/bits.h"

/* The aggregation header */
enum { AGG_CONTINUES = 0x80, AGG_CONTINUED = 0x40, AGG_NEW_SEQUENCE = 0x08 };
/* The OBU header */
enum { OBU_FORBIDDEN = 0x80, OBU_EXTENSION = 0x04, OBU_HAS_SIZE = 0x02 };

uint32_t av1_read_leb128(struct rd *r)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < 8; i++) {
        uint8_t byte = rd_u8(r);
        value |= (uint64_t)(byte & 0x7f) << (i * 7);
        if (!(byte & 0x80))
            break;
        if (i == 7)
            r->bad = true;
    }
    if (value > UINT32_MAX)
        r->bad = true;
    return r->bad ? 0 : (uint32_t)value;
}

int av1_elements_begin(struct av1_elements *e, const uint8_t *payload, size_t len)
{
    *e = (struct av1_elements){.r = rd_make(payload, len), .first = true};
    uint8_t header = rd_u8(&e->r);
    e->continues = (header & AGG_CONTINUES) != 0;
    e->continued = (header & AGG_CONTINUED) != 0;
    e->new_sequence = (header & AGG_NEW_SEQUENCE) != 0;
    e->counted = header >> 4 & 3;
    e->lengths = e->counted == 0;
    if (e->r.bad || rd_left(&e->r) == 0)
        return ER_TRUNCATED;
    return e->new_sequence && e->continues ? ER_MALFORMED : 0;
}

int av1_elements_next(struct av1_elements *e, struct av1_element *ret)
{
    if (e->lengths ? rd_left(&e->r) == 0 : e->counted == 0)
        return 0;
    bool tells = e->lengths || e->counted > 1;
    size_t len = tells ? av1_read_leb128(&e->r) : rd_left(&e->r);
    ret->at = rd_bytes(&e->r, len);
    ret->len = len;
    if (e->r.bad)
        return ER_TRUNCATED;
    if (!e->lengths)
        e->counted--;
    bool last = e->lengths ? rd_left(&e->r) == 0 : e->counted == 0;
    ret->starts = !(e->first && e->continues);
    ret->ends = !(last && e->continued);
    e->first = false;
    return 1;
}

bool av1_parse_obu(const uint8_t *data, size_t len, struct av1_obu *ret)
{
    struct rd r = rd_make(data, len);
    uint8_t header = rd_u8(&r);
    *ret = (struct av1_obu){.type = header >> 3 & 15, .header_len = 1};
    if (header & OBU_EXTENSION) {
        uint8_t layers = rd_u8(&r);
        ret->has_layers = true;
        ret->header_len = 2;
        ret->temporal_id = layers >> 5;
        ret->spatial_id = layers >> 3 & 3;
    }
    size_t told = header & OBU_HAS_SIZE ? av1_read_leb128(&r) : rd_left(&r);
    if (r.bad || (header & OBU_FORBIDDEN))
        return false;
    ret->len = told < rd_left(&r) ? told : rd_left(&r);
    ret->at = r.at;
    return true;
}

static bool obu_may_start(unsigned type)
{
    return type == AV1_SEQUENCE_HEADER || type == AV1_TEMPORAL_DELIMITER ||
           type == AV1_FRAME_HEADER || type == AV1_METADATA || type == AV1_FRAME;
}

static void note_obu(const struct av1_obu *obu, struct av1_payload *ret)
{
    if (obu->type == AV1_SEQUENCE_HEADER)
        (void)av1_sequence_size(obu->at, obu->len, &ret->width, &ret->height);
    if (obu->has_layers && !ret->has_layers) {
        ret->has_layers = true;
        ret->temporal_id = obu->temporal_id;
        ret->spatial_id = obu->spatial_id;
    }
}

int av1_parse(const uint8_t *payload, size_t len, struct av1_payload *ret)
{
    *ret = (struct av1_payload){0};
    struct av1_elements elements;
    struct av1_element element;
    int er = av1_elements_begin(&elements, payload, len);
    bool first = true;
    while (er == 0 && (er = av1_elements_next(&elements, &element)) == 1) {
        struct av1_obu obu;
        bool sound = element.starts && av1_parse_obu(element.at, element.len, &obu);
        if (sound)
            note_obu(&obu, ret);
        if (first)
            ret->may_start = sound && obu_may_start(obu.type);
        first = false;
        er = 0;
    }
    ret->key = elements.new_sequence;
    return er;
}

/* --- sequence headers */

/** Timing and decoder model; true when operating points tell of the latter, whose delays then have
 *  *ret_bits bits. */
static bool read_timing(struct bits *b, unsigned *ret_bits)
{
    *ret_bits = 0;
    if (!bits_flag(b))
        return false;
    bits_skip(b, 64);
    if (bits_flag(b))
        bits_uvlc(b);
    if (!bits_flag(b))
        return false;
    *ret_bits = bits_u(b, 5) + 1;
    bits_skip(b, 32 + 5 + 5);
    return true;
}

static void skip_operating_points(struct bits *b)
{
    unsigned delay_bits;
    bool model = read_timing(b, &delay_bits);
    bool display_delay = bits_flag(b);
    for (unsigned n = bits_u(b, 5) + 1; n > 0 && !b->bad; n--) {
        bits_skip(b, 12);
        if (bits_u(b, 5) > 7)
            bits_skip(b, 1);
        if (model && bits_flag(b))
            bits_skip(b, (size_t)delay_bits * 2 + 1);
        if (display_delay && bits_flag(b))
            bits_skip(b, 4);
    }
}

bool av1_sequence_size(const uint8_t *data, size_t len, uint16_t *ret_width, uint16_t *ret_height)
{
    struct bits b = bits_make(data, len);
    bits_skip(&b, 4); /* profile; still picture */
    if (bits_flag(&b))
        bits_skip(&b, 5); /* reduced: only the level */
    else
        skip_operating_points(&b);
    unsigned width_bits = bits_u(&b, 4) + 1, height_bits = bits_u(&b, 4) + 1;
    uint32_t width = bits_u(&b, width_bits) + 1, height = bits_u(&b, height_bits) + 1;
    if (b.bad || width > UINT16_MAX || height > UINT16_MAX)
        return false;
    *ret_width = (uint16_t)width;
    *ret_height = (uint16_t)height;
    return true;
}
