// SPDX-License-Identifier: Apache-2.0
/* System calls on files, and base/vault_file.h where they are encrypted. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/er.h"
#include "base/vault_file.h"

enum { FILE_MODE = 0640 };

struct file {
    int fd;
    int error;                 /* sticky */
    struct vault_file *secret; /* NULL: it is plain */
    uint64_t position;
    uint64_t began; /* of file_append: its size then */
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

/** What a new file begins with. On failure it is closed. */
static int begin(struct file **f, struct vault *vault, enum vault_kind kind)
{
    int er = vault_has_key(vault) ? vault_file_begin(&(*f)->secret, vault, (*f)->fd, kind) : 0;
    if (er < 0) {
        file_close(*f);
        *f = NULL;
    }
    return er;
}

int file_sync_folder(int folder)
{
    /* EINVAL: a file system that has no fsync for folders. */
    return fsync(folder) < 0 && errno != EINVAL ? ER_IO : 0;
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
    int er = file_sync_folder(fd);
    close(fd);
    return er;
}

static int create(struct file **ret, struct vault *vault, const char *path, enum vault_kind kind)
{
    int er = open_as(ret, path, O_RDWR | O_CREAT | O_EXCL);
    if (er < 0)
        return er == ER_NOT_FOUND ? ER_IO : er;
    er = sync_folder_of(path);
    if (er < 0) {
        file_close(*ret);
        *ret = NULL;
        return er;
    }
    return begin(ret, vault, kind);
}

int file_create(struct file **ret, struct vault *vault, const char *path)
{
    return create(ret, vault, path, VAULT_LOG);
}

int file_create_whole(struct file **ret, struct vault *vault, const char *path)
{
    return create(ret, vault, path, VAULT_WHOLE);
}

int file_replace(struct file **ret, struct vault *vault, const char *path)
{
    int er = open_as(ret, path, O_RDWR | O_CREAT | O_TRUNC);
    if (er < 0)
        return er == ER_NOT_FOUND ? ER_IO : er;
    return begin(ret, vault, VAULT_WHOLE);
}

/** Finds out whether it is encrypted. */
static int look(struct file *f, struct vault *vault, enum vault_use use)
{
    uint8_t head[VAULT_HEAD_BYTES];
    ssize_t len;
    do
        len = pread(f->fd, head, sizeof head, 0);
    while (len < 0 && errno == EINTR);
    if (len < 0)
        return ER_IO;
    /* A head that is cut is as good as none: nothing can stand behind it. */
    if (len < VAULT_HEAD_BYTES || !vault_is_head(head, (size_t)len))
        return 0;
    return vault_file_open(&f->secret, vault, f->fd, use);
}

static int open_for(struct file **ret, struct vault *vault, const char *path, enum vault_use use)
{
    struct file *f;
    int er = open_as(&f, path, O_RDONLY);
    if (er < 0)
        return er;
    er = look(f, vault, use);
    if (er < 0)
        file_close(f);
    else
        *ret = f;
    return er;
}

int file_open(struct file **ret, struct vault *vault, const char *path)
{
    return open_for(ret, vault, path, VAULT_READ);
}

int file_salvage(struct file **ret, struct vault *vault, const char *path)
{
    return open_for(ret, vault, path, VAULT_SALVAGE);
}

/** A file without a head gets one, where there are keys: nothing is appended to plain text then. */
static int append_to_plain(struct file *f, struct vault *vault)
{
    if (!vault_has_key(vault))
        return 0;
    if (ftruncate(f->fd, 0) < 0)
        return ER_IO;
    return vault_file_begin(&f->secret, vault, f->fd, VAULT_LOG);
}

int file_append(struct file **ret, struct vault *vault, const char *path)
{
    struct file *f;
    int er = open_as(&f, path, O_RDWR | O_CREAT);
    if (er < 0)
        return er == ER_NOT_FOUND ? ER_IO : er;
    er = look(f, vault, VAULT_APPEND);
    if (er == 0 && !f->secret)
        er = append_to_plain(f, vault);
    if (er == 0)
        er = sync_folder_of(path);
    if (er == 0)
        er = file_size(f, &f->began);
    if (er < 0) {
        file_close(f);
        return er;
    }
    f->position = f->began;
    *ret = f;
    return 0;
}

