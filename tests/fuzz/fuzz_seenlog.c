// SPDX-License-Identifier: Apache-2.0
/* Logs of what viewers were shown: whatever the bytes are, reading ends, stays within bounds, and
 * what was read is the same once it was written anew. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "media/seenlog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct seenlog_second *s)
{
    if (s->frozen_ms != SEENLOG_UNKNOWN && s->frozen_ms > SEENLOG_FROZEN_MOST)
        abort();
    if (s->sent == SEENLOG_UNKNOWN || s->layer.state >= SEENLOG_STATES)
        abort();
}

/** What was written of the last line, read again. */
static void check_again(const struct seenlog_line *line, const struct seenlog_writer *w,
                        const struct seenlog_second *seconds)
{
    static uint8_t log[1 + SEENLOG_HEAD_BYTES + SEENLOG_BUFFER_BYTES];
    const struct seenlog_head head = {.kind = line->kind,
                                      .viewer = line->viewer,
                                      .publisher = line->publisher,
                                      .peer = line->peer,
                                      .number = line->number};
    struct seenlog_second s;
    size_t len = seenlog_begin(log, sizeof log);
    len = seenlog_append(log, len, sizeof log, NULL, &head, w);
    struct seenlog_reader r = seenlog_read(log, len);
    if (seenlog_next_line(&r) != 0 || strcmp(r.line.viewer, line->viewer) != 0 ||
        strcmp(r.line.publisher, line->publisher) != 0 || r.line.peer != line->peer)
        abort();
    for (uint32_t i = 0; i < w->count; i++)
        if (seenlog_next(&r, &s) != 0 || memcmp(&s, &seconds[i], sizeof s) != 0)
            abort();
    if (seenlog_next(&r, &s) != ER_NOT_FOUND)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct seenlog_second seconds[SEENLOG_LINE_SECONDS];
    struct seenlog_reader r = seenlog_read(data, size);
    while (seenlog_next_line(&r) == 0) {
        struct seenlog_writer w = {0};
        struct seenlog_second s;
        const struct seenlog_line line = r.line;
        size_t count = 0;
        for (; seenlog_next(&r, &s) == 0; count++) {
            check(&s);
            if (count == SEENLOG_LINE_SECONDS)
                abort();
            seconds[count] = s;
            if (count == w.count)
                (void)seenlog_put(&w, line.first, &s);
        }
        if (w.count > 0)
            check_again(&line, &w, seconds);
    }
    return 0;
}
