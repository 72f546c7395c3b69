// SPDX-License-Identifier: Apache-2.0
/* What the parts of the queue share, and nobody else sees: queue.c (buyers, time), queue_agents.c
 * (presence, calls), queue_match.c (who gets what), queue_needs.c (what is needed and what is
 * known), queue_report.c (what people are told). Cases with the same needs are one class, agents
 * with the same skills one profile: decisions go over these, never over people. */
#ifndef LOUPE_SIGNALING_PAIRING_QUEUE_IMPL_H
#define LOUPE_SIGNALING_PAIRING_QUEUE_IMPL_H

#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "base/order.h"
#include "signaling/pairing/queue.h"

#define CLASSES_KEPT 256  /* without a case; others are forgotten when their last one goes */
#define CLASSES_WIDE 1024 /* with more, a place is one among all of the merchant's */
#define STAGES (QUEUE_ANY_TEAM + 1)

struct merchant {
    struct list node;
    char name[QUEUE_MERCHANT_BYTES];
    struct order line; /* struct entry by line_node: all who wait */
    struct list agents;
    struct list classes;
    size_t class_count;
    struct list active; /* classes with an entry that can be matched */
    struct profile **profiles;
    size_t profile_size; /* of that array */
    struct list spare;   /* profiles with a free agent */
    size_t slots;        /* calls that those who are on can have at once */
    size_t agents_free;
    struct list due;   /* in queue.due: list_changed or positions_due */
    bool list_changed; /* QUEUE_CHANGED is due */
    bool positions_due;
    struct heap_node tell; /* in turns, with many waiting */
    size_t told_up_to;
    uint64_t handling_us; /* mean; 0: not measured */
    size_t handled;
    uint64_t answer_us; /* from the last offer to its answer, mean */
    size_t answered;
    double took_s, meant_s; /* waits as they were, and as position and handling had them */
    uint64_t shape;         /* another number whenever a profile comes on, or goes */
};

/** What the needs of a case come to: words are hashes, 0 is none. A map's key: no padding unset. */
struct need {
    const struct merchant *merchant;
    uint64_t category, brand, team;
    uint64_t languages[QUEUE_LANGUAGES];
    uint64_t level, appraiser;
};

struct class
{
    struct list node, active;
    struct merchant *merchant;
    struct need need;
    struct order line;          /* struct entry by class_node: all who wait */
    struct order ready[STAGES]; /* by ready_node: who can be matched, from QUEUE_FITTING on */
    uint8_t *fits;              /* by profile: 0 never, else stage << 3 | language */
    size_t on_at[STAGES];       /* profiles somebody of whom is on, by stage */
    uint64_t shape;             /* of the merchant, when this was found: */
    uint64_t reach[QUEUE_PROFILES / 64]; /* bits of profiles that serve it */
    double took_s, meant_s;
};

#define FIT_STAGE(fit) ((fit) >> 3)
#define FIT_LANGUAGE(fit) ((fit)&7u)
#define FIT_UNNAMED 6u /* of an agent who named no language */
#define FIT_OTHER 7u   /* of one who speaks another */

struct ability {
    uint64_t category, brand, level; /* 0: any; at most */
};
struct abilities {
    const struct merchant *merchant;
    uint64_t team, appraiser, bot;
    uint64_t languages[PROTO_LIST_MAX];
    struct ability skills[PROTO_LIST_MAX];
    uint64_t skill_count;
};

struct profile {
    struct abilities abilities;
    size_t index;
    unsigned breadth; /* the more, the better to keep for what others cannot do */
    size_t agents;
    size_t on, slots;  /* of them, who are on; and their calls at once */
    struct order free; /* struct agent by free_node, longest idle first */
    struct list spare;
};

/** Who has said no to what: not to be asked again for a while. */
struct decline {
    struct list of_entry, of_agent;
    struct entry *entry;
    struct agent *agent;
    struct heap_node until;
};

struct entry {
    struct order_node line_node, class_node, ready_node;
    struct order *ready; /* where ready_node is; NULL: nowhere */
    struct merchant *merchant;
    struct class *class;
    struct queue_case info;
    uint64_t since_us;
    int64_t rank_us; /* when it counts as having come */
    uint64_t number; /* among equal ranks */
    enum queue_stage stage;
    enum queue_stage floor; /* all at nearer ones have declined */
    bool preferring;        /* the preferred agent alone is asked */
    bool present, aged;
    struct heap_node keep;    /* while not present */
    struct heap_node step;    /* of widening and ageing */
    struct agent *offered_to; /* NULL: no reservation */
    uint64_t offered_us;
    struct list declines;
    struct list fresh;    /* in queue.fresh: to be told at once */
    size_t told_position; /* 0: tell anew */
    size_t told_agents;
    int64_t told_wait_ms;
    enum queue_stage told_stage;
    double meant_s; /* the wait by position and handling, when it came; 0: not known */
};

struct call {
    struct id case_id; /* zeroed: none */
    uint64_t since_us;
};

