// SPDX-License-Identifier: Apache-2.0
/* Two queues that are read from the one or the other. */
#include "media/record/weave.h"

#include <stdlib.h>
#include <string.h>

#include "base/er.h"

enum { FIRST_BYTES = 262144, FIRST_FRAMES = 64 };

void weave_clear(struct weave *w)
{
    for (int i = 0; i < WEAVE_TRACKS; i++) {
        free(w->lines[i].bytes);
        free(w->lines[i].frames);
    }
    *w = (struct weave){0};
}

static size_t grown(size_t size, size_t first, size_t wanted)
{
    size = size ? size : first;
    while (size < wanted)
        size *= 2;
    return size;
}

/** Room for `len` bytes more, what was read being given up. */
static int make_room(struct weave_line *l, size_t len)
{
    size_t used = l->end - l->begin;
    if (l->size - l->end >= len)
        return 0;
    if (l->begin >= used && l->size - used >= len) { /* moved as seldom as it is worth it */
        memmove(l->bytes, l->bytes + l->begin, used);
    } else {
        size_t size = grown(l->size, FIRST_BYTES, 2 * (used + len));
        uint8_t *bytes = malloc(size);
        if (!bytes)
            return ER_NOMEM;
        if (used)
            memcpy(bytes, l->bytes + l->begin, used);
        free(l->bytes);
        l->bytes = bytes;
        l->size = size;
    }
    l->begin = 0;
    l->end = used;
    return 0;
}

/** And for one more frame. */
static int make_place(struct weave_line *l)
{
    if (l->count < l->room)
        return 0;
    if (l->first >= l->count - l->first && l->first > 0) {
        memmove(l->frames, l->frames + l->first, (l->count - l->first) * sizeof *l->frames);
        l->count -= l->first;
        l->first = 0;
        return 0;
    }
    size_t room = grown(l->room, FIRST_FRAMES, l->count + 1);
    struct weave_frame *frames = reallocarray(l->frames, room, sizeof *frames);
    if (!frames)
        return ER_NOMEM;
    l->frames = frames;
    l->room = room;
    return 0;
}

int weave_put(struct weave *w, const struct weave_frame *frame)
{
    struct weave_line *l = &w->lines[frame->track];
    int er = make_place(l);
    if (er == 0)
        er = make_room(l, frame->len);
    if (er < 0)
        return er;
    if (frame->len)
        memcpy(l->bytes + l->end, frame->data, frame->len);
    l->end += frame->len;
    l->frames[l->count] = *frame;
    l->frames[l->count++].data = NULL; /* it lies behind those before it */
    return 0;
}

size_t weave_count(const struct weave *w, enum weave_track track)
{
    return w->lines[track].count - w->lines[track].first;
}

static void take(struct weave_line *l, struct weave_frame *ret)
{
    *ret = l->frames[l->first++];
    ret->data = l->bytes + l->begin;
    l->begin += ret->len;
}

bool weave_next(struct weave *w, bool last, struct weave_frame *ret)
{
    struct weave_line *pictures = &w->lines[WEAVE_PICTURE], *sound = &w->lines[WEAVE_SOUND];
    bool shown = weave_count(w, WEAVE_PICTURE) > 0, heard = weave_count(w, WEAVE_SOUND) > 0;
    if (!shown && !heard)
        return false;
    struct weave_line *l = sound;
    if (shown &&
        (!heard || pictures->frames[pictures->first].at_ms <= sound->frames[sound->first].at_ms))
        l = pictures;
    int64_t ahead_ms = l->frames[l->count - 1].at_ms - l->frames[l->first].at_ms;
    if (!(shown && heard) && !last && ahead_ms <= WEAVE_SKEW_MS)
        return false;
    take(l, ret);
    return true;
}
