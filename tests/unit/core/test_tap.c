// SPDX-License-Identifier: Apache-2.0
/* The recorder's readers: only who has consented is read, slabs are held and released, a slow
 * recorder is counted, and a clip is always closed. */
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

static struct id start(struct fake_hub *f, const char *publisher)
{
    struct media_clip_config config = {.clip = id_make(FAKE_HUB_UNIX_US, &f->entropy)};
    (void)str_copy(config.publisher, sizeof config.publisher, publisher);
    (void)str_copy(config.path, sizeof config.path, "/clips/one");
    hub_clip_start(f->hub, f->now_us, &f->room, &config);
    return config.clip;
}

static void consent(struct fake_hub *f, const char *identity, bool recording)
{
    hub_consent(f->hub, f->now_us, &f->room, identity, recording);
}

/** The id of somebody's track of this kind. */
static uint64_t track_of(struct fake_hub *f, const char *identity, enum media_kind kind)
{
    struct hub_room *r = hub_find_room(f->hub, &f->room);
    list_each (t, &r->relay->tracks, struct track, in_room) {
        if (t->kind == kind && strcmp(t->identity, identity) == 0)
            return t->id;
    }
    return 0;
}

static void needs_consent_and_a_picture(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "as vs");
    start(f, "ann");
    assert_int_equal(fake_hub_last(f, MEDIA_CLIP_FAILED)->er, ER_DENIED);
    consent(f, "ann", true);
    start(f, "ann");
    assert_int_equal(fake_hub_last(f, MEDIA_CLIP_FAILED)->er, ER_NOT_FOUND);
    fake_client_stream(ann, 0.1);
    for (size_t i = 0; i < LIMIT_CLIPS_PER_ROOM; i++)
        start(f, "ann");
    assert_int_equal(fake_hub_count(f, MEDIA_CLIP_FAILED), 2);
    assert_int_equal(fake_hub_steps(f, RECORD_OPEN), LIMIT_CLIPS_PER_ROOM);
    struct id last = start(f, "ann");
    assert_int_equal(fake_hub_last(f, MEDIA_CLIP_FAILED)->er, ER_FULL);
    assert_true(id_equal(&fake_hub_last(f, MEDIA_CLIP_FAILED)->clip, &last));
    struct media_clip_config config = {.clip = last, .publisher = "ann"};
    hub_clip_start(f->hub, f->now_us, &last, &config);
    assert_int_equal(fake_hub_last(f, MEDIA_CLIP_FAILED)->er, ER_NOT_FOUND); /* no such room */
    assert_int_equal(fake_hub_counters(f)->clips_recording, LIMIT_CLIPS_PER_ROOM);
}

static void hands_over_what_is_published(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "as vs");
    consent(f, "ann", true);
    fake_client_stream(ann, 0.2);
    struct id clip = start(f, "ann");
    const struct record_batch *open = f->batches[0];
    assert_int_equal(open->step, RECORD_OPEN);
    assert_string_equal(open->path, "/clips/one");
    assert_true(id_equal(&open->clip, &clip) && id_equal(&open->room, &f->room));
    assert_true(open->unix_us == f->now_us + FAKE_HUB_UNIX_US);
    assert_string_equal(open->publisher, "ann");
    fake_client_stream(ann, 1);
    fake_hub_run(f, 300000);
    const struct record_item *first = f->batches[1]->items;
    assert_true(first[0].kind == RECORD_MARK && first[0].mark == FRAMELOG_CONSENT);
    assert_string_equal(first[0].text, "ann");
    assert_int_equal(fake_hub_items(f, RECORD_AUDIO_BEGIN, track_of(f, "ann", MEDIA_AUDIO)), 1);
    assert_int_equal(fake_hub_items(f, RECORD_VIDEO, track_of(f, "ann", MEDIA_VIDEO)), 25);
    assert_int_equal(fake_hub_items(f, RECORD_AUDIO, track_of(f, "ann", MEDIA_AUDIO)), 50);
    assert_int_equal(fake_hub_items(f, RECORD_VIDEO_GAP, 0), 0);
    const struct tape_packet *last = NULL;
    for (size_t b = 0; b < f->batch_count; b++) {
        assert_true(b == 0 || f->batches[b]->unix_us >= f->batches[b - 1]->unix_us);
        for (size_t i = 0; i < f->batches[b]->count; i++) {
            const struct record_item *item = &f->batches[b]->items[i];
            if (item->kind == RECORD_AUDIO_BEGIN || item->kind == RECORD_MARK)
                continue;
            assert_non_null(item->slab);
            assert_true(item->capture_unix_us > FAKE_HUB_UNIX_US);
            if (item->kind != RECORD_VIDEO)
                continue;
            assert_true(!last || item->packet->seq == last->seq + 1);
            last = item->packet;
        }
    }
    hub_clip_stop(f->hub, f->now_us, &f->room, &clip);
    const struct record_batch *close = f->batches[f->batch_count - 1];
    assert_int_equal(close->step, RECORD_CLOSE);
    assert_int_equal(close->count, 0);
    assert_int_equal(fake_hub_counters(f)->clips_recording, 0);
    size_t batches = f->batch_count;
    hub_clip_stop(f->hub, f->now_us, &f->room, &clip); /* once is enough */
    fake_client_stream(ann, 0.2);
    assert_int_equal(f->batch_count, batches);
}

