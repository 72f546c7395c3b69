// SPDX-License-Identifier: Apache-2.0
/* Matroska for voices: few elements, each written whole, so that it is read back as easily. */
#include "media/record/voices.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/er.h"
#include "base/file.h"

enum {
    EBML = 0x1a45dfa3,
    SEGMENT = 0x18538067,
    INFO = 0x1549a966,
    TRACKS = 0x1654ae6b,
    CLUSTER = 0x1f43b675,
    CLUSTER_TIME = 0xe7,
    SIMPLE_BLOCK = 0xa3,
};
enum {
    CLUSTER_BYTES = 65536,
    CLUSTER_MS = 900, /* a process that dies loses at most so much of single voices */
    BLOCK_HEAD = 1 + 4 + 4, /* id, size in four bytes; track, time, flags */
    BLOCK_MAX = LIMIT_RTP_PACKET,
    CLUSTER_HEAD = 4 + 8 + 1 + 1 + 8,
    HEAD_BYTES = 512 + VOICES_TRACKS * (FRAMELOG_TEXT_BYTES + 96),
    CLUSTER_SPAN_MS = 10000, /* what a time within a cluster can say, and more than is ever apart */
    SLACK_MS = 1000,         /* voices are written that much out of the order of time */
};

struct voices {
    struct vault *vault;
    char *path;
    struct file *file; /* NULL before the first packet */
    int error;         /* sticky */
    bool hurries;      /* clusters are gathered: */
    uint8_t *gathered;
    size_t gathered_len, gathered_size;
    bool used[VOICES_TRACKS];
    int64_t sync_every_ms;
    int64_t newest_ms, cluster_ms, synced_ms;
    int64_t first_ms; /* of the cluster under way */
    size_t len;       /* of its blocks */
    uint8_t cluster[CLUSTER_HEAD + CLUSTER_BYTES]; /* what comes before the blocks, and they */
};

/* Elements. Sizes take four bytes, or eight where a file may be large. */

static void put_id(struct wr *w, uint32_t id)
{
    if (id > 0xffffff)
        wr_u32(w, id);
    else if (id > 0xffff)
        wr_u24(w, id);
    else if (id > 0xff)
        wr_u16(w, (uint16_t)id);
    else
        wr_u8(w, (uint8_t)id);
}

static void put_bytes(struct wr *w, uint32_t id, const void *data, size_t len)
{
    put_id(w, id);
    wr_u32(w, 0x10000000u | (uint32_t)len);
    wr_bytes(w, data, len);
}

static void put_number(struct wr *w, uint32_t id, uint64_t number)
{
    uint8_t bytes[8];
    put_u32(bytes, (uint32_t)(number >> 32));
    put_u32(bytes + 4, (uint32_t)number);
    put_bytes(w, id, bytes, sizeof bytes);
}

static void put_float(struct wr *w, uint32_t id, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_number(w, id, bits);
}

static void put_text(struct wr *w, uint32_t id, const char *text)
{
    put_bytes(w, id, text, strlen(text));
}

/** An element with others in it: what put_open gives, put_close is told. */
static uint8_t *put_open(struct wr *w, uint32_t id)
{
    put_id(w, id);
    return wr_room(w, 4);
}

static void put_close(struct wr *w, uint8_t *size)
{
    if (!w->bad)
        put_u32(size, 0x10000000u | (uint32_t)(w->at - size - 4));
}

static void put_track(struct wr *w, uint32_t track, const char *name)
{
    /* RFC 7845, 5.1. Packets tell mono from stereo by themselves. */
    static const uint8_t head[] = {'O', 'p', 'u',  's',  'H', 'e', 'a', 'd', 1, 2,
                                   0,   0,   0x80, 0xbb, 0,   0,   0,   0,   0};
    uint8_t *entry = put_open(w, 0xae);
    put_number(w, 0xd7, track);
    put_number(w, 0x73c5, track);
    put_number(w, 0x83, 2); /* sound */
    put_number(w, 0x9c, 0); /* no lacing */
    put_text(w, 0x86, "A_OPUS");
    put_bytes(w, 0x63a2, head, sizeof head);
    put_number(w, 0x56bb, 80000000);
    if (name && name[0])
        put_text(w, 0x536e, name);
    uint8_t *audio = put_open(w, 0xe1);
    put_float(w, 0xb5, 48000);
    put_number(w, 0x9f, 2);
    put_close(w, audio);
    put_close(w, entry);
}

