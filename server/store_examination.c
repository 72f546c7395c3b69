// SPDX-License-Identifier: Apache-2.0
/* Examinations: what is asked for, held against what the case's events say. */
#include "server/store_examination.h"

#include <string.h>

#include "base/er.h"
#include "base/json.h"
#include "base/str.h"
#include "server/examination.h"
#include "server/store_alarms.h"
#include "server/store_checklists.h"
#include "server/store_sql.h"

struct reading {
    json_t *exam;
    int er;
};

static void tell(void *ctx, const struct store_event *e)
{
    struct reading *r = ctx;
    if (!r->er)
        r->er = examination_tell(r->exam, e);
}

int store_examination_read(struct store *s, const struct id *case_id, json_t **ret)
{
    struct reading r = {.exam = json_object()};
    int er = r.exam ? store_events_typed(s, case_id, EXAMINATION_EVENTS, tell, &r) : ER_NOMEM;
    er = er ? er : r.er;
    if (er) {
        json_decref(r.exam);
        r.exam = NULL;
    }
    *ret = r.exam;
    return er;
}

int store_examination_open(struct store *s, const struct id *case_id, json_t **ret_exam,
                           json_t **ret_checklist)
{
    *ret_checklist = NULL;
    int er = store_examination_read(s, case_id, ret_exam);
    if (er)
        return er;
    const char *hash = json_string_value(
        json_object_get(json_object_get(*ret_exam, "checklist"), "sha256"));
    er = hash ? store_checklist_kept(s, hash, ret_checklist) : ER_NOT_FOUND;
    if (er) {
        json_decref(*ret_exam);
        *ret_exam = NULL;
    }
    return er;
}

static int append(struct store *s, const struct examiner *who, const char *type, json_t *data)
{
    int er = data
                 ? store_event_append(s, &who->sc->id, who->identity, type, data, who->now_us, NULL)
                 : ER_NOMEM;
    json_decref(data);
    return er;
}

/** An examination goes on while its case is open. */
static int may_change(const struct examiner *who, const json_t *exam, struct refusal *why)
{
    enum case_state to;
    if (who->sc->kind != CASE_AUTHENTICATION)
        return refusal_set(why, ER_CONFLICT, "the case is no authentication");
    if (json_object_get(exam, "verdict"))
        return refusal_set(why, ER_CONFLICT, "the verdict was given");
    if (case_next(CASE_VERDICT, who->sc->state, &to))
        return refusal_set(why, ER_CONFLICT, "the case's state does not allow this");
    return 0;
}

/* The checklist */

static const char *more_text(const struct store_case *c, const char *name)
{
    return json_string_value(json_object_get(c->more, name));
}

static bool is_begun(const json_t *exam)
{
    return json_object_size(json_object_get(exam, "points")) ||
           json_array_size(json_object_get(exam, "opinions"));
}

static int pin(struct store *s, const struct examiner *who, const char *checklist, bool anew,
               struct refusal *why)
{
    json_t *exam;
    struct store_checklist c = {0};
    int er = store_examination_read(s, &who->sc->id, &exam);
    if (er)
        return er;
    er = may_change(who, exam, why);
    if (!er && is_begun(exam) && !anew)
        er = refusal_set(why, ER_CONFLICT, "points were examined: it can only begin anew");
    json_decref(exam);
    if (!er)
        er = checklist
                 ? store_checklist_get(s, who->sc->merchant, checklist, 0, &c)
                 : store_checklist_choose(s, who->sc->merchant, more_text(who->sc, "category"),
                                          more_text(who->sc, "brand"), &c);
    if (!er)
        er = store_checklist_keep(s, &c);
    if (!er)
        er = append(s, who, "checklist_pinned",
                    json_pack("{s:s,s:I,s:s,s:b}", "checklist", c.id, "version",
                              (json_int_t)c.version, "sha256", c.sha256, "shipped", c.shipped));
    store_checklist_clear(&c);
    return er;
}

int store_examination_pin(struct store *s, const struct examiner *who, const char *checklist,
                          bool anew, struct refusal *ret_why)
{
    int er = store_begin(s);
    return er ? er : store_end(s, pin(s, who, checklist, anew, ret_why));
}

