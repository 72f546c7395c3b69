// SPDX-License-Identifier: Apache-2.0
/* Timers of cases: kept with the case, found by an index, carried out as the transitions they are. */
#include "server/store_timers.h"

#include <string.h>

#include "base/er.h"
#include "server/store_sql.h"

#define AGAIN_US UINT64_C(3600000000)

int store_timers_get(struct store *s, const char *merchant, uint64_t ret_seconds[CASE_STATES])
{
    sqlite3_stmt *st;
    for (unsigned i = 0; i < CASE_STATES; i++)
        ret_seconds[i] = case_timer_seconds((enum case_state)i);
    int er = sql_begin(s, &st, "SELECT state, seconds FROM timers WHERE merchant = ?", "t",
                       merchant);
    if (er)
        return er;
    while ((er = sql_step(s, st)) == 1) {
        enum case_state state;
        if (case_state_parse((const char *)sqlite3_column_text(st, 0), &state) == 0)
            ret_seconds[state] = sql_u64(st, 1);
    }
    sql_end(st);
    return er;
}

int store_timer_set(struct store *s, const char *merchant, enum case_state state, uint64_t seconds)
{
    if (!case_timer_seconds(state))
        return ER_INVALID;
    return sql_run(s, NULL,
                   "INSERT INTO timers VALUES(?, ?, ?) ON CONFLICT(merchant, state)"
                   " DO UPDATE SET seconds = excluded.seconds",
                   "tti", merchant, case_state_name(state), (int64_t)seconds);
}

int store_timer_start(struct store *s, const char *merchant, enum case_state state, uint64_t now_us,
                      uint64_t *ret_due_us)
{
    sqlite3_stmt *st;
    uint64_t seconds = case_timer_seconds(state);
    *ret_due_us = 0;
    if (!seconds)
        return 0;
    int er = sql_begin(s, &st, "SELECT seconds FROM timers WHERE merchant = ? AND state = ?", "tt",
                       merchant, case_state_name(state));
    if (er)
        return er;
    er = sql_step(s, st);
    if (er == 1)
        seconds = sql_u64(st, 0);
    sql_end(st);
    *ret_due_us = er < 0 || !seconds ? 0 : now_us + seconds * UINT64_C(1000000);
    return er < 0 ? er : 0;
}

struct due {
    struct id id;
    enum case_state state;
    uint64_t version;
};

static int due_find(struct store *s, uint64_t now_us, struct due *ret)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st,
                       "SELECT id, state, version FROM cases"
                       " WHERE due_us > 0 AND due_us <= ? ORDER BY due_us LIMIT 1",
                       "i", (int64_t)now_us);
    if (er)
        return er;
    er = sql_step(s, st);
    if (er == 1) {
        ret->id = sql_id(st, 0);
        ret->version = sql_u64(st, 2);
        if (case_state_parse((const char *)sqlite3_column_text(st, 1), &ret->state))
            ret->state = CASE_STATES;
    }
    sql_end(st);
    return er == 1 ? 0 : er ? er : ER_NOT_FOUND;
}

static int due_act(struct store *s, const struct due *d, uint64_t now_us)
{
    struct store_case after;
    struct store_action a = {
        .case_id = d->id, .actor = "system", .role = ROLE_COUNT, .if_version = d->version};
    if (d->state == CASE_STATES)
        return ER_INTERNAL;
    if (!case_timer_then(d->state, &a.action)) /* as no version has left it */
        return sql_run(s, NULL, "UPDATE cases SET due_us = 0 WHERE id = ?", "t", d->id.text);
    int er = store_case_act(s, &a, now_us, &after);
    if (er == 0 || er == ER_CONFLICT)
        store_case_clear(&after);
    return er;
}

/** Neither the next one nor the next look waits for it. */
static int put_off(struct store *s, const struct due *d, uint64_t now_us)
{
    return sql_run(s, NULL, "UPDATE cases SET due_us = ? WHERE id = ?", "it",
                   (int64_t)(now_us + AGAIN_US), d->id.text);
}

int store_timers_run(struct store *s, uint64_t now_us, struct id *ret, size_t max,
                     size_t *ret_count, struct timers_stuck *ret_stuck)
{
    int er = 0;
    *ret_count = 0;
    *ret_stuck = (struct timers_stuck){0};
    while (!er && *ret_count + ret_stuck->count < max) {
        struct due d;
        er = due_find(s, now_us, &d);
        if (er)
            break;
        int why = due_act(s, &d, now_us);
        if (why) {
            *ret_stuck = (struct timers_stuck){ret_stuck->count + 1, d.id, why};
            er = put_off(s, &d, now_us);
        } else {
            ret[(*ret_count)++] = d.id;
        }
    }
    return er == ER_NOT_FOUND ? 0 : er;
}
