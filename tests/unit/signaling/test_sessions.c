// SPDX-License-Identifier: Apache-2.0
/* The table: resume in time and too late, many sessions of one person, timers, sending. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "tests/unit/support/talk.h"

static void hello(struct talk *t, struct link *l, const char *name)
{
    char text[64];
    (void)snprintf(text, sizeof text, "{'type':'hello','token':'%s'}", name);
    talk_say(t, l, text);
    assert_non_null(strstr(talk_hear(l), "\"welcome\""));
}

static void resume(struct talk *t, struct link *l, const char *name, const struct id *id,
                   const char *received)
{
    char text[160];
    (void)snprintf(text, sizeof text, "{'type':'hello','token':'%s','session':'%s'%s}", name,
                   id->text, received);
    talk_say(t, l, text);
}

static void say_all(struct talk *t, const char *text)
{
    size_t cursor = 0;
    struct session *s;
    while ((s = sessions_each(t->table, &cursor)))
        sessions_send_text(t->table, s, text, strlen(text));
}

static void test_resume_replays(void **state)
{
    (void)state;
    struct talk t;
    talk_start(&t);
    struct link *l = talk_connect(&t);
    hello(&t, l, "bo");
    say_all(&t, "{\"n\":2}");
    assert_string_equal(talk_hear(l), "{\"seq\":2,\"n\":2}");
    struct id id = t.opening;
    link_gone(l, t.now_us);
    say_all(&t, "{\"n\":3}");
    talk_pass(&t, 59000);
    l = talk_connect(&t);
    resume(&t, l, "bo", &id, ",'received':1");
    const char *welcome = talk_hear(l);
    assert_non_null(strstr(welcome, "\"resumed\":true"));
    assert_null(strstr(welcome, "\"seq\""));
    assert_string_equal(talk_hear(l), "{\"seq\":2,\"n\":2}");
    assert_string_equal(talk_hear(l), "{\"seq\":3,\"n\":3}");
    assert_string_equal(talk_hear(l), "");
    assert_string_equal(t.log, "opening bo;opened bo;dropped bo;resumed bo;");
    link_gone(l, t.now_us);
    talk_stop(&t);
}

static void test_resume_is_for_the_same_person(void **state)
{
    (void)state;
    struct talk t;
    talk_start(&t);
    struct link *l = talk_connect(&t);
    hello(&t, l, "bo");
    struct id id = t.opening;
    link_gone(l, t.now_us);
    l = talk_connect(&t);
    resume(&t, l, "eve", &id, "");
    assert_non_null(strstr(talk_hear(l), "not_found"));
    resume(&t, l, "bo", &id, ",'received':9"); /* more than was ever sent */
    assert_non_null(strstr(talk_hear(l), "not_found"));
    talk_pass(&t, 4000);
    resume(&t, l, "bo", &id, "");
    assert_non_null(strstr(talk_hear(l), "welcome"));
    link_gone(l, t.now_us);
    talk_pass(&t, 60001);
    assert_int_equal(sessions_count(t.table), 0);
    assert_non_null(strstr(t.log, "timeout bo;"));
    l = talk_connect(&t);
    resume(&t, l, "bo", &id, "");
    assert_non_null(strstr(talk_hear(l), "not_found"));
    link_gone(l, t.now_us);
    talk_stop(&t);
}

static void test_resume_while_the_old_one_seems_alive(void **state)
{
    (void)state;
    struct talk t;
    talk_start(&t);
    struct link *old = talk_connect(&t), *new = talk_connect(&t);
    hello(&t, old, "bo");
    resume(&t, new, "bo", &t.opening, "");
    assert_non_null(strstr(talk_hear(new), "\"resumed\":true"));
    assert_string_equal(talk_hear(old), "close 4409");
    link_gone(old, t.now_us);
    assert_true(session_is_online(sessions_find(t.table, &t.opening)));
    assert_int_equal(sessions_count(t.table), 1);
    link_gone(new, t.now_us);
    talk_stop(&t);
}

