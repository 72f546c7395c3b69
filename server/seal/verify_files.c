// SPDX-License-Identifier: Apache-2.0
/* Files told apart, and each checked by what it is. */
#include "server/seal/verify_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/er.h"
#include "base/str.h"
#include "server/seal/durable.h"
#include "server/seal/verify_case.h"

#define CERTIFICATE_BYTES_MAX 1048576u

enum kind {
    KIND_UNKNOWN,
    KIND_MEDIA,
    KIND_MANIFEST,
    KIND_RECORD,
    KIND_TOMBSTONE,
    KIND_CERTIFICATE,
    KIND_JPEG,
    KIND_CASE
};

struct given {
    const char *path;
    enum kind kind;
};

/** Its format is not the first that it says. */
static bool is_certificate(const char *path)
{
    char *text;
    size_t len;
    if (durable_read(path, CERTIFICATE_BYTES_MAX, &text, &len))
        return false;
    bool is = memmem(text, len, "\"" VERIFY_CERTIFICATE_FORMAT "\"",
                     sizeof VERIFY_CERTIFICATE_FORMAT + 1) != NULL;
    free(text);
    return is;
}

/** Documents say at once what they are, being canonical; one that does not is a manifest. */
static enum kind kind_of_document(const char *path)
{
    static const char still[] = "{\"format\":\"" VERIFY_STILL_FORMAT "\"";
    static const char tombstone[] = "{\"format\":\"" VERIFY_TOMBSTONE_FORMAT "\"";
    char head[64] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? 0 : read(fd, head, sizeof head - 1);
    if (fd >= 0)
        (void)close(fd);
    struct span begin = {head, len > 0 ? (size_t)len : 0};
    return span_starts(begin, still)       ? KIND_RECORD
           : span_starts(begin, tombstone) ? KIND_TOMBSTONE
           : is_certificate(path)          ? KIND_CERTIFICATE
                                           : KIND_MANIFEST;
}

static int kind_of(const char *path, enum kind *ret)
{
    static const uint8_t ebml[] = {0x1a, 0x45, 0xdf, 0xa3};
    uint8_t head[4] = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? ER_NOT_FOUND : ER_IO;
    ssize_t len = read(fd, head, sizeof head);
    (void)close(fd);
    *ret = memcmp(head, ebml, sizeof ebml) == 0 ? KIND_MEDIA
           : head[0] == '{'                     ? kind_of_document(path)
           : memcmp(head, "PK", 2) == 0         ? KIND_CASE
           : head[0] == 0xff && head[1] == 0xd8 ? KIND_JPEG
                                                : KIND_UNKNOWN;
    return len < 0 ? ER_IO : 0;
}

static size_t count_of(const struct given *files, size_t count, enum kind kind)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        found += files[i].kind == kind;
    return found;
}

/** What has lost its first bytes is taken for what is missing among the others. */
static void guess(struct given *files, size_t count)
{
    if (count == 1 && files[0].kind == KIND_UNKNOWN)
        files[0].kind = KIND_CASE;
    for (size_t i = 0; i < count; i++) {
        if (files[i].kind == KIND_UNKNOWN && count_of(files, count, KIND_RECORD))
            files[i].kind = KIND_JPEG;
        else if (files[i].kind == KIND_UNKNOWN && count_of(files, count, KIND_JPEG))
            files[i].kind = KIND_RECORD;
        if (files[i].kind == KIND_UNKNOWN)
            files[i].kind = count_of(files, count, KIND_MANIFEST) ? KIND_MEDIA : KIND_MANIFEST;
    }
}

