// SPDX-License-Identifier: Apache-2.0
/* GET /stats: the figures of a merchant, as JSON or for a spreadsheet. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/str.h"
#include "server/api.h"
#include "server/csv.h"
#include "server/store_stats.h"

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

static json_t *number(uint64_t n)
{
    return json_integer((json_int_t)n);
}

/* One figure after the other, each by its name: as members of JSON, as columns of a table. */

struct figures {
    const struct stats_cell *c;
    uint64_t answered, waits, over, ratings, stars;
};

static struct figures figures_of(const struct stats_cell *c, enum store_stats_group group)
{
    struct figures f = {.c = c, .answered = c->wait.count};
    f.over = f.answered + c->counts[STATS_ABANDONED];
    /* Nobody's before an agent takes it. */
    f.waits = group == STATS_BY_AGENT ? f.over : c->counts[STATS_WAITS];
    for (unsigned i = 0; i < 5; i++) {
        f.ratings += c->counts[STATS_SCORE_1 + i];
        f.stars += (i + 1) * c->counts[STATS_SCORE_1 + i];
    }
    return f;
}

static uint64_t mean_ms(const struct stats_times *t)
{
    return t->count ? t->sum_ms / t->count : 0;
}

static json_t *times_json(const struct stats_times *t)
{
    return json_pack("{s:o,s:o,s:o,s:o}", "mean_ms", number(mean_ms(t)), "median_ms",
                     number(stats_times_quantile(t, 500)), "p90_ms",
                     number(stats_times_quantile(t, 900)), "max_ms", number(t->max_ms));
}

static json_t *waits_json(const struct figures *f)
{
    json_t *o = times_json(&f->c->wait);
    uint64_t abandoned = f->c->counts[STATS_ABANDONED];
    json_t *more = json_pack("{s:o,s:o,s:o,s:o,s:o,s:o}", "count", number(f->waits), "answered",
                             number(f->answered), "abandoned", number(abandoned), "answer_rate",
                             rate(f->answered, f->over), "answer_rate_2min",
                             rate(f->c->counts[STATS_ANSWERED_2MIN], f->over), "abandon_rate",
                             rate(abandoned, f->over));
    (void)json_object_update(o, more);
    json_decref(more);
    return o;
}

static json_t *counted_json(const struct stats_times *t)
{
    json_t *o = times_json(t);
    (void)json_object_set_new(o, "count", number(t->count));
    return o;
}

static json_t *satisfaction_json(const struct figures *f)
{
    json_t *scores = json_object();
    for (unsigned i = 0; i < 5; i++) {
        const char name[] = {(char)('1' + i), '\0'};
        (void)json_object_set_new(scores, name, number(f->c->counts[STATS_SCORE_1 + i]));
    }
    return json_pack("{s:o,s:o,s:o,s:o,s:o}", "count", number(f->ratings), "mean",
                     rate(f->stars, f->ratings), "scores", scores, "resolved",
                     number(f->c->counts[STATS_RESOLVED]), "unresolved",
                     number(f->c->counts[STATS_UNRESOLVED]));
}

static json_t *figures_json(const struct stats_cell *c, enum store_stats_group group)
{
    const struct figures f = figures_of(c, group);
    const uint64_t *n = c->counts;
    json_t *bots = json_pack("{s:o,s:o}", "calls", number(n[STATS_BOT_CALLS]), "ended",
                             number(n[STATS_BOT_ENDED]));
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "cases_opened",
                     number(n[STATS_OPENED]), "cases_closed", number(n[STATS_CLOSED]),
                     "cases_cancelled", number(n[STATS_CANCELLED]), "cases_solved",
                     number(n[STATS_SOLVED]), "cases_reopened", number(n[STATS_REOPENED]),
                     "solved_rate", rate(n[STATS_SOLVED], n[STATS_OPENED]), "reopened_rate",
                     rate(n[STATS_REOPENED], n[STATS_SOLVED]), "calls", number(n[STATS_CALLS]),
                     "clips", number(n[STATS_CLIPS]), "waits", waits_json(&f), "handling",
                     counted_json(&c->handling), "wrap_up", counted_json(&c->wrap_up), "bots", bots,
                     "satisfaction", satisfaction_json(&f));
}

