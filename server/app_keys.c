// SPDX-License-Identifier: Apache-2.0
/* API keys, from where they are kept to where tokens are checked. */
#include "server/app_keys.h"

#include <string.h>

#include "base/er.h"
#include "base/str.h"
#include "server/app_demo.h"

struct taking {
    struct auth *auth;
    const struct config *config;
    struct log *log; /* NULL: nothing is said of those left out yet */
    size_t left_out;
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

static struct span id_at(const struct config *config, size_t i, struct span *ret_secret)
{
    *ret_secret = span_of(config->api_keys.items[i]);
    return span_cut(ret_secret, ':');
}

static bool of_settings(const struct config *config, const char *id)
{
    struct span secret;
    size_t i = 0;
    while (i < config->api_keys.count && !span_equal(id_at(config, i, &secret), id))
        i++;
    return i < config->api_keys.count || (config->demo && strcmp(id, DEMO_KEY) == 0);
}

/** One whose secret cannot be read, or for which there is no room, is left out: its tokens are refused, and others are
 *  good. */
static void take(void *ctx, const struct store_api_key *key)
{
    struct taking *t = ctx;
    if (t->er || !key->secret[0] || of_settings(t->config, key->id))
        return;
    t->er = app_key_put(t->auth, key);
    if (t->er != ER_FULL)
        return;
    if (t->log)
        log_event(t->log, LOG_ERROR, "api_key_left_out", "key=%s merchant=%s er=%s", key->id,
                  key->merchant, er_name(ER_FULL));
    t->left_out++;
    t->er = 0;
}

/** The settings' first: for them there is room whatever the store has. What is not among them any more is gone. */
static int take_all(struct auth *auth, struct store *s, const struct config *config,
                    struct log *log, size_t *ret_left_out)
{
    struct taking t = {.auth = auth, .config = config, .log = log};
    int er = 0;
    for (size_t i = 0; !er && i < config->api_keys.count; i++) {
        struct span secret, id = id_at(config, i, &secret);
        char name[AUTH_KEY_BYTES];
        er = str_copy_span(name, sizeof name, id);
        if (!er)
            er = auth_add_key(auth, name, secret.at, AUTH_MERCHANT_DEFAULT);
    }
    if (!er && config->demo)
        er = auth_add_key(auth, DEMO_KEY, DEMO_SECRET, AUTH_MERCHANT_DEFAULT);
    if (!er)
        er = store_api_keys_each(s, take, &t);
    er = er ? er : t.er;
    if (!er)
        auth_prune_keys(auth);
    *ret_left_out = t.left_out;
    return er;
}

/** Those that are gone took the room of those that came, the first time. */
int app_keys_take(struct auth *auth, struct store *s, const struct config *config, struct log *log)
{
    size_t left_out;
    int er = take_all(auth, s, config, NULL, &left_out);
    return er || !left_out ? er : take_all(auth, s, config, log, &left_out);
}
