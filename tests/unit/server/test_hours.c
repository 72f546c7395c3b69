// SPDX-License-Identifier: Apache-2.0
/* Business hours: open when, until when, over midnights, closures and changes of the clock; and documents that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "server/hours.h"
#include "tests/unit/support/zone_file.h"

static int try_hours(const char *rule, const char *document, struct hours **ret, const char **why)
{
    json_t *o = json_loads(document, 0, NULL);
    assert_non_null(o);
    int er = hours_new(ret, o, zone_of(rule), why);
    json_decref(o);
    return er;
}

static struct hours *hours_of(const char *rule, const char *document)
{
    struct hours *h;
    const char *why;
    assert_int_equal(try_hours(rule, document, &h, &why), 0);
    return h;
}

struct row {
    const char *at;
    bool open;
    const char *until; /* NULL: never */
};

static void check(struct hours *h, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct hours_state now;
        hours_at(h, zone_utc(rows[i].at), &now);
        if (now.open != rows[i].open)
            print_message("%s: open is %d\n", rows[i].at, now.open);
        assert_int_equal(now.open, rows[i].open);
        int64_t until_s = rows[i].until ? zone_utc(rows[i].until) : HOURS_NEVER;
        if (now.until_s != until_s)
            print_message("%s: off by %lld\n", rows[i].at, (long long)(now.until_s - until_s));
        assert_int_equal(now.until_s, until_s);
    }
    hours_free(h);
}
#define CHECK(h, ...)                                                                              \
    do {                                                                                           \
        const struct row rows[] = {__VA_ARGS__};                                                   \
        check(h, rows, sizeof rows / sizeof *rows);                                                \
    } while (0)

#define DAYTIME "[{\"opens\":\"09:00\",\"closes\":\"18:00\"}]"

static void test_week(void **state)
{
    (void)state;
    struct hours *h = hours_of(ZONE_SHANGHAI,
                               "{\"weekly\":{\"monday\":" DAYTIME ",\"friday\":[{\"opens\":"
                               "\"09:00\",\"closes\":\"12:00\"},{\"opens\":\"13:00\","
                               "\"closes\":\"22:00\"}]}}");
    CHECK(h, {"2026-11-23T00:59", false, "2026-11-23T01:00"}, /* a Monday, 08:59 there */
          {"2026-11-23T01:00", true, "2026-11-23T10:00"},
          {"2026-11-23T09:59", true, "2026-11-23T10:00"},
          {"2026-11-23T10:00", false, "2026-11-27T01:00"},
          {"2026-11-27T04:30", false, "2026-11-27T05:00"},
          {"2026-11-27T14:00", false, "2026-11-30T01:00"});
}

static void test_over_midnight(void **state)
{
    (void)state;
    struct hours *h = hours_of(ZONE_SHANGHAI,
                               "{\"weekly\":{\"saturday\":[{\"opens\":\"20:00\",\"closes\":"
                               "\"02:00\"}],\"sunday\":[{\"opens\":\"02:00\",\"closes\":"
                               "\"24:00\"}],\"monday\":[{\"opens\":\"00:00\",\"closes\":"
                               "\"00:00\"}]}}");
    CHECK(h, {"2026-11-21T11:59", false, "2026-11-21T12:00"}, /* one stretch from there on */
          {"2026-11-21T12:00", true, "2026-11-23T16:00"},
          {"2026-11-21T18:00", true, "2026-11-23T16:00"},
          {"2026-11-22T16:00", true, "2026-11-23T16:00"},
          {"2026-11-23T16:00", false, "2026-11-28T12:00"});
}

static void test_always_and_never(void **state)
{
    (void)state;
#define ROUND "[{\"opens\":\"00:00\",\"closes\":\"24:00\"}]"
    CHECK(hours_of(ZONE_BERLIN, "{\"weekly\":{}}"), {"2026-11-21T11:59", false, NULL});
    CHECK(hours_of(ZONE_BERLIN, "{\"weekly\":{\"monday\":" ROUND ",\"tuesday\":" ROUND
                                ",\"wednesday\":" ROUND ",\"thursday\":" ROUND ",\"friday\":" ROUND
                                ",\"saturday\":" ROUND ",\"sunday\":" ROUND "}}"),
          {"2026-11-21T11:59", true, NULL});
}

