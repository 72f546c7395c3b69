// SPDX-License-Identifier: Apache-2.0
/* One connection: hello in time, what comes before the welcome, errors, pings, closes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "tests/unit/support/talk.h"

static void test_hello_in_time(void **state)
{
    (void)state;
    struct talk t;
    talk_start(&t);
    struct link *l = talk_connect(&t);
    talk_pass(&t, 4999);
    assert_string_equal(talk_hear(l), "");
    talk_pass(&t, 1);
    assert_string_equal(talk_hear(l), "close 4408");
    talk_say(&t, l, "{'type':'hello','token':'bo'}");
    assert_string_equal(t.log, "");
    link_gone(l, t.now_us);
    talk_stop(&t);
}

static void test_before_hello(void **state)
{
    (void)state;
    struct talk t;
    talk_start(&t);
    struct link *l = talk_connect(&t);
    talk_say(&t, l, "{'type':'ping','id':'1'}");
    assert_string_equal(talk_hear(l),
                        "{\"type\":\"error\",\"re\":\"1\",\"code\":\"unauthenticated\","
                        "\"message\":\"hello comes first\"}");
    talk_say(&t, l, "nonsense");
    assert_non_null(strstr(talk_hear(l), "malformed"));
    talk_say(&t, l, "{'type':'hello','id':'2','token':'bad'}");
    assert_non_null(strstr(talk_hear(l), "no good"));
    assert_string_equal(talk_hear(l), "close 4401");
    link_gone(l, t.now_us);

    l = talk_connect(&t);
    link_set_from(l, "192.0.2.1");
    talk_say(&t, l, "{'type':'hello','id':'3','token':'good'}");
    assert_non_null(strstr(talk_hear(l), "rate_limited"));
    assert_string_equal(talk_hear(l), "close 1013");
    link_gone(l, t.now_us);

    l = talk_connect(&t);
    for (int i = 0; i < 40; i++)
        talk_say(&t, l, "{'type':'ping'}");
    const char *heard = "";
    for (int i = 0; i < 40 && strncmp(heard, "close", 5) != 0; i++)
        heard = talk_hear(l);
    assert_string_equal(heard, "close 1008");
    link_gone(l, t.now_us);
    talk_stop(&t);
}

static void test_held_until_welcome(void **state)
{
    (void)state;
    struct talk t;
    talk_start(&t);
    t.hold = true;
    struct link *l = talk_connect(&t);
    talk_say(&t, l, "{'type':'hello','id':'h','token':'bo'}");
    talk_say(&t, l, "{'type':'leave','id':'1'}");
    assert_string_equal(talk_hear(l), "");
    talk_pass(&t, 10000); /* the deadline is for the hello alone */
    sessions_welcome(t.table, sessions_find(t.table, &t.opening));
    const char *welcome = talk_hear(l);
    assert_non_null(strstr(welcome, "\"seq\":1"));
    assert_non_null(strstr(welcome, "\"re\":\"h\""));
    assert_non_null(strstr(welcome, "\"more\":true"));
    assert_string_equal(talk_hear(l), "{\"seq\":2,\"type\":\"ok\",\"re\":\"1\"}");
    assert_string_equal(t.log, "opening bo;opened bo;request leave;");
    link_gone(l, t.now_us);
    talk_stop(&t);
}

static void test_refused_or_lost_while_opening(void **state)
{
    (void)state;
    struct talk t;
    talk_start(&t);
    t.hold = true;
    struct link *l = talk_connect(&t);
    talk_say(&t, l, "{'type':'hello','id':'h','token':'bo'}");
    sessions_refuse(t.table, sessions_find(t.table, &t.opening), PROTO_DENIED, "not here",
                    LINK_CLOSE_DENIED);
    assert_non_null(strstr(talk_hear(l), "\"denied\""));
    assert_string_equal(talk_hear(l), "close 4403");
    link_gone(l, t.now_us);
    l = talk_connect(&t);
    talk_say(&t, l, "{'type':'hello','token':'al'}");
    link_gone(l, t.now_us);
    assert_int_equal(sessions_count(t.table), 0);
    assert_string_equal(t.log, "opening bo;opening al;left al;");
    talk_stop(&t);
}

