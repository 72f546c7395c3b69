// SPDX-License-Identifier: Apache-2.0
/* Cases in the store: making, finding, and the transitions with the events they leave. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/json.h"
#include "base/str.h"
#include "server/case_facts.h"
#include "server/dispute.h"
#include "server/store_bookings.h"
#include "server/store_case_impl.h"
#include "server/store_timers.h"
#include "server/store_certificates.h"
#include "server/store_checklists.h"
#include "server/store_disputes.h"
#include "server/store_examination.h"
#include "server/store_record.h"
#include "server/store_waits.h"

#define DAY_US UINT64_C(86400000000)

void store_case_clear(struct store_case *c)
{
    json_decref(c->more);
    c->more = NULL;
}

int store_case_read(sqlite3_stmt *st, struct store_case *c)
{
    memset(c, 0, sizeof *c);
    c->id = sql_id(st, 0);
    c->room = sql_id(st, 1);
    sql_text(st, 2, c->number, sizeof c->number);
    sql_text(st, 3, c->merchant, sizeof c->merchant);
    const char *kind = (const char *)sqlite3_column_text(st, 4);
    const char *state = (const char *)sqlite3_column_text(st, 5);
    if (case_kind_parse(kind, &c->kind) || case_state_parse(state, &c->state))
        return ER_INTERNAL;
    sql_text(st, 6, c->title, sizeof c->title);
    sql_text(st, 7, c->language, sizeof c->language);
    c->priority = sqlite3_column_int(st, 8);
    sql_text(st, 9, c->buyer, sizeof c->buyer);
    sql_text(st, 10, c->buyer_name, sizeof c->buyer_name);
    c->created_us = sql_u64(st, 11);
    c->changed_us = sql_u64(st, 12);
    c->waiting_since_us = sql_u64(st, 13);
    c->version = sql_u64(st, 14);
    c->more = sql_json(st, 15);
    c->due_us = sql_u64(st, 16);
    return c->more ? 0 : ER_NOMEM;
}

/** What `st` finds first, then ends it. */
static int case_first(struct store *s, sqlite3_stmt *st, struct store_case *ret)
{
    int er = sql_step(s, st);
    if (er == 1) {
        er = store_case_read(st, ret);
        if (er)
            store_case_clear(ret);
    } else if (er == 0) {
        er = ER_NOT_FOUND;
    }
    sql_end(st);
    return er;
}

int store_case_get(struct store *s, const struct id *id, struct store_case *ret)
{
    memset(ret, 0, sizeof *ret);
    sqlite3_stmt *st;
    int er = sql_begin(s, &st, "SELECT " CASE_COLUMNS " FROM cases WHERE id = ?", "t", id->text);
    return er ? er : case_first(s, st, ret);
}

int store_case_numbered(struct store *s, const char *number, struct store_case *ret)
{
    memset(ret, 0, sizeof *ret);
    sqlite3_stmt *st;
    int er = sql_begin(s, &st, "SELECT " CASE_COLUMNS " FROM cases WHERE number = ?", "t", number);
    return er ? er : case_first(s, st, ret);
}

int store_case_whose(struct store *s, const struct id *id, char *ret_merchant, bool *ret_disputed)
{
    sqlite3_stmt *st;
    ret_merchant[0] = '\0';
    int er = sql_begin(s, &st, "SELECT merchant, disputed FROM cases WHERE id = ?", "t", id->text);
    if (er)
        return er;
    er = sql_step(s, st);
    if (er == 1) {
        sql_text(st, 0, ret_merchant, STORE_SHORT_BYTES);
        *ret_disputed = sqlite3_column_int(st, 1) != 0;
    }
    sql_end(st);
    return er == 1 ? 0 : er ? er : ER_NOT_FOUND;
}

int store_case_of_room(struct store *s, const struct id *room, struct store_case *ret)
{
    memset(ret, 0, sizeof *ret);
    sqlite3_stmt *st;
    int er = sql_begin(s, &st, "SELECT " CASE_COLUMNS " FROM cases WHERE room = ?", "t",
                       room->text);
    return er ? er : case_first(s, st, ret);
}

