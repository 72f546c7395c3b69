// SPDX-License-Identifier: Apache-2.0
/* The tape: packets in any order, its bounds, its memory, and slabs that outlive it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/entropy.h"
#include "tests/unit/tape/tape_fill.h"

static const struct tape_limits small = {.packets = 64, .frames = 16, .keep_us = 1000000};

static struct tape *make(const struct tape_limits *limits)
{
    struct tape *t = NULL;
    assert_int_equal(tape_new(&t, limits), 0);
    return t;
}

static void refuses_what_it_cannot_hold(void **state)
{
    (void)state;
    struct tape *t = NULL;
    assert_int_equal(tape_new(&t, &(struct tape_limits){.packets = 0}), ER_INVALID);
    assert_int_equal(tape_new(&t, &(struct tape_limits){.packets = 48}), ER_INVALID);
    tape_free(NULL);
    t = make(&small);
    assert_int_equal(tape_fill(t, 0, 1, 0), ER_INVALID);
    assert_int_equal(tape_fill(t, -5, 1, 0), ER_INVALID);
    assert_int_equal(tape_fill_sized(t, 1, 1, 0, LIMIT_RTP_PACKET + 1), ER_INVALID);
    assert_int_equal(tape_head(t), 0);
    assert_int_equal(tape_tail(t), 0);
    assert_null(tape_find(t, 0));
    assert_null(tape_last_key(t));
    tape_free(t);
}

static void descriptors_lie_behind_the_payload(void **state)
{
    (void)state;
    struct tape *t = make(&small);
    const struct tape_packet head = {.timestamp = 1, .payload_len = 5, .descriptor_len = 3};
    for (int64_t seq = 100; seq < 110; seq++) {
        struct tape_packet this_one = head;
        const struct tape_packet *p = NULL;
        const uint8_t payload[] = {1, 2, 3, 4, (uint8_t)seq}, descriptor[] = {7, 8, (uint8_t)seq};
        this_one.seq = seq;
        const struct tape_input in = {
            .head = &this_one, .payload = payload, .descriptor = descriptor};
        assert_int_equal(tape_append(t, &in, &p), 0);
    }
    for (int64_t seq = 100; seq < 110; seq++) {
        const struct tape_packet *p = tape_find(t, seq);
        assert_int_equal(p->payload[4], seq);
        assert_int_equal(tape_descriptor(p)[0], 7);
        assert_int_equal(tape_descriptor(p)[2], seq);
    }
    tape_free(t);
}

static void finds_what_was_written(void **state)
{
    (void)state;
    struct tape *t = make(&small);
    assert_int_equal(tape_fill(t, 100, 1, TAPE_KEY_FRAME), 0);
    assert_int_equal(tape_fill(t, 103, 1, 0), 0);
    assert_int_equal(tape_fill(t, 101, 1, 0), 0);
    assert_int_equal(tape_fill(t, 98, 1, 0), 0); /* before the first: still welcome */
    assert_int_equal(tape_tail(t), 98);
    assert_int_equal(tape_head(t), 103);
    assert_true(tape_fill_is(tape_find(t, 98), 98));
    assert_null(tape_find(t, 99));
    assert_true(tape_fill_is(tape_find(t, 100), 100));
    assert_null(tape_find(t, 102));
    assert_true(tape_fill_is(tape_find(t, 103), 103));
    assert_null(tape_find(t, 104));
    assert_null(tape_find(t, 97));
    assert_null(tape_find(t, 100 + 64));
    assert_int_equal(tape_fill(t, 101, 1, 0), ER_STALE);
    assert_int_equal(tape_last_key(t)->first_seq, 100);
    assert_int_equal(tape_find_frame(t, 101 * 3000)->first_seq, 101);
    tape_free(t);
}

static void padding_takes_a_number_and_no_picture(void **state)
{
    (void)state;
    struct tape *t = make(&small);
    assert_int_equal(tape_fill_sized(t, 10, 1, 0, 0), 0);
    assert_non_null(tape_find(t, 10));
    assert_int_equal(tape_find(t, 10)->payload_len, 0);
    assert_null(tape_find_frame(t, 10 * 3000));
    tape_free(t);
}

static void old_packets_give_way(void **state)
{
    (void)state;
    struct tape *t = make(&small);
    for (int64_t seq = 1; seq <= 200; seq++)
        assert_int_equal(tape_fill(t, seq, 1, 0), 0);
    assert_int_equal(tape_head(t), 200);
    assert_int_equal(tape_tail(t), 137);
    for (int64_t seq = 1; seq <= 200; seq++)
        assert_int_equal(tape_fill_is(tape_find(t, seq), seq), seq >= 137);
    assert_int_equal(tape_fill(t, 136, 1, 0), ER_STALE);
    assert_int_equal(tape_fill(t, 30000, 1, 0), 0); /* a jump forgets all before it */
    assert_int_equal(tape_tail(t), 30000 - 63);
    assert_null(tape_find(t, 200));
    assert_int_equal(tape_fill(t, 29990, 1, 0), 0);
    assert_int_equal(tape_fill(t, 200, 1, 0), ER_STALE);
    assert_true(tape_fill_is(tape_find(t, 29990), 29990));
    tape_free(t);
}

