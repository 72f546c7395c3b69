// SPDX-License-Identifier: Apache-2.0
/* Disputes over HTTP: statements, questions and answers, and the arbiters' queue. Escalating, reviewing, ruling,
 * appealing and executing are actions (api_cases.c). */
#include <string.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/json.h"
#include "base/str.h"
#include "server/api_keep.h"
#include "server/api_page.h"
#include "server/dispute.h"
#include "server/store_disputes.h"

#define QUESTION_SECONDS_MIN 60
#define QUESTION_SECONDS 172800 /* two days, where nothing is said */

/** The case with whoever asks; false: the problem is set. The caller clears it. */
static bool begin(struct store *s, struct api_call *c, struct store_case *sc, struct disputant *who)
{
    if (!api_case_evidence(s, c, sc))
        return false;
    *who = (struct disputant){sc, c->claims.identity, c->claims.role, c->unix_us};
    return true;
}

static void answer(struct store *s, struct api_call *c, int status, const struct store_case *sc)
{
    json_t *dispute;
    int er = store_dispute_read(s, sc, &dispute);
    if (!er && !json_object_get(dispute, "statements"))
        er = ER_NOT_FOUND;
    if (!er)
        er = dispute_date(dispute, c->unix_us);
    if (er) {
        json_decref(dispute);
        api_problem_er(c, er, er == ER_NOT_FOUND ? "the case was not disputed" : NULL);
    } else {
        api_json(c, status, dispute);
    }
}

/** After `er`: the dispute as it is now, or what was in the way. Clears case and refusal. */
static void end(struct store *s, struct api_call *c, int er, enum judged what,
                struct store_case *sc, struct refusal *why)
{
    if (er == ER_FULL && why->why) {
        api_problem(c, 429, why->why);
    } else if (er) {
        api_refused(c, er, why);
    } else {
        c->changed = sc->id;
        c->judged |= 1u << what;
        answer(s, c, 201, sc);
    }
    refusal_clear(why);
    store_case_clear(sc);
}

void api_dispute_get(struct store *s, struct api_call *c)
{
    struct store_case sc;
    if (!api_case_evidence(s, c, &sc))
        return;
    answer(s, c, 200, &sc);
    store_case_clear(&sc);
}

/** The text and the hashes that came, cleaned as an action's are; NULL: the problem is set. */
static json_t *said(struct api_call *c)
{
    const char *why;
    json_t *data = NULL,
           *asked = json_pack("{s:O*,s:O*}", "statement", json_object_get(c->body, "text"),
                              "evidence", json_object_get(c->body, "evidence"));
    int er = asked ? case_action_data(CASE_DISPUTE, asked, &data, &why) : ER_NOMEM;
    json_decref(asked);
    if (er == ER_MALFORMED)
        api_problem(c, 400, "`text` is of 1 to 4000 bytes, `evidence` a list of up to 32 hashes");
    else if (er)
        api_problem_er(c, er, NULL);
    return data;
}

static const char *text_of(const json_t *data)
{
    return json_string_value(json_object_get(data, "statement"));
}

void api_dispute_state(struct store *s, struct api_call *c)
{
    struct store_case sc;
    struct disputant who;
    struct refusal why = {0};
    json_t *data = said(c);
    if (data && begin(s, c, &sc, &who))
        end(s, c,
            store_dispute_state(s, &who, text_of(data), json_object_get(data, "evidence"), &why),
            JUDGED_STATED, &sc, &why);
    json_decref(data);
}

void api_dispute_ask(struct store *s, struct api_call *c)
{
    struct store_case sc;
    struct disputant who;
    struct refusal why = {0};
    unsigned number;
    int64_t within_s = QUESTION_SECONDS;
    const char *to = json_text(c->body, "to", 16);
    const char *text = json_text(c->body, "text", LIMIT_CHAT_BYTES);
    int er = json_int(c->body, "within_seconds", QUESTION_SECONDS_MIN, LIMIT_ANSWER_SECONDS,
                      &within_s);
    if (!api_role_may(c, role_describe(c->claims.role)->rules, "questions are the arbiter's"))
        return;
    if (er == ER_MALFORMED || !text || !text[0] || !to ||
        (strcmp(to, "buyer") != 0 && strcmp(to, "merchant") != 0)) {
        api_problem(c, 400,
                    "`to` is buyer or merchant, `text` of 1 to 4000 bytes, `within_seconds` a "
                    "number from 60 to 2592000");
        return;
    }
    if (begin(s, c, &sc, &who))
        end(s, c, store_dispute_ask(s, &who, to, text, (uint64_t)within_s, &number, &why),
            JUDGED_ASKED, &sc, &why);
}

