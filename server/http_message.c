// SPDX-License-Identifier: Apache-2.0
/* Requests and answers as values. */
#include "server/http_message.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/er.h"
#include "base/limits.h"
#include "base/str.h"

static const char *const methods[HTTP_METHODS] = {
    [HTTP_GET] = "GET",         [HTTP_HEAD] = "HEAD",   [HTTP_POST] = "POST",
    [HTTP_PUT] = "PUT",         [HTTP_PATCH] = "PATCH", [HTTP_DELETE] = "DELETE",
    [HTTP_OPTIONS] = "OPTIONS",
};

const char *http_method_name(enum http_method method)
{
    return (unsigned)method < HTTP_METHODS ? methods[method] : "?";
}

void http_request_free(struct http_request *r)
{
    if (!r)
        return;
    char *texts[] = {r->path,          r->query,           r->host,
                     r->authorization, r->content_type,    r->if_match,
                     r->if_range,      r->range,           r->if_none_match,
                     r->origin,        r->idempotency_key, r->accept,
                     r->upload_offset, r->upload_complete, r->repr_digest};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        free(texts[i]);
    free(r->body);
    free(r);
}

/** Percent-decoded into `ret`. */
static int query_decode(struct span text, char *ret, size_t size)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i] == '+' ? ' ' : text.at[i];
        if (c == '%') {
            uint8_t byte;
            if (i + 2 >= text.len ||
                hex_decode(&byte, 1, (struct span){.at = text.at + i + 1, .len = 2}) || !byte)
                return ER_MALFORMED;
            c = (char)byte;
            i += 2;
        }
        if (len + 1 >= size)
            return ER_TRUNCATED;
        ret[len++] = c;
    }
    ret[len] = '\0';
    return utf8_is_clean(ret, len) ? 0 : ER_MALFORMED;
}

int http_query(const struct http_request *r, const char *name, char *ret, size_t size)
{
    ret[0] = '\0';
    if (!r->query)
        return ER_NOT_FOUND;
    struct span rest = span_of(r->query);
    while (rest.at) {
        struct span value = span_cut(&rest, '&');
        struct span key = span_cut(&value, '=');
        if (!span_equal(key, name))
            continue;
        int er = value.at ? query_decode(value, ret, size) : 0;
        if (er)
            ret[0] = '\0';
        return er;
    }
    return ER_NOT_FOUND;
}

void http_header_add(struct http_response *r, const char *name, const char *fmt, ...)
{
    char *value = NULL;
    va_list args;
    va_start(args, fmt);
    int len = vasprintf(&value, fmt, args);
    va_end(args);
    if (len < 0)
        return;
    if (r->header_count == HTTP_HEADERS_MAX) {
        free(value);
        return;
    }
    char *to = value;
    for (const char *from = value; *from; from++) {
        if ((unsigned char)*from >= 0x20 && *from != 0x7f)
            *to++ = *from;
    }
    *to = '\0';
    r->headers[r->header_count++] = (struct http_header){.name = name, .value = value};
}

static void body_drop(struct http_response *r)
{
    free(r->body);
    r->body = NULL;
    r->constant = NULL;
    r->body_len = 0;
    if (r->source.read)
        r->source.free(r->source.ctx);
    else if (r->file_size)
        file_close(r->file);
    r->source = (struct http_source){0};
    r->file_size = 0;
    r->file = NULL;
}

void http_body_take(struct http_response *r, int status, const char *content_type, char *text)
{
    if (!text) {
        http_problem(r, 500, NULL);
        return;
    }
    body_drop(r);
    r->status = status;
    r->content_type = content_type;
    r->body = text;
    r->body_len = strlen(text);
}

static const struct {
    int status;
    const char *reason;
} reasons[] = {
    {200, "OK"},
    {201, "Created"},
    {204, "No Content"},
    {206, "Partial Content"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {409, "Conflict"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {422, "Unprocessable Content"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {507, "Insufficient Storage"},
};

static const char *reason_of(int status)
{
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if (reasons[i].status == status)
            return reasons[i].reason;
    }
    return "Error";
}

void http_problem(struct http_response *r, int status, const char *detail)
{
    body_drop(r);
    r->etag[0] = '\0';
    r->status = status;
    json_t *o = json_pack("{s:s,s:s,s:i,s:s*}", "type", "about:blank", "title", reason_of(status),
                          "status", status, "detail", detail);
    r->body = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    r->body_len = r->body ? strlen(r->body) : 0;
    r->content_type = r->body ? "application/problem+json" : NULL;
}

void http_problem_er(struct http_response *r, int er, const char *detail)
{
    static const struct {
        int er;
        int status;
    } table[] = {
        {ER_NOT_FOUND, 404}, {ER_DENIED, 403},      {ER_CONFLICT, 409}, {ER_STALE, 412},
        {ER_FULL, 503},      {ER_CLOSED, 503},      {ER_AGAIN, 503},    {ER_MALFORMED, 400},
        {ER_INVALID, 400},   {ER_TRUNCATED, 400},   {ER_NOMEM, 503},    {ER_UNAUTHENTIC, 401},
        {ER_IO, 503},        {ER_UNSUPPORTED, 400},
    };
    int status = 500;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (table[i].er == er)
            status = table[i].status;
    }
    if (status == 503)
        http_header_add(r, "retry-after", "5");
    http_problem(r, status, detail);
}

void http_response_clear(struct http_response *r)
{
    for (size_t i = 0; i < r->header_count; i++)
        free(r->headers[i].value);
    body_drop(r);
    memset(r, 0, sizeof *r);
}

bool http_origin_allowed(const char *const *origins, size_t count, const char *origin,
                         const char *host)
{
    if (!origin)
        return true;
    const char *own = strstr(origin, "://");
    if (own && host && strcasecmp(own + 3, host) == 0)
        return true;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(origins[i], "*") == 0 || strcasecmp(origins[i], origin) == 0)
            return true;
    }
    return false;
}

