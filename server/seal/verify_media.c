// SPDX-License-Identifier: Apache-2.0
/* A file against its manifest: all of it by its hash, and if that is another one, part by part and
 * frame by frame. */
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/json.h"
#include "base/str.h"
#include "server/seal/verify.h"

/** What is told of the file: the member that has its size, hash and parts. */
static const json_t *told_of(const struct manifest *m, bool voices)
{
    return json_object_get(m->trim ? m->trim : m->seal, voices ? "voices" : "media");
}

static bool fits(const struct manifest *m, const struct matroska_file *file, bool voices)
{
    struct merkle_hash hash;
    uint64_t bytes;
    return manifest_file(told_of(m, voices), &hash, &bytes) == 0 && bytes == file->bytes &&
           merkle_equal(&hash, &file->hash);
}

bool verify_is_voices(const struct manifest *m, const struct matroska_file *file)
{
    if (fits(m, file, true))
        return true;
    return !fits(m, file, false) && file->track_count &&
           manifest_is_voice(m, file->tracks[0].number);
}

/* Parts */

struct told_part {
    struct merkle_hash hash;
    bool known; /* its hash can be read */
    bool found; /* in the file */
};

struct parts {
    const json_t *told;
    size_t count;
    struct told_part *items; /* as many */
    const struct matroska_file *file;
};

/** The part that was told behind `from`, or before it, with this hash; one not found yet if there is
 *  one. 0: none. */
static size_t part_search(const struct parts *p, size_t from, const struct matroska_part *part)
{
    size_t again = 0;
    for (size_t k = 0; k < p->count; k++) {
        size_t i = (from + k) % p->count;
        if (!p->items[i].known || !merkle_equal(&p->items[i].hash, &part->hash))
            continue;
        if (!p->items[i].found)
            return i + 1;
        again = i + 1;
    }
    return again;
}

static void part_wrong(struct report *r, const struct matroska_part *part, const char *why)
{
    struct report_place place = report_at_byte(part->at);
    if (strcmp(matroska_part_name(part->id), "cluster") == 0)
        place.second = (int64_t)(part->at_ms / 1000);
    report_add(r, REPORT_IS_WRONG, "part", place, "bytes %llu to %llu (%s) %s",
               (unsigned long long)part->at, (unsigned long long)(part->at + part->len),
               matroska_part_name(part->id), why);
}

static void parts_compare(struct report *r, struct parts *p)
{
    size_t next = 0;
    for (size_t i = 0; i < p->file->part_count; i++) {
        const struct matroska_part *part = &p->file->parts[i];
        size_t at = part_search(p, next, part);
        if (at == 0) {
            part_wrong(r, part, "is not as it was sealed");
            continue;
        }
        if (p->items[at - 1].found)
            part_wrong(r, part, "is there a second time");
        else if (at - 1 < next)
            part_wrong(r, part, "is not at its place");
        p->items[at - 1].found = true;
        next = at > next ? at : next;
    }
    for (size_t i = 0; i < p->count; i++) {
        const json_t *told = json_array_get(p->told, i);
        int64_t at = 0, bytes = 0;
        const char *name = json_text(told, "element", 16);
        if (p->items[i].found)
            continue;
        (void)json_int(told, "at", 0, INT64_MAX, &at);
        (void)json_int(told, "bytes", 0, INT64_MAX, &bytes);
        report_add(r, REPORT_IS_WRONG, "part", report_at_byte((uint64_t)at),
                   "the %s that was sealed as bytes %lld to %lld is missing or changed",
                   name ? name : "part", (long long)at, (long long)(at + bytes));
    }
}

static void check_parts(struct report *r, const json_t *told, const struct matroska_file *file)
{
    struct parts p = {.told = json_object_get(told, "parts"), .file = file};
    p.count = json_array_size(p.told);
    if (p.count == 0 || p.count > MATROSKA_PARTS)
        return;
    p.items = calloc(p.count, sizeof *p.items);
    for (size_t i = 0; p.items && i < p.count; i++)
        p.items[i].known = manifest_hash(json_array_get(p.told, i), "sha256", &p.items[i].hash) ==
                           0;
    if (p.items)
        parts_compare(r, &p);
    free(p.items);
}

/* Frames */

