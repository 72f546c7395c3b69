// SPDX-License-Identifier: Apache-2.0
/* Business hours over HTTP: read by a merchant's own people, set by service and supervisor. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/str.h"
#include "server/api_keep.h"
#include "server/http_range.h"
#include "server/store_hours.h"
#include "server/store_log.h"

static bool may_read(struct api_call *c)
{
    const struct role_info *role = role_describe(c->claims.role);
    return api_role_may(c, role->takes_calls || role->forgets || role->rules,
                        "business hours are for a merchant's own people");
}

static bool may_change(struct api_call *c)
{
    return api_role_may(c, role_describe(c->claims.role)->forgets,
                        "business hours are set by service and supervisor") &&
           api_role_may(c, !claims_is_bound(&c->claims),
                        "a token for one case or room says nothing about the others");
}

/** The team that the path names; "": none. False: the problem is set. */
static bool team_of(struct api_call *c, char ret[static STORE_SHORT_BYTES])
{
    ret[0] = '\0';
    if (!c->params.values[0][0] || store_hours_team(c->params.values[0], ret) == 0)
        return true;
    api_problem(c, 400, "a team's name has 1 to 64 bytes");
    return false;
}

static void etag_of(const struct store_hours *h, char *ret, size_t size)
{
    (void)snprintf(ret, size, "\"%llu\"", (unsigned long long)h->version);
}

json_t *api_hours_now(const struct hours *h, uint64_t unix_us)
{
    struct hours_state now;
    char at[CLOCK_TEXT_BYTES];
    hours_at(h, (int64_t)(unix_us / 1000000), &now);
    json_t *o = json_pack("{s:b}", "open", (int)now.open);
    json_t *until = json_null();
    if (now.until_s != HOURS_NEVER) {
        clock_format((uint64_t)now.until_s * 1000000, at);
        until = json_string(at);
    }
    if (o && json_object_set_new(o, now.open ? "closes_at" : "opens_at", until) == 0 &&
        (!now.reason || json_object_set_new(o, "reason", json_deep_copy(now.reason)) == 0))
        return o;
    json_decref(o);
    return NULL;
}

static void team_add(void *ctx, const struct store_hours *h)
{
    if (h->team[0])
        (void)json_array_append_new(ctx, json_string(h->team));
}

/** Clears it. */
static void answer(struct store *s, struct api_call *c, int status, struct store_hours *h)
{
    struct hours *made;
    const char *why;
    char at[CLOCK_TEXT_BYTES];
    json_t *o = json_deep_copy(h->document);
    clock_format(h->changed_us, at);
    int bad = !o ||
              json_object_set_new(o, "team", h->team[0] ? json_string(h->team) : json_null()) ||
              json_object_set_new(o, "version", json_integer((json_int_t)h->version)) ||
              json_object_set_new(o, "changed_at", json_string(at)) ||
              json_object_set_new(o, "changed_by", json_string(h->changed_by));
    if (!bad && !h->team[0]) {
        json_t *teams = json_array();
        bad = store_hours_each(s, h->merchant, team_add, teams) ||
              json_object_set_new(o, "teams", teams);
    }
    if (!bad && store_hours_make(h->document, &made, &why) == 0) {
        bad = json_object_set_new(o, "now", api_hours_now(made, c->unix_us));
        hours_free(made);
    }
    if (bad) {
        json_decref(o);
        o = NULL;
    }
    api_json(c, status, o);
    etag_of(h, c->response.etag, sizeof c->response.etag);
    store_hours_clear(h);
}

void api_hours_get(struct store *s, struct api_call *c)
{
    struct store_hours h;
    char team[STORE_SHORT_BYTES];
    if (!may_read(c) || !team_of(c, team))
        return;
    int er = store_hours_get(s, c->claims.merchant, team, &h);
    if (er)
        api_problem_er(c, er, er == ER_NOT_FOUND ? "no business hours are set" : NULL);
    else
        answer(s, c, 200, &h);
}

/** The version that If-Match is about; 0: any. False: the problem is set. */
static bool version_of(struct store *s, struct api_call *c, const char *team, uint64_t *ret)
{
    struct store_hours now;
    char etag[24];
    *ret = 0;
    if (!c->request->if_match)
        return true;
    int er = store_hours_get(s, c->claims.merchant, team, &now);
    if (!er) {
        etag_of(&now, etag, sizeof etag);
        *ret = now.version;
        store_hours_clear(&now);
        if (http_etag_listed(c->request->if_match, etag, true))
            return true;
    }
    if (er && er != ER_NOT_FOUND)
        api_problem_er(c, er, NULL);
    else
        api_problem(c, 412, "the business hours have changed");
    return false;
}

static int noted(struct store *s, struct api_call *c, const char *team, const json_t *document,
                 int er)
{
    if (!er)
        er = store_log_add(s, c->claims.merchant, c->claims.identity, "hours_changed", team,
                           document, c->unix_us);
    c->hours = store_end(s, er) == 0;
    return c->hours || er ? er : ER_IO;
}

void api_hours_put(struct store *s, struct api_call *c)
{
    struct store_hours h = {0};
    char team[STORE_SHORT_BYTES];
    uint64_t version;
    bool is_new = false;
    const char *why = NULL;
    if (!may_change(c) || !team_of(c, team) || !version_of(s, c, team, &version))
        return;
    int er = store_begin(s);
    if (!er) {
        er = store_hours_put(s, c->claims.merchant, team, c->body, version, c->claims.identity,
                             c->unix_us, &h, &is_new, &why);
        er = noted(s, c, team, h.document, er);
    }
    if (!er) {
        answer(s, c, is_new ? 201 : 200, &h);
        return;
    }
    store_hours_clear(&h);
    if (er == ER_FULL)
        api_problem(c, 429, "the merchant has hours for too many teams");
    else
        api_problem_er(c, er, why);
}

void api_hours_delete(struct store *s, struct api_call *c)
{
    char team[STORE_SHORT_BYTES];
    uint64_t version;
    if (!may_change(c) || !team_of(c, team) || !version_of(s, c, team, &version))
        return;
    int er = store_begin(s);
    if (!er) {
        er = store_hours_remove(s, c->claims.merchant, team, version, c->claims.identity,
                                c->unix_us);
        er = noted(s, c, team, NULL, er);
    }
    if (er)
        api_problem_er(c, er, er == ER_NOT_FOUND ? "no business hours are set" : NULL);
    else
        c->response.status = 204;
}
