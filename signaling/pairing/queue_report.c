// SPDX-License-Identifier: Apache-2.0
/* What the queue tells: positions, expected waits as measured waits have them, lists, counts; and
 * whether it is sound. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "signaling/pairing/queue.h"
#include "signaling/pairing/queue_impl.h"

#define ANSWERS 32u         /* that their mean goes back to */
#define MERCHANT_KEEPS 0.98 /* of what was measured before, with each further wait */
#define CLASS_KEEPS 0.95
#define MERCHANT_DOUBT_S                                                                           \
    60.0 /* of waits as position and handling have them, before any was measured */
#define CLASS_DOUBT_S 300.0 /* of waits as all of the merchant's were, before those of the class */

/* Of the wait by position and by measure, and of what those who wait longest say. */
#define POSITION_WEIGHS 0.6
#define OLDEST_WEIGHS 0.3
#define OLDEST_GOES 0.9 /* so much of theirs will come to pass again */
#define LEAST_S 15.0    /* with nobody free */

static const char *const end_names[] = {
    [QUEUE_EXPIRED] = "expired",
    [QUEUE_WITHDRAWN] = "withdrawn",
    [QUEUE_DECLINED] = "declined",
    [QUEUE_ELSEWHERE] = "accepted_elsewhere",
};

static const char *const stage_names[] = {
    [QUEUE_PREFERRED] = "preferred",
    [QUEUE_FITTING] = "fitting",
    [QUEUE_ANY_LANGUAGE] = "any_language",
    [QUEUE_ANY_TEAM] = "any_team",
};

const char *queue_offer_end_name(enum queue_offer_end end)
{
    return end_names[end];
}

const char *queue_stage_name(enum queue_stage stage)
{
    return stage_names[stage];
}

/* Who competes with whom */

static bool serves(const struct class *c, const struct profile *p)
{
    enum queue_stage least = queue_class_least(c);
    uint8_t fit = p && p->on ? c->fits[p->index] : 0;
    return fit && FIT_STAGE(fit) <= least;
}

static void find_reach(const struct merchant *m, struct class *c)
{
    if (c->shape == m->shape)
        return;
    c->shape = m->shape;
    memset(c->reach, 0, sizeof c->reach);
    for (size_t i = 0; i < m->profile_size; i++)
        c->reach[i / 64] |= (uint64_t)serves(c, m->profiles[i]) << (i % 64);
}

/** Whether somebody who is on serves both, or nobody serves the first. */
static bool competes(const struct merchant *m, struct class *a, struct class *b)
{
    uint64_t both = 0, any = 0;
    find_reach(m, a);
    find_reach(m, b);
    for (size_t i = 0; i * 64 < m->profile_size; i++) {
        both |= a->reach[i] & b->reach[i];
        any |= a->reach[i];
    }
    return both || !any;
}

/** How long it counts as having waited. */
static double age_s(const struct queue *q, const struct entry *e)
{
    int64_t from_us = e->aged ? (int64_t)e->since_us : e->rank_us;
    return (double)((int64_t)q->now_us - from_us) / 1e6;
}

/** What lies before an entry. */
struct outlook {
    size_t position; /* among those who want the same agents; 1 is next */
    double oldest_s; /* of them: how long it counts as having waited */
};

static struct outlook look_out(const struct queue *q, struct merchant *m, const struct entry *e)
{
    struct outlook o = {.position = 1};
    if (m->class_count > CLASSES_WIDE) {
        o.position += order_before(&m->line, e->rank_us, e->number);
        o.oldest_s = age_s(q, ENTRY_OF(order_first(&m->line), line_node));
        return o;
    }
    list_each (class, &m->classes, struct class, node) {
        if (!order_count(&class->line) || !competes(m, e->class, class))
            continue;
        double oldest_s = age_s(q, ENTRY_OF(order_first(&class->line), class_node));
        o.position += order_before(&class->line, e->rank_us, e->number);
        o.oldest_s = oldest_s > o.oldest_s ? oldest_s : o.oldest_s;
    }
    return o;
}

