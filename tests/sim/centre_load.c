// SPDX-License-Identifier: Apache-2.0
/* Poisson arrivals with two peaks, needs, patience, and a rota that follows the day. */
#include "tests/sim/centre_load.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/entropy.h"
#include "base/er.h"

#define HOUR_US (3600 * CENTRE_US)
#define SHIFT_HOURS 8u
#define BREAK_US (20 * 60 * CENTRE_US)

struct choice {
    const char *word;
    unsigned percent;
};
static const struct choice categories[] = {{"bag", 25},  {"watch", 20}, {"phone", 20},
                                           {"card", 10}, {"shoe", 15},  {"jewel", 10}};
static const struct choice languages[] = {{"zh", 55}, {"en", 30}, {"fr", 8}, {"ja", 7}};
#define COUNT(a) (sizeof(a) / sizeof(a)[0])

/* Of a day's calls, by hour: a forenoon and the evening's live sales. */
static const unsigned by_hour[24] = {14, 9,  6,  5,  5,  7,  12, 22, 36, 54, 66, 64,
                                     52, 48, 48, 46, 44, 46, 54, 66, 76, 72, 50, 28};

struct dice {
    struct entropy_seeded seeded;
    struct entropy entropy;
};

static double uniform(struct dice *d)
{
    return ((double)(entropy_u64(&d->entropy) >> 11) + 0.5) / 9007199254740992.0;
}

static bool chance(struct dice *d, double p)
{
    return uniform(d) < p;
}

static uint64_t exponential_us(struct dice *d, double mean_s)
{
    return (uint64_t)(-log(uniform(d)) * mean_s * 1e6);
}

static const char *pick(struct dice *d, const struct choice *from, size_t count)
{
    double at = uniform(d) * 100;
    size_t i = 0;
    while (i + 1 < count && at >= from[i].percent)
        at -= from[i++].percent;
    return from[i].word;
}

/** The hour in which a share of the day's calls has come. */
static uint64_t moment_of(double share, unsigned hours)
{
    double sum = 0, at = 0;
    for (unsigned h = 0; h < hours; h++)
        sum += by_hour[h];
    for (unsigned h = 0; h < hours; h++) {
        double next = at + by_hour[h] / sum;
        if (share <= next)
            return (uint64_t)((h + (share - at) / (next - at)) * (double)HOUR_US);
        at = next;
    }
    return hours * HOUR_US;
}

static void buyer_draw(struct dice *d, const struct centre_config *config, struct centre_buyer *ret)
{
    struct queue_case *c = &ret->info;
    double tier = uniform(d), urgency = uniform(d);
    (void)snprintf(c->merchant, sizeof c->merchant, "centre");
    (void)snprintf(c->category, sizeof c->category, "%s", pick(d, categories, COUNT(categories)));
    (void)snprintf(c->languages[0], sizeof c->languages[0], "%s",
                   pick(d, languages, COUNT(languages)));
    const char *second = c->languages[0][0] == 'e' ? "zh" : "en";
    if (chance(d, c->languages[0][0] == 'z' || c->languages[0][0] == 'e' ? 0.2 : 0.5))
        (void)snprintf(c->languages[1], sizeof c->languages[1], "%s", second);
    c->level = chance(d, 0.15);
    c->tier = tier < 0.6 ? 0 : tier < 0.8 ? 1 : tier < 0.95 ? 2 : 3;
    c->priority = urgency < 0.85 ? 0 : urgency < 0.95 ? 3 : 6;
    if (chance(d, 0.2))
        (void)snprintf(c->team, sizeof c->team, "%s", chance(d, 0.5) ? "north" : "south");
    if (chance(d, 0.1))
        (void)snprintf(c->preferred, sizeof c->preferred, "agent%u",
                       (unsigned)(uniform(d) * config->agents));
    ret->patience_us = 30 * CENTRE_US + exponential_us(d, 600);
    ret->talks_us = 40 * CENTRE_US + exponential_us(d, 80) + exponential_us(d, 80);
    if (chance(d, 0.06)) {
        ret->drops_after_us = 1 + exponential_us(d, 60);
        ret->back_after_us = 1 + exponential_us(d, 60);
    }
    ret->luck = entropy_u64(&d->entropy);
}

static void add_stint(struct centre_worker *w, uint64_t from_us, uint64_t until_us)
{
    if (until_us <= from_us)
        return;
    w->stints[w->stint_count].from_us = from_us;
    w->stints[w->stint_count++].until_us = until_us;
}

/** The middles of shifts lie as the day's calls do. Who begins before midnight, or goes home after it, was there
 *  last night, too. */
