// SPDX-License-Identifier: Apache-2.0
/* What a load peer publishes: VP8-shaped frames as bursts of equal packets at 30 a second, and Opus at
 * 50. Every payload says when it was sent, which packet of which stream it is, and goes on in a
 * pattern that follows from that, so that a viewer can tell delay and damage. */
#ifndef LOUPE_TESTS_BENCH_LOAD_SOURCE_H
#define LOUPE_TESTS_BENCH_LOAD_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/entropy.h"
#include "tests/bench/load_film.h"

#define LOAD_FRAME_BYTES 1100 /* at most, of a frame in one packet */

/** What a payload says of itself. */
struct load_stamp {
    uint32_t stream;  /* the publisher's SSRC */
    uint32_t frame;   /* counts the stream's frames */
    uint64_t counter; /* counts the stream's packets */
    uint64_t sent_us; /* wall clock */
};

/** 0; ER_MALFORMED when it is not what a source wrote. */
int load_stamp_read(const uint8_t *payload, size_t len, struct load_stamp *ret);

/** Whether a picture's payload that load_stamp_read took begins a key frame. */
bool load_is_key_start(const uint8_t *payload);

struct load_stream {
    uint32_t ssrc;
    uint16_t seq;
    uint32_t timestamp;
    uint32_t packets, bytes;
    uint32_t frame;
    uint64_t due_us;
};

struct load_source {
    struct load_stream audio, video;
    uint32_t rtx_ssrc;
    uint32_t video_bps;
    const struct load_film *film; /* what is sent instead of synthetic pictures, or NULL */
    size_t film_at;
    uint16_t transport_seq;
    uint8_t transport_cc_id; /* 0: not agreed */
    bool key_wanted;
    uint64_t key_us;
    uint64_t report_us;
    uint64_t sent;
};

/** A plain packet to be protected and sent; room for 64 bytes more behind it. */
typedef void load_emit_fn(void *ctx, uint8_t *packet, size_t len, bool rtcp);
/** Where the next packet is to be written; LOAD_PACKET_BYTES. */
typedef uint8_t *load_room_fn(void *ctx);

struct load_output {
    load_room_fn *room;
    load_emit_fn *emit;
    void *ctx;
};

void load_source_init(struct load_source *s, const struct entropy *entropy, uint32_t video_bps);
/** Begin at `now_us`, spread so that many sources do not send at once. */
void load_source_start(struct load_source *s, const struct entropy *entropy, uint64_t now_us);
/** When load_source_tick has something to send; UINT64_MAX before the start. */
uint64_t load_source_due_us(const struct load_source *s);
void load_source_tick(struct load_source *s, uint64_t now_us, const struct load_output *out);

#endif
