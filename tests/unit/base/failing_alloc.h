// SPDX-License-Identifier: Apache-2.0
/* Memory that runs out on demand. A test includes this, then the source file under test: its
 * allocations, and the test's own behind this point, fail once `alloc_left` have been made. */
#ifndef LOUPE_TESTS_FAILING_ALLOC_H
#define LOUPE_TESTS_FAILING_ALLOC_H

#include <stdbool.h>
#include <stdlib.h>

/** Negative: without end. */
static int alloc_left = -1;

static inline bool alloc_refuses(void)
{
    return alloc_left >= 0 && alloc_left-- <= 0 && (alloc_left = 0, true);
}

static inline void *failing_malloc(size_t size)
{
    return alloc_refuses() ? NULL : malloc(size);
}

static inline void *failing_calloc(size_t count, size_t size)
{
    return alloc_refuses() ? NULL : calloc(count, size);
}

static inline void *failing_realloc(void *old, size_t size)
{
    return alloc_refuses() ? NULL : realloc(old, size);
}

#define malloc failing_malloc
#define calloc failing_calloc
#define realloc failing_realloc

#endif
