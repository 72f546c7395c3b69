// SPDX-License-Identifier: Apache-2.0
/* loupectl: tokens by hand, merchants' API keys. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/str.h"
#include "server/auth.h"
#include "server/main_ctl.h"
#include "server/store_log.h"

/** NULL, or what is wrong. */
static const char *claims_read(const struct ctl_flags *f, const char *key, struct claims *c)
{
    const char *sub = ctl_flag(f, "--sub");
    const char *name = ctl_flag(f, "--name");
    const char *case_id = ctl_flag(f, "--case");
    const char *room = ctl_flag(f, "--room");
    uint64_t ttl = 3600;
    if (role_parse(ctl_flag(f, "--role"), &c->role))
        return "--role is not one that is known";
    if (!sub || !sub[0] || str_copy(c->identity, sizeof c->identity, sub))
        return "--sub is missing or too long";
    if (str_copy(c->name, sizeof c->name, name ? name : sub))
        return "--name is too long";
    if ((case_id && id_parse(case_id, &c->case_id)) || (room && id_parse(room, &c->room)))
        return "--case or --room is no id";
    if (ctl_flag(f, "--ttl") &&
        (span_u64(span_of(ctl_flag(f, "--ttl")), LIMIT_TOKEN_AHEAD_S, &ttl) || !ttl))
        return "--ttl is a number of seconds, 86400 at most";
    c->grants = role_describe(c->role)->grants;
    c->expires_s = clock_unix_us() / 1000000 + ttl;
    (void)str_copy(c->key, sizeof c->key, key);
    return NULL;
}

int ctl_token(int argc, char **argv)
{
    static const char *const known[] = {"--key",  "--role", "--sub", "--name",
                                        "--case", "--room", "--ttl", NULL};
    struct ctl_flags f = {0};
    struct claims claims = {0};
    char id[AUTH_KEY_BYTES], text[AUTH_TOKEN_BYTES];
    if (ctl_flags_read(&f, argc, argv, known))
        return ctl_usage(stderr);
    struct span secret = span_of(ctl_flag(&f, "--key") ? ctl_flag(&f, "--key") : "");
    struct auth *auth;
    if (auth_new(&auth))
        return 1;
    const char *why = "--key is not ID:SECRET";
    if (!str_copy_span(id, sizeof id, span_cut(&secret, ':')) && secret.at &&
        !auth_add_key(auth, id, secret.at, AUTH_MERCHANT_DEFAULT))
        why = claims_read(&f, id, &claims);
    int er = why ? 0 : auth_mint(auth, &claims, clock_unix_us() / 1000000, text);
    auth_free(auth);
    if (why) {
        (void)fprintf(stderr, "loupectl: %s\n", why);
        return 2;
    }
    if (er) {
        (void)fprintf(stderr, "loupectl: %s\n", er_name(er));
        return 1;
    }
    return puts(text) < 0;
}

/* API keys. Those of the settings are not among them, and are the default merchant's. */

static void api_key_print(void *ctx, const struct store_api_key *key)
{
    char at[CLOCK_TEXT_BYTES];
    (void)ctx;
    clock_format(key->created_us, at);
    (void)printf("%s %s made %s%s%s%s%s\n", key->id, key->merchant, at,
                 key->roles[0] ? " roles " : "", key->roles, key->scopes[0] ? " scopes " : "",
                 key->scopes);
}

/** All of it or nothing; not beyond what a merchant may have, and the server takes. */
static int api_key_put(struct store *s, const struct store_api_key *key, const char *name,
                       uint64_t now_us)
{
    const char *why = NULL;
    int er = store_begin(s);
    if (er)
        return er;
    er = store_api_key_room(s, key->merchant, &why);
    if (why)
        (void)fprintf(stderr, "loupectl: %s\n", why);
    if (!er)
        er = store_api_key_add(s, key, now_us);
    if (!er)
        er = store_log_add(s, key->merchant, "operator", "api_key_created", key->id, NULL, now_us);
    if (!er && name)
        er = store_merchant_put(s, key->merchant, name, now_us);
    return store_end(s, er);
}

