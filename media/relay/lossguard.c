// SPDX-License-Identifier: Apache-2.0
/* Loss: chance, queue or policing? */
#include "media/relay/lossguard.h"

#define WINDOW_US 500000u
#define WINDOW_PACKETS 20u
#define OUTAGE 0.85 /* nearly all: the link is away, not slow */
#define EXCESS_QUEUED 0.05
#define EXCESS_POLICED 0.03
#define EXCESS_ALONE 0.10
#define HIGH_WINDOWS 2u
#define QUEUE_US 15000u
#define TRIAL_US 1200000u
#define TRIAL_AGAIN_US 10000000u
#define TRIAL_SHARE 0.85
#define TRIAL_LEAST_BPS 150000.0 /* no path drops for more than that */
#define QUEUE_LONG_US 100000u
#define QUEUE_TRIAL_US 1500000u
#define QUEUE_LOSS_US 2500000u /* reports of what a full queue dropped come so long */
#define POLICED_US 30000000u
#define SUSPECTED_US 5000000u
#define INHERENT_MAX 0.5
#define STILL 0.6 /* of the loss: the rate does not matter */

void lossguard_count(struct lossguard *g, unsigned expected, int lost)
{
    g->expected += expected;
    if (lost < 0 && g->lost < (uint32_t)-lost)
        g->lost = 0;
    else
        g->lost = (uint32_t)((int64_t)g->lost + lost);
}

/** Reports of what a full queue dropped come for a while. */
static void note_queue(struct lossguard *g, uint64_t now_us)
{
    g->queued_until_us = now_us + QUEUE_LOSS_US;
    if (g->no_trial_before_us < now_us + QUEUE_TRIAL_US)
        g->no_trial_before_us = now_us + QUEUE_TRIAL_US;
}

void lossguard_cancel(struct lossguard *g, uint64_t now_us)
{
    g->trial = false;
    note_queue(g, now_us);
}

static double end_trial(struct lossguard *g, uint64_t now_us, double bps)
{
    g->trial = false;
    g->no_trial_before_us = now_us + TRIAL_AGAIN_US;
    if (g->loss < STILL * g->trial_loss && g->trial_until_us - TRIAL_US < g->queued_until_us) {
        g->no_trial_before_us = now_us;
        return bps; /* it was a queue */
    }
    if (g->loss < STILL * g->trial_loss) {
        bool again = now_us < g->suspected_until_us;
        g->no_trial_before_us = now_us;
        if (again) {
            g->policed_until_us = now_us + POLICED_US;
            return bps;
        }
        g->suspected_until_us = now_us + SUSPECTED_US;
        return g->trial_bps > bps ? g->trial_bps : bps;
    }
    g->inherent = g->loss < INHERENT_MAX ? g->loss : INHERENT_MAX;
    return g->trial_bps > bps ? g->trial_bps : bps;
}

static bool queue_stands(const struct lossguard_input *in)
{
    return in->queue_us > QUEUE_US + in->jitter_us / 2;
}

/** What is lost beside a queue is none of what is lost by chance. */
static void learn(struct lossguard *g, uint64_t now_us, double share,
                  const struct lossguard_input *in)
{
    g->loss += (g->trial ? 0.7 : 0.5) * (share - g->loss);
    if (g->loss < g->inherent)
        g->inherent += 0.3 * (g->loss - g->inherent);
    else if (g->loss - g->inherent < EXCESS_ALONE && now_us >= g->policed_until_us &&
             !queue_stands(in))
        g->inherent += 0.1 * (g->loss - g->inherent);
    g->high = g->loss - g->inherent > EXCESS_ALONE ? g->high + 1 : 0;
}

bool lossguard_is_policed(const struct lossguard *g, uint64_t now_us)
{
    return now_us < g->policed_until_us;
}

bool lossguard_holds(const struct lossguard *g, uint64_t now_us)
{
    return g->trial || (lossguard_is_policed(g, now_us) && g->loss - g->inherent > EXCESS_POLICED);
}

static double judge(struct lossguard *g, uint64_t now_us, const struct lossguard_input *in)
{
    double excess = g->loss - g->inherent;
    if (in->arriving_bps <= 0)
        return in->bps;
    double held = in->arriving_bps / (1 - g->inherent);
    if (queue_stands(in) && excess > EXCESS_QUEUED) {
        g->trial = false;
        return 0.95 * held < in->bps ? 0.95 * held : in->bps;
    }
    if (g->high >= HIGH_WINDOWS && now_us >= g->no_trial_before_us) {
        g->trial = true;
        g->trial_until_us = now_us + in->rtt_us + TRIAL_US;
        g->trial_loss = g->loss;
        g->trial_bps = in->bps;
        double least = in->bps < TRIAL_LEAST_BPS ? in->bps : TRIAL_LEAST_BPS;
        double tried = TRIAL_SHARE * (held < in->bps ? held : in->bps);
        return tried > least ? tried : least;
    }
    return in->bps;
}

double lossguard_update(struct lossguard *g, uint64_t now_us, const struct lossguard_input *in)
{
    if (g->window_us == 0)
        g->window_us = now_us;
    if (in->queue_us > QUEUE_LONG_US + in->jitter_us)
        note_queue(g, now_us);
    if (now_us - g->window_us < WINDOW_US || g->expected < WINDOW_PACKETS)
        return in->bps;
    double share = (double)(g->lost < g->expected ? g->lost : g->expected) / g->expected;
    g->window_us = now_us;
    g->expected = g->lost = 0;
    if (share > OUTAGE)
        return in->bps;
    learn(g, now_us, share, in);
    if (g->trial)
        return now_us >= g->trial_until_us ? end_trial(g, now_us, in->bps) : in->bps;
    return judge(g, now_us, in);
}
