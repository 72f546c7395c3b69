// SPDX-License-Identifier: Apache-2.0
/* What a recording left, made into a finished clip: the .webm, the voices, the frame log that fits both,
 * the poster. Everything can be done again from the beginning until the .part is gone. */
#include "media/record/complete.h"

#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/file.h"
#include "media/record/journal.h"
#include "media/record/jpeg.h"
#include "media/record/poster.h"
#include "media/record/voices.h"
#include "media/record/webm.h"

enum {
    STUB_BYTES =
        262144, /* what is larger, and yet without a frame, is left for people to look at */
};

static int bytes_of(struct vault *vault, const char *path, uint64_t *ret)
{
    struct file *f;
    int er = file_open(&f, vault, path);
    if (er < 0)
        return er;
    er = file_size(f, ret);
    file_close(f);
    return er;
}

/** A clip without its poster is still a clip. */
static bool make_poster(struct vault *vault, const char *path, const struct webm_info *info)
{
    uint8_t *jpeg = NULL;
    size_t len;
    if (!info->key_frame ||
        poster_make(info->format, info->key_frame, info->key_frame_len, &jpeg, &len) < 0)
        return false;
    int er = jpeg_write_as(vault, path, ".jpg", jpeg, len);
    free(jpeg);
    return er == 0;
}

/** The names of a clip's files. */
struct names {
    char *part, *webm, *voices_part, *voices, *log;
};

static void names_clear(struct names *n)
{
    free(n->part);
    free(n->webm);
    free(n->voices_part);
    free(n->voices);
    free(n->log);
}

static int names_make(struct names *n, const char *path)
{
    *n = (struct names){
        .part = file_name(path, ".part"),
        .webm = file_name(path, ".webm"),
        .voices_part = file_name(path, ".voices.part"),
        .voices = file_name(path, ".voices.mka"),
        .log = file_name(path, ".framelog"),
    };
    return n->part && n->webm && n->voices_part && n->voices && n->log ? 0 : ER_NOMEM;
}

/** The voices' file, from what `ledger` knows of them, or without it, from the log. */
static int complete_voices(struct vault *vault, const struct names *n, struct ledger *ledger)
{
    struct voices_name *names = NULL;
    size_t count = 0;
    int er;
    if (ledger) {
        er = ledger_finish_voices(ledger, n->voices);
    } else {
        er = journal_voices(n->log, &names, &count);
        if (er == 0)
            er = voices_finalise(vault, n->voices_part, n->voices, names, count);
    }
    free(names);
    return er == ER_NOT_FOUND ? 0 : er;
}

static int complete_log(struct vault *vault, const struct names *n, struct ledger *ledger,
                        const struct webm_info *info)
{
    if (ledger) {
        int er = ledger_end(ledger, info->video_frames, info->audio_packets, info->duration_ms);
        if (er != ER_CONFLICT)
            return er;
    }
    struct file *voices;
    int er = file_open(&voices, vault, n->voices);
    bool spoke = er == 0;
    if (spoke)
        file_close(voices);
    else if (er != ER_NOT_FOUND)
        return er;
    return journal_settle(vault, n->log, n->webm, spoke ? n->voices : NULL, info->duration_ms);
}

static void tell(const struct webm_info *info, struct clip_result *ret)
{
    ret->duration_us = info->duration_ms * 1000;
    ret->width = info->width;
    ret->height = info->height;
    ret->format = info->format;
    ret->has_video = info->video_frames > 0;
    ret->has_audio = info->audio_packets > 0;
}

/** 0 where there is none, or not even a head of one. */
static int size_of(struct vault *vault, const char *path, uint64_t *ret)
{
    struct file *f;
    *ret = 0;
    int er = file_salvage(&f, vault, path);
    if (er < 0)
        return er == ER_NOT_FOUND || er == ER_TRUNCATED ? 0 : er;
    er = file_stored(f, ret);
    file_close(f);
    return er;
}

/** Not a frame came to the disk: of a clip that will never be nothing is left lying. */
static void remove_stub(struct vault *vault, const struct names *n)
{
    uint64_t part, webm;
    if (size_of(vault, n->part, &part) < 0 || part > STUB_BYTES ||
        size_of(vault, n->webm, &webm) < 0 || webm > 0)
        return;
    (void)file_remove(n->voices_part);
    (void)file_remove(n->log);
    (void)file_remove(n->part);
}

/** All that is made beside a finished .webm. */
static int complete_rest(struct vault *vault, const char *path, const struct names *n,
                         struct ledger *whole, const struct webm_info *info,
                         struct clip_result *ret)
{
    int er = complete_log(vault, n, whole, info);
    if (er == 0)
        er = bytes_of(vault, n->webm, &ret->bytes);
    if (er == 0) {
        tell(info, ret);
        ret->has_poster = make_poster(vault, path, info);
        er = file_remove(n->part);
    }
    return er == 0 ? file_remove(n->voices_part) : er;
}

static int finalise(struct vault *vault, const struct names *n, struct webm_info *info)
{
    int er = webm_finalise(vault, n->part, n->webm, info);
    if (er == ER_NOT_FOUND)
        remove_stub(vault, n);
    return er;
}

int complete_recording(struct vault *vault, const char *path, struct ledger *ledger, bool whole,
                       struct clip_result *ret)
{
    struct names n;
    struct webm_info info = {0};
    int er = names_make(&n, path);
    if (er == 0)
        er = finalise(vault, &n, &info);
    if (er == 0)
        er = complete_voices(vault, &n, ledger);
    if (er == 0)
        er = complete_rest(vault, path, &n, whole ? ledger : NULL, &info, ret);
    webm_info_clear(&info);
    names_clear(&n);
    return er;
}

int complete_written(struct vault *vault, const char *path, struct ledger *ledger,
                     const struct webm_info *info, struct clip_result *ret)
{
    struct names n;
    int er = names_make(&n, path);
    /* The voices are in memory still: a .webm without them must not look finished. */
    if (er == 0)
        er = complete_voices(vault, &n, ledger);
    if (er == 0)
        er = file_commit(n.part, n.webm);
    if (er == 0)
        er = complete_rest(vault, path, &n, ledger, info, ret);
    names_clear(&n);
    return er;
}

/** Half a file that somebody died over: all that matters is in others. */
static void remove_temporaries(const char *path)
{
    static const char *const suffixes[] = {".webm.tmp", ".voices.mka.tmp", ".framelog.tmp",
                                           ".jpg.tmp"};
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        char *name = file_name(path, suffixes[i]);
        if (name)
            (void)file_remove(name);
        free(name);
    }
}

int clip_repair(struct vault *vault, const char *path, struct clip_result *ret)
{
    struct names n;
    struct webm_info info = {0};
    *ret = (struct clip_result){0};
    remove_temporaries(path);
    int er = names_make(&n, path);
    if (er == 0)
        er = webm_scan(vault, n.webm, &info);
    if (er == ER_NOT_FOUND)
        er = finalise(vault, &n, &info);
    if (er == 0)
        er = complete_voices(vault, &n, NULL);
    if (er == 0)
        er = complete_rest(vault, path, &n, NULL, &info, ret);
    ret->repaired = true;
    webm_info_clear(&info);
    names_clear(&n);
    return er;
}
