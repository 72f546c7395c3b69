// SPDX-License-Identifier: Apache-2.0
/* Write, fsync, rename, fsync of the folder. */
#include "server/seal/durable.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/er.h"
#include "base/file.h"

static int write_all(int fd, const uint8_t *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return ER_IO;
        data += n;
        len -= (size_t)n;
    }
    return fsync(fd) ? ER_IO : 0;
}

/** A descriptor of the folder that `path` is in. */
static int folder_open(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
    int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    free(folder);
    return fd;
}

/** Made by the administrator for the server: it must be able to read it. */
static int give_to_owner(int fd, int folder)
{
    struct stat st;
    if (geteuid() != 0)
        return 0;
    return fstat(folder, &st) || fchown(fd, st.st_uid, st.st_gid) ? ER_IO : 0;
}

int durable_write(const char *path, const void *data, size_t len, unsigned mode)
{
    char *temporary = NULL;
    int folder = folder_open(path);
    if (folder < 0)
        return ER_IO;
    if (asprintf(&temporary, "%s.tmp", path) < 0) {
        (void)close(folder);
        return ER_NOMEM;
    }
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, (mode_t)mode);
    int er = fd < 0 ? ER_IO : write_all(fd, data, len);
    if (er == 0)
        er = give_to_owner(fd, folder);
    if (fd >= 0 && close(fd) && er == 0)
        er = ER_IO;
    if (er == 0 && rename(temporary, path))
        er = ER_IO;
    if (er && fd >= 0)
        (void)unlink(temporary);
    if (er == 0)
        er = file_sync_folder(folder);
    (void)close(folder);
    free(temporary);
    return er;
}

static int read_all(int fd, size_t max, char **ret, size_t *ret_len)
{
    struct stat st;
    if (fstat(fd, &st) || !S_ISREG(st.st_mode))
        return ER_IO;
    if ((uint64_t)st.st_size > max)
        return ER_FULL;
    size_t size = (size_t)st.st_size, len = 0;
    char *bytes = malloc(size + 1);
    if (!bytes)
        return ER_NOMEM;
    while (len < size) {
        ssize_t n = read(fd, bytes + len, size - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        len += (size_t)n;
    }
    bytes[len] = '\0';
    if (len == size) {
        *ret = bytes;
        *ret_len = len;
        return 0;
    }
    free(bytes);
    return ER_IO;
}

int durable_read(const char *path, size_t max, char **ret, size_t *ret_len)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? ER_NOT_FOUND : ER_IO;
    int er = read_all(fd, max, ret, ret_len);
    (void)close(fd);
    return er;
}
