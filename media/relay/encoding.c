// SPDX-License-Identifier: Apache-2.0
/* One RTP stream of a track, from the publisher onto the tape and to the slots. */
#include "media/relay/encoding.h"

#include <stdlib.h>

#include "base/er.h"
#include "base/limits.h"
#include "media/relay/relay.h"

#define REORDER_US 5000u /* a packet this late is only reordered, not lost */
#define DEFAULT_RTT_US 100000u
#define TRIM_EVERY_US 1000000u
#define ASK_AT_ONCE 64       /* packets named in one request */
#define FIRST_KEY_US 100000u /* publishers begin with a key frame by themselves */
#define SILENT_US 250000u
#define DARK_US 1000000u /* silent for so long a path was broken */
#define OLD_US                                                                                     \
    1000000u /* viewers have no use any more for what is older than the newest by so much */
#define SILENT_PICTURES                                                                            \
    4 /* of each other encoding, so that still pictures are not taken for silence */

static struct tape_limits tape_limits_for(enum media_kind kind)
{
    bool video = kind == MEDIA_VIDEO;
    return (struct tape_limits){
        .packets = video ? LIMIT_TAPE_VIDEO_PACKETS : LIMIT_TAPE_AUDIO_PACKETS,
        .frames = video ? LIMIT_TAPE_FRAMES : 0,
        .keep_us = (uint64_t)LIMIT_TAPE_MS * 1000u,
        .gop_packets = LIMIT_GOP_PACKETS,
    };
}

static void arm(struct encoding *e);

void encoding_keep(struct encoding *e, uint64_t now_us)
{
    const struct track *t = e->track;
    bool video = t->kind == MEDIA_VIDEO;
    const struct tape_keeping keeping = {.keep_us = t->keeping.keep_us,
                                         .packets = video ? LIMIT_LOOKBACK_PACKETS
                                                          : LIMIT_LOOKBACK_AUDIO_PACKETS,
                                         .bytes = LIMIT_LOOKBACK_TAPE_BYTES,
                                         .budget = t->keeping.budget};
    tape_keep(e->tape, keeping.keep_us ? &keeping : NULL, now_us);
    if (!keeping.keep_us)
        e->kept_from = 0;
    else if (e->kept_from == 0)
        e->kept_from = tape_head(e->tape) + 1;
    if (keeping.keep_us && t->nack)
        healer_begin(&e->healer, tape_head(e->tape));
    else
        healer_end(&e->healer);
    arm(e);
}

int encoding_new(struct encoding **ret, struct track *t, uint8_t rid, uint64_t now_us)
{
    struct encoding *e = calloc(1, sizeof *e);
    if (!e)
        return ER_NOMEM;
    e->track = t;
    e->rid = rid;
    e->since_us = now_us;
    list_init(&e->slots);
    struct tape_limits limits = tape_limits_for(t->kind);
    if (tape_new(&e->tape, &limits) != 0) {
        encoding_free(e);
        return ER_NOMEM;
    }
    if (t->keeping.keep_us)
        encoding_keep(e, now_us);
    *ret = e;
    return 0;
}

void encoding_free(struct encoding *e)
{
    if (!e)
        return;
    heap_remove(&e->track->room->encoding_timers, &e->timer);
    list_remove(&e->in_pending);
    tape_free(e->tape);
    free(e);
}

/** When the next key-frame request may go out. */
static uint64_t key_due_us(const struct encoding *e)
{
    if (e->key_asked_us)
        return e->key_asked_us + LIMIT_PLI_INTERVAL_US;
    return e->key_seen ? 0 : e->since_us + FIRST_KEY_US;
}

static void arm(struct encoding *e)
{
    uint64_t at = e->track->nack ? nacker_deadline_us(&e->nacker) : HEAP_NEVER;
    if (e->key_wanted && key_due_us(e) < at)
        at = key_due_us(e);
    if (e->trim_at_us && e->trim_at_us < at)
        at = e->trim_at_us;
    if (healer_deadline_us(&e->healer) < at)
        at = healer_deadline_us(&e->healer);
    if (e->timer.place == 0 || e->timer.at_us != at)
        heap_set(&e->track->room->encoding_timers, &e->timer, at);
}

static void apply_extras(struct tape_packet *head, const struct track_extras *extras)
{
    if (extras->has_audio_level) {
        head->flags |= TAPE_HAS_AUDIO_LEVEL;
        head->audio_level = extras->audio_level;
    }
}

/** A picture of one encoding is one that the others may have stopped to send. */
static void note_picture(struct encoding *e, const struct tape_packet *p)
{
    const struct track *t = e->track;
    if (p->payload_len > 0)
        e->missed = 0;
    for (size_t i = 0; (p->flags & TAPE_FRAME_START) && i < t->encoding_count; i++)
        if (t->encodings[i] != e)
            t->encodings[i]->missed++;
}

