// SPDX-License-Identifier: Apache-2.0
/* What time makes of bookings: reminders, the moment itself, and what follows when nobody came. Also lists of them. */
#include <string.h>

#include "base/er.h"
#include "base/json.h"
#include "server/store_bookings_impl.h"

#define S INT64_C(1000000)
#define AGAIN_US INT64_C(60000000)
#define LATE_S 60
#define REBOOK_WITHIN_S (7 * 86400)

static int64_t second_of(const json_t *b, const char *member)
{
    int64_t at_s = 0;
    (void)booking_time_parse(json_string_value(json_object_get(b, member)), &at_s);
    return at_s;
}

/* In vain */

static int missed(struct store *s, struct store_case *c, bool counts, const char *reason,
                  uint64_t now_us, bool *ret_given_up)
{
    const json_t *b = json_object_get(c->more, "booking");
    int64_t tries = json_integer_value(json_object_get(b, "tries"));
    const char *agent = json_string_value(json_object_get(b, "agent"));
    int64_t now_s = (int64_t)(now_us / 1000000), at_s = 0;
    struct booking_book book;
    int seat = -1;
    int er = booking_book_open(s, c, booking_kind_of(b), agent ? agent : "", &book);
    bool again = !er && book.policy.offered && (!counts || tries < (int64_t)book.policy.tries);
    if (again)
        er = booking_find(s, c, &book, now_s + (counts ? (int64_t)book.policy.retry_s : 0),
                          now_s + REBOOK_WITHIN_S, &at_s, &seat);
    json_t *data = json_pack("{s:O,s:s,s:I}", "booking", json_object_get(b, "id"), "reason", reason,
                             "try", (json_int_t)tries);
    if ((!er || er == ER_NOT_FOUND) && data && seat >= 0 &&
        (booking_time_set(data, "at", at_s) ||
         booking_time_set(data, "ends_at", at_s + book.length_s) ||
         json_object_set_new(data, "pool", json_string(book.pool)) ||
         json_object_set_new(data, "seat", json_integer(seat))))
        er = ER_NOMEM;
    booking_book_close(&book);
    *ret_given_up = seat < 0;
    if (er && er != ER_NOT_FOUND) {
        json_decref(data);
        return er;
    }
    return booking_event(s, c, "booking_missed", data, "system", "", now_us);
}

int store_booking_missed(struct store *s, const struct id *case_id, bool counts, const char *reason,
                         uint64_t now_us, bool *ret_given_up)
{
    struct store_case c = {0};
    int er = store_begin(s);
    if (er)
        return er;
    er = store_case_get(s, case_id, &c);
    if (!er && booking_state_of(json_object_get(c.more, "booking")) != BOOKING_RINGING)
        er = ER_NOT_FOUND;
    if (!er)
        er = missed(s, &c, counts, reason, now_us, ret_given_up);
    store_case_clear(&c);
    return store_end(s, er);
}

/* What is due */

struct due {
    struct id id, case_id;
    char key[STORE_SHORT_BYTES];
};

static int due_find(struct store *s, uint64_t now_us, struct due *ret)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st,
                       "SELECT id, case_id, key FROM bookings WHERE next_us > 0 AND next_us <= ?"
                       " ORDER BY next_us LIMIT 1",
                       "i", (int64_t)now_us);
    if (er)
        return er;
    er = sql_step(s, st);
    if (er == 1) {
        ret->id = sql_id(st, 0);
        ret->case_id = sql_id(st, 1);
        sql_text(st, 2, ret->key, sizeof ret->key);
    }
    sql_end(st);
    return er == 1 ? 0 : er ? er : ER_NOT_FOUND;
}

static int remind(struct store *s, struct store_case *c, const char *key, uint64_t before_s,
                  uint64_t now_us)
{
    const json_t *b = json_object_get(c->more, "booking");
    int64_t since_s = second_of(b, "at") - (int64_t)before_s;
    bool late = (int64_t)(now_us / 1000000) - since_s > LATE_S;
    json_t *data = json_pack("{s:O,s:O,s:O,s:I,s:b,s:s*}", "booking", json_object_get(b, "id"),
                             "kind", json_object_get(b, "kind"), "at", json_object_get(b, "at"),
                             "before_seconds", (json_int_t)before_s, "late", (int)late, "key",
                             key[0] ? key : NULL);
    return booking_event(s, c, "booking_reminder", data, "system", "", now_us);
}