static bool sort_out(struct report *r, struct given *files, size_t count)
{
    bool good = true;
    for (size_t i = 0; i < count; i++) {
        r->file = files[i].path;
        if (kind_of(files[i].path, &files[i].kind) == 0)
            continue;
        report_add(r, REPORT_IS_UNSURE, "file", REPORT_ANYWHERE, "it cannot be read");
        good = false;
    }
    r->file = NULL;
    guess(files, count);
    bool one_case = count == 1 && files[0].kind == KIND_CASE;
    bool one_still = count_of(files, count, KIND_RECORD) == 1 &&
                     count_of(files, count, KIND_CERTIFICATE) == 0 &&
                     count_of(files, count, KIND_JPEG) == 1 &&
                     count_of(files, count, KIND_MANIFEST) <= 1;
    bool one_grave = count == 1 && files[0].kind == KIND_TOMBSTONE;
    bool certified = count_of(files, count, KIND_CERTIFICATE) == 1 &&
                     count_of(files, count, KIND_JPEG) + count_of(files, count, KIND_MEDIA) ==
                         count - 1;
    bool manifest = count_of(files, count, KIND_MANIFEST) == 1 &&
                    count_of(files, count, KIND_TOMBSTONE) <= 1 &&
                    count_of(files, count, KIND_CERTIFICATE) == 0;
    if (good && !one_case && !one_still && !one_grave && !certified && !manifest) {
        report_add(r, REPORT_IS_UNSURE, "file", REPORT_ANYWHERE,
                   "one manifest is needed, and the files that it tells of; or a still with its "
                   "record; or one tombstone; or one exported case; or one certificate, and "
                   "stills and clips that it goes by");
        good = false;
    }
    return good;
}

static int manifest_open(struct report *r, const struct verify_trust *trust, const char *path,
                         struct manifest *ret)
{
    char *text;
    size_t len;
    int er = durable_read(path, MANIFEST_BYTES_MAX, &text, &len);
    if (er) {
        report_add(r, REPORT_IS_UNSURE, "manifest", REPORT_ANYWHERE, "it cannot be read");
        return er;
    }
    er = verify_manifest(r, trust, text, len, ret);
    free(text);
    return er;
}

static void media_check(struct report *r, const struct manifest *m, const char *path,
                        bool seen[static 2])
{
    struct matroska_file file;
    int er = matroska_read_path(NULL, path, &file);
    if (er == 0 || er == ER_MALFORMED) {
        bool voices = verify_is_voices(m, &file);
        if (seen[voices])
            report_add(r, REPORT_IS_WRONG, "file", REPORT_ANYWHERE,
                       "a second file that would be the %s", voices ? "voices" : "clip");
        seen[voices] = true;
        verify_media(r, m, &file, er, voices);
    } else {
        report_add(r, REPORT_IS_UNSURE, "file", REPORT_ANYWHERE, "it cannot be read");
    }
    matroska_clear(&file);
}

static const char *path_of(const struct given *files, size_t count, enum kind kind)
{
    for (size_t i = 0; i < count; i++) {
        if (files[i].kind == kind)
            return files[i].path;
    }
    return NULL;
}

/** A still and its record; with `m` its frame has to be in that clip. */
static void check_still(struct report *r, const struct verify_trust *trust,
                        const struct given *files, size_t count, const struct manifest *m)
{
    const char *record = path_of(files, count, KIND_RECORD);
    char *text, *jpeg;
    size_t len, jpeg_len;
    struct merkle_hash hash;
    int er = durable_read(record, MANIFEST_BYTES_MAX, &text, &len);
    if (er == 0) {
        er = durable_read(path_of(files, count, KIND_JPEG), MANIFEST_BYTES_MAX, &jpeg, &jpeg_len);
        if (er == 0) {
            er = merkle_sha256(jpeg, jpeg_len, &hash);
            free(jpeg);
        }
        r->file = record;
        if (er == 0)
            verify_still(r, trust, text, len, &hash, jpeg_len, m);
        free(text);
    }
    if (er)
        report_add(r, REPORT_IS_UNSURE, "still", REPORT_ANYWHERE, "it cannot be read");
    r->file = NULL;
}

/** The tombstone, and whether it is of what else was given. */
static void check_tombstone(struct report *r, const struct verify_trust *trust,
                            const struct given *files, size_t count)
{
    const char *path = path_of(files, count, KIND_TOMBSTONE);
    const char *others[] = {path_of(files, count, KIND_MANIFEST),
                            path_of(files, count, KIND_RECORD)};
    static const char *const members[] = {"manifest_sha256", "record_sha256"};
    json_t *document = NULL;
    char *text;
    size_t len;
    struct merkle_hash hash;
    r->file = path;
    if (durable_read(path, MANIFEST_BYTES_MAX, &text, &len)) {
        report_add(r, REPORT_IS_UNSURE, "tombstone", REPORT_ANYWHERE, "it cannot be read");
        return;
    }
    (void)verify_tombstone(r, trust, text, len, &document);
    free(text);
    size_t which = others[1] != NULL; /* of a still with the clip around it, the still */
    if (document && others[which] &&
        durable_read(others[which], MANIFEST_BYTES_MAX, &text, &len) == 0) {
        if (merkle_sha256(text, len, &hash) == 0)
            verify_buried(r, document, members[which], &hash);
        free(text);
    }
    json_decref(document);
    r->file = NULL;
}

