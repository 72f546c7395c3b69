// SPDX-License-Identifier: Apache-2.0
/* TZif: transitions by number up to some year, and from then on a rule like those of the variable TZ. */
#include "server/tz.h"

#include <stdlib.h>
#include <string.h>

#include "base/er.h"

#define HEAD 44
#define TRANSITIONS_MAX 4096
#define DAY INT64_C(86400)

/** Of the rule: "M3.5.0/2", "J60", "59". */
struct turn {
    char form; /* 'M', 'J', or 0: counted from 0 */
    unsigned month, week, day;
    int32_t time_s;
};

struct change {
    int64_t at_s;
    int32_t offset_s;
};

struct tz {
    int32_t first_s; /* offset before all of it */
    struct change *changes;
    size_t count;
    bool has_rule, has_dst;
    int32_t std_s, dst_s;
    struct turn to_dst, to_std;
};

bool tz_name_ok(const char *name)
{
    size_t len = name ? strlen(name) : 0;
    if (!len || len >= TZ_NAME_BYTES || name[0] == '/' || name[len - 1] == '/')
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = name[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool more = (c >= '0' && c <= '9') || c == '_' || c == '+' || c == '-';
        if (!letter && !more && (c != '/' || name[i - 1] == '/'))
            return false;
    }
    return true;
}

