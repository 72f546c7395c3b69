// SPDX-License-Identifier: Apache-2.0
/* A ring of frames searched from the youngest backwards: packets nearly always belong to one of the
 * last few. */
#include "media/tape/frames.h"

#include <stdlib.h>

#include "base/er.h"

int frames_init(struct frames *f, uint32_t size)
{
    *f = (struct frames){.size = size};
    if (size == 0)
        return 0;
    f->ring = calloc(size, sizeof *f->ring);
    return f->ring ? 0 : ER_NOMEM;
}

void frames_clear(struct frames *f)
{
    free(f->ring);
    *f = (struct frames){0};
}

/** The `back`-th youngest frame: 0 is the youngest. */
static struct tape_frame *frame_at(const struct frames *f, uint32_t back)
{
    return &f->ring[(f->next + f->size - 1 - back) % f->size];
}

static struct tape_frame *find(const struct frames *f, int64_t timestamp)
{
    if (timestamp > f->newest)
        return NULL;
    for (uint32_t back = 0; back < f->count; back++) {
        struct tape_frame *frame = frame_at(f, back);
        if (frame->timestamp == timestamp)
            return frame;
    }
    return NULL;
}

const struct tape_frame *frames_find(const struct frames *f, int64_t timestamp)
{
    return find(f, timestamp);
}

static struct tape_frame *add_frame(struct frames *f, const struct tape_packet *p)
{
    struct tape_frame *frame = &f->ring[f->next];
    *frame = (struct tape_frame){.timestamp = p->timestamp, .arrival_us = p->arrival_us};
    if (p->timestamp > f->newest)
        f->newest = p->timestamp;
    f->next = (f->next + 1) % f->size;
    if (f->count < f->size)
        f->count++;
    return frame;
}

void frames_add(struct frames *f, const struct tape_packet *p)
{
    if (f->size == 0)
        return;
    struct tape_frame *frame = find(f, p->timestamp);
    if (!frame)
        frame = add_frame(f, p);
    frame->packets++;
    if (p->flags & TAPE_FRAME_START) {
        frame->first_seq = p->seq;
        if (p->flags & TAPE_KEY_FRAME) {
            frame->key = true;
            frame->width = p->width;
            frame->height = p->height;
        }
    }
    if (p->flags & TAPE_MARKER)
        frame->last_seq = p->seq;
    frame->complete = frame->first_seq && frame->last_seq &&
                      frame->packets == frame->last_seq - frame->first_seq + 1;
}

void frames_drop_below(struct frames *f, int64_t seq)
{
    /* Old frames lie at the far end of the ring; stop at the first that may still have packets: one
     * without beginning and end may be coming in just now. */
    while (f->count > 0) {
        struct tape_frame *oldest = frame_at(f, f->count - 1);
        int64_t last = oldest->last_seq ? oldest->last_seq : oldest->first_seq;
        if (last == 0 || last >= seq)
            break;
        f->count--;
    }
    for (uint32_t i = f->count; i-- > 0;) {
        struct tape_frame *frame = frame_at(f, i);
        if (frame->first_seq >= seq)
            break;
        if (frame->first_seq) {
            frame->first_seq = 0;
            frame->complete = false;
        }
    }
}

const struct tape_frame *frames_last_key(const struct frames *f)
{
    const struct tape_frame *best = NULL;
    for (uint32_t back = 0; back < f->count; back++) {
        const struct tape_frame *frame = frame_at(f, back);
        if (frame->key && frame->first_seq && (!best || frame->timestamp > best->timestamp))
            best = frame; /* nearly always the first found; one that came late lies before it */
    }
    return best;
}