/** Whether that one is what is chosen for such goods; *ret stays where there is none for them. */
static int is_chosen(struct store *s, const struct store_case *c, const char *id, bool *ret)
{
    struct store_checklist chosen;
    int er = store_checklist_choose(s, c->merchant, more_text(c, "category"), more_text(c, "brand"),
                                    &chosen);
    if (er)
        return er == ER_NOT_FOUND ? 0 : er;
    *ret = strcmp(chosen.id, id) == 0;
    store_checklist_clear(&chosen);
    return 0;
}

static int repin(struct store *s, const struct examiner *who, const struct store_case *before,
                 const json_t *exam)
{
    struct refusal why = {0};
    struct store_checklist found;
    const char *pinned = json_string_value(
        json_object_get(json_object_get(exam, "checklist"), "id"));
    bool chosen = true, same = false;
    int er = pinned ? is_chosen(s, before, pinned, &chosen) : 0;
    if (!er && pinned)
        er = is_chosen(s, who->sc, pinned, &same);
    if (er || same || !chosen || is_begun(exam) || may_change(who, exam, &why)) {
        refusal_clear(&why);
        return er;
    }
    er = store_checklist_choose(s, who->sc->merchant, more_text(who->sc, "category"),
                                more_text(who->sc, "brand"), &found);
    if (er)
        return er == ER_NOT_FOUND ? 0 : er;
    store_checklist_clear(&found);
    er = pin(s, who, NULL, false, &why);
    refusal_clear(&why);
    return er;
}

int store_examination_repin(struct store *s, const struct examiner *who,
                            const struct store_case *before)
{
    json_t *exam;
    if (who->sc->kind != CASE_AUTHENTICATION)
        return 0;
    int er = store_examination_read(s, &who->sc->id, &exam);
    if (er)
        return er;
    er = repin(s, who, before, exam);
    json_decref(exam);
    return er;
}

/* Points */

/** The hash of a still or clip of the case that is there; ER_NOT_FOUND. */
static int hash_of(struct store *s, const struct id *case_id, const char *object,
                   const char *id_text, char ret[STORE_HASH_BYTES])
{
    struct id id;
    struct store_still still;
    struct store_clip clip;
    bool is_clip = strcmp(object, "clip") == 0;
    if (!id_text || id_parse(id_text, &id))
        return ER_NOT_FOUND;
    int er = is_clip ? store_clip_get(s, &id, &clip) : store_still_get(s, &id, &still);
    if (er)
        return er;
    if (is_clip ? clip.state != CLIP_READY || !id_equal(&clip.case_id, case_id)
                : !still.ready || !id_equal(&still.case_id, case_id))
        return ER_NOT_FOUND;
    (void)str_copy(ret, STORE_HASH_BYTES, is_clip ? clip.sha256 : still.sha256);
    return 0;
}

static const char *object_of(const json_t *entry)
{
    bool still = json_object_get(entry, "still") != NULL;
    bool clip = json_object_get(entry, "clip") != NULL;
    return still == clip ? NULL : still ? "still" : "clip";
}

static bool kind_fits(const char *object, const json_t *point)
{
    switch (checklist_point_evidence(point)) {
    case CHECKLIST_STILL:
        return strcmp(object, "still") == 0;
    case CHECKLIST_CLIP:
        return strcmp(object, "clip") == 0;
    case CHECKLIST_ANY:
        break;
    }
    return true;
}

/** One piece of it, as the event has it. */
static int evidence_one(struct store *s, const struct examiner *who, const json_t *point,
                        const json_t *entry, json_t *list, struct refusal *why)
{
    char hash[STORE_HASH_BYTES];
    const char *object = object_of(entry), *said = json_text(entry, "sha256", 64);
    if (!object)
        return refusal_set(why, ER_MALFORMED,
                           "`evidence` is a list of {\"still\"} or {\"clip\"}, with \"sha256\"?");
    if (!kind_fits(object, point))
        return refusal_set(why, ER_CONFLICT, "the point wants to be shown by the other kind");
    const char *id = json_string_value(json_object_get(entry, object));
    int er = hash_of(s, &who->sc->id, object, id, hash);
    if (er == ER_NOT_FOUND)
        return refusal_set(why, ER_CONFLICT, "there is no such still or clip of this case");
    if (!er && said && strcmp(said, hash) != 0)
        return refusal_set(why, ER_CONFLICT, "the still or clip has another hash");
    if (er)
        return er;
    json_t *o = json_pack("{s:s,s:s}", object, id, "sha256", hash);
    return json_array_append_new(list, o) ? ER_NOMEM : 0;
}

