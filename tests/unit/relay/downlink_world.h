// SPDX-License-Identifier: Apache-2.0
/* One viewer's path in virtual time: a publisher with three streams or one, a link with a rate and a
 * queue, and a receiver that reports. */
#ifndef LOUPE_TESTS_UNIT_RELAY_DOWNLINK_WORLD_H
#define LOUPE_TESTS_UNIT_RELAY_DOWNLINK_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "media/relay/downlink.h"
#include "media/relay/relay.h"

#define MS 1000u
#define SECOND 1000000u
#define PACKET 1000u
#define ENCODINGS 3
#define FLYING 4096
#define DELAY_US (20 * MS)
#define SOUND_BPS 40000u

struct flying {
    bool used;
    uint16_t number;
    uint64_t at_us;
};

struct source {
    struct encoding *encoding;
    uint32_t bps;
    uint16_t width, height;
    uint16_t seq;
    bool key_wanted;
    unsigned keys;
};

struct world {
    struct entropy_seeded seeded;
    struct entropy entropy;
    struct sender_clock clock;
    struct room *room;
    struct track *video, *audio;
    struct source sources[ENCODINGS];
    size_t source_count;
    struct downlink *path;
    struct slot *picture, *sound;
    uint64_t now_us;
    uint32_t link_bps; /* 0: unlimited */
    uint64_t link_free_us, queue_us;
    bool reports, obeys; /* the publisher sends what its viewer can take */
    struct flying flying[FLYING];
    struct twcc_recorder recorder;
    uint16_t audio_seq;
    /* Noted: */
    uint64_t queue_max_us, sound_late_us, silent_us; /* silent: sound alone */
    unsigned changes, pictures, sent, probes;
};

static inline void fly(struct world *w, uint16_t number, uint32_t bytes)
{
    uint64_t at_us = w->now_us;
    if (w->link_bps) {
        if (w->link_free_us < w->now_us)
            w->link_free_us = w->now_us;
        uint64_t wait_us = w->link_free_us - w->now_us;
        if (wait_us > w->queue_us)
            return;
        if (wait_us > w->queue_max_us)
            w->queue_max_us = wait_us;
        w->link_free_us += (uint64_t)bytes * 8u * SECOND / w->link_bps;
        at_us = w->link_free_us;
    }
    for (size_t i = 0; i < FLYING; i++) {
        if (w->flying[i].used)
            continue;
        w->flying[i] = (struct flying){true, number, at_us + DELAY_US};
        return;
    }
    fail_msg("too much is under way");
}

static inline void send(void *ctx, struct slot *s, const struct relay_packet *packet)
{
    struct world *w = ctx;
    uint32_t bytes = packet->from->payload_len + 40u;
    assert_int_equal(packet->now_us, w->now_us);
    uint16_t number = downlink_sent(w->path, w->now_us, bytes, 0);
    w->sent++;
    w->probes += packet->retransmission;
    if (s->kind == MEDIA_AUDIO && w->now_us - packet->from->arrival_us > w->sound_late_us)
        w->sound_late_us = w->now_us - packet->from->arrival_us;
    w->pictures += packet->marker && !packet->retransmission;
    fly(w, number, bytes);
}

static inline void ask_key_frame(void *ctx, struct encoding *e)
{
    struct world *w = ctx;
    for (size_t i = 0; i < w->source_count; i++)
        if (w->sources[i].encoding == e)
            w->sources[i].key_wanted = true;
}

static inline void ask_packets(void *ctx, struct encoding *e, const int64_t *seqs, size_t count)
{
    (void)ctx, (void)e, (void)seqs, (void)count;
}

static inline void slot_changed(void *ctx, struct slot *s)
{
    (void)ctx, (void)s;
}

static const struct relay_ops ops = {.send = send,
                                     .ask_key_frame = ask_key_frame,
                                     .ask_packets = ask_packets,
                                     .slot_changed = slot_changed};

static inline void put(struct world *w, struct encoding *e, uint16_t seq, uint32_t timestamp,
                       const uint8_t *payload, size_t len, bool marker)
{
    const struct track_extras none = {0};
    const struct rtp_packet packet = {.marker = marker,
                                      .seq = seq,
                                      .timestamp = timestamp,
                                      .payload = payload,
                                      .payload_len = len};
    assert_int_equal(encoding_receive(e, w->now_us, &packet, &none, false), 0);
}

/** A picture of its share of the rate; a key frame is four times as large. */
static inline void make_picture(struct world *w, struct source *s)
{
    uint32_t bps = s->bps, may = w->obeys ? downlink_slot_bps(w->path, w->picture) : UINT32_MAX;
    if (may < bps)
        bps = may / 10 * 9;
    bool slideshow = w->obeys && downlink_slot_state(w->path, w->picture) == DOWNLINK_SLIDESHOW;
    if (slideshow && !s->key_wanted)
        return;
    size_t left = bps / 8u / 30u * (s->key_wanted ? 4 : 1);
    uint8_t payload[PACKET] = {0x10, 0x01};
    const uint8_t key[] = {0x10,
                           0x10,
                           0x02,
                           0x00,
                           0x9d,
                           0x01,
                           0x2a,
                           (uint8_t)s->width,
                           (uint8_t)(s->width >> 8),
                           (uint8_t)s->height,
                           (uint8_t)(s->height >> 8)};
    if (s->key_wanted)
        memcpy(payload, key, sizeof key);
    s->keys += s->key_wanted;
    s->key_wanted = false;
    for (bool first = true; first || left > 0; first = false) {
        size_t len = left < 60 ? 60 : left < PACKET ? left : PACKET;
        left -= left < len ? left : len;
        if (!first)
            payload[0] = 0;
        put(w, s->encoding, s->seq++, (uint32_t)(w->now_us / 100 * 9), payload, len, left == 0);
    }
}

