// SPDX-License-Identifier: Apache-2.0
/* What is sent to webhooks when, and what becomes of it: pure, in virtual time. The events themselves wait in
 * the database (store_hooks.h), in lanes: one for each webhook and case, whose events go one after the other.
 * Here is kept what is on its way, and which webhooks are in trouble. Times are the wall clock's. */
#ifndef LOUPE_SERVER_HOOKS_H
#define LOUPE_SERVER_HOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/entropy.h"
#include "base/id.h"

/** A webhook and a case; the case is not set for tests of the webhook. */
struct hook_lane {
    struct id hook, case_id;
};

/** What came of one attempt. */
struct hook_answer {
    struct hook_lane lane;
    unsigned attempts;      /* before this one */
    uint64_t since_us;      /* trying since */
    int status;             /* of HTTP; 0: none came */
    uint64_t retry_after_s; /* as the answer asks; 0: it does not */
};

enum hook_fate {
    HOOK_DELIVERED,
    HOOK_RETRY,
    HOOK_DEAD,
    HOOK_GONE, /* dead, and the webhook wants nothing any more (410) */
};

struct hook_verdict {
    enum hook_fate fate;
    uint64_t next_us; /* of HOOK_RETRY */
};

struct hooks;

/** `entropy` spreads attempts. ER_NOMEM. */
int hooks_new(struct hooks **ret, const struct entropy *entropy);
void hooks_free(struct hooks *h);

/** What there is room for at a moment: a picture of it for another thread, which takes of it. */
struct hooks_room;
/** ER_NOMEM. */
int hooks_room_new(struct hooks_room **ret, const struct hooks *h, uint64_t now_us);
void hooks_room_free(struct hooks_room *r);
/** How many lanes may go to this webhook; all of them together, with an id that is not set. While more than half of
 *  LIMIT_HOOK_FLIGHTS are out, what is left is for those that have next to none. */
size_t hooks_room_for(const struct hooks_room *r, const struct id *hook);
/** How many of the webhook's lanes are taken. */
size_t hooks_room_taken(const struct hooks_room *r, const struct id *hook);
/** Whether what is first in this lane is on its way. */
bool hooks_room_is_taken(const struct hooks_room *r, const struct hook_lane *lane);
/** In the picture, that is. There must be room. */
void hooks_room_take(struct hooks_room *r, const struct hook_lane *lane);

/** The first of the lane goes out; the lane is taken. ER_FULL, ER_CONFLICT: taken already. */
int hooks_sent(struct hooks *h, const struct hook_lane *lane);
/** What becomes of it. The lane stays taken until that is written down. */
struct hook_verdict hooks_answered(struct hooks *h, const struct hook_answer *a, uint64_t now_us);
/** The lane is free again. */
void hooks_settled(struct hooks *h, const struct hook_lane *lane);

/** On their way, or not written down yet. */
size_t hooks_flights(const struct hooks *h);
/** Webhooks whose last attempt failed. */
size_t hooks_troubled(const struct hooks *h);

#endif
