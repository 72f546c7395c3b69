// SPDX-License-Identifier: Apache-2.0
/* A merchant's API keys over HTTP: made, given new secrets, removed. Those of the settings are not among them. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/json.h"
#include "base/str.h"
#include "server/api_keep.h"
#include "server/app_keys.h"
#include "server/store_log.h"

#define NO_KEY "there is no such API key"
#define OVERLAP_S 86400

static bool may(struct api_call *c)
{
    return api_role_may(c, c->claims.role == ROLE_SERVICE, "API keys are for service") &&
           api_role_may(c, !claims_is_bound(&c->claims),
                        "a token for one case or room has no API keys");
}

/** "a,b" as a list. */
static json_t *words_json(const char *words)
{
    json_t *list = json_array();
    struct span rest = span_of(words);
    while (words[0] && rest.at) {
        struct span word = span_cut(&rest, ',');
        (void)json_array_append_new(list, json_stringn(word.at, word.len));
    }
    return list;
}

static json_t *key_json(const struct store_api_key *key, uint64_t now_us, bool secret)
{
    char at[CLOCK_TEXT_BYTES];
    clock_format(key->created_us, at);
    json_t *o = json_pack("{s:s,s:o,s:o,s:s}", "id", key->id, "roles", words_json(key->roles),
                          "scopes", words_json(key->scopes), "created_at", at);
    clock_format(key->changed_us, at);
    if (key->changed_us)
        (void)json_object_set_new(o, "changed_at", json_string(at));
    clock_format(key->old_until_us, at);
    if (key->old_until_us > now_us)
        (void)json_object_set_new(o, "old_secret_until", json_string(at));
    if (secret)
        (void)json_object_set_new(o, "secret", json_string(key->secret));
    return o;
}

struct listing {
    struct api_call *c;
    json_t *items;
};

static void list_key(void *ctx, const struct store_api_key *key)
{
    struct listing *l = ctx;
    if (strcmp(key->merchant, l->c->claims.merchant) != 0)
        return;
    (void)json_array_append_new(l->items, key_json(key, l->c->unix_us, false));
}

void api_keys_list(struct store *s, struct api_call *c)
{
    struct listing l = {.c = c};
    if (!may(c))
        return;
    l.items = json_array();
    api_items(c, store_api_keys_each(s, list_key, &l), l.items);
}

/** A list of words as "a,b". */
static bool words_read(const json_t *list, char *ret, size_t size)
{
    size_t len = 0;
    if (!json_is_array(list) || json_array_size(list) == 0)
        return list == NULL;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *word = json_string_value(json_array_get(list, i));
        int more = word ? snprintf(ret + len, size - len, "%s%s", i ? "," : "", word) : -1;
        if (more < 0 || (size_t)more >= size - len)
            return false;
        len += (size_t)more;
    }
    return true;
}

/** Whoever has the secret can do what the key can: it is for those alone whose own key can as much. */
static bool within_own(const struct api_call *c, const struct store_api_key *key)
{
    unsigned roles, scopes;
    return !auth_roles_parse(key->roles, &roles) && !auth_scopes_parse(key->scopes, &scopes) &&
           !(roles & ~c->claims.roles) && !(scopes & ~c->claims.scopes);
}

/** A narrower key neither takes a fuller one over nor removes it, to make another in its place. True: the problem is set,
 *  and the key forgotten. */
static bool refuses(struct api_call *c, struct store_api_key *key)
{
    if (within_own(c, key))
        return false;
    api_problem(c, 403, "the key can do more than that of the token");
    explicit_bzero(key, sizeof *key);
    return true;
}

/** NULL, or what is wrong. */
static const char *key_read(struct api_call *c, struct store_api_key *key)
{
    unsigned roles, scopes;
    struct id made = id_make(c->unix_us, &c->app->entropy);
    const char *id = json_text(c->body, "id", AUTH_KEY_BYTES - 1);
    if (json_object_get(c->body, "id") && (!id || !auth_name_ok(id)))
        return "`id` is of letters, digits, '.', '_' and '-', 64 at most";
    (void)str_copy(key->id, sizeof key->id, id ? id : made.text);
    if (!words_read(json_object_get(c->body, "roles"), key->roles, sizeof key->roles) ||
        auth_roles_parse(key->roles, &roles))
        return "`roles` is a list of roles; left out: all";
    if (!words_read(json_object_get(c->body, "scopes"), key->scopes, sizeof key->scopes) ||
        auth_scopes_parse(key->scopes, &scopes))
        return "`scopes` is a list of read, write, call, manage; left out: all";
    return within_own(c, key) ? NULL : "a key cannot give what it has not itself";
}

