// SPDX-License-Identifier: Apache-2.0
/* What a browser makes of whole pictures: which can be decoded (VP8 by sequence numbers, or by
 * picture id, TL0PICIDX and temporal layer), when they are shown (a jitter buffer), and what it then
 * counts as frozen. The frames' own truth (synthetic.h) tells whether it decoded garbage. */
#ifndef LOUPE_TESTS_SIM_PLAYER_H
#define LOUPE_TESTS_SIM_PLAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/sim/synthetic.h"

#define PLAYER_WAITING 512 /* frames that wait for others */
#define PLAYER_TRUTH 4096
#define PLAYER_SHOWN 16384 /* the newest shown are remembered */
#define PLAYER_DELAYS 200  /* from capture to screen, buckets of 10 ms */

/** A frame, all of whose packets are there. */
struct player_frame {
    int64_t first_seq, last_seq; /* extended */
    int64_t picture;             /* picture id, extended; meaningless unless layered */
    int64_t timestamp;           /* 90 kHz, extended */
    bool layered;                /* TL0PICIDX and TID are there */
    bool sync;
    uint8_t temporal_id;
    uint8_t tl0;
    uint16_t width, height; /* of a key frame */
    struct synthetic what;  /* the truth */
    uint64_t due_us;        /* on the screen; the player's own */
};

struct player_stats {
    uint64_t decoded;
    uint64_t keys;
    uint64_t broken;    /* decoded without what they need: never to happen */
    uint64_t discarded; /* overtaken by a key frame, or of a layer that was skipped */
    uint64_t freezes; /* as W3C's freezeCount: longer than three usual intervals and 150 ms more */
    uint64_t long_freezes; /* over 500 ms */
    uint64_t frozen_us;    /* totalFreezesDuration */
    uint64_t longest_us;   /* between two pictures */
    uint64_t delays[PLAYER_DELAYS];
};

struct player_shown {
    uint64_t at_us;
    uint32_t bytes;
    uint16_t width, height;
};

/** Zeroed: nothing seen. */
struct player {
    struct player_stats stats;
    size_t waiting;
    struct player_frame frames[PLAYER_WAITING]; /* by first_seq */
    bool started;                               /* a key frame was decoded */
    bool needs_key;                             /* it asks for one, every 200 ms */
    int64_t chain_seq;    /* last number of what was decoded or is padding, without a hole */
    int64_t base_picture; /* newest picture of layer 0 decoded, its index and the newest of all */
    int64_t last_picture;
    uint8_t base_tl0;
    uint64_t progress_us; /* when a frame was decoded last, or the first packet came */
    uint64_t asked_us;
    /* Time. */
    bool placed;
    int64_t offset_us; /* arrival minus media time, the least */
    double jitter_us;
    int64_t before_us; /* the same of the frame before */
    uint64_t delay_us; /* the buffer's, now; moves by 10% of the time passed */
    uint64_t delay_at_us;
    uint64_t least_us; /* the sender asks for so much of a buffer at least */
    uint64_t nacked;   /* frames that needed a retransmission */
    /* What is on the screen. */
    uint64_t shown_us, interval_us;
    uint16_t width, height;
    uint64_t counting_from_us; /* nothing before goes into stats */
    struct synthetic truth[PLAYER_TRUTH];
    size_t shown_count;
    struct player_shown shown[PLAYER_SHOWN];
};

/** Count from now on only. */
void player_clear(struct player *p, uint64_t now_us);
/** Any packet of the stream came; `padding`: it carries nothing. */
void player_packet(struct player *p, uint64_t now_us, int64_t seq, bool padding);
/** `nacked`: some of it came only when asked for again. `rtt_us`: 0 when the browser knows none. */
void player_frame(struct player *p, uint64_t now_us, const struct player_frame *f, bool nacked,
                  uint64_t rtt_us);
/** When a key frame is to be asked for; HEAP_NEVER. */
uint64_t player_ask_us(const struct player *p);
void player_asked(struct player *p, uint64_t now_us);
/** The picture that is on the screen now ends here: for freezes that last to the end. */
void player_end(struct player *p, uint64_t now_us);
/** Pictures shown in [from_us, to_us), of those remembered. */
size_t player_shown_between(const struct player *p, uint64_t from_us, uint64_t to_us);
/** From when on, not before `from_us`, pictures came without a pause of `pause_us` for a second;
 *  UINT64_MAX: never. */
uint64_t player_flows_from_us(const struct player *p, uint64_t from_us, uint64_t pause_us);
/** When, from `from_us` on, the picture's width first was another than the one before; UINT64_MAX. */
uint64_t player_resized_us(const struct player *p, uint64_t from_us);
/** When, from `from_us` on, the width first was what it is now; UINT64_MAX: nothing was shown. */
uint64_t player_width_again_us(const struct player *p, uint64_t from_us);
/** The delay from capture to screen that `percent` of the pictures did not exceed. */
uint64_t player_delay_us(const struct player *p, unsigned percent);

#endif
