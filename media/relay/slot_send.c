// SPDX-License-Identifier: Apache-2.0
/* What a slot sends: numbers are rewritten so that whatever it shows looks like one unbroken stream,
 * and what the viewer misses is sent again as it was. */
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "media/relay/downlink.h"
#include "media/relay/relay.h"
#include "media/wire/vp8.h"

#define CATCH_UP_PACKETS 16u    /* at a time, so that a joiner's link is not flooded: */
#define CATCH_UP_EVERY_US 5000u /* about 30 Mbit/s */
#define LATE_US 400000u         /* pictures that had to wait so long are passed over, */
#define LATE_FIRST_US 1500000u  /* but not while it begins */
#define SQUEEZE 33              /* pictures behind the head are sent this much closer in time */
#define LEADING_PACKETS 128     /* by then a viewer knows the SSRC */
#define FIRST_SEQ_MAX 16384u    /* below 32768: SRTP roll-over sync */
#define LEAD_MAX_US 1000000     /* clocks of one person's encodings differ by less */
#define LOSSY_FRACTION 8        /* of 256: 3% */
#define VERY_LOSSY_FRACTION 38  /* 15% */
#define ASKED_LONG_US 600000u   /* browsers ask ten times, most often within a second */
#define COPY_US 40000u          /* after an answer: most runs of losses are over by then */
#define NOTICED_US 35000u       /* a picture later, most often, a loss is noticed */
#define UNKNOWN_RTT_US 100000u
#define VIEWER_ASKS_US 100000u /* browsers that only watch know no round trip, and ask so often */
#define BUDGET_WINDOW_US 1000000u
#define BUDGET_FLOOR_BYTES 65536u
#define PROBE_CHOICE 48 /* of the last packets one of fitting size is sent once more */
#define UNHEARD_EVERY_US 500000u
#define HEADERS_BYTES 60 /* what a packet costs besides its payload; it may have none */

/* struct slot_sent, state */
enum { SENT_THERE = 1, SENT_LEADING = 2, SENT_EMPTY = 4, SENT_MARKER = 8, SENT_AGAIN = 16 };

/* Where a stretch lies in number and in time */

static int64_t squeezed(int64_t ticks)
{
    return (ticks + SQUEEZE - 1) / SQUEEZE;
}

/** A source timestamp in the slot's numbering; rises with it, whatever order packets come in. */
static int64_t slot_timestamp(const struct slot *s, int64_t timestamp)
{
    if (timestamp >= s->squeeze_until)
        return timestamp + s->ts_delta;
    return s->squeeze_until + s->ts_delta - squeezed(s->squeeze_until - timestamp);
}

/** Another encoding of the same picture: the time goes on as its publisher's clocks say. What was
 *  captured before what the viewer has is squeezed behind that. False when they do not say. */
static bool align_time(struct slot *s, const struct encoding *e, const struct tape_packet *first,
                       const struct tape_packet *head, int64_t elapsed)
{
    const struct encoding *old = s->encoding;
    if (!old || old->track != e->track || !old->clock.from_sr || !e->clock.from_sr)
        return false;
    const struct track *t = e->track;
    uint64_t unix_us = encoding_capture_unix_us(e, head);
    int64_t at = track_clock_timestamp(&old->clock, t->sender_clock, t->clock_rate, unix_us);
    int64_t delta = at + s->ts_delta - head->timestamp;
    int64_t lead = s->last_ts + 1 - (first->timestamp + delta);
    int64_t lead_max = (int64_t)t->clock_rate * LEAD_MAX_US / 1000000;
    int64_t behind = head->timestamp - first->timestamp;
    if (lead > lead_max + behind || lead < -lead_max - elapsed)
        return false;
    s->ts_delta = delta;
    s->squeeze_until = first->timestamp;
    if (lead > 0)
        s->squeeze_until += lead + lead / (SQUEEZE - 1) + 2;
    if (s->squeeze_until < head->timestamp && behind > 0)
        s->squeeze_until = head->timestamp;
    return true;
}