/* How long it will take */

/** Of those who serve a class, how many calls at once, and how many agents free. */
static size_t slots_of(const struct merchant *m, const struct class *c, size_t *ret_free)
{
    size_t slots = 0;
    *ret_free = 0;
    for (size_t i = 0; i < m->profile_size; i++) {
        const struct profile *p = m->profiles[i];
        if (!serves(c, p))
            continue;
        slots += p->slots;
        *ret_free += order_count(&p->free);
    }
    return slots;
}

/** By position and handling alone; -1: not known. 0: somebody is free. */
static double meant_s(const struct merchant *m, const struct class *c, size_t position)
{
    size_t free, slots = slots_of(m, c, &free);
    if (position <= free)
        return 0;
    if (!m->handling_us || !slots)
        return -1;
    return (double)(position - free) * (double)m->handling_us / 1e6 / (double)slots;
}

/** What waits came to in truth, beside that. */
static double factor_of(const struct class *c)
{
    const struct merchant *m = c->merchant;
    double all = (m->took_s + MERCHANT_DOUBT_S) / (m->meant_s + MERCHANT_DOUBT_S);
    return (c->took_s + CLASS_DOUBT_S * all) / (c->meant_s + CLASS_DOUBT_S);
}

/** Whether somebody free will be asked when the search has gone so far. */
static bool is_free_at(const struct entry *e, enum queue_stage stage)
{
    list_each (profile, &e->merchant->spare, struct profile, spare) {
        unsigned fit = e->class->fits[profile->index];
        if (fit && FIT_STAGE(fit) <= stage)
            return true;
    }
    return false;
}

/** Until a step that is taken so long after the beginning. */
static double left_s(const struct queue *q, const struct entry *e, uint64_t after_us)
{
    uint64_t at_us = e->since_us + after_us;
    return at_us > q->now_us ? (double)(at_us - q->now_us) / 1e6 : 0;
}

/** No less than the preferred agent is waited for, no more than till somebody free may be asked. */
static double within_steps_s(const struct queue *q, const struct entry *e, double wait_s)
{
    const struct queue_policy *p = &q->policy;
    double prefer_s = e->preferring ? left_s(q, e, queue_prefer_us(q, e)) : 0;
    double most_s = wait_s;
    if (is_free_at(e, QUEUE_ANY_LANGUAGE))
        most_s = left_s(q, e, p->language_us);
    else if (is_free_at(e, QUEUE_ANY_TEAM))
        most_s = left_s(q, e, p->team_us);
    wait_s = wait_s < most_s ? wait_s : most_s;
    return wait_s > prefer_s ? wait_s : prefer_s;
}

static int64_t expected_wait_ms(const struct queue *q, const struct entry *e,
                                const struct outlook *o)
{
    const struct merchant *m = e->merchant;
    double wait_s = meant_s(m, e->class, o->position);
    if (wait_s < 0)
        return -1;
    if (wait_s > 0) {
        double behind_s = OLDEST_GOES * o->oldest_s - age_s(q, e);
        wait_s *= factor_of(e->class);
        if (behind_s > 0)
            wait_s = POSITION_WEIGHS * wait_s + OLDEST_WEIGHS * behind_s;
        wait_s = wait_s > LEAST_S ? wait_s : LEAST_S;
    }
    wait_s = within_steps_s(q, e, wait_s);
    return (int64_t)(m->answer_us / 1000) + (int64_t)(wait_s * 1000);
}

void queue_wait_meant(struct queue *q, struct entry *e)
{
    struct outlook o = look_out(q, e->merchant, e);
    double meant = meant_s(e->merchant, e->class, o.position);
    e->meant_s = meant > 0 ? meant : 0;
}