static void rota_draw(struct dice *d, const struct centre_config *config, unsigned turn,
                      struct centre_worker *ret)
{
    uint64_t day_us = config->hours * HOUR_US, half_us = SHIFT_HOURS * HOUR_US / 2;
    uint64_t middle_us = moment_of((turn + 0.5) / config->agents, config->hours);
    uint64_t pause_us = (uint64_t)((3 + 2 * uniform(d)) * (double)HOUR_US);
    uint64_t from_us = middle_us + day_us - half_us; /* of the day before yesterday's midnight */
    uint64_t outage_us = (uint64_t)(uniform(d) * (double)(SHIFT_HOURS * HOUR_US));
    uint64_t parts[2][2] = {{from_us, from_us + pause_us},
                            {from_us + pause_us + BREAK_US, from_us + 2 * half_us}};
    /* The same shift yesterday, today and tomorrow, as far as it is in this day. */
    for (uint64_t shift = 0; shift < 3; shift++) {
        for (size_t i = 0; i < 2; i++) {
            uint64_t begin_us = parts[i][0] + shift * day_us, end_us = parts[i][1] + shift * day_us;
            begin_us = begin_us > 2 * day_us ? begin_us - 2 * day_us : 0;
            end_us = end_us > 2 * day_us ? end_us - 2 * day_us : 0;
            if (ret->stint_count < CENTRE_STINTS)
                add_stint(ret, begin_us, end_us < day_us + HOUR_US ? end_us : day_us + HOUR_US);
        }
    }
    ret->outage_us = chance(d, 0.7) ? ret->stints[0].from_us + outage_us : 0;
}

static void worker_draw(struct dice *d, const struct centre_config *config, unsigned n,
                        struct centre_worker *ret)
{
    struct queue_agent *a = &ret->info;
    (void)snprintf(a->identity, sizeof a->identity, "agent%u", n);
    (void)snprintf(a->merchant, sizeof a->merchant, "centre");
    (void)snprintf(a->team, sizeof a->team, "%s", n % 2 ? "north" : "south");
    /* Two or three of the six categories, some with a certificate, each at all hours. */
    unsigned turn = n * 37 % config->agents; /* in the rota */
    size_t first = turn % COUNT(categories), count = chance(d, 0.4) ? 3 : 2;
    bool certified = turn / COUNT(categories) % 2 == 0;
    for (size_t i = 0; i < count; i++) {
        size_t category = (first + i * (1 + turn / 12 % 2)) % COUNT(categories);
        (void)snprintf(a->skills.items[a->skills.count++], PROTO_WORD_BYTES, "%s%s",
                       categories[category].word, certified ? ":1" : "");
    }
    /* Of ten, six speak Chinese, five English, one or two French, one or two Japanese. */
    unsigned tongue = n % 10;
    static const char *const tongues[10][2] = {
        {"zh", NULL}, {"en", NULL}, {"zh", "en"}, {"zh", NULL}, {"en", "fr"},
        {"zh", "ja"}, {"zh", NULL}, {"en", "zh"}, {"en", NULL}, {"fr", "ja"}};
    for (size_t i = 0; i < 2 && tongues[tongue][i]; i++)
        (void)snprintf(a->languages.items[a->languages.count++], PROTO_WORD_BYTES, "%s",
                       tongues[tongue][i]);
    rota_draw(d, config, turn, ret);
}

static int by_time(const void *a, const void *b)
{
    const struct centre_buyer *x = a, *y = b;
    return x->comes_us < y->comes_us ? -1 : x->comes_us > y->comes_us;
}

int centre_load_new(const struct centre_config *config, struct centre_load *ret)
{
    struct dice d;
    d.entropy = entropy_seeded_init(&d.seeded, config->seed);
    ret->buyers = calloc(config->calls, sizeof *ret->buyers);
    ret->workers = calloc(config->agents, sizeof *ret->workers);
    if (!ret->buyers || !ret->workers) {
        centre_load_free(ret);
        return ER_NOMEM;
    }
    /* So many independent moments of one density are a Poisson process that came out at that count. */
    for (unsigned n = 0; n < config->calls; n++) {
        buyer_draw(&d, config, &ret->buyers[n]);
        ret->buyers[n].comes_us = 1 + moment_of(uniform(&d), config->hours);
    }
    qsort(ret->buyers, config->calls, sizeof *ret->buyers, by_time);
    for (unsigned n = 0; n < config->calls; n++) {
        struct queue_case *c = &ret->buyers[n].info;
        (void)snprintf(c->case_id.text, sizeof c->case_id.text, "%026u", n + 1);
        (void)snprintf(c->buyer, sizeof c->buyer, "b%u", n);
    }
    for (unsigned n = 0; n < config->agents; n++)
        worker_draw(&d, config, n, &ret->workers[n]);
    return 0;
}

void centre_load_free(struct centre_load *load)
{
    free(load->buyers);
    free(load->workers);
    *load = (struct centre_load){0};
}
