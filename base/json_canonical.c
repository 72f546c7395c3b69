// SPDX-License-Identifier: Apache-2.0
/* The canonical form of JSON, after RFC 8785: what is hashed must come out the same for whoever
 * computes it anew. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

#define DIGITS 17       /* enough for every double */
#define NUMBER_BYTES 64 /* for any number */

/** A text that grows. */
struct out {
    char *text;
    size_t len, size;
    bool bad; /* no memory: nothing more is written */
};

static void put(struct out *out, const char *text, size_t len)
{
    if (out->size - out->len < len && !out->bad) {
        size_t size = out->size * 2 + len;
        char *more = realloc(out->text, size);
        out->bad = more == NULL;
        out->text = more ? more : out->text;
        out->size = more ? size : out->size;
    }
    if (out->bad || len == 0)
        return;
    memcpy(out->text + out->len, text, len);
    out->len += len;
}

static void put_char(struct out *out, char c)
{
    put(out, &c, 1);
}

/** Not more than NUMBER_BYTES. */
__attribute__((format(printf, 2, 3))) static void put_format(struct out *out, const char *format,
                                                             ...)
{
    char text[NUMBER_BYTES];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    put(out, text, len > 0 ? (size_t)len : 0);
}

/** The fewest digits that are this number again: "ddd", and the place of its point before them. */
static int shortest(double v, char ret[DIGITS + 1])
{
    char text[DIGITS + 16];
    for (int digits = 1; digits <= DIGITS; digits++) {
        (void)snprintf(text, sizeof text, "%.*e", digits - 1, v);
        if (strtod(text, NULL) == v)
            break;
    }
    size_t len = 0;
    for (const char *p = text; *p && *p != 'e'; p++) {
        if (*p != '.' && len < DIGITS)
            ret[len++] = *p;
    }
    while (len > 1 && ret[len - 1] == '0')
        len--;
    ret[len] = '\0';
    const char *exponent = strchr(text, 'e');
    return (exponent ? (int)strtol(exponent + 1, NULL, 10) : 0) + 1;
}

static void write_real(struct out *out, double v)
{
    char digits[DIGITS + 1];
    if (v == 0) {
        put_char(out, '0'); /* -0 too */
        return;
    }
    if (v < 0)
        put_char(out, '-');
    int point = shortest(fabs(v), digits), len = (int)strlen(digits);
    if (point > 21 || point < -5) {
        put_format(out, "%c%s%se%+d", digits[0], len > 1 ? "." : "", digits + 1, point - 1);
    } else if (point <= 0) {
        put_format(out, "0.%.*s%s", -point, "00000", digits);
    } else if (point < len) {
        put_format(out, "%.*s.%s", point, digits, digits + point);
    } else {
        put_format(out, "%s%.*s", digits, point - len, "00000000000000000000");
    }
}

/** What stands between characters that need an escape goes out in one piece. */
static void write_text(struct out *out, const char *text, size_t len)
{
    static const char named[] = "\b\t\n\f\r\"\\", names[] = "btnfr\"\\";
    size_t from = 0;
    put_char(out, '"');
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        put(out, text + from, i - from);
        from = i + 1;
        const char *special = c ? strchr(named, c) : NULL;
        if (special)
            put_format(out, "\\%c", names[special - named]);
        else
            put_format(out, "\\u%04x", (unsigned)c);
    }
    put(out, text + from, len - from);
    put_char(out, '"');
}

static bool write_value(struct out *out, const json_t *value);

static int compare_keys(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    return strcmp(*x, *y);
}

/** Its members' names in order, to free(); NULL: no memory. */
static const char **sorted_keys(const json_t *object)
{
    size_t count = 0;
    const char **keys = calloc(json_object_size(object) + 1, sizeof *keys);
    json_t *o = (json_t *)(uintptr_t)object; /* jansson walks, but does not change it */
    for (void *at = keys ? json_object_iter(o) : NULL; at; at = json_object_iter_next(o, at))
        keys[count++] = json_object_iter_key(at);
    if (count)
        qsort(keys, count, sizeof *keys, compare_keys);
    return keys;
}

/** Places are left for members: behind the last one whose name is before theirs. */
struct places {
    const char *const *names;
    size_t count, *at;
};

/** `places` may be NULL. */
static bool write_members(struct out *out, const json_t *object, const struct places *places)
{
    const char **keys = sorted_keys(object);
    bool good = keys != NULL;
    put_char(out, '{');
    for (size_t i = 0; good && keys[i]; i++) {
        if (i)
            put_char(out, ',');
        write_text(out, keys[i], strlen(keys[i]));
        put_char(out, ':');
        good = write_value(out, json_object_get(object, keys[i]));
        for (size_t k = 0; places && k < places->count; k++) {
            if (strcmp(keys[i], places->names[k]) < 0)
                places->at[k] = out->len;
        }
    }
    put_char(out, '}');
    free(keys);
    return good;
}

static bool write_array(struct out *out, const json_t *array)
{
    bool good = true;
    put_char(out, '[');
    for (size_t i = 0; good && i < json_array_size(array); i++) {
        if (i)
            put_char(out, ',');
        good = write_value(out, json_array_get(array, i));
    }
    put_char(out, ']');
    return good;
}

/** Recursion is as deep as the value, which json_parse() bounds. */
static bool write_value(struct out *out, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return write_members(out, value, NULL);
    case JSON_ARRAY:
        return write_array(out, value);
    case JSON_STRING:
        write_text(out, json_string_value(value), json_string_length(value));
        return true;
    case JSON_INTEGER:
        put_format(out, "%lld", (long long)json_integer_value(value));
        return true;
    case JSON_REAL:
        write_real(out, json_real_value(value));
        return true;
    case JSON_TRUE:
    case JSON_FALSE:
        put_format(out, "%s", json_is_true(value) ? "true" : "false");
        return true;
    default:
        put(out, "null", 4);
        return true;
    }
}

/** The text of `out`, NUL-terminated; NULL where it is not whole. */
static char *finished(struct out *out, bool good)
{
    put_char(out, '\0');
    if (good && !out->bad)
        return out->text;
    free(out->text);
    return NULL;
}

char *json_canonical(const json_t *value)
{
    struct out out = {0};
    bool good = value && write_value(&out, value);
    return finished(&out, good);
}

char *json_canonical_but(const json_t *object, const char *const *names, size_t count,
                         size_t *ret_at)
{
    struct out out = {0};
    const struct places places = {names, count, ret_at};
    bool good = json_is_object(object);
    for (size_t i = 0; i < count; i++) {
        ret_at[i] = 0;
        good = good && !json_object_get(object, names[i]);
    }
    good = good && write_members(&out, object, &places);
    for (size_t i = 0; i < count; i++)
        good = good && ret_at[i] > 0;
    return finished(&out, good);
}
