// SPDX-License-Identifier: Apache-2.0
/* A pool of equal blocks with a bound: taking and giving back is a few instructions, and memory is
 * asked of the system in chunks only while the pool grows. One thread only. */
#ifndef LOUPE_BASE_POOL_H
#define LOUPE_BASE_POOL_H

#include <stddef.h>

struct pool;

/** Blocks of `block_bytes` (16-byte aligned), at most `limit` of them, grown `chunk` at a time.
 *  ER_INVALID when one of them is 0 or their product overflows, ER_NOMEM. */
int pool_new(struct pool **ret, size_t block_bytes, size_t chunk, size_t limit);
/** All blocks must have come back, or are lost to their users. NULL is fine. */
void pool_free(struct pool *p);
/** A block with undefined content, or NULL at the limit or without memory. */
void *pool_take(struct pool *p);
/** NULL is fine. Under AddressSanitizer a block given back is poisoned until it is taken anew. */
void pool_give(struct pool *p, void *block);
/** Blocks out at this moment. */
size_t pool_used(const struct pool *p);

#endif
