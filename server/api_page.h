// SPDX-License-Identifier: Apache-2.0
/* Pages of lists whose entries have numbers, in the order of these: from behind `cursor` on, `limit` at most,
 * and with `next_cursor` where there is more. */
#ifndef LOUPE_SERVER_API_PAGE_H
#define LOUPE_SERVER_API_PAGE_H

#include "server/api.h"

struct api_page {
    uint64_t after; /* asked for are those behind that number (0: all), */
    size_t limit;   /* so many of them: look for one more, to see whether there is */
    json_t *items;
    uint64_t last; /* number of the last one */
    bool more;
};

/** What the query asks for, still empty; false: the problem is set. Ended by api_page_answer or
 *  api_page_drop. */
bool api_page_read(struct api_call *c, struct api_page *ret);
void api_page_drop(struct api_page *p);
/** Whether the entry of this number is to be appended to `items`. */
bool api_page_takes(struct api_page *p, uint64_t number);
/** Answers with it, or with what was in the way. */
void api_page_answer(struct api_call *c, int er, struct api_page *p);

#endif
