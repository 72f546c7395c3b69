// SPDX-License-Identifier: Apache-2.0
/* The table of transitions, and the checks of what comes with each. */
#include "server/cases.h"

#include <string.h>

#include "base/er.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/str.h"

#define IN(state) (1u << (state))
#define BY(role) (1u << (role))

#define STAFF (BY(ROLE_AGENT) | BY(ROLE_APPRAISER) | BY(ROLE_HOST))
#define BACK (BY(ROLE_SERVICE))

#define BEFORE_AGREED (IN(CASE_OPEN) | IN(CASE_WAITING) | IN(CASE_IN_CALL) | IN(CASE_PROPOSED))

/* There is an outcome to have an opinion of. */
#define SETTLED (IN(CASE_AGREED) | IN(CASE_RULED) | IN(CASE_EXECUTED) | IN(CASE_CLOSED))

/* People may go on talking while an outcome is being settled; the case stays where it is. */
#define SETTLING                                                                                   \
    (IN(CASE_PROPOSED) | IN(CASE_AGREED) | IN(CASE_DISPUTED) | IN(CASE_IN_REVIEW) |                \
     IN(CASE_RULED) | IN(CASE_EXECUTED))

static const struct {
    const char *name;
    const char *event;
    unsigned from;  /* states it leads out of */
    unsigned roles; /* none: the conductor's own */
    unsigned to;
    unsigned keeps; /* states in which it happens too, and changes nothing but the timeline */
} actions[CASE_ACTIONS] = {
    [CASE_PROPOSE] = {"propose", "outcome_proposed",
                      IN(CASE_OPEN) | IN(CASE_WAITING) | IN(CASE_IN_CALL) | IN(CASE_PROPOSED) |
                          IN(CASE_DISPUTED),
                      STAFF, CASE_PROPOSED},
    [CASE_AGREE] = {"agree", "outcome_agreed", IN(CASE_PROPOSED), BY(ROLE_BUYER), CASE_AGREED},
    /* What is executed at once, a verdict, is disputed afterwards; nothing else that is (dispute.h). */
    [CASE_DISPUTE] = {"dispute", "outcome_disputed",
                      IN(CASE_PROPOSED) | IN(CASE_EXECUTED) | IN(CASE_CLOSED),
                      BY(ROLE_BUYER) | STAFF | BACK, CASE_DISPUTED},
    /* Another arbiter may take a review over. */
    [CASE_REVIEW] = {"review", "review_started", IN(CASE_DISPUTED) | IN(CASE_IN_REVIEW),
                     BY(ROLE_ARBITER), CASE_IN_REVIEW},
    [CASE_RULE] = {"rule", "ruled", IN(CASE_IN_REVIEW), BY(ROLE_ARBITER), CASE_RULED},
    [CASE_EXECUTE] = {"execute", "executed", IN(CASE_AGREED) | IN(CASE_RULED), STAFF | BACK,
                      CASE_EXECUTED},
    [CASE_CLOSE] = {"close", "closed", IN(CASE_EXECUTED), STAFF | BY(ROLE_ARBITER) | BACK,
                    CASE_CLOSED},
    [CASE_CANCEL] = {"cancel", "cancelled", BEFORE_AGREED, BY(ROLE_BUYER) | STAFF | BACK,
                     CASE_CANCELLED},
    [CASE_REOPEN] = {"reopen", "reopened", IN(CASE_CLOSED) | IN(CASE_CANCELLED), STAFF | BACK,
                     CASE_OPEN},
    [CASE_RATE] = {"rate", "rated", 0, BY(ROLE_BUYER), 0, SETTLED},
    [CASE_APPEAL] = {"appeal", "appealed", IN(CASE_RULED) | IN(CASE_EXECUTED) | IN(CASE_CLOSED),
                     BY(ROLE_BUYER) | STAFF | BACK, CASE_DISPUTED},
    [CASE_VERDICT] = {"verdict", "verdict_given",
                      IN(CASE_OPEN) | IN(CASE_WAITING) | IN(CASE_IN_CALL), BY(ROLE_APPRAISER),
                      CASE_EXECUTED},
    [CASE_TRANSFER] = {"transfer", "transferred", 0,
                       STAFF | BY(ROLE_SUPERVISOR) | BACK | BY(ROLE_BOT), 0,
                       IN(CASE_OPEN) | IN(CASE_WAITING) | IN(CASE_IN_CALL)},
    [CASE_WAIT] = {"wait", "waiting_started", IN(CASE_OPEN), 0, CASE_WAITING, SETTLING},
    [CASE_STOP_WAIT] = {"stop_wait", "waiting_stopped", IN(CASE_WAITING), 0, CASE_OPEN,
                        ~IN(CASE_WAITING)},
    [CASE_START_CALL] = {"start_call", "call_started", IN(CASE_OPEN) | IN(CASE_WAITING), 0,
                         CASE_IN_CALL, SETTLING},
    [CASE_END_CALL] = {"end_call", "call_ended", IN(CASE_IN_CALL), 0, CASE_OPEN, ~IN(CASE_IN_CALL)},
    [CASE_TAKE_CALL] = {"take_call", "call_taken_over", IN(CASE_IN_CALL), 0, CASE_IN_CALL,
                        SETTLING | IN(CASE_OPEN) | IN(CASE_WAITING)},
    [CASE_EXPIRE] = {"expire", "expired", IN(CASE_OPEN), 0, CASE_CANCELLED},
    [CASE_LAPSE] = {"lapse", "proposal_lapsed", IN(CASE_PROPOSED), 0, CASE_OPEN},
    [CASE_OVERDUE] = {"overdue", "overdue", 0, 0, 0,
                      IN(CASE_AGREED) | IN(CASE_DISPUTED) | IN(CASE_IN_REVIEW) | IN(CASE_RULED)},
};

