// SPDX-License-Identifier: Apache-2.0
/* The recorder's own log of a clip: what of it is sealed, and whether the files agree with it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "media/framelog.h"
#include "server/seal/durable.h"
#include "server/seal/manifest.h"
#include "server/sealer.h"

#define LOG_BYTES_MAX 536870912u /* a longer log is not read */
#define LIST_MAX 10000           /* further gaps and marks are counted only */
#define BREAK_MS 500             /* a longer gap breaks the take */

/** The frames that a log tells of, and what else of it goes into the seal. */
struct noted {
    struct seal_frame *frames;
    size_t count, size;
    json_t *gaps, *voice_gaps, *marks, *breaks, *speakers;
    uint64_t left_out;
    uint64_t end_ms;
    bool ended;
    bool lens_checked; /* and where it was covered stands in marks and breaks */
};

static int frame_add(struct noted *n, const struct framelog_record *r)
{
    if (n->count == n->size) {
        size_t size = n->size ? n->size * 2 : 1024;
        struct seal_frame *more = reallocarray(n->frames, size, sizeof *more);
        if (!more)
            return ER_NOMEM;
        n->frames = more;
        n->size = size;
    }
    struct seal_frame *f = &n->frames[n->count++];
    *f = (struct seal_frame){.track = r->track, .at_ms = r->at_ms, .len = r->len, .key = r->key};
    memcpy(f->hash.bytes, r->sha256, sizeof f->hash.bytes);
    return 0;
}

/** Takes `o` over. */
static int list_add(struct noted *n, json_t *list, json_t *o)
{
    if (o && json_array_size(list) >= LIST_MAX) {
        json_decref(o);
        n->left_out++;
        return 0;
    }
    return json_array_append_new(list, o) ? ER_NOMEM : 0;
}

static json_t *break_json(uint64_t from_ms, uint64_t to_ms, const char *kind)
{
    return json_pack("{s:I,s:I,s:s}", "from_ms", (json_int_t)from_ms, "to_ms", (json_int_t)to_ms,
                     "kind", kind);
}

static int gap_add(struct noted *n, const struct framelog_record *r)
{
    int er = list_add(n, n->gaps,
                      json_pack("{s:I,s:I,s:I,s:I}", "from_ms", (json_int_t)r->at_ms, "to_ms",
                                (json_int_t)r->to_ms, "packets", (json_int_t)r->packets, "frames",
                                (json_int_t)r->frames));
    if (er == 0 && r->to_ms - r->at_ms > BREAK_MS)
        er = list_add(n, n->breaks, break_json(r->at_ms, r->to_ms, "gap"));
    return er;
}

/** What ends an unbroken take. */
static bool breaks_take(enum framelog_mark mark)
{
    return mark == FRAMELOG_TRACK_CHANGED || mark == FRAMELOG_TRACK_ENDED ||
           mark == FRAMELOG_MUTED || mark == FRAMELOG_CAMERA || mark == FRAMELOG_COVERED ||
           mark == FRAMELOG_OVERRUN;
}

/** The lens is free again: the break that it made ends here. */
static int covered_end(struct noted *n, uint64_t at_ms)
{
    for (size_t i = json_array_size(n->breaks); i-- > 0;) {
        json_t *o = json_array_get(n->breaks, i);
        const char *kind = json_string_value(json_object_get(o, "kind"));
        if (kind && strcmp(kind, framelog_mark_name(FRAMELOG_COVERED)) == 0)
            return json_object_set_new(o, "to_ms", json_integer((json_int_t)at_ms)) ? ER_NOMEM : 0;
    }
    return 0;
}

static int mark_add(struct noted *n, const struct framelog_record *r)
{
    if (r->mark == FRAMELOG_LENS_CHECKED) {
        n->lens_checked = true;
        return 0;
    }
    const char *kind = framelog_mark_name(r->mark);
    json_t *o = json_pack("{s:I,s:s}", "at_ms", (json_int_t)r->at_ms, "kind", kind ? kind : "");
    if (o && r->text[0])
        (void)json_object_set_new(o, "text", json_string(r->text));
    int er = list_add(n, n->marks, o);
    if (er == 0 && r->mark == FRAMELOG_UNCOVERED)
        er = covered_end(n, r->at_ms);
    if (er == 0 && breaks_take(r->mark))
        er = list_add(n, n->breaks, break_json(r->at_ms, r->at_ms, kind ? kind : ""));
    return er;
}

static int record_add(struct noted *n, const struct framelog_record *r)
{
    switch (r->type) {
    case FRAMELOG_FRAME:
        return frame_add(n, r);
    case FRAMELOG_TRACK:
        if (r->kind != FRAMELOG_VOICE)
            return 0;
        return list_add(n, n->speakers,
                        json_pack("{s:I,s:s}", "track", (json_int_t)r->track, "identity", r->text));
    case FRAMELOG_GAP:
        return gap_add(n, r);
    case FRAMELOG_VOICE_GAP:
        return list_add(n, n->voice_gaps,
                        json_pack("{s:I,s:I,s:I,s:I}", "track", (json_int_t)r->track, "from_ms",
                                  (json_int_t)r->at_ms, "to_ms", (json_int_t)r->to_ms, "packets",
                                  (json_int_t)r->packets));
    case FRAMELOG_MARK:
        return mark_add(n, r);
    case FRAMELOG_END:
        n->end_ms = r->at_ms;
        n->ended = true;
        return 0;
    default:
        return 0;
    }
}

