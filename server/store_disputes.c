// SPDX-License-Identifier: Apache-2.0
/* Disputes: what is asked for, held against what the case's events say. */
#include "server/store_disputes.h"

#include <string.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/json.h"
#include "base/str.h"
#include "server/dispute.h"
#include "server/store_alarms.h"
#include "server/store_examination.h"
#include "server/store_sql.h"

struct reading {
    json_t *dispute;
    const char *buyer;
    int er;
};

static void tell(void *ctx, const struct store_event *e)
{
    struct reading *r = ctx;
    if (!r->er)
        r->er = dispute_tell(r->dispute, r->buyer, e);
}

int store_dispute_read(struct store *s, const struct store_case *sc, json_t **ret)
{
    struct reading r = {.dispute = json_object(), .buyer = sc->buyer};
    int er = r.dispute ? store_events_typed(s, &sc->id, DISPUTE_EVENTS, tell, &r) : ER_NOMEM;
    er = er ? er : r.er;
    if (er) {
        json_decref(r.dispute);
        r.dispute = NULL;
    }
    *ret = r.dispute;
    return er;
}

/** The case as it is now, within the transaction, and its dispute. */
static int look(struct store *s, const struct disputant *who, struct store_case *ret_case,
                json_t **ret_dispute)
{
    *ret_dispute = NULL;
    int er = store_case_get(s, &who->sc->id, ret_case);
    if (!er)
        er = store_dispute_read(s, ret_case, ret_dispute);
    return er;
}

/** What is cited is there; `evidence` may be NULL. */
static int cited(struct store *s, const struct id *case_id, const json_t *evidence,
                 struct refusal *why)
{
    json_t *one = json_pack("{s:O*}", "evidence", evidence);
    int er = one ? store_cited_check(s, case_id, one, why) : ER_NOMEM;
    json_decref(one);
    return er;
}

static int append(struct store *s, const struct disputant *who, const char *type, json_t *data)
{
    int er = data
                 ? store_event_append(s, &who->sc->id, who->identity, type, data, who->now_us, NULL)
                 : ER_NOMEM;
    json_decref(data);
    return er;
}

static json_t *or_none(const json_t *evidence)
{
    return evidence ? json_copy((json_t *)(uintptr_t)evidence) : json_array(); /* only read */
}

static int state(struct store *s, const struct disputant *who, const char *text,
                 const json_t *evidence, struct refusal *why)
{
    struct store_case c;
    json_t *dispute;
    const char *side = dispute_side(who->role);
    if (!side)
        return refusal_set(why, ER_DENIED, "statements are made by the two sides");
    int er = look(s, who, &c, &dispute);
    if (!er)
        er = dispute_may_state(dispute, c.state, side, why);
    if (!er)
        er = cited(s, &c.id, evidence, why);
    if (!er)
        er = append(
            s, who, "statement_made",
            json_pack("{s:s,s:s,s:o}", "side", side, "text", text, "evidence", or_none(evidence)));
    json_decref(dispute);
    store_case_clear(&c);
    return er;
}

int store_dispute_state(struct store *s, const struct disputant *who, const char *text,
                        const json_t *evidence, struct refusal *ret_why)
{
    int er = store_begin(s);
    return er ? er : store_end(s, state(s, who, text, evidence, ret_why));
}

static int ask(struct store *s, const struct disputant *who, const char *to, const char *text,
               uint64_t within_s, unsigned *ret_question, struct refusal *why)
{
    struct store_case c;
    json_t *dispute;
    char due[CLOCK_TEXT_BYTES];
    clock_format(who->now_us + within_s * 1000000, due);
    int er = look(s, who, &c, &dispute);
    *ret_question = (unsigned)json_array_size(json_object_get(dispute, "questions")) + 1;
    if (!er)
        er = dispute_may_ask(dispute, c.state, who->identity, why);
    if (!er)
        er = append(s, who, "question_asked",
                    json_pack("{s:i,s:s,s:s,s:s,s:I}", "question", (int)*ret_question, "to", to,
                              "text", text, "due_at", due, "within_seconds", (json_int_t)within_s));
    if (!er)
        er = store_alarm_set(s, &c.id, who->now_us + within_s * 1000000);
    json_decref(dispute);
    store_case_clear(&c);
    return er;
}

int store_dispute_ask(struct store *s, const struct disputant *who, const char *to,
                      const char *text, uint64_t within_s, unsigned *ret_question,
                      struct refusal *ret_why)
{
    int er = store_begin(s);
    return er ? er : store_end(s, ask(s, who, to, text, within_s, ret_question, ret_why));
}

