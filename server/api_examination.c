// SPDX-License-Identifier: Apache-2.0
/* Examinations over HTTP: the checklist of an authentication, what was found, opinions by commit and reveal. The
 * verdict itself is an action (api_cases.c). */
#include <string.h>

#include "base/er.h"
#include "base/json.h"
#include "server/api_keep.h"
#include "server/examination.h"
#include "server/store_checklists.h"
#include "server/store_examination.h"

#define BY(role) (1u << (role))
#define APPRAISERS BY(ROLE_APPRAISER)
#define ORDERS (BY(ROLE_APPRAISER) | BY(ROLE_SUPERVISOR) | BY(ROLE_SERVICE))
#define STARTS_ANEW (BY(ROLE_SUPERVISOR) | BY(ROLE_SERVICE))
#define REVEAL_SECONDS_MIN 60
#define ALL (EXAMINATION_EVIDENCE | EXAMINATION_JUDGEMENT | EXAMINATION_NOTE)

static bool role_in(struct api_call *c, unsigned roles)
{
    return api_role_may(c, roles & BY(c->claims.role), "this role does not do that");
}

/** The case, for those roles; the caller clears it. */
static bool begin(struct store *s, struct api_call *c, unsigned roles, struct store_case *sc,
                  struct examiner *who)
{
    if (!role_in(c, roles) || !api_case_evidence(s, c, sc))
        return false;
    *who = (struct examiner){
        .sc = sc, .identity = c->claims.identity, .now_us = c->unix_us, .jti = c->claims.jti};
    return true;
}

/* Reading */

/** A point of the checklist, with what was found there. */
static json_t *point_json(const json_t *point, const json_t *exam)
{
    const char *id = json_string_value(json_object_get(point, "id"));
    json_t *o = json_copy((json_t *)(uintptr_t)point); /* only read */
    json_t *found = json_object_get(json_object_get(exam, "points"), id ? id : "");
    if (o && json_object_set_new(o, "wants", json_incref(json_object_get(point, "evidence"))))
        found = NULL;
    (void)json_object_set_new(o, "evidence", json_array());
    if (o && found)
        (void)json_object_update(o, found);
    return o;
}

static json_t *points_json(const json_t *exam, const json_t *checklist)
{
    const json_t *points = json_object_get(checklist, "points");
    json_t *list = json_array();
    for (size_t i = 0; list && i < json_array_size(points); i++)
        (void)json_array_append_new(list, point_json(json_array_get(points, i), exam));
    return list;
}

/** Takes `exam` over. */
static json_t *examination_json(json_t *exam, const json_t *checklist)
{
    bool blind = json_is_true(json_object_get(exam, "blind"));
    json_t *missing = examination_lacks(json_object_get(exam, "points"), checklist,
                                        blind ? EXAMINATION_EVIDENCE : ALL);
    json_t *o = json_pack(
        "{s:O,s:o,s:o,s:b,s:b,s:O*,s:O*,s:O*}", "checklist", json_object_get(exam, "checklist"),
        "points", points_json(exam, checklist), "missing", missing, "blind", blind, "known",
        examination_known(exam), "opinions", json_object_get(exam, "opinions"), "verdict",
        json_object_get(exam, "verdict"), "certificates", json_object_get(exam, "certificates"));
    (void)json_object_set(json_object_get(o, "checklist"), "name",
                          json_object_get(checklist, "name"));
    json_decref(exam);
    return o;
}

static void answer(struct store *s, struct api_call *c, int status, const struct id *case_id)
{
    json_t *exam, *checklist;
    int er = store_examination_open(s, case_id, &exam, &checklist);
    if (er) {
        api_problem_er(c, er, er == ER_NOT_FOUND ? "the case has no checklist" : NULL);
        return;
    }
    api_json(c, status, examination_json(exam, checklist));
    json_decref(checklist);
}

