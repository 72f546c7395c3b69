// SPDX-License-Identifier: Apache-2.0
/* How a tap reads: the tape of one person's picture and those of everybody's voices, in batches for a
 * job thread; at first, where it begins in the past, what was before, as fast as the recorder takes it. */
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/str.h"
#include "media/core/tap_impl.h"

#define AUDIO_PATIENCE_US 200000u
#define OVERLAP_US                                                                                 \
    500000u /* a better encoding may begin so long before what was read of the other */
#define AHEAD_US 1000000u /* a voice may be so far ahead of one that misses packets */
#define REPLAY_STEP_US 200000u
#define REPLAY_STEPS 10 /* at once, so that the worker's other business does not wait */

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

struct record_batch *tap_batch_new(const struct tap *tap, enum record_step step, uint64_t unix_us)
{
    struct record_batch *b = calloc(1, sizeof *b);
    if (!b)
        return NULL;
    b->step = tap->listens && step == RECORD_DATA ? RECORD_LISTEN : step;
    b->keep_us = tap->listens ? tap->hub->config.lookback_us + TAP_KEEP_MORE_US : 0;
    b->whole_us = tap->whole_unix_us;
    b->room = tap->room_id;
    b->clip = tap->clip;
    b->unix_us = unix_us;
    b->sound_until_us = tap->sound_until_us;
    return b;
}

int tap_batch_hand_over(struct hub *h, struct record_batch *b)
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

/** A replay reads faster than a recorder writes: what that does not take is kept, and no more is read
 *  until it does. */
static void hand_over(struct tap *tap, struct record_batch *b)
{
    if (!tap->replay_unix_us || !b) {
        (void)tap_batch_hand_over(tap->hub, b);
        return;
    }
    if (!tap->kept)
        tap->kept_end = &tap->kept;
    *tap->kept_end = b;
    tap->kept_end = &b->next;
}

bool tap_hand_over_kept(struct tap *tap)
{
    struct hub *h = tap->hub;
    while (tap->kept) {
        struct record_batch *b = tap->kept, *next = b->next;
        if (h->config.io->record(h->config.io_ctx, b) != 0)
            return false;
        tap->kept = next;
    }
    return true;
}

void tap_drop_kept(struct tap *tap)
{
    while (tap->kept) {
        struct record_batch *b = tap->kept;
        tap->kept = b->next;
        tap->hub->counters.record_dropped += b->count;
        record_batch_free(b);
    }
}

/** The moment that the recorder is told: now, or where the replay is. */
static uint64_t time_of(const struct tap *tap, uint64_t now_us)
{
    return tap->replay_unix_us ? tap->replay_unix_us : hub_unix_us(tap->room->hub, now_us);
}

