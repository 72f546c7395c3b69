// SPDX-License-Identifier: Apache-2.0
/* Packets for tapes: the payload tells the number, so that a reader can be checked. */
#ifndef LOUPE_TESTS_UNIT_TAPE_TAPE_FILL_H
#define LOUPE_TESTS_UNIT_TAPE_TAPE_FILL_H

#include <string.h>

#include "base/er.h"
#include "media/tape/tape.h"

static inline int tape_fill_sized(struct tape *t, int64_t seq, uint64_t at_us, unsigned flags,
                                  uint16_t len)
{
    static const uint8_t zeros[LIMIT_RTP_PACKET];
    uint8_t payload[LIMIT_RTP_PACKET];
    const struct tape_packet *p = NULL;
    const struct tape_packet head = {.seq = seq,
                                     .timestamp = seq * 3000,
                                     .arrival_us = at_us,
                                     .payload_len = len,
                                     .flags = (uint8_t)flags};
    memcpy(payload, zeros, sizeof payload);
    memcpy(payload, &seq, sizeof seq);
    struct tape_input in = {.head = &head, .payload = payload};
    int er = tape_append(t, &in, &p);
    return er == 0 && p->seq != seq ? ER_INTERNAL : er;
}

/** A packet that is a picture of its own. */
static inline int tape_fill(struct tape *t, int64_t seq, uint64_t at_us, unsigned flags)
{
    return tape_fill_sized(t, seq, at_us, flags | TAPE_FRAME_START | TAPE_MARKER, 100);
}

/** Is it packet `seq` with the bytes that tape_fill gave it? */
static inline bool tape_fill_is(const struct tape_packet *p, int64_t seq)
{
    return p && p->seq == seq && p->timestamp == seq * 3000 &&
           memcmp(p->payload, &seq, sizeof seq) == 0;
}

#endif
