// SPDX-License-Identifier: Apache-2.0
/* Taps: the recorder's readers. Each clip has one; it walks the tapes of one person's picture and of
 * everybody's sound, and hands packets in batches to a job thread. Only people who have consented
 * are read at all. A look-back is a tap that begins in the past and ends at once. */
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/str.h"
#include "media/core/tap_impl.h"

#define TAP_EVERY_US 60000u /* to wake the recorder costs more than what it then writes */
#define RETRY_US 20000u
#define REPLAY_EVERY_US 1000u
#define LOOKBACK_WAIT_US 300000u   /* for what is missing of the last moments */
#define RECORDER_WAIT_US 10000000u /* for a recorder that has too much to do to take a replay */
#define KEEP_LEAST_US 8000000u     /* what healing needs */
#define LISTEN_EVERY_US 200000u

/* Life */

static void tap_free(struct tap *tap)
{
    struct hub *h = tap->hub;
    heap_remove(&h->tap_timers, &tap->timer);
    list_remove(&tap->in_room);
    if (tap->room && !tap->listens)
        tap->room->tap_count--;
    if (!tap->listens)
        h->counters.clips_recording--;
    tap_drop_kept(tap);
    record_batch_free(tap->batch);
    free(tap);
}

/** Hand over the last step and be gone; or try again soon when the recorder's queue is full. */
static void finish(struct tap *tap, uint64_t now_us)
{
    struct hub *h = tap->hub;
    struct record_batch *b = tap_batch_new(tap, tap->listens ? RECORD_DEAF : RECORD_CLOSE,
                                           tap->close_unix_us);
    if (tap_batch_hand_over(h, b) == 0)
        tap_free(tap);
    else
        (void)heap_set(&h->tap_timers, &tap->timer, now_us + RETRY_US);
}

/* The room's standing mix, made while anybody in it may be looked back to */

static struct tap *find_listener(const struct hub_room *r)
{
    list_each (tap, &r->taps, struct tap, in_room) {
        if (tap->listens && !tap->closing)
            return tap;
    }
    return NULL;
}

/** The mix gets all that is there, before a clip copies of it. */
static void listen_now(struct hub_room *r, uint64_t now_us)
{
    struct tap *tap = r ? find_listener(r) : NULL;
    if (!tap)
        return;
    tap_read_all(tap, now_us, false);
    tap_pass_on(tap, now_us);
}

static void begin_listening(struct hub_room *r, uint64_t now_us)
{
    struct hub *h = r->hub;
    if (h->config.lookback_us == 0 || r->is_mirror || find_listener(r))
        return;
    struct tap *tap = calloc(1, sizeof *tap);
    if (!tap)
        return; /* clips mix by themselves */
    tap->hub = h;
    tap->room = r;
    tap->room_id = tap->clip = r->id;
    tap->listens = true;
    tap->whole_unix_us = r->deafened ? hub_unix_us(h, now_us) : 0;
    tap->end_at_us = UINT64_MAX;
    if (heap_set(&h->tap_timers, &tap->timer, now_us + LISTEN_EVERY_US) != 0) {
        free(tap);
        return;
    }
    list_append(&r->taps, &tap->in_room);
    tap_pass_on(tap, now_us); /* the mix begins */
    tap_find_voices(tap, now_us);
}

static void end_voices_of(struct tap *tap, const char *identity, uint64_t now_us)
{
    for (size_t i = 0; i < TAP_SOURCES; i++)
        if (tap->audio[i].track && strcmp(tap->audio[i].track->identity, identity) == 0)
            tap_end_voice(tap, &tap->audio[i], now_us);
}

/** Nothing of the mix is kept, but clips that copied of it go on from all that the others have said. */
static void deafen(struct hub_room *r, const char *identity, uint64_t now_us)
{
    struct tap *tap = find_listener(r);
    if (!tap)
        return;
    end_voices_of(tap, identity, now_us);
    listen_now(r, now_us);
    r->deafened = true;
    tap->closing = true;
    memset(tap->audio, 0, sizeof tap->audio);
    finish(tap, now_us);
}

/** The recorder knows of every mix that it has to forget; false: it takes no more just now. */
static bool is_forgotten(struct hub_room *r, uint64_t now_us)
{
    list_each_safe (tap, &r->taps, struct tap, in_room) {
        if (tap->listens && tap->closing)
            finish(tap, now_us);
    }
    list_each (tap, &r->taps, struct tap, in_room) {
        if (tap->listens && tap->closing)
            return false;
    }
    return true;
}

