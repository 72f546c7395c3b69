// SPDX-License-Identifier: Apache-2.0
/* The system's clocks, and the text form of a moment. */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

/* 9999-12-31T23:59:59.999Z: RFC 3339 knows no later year. */
#define LAST_MS 253402300799999u

static uint64_t read_us(clockid_t id)
{
    struct timespec ts = {0};
    // Both clocks always exist on Linux, and the address is good: it cannot fail.
    (void)clock_gettime(id, &ts);
    return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}

uint64_t clock_now_us(void)
{
    uint64_t now_us = read_us(CLOCK_MONOTONIC);
    return now_us ? now_us : 1;
}

uint64_t clock_unix_us(void)
{
    return read_us(CLOCK_REALTIME);
}

/** The civil date of a day counted from 1970-01-01: years are taken from March on, so that the leap
 *  day is the last of its year, in eras of 400 years that all have the same number of days. */
static void date_of_day(uint64_t day, uint64_t *ret_year, unsigned *ret_month, unsigned *ret_day)
{
    day += 719468; // 0000-03-01 becomes day 0
    uint64_t era = day / 146097;
    unsigned of_era = (unsigned)(day % 146097);
    unsigned year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    unsigned of_year = of_era - (365 * year + year / 4 - year / 100);
    unsigned month = (5 * of_year + 2) / 153;
    *ret_day = of_year - (153 * month + 2) / 5 + 1;
    *ret_month = month < 10 ? month + 3 : month - 9;
    *ret_year = era * 400 + year + (*ret_month <= 2);
}

void clock_format(uint64_t unix_us, char ret_text[CLOCK_TEXT_BYTES])
{
    uint64_t year;
    unsigned month;
    unsigned day;
    uint64_t ms = unix_us / 1000;
    if (ms > LAST_MS)
        ms = LAST_MS;
    unsigned of_day = (unsigned)(ms / 1000 % 86400);
    date_of_day(ms / 86400000, &year, &month, &day);
    // The remainders only tell the compiler how many digits there can be.
    (void)snprintf(ret_text, CLOCK_TEXT_BYTES, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
                   (unsigned)(year % 10000), month % 100, day % 100, of_day / 3600,
                   of_day / 60 % 60, of_day % 60, (unsigned)(ms % 1000));
}
