// SPDX-License-Identifier: Apache-2.0
/* Synthetic media. */
#include "tests/bench/load_source.h"

#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/er.h"
#include "media/wire/rtcp.h"
#include "media/wire/rtp.h"
#include "tests/bench/load_sdp.h"
#include "tests/bench/load_socket.h"

#define AUDIO_EVERY_US 20000u
#define AUDIO_BYTES 100
#define FRAME_EVERY_US 33333u
#define REPORT_EVERY_US 1000000u
#define KEY_EVERY_US 10000000u
#define KEY_APART_US 500000u
#define STAMP_AT 14 /* behind the VP8 descriptor (4) and a key frame's head (10) */
#define STAMP_BYTES 32
#define MAGIC 0x4c4f5550u

void load_source_init(struct load_source *s, const struct entropy *entropy, uint32_t video_bps)
{
    uint64_t random = entropy_u64(entropy);
    *s = (struct load_source){.video_bps = video_bps, .key_wanted = true};
    s->audio.ssrc = (uint32_t)random | 1u;
    s->video.ssrc = (uint32_t)(random >> 32) & ~1u;
    s->rtx_ssrc = s->video.ssrc ^ 0x5a5a5a5au;
    s->audio.seq = (uint16_t)(random & 0x3fff);
    s->video.seq = (uint16_t)((random >> 16) & 0x3fff);
    s->audio.due_us = s->video.due_us = s->report_us = UINT64_MAX;
}

void load_source_start(struct load_source *s, const struct entropy *entropy, uint64_t now_us)
{
    s->audio.due_us = now_us + entropy_u64(entropy) % AUDIO_EVERY_US;
    s->video.due_us = now_us + entropy_u64(entropy) % FRAME_EVERY_US;
    s->report_us = now_us + entropy_u64(entropy) % REPORT_EVERY_US;
}

uint64_t load_source_due_us(const struct load_source *s)
{
    uint64_t due = s->audio.due_us < s->video.due_us ? s->audio.due_us : s->video.due_us;
    return s->report_us < due ? s->report_us : due;
}

/** What follows a stamp: bytes that rise by seven, from where the packet's number says. Made once, so
 *  that writing and checking it are a copy and a comparison. */
static const uint8_t *pattern(uint64_t counter)
{
    static uint8_t bytes[256 + LOAD_PACKET_BYTES];
    if (bytes[1] == 0)
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (uint8_t)(i * 7);
    return bytes + (uint8_t)(counter * 31);
}

static void stamp_write(uint8_t *payload, size_t len, const struct load_stamp *stamp)
{
    struct wr w = wr_make(payload + STAMP_AT, STAMP_BYTES);
    wr_u32(&w, MAGIC);
    wr_u32(&w, stamp->stream);
    wr_u32(&w, stamp->frame);
    wr_u32(&w, (uint32_t)len);
    wr_u64(&w, stamp->counter);
    wr_u64(&w, stamp->sent_us);
    memcpy(payload + STAMP_AT + STAMP_BYTES, pattern(stamp->counter), len - STAMP_AT - STAMP_BYTES);
}

int load_stamp_read(const uint8_t *payload, size_t len, struct load_stamp *ret)
{
    if (len < STAMP_AT + STAMP_BYTES || len > LOAD_PACKET_BYTES)
        return ER_MALFORMED;
    struct rd r = rd_make(payload + STAMP_AT, STAMP_BYTES);
    bool ours = rd_u32(&r) == MAGIC;
    ret->stream = rd_u32(&r);
    ret->frame = rd_u32(&r);
    if (!ours || rd_u32(&r) != len)
        return ER_MALFORMED;
    ret->counter = rd_u64(&r);
    ret->sent_us = rd_u64(&r);
    return memcmp(payload + STAMP_AT + STAMP_BYTES, pattern(ret->counter),
                  len - STAMP_AT - STAMP_BYTES) == 0
               ? 0
               : ER_MALFORMED;
}

bool load_is_key_start(const uint8_t *payload)
{
    return (payload[0] & 0x10) && !(payload[4] & 1);
}

/** The header; where the payload goes. */
static size_t begin(struct load_source *s, struct load_stream *o, uint8_t type, bool marker,
                    uint8_t *packet)
{
    uint8_t number[2];
    put_u16(number, s->transport_seq);
    struct rtp_extension transport = {.id = s->transport_cc_id, .len = 2, .at = number};
    struct rtp_header header = {.marker = marker,
                                .payload_type = type,
                                .seq = o->seq++,
                                .timestamp = o->timestamp,
                                .ssrc = o->ssrc,
                                .extensions = &transport,
                                .extension_count = s->transport_cc_id ? 1 : 0};
    s->transport_seq++;
    int n = rtp_write_header(packet, LOAD_PACKET_BYTES, &header);
    return n > 0 ? (size_t)n : 0;
}

static void finish(struct load_source *s, struct load_stream *o, uint8_t *packet, size_t at,
                   size_t len, const struct load_output *out)
{
    struct load_stamp stamp = {
        .stream = o->ssrc, .frame = o->frame, .counter = o->packets, .sent_us = clock_unix_us()};
    stamp_write(packet + at, len, &stamp);
    o->packets++;
    o->bytes += (uint32_t)len;
    s->sent++;
    out->emit(out->ctx, packet, at + len, false);
}