/* Clocks go from 02:00 to 03:00 on 2026-03-29, at 01:00 UTC, and from 03:00 to 02:00 on 2026-10-25, at 01:00 UTC. */
static void test_clocks_change(void **state)
{
    (void)state;
#define SUNDAY(from, to)                                                                           \
    "{\"weekly\":{\"sunday\":[{\"opens\":\"" from "\",\"closes\":\"" to "\"}]}}"
    /* the same on the wall, an hour earlier by UTC */
    CHECK(hours_of(ZONE_BERLIN, SUNDAY("09:00", "18:00")),
          {"2026-03-22T07:59", false, "2026-03-22T08:00"},
          {"2026-03-29T06:59", false, "2026-03-29T07:00"},
          {"2026-03-29T07:00", true, "2026-03-29T16:00"},
          {"2026-10-25T07:59", false, "2026-10-25T08:00"});
    /* opens at a time that does not exist: when clocks jump over it */
    CHECK(hours_of(ZONE_BERLIN, SUNDAY("02:30", "05:00")),
          {"2026-03-29T00:59", false, "2026-03-29T01:00"},
          {"2026-03-29T01:00", true, "2026-03-29T03:00"});
    /* closes at one: likewise */
    CHECK(hours_of(ZONE_BERLIN, SUNDAY("01:00", "02:30")),
          {"2026-03-29T00:00", true, "2026-03-29T01:00"},
          {"2026-03-29T01:00", false, "2026-04-04T23:00"});
    /* all of it does not exist: a week without */
    CHECK(hours_of(ZONE_BERLIN, SUNDAY("02:00", "03:00")),
          {"2026-03-29T00:59", false, "2026-04-05T00:00"},
          {"2026-03-29T01:00", false, "2026-04-05T00:00"});
    /* what comes twice is open twice */
    CHECK(hours_of(ZONE_BERLIN, SUNDAY("02:15", "02:45")),
          {"2026-10-25T00:14", false, "2026-10-25T00:15"},
          {"2026-10-25T00:15", true, "2026-10-25T00:45"},
          {"2026-10-25T00:45", false, "2026-10-25T01:15"},
          {"2026-10-25T01:15", true, "2026-10-25T01:45"},
          {"2026-10-25T01:45", false, "2026-11-01T01:15"});
    /* through the night that is an hour longer, or shorter */
    CHECK(hours_of(ZONE_BERLIN, "{\"weekly\":{\"saturday\":[{\"opens\":\"22:00\",\"closes\":"
                                "\"06:00\"}]}}"),
          {"2026-10-24T20:00", true, "2026-10-25T05:00"},
          {"2026-10-25T01:30", true, "2026-10-25T05:00"},
          {"2026-03-28T21:00", true, "2026-03-29T04:00"});
}

static void test_closures(void **state)
{
    (void)state;
    struct hours *h = hours_of(
        ZONE_BERLIN,
        "{\"weekly\":{\"thursday\":" DAYTIME ",\"friday\":" DAYTIME
        ",\"saturday\":[{\"opens\":\"20:00\",\"closes\":\"02:00\"}]},\"closures\":["
        "{\"date\":\"2026-12-25\",\"to\":\"2026-12-27\",\"reason\":{\"en\":\"Christmas\","
        "\"zh\":\"圣诞节\"}},{\"date\":\"2026-12-24\",\"open\":[{\"opens\":\"09:00\","
        "\"closes\":\"12:00\"}]},{\"date\":\"2027-01-02\"}]}");
    struct hours_state now;
    hours_at(h, zone_utc("2026-12-24T12:00"), &now);
    assert_false(now.open);
    assert_int_equal(now.since_s, zone_utc("2026-12-24T11:00"));
    assert_string_equal(json_string_value(json_object_get(now.reason, "en")), "Christmas");
    hours_at(h, zone_utc("2026-12-31T07:00"), &now);
    assert_null(now.reason);
    assert_int_equal(now.since_s, 0); /* longer ago than is looked */
    hours_at(h, zone_utc("2026-12-24T09:00"), &now);
    assert_true(now.open && now.since_s == 0 && !now.reason);
    CHECK(h, {"2026-12-24T09:00", true, "2026-12-24T11:00"},
          {"2026-12-24T11:00", false, "2026-12-31T08:00"}, /* not on Saturday night either */
          {"2027-01-02T19:30", false, "2027-01-07T08:00"});
}

