// SPDX-License-Identifier: Apache-2.0
/* One publisher and one viewer, both like real browsers, over an impaired network: a cell of the
 * grid, and what came of it. `./dev bench loss` runs the whole grid, test_grid_sim.c a part. */
#ifndef LOUPE_TESTS_SIM_GRID_H
#define LOUPE_TESTS_SIM_GRID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/sim/netsim.h"

#define GRID_STEPS 4
#define GRID_SECONDS 45 /* impaired; before that 3 s to connect, behind it 5 s without loss */

struct grid_case {
    char name[48];
    struct netsim_link leg; /* each way of both legs, while impaired */
    /* The viewer's way down, besides; 0: no bottleneck. */
    struct {
        uint64_t rate_bps;
        uint64_t seconds;
    } steps[GRID_STEPS]; /* one after another; seconds 0: to the end */
    uint32_t queue_packets;
    uint64_t queue_us;
    uint64_t seconds; /* 0: GRID_SECONDS */
    bool up;          /* the bottleneck is the publisher's way up instead */
    bool simulcast;
    uint8_t temporal_layers;
    bool without_audio_nack;
    uint32_t video_bps;     /* at most; 0: 1,500,000 */
    uint16_t width, height; /* 0: 640 x 480 */
};

struct grid_step {
    double used;      /* of the rate, in percent */
    uint32_t wait_ms; /* in the queue: 95% of the datagrams not longer */
    uint32_t worst_ms;
    uint32_t settled_ms; /* from when on at least 70% is used with less than 300 ms of queue */
    uint32_t after_ms;   /* wait_ms of what passed later than 5 s after the step */
    uint32_t changed_ms; /* when the picture's size first was another than before; UINT32_MAX */
    uint32_t reached_ms; /* when it first had the size that it had in the end; likewise */
    uint16_t width;      /* in the end */
};

struct grid_result {
    double fps, kbps; /* shown; of pictures, arriving */
    double key_frames;
    uint32_t freezes, long_freezes, frozen_ms, longest_ms;
    uint32_t delay_ms, late_ms; /* from capture to screen: half, and 95% */
    double concealed;           /* of the sound, percent */
    uint32_t silent_ms;         /* longest made up at a stretch */
    uint32_t sound_ms;          /* the sound's jitter buffer at the end */
    double sent_kbps;           /* by the publisher's encoders at the end of the impairment */
    uint32_t nacked, resent, plis;
    uint32_t recovery_ms; /* from the end of the loss; UINT32_MAX: never */
    uint64_t broken, corrupt;
    size_t step_count;
    struct grid_step steps[GRID_STEPS];
};

/** Deterministic by case and seed. 0, or ER_* when the two did not connect. */
int grid_run(const struct grid_case *c, uint64_t seed, struct grid_result *ret);

/** The whole grid; case `i`, or false behind the last. */
bool grid_at(size_t i, struct grid_case *ret);

#endif
