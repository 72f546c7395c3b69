// SPDX-License-Identifier: Apache-2.0
/* How long clips, stills and attachments are kept, over HTTP: periods, and legal holds, which beat them. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/str.h"
#include "server/api_keep.h"
#include "server/api_page.h"
#include "server/store_keep.h"

bool api_role_may(struct api_call *c, bool may, const char *why)
{
    if (!may)
        api_problem(c, 403, why);
    return may;
}

/* Periods */

static void member_of(unsigned kind, char ret[static 32])
{
    (void)snprintf(ret, 32, "%s_seconds", keep_kind_name(kind));
}

static void answer_retention(struct store *s, struct api_call *c)
{
    struct store_retention r;
    char name[32];
    int er = store_retention_get(s, c->claims.merchant, &r);
    json_t *o = er ? NULL : json_object();
    for (unsigned i = 0; o && i < KEEP_KINDS; i++) {
        member_of(i, name);
        (void)json_object_set_new(
            o, name, r.seconds[i] ? json_integer((json_int_t)r.seconds[i]) : json_null());
    }
    if (er)
        api_problem_er(c, er, NULL);
    else
        api_json(c, 200, o);
}

static bool may_forget(struct api_call *c)
{
    return api_role_may(c, role_describe(c->claims.role)->forgets,
                        "what is kept is for service and supervisor to say") &&
           api_role_may(c, !claims_is_bound(&c->claims),
                        "a token for one case or room says nothing about the others");
}

void api_retention_get(struct store *s, struct api_call *c)
{
    if (may_forget(c))
        answer_retention(s, c);
}

/** A period, or null. False: neither. */
static bool seconds_read(const json_t *value, uint64_t *ret)
{
    json_int_t n = json_integer_value(value);
    *ret = json_is_null(value) ? 0 : (uint64_t)n;
    return json_is_null(value) || (json_is_integer(value) && n > 0 && n <= LIMIT_RETENTION_SECONDS);
}

static int retention_put(struct store *s, struct api_call *c)
{
    char name[32];
    uint64_t seconds;
    int er = store_begin(s);
    if (er)
        return er;
    for (unsigned i = 0; er == 0 && i < KEEP_KINDS; i++) {
        bool changed = false;
        member_of(i, name);
        const json_t *value = json_object_get(c->body, name);
        if (value && seconds_read(value, &seconds))
            er = store_retention_set(s, c->claims.merchant, i, seconds, c->claims.identity,
                                     c->unix_us, &changed);
        c->retained += changed;
    }
    er = store_end(s, er);
    c->retained = er ? 0 : c->retained;
    return er;
}

/** Every member is the period of some kind. */
static bool retention_good(const json_t *body)
{
    json_t *walked = (json_t *)(uintptr_t)body; /* jansson walks, but does not change it */
    uint64_t seconds;
    char name[32];
    for (void *at = json_object_iter(walked); at; at = json_object_iter_next(walked, at)) {
        bool known = false;
        for (unsigned i = 0; i < KEEP_KINDS && !known; i++) {
            member_of(i, name);
            known = strcmp(name, json_object_iter_key(at)) == 0;
        }
        if (!known || !seconds_read(json_object_iter_value(at), &seconds))
            return false;
    }
    return true;
}

void api_retention_put(struct store *s, struct api_call *c)
{
    if (!may_forget(c))
        return;
    if (!retention_good(c->body)) {
        api_problem(c, 400,
                    "members are clip_seconds, lookback_seconds, trim_seconds, "
                    "still_seconds, photo_seconds and attachment_seconds: whole numbers from 1, "
                    "or null");
        return;
    }
    int er = retention_put(s, c);
    c->sweep = er == 0;
    if (er)
        api_problem_er(c, er, NULL);
    else
        answer_retention(s, c);
}

static json_t *period_json(uint64_t seconds)
{
    return seconds ? json_integer((json_int_t)seconds) : json_null();
}

static void change_add(void *ctx, const struct store_retention_change *c)
{
    struct api_page *page = ctx;
    char at[CLOCK_TEXT_BYTES];
    if (!api_page_takes(page, c->seq))
        return;
    clock_format(c->at_us, at);
    (void)json_array_append_new(page->items, json_pack("{s:I,s:s,s:s,s:s,s:o,s:o}", "seq",
                                                       (json_int_t)c->seq, "at", at, "actor",
                                                       c->actor, "kind", keep_kind_name(c->kind),
                                                       "from_seconds", period_json(c->from_seconds),
                                                       "to_seconds", period_json(c->to_seconds)));
}

