// SPDX-License-Identifier: Apache-2.0
/* A slot: one viewer's line. Numbers are rewritten so that whatever it shows looks like one unbroken
 * stream; a joiner is served from the tape's last key frame at once. */
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "media/relay/relay.h"

#define CATCH_UP_PACKETS 16u    /* at a time, so that a joiner's link is not flooded: */
#define CATCH_UP_EVERY_US 5000u /* about 30 Mbit/s */
#define SQUEEZE 33              /* pictures behind the head are sent this much closer in time */
#define LEADING_PACKETS 128     /* by then a viewer knows the SSRC */
#define FIRST_SEQ_MAX 16384u    /* below 32768: SRTP roll-over sync */
#define HOLE_MAX LIMIT_TAPE_VIDEO_PACKETS
#define HOLE_LEFT 64
#define LOSSY_FRACTION 8 /* of 256: 3% */
#define BUDGET_WINDOW_US 1000000u
#define BUDGET_FLOOR_BYTES 65536u
#define HEADERS_BYTES 60 /* what a packet costs besides its payload; it may have none */

/** Link the slot to the others of its viewer, which most often are the last ones made: so choosing
 *  what to show need not look through a large room's slots. */
static void join_viewer(struct room *r, struct slot *s)
{
    list_init(&s->beside);
    for (struct list *at = r->slots.prev; at != &r->slots; at = at->prev) {
        struct slot *other = container_of(at, struct slot, in_room);
        if (other->viewer == s->viewer) {
            list_append(&other->beside, &s->beside);
            return;
        }
    }
}

int slot_new(struct slot **ret, struct room *r, const struct slot_config *config, uint64_t now_us)
{
    struct slot *s = calloc(1, sizeof *s);
    if (!s)
        return ER_NOMEM;
    s->room = r;
    s->owner = config->owner;
    s->kind = config->kind;
    s->pick = config->pick;
    s->codecs = config->codecs;
    s->viewer = config->viewer;
    s->person_track = config->track;
    s->identity = strdup(config->identity);
    s->person = strdup(config->person ? config->person : "");
    if (s->kind == MEDIA_VIDEO)
        s->sent = calloc(LIMIT_SENT_HISTORY, sizeof *s->sent);
    if (!s->identity || !s->person || (s->kind == MEDIA_VIDEO && !s->sent)) {
        slot_free(s);
        return ER_NOMEM;
    }
    join_viewer(r, s);
    list_append(&r->slots, &s->in_room);
    *ret = s;
    room_assign_slot(r, s, now_us);
    return 0;
}

void slot_free(struct slot *s)
{
    if (!s)
        return;
    heap_remove(&s->room->slot_timers, &s->timer);
    list_remove(&s->in_track);
    list_remove(&s->in_room);
    list_remove(&s->beside);
    free(s->sent);
    free(s->identity);
    free(s->person);
    free(s);
}

int slot_wish(struct slot *s, enum slot_pick pick, const char *person, uint64_t track,
              uint64_t now_us)
{
    char *copy = strdup(person ? person : "");
    if (!copy)
        return ER_NOMEM;
    free(s->person);
    s->person = copy;
    s->pick = pick;
    s->person_track = track;
    room_assign_slot(s->room, s, now_us);
    return 0;
}

/** Is everything from `seq` to the head there? */
static bool is_whole_from(const struct tape *t, int64_t seq)
{
    for (int64_t at = seq; at <= tape_head(t); at++)
        if (!tape_find(t, at))
            return false;
    return true;
}

static int64_t squeezed(int64_t ticks)
{
    return (ticks + SQUEEZE - 1) / SQUEEZE;
}

/** Where the numbering goes on: the first ever at random, else behind what was sent before. What lies
 *  between `first` and `head` is squeezed in time, so that the viewer shows it at once. */
