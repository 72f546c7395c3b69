// SPDX-License-Identifier: Apache-2.0
/* One session in virtual time: numbering, acknowledgement, duplicates, rate, pings, bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "signaling/session.h"

static const uint64_t seed[2] = {1, 2};

static void start(struct session *s)
{
    struct id id = {"01arz3ndektsv4rrffq69g5fav"};
    struct session_who who = {.identity = "bo"};
    session_init(s, &id, &who, seed, 1000);
    assert_int_equal(session_attach(s, 0, 1000), 0);
}

static int push(struct session *s)
{
    return session_push(s, "{\"type\":\"x\"}", 12);
}

static void test_numbers_and_resume(void **state)
{
    (void)state;
    struct session s;
    start(&s);
    for (int i = 0; i < 40; i++)
        assert_int_equal(push(&s), 0);
    for (uint64_t seq = 1; seq <= 40; seq++) {
        char text[64];
        const struct session_frame *f = session_next(&s);
        (void)snprintf(text, sizeof text, "{\"seq\":%d,\"type\":\"x\"}", (int)seq);
        assert_string_equal(f->text, text);
        assert_int_equal(f->len, strlen(text));
    }
    assert_null(session_next(&s));
    assert_int_equal(session_attach(&s, 38, 2000), 0);
    assert_int_equal(session_next(&s)->seq, 39);
    assert_int_equal(session_next(&s)->seq, 40);
    assert_null(session_next(&s));
    assert_int_equal(session_attach(&s, 37, 3000), ER_STALE);
    assert_int_equal(session_attach(&s, 41, 3000), ER_INVALID);
    assert_int_equal(session_push(&s, "{}", 2), 0);
    assert_string_equal(session_next(&s)->text, "{\"seq\":41}");
    assert_int_equal(session_push(&s, "x", 1), ER_INVALID);
    session_clear(&s);
}

static void test_pong_acknowledges(void **state)
{
    (void)state;
    struct session s;
    char payload[24];
    size_t len;
    start(&s);
    push(&s);
    push(&s);
    (void)session_next(&s);
    assert_false(session_take_ping(&s, payload, &len));
    assert_true(session_tick(&s, 1000 + LIMIT_PING_MS * 1000u));
    assert_true(session_take_ping(&s, payload, &len));
    assert_int_equal(len, 1);
    assert_int_equal(payload[0], '1');
    session_on_pong(&s, "99", 2); /* was never sent */
    session_on_pong(&s, "x", 1);
    session_on_pong(&s, NULL, 0);
    assert_int_equal(s.seq_acked, 0);
    session_on_pong(&s, payload, len);
    assert_int_equal(s.seq_acked, 1);
    assert_int_equal(session_attach(&s, s.seq_acked, 5), 0);
    assert_int_equal(session_next(&s)->seq, 2);
    session_clear(&s);
}

static void test_two_missed_pings_are_death(void **state)
{
    (void)state;
    struct session s;
    char payload[24];
    size_t len;
    start(&s);
    uint64_t at = session_deadline_us(&s);
    assert_int_equal(at, 1000 + LIMIT_PING_MS * 1000u);
    for (int i = 0; i < SESSION_PINGS_MISSED; i++) {
        assert_true(session_tick(&s, at));
        assert_true(session_take_ping(&s, payload, &len));
        at = session_deadline_us(&s);
    }
    assert_false(session_tick(&s, at));
    session_on_pong(&s, "0", 1);
    assert_true(session_tick(&s, at));
    session_clear(&s);
}

static void test_outbox_is_bounded(void **state)
{
    (void)state;
    struct session s;
    char payload[24];
    size_t len;
    start(&s);
    for (int i = 0; i < LIMIT_OUTBOX; i++) {
        assert_int_equal(push(&s), 0);
        (void)session_next(&s);
    }
    /* unheard of for long: asked early what has arrived */
    assert_true(session_take_ping(&s, payload, &len));
    assert_int_equal(push(&s), 0); /* forgets the first, which was sent */
    assert_int_equal(session_attach(&s, 0, 1), ER_STALE);
    assert_int_equal(session_attach(&s, 1, 1), 0);
    assert_int_equal(push(&s), ER_FULL); /* now it would forget what was not sent again */
    assert_int_equal(session_next(&s)->seq, 3);
    session_clear(&s);

    static char big[LIMIT_OUTBOX_BYTES / 2];
    memset(big, ' ', sizeof big);
    big[0] = '{';
    big[sizeof big - 1] = '}';
    start(&s);
    for (int i = 0; i < 3; i++) {
        (void)session_push(&s, big, sizeof big);
        (void)session_next(&s);
        assert_true(s.outbox_bytes <= LIMIT_OUTBOX_BYTES + 64);
    }
    assert_int_equal(session_attach(&s, 0, 1), ER_STALE);
    session_clear(&s);
}

