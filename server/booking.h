// SPDX-License-Identifier: Apache-2.0
/* Bookings of a case: a call-back or an appointment at a time, or a message in their stead. What each event makes of
 * one, what is due when, how a merchant wants it, and which times there are. Pure: the time comes in. */
#ifndef LOUPE_SERVER_BOOKING_H
#define LOUPE_SERVER_BOOKING_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/hours.h"

enum booking_kind { BOOKING_CALLBACK, BOOKING_APPOINTMENT, BOOKING_MESSAGE, BOOKING_KINDS };
const char *booking_kind_name(enum booking_kind kind);
/** ER_NOT_FOUND; NULL is none. */
int booking_kind_parse(const char *name, enum booking_kind *ret);

/** What is kept with the case as `booking`: {id, kind, state, note?, at?, ends_at?, pool?, seat?, agent?, skill?, tries,
 *  reminders?[seconds], reminded?, booked_by, booked_at, set_at, kept_by?}; `state` is one of: */
enum booking_state {
    BOOKING_BOOKED,
    BOOKING_RINGING,   /* its time has come */
    BOOKING_OPEN,      /* a message, or what nobody came to: for staff to see to */
    BOOKING_KEPT,      /* the call came about */
    BOOKING_DONE,      /* a message was seen to */
    BOOKING_CANCELLED, /* and so is the rest over */
    BOOKING_STATES
};
const char *booking_state_name(enum booking_state state);
/** Of a booking; BOOKING_STATES: of none. */
enum booking_state booking_state_of(const json_t *booking);
enum booking_kind booking_kind_of(const json_t *booking);
/** Booked, ringing or open: a case has one such at most. */
bool booking_is_live(const json_t *booking);
/** Booked or ringing: it has its seat. */
bool booking_holds(const json_t *booking);

/** The events that tell of it:
 *    booking_made, booking_moved {booking, kind, at?, ends_at?, pool?, seat?, agent?, skill?, note?, reminders?}
 *    booking_reminder {booking, kind, at, before_seconds, late}
 *    callback_due, appointment_due {booking, at, try, late}
 *    booking_missed {booking, try, at?, ends_at?, pool?, seat?}: nobody came; with a time it is booked for that, else open
 *    booking_kept {booking, agent} · booking_done {booking} · booking_cancelled {booking, reason?}
 *  *booking (owned; NULL: none) after one more event, by `actor`. An event that fits none changes nothing. ER_NOMEM. */
int booking_tell(json_t **booking, const char *type, const json_t *data, const char *actor,
                 uint64_t at_us);
bool booking_event_is(const char *type);

/** When something is due; 0: nothing will be. */
uint64_t booking_next_us(const json_t *booking);
enum booking_due { BOOKING_NOTHING, BOOKING_REMINDER, BOOKING_RING };
/** What is due by now. Of several reminders only the last one is of use: *ret_before_s of it. */
enum booking_due booking_due(const json_t *booking, uint64_t now_us, uint64_t *ret_before_s);

/** "2026-12-24T09:30:00Z", with an offset or with fractions, which are dropped. ER_MALFORMED. */
int booking_time_parse(const char *text, int64_t *ret_s);

/* How a merchant wants it: `bookings` of its hours */

#define BOOKING_REMINDERS 8
struct booking_policy {
    bool offered; /* there is a `bookings`: else messages alone are taken */
    unsigned slot_s, appointment_s;
    unsigned
        capacity; /* calls at a time; 0: as many as people of the team take calls, at least one */
    unsigned ahead_s, notice_s; /* no later than so far ahead, no sooner */
    unsigned answer_s;          /* an agent waits so long for the buyer */
    unsigned tries, retry_s;    /* in all; not sooner after one */
    unsigned overflow_s;        /* expected waits beyond are offered one; 0: none */
    unsigned reminders_s[BOOKING_REMINDERS];
    size_t reminder_count; /* of appointments, the earliest first */
};
/** NULL, or what is wrong. `hours`: the document. */
const char *booking_policy_read(const json_t *hours, struct booking_policy *ret);

/* Times */

struct booking_span {
    int64_t from_s, to_s;
    unsigned seat;
    bool agent; /* of the agent that is asked for */
};
/** Which seats of so many (LIMIT_BOOKING_SEATS at most) are free, time after time. The spans are copied. */
struct booking_seats;
int booking_seats_new(struct booking_seats **ret, const struct booking_span *taken, size_t count,
                      unsigned capacity);
void booking_seats_free(struct booking_seats *b);
/** How many are free all of that time, and the lowest of them (-1: none); none, where the agent is not. Neither `from_s` nor
 *  `to_s` is ever before that of the last call. */
unsigned booking_seats_at(struct booking_seats *b, int64_t from_s, int64_t to_s, int *ret_lowest);

/** Times at or after `at_s` that begin before `before_s`, one by one: whole within opening hours, beginning at a multiple of
 *  their length on the clock of the day, none over another. */
struct booking_walk {
    const struct hours *hours;
    int64_t at_s, before_s;
    unsigned length_s;
    int64_t closes_s; /* its own: until when it is open, as far as is known */
};
struct booking_walk booking_walk(const struct hours *h, int64_t from_s, int64_t before_s,
                                 unsigned length_s);
/** False: there is none any more. */
bool booking_walk_next(struct booking_walk *w, int64_t *ret_at_s);

#endif