json_t *store_case_json(const struct store_case *c)
{
    json_t *o = c->more ? json_copy(c->more) : json_object();
    int bad = !o || json_object_set_new(o, "id", json_string(c->id.text)) ||
              json_object_set_new(o, "number", json_string(c->number)) ||
              json_object_set_new(o, "room", json_string(c->room.text)) ||
              json_object_set_new(o, "merchant", json_string(c->merchant)) ||
              json_object_set_new(o, "kind", json_string(case_kind_name(c->kind))) ||
              json_object_set_new(o, "state", json_string(case_state_name(c->state))) ||
              json_object_set_new(o, "title", json_string(c->title)) ||
              json_object_set_new(o, "language", json_string(c->language)) ||
              json_object_set_new(o, "priority", json_integer(c->priority)) ||
              json_object_set_new(o, "buyer",
                                  json_pack("{s:s,s:s}", "id", c->buyer, "name", c->buyer_name)) ||
              json_object_set_new(o, "version", json_integer((json_int_t)c->version)) ||
              json_set_time(o, "created_at", c->created_us) ||
              json_set_time(o, "changed_at", c->changed_us) ||
              (c->waiting_since_us && json_set_time(o, "waiting_since", c->waiting_since_us)) ||
              (c->due_us && json_set_time(o, "due_at", c->due_us));
    if (!bad)
        return o;
    json_decref(o);
    return NULL;
}

/* Making */

static int number_next(struct store *s, uint64_t now_us, char ret[24])
{
    char year[CLOCK_TEXT_BYTES];
    clock_format(now_us, year);
    year[4] = '\0';
    sqlite3_stmt *st;
    int er = sql_begin(s, &st,
                       "INSERT INTO numbers VALUES(?, 1) ON CONFLICT(year)"
                       " DO UPDATE SET last = last + 1 RETURNING last",
                       "t", year);
    if (er)
        return er;
    er = sql_step(s, st);
    if (er == 1)
        (void)snprintf(ret, 24, "C-%.4s-%06llu", year, (unsigned long long)sql_u64(st, 0));
    /* To the end, so that the row is written. */
    int rest = er == 1 ? sql_step(s, st) : er;
    sql_end(st);
    return rest < 0 ? rest : er == 1 ? 0 : ER_IO;
}

static int case_insert(struct store *s, const struct store_case *c)
{
    char *more = json_canonical(c->more);
    if (!more)
        return ER_NOMEM;
    int er = sql_run(
        s, NULL, "INSERT INTO cases(" CASE_COLUMNS ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        "ttttttttittiiiiti", c->id.text, c->room.text, c->number, c->merchant,
        case_kind_name(c->kind), case_state_name(c->state), c->title, c->language,
        (int64_t)c->priority, c->buyer, c->buyer_name, (int64_t)c->created_us,
        (int64_t)c->changed_us, (int64_t)c->waiting_since_us, (int64_t)c->version, more,
        (int64_t)c->due_us);
    free(more);
    return er ? er : store_case_index(s, c);
}

/** The case this key made before; ER_NOT_FOUND when it made none. */
static int idempotency_find(struct store *s, const char *owner, const char *key,
                            const char *fingerprint, uint64_t now_us, struct store_case *ret)
{
    uint64_t since = now_us > DAY_US ? now_us - DAY_US : 0;
    int er = sql_run(s, NULL, "DELETE FROM idempotency WHERE at_us < ?", "i", (int64_t)since);
    sqlite3_stmt *st;
    if (!er)
        er = sql_begin(s, &st,
                       "SELECT fingerprint, case_id FROM idempotency WHERE owner = ? AND key = ?",
                       "tt", owner, key);
    if (er)
        return er;
    struct id id = {{0}};
    bool same = false;
    er = sql_step(s, st);
    if (er == 1) {
        same = strcmp((const char *)sqlite3_column_text(st, 0), fingerprint) == 0;
        id = sql_id(st, 1);
    }
    sql_end(st);
    if (er != 1)
        return er ? er : ER_NOT_FOUND;
    return same ? store_case_get(s, &id, ret) : ER_CONFLICT;
}

static int opened_event(struct store *s, const struct store_case *c, const char *actor,
                        uint64_t now_us)
{
    json_t *data = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:i,s:O}", "number", c->number,
                             "kind", case_kind_name(c->kind), "title", c->title, "buyer", c->buyer,
                             "buyer_name", c->buyer_name, "room", c->room.text, "merchant",
                             c->merchant, "language", c->language, "priority", c->priority, "facts",
                             c->more);
    if (!data)
        return ER_NOMEM;
    int er = store_event_append(s, &c->id, actor, "case_opened", data, now_us, NULL);
    json_decref(data);
    return er;
}