static void held_slabs_outlive_everything(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "vs");
    consent(f, "ann", true);
    fake_client_stream(ann, 0.1);
    start(f, "ann");
    fake_client_stream(ann, 0.5);
    hub_room_close(f->hub, f->now_us, &f->room);
    size_t seen = 0;
    for (size_t b = 0; b < f->batch_count; b++)
        for (size_t i = 0; i < f->batches[b]->count; i++) {
            if (f->batches[b]->items[i].kind != RECORD_VIDEO)
                continue;
            assert_int_equal(f->batches[b]->items[i].packet->payload_len, 11);
            seen++;
        }
    assert_int_equal(seen, 13);
}

/** The heart of consent: nothing of those who have not given it reaches the recorder. */
static void others_are_silent_without_consent(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "as vs");
    struct fake_client *bob = fake_client_join(f, 2, "bob", "as vs");
    consent(f, "ann", true);
    fake_client_stream(ann, 0.1);
    fake_client_stream(bob, 0.1);
    start(f, "ann");
    fake_client_stream(bob, 0.5);
    fake_client_stream(ann, 0.5);
    uint64_t voice = track_of(f, "bob", MEDIA_AUDIO), picture = track_of(f, "bob", MEDIA_VIDEO);
    assert_int_equal(fake_hub_items(f, RECORD_AUDIO, voice), 0);
    assert_true(fake_hub_items(f, RECORD_AUDIO, track_of(f, "ann", MEDIA_AUDIO)) > 0);
    consent(f, "bob", true); /* from now on his voice; nothing of before, and never his picture */
    fake_client_stream(bob, 0.5);
    fake_hub_run(f, 300000);
    assert_int_equal(fake_hub_items(f, RECORD_AUDIO, voice), 25);
    assert_int_equal(fake_hub_items(f, RECORD_VIDEO, picture), 0);
    consent(f, "bob", false);
    assert_int_equal(fake_hub_counters(f)->clips_recording, 1);
    fake_client_stream(bob, 0.5);
    assert_int_equal(fake_hub_items(f, RECORD_AUDIO, voice), 25);
    assert_int_equal(fake_hub_items(f, RECORD_AUDIO_END, voice), 1);
    consent(f, "bob", true); /* and again: not what was said in between */
    fake_client_stream(bob, 0.1);
    fake_hub_run(f, 300000);
    assert_int_equal(fake_hub_items(f, RECORD_AUDIO, voice), 30);
}

static void withdrawal_closes_the_publishers_clip(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "as vs");
    struct fake_client *bob = fake_client_join(f, 2, "bob", "as vs");
    consent(f, "ann", true);
    consent(f, "bob", true);
    fake_client_stream(ann, 0.1);
    fake_client_stream(bob, 0.1);
    start(f, "ann");
    start(f, "bob");
    fake_client_stream(ann, 0.2);
    consent(f, "ann", false);
    assert_int_equal(fake_hub_steps(f, RECORD_CLOSE), 1);
    assert_int_equal(fake_hub_counters(f)->clips_recording, 1);
    fake_hub_forget(f);
    fake_client_stream(ann, 0.5);
    fake_hub_run(f, 500000);
    assert_int_equal(fake_hub_items(f, RECORD_AUDIO, 0) + fake_hub_items(f, RECORD_VIDEO, 0), 0);
    start(f, "ann");
    assert_int_equal(fake_hub_last(f, MEDIA_CLIP_FAILED)->er, ER_DENIED);
}

