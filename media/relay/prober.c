// SPDX-License-Identifier: Apache-2.0
/* Trains of packets and what they tell. */
#include "media/relay/prober.h"

#include <string.h>

#define TRAIN_US 20000u /* at least, */
#define TRAIN_MAX_US 80000u
#define TRAIN_BYTES_MIN 1500u
#define TRAIN_PACKETS 8u
#define PACKET_MAX 1200u
#define PACKET_MIN 200u
#define SENDING_MAX_US 300000u
#define WAITING_MAX_US 1000000u
#define PASSIVE_BYTES 14000u
#define RECEIVED_MIN 5u
#define FREE_SHARE 0.9   /* of the rate it was sent at: the path had room */
#define LIMIT_SHARE 0.95 /* of what came through is taken when it had not */

void prober_begin(struct prober *p, uint64_t now_us, uint32_t bps, uint32_t jitter_us, bool passive)
{
    uint8_t id = p->id == UINT8_MAX ? 1 : p->id + 1;
    uint64_t train_us = 4u * (uint64_t)jitter_us;
    if (train_us < TRAIN_US)
        train_us = TRAIN_US;
    if (train_us > TRAIN_MAX_US)
        train_us = TRAIN_MAX_US;
    uint64_t goal = bps * train_us / 8000000u;
    memset(p, 0, sizeof *p);
    p->state = PROBER_SENDING;
    p->id = id;
    p->bps = bps;
    p->passive = passive;
    p->goal = passive ? PASSIVE_BYTES : (uint32_t)(goal > TRAIN_BYTES_MIN ? goal : TRAIN_BYTES_MIN);
    p->began_us = now_us;
    p->last_us = now_us;
}

static uint32_t packet_size(const struct prober *p)
{
    uint32_t size = p->goal / TRAIN_PACKETS;
    if (size > PACKET_MAX)
        return PACKET_MAX;
    return size < PACKET_MIN ? PACKET_MIN : size;
}

uint32_t prober_due(struct prober *p, uint64_t now_us)
{
    if (p->state != PROBER_SENDING || p->passive)
        return 0;
    if (now_us - p->began_us > SENDING_MAX_US) {
        p->state = p->packets ? PROBER_WAITING : PROBER_IDLE;
        return 0;
    }
    return prober_next_us(p) <= now_us ? packet_size(p) : 0;
}

uint64_t prober_next_us(const struct prober *p)
{
    if (p->state != PROBER_SENDING || p->passive)
        return UINT64_MAX;
    return p->began_us + (uint64_t)p->bytes * 8000000u / p->bps;
}

uint8_t prober_sent(struct prober *p, uint64_t now_us, uint32_t bytes)
{
    if (p->state != PROBER_SENDING)
        return 0;
    if (now_us - p->began_us > SENDING_MAX_US) {
        p->state = p->packets ? PROBER_WAITING : PROBER_IDLE;
        return 0;
    }
    p->bytes += bytes;
    p->packets++;
    p->last_us = now_us;
    if ((p->bytes >= p->goal && p->packets >= TRAIN_PACKETS) || p->packets == PROBER_SAMPLES)
        p->state = PROBER_WAITING;
    return p->id;
}

void prober_fate(struct prober *p, uint8_t id, bool received, const struct prober_sample *sample)
{
    if (p->state == PROBER_IDLE || id != p->id || p->fates >= p->packets)
        return;
    p->fates++;
    if (received && p->count < PROBER_SAMPLES)
        p->samples[p->count++] = *sample;
}

/** The packet with the least delay among [from, to): jitter only ever adds. */
static unsigned least_delayed(const struct prober *p, unsigned from, unsigned to)
{
    unsigned best = from;
    for (unsigned i = from; i < to; i++) {
        const struct prober_sample *s = &p->samples[i], *b = &p->samples[best];
        if (s->arrival_us - (int64_t)s->sent_us < b->arrival_us - (int64_t)b->sent_us)
            best = i;
    }
    return best;
}

static bool measure(const struct prober *p, double *ret_bps, bool *ret_limited)
{
    if (p->count < RECEIVED_MIN)
        return false;
    unsigned part = (p->count + 1) / 3;
    unsigned a = least_delayed(p, 0, part);
    unsigned b = least_delayed(p, p->count - part, p->count);
    double bits = 0;
    for (unsigned i = a + 1; i <= b; i++)
        bits += p->samples[i].bytes * 8.0;
    double arrived_us = (double)(p->samples[b].arrival_us - p->samples[a].arrival_us);
    double sent_us = (double)(p->samples[b].sent_us - p->samples[a].sent_us);
    double sent = sent_us > 0 ? bits * 1e6 / sent_us : p->bps;
    if (sent > p->bps)
        sent = p->bps;
    double arrived = arrived_us > 0 ? bits * 1e6 / arrived_us : sent;
    *ret_limited = arrived < FREE_SHARE * sent;
    *ret_bps = *ret_limited ? LIMIT_SHARE * arrived : arrived < sent ? arrived : sent;
    return true;
}

bool prober_result(struct prober *p, uint64_t now_us, double *ret_bps, bool *ret_limited)
{
    if (p->state == PROBER_SENDING && now_us - p->began_us > SENDING_MAX_US)
        p->state = p->packets ? PROBER_WAITING : PROBER_IDLE;
    if (p->state != PROBER_WAITING ||
        (p->fates < p->packets && now_us - p->last_us < WAITING_MAX_US))
        return false;
    p->state = PROBER_IDLE;
    return measure(p, ret_bps, ret_limited);
}
