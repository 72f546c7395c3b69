// SPDX-License-Identifier: Apache-2.0
/* Statistics of a received source for receiver reports (RFC 3550, 6.4.1 and appendix A.3, A.8), and
 * the mapping of its RTP clock to the server's. */
#ifndef LOUPE_MEDIA_RELAY_RECEPTION_H
#define LOUPE_MEDIA_RELAY_RECEPTION_H

#include <stdbool.h>
#include <stdint.h>

#include "media/wire/rtcp.h"

/** A value; zeroed memory is a fresh one. */
struct reception {
    int64_t base_seq;
    int64_t highest_seq;
    uint64_t received;
    uint64_t expected_prior, received_prior;
    int64_t transit;    /* of the last packet, clock units */
    uint32_t jitter_q4; /* RFC 3550 A.8, times 16 */
    uint32_t last_sr;   /* middle of its NTP time */
    uint64_t last_sr_at_us;
};

/** Note a packet (not a retransmission). */
void reception_note(struct reception *r, int64_t seq, int64_t timestamp, uint32_t clock_rate,
                    uint64_t now_us);
void reception_note_sr(struct reception *r, uint64_t ntp, uint64_t now_us);
/** Fill a report block; starts the next interval. False while nothing has come. */
bool reception_report(struct reception *r, uint32_t ssrc, uint64_t now_us, struct rtcp_report *ret);
/** Packets lost so far (expected - received, not below 0). */
uint64_t reception_lost(const struct reception *r);

/** The sender's wall clock against ours: one per publisher, shared by its tracks, so that sound and
 *  picture stay together. The smallest (arrival - NTP) seen lately counts; it drifts slowly. How much of
 *  that is the way, nobody can tell; half of the smallest round trip is taken, which is wrong by half of what
 *  the two ways differ by. */
struct sender_clock {
    bool known;
    int64_t offset_us; /* our unix time minus the sender's NTP time, transit included */
    uint64_t window_end_us;
    int64_t window_min_us;
    uint64_t rtt_us; /* smallest lately; 0: not known, and times are late by the way */
    uint64_t rtt_window_end_us, rtt_window_min_us;
};
void sender_clock_note(struct sender_clock *c, uint64_t ntp, uint64_t unix_us);
/** A round trip to the publisher was measured. */
void sender_clock_note_rtt(struct sender_clock *c, uint64_t rtt_us, uint64_t unix_us);

/** A track's RTP clock: a point of correspondence, from sender reports, or from arrivals until the
 *  first report comes. */
struct track_clock {
    bool from_sr;
    bool known;
    int64_t timestamp;    /* extended */
    uint64_t ntp_unix_us; /* sender's wall clock at `timestamp` (from_sr), else our arrival time */
};
void track_clock_note_arrival(struct track_clock *c, int64_t timestamp, uint64_t unix_us);
void track_clock_note_sr(struct track_clock *c, int64_t timestamp, uint64_t ntp);
/** When a timestamp was captured, on our unix clock in microseconds. 0 while unknown. */
uint64_t track_clock_unix_us(const struct track_clock *c, const struct sender_clock *sender,
                             uint32_t clock_rate, int64_t timestamp);
/** A track's times as a recorder wants them: in step with its RTP timestamps, brought towards what
 *  track_clock_unix_us says by 1% of the time passed at most, so that a better estimate of the clock
 *  never makes pictures jump. Differences up to 8 ms are let be; over half a second they are taken
 *  over at once. */
struct steady_clock {
    bool known;
    int64_t timestamp;
    uint64_t unix_us;
};
/** The time of `timestamp`; `target_unix_us` is the present estimate of it. */
uint64_t steady_clock_unix_us(struct steady_clock *c, uint32_t clock_rate, int64_t timestamp,
                              uint64_t target_unix_us);
/** The inverse: the timestamp captured at a moment of our unix clock. */
int64_t track_clock_timestamp(const struct track_clock *c, const struct sender_clock *sender,
                              uint32_t clock_rate, uint64_t unix_us);

#endif
