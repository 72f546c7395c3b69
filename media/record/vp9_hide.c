// SPDX-License-Identifier: Apache-2.0
/* VP9's uncompressed header (VP9 bitstream specification, 6.2), as far as its end: a frame that is not
 * shown has one bit more, behind which all is moved by one. */
#include "media/record/vp9_hide.h"

#include <string.h>

#include "base/er.h"
#include "media/wire/bits.h"
#include "media/wire/vp9.h"

/* The first byte of profiles 0 to 2 */
enum {
    MARKER_MASK = 0xc0,
    MARKER = 0x80,
    PROFILE_LOW = 0x20,
    EXISTING = 0x08,
    INTER = 0x04,
    SHOWN = 0x02,
    RESILIENT = 0x01
};

enum { REFERENCES = 3, SEGMENTS = 8, MIN_TILE_SB64 = 4, MAX_TILE_SB64 = 64 };

static void skip_if_set(struct bits *b, size_t n)
{
    if (bits_flag(b))
        bits_skip(b, n);
}

/** Its size: from one of its references, or told. */
static void read_size(struct bits *b, uint32_t *width)
{
    bool found = false;
    for (unsigned i = 0; i < REFERENCES && !found; i++)
        found = bits_flag(b);
    if (!found) {
        *width = bits_u(b, 16) + 1;
        bits_skip(b, 16);
    }
    skip_if_set(b, 32); /* the size to show it at */
}

static void skip_loop_filter(struct bits *b)
{
    bits_skip(b, 6 + 3);
    if (!bits_flag(b) || !bits_flag(b))
        return;
    for (unsigned i = 0; i < 4 + 2; i++)
        skip_if_set(b, 6 + 1);
}

static void skip_quantisation(struct bits *b)
{
    bits_skip(b, 8);
    for (unsigned i = 0; i < 3; i++)
        skip_if_set(b, 4 + 1);
}

static void skip_segmentation(struct bits *b)
{
    static const uint8_t feature_bits[] = {8 + 1, 6 + 1, 2, 0};
    if (!bits_flag(b))
        return;
    if (bits_flag(b)) {
        for (unsigned i = 0; i < SEGMENTS - 1; i++)
            skip_if_set(b, 8);
        if (bits_flag(b))
            for (unsigned i = 0; i < 3; i++)
                skip_if_set(b, 8);
    }
    if (!bits_flag(b))
        return;
    bits_skip(b, 1);
    for (unsigned i = 0; i < SEGMENTS * 4; i++)
        skip_if_set(b, feature_bits[i % 4]);
}

static void skip_tiles(struct bits *b, uint32_t width)
{
    uint32_t columns = (width + 63) / 64;
    unsigned least = 0, most = 1;
    while ((uint32_t)MAX_TILE_SB64 << least < columns)
        least++;
    while (columns >> most >= MIN_TILE_SB64)
        most++;
    for (most--; least < most && bits_flag(b); least++)
        continue;
    skip_if_set(b, 1);
}

/** From behind the first byte to the end of an inter frame's header. */
static void skip_inter_header(struct bits *b, bool resilient, uint32_t *width)
{
    if (!resilient)
        bits_skip(b, 2);
    bits_skip(b, 8 + REFERENCES * 4);
    read_size(b, width);
    bits_skip(b, 1); /* precision of motion */
    if (!bits_flag(b))
        bits_skip(b, 2); /* the interpolation filter, if it is one for all */
    if (!resilient)
        bits_skip(b, 2);
    bits_skip(b, 2);
    skip_loop_filter(b);
    skip_quantisation(b);
    skip_segmentation(b);
    skip_tiles(b, *width);
    bits_skip(b, 16);
}

static void write_shifted(const uint8_t *frame, size_t bits, uint8_t *ret)
{
    memset(ret, 0, bits / 8 + 1);
    for (size_t i = 8; i < bits; i++)
        if (frame[i / 8] & 0x80 >> i % 8)
            ret[(i + 1) / 8] |= (uint8_t)(0x80 >> (i + 1) % 8);
}

static bool read_key_width(const uint8_t *frame, size_t len, uint32_t *width)
{
    uint16_t key_width, height;
    if (!vp9_key_size(frame, len, &key_width, &height))
        return false;
    *width = key_width;
    return true;
}

int vp9_hide(const uint8_t *frame, size_t len, uint32_t *width, uint8_t *ret)
{
    if (len == 0)
        return ER_TRUNCATED;
    uint8_t first = frame[0];
    if ((first & MARKER_MASK) != MARKER || (first & PROFILE_LOW) || (first & EXISTING) ||
        !(first & SHOWN))
        return ER_UNSUPPORTED;
    if (!(first & INTER)) { /* a key frame has no bit more */
        if (!read_key_width(frame, len, width))
            return ER_UNSUPPORTED;
        memcpy(ret, frame, len);
        ret[0] = (uint8_t)(first & ~SHOWN);
        return (int)len;
    }
    struct bits b = bits_make(frame, len);
    bits_skip(&b, 8);
    skip_inter_header(&b, first & RESILIENT, width);
    if (*width == 0)
        return ER_UNSUPPORTED;
    if (b.bad)
        return ER_TRUNCATED;
    size_t old_bytes = (b.at + 7) / 8, new_bytes = (b.at + 1 + 7) / 8;
    write_shifted(frame, b.at, ret);
    ret[0] = (uint8_t)(first & ~SHOWN);
    memcpy(ret + new_bytes, frame + old_bytes, len - old_bytes);
    return (int)(len - old_bytes + new_bytes);
}
