// SPDX-License-Identifier: Apache-2.0
/* The compact form of what viewers were shown: what is written is read again, few bytes are taken, and
 * what is no log is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "media/seenlog.h"

static const struct seenlog_head ann = {
    .kind = SEENLOG_VIDEO, .viewer = "agent-1", .publisher = "buyer-1", .peer = 7, .number = 1};

static uint32_t next_random(uint32_t *x)
{
    *x = *x * 1664525u + 1013904223u;
    return *x >> 8;
}

static struct seenlog_second steady(void)
{
    return (struct seenlog_second){
        .sent = 30, .arrived = 30, .layer = {.encoding = 2, .width = 1280, .height = 720}};
}

static void assert_same(const struct seenlog_second *a, const struct seenlog_second *b)
{
    assert_int_equal(a->sent, b->sent);
    assert_int_equal(a->arrived, b->arrived);
    assert_int_equal(a->frozen_ms, b->frozen_ms);
    assert_int_equal(a->lost, b->lost);
    assert_int_equal(a->layer.state, b->layer.state);
    assert_int_equal(a->layer.encoding, b->layer.encoding);
    assert_int_equal(a->layer.spatial, b->layer.spatial);
    assert_int_equal(a->layer.temporal, b->layer.temporal);
    assert_int_equal(a->layer.width, b->layer.width);
    assert_int_equal(a->layer.height, b->layer.height);
}

/** Anything that a second can be. */
static struct seenlog_second any(uint32_t *x)
{
    struct seenlog_second s = steady();
    uint32_t kind = next_random(x) % 8;
    if (kind < 3)
        return s;
    s.sent = (uint16_t)(28 + next_random(x) % 5);
    s.arrived = (uint16_t)(s.sent - next_random(x) % 3);
    if (kind == 4)
        s.frozen_ms = next_random(x) % 2 ? SEENLOG_UNKNOWN : (uint16_t)(next_random(x) % 1001);
    if (kind == 5)
        s.lost = next_random(x) % 2 ? SEENLOG_UNKNOWN : (uint16_t)next_random(x);
    if (kind == 6)
        s.arrived = SEENLOG_UNKNOWN;
    if (kind == 7)
        s.layer = (struct seenlog_layer){.state = (uint8_t)(next_random(x) % SEENLOG_STATES),
                                         .encoding = (uint8_t)(next_random(x) % 3),
                                         .spatial = (uint8_t)(next_random(x) % 3),
                                         .temporal = (uint8_t)(next_random(x) % 3),
                                         .width = (uint16_t)next_random(x),
                                         .height = (uint16_t)next_random(x)};
    return s;
}

static void what_is_written_is_read_again(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < 200; seed++) {
        struct seenlog_second seconds[40], got;
        struct seenlog_writer w = {0};
        uint8_t log[2048];
        uint32_t x = seed, count = 0;
        for (; count < 40; count++) {
            seconds[count] = any(&x);
            if (!seenlog_put(&w, 1700000000u + count, &seconds[count]))
                break;
        }
        assert_true(count >= SEENLOG_BUFFER_BYTES / SEENLOG_SECOND_BYTES);
        size_t len = seenlog_begin(log, sizeof log);
        len = seenlog_append(log, len, sizeof log, NULL, &ann, &w);
        struct seenlog_reader r = seenlog_read(log, len);
        assert_int_equal(seenlog_next_line(&r), 0);
        assert_string_equal(r.line.viewer, "agent-1");
        assert_string_equal(r.line.publisher, "buyer-1");
        assert_int_equal(r.line.peer, 7);
        assert_int_equal(r.line.number, 1);
        assert_int_equal(r.line.first, 1700000000u);
        for (uint32_t i = 0; i < count; i++) {
            assert_int_equal(seenlog_next(&r, &got), 0);
            assert_same(&got, &seconds[i]);
        }
        assert_int_equal(seenlog_next(&r, &got), ER_NOT_FOUND);
        assert_int_equal(seenlog_next_line(&r), ER_NOT_FOUND);
    }
}

static void lines_follow_each_other_and_names_stand_once(void **state)
{
    (void)state;
    const struct seenlog_head sound = {.kind = SEENLOG_AUDIO,
                                       .viewer = "agent-1",
                                       .publisher = "host-2",
                                       .peer = UINT64_MAX,
                                       .number = 3};
    struct seenlog_writer w = {0};
    struct seenlog_second second = steady(), got;
    uint8_t log[256];
    for (uint32_t i = 0; i < 300; i++)
        assert_true(seenlog_put(&w, 5, &second));
    size_t len = seenlog_begin(log, sizeof log), first;
    assert_int_equal(seenlog_append(log, len, sizeof log, NULL, &ann, &(struct seenlog_writer){0}),
                     len);
    first = len = seenlog_append(log, len, sizeof log, NULL, &ann, &w);
    len = seenlog_append(log, len, sizeof log, &ann, &sound, &w);
    assert_true(first < 45);
    assert_true(len - first < 45);
    assert_int_equal(seenlog_append(log, len, len + 5, &sound, &ann, &w), len);
    struct seenlog_reader r = seenlog_read(log, len);
    assert_int_equal(seenlog_next_line(&r), 0);
    assert_int_equal(seenlog_next(&r, &got), 0); /* the others are passed over */
    assert_int_equal(seenlog_next_line(&r), 0);
    assert_int_equal(r.line.kind, SEENLOG_AUDIO);
    assert_string_equal(r.line.viewer, "agent-1");
    assert_string_equal(r.line.publisher, "host-2");
    assert_true(r.line.peer == UINT64_MAX);
    uint32_t count = 0;
    for (; seenlog_next(&r, &got) == 0; count++)
        assert_same(&got, &second);
    assert_int_equal(count, 300);
}

