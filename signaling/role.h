// SPDX-License-Identifier: Apache-2.0
/* Who somebody is in a case, and what that lets them do: one table, tested cell by cell. */
#ifndef LOUPE_SIGNALING_ROLE_H
#define LOUPE_SIGNALING_ROLE_H

#include <stdbool.h>
#include <stdint.h>

/** The numbers index the table; they are not stored and not sent. */
enum role {
    ROLE_BUYER,
    ROLE_AGENT,
    ROLE_APPRAISER,
    ROLE_ARBITER,
    ROLE_HOST,
    ROLE_VIEWER,
    ROLE_SUPERVISOR,
    ROLE_SERVICE, /* the merchant's back end */
    ROLE_BOT,
    ROLE_COUNT,
};

/** What may be done in a room. A token's grants narrow a role's, never widen them. */
struct role_grants {
    bool publish;
    bool subscribe;
    bool record; /* start and stop clips */
};

struct role_info {
    const char *name; /* as in tokens and messages */
    struct role_grants grants;
    bool enters;        /* may be in a room at all */
    bool any_room;      /* may enter every room of the merchant; others only their token's */
    bool waits;         /* may wait in the queue for somebody to take the call */
    bool takes_calls;   /* may be offered waiting calls */
    bool first_line;    /* likewise, but only before people are; it enters a room for that call */
    bool sees_queue;    /* is sent the merchant's queue without being available */
    bool rules;         /* may join and rule on disputes */
    bool holds;         /* places legal holds, and lifts them */
    bool forgets;       /* deletes clips and stills, and says how long they are kept */
    bool hooks;         /* makes and changes webhooks */
    bool evidence;      /* sees the clips and stills of cases that it may see */
    uint8_t media_rank; /* as publisher: who is shown first, see media.h */
};

/** NULL for a number that is no role. */
const struct role_info *role_describe(enum role role);
/** The name, or "unknown". */
const char *role_name(enum role role);
/** 0 or ER_NOT_FOUND (then *ret is ROLE_COUNT). NULL is no role. */
int role_parse(const char *name, enum role *ret);
/** Both must allow. */
struct role_grants role_narrow(struct role_grants a, struct role_grants b);

#endif
