// SPDX-License-Identifier: Apache-2.0
/* A published track: packets onto the tape, losses asked for, key frames asked for, and every packet
 * to the slots that show it. */
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "media/relay/relay.h"
#include "media/wire/opus.h"
#include "media/wire/vp8.h"

#define REORDER_US 5000u /* a packet this late is only reordered, not lost */
#define DEFAULT_RTT_US 100000u
#define TRIM_EVERY_US 1000000u
#define ASK_AT_ONCE 64 /* packets named in one request */

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

int track_new(struct track **ret, struct room *r, const struct track_config *config,
              uint64_t now_us)
{
    const struct codec_info *codec = codec_describe(config->codec);
    if (!codec)
        return ER_UNSUPPORTED;
    struct track *t = calloc(1, sizeof *t);
    if (!t)
        return ER_NOMEM;
    t->room = r;
    t->owner = config->owner;
    t->id = config->id;
    t->rank = config->rank;
    t->since_us = now_us;
    t->kind = codec->kind;
    t->codec = config->codec;
    t->clock_rate = codec->clock_rate;
    t->nack = config->nack;
    t->sender_clock = config->clock;
    list_init(&t->slots);
    t->identity = strdup(config->identity);
    struct tape_limits limits = tape_limits_for(t->kind);
    if (!t->identity || tape_new(&t->tape, &limits) != 0) {
        track_free(t, now_us);
        return ER_NOMEM;
    }
    list_append(&r->tracks, &t->in_room);
    r->track_count++;
    *ret = t;
    room_assign(r, now_us);
    return 0;
}

void track_free(struct track *t, uint64_t now_us)
{
    if (!t)
        return;
    struct room *r = t->room;
    heap_remove(&r->track_timers, &t->timer);
    list_remove(&t->in_pending);
    if (list_linked(&t->in_room)) {
        list_remove(&t->in_room);
        r->track_count--;
    }
    list_each_safe (s, &t->slots, struct slot, in_track) {
        slot_show(s, NULL, now_us);
        room_assign_slot(r, s, now_us);
        if (!s->track)
            r->config.ops->slot_changed(r->config.ops_ctx, s);
    }
    room_assign(r, now_us); /* the main publisher may be another one now */
    tape_free(t->tape);
    free(t->identity);
    free(t);
}

static void arm(struct track *t)
{
    uint64_t at = t->nack ? nacker_deadline_us(&t->nacker) : HEAP_NEVER;
    if (t->key_wanted && t->key_asked_us + LIMIT_PLI_INTERVAL_US < at)
        at = t->key_asked_us + LIMIT_PLI_INTERVAL_US;
    if (t->trim_at_us && t->trim_at_us < at)
        at = t->trim_at_us;
    heap_set(&t->room->track_timers, &t->timer, at);
}

/** What the payload says, into the tape's terms. */
static int describe(struct track *t, const struct rtp_packet *packet, struct tape_packet *head)
{
    head->codec = (uint8_t)t->codec;
    if (packet->marker && packet->payload_len > 0)
        head->flags |= TAPE_MARKER;
    if (packet->payload_len == 0)
        return 0; /* padding that a sender probes with; it still takes a number */
    if (t->codec == CODEC_OPUS) {
        uint32_t samples;
        return opus_duration(packet->payload, packet->payload_len, &samples);
    }
    struct vp8_payload vp8;
    int er = vp8_parse(packet->payload, packet->payload_len, &vp8);
    if (er != 0)
        return er;
    if (vp8.start)
        head->flags |= TAPE_FRAME_START;
    if (vp8.start && vp8.key_frame) {
        head->flags |= TAPE_KEY_FRAME;
        head->width = vp8.width;
        head->height = vp8.height;
    }
    if (vp8.non_reference)
        head->flags |= TAPE_NON_REFERENCE;
    head->temporal_id = vp8.temporal_id;
    return 0;
}

static void apply_extras(struct tape_packet *head, const struct track_extras *extras)
{
    if (extras->has_audio_level) {
        head->flags |= TAPE_HAS_AUDIO_LEVEL;
        head->audio_level = extras->audio_level;
    }
}

static void note_key_frame(struct track *t, const struct tape_packet *p)
{
    t->key_wanted = false;
    t->width = p->width;
    t->height = p->height;
}

static void note_recovery(struct track *t, bool by_rtx)
{
    t->counters.recovered++;
    uint64_t sample = t->nacker.rtt_sample_us;
    if (by_rtx && sample)
        t->rtt_us = t->rtt_us ? (t->rtt_us * 7 + sample) / 8 : sample;
}

static void note_sequence(struct track *t, uint64_t now_us, int64_t seq, bool recovered)
{
    if (!t->nack)
        return;
    switch (nacker_see(&t->nacker, seq, now_us, REORDER_US)) {
    case NACKER_RECOVERED:
        note_recovery(t, recovered);
        break;
    case NACKER_OVERFLOW:
        if (t->kind == MEDIA_VIDEO)
            track_want_key_frame(t, now_us);
        break;
    case NACKER_IN_ORDER:
        break;
    }
}

