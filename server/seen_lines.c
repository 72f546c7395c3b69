// SPDX-License-Identifier: Apache-2.0
/* From logs to lines by second. */
#include "server/seen_lines.h"

#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/limits.h"
#include "media/seenlog.h"

#define SECOND_US 1000000u

struct line {
    struct seenlog_line head; /* but for `first` */
    struct entry {
        bool there;
        struct seenlog_second second;
    } seconds[];
};

struct seen {
    uint64_t from_us;
    uint32_t first, count; /* seconds */
    size_t line_count;
    struct line *lines[SEEN_LINES];
};

int seen_new(struct seen **ret, uint64_t from_us, uint64_t to_us)
{
    uint64_t first = from_us / SECOND_US, end = (to_us + SECOND_US - 1) / SECOND_US;
    if (to_us < from_us || end > UINT32_MAX)
        return ER_INVALID;
    struct seen *s = calloc(1, sizeof *s);
    if (!s)
        return ER_NOMEM;
    s->from_us = from_us;
    s->first = (uint32_t)first;
    s->count = end - first < LIMIT_CLIP_SECONDS + 2u ? (uint32_t)(end - first)
                                                     : LIMIT_CLIP_SECONDS + 2u;
    *ret = s;
    return 0;
}

void seen_free(struct seen *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->line_count; i++)
        free(s->lines[i]);
    free(s);
}

static bool is_line(const struct line *l, const struct seenlog_line *head)
{
    return l->head.peer == head->peer && l->head.number == head->number &&
           l->head.kind == head->kind && strcmp(l->head.viewer, head->viewer) == 0 &&
           strcmp(l->head.publisher, head->publisher) == 0;
}

/** ER_FULL: there are as many as there may be. */
static int line_for(struct seen *s, const struct seenlog_line *head, struct line **ret)
{
    for (size_t i = 0; i < s->line_count; i++) {
        if (is_line(s->lines[i], head)) {
            *ret = s->lines[i];
            return 0;
        }
    }
    if (s->line_count == SEEN_LINES)
        return ER_FULL;
    struct line *l = calloc(1, sizeof *l + s->count * sizeof l->seconds[0]);
    if (!l)
        return ER_NOMEM;
    l->head = *head;
    s->lines[s->line_count++] = l;
    *ret = l;
    return 0;
}

static int add_line(struct seen *s, struct seenlog_reader *r)
{
    const struct seenlog_line head = r->line;
    struct line *l = NULL;
    struct seenlog_second second;
    int er;
    for (uint64_t at = head.first; (er = seenlog_next(r, &second)) == 0; at++) {
        if (at < s->first || at >= (uint64_t)s->first + s->count)
            continue;
        er = l ? 0 : line_for(s, &head, &l);
        if (er != 0)
            return er == ER_FULL ? 0 : er;
        l->seconds[at - s->first] = (struct entry){.there = true, .second = second};
    }
    return er == ER_NOT_FOUND ? 0 : er;
}

int seen_add(struct seen *s, const void *log, size_t len)
{
    struct seenlog_reader r = seenlog_read(log, len);
    int er;
    while ((er = seenlog_next_line(&r)) == 0) {
        er = add_line(s, &r);
        if (er != 0)
            return er;
    }
    return er == ER_NOT_FOUND ? 0 : er;
}

int seen_span(const void *log, size_t len, uint32_t *ret_from, uint32_t *ret_to)
{
    struct seenlog_reader r = seenlog_read(log, len);
    struct seenlog_second second;
    uint32_t from = UINT32_MAX, to = 0;
    int er;
    while ((er = seenlog_next_line(&r)) == 0) {
        uint32_t end = r.line.first;
        while ((er = seenlog_next(&r, &second)) == 0)
            end++;
        if (er != ER_NOT_FOUND)
            break;
        if (r.line.first < from)
            from = r.line.first;
        if (end > to)
            to = end;
    }
    *ret_from = from;
    *ret_to = to;
    return er == ER_NOT_FOUND && from < to ? 0 : ER_MALFORMED;
}

