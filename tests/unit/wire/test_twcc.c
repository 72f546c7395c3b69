// SPDX-License-Identifier: Apache-2.0
/* Transport feedback: a known packet, bounds, and a seeded property: whatever arrives in whatever
 * order is told exactly once, to 250 microseconds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/entropy.h"
#include "base/er.h"
#include "media/wire/twcc.h"

#define WRAP_US (INT64_C(1) << 24) * 64000

static uint8_t buf[1500];

static struct rtcp_packet packet_of(const uint8_t *data, size_t len)
{
    struct rtcp_packet p;
    struct rd r = rd_make(data, len);
    assert_int_equal(rtcp_next(&r, &p), 0);
    assert_int_equal(rd_left(&r), 0);
    return p;
}

static size_t write_feedback(struct twcc_recorder *r)
{
    struct wr w = wr_make(buf, sizeof buf);
    twcc_write(r, &w, 1, 2);
    assert_false(w.bad);
    return wr_len(&w);
}

static void test_known_packet(void **state)
{
    (void)state;
    static const uint8_t expected[] =
        "\x8f\xcd\x00\x06\x00\x00\x00\x01\x00\x00\x00\x02\xff\xfe\x00\x05\x00\x00\x02\x00"
        "\xd8\x90"                  /* vector of two bits: small, large, lost, large, small */
        "\x04\xff\xfc\x01\x2c\x03"; /* deltas 4, -4, 300, 3 */
    struct twcc_recorder r = {0};
    /* reference 2 is at 128 ms; ticks are 250 us */
    twcc_record(&r, 0xfffe, 128000 + 4 * 250);
    twcc_record(&r, 0xffff, 128000);
    twcc_record(&r, 1, 128000 + 300 * 250);
    twcc_record(&r, 2, 128000 + 303 * 250 + 249);
    assert_true(twcc_pending(&r));
    assert_int_equal(write_feedback(&r), 28);
    assert_false(twcc_pending(&r));
    assert_memory_equal(buf, expected, 28);
}

static void test_run_length(void **state)
{
    (void)state;
    struct twcc_recorder r = {0};
    for (uint16_t i = 0; i < 100; i++)
        twcc_record(&r, i, 1000000 + (uint64_t)i * 1000);
    /* header, one chunk, a hundred deltas, two bytes of padding */
    assert_int_equal(write_feedback(&r), 124);
    assert_memory_equal(buf + 20, "\x20\x64", 2);
    assert_int_equal(buf[0] & 0x20, 0x20);
    assert_int_equal(buf[123], 2);
    assert_int_equal(r.feedback_count, 1);
}

/** 255 ticks still fit a byte, 256 and one tick back do not. */
static void test_delta_sizes(void **state)
{
    (void)state;
    static const int ticks[] = {0, 255, 511, 510};
    static const uint8_t expected[] = "\xd6\x80\x00\xff\x01\x00\xff\xff";
    struct twcc_recorder r = {0};
    for (size_t i = 0; i < 4; i++)
        twcc_record(&r, (uint16_t)i, 64000 + (uint64_t)ticks[i] * 250);
    assert_int_equal(write_feedback(&r), 28);
    assert_memory_equal(buf + 20, expected, 8);
}

static void test_vector_of_single_bits(void **state)
{
    (void)state;
    struct twcc_recorder r = {0};
    for (uint16_t i = 0; i < 28; i += 2)
        twcc_record(&r, i, 1000000);
    struct rtcp_packet p = packet_of(buf, write_feedback(&r));
    assert_memory_equal(p.body + 16, "\xaa\xaa\xaa\xaa", 4);
}

static void test_nothing_to_say(void **state)
{
    (void)state;
    struct twcc_recorder r = {0};
    assert_false(twcc_pending(&r));
    assert_int_equal(write_feedback(&r), 0);
    twcc_record(&r, 5, 1000);
    assert_true(write_feedback(&r) > 0);
    twcc_record(&r, 5, 2000); /* reported already */
    twcc_record(&r, 4, 2000); /* of before the report */
    assert_false(twcc_pending(&r));
    assert_int_equal(write_feedback(&r), 0);
    assert_int_equal(r.feedback_count, 1);
}

