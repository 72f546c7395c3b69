// SPDX-License-Identifier: Apache-2.0
/* Agents: presence, capacity, the calls they are in, wrap-up, and what they say to offers. */
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/str.h"
#include "signaling/pairing/queue.h"
#include "signaling/pairing/queue_impl.h"

#define MEAN_OVER 32u /* handlings, and answers, that a mean goes back to */

static const char *const presence_names[] = {
    [QUEUE_AWAY] = "away",
    [QUEUE_AVAILABLE] = "available",
    [QUEUE_BUSY] = "busy",
    [QUEUE_WRAP_UP] = "wrap_up",
};

const char *queue_presence_name(enum queue_presence presence)
{
    return presence_names[presence];
}

struct agent *queue_agent_find(const struct queue *q, const char *merchant, const char *identity)
{
    char key[PERSON_KEY_BYTES];
    return map_get_str(q->agents, person_key(key, merchant, identity));
}

static size_t capacity_of(const struct agent *a)
{
    if (a->info.capacity > QUEUE_CAPACITY_MAX)
        return QUEUE_CAPACITY_MAX;
    return a->info.capacity ? a->info.capacity : 1;
}

bool queue_agent_is_free(const struct agent *a)
{
    return a->on && a->present && !a->offer && !a->wrapping && !a->info.owes_until_us &&
           a->call_count < capacity_of(a);
}

static enum queue_presence presence_of(const struct agent *a)
{
    if (a->call_count)
        return QUEUE_BUSY;
    if (a->wrapping || a->info.owes_until_us)
        return QUEUE_WRAP_UP;
    return a->on && a->present ? QUEUE_AVAILABLE : QUEUE_AWAY;
}

enum queue_presence queue_agent_presence(const struct queue *q, const char *merchant,
                                         const char *identity)
{
    const struct agent *a = queue_agent_find(q, merchant, identity);
    return a ? presence_of(a) : QUEUE_AWAY;
}

bool queue_agent_is_available(const struct queue *q, const char *merchant, const char *identity)
{
    const struct agent *a = queue_agent_find(q, merchant, identity);
    return a && a->on;
}

/** As the agent knows it. */
static void note_presence(struct agent *a)
{
    a->told = presence_of(a);
    a->told_on = a->on;
}

/** The queue itself has changed it: the agent is told. */
static void tell_presence(struct queue *q, struct agent *a)
{
    enum queue_presence presence = presence_of(a);
    if (presence == a->told && a->on == a->told_on)
        return;
    note_presence(a);
    struct queue_event *event = queue_emit(q, QUEUE_PRESENCE, a->info.identity, a->merchant);
    if (!event)
        return;
    event->presence = presence;
    event->available = a->on;
    event->expires_us = presence != QUEUE_WRAP_UP ? 0
                        : a->wrapping             ? a->wrap.at_us
                                                  : a->info.owes_until_us;
}

/** Those who want this agent alone go to the others. */
static void release_mine(struct queue *q, struct agent *a)
{
    struct order_node *n;
    while ((n = order_first(&a->mine))) {
        struct entry *e = ENTRY_OF(n, ready_node);
        e->preferring = false;
        queue_entry_place(q, e);
        queue_match_entry(q, e);
    }
}

static void count_free(struct queue *q, struct agent *a, bool free)
{
    struct profile *p = a->profile;
    if (free == order_linked(&a->free_node))
        return;
    if (free)
        order_add(&p->free, &a->free_node, (int64_t)a->idle_since_us, a->number);
    else
        order_remove(&p->free, &a->free_node);
    if (free && !list_linked(&p->spare))
        list_append(&a->merchant->spare, &p->spare);
    else if (!order_count(&p->free))
        list_remove(&p->spare);
    if (a->info.bot) /* nobody is told of them as of people */
        return;
    a->merchant->agents_free += free ? 1u : (size_t)-1;
    q->agents_free += free ? 1u : (size_t)-1;
}

