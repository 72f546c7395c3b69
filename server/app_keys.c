// SPDX-License-Identifier: Apache-2.0
/* API keys, from where they are kept to where tokens are checked. */
#include "server/app_keys.h"

#include "base/str.h"
#include "server/app_demo.h"

struct taking {
    struct auth *auth;
    int er;
};

int app_key_put(struct auth *auth, const struct store_api_key *key)
{
    struct auth_key_spec spec = {.id = key->id,
                                 .merchant = key->merchant,
                                 .secret = key->secret,
                                 .old_secret = key->old_secret,
                                 .old_until_s = key->old_until_us / 1000000};
    int er = auth_roles_parse(key->roles, &spec.roles);
    if (!er)
        er = auth_scopes_parse(key->scopes, &spec.scopes);
    return er ? er : auth_put_key(auth, &spec);
}

/** One whose secret cannot be read is left out: its tokens are refused, and others are good. */
static void take(void *ctx, const struct store_api_key *key)
{
    struct taking *t = ctx;
    if (!t->er && key->secret[0])
        t->er = app_key_put(t->auth, key);
}

int app_keys_take(struct auth *auth, struct store *s, const struct config *config)
{
    struct taking t = {.auth = auth};
    int er = store_api_keys_each(s, take, &t);
    er = er ? er : t.er;
    for (size_t i = 0; !er && i < config->api_keys.count; i++) {
        struct span secret = span_of(config->api_keys.items[i]);
        struct span id = span_cut(&secret, ':');
        char name[AUTH_KEY_BYTES];
        er = str_copy_span(name, sizeof name, id);
        if (!er)
            er = auth_add_key(auth, name, secret.at, AUTH_MERCHANT_DEFAULT);
    }
    if (!er && config->demo)
        er = auth_add_key(auth, DEMO_KEY, DEMO_SECRET, AUTH_MERCHANT_DEFAULT);
    if (!er)
        auth_prune_keys(auth);
    return er;
}
