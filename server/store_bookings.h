// SPDX-License-Identifier: Apache-2.0
/* Bookings in the store: told on the timeline, kept with the case as `booking`, and in rows that hold their seats and say
 * when something is due. No seat, and nobody, is booked twice at a time: the rows' own triggers see to it. Part of the
 * store (store.h). */
#ifndef LOUPE_SERVER_STORE_BOOKINGS_H
#define LOUPE_SERVER_STORE_BOOKINGS_H

#include "server/booking.h"
#include "server/store.h"

/** Who books, moves, .. */
struct booker {
    const char *identity;
    enum role role;
    const char *key; /* API key of the token: links are signed with it */
    uint64_t now_us;
};

/** What is wished. Texts are borrowed; "" or NULL: not said. */
struct booking_wish {
    enum booking_kind kind;
    int64_t at_s; /* of no message */
    const char *agent, *skill, *note;
};

/** Book, or move what is live. 0 and *ret (the case after it; cleared by the caller); *ret_new: there was none. ER_CONFLICT,
 *  ER_INVALID, ER_DENIED, ER_FULL (LIMIT_BOOKING_CHANGES) and why not; ER_NOT_FOUND: no such case. */
int store_booking_put(struct store *s, const struct id *case_id, const struct booker *who,
                      const struct booking_wish *wish, struct store_case *ret, bool *ret_new,
                      struct refusal *ret_why);
/** ER_NOT_FOUND: there is nothing live. */
int store_booking_cancel(struct store *s, const struct id *case_id, const struct booker *who,
                         const char *reason, struct store_case *ret);
/** A message was seen to. ER_NOT_FOUND: there is none that is open. */
int store_booking_done(struct store *s, const struct id *case_id, const struct booker *who,
                       struct store_case *ret);

/** The case is closed or cancelled: so is what is booked. Part of its transaction; `c` is as it is after. */
int store_booking_case_over(struct store *s, struct store_case *c, uint64_t now_us);

/** A call came about with `agent`: what rang, or was booked as a call-back, is kept. ER_NOT_FOUND: nothing of that. */
int store_booking_kept(struct store *s, const struct id *case_id, const char *agent,
                       uint64_t now_us);
/** It rang in vain: booked for a later time, as the hours have it, or else left open. `counts`: the buyer did not come.
 *  ER_NOT_FOUND: it does not ring. */
int store_booking_missed(struct store *s, const struct id *case_id, bool counts, const char *reason,
                         uint64_t now_us, bool *ret_given_up);

struct booking_slot {
    int64_t at_s, ends_s;
    unsigned free;
};
struct booking_ask {
    const struct store_case *sc;
    enum booking_kind kind;
    const char *agent; /* "": none */
    int64_t from_s, before_s;
    size_t limit;
    bool staff; /* need give no notice */
    uint64_t now_us;
};
/** The times that can be booked, in order; none where none are offered. */
int store_booking_slots(struct store *s, const struct booking_ask *ask,
                        void (*each)(void *ctx, const struct booking_slot *slot), void *ctx);

/** A merchant's, in order of time, that begin in [from_us, before_us); messages that are open, too, with `messages`.
 *  `agent` NULL: anybody's. Up to `limit`; `each` gets the case, whose `booking` it is. */
int store_bookings_list(struct store *s, const char *merchant, const char *agent, uint64_t from_us,
                        uint64_t before_us, bool messages, size_t limit,
                        void (*each)(void *ctx, const struct store_case *c), void *ctx);

/** Whose time has come, or who was reminded. */
struct booking_fired {
    struct id case_id;
    bool rings;
};
/** What is due by now has happened, `max` at most; how many in *ret_count. What cannot be carried out is put off, and
 *  *ret_stuck counts it. */
int store_bookings_run(struct store *s, uint64_t now_us, struct booking_fired *ret, size_t max,
                       size_t *ret_count, size_t *ret_stuck);
/** What rang when the process died rings again. */
int store_bookings_wake(struct store *s, uint64_t now_us);
/** What rings, and does so with nobody, is due again then. */
int store_booking_again(struct store *s, const struct id *case_id, uint64_t at_us);

/** For the audit: the row of a booking against what is told of it; `wrong` gets what differs. */
int store_booking_check(struct store *s, const struct id *case_id, const json_t *booking,
                        void (*wrong)(void *ctx, const char *what), void *ctx);

#endif
