// SPDX-License-Identifier: Apache-2.0
/* What the queue is told of a case, and what it says: positions, offers, presence and lists become
 * messages. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/json.h"
#include "base/str.h"
#include "server/calls_impl.h"

#define QUEUE_SHOWN 100 /* cases in a `queue` message */

/* What a case needs */

/** Words of tiers that merchants use; a number is taken as it is. */
static unsigned tier_of(const char *text)
{
    static const struct {
        const char *name;
        unsigned tier;
    } names[] = {
        {"1", 1},    {"2", 2},    {"3", 3},        {"bronze", 1},  {"silver", 1},
        {"gold", 2}, {"plus", 1}, {"platinum", 3}, {"diamond", 3}, {"vip", 3},
        {"银卡", 1}, {"金卡", 2}, {"白金", 3},     {"钻石", 3},
    };
    for (size_t i = 0; text && i < sizeof names / sizeof names[0]; i++) {
        if (strcasecmp(text, names[i].name) == 0)
            return names[i].tier;
    }
    return 0;
}

static void take_word(const json_t *from, const char *member, char *ret, size_t size)
{
    (void)str_copy(ret, size, json_string_value(json_object_get(from, member)));
}

/** `language` before the further ones of `languages`. */
static void take_languages(const struct room *r, struct queue_case *ret)
{
    const json_t *more = json_object_get(r->case_json, "languages");
    size_t count = 0;
    if (r->language[0])
        (void)str_copy(ret->languages[count++], QUEUE_LANGUAGE_BYTES, r->language);
    for (size_t i = 0; i < json_array_size(more) && count < QUEUE_LANGUAGES; i++) {
        const char *language = json_string_value(json_array_get(more, i));
        if (language && language[0] && strcasecmp(language, r->language) != 0)
            (void)str_copy(ret->languages[count++], QUEUE_LANGUAGE_BYTES, language);
    }
}

static bool is_passed_on(const json_t *c)
{
    const char *at = json_text(json_object_get(c, "transfer"), "at", CLOCK_TEXT_BYTES);
    const char *called = json_text(json_object_get(c, "last_call"), "at", CLOCK_TEXT_BYTES);
    return at && (!called || strcmp(at, called) >= 0);
}

bool room_is_passed_on(const struct room *r)
{
    return is_passed_on(r->case_json);
}

/** To whom it was passed on, if that has not come about yet; the team stays. */
static void take_transfer(const json_t *c, struct queue_case *ret)
{
    const json_t *transfer = json_object_get(c, "transfer");
    if (json_object_get(transfer, "team"))
        take_word(transfer, "team", ret->team, sizeof ret->team);
    if (is_passed_on(c))
        take_word(transfer, "agent", ret->preferred, sizeof ret->preferred);
}

void room_queue_case(const struct room *r, struct queue_case *ret)
{
    const json_t *c = r->case_json;
    *ret = (struct queue_case){
        .case_id = r->case_id,
        .priority = r->priority,
        .tier = tier_of(json_string_value(json_object_get(c, "tier"))),
        .level = (unsigned)json_integer_value(json_object_get(c, "certificate_level")),
        .wants_appraiser = r->kind == CASE_AUTHENTICATION};
    (void)str_copy(ret->merchant, sizeof ret->merchant, r->merchant);
    (void)str_copy(ret->buyer, sizeof ret->buyer, r->buyer);
    take_languages(r, ret);
    take_word(c, "category", ret->category, sizeof ret->category);
    take_word(c, "brand", ret->brand, sizeof ret->brand);
    take_word(c, "team", ret->team, sizeof ret->team);
    take_word(c, "preferred_agent", ret->preferred, sizeof ret->preferred);
    const json_t *last = json_object_get(c, "last_call");
    if (!ret->preferred[0] &&
        !json_is_true(json_object_get(last, "bot"))) /* knows the case already */
        take_word(last, "agent", ret->preferred, sizeof ret->preferred);
    take_transfer(c, ret);
    room_booking_needs(r, ret);
}

/* Sessions of one person */

void calls_tell_identity(struct calls *c, const char *merchant, const char *identity,
                         const struct session *except, json_t *message)
{
    struct session *s;
    for (size_t i = 0; message && (s = sessions_of(c->sessions, merchant, identity, i)); i++) {
        if (s != except && strcmp(s->who.merchant, merchant) == 0)
            calls_send(c, s, message);
    }
    json_decref(message);
}

json_t *room_person_brief(const struct room *r, const char *identity)
{
    const struct roster_person *p = roster_find(r->roster, identity);
    return json_pack("{s:s,s:s}", "identity", identity, "name", p ? p->name : identity);
}

/* What the queue says */

static void on_position(struct calls *c, const struct queue_event *e)
{
    struct room *r = room_of_case(c, &e->case_id);
    const struct roster_person *p = r && !r->call_on ? roster_find(r->roster, e->person) : NULL;
    if (!p || !p->session)
        return;
    struct member *m = member_of(p->session);
    if (m->wait_noting)
        return;
    json_t *message = json_pack("{s:s,s:I,s:I}", "type", "waiting", "position",
                                (json_int_t)e->position, "agents_available", (json_int_t)e->agents);
    json_object_set_new(message, "expected_wait_ms",
                        e->expected_wait_ms < 0 ? json_null() : json_integer(e->expected_wait_ms));
    json_object_set_new(message, "search", json_string(queue_stage_name(e->stage)));
    if (room_overflows(r, e->expected_wait_ms))
        json_object_set_new(message, "callback", json_true());
    sessions_reply(c->sessions, p->session, m->wait_re, message);
    m->wait_re[0] = '\0';
}

