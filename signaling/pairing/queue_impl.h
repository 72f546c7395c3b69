// SPDX-License-Identifier: Apache-2.0
/* What queue.c (matching) and queue_report.c (what people are told) share, and nobody else sees. */
#ifndef LOUPE_SIGNALING_PAIRING_QUEUE_IMPL_H
#define LOUPE_SIGNALING_PAIRING_QUEUE_IMPL_H

#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "signaling/pairing/queue.h"

struct merchant {
    struct list node;
    char name[QUEUE_MERCHANT_BYTES];
    struct list waiting; /* struct entry, in order */
    struct list agents;
    size_t agents_on; /* available or in a call, with a connection */
    size_t agents_free;
    uint64_t handling_us; /* mean; 0: not measured */
    bool list_changed;    /* QUEUE_CHANGED is due */
    bool positions_due;
};

struct decline {
    uint64_t agent_hash;
    uint64_t until_us;
};

struct entry {
    struct list node;
    struct merchant *merchant;
    struct queue_case info;
    uint64_t since_us;
    bool present;
    struct heap_node keep;    /* while not present */
    struct agent *offered_to; /* NULL: no reservation */
    struct decline declines[QUEUE_DECLINES];
    size_t decline_next;
    size_t told_position; /* 0: tell anew */
    size_t told_agents;
    int64_t told_wait_ms;
};

struct agent {
    struct list node;
    struct merchant *merchant;
    struct queue_agent info;
    uint64_t hash;
    bool on, present, busy;
    uint64_t idle_since_us, busy_since_us;
    struct entry *offer; /* NULL: none */
    struct id reservation;
    struct heap_node ring; /* while an offer is out */
};

struct pending {
    struct list node;
    struct queue_event event;
};

struct queue {
    struct entropy entropy;
    struct list merchants;
    struct map *cases;
    struct map *agents;
    struct map *names; /* of merchants */
    struct heap rings;
    struct heap keeps;
    struct heap_node retry; /* of matching, when declines lapse */
    struct heap retries;
    struct list events;
    uint64_t now_us;
    uint64_t unix_ahead_us; /* of the wall clock, modulo 2^64 */
    uint64_t ring_us;
    uint64_t agent_count; /* ever: for agents' hashes */
};

/** Whether an offer can be made to this agent. */
static inline bool agent_is_free(const struct agent *a)
{
    return a->on && a->present && !a->busy && !a->offer;
}

/** The event, appended and to be filled in; NULL without memory. */
struct queue_event *queue_emit(struct queue *q, enum queue_event_type type, const char *person,
                               const struct entry *e);
/** The free agent whom the case suits best; NULL when there is none. */
struct agent *queue_best_agent(const struct queue *q, const struct entry *e);

#endif