/** All before the first cluster. Without `names` as a .part has it; else of a finished file, whose
 *  clusters have `bytes` and whose tracks are those that `used` says. */
static int put_head(struct wr *w, const struct voices_name *names, size_t count, const bool *used,
                    uint64_t bytes, uint64_t duration_ms)
{
    uint8_t *ebml = put_open(w, EBML);
    put_number(w, 0x4286, 1);
    put_number(w, 0x42f7, 1);
    put_number(w, 0x42f2, 4);
    put_number(w, 0x42f3, 8);
    put_text(w, 0x4282, "matroska");
    put_number(w, 0x4287, 4);
    put_number(w, 0x4285, 2);
    put_close(w, ebml);
    put_id(w, SEGMENT);
    uint8_t *size = wr_room(w, 8);
    uint8_t *info = put_open(w, INFO);
    put_number(w, 0x2ad7b1, 1000000); /* times are in ms */
    put_text(w, 0x4d80, "loupe");
    put_text(w, 0x5741, "loupe");
    if (used)
        put_float(w, 0x4489, (double)duration_ms);
    put_close(w, info);
    uint8_t *tracks = put_open(w, TRACKS);
    for (uint32_t i = 0; i < VOICES_TRACKS; i++) {
        const char *name = NULL;
        for (size_t k = 0; k < count; k++)
            if (names[k].track == FRAMELOG_FIRST_VOICE + i)
                name = names[k].identity;
        if (!used || used[i])
            put_track(w, FRAMELOG_FIRST_VOICE + i, name);
    }
    put_close(w, tracks);
    if (w->bad)
        return ER_FULL;
    uint64_t in_segment = (uint64_t)(w->at - size - 8) + bytes;
    put_u32(size, used ? 0x01000000u | (uint32_t)(in_segment >> 32) : 0x01ffffffu);
    put_u32(size + 4, used ? (uint32_t)in_segment : 0xffffffffu);
    return 0;
}

static int write_head(struct file *file, const struct voices_name *names, size_t count,
                      const bool *used, uint64_t bytes, uint64_t duration_ms)
{
    uint8_t *head = malloc(HEAD_BYTES);
    if (!head)
        return ER_NOMEM;
    struct wr w = wr_make(head, HEAD_BYTES);
    int er = put_head(&w, names, count, used, bytes, duration_ms);
    if (er == 0)
        er = file_write(file, head, wr_len(&w));
    free(head);
    return er;
}

/* Writing */

int voices_new(struct voices **ret, struct vault *vault, const char *path)
{
    struct voices *v = calloc(1, sizeof *v);
    if (!v)
        return ER_NOMEM;
    v->sync_every_ms = WEBM_BESIDE_MS;
    v->vault = vault;
    v->path = strdup(path);
    if (!v->path) {
        free(v);
        return ER_NOMEM;
    }
    *ret = v;
    return 0;
}

void voices_free(struct voices *v)
{
    if (!v)
        return;
    file_close(v->file);
    free(v->path);
    free(v->gathered);
    free(v);
}

void voices_hurry(struct voices *v)
{
    v->hurries = true;
}

static int open_part(struct voices *v)
{
    v->error = file_create(&v->file, v->vault, v->path);
    if (v->error == 0)
        v->error = write_head(v->file, NULL, 0, NULL, 0, 0);
    return v->error;
}

