// SPDX-License-Identifier: Apache-2.0
/* The only place that reads a clock. Everything else is handed `now`. */
#ifndef LOUPE_BASE_CLOCK_H
#define LOUPE_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/** Monotonic microseconds since some moment in the past; never 0. */
uint64_t clock_now_us(void);
/** Wall clock: microseconds since 1970-01-01 UTC. */
uint64_t clock_unix_us(void);

#define CLOCK_TEXT_BYTES 32
/** RFC 3339 UTC with milliseconds, "2026-11-21T21:54:50.123Z"; at most the last of the year 9999.
 *  Pure: reads no clock. */
void clock_format(uint64_t unix_us, char ret_text[CLOCK_TEXT_BYTES]);

#endif
