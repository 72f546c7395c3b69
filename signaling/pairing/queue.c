// SPDX-License-Identifier: Apache-2.0
/* Matching of waiting cases and free agents, one reservation at a time. */
#include "signaling/pairing/queue.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/er.h"
#include "base/str.h"
#include "signaling/person.h"
#include "signaling/pairing/queue_impl.h"

static const char *const end_names[] = {
    [QUEUE_EXPIRED] = "expired",
    [QUEUE_WITHDRAWN] = "withdrawn",
    [QUEUE_DECLINED] = "declined",
    [QUEUE_ELSEWHERE] = "accepted_elsewhere",
};

const char *queue_offer_end_name(enum queue_offer_end end)
{
    return end_names[end];
}

int queue_new(struct queue **ret, const struct entropy *entropy)
{
    *ret = NULL;
    struct queue *q = calloc(1, sizeof *q);
    if (!q)
        return ER_NOMEM;
    q->entropy = *entropy;
    q->ring_us = QUEUE_RING_US;
    list_init(&q->merchants);
    list_init(&q->events);
    if (map_new(&q->cases, LIMIT_QUEUE_WAITING, entropy_u64(entropy)) < 0 ||
        map_new(&q->agents, QUEUE_AGENTS, entropy_u64(entropy)) < 0 ||
        map_new(&q->names, LIMIT_QUEUE_WAITING, entropy_u64(entropy)) < 0) {
        queue_free(q);
        return ER_NOMEM;
    }
    *ret = q;
    return 0;
}

void queue_set_ring(struct queue *q, uint64_t ring_us)
{
    q->ring_us = ring_us;
}

void queue_set_clock(struct queue *q, uint64_t now_us, uint64_t unix_us)
{
    q->unix_ahead_us = unix_us - now_us;
}

static void merchant_free(struct merchant *m)
{
    list_each_safe (entry, &m->waiting, struct entry, node)
        free(entry);
    list_each_safe (agent, &m->agents, struct agent, node)
        free(agent);
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
    heap_clear(&q->rings);
    heap_clear(&q->keeps);
    heap_clear(&q->retries);
    free(q);
}

struct queue_event *queue_emit(struct queue *q, enum queue_event_type type, const char *person,
                               const struct entry *e)
{
    struct pending *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->event.type = type;
    (void)str_copy(p->event.person, sizeof p->event.person, person);
    if (e) {
        p->event.case_id = e->info.case_id;
        (void)str_copy(p->event.merchant, sizeof p->event.merchant, e->info.merchant);
    }
    list_append(&q->events, &p->node);
    return &p->event;
}

static struct merchant *merchant_get(struct queue *q, const char *name)
{
    struct merchant *m = map_get_str(q->names, name);
    if (m)
        return m;
    m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    (void)str_copy(m->name, sizeof m->name, name);
    list_init(&m->waiting);
    list_init(&m->agents);
    if (map_add_str(q->names, name, m) < 0) {
        free(m);
        return NULL;
    }
    list_append(&q->merchants, &m->node);
    return m;
}

/** Anything about who is there or waits has changed. */
static void touch(struct merchant *m, bool list_changed)
{
    m->agents_on = m->agents_free = 0;
    list_each (agent, &m->agents, struct agent, node) {
        m->agents_on += (agent->on || agent->busy) && agent->present;
        m->agents_free += agent_is_free(agent);
    }
    m->positions_due = true;
    m->list_changed |= list_changed;
}

static bool has_declined(const struct entry *e, const struct agent *a, uint64_t now_us)
{
    for (size_t i = 0; i < QUEUE_DECLINES; i++) {
        if (e->declines[i].agent_hash == a->hash && now_us < e->declines[i].until_us)
            return true;
    }
    return false;
}

/** "en" serves "en-GB" and the other way round. */
static bool same_language(const char *a, const char *b)
{
    size_t n = strcspn(a, "-_");
    return n && n == strcspn(b, "-_") && strncasecmp(a, b, n) == 0;
}

