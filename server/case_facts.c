// SPDX-License-Identifier: Apache-2.0
/* The table of facts, and the three ways through it: read, compare, apply. */
#include "server/case_facts.h"

#include <string.h>

#include "base/er.h"
#include "base/json.h"
#include "base/str.h"
#include "server/store.h"
#include "signaling/pairing/queue.h"

#define BAG_BYTES 65536 /* of `order` and of `purchase_evidence` */

enum fact_type { FACT_TEXT, FACT_NUMBER, FACT_LANGUAGE, FACT_LANGUAGES, FACT_OBJECT, FACT_LIST };

/* Where a fact is kept: in a member of the case, else in `more` under its name. */
enum fact_place { IN_MORE, IN_TITLE, IN_LANGUAGE, IN_PRIORITY };

static const struct fact {
    const char *name;
    enum fact_type type;
    size_t max; /* bytes, or the largest number */
    enum fact_place place;
    const char *why; /* what to say when it is wrong */
} facts[] = {
    {"title", FACT_TEXT, LIMIT_NAME, IN_TITLE, "`title` is a text of 1 to 200 bytes"},
    {"language", FACT_LANGUAGE, 35, IN_LANGUAGE, "`language` is a BCP 47 tag"},
    {"priority", FACT_NUMBER, 9, IN_PRIORITY, "`priority` is a number from 0 to 9"},
    {"languages", FACT_LANGUAGES, QUEUE_LANGUAGE_BYTES - 1, IN_MORE,
     "`languages` is a list of up to 4 BCP 47 tags"},
    {"team", FACT_TEXT, QUEUE_WORD_BYTES - 1, IN_MORE, "`team` is no text, or too long"},
    {"preferred_agent", FACT_TEXT, LIMIT_IDENTITY, IN_MORE,
     "`preferred_agent` is no text, or too long"},
    {"certificate_level", FACT_NUMBER, 9, IN_MORE, "`certificate_level` is a number from 0 to 9"},
    {"reason", FACT_TEXT, LIMIT_CHAT_BYTES, IN_MORE, "`reason` is no text, or too long"},
    {"tier", FACT_TEXT, 64, IN_MORE, "`tier` is no text, or too long"},
    {"category", FACT_TEXT, 200, IN_MORE, "`category` is no text, or too long"},
    {"brand", FACT_TEXT, 200, IN_MORE, "`brand` is no text, or too long"},
    {"order", FACT_OBJECT, BAG_BYTES, IN_MORE, "`order` is an object of 64 KiB at most"},
    {"purchase_evidence", FACT_LIST, BAG_BYTES, IN_MORE,
     "`purchase_evidence` is a list of 64 KiB at most"},
};
#define FACTS (sizeof facts / sizeof facts[0])

static const struct fact *fact_find(const char *name)
{
    for (size_t i = 0; i < FACTS; i++) {
        if (strcmp(facts[i].name, name) == 0)
            return &facts[i];
    }
    return NULL;
}

static bool tag_ok(const json_t *v, size_t max)
{
    const char *text = json_string_value(v);
    return text && text[0] && json_string_length(v) <= max &&
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") ==
               json_string_length(v);
}

static bool tags_ok(const json_t *v, size_t max)
{
    if (!json_is_array(v) || json_array_size(v) > QUEUE_LANGUAGES)
        return false;
    for (size_t i = 0; i < json_array_size(v); i++) {
        if (!tag_ok(json_array_get(v, i), max))
            return false;
    }
    return true;
}

static bool fact_ok(const struct fact *f, const json_t *v)
{
    switch (f->type) {
    case FACT_TEXT:
        return json_is_string(v) && json_string_length(v) <= f->max &&
               utf8_is_clean(json_string_value(v), json_string_length(v)) &&
               (f->place != IN_TITLE || json_string_length(v) > 0);
    case FACT_NUMBER:
        return json_is_integer(v) && json_integer_value(v) >= 0 &&
               json_integer_value(v) <= (json_int_t)f->max;
    case FACT_LANGUAGE:
        return tag_ok(v, f->max);
    case FACT_LANGUAGES:
        return tags_ok(v, f->max);
    case FACT_OBJECT:
    case FACT_LIST:
        return (f->type == FACT_LIST ? json_is_array(v) : json_is_object(v)) &&
               json_dumpb(v, NULL, 0, JSON_COMPACT) <= f->max;
    }
    return false;
}

