// SPDX-License-Identifier: Apache-2.0
/* Alarms of cases: moments at which something that is told by events alone may have run out, a question of an arbiter
 * say. What did, an event says then. Part of the store (store.h). */
#ifndef LOUPE_SERVER_STORE_ALARMS_H
#define LOUPE_SERVER_STORE_ALARMS_H

#include "server/store_timers.h"

/** The case is looked at as soon as that moment is past; once, however often it is said. */
int store_alarm_set(struct store *s, const struct id *case_id, uint64_t due_us);
/** Looks at `max` cases at most; otherwise as store_timers_run. In `ret` are those of which something ran out. */
int store_alarms_run(struct store *s, uint64_t now_us, struct id *ret, size_t max,
                     size_t *ret_count, struct timers_stuck *ret_stuck);

#endif