void api_retention_changes(struct store *s, struct api_call *c)
{
    struct api_page page;
    if (!may_forget(c) || !api_page_read(c, &page))
        return;
    int er = store_retention_changes(s, c->claims.merchant, page.after, page.limit + 1, change_add,
                                     &page);
    api_page_answer(c, er, &page);
}

int api_keeping_add(struct store *s, const struct api_kept *kept, json_t *object)
{
    struct store_keeping k;
    int er = store_keeping_of(s, kept->case_id, kept->kind, kept->id, kept->made_us, 0, &k);
    if (!er && json_object_set_new(object, "held", json_boolean(k.held)))
        er = ER_NOMEM;
    char until[CLOCK_TEXT_BYTES];
    clock_format(er ? 0 : k.until_us, until);
    if (!er &&
        json_object_set_new(object, "kept_until", k.until_us ? json_string(until) : json_null()))
        er = ER_NOMEM;
    return er;
}

/* Holds */

static bool may_hold(struct api_call *c)
{
    return api_role_may(c, role_describe(c->claims.role)->holds,
                        "holds are for service, supervisor and arbiter");
}

static void hold_add(void *ctx, const struct store_hold *h)
{
    (void)json_array_append_new(ctx, store_hold_json(h));
}

void api_holds_list(struct store *s, struct api_call *c)
{
    struct store_case sc;
    if (!api_case_evidence(s, c, &sc))
        return;
    json_t *items = json_array();
    int er = items ? store_holds_of_case(s, &sc.id, hold_add, items) : ER_NOMEM;
    store_case_clear(&sc);
    api_items(c, er, items);
}

bool api_reason_ok(struct api_call *c, const char *reason)
{
    if (claims_text_ok(reason) && strlen(reason) <= LIMIT_NAME)
        return true;
    api_problem(c, 400, "`reason` says why, in at most 200 bytes");
    return false;
}

/** What is to be held, of the body; false: the problem is set. */
static bool hold_read(struct api_call *c, struct store_hold *h)
{
    const char *reason = json_string_value(json_object_get(c->body, "reason"));
    if (!api_reason_ok(c, reason))
        return false;
    (void)str_copy(h->reason, sizeof h->reason, reason);
    (void)str_copy(h->object, sizeof h->object, "case");
    for (unsigned i = 0; i < KEPT_OBJECTS; i++) {
        const char *object = keep_object_name((enum keep_object)i);
        const json_t *v = json_object_get(c->body, object);
        const char *id = json_string_value(v);
        if (!v)
            continue;
        if (!id || id_parse(id, &h->of) || strcmp(h->object, "case") != 0) {
            api_problem(c, 400, "`clip`, `still` or `attachment` is the id of one of them");
            return false;
        }
        (void)str_copy(h->object, sizeof h->object, object);
    }
    (void)str_copy(h->placed_by, sizeof h->placed_by, c->claims.identity);
    h->firm = role_describe(c->claims.role)->rules;
    return true;
}

static void answer_hold(struct api_call *c, int status, int er, const struct store_hold *h)
{
    if (er == ER_FULL)
        api_problem(c, 429, "there are too many holds on this case");
    else if (er)
        api_problem_er(c, er,
                       er == ER_NOT_FOUND  ? "there is no such thing to hold"
                       : er == ER_CONFLICT ? "it was lifted before"
                       : er == ER_DENIED   ? "an arbiter placed it, and only an arbiter lifts it"
                                           : NULL);
    else
        api_json(c, status, store_hold_json(h));
}

void api_hold_place(struct store *s, struct api_call *c)
{
    struct store_case sc;
    struct store_hold h = {0};
    if (!may_hold(c) || !api_case(s, c, &sc))
        return;
    h.case_id = sc.id;
    store_case_clear(&sc);
    if (hold_read(c, &h))
        answer_hold(c, 201, store_hold_place(s, &h, c->unix_us), &h);
}

void api_hold_lift(struct store *s, struct api_call *c)
{
    struct store_hold h;
    struct id id;
    const char *reason = json_string_value(json_object_get(c->body, "reason"));
    if (!may_hold(c) || !api_reason_ok(c, reason))
        return;
    int er = id_parse(c->params.values[0], &id) ? ER_NOT_FOUND : store_hold_get(s, &id, &h);
    if (er) {
        api_problem_er(c, er, er == ER_NOT_FOUND ? "there is no such hold" : NULL);
        return;
    }
    if (!api_evidence_allowed(s, c, &h.case_id))
        return;
    er = store_hold_lift(s, &id, c->claims.identity, role_describe(c->claims.role)->rules, reason,
                         c->unix_us, &h);
    c->sweep = er == 0;
    answer_hold(c, 200, er, &h);
}
