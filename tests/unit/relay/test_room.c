// SPDX-License-Identifier: Apache-2.0
/* A room's timers and its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/er.h"
#include "tests/unit/support/fake_relay.h"

static void an_empty_room_is_idle(void **state)
{
    (void)state;
    struct fake_relay *f = fake_relay_new();
    assert_true(room_deadline_us(f->room) == HEAP_NEVER);
    room_expire(f->room, UINT64_MAX / 2);
    assert_int_equal(room_track_count(f->room), 0);
    room_free(NULL);
    fake_relay_free(f);
}

static void wakes_for_the_earliest(void **state)
{
    (void)state;
    struct fake_relay *f = fake_relay_new();
    struct track *a = fake_track(f, "ann", 0, CODEC_VP8);
    struct track *b = fake_track(f, "bob", 0, CODEC_VP8);
    assert_int_equal(room_track_count(f->room), 2);
    fake_picture(f, a, 10, 0, FAKE_KEY);
    f->now_us += 1000;
    fake_picture(f, b, 10, 0, FAKE_KEY);
    uint64_t trim_us = room_deadline_us(f->room);
    fake_picture(f, b, 12, 6000, FAKE_START); /* 11 is missing */
    assert_true(room_deadline_us(f->room) < trim_us);
    assert_true(room_deadline_us(f->room) > f->now_us);
    fake_relay_run(f, 5000);
    assert_int_equal(f->asked_count, 1);
    assert_ptr_equal(f->asked[0].track, b);
    assert_int_equal(f->asked[0].seq, 65536 + 11);
    track_free(b, f->now_us);
    assert_true(room_deadline_us(f->room) == trim_us);
    track_free(a, f->now_us);
    assert_true(room_deadline_us(f->room) == HEAP_NEVER);
    assert_int_equal(room_track_count(f->room), 0);
    fake_relay_free(f);
}

/** What leaves for one viewer leaves together, and nobody is always last. */
static void a_turn_leaves_viewer_by_viewer(void **state)
{
    (void)state;
    struct fake_relay *f = fake_relay_new();
    struct list pending;
    list_init(&pending);
    f->room->config.pending = &pending;
    struct track *t = fake_track(f, "ann", 0, CODEC_VP8);
    fake_picture(f, t, 10, 0, FAKE_KEY);
    struct slot *viewers[3];
    for (uint64_t i = 0; i < 3; i++)
        viewers[i] = fake_slot(f, i, "bob", MEDIA_VIDEO, SLOT_PICK_MAIN, NULL);
    relay_flush(&pending, f->now_us);
    for (uint16_t turn = 0; turn < 4; turn++) {
        fake_relay_forget(f);
        fake_packet(f, t, (uint16_t)(11 + 2 * turn), 3000u * (turn + 1u), FAKE_START);
        fake_packet(f, t, (uint16_t)(12 + 2 * turn), 3000u * (turn + 1u), FAKE_END);
        assert_int_equal(f->sent_count, 0);
        relay_flush(&pending, f->now_us);
        assert_true(list_empty(&pending));
        assert_int_equal(f->sent_count, 6);
        for (size_t i = 0; i < 6; i++) {
            assert_ptr_equal(f->sent[i].slot, viewers[(i / 2 + turn) % 3]);
            assert_int_equal(f->sent[i].source_seq, 65536 + 11 + 2 * turn + (int)(i % 2));
        }
    }
    fake_relay_forget(f);
    fake_relay_free(f);
}

/** Who comes in the midst of a turn has the tape, and gets nothing twice. */
static void a_joiner_within_a_turn(void **state)
{
    (void)state;
    struct fake_relay *f = fake_relay_new();
    struct list pending;
    list_init(&pending);
    f->room->config.pending = &pending;
    struct track *t = fake_track(f, "ann", 0, CODEC_VP8);
    struct slot *early = fake_slot(f, 1, "bob", MEDIA_VIDEO, SLOT_PICK_MAIN, NULL);
    fake_picture(f, t, 10, 0, FAKE_KEY);
    fake_picture(f, t, 11, 3000, FAKE_START);
    struct slot *late = fake_slot(f, 2, "eve", MEDIA_VIDEO, SLOT_PICK_MAIN, NULL);
    fake_picture(f, t, 12, 6000, FAKE_START);
    relay_flush(&pending, f->now_us);
    assert_int_equal(fake_sent_to(f, early), 3);
    assert_int_equal(fake_sent_to(f, late), 3);
    fake_relay_forget(f);
    fake_relay_free(f);
}

/** fake_relay_free checks that nobody is called. */
static void ends_in_silence(void **state)
{
    (void)state;
    struct fake_relay *f = fake_relay_new();
    for (uint64_t i = 0; i < 10; i++) {
        const char *name = i % 2 ? "ann" : "bob";
        struct track *t = fake_track(f, name, (uint8_t)i, CODEC_VP8);
        fake_slot(f, i, name, MEDIA_VIDEO, SLOT_PICK_OTHERS, NULL);
        fake_slot(f, i, name, MEDIA_AUDIO, SLOT_PICK_MAIN, NULL);
        fake_picture(f, t, 10, 0, FAKE_KEY);
        fake_picture(f, t, 15, 0, FAKE_START);
    }
    track_free(NULL, 0);
    slot_free(NULL);
    fake_relay_free(f);
}

static void unknown_codecs_get_no_track(void **state)
{
    (void)state;
    struct fake_relay *f = fake_relay_new();
    struct track *t = NULL;
    const struct track_config config = {.id = 1, .identity = "ann", .codec = CODEC_NONE};
    assert_int_equal(track_new(&t, f->room, &config, 1), ER_UNSUPPORTED);
    assert_null(t);
    fake_relay_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_room_is_idle),
        cmocka_unit_test(wakes_for_the_earliest),
        cmocka_unit_test(a_turn_leaves_viewer_by_viewer),
        cmocka_unit_test(a_joiner_within_a_turn),
        cmocka_unit_test(ends_in_silence),
        cmocka_unit_test(unknown_codecs_get_no_track),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
