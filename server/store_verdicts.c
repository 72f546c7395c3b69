// SPDX-License-Identifier: Apache-2.0
/* Verdicts: what cited evidence must be, opinions revealed, the verdict itself. */
#include <string.h>

#include "base/er.h"
#include "base/json.h"
#include "base/str.h"
#include "server/examination.h"
#include "server/store_examination.h"
#include "server/store_sql.h"

#define ALL (EXAMINATION_EVIDENCE | EXAMINATION_JUDGEMENT | EXAMINATION_NOTE)

/* What is cited */

static int cited_known(struct store *s, const struct id *case_id, const char *hash, bool *ret)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st,
                       "SELECT 1 WHERE EXISTS (SELECT 1 FROM stills WHERE case_id = ?1"
                       " AND ready = 1 AND sha256 = ?2) OR EXISTS (SELECT 1 FROM clips WHERE"
                       " case_id = ?1 AND state = 'ready' AND sha256 = ?2) OR EXISTS (SELECT 1"
                       " FROM attachments WHERE case_id = ?1 AND ready = 1 AND sha256 = ?2)"
                       " OR EXISTS"
                       " (SELECT 1 FROM events WHERE case_id = ?1 AND hash = ?2)",
                       "tt", case_id->text, hash);
    if (er)
        return er;
    er = sql_step(s, st);
    *ret = er == 1;
    sql_end(st);
    return er < 0 ? er : 0;
}

static int ground_check(struct store *s, const struct id *case_id, const json_t *ground,
                        json_t *unknown)
{
    const json_t *cited = json_object_get(ground, "evidence");
    int er = 0;
    for (size_t i = 0; !er && i < json_array_size(cited); i++) {
        const json_t *hash = json_array_get(cited, i);
        const char *text = json_string_value(hash);
        bool known = false;
        er = cited_known(s, case_id, text ? text : "", &known);
        if (!er && !known)
            (void)json_array_append(unknown, (json_t *)(uintptr_t)hash);
    }
    return er;
}

int store_cited_check(struct store *s, const struct id *case_id, const json_t *grounds,
                      struct refusal *ret_why)
{
    json_t *unknown = json_array();
    int er = unknown ? 0 : ER_NOMEM;
    if (!er && json_is_object(grounds))
        er = ground_check(s, case_id, grounds, unknown);
    for (size_t i = 0; !er && i < json_array_size(grounds); i++)
        er = ground_check(s, case_id, json_array_get(grounds, i), unknown);
    if (!er && json_array_size(unknown)) {
        ret_why->more = json_pack("{s:O}", "unknown_evidence", unknown);
        er = refusal_set(
            ret_why, ER_CONFLICT,
            "what is cited is the hash of no still, clip, attachment or event of this case");
    }
    json_decref(unknown);
    return er;
}

/* The verdict */

int store_may_judge(struct store *s, const char *jti, struct refusal *ret_why)
{
    bool guest = false;
    int er = store_invite_guest(s, jti, &guest);
    if (!er && guest)
        er = refusal_set(
            ret_why, ER_DENIED,
            "whom somebody on the case invited does not judge it: a service may invite "
            "who does");
    return er;
}

int store_verdict_check(struct store *s, const struct store_action *a, const struct store_case *c,
                        struct refusal *ret_why)
{
    json_t *exam, *checklist;
    if (c->kind != CASE_AUTHENTICATION)
        return refusal_set(ret_why, ER_CONFLICT, "the case is no authentication");
    int er = store_may_judge(s, a->jti, ret_why);
    if (er)
        return er;
    er = store_examination_open(s, &a->case_id, &exam, &checklist);
    if (er == ER_NOT_FOUND)
        return refusal_set(ret_why, ER_CONFLICT, "the case has no checklist");
    if (er)
        return er;
    if (json_is_true(json_object_get(exam, "blind")))
        er = refusal_set(ret_why, ER_CONFLICT,
                         "judged blind: the verdict is what the opinions come to");
    if (!er)
        er = store_examination_drop_deleted(s, &a->case_id, exam);
    if (!er)
        er = store_examination_lacks(json_object_get(exam, "points"), checklist, ALL, ret_why);
    json_decref(exam);
    json_decref(checklist);
    return er ? er
              : store_cited_check(s, &a->case_id, json_object_get(a->data, "grounds"), ret_why);
}

