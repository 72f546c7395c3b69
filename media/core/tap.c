// SPDX-License-Identifier: Apache-2.0
/* Taps: the recorder's readers. Each clip has one; it walks the tapes of one person's picture and of
 * everybody's sound, and hands packets in batches to a job thread. Only people who have consented
 * are read at all. */
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "media/core/hub_private.h"

#define TAP_EVERY_US 20000u
#define AUDIO_PATIENCE_US 200000u
#define OVERLAP_US                                                                                 \
    500000u /* a better encoding may begin so long before what was read of the other */

struct tap_source {
    struct track *track;       /* NULL: free */
    struct encoding *encoding; /* of it, being read */
    struct tape_cursor cursor;
    struct steady_clock clock; /* so that times in the clip have no jumps */
};

struct tap {
    struct list in_room;
    struct heap_node timer;
    struct hub *hub;
    struct hub_room *room; /* NULL: it has closed, and the recorder is still to be told */
    struct id room_id;
    struct id clip;
    char publisher[MEDIA_IDENTITY_BYTES];
    uint64_t end_at_us; /* the longest a clip may be */
    bool closing;       /* only RECORD_CLOSE is still to be handed over */
    uint64_t close_unix_us;
    struct tap_source picture; /* no track while the publisher has none */
    struct tap_source audio[LIMIT_MIX_SOURCES];
    struct record_batch *batch; /* being filled; may be NULL */
};

void record_batch_free(struct record_batch *b)
{
    if (!b)
        return;
    for (size_t i = 0; i < b->count; i++) {
        slab_release(b->items[i].slab);
        free(b->items[i].text);
    }
    free(b);
}

static struct record_batch *batch_new(const struct tap *tap, enum record_step step,
                                      uint64_t unix_us)
{
    struct record_batch *b = calloc(1, sizeof *b);
    if (!b)
        return NULL;
    b->step = step;
    b->room = tap->room_id;
    b->clip = tap->clip;
    b->unix_us = unix_us;
    return b;
}

static int batch_hand_over(struct hub *h, struct record_batch *b)
{
    if (!b)
        return ER_NOMEM;
    int er = h->config.io->record(h->config.io_ctx, b);
    if (er != 0)
        h->counters.record_dropped += b->count;
    if (er != 0)
        record_batch_free(b);
    return er;
}

/** A place for one more item; hands a full batch over first. NULL without memory. */
static struct record_item *next_item(struct tap *tap, uint64_t now_us)
{
    struct hub *h = tap->room->hub;
    if (tap->batch && tap->batch->count == RECORD_BATCH_ITEMS) {
        (void)batch_hand_over(h, tap->batch);
        tap->batch = NULL;
    }
    if (!tap->batch)
        tap->batch = batch_new(tap, RECORD_DATA, hub_unix_us(h, now_us));
    return tap->batch ? &tap->batch->items[tap->batch->count++] : NULL;
}

/** NULL while the track has none. */
static bool begin_reading(struct tap_source *s, struct track *t)
{
    struct encoding *e = track_best(t);
    *s = (struct tap_source){.track = e ? t : NULL, .encoding = e};
    if (e)
        tape_cursor_init(&s->cursor, e->tape, 0);
    return e != NULL;
}

static void put_packet(struct tap *tap, uint64_t now_us, struct tap_source *s,
                       const struct tape_read *read)
{
    const struct track *t = s->track;
    struct record_item *item = next_item(tap, now_us);
    if (!item) {
        tap->room->hub->counters.record_dropped++;
        slab_release(read->slab);
        return;
    }
    *item = (struct record_item){
        .kind = t->kind == MEDIA_VIDEO ? RECORD_VIDEO : RECORD_AUDIO,
        .source = t->id,
        .packet = read->packet,
        .slab = read->slab,
        .capture_unix_us = steady_clock_unix_us(
            &s->clock, t->clock_rate, read->packet->timestamp,
            encoding_capture_unix_us(s->encoding, read->packet)),
    };
}

static void put_event(struct tap *tap, uint64_t now_us, enum record_item_kind kind, uint64_t source,
                      uint32_t gap)
{
    struct record_item *item = next_item(tap, now_us);
    if (item)
        *item = (struct record_item){.kind = kind, .source = source, .gap = gap};
}

/** For the frame log. */
static void put_mark(struct tap *tap, uint64_t now_us, enum framelog_mark mark, const char *text)
{
    struct record_item *item = next_item(tap, now_us);
    if (item)
        *item = (struct record_item){.kind = RECORD_MARK,
                                     .mark = mark,
                                     .capture_unix_us = hub_unix_us(tap->room->hub, now_us),
                                     .text = text ? strdup(text) : NULL};
}

/** Packets of the picture did not come in time: the clip goes on with the next key frame. */
static void miss_picture(struct tap *tap, uint64_t now_us, struct encoding *e, uint32_t packets)
{
    put_event(tap, now_us, RECORD_VIDEO_GAP, e->track->id, packets);
    encoding_want_key_frame(e, now_us);
}

