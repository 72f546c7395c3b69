// SPDX-License-Identifier: Apache-2.0
/* Cases over HTTP: opening, listing, reading, and the actions people take on them. */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/json.h"
#include "base/str.h"
#include "server/api.h"
#include "server/http_range.h"
#include "signaling/pairing/queue.h"

#define BAG_BYTES 65536 /* of `order` and of `purchase_evidence` */
#define KEY_BYTES 200

/** A copy of an optional text member into more; false when it is a bad one. */
static bool take_text(const json_t *body, json_t *more, const char *name, size_t max)
{
    if (!json_object_get(body, name))
        return true;
    const char *text = json_text(body, name, max);
    return text && json_object_set_new(more, name, json_string(text)) == 0;
}

/** A copy of an optional object or list. */
static bool take_bag(const json_t *body, json_t *more, const char *name, json_type type)
{
    json_t *bag = json_object_get(body, name);
    if (!bag)
        return true;
    if (json_typeof(bag) != type || json_dumpb(bag, NULL, 0, JSON_COMPACT) > BAG_BYTES)
        return false;
    return json_object_set(more, name, bag) == 0;
}

static bool language_ok(const char *text)
{
    return text[0] &&
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") ==
               strlen(text);
}

/** What decides who gets the case, beside category, brand, tier and priority. NULL, or what is wrong. */
static const char *pairing_read(const json_t *body, json_t *more)
{
    const json_t *languages = json_object_get(body, "languages");
    if (!take_bag(body, more, "languages", JSON_ARRAY) ||
        json_array_size(languages) > QUEUE_LANGUAGES)
        return "`languages` is a list of up to 4 BCP 47 tags";
    for (size_t i = 0; i < json_array_size(languages); i++) {
        const char *tag = json_string_value(json_array_get(languages, i));
        if (!tag || strlen(tag) >= QUEUE_LANGUAGE_BYTES || !language_ok(tag))
            return "`languages` is a list of up to 4 BCP 47 tags";
    }
    if (!take_text(body, more, "team", QUEUE_WORD_BYTES - 1) ||
        !take_text(body, more, "preferred_agent", LIMIT_IDENTITY))
        return "`team` or `preferred_agent` is no text, or too long";
    int64_t level = 0;
    int er = json_int(body, "certificate_level", 0, 9, &level);
    if (er == ER_MALFORMED ||
        (er == 0 && json_object_set_new(more, "certificate_level", json_integer(level))))
        return "`certificate_level` is a number from 0 to 9";
    return NULL;
}

/** NULL, or what is wrong. */
static const char *facts_read(const json_t *body, struct store_case *sc)
{
    const char *title = json_text(body, "title", LIMIT_NAME);
    if (case_kind_parse(json_text(body, "kind", 32), &sc->kind))
        return "`kind` is inspection, authentication or live";
    if (!title || !title[0] || str_copy(sc->title, sizeof sc->title, title))
        return "`title` is a text of 1 to 200 bytes";
    const json_t *buyer = json_object_get(body, "buyer");
    const char *id = json_text(buyer, "id", LIMIT_IDENTITY);
    const char *name = json_text(buyer, "name", LIMIT_NAME);
    if (!claims_text_ok(id) || str_copy(sc->buyer, sizeof sc->buyer, id))
        return "`buyer.id` is a line of 1 to 128 bytes";
    if (!claims_text_ok(name) || str_copy(sc->buyer_name, sizeof sc->buyer_name, name))
        return "`buyer.name` is a line of 1 to 200 bytes";
    if (json_object_get(body, "language")) {
        const char *language = json_text(body, "language", sizeof sc->language - 1);
        if (!language || !language_ok(language) ||
            str_copy(sc->language, sizeof sc->language, language))
            return "`language` is a BCP 47 tag";
    }
    int64_t priority = 0;
    if (json_int(body, "priority", 0, 9, &priority) == ER_MALFORMED)
        return "`priority` is a number from 0 to 9";
    sc->priority = (int)priority;
    sc->more = json_object();
    const char *why = pairing_read(body, sc->more);
    if (why)
        return why;
    if (!take_text(body, sc->more, "reason", LIMIT_CHAT_BYTES) ||
        !take_text(body, sc->more, "tier", 64) || !take_text(body, sc->more, "category", 200) ||
        !take_text(body, sc->more, "brand", 200))
        return "`reason`, `tier`, `category` or `brand` is no text, or too long";
    if (!take_bag(body, sc->more, "order", JSON_OBJECT) ||
        !take_bag(body, sc->more, "purchase_evidence", JSON_ARRAY))
        return "`order` is an object, `purchase_evidence` a list, of 64 KiB at most";
    return NULL;
}

