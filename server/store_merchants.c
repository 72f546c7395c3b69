// SPDX-License-Identifier: Apache-2.0
/* Merchants, and the API keys that are theirs. */
#include <string.h>

#include "base/er.h"
#include "base/str.h"
#include "server/store_sql.h"

int store_merchant_put(struct store *s, const char *id, const char *name, uint64_t now_us)
{
    return sql_run(s, NULL,
                   "INSERT INTO merchants VALUES(?1, coalesce(?2, ?1), ?3) ON CONFLICT(id)"
                   " DO UPDATE SET name = coalesce(?2, name)",
                   "tti", id, name, (int64_t)now_us);
}

int store_merchants_each(struct store *s, void (*each)(void *ctx, const struct store_merchant *m),
                         void *ctx)
{
    sqlite3_stmt *st;
    struct store_merchant m;
    int er = sql_begin(s, &st, "SELECT id, name, created_us FROM merchants ORDER BY id", "");
    if (er)
        return er;
    while ((er = sql_step(s, st)) == 1) {
        sql_text(st, 0, m.id, sizeof m.id);
        sql_text(st, 1, m.name, sizeof m.name);
        m.created_us = sql_u64(st, 2);
        each(ctx, &m);
    }
    sql_end(st);
    return er;
}

/* API keys */

#define KEY_COLUMNS                                                                                \
    "id, merchant, secret, old_secret, old_until_us, created_us, changed_us, roles, scopes"

static void key_read(struct store *s, sqlite3_stmt *st, struct store_api_key *key)
{
    memset(key, 0, sizeof *key);
    sql_text(st, 0, key->id, sizeof key->id);
    sql_text(st, 1, key->merchant, sizeof key->merchant);
    sql_secret_open(s, "api_key", key->id, (const char *)sqlite3_column_text(st, 2), key->secret,
                    sizeof key->secret);
    sql_secret_open(s, "api_key_old", key->id, (const char *)sqlite3_column_text(st, 3),
                    key->old_secret, sizeof key->old_secret);
    key->old_until_us = sql_u64(st, 4);
    key->created_us = sql_u64(st, 5);
    key->changed_us = sql_u64(st, 6);
    sql_text(st, 7, key->roles, sizeof key->roles);
    sql_text(st, 8, key->scopes, sizeof key->scopes);
}

int store_api_key_room(struct store *s, const char *merchant, const char **ret_why)
{
    sqlite3_stmt *st;
    uint64_t of_all = 0, of_merchant = 0;
    int er = sql_begin(s, &st, "SELECT count(*), total(merchant = ?) FROM api_keys", "t", merchant);
    if (er)
        return er;
    er = sql_step(s, st);
    if (er == 1) {
        of_all = sql_u64(st, 0);
        of_merchant = sql_u64(st, 1);
    }
    sql_end(st);
    *ret_why = of_merchant >= LIMIT_API_KEYS_MERCHANT ? "there are too many API keys"
               : of_all >= LIMIT_API_KEYS ? "the server has as many API keys as it takes"
                                          : NULL;
    return er < 0 ? er : *ret_why ? ER_FULL : 0;
}

int store_api_key_add(struct store *s, const struct store_api_key *key, uint64_t now_us)
{
    char sealed[VAULT_TEXT_BYTES];
    int er = store_begin(s);
    if (er)
        return er;
    er = store_merchant_put(s, key->merchant, NULL, now_us);
    if (!er)
        er = sql_secret_seal(s, "api_key", key->id, key->secret, sealed);
    if (!er)
        er = sql_run(s, NULL,
                     "INSERT INTO api_keys(id, merchant, secret, created_us, changed_us, roles,"
                     " scopes) VALUES(?1, ?2, ?3, ?4, ?4, ?5, ?6)",
                     "tttitt", key->id, key->merchant, sealed, (int64_t)now_us, key->roles,
                     key->scopes);
    return store_end(s, er);
}

int store_api_key_get(struct store *s, const char *merchant, const char *id,
                      struct store_api_key *ret)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st,
                       "SELECT " KEY_COLUMNS " FROM api_keys WHERE id = ?1"
                       " AND (?2 IS NULL OR merchant = ?2)",
                       "tt", id, merchant);
    if (er)
        return er;
    er = sql_step(s, st);
    if (er == 1)
        key_read(s, st, ret);
    sql_end(st);
    return er == 1 ? 0 : er ? er : ER_NOT_FOUND;
}

int store_api_key_rotate(struct store *s, struct store_api_key *key, const char *secret,
                         uint64_t overlap_us, uint64_t now_us)
{
    char fresh[VAULT_TEXT_BYTES], old[VAULT_TEXT_BYTES];
    int changes = 0;
    (void)str_copy(key->old_secret, sizeof key->old_secret, overlap_us ? key->secret : "");
    key->old_until_us = overlap_us ? now_us + overlap_us : 0;
    key->changed_us = now_us;
    int er = str_copy(key->secret, sizeof key->secret, secret) ? ER_INVALID : 0;
    if (!er)
        er = sql_secret_seal(s, "api_key", key->id, key->secret, fresh);
    if (!er)
        er = sql_secret_seal(s, "api_key_old", key->id, key->old_secret, old);
    if (!er)
        er = sql_run(s, &changes,
                     "UPDATE api_keys SET secret = ?, old_secret = ?, old_until_us = ?,"
                     " changed_us = ? WHERE id = ?",
                     "ttiit", fresh, old, (int64_t)key->old_until_us, (int64_t)now_us, key->id);
    return er ? er : changes ? 0 : ER_NOT_FOUND;
}

int store_api_key_remove(struct store *s, const char *id)
{
    int changes = 0;
    int er = sql_run(s, &changes, "DELETE FROM api_keys WHERE id = ?", "t", id);
    return er ? er : changes ? 0 : ER_NOT_FOUND;
}

int store_api_keys_each(struct store *s, void (*each)(void *ctx, const struct store_api_key *key),
                        void *ctx)
{
    sqlite3_stmt *st;
    struct store_api_key key = {0};
    int er = sql_begin(s, &st, "SELECT " KEY_COLUMNS " FROM api_keys ORDER BY id", "");
    if (er)
        return er;
    while ((er = sql_step(s, st)) == 1) {
        key_read(s, st, &key);
        each(ctx, &key);
    }
    explicit_bzero(&key, sizeof key);
    sql_end(st);
    return er;
}
