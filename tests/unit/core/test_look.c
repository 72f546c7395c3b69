// SPDX-License-Identifier: Apache-2.0
/* Stills from the tape: of whom, of when, and what happens when the group of pictures is too long, has
 * a hole, or stands still. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "media/core/hub_private.h"
#include "tests/unit/support/fake_client.h"

static int open_hub(void **state)
{
    *state = fake_hub_new();
    return 0;
}

static int close_hub(void **state)
{
    fake_hub_free(*state);
    return 0;
}

static struct id ask(struct fake_hub *f, const char *publisher)
{
    struct media_still_config config = {.still = id_make(FAKE_HUB_UNIX_US, &f->entropy)};
    (void)str_copy(config.publisher, sizeof config.publisher, publisher);
    (void)str_copy(config.path, sizeof config.path, "/stills/one");
    hub_still(f->hub, f->now_us, &f->room, &config);
    return config.still;
}

static struct fake_client *publisher(struct fake_hub *f, bool consents)
{
    struct fake_client *ann = fake_client_join(f, 1, "ann", "vs");
    if (consents)
        hub_consent(f->hub, f->now_us, &f->room, "ann", true);
    return ann;
}

static int last_er(struct fake_hub *f)
{
    const struct media_event *e = fake_hub_last(f, MEDIA_STILL);
    assert_non_null(e);
    return e->er;
}

static void needs_consent_and_a_picture(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = publisher(f, false);
    fake_client_stream(ann, 0.2);
    struct id still = ask(f, "ann");
    assert_int_equal(last_er(f), ER_DENIED);
    assert_true(id_equal(&fake_hub_last(f, MEDIA_STILL)->clip, &still));
    hub_consent(f->hub, f->now_us, &f->room, "bob", true);
    ask(f, "bob");
    assert_int_equal(last_er(f), ER_NOT_FOUND);
    assert_int_equal(f->still_count, 0);
}

static void gives_the_last_whole_picture(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = publisher(f, true);
    fake_client_stream(ann, 1);
    struct id still = ask(f, "ann");
    assert_int_equal(f->still_count, 1);
    assert_int_equal(fake_hub_count(f, MEDIA_STILL), 0); /* that is the other thread's to tell */
    const struct still_batch *b = f->stills[0];
    assert_true(id_equal(&b->still, &still) && id_equal(&b->room, &f->room));
    assert_string_equal(b->path, "/stills/one");
    assert_int_equal(b->count, 25);
    assert_true(b->packets[0]->flags & TAPE_KEY_FRAME);
    for (size_t i = 1; i < b->count; i++)
        assert_true(b->packets[i]->seq == b->packets[0]->seq + (int64_t)i);
    uint64_t now_us = f->now_us + FAKE_HUB_UNIX_US;
    assert_in_range(b->capture_unix_us, now_us - 100000, now_us);
    hub_room_close(f->hub, f->now_us, &f->room); /* what is held lives on */
    assert_int_equal(b->packets[24]->payload_len, 11);
}

/** A picture from before consent is not to be kept; the next one is. */
static void waits_for_a_picture_after_consent(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = publisher(f, false);
    fake_client_stream(ann, 0.5);
    f->now_us += 1000;
    hub_consent(f->hub, f->now_us, &f->room, "ann", true);
    ask(f, "ann");
    assert_int_equal(f->still_count, 0);
    fake_client_stream(ann, 0.1);
    fake_hub_run(f, 20000);
    assert_int_equal(f->still_count, 1);
}

static void withdrawal_ends_the_wait(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = publisher(f, false);
    fake_client_stream(ann, 0.5);
    f->now_us += 1000;
    hub_consent(f->hub, f->now_us, &f->room, "ann", true);
    ask(f, "ann");
    hub_consent(f->hub, f->now_us, &f->room, "ann", false);
    assert_int_equal(last_er(f), ER_DENIED);
    fake_client_stream(ann, 0.2);
    assert_int_equal(f->still_count, 0);
    assert_int_equal(fake_hub_count(f, MEDIA_STILL), 1);
}

