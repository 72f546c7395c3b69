// SPDX-License-Identifier: Apache-2.0
/* Redundant audio (RFC 2198): a packet that carries earlier ones' payloads before its own. */
#ifndef LOUPE_MEDIA_WIRE_RED_H
#define LOUPE_MEDIA_WIRE_RED_H

#include <stddef.h>
#include <stdint.h>

#define RED_BLOCKS 8             /* in one packet; more make it malformed */
#define RED_OFFSET_MAX 16383     /* a redundant block is no older than this */
#define RED_BLOCK_BYTES_MAX 1023 /* of a redundant block */

/** A payload within the packet; `at` borrows from it. */
struct red_block {
    uint8_t payload_type;
    uint16_t age; /* timestamp ticks before the packet's own; 0: the packet's own */
    const uint8_t *at;
    size_t len;
};

/** Redundant blocks first, as they lie there (the oldest first, mostly), the packet's own last.
 *  0, ER_TRUNCATED, ER_MALFORMED (more than RED_BLOCKS). *ret_count is at least 1 then. */
int red_parse(const uint8_t *payload, size_t len, struct red_block ret[static RED_BLOCKS],
              size_t *ret_count);

/** The same the other way round: headers of `count` blocks, the last without age, and all their
 *  payloads. The length, ER_TRUNCATED (no room) or ER_INVALID (a block that cannot be named). */
int red_write(uint8_t *buf, size_t size, const struct red_block *blocks, size_t count);

#endif
