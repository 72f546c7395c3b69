// SPDX-License-Identifier: Apache-2.0
/* The recorder's system calls on files. */
#include "media/record/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/er.h"

enum { FILE_MODE = 0640 };

struct file {
    int fd;
    int error; /* sticky */
    uint64_t position;
};

static int open_as(struct file **ret, const char *path, int flags)
{
    struct file *f = calloc(1, sizeof *f);
    if (!f)
        return ER_NOMEM;
    f->fd = open(path, flags | O_CLOEXEC, FILE_MODE);
    if (f->fd < 0) {
        int er = errno == EEXIST ? ER_CONFLICT : errno == ENOENT ? ER_NOT_FOUND : ER_IO;
        free(f);
        return er;
    }
    *ret = f;
    return 0;
}

/** Makes the names in the folder of `path` durable. */
static int sync_folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = !slash          ? strdup(".")
                   : slash == path ? strdup("/")
                                   : strndup(path, (size_t)(slash - path));
    if (!folder)
        return ER_NOMEM;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(folder);
    if (fd < 0)
        return ER_IO;
    /* EINVAL: a file system that has no fsync for folders. */
    int er = fsync(fd) < 0 && errno != EINVAL ? ER_IO : 0;
    close(fd);
    return er;
}

int file_create(struct file **ret, const char *path)
{
    int er = open_as(ret, path, O_WRONLY | O_CREAT | O_EXCL);
    if (er < 0)
        return er == ER_NOT_FOUND ? ER_IO : er;
    er = sync_folder_of(path);
    if (er < 0) {
        file_close(*ret);
        *ret = NULL;
    }
    return er;
}

int file_replace(struct file **ret, const char *path)
{
    int er = open_as(ret, path, O_WRONLY | O_CREAT | O_TRUNC);
    return er == ER_NOT_FOUND ? ER_IO : er;
}

int file_open(struct file **ret, const char *path)
{
    return open_as(ret, path, O_RDONLY);
}

void file_close(struct file *f)
{
    if (!f)
        return;
    close(f->fd);
    free(f);
}

static int fail(struct file *f)
{
    f->error = ER_IO;
    return ER_IO;
}

int file_write(struct file *f, const void *data, size_t len)
{
    const uint8_t *at = data;
    while (!f->error && len > 0) {
        ssize_t n = pwrite(f->fd, at, len, (off_t)f->position);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return fail(f);
        at += n;
        len -= (size_t)n;
        f->position += (uint64_t)n;
    }
    return f->error;
}

int file_read(struct file *f, void *buf, size_t size, size_t *ret_len)
{
    *ret_len = 0;
    while (!f->error) {
        ssize_t n = pread(f->fd, buf, size, (off_t)f->position);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail(f);
        *ret_len = (size_t)n;
        f->position += (uint64_t)n;
        return 0;
    }
    return f->error;
}

void file_seek(struct file *f, uint64_t at)
{
    f->position = at;
}

uint64_t file_position(const struct file *f)
{
    return f->position;
}

int file_size(struct file *f, uint64_t *ret)
{
    struct stat st;
    if (fstat(f->fd, &st) < 0)
        return ER_IO;
    *ret = (uint64_t)st.st_size;
    return 0;
}

int file_sync(struct file *f)
{
    if (!f->error && fsync(f->fd) < 0)
        return fail(f);
    return f->error;
}

int file_error(const struct file *f)
{
    return f->error;
}

char *file_name(const char *path, const char *suffix)
{
    char *name = NULL;
    return asprintf(&name, "%s%s", path, suffix) < 0 ? NULL : name;
}

int file_commit(const char *from, const char *to)
{
    return rename(from, to) < 0 ? ER_IO : sync_folder_of(to);
}

int file_remove(const char *path)
{
    return unlink(path) < 0 && errno != ENOENT ? ER_IO : 0;
}