static int gather(struct voices *v, const void *data, size_t len)
{
    if (v->gathered_size - v->gathered_len < len) {
        size_t size = v->gathered_size * 2 + CLUSTER_BYTES + CLUSTER_HEAD;
        uint8_t *more = realloc(v->gathered, size);
        if (!more)
            return ER_NOMEM;
        v->gathered = more;
        v->gathered_size = size;
    }
    memcpy(v->gathered + v->gathered_len, data, len);
    v->gathered_len += len;
    return 0;
}

static int put(struct voices *v, const void *data, size_t len)
{
    return v->hurries ? gather(v, data, len) : file_write(v->file, data, len);
}

static int close_cluster(struct voices *v)
{
    struct wr w = wr_make(v->cluster, CLUSTER_HEAD);
    size_t inside = v->len + 1 + 1 + 8;
    wr_u32(&w, CLUSTER);
    wr_u32(&w, 0x01000000u);
    wr_u32(&w, (uint32_t)inside);
    wr_u8(&w, CLUSTER_TIME);
    wr_u8(&w, 0x88);
    wr_u64(&w, (uint64_t)v->first_ms);
    v->cluster_ms = v->newest_ms;
    if (v->len == 0 || v->error)
        return v->error;
    v->error = put(v, v->cluster, CLUSTER_HEAD + v->len);
    v->len = 0;
    return v->error;
}

static int keep_up(struct voices *v)
{
    if (v->hurries)
        return v->error;
    if (v->newest_ms - v->cluster_ms >= CLUSTER_MS)
        (void)close_cluster(v);
    if (v->error || v->newest_ms - v->synced_ms < v->sync_every_ms)
        return v->error;
    v->error = close_cluster(v);
    if (v->error == 0)
        v->error = file_sync(v->file);
    v->synced_ms = v->newest_ms;
    return v->error;
}

int voices_write(struct voices *v, uint32_t track, const uint8_t *data, size_t len, int64_t at_ms)
{
    if (v->error)
        return v->error;
    if (track < FRAMELOG_FIRST_VOICE || track >= FRAMELOG_FIRST_VOICE + VOICES_TRACKS ||
        at_ms < 0 || len == 0 || len > BLOCK_MAX)
        return ER_INVALID;
    if (!v->file && !v->hurries && open_part(v) < 0)
        return v->error;
    int64_t apart = at_ms - v->first_ms;
    bool fits = v->len + BLOCK_HEAD + len <= CLUSTER_BYTES && apart < CLUSTER_SPAN_MS &&
                apart >= 0;
    if (v->len > 0 && !fits && close_cluster(v) < 0)
        return v->error;
    if (v->len == 0)
        v->first_ms = at_ms > SLACK_MS ? at_ms - SLACK_MS : 0;
    struct wr w = wr_make(v->cluster + CLUSTER_HEAD + v->len, CLUSTER_BYTES - v->len);
    wr_u8(&w, SIMPLE_BLOCK);
    wr_u32(&w, 0x10000000u | (uint32_t)(len + 4));
    wr_u8(&w, (uint8_t)(0x80 | track));
    wr_u16(&w, (uint16_t)(at_ms - v->first_ms));
    wr_u8(&w, 0x80); /* needs nothing before it */
    wr_bytes(&w, data, len);
    v->len += wr_len(&w);
    v->used[track - FRAMELOG_FIRST_VOICE] = true;
    if (at_ms > v->newest_ms)
        v->newest_ms = at_ms;
    return keep_up(v);
}

int voices_end(struct voices *v)
{
    if (!v->file)
        return v->error;
    (void)close_cluster(v);
    if (v->error == 0)
        v->error = file_sync(v->file);
    return v->error;
}

/* Reading: heads are as written above, byte for byte but for the sizes, and clusters follow. */

struct reader {
    struct file *file;
    uint64_t clusters_at, end; /* of what is whole */
    uint64_t size;
    uint8_t cluster[CLUSTER_HEAD + CLUSTER_BYTES];
};

