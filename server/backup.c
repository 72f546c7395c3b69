// SPDX-License-Identifier: Apache-2.0
/* The database first, then the files of its rows; again where rows went meanwhile. */
#include "server/backup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/json.h"
#include "server/backup_files.h"
#include "server/seal/durable.h"
#include "server/store_attachments.h"
#include "server/store_copy.h"

#define ROUNDS 20  /* more than that many times something was deleted while its file was copied */
#define PATIENT 10 /* from then on, what ended meanwhile may be there as it was being recorded */
#define PATH_BYTES (PATH_MAX + 2 * BACKUP_NAME_BYTES)

struct backup {
    const struct backup_from *from;
    const char *to;
    struct backup_told *told;
    struct store *live, *copy;
    struct backup_list list;
    bool last; /* the row of what is taken now is finished */
    bool gone; /* a file of the copy's rows is not there, nor is the row any more; or one ended */
};

int backup_why(struct backup_told *told, int er, const char *fmt, ...)
{
    va_list args;
    if (told->why[0])
        return er;
    va_start(args, fmt);
    (void)vsnprintf(told->why, sizeof told->why, fmt, args);
    va_end(args);
    return er;
}

int backup_empty_folder(const char *path, struct backup_told *told)
{
    char inside[PATH_BYTES];
    (void)snprintf(inside, sizeof inside, "%s/", path);
    if (backup_folders(inside))
        return backup_why(told, ER_IO, "%s cannot be made", path);
    DIR *d = opendir(path);
    if (!d)
        return backup_why(told, ER_IO, "%s cannot be read", path);
    size_t entries = 0;
    while (readdir(d))
        entries++;
    (void)closedir(d);
    return entries > 2 ? backup_why(told, ER_CONFLICT, "%s is not empty", path) : 0;
}

int backup_sync(const char *folder, struct backup_told *told)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int er = fd < 0 || syncfs(fd) ? backup_why(told, ER_IO, "%s: %s", folder, strerror(errno)) : 0;
    if (fd >= 0)
        (void)close(fd);
    return er;
}

/* Making one */

/** One file below `top`, under its `name`. */
static int take(struct backup *b, const char *top, const char *name)
{
    char from[PATH_BYTES], to[PATH_BYTES];
    struct backup_file file = {.last = b->last};
    (void)snprintf(from, sizeof from, "%s/%s", top, name);
    (void)snprintf(to, sizeof to, "%s/%s", b->to, name);
    if (!backup_name_ok(name) || str_copy(file.name, sizeof file.name, name))
        return 0; /* none that the server made */
    int er = backup_copy(from, to, &file);
    if (er == ER_NOT_FOUND)
        return 0; /* it went, or was renamed; whether it has to be there is asked later */
    if (er)
        return backup_why(b->told, er, "%s cannot be copied: %s", from, strerror(errno));
    return backup_list_put(&b->list, &file);
}

/** Of a folder below `top`, those that are wanted. */
static int take_folder(struct backup *b, const char *top, const char *folder,
                       bool (*wanted)(struct backup *b, const char *name, const char *file))
{
    char path[PATH_BYTES], name[2 * BACKUP_NAME_BYTES];
    (void)snprintf(path, sizeof path, "%s/%s", top, folder);
    DIR *d = opendir(path);
    int er = 0;
    if (!d)
        return errno == ENOENT ? 0 : backup_why(b->told, ER_IO, "%s: %s", path, strerror(errno));
    for (const struct dirent *e; !er && (e = readdir(d));) {
        if (e->d_name[0] == '.' ||
            snprintf(name, sizeof name, "%s/%s", folder, e->d_name) >= BACKUP_NAME_BYTES)
            continue;
        if (wanted(b, name, e->d_name))
            er = take(b, top, name);
    }
    (void)closedir(d);
    return er;
}

static bool every(struct backup *b, const char *name, const char *file)
{
    (void)name;
    (void)file;
    b->last = true;
    return true;
}

/** What may be replaced later: by the one with its time stamp. */
static bool is_manifest(const char *name)
{
    const struct span end = span_of(".manifest.json"), all = span_of(name);
    return all.len > end.len && memcmp(all.at + all.len - end.len, end.at, end.len) == 0;
}

/** Of a row of the copy; what was finished then but once. */
static bool of_a_row(struct backup *b, const char *name, const char *file)
{
    char id[ID_TEXT_BYTES];
    struct store_blob blob;
    const char *dot = strchr(file, '.');
    if (!dot || str_copy_span(id, sizeof id, (struct span){file, (size_t)(dot - file)}) ||
        store_blob_get(b->copy, id, &blob))
        return false;
    const struct backup_file *had = backup_list_find(&b->list, name);
    b->last = blob.finished;
    return !had || !had->last || is_manifest(name);
}

