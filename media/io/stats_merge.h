// SPDX-License-Identifier: Apache-2.0
/* One answer out of several: a room on several workers gives its figures from each. */
#ifndef LOUPE_MEDIA_IO_STATS_MERGE_H
#define LOUPE_MEDIA_IO_STATS_MERGE_H

#include <stdbool.h>

#include "base/list.h"
#include "media/media.h"

/** Questions that are not answered by all yet. Zeroed, then stats_merge_init. */
struct stats_merge {
    struct list waiting;
};

void stats_merge_init(struct stats_merge *s);
/** What was answered so far is freed. */
void stats_merge_clear(struct stats_merge *s);
/** `answers` MEDIA_STATS with this request will come. ER_NOMEM. */
int stats_merge_ask(struct stats_merge *s, uint64_t request, unsigned answers);
/** One fewer will come: the question could not be put to a worker. */
void stats_merge_forget(struct stats_merge *s, uint64_t request);
/** An answer came. False: keep on waiting, what it held was taken. True: *event is the whole answer
 *  (the first that succeeded, with what the others had; ER_* only when all failed). */
bool stats_merge_answer(struct stats_merge *s, struct media_event *event);

#endif
