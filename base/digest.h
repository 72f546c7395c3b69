// SPDX-License-Identifier: Apache-2.0
/* SHA-256 of many small things: OpenSSL's functions of the lowest level, which neither look an algorithm up
 * nor allocate. (Through EVP a hash of 50 bytes takes ten times as long as the bytes do.) */
#ifndef LOUPE_BASE_DIGEST_H
#define LOUPE_BASE_DIGEST_H

#include <openssl/sha.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIGEST_BYTES 32

struct digest {
    SHA256_CTX state;
};

void digest_begin(struct digest *d);
void digest_add(struct digest *d, const void *data, size_t len);
/** Only digest_begin may follow. */
void digest_end(struct digest *d, uint8_t ret[static DIGEST_BYTES]);
/** Bytes for one of several. */
struct digest_part {
    struct digest *digest;
    const uint8_t *data;
    size_t len;
};
/** digest_add of each; with `pairs` (digest_pair_works) two at a time, in less time than one after the other.
 *  The parts are used up. */
void digest_add_each(struct digest_part *parts, size_t count, bool pairs);
void digest_sha256(const void *data, size_t len, uint8_t ret[static DIGEST_BYTES]);

#endif