static int fingerprint(const json_t *body, char ret[STORE_HASH_BYTES])
{
    uint8_t hash[32];
    char *text = json_canonical(body);
    int good = text && EVP_Digest(text, strlen(text), hash, NULL, EVP_sha256(), NULL);
    free(text);
    if (good)
        hex_encode(ret, hash, sizeof hash);
    return good ? 0 : ER_NOMEM;
}

/** False: the problem is set. */
static bool may_create(struct api_call *c)
{
    enum role role = c->claims.role;
    if ((role != ROLE_SERVICE && role != ROLE_AGENT && role != ROLE_HOST) ||
        claims_is_bound(&c->claims)) {
        api_problem(c, 403, "cases are opened by service, agent or host");
        return false;
    }
    const json_t *merchant = json_object_get(c->body, "merchant");
    if (merchant && (!json_is_string(merchant) ||
                     strcmp(json_string_value(merchant), c->claims.merchant) != 0)) {
        api_problem(c, 403, "the token is another merchant's");
        return false;
    }
    const char *key = c->request->idempotency_key;
    if (key && (strlen(key) > KEY_BYTES || !utf8_is_clean(key, strlen(key)))) {
        api_problem(c, 400, "the Idempotency-Key is too long");
        return false;
    }
    return true;
}

void api_cases_create(struct store *s, struct api_call *c)
{
    struct store_case sc = {0};
    char print[STORE_HASH_BYTES], owner[AUTH_KEY_BYTES + STORE_IDENTITY_BYTES];
    bool repeated;
    if (!may_create(c))
        return;
    const char *why = facts_read(c->body, &sc);
    if (why) {
        store_case_clear(&sc);
        api_problem(c, 400, why);
        return;
    }
    (void)str_copy(sc.merchant, sizeof sc.merchant, c->claims.merchant);
    /* No API key's id has a slash: two people never share an owner. */
    (void)snprintf(owner, sizeof owner, "%s/%s", c->claims.key, c->claims.identity);
    int er = fingerprint(c->body, print);
    if (!er)
        er = store_case_create(s, &sc, c->claims.identity, owner, c->request->idempotency_key,
                               print, c->unix_us, &repeated);
    if (er) {
        store_case_clear(&sc);
        if (er == ER_CONFLICT)
            api_problem(c, 422, "this Idempotency-Key was used for another request");
        else
            api_problem_er(c, er, NULL);
        return;
    }
    http_header_add(&c->response, "location", "/api/v1/cases/%s", sc.id.text);
    api_case_answer(c, 201, &sc);
}

void api_case_get(struct store *s, struct api_call *c)
{
    struct store_case sc;
    if (api_case(s, c, &sc))
        api_case_answer(c, 200, &sc);
}

/* Lists */

struct page {
    json_t *items;
    struct id last;
    size_t left; /* how many more go onto it */
    bool more;
    const struct claims *claims;
};

static void page_add(void *ctx, const struct store_case *sc)
{
    struct page *page = ctx;
    if (page->left == 0) {
        page->more = true;
        return;
    }
    page->left--;
    page->last = sc->id;
    (void)json_array_append_new(page->items, store_case_json(sc));
}

/** False: the problem is set. `text` holds what the filter points to. */
static bool filter_read(struct api_call *c, struct store_case_filter *f, char text[201])
{
    char word[64];
    f->merchant = c->claims.merchant;
    f->only = c->claims.case_id;
    f->only_room = c->claims.room;
    f->limit = 50;
    if (http_query(c->request, "state", word, sizeof word) != ER_NOT_FOUND) {
        f->by_state = true;
        if (case_state_parse(word, &f->state)) {
            api_problem(c, 400, "`state` is not one that is known");
            return false;
        }
    }
    if (http_query(c->request, "kind", word, sizeof word) != ER_NOT_FOUND) {
        f->by_kind = true;
        if (case_kind_parse(word, &f->kind)) {
            api_problem(c, 400, "`kind` is not one that is known");
            return false;
        }
    }
    uint64_t limit = 0;
    if (http_query(c->request, "limit", word, sizeof word) != ER_NOT_FOUND) {
        if (span_u64(span_of(word), UINT32_MAX, &limit) || limit == 0) {
            api_problem(c, 400, "`limit` is a number from 1");
            return false;
        }
        f->limit = limit > LIMIT_PAGE_ITEMS ? LIMIT_PAGE_ITEMS : (size_t)limit;
    }
    if (http_query(c->request, "cursor", word, sizeof word) != ER_NOT_FOUND &&
        id_parse(word, &f->before)) {
        api_problem(c, 400, "`cursor` is not one that was given");
        return false;
    }
    int er = http_query(c->request, "q", text, 201);
    if (er == 0 && text[0])
        f->text = text;
    if (er != 0 && er != ER_NOT_FOUND) {
        api_problem(c, 400, "`q` is a text of at most 200 bytes");
        return false;
    }
    return true;
}

