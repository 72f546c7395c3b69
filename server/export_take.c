// SPDX-License-Identifier: Apache-2.0
/* The take's certificate, cut to a part where the clip is one. */
#include "server/export_take.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static json_int_t number(const json_t *o, const char *name)
{
    return json_integer_value(json_object_get(o, name));
}

static bool is(const json_t *o, const char *kind)
{
    const char *text = json_string_value(json_object_get(o, "kind"));
    return text && strcmp(text, kind) == 0;
}

/** Where a break ends: a state that a mark began lasts until another mark, or to the end of all. */
static json_int_t end_of(const json_t *one, const json_t *marks, json_int_t whole)
{
    static const char *const ends[][2] = {
        {"muted", "unmuted"}, {"covered", "uncovered"}, {"track_ended", "track_changed"}};
    json_int_t from = number(one, "from_ms"), to = number(one, "to_ms");
    for (size_t i = 0; to <= from && i < sizeof ends / sizeof ends[0]; i++) {
        const json_t *mark;
        size_t k;
        if (!is(one, ends[i][0]))
            continue;
        json_array_foreach(marks, k, mark)
        {
            if (is(mark, ends[i][1]) && number(mark, "at_ms") >= from)
                return number(mark, "at_ms");
        }
        return whole;
    }
    return to;
}

/** The breaks of [from, to], counted from there. */
static json_t *breaks_within(const json_t *seal, json_int_t from, json_int_t to, json_int_t whole)
{
    const json_t *marks = json_object_get(seal, "marks"), *one;
    json_t *breaks = json_array();
    size_t i;
    json_array_foreach(json_object_get(json_object_get(seal, "take"), "breaks"), i, one)
    {
        json_int_t begin = number(one, "from_ms"), end = end_of(one, marks, whole);
        if (end < from || begin > to || (begin == to && to > from))
            continue;
        begin = begin > from ? begin : from;
        end = end < to ? end : to;
        if (json_array_append_new(breaks,
                                  json_pack("{s:I,s:I,s:O?}", "from_ms", begin - from, "to_ms",
                                            end - from, "kind", json_object_get(one, "kind")))) {
            json_decref(breaks);
            return NULL;
        }
    }
    return breaks;
}

/** Whether the log that tells of breaks is whole: it came to its end, and all of it was kept. */
static bool is_told(const json_t *seal)
{
    const json_t *recorder = json_object_get(seal, "recorder");
    return json_object_get(seal, "take") && !json_is_false(json_object_get(recorder, "ended")) &&
           number(recorder, "left_out") == 0;
}

json_t *export_take(const json_t *manifest)
{
    const json_t *seal = json_object_get(manifest, "seal");
    const json_t *trim = json_object_get(manifest, "trim");
    const json_t *take = json_object_get(seal, "take");
    json_int_t whole = number(take, "to_ms"), from = 0, to = whole;
    if (trim) {
        from = number(trim, "from_ms");
        to = whole && whole < number(trim, "to_ms") ? whole : number(trim, "to_ms");
    }
    json_t *breaks = breaks_within(seal, from, to, whole);
    json_t *continuous = !breaks                   ? NULL
                         : json_array_size(breaks) ? json_false()
                         : is_told(seal)           ? json_true()
                                                   : json_null();
    return json_pack("{s:o,s:i,s:I,s:b,s:o}", "continuous", continuous, "from_ms", 0, "to_ms",
                     to - from, "lens_checked", json_is_true(json_object_get(take, "lens_checked")),
                     "breaks", breaks);
}
