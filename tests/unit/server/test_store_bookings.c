// SPDX-License-Identifier: Apache-2.0
/* Bookings in the store: nobody and no seat twice at a time, whatever the lengths; who may have which time; what the audit
 * finds when a row is not as the timeline tells. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/str.h"
#include "server/store_bookings.h"
#include "server/store_hours.h"
#include "server/store_sql.h"
#include "tests/unit/support/zone_file.h"

#define NOW "2026-11-23T08:00" /* a Monday */

struct bench {
    struct entropy_seeded seeded;
    struct entropy entropy;
    struct store *s;
    struct id cases[8];
    uint64_t now_us;
};

static void set_hours(struct bench *b, const char *team, const char *bookings)
{
    struct store_hours h;
    bool is_new;
    const char *why;
    json_t *body = json_pack("{s:s,s:{s:[{s:s,s:s}],s:[{s:s,s:s}]},s:o}", "time_zone", "UTC",
                             "weekly", "monday", "opens", "09:00", "closes", "12:00", "tuesday",
                             "opens", "09:00", "closes", "10:00", "bookings",
                             json_loads(bookings, 0, NULL));
    assert_int_equal(store_hours_put(b->s, "acme", team, body, 0, "sue", 1, &h, &is_new, &why), 0);
    store_hours_clear(&h);
    json_decref(body);
}

static int start(void **state)
{
    static struct bench b;
    bool repeated;
    b.entropy = entropy_seeded_init(&b.seeded, 7);
    b.now_us = (uint64_t)zone_utc(NOW) * 1000000;
    assert_int_equal(store_open(&b.s, ":memory:", &b.entropy, NULL), 0);
    assert_int_equal(store_merchant_put(b.s, "acme", NULL, b.now_us), 0);
    for (size_t i = 0; i < 8; i++) {
        struct store_case c = {.merchant = "acme", .title = "A cup", .buyer = "lin"};
        c.more = i == 7 ? json_pack("{s:s}", "team", "Watches") : json_object();
        assert_int_equal(
            store_case_create(b.s, &c, "shop", "demo", NULL, NULL, b.now_us, &repeated), 0);
        b.cases[i] = c.id;
        store_case_clear(&c);
    }
    *state = &b;
    return 0;
}

static int stop(void **state)
{
    store_close(((struct bench *)*state)->s);
    return 0;
}

static int book(struct bench *b, size_t i, enum role role, enum booking_kind kind, const char *at,
                const char *agent)
{
    struct store_case after;
    struct refusal why = {0};
    bool is_new;
    const struct booker who = {.identity = "lin", .role = role, .key = "demo", .now_us = b->now_us};
    const struct booking_wish wish = {.kind = kind, .at_s = zone_utc(at), .agent = agent};
    int er = store_booking_put(b->s, &b->cases[i], &who, &wish, &after, &is_new, &why);
    if (!er)
        store_case_clear(&after);
    assert_true(er != ER_CONFLICT || why.why);
    refusal_clear(&why);
    return er;
}

struct seen {
    size_t count;
    unsigned free;
    char first[32];
};

static void see(void *ctx, const struct booking_slot *slot)
{
    struct seen *seen = ctx;
    if (!seen->count++)
        (void)snprintf(seen->first, sizeof seen->first, "%lld", (long long)slot->at_s);
    seen->free += slot->free;
}

static struct seen slots(struct bench *b, size_t i, enum booking_kind kind, const char *agent)
{
    struct seen seen = {0};
    struct store_case c;
    assert_int_equal(store_case_get(b->s, &b->cases[i], &c), 0);
    const struct booking_ask ask = {.sc = &c,
                                    .kind = kind,
                                    .agent = agent,
                                    .from_s = zone_utc(NOW),
                                    .before_s = zone_utc("2026-11-24T00:00"),
                                    .limit = 500,
                                    .now_us = b->now_us};
    assert_int_equal(store_booking_slots(b->s, &ask, see, &seen), 0);
    store_case_clear(&c);
    return seen;
}

#define CALLBACK BOOKING_CALLBACK
#define APPOINTMENT BOOKING_APPOINTMENT

