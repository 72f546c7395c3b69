// SPDX-License-Identifier: Apache-2.0
/* The estimate: what was sent, what feedback says of it, and the parts that judge it. */
#include "media/relay/bwe.h"

#include <stdlib.h>

#include "base/er.h"
#include "base/fetch.h"
#include "base/limits.h"
#include "media/relay/acked.h"
#include "media/relay/aimd.h"
#include "media/relay/lossguard.h"
#include "media/relay/prober.h"
#include "media/relay/trendline.h"

#define HISTORY LIMIT_BWE_HISTORY
#define CLOCK_WRAP_US (INT64_C(64000) << 24)
#define LEAP_US                                                                                    \
    5000000 /* a receiver's clock that differs so much from ours over one feedback leapt */
#define AGE_MAX_US 30000000u
#define ARRIVING_US 500000u
#define OUTGOING 6u
#define RECENT_US 200000u
#define REMB_US 10000000u
#define PACKET_BITS 9600.0
#define PACKET_MAX_US 80000u
#define DEFAULT_RTT_US 100000u
#define PROBE_FIRST_US 300000u
#define PROBE_EVERY_US 2500000u
#define PROBE_ON_US 150000u /* after one that found room */
#define PROBE_CALM_US 1200000u
#define PROBE_QUEUE_US 25000u
#define PROBE_TIMES 2.0
#define PROBE_TIMES_JITTER 1.5
#define PROBE_JITTER_US 8000u
#define PROBE_SILENCE_US 700000u
#define PROBE_WORTH 1.05
#define WANTED_SHARE 1.4 /* probes go so much beyond what is wanted */
#define FIRST_TIMES 4.0  /* the first train may raise the rate so much */
#define FOLLOWS_LOSSES 32.0
#define REPORT_LOSS 26 /* of 256: a tenth */
#define REPORT_LOSS_LOW 6
#define REPORT_QUEUE_US 60000u
#define REPORT_EVERY_US 900000u

enum fate { FATE_NONE, FATE_FLYING, FATE_LOST, FATE_RECEIVED };

struct sent {
    uint32_t at_us; /* low bits of the time */
    uint16_t bytes;
    uint8_t probe;
    uint8_t fate;
};

struct bwe {
    struct bwe_config config;
    uint16_t next;
    bool twcc_seen;
    bool first_train; /* the first packets are a train themselves */
    bool has_clock;
    int64_t raw_us, arrival_us; /* of the newest status with a time: as told, and unwrapped */
    uint64_t told_us;           /* when it was told */
    uint64_t told_sent_us;      /* when the packet of that status was sent */
    uint16_t told_next;         /* behind the newest number told of */
    uint64_t feedback_us;
    uint64_t sent_us;
    uint64_t rtt_us;
    uint64_t rtt_min_us;
    uint32_t wanted_bps;
    uint32_t remb_bps;
    uint64_t remb_us; /* 0: none */
    uint64_t report_us;
    double report_bps; /* by receiver reports alone */
    uint64_t probe_at_us;
    uint64_t probe_asked_us; /* when bwe_probe was called last */
    struct trendline trend;
    struct aimd aimd;
    struct lossguard loss;
    double follows; /* of what is lost, what was sent right behind something lost */
    struct acked acked;
    uint64_t sent_bytes;
    struct outgoing {
        uint64_t at_us, bytes;
    } outgoing[OUTGOING]; /* of sent_bytes, now and then; a ring */
    unsigned outgoing_next;
    struct prober prober;
    struct bwe_counters counters;
    struct sent sent[HISTORY];
};

int bwe_new(struct bwe **ret, const struct bwe_config *config, uint64_t now_us)
{
    struct bwe *b = calloc(1, sizeof *b);
    if (!b)
        return ER_NOMEM;
    b->config = *config;
    b->next = 1;
    b->aimd.bps = config->start_bps;
    b->report_bps = config->max_bps;
    b->wanted_bps = config->max_bps;
    b->probe_at_us = now_us + PROBE_FIRST_US;
    trendline_reset(&b->trend);
    *ret = b;
    return 0;
}