static void a_clip_ends_though_its_room_is_gone(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "as vs");
    consent(f, "ann", true);
    fake_client_stream(ann, 0.1);
    struct id clip = start(f, "ann");
    start(f, "ann");
    f->recorder_full = true;
    hub_room_close(f->hub, f->now_us, &f->room);
    uint64_t closed_us = f->now_us;
    fake_hub_run(f, 1000000);
    assert_int_equal(fake_hub_steps(f, RECORD_CLOSE), 0);
    assert_int_equal(fake_hub_counters(f)->clips_recording, 2);
    fake_hub_forget(f);
    f->recorder_full = false;
    fake_hub_run(f, 20000);
    assert_int_equal(fake_hub_steps(f, RECORD_CLOSE), 2);
    assert_int_equal(fake_hub_counters(f)->clips_recording, 0);
    assert_true(hub_deadline_us(f->hub) == UINT64_MAX);
    const struct record_batch *b = f->batches[0];
    assert_true(id_equal(&b->clip, &clip) || id_equal(&f->batches[1]->clip, &clip));
    assert_true(id_equal(&b->room, &f->room));
    assert_true(b->unix_us == closed_us + FAKE_HUB_UNIX_US);
}

static void nothing_is_read_while_the_end_waits(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "as vs");
    consent(f, "ann", true);
    fake_client_stream(ann, 0.1);
    start(f, "ann");
    fake_client_stream(ann, 0.2);
    f->recorder_full = true;
    consent(f, "ann", false);
    fake_hub_forget(f);
    consent(f, "ann", true);
    fake_client_stream(ann, 6); /* enough for a batch */
    f->recorder_full = false;
    hub_peer_remove(f->hub, f->now_us, &f->room, 1);
    fake_hub_run(f, 100000);
    assert_int_equal(fake_hub_items(f, RECORD_AUDIO, 0) + fake_hub_items(f, RECORD_VIDEO, 0), 0);
    assert_int_equal(fake_hub_steps(f, RECORD_CLOSE), 1);
}

static void consent_is_of_the_person_not_of_the_peer(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "as vs");
    consent(f, "ann", true);
    fake_client_stream(ann, 0.1);
    start(f, "ann");
    struct fake_client *phone = fake_client_join(f, 2, "ann", "as");
    fake_client_stream(phone, 0.5);
    fake_hub_run(f, 300000);
    assert_true(fake_hub_items(f, RECORD_AUDIO, 0) >= 20);
}

static void losses_are_waited_for_then_marked(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "vs");
    consent(f, "ann", true);
    fake_client_media(ann, 0, 10, 0, FAKE_MEDIA_KEY);
    start(f, "ann");
    fake_client_media(ann, 0, 11, 3600, 0);
    fake_client_media(ann, 0, 13, 10800, 0);
    fake_client_media(ann, 0, 15, 18000, 0);
    fake_hub_run(f, 100000);
    assert_int_equal(fake_hub_items(f, RECORD_VIDEO, 0), 1);
    fake_client_media(ann, 0, 12, 7200, FAKE_MEDIA_RTX); /* it heals */
    fake_hub_run(f, 100000);
    assert_int_equal(fake_hub_items(f, RECORD_VIDEO, 0), 3);
    unsigned plis = ann->plis;
    fake_hub_run(f, LIMIT_REORDER_US); /* viewers wait no more, */
    assert_int_equal(fake_hub_items(f, RECORD_VIDEO, 0), 3);
    fake_hub_run(f, LIMIT_HEAL_US); /* and 14 never comes */
    assert_int_equal(fake_hub_items(f, RECORD_VIDEO, 0), 4);
    assert_int_equal(fake_hub_items(f, RECORD_VIDEO_GAP, 0), 1);
    fake_hub_run(f, 1000000);
    assert_true(ann->plis > plis);
}

static void another_track_goes_on_in_the_same_clip(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "as vs");
    consent(f, "ann", true);
    fake_client_stream(ann, 0.1);
    start(f, "ann");
    fake_client_stream(ann, 0.2);
    hub_peer_remove(f->hub, f->now_us, &f->room, 1);
    assert_int_equal(fake_hub_counters(f)->clips_recording, 1);
    fake_hub_run(f, 1000000);
    assert_int_equal(fake_hub_items(f, RECORD_AUDIO_END, 0), 1);
    struct fake_client *again = fake_client_join(f, 2, "ann", "as vs");
    fake_hub_forget(f);
    fake_client_stream(again, 0.5);
    fake_hub_run(f, 300000);
    assert_int_equal(fake_hub_items(f, RECORD_VIDEO_GAP, 0), 1);
    bool marked = false;
    for (size_t b = 0; b < f->batch_count; b++) {
        for (size_t i = 0; i < f->batches[b]->count; i++) {
            const struct record_item *item = &f->batches[b]->items[i];
            if (item->kind == RECORD_VIDEO_GAP)
                marked = item->gap == 0; /* other numbers follow */
            if (item->kind == RECORD_VIDEO)
                assert_true(marked);
        }
    }
    assert_true(fake_hub_items(f, RECORD_VIDEO, 0) >= 10);
    assert_true(fake_hub_items(f, RECORD_AUDIO, 0) >= 20);
}