static void test_fleeting(void **state)
{
    struct session s;
    (void)state;
    start(&s);
    assert_int_equal(session_push_fleeting(&s, "{\"a\":1}", 7), 0);
    assert_int_equal(session_push_fleeting(&s, "{\"a\":2}", 7), 0);
    push(&s);
    assert_int_equal(session_next(&s)->seq, 1); /* what has a number goes first */
    const struct session_frame *frame = session_next(&s);
    assert_string_equal(frame->text, "{\"a\":2}"); /* only the newest */
    assert_int_equal(frame->seq, 0);
    assert_null(session_next(&s));
    assert_false(session_has_next(&s));
    assert_int_equal(session_push_fleeting(&s, "{}", 2), 0);
    assert_true(session_has_next(&s));
    assert_int_equal(session_attach(&s, 1, 1), 0); /* it is forgotten with the connection */
    assert_false(session_has_next(&s));
    assert_int_equal(session_push_fleeting(&s, "{}", 2), 0);
    session_clear(&s);
}

static void test_requests_once(void **state)
{
    (void)state;
    struct session s;
    char id[16];
    start(&s);
    assert_int_equal(session_admit(&s, "1", 1000), SESSION_CARRY_OUT);
    assert_int_equal(session_admit(&s, "1", 1000), SESSION_DUPLICATE);
    assert_int_equal(session_admit(&s, NULL, 1000), SESSION_CARRY_OUT);
    assert_int_equal(session_admit(&s, "", 1000), SESSION_CARRY_OUT);
    for (uint64_t i = 0; i < SESSION_RECENT_IDS; i++) {
        (void)snprintf(id, sizeof id, "n%d", (int)i);
        assert_int_equal(session_admit(&s, id, 1000000 * (i + 1)), SESSION_CARRY_OUT);
    }
    assert_int_equal(session_admit(&s, "1", 500000000), SESSION_CARRY_OUT); /* long forgotten */
    session_clear(&s);
}

static void test_rate(void **state)
{
    (void)state;
    struct session s;
    start(&s);
    uint64_t now_us = 1000;
    for (int i = 0; i < SESSION_BURST; i++)
        assert_int_equal(session_admit(&s, NULL, now_us), SESSION_CARRY_OUT);
    assert_int_equal(session_admit(&s, "late", now_us), SESSION_TOO_FAST);
    now_us += 1000000 / LIMIT_MESSAGES_PER_SECOND;
    assert_int_equal(session_admit(&s, "late", now_us), SESSION_CARRY_OUT);
    assert_int_equal(session_admit(&s, NULL, now_us), SESSION_TOO_FAST);
    size_t admitted = 0;
    for (int i = 0; i < 10000; i++) {
        now_us += 100;
        admitted += session_admit(&s, NULL, now_us) == SESSION_CARRY_OUT;
    }
    assert_in_range(admitted, LIMIT_MESSAGES_PER_SECOND - 1, LIMIT_MESSAGES_PER_SECOND + 1);
    now_us += 3600000000u;
    for (int i = 0; i < SESSION_BURST; i++)
        assert_int_equal(session_admit(&s, NULL, now_us), SESSION_CARRY_OUT);
    assert_int_equal(session_admit(&s, NULL, now_us), SESSION_TOO_FAST);
    session_clear(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_and_resume),
        cmocka_unit_test(test_pong_acknowledges),
        cmocka_unit_test(test_two_missed_pings_are_death),
        cmocka_unit_test(test_outbox_is_bounded),
        cmocka_unit_test(test_fleeting),
        cmocka_unit_test(test_requests_once),
        cmocka_unit_test(test_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
