// SPDX-License-Identifier: Apache-2.0
/* Time stamps (RFC 3161): an authority's signed word that something was there at a moment. */
#ifndef LOUPE_SERVER_SEAL_TIMESTAMP_H
#define LOUPE_SERVER_SEAL_TIMESTAMP_H

#include "base/clock.h"
#include "base/entropy.h"
#include "server/seal/merkle.h"

#define TIMESTAMP_WAIT_S 10     /* for the authority; then it is tried again later */
#define TIMESTAMP_BYTES 1048576 /* a longer answer is none */

/** Asks the authority at `url` (http) over the hash; blocks. *ret is the token in base64, to free().
 *  ER_AGAIN: not reached, or refused; ER_UNAUTHENTIC: what came is not an answer to this; ER_NOMEM. */
int timestamp_get(const char *url, const struct merkle_hash *hash, const struct entropy *entropy,
                  char **ret);

/** The question as it is sent, DER, to free(); the number in it. For tests, and timestamp_get. */
int timestamp_request(const struct merkle_hash *hash, uint64_t nonce, unsigned char **ret,
                      size_t *ret_len);
/** The token out of an answer (DER) to that question. As timestamp_get. */
int timestamp_take(const unsigned char *answer, size_t len, const struct merkle_hash *hash,
                   uint64_t nonce, char **ret);

/** Whether the token is of this hash, and signed by an authority whose certificates are in the PEM file.
 *  0 and the moment; ER_AGAIN and the moment: of this hash, but no `authority_path` was given;
 *  ER_UNAUTHENTIC; ER_NOT_FOUND: that file cannot be read. */
int timestamp_check(const char *token, const struct merkle_hash *hash, const char *authority_path,
                    char ret_at[static CLOCK_TEXT_BYTES]);

#endif