static int take_blobs(struct backup *b)
{
    char path[PATH_BYTES], folder[BACKUP_NAME_BYTES];
    const char *top = b->from->blobs ? b->from->blobs : b->from->data;
    (void)snprintf(path, sizeof path, "%s/blobs", top);
    DIR *d = opendir(path);
    int er = 0;
    if (!d)
        return errno == ENOENT ? 0 : backup_why(b->told, ER_IO, "%s: %s", path, strerror(errno));
    for (const struct dirent *e; !er && (e = readdir(d));) {
        if (e->d_name[0] != '.' &&
            snprintf(folder, sizeof folder, "blobs/%s", e->d_name) < (int)sizeof folder)
            er = take_folder(b, top, folder, of_a_row);
    }
    (void)closedir(d);
    return er;
}

/** Something that a start repairs. A still that was being taken, or an attachment that came, is as if it had not been. */
static bool repairable(struct backup *b, const struct store_blob *row)
{
    static const char *const suffixes[] = {".part", ".webm"};
    char name[BACKUP_NAME_BYTES];
    for (size_t i = 0; row->object == KEPT_CLIP && i < 2; i++) {
        (void)snprintf(name, sizeof name, "blobs/%.2s/%s%s", row->id.text, row->id.text,
                       suffixes[i]);
        if (backup_list_find(&b->list, name))
            return true;
    }
    return row->object != KEPT_CLIP;
}

/** One that was being made: where it ended while files were copied, these may be of before and after. */
static int check_unfinished(struct backup *b, const struct store_blob *row)
{
    struct store_blob now;
    int er = store_blob_get(b->live, row->id.text, &now);
    if (!er && now.finished && (b->told->rounds < PATIENT || !repairable(b, row)))
        b->gone = true;
    return er == ER_NOT_FOUND ? 0 : er;
}

/** What there must be of it is there; else whether it was deleted since, or is lost. */
static int check_row(void *ctx, const struct store_blob *row)
{
    static const char *const suffixes[KEPT_OBJECTS][2] = {
        [KEPT_CLIP] = {".webm", ".manifest.json"},
        [KEPT_STILL] = {".jpg", ".still.json"},
        [KEPT_ATTACHMENT] = {STORE_ATTACHMENT_SUFFIX},
    };
    struct backup *b = ctx;
    struct store_blob now;
    char name[BACKUP_NAME_BYTES];
    if (!row->finished)
        return check_unfinished(b, row);
    for (size_t i = 0; i < 2 && suffixes[row->object][i]; i++) {
        (void)snprintf(name, sizeof name, "blobs/%.2s/%s%s", row->id.text, row->id.text,
                       suffixes[row->object][i]);
        if (backup_list_find(&b->list, name))
            continue;
        int er = store_blob_get(b->live, row->id.text, &now);
        if (er && er != ER_NOT_FOUND)
            return er;
        if (er) {
            b->gone = true;
            continue;
        }
        b->told->lost++;
        (void)backup_why(b->told, 0, "%s is missing", name);
    }
    return 0;
}

/** What was copied while it was being made, and is not there any more. */
static bool was_for_now(const struct backup *b, const struct backup_file *file)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/%s", b->from->blobs ? b->from->blobs : b->from->data,
                   file->name);
    return !file->last && access(path, F_OK) && errno == ENOENT;
}

/** Files of rows that are not in the copy: of what was deleted between two rounds. And those that stood
 *  there only while a clip was recorded. */
static int drop_others(struct backup *b)
{
    char path[PATH_BYTES];
    struct store_blob blob;
    for (size_t i = b->list.count; i-- > 0;) {
        struct backup_file *file = &b->list.files[i];
        char id[ID_TEXT_BYTES];
        if (strncmp(file->name, "blobs/", 6) != 0)
            continue;
        (void)str_copy_span(id, sizeof id,
                            (struct span){strrchr(file->name, '/') + 1, sizeof id - 1});
        if (store_blob_get(b->copy, id, &blob) != ER_NOT_FOUND && !was_for_now(b, file))
            continue;
        (void)snprintf(path, sizeof path, "%s/%s", b->to, file->name);
        if (unlink(path) && errno != ENOENT)
            return backup_why(b->told, ER_IO, "%s: %s", path, strerror(errno));
        backup_list_remove(&b->list, file);
    }
    return 0;
}