/** The secret is shown once, here. */
static int api_key_add(struct store *s, const struct ctl_flags *f)
{
    struct entropy entropy = entropy_system();
    uint64_t now_us = clock_unix_us();
    struct store_api_key key = {0};
    uint8_t secret[32];
    const char *merchant = ctl_flag(f, "--merchant"), *id = ctl_flag(f, "--id");
    struct id made = id_make(now_us, &entropy);
    unsigned bits;
    const char *roles = ctl_flag(f, "--roles"), *scopes = ctl_flag(f, "--scopes");
    if (!merchant || !auth_name_ok(merchant) || (id && !auth_name_ok(id)) ||
        (roles &&
         (auth_roles_parse(roles, &bits) || str_copy(key.roles, sizeof key.roles, roles))) ||
        (scopes &&
         (auth_scopes_parse(scopes, &bits) || str_copy(key.scopes, sizeof key.scopes, scopes))))
        return ER_INVALID;
    (void)str_copy(key.merchant, sizeof key.merchant, merchant);
    (void)str_copy(key.id, sizeof key.id, id ? id : made.text);
    entropy_fill(&entropy, secret, sizeof secret);
    hex_encode(key.secret, secret, sizeof secret);
    int er = api_key_put(s, &key, ctl_flag(f, "--name"), now_us);
    if (er == 0)
        (void)printf("%s:%s\n", key.id, key.secret);
    return er;
}

/** The secret before is good for a day more. */
static int api_key_rotate(struct store *s, const char *id)
{
    struct entropy entropy = entropy_system();
    struct store_api_key key;
    uint8_t bytes[32];
    char secret[65];
    int er = store_api_key_get(s, NULL, id, &key);
    if (er)
        return er;
    entropy_fill(&entropy, bytes, sizeof bytes);
    hex_encode(secret, bytes, sizeof bytes);
    er = store_api_key_rotate(s, &key, secret, UINT64_C(86400000000), clock_unix_us());
    if (er == 0)
        er = store_log_add(s, key.merchant, "operator", "api_key_rotated", key.id, NULL,
                           clock_unix_us());
    if (er == 0)
        (void)printf("%s:%s\n", key.id, secret);
    return er;
}

static int api_key_remove(struct store *s, const char *id)
{
    struct store_api_key key;
    int er = store_api_key_get(s, NULL, id, &key);
    if (er == 0)
        er = store_api_key_remove(s, id);
    return er ? er
              : store_log_add(s, key.merchant, "operator", "api_key_removed", id, NULL,
                              clock_unix_us());
}

static int api_key_verb(struct store *s, const char *verb, const struct ctl_flags *f)
{
    const char *id = ctl_flag(f, "--id");
    if (strcmp(verb, "list") == 0)
        return store_api_keys_each(s, api_key_print, NULL);
    if (strcmp(verb, "add") == 0)
        return api_key_add(s, f);
    if (!id)
        return ER_INVALID;
    return strcmp(verb, "rotate") == 0 ? api_key_rotate(s, id) : api_key_remove(s, id);
}

int ctl_api_keys(int argc, char **argv)
{
    static const char *const known[] = {"--data",  "--merchant", "--name", "--id",
                                        "--roles", "--scopes",   NULL};
    struct ctl_flags f = {0};
    const char *verb = argc > 0 ? argv[0] : "";
    if ((strcmp(verb, "list") != 0 && strcmp(verb, "add") != 0 && strcmp(verb, "remove") != 0 &&
         strcmp(verb, "rotate") != 0) ||
        ctl_flags_read(&f, argc - 1, argv + 1, known) || !ctl_flag(&f, "--data"))
        return ctl_usage(stderr);
    struct store *s = ctl_store_open(ctl_flag(&f, "--data"));
    if (!s)
        return 1;
    int er = api_key_verb(s, verb, &f);
    store_close(s);
    if (er == 0)
        return 0;
    (void)fprintf(stderr, "loupectl: api-keys %s: %s\n", verb, er_name(er));
    return er == ER_INVALID ? 2 : 1;
}
