// SPDX-License-Identifier: Apache-2.0
/* The keys that seal: Ed25519 (RFC 8032), one active, those before it kept with the times in which
 * they were good. In the folder: keys.json, which is what is published (RFC 8037 keys), and one
 * <kid>.key (PEM, PKCS #8) for the active key; private halves of others are removed. */
#ifndef LOUPE_SERVER_SEAL_KEYS_H
#define LOUPE_SERVER_SEAL_KEYS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/entropy.h"

#define KEYS_KID_BYTES 17 /* the first 16 hex digits of SHA-256(public key) */
#define KEYS_REASON_BYTES 201
#define KEYS_MAX 256 /* more in one document are refused; rotating further: ER_FULL */
#define KEYS_SIGNATURE_BYTES 64

struct key {
    char kid[KEYS_KID_BYTES];
    uint8_t public[32];
    /* RFC 3339 in UTC with milliseconds, so that they compare as texts; "": not so */
    char created_at[CLOCK_TEXT_BYTES], retired_at[CLOCK_TEXT_BYTES], revoked_at[CLOCK_TEXT_BYTES];
    char reason[KEYS_REASON_BYTES];
};

struct keys;

/** What is in the folder; makes the folder and a first key where there is none that may sign.
 *  ER_MALFORMED: the folder's document is broken; ER_IO, ER_NOMEM. */
int keys_open(struct keys **ret, const char *folder, const struct entropy *entropy,
              uint64_t unix_us);
/** A published document ({"keys": [..]}): to check with, not to sign. ER_MALFORMED, ER_NOMEM. */
int keys_parse(struct keys **ret, const json_t *document);
/** NULL is fine. */
void keys_free(struct keys *k);

/** A new active key; the one before is retired. Durable on return. */
int keys_rotate(struct keys *k, const struct entropy *entropy, uint64_t unix_us);
/** Nothing that this key signs from now on is good; if it was active a new one takes its place.
 *  ER_NOT_FOUND; ER_CONFLICT: revoked before. */
int keys_revoke(struct keys *k, const char *kid, const char *reason, const struct entropy *entropy,
                uint64_t unix_us);

size_t keys_count(const struct keys *k);
const struct key *keys_at(const struct keys *k, size_t i);
/** NULL when there is none of that public key. */
const struct key *keys_find(const struct keys *k, const uint8_t public[static 32]);
/** What signs; NULL: nothing (parsed, or empty). */
const struct key *keys_active(const struct keys *k);
/** The document to publish; NULL without memory. */
json_t *keys_json(const struct keys *k);

/** With the active key: over `context` with its NUL, then `data`. ER_CONFLICT: there is none. */
int keys_sign(const struct keys *k, const char *context, const void *data, size_t len,
              uint8_t ret[static KEYS_SIGNATURE_BYTES]);
/** The same of a message that has them both. */
int keys_sign_message(const struct keys *k, const void *message, size_t len,
                      uint8_t ret[static KEYS_SIGNATURE_BYTES]);
/** 0 or ER_UNAUTHENTIC. */
int keys_check(const uint8_t public[static 32], const char *context, const void *data, size_t len,
               const uint8_t signature[static KEYS_SIGNATURE_BYTES]);

/** {"crv", "kid", "kty", "x"}; and back, checked. NULL without memory; ER_MALFORMED. */
json_t *keys_jwk(const struct key *key);
int keys_from_jwk(const json_t *jwk, struct key *ret);

#endif
