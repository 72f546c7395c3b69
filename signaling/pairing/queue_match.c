// SPDX-License-Identifier: Apache-2.0
/* Decisions: which free agent for a case, which case for an agent who has become free, and the one
 * reservation that joins them. Whoever can be matched is matched at once, so one of the two sides
 * has nothing to choose from at any time. */
#include <stdlib.h>
#include <string.h>

#include "signaling/pairing/queue.h"
#include "signaling/pairing/queue_impl.h"

static bool has_declined(const struct entry *e, const struct agent *a)
{
    list_each (decline, &e->declines, struct decline, of_entry) {
        if (decline->agent == a)
            return true;
    }
    return false;
}

static enum queue_stage at_least(enum queue_stage a, enum queue_stage b)
{
    return a > b ? a : b;
}

/** Nobody waits for those who are not there. */
static bool fits_now(const struct class *c, enum queue_stage stage, unsigned fit)
{
    return fit && FIT_STAGE(fit) <= at_least(stage, queue_class_least(c));
}

unsigned queue_suits(const struct queue *q, const struct entry *e, const struct agent *a)
{
    (void)q;
    unsigned fit = e->class->fits[a->profile->index];
    if (!e->present || e->offered_to || has_declined(e, a))
        return 0;
    if (e->preferring)
        return e->ready == &a->mine ? 1u << 3 : 0;
    return fits_now(e->class, e->stage, fit) ? fit : 0;
}

bool queue_would_suit(const struct entry *e, const struct agent *a)
{
    return fits_now(e->class, e->stage, e->class->fits[a->profile->index]);
}

/** The longest idle of a profile who has not declined. */
static struct agent *first_free(const struct profile *p, const struct entry *e)
{
    for (struct order_node *n = order_first(&p->free); n; n = order_next(n)) {
        struct agent *a = container_of(n, struct agent, free_node);
        if (!has_declined(e, a))
            return a;
    }
    return NULL;
}

static struct agent *preferred_agent(const struct queue *q, const struct entry *e)
{
    struct agent *a = queue_agent_find(q, e->info.merchant, e->info.preferred);
    return a && !a->info.bot && queue_agent_is_free(a) && !has_declined(e, a) ? a : NULL;
}

struct agent *queue_best_agent(const struct queue *q, const struct entry *e)
{
    struct agent *best = NULL;
    unsigned best_fit = 0;
    if (e->info.preferred[0]) {
        struct agent *a = preferred_agent(q, e);
        if (e->preferring || (a && queue_suits(q, e, a)))
            return a;
    }
    list_each (profile, &e->merchant->spare, struct profile, spare) {
        unsigned fit = e->class->fits[profile->index];
        if (!fits_now(e->class, e->stage, fit) || (best && fit > best_fit))
            continue;
        struct agent *a = first_free(profile, e);
        if (a && (!best || fit < best_fit || profile->breadth < best->profile->breadth ||
                  (profile->breadth == best->profile->breadth &&
                   order_less(&a->free_node, &best->free_node)))) {
            best = a;
            best_fit = fit;
        }
    }
    return best;
}

static void offer(struct queue *q, struct entry *e, struct agent *a)
{
    bool bot = a->info.bot;
    uint64_t until_us = q->now_us + (bot ? q->policy.bot_ring_us : q->policy.ring_us);
    if (heap_set(&q->rings, &a->ring, until_us) < 0)
        return;
    unsigned fit = e->class->fits[a->profile->index];
    a->offer = e;
    e->offered_to = a;
    e->offered_us = q->now_us;
    a->reservation = id_make(q->now_us + q->unix_ahead_us, &q->entropy);
    q->counts.offers++;
    q->counts.bot_offers += bot;
    struct queue_event *event = queue_emit(q, QUEUE_OFFER, a->info.identity, e->merchant);
    if (event) {
        event->case_id = e->info.case_id;
        event->reservation = a->reservation;
        event->expires_us = until_us;
        event->stage = e->stage;
        event->preferred = strcmp(e->info.preferred, a->info.identity) == 0;
        event->bot = bot;
        event->other_language = FIT_LANGUAGE(fit) == FIT_OTHER;
        event->other_team = FIT_STAGE(fit) == QUEUE_ANY_TEAM;
    }
    queue_entry_place(q, e);
    queue_agent_place(q, a);
}

void queue_match_bot(struct queue *q, struct entry *e)
{
    struct agent *best = NULL;
    if (!e->info.bot_first || !e->ready)
        return;
    list_each (profile, &e->merchant->spare, struct profile, spare) {
        if (!queue_bot_fits(&profile->abilities, e->class))
            continue;
        struct agent *a = first_free(profile, e);
        if (a && (!best || profile->breadth < best->profile->breadth ||
                  (profile->breadth == best->profile->breadth &&
                   order_less(&a->free_node, &best->free_node))))
            best = a;
    }
    if (best)
        offer(q, e, best);
}

void queue_match_entry(struct queue *q, struct entry *e)
{
    struct agent *a = e->ready ? queue_best_agent(q, e) : NULL;
    if (a)
        offer(q, e, a);
}