static void tap_close(struct tap *tap, uint64_t now_us)
{
    if (!tap->closing) {
        tap_read_all(tap, now_us, true);
        tap_pass_on(tap, now_us);
        if (!tap->listens)
            listen_now(tap->room, now_us);
        if (tap->room && !tap->listens)
            seen_flush(tap->room, now_us, SEEN_SO_FAR); /* before the clip is told of */
        tap->closing = true;
        if (!tap->stopping)
            tap->close_unix_us = hub_unix_us(tap->hub, now_us);
        tap->picture.track = NULL; /* nothing is read any more, however long the recorder takes */
        memset(tap->audio, 0, sizeof tap->audio);
    }
    finish(tap, now_us);
}

/** The clip ends now; what is missing of it is waited for a little. */
static void tap_stop(struct tap *tap, uint64_t now_us, uint64_t wait_us)
{
    if (tap->closing || tap->stopping)
        return;
    if (!tap->replay_unix_us)
        tap_read_all(tap, now_us, false);
    tap->stopping = true;
    tap->close_unix_us = hub_unix_us(tap->hub, now_us);
    tap->end_at_us = now_us + wait_us;
    tap_set_end(tap);
    if (tap_is_done(tap))
        tap_close(tap, now_us);
}

static void fail(struct hub *h, const struct id *room, const struct id *clip, int er)
{
    struct media_event event = {.type = MEDIA_CLIP_FAILED, .room = *room, .clip = *clip, .er = er};
    h->config.io->event(h->config.io_ctx, &event);
}

static int tap_new(struct hub_room *r, uint64_t now_us, const struct media_clip_config *config)
{
    struct hub *h = r->hub;
    if (!tap_consents(r, config->publisher))
        return ER_DENIED;
    if (!room_video_of(r, config->publisher))
        return ER_NOT_FOUND;
    if (r->tap_count >= LIMIT_CLIPS_PER_ROOM || !is_forgotten(r, now_us))
        return ER_FULL;
    struct tap *tap = calloc(1, sizeof *tap);
    if (!tap)
        return ER_NOMEM;
    tap->hub = h;
    tap->room = r;
    tap->room_id = r->id;
    tap->clip = config->clip;
    tap->end_at_us = now_us + (uint64_t)LIMIT_CLIP_SECONDS * 1000000u;
    (void)str_copy(tap->publisher, sizeof tap->publisher, config->publisher);
    uint64_t from_us = config->preroll_ms
                           ? hub_unix_us(h, now_us) - (uint64_t)config->preroll_ms * 1000u
                           : 0;
    uint64_t begin_us = tap_begin(tap, now_us, from_us);
    listen_now(r, now_us);
    struct record_batch *b = tap_batch_new(tap, RECORD_OPEN, begin_us);
    if (b) {
        b->hurry = config->lookback;
        (void)str_copy(b->path, sizeof b->path, config->path);
        (void)str_copy(b->publisher, sizeof b->publisher, config->publisher);
    }
    int er = tap_batch_hand_over(h, b);
    if (er == 0)
        er = heap_set(&h->tap_timers, &tap->timer, now_us + TAP_EVERY_US);
    if (er != 0) {
        free(tap);
        return er;
    }
    list_append(&r->taps, &tap->in_room);
    r->tap_count++;
    h->counters.clips_recording++;
    tap_put_consents(tap, now_us);
    tap_put_past_marks(tap, now_us, begin_us);
    tap_find_voices(tap, now_us);
    if (tap->replay_unix_us)
        (void)heap_set(&h->tap_timers, &tap->timer, now_us);
    if (config->lookback) {
        h->counters.lookbacks++;
        tap_stop(tap, now_us, LOOKBACK_WAIT_US);
    }
    return 0;
}

void hub_clip_start(struct hub *h, uint64_t now_us, const struct id *room,
                    const struct media_clip_config *config)
{
    struct hub_room *r = hub_find_room(h, room);
    int er = r ? tap_new(r, now_us, config) : ER_NOT_FOUND;
    if (er != 0)
        fail(h, room, &config->clip, er);
    else
        hub_room_arm(r);
}

void hub_clip_stop(struct hub *h, uint64_t now_us, const struct id *room, const struct id *clip)
{
    struct hub_room *r = hub_find_room(h, room);
    if (!r)
        return;
    list_each_safe (tap, &r->taps, struct tap, in_room) {
        if (id_equal(&tap->clip, clip))
            tap_stop(tap, now_us, LIMIT_HEAL_US);
    }
}

void hub_mark(struct hub *h, uint64_t now_us, const struct id *room, const char *identity,
              enum framelog_mark mark, const char *text)
{
    struct hub_room *r = hub_find_room(h, room);
    struct consent *consent = r ? map_get_str(r->consents, identity) : NULL;
    if (!consent)
        return;
    if (consent->mark_count == LIMIT_LOOKBACK_MARKS)
        memmove(&consent->marks[0], &consent->marks[1],
                --consent->mark_count * sizeof consent->marks[0]);
    struct consent_mark *m = &consent->marks[consent->mark_count++];
    *m = (struct consent_mark){.unix_us = hub_unix_us(h, now_us), .mark = mark};
    (void)str_copy(m->text, sizeof m->text, text);
    list_each (tap, &r->taps, struct tap, in_room) {
        if (!tap->closing && !tap->stopping && strcmp(tap->publisher, identity) == 0)
            tap_put_mark(tap, now_us, mark, text);
    }
}

