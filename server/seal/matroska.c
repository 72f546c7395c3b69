// SPDX-License-Identifier: Apache-2.0
/* EBML elements, from the first byte to the last, each byte hashed as it is taken. */
#include "server/seal/matroska.h"

#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/digest_pair.h"
#include "base/er.h"
#include "base/limits.h"

enum {
    EBML = 0x1A45DFA3,
    SEGMENT = 0x18538067,
    SEEK_HEAD = 0x114D9B74,
    INFO = 0x1549A966,
    TIMESTAMP_SCALE = 0x2AD7B1,
    TRACKS = 0x1654AE6B,
    TRACK_ENTRY = 0xAE,
    TRACK_NUMBER = 0xD7,
    TRACK_TYPE = 0x83,
    CODEC_ID = 0x86,
    CONTENT_ENCODINGS = 0x6D80,
    CLUSTER = 0x1F43B675,
    TIMESTAMP = 0xE7,
    SIMPLE_BLOCK = 0xA3,
    BLOCK_GROUP = 0xA0,
    BLOCK = 0xA1,
    REFERENCE_BLOCK = 0xFB,
    CUES = 0x1C53BB6B,
    TAGS = 0x1254C367,
    VOID = 0xEC,
    WINDOW_BYTES = 65536,
    LARGE_BYTES = 1024, /* of a frame: its hash goes beside the others */
    HEAD_BYTES = 12,    /* an ID of four and a size of eight */
    LACING = 0x06,
    KEY = 0x80,
};
#define UNKNOWN UINT64_MAX
#define MS_MAX (UINT64_C(1000) * (LIMIT_CLIP_SECONDS + 3600))

struct reader {
    const struct matroska_source *source;
    struct matroska_file *file;
    struct digest whole, part, frame;
    uint64_t at; /* of window[start] */
    size_t start, end;
    size_t pending; /* what was taken from there on is in neither `whole` nor `part` yet */
    bool pairs;     /* hashes go side by side */
    bool framing;   /* what is taken belongs to a frame, too */
    int er;
    uint64_t cluster_ms;
    bool cluster_timed;
    uint8_t window[WINDOW_BYTES];
};

struct element {
    uint32_t id;
    uint64_t size; /* of its content; UNKNOWN */
    unsigned head; /* bytes of ID and size */
    uint64_t end;  /* of its content, in the file; UNKNOWN */
};

static const struct {
    uint32_t id;
    const char *name;
} names[] = {{EBML, "head"},     {SEGMENT, "segment"}, {SEEK_HEAD, "seek_head"}, {INFO, "info"},
             {TRACKS, "tracks"}, {CLUSTER, "cluster"}, {CUES, "cues"},           {TAGS, "tags"},
             {VOID, "void"},     {0, "tail"}};

const char *matroska_part_name(uint32_t id)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].id == id)
            return names[i].name;
    }
    return "other";
}

static int fail(struct reader *r, int er)
{
    if (r->er == 0)
        r->er = er;
    return r->er;
}

static int wrong(struct reader *r, uint64_t at, const char *why)
{
    if (r->er == 0) {
        r->file->wrong = why;
        r->file->wrong_at = at;
    }
    return fail(r, ER_MALFORMED);
}

/** `items` with room for one more than `count`; NULL: no memory, and they stay as they are. */
static void *grown(void *items, size_t count, size_t *size, size_t bytes)
{
    if (count < *size)
        return items;
    size_t wanted = *size ? *size * 2 : 256;
    void *more = reallocarray(items, wanted, bytes);
    if (more)
        *size = wanted;
    return more;
}

/* Bytes */

/** What was taken goes into `whole` and `part`, and what of it belongs to a frame, into that. */
static void hash_taken(struct reader *r, const uint8_t *frame, size_t frame_len)
{
    const uint8_t *from = r->window + r->pending;
    size_t len = r->start - r->pending;
    struct digest_part parts[] = {
        {&r->whole, from, len}, {&r->part, from, len}, {&r->frame, frame, frame_len}};
    digest_add_each(parts, frame_len ? 3 : 2, r->pairs);
    r->pending = r->start;
}

