// SPDX-License-Identifier: Apache-2.0
/* Which slot shows which track: OTHERS, MAIN, PERSON, as people come and go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support/fake_relay.h"

static int open_relay(void **state)
{
    *state = fake_relay_new();
    return 0;
}

static int close_relay(void **state)
{
    fake_relay_free(*state);
    return 0;
}

static struct slot *others(struct fake_relay *f, uint64_t viewer, const char *identity)
{
    return fake_slot(f, viewer, identity, MEDIA_VIDEO, SLOT_PICK_OTHERS, NULL);
}

static void others_by_rank_then_age(void **state)
{
    struct fake_relay *f = *state;
    struct track *old = fake_track(f, "ann", 0, CODEC_VP8);
    struct track *young = fake_track(f, "bob", 0, CODEC_VP8);
    struct track *host = fake_track(f, "eve", 2, CODEC_VP8);
    fake_track(f, "zoe", 9, CODEC_OPUS); /* of another kind */
    struct slot *first = others(f, 1, "me");
    struct slot *second = others(f, 1, "me");
    struct slot *third = others(f, 1, "me");
    struct slot *fourth = others(f, 1, "me");
    assert_ptr_equal(first->track, host);
    assert_ptr_equal(second->track, old);
    assert_ptr_equal(third->track, young);
    assert_null(fourth->track);
    assert_ptr_equal(others(f, 2, "you")->track, host); /* another viewer */
    assert_int_equal(f->changed_count, 4);
}

static void own_tracks_are_not_others(void **state)
{
    struct fake_relay *f = *state;
    struct slot *mine = others(f, 1, "ann");
    struct track *own = fake_track(f, "ann", 2, CODEC_VP8);
    assert_null(mine->track);
    struct track *other = fake_track(f, "bob", 0, CODEC_VP8);
    assert_ptr_equal(mine->track, other);
    /* Shown to oneself by a wish, and no longer when the wish is withdrawn. */
    assert_int_equal(slot_wish(mine, SLOT_PICK_PERSON, "ann", 0, f->now_us), 0);
    assert_ptr_equal(mine->track, own);
    assert_int_equal(slot_wish(mine, SLOT_PICK_OTHERS, NULL, 0, f->now_us), 0);
    assert_ptr_equal(mine->track, other);
}

static void slots_keep_what_they_show(void **state)
{
    struct fake_relay *f = *state;
    struct track *a = fake_track(f, "ann", 0, CODEC_VP8);
    struct slot *s = others(f, 1, "me");
    struct track *better = fake_track(f, "bob", 2, CODEC_VP8);
    assert_ptr_equal(s->track, a);
    track_free(a, f->now_us);
    assert_ptr_equal(s->track, better);
    fake_relay_forget(f);
    track_free(better, f->now_us);
    assert_null(s->track);
    assert_int_equal(f->changed_count, 1);
}

static void no_picture_twice_for_one_viewer(void **state)
{
    struct fake_relay *f = *state;
    struct track *a = fake_track(f, "ann", 1, CODEC_VP8);
    struct slot *s = others(f, 1, "me");
    struct slot *wish = fake_slot(f, 1, "me", MEDIA_VIDEO, SLOT_PICK_PERSON, "ann");
    assert_ptr_equal(s->track, a);
    assert_ptr_equal(wish->track, a); /* told so */
    room_assign(f->room, f->now_us);
    assert_ptr_equal(s->track, a);
    struct track *b = fake_track(f, "bob", 0, CODEC_VP8);
    assert_int_equal(slot_wish(wish, SLOT_PICK_OTHERS, NULL, 0, f->now_us), 0);
    assert_ptr_equal(s->track, a);
    assert_ptr_equal(wish->track, b);
}

static void viewers_who_came_in_turns_are_told_apart(void **state)
{
    struct fake_relay *f = *state;
    struct track *a = fake_track(f, "ann", 1, CODEC_VP8);
    struct track *b = fake_track(f, "bob", 0, CODEC_VP8);
    struct slot *slots[6];
    for (uint64_t i = 0; i < 6; i++)
        slots[i] = others(f, i % 3, "me");
    for (size_t i = 0; i < 6; i++)
        assert_ptr_equal(slots[i]->track, i < 3 ? a : b);
    slot_free(slots[0]);
    struct slot *again = others(f, 0, "me");
    assert_ptr_equal(again->track, a); /* what the one before left */
    slot_free(slots[3]);
    slot_free(again);
    assert_ptr_equal(others(f, 0, "me")->track, a); /* the last of a viewer went, too */
    room_assign(f->room, f->now_us);
    assert_ptr_equal(slots[1]->track, a);
    assert_ptr_equal(slots[4]->track, b);
}

