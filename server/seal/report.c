// SPDX-License-Identifier: Apache-2.0
/* Findings, gathered. */
#include "server/seal/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/er.h"
#include "base/str.h"

static const char *const verdicts[] = {"verifies", "does not verify", "cannot tell"};

int report_init(struct report *r)
{
    *r = (struct report){.findings = json_array()};
    return r->findings ? 0 : ER_NOMEM;
}

void report_clear(struct report *r)
{
    json_decref(r->findings);
    *r = (struct report){0};
}

struct report_place report_at_byte(uint64_t byte)
{
    struct report_place place = REPORT_ANYWHERE;
    place.byte = (int64_t)byte;
    return place;
}

struct report_place report_at_second(uint64_t second)
{
    struct report_place place = REPORT_ANYWHERE;
    place.second = (int64_t)second;
    return place;
}

struct report_place report_at_frame(uint32_t track, uint64_t at_ms, uint64_t byte)
{
    struct report_place place = report_at_second(at_ms / 1000);
    place.track = track;
    place.at_ms = (int64_t)at_ms;
    if (byte)
        place.byte = (int64_t)byte;
    return place;
}

struct report_place report_at_event(uint64_t seq)
{
    struct report_place place = REPORT_ANYWHERE;
    place.event = (int64_t)seq;
    return place;
}

static void set_place(json_t *o, const char *name, int64_t value)
{
    if (value != REPORT_NOWHERE)
        (void)json_object_set_new(o, name, json_integer(value));
}

/** What moves a terminal's cursor, ends a line or turns its direction. */
static bool is_unseen(uint32_t code)
{
    return utf8_is_control(code) || (code >= 0x200b && code <= 0x200f) ||
           (code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x206f) ||
           code == 0xfeff;
}

/** Texts quote what stands in files from strangers: none of it may speak for the report. */
static void make_plain(char *text)
{
    size_t len = strlen(text);
    for (size_t i = 0; i < len;) {
        uint32_t code = 0;
        size_t n = utf8_next(text + i, len - i, &code);
        if (n == 0 || is_unseen(code))
            memset(text + i, '?', n ? n : 1);
        i += n ? n : 1;
    }
}

void report_add(struct report *r, enum report_kind kind, const char *what,
                struct report_place place, const char *fmt, ...)
{
    static const char *const kinds[] = {"wrong", "unsure", "note"};
    char text[512];
    va_list args;
    size_t *count = kind == REPORT_IS_WRONG    ? &r->wrong
                    : kind == REPORT_IS_UNSURE ? &r->unsure
                                               : &r->notes;
    ++*count;
    if (json_array_size(r->findings) >= REPORT_FINDINGS)
        return;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    make_plain(text);
    json_t *o = json_pack("{s:s,s:s,s:s}", "kind", kinds[kind], "what", what, "text", text);
    if (!o)
        return;
    if (r->row)
        (void)json_object_set_new(o, "row", json_string(r->row));
    if (r->file)
        (void)json_object_set_new(o, "file", json_string(r->file));
    set_place(o, "byte", place.byte);
    set_place(o, "second", place.second);
    set_place(o, "track", place.track);
    set_place(o, "at_ms", place.at_ms);
    set_place(o, "event", place.event);
    (void)json_array_append_new(r->findings, o);
}

enum report_verdict report_verdict(const struct report *r)
{
    return r->wrong ? REPORT_WRONG : r->unsure ? REPORT_CANNOT_TELL : REPORT_VERIFIES;
}

static void print_finding(const json_t *f)
{
    static const char *const numbers[] = {"event", "second", "track", "at_ms", "byte"};
    const char *kind = json_string_value(json_object_get(f, "kind"));
    const char *file = json_string_value(json_object_get(f, "file"));
    const char *row = json_string_value(json_object_get(f, "row"));
    (void)printf("%s: ", kind);
    if (row)
        (void)printf("%s: ", row);
    if (file)
        (void)printf("%s: ", file);
    (void)printf("%s", json_string_value(json_object_get(f, "text")));
    const char *before = " [";
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        const json_t *value = json_object_get(f, numbers[i]);
        if (!value)
            continue;
        (void)printf("%s%s %lld", before, numbers[i], (long long)json_integer_value(value));
        before = ", ";
    }
    (void)printf("%s\n", before[0] == ',' ? "]" : "");
}

void report_print(const struct report *r)
{
    size_t i;
    const json_t *f;
    json_array_foreach(r->findings, i, f) print_finding(f);
    (void)puts(verdicts[report_verdict(r)]);
}

json_t *report_json(const struct report *r)
{
    return json_pack("{s:s,s:I,s:O}", "verdict", verdicts[report_verdict(r)], "wrong",
                     (json_int_t)r->wrong, "findings", r->findings);
}
