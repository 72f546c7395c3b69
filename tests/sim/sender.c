// SPDX-License-Identifier: Apache-2.0
/* A published track. */
#include "tests/sim/sender.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/er.h"
#include "base/heap.h"
#include "media/wire/red.h"
#include "tests/sim/synthetic.h"

#define PAYLOAD_BYTES 1100
#define FRAME_BYTES_MAX 131072
#define AUDIO_INTERVAL_US 20000
#define MID_FRAMES 30 /* frames that carry the mid, until the other side surely knows it */
#define PACE_PERCENT 250
#define RESEND_WINDOW_US 500000u
enum { VP8_DESCRIPTOR_BYTES = 4, VP8_LAYERED_BYTES = 6, RTT_US = 100000 };

int sender_new(struct sender **ret, const struct sender_config *config,
               const struct entropy *entropy, uint64_t now_us)
{
    *ret = NULL;
    struct sender *s = calloc(1, sizeof *s);
    if (!s)
        return ER_NOMEM;
    bool video = config->codec == CODEC_VP8;
    s->config = *config;
    s->history = video ? SENDER_VIDEO_HISTORY : SENDER_AUDIO_HISTORY;
    s->packets = malloc(s->history * sizeof *s->packets);
    if (!s->packets) {
        free(s);
        return ER_NOMEM;
    }
    uint64_t r = entropy_u64(entropy);
    s->first_seq = (uint16_t)(r & 0x7fff);
    s->rtx_seq = (uint16_t)(r >> 16 & 0x7fff);
    s->picture_id = (uint16_t)(r >> 32 & 0x7fff);
    s->first_timestamp = (uint32_t)entropy_u64(entropy);
    s->rtt_us = RTT_US;
    s->encoder.config = (struct encoder_config){.fps = config->fps,
                                                .width = config->width,
                                                .height = config->height,
                                                .temporal_layers = config->temporal_layers};
    s->interval_us = video ? 1000000 / config->fps : AUDIO_INTERVAL_US;
    s->started_us = s->next_frame_us = now_us;
    s->key_wanted = video;
    *ret = s;
    return 0;
}

void sender_free(struct sender *s)
{
    if (!s)
        return;
    free(s->packets);
    free(s);
}

uint64_t sender_capture_us(const struct sender *s, uint64_t number)
{
    return s->started_us + number * s->interval_us;
}

uint32_t sender_timestamp_at(const struct sender *s, uint64_t now_us)
{
    uint64_t rate = codec_describe(s->config.codec)->clock_rate;
    return s->first_timestamp + (uint32_t)((now_us - s->started_us) * rate / 1000000);
}

static void add_extension(struct rtp_extension *list, size_t *count, uint8_t id, const void *at,
                          size_t len)
{
    if (id)
        list[(*count)++] = (struct rtp_extension){.id = id, .len = (uint8_t)len, .at = at};
}

/* Write the header; the transport-wide number is left 0 and its place returned. */
static size_t write_header(const struct sender *s, uint8_t *buf, struct rtp_header h, bool with_mid,
                           uint16_t *ret_transport_at)
{
    bool repair = s->config.rtx_ssrc && h.ssrc == s->config.rtx_ssrc;
    uint8_t rid_id = repair ? s->config.repaired_rid_id : s->config.rid_id;
    static const uint8_t number[2] = {0}, level[1] = {0x80 | 30};
    struct rtp_extension list[4];
    size_t count = 0;
    add_extension(list, &count, with_mid ? s->config.mid_id : 0, s->config.mid,
                  strlen(s->config.mid));
    add_extension(list, &count, with_mid ? rid_id : 0, s->config.rid, strlen(s->config.rid));
    add_extension(list, &count, s->config.audio_level_id, level, sizeof level);
    add_extension(list, &count, s->config.transport_cc_id, number, sizeof number);
    h.extensions = list;
    h.extension_count = count;
    int len = rtp_write_header(buf, SENDER_PACKET_BYTES, &h);
    if (len < 0)
        abort();
    *ret_transport_at = 0;
    struct rtp_packet parsed;
    if (rtp_parse(buf, (size_t)len, &parsed) == 0) {
        const struct rtp_extension *x = rtp_find_extension(&parsed, s->config.transport_cc_id);
        if (x)
            *ret_transport_at = (uint16_t)(x->at - buf);
    }
    return (size_t)len;
}

/* RFC 7741, 4.2: X, S on the first, N when nobody needs the frame; then I with a 15-bit picture id,
 * and with temporal layers L and T. */
