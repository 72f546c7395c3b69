// SPDX-License-Identifier: Apache-2.0
/* Receiver statistics and clock mapping. */
#include "media/relay/reception.h"

#define STEADY_SHARE 100         /* 1%: a picture of 33 ms is moved by a third of a millisecond */
#define STEADY_TOLERANCE_US 8000 /* not worth a change */
#define STEADY_JUMP_US 500000    /* the sender's clock was set: no use in going there slowly */
/* How long a smallest offset counts before a larger one (drift) may take its place. */
#define OFFSET_WINDOW_US 10000000u
#define RTT_MAX_US 1000000u /* a longer one is a lie, or of no use */
/* No path delays a report so long: the sender's wall clock was set. */
#define OFFSET_JUMP_US 10000000

void reception_note(struct reception *r, int64_t seq, int64_t timestamp, uint32_t clock_rate,
                    uint64_t now_us)
{
    if (r->received == 0)
        r->base_seq = r->highest_seq = seq;
    r->received++;
    if (seq < r->highest_seq)
        return;
    bool first = r->received == 1;
    r->highest_seq = seq;
    int64_t arrival = (int64_t)(now_us * (uint64_t)clock_rate / 1000000u);
    int64_t transit = arrival - timestamp;
    int64_t d = transit - r->transit;
    r->transit = transit;
    if (first)
        return;
    if (d < 0)
        d = -d;
    if (d < (int64_t)clock_rate * 5) /* a jump of the timestamps is not jitter */
        r->jitter_q4 += (uint32_t)d - ((r->jitter_q4 + 8) >> 4);
}

void reception_note_sr(struct reception *r, uint64_t ntp, uint64_t now_us)
{
    r->last_sr = ntp_middle(ntp);
    r->last_sr_at_us = now_us;
}

static uint64_t expected(const struct reception *r)
{
    return (uint64_t)(r->highest_seq - r->base_seq + 1);
}

uint64_t reception_lost(const struct reception *r)
{
    if (r->received == 0 || expected(r) < r->received)
        return 0;
    return expected(r) - r->received;
}

bool reception_report(struct reception *r, uint32_t ssrc, uint64_t now_us, struct rtcp_report *ret)
{
    if (r->received == 0)
        return false;
    uint64_t all = expected(r);
    uint64_t interval = all - r->expected_prior;
    uint64_t got = r->received - r->received_prior;
    r->expected_prior = all;
    r->received_prior = r->received;
    uint64_t lost = interval > got ? interval - got : 0;
    uint64_t fraction = interval ? lost * 256 / interval : 0;
    uint64_t total = reception_lost(r);
    uint64_t delay = r->last_sr ? (now_us - r->last_sr_at_us) * 65536u / 1000000u : 0;
    *ret = (struct rtcp_report){
        .ssrc = ssrc,
        .fraction_lost = (uint8_t)(fraction > 255 ? 255 : fraction),
        .cumulative_lost = (int32_t)(total > 0x7fffff ? 0x7fffff : total),
        .highest_seq = (uint32_t)r->highest_seq,
        .jitter = r->jitter_q4 >> 4,
        .last_sr = r->last_sr,
        .delay_since_last_sr = (uint32_t)delay,
    };
    return true;
}

void sender_clock_note(struct sender_clock *c, uint64_t ntp, uint64_t unix_us)
{
    int64_t offset = (int64_t)unix_us - (int64_t)ntp_to_unix_us(ntp);
    if (!c->known || offset > c->offset_us + OFFSET_JUMP_US) {
        c->known = true;
        c->offset_us = c->window_min_us = offset;
        c->window_end_us = unix_us + OFFSET_WINDOW_US;
        return;
    }
    if (offset < c->window_min_us)
        c->window_min_us = offset;
    if (offset < c->offset_us)
        c->offset_us = offset;
    if (unix_us >= c->window_end_us) {
        c->offset_us = c->window_min_us;
        c->window_min_us = offset;
        c->window_end_us = unix_us + OFFSET_WINDOW_US;
    }
}

