// SPDX-License-Identifier: Apache-2.0
/* Which packets a browser asks for again, and when, as libwebrtc does: at once when a gap shows
 * (later on a path that reorders), then every round trip, ten times; the list is looked at every
 * 20 ms. What is older than the last picture decoded is no longer wanted. */
#ifndef LOUPE_TESTS_SIM_WANTS_H
#define LOUPE_TESTS_SIM_WANTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WANTS_MAX 1000
#define WANTS_TRIES 10

struct wants_item {
    int64_t seq;
    int64_t ask_from_seq; /* not before this one has come, or the next look at the list */
    uint64_t asked_us;    /* 0: not yet */
    uint8_t tries;
};

/** Zeroed: empty. Items in order of their numbers. */
struct wants {
    int64_t newest; /* 0: nothing seen */
    double reorder; /* how many packets a late one is late by, usually */
    size_t count;
    struct wants_item items[WANTS_MAX];
    uint64_t look_us; /* when the list is looked at next; 0: it is empty */
    bool fresh;       /* something is to be asked for at once */
    bool overflow;    /* too much was missing: a key frame is needed. Cleared by the reader */
    uint64_t given_up;
};

/** A packet came; `again`: it was sent again. */
void wants_see(struct wants *w, uint64_t now_us, int64_t seq, bool again);
/** Nothing below `seq` is wanted any more. */
void wants_forget_below(struct wants *w, int64_t seq);
/** What to ask for now: at most `size`, ascending. */
size_t wants_collect(struct wants *w, uint64_t now_us, uint64_t rtt_us, uint16_t *ret_seqs,
                     size_t size);
/** HEAP_NEVER: nothing is missing. */
uint64_t wants_deadline_us(const struct wants *w, uint64_t now_us);

#endif