void bwe_free(struct bwe *b)
{
    free(b);
}

/* Sending */

uint16_t bwe_send(struct bwe *b, uint64_t now_us, uint32_t bytes, unsigned probe)
{
    if (b->sent_us == 0)
        prober_begin(&b->prober, now_us, b->config.max_bps, 0, true);
    b->sent_us = now_us;
    b->sent_bytes += bytes;
    uint16_t number = b->next++;
    (void)probe; /* everything sent during a train is part of it */
    b->sent[number % HISTORY] = (struct sent){
        .at_us = (uint32_t)now_us,
        .bytes = (uint16_t)(bytes < UINT16_MAX ? bytes : UINT16_MAX),
        .probe = prober_sent(&b->prober, now_us, bytes),
        .fate = FATE_FLYING,
    };
    return number;
}

/* Feedback */

/** What one feedback packet adds up to. */
struct tally {
    unsigned expected;
    int lost;
    unsigned received;
    uint64_t newest_sent_us;
};

static struct sent *find_sent(struct bwe *b, uint16_t number)
{
    uint16_t behind = (uint16_t)(b->next - number); /* 1: the newest */
    struct sent *s = &b->sent[number % HISTORY];
    return behind == 0 || behind > HISTORY || s->fate == FATE_NONE ? NULL : s;
}

/** The receiver's time unwrapped. A leap makes all that came before incomparable. */
static int64_t unwrap(struct bwe *b, uint64_t now_us, int64_t raw_us)
{
    int64_t ahead = (raw_us - b->raw_us) % CLOCK_WRAP_US;
    if (ahead > CLOCK_WRAP_US / 2)
        ahead -= CLOCK_WRAP_US;
    else if (ahead < -CLOCK_WRAP_US / 2)
        ahead += CLOCK_WRAP_US;
    int64_t differs = ahead - (int64_t)(now_us - b->told_us);
    if (!b->has_clock || differs > LEAP_US || differs < -LEAP_US) {
        if (b->has_clock) {
            b->counters.strange++;
            b->prober.state = PROBER_IDLE;
        }
        b->has_clock = true;
        b->arrival_us = CLOCK_WRAP_US;
        b->raw_us = raw_us;
        b->told_us = now_us;
        trendline_reset(&b->trend);
        b->acked = (struct acked){0};
        return b->arrival_us;
    }
    int64_t arrival_us = b->arrival_us + ahead;
    if (ahead > 0) {
        b->raw_us = raw_us;
        b->arrival_us = arrival_us;
        b->told_us = now_us;
    }
    return arrival_us;
}

static void on_received(struct bwe *b, uint64_t now_us, struct sent *s, int64_t raw_us,
                        uint64_t sent_us, struct tally *t)
{
    struct prober_sample sample = {
        .sent_us = sent_us, .arrival_us = unwrap(b, now_us, raw_us), .bytes = s->bytes};
    t->received++;
    if (sent_us > t->newest_sent_us)
        t->newest_sent_us = sent_us;
    if (sample.arrival_us == b->arrival_us)
        b->told_sent_us = sent_us;
    trendline_arrival(&b->trend, sent_us, sample.arrival_us);
    acked_note(&b->acked, sample.arrival_us, s->bytes);
    if (s->probe)
        prober_fate(&b->prober, s->probe, true, &sample);
}

static void on_status(struct bwe *b, uint64_t now_us, const struct twcc_arrival *a, struct tally *t)
{
    struct sent *s = find_sent(b, a->seq);
    uint32_t age_us = s ? (uint32_t)now_us - s->at_us : 0;
    if (!s || age_us > AGE_MAX_US || s->fate == FATE_RECEIVED ||
        (s->fate == FATE_LOST && !a->received)) {
        b->counters.strange++;
        return;
    }
    if (s->fate == FATE_LOST)
        t->lost--; /* it was late only */
    else
        t->expected++;
    if (a->received) {
        on_received(b, now_us, s, a->at_us, now_us - age_us, t);
    } else {
        t->lost++;
        const struct sent *before = find_sent(b, (uint16_t)(a->seq - 1));
        bool follows = before && before->fate == FATE_LOST;
        b->follows += (follows - b->follows) / FOLLOWS_LOSSES;
        if (s->probe)
            prober_fate(&b->prober, s->probe, false, NULL);
    }
    s->fate = a->received ? FATE_RECEIVED : FATE_LOST;
}

