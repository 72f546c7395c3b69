// SPDX-License-Identifier: Apache-2.0
/* The one place that calls what OpenSSL would rather have called through EVP. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/digest.h"

void digest_begin(struct digest *d)
{
    (void)SHA256_Init(&d->state);
}

void digest_add(struct digest *d, const void *data, size_t len)
{
    (void)SHA256_Update(&d->state, data, len);
}

void digest_end(struct digest *d, uint8_t ret[static DIGEST_BYTES])
{
    (void)SHA256_Final(ret, &d->state);
}

void digest_sha256(const void *data, size_t len, uint8_t ret[static DIGEST_BYTES])
{
    struct digest d;
    digest_begin(&d);
    digest_add(&d, data, len);
    digest_end(&d, ret);
}
