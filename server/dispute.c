// SPDX-License-Identifier: Apache-2.0
/* The dispute as its events tell it, and what may be done next. */
#include "server/dispute.h"

#include <string.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/json.h"
#include "base/limits.h"

#define S UINT64_C(1000000)

const char *dispute_side(enum role role)
{
    switch (role) {
    case ROLE_BUYER:
        return "buyer";
    case ROLE_AGENT:
    case ROLE_APPRAISER:
    case ROLE_HOST:
    case ROLE_SERVICE:
        return "merchant";
    default:
        return NULL;
    }
}

static bool is_text(const json_t *o, const char *name, const char *text)
{
    const char *is = json_string_value(json_object_get(o, name));
    return is && strcmp(is, text) == 0;
}

/* Telling */

static json_t *list_of(json_t *o, const char *name)
{
    json_t *list = json_object_get(o, name);
    if (list)
        return list;
    list = json_array();
    return json_object_set_new(o, name, list) ? NULL : list;
}

/** A copy of what the event has, with who and when; also as microseconds, to reckon with. */
static json_t *dated(const struct store_event *e, json_t *data)
{
    char at[CLOCK_TEXT_BYTES];
    json_t *o = json_copy(data);
    clock_format(e->at_us, at);
    (void)json_object_set_new(o, "by", json_string(e->actor));
    (void)json_object_set_new(o, "at", json_string(at));
    (void)json_object_set_new(o, "at_us", json_integer((json_int_t)e->at_us));
    return o;
}

static const char *side_of(const char *buyer, const struct store_event *e)
{
    return strcmp(buyer, e->actor) == 0 ? "buyer" : "merchant";
}

/** What was said when it was escalated, or appealed against, is a statement of its side: the first, or, of what was
 *  offered in a dispute and not agreed to, one more. */
static void state_first(json_t *d, const char *buyer, const struct store_event *e, json_t *data)
{
    json_t *o = dated(e, data), *evidence = json_object_get(data, "evidence");
    (void)json_object_set(o, "text", json_object_get(data, "statement"));
    (void)json_object_del(o, "statement");
    (void)json_object_set_new(o, "side", json_string(side_of(buyer, e)));
    if (!evidence)
        (void)json_object_set_new(o, "evidence", json_array());
    (void)json_array_append_new(list_of(d, "statements"), o);
}

static void disputed(json_t *d, const char *buyer, const struct store_event *e, json_t *data)
{
    if (is_text(data, "of", "verdict"))
        (void)json_object_set(d, "of", json_object_get(data, "of"));
    (void)json_object_del(data, "of");
    state_first(d, buyer, e, data);
}

static void stated(json_t *d, const char *buyer, const struct store_event *e, json_t *data)
{
    (void)buyer;
    (void)json_array_append_new(list_of(d, "statements"), dated(e, data));
}

static void reviewed(json_t *d, const char *buyer, const struct store_event *e, json_t *data)
{
    (void)buyer;
    (void)json_object_set_new(d, "review", dated(e, data));
}

static void asked(json_t *d, const char *buyer, const struct store_event *e, json_t *data)
{
    json_int_t within_s = json_integer_value(json_object_get(data, "within_seconds"));
    json_t *o = dated(e, data);
    (void)buyer;
    (void)json_object_set_new(o, "due_us",
                              json_integer((json_int_t)e->at_us + within_s * (json_int_t)S));
    (void)json_array_append_new(list_of(d, "questions"), o);
}

static json_t *question_of(const json_t *d, json_int_t number)
{
    const json_t *all = json_object_get(d, "questions");
    return number > 0 ? json_array_get(all, (size_t)number - 1) : NULL;
}

static void answered(json_t *d, const char *buyer, const struct store_event *e, json_t *data)
{
    (void)buyer;
    json_t *q = question_of(d, json_integer_value(json_object_get(data, "question")));
    json_t *o = dated(e, data);
    (void)json_object_del(o, "question");
    (void)json_object_set_new(q, "answer", o);
}

