// SPDX-License-Identifier: Apache-2.0
/* Buyers who wait, agents who are free, and the one offer at a time that joins them. Per merchant:
 * by priority, then by time; among free agents the one of the right kind, who speaks the buyer's
 * language, and who has been idle longest. An offer that is declined, rings out or loses its agent
 * passes on at once. Sans-IO: `now_us` comes in, events are fetched. */
#ifndef LOUPE_SIGNALING_PAIRING_QUEUE_H
#define LOUPE_SIGNALING_PAIRING_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/entropy.h"
#include "base/id.h"
#include "base/limits.h"
#include "signaling/person.h"
#include "signaling/proto.h"

#define QUEUE_RING_US 20000000u     /* an offer rings so long, unless it is set */
#define QUEUE_KEEP_US 120000000u    /* a buyer who dropped keeps the place so long */
#define QUEUE_DECLINED_US 30000000u /* who declined a case is not offered it again before */
#define QUEUE_DECLINES 8            /* remembered per case */
#define QUEUE_MERCHANT_BYTES PERSON_MERCHANT_BYTES
#define QUEUE_LANGUAGE_BYTES 36
#define QUEUE_AGENTS 10000 /* one more is refused: ER_FULL */

struct queue;

/** A case whose buyer waits. */
struct queue_case {
    struct id case_id;
    char merchant[QUEUE_MERCHANT_BYTES];
    char buyer[LIMIT_IDENTITY + 1];
    char language[QUEUE_LANGUAGE_BYTES]; /* BCP 47; "" any */
    int priority;                        /* higher first */
    bool wants_appraiser;                /* before other staff */
};

struct queue_agent {
    char identity[LIMIT_IDENTITY + 1];
    char merchant[QUEUE_MERCHANT_BYTES];
    bool appraiser;
    struct proto_list languages;
};

enum queue_event_type {
    QUEUE_POSITION,    /* case_id, person (the buyer), position, expected_wait_ms, agents */
    QUEUE_OFFER,       /* reservation, case_id, person (the agent), expires_us */
    QUEUE_OFFER_ENDED, /* reservation, case_id, person (the agent), end */
    QUEUE_AWAY,        /* person (the agent): no longer available, as an offer rang out */
    QUEUE_LOST,        /* case_id, person (the buyer): did not come back, the place is gone */
    QUEUE_CHANGED,     /* merchant: its list of waiting cases changed */
};

enum queue_offer_end { QUEUE_EXPIRED, QUEUE_WITHDRAWN, QUEUE_DECLINED, QUEUE_ELSEWHERE };
/** "expired", "withdrawn", "declined", "accepted_elsewhere". */
const char *queue_offer_end_name(enum queue_offer_end end);

struct queue_event {
    enum queue_event_type type;
    struct id reservation;
    struct id case_id;
    char person[LIMIT_IDENTITY + 1];
    char merchant[QUEUE_MERCHANT_BYTES]; /* always */
    uint64_t expires_us;
    size_t position;          /* 1 is next */
    int64_t expected_wait_ms; /* -1: not known yet */
    size_t agents;            /* available now */
    enum queue_offer_end end;
};

/** ER_NOMEM. `entropy` is copied. */
int queue_new(struct queue **ret, const struct entropy *entropy);
void queue_free(struct queue *q);
/** How long offers ring from now on. */
void queue_set_ring(struct queue *q, uint64_t ring_us);
/** What the wall clock says at `now_us`: the ids of reservations tell their time. */
void queue_set_clock(struct queue *q, uint64_t now_us, uint64_t unix_us);

/* Buyers */

/** Wait. Waiting already: the same place, ER_CONFLICT (the buyer is told the position anew).
 *  ER_FULL at LIMIT_QUEUE_WAITING, ER_NOMEM. */
int queue_wait(struct queue *q, const struct queue_case *c, uint64_t now_us);
/** Gives up the place, or the call began elsewhere. ER_NOT_FOUND. */
int queue_stop(struct queue *q, const struct id *case_id, uint64_t now_us);
/** The buyer's connection is gone, or back. While gone no new offer is made. */
void queue_buyer_present(struct queue *q, const struct id *case_id, bool present, uint64_t now_us);
bool queue_is_waiting(const struct queue *q, const struct id *case_id);

/* Agents */

/** Available, or (on: false) no longer; an agent in a call stays busy. ER_FULL, ER_NOMEM. */
int queue_agent_set(struct queue *q, const struct queue_agent *agent, bool on, uint64_t now_us);
/** The agent's connection is gone (an offer passes on), or back. */
void queue_agent_present(struct queue *q, const char *merchant, const char *identity, bool present,
                         uint64_t now_us);
/** The agent's session is over. */
void queue_agent_remove(struct queue *q, const char *merchant, const char *identity,
                        uint64_t now_us);
bool queue_agent_is_available(const struct queue *q, const char *merchant, const char *identity);

/** Take the call that was offered: 0 and the case. The agent is busy then. ER_NOT_FOUND: no such
 *  offer to this agent (any more). */
int queue_accept(struct queue *q, const char *merchant, const char *identity,
                 const struct id *reservation, uint64_t now_us, struct id *ret_case);
int queue_decline(struct queue *q, const char *merchant, const char *identity,
                  const struct id *reservation, uint64_t now_us);
/** In a call that came about without an offer, or by one; and out of it. The time between counts
 *  as handling. Unknown agents are ignored. */
void queue_agent_busy(struct queue *q, const char *merchant, const char *identity, bool busy,
                      uint64_t now_us);

/* The rest */

void queue_tick(struct queue *q, uint64_t now_us);
uint64_t queue_deadline_us(const struct queue *q);
/** Fetch after every call. Never fails; what needed memory and got none is told later. */
bool queue_next_event(struct queue *q, struct queue_event *ret);
/** The merchant's waiting cases in order; false at the end. */
bool queue_list(const struct queue *q, const char *merchant, size_t index, struct id *ret_case,
                uint64_t *ret_since_us);
size_t queue_waiting_count(const struct queue *q);
size_t queue_available_count(const struct queue *q);
/** Whether all its parts agree with each other: for tests. */
bool queue_is_sound(const struct queue *q);

#endif