void queue_wait_was(struct queue *q, struct entry *e)
{
    struct merchant *m = e->merchant;
    uint64_t answer_us = q->now_us - e->offered_us;
    size_t over = ++m->answered < ANSWERS ? m->answered : ANSWERS;
    m->answer_us = (m->answer_us * (over - 1) + answer_us) / over;
    q->counts.accepted++;
    q->counts.wait_us += q->now_us - e->since_us;
    if (!(e->meant_s > 0))
        return;
    double took = (double)(e->offered_us - e->since_us) / 1e6;
    m->took_s = m->took_s * MERCHANT_KEEPS + took;
    m->meant_s = m->meant_s * MERCHANT_KEEPS + e->meant_s;
    e->class->took_s = e->class->took_s * CLASS_KEEPS + took;
    e->class->meant_s = e->class->meant_s * CLASS_KEEPS + e->meant_s;
}

/* Telling */

static bool is_news(const struct entry *e, size_t position, int64_t wait_ms)
{
    int64_t off_ms = wait_ms > e->told_wait_ms ? wait_ms - e->told_wait_ms
                                               : e->told_wait_ms - wait_ms;
    return e->told_position != position || e->told_agents != e->merchant->agents_free ||
           e->told_stage != e->stage || (wait_ms < 0) != (e->told_wait_ms < 0) ||
           (off_ms > 1000 && off_ms > e->told_wait_ms / 8);
}

/** When the place or the prospect is not what was told last. False: no memory. */
static bool tell(struct queue *q, struct entry *e)
{
    if (!e->present)
        return true;
    struct outlook o = look_out(q, e->merchant, e);
    int64_t wait_ms = expected_wait_ms(q, e, &o);
    if (!is_news(e, o.position, wait_ms))
        return true;
    struct queue_event *event = queue_emit(q, QUEUE_POSITION, e->info.buyer, e->merchant);
    if (!event)
        return false;
    event->case_id = e->info.case_id;
    event->position = e->told_position = o.position;
    event->agents = e->told_agents = e->merchant->agents_free;
    event->expected_wait_ms = e->told_wait_ms = wait_ms;
    event->stage = e->told_stage = e->stage;
    return true;
}

/** As many as may be told at once, from where the last turn ended. */
static void tell_some(struct queue *q, struct merchant *m, size_t most)
{
    struct order_node *n = order_at(&m->line, m->told_up_to);
    if (!m->told_up_to)
        m->positions_due = false;
    for (; n && most; n = order_next(n), most--, m->told_up_to++) {
        if (!tell(q, ENTRY_OF(n, line_node))) {
            m->positions_due = true;
            return;
        }
    }
    if (!n)
        m->told_up_to = 0;
}

static void tell_list(struct queue *q, struct merchant *m)
{
    if (m->list_changed && queue_emit(q, QUEUE_CHANGED, "", m))
        m->list_changed = false;
}

/** What is due at once; what takes turns is left to the clock. */
static void tell_due(struct queue *q)
{
    list_each_safe (entry, &q->fresh, struct entry, fresh) {
        list_remove(&entry->fresh);
        (void)tell(q, entry);
    }
    list_each_safe (merchant, &q->due, struct merchant, due) {
        if (order_count(&merchant->line) > QUEUE_TELL_AT_ONCE) {
            if (!merchant->tell.place)
                (void)heap_set(&q->tells, &merchant->tell, q->now_us + QUEUE_TELL_US);
        } else {
            merchant->told_up_to = 0;
            if (merchant->positions_due)
                tell_some(q, merchant, SIZE_MAX);
            tell_list(q, merchant);
        }
        if (!merchant->positions_due || merchant->tell.place)
            list_remove(&merchant->due);
    }
}

void queue_report_tick(struct queue *q)
{
    struct heap_node *node;
    while ((node = heap_pop_due(&q->tells, q->now_us))) {
        struct merchant *m = container_of(node, struct merchant, tell);
        tell_some(q, m, QUEUE_TELL_BATCH);
        tell_list(q, m);
        if (m->told_up_to || m->positions_due)
            (void)heap_set(&q->tells, &m->tell, q->now_us + QUEUE_TELL_US);
    }
}

