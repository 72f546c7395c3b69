// SPDX-License-Identifier: Apache-2.0
/* The timers of cases' states over HTTP: how long each state has, and what happens then. */
#include <stdio.h>
#include <string.h>

#include "base/er.h"
#include "base/json.h"
#include "server/api_keep.h"
#include "server/store_log.h"
#include "server/store_timers.h"

static bool may_time(struct api_call *c)
{
    bool role = c->claims.role == ROLE_SERVICE || c->claims.role == ROLE_SUPERVISOR;
    return api_role_may(c, role, "timers are for service and supervisor to say") &&
           api_role_may(c, !claims_is_bound(&c->claims),
                        "a token for one case or room says nothing about the others");
}

static void answer(struct store *s, struct api_call *c)
{
    uint64_t seconds[CASE_STATES];
    int er = store_timers_get(s, c->claims.merchant, seconds);
    json_t *items = json_array();
    for (unsigned i = 0; !er && i < CASE_STATES; i++) {
        enum case_action then;
        if (!case_timer_then((enum case_state)i, &then))
            continue;
        json_t *o = json_pack("{s:s,s:o,s:s}", "state", case_state_name((enum case_state)i),
                              "seconds",
                              seconds[i] ? json_integer((json_int_t)seconds[i]) : json_null(),
                              "then", case_action_event(then));
        (void)json_array_append_new(items, o);
    }
    api_items(c, er, items);
}

void api_timers_get(struct store *s, struct api_call *c)
{
    if (may_time(c))
        answer(s, c);
}

/** A number of seconds, or null: for ever. */
static bool seconds_read(const json_t *v, uint64_t *ret)
{
    *ret = json_is_integer(v) && json_integer_value(v) > 0 ? (uint64_t)json_integer_value(v) : 0;
    return json_is_null(v) || (*ret > 0 && *ret <= LIMIT_TIMER_SECONDS);
}

static int timers_put(struct store *s, struct api_call *c)
{
    const char *name;
    json_t *v;
    int er = store_begin(s);
    if (er)
        return er;
    json_object_foreach(c->body, name, v)
    {
        enum case_state state;
        uint64_t seconds;
        if (er)
            break;
        er = case_state_parse(name, &state) || !seconds_read(v, &seconds) ? ER_INVALID : 0;
        if (!er)
            er = store_timer_set(s, c->claims.merchant, state, seconds);
    }
    if (!er)
        er = store_log_add(s, c->claims.merchant, c->claims.identity, "timers_changed", "", c->body,
                           c->unix_us);
    return store_end(s, er);
}

void api_timers_put(struct store *s, struct api_call *c)
{
    if (!may_time(c))
        return;
    int er = timers_put(s, c);
    if (er == ER_INVALID)
        api_problem(
            c, 400,
            "members are states that have a timer, with whole numbers of seconds from 1, or null");
    else if (er)
        api_problem_er(c, er, NULL);
    else
        answer(s, c);
}
