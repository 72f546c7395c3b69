// SPDX-License-Identifier: Apache-2.0
/* Rounds, at least a round trip apart: so nothing is asked for while it may be on its way. */
#include "media/relay/healer.h"

#define FIRST_US 150000u /* stragglers, and the nacker's first tries */
#define ROUND_US 150000u
#define MARGIN_US 50000u

void healer_begin(struct healer *h, int64_t head)
{
    if (h->from == 0)
        *h = (struct healer){.from = head + 1, .asked_to = head + 1};
}

void healer_end(struct healer *h)
{
    *h = (struct healer){0};
}

void healer_note(struct healer *h, uint64_t now_us, bool missing)
{
    if (h->from == 0)
        return;
    h->odd ^= 1;
    if (h->odd && h->tokens < LIMIT_HEAL_BURST)
        h->tokens++;
    if (missing && h->next_us == 0)
        h->next_us = now_us + FIRST_US;
}

static const struct tape_packet *packet_from(const struct tape *t, int64_t seq)
{
    const struct tape_packet *p = NULL;
    for (; !p && seq <= tape_head(t); seq++)
        p = tape_find(t, seq);
    return p;
}

/** A run of missing packets, and what lies around it. */
struct run {
    int64_t from, to;      /* to: not missing any more */
    int64_t before, after; /* timestamps of the neighbours; before 0: unknown */
};

/** The first run from `seq` on; false: nothing is missing up to the head. */
static bool find_run(const struct tape *t, int64_t seq, struct run *ret)
{
    int64_t head = tape_head(t);
    const struct tape_packet *p;
    ret->before = 0;
    while (seq <= head && (p = tape_find(t, seq))) {
        ret->before = p->timestamp;
        seq++;
    }
    if (seq > head)
        return false;
    p = packet_from(t, seq);
    ret->from = seq;
    ret->to = p->seq;
    ret->after = p->timestamp;
    return true;
}

/** How long ago the packet was sent, about: by the time between its neighbours. */
static uint64_t age_us(const struct tape *t, const struct run *run, int64_t seq, uint64_t now_us,
                       uint32_t clock_rate)
{
    const struct tape_packet *newest = tape_find(t, tape_head(t));
    int64_t at = run->after;
    if (run->before && run->before < run->after)
        at = run->before +
             (run->after - run->before) * (seq - run->from + 1) / (run->to - run->from + 1);
    uint64_t us = newest->arrival_us < now_us ? now_us - newest->arrival_us : 0;
    if (newest->timestamp > at)
        us += (uint64_t)(newest->timestamp - at) * 1000000u / clock_rate;
    return us;
}

static bool is_asked_for(const struct nacker *n, int64_t seq)
{
    for (size_t i = n->count; i-- > 0;)
        if (n->items[i].seq == seq)
            return true;
    return false;
}

/** One walk over what is missing. */
struct walk {
    const struct tape *tape;
    const struct nacker *nacker;
    uint64_t now_us;
    uint32_t clock_rate;
    int64_t *seqs;
    size_t count, size;
    bool left; /* something is missing that may still come */
};

/** What is missing in [from, to) and young enough. */
static void collect(struct walk *w, int64_t from, int64_t to)
{
    struct run run;
    for (int64_t at = from; at < to && find_run(w->tape, at, &run); at = run.to) {
        for (int64_t seq = run.from; seq < run.to && seq < to; seq++) {
            if (age_us(w->tape, &run, seq, w->now_us, w->clock_rate) > LIMIT_HEAL_US)
                continue;
            w->left = true;
            if (w->count < w->size && !is_asked_for(w->nacker, seq))
                w->seqs[w->count++] = seq;
        }
    }
}

/** Past what is here, and what is too old. */
static void advance(struct healer *h, struct walk *w)
{
    struct run run;
    int64_t head = tape_head(w->tape);
    if (h->from < tape_tail(w->tape))
        h->from = tape_tail(w->tape);
    while (find_run(w->tape, h->from, &run)) {
        for (h->from = run.from; h->from < run.to; h->from++)
            if (age_us(w->tape, &run, h->from, w->now_us, w->clock_rate) <= LIMIT_HEAL_US)
                return;
    }
    if (h->from <= head)
        h->from = head + 1;
}

size_t healer_collect(struct healer *h, const struct tape *t, const struct nacker *n,
                      uint64_t now_us, uint32_t clock_rate, uint64_t rtt_us, int64_t *ret_seqs,
                      size_t size)
{
    if (h->next_us == 0 || now_us < h->next_us)
        return 0;
    h->next_us = 0;
    if (tape_head(t) == 0)
        return 0;
    struct walk w = {.tape = t,
                     .nacker = n,
                     .now_us = now_us,
                     .clock_rate = clock_rate,
                     .seqs = ret_seqs,
                     .size = size < h->tokens ? size : h->tokens};
    advance(h, &w);
    if (h->asked_to < h->from || h->asked_to > tape_head(t))
        h->asked_to = h->from;
    collect(&w, h->asked_to, tape_head(t));
    collect(&w, h->from, h->asked_to);
    h->tokens -= (uint32_t)w.count;
    h->asked_to = w.count ? ret_seqs[w.count - 1] + 1 : h->from;
    if (w.left)
        h->next_us = now_us + (rtt_us + MARGIN_US > ROUND_US ? rtt_us + MARGIN_US : ROUND_US);
    return w.count;
}

uint64_t healer_deadline_us(const struct healer *h)
{
    return h->next_us ? h->next_us : UINT64_MAX;
}