static void test_before_first_and_duplicates(void **state)
{
    (void)state;
    struct twcc_recorder r = {0};
    struct twcc_arrival a[8];
    int64_t reference;
    size_t count;
    twcc_record(&r, 1, 64000);
    twcc_record(&r, 0, 65000);
    twcc_record(&r, 65535, 66000);
    twcc_record(&r, 0, 99000); /* the first arrival counts */
    struct rtcp_packet p = packet_of(buf, write_feedback(&r));
    assert_int_equal(twcc_parse(&p, &reference, a, 8, &count), 0);
    assert_int_equal(count, 3);
    assert_true(reference == 64000);
    assert_true(a[0].seq == 65535 && a[0].at_us == 66000);
    assert_true(a[1].seq == 0 && a[1].at_us == 65000);
    assert_true(a[2].seq == 1 && a[2].at_us == 64000);
}

static void test_forgets_beyond_window(void **state)
{
    (void)state;
    struct twcc_recorder r = {0};
    struct twcc_arrival a[8];
    int64_t reference;
    size_t count;
    twcc_record(&r, 0, 1000);
    assert_true(write_feedback(&r) > 0);
    twcc_record(&r, 1, 2000);
    twcc_record(&r, 30000, 3000);
    twcc_record(&r, 29999 - TWCC_WINDOW, 4000); /* too old to be noted */
    struct rtcp_packet p = packet_of(buf, write_feedback(&r));
    assert_int_equal(twcc_parse(&p, &reference, a, 8, &count), 0);
    assert_int_equal(count, 8);
    assert_int_equal(a[0].seq, 30001 - TWCC_WINDOW);
    assert_false(a[0].received);
    assert_false(twcc_pending(&r));
    assert_int_equal(get_u16(p.body + 10), TWCC_WINDOW);
}

/** Arrivals too far apart for one packet's deltas go into several. */
static void test_far_apart(void **state)
{
    (void)state;
    static const int64_t gaps_us[] = {8191750, 8192000, -8192000, -8192250};
    static const size_t packets[] = {1, 2, 1, 2};
    for (size_t i = 0; i < 4; i++) {
        struct twcc_recorder r = {0};
        size_t written = 0;
        twcc_record(&r, 1, 64000000);
        twcc_record(&r, 2, (uint64_t)(64000000 + gaps_us[i]));
        for (; twcc_pending(&r); written++)
            assert_true(write_feedback(&r) > 0);
        assert_int_equal(written, packets[i]);
    }
}

static void test_no_room(void **state)
{
    (void)state;
    struct twcc_recorder r = {0};
    twcc_record(&r, 1, 1000);
    for (size_t size = 0; size < 24; size++) {
        struct wr w = wr_make(buf, size);
        twcc_write(&r, &w, 1, 2);
        assert_true(w.bad);
        assert_int_equal(wr_len(&w), 0);
        assert_true(twcc_pending(&r));
    }
    struct wr w = wr_make(buf, 24);
    twcc_write(&r, &w, 1, 2);
    assert_false(w.bad || twcc_pending(&r));
}

/** What was recorded, and how often feedback told it. */
struct truth {
    uint64_t arrival_us[70000];
    uint8_t told[70000];
    uint16_t start;
    int64_t count;
};

static void check_feedback(struct truth *t, size_t len)
{
    static struct twcc_arrival a[TWCC_WINDOW];
    int64_t reference;
    size_t count;
    assert_true(len <= 1200);
    struct rtcp_packet p = packet_of(buf, len);
    assert_int_equal(twcc_parse(&p, &reference, a, TWCC_WINDOW, &count), 0);
    assert_true(count > 0 && a[count - 1].received);
    for (size_t i = 0; i < count; i++) {
        uint16_t index = (uint16_t)(a[i].seq - t->start);
        if (!a[i].received)
            continue;
        assert_true(index < t->count && t->arrival_us[index]);
        t->told[index]++;
        int64_t error = (int64_t)t->arrival_us[index] % (WRAP_US)-a[i].at_us;
        if (error < 0) /* across the wrap of the reference */
            error += WRAP_US;
        assert_true(error >= 0 && error < 250);
    }
}

