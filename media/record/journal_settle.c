// SPDX-License-Identifier: Apache-2.0
/* A frame log made to say what is in the finished files: lines of frames that are there stay, others go,
 * and frames that it does not know are added. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/er.h"
#include "base/file.h"
#include "media/record/journal.h"
#include "media/record/voices.h"
#include "media/record/webm.h"

/* A log of four hours with a dozen voices has half a gigabyte; one that is larger is not ours. */
#define LOG_BYTES_MAX UINT64_C(2000000000)
enum { BUFFER_BYTES = 65536 };

struct found {
    uint64_t at_ms;
    uint32_t len;
    bool key;
    uint8_t sha256[32];
};

/** A track of the finished files. */
struct track {
    uint32_t number;
    enum framelog_track_kind kind;
    enum codec_format format;
    bool named; /* in the log being written */
    struct found *frames;
    size_t count, size;
    size_t next; /* the first that is not in the log being written */
};

struct settling {
    struct track tracks[FRAMELOG_TRACKS];
    size_t track_count;
    struct file *file;
    uint64_t end_ms;
    size_t len;
    char buffer[BUFFER_BYTES];
};

static struct track *find_track(struct settling *s, uint32_t number)
{
    for (size_t i = 0; i < s->track_count; i++)
        if (s->tracks[i].number == number)
            return &s->tracks[i];
    return NULL;
}

static int note(struct settling *s, const struct webm_frame *frame, enum framelog_track_kind kind)
{
    struct track *t = find_track(s, frame->track);
    if (!t && s->track_count == FRAMELOG_TRACKS)
        return ER_FULL;
    if (!t) {
        t = &s->tracks[s->track_count++];
        *t = (struct track){.number = frame->track, .kind = kind, .format = frame->format};
    }
    if (t->count == t->size) {
        size_t size = t->size ? t->size * 2 : 1024;
        struct found *frames = realloc(t->frames, size * sizeof *frames);
        if (!frames)
            return ER_NOMEM;
        t->frames = frames;
        t->size = size;
    }
    if (t->count > 0 && frame->at_ms <= t->frames[t->count - 1].at_ms)
        return 0; /* not as we write them */
    struct found *found = &t->frames[t->count++];
    *found = (struct found){.at_ms = frame->at_ms, .len = (uint32_t)frame->len, .key = frame->key};
    digest_sha256(frame->data, frame->len, found->sha256);
    return 0;
}

static int note_media(void *ctx, const struct webm_frame *frame)
{
    return note(ctx, frame, frame->format == FORMAT_OPUS ? FRAMELOG_MIX : FRAMELOG_VIDEO);
}

static int note_voice(void *ctx, const struct webm_frame *frame)
{
    return note(ctx, frame, FRAMELOG_VOICE);
}

static int hand_over(struct settling *s)
{
    int er = file_write(s->file, s->buffer, s->len);
    s->len = 0;
    return er;
}

static int put(struct settling *s, const struct framelog_record *record)
{
    int er = sizeof s->buffer - s->len <= FRAMELOG_LINE_BYTES ? hand_over(s) : 0;
    if (er < 0)
        return er;
    int len = framelog_write(s->buffer + s->len, sizeof s->buffer - s->len, record);
    s->len += len > 0 ? (size_t)len : 0;
    return 0;
}

static int put_track(struct settling *s, struct track *t, const char *identity)
{
    struct framelog_record r = {.type = FRAMELOG_TRACK, .track = t->number, .kind = t->kind};
    (void)str_copy(r.codec, sizeof r.codec, codec_format_name(t->format));
    (void)str_copy(r.text, sizeof r.text, identity);
    t->named = true;
    return put(s, &r);
}

/** Frames of the track before `at_ms` of which the log said nothing. */
static int put_unknown(struct settling *s, struct track *t, uint64_t at_ms)
{
    int er = 0;
    for (; er == 0 && t->next < t->count && t->frames[t->next].at_ms < at_ms; t->next++) {
        const struct found *found = &t->frames[t->next];
        struct framelog_record r = {.type = FRAMELOG_FRAME,
                                    .track = t->number,
                                    .at_ms = found->at_ms,
                                    .key = found->key,
                                    .len = found->len};
        memcpy(r.sha256, found->sha256, sizeof r.sha256);
        if (!t->named)
            er = put_track(s, t, "");
        if (er == 0)
            er = put(s, &r);
    }
    return er;
}

static int keep_frame(struct settling *s, const struct framelog_record *r)
{
    struct track *t = find_track(s, r->track);
    if (!t)
        return 0;
    int er = put_unknown(s, t, r->at_ms);
    if (er < 0 || t->next == t->count || t->frames[t->next].at_ms != r->at_ms)
        return er;
    t->next++;
    return put(s, r);
}

