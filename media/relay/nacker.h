// SPDX-License-Identifier: Apache-2.0
/* Which packets of a source are missing, and when to ask for each (again): the receiving half of
 * RFC 4585's generic NACK. */
#ifndef LOUPE_MEDIA_RELAY_NACKER_H
#define LOUPE_MEDIA_RELAY_NACKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

struct nacker_item {
    int64_t seq;
    uint64_t ask_at_us;
    uint32_t since_us; /* since when it was missed, and when it was asked for: lower halves */
    uint32_t asked_us;
    uint8_t tries;
};

/** A value; zeroed memory is an empty one. Items are sorted by seq. */
struct nacker {
    int64_t highest;  /* 0: nothing seen yet */
    uint64_t late_us; /* how late packets are that are only late: a path that reorders */
    /* Of the packet recovered last: */
    uint64_t missed_us;     /* for how long it was missing */
    uint64_t rtt_sample_us; /* from the request to it, when one sufficed; else 0 */
    bool asked;             /* it had been asked for */
    uint32_t loss_q16;      /* share of packets that did not come at first, smoothed; of 65536 */
    size_t count;
    struct nacker_item items[LIMIT_NACK_PENDING];
};

enum nacker_seen {
    NACKER_IN_ORDER,
    NACKER_RECOVERED, /* it was missing */
    NACKER_OVERFLOW,  /* more is missing than can be asked for: all given up, ask for a key frame */
};

/** A packet came. Numbers skipped before it are missing from now on, and asked for after
 *  `reorder_us`, or longer on a path that was seen to reorder, in case they are only late. */
enum nacker_seen nacker_see(struct nacker *n, int64_t seq, uint64_t now_us, uint64_t reorder_us);
/** What is missing before `seq` is not asked for any more: a gap too old to be worth it. */
void nacker_skip(struct nacker *n, int64_t seq);
/** The packet recovered last had been asked for, but came as it was sent first (not by RTX): it was
 *  only late. */
void nacker_was_late(struct nacker *n);
/** Up to `size` packets to ask for now, ascending; each is asked for again after about `rtt_us` the
 *  first time and sooner later on, LIMIT_NACK_TRIES times at most. `ret_given_up` counts those that
 *  ran out of tries just now. */
size_t nacker_collect(struct nacker *n, uint64_t now_us, uint64_t rtt_us, int64_t *ret_seqs,
                      size_t size, unsigned *ret_given_up);
/** The path loses so much (over 2%) that requests are worth sending twice. */
bool nacker_is_lossy(const struct nacker *n);
/** When nacker_collect has something; UINT64_MAX when nothing is missing. */
uint64_t nacker_deadline_us(const struct nacker *n);

#endif