static void read_source(struct tap *tap, uint64_t now_us, struct tap_source *s,
                        uint64_t patience_us)
{
    struct track *t = s->track;
    for (;;) {
        struct tape_read read;
        enum tape_step step = tape_cursor_next(&s->cursor, s->encoding->tape, now_us, patience_us,
                                               &read);
        if (step == TAPE_STEP_WAIT)
            return;
        if (step == TAPE_STEP_PACKET)
            put_packet(tap, now_us, s, &read);
        else if (t->kind == MEDIA_VIDEO)
            miss_picture(tap, now_us, s->encoding, read.gap_count);
    }
}

/** The best encoding that flows is recorded; another one from a key frame on, which goes on in time
 *  where the last one was left. */
static void follow_best(struct tap *tap, uint64_t now_us, struct tap_source *s)
{
    struct encoding *best = track_best(s->track);
    if (best == s->encoding)
        return;
    const struct tape_frame *key = tape_last_key(best->tape);
    const struct tape_packet *first = key ? tape_find(best->tape, key->first_seq) : NULL;
    uint64_t at_us = first ? encoding_capture_unix_us(best, first) : 0;
    if (!first || at_us + OVERLAP_US < s->clock.unix_us) {
        encoding_want_key_frame(best, now_us);
        return;
    }
    if (s->clock.known && at_us <= s->clock.unix_us)
        at_us = s->clock.unix_us + 1000;
    s->encoding = best;
    s->clock = (struct steady_clock){
        .known = true, .timestamp = first->timestamp, .unix_us = at_us};
    tape_cursor_init(&s->cursor, best->tape, first->seq);
    put_event(tap, now_us, RECORD_VIDEO_SWITCH, s->track->id, 0);
}

/* Which tracks are read */

static bool consents(const struct hub_room *r, const char *identity)
{
    return map_get_str(r->consents, identity) != NULL;
}

/** Who is recorded from the beginning. */
static void put_consents(struct tap *tap, uint64_t now_us)
{
    size_t at = 0, len;
    const void *key;
    void *value;
    char identity[MEDIA_IDENTITY_BYTES];
    while (map_next(tap->room->consents, &at, &key, &len, &value)) {
        (void)str_copy_span(identity, sizeof identity, (struct span){.at = key, .len = len});
        put_mark(tap, now_us, FRAMELOG_CONSENT, identity);
    }
}

struct track *room_video_of(const struct hub_room *r, const char *identity)
{
    list_each (t, &r->relay->tracks, struct track, in_room) {
        if (t->kind == MEDIA_VIDEO && strcmp(t->identity, identity) == 0)
            return t;
    }
    return NULL;
}

static void find_picture(struct tap *tap, uint64_t now_us, bool again)
{
    struct track *t = tap->picture.track ? NULL : room_video_of(tap->room, tap->publisher);
    if (!t || !begin_reading(&tap->picture, t))
        return;
    if (again)
        put_event(tap, now_us, RECORD_VIDEO_GAP, t->id, 0);
    encoding_want_key_frame(tap->picture.encoding, now_us);
}

static void add_voice(struct tap *tap, struct track *t, uint64_t now_us)
{
    struct tap_source *place = NULL;
    for (size_t i = 0; i < LIMIT_MIX_SOURCES; i++) {
        if (tap->audio[i].track == t)
            return;
        if (!tap->audio[i].track && !place)
            place = &tap->audio[i];
    }
    if (!place || !begin_reading(place, t))
        return;
    if (place->cursor.next == 0) /* an emptied tape: from now on only */
        place->cursor.next = place->encoding->reception.highest_seq + 1;
    struct record_item *item = next_item(tap, now_us);
    if (item)
        *item = (struct record_item){
            .kind = RECORD_AUDIO_BEGIN, .source = t->id, .text = strdup(t->identity)};
}

static void find_voices(struct tap *tap, uint64_t now_us)
{
    list_each (t, &tap->room->relay->tracks, struct track, in_room) {
        if (t->kind == MEDIA_AUDIO && consents(tap->room, t->identity))
            add_voice(tap, t, now_us);
    }
}

static void end_voice(struct tap *tap, struct tap_source *s, uint64_t now_us)
{
    put_event(tap, now_us, RECORD_AUDIO_END, s->track->id, 0);
    *s = (struct tap_source){0};
}

static void read_all(struct tap *tap, uint64_t now_us, bool last)
{
    find_picture(tap, now_us, true);
    find_voices(tap, now_us);
    if (tap->picture.track) {
        read_source(tap, now_us, &tap->picture, last ? 0 : LIMIT_REORDER_US);
        follow_best(tap, now_us, &tap->picture);
    }
    for (size_t i = 0; i < LIMIT_MIX_SOURCES; i++)
        if (tap->audio[i].track)
            read_source(tap, now_us, &tap->audio[i], last ? 0 : AUDIO_PATIENCE_US);
}

