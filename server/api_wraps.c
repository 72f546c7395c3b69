// SPDX-License-Identifier: Apache-2.0
/* What merchants want of pairing, and the wrap-ups that agents owe, over HTTP. */
#include <string.h>

#include "base/er.h"
#include "base/json.h"
#include "server/api_keep.h"
#include "server/calls.h"
#include "server/case_deeds.h"
#include "server/store_log.h"
#include "server/store_wraps.h"

/* What merchants want */

static bool may_rule(struct api_call *c)
{
    bool role = c->claims.role == ROLE_SERVICE || c->claims.role == ROLE_SUPERVISOR;
    return api_role_may(c, role, "pairing is for service and supervisor to rule") &&
           api_role_may(c, !claims_is_bound(&c->claims),
                        "a token for one case or room says nothing about the others");
}

static void rules_answer(struct store *s, struct api_call *c)
{
    json_t *rules;
    int er = store_pairing_get(s, c->claims.merchant, &rules);
    if (er) {
        api_problem_er(c, er, NULL);
        return;
    }
    api_json(c, 200, pairing_rules_whole(rules));
    json_decref(rules);
}

void api_pairing_get(struct store *s, struct api_call *c)
{
    if (may_rule(c))
        rules_answer(s, c);
}

void api_pairing_put(struct store *s, struct api_call *c)
{
    if (!may_rule(c))
        return;
    const char *why = pairing_rules_check(c->body);
    if (why) {
        api_problem(c, 400, why);
        return;
    }
    int er = store_begin(s);
    if (!er) {
        er = store_pairing_put(s, c->claims.merchant, c->body);
        if (!er)
            er = store_log_add(s, c->claims.merchant, c->claims.identity, "pairing_changed", "",
                               c->body, c->unix_us);
        er = store_end(s, er);
    }
    if (er)
        api_problem_er(c, er, NULL);
    else
        rules_answer(s, c);
}

/* Wrap-ups */

struct listing {
    json_t *items;
    uint64_t unix_us;
};

static void list_one(void *ctx, const struct store_wrap *w)
{
    struct listing *l = ctx;
    (void)json_array_append_new(l->items, store_wrap_json(w, l->unix_us));
}

void api_wraps_list(struct store *s, struct api_call *c)
{
    bool all = c->claims.role == ROLE_SERVICE || c->claims.role == ROLE_SUPERVISOR;
    if (!api_role_may(c, all || case_role_may_do(CASE_WRAP_UP, c->claims.role),
                      "this role owes no wrap-ups, and sees none") ||
        !api_role_may(c, !claims_is_bound(&c->claims),
                      "a token for one case or room says nothing about the others"))
        return;
    struct listing l = {.items = json_array(), .unix_us = c->unix_us};
    int er = store_wraps_each(s, c->claims.merchant, all ? NULL : c->claims.identity, list_one, &l);
    api_items(c, er, l.items);
}

static void on_wrapped(void *ctx, int er, const char *why, const json_t *body)
{
    struct api_call *c = ctx;
    if (er == ER_FULL) {
        http_header_add(&c->response, "retry-after", "1");
        api_problem(c, 429, why);
    } else if (er) {
        api_problem_er(c, er, why);
    } else {
        api_json(c, 200, json_deep_copy(body));
    }
    api_answer(c);
}

static void ask(struct api_call *c, bool extend)
{
    struct calls_wrap wrap = {
        .case_id = c->params.values[0],
        .agent = json_text(c->body, "agent", LIMIT_IDENTITY),
        .disposition = json_text(c->body, "disposition", 64),
        .note = json_text(c->body, "note", LIMIT_CHAT_BYTES),
        .extend = extend,
    };
    const char *why = NULL;
    bool no_note = wrap.note && !wrap.note[0];
    if (json_object_get(c->body, "agent") && !wrap.agent)
        why = "`agent` is not an identity";
    else if (json_object_get(c->body, "note") && !wrap.note)
        why = "`note` is not a text of at most 4000 bytes";
    if (no_note)
        wrap.note = NULL;
    if (!why) {
        calls_wrap_up(c->app->calls, &c->claims, &wrap, on_wrapped, c);
        return;
    }
    api_problem(c, 400, why);
    api_answer(c);
}

void api_wrap_give(struct api_call *c)
{
    ask(c, false);
}

void api_wrap_extend(struct api_call *c)
{
    ask(c, true);
}