/* Opinions */

/** What was shown, with what this opinion says of it. */
static json_t *points_with(const json_t *exam, const json_t *opinion)
{
    json_t *points = json_deep_copy(json_object_get(exam, "points")), *said;
    const char *id;
    if (!points)
        points = json_object();
    json_object_foreach(json_object_get(opinion, "points"), id, said)
    {
        json_t *point = json_object_get(points, id);
        if (point)
            (void)json_object_update(point, said);
        else
            (void)json_object_set(points, id, said);
    }
    return points;
}

static int reveal_check(struct store *s, const struct examiner *who, const json_t *exam,
                        const json_t *checklist, const json_t *body, int *ret_number,
                        struct refusal *why)
{
    char hash[STORE_HASH_BYTES];
    int er = *ret_number = examination_may_reveal(exam, who->identity, why);
    if (er > 0)
        er = examination_opinion_check(body, checklist, why);
    if (er >= 0)
        er = examination_commitment(&who->sc->id, who->identity, body, hash);
    if (er)
        return er;
    const json_t *all = json_object_get(exam, "opinions");
    const char *committed = json_string_value(
        json_object_get(json_array_get(all, (size_t)*ret_number - 1), "commitment"));
    if (!committed || strcmp(committed, hash) != 0)
        return refusal_set(why, ER_CONFLICT, "this is not what was committed to");
    json_t *points = points_with(exam, body);
    er = points ? store_examination_lacks(points, checklist, ALL, why) : ER_NOMEM;
    json_decref(points);
    return er ? er : store_cited_check(s, &who->sc->id, json_object_get(body, "grounds"), why);
}

static int decide(struct store *s, const struct examiner *who, bool *ret_decided)
{
    json_t *exam;
    struct store_case after = {0};
    int er = store_examination_read(s, &who->sc->id, &exam);
    json_t *conclusion = er ? NULL : examination_conclusion(exam);
    json_decref(exam);
    *ret_decided = conclusion != NULL;
    if (!conclusion)
        return er;
    const struct store_action a = {.case_id = who->sc->id,
                                   .action = CASE_VERDICT,
                                   .actor = who->identity,
                                   .role = ROLE_COUNT, /* it is not one person's */
                                   .data = conclusion};
    er = store_case_act(s, &a, who->now_us, &after);
    store_case_clear(&after);
    json_decref(conclusion);
    return er;
}

static int reveal(struct store *s, const struct examiner *who, const json_t *body,
                  unsigned *ret_number, bool *ret_decided, struct refusal *why)
{
    json_t *exam, *checklist;
    enum case_state to;
    int number = 0, er = store_examination_open(s, &who->sc->id, &exam, &checklist);
    if (er == ER_NOT_FOUND)
        return refusal_set(why, ER_CONFLICT, "the case has no checklist");
    if (er)
        return er;
    if (case_next(CASE_VERDICT, who->sc->state, &to))
        er = refusal_set(why, ER_CONFLICT, "the case's state does not allow this");
    if (!er)
        er = store_may_judge(s, who->jti, why);
    if (!er)
        er = reveal_check(s, who, exam, checklist, body, &number, why);
    *ret_number = number > 0 ? (unsigned)number : 0;
    json_t *told = json_pack(
        "{s:i,s:O*,s:O*,s:O*,s:O*}", "opinion", number, "verdict", json_object_get(body, "verdict"),
        "grounds", json_object_get(body, "grounds"), "points", json_object_get(body, "points"),
        "nonce", json_object_get(body, "nonce"));
    if (!er)
        er = !told ? ER_NOMEM
                   : store_event_append(s, &who->sc->id, who->identity, "opinion_revealed", told,
                                        who->now_us, NULL);
    json_decref(told);
    json_decref(exam);
    json_decref(checklist);
    return er ? er : decide(s, who, ret_decided);
}

int store_opinion_reveal(struct store *s, const struct examiner *who, const json_t *body,
                         unsigned *ret_number, bool *ret_decided, struct refusal *ret_why)
{
    *ret_decided = false;
    int er = store_begin(s);
    return er ? er : store_end(s, reveal(s, who, body, ret_number, ret_decided, ret_why));
}
