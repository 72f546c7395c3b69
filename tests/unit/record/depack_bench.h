// SPDX-License-Identifier: Apache-2.0
/* A depacketiser that is fed packets byte by byte, for the tests of single codecs. */
#ifndef LOUPE_TESTS_UNIT_RECORD_DEPACK_BENCH_H
#define LOUPE_TESTS_UNIT_RECORD_DEPACK_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "media/record/depack.h"

/** How a packet stands in its picture. */
enum { MIDDLE = 0, FIRST = TAPE_FRAME_START, LAST = TAPE_MARKER, WHOLE = FIRST | LAST };

struct bench {
    struct depack *depack;
    enum media_codec codec;
    int64_t seq, timestamp;
    struct depack_frame frame; /* the last that came out */
};

/** The next packet: what depack_push says of it. A first one begins the next picture's time. */
static inline int bench_push(struct bench *b, uint16_t flags, const void *payload, size_t len)
{
    struct tape_packet *p = calloc(1, sizeof *p + len);
    assert_non_null(p);
    if (flags & FIRST)
        b->timestamp += 3000;
    p->seq = ++b->seq;
    p->timestamp = b->timestamp;
    p->flags = flags;
    p->codec = (uint8_t)b->codec;
    p->payload_len = (uint16_t)len;
    memcpy(p->payload, payload, len);
    int er = depack_push(b->depack, p, &b->frame);
    free(p);
    return er;
}

/* Literals may have zeros inside: their size counts. */
#define PUSH(b, flags, literal) bench_push(b, flags, literal, sizeof(literal) - 1)
#define ASSERT_FRAME(b, literal)                                                                   \
    do {                                                                                           \
        assert_int_equal((b)->frame.len, sizeof(literal) - 1);                                     \
        assert_memory_equal((b)->frame.data, literal, sizeof(literal) - 1);                        \
    } while (0)

static inline int bench_start(void **state, enum media_codec codec)
{
    struct bench *b = calloc(1, sizeof *b);
    *state = b;
    if (!b)
        return ER_NOMEM;
    b->codec = codec;
    b->timestamp = 90000;
    return depack_new(&b->depack);
}

static inline int bench_stop(void **state)
{
    struct bench *b = *state;
    depack_free(b->depack);
    free(b);
    return 0;
}

#endif
