// SPDX-License-Identifier: Apache-2.0
/* Buyers who wait, their order, and what time does to it: widening, ageing, places kept and lost. */
#include "signaling/pairing/queue.h"

#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/str.h"
#include "signaling/pairing/queue_impl.h"

#define SECOND_US 1000000u
#define AGED_RANK (INT64_MIN / 2) /* before whatever a tier and urgency can make of a rank */

void queue_policy_init(struct queue_policy *ret)
{
    *ret = (struct queue_policy){
        .ring_us = 20 * SECOND_US,
        .bot_ring_us = 5 * SECOND_US,
        .keep_us = 120 * SECOND_US,
        .declined_us = 30 * SECOND_US,
        .prefer_us = 10 * SECOND_US,
        .language_us = 60 * SECOND_US,
        .team_us = 65 * SECOND_US,
        .behind_us = 300 * SECOND_US,
        .aged_us = 600 * SECOND_US,
        .tier_us = {0, 20 * SECOND_US, 50 * SECOND_US, 80 * SECOND_US},
        .urgency_us = 5 * SECOND_US,
    };
}

int queue_new(struct queue **ret, const struct entropy *entropy)
{
    *ret = NULL;
    struct queue *q = calloc(1, sizeof *q);
    if (!q)
        return ER_NOMEM;
    q->entropy = *entropy;
    q->hash_key[0] = entropy_u64(entropy);
    q->hash_key[1] = entropy_u64(entropy);
    queue_policy_init(&q->policy);
    list_init(&q->merchants);
    list_init(&q->due);
    list_init(&q->fresh);
    list_init(&q->events);
    const size_t classes = LIMIT_QUEUE_WAITING * 2;
    if (map_new(&q->cases, LIMIT_QUEUE_WAITING, entropy_u64(entropy)) < 0 ||
        map_new(&q->agents, QUEUE_AGENTS, entropy_u64(entropy)) < 0 ||
        map_new(&q->names, LIMIT_QUEUE_WAITING, entropy_u64(entropy)) < 0 ||
        map_new(&q->classes, classes, entropy_u64(entropy)) < 0 ||
        map_new(&q->profiles, QUEUE_AGENTS, entropy_u64(entropy)) < 0) {
        queue_free(q);
        return ER_NOMEM;
    }
    *ret = q;
    return 0;
}

void queue_set_policy(struct queue *q, const struct queue_policy *policy)
{
    q->policy = *policy;
}

void queue_set_clock(struct queue *q, uint64_t now_us, uint64_t unix_us)
{
    q->unix_ahead_us = unix_us - now_us;
}

/** Of a queue that ends: nothing is put in order. */
static void merchant_free(struct merchant *m)
{
    struct order_node *n;
    while ((n = order_first(&m->line))) {
        struct entry *e = ENTRY_OF(n, line_node);
        order_remove(&m->line, n);
        list_each_safe (decline, &e->declines, struct decline, of_entry)
            free(decline);
        free(e);
    }
    list_each_safe (agent, &m->agents, struct agent, node)
        free(agent);
    list_each_safe (class, &m->classes, struct class, node)
        queue_class_free(class);
    for (size_t i = 0; i < m->profile_size; i++)
        free(m->profiles[i]);
    free(m->profiles);
    free(m);
}

void queue_free(struct queue *q)
{
    if (!q)
        return;
    list_each_safe (merchant, &q->merchants, struct merchant, node)
        merchant_free(merchant);
    list_each_safe (pending, &q->events, struct pending, node)
        free(pending);
    map_free(q->cases);
    map_free(q->agents);
    map_free(q->names);
    map_free(q->classes);
    map_free(q->profiles);
    heap_clear(&q->rings);
    heap_clear(&q->keeps);
    heap_clear(&q->steps);
    heap_clear(&q->wraps);
    heap_clear(&q->lapses);
    heap_clear(&q->tells);
    free(q);
}

struct queue_event *queue_emit(struct queue *q, enum queue_event_type type, const char *person,
                               const struct merchant *m)
{
    struct pending *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->event.type = type;
    (void)str_copy(p->event.person, sizeof p->event.person, person);
    (void)str_copy(p->event.merchant, sizeof p->event.merchant, m->name);
    list_append(&q->events, &p->node);
    return &p->event;
}

struct merchant *queue_merchant(struct queue *q, const char *name)
{
    struct merchant *m = map_get_str(q->names, name);
    if (m)
        return m;
    m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    (void)str_copy(m->name, sizeof m->name, name);
    list_init(&m->agents);
    list_init(&m->classes);
    list_init(&m->active);
    list_init(&m->spare);
    if (map_add_str(q->names, name, m) < 0) {
        free(m);
        return NULL;
    }
    list_append(&q->merchants, &m->node);
    return m;
}

