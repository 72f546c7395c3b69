// SPDX-License-Identifier: Apache-2.0
/* Frames copied from a finished clip to the beginning of another one, which is then finished as one that
 * was recorded. */
#include "media/record/trim.h"

#include <stdlib.h>

#include "base/er.h"
#include "base/file.h"
#include "media/record/webm.h"

enum { BEHIND_MS = 5000 }; /* the tracks of a file are apart by less */

struct cut {
    struct webm *to;
    uint64_t from_ms, to_ms;
};

static int copy(void *ctx, const struct webm_frame *frame)
{
    struct cut *cut = ctx;
    if (frame->at_ms >= cut->to_ms + BEHIND_MS)
        return ER_CLOSED; /* all is there */
    if (frame->at_ms < cut->from_ms || frame->at_ms >= cut->to_ms)
        return 0;
    int64_t at_ms = (int64_t)(frame->at_ms - cut->from_ms);
    if (frame->format == FORMAT_OPUS)
        return webm_write_audio(cut->to, frame->data, frame->len, at_ms);
    return webm_write_video(cut->to, frame->format, frame->data, frame->len, at_ms, frame->key);
}

static int copy_all(struct vault *vault, const char *media, const char *part, uint64_t from_ms,
                    uint64_t to_ms)
{
    struct cut cut = {.from_ms = from_ms, .to_ms = to_ms};
    int er = webm_new(&cut.to, vault, part);
    if (er < 0)
        return er;
    webm_hurry(cut.to);
    er = webm_each(vault, media, copy, &cut);
    if (er == 0 || er == ER_CLOSED)
        er = webm_end(cut.to);
    webm_free(cut.to);
    if (er < 0)
        (void)file_remove(part);
    return er;
}

static void remove_all(const char *path)
{
    static const char *const suffixes[] = {".part", ".webm", ".framelog", ".jpg"};
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        char *name = file_name(path, suffixes[i]);
        if (name)
            (void)file_remove(name);
        free(name);
    }
}

int clip_trim(struct vault *vault, const char *from, const char *path, uint64_t from_ms,
              uint64_t to_ms, struct clip_result *ret)
{
    char *media = file_name(from, ".webm"), *part = file_name(path, ".part");
    int er = media && part ? copy_all(vault, media, part, from_ms, to_ms) : ER_NOMEM;
    free(media);
    free(part);
    if (er < 0)
        return er;
    er = clip_repair(vault, path, ret);
    ret->repaired = false;
    if (er < 0)
        remove_all(path);
    return er;
}
