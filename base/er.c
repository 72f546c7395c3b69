// SPDX-License-Identifier: Apache-2.0
/* Names of the errors. */
#include "base/er.h"

static const char *const er_names[] = {
    [-ER_OK] = "ok",
    [-ER_NOMEM] = "nomem",
    [-ER_FULL] = "full",
    [-ER_MALFORMED] = "malformed",
    [-ER_TRUNCATED] = "truncated",
    [-ER_UNSUPPORTED] = "unsupported",
    [-ER_UNAUTHENTIC] = "unauthentic",
    [-ER_STALE] = "stale",
    [-ER_IO] = "io",
    [-ER_NOT_FOUND] = "not_found",
    [-ER_DENIED] = "denied",
    [-ER_CONFLICT] = "conflict",
    [-ER_AGAIN] = "again",
    [-ER_INVALID] = "invalid",
    [-ER_CLOSED] = "closed",
    [-ER_INTERNAL] = "internal",
};

const char *er_name(int er)
{
    if (er > 0 || er < ER_INTERNAL)
        return "unknown";
    return er_names[-er];
}
