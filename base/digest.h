// SPDX-License-Identifier: Apache-2.0
/* SHA-256 of many small things: OpenSSL's functions of the lowest level, which neither look an algorithm up
 * nor allocate. (Through EVP a hash of 50 bytes takes ten times as long as the bytes do.) */
#ifndef LOUPE_BASE_DIGEST_H
#define LOUPE_BASE_DIGEST_H

#include <openssl/sha.h>
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
void digest_sha256(const void *data, size_t len, uint8_t ret[static DIGEST_BYTES]);

#endif