void tap_close_all(struct hub_room *r, uint64_t now_us)
{
    list_each_safe (tap, &r->taps, struct tap, in_room) {
        tap_close(tap, now_us);
    }
    list_each_safe (left, &r->taps, struct tap, in_room) {
        list_remove(&left->in_room); /* the recorder takes no more just now: its timer goes on */
        left->room = NULL;
        r->tap_count -= !left->listens;
    }
}

void tap_free_all(struct hub *h)
{
    struct heap_node *node;
    while ((node = heap_pop_due(&h->tap_timers, UINT64_MAX)))
        tap_free(container_of(node, struct tap, timer));
}

void tap_expire_due(struct hub *h, uint64_t now_us)
{
    struct heap_node *node;
    while ((node = heap_pop_due(&h->tap_timers, now_us))) {
        struct tap *tap = container_of(node, struct tap, timer);
        struct hub_room *r = tap->room;
        uint64_t end_at_us = tap->end_at_us + (tap->kept ? RECORDER_WAIT_US : 0);
        if (tap->closing || now_us >= end_at_us) {
            tap_close(tap, now_us);
        } else {
            tap_read_all(tap, now_us, false);
            bool replays = tap->replay_unix_us || tap->kept;
            if (!replays)
                tap_pass_on(tap, now_us);
            uint64_t every_us = replays && !tap->waits ? REPLAY_EVERY_US
                                : tap->listens         ? LISTEN_EVERY_US
                                                       : TAP_EVERY_US;
            (void)heap_set(&h->tap_timers, &tap->timer, now_us + every_us);
            if (tap->stopping && tap_is_done(tap))
                tap_close(tap, now_us);
        }
        if (r)
            hub_room_arm(r);
    }
}

void tap_track_gone(struct hub_room *r, struct track *t, uint64_t now_us)
{
    list_each (tap, &r->taps, struct tap, in_room) {
        if (tap->picture.track == t) {
            tap_read_last(tap, now_us, &tap->picture);
            tap->picture.track = NULL;
            tap_put_mark(tap, now_us, FRAMELOG_TRACK_ENDED, NULL);
        }
        for (size_t i = 0; i < TAP_SOURCES; i++) {
            if (tap->audio[i].track != t)
                continue;
            tap_read_last(tap, now_us, &tap->audio[i]);
            tap_end_voice(tap, &tap->audio[i], now_us);
        }
    }
}

void tap_keep_track(struct hub_room *r, struct track *t, uint64_t now_us)
{
    struct hub *h = r->hub;
    struct track_keeping keeping = {0};
    if (tap_consents(r, t->identity) && !t->mirror) {
        uint64_t lookback_us = h->config.lookback_us;
        keeping.keep_us = lookback_us ? lookback_us + TAP_KEEP_MORE_US : KEEP_LEAST_US;
        keeping.key_every_us = lookback_us && t->kind == MEDIA_VIDEO ? LIMIT_LOOKBACK_KEY_US : 0;
        keeping.budget = &h->kept;
    }
    if (keeping.keep_us != t->keeping.keep_us)
        track_keep(t, &keeping, now_us);
    struct tap *listener = find_listener(r);
    if (listener)
        tap_find_voices(listener, now_us);
}

static void keep_tracks_of(struct hub_room *r, const char *identity, uint64_t now_us)
{
    list_each (t, &r->relay->tracks, struct track, in_room) {
        if (strcmp(t->identity, identity) == 0)
            tap_keep_track(r, t, now_us);
    }
}

void tap_consent_changed(struct hub_room *r, uint64_t now_us, const char *identity, bool recording)
{
    if (!recording)
        deafen(r, identity, now_us);
    if (map_count(r->consents) > 0)
        begin_listening(r, now_us);
    list_each_safe (tap, &r->taps, struct tap, in_room) {
        if (tap->closing)
            continue;
        tap_put_mark(tap, now_us, recording ? FRAMELOG_CONSENT : FRAMELOG_WITHDRAWN, identity);
        if (recording && !tap->stopping) {
            tap_find_voices(tap, now_us); /* from the next packet on */
        }
        if (recording)
            continue;
        end_voices_of(tap, identity, now_us);
        if (strcmp(tap->publisher, identity) == 0)
            tap_close(tap, now_us);
    }
    keep_tracks_of(r, identity, now_us);
}
