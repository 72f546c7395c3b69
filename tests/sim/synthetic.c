// SPDX-License-Identifier: Apache-2.0
/* Frames of noise that can be checked. */
#include "tests/sim/synthetic.h"

#include <endian.h>
#include <string.h>

#include "base/buf.h"
#include "base/er.h"

#define MAGIC 0x4c6f7570u
#define BODY_BYTES 28
#define OPUS_TOC 0xfc /* CELT, fullband, 20 ms, stereo, one frame */
enum { VP8_TAG_BYTES = 3, VP8_KEY_BYTES = 10 };

static uint64_t scramble(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

size_t synthetic_vp8_size(uint32_t number, bool key, uint32_t bps, uint32_t fps)
{
    size_t average = bps / 8 / fps;
    size_t size = average * 2 / 3 + scramble(number + 1) % (average * 2 / 3 + 1);
    if (key)
        size = average * 5;
    return size < SYNTHETIC_MIN_BYTES ? SYNTHETIC_MIN_BYTES : size;
}

/* What stands behind the codec's own header. */
/** What stands from `i` on, up to where eight begin anew; how many. */
static size_t next_bytes(uint64_t *state, size_t i, size_t len, uint8_t ret[static 8])
{
    size_t from = i % 8, count = 8 - from;
    if (from == 0)
        *state = scramble(*state + i);
    uint64_t left = htole64(*state >> from * 8);
    memcpy(ret, &left, sizeof left);
    return count < len - i ? count : len - i;
}

static void write_body(uint8_t *at, size_t len, size_t whole, const struct synthetic *what)
{
    struct wr w = wr_make(at, len);
    wr_u32(&w, MAGIC);
    wr_u32(&w, what->stream);
    wr_u32(&w, what->number);
    wr_u64(&w, what->capture_us);
    wr_u32(&w, (uint32_t)whole);
    wr_u32(&w, what->reference);
    uint64_t state = scramble((uint64_t)what->stream << 32 | what->number) + what->reference;
    uint8_t bytes[8];
    for (size_t i = BODY_BYTES, n; i < len; i += n) {
        n = next_bytes(&state, i, len, bytes);
        memcpy(at + i, bytes, n);
    }
}

static int check_body(const uint8_t *at, size_t len, size_t whole, struct synthetic *ret)
{
    struct rd r = rd_make(at, len);
    uint32_t magic = rd_u32(&r);
    ret->stream = rd_u32(&r);
    ret->number = rd_u32(&r);
    ret->capture_us = rd_u64(&r);
    uint32_t size = rd_u32(&r);
    ret->reference = rd_u32(&r);
    if (r.bad || magic != MAGIC || size != whole)
        return ER_MALFORMED;
    uint64_t state = scramble((uint64_t)ret->stream << 32 | ret->number) + ret->reference;
    uint8_t bytes[8];
    for (size_t i = BODY_BYTES, n; i < len; i += n) {
        n = next_bytes(&state, i, len, bytes);
        if (memcmp(at + i, bytes, n) != 0)
            return ER_MALFORMED;
    }
    return 0;
}

static void write_vp8_tag(uint8_t *at, size_t size, bool key)
{
    /* RFC 6386, 9.1: not-key bit, version 0, shown, size of the first partition. */
    uint32_t first_partition = (uint32_t)(size / 2) & 0x7ffff;
    uint32_t tag = (key ? 0u : 1u) | 1u << 4 | first_partition << 5;
    at[0] = (uint8_t)tag;
    at[1] = (uint8_t)(tag >> 8);
    at[2] = (uint8_t)(tag >> 16);
}

void synthetic_vp8_make(uint8_t *ret, size_t size, const struct synthetic *what, uint16_t width,
                        uint16_t height)
{
    size_t header = what->key ? VP8_KEY_BYTES : VP8_TAG_BYTES;
    write_vp8_tag(ret, size, what->key);
    if (what->key) {
        const uint8_t start[] = {0x9d,
                                 0x01,
                                 0x2a,
                                 (uint8_t)width,
                                 (uint8_t)(width >> 8 & 0x3f),
                                 (uint8_t)height,
                                 (uint8_t)(height >> 8 & 0x3f)};
        memcpy(ret + VP8_TAG_BYTES, start, sizeof start);
    }
    write_body(ret + header, size - header, size, what);
}

int synthetic_vp8_check(const uint8_t *data, size_t len, struct synthetic *ret)
{
    memset(ret, 0, sizeof *ret);
    if (len < SYNTHETIC_MIN_BYTES)
        return ER_MALFORMED;
    uint8_t tag[VP8_TAG_BYTES];
    ret->key = !(data[0] & 1);
    write_vp8_tag(tag, len, ret->key);
    if (memcmp(tag, data, sizeof tag) != 0)
        return ER_MALFORMED;
    if (ret->key && memcmp(data + VP8_TAG_BYTES, "\x9d\x01\x2a", 3) != 0)
        return ER_MALFORMED;
    size_t header = ret->key ? VP8_KEY_BYTES : VP8_TAG_BYTES;
    return check_body(data + header, len - header, len, ret);
}

void synthetic_opus_make(uint8_t *ret, size_t size, const struct synthetic *what)
{
    ret[0] = OPUS_TOC;
    write_body(ret + 1, size - 1, size, what);
}

int synthetic_opus_check(const uint8_t *data, size_t len, struct synthetic *ret)
{
    memset(ret, 0, sizeof *ret);
    if (len < SYNTHETIC_MIN_BYTES || data[0] != OPUS_TOC)
        return ER_MALFORMED;
    return check_body(data + 1, len - 1, len, ret);
}
