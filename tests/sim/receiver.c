// SPDX-License-Identifier: Apache-2.0
/* A received track. */
#include "tests/sim/receiver.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/er.h"
#include "base/heap.h"
#include "media/wire/red.h"
#include "media/wire/vp8.h"
#include "tests/sim/synthetic.h"

#define REORDER_US 5000u   /* patience before the first NACK */
#define WAITING_US 200000u /* without a first key frame for so long: PLI */
#define STUCK_US 500000u   /* without progress for so long: PLI */
#define PLI_AGAIN_US 1000000u
#define FRAME_BYTES_MAX 131072
#define FRAMES_MAX 1000000

int receiver_new(struct receiver **ret, const struct receiver_config *config)
{
    struct receiver *r = *ret = calloc(1, sizeof *r);
    if (!r)
        return ER_NOMEM;
    r->config = *config;
    r->decoded = -1;
    if (!config->real)
        return 0;
    r->wants = calloc(1, sizeof *r->wants);
    if (config->codec == CODEC_OPUS)
        r->voice = calloc(1, sizeof *r->voice);
    else
        r->player = calloc(1, sizeof *r->player);
    if (r->wants && (r->voice || r->player))
        return 0;
    receiver_free(r);
    *ret = NULL;
    return ER_NOMEM;
}

void receiver_free(struct receiver *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < RECEIVER_PACKETS; i++)
        free(r->packets[i].data);
    free(r->frames);
    free(r->wants);
    free(r->player);
    free(r->voice);
    free(r);
}

/* Frames. */

static struct received_frame *frame_at(struct receiver *r, uint32_t number)
{
    if (number >= FRAMES_MAX)
        return NULL;
    if (number >= r->frame_size) {
        size_t size = r->frame_size ? r->frame_size * 2 : 256;
        while (size <= number)
            size *= 2;
        r->frames = realloc(r->frames, size * sizeof *r->frames);
        if (!r->frames)
            abort();
        memset(r->frames + r->frame_size, 0, (size - r->frame_size) * sizeof *r->frames);
        r->frame_size = size;
    }
    if (number >= r->frame_count)
        r->frame_count = number + 1;
    return &r->frames[number];
}

/* Audio needs nothing before it; a delta frame needs the one before, a key frame none. */
static void decode_ready(struct receiver *r, uint64_t now_us, uint32_t number)
{
    bool audio = r->config.codec == CODEC_OPUS;
    struct received_frame *f = &r->frames[number];
    if (audio)
        f->decoded_us = now_us;
    if (audio || (f->key && number > r->decoded))
        r->decoded = number > r->decoded ? number : r->decoded;
    if (!audio && r->decoded == number)
        f->decoded_us = now_us;
    while (!audio && r->decoded >= 0 && (size_t)r->decoded + 1 < r->frame_count &&
           r->frames[r->decoded + 1].complete_us)
        r->frames[++r->decoded].decoded_us = now_us;
    bool waiting = r->decoded + 1 < (int64_t)r->frame_count;
    if (!waiting || r->decoded == number)
        r->stuck_since_us = waiting ? now_us : 0;
    else if (!r->stuck_since_us)
        r->stuck_since_us = now_us;
}

/* 15 bits of a picture id, in the neighbourhood of those before. */
static int64_t extend_picture(struct receiver *r, uint16_t id)
{
    if (r->picture == 0)
        return r->picture = 0x8000 + id;
    int64_t ahead = (id - r->picture) & 0x7fff;
    int64_t picture = r->picture + (ahead < 0x4000 ? ahead : ahead - 0x8000);
    if (picture > r->picture)
        r->picture = picture;
    return picture;
}

/* To the screen, as a browser does. */
static void play_frame(struct receiver *r, uint64_t now_us, const struct receiver_packet *first,
                       int64_t last_seq, bool again, const struct synthetic *what)
{
    struct player_frame f = {.first_seq = first->seq,
                             .last_seq = last_seq,
                             .timestamp = ts_extend(&r->ts, first->timestamp),
                             .layered = first->layered,
                             .sync = first->sync,
                             .temporal_id = first->temporal_id,
                             .tl0 = first->tl0,
                             .width = first->width,
                             .height = first->height,
                             .what = *what};
    if (first->layered)
        f.picture = extend_picture(r, first->picture_id);
    player_frame(r->player, now_us, &f, again, r->rtt_us);
    if (r->player->started)
        wants_forget_below(r->wants, r->player->chain_seq + 1);
}