static void place_numbers(struct slot *s, const struct tape_packet *first,
                          const struct tape_packet *head, uint64_t now_us)
{
    int64_t out_ts;
    if (s->last_seq == 0) {
        uint64_t random = entropy_u64(s->room->config.entropy);
        s->last_seq = 65536 + (int64_t)(random % FIRST_SEQ_MAX);
        out_ts = ((int64_t)1 << 32) + (int64_t)(random >> 32);
    } else {
        int64_t behind = head->timestamp > first->timestamp ? head->timestamp - first->timestamp
                                                            : 0;
        uint64_t elapsed_us = now_us - s->last_sent_us;
        out_ts = s->last_ts + 1 + (int64_t)(elapsed_us * s->track->clock_rate / 1000000u);
        if (out_ts <= s->last_ts + squeezed(behind))
            out_ts = s->last_ts + squeezed(behind) + 1;
    }
    s->seq_delta = s->last_seq + 1 - first->seq;
    s->ts_delta = out_ts - head->timestamp;
    s->squeeze_until = head->timestamp;
}

/** A source timestamp in the slot's numbering; rises with it, whatever order packets come in. */
static int64_t slot_timestamp(const struct slot *s, int64_t timestamp)
{
    if (timestamp >= s->squeeze_until)
        return timestamp + s->ts_delta;
    return s->squeeze_until + s->ts_delta - squeezed(s->squeeze_until - timestamp);
}

/** Let packets flow from `first_seq`, which is on the tape, on. */
static void begin(struct slot *s, int64_t first_seq, uint64_t now_us)
{
    const struct tape *tape = s->track->tape;
    place_numbers(s, tape_find(tape, first_seq), tape_find(tape, tape_head(tape)), now_us);
    s->live = true;
    s->stretch_first = first_seq;
    s->catching_up = true;
    tape_cursor_init(&s->cursor, tape, first_seq);
    slot_catch_up(s, now_us);
}

/** A viewer that just came gets the last key frame and all since, when that is whole and short. */
static bool begin_from_tape(struct slot *s, uint64_t now_us)
{
    const struct tape_frame *key = tape_last_key(s->track->tape);
    if (!key || tape_head(s->track->tape) - key->first_seq >= LIMIT_GOP_PACKETS ||
        !is_whole_from(s->track->tape, key->first_seq))
        return false;
    begin(s, key->first_seq, now_us);
    return true;
}

void slot_show(struct slot *s, struct track *t, uint64_t now_us)
{
    if (t)
        track_flush(t, now_us); /* what waits is not for this slot: the tape has it */
    list_remove(&s->in_track);
    heap_remove(&s->room->slot_timers, &s->timer);
    s->track = t;
    s->live = false;
    s->catching_up = false;
    if (!t)
        return;
    list_append(&t->slots, &s->in_track);
    if (s->kind == MEDIA_VIDEO && !begin_from_tape(s, now_us))
        track_want_key_frame(t, now_us);
}

/** True while retransmissions stay within their share of what the viewer gets. */
static bool within_budget(struct slot *s, uint64_t now_us, uint32_t bytes)
{
    if (now_us - s->resend_window_us >= BUDGET_WINDOW_US) {
        s->resend_window_us = now_us;
        s->resend_bytes = 0;
        s->window_bytes = 0;
    }
    uint64_t allowed = s->window_bytes * LIMIT_RTX_KBPS_SHARE / 100 + BUDGET_FLOOR_BYTES;
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
    out->retransmission = true;
    s->counters.retransmitted++;
    s->room->config.ops->send(s->room->config.ops_ctx, s, out);
    return true;
}

/** A publisher may leap by more than the tape holds, and several times while a slot is behind: left as
 *  it is, that could come round to numbers used before, and SRTP would use a nonce twice. Of such a
 *  hole, which nobody can fill any more, enough is left for the viewer to notice. */
static void narrow_hole(struct slot *s, const struct tape_packet *p)
{
    int64_t leap = p->seq + s->seq_delta - s->last_seq;
    if (leap <= HOLE_MAX)
        return;
    s->seq_delta -= leap - HOLE_LEFT;
    s->stretch_first = p->seq;
}