/** 640 x 360 times 15 s of pictures is too much to decode: a key frame is asked for, and is enough. */
static void a_long_group_is_cut_short(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = publisher(f, true);
    fake_client_stream(ann, 15);
    unsigned plis = ann->plis;
    ask(f, "ann");
    fake_hub_run(f, 30000);
    assert_int_equal(f->still_count, 0);
    assert_int_equal(ann->plis, plis + 1);
    fake_client_stream(ann, 0.04); /* begins with a key frame */
    fake_hub_run(f, 20000);
    assert_int_equal(f->still_count, 1);
    assert_int_equal(f->stills[0]->count, 1);
    assert_true(f->stills[0]->packets[0]->flags & TAPE_KEY_FRAME);
}

static void without_a_key_frame_the_long_group_must_do(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = publisher(f, true);
    fake_client_stream(ann, 15);
    ask(f, "ann");
    fake_hub_run(f, LIMIT_STILL_WAIT_US - 20000);
    assert_int_equal(f->still_count, 0);
    fake_hub_run(f, 40000);
    assert_int_equal(f->still_count, 1);
    assert_int_equal(f->stills[0]->count, 375);
}

static void what_stands_behind_a_hole_is_not_the_present(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = publisher(f, true);
    fake_client_stream(ann, 0.4);
    ann->next_seq[0]++; /* one is lost for good */
    uint16_t seq = ann->next_seq[0];
    for (unsigned i = 0; i < 10; i++) {
        fake_client_media(ann, 0, (uint16_t)(seq + i), ann->next_timestamp[0] + i * 3600, 0);
        fake_hub_run(f, 40000);
    }
    ask(f, "ann");
    assert_int_equal(f->still_count, 0);
    fake_client_media(ann, 0, (uint16_t)(seq + 10), ann->next_timestamp[0] + 36000, FAKE_MEDIA_KEY);
    fake_hub_run(f, 20000);
    assert_int_equal(f->still_count, 1);
    assert_int_equal(f->stills[0]->count, 1);
}

static void a_picture_of_long_ago_is_none(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = publisher(f, true);
    fake_client_stream(ann, 0.4);
    f->now_us += LIMIT_STILL_AGE_US + 1;
    ask(f, "ann");
    fake_hub_run(f, LIMIT_STILL_WAIT_US + 20000);
    assert_int_equal(f->still_count, 0);
    assert_int_equal(last_er(f), ER_STALE);
}

static void is_bounded_and_always_answered(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = publisher(f, false);
    fake_client_stream(ann, 0.2);
    f->now_us += 1000;
    hub_consent(f->hub, f->now_us, &f->room, "ann", true);
    for (unsigned i = 0; i < LIMIT_STILLS_PER_ROOM; i++)
        ask(f, "ann");
    assert_int_equal(fake_hub_count(f, MEDIA_STILL), 0);
    ask(f, "ann");
    assert_int_equal(last_er(f), ER_FULL);
    hub_room_close(f->hub, f->now_us, &f->room);
    assert_int_equal(fake_hub_count(f, MEDIA_STILL), LIMIT_STILLS_PER_ROOM + 1);
    assert_int_equal(last_er(f), ER_CLOSED);
    ask(f, "ann");
    assert_int_equal(last_er(f), ER_NOT_FOUND);
}

static void a_full_queue_is_told(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = publisher(f, true);
    fake_client_stream(ann, 0.2);
    f->recorder_full = true;
    ask(f, "ann");
    assert_int_equal(last_er(f), ER_FULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_hub, close_hub)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(needs_consent_and_a_picture),
        TEST(gives_the_last_whole_picture),
        TEST(waits_for_a_picture_after_consent),
        TEST(withdrawal_ends_the_wait),
        TEST(a_long_group_is_cut_short),
        TEST(without_a_key_frame_the_long_group_must_do),
        TEST(what_stands_behind_a_hole_is_not_the_present),
        TEST(a_picture_of_long_ago_is_none),
        TEST(is_bounded_and_always_answered),
        TEST(a_full_queue_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