/** The earliest case yet, and when it counts as having come as far as this agent is concerned. */
struct pick {
    struct entry *entry;
    int64_t rank_us;
};

/** The first in a set whom this agent has not declined, when it comes before what was picked. Who has aged
 *  is not put behind. */
static void look_in(const struct order *ready, const struct agent *a, int64_t behind_us,
                    struct pick *pick)
{
    for (struct order_node *n = order_first(ready); n; n = order_next(n)) {
        struct entry *e = ENTRY_OF(n, ready_node);
        int64_t rank_us = e->rank_us + (e->aged ? 0 : behind_us);
        if (pick->entry && (rank_us > pick->rank_us ||
                            (rank_us == pick->rank_us && e->number > pick->entry->number)))
            return;
        if (!has_declined(e, a)) {
            *pick = (struct pick){e, rank_us};
            return;
        }
    }
}

void queue_match_agent(struct queue *q, struct agent *a)
{
    if (!queue_agent_is_free(a))
        return;
    struct pick pick = {0};
    look_in(&a->mine, a, 0, &pick);
    list_each (class, &a->merchant->active, struct class, active) {
        unsigned fit = class->fits[a->profile->index];
        if (!fit)
            continue;
        /* others do it better: it is left to them for a while */
        int64_t behind_us = FIT_LANGUAGE(fit) == FIT_OTHER ? (int64_t)q->policy.behind_us : 0;
        unsigned from = FIT_STAGE(fit) <= queue_class_least(class) ? QUEUE_FITTING : FIT_STAGE(fit);
        for (unsigned stage = from; stage < STAGES; stage++)
            look_in(&class->ready[stage], a, behind_us, &pick);
    }
    if (pick.entry)
        offer(q, pick.entry, a);
}

void queue_match_class(struct queue *q, struct class *c)
{
    for (unsigned stage = QUEUE_FITTING; stage < STAGES; stage++) {
        struct order_node *next;
        for (struct order_node *n = order_first(&c->ready[stage]); n; n = next) {
            next = order_next(n);
            if (list_empty(&c->merchant->spare))
                return;
            queue_match_entry(q, ENTRY_OF(n, ready_node));
        }
    }
}

void queue_end_offer(struct queue *q, struct agent *a, enum queue_offer_end end, bool tell)
{
    struct entry *e = a->offer;
    struct queue_event *event =
        tell ? queue_emit(q, QUEUE_OFFER_ENDED, a->info.identity, e->merchant) : NULL;
    if (event) {
        event->case_id = e->info.case_id;
        event->reservation = a->reservation;
        event->end = end;
    }
    q->counts.withdrawn += end == QUEUE_WITHDRAWN;
    q->counts.expired += end == QUEUE_EXPIRED;
    q->counts.declined += end == QUEUE_DECLINED;
    if ((end == QUEUE_EXPIRED || end == QUEUE_DECLINED) && e->preferring &&
        strcmp(e->info.preferred, a->info.identity) == 0)
        e->preferring = false;
    heap_remove(&q->rings, &a->ring);
    a->offer = NULL;
    a->reservation = (struct id){0};
    e->offered_to = NULL;
    queue_entry_place(q, e);
}

/* Declines */

/** Whether nobody is on up to that stage who has not declined. */
static bool all_declined(const struct entry *e, enum queue_stage stage)
{
    const struct merchant *m = e->merchant;
    size_t on = 0, declined = 0;
    for (size_t i = 0; i < m->profile_size; i++) {
        unsigned fit = m->profiles[i] ? e->class->fits[i] : 0;
        on += fit && FIT_STAGE(fit) <= stage ? m->profiles[i]->on : 0;
    }
    list_each (decline, &e->declines, struct decline, of_entry) {
        const struct agent *a = decline->agent;
        unsigned fit = e->class->fits[a->profile->index];
        declined += a->counted_on && fit && FIT_STAGE(fit) <= stage;
    }
    return declined >= on;
}

void queue_find_floor(struct entry *e)
{
    enum queue_stage stage = at_least(e->stage, queue_class_least(e->class));
    while (stage < QUEUE_ANY_TEAM && all_declined(e, stage))
        e->floor = ++stage;
}

void queue_note_decline(struct queue *q, struct entry *e, struct agent *a)
{
    struct decline *d = calloc(1, sizeof *d);
    if (!d)
        return;
    if (heap_set(&q->lapses, &d->until, q->now_us + q->policy.declined_us) < 0) {
        free(d);
        return;
    }
    d->entry = e;
    d->agent = a;
    list_append(&e->declines, &d->of_entry);
    list_append(&a->declines, &d->of_agent);
    queue_find_floor(e);
}

void queue_forget_decline(struct queue *q, struct decline *d)
{
    heap_remove(&q->lapses, &d->until);
    list_remove(&d->of_entry);
    list_remove(&d->of_agent);
    free(d);
}

void queue_match_tick(struct queue *q)
{
    struct heap_node *node;
    while ((node = heap_pop_due(&q->lapses, q->now_us))) {
        struct decline *d = container_of(node, struct decline, until);
        struct entry *e = d->entry;
        queue_forget_decline(q, d);
        queue_match_entry(q, e);
    }
}
