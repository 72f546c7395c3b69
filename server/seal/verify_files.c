// SPDX-License-Identifier: Apache-2.0
/* Files told apart, and each checked by what it is. */
#include "server/seal/verify_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/er.h"
#include "server/seal/durable.h"

enum kind { KIND_UNKNOWN, KIND_MEDIA, KIND_MANIFEST };

struct given {
    const char *path;
    enum kind kind;
};

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
           : head[0] == '{'                     ? KIND_MANIFEST
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
    for (size_t i = 0; i < count; i++) {
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
    if (good && count_of(files, count, KIND_MANIFEST) != 1) {
        report_add(r, REPORT_IS_UNSURE, "file", REPORT_ANYWHERE,
                   "one manifest is needed, and the files that it tells of");
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
    int er = matroska_read_path(path, &file);
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

static void check_all(struct report *r, const struct verify_trust *trust, const struct given *files,
                      size_t count)
{
    struct manifest m = {0};
    bool seen[2] = {false, false};
    int er = ER_NOT_FOUND;
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
    if (er == 0 && !seen[0] && !seen[1])
        report_add(r, REPORT_IS_UNSURE, "file", REPORT_ANYWHERE,
                   "a manifest alone says nothing of a clip: give both");
    else if (er == 0 && !seen[1] && !m.trim && json_object_get(m.seal, "voices"))
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
    if (sort_out(r, files, count))
        check_all(r, trust, files, count);
}