/** What an authentication goes by; there may be none for such goods, until somebody names one. */
static int checklist_pin(struct store *s, const struct store_case *c, const char *actor,
                         uint64_t now_us)
{
    const struct examiner who = {.sc = c, .identity = actor, .now_us = now_us};
    const char *category = json_string_value(json_object_get(c->more, "category"));
    const char *brand = json_string_value(json_object_get(c->more, "brand"));
    struct store_checklist found;
    struct refusal why = {0};
    if (c->kind != CASE_AUTHENTICATION)
        return 0;
    int er = store_checklist_choose(s, c->merchant, category, brand, &found);
    if (er)
        return er == ER_NOT_FOUND ? 0 : er;
    store_checklist_clear(&found);
    er = store_examination_pin(s, &who, NULL, false, &why);
    refusal_clear(&why);
    return er;
}

static int case_make(struct store *s, struct store_case *c, const char *actor, uint64_t now_us)
{
    c->id = id_make(now_us, &s->entropy);
    c->room = id_make(now_us, &s->entropy);
    c->state = CASE_OPEN;
    c->created_us = c->changed_us = now_us;
    c->waiting_since_us = 0;
    c->version = 1;
    if (!c->more && !(c->more = json_object()))
        return ER_NOMEM;
    int er = number_next(s, now_us, c->number);
    if (!er)
        er = store_timer_start(s, c->merchant, c->state, now_us, &c->due_us);
    if (!er)
        er = store_merchant_put(s, c->merchant, NULL, now_us);
    if (!er)
        er = case_insert(s, c);
    if (!er)
        er = opened_event(s, c, actor, now_us);
    if (!er)
        er = sql_run(s, NULL, "INSERT INTO people VALUES(?, ?, ?, 'buyer', NULL)", "ttt",
                     c->id.text, c->buyer, c->buyer_name);
    return er ? er : checklist_pin(s, c, actor, now_us);
}

int store_case_create(struct store *s, struct store_case *c, const char *actor, const char *owner,
                      const char *idempotency_key, const char *fingerprint, uint64_t now_us,
                      bool *ret_repeated)
{
    *ret_repeated = false;
    int er = store_begin(s);
    if (er)
        return er;
    if (idempotency_key) {
        struct store_case before;
        er = idempotency_find(s, owner, idempotency_key, fingerprint, now_us, &before);
        if (er == 0) {
            store_case_clear(c);
            *c = before;
            *ret_repeated = true;
            return store_end(s, 0);
        }
        if (er != ER_NOT_FOUND)
            return store_end(s, er);
    }
    er = case_make(s, c, actor, now_us);
    if (!er && idempotency_key)
        er = sql_run(s, NULL, "INSERT INTO idempotency VALUES(?, ?, ?, ?, ?)", "tttti", owner,
                     idempotency_key, fingerprint, c->id.text, (int64_t)now_us);
    return store_end(s, er);
}

/* Changes */

static int case_save(struct store *s, const struct store_case *c)
{
    char *more = json_canonical(c->more);
    if (!more)
        return ER_NOMEM;
    int er = sql_run(s, NULL,
                     "UPDATE cases SET state = ?, waiting_since_us = ?, changed_us = ?,"
                     " version = ?, more = ?, title = ?, language = ?, priority = ?, disputed = ?,"
                     " due_us = ? WHERE id = ?",
                     "tiiitttibit", case_state_name(c->state), (int64_t)c->waiting_since_us,
                     (int64_t)c->changed_us, (int64_t)c->version, more, c->title, c->language,
                     (int64_t)c->priority, (int)(json_object_get(c->more, "dispute") != NULL),
                     (int64_t)c->due_us, c->id.text);
    free(more);
    return er;
}

/** What an action leaves on the case itself: its data, who and when. */
static const char *const members[CASE_ACTIONS] = {
    [CASE_PROPOSE] = "outcome",   [CASE_AGREE] = "agreement",   [CASE_DISPUTE] = "dispute",
    [CASE_RULE] = "ruling",       [CASE_EXECUTE] = "execution", [CASE_START_CALL] = "last_call",
    [CASE_RATE] = "satisfaction", [CASE_OVERDUE] = "overdue",   [CASE_VERDICT] = "verdict",
    [CASE_APPEAL] = "appeal",     [CASE_TRANSFER] = "transfer", [CASE_TAKE_CALL] = "last_call",
};

