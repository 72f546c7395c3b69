// SPDX-License-Identifier: Apache-2.0
/* Bookings made, moved and ended: each an event, what it makes of the case, and the row, in one transaction. */
#include "server/store_bookings.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/json.h"
#include "base/str.h"
#include "server/store_bookings_impl.h"
#include "server/store_hours.h"

#define S INT64_C(1000000)

static const char *text_of(const json_t *o, const char *member)
{
    const char *text = json_string_value(json_object_get(o, member));
    return text ? text : "";
}

static int64_t us_of(const json_t *o, const char *member)
{
    int64_t at_s;
    return booking_time_parse(text_of(o, member), &at_s) ? 0 : at_s * S;
}

int booking_time_set(json_t *o, const char *member, int64_t at_s)
{
    char text[CLOCK_TEXT_BYTES];
    clock_format((uint64_t)at_s * 1000000, text);
    return json_object_set_new(o, member, json_string(text)) ? ER_NOMEM : 0;
}

/* The row */

static int row_put(struct store *s, const struct store_case *c, const json_t *b, const char *key)
{
    int64_t seat = json_integer_value(json_object_get(b, "seat"));
    return sql_run(
        s, NULL,
        "INSERT INTO bookings VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(id)"
        " DO UPDATE SET pool = excluded.pool, seat = excluded.seat, agent = excluded.agent,"
        " kind = excluded.kind, state = excluded.state, live = excluded.live,"
        " holds = excluded.holds, at_us = excluded.at_us, ends_us = excluded.ends_us,"
        " next_us = excluded.next_us, key = iif(excluded.key = '', key, excluded.key)",
        "ttttitttbbiiit", text_of(b, "id"), c->id.text, c->merchant, text_of(b, "pool"), seat,
        text_of(b, "agent"), text_of(b, "kind"), text_of(b, "state"), (int)booking_is_live(b),
        (int)booking_holds(b), us_of(b, "at"), us_of(b, "ends_at"), (int64_t)booking_next_us(b),
        key);
}

int booking_event(struct store *s, struct store_case *c, const char *type, json_t *data,
                  const char *actor, const char *key, uint64_t now_us)
{
    json_t *b = json_incref(json_object_get(c->more, "booking"));
    int er = data ? booking_tell(&b, type, data, actor, now_us) : ER_NOMEM;
    if (!er)
        er = row_put(s, c, b, key);
    if (!er)
        er = store_case_set(s, &c->id, "booking", b, now_us);
    if (!er)
        er = store_event_append(s, &c->id, actor, type, data, now_us, NULL);
    if (!er && json_object_set(c->more, "booking", b))
        er = ER_NOMEM;
    json_decref(b);
    json_decref(data);
    return er;
}

/* What is taken */

/** Who takes calls of that pool; of no team, they take those of each. */
static int people_count(struct store *s, const char *merchant, const char *pool, unsigned *ret)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st,
                       "SELECT count(*) FROM workers WHERE merchant = ?1 AND active = 1"
                       " AND role IN ('agent', 'appraiser')"
                       " AND (?2 = '' OR team = '' OR lower(team) = ?2)",
                       "tt", merchant, pool);
    if (er)
        return er;
    er = sql_step(s, st);
    *ret = er == 1 ? (unsigned)sql_u64(st, 0) : 0;
    sql_end(st);
    return er < 0 ? er : 0;
}

struct taken {
    struct booking_span *all; /* owned */
    size_t count;
};

static int taken_read(struct store *s, const struct store_case *c, const struct booking_book *book,
                      int64_t from_s, int64_t before_s, struct taken *ret)
{
    sqlite3_stmt *st;
    size_t size = 0;
    const json_t *own = json_object_get(c->more, "booking");
    int er = sql_begin(s, &st,
                       "SELECT at_us, ends_us, seat, agent = ?5 AND agent <> '' FROM bookings"
                       " WHERE merchant = ?1 AND holds = 1 AND at_us > ?2 AND at_us < ?3"
                       " AND (pool = ?4 OR (agent = ?5 AND agent <> '')) AND id <> ?6",
                       "tiittt", c->merchant, (from_s - 14400) * S, before_s * S, book->pool,
                       book->agent, booking_is_live(own) ? text_of(own, "id") : "");
    if (er)
        return er;
    while ((er = sql_step(s, st)) == 1) {
        if (ret->count == size) {
            size = size ? size * 2 : 64;
            struct booking_span *all = realloc(ret->all, size * sizeof *all);
            if (!all) {
                er = ER_NOMEM;
                break;
            }
            ret->all = all;
        }
        ret->all[ret->count++] = (struct booking_span){.from_s = sqlite3_column_int64(st, 0) / S,
                                                       .to_s = sqlite3_column_int64(st, 1) / S,
                                                       .seat = (unsigned)sqlite3_column_int(st, 2),
                                                       .agent = sqlite3_column_int(st, 3) != 0};
    }
    sql_end(st);
    return er;
}