void api_examination_get(struct store *s, struct api_call *c)
{
    struct store_case sc;
    if (!api_case_evidence(s, c, &sc))
        return;
    answer(s, c, 200, &sc.id);
    /* That it has none yet is an answer, too. */
    if (c->response.status == 404 && sc.kind == CASE_AUTHENTICATION) {
        http_response_clear(&c->response);
        api_json(c, 200,
                 json_pack("{s:n,s:[],s:[],s:b}", "checklist", "points", "missing", "blind", 0));
    }
    store_case_clear(&sc);
}

/* Changes */

/** After `er`: the examination as it is now, or what was in the way. Clears case and refusal. */
static void end(struct store *s, struct api_call *c, int er, int status, struct store_case *sc,
                struct refusal *why)
{
    if (er == 0) {
        c->changed = sc->id;
        answer(s, c, status, &sc->id);
        refusal_clear(why);
    } else {
        api_refused(c, er, why);
    }
    store_case_clear(sc);
}

void api_examination_pin(struct store *s, struct api_call *c)
{
    struct store_case sc;
    struct examiner who;
    struct refusal why = {0};
    bool anew = json_flag(c->body, "anew", false);
    const json_t *asked = json_object_get(c->body, "checklist");
    const char *id = json_text(c->body, "checklist", CHECKLIST_ID_BYTES - 1);
    if (asked && !checklist_id_ok(id)) {
        api_problem(c, 400, "`checklist` is the id of one");
        return;
    }
    if (!begin(s, c, anew ? STARTS_ANEW : ORDERS, &sc, &who))
        return;
    int er = store_examination_pin(s, &who, id, anew, &why);
    if (er == ER_NOT_FOUND)
        why.why = id ? "there is no such checklist" : "no checklist is for such goods: name one";
    end(s, c, er, 201, &sc, &why);
}

void api_examination_point(struct store *s, struct api_call *c)
{
    struct store_case sc;
    struct examiner who;
    struct refusal why = {0};
    if (!begin(s, c, APPRAISERS, &sc, &who))
        return;
    int er = store_examination_point(s, &who, c->params.values[1], c->body, &why);
    if (er == ER_NOT_FOUND)
        why.why = "the checklist has no such point";
    c->judged |= er == 0 ? 1u << JUDGED_EXAMINED : 0;
    end(s, c, er, 200, &sc, &why);
}

void api_examination_blind(struct store *s, struct api_call *c)
{
    struct store_case sc;
    struct examiner who;
    struct refusal why = {0};
    int64_t within_s = LIMIT_REVEAL_SECONDS;
    if (json_int(c->body, "reveal_within_seconds", REVEAL_SECONDS_MIN, LIMIT_ANSWER_SECONDS,
                 &within_s) == ER_MALFORMED) {
        api_problem(c, 400, "`reveal_within_seconds` is a number from 60 to 2592000");
        return;
    }
    if (begin(s, c, ORDERS, &sc, &who))
        end(s, c, store_examination_blind(s, &who, (uint64_t)within_s, &why), 200, &sc, &why);
}

void api_opinion_commit(struct store *s, struct api_call *c)
{
    struct store_case sc;
    struct examiner who;
    struct refusal why = {0};
    unsigned number;
    if (!begin(s, c, APPRAISERS, &sc, &who))
        return;
    int er = store_opinion_commit(s, &who, json_text(c->body, "commitment", 64), &number, &why);
    c->judged |= er == 0 ? 1u << JUDGED_COMMITTED : 0;
    end(s, c, er, 201, &sc, &why);
}

void api_opinion_reveal(struct store *s, struct api_call *c)
{
    struct store_case sc;
    struct examiner who;
    struct refusal why = {0};
    unsigned number;
    bool decided;
    if (!begin(s, c, APPRAISERS, &sc, &who))
        return;
    int er = store_opinion_reveal(s, &who, c->body, &number, &decided, &why);
    c->judged |= er == 0 ? 1u << JUDGED_REVEALED : 0;
    c->judged |= er == 0 && decided ? 1u << JUDGED_VERDICT : 0;
    end(s, c, er, 200, &sc, &why);
}