static const char *const states[CASE_STATES] = {
    [CASE_OPEN] = "open",           [CASE_WAITING] = "waiting",     [CASE_IN_CALL] = "in_call",
    [CASE_PROPOSED] = "proposed",   [CASE_AGREED] = "agreed",       [CASE_DISPUTED] = "disputed",
    [CASE_IN_REVIEW] = "in_review", [CASE_RULED] = "ruled",         [CASE_EXECUTED] = "executed",
    [CASE_CLOSED] = "closed",       [CASE_CANCELLED] = "cancelled",
};

static const char *const kinds[CASE_KINDS] = {
    [CASE_INSPECTION] = "inspection",
    [CASE_AUTHENTICATION] = "authentication",
    [CASE_LIVE] = "live",
};

static int name_find(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; name && i < count; i++) {
        if (strcmp(names[i], name) == 0)
            return (int)i;
    }
    return ER_NOT_FOUND;
}

const char *case_state_name(enum case_state state)
{
    return (unsigned)state < CASE_STATES ? states[state] : "unknown";
}

int case_state_parse(const char *name, enum case_state *ret)
{
    int i = name_find(states, CASE_STATES, name);
    if (i < 0)
        return i;
    *ret = (enum case_state)i;
    return 0;
}

const char *case_kind_name(enum case_kind kind)
{
    return (unsigned)kind < CASE_KINDS ? kinds[kind] : "unknown";
}

int case_kind_parse(const char *name, enum case_kind *ret)
{
    int i = name_find(kinds, CASE_KINDS, name);
    if (i < 0)
        return i;
    *ret = (enum case_kind)i;
    return 0;
}

const char *case_action_name(enum case_action action)
{
    return (unsigned)action < CASE_ACTIONS ? actions[action].name : "unknown";
}

int case_action_parse(const char *name, enum case_action *ret)
{
    for (unsigned i = 0; name && i < CASE_ACTIONS; i++) {
        if (actions[i].roles && strcmp(actions[i].name, name) == 0) {
            *ret = (enum case_action)i;
            return 0;
        }
    }
    return ER_NOT_FOUND;
}

const char *case_action_event(enum case_action action)
{
    return (unsigned)action < CASE_ACTIONS ? actions[action].event : "unknown";
}

bool case_role_may(enum case_action action, enum role role)
{
    return (unsigned)action < CASE_ACTIONS && (unsigned)role < ROLE_COUNT &&
           (actions[action].roles & BY(role));
}

int case_next(enum case_action action, enum case_state from, enum case_state *ret)
{
    if ((unsigned)action >= CASE_ACTIONS || (unsigned)from >= CASE_STATES ||
        !((actions[action].from | actions[action].keeps) & IN(from)))
        return ER_CONFLICT;
    *ret = actions[action].from & IN(from) ? (enum case_state)actions[action].to : from;
    return 0;
}

unsigned case_states_for(enum case_action action)
{
    if ((unsigned)action >= CASE_ACTIONS)
        return 0;
    return actions[action].from ? actions[action].from : actions[action].keeps;
}

/* What comes with an action */

enum field_type {
    FIELD_TEXT,
    FIELD_PERSON,
    FIELD_TEAM,
    FIELD_MODE,
    FIELD_OUTCOME,
    FIELD_LIABILITY,
    FIELD_MONEY,
    FIELD_GROUNDS,
    FIELD_SCORE,
    FIELD_FLAG,
    FIELD_VERDICT,
    FIELD_EVIDENCE
};

