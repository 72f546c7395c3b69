// SPDX-License-Identifier: Apache-2.0
/* What backups are made of: files copied with their hashes, and the list of them. */
#ifndef LOUPE_SERVER_BACKUP_FILES_H
#define LOUPE_SERVER_BACKUP_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/str.h"

#define BACKUP_NAME_BYTES 96

struct backup_file {
    char name[BACKUP_NAME_BYTES]; /* from the backup's top */
    uint64_t bytes;
    uint8_t hash[DIGEST_BYTES];
    bool last; /* its row was finished when it was copied */
};

struct backup_list {
    struct backup_file *files;
    size_t count, size;
    size_t sorted; /* so many of them, from the first on */
};

/** loupe.db, keys/NAME, blobs/xx/ID.SUFFIX and nothing else: no way out of the folder. */
bool backup_name_ok(const char *name);

/** Makes all folders of `to`. ER_IO. */
int backup_folders(const char *to);
/** A new file, readable by its owner alone; not synced. ER_NOT_FOUND: `from` is not there; ER_IO. */
int backup_copy(const char *from, const char *to, struct backup_file *ret);

/** The hash and size of one. As backup_copy. */
int backup_hash(const char *path, struct backup_file *ret);

/** In the place of one of that name that was there when it was last sorted, or at the end. ER_NOMEM. */
int backup_list_put(struct backup_list *l, const struct backup_file *file);
/** By name; of those that were put twice since, the first goes. */
void backup_list_sort(struct backup_list *l);
/** NULL: there was none when it was last sorted. */
struct backup_file *backup_list_find(struct backup_list *l, const char *name);
void backup_list_remove(struct backup_list *l, struct backup_file *file);
void backup_list_clear(struct backup_list *l);
/** "<hash>  <name>\n" of each; to free(). NULL without memory. */
char *backup_list_text(struct backup_list *l, size_t *ret_len);
/** And back; sizes are 0. ER_MALFORMED: also a name that is not one of a backup, or one that comes twice. */
int backup_list_parse(struct backup_list *l, const char *text, size_t len);

/* Shared by making and restoring */

struct backup_told;
/** Says what was wrong, unless something was before. Gives `er`. */
int backup_why(struct backup_told *told, int er, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/** A folder that is made, or there and empty: else ER_CONFLICT. */
int backup_empty_folder(const char *path, struct backup_told *told);
/** All that was written in its file system is on the disk. */
int backup_sync(const char *folder, struct backup_told *told);

#endif
