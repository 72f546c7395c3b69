// SPDX-License-Identifier: Apache-2.0
/* Buyers who wait, agents who are free, and the one offer at a time that joins them, per merchant.
 * Who comes first: tier and urgency count as time already waited, so nobody is overtaken by those who
 * come much later. Who gets it: agents with the skills, in the order widening allows: the preferred one,
 * those who speak the language, then others, then other teams; of them the least versatile, then the
 * longest idle. Sans-IO: `now_us` comes in, events are fetched. */
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

#define QUEUE_MERCHANT_BYTES PERSON_MERCHANT_BYTES
#define QUEUE_WORD_BYTES 65 /* of a category, a brand, a team */
#define QUEUE_LANGUAGE_BYTES 36
#define QUEUE_LANGUAGES 4     /* of a case; further ones are not looked at */
#define QUEUE_AGENTS 10000    /* one more is refused: ER_FULL */
#define QUEUE_PROFILES 2048   /* sets of skills of one merchant's agents; one more: ER_FULL */
#define QUEUE_CAPACITY_MAX 8  /* calls of one agent at once */
#define QUEUE_TIERS 4         /* 0: none */
#define QUEUE_URGENCY_MAX 9   /* of a case's priority */
#define QUEUE_TELL_AT_ONCE 64 /* with more waiting, they are told in turns: */
#define QUEUE_TELL_US 250000u /* so often */
#define QUEUE_TELL_BATCH 256  /* so many */

struct queue;

/** All times that pairing goes by. Widening counts from when the buyer began to wait. */
struct queue_policy {
    uint64_t ring_us;     /* an offer rings so long */
    uint64_t bot_ring_us; /* and one to a bot */
    uint64_t keep_us;     /* a buyer who dropped keeps the place so long */
    uint64_t declined_us; /* who declined a case is not offered it again before */
    uint64_t wrap_us;     /* after a call, unless the agent says earlier to be available */
    uint64_t prefer_us;   /* until then the preferred agent alone is asked, while there at all */
    uint64_t language_us; /* from then on also those who do not speak the language */
    uint64_t team_us;     /* and also those of other teams, and agents instead of appraisers */
    uint64_t behind_us; /* so much longer it must have waited to come first with who speaks none */
    uint64_t aged_us;   /* from then on before all who have not waited so long */
    uint64_t tier_us[QUEUE_TIERS]; /* that a case of the tier counts as having waited already */
    uint64_t urgency_us;           /* and for each step of its priority */
};
/** 20 s, 5 s, 2 min, 30 s, 0; 10 s, 60 s, 65 s; 5 min, 10 min; 0, 20, 50 and 80 s, 5 s. */
void queue_policy_init(struct queue_policy *ret);

/** A case whose buyer waits. Words compare without regard to the case of ASCII letters. */
struct queue_case {
    struct id case_id;
    char merchant[QUEUE_MERCHANT_BYTES];
    char buyer[LIMIT_IDENTITY + 1];
    char languages[QUEUE_LANGUAGES][QUEUE_LANGUAGE_BYTES];    /* BCP 47, best first; "": no more */
    char category[QUEUE_WORD_BYTES], brand[QUEUE_WORD_BYTES]; /* "": none */
    char team[QUEUE_WORD_BYTES];                              /* asked first; "": all alike */
    char preferred[LIMIT_IDENTITY + 1];                       /* agent; "": none */
    unsigned level;       /* of the certificate that the agent needs; 0: none */
    int priority;         /* 0 .. QUEUE_URGENCY_MAX */
    unsigned tier;        /* below QUEUE_TIERS */
    bool wants_appraiser; /* before other staff */
    uint64_t prefer_us; /* the preferred agent is asked alone for so long; 0: as the policy says */
    bool bot_first;     /* a free bot is asked before anybody, once, when it comes */
    /* Of who is passed on: */
    uint64_t credit_us;                    /* counts as having waited so long already */
    char passed_on_by[LIMIT_IDENTITY + 1]; /* as if that agent had declined; "": nobody */
};