void api_dispute_answer(struct store *s, struct api_call *c)
{
    struct store_case sc;
    struct disputant who;
    struct refusal why = {0};
    uint64_t number = 0;
    json_t *data = said(c);
    if (data && begin(s, c, &sc, &who)) {
        int er = span_u64(span_of(c->params.values[1]), LIMIT_QUESTIONS, &number)
                     ? ER_NOT_FOUND
                     : store_dispute_answer(s, &who, (unsigned)number, text_of(data),
                                            json_object_get(data, "evidence"), &why);
        if (er == ER_NOT_FOUND)
            why.why = "there is no such question";
        end(s, c, er, JUDGED_ANSWERED, &sc, &why);
    }
    json_decref(data);
}

/* The queue */

struct queue {
    struct store *store;
    struct api_page page;
    uint64_t unix_us;
    uint64_t number;
};

static size_t count_of(const json_t *list, const char *member, const char *value)
{
    size_t i, count = 0;
    const json_t *o;
    json_array_foreach(list, i, o)
    {
        const char *is = json_string_value(json_object_get(o, member));
        count += is && strcmp(is, value) == 0;
    }
    return count;
}

/** When the first of those that may be answered yet runs out; NULL: none. Borrowed. */
static json_t *next_due(const json_t *questions)
{
    size_t i;
    const json_t *q;
    json_t *first = NULL;
    json_array_foreach(questions, i, q)
    {
        json_t *at = json_object_get(q, "due_at");
        const char *state = json_string_value(json_object_get(q, "state"));
        bool open = at && state && strcmp(state, "open") == 0;
        if (open && (!first || strcmp(json_string_value(at), json_string_value(first)) < 0))
            first = at;
    }
    return first;
}

static json_t *entry_json(const struct store_case *sc, const json_t *dispute)
{
    const json_t *statements = json_object_get(dispute, "statements");
    const json_t *questions = json_object_get(dispute, "questions");
    const json_t *appeal = json_object_get(dispute, "appeal");
    const json_t *first = appeal ? appeal : json_array_get(statements, 0);
    const json_t *review = json_object_get(dispute, "review");
    const json_t *outcome = json_object_get(sc->more, "outcome");
    json_t *o = json_pack(
        "{s:s,s:s,s:s,s:s,s:s,s:s,s:i,s:O*,s:O*,s:b,s:O*,s:O*,s:{s:I,s:I},s:{s:I,s:I,s:O*},s:b}",
        "case", sc->id.text, "number", sc->number, "title", sc->title, "kind",
        case_kind_name(sc->kind), "state", case_state_name(sc->state), "language", sc->language,
        "priority", sc->priority, "since", json_object_get(first, "at"), "by",
        json_object_get(first, "side"), "appeal", appeal != NULL, "amount",
        json_object_get(outcome, "amount"), "reviewer", json_object_get(review, "by"), "statements",
        "buyer", (json_int_t)count_of(statements, "side", "buyer"), "merchant",
        (json_int_t)count_of(statements, "side", "merchant"), "questions", "open",
        (json_int_t)count_of(questions, "state", "open"), "overdue",
        (json_int_t)count_of(questions, "state", "overdue"), "next_due_at", next_due(questions),
        "overdue", json_object_get(sc->more, "overdue") != NULL);
    char due[CLOCK_TEXT_BYTES];
    clock_format(sc->due_us, due);
    if (o && sc->due_us)
        (void)json_object_set_new(o, "due_at", json_string(due));
    return o;
}

static void queue_add(void *ctx, const struct store_case *sc)
{
    struct queue *q = ctx;
    json_t *dispute;
    if (!api_page_takes(&q->page, ++q->number) || store_dispute_read(q->store, sc, &dispute))
        return;
    (void)dispute_date(dispute, q->unix_us);
    (void)json_array_append_new(q->page.items, entry_json(sc, dispute));
    json_decref(dispute);
}

void api_disputes_list(struct store *s, struct api_call *c)
{
    enum role role = c->claims.role;
    struct queue q = {.store = s, .unix_us = c->unix_us};
    if (!api_role_may(c, role_describe(role)->rules || role == ROLE_SUPERVISOR,
                      "the queue of disputes is for arbiter and supervisor") ||
        !api_role_may(c, !claims_is_bound(&c->claims),
                      "a token for one case or room says nothing about the others") ||
        !api_page_read(c, &q.page))
        return;
    q.number = q.page.after;
    int er = store_disputes_list(s, c->claims.merchant, q.page.after, q.page.limit + 1, queue_add,
                                 &q);
    api_page_answer(c, er, &q.page);
}