/** Feedback is lost as well, and not repeated: what it would have told of arrived like the rest, else
 *  the path would seem to carry less than it does. */
static void fill_gap(struct bwe *b, uint64_t now_us, uint16_t from)
{
    uint16_t gap = (uint16_t)(from - b->told_next);
    if (!b->has_clock || b->told_sent_us == 0 || gap > HISTORY / 2)
        return;
    for (uint16_t number = b->told_next; number != from; number++) {
        struct sent *s = find_sent(b, number);
        uint32_t age_us = s ? (uint32_t)now_us - s->at_us : 0;
        if (!s || s->fate != FATE_FLYING || age_us > ARRIVING_US * 2)
            continue;
        int64_t arrival_us = b->arrival_us + (int64_t)(now_us - age_us - b->told_sent_us);
        acked_note(&b->acked, arrival_us, (uint32_t)(s->bytes * (1 - b->loss.loss)));
    }
}

static void note_rtt(struct bwe *b, uint64_t sample_us)
{
    b->rtt_us = b->rtt_us ? (b->rtt_us * 7 + sample_us) / 8 : sample_us;
}

static double clamp(const struct bwe *b, double bps)
{
    if (bps < b->config.min_bps)
        return b->config.min_bps;
    return bps > b->config.max_bps ? b->config.max_bps : bps;
}

/** Without the time that one packet takes on the link. */
static uint32_t queue(const struct bwe *b)
{
    uint32_t queue_us = trendline_queue_us(&b->trend);
    return queue_us > b->trend.packet_us ? queue_us - b->trend.packet_us : 0;
}

/** What left in about the last half second. */
static double outgoing_bps(struct bwe *b, uint64_t now_us)
{
    struct outgoing *newest = &b->outgoing[(b->outgoing_next + OUTGOING - 1) % OUTGOING];
    if (now_us - newest->at_us >= ARRIVING_US / (OUTGOING - 1))
        b->outgoing[b->outgoing_next++ % OUTGOING] = (struct outgoing){.at_us = now_us,
                                                                       .bytes = b->sent_bytes};
    const struct outgoing *oldest = &b->outgoing[b->outgoing_next % OUTGOING];
    if (oldest->at_us == 0 || now_us - oldest->at_us > 4 * ARRIVING_US)
        return 0;
    return (double)(b->sent_bytes - oldest->bytes) * 8e6 / (double)(now_us - oldest->at_us);
}

static void judge_delay(struct bwe *b, uint64_t now_us, const struct tally *t)
{
    double share = 1 - b->loss.inherent; /* what is lost by chance need not arrive */
    struct aimd_input in = {
        .use = b->trend.use,
        .queue_us = queue(b),
        .jitter_us = b->trend.jitter_us,
        .sent_bps = outgoing_bps(b, now_us),
        .rtt_us = b->rtt_us ? b->rtt_us : DEFAULT_RTT_US,
        .behind_us = t->newest_sent_us ? now_us - t->newest_sent_us : 0,
        .arriving_bps = acked_bps(&b->acked, ARRIVING_US) / share,
        .recent_bps = acked_bps(&b->acked, RECENT_US) / share,
        .peak_bps = acked_peak_bps(&b->acked) / share,
        .tail_bps = acked_tail_bps(&b->acked) / share,
        .leaps = trendline_leaps(&b->trend),
        .stretches = trendline_stretches(&b->trend),
        .hold = lossguard_holds(&b->loss, now_us),
    };
    uint64_t before_us = b->aimd.decreased_us;
    aimd_update(&b->aimd, now_us, &in);
    if (b->aimd.decreased_us != before_us) {
        b->counters.decreases++;
        lossguard_cancel(&b->loss, now_us);
    }
}