/** As many of the next `wanted` bytes as there are, in the window. */
static size_t look(struct reader *r, size_t wanted)
{
    if (r->end - r->start < wanted) {
        hash_taken(r, NULL, 0);
        r->pending = 0;
        memmove(r->window, r->window + r->start, r->end - r->start);
        r->end -= r->start;
        r->start = 0;
    }
    while (r->end - r->start < wanted) {
        size_t len = 0;
        int er = r->source->read(r->source->ctx, r->at + r->end, r->window + r->end,
                                 sizeof r->window - r->end, &len);
        if (er)
            (void)fail(r, er);
        if (er || len == 0)
            break;
        r->end += len;
    }
    return r->end - r->start;
}

/** Takes `len` bytes that are in the window. */
static const uint8_t *take(struct reader *r, size_t len)
{
    const uint8_t *bytes = r->window + r->start;
    r->start += len;
    r->at += len;
    if (r->framing && len < LARGE_BYTES)
        digest_add(&r->frame, bytes, len);
    else if (r->framing)
        hash_taken(r, bytes, len);
    return bytes;
}

/** Takes bytes whatever they are. False: the file ends before. */
static bool skip(struct reader *r, uint64_t len)
{
    while (len > 0) {
        size_t there = look(r, 1);
        if (there == 0)
            return false;
        size_t step = there < len ? there : (size_t)len;
        (void)take(r, step);
        len -= step;
    }
    return true;
}

/** Parts follow each other without a gap; the rest of a file that is wrong is one without an ID. */
static int part_begin(struct reader *r, uint32_t id)
{
    struct matroska_file *f = r->file;
    if (f->part_count == MATROSKA_PARTS && id)
        return wrong(r, r->at, "too many parts");
    struct matroska_part *parts = grown(f->parts, f->part_count, &f->part_size, sizeof *parts);
    if (!parts)
        return fail(r, ER_NOMEM);
    hash_taken(r, NULL, 0);
    digest_begin(&r->part);
    f->parts = parts;
    f->parts[f->part_count++] = (struct matroska_part){.id = id, .at = r->at};
    return 0;
}

static void part_end(struct reader *r)
{
    struct matroska_part *p = &r->file->parts[r->file->part_count - 1];
    p->len = r->at - p->at;
    hash_taken(r, NULL, 0);
    digest_end(&r->part, p->hash.bytes);
    digest_begin(&r->part);
}

/* Elements */

/** A variable-length number of `len` bytes; without its marker when it is a size. */
static uint64_t vint(const uint8_t *at, unsigned len, bool keep_marker)
{
    uint64_t v = keep_marker ? at[0] : at[0] & (0xffu >> len);
    for (unsigned i = 1; i < len; i++)
        v = v << 8 | at[i];
    return v;
}

static unsigned vint_len(uint8_t first)
{
    unsigned len = 1;
    while (len <= 8 && !(first & (0x100u >> len)))
        len++;
    return len;
}

/** Looks at the element that begins here; takes nothing. ER_NOT_FOUND at the end of the file. */
static int element_look(struct reader *r, uint64_t end, struct element *ret)
{
    size_t there = look(r, HEAD_BYTES);
    const uint8_t *at = r->window + r->start;
    if (r->er || there == 0)
        return r->er ? r->er : ER_NOT_FOUND;
    unsigned id_len = vint_len(at[0]);
    if (id_len > 4 || id_len >= there)
        return wrong(r, r->at, "no element begins here");
    unsigned size_len = vint_len(at[id_len]);
    if (size_len > 8 || id_len + size_len > there)
        return wrong(r, r->at, "an element's size cannot be read");
    ret->id = (uint32_t)vint(at, id_len, true);
    ret->size = vint(at + id_len, size_len, false);
    ret->head = id_len + size_len;
    if (ret->size == (UINT64_C(1) << (7 * size_len)) - 1)
        ret->size = ret->end = UNKNOWN;
    else
        ret->end = r->at + ret->head + ret->size;
    if (ret->end != UNKNOWN && end != UNKNOWN && ret->end > end)
        return wrong(r, r->at, "an element goes beyond what holds it");
    if (r->at + ret->head > end)
        return wrong(r, r->at, "an element is cut");
    return 0;
}

