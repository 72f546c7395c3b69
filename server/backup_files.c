// SPDX-License-Identifier: Apache-2.0
/* Copying and listing. */
#include "server/backup_files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/er.h"

enum { PIECE = 262144 };

static bool part_ok(struct span part)
{
    for (size_t i = 0; i < part.len; i++) {
        char c = part.at[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            c != '.' && c != '-' && c != '_')
            return false;
    }
    return part.len > 0 && part.at[0] != '.';
}

bool backup_name_ok(const char *name)
{
    struct span rest = span_of(name), part = span_cut(&rest, '/');
    if (strlen(name) >= BACKUP_NAME_BYTES)
        return false;
    if (!rest.at)
        return span_equal(part, "loupe.db");
    bool blob = span_equal(part, "blobs");
    if (!blob && !span_equal(part, "keys"))
        return false;
    if (blob && (!part_ok(span_cut(&rest, '/')) || !rest.at))
        return false;
    return part_ok(rest);
}

int backup_folders(const char *to)
{
    char path[PATH_MAX];
    for (size_t i = 1; to[i]; i++) {
        if (to[i] != '/')
            continue;
        if (str_copy_span(path, sizeof path, (struct span){to, i}))
            return ER_IO;
        if (mkdir(path, 0700) && errno != EEXIST)
            return ER_IO;
    }
    return 0;
}

static int write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return ER_IO;
        bytes += n;
        len -= (size_t)n;
    }
    return 0;
}

static int copy_bytes(int from, int to, struct backup_file *ret)
{
    struct digest digest;
    char *piece = malloc(PIECE);
    ssize_t n = 1;
    int er = piece ? 0 : ER_NOMEM;
    digest_begin(&digest);
    ret->bytes = 0;
    while (er == 0 && n > 0) {
        n = read(from, piece, PIECE);
        if (n < 0 && errno == EINTR) {
            n = 1;
            continue;
        }
        if (n < 0)
            er = ER_IO;
        if (n > 0) {
            digest_add(&digest, piece, (size_t)n);
            ret->bytes += (uint64_t)n;
            er = to < 0 ? 0 : write_all(to, piece, (size_t)n);
        }
    }
    digest_end(&digest, ret->hash);
    free(piece);
    return er;
}

int backup_copy(const char *from, const char *to, struct backup_file *ret)
{
    int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (in < 0)
        return errno == ENOENT ? ER_NOT_FOUND : ER_IO;
    int er = backup_folders(to);
    int out = er ? -1 : open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (!er)
        er = out < 0 ? ER_IO : copy_bytes(in, out, ret);
    if (out >= 0 && close(out) && !er)
        er = ER_IO;
    (void)close(in);
    return er;
}

int backup_hash(const char *path, struct backup_file *ret)
{
    int in = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (in < 0)
        return errno == ENOENT ? ER_NOT_FOUND : ER_IO;
    int er = copy_bytes(in, -1, ret);
    (void)close(in);
    return er;
}

/* The list */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct backup_file *)a)->name, ((const struct backup_file *)b)->name);
}

struct backup_file *backup_list_find(struct backup_list *l, const char *name)
{
    struct backup_file key;
    if (l->sorted == 0 || str_copy(key.name, sizeof key.name, name))
        return NULL;
    return bsearch(&key, l->files, l->sorted, sizeof key, by_name);
}

void backup_list_sort(struct backup_list *l)
{
    size_t kept = 0;
    if (l->count)
        qsort(l->files, l->count, sizeof *l->files, by_name);
    for (size_t i = 0; i < l->count; i++) {
        if (i + 1 == l->count || by_name(&l->files[i], &l->files[i + 1]) != 0)
            l->files[kept++] = l->files[i];
    }
    l->count = l->sorted = kept;
}

int backup_list_put(struct backup_list *l, const struct backup_file *file)
{
    struct backup_file *there = backup_list_find(l, file->name);
    if (there) {
        *there = *file;
        return 0;
    }
    if (l->count == l->size) {
        size_t size = l->size ? 2 * l->size : 256;
        struct backup_file *files = realloc(l->files, size * sizeof *files);
        if (!files)
            return ER_NOMEM;
        l->files = files;
        l->size = size;
    }
    l->files[l->count++] = *file;
    return 0;
}

void backup_list_remove(struct backup_list *l, struct backup_file *file)
{
    size_t at = (size_t)(file - l->files);
    memmove(file, file + 1, (l->count - at - 1) * sizeof *file);
    l->count--;
    l->sorted -= at < l->sorted;
}

void backup_list_clear(struct backup_list *l)
{
    free(l->files);
    *l = (struct backup_list){0};
}

#define LINE_BYTES (2 * DIGEST_BYTES + 3 + BACKUP_NAME_BYTES)

char *backup_list_text(struct backup_list *l, size_t *ret_len)
{
    char *text = malloc(l->count * LINE_BYTES + 1);
    size_t len = 0;
    for (size_t i = 0; text && i < l->count; i++) {
        hex_encode(text + len, l->files[i].hash, DIGEST_BYTES);
        len += 2 * DIGEST_BYTES;
        len += (size_t)snprintf(text + len, LINE_BYTES, "  %s\n", l->files[i].name);
    }
    if (text)
        text[len] = '\0';
    *ret_len = len;
    return text;
}

int backup_list_parse(struct backup_list *l, const char *text, size_t len)
{
    struct span rest = {text, len};
    while (rest.len > 0) {
        struct backup_file file = {.bytes = 0};
        struct span line = span_cut(&rest, '\n');
        const size_t digits = 2 * sizeof file.hash;
        if (!rest.at || line.len < digits + 3 || memcmp(line.at + digits, "  ", 2) != 0 ||
            hex_decode(file.hash, sizeof file.hash, (struct span){line.at, digits}) ||
            str_copy_span(file.name, sizeof file.name,
                          (struct span){line.at + digits + 2, line.len - digits - 2}) ||
            memchr(line.at, '\0', line.len) || !backup_name_ok(file.name))
            return ER_MALFORMED;
        if (backup_list_put(l, &file))
            return ER_NOMEM;
    }
    size_t all = l->count;
    backup_list_sort(l);
    return l->count == all ? 0 : ER_MALFORMED;
}
