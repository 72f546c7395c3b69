// SPDX-License-Identifier: Apache-2.0
/* A published track. */
#include "tests/sim/sender.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/er.h"
#include "base/heap.h"
#include "tests/sim/synthetic.h"

#define PAYLOAD_BYTES 1100
#define FRAME_BYTES_MAX 131072
#define AUDIO_INTERVAL_US 20000
#define MID_FRAMES 30 /* frames that carry the mid, until the other side surely knows it */
enum { VP8_DESCRIPTOR_BYTES = 4 };

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
    static const uint8_t number[2] = {0}, level[1] = {0x80 | 30};
    struct rtp_extension list[3];
    size_t count = 0;
    add_extension(list, &count, with_mid ? s->config.mid_id : 0, s->config.mid,
                  strlen(s->config.mid));
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

static void make_packet(struct sender *s, uint32_t timestamp, bool first, bool last,
                        const uint8_t *data, size_t len)
{
    struct sender_packet *p = &s->packets[s->made & (s->history - 1)];
    struct rtp_header h = {.marker = last && s->config.codec == CODEC_VP8,
                           .payload_type = s->config.payload_type,
                           .seq = (uint16_t)(s->first_seq + s->made),
                           .timestamp = timestamp,
                           .ssrc = s->config.ssrc};
    size_t at = write_header(s, p->bytes, h, s->stats.frames < MID_FRAMES, &p->transport_at);
    p->payload_at = (uint16_t)at;
    if (s->config.codec == CODEC_VP8) {
        /* RFC 7741, 4.2: X, S on the first, then I with a 15-bit picture id. */
        p->bytes[at] = (uint8_t)(0x80 | (first ? 0x10 : 0));
        p->bytes[at + 1] = 0x80;
        put_u16(p->bytes + at + 2, (uint16_t)(0x8000 | s->picture_id));
        at += VP8_DESCRIPTOR_BYTES;
    }
    memcpy(p->bytes + at, data, len);
    p->len = (uint16_t)(at + len);
    s->made++;
}

static void make_frame(struct sender *s)
{
    uint8_t frame[FRAME_BYTES_MAX];
    const struct sender_config *c = &s->config;
    uint32_t number = (uint32_t)s->stats.frames;
    struct synthetic what = {
        .stream = c->stream, .number = number, .capture_us = sender_capture_us(s, number)};
    size_t size = 80;
    if (c->codec == CODEC_VP8) {
        what.key = s->key_wanted ||
                   (c->key_interval_frames && number % c->key_interval_frames == 0);
        size = synthetic_vp8_size(number, what.key, c->bps, c->fps);
        if (size > sizeof frame)
            size = sizeof frame;
        synthetic_vp8_make(frame, size, &what, c->width, c->height);
    } else {
        synthetic_opus_make(frame, size, &what);
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
    s->next_frame_us = sender_capture_us(s, s->stats.frames);
}

uint64_t sender_deadline_us(const struct sender *s)
{
    if (s->sent < s->made && s->next_packet_us < s->next_frame_us)
        return s->next_packet_us;
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
    while (s->sent < s->made && now_us >= s->next_packet_us) {
        struct sender_packet *p = &s->packets[s->sent & (s->history - 1)];
        if (p->transport_at)
            put_u16(p->bytes + p->transport_at, number(ctx));
        s->sent++;
        s->stats.packets++;
        s->stats.bytes += p->len - p->payload_at;
        s->next_packet_us += s->config.pace_us;
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

void sender_nack(struct sender *s, uint16_t seq, sender_emit_fn *emit, sender_number_fn *number,
                 void *ctx)
{
    s->stats.nacked++;
    /* How long ago it was sent, in packets. */
    uint16_t newest = (uint16_t)(s->first_seq + s->sent - 1);
    int16_t age = seq_diff(newest, seq);
    if (age < 0 || (uint64_t)age >= s->sent || (size_t)age + (s->made - s->sent) >= s->history)
        return;
    const struct sender_packet *p = &s->packets[(s->sent - 1 - (uint64_t)age) & (s->history - 1)];
    s->stats.retransmitted++;
    if (s->config.rtx_ssrc)
        emit_rtx(s, p, emit, number, ctx);
    else
        emit(ctx, p->bytes, p->len);
}
