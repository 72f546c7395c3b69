// SPDX-License-Identifier: Apache-2.0
/* A contact centre for a day, in virtual time: buyers who come in waves, lose patience, drop and come
 * back; agents with shifts, skills and bad days; between them the pairing queue, or plain first come,
 * first served within each skill, under the same load. */
#ifndef LOUPE_TESTS_SIM_CENTRE_H
#define LOUPE_TESTS_SIM_CENTRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "signaling/pairing/queue.h"

struct centre_config {
    uint64_t seed;
    unsigned calls, agents;            /* in a day */
    unsigned hours;                    /* of the day that are simulated, from midnight */
    bool fifo;                         /* the comparison */
    const struct queue_policy *policy; /* NULL: the usual one, with some wrap-up */
};

/** Of all, or of one tier. Waits of those who were answered and of those who went alike. */
struct centre_waits {
    unsigned came, answered, in_time; /* within two minutes */
    unsigned abandoned, lost;         /* gave up; dropped and did not come back */
    double median_s, p90_s, longest_s;
};

struct centre_result {
    struct centre_waits all, tiers[QUEUE_TIERS];
    unsigned offers, declined, rang_out, withdrawn;
    unsigned other_language, other_team, preferred_met, preferred_wanted;
    /* What must be zero */
    unsigned doubled;    /* a case with two agents, or an agent with two offers */
    unsigned overloaded; /* calls beyond an agent's capacity */
    unsigned astray;     /* cases neither answered nor gone in the end */
    unsigned overtaken;  /* offers to who came later than tier and urgency make up for */
    unsigned unsound;    /* queue_is_sound said no */
    /* How far the wait that was told first, and whenever, was from the true one: medians of the
     * relative error, among the answered who had to wait ten seconds and more. */
    double first_error, any_error;
    unsigned told;
    double busy; /* share of the agents' time in calls and wrap-up */
};

/** A whole day. 0 or ER_NOMEM. */
int centre_run(const struct centre_config *config, struct centre_result *ret);

#endif
