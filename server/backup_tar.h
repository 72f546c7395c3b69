// SPDX-License-Identifier: Apache-2.0
/* A backup as one file: a tar archive of its folder, backup.json at its end. */
#ifndef LOUPE_SERVER_BACKUP_TAR_H
#define LOUPE_SERVER_BACKUP_TAR_H

#include <stdbool.h>

#include "server/backup.h"

/** Whether a backup of this name is one file: it ends in ".tar". */
bool backup_is_tar(const char *path);
/** As backup_make. The folder of the backup is made beside it (`to` and ".folder"), and goes into the archive file by
 *  file, each removed once it is in. ER_CONFLICT: there is one of that name. */
int backup_tar_make(const struct backup_from *from, const char *to, uint64_t unix_us,
                    struct backup_told *ret);
/** As backup_restore; it is unpacked beside the data folder (`data` and ".unpacked") first. Nothing but files of a
 *  backup is taken out of it. */
int backup_tar_restore(const char *from, const char *data, struct backup_told *ret);

#endif
