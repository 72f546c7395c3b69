// SPDX-License-Identifier: Apache-2.0
/* A sorted array: losses come in runs at its end, and it is short. */
#include "media/relay/nacker.h"

#include <string.h>

/* A request may be lost too, so later tries do not wait for a whole round trip. */
#define RETRY_MARGIN_US 5000u
#define RETRY_MIN_US 10000u
#define LOSS_SHIFT 8 /* smoothed over the last 256 packets or so */
#define LOSSY_Q16 (65536u / 50)
#define LATE_MAX_US 100000u
#define LATE_SHIFT 6
#define IN_ORDER_SHIFT 12

/** How long to wait for stragglers: soon longer, slowly less. They are not lost. */
static void note_late(struct nacker *n, uint64_t late_us)
{
    uint32_t one = 65536u >> LOSS_SHIFT;
    n->loss_q16 -= n->loss_q16 < one ? n->loss_q16 : one;
    if (late_us > LATE_MAX_US)
        late_us = LATE_MAX_US;
    if (late_us > n->late_us)
        n->late_us += (late_us - n->late_us) / 2;
    else
        n->late_us -= (n->late_us - late_us) >> LATE_SHIFT;
}

void nacker_skip(struct nacker *n, int64_t seq)
{
    n->count = 0;
    if (seq - 1 > n->highest)
        n->highest = seq - 1;
}

void nacker_was_late(struct nacker *n)
{
    note_late(n, n->missed_us);
    n->rtt_sample_us = 0;
    n->asked = false;
}

static bool forget(struct nacker *n, int64_t seq, uint64_t now_us)
{
    for (size_t i = n->count; i-- > 0;) {
        if (n->items[i].seq != seq)
            continue;
        n->missed_us = (uint32_t)now_us - n->items[i].since_us;
        n->asked = n->items[i].tries > 0;
        n->rtt_sample_us = n->items[i].tries == 1 ? (uint32_t)now_us - n->items[i].asked_us : 0;
        if (!n->asked)
            note_late(n, n->missed_us);
        memmove(&n->items[i], &n->items[i + 1], (n->count - i - 1) * sizeof n->items[0]);
        n->count--;
        return true;
    }
    return false;
}

enum nacker_seen nacker_see(struct nacker *n, int64_t seq, uint64_t now_us, uint64_t reorder_us)
{
    n->loss_q16 -= n->loss_q16 >> LOSS_SHIFT;
    if (n->highest == 0 || seq == n->highest + 1) {
        n->highest = seq;
        n->late_us -= n->late_us >> IN_ORDER_SHIFT;
        return NACKER_IN_ORDER;
    }
    if (seq <= n->highest)
        return forget(n, seq, now_us) ? NACKER_RECOVERED : NACKER_IN_ORDER;
    int64_t missing = seq - n->highest - 1;
    if (missing > (int64_t)(LIMIT_NACK_PENDING - n->count)) {
        n->count = 0;
        n->highest = seq;
        return NACKER_OVERFLOW;
    }
    if (n->late_us + n->late_us / 4 > reorder_us)
        reorder_us = n->late_us + n->late_us / 4;
    for (int64_t s = n->highest + 1; s < seq; s++) {
        n->items[n->count++] = (struct nacker_item){
            .seq = s, .since_us = (uint32_t)now_us, .ask_at_us = now_us + reorder_us, .tries = 0};
        n->loss_q16 += (65536u - n->loss_q16) >> LOSS_SHIFT;
    }
    n->highest = seq;
    return NACKER_IN_ORDER;
}

bool nacker_is_lossy(const struct nacker *n)
{
    return n->loss_q16 > LOSSY_Q16;
}

static uint64_t retry_after_us(uint64_t rtt_us, unsigned tries, bool lossy)
{
    uint64_t wait = tries <= 1 && !lossy ? rtt_us + RETRY_MARGIN_US : rtt_us / 2 + RETRY_MARGIN_US;
    return wait < RETRY_MIN_US ? RETRY_MIN_US : wait;
}

size_t nacker_collect(struct nacker *n, uint64_t now_us, uint64_t rtt_us, int64_t *ret_seqs,
                      size_t size, unsigned *ret_given_up)
{
    size_t asked = 0;
    size_t kept = 0;
    *ret_given_up = 0;
    for (size_t i = 0; i < n->count; i++) {
        struct nacker_item item = n->items[i];
        if (item.ask_at_us <= now_us) {
            if (item.tries >= LIMIT_NACK_TRIES) {
                ++*ret_given_up;
                continue;
            }
            if (asked < size) {
                ret_seqs[asked++] = item.seq;
                item.tries++;
                item.asked_us = (uint32_t)now_us;
                item.ask_at_us = now_us + retry_after_us(rtt_us, item.tries, nacker_is_lossy(n));
            }
        }
        n->items[kept++] = item;
    }
    n->count = kept;
    return asked;
}

uint64_t nacker_deadline_us(const struct nacker *n)
{
    uint64_t at = UINT64_MAX;
    for (size_t i = 0; i < n->count; i++)
        if (n->items[i].ask_at_us < at)
            at = n->items[i].ask_at_us;
    return at;
}