static void play_sound(struct receiver *r, uint64_t now_us, uint32_t timestamp,
                       const struct synthetic *what)
{
    int64_t number = ts_extend(&r->ts, timestamp) / SYNTHETIC_OPUS_SAMPLES;
    if (what->reference)
        voice_redundant(r->voice, number - 1);
    voice_packet(r->voice, now_us, number);
}

static void note_frame(struct receiver *r, uint64_t now_us, uint32_t timestamp, const uint8_t *data,
                       size_t len, const struct receiver_packet *first, int64_t last_seq,
                       bool again)
{
    struct synthetic what;
    int er = r->config.codec == CODEC_VP8 ? synthetic_vp8_check(data, len, &what)
                                          : synthetic_opus_check(data, len, &what);
    if (er) {
        r->stats.corrupt++;
        return;
    }
    if (r->config.real) {
        r->stats.frames++;
        if (r->player)
            play_frame(r, now_us, first, last_seq, again, &what);
        else
            play_sound(r, now_us, timestamp, &what);
        return;
    }
    if (!r->stats.streams || what.stream != r->stream) { /* another publisher: begin anew */
        r->stats.streams++;
        r->stream = what.stream;
        r->frame_count = 0;
        r->decoded = -1;
        if (r->frames)
            memset(r->frames, 0, r->frame_size * sizeof *r->frames);
    }
    struct received_frame *f = frame_at(r, what.number);
    if (!f || f->complete_us)
        return;
    *f = (struct received_frame){.capture_us = what.capture_us,
                                 .complete_us = now_us,
                                 .timestamp = timestamp,
                                 .key = what.key};
    r->stats.frames++;
    decode_ready(r, now_us, what.number);
}

static struct receiver_packet *packet_at(struct receiver *r, int64_t seq)
{
    struct receiver_packet *p = &r->packets[seq & (RECEIVER_PACKETS - 1)];
    return p->seq == seq ? p : NULL;
}

/* Is the frame around `seq` whole now? */
static void try_frame(struct receiver *r, uint64_t now_us, int64_t seq)
{
    uint8_t frame[FRAME_BYTES_MAX];
    struct receiver_packet *p = packet_at(r, seq);
    int64_t from = seq, to = seq;
    size_t len = 0;
    while (p && !p->start)
        p = packet_at(r, --from);
    if (!p || p->used)
        return;
    for (p = packet_at(r, to); p && !p->marker;) {
        p = packet_at(r, ++to);
        if (p && p->start)
            return; /* the frame before was never ended */
    }
    if (!p)
        return;
    bool again = false;
    for (int64_t i = from; i <= to; i++) {
        p = packet_at(r, i);
        p->used = true;
        again = again || p->again;
        if (p->len > sizeof frame - len)
            return;
        if (p->len)
            memcpy(frame + len, p->data, p->len);
        len += p->len;
        free(p->data);
        p->data = NULL;
    }
    if (len)
        note_frame(r, now_us, p->timestamp, frame, len, packet_at(r, from), to, again);
}

/* Packets. */

static void forget_missing(struct receiver *r, int64_t seq)
{
    for (size_t i = 0; i < r->missing_count; i++) {
        if (r->missing[i].seq == seq) {
            memmove(&r->missing[i], &r->missing[i + 1],
                    (--r->missing_count - i) * sizeof *r->missing);
            return;
        }
    }
}

static void note_gap(struct receiver *r, uint64_t now_us, int64_t seq)
{
    if (r->wants)
        return;
    if (r->config.nack && seq - r->highest > RECEIVER_MISSING)
        r->missing_count = 0;
    for (int64_t s = r->highest + 1; s < seq && r->config.nack; s++) {
        if (r->missing_count == RECEIVER_MISSING)
            forget_missing(r, r->missing[0].seq);
        r->missing[r->missing_count++] = (struct receiver_missing){.seq = s,
                                                                   .next_us = now_us + REORDER_US};
    }
}

/* Cut off the codec's descriptor; false: not to be used. */
static bool unwrap(const struct receiver *r, struct receiver_packet *p, const uint8_t *data,
                   size_t len)
{
    size_t skip = 0;
    p->start = p->marker = true;
    if (len > 0 && r->config.codec == CODEC_VP8) {
        struct vp8_payload vp8;
        if (vp8_parse(data, len, &vp8))
            return false;
        skip = vp8.descriptor_len;
        p->start = vp8.start;
        p->layered = vp8.has_tl0_index && vp8.has_temporal && vp8.has_picture_id;
        p->sync = vp8.layer_sync;
        p->temporal_id = p->layered ? vp8.temporal_id : 0;
        p->tl0 = vp8.tl0_index;
        p->picture_id = vp8.picture_id;
        p->width = vp8.width;
        p->height = vp8.height;
    }
    p->len = (uint16_t)(len - skip);
    p->data = malloc(p->len + 1u);
    if (!p->data)
        abort();
    if (p->len)
        memcpy(p->data, data + skip, p->len);
    return true;
}

