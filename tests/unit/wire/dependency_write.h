// SPDX-License-Identifier: Apache-2.0
/* Dependency descriptors for tests, bit by bit: three temporal layers; two spatial ones. */
#ifndef LOUPE_TESTS_UNIT_WIRE_DEPENDENCY_WRITE_H
#define LOUPE_TESTS_UNIT_WIRE_DEPENDENCY_WRITE_H

#include <stdint.h>
#include <string.h>

struct dependency_writer {
    uint8_t bytes[64];
    size_t bits;
};

static inline void dependency_put(struct dependency_writer *w, uint32_t value, unsigned count)
{
    for (; count > 0; count--, w->bits++)
        if (value >> (count - 1) & 1)
            w->bytes[w->bits / 8] |= (uint8_t)(0x80 >> w->bits % 8);
}

static inline size_t dependency_len(const struct dependency_writer *w)
{
    return (w->bits + 7) / 8;
}

/** The first three bytes. */
static inline void dependency_begin(struct dependency_writer *w, unsigned start_end,
                                    unsigned template_id, unsigned number)
{
    memset(w, 0, sizeof *w);
    dependency_put(w, start_end, 2);
    dependency_put(w, template_id, 6);
    dependency_put(w, number, 16);
}

/** Indications as text: -: absent, D, S, R. */
static inline void dependency_put_indications(struct dependency_writer *w, const char *text)
{
    for (; *text; text++)
        dependency_put(w, (uint32_t)(strchr("-DSR", *text) - "-DSR"), 2);
}

/** A key frame's descriptor with templates 10 to 14: three temporal layers, one chain, 640x360. */
static inline void dependency_key_of_three_temporal(struct dependency_writer *w, unsigned number)
{
    dependency_begin(w, 3, 10, number);
    dependency_put(w, 0x10, 5); /* a structure comes with it */
    dependency_put(w, 10, 6);
    dependency_put(w, 2, 5); /* three targets */
    /* layers: 0 0 1 2 2 */
    dependency_put(w, 0, 2);
    dependency_put(w, 1, 2);
    dependency_put(w, 1, 2);
    dependency_put(w, 0, 2);
    dependency_put(w, 3, 2);
    dependency_put_indications(w, "SSSSSS-DS--D--D");
    dependency_put(w, 0, 1);                   /* the key frame refers to nothing */
    dependency_put(w, 1 << 5 | 3 << 1 | 0, 6); /* 4 back */
    dependency_put(w, 1 << 5 | 1 << 1 | 0, 6); /* 2 back */
    dependency_put(w, 1 << 5 | 0 << 1 | 0, 6); /* 1 back */
    dependency_put(w, 1 << 5 | 0 << 1 | 1, 6); /* 1 back and */
    dependency_put(w, 1 << 1 | 0, 5);          /* 2 back */
    dependency_put(w, 1, 2);                   /* one chain of 0 to 3: ns(4) */
    /* which protects all targets: ns(1) has no bits; fdiffs of five templates */
    dependency_put(w, 0x04213, 20);
    dependency_put(w, 1, 1);
    dependency_put(w, 639, 16);
    dependency_put(w, 359, 16);
}

/** A key frame's descriptor with templates 0 to 3: two spatial layers, the upper one in need of the
 *  lower one at key frames only. Of the lower layer's frame. */
static inline void dependency_key_of_two_spatial(struct dependency_writer *w, unsigned number)
{
    dependency_begin(w, 3, 0, number);
    dependency_put(w, 0x10, 5);
    dependency_put(w, 0, 6);
    dependency_put(w, 1, 5); /* two targets */
    /* layers: S0 S0 S1 S1 */
    dependency_put(w, 0, 2);
    dependency_put(w, 2, 2);
    dependency_put(w, 0, 2);
    dependency_put(w, 3, 2);
    dependency_put_indications(w, "SSR--S-R");
    dependency_put(w, 0, 1);
    dependency_put(w, 1 << 5 | 1 << 1 | 0, 6); /* 2 back */
    dependency_put(w, 1 << 5 | 0 << 1 | 0, 6); /* the lower layer's */
    dependency_put(w, 1 << 5 | 1 << 1 | 0, 6);
    dependency_put(w, 0, 1); /* no chains: ns(3) */
    dependency_put(w, 1, 1);
    dependency_put(w, 319, 16);
    dependency_put(w, 179, 16);
    dependency_put(w, 639, 16);
    dependency_put(w, 359, 16);
}

#endif
