// SPDX-License-Identifier: Apache-2.0
/* Nobody asks more often than is good for others, by whatever door: REST, WHIP, WHEP, WebSocket. Who has a token is counted
 * by its person, tokens that are none by the address they come from. Pure; the signalling thread's. */
#ifndef LOUPE_SERVER_PACE_H
#define LOUPE_SERVER_PACE_H

#include "server/auth.h"
#include "server/rate.h"

struct pace;

struct pace_limits {
    struct rate_limit service, person, refused;
};

/** ER_NOMEM. `seed` as map_new. */
int pace_new(struct pace **ret, const struct pace_limits *limits, uint64_t seed);
void pace_free(struct pace *p);
/** One more request of whoever has the token: 0, or in how many seconds to come again. `p` NULL: 0, always. */
uint64_t pace_person(struct pace *p, const struct claims *who, uint64_t now_us);
/** The same of an address (without port), from which came a token that is none, or a question that needs none. NULL or
 *  "": it is not known, as behind a proxy, and not counted. */
uint64_t pace_stranger(struct pace *p, const char *address, uint64_t now_us);
/** How many were told to come again. */
uint64_t pace_refused(const struct pace *p);

#endif