/** A skill reads CATEGORY[/BRAND][:LEVEL], with "*" for any: "handbag", "watch/omega:2", "*:1". Without
 *  skills an agent takes what needs no certificate; without languages, any; without a team, all teams'. */
struct queue_agent {
    char identity[LIMIT_IDENTITY + 1];
    char merchant[QUEUE_MERCHANT_BYTES];
    bool appraiser;
    bool bot;          /* is asked for nothing but cases that come, and have a bot asked first */
    unsigned capacity; /* calls at once; 0: 1 */
    char team[QUEUE_WORD_BYTES];
    uint64_t
        owes_until_us; /* of who is new here; else queue_agent_owe says it. A wrap-up is due then; 0: none */
    struct proto_list languages, skills;
};

enum queue_presence { QUEUE_AWAY, QUEUE_AVAILABLE, QUEUE_BUSY, QUEUE_WRAP_UP };
/** "away", "available", "busy", "wrap_up". */
const char *queue_presence_name(enum queue_presence presence);

/** How far the search for an agent has gone. */
enum queue_stage { QUEUE_PREFERRED, QUEUE_FITTING, QUEUE_ANY_LANGUAGE, QUEUE_ANY_TEAM };
/** "preferred", "fitting", "any_language", "any_team". */
const char *queue_stage_name(enum queue_stage stage);

enum queue_event_type {
    QUEUE_POSITION,    /* case_id, person (the buyer), position, expected_wait_ms, agents, stage */
    QUEUE_OFFER,       /* reservation, case_id, person (the agent), expires_us, preferred, .. */
    QUEUE_OFFER_ENDED, /* reservation, case_id, person (the agent), end */
    QUEUE_PRESENCE, /* person (the agent), presence, available, expires_us (of wrap-up: when it ends or is due) */
    QUEUE_LOST,    /* case_id, person (the buyer): did not come back, the place is gone */
    QUEUE_CHANGED, /* merchant: its list of waiting cases changed */
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
    uint64_t expires_us;                 /* 0: does not */
    size_t position;                     /* 1 is next among those who want the same agents */
    int64_t expected_wait_ms;            /* -1: not known yet */
    size_t agents;                       /* of the merchant, available now */
    enum queue_stage stage;
    enum queue_offer_end end;
    enum queue_presence presence;
    bool available;                             /* the agent takes calls, if perhaps not now */
    bool preferred, other_language, other_team; /* of an offer: why this agent */
    bool bot;                                   /* of an offer: to one */
};

/** What happened since the beginning. */
struct queue_counts {
    uint64_t waited, accepted, stopped, lost;
    uint64_t kept; /* who had waited already, and goes on */
    uint64_t offers, declined, expired, withdrawn;
    uint64_t bot_offers,
        bot_accepted; /* of `offers` those to bots; `accepted` has none of theirs */
    uint64_t widened[QUEUE_ANY_TEAM + 1]; /* to this stage, by time */
    uint64_t aged;
    uint64_t wait_us; /* of the accepted, together */
};

/** ER_NOMEM. `entropy` is copied. */
int queue_new(struct queue **ret, const struct entropy *entropy);
void queue_free(struct queue *q);
/** From now on, for what begins then. Who waits keeps the rank. */
void queue_set_policy(struct queue *q, const struct queue_policy *policy);
/** What the wall clock says at `now_us`: the ids of reservations tell their time. */
void queue_set_clock(struct queue *q, uint64_t now_us, uint64_t unix_us);

/* Buyers */

/** Wait. Waiting already: the same place, ER_CONFLICT (the buyer is told the position anew).
 *  ER_FULL at LIMIT_QUEUE_WAITING, ER_NOMEM. */
int queue_wait(struct queue *q, const struct queue_case *c, uint64_t now_us);
/** What a waiting case asks for is another now: it has the class, the rank and the preferred agent of that, its age
 *  and credit, and whose offer it is goes on only who suits it yet. ER_NOT_FOUND, ER_NOMEM. */