void file_close(struct file *f)
{
    if (!f)
        return;
    vault_file_free(f->secret);
    close(f->fd);
    free(f);
}

static int fail(struct file *f, int er)
{
    f->error = er;
    return er;
}

static int write_plain(struct file *f, const uint8_t *at, size_t len)
{
    while (len > 0) {
        ssize_t n = pwrite(f->fd, at, len, (off_t)f->position);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return fail(f, ER_IO);
        at += n;
        len -= (size_t)n;
        f->position += (uint64_t)n;
    }
    return 0;
}

int file_write(struct file *f, const void *data, size_t len)
{
    if (f->error)
        return f->error;
    if (!f->secret)
        return write_plain(f, data, len);
    int er = vault_file_write(f->secret, f->position, data, len);
    if (er < 0)
        return er == ER_INVALID ? er : fail(f, ER_IO);
    f->position += len;
    return 0;
}

static int read_plain(struct file *f, uint64_t at, uint8_t *buf, size_t size, size_t *ret_len)
{
    while (*ret_len < size) {
        ssize_t n = pread(f->fd, buf + *ret_len, size - *ret_len, (off_t)(at + *ret_len));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ER_IO;
        if (n == 0)
            break;
        *ret_len += (size_t)n;
    }
    return 0;
}

int file_read_at(struct file *f, uint64_t at, void *buf, size_t size, size_t *ret_len)
{
    *ret_len = 0;
    if (f->error)
        return f->error;
    int er = f->secret ? vault_file_read(f->secret, at, buf, size, ret_len)
                       : read_plain(f, at, buf, size, ret_len);
    return er < 0 ? fail(f, er) : 0;
}

int file_read(struct file *f, void *buf, size_t size, size_t *ret_len)
{
    int er = file_read_at(f, f->position, buf, size, ret_len);
    f->position += *ret_len;
    return er;
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
    if (!f->secret)
        return file_stored(f, ret);
    *ret = vault_file_size(f->secret);
    return 0;
}

int file_stored(struct file *f, uint64_t *ret)
{
    struct stat st;
    if (fstat(f->fd, &st) < 0)
        return ER_IO;
    *ret = (uint64_t)st.st_size;
    return 0;
}

int file_own_as(struct file *f, const struct file *as)
{
    struct stat st;
    if (fstat(as->fd, &st) < 0 || (geteuid() == 0 && fchown(f->fd, st.st_uid, st.st_gid) < 0))
        return ER_IO;
    return fchmod(f->fd, st.st_mode & 0777) < 0 ? ER_IO : 0;
}

int file_sync(struct file *f)
{
    if (!f->error && f->secret && vault_file_end(f->secret) < 0)
        return fail(f, ER_IO);
    if (!f->error && fsync(f->fd) < 0)
        return fail(f, ER_IO);
    return f->error;
}

int file_undo(struct file *f)
{
    f->position = f->began;
    if (f->secret)
        return vault_file_undo(f->secret);
    return ftruncate(f->fd, (off_t)f->began) < 0 ? ER_IO : 0;
}

int file_error(const struct file *f)
{
    return f->error;
}

int file_read_all(struct vault *vault, const char *path, size_t max, char **ret, size_t *ret_len)
{
    struct file *f;
    uint64_t size = 0;
    size_t len = 0;
    int er = file_open(&f, vault, path);
    if (er < 0)
        return er;
    er = file_size(f, &size);
    if (er == 0 && size > max)
        er = ER_FULL;
    char *bytes = er == 0 ? malloc((size_t)size + 1) : NULL;
    if (er == 0)
        er = bytes ? file_read_at(f, 0, bytes, (size_t)size, &len) : ER_NOMEM;
    if (er == 0 && len < size)
        er = ER_IO;
    file_close(f);
    if (er < 0) {
        free(bytes);
        return er;
    }
    bytes[len] = '\0';
    *ret = bytes;
    *ret_len = len;
    return 0;
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
