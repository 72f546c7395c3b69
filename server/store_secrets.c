// SPDX-License-Identifier: Apache-2.0
/* Secrets, encrypted as they go into the database and out of it. */
#include "server/store_secrets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/er.h"
#include "base/str.h"
#include "server/storage_keys.h"
#include "server/store_sql.h"

static void what_of(char ret[STORE_SHORT_BYTES + 40], const char *column, const char *id)
{
    (void)snprintf(ret, STORE_SHORT_BYTES + 40, "%s:%s", column, id);
}

int sql_secret_seal(struct store *s, const char *column, const char *id, const char *secret,
                    char ret[static VAULT_TEXT_BYTES])
{
    char of[STORE_SHORT_BYTES + 40];
    if (!secret[0] || !s->secrets)
        return str_copy(ret, VAULT_TEXT_BYTES, secret) ? ER_INVALID : 0;
    what_of(of, column, id);
    return vault_text_seal(s->secrets, of, secret, ret);
}

void sql_secret_open(struct store *s, const char *column, const char *id, const char *kept,
                     char *ret, size_t size)
{
    char of[STORE_SHORT_BYTES + 40];
    if (!kept || !vault_text_is_sealed(kept)) {
        (void)str_copy(ret, size, kept);
        return;
    }
    what_of(of, column, id);
    int er = vault_text_open(s->secrets, of, kept, ret, size);
    if (er)
        log_event(s->log, LOG_ERROR, "secret_unreadable", "of=%s er=%s", of, er_name(er));
}

/* What stood plain before there was a key. */

static const struct column {
    const char *name, *find, *write;
} columns[] = {
    {"api_key", "SELECT id, secret FROM api_keys WHERE secret <> '' AND secret NOT LIKE 'sealed:%'",
     "UPDATE api_keys SET secret = ? WHERE id = ?"},
    {"api_key_old",
     "SELECT id, old_secret FROM api_keys WHERE old_secret <> '' AND old_secret NOT LIKE 'sealed:%'",
     "UPDATE api_keys SET old_secret = ? WHERE id = ?"},
    {"webhook", "SELECT id, secret FROM webhooks WHERE secret <> '' AND secret NOT LIKE 'sealed:%'",
     "UPDATE webhooks SET secret = ? WHERE id = ?"},
    {"webhook_old",
     "SELECT id, old_secret FROM webhooks WHERE old_secret <> '' AND old_secret NOT LIKE 'sealed:%'",
     "UPDATE webhooks SET old_secret = ? WHERE id = ?"},
};

/** 1: one was there, and is encrypted now; 0: there was none. */
static int seal_one(struct store *s, const struct column *c)
{
    char id[STORE_SHORT_BYTES], secret[VAULT_TEXT_MAX + 1], sealed[VAULT_TEXT_BYTES];
    sqlite3_stmt *st;
    int er = sql_begin(s, &st, c->find, "");
    if (er)
        return er;
    er = sql_step(s, st);
    if (er == 1) {
        sql_text(st, 0, id, sizeof id);
        sql_text(st, 1, secret, sizeof secret);
    }
    sql_end(st);
    if (er != 1)
        return er;
    er = sql_secret_seal(s, c->name, id, secret, sealed);
    explicit_bzero(secret, sizeof secret);
    if (!er)
        er = sql_run(s, NULL, c->write, "tt", sealed, id);
    return er ? er : 1;
}

static int seal_all(struct store *s)
{
    int er = store_begin(s);
    if (er)
        return er;
    for (size_t i = 0; er >= 0 && i < sizeof columns / sizeof columns[0]; i++) {
        do {
            er = seal_one(s, &columns[i]);
        } while (er == 1);
    }
    return store_end(s, er);
}

static int key_file_make(struct store *s, const char *key_file)
{
    char folder[1024], why[200];
    const char *end = strrchr(key_file, '/');
    if (access(key_file, F_OK) == 0)
        return 0;
    if (end && str_copy_span(folder, sizeof folder, (struct span){key_file, (size_t)(end - key_file)}) == 0)
        (void)mkdir(folder, 0700);
    return storage_keys_add(key_file, &s->entropy, why, sizeof why);
}

int store_use_secrets(struct store *s, const char *key_file)
{
    struct config *config = calloc(1, sizeof *config);
    const char *setting;
    char why[400];
    struct vault *v = NULL;
    int er = config ? str_copy(config->storage_key_file, sizeof config->storage_key_file, key_file)
                    : ER_NOMEM;
    if (!er)
        er = key_file_make(s, key_file);
    if (!er)
        er = vault_new(&v, s->entropy);
    if (!er)
        er = storage_keys_take(v, config, &setting, why, sizeof why);
    if (!er && !vault_has_key(v))
        er = ER_INVALID;
    free(config);
    if (er) {
        vault_free(v);
        return er;
    }
    vault_free(s->secrets);
    s->secrets = v;
    return seal_all(s);
}

int store_secrets_tidy(struct store *s, uint64_t now_us)
{
    int er = sql_run(s, NULL,
                     "UPDATE webhooks SET old_secret = '' WHERE old_secret <> ''"
                     " AND old_until_us <= ?",
                     "i", (int64_t)now_us);
    return er ? er
              : sql_run(s, NULL,
                        "UPDATE api_keys SET old_secret = '' WHERE old_secret <> ''"
                        " AND old_until_us <= ?",
                        "i", (int64_t)now_us);
}