/** Whether it can ring: its time is not over, and it is open. */
static int can_ring(struct store *s, const struct store_case *c, uint64_t now_us, const char **why)
{
    const json_t *b = json_object_get(c->more, "booking");
    int64_t now_s = (int64_t)(now_us / 1000000);
    struct booking_book book;
    *why = NULL;
    if (booking_state_of(b) == BOOKING_BOOKED && now_s >= second_of(b, "ends_at"))
        *why = "late";
    int er = booking_book_open(s, c, booking_kind_of(b), "", &book);
    if (!er && !hours_open(book.hours, now_s))
        *why = "closed";
    booking_book_close(&book);
    return er == ER_NOT_FOUND ? 0 : er;
}

static int ring(struct store *s, struct store_case *c, const char *key, uint64_t now_us,
                bool *ret_rings)
{
    const json_t *b = json_object_get(c->more, "booking");
    bool again = booking_state_of(b) == BOOKING_RINGING, given_up;
    int64_t tries = json_integer_value(json_object_get(b, "tries")) + !again;
    bool late = (int64_t)(now_us / 1000000) - second_of(b, "at") > LATE_S;
    const char *why;
    int er = can_ring(s, c, now_us, &why);
    if (!er && why)
        return missed(s, c, false, why, now_us, &given_up);
    if (er)
        return er;
    json_t *data = json_pack("{s:O,s:O,s:I,s:b,s:s*}", "booking", json_object_get(b, "id"), "at",
                             json_object_get(b, "at"), "try", (json_int_t)tries, "late", (int)late,
                             "key", key[0] ? key : NULL);
    *ret_rings = true;
    return booking_event(
        s, c, booking_kind_of(b) == BOOKING_APPOINTMENT ? "appointment_due" : "callback_due", data,
        "system", "", now_us);
}

static int look(struct store *s, const struct due *d, uint64_t now_us, bool *ret_rings)
{
    struct store_case c = {0};
    uint64_t before_s;
    int er = store_begin(s);
    *ret_rings = false;
    if (er)
        return er;
    er = store_case_get(s, &d->case_id, &c);
    const json_t *b = json_object_get(c.more, "booking");
    enum booking_due what = booking_due(b, now_us, &before_s);
    const char *id = json_string_value(json_object_get(b, "id"));
    if (!er && (!id || strcmp(id, d->id.text) != 0))
        er = sql_run(s, NULL, "UPDATE bookings SET next_us = 0 WHERE id = ?", "t", d->id.text);
    else if (!er && (c.state == CASE_CLOSED || c.state == CASE_CANCELLED))
        er = booking_event(s, &c, "booking_cancelled",
                           json_pack("{s:s,s:s}", "booking", id, "reason", "case_over"), "system",
                           "", now_us);
    else if (!er && (what == BOOKING_RING || booking_state_of(b) == BOOKING_RINGING))
        er = ring(s, &c, d->key, now_us, ret_rings);
    else if (!er && what == BOOKING_REMINDER)
        er = remind(s, &c, d->key, before_s, now_us);
    else if (!er)
        er = sql_run(s, NULL, "UPDATE bookings SET next_us = ? WHERE id = ?", "it",
                     (int64_t)booking_next_us(b), d->id.text);
    store_case_clear(&c);
    return store_end(s, er);
}

int store_bookings_run(struct store *s, uint64_t now_us, struct booking_fired *ret, size_t max,
                       size_t *ret_count, size_t *ret_stuck)
{
    int er = 0;
    *ret_count = *ret_stuck = 0;
    while (!er && *ret_count + *ret_stuck < max) {
        struct due d;
        bool rings;
        er = due_find(s, now_us, &d);
        if (er)
            break;
        if (look(s, &d, now_us, &rings)) {
            ++*ret_stuck;
            er = sql_run(s, NULL, "UPDATE bookings SET next_us = ? WHERE id = ?", "it",
                         (int64_t)now_us + AGAIN_US, d.id.text);
        } else {
            ret[(*ret_count)++] = (struct booking_fired){d.case_id, rings};
        }
    }
    return er == ER_NOT_FOUND ? 0 : er;
}

