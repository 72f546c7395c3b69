// SPDX-License-Identifier: Apache-2.0
/* Backups of a data folder while a server uses it, and a data folder made of one. A backup is a folder:
 *
 *     loupe.db                   the database as it was at one moment
 *     blobs/xx/ID.*              the files of all clips and stills that are in it
 *     keys/                      the keys that seal (but not those that encrypt files)
 *     SHA256SUMS                 of all of these, as sha256sum has it
 *     backup.json                {format, made_at, schema, files, bytes, sums_sha256}; written last
 */
#ifndef LOUPE_SERVER_BACKUP_H
#define LOUPE_SERVER_BACKUP_H

#include <stddef.h>
#include <stdint.h>

#define BACKUP_FORMAT "loupe-backup/1"

struct backup_from {
    const char *data;     /* the folder */
    const char *database; /* NULL: loupe.db in it */
    const char *blobs;    /* what has the folder "blobs"; NULL: the data folder */
    void (*copied)(
        void *ctx); /* called when the database was copied, before files are; may be NULL */
    void *ctx;
};

struct backup_told {
    uint64_t files, bytes;
    uint64_t
        lost; /* finished clips and stills of which a file is missing in the data folder itself */
    unsigned
        rounds; /* snapshots that were taken: more than one when something was deleted or ended meanwhile */
    char why[600]; /* of an error, or what was lost first */
};

/** Into a folder that is made, or empty. Everything in the database that it holds has its files: what is
 *  deleted while they are copied makes it begin anew with what is left, and so does what ends meanwhile. 0 (also with `lost`); ER_CONFLICT:
 *  the folder is not empty; ER_STALE, ER_UNSUPPORTED: the schema is not this version's; ER_IO, ER_NOMEM. */
int backup_make(const struct backup_from *from, const char *to, uint64_t unix_us,
                struct backup_told *ret);

/** Makes a data folder (which is not there, or empty) of a backup; each file is held against its hash. The
 *  database comes last. ER_CONFLICT; ER_MALFORMED: it is no backup, or not a complete one; ER_UNAUTHENTIC: a file is not
 *  as it was; ER_UNSUPPORTED: of a newer version; ER_IO, ER_NOMEM. */
int backup_restore(const char *from, const char *data, struct backup_told *ret);

#endif
