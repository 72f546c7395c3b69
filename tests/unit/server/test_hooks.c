// SPDX-License-Identifier: Apache-2.0
/* When what is tried again, who is left alone for a while, and what is given up: in virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/limits.h"
#include "base/str.h"
#include "server/hooks.h"

#define S UINT64_C(1000000)
#define T0 (UINT64_C(1795298400) * S)
#define THREE_DAYS (UINT64_C(259200) * S)

struct scene {
    struct entropy_seeded seeded;
    struct hooks *hooks;
};

static int setup(void **state)
{
    static struct scene s;
    struct entropy e = entropy_seeded_init(&s.seeded, 5);
    assert_int_equal(hooks_new(&s.hooks, &e), 0);
    *state = &s;
    return 0;
}

static int teardown(void **state)
{
    hooks_free(((struct scene *)*state)->hooks);
    return 0;
}

static struct hook_lane lane(unsigned hook, unsigned case_)
{
    struct hook_lane l = {0};
    (void)snprintf(l.hook.text, sizeof l.hook.text, "hook%u", hook);
    if (case_)
        (void)snprintf(l.case_id.text, sizeof l.case_id.text, "case%u", case_);
    return l;
}

static size_t room_for(const struct hooks *h, const struct id *hook, uint64_t now_us)
{
    struct hooks_room *r;
    assert_int_equal(hooks_room_new(&r, h, now_us), 0);
    size_t n = hooks_room_for(r, hook);
    hooks_room_free(r);
    return n;
}

static struct hook_verdict answered(struct scene *s, struct hook_lane l, int status,
                                    unsigned attempts, uint64_t now_us)
{
    const struct hook_answer a = {
        .lane = l, .status = status, .attempts = attempts, .since_us = T0};
    return hooks_answered(s->hooks, &a, now_us);
}

static void test_one_of_a_lane_at_a_time(void **state)
{
    struct scene *s = *state;
    struct hook_lane a = lane(1, 1), b = lane(1, 2);
    struct hooks_room *r;
    assert_int_equal(hooks_sent(s->hooks, &a), 0);
    assert_int_equal(hooks_sent(s->hooks, &a), ER_CONFLICT);
    assert_int_equal(hooks_sent(s->hooks, &b), 0);
    (void)answered(s, a, 200, 0, T0);
    assert_int_equal(hooks_sent(s->hooks, &a), ER_CONFLICT); /* not written down yet */
    assert_int_equal(hooks_room_new(&r, s->hooks, T0), 0);
    assert_true(hooks_room_is_taken(r, &a));
    assert_int_equal(hooks_room_taken(r, &a.hook), 2);
    hooks_room_free(r);
    hooks_settled(s->hooks, &a);
    assert_int_equal(hooks_sent(s->hooks, &a), 0);
    assert_int_equal(hooks_flights(s->hooks), 2);
}

static void test_bounds(void **state)
{
    struct scene *s = *state;
    const struct id all = {{0}};
    for (unsigned i = 0; i < LIMIT_HOOK_PARALLEL; i++) {
        struct hook_lane l = lane(1, i + 1);
        assert_int_equal(room_for(s->hooks, &l.hook, T0), LIMIT_HOOK_PARALLEL - i);
        assert_int_equal(hooks_sent(s->hooks, &l), 0);
    }
    struct hook_lane first = lane(1, 1), other = lane(2, 1);
    assert_int_equal(room_for(s->hooks, &first.hook, T0), 0); /* the slow one waits for itself */
    assert_int_equal(room_for(s->hooks, &other.hook, T0), LIMIT_HOOK_PARALLEL);
    for (unsigned i = 0; hooks_flights(s->hooks) < LIMIT_HOOK_FLIGHTS; i++) {
        struct hook_lane l = lane(3 + i, 1);
        bool early = hooks_flights(s->hooks) < LIMIT_HOOK_FLIGHTS / 2;
        size_t left = LIMIT_HOOK_FLIGHTS - hooks_flights(s->hooks);
        if (left > 1) /* late: for those that have next to none */
            assert_int_equal(room_for(s->hooks, &other.hook, T0), early ? LIMIT_HOOK_PARALLEL : 2);
        assert_int_equal(room_for(s->hooks, &first.hook, T0), 0);
        assert_int_equal(hooks_sent(s->hooks, &l), 0);
    }
    assert_int_equal(room_for(s->hooks, &all, T0), 0);
    assert_int_equal(room_for(s->hooks, &other.hook, T0), 0);
    assert_int_equal(hooks_sent(s->hooks, &other), ER_FULL);
}

