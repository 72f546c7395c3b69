// SPDX-License-Identifier: Apache-2.0
/* Clips that begin in the past: what is read, in which order, and what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "media/core/tap_impl.h"
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

static struct id start(struct fake_hub *f, uint32_t preroll_ms, bool lookback)
{
    struct media_clip_config config = {.clip = id_make(FAKE_HUB_UNIX_US, &f->entropy),
                                       .preroll_ms = preroll_ms,
                                       .lookback = lookback};
    (void)str_copy(config.publisher, sizeof config.publisher, "ann");
    (void)str_copy(config.path, sizeof config.path, "/clips/one");
    hub_clip_start(f->hub, f->now_us, &f->room, &config);
    return config.clip;
}

static void consent(struct fake_hub *f, bool recording)
{
    hub_consent(f->hub, f->now_us, &f->room, "ann", recording);
}

/** Each stretch of `seconds` begins with a key frame. */
static void looks_back_and_ends(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "as vs");
    fake_client_stream(ann, 0.1);
    consent(f, true);
    fake_client_stream(ann, 2);
    fake_client_stream(ann, 2);
    start(f, 1500, true);
    fake_hub_run(f, 20000);
    assert_int_equal(fake_hub_steps(f, RECORD_OPEN), 1);
    assert_int_equal(fake_hub_steps(f, RECORD_CLOSE), 1);
    const struct record_batch *open = f->batches[0];
    assert_true(open->hurry);
    uint64_t ago_us = f->now_us + FAKE_HUB_UNIX_US - open->unix_us;
    assert_in_range(ago_us, 1980000, 2100000);
    assert_int_equal(fake_hub_items(f, RECORD_VIDEO, 0), 50);
    assert_in_range(fake_hub_items(f, RECORD_AUDIO, 0), 98, 101);
    assert_int_equal(fake_hub_items(f, RECORD_VIDEO_GAP, 0), 0);
    assert_int_equal(fake_hub_counters(f)->lookbacks, 1);
    assert_int_equal(fake_hub_counters(f)->clips_recording, 0);
}

/** In order of time: the mix cannot wait for a voice that comes as a whole behind another. */
static void replays_in_order_of_time(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "as vs");
    fake_client_stream(ann, 0.1);
    consent(f, true);
    fake_client_stream(ann, 4);
    start(f, 3000, false);
    fake_hub_run(f, 40000);
    uint64_t newest_us = 0;
    size_t seen = 0;
    for (size_t b = 0; b < f->batch_count; b++) {
        assert_true(b == 0 || f->batches[b]->unix_us >= f->batches[b - 1]->unix_us);
        for (size_t i = 0; i < f->batches[b]->count; i++) {
            const struct record_item *item = &f->batches[b]->items[i];
            if (!item->packet)
                continue;
            seen++;
            assert_true(item->capture_unix_us + 250000 > newest_us);
            assert_true(item->capture_unix_us <= f->batches[b]->unix_us + 20000);
            if (item->capture_unix_us > newest_us)
                newest_us = item->capture_unix_us;
        }
    }
    assert_in_range(seen, 290, 305);
    assert_int_equal(fake_hub_steps(f, RECORD_CLOSE), 0);
}

static void sees_nothing_of_before_the_consent(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "as vs");
    fake_client_stream(ann, 1.5);
    consent(f, true);
    uint64_t consent_us = f->now_us;
    fake_client_stream(ann, 0.5);
    start(f, 60000, true);
    fake_hub_run(f, 20000);
    for (size_t b = 0; b < f->batch_count; b++)
        for (size_t i = 0; i < f->batches[b]->count; i++)
            if (f->batches[b]->items[i].packet)
                assert_true(f->batches[b]->items[i].packet->arrival_us >= consent_us);
    assert_true(fake_hub_items(f, RECORD_VIDEO, 0) > 5);
    consent(f, false);
    consent(f, true);
    fake_hub_forget(f);
    start(f, 60000, true);
    fake_hub_run(f, 20000);
    assert_int_equal(fake_hub_items(f, RECORD_VIDEO, 0) + fake_hub_items(f, RECORD_AUDIO, 0), 0);
    assert_int_equal(fake_hub_steps(f, RECORD_CLOSE), 1);
}

/** One who has been silent for long has missed nothing. */
static void silence_is_no_loss(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "vs");
    struct fake_client *bob = fake_client_join(f, 2, "bob", "as");
    consent(f, true);
    hub_consent(f->hub, f->now_us, &f->room, "bob", true);
    fake_client_stream(bob, 0.1);
    for (unsigned i = 0; i < 6; i++) {
        fake_client_stream(ann, 2);
        fake_client_check_from(bob, &bob->at); /* he is there still */
    }
    start(f, 1000, false);
    fake_hub_run(f, 100000);
    assert_int_equal(fake_hub_items(f, RECORD_AUDIO, 0), 0);
    fake_client_stream(bob, 0.1);
    fake_hub_run(f, 300000);
    assert_int_equal(fake_hub_items(f, RECORD_AUDIO, 0), 5);
    assert_int_equal(fake_hub_counters(f)->record_missing, 0);
}

