// SPDX-License-Identifier: Apache-2.0
/* Frames out of packets, whole or not at all. */
#include "media/record/depack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/limits.h"
#include "tests/unit/support/vp8_source.h"

struct fixture {
    struct depack *depack;
    struct vp8_source *source;
    struct vp8_picture picture;
    struct depack_frame frame;
    int64_t timestamp;
};

static void next(struct fixture *f, bool key)
{
    f->timestamp += 3000;
    vp8_source_next(f->source, f->timestamp, key, &f->picture);
}

/** Pushes the picture's packets but one (-1: all); what the last one gave. */
static int push_without(struct fixture *f, int missing)
{
    int er = ER_AGAIN;
    for (size_t i = 0; i < f->picture.count; i++)
        if ((int)i != missing)
            er = depack_push(f->depack, f->picture.packets[i], &f->frame);
    return er;
}

static void test_gives_frames_byte_by_byte(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 30; i++) {
        next(f, i % 10 == 0);
        assert_int_equal(push_without(f, -1), 0);
        assert_int_equal(f->frame.len, f->picture.len);
        assert_memory_equal(f->frame.data, f->picture.frame, f->picture.len);
        assert_int_equal(f->frame.key, i % 10 == 0);
        assert_int_equal(f->frame.width, f->frame.key ? 320 : 0);
        assert_int_equal(f->frame.height, f->frame.key ? 180 : 0);
        assert_int_equal(f->frame.timestamp, f->timestamp);
        assert_false(f->frame.after_gap);
    }
}

static void test_begins_with_a_key_frame(void **state)
{
    struct fixture *f = *state;
    next(f, true); /* sent before we listened */
    for (int i = 0; i < 3; i++) {
        next(f, false);
        assert_int_equal(push_without(f, -1), ER_AGAIN);
    }
    assert_false(depack_in_gap(f->depack));
    next(f, true);
    assert_int_equal(push_without(f, -1), 0);
    assert_false(f->frame.after_gap);
}

static void lose_and_recover(struct fixture *f)
{
    assert_true(depack_in_gap(f->depack));
    next(f, false);
    assert_int_equal(push_without(f, -1), ER_AGAIN);
    next(f, true);
    assert_int_equal(push_without(f, -1), 0);
    assert_true(f->frame.after_gap);
    assert_false(depack_in_gap(f->depack));
    next(f, false);
    assert_int_equal(push_without(f, -1), 0);
    assert_false(f->frame.after_gap);
}

static void test_waits_for_a_key_frame_after_a_loss(void **state)
{
    struct fixture *f = *state;
    next(f, true);
    assert_true(f->picture.count >= 3);
    assert_int_equal(push_without(f, -1), 0);
    for (int missing = 0; missing < 3; missing++) {
        next(f, true); /* large enough to lose a first, a middle and a last packet */
        int lost = missing < 2 ? missing : (int)f->picture.count - 1;
        assert_true(push_without(f, lost) < 0);
        next(f, false);
        assert_true(push_without(f, -1) < 0);
        lose_and_recover(f);
    }
}

static void test_takes_a_gap_it_is_told_of(void **state)
{
    struct fixture *f = *state;
    next(f, true);
    assert_int_equal(push_without(f, -1), 0);
    next(f, false);
    depack_gap(f->depack, (uint32_t)f->picture.count);
    lose_and_recover(f);
}

static void test_takes_another_stream(void **state)
{
    struct fixture *f = *state;
    next(f, true);
    assert_int_equal(push_without(f, -1), 0);
    depack_gap(f->depack, 0);
    assert_true(depack_in_gap(f->depack));
    next(f, true);
    struct tape_packet *first = calloc(1, sizeof *first + f->picture.packets[0]->payload_len);
    assert_non_null(first);
    memcpy(first, f->picture.packets[0], sizeof *first + f->picture.packets[0]->payload_len);
    first->seq = 1; /* numbers far below those before */
    first->flags |= TAPE_MARKER;
    assert_int_equal(depack_push(f->depack, first, &f->frame), 0);
    assert_true(f->frame.key && f->frame.after_gap);
    free(first);
}

