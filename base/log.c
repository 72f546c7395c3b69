// SPDX-License-Identifier: Apache-2.0
/* A line is formatted, taken apart into fields, and written anew as text or JSON: so whatever
 * stands in the values, the line keeps its form. */
#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/er.h"
#include "base/str.h"

#define FIELDS_MAX 32
#define KEY_MAX 32
/* A byte grows to six at most ("\u001b"), a field by its quotes, colon and comma. */
#define LINE_BYTES (LOG_FIELDS_BYTES * 6 + FIELDS_MAX * 8 + 512)
#define WINDOW_US 60000000u
#define BURST_DEFAULT 10

struct log {
    int fd;
    bool json;
    atomic_int level;
    pthread_mutex_t mutex; /* keeps lines whole */
};

struct field {
    struct span key;
    struct span value;
    bool quoted;
};

/** The fields of one line; the values stand in `store`, one behind the other. */
struct fields {
    struct field items[FIELDS_MAX];
    size_t count;
    char store[LOG_FIELDS_BYTES];
    size_t used;
    bool cut;
};

static const char *const level_names[] = {
    [LOG_DEBUG] = "debug",
    [LOG_INFO] = "info",
    [LOG_WARN] = "warn",
    [LOG_ERROR] = "error",
};

int log_new(struct log **ret, int fd, enum log_level level, bool json)
{
    *ret = NULL;
    struct log *l = calloc(1, sizeof *l);
    if (!l)
        return ER_NOMEM;
    if (pthread_mutex_init(&l->mutex, NULL)) {
        free(l);
        return ER_NOMEM;
    }
    l->fd = fd;
    l->json = json;
    atomic_init(&l->level, (int)level);
    *ret = l;
    return 0;
}

void log_free(struct log *l)
{
    if (!l)
        return;
    pthread_mutex_destroy(&l->mutex);
    free(l);
}

void log_set_level(struct log *l, enum log_level level)
{
    atomic_store_explicit(&l->level, (int)level, memory_order_relaxed);
}

int log_parse_level(const char *text, enum log_level *ret)
{
    for (size_t i = 0; i < sizeof level_names / sizeof level_names[0]; i++) {
        if (strcmp(text, level_names[i]) == 0) {
            *ret = (enum log_level)i;
            return 0;
        }
    }
    return ER_INVALID;
}

static bool is_key_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/** Whether `key` may name a new field: each occurs once in a line. */
static bool key_is_free(const struct fields *f, struct span key)
{
    static const char *const reserved[] = {"time", "level", "event", "truncated"};
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
        if (span_equal(key, reserved[i]))
            return false;
    for (size_t i = 0; i < f->count; i++)
        if (f->items[i].key.len == key.len && memcmp(f->items[i].key.at, key.at, key.len) == 0)
            return false;
    return f->count < FIELDS_MAX;
}

/** A value is never longer than the text it comes from, so the store cannot overflow; the check
 *  is for the reader's peace. */
static void value_add(struct fields *f, char c)
{
    if (f->used == sizeof f->store)
        return;
    f->store[f->used++] = c;
    f->items[f->count - 1].value.len++;
}

static void field_add(struct fields *f, struct span key)
{
    f->items[f->count++] = (struct field){
        .key = key,
        .value = {.at = f->store + f->used, .len = 0},
    };
}

/** What stands between two quotes, escapes undone; returns what is behind. */
static const char *take_quoted(struct fields *f, const char *p)
{
    f->items[f->count - 1].quoted = true;
    while (*p && *p != '"') {
        if (*p == '\\' && p[1]) {
            p++;
            value_add(f, *p == 'n' ? '\n' : *p == 't' ? '\t' : *p);
        } else {
            value_add(f, *p);
        }
        p++;
    }
    return *p ? p + 1 : p;
}

static void take_fields(struct fields *f, const char *p)
{
    for (;;) {
        while (*p == ' ')
            p++;
        if (!*p)
            return;
        struct span key = {.at = p, .len = 0};
        while (key.len < KEY_MAX && is_key_char(p[key.len]))
            key.len++;
        if (*p >= 'a' && *p <= 'z' && p[key.len] == '=' && key_is_free(f, key)) {
            field_add(f, key);
            p += key.len + 1;
            if (*p == '"')
                p = take_quoted(f, p + 1);
        } else if (!f->count) {
            field_add(f, span_of("text"));
        } else {
            value_add(f, ' ');
        }
        while (*p && *p != ' ')
            value_add(f, *p++);
    }
}

/** As a JSON string; for text, too. */
static void put_string(struct wr *w, struct span s)
{
    wr_u8(w, '"');
    for (size_t i = 0; i < s.len;) {
        uint32_t code;
        size_t n = utf8_next(s.at + i, s.len - i, &code);
        if (!n) {
            wr_printf(w, "\\ufffd");
            i++;
            continue;
        }
        if (code == '\n')
            wr_printf(w, "\\n");
        else if (code == '\t')
            wr_printf(w, "\\t");
        else if (code == '"' || code == '\\')
            wr_printf(w, "\\%c", (int)code);
        else if (utf8_is_control(code))
            wr_printf(w, "\\u%04x", (unsigned)code);
        else
            wr_bytes(w, s.at + i, n);
        i += n;
    }
    wr_u8(w, '"');
}

