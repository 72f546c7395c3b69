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
#include "server/case_deeds.h"
#include "server/case_facts.h"
#include "server/http_range.h"

#define KEY_BYTES 200

/** NULL, or what is wrong. */
static const char *facts_read(const json_t *body, struct store_case *sc)
{
    if (case_kind_parse(json_text(body, "kind", 32), &sc->kind))
        return "`kind` is inspection, authentication or live";
    const char *why = case_facts_read(body, sc);
    if (why)
        return why;
    const json_t *buyer = json_object_get(body, "buyer");
    const char *id = json_text(buyer, "id", LIMIT_IDENTITY);
    const char *name = json_text(buyer, "name", LIMIT_NAME);
    if (!claims_text_ok(id) || str_copy(sc->buyer, sizeof sc->buyer, id))
        return "`buyer.id` is a line of 1 to 128 bytes";
    if (!claims_text_ok(name) || str_copy(sc->buyer_name, sizeof sc->buyer_name, name))
        return "`buyer.name` is a line of 1 to 200 bytes";
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
        if (why[0])
            api_problem(c, 400, why);
        else
            api_problem_er(c, ER_NOMEM, NULL);
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
    c->changed = sc.id;
    api_case_answer(c, 201, &sc);
}

void api_case_get(struct store *s, struct api_call *c)
{
    struct store_case sc;
    if (!api_case(s, c, &sc))
        return;
    api_case_was_read(s, c, &sc);
    api_case_answer(c, 200, &sc);
}

/* Lists */

struct page {
    json_t *items;
    const struct api_call *call;
};

static void page_add(void *ctx, const struct store_case *sc)
{
    struct page *page = ctx;
    (void)json_array_append_new(page->items, api_case_json(page->call, sc));
}

/** Tags are internal. False: the problem is set. */
static bool tag_read(struct api_call *c, struct store_case_filter *f, char *text, size_t size)
{
    int er = http_query(c->request, "tag", text, size);
    if (er == ER_NOT_FOUND)
        return true;
    if (!case_role_sees_internal(c->claims.role))
        api_problem(c, 403, "this role sees no tags");
    else if (er || !utf8_is_clean(text, strlen(text)))
        api_problem(c, 400, "`tag` is a text of at most 64 bytes");
    else
        f->tag = text;
    return f->tag;
}

struct texts {
    char q[201], tag[LIMIT_TAG + 1];
};

/** False: the problem is set. `texts` holds what the filter points to. */
static bool filter_read(struct api_call *c, struct store_case_filter *f, struct texts *texts)
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
    int er = http_query(c->request, "q", texts->q, sizeof texts->q);
    if (er == 0 && texts->q[0])
        f->text = texts->q;
    if ((er != 0 && er != ER_NOT_FOUND) ||
        (er == 0 && !utf8_is_clean(texts->q, strlen(texts->q)))) {
        api_problem(c, 400, "`q` is a text of at most 200 bytes");
        return false;
    }
    return tag_read(c, f, texts->tag, sizeof texts->tag);
}

void api_cases_list(struct store *s, struct api_call *c)
{
    const struct role_info *role = role_describe(c->claims.role);
    bool bound = claims_is_bound(&c->claims);
    struct store_case_filter f = {0};
    struct texts texts;
    struct id next;
    if (!bound && !role->any_room && !role->rules && c->claims.role != ROLE_SERVICE) {
        api_problem(c, 403, "this role sees only the case of its token");
        return;
    }
    if (!filter_read(c, &f, &texts))
        return;
    if (f.text && c->claims.role == ROLE_VIEWER) {
        api_problem(c, 403, "this role does not search: it would learn what is in the case");
        return;
    }
    f.disputed = !bound && role->rules;
    struct page page = {.items = json_array(), .call = c};
    int er = page.items ? store_cases_list(s, &f, page_add, &page, &next) : ER_NOMEM;
    if (er) {
        json_decref(page.items);
        api_problem_er(c, er, NULL);
        return;
    }
    json_t *answer = json_pack("{s:o}", "items", page.items);
    if (answer && id_is_set(&next))
        (void)json_object_set_new(answer, "next_cursor", json_string(next.text));
    api_json(c, 200, answer);
}

/* Actions */

void api_case_wrong_state(struct api_call *c, unsigned states, const struct store_case *sc)
{
    json_t *allowed = json_array();
    for (unsigned i = 0; allowed && i < CASE_STATES; i++) {
        if (states & 1u << i)
            (void)json_array_append_new(allowed, json_string(case_state_name((enum case_state)i)));
    }
    const char *detail = states & 1u << sc->state ? "this was said of the case already"
                                                  : "the case's state does not allow this";
    json_t *o = json_pack("{s:s,s:s,s:i,s:s,s:s,s:o}", "type", "about:blank", "title", "Conflict",
                          "status", 409, "detail", detail, "state", case_state_name(sc->state),
                          "allowed_states", allowed);
    api_json(c, 409, o);
    c->response.content_type = "application/problem+json";
}

void api_case_stale(struct api_call *c, const struct store_case *sc)
{
    json_t *o = json_pack("{s:s,s:s,s:i,s:s,s:o}", "type", "about:blank", "title",
                          "Precondition Failed", "status", 412, "detail",
                          "the case has changed: `case` is what it is now", "case",
                          api_case_json(c, sc));
    api_json(c, 412, o);
    c->response.content_type = "application/problem+json";
    api_case_etag(sc, c->response.etag, sizeof c->response.etag);
    c->outdated = true;
}

bool api_case_matches(const struct api_call *c, const struct store_case *sc)
{
    char etag[32];
    api_case_etag(sc, etag, sizeof etag);
    return !c->request->if_match || http_etag_listed(c->request->if_match, etag, true);
}

/** The bit of what is counted. */
static unsigned judged_by(enum case_action action)
{
    switch (action) {
    case CASE_VERDICT:
        return 1u << JUDGED_VERDICT;
    case CASE_RULE:
        return 1u << JUDGED_RULED;
    case CASE_APPEAL:
        return 1u << JUDGED_APPEALED;
    default:
        return 0;
    }
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
                             .jti = c->claims.jti,
                             .role = c->claims.role,
                             .data = data,
                             .if_version = before->version};
    struct store_case after;
    struct refusal refused = {0};
    er = store_case_act_why(s, &a, c->unix_us, &after, &refused);
    json_decref(data);
    if (er == 0) {
        c->changed = after.id;
        c->judged |= judged_by(action);
        api_case_answer(c, 200, &after);
    } else if (refused.why) {
        api_refused(c, er, &refused);
        store_case_clear(&after);
    } else if (er == ER_CONFLICT) {
        api_case_wrong_state(c, case_states_for(action), before);
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
    else if (!api_case_matches(c, &sc))
        api_case_stale(c, &sc);
    else
        act(s, c, action, &sc);
    store_case_clear(&sc);
}
