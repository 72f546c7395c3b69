// SPDX-License-Identifier: Apache-2.0
/* The canonical form of JSON, after RFC 8785: what is hashed must come out the same for whoever
 * computes it anew. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

#define DIGITS 17 /* enough for every double */

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

static void write_real(FILE *out, double v)
{
    char digits[DIGITS + 1];
    if (v == 0) {
        (void)putc_unlocked('0', out); /* -0 too */
        return;
    }
    if (v < 0)
        (void)putc_unlocked('-', out);
    int point = shortest(fabs(v), digits), len = (int)strlen(digits);
    if (point > 21 || point < -5) {
        (void)fprintf(out, "%c%s%se%+d", digits[0], len > 1 ? "." : "", digits + 1, point - 1);
    } else if (point <= 0) {
        (void)fprintf(out, "0.%.*s%s", -point, "00000", digits);
    } else if (point < len) {
        (void)fprintf(out, "%.*s.%s", point, digits, digits + point);
    } else {
        (void)fprintf(out, "%s%.*s", digits, point - len, "00000000000000000000");
    }
}

/** What stands between characters that need an escape goes out in one piece. Nobody else has the stream,
 *  so that nothing need be locked. */
static void write_text(FILE *out, const char *text, size_t len)
{
    static const char named[] = "\b\t\n\f\r\"\\", names[] = "btnfr\"\\";
    size_t from = 0;
    (void)putc_unlocked('"', out);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        (void)fwrite_unlocked(text + from, 1, i - from, out);
        from = i + 1;
        const char *special = c ? strchr(named, c) : NULL;
        if (special)
            (void)fprintf(out, "\\%c", names[special - named]);
        else
            (void)fprintf(out, "\\u%04x", (unsigned)c);
    }
    (void)fwrite_unlocked(text + from, 1, len - from, out);
    (void)putc_unlocked('"', out);
}

static bool write_value(FILE *out, const json_t *value);

static int compare_keys(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    return strcmp(*x, *y);
}

static bool write_object(FILE *out, const json_t *object)
{
    size_t count = 0;
    const char **keys = calloc(json_object_size(object) + 1, sizeof *keys);
    bool good = keys != NULL;
    json_t *o = (json_t *)(uintptr_t)object; /* jansson walks, but does not change it */
    for (void *at = good ? json_object_iter(o) : NULL; at; at = json_object_iter_next(o, at))
        keys[count++] = json_object_iter_key(at);
    if (good)
        qsort(keys, count, sizeof *keys, compare_keys);
    (void)putc_unlocked('{', out);
    for (size_t i = 0; good && i < count; i++) {
        if (i)
            (void)putc_unlocked(',', out);
        write_text(out, keys[i], strlen(keys[i]));
        (void)putc_unlocked(':', out);
        good = write_value(out, json_object_get(object, keys[i]));
    }
    (void)putc_unlocked('}', out);
    free(keys);
    return good;
}

static bool write_array(FILE *out, const json_t *array)
{
    bool good = true;
    (void)putc_unlocked('[', out);
    for (size_t i = 0; good && i < json_array_size(array); i++) {
        if (i)
            (void)putc_unlocked(',', out);
        good = write_value(out, json_array_get(array, i));
    }
    (void)putc_unlocked(']', out);
    return good;
}

/** Recursion is as deep as the value, which json_parse() bounds. */
static bool write_value(FILE *out, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return write_object(out, value);
    case JSON_ARRAY:
        return write_array(out, value);
    case JSON_STRING:
        write_text(out, json_string_value(value), json_string_length(value));
        return true;
    case JSON_INTEGER:
        (void)fprintf(out, "%lld", (long long)json_integer_value(value));
        return true;
    case JSON_REAL:
        write_real(out, json_real_value(value));
        return true;
    case JSON_TRUE:
    case JSON_FALSE:
        (void)fputs(json_is_true(value) ? "true" : "false", out);
        return true;
    default:
        (void)fputs("null", out);
        return true;
    }
}

char *json_canonical(const json_t *value)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = value ? open_memstream(&text, &size) : NULL;
    if (!out)
        return NULL;
    bool good = write_value(out, value) && !ferror(out);
    if (fclose(out) == 0 && good)
        return text;
    free(text);
    return NULL;
}
