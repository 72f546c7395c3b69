// SPDX-License-Identifier: Apache-2.0
/* Invites: a link with a token of its own for one person of one case. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/json.h"
#include "base/str.h"
#include "server/api.h"

#define TTL_MIN 60
#define TTL_MAX LIMIT_TOKEN_AHEAD_S

#define BY(role) (1u << (role))
#define STAFF (BY(ROLE_AGENT) | BY(ROLE_APPRAISER) | BY(ROLE_HOST))
#define SERVICE BY(ROLE_SERVICE)

/* Who may invite whom. Nobody hands out more than they are: no arbiter but by one, no appraiser but by one, no
 * grant that their own token was refused. Whom an appraiser invites does not judge (store_may_judge). */
static const unsigned inviters[ROLE_COUNT] = {
    [ROLE_BUYER] = STAFF | BY(ROLE_ARBITER) | SERVICE,
    [ROLE_VIEWER] = STAFF | BY(ROLE_ARBITER) | SERVICE,
    [ROLE_AGENT] = STAFF | SERVICE,
    [ROLE_APPRAISER] = BY(ROLE_APPRAISER) | SERVICE,
    [ROLE_ARBITER] = BY(ROLE_ARBITER) | SERVICE,
    [ROLE_HOST] = BY(ROLE_HOST) | SERVICE,
    [ROLE_BOT] = SERVICE,
};

/** False when one of `names` is there and no boolean: what narrows must not be misread as leave. */
static bool flags_ok(const json_t *object, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const json_t *v = json_object_get(object, names[i]);
        if (v && !json_is_boolean(v))
            return false;
    }
    return true;
}

/** What the inviter's own token was narrowed by narrows those invited with it too. */
static struct role_grants grants_of_inviter(const struct claims *who)
{
    const struct role_grants full = role_describe(who->role)->grants;
    return (struct role_grants){.publish = who->grants.publish || !full.publish,
                                .subscribe = who->grants.subscribe || !full.subscribe,
                                .record = who->grants.record || !full.record};
}

/** NULL, or what is wrong. */
static const char *grants_fill(const struct api_call *c, struct claims *ret)
{
    static const char *const names[] = {"publish", "subscribe", "record"};
    static const char *const single[] = {"single_use"};
    const json_t *grants = json_object_get(c->body, "grants");
    if ((grants && !json_is_object(grants)) || !flags_ok(grants, names, 3))
        return "`grants` is an object of publish, subscribe, record, each true or false";
    if (!flags_ok(c->body, single, 1))
        return "`single_use` is true or false";
    struct role_grants narrow = {.publish = json_flag(grants, "publish", true),
                                 .subscribe = json_flag(grants, "subscribe", true),
                                 .record = json_flag(grants, "record", true)};
    ret->grants = role_narrow(role_describe(ret->role)->grants, narrow);
    ret->grants = role_narrow(ret->grants, grants_of_inviter(&c->claims));
    return NULL;
}

/** What the token will say; NULL, or what is wrong. */
static const char *claims_fill(const struct api_call *c, const struct store_case *sc,
                               struct claims *ret)
{
    const json_t *body = c->body;
    const struct role_info *role = role_describe(ret->role);
    const char *why = grants_fill(c, ret);
    if (why)
        return why;
    int64_t ttl = TTL_MAX;
    if (json_int(body, "ttl_seconds", TTL_MIN, TTL_MAX, &ttl) == ER_MALFORMED)
        return "`ttl_seconds` is a number from 60 to 86400";
    ret->expires_s = c->unix_us / 1000000 + (uint64_t)ttl;