/** Which seats are free then; *ret is NULL after an error. */
static int seats_read(struct store *s, const struct store_case *c, const struct booking_book *book,
                      int64_t from_s, int64_t before_s, struct booking_seats **ret)
{
    struct taken taken = {0};
    *ret = NULL;
    int er = taken_read(s, c, book, from_s, before_s, &taken);
    if (!er)
        er = booking_seats_new(ret, taken.all, taken.count, book->capacity);
    free(taken.all);
    return er;
}

int booking_book_open(struct store *s, const struct store_case *c, enum booking_kind kind,
                      const char *agent, struct booking_book *ret)
{
    memset(ret, 0, sizeof *ret);
    int er = store_hours_for(s, c->merchant, text_of(c->more, "team"), &ret->hours, ret->pool);
    if (er)
        return er == ER_MALFORMED ? ER_NOT_FOUND : er;
    (void)booking_policy_read(hours_document(ret->hours), &ret->policy);
    ret->length_s = kind == BOOKING_APPOINTMENT ? ret->policy.appointment_s : ret->policy.slot_s;
    ret->capacity = ret->policy.capacity;
    (void)str_copy(ret->agent, sizeof ret->agent, agent);
    if (!ret->capacity)
        er = people_count(s, c->merchant, ret->pool, &ret->capacity);
    ret->capacity += !ret->capacity;
    if (ret->capacity > LIMIT_BOOKING_SEATS)
        ret->capacity = LIMIT_BOOKING_SEATS;
    return er;
}

void booking_book_close(struct booking_book *b)
{
    hours_free(b->hours);
    b->hours = NULL;
}

int booking_find(struct store *s, const struct store_case *c, const struct booking_book *book,
                 int64_t from_s, int64_t before_s, int64_t *ret_at_s, int *ret_seat)
{
    struct booking_walk walk = booking_walk(book->hours, from_s, before_s, book->length_s);
    struct booking_seats *seats;
    *ret_seat = -1;
    int er = seats_read(s, c, book, from_s, before_s + book->length_s, &seats);
    while (!er && *ret_seat < 0 && booking_walk_next(&walk, ret_at_s))
        (void)booking_seats_at(seats, *ret_at_s, *ret_at_s + book->length_s, ret_seat);
    booking_seats_free(seats);
    return er;
}

/* Times that can be booked */

static int slots(struct store *s, const struct booking_ask *ask, const struct booking_book *book,
                 void (*each)(void *ctx, const struct booking_slot *slot), void *ctx)
{
    int64_t now_s = (int64_t)(ask->now_us / 1000000);
    int64_t first_s = now_s + (ask->staff ? 0 : book->policy.notice_s);
    int64_t last_s = now_s + book->policy.ahead_s;
    int64_t from_s = ask->from_s > first_s ? ask->from_s : first_s;
    int64_t before_s = ask->before_s < last_s ? ask->before_s : last_s;
    struct booking_walk walk = booking_walk(book->hours, from_s, before_s, book->length_s);
    struct booking_slot slot;
    struct booking_seats *seats;
    int lowest;
    int er = seats_read(s, ask->sc, book, from_s, before_s + book->length_s, &seats);
    for (size_t n = 0; !er && n < ask->limit && booking_walk_next(&walk, &slot.at_s);) {
        slot.ends_s = slot.at_s + book->length_s;
        slot.free = booking_seats_at(seats, slot.at_s, slot.ends_s, &lowest);
        if (!slot.free)
            continue;
        slot.free = book->agent[0] ? 1 : slot.free;
        each(ctx, &slot);
        n++;
    }
    booking_seats_free(seats);
    return er;
}

