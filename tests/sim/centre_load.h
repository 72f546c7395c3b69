// SPDX-License-Identifier: Apache-2.0
/* Who comes and who works on a simulated day, drawn from the seed alone, so that every way of pairing
 * has the same buyers and the same agents. */
#ifndef LOUPE_TESTS_SIM_CENTRE_LOAD_H
#define LOUPE_TESTS_SIM_CENTRE_LOAD_H

#include "tests/sim/centre.h"

#define CENTRE_US UINT64_C(1000000)

struct centre_buyer {
    struct queue_case info;
    uint64_t comes_us, patience_us;
    uint64_t drops_after_us, back_after_us; /* 0: stays */
    uint64_t talks_us;                      /* in a language of theirs */
    uint64_t luck;                          /* decides how offers of this case end */
};

#define CENTRE_STINTS 4u

struct centre_worker {
    struct queue_agent info;
    /* When at work, in order: a shift with a break in it, which may go past midnight. */
    struct {
        uint64_t from_us, until_us;
    } stints[CENTRE_STINTS];
    unsigned stint_count;
    uint64_t outage_us; /* the connection is gone for half a minute; 0: never */
};

struct centre_load {
    struct centre_buyer *buyers; /* as they come */
    struct centre_worker *workers;
};

/** ER_NOMEM. */
int centre_load_new(const struct centre_config *config, struct centre_load *ret);
void centre_load_free(struct centre_load *load);

#endif
