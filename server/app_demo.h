// SPDX-License-Identifier: Apache-2.0
/* What --demo sets up: a key, a merchant, sample cases, and links to open. */
#ifndef LOUPE_SERVER_APP_DEMO_H
#define LOUPE_SERVER_APP_DEMO_H

#include <stdio.h>

#include "server/app.h"

#define DEMO_KEY "demo"
#define DEMO_SECRET "demo-secret"

/** Before the store thread runs: makes the sample cases unless the merchant has cases already. */
int demo_fill(struct store *s, uint64_t now_us);
/** Prints a line for each link, `demo <role> <url> <who>`: buyers of the open cases and the staff. */
int demo_print(struct store *s, struct auth *auth, const char *base_url, uint64_t now_us,
               FILE *out);

#endif