static void send_audio(struct load_source *s, const struct load_output *out)
{
    uint8_t *packet = out->room(out->ctx);
    s->audio.timestamp += 960;
    size_t at = begin(s, &s->audio, LOAD_AUDIO_TYPE, false, packet);
    memset(packet + at, 0, STAMP_AT);
    packet[at] = 0xfc; /* CELT, 20 ms, stereo, one frame */
    finish(s, &s->audio, packet, at, AUDIO_BYTES, out);
    s->audio.frame++;
}

/** RFC 7741 with a 15-bit PictureID; RFC 6386's frame header behind it. */
static void write_vp8(uint8_t *payload, bool first, bool key, uint16_t picture)
{
    static const uint8_t key_head[] = {0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01};
    memset(payload, 0, STAMP_AT);
    payload[0] = first ? 0x90 : 0x80;
    payload[1] = 0x80;
    put_u16(payload + 2, 0x8000 | (picture & 0x7fff));
    payload[4] = 0x11; /* an inter frame, shown */
    if (first && key)
        memcpy(payload + 4, key_head, sizeof key_head);
}

/** Goes back to the film's begin, a key frame, when one is wanted. Nothing is stamped. */
static void send_film(struct load_source *s, uint64_t now_us, const struct load_output *out)
{
    enum { DESCRIPTOR_BYTES = 4 };
    size_t left;
    if (s->key_wanted && now_us - s->key_us > KEY_APART_US) {
        s->film_at = 0;
        s->key_us = now_us;
        s->key_wanted = false;
    }
    const uint8_t *frame = load_film_frame(s->film, s->film_at++, &left);
    s->video.timestamp += 3000;
    for (bool first = true; left > 0; first = false) {
        uint8_t *packet = out->room(out->ctx);
        size_t len = left < LOAD_FRAME_BYTES ? left : LOAD_FRAME_BYTES;
        size_t at = begin(s, &s->video, LOAD_VIDEO_TYPE, len == left, packet);
        packet[at] = first ? 0x90 : 0x80;
        packet[at + 1] = 0x80;
        put_u16(packet + at + 2, 0x8000 | (uint16_t)(s->video.frame & 0x7fff));
        memcpy(packet + at + DESCRIPTOR_BYTES, frame, len);
        frame += len;
        left -= len;
        s->video.packets++;
        s->video.bytes += (uint32_t)len;
        s->sent++;
        out->emit(out->ctx, packet, at + DESCRIPTOR_BYTES + len, false);
    }
    s->video.frame++;
}

static void send_frame(struct load_source *s, uint64_t now_us, const struct load_output *out)
{
    size_t bytes = (size_t)((uint64_t)s->video_bps / 8 * FRAME_EVERY_US / 1000000u);
    size_t packets = (bytes + LOAD_FRAME_BYTES - 1) / LOAD_FRAME_BYTES;
    size_t each = packets ? bytes / packets : 0;
    bool asked = s->key_wanted && now_us - s->key_us > KEY_APART_US;
    bool key = asked || now_us - s->key_us > KEY_EVERY_US;
    if (each < STAMP_AT + STAMP_BYTES)
        each = STAMP_AT + STAMP_BYTES;
    if (key) {
        s->key_us = now_us;
        s->key_wanted = false;
    }
    s->video.timestamp += 3000;
    for (size_t i = 0; i < packets; i++) {
        uint8_t *packet = out->room(out->ctx);
        size_t at = begin(s, &s->video, LOAD_VIDEO_TYPE, i + 1 == packets, packet);
        write_vp8(packet + at, i == 0, key, (uint16_t)s->video.frame);
        finish(s, &s->video, packet, at, each, out);
    }
    s->video.frame++;
}

static void send_reports(struct load_source *s, const struct load_output *out)
{
    uint8_t *packet = out->room(out->ctx);
    struct wr w = wr_make(packet, 256);
    const struct load_stream *all[] = {&s->audio, &s->video};
    for (size_t i = 0; i < 2; i++) {
        struct rtcp_sender_info info = {.ssrc = all[i]->ssrc,
                                        .ntp = ntp_from_unix_us(clock_unix_us()),
                                        .rtp_timestamp = all[i]->timestamp,
                                        .packets = all[i]->packets,
                                        .bytes = all[i]->bytes};
        rtcp_write_sr(&w, &info, NULL, 0);
        rtcp_write_sdes_cname(&w, all[i]->ssrc, "load");
    }
    if (!w.bad)
        out->emit(out->ctx, packet, wr_len(&w), true);
}

/** The next time on the grid that is not past: a generator that was held up does not hurry after. */
static uint64_t next_due(uint64_t due_us, uint64_t every_us, uint64_t now_us)
{
    due_us += every_us;
    return due_us + 4 * every_us < now_us ? now_us : due_us;
}

void load_source_tick(struct load_source *s, uint64_t now_us, const struct load_output *out)
{
    for (; s->audio.due_us <= now_us;
         s->audio.due_us = next_due(s->audio.due_us, AUDIO_EVERY_US, now_us))
        send_audio(s, out);
    for (; s->video.due_us <= now_us;
         s->video.due_us = next_due(s->video.due_us, FRAME_EVERY_US, now_us))
        (s->film ? send_film : send_frame)(s, now_us, out);
    if (s->report_us <= now_us) {
        s->report_us = now_us + REPORT_EVERY_US;
        send_reports(s, out);
    }
}