void queue_touch(struct queue *q, struct merchant *m, bool list_changed)
{
    m->positions_due = true;
    m->list_changed |= list_changed;
    if (!list_linked(&m->due))
        list_append(&q->due, &m->due);
}

/* Places */

static bool class_is_ready(const struct class *c)
{
    return order_count(&c->ready[QUEUE_FITTING]) || order_count(&c->ready[QUEUE_ANY_LANGUAGE]) ||
           order_count(&c->ready[QUEUE_ANY_TEAM]);
}

uint64_t queue_prefer_us(const struct queue *q, const struct entry *e)
{
    return e->info.prefer_us ? e->info.prefer_us : q->policy.prefer_us;
}

/** The stage that time allows, and when the next step is due. */
static enum queue_stage stage_by_time(const struct queue *q, const struct entry *e,
                                      uint64_t *ret_next_us)
{
    const uint64_t steps[] = {[QUEUE_PREFERRED] = queue_prefer_us(q, e),
                              [QUEUE_FITTING] = q->policy.language_us,
                              [QUEUE_ANY_LANGUAGE] = q->policy.team_us};
    enum queue_stage stage = e->preferring ? QUEUE_PREFERRED : QUEUE_FITTING;
    uint64_t waited_us = q->now_us - e->since_us;
    while (stage < QUEUE_ANY_TEAM && (waited_us >= steps[stage] || stage < e->floor))
        stage++;
    uint64_t after_us = stage < QUEUE_ANY_TEAM ? steps[stage] : UINT64_MAX;
    if (!e->aged && q->policy.aged_us < after_us)
        after_us = q->policy.aged_us;
    *ret_next_us = after_us == UINT64_MAX ? HEAP_NEVER : e->since_us + after_us;
    return stage;
}

void queue_entry_place(struct queue *q, struct entry *e)
{
    struct class *c = e->class;
    if (e->ready)
        order_remove(e->ready, &e->ready_node);
    e->ready = NULL;
    uint64_t next_us;
    e->stage = stage_by_time(q, e, &next_us);
    e->preferring = e->stage == QUEUE_PREFERRED;
    (void)heap_set(&q->steps, &e->step, next_us);
    if (e->present && !e->offered_to) {
        struct agent *a = e->preferring ? queue_agent_find(q, e->info.merchant, e->info.preferred)
                                        : NULL;
        if (e->preferring &&
            (!a || !a->on || !a->present || a->info.bot)) { /* who is not there is not waited for */
            e->preferring = false;
            queue_entry_place(q, e);
            return;
        }
        e->ready = a ? &a->mine : &c->ready[e->stage];
        order_add(e->ready, &e->ready_node, e->rank_us, e->number);
    }
    if (!class_is_ready(c))
        list_remove(&c->active);
    else if (!list_linked(&c->active))
        list_append(&c->merchant->active, &c->active);
}

/** Into the order in which all wait. */
static void entry_line_up(struct entry *e, int64_t rank_us)
{
    order_remove(&e->merchant->line, &e->line_node);
    order_remove(&e->class->line, &e->class_node);
    e->rank_us = rank_us;
    order_add(&e->merchant->line, &e->line_node, rank_us, e->number);
    order_add(&e->class->line, &e->class_node, rank_us, e->number);
}

void queue_entry_free(struct queue *q, struct entry *e)
{
    map_remove_str(q->cases, e->info.case_id.text);
    heap_remove(&q->keeps, &e->keep);
    list_each_safe (decline, &e->declines, struct decline, of_entry)
        queue_forget_decline(q, decline);
    e->present = false;
    queue_entry_place(q, e);
    heap_remove(&q->steps, &e->step);
    list_remove(&e->fresh);
    order_remove(&e->merchant->line, &e->line_node);
    order_remove(&e->class->line, &e->class_node);
    queue_touch(q, e->merchant, true);
    if (!order_count(&e->class->line))
        queue_class_idle(q, e->class);
    free(e);
}

/* Buyers */

static int64_t rank_of(const struct queue *q, const struct queue_case *c, uint64_t since_us)
{
    int urgency = c->priority < 0 ? 0 : c->priority;
    if (urgency > QUEUE_URGENCY_MAX)
        urgency = QUEUE_URGENCY_MAX;
    unsigned tier = c->tier < QUEUE_TIERS ? c->tier : QUEUE_TIERS - 1;
    return (int64_t)(since_us - c->credit_us - q->policy.tier_us[tier] -
                     (uint64_t)urgency * q->policy.urgency_us);
}

