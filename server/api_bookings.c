// SPDX-License-Identifier: Apache-2.0
/* Bookings over HTTP: the times to be had, a case's call-back, appointment or message, and the list for staff. */
#include <string.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/json.h"
#include "base/str.h"
#include "server/api_keep.h"
#include "server/case_deeds.h"
#include "server/store_bookings.h"
#include "server/store_hours.h"

#define DAY_S INT64_C(86400)

static bool may_book(struct api_call *c, const struct store_case *sc)
{
    if (!case_role_may_do(CASE_BOOK, c->claims.role))
        api_problem(c, 403, "this role books nothing");
    else if (!(case_states_of_deed(CASE_BOOK) & 1u << sc->state))
        api_case_wrong_state(c, case_states_of_deed(CASE_BOOK), sc);
    else
        return true;
    return false;
}

static int time_put(json_t *o, const char *name, int64_t at_s)
{
    char text[CLOCK_TEXT_BYTES];
    clock_format((uint64_t)at_s * 1000000, text);
    return json_object_set_new(o, name, json_string(text));
}

/* Times */

/** A query's time; `otherwise` without one. False: the problem is set. */
static bool time_asked(struct api_call *c, const char *name, int64_t otherwise, int64_t *ret_s)
{
    char text[40];
    int er = http_query(c->request, name, text, sizeof text);
    *ret_s = otherwise;
    if (er == ER_NOT_FOUND || (!er && booking_time_parse(text, ret_s) == 0))
        return true;
    api_problem(c, 400, "`from` and `to` are RFC 3339 times");
    return false;
}

static bool slots_asked(struct api_call *c, struct booking_ask *ask, char *agent, size_t size)
{
    char kind[16];
    int64_t now_s = (int64_t)(c->unix_us / 1000000);
    int kind_er = http_query(c->request, "kind", kind, sizeof kind);
    int agent_er = http_query(c->request, "agent", agent, size);
    if ((kind_er && kind_er != ER_NOT_FOUND) ||
        booking_kind_parse(kind_er ? "callback" : kind, &ask->kind) ||
        ask->kind == BOOKING_MESSAGE) {
        api_problem(c, 400, "`kind` is callback or appointment");
        return false;
    }
    if (agent_er && agent_er != ER_NOT_FOUND) {
        api_problem(c, 400, "`agent` is an identity");
        return false;
    }
    if (agent_er)
        agent[0] = '\0';
    return time_asked(c, "from", now_s, &ask->from_s) &&
           time_asked(c, "to", ask->from_s + 7 * DAY_S, &ask->before_s);
}

static void slot_add(void *ctx, const struct booking_slot *slot)
{
    json_t *o = json_pack("{s:i}", "free", (int)slot->free);
    (void)time_put(o, "at", slot->at_s);
    (void)time_put(o, "ends_at", slot->ends_s);
    (void)json_array_append_new(ctx, o);
}

static json_t *slots_answer(struct store *s, struct api_call *c, const struct store_case *sc,
                            json_t *items)
{
    struct hours *h;
    struct booking_policy policy = {0};
    const char *team = json_text(sc->more, "team", STORE_SHORT_BYTES);
    json_t *o = json_pack("{s:o}", "items", items);
    if (o && store_hours_for(s, sc->merchant, team ? team : "", &h, NULL) == 0) {
        const json_t *document = hours_document(h);
        (void)booking_policy_read(document, &policy);
        (void)json_object_set(o, "time_zone", json_object_get(document, "time_zone"));
        (void)json_object_set_new(o, "now", api_hours_now(h, c->unix_us));
        hours_free(h);
    }
    if (o && json_object_set_new(o, "offered", json_boolean(policy.offered)) == 0)
        return o;
    json_decref(o);
    return NULL;
}

void api_slots(struct store *s, struct api_call *c)
{
    struct store_case sc;
    char agent[STORE_IDENTITY_BYTES];
    struct booking_ask ask = {.sc = &sc, .agent = agent, .limit = LIMIT_BOOKING_SLOTS};
    if (!api_case(s, c, &sc))
        return;
    ask.now_us = c->unix_us;
    ask.staff = c->claims.role != ROLE_BUYER;
    if (case_role_may_do(CASE_BOOK, c->claims.role) || c->claims.role == ROLE_SUPERVISOR) {
        if (slots_asked(c, &ask, agent, sizeof agent)) {
            json_t *items = json_array();
            int er = items ? store_booking_slots(s, &ask, slot_add, items) : ER_NOMEM;
            if (er) {
                json_decref(items);
                api_problem_er(c, er, NULL);
            } else {
                api_json(c, 200, slots_answer(s, c, &sc, items));
            }
        }
    } else {
        api_problem(c, 403, "this role books nothing");
    }
    store_case_clear(&sc);
}

/* A case's */

static void answer(struct api_call *c, int status, struct store_case *sc)
{
    json_t *b = json_object_get(sc->more, "booking");
    if (b)
        api_json(c, status, json_deep_copy(b));
    else
        api_problem(c, 404, "nothing is booked");
    api_case_etag(sc, c->response.etag, sizeof c->response.etag);
    store_case_clear(sc);
}

void api_booking_get(struct store *s, struct api_call *c)
{
    struct store_case sc;
    if (!api_case(s, c, &sc))
        return;
    if (api_role_may(c, c->claims.role != ROLE_VIEWER, "viewers are told nothing of people"))
        answer(c, 200, &sc);
    else
        store_case_clear(&sc);
}