/** Hand over what was read; an empty batch still tells the time. */
static void pass_on(struct tap *tap, uint64_t now_us)
{
    struct hub *h = tap->room->hub;
    struct record_batch *b = tap->batch ? tap->batch
                                        : batch_new(tap, RECORD_DATA, hub_unix_us(h, now_us));
    tap->batch = NULL;
    if (b)
        b->unix_us = hub_unix_us(h, now_us);
    (void)batch_hand_over(h, b);
}

/* Life */

static void tap_free(struct tap *tap)
{
    struct hub *h = tap->hub;
    heap_remove(&h->tap_timers, &tap->timer);
    list_remove(&tap->in_room);
    if (tap->room)
        tap->room->tap_count--;
    h->counters.clips_recording--;
    record_batch_free(tap->batch);
    free(tap);
}

/** Hand over RECORD_CLOSE and be gone; or try again soon when the recorder's queue is full. */
static void finish(struct tap *tap, uint64_t now_us)
{
    struct hub *h = tap->hub;
    struct record_batch *b = batch_new(tap, RECORD_CLOSE, tap->close_unix_us);
    if (batch_hand_over(h, b) == 0)
        tap_free(tap);
    else
        (void)heap_set(&h->tap_timers, &tap->timer, now_us + TAP_EVERY_US);
}

static void tap_close(struct tap *tap, uint64_t now_us)
{
    if (!tap->closing) {
        read_all(tap, now_us, true);
        pass_on(tap, now_us);
        tap->closing = true;
        tap->close_unix_us = hub_unix_us(tap->room->hub, now_us);
        tap->picture.track = NULL; /* nothing is read any more, however long the recorder takes */
        memset(tap->audio, 0, sizeof tap->audio);
    }
    finish(tap, now_us);
}

static void fail(struct hub *h, const struct id *room, const struct id *clip, int er)
{
    struct media_event event = {.type = MEDIA_CLIP_FAILED, .room = *room, .clip = *clip, .er = er};
    h->config.io->event(h->config.io_ctx, &event);
}

static int tap_new(struct hub_room *r, uint64_t now_us, const struct media_clip_config *config)
{
    struct hub *h = r->hub;
    if (!consents(r, config->publisher))
        return ER_DENIED;
    if (!room_video_of(r, config->publisher))
        return ER_NOT_FOUND;
    if (r->tap_count >= LIMIT_CLIPS_PER_ROOM)
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
    struct record_batch *b = batch_new(tap, RECORD_OPEN, hub_unix_us(h, now_us));
    if (b) {
        (void)str_copy(b->path, sizeof b->path, config->path);
        (void)str_copy(b->publisher, sizeof b->publisher, config->publisher);
    }
    int er = batch_hand_over(h, b);
    if (er == 0)
        er = heap_set(&h->tap_timers, &tap->timer, now_us + TAP_EVERY_US);
    if (er != 0) {
        free(tap);
        return er;
    }
    list_append(&r->taps, &tap->in_room);
    r->tap_count++;
    h->counters.clips_recording++;
    put_consents(tap, now_us);
    find_picture(tap, now_us, false);
    find_voices(tap, now_us);
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
            tap_close(tap, now_us);
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
        r->tap_count--;
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
        if (tap->closing || now_us >= tap->end_at_us) {
            tap_close(tap, now_us);
        } else {
            read_all(tap, now_us, false);
            pass_on(tap, now_us);
            (void)heap_set(&h->tap_timers, &tap->timer, now_us + TAP_EVERY_US);
        }
        if (r)
            hub_room_arm(r);
    }
}

void tap_track_gone(struct hub_room *r, struct track *t, uint64_t now_us)
{
    list_each (tap, &r->taps, struct tap, in_room) {
        if (tap->picture.track == t) {
            read_source(tap, now_us, &tap->picture, 0);
            tap->picture.track = NULL;
            put_mark(tap, now_us, FRAMELOG_TRACK_ENDED, NULL);
        }
        for (size_t i = 0; i < LIMIT_MIX_SOURCES; i++) {
            if (tap->audio[i].track != t)
                continue;
            read_source(tap, now_us, &tap->audio[i], 0);
            end_voice(tap, &tap->audio[i], now_us);
        }
    }
}

void tap_consent_changed(struct hub_room *r, uint64_t now_us, const char *identity, bool recording)
{
    list_each_safe (tap, &r->taps, struct tap, in_room) {
        if (tap->closing)
            continue;
        put_mark(tap, now_us, recording ? FRAMELOG_CONSENT : FRAMELOG_WITHDRAWN, identity);
        if (recording) {
            find_voices(tap, now_us); /* from the next packet on */
            continue;
        }
        for (size_t i = 0; i < LIMIT_MIX_SOURCES; i++)
            if (tap->audio[i].track && strcmp(tap->audio[i].track->identity, identity) == 0)
                end_voice(tap, &tap->audio[i], now_us);
        if (strcmp(tap->publisher, identity) == 0)
            tap_close(tap, now_us);
    }
}