static int entry_new(struct queue *q, const struct queue_case *c, struct entry **ret)
{
    struct merchant *m = queue_merchant(q, c->merchant);
    struct entry *e = m ? calloc(1, sizeof *e) : NULL;
    if (!e)
        return ER_NOMEM;
    e->info = *c;
    e->merchant = m;
    e->since_us = q->now_us;
    e->number = ++q->entry_number;
    e->present = true;
    e->preferring = c->preferred[0] != '\0';
    list_init(&e->declines);
    int er = map_add_str(q->cases, c->case_id.text, e);
    if (er == 0 && (er = queue_class_get(q, m, c, &e->class)) < 0)
        map_remove_str(q->cases, c->case_id.text);
    if (er < 0) {
        free(e);
        return er;
    }
    *ret = e;
    return 0;
}

/** It is in line: whom it suits is asked. */
static void enter(struct queue *q, struct entry *e)
{
    queue_entry_place(q, e);
    queue_touch(q, e->merchant, true);
    const char *by = e->info.passed_on_by;
    struct agent *a = by[0] ? queue_agent_find(q, e->info.merchant, by) : NULL;
    if (a) {
        queue_note_decline(q, e, a);
        queue_entry_place(q, e);
    }
    queue_match_bot(q, e);
    queue_match_entry(q, e);
}

int queue_wait(struct queue *q, const struct queue_case *c, uint64_t now_us)
{
    q->now_us = now_us;
    struct entry *e = map_get_str(q->cases, c->case_id.text);
    if (e) {
        queue_tell(q, &c->case_id);
        queue_buyer_present(q, &c->case_id, true, now_us);
        return ER_CONFLICT;
    }
    int er = entry_new(q, c, &e);
    if (er < 0)
        return er;
    q->counts.waited++;
    list_append(&q->fresh, &e->fresh);
    entry_line_up(e, rank_of(q, c, e->since_us));
    queue_wait_meant(q, e);
    enter(q, e);
    return 0;
}

int queue_wait_since(struct queue *q, const struct queue_case *c, uint64_t since_us, bool present,
                     uint64_t now_us)
{
    q->now_us = now_us;
    struct entry *e = map_get_str(q->cases, c->case_id.text);
    int er = e ? ER_CONFLICT : entry_new(q, c, &e);
    if (er < 0)
        return er;
    if (since_us == now_us)
        q->counts.waited++;
    else
        q->counts.kept++;
    e->since_us = since_us;
    e->aged = now_us - since_us >= q->policy.aged_us;
    e->present = present;
    if (present)
        list_append(&q->fresh, &e->fresh);
    else
        (void)heap_set(&q->keeps, &e->keep, now_us + q->policy.keep_us);
    entry_line_up(e, e->aged ? AGED_RANK + (int64_t)since_us : rank_of(q, c, since_us));
    enter(q, e);
    return 0;
}

void queue_tell(struct queue *q, const struct id *case_id)
{
    struct entry *e = map_get_str(q->cases, case_id->text);
    if (!e)
        return;
    e->told_position = 0;
    if (!list_linked(&e->fresh))
        list_append(&q->fresh, &e->fresh);
}

/** Into the class of what it asks for now; nobody is asked yet. */
static void entry_move(struct queue *q, struct entry *e, struct class *class)
{
    struct class *before = e->class;
    bool present = e->present;
    e->present = false;
    queue_entry_place(q, e);
    order_remove(&before->line, &e->class_node);
    e->class = class;
    order_add(&class->line, &e->class_node, e->rank_us, e->number);
    e->present = present;
    e->floor = QUEUE_PREFERRED;
    e->meant_s = 0; /* it will have waited in both */
    if (!order_count(&before->line))
        queue_class_idle(q, before);
}

/** Whoever is being asked may not be one to ask any more: whose offer was taken back; or NULL. */
static struct agent *take_offer_back(struct queue *q, struct entry *e)
{
    struct agent *a = e->offered_to;
    if (!a || queue_would_suit(e, a) || queue_bot_fits(&a->profile->abilities, e->class) ||
        strcmp(e->info.preferred, a->info.identity) == 0)
        return NULL;
    queue_end_offer(q, a, QUEUE_WITHDRAWN, true);
    return a;
}

