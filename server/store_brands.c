// SPDX-License-Identifier: Apache-2.0
/* Brands in the store. */
#include "server/store_brands.h"

#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/er.h"
#include "base/json.h"
#include "base/str.h"
#include "server/store_log.h"
#include "server/store_sql.h"

void store_brand_clear(struct store_brand *b)
{
    json_decref(b->document);
    b->document = NULL;
}

int store_brand_get(struct store *s, const char *merchant, struct store_brand *ret)
{
    sqlite3_stmt *st;
    *ret = (struct store_brand){.version = 0};
    int er = str_copy(ret->merchant, sizeof ret->merchant, merchant);
    if (!er)
        er = sql_begin(s, &st,
                       "SELECT m.name, b.version, b.changed_us, b.changed_by, b.document,"
                       " b.logo_sha256 FROM merchants m LEFT JOIN brands b ON b.merchant = m.id"
                       " WHERE m.id = ?",
                       "t", merchant);
    if (er)
        return er;
    er = sql_step(s, st);
    if (er == 1) {
        sql_text(st, 0, ret->merchant_name, sizeof ret->merchant_name);
        ret->version = sql_u64(st, 1);
        ret->changed_us = sql_u64(st, 2);
        sql_text(st, 3, ret->changed_by, sizeof ret->changed_by);
        ret->document = sql_json(st, 4);
        sql_text(st, 5, ret->logo_sha256, sizeof ret->logo_sha256);
    }
    sql_end(st);
    if (er >= 0 && !ret->document)
        ret->document = json_object();
    return er < 0 ? er : ret->document ? 0 : ER_NOMEM;
}

/** The row is there, and of another version. */
static int row_touch(struct store *s, const char *merchant, const char *by, uint64_t now_us)
{
    int er = store_merchant_put(s, merchant, NULL, now_us);
    return er ? er
              : sql_run(s, NULL,
                        "INSERT INTO brands VALUES(?1, 1, ?2, ?3, '{}', NULL, '', '')"
                        " ON CONFLICT(merchant) DO UPDATE SET version = version + 1,"
                        " changed_us = ?2, changed_by = ?3",
                        "tit", merchant, (int64_t)now_us, by);
}

int store_brand_put(struct store *s, const char *merchant, const json_t *document, const char *by,
                    uint64_t now_us)
{
    char *text = json_canonical(document);
    int er = text ? store_begin(s) : ER_NOMEM;
    if (!er) {
        er = row_touch(s, merchant, by, now_us);
        if (!er)
            er = sql_run(s, NULL, "UPDATE brands SET document = ? WHERE merchant = ?", "tt", text,
                         merchant);
        if (!er)
            er = store_log_add(s, merchant, by, "brand_changed", "", document, now_us);
        er = store_end(s, er);
    }
    free(text);
    return er;
}

int store_brand_logo_put(struct store *s, const char *merchant, const char *type,
                         const uint8_t *data, size_t len, const char *by, uint64_t now_us)
{
    uint8_t hash[DIGEST_BYTES];
    char hex[STORE_HASH_BYTES] = "";
    if (len) {
        digest_sha256(data, len, hash);
        hex_encode(hex, hash, sizeof hash);
    }
    json_t *told = json_pack("{s:s}", "sha256", hex);
    int er = told ? store_begin(s) : ER_NOMEM;
    if (!er) {
        er = row_touch(s, merchant, by, now_us);
        if (!er)
            er = sql_run(s, NULL,
                         "UPDATE brands SET logo = ?, logo_type = ?, logo_sha256 = ?"
                         " WHERE merchant = ?",
                         "xttt", data, len, len ? type : "", hex, merchant);
        if (!er)
            er = store_log_add(s, merchant, by, "logo_changed", "", told, now_us);
        er = store_end(s, er);
    }
    json_decref(told);
    return er;
}

int store_brand_logo(struct store *s, const char *sha256, char ret_type[static 16], char **ret,
                     size_t *ret_len)
{
    sqlite3_stmt *st;
    int er = sql_begin(
        s, &st, "SELECT logo, logo_type FROM brands WHERE logo_sha256 = ? AND logo_sha256 <> ''",
        "t", sha256);
    *ret = NULL;
    *ret_len = 0;
    if (er)
        return er;
    er = sha256[0] ? sql_step(s, st) : 0;
    const void *bytes = er == 1 ? sqlite3_column_blob(st, 0) : NULL;
    if (bytes) {
        *ret_len = (size_t)sqlite3_column_bytes(st, 0);
        sql_text(st, 1, ret_type, 16);
        *ret = malloc(*ret_len);
        if (*ret)
            memcpy(*ret, bytes, *ret_len);
    }
    sql_end(st);
    return er < 0 ? er : !bytes ? ER_NOT_FOUND : *ret ? 0 : ER_NOMEM;
}
