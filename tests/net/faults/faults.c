// SPDX-License-Identifier: Apache-2.0
/* A disk that fails when told to, for tests: preloaded (LD_PRELOAD), it stands before the system calls on files.
 * LOUPE_FAULTS names a file of 8192 bytes, shared with the test. In its first half are lines, ended by a NUL:
 *
 *     <open|read|write|fsync|rename> <errno> <part of the path>
 *
 * In the other half each line has two numbers of 64 bits: how often it struck, and how many bytes it lets pass
 * before (of writes; the last one that passes may be a short one, as on a disk that fills up). With errno 0 nothing fails:
 * it takes so many microseconds longer. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { TEXT_BYTES = 4096, LINES = 32, PATH_BYTES = 1024 };

struct board {
    char text[TEXT_BYTES];
    struct {
        _Atomic uint64_t struck;
        _Atomic int64_t budget;
    } lines[LINES];
};

static struct board *board(void)
{
    static struct board *found;
    static atomic_flag looked = ATOMIC_FLAG_INIT;
    if (found || atomic_flag_test_and_set(&looked))
        return found;
    const char *name = getenv("LOUPE_FAULTS");
    int (*real_open)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
    int fd = name ? real_open(name, O_RDWR | O_CLOEXEC) : -1;
    void *at = fd < 0 ? MAP_FAILED
                      : mmap(NULL, sizeof *found, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at != MAP_FAILED)
        found = at;
    return found;
}

/** The first line that is about this; -1: none. */
static int find(const char *op, const char *path, int *ret_errno)
{
    struct board *b = board();
    char text[TEXT_BYTES], verb[16], part[PATH_BYTES], *rest = text, *line;
    if (!b || !b->text[0])
        return -1;
    memcpy(text, b->text, sizeof text);
    text[sizeof text - 1] = '\0';
    for (int i = 0; i < LINES && (line = strsep(&rest, "\n")); i++)
        if (sscanf(line, "%15s %d %1023s", verb, ret_errno, part) == 3 && strcmp(verb, op) == 0 &&
            strstr(path, part))
            return i;
    return -1;
}

/** Whether it fails; errno is set then. *len: how much passes otherwise, may be shortened. */
static bool strikes(const char *op, const char *path, size_t *len)
{
    int saved = errno, number;
    int i = find(op, path, &number);
    errno = saved;
    if (i < 0)
        return false;
    struct board *b = board();
    if (!number) {
        const int64_t us = atomic_load(&b->lines[i].budget);
        const struct timespec longer = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
        (void)nanosleep(&longer, NULL);
        atomic_fetch_add(&b->lines[i].struck, 1);
        errno = saved;
        return false;
    }
    if (len) {
        int64_t left = atomic_fetch_sub(&b->lines[i].budget, (int64_t)*len);
        if (left > 0) {
            *len = (int64_t)*len < left ? *len : (size_t)left;
            return false;
        }
    }
    atomic_fetch_add(&b->lines[i].struck, 1);
    errno = number;
    return true;
}

static bool strikes_fd(const char *op, int fd, size_t *len)
{
    char link[40], path[PATH_BYTES];
    struct board *b = board();
    if (!b || !b->text[0])
        return false;
    int saved = errno;
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    errno = saved;
    if (n <= 0 || path[0] != '/')
        return false;
    path[n] = '\0';
    return strikes(op, path, len);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void *data, size_t len)
{
    return strikes_fd("write", fd, &len) ? -1 : REAL(write)(fd, data, len);
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t at)
{
    return strikes_fd("write", fd, &len) ? -1 : REAL(pwrite)(fd, data, len, at);
}

ssize_t pwrite64(int fd, const void *data, size_t len, off64_t at)
{
    return strikes_fd("write", fd, &len) ? -1 : REAL(pwrite64)(fd, data, len, at);
}

ssize_t read(int fd, void *data, size_t len)
{
    return strikes_fd("read", fd, NULL) ? -1 : REAL(read)(fd, data, len);
}

ssize_t pread(int fd, void *data, size_t len, off_t at)
{
    return strikes_fd("read", fd, NULL) ? -1 : REAL(pread)(fd, data, len, at);
}

ssize_t pread64(int fd, void *data, size_t len, off64_t at)
{
    return strikes_fd("read", fd, NULL) ? -1 : REAL(pread64)(fd, data, len, at);
}

int fsync(int fd)
{
    return strikes_fd("fsync", fd, NULL) ? -1 : REAL(fsync)(fd);
}

int fdatasync(int fd)
{
    return strikes_fd("fsync", fd, NULL) ? -1 : REAL(fdatasync)(fd);
}

int rename(const char *from, const char *to)
{
    return strikes("rename", to, NULL) ? -1 : REAL(rename)(from, to);
}

static bool open_strikes(const char *path, int flags)
{
    return strikes(flags & O_CREAT ? "open" : "read", path, NULL);
}

int open(const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
    va_end(more);
    return open_strikes(path, flags) ? -1 : REAL(open)(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
    va_end(more);
    return open_strikes(path, flags) ? -1 : REAL(open64)(path, flags, mode);
}
