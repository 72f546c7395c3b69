// SPDX-License-Identifier: Apache-2.0
/* Bookings, told by events: their states, what is due when, times read, policies, times to be had, and seats. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/er.h"
#include "server/booking.h"
#include "tests/unit/support/zone_file.h"

#define S UINT64_C(1000000)

static uint64_t us(const char *text)
{
    return (uint64_t)zone_utc(text) * S;
}

static json_t *after(json_t *booking, const char *type, const char *data, const char *at)
{
    char text[512];
    size_t len = strlen(data);
    assert_true(len < sizeof text);
    for (size_t i = 0; i <= len; i++)
        text[i] = data[i] == '\'' ? '"' : data[i];
    json_t *o = json_loads(text, 0, NULL);
    assert_non_null(o);
    assert_int_equal(booking_tell(&booking, type, o, "bo", us(at)), 0);
    json_decref(o);
    return booking;
}

static json_t *appointment(void)
{
    return after(NULL, "booking_made",
                 "{'booking':'b1','kind':'appointment','at':'2026-11-24T09:00:00.000Z','ends_at':"
                 "'2026-11-24T09:30:00.000Z','pool':'','seat':1,'agent':'he',"
                 "'reminders':[86400,3600,600]}",
                 "2026-11-22T09:00");
}

static void test_life(void **state)
{
    (void)state;
    json_t *b = appointment();
    assert_int_equal(booking_state_of(b), BOOKING_BOOKED);
    assert_int_equal(booking_kind_of(b), BOOKING_APPOINTMENT);
    assert_true(booking_is_live(b) && booking_holds(b));
    b = after(b, "booking_cancelled", "{'booking':'other'}", "2026-11-22T10:00");
    assert_int_equal(booking_state_of(b), BOOKING_BOOKED);
    b = after(b, "outcome_proposed", "{'booking':'b1'}", "2026-11-22T10:00");
    b = after(b, "appointment_due", "{'booking':'b1','try':1}", "2026-11-24T09:00");
    assert_int_equal(booking_state_of(b), BOOKING_RINGING);
    assert_true(booking_holds(b));
    b = after(b, "booking_missed",
              "{'booking':'b1','try':1,'at':'2026-11-24T10:00:00.000Z','ends_at':"
              "'2026-11-24T10:30:00.000Z','seat':0}",
              "2026-11-24T09:05");
    assert_int_equal(booking_state_of(b), BOOKING_BOOKED);
    assert_int_equal(json_integer_value(json_object_get(b, "tries")), 1);
    assert_string_equal(json_string_value(json_object_get(b, "pool")), "");
    b = after(b, "appointment_due", "{'booking':'b1','try':2}", "2026-11-24T10:00");
    json_t *kept = after(json_incref(b), "booking_kept", "{'booking':'b1','agent':'ann'}",
                         "2026-11-24T10:01");
    assert_int_equal(booking_state_of(kept), BOOKING_KEPT);
    assert_false(booking_is_live(kept) || booking_holds(kept));
    json_decref(kept);
    b = after(b, "booking_missed", "{'booking':'b1','try':2}", "2026-11-24T10:05");
    assert_int_equal(booking_state_of(b), BOOKING_OPEN); /* for staff to see to */
    assert_true(booking_is_live(b) && !booking_holds(b));
    assert_int_equal(booking_next_us(b), 0);
    b = after(b, "booking_done", "{'booking':'b1'}", "2026-11-24T11:00");
    assert_false(booking_is_live(b));
    b = after(b, "booking_made", "{'booking':'b2','kind':'message','note':'Please.'}",
              "2026-11-25T10:00");
    assert_int_equal(booking_state_of(b), BOOKING_OPEN);
    assert_null(json_object_get(b, "agent"));
    b = after(b, "booking_moved",
              "{'booking':'b2','kind':'callback','at':'2026-11-26T09:00:00Z','ends_at':"
              "'2026-11-26T09:15:00Z','pool':'','seat':0}",
              "2026-11-25T11:00");
    assert_int_equal(booking_state_of(b), BOOKING_BOOKED);
    assert_null(json_object_get(b, "note"));
    b = after(b, "booking_cancelled", "{'booking':'b2'}", "2026-11-25T12:00");
    assert_int_equal(booking_state_of(b), BOOKING_CANCELLED);
    json_decref(b);
    assert_false(booking_is_live(NULL) || booking_holds(NULL));
    assert_int_equal(booking_next_us(NULL), 0);
}

