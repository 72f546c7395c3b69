// SPDX-License-Identifier: Apache-2.0
/* What all load peers measure together: delays as histograms, and how far apart the viewers of one
 * frame are from first to last. */
#ifndef LOUPE_TESTS_BENCH_LOAD_METER_H
#define LOUPE_TESTS_BENCH_LOAD_METER_H

#include <stddef.h>
#include <stdint.h>

#define METER_BUCKETS 1536
#define METER_FRAMES 4096 /* of which some viewer may still be waiting */

/** Microseconds in buckets about 2% wide. Zeroed memory is an empty one. */
struct histogram {
    uint64_t count;
    uint64_t max;
    uint32_t buckets[METER_BUCKETS];
};
void histogram_add(struct histogram *h, uint64_t us);
/** The value below which the share `part` (0 to 1) lies; 0 when empty. */
uint64_t histogram_at(const struct histogram *h, double part);

struct meter_frame {
    uint64_t key; /* stream and number; 0: free */
    uint64_t first_us, last_us;
    uint64_t *last_count; /* of the viewer that was the last so far */
    uint32_t viewers;
};

struct load_meter {
    struct histogram audio;  /* from a publisher's send to a viewer's arrival */
    struct histogram video;  /* the same */
    struct histogram spread; /* from the first viewer of a frame to its last */
    uint64_t frames;         /* seen by more than one viewer */
    struct meter_frame table[METER_FRAMES];
};

/** A viewer got the end of this frame; `*last_count` counts the frames that reached it last. */
void meter_frame(struct load_meter *m, uint32_t stream, uint32_t number, uint64_t at_us,
                 uint64_t *last_count);
/** Take in the frames not finished yet. */
void meter_settle(struct load_meter *m);
/** Empty it. */
void meter_reset(struct load_meter *m);

#endif