static void check_certified(struct report *r, const json_t *document, const char *path)
{
    struct merkle_hash hash;
    char *bytes = NULL;
    size_t len;
    int er = durable_read(path, MANIFEST_BYTES_MAX, &bytes, &len);
    if (er == 0)
        er = merkle_sha256(bytes, len, &hash);
    r->file = path;
    if (er)
        report_add(r, REPORT_IS_UNSURE, "file", REPORT_ANYWHERE, "it cannot be read");
    else
        verify_certified(r, document, &hash);
    free(bytes);
}

/** A certificate, and whether it goes by what else was given. */
static void check_certificate(struct report *r, const struct verify_trust *trust,
                              const struct given *files, size_t count)
{
    json_t *document = NULL;
    char *text;
    size_t len;
    r->file = path_of(files, count, KIND_CERTIFICATE);
    if (durable_read(r->file, CERTIFICATE_BYTES_MAX, &text, &len)) {
        report_add(r, REPORT_IS_UNSURE, "certificate", REPORT_ANYWHERE, "it cannot be read");
        return;
    }
    (void)verify_certificate(r, trust, text, len, &document);
    free(text);
    for (size_t i = 0; document && i < count; i++) {
        if (files[i].kind != KIND_CERTIFICATE)
            check_certified(r, document, files[i].path);
    }
    json_decref(document);
    r->file = NULL;
}

static void check_case(struct report *r, const struct verify_trust *trust, const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    const struct matroska_source source = matroska_source_fd(&fd);
    if (fd < 0 || fstat(fd, &st))
        report_add(r, REPORT_IS_UNSURE, "file", REPORT_ANYWHERE, "it cannot be read");
    else
        verify_case(r, trust, &source, (uint64_t)st.st_size);
    if (fd >= 0)
        (void)close(fd);
}

static void check_all(struct report *r, const struct verify_trust *trust, const struct given *files,
                      size_t count)
{
    struct manifest m = {0};
    bool seen[2] = {false, false};
    int er = ER_NOT_FOUND;
    bool buried = count_of(files, count, KIND_TOMBSTONE) > 0;
    if (buried)
        check_tombstone(r, trust, files, count);
    for (size_t i = 0; i < count; i++) {
        r->file = files[i].path;
        if (files[i].kind == KIND_MANIFEST)
            er = manifest_open(r, trust, files[i].path, &m);
    }
    for (size_t i = 0; er == 0 && i < count; i++) {
        r->file = files[i].path;
        if (files[i].kind == KIND_MEDIA)
            media_check(r, &m, files[i].path, seen);
    }
    r->file = NULL;
    bool still = count_of(files, count, KIND_RECORD) > 0;
    if (still)
        check_still(r, trust, files, count, er == 0 ? &m : NULL);
    if (er == 0 && !seen[0] && !seen[1] && !still && !buried)
        report_add(r, REPORT_IS_UNSURE, "file", REPORT_ANYWHERE,
                   "a manifest alone says nothing of a clip: give both");
    else if (er == 0 && seen[0] && !seen[1] && !m.trim && json_object_get(m.seal, "voices"))
        report_add(r, REPORT_NOTE, "file", REPORT_ANYWHERE,
                   "the voices are sealed too, but were not given");
    manifest_clear(&m);
}

void verify_files(struct report *r, const struct verify_trust *trust, const char *const *paths,
                  size_t count)
{
    struct given files[VERIFY_FILES_MAX];
    if (count == 0 || count > VERIFY_FILES_MAX) {
        report_add(r, REPORT_IS_UNSURE, "file", REPORT_ANYWHERE, "no files, or too many");
        return;
    }
    for (size_t i = 0; i < count; i++)
        files[i] = (struct given){.path = paths[i]};
    if (!sort_out(r, files, count))
        return;
    if (files[0].kind == KIND_CASE)
        check_case(r, trust, files[0].path);
    else if (count_of(files, count, KIND_CERTIFICATE))
        check_certificate(r, trust, files, count);
    else
        check_all(r, trust, files, count);
}
