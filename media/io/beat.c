// SPDX-License-Identifier: Apache-2.0
/* Two timers that take turns. */
#include "media/io/beat.h"

#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/er.h"

int beat_open(struct beat *b)
{
    *b = (struct beat){.fd = {-1, -1}};
    for (unsigned i = 0; i < 2; i++) {
        b->fd[i] = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
        if (b->fd[i] < 0)
            return ER_IO;
    }
    return 0;
}

void beat_close(struct beat *b)
{
    for (unsigned i = 0; i < 2; i++)
        if (b->fd[i] > 0)
            close(b->fd[i]);
    *b = (struct beat){0};
}

static void set(struct beat *b, unsigned i, uint64_t at_us)
{
    const struct itimerspec at = {.it_value = {.tv_sec = (time_t)(at_us / 1000000u),
                                               .tv_nsec = (long)(at_us % 1000000u) * 1000}};
    (void)timerfd_settime(b->fd[i], TFD_TIMER_ABSTIME, &at, NULL);
    b->set_us[i] = at_us;
}

void beat_wait(struct beat *b, uint64_t at_us, uint64_t then_us)
{
    uint64_t times;
    unsigned next = b->next;
    if (b->set_us[next] != at_us)
        set(b, next, at_us);
    b->next = next ^ 1;
    if (b->set_us[b->next] != then_us)
        set(b, b->next, then_us);
    if (read(b->fd[next], &times, sizeof times) == sizeof times)
        b->set_us[next] = 0;
}
