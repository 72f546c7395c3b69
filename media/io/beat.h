// SPDX-License-Identifier: Apache-2.0
/* Sleeping again and again for a short while. To set a timer that is the next to run out has the
 * processor's timer set anew, which in virtual machines costs more than all else about a sleep; to
 * set a later one does not: that is done when the one before it runs out, while its owner sleeps. So
 * there are two, and the one after the next is always set. */
#ifndef LOUPE_MEDIA_IO_BEAT_H
#define LOUPE_MEDIA_IO_BEAT_H

#include <stdint.h>

struct beat {
    int fd[2];
    uint64_t set_us[2]; /* what they will run out at; 0: they are not set */
    unsigned next;      /* the one to wait for */
};

/** 0 or ER_IO; after either beat_close. */
int beat_open(struct beat *b);
/** Also of zeroed memory. */
void beat_close(struct beat *b);
/** Sleeps until `at_us` of the monotonic clock, not at all if that has passed. It costs least if `at_us`
 *  is the `then_us` of the call before. */
void beat_wait(struct beat *b, uint64_t at_us, uint64_t then_us);

#endif