/** What is missing of the last moments is waited for a little, and of a clip that stops as well. */
static void waits_for_its_end(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "vs");
    consent(f, true);
    fake_client_media(ann, 0, 10, 0, FAKE_MEDIA_KEY);
    struct id clip = start(f, 0, false);
    fake_client_media(ann, 0, 11, 3600, 0);
    fake_client_media(ann, 0, 13, 10800, 0);
    fake_hub_run(f, 20000);
    hub_clip_stop(f->hub, f->now_us, &f->room, &clip);
    uint64_t stopped_us = f->now_us;
    fake_client_media(ann, 0, 14, 14400, 0); /* too late for the clip */
    fake_hub_run(f, 500000);
    assert_int_equal(fake_hub_steps(f, RECORD_CLOSE), 0);
    fake_client_media(ann, 0, 12, 7200, FAKE_MEDIA_RTX);
    fake_hub_run(f, 40000);
    assert_int_equal(fake_hub_steps(f, RECORD_CLOSE), 1);
    assert_int_equal(fake_hub_items(f, RECORD_VIDEO, 0), 3);
    assert_int_equal(fake_hub_counters(f)->record_healed, 1);
    const struct record_batch *close = f->batches[f->batch_count - 1];
    assert_true(close->unix_us == stopped_us + FAKE_HUB_UNIX_US);
}

/** A recorder with much to do gets all of it, later. */
static void waits_for_the_recorder(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "as vs");
    fake_client_stream(ann, 0.1);
    consent(f, true);
    fake_client_stream(ann, 4);
    start(f, 3500, true);
    f->recorder_full = true;
    fake_hub_run(f, 1000000);
    assert_int_equal(fake_hub_steps(f, RECORD_CLOSE), 0);
    f->recorder_full = false;
    fake_hub_run(f, 100000);
    assert_int_equal(fake_hub_steps(f, RECORD_CLOSE), 1);
    assert_int_equal(fake_hub_items(f, RECORD_VIDEO, 0), 100);
    assert_in_range(fake_hub_items(f, RECORD_AUDIO, 0), 198, 201);
    assert_int_equal(fake_hub_counters(f)->record_dropped, 0);
    start(f, 3500, true); /* one that takes no more at all ends it */
    f->recorder_full = true;
    fake_hub_run(f, 11000000);
    f->recorder_full = false;
    fake_hub_run(f, 100000);
    assert_int_equal(fake_hub_steps(f, RECORD_CLOSE), 2);
    assert_true(fake_hub_counters(f)->record_dropped > 0);
}

/** The marks handed over, one behind the other, with the ms since media time 0. */
static const char *marks(struct fake_hub *f)
{
    static char text[400];
    size_t at = 0;
    uint64_t begin_us = 0;
    text[0] = '\0';
    for (size_t b = 0; b < f->batch_count; b++) {
        if (f->batches[b]->step == RECORD_OPEN)
            begin_us = f->batches[b]->unix_us;
        for (size_t i = 0; i < f->batches[b]->count; i++) {
            const struct record_item *item = &f->batches[b]->items[i];
            if (item->kind == RECORD_MARK && item->mark != FRAMELOG_CONSENT)
                at += (size_t)snprintf(text + at, sizeof text - at, "%u %s%s;",
                                       (unsigned)((item->capture_unix_us - begin_us) / 1000),
                                       framelog_mark_name(item->mark),
                                       item->text ? item->text : "");
        }
    }
    return text;
}

static void mark(struct fake_hub *f, enum framelog_mark what, const char *text)
{
    hub_mark(f->hub, f->now_us, &f->room, "ann", what, text);
}

/** What happened to the picture is told of each clip in its place. */
static void marks_what_happened(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "as vs");
    mark(f, FRAMELOG_MUTED, NULL); /* before the consent: nobody's business */
    fake_client_stream(ann, 0.1);
    consent(f, true);
    fake_client_stream(ann, 0.5);
    mark(f, FRAMELOG_MUTED, NULL);
    fake_client_stream(ann, 2);
    mark(f, FRAMELOG_CAMERA, "user");
    fake_client_stream(ann, 1);
    struct id clip = start(f, 0, false);
    fake_client_stream(ann, 0.2);
    mark(f, FRAMELOG_UNMUTED, NULL);
    fake_client_stream(ann, 0.2);
    hub_clip_stop(f->hub, f->now_us, &f->room, &clip);
    assert_string_equal(marks(f), "0 muted;200 unmuted;");
    fake_hub_forget(f);
    start(f, 2000, true);
    fake_hub_run(f, 20000);
    const char *told = marks(f);
    assert_int_equal(strncmp(told, "0 muted;", 8), 0);
    assert_non_null(strstr(told, " camerauser;"));
    assert_non_null(strstr(told, " unmuted;"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_hub, close_hub)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(looks_back_and_ends),
        TEST(replays_in_order_of_time),
        TEST(sees_nothing_of_before_the_consent),
        TEST(silence_is_no_loss),
        TEST(waits_for_its_end),
        TEST(waits_for_the_recorder),
        TEST(marks_what_happened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
