// SPDX-License-Identifier: Apache-2.0
/* `loupectl cases`: lists of cases, and one with all that is known of it. */
#ifndef LOUPE_SERVER_CTL_CASES_H
#define LOUPE_SERVER_CTL_CASES_H

#include <stdbool.h>
#include <stdio.h>

#include "server/store.h"

/** What stood on the command line; NULL: it did not. */
struct ctl_cases {
    const char *merchant, *state, *kind, *text, *limit;
    const char *which; /* id or number */
    bool as_json;
};

/** Newest first, a line each. ER_INVALID with *ret_why, and errors of store.h. */
int ctl_cases_list(struct store *s, const struct ctl_cases *args, FILE *out, const char **ret_why);
/** As JSON: the case, its people, clips, stills, attachments, its events, and whether their chain holds. ER_NOT_FOUND. */
int ctl_cases_show(struct store *s, const struct ctl_cases *args, FILE *out, const char **ret_why);

#endif