void track_flush(struct track *t, uint64_t now_us)
{
    const struct tape_packet *packets[LIMIT_TURN_PACKETS];
    size_t count = 0;
    for (size_t i = 0; i < t->pending_count; i++) {
        packets[count] = tape_find(t->tape, t->pending[i]);
        count += packets[count] != NULL; /* a leap of the publisher's may have pushed it out */
    }
    t->pending_count = 0;
    list_remove(&t->in_pending);
    list_each (s, &t->slots, struct slot, in_track)
        slot_forward(s, now_us, packets, count);
    if (count > 0 && !list_empty(&t->slots)) {
        struct list *first = t->slots.next;
        list_remove(first);
        list_append(&t->slots, first);
    }
}

static void gather(struct track *t, uint64_t now_us, int64_t seq)
{
    struct list *pending = t->room->config.pending;
    t->pending[t->pending_count++] = seq;
    if (!pending || t->pending_count == LIMIT_TURN_PACKETS)
        track_flush(t, now_us);
    else if (!list_linked(&t->in_pending))
        list_append(pending, &t->in_pending);
}

int track_receive(struct track *t, uint64_t now_us, const struct rtp_packet *packet,
                  const struct track_extras *extras, bool recovered)
{
    struct tape_packet head = {0};
    struct tape_input in = {.head = &head, .payload = packet->payload};
    if (packet->payload_len > LIMIT_RTP_PACKET)
        return ER_MALFORMED;
    if (recovered && seq_diff(packet->seq, (uint16_t)t->seq.highest) > 0)
        return ER_STALE; /* nobody asked for it: a probe, or of the source before this one */
    int er = describe(t, packet, &head);
    if (er != 0)
        return er;
    apply_extras(&head, extras);
    head.seq = seq_extend(&t->seq, packet->seq);
    head.timestamp = ts_extend(&t->ts, packet->timestamp);
    head.arrival_us = now_us;
    head.payload_len = (uint16_t)packet->payload_len;
    if (recovered)
        head.flags |= TAPE_RECOVERED;
    const struct tape_packet *p;
    er = tape_append(t->tape, &in, &p);
    if (er != 0) {
        t->counters.duplicates += er == ER_STALE;
        return er;
    }
    t->counters.packets++;
    t->counters.bytes += p->payload_len;
    if (!recovered) {
        reception_note(&t->reception, p->seq, p->timestamp, t->clock_rate, now_us);
        track_clock_note_arrival(&t->clock, p->timestamp, now_us + t->room->config.unix_offset_us);
    }
    note_sequence(t, now_us, p->seq, recovered);
    if (p->flags & TAPE_KEY_FRAME)
        note_key_frame(t, p);
    gather(t, now_us, p->seq);
    if (t->trim_at_us == 0)
        t->trim_at_us = now_us + TRIM_EVERY_US;
    arm(t);
    return 0;
}

void track_sender_report(struct track *t, uint64_t now_us, uint64_t ntp, uint32_t rtp_timestamp)
{
    reception_note_sr(&t->reception, ntp, now_us);
    if (ntp == 0 || t->ts.last == 0)
        return; /* a sender without a wall clock, or nothing to relate it to yet */
    struct ts_extender probe = t->ts;
    sender_clock_note(t->sender_clock, ntp, now_us + t->room->config.unix_offset_us);
    track_clock_note_sr(&t->clock, ts_extend(&probe, rtp_timestamp), ntp);
}

void track_want_key_frame(struct track *t, uint64_t now_us)
{
    if (t->kind != MEDIA_VIDEO)
        return;
    t->key_wanted = true;
    if (t->key_asked_us == 0 || now_us - t->key_asked_us >= LIMIT_PLI_INTERVAL_US) {
        t->key_asked_us = now_us;
        t->counters.key_requests++;
        t->room->config.ops->ask_key_frame(t->room->config.ops_ctx, t);
    }
    arm(t);
}

uint64_t track_capture_unix_us(const struct track *t, const struct tape_packet *p)
{
    return track_clock_unix_us(&t->clock, t->sender_clock, t->clock_rate, p->timestamp);
}

static void ask_missing(struct track *t, uint64_t now_us)
{
    int64_t seqs[ASK_AT_ONCE];
    unsigned given_up;
    uint64_t rtt_us = t->rtt_us ? t->rtt_us : DEFAULT_RTT_US;
    size_t n = nacker_collect(&t->nacker, now_us, rtt_us, seqs, ASK_AT_ONCE, &given_up);
    /* On a bad path the request is as likely to be lost as the packets were: it is sent twice. */
    for (int copies = nacker_is_lossy(&t->nacker) ? 2 : 1; n > 0 && copies > 0; copies--)
        t->room->config.ops->ask_packets(t->room->config.ops_ctx, t, seqs, n);
    t->counters.given_up += given_up;
    if (given_up > 0)
        track_want_key_frame(t, now_us);
}

void track_expire(struct track *t, uint64_t now_us)
{
    if (t->nack)
        ask_missing(t, now_us);
    if (t->key_wanted)
        track_want_key_frame(t, now_us);
    if (t->trim_at_us && now_us >= t->trim_at_us) {
        tape_trim(t->tape, now_us);
        t->trim_at_us = tape_head(t->tape) ? now_us + TRIM_EVERY_US : 0;
    }
    arm(t);
}