int store_bookings_wake(struct store *s, uint64_t now_us)
{
    return sql_run(s, NULL, "UPDATE bookings SET next_us = ? WHERE state = 'ringing'", "i",
                   (int64_t)now_us);
}

int store_booking_again(struct store *s, const struct id *case_id, uint64_t at_us)
{
    return sql_run(s, NULL,
                   "UPDATE bookings SET next_us = ? WHERE case_id = ? AND state = 'ringing'", "it",
                   (int64_t)at_us, case_id->text);
}

/* Lists */

int store_bookings_list(struct store *s, const char *merchant, const char *agent, uint64_t from_us,
                        uint64_t before_us, bool messages, size_t limit,
                        void (*each)(void *ctx, const struct store_case *c), void *ctx)
{
    sqlite3_stmt *st;
    struct id ids[LIMIT_PAGE_ITEMS];
    size_t count = 0;
    int er = sql_begin(s, &st,
                       "SELECT case_id FROM bookings WHERE merchant = ?1 AND live = 1 AND"
                       " ((holds = 1 AND at_us >= ?2 AND at_us < ?3) OR (?4 AND state = 'open'))"
                       " AND (?5 IS NULL OR agent IN ('', ?5)) ORDER BY state = 'open', at_us, id"
                       " LIMIT ?6",
                       "tiibti", merchant, (int64_t)from_us, (int64_t)before_us, (int)messages,
                       agent, (int64_t)(limit < LIMIT_PAGE_ITEMS ? limit : LIMIT_PAGE_ITEMS));
    if (er)
        return er;
    while ((er = sql_step(s, st)) == 1 && count < LIMIT_PAGE_ITEMS)
        ids[count++] = sql_id(st, 0);
    sql_end(st);
    for (size_t i = 0; er >= 0 && i < count; i++) {
        struct store_case c;
        er = store_case_get(s, &ids[i], &c);
        if (!er)
            each(ctx, &c);
        store_case_clear(&c);
    }
    return er < 0 ? er : 0;
}

/* Audit */

int store_booking_check(struct store *s, const struct id *case_id, const json_t *booking,
                        void (*wrong)(void *ctx, const char *what), void *ctx)
{
    static const struct {
        const char *member;
        int column;
    } texts[] = {{"id", 0}, {"kind", 1}, {"state", 2}, {"agent", 3}, {"pool", 4}};
    sqlite3_stmt *st;
    const char *id = json_string_value(json_object_get(booking, "id"));
    int er = sql_begin(s, &st,
                       "SELECT id, kind, state, agent, pool, seat, at_us, ends_us, next_us, live,"
                       " holds FROM bookings WHERE case_id = ?1 ORDER BY id = ?2 DESC, live DESC",
                       "tt", case_id->text, id ? id : "");
    if (er)
        return er;
    er = sql_step(s, st);
    for (size_t i = 0; er == 1 && i < sizeof texts / sizeof texts[0]; i++) {
        const char *told = json_string_value(json_object_get(booking, texts[i].member));
        if (strcmp((const char *)sqlite3_column_text(st, texts[i].column), told ? told : "") != 0)
            wrong(ctx, texts[i].member);
    }
    bool rings = booking_state_of(booking) == BOOKING_RINGING;
    if (er == 1 &&
        (sqlite3_column_int64(st, 5) != json_integer_value(json_object_get(booking, "seat")) ||
         sqlite3_column_int64(st, 6) != second_of(booking, "at") * S ||
         sqlite3_column_int64(st, 7) != second_of(booking, "ends_at") * S ||
         sqlite3_column_int(st, 9) != booking_is_live(booking) ||
         sqlite3_column_int(st, 10) != booking_holds(booking)))
        wrong(ctx, "time or seat");
    if (er == 1 && !rings && !sqlite3_column_int64(st, 8) != !booking_next_us(booking))
        wrong(ctx, "next_us");
    if (er == 0 && booking)
        wrong(ctx, "its row");
    sql_end(st);
    return er < 0 ? er : 0;
}