static void store(struct receiver *r, uint64_t now_us, uint16_t seq16, uint32_t timestamp,
                  bool marker, const uint8_t *data, size_t len, bool again)
{
    int64_t seq = seq_extend(&r->extender, seq16);
    if (!r->first) {
        r->first = seq;
        r->highest = seq - 1;
    }
    struct receiver_packet *slot = &r->packets[seq & (RECEIVER_PACKETS - 1)];
    if (slot->seq >= seq || seq <= r->highest - RECEIVER_PACKETS) {
        r->stats.duplicates++;
        return;
    }
    struct receiver_packet p = {.seq = seq, .timestamp = timestamp, .again = again};
    if (!unwrap(r, &p, data, len)) {
        r->stats.corrupt++;
        return;
    }
    if (len > 0 && r->config.codec == CODEC_VP8)
        p.marker = marker;
    free(slot->data);
    *slot = p;
    r->unique++;
    if (seq > r->highest) {
        note_gap(r, now_us, seq);
        r->highest = seq;
    } else {
        forget_missing(r, seq);
    }
    if (r->wants)
        wants_see(r->wants, now_us, seq, again || r->voice);
    if (r->player)
        player_packet(r->player, now_us, seq, len == 0);
    try_frame(r, now_us, seq);
}

static void note_jitter(struct receiver *r, uint64_t now_us, uint32_t timestamp)
{
    uint64_t rate = codec_describe(r->config.codec)->clock_rate;
    int64_t transit = (int64_t)(uint32_t)((uint32_t)(now_us * rate / 1000000) - timestamp);
    int64_t d = (int32_t)(transit - r->transit);
    if (r->stats.packets > 1)
        r->jitter += (uint32_t)(((d < 0 ? -d : d) - (int64_t)r->jitter) / 16);
    r->transit = transit;
}

/* The packet's own sound; what is with it goes to the jitter buffer, and must be what was sent. */
static void unwrap_red(struct receiver *r, const struct rtp_packet *packet,
                       const uint8_t **ret_data, size_t *ret_len)
{
    struct red_block blocks[RED_BLOCKS];
    size_t count;
    if (red_parse(packet->payload, packet->payload_len, blocks, &count)) {
        r->stats.corrupt++;
        return;
    }
    *ret_data = blocks[count - 1].at;
    *ret_len = blocks[count - 1].len;
    for (size_t i = 0; i + 1 < count; i++) {
        struct synthetic what;
        struct ts_extender probe = r->ts;
        int64_t at = ts_extend(&probe, packet->timestamp - blocks[i].age);
        r->stats.redundant++;
        if (synthetic_opus_check(blocks[i].at, blocks[i].len, &what))
            r->stats.corrupt++;
        else if (r->voice)
            voice_redundant(r->voice, at / SYNTHETIC_OPUS_SAMPLES);
    }
}

static void note_playout(struct receiver *r, const struct rtp_packet *packet)
{
    const struct rtp_extension *x = rtp_find_extension(packet, r->config.playout_id);
    if (r->player && r->config.playout_id && x && x->len == 3)
        r->player->least_us = (x->at[0] << 4 | x->at[1] >> 4) * UINT64_C(10000);
}

void receiver_input(struct receiver *r, uint64_t now_us, const struct rtp_packet *packet)
{
    if (!r->first_packet_us)
        r->first_packet_us = now_us;
    r->heard_us = now_us;
    r->bytes += packet->payload_len;
    note_playout(r, packet);
    if (r->config.rtx_ssrc && packet->ssrc == r->config.rtx_ssrc) {
        if (packet->payload_type != r->config.rtx_payload_type || packet->payload_len < 2)
            return; /* padding to probe with */
        r->stats.retransmitted++;
        uint64_t unique = r->unique;
        store(r, now_us, get_u16(packet->payload), packet->timestamp, packet->marker,
              packet->payload + 2, packet->payload_len - 2, true);
        r->unique = unique; /* as browsers report: what RTX brought counts as lost all the same */
        return;
    }
    const uint8_t *data = packet->payload;
    size_t len = packet->payload_len;
    if (r->config.red_payload_type && packet->payload_type == r->config.red_payload_type) {
        unwrap_red(r, packet, &data, &len);
    } else if (packet->payload_type != r->config.payload_type) {
        r->stats.corrupt++;
        return;
    }
    r->stats.packets++;
    note_jitter(r, now_us, packet->timestamp);
    store(r, now_us, packet->seq, packet->timestamp, packet->marker, data, len, false);
}

