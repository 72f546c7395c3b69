// SPDX-License-Identifier: Apache-2.0
/* Simulcast (RFC 8853): several streams of one m-line, told apart by their rids (RFC 8851, 8852). */
#include <string.h>

#include "media/peer/negotiate_table.h"

void negotiate_simulcast(struct line *line, const struct sdp_media *media)
{
    line->rid_count = 0;
    if (!line->receives || line->kind != MEDIA_VIDEO || media->rid_count < 2 ||
        !line->extensions.rid)
        return; /* one stream then, whose packets need no name */
    for (size_t i = 0; i < media->rid_count && line->rid_count < LIMIT_ENCODINGS; i++)
        if (str_copy_span(line->rids[line->rid_count], LINE_RID_BYTES, media->rids[i]) == 0)
            line->rid_count++;
}

void answer_simulcast(struct wr *w, const struct line *line)
{
    for (size_t i = 0; i < line->rid_count; i++)
        wr_printf(w, "a=rid:%s recv\r\n", line->rids[i]);
    for (size_t i = 0; i < line->rid_count; i++)
        wr_printf(w, i ? ";%s" : "a=simulcast:recv %s", line->rids[i]);
    if (line->rid_count)
        wr_printf(w, "\r\n");
}

int line_find_rid(const struct line *line, const uint8_t *name, size_t len)
{
    for (size_t i = 0; i < line->rid_count; i++)
        if (strlen(line->rids[i]) == len && memcmp(line->rids[i], name, len) == 0)
            return (int)i;
    return -1;
}