/** Packets with random loss, jitter that reorders, now and then a long pause; feedback in between.
 *  Every arrival is told once. Only those older than the window or than a report may be missed. */
static void run_property(uint64_t seed)
{
    struct entropy_seeded s;
    struct entropy e = entropy_seeded_init(&s, seed);
    static struct truth t;
    static struct twcc_recorder r;
    memset(&t, 0, sizeof t);
    memset(&r, 0, sizeof r);
    t.start = (uint16_t)entropy_u64(&e);
    t.count = 6000;
    unsigned loss = (unsigned)(entropy_u64(&e) % 90);
    unsigned pause_every = 1 + (unsigned)(entropy_u64(&e) % 2000);
    unsigned report_every = 1 + (unsigned)(entropy_u64(&e) % 300);
    /* half of the runs begin just before the reference time wraps */
    uint64_t now_us = seed % 2 ? (uint64_t)(WRAP_US)-1000000 : 1 + entropy_u64(&e) % 10000000;
    size_t recorded = 0;
    size_t told = 0;
    for (int64_t i = 0; i < t.count; i++) {
        now_us += entropy_u64(&e) % 3000;
        if (entropy_u64(&e) % pause_every == 0)
            now_us += entropy_u64(&e) % 20000000;
        if (entropy_u64(&e) % 100 >= loss) {
            t.arrival_us[i] = now_us;
            twcc_record(&r, (uint16_t)(t.start + i), now_us);
            recorded++;
        } else if (i > 5 && entropy_u64(&e) % 4 == 0 && !t.arrival_us[i - 5] &&
                   r.next <= r.end - 6) { /* a late one, not yet reported */
            t.arrival_us[i - 5] = now_us;
            twcc_record(&r, (uint16_t)(t.start + i - 5), now_us);
            recorded++;
        }
        if (i % report_every == 0 || i == t.count - 1)
            while (twcc_pending(&r))
                check_feedback(&t, write_feedback(&r));
    }
    for (int64_t i = 0; i < t.count; i++) {
        assert_true(t.told[i] <= 1);
        told += t.told[i];
    }
    if (told != recorded)
        fail_msg("seed %u: %zu of %zu told", (unsigned)seed, told, recorded);
}

static void test_property(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++)
        run_property(seed);
}

static int parse_of(const char *bytes, size_t len, size_t *ret_count)
{
    struct twcc_arrival a[4];
    int64_t reference;
    memcpy(buf, bytes, len);
    struct rtcp_packet p = packet_of(buf, len);
    return twcc_parse(&p, &reference, a, 4, ret_count);
}

#define HEAD "\0\0\0\1\0\0\0\2"