/** A new reference; NULL: not known, or no memory. */
static json_t *fact_get(const struct store_case *sc, const struct fact *f)
{
    switch (f->place) {
    case IN_TITLE:
        return json_string(sc->title);
    case IN_LANGUAGE:
        return sc->language[0] ? json_string(sc->language) : NULL;
    case IN_PRIORITY:
        return json_integer(sc->priority);
    case IN_MORE:
        break;
    }
    return json_incref(json_object_get(sc->more, f->name));
}

/** `v`, which is good, or NULL: no longer known. */
static int fact_put(struct store_case *sc, const struct fact *f, json_t *v)
{
    const char *text = json_is_string(v) ? json_string_value(v) : "";
    switch (f->place) {
    case IN_TITLE:
        return str_copy(sc->title, sizeof sc->title, text) ? ER_NOMEM : 0;
    case IN_LANGUAGE:
        return str_copy(sc->language, sizeof sc->language, text) ? ER_NOMEM : 0;
    case IN_PRIORITY:
        sc->priority = (int)json_integer_value(v);
        return 0;
    case IN_MORE:
        break;
    }
    if (v)
        return json_object_set(sc->more, f->name, v) ? ER_NOMEM : 0;
    (void)json_object_del(sc->more, f->name);
    return 0;
}

const char *case_facts_read(const json_t *body, struct store_case *sc)
{
    if (!sc->more && !(sc->more = json_object()))
        return "";
    for (size_t i = 0; i < FACTS; i++) {
        json_t *v = json_object_get(body, facts[i].name);
        if (!v && facts[i].place != IN_TITLE)
            continue;
        if (!fact_ok(&facts[i], v))
            return facts[i].why;
        if (fact_put(sc, &facts[i], v))
            return "";
    }
    return NULL;
}

/** Nobody can do without a title, or be without a priority. */
static const char *patch_ok(const struct fact *f, const json_t *v)
{
    if (!f)
        return "only facts can be changed: title, reason, language, languages, priority, tier,"
               " category, brand, certificate_level, team, preferred_agent, order,"
               " purchase_evidence";
    if (json_is_null(v))
        return f->place == IN_TITLE || f->place == IN_PRIORITY ? f->why : NULL;
    return fact_ok(f, v) ? NULL : f->why;
}

static int change_add(json_t *changes, const struct fact *f, json_t *from, json_t *to)
{
    if (from == to || (from && to && json_equal(from, to)))
        return 0;
    json_t *o = json_object();
    if (json_object_set_new(changes, f->name, o) || (from && json_object_set(o, "from", from)) ||
        (to && json_object_set(o, "to", to)))
        return ER_NOMEM;
    return 0;
}

const char *case_facts_diff(const struct store_case *sc, const json_t *patch, json_t **ret)
{
    const char *name, *why = NULL;
    json_t *v, *changes = json_object();
    if (!changes)
        return "";
    json_object_foreach((json_t *)(uintptr_t)patch, name, v)
    {
        const struct fact *f = fact_find(name);
        why = patch_ok(f, v);
        if (why)
            break;
        json_t *from = fact_get(sc, f);
        int er = change_add(changes, f, from, json_is_null(v) ? NULL : v);
        json_decref(from);
        if (er) {
            why = "";
            break;
        }
    }
    if (!why) {
        *ret = changes;
        return NULL;
    }
    json_decref(changes);
    return why;
}

int case_facts_apply(struct store_case *sc, const json_t *changes)
{
    const char *name;
    json_t *change;
    json_object_foreach((json_t *)(uintptr_t)changes, name, change)
    {
        const struct fact *f = fact_find(name);
        int er = f ? fact_put(sc, f, json_object_get(change, "to")) : 0;
        if (er)
            return er;
    }
    return 0;
}
