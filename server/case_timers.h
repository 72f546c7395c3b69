// SPDX-License-Identifier: Apache-2.0
/* How long a case stays in a state before something happens by itself, so that none is stuck where nobody looks. Pure. */
#ifndef LOUPE_SERVER_CASE_TIMERS_H
#define LOUPE_SERVER_CASE_TIMERS_H

#include <stdbool.h>
#include <stdint.h>

#include "server/cases.h"

/** Of this state, unless the merchant wants it otherwise; 0: it has none (waiting, in_call, closed, cancelled). */
uint64_t case_timer_seconds(enum case_state state);
/** What happens then: CASE_EXPIRE, CASE_LAPSE, CASE_OVERDUE, CASE_CLOSE. False: the state has no timer. */
bool case_timer_then(enum case_state state, enum case_action *ret);

#endif