    const char *identity = json_text(body, "identity", LIMIT_IDENTITY);
    const char *name = json_text(body, "name", LIMIT_NAME);
    if ((json_object_get(body, "identity") && (!identity || !identity[0])) ||
        (json_object_get(body, "name") && (!name || !name[0])))
        return "`identity` or `name` is no text, or too long";
    bool buyer = ret->role == ROLE_BUYER;
    if (!identity && buyer)
        identity = sc->buyer;
    if (identity && !buyer && strcmp(identity, sc->buyer) == 0)
        return "`identity` is the buyer's: nobody else goes by that name here";
    if (identity)
        (void)str_copy(ret->identity, sizeof ret->identity, identity);
    else
        (void)snprintf(ret->identity, sizeof ret->identity, "guest-%s", ret->jti);
    if (!name)
        name = buyer ? sc->buyer_name : role->name;
    (void)str_copy(ret->name, sizeof ret->name, name);
    if (!claims_text_ok(ret->identity) || !claims_text_ok(ret->name))
        return "`identity` or `name` has control characters";
    return NULL;
}

static bool may_invite(struct api_call *c, enum role *ret)
{
    if (role_parse(json_text(c->body, "role", 32), ret) || inviters[*ret] == 0) {
        api_problem(c, 400, "`role` is not one that can be invited");
        return false;
    }
    if (inviters[*ret] & BY(c->claims.role))
        return true;
    api_problem(c, 403, "this role does not invite that one");
    return false;
}

static void answer(struct api_call *c, const struct claims *claims, const char *token)
{
    char url[AUTH_TOKEN_BYTES + 256];
    bool guest = claims->role == ROLE_BUYER || claims->role == ROLE_VIEWER;
    (void)snprintf(url, sizeof url, "%s%s#%s", c->app->base_url, guest ? "/c/" : "/desk", token);
    json_t *o = json_pack("{s:s,s:s,s:s,s:s}", "url", url, "token", token, "identity",
                          claims->identity, "role", role_name(claims->role));
    char at[CLOCK_TEXT_BYTES];
    clock_format(claims->expires_s * 1000000, at);
    if (o)
        (void)json_object_set_new(o, "expires_at", json_string(at));
    api_json(c, 201, o);
}

/** Nobody acts in a colleague's name: one that others go by is theirs. A service, which has the key and could
 *  make any token, is believed. */
static bool may_name(struct store *s, struct api_call *c, const struct store_case *sc,
                     const char *identity)
{
    bool taken = false;
    if (c->claims.role == ROLE_SERVICE || strcmp(identity, c->claims.identity) == 0 ||
        strcmp(identity, sc->buyer) == 0)
        return true;
    int er = store_invite_taken(s, sc->merchant, &sc->id, identity, &taken);
    if (er)
        api_problem_er(c, er, NULL);
    else if (taken)
        api_problem(c, 403, "`identity` is somebody else's, whom only a service invites by it");
    return !er && !taken;
}

static void invite(struct store *s, struct api_call *c, const struct store_case *sc, enum role role)
{
    struct id jti = id_make(c->unix_us, &c->app->entropy);
    struct claims claims = {.role = role, .case_id = sc->id};
    char token[AUTH_TOKEN_BYTES];
    (void)str_copy(claims.jti, sizeof claims.jti, jti.text);
    (void)str_copy(claims.key, sizeof claims.key, c->claims.key);
    const char *why = claims_fill(c, sc, &claims);
    if (why) {
        api_problem(c, 400, why);
        return;
    }
    if (!may_name(s, c, sc, claims.identity))
        return;
    struct store_invite row = {.case_id = sc->id,
                               .role = role,
                               .by_role = c->claims.role,
                               .single_use = json_flag(c->body, "single_use", false),
                               .expires_us = claims.expires_s * 1000000};
    (void)str_copy(row.jti, sizeof row.jti, claims.jti);
    (void)str_copy(row.identity, sizeof row.identity, claims.identity);
    int er = auth_mint(c->app->auth, &claims, c->unix_us / 1000000, token);
    if (!er)
        er = store_invite_add(s, &row, claims.name, c->claims.identity, c->unix_us);
    if (er)
        api_problem_er(c, er, NULL);
    else
        answer(c, &claims, token);
}

void api_invite(struct store *s, struct api_call *c)
{
    struct store_case sc;
    enum role role;
    if (!may_invite(c, &role) || !api_case(s, c, &sc))
        return;
    invite(s, c, &sc, role);
    c->changed = sc.id;
    store_case_clear(&sc);
}