static inline void arrive(struct world *w)
{
    for (size_t i = 0; i < FLYING; i++) {
        if (!w->flying[i].used || w->flying[i].at_us > w->now_us)
            continue;
        twcc_record(&w->recorder, w->flying[i].number, w->flying[i].at_us);
        w->flying[i].used = false;
    }
}

static inline void report(struct world *w)
{
    uint8_t bytes[1200];
    while (w->reports && twcc_pending(&w->recorder)) {
        struct twcc_arrival arrivals[1024];
        int64_t reference_us;
        size_t count;
        struct wr out = wr_make(bytes, sizeof bytes);
        twcc_write(&w->recorder, &out, 1, 2);
        struct rd in = rd_make(bytes, wr_len(&out));
        struct rtcp_packet packet;
        assert_int_equal(rtcp_next(&in, &packet), 0);
        assert_int_equal(twcc_parse(&packet, &reference_us, arrivals, 1024, &count), 0);
        downlink_feedback(w->path, w->now_us, arrivals, count);
    }
}

static inline void run(struct world *w, uint64_t us)
{
    for (uint64_t until_us = w->now_us + us; w->now_us < until_us; w->now_us += MS) {
        uint64_t ms = w->now_us / MS;
        arrive(w);
        if (ms % 100 == 0)
            report(w);
        if (downlink_slot_state(w->path, w->picture) == DOWNLINK_AUDIO_ONLY)
            w->silent_us += MS;
        for (size_t i = 0; ms % 33 == 0 && i < w->source_count; i++)
            make_picture(w, &w->sources[i]);
        if (ms % 20 == 0) {
            const uint8_t opus[SOUND_BPS / 8 / 50] = {0xf8};
            put(w, w->audio->encodings[0], w->audio_seq++, (uint32_t)(ms * 48), opus, sizeof opus,
                false);
        }
        if (room_deadline_us(w->room) <= w->now_us)
            room_expire(w->room, w->now_us);
        for (unsigned turns = 0; downlink_deadline_us(w->path) <= w->now_us; turns++) {
            assert_true(turns < 50); /* it does not spin */
            downlink_expire(w->path, w->now_us);
        }
    }
}

static inline void changed(void *ctx, struct slot *s, uint64_t now_us)
{
    struct world *w = ctx;
    assert_non_null(s);
    assert_int_equal(now_us, w->now_us);
    w->changes++;
}

static inline struct track *publish(struct world *w, enum media_codec codec, uint64_t id)
{
    struct track *t;
    const struct track_config config = {
        .id = id, .identity = "ann", .codec = codec, .clock = &w->clock};
    assert_int_equal(track_new(&t, w->room, &config, w->now_us), 0);
    return t;
}

static inline struct slot *show(struct world *w, enum media_kind kind)
{
    struct slot *s;
    const struct slot_config config = {.kind = kind,
                                       .codecs = 1u << CODEC_OPUS | 1u << CODEC_VP8,
                                       .viewer = 1,
                                       .identity = "me",
                                       .pick = SLOT_PICK_OTHERS,
                                       .downlink = w->path};
    assert_int_equal(slot_new(&s, w->room, &config, w->now_us), 0);
    assert_int_equal(downlink_attach(w->path, s, kind == MEDIA_VIDEO, w->now_us), 0);
    return s;
}

static const uint32_t rates[ENCODINGS] = {150000, 500000, 1500000};

static inline struct world *world_new(size_t sources, uint32_t link_bps, bool reports)
{
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    w->entropy = entropy_seeded_init(&w->seeded, 3);
    w->now_us = 5 * SECOND;
    w->link_bps = link_bps;
    w->queue_us = SECOND;
    w->reports = reports;
    w->source_count = sources;
    const struct relay_config config = {
        .ops = &ops, .ops_ctx = w, .entropy = &w->entropy, .unix_offset_us = SECOND};
    assert_int_equal(room_new(&w->room, &config), 0);
    w->audio = publish(w, CODEC_OPUS, 1);
    assert_non_null(track_encoding(w->audio, 0, w->now_us));
    w->video = publish(w, CODEC_VP8, 2);
    for (unsigned i = 0; i < sources; i++)
        w->sources[i] = (struct source){.encoding = track_encoding(w->video, i, w->now_us),
                                        .bps = sources == 1 ? rates[2] : rates[i],
                                        .width = (uint16_t)(320u << i),
                                        .height = (uint16_t)(180u << i),
                                        .key_wanted = true};
    const struct downlink_config path = {.twcc = reports, .changed = changed, .ctx = w};
    assert_int_equal(downlink_new(&w->path, &path, w->now_us), 0);
    w->picture = show(w, MEDIA_VIDEO);
    w->sound = show(w, MEDIA_AUDIO);
    return w;
}

static inline void world_free(struct world *w)
{
    downlink_detach(w->path, w->picture);
    downlink_detach(w->path, w->sound);
    room_free(w->room);
    downlink_free(w->path);
    free(w);
}

static inline int shown(const struct world *w)
{
    return w->picture->encoding ? w->picture->encoding->index : -1;
}

static inline void forget(struct world *w)
{
    w->queue_max_us = w->sound_late_us = w->silent_us = 0;
    w->changes = w->pictures = w->sent = w->probes = 0;
}

#endif
