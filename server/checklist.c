// SPDX-License-Identifier: Apache-2.0
/* Checklists: what is taken from strangers, and which one fits. */
#include "server/checklist.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/str.h"

#define TITLE_BYTES 200
#define HINT_BYTES 500
#define WORD_BYTES 64

static const char *const evidences[] = {
    [CHECKLIST_STILL] = "still", [CHECKLIST_CLIP] = "clip", [CHECKLIST_ANY] = "any"};

static bool word_ok(const char *text, const char *letters)
{
    size_t len = text ? strlen(text) : 0;
    return len > 0 && len < CHECKLIST_ID_BYTES && strspn(text, letters) == len;
}

bool checklist_id_ok(const char *id)
{
    return word_ok(id, "abcdefghijklmnopqrstuvwxyz0123456789-");
}

/** A text in English, and in Chinese if there is one; NULL: it is none. */
static json_t *texts_clean(const json_t *v, size_t max)
{
    const char *en = json_text(v, "en", max), *zh = json_text(v, "zh", max);
    if (!en || !en[0] || (json_object_get(v, "zh") && (!zh || !zh[0])))
        return NULL;
    json_t *o = json_pack("{s:s}", "en", en);
    if (o && zh)
        (void)json_object_set_new(o, "zh", json_string(zh));
    return o;
}

/** Short words, at least `least`; NULL: it is no such list. */
static json_t *words_clean(const json_t *v, size_t least)
{
    size_t count = json_array_size(v);
    json_t *list = json_array();
    bool good = (!v || json_is_array(v)) && count >= least && count <= LIMIT_CHECKLIST_WORDS;
    for (size_t i = 0; good && i < count; i++) {
        const json_t *word = json_array_get(v, i);
        const char *text = json_string_value(word);
        size_t len = json_string_length(word);
        good = text && len > 0 && len <= WORD_BYTES && utf8_is_clean(text, len) &&
               json_array_append_new(list, json_string(text)) == 0;
    }
    if (good)
        return list;
    json_decref(list);
    return NULL;
}

static const char *evidence_clean(const json_t *v)
{
    const char *word = v ? json_string_value(v) : evidences[CHECKLIST_ANY];
    for (size_t i = 0; word && i < sizeof evidences / sizeof evidences[0]; i++) {
        if (strcmp(word, evidences[i]) == 0)
            return evidences[i];
    }
    return NULL;
}

static json_t *point_clean(const json_t *v, const char **why)
{
    const char *id = json_text(v, "id", CHECKLIST_ID_BYTES);
    const char *evidence = evidence_clean(json_object_get(v, "evidence"));
    const json_t *asked = json_object_get(v, "hint"), *optional = json_object_get(v, "optional");
    json_t *title = texts_clean(json_object_get(v, "title"), TITLE_BYTES);
    json_t *hint = asked ? texts_clean(asked, HINT_BYTES) : NULL;
    json_t *o = NULL;
    if (!word_ok(id, "abcdefghijklmnopqrstuvwxyz0123456789-_"))
        *why = "a point's `id` is of 1 to 32 lower-case letters, digits, '-' and '_'";
    else if (!title || (asked && !hint))
        *why = "a point's `title` and `hint` are {\"en\", \"zh\"?}, of 200 and 500 bytes at most";
    else if (!evidence)
        *why = "a point's `evidence` is still, clip or any";
    else if (optional && !json_is_boolean(optional))
        *why = "a point's `optional` is true or false";
    else
        o = json_pack("{s:s,s:O,s:s}", "id", id, "title", title, "evidence", evidence);
    if (o && hint)
        (void)json_object_set(o, "hint", hint);
    if (o && json_is_true(optional))
        (void)json_object_set_new(o, "optional", json_true());
    json_decref(title);
    json_decref(hint);
    return o;
}

static json_t *points_clean(const json_t *v, const char **why)
{
    size_t count = json_array_size(v);
    json_t *list = json_array(), *seen = json_object();
    bool good = list && seen && count > 0 && count <= LIMIT_CHECKLIST_POINTS;
    *why = "`points` is a list of 1 to 64";
    for (size_t i = 0; good && i < count; i++) {
        json_t *point = point_clean(json_array_get(v, i), why);
        const char *id = json_string_value(json_object_get(point, "id"));
        good = id != NULL;
        if (good && json_object_get(seen, id)) {
            *why = "two points have the same `id`";
            good = false;
        }
        if (good)
            (void)json_object_set_new(seen, id, json_true());
        if (point)
            (void)json_array_append_new(list, point);
    }
    json_decref(seen);
    if (good)
        return list;
    json_decref(list);
    return NULL;
}

int checklist_make(const json_t *body, const char *id, unsigned version, json_t **ret,
                   const char **ret_why)
{
    const char *why = NULL;
    *ret = NULL;
    json_t *points = points_clean(json_object_get(body, "points"), &why);
    json_t *name = texts_clean(json_object_get(body, "name"), TITLE_BYTES);
    json_t *categories = words_clean(json_object_get(body, "categories"), 1);
    json_t *brands = words_clean(json_object_get(body, "brands"), 0);
    if (!name)
        why = "`name` is {\"en\", \"zh\"?}, of 200 bytes at most";
    else if (!categories || !brands)
        why = "`categories` (at least one) and `brands` are lists of up to 32 words of 64 bytes";
    if (points && name && categories && brands)
        *ret = json_pack("{s:s,s:I,s:O,s:O,s:O,s:O}", "id", id, "version", (json_int_t)version,
                         "name", name, "categories", categories, "brands", brands, "points",
                         points);
    bool good = points && name && categories && brands;
    json_decref(points);
    json_decref(name);
    json_decref(categories);
    json_decref(brands);
    *ret_why = good ? "" : why;
    return *ret ? 0 : good ? ER_NOMEM : ER_MALFORMED;
}

int checklist_hash(const json_t *document, char ret[CHECKLIST_HASH_BYTES])
{
    uint8_t hash[32];
    char *text = json_canonical(document);
    int good = text && EVP_Digest(text, strlen(text), hash, NULL, EVP_sha256(), NULL);
    free(text);
    if (good)
        hex_encode(ret, hash, sizeof hash);
    return good ? 0 : ER_NOMEM;
}

static bool is_among(const json_t *words, const char *text)
{
    struct span is = span_trim(span_of(text ? text : ""));
    for (size_t i = 0; is.len && i < json_array_size(words); i++) {
        const char *word = json_string_value(json_array_get(words, i));
        if (word && span_equal_nocase(is, word))
            return true;
    }
    return false;
}

unsigned checklist_fits(const json_t *document, const char *category, const char *brand)
{
    const json_t *brands = json_object_get(document, "brands");
    if (!is_among(json_object_get(document, "categories"), category))
        return 0;
    if (json_array_size(brands) == 0)
        return 1;
    return is_among(brands, brand) ? 2 : 0;
}

const json_t *checklist_point(const json_t *document, const char *point)
{
    const json_t *points = json_object_get(document, "points");
    for (size_t i = 0; point && i < json_array_size(points); i++) {
        const json_t *p = json_array_get(points, i);
        const char *id = json_string_value(json_object_get(p, "id"));
        if (id && strcmp(id, point) == 0)
            return p;
    }
    return NULL;
}

enum checklist_evidence checklist_point_evidence(const json_t *point)
{
    const char *word = json_string_value(json_object_get(point, "evidence"));
    for (size_t i = 0; word && i < sizeof evidences / sizeof evidences[0]; i++) {
        if (strcmp(word, evidences[i]) == 0)
            return (enum checklist_evidence)i;
    }
    return CHECKLIST_ANY;
}
