// SPDX-License-Identifier: Apache-2.0
/* Where the bytes of a Matroska file come from. */
#include <errno.h>
#include <unistd.h>

#include "base/er.h"
#include "base/file.h"
#include "server/seal/matroska.h"

static int read_fd(void *ctx, uint64_t at, void *ret_bytes, size_t size, size_t *ret_len)
{
    const int *fd = ctx;
    ssize_t n;
    do
        n = pread(*fd, ret_bytes, size, (off_t)at);
    while (n < 0 && errno == EINTR);
    *ret_len = n > 0 ? (size_t)n : 0;
    return n < 0 ? ER_IO : 0;
}

struct matroska_source matroska_source_fd(const int *fd)
{
    return (struct matroska_source){.read = read_fd, .ctx = (void *)(uintptr_t)fd};
}

static int read_open(void *ctx, uint64_t at, void *ret_bytes, size_t size, size_t *ret_len)
{
    return file_read_at(ctx, at, ret_bytes, size, ret_len);
}

int matroska_read_path(struct vault *vault, const char *path, struct matroska_file *ret)
{
    struct file *file;
    *ret = (struct matroska_file){0};
    int er = file_open(&file, vault, path);
    if (er < 0)
        return er;
    const struct matroska_source source = {.read = read_open, .ctx = file};
    er = matroska_read(&source, ret);
    file_close(file);
    return er;
}
