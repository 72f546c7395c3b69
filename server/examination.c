// SPDX-License-Identifier: Apache-2.0
/* The examination as its events tell it, and what may be done next. */
#include "server/examination.h"

#include <string.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/json.h"
#include "base/str.h"
#include "server/checklist.h"

#define GROUNDS_MAX 32

static const char *const judgements[] = {"consistent", "inconsistent", "unclear", "not_applicable"};

bool examination_judgement_ok(const char *word)
{
    for (size_t i = 0; word && i < sizeof judgements / sizeof judgements[0]; i++) {
        if (strcmp(word, judgements[i]) == 0)
            return true;
    }
    return false;
}

bool examination_known(const json_t *exam)
{
    return json_is_true(json_object_get(exam, "known"));
}

/* Telling */

static json_t *member(json_t *of, const char *name, json_type type)
{
    json_t *o = json_object_get(of, name);
    if (o)
        return o;
    o = type == JSON_ARRAY ? json_array() : json_object();
    return json_object_set_new(of, name, o) ? NULL : o;
}

static void who_and_when(json_t *o, const struct store_event *e, const char *who, const char *when)
{
    char at[CLOCK_TEXT_BYTES];
    clock_format(e->at_us, at);
    (void)json_object_set_new(o, who, json_string(e->actor));
    (void)json_object_set_new(o, when, json_string(at));
}

static bool applies(const char *judgement)
{
    return !judgement || strcmp(judgement, "not_applicable") != 0;
}

/** Somebody's judgement can be read from now on, whatever becomes of it: who judges later does not judge blind. */
static void make_known(json_t *exam)
{
    (void)json_object_set_new(exam, "known", json_true());
}

/** What was revealed is forgotten as an opinion, and stays known. */
static void forget_opinions(json_t *exam)
{
    const json_t *all = json_object_get(exam, "opinions");
    bool revealed = json_object_get(exam, "verdict") != NULL;
    for (size_t i = 0; i < json_array_size(all); i++)
        revealed |= json_object_get(json_array_get(all, i), "revealed_at") != NULL;
    if (revealed)
        make_known(exam);
    (void)json_object_del(exam, "opinions");
    (void)json_object_del(exam, "verdict");
}

/** Begins anew; what was certified stays known, and that somebody judged. */
static void pinned(json_t *exam, const struct store_event *e, json_t *data)
{
    forget_opinions(exam);
    bool known = examination_known(exam);
    json_t *certificates = json_incref(json_object_get(exam, "certificates"));
    (void)json_object_clear(exam);
    if (certificates)
        (void)json_object_set_new(exam, "certificates", certificates);
    if (known)
        make_known(exam);
    json_t *o = json_pack("{s:O*,s:O*,s:O*}", "id", json_object_get(data, "checklist"), "version",
                          json_object_get(data, "version"), "sha256",
                          json_object_get(data, "sha256"));
    who_and_when(o, e, "by", "at");
    (void)json_object_set_new(exam, "checklist", o);
}

static void examined(json_t *exam, const struct store_event *e, json_t *data)
{
    const char *point = json_text(data, "point", 64);
    json_t *o = point ? json_copy(data) : NULL;
    if (!o)
        return;
    if (applies(json_string_value(json_object_get(o, "judgement"))) &&
        (json_object_get(o, "judgement") || json_object_get(o, "note")))
        make_known(exam);
    (void)json_object_del(o, "point");
    who_and_when(o, e, "by", "at");
    (void)json_object_set_new(member(exam, "points", JSON_OBJECT), point, o);
}

static void asked(json_t *exam, const struct store_event *e, json_t *data)
{
    json_t *within = json_object_get(data, "reveal_within_seconds");
    (void)e;
    (void)json_object_set_new(exam, "blind", json_true());
    if (within)
        (void)json_object_set(exam, "reveal_within_seconds", within);
}

/** The one of that number, counted from 1. */
static json_t *opinion_of(const json_t *exam, const json_t *data)
{
    json_int_t n = json_integer_value(json_object_get(data, "opinion"));
    const json_t *all = json_object_get(exam, "opinions");
    return n > 0 ? json_array_get(all, (size_t)n - 1) : NULL;
}

/** Committed to, and neither revealed nor lapsed: it is waited for. */
static bool is_sealed(const json_t *opinion)
{
    return !json_object_get(opinion, "revealed_at") && !json_object_get(opinion, "lapsed_at");
}

struct opinions {
    size_t standing, revealed; /* those that did not lapse; those of them that are known */
    size_t free;               /* the place for the next one, counted from 1 */
    size_t own;                /* counted from 1; 0: none */
    bool own_revealed, own_lapsed;
};