static void test_times(void **state)
{
    struct bench *b = *state;
    assert_int_equal(book(b, 0, ROLE_BUYER, CALLBACK, "2026-11-23T09:00", ""), ER_CONFLICT);
    set_hours(b, "", "{\"capacity\":1,\"notice_minutes\":120,\"ahead_days\":1}");
    assert_int_equal(slots(b, 0, CALLBACK, "").count, 8); /* from 10:00, as notice is wanted */
    static const char *const bad[] = {"2026-11-23T09:45", "2026-11-23T10:05", "2026-11-23T12:00",
                                      "2026-11-23T07:00", "2026-11-24T09:00", "2026-11-30T09:00"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(book(b, 0, ROLE_BUYER, CALLBACK, bad[i], ""), ER_CONFLICT);
    assert_int_equal(book(b, 0, ROLE_AGENT, CALLBACK, "2026-11-23T09:45", ""), 0);
    assert_int_equal(book(b, 0, ROLE_BUYER, CALLBACK, "2026-11-23T10:00", ""), 0); /* moved */
    assert_int_equal(book(b, 1, ROLE_BUYER, CALLBACK, "2026-11-23T10:00", ""), ER_CONFLICT);
    assert_int_equal(slots(b, 1, CALLBACK, "").count, 7);
    assert_int_equal(slots(b, 0, CALLBACK, "").count, 8); /* its own it may have again */
    assert_int_equal(book(b, 0, ROLE_BUYER, CALLBACK, "2026-11-23T10:00", ""), 0);
    assert_int_equal(book(b, 1, ROLE_BUYER, CALLBACK, "2026-11-23T10:15", ""), 0);
    /* half an hour does not go between */
    assert_int_equal(book(b, 2, ROLE_BUYER, APPOINTMENT, "2026-11-23T10:00", ""), ER_CONFLICT);
    assert_int_equal(book(b, 2, ROLE_BUYER, APPOINTMENT, "2026-11-23T10:30", ""), 0);
    assert_int_equal(book(b, 3, ROLE_BUYER, CALLBACK, "2026-11-23T10:45", ""), ER_CONFLICT);
}

static void test_people(void **state)
{
    struct bench *b = *state;
    set_hours(b, "", "{\"capacity\":3}");
    assert_int_equal(book(b, 0, ROLE_BUYER, APPOINTMENT, "2026-11-23T10:00", "he"), 0);
    assert_int_equal(book(b, 1, ROLE_BUYER, APPOINTMENT, "2026-11-23T10:00", "he"), ER_CONFLICT);
    assert_int_equal(slots(b, 1, APPOINTMENT, "he").count, 5);
    assert_int_equal(book(b, 1, ROLE_BUYER, APPOINTMENT, "2026-11-23T10:00", "ann"), 0);
    assert_int_equal(book(b, 2, ROLE_BUYER, CALLBACK, "2026-11-23T10:15", ""), 0);
    assert_int_equal(book(b, 3, ROLE_BUYER, CALLBACK, "2026-11-23T10:15", ""), ER_CONFLICT);
    assert_int_equal(book(b, 4, ROLE_BUYER, CALLBACK, "2026-11-23T10:00", ""), 0);
    /* a team has people of its own, but nobody is in two */
    set_hours(b, "watches", "{\"capacity\":1}");
    assert_int_equal(book(b, 7, ROLE_BUYER, APPOINTMENT, "2026-11-23T10:00", "he"), ER_CONFLICT);
    assert_int_equal(book(b, 7, ROLE_BUYER, APPOINTMENT, "2026-11-23T10:00", ""), 0);
    assert_int_equal(slots(b, 5, CALLBACK, "").free, 3 * 12 - 2 * 2 - 2);
}

static void work(struct bench *b, const char *name, const char *team, enum role role, bool inactive)
{
    struct store_worker w = {.merchant = "acme", .role = role, .inactive = inactive};
    (void)str_copy(w.identity, sizeof w.identity, name);
    (void)str_copy(w.team, sizeof w.team, team);
    assert_int_equal(store_worker_put(b->s, &w, b->now_us), 0);
}

/** Without a capacity, those who take calls of that team count. */
static void test_capacity(void **state)
{
    struct bench *b = *state;
    char name[16];
    set_hours(b, "", "{}");
    set_hours(b, "watches", "{}");
    assert_int_equal(slots(b, 0, CALLBACK, "").free, 12);
    work(b, "ann", "Watches", ROLE_AGENT, false);
    work(b, "ben", "", ROLE_APPRAISER, false);
    work(b, "cy", "bags", ROLE_AGENT, false);
    work(b, "dan", "watches", ROLE_AGENT, true);
    work(b, "eve", "watches", ROLE_SUPERVISOR, false);
    assert_int_equal(slots(b, 7, CALLBACK, "").free, 2 * 12);
    assert_int_equal(slots(b, 0, CALLBACK, "").free, 3 * 12);
    for (unsigned i = 0; i < 1100; i++) {
        (void)snprintf(name, sizeof name, "p%u", i);
        work(b, name, "", ROLE_AGENT, false);
    }
    assert_int_equal(slots(b, 0, CALLBACK, "").free, 1000 * 12);
}

static int raw(struct bench *b, const char *sql)
{
    return sqlite3_exec(b->s->db, sql, NULL, NULL, NULL);
}

/** The rows' own triggers, whoever writes them. */
static void test_never_twice(void **state)
{
    struct bench *b = *state;
    char sql[400];
#define ROW(id, pool, seat, agent, holds, at, ends)                                                \
    (snprintf(sql, sizeof sql,                                                                     \
              "INSERT INTO bookings VALUES('" id "', '%s', 'acme', '" pool "', " seat ", '" agent  \
              "', 'callback', 'booked', 0, " holds ", " at ", " ends ", 0, '')",                   \
              b->cases[0].text),                                                                   \
     raw(b, sql))
    assert_int_equal(ROW("a", "", "0", "", "1", "1000", "2000"), SQLITE_OK);
    assert_int_equal(ROW("b", "", "0", "", "1", "1999", "3000"), SQLITE_CONSTRAINT);
    assert_int_equal(ROW("b", "", "0", "", "1", "2000", "3000"), SQLITE_OK);
    assert_int_equal(ROW("c", "", "0", "", "0", "1000", "2000"), SQLITE_OK);
    assert_int_equal(ROW("d", "x", "0", "he", "1", "1000", "2000"), SQLITE_OK);
    assert_int_equal(ROW("e", "", "1", "he", "1", "1500", "1600"), SQLITE_CONSTRAINT);
    assert_int_equal(ROW("e", "", "1", "ann", "1", "1500", "1600"), SQLITE_OK);
    assert_int_equal(raw(b, "UPDATE bookings SET holds = 1 WHERE id = 'c'"), SQLITE_CONSTRAINT);
    assert_int_equal(raw(b, "UPDATE bookings SET agent = 'he' WHERE id = 'e'"), SQLITE_CONSTRAINT);
    assert_int_equal(raw(b, "UPDATE bookings SET at_us = 1100 WHERE id = 'a'"), SQLITE_OK);
}

static void wrong(void *ctx, const char *what)
{
    (void)str_copy(ctx, 32, what);
}

static void test_audit(void **state)
{
    struct bench *b = *state;
    struct store_case c;
    char said[32] = "";
    set_hours(b, "", "{}");
    assert_int_equal(book(b, 0, ROLE_BUYER, CALLBACK, "2026-11-23T10:00", ""), 0);
    assert_int_equal(store_case_get(b->s, &b->cases[0], &c), 0);
    const json_t *told = json_object_get(c.more, "booking");
    static const struct {
        const char *sql, *said;
    } rows[] = {{"UPDATE bookings SET key = 'x'", ""},
                {"UPDATE bookings SET at_us = at_us + 1", "time or seat"},
                {"UPDATE bookings SET at_us = at_us - 1, agent = 'he'", "agent"},
                {"UPDATE bookings SET agent = '', next_us = 0", "next_us"},
                {"DELETE FROM bookings", "its row"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(raw(b, rows[i].sql), SQLITE_OK);
        assert_int_equal(store_booking_check(b->s, &c.id, told, wrong, said), 0);
        assert_string_equal(said, rows[i].said);
    }
    store_case_clear(&c);
}

static void count(void *ctx, const struct store_case *c)
{
    *(unsigned *)ctx += json_object_get(c->more, "booking") != NULL;
}

static void test_list_and_end(void **state)
{
    struct bench *b = *state;
    unsigned n = 0;
    const struct booker who = {.identity = "lin", .role = ROLE_BUYER, .now_us = b->now_us};
    set_hours(b, "", "{\"capacity\":3}");
    assert_int_equal(book(b, 0, ROLE_BUYER, APPOINTMENT, "2026-11-23T10:00", "he"), 0);
    assert_int_equal(book(b, 1, ROLE_BUYER, CALLBACK, "2026-11-23T11:00", ""), 0);
    assert_int_equal(book(b, 2, ROLE_BUYER, CALLBACK, "2026-11-24T09:00", ""), 0);
    const uint64_t from_us = b->now_us, day_us = UINT64_C(86400000000);
    assert_int_equal(
        store_bookings_list(b->s, "acme", NULL, from_us, from_us + day_us / 2, true, 9, count, &n),
        0);
    assert_int_equal(n, 2);
    assert_int_equal(
        store_bookings_list(b->s, "acme", "ann", from_us, from_us + 2 * day_us, true, 9, count, &n),
        0);
    assert_int_equal(n, 4);
    assert_int_equal(store_bookings_list(b->s, "other", NULL, 0, from_us * 2, true, 9, count, &n),
                     0);
    assert_int_equal(n, 4);
    assert_int_equal(store_booking_cancel(b->s, &b->cases[0], &who, "no", NULL), 0);
    assert_int_equal(store_booking_cancel(b->s, &b->cases[0], &who, "no", NULL), ER_NOT_FOUND);
    assert_int_equal(book(b, 3, ROLE_BUYER, APPOINTMENT, "2026-11-23T10:00", "he"), 0);
}

/** It has come due, and rings. */
static void ring(struct bench *b, const char *at)
{
    struct booking_fired fired[4];
    size_t count, stuck;
    b->now_us = (uint64_t)zone_utc(at) * 1000000;
    assert_int_equal(store_bookings_run(b->s, b->now_us, fired, 4, &count, &stuck), 0);
    assert_int_equal(count, 1);
    assert_int_equal(stuck, 0);
    assert_true(fired[0].rings);
}

static json_t *booking_of(struct bench *b, size_t i)
{
    struct store_case c;
    assert_int_equal(store_case_get(b->s, &b->cases[i], &c), 0);
    json_t *booking = json_incref(json_object_get(c.more, "booking"));
    char said[32] = "";
    assert_int_equal(store_booking_check(b->s, &c.id, booking, wrong, said), 0);
    assert_string_equal(said, "");
    store_case_clear(&c);
    return booking;
}

/** A case that another team has by then: its next time is one of that team's, also where the old one's is taken. */
static void test_missed_in_another_team(void **state)
{
    struct bench *b = *state;
    bool given_up;
    set_hours(b, "", "{\"capacity\":1}");
    set_hours(b, "watches", "{\"capacity\":1}");
    assert_int_equal(book(b, 0, ROLE_BUYER, CALLBACK, "2026-11-23T10:00", ""), 0);
    assert_int_equal(book(b, 1, ROLE_BUYER, CALLBACK, "2026-11-23T10:30", ""), 0);
    json_t *team = json_string("Watches");
    assert_int_equal(store_case_set(b->s, &b->cases[0], "team", team, b->now_us), 0);
    json_decref(team);
    ring(b, "2026-11-23T10:00");
    assert_int_equal(store_booking_missed(b->s, &b->cases[0], true, "no_show",
                                          (uint64_t)zone_utc("2026-11-23T10:15") * 1000000,
                                          &given_up),
                     0);
    assert_false(given_up);
    json_t *booking = booking_of(b, 0);
    assert_string_equal(json_string_value(json_object_get(booking, "at")),
                        "2026-11-23T10:30:00.000Z");
    assert_string_equal(json_string_value(json_object_get(booking, "pool")), "watches");
    json_decref(booking);
    assert_int_equal(book(b, 7, ROLE_AGENT, CALLBACK, "2026-11-23T10:30", ""), ER_CONFLICT);
}

/** A case that is over gives its time back with that. */
static void test_case_over(void **state)
{
    struct bench *b = *state;
    struct store_case after;
    set_hours(b, "", "{\"capacity\":1}");
    assert_int_equal(book(b, 0, ROLE_BUYER, CALLBACK, "2026-11-23T10:00", ""), 0);
    assert_int_equal(book(b, 1, ROLE_BUYER, CALLBACK, "2026-11-23T10:00", ""), ER_CONFLICT);
    const struct store_action cancel = {
        .case_id = b->cases[0], .action = CASE_CANCEL, .actor = "lin", .role = ROLE_BUYER};
    assert_int_equal(store_case_act(b->s, &cancel, b->now_us, &after), 0);
    json_t *booking = booking_of(b, 0);
    assert_string_equal(json_string_value(json_object_get(booking, "state")), "cancelled");
    assert_true(json_equal(booking, json_object_get(after.more, "booking")));
    json_decref(booking);
    uint64_t version = after.version;
    store_case_clear(&after);
    assert_int_equal(store_case_get(b->s, &b->cases[0], &after), 0);
    assert_int_equal(after.version, version);
    store_case_clear(&after);
    assert_int_equal(book(b, 1, ROLE_BUYER, CALLBACK, "2026-11-23T10:00", ""), 0);
}

/** A timeline is not filled with bookings. */
static void test_changes(void **state)
{
    struct bench *b = *state;
    static const char *const at[] = {"2026-11-23T10:00", "2026-11-23T10:15"};
    const struct booker who = {.identity = "lin", .role = ROLE_BUYER, .now_us = b->now_us};
    set_hours(b, "", "{}");
    for (unsigned i = 0; i < LIMIT_BOOKING_CHANGES; i++) {
        if (i % 3 == 2) /* made anew, or moved */
            assert_int_equal(store_booking_cancel(b->s, &b->cases[0], &who, "", NULL), 0);
        assert_int_equal(book(b, 0, ROLE_BUYER, CALLBACK, at[i % 2], ""), 0);
    }
    assert_int_equal(book(b, 0, ROLE_BUYER, CALLBACK, at[0], ""), ER_FULL);
    assert_int_equal(book(b, 0, ROLE_BUYER, CALLBACK, at[1], ""), 0); /* as it is */
    assert_int_equal(book(b, 0, ROLE_AGENT, CALLBACK, at[0], ""), 0);
    assert_int_equal(store_booking_cancel(b->s, &b->cases[0], &who, "", NULL), 0);
    assert_int_equal(book(b, 1, ROLE_BUYER, CALLBACK, at[0], ""), 0); /* of another case */
}

/** What could not be rung is due again. */
static void test_again(void **state)
{
    struct bench *b = *state;
    struct booking_fired fired;
    size_t count, stuck;
    set_hours(b, "", "{}");
    assert_int_equal(book(b, 0, ROLE_BUYER, CALLBACK, "2026-11-23T10:00", ""), 0);
    assert_int_equal(store_booking_again(b->s, &b->cases[0], 1), 0); /* it does not ring */
    ring(b, "2026-11-23T10:00");
    assert_int_equal(store_booking_again(b->s, &b->cases[0], b->now_us + 60000000), 0);
    assert_int_equal(store_bookings_run(b->s, b->now_us, &fired, 1, &count, &stuck), 0);
    assert_int_equal(count, 0);
    ring(b, "2026-11-23T10:01");
    json_decref(booking_of(b, 0));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)
    const struct CMUnitTest tests[] = {TEST(test_times),
                                       TEST(test_people),
                                       TEST(test_capacity),
                                       TEST(test_never_twice),
                                       TEST(test_audit),
                                       TEST(test_list_and_end),
                                       TEST(test_missed_in_another_team),
                                       TEST(test_again),
                                       TEST(test_case_over),
                                       TEST(test_changes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