static void memory_is_given_back(void **state)
{
    (void)state;
    struct tape *t = make(&small);
    size_t most = 0;
    for (int64_t seq = 1; seq <= 5000; seq++) {
        assert_int_equal(tape_fill_sized(t, seq, 1, 0, LIMIT_RTP_PACKET), 0);
        if (tape_bytes(t) > most)
            most = tape_bytes(t);
    }
    /* 64 packets of 1440 bytes lie in at most three slabs; one waits to be written again. */
    assert_true(most <= 4 * LIMIT_SLAB_BYTES);
    tape_free(t);
}

static void a_slab_that_others_hold_is_not_written_again(void **state)
{
    (void)state;
    struct tape *t = make(&small);
    struct slab *held;
    assert_int_equal(tape_fill_sized(t, 1, 1, 0, LIMIT_RTP_PACKET), 0);
    const struct tape_packet *first = tape_find_hold(t, 1, &held);
    for (int64_t seq = 2; seq <= 5000; seq++)
        assert_int_equal(tape_fill_sized(t, seq, 1, 0, LIMIT_RTP_PACKET), 0);
    assert_null(tape_find(t, 1));
    assert_true(tape_bytes(t) <= 6 * LIMIT_SLAB_BYTES); /* the others are */
    assert_true(tape_fill_is(first, 1));
    slab_release(held);
    tape_free(t);
}

static void trims_by_age_but_not_the_picture_group(void **state)
{
    (void)state;
    struct tape *t = make(&small);
    for (int64_t seq = 10; seq < 20; seq++)
        assert_int_equal(tape_fill(t, seq, (uint64_t)seq * 100000, seq == 14 ? TAPE_KEY_FRAME : 0),
                         0);
    tape_trim(t, 500000);
    assert_int_equal(tape_tail(t), 10);
    tape_trim(t, 2150000); /* 1.0 and 1.1 s are over a second ago */
    assert_int_equal(tape_tail(t), 12);
    assert_null(tape_find(t, 11));
    assert_int_equal(tape_fill(t, 11, 2150000, 0), ER_STALE);
    tape_trim(t, 60000000); /* the key frame and all since stay for joiners */
    assert_int_equal(tape_tail(t), 14);
    assert_int_equal(tape_last_key(t)->first_seq, 14);
    assert_true(tape_fill_is(tape_find(t, 19), 19));
    tape_free(t);
}

static void long_picture_groups_are_trimmed_by_age(void **state)
{
    (void)state;
    struct tape *t = make(
        &(struct tape_limits){.packets = 64, .frames = 32, .keep_us = 1000000, .gop_packets = 10});
    for (int64_t seq = 10; seq < 20; seq++)
        assert_int_equal(tape_fill(t, seq, (uint64_t)seq * 100000, seq == 10 ? TAPE_KEY_FRAME : 0),
                         0);
    tape_trim(t, 60000000); /* ten packets: still of use */
    assert_int_equal(tape_tail(t), 10);
    assert_int_equal(tape_fill(t, 20, 2000000, 0), 0);
    tape_trim(t, 2450000);
    assert_int_equal(tape_tail(t), 15);
    tape_free(t);
}

static void sound_is_trimmed_to_nothing(void **state)
{
    (void)state;
    struct tape *t = make(&(struct tape_limits){.packets = 64, .keep_us = 1000000});
    for (int64_t seq = 10; seq < 20; seq++)
        assert_int_equal(tape_fill(t, seq, (uint64_t)seq * 20000, 0), 0);
    tape_trim(t, 10000000);
    assert_int_equal(tape_head(t), 0);
    assert_int_equal(tape_tail(t), 0);
    assert_null(tape_find(t, 19));
    assert_int_equal(tape_fill(t, 19, 10000000, 0), ER_STALE);
    assert_int_equal(tape_fill(t, 25, 10000000, 0), 0);
    assert_int_equal(tape_tail(t), 25);
    tape_free(t);
}

static void held_slabs_outlive_the_tape(void **state)
{
    (void)state;
    struct tape *t = make(&small);
    struct slab *held = NULL;
    assert_int_equal(tape_fill(t, 1, 1, 0), 0);
    assert_null(tape_find_hold(t, 2, &held));
    assert_null(held);
    const struct tape_packet *p = tape_find_hold(t, 1, &held);
    assert_non_null(held);
    for (int64_t seq = 2; seq <= 500; seq++)
        assert_int_equal(tape_fill_sized(t, seq, 1, 0, LIMIT_RTP_PACKET), 0);
    assert_null(tape_find(t, 1));
    tape_free(t);
    assert_true(tape_fill_is(p, 1));
    slab_release(held);
}