/** The file's frames in order, at the original's times and under its tracks' numbers. */
static struct seal_frame *frames_of(const struct manifest *m, const struct matroska_file *file)
{
    struct seal_frame *frames = calloc(file->frame_count + 1, sizeof *frames);
    if (!frames)
        return NULL;
    if (file->frame_count)
        memcpy(frames, file->frames, file->frame_count * sizeof *frames);
    for (size_t i = 0; i < file->frame_count; i++) {
        frames[i].at_ms += m->trim ? m->from_ms : 0;
        frames[i].track = manifest_track(m, frames[i].track);
    }
    (void)manifest_sort(frames, file->frame_count); /* twice the same shows up below */
    return frames;
}

static int compare(const struct seal_frame *a, const struct seal_frame *b)
{
    if (a->at_ms != b->at_ms)
        return a->at_ms < b->at_ms ? -1 : 1;
    return a->track == b->track ? 0 : a->track < b->track ? -1 : 1;
}

static void frame_wrong(struct report *r, const struct seal_frame *f, const char *why)
{
    report_add(r, REPORT_IS_WRONG, "frame", report_at_frame(f->track, f->at_ms, f->byte),
               "the frame of track %u at %llu.%03llu s %s", f->track,
               (unsigned long long)(f->at_ms / 1000), (unsigned long long)(f->at_ms % 1000), why);
}

static void frame_compare(struct report *r, const struct seal_frame *told,
                          const struct seal_frame *there)
{
    if (told->len != there->len)
        frame_wrong(r, there, "has another length than was sealed");
    else if (!merkle_equal(&told->hash, &there->hash))
        frame_wrong(r, there, "has other bytes than were sealed");
    else if (told->key != there->key)
        frame_wrong(r, there, "says otherwise whether it is a key frame");
}

static void frames_compare(struct report *r, const struct manifest *m, bool voices,
                           const struct seal_frame *there, size_t count)
{
    size_t k = 0;
    for (size_t i = 0; i < m->frame_count; i++) {
        const struct seal_frame *told = &m->frames[i];
        if (manifest_is_voice(m, told->track) != voices)
            continue;
        while (k < count && compare(&there[k], told) < 0)
            frame_wrong(r, &there[k++], "was not sealed");
        if (k == count || compare(&there[k], told) > 0)
            frame_wrong(r, told, "is missing");
        else
            frame_compare(r, told, &there[k++]);
    }
    while (k < count)
        frame_wrong(r, &there[k++], "was not sealed");
}

/** Within a track time only goes on. */
static void check_order(struct report *r, const struct matroska_file *file)
{
    for (size_t t = 0; t < file->track_count; t++) {
        const struct seal_frame *last = NULL;
        for (size_t i = 0; i < file->frame_count; i++) {
            const struct seal_frame *f = &file->frames[i];
            if (f->track != file->tracks[t].number)
                continue;
            if (last && f->at_ms <= last->at_ms)
                frame_wrong(r, f, "does not come after the one before it in the file");
            last = f;
        }
    }
}

void verify_media(struct report *r, const struct manifest *m, const struct matroska_file *file,
                  int er, bool voices)
{
    const json_t *told = told_of(m, voices);
    const char *name = voices ? "voices" : "clip";
    if (!told) {
        report_add(r, REPORT_IS_WRONG, "file", REPORT_ANYWHERE, "the manifest tells of no %s",
                   name);
        return;
    }
    bool same = fits(m, file, voices);
    if (!same) {
        report_add(r, REPORT_IS_WRONG, "file", REPORT_ANYWHERE,
                   "the %s's %llu bytes are not those that were sealed", name,
                   (unsigned long long)file->bytes);
        check_parts(r, told, file);
    }
    if (er)
        report_add(r, same ? REPORT_IS_UNSURE : REPORT_IS_WRONG, "file",
                   report_at_byte(file->wrong_at), "the %s cannot be read from byte %llu on: %s",
                   name, (unsigned long long)file->wrong_at, file->wrong);
    struct seal_frame *frames = frames_of(m, file);
    if (frames) {
        check_order(r, file);
        frames_compare(r, m, voices, frames, file->frame_count);
    } else {
        report_add(r, REPORT_IS_UNSURE, "file", REPORT_ANYWHERE, "no memory");
    }
    free(frames);
}