bool queue_next_event(struct queue *q, struct queue_event *ret)
{
    if (list_empty(&q->events))
        tell_due(q);
    if (list_empty(&q->events))
        return false;
    struct pending *p = container_of(q->events.next, struct pending, node);
    *ret = p->event;
    list_remove(&p->node);
    free(p);
    return true;
}

/* Lists and counts */

bool queue_list(const struct queue *q, const char *merchant, size_t index, struct id *ret_case,
                uint64_t *ret_since_us)
{
    const struct merchant *m = map_get_str(q->names, merchant);
    struct order_node *n = m ? order_at(&m->line, index) : NULL;
    if (!n)
        return false;
    *ret_case = ENTRY_OF(n, line_node)->info.case_id;
    *ret_since_us = ENTRY_OF(n, line_node)->since_us;
    return true;
}

size_t queue_waiting_count(const struct queue *q)
{
    return map_count(q->cases);
}

size_t queue_available_count(const struct queue *q)
{
    return q->agents_free;
}

void queue_read_counts(const struct queue *q, struct queue_counts *ret)
{
    *ret = q->counts;
}

/* Soundness */

static bool entry_is_sound(const struct queue *q, struct entry *e)
{
    const struct agent *a = e->offered_to;
    if (map_get_str(q->cases, e->info.case_id.text) != e || (!e->present && !e->keep.place) ||
        (a && (a->offer != e || !a->on || !a->present || !a->ring.place)) ||
        (e->ready != NULL) != (e->present && !a) ||
        (e->ready != NULL) != order_linked(&e->ready_node) || !order_linked(&e->class_node))
        return false;
    return !e->ready || !queue_best_agent(q, e); /* somebody free should have been asked */
}

static bool agent_is_sound(const struct agent *a)
{
    size_t calls = 0;
    for (size_t i = 0; i < QUEUE_CAPACITY_MAX; i++)
        calls += id_is_set(&a->calls[i].case_id);
    return calls == a->call_count && (!a->offer || a->offer->offered_to == a) &&
           a->counted_on == (a->on && a->present) &&
           order_linked(&a->free_node) == queue_agent_is_free(a) && order_is_sound(&a->mine);
}

static bool class_is_sound(const struct class *c)
{
    size_t on_at[STAGES] = {0};
    const struct merchant *m = c->merchant;
    bool ready = false;
    for (size_t i = 0; i < m->profile_size; i++) {
        if (m->profiles[i] && c->fits[i])
            on_at[FIT_STAGE(c->fits[i])] += m->profiles[i]->on != 0;
    }
    for (size_t i = 0; i < STAGES; i++)
        ready |= order_count(&c->ready[i]) != 0;
    return memcmp(on_at, c->on_at, sizeof on_at) == 0 && ready == list_linked(&c->active) &&
           order_is_sound(&c->line);
}

static bool merchant_is_sound(const struct queue *q, struct merchant *m, size_t *waiting)
{
    size_t free = 0, slots = 0;
    for (struct order_node *n = order_first(&m->line); n; n = order_next(n)) {
        if (!entry_is_sound(q, ENTRY_OF(n, line_node)))
            return false;
        ++*waiting;
    }
    list_each (agent, &m->agents, struct agent, node) {
        if (!agent_is_sound(agent))
            return false;
        free += queue_agent_is_free(agent) && !agent->info.bot;
        slots += agent->counted_on ? agent->counted_slots : 0;
    }
    list_each (class, &m->classes, struct class, node) {
        if (!class_is_sound(class))
            return false;
    }
    return free == m->agents_free && slots == m->slots && order_is_sound(&m->line);
}

bool queue_is_sound(const struct queue *q)
{
    size_t waiting = 0;
    list_each (merchant, &q->merchants, struct merchant, node) {
        if (!merchant_is_sound(q, merchant, &waiting))
            return false;
    }
    return waiting == map_count(q->cases);
}
