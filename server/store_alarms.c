// SPDX-License-Identifier: Apache-2.0
/* Alarms: rows that say no more than when to look at which case. What has run out is seen from its events, so that an
 * alarm too many does nothing. */
#include "server/store_alarms.h"

#include "base/er.h"
#include "server/dispute.h"
#include "server/examination.h"
#include "server/store_disputes.h"
#include "server/store_examination.h"
#include "server/store_sql.h"

#define AGAIN_US UINT64_C(3600000000)

int store_alarm_set(struct store *s, const struct id *case_id, uint64_t due_us)
{
    return sql_run(s, NULL, "INSERT OR IGNORE INTO alarms VALUES(?, ?)", "it", (int64_t)due_us,
                   case_id->text);
}

static int due_find(struct store *s, uint64_t now_us, struct id *ret)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st,
                       "SELECT case_id FROM alarms WHERE due_us < ? ORDER BY due_us LIMIT 1", "i",
                       (int64_t)now_us);
    if (er)
        return er;
    er = sql_step(s, st);
    if (er == 1)
        *ret = sql_id(st, 0);
    sql_end(st);
    return er == 1 ? 0 : er ? er : ER_NOT_FOUND;
}

/** Each question that nobody answered in time is said to be overdue, once. */
static int questions(struct store *s, const struct store_case *c, uint64_t now_us, size_t *told)
{
    unsigned late[LIMIT_QUESTIONS];
    json_t *dispute;
    int er = store_dispute_read(s, c, &dispute);
    size_t count = er ? 0 : dispute_overdue(dispute, c->state, now_us, late);
    for (size_t i = 0; !er && i < count; i++) {
        json_t *data = json_pack("{s:i,s:O*}", "question", (int)late[i], "to",
                                 dispute_asked_of(dispute, late[i]));
        er = data ? store_event_append(s, &c->id, "system", "question_overdue", data, now_us, NULL)
                  : ER_NOMEM;
        json_decref(data);
    }
    json_decref(dispute);
    *told += count;
    return er;
}

static int lapse(struct store *s, const struct store_case *c, const json_t *exam, unsigned opinion,
                 uint64_t now_us)
{
    json_t *data = json_pack("{s:i,s:O*}", "opinion", (int)opinion, "of",
                             examination_opinion_by(exam, opinion));
    int er = data ? store_event_append(s, &c->id, "system", "opinion_lapsed", data, now_us, NULL)
                  : ER_NOMEM;
    json_decref(data);
    return er;
}

/** An opinion that was not revealed in time lapses, unless the case is where it could not be: then later. */
static int opinions(struct store *s, const struct store_case *c, uint64_t now_us, size_t *told)
{
    unsigned late[LIMIT_OPINIONS];
    enum case_state to;
    json_t *exam;
    int er = store_examination_read(s, &c->id, &exam);
    size_t count = er ? 0 : examination_overdue(exam, now_us, late);
    bool over = c->state == CASE_CANCELLED || c->state == CASE_CLOSED;
    if (count && case_next(CASE_VERDICT, c->state, &to)) {
        er = over ? 0 : store_alarm_set(s, &c->id, now_us + AGAIN_US);
        count = 0;
    }
    for (size_t i = 0; !er && i < count; i++)
        er = lapse(s, c, exam, late[i], now_us);
    json_decref(exam);
    *told += count;
    return er;
}

static int look(struct store *s, const struct id *id, uint64_t now_us, size_t *ret_told)
{
    struct store_case c;
    int er = store_begin(s);
    *ret_told = 0;
    if (er)
        return er;
    er = store_case_get(s, id, &c);
    if (!er)
        er = c.kind == CASE_AUTHENTICATION ? opinions(s, &c, now_us, ret_told) : 0;
    if (!er)
        er = questions(s, &c, now_us, ret_told);
    if (!er)
        er = sql_run(s, NULL, "DELETE FROM alarms WHERE case_id = ? AND due_us < ?", "ti", id->text,
                     (int64_t)now_us);
    store_case_clear(&c);
    return store_end(s, er);
}

/** Neither the next one nor the next look waits for it. */
static int put_off(struct store *s, const struct id *id, uint64_t now_us)
{
    return sql_run(s, NULL,
                   "UPDATE OR REPLACE alarms SET due_us = ? WHERE case_id = ? AND due_us < ?",
                   "iti", (int64_t)(now_us + AGAIN_US), id->text, (int64_t)now_us);
}

int store_alarms_run(struct store *s, uint64_t now_us, struct id *ret, size_t max,
                     size_t *ret_count, struct timers_stuck *ret_stuck)
{
    int er = 0;
    *ret_count = 0;
    *ret_stuck = (struct timers_stuck){0};
    for (size_t i = 0; !er && i < max; i++) {
        struct id id;
        size_t told;
        er = due_find(s, now_us, &id);
        if (er)
            break;
        int why = look(s, &id, now_us, &told);
        if (why) {
            *ret_stuck = (struct timers_stuck){ret_stuck->count + 1, id, why};
            er = put_off(s, &id, now_us);
        } else if (told) {
            ret[(*ret_count)++] = id;
        }
    }
    return er == ER_NOT_FOUND ? 0 : er;
}