/* Dates */

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Years are taken from March on, so that the leap day is the last of its year, in eras of 400 years. */
int64_t tz_day(int64_t year, unsigned month, unsigned day)
{
    year -= month <= 2;
    int64_t era = floor_div(year, 400);
    int64_t of_era = year - era * 400;
    int64_t of_year = (153 * (int64_t)(month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

void tz_date(int64_t days, int64_t *ret_year, unsigned *ret_month, unsigned *ret_day)
{
    days += 719468;
    int64_t era = floor_div(days, 146097);
    int64_t of_era = days - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153;
    *ret_day = (unsigned)(of_year - (153 * month + 2) / 5 + 1);
    *ret_month = (unsigned)(month < 10 ? month + 3 : month - 9);
    *ret_year = era * 400 + year + (*ret_month <= 2);
}

unsigned tz_weekday(int64_t days)
{
    int64_t of_week = (days + 3) % 7; /* 1970-01-01 was a Thursday */
    return (unsigned)(of_week < 0 ? of_week + 7 : of_week);
}

int tz_day_parse(const char *text, int64_t *ret_days)
{
    unsigned n[3] = {0};
    size_t part = 0;
    if (!text || strlen(text) != 10)
        return ER_MALFORMED;
    for (size_t i = 0; i < 10; i++) {
        bool dash = i == 4 || i == 7;
        if (dash ? text[i] != '-' : text[i] < '0' || text[i] > '9')
            return ER_MALFORMED;
        part += dash;
        if (!dash)
            n[part] = n[part] * 10 + (unsigned)(text[i] - '0');
    }
    int64_t year;
    unsigned month, day;
    if (n[0] < 1970 || n[1] < 1 || n[1] > 12 || n[2] < 1)
        return ER_MALFORMED;
    *ret_days = tz_day(n[0], n[1], n[2]);
    tz_date(*ret_days, &year, &month, &day);
    return month == n[1] && day == n[2] ? 0 : ER_MALFORMED;
}

/* The rule */

struct reader {
    const char *at;
    bool bad;
};

static bool take(struct reader *r, char c)
{
    if (*r->at != c)
        return false;
    r->at++;
    return true;
}

static int32_t number(struct reader *r, int32_t max)
{
    int32_t n = 0;
    const char *from = r->at;
    while (*r->at >= '0' && *r->at <= '9' && n <= max)
        n = n * 10 + (*r->at++ - '0');
    r->bad |= r->at == from || n > max;
    return n;
}

/** [+-]hh[:mm[:ss]] */
static int32_t clock_time(struct reader *r, int32_t max_hours)
{
    bool minus = take(r, '-');
    if (!minus)
        (void)take(r, '+');
    int32_t s = number(r, max_hours) * 3600;
    if (take(r, ':'))
        s += number(r, 59) * 60;
    if (take(r, ':'))
        s += number(r, 59);
    return minus ? -s : s;
}

static void abbreviation(struct reader *r)
{
    const char *from = r->at;
    if (take(r, '<')) {
        while (*r->at && *r->at != '>')
            r->at++;
        r->bad |= !take(r, '>');
        return;
    }
    while ((*r->at >= 'a' && *r->at <= 'z') || (*r->at >= 'A' && *r->at <= 'Z'))
        r->at++;
    r->bad |= r->at - from < 3;
}

static struct turn turn_read(struct reader *r)
{
    struct turn t = {.time_s = 7200};
    r->bad |= !take(r, ',');
    if (take(r, 'M')) {
        t.form = 'M';
        t.month = (unsigned)number(r, 12);
        r->bad |= !take(r, '.');
        t.week = (unsigned)number(r, 5);
        r->bad |= !take(r, '.');
        t.day = (unsigned)number(r, 6);
        r->bad |= !t.month || !t.week;
    } else {
        t.form = take(r, 'J') ? 'J' : '\0';
        t.day = (unsigned)number(r, 365);
        r->bad |= t.form == 'J' && !t.day;
    }
    if (take(r, '/'))
        t.time_s = clock_time(r, 167);
    return t;
}

/** "CET-1CEST,M3.5.0,M10.5.0/3", with its NUL. */
static int rule_read(struct tz *tz, const char *text)
{
    struct reader r = {.at = text};
    if (!*text)
        return 0;
    abbreviation(&r);
    tz->std_s = -clock_time(&r, 24);
    tz->dst_s = tz->std_s;
    if (*r.at && !r.bad) {
        tz->has_dst = true;
        abbreviation(&r);
        tz->dst_s = *r.at && *r.at != ',' ? -clock_time(&r, 24) : tz->std_s + 3600;
        tz->to_dst = turn_read(&r);
        tz->to_std = turn_read(&r);
    }
    tz->has_rule = !r.bad && !*r.at;
    return tz->has_rule ? 0 : ER_MALFORMED;
}

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/** When it happens in that year, on a clock that is `offset_s` ahead. */
static int64_t turn_at(const struct turn *t, int64_t year, int32_t offset_s)
{
    int64_t day = tz_day(year, 1, 1);
    if (t->form == 'M') {
        int64_t first = tz_day(year, t->month, 1);
        int64_t next = t->month == 12 ? tz_day(year + 1, 1, 1) : tz_day(year, t->month + 1, 1);
        unsigned sunday_based = (tz_weekday(first) + 1) % 7;
        day = first + (t->day + 7 - sunday_based) % 7 + ((int64_t)t->week - 1) * 7;
        while (day >= next)
            day -= 7;
    } else if (t->form == 'J') {
        day += (int64_t)t->day - 1 + (t->day >= 60 && is_leap(year));
    } else {
        day += t->day;
    }
    return day * DAY + t->time_s - offset_s;
}

static int32_t rule_offset(const struct tz *tz, int64_t unix_s, int64_t *ret_until_s)
{
    int64_t year, last_s = INT64_MIN;
    unsigned month, day;
    int32_t offset_s = tz->std_s;
    *ret_until_s = TZ_FOREVER;
    if (!tz->has_dst)
        return offset_s;
    tz_date(floor_div(unix_s + tz->std_s, DAY), &year, &month, &day);
    for (int64_t y = year - 1; y <= year + 1; y++) {
        const struct change two[] = {{turn_at(&tz->to_dst, y, tz->std_s), tz->dst_s},
                                     {turn_at(&tz->to_std, y, tz->dst_s), tz->std_s}};
        for (size_t i = 0; i < 2; i++) {
            if (two[i].at_s <= unix_s && two[i].at_s >= last_s) {
                last_s = two[i].at_s;
                offset_s = two[i].offset_s;
            } else if (two[i].at_s > unix_s && two[i].at_s < *ret_until_s) {
                *ret_until_s = two[i].at_s;
            }
        }
    }
    return offset_s;
}

/* The file */

static uint64_t be(const uint8_t *p, size_t bytes)
{
    uint64_t n = 0;
    for (size_t i = 0; i < bytes; i++)
        n = n << 8 | p[i];
    return n;
}

struct block {
    const uint8_t *times, *indices, *types;
    size_t count, type_count;
    size_t len; /* header included */
};

/** `width`: bytes of a time. */
static int block_read(const uint8_t *data, size_t len, size_t width, struct block *ret)
{
    size_t n[6];
    if (len < HEAD || memcmp(data, "TZif", 4) != 0)
        return ER_MALFORMED;
    for (size_t i = 0; i < 6; i++)
        n[i] = (size_t)be(data + 20 + i * 4, 4);
    for (size_t i = 0; i < 6; i++) {
        if (n[i] > TRANSITIONS_MAX)
            return ER_MALFORMED;
    }
    ret->count = n[3];
    ret->type_count = n[4];
    ret->times = data + HEAD;
    ret->indices = ret->times + n[3] * width;
    ret->types = ret->indices + n[3];
    ret->len = HEAD + n[3] * (width + 1) + n[4] * 6 + n[5] + n[2] * (width + 4) + n[1] + n[0];
    return ret->len <= len && n[4] ? 0 : ER_MALFORMED;
}

static int changes_read(struct tz *tz, const struct block *b, size_t width)
{
    tz->first_s = (int32_t)be(b->types, 4);
    tz->changes = calloc(b->count ? b->count : 1, sizeof *tz->changes);
    if (!tz->changes)
        return ER_NOMEM;
    for (size_t i = 0; i < b->count; i++) {
        uint64_t at = be(b->times + i * width, width);
        int64_t at_s = width == 8 ? (int64_t)at : (int32_t)(uint32_t)at;
        size_t type = b->indices[i];
        if (type >= b->type_count || (i && at_s <= tz->changes[i - 1].at_s))
            return ER_MALFORMED;
        int32_t offset_s = (int32_t)be(b->types + type * 6, 4);
        if (offset_s < -DAY || offset_s > DAY)
            return ER_MALFORMED;
        tz->changes[i] = (struct change){at_s, offset_s};
    }
    tz->count = b->count;
    return tz->first_s < -DAY || tz->first_s > DAY ? ER_MALFORMED : 0;
}

/** What stands behind the second block, between line feeds. */
static int footer_read(struct tz *tz, const uint8_t *at, size_t len)
{
    char text[128];
    const uint8_t *end = len > 1 && at[0] == '\n' ? memchr(at + 1, '\n', len - 1) : NULL;
    size_t size = end ? (size_t)(end - at - 1) : 0;
    if (!end || size >= sizeof text || memchr(at + 1, '\0', size))
        return ER_MALFORMED;
    memcpy(text, at + 1, size);
    text[size] = '\0';
    return rule_read(tz, text);
}

static int tz_read(struct tz *tz, const uint8_t *data, size_t len)
{
    struct block b;
    int er = len > TZ_FILE_BYTES ? ER_MALFORMED : block_read(data, len, 4, &b);
    if (er || data[4] < '2')
        return er ? er : changes_read(tz, &b, 4);
    data += b.len;
    len -= b.len;
    er = block_read(data, len, 8, &b);
    if (!er)
        er = changes_read(tz, &b, 8);
    return er ? er : footer_read(tz, data + b.len, len - b.len);
}

int tz_parse(struct tz **ret, const uint8_t *data, size_t len)
{
    *ret = NULL;
    struct tz *tz = calloc(1, sizeof *tz);
    if (!tz)
        return ER_NOMEM;
    int er = tz_read(tz, data, len);
    if (er) {
        tz_free(tz);
        return er;
    }
    *ret = tz;
    return 0;
}

void tz_free(struct tz *tz)
{
    if (!tz)
        return;
    free(tz->changes);
    free(tz);
}

int32_t tz_offset(const struct tz *tz, int64_t unix_s, int64_t *ret_until_s)
{
    int64_t until_s = TZ_FOREVER;
    size_t low = 0, high = tz->count; /* the first change after it */
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (tz->changes[mid].at_s <= unix_s)
            low = mid + 1;
        else
            high = mid;
    }
    int32_t offset_s = low ? tz->changes[low - 1].offset_s : tz->first_s;
    if (low < tz->count)
        until_s = tz->changes[low].at_s;
    else if (tz->has_rule)
        offset_s = rule_offset(tz, unix_s, &until_s);
    if (ret_until_s)
        *ret_until_s = until_s;
    return offset_s;
}