/* Settling */

static void settle_file(struct http_response *r, const struct http_asked *asked,
                        struct http_slice *slice)
{
    *slice = (struct http_slice){.first = 0, .len = r->file_size};
    if (r->source.read)
        return;
    http_header_add(r, "accept-ranges", "bytes");
    if (!asked->range || asked->method != HTTP_GET ||
        (asked->if_range && !http_etag_listed(asked->if_range, r->etag, true)))
        return;
    struct http_slice part;
    int er = http_range_parse(asked->range, r->file_size, &part);
    if (er == ER_NOT_FOUND) {
        http_header_add(r, "content-range", "bytes */%llu", (unsigned long long)r->file_size);
        http_problem(r, 416, NULL);
        *slice = (struct http_slice){.first = 0, .len = r->body_len};
    } else if (er == 0) {
        r->status = 206;
        http_header_add(r, "content-range", "bytes %llu-%llu/%llu", (unsigned long long)part.first,
                        (unsigned long long)(part.first + part.len - 1),
                        (unsigned long long)r->file_size);
        *slice = part;
    }
}

void http_settle(struct http_response *r, const struct http_asked *asked,
                 struct http_slice *ret_slice)
{
    bool reads = asked->method == HTTP_GET || asked->method == HTTP_HEAD;
    if (reads && r->status == 200 && asked->if_none_match && r->etag[0] &&
        http_etag_listed(asked->if_none_match, r->etag, false)) {
        body_drop(r);
        r->status = 304;
        r->content_type = NULL;
    }
    if (r->file_size)
        settle_file(r, asked, ret_slice);
    else
        *ret_slice = (struct http_slice){.first = 0, .len = r->body_len};
}

static bool has_header(const struct http_response *r, const char *name)
{
    for (size_t i = 0; i < r->header_count; i++) {
        if (strcmp(r->headers[i].name, name) == 0)
            return true;
    }
    return false;
}

static void write_date(struct wr *w, uint64_t unix_us)
{
    time_t t = (time_t)(unix_us / 1000000);
    struct tm tm;
    char text[64];
    if (gmtime_r(&t, &tm) && strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &tm))
        wr_printf(w, "date: %s\r\n", text);
}

static void write_cors(struct wr *w, const struct http_asked *asked)
{
    if (!asked->allowed_origin)
        return;
    wr_printf(w, "access-control-allow-origin: %s\r\nvary: Origin\r\n", asked->allowed_origin);
    if (asked->method == HTTP_OPTIONS)
        wr_printf(w,
                  "access-control-allow-methods: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n"
                  "access-control-allow-headers: Authorization, Content-Type, If-Match,"
                  " If-None-Match, Idempotency-Key, Range, Repr-Digest,"
                  " Upload-Complete, Upload-Offset\r\n"
                  "access-control-max-age: 600\r\n");
    /* With OPTIONS too: a WHIP client may ask for the ICE servers so. */
    wr_printf(w, "access-control-expose-headers: ETag, Location, Link, Retry-After,"
                 " Content-Range, Accept-Ranges, Upload-Complete, Upload-Offset\r\n");
}

#define HEAD_BYTES 16384

char *http_head(const struct http_response *r, const struct http_asked *asked, uint64_t length,
                size_t *ret_len)
{
    char *text = malloc(HEAD_BYTES);
    if (!text)
        return NULL;
    struct wr w = wr_make(text, HEAD_BYTES);
    wr_printf(&w, "HTTP/1.1 %d %s\r\n", r->status, reason_of(r->status));
    write_date(&w, asked->unix_us);
    if (r->content_type)
        wr_printf(&w, "content-type: %s\r\n", r->content_type);
    if (r->status != 204 && r->status != 304)
        wr_printf(&w, "content-length: %llu\r\n", (unsigned long long)length);
    if (r->etag[0])
        wr_printf(&w, "etag: %s\r\n", r->etag);
    for (size_t i = 0; i < r->header_count; i++)
        wr_printf(&w, "%s: %s\r\n", r->headers[i].name, r->headers[i].value);
    if (!has_header(r, "cache-control"))
        wr_printf(&w, "cache-control: no-store\r\n");
    wr_printf(&w, "x-content-type-options: nosniff\r\nreferrer-policy: no-referrer\r\n");
    write_cors(&w, asked);
    if (asked->close)
        wr_printf(&w, "connection: close\r\n");
    wr_printf(&w, "\r\n");
    if (w.bad) {
        free(text);
        return NULL;
    }
    *ret_len = wr_len(&w);
    return text;
}
