// SPDX-License-Identifier: Apache-2.0
/* Bookings over HTTP: times asked for, booked, moved, cancelled; messages; who may; what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/support/api_bench.h"

/* 2023-11-14 is a Tuesday; the bench's requests come at 22:13:21 UTC. */
#define HOURS                                                                                      \
    "{'time_zone':'UTC','weekly':{'wednesday':[{'opens':'09:00','closes':'10:00'}]},"              \
    "'bookings':{'capacity':1}}"
#define AT "'at':'2023-11-15T09:15:00Z'"

static int put(struct api_bench *b, enum role role, const char *body)
{
    return api_on_store(b, api_booking_put,
                        (struct api_ask){.role = role, .param = {b->sc.id.text}, .body = body});
}

static int ask(struct api_bench *b, void (*handler)(struct store *, struct api_call *),
               enum role role, const char *query)
{
    return api_on_store(
        b, handler,
        (struct api_ask){.role = role, .param = {b->sc.id.text}, .query = query, .body = "{}"});
}

static void set_hours(struct api_bench *b)
{
    assert_int_equal(
        api_on_store(b, api_hours_put, (struct api_ask){.role = ROLE_SERVICE, .body = HOURS}), 201);
}

static void test_booking(void **state)
{
    struct api_bench *b = *state;
    assert_int_equal(ask(b, api_slots, ROLE_BUYER, NULL), 200);
    assert_true(json_is_false(json_object_get(b->body, "offered")));
    set_hours(b);
    assert_int_equal(ask(b, api_slots, ROLE_BUYER, NULL), 200);
    assert_int_equal(json_array_size(json_object_get(b->body, "items")), 4);
    assert_string_equal(api_text(b, "items.1.at"), "2023-11-15T09:15:00.000Z");
    assert_string_equal(api_text(b, "time_zone"), "UTC");
    assert_int_equal(ask(b, api_slots, ROLE_BUYER, "kind=appointment"), 200);
    assert_int_equal(json_array_size(json_object_get(b->body, "items")), 2);
    assert_int_equal(
        ask(b, api_slots, ROLE_BUYER, "from=2023-11-15T09:30:00Z&to=2023-11-16T00:00:00Z"), 200);
    assert_int_equal(json_array_size(json_object_get(b->body, "items")), 2);
    assert_string_equal(api_text(b, "items.0.at"), "2023-11-15T09:30:00.000Z");
    assert_int_equal(ask(b, api_booking_get, ROLE_BUYER, NULL), 404);
    assert_int_equal(put(b, ROLE_BUYER, "{'kind':'callback'," AT ",'note':'After work'}"), 201);
    assert_string_equal(api_text(b, "state"), "booked");
    assert_int_equal(put(b, ROLE_BUYER, "{'kind':'callback'," AT ",'note':'After work'}"), 200);
    assert_int_equal(put(b, ROLE_AGENT, "{'kind':'appointment','at':'2023-11-15T17:30:00+08:00'}"),
                     200);
    assert_int_equal(ask(b, api_booking_get, ROLE_BUYER, NULL), 200);
    assert_string_equal(api_text(b, "kind"), "appointment");
    assert_string_equal(api_text(b, "at"), "2023-11-15T09:30:00.000Z");
    assert_int_equal(ask(b, api_bookings_list, ROLE_AGENT, NULL), 200);
    assert_string_equal(api_text(b, "items.0.booking.kind"), "appointment");
    assert_string_equal(api_text(b, "items.0.case.id"), b->sc.id.text);
    assert_int_equal(ask(b, api_booking_done, ROLE_AGENT, NULL), 404);
    assert_int_equal(ask(b, api_booking_cancel, ROLE_BUYER, NULL), 200);
    assert_string_equal(api_text(b, "state"), "cancelled");
    assert_int_equal(ask(b, api_booking_cancel, ROLE_BUYER, NULL), 404);
    assert_int_equal(put(b, ROLE_BUYER, "{'kind':'message','note':'Please call me.'}"), 201);
    assert_int_equal(ask(b, api_booking_done, ROLE_BUYER, NULL), 403);
    assert_int_equal(ask(b, api_booking_done, ROLE_AGENT, NULL), 200);
    assert_string_equal(api_text(b, "state"), "done");
    assert_int_equal(b->app.bookings, 4);
}

static void test_refused(void **state)
{
    struct api_bench *b = *state;
    static const char books[ROLE_COUNT + 1] = "yyy.y..y.";
    set_hours(b);
    for (unsigned r = 0; r < ROLE_COUNT; r++) {
        struct api_ask one = {
            .role = (enum role)r,
            .param = {b->sc.id.text},
            .of_case = r == ROLE_VIEWER || r == ROLE_ARBITER || r == ROLE_BOT ? &b->sc.id : NULL,
            .body = "{'kind':'callback'," AT "}"};
        int status = api_on_store(b, api_booking_put, one);
        assert_true(books[r] == 'y' ? status == 200 || status == 201 : status == 403);
    }
    static const char *const bad[] = {"{}",
                                      "{'kind':'visit'," AT "}",
                                      "{'kind':'callback'}",
                                      "{'kind':'callback','at':'tomorrow'}",
                                      "{'kind':'callback','at':5}",
                                      "{'kind':'message'}",
                                      "{'kind':'message','note':''}",
                                      "{'kind':'message','note':'x'," AT "}",
                                      "{'kind':'callback'," AT ",'agent':1}",
                                      "{'kind':'callback'," AT ",'note':{}}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(put(b, ROLE_BUYER, bad[i]), 400);
    assert_int_equal(put(b, ROLE_BUYER, "{'kind':'callback','at':'2023-11-15T10:00:00Z'}"), 409);
    assert_string_equal(api_text(b, "detail"), "at that time none begins: ask for those that do");
    assert_int_equal(ask(b, api_slots, ROLE_BUYER, "kind=message"), 400);
    assert_int_equal(ask(b, api_slots, ROLE_BUYER, "from=yesterday"), 400);
    assert_int_equal(ask(b, api_bookings_list, ROLE_BUYER, NULL), 403);
    for (unsigned r = 0; r < ROLE_COUNT; r++) {
        struct api_ask one = {.role = (enum role)r, .param = {b->sc.id.text}, .of_case = &b->sc.id};
        assert_int_equal(api_on_store(b, api_booking_get, one), r == ROLE_VIEWER ? 403 : 200);
    }
    char message[64];
    int status = 0;
    for (unsigned i = 0; i < LIMIT_BOOKING_CHANGES && status != 429; i++) {
        (void)snprintf(message, sizeof message, "{'kind':'message','note':'%u'}", i);
        status = put(b, ROLE_BUYER, message);
        assert_true(status == 200 || status == 429);
    }
    assert_int_equal(status, 429);
    struct api_ask stale = {.role = ROLE_BUYER,
                            .param = {b->sc.id.text},
                            .if_match = "\"1\"",
                            .body = "{'kind':'message','note':'x'}"};
    assert_int_equal(api_on_store(b, api_booking_put, stale), 412);
    struct api_ask foreign = {.role = ROLE_SERVICE,
                              .foreign = true,
                              .param = {b->sc.id.text},
                              .body = "{'kind':'message','note':'x'}"};
    assert_int_equal(api_on_store(b, api_booking_put, foreign), 403);
    assert_int_equal(api_on_store(b, api_slots, foreign), 403);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, api_bench_setup, api_bench_teardown)
    const struct CMUnitTest tests[] = {TEST(test_booking), TEST(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