/** Where the time goes on: the first ever at random, else behind what was sent before. What lies
 *  between `first` and `head` is squeezed, so that the viewer shows it at once. */
static void place_time(struct slot *s, const struct encoding *e, const struct tape_packet *first,
                       const struct tape_packet *head, uint64_t random, uint64_t now_us)
{
    int64_t out_ts;
    int64_t elapsed = (int64_t)((now_us - s->last_sent_us) * e->track->clock_rate / 1000000u);
    if (s->last_ts == 0) {
        out_ts = ((int64_t)1 << 32) + (int64_t)(random >> 32);
    } else if (align_time(s, e, first, head, elapsed)) {
        return;
    } else {
        int64_t behind = head->timestamp > first->timestamp ? head->timestamp - first->timestamp
                                                            : 0;
        out_ts = s->last_ts + 1 + elapsed;
        if (out_ts <= s->last_ts + squeezed(behind))
            out_ts = s->last_ts + squeezed(behind) + 1;
    }
    s->ts_delta = out_ts - head->timestamp;
    s->squeeze_until = head->timestamp;
}

int slot_begin(struct slot *s, struct encoding *e, int64_t first_seq, uint64_t now_us)
{
    if ((s->kind == MEDIA_VIDEO || s->nack) && !s->sent) {
        s->sent_size = s->kind == MEDIA_VIDEO ? LIMIT_SENT_HISTORY : LIMIT_SENT_AUDIO;
        if (!s->resent)
            s->resent = calloc(LIMIT_RESENT, sizeof *s->resent);
        s->sent = s->resent ? calloc(s->sent_size, sizeof *s->sent) : NULL;
        if (!s->sent)
            return ER_NOMEM;
    }
    uint64_t random = s->stretch_out ? 0 : entropy_u64(s->room->config.entropy);
    s->stretch_out = s->stretch_out ? seqmap_last(&s->seqs) + 1
                                    : 65537 + (int64_t)(random % FIRST_SEQ_MAX);
    place_time(s, e, tape_find(e->tape, first_seq), tape_find(e->tape, tape_head(e->tape)), random,
               now_us);
    seqmap_begin(&s->seqs, first_seq, s->stretch_out);
    picture_map_begin(&s->pictures);
    struct layer_aim limits = slot_limits(s);
    layer_filter_begin(&s->layers, &limits);
    if (s->noted == 0)
        s->noted = s->stretch_out - 1;
    list_remove(&s->in_encoding);
    list_append(&e->slots, &s->in_encoding);
    s->counters.switches += s->encoding && s->encoding != e;
    s->encoding = e;
    s->stretch_us = now_us;
    s->catching_up = true;
    tape_cursor_init(&s->cursor, e->tape, first_seq);
    slot_catch_up(s, now_us);
    return 0;
}

/* Sending */

/** True while retransmissions stay within their share of what the viewer gets. */
static bool within_budget(struct slot *s, uint64_t now_us, uint32_t bytes)
{
    if (now_us - s->resend_window_us >= BUDGET_WINDOW_US) {
        s->resend_window_us = now_us;
        s->resend_bytes = 0;
        s->window_bytes = 0;
    }
    uint64_t allowed = s->window_bytes * LIMIT_RTX_KBPS_SHARE / 100 + BUDGET_FLOOR_BYTES;
    uint32_t carried = s->downlink ? downlink_resend_bytes(s->downlink) : UINT32_MAX;
    if (allowed > carried)
        allowed = carried;
    if (s->resend_bytes + bytes > allowed)
        return false;
    s->resend_bytes += bytes;
    return true;
}

/** A second time, when the budget allows. */
static bool send_again(struct slot *s, uint64_t now_us, struct relay_packet *out)
{
    if (!within_budget(s, now_us, out->from->payload_len + HEADERS_BYTES)) {
        s->counters.refused++;
        return false;
    }
    out->now_us = now_us;
    out->retransmission = true;
    s->counters.retransmitted++;
    s->room->config.ops->send(s->room->config.ops_ctx, s, out);
    return true;
}

