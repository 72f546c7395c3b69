// SPDX-License-Identifier: Apache-2.0
/* Zone files for tests: the least one that says a rule, and those of the system. */
#ifndef LOUPE_TESTS_ZONE_FILE_H
#define LOUPE_TESTS_ZONE_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "server/tz.h"

#define ZONE_BERLIN "CET-1CEST,M3.5.0,M10.5.0/3"
#define ZONE_NEW_YORK "EST5EDT,M3.2.0,M11.1.0"
#define ZONE_SHANGHAI "CST-8"

/** A file without transitions, whose footer is `rule`. Its length. */
size_t zone_file(uint8_t *ret, size_t size, const char *rule);
/** The zone of such a file; never NULL. */
struct tz *zone_of(const char *rule);
/** "2026-03-29T01:00" as Unix seconds. */
int64_t zone_utc(const char *text);

#endif