int queue_change(struct queue *q, const struct queue_case *c, uint64_t now_us)
{
    q->now_us = now_us;
    struct class *class;
    struct entry *e = map_get_str(q->cases, c->case_id.text);
    int er = e ? queue_class_get(q, e->merchant, c, &class) : ER_NOT_FOUND;
    if (er < 0)
        return er;
    struct queue_case before = e->info;
    bool other_preferred = strcmp(before.preferred, c->preferred) != 0;
    e->info = *c;
    e->info.credit_us = before.credit_us;
    memcpy(e->info.passed_on_by, before.passed_on_by, sizeof e->info.passed_on_by);
    int64_t rank_us = e->aged ? e->rank_us : rank_of(q, &e->info, e->since_us);
    if (class == e->class && rank_us == e->rank_us && !other_preferred)
        return 0;
    if (class != e->class)
        entry_move(q, e, class);
    if (e->ready)
        order_remove(e->ready, &e->ready_node);
    e->ready = NULL;
    entry_line_up(e, rank_us);
    if (other_preferred)
        e->preferring = c->preferred[0] != '\0';
    queue_entry_place(q, e);
    queue_find_floor(e);
    struct agent *a = take_offer_back(q, e);
    queue_entry_place(q, e);
    queue_tell(q, &c->case_id);
    queue_touch(q, e->merchant, true);
    queue_match_entry(q, e);
    if (a) {
        queue_agent_place(q, a);
        queue_match_agent(q, a);
    }
    return 0;
}

static void leave(struct queue *q, struct entry *e)
{
    struct agent *a = e->offered_to;
    if (a)
        queue_end_offer(q, a, QUEUE_WITHDRAWN, true);
    queue_entry_free(q, e);
    if (a) {
        queue_agent_place(q, a);
        queue_match_agent(q, a);
    }
}

int queue_stop(struct queue *q, const struct id *case_id, uint64_t now_us)
{
    q->now_us = now_us;
    struct entry *e = map_get_str(q->cases, case_id->text);
    if (!e)
        return ER_NOT_FOUND;
    q->counts.stopped++;
    leave(q, e);
    return 0;
}

void queue_buyer_present(struct queue *q, const struct id *case_id, bool present, uint64_t now_us)
{
    q->now_us = now_us;
    struct entry *e = map_get_str(q->cases, case_id->text);
    if (!e || e->present == present)
        return;
    e->present = present;
    (void)heap_set(&q->keeps, &e->keep, present ? HEAP_NEVER : now_us + q->policy.keep_us);
    e->told_position = 0;
    if (present && !list_linked(&e->fresh))
        list_append(&q->fresh, &e->fresh);
    queue_entry_place(q, e);
    queue_touch(q, e->merchant, false);
    queue_match_entry(q, e);
}

bool queue_is_waiting(const struct queue *q, const struct id *case_id)
{
    return map_get_str(q->cases, case_id->text) != NULL;
}

bool queue_is_offered(const struct queue *q, const struct id *case_id)
{
    const struct entry *e = map_get_str(q->cases, case_id->text);
    return e && e->offered_to;
}

int queue_waited(const struct queue *q, const struct id *case_id, uint64_t now_us,
                 uint64_t *ret_waited_us)
{
    const struct entry *e = map_get_str(q->cases, case_id->text);
    if (!e)
        return ER_NOT_FOUND;
    *ret_waited_us = now_us - e->since_us + e->info.credit_us;
    return 0;
}

/* Time */

static void step(struct queue *q, struct entry *e)
{
    enum queue_stage before = e->stage;
    if (!e->aged && q->now_us - e->since_us >= q->policy.aged_us) {
        e->aged = true;
        q->counts.aged++;
        if (e->ready)
            order_remove(e->ready, &e->ready_node);
        e->ready = NULL;
        entry_line_up(e, AGED_RANK + (int64_t)e->since_us);
    }
    queue_entry_place(q, e);
    for (enum queue_stage s = before + 1; s <= e->stage; s++)
        q->counts.widened[s]++;
    queue_touch(q, e->merchant, false);
    queue_match_entry(q, e);
}

void queue_tick(struct queue *q, uint64_t now_us)
{
    q->now_us = now_us;
    struct heap_node *node;
    queue_agents_tick(q);
    queue_match_tick(q);
    while ((node = heap_pop_due(&q->steps, now_us)))
        step(q, container_of(node, struct entry, step));
    while ((node = heap_pop_due(&q->keeps, now_us))) {
        struct entry *e = container_of(node, struct entry, keep);
        struct queue_event *event = queue_emit(q, QUEUE_LOST, e->info.buyer, e->merchant);
        if (event)
            event->case_id = e->info.case_id;
        q->counts.lost++;
        leave(q, e);
    }
    queue_report_tick(q);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t queue_deadline_us(const struct queue *q)
{
    const struct heap *heaps[] = {&q->rings, &q->keeps,  &q->steps,
                                  &q->wraps, &q->lapses, &q->tells};
    uint64_t at_us = HEAP_NEVER;
    for (size_t i = 0; i < sizeof heaps / sizeof heaps[0]; i++)
        at_us = earlier(at_us, heap_next_us(heaps[i]));
    return at_us;
}
