// SPDX-License-Identifier: Apache-2.0
/* What the parts of loupectl share: the flags of a command line, the database of a data folder, and the
 * verbs themselves, which give the exit code: 0, 1 (it failed), 2 (usage). */
#ifndef LOUPE_SERVER_MAIN_CTL_H
#define LOUPE_SERVER_MAIN_CTL_H

#include <stdio.h>

#include "base/vault.h"
#include "server/store.h"

#define CTL_FLAGS 12

struct ctl_flags {
    size_t count;
    const char *names[CTL_FLAGS], *values[CTL_FLAGS];
};

/** Each one of `known`: "--name" takes a value, "?--name" none, and "NAME" is the word without a flag, once.
 *  Else ER_INVALID, and told what is wrong. */
int ctl_flags_read(struct ctl_flags *f, int argc, char **argv, const char *const *known);
/** NULL: it was not given. Of one without a value: "". */
const char *ctl_flag(const struct ctl_flags *f, const char *name);
/** 2. */
int ctl_usage(FILE *out);

#define CTL_PATH_BYTES 4096

/** The database of a data folder that is there, its schema brought up to date; NULL: told why not. */
struct store *ctl_store_open(const char *data);
/** The same to be read only: "--data DIR", and "--database FILE" where the settings have one. NULL: told why
 *  not, and *ret_code is the exit code. */
struct store *ctl_store_look(const struct ctl_flags *f, int *ret_code);
/** Keys of encrypted files, "--storage-key-file FILE"; without the flag one without keys. NULL: told why not. */
struct vault *ctl_vault(const struct ctl_flags *f);

int ctl_token(int argc, char **argv);
int ctl_api_keys(int argc, char **argv);
int ctl_retention(int argc, char **argv);
int ctl_holds(int argc, char **argv);
int ctl_webhooks(int argc, char **argv);
int ctl_keys(int argc, char **argv);
int ctl_storage_key(int argc, char **argv);
int ctl_encrypt_storage(int argc, char **argv);
int ctl_fsck(int argc, char **argv);
int ctl_verify(int argc, char **argv);
int ctl_migrate(int argc, char **argv);
int ctl_backup(int argc, char **argv);
int ctl_restore(int argc, char **argv);
int ctl_merchants(int argc, char **argv);
int ctl_people(int argc, char **argv);
int ctl_cases(int argc, char **argv);
int ctl_events(int argc, char **argv);
int ctl_drain(int argc, char **argv);

#endif
