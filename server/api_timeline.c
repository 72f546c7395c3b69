// SPDX-License-Identifier: Apache-2.0
/* The timeline of a case, and the figures over many. */
#include <stdio.h>
#include <string.h>

#include "base/er.h"
#include "base/str.h"
#include "server/api_page.h"

static void page_add(void *ctx, const struct store_event *e)
{
    struct api_page *page = ctx;
    if (api_page_takes(page, e->seq))
        (void)json_array_append_new(page->items, store_event_json(e));
}

void api_timeline(struct store *s, struct api_call *c)
{
    struct store_case sc;
    struct api_page page;
    if (!api_page_read(c, &page))
        return;
    if (!api_case(s, c, &sc)) {
        api_page_drop(&page);
        return;
    }
    int er = store_events_list(s, &sc.id, page.after, page.limit + 1, page_add, &page);
    store_case_clear(&sc);
    api_page_answer(c, er, &page);
}

/* Figures */

static bool digits(const char *text, size_t at, size_t count, unsigned *ret)
{
    uint64_t n;
    if (span_u64((struct span){.at = text + at, .len = count}, 9999, &n))
        return false;
    *ret = (unsigned)n;
    return true;
}

static bool leap(unsigned year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/** "2026-11-21" or "2026-11-21T21:54:50Z" (parts of a second are let go). */
static bool time_parse(const char *text, uint64_t *ret_us)
{
    static const unsigned before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    unsigned y, m, d, h = 0, min = 0, s = 0;
    size_t len = strlen(text);
    if (len < 10 || text[4] != '-' || text[7] != '-' || !digits(text, 0, 4, &y) ||
        !digits(text, 5, 2, &m) || !digits(text, 8, 2, &d) || y < 1970 || m < 1 || m > 12 ||
        d < 1 || d > 31)
        return false;
    if (len > 10 && (len < 20 || text[10] != 'T' || text[len - 1] != 'Z' || text[13] != ':' ||
                     text[16] != ':' || !digits(text, 11, 2, &h) || !digits(text, 14, 2, &min) ||
                     !digits(text, 17, 2, &s) || h > 23 || min > 59 || s > 60))
        return false;
    uint64_t days = before[m - 1] + d - 1 + (m > 2 && leap(y));
    for (unsigned year = 1970; year < y; year++)
        days += leap(year) ? 366 : 365;
    *ret_us = (((days * 24 + h) * 60 + min) * 60 + s) * UINT64_C(1000000);
    return true;
}

static bool time_read(struct api_call *c, const char *name, uint64_t *value)
{
    char text[40];
    int er = http_query(c->request, name, text, sizeof text);
    if (er == ER_NOT_FOUND || (er == 0 && time_parse(text, value)))
        return true;
    api_problem(c, 400, "`from` and `to` are RFC 3339 times");
    return false;
}

/** a / b, or null. */
static json_t *rate(uint64_t a, uint64_t b)
{
    return b ? json_real((double)a / (double)b) : json_null();
}

static json_t *stats_json(const struct store_stats *f)
{
    uint64_t ended = f->waits_answered + f->waits_abandoned;
    return json_pack("{s:I,s:I,s:I,s:o,s:I,s:I,s:{s:I,s:I,s:I,s:o,s:o,s:I,s:I}}", "cases_opened",
                     (json_int_t)f->cases_opened, "cases_closed", (json_int_t)f->cases_closed,
                     "cases_solved", (json_int_t)f->cases_solved, "solved_rate",
                     rate(f->cases_solved, f->cases_opened), "calls", (json_int_t)f->calls, "clips",
                     (json_int_t)f->clips, "waits", "count", (json_int_t)f->waits, "answered",
                     (json_int_t)f->waits_answered, "abandoned", (json_int_t)f->waits_abandoned,
                     "answer_rate", rate(f->waits_answered, ended), "answer_rate_2min",
                     rate(f->waits_answered_2min, ended), "mean_ms", (json_int_t)f->wait_ms_mean,
                     "max_ms", (json_int_t)f->wait_ms_max);
}

void api_stats(struct store *s, struct api_call *c)
{
    if (c->claims.role != ROLE_SUPERVISOR && c->claims.role != ROLE_SERVICE) {
        api_problem(c, 403, "figures are for supervisor and service");
        return;
    }
    if (claims_is_bound(&c->claims)) {
        api_problem(c, 403, "a token for one case or room says nothing about the others");
        return;
    }
    uint64_t from = 0, to = INT64_MAX;
    if (!time_read(c, "from", &from) || !time_read(c, "to", &to))
        return;
    char group[32];
    if (http_query(c->request, "group", group, sizeof group) != ER_NOT_FOUND) {
        api_problem(c, 400, "figures are not grouped");
        return;
    }
    struct store_stats f;
    int er = store_stats(s, c->claims.merchant, from, to, &f);
    if (er)
        api_problem_er(c, er, NULL);
    else
        api_json(c, 200, stats_json(&f));
}