static size_t write_descriptor(const struct sender *s, uint8_t *at, bool first)
{
    const struct encoded *e = &s->now;
    uint8_t layers = s->config.temporal_layers;
    bool layered = layers > 1;
    bool unneeded = layered && e->temporal_id == layers - 1;
    at[0] = (uint8_t)(0x80 | (unneeded ? 0x20 : 0) | (first ? 0x10 : 0));
    at[1] = layered ? 0xe0 : 0x80;
    put_u16(at + 2, (uint16_t)(0x8000 | s->picture_id));
    if (!layered)
        return VP8_DESCRIPTOR_BYTES;
    at[4] = e->tl0;
    at[5] = (uint8_t)(e->temporal_id << 6 | (e->sync ? 0x20 : 0));
    return VP8_LAYERED_BYTES;
}

static void make_packet(struct sender *s, uint32_t timestamp, bool first, bool last,
                        const uint8_t *data, size_t len)
{
    struct sender_packet *p = &s->packets[s->made & (s->history - 1)];
    struct rtp_header h = {.marker = last && s->config.codec == CODEC_VP8,
                           .payload_type = s->config.red_payload_type ? s->config.red_payload_type
                                                                      : s->config.payload_type,
                           .seq = (uint16_t)(s->first_seq + s->made),
                           .timestamp = timestamp,
                           .ssrc = s->config.ssrc};
    size_t at = write_header(s, p->bytes, h, s->stats.frames < MID_FRAMES, &p->transport_at);
    p->payload_at = (uint16_t)at;
    p->resent_us = 0;
    if (s->config.codec == CODEC_VP8) {
        at += write_descriptor(s, p->bytes + at, first);
    }
    memcpy(p->bytes + at, data, len);
    p->len = (uint16_t)(at + len);
    s->made++;
}

/* What the next frame is; false: the camera's picture is not encoded. */
static bool choose_frame(struct sender *s, struct synthetic *ret, size_t *ret_size)
{
    const struct sender_config *c = &s->config;
    uint32_t number = (uint32_t)s->stats.frames;
    *ret = (struct synthetic){.stream = c->stream,
                              .number = number,
                              .reference = number - 1,
                              .capture_us = s->next_frame_us};
    if (c->codec != CODEC_VP8) {
        ret->reference = s->fec;
        *ret_size = SENDER_SOUND_BYTES;
    } else if (c->adaptive) {
        if (s->slideshow && s->pictures % c->fps != 0)
            return false;
        s->key_wanted = s->key_wanted || s->slideshow;
        if (!s->bps || !encoder_next(&s->encoder, s->bps, s->key_wanted, &s->now))
            return false;
        ret->key = s->now.key;
        ret->reference = s->now.reference;
        *ret_size = s->now.bytes;
    } else {
        ret->key = s->key_wanted ||
                   (c->key_interval_frames && number % c->key_interval_frames == 0);
        *ret_size = synthetic_vp8_size(number, ret->key, c->bps, c->fps);
    }
    return true;
}

/* With the packet before, as Chromium does. */
static size_t make_redundant(struct sender *s, uint8_t *frame, size_t size, size_t room)
{
    uint8_t own[SENDER_SOUND_BYTES];
    struct red_block blocks[2] = {{.payload_type = s->config.payload_type,
                                   .age = SYNTHETIC_OPUS_SAMPLES,
                                   .at = s->before,
                                   .len = sizeof s->before},
                                  {.payload_type = s->config.payload_type, .at = own, .len = size}};
    memcpy(own, frame, size);
    size_t first = s->has_before ? 0 : 1;
    int len = red_write(frame, room, blocks + first, 2 - first);
    if (len < 0)
        abort();
    memcpy(s->before, own, sizeof s->before);
    s->has_before = true;
    return (size_t)len;
}

static void make_frame(struct sender *s)
{
    uint8_t frame[FRAME_BYTES_MAX];
    const struct sender_config *c = &s->config;
    struct synthetic what;
    size_t size;
    bool made = choose_frame(s, &what, &size);
    s->next_frame_us = s->started_us + ++s->pictures * s->interval_us;
    if (!made)
        return;
    if (c->codec == CODEC_VP8) {
        if (size > sizeof frame)
            size = sizeof frame;
        synthetic_vp8_make(frame, size, &what, c->width, c->height);
    } else {
        synthetic_opus_make(frame, size, &what);
        if (c->red_payload_type)
            size = make_redundant(s, frame, size, sizeof frame);
    }
    uint32_t timestamp = sender_timestamp_at(s, what.capture_us);
    for (size_t at = 0; at < size; at += PAYLOAD_BYTES) {
        size_t n = size - at < PAYLOAD_BYTES ? size - at : PAYLOAD_BYTES;
        make_packet(s, timestamp, at == 0, at + n == size, frame + at, n);
    }
    s->picture_id = (s->picture_id + 1) & 0x7fff;
    s->key_wanted = false;
    s->stats.key_frames += what.key;
    s->stats.frames++;
}