static void judge_loss(struct bwe *b, uint64_t now_us, const struct tally *t)
{
    struct lossguard_input in = {
        .bps = b->aimd.bps,
        .arriving_bps = acked_bps(&b->acked, ARRIVING_US),
        .queue_us = queue(b),
        .jitter_us = b->trend.jitter_us,
        .rtt_us = b->rtt_us ? b->rtt_us : DEFAULT_RTT_US,
    };
    lossguard_count(&b->loss, t->expected, t->lost);
    b->aimd.bps = lossguard_update(&b->loss, now_us, &in);
}

static void judge_probe(struct bwe *b, uint64_t now_us)
{
    double bps;
    bool limited, first = b->prober.passive;
    if (!prober_result(&b->prober, now_us, &bps, &limited))
        return;
    b->probe_at_us = now_us + (first ? PROBE_ON_US : PROBE_EVERY_US);
    if (first && bps > FIRST_TIMES * b->config.start_bps)
        bps = FIRST_TIMES * b->config.start_bps;
    if (first && limited && bps < b->aimd.bps)
        b->aimd.bps = bps;
    bps /= 1 - b->loss.inherent;
    if (b->trend.use == PATH_OVERUSE || b->loss.trial || bps < PROBE_WORTH * b->aimd.bps)
        return;
    aimd_raise(&b->aimd, now_us, bps);
    if (!limited)
        b->probe_at_us = now_us + PROBE_ON_US;
}

void bwe_feedback(struct bwe *b, uint64_t now_us, const struct twcc_arrival *arrivals, size_t count)
{
    struct tally t = {0};
    double packet_us = PACKET_BITS * 1e6 / b->aimd.bps;
    b->trend.packet_us = packet_us < PACKET_MAX_US ? (uint32_t)packet_us : PACKET_MAX_US;
    if (count > 0 && seq_diff(arrivals[0].seq, b->told_next) > 0)
        fill_gap(b, now_us, arrivals[0].seq);
    for (size_t i = 0; i < count; i++)
        on_status(b, now_us, &arrivals[i], &t);
    if (count > 0 && (seq_diff(arrivals[count - 1].seq, b->told_next) >= 0))
        b->told_next = (uint16_t)(arrivals[count - 1].seq + 1);
    b->counters.feedbacks++;
    if (t.expected == 0 && t.received == 0)
        return;
    b->twcc_seen = true;
    b->feedback_us = now_us;
    b->counters.received += t.received;
    if (t.lost > 0)
        b->counters.lost += (unsigned)t.lost;
    if (t.newest_sent_us)
        note_rtt(b, now_us - t.newest_sent_us);
    judge_delay(b, now_us, &t);
    judge_loss(b, now_us, &t);
    judge_probe(b, now_us);
    b->aimd.bps = clamp(b, b->aimd.bps);
}

/* Without transport-wide feedback */

void bwe_remb(struct bwe *b, uint64_t now_us, uint32_t bps)
{
    b->remb_bps = bps;
    b->remb_us = now_us ? now_us : 1;
}

void bwe_receiver_report(struct bwe *b, uint64_t now_us, uint8_t fraction_lost, uint64_t rtt_us)
{
    if (rtt_us && (b->rtt_min_us == 0 || rtt_us < b->rtt_min_us))
        b->rtt_min_us = rtt_us;
    if (b->remb_us && now_us - b->remb_us > REMB_US)
        b->remb_us = 0;
    if (b->twcc_seen)
        return;
    if (rtt_us)
        note_rtt(b, rtt_us);
    if (b->report_us && now_us - b->report_us < REPORT_EVERY_US)
        return;
    b->report_us = now_us;
    bool queue = rtt_us > b->rtt_min_us + REPORT_QUEUE_US;
    if (fraction_lost > REPORT_LOSS && queue)
        b->report_bps = clamp(b, b->report_bps * (1 - 0.5 * fraction_lost / 256.0));
    else if (fraction_lost < REPORT_LOSS_LOW)
        b->report_bps = clamp(b, b->report_bps * 1.08 + 1000);
}