static int evidence_read(struct store *s, const struct examiner *who, const json_t *point,
                         const json_t *asked, json_t *found, struct refusal *why)
{
    json_t *list = json_array();
    int er = list ? 0 : ER_NOMEM;
    if (!json_is_array(asked) || json_array_size(asked) > LIMIT_POINT_EVIDENCE)
        er = refusal_set(why, ER_MALFORMED, "`evidence` is a list of up to 8 stills and clips");
    for (size_t i = 0; !er && i < json_array_size(asked); i++)
        er = evidence_one(s, who, point, json_array_get(asked, i), list, why);
    if (!er && json_object_set(found, "evidence", list))
        er = ER_NOMEM;
    json_decref(list);
    return er;
}

static int words_read(const json_t *exam, const json_t *body, json_t *found, struct refusal *why)
{
    const json_t *judgement = json_object_get(body, "judgement"),
                 *note = json_object_get(body, "note");
    const char *word = json_string_value(judgement);
    bool applies = !word || strcmp(word, "not_applicable") != 0;
    /* What does not apply is no matter of opinion. */
    if ((judgement || note) && applies && json_is_true(json_object_get(exam, "blind")))
        return refusal_set(why, ER_CONFLICT,
                           "judged blind: judgements and notes belong into each one's opinion");
    if (judgement && !examination_judgement_ok(word))
        return refusal_set(why, ER_MALFORMED,
                           "`judgement` is consistent, inconsistent, unclear or not_applicable");
    const char *text = json_text(body, "note", LIMIT_CHAT_BYTES);
    if (note && (!text || !text[0]))
        return refusal_set(why, ER_MALFORMED, "`note` is a text of 1 to 4000 bytes");
    if ((judgement && json_object_set_new(found, "judgement", json_string(word))) ||
        (note && json_object_set_new(found, "note", json_string(text))))
        return ER_NOMEM;
    return 0;
}

/** What was said of the point before. */
static json_t *found_before(const json_t *exam, const char *point)
{
    const json_t *before = json_object_get(json_object_get(exam, "points"), point);
    json_t *found = before ? json_copy((json_t *)(uintptr_t)before) : json_object(); /* only read */
    (void)json_object_del(found, "by");
    (void)json_object_del(found, "at");
    (void)json_object_set_new(found, "point", json_string(point));
    return found;
}

static int examine(struct store *s, const struct examiner *who, const char *point,
                   const json_t *body, struct refusal *why)
{
    json_t *exam, *checklist;
    const json_t *asked = json_object_get(body, "evidence");
    int er = store_examination_open(s, &who->sc->id, &exam, &checklist);
    if (er == ER_NOT_FOUND)
        return refusal_set(why, ER_CONFLICT, "the case has no checklist");
    if (er)
        return er;
    const json_t *wanted = checklist_point(checklist, point);
    json_t *found = found_before(exam, point);
    er = !found ? ER_NOMEM : wanted ? may_change(who, exam, why) : ER_NOT_FOUND;
    if (!er && json_array_size(json_object_get(exam, "opinions")))
        er = refusal_set(why, ER_CONFLICT, "an opinion was committed to on what was shown");
    if (!er && asked)
        er = evidence_read(s, who, wanted, asked, found, why);
    if (!er)
        er = words_read(exam, body, found, why);
    if (!er)
        er = append(s, who, "point_examined", json_incref(found));
    json_decref(found);
    json_decref(exam);
    json_decref(checklist);
    return er;
}

int store_examination_point(struct store *s, const struct examiner *who, const char *point,
                            const json_t *body, struct refusal *ret_why)
{
    int er = store_begin(s);
    return er ? er : store_end(s, examine(s, who, point, body, ret_why));
}