static void not_answered(json_t *d, const char *buyer, const struct store_event *e, json_t *data)
{
    char at[CLOCK_TEXT_BYTES];
    (void)buyer;
    clock_format(e->at_us, at);
    (void)json_object_set_new(question_of(d, json_integer_value(json_object_get(data, "question"))),
                              "overdue_at", json_string(at));
}

static void ruled(json_t *d, const char *buyer, const struct store_event *e, json_t *data)
{
    (void)buyer;
    (void)json_array_append_new(list_of(d, "rulings"), dated(e, data));
}

static void appealed(json_t *d, const char *buyer, const struct store_event *e, json_t *data)
{
    json_t *o = dated(e, data);
    (void)json_object_set_new(o, "side", json_string(side_of(buyer, e)));
    (void)json_object_del(o, "evidence");
    (void)json_object_set_new(d, "appeal", o);
    (void)json_object_del(d, "review");
    (void)json_object_del(d, "execution");
    state_first(d, buyer, e, data);
}

static void executed(json_t *d, const char *buyer, const struct store_event *e, json_t *data)
{
    (void)buyer;
    if (json_object_get(d, "rulings"))
        (void)json_object_set_new(d, "execution", dated(e, data));
}

/** An outcome was agreed to after all, or the case begins anew: there is no dispute any more. */
static void over(json_t *d, const char *buyer, const struct store_event *e, json_t *data)
{
    (void)buyer, (void)e, (void)data;
    (void)json_object_clear(d);
}

/** Silence agrees to nothing: what was offered in a dispute leads back into it, and says so. */
static void lapsed(json_t *d, const char *buyer, const struct store_event *e, json_t *data)
{
    if (!is_text(data, "to", case_state_name(CASE_DISPUTED)))
        over(d, buyer, e, data);
}

static const struct {
    const char *type;
    void (*tell)(json_t *d, const char *buyer, const struct store_event *e, json_t *data);
} tales[] = {
    {"outcome_disputed", disputed},
    {"statement_made", stated},
    {"review_started", reviewed},
    {"question_asked", asked},
    {"question_answered", answered},
    {"question_overdue", not_answered},
    {"ruled", ruled},
    {"appealed", appealed},
    {"executed", executed},
    {"outcome_agreed", over},
    {"proposal_lapsed", lapsed},
    {"reopened", over},
};

int dispute_tell(json_t *dispute, const char *buyer, const struct store_event *e)
{
    for (size_t i = 0; i < sizeof tales / sizeof tales[0]; i++) {
        if (strcmp(tales[i].type, e->type) != 0)
            continue;
        json_t *data = json_loads(e->data, 0, NULL);
        if (!data)
            return ER_NOMEM;
        tales[i].tell(dispute, buyer, e, data);
        json_decref(data);
    }
    return 0;
}

/* What may be done */

static uint64_t us_of(const json_t *o, const char *name)
{
    return (uint64_t)json_integer_value(json_object_get(o, name));
}

static bool is_reviewer(const json_t *d, const char *by)
{
    return is_text(json_object_get(d, "review"), "by", by);
}

/** What one side says takes nothing from what the other may say. */
static size_t statements_of(const json_t *dispute, const char *side)
{
    const json_t *all = json_object_get(dispute, "statements");
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(all); i++)
        count += is_text(json_array_get(all, i), "side", side);
    return count;
}

int dispute_may_state(const json_t *dispute, enum case_state state, const char *side,
                      struct refusal *ret_why)
{
    if (state != CASE_DISPUTED && state != CASE_IN_REVIEW)
        return refusal_set(ret_why, ER_CONFLICT, "statements are made while there is a dispute");
    if (statements_of(dispute, side) >= LIMIT_STATEMENTS)
        return refusal_set(ret_why, ER_FULL, "your side has made too many statements");
    return 0;
}

bool dispute_is_of_verdict(const json_t *dispute)
{
    return is_text(dispute, "of", "verdict");
}

