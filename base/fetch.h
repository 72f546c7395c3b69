// SPDX-License-Identifier: Apache-2.0
/* Memory that will be needed in a moment: the processor brings it near meanwhile. */
#ifndef LOUPE_BASE_FETCH_H
#define LOUPE_BASE_FETCH_H

#include <stddef.h>
#include <stdint.h>

#define FETCH_LINE 64

/** `len` bytes that will be read or written soon. Any address will do, also one that is not there. */
static inline void fetch(const void *at, size_t len)
{
    uintptr_t begin = (uintptr_t)at & ~(uintptr_t)(FETCH_LINE - 1), end = (uintptr_t)at + len;
    for (uintptr_t i = begin; i < end; i += FETCH_LINE)
        __builtin_prefetch((const void *)i, 1);
}

#endif