static unsigned fitness(const struct entry *e, const struct agent *a)
{
    unsigned score = e->info.wants_appraiser == a->info.appraiser ? 2 : 0;
    for (size_t i = 0; i < a->info.languages.count; i++) {
        if (same_language(e->info.language, a->info.languages.items[i]))
            return score + 1;
    }
    return score;
}

struct agent *queue_best_agent(const struct queue *q, const struct entry *e)
{
    struct agent *best = NULL;
    unsigned best_score = 0;
    list_each (agent, &e->merchant->agents, struct agent, node) {
        if (!agent_is_free(agent) || has_declined(e, agent, q->now_us))
            continue;
        unsigned score = fitness(e, agent);
        if (!best || score > best_score ||
            (score == best_score && agent->idle_since_us < best->idle_since_us)) {
            best = agent;
            best_score = score;
        }
    }
    return best;
}

static void offer(struct queue *q, struct entry *e, struct agent *a)
{
    if (heap_set(&q->rings, &a->ring, q->now_us + q->ring_us) < 0)
        return;
    a->offer = e;
    e->offered_to = a;
    a->reservation = id_make(q->now_us + q->unix_ahead_us, &q->entropy);
    struct queue_event *event = queue_emit(q, QUEUE_OFFER, a->info.identity, e);
    if (!event)
        return;
    event->reservation = a->reservation;
    event->expires_us = q->now_us + q->ring_us;
}

static void match(struct queue *q, struct merchant *m)
{
    touch(m, false);
    list_each (entry, &m->waiting, struct entry, node) {
        if (!m->agents_free)
            break;
        struct agent *agent = entry->present && !entry->offered_to ? queue_best_agent(q, entry)
                                                                   : NULL;
        if (!agent)
            continue;
        offer(q, entry, agent);
        touch(m, false);
    }
}

/** Take an offer back from its agent; nobody is asked anew yet. */
static void end_offer(struct queue *q, struct agent *a, enum queue_offer_end end, bool tell)
{
    struct entry *e = a->offer;
    struct queue_event *event = tell ? queue_emit(q, QUEUE_OFFER_ENDED, a->info.identity, e) : NULL;
    if (event) {
        event->reservation = a->reservation;
        event->end = end;
    }
    heap_remove(&q->rings, &a->ring);
    a->offer = NULL;
    a->reservation = (struct id){0};
    e->offered_to = NULL;
}

static void entry_free(struct queue *q, struct entry *e)
{
    map_remove_str(q->cases, e->info.case_id.text);
    heap_remove(&q->keeps, &e->keep);
    list_remove(&e->node);
    free(e);
}

/** Before the first that comes after it. */
static void insert(struct merchant *m, struct entry *e)
{
    struct list *at = m->waiting.prev;
    while (at != &m->waiting &&
           container_of(at, struct entry, node)->info.priority < e->info.priority)
        at = at->prev;
    /* appending to the head "at->next" puts it right behind `at` */
    list_append(at->next, &e->node);
}

int queue_wait(struct queue *q, const struct queue_case *c, uint64_t now_us)
{
    q->now_us = now_us;
    struct entry *e = map_get_str(q->cases, c->case_id.text);
    if (e) {
        e->told_position = 0;
        queue_buyer_present(q, &c->case_id, true, now_us);
        return ER_CONFLICT;
    }
    struct merchant *m = merchant_get(q, c->merchant);
    e = m ? calloc(1, sizeof *e) : NULL;
    if (!e)
        return ER_NOMEM;
    e->info = *c;
    e->merchant = m;
    e->since_us = now_us;
    e->present = true;
    int er = map_add_str(q->cases, c->case_id.text, e);
    if (er < 0) {
        free(e);
        return er;
    }
    insert(m, e);
    touch(m, true);
    match(q, m);
    return 0;
}