/* Tables */

static void csv_share(FILE *out, bool *first, uint64_t a, uint64_t b)
{
    if (b)
        csv_field(out, first, "%.4f", (double)a / (double)b);
    else
        csv_field(out, first, "%s", "");
}

static void csv_number(FILE *out, bool *first, uint64_t n)
{
    csv_field(out, first, "%llu", (unsigned long long)n);
}

static void csv_times(FILE *out, bool *first, const struct stats_times *t)
{
    csv_number(out, first, mean_ms(t));
    csv_number(out, first, stats_times_quantile(t, 500));
    csv_number(out, first, stats_times_quantile(t, 900));
    csv_number(out, first, t->max_ms);
}

static void csv_head(FILE *out, const char *group)
{
    (void)fprintf(out,
                  "%s,cases_opened,cases_closed,cases_cancelled,cases_solved,cases_reopened,calls,"
                  "clips,waits,answered,abandoned,answer_rate,answer_rate_2min,wait_mean_ms,"
                  "wait_median_ms,wait_p90_ms,wait_max_ms,handled,handling_mean_ms,"
                  "handling_median_ms,handling_p90_ms,handling_max_ms,ratings,rating_mean,score_1,"
                  "score_2,score_3,score_4,score_5,resolved,unresolved,wrapped_up,wrap_up_mean_ms,"
                  "wrap_up_median_ms,wrap_up_p90_ms,wrap_up_max_ms,bot_calls,bot_ended\r\n",
                  group);
}

static void csv_row(FILE *out, const char *key, const struct stats_cell *c,
                    enum store_stats_group group)
{
    static const enum stats_count firsts[] = {STATS_OPENED, STATS_CLOSED,   STATS_CANCELLED,
                                              STATS_SOLVED, STATS_REOPENED, STATS_CALLS,
                                              STATS_CLIPS};
    const struct figures f = figures_of(c, group);
    bool first = true;
    csv_text(out, &first, key);
    for (size_t i = 0; i < sizeof firsts / sizeof firsts[0]; i++)
        csv_number(out, &first, c->counts[firsts[i]]);
    csv_number(out, &first, f.waits);
    csv_number(out, &first, f.answered);
    csv_number(out, &first, c->counts[STATS_ABANDONED]);
    csv_share(out, &first, f.answered, f.over);
    csv_share(out, &first, c->counts[STATS_ANSWERED_2MIN], f.over);
    csv_times(out, &first, &c->wait);
    csv_number(out, &first, c->handling.count);
    csv_times(out, &first, &c->handling);
    csv_number(out, &first, f.ratings);
    csv_share(out, &first, f.stars, f.ratings);
    for (unsigned i = STATS_SCORE_1; i <= STATS_UNRESOLVED; i++)
        csv_number(out, &first, c->counts[i]);
    csv_number(out, &first, c->wrap_up.count);
    csv_times(out, &first, &c->wrap_up);
    csv_number(out, &first, c->counts[STATS_BOT_CALLS]);
    csv_number(out, &first, c->counts[STATS_BOT_ENDED]);
    csv_end(out, &first);
}

/* The call */

static const char *const groups[STATS_GROUPS] = {
    [STATS_BY_NOTHING] = "all", [STATS_BY_HOUR] = "hour",   [STATS_BY_DAY] = "day",
    [STATS_BY_TEAM] = "team",   [STATS_BY_AGENT] = "agent", [STATS_BY_REASON] = "reason",
};

struct listing {
    enum store_stats_group group;
    json_t *items; /* or */
    FILE *csv;
};

static void list_group(void *ctx, const char *key, uint64_t at_us, const struct stats_cell *cell)
{
    struct listing *l = ctx;
    char at[CLOCK_TEXT_BYTES];
    if (at_us) {
        clock_format(at_us, at);
        key = at;
    }
    if (l->csv) {
        csv_row(l->csv, key, cell, l->group);
        return;
    }
    json_t *o = figures_json(cell, l->group);
    (void)json_object_set_new(o, groups[l->group], json_string(key));
    (void)json_array_append_new(l->items, o);
}

