// SPDX-License-Identifier: Apache-2.0
/* loupectl: what it is asked for, in a table of verbs; each group of them has a file of its own. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/er.h"
#include "base/str.h"
#include "server/main_ctl.h"
#include "server/storage_keys.h"
#include "server/store_secrets.h"

int ctl_usage(FILE *out)
{
    (void)fputs(
        "usage: loupectl token --key ID:SECRET --role ROLE --sub IDENTITY [--name NAME]\n"
        "                      [--case ID] [--room ID] [--ttl SECONDS]\n"
        "       loupectl api-keys list --data DIR\n"
        "       loupectl api-keys add --data DIR --merchant ID [--name NAME] [--id KEY]\n"
        "                      [--roles A,B] [--scopes read,write,call,manage]\n"
        "       loupectl api-keys rotate|remove --data DIR --id KEY\n"
        "                      louped takes up what has changed when it starts, or on SIGHUP\n"
        "       loupectl merchants list|add --data DIR [--merchant ID] [--name NAME]\n"
        "       loupectl people list --data DIR [--merchant ID]\n"
        "       loupectl people add --data DIR --identity ID [--merchant ID] [--name NAME]\n"
        "                      [--role ROLE]\n"
        "       loupectl people link|remove --data DIR --identity ID [--merchant ID]\n"
        "                      [--ttl SECONDS]     link: the desk, signed in\n"
        "       loupectl cases list --data DIR [--merchant ID] [--state S] [--kind K] [--q TEXT]\n"
        "                      [--limit N] [--json]\n"
        "       loupectl cases show --data DIR --case ID|NUMBER\n"
        "       loupectl events --data DIR [--merchant ID] [--case ID] [--type T] [--follow]\n"
        "                      [--json]\n"
        "       loupectl drain --data DIR [--no-wait]     no new calls, clips finalised; then it "
        "ends\n"
        "       loupectl retention list --data DIR [--merchant ID]\n"
        "       loupectl retention changes --data DIR [--merchant ID]   who changed what when\n"
        "       loupectl retention set --data DIR [--merchant ID] --kind KIND --seconds N|never\n"
        "                      KIND: clip, lookback, trim, still, photo or attachment\n"
        "       loupectl holds list --data DIR --case ID\n"
        "       loupectl holds place --data DIR --case ID [--clip ID | --still ID | --attachment "
        "ID]\n"
        "                      --reason TEXT\n"
        "       loupectl holds lift --data DIR --hold ID --reason TEXT\n"
        "       loupectl webhooks list --data DIR [--merchant ID]\n"
        "       loupectl webhooks add --data DIR [--merchant ID] --url URL [--types A,B]\n"
        "                      [--description TEXT]\n"
        "       loupectl webhooks rotate|enable|disable|remove|test --data DIR --id ID\n"
        "       loupectl webhooks deliveries|dead --data DIR --id ID\n"
        "       loupectl webhooks replay --data DIR --id ID [--delivery N | --case ID]\n"
        "                      one, a case's, or all dead letters once more\n"
        "       loupectl verify --data DIR [--case ID] [--keys FILE] [--storage-key-file FILE]\n"
        "                      [--authority FILE] [--database FILE] [--json]\n"
        "                      every row against the timeline, every file against row and seal; "
        "also\n"
        "                      beside a louped that runs. 0 verifies, 1 does not, 2 cannot tell\n"
        "       loupectl backup TO --data DIR [--database FILE] [--blobs DIR]\n"
        "                      into a new folder, or a file TO.tar; also while louped runs\n"
        "       loupectl restore FROM --data DIR      makes a data folder of a backup\n"
        "       loupectl fsck --data DIR      only the database, and every case's chain\n"
        "       loupectl migrate --data DIR [--database FILE] [--check]\n"
        "                      brings the schema up to date (as louped does when it starts); "
        "--check only\n"
        "                      looks: 0 there is nothing to do, 1 there is, 2 it is a newer one\n"
        "       loupectl keys list --data DIR\n"
        "       loupectl keys rotate --data DIR   a new key seals from now on\n"
        "       loupectl keys revoke --data DIR --kid KID --reason TEXT\n"
        "       loupectl storage-key new --file FILE    a new key encrypts from now on (SIGHUP)\n"
        "       loupectl storage-key list --file FILE   the last one writes, all read\n"
        "       loupectl encrypt-storage --data DIR [--file FILE]\n"
        "                      what was recorded before there was a key, under the file's last one "
        "or\n"
        "                      LOUPE_STORAGE_KEY; louped may run meanwhile, if it has that key\n"
        "       loupectl version\n",
        out);
    return 2;
}

const char *ctl_flag(const struct ctl_flags *f, const char *name)
{
    for (size_t i = 0; i < f->count; i++) {
        if (strcmp(f->names[i], name) == 0)
            return f->values[i];
    }
    return NULL;
}

/** The entry of `known` for a word of the command line; NULL: none. */
static const char *known_as(const char *const *known, const char *word)
{
    for (; *known; known++) {
        const char *name = *known + (**known == '?');
        if (word[0] == '-' ? strcmp(name, word) == 0 : **known != '-' && **known != '?')
            return *known;
    }
    return NULL;
}