struct agent {
    struct list node;
    struct merchant *merchant;
    struct profile *profile;
    struct queue_agent info;
    uint64_t number;
    bool on, present;
    bool counted_on;      /* in profile->on */
    size_t counted_slots; /* in profile->slots */
    uint64_t idle_since_us;
    struct call calls[QUEUE_CAPACITY_MAX];
    size_t call_count;
    bool wrapping;
    struct heap_node wrap;
    uint64_t
        owed_from_us; /* since when the handling goes on whose wrap-up is owed; 0: not measured */
    struct entry *offer; /* NULL: none */
    struct id reservation;
    struct heap_node ring; /* while an offer is out */
    struct order_node free_node;
    struct order mine; /* struct entry by ready_node: those who want this one alone, yet */
    struct list declines;
    enum queue_presence told;
    bool told_on;
};

struct pending {
    struct list node;
    struct queue_event event;
};

struct queue {
    struct entropy entropy;
    uint64_t hash_key[2];
    struct queue_policy policy;
    struct list merchants, due, fresh;
    struct map *cases, *agents, *names; /* names: of merchants */
    struct map *classes, *profiles;
    struct heap rings, keeps, steps, wraps, lapses, tells;
    struct list events;
    struct queue_counts counts;
    uint64_t now_us;
    uint64_t unix_ahead_us; /* of the wall clock, modulo 2^64 */
    uint64_t entry_number, agent_number;
    size_t agents_free;
};

#define ENTRY_OF(n, member) container_of(n, struct entry, member)

/* queue.c */

/** The event, appended and to be filled in; NULL without memory. */
struct queue_event *queue_emit(struct queue *q, enum queue_event_type type, const char *person,
                               const struct merchant *m);
/** ER_NOMEM: NULL. */
struct merchant *queue_merchant(struct queue *q, const char *name);
/** Who is there or waits has changed: to be told. */
void queue_touch(struct queue *q, struct merchant *m, bool list_changed);
/** Into the set it belongs to now, by presence, offer and stage. Nobody is asked. */
void queue_entry_place(struct queue *q, struct entry *e);
/** For so long the preferred agent is asked alone. */
uint64_t queue_prefer_us(const struct queue *q, const struct entry *e);
/** Out of the queue, and gone. */
void queue_entry_free(struct queue *q, struct entry *e);

/* queue_agents.c */

struct agent *queue_agent_find(const struct queue *q, const char *merchant, const char *identity);
void queue_agent_free(struct queue *q, struct agent *a);
/** Whether an offer can be made to this agent. */
bool queue_agent_is_free(const struct agent *a);
/** Into the sets and counts it belongs to now; who may be asked in its stead, or for it, is. */
void queue_agent_place(struct queue *q, struct agent *a);
/** Those whose wrap-up, or whose offer, is over. */
void queue_agents_tick(struct queue *q);

/* queue_match.c */

/** How the agent would suit now; 0: not. Regardless of whether the agent is free. */
unsigned queue_suits(const struct queue *q, const struct entry *e, const struct agent *a);
/** Whether what the case asks for, and how far its search has gone, allows for this agent. */
bool queue_would_suit(const struct entry *e, const struct agent *a);
/** The free agent whom the case suits best; NULL when there is none. */
struct agent *queue_best_agent(const struct queue *q, const struct entry *e);
/** A bot that suits the case and is free is asked, if there is one. */
void queue_match_bot(struct queue *q, struct entry *e);
void queue_match_entry(struct queue *q, struct entry *e);
void queue_match_agent(struct queue *q, struct agent *a);
void queue_match_class(struct queue *q, struct class *c);
/** Take an offer back from its agent, who may be told; nobody is asked anew yet. */
void queue_end_offer(struct queue *q, struct agent *a, enum queue_offer_end end, bool tell);
/** Without memory it is not remembered. When all who fit as well have declined, the search goes further. */
void queue_note_decline(struct queue *q, struct entry *e, struct agent *a);
/** How far the search goes at least, as those who are nearer have declined. */
void queue_find_floor(struct entry *e);
void queue_forget_decline(struct queue *q, struct decline *d);
void queue_match_tick(struct queue *q);

/* queue_needs.c */

/** Whether a bot with these abilities may take cases of the class: it has the skill, one of the languages, the team. */
bool queue_bot_fits(const struct abilities *a, const struct class *c);
/** The class of a case; its fits are known. ER_NOMEM. */
int queue_class_get(struct queue *q, struct merchant *m, const struct queue_case *c,
                    struct class **ret);
/** Its last case has gone. */
void queue_class_idle(struct queue *q, struct class *c);
void queue_class_free(struct class *c);
/** The least stage at which somebody who is on fits. */
enum queue_stage queue_class_least(const struct class *c);
/** One more agent has it, or one less. ER_FULL, ER_NOMEM. */
int queue_profile_take(struct queue *q, struct merchant *m, const struct queue_agent *a,
                       struct profile **ret);
void queue_profile_leave(struct queue *q, struct merchant *m, struct profile *p);
/** Somebody of it is on now who was not (1), or the other way round (-1). */
void queue_profile_on(struct queue *q, struct merchant *m, struct profile *p, int by, size_t slots);

/* queue_report.c */

/** What the wait comes to by position and handling, for measuring what it becomes. */
void queue_wait_meant(struct queue *q, struct entry *e);
/** It was answered after all this time. */
void queue_wait_was(struct queue *q, struct entry *e);
void queue_report_tick(struct queue *q);

#endif
