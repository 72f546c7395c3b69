// SPDX-License-Identifier: Apache-2.0
/* Business hours: opening times of the week on the clocks of a time zone, and days on which they are others or none.
 * Open is whenever a clock on the wall there shows a time within: what is skipped when clocks go forward was never open,
 * what comes twice when they go back is open twice. Pure: the time comes in. */
#ifndef LOUPE_SERVER_HOURS_H
#define LOUPE_SERVER_HOURS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "server/tz.h"

#define HOURS_NEVER INT64_MAX

struct hours;

/** The form of a document:
 *
 *      {"time_zone": "Asia/Shanghai",
 *       "weekly": {"monday": [{"opens": "09:00", "closes": "18:00"}], ..},
 *       "closures": [{"date": "2027-02-06", "to"?: "2027-02-12", "reason"?: {"en": "New Year", ..}, "open"?: [..]}],
 *       "grace_minutes"?: 15, ..}
 *
 *  An opening that closes at or before it opens goes on into the next day, and belongs to the day on which it opens;
 *  "24:00" is the end of the day. A day without openings is closed. A closure has its openings (none) in place of the
 *  week's; of several for a day the first counts. What else stands in it is for others to read (booking.h).
 *  `tz` is that of the document's zone; it is taken over, also after an error. The document is kept (by reference).
 *  ER_MALFORMED and *ret_why; ER_NOMEM. */
int hours_new(struct hours **ret, json_t *document, struct tz *tz, const char **ret_why);
void hours_free(struct hours *h);
/** Borrowed. */
const json_t *hours_document(const struct hours *h);
/** For how long who waits when it closes is still served. */
unsigned hours_grace_s(const struct hours *h);

struct hours_state {
    bool open;
    int64_t until_s; /* when that ends; HOURS_NEVER: not within LIMIT_HOURS_AHEAD_DAYS */
    int64_t since_s; /* closed: when it did, as far as two days back; else 0 */
    const json_t *
        reason; /* of the closure that is why it is not open sooner: {"en": ..}; borrowed; NULL: none */
};
/** How things stand at a moment of Unix time. */
void hours_at(const struct hours *h, int64_t unix_s, struct hours_state *ret);
bool hours_open(const struct hours *h, int64_t unix_s);
/** What clocks there show then, as if it were UTC. */
int64_t hours_local(const struct hours *h, int64_t unix_s);
/** The stretch of being open that is under way at `unix_s`, or else the next one, if it begins before `before_s`.
 *  *ret_from may be before `unix_s` only in so far as it is `unix_s` then. Its end is looked for until `seen_s`: HOURS_NEVER
 *  when it goes on then. False: there is none. */
bool hours_next(const struct hours *h, int64_t unix_s, int64_t before_s, int64_t seen_s,
                int64_t *ret_from_s, int64_t *ret_to_s);

#endif
