// SPDX-License-Identifier: Apache-2.0
/* What the queue tells: positions and expected waits, lists, counts; and whether it is sound. */
#include <stdlib.h>

#include "base/str.h"
#include "signaling/pairing/queue.h"
#include "signaling/pairing/queue_impl.h"

static int64_t expected_wait_ms(const struct merchant *m, size_t position)
{
    if (position <= m->agents_free)
        return 0;
    if (!m->handling_us || !m->agents_on)
        return -1;
    uint64_t turns = (position - m->agents_free + m->agents_on - 1) / m->agents_on;
    return (int64_t)(turns * m->handling_us / 1000);
}

/** Tell those whose place or prospect is not what they were told last. */
static void tell_positions(struct queue *q, struct merchant *m)
{
    size_t position = 0;
    m->positions_due = false;
    list_each (entry, &m->waiting, struct entry, node) {
        position++;
        int64_t wait_ms = expected_wait_ms(m, position);
        if (!entry->present ||
            (entry->told_position == position && entry->told_agents == m->agents_free &&
             entry->told_wait_ms == wait_ms))
            continue;
        struct queue_event *event = queue_emit(q, QUEUE_POSITION, entry->info.buyer, entry);
        if (!event) {
            m->positions_due = true;
            return;
        }
        event->position = entry->told_position = position;
        event->agents = entry->told_agents = m->agents_free;
        event->expected_wait_ms = entry->told_wait_ms = wait_ms;
    }
}

static void tell_merchants(struct queue *q)
{
    list_each (merchant, &q->merchants, struct merchant, node) {
        if (merchant->positions_due)
            tell_positions(q, merchant);
        struct queue_event *event = merchant->list_changed ? queue_emit(q, QUEUE_CHANGED, "", NULL)
                                                           : NULL;
        if (event) {
            (void)str_copy(event->merchant, sizeof event->merchant, merchant->name);
            merchant->list_changed = false;
        }
    }
}

bool queue_next_event(struct queue *q, struct queue_event *ret)
{
    if (list_empty(&q->events))
        tell_merchants(q);
    if (list_empty(&q->events))
        return false;
    struct pending *p = container_of(q->events.next, struct pending, node);
    *ret = p->event;
    list_remove(&p->node);
    free(p);
    return true;
}

bool queue_list(const struct queue *q, const char *merchant, size_t index, struct id *ret_case,
                uint64_t *ret_since_us)
{
    struct merchant *m = map_get_str(q->names, merchant);
    if (!m)
        return false;
    list_each (entry, &m->waiting, struct entry, node) {
        if (index--)
            continue;
        *ret_case = entry->info.case_id;
        *ret_since_us = entry->since_us;
        return true;
    }
    return false;
}

size_t queue_waiting_count(const struct queue *q)
{
    return map_count(q->cases);
}

size_t queue_available_count(const struct queue *q)
{
    size_t count = 0;
    list_each (merchant, &q->merchants, struct merchant, node)
        count += merchant->agents_free;
    return count;
}

static bool merchant_is_sound(const struct queue *q, struct merchant *m, size_t *waiting)
{
    const struct entry *before = NULL;
    list_each (entry, &m->waiting, struct entry, node) {
        const struct agent *a = entry->offered_to;
        if (map_get_str(q->cases, entry->info.case_id.text) != entry ||
            (a && (a->offer != entry || a->busy || !a->on || !a->present || !a->ring.place)) ||
            (before && before->info.priority < entry->info.priority) ||
            (!entry->present && !entry->keep.place))
            return false;
        if (entry->present && !a && queue_best_agent(q, entry))
            return false; /* somebody free should have been asked */
        before = entry;
        ++*waiting;
    }
    list_each (agent, &m->agents, struct agent, node) {
        if (agent->offer && agent->offer->offered_to != agent)
            return false;
    }
    return true;
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