/* Feedback. */

/* When a PLI is due; HEAP_NEVER: not at all. */
static uint64_t pli_due_us(const struct receiver *r)
{
    uint64_t due_us = HEAP_NEVER;
    if (!r->config.pli)
        return due_us;
    if (r->decoded < 0 && r->first_packet_us)
        due_us = r->first_packet_us + WAITING_US;
    else if (r->stuck_since_us)
        due_us = r->stuck_since_us + STUCK_US;
    return due_us < r->next_pli_us ? r->next_pli_us : due_us;
}

static uint64_t real_deadline_us(const struct receiver *r, uint64_t now_us)
{
    uint64_t at_us = r->config.nack ? wants_deadline_us(r->wants, now_us) : HEAP_NEVER;
    uint64_t other_us = r->voice ? voice_deadline_us(r->voice) : player_ask_us(r->player);
    return other_us < at_us ? other_us : at_us;
}

uint64_t receiver_deadline_us(const struct receiver *r)
{
    if (r->config.real)
        return real_deadline_us(r, r->heard_us);
    uint64_t at_us = HEAP_NEVER;
    for (size_t i = 0; i < r->missing_count; i++)
        if (r->missing[i].next_us < at_us)
            at_us = r->missing[i].next_us;
    uint64_t pli_us = pli_due_us(r);
    return pli_us < at_us ? pli_us : at_us;
}

static void expire_real(struct receiver *r, uint64_t now_us, uint64_t rtt_us,
                        struct receiver_feedback *ret)
{
    ret->seq_count = 0;
    if (r->config.nack)
        ret->seq_count = wants_collect(r->wants, now_us, rtt_us, ret->seqs, RECEIVER_MISSING);
    r->stats.nacked += ret->seq_count;
    r->stats.given_up = r->wants->given_up;
    if (r->voice)
        voice_expire(r->voice, now_us);
    ret->pli = r->player && (r->wants->overflow || now_us >= player_ask_us(r->player));
    r->wants->overflow = false;
    if (ret->pli)
        player_asked(r->player, now_us);
    r->stats.plis += ret->pli;
}

void receiver_expire(struct receiver *r, uint64_t now_us, uint64_t rtt_us,
                     struct receiver_feedback *ret)
{
    if (r->config.real) {
        expire_real(r, now_us, rtt_us, ret);
        return;
    }
    size_t kept = 0;
    ret->seq_count = 0;
    ret->pli = false;
    for (size_t i = 0; i < r->missing_count; i++) {
        struct receiver_missing m = r->missing[i];
        if (m.next_us <= now_us) {
            if (m.tries == RECEIVER_TRIES) {
                r->stats.given_up++;
                continue;
            }
            m.tries++;
            m.next_us = now_us + rtt_us + 10000;
            ret->seqs[ret->seq_count++] = (uint16_t)m.seq;
        }
        r->missing[kept++] = m;
    }
    r->missing_count = kept;
    r->stats.nacked += ret->seq_count;
    if (now_us >= pli_due_us(r)) {
        ret->pli = true;
        r->stats.plis++;
        r->next_pli_us = now_us + PLI_AGAIN_US;
    }
}

void receiver_note_sr(struct receiver *r, uint64_t now_us, const struct rtcp_sender_info *info)
{
    r->last_sr = *info;
    r->last_sr_us = now_us;
}

bool receiver_report(struct receiver *r, uint64_t now_us, struct rtcp_report *ret)
{
    if (!r->first)
        return false;
    uint64_t expected = (uint64_t)(r->highest - r->first + 1);
    uint64_t expected_now = expected - r->expected_before;
    uint64_t received_now = r->unique - r->received_before;
    uint64_t lost_now = expected_now > received_now ? expected_now - received_now : 0;
    r->expected_before = expected;
    r->received_before = r->unique;
    *ret = (struct rtcp_report){
        .ssrc = r->config.ssrc,
        .fraction_lost = (uint8_t)(expected_now ? lost_now * 256 / (expected_now + 1) : 0),
        .cumulative_lost = (int32_t)(expected - r->unique),
        .highest_seq = (uint32_t)r->highest,
        .jitter = r->jitter,
    };
    if (r->last_sr_us) {
        ret->last_sr = ntp_middle(r->last_sr.ntp);
        ret->delay_since_last_sr = (uint32_t)((now_us - r->last_sr_us) * 65536 / 1000000);
    }
    return true;
}