static int member_put(struct store_case *c, const struct store_action *a, uint64_t now_us)
{
    const char *name = members[a->action];
    if (!name)
        return 0;
    json_t *value = a->data ? json_copy((json_t *)(uintptr_t)a->data) : json_object();
    if (!value || json_object_set_new(value, "by", json_string(a->actor)) ||
        json_set_time(value, "at", now_us)) {
        json_decref(value);
        return ER_NOMEM;
    }
    return json_object_set_new(c->more, name, value) ? ER_NOMEM : 0;
}

int store_case_acted(struct store_case *c, enum case_state before, const struct store_action *a,
                     uint64_t now_us)
{
    if (before != CASE_WAITING && c->state == CASE_WAITING)
        c->waiting_since_us = now_us;
    else if (c->state != CASE_WAITING)
        c->waiting_since_us = 0;
    c->version++;
    c->changed_us = now_us;
    if (c->state != before)
        (void)json_object_del(c->more, members[CASE_OVERDUE]);
    return member_put(c, a, now_us);
}

/** What some actions ask for beside a state. */
static int asked_for(struct store *s, const struct store_action *a, uint64_t now_us,
                     const struct store_case *c, struct refusal *why)
{
    switch (a->action) {
    case CASE_VERDICT:
        return store_verdict_check(s, a, c, why);
    case CASE_DISPUTE:
    case CASE_REVIEW:
    case CASE_RULE:
    case CASE_APPEAL:
    case CASE_PROPOSE:
    case CASE_CANCEL:
    case CASE_REOPEN:
        return store_dispute_check(s, a, c, now_us, why);
    default:
        return 0;
    }
}

/** A proposal made in a dispute lapses into that again, and its event says so; *ret_data is the caller's. */
static int lapse_to(struct store *s, const struct store_case *c, enum case_state *to,
                    json_t **ret_data)
{
    json_t *dispute;
    int er = store_dispute_read(s, c, &dispute);
    if (!er && dispute_goes_on(dispute)) {
        *to = CASE_DISPUTED;
        *ret_data = json_pack("{s:s}", "to", case_state_name(CASE_DISPUTED));
        er = *ret_data ? 0 : ER_NOMEM;
    }
    json_decref(dispute);
    return er;
}

/** What the event says beside what was asked for: that it is the verdict which is disputed. *ret is the caller's; NULL:
 *  nothing. */
static int said_besides(const struct store_action *a, enum case_state before, json_t **ret)
{
    *ret = NULL;
    if (a->action != CASE_DISPUTE || before == CASE_PROPOSED)
        return 0;
    *ret = a->data ? json_copy((json_t *)(uintptr_t)a->data) : json_object();
    return !*ret || json_object_set_new(*ret, "of", json_string("verdict")) ? ER_NOMEM : 0;
}

static int act_checked(struct store *s, const struct store_action *asked, uint64_t now_us,
                       struct store_case *c, struct refusal *why)
{
    json_t *lapsed = NULL, *besides = NULL;
    struct store_action told = *asked;
    const struct store_action *a = &told;
    enum case_state before = c->state;
    bool person = a->role != ROLE_COUNT;
    if (person && !case_role_may(a->action, a->role))
        return ER_DENIED;
    if (a->if_version && a->if_version != c->version)
        return ER_STALE;
    enum case_state to = before;
    int er = case_next(a->action, before, &to);
    if (!er && person)
        er = asked_for(s, a, now_us, c, why);
    if (!er && a->action == CASE_LAPSE)
        er = lapse_to(s, c, &to, &lapsed);
    if (!er && a->action == CASE_RATE && json_object_get(c->more, members[CASE_RATE]))
        er = ER_CONFLICT; /* asked once */
    if (!er)
        er = said_besides(a, before, &besides);
    if (!er)
        c->state = to;
    told.data = besides ? besides : told.data;
    if (!er)
        er = store_case_acted(c, before, a, now_us);
    if (!er && c->state != before)
        er = store_timer_start(s, c->merchant, c->state, now_us, &c->due_us);
    else if (a->action == CASE_OVERDUE)
        c->due_us = 0;
    if (!er)
        er = case_save(s, c);
    if (!er)
        er = store_wait_note(s, a, c->state, now_us);
    if (!er)
        er = store_event_append(s, &a->case_id, a->actor, case_action_event(a->action),
                                lapsed ? lapsed : a->data, now_us, NULL);
    if (!er && c->state != before && (c->state == CASE_CLOSED || c->state == CASE_CANCELLED))
        er = store_booking_case_over(s, c, now_us);
    if (!er && a->action == CASE_RULE && json_is_false(json_object_get(a->data, "verdict_stands")))
        er = store_certificate_falls(s, &(struct examiner){c, a->actor, now_us});
    json_decref(besides);
    json_decref(lapsed);
    return er;
}