/** Publishers begin and end spatial layers with a key picture, which has all that there are. */
static void note_spatial(struct encoding *e, const struct tape_packet *p)
{
    if (p->flags & TAPE_KEY_FRAME) {
        e->key_timestamp = p->timestamp;
        e->key_spatial = 0;
    }
    if (p->timestamp == e->key_timestamp && p->spatial_id > e->key_spatial)
        e->key_spatial = p->spatial_id;
    if (p->timestamp > e->key_timestamp && e->key_timestamp) { /* it is over */
        e->top_spatial = e->key_spatial;
        e->key_timestamp = 0;
    }
    if (p->spatial_id > e->top_spatial)
        e->top_spatial = p->spatial_id;
}

static void note_layers(struct encoding *e, uint64_t now_us, const struct tape_packet *p)
{
    struct track *t = e->track;
    layer_meter_note(&e->meter, now_us, p);
    note_spatial(e, p);
    if (p->temporal_id > e->top_temporal)
        e->top_temporal = p->temporal_id;
    if (t->timer.place == 0 && (t->encoding_count > 1 || e->top_spatial > 0))
        track_watch(t, now_us);
    if (!(p->flags & TAPE_KEY_FRAME))
        return;
    e->key_wanted = false;
    e->key_seen = true;
    e->key_us = now_us;
    bool resized = p->width && (p->width != e->width || p->height != e->height);
    e->width = p->width;
    e->height = p->height;
    if (resized)
        track_order_encodings(e->track);
}

/** Where packets are sent again as RTX, what comes as itself was only late; else, what comes sooner
 *  than an answer can. True when it was sent again. */
static bool note_recovery(struct encoding *e, bool by_rtx)
{
    struct track *t = e->track;
    e->rtx_seen = e->rtx_seen || by_rtx;
    bool late = e->rtx_seen ? !by_rtx : e->nacker.missed_us < t->rtt_us / 2;
    t->counters.recovered++;
    if (e->nacker.asked && late)
        nacker_was_late(&e->nacker);
    uint64_t sample = e->nacker.rtt_sample_us;
    if (sample && e->nacker.asked)
        t->rtt_us = t->rtt_us ? (t->rtt_us * 7 + sample) / 8 : sample;
    return e->nacker.asked;
}

static bool is_silent(const struct encoding *e, uint64_t now_us)
{
    return e->heard_us && now_us - e->heard_us >= DARK_US;
}

/** What was asked before the light came did not arrive. */
static void ask_after_darkness(struct encoding *e, uint64_t now_us)
{
    if (e->lit_us && now_us - e->lit_us < DARK_US)
        return;
    e->lit_us = now_us;
    e->key_asked_us = 0;
    encoding_want_key_frame(e, now_us);
}

/** There is light for all that this publisher sends. Sound, which comes most often, sees it first. */
static void note_light(struct track *sound, uint64_t now_us)
{
    list_each (t, &sound->room->tracks, struct track, in_room) {
        for (size_t i = 0; t->sender_clock == sound->sender_clock && i < t->encoding_count; i++) {
            struct encoding *e = t->encodings[i];
            if (t->kind == MEDIA_VIDEO && t->nack && is_silent(e, now_us) && !list_empty(&e->slots))
                ask_after_darkness(e, now_us);
        }
    }
}

/** The publisher's path was dark. To ask for all that was sent meanwhile would only stand in the way of
 *  what helps: a new picture, now. */
static void note_darkness(struct encoding *e, uint64_t now_us, int64_t seq, bool recovered)
{
    if (recovered || !is_silent(e, now_us) || seq <= e->reception.highest_seq + 1)
        return;
    if (e->track->kind == MEDIA_AUDIO)
        note_light(e->track, now_us);
    if (!e->track->nack)
        return;
    nacker_skip(&e->nacker, seq);
    ask_after_darkness(e, now_us);
}

static bool note_sequence(struct encoding *e, uint64_t now_us, int64_t seq, bool recovered)
{
    note_darkness(e, now_us, seq, recovered);
    if (!e->track->nack)
        return recovered;
    switch (nacker_see(&e->nacker, seq, now_us, REORDER_US)) {
    case NACKER_RECOVERED:
        return note_recovery(e, recovered) || recovered;
    case NACKER_OVERFLOW:
        encoding_want_key_frame(e, now_us);
        break;
    case NACKER_IN_ORDER:
        break;
    }
    return recovered;
}

