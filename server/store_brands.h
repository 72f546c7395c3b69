// SPDX-License-Identifier: Apache-2.0
/* Merchants' brands: one row for each, whose version outlives what it says. Part of the store. */
#ifndef LOUPE_SERVER_STORE_BRANDS_H
#define LOUPE_SERVER_STORE_BRANDS_H

#include "server/store.h"

struct store_brand {
    char merchant[STORE_SHORT_BYTES];
    char merchant_name[STORE_TEXT_BYTES]; /* where the brand has no name of its own */
    uint64_t version;                     /* 0: there never was one */
    uint64_t changed_us;
    char changed_by[STORE_IDENTITY_BYTES];
    json_t *document;                   /* brand.h; owned */
    char logo_sha256[STORE_HASH_BYTES]; /* "": none */
};
/** Clear it in any case. Without a row: empty, of version 0. */
int store_brand_get(struct store *s, const char *merchant, struct store_brand *ret);
void store_brand_clear(struct store_brand *b);
/** The document, which was checked, with an entry "brand_changed" in the merchant's log. */
int store_brand_put(struct store *s, const char *merchant, const json_t *document, const char *by,
                    uint64_t now_us);
/** The logo of this media type; `len` 0: none from now on. With an entry "logo_changed". */
int store_brand_logo_put(struct store *s, const char *merchant, const char *type,
                         const uint8_t *data, size_t len, const char *by, uint64_t now_us);
/** A logo by its hash: *ret is to free(). ER_NOT_FOUND. */
int store_brand_logo(struct store *s, const char *sha256, char ret_type[static 16], char **ret,
                     size_t *ret_len);

#endif
