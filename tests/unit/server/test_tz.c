// SPDX-License-Identifier: Apache-2.0
/* Time zones: rules with and without summer time, against the system's own reading of its files, and files that are none. */
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
#include "tests/unit/support/zone_file.h"

static void test_names(void **state)
{
    (void)state;
    static const char *const good[] = {"UTC", "Asia/Shanghai", "America/Argentina/Ushuaia",
                                       "Etc/GMT+5", "America/Port-au-Prince"};
    static const char *const bad[] = {"",        "/etc/passwd", "../x", "Asia/../../x",
                                      "Asia//x", "Asia/",       "a b",  "Asia/Sh.nghai",
                                      "\xff"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(tz_name_ok(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(tz_name_ok(bad[i]));
    assert_false(tz_name_ok(NULL));
}

static void test_days(void **state)
{
    (void)state;
    int64_t days, year;
    unsigned month, day;
    assert_int_equal(tz_day(1970, 1, 1), 0);
    assert_int_equal(tz_day(2000, 3, 1), 11017);
    assert_int_equal(tz_weekday(tz_day(2026, 11, 22)), 6); /* a Sunday */
    assert_int_equal(tz_weekday(-1), 2);
    for (int64_t d = -800000; d < 800000; d += 97) {
        tz_date(d, &year, &month, &day);
        assert_int_equal(tz_day(year, month, day), d);
    }
    assert_int_equal(tz_day_parse("2028-02-29", &days), 0);
    static const char *const bad[] = {"2027-02-29", "2026-13-01",  "2026-00-01",
                                      "2026-1-01",  "2026-01-00",  "2026/01/01",
                                      "1969-12-31", "2026-01-01T", ""};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(tz_day_parse(bad[i], &days), ER_MALFORMED);
    assert_int_equal(tz_day_parse(NULL, &days), ER_MALFORMED);
}

static void test_rules(void **state)
{
    (void)state;
    static const struct {
        const char *rule, *at;
        int32_t offset_s;
        const char *until; /* NULL: for good */
    } rows[] = {
        {ZONE_SHANGHAI, "2026-07-01T00:00", 28800, NULL},
        {ZONE_BERLIN, "2026-01-01T00:00", 3600, "2026-03-29T01:00"},
        {ZONE_BERLIN, "2026-03-29T00:59", 3600, "2026-03-29T01:00"},
        {ZONE_BERLIN, "2026-03-29T01:00", 7200, "2026-10-25T01:00"},
        {ZONE_BERLIN, "2026-10-25T01:00", 3600, "2027-03-28T01:00"},
        {ZONE_NEW_YORK, "2026-03-08T06:59", -18000, "2026-03-08T07:00"},
        {ZONE_NEW_YORK, "2026-11-01T05:59", -14400, "2026-11-01T06:00"},
        {ZONE_NEW_YORK, "2026-12-31T23:59", -18000, "2027-03-14T07:00"},
        /* half an hour, in the south */
        {"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2026-01-01T00:00", 39600, "2026-04-04T15:00"},
        {"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2026-04-04T15:00", 37800, "2026-10-03T15:30"},
        /* by the day of the year, with its hours beyond the day */
        {"AAA3BBB,J60/0,J300/0", "2028-02-29T02:59", -10800, "2028-03-01T03:00"},
        {"AAA3BBB,59/0,299/0", "2028-02-29T03:00", -7200, "2028-10-26T02:00"},
        {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-29T00:59", -7200, "2026-03-29T01:00"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t until_s;
        struct tz *tz = zone_of(rows[i].rule);
        assert_int_equal(tz_offset(tz, zone_utc(rows[i].at), &until_s), rows[i].offset_s);
        assert_int_equal(until_s, rows[i].until ? zone_utc(rows[i].until) : TZ_FOREVER);
        tz_free(tz);
    }
}

static struct tz *of_system(const char *name)
{
    char path[128];
    static uint8_t data[TZ_FILE_BYTES];
    struct tz *tz = NULL;
    (void)snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", name);
    FILE *f = fopen(path, "rb");
    if (!f)
        return NULL;
    size_t len = fread(data, 1, sizeof data, f);
    (void)fclose(f);
    assert_int_equal(tz_parse(&tz, data, len), 0);
    return tz;
}

/** As the C library reads the same files, and nothing changes before `until`. */
static void test_as_the_system(void **state)
{
    (void)state;
    static const char *const names[] = {
        "Europe/Berlin",     "America/New_York", "Asia/Shanghai",     "Australia/Lord_Howe",
        "Africa/Casablanca", "Asia/Kolkata",     "America/Sao_Paulo", "Europe/Dublin",
        "America/St_Johns",  "Pacific/Apia",     "Antarctica/Troll",  "Asia/Kathmandu"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct tz *tz = of_system(names[i]);
        if (!tz)
            continue;
        assert_int_equal(setenv("TZ", names[i], 1), 0);
        tzset();
        for (int64_t t = zone_utc("1990-01-01T00:00"); t < zone_utc("2070-01-01T00:00");
             t += 86400 * 5 + 4321) {
            struct tm local;
            int64_t until_s;
            time_t at = (time_t)t;
            assert_non_null(localtime_r(&at, &local));
            assert_int_equal(tz_offset(tz, t, &until_s), local.tm_gmtoff);
            assert_true(until_s > t);
            if (until_s < zone_utc("2070-01-01T00:00"))
                assert_int_equal(tz_offset(tz, until_s - 1, NULL), local.tm_gmtoff);
        }
        tz_free(tz);
    }
    assert_int_equal(unsetenv("TZ"), 0);
    tzset();
}

static void test_no_zones(void **state)
{
    (void)state;
    uint8_t file[512];
    struct tz *tz;
    size_t len = zone_file(file, sizeof file, ZONE_BERLIN);
    for (size_t cut = 0; cut < len; cut++)
        assert_int_equal(tz_parse(&tz, file, cut), ER_MALFORMED);
    for (size_t i = 0; i < len; i++) { /* whatever stands there, nothing is read beyond it */
        uint8_t *copy = malloc(len);
        assert_non_null(copy);
        memcpy(copy, file, len);
        copy[i] ^= 0xff;
        if (tz_parse(&tz, copy, len) == 0) {
            (void)tz_offset(tz, 1800000000, NULL);
            tz_free(tz);
        }
        free(copy);
    }
    static const char *const bad[] = {"CET",
                                      "CE-1",
                                      "CET-1CEST",
                                      "CET-1CEST,M3.5.0",
                                      "CET-1CEST,M13.5.0,M10.5.0",
                                      "CET-1CEST,M3.0.0,M10.5.0",
                                      "CET-1CEST,M3.5.7,M10.5.0",
                                      "CET-25",
                                      "CET-1CEST,J0,J5",
                                      "CET-1CEST,M3.5.0,M10.5.0x",
                                      "<CET-1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(tz_parse(&tz, file, zone_file(file, sizeof file, bad[i])), ER_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),    cmocka_unit_test(test_days),
        cmocka_unit_test(test_rules),    cmocka_unit_test(test_as_the_system),
        cmocka_unit_test(test_no_zones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
