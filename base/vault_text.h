// SPDX-License-Identifier: Apache-2.0
/* Short texts, such as secrets in a database, encrypted each under a key of its own that is derived as those of
 * files are (base/vault.h): AES-256-GCM, bound to what the text is of. */
#ifndef LOUPE_BASE_VAULT_TEXT_H
#define LOUPE_BASE_VAULT_TEXT_H

#include <stdbool.h>

#include "base/vault.h"

#define VAULT_TEXT_PREFIX "sealed:"
#define VAULT_TEXT_MAX 512 /* bytes of a text */
#define VAULT_TEXT_BYTES                                                                           \
    (sizeof VAULT_TEXT_PREFIX + 2 * (VAULT_HEAD_BYTES + 12 + VAULT_TEXT_MAX + 16))

bool vault_text_is_sealed(const char *text);
/** `of` says what it is of, as "api_key:shop": opened as anything else it is not authentic. ER_NOT_FOUND without keys,
 *  ER_INVALID: too long, ER_INTERNAL. */
int vault_text_seal(struct vault *v, const char *of, const char *text,
                    char ret[static VAULT_TEXT_BYTES]);
/** ER_DENIED: its key is not here; ER_UNAUTHENTIC: it was changed, or is of something else; ER_MALFORMED; ER_TRUNCATED. */
int vault_text_open(struct vault *v, const char *of, const char *sealed, char *ret, size_t size);

#endif
