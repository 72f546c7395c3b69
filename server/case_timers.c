// SPDX-License-Identifier: Apache-2.0
/* The table of timers. */
#include "server/case_timers.h"

#define DAYS(n) ((n)*UINT64_C(86400))

static const struct {
    uint64_t seconds;
    enum case_action then;
} timers[CASE_STATES] = {
    [CASE_OPEN] = {DAYS(30), CASE_EXPIRE},      /* cancelled */
    [CASE_PROPOSED] = {DAYS(3), CASE_LAPSE},    /* open again: silence agrees to nothing */
    [CASE_AGREED] = {DAYS(7), CASE_OVERDUE},    /* what was agreed was not carried out */
    [CASE_DISPUTED] = {DAYS(2), CASE_OVERDUE},  /* no arbiter has taken it */
    [CASE_IN_REVIEW] = {DAYS(7), CASE_OVERDUE}, /* no ruling */
    [CASE_RULED] = {DAYS(7), CASE_OVERDUE},     [CASE_EXECUTED] = {DAYS(7), CASE_CLOSE},
};

uint64_t case_timer_seconds(enum case_state state)
{
    return (unsigned)state < CASE_STATES ? timers[state].seconds : 0;
}

bool case_timer_then(enum case_state state, enum case_action *ret)
{
    if (!case_timer_seconds(state))
        return false;
    *ret = timers[state].then;
    return true;
}
