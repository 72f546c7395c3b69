// SPDX-License-Identifier: Apache-2.0
/* Figures over a stretch of time, computed from the timelines. */
#include <string.h>

#include "base/er.h"
#include "server/store_sql.h"

/* A wait begins with waiting_started and ends with the next call_started or waiting_stopped of the
 * same case; one that has not ended yet counts as a wait only. */
#define WAITS                                                                                      \
    "WITH w AS (SELECT e.at_us AS began,"                                                          \
    " (SELECT n.seq FROM events n WHERE n.case_id = e.case_id AND n.seq > e.seq AND"               \
    "  n.type IN ('call_started', 'waiting_stopped') ORDER BY n.seq LIMIT 1) AS ended,"            \
    " e.case_id AS case_id FROM events e JOIN cases c ON c.id = e.case_id"                         \
    " WHERE e.type = 'waiting_started' AND e.at_us >= ?1 AND e.at_us < ?2 AND c.merchant = ?3)"    \
    " SELECT count(*), sum(n.type = 'call_started'),"                                              \
    " sum(n.type = 'call_started' AND n.at_us - began <= 120000000),"                              \
    " sum(n.type = 'waiting_stopped'),"                                                            \
    " avg(CASE n.type WHEN 'call_started' THEN n.at_us - began END) / 1000,"                       \
    " max(CASE n.type WHEN 'call_started' THEN n.at_us - began END) / 1000"                        \
    " FROM w LEFT JOIN events n ON n.case_id = w.case_id AND n.seq = w.ended"

#define COUNTS                                                                                     \
    "SELECT"                                                                                       \
    " sum(e.type = 'case_opened'), sum(e.type = 'closed'),"                                        \
    " sum(e.type IN ('outcome_agreed', 'ruled')), sum(e.type = 'call_started'),"                   \
    " sum(e.type = 'clip_ready')"                                                                  \
    " FROM events e JOIN cases c ON c.id = e.case_id"                                              \
    " WHERE e.type IN ('case_opened', 'closed', 'outcome_agreed', 'ruled', 'call_started',"        \
    " 'clip_ready') AND e.at_us >= ?1 AND e.at_us < ?2 AND c.merchant = ?3"

/** One row of numbers. */
static int figures(struct store *s, sqlite3_stmt *st, uint64_t *ret, int count)
{
    int er = sql_step(s, st);
    for (int i = 0; er == 1 && i < count; i++)
        ret[i] = sql_u64(st, i);
    sql_end(st);
    return er == 1 ? 0 : er ? er : ER_IO;
}

int store_stats(struct store *s, const char *merchant, uint64_t from_us, uint64_t to_us,
                struct store_stats *ret)
{
    memset(ret, 0, sizeof *ret);
    sqlite3_stmt *st;
    uint64_t n[6];
    int er = sql_begin(s, &st, COUNTS, "iit", (int64_t)from_us, (int64_t)to_us, merchant);
    if (!er)
        er = figures(s, st, n, 5);
    if (er)
        return er;
    ret->cases_opened = n[0];
    ret->cases_closed = n[1];
    ret->cases_solved = n[2];
    ret->calls = n[3];
    ret->clips = n[4];
    er = sql_begin(s, &st, WAITS, "iit", (int64_t)from_us, (int64_t)to_us, merchant);
    if (!er)
        er = figures(s, st, n, 6);
    if (er)
        return er;
    ret->waits = n[0];
    ret->waits_answered = n[1];
    ret->waits_answered_2min = n[2];
    ret->waits_abandoned = n[3];
    ret->wait_ms_mean = n[4];
    ret->wait_ms_max = n[5];
    return 0;
}