static int answer(struct store *s, const struct disputant *who, unsigned question, const char *text,
                  const json_t *evidence, struct refusal *why)
{
    struct store_case c;
    json_t *dispute;
    const char *side = dispute_side(who->role);
    if (!side)
        return refusal_set(why, ER_DENIED, "questions are answered by the two sides");
    int er = look(s, who, &c, &dispute);
    if (!er)
        er = dispute_may_answer(dispute, c.state, question, side, who->now_us, why);
    if (!er)
        er = cited(s, &c.id, evidence, why);
    if (!er)
        er = append(s, who, "question_answered",
                    json_pack("{s:i,s:s,s:o}", "question", (int)question, "text", text, "evidence",
                              or_none(evidence)));
    json_decref(dispute);
    store_case_clear(&c);
    return er;
}

int store_dispute_answer(struct store *s, const struct disputant *who, unsigned question,
                         const char *text, const json_t *evidence, struct refusal *ret_why)
{
    int er = store_begin(s);
    return er ? er : store_end(s, answer(s, who, question, text, evidence, ret_why));
}

/* Actions */

/** When the case's verdict was given, a text; "": it has none. */
static int verdict_given(struct store *s, const struct store_case *c, char ret[CLOCK_TEXT_BYTES])
{
    json_t *exam;
    ret[0] = '\0';
    if (c->kind != CASE_AUTHENTICATION)
        return 0;
    int er = store_examination_read(s, &c->id, &exam);
    const json_t *verdict = json_object_get(exam, "verdict");
    const char *at = json_string_value(json_object_get(verdict, "at"));
    if (!er && at)
        (void)str_copy(ret, CLOCK_TEXT_BYTES, at);
    json_decref(exam);
    return er;
}

int store_dispute_check(struct store *s, const struct store_action *a, const struct store_case *c,
                        uint64_t now_us, struct refusal *ret_why)
{
    json_t *dispute;
    int er = store_dispute_read(s, c, &dispute);
    char given[CLOCK_TEXT_BYTES] = "";
    if (!er && a->action == CASE_DISPUTE)
        er = verdict_given(s, c, given);
    if (!er && a->action == CASE_DISPUTE)
        er = dispute_may_begin(dispute, c->state, given[0] ? given : NULL, now_us, ret_why);
    if (!er && a->action == CASE_REVIEW)
        er = dispute_may_review(dispute, a->actor, ret_why);
    if (!er && a->action == CASE_RULE)
        er = dispute_may_rule(dispute, a->actor, json_object_get(a->data, "verdict_stands"), now_us,
                              ret_why);
    if (!er && a->action == CASE_APPEAL)
        er = dispute_may_appeal(dispute, now_us, ret_why);
    if (!er && a->action == CASE_PROPOSE)
        er = dispute_may_propose(dispute, ret_why);
    if (!er && a->action == CASE_CANCEL)
        er = dispute_may_cancel(dispute, ret_why);
    if (!er && a->action == CASE_REOPEN)
        er = dispute_may_reopen(dispute, now_us, ret_why);
    if (!er)
        er = cited(s, &c->id, json_object_get(a->data, "evidence"), ret_why);
    if (!er)
        er = store_cited_check(s, &c->id, json_object_get(a->data, "grounds"), ret_why);
    json_decref(dispute);
    return er;
}

/* The queue */

int store_disputes_list(struct store *s, const char *merchant, uint64_t skip, size_t limit,
                        void (*each)(void *ctx, const struct store_case *c), void *ctx)
{
    sqlite3_stmt *st;
    struct id ids[LIMIT_PAGE_ITEMS + 1];
    size_t count = 0;
    int er = sql_begin(s, &st,
                       "SELECT id FROM cases WHERE merchant = ?"
                       " AND state IN ('disputed', 'in_review') ORDER BY priority DESC,"
                       " coalesce(json_extract(more, '$.appeal.at'),"
                       " json_extract(more, '$.dispute.at')), id LIMIT ? OFFSET ?",
                       "tii", merchant, (int64_t)limit, (int64_t)skip);
    if (er)
        return er;
    while ((er = sql_step(s, st)) == 1 && count < sizeof ids / sizeof ids[0])
        ids[count++] = sql_id(st, 0);
    sql_end(st);
    for (size_t i = 0; er >= 0 && i < count; i++) {
        struct store_case c;
        er = store_case_get(s, &ids[i], &c);
        if (!er)
            each(ctx, &c);
        store_case_clear(&c);
    }
    return er < 0 ? er : 0;
}