static void emit(struct slot *s, uint64_t now_us, const struct tape_packet *p)
{
    narrow_hole(s, p);
    int64_t seq = p->seq + s->seq_delta;
    int64_t ts = slot_timestamp(s, p->timestamp);
    struct relay_packet out = {.from = p,
                               .seq = (uint16_t)seq,
                               .timestamp = (uint32_t)ts,
                               .leading = s->counters.packets < LEADING_PACKETS};
    if (s->sent)
        s->sent[(uint64_t)seq & (LIMIT_SENT_HISTORY - 1)] = (struct slot_sent){
            .source_seq = p->seq, .timestamp = out.timestamp, .leading = out.leading};
    if (seq > s->last_seq)
        s->last_seq = seq;
    if (ts > s->last_ts)
        s->last_ts = ts;
    s->last_sent_us = now_us;
    s->counters.packets++;
    s->counters.bytes += p->payload_len;
    s->window_bytes += p->payload_len;
    s->room->config.ops->send(s->room->config.ops_ctx, s, &out);
    /* It is late already: over a bad path it goes out twice. */
    if (s->sent && s->lossy && (p->flags & TAPE_RECOVERED))
        (void)send_again(s, now_us, &out);
}

void slot_forward(struct slot *s, uint64_t now_us, const struct tape_packet *const *packets,
                  size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct tape_packet *p = packets[i];
        if (!s->live) {
            if (s->kind != MEDIA_AUDIO && !(p->flags & TAPE_KEY_FRAME))
                continue;
            begin(s, p->seq, now_us);
            return; /* the others are on the tape, and so read by the cursor */
        }
        /* While catching up, what is behind the cursor was missing when it passed. */
        if (p->seq >= s->stretch_first && (!s->catching_up || p->seq < s->cursor.next))
            emit(s, now_us, p);
    }
}

void slot_catch_up(struct slot *s, uint64_t now_us)
{
    if (!s->catching_up)
        return;
    track_flush(s->track, now_us);
    for (unsigned sent = 0; sent < CATCH_UP_PACKETS;) {
        struct tape_read read;
        enum tape_step step = tape_cursor_next(&s->cursor, s->track->tape, now_us, 0, &read);
        if (step == TAPE_STEP_WAIT) {
            s->catching_up = false;
            return;
        }
        if (step == TAPE_STEP_PACKET) {
            emit(s, now_us, read.packet);
            slab_release(read.slab);
            sent++;
        }
    }
    if (s->cursor.next > tape_head(s->track->tape))
        s->catching_up = false;
    else
        heap_set(&s->room->slot_timers, &s->timer, now_us + CATCH_UP_EVERY_US);
}

static void resend(struct slot *s, uint64_t now_us, uint16_t seq)
{
    int64_t out_seq = s->last_seq + seq_diff(seq, (uint16_t)s->last_seq);
    struct slot_sent *e = &s->sent[(uint64_t)out_seq & (LIMIT_SENT_HISTORY - 1)];
    if (e->source_seq == 0 || e->source_seq + s->seq_delta != out_seq ||
        e->source_seq < s->stretch_first)
        return; /* not sent, overwritten, or of a stretch before */
    const struct tape_packet *p = tape_find(s->track->tape, e->source_seq);
    if (!p)
        return;
    struct relay_packet out = {
        .from = p, .seq = seq, .timestamp = e->timestamp, .leading = e->leading};
    /* On a bad path, or when the last answer was lost as well, this one goes out twice. */
    for (unsigned copies = s->lossy || e->resent > 0 ? 2 : 1; copies > 0; copies--)
        if (!send_again(s, now_us, &out))
            return;
    if (e->resent < UINT8_MAX)
        e->resent++;
}

void slot_viewer_loss(struct slot *s, uint8_t fraction_lost)
{
    s->lossy = fraction_lost >= LOSSY_FRACTION;
}

void slot_nack(struct slot *s, uint64_t now_us, const uint16_t *seqs, size_t count)
{
    s->counters.nacks++;
    if (!s->sent || !s->track || !s->live)
        return;
    for (size_t i = 0; i < count; i++)
        resend(s, now_us, seqs[i]);
}

void slot_key_frame(struct slot *s, uint64_t now_us)
{
    if (s->track)
        track_want_key_frame(s->track, now_us);
}

bool slot_sender_clock(const struct slot *s, uint64_t now_us, uint32_t *ret_timestamp)
{
    const struct track *t = s->track;
    if (!t || !s->live || !t->clock.known || s->counters.packets == 0)
        return false;
    uint64_t unix_us = now_us + s->room->config.unix_offset_us;
    *ret_timestamp = (uint32_t)(track_clock_timestamp(&t->clock, t->sender_clock, t->clock_rate,
                                                      unix_us) +
                                s->ts_delta);
    return true;
}
