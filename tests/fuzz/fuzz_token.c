// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a token, and any claims under a good signature: what is taken says who somebody is within
 * the bounds, and nothing that we did not sign is taken. */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "server/auth.h"

#define NOW_S 1795298400
#define SECRET "a-secret"
/* {"alg":"HS256","typ":"JWT","kid":"k"} */
#define HEADER "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImsifQ"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

/** Without padding. The length. */
static size_t base64url(char *ret, const uint8_t *data, size_t len)
{
    int n = EVP_EncodeBlock((unsigned char *)ret, data, (int)len);
    size_t end = n > 0 ? (size_t)n : 0;
    while (end && ret[end - 1] == '=')
        end--;
    for (size_t i = 0; i < end; i++)
        ret[i] = (char)(ret[i] == '+' ? '-' : ret[i] == '/' ? '_' : ret[i]);
    return end;
}

/** A token with these bytes for claims; its length. */
static size_t sign(char *ret, const uint8_t *claims, size_t len)
{
    uint8_t mac[32];
    unsigned mac_len = sizeof mac;
    size_t at = strlen(HEADER);
    memcpy(ret, HEADER ".", at + 1);
    at += 1 + base64url(ret + at + 1, claims, len);
    require(HMAC(EVP_sha256(), SECRET, (int)strlen(SECRET), (uint8_t *)ret, at, mac, &mac_len));
    ret[at] = '.';
    return at + 1 + base64url(ret + at + 1, mac, sizeof mac);
}

static void check_claims(const struct claims *c)
{
    const struct role_info *role = role_describe(c->role);
    require(role && strcmp(c->merchant, "m") == 0 && strcmp(c->key, "k") == 0);
    require(claims_text_ok(c->identity) && claims_text_ok(c->name));
    require(c->expires_s >= NOW_S && c->expires_s <= NOW_S + LIMIT_TOKEN_AHEAD_S);
    require(c->role != ROLE_BUYER || id_is_set(&c->case_id));
    require((role->grants.publish || !c->grants.publish) &&
            (role->grants.subscribe || !c->grants.subscribe) &&
            (role->grants.record || !c->grants.record));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char token[8192];
    struct auth *auth;
    struct claims claims;
    const char *why = NULL;
    if (size > LIMIT_TOKEN)
        return 0;
    require(auth_new(&auth) == 0 && auth_add_key(auth, "k", SECRET, "m") == 0);
    int er = auth_verify(auth, (const char *)data, size, NOW_S, &claims, &why);
    require(er == ER_UNAUTHENTIC && why);
    size_t len = sign(token, data, size);
    er = auth_verify(auth, token, len, NOW_S, &claims, &why);
    require(er == 0 || (er == ER_UNAUTHENTIC && why && !claims.identity[0]));
    if (er == 0)
        check_claims(&claims);
    auth_free(auth);
    return 0;
}
