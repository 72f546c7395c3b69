// SPDX-License-Identifier: Apache-2.0
/* Free blocks are chained through their own first bytes; chunks are chained for the end. */
#include "base/pool.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/er.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POOL_POISON 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define POOL_POISON 1
#endif

#ifdef POOL_POISON
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, len) ((void)(at), (void)(len))
#define ASAN_UNPOISON_MEMORY_REGION(at, len) ((void)(at), (void)(len))
#endif

#define BLOCK_ALIGN 16u

struct free_block {
    struct free_block *next;
};

struct chunk {
    alignas(BLOCK_ALIGN) struct chunk *next;
};

struct pool {
    size_t block_bytes; /* rounded up */
    size_t chunk_blocks;
    size_t limit;
    size_t made;
    size_t used;
    struct free_block *free;
    struct chunk *chunks;
};

int pool_new(struct pool **ret, size_t block_bytes, size_t chunk, size_t limit)
{
    *ret = NULL;
    if (!block_bytes || !chunk || !limit)
        return ER_INVALID;
    if (chunk > limit)
        chunk = limit;
    if (block_bytes > SIZE_MAX / 2 / chunk - BLOCK_ALIGN)
        return ER_INVALID;
    struct pool *p = calloc(1, sizeof *p);
    if (!p)
        return ER_NOMEM;
    p->block_bytes = (block_bytes + BLOCK_ALIGN - 1) / BLOCK_ALIGN * BLOCK_ALIGN;
    p->chunk_blocks = chunk;
    p->limit = limit;
    *ret = p;
    return 0;
}

void pool_free(struct pool *p)
{
    if (!p)
        return;
    while (p->chunks) {
        struct chunk *c = p->chunks;
        p->chunks = c->next;
        free(c);
    }
    free(p);
}

static void pool_keep(struct pool *p, void *block)
{
    struct free_block *b = block;
    b->next = p->free;
    p->free = b;
    ASAN_POISON_MEMORY_REGION(block, p->block_bytes);
}

static int pool_grow(struct pool *p)
{
    size_t blocks = p->limit - p->made;
    if (!blocks)
        return ER_FULL;
    if (blocks > p->chunk_blocks)
        blocks = p->chunk_blocks;
    struct chunk *c = malloc(sizeof *c + blocks * p->block_bytes);
    if (!c)
        return ER_NOMEM;
    c->next = p->chunks;
    p->chunks = c;
    uint8_t *first = (uint8_t *)(c + 1);
    // From the back, so that blocks are handed out in the order of their addresses.
    for (size_t i = blocks; i > 0; i--)
        pool_keep(p, first + (i - 1) * p->block_bytes);
    p->made += blocks;
    return 0;
}

void *pool_take(struct pool *p)
{
    if (!p->free && pool_grow(p) < 0)
        return NULL;
    struct free_block *b = p->free;
    ASAN_UNPOISON_MEMORY_REGION(b, p->block_bytes);
    p->free = b->next;
    p->used++;
    return b;
}

void pool_give(struct pool *p, void *block)
{
    if (!block)
        return;
    pool_keep(p, block);
    p->used--;
}

size_t pool_used(const struct pool *p)
{
    return p->used;
}
