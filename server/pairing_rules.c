// SPDX-License-Identifier: Apache-2.0
/* The document of a merchant's wishes for pairing, read and checked. */
#include "server/pairing_rules.h"

#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/limits.h"

#define SECONDS_MAX 86400
#define EXTENSIONS_MAX 100
#define TEAMS_MAX 64
#define FIRST_LINE_MAX 64
#define WORD_MAX 64

static const struct wrap_rule usual = {
    .required = true, .seconds = 120, .extension_seconds = 120, .extensions = 3};

static const char *const dispositions[] = {
    "solved",       "follow_up",   "call_back", "escalated", "no_answer",
    "disconnected", "wrong_goods", "technical", "other",
};
#define DISPOSITIONS (sizeof dispositions / sizeof dispositions[0])

const char *wrap_disposition(unsigned i)
{
    return i < DISPOSITIONS ? dispositions[i] : NULL;
}

bool wrap_disposition_ok(const char *word)
{
    for (unsigned i = 0; word && i < DISPOSITIONS; i++) {
        if (strcmp(dispositions[i], word) == 0)
            return true;
    }
    return false;
}

/* Checking */

static bool number_ok(const json_t *v, json_int_t least, json_int_t most)
{
    return json_is_integer(v) && json_integer_value(v) >= least && json_integer_value(v) <= most;
}

static const char *wrap_check(const json_t *wrap, bool of_team);

static const char *teams_check(const json_t *teams)
{
    const char *name, *why = NULL;
    json_t *v;
    if (!json_is_object(teams) || json_object_size(teams) > TEAMS_MAX)
        return "`teams` is an object of up to 64 teams";
    json_object_foreach((json_t *)(uintptr_t)teams, name, v)
    {
        if (!name[0] || strlen(name) > WORD_MAX)
            return "a team's name is a text of 1 to 64 bytes";
        if ((why = wrap_check(v, true)))
            return why;
    }
    return NULL;
}

static const char *wrap_check(const json_t *wrap, bool of_team)
{
    const char *name;
    json_t *v;
    if (!json_is_object(wrap))
        return "`wrap_up` is an object";
    json_object_foreach((json_t *)(uintptr_t)wrap, name, v)
    {
        const char *why = NULL;
        if (strcmp(name, "required") == 0)
            why = json_is_boolean(v) ? NULL : "`required` is true or false";
        else if (strcmp(name, "seconds") == 0)
            why = number_ok(v, 1, SECONDS_MAX) ? NULL : "`seconds` is a number from 1 to 86400";
        else if (strcmp(name, "extension_seconds") == 0)
            why = number_ok(v, 1, SECONDS_MAX) ? NULL
                                               : "`extension_seconds` is a number from 1 to 86400";
        else if (strcmp(name, "extensions") == 0)
            why = number_ok(v, 0, EXTENSIONS_MAX) ? NULL : "`extensions` is a number from 0 to 100";
        else if (strcmp(name, "teams") == 0 && !of_team)
            why = teams_check(v);
        else
            why = "`wrap_up` has required, seconds, extension_seconds, extensions and teams";
        if (why)
            return why;
    }
    return NULL;
}

static const char *first_line_check(const json_t *list)
{
    static const char why[] = "`first_line` is a list of up to 64 {\"kind\"?, \"category\"?}";
    if (!json_is_array(list) || json_array_size(list) > FIRST_LINE_MAX)
        return why;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        const json_t *kind = json_object_get(one, "kind");
        const json_t *category = json_object_get(one, "category");
        enum case_kind known;
        if (!json_is_object(one) ||
            json_object_size(one) != (size_t)(kind != NULL) + (category != NULL) ||
            (kind && case_kind_parse(json_string_value(kind), &known)) ||
            (category && !json_text(one, "category", WORD_MAX)))
            return why;
    }
    return NULL;
}

const char *pairing_rules_check(const json_t *rules)
{
    const char *name, *why = NULL;
    json_t *v;
    if (!json_is_object(rules))
        return "an object is needed";
    json_object_foreach((json_t *)(uintptr_t)rules, name, v)
    {
        if (strcmp(name, "wrap_up") == 0)
            why = wrap_check(v, false);
        else if (strcmp(name, "first_line") == 0)
            why = first_line_check(v);
        else
            why = "members are `wrap_up` and `first_line`";
        if (why)
            return why;
    }
    return NULL;
}

/* Reading */

static void take_number(const json_t *from, const char *name, unsigned *into)
{
    const json_t *v = json_object_get(from, name);
    if (json_is_integer(v))
        *into = (unsigned)json_integer_value(v);
}

static void take(const json_t *wrap, struct wrap_rule *into)
{
    const json_t *required = json_object_get(wrap, "required");
    if (json_is_boolean(required))
        into->required = json_is_true(required);
    take_number(wrap, "seconds", &into->seconds);
    take_number(wrap, "extension_seconds", &into->extension_seconds);
    take_number(wrap, "extensions", &into->extensions);
}

void pairing_rules_wrap(const json_t *rules, const char *team, struct wrap_rule *ret)
{
    const json_t *wrap = json_object_get(rules, "wrap_up");
    *ret = usual;
    take(wrap, ret);
    take(json_object_get(json_object_get(wrap, "teams"), team), ret);
}

bool pairing_rules_bot_first(const json_t *rules, enum case_kind kind, const char *category)
{
    const json_t *list = json_object_get(rules, "first_line");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        const char *of_kind = json_string_value(json_object_get(one, "kind"));
        const char *of_category = json_string_value(json_object_get(one, "category"));
        if ((!of_kind || strcmp(of_kind, case_kind_name(kind)) == 0) &&
            (!of_category || (category && strcasecmp(of_category, category) == 0)))
            return true;
    }
    return false;
}

json_t *pairing_rules_whole(const json_t *rules)
{
    struct wrap_rule rule;
    pairing_rules_wrap(rules, "", &rule);
    const json_t *teams = json_object_get(json_object_get(rules, "wrap_up"), "teams");
    json_t *first = json_object_get(rules, "first_line");
    json_t *wrap = json_pack("{s:b,s:i,s:i,s:i,s:o}", "required", rule.required, "seconds",
                             (int)rule.seconds, "extension_seconds", (int)rule.extension_seconds,
                             "extensions", (int)rule.extensions, "teams",
                             teams ? json_deep_copy(teams) : json_object());
    return json_pack("{s:o,s:o}", "wrap_up", wrap, "first_line",
                     first ? json_deep_copy(first) : json_array());
}