static size_t count_digits(struct span s)
{
    size_t n = 0;
    while (n < s.len && s.at[n] >= '0' && s.at[n] <= '9')
        n++;
    return n;
}

/** Whether a value stands in JSON as it is: a number every reader can hold, true or false. */
static bool is_literal(struct span s)
{
    if (span_equal(s, "true") || span_equal(s, "false"))
        return true;
    if (s.len && s.at[0] == '-')
        s = (struct span){.at = s.at + 1, .len = s.len - 1};
    size_t whole = count_digits(s);
    if (!whole || s.len > 15 || (whole > 1 && s.at[0] == '0'))
        return false;
    if (whole == s.len)
        return true;
    struct span rest = {.at = s.at + whole + 1, .len = s.len - whole - 1};
    return s.at[whole] == '.' && rest.len && count_digits(rest) == rest.len;
}

/** Whether a value needs no quotes in text. */
static bool is_plain(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] <= ' ' || s.at[i] > '~' || s.at[i] == '"' || s.at[i] == '\\' || s.at[i] == '=')
            return false;
    return s.len > 0;
}

static void put_json(struct wr *w, const char *time, const char *level, const char *event,
                     const struct fields *f)
{
    wr_printf(w, "{\"time\":\"%s\",\"level\":\"%s\",\"event\":", time, level);
    put_string(w, span_of(event));
    for (size_t i = 0; i < f->count; i++) {
        const struct field *field = &f->items[i];
        wr_printf(w, ",\"%.*s\":", (int)field->key.len, field->key.at);
        if (!field->quoted && is_literal(field->value))
            wr_bytes(w, field->value.at, field->value.len);
        else
            put_string(w, field->value);
    }
    wr_printf(w, "%s}\n", f->cut ? ",\"truncated\":true" : "");
}

static void put_text(struct wr *w, const char *time, const char *level, const char *event,
                     const struct fields *f)
{
    wr_printf(w, "%s %-5s ", time, level);
    if (is_plain(span_of(event)))
        wr_printf(w, "%s", event);
    else
        put_string(w, span_of(event));
    for (size_t i = 0; i < f->count; i++) {
        const struct field *field = &f->items[i];
        wr_printf(w, " %.*s=", (int)field->key.len, field->key.at);
        if (is_plain(field->value))
            wr_bytes(w, field->value.at, field->value.len);
        else
            put_string(w, field->value);
    }
    wr_printf(w, "%s\n", f->cut ? " truncated=true" : "");
}

/** Whole lines where the descriptor takes them; there is nobody to tell when it does not. */
static void write_line(struct log *l, const uint8_t *line, size_t len)
{
    pthread_mutex_lock(&l->mutex);
    while (len) {
        ssize_t n = write(l->fd, line, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        line += n;
        len -= (size_t)n;
    }
    pthread_mutex_unlock(&l->mutex);
}

void log_event(struct log *l, enum log_level level, const char *event, const char *fields, ...)
{
    if (!l || (int)level < atomic_load_explicit(&l->level, memory_order_relaxed))
        return;
    int saved = errno;
    char text[LOG_FIELDS_BYTES];
    struct fields f;
    f.count = 0;
    f.used = 0;
    f.cut = false;
    if (fields) {
        va_list args;
        va_start(args, fields);
        int len = vsnprintf(text, sizeof text, fields, args);
        va_end(args);
        f.cut = len < 0 || (size_t)len >= sizeof text;
        if (len >= 0)
            take_fields(&f, text);
    }
    char time[CLOCK_TEXT_BYTES];
    clock_format(clock_unix_us(), time);
    uint8_t line[LINE_BYTES];
    struct wr w = wr_make(line, sizeof line);
    (l->json ? put_json : put_text)(&w, time, level_names[level], event, &f);
    if (!w.bad)
        write_line(l, line, wr_len(&w));
    errno = saved;
}

const char *log_quote(char *dst, size_t size, const char *text)
{
    struct wr w = wr_make(dst, size);
    struct span s = span_of(text);
    wr_u8(&w, '"');
    for (size_t i = 0; i < s.len; i++) {
        bool escaped = s.at[i] == '"' || s.at[i] == '\\';
        // Two more bytes are kept for the closing quote and the NUL.
        if (size - wr_len(&w) < (escaped ? 4u : 3u))
            break;
        if (escaped)
            wr_u8(&w, '\\');
        wr_u8(&w, (uint8_t)s.at[i]);
    }
    wr_u8(&w, '"');
    wr_u8(&w, 0);
    return dst;
}

bool log_allow(struct log_limiter *limiter, uint64_t now_us, uint32_t *ret_suppressed)
{
    *ret_suppressed = 0;
    if (!limiter->window_us || now_us - limiter->window_us >= WINDOW_US) {
        *ret_suppressed = limiter->suppressed;
        limiter->window_us = now_us;
        limiter->count = 0;
        limiter->suppressed = 0;
    }
    uint32_t burst = limiter->burst ? limiter->burst : BURST_DEFAULT;
    if (limiter->count < burst) {
        limiter->count++;
        return true;
    }
    if (limiter->suppressed < UINT32_MAX)
        limiter->suppressed++;
    return false;
}