/** Why this agent, where that is not plain. */
static json_t *offer_notes(const struct queue_event *e)
{
    json_t *notes = json_array();
    if (e->preferred)
        json_array_append_new(notes, json_string("preferred"));
    if (e->other_language)
        json_array_append_new(notes, json_string("other_language"));
    if (e->other_team)
        json_array_append_new(notes, json_string("other_team"));
    return notes;
}

/** Who passed it on, and what they say of it. */
static json_t *handed_over(const struct room *r)
{
    const json_t *by = json_object_get(json_object_get(r->case_json, "transfer"), "by");
    return json_pack("{s:O?,s:s*}", "by", by, "note", r->handed_note);
}

static void on_offer(struct calls *c, const struct queue_event *e)
{
    static const char *const shown[] = {"id",       "number", "title",    "kind",  "reason",
                                        "language", "order",  "category", "brand", "tier"};
    struct room *r = room_of_case(c, &e->case_id);
    if (!r)
        return;
    json_t *brief = json_object();
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
        json_t *value = json_object_get(r->case_json, shown[i]);
        if (value)
            json_object_set(brief, shown[i], value);
    }
    uint64_t left_us = e->expires_us - calls_now_us(c);
    char expires[CLOCK_TEXT_BYTES];
    clock_format(calls_unix_us(c) + left_us, expires);
    json_t *message = json_pack("{s:s,s:s,s:o,s:o,s:s,s:I,s:o}", "type", "call_offer",
                                "reservation", e->reservation.text, "case", brief, "buyer",
                                room_person_brief(r, r->buyer), "expires_at", expires, "ring_ms",
                                (json_int_t)(left_us / 1000), "notes", offer_notes(e));
    if (message && room_is_passed_on(r))
        json_object_set_new(message, "handed_over", handed_over(r));
    calls_tell_identity(c, e->merchant, e->person, NULL, message);
}

static void on_offer_ended(struct calls *c, const struct queue_event *e)
{
    calls_tell_identity(c, e->merchant, e->person, NULL,
                        json_pack("{s:s,s:s,s:s}", "type", "call_offer_ended", "reservation",
                                  e->reservation.text, "reason", queue_offer_end_name(e->end)));
}

static void on_presence(struct calls *c, const struct queue_event *e)
{
    json_t *message = json_pack("{s:s,s:b,s:s}", "type", "person_state", "available", e->available,
                                "state", queue_presence_name(e->presence));
    if (e->expires_us) {
        char until[CLOCK_TEXT_BYTES];
        clock_format(calls_unix_us(c) + e->expires_us - calls_now_us(c), until);
        json_object_set_new(message, "until", json_string(until));
    }
    calls_tell_identity(c, e->merchant, e->person, NULL, message);
}

static void on_lost(struct calls *c, const struct queue_event *e)
{
    struct room *r = room_of_case(c, &e->case_id);
    calls_case_act(c, &e->case_id, CASE_STOP_WAIT, "system",
                   json_pack("{s:s}", "reason", "timeout"));
    if (r)
        room_settle(r);
}

static json_t *queue_json(struct calls *c, const char *merchant)
{
    json_t *waiting = json_array();
    struct id case_id;
    uint64_t since_us;
    for (size_t i = 0; i < QUEUE_SHOWN && queue_list(c->queue, merchant, i, &case_id, &since_us);
         i++) {
        const struct room *r = room_of_case(c, &case_id);
        if (!r)
            continue;
        char since[CLOCK_TEXT_BYTES];
        clock_format(calls_unix_us(c) - (calls_now_us(c) - since_us), since);
        json_array_append_new(
            waiting, json_pack("{s:s,s:O?,s:O?,s:s,s:i,s:s}", "case", case_id.text, "number",
                               json_object_get(r->case_json, "number"), "title",
                               json_object_get(r->case_json, "title"), "language", r->language,
                               "priority", r->priority, "waiting_since", since));
    }
    return json_pack("{s:s,s:o}", "type", "queue", "waiting", waiting);
}

void calls_send_queue(struct calls *c, struct session *s)
{
    json_t *message = queue_json(c, s->who.merchant);
    if (message)
        calls_send(c, s, message);
    json_decref(message);
}

static void on_changed(struct calls *c, const char *merchant)
{
    json_t *message = queue_json(c, merchant);
    char *text = message ? json_dumps(message, JSON_COMPACT) : NULL;
    size_t cursor = 0;
    struct session *s;
    while (text && (s = sessions_each(c->sessions, &cursor))) {
        const struct role_info *role = role_describe(s->who.role);
        bool sees = role->sees_queue ||
                    (role->takes_calls &&
                     queue_agent_is_available(c->queue, s->who.merchant, s->who.identity));
        if (sees && strcmp(s->who.merchant, merchant) == 0)
            sessions_send_text(c->sessions, s, text, strlen(text));
    }
    free(text);
    json_decref(message);
}

void calls_on_queue_events(struct calls *c)
{
    struct queue_event e;
    while (queue_next_event(c->queue, &e)) {
        switch (e.type) {
        case QUEUE_POSITION:
            on_position(c, &e);
            break;
        case QUEUE_OFFER:
            on_offer(c, &e);
            break;
        case QUEUE_OFFER_ENDED:
            on_offer_ended(c, &e);
            break;
        case QUEUE_PRESENCE:
            on_presence(c, &e);
            break;
        case QUEUE_LOST:
            on_lost(c, &e);
            break;
        case QUEUE_CHANGED:
            on_changed(c, e.merchant);
            break;
        }
    }
}
