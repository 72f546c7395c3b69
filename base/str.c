// SPDX-License-Identifier: Apache-2.0
/* Bounded text: copies, spans, numbers, hexadecimal, UTF-8. */
#include "base/str.h"

#include <string.h>

#include "base/er.h"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static bool is_continuation(char c)
{
    return ((uint8_t)c & 0xc0) == 0x80;
}

int str_copy(char *dst, size_t size, const char *src)
{
    return str_copy_span(dst, size, span_of(src));
}

int str_copy_span(char *dst, size_t size, struct span src)
{
    if (!size)
        return ER_TRUNCATED;
    size_t n = src.len;
    if (n >= size) {
        n = size - 1;
        // At most three steps back: text that is no UTF-8 must not be eaten whole.
        for (int i = 0; i < 3 && n && is_continuation(src.at[n]); i++)
            n--;
    }
    if (n)
        memcpy(dst, src.at, n);
    dst[n] = '\0';
    return n == src.len ? 0 : ER_TRUNCATED;
}

struct span span_of(const char *text)
{
    return (struct span){.at = text, .len = text ? strlen(text) : 0};
}

bool span_equal(struct span s, const char *text)
{
    size_t len = strlen(text);
    return s.len == len && (!len || memcmp(s.at, text, len) == 0);
}

bool span_equal_nocase(struct span s, const char *text)
{
    if (s.len != strlen(text))
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (lower(s.at[i]) != lower(text[i]))
            return false;
    return true;
}

bool span_starts(struct span s, const char *prefix)
{
    size_t len = strlen(prefix);
    return s.len >= len && (!len || memcmp(s.at, prefix, len) == 0);
}

struct span span_cut(struct span *rest, char sep)
{
    struct span whole = *rest;
    const char *hit = whole.len ? memchr(whole.at, sep, whole.len) : NULL;
    if (!hit) {
        *rest = (struct span){.at = NULL, .len = 0};
        return whole;
    }
    size_t len = (size_t)(hit - whole.at);
    *rest = (struct span){.at = hit + 1, .len = whole.len - len - 1};
    return (struct span){.at = whole.at, .len = len};
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct span span_trim(struct span s)
{
    while (s.len && is_space(s.at[0])) {
        s.at++;
        s.len--;
    }
    while (s.len && is_space(s.at[s.len - 1]))
        s.len--;
    return s;
}

int span_u64(struct span s, uint64_t max, uint64_t *ret)
{
    uint64_t v = 0;
    if (!s.len)
        return ER_MALFORMED;
    for (size_t i = 0; i < s.len; i++) {
        unsigned digit = (unsigned)(uint8_t)s.at[i] - '0';
        if (digit > 9 || __builtin_mul_overflow(v, UINT64_C(10), &v) ||
            __builtin_add_overflow(v, digit, &v) || v > max)
            return ER_MALFORMED;
    }
    *ret = v;
    return 0;
}

void hex_encode(char *dst, const uint8_t *data, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        dst[2 * i] = digits[data[i] >> 4];
        dst[2 * i + 1] = digits[data[i] & 15];
    }
    dst[2 * len] = '\0';
}

int hex_decode(uint8_t *dst, size_t len, struct span text)
{
    static const uint8_t digits[256] = {
        /* what it stands for, and one more */
        ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,
        ['6'] = 7,  ['7'] = 8,  ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12,
        ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16, ['A'] = 11, ['B'] = 12,
        ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16};
    if (text.len / 2 != len || text.len % 2)
        return ER_MALFORMED;
    for (size_t i = 0; i < len; i++) {
        unsigned high = digits[(uint8_t)text.at[2 * i]], low = digits[(uint8_t)text.at[2 * i + 1]];
        if (high == 0 || low == 0)
            return ER_MALFORMED;
        dst[i] = (uint8_t)((high - 1) << 4 | (low - 1));
    }
    return 0;
}

size_t utf8_next(const char *text, size_t len, uint32_t *ret_code)
{
    if (!len)
        return 0;
    uint8_t first = (uint8_t)text[0];
    if (first < 0x80) {
        *ret_code = first;
        return 1;
    }
    size_t n = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || n > len)
        return 0;
    static const uint32_t least[] = {[2] = 0x80, [3] = 0x800, [4] = 0x10000};
    uint32_t code = first & (0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if (!is_continuation(text[i]))
            return 0;
        code = code << 6 | ((uint8_t)text[i] & 0x3f);
    }
    if (code < least[n] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return 0;
    *ret_code = code;
    return n;
}

bool utf8_is_clean(const char *text, size_t len)
{
    for (size_t i = 0; i < len;) {
        uint32_t code;
        size_t n = utf8_next(text + i, len - i, &code);
        if (!n || (utf8_is_control(code) && code != '\t' && code != '\n'))
            return false;
        i += n;
    }
    return true;
}