int queue_change(struct queue *q, const struct queue_case *c, uint64_t now_us);
/** The same of somebody who has waited since then already, by the same clock (modulo 2^64: also from before it
 *  began), with the rank, the stage and the age that come of it. Not there (`present` false): the place is kept
 *  for a while from now on. Waiting already: ER_CONFLICT. */
int queue_wait_since(struct queue *q, const struct queue_case *c, uint64_t since_us, bool present,
                     uint64_t now_us);
/** The buyer is told the position anew, if the case waits. */
void queue_tell(struct queue *q, const struct id *case_id);
/** Gives up the place, or the call began elsewhere. ER_NOT_FOUND. */
int queue_stop(struct queue *q, const struct id *case_id, uint64_t now_us);
/** The buyer's connection is gone, or back. While gone no new offer is made. */
void queue_buyer_present(struct queue *q, const struct id *case_id, bool present, uint64_t now_us);
bool queue_is_waiting(const struct queue *q, const struct id *case_id);
/** Whether it rings at an agent now. */
bool queue_is_offered(const struct queue *q, const struct id *case_id);
/** How long it has, with what it began with. ER_NOT_FOUND. */
int queue_waited(const struct queue *q, const struct id *case_id, uint64_t now_us,
                 uint64_t *ret_waited_us);

/* Agents */

/** Available, or (on: false) no longer; an agent in a call stays busy, in wrap-up it ends.
 *  ER_FULL, ER_NOMEM. */
int queue_agent_set(struct queue *q, const struct queue_agent *agent, bool on, uint64_t now_us);
/** The agent's connection is gone (an offer passes on), or back. */
void queue_agent_present(struct queue *q, const char *merchant, const char *identity, bool present,
                         uint64_t now_us);
/** The agent's session is over. What is in a call is remembered until that ends. */
void queue_agent_remove(struct queue *q, const char *merchant, const char *identity,
                        uint64_t now_us);
bool queue_agent_is_available(const struct queue *q, const char *merchant, const char *identity);
/** Of an agent who is not known: QUEUE_AWAY. */
enum queue_presence queue_agent_presence(const struct queue *q, const char *merchant,
                                         const char *identity);

/** Take the call that was offered: 0 and the case. The call has begun then. ER_NOT_FOUND: no such
 *  offer to this agent (any more). */
int queue_accept(struct queue *q, const char *merchant, const char *identity,
                 const struct id *reservation, uint64_t now_us, struct id *ret_case);
/** Which case is offered. ER_NOT_FOUND. */
int queue_offered(const struct queue *q, const char *merchant, const char *identity,
                  const struct id *reservation, struct id *ret_case);
int queue_decline(struct queue *q, const char *merchant, const char *identity,
                  const struct id *reservation, uint64_t now_us);
/** A call, also one that came about without an offer, or of an agent who has never been available: it
 *  takes one of the places that the agent will have then. Begun already: no effect. The time until its
 *  end counts as handling. */
void queue_call_begin(struct queue *q, const char *merchant, const char *identity,
                      const struct id *case_id, uint64_t now_us);
/** The agent owes a wrap-up that is due at `until_us`, or none any more (0): while it is owed no offer is made, whatever
 *  the agent says. Say so before the end of the call that it is for. Of an agent who is not known: no effect. */
void queue_agent_owe(struct queue *q, const char *merchant, const char *identity, uint64_t until_us,
                     uint64_t now_us);
/** Of which team the agent said to be; "" where nothing was said. */
const char *queue_agent_team(const struct queue *q, const char *merchant, const char *identity);
/** `wrap_up`: the agent has something to write down after it, for the policy's time unless a wrap-up is owed. */
void queue_call_end(struct queue *q, const char *merchant, const char *identity,
                    const struct id *case_id, bool wrap_up, uint64_t now_us);

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
void queue_read_counts(const struct queue *q, struct queue_counts *ret);
/** Whether all its parts agree with each other: for tests. */
bool queue_is_sound(const struct queue *q);

#endif