/** False: the problem is set. */
static bool allowed(struct api_call *c)
{
    if (c->claims.role != ROLE_SUPERVISOR && c->claims.role != ROLE_SERVICE)
        api_problem(c, 403, "figures are for supervisor and service");
    else if (claims_is_bound(&c->claims))
        api_problem(c, 403, "a token for one case or room says nothing about the others");
    else
        return true;
    return false;
}

/** False: the problem is set. */
static bool group_read(struct api_call *c, enum store_stats_group *ret)
{
    char word[32];
    int er = http_query(c->request, "group", word, sizeof word);
    unsigned i = 0;
    while (er == 0 && i < STATS_GROUPS && strcmp(groups[i], word) != 0)
        i++;
    if ((er != 0 && er != ER_NOT_FOUND) || i == STATS_GROUPS) {
        api_problem(c, 400, "`group` is hour, day, team, agent or reason");
        return false;
    }
    *ret = (enum store_stats_group)i;
    return true;
}

/** By `format`, else by the Accept header. False: the problem is set. */
static bool format_read(struct api_call *c, bool *ret_csv)
{
    char word[32];
    int er = http_query(c->request, "format", word, sizeof word);
    bool given = er != ER_NOT_FOUND;
    if (given && (er != 0 || (strcmp(word, "csv") != 0 && strcmp(word, "json") != 0))) {
        api_problem(c, 400, "`format` is json or csv");
        return false;
    }
    const char *accept = c->request->accept;
    *ret_csv = given ? strcmp(word, "csv") == 0 : accept && strstr(accept, "text/csv");
    return true;
}

static void answer_csv(struct store *s, struct api_call *c, struct store_stats_query *q)
{
    char *text = NULL;
    size_t len;
    struct stats_cell total;
    struct listing l = {.group = q->group, .csv = open_memstream(&text, &len)};
    int er = l.csv ? 0 : ER_NOMEM;
    if (!er) {
        csv_head(l.csv, groups[q->group]);
        er = store_stats(s, q, &total, list_group, &l);
        if (!er && q->group == STATS_BY_NOTHING)
            csv_row(l.csv, "", &total, q->group);
        if (fclose(l.csv) != 0 && !er)
            er = ER_NOMEM;
    }
    if (er) {
        free(text);
        api_problem_er(c, er == ER_FULL ? ER_INVALID : er,
                       er == ER_FULL ? "too many rows: ask for days" : NULL);
        return;
    }
    http_body_take(&c->response, 200, "text/csv; charset=utf-8", text);
    http_header_add(&c->response, "content-disposition", "attachment; filename=\"loupe-%s.csv\"",
                    groups[q->group]);
}

static void answer_json(struct store *s, struct api_call *c, struct store_stats_query *q)
{
    struct stats_cell total;
    struct listing l = {.group = q->group, .items = json_array()};
    int er = l.items ? store_stats(s, q, &total, list_group, &l) : ER_NOMEM;
    json_t *o = er ? NULL : figures_json(&total, STATS_BY_NOTHING);
    if (er) {
        json_decref(l.items);
        api_problem_er(c, er == ER_FULL ? ER_INVALID : er,
                       er == ER_FULL ? "too many rows: ask for days" : NULL);
        return;
    }
    if (q->group != STATS_BY_NOTHING) {
        (void)json_object_set_new(o, "group", json_string(groups[q->group]));
        (void)json_object_set(o, "items", l.items);
    }
    json_decref(l.items);
    api_json(c, 200, o);
}

void api_stats(struct store *s, struct api_call *c)
{
    struct store_stats_query q = {.merchant = c->claims.merchant, .to_us = INT64_MAX};
    bool csv;
    if (!allowed(c) || !time_read(c, "from", &q.from_us) || !time_read(c, "to", &q.to_us) ||
        !group_read(c, &q.group) || !format_read(c, &csv))
        return;
    if (csv)
        answer_csv(s, c, &q);
    else
        answer_json(s, c, &q);
}
