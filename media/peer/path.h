// SPDX-License-Identifier: Apache-2.0
/* Where a datagram came from or goes to: the remote address and the local socket. */
#ifndef LOUPE_MEDIA_PEER_PATH_H
#define LOUPE_MEDIA_PEER_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

/** No padding: may be used as a map key as it is. */
struct path {
    struct addr remote;
    uint32_t via; /* local side: small numbers are addresses of the worker's UDP port (0: its only
                     one), large ones TCP connections */
};

/** What came over it. */
struct datagram {
    struct path from;
    uint64_t at_us;
    uint8_t *data; /* may be worked on in place */
    size_t len;
};

static inline bool path_equal(const struct path *a, const struct path *b)
{
    return a->via == b->via && addr_equal(&a->remote, &b->remote);
}

#endif