uint32_t bwe_bps(const struct bwe *b)
{
    double bps = b->twcc_seen || b->config.twcc ? b->aimd.bps : b->report_bps;
    if (b->remb_us && (!b->twcc_seen || b->remb_bps < bps))
        bps = b->remb_bps;
    return (uint32_t)clamp(b, bps);
}

/* Probing */

void bwe_set_wanted(struct bwe *b, uint32_t bps)
{
    b->wanted_bps = bps < b->config.max_bps ? bps : b->config.max_bps;
}

static double probe_target(const struct bwe *b)
{
    double times = b->trend.jitter_us > PROBE_JITTER_US ? PROBE_TIMES_JITTER : PROBE_TIMES;
    double target = times * b->aimd.bps;
    double most = WANTED_SHARE * b->wanted_bps;
    return target < most ? target : most;
}

static bool may_probe(const struct bwe *b, uint64_t now_us)
{
    const struct aimd *a = &b->aimd;
    return b->twcc_seen && b->prober.state == PROBER_IDLE && now_us >= b->probe_at_us &&
           now_us - b->feedback_us < PROBE_SILENCE_US && b->trend.use == PATH_NORMAL &&
           queue(b) < PROBE_QUEUE_US + b->trend.jitter_us / 2 && !b->loss.trial &&
           !lossguard_is_policed(&b->loss, now_us) && !a->draining && a->calm_since_us &&
           now_us - a->calm_since_us >= (a->decreased_us ? PROBE_CALM_US : 0) &&
           probe_target(b) > PROBE_WORTH * a->bps;
}

bool bwe_probe(struct bwe *b, uint64_t now_us, struct bwe_probe *ret)
{
    b->probe_asked_us = now_us;
    if (may_probe(b, now_us)) {
        prober_begin(&b->prober, now_us, (uint32_t)probe_target(b), b->trend.jitter_us, false);
        b->probe_at_us = now_us + PROBE_EVERY_US;
        b->counters.probes++;
    }
    uint32_t bytes = prober_due(&b->prober, now_us);
    if (bytes == 0)
        return false;
    *ret = (struct bwe_probe){.id = b->prober.id, .bps = b->prober.bps, .bytes = bytes};
    return true;
}

uint64_t bwe_deadline_us(const struct bwe *b)
{
    if (b->prober.state == PROBER_SENDING)
        return prober_next_us(&b->prober);
    /* What speaks against a probe that was due already only feedback can change. */
    if (!b->twcc_seen || b->prober.state != PROBER_IDLE || b->probe_at_us <= b->probe_asked_us ||
        probe_target(b) <= PROBE_WORTH * b->aimd.bps)
        return UINT64_MAX;
    return b->probe_at_us;
}

void bwe_get_state(const struct bwe *b, struct bwe_state *ret)
{
    *ret = (struct bwe_state){
        .measured = b->twcc_seen,
        .overuse = b->trend.use == PATH_OVERUSE,
        .capacity_bps = (uint32_t)clamp(b, b->aimd.capacity_bps) * (b->aimd.capacity_bps > 0),
        .queue_us = queue(b),
        .jitter_us = b->trend.jitter_us,
        .arriving_bps = acked_bps(&b->acked, ARRIVING_US),
        .rtt_us = b->rtt_us,
        .loss = b->loss.loss,
        .follows = b->follows,
        .inherent_loss = b->loss.inherent,
        .counters = b->counters,
    };
}

void bwe_fetch(const struct bwe *b, unsigned step)
{
    if (step == 0) {
        fetch(&b->next, sizeof b->next);
        fetch(&b->sent_us, sizeof b->sent_us);
        fetch(&b->sent_bytes, sizeof b->sent_bytes);
        fetch(&b->prober, FETCH_LINE);
    } else {
        fetch(&b->sent[b->next % HISTORY], sizeof *b->sent);
    }
}