void encoding_flush(struct encoding *e, uint64_t now_us)
{
    const struct tape_packet *packets[LIMIT_TURN_PACKETS];
    size_t count = 0;
    const struct room *r = e->track->room;
    if (r->mirrored && e->pending_count > 0)
        r->config.ops->mirror(r->config.ops_ctx, e, e->pending, e->pending_count);
    for (size_t i = 0; i < e->pending_count; i++) {
        packets[count] = tape_find(e->tape, e->pending[i]);
        count += packets[count] != NULL; /* a leap of the publisher's may have pushed it out */
    }
    e->pending_count = 0;
    list_remove(&e->in_pending);
    if (count == 0)
        return;
    list_each_safe (s, &e->slots, struct slot, in_encoding)
        slot_forward(s, now_us, packets, count);
    if (!list_empty(&e->slots)) {
        struct list *first = e->slots.next;
        list_remove(first);
        list_append(&e->slots, first);
    }
    if (!list_empty(&e->track->waiting))
        slots_begin_with(e, now_us, packets, count);
}

static void gather(struct encoding *e, uint64_t now_us, int64_t seq)
{
    struct list *pending = e->track->room->config.pending;
    e->pending[e->pending_count++] = seq;
    if (!pending || e->pending_count == LIMIT_TURN_PACKETS)
        encoding_flush(e, now_us);
    else if (!list_linked(&e->in_pending))
        list_append(pending, &e->in_pending);
}

/** It came for a recorder only. */
static bool is_old(const struct encoding *e, const struct tape_packet *p)
{
    const struct track *t = e->track;
    int64_t old = (int64_t)t->clock_rate * (int64_t)(OLD_US / 1000) / 1000;
    return t->keeping.keep_us && p->timestamp + old < e->ts.last;
}

/** Everything that follows from a packet that is on the tape now. */
static void take(struct encoding *e, uint64_t now_us, const struct tape_packet *p)
{
    struct track *t = e->track;
    bool next = p->seq == e->nacker.highest + 1 || e->nacker.highest == 0;
    bool again = note_sequence(e, now_us, p->seq, p->flags & TAPE_RECOVERED);
    healer_note(&e->healer, now_us, !next);
    e->packets++;
    e->bytes += p->payload_len;
    t->counters.packets++;
    t->counters.bytes += p->payload_len;
    if (!again) { /* else the publisher would think that nothing was lost, and leave out FEC */
        if (p->payload_len > 0) /* padding may probe the path for what has stopped */
            e->heard_us = t->heard_us = now_us;
        reception_note(&e->reception, p->seq, p->timestamp, t->clock_rate, now_us);
        track_clock_note_arrival(&e->clock, p->timestamp, now_us + t->room->config.unix_offset_us);
    }
    if (t->kind == MEDIA_VIDEO) {
        note_picture(e, p);
        note_layers(e, now_us, p);
    }
    if (!is_old(e, p))
        gather(e, now_us, p->seq);
    if (e->trim_at_us == 0)
        e->trim_at_us = now_us + TRIM_EVERY_US;
    arm(e);
}

/** SRTP lets nothing pass that is further behind than its window: what seems to be is of the next round,
 *  and all in between was lost. */
static int64_t number_of(struct encoding *e, uint16_t seq, bool recovered)
{
    int64_t highest = e->seq.highest;
    int64_t number = seq_extend(&e->seq, seq);
    if (!recovered && number < highest - LIMIT_SRTP_WINDOW)
        e->seq.highest = number += 65536;
    return number;
}

int encoding_receive(struct encoding *e, uint64_t now_us, const struct rtp_packet *packet,
                     const struct track_extras *extras, bool recovered)
{
    struct track *t = e->track;
    struct tape_packet head = {0};
    struct tape_input in = {.head = &head, .payload = packet->payload};
    if (packet->payload_len > LIMIT_RTP_PACKET)
        return ER_MALFORMED;
    if (recovered && seq_diff(packet->seq, (uint16_t)e->seq.highest) > 0)
        return ER_STALE; /* nobody asked for it: a probe, or of the source before this one */
    int er = payload_describe(&e->reader, t->codec, packet, extras->descriptor, &head);
    if (er != 0)
        return er;
    if (head.descriptor_len)
        in.descriptor = extras->descriptor->at;
    apply_extras(&head, extras);
    head.seq = number_of(e, packet->seq, recovered);
    head.timestamp = ts_extend(&e->ts, packet->timestamp);
    head.arrival_us = now_us;
    head.payload_len = (uint16_t)packet->payload_len;
    if (recovered)
        head.flags |= TAPE_RECOVERED;
    const struct tape_packet *p;
    er = tape_append(e->tape, &in, &p);
    if (er == 0)
        take(e, now_us, p);
    else
        t->counters.duplicates += er == ER_STALE;
    return er;
}

