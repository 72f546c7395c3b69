// SPDX-License-Identifier: Apache-2.0
/* One stream that a fake browser publishes: synthetic frames, at a steady rate or as an encoder that
 * follows the bandwidth makes them, packetised, paced, kept for retransmission, reported. Plain
 * packets out; SRTP is the browser's. */
#ifndef LOUPE_TESTS_SIM_SENDER_H
#define LOUPE_TESTS_SIM_SENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/entropy.h"
#include "media/codec.h"
#include "media/wire/rtcp.h"
#include "media/wire/rtp.h"
#include "tests/sim/encoder.h"

#define SENDER_VIDEO_HISTORY 1024 /* packets; powers of two */
#define SENDER_AUDIO_HISTORY 64
#define SENDER_PACKET_BYTES 1300
#define SENDER_SOUND_BYTES 80

/** What all senders of a browser share when they follow the bandwidth: pictures leave at two and a
 *  half times the rate, sound at once; what is sent again may not exceed the rate itself. */
struct sender_pace {
    uint64_t free_us;
    uint64_t bps;
    uint64_t window_us, resent; /* bytes sent again within half a second: no more than the rate */
    uint32_t resent_bps;        /* in the one before */
};

struct sender_config {
    enum media_codec codec;
    uint32_t stream; /* goes into every frame */
    uint32_t ssrc;
    uint32_t rtx_ssrc; /* 0: repeat the packet itself */
    uint8_t payload_type;
    uint8_t rtx_payload_type;
    char mid[16];
    uint8_t mid_id; /* header extension ids; 0: not agreed */
    uint8_t transport_cc_id;
    uint8_t audio_level_id;
    uint8_t red_payload_type; /* sound goes with the packet before it (RFC 2198); 0: alone */
    uint32_t bps;
    uint32_t fps;                 /* video; audio is 50 packets a second */
    uint32_t key_interval_frames; /* 0: only when asked */
    uint16_t width;
    uint16_t height;
    uint64_t pace_us; /* between packets of one frame */
    /* As a real browser; all zero: steady. */
    bool adaptive; /* video: sender_set_rate says how much; audio: FEC follows sender.fec */
    uint8_t temporal_layers;
    char rid[8]; /* of one of several encodings */
    uint8_t rid_id, repaired_rid_id;
    struct sender_pace *pace;
};

struct sender_stats {
    uint64_t frames;
    uint64_t key_frames;
    uint64_t packets;
    uint64_t bytes;
    uint64_t nacked;
    uint64_t retransmitted;
    uint64_t plis;
    uint64_t firs;
};

struct sender_packet {
    uint16_t len;
    uint16_t payload_at;
    uint16_t transport_at; /* of the transport-wide number; 0: none */
    uint64_t resent_us;
    uint8_t bytes[SENDER_PACKET_BYTES];
};

struct sender {
    struct sender_config config;
    struct sender_stats stats;
    uint64_t started_us;
    uint64_t next_frame_us;
    uint64_t next_packet_us;
    uint64_t pictures; /* taken by the camera, or moments of sound */
    uint64_t made;     /* packets; the one numbered i has sequence number first_seq + i */
    uint64_t sent;
    uint16_t first_seq;
    uint16_t rtx_seq;
    uint16_t picture_id;
    uint32_t first_timestamp;
    bool key_wanted;
    uint32_t interval_us;
    uint32_t bps;                       /* adaptive: now; 0: switched off */
    uint64_t rtt_us;                    /* adaptive: no packet is sent again twice within it */
    bool fec;                           /* adaptive audio: packets hold the FEC of the one before */
    bool slideshow;                     /* adaptive video: one picture a second, each a key frame */
    uint8_t before[SENDER_SOUND_BYTES]; /* the sound packet before, for RED */
    bool has_before;
    struct encoder encoder;
    struct encoded now; /* the frame being packetised */
    size_t history;     /* size, a power of two */
    struct sender_packet *packets;
};

/** A packet ready to be protected; `ctx` is the caller's. */
typedef void sender_emit_fn(void *ctx, const uint8_t *packet, size_t len);
/** The next transport-wide number. */
typedef uint16_t sender_number_fn(void *ctx);

int sender_new(struct sender **ret, const struct sender_config *config,
               const struct entropy *entropy, uint64_t now_us);
void sender_free(struct sender *s);

uint64_t sender_deadline_us(const struct sender *s);
void sender_expire(struct sender *s, uint64_t now_us, sender_emit_fn *emit,
                   sender_number_fn *number, void *ctx);
/** Answer a NACK, by RTX where agreed. */
void sender_nack(struct sender *s, uint64_t now_us, uint16_t seq, sender_emit_fn *emit,
                 sender_number_fn *number, void *ctx);
/** Adaptive: `bps` for the encoder from now on; 0 switches it off, and the first picture after that is
 *  a key frame. */
/** What was sent again lately: encoders leave room for it. */
uint32_t sender_resent_bps(struct sender_pace *pace, uint64_t now_us);
void sender_set_rate(struct sender *s, uint64_t now_us, uint32_t bps);
/** When frame `number` was captured; of steady senders. */
uint64_t sender_capture_us(const struct sender *s, uint64_t number);
/** For the sender report at `now_us`. */
uint32_t sender_timestamp_at(const struct sender *s, uint64_t now_us);

#endif
