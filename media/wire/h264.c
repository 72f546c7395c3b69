// SPDX-License-Identifier: Apache-2.0
/* NAL units in RTP packets. */
#include "media/wire/h264.h"

#include "base/buf.h"
#include "base/er.h"
#include "media/codec.h"
#include "media/wire/bits.h"

enum { STAP_A = 24, FU_A = 28, SINGLE_MAX = 23 };
enum { FU_START = 0x80, FU_END = 0x40, REF_IDC = 0x60, FIRST_MB_ZERO = 0x80 };

int h264_units_begin(struct h264_units *u, const uint8_t *payload, size_t len)
{
    if (len == 0)
        return ER_TRUNCATED;
    unsigned type = h264_unit_type(payload[0]);
    *u = (struct h264_units){
        .at = payload, .end = payload + len, .aggregate = type == STAP_A, .fragment = type == FU_A};
    if (type == 0 || (type > SINGLE_MAX && !u->aggregate && !u->fragment))
        return ER_MALFORMED;
    if (u->fragment && len < 3)
        return ER_TRUNCATED;
    if (u->aggregate)
        u->at++;
    return 0;
}

int h264_units_next(struct h264_units *u, struct h264_unit *ret)
{
    struct rd r = {.at = u->at, .end = u->end};
    size_t len = rd_left(&r);
    if (len == 0)
        return 0;
    *ret = (struct h264_unit){.starts = true, .ends = true};
    if (u->aggregate) {
        len = rd_u16(&r);
    } else if (u->fragment) {
        uint8_t indicator = rd_u8(&r), header = rd_u8(&r);
        ret->first = (uint8_t)((indicator & 0xe0) | (header & 0x1f));
        ret->starts = (header & FU_START) != 0;
        ret->ends = (header & FU_END) != 0;
        len -= 2;
    }
    if (!u->fragment) {
        ret->first = rd_u8(&r);
        len = len ? len - 1 : SIZE_MAX; /* an empty unit is none */
    }
    ret->len = len;
    ret->at = rd_bytes(&r, len);
    u->at = r.at;
    return r.bad ? ER_TRUNCATED : 1;
}

/* H.264, 7.4.1.2.3: what a picture's first unit can be. A slice only when it begins at the picture's
 * first macroblock. */
static bool may_start(const struct h264_unit *unit)
{
    switch (h264_unit_type(unit->first)) {
    case H264_SLICE:
    case H264_IDR:
        return unit->starts && unit->len > 0 && (unit->at[0] & FIRST_MB_ZERO);
    case H264_SEI:
    case H264_SPS:
    case H264_PPS:
    case H264_DELIMITER:
        return unit->starts;
    default:
        return false;
    }
}

static void note_sps(const struct h264_unit *unit, struct h264_payload *ret)
{
    struct h264_sps sps;
    ret->sps = true;
    if (!unit->starts || !unit->ends || !h264_parse_sps(unit->at - 1, unit->len + 1, &sps))
        return;
    ret->width = sps.width;
    ret->height = sps.height;
}

int h264_parse(const uint8_t *payload, size_t len, struct h264_payload *ret)
{
    *ret = (struct h264_payload){0};
    struct h264_units units;
    struct h264_unit unit;
    int er = h264_units_begin(&units, payload, len);
    bool first = true, slices = false, referenced = false, other_slice = false;
    while (er == 0 && (er = h264_units_next(&units, &unit)) == 1) {
        unsigned type = h264_unit_type(unit.first);
        if (first)
            ret->may_start = may_start(&unit);
        first = false;
        slices = slices || (type >= H264_SLICE && type <= H264_IDR);
        other_slice = other_slice || (type >= H264_SLICE && type < H264_IDR);
        referenced = referenced || (unit.first & REF_IDC);
        ret->key = ret->key || type == H264_IDR;
        if (type == H264_SPS && unit.starts)
            note_sps(&unit, ret);
        er = 0;
    }
    if (er < 0)
        return er;
    if (first)
        return ER_TRUNCATED;
    ret->non_reference = slices && !referenced;
    ret->key = ret->key || (ret->sps && !other_slice);
    return 0;
}

/* --- sequence parameter sets */

enum { SPS_BYTES = 256 }; /* what lies beyond cannot hold the size any more */

/** Without the bytes that keep start codes out (H.264, 7.4.1). */
static size_t unescape(const uint8_t *unit, size_t len, uint8_t ret[static SPS_BYTES])
{
    size_t n = 0;
    unsigned zeros = 0;
    for (size_t i = 0; i < len && n < SPS_BYTES; i++) {
        if (zeros >= 2 && unit[i] == 3) {
            zeros = 0;
            continue;
        }
        zeros = unit[i] == 0 ? zeros + 1 : 0;
        ret[n++] = unit[i];
    }
    return n;
}