/** NULL, or what is wrong. */
static const char *wish_read(const json_t *body, struct booking_wish *ret)
{
    const struct {
        const char *name;
        size_t max;
        const char **to;
    } texts[] = {{"agent", LIMIT_IDENTITY, &ret->agent},
                 {"skill", 64, &ret->skill},
                 {"note", LIMIT_BOOKING_NOTE, &ret->note}};
    *ret = (struct booking_wish){0};
    if (booking_kind_parse(json_text(body, "kind", 16), &ret->kind))
        return "`kind` is callback, appointment or message";
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        *texts[i].to = json_text(body, texts[i].name, texts[i].max);
        if (json_object_get(body, texts[i].name) && !*texts[i].to)
            return "`agent`, `skill` and `note` are texts of at most 128, 64 and 1000 bytes";
    }
    const json_t *at = json_object_get(body, "at");
    if (ret->kind == BOOKING_MESSAGE)
        return at                            ? "a message has no time"
               : !ret->note || !ret->note[0] ? "a message has words: `note`"
                                             : NULL;
    return booking_time_parse(json_string_value(at), &ret->at_s)
               ? "`at` is an RFC 3339 time, of those that can be booked"
               : NULL;
}

static struct booker booker_of(const struct api_call *c)
{
    return (struct booker){.identity = c->claims.identity,
                           .role = c->claims.role,
                           .key = c->claims.key,
                           .now_us = c->unix_us};
}

/** Whether it is the case's present state that was seen; false: the problem is set. */
static bool seen(struct api_call *c, const struct store_case *sc)
{
    if (!c->request->if_match || api_case_matches(c, sc))
        return true;
    api_case_stale(c, sc);
    return false;
}

void api_booking_put(struct store *s, struct api_call *c)
{
    struct store_case sc, after;
    struct booking_wish wish;
    struct refusal why = {0};
    bool is_new = false;
    if (!api_case(s, c, &sc))
        return;
    const char *wrong = wish_read(c->body, &wish);
    if (may_book(c, &sc) && seen(c, &sc)) {
        const struct booker who = booker_of(c);
        int er = wrong ? ER_INVALID
                       : store_booking_put(s, &sc.id, &who, &wish, &after, &is_new, &why);
        if (wrong) {
            api_problem(c, 400, wrong);
        } else if (er == ER_FULL) {
            api_problem(c, 429, why.why);
            refusal_clear(&why);
        } else if (er) {
            api_refused(c, er, &why);
        } else {
            c->changed = sc.id;
            c->booked = true;
            answer(c, is_new ? 201 : 200, &after);
        }
    }
    store_case_clear(&sc);
}

/** `end` of what is live. */
static void end(struct api_call *c, struct store_case *sc, int er, struct store_case *after)
{
    if (er) {
        api_problem_er(c, er, er == ER_NOT_FOUND ? "nothing like that is booked" : NULL);
    } else {
        c->changed = sc->id;
        answer(c, 200, after);
    }
}

void api_booking_cancel(struct store *s, struct api_call *c)
{
    struct store_case sc, after;
    if (!api_case(s, c, &sc))
        return;
    if (may_book(c, &sc) && seen(c, &sc)) {
        const struct booker who = booker_of(c);
        end(c, &sc, store_booking_cancel(s, &sc.id, &who, NULL, &after), &after);
    }
    store_case_clear(&sc);
}

void api_booking_done(struct store *s, struct api_call *c)
{
    struct store_case sc, after;
    if (!api_case(s, c, &sc))
        return;
    if (api_role_may(c, c->claims.role != ROLE_BUYER, "messages are seen to by staff") &&
        may_book(c, &sc)) {
        const struct booker who = booker_of(c);
        end(c, &sc, store_booking_done(s, &sc.id, &who, &after), &after);
    }
    store_case_clear(&sc);
}

/* The list */

static void list_add(void *ctx, const struct store_case *sc)
{
    json_t *o = json_pack("{s:{s:s,s:s,s:s,s:s,s:s,s:s},s:O*}", "case", "id", sc->id.text, "number",
                          sc->number, "title", sc->title, "kind", case_kind_name(sc->kind), "state",
                          case_state_name(sc->state), "buyer_name", sc->buyer_name, "booking",
                          json_object_get(sc->more, "booking"));
    (void)json_array_append_new(ctx, o);
}

void api_bookings_list(struct store *s, struct api_call *c)
{
    int64_t now_s = (int64_t)(c->unix_us / 1000000), from_s, to_s;
    char agent[STORE_IDENTITY_BYTES];
    const struct role_info *role = role_describe(c->claims.role);
    if (!api_role_may(c, role->takes_calls || role->forgets,
                      "bookings are for a merchant's own people") ||
        !api_role_may(c, !claims_is_bound(&c->claims),
                      "a token for one case or room says nothing about the others") ||
        !time_asked(c, "from", now_s - DAY_S, &from_s) ||
        !time_asked(c, "to", now_s + DAY_S, &to_s))
        return;
    int agent_er = http_query(c->request, "agent", agent, sizeof agent);
    if (agent_er && agent_er != ER_NOT_FOUND) {
        api_problem(c, 400, "`agent` is an identity");
        return;
    }
    json_t *items = json_array();
    int er = items ? store_bookings_list(s, c->claims.merchant, agent_er ? NULL : agent,
                                         (uint64_t)(from_s > 0 ? from_s : 0) * 1000000,
                                         (uint64_t)(to_s > 0 ? to_s : 0) * 1000000, true,
                                         LIMIT_PAGE_ITEMS, list_add, items)
                   : ER_NOMEM;
    api_items(c, er, items);
}