void queue_agent_place(struct queue *q, struct agent *a)
{
    bool on = a->on && a->present;
    size_t slots = on ? capacity_of(a) : 0;
    count_free(q, a, queue_agent_is_free(a));
    if (on && slots != a->counted_slots && a->counted_on) { /* another capacity */
        a->profile->slots += slots - a->counted_slots;
        a->merchant->slots += slots - a->counted_slots;
        a->counted_slots = slots;
    }
    if (on != a->counted_on) {
        size_t counted = on ? slots : a->counted_slots;
        a->counted_on = on;
        a->counted_slots = slots;
        queue_profile_on(q, a->merchant, a->profile, on ? 1 : -1, counted);
    }
    if (!on)
        release_mine(q, a);
    queue_touch(q, a->merchant, false);
}

static int agent_new(struct queue *q, const struct queue_agent *info, struct agent **ret)
{
    struct merchant *m = queue_merchant(q, info->merchant);
    struct agent *a = m ? calloc(1, sizeof *a) : NULL;
    char key[PERSON_KEY_BYTES];
    if (!a)
        return ER_NOMEM;
    a->merchant = m;
    a->info = *info;
    list_init(&a->declines);
    int er = queue_profile_take(q, m, info, &a->profile);
    if (er == 0)
        er = map_add_str(q->agents, person_key(key, info->merchant, info->identity), a);
    if (er < 0) {
        if (a->profile)
            queue_profile_leave(q, m, a->profile);
        free(a);
        return er;
    }
    a->number = ++q->agent_number;
    list_append(&m->agents, &a->node);
    *ret = a;
    return 0;
}

/** Takes the agent out of everything; the struct is gone. */
void queue_agent_free(struct queue *q, struct agent *a)
{
    char key[PERSON_KEY_BYTES];
    a->on = false;
    queue_agent_place(q, a);
    list_each_safe (decline, &a->declines, struct decline, of_agent)
        queue_forget_decline(q, decline);
    heap_remove(&q->wraps, &a->wrap);
    queue_profile_leave(q, a->merchant, a->profile);
    map_remove_str(q->agents, person_key(key, a->info.merchant, a->info.identity));
    list_remove(&a->node);
    free(a);
}

/** What the agent can do now. */
static int take_profile(struct queue *q, struct agent *a, const struct queue_agent *info)
{
    struct profile *p;
    int er = queue_profile_take(q, a->merchant, info, &p);
    if (er < 0)
        return er;
    if (p == a->profile) {
        queue_profile_leave(q, a->merchant, p); /* it was counted once more */
    } else {
        count_free(q, a, false);
        if (a->counted_on)
            queue_profile_on(q, a->merchant, a->profile, -1, a->counted_slots);
        struct profile *left = a->profile;
        a->profile = p;
        if (a->counted_on)
            queue_profile_on(q, a->merchant, p, 1, a->counted_slots);
        queue_profile_leave(q, a->merchant, left);
    }
    uint64_t owes_until_us = a->info.owes_until_us; /* that may be news */
    a->info = *info;
    a->info.owes_until_us = owes_until_us;
    return 0;
}

/** Take the agent's offer away; whom it was for is to be matched again. */
static struct entry *take_offer(struct queue *q, struct agent *a, enum queue_offer_end end,
                                bool tell)
{
    struct entry *e = a->offer;
    if (e)
        queue_end_offer(q, a, end, tell);
    return e;
}

static void end_wrap(struct queue *q, struct agent *a)
{
    heap_remove(&q->wraps, &a->wrap);
    a->idle_since_us = a->wrapping ? q->now_us : a->idle_since_us;
    a->wrapping = false;
}

int queue_agent_set(struct queue *q, const struct queue_agent *info, bool on, uint64_t now_us)
{
    q->now_us = now_us;
    struct agent *a = queue_agent_find(q, info->merchant, info->identity);
    if (!a && !on)
        return 0;
    int er = a ? take_profile(q, a, info) : agent_new(q, info, &a);
    if (er < 0)
        return er;
    if (on && !a->on) {
        a->idle_since_us = now_us;
        /* what was declined before is forgotten */
        list_each_safe (decline, &a->declines, struct decline, of_agent)
            queue_forget_decline(q, decline);
    }
    a->on = on;
    a->present = true;
    end_wrap(q, a);
    bool has_room = on && a->call_count < capacity_of(a) && !a->info.owes_until_us;
    struct entry *e = has_room ? NULL : take_offer(q, a, QUEUE_WITHDRAWN, true);
    note_presence(a);
    queue_agent_place(q, a);
    if (e)
        queue_match_entry(q, e);
    queue_match_agent(q, a);
    return 0;
}

