// SPDX-License-Identifier: Apache-2.0
/* A certificate of authentication: what it says to anybody who has its address, and its number. There is nothing in it
 * that people wrote about people: no names, no title, no notes. Pure. */
#ifndef LOUPE_SERVER_CERTIFICATE_H
#define LOUPE_SERVER_CERTIFICATE_H

#include <jansson.h>
#include <stdint.h>

#include "base/entropy.h"
#include "server/store.h"

#define CERTIFICATE_NUMBER_BYTES 18 /* "LC-2K7Q-9XMD-04TR" and its NUL */

/** A number that says nothing and cannot be guessed: 60 bits. */
void certificate_number_make(const struct entropy *entropy, char ret[CERTIFICATE_NUMBER_BYTES]);
/** As people type it: any case, with or without hyphens and blanks, also o for 0 and i, l for 1. 0 and the number as
 *  it is written; ER_MALFORMED. */
int certificate_number_parse(const char *text, char ret[CERTIFICATE_NUMBER_BYTES]);

struct certificate_facts {
    const struct store_case *sc;
    const char *merchant; /* its name */
    const char *item;   /* what was examined, in the issuer's words for everybody; NULL: not said */
    const json_t *exam; /* with its verdict; pieces of evidence may have their moment, "at" */
    const json_t *checklist; /* that it goes by */
    uint64_t seq;            /* the last event of the timeline, and */
    const char *hash;        /* its hash */
    const char *id, *number;
    uint64_t unix_us;
};
/** The document; NULL without memory. */
json_t *certificate_make(const struct certificate_facts *facts);

/** Why one is revoked: error, superseded, fraud, disputed, withdrawn. */
bool certificate_reason_ok(const char *word);

#endif
