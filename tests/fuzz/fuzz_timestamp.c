// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a time stamping authority's answer, and as a token out of a manifest: nobody signed it for
 * this hash and number, so none is taken, but the reading comes to an end. */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "server/seal/timestamp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct merkle_hash hash = {{1, 2, 3}};
    char at[CLOCK_TEXT_BYTES], *token = NULL;
    int er = timestamp_take(data, size, &hash, 0x1122334455667788, &token);
    require(er == ER_UNAUTHENTIC || er == ER_AGAIN);
    require(token == NULL);
    if (size > 65536)
        return 0;
    char *text = malloc(4 * (size / 3 + 1) + 1);
    require(text != NULL);
    (void)EVP_EncodeBlock((unsigned char *)text, data, (int)size);
    er = timestamp_check(text, &hash, NULL, at);
    /* Unsigned ones may well say this hash: then who says so is not known. */
    require(er == ER_UNAUTHENTIC || er == ER_AGAIN);
    require(timestamp_check(text, &hash, "/dev/null", at) != 0);
    free(text);
    return 0;
}