/** The packet that a note speaks of. */
static struct relay_packet make_packet(const struct slot *s, const struct tape_packet *p,
                                       int64_t seq, const struct slot_sent *note)
{
    struct relay_packet out = {.from = p,
                               .seq = (uint16_t)seq,
                               .timestamp = (uint32_t)slot_timestamp(s, p->timestamp),
                               .marker = note->state & SENT_MARKER,
                               .leading = note->state & SENT_LEADING,
                               .empty = note->state & SENT_EMPTY};
    bool other = (p->flags & TAPE_HAS_PICTURE_ID) &&
                 (note->picture_id != p->picture_id ||
                  ((p->flags & TAPE_HAS_TL0_INDEX) && note->tl0_index != p->tl0_index));
    if (other && !out.empty)
        out.patch_len = (uint8_t)vp8_patch(p->payload, p->payload_len, note->picture_id,
                                           note->tl0_index, out.patch);
    return out;
}

static void note_sent(struct slot *s, int64_t seq, const struct slot_sent *note)
{
    if (!s->sent || seq <= s->noted - s->sent_size)
        return; /* it came so late that its place tells of a newer one */
    if (seq > s->noted + s->sent_size)
        s->noted = seq - s->sent_size;
    while (s->noted < seq) /* what lies between has not been sent */
        s->sent[(uint64_t)++s->noted & (s->sent_size - 1)].state = 0;
    s->sent[(uint64_t)seq & (s->sent_size - 1)] = *note;
}

/** What is known of a packet's being sent again; the oldest place, made its own, where nothing is. */
static struct slot_resent *resent_place(struct slot *s, uint64_t now_us, int64_t seq)
{
    for (size_t i = 0; i < LIMIT_RESENT; i++)
        if (s->resent[i].seq == seq)
            return &s->resent[i];
    struct slot_resent *r = &s->resent[s->resent_next++ % LIMIT_RESENT];
    *r = (struct slot_resent){.seq = seq, .first_us = now_us};
    return r;
}

/** Once more: where losses come in runs, a copy that goes out at once would share the first one's fate. */
static void copy(struct slot *s, uint64_t now_us, int64_t seq, struct relay_packet *out)
{
    if (!s->loses_runs) {
        (void)send_again(s, now_us, out);
        return;
    }
    struct slot_resent *r = resent_place(s, now_us, seq);
    r->copy_us = now_us + COPY_US;
    if (s->copies.place == 0)
        (void)heap_set(&s->room->copy_timers, &s->copies, r->copy_us);
}

static void put(struct slot *s, uint64_t now_us, const struct tape_packet *p, int64_t seq,
                const struct slot_sent *note)
{
    struct relay_packet out = make_packet(s, p, seq, note);
    out.now_us = now_us;
    int64_t ts = slot_timestamp(s, p->timestamp);
    note_sent(s, seq, note);
    if (ts > s->last_ts)
        s->last_ts = ts;
    s->last_sent_us = now_us;
    s->counters.packets++;
    s->room->config.ops->send(s->room->config.ops_ctx, s, &out);
    if (out.empty)
        return;
    s->counters.bytes += p->payload_len;
    s->window_bytes += p->payload_len;
    /* It is late already: over a bad path it goes out twice. */
    if (s->sent && s->lossy && (p->flags & TAPE_RECOVERED))
        copy(s, now_us, seq, &out);
}

static struct slot_sent note_for(const struct slot *s, const struct tape_packet *p)
{
    uint8_t leading = s->counters.packets < LEADING_PACKETS ? SENT_LEADING : 0;
    return (struct slot_sent){.source_seq = (uint32_t)p->seq, .state = SENT_THERE | leading};
}