static void push_picture(struct fake_hub *f, struct encoding *e, uint16_t seq, uint32_t timestamp,
                         bool key)
{
    const uint8_t payload[20] = {0x10, key ? 0x10 : 0x01, 2, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68,
                                 0x01};
    const struct track_extras none = {0};
    const struct rtp_packet packet = {.marker = true,
                                      .seq = seq,
                                      .timestamp = timestamp,
                                      .payload = payload,
                                      .payload_len = sizeof payload};
    assert_int_equal(encoding_receive(e, f->now_us, &packet, &none, false), 0);
    fake_hub_run(f, 33333);
}

/** The best encoding that flows is recorded, each from a key frame on, and time goes on. */
static void the_best_encoding_is_recorded(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "vs");
    consent(f, "ann", true);
    fake_client_stream(ann, 0.1);
    start(f, "ann");
    struct hub_room *r = hub_find_room(f->hub, &f->room);
    struct track *t = container_of(r->relay->tracks.next, struct track, in_room);
    struct encoding *low = t->encodings[0], *high = track_encoding(t, 1, f->now_us);
    uint16_t low_seq = (uint16_t)(low->seq.highest + 1);
    uint32_t low_ts = (uint32_t)low->ts.last;
    for (uint16_t i = 0; i < 60; i++) {
        if (i < 30) /* the better one begins in the middle of a picture, and stops after a second */
            push_picture(f, high, (uint16_t)(500 + i), 900000 + i * 3000u, i == 3);
        push_picture(f, low, (uint16_t)(low_seq + i), low_ts + 3000u + i * 6000u, i == 55);
    }
    assert_int_equal(fake_hub_items(f, RECORD_VIDEO_SWITCH, 0), 2);
    assert_int_equal(fake_hub_items(f, RECORD_VIDEO_GAP, 0), 0);
    uint64_t last_us = 0;
    bool other = false;
    size_t high_items = 0;
    for (size_t b = 0; b < f->batch_count; b++) {
        for (size_t i = 0; i < f->batches[b]->count; i++) {
            const struct record_item *item = &f->batches[b]->items[i];
            other = other || item->kind == RECORD_VIDEO_SWITCH;
            if (item->kind != RECORD_VIDEO)
                continue;
            assert_true(!other || (item->packet->flags & TAPE_KEY_FRAME));
            assert_true(item->capture_unix_us > last_us);
            last_us = item->capture_unix_us;
            other = false;
            high_items += item->packet->seq >= 65536 + 500 && item->packet->seq < 65536 + 530;
        }
    }
    assert_int_equal(high_items, 27);
}

static void a_slow_recorder_is_counted(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "as vs");
    consent(f, "ann", true);
    fake_client_stream(ann, 0.1);
    f->recorder_full = true;
    start(f, "ann");
    assert_int_equal(fake_hub_last(f, MEDIA_CLIP_FAILED)->er, ER_FULL);
    assert_int_equal(fake_hub_counters(f)->clips_recording, 0);
    f->recorder_full = false;
    struct id clip = start(f, "ann");
    fake_client_stream(ann, 0.2);
    f->recorder_full = true;
    fake_client_stream(ann, 0.4);
    assert_in_range(fake_hub_counters(f)->record_dropped, 26, 33);
    size_t batches = f->batch_count;
    hub_clip_stop(f->hub, f->now_us, &f->room, &clip);
    fake_hub_run(f, 500000);
    assert_int_equal(f->batch_count, batches);
    assert_int_equal(fake_hub_counters(f)->clips_recording, 1); /* not closed yet */
    uint64_t stopped_us = f->now_us - 500000;
    f->recorder_full = false;
    fake_hub_run(f, 20000);
    assert_int_equal(f->batch_count, batches + 1);
    assert_int_equal(f->batches[batches]->step, RECORD_CLOSE);
    assert_true(f->batches[batches]->unix_us == stopped_us + FAKE_HUB_UNIX_US);
    assert_int_equal(fake_hub_counters(f)->clips_recording, 0);
}