int queue_stop(struct queue *q, const struct id *case_id, uint64_t now_us)
{
    q->now_us = now_us;
    struct entry *e = map_get_str(q->cases, case_id->text);
    if (!e)
        return ER_NOT_FOUND;
    struct merchant *m = e->merchant;
    if (e->offered_to)
        end_offer(q, e->offered_to, QUEUE_WITHDRAWN, true);
    entry_free(q, e);
    touch(m, true);
    match(q, m);
    return 0;
}

void queue_buyer_present(struct queue *q, const struct id *case_id, bool present, uint64_t now_us)
{
    q->now_us = now_us;
    struct entry *e = map_get_str(q->cases, case_id->text);
    if (!e)
        return;
    if (present != e->present) {
        e->present = present;
        (void)heap_set(&q->keeps, &e->keep, present ? HEAP_NEVER : now_us + QUEUE_KEEP_US);
        e->told_position = 0;
    }
    match(q, e->merchant);
}

bool queue_is_waiting(const struct queue *q, const struct id *case_id)
{
    return map_get_str(q->cases, case_id->text) != NULL;
}

static struct agent *agent_find(const struct queue *q, const char *merchant, const char *identity)
{
    char key[PERSON_KEY_BYTES];
    return map_get_str(q->agents, person_key(key, merchant, identity));
}

static int agent_new(struct queue *q, const struct queue_agent *info, struct agent **ret)
{
    struct merchant *m = merchant_get(q, info->merchant);
    struct agent *a = m ? calloc(1, sizeof *a) : NULL;
    char key[PERSON_KEY_BYTES];
    if (!a)
        return ER_NOMEM;
    int er = map_add_str(q->agents, person_key(key, info->merchant, info->identity), a);
    if (er < 0) {
        free(a);
        return er;
    }
    a->merchant = m;
    a->hash = ++q->agent_count;
    a->present = true;
    list_append(&m->agents, &a->node);
    *ret = a;
    return 0;
}

int queue_agent_set(struct queue *q, const struct queue_agent *info, bool on, uint64_t now_us)
{
    q->now_us = now_us;
    struct agent *a = agent_find(q, info->merchant, info->identity);
    if (!a && !on)
        return 0;
    int er = a ? 0 : agent_new(q, info, &a);
    if (er < 0)
        return er;
    a->info = *info;
    a->present = true;
    if (on && !a->on) {
        a->idle_since_us = now_us;
        a->hash = ++q->agent_count; /* what was declined before is forgotten */
    }
    a->on = on;
    if (!on && a->offer)
        end_offer(q, a, QUEUE_WITHDRAWN, true);
    match(q, a->merchant);
    return 0;
}

void queue_agent_present(struct queue *q, const char *merchant, const char *identity, bool present,
                         uint64_t now_us)
{
    q->now_us = now_us;
    struct agent *a = agent_find(q, merchant, identity);
    if (!a || a->present == present)
        return;
    a->present = present;
    if (!present && a->offer)
        end_offer(q, a, QUEUE_WITHDRAWN, true);
    match(q, a->merchant);
}

void queue_agent_remove(struct queue *q, const char *merchant, const char *identity,
                        uint64_t now_us)
{
    q->now_us = now_us;
    char key[PERSON_KEY_BYTES];
    struct agent *a = map_remove_str(q->agents, person_key(key, merchant, identity));
    if (!a)
        return;
    struct merchant *m = a->merchant;
    if (a->offer)
        end_offer(q, a, QUEUE_WITHDRAWN, false);
    list_remove(&a->node);
    free(a);
    match(q, m);
}

bool queue_agent_is_available(const struct queue *q, const char *merchant, const char *identity)
{
    const struct agent *a = agent_find(q, merchant, identity);
    return a && a->on;
}

static struct agent *find_offer(struct queue *q, const char *merchant, const char *identity,
                                const struct id *reservation)
{
    struct agent *a = agent_find(q, merchant, identity);
    return a && a->offer && id_equal(&a->reservation, reservation) ? a : NULL;
}

