// SPDX-License-Identifier: Apache-2.0
/* A thread with a name: what `top -H`, debuggers and profilers show. */
#ifndef LOUPE_BASE_THREAD_H
#define LOUPE_BASE_THREAD_H

#include <pthread.h>

#define THREAD_NAME_BYTES 16 /* with the NUL: longer names are cut (pthread_setname_np(3)) */

/** Starts `run(arg)` as a thread of that name; to be joined with pthread_join. ER_IO: there is none. */
int thread_start(pthread_t *ret, const char *name, void *(*run)(void *), void *arg);

#endif
