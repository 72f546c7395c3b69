// SPDX-License-Identifier: Apache-2.0
/* Is a queue growing on the path? Packets are put into groups that left together; the least one-way
 * delay of each group is a sample; the slope of a line through the last samples, against a threshold
 * that adapts to the path's noise, tells overuse (draft-ietf-rmcat-gcc-02, 5.2-5.4, with a line fit
 * in place of the Kalman filter). Beside it stands the queue itself: the least delay of late against
 * the least for long. Jitter makes slopes, but it never lifts the least delay: both must agree. */
#ifndef LOUPE_MEDIA_RELAY_TRENDLINE_H
#define LOUPE_MEDIA_RELAY_TRENDLINE_H

#include <stdbool.h>
#include <stdint.h>

#define TRENDLINE_SAMPLES 20

enum path_use { PATH_NORMAL, PATH_UNDERUSE, PATH_OVERUSE };

/** Zeroed memory, then trendline_reset. */
struct trendline {
    enum path_use use;
    /* The group being filled. */
    uint64_t group_sent_us; /* of its first packet; 0: none */
    int64_t group_delay_us; /* least */
    int64_t group_arrival_us;
    int64_t last_delay_us; /* of the newest packet */
    unsigned late_run;     /* the newest packets, of those that waited long and ever longer */
    /* The last samples, a ring. */
    struct trendline_sample {
        int64_t at_us;
        int64_t raw_us;
        double delay_ms; /* smoothed */
    } samples[TRENDLINE_SAMPLES];
    unsigned count, next;
    unsigned groups; /* since the start, up to 60 */
    int64_t first_arrival_us;
    int64_t first_delay_us;
    double smoothed_ms;
    double threshold_ms;
    double trend_ms; /* the last slope, scaled as the threshold is */
    int64_t last_sample_us;
    double over_ms;
    unsigned over_count;
    /* The least delay for long: of this stretch of time and the one before. */
    int64_t base_us[2];
    int64_t base_until_us;
    double late_share; /* of groups that waited long while nothing was wrong */
    bool has_base;
    int64_t queue_us;
    uint32_t packet_us; /* what one large packet takes on the link: no queue. Set by the owner */
    uint32_t jitter_us; /* how far delays are from each other without a queue */
};

void trendline_reset(struct trendline *t);
/** A packet's times, in order of sending. The clocks need not agree: only differences count. */
void trendline_arrival(struct trendline *t, uint64_t sent_us, int64_t arrival_us);
/** Did the newest packets wait long, as few do here? The link may have become slower just now. */
bool trendline_leaps(const struct trendline *t);
/** Did the newest packets wait long, each longer than the one before? So it is within a burst already
 *  whose first packet found the link free. */
bool trendline_stretches(const struct trendline *t);
/** The queue on the path now: delay beyond the least one of the last 10 to 20 seconds. */
uint32_t trendline_queue_us(const struct trendline *t);

#endif