void api_cases_list(struct store *s, struct api_call *c)
{
    const struct role_info *role = role_describe(c->claims.role);
    bool bound = claims_is_bound(&c->claims);
    struct store_case_filter f = {0};
    char text[201];
    if (!bound && !role->any_room && !role->rules && c->claims.role != ROLE_SERVICE) {
        api_problem(c, 403, "this role sees only the case of its token");
        return;
    }
    if (!filter_read(c, &f, text))
        return;
    f.disputed = !bound && role->rules;
    struct page page = {.items = json_array(), .left = f.limit, .claims = &c->claims};
    f.limit++; /* one more shows that there is another page */
    int er = page.items ? store_cases_list(s, &f, page_add, &page) : ER_NOMEM;
    if (er) {
        json_decref(page.items);
        api_problem_er(c, er, NULL);
        return;
    }
    json_t *answer = json_pack("{s:o}", "items", page.items);
    if (answer && page.more)
        (void)json_object_set_new(answer, "next_cursor", json_string(page.last.text));
    api_json(c, 200, answer);
}

/* Actions */

/** 409 with the states that would allow it. */
static void wrong_state(struct api_call *c, enum case_action action, const struct store_case *sc)
{
    unsigned states = case_states_for(action);
    json_t *allowed = json_array();
    for (unsigned i = 0; allowed && i < CASE_STATES; i++) {
        if (states & 1u << i)
            (void)json_array_append_new(allowed, json_string(case_state_name((enum case_state)i)));
    }
    json_t *o = json_pack("{s:s,s:s,s:i,s:s,s:s,s:o}", "type", "about:blank", "title", "Conflict",
                          "status", 409, "detail", "the case's state does not allow this", "state",
                          case_state_name(sc->state), "allowed_states", allowed);
    api_json(c, 409, o);
    c->response.content_type = "application/problem+json";
}

static bool version_matches(struct api_call *c, const struct store_case *sc)
{
    char etag[32];
    (void)snprintf(etag, sizeof etag, "\"%llu\"", (unsigned long long)sc->version);
    return !c->request->if_match || http_etag_listed(c->request->if_match, etag, true);
}

static void act(struct store *s, struct api_call *c, enum case_action action,
                const struct store_case *before)
{
    const char *why;
    json_t *data = NULL;
    int er = case_action_data(action, c->body, &data, &why);
    if (er) {
        api_problem_er(c, er, why);
        return;
    }
    struct store_action a = {.case_id = before->id,
                             .action = action,
                             .actor = c->claims.identity,
                             .role = c->claims.role,
                             .data = data,
                             .if_version = before->version};
    struct store_case after;
    er = store_case_act(s, &a, c->unix_us, &after);
    json_decref(data);
    if (er == 0) {
        c->changed = after.id;
        api_case_answer(c, 200, &after);
    } else if (er == ER_CONFLICT) {
        wrong_state(c, action, before);
        store_case_clear(&after);
    } else {
        api_problem_er(c, er, er == ER_DENIED ? "this role does not take this action" : NULL);
    }
}

void api_case_act(struct store *s, struct api_call *c)
{
    enum case_action action;
    struct store_case sc;
    if (!api_case(s, c, &sc))
        return;
    if (case_action_parse(c->params.values[1], &action))
        api_problem(c, 404, "there is no such action");
    else if (!case_role_may(action, c->claims.role))
        api_problem(c, 403, "this role does not take this action");
    else if (!version_matches(c, &sc))
        api_problem(c, 412, "the case has changed");
    else
        act(s, c, action, &sc);
    store_case_clear(&sc);
}
