// SPDX-License-Identifier: Apache-2.0
/* A person's key in tables that hold those of all merchants: a name says who somebody is within one
 * merchant only. */
#ifndef LOUPE_SIGNALING_PERSON_H
#define LOUPE_SIGNALING_PERSON_H

#include <stdio.h>

#include "base/limits.h"

#define PERSON_MERCHANT_BYTES 65
#define PERSON_KEY_BYTES (PERSON_MERCHANT_BYTES + LIMIT_IDENTITY + 1)

/** Neither has a line's end in it, so no two people have the same. */
static inline const char *person_key(char ret[static PERSON_KEY_BYTES], const char *merchant,
                                     const char *identity)
{
    (void)snprintf(ret, PERSON_KEY_BYTES, "%s\n%s", merchant, identity);
    return ret;
}

#endif