/* As JSON */

static const char *const states[SEENLOG_STATES] = {
    [SEENLOG_MOVING] = "video",
    [SEENLOG_SLIDESHOW] = "slideshow",
    [SEENLOG_AUDIO_ONLY] = "audio_only",
    [SEENLOG_PAUSED] = "paused",
};

static json_t *layer_json(const struct seenlog_layer *l, uint32_t from)
{
    return json_pack("{s:i,s:s,s:i,s:i,s:i,s:i,s:i}", "from", (int)from, "state", states[l->state],
                     "encoding", (int)l->encoding, "spatial", (int)l->spatial, "temporal",
                     (int)l->temporal, "width", (int)l->width, "height", (int)l->height);
}

static json_t *layers_json(const struct entry *seconds, uint32_t count)
{
    json_t *list = json_array();
    for (uint32_t i = 0; list && i < count; i++) {
        const struct seenlog_layer *l = &seconds[i].second.layer;
        if (i > 0 && memcmp(l, &seconds[i - 1].second.layer, sizeof *l) == 0)
            continue;
        if (json_array_append_new(list, layer_json(l, i))) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

enum column { COLUMN_SENT, COLUMN_ARRIVED, COLUMN_FROZEN, COLUMN_LOST };

static uint16_t value_of(const struct seenlog_second *s, enum column column)
{
    switch (column) {
    case COLUMN_SENT:
        return s->sent;
    case COLUMN_ARRIVED:
        return s->arrived;
    case COLUMN_FROZEN:
        return s->frozen_ms;
    default:
        return s->lost;
    }
}

static json_t *column_json(const struct entry *seconds, uint32_t count, enum column column)
{
    json_t *list = json_array();
    for (uint32_t i = 0; list && i < count; i++) {
        uint16_t v = value_of(&seconds[i].second, column);
        if (json_array_append_new(list, v == SEENLOG_UNKNOWN ? json_null() : json_integer(v))) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *stretch_json(const struct seen *s, const struct line *l, uint32_t at, uint32_t count)
{
    bool video = l->head.kind == SEENLOG_VIDEO;
    const struct entry *seconds = &l->seconds[at];
    int64_t from_us = (int64_t)(s->first + (uint64_t)at) * SECOND_US - (int64_t)s->from_us;
    int64_t from_ms = (from_us - (from_us < 0 ? 999 : 0)) / 1000;
    json_t *o = json_pack("{s:s,s:s,s:s,s:s,s:I,s:o,s:o,s:o}", "viewer", l->head.viewer,
                          "publisher", l->head.publisher, "kind", video ? "video" : "audio",
                          "source", "server", "from_ms", (json_int_t)from_ms, "sent",
                          column_json(seconds, count, COLUMN_SENT), "arrived",
                          column_json(seconds, count, COLUMN_ARRIVED), "lost",
                          column_json(seconds, count, COLUMN_LOST));
    if (!o || !video)
        return o;
    if (json_object_set_new(o, "frozen_ms", column_json(seconds, count, COLUMN_FROZEN)) ||
        json_object_set_new(o, "layers", layers_json(seconds, count))) {
        json_decref(o);
        return NULL;
    }
    return o;
}

json_t *seen_json(const struct seen *s)
{
    json_t *items = json_array();
    for (size_t i = 0; items && i < s->line_count; i++) {
        const struct line *l = s->lines[i];
        for (uint32_t at = 0, end; items && at < s->count; at = end) {
            end = at + 1;
            if (!l->seconds[at].there)
                continue;
            while (end < s->count && l->seconds[end].there)
                end++;
            if (json_array_append_new(items, stretch_json(s, l, at, end - at))) {
                json_decref(items);
                items = NULL;
            }
        }
    }
    return items;
}