static void leave_out(struct slot *s, uint64_t now_us, const struct tape_packet *p)
{
    int64_t hole = seqmap_drop(&s->seqs, p->seq);
    if (p->flags & TAPE_HAS_PICTURE_ID)
        picture_map_drop(&s->pictures, p);
    if (hole == 0)
        return;
    struct slot_sent note = note_for(s, p);
    note.state |= SENT_EMPTY;
    put(s, now_us, p, hole, &note);
}

/** Somebody who missed 32768 packets in a row decrypts none of those that follow (RFC 3711, 3.3.1: the
 *  roll-over is guessed). Before it comes to that, nothing is sent but a packet now and then, so that
 *  its reports tell when the path is back. */
static bool is_unheard(struct slot *s, uint64_t now_us)
{
    if (!s->heard || seqmap_last(&s->seqs) - s->heard < LIMIT_UNHEARD_PACKETS)
        return false;
    s->unheard = true;
    return now_us - s->last_sent_us < UNHEARD_EVERY_US;
}

void slot_viewer_heard(struct slot *s, uint64_t now_us, uint16_t seq)
{
    int64_t last = seqmap_last(&s->seqs);
    int64_t heard = last + seq_diff(seq, (uint16_t)last);
    if (!s->stretch_out || heard > last || heard <= s->heard)
        return;
    s->heard = heard;
    if (!s->unheard || last - heard >= LIMIT_UNHEARD_PACKETS)
        return;
    s->unheard = false;
    if (s->encoding && s->kind == MEDIA_VIDEO)
        slot_skip(s, now_us);
}

static bool passes_filter(struct slot *s, const struct tape_packet *p)
{
    struct layer_aim limits = slot_limits(s);
    int8_t spatial = s->layers.spatial, temporal = s->layers.temporal;
    bool passes = layer_filter_passes(&s->layers, &limits, p);
    if (spatial != s->layers.spatial || temporal != s->layers.temporal)
        s->counters.switches++;
    return passes;
}

/** A packet of the stretch: out, or left out. */
static void pass(struct slot *s, uint64_t now_us, const struct tape_packet *p)
{
    if (p->seq < s->seqs.first)
        return;
    if (p->payload_len == 0 || !passes_filter(s, p) ||
        (p->seq > s->seqs.highest && is_unheard(s, now_us))) {
        leave_out(s, now_us, p);
        return;
    }
    int64_t seq = seqmap_pass(&s->seqs, p->seq);
    if (seq == 0)
        return;
    struct slot_sent note = note_for(s, p);
    if (layer_filter_marks(&s->layers, p))
        note.state |= SENT_MARKER;
    if (p->flags & TAPE_HAS_PICTURE_ID)
        picture_map_pass(&s->pictures, p, &note.picture_id, &note.tl0_index);
    put(s, now_us, p, seq, &note);
}

/** Sound never waits. */
static bool must_wait(const struct slot *s, uint64_t now_us)
{
    return s->downlink && s->kind == MEDIA_VIDEO && !downlink_may_send(s->downlink, now_us);
}

/** From `seq`, which nothing behind was sent of yet, on it reads the tape when it may. */
static void fall_behind(struct slot *s, int64_t seq)
{
    s->catching_up = true;
    tape_cursor_init(&s->cursor, s->encoding->tape, seq);
    (void)heap_set(&s->room->slot_timers, &s->timer, downlink_next_us(s->downlink));
}

void slot_forward(struct slot *s, uint64_t now_us, const struct tape_packet *const *packets,
                  size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!s->catching_up && packets[i]->seq > s->seqs.highest && must_wait(s, now_us))
            fall_behind(s, packets[i]->seq);
        /* While catching up, what is behind the cursor was missing when it passed. */
        if (!s->catching_up || packets[i]->seq < s->cursor.next)
            pass(s, now_us, packets[i]);
    }
}