static void a_clip_ends_by_itself(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "vs");
    consent(f, "ann", true);
    fake_client_stream(ann, 0.1);
    start(f, "ann");
    f->now_us += (uint64_t)LIMIT_CLIP_SECONDS * 1000000 - 1;
    hub_expire(f->hub, f->now_us);
    assert_int_equal(fake_hub_counters(f)->clips_recording, 1);
    fake_hub_run(f, 60000);
    assert_int_equal(fake_hub_counters(f)->clips_recording, 0);
    assert_int_equal(fake_hub_steps(f, RECORD_CLOSE), 1);
}

static void full_batches_are_handed_over_whole(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "vs");
    consent(f, "ann", true);
    fake_client_media(ann, 0, 0, 0, FAKE_MEDIA_KEY);
    start(f, "ann");
    for (uint16_t i = 1; i <= 300; i++)
        fake_client_media(ann, 0, i, i * 3600u, 0);
    fake_hub_run(f, 60000);
    assert_int_equal(f->batch_count, 4); /* open, 128, 128, 45 with the mark of consent */
    assert_int_equal(f->batches[1]->count, RECORD_BATCH_ITEMS);
    assert_int_equal(f->batches[3]->count, 301 - 2 * RECORD_BATCH_ITEMS);
    record_batch_free(NULL);
}

/* The standing mix of a room that can be looked back to */

static size_t find_step(struct fake_hub *f, enum record_step step)
{
    size_t i = 0;
    while (i < f->batch_count && f->batches[i]->step != step)
        i++;
    return i;
}

/** Two who speak, and may be looked back to; the mix has just been given what they said. */
static void listen_to(struct fake_hub *f, struct fake_client *voices[2])
{
    f->hub->config.lookback_us = 60000000;
    voices[0] = fake_client_join(f, 1, "ann", "as vs");
    voices[1] = fake_client_join(f, 2, "bob", "as");
    consent(f, "ann", true);
    consent(f, "bob", true);
    fake_client_stream(voices[0], 0.1);
    fake_client_stream(voices[1], 0.1);
    for (size_t before = f->batch_count; f->batch_count == before;)
        fake_hub_run(f, 10000);
    fake_hub_forget(f);
}

/** Clips go on from the mix as it is then: what was not given to it yet they would lack. */
static void a_mix_hears_the_others_before_it_is_forgotten(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *voices[2];
    listen_to(f, voices);
    fake_client_stream(voices[0], 0.06);
    fake_client_stream(voices[1], 0.06);
    assert_int_equal(fake_hub_items(f, RECORD_AUDIO, 0), 0);
    consent(f, "ann", false);
    assert_int_equal(fake_hub_items(f, RECORD_AUDIO, track_of(f, "bob", MEDIA_AUDIO)), 3);
    assert_int_equal(fake_hub_items(f, RECORD_AUDIO, track_of(f, "ann", MEDIA_AUDIO)), 0);
    assert_int_equal(find_step(f, RECORD_LISTEN), 0);
    assert_int_equal(find_step(f, RECORD_DEAF), 1);
}

/** Nor does a clip that is asked for meanwhile copy of it. */
static void a_mix_is_forgotten_before_the_next_clip(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *voices[2];
    listen_to(f, voices);
    f->recorder_full = true;
    consent(f, "bob", false);
    start(f, "ann");
    assert_int_equal(fake_hub_last(f, MEDIA_CLIP_FAILED)->er, ER_FULL);
    assert_int_equal(f->batch_count, 0);
    f->recorder_full = false;
    start(f, "ann");
    assert_int_equal(fake_hub_steps(f, RECORD_OPEN), 1);
    assert_int_equal(fake_hub_steps(f, RECORD_DEAF), 1);
    assert_true(find_step(f, RECORD_DEAF) < find_step(f, RECORD_OPEN));
    fake_hub_run(f, 500000);
    assert_int_equal(fake_hub_steps(f, RECORD_DEAF), 1);
}

