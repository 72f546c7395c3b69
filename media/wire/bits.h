// SPDX-License-Identifier: Apache-2.0
/* A checked cursor over bits, most significant first, as video headers are written. Like `struct rd`,
 * it does not read beyond the end: it sets `bad` and gives 0. */
#ifndef LOUPE_MEDIA_WIRE_BITS_H
#define LOUPE_MEDIA_WIRE_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** It borrows the bytes. */
struct bits {
    const uint8_t *data;
    size_t at;  /* in bits */
    size_t end; /* in bits */
    bool bad;
};

static inline struct bits bits_make(const uint8_t *data, size_t len)
{
    return (struct bits){.data = data, .end = len * 8};
}

/** The next `n` bits, at most 32, as a number. */
static inline uint32_t bits_u(struct bits *b, unsigned n)
{
    if (b->bad || b->end - b->at < n) {
        b->bad = true;
        return 0;
    }
    uint64_t value = 0;
    for (unsigned i = 0; i < n; i++, b->at++)
        value = value << 1 | (b->data[b->at / 8] >> (7 - b->at % 8) & 1u);
    return (uint32_t)value;
}

static inline bool bits_flag(struct bits *b)
{
    return bits_u(b, 1) != 0;
}

static inline void bits_skip(struct bits *b, size_t n)
{
    if (b->bad || b->end - b->at < n)
        b->bad = true;
    else
        b->at += n;
}

/** Exp-Golomb (H.264, 9.1). */
static inline uint32_t bits_ue(struct bits *b)
{
    unsigned zeros = 0;
    while (!b->bad && !bits_flag(b))
        zeros++;
    if (zeros > 31)
        b->bad = true;
    return b->bad ? 0 : ((uint32_t)1 << zeros) - 1 + bits_u(b, zeros);
}

static inline int32_t bits_se(struct bits *b)
{
    uint32_t k = bits_ue(b);
    return k & 1 ? (int32_t)(k / 2 + 1) : -(int32_t)(k / 2);
}

/** A number below `n` (AV1, 4.10.7). */
static inline uint32_t bits_ns(struct bits *b, uint32_t n)
{
    unsigned width = 0;
    for (uint32_t x = n; x != 0; x >>= 1)
        width++;
    if (width == 0)
        return 0;
    uint32_t short_ones = (uint32_t)(((uint64_t)1 << width) - n);
    uint32_t value = bits_u(b, width - 1);
    if (value < short_ones)
        return value;
    return (value << 1) - short_ones + bits_u(b, 1);
}

/** AV1, 4.10.3. */
static inline uint32_t bits_uvlc(struct bits *b)
{
    unsigned zeros = 0;
    while (!b->bad && !bits_flag(b))
        zeros++;
    if (b->bad || zeros >= 32)
        return UINT32_MAX;
    return bits_u(b, zeros) + ((uint32_t)1 << zeros) - 1;
}

#endif