/** Two people's cameras and voices at the third, an hour long, as a camera's rate wavers. */
static void an_hour_of_three_people_is_small(void **state)
{
    (void)state;
    static const char *const people[] = {"buyer-3f9a", "agent-liwei", "appraiser-7"};
    uint8_t log[12 * (SEENLOG_HEAD_BYTES + SEENLOG_BUFFER_BYTES)];
    size_t total = 0;
    uint32_t x = 1;
    for (uint32_t at = 0; at < 3600; at += 30) {
        struct seenlog_head last = {0};
        size_t len = seenlog_begin(log, sizeof log);
        for (unsigned i = 0; i < 12; i++) {
            struct seenlog_writer w = {0};
            struct seenlog_head head = {.kind = i % 2 ? SEENLOG_AUDIO : SEENLOG_VIDEO,
                                        .viewer = people[i / 4],
                                        .publisher = people[(i / 4 + 1 + i / 2 % 2) % 3],
                                        .peer = 100 + i / 4,
                                        .number = i % 4};
            for (uint32_t k = 0; k < 30; k++) {
                struct seenlog_second s = {.sent = 50, .arrived = 50};
                if (i % 2 == 0)
                    s = steady();
                if (i % 2 == 0 && next_random(&x) % 2)
                    s.sent = s.arrived = (uint16_t)(29 + next_random(&x) % 3);
                if (next_random(&x) % 20 == 0)
                    s.lost = 1;
                assert_true(seenlog_put(&w, 1700000000u + at + k, &s));
            }
            len = seenlog_append(log, len, sizeof log, last.viewer ? &last : NULL, &head, &w);
            last = head;
        }
        total += len;
    }
    print_message("%zu bytes an hour\n", total);
    assert_true(total < 90000);
}

static void expect_bad(const uint8_t *log, size_t len)
{
    struct seenlog_reader r = seenlog_read(log, len);
    struct seenlog_second s;
    int er = 0;
    while (er == 0 && (er = seenlog_next_line(&r)) == 0) {
        while ((er = seenlog_next(&r, &s)) == 0)
            ;
        if (er == ER_NOT_FOUND)
            er = 0;
    }
    assert_int_equal(er, ER_MALFORMED);
    assert_int_equal(seenlog_next_line(&r), ER_NOT_FOUND);
}

static void what_is_no_log_is_refused(void **state)
{
    (void)state;
    static const uint8_t good[] = {1, 0, 1, 'a', 1, 'b', 7, 0, 5, 3, 0xc1, 30, 31};
    struct seenlog_reader r = seenlog_read(good, sizeof good);
    struct seenlog_second s;
    assert_int_equal(seenlog_next_line(&r), 0);
    assert_int_equal(seenlog_next(&r, &s), 0);
    assert_int_equal(s.arrived, 30);
    for (size_t len = 2; len < sizeof good; len++)
        expect_bad(good, len);
    static const struct {
        size_t at;
        uint8_t value;
    } wrong[] = {{0, 2}, {1, 2},     {2, 0},     {3, 0},     {4, 200},  {9, 0},
                 {9, 4}, {10, 0xc0}, {10, 0xd0}, {10, 0x80}, {12, 0x80}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        uint8_t bad[sizeof good];
        memcpy(bad, good, sizeof good);
        bad[wrong[i].at] = wrong[i].value;
        expect_bad(bad, sizeof bad);
    }
    static const uint8_t long_number[] = {1, 0, 1, 'a', 1, 'b', 0x87, 0, 0, 5, 1, 0};
    expect_bad(long_number, sizeof long_number);
    static const uint8_t no_state[] = {1, 0, 1, 'a', 1, 'b', 7, 0, 5, 7, 0xc8, 4, 0, 0, 0, 1, 1};
    expect_bad(no_state, sizeof no_state);
    uint8_t runs[11 + 64] = {1, 0, 1, 'a', 1, 'b', 7, 0, 5, 64};
    memset(runs + 10, 0x7f, 64); /* 8192 seconds */
    expect_bad(runs, 10 + 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(lines_follow_each_other_and_names_stand_once),
        cmocka_unit_test(an_hour_of_three_people_is_small),
        cmocka_unit_test(what_is_no_log_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