static void test_due(void **state)
{
    (void)state;
    uint64_t before_s;
    json_t *b = appointment();
    assert_int_equal(booking_next_us(b), us("2026-11-23T09:00"));
    assert_int_equal(booking_due(b, us("2026-11-23T08:59"), &before_s), BOOKING_NOTHING);
    assert_int_equal(booking_due(b, us("2026-11-23T09:00"), &before_s), BOOKING_REMINDER);
    assert_int_equal(before_s, 86400);
    b = after(b, "booking_reminder", "{'booking':'b1','before_seconds':86400}", "2026-11-23T09:00");
    assert_int_equal(booking_due(b, us("2026-11-23T09:00"), &before_s), BOOKING_NOTHING);
    assert_int_equal(booking_next_us(b), us("2026-11-24T08:00"));
    /* down for a while: of those that came due the last one alone is of use */
    assert_int_equal(booking_due(b, us("2026-11-24T08:55"), &before_s), BOOKING_REMINDER);
    assert_int_equal(before_s, 600);
    b = after(b, "booking_reminder", "{'booking':'b1','before_seconds':600}", "2026-11-24T08:55");
    assert_int_equal(booking_next_us(b), us("2026-11-24T09:00"));
    assert_int_equal(booking_due(b, us("2026-11-24T08:59"), &before_s), BOOKING_NOTHING);
    assert_int_equal(booking_due(b, us("2026-11-24T09:00"), &before_s), BOOKING_RING);
    b = after(b, "appointment_due", "{'booking':'b1','try':1}", "2026-11-24T09:00");
    assert_int_equal(booking_due(b, us("2026-11-24T09:10"), &before_s), BOOKING_NOTHING);
    json_decref(b);
    /* made half an hour before: nobody is reminded of what was a day before */
    b = after(NULL, "booking_made",
              "{'booking':'b1','kind':'appointment','at':'2026-11-24T09:00:00Z','ends_at':"
              "'2026-11-24T09:30:00Z','reminders':[86400,3600,600]}",
              "2026-11-24T08:30");
    assert_int_equal(booking_next_us(b), us("2026-11-24T08:50"));
    json_decref(b);
}