static int snapshot(struct backup *b)
{
    char path[PATH_BYTES];
    struct entropy entropy = entropy_system();
    (void)snprintf(path, sizeof path, "%s/loupe.db", b->to);
    store_close(b->copy);
    b->copy = NULL;
    int er = store_copy(b->live, path);
    if (er)
        return backup_why(b->told, er, "the database cannot be copied to %s", path);
    (void)chmod(path, 0600);
    struct store *copy;
    er = store_look(&copy, path, b->to, &entropy);
    if (er)
        return backup_why(b->told, er, "%s: %s", path, er_name(er));
    b->copy = copy;
    return 0;
}

static int round_of(struct backup *b)
{
    b->gone = false;
    b->told->lost = 0;
    b->told->why[0] = '\0';
    b->told->rounds++;
    int er = snapshot(b);
    if (!er && b->from->copied)
        b->from->copied(b->from->ctx);
    if (!er)
        er = drop_others(b);
    if (!er)
        er = take_blobs(b);
    backup_list_sort(&b->list);
    return er ? er : store_blobs_each(b->copy, check_row, b);
}

/** The hashes of all, and what says that it is complete. */
static int conclude(struct backup *b, uint64_t unix_us)
{
    char path[PATH_BYTES], at[CLOCK_TEXT_BYTES], hex[2 * DIGEST_BYTES + 1];
    uint8_t hash[DIGEST_BYTES];
    int version = 0, newest;
    size_t len;
    for (size_t i = 0; i < b->list.count; i++)
        b->told->bytes += b->list.files[i].bytes;
    b->told->files = b->list.count;
    char *sums = backup_list_text(&b->list, &len);
    int er = sums ? store_schema(b->copy, &version, &newest) : ER_NOMEM;
    if (!er)
        er = backup_sync(b->to, b->told);
    (void)snprintf(path, sizeof path, "%s/SHA256SUMS", b->to);
    if (!er)
        er = durable_write(path, sums, len, 0600);
    clock_format(unix_us, at);
    digest_sha256(sums ? sums : "", sums ? len : 0, hash);
    hex_encode(hex, hash, sizeof hash);
    free(sums);
    json_t *o = json_pack("{s:s,s:s,s:i,s:I,s:I,s:s}", "format", BACKUP_FORMAT, "made_at", at,
                          "schema", version, "files", (json_int_t)b->told->files, "bytes",
                          (json_int_t)b->told->bytes, "sums_sha256", hex);
    char *text = o ? json_canonical(o) : NULL;
    (void)snprintf(path, sizeof path, "%s/backup.json", b->to);
    if (!er)
        er = text ? durable_write(path, text, strlen(text), 0600) : ER_NOMEM;
    free(text);
    json_decref(o);
    return er;
}

/** The database's own file is hashed when it changes no more. */
static int list_database(struct backup *b)
{
    char path[PATH_BYTES];
    struct backup_file file = {.name = "loupe.db"};
    (void)snprintf(path, sizeof path, "%s/loupe.db", b->to);
    int er = backup_hash(path, &file);
    return er ? backup_why(b->told, er, "%s cannot be read", path)
              : backup_list_put(&b->list, &file);
}

int backup_make(const struct backup_from *from, const char *to, uint64_t unix_us,
                struct backup_told *ret)
{
    struct backup b = {.from = from, .to = to, .told = ret};
    char path[PATH_BYTES];
    struct entropy entropy = entropy_system();
    *ret = (struct backup_told){0};
    int er = backup_empty_folder(to, ret);
    (void)snprintf(path, sizeof path, "%s/loupe.db", from->data);
    const char *database = from->database ? from->database : path;
    if (!er) {
        er = store_look(&b.live, database, from->data, &entropy);
        if (er)
            (void)backup_why(ret, er, "%s: %s", database, er_name(er));
    }
    if (!er)
        er = round_of(&b);
    while (!er && b.gone && ret->rounds < ROUNDS)
        er = round_of(&b);
    if (!er && b.gone)
        er = backup_why(ret, ER_AGAIN, "too much was deleted or ended meanwhile");
    if (!er)
        er = take_folder(&b, from->data, "keys", every);
    if (!er)
        er = list_database(&b);
    backup_list_sort(&b.list);
    if (!er)
        er = conclude(&b, unix_us);
    store_close(b.copy);
    store_close(b.live);
    backup_list_clear(&b.list);
    return er;
}