void sender_set_rate(struct sender *s, uint64_t now_us, uint32_t bps)
{
    (void)now_us;
    if (bps && !s->bps)
        s->key_wanted = true;
    s->bps = bps;
}

/* When the next packet may leave. */
static uint64_t packet_at_us(const struct sender *s)
{
    const struct sender_pace *pace = s->config.pace;
    return pace && pace->free_us > s->next_packet_us ? pace->free_us : s->next_packet_us;
}

static void pace_on(struct sender *s, uint64_t now_us, size_t len)
{
    struct sender_pace *pace = s->config.pace;
    if (!pace) {
        s->next_packet_us += s->config.pace_us;
        return;
    }
    uint64_t from_us = pace->free_us > now_us ? pace->free_us : now_us;
    pace->free_us = from_us + (uint64_t)len * 8000000 * 100 / (pace->bps * PACE_PERCENT + 1);
}

static void resend_window(struct sender_pace *pace, uint64_t now_us)
{
    uint64_t past_us = now_us - pace->window_us;
    if (past_us < RESEND_WINDOW_US)
        return;
    pace->resent_bps = (uint32_t)(pace->resent * 8000000 / past_us);
    pace->window_us = now_us;
    pace->resent = 0;
}

uint32_t sender_resent_bps(struct sender_pace *pace, uint64_t now_us)
{
    resend_window(pace, now_us);
    return pace->resent_bps;
}

static bool may_resend(struct sender_pace *pace, uint64_t now_us, size_t len)
{
    if (!pace)
        return true;
    resend_window(pace, now_us);
    if ((pace->resent + len) * 8 * 1000000 > pace->bps * RESEND_WINDOW_US)
        return false;
    pace->resent += len;
    return true;
}

uint64_t sender_deadline_us(const struct sender *s)
{
    if (s->sent < s->made && packet_at_us(s) < s->next_frame_us)
        return packet_at_us(s);
    return s->next_frame_us;
}

void sender_expire(struct sender *s, uint64_t now_us, sender_emit_fn *emit,
                   sender_number_fn *number, void *ctx)
{
    while (now_us >= s->next_frame_us) {
        if (s->sent == s->made)
            s->next_packet_us = s->next_frame_us;
        make_frame(s);
    }
    while (s->sent < s->made && now_us >= packet_at_us(s)) {
        struct sender_packet *p = &s->packets[s->sent & (s->history - 1)];
        if (p->transport_at)
            put_u16(p->bytes + p->transport_at, number(ctx));
        s->sent++;
        s->stats.packets++;
        s->stats.bytes += p->len - p->payload_at;
        pace_on(s, now_us, p->len);
        emit(ctx, p->bytes, p->len);
    }
}

/* RFC 4588, 4: the original sequence number, then the original payload. */
static void emit_rtx(struct sender *s, const struct sender_packet *p, sender_emit_fn *emit,
                     sender_number_fn *number, void *ctx)
{
    uint8_t buf[SENDER_PACKET_BYTES + 32];
    uint16_t transport_at;
    struct rtp_header h = {.marker = p->bytes[1] >> 7,
                           .payload_type = s->config.rtx_payload_type,
                           .seq = s->rtx_seq++,
                           .timestamp = get_u32(p->bytes + 4),
                           .ssrc = s->config.rtx_ssrc};
    size_t at = write_header(s, buf, h, true, &transport_at);
    if (transport_at)
        put_u16(buf + transport_at, number(ctx));
    memcpy(buf + at, p->bytes + 2, 2);
    memcpy(buf + at + 2, p->bytes + p->payload_at, p->len - p->payload_at);
    emit(ctx, buf, at + 2 + p->len - p->payload_at);
}

void sender_nack(struct sender *s, uint64_t now_us, uint16_t seq, sender_emit_fn *emit,
                 sender_number_fn *number, void *ctx)
{
    s->stats.nacked++;
    /* How long ago it was sent, in packets. */
    uint16_t newest = (uint16_t)(s->first_seq + s->sent - 1);
    int16_t age = seq_diff(newest, seq);
    if (age < 0 || (uint64_t)age >= s->sent || (size_t)age + (s->made - s->sent) >= s->history)
        return;
    struct sender_packet *p = &s->packets[(s->sent - 1 - (uint64_t)age) & (s->history - 1)];
    /* As libwebrtc: what was sent again within this round trip is likely still on its way. */
    if (s->config.adaptive && p->resent_us && now_us - p->resent_us < s->rtt_us)
        return;
    if (!may_resend(s->config.pace, now_us, p->len))
        return;
    p->resent_us = now_us;
    s->stats.retransmitted++;
    if (s->config.pace)
        pace_on(s, now_us, p->len);
    if (s->config.rtx_ssrc)
        emit_rtx(s, p, emit, number, ctx);
    else
        emit(ctx, p->bytes, p->len);
}