/** What the others said before the next mix began is on their tapes, and not in it. */
static void a_mix_says_since_when_it_is_whole(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *voices[2];
    f->hub->config.lookback_us = 60000000;
    voices[0] = fake_client_join(f, 1, "ann", "as vs");
    consent(f, "ann", true);
    assert_int_equal(f->batches[find_step(f, RECORD_LISTEN)]->whole_us,
                     0); /* there was nothing before */
    voices[1] = fake_client_join(f, 2, "bob", "as");
    consent(f, "bob", true);
    fake_client_stream(voices[0], 0.1);
    fake_client_stream(voices[1], 0.1);
    fake_hub_forget(f);
    consent(f, "bob", false);
    const struct record_batch *b = f->batches[f->batch_count - 1];
    assert_int_equal(b->step, RECORD_LISTEN);
    assert_int_equal(b->whole_us, b->unix_us);
    uint64_t since_us = b->whole_us;
    fake_client_stream(voices[0], 0.1);
    fake_hub_run(f, 500000);
    assert_int_equal(f->batches[f->batch_count - 1]->whole_us, since_us);
}

/** What the mix lacks is missing in no clip. */
static void a_mix_counts_no_losses(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *voices[2];
    listen_to(f, voices);
    struct fake_client *ann = voices[0];
    ann->next_seq[0] = (uint16_t)(ann->next_seq[0] + 2);
    ann->next_timestamp[0] += 2 * 960;
    fake_client_stream(ann, 0.1);
    fake_hub_run(f, LIMIT_HEAL_US + 1000000);
    assert_int_equal(fake_hub_items(f, RECORD_AUDIO, track_of(f, "ann", MEDIA_AUDIO)), 5);
    assert_int_equal(fake_hub_counters(f)->record_missing, 0);
}

/** Their hashes are made as they come; but nothing is read of who did not consent, or that has no use. */
static void a_listener_reads_pictures_too(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *voices[2], *cid = fake_client_join(f, 3, "cid", "vs");
    listen_to(f, voices);
    struct fake_client *ann = voices[0];
    uint64_t picture = track_of(f, "ann", MEDIA_VIDEO);
    for (int i = 0; i < 3; i++) {
        fake_client_stream(cid, 0.2);
        fake_hub_run(f, 300000);
    }
    fake_client_stream(ann, 0.2);
    fake_hub_run(f, 300000);
    assert_int_equal(fake_hub_items(f, RECORD_VIDEO, picture), 5);
    assert_int_equal(fake_hub_items(f, RECORD_VIDEO, 0), 5);
    assert_int_equal(fake_hub_steps(f, RECORD_LISTEN), f->batch_count);
    ann->next_seq[1]++;
    fake_client_stream(ann, 0.2);
    fake_hub_run(f, LIMIT_HEAL_US + 1000000);
    assert_int_equal(fake_hub_items(f, RECORD_VIDEO_GAP, picture), 1);
    assert_int_equal(fake_hub_items(f, RECORD_VIDEO, picture), 10);
    assert_int_equal(fake_hub_counters(f)->record_missing, 0);
    struct fake_client *dan = fake_client_new(f, 4, "dan");
    dan->video = FAKE_VP9;
    assert_true(fake_client_offer(dan, "vs", NULL, 0));
    fake_client_connect(dan);
    consent(f, "dan", true);
    for (uint16_t i = 1; i < 4; i++) {
        fake_client_media(dan, 0, i, 3600u * i, FAKE_MEDIA_VP9);
        fake_hub_run(f, 300000);
    }
    assert_int_not_equal(track_of(f, "dan", MEDIA_VIDEO), 0);
    assert_int_equal(fake_hub_items(f, RECORD_VIDEO, 0), 10);
    consent(f, "ann", false);
    fake_hub_forget(f);
    fake_client_stream(ann, 0.2);
    fake_hub_run(f, 300000);
    assert_int_equal(fake_hub_items(f, RECORD_VIDEO, 0), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_hub, close_hub)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(needs_consent_and_a_picture),
        TEST(hands_over_what_is_published),
        TEST(held_slabs_outlive_everything),
        TEST(others_are_silent_without_consent),
        TEST(withdrawal_closes_the_publishers_clip),
        TEST(nothing_is_read_while_the_end_waits),
        TEST(a_clip_ends_though_its_room_is_gone),
        TEST(consent_is_of_the_person_not_of_the_peer),
        TEST(losses_are_waited_for_then_marked),
        TEST(another_track_goes_on_in_the_same_clip),
        TEST(the_best_encoding_is_recorded),
        TEST(a_slow_recorder_is_counted),
        TEST(a_clip_ends_by_itself),
        TEST(full_batches_are_handed_over_whole),
        TEST(a_mix_hears_the_others_before_it_is_forgotten),
        TEST(a_mix_is_forgotten_before_the_next_clip),
        TEST(a_mix_says_since_when_it_is_whole),
        TEST(a_mix_counts_no_losses),
        TEST(a_listener_reads_pictures_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
