// SPDX-License-Identifier: Apache-2.0
/* What the parts of the bookings' store share: store_bookings.c (made, moved, ended), store_bookings_run.c (time). */
#ifndef LOUPE_SERVER_STORE_BOOKINGS_IMPL_H
#define LOUPE_SERVER_STORE_BOOKINGS_IMPL_H

#include "server/store_bookings.h"
#include "server/store_sql.h"

/** What times are taken out of, for one kind of booking. */
struct booking_book {
    struct hours *hours; /* owned */
    struct booking_policy policy;
    char pool[STORE_SHORT_BYTES];
    char agent[STORE_IDENTITY_BYTES]; /* "": none */
    unsigned length_s, capacity;
};
/** ER_NOT_FOUND: there are no hours. Closed by the caller in any case. */
int booking_book_open(struct store *s, const struct store_case *c, enum booking_kind kind,
                      const char *agent, struct booking_book *ret);
void booking_book_close(struct booking_book *b);

/** The first time in [from_s, before_s) with a free seat, as if the case had none yet; *ret_seat -1: there is none. */
int booking_find(struct store *s, const struct store_case *c, const struct booking_book *book,
                 int64_t from_s, int64_t before_s, int64_t *ret_at_s, int *ret_seat);

/** Into the timeline, the case and the row. `data` is taken over (NULL: ER_NOMEM); `key` "": as it is. ER_CONFLICT: the
 *  time is taken. */
int booking_event(struct store *s, struct store_case *c, const char *type, json_t *data,
                  const char *actor, const char *key, uint64_t now_us);
int booking_time_set(json_t *o, const char *member, int64_t at_s);

#endif
