// SPDX-License-Identifier: Apache-2.0
/* `loupectl webhooks`: what REST does with them, for who has the data folder. */
#ifndef LOUPE_SERVER_CTL_HOOKS_H
#define LOUPE_SERVER_CTL_HOOKS_H

#include <stdio.h>

#include "server/store_hooks.h"

/** What stood on the command line; NULL: it did not. */
struct ctl_hooks {
    const char *merchant; /* not NULL */
    const char *url, *types, *description, *id, *delivery, *case_id;
};

/** Carries out `verb` (list, add, rotate, enable, disable, remove, test, deliveries, dead, replay) and tells on `out`
 *  what came of it. ER_INVALID: no such verb, or arguments that do not do (*ret_why, or NULL); errors of
 *  store_hooks.h. A server that runs takes it up within a second or so. */
int ctl_hooks_run(struct store *s, const char *verb, const struct ctl_hooks *args, uint64_t now_us,
                  FILE *out, const char **ret_why);

#endif