int store_booking_slots(struct store *s, const struct booking_ask *ask,
                        void (*each)(void *ctx, const struct booking_slot *slot), void *ctx)
{
    struct booking_book book;
    int er = booking_book_open(s, ask->sc, ask->kind, ask->agent, &book);
    if (!er && book.policy.offered && ask->kind != BOOKING_MESSAGE)
        er = slots(s, ask, &book, each, ctx);
    booking_book_close(&book);
    return er == ER_NOT_FOUND ? 0 : er;
}

/* Booking */

static int time_check(const struct booking_book *book, const struct booker *who, int64_t at_s,
                      struct refusal *why)
{
    int64_t now_s = (int64_t)(who->now_us / 1000000), slot_s;
    bool staff = who->role != ROLE_BUYER;
    if (at_s < now_s + (staff ? 0 : (int64_t)book->policy.notice_s))
        return refusal_set(why, ER_CONFLICT, "that time is too soon, or past");
    if (at_s > now_s + book->policy.ahead_s)
        return refusal_set(why, ER_CONFLICT, "that time is too far ahead");
    struct booking_walk walk = booking_walk(book->hours, at_s, at_s + 1, book->length_s);
    if (!booking_walk_next(&walk, &slot_s))
        return refusal_set(why, ER_CONFLICT, "at that time none begins: ask for those that do");
    return 0;
}

/** The data of its event. */
static int data_make(struct store *s, const struct store_case *c, const struct booker *who,
                     const struct booking_wish *wish, json_t *data, struct refusal *why)
{
    struct booking_book book;
    int64_t at_s;
    int seat = -1;
    if (wish->kind == BOOKING_MESSAGE)
        return 0;
    int er = booking_book_open(s, c, wish->kind, wish->agent ? wish->agent : "", &book);
    if (er == ER_NOT_FOUND || (!er && !book.policy.offered)) {
        er = refusal_set(why, ER_CONFLICT, "only messages are taken: no times are offered");
    } else if (!er) {
        er = time_check(&book, who, wish->at_s, why);
        if (!er)
            er = booking_find(s, c, &book, wish->at_s, wish->at_s + 1, &at_s, &seat);
        if (!er && seat < 0)
            er = refusal_set(why, ER_CONFLICT, "that time is taken");
    }
    if (!er && (booking_time_set(data, "at", wish->at_s) ||
                booking_time_set(data, "ends_at", wish->at_s + book.length_s) ||
                json_object_set_new(data, "pool", json_string(book.pool)) ||
                json_object_set_new(data, "seat", json_integer(seat))))
        er = ER_NOMEM;
    if (!er && wish->kind == BOOKING_APPOINTMENT) {
        json_t *list = json_array();
        for (size_t i = 0; i < book.policy.reminder_count; i++)
            (void)json_array_append_new(list, json_integer(book.policy.reminders_s[i]));
        er = json_object_set_new(data, "reminders", list) ? ER_NOMEM : 0;
    }
    booking_book_close(&book);
    return er;
}

static bool is_wish(const json_t *b, const struct booking_wish *w)
{
    return booking_kind_of(b) == w->kind && us_of(b, "at") == w->at_s * S &&
           strcmp(text_of(b, "agent"), w->agent ? w->agent : "") == 0 &&
           strcmp(text_of(b, "skill"), w->skill ? w->skill : "") == 0 &&
           strcmp(text_of(b, "note"), w->note ? w->note : "") == 0;
}

/** Each change is told for ever: there are only so many of a case. */
static int changes_check(struct store *s, const struct store_case *c, const struct booker *who,
                         struct refusal *why)
{
    sqlite3_stmt *st;
    int64_t most = who->role == ROLE_BUYER ? LIMIT_BOOKING_CHANGES : LIMIT_BOOKING_STAFF;
    int er = sql_begin(s, &st,
                       "SELECT count(*) FROM events WHERE case_id = ? AND type IN"
                       " ('booking_made', 'booking_moved')",
                       "t", c->id.text);
    if (er)
        return er;
    er = sql_step(s, st);
    bool full = er == 1 && sqlite3_column_int64(st, 0) >= most;
    sql_end(st);
    if (full)
        return refusal_set(why, ER_FULL, "this case was booked and moved too often");
    return er < 0 ? er : 0;
}