/** A place for one more item; hands a full batch over first. NULL without memory. */
static struct record_item *next_item(struct tap *tap, uint64_t now_us)
{
    if (tap->batch && tap->batch->count == RECORD_BATCH_ITEMS) {
        hand_over(tap, tap->batch);
        tap->batch = NULL;
    }
    if (!tap->batch)
        tap->batch = tap_batch_new(tap, RECORD_DATA, time_of(tap, now_us));
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

static void put_mark_at(struct tap *tap, uint64_t now_us, uint64_t unix_us, enum framelog_mark mark,
                        const char *text)
{
    struct record_item *item = tap->listens ? NULL : next_item(tap, now_us);
    if (item)
        *item = (struct record_item){.kind = RECORD_MARK,
                                     .mark = mark,
                                     .capture_unix_us = unix_us,
                                     .text = text && *text ? strdup(text) : NULL};
}

void tap_put_mark(struct tap *tap, uint64_t now_us, enum framelog_mark mark, const char *text)
{
    put_mark_at(tap, now_us, time_of(tap, now_us), mark, text);
}

void tap_put_past_marks(struct tap *tap, uint64_t now_us, uint64_t begin_unix_us)
{
    const struct consent *consent = map_get_str(tap->room->consents, tap->publisher);
    size_t i = 0;
    bool muted = false;
    for (; i < consent->mark_count && consent->marks[i].unix_us < begin_unix_us; i++)
        if (consent->marks[i].mark == FRAMELOG_MUTED || consent->marks[i].mark == FRAMELOG_UNMUTED)
            muted = consent->marks[i].mark == FRAMELOG_MUTED;
    if (muted)
        put_mark_at(tap, now_us, begin_unix_us, FRAMELOG_MUTED, NULL);
    for (; i < consent->mark_count; i++) {
        const struct consent_mark *m = &consent->marks[i];
        put_mark_at(tap, now_us, m->unix_us, m->mark, m->text);
    }
}

/** Packets of the picture did not come in time: the clip goes on with the next key frame. */
static void miss_picture(struct tap *tap, uint64_t now_us, struct encoding *e, uint32_t packets)
{
    put_event(tap, now_us, RECORD_VIDEO_GAP, e->track->id, packets);
    if (!tap->listens)
        encoding_want_key_frame(e, now_us);
}

static uint64_t patience_us(const struct tap_source *s, bool last)
{
    const struct track *t = s->track;
    if (last)
        return 0;
    if (t->nack && t->keeping.keep_us)
        return LIMIT_HEAL_US;
    return t->kind == MEDIA_VIDEO ? LIMIT_REORDER_US : AUDIO_PATIENCE_US;
}

/** Others are to be read first: a voice waits for packets, or the replay has not come so far. */
static bool is_ahead(const struct tap *tap, const struct tap_source *s)
{
    if (tap->sound_until_us && s->track->kind == MEDIA_AUDIO && s->clock.known &&
        s->clock.unix_us > tap->sound_until_us + AHEAD_US)
        return true;
    if (!tap->replay_unix_us)
        return false;
    const struct tape_packet *p = tape_find(s->encoding->tape, s->cursor.next);
    return p && encoding_capture_unix_us(s->encoding, p) > tap->replay_unix_us;
}

/** To a listener: pictures of which no hash is made beforehand (record/hashed.h). */
static bool is_of_no_use(const struct track *t, const struct tape_packet *packet)
{
    const struct codec_info *info = codec_describe(packet->codec);
    return t->kind == MEDIA_VIDEO && !(info && info->format == FORMAT_VP8);
}

static void read_source(struct tap *tap, uint64_t now_us, struct tap_source *s, bool last)
{
    struct media_counters *counters = &tap->hub->counters;
    struct track *t = s->track;
    while (!is_ahead(tap, s) && (s->end_seq == 0 || s->cursor.next <= s->end_seq)) {
        struct tape_read read;
        uint64_t since_us = s->cursor.missing_since_us;
        enum tape_step step = tape_cursor_next(&s->cursor, s->encoding->tape, now_us,
                                               patience_us(s, last), &read);
        if (step == TAPE_STEP_WAIT)
            return;
        if (step == TAPE_STEP_PACKET && tap->listens && is_of_no_use(t, read.packet)) {
            slab_release(read.slab);
            continue;
        }
        if (step == TAPE_STEP_PACKET) {
            counters->record_healed += !tap->listens && since_us &&
                                       now_us - since_us > LIMIT_REORDER_US;
            put_packet(tap, now_us, s, &read);
            continue;
        }
        counters->record_missing += tap->listens ? 0 : read.gap_count;
        if (t->kind == MEDIA_VIDEO)
            miss_picture(tap, now_us, s->encoding, read.gap_count);
    }
}

void tap_read_last(struct tap *tap, uint64_t now_us, struct tap_source *s)
{
    if (!tap_hand_over_kept(tap))
        tap_drop_kept(tap);
    tap->sound_until_us = 0;
    tap->replay_unix_us = 0;
    read_source(tap, now_us, s, true);
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

bool tap_consents(const struct hub_room *r, const char *identity)
{
    return map_get_str(r->consents, identity) != NULL;
}

void tap_put_consents(struct tap *tap, uint64_t now_us)
{
    size_t at = 0, len;
    const void *key;
    void *value;
    char identity[MEDIA_IDENTITY_BYTES];
    while (map_next(tap->room->consents, &at, &key, &len, &value)) {
        (void)str_copy_span(identity, sizeof identity, (struct span){.at = key, .len = len});
        tap_put_mark(tap, now_us, FRAMELOG_CONSENT, identity);
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

/** Whether the packet may be looked back to. */
static bool is_kept(const struct encoding *e, const struct tape_packet *p)
{
    return p && e->kept_from && p->seq >= e->kept_from;
}

/** The key frame at or before a moment, or else the first one after it; NULL: there is none. */
static const struct tape_packet *find_key(const struct encoding *e, uint64_t unix_us)
{
    const struct tape_packet *found = NULL;
    for (int64_t seq = tape_tail(e->tape); seq <= tape_head(e->tape); seq++) {
        const struct tape_packet *p = tape_find(e->tape, seq);
        if (!is_kept(e, p) || !(p->flags & TAPE_KEY_FRAME) || !(p->flags & TAPE_FRAME_START))
            continue;
        if (found && encoding_capture_unix_us(e, p) > unix_us)
            break;
        found = p;
    }
    return found;
}

/** The voice's first packet from a moment on; 0: the tape is empty. */
static int64_t find_moment(const struct encoding *e, uint64_t unix_us)
{
    int64_t seq = tape_tail(e->tape);
    for (; seq && seq <= tape_head(e->tape); seq++) {
        const struct tape_packet *p = tape_find(e->tape, seq);
        if (is_kept(e, p) && encoding_capture_unix_us(e, p) >= unix_us)
            break;
    }
    return seq;
}

uint64_t tap_begin(struct tap *tap, uint64_t now_us, uint64_t from_unix_us)
{
    uint64_t present_us = hub_unix_us(tap->hub, now_us);
    find_picture(tap, now_us, false);
    struct encoding *e = tap->picture.encoding;
    const struct tape_packet *key = e && from_unix_us ? find_key(e, from_unix_us) : NULL;
    uint64_t key_us = key ? encoding_capture_unix_us(e, key) : present_us;
    if (key_us >= present_us)
        return present_us;
    tape_cursor_init(&tap->picture.cursor, e->tape, key->seq);
    tap->replay_unix_us = key_us;
    return key_us;
}

/** Among `most` of its kind. */
static void add_source(struct tap *tap, struct track *t, size_t most, uint64_t now_us)
{
    struct tap_source *place = NULL;
    size_t used = 0;
    for (size_t i = 0; i < TAP_SOURCES; i++) {
        struct tap_source *s = &tap->audio[i];
        if (s->track == t)
            return;
        used += s->track && s->track->kind == t->kind;
        if (!s->track && !place)
            place = s;
    }
    if (used >= most || !place || !begin_reading(place, t))
        return;
    if (tap->replay_unix_us)
        place->cursor.next = find_moment(place->encoding, tap->replay_unix_us);
    if (place->cursor.next == 0) /* an emptied tape: from now on only */
        place->cursor.next = place->encoding->reception.highest_seq + 1;
    struct record_item *item = next_item(tap, now_us);
    if (item)
        *item = (struct record_item){
            .kind = RECORD_AUDIO_BEGIN, .source = t->id, .text = strdup(t->identity)};
}

/** A listener reads pictures as it does voices; and the best encoding, from where it is now. */
static void add_picture(struct tap *tap, struct track *t, uint64_t now_us)
{
    for (size_t i = 0; i < TAP_SOURCES; i++) {
        struct tap_source *s = &tap->audio[i];
        if (s->track != t)
            continue;
        const struct encoding *best = track_best(t);
        if (best && best != s->encoding && begin_reading(s, t))
            put_event(tap, now_us, RECORD_VIDEO_GAP, t->id, 0);
        return;
    }
    add_source(tap, t, TAP_PICTURES, now_us);
}

void tap_find_voices(struct tap *tap, uint64_t now_us)
{
    list_each (t, &tap->room->relay->tracks, struct track, in_room) {
        if (t->kind == MEDIA_AUDIO && tap_consents(tap->room, t->identity))
            add_source(tap, t, LIMIT_MIX_SOURCES, now_us);
        else if (t->kind == MEDIA_VIDEO && tap->listens && tap_consents(tap->room, t->identity))
            add_picture(tap, t, now_us);
    }
}

void tap_end_voice(struct tap *tap, struct tap_source *s, uint64_t now_us)
{
    put_event(tap, now_us, RECORD_AUDIO_END, s->track->id, 0);
    *s = (struct tap_source){0};
}

/** Up to where all voices are here; 0: nothing is missing. */
static uint64_t sound_until(const struct tap *tap)
{
    uint64_t until_us = 0;
    for (size_t i = 0; i < TAP_SOURCES; i++) {
        const struct tap_source *s = &tap->audio[i];
        if (s->track && s->track->kind == MEDIA_AUDIO && s->cursor.missing_since_us &&
            s->clock.known && (!until_us || s->clock.unix_us < until_us))
            until_us = s->clock.unix_us;
    }
    return until_us;
}

static void read_each(struct tap *tap, uint64_t now_us, bool last)
{
    if (tap->picture.track)
        read_source(tap, now_us, &tap->picture, last);
    for (size_t i = 0; i < TAP_SOURCES; i++)
        if (tap->audio[i].track)
            read_source(tap, now_us, &tap->audio[i], last);
    tap->sound_until_us = last ? 0 : sound_until(tap);
}

static bool is_missing(const struct tap_source *s)
{
    return s->track && s->cursor.missing_since_us;
}

static bool misses_any(const struct tap *tap)
{
    bool missing = is_missing(&tap->picture);
    for (size_t i = 0; i < TAP_SOURCES; i++)
        missing = missing || is_missing(&tap->audio[i]);
    return missing;
}

/** A few steps of what was before the clip was asked for. */
static void replay(struct tap *tap, uint64_t now_us, bool last)
{
    uint64_t present_us = hub_unix_us(tap->hub, now_us);
    tap->waits = true;
    for (unsigned i = 0; tap->replay_unix_us && (last || i < REPLAY_STEPS); i++) {
        read_each(tap, now_us, last);
        if (misses_any(tap) && !last)
            return;
        tap_pass_on(tap, now_us);
        if (!tap_hand_over_kept(tap) && !last)
            return;
        tap->replay_unix_us += REPLAY_STEP_US;
        if (tap->replay_unix_us >= present_us)
            tap->replay_unix_us = 0; /* the past is over */
    }
    tap->waits = false;
}

void tap_read_all(struct tap *tap, uint64_t now_us, bool last)
{
    tap->waits = !tap_hand_over_kept(tap);
    if (tap->waits && !last)
        return;
    if (tap->listens) {
        tap_find_voices(tap, now_us);
    } else if (!tap->stopping) {
        find_picture(tap, now_us, true);
        tap_find_voices(tap, now_us);
    }
    if (tap->replay_unix_us)
        replay(tap, now_us, last);
    if (tap->replay_unix_us)
        return;
    if (last)
        tap_drop_kept(tap);
    read_each(tap, now_us, last);
    if (tap->picture.track && !tap->stopping)
        follow_best(tap, now_us, &tap->picture);
}

void tap_pass_on(struct tap *tap, uint64_t now_us)
{
    struct record_batch *b = tap->batch ? tap->batch
                                        : tap_batch_new(tap, RECORD_DATA, time_of(tap, now_us));
    tap->batch = NULL;
    if (b) {
        b->unix_us = time_of(tap, now_us);
        b->sound_until_us = tap->sound_until_us;
    }
    hand_over(tap, b);
}

/* The end */

static void set_end(struct tap_source *s)
{
    if (!s->track)
        return;
    s->end_seq = tape_head(s->encoding->tape);
    if (s->end_seq == 0 || s->cursor.next == 0) { /* there is nothing, or nothing more */
        s->end_seq = 1;
        s->cursor.next = 2;
    }
}

void tap_set_end(struct tap *tap)
{
    set_end(&tap->picture);
    for (size_t i = 0; i < TAP_SOURCES; i++)
        set_end(&tap->audio[i]);
}

static bool is_done(const struct tap_source *s)
{
    return !s->track || (s->end_seq && s->cursor.next > s->end_seq);
}

bool tap_is_done(const struct tap *tap)
{
    bool done = !tap->replay_unix_us && !tap->kept && is_done(&tap->picture);
    for (size_t i = 0; i < TAP_SOURCES; i++)
        done = done && is_done(&tap->audio[i]);
    return done;
}