/** `len` bytes at `at`. ER_NOT_FOUND: there are fewer. */
static int read_at(struct reader *r, uint64_t at, void *ret, size_t len)
{
    uint8_t *to = ret;
    file_seek(r->file, at);
    while (len > 0) {
        size_t n;
        int er = file_read(r->file, to, len, &n);
        if (er < 0 || n == 0)
            return er < 0 ? er : ER_NOT_FOUND;
        to += n;
        len -= n;
    }
    return 0;
}

/** The clusters begin where the element of tracks ends. */
static int find_clusters(struct reader *r)
{
    uint8_t head[8];
    uint64_t at = 0;
    uint32_t id = 0;
    while (id != TRACKS) {
        int er = read_at(r, at, head, sizeof head);
        if (er < 0)
            return er;
        id = get_u32(head);
        if (id == SEGMENT) {
            at += 12;
            continue;
        }
        uint32_t size = get_u32(head + 4);
        if ((id != EBML && id != INFO && id != TRACKS) || size >> 28 != 1)
            return ER_MALFORMED;
        at += 8 + (size & 0x0fffffffu);
    }
    r->clusters_at = r->end = at;
    return at <= r->size ? 0 : ER_NOT_FOUND;
}

static int reader_open(struct reader **ret, struct vault *vault, const char *path)
{
    struct reader *r = calloc(1, sizeof *r);
    if (!r)
        return ER_NOMEM;
    int er = file_open(&r->file, vault, path);
    if (er == 0)
        er = file_size(r->file, &r->size);
    if (er == 0)
        er = find_clusters(r);
    if (er < 0) {
        file_close(r->file);
        free(r);
        return er;
    }
    *ret = r;
    return 0;
}

static void reader_close(struct reader *r)
{
    file_close(r->file);
    free(r);
}

static int each_block(const uint8_t *blocks, size_t len, uint64_t time_ms,
                      int (*each)(void *ctx, const struct webm_frame *frame), void *ctx)
{
    struct rd rd = rd_make(blocks, len);
    while (rd_left(&rd) > 0) {
        uint8_t id = rd_u8(&rd);
        uint32_t size = rd_u32(&rd);
        uint8_t track = rd_u8(&rd) & 0x7f;
        uint16_t apart = rd_u16(&rd);
        rd_u8(&rd);
        size = (size & 0x0fffffffu) - 4;
        const uint8_t *data = rd_bytes(&rd, size);
        if (rd.bad || id != SIMPLE_BLOCK || size == 0 || track < FRAMELOG_FIRST_VOICE ||
            track >= FRAMELOG_FIRST_VOICE + VOICES_TRACKS)
            return ER_MALFORMED;
        const struct webm_frame frame = {.track = track,
                                         .format = FORMAT_OPUS,
                                         .at_ms = time_ms + apart,
                                         .key = true,
                                         .data = data,
                                         .len = size};
        int er = each(ctx, &frame);
        if (er != 0)
            return er;
    }
    return 0;
}

/** All clusters that are whole; r->end is behind the last one then. */
static int each_cluster(struct reader *r, int (*each)(void *ctx, const struct webm_frame *frame),
                        void *ctx)
{
    int er = 0;
    while (er == 0 && r->end < r->size) {
        er = read_at(r, r->end, r->cluster, CLUSTER_HEAD);
        uint64_t inside = er == 0 ? get_u32(r->cluster + 8) : 0;
        if (er == 0 && (get_u32(r->cluster) != CLUSTER || get_u32(r->cluster + 4) != 0x01000000u ||
                        inside < 10 || inside > 10 + CLUSTER_BYTES))
            break; /* not written whole before the machine died */
        if (er == 0)
            er = read_at(r, r->end, r->cluster, (size_t)inside + 12);
        if (er < 0)
            break;
        const uint8_t *time = r->cluster + CLUSTER_HEAD - 8;
        uint64_t time_ms = (uint64_t)get_u32(time) << 32 | get_u32(time + 4);
        er = each_block(r->cluster + CLUSTER_HEAD, (size_t)inside - 10, time_ms, each, ctx);
        if (er == 0)
            r->end += inside + 12;
    }
    return er == ER_NOT_FOUND || er == ER_MALFORMED ? 0 : er;
}