bool dispute_lets_verdict(const json_t *dispute)
{
    const json_t *rulings = json_object_get(dispute, "rulings");
    const json_t *last = json_array_get(rulings, json_array_size(rulings) - 1);
    return !dispute_is_of_verdict(dispute) || json_is_true(json_object_get(last, "verdict_stands"));
}

int dispute_may_begin(const json_t *dispute, enum case_state state, const char *given_at,
                      uint64_t now_us, struct refusal *ret_why)
{
    char since[CLOCK_TEXT_BYTES];
    clock_format(now_us - LIMIT_APPEAL_SECONDS * S, since);
    if (state == CASE_PROPOSED)
        return 0;
    if (json_object_get(dispute, "rulings"))
        return refusal_set(ret_why, ER_CONFLICT, "it was ruled: an appeal goes to an arbiter");
    if (!given_at)
        return refusal_set(ret_why, ER_CONFLICT, "what was agreed to is not disputed any more");
    if (strcmp(given_at, since) < 0)
        return refusal_set(ret_why, ER_CONFLICT, "the time to dispute the verdict is over");
    return 0;
}

int dispute_may_review(const json_t *dispute, const char *by, struct refusal *ret_why)
{
    const json_t *first = json_array_get(json_object_get(dispute, "rulings"), 0);
    if (json_object_get(dispute, "appeal") && is_text(first, "by", by))
        return refusal_set(ret_why, ER_DENIED, "an appeal goes to another arbiter");
    return 0;
}

int dispute_may_ask(const json_t *dispute, enum case_state state, const char *by,
                    struct refusal *ret_why)
{
    if (state != CASE_IN_REVIEW)
        return refusal_set(ret_why, ER_CONFLICT, "questions are asked in a review");
    if (!is_reviewer(dispute, by))
        return refusal_set(ret_why, ER_DENIED, "another arbiter reviews this case");
    if (json_array_size(json_object_get(dispute, "questions")) >= LIMIT_QUESTIONS)
        return refusal_set(ret_why, ER_FULL, "too many questions were asked");
    return 0;
}

int dispute_may_answer(const json_t *dispute, enum case_state state, unsigned question,
                       const char *side, uint64_t now_us, struct refusal *ret_why)
{
    const json_t *q = question_of(dispute, (json_int_t)question);
    if (!q)
        return ER_NOT_FOUND;
    if (!is_text(q, "to", side))
        return refusal_set(ret_why, ER_DENIED, "the question is put to the other side");
    if (state != CASE_IN_REVIEW || json_object_get(q, "answer"))
        return refusal_set(ret_why, ER_CONFLICT, "the question does not wait for an answer");
    if (us_of(q, "due_us") < now_us)
        return refusal_set(ret_why, ER_CONFLICT, "the time for an answer is over");
    return 0;
}

int dispute_may_rule(const json_t *dispute, const char *by, const json_t *stands, uint64_t now_us,
                     struct refusal *ret_why)
{
    const json_t *all = json_object_get(dispute, "questions");
    if (!is_reviewer(dispute, by))
        return refusal_set(ret_why, ER_DENIED, "another arbiter reviews this case");
    if (dispute_is_of_verdict(dispute) != (stands != NULL))
        return refusal_set(ret_why, ER_MALFORMED,
                           "`verdict_stands` says whether a disputed verdict does, true or false");
    json_t *open = json_array();
    for (size_t i = 0; open && i < json_array_size(all); i++) {
        const json_t *q = json_array_get(all, i);
        if (!json_object_get(q, "answer") && us_of(q, "due_us") >= now_us)
            (void)json_array_append_new(open, json_integer((json_int_t)i + 1));
    }
    if (!open)
        return ER_NOMEM;
    size_t count = json_array_size(open);
    if (count)
        ret_why->more = json_pack("{s:O}", "open_questions", open);
    json_decref(open);
    return count ? refusal_set(ret_why, ER_CONFLICT, "questions still have time to be answered")
                 : 0;
}

