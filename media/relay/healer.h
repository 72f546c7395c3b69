// SPDX-License-Identifier: Apache-2.0
/* What a recorder misses is asked for longer than what viewers miss: they need it now or never, it has
 * seconds. The healer looks at the tape for what is missing and no longer asked for by the nacker, while
 * the publisher may still have it, and asks for a few packets at a time. */
#ifndef LOUPE_MEDIA_RELAY_HEALER_H
#define LOUPE_MEDIA_RELAY_HEALER_H

#include <stddef.h>
#include <stdint.h>

#include "media/relay/nacker.h"
#include "media/tape/tape.h"

/** A value; zeroed: off. */
struct healer {
    int64_t from;     /* nothing before is missing, or to be had; 0: off */
    int64_t asked_to; /* the next round begins here */
    uint64_t next_us; /* the next round; 0: nothing is known to be missing */
    uint32_t tokens;  /* packets that may be asked for */
    uint8_t odd;
};

/** On, for what comes after `head` (the newest packet now; 0: none); or off. */
void healer_begin(struct healer *h, int64_t head);
void healer_end(struct healer *h);
/** A packet came; `missing`: not all before it are here. */
void healer_note(struct healer *h, uint64_t now_us, bool missing);
/** Up to `size` packets to ask for, ascending but for one leap back. */
size_t healer_collect(struct healer *h, const struct tape *t, const struct nacker *n,
                      uint64_t now_us, uint32_t clock_rate, uint64_t rtt_us, int64_t *ret_seqs,
                      size_t size);
/** When healer_collect is due; UINT64_MAX. */
uint64_t healer_deadline_us(const struct healer *h);

#endif
