// SPDX-License-Identifier: Apache-2.0
/* Bounded JSON parsing and typed access. */
#include "base/json.h"

#include "base/er.h"
#include "base/limits.h"
#include "base/str.h"

#define OUT_OF_RANGE "a number out of range: whole numbers are within -2^63 .. 2^63 - 1"

/** Depth is counted before jansson builds anything. Brackets in strings do not count; a text that
 *  breaks the grammar may be counted wrongly, and is refused by the parser. */
static bool is_too_deep(const char *text, size_t len)
{
    unsigned depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (quoted) {
            if (c == '\\')
                i++;
            else if (c == '"')
                quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            if (++depth > LIMIT_JSON_DEPTH)
                return true;
        } else if ((c == '}' || c == ']') && depth) {
            depth--;
        }
    }
    return false;
}

static int fail(int er, const char *why, const char **ret_why)
{
    if (ret_why)
        *ret_why = why;
    return er;
}

static int explain(const json_error_t *error, const char **ret_why)
{
    switch (json_error_code(error)) {
    case json_error_out_of_memory:
        return fail(ER_NOMEM, "out of memory", ret_why);
    case json_error_invalid_utf8:
        return fail(ER_MALFORMED, "not UTF-8", ret_why);
    case json_error_duplicate_key:
        return fail(ER_MALFORMED, "a key occurs twice", ret_why);
    case json_error_end_of_input_expected:
        return fail(ER_MALFORMED, "bytes after the end", ret_why);
    case json_error_premature_end_of_input:
        return fail(ER_MALFORMED, "ends too early", ret_why);
    case json_error_numeric_overflow:
        return fail(ER_MALFORMED, OUT_OF_RANGE, ret_why);
    case json_error_null_character:
    case json_error_null_byte_in_key:
        return fail(ER_MALFORMED, "a NUL character", ret_why);
    default:
        return fail(ER_MALFORMED, "not JSON", ret_why);
    }
}

/** A real number that is whole and beyond 63 bits would be written without a point (up to 1e21), as
 *  an integer that is not taken in. */
static bool has_wide_real(const json_t *value)
{
    const char *key;
    json_t *item;
    size_t i;
    if (json_is_real(value)) {
        double v = json_real_value(value);
        v = v < 0 ? -v : v;
        return v >= 0x1p63 && v < 1e21;
    }
    json_array_foreach(value, i, item)
    {
        if (has_wide_real(item))
            return true;
    }
    json_t *object = (json_t *)(uintptr_t)value;
    json_object_foreach(object, key, item)
    {
        if (has_wide_real(item))
            return true;
    }
    return false;
}

int json_parse(const char *text, size_t len, json_t **ret, const char **ret_why)
{
    *ret = NULL;
    if (!len)
        return fail(ER_MALFORMED, "ends too early", ret_why);
    if (is_too_deep(text, len))
        return fail(ER_MALFORMED, "nested too deeply", ret_why);
    json_error_t error;
    json_t *value = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    if (!value)
        return explain(&error, ret_why);
    if (!json_is_object(value)) {
        json_decref(value);
        return fail(ER_MALFORMED, "not an object", ret_why);
    }
    if (has_wide_real(value)) {
        json_decref(value);
        return fail(ER_MALFORMED, OUT_OF_RANGE, ret_why);
    }
    *ret = value;
    return 0;
}

const char *json_text(const json_t *object, const char *key, size_t max)
{
    const json_t *member = json_object_get(object, key);
    if (!json_is_string(member))
        return NULL;
    const char *text = json_string_value(member);
    size_t len = json_string_length(member);
    return len <= max && utf8_is_clean(text, len) ? text : NULL;
}

bool json_flag(const json_t *object, const char *key, bool otherwise)
{
    const json_t *member = json_object_get(object, key);
    return json_is_boolean(member) ? json_is_true(member) : otherwise;
}

int json_int(const json_t *object, const char *key, int64_t min, int64_t max, int64_t *ret)
{
    const json_t *member = json_object_get(object, key);
    if (!member)
        return ER_NOT_FOUND;
    if (!json_is_integer(member))
        return ER_MALFORMED;
    int64_t v = json_integer_value(member);
    if (v < min || v > max)
        return ER_MALFORMED;
    *ret = v;
    return 0;
}