/** The next child of what ends at `end`, its head taken. ER_NOT_FOUND: there is none. */
static int child(struct reader *r, uint64_t end, struct element *ret)
{
    if (r->at >= end)
        return ER_NOT_FOUND;
    int er = element_look(r, end, ret);
    if (er == ER_NOT_FOUND)
        return wrong(r, r->at, "the file ends within an element");
    if (er == 0 && ret->size == UNKNOWN)
        return wrong(r, r->at, "an element without a size");
    if (er == 0)
        (void)take(r, ret->head);
    return er ? er : r->er;
}

static int leave_out(struct reader *r, const struct element *e)
{
    if (!skip(r, e->end - r->at))
        return wrong(r, r->at, "the file ends within an element");
    return r->er;
}

static int number(struct reader *r, const struct element *e, uint64_t *ret)
{
    if (e->size > 8 || look(r, (size_t)e->size) < e->size)
        return wrong(r, r->at, "a number cannot be read");
    const uint8_t *at = take(r, (size_t)e->size);
    *ret = 0;
    for (size_t i = 0; i < e->size; i++)
        *ret = *ret << 8 | at[i];
    return r->er;
}

static int text(struct reader *r, const struct element *e, char *ret, size_t size)
{
    if (e->size >= size || look(r, (size_t)e->size) < e->size)
        return wrong(r, r->at, "a text cannot be read");
    memcpy(ret, take(r, (size_t)e->size), (size_t)e->size);
    ret[e->size] = '\0';
    for (char *p = ret; *p; p++) {
        if (*p < ' ' || *p > '~')
            return wrong(r, r->at, "a text is not plain");
    }
    return r->er;
}

static int read_info(struct reader *r, const struct element *info)
{
    struct element e;
    int er;
    uint64_t scale;
    while ((er = child(r, info->end, &e)) == 0) {
        er = e.id == TIMESTAMP_SCALE ? number(r, &e, &scale) : leave_out(r, &e);
        if (er == 0 && e.id == TIMESTAMP_SCALE && scale != 1000000)
            er = wrong(r, r->at, "times are not in milliseconds");
        if (er)
            return er;
    }
    return er == ER_NOT_FOUND ? 0 : er;
}

static int read_track(struct reader *r, const struct element *entry)
{
    struct matroska_file *f = r->file;
    struct element e;
    int er;
    uint64_t v = 0;
    if (f->track_count == MATROSKA_TRACKS)
        return wrong(r, r->at, "too many tracks");
    struct matroska_track *t = &f->tracks[f->track_count];
    while ((er = child(r, entry->end, &e)) == 0) {
        if (e.id == CONTENT_ENCODINGS)
            return wrong(r, r->at, "a track with encodings");
        if (e.id == CODEC_ID)
            er = text(r, &e, t->codec, sizeof t->codec);
        else if (e.id == TRACK_NUMBER || e.id == TRACK_TYPE)
            er = number(r, &e, &v);
        else
            er = leave_out(r, &e);
        if (er == 0 && e.id == TRACK_NUMBER)
            t->number = v <= UINT32_MAX ? (uint32_t)v : 0;
        if (er == 0 && e.id == TRACK_TYPE)
            t->type = v <= 255 ? (unsigned)v : 0;
        if (er)
            return er;
    }
    if (er == ER_NOT_FOUND && t->number == 0)
        return wrong(r, r->at, "a track without a number");
    f->track_count++;
    return er == ER_NOT_FOUND ? 0 : er;
}

static int read_tracks(struct reader *r, const struct element *tracks)
{
    struct element e;
    int er;
    if (r->file->track_count)
        return wrong(r, r->at, "tracks are told twice");
    while ((er = child(r, tracks->end, &e)) == 0) {
        er = e.id == TRACK_ENTRY ? read_track(r, &e) : leave_out(r, &e);
        if (er)
            return er;
    }
    return er == ER_NOT_FOUND ? 0 : er;
}

/* Frames */