struct field {
    const char *name;
    enum field_type type;
    bool required;
    const char *why; /* what to say when it is wrong */
};

#define FIELDS_MAX 6

static const struct field fields[CASE_ACTIONS][FIELDS_MAX] = {
    [CASE_PROPOSE] = {{"outcome", FIELD_OUTCOME, true, "`outcome` is not one that is known"},
                      {"amount", FIELD_MONEY, false, "`amount` is not {\"value\",\"currency\"}"},
                      {"note", FIELD_TEXT, false, "`note` is not a text of at most 4000 bytes"}},
    [CASE_AGREE] = {{"note", FIELD_TEXT, false, "`note` is not a text of at most 4000 bytes"}},
    [CASE_DISPUTE] = {{"statement", FIELD_TEXT, true,
                       "`statement` is not a text of at most 4000 bytes"},
                      {"evidence", FIELD_EVIDENCE, false,
                       "`evidence` is not a list of up to 32 hashes"}},
    [CASE_APPEAL] = {{"statement", FIELD_TEXT, true,
                      "`statement` is not a text of at most 4000 bytes"},
                     {"evidence", FIELD_EVIDENCE, false,
                      "`evidence` is not a list of up to 32 hashes"}},
    [CASE_REVIEW] = {{"note", FIELD_TEXT, false, "`note` is not a text of at most 4000 bytes"}},
    [CASE_RULE] = {{"liability", FIELD_LIABILITY, true, "`liability` is not one that is known"},
                   {"remedy", FIELD_OUTCOME, true, "`remedy` is not one that is known"},
                   {"amount", FIELD_MONEY, false, "`amount` is not {\"value\",\"currency\"}"},
                   {"grounds", FIELD_GROUNDS, true,
                    "`grounds` is not a list of {\"text\",\"evidence\"?}"},
                   {"advance_payment", FIELD_FLAG, false, "`advance_payment` is not true or false"},
                   {"verdict_stands", FIELD_FLAG, false, "`verdict_stands` is not true or false"}},
    [CASE_EXECUTE] = {{"reference", FIELD_TEXT, false,
                       "`reference` is not a text of at most 4000 bytes"},
                      {"amount", FIELD_MONEY, false, "`amount` is not {\"value\",\"currency\"}"}},
    [CASE_CLOSE] = {{"note", FIELD_TEXT, false, "`note` is not a text of at most 4000 bytes"}},
    [CASE_CANCEL] = {{"reason", FIELD_TEXT, false, "`reason` is not a text of at most 4000 bytes"}},
    [CASE_REOPEN] = {{"reason", FIELD_TEXT, false, "`reason` is not a text of at most 4000 bytes"}},
    [CASE_RATE] = {{"score", FIELD_SCORE, true, "`score` is not a number from 1 to 5"},
                   {"text", FIELD_TEXT, false, "`text` is not a text of at most 4000 bytes"},
                   {"resolved", FIELD_FLAG, false, "`resolved` is not true or false"}},
    [CASE_VERDICT] = {{"verdict", FIELD_VERDICT, true,
                       "`verdict` is genuine, counterfeit or inconclusive"},
                      {"grounds", FIELD_GROUNDS, true,
                       "`grounds` is a list of {\"text\",\"evidence\"?}"}},
    [CASE_TRANSFER] = {{"agent", FIELD_PERSON, false, "`agent` is not an identity"},
                       {"team", FIELD_TEAM, false, "`team` is not a text of at most 64 bytes"},
                       {"mode", FIELD_MODE, false, "`mode` is not blind, warm or invite"},
                       {"note", FIELD_TEXT, false, "`note` is not a text of at most 4000 bytes"}},
};

static const char *const outcomes[] = {"refund", "partial_refund", "exchange", "repair",
                                       "return", "no_fault_found", "goodwill"};
static const char *const verdicts[] = {"genuine", "counterfeit", "inconclusive"};
static const char *const liabilities[] = {"merchant", "buyer", "carrier", "shared", "none"};
static const char *const modes[] = {"blind", "warm", "invite"};
#define COUNT(a) (sizeof(a) / sizeof(a)[0])

#define TEXT_MAX LIMIT_CHAT_BYTES
#define TEAM_MAX 64
#define GROUNDS_MAX 32
#define EVIDENCE_MAX 32

