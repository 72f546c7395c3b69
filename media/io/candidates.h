// SPDX-License-Identifier: Apache-2.0
/* The addresses that a socket is announced under. */
#ifndef LOUPE_MEDIA_IO_CANDIDATES_H
#define LOUPE_MEDIA_IO_CANDIDATES_H

#include <stddef.h>

#include "base/addr.h"

#define CANDIDATES_MAX 16 /* further ones are not announced */

/** For a socket bound to `bound`: the `public_addresses` when there are any; else `bound` itself; for
 *  "any", the addresses of every interface that is up (of both families when it is IPv6's), without
 *  link-local ones, those of loopback only when there is no other. Each gets the port of `bound`, and
 *  none comes twice. How many. */
size_t candidates_find(const struct addr *bound, const struct addr *public_addresses, size_t count,
                       struct addr ret[CANDIDATES_MAX]);

#endif