/** It has to wait for its path: are its pictures too old by now? */
static bool is_late(const struct slot *s, uint64_t now_us)
{
    const struct tape_packet *p = tape_find(s->encoding->tape, s->cursor.next);
    /* What another worker took in may be newer than this one's turn. */
    return p && now_us > p->arrival_us && now_us - p->arrival_us > LATE_US &&
           now_us - s->stretch_us > LATE_FIRST_US;
}

void slot_catch_up(struct slot *s, uint64_t now_us)
{
    if (!s->catching_up)
        return;
    const struct tape *tape = s->encoding->tape;
    encoding_flush(s->encoding, now_us);
    for (unsigned sent = 0; sent < CATCH_UP_PACKETS;) {
        struct tape_read read;
        if (must_wait(s, now_us)) {
            if (is_late(s, now_us))
                slot_skip(s, now_us);
            else
                (void)heap_set(&s->room->slot_timers, &s->timer, downlink_next_us(s->downlink));
            return;
        }
        enum tape_step step = tape_cursor_next(&s->cursor, tape, now_us, 0, &read);
        if (step == TAPE_STEP_WAIT) {
            s->catching_up = false;
            return;
        }
        if (step == TAPE_STEP_PACKET) {
            pass(s, now_us, read.packet);
            slab_release(read.slab);
            sent++;
        }
    }
    if (s->cursor.next > tape_head(tape))
        s->catching_up = false;
    else
        heap_set(&s->room->slot_timers, &s->timer, now_us + CATCH_UP_EVERY_US);
}

/* Again */

/** What a note of this stretch speaks of, while the tape has it. */
static const struct tape_packet *sent_packet(const struct slot *s, const struct slot_sent *note)
{
    int64_t source = s->seqs.highest - (int32_t)((uint32_t)s->seqs.highest - note->source_seq);
    return tape_find(s->encoding->tape, source);
}

/** Was it sent again within the last round trip? Then its viewer asks because it cannot know yet. One
 *  who asks for long will soon give up, and later still ask for a key frame: that is done for it. */
static bool is_under_way(struct slot *s, uint64_t now_us, struct slot_resent *r)
{
    if (r->last_us && now_us - r->last_us < (s->very_lossy ? s->rtt_us / 2 : s->rtt_us))
        return true;
    if (now_us - r->first_us > ASKED_LONG_US)
        slot_ask_key_frame(s, s->encoding, now_us);
    r->last_us = now_us;
    return false;
}

/** The packet that went out under this number, while the tape has it; its note. */
static const struct tape_packet *find_sent(struct slot *s, int64_t seq, struct slot_sent **ret_note)
{
    if (seq > s->noted || seq <= s->noted - s->sent_size || seq < s->stretch_out)
        return NULL; /* not sent, forgotten, or of a stretch before */
    *ret_note = &s->sent[(uint64_t)seq & (s->sent_size - 1)];
    return (*ret_note)->state & SENT_THERE ? sent_packet(s, *ret_note) : NULL;
}

static void resend(struct slot *s, uint64_t now_us, uint16_t seq)
{
    int64_t out_seq = s->noted + seq_diff(seq, (uint16_t)s->noted);
    struct slot_sent *note;
    const struct tape_packet *p = find_sent(s, out_seq, &note);
    if (!p)
        return;
    struct slot_resent *r = resent_place(s, now_us, out_seq);
    if (is_under_way(s, now_us, r))
        return;
    struct relay_packet out = make_packet(s, p, out_seq, note);
    if (!send_again(s, now_us, &out))
        return;
    /* On a bad path, or when the last answer was lost as well, this one goes out twice. */
    if (s->lossy || (note->state & SENT_AGAIN))
        copy(s, now_us, out_seq, &out);
    note->state |= SENT_AGAIN;
}