int queue_accept(struct queue *q, const char *merchant, const char *identity,
                 const struct id *reservation, uint64_t now_us, struct id *ret_case)
{
    q->now_us = now_us;
    struct agent *a = find_offer(q, merchant, identity, reservation);
    if (!a)
        return ER_NOT_FOUND;
    struct entry *e = a->offer;
    *ret_case = e->info.case_id;
    end_offer(q, a, QUEUE_ELSEWHERE, false);
    a->busy = true;
    a->busy_since_us = now_us;
    entry_free(q, e);
    touch(a->merchant, true);
    match(q, a->merchant);
    return 0;
}

/** Match anew at the first moment at which a decline no longer counts. */
static void arm_retry(struct queue *q)
{
    uint64_t at_us = HEAP_NEVER;
    list_each (merchant, &q->merchants, struct merchant, node) {
        list_each (entry, &merchant->waiting, struct entry, node) {
            for (size_t i = 0; i < QUEUE_DECLINES; i++) {
                uint64_t until_us = entry->declines[i].until_us;
                if (until_us > q->now_us && until_us < at_us)
                    at_us = until_us;
            }
        }
    }
    (void)heap_set(&q->retries, &q->retry, at_us);
}

int queue_decline(struct queue *q, const char *merchant, const char *identity,
                  const struct id *reservation, uint64_t now_us)
{
    q->now_us = now_us;
    struct agent *a = find_offer(q, merchant, identity, reservation);
    if (!a)
        return ER_NOT_FOUND;
    struct entry *e = a->offer;
    e->declines[e->decline_next] = (struct decline){.agent_hash = a->hash,
                                                    .until_us = now_us + QUEUE_DECLINED_US};
    e->decline_next = (e->decline_next + 1) % QUEUE_DECLINES;
    if (!q->retry.place)
        arm_retry(q);
    end_offer(q, a, QUEUE_DECLINED, false);
    match(q, a->merchant);
    return 0;
}

void queue_agent_busy(struct queue *q, const char *merchant, const char *identity, bool busy,
                      uint64_t now_us)
{
    q->now_us = now_us;
    struct agent *a = agent_find(q, merchant, identity);
    if (!a || a->busy == busy)
        return;
    struct merchant *m = a->merchant;
    if (busy) {
        a->busy_since_us = now_us;
        if (a->offer)
            end_offer(q, a, QUEUE_WITHDRAWN, true);
    } else {
        uint64_t took_us = now_us - a->busy_since_us;
        m->handling_us = m->handling_us ? (m->handling_us * 7 + took_us) / 8 : took_us;
        a->idle_since_us = now_us;
    }
    a->busy = busy;
    match(q, m);
}

void queue_tick(struct queue *q, uint64_t now_us)
{
    q->now_us = now_us;
    struct heap_node *node;
    while ((node = heap_pop_due(&q->rings, now_us))) {
        struct agent *a = container_of(node, struct agent, ring);
        end_offer(q, a, QUEUE_EXPIRED, true);
        a->on = false;
        struct queue_event *event = queue_emit(q, QUEUE_AWAY, a->info.identity, NULL);
        if (event)
            (void)str_copy(event->merchant, sizeof event->merchant, a->info.merchant);
        match(q, a->merchant);
    }
    while ((node = heap_pop_due(&q->keeps, now_us))) {
        struct entry *e = container_of(node, struct entry, keep);
        (void)queue_emit(q, QUEUE_LOST, e->info.buyer, e);
        struct id case_id = e->info.case_id;
        (void)queue_stop(q, &case_id, now_us);
    }
    if (heap_pop_due(&q->retries, now_us)) {
        list_each (merchant, &q->merchants, struct merchant, node)
            match(q, merchant);
        arm_retry(q);
    }
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t queue_deadline_us(const struct queue *q)
{
    return earlier(heap_next_us(&q->rings),
                   earlier(heap_next_us(&q->keeps), heap_next_us(&q->retries)));
}