size_t dispute_overdue(const json_t *dispute, enum case_state state, uint64_t now_us,
                       unsigned ret[LIMIT_QUESTIONS])
{
    const json_t *all = json_object_get(dispute, "questions");
    size_t count = 0;
    for (size_t i = 0; state == CASE_IN_REVIEW && i < json_array_size(all); i++) {
        const json_t *q = json_array_get(all, i);
        if (count < LIMIT_QUESTIONS && !json_object_get(q, "answer") &&
            !json_object_get(q, "overdue_at") && us_of(q, "due_us") < now_us)
            ret[count++] = (unsigned)i + 1;
    }
    return count;
}

json_t *dispute_asked_of(const json_t *dispute, unsigned question)
{
    return json_object_get(question_of(dispute, (json_int_t)question), "to");
}

int dispute_may_appeal(const json_t *dispute, uint64_t now_us, struct refusal *ret_why)
{
    const json_t *rulings = json_object_get(dispute, "rulings");
    const json_t *last = json_array_get(rulings, json_array_size(rulings) - 1);
    if (json_array_size(rulings) == 0)
        return refusal_set(ret_why, ER_CONFLICT, "there is no ruling");
    if (json_object_get(dispute, "appeal"))
        return refusal_set(ret_why, ER_CONFLICT, "there was an appeal before");
    if (us_of(last, "at_us") + LIMIT_APPEAL_SECONDS * S < now_us)
        return refusal_set(ret_why, ER_CONFLICT, "the time for an appeal is over");
    return 0;
}

bool dispute_goes_on(const json_t *dispute)
{
    return json_object_size(dispute) > 0;
}

int dispute_may_propose(const json_t *dispute, struct refusal *ret_why)
{
    if (json_object_get(dispute, "rulings"))
        return refusal_set(ret_why, ER_CONFLICT, "it was ruled: an appeal goes to an arbiter");
    return 0;
}

int dispute_may_cancel(const json_t *dispute, struct refusal *ret_why)
{
    if (dispute_goes_on(dispute))
        return refusal_set(ret_why, ER_CONFLICT, "a dispute ends by an agreement or a ruling");
    return 0;
}

int dispute_may_reopen(const json_t *dispute, uint64_t now_us, struct refusal *ret_why)
{
    struct refusal why = {0};
    if (dispute_may_appeal(dispute, now_us, &why) == 0)
        return refusal_set(ret_why, ER_CONFLICT, "there is still time for an appeal");
    return 0;
}

/* For reading */

static void strip(json_t *o)
{
    (void)json_object_del(o, "at_us");
    (void)json_object_del(o, "due_us");
}

static void date_questions(json_t *d, uint64_t now_us)
{
    size_t i;
    json_t *q;
    json_array_foreach(json_object_get(d, "questions"), i, q)
    {
        json_t *answer = json_object_get(q, "answer");
        (void)json_object_set_new(q, "state",
                                  json_string(answer                         ? "answered"
                                              : us_of(q, "due_us") >= now_us ? "open"
                                                                             : "overdue"));
        strip(answer);
        strip(q);
    }
}

int dispute_date(json_t *dispute, uint64_t now_us)
{
    static const char *const lists[] = {"statements", "rulings"};
    static const char *const single[] = {"review", "appeal", "execution"};
    struct refusal why = {0};
    const json_t *rulings = json_object_get(dispute, "rulings");
    json_t *last = json_array_get(rulings, json_array_size(rulings) - 1), *o;
    size_t i;
    if (dispute_may_appeal(dispute, now_us, &why) == 0) {
        char at[CLOCK_TEXT_BYTES];
        clock_format(us_of(last, "at_us") + LIMIT_APPEAL_SECONDS * S, at);
        if (json_object_set_new(last, "appeal_until", json_string(at)))
            return ER_NOMEM;
    }
    date_questions(dispute, now_us);
    for (size_t n = 0; n < sizeof lists / sizeof lists[0]; n++)
        json_array_foreach(json_object_get(dispute, lists[n]), i, o) strip(o);
    for (size_t n = 0; n < sizeof single / sizeof single[0]; n++)
        strip(json_object_get(dispute, single[n]));
    return 0;
}