static void test_stretches(void **state)
{
    (void)state;
    struct hours *h = hours_of(ZONE_SHANGHAI, "{\"weekly\":{\"monday\":" DAYTIME "}}");
    int64_t from_s, to_s;
    const int64_t seen_s = zone_utc("2026-12-01T00:00");
    assert_true(hours_next(h, zone_utc("2026-11-23T05:00"), zone_utc("2026-11-24T00:00"), seen_s,
                           &from_s, &to_s));
    assert_int_equal(from_s, zone_utc("2026-11-23T05:00"));
    assert_int_equal(to_s, zone_utc("2026-11-23T10:00"));
    assert_true(hours_next(h, to_s, seen_s, seen_s, &from_s, &to_s));
    assert_int_equal(from_s, zone_utc("2026-11-30T01:00"));
    assert_int_equal(to_s, zone_utc("2026-11-30T10:00"));
    assert_false(hours_next(h, to_s, zone_utc("2026-12-07T01:00"), INT64_MAX, &from_s, &to_s));
    assert_true(hours_next(h, from_s, from_s + 1, zone_utc("2026-11-30T10:00"), &from_s, &to_s));
    assert_true(to_s == HOURS_NEVER); /* not seen so far */
    hours_free(h);
}

#define OVERLAP                                                                                    \
    "[{\"opens\":\"09:00\",\"closes\":\"12:00\"},{\"opens\":\"11:00\",\"closes\":\"13:00\"}]"

static void test_documents(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "{}",
        "{\"weekly\":[]}",
        "{\"weekly\":{\"Monday\":[]}}",
        "{\"weekly\":{\"monday\":{}}}",
        "{\"weekly\":{\"monday\":[1]}}",
        "{\"weekly\":{\"monday\":[{\"opens\":\"9:00\",\"closes\":\"18:00\"}]}}",
        "{\"weekly\":{\"monday\":[{\"opens\":\"24:00\",\"closes\":\"18:00\"}]}}",
        "{\"weekly\":{\"monday\":[{\"opens\":\"09:60\",\"closes\":\"18:00\"}]}}",
        "{\"weekly\":{\"monday\":[{\"opens\":\"09:00\",\"closes\":\"24:01\"}]}}",
        "{\"weekly\":{\"monday\":[{\"opens\":\"09:00\"}]}}",
        "{\"weekly\":{\"monday\":[{\"opens\":\"09:00\",\"closes\":\"10:00\",\"x\":1}]}}",
        "{\"weekly\":{\"monday\":" OVERLAP "}}",
        "{\"weekly\":{},\"closures\":{}}",
        "{\"weekly\":{},\"closures\":[1]}",
        "{\"weekly\":{},\"closures\":[{}]}",
        "{\"weekly\":{},\"closures\":[{\"date\":\"2026-02-30\"}]}",
        "{\"weekly\":{},\"closures\":[{\"date\":\"2026-02-03\",\"to\":\"2026-02-02\"}]}",
        "{\"weekly\":{},\"closures\":[{\"date\":\"2026-02-03\",\"why\":\"\"}]}",
        "{\"weekly\":{},\"closures\":[{\"date\":\"2026-02-03\",\"reason\":\"x\"}]}",
        "{\"weekly\":{},\"closures\":[{\"date\":\"2026-02-03\",\"reason\":{\"en\":1}}]}",
        "{\"weekly\":{},\"closures\":[{\"date\":\"2026-02-03\",\"open\":1}]}",
        "{\"weekly\":{},\"grace_minutes\":241}",
        "{\"weekly\":{},\"grace_minutes\":\"5\"}",
    };
    struct hours *h;
    const char *why;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(try_hours(ZONE_BERLIN, bad[i], &h, &why), ER_MALFORMED);
        assert_non_null(why);
        assert_null(h);
    }
    h = hours_of(ZONE_BERLIN, "{\"weekly\":{},\"grace_minutes\":5}");
    assert_int_equal(hours_grace_s(h), 300);
    assert_int_equal(json_object_size(hours_document(h)), 2);
    hours_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_week),
        cmocka_unit_test(test_over_midnight),
        cmocka_unit_test(test_always_and_never),
        cmocka_unit_test(test_clocks_change),
        cmocka_unit_test(test_closures),
        cmocka_unit_test(test_stretches),
        cmocka_unit_test(test_documents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