/* Opinions */

static int ask_blind(struct store *s, const struct examiner *who, uint64_t within_s,
                     struct refusal *why)
{
    json_t *exam, *checklist;
    int er = store_examination_open(s, &who->sc->id, &exam, &checklist);
    if (er == ER_NOT_FOUND)
        return refusal_set(why, ER_CONFLICT, "the case has no checklist");
    if (er)
        return er;
    er = may_change(who, exam, why);
    if (!er && examination_known(exam))
        er = refusal_set(why, ER_CONFLICT, "points were judged: who judges now would know how");
    if (!er && !json_is_true(json_object_get(exam, "blind")))
        er = append(s, who, "opinions_asked",
                    json_pack("{s:I}", "reveal_within_seconds", (json_int_t)within_s));
    json_decref(exam);
    json_decref(checklist);
    return er;
}

int store_examination_blind(struct store *s, const struct examiner *who, uint64_t within_s,
                            struct refusal *ret_why)
{
    int er = store_begin(s);
    return er ? er : store_end(s, ask_blind(s, who, within_s, ret_why));
}

int store_examination_lacks(const json_t *points, const json_t *checklist, unsigned what,
                            struct refusal *why)
{
    json_t *lacks = examination_lacks(points, checklist, what);
    if (!lacks)
        return ER_NOMEM;
    if (json_array_size(lacks) == 0) {
        json_decref(lacks);
        return 0;
    }
    why->more = json_pack("{s:o}", "missing", lacks);
    return refusal_set(why, ER_CONFLICT, "points of the checklist lack something");
}

int store_examination_drop_deleted(struct store *s, const struct id *case_id, json_t *exam)
{
    const char *id;
    json_t *point;
    char hash[STORE_HASH_BYTES];
    json_object_foreach(json_object_get(exam, "points"), id, point)
    {
        json_t *list = json_object_get(point, "evidence");
        for (size_t i = json_array_size(list); i-- > 0;) {
            const json_t *entry = json_array_get(list, i);
            const char *object = object_of(entry);
            int er = !object ? ER_NOT_FOUND
                             : hash_of(s, case_id, object,
                                       json_string_value(json_object_get(entry, object)), hash);
            if (er == ER_NOT_FOUND)
                (void)json_array_remove(list, i);
            else if (er)
                return er;
        }
    }
    return 0;
}

static int commit(struct store *s, const struct examiner *who, const char *commitment,
                  unsigned *ret_number, struct refusal *why)
{
    json_t *exam, *checklist;
    int er = store_examination_open(s, &who->sc->id, &exam, &checklist);
    if (er == ER_NOT_FOUND)
        return refusal_set(why, ER_CONFLICT, "the case has no checklist");
    if (er)
        return er;
    int number = 0;
    er = may_change(who, exam, why);
    if (!er)
        er = store_may_judge(s, who->jti, why);
    if (!er)
        er = store_examination_drop_deleted(s, &who->sc->id, exam);
    if (!er)
        er = (number = examination_may_commit(exam, who->identity, why)) < 0 ? number : 0;
    if (!er)
        er = store_examination_lacks(json_object_get(exam, "points"), checklist,
                                     EXAMINATION_EVIDENCE, why);
    if (!er)
        er = append(s, who, "opinion_committed",
                    json_pack("{s:i,s:s}", "opinion", number, "commitment", commitment));
    if (!er) /* the moment that it has is told in milliseconds */
        er = store_alarm_set(s, &who->sc->id,
                             who->now_us + examination_reveal_seconds(exam) * 1000000 + 1000);
    *ret_number = (unsigned)number;
    json_decref(exam);
    json_decref(checklist);
    return er;
}

int store_opinion_commit(struct store *s, const struct examiner *who, const char *commitment,
                         unsigned *ret_number, struct refusal *ret_why)
{
    if (!commitment || strlen(commitment) != 64 || strspn(commitment, "0123456789abcdef") != 64)
        return refusal_set(ret_why, ER_MALFORMED, "`commitment` is of 64 hexadecimal digits");
    int er = store_begin(s);
    return er ? er : store_end(s, commit(s, who, commitment, ret_number, ret_why));
}
