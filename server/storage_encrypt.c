// SPDX-License-Identifier: Apache-2.0
/* One file after the other: copied, compared, exchanged. */
#include "server/storage_encrypt.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/er.h"
#include "base/file.h"

#define BESIDE ".encrypting"
enum { PIECE = 1 << 18 };

struct work {
    struct vault *vault;
    void (*tell)(void *ctx, const char *path, int er);
    void *ctx;
    struct storage_encrypted *counts;
    uint8_t *piece, *again; /* PIECE bytes */
};

static bool ends_with(const char *name, const char *end)
{
    size_t len = strlen(name), end_len = strlen(end);
    return len > end_len && strcmp(name + len - end_len, end) == 0;
}

/** Finished, and holding pictures, sound or what people sent. */
static int is_finished(const struct dirent *e)
{
    static const char *const ends[] = {".webm", ".mka", ".jpg", ".attachment"};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        if (ends_with(e->d_name, ends[i]))
            return 1;
    return 0;
}

static int is_left_over(const struct dirent *e)
{
    return ends_with(e->d_name, BESIDE);
}

static int is_folder(const struct dirent *e)
{
    return (e->d_type == DT_DIR || e->d_type == DT_UNKNOWN) && e->d_name[0] != '.';
}

/** All of `from`, into `to` or (where that is NULL) against `with`. */
static int go_through(const struct work *w, struct file *from, struct file *to, struct file *with)
{
    uint64_t at = 0;
    size_t len = 1, again = 0;
    int er = 0;
    for (; er == 0 && len > 0; at += len) {
        er = file_read_at(from, at, w->piece, PIECE, &len);
        if (er == 0 && to)
            er = file_write(to, w->piece, len);
        if (er == 0 && with)
            er = file_read_at(with, at, w->again, PIECE, &again);
        if (er == 0 && with && (again != len || memcmp(w->piece, w->again, len) != 0))
            er = ER_IO;
    }
    return er;
}

static int write_beside(const struct work *w, struct file *plain, const char *beside)
{
    struct file *f;
    int er = file_replace(&f, w->vault, beside);
    if (er < 0)
        return er;
    er = go_through(w, plain, f, NULL);
    if (er == 0)
        er = file_own_as(f, plain);
    if (er == 0)
        er = file_sync(f);
    file_close(f);
    if (er < 0)
        return er;
    er = file_open(&f, w->vault, beside);
    if (er < 0)
        return er;
    er = go_through(w, plain, NULL, f);
    file_close(f);
    return er;
}

/** ER_NOT_FOUND: the old one was deleted meanwhile, and is not to come back. */
static int exchange(int folder, const char *beside, const char *path)
{
    if (renameat2(AT_FDCWD, beside, AT_FDCWD, path, RENAME_EXCHANGE) < 0)
        return errno == ENOENT ? ER_NOT_FOUND : errno == EINVAL ? ER_UNSUPPORTED : ER_IO;
    return file_sync_folder(folder); /* before the old one goes */
}

static int encrypt_file(const struct work *w, int folder, const char *path)
{
    struct file *plain = NULL;
    uint64_t size = 0, stored = 0;
    int er = file_open(&plain, w->vault, path);
    if (er == ER_NOT_FOUND)
        return 0;
    bool before = er == ER_DENIED || er == ER_TRUNCATED || er == ER_UNAUTHENTIC ||
                  er == ER_UNSUPPORTED; /* it is encrypted, in whatever state */
    if (er == 0) {
        er = file_size(plain, &size);
        er = er == 0 ? file_stored(plain, &stored) : er;
        before = er == 0 && stored != size;
    }
    if (before) {
        w->counts->before++;
        file_close(plain);
        return 0;
    }
    char *beside = er == 0 ? file_name(path, BESIDE) : NULL;
    er = er < 0 ? er : beside ? write_beside(w, plain, beside) : ER_NOMEM;
    if (er == 0)
        er = exchange(folder, beside, path);
    bool done = er == 0;
    if (beside && file_remove(beside) < 0)
        er = ER_IO;
    file_close(plain);
    free(beside);
    w->counts->files += done;
    w->counts->bytes += done ? size : 0;
    return er == ER_NOT_FOUND ? 0 : er;
}

/** What a process that died has left. */
static int remove_file(const struct work *w, int folder, const char *path)
{
    (void)w;
    (void)folder;
    return file_remove(path);
}

/** Each entry that `filter` takes, by name. */
static int each(const struct work *w, const char *path, int (*filter)(const struct dirent *e),
                int (*act)(const struct work *w, int folder, const char *path))
{
    struct dirent **entries = NULL;
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int count = folder < 0 ? -1 : scandir(path, &entries, filter, alphasort), er = 0;
    if (count < 0)
        er = errno == ENOENT || errno == ENOTDIR ? ER_NOT_FOUND
             : errno == ENOMEM                   ? ER_NOMEM
                                                 : ER_IO;
    for (int i = 0; i < count; i++) {
        char *full = NULL;
        int failed = asprintf(&full, "%s/%s", path, entries[i]->d_name) < 0 ? ER_NOMEM
                                                                            : act(w, folder, full);
        if (failed < 0 && full) {
            w->counts->failed++;
            w->tell(w->ctx, full, failed);
        }
        free(full);
        free(entries[i]);
    }
    free(entries);
    if (folder >= 0)
        (void)close(folder);
    return er;
}

static int encrypt_folder(const struct work *w, int parent, const char *path)
{
    (void)parent;
    int er = each(w, path, is_left_over, remove_file);
    if (er == 0)
        er = each(w, path, is_finished, encrypt_file);
    return er == ER_NOT_FOUND && parent >= 0 ? 0 : er; /* a file, or gone by now */
}

static int encrypt_all(const char *path, const struct work *w)
{
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return errno == ENOENT || errno == ENOTDIR ? ER_NOT_FOUND : ER_IO;
    int er = flock(folder, LOCK_EX | LOCK_NB) < 0 ? ER_CONFLICT : 0;
    if (er == 0)
        er = encrypt_folder(w, -1, path);
    if (er == 0)
        er = each(w, path, is_folder, encrypt_folder);
    (void)close(folder);
    return er;
}

int storage_encrypt(const char *folder, struct vault *v,
                    void (*tell)(void *ctx, const char *path, int er), void *ctx,
                    struct storage_encrypted *ret)
{
    struct work w = {.vault = v, .tell = tell, .ctx = ctx, .counts = ret};
    *ret = (struct storage_encrypted){0};
    if (!vault_has_key(v))
        return ER_NOT_FOUND;
    w.piece = malloc(PIECE);
    w.again = malloc(PIECE);
    int er = w.piece && w.again ? encrypt_all(folder, &w) : ER_NOMEM;
    free(w.piece);
    free(w.again);
    return er;
}