static int put(struct store *s, struct store_case *c, const struct booker *who,
               const struct booking_wish *wish, bool *ret_new, struct refusal *why)
{
    const json_t *own = json_object_get(c->more, "booking");
    struct id id = id_make(who->now_us, &s->entropy);
    *ret_new = !booking_is_live(own);
    if (!*ret_new && is_wish(own, wish))
        return 0;
    int er = changes_check(s, c, who, why);
    if (er)
        return er;
    json_t *data = json_pack("{s:s,s:s}", "booking", *ret_new ? id.text : text_of(own, "id"),
                             "kind", booking_kind_name(wish->kind));
    const char *const texts[][2] = {
        {"agent", wish->agent}, {"skill", wish->skill}, {"note", wish->note}};
    for (size_t i = 0; i < 3; i++) {
        if (texts[i][1] && texts[i][1][0])
            (void)json_object_set_new(data, texts[i][0], json_string(texts[i][1]));
    }
    er = data ? data_make(s, c, who, wish, data, why) : ER_NOMEM;
    if (er) {
        json_decref(data);
        return er;
    }
    return booking_event(s, c, *ret_new ? "booking_made" : "booking_moved", data, who->identity,
                         who->key, who->now_us);
}

int store_booking_put(struct store *s, const struct id *case_id, const struct booker *who,
                      const struct booking_wish *wish, struct store_case *ret, bool *ret_new,
                      struct refusal *ret_why)
{
    memset(ret, 0, sizeof *ret);
    int er = store_begin(s);
    if (er)
        return er;
    er = store_case_get(s, case_id, ret);
    if (!er)
        er = put(s, ret, who, wish, ret_new, ret_why);
    store_case_clear(ret);
    if (!er)
        er = store_case_get(s, case_id, ret);
    er = store_end(s, er);
    if (er)
        store_case_clear(ret);
    return er;
}

/* Ending */

/** One more event of what `fits`, if it does; then *ret (may be NULL). */
static int end_event(struct store *s, const struct id *case_id, const char *type,
                     bool (*fits)(const json_t *b), json_t *more, const struct booker *who,
                     struct store_case *ret)
{
    struct store_case c = {0};
    int er = store_begin(s);
    if (!er) {
        er = store_case_get(s, case_id, &c);
        json_t *b = json_object_get(c.more, "booking");
        if (!er && !fits(b))
            er = ER_NOT_FOUND;
        if (!er && json_object_set(more, "booking", json_object_get(b, "id")))
            er = ER_NOMEM;
        if (!er)
            er = booking_event(s, &c, type, json_incref(more), who->identity, "", who->now_us);
        store_case_clear(&c);
        if (!er && ret)
            er = store_case_get(s, case_id, ret);
        er = store_end(s, er);
    }
    json_decref(more);
    if (er && ret)
        store_case_clear(ret);
    return er;
}

int store_booking_cancel(struct store *s, const struct id *case_id, const struct booker *who,
                         const char *reason, struct store_case *ret)
{
    json_t *more = json_pack("{s:s*}", "reason", reason && reason[0] ? reason : NULL);
    if (ret)
        memset(ret, 0, sizeof *ret);
    return more ? end_event(s, case_id, "booking_cancelled", booking_is_live, more, who, ret)
                : ER_NOMEM;
}

int store_booking_case_over(struct store *s, struct store_case *c, uint64_t now_us)
{
    const json_t *b = json_object_get(c->more, "booking");
    if (!booking_is_live(b))
        return 0;
    int er = booking_event(
        s, c, "booking_cancelled",
        json_pack("{s:s,s:s}", "booking", text_of(b, "id"), "reason", "case_over"), "system", "",
        now_us);
    c->version++;
    c->changed_us = now_us;
    return er;
}

static bool is_open(const json_t *b)
{
    return booking_state_of(b) == BOOKING_OPEN;
}

int store_booking_done(struct store *s, const struct id *case_id, const struct booker *who,
                       struct store_case *ret)
{
    json_t *more = json_object();
    memset(ret, 0, sizeof *ret);
    return more ? end_event(s, case_id, "booking_done", is_open, more, who, ret) : ER_NOMEM;
}

static bool is_kept_by_call(const json_t *b)
{
    enum booking_state state = booking_state_of(b);
    return state == BOOKING_RINGING ||
           (state == BOOKING_BOOKED && booking_kind_of(b) == BOOKING_CALLBACK);
}

int store_booking_kept(struct store *s, const struct id *case_id, const char *agent,
                       uint64_t now_us)
{
    const struct booker who = {.identity = "system", .now_us = now_us};
    json_t *more = json_pack("{s:s}", "agent", agent);
    return more ? end_event(s, case_id, "booking_kept", is_kept_by_call, more, &who, NULL)
                : ER_NOMEM;
}