static void test_a_flood_is_closed(void **state)
{
    (void)state;
    struct talk t;
    talk_start(&t);
    struct link *l = talk_connect(&t);
    talk_say(&t, l, "{'type':'hello','token':'bo'}");
    int said = 0;
    while (link_state(l) == LINK_OPEN && said < 5000) {
        talk_say(&t, l, "{'type':'chat','text':'x'}");
        said++;
        while (link_state(l) == LINK_OPEN && *talk_hear(l))
            continue;
    }
    assert_int_equal(said, 1101);
    while (strncmp(talk_hear(l), "close", 5) != 0)
        continue;
    link_gone(l, t.now_us);
    talk_stop(&t);
}

static void test_requests(void **state)
{
    (void)state;
    struct talk t;
    talk_start(&t);
    struct link *l = talk_connect(&t);
    talk_say(&t, l, "{'type':'hello','token':'bo'}");
    (void)talk_hear(l);
    talk_say(&t, l, "{'type':'ping','id':'p'}");
    assert_string_equal(talk_hear(l), "{\"seq\":2,\"type\":\"pong\",\"re\":\"p\"}");
    talk_say(&t, l, "{'type':'dance','id':'d'}");
    assert_non_null(strstr(talk_hear(l), "unknown_type"));
    talk_say(&t, l, "{'type':'hello','id':'e','token':'bo'}");
    assert_non_null(strstr(talk_hear(l), "conflict"));
    talk_say(&t, l, "{'type':'leave','id':'x'}");
    talk_say(&t, l, "{'type':'leave','id':'x'}"); /* sent again: carried out once */
    assert_string_equal(t.log, "opening bo;opened bo;request leave;");
    (void)talk_hear(l);
    assert_string_equal(talk_hear(l), "");
    for (int i = 0; i < 120; i++)
        talk_say(&t, l, "{'type':'chat','text':'x'}");
    assert_non_null(strstr(talk_hear(l), "rate_limited"));
    while (*talk_hear(l))
        continue;
    talk_pass(&t, 2000);
    talk_say(&t, l, "{'type':'bye','id':'b'}");
    assert_non_null(strstr(talk_hear(l), "\"re\":\"b\""));
    assert_string_equal(talk_hear(l), "close 4410");
    link_gone(l, t.now_us);
    assert_int_equal(sessions_count(t.table), 0);
    talk_stop(&t);
}

static void test_pings(void **state)
{
    (void)state;
    struct talk t;
    talk_start(&t);
    struct link *l = talk_connect(&t);
    talk_say(&t, l, "{'type':'hello','token':'bo'}");
    (void)talk_hear(l);
    talk_pass(&t, 20000);
    assert_string_equal(talk_hear(l), "ping 1");
    link_on_pong(l, "1", 1, t.now_us);
    talk_pass(&t, 20000);
    assert_string_equal(talk_hear(l), "ping 1");
    talk_pass(&t, 20000);
    assert_string_equal(talk_hear(l), "ping 1");
    talk_pass(&t, 20000);
    assert_string_equal(talk_hear(l), "dead");
    assert_non_null(strstr(t.log, "dropped bo;"));
    link_gone(l, t.now_us);
    assert_int_equal(sessions_count(t.table), 1); /* it may still come back */
    talk_stop(&t);
}

static void test_failures_close(void **state)
{
    (void)state;
    struct talk t;
    talk_start(&t);
    struct link *l = talk_connect(&t);
    link_fail(l, LINK_CLOSE_BINARY);
    link_fail(l, LINK_CLOSE_TOO_BIG);
    assert_string_equal(talk_hear(l), "close 1003");
    struct link *other = talk_connect(&t);
    sessions_close_all(t.table, LINK_CLOSE_RESTART);
    assert_string_equal(talk_hear(other), "close 1012");
    link_gone(l, t.now_us);
    link_gone(other, t.now_us);
    assert_int_equal(sessions_link_count(t.table), 0);
    talk_stop(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hello_in_time),
        cmocka_unit_test(test_before_hello),
        cmocka_unit_test(test_held_until_welcome),
        cmocka_unit_test(test_refused_or_lost_while_opening),
        cmocka_unit_test(test_a_flood_is_closed),
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_pings),
        cmocka_unit_test(test_failures_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