int ctl_flags_read(struct ctl_flags *f, int argc, char **argv, const char *const *known)
{
    for (int i = 0; i < argc; i++) {
        const char *k = known_as(known, argv[i]);
        bool pair = k && k[0] == '-', word = k && argv[i][0] != '-';
        if (!k || f->count == CTL_FLAGS || (pair && i + 1 == argc) || (word && ctl_flag(f, k))) {
            (void)fprintf(stderr, "loupectl: bad argument %s\n", argv[i]);
            return ER_INVALID;
        }
        f->names[f->count] = word ? k : argv[i];
        f->values[f->count++] = word ? argv[i] : pair ? argv[++i] : "";
    }
    return 0;
}

struct store *ctl_store_open(const char *data)
{
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/loupe.db", data);
    FILE *there = fopen(path, "rb");
    if (!there) {
        (void)fprintf(stderr, "loupectl: %s cannot be read\n", path);
        return NULL;
    }
    (void)fclose(there);
    struct entropy entropy = entropy_system();
    struct store *s = NULL;
    int er = store_open(&s, path, &entropy, NULL);
    (void)snprintf(path, sizeof path, "%s/" SECRETS_KEY_FILE, data);
    if (!er && (er = store_use_secrets(s, path)))
        store_close(s);
    if (er)
        (void)fprintf(stderr, "loupectl: %s: %s\n", path, er_name(er));
    return er ? NULL : s;
}

struct store *ctl_store_look(const struct ctl_flags *f, int *ret_code)
{
    char folder[PATH_MAX], path[PATH_MAX + 16];
    struct entropy entropy = entropy_system();
    struct store *s = NULL;
    const char *data = ctl_flag(f, "--data"), *database = ctl_flag(f, "--database");
    *ret_code = 2;
    if (!realpath(data, folder)) {
        (void)fprintf(stderr, "loupectl: %s: there is no such folder\n", data);
        return NULL;
    }
    (void)snprintf(path, sizeof path, "%s/loupe.db", folder);
    if (!database)
        database = path;
    int er = access(database, R_OK) ? ER_NOT_FOUND : store_look(&s, database, folder, &entropy);
    if (er == 0)
        return s;
    (void)fprintf(stderr, "loupectl: %s: %s\n", database,
                  er == ER_STALE         ? "its schema is an older one: loupectl migrate"
                  : er == ER_UNSUPPORTED ? "it was made by a newer version"
                  : er == ER_NOT_FOUND   ? "it cannot be read"
                                         : er_name(er));
    store_close(s);
    return NULL;
}

struct vault *ctl_vault(const struct ctl_flags *f)
{
    const char *path = ctl_flag(f, "--storage-key-file"), *setting;
    char why[CONFIG_TEXT_BYTES * 2] = "";
    struct config config = {0};
    struct vault *v;
    if (vault_new(&v, entropy_system()))
        return NULL;
    if (!path)
        return v;
    int er = str_copy(config.storage_key_file, sizeof config.storage_key_file, path);
    if (!er)
        er = storage_keys_take(v, &config, &setting, why, sizeof why);
    if (!er)
        return v;
    (void)fprintf(stderr, "loupectl: %s: %s\n", path, why[0] ? why : er_name(er));
    vault_free(v);
    return NULL;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *verb;
        int (*run)(int argc, char **argv);
    } verbs[] = {{"token", ctl_token},
                 {"fsck", ctl_fsck},
                 {"verify", ctl_verify},
                 {"migrate", ctl_migrate},
                 {"backup", ctl_backup},
                 {"restore", ctl_restore},
                 {"merchants", ctl_merchants},
                 {"people", ctl_people},
                 {"cases", ctl_cases},
                 {"events", ctl_events},
                 {"drain", ctl_drain},
                 {"keys", ctl_keys},
                 {"api-keys", ctl_api_keys},
                 {"retention", ctl_retention},
                 {"holds", ctl_holds},
                 {"webhooks", ctl_webhooks},
                 {"storage-key", ctl_storage_key},
                 {"encrypt-storage", ctl_encrypt_storage}};
    for (size_t i = 0; argc > 1 && i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(argv[1], verbs[i].verb) == 0)
            return verbs[i].run(argc - 2, argv + 2);
    }
    if (argc == 2 && (strcmp(argv[1], "version") == 0 || strcmp(argv[1], "--version") == 0))
        return printf("loupectl %s\n", LOUPE_VERSION) < 0;
    if (argc == 2 && (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0))
        return ctl_usage(stdout) - 2;
    return ctl_usage(stderr);
}
