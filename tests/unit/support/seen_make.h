// SPDX-License-Identifier: Apache-2.0
/* Small logs of what was shown, for tests. */
#ifndef LOUPE_TESTS_UNIT_SUPPORT_SEEN_MAKE_H
#define LOUPE_TESTS_UNIT_SUPPORT_SEEN_MAKE_H

#include "media/seenlog.h"

/** `count` seconds from `first` on in which `viewer` was shown 30 pictures of `publisher` a second, of
 *  which `arrived` arrived; its length. */
static inline size_t seen_make(uint8_t *ret, size_t size, const char *viewer, const char *publisher,
                               uint32_t first, uint32_t count, uint16_t arrived)
{
    const struct seenlog_head head = {.viewer = viewer, .publisher = publisher, .peer = 1};
    const struct seenlog_second second = {.sent = 30,
                                          .arrived = arrived,
                                          .frozen_ms = arrived < 15 ? 500 : 0,
                                          .lost = arrived < 30,
                                          .layer = {.encoding = 1, .width = 640, .height = 360}};
    struct seenlog_writer w = {0};
    for (uint32_t i = 0; i < count; i++)
        (void)seenlog_put(&w, first + i, &second);
    return seenlog_append(ret, seenlog_begin(ret, size), size, NULL, &head, &w);
}

#endif
