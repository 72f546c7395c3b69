// SPDX-License-Identifier: Apache-2.0
/* What pairs buyers and agents in the simulated centre, by their numbers in its load: the pairing queue
 * as it is, or first come, first served within each skill. */
#ifndef LOUPE_TESTS_SIM_CENTRE_DESK_H
#define LOUPE_TESTS_SIM_CENTRE_DESK_H

#include "tests/sim/centre_load.h"

enum desk_event_type { DESK_OFFER, DESK_ENDED, DESK_AWAY, DESK_LOST, DESK_TOLD };

struct desk_event {
    enum desk_event_type type;
    unsigned buyer, worker;
    bool expired;                               /* DESK_ENDED */
    bool preferred, other_language, other_team; /* DESK_OFFER */
    int64_t wait_ms;                            /* DESK_TOLD; -1: not known */
};

struct desk {
    void *self;
    void (*free)(void *self);
    void (*wait)(void *self, unsigned buyer, uint64_t now_us);
    void (*stop)(void *self, unsigned buyer, uint64_t now_us);
    void (*buyer_present)(void *self, unsigned buyer, bool present, uint64_t now_us);
    void (*agent_set)(void *self, unsigned worker, bool on, uint64_t now_us);
    void (*agent_present)(void *self, unsigned worker, bool present, uint64_t now_us);
    /* Of the offer that rings: false when there is none any more. */
    bool (*accept)(void *self, unsigned worker, uint64_t now_us);
    bool (*decline)(void *self, unsigned worker, uint64_t now_us);
    void (*call_end)(void *self, unsigned worker, unsigned buyer, uint64_t now_us);
    void (*tick)(void *self, uint64_t now_us);
    uint64_t (*deadline_us)(void *self);
    bool (*next_event)(void *self, struct desk_event *ret);
    bool (*is_sound)(void *self);
};

/** The load is borrowed. ER_NOMEM. */
int desk_of_queue(const struct centre_load *load, const struct centre_config *config,
                  const struct queue_policy *policy, struct desk *ret);
int desk_of_fifo(const struct centre_load *load, const struct centre_config *config,
                 const struct queue_policy *policy, struct desk *ret);
/** Whether they can talk about the case at all: skill and certificate, and one of the languages. */
bool centre_skilled(const struct queue_agent *a, const struct queue_case *c);
bool centre_speaks(const struct queue_agent *a, const struct queue_case *c);

#endif
