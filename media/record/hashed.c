// SPDX-License-Identifier: Apache-2.0
/* A depacketiser and a ring of hashes for each track. */
#include "media/record/hashed.h"

#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/limits.h"

enum { FRAME_US = 33333 };

/** What tells a frame from any other that was received. */
struct name {
    int64_t first_seq, last_seq, timestamp;
    uint64_t arrival_us; /* of its last packet */
    size_t len;
};

struct known {
    struct name name;
    uint8_t hash[DIGEST_BYTES];
};

struct line {
    uint64_t source;
    struct depack *depack; /* NULL: free */
    uint64_t first, next;  /* numbers of those in the ring; first_seq rises */
    struct known *ring;
};

struct hashed {
    size_t size; /* of each ring */
    struct line lines[HASHED_TRACKS];
};

int hashed_new(struct hashed **ret, uint64_t keep_us)
{
    const uint64_t most_us = (LIMIT_LOOKBACK_SECONDS + 60) * UINT64_C(1000000);
    struct hashed *h = calloc(1, sizeof *h);
    if (!h)
        return ER_NOMEM;
    h->size = (size_t)((keep_us < most_us ? keep_us : most_us) / FRAME_US) + 1;
    *ret = h;
    return 0;
}

static void line_clear(struct line *l)
{
    depack_free(l->depack);
    free(l->ring);
    *l = (struct line){0};
}

void hashed_free(struct hashed *h)
{
    for (size_t i = 0; h && i < HASHED_TRACKS; i++)
        line_clear(&h->lines[i]);
    free(h);
}

static struct line *find_line(struct hashed *h, uint64_t source)
{
    for (size_t i = 0; i < HASHED_TRACKS; i++)
        if (h->lines[i].depack && h->lines[i].source == source)
            return &h->lines[i];
    return NULL;
}

static struct line *add_line(struct hashed *h, uint64_t source)
{
    size_t i = 0;
    while (i < HASHED_TRACKS && h->lines[i].depack)
        i++;
    struct line *l = i < HASHED_TRACKS ? &h->lines[i] : NULL;
    if (!l)
        return NULL;
    l->source = source;
    l->ring = calloc(h->size, sizeof *l->ring);
    if (l->ring && depack_new(&l->depack) == 0)
        return l;
    line_clear(l);
    return NULL;
}

static struct name name_of(const struct depack_frame *frame, const struct tape_packet *last)
{
    return (struct name){.first_seq = frame->first_seq,
                         .last_seq = last->seq,
                         .timestamp = frame->timestamp,
                         .arrival_us = last->arrival_us,
                         .len = frame->len};
}

void hashed_packet(struct hashed *h, uint64_t source, const struct tape_packet *packet)
{
    struct depack_frame frame;
    const struct codec_info *info = codec_describe(packet->codec);
    if (!info || info->format != FORMAT_VP8)
        return;
    struct line *l = find_line(h, source);
    if (!l)
        l = add_line(h, source);
    if (!l || depack_push(l->depack, packet, &frame) < 0)
        return;
    struct known *k = &l->ring[l->next % h->size];
    k->name = name_of(&frame, packet);
    digest_sha256(frame.data, frame.len, k->hash);
    l->next++;
    if (l->next - l->first > h->size)
        l->first = l->next - h->size;
}

void hashed_gap(struct hashed *h, uint64_t source, uint32_t packets)
{
    struct line *l = find_line(h, source);
    if (!l)
        return;
    depack_gap(l->depack, packets);
    if (packets == 0)
        l->first = l->next; /* numbers begin anew */
}

void hashed_end(struct hashed *h, uint64_t source)
{
    struct line *l = find_line(h, source);
    if (l)
        line_clear(l);
}

static const struct known *find_in(const struct hashed *h, const struct line *l, int64_t first_seq)
{
    uint64_t from = l->first, to = l->next;
    while (from < to) {
        uint64_t middle = from + (to - from) / 2;
        const struct known *k = &l->ring[middle % h->size];
        if (k->name.first_seq == first_seq)
            return k;
        if (k->name.first_seq < first_seq)
            from = middle + 1;
        else
            to = middle;
    }
    return NULL;
}

bool hashed_find(const struct hashed *h, const struct depack_frame *frame,
                 const struct tape_packet *last, uint8_t ret[static DIGEST_BYTES])
{
    const struct name n = name_of(frame, last);
    const struct known *found = NULL;
    for (size_t i = 0; frame->format == FORMAT_VP8 && i < HASHED_TRACKS; i++) {
        const struct known *k = find_in(h, &h->lines[i], n.first_seq);
        if (!k || k->name.last_seq != n.last_seq || k->name.timestamp != n.timestamp ||
            k->name.arrival_us != n.arrival_us || k->name.len != n.len)
            continue;
        if (found)
            return false; /* nearly all of a name is the sender's choice: two tracks may share one */
        found = k;
    }
    if (found)
        memcpy(ret, found->hash, sizeof found->hash);
    return found != NULL;
}