static bool track_known(const struct matroska_file *f, uint64_t track)
{
    for (size_t i = 0; i < f->track_count; i++) {
        if (f->tracks[i].number == track)
            return true;
    }
    return false;
}

/** The head of a block: track, time within the cluster, flags. */
static int block_head(struct reader *r, const struct element *e, struct seal_frame *f,
                      uint8_t *ret_flags)
{
    size_t there = look(r, e->size < HEAD_BYTES ? (size_t)e->size : HEAD_BYTES);
    const uint8_t *at = r->window + r->start;
    unsigned len = there ? vint_len(at[0]) : 9;
    if (len > 4 || len + 3 > there || len + 3 > e->size)
        return wrong(r, r->at, "a block's head cannot be read");
    uint64_t track = vint(at, len, false);
    int64_t at_ms = (int64_t)r->cluster_ms + (int16_t)((unsigned)at[len] << 8 | at[len + 1]);
    if (!r->cluster_timed || at_ms < 0)
        return wrong(r, r->at, "a block without a time");
    if (!track_known(r->file, track))
        return wrong(r, r->at, "a block of a track that is not there");
    f->track = (uint32_t)track;
    f->at_ms = (uint64_t)at_ms;
    *ret_flags = at[len + 2];
    if (*ret_flags & LACING)
        return wrong(r, r->at, "frames laced into one block");
    (void)take(r, len + 3);
    return r->er;
}

/** As skip, with the hash of what was there. */
static bool take_frame(struct reader *r, size_t len, struct merkle_hash *ret)
{
    if (len < LARGE_BYTES && look(r, len) >= len) {
        digest_sha256(take(r, len), len, ret->bytes);
        return true;
    }
    digest_begin(&r->frame);
    r->framing = true;
    bool whole = skip(r, len);
    r->framing = false;
    digest_end(&r->frame, ret->bytes);
    return whole;
}

static int read_block(struct reader *r, const struct element *e)
{
    struct matroska_file *file = r->file;
    struct seal_frame f = {0};
    uint8_t flags;
    int er = block_head(r, e, &f, &flags);
    if (er)
        return er;
    uint64_t len = e->end - r->at;
    if (len > LIMIT_FRAME_BYTES)
        return wrong(r, r->at, "a frame is too large");
    f.len = (uint32_t)len;
    f.byte = r->at;
    f.key = e->id == BLOCK || (flags & KEY) != 0;
    if (!take_frame(r, (size_t)len, &f.hash))
        return wrong(r, r->at, "the file ends within a frame");
    struct seal_frame *frames = grown(file->frames, file->frame_count, &file->frame_size, sizeof f);
    if (!frames)
        return fail(r, ER_NOMEM);
    file->frames = frames;
    file->frames[file->frame_count++] = f;
    return r->er;
}

static int read_group(struct reader *r, const struct element *group)
{
    struct element e;
    int er;
    bool refers = false;
    size_t before = r->file->frame_count;
    while ((er = child(r, group->end, &e)) == 0) {
        if (e.id == BLOCK && r->file->frame_count > before)
            return wrong(r, r->at, "two blocks in a group");
        refers = refers || e.id == REFERENCE_BLOCK;
        er = e.id == BLOCK ? read_block(r, &e) : leave_out(r, &e);
        if (er)
            return er;
    }
    if (refers && r->file->frame_count > before)
        r->file->frames[before].key = false;
    return er == ER_NOT_FOUND ? 0 : er;
}

static bool is_top(uint32_t id)
{
    return id == CLUSTER || id == CUES || id == TAGS || id == SEEK_HEAD || id == INFO ||
           id == TRACKS || id == SEGMENT || id == EBML;
}

static int read_in_cluster(struct reader *r, const struct element *e)
{
    if (e->id == SIMPLE_BLOCK)
        return read_block(r, e);
    if (e->id == BLOCK_GROUP)
        return read_group(r, e);
    if (e->id != TIMESTAMP)
        return leave_out(r, e);
    int er = number(r, e, &r->cluster_ms);
    if (er == 0 && r->cluster_ms > MS_MAX)
        er = wrong(r, r->at, "a cluster's time is beyond every clip's end");
    r->cluster_timed = true;
    r->file->parts[r->file->part_count - 1].at_ms = r->cluster_ms;
    return er;
}

