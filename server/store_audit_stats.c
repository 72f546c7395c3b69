// SPDX-License-Identifier: Apache-2.0
/* The sums of figures against the timelines that they are of: each day's of all is told again from the events, and what is
 * kept by hour, team, agent and reason must come to the same. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/map.h"
#include "server/case_stats.h"
#include "server/store_audit_impl.h"
#include "server/store_sql.h"
#include "server/store_stats.h"

#define DAY UINT64_C(86400)
#define SECOND_US UINT64_C(1000000)
#define DAYS_MAX 1000000 /* of all merchants */

struct sums {
    struct audit *audit;
    struct map *days; /* "merchant day" -> struct day */
    int er;
};

struct day {
    struct stats_cell told, kept;
};

static struct day *day_of(struct sums *s, const char *merchant, uint64_t at_s)
{
    char key[STORE_SHORT_BYTES + 24];
    (void)snprintf(key, sizeof key, "%s %llu", merchant, (unsigned long long)(at_s / DAY));
    struct day *d = map_get_str(s->days, key);
    if (d)
        return d;
    d = calloc(1, sizeof *d);
    if (d && map_add_str(s->days, key, d) == 0)
        return d;
    free(d);
    s->er = ER_NOMEM;
    return NULL;
}

static void tell(void *ctx, const char *merchant, const struct stats_case *c,
                 const struct stats_delta *delta)
{
    struct sums *s = ctx;
    (void)c;
    struct day *d = day_of(s, merchant, delta->at_us / SECOND_US);
    if (d)
        stats_cell_add(&d->told, &delta->cell);
}

/** What is kept in one way: all of a day's cells together. */
static int take_kept(struct sums *s, const char *dim, uint64_t span)
{
    sqlite3_stmt *st;
    int er = sql_begin(s->audit->store, &st,
                       "SELECT merchant, at_s, cell FROM stats_cells WHERE dim = ? AND span = ?",
                       "ti", dim, (int64_t)span);
    if (er)
        return er;
    while ((er = sql_step(s->audit->store, st)) == 1) {
        struct day *d = day_of(s, (const char *)sqlite3_column_text(st, 0), sql_u64(st, 1));
        if (!d)
            break;
        if (stats_cell_read(&d->kept, sqlite3_column_blob(st, 2),
                            (size_t)sqlite3_column_bytes(st, 2)))
            d->kept.wait.count = UINT64_MAX; /* fits nothing */
    }
    sql_end(st);
    return er < 0 ? er : s->er;
}

static void compare(struct sums *s, const char *dim, uint64_t span)
{
    size_t cursor = 0, len;
    const void *key;
    void *value;
    while (map_next(s->days, &cursor, &key, &len, &value)) {
        struct day *d = value;
        char text[STORE_SHORT_BYTES + 24], at[CLOCK_TEXT_BYTES], row[STORE_SHORT_BYTES + 80];
        (void)snprintf(text, sizeof text, "%.*s", (int)len, (const char *)key);
        char *day = strrchr(text, ' ');
        bool same = memcmp(&d->told, &d->kept, sizeof d->told) == 0;
        memset(&d->kept, 0, sizeof d->kept);
        if (same || !day)
            continue;
        clock_format(strtoull(day, NULL, 10) * DAY * SECOND_US, at);
        *day = '\0';
        (void)snprintf(row, sizeof row, "%s by %s in %llu s", text, dim, (unsigned long long)span);
        audit_at(s->audit, "stats_cells", row, at);
        audit_wrong(s->audit, "the sums of that day are not what the timelines come to");
    }
    audit_at(s->audit, NULL, NULL, NULL);
}

static int check_all(struct sums *s)
{
    static const char *const dims[] = {"all", "team", "agent", "reason"};
    static const uint64_t spans[] = {3600, DAY};
    int er = store_stats_tell(s->audit->store, tell, s);
    er = er ? er : s->er;
    for (size_t i = 0; !er && i < 8; i++) {
        er = take_kept(s, dims[i / 2], spans[i % 2]);
        if (!er)
            compare(s, dims[i / 2], spans[i % 2]);
    }
    return er;
}

int audit_stats(struct audit *a)
{
    struct sums s = {.audit = a};
    size_t cursor = 0;
    void *value;
    int er = map_new(&s.days, DAYS_MAX, 1);
    if (er)
        return er;
    er = sql_run(a->store, NULL, "BEGIN", "");
    if (!er) {
        er = check_all(&s);
        (void)sql_run(a->store, NULL, "COMMIT", "");
    }
    while (map_next(s.days, &cursor, NULL, NULL, &value))
        free(value);
    map_free(s.days);
    return er;
}