void queue_agent_present(struct queue *q, const char *merchant, const char *identity, bool present,
                         uint64_t now_us)
{
    q->now_us = now_us;
    struct agent *a = queue_agent_find(q, merchant, identity);
    if (!a || a->present == present)
        return;
    a->present = present;
    struct entry *e = present ? NULL : take_offer(q, a, QUEUE_WITHDRAWN, true);
    note_presence(a);
    queue_agent_place(q, a);
    if (e)
        queue_match_entry(q, e);
    queue_match_agent(q, a);
}

void queue_agent_remove(struct queue *q, const char *merchant, const char *identity,
                        uint64_t now_us)
{
    q->now_us = now_us;
    struct agent *a = queue_agent_find(q, merchant, identity);
    if (!a)
        return;
    a->on = a->present = false;
    struct entry *e = take_offer(q, a, QUEUE_WITHDRAWN, false);
    if (a->call_count)
        queue_agent_place(q, a);
    else
        queue_agent_free(q, a);
    if (e)
        queue_match_entry(q, e);
}

/* Answers */

static struct agent *find_offer(const struct queue *q, const char *merchant, const char *identity,
                                const struct id *reservation)
{
    struct agent *a = queue_agent_find(q, merchant, identity);
    return a && a->offer && id_equal(&a->reservation, reservation) ? a : NULL;
}

int queue_offered(const struct queue *q, const char *merchant, const char *identity,
                  const struct id *reservation, struct id *ret_case)
{
    const struct agent *a = find_offer(q, merchant, identity, reservation);
    if (a)
        *ret_case = a->offer->info.case_id;
    return a ? 0 : ER_NOT_FOUND;
}

static struct call *find_call(struct agent *a, const struct id *case_id)
{
    for (size_t i = 0; i < QUEUE_CAPACITY_MAX; i++) {
        if (id_equal(&a->calls[i].case_id, case_id))
            return &a->calls[i];
    }
    return NULL;
}

static void add_call(struct queue *q, struct agent *a, const struct id *case_id)
{
    struct call *call = find_call(a, case_id) ? NULL : find_call(a, &(struct id){0});
    if (!call)
        return; /* is in it, or in too many */
    *call = (struct call){.case_id = *case_id, .since_us = q->now_us};
    a->call_count++;
    end_wrap(q, a);
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
    if (a->info.bot)
        q->counts.bot_accepted++;
    else
        queue_wait_was(q, e);
    queue_end_offer(q, a, QUEUE_ELSEWHERE, false);
    add_call(q, a, ret_case);
    tell_presence(q, a);
    queue_entry_free(q, e);
    queue_agent_place(q, a);
    queue_match_agent(q, a); /* may take more than one */
    return 0;
}

int queue_decline(struct queue *q, const char *merchant, const char *identity,
                  const struct id *reservation, uint64_t now_us)
{
    q->now_us = now_us;
    struct agent *a = find_offer(q, merchant, identity, reservation);
    if (!a)
        return ER_NOT_FOUND;
    struct entry *e = a->offer;
    queue_note_decline(q, e, a);
    queue_end_offer(q, a, QUEUE_DECLINED, false);
    queue_agent_place(q, a);
    queue_match_entry(q, e);
    queue_match_agent(q, a);
    return 0;
}

/* Calls */

/** Somebody who takes calls without having said so. NULL: no room. */
static struct agent *agent_unasked(struct queue *q, const char *merchant, const char *identity)
{
    struct queue_agent info = {0};
    struct agent *a;
    (void)str_copy(info.merchant, sizeof info.merchant, merchant);
    (void)str_copy(info.identity, sizeof info.identity, identity);
    if (agent_new(q, &info, &a) < 0)
        return NULL;
    a->present = true;
    return a;
}