/** The note with which a case is passed on is for colleagues: it is told as one, and not with the action. */
static int act_and_note(struct store *s, const struct store_action *a, uint64_t now_us,
                        struct store_case *c, struct refusal *why)
{
    struct store_action told = *a;
    const json_t *note = a->action == CASE_TRANSFER ? json_object_get(a->data, "note") : NULL;
    if (!json_is_string(note))
        return act_checked(s, a, now_us, c, why);
    json_t *data = json_copy((json_t *)(uintptr_t)a->data);
    uint64_t seq;
    if (!data)
        return ER_NOMEM;
    (void)json_object_del(data, "note");
    told.data = data;
    int er = act_checked(s, &told, now_us, c, why);
    if (!er)
        er = store_note_add(s, &a->case_id, a->actor, json_string_value(note), false, now_us, &seq);
    json_decref(data);
    return er;
}

int store_case_act(struct store *s, const struct store_action *a, uint64_t now_us,
                   struct store_case *ret)
{
    struct refusal why = {0};
    int er = store_case_act_why(s, a, now_us, ret, &why);
    refusal_clear(&why);
    return er;
}

int store_case_act_why(struct store *s, const struct store_action *a, uint64_t now_us,
                       struct store_case *ret, struct refusal *ret_why)
{
    memset(ret, 0, sizeof *ret);
    int er = store_begin(s);
    if (er)
        return er;
    er = store_case_get(s, &a->case_id, ret);
    if (!er)
        er = act_and_note(s, a, now_us, ret, ret_why);
    er = store_end(s, er);
    if (er && er != ER_CONFLICT)
        store_case_clear(ret);
    return er;
}

int store_case_changed(struct store_case *c, const json_t *changes, uint64_t now_us)
{
    c->version++;
    c->changed_us = now_us;
    return case_facts_apply(c, changes);
}

static int change_checked(struct store *s, const struct store_change *ch, uint64_t now_us,
                          struct store_case *c)
{
    if (ch->if_version && ch->if_version != c->version)
        return ER_STALE;
    struct store_case before = *c; /* of facts that are kept in `more` */
    before.more = json_copy(c->more);
    json_t *data = json_pack("{s:O}", "changes", ch->changes);
    int er = data && before.more ? store_case_changed(c, ch->changes, now_us) : ER_NOMEM;
    if (!er)
        er = case_save(s, c);
    if (!er)
        er = store_case_index(s, c);
    if (!er)
        er = store_event_append(s, &c->id, ch->actor, "case_changed", data, now_us, NULL);
    if (!er) {
        const struct examiner who = {.sc = c, .identity = ch->actor, .now_us = now_us};
        er = store_examination_repin(s, &who, &before);
    }
    store_case_clear(&before);
    json_decref(data);
    return er;
}

int store_case_change(struct store *s, const struct store_change *ch, uint64_t now_us,
                      struct store_case *ret)
{
    memset(ret, 0, sizeof *ret);
    int er = store_begin(s);
    if (er)
        return er;
    er = store_case_get(s, &ch->case_id, ret);
    if (!er)
        er = change_checked(s, ch, now_us, ret);
    er = store_end(s, er);
    if (er && er != ER_STALE)
        store_case_clear(ret);
    return er;
}

int store_case_set(struct store *s, const struct id *id, const char *member, const json_t *value,
                   uint64_t now_us)
{
    int er = store_begin(s);
    if (er)
        return er;
    struct store_case c;
    er = store_case_get(s, id, &c);
    if (!er && value && json_object_set(c.more, member, (json_t *)(uintptr_t)value))
        er = ER_NOMEM;
    if (!er && !value)
        (void)json_object_del(c.more, member);
    if (!er) {
        c.version++;
        c.changed_us = now_us;
        er = case_save(s, &c);
    }
    store_case_clear(&c);
    return store_end(s, er);
}
