// SPDX-License-Identifier: Apache-2.0
/* How a browser plays sound: a jitter buffer like libwebrtc's NetEq. It delays by what 95% of the
 * packets need (more where packets that were sent again are worth waiting for), plays what is there,
 * uses the redundancy of later packets (in-band FEC, RED) and conceals the rest. */
#ifndef LOUPE_TESTS_SIM_VOICE_H
#define LOUPE_TESTS_SIM_VOICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VOICE_FRAME_US 20000u
#define VOICE_BUFFER 256  /* frames; a power of two */
#define VOICE_BUCKETS 100 /* of 20 ms each */

struct voice_stats {
    uint64_t frames;            /* played, one way or other */
    uint64_t concealed;         /* of those, made up */
    uint64_t redundant;         /* of those, from FEC or RED */
    uint64_t late;              /* packets that came after their time */
    uint64_t longest_concealed; /* frames in a row */
};

enum voice_state { VOICE_NONE, VOICE_REDUNDANT, VOICE_WHOLE };

struct voice {
    struct voice_stats stats;
    int64_t newest;  /* frame number; 0: nothing came */
    int64_t playing; /* the next to be played */
    uint64_t play_at_us;
    uint64_t run;    /* concealed in a row */
    uint64_t waited; /* of those, while nothing newer was there: frames lost then are made up for */
    struct {
        int64_t number;
        enum voice_state state;
    } buffer[VOICE_BUFFER];
    /* How long to wait: histograms of lateness, of packets in order and of all others. */
    int64_t least_us[2]; /* transit, of this window and the one before */
    uint64_t window_us;
    double in_order[VOICE_BUCKETS], reordered[VOICE_BUCKETS];
    uint64_t counted;
    uint64_t worst_us, resample_us;
    uint64_t target_us;
    uint64_t stretched_us;
};

void voice_clear(struct voice *v);
/** Frame `number` came. Frames it carries the redundancy of are noted by voice_redundant before. */
void voice_packet(struct voice *v, uint64_t now_us, int64_t number);
void voice_redundant(struct voice *v, int64_t number);
/** HEAP_NEVER before the first packet. */
uint64_t voice_deadline_us(const struct voice *v);
void voice_expire(struct voice *v, uint64_t now_us);
/** Share of what was played that was made up, in percent. */
double voice_concealed(const struct voice *v);

#endif