static void main_is_the_highest_rank_then_the_oldest(void **state)
{
    struct fake_relay *f = *state;
    struct slot *picture = fake_slot(f, 1, "me", MEDIA_VIDEO, SLOT_PICK_MAIN, NULL);
    struct slot *sound = fake_slot(f, 1, "me", MEDIA_AUDIO, SLOT_PICK_MAIN, NULL);
    assert_null(picture->track);
    struct track *a = fake_track(f, "ann", 1, CODEC_VP8);
    assert_ptr_equal(picture->track, a);
    fake_track(f, "bob", 1, CODEC_VP8);
    assert_ptr_equal(picture->track, a);
    struct track *voice = fake_track(f, "ann", 1, CODEC_OPUS);
    assert_ptr_equal(sound->track, voice);
    struct track *host = fake_track(f, "eve", 2, CODEC_VP8);
    assert_ptr_equal(picture->track, host); /* a higher rank takes over */
    assert_null(sound->track);              /* and has no voice */
    track_free(host, f->now_us);
    assert_ptr_equal(picture->track, a);
    assert_ptr_equal(sound->track, voice);
}

/** The main publisher counts by person, also when nobody shows the track that made it so. */
static void main_changes_with_a_track_that_nobody_shows(void **state)
{
    struct fake_relay *f = *state;
    struct track *buyer = fake_track(f, "ann", 1, CODEC_VP8);
    struct track *host = fake_track(f, "eve", 2, CODEC_OPUS);
    struct slot *picture = fake_slot(f, 1, "me", MEDIA_VIDEO, SLOT_PICK_MAIN, NULL);
    assert_null(picture->track);
    track_free(host, f->now_us);
    assert_ptr_equal(picture->track, buyer);
}

static void one_person_or_one_track_of_hers(void **state)
{
    struct fake_relay *f = *state;
    struct slot *s = fake_slot(f, 1, "me", MEDIA_VIDEO, SLOT_PICK_PERSON, "ann");
    fake_track(f, "bob", 2, CODEC_VP8);
    assert_null(s->track);
    struct track *camera = fake_track(f, "ann", 0, CODEC_VP8);
    struct track *screen = fake_track(f, "ann", 0, CODEC_VP8);
    assert_ptr_equal(s->track, camera);
    assert_int_equal(slot_wish(s, SLOT_PICK_PERSON, "ann", screen->id, f->now_us), 0);
    assert_ptr_equal(s->track, screen);
    track_free(screen, f->now_us);
    assert_null(s->track); /* that one and no other */
    assert_int_equal(slot_wish(s, SLOT_PICK_PERSON, "nobody", 0, f->now_us), 0);
    assert_null(s->track);
}

static void only_codecs_that_the_viewer_takes(void **state)
{
    struct fake_relay *f = *state;
    struct slot *s = NULL;
    const struct slot_config config = {
        .kind = MEDIA_VIDEO, .codecs = 1u << CODEC_OPUS, .viewer = 1, .identity = "me"};
    fake_track(f, "ann", 0, CODEC_VP8);
    assert_int_equal(slot_new(&s, f->room, &config, f->now_us), 0);
    assert_null(s->track);
}

static void what_lacks_a_codec_is_told(void **state)
{
    struct fake_relay *f = *state;
    struct slot *s = NULL;
    const struct slot_config config = {
        .kind = MEDIA_VIDEO, .codecs = 1u << CODEC_VP8, .viewer = 1, .identity = "me"};
    fake_track(f, "me", 0, CODEC_AV1); /* its own is none that it would be shown */
    assert_int_equal(slot_new(&s, f->room, &config, f->now_us), 0);
    assert_false(s->lacks_codec);
    assert_int_equal(f->changed_count, 0);
    struct track *av1 = fake_track(f, "ann", 0, CODEC_AV1);
    assert_true(!s->track && s->lacks_codec);
    assert_int_equal(f->changed_count, 1);
    fake_track(f, "bob", 0, CODEC_AV1);
    assert_int_equal(f->changed_count, 1); /* nothing new */
    struct track *vp8 = fake_track(f, "eve", 0, CODEC_VP8);
    assert_true(s->track == vp8 && !s->lacks_codec);
    slot_set_codecs(s, 1u << CODEC_AV1, f->now_us);
    assert_true(s->track == av1);
    slot_set_codecs(s, 1u << CODEC_VP9, f->now_us);
    assert_true(!s->track && s->lacks_codec);
    assert_int_equal(slot_wish(s, SLOT_PICK_PERSON, "nobody", 0, f->now_us), 0);
    assert_false(s->lacks_codec);
    assert_int_equal(slot_wish(s, SLOT_PICK_MAIN, NULL, 0, f->now_us), 0);
    assert_true(s->lacks_codec);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_relay, close_relay)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(others_by_rank_then_age),
        TEST(own_tracks_are_not_others),
        TEST(slots_keep_what_they_show),
        TEST(no_picture_twice_for_one_viewer),
        TEST(viewers_who_came_in_turns_are_told_apart),
        TEST(main_is_the_highest_rank_then_the_oldest),
        TEST(main_changes_with_a_track_that_nobody_shows),
        TEST(one_person_or_one_track_of_hers),
        TEST(only_codecs_that_the_viewer_takes),
        TEST(what_lacks_a_codec_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