void sender_clock_note_rtt(struct sender_clock *c, uint64_t rtt_us, uint64_t unix_us)
{
    if (rtt_us == 0 || rtt_us > RTT_MAX_US)
        return;
    if (c->rtt_us == 0) {
        c->rtt_us = c->rtt_window_min_us = rtt_us;
        c->rtt_window_end_us = unix_us + OFFSET_WINDOW_US;
        return;
    }
    if (rtt_us < c->rtt_window_min_us)
        c->rtt_window_min_us = rtt_us;
    if (rtt_us < c->rtt_us)
        c->rtt_us = rtt_us;
    if (unix_us >= c->rtt_window_end_us) {
        c->rtt_us = c->rtt_window_min_us;
        c->rtt_window_min_us = rtt_us;
        c->rtt_window_end_us = unix_us + OFFSET_WINDOW_US;
    }
}

void track_clock_note_arrival(struct track_clock *c, int64_t timestamp, uint64_t unix_us)
{
    if (c->known)
        return;
    *c = (struct track_clock){.known = true, .timestamp = timestamp, .ntp_unix_us = unix_us};
}

void track_clock_note_sr(struct track_clock *c, int64_t timestamp, uint64_t ntp)
{
    *c = (struct track_clock){
        .from_sr = true, .known = true, .timestamp = timestamp, .ntp_unix_us = ntp_to_unix_us(ntp)};
}

/** v * mul / div; what senders choose may be absurd, and ends at the bounds of the type then. */
static int64_t scale(int64_t v, int64_t mul, int64_t div)
{
    int64_t most = INT64_MAX / mul;
    return (v > most ? most : v < -most ? -most : v) * mul / div;
}

static int64_t base_unix_us(const struct track_clock *c, const struct sender_clock *sender)
{
    int64_t way_us = (int64_t)(sender->rtt_us / 2);
    return (int64_t)c->ntp_unix_us - way_us + (c->from_sr && sender->known ? sender->offset_us : 0);
}

uint64_t track_clock_unix_us(const struct track_clock *c, const struct sender_clock *sender,
                             uint32_t clock_rate, int64_t timestamp)
{
    if (!c->known)
        return 0;
    int64_t at = base_unix_us(c, sender) + scale(timestamp - c->timestamp, 1000000, clock_rate);
    return at > 0 ? (uint64_t)at : 0;
}

uint64_t steady_clock_unix_us(struct steady_clock *c, uint32_t clock_rate, int64_t timestamp,
                              uint64_t target_unix_us)
{
    int64_t passed_us = c->known ? scale(timestamp - c->timestamp, 1000000, clock_rate) : 0;
    int64_t at = (int64_t)c->unix_us + passed_us;
    int64_t error = (int64_t)target_unix_us - at;
    int64_t most = (passed_us < 0 ? -passed_us : passed_us) / STEADY_SHARE;
    if (!c->known || error > STEADY_JUMP_US || error < -STEADY_JUMP_US)
        at = (int64_t)target_unix_us;
    else if (error > STEADY_TOLERANCE_US)
        at += error - STEADY_TOLERANCE_US < most ? error - STEADY_TOLERANCE_US : most;
    else if (error < -STEADY_TOLERANCE_US)
        at += error + STEADY_TOLERANCE_US > -most ? error + STEADY_TOLERANCE_US : -most;
    *c = (struct steady_clock){.known = true, .timestamp = timestamp, .unix_us = (uint64_t)at};
    return c->unix_us;
}

int64_t track_clock_timestamp(const struct track_clock *c, const struct sender_clock *sender,
                              uint32_t clock_rate, uint64_t unix_us)
{
    int64_t elapsed_us = (int64_t)unix_us - base_unix_us(c, sender);
    return c->timestamp + scale(elapsed_us, clock_rate, 1000000);
}
