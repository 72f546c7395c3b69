// SPDX-License-Identifier: Apache-2.0
/* Secrets and signatures of webhooks, as https://www.standardwebhooks.com says (symmetric, v1). Pure. */
#ifndef LOUPE_SERVER_HOOK_SIGN_H
#define LOUPE_SERVER_HOOK_SIGN_H

#include <stddef.h>
#include <stdint.h>

#include "base/entropy.h"

#define HOOK_SECRET_BYTES 51      /* "whsec_", 32 bytes in base64, NUL */
#define HOOK_SIGNATURES_BYTES 128 /* two of "v1,<44 characters>", a blank between, NUL */

/** "whsec_.." of 256 random bits. */
void hook_secret_make(const struct entropy *entropy, char ret[static HOOK_SECRET_BYTES]);

/** What `webhook-signature` says of `body`: by `secret`, and by `old`, too, unless that is "".
 *  `id` has no full stop in it. 0; ER_INVALID: a secret is none; ER_INTERNAL. */
int hook_sign(const char *secret, const char *old, const char *id, uint64_t unix_s,
              const char *body, size_t len, char ret[static HOOK_SIGNATURES_BYTES]);

#endif
