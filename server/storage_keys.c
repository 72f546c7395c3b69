// SPDX-License-Identifier: Apache-2.0
/* Reading and writing files of keys. */
#include "server/storage_keys.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/er.h"
#include "server/seal/durable.h"

enum { FILE_MAX = 65536, KEY_MODE = 0600 };

static int wrong(char *ret_why, size_t size, const char *why)
{
    (void)str_copy(ret_why, size, why);
    return ER_INVALID;
}

/** What a file says of itself, before its content is believed. */
static int check_file(const char *path, char *ret_why, size_t size)
{
    struct stat st;
    if (stat(path, &st)) {
        (void)snprintf(ret_why, size, "%s cannot be read: %s", path, strerror(errno));
        return errno == ENOENT ? ER_NOT_FOUND : ER_INVALID;
    }
    if (!S_ISREG(st.st_mode))
        return wrong(ret_why, size, "it is no file");
    if (st.st_mode & (S_IRWXG | S_IRWXO)) {
        (void)snprintf(ret_why, size, "others than its owner may use %s: chmod 600", path);
        return ER_INVALID;
    }
    return 0;
}

static int take(struct vault *v, struct span text, char *ret_why, size_t size)
{
    size_t line = 0;
    int er = vault_set_keys(v, text, &line);
    if (er == ER_MALFORMED)
        (void)snprintf(ret_why, size, "line %zu holds what is no key of 64 hexadecimal digits",
                       line);
    else if (er < 0)
        (void)str_copy(ret_why, size, er == ER_FULL ? "too many keys" : "there is no key in it");
    return er < 0 ? ER_INVALID : 0;
}

static int take_file(struct vault *v, const char *path, char *ret_why, size_t size)
{
    char *text;
    size_t len;
    int er = check_file(path, ret_why, size);
    if (er < 0)
        return ER_INVALID;
    er = durable_read(path, FILE_MAX, &text, &len);
    if (er < 0) {
        (void)snprintf(ret_why, size, "%s cannot be read", path);
        return ER_INVALID;
    }
    er = take(v, (struct span){.at = text, .len = len}, ret_why, size);
    OPENSSL_cleanse(text, len);
    free(text);
    return er;
}

int storage_keys_take(struct vault *v, const struct config *c, const char **ret_name, char *ret_why,
                      size_t size)
{
    *ret_name = "storage-key-file";
    if (c->storage_key[0] && c->storage_key_file[0])
        return wrong(ret_why, size, "storage-key and storage-key-file are two ways of one setting");
    if (c->storage_key_file[0])
        return take_file(v, c->storage_key_file, ret_why, size);
    *ret_name = "storage-key";
    return c->storage_key[0] ? take(v, span_of(c->storage_key), ret_why, size) : 0;
}

/** The keys that are there, as text, to free(); empty where there is no file. */
static int read_there(const char *path, const struct entropy *entropy, char **ret, char *ret_why,
                      size_t size)
{
    struct vault *v;
    size_t len;
    int er = check_file(path, ret_why, size);
    if (er == ER_NOT_FOUND) {
        *ret = strdup("");
        return *ret ? 0 : ER_NOMEM;
    }
    if (er < 0 || (er = vault_new(&v, *entropy)) < 0)
        return er;
    er = take_file(v, path, ret_why, size);
    vault_free(v);
    return er < 0 ? er : durable_read(path, FILE_MAX - 256, ret, &len);
}

int storage_keys_add(const char *path, const struct entropy *entropy, char *ret_why, size_t size)
{
    uint8_t key[VAULT_KEY_BYTES];
    char hex[2 * VAULT_KEY_BYTES + 1], name[2 * VAULT_KEY_ID_BYTES + 1], *old, *text;
    (void)str_copy(ret_why, size, "it cannot be written");
    int er = read_there(path, entropy, &old, ret_why, size);
    if (er < 0)
        return er;
    entropy_fill(entropy, key, sizeof key);
    hex_encode(hex, key, sizeof key);
    vault_key_name(key, name);
    size_t old_len = strlen(old);
    int len = asprintf(&text, "%s%s%s # %s\n", old, old_len && old[old_len - 1] != '\n' ? "\n" : "",
                       hex, name);
    er = len < 0 ? ER_NOMEM : durable_write(path, text, (size_t)len, KEY_MODE);
    if (len >= 0) {
        OPENSSL_cleanse(text, (size_t)len);
        free(text);
    }
    OPENSSL_cleanse(old, old_len);
    OPENSSL_cleanse(key, sizeof key);
    OPENSSL_cleanse(hex, sizeof hex);
    free(old);
    return er;
}