static void skip_scaling_list(struct bits *b, unsigned size)
{
    int32_t last = 8, next = 8;
    for (unsigned i = 0; i < size && next != 0 && !b->bad; i++) {
        next = (int32_t)(((uint32_t)last + (uint32_t)bits_se(b)) & 0xff);
        last = next ? next : last;
    }
}

static bool has_chroma_format(unsigned profile)
{
    static const uint8_t those[] = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135};
    for (size_t i = 0; i < sizeof those; i++)
        if (those[i] == profile)
            return true;
    return false;
}

/** Returns what planes of colour count as where the picture is cropped. */
static unsigned read_chroma(struct bits *b, struct h264_sps *ret)
{
    ret->chroma_format = 1; /* 4:2:0, 8 bits, where it is not told */
    ret->luma_bits = ret->chroma_bits = 8;
    if (!has_chroma_format(ret->profile))
        return 1;
    uint32_t chroma = bits_ue(b);
    bool separate = chroma == 3 && bits_flag(b);
    uint32_t luma_more = bits_ue(b), chroma_more = bits_ue(b);
    if (chroma > 3 || luma_more > 6 || chroma_more > 6)
        b->bad = true;
    ret->chroma_format = (uint8_t)(chroma & 3);
    ret->luma_bits = (uint8_t)(8 + (luma_more & 7));
    ret->chroma_bits = (uint8_t)(8 + (chroma_more & 7));
    bits_skip(b, 1);
    if (bits_flag(b))
        for (unsigned i = 0; i < (chroma == 3 ? 12u : 8u); i++)
            if (bits_flag(b))
                skip_scaling_list(b, i < 6 ? 16 : 64);
    return separate ? 0 : chroma;
}

static void skip_order_count(struct bits *b)
{
    uint32_t type = bits_ue(b);
    if (type == 0) {
        bits_ue(b);
    } else if (type == 1) {
        bits_skip(b, 1);
        bits_se(b);
        bits_se(b);
        for (uint32_t n = bits_ue(b); n > 0 && !b->bad; n--)
            bits_se(b);
    }
}

bool h264_parse_sps(const uint8_t *unit, size_t len, struct h264_sps *ret)
{
    uint8_t plain[SPS_BYTES];
    struct bits b = bits_make(plain, unescape(unit, len, plain));
    if (h264_unit_type((uint8_t)bits_u(&b, 8)) != H264_SPS)
        return false;
    ret->profile = (uint8_t)bits_u(&b, 8);
    ret->constraints = (uint8_t)bits_u(&b, 8);
    ret->level = (uint8_t)bits_u(&b, 8);
    bits_ue(&b);
    unsigned chroma = read_chroma(&b, ret);
    bits_ue(&b);
    skip_order_count(&b);
    bits_ue(&b);
    bits_skip(&b, 1);
    uint64_t width = ((uint64_t)bits_ue(&b) + 1) * 16, height = ((uint64_t)bits_ue(&b) + 1) * 16;
    unsigned fields = bits_flag(&b) ? 1 : 2; /* a frame's height in map units */
    height *= fields;
    if (fields == 2)
        bits_skip(&b, 1);
    bits_skip(&b, 1);
    if (bits_flag(&b)) {
        unsigned unit_x = chroma == 1 || chroma == 2 ? 2 : 1;
        unsigned unit_y = (chroma == 1 ? 2 : 1) * fields;
        uint64_t left = bits_ue(&b), right = bits_ue(&b), top = bits_ue(&b), bottom = bits_ue(&b);
        uint64_t cut_x = (left + right) * unit_x, cut_y = (top + bottom) * unit_y;
        width = cut_x < width ? width - cut_x : 0;
        height = cut_y < height ? height - cut_y : 0;
    }
    if (b.bad || width == 0 || height == 0 || width > UINT16_MAX || height > UINT16_MAX)
        return false;
    ret->width = (uint16_t)width;
    ret->height = (uint16_t)height;
    return true;
}

unsigned h264_profile_of(uint8_t profile_idc, uint8_t constraints)
{
    /* The constraint sets' bits count only where the mask says so. */
    static const struct {
        uint8_t idc, mask, bits, profile;
    } table[] = {
        {0x42, 0x4f, 0x40, H264_CONSTRAINED}, {0x4d, 0x8f, 0x80, H264_CONSTRAINED},
        {0x58, 0xcf, 0xc0, H264_CONSTRAINED}, {0x42, 0x4f, 0x00, H264_BASELINE},
        {0x58, 0xcf, 0x80, H264_BASELINE},    {0x4d, 0xaf, 0x00, H264_MAIN},
        {0x64, 0xff, 0x00, H264_HIGH},        {0x64, 0xff, 0x0c, H264_HIGH},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].idc == profile_idc && (constraints & table[i].mask) == table[i].bits)
            return table[i].profile;
    return 0;
}
