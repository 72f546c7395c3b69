// SPDX-License-Identifier: Apache-2.0
/* A time stamping authority (RFC 3161) for tests, that can be down. */
#ifndef LOUPE_TESTS_UNIT_SUPPORT_AUTHORITY_H
#define LOUPE_TESTS_UNIT_SUPPORT_AUTHORITY_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>

struct merkle_hash;

struct authority {
    EVP_PKEY *key;
    X509 *certificate;
    bool down;
    unsigned asked;
};

/** Its certificate is written to `path`, PEM. */
void authority_make(struct authority *a, const char *path);
void authority_free(struct authority *a);
/** What it answers to a request, both DER; to OPENSSL_free(). */
unsigned char *authority_answer(struct authority *a, const unsigned char *request, size_t len,
                                int *ret_len);
/** For sealer_config.stamp; `ctx` is the authority. */
int authority_stamp(void *ctx, const struct merkle_hash *hash, char **ret);

#endif