static void test_damage(void **state)
{
    (void)state;
    size_t count = 9;
    /* a run longer than the count is cut; a run of nothing is passed over */
    assert_int_equal(parse_of("\x8f\xcd\0\5" HEAD "\0\1\0\2\0\0\1\0\x20\xff\1\2", 24, &count), 0);
    assert_int_equal(count, 2);
    assert_int_equal(
        parse_of("\x8f\xcd\0\6" HEAD "\0\1\0\2\0\0\1\0\x20\0\x20\2\1\2\0\0", 28, &count), 0);
    /* more statuses than asked for */
    assert_int_equal(parse_of("\x8f\xcd\0\5" HEAD "\0\1\xff\xff\0\0\1\0\0\5\0\0", 24, &count),
                     ER_MALFORMED);
    assert_int_equal(parse_of("\x8f\xcd\0\5" HEAD "\0\1\0\x08\0\0\1\0\0\x10\0\0", 24, &count), 0);
    assert_int_equal(count, 4);
    /* no status, a reserved symbol in a run and in a vector, deltas or chunks missing */
    static const char *const bad[] = {
        "\x8f\xcd\0\5" HEAD "\0\1\0\0\0\0\1\0\x20\1\0\0",
        "\x8f\xcd\0\5" HEAD "\0\1\0\1\0\0\1\0\x60\1\1\1",
        "\x8f\xcd\0\5" HEAD "\0\1\0\1\0\0\1\0\xf0\0\1\1",
        "\x8f\xcd\0\5" HEAD "\0\1\0\3\0\0\1\0\x20\3\1\1",
        "\x8f\xcd\0\5" HEAD "\0\1\0\2\0\0\1\0\x40\2\1\1",
        "\x8f\xcd\0\5" HEAD "\0\1\0\x20\0\0\1\0\x80\0\x80\0",
        "\x8e\xcd\0\5" HEAD "\0\1\0\1\0\0\1\0\x20\1\1\1",
        "\x8f\xce\0\5" HEAD "\0\1\0\1\0\0\1\0\x20\1\1\1",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (parse_of(bad[i], 24, &count) != ER_MALFORMED || count != 0)
            fail_msg("case %zu", i);
    assert_int_equal(parse_of("\x8f\xcd\0\3" HEAD "\0\1\0\1", 16, &count), ER_MALFORMED);
}

static void test_an_outage_is_left_out(void **state)
{
    (void)state;
    struct twcc_recorder r = {0};
    struct twcc_arrival got[64];
    int64_t reference_us;
    size_t count;
    for (uint16_t i = 0; i < 10; i++) {
        twcc_skip_outage(&r, i, 1000000 + i * 1000);
        twcc_record(&r, i, 1000000 + i * 1000);
    }
    (void)write_feedback(&r);
    /* A short silence is loss like any other, */
    twcc_skip_outage(&r, 20, 1300000);
    twcc_record(&r, 20, 1300000);
    struct rtcp_packet p = packet_of(buf, write_feedback(&r));
    assert_int_equal(twcc_parse(&p, &reference_us, got, 64, &count), 0);
    assert_int_equal(count, 11);
    assert_false(got[0].received);
    /* a long one none; */
    twcc_skip_outage(&r, 40, 1800000);
    twcc_record(&r, 40, 1800000);
    p = packet_of(buf, write_feedback(&r));
    assert_int_equal(twcc_parse(&p, &reference_us, got, 64, &count), 0);
    assert_int_equal(count, 1);
    assert_int_equal(got[0].seq, 40);
    /* but what came before it and was not told yet is told. */
    twcc_skip_outage(&r, 42, 1801000);
    twcc_record(&r, 42, 1801000);
    twcc_skip_outage(&r, 45, 2800000);
    twcc_record(&r, 45, 2800000);
    p = packet_of(buf, write_feedback(&r));
    assert_int_equal(twcc_parse(&p, &reference_us, got, 64, &count), 0);
    assert_int_equal(got[0].seq, 41);
    assert_int_equal(count, 5);
}

static void test_arrivals_alone(void **state)
{
    (void)state;
    struct twcc_recorder r = {.arrived_only = true};
    struct twcc_arrival got[64];
    int64_t reference_us;
    size_t count, lost;
    static const uint16_t came[] = {65533, 65534, 1, 2, 3, 7};
    static const size_t runs[] = {2, 3, 1};
    for (size_t i = 0; i < 6; i++)
        twcc_record(&r, came[i], 1000000 + i * 1000);
    for (size_t i = 0, at = 0; i < 3; at += runs[i++]) {
        struct rtcp_packet p = packet_of(buf, write_feedback(&r));
        assert_int_equal(twcc_parse(&p, &reference_us, got, 64, &count), 0);
        assert_int_equal(count, runs[i]);
        for (size_t k = 0; k < count; k++) {
            assert_true(got[k].received);
            assert_int_equal(got[k].seq, came[at + k]);
            assert_int_equal(got[k].at_us, 1000000 + (at + k) * 1000);
        }
    }
    assert_false(twcc_pending(&r));
    /* What is passed over is counted all the same. */
    twcc_record(&r, 12, 2000000);
    twcc_count(&r, &count, &lost);
    assert_int_equal(count, 5);
    assert_int_equal(lost, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_packet),
        cmocka_unit_test(test_run_length),
        cmocka_unit_test(test_vector_of_single_bits),
        cmocka_unit_test(test_nothing_to_say),
        cmocka_unit_test(test_before_first_and_duplicates),
        cmocka_unit_test(test_forgets_beyond_window),
        cmocka_unit_test(test_far_apart),
        cmocka_unit_test(test_no_room),
        cmocka_unit_test(test_property),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_delta_sizes),
        cmocka_unit_test(test_an_outage_is_left_out),
        cmocka_unit_test(test_arrivals_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