int encoding_share(struct encoding *e, uint64_t now_us, struct slab *slab,
                   const struct tape_packet *packet)
{
    int er = tape_append_shared(e->tape, slab, packet);
    if (er == 0)
        take(e, now_us, packet);
    return er;
}

void encoding_sender_report(struct encoding *e, uint64_t now_us, uint64_t ntp,
                            uint32_t rtp_timestamp)
{
    reception_note_sr(&e->reception, ntp, now_us);
    if (ntp == 0 || e->ts.last == 0)
        return; /* a sender without a wall clock, or nothing to relate it to yet */
    struct track *t = e->track;
    struct ts_extender probe = e->ts;
    sender_clock_note(t->sender_clock, ntp, now_us + t->room->config.unix_offset_us);
    track_clock_note_sr(&e->clock, ts_extend(&probe, rtp_timestamp), ntp);
}

void encoding_want_key_frame(struct encoding *e, uint64_t now_us)
{
    struct track *t = e->track;
    if (t->kind != MEDIA_VIDEO)
        return;
    e->key_wanted = true;
    if (now_us >= key_due_us(e)) {
        e->key_asked_us = now_us;
        t->counters.key_requests++;
        t->room->config.ops->ask_key_frame(t->room->config.ops_ctx, e);
    }
    arm(e);
}

void encoding_ask_in_the_dark(struct encoding *e)
{
    struct track *t = e->track;
    if (t->kind == MEDIA_VIDEO && !list_empty(&e->slots))
        t->room->config.ops->ask_key_frame(t->room->config.ops_ctx, e);
}

uint64_t encoding_capture_unix_us(const struct encoding *e, const struct tape_packet *p)
{
    const struct track *t = e->track;
    return track_clock_unix_us(&e->clock, t->sender_clock, t->clock_rate, p->timestamp);
}

bool encoding_flows(const struct encoding *e)
{
    const struct track *t = e->track;
    return e->missed < SILENT_PICTURES * (t->encoding_count - 1) ||
           e->heard_us + SILENT_US >= t->heard_us;
}

const struct tape_packet *encoding_whole_since_key(const struct encoding *e, int64_t packets)
{
    const struct tape_frame *key = tape_last_key(e->tape);
    if (!key || tape_head(e->tape) - key->first_seq >= packets)
        return NULL;
    for (int64_t at = key->first_seq; at <= tape_head(e->tape); at++)
        if (!tape_find(e->tape, at))
            return NULL;
    return tape_find(e->tape, key->first_seq);
}

static void ask_missing(struct encoding *e, uint64_t now_us)
{
    struct track *t = e->track;
    int64_t seqs[ASK_AT_ONCE];
    unsigned given_up;
    uint64_t rtt_us = t->rtt_us ? t->rtt_us : DEFAULT_RTT_US;
    size_t n = nacker_collect(&e->nacker, now_us, rtt_us, seqs, ASK_AT_ONCE, &given_up);
    /* On a bad path the request is as likely to be lost as the packets were: it is sent twice. */
    for (int copies = nacker_is_lossy(&e->nacker) ? 2 : 1; n > 0 && copies > 0; copies--)
        t->room->config.ops->ask_packets(t->room->config.ops_ctx, e, seqs, n);
    t->counters.given_up += given_up;
    if (given_up > 0)
        encoding_want_key_frame(e, now_us);
}

/** For a recorder. */
static void ask_old(struct encoding *e, uint64_t now_us)
{
    struct track *t = e->track;
    int64_t seqs[ASK_AT_ONCE];
    size_t n = healer_collect(&e->healer, e->tape, &e->nacker, now_us, t->clock_rate,
                              t->rtt_us ? t->rtt_us : DEFAULT_RTT_US, seqs, ASK_AT_ONCE);
    if (n > 0)
        t->room->config.ops->ask_packets(t->room->config.ops_ctx, e, seqs, n);
}

void encoding_expire(struct encoding *e, uint64_t now_us)
{
    if (e->track->nack) {
        ask_missing(e, now_us);
        ask_old(e, now_us);
    }
    if (e->key_wanted)
        encoding_want_key_frame(e, now_us);
    if (e->trim_at_us && now_us >= e->trim_at_us) {
        tape_trim(e->tape, now_us);
        const struct track *t = e->track;
        if (t->keeping.key_every_us && now_us - e->key_us >= t->keeping.key_every_us &&
            e->heard_us + TRIM_EVERY_US > now_us && track_best(t) == e)
            encoding_want_key_frame(e, now_us);
        e->trim_at_us = tape_head(e->tape) ? now_us + TRIM_EVERY_US : 0;
    }
    arm(e);
}
