// SPDX-License-Identifier: Apache-2.0
/* Hashes made beforehand: of the right pictures, and of no others. */
#include "media/record/hashed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "tests/unit/support/vp8_source.h"

enum { FRAMES = 40, KEEP_US = 10000000 };

struct scene {
    struct vp8_source *source;
    struct hashed *hashed;
    struct depack *depack;
    int64_t sent;
    struct taken { /* as a clip will ask for it */
        struct depack_frame frame;
        struct tape_packet *last;
        uint8_t hash[DIGEST_BYTES];
    } taken[FRAMES];
    size_t taken_count;
};

static int setup(void **state)
{
    static struct scene s;
    s = (struct scene){.source = vp8_source_new(320, 240)};
    *state = &s;
    return hashed_new(&s.hashed, KEEP_US) || depack_new(&s.depack);
}

static int teardown(void **state)
{
    struct scene *s = *state;
    vp8_source_free(s->source);
    hashed_free(s->hashed);
    hashed_free(NULL);
    depack_free(s->depack);
    for (size_t i = 0; i < s->taken_count; i++)
        free(s->taken[i].last);
    return 0;
}

/** A picture, to `source`; what comes out of it is noted. */
static void show(struct scene *s, uint64_t source, bool key)
{
    struct vp8_picture p;
    struct depack_frame frame;
    vp8_source_next(s->source, 90000 + s->sent++ * 3000, key, &p);
    for (size_t i = 0; i < p.count; i++) {
        hashed_packet(s->hashed, source, p.packets[i]);
        if (depack_push(s->depack, p.packets[i], &frame) != 0)
            continue;
        struct taken *t = &s->taken[s->taken_count++];
        t->frame = frame;
        t->last = malloc(sizeof *t->last);
        assert_non_null(t->last);
        memcpy(t->last, p.packets[i], sizeof *t->last);
        digest_sha256(frame.data, frame.len, t->hash);
    }
}

static bool is_known(struct scene *s, size_t i)
{
    uint8_t hash[DIGEST_BYTES];
    if (!hashed_find(s->hashed, &s->taken[i].frame, s->taken[i].last, hash))
        return false;
    assert_memory_equal(hash, s->taken[i].hash, sizeof hash);
    return true;
}

static size_t count_known(struct scene *s)
{
    size_t count = 0;
    for (size_t i = 0; i < s->taken_count; i++)
        count += is_known(s, i);
    return count;
}

static void each_picture_has_its_own(void **state)
{
    struct scene *s = *state;
    for (int i = 0; i < FRAMES; i++)
        show(s, 7, false);
    assert_int_equal(s->taken_count, FRAMES);
    assert_int_equal(count_known(s), FRAMES);
}

/** Whatever tells it from the one that was hashed. */
static void another_picture_has_none(void **state)
{
    struct scene *s = *state;
    for (int i = 0; i < 3; i++)
        show(s, 7, false);
    struct taken was = s->taken[1], *t = &s->taken[1];
    t->frame.first_seq--;
    assert_false(is_known(s, 1));
    *t = was;
    t->frame.timestamp++;
    assert_false(is_known(s, 1));
    *t = was;
    t->frame.len++;
    assert_false(is_known(s, 1));
    *t = was;
    t->frame.format = FORMAT_VP9;
    assert_false(is_known(s, 1));
    *t = was;
    t->last->seq++;
    assert_false(is_known(s, 1));
    t->last->seq--;
    t->last->arrival_us++;
    assert_false(is_known(s, 1));
    t->last->arrival_us--;
    assert_true(is_known(s, 1));
}

static void a_gap_lasts_to_the_next_key_frame(void **state)
{
    struct scene *s = *state;
    struct vp8_picture lost;
    show(s, 7, false);
    vp8_source_next(s->source, 90000 + s->sent++ * 3000, false, &lost);
    hashed_gap(s->hashed, 7, (uint32_t)lost.count);
    show(s, 7, false); /* the clip's own reader does not know of it: it jumps, too */
    assert_int_equal(s->taken_count, 1);
    show(s, 7, true);
    show(s, 7, false);
    assert_int_equal(s->taken_count, 3);
    assert_int_equal(count_known(s), 3);
}

static void another_stream_has_numbers_of_its_own(void **state)
{
    struct scene *s = *state;
    show(s, 7, false);
    show(s, 7, false);
    hashed_gap(s->hashed, 7, 0);
    assert_int_equal(count_known(s), 0);
    show(s, 7, true);
    assert_int_equal(count_known(s), 1);
}

/** A sender that gives two tracks the same numbers cannot have one's hash taken for the other's. */
static void who_shares_a_name_has_none(void **state)
{
    struct scene *s = *state;
    struct vp8_picture p;
    show(s, 7, false);
    assert_true(is_known(s, 0));
    struct vp8_source *again = vp8_source_new(320, 240);
    vp8_source_next(again, 90000, false, &p);
    for (size_t i = 0; i < p.count; i++)
        hashed_packet(s->hashed, 8, p.packets[i]);
    vp8_source_free(again);
    assert_false(is_known(s, 0));
}

static void the_oldest_are_forgotten(void **state)
{
    struct scene *s = *state;
    hashed_free(s->hashed);
    assert_int_equal(hashed_new(&s->hashed, 333333), 0); /* ten pictures and one */
    for (int i = 0; i < FRAMES; i++)
        show(s, 7, false);
    assert_int_equal(count_known(s), 11);
    assert_false(is_known(s, FRAMES - 12));
    assert_true(is_known(s, FRAMES - 11));
}

static void an_ended_track_is_forgotten(void **state)
{
    struct scene *s = *state;
    show(s, 7, false);
    hashed_end(s->hashed, 8);
    assert_int_equal(count_known(s), 1);
    hashed_end(s->hashed, 7);
    assert_int_equal(count_known(s), 0);
}

static void there_are_only_so_many_tracks(void **state)
{
    struct scene *s = *state;
    for (uint64_t source = 0; source <= HASHED_TRACKS; source++)
        show(s, source, true);
    assert_int_equal(count_known(s), HASHED_TRACKS);
    hashed_end(s->hashed, 0);
    show(s, 99, true);
    assert_true(is_known(s, s->taken_count - 1));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_picture_has_its_own),          TEST(another_picture_has_none),
        TEST(a_gap_lasts_to_the_next_key_frame), TEST(another_stream_has_numbers_of_its_own),
        TEST(who_shares_a_name_has_none),        TEST(the_oldest_are_forgotten),
        TEST(an_ended_track_is_forgotten),       TEST(there_are_only_so_many_tracks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