static int log_read(struct noted *n, const char *text, size_t len)
{
    struct framelog_reader reader = framelog_read((struct span){text, len});
    struct framelog_record r;
    int er;
    while ((er = framelog_next(&reader, &r)) == 0) {
        if (r.type != FRAMELOG_END && r.at_ms > n->end_ms)
            n->end_ms = r.at_ms;
        er = record_add(n, &r);
        if (er)
            return er;
    }
    /* Behind a line that is none nothing can be had; what stands before it counts. */
    return 0;
}

/* The files and the log */

struct agreement {
    size_t same, only_log, only_files;
};

static int compare(const struct seal_frame *a, const struct seal_frame *b)
{
    if (a->at_ms != b->at_ms)
        return a->at_ms < b->at_ms ? -1 : 1;
    return a->track == b->track ? 0 : a->track < b->track ? -1 : 1;
}

/** Both in order. ER_UNAUTHENTIC: a frame that has other bytes. */
static int agree(const struct noted *n, const struct seal_frame *frames, size_t count,
                 struct agreement *ret)
{
    size_t i = 0, k = 0;
    while (i < n->count && k < count) {
        int order = compare(&n->frames[i], &frames[k]);
        if (order == 0 && (n->frames[i].len != frames[k].len ||
                           !merkle_equal(&n->frames[i].hash, &frames[k].hash)))
            return ER_UNAUTHENTIC;
        ret->same += order == 0;
        ret->only_log += order < 0;
        ret->only_files += order > 0;
        i += order <= 0;
        k += order >= 0;
    }
    ret->only_log += n->count - i;
    ret->only_files += count - k;
    return 0;
}

static int check_files(struct noted *n, const struct matroska_file *media,
                       const struct matroska_file *voices, struct agreement *ret)
{
    size_t count = media->frame_count + (voices ? voices->frame_count : 0);
    struct seal_frame *frames = calloc(count + 1, sizeof *frames);
    if (!frames)
        return ER_NOMEM;
    if (media->frame_count)
        memcpy(frames, media->frames, media->frame_count * sizeof *frames);
    if (voices && voices->frame_count)
        memcpy(frames + media->frame_count, voices->frames, voices->frame_count * sizeof *frames);
    (void)manifest_sort(frames, count);
    (void)manifest_sort(n->frames, n->count);
    int er = agree(n, frames, count, ret);
    free(frames);
    return er;
}

static int facts_set(const struct noted *n, const struct agreement *a, json_t *facts)
{
    json_t *take = json_pack("{s:b,s:I,s:I,s:b,s:O}", "continuous",
                             n->ended && json_array_size(n->breaks) == 0, "from_ms", (json_int_t)0,
                             "to_ms", (json_int_t)n->end_ms, "lens_checked", n->lens_checked,
                             "breaks", n->breaks);
    json_t *recorder = json_pack("{s:I,s:I,s:I,s:b,s:I}", "frames", (json_int_t)a->same,
                                 "only_in_log", (json_int_t)a->only_log, "only_in_files",
                                 (json_int_t)a->only_files, "ended", n->ended, "left_out",
                                 (json_int_t)n->left_out);
    int bad = json_object_set(facts, "gaps", n->gaps) |
              json_object_set(facts, "voice_gaps", n->voice_gaps) |
              json_object_set(facts, "marks", n->marks) |
              json_object_set(facts, "speakers", n->speakers) |
              json_object_set_new(facts, "take", take) |
              json_object_set_new(facts, "recorder", recorder);
    return bad ? ER_NOMEM : 0;
}

static bool noted_init(struct noted *n)
{
    *n = (struct noted){.gaps = json_array(),
                        .voice_gaps = json_array(),
                        .marks = json_array(),
                        .breaks = json_array(),
                        .speakers = json_array()};
    return n->gaps && n->voice_gaps && n->marks && n->breaks && n->speakers;
}

static void noted_clear(struct noted *n)
{
    free(n->frames);
    json_decref(n->gaps);
    json_decref(n->voice_gaps);
    json_decref(n->marks);
    json_decref(n->breaks);
    json_decref(n->speakers);
}

int sealer_take_log(struct sealer *s, const char *path, const struct matroska_file *media,
                    const struct matroska_file *voices, json_t *facts)
{
    char name[600], *text;
    size_t len;
    struct noted n;
    struct agreement a = {0};
    (void)snprintf(name, sizeof name, "%s.framelog", path);
    int er = durable_read(name, LOG_BYTES_MAX, &text, &len);
    if (er)
        return er == ER_NOT_FOUND ? 0 : er;
    er = noted_init(&n) ? log_read(&n, text, len) : ER_NOMEM;
    free(text);
    if (er == 0)
        er = check_files(&n, media, voices, &a);
    if (er == 0)
        er = facts_set(&n, &a, facts);
    if (er == ER_UNAUTHENTIC || a.only_log || a.only_files)
        log_event(sealer_log(s), LOG_WARN, "framelog_differs",
                  "path=%s er=%s same=%zu only_log=%zu only_files=%zu", path, er_name(er), a.same,
                  a.only_log, a.only_files);
    noted_clear(&n);
    return er;
}
