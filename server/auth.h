// SPDX-License-Identifier: Apache-2.0
/* Tokens: JWT, HS256 with an API key's secret, checked before anything is allocated for the one
 * who brings it; and the signatures of media links. */
#ifndef LOUPE_SERVER_AUTH_H
#define LOUPE_SERVER_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/entropy.h"
#include "base/id.h"
#include "base/limits.h"
#include "signaling/role.h"

#define AUTH_KEY_BYTES 65   /* an API key's id, with its NUL */
#define AUTH_SECRET_MAX 256 /* bytes of an API key's secret */
#define AUTH_MERCHANT_BYTES 65
#define AUTH_JTI_BYTES 65
#define AUTH_TOKEN_BYTES (LIMIT_TOKEN + 1)
#define AUTH_MERCHANT_DEFAULT "default"

/** What an API key's tokens may do, bits. */
enum auth_scope {
    AUTH_READ = 1,   /* over HTTP: look */
    AUTH_WRITE = 2,  /* over HTTP: open and change cases, record */
    AUTH_CALL = 4,   /* come into rooms: WebSocket, WHIP, WHEP */
    AUTH_MANAGE = 8, /* webhooks, API keys, periods of keeping, holds, deletion */
    AUTH_ALL = 15,
};
#define AUTH_ALL_ROLES ((1u << ROLE_COUNT) - 1)
/** "read,call"; "" (all). ER_INVALID. */
int auth_scopes_parse(const char *text, unsigned *ret);
/** "agent,service" as bits of roles; "" (all). ER_INVALID. */
int auth_roles_parse(const char *text, unsigned *ret);

/** What a token that was checked says. */
struct claims {
    char key[AUTH_KEY_BYTES];           /* iss and kid */
    char merchant[AUTH_MERCHANT_BYTES]; /* whose key it is */
    char identity[LIMIT_IDENTITY + 1];  /* sub */
    char name[LIMIT_NAME + 1];          /* shown to people; the identity when the token has none */
    char jti[AUTH_JTI_BYTES];           /* "" when the token has none */
    enum role role;
    struct id case_id;         /* zeroed: not bound to a case */
    struct id room;            /* zeroed: not bound to a room */
    struct role_grants grants; /* the role's, narrowed by the token's */
    uint64_t expires_s;        /* Unix seconds */
    unsigned scopes;           /* of the key, bits of enum auth_scope */
    unsigned roles;            /* of the key: whom it may sign for, bits */
};

/** The API keys. Any thread may use it. */
struct auth;

/** 0 or ER_NOMEM. */
int auth_new(struct auth **ret);
void auth_free(struct auth *a);
/** Whether it may be the id of a key, or of a merchant: letters, digits, '.', '_' and '-'. */
bool auth_name_ok(const char *id);
/** Add or replace a key. ER_INVALID: a merchant or secret that is empty or too long, or an id that may
 *  be none; ER_FULL: LIMIT_API_KEYS. */
int auth_add_key(struct auth *a, const char *id, const char *secret, const char *merchant);
struct auth_key_spec {
    const char *id, *merchant, *secret;
    const char *old_secret; /* good until old_until_s, too; "": none */
    uint64_t old_until_s;
    unsigned roles, scopes; /* bits: whom it may sign for, what that one may do */
};
int auth_put_key(struct auth *a, const struct auth_key_spec *spec);
bool auth_knows_key(struct auth *a, const char *id);
/** Whether there are LIMIT_API_KEYS: one more is ER_FULL. */
bool auth_is_full(struct auth *a);
/** ER_NOT_FOUND. */
int auth_remove_key(struct auth *a, const char *id);
/** Forget all keys that were not added since the last call of this. For a reload: add, then prune. */
void auth_prune_keys(struct auth *a);

/** Check a token (not NUL-terminated) at `now_s`. 0 and *ret; ER_UNAUTHENTIC (HTTP 401), or ER_DENIED (403: the key
 *  may not sign for this role), and *ret_why, a static text fit for the one who sent it; ER_NOMEM. */
int auth_verify(struct auth *a, const char *token, size_t len, uint64_t now_s, struct claims *ret,
                const char **ret_why);

/** Sign a token for `claims`, with the key that claims->key names, issued at `now_s`, valid until
 *  claims->expires_s. What the claims' grants lack of the role's is written as `grants`.
 *  ER_NOT_FOUND: no such key; ER_DENIED: it may not sign for the role; ER_INVALID, ER_TRUNCATED, ER_NOMEM. */
int auth_mint(struct auth *a, const struct claims *claims, uint64_t now_s,
              char ret_token[AUTH_TOKEN_BYTES]);

/** Whether a token with this sub or name would be taken: not NULL, not empty, no control characters. */
bool claims_text_ok(const char *text);
/** Whether it is for one case or room: it says nothing about the merchant's others. */
bool claims_is_bound(const struct claims *c);
/** May this person enter the case (its room) at all? The merchant must be the case's; a token bound
 *  to a case or room fits no other one; a buyer and a viewer need one that is bound. */
bool claims_allow_case(const struct claims *c, const struct id *case_id, const struct id *room,
                       const char *merchant);

#define AUTH_MEDIA_SECONDS 600
#define AUTH_SIGNATURE_BYTES 65 /* 64 hexadecimal digits and the NUL */

/** The key of media links: drawn anew at every start, so that old links die with it. */
struct media_key {
    uint8_t bytes[32];
};
struct media_key media_key_derive(const uint8_t secret[32], const struct entropy *entropy);
/** HMAC-SHA256 over clip, `file` ("media", "poster", "manifest"), person and expiry. */
void media_key_sign(const struct media_key *k, const struct id *clip, const char *file,
                    const char *identity, uint64_t expires_s,
                    char ret_signature[AUTH_SIGNATURE_BYTES]);
/** 0; ER_UNAUTHENTIC when it does not match, ER_STALE when it is past. */
int media_key_check(const struct media_key *k, const struct id *clip, const char *file,
                    const char *identity, uint64_t expires_s, uint64_t now_s,
                    const char *signature);

#endif