static struct opinions count_opinions(const json_t *exam, const char *by)
{
    const json_t *all = json_object_get(exam, "opinions");
    struct opinions n = {0};
    for (size_t i = 0; i < json_array_size(all); i++) {
        const json_t *o = json_array_get(all, i);
        const char *who = json_string_value(json_object_get(o, "by"));
        bool shown = json_object_get(o, "revealed_at") != NULL;
        bool lapsed = json_object_get(o, "lapsed_at") != NULL;
        bool mine = who && strcmp(who, by) == 0;
        n.standing += !lapsed;
        n.revealed += shown;
        if (lapsed && !n.free)
            n.free = i + 1;
        if (mine && !lapsed)
            n.own = i + 1;
        n.own_revealed |= mine && shown;
        n.own_lapsed |= mine && lapsed;
    }
    n.free = n.free ? n.free : json_array_size(all) + 1;
    return n;
}

/** From when two have committed to one they may be revealed; until when is written down then. */
static void await_reveal(json_t *exam, uint64_t at_us)
{
    const json_t *all = json_object_get(exam, "opinions");
    char until[CLOCK_TEXT_BYTES];
    clock_format(at_us + examination_reveal_seconds(exam) * UINT64_C(1000000), until);
    for (size_t i = 0; i < json_array_size(all); i++) {
        json_t *o = json_array_get(all, i);
        if (is_sealed(o) && !json_object_get(o, "reveal_until"))
            (void)json_object_set_new(o, "reveal_until", json_string(until));
    }
}

static void committed(json_t *exam, const struct store_event *e, json_t *data)
{
    json_t *before = opinion_of(exam, data);
    json_t *o = before ? json_incref(before) : json_object();
    if (json_object_get(o, "lapsed_at"))
        (void)json_object_clear(o);
    (void)json_object_update(o, data);
    (void)json_object_set_new(o, "blind", json_boolean(count_opinions(exam, "").revealed == 0));
    who_and_when(o, e, "by", "at");
    if (before)
        json_decref(o);
    else
        (void)json_array_append_new(member(exam, "opinions", JSON_ARRAY), o);
    if (count_opinions(exam, "").standing >= 2)
        await_reveal(exam, e->at_us);
}

/** Who has not revealed it in time says nothing by it; another may be asked in that one's place. */
static void lapsed(json_t *exam, const struct store_event *e, json_t *data)
{
    char at[CLOCK_TEXT_BYTES];
    clock_format(e->at_us, at);
    (void)json_object_set_new(opinion_of(exam, data), "lapsed_at", json_string(at));
}

static void revealed(json_t *exam, const struct store_event *e, json_t *data)
{
    json_t *o = opinion_of(exam, data);
    char at[CLOCK_TEXT_BYTES];
    clock_format(e->at_us, at);
    (void)json_object_update(o, data);
    (void)json_object_set_new(o, "revealed_at", json_string(at));
}

static void verdict(json_t *exam, const struct store_event *e, json_t *data)
{
    json_t *o = json_copy(data);
    who_and_when(o, e, "by", "at");
    (void)json_object_set_new(exam, "verdict", o);
}

static void issued(json_t *exam, const struct store_event *e, json_t *data)
{
    json_t *o = json_pack("{s:O*,s:O*}", "id", json_object_get(data, "certificate"), "number",
                          json_object_get(data, "number"));
    who_and_when(o, e, "issued_by", "issued_at");
    (void)json_array_append_new(member(exam, "certificates", JSON_ARRAY), o);
}

static void revoked(json_t *exam, const struct store_event *e, json_t *data)
{
    const char *id = json_text(data, "certificate", ID_TEXT_BYTES);
    const json_t *all = json_object_get(exam, "certificates");
    for (size_t i = 0; id && i < json_array_size(all); i++) {
        json_t *o = json_array_get(all, i);
        const char *is = json_string_value(json_object_get(o, "id"));
        if (!is || strcmp(is, id) != 0)
            continue;
        (void)json_object_set(o, "reason", json_object_get(data, "reason"));
        who_and_when(o, e, "revoked_by", "revoked_at");
    }
}

/** What was found stays; it is to be judged anew, and openly once anybody knows how it was judged. */
static void reopened(json_t *exam, const struct store_event *e, json_t *data)
{
    (void)e, (void)data;
    forget_opinions(exam);
    if (examination_known(exam))
        (void)json_object_del(exam, "blind");
}

static const struct {
    const char *type;
    void (*tell)(json_t *exam, const struct store_event *e, json_t *data);
} tales[] = {
    {"checklist_pinned", pinned},     {"point_examined", examined},
    {"opinions_asked", asked},        {"opinion_committed", committed},
    {"opinion_revealed", revealed},   {"opinion_lapsed", lapsed},
    {"verdict_given", verdict},       {"certificate_issued", issued},
    {"certificate_revoked", revoked}, {"reopened", reopened},
};