static void test_waits_grow(void **state)
{
    struct scene *s = *state;
    static const uint64_t waits_s[] = {5, 30, 120, 600, 1800, 3600, 7200, 14400, 28800, 28800};
    uint64_t now_us = T0;
    for (unsigned i = 0; i < 10; i++) {
        struct hook_verdict v = answered(s, lane(1, 1), i % 2 ? 500 : 0, i, now_us);
        assert_int_equal(v.fate, HOOK_RETRY);
        assert_in_range(v.next_us - now_us, waits_s[i] * S * 9 / 10, waits_s[i] * S * 11 / 10);
        now_us = v.next_us;
    }
}

/** Three days, with a last attempt at their end, and then it is dead. */
static void test_three_days(void **state)
{
    struct scene *s = *state;
    uint64_t now_us = T0;
    unsigned attempts = 0;
    for (;;) {
        struct hook_verdict v = answered(s, lane(1, 1), 302, attempts++, now_us);
        if (v.fate == HOOK_DEAD)
            break;
        assert_int_equal(v.fate, HOOK_RETRY);
        assert_true(v.next_us > now_us && attempts < 50);
        now_us = v.next_us;
    }
    assert_true(now_us == T0 + THREE_DAYS);
    assert_in_range(attempts, 14, 20);
}

static void test_fates(void **state)
{
    struct scene *s = *state;
    static const struct {
        int status;
        enum hook_fate fate, test_fate;
    } rows[] = {{200, HOOK_DELIVERED, HOOK_DELIVERED},
                {204, HOOK_DELIVERED, HOOK_DELIVERED},
                {299, HOOK_DELIVERED, HOOK_DELIVERED},
                {199, HOOK_RETRY, HOOK_DEAD},
                {301, HOOK_RETRY, HOOK_DEAD},
                {400, HOOK_RETRY, HOOK_DEAD},
                {401, HOOK_RETRY, HOOK_DEAD},
                {404, HOOK_RETRY, HOOK_DEAD},
                {429, HOOK_RETRY, HOOK_DEAD},
                {503, HOOK_RETRY, HOOK_DEAD},
                {0, HOOK_RETRY, HOOK_DEAD},
                {410, HOOK_GONE, HOOK_GONE}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(answered(s, lane(1, 1), rows[i].status, 0, T0).fate, rows[i].fate);
        assert_int_equal(answered(s, lane(1, 0), rows[i].status, 0, T0).fate, rows[i].test_fate);
    }
}

static void test_in_trouble_one_lane_asks(void **state)
{
    struct scene *s = *state;
    struct hook_lane a = lane(1, 1), other = lane(2, 1);
    uint64_t now_us = T0;
    for (unsigned i = 0; i < 12; i++) {
        assert_int_equal(room_for(s->hooks, &a.hook, now_us), i ? 1 : LIMIT_HOOK_PARALLEL);
        (void)answered(s, a, 500, 0, now_us);
        uint64_t pause_s = i < 6 ? UINT64_C(1) << i : 60;
        assert_int_equal(room_for(s->hooks, &a.hook, now_us + pause_s * S * 9 / 10 - 1), 0);
        assert_int_equal(room_for(s->hooks, &other.hook, now_us), LIMIT_HOOK_PARALLEL);
        now_us += pause_s * S * 11 / 10;
    }
    assert_int_equal(hooks_troubled(s->hooks), 1);
    (void)answered(s, a, 200, 3, now_us);
    assert_int_equal(hooks_troubled(s->hooks), 0);
    assert_int_equal(room_for(s->hooks, &a.hook, now_us), LIMIT_HOOK_PARALLEL);
}

static void test_retry_after(void **state)
{
    struct scene *s = *state;
    struct hook_answer a = {
        .lane = lane(1, 1), .status = 429, .since_us = T0, .retry_after_s = 1000};
    struct hook_verdict v = hooks_answered(s->hooks, &a, T0);
    assert_in_range(v.next_us - T0, 900 * S, 1100 * S);
    assert_int_equal(room_for(s->hooks, &a.lane.hook, T0 + 899 * S), 0);
    assert_int_equal(room_for(s->hooks, &a.lane.hook, T0 + 1101 * S), 1);
    a.retry_after_s = UINT64_MAX; /* nobody silences us for ever */
    v = hooks_answered(s->hooks, &a, T0);
    assert_in_range(v.next_us - T0, 3240 * S, 3960 * S);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_one_of_a_lane_at_a_time),
        TEST(test_bounds),
        TEST(test_waits_grow),
        TEST(test_three_days),
        TEST(test_fates),
        TEST(test_in_trouble_one_lane_asks),
        TEST(test_retry_after),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
