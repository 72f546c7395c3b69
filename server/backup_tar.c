// SPDX-License-Identifier: Apache-2.0
/* Backups as one file. */
#include "server/backup_tar.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/er.h"
#include "base/file.h"
#include "server/backup_files.h"
#include "server/seal/durable.h"
#include "server/tar.h"

#define PATH_BYTES (PATH_MAX + 2 * BACKUP_NAME_BYTES)
#define SUMS_BYTES (UINT64_C(1) << 32)
enum { PIECE = 262144 };

bool backup_is_tar(const char *path)
{
    size_t len = strlen(path);
    return len > 4 && strcmp(path + len - 4, ".tar") == 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

/** All of a folder that was made here. */
static void remove_folder(const char *path)
{
    (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Into the archive */

static int put_blocks(FILE *out, FILE *in, uint64_t size)
{
    static const uint8_t zeros[TAR_BLOCK];
    uint64_t left = size;
    char *piece = malloc(PIECE);
    int er = piece ? 0 : ER_NOMEM;
    while (!er && left) {
        size_t n = left < PIECE ? (size_t)left : PIECE;
        if (fread(piece, 1, n, in) != n || fwrite(piece, 1, n, out) != n)
            er = ER_IO;
        left -= n;
    }
    free(piece);
    size_t rest = size % TAR_BLOCK;
    if (!er && rest && fwrite(zeros, 1, TAR_BLOCK - rest, out) != TAR_BLOCK - rest)
        er = ER_IO;
    return er;
}

/** And then it goes, but for `keep`. */
static int put_file(FILE *out, const char *folder, const char *name, uint64_t unix_s, bool keep)
{
    char path[PATH_BYTES];
    uint8_t head[TAR_BLOCK];
    struct stat st;
    struct tar_entry e = {.folder = false};
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *in = fopen(path, "rbe");
    if (!in)
        return ER_IO;
    int er = fstat(fileno(in), &st) || str_copy(e.name, sizeof e.name, name) ? ER_IO : 0;
    e.size = er ? 0 : (uint64_t)st.st_size;
    if (!er)
        er = tar_head_write(head, &e, unix_s);
    if (!er && fwrite(head, 1, sizeof head, out) != sizeof head)
        er = ER_IO;
    if (!er)
        er = put_blocks(out, in, e.size);
    (void)fclose(in);
    if (!er && !keep && unlink(path))
        er = ER_IO;
    return er;
}

static int pack(FILE *out, const char *folder, uint64_t unix_s)
{
    static const uint8_t end[2 * TAR_BLOCK];
    struct backup_list list = {0};
    char path[PATH_BYTES], *sums = NULL;
    size_t len = 0;
    (void)snprintf(path, sizeof path, "%s/SHA256SUMS", folder);
    int er = durable_read(path, SUMS_BYTES, &sums, &len);
    if (!er)
        er = backup_list_parse(&list, sums, len);
    free(sums);
    for (size_t i = 0; !er && i < list.count; i++)
        er = put_file(out, folder, list.files[i].name, unix_s, false);
    if (!er)
        er = put_file(out, folder, "SHA256SUMS", unix_s, true);
    if (!er)
        er = put_file(out, folder, "backup.json", unix_s, true);
    if (!er && fwrite(end, 1, sizeof end, out) != sizeof end)
        er = ER_IO;
    backup_list_clear(&list);
    return er;
}

/** Durable under its name when it is whole. */
static int pack_to(const char *folder, const char *to, uint64_t unix_s, struct backup_told *told)
{
    char part[PATH_BYTES];
    (void)snprintf(part, sizeof part, "%s.partial", to);
    FILE *out = fopen(part, "wbe");
    if (!out)
        return backup_why(told, ER_IO, "%s: %s", part, strerror(errno));
    int er = pack(out, folder, unix_s);
    if (!er && (fflush(out) || fsync(fileno(out))))
        er = ER_IO;
    if (fclose(out) && !er)
        er = ER_IO;
    if (!er)
        er = file_commit(part, to);
    if (er) {
        (void)backup_why(told, er, "%s cannot be written", to);
        (void)unlink(part);
    }
    return er;
}

int backup_tar_make(const struct backup_from *from, const char *to, uint64_t unix_us,
                    struct backup_told *ret)
{
    char folder[PATH_BYTES];
    *ret = (struct backup_told){0};
    if (access(to, F_OK) == 0)
        return backup_why(ret, ER_CONFLICT, "%s is there already", to);
    (void)snprintf(folder, sizeof folder, "%s.folder", to);
    int er = backup_make(from, folder, unix_us, ret);
    if (!er)
        er = pack_to(folder, to, unix_us / 1000000, ret);
    if (er != ER_CONFLICT)
        remove_folder(folder);
    return er;
}

/* Out of it */

static bool name_ok(const char *name)
{
    return backup_name_ok(name) || strcmp(name, "SHA256SUMS") == 0 ||
           strcmp(name, "backup.json") == 0;
}

static int take_blocks(FILE *in, const char *to, uint64_t size)
{
    uint64_t left = (size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
    char *piece = malloc(PIECE);
    int er = piece ? backup_folders(to) : ER_NOMEM;
    int fd = er ? -1 : open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    FILE *out = fd < 0 ? NULL : fdopen(fd, "wb");
    if (!er && !out)
        er = errno == EEXIST ? ER_MALFORMED : ER_IO; /* twice in it */
    while (!er && left) {
        size_t n = left < PIECE ? (size_t)left : PIECE, own = size < n ? (size_t)size : n;
        if (fread(piece, 1, n, in) != n)
            er = ER_TRUNCATED;
        else if (fwrite(piece, 1, own, out) != own)
            er = ER_IO;
        left -= n;
        size -= own;
    }
    if (out && fclose(out) && !er)
        er = ER_IO;
    free(piece);
    return er;
}

static int unpack(FILE *in, const char *folder, struct backup_told *told)
{
    char to[PATH_BYTES];
    uint8_t head[TAR_BLOCK];
    struct tar_entry e;
    for (;;) {
        if (fread(head, 1, sizeof head, in) != sizeof head)
            return backup_why(told, ER_MALFORMED, "the archive ends too soon");
        int er = tar_head_read(head, &e);
        if (er == ER_NOT_FOUND)
            return 0;
        if (er == 0 && e.folder)
            continue;
        if (er || !name_ok(e.name))
            return backup_why(told, ER_MALFORMED,
                              "there is something in the archive that is not of a backup");
        (void)snprintf(to, sizeof to, "%s/%s", folder, e.name);
        er = take_blocks(in, to, e.size);
        if (er)
            return backup_why(told, er == ER_TRUNCATED ? ER_MALFORMED : er,
                              "%s cannot be taken out of the archive", e.name);
    }
}

int backup_tar_restore(const char *from, const char *data, struct backup_told *ret)
{
    char folder[PATH_BYTES];
    *ret = (struct backup_told){0};
    size_t len = strlen(data);
    while (len > 1 && data[len - 1] == '/')
        len--;
    (void)snprintf(folder, sizeof folder, "%.*s.unpacked", (int)len, data);
    FILE *in = fopen(from, "rbe");
    if (!in)
        return backup_why(ret, ER_MALFORMED, "%s: %s", from, strerror(errno));
    int er = backup_empty_folder(folder, ret);
    if (!er) {
        er = unpack(in, folder, ret);
        if (!er)
            er = backup_restore(folder, data, ret);
        remove_folder(folder);
    }
    (void)fclose(in);
    return er;
}