/** Takes a record of the old log over, as far as it still holds. */
static int keep(struct settling *s, struct framelog_record *r)
{
    struct track *t;
    switch (r->type) {
    case FRAMELOG_HEAD:
        return put(s, r);
    case FRAMELOG_TRACK:
        t = find_track(s, r->track);
        return t && !t->named ? put_track(s, t, r->text) : 0;
    case FRAMELOG_FRAME:
        return keep_frame(s, r);
    case FRAMELOG_VOICE_GAP:
        t = find_track(s, r->track);
        if (!t || !t->named)
            return 0;
        /* fall through */
    case FRAMELOG_GAP:
        if (r->to_ms > s->end_ms)
            r->to_ms = s->end_ms;
        return r->at_ms < s->end_ms ? put(s, r) : 0;
    case FRAMELOG_MARK:
        return r->at_ms <= s->end_ms ? put(s, r) : 0;
    case FRAMELOG_END:
        return 0;
    }
    return 0;
}

/** The text of a file, to free(); empty where there is none. */
static int read_text(const char *path, char **ret, size_t *ret_len)
{
    struct file *f;
    uint64_t size = 0;
    *ret = NULL;
    *ret_len = 0;
    int er = file_open(&f, NULL, path);
    if (er < 0)
        return er == ER_NOT_FOUND ? 0 : er;
    er = file_size(f, &size);
    if (er == 0 && size > 0 && size <= LOG_BYTES_MAX) {
        *ret = malloc((size_t)size);
        er = *ret ? 0 : ER_NOMEM;
    }
    size_t n = 1;
    while (er == 0 && *ret && n > 0 && *ret_len < size) {
        er = file_read(f, *ret + *ret_len, (size_t)size - *ret_len, &n);
        *ret_len += er == 0 ? n : 0;
    }
    file_close(f);
    if (er < 0)
        free(*ret);
    return er;
}

static int rewrite(struct settling *s, struct span old)
{
    struct framelog_reader reader = framelog_read(old);
    struct framelog_record r;
    int er = 0;
    while (er == 0 && framelog_next(&reader, &r) == 0)
        er = keep(s, &r);
    r = (struct framelog_record){.type = FRAMELOG_HEAD};
    if (er == 0 && !reader.begun)
        er = put(s, &r);
    for (size_t i = 0; i < s->track_count && er == 0; i++)
        er = put_unknown(s, &s->tracks[i], UINT64_MAX);
    r = (struct framelog_record){.type = FRAMELOG_END, .at_ms = s->end_ms};
    if (er == 0)
        er = put(s, &r);
    return er == 0 ? hand_over(s) : er;
}

/** Writes `temporary`, down to the disk. */
static int write_anew(struct settling *s, const char *path, const char *temporary)
{
    char *text;
    size_t len;
    int er = read_text(path, &text, &len);
    if (er < 0)
        return er;
    er = file_replace(&s->file, NULL, temporary);
    if (er == 0)
        er = rewrite(s, (struct span){.at = text, .len = len});
    if (er == 0)
        er = file_sync(s->file);
    file_close(s->file);
    free(text);
    return er;
}

int journal_settle(struct vault *vault, const char *path, const char *media, const char *voices,
                   uint64_t end_ms)
{
    struct settling *s = calloc(1, sizeof *s);
    char *temporary = file_name(path, ".tmp");
    int er = s && temporary ? webm_each(vault, media, note_media, s) : ER_NOMEM;
    if (er == 0 && voices)
        er = voices_each(vault, voices, note_voice, s);
    if (er == 0) {
        s->end_ms = end_ms;
        er = write_anew(s, path, temporary);
    }
    if (er == 0)
        er = file_commit(temporary, path);
    if (er < 0 && temporary)
        (void)file_remove(temporary);
    for (size_t i = 0; s && i < s->track_count; i++)
        free(s->tracks[i].frames);
    free(temporary);
    free(s);
    return er;
}

int journal_voices(const char *path, struct voices_name **ret, size_t *ret_count)
{
    char *text;
    size_t len;
    *ret = NULL;
    *ret_count = 0;
    int er = read_text(path, &text, &len);
    if (er < 0)
        return er;
    struct framelog_reader reader = framelog_read((struct span){.at = text, .len = len});
    struct framelog_record r;
    struct voices_name *names = calloc(VOICES_TRACKS, sizeof *names);
    while (names && *ret_count < VOICES_TRACKS && framelog_next(&reader, &r) == 0) {
        if (r.type != FRAMELOG_TRACK || r.kind != FRAMELOG_VOICE)
            continue;
        names[*ret_count].track = r.track;
        (void)str_copy(names[(*ret_count)++].identity, FRAMELOG_TEXT_BYTES, r.text);
    }
    free(text);
    *ret = names;
    return names ? 0 : ER_NOMEM;
}
