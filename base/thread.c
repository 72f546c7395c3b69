// SPDX-License-Identifier: Apache-2.0
/* Threads and their names. */
#include "base/thread.h"

#include <stdio.h>

#include "base/er.h"

int thread_start(pthread_t *ret, const char *name, void *(*run)(void *), void *arg)
{
    char cut[THREAD_NAME_BYTES];
    if (pthread_create(ret, NULL, run, arg) != 0)
        return ER_IO;
    (void)snprintf(cut, sizeof cut, "%s", name);
    (void)pthread_setname_np(*ret, cut);
    return 0;
}
