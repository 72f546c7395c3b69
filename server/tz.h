// SPDX-License-Identifier: Apache-2.0
/* Time zones, out of the bytes of a TZif file (RFC 9636) as every system has them under /usr/share/zoneinfo: what clocks
 * there show at a moment, and until when that holds. Pure: reads no file and no clock. */
#ifndef LOUPE_SERVER_TZ_H
#define LOUPE_SERVER_TZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TZ_NAME_BYTES 64
#define TZ_FILE_BYTES 65536 /* a longer file is none */
#define TZ_FOREVER INT64_MAX

struct tz;

/** Whether it may be the name of a zone, and of a file below the folder of them: "Asia/Shanghai". */
bool tz_name_ok(const char *name);

/** ER_MALFORMED; ER_NOMEM. Version 1 files, which end in 2037, hold their last offset from then on. */
int tz_parse(struct tz **ret, const uint8_t *data, size_t len);
void tz_free(struct tz *tz);

/** By how many seconds clocks there are ahead of UTC at that moment, and until when that is so (TZ_FOREVER: it stays).
 *  `ret_until_s` may be NULL. */
int32_t tz_offset(const struct tz *tz, int64_t unix_s, int64_t *ret_until_s);

/** Days since 1970-01-01 of a date (of the Gregorian calendar, also before it began). */
int64_t tz_day(int64_t year, unsigned month, unsigned day);
/** And back. */
void tz_date(int64_t days, int64_t *ret_year, unsigned *ret_month, unsigned *ret_day);
/** Monday is 0. */
unsigned tz_weekday(int64_t days);
/** "2026-12-24". ER_MALFORMED: not of that form, or there is no such day. */
int tz_day_parse(const char *text, int64_t *ret_days);

#endif