static int read_cluster(struct reader *r, const struct element *cluster, uint64_t end)
{
    struct element e;
    uint64_t until = cluster->end == UNKNOWN ? end : cluster->end;
    r->cluster_timed = false;
    while (r->er == 0 && r->at < until) {
        int er = element_look(r, until, &e);
        if (er == ER_NOT_FOUND && cluster->end == UNKNOWN && end == UNKNOWN)
            return 0;
        if (er == 0 && cluster->end == UNKNOWN && is_top(e.id))
            return 0;
        er = er == ER_NOT_FOUND ? wrong(r, r->at, "the file ends within a cluster")
                                : child(r, until, &e);
        if (er == 0)
            er = read_in_cluster(r, &e);
        if (er)
            return er;
    }
    return r->er;
}

/* The file */

static int read_part(struct reader *r, uint64_t end)
{
    struct element e;
    int er = element_look(r, end, &e);
    if (er)
        return er;
    if (e.size == UNKNOWN && e.id != CLUSTER)
        return wrong(r, r->at, "an element without a size");
    er = part_begin(r, e.id);
    if (er)
        return er;
    (void)take(r, e.head);
    if (e.id == CLUSTER)
        er = read_cluster(r, &e, end);
    else if (e.id == INFO)
        er = read_info(r, &e);
    else if (e.id == TRACKS)
        er = read_tracks(r, &e);
    else
        er = leave_out(r, &e);
    if (er == 0)
        part_end(r);
    return er ? er : r->er;
}

static int read_file(struct reader *r)
{
    struct element e;
    int er = element_look(r, UNKNOWN, &e);
    if (er == ER_NOT_FOUND || (er == 0 && (e.id != EBML || e.size == UNKNOWN)))
        return wrong(r, 0, "this is no Matroska file");
    if (er == 0)
        er = read_part(r, UNKNOWN);
    if (er == 0)
        er = element_look(r, UNKNOWN, &e);
    if (er == ER_NOT_FOUND || (er == 0 && e.id != SEGMENT))
        return wrong(r, r->at, "no segment follows the head");
    if (er == 0)
        er = part_begin(r, SEGMENT);
    if (er)
        return er;
    (void)take(r, e.head);
    part_end(r);
    while (r->er == 0 && r->at < e.end && (er = read_part(r, e.end)) == 0)
        ;
    if (er == ER_NOT_FOUND && e.end != UNKNOWN)
        return wrong(r, r->at, "the file ends within the segment");
    if (r->er == 0 && look(r, 1) > 0)
        return wrong(r, r->at, "bytes behind the end");
    return r->er;
}

/** What is left once something was wrong, with the part that was: hashed all the same. */
static void read_rest(struct reader *r)
{
    struct matroska_file *f = r->file;
    bool open = f->part_count && f->parts[f->part_count - 1].len == 0;
    r->er = 0;
    if (open)
        f->parts[f->part_count - 1].id = 0;
    else if (look(r, 1) == 0 || part_begin(r, 0))
        return;
    (void)skip(r, UINT64_MAX);
    part_end(r);
}

int matroska_read(const struct matroska_source *source, struct matroska_file *ret)
{
    *ret = (struct matroska_file){0};
    struct reader *r = calloc(1, sizeof *r);
    if (!r)
        return ER_NOMEM;
    r->source = source;
    r->file = ret;
    r->pairs = digest_pair_works();
    digest_begin(&r->whole);
    digest_begin(&r->part);
    int er = read_file(r);
    if (er == ER_MALFORMED) {
        read_rest(r);
        er = r->er ? r->er : ER_MALFORMED;
    }
    hash_taken(r, NULL, 0);
    digest_end(&r->whole, ret->hash.bytes);
    ret->bytes = r->at;
    free(r);
    return er;
}

void matroska_clear(struct matroska_file *file)
{
    free(file->frames);
    free(file->parts);
    *file = (struct matroska_file){0};
}
