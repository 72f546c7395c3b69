// SPDX-License-Identifier: Apache-2.0
/* Removing all files of a clip or a still. The folder is read through, so that no kind of file that is
 * thought of later is forgotten here. */
#include "server/blobs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/er.h"
#include "base/file.h"
#include "base/str.h"

static int remove_all(DIR *folder, const char *name)
{
    size_t len = strlen(name);
    int er = 0;
    for (const struct dirent *e; errno = 0, (e = readdir(folder));) {
        if (strncmp(e->d_name, name, len) != 0 || e->d_name[len] != '.')
            continue;
        if (unlinkat(dirfd(folder), e->d_name, 0) && errno != ENOENT)
            er = ER_IO;
    }
    return errno ? ER_IO : er;
}

int blobs_remove(const char *path)
{
    char folder[PATH_MAX];
    const char *name = strrchr(path, '/');
    struct span of = {path, name ? (size_t)(name - path) : 0};
    if (!name || !name[1] || name == path || str_copy_span(folder, sizeof folder, of))
        return ER_INVALID;
    DIR *d = opendir(folder);
    if (!d)
        return errno == ENOENT ? 0 : ER_IO;
    int er = remove_all(d, name + 1);
    if (er == 0)
        er = file_sync_folder(dirfd(d));
    (void)closedir(d);
    return er;
}