static void test_times(void **state)
{
    (void)state;
    int64_t at_s;
    static const char *const good[] = {"2026-11-24T09:00:00Z", "2026-11-24T09:00:00.000Z",
                                       "2026-11-24T17:00:00+08:00", "2026-11-24t03:30:00.5-05:30"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(booking_time_parse(good[i], &at_s), 0);
        assert_int_equal(at_s, zone_utc("2026-11-24T09:00"));
    }
    static const char *const bad[] = {"",
                                      "2026-11-24",
                                      "2026-11-24T09:00:00",
                                      "2026-11-24T24:00:00Z",
                                      "2026-11-24T09:60:00Z",
                                      "2026-02-30T09:00:00Z",
                                      "2026-11-24T09:00:00Zx",
                                      "2026-11-24T09:00:00+8:00",
                                      "2026-11-24T09:00:00+08:0x",
                                      "2026-11-24 09:00:00.000Z"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(booking_time_parse(bad[i], &at_s), ER_MALFORMED);
    assert_int_equal(booking_time_parse(NULL, &at_s), ER_MALFORMED);
}

static const char *policy(const char *bookings, struct booking_policy *ret)
{
    json_t *hours = json_pack("{s:o}", "bookings", json_loads(bookings, JSON_DECODE_ANY, NULL));
    const char *why = booking_policy_read(hours, ret);
    json_decref(hours);
    return why;
}

static void test_policies(void **state)
{
    (void)state;
    struct booking_policy p;
    assert_null(booking_policy_read(NULL, &p));
    assert_false(p.offered);
    assert_null(policy("{}", &p));
    assert_true(p.offered && p.slot_s == 900 && p.appointment_s == 1800 && p.capacity == 0);
    assert_true(p.tries == 3 && p.answer_s == 120 && p.ahead_s == 14 * 86400);
    assert_int_equal(p.reminder_count, 3);
    assert_int_equal(p.reminders_s[0], 86400);
    assert_null(
        policy("{\"capacity\":7,\"reminders_minutes\":[5,120],\"overflow_seconds\":0}", &p));
    assert_true(p.capacity == 7 && p.reminder_count == 2 && p.overflow_s == 0);
    assert_int_equal(p.reminders_s[0], 7200);
    static const char *const bad[] = {"1",
                                      "{\"x\":1}",
                                      "{\"slot_minutes\":4}",
                                      "{\"slot_minutes\":\"5\"}",
                                      "{\"tries\":0}",
                                      "{\"reminders_minutes\":1}",
                                      "{\"reminders_minutes\":[0]}",
                                      "{\"capacity\":1001}",
                                      "{\"reminders_minutes\":[1,2,3,4,5,6,7,8,9]}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_non_null(policy(bad[i], &p));
}

static unsigned count_slots(const struct hours *h, const char *from, const char *before,
                            unsigned length_s)
{
    unsigned count = 0;
    int64_t at_s;
    struct booking_walk w = booking_walk(h, zone_utc(from), zone_utc(before), length_s);
    while (booking_walk_next(&w, &at_s))
        count++;
    return count;
}

static void test_slots(void **state)
{
    (void)state;
    const char *why;
    struct hours *h;
    json_t *o = json_loads("{\"weekly\":{\"monday\":[{\"opens\":\"09:10\",\"closes\":\"11:00\"}],"
                           "\"sunday\":[{\"opens\":\"01:00\",\"closes\":\"04:00\"}]}}",
                           0, NULL);
    assert_int_equal(hours_new(&h, o, zone_of(ZONE_BERLIN), &why), 0);
    json_decref(o);
    int64_t at_s;
    static const char *const monday[] = {"2026-11-23T08:30", "2026-11-23T09:00",
                                         "2026-11-23T09:30"};
    struct booking_walk w = booking_walk(h, zone_utc("2026-11-23T00:00"),
                                         zone_utc("2026-11-24T00:00"), 1800);
    for (size_t i = 0; i < 3; i++) {
        assert_true(booking_walk_next(&w, &at_s));
        assert_int_equal(at_s, zone_utc(monday[i]));
    }
    assert_false(booking_walk_next(&w, &at_s));
    /* clocks go forward: from 01:00 to 04:00 there are two hours */
    assert_int_equal(count_slots(h, "2026-03-28T12:00", "2026-03-29T12:00", 1800), 4);
    /* and back: four */
    assert_int_equal(count_slots(h, "2026-10-24T12:00", "2026-10-25T12:00", 1800), 8);
    /* the last one may end after the time asked for, if it is open then */
    assert_int_equal(count_slots(h, "2026-11-23T08:30", "2026-11-23T08:31", 1800), 1);
    assert_int_equal(count_slots(h, "2026-11-23T09:31", "2026-11-23T12:00", 1800), 0);
    hours_free(h);
}

/** The lowest free seat, or -1, of those taken here. */
static int seat(int64_t from_s, int64_t to_s, unsigned capacity)
{
    static const struct booking_span taken[] = {
        {300, 400, 0, true}, {100, 200, 0, false}, {150, 250, 1, false}};
    struct booking_seats *b;
    int lowest;
    assert_int_equal(booking_seats_new(&b, taken, 3, capacity), 0);
    unsigned count = booking_seats_at(b, from_s, to_s, &lowest);
    assert_int_equal(count == 0, lowest < 0);
    booking_seats_free(b);
    return lowest;
}

static void test_seats(void **state)
{
    (void)state;
    assert_int_equal(seat(0, 100, 1), 0);
    assert_int_equal(seat(100, 150, 1), -1);
    assert_int_equal(seat(100, 150, 2), 1);
    assert_int_equal(seat(120, 180, 2), -1);
    assert_int_equal(seat(120, 180, 3), 2);
    assert_int_equal(seat(350, 450, 9), -1); /* nobody is in two places */
    assert_int_equal(seat(400, 450, 1), 0);
}

/** As counted for each time alone. */
static void test_seats_in_turn(void **state)
{
    (void)state;
    enum { SPANS = 300, CAPACITY = 5 };
    struct booking_span taken[SPANS];
    uint32_t random = 7;
    for (size_t i = 0; i < SPANS; i++) {
        random = random * 1103515245 + 12345;
        int64_t from_s = (random >> 8) % 1000;
        taken[i] = (struct booking_span){from_s, from_s + (random >> 4) % 40, (random >> 20) % 7,
                                         (random >> 16) % 64 == 0};
    }
    struct booking_seats *b;
    assert_int_equal(booking_seats_new(&b, taken, SPANS, CAPACITY), 0);
    for (int64_t at_s = 0; at_s < 1050; at_s += 7) {
        bool used[7] = {false}, agent = false;
        for (size_t i = 0; i < SPANS; i++) {
            if (taken[i].from_s < at_s + 7 && taken[i].to_s > at_s &&
                taken[i].to_s > taken[i].from_s) {
                used[taken[i].seat] = true;
                agent |= taken[i].agent;
            }
        }
        unsigned expected = 0;
        int first = -1, lowest;
        for (int i = CAPACITY - 1; i >= 0 && !agent; i--) {
            expected += !used[i];
            first = used[i] ? first : i;
        }
        assert_int_equal(booking_seats_at(b, at_s, at_s + 7, &lowest), expected);
        assert_int_equal(lowest, first);
    }
    booking_seats_free(b);
}

/** Open day and night, a closure for each day of a year, all seats of two months taken: it takes no long time to say so. */
static void test_many(void **state)
{
    (void)state;
    enum { SLOTS = 60 * 288, SEATS = 20 };
    const char *why;
    struct hours *h;
    char date[16];
    json_t *o = json_pack("{s:{},s:[]}", "weekly", "closures");
    for (int i = 0; i < 366; i++) {
        (void)snprintf(date, sizeof date, "20%02d-%02d-%02d", 30 + i / 336, i / 28 % 12 + 1,
                       i % 28 + 1);
        (void)json_array_append_new(json_object_get(o, "closures"),
                                    json_pack("{s:s}", "date", date));
    }
    static const char *const days[] = {"monday", "tuesday",  "wednesday", "thursday",
                                       "friday", "saturday", "sunday"};
    for (size_t i = 0; i < 7; i++)
        (void)json_object_set_new(json_object_get(o, "weekly"), days[i],
                                  json_pack("[{s:s,s:s}]", "opens", "00:00", "closes", "24:00"));
    assert_int_equal(hours_new(&h, o, zone_of(ZONE_BERLIN), &why), 0);
    json_decref(o);
    int64_t from_s = zone_utc("2026-11-23T00:00"), at_s;
    struct booking_span *taken = calloc((size_t)SLOTS * SEATS, sizeof *taken);
    for (int i = 0; i < SLOTS * SEATS; i++) {
        int64_t begin_s = from_s + i / SEATS * 300;
        taken[i] = (struct booking_span){begin_s, begin_s + 300, (unsigned)(i % SEATS), false};
    }
    clock_t begun = clock();
    struct booking_seats *b;
    struct booking_walk w = booking_walk(h, from_s, from_s + SLOTS * 300, 300);
    unsigned free_seats = 0, count = 0;
    int lowest;
    assert_int_equal(booking_seats_new(&b, taken, (size_t)SLOTS * SEATS, SEATS), 0);
    for (; booking_walk_next(&w, &at_s); count++)
        free_seats += booking_seats_at(b, at_s, at_s + 300, &lowest);
    assert_int_equal(count, SLOTS);
    assert_int_equal(free_seats, 0);
    assert_true(clock() - begun < 4 * CLOCKS_PER_SEC);
    booking_seats_free(b);
    hours_free(h);
    free(taken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_life),          cmocka_unit_test(test_due),
        cmocka_unit_test(test_times),         cmocka_unit_test(test_policies),
        cmocka_unit_test(test_slots),         cmocka_unit_test(test_seats),
        cmocka_unit_test(test_seats_in_turn), cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
