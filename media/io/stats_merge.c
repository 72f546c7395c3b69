// SPDX-License-Identifier: Apache-2.0
/* The lists of tracks and slots of one answer are appended to those of another. */
#include "media/io/stats_merge.h"

#include <stdlib.h>
#include <string.h>

#include "base/er.h"

struct question {
    struct list in_waiting;
    uint64_t request;
    unsigned missing;
    struct media_room_stats *stats; /* of those that answered */
};

void stats_merge_init(struct stats_merge *s)
{
    list_init(&s->waiting);
}

static void question_free(struct question *q)
{
    list_remove(&q->in_waiting);
    media_room_stats_free(q->stats);
    free(q);
}

void stats_merge_clear(struct stats_merge *s)
{
    list_each_safe (q, &s->waiting, struct question, in_waiting)
        question_free(q);
}

int stats_merge_ask(struct stats_merge *s, uint64_t request, unsigned answers)
{
    struct question *q = calloc(1, sizeof *q);
    if (!q)
        return ER_NOMEM;
    q->request = request;
    q->missing = answers;
    list_append(&s->waiting, &q->in_waiting);
    return 0;
}

static struct question *find(const struct stats_merge *s, uint64_t request)
{
    list_each (q, &s->waiting, struct question, in_waiting) {
        if (q->request == request)
            return q;
    }
    return NULL;
}

void stats_merge_forget(struct stats_merge *s, uint64_t request)
{
    struct question *q = find(s, request);
    if (q && --q->missing == 0)
        question_free(q);
}

static int append(void **list, size_t *count, const void *more, size_t more_count, size_t bytes)
{
    if (more_count == 0)
        return 0;
    void *grown = realloc(*list, (*count + more_count) * bytes);
    if (!grown)
        return ER_NOMEM;
    memcpy((char *)grown + *count * bytes, more, more_count * bytes);
    *list = grown;
    *count += more_count;
    return 0;
}

static void join(struct media_room_stats *into, const struct media_room_stats *from)
{
    void *tracks = into->tracks;
    void *slots = into->slots;
    /* Without memory the answer is short of what this worker had. */
    (void)append(&tracks, &into->track_count, from->tracks, from->track_count,
                 sizeof *from->tracks);
    (void)append(&slots, &into->slot_count, from->slots, from->slot_count, sizeof *from->slots);
    into->tracks = tracks;
    into->slots = slots;
}

bool stats_merge_answer(struct stats_merge *s, struct media_event *event)
{
    struct question *q = find(s, event->request);
    if (!q)
        return true;
    if (event->stats && q->stats) {
        join(q->stats, event->stats);
        media_room_stats_free(event->stats);
    } else if (event->stats) {
        q->stats = event->stats;
    }
    event->stats = NULL;
    if (--q->missing > 0)
        return false;
    if (q->stats)
        event->er = 0;
    event->stats = q->stats;
    q->stats = NULL;
    question_free(q);
    return true;
}