static void test_passes_over_padding(void **state)
{
    struct fixture *f = *state;
    next(f, true);
    assert_int_equal(push_without(f, -1), 0);
    struct vp8_picture p = f->picture;
    struct tape_packet padding = *p.packets[p.count - 1];
    padding.seq++;
    padding.payload_len = 0;
    padding.flags = 0;
    assert_int_equal(depack_push(f->depack, &padding, &f->frame), ER_AGAIN);
    assert_false(depack_in_gap(f->depack));
    padding.seq--;
    assert_int_equal(depack_push(f->depack, &padding, &f->frame), ER_STALE);
}

/** A packet of one's own making, with room for the payload. */
static struct tape_packet *make(int64_t seq, int64_t timestamp, uint8_t flags, size_t len)
{
    struct tape_packet *p = calloc(1, sizeof *p + len);
    assert_non_null(p);
    p->seq = seq;
    p->timestamp = timestamp;
    p->flags = flags;
    p->payload_len = (uint16_t)len;
    p->codec = CODEC_VP8;
    return p;
}

static void test_refuses_what_is_malformed(void **state)
{
    struct fixture *f = *state;
    /* A key frame by its first bit, with a wrong start code behind it. */
    struct tape_packet *p = make(10, 1, TAPE_MARKER, 40);
    p->payload[0] = 0x10;
    assert_int_equal(depack_push(f->depack, p, &f->frame), ER_MALFORMED);
    /* Too short to be a key frame. */
    p->seq = 11;
    p->payload_len = 5;
    assert_int_equal(depack_push(f->depack, p, &f->frame), ER_MALFORMED);
    /* A descriptor and nothing behind it. */
    p->seq = 12;
    p->payload[0] = 0x90;
    p->payload[1] = 0x80;
    p->payload_len = 3;
    assert_int_equal(depack_push(f->depack, p, &f->frame), ER_MALFORMED);
    free(p);
}

static void test_bounds_a_frame(void **state)
{
    struct fixture *f = *state;
    struct tape_packet *p = make(1, 1, 0, 60001);
    const uint8_t head[] = {0x10, 0, 0, 0, 0x9d, 0x01, 0x2a, 64, 0, 64, 0};
    memcpy(p->payload, head, sizeof head);
    int er = depack_push(f->depack, p, &f->frame);
    p->payload[0] = 0;
    size_t packets = 1;
    for (; er == ER_AGAIN; packets++) {
        p->seq++;
        er = depack_push(f->depack, p, &f->frame);
    }
    assert_int_equal(er, ER_FULL);
    assert_int_equal(packets, LIMIT_FRAME_BYTES / 60000 + 1);
    free(p);
}

static void test_another_stream_is_no_gap(void **state)
{
    struct fixture *f = *state;
    next(f, true);
    assert_int_equal(push_without(f, -1), 0);
    depack_switch(f->depack);
    assert_false(depack_in_gap(f->depack));
    struct tape_packet *p = make(3, 7, TAPE_MARKER, 40); /* numbers of its own */
    const uint8_t head[] = {0x10, 0, 0, 0, 0x9d, 0x01, 0x2a, 64, 0, 64, 0};
    memcpy(p->payload, head, sizeof head);
    assert_int_equal(depack_push(f->depack, p, &f->frame), 0);
    assert_true(f->frame.key && !f->frame.after_gap);
    free(p);
}

static void test_misses_a_marker(void **state)
{
    struct fixture *f = *state;
    next(f, true);
    assert_int_equal(push_without(f, -1), 0);
    next(f, false);
    assert_true(push_without(f, (int)f->picture.count - 1) < 0);
    next(f, true);
    assert_int_equal(push_without(f, -1), 0);
    assert_true(f->frame.after_gap);
}

static int setup(void **state)
{
    static struct fixture f;
    f = (struct fixture){.timestamp = 9000000, .source = vp8_source_new(320, 180)};
    *state = &f;
    return depack_new(&f.depack);
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    depack_free(f->depack);
    depack_free(NULL);
    vp8_source_free(f->source);
    return 0;
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_gives_frames_byte_by_byte),
        TEST(test_begins_with_a_key_frame),
        TEST(test_waits_for_a_key_frame_after_a_loss),
        TEST(test_takes_a_gap_it_is_told_of),
        TEST(test_takes_another_stream),
        TEST(test_passes_over_padding),
        TEST(test_refuses_what_is_malformed),
        TEST(test_bounds_a_frame),
        TEST(test_another_stream_is_no_gap),
        TEST(test_misses_a_marker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