int examination_tell(json_t *exam, const struct store_event *e)
{
    for (size_t i = 0; i < sizeof tales / sizeof tales[0]; i++) {
        if (strcmp(tales[i].type, e->type) != 0)
            continue;
        json_t *data = json_loads(e->data, 0, NULL);
        if (!data)
            return ER_NOMEM;
        tales[i].tell(exam, e, data);
        json_decref(data);
    }
    return 0;
}

/* What is missing */

static unsigned lacking(const json_t *point, unsigned what)
{
    const char *judgement = json_string_value(json_object_get(point, "judgement"));
    const char *note = json_string_value(json_object_get(point, "note"));
    unsigned lacks = 0;
    if (applies(judgement) && json_array_size(json_object_get(point, "evidence")) == 0)
        lacks |= EXAMINATION_EVIDENCE;
    if (!judgement)
        lacks |= EXAMINATION_JUDGEMENT;
    if (!note || !note[0])
        lacks |= EXAMINATION_NOTE;
    return lacks & what;
}

static json_t *lacks_json(const json_t *id, unsigned lacks)
{
    static const char *const names[] = {"evidence", "judgement", "note"};
    json_t *list = json_array();
    for (unsigned i = 0; list && i < 3; i++) {
        if (lacks & 1u << i)
            (void)json_array_append_new(list, json_string(names[i]));
    }
    return json_pack("{s:O*,s:o}", "point", id, "lacks", list);
}

