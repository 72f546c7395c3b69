// SPDX-License-Identifier: Apache-2.0
/* loupectl: the keys that seal clips, and those under which files lie encrypted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/str.h"
#include "server/main_ctl.h"
#include "server/seal/keys.h"
#include "server/storage_encrypt.h"
#include "server/storage_keys.h"

/* Keys. A server that runs looks them up anew for each clip. */

static void keys_print(const struct keys *k)
{
    for (size_t i = 0; i < keys_count(k); i++) {
        const struct key *key = keys_at(k, i);
        (void)printf("%s made %s", key->kid, key->created_at);
        if (key == keys_active(k))
            (void)printf(" active");
        if (key->retired_at[0])
            (void)printf(" retired %s", key->retired_at);
        if (key->revoked_at[0])
            (void)printf(" revoked %s (%s)", key->revoked_at, key->reason);
        (void)printf("\n");
    }
}

static int keys_change(struct keys *k, const char *verb, const struct ctl_flags *f)
{
    struct entropy entropy = entropy_system();
    const char *kid = ctl_flag(f, "--kid"), *reason = ctl_flag(f, "--reason");
    if (strcmp(verb, "list") == 0)
        return 0;
    if (strcmp(verb, "rotate") == 0)
        return keys_rotate(k, &entropy, clock_unix_us());
    return kid && reason ? keys_revoke(k, kid, reason, &entropy, clock_unix_us()) : ER_INVALID;
}

int ctl_keys(int argc, char **argv)
{
    static const char *const known[] = {"--data", "--kid", "--reason", NULL};
    struct ctl_flags f = {0};
    char path[1024];
    struct keys *k;
    struct entropy entropy = entropy_system();
    const char *verb = argc > 0 ? argv[0] : "";
    if ((strcmp(verb, "list") != 0 && strcmp(verb, "rotate") != 0 && strcmp(verb, "revoke") != 0) ||
        ctl_flags_read(&f, argc - 1, argv + 1, known) || !ctl_flag(&f, "--data"))
        return ctl_usage(stderr);
    (void)snprintf(path, sizeof path, "%s/keys", ctl_flag(&f, "--data"));
    int er = keys_open(&k, path, &entropy, clock_unix_us());
    if (er == 0) {
        er = keys_change(k, verb, &f);
        if (er == 0)
            keys_print(k);
        keys_free(k);
    }
    if (er == 0)
        return 0;
    (void)fprintf(stderr, "loupectl: %s: %s\n", path, er_name(er));
    return er == ER_INVALID ? 2 : 1;
}

/* Keys of what is recorded. */

static int storage_print(const char *path, const struct entropy *entropy, char *why, size_t size)
{
    char names[LIMIT_VAULT_KEYS][2 * VAULT_KEY_ID_BYTES + 1];
    struct config config = {0};
    const char *setting;
    struct vault *v;
    int er = vault_new(&v, *entropy);
    if (er)
        return er;
    er = str_copy(config.storage_key_file, sizeof config.storage_key_file, path);
    if (!er)
        er = storage_keys_take(v, &config, &setting, why, size);
    size_t count = er ? 0 : vault_key_names(v, names, LIMIT_VAULT_KEYS);
    for (size_t i = 0; i < count; i++)
        (void)printf("%s%s\n", names[i], i + 1 == count ? " writes" : "");
    vault_free(v);
    return er;
}

int ctl_storage_key(int argc, char **argv)
{
    static const char *const known[] = {"--file", NULL};
    struct ctl_flags f = {0};
    char why[CONFIG_TEXT_BYTES * 2] = "";
    struct entropy entropy = entropy_system();
    const char *verb = argc > 0 ? argv[0] : "";
    bool new = strcmp(verb, "new") == 0;
    if ((!new &&strcmp(verb, "list") != 0) || ctl_flags_read(&f, argc - 1, argv + 1, known) ||
        !ctl_flag(&f, "--file"))
        return ctl_usage(stderr);
    const char *path = ctl_flag(&f, "--file");
    int er = new ? storage_keys_add(path, &entropy, why, sizeof why) : 0;
    if (!er)
        er = storage_print(path, &entropy, why, sizeof why);
    if (!er)
        return 0;
    (void)fprintf(stderr, "loupectl: %s: %s\n", path, why[0] ? why : er_name(er));
    return er == ER_INVALID ? 2 : 1;
}

/* What lies plain of the time before there was a key. */

static void encrypt_failed(void *ctx, const char *path, int er)
{
    (void)ctx;
    (void)fprintf(stderr, "loupectl: %s: %s\n", path,
                  er == ER_UNSUPPORTED ? "this file system cannot exchange two files"
                                       : er_name(er));
}

static int encrypt_in(const char *data, struct vault *v)
{
    char folder[1024];
    struct storage_encrypted done;
    (void)snprintf(folder, sizeof folder, "%s/blobs", data);
    int er = storage_encrypt(folder, v, encrypt_failed, NULL, &done);
    if (er) {
        (void)fprintf(stderr, "loupectl: %s: %s\n", folder,
                      er == ER_CONFLICT ? "another loupectl is at it" : er_name(er));
        return 1;
    }
    (void)printf("encrypted %llu files of %llu bytes, %llu were so before, %llu failed\n",
                 (unsigned long long)done.files, (unsigned long long)done.bytes,
                 (unsigned long long)done.before, (unsigned long long)done.failed);
    return done.failed > 0;
}

int ctl_encrypt_storage(int argc, char **argv)
{
    static const char *const known[] = {"--data", "--file", NULL};
    struct ctl_flags f = {0};
    struct config config = {0};
    struct vault *v;
    const char *setting = "", *key = getenv("LOUPE_STORAGE_KEY");
    char why[CONFIG_TEXT_BYTES * 2] = "";
    if (ctl_flags_read(&f, argc, argv, known) || !ctl_flag(&f, "--data"))
        return ctl_usage(stderr);
    const char *file = ctl_flag(&f, "--file");
    int er = file  ? str_copy(config.storage_key_file, sizeof config.storage_key_file, file)
             : key ? str_copy(config.storage_key, sizeof config.storage_key, key)
                   : ER_INVALID;
    if (er || vault_new(&v, entropy_system()))
        return er ? ctl_usage(stderr) : 1;
    er = storage_keys_take(v, &config, &setting, why, sizeof why);
    if (er)
        (void)fprintf(stderr, "loupectl: %s: %s\n", setting, why[0] ? why : er_name(er));
    int code = er ? 2 : encrypt_in(ctl_flag(&f, "--data"), v);
    vault_free(v);
    return code;
}