static void secret_make(struct api_call *c, char ret[65])
{
    uint8_t bytes[32];
    entropy_fill(&c->app->entropy, bytes, sizeof bytes);
    hex_encode(ret, bytes, sizeof bytes);
    explicit_bzero(bytes, sizeof bytes);
}

/** What was done is in the log, or it was not done. Within a transaction, which it ends. */
static int logged(struct store *s, const struct api_call *c, int er, const char *action,
                  const struct store_api_key *key)
{
    json_t *data = json_pack("{s:s,s:s}", "roles", key->roles, "scopes", key->scopes);
    if (!er)
        er = data ? store_log_add(s, c->claims.merchant, c->claims.identity, action, key->id, data,
                                  c->unix_us)
                  : ER_NOMEM;
    json_decref(data);
    return store_end(s, er);
}

static void answer(struct api_call *c, int status, int er, const struct store_api_key *key)
{
    if (!er)
        er = app_key_put(c->app->auth, key);
    if (er)
        api_problem_er(c, er,
                       er == ER_NOT_FOUND  ? NO_KEY
                       : er == ER_CONFLICT ? "there is a key of that id"
                                           : NULL);
    else
        api_json(c, status, key_json(key, c->unix_us, true));
}

void api_key_create(struct store *s, struct api_call *c)
{
    struct store_api_key key = {.created_us = c->unix_us, .changed_us = c->unix_us};
    if (!may(c))
        return;
    const char *why = key_read(c, &key);
    if (why) {
        api_problem(c, 400, why);
        return;
    }
    int er = store_api_key_room(s, c->claims.merchant, &why);
    if (er == ER_FULL || (!er && auth_is_full(c->app->auth))) {
        api_problem(c, 429, why ? why : "the server has as many API keys as it takes");
        return;
    }
    (void)str_copy(key.merchant, sizeof key.merchant, c->claims.merchant);
    secret_make(c, key.secret);
    if (!er && auth_knows_key(c->app->auth, key.id))
        er = ER_CONFLICT; /* be it of the settings */
    if (!er)
        er = store_begin(s);
    if (!er)
        er = logged(s, c, store_api_key_add(s, &key, c->unix_us), "api_key_created", &key);
    answer(c, 201, er, &key);
    explicit_bzero(&key, sizeof key);
}

void api_key_rotate(struct store *s, struct api_call *c)
{
    struct store_api_key key;
    char secret[65];
    int64_t overlap_s = OVERLAP_S;
    if (!may(c))
        return;
    if (json_int(c->body, "overlap_seconds", 0, LIMIT_API_KEY_OVERLAP_S, &overlap_s) ==
        ER_MALFORMED) {
        api_problem(c, 400, "`overlap_seconds` is a number up to 604800");
        return;
    }
    int er = store_api_key_get(s, c->claims.merchant, c->params.values[0], &key);
    if (!er && refuses(c, &key))
        return;
    secret_make(c, secret);
    if (!er)
        er = store_begin(s);
    if (!er) {
        er = store_api_key_rotate(s, &key, secret, (uint64_t)overlap_s * 1000000, c->unix_us);
        er = logged(s, c, er, "api_key_rotated", &key);
    }
    answer(c, 200, er, &key);
    explicit_bzero(&key, sizeof key);
    explicit_bzero(secret, sizeof secret);
}

void api_key_delete(struct store *s, struct api_call *c)
{
    struct store_api_key key;
    if (!may(c))
        return;
    int er = store_api_key_get(s, c->claims.merchant, c->params.values[0], &key);
    if (!er && refuses(c, &key))
        return;
    if (!er)
        er = store_begin(s);
    if (!er)
        er = logged(s, c, store_api_key_remove(s, key.id), "api_key_removed", &key);
    explicit_bzero(key.secret, sizeof key.secret);
    explicit_bzero(key.old_secret, sizeof key.old_secret);
    if (er) {
        api_problem_er(c, er, er == ER_NOT_FOUND ? NO_KEY : NULL);
        return;
    }
    (void)auth_remove_key(c->app->auth, key.id);
    c->response.status = 204;
}
