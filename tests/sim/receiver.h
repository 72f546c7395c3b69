// SPDX-License-Identifier: Apache-2.0
/* One track that a fake browser receives: reorder, NACK, RTX, frames put together and checked to the
 * byte, PLI when stuck, receiver reports. Plainly, it notes for every frame when it was whole; as a
 * real browser (`real`), it asks by wants.h and plays by player.h or voice.h. */
#ifndef LOUPE_TESTS_SIM_RECEIVER_H
#define LOUPE_TESTS_SIM_RECEIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "media/codec.h"
#include "media/wire/rtcp.h"
#include "media/wire/rtp.h"
#include "tests/sim/player.h"
#include "tests/sim/voice.h"
#include "tests/sim/wants.h"

#define RECEIVER_PACKETS 2048 /* kept; a power of two */
#define RECEIVER_MISSING 512
#define RECEIVER_TRIES 12

struct receiver_config {
    enum media_codec codec;
    uint32_t ssrc;
    uint32_t rtx_ssrc; /* 0: not agreed */
    uint8_t payload_type;
    uint8_t rtx_payload_type;
    uint8_t red_payload_type; /* 0: none */
    bool nack;
    bool pli;
    bool real;
    uint8_t playout_id; /* the playout-delay extension's; 0: not agreed */
};

/** By number from 0 on; complete_us 0: never seen whole. */
struct received_frame {
    uint64_t capture_us;
    uint64_t complete_us; /* all of it is there */
    uint64_t decoded_us;  /* and all it depends on */
    uint32_t timestamp;
    bool key;
};

struct receiver_stats {
    uint64_t packets; /* media, without retransmissions */
    uint64_t retransmitted;
    uint64_t duplicates;
    uint64_t frames;  /* complete */
    uint64_t corrupt; /* complete, but not what was sent */
    uint64_t nacked;
    uint64_t given_up;
    uint64_t plis;
    uint64_t redundant; /* blocks of sound that came with a later one */
    uint64_t streams;   /* how often the source changed */
};

struct receiver_packet {
    int64_t seq; /* extended; 0: empty */
    uint32_t timestamp;
    bool start;
    bool marker;
    bool used;  /* its frame was reported */
    bool again; /* it came when asked for */
    bool layered, sync;
    uint8_t temporal_id, tl0;
    uint16_t picture_id, width, height;
    uint16_t len;
    uint8_t *data; /* owned; without the codec's descriptor */
};

struct receiver_missing {
    int64_t seq;
    uint64_t next_us;
    uint32_t tries;
};

struct receiver {
    struct receiver_config config;
    struct receiver_stats stats;
    struct seq_extender extender;
    int64_t first;
    int64_t highest;
    uint64_t first_packet_us; /* 0: none yet */
    uint64_t heard_us;
    uint64_t bytes; /* payloads of all packets, also those that came twice */
    struct receiver_packet packets[RECEIVER_PACKETS];
    size_t missing_count;
    struct receiver_missing missing[RECEIVER_MISSING];
    uint32_t stream;
    size_t frame_count; /* one above the highest number seen */
    size_t frame_size;
    struct received_frame *frames;
    int64_t decoded; /* number of the last one decoded; -1: none */
    uint64_t stuck_since_us;
    uint64_t next_pli_us;
    /* As a real browser; NULL otherwise. */
    struct wants *wants;
    struct player *player; /* of pictures */
    struct voice *voice;   /* of sound */
    struct ts_extender ts;
    int64_t picture; /* id of the newest picture, extended */
    uint64_t rtt_us; /* as the browser knows it; 0: not at all */
    /* For receiver reports. */
    uint64_t received_before;
    uint64_t expected_before;
    uint64_t unique;
    struct rtcp_sender_info last_sr;
    uint64_t last_sr_us; /* 0: none */
    int64_t transit;
    uint32_t jitter;
};

/** What the receiver wants sent. */
struct receiver_feedback {
    uint16_t seqs[RECEIVER_MISSING];
    size_t seq_count;
    bool pli;
};

int receiver_new(struct receiver **ret, const struct receiver_config *config);
void receiver_free(struct receiver *r);

/** A decrypted packet of ours (either SSRC). */
void receiver_input(struct receiver *r, uint64_t now_us, const struct rtp_packet *packet);
void receiver_note_sr(struct receiver *r, uint64_t now_us, const struct rtcp_sender_info *info);
uint64_t receiver_deadline_us(const struct receiver *r);
void receiver_expire(struct receiver *r, uint64_t now_us, uint64_t rtt_us,
                     struct receiver_feedback *ret);
/** False while nothing was received. */
bool receiver_report(struct receiver *r, uint64_t now_us, struct rtcp_report *ret);

#endif