static void test_many_of_one_person(void **state)
{
    (void)state;
    struct talk t;
    struct link *links[LIMIT_SESSIONS_PER_IDENTITY + 1];
    talk_start(&t);
    for (size_t i = 0; i < LIMIT_SESSIONS_PER_IDENTITY; i++) {
        links[i] = talk_connect(&t);
        hello(&t, links[i], "bo");
    }
    link_gone(links[3], t.now_us);
    struct link *more = talk_connect(&t);
    hello(&t, more, "bo");
    assert_int_equal(sessions_count(t.table), LIMIT_SESSIONS_PER_IDENTITY);
    assert_string_equal(talk_hear(links[0]), ""); /* the dropped one went */
    links[3] = talk_connect(&t);
    hello(&t, links[3], "bo");
    assert_string_equal(talk_hear(links[0]), "close 4409");
    size_t count = 0;
    while (sessions_of(t.table, "default", "bo", count))
        count++;
    assert_int_equal(count, LIMIT_SESSIONS_PER_IDENTITY);
    assert_null(sessions_of(t.table, "default", "al", 0));
    assert_null(sessions_of(t.table, "elsewhere", "bo", 0));
    t.merchant = "elsewhere"; /* another merchant's bo takes nobody's place */
    struct link *stranger = talk_connect(&t);
    hello(&t, stranger, "bo");
    assert_int_equal(sessions_count(t.table), LIMIT_SESSIONS_PER_IDENTITY + 1);
    assert_non_null(sessions_of(t.table, "elsewhere", "bo", 0));
    assert_null(sessions_of(t.table, "elsewhere", "bo", 1));
    link_gone(stranger, t.now_us);
    for (size_t i = 0; i < LIMIT_SESSIONS_PER_IDENTITY; i++)
        link_gone(links[i], t.now_us);
    link_gone(more, t.now_us);
    talk_stop(&t);
}

static void test_slow_reader_is_cut(void **state)
{
    (void)state;
    struct talk t;
    talk_start(&t);
    struct link *l = talk_connect(&t);
    hello(&t, l, "bo");
    for (int i = 0; i < LIMIT_OUTBOX + 5; i++)
        say_all(&t, "{\"n\":1}");
    const char *heard = "";
    for (int i = 0; i < LIMIT_OUTBOX + 5 && strncmp(heard, "close", 5) != 0; i++)
        heard = talk_hear(l);
    assert_string_equal(heard, "close 1008");
    link_gone(l, t.now_us);
    talk_stop(&t);
}

static void test_end_flushes(void **state)
{
    (void)state;
    struct talk t;
    talk_start(&t);
    struct link *l = talk_connect(&t);
    hello(&t, l, "bo");
    say_all(&t, "{\"n\":1}");
    sessions_end(t.table, sessions_find(t.table, &t.opening), SESSION_END_CLOSED, LINK_CLOSE_ENDED);
    assert_string_equal(talk_hear(l), "{\"seq\":2,\"n\":1}");
    assert_string_equal(talk_hear(l), "close 4410");
    assert_string_equal(talk_hear(l), "");
    assert_null(sessions_find(t.table, &t.opening));
    link_gone(l, t.now_us);
    talk_stop(&t);
}

/** Such as by a link for one use that was used: whoever holds it must not put the person out. */
static void test_refused_sessions_put_nobody_out(void **state)
{
    (void)state;
    struct talk t;
    talk_start(&t);
    struct link *there = talk_connect(&t);
    hello(&t, there, "bo");
    t.hold = true;
    for (size_t i = 0; i < 2 * LIMIT_SESSIONS_PER_IDENTITY; i++) {
        struct link *l = talk_connect(&t);
        talk_say(&t, l, "{'type':'hello','token':'bo'}");
    }
    assert_int_equal(sessions_count(t.table), 1 + 2 * LIMIT_SESSIONS_PER_IDENTITY);
    assert_int_equal(link_state(there), LINK_OPEN);
    talk_stop(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resume_replays),
        cmocka_unit_test(test_resume_is_for_the_same_person),
        cmocka_unit_test(test_resume_while_the_old_one_seems_alive),
        cmocka_unit_test(test_many_of_one_person),
        cmocka_unit_test(test_slow_reader_is_cut),
        cmocka_unit_test(test_refused_sessions_put_nobody_out),
        cmocka_unit_test(test_end_flushes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