json_t *examination_lacks(const json_t *points, const json_t *checklist, unsigned what)
{
    const json_t *wanted = json_object_get(checklist, "points");
    json_t *list = json_array();
    for (size_t i = 0; list && i < json_array_size(wanted); i++) {
        const json_t *w = json_array_get(wanted, i), *id = json_object_get(w, "id");
        const char *key = json_string_value(id);
        const json_t *point = key ? json_object_get(points, key) : NULL;
        unsigned lacks = lacking(point, what);
        bool passed_over = !point && json_is_true(json_object_get(w, "optional"));
        if (lacks && !passed_over && json_array_append_new(list, lacks_json(id, lacks))) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

/* Opinions */

int examination_commitment(const struct id *case_id, const char *by, const json_t *opinion,
                           char ret[STORE_HASH_BYTES])
{
    json_t *o = json_pack(
        "{s:s,s:s,s:O*,s:O*,s:O*,s:O*}", "by", by, "case", case_id->text, "grounds",
        json_object_get(opinion, "grounds"), "nonce", json_object_get(opinion, "nonce"), "points",
        json_object_get(opinion, "points"), "verdict", json_object_get(opinion, "verdict"));
    int er = o ? checklist_hash(o, ret) : ER_NOMEM;
    json_decref(o);
    return er;
}

static bool points_good(json_t *points, const json_t *checklist)
{
    const char *id;
    json_t *point;
    if (!json_is_object(points))
        return false;
    json_object_foreach(points, id, point)
    {
        const char *note = json_text(point, "note", LIMIT_CHAT_BYTES);
        if (json_object_size(point) != 2 || !checklist_point(checklist, id) || !note || !note[0] ||
            !examination_judgement_ok(json_string_value(json_object_get(point, "judgement"))))
            return false;
    }
    return true;
}

int examination_opinion_check(const json_t *opinion, const json_t *checklist,
                              struct refusal *ret_why)
{
    json_t *clean = NULL;
    const char *why = "", *nonce = json_text(opinion, "nonce", 64);
    json_t *said = json_pack("{s:O*,s:O*}", "verdict", json_object_get(opinion, "verdict"),
                             "grounds", json_object_get(opinion, "grounds"));
    int er = case_action_data(CASE_VERDICT, said, &clean, &why);
    bool same = er == 0 && json_equal(said, clean);
    json_decref(said);
    json_decref(clean);
    if (er)
        return refusal_set(ret_why, er, why);
    if (!same)
        return refusal_set(ret_why, ER_MALFORMED,
                           "a ground is {\"text\", \"evidence\"}, with nothing else in it");
    if (!nonce || strlen(nonce) != 64 || strspn(nonce, "0123456789abcdef") != 64)
        return refusal_set(ret_why, ER_MALFORMED, "`nonce` is of 64 hexadecimal digits");
    if (!points_good(json_object_get(opinion, "points"), checklist))
        return refusal_set(ret_why, ER_MALFORMED,
                           "`points` has points of the checklist, each {\"judgement\", \"note\"}");
    return 0;
}

static bool says(const json_t *opinion, const char *word)
{
    const char *is = json_string_value(json_object_get(opinion, "verdict"));
    return is && word && json_object_get(opinion, "revealed_at") && strcmp(is, word) == 0;
}

/** The verdict that two give, or where three give three. NULL: none yet. */
static const char *agreed(const json_t *all)
{
    size_t revealed = 0;
    for (size_t i = 0; i < json_array_size(all); i++) {
        const json_t *o = json_array_get(all, i);
        const char *word = json_string_value(json_object_get(o, "verdict"));
        revealed += json_object_get(o, "revealed_at") != NULL;
        for (size_t j = 0; j < i; j++) {
            if (says(json_array_get(all, j), word) && says(o, word))
                return word;
        }
    }
    return revealed == LIMIT_OPINIONS ? "inconclusive" : NULL;
}

int examination_may_commit(const json_t *exam, const char *by, struct refusal *ret_why)
{
    const struct opinions n = count_opinions(exam, by);
    if (!json_is_true(json_object_get(exam, "blind")))
        return refusal_set(ret_why, ER_CONFLICT, "no second opinion was asked for");
    if (json_object_get(exam, "verdict"))
        return refusal_set(ret_why, ER_CONFLICT, "the verdict was given");
    if (examination_known(exam))
        return refusal_set(ret_why, ER_CONFLICT, "it was judged before: nobody is blind to it");
    if (n.own && n.revealed)
        return refusal_set(ret_why, ER_CONFLICT,
                           "an opinion was revealed: yours stays as it was committed to");
    if (n.own)
        return (int)n.own;
    if (n.own_lapsed && n.revealed)
        return refusal_set(ret_why, ER_CONFLICT,
                           "your opinion lapsed, and another was revealed: somebody else is asked");
    if (n.standing >= 2 && (n.revealed < 2 || n.standing >= LIMIT_OPINIONS ||
                            agreed(json_object_get(exam, "opinions"))))
        return refusal_set(ret_why, ER_CONFLICT,
                           "two appraisers judge, and a third only where they do not agree");
    return (int)n.free;
}

int examination_may_reveal(const json_t *exam, const char *by, struct refusal *ret_why)
{
    const struct opinions n = count_opinions(exam, by);
    if (!n.own)
        return refusal_set(ret_why, ER_CONFLICT,
                           n.own_lapsed ? "your opinion lapsed: it was not revealed in time"
                                        : "you have committed to no opinion");
    if (n.own_revealed || json_object_get(exam, "verdict"))
        return refusal_set(ret_why, ER_CONFLICT, "it was revealed before");
    if (n.standing < 2)
        return refusal_set(ret_why, ER_CONFLICT,
                           "the other appraiser has not committed to an opinion yet");
    return (int)n.own;
}

uint64_t examination_reveal_seconds(const json_t *exam)
{
    json_int_t s = json_integer_value(json_object_get(exam, "reveal_within_seconds"));
    return s > 0 ? (uint64_t)s : LIMIT_REVEAL_SECONDS;
}

size_t examination_overdue(const json_t *exam, uint64_t now_us, unsigned ret[LIMIT_OPINIONS])
{
    const json_t *all = json_object_get(exam, "opinions");
    char now[CLOCK_TEXT_BYTES];
    size_t count = 0;
    clock_format(now_us, now);
    for (size_t i = 0; i < json_array_size(all) && i < LIMIT_OPINIONS; i++) {
        const json_t *o = json_array_get(all, i);
        const char *until = json_string_value(json_object_get(o, "reveal_until"));
        if (is_sealed(o) && until && strcmp(until, now) < 0)
            ret[count++] = (unsigned)i + 1;
    }
    return json_object_get(exam, "verdict") ? 0 : count;
}

json_t *examination_opinion_by(const json_t *exam, unsigned opinion)
{
    const json_t *all = json_object_get(exam, "opinions");
    return opinion ? json_object_get(json_array_get(all, opinion - 1), "by") : NULL;
}

json_t *examination_conclusion(const json_t *exam)
{
    const json_t *all = json_object_get(exam, "opinions");
    const char *word = agreed(all);
    json_t *grounds = json_array(), *numbers = json_array();
    size_t same = 0;
    for (size_t i = 0; i < json_array_size(all); i++)
        same += says(json_array_get(all, i), word);
    for (size_t i = 0; word && i < json_array_size(all); i++) {
        const json_t *o = json_array_get(all, i), *said = json_object_get(o, "grounds");
        if (same >= 2 && !says(o, word))
            continue; /* where none agree, all of them count */
        (void)json_array_append_new(numbers, json_integer((json_int_t)i + 1));
        for (size_t j = 0; j < json_array_size(said) && json_array_size(grounds) < GROUNDS_MAX; j++)
            (void)json_array_append(grounds, json_array_get(said, j));
    }
    json_t *o = word && grounds && numbers ? json_pack("{s:s,s:O,s:O}", "verdict", word, "grounds",
                                                       grounds, "opinions", numbers)
                                           : NULL;
    json_decref(grounds);
    json_decref(numbers);
    return o;
}