int voices_each(struct vault *vault, const char *path,
                int (*each)(void *ctx, const struct webm_frame *frame), void *ctx)
{
    struct reader *r;
    int er = reader_open(&r, vault, path);
    if (er < 0)
        return er;
    er = each_cluster(r, each, ctx);
    reader_close(r);
    return er;
}

/* Finishing */

struct summary {
    bool used[VOICES_TRACKS];
    uint64_t end_ms;
    size_t packets;
};

static int note(void *ctx, const struct webm_frame *frame)
{
    struct summary *s = ctx;
    s->used[frame->track - FRAMELOG_FIRST_VOICE] = true;
    s->packets++;
    if (frame->at_ms + WEBM_PACKET_MS > s->end_ms)
        s->end_ms = frame->at_ms + WEBM_PACKET_MS;
    return 0;
}

static int copy_clusters(struct reader *from, struct file *to)
{
    int er = 0;
    for (uint64_t at = from->clusters_at; er == 0 && at < from->end;) {
        size_t len = sizeof from->cluster;
        if (len > from->end - at)
            len = (size_t)(from->end - at);
        er = read_at(from, at, from->cluster, len);
        if (er == 0)
            er = file_write(to, from->cluster, len);
        at += len;
    }
    return er;
}

static int copy(struct vault *vault, struct reader *from, const char *temporary,
                const struct summary *summary, const struct voices_name *names, size_t count)
{
    struct file *to;
    int er = file_replace(&to, vault, temporary);
    if (er < 0)
        return er;
    er = write_head(to, names, count, summary->used, from->end - from->clusters_at,
                    summary->end_ms);
    if (er == 0)
        er = copy_clusters(from, to);
    if (er == 0)
        er = file_sync(to);
    file_close(to);
    return er;
}

int voices_finish(struct voices *v, const char *out, const struct voices_name *names, size_t count)
{
    if (!v->hurries)
        return voices_finalise(v->vault, v->path, out, names, count);
    if (v->error || close_cluster(v) < 0)
        return v->error;
    if (v->gathered_len == 0)
        return ER_NOT_FOUND;
    struct file *to = NULL;
    char *temporary = file_name(out, ".tmp");
    int er = temporary ? file_replace(&to, v->vault, temporary) : ER_NOMEM;
    if (er == 0)
        er = write_head(to, names, count, v->used, v->gathered_len,
                        (uint64_t)v->newest_ms + WEBM_PACKET_MS);
    if (er == 0)
        er = file_write(to, v->gathered, v->gathered_len);
    if (er == 0)
        er = file_sync(to);
    file_close(to);
    if (er == 0)
        er = file_commit(temporary, out);
    if (er < 0 && temporary)
        (void)file_remove(temporary);
    free(temporary);
    return er;
}

int voices_finalise(struct vault *vault, const char *part, const char *out,
                    const struct voices_name *names, size_t count)
{
    struct reader *from;
    int er = reader_open(&from, vault, part);
    if (er < 0)
        return er == ER_MALFORMED ? ER_NOT_FOUND : er;
    struct summary summary = {0};
    char *temporary = file_name(out, ".tmp");
    er = temporary ? each_cluster(from, note, &summary) : ER_NOMEM;
    if (er == 0 && summary.packets == 0)
        er = ER_NOT_FOUND;
    if (er == 0)
        er = copy(vault, from, temporary, &summary, names, count);
    if (er == 0)
        er = file_commit(temporary, out);
    if (er < 0 && temporary)
        (void)file_remove(temporary);
    free(temporary);
    reader_close(from);
    return er;
}