static json_t *text_clean(const json_t *v, size_t max)
{
    if (!json_is_string(v) || json_string_length(v) == 0 || json_string_length(v) > max ||
        !utf8_is_clean(json_string_value(v), json_string_length(v)))
        return NULL;
    return json_stringn(json_string_value(v), json_string_length(v));
}

static json_t *word_clean(const json_t *v, const char *const *words, size_t count)
{
    int i = json_is_string(v) ? name_find(words, count, json_string_value(v)) : -1;
    return i < 0 ? NULL : json_string(words[i]);
}

/** "120.00" with at most two decimals, not negative; a currency of three capitals. */
static json_t *money_clean(const json_t *v)
{
    const char *value = json_text(v, "value", 16);
    const char *currency = json_text(v, "currency", 3);
    if (!value || !currency || strlen(currency) != 3 ||
        strspn(currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 3)
        return NULL;
    size_t whole = strspn(value, "0123456789");
    const char *rest = value + whole;
    bool good = whole > 0 && whole <= 12 &&
                (!*rest || (*rest == '.' && strlen(rest) <= 3 && strlen(rest) >= 2 &&
                            strspn(rest + 1, "0123456789") == strlen(rest + 1)));
    return good ? json_pack("{s:s,s:s}", "value", value, "currency", currency) : NULL;
}

static json_t *evidence_clean(const json_t *v)
{
    if (!json_is_array(v) || json_array_size(v) > EVIDENCE_MAX)
        return NULL;
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(v); i++) {
        const char *hash = json_string_value(json_array_get(v, i));
        if (!hash || strlen(hash) != 64 || strspn(hash, "0123456789abcdef") != 64 ||
            json_array_append_new(list, json_string(hash))) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *ground_clean(const json_t *v)
{
    json_t *text = text_clean(json_object_get(v, "text"), TEXT_MAX);
    const json_t *asked = json_object_get(v, "evidence");
    json_t *evidence = asked ? evidence_clean(asked) : json_array();
    if (text && evidence)
        return json_pack("{s:o,s:o}", "text", text, "evidence", evidence);
    json_decref(text);
    json_decref(evidence);
    return NULL;
}

static json_t *grounds_clean(const json_t *v)
{
    if (!json_is_array(v) || json_array_size(v) == 0 || json_array_size(v) > GROUNDS_MAX)
        return NULL;
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(v); i++) {
        if (json_array_append_new(list, ground_clean(json_array_get(v, i)))) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *score_clean(const json_t *v)
{
    json_int_t score = json_integer_value(v);
    return score >= 1 && score <= 5 ? json_integer(score) : NULL;
}

static json_t *field_clean(const struct field *f, const json_t *v)
{
    switch (f->type) {
    case FIELD_TEXT:
        return text_clean(v, TEXT_MAX);
    case FIELD_PERSON:
        return text_clean(v, LIMIT_IDENTITY);
    case FIELD_TEAM:
        return text_clean(v, TEAM_MAX);
    case FIELD_MODE:
        return word_clean(v, modes, COUNT(modes));
    case FIELD_OUTCOME:
        return word_clean(v, outcomes, COUNT(outcomes));
    case FIELD_LIABILITY:
        return word_clean(v, liabilities, COUNT(liabilities));
    case FIELD_EVIDENCE:
        return evidence_clean(v);
    case FIELD_VERDICT:
        return word_clean(v, verdicts, COUNT(verdicts));
    case FIELD_MONEY:
        return money_clean(v);
    case FIELD_GROUNDS:
        return grounds_clean(v);
    case FIELD_SCORE:
        return score_clean(v);
    case FIELD_FLAG:
        return json_is_boolean(v) ? json_boolean(json_is_true(v)) : NULL;
    }
    return NULL;
}

bool case_verdict_ok(const char *word)
{
    return name_find(verdicts, COUNT(verdicts), word) >= 0;
}

int case_action_data(enum case_action action, const json_t *body, json_t **ret,
                     const char **ret_why)
{
    *ret = NULL;
    *ret_why = "";
    if ((unsigned)action >= CASE_ACTIONS)
        return ER_INVALID;
    json_t *data = json_object();
    if (!data)
        return ER_NOMEM;
    for (size_t i = 0; i < FIELDS_MAX && fields[action][i].name; i++) {
        const struct field *f = &fields[action][i];
        const json_t *v = json_object_get(body, f->name);
        if (!v && !f->required)
            continue;
        json_t *clean = v ? field_clean(f, v) : NULL;
        if (!clean || json_object_set_new(data, f->name, clean)) {
            *ret_why = f->why;
            json_decref(data);
            return ER_MALFORMED;
        }
    }
    *ret = data;
    return 0;
}