void slot_send_copies(struct slot *s, uint64_t now_us)
{
    uint64_t next_us = HEAP_NEVER;
    for (size_t i = 0; s->encoding && i < LIMIT_RESENT; i++) {
        struct slot_resent *r = &s->resent[i];
        struct slot_sent *note;
        if (r->copy_us > now_us && r->copy_us < next_us)
            next_us = r->copy_us;
        if (r->copy_us == 0 || r->copy_us > now_us)
            continue;
        r->copy_us = 0;
        const struct tape_packet *p = find_sent(s, r->seq, &note);
        if (!p)
            continue;
        struct relay_packet out = make_packet(s, p, r->seq, note);
        (void)send_again(s, now_us, &out);
    }
    (void)heap_set(&s->room->copy_timers, &s->copies, next_us);
}

bool slot_probe(struct slot *s, uint64_t now_us, uint32_t bytes)
{
    const struct tape_packet *best = NULL;
    int64_t best_seq = 0;
    int32_t best_away = INT32_MAX;
    if (!s->sent || !s->encoding || s->kind != MEDIA_VIDEO)
        return false;
    for (int64_t seq = s->noted; seq > s->noted - PROBE_CHOICE && seq >= s->stretch_out; seq--) {
        const struct slot_sent *note = &s->sent[(uint64_t)seq & (s->sent_size - 1)];
        const struct tape_packet *p = note->state & SENT_THERE ? sent_packet(s, note) : NULL;
        int32_t away = p ? abs((int32_t)p->payload_len + HEADERS_BYTES - (int32_t)bytes) : 0;
        if (!p || (note->state & SENT_EMPTY) || away >= best_away)
            continue;
        best = p;
        best_seq = seq;
        best_away = away;
    }
    if (!best)
        return false;
    struct relay_packet out = make_packet(s, best, best_seq,
                                          &s->sent[(uint64_t)best_seq & (s->sent_size - 1)]);
    out.now_us = now_us;
    out.retransmission = out.probe = true;
    s->room->config.ops->send(s->room->config.ops_ctx, s, &out);
    return true;
}

void slot_viewer_loss(struct slot *s, uint8_t fraction_lost)
{
    bool full = s->downlink && downlink_is_full(s->downlink); /* more of it would be lost, too */
    s->lossy = !full && fraction_lost >= LOSSY_FRACTION;
    s->very_lossy = !full && fraction_lost >= VERY_LOSSY_FRACTION;
    s->loses_runs = s->downlink && downlink_loses_runs(s->downlink);
}

void slot_hold_back(struct slot *s, uint64_t now_us, uint8_t fraction_lost)
{
    const struct encoding *e = s->encoding;
    hold_report(&s->hold, fraction_lost);
    if (!e || s->kind != MEDIA_VIDEO)
        return;
    uint64_t up_us = e->track->rtt_us ? e->track->rtt_us : UNKNOWN_RTT_US;
    uint64_t down_us = s->rtt_us ? s->rtt_us : UNKNOWN_RTT_US;
    uint64_t again_us = down_us > VIEWER_ASKS_US ? down_us : VIEWER_ASKS_US;
    const struct hold_leg legs[HOLD_LEGS] = {
        {e->nacker.loss_q16 / 65536.0, up_us + NOTICED_US, up_us},
        {s->hold.viewer_loss / 65536.0, down_us + NOTICED_US, again_us}};
    hold_update(&s->hold, now_us, legs);
}

void slot_nack(struct slot *s, uint64_t now_us, const uint16_t *seqs, size_t count)
{
    s->counters.nacks++;
    if (!s->sent || !s->encoding)
        return;
    for (size_t i = 0; i < count; i++)
        resend(s, now_us, seqs[i]);
}

bool slot_sender_clock(const struct slot *s, uint64_t now_us, uint32_t *ret_timestamp)
{
    const struct encoding *e = s->encoding;
    if (!e || !e->clock.known || s->counters.packets == 0)
        return false;
    const struct track *t = e->track;
    uint64_t unix_us = now_us + s->room->config.unix_offset_us;
    *ret_timestamp = (uint32_t)(track_clock_timestamp(&e->clock, t->sender_clock, t->clock_rate,
                                                      unix_us) +
                                s->ts_delta);
    return true;
}