void queue_call_begin(struct queue *q, const char *merchant, const char *identity,
                      const struct id *case_id, uint64_t now_us)
{
    q->now_us = now_us;
    struct agent *a = queue_agent_find(q, merchant, identity);
    if (!a && !(a = agent_unasked(q, merchant, identity)))
        return;
    if (find_call(a, case_id))
        return;
    add_call(q, a, case_id);
    struct entry *e = a->call_count < capacity_of(a) ? NULL
                                                     : take_offer(q, a, QUEUE_WITHDRAWN, true);
    tell_presence(q, a);
    queue_agent_place(q, a);
    if (e)
        queue_match_entry(q, e);
    queue_match_agent(q, a); /* it may have been in wrap-up, and take more than one */
}

static void measure_handling(struct merchant *m, uint64_t took_us)
{
    size_t over = ++m->handled < MEAN_OVER ? m->handled : MEAN_OVER;
    m->handling_us = (m->handling_us * (over - 1) + took_us) / over;
}

const char *queue_agent_team(const struct queue *q, const char *merchant, const char *identity)
{
    const struct agent *a = queue_agent_find(q, merchant, identity);
    return a ? a->info.team : "";
}

void queue_agent_owe(struct queue *q, const char *merchant, const char *identity, uint64_t until_us,
                     uint64_t now_us)
{
    q->now_us = now_us;
    struct agent *a = queue_agent_find(q, merchant, identity);
    if (!a || a->info.owes_until_us == until_us)
        return;
    uint64_t due_us = a->info.owes_until_us;
    a->info.owes_until_us = until_us;
    if (!until_us) { /* what goes beyond the time for it is nobody's handling */
        a->idle_since_us = now_us;
        if (a->owed_from_us)
            measure_handling(a->merchant, (now_us < due_us ? now_us : due_us) - a->owed_from_us);
        a->owed_from_us = 0;
    }
    struct entry *e = until_us ? take_offer(q, a, QUEUE_WITHDRAWN, true) : NULL;
    tell_presence(q, a);
    queue_agent_place(q, a);
    if (e)
        queue_match_entry(q, e);
    queue_match_agent(q, a);
}

void queue_call_end(struct queue *q, const char *merchant, const char *identity,
                    const struct id *case_id, bool wrap_up, uint64_t now_us)
{
    q->now_us = now_us;
    struct agent *a = queue_agent_find(q, merchant, identity);
    struct call *call = a && id_is_set(case_id) ? find_call(a, case_id) : NULL;
    if (!call)
        return;
    bool owes = a->info.owes_until_us != 0;
    uint64_t wrap_us = wrap_up && a->on && !owes && !a->info.bot ? q->policy.wrap_us : 0;
    if (a->info.bot)
        a->owed_from_us = 0;
    else if (owes)
        a->owed_from_us = call->since_us;
    else
        measure_handling(a->merchant, now_us - call->since_us + wrap_us);
    *call = (struct call){0};
    a->idle_since_us = now_us;
    if (!--a->call_count && !a->on && !a->present) {
        queue_agent_free(q, a);
        return;
    }
    a->wrapping = wrap_us && heap_set(&q->wraps, &a->wrap, now_us + wrap_us) == 0;
    tell_presence(q, a);
    queue_agent_place(q, a);
    queue_match_agent(q, a);
}

/* Time */

void queue_agents_tick(struct queue *q)
{
    struct heap_node *node;
    while ((node = heap_pop_due(&q->rings, q->now_us))) {
        struct agent *a = container_of(node, struct agent, ring);
        struct entry *e = take_offer(q, a, QUEUE_EXPIRED, true);
        a->on = false;
        tell_presence(q, a);
        queue_agent_place(q, a);
        queue_match_entry(q, e);
    }
    while ((node = heap_pop_due(&q->wraps, q->now_us))) {
        struct agent *a = container_of(node, struct agent, wrap);
        end_wrap(q, a);
        tell_presence(q, a);
        queue_agent_place(q, a);
        queue_match_agent(q, a);
    }
}
