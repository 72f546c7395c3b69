// SPDX-License-Identifier: Apache-2.0
/* A data folder made of a backup: the files, each held against its hash, and the database last. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/er.h"
#include "base/file.h"
#include "base/json.h"
#include "server/backup.h"
#include "server/backup_files.h"
#include "server/seal/durable.h"
#include "server/store.h"

#define ABOUT_BYTES 65536
#define SUMS_BYTES (UINT64_C(1) << 32)
#define PATH_BYTES (PATH_MAX + 2 * BACKUP_NAME_BYTES)

/** The list, of a backup that says that it is complete. */
static int read_list(const char *from, struct backup_list *ret, struct backup_told *told)
{
    char path[PATH_BYTES], hex[2 * DIGEST_BYTES + 1], *text = NULL, *sums = NULL;
    uint8_t hash[DIGEST_BYTES];
    size_t len, sums_len = 0;
    json_t *about = NULL;
    (void)snprintf(path, sizeof path, "%s/backup.json", from);
    int er = durable_read(path, ABOUT_BYTES, &text, &len);
    if (er)
        return backup_why(told, er == ER_NOMEM ? er : ER_MALFORMED,
                          "%s cannot be read: it is no backup, or not a complete one", path);
    er = json_parse(text, len, &about, NULL);
    free(text);
    const char *format = json_text(about, "format", 32);
    const char *said = json_text(about, "sums_sha256", 2 * DIGEST_BYTES);
    if (er || !format || strcmp(format, BACKUP_FORMAT) != 0 || !said) {
        json_decref(about);
        return backup_why(told, ER_MALFORMED, "%s does not tell of a backup", path);
    }
    (void)snprintf(path, sizeof path, "%s/SHA256SUMS", from);
    er = durable_read(path, SUMS_BYTES, &sums, &sums_len);
    if (!er)
        digest_sha256(sums, sums_len, hash);
    if (!er)
        hex_encode(hex, hash, sizeof hash);
    if (er || strcmp(hex, said) != 0)
        er = backup_why(told, ER_UNAUTHENTIC, "%s is not as it was", path);
    if (!er && backup_list_parse(ret, sums, sums_len))
        er = backup_why(told, ER_MALFORMED, "%s cannot be read", path);
    free(sums);
    json_decref(about);
    return er;
}

static int put_back(const char *from, const char *to, const struct backup_file *due,
                    struct backup_told *told)
{
    struct backup_file is;
    int er = backup_copy(from, to, &is);
    if (er)
        return backup_why(told, er == ER_NOT_FOUND ? ER_UNAUTHENTIC : er, "%s %s", from,
                          er == ER_NOT_FOUND ? "is missing" : "cannot be copied");
    if (memcmp(is.hash, due->hash, sizeof is.hash) != 0)
        return backup_why(told, ER_UNAUTHENTIC, "%s is not as it was", from);
    told->files++;
    told->bytes += is.bytes;
    return 0;
}

static int put_all(const char *from, const char *data, struct backup_list *list,
                   struct backup_told *told)
{
    char source[PATH_BYTES], to[PATH_BYTES], final[PATH_BYTES];
    int er = 0;
    for (size_t i = 0; !er && i < list->count; i++) {
        const char *name = list->files[i].name;
        bool database = strcmp(name, "loupe.db") == 0;
        (void)snprintf(source, sizeof source, "%s/%s", from, name);
        (void)snprintf(to, sizeof to, "%s/%s%s", data, name, database ? ".partial" : "");
        er = put_back(source, to, &list->files[i], told);
    }
    if (!er)
        er = backup_sync(data, told);
    (void)snprintf(to, sizeof to, "%s/loupe.db.partial", data);
    (void)snprintf(final, sizeof final, "%s/loupe.db", data);
    if (!er && file_commit(to, final))
        er = backup_why(told, ER_IO, "%s: %s", final, strerror(errno));
    return er;
}

/** No server may begin in the folder meanwhile. */
static int lock(const char *data, struct backup_told *told)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/lock", data);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    if (fd >= 0)
        (void)close(fd);
    return backup_why(told, ER_CONFLICT, "%s is in use", data);
}

/** Of a schema that this version can have. */
static int look(const char *from, struct backup_told *told)
{
    char path[PATH_BYTES];
    struct entropy entropy = entropy_system();
    struct store *s = NULL;
    (void)snprintf(path, sizeof path, "%s/loupe.db", from);
    int er = store_look(&s, path, from, &entropy);
    store_close(s);
    if (er == ER_UNSUPPORTED)
        return backup_why(told, er, "%s was made by a newer version", path);
    return er && er != ER_STALE ? backup_why(told, ER_MALFORMED, "%s: %s", path, er_name(er)) : 0;
}

int backup_restore(const char *from, const char *data, struct backup_told *ret)
{
    struct backup_list list = {0};
    *ret = (struct backup_told){0};
    int er = read_list(from, &list, ret);
    if (!er && !backup_list_find(&list, "loupe.db"))
        er = backup_why(ret, ER_MALFORMED, "there is no database in it");
    if (!er)
        er = look(from, ret);
    if (!er)
        er = backup_empty_folder(data, ret);
    int fd = er ? -1 : lock(data, ret);
    if (!er && fd < 0)
        er = ER_CONFLICT;
    if (!er)
        er = put_all(from, data, &list, ret);
    if (fd >= 0)
        (void)close(fd);
    backup_list_clear(&list);
    return er;
}