/** A tape that shares another's packets names the same bytes, and keeps them when the other goes. */
static void shares_another_tapes_packets(void **state)
{
    (void)state;
    struct tape *home = make(&small);
    struct tape *mirror = make(&small);
    size_t empty = tape_bytes(mirror);
    for (int64_t seq = 1; seq <= 1000; seq++) { /* over many slabs */
        struct slab *slab = NULL;
        assert_int_equal(tape_fill_sized(home, seq, 1, seq % 10 ? 0 : TAPE_KEY_FRAME, 1200), 0);
        const struct tape_packet *p = tape_find_hold(home, seq, &slab);
        assert_int_equal(tape_append_shared(mirror, slab, p), 0);
        assert_int_equal(tape_append_shared(mirror, slab, p), ER_STALE);
        slab_release(slab);
        assert_ptr_equal(tape_find(mirror, seq), p);
    }
    assert_true(tape_bytes(mirror) <= empty + 4 * LIMIT_SLAB_BYTES);
    tape_free(home);
    for (int64_t seq = 1000 - 63; seq <= 1000; seq++)
        assert_true(tape_fill_is(tape_find(mirror, seq), seq));
    assert_null(tape_find(mirror, 1000 - 64));
    tape_free(mirror);
}

struct slab *__real_slab_new(uint32_t size);
struct slab *__wrap_slab_new(uint32_t size);
static unsigned slabs_made;
struct slab *__wrap_slab_new(uint32_t size)
{
    slabs_made++;
    return __real_slab_new(size);
}

/** A mirror forgets a little later than the home, and the recorder reads behind. */
static void a_mirrored_tape_takes_no_new_memory(void **state)
{
    (void)state;
    struct tape *home = make(&small), *mirror = make(&small);
    struct slab *late[100] = {0};
    for (int64_t seq = 1; seq <= 5000; seq++) {
        struct slab *slab = NULL;
        assert_int_equal(tape_fill_sized(home, seq, 1, TAPE_FRAME_START, LIMIT_RTP_PACKET), 0);
        if (seq == 1000)
            slabs_made = 0;
        const struct tape_packet *p = tape_find_hold(home, seq, &slab);
        assert_int_equal(tape_append_shared(mirror, slab, p), 0);
        slab_release(late[seq % 100]);
        late[seq % 100] = slab;
    }
    assert_int_equal(slabs_made, 0);
    assert_true(tape_bytes(home) < 10 * LIMIT_SLAB_BYTES);
    for (size_t i = 0; i < 100; i++)
        slab_release(late[i]);
    tape_free(home);
    tape_free(mirror);
}

/* Against a plain table as the model: order, losses, repetitions and jumps at random. */
static void agrees_with_a_model(void **state)
{
    (void)state;
    enum { NUMBERS = 20000 };
    static bool here[NUMBERS + 200];
    struct entropy_seeded seeded;
    struct entropy e = entropy_seeded_init(&seeded, 11);
    struct tape *t = make(&small);
    int64_t head = 0;
    for (int64_t at = 1; at < NUMBERS; at++) {
        uint64_t r = entropy_u64(&e);
        if (r % 1000 == 0)
            at += (int64_t)(r >> 32) % 100;
        int64_t seq = at + (int64_t)(r >> 8) % 41 - 20;
        if (seq < 1 || seq >= NUMBERS)
            continue;
        bool stale = head && (seq <= head - 64 || here[seq]);
        assert_int_equal(tape_fill(t, seq, 1, 0), stale ? ER_STALE : 0);
        if (!stale)
            here[seq] = true;
        if (seq > head)
            head = seq;
        for (int64_t s = head - 70; s <= head + 2; s++)
            if (s > 0)
                assert_int_equal(tape_fill_is(tape_find(t, s), s), s > head - 64 && here[s]);
    }
    tape_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_what_it_cannot_hold),
        cmocka_unit_test(descriptors_lie_behind_the_payload),
        cmocka_unit_test(finds_what_was_written),
        cmocka_unit_test(padding_takes_a_number_and_no_picture),
        cmocka_unit_test(old_packets_give_way),
        cmocka_unit_test(memory_is_given_back),
        cmocka_unit_test(a_slab_that_others_hold_is_not_written_again),
        cmocka_unit_test(trims_by_age_but_not_the_picture_group),
        cmocka_unit_test(long_picture_groups_are_trimmed_by_age),
        cmocka_unit_test(sound_is_trimmed_to_nothing),
        cmocka_unit_test(held_slabs_outlive_the_tape),
        cmocka_unit_test(shares_another_tapes_packets),
        cmocka_unit_test(a_mirrored_tape_takes_no_new_memory),
        cmocka_unit_test(agrees_with_a_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
