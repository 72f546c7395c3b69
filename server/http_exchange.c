// SPDX-License-Identifier: Apache-2.0
/* Requests out of libwebsockets' header tables, answers into its connections. */
#include "server/http_exchange.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/limits.h"
#include "base/str.h"

#define PIECE HTTP_FILE_PIECE

/* As lws_http_get_uri_and_method counts them. */
static const int lws_methods[] = {HTTP_GET,   HTTP_POST,   HTTP_OPTIONS, HTTP_PUT,
                                  HTTP_PATCH, HTTP_DELETE, -1,           HTTP_HEAD};

static char *header_copy(struct lws *wsi, enum lws_token_indexes token)
{
    int len = lws_hdr_total_length(wsi, token);
    if (len <= 0)
        return NULL;
    char *text = malloc((size_t)len + 1);
    if (text && lws_hdr_copy(wsi, text, len + 1, token) < 0) {
        free(text);
        return NULL;
    }
    return text;
}

static char *custom_copy(struct lws *wsi, const char *name)
{
    int name_len = (int)strlen(name);
    int len = lws_hdr_custom_length(wsi, name, name_len);
    if (len <= 0 || len > LIMIT_TOKEN)
        return NULL;
    char *text = malloc((size_t)len + 1);
    if (text && lws_hdr_custom_copy(wsi, text, len + 1, name, name_len) < 0) {
        free(text);
        return NULL;
    }
    return text;
}

/** Whether it came through a proxy: every one of them says so by one of these. */
static bool was_forwarded(struct lws *wsi)
{
    static const char *const names[] = {"forwarded:", "x-forwarded-host:"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (lws_hdr_custom_length(wsi, names[i], (int)strlen(names[i])) > 0)
            return true;
    return lws_hdr_total_length(wsi, WSI_TOKEN_X_FORWARDED_FOR) > 0 ||
           lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_X_REAL_IP) > 0 ||
           lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_VIA) > 0;
}

static bool needs_escape(unsigned char c)
{
    return c <= 0x20 || c >= 0x7f || c == '%' || c == '&' || c == '+' || c == '#';
}

/** The arguments come decoded and cut at '&': put together again, encoded. */
static char *query_copy(struct lws *wsi)
{
    size_t room = (size_t)lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_URI_ARGS) * 3 + 130;
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_URI_ARGS) <= 0)
        return NULL;
    char *text = malloc(room);
    char *part = malloc(room);
    size_t len = 0;
    for (int i = 0; text && part; i++) {
        int n = lws_hdr_copy_fragment(wsi, part, (int)room, WSI_TOKEN_HTTP_URI_ARGS, i);
        if (n < 0)
            break;
        if (i && len + 1 < room)
            text[len++] = '&';
        for (int k = 0; k < n && len + 4 < room; k++) {
            unsigned char c = (unsigned char)part[k];
            if (!needs_escape(c)) {
                text[len++] = (char)c;
                continue;
            }
            text[len++] = '%';
            hex_encode(text + len, &c, 1);
            len += 2;
        }
    }
    free(part);
    if (text)
        text[len] = '\0';
    return text;
}

static struct addr peer_of(struct lws *wsi)
{
    char text[64] = "";
    struct addr addr;
    (void)lws_get_peer_simple(wsi, text, sizeof text);
    if (addr_parse_ip(text, 0, &addr))
        memset(&addr, 0, sizeof addr);
    return addr;
}

static char *text_dup(const char *text)
{
    return text ? strdup(text) : NULL;
}

/** Reads the length of the body. ER_MALFORMED, ER_UNSUPPORTED (transfer coding), ER_FULL. */
static int body_length(struct lws *wsi, size_t *ret, bool *ret_known)
{
    *ret = 0;
    *ret_known = false;
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0)
        return ER_UNSUPPORTED;
    char text[24];
    int len = lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH);
    if (len <= 0)
        return 0;
    uint64_t value;
    if (len >= (int)sizeof text ||
        lws_hdr_copy(wsi, text, sizeof text, WSI_TOKEN_HTTP_CONTENT_LENGTH) < 0 ||
        span_u64(span_of(text), INT64_MAX, &value))
        return ER_MALFORMED;
    *ret_known = true;
    *ret = (size_t)value;
    return value > LIMIT_HTTP_BODY ? ER_FULL : 0;
}

/** HTTP/1.1 needs a Host (RFC 9112, 3.2). */
static bool host_ok(struct lws *wsi)
{
    char version[16];
    if (lws_hdr_copy(wsi, version, sizeof version, WSI_TOKEN_HTTP) < 0)
        return false;
    return strcmp(version, "HTTP/1.1") != 0 || lws_hdr_total_length(wsi, WSI_TOKEN_HOST) > 0;
}

static bool expects(struct lws *wsi)
{
    char text[24];
    return lws_hdr_copy(wsi, text, sizeof text, WSI_TOKEN_HTTP_EXPECT) > 0 &&
           strcasecmp(text, "100-continue") == 0;
}

static int request_read(struct lws *wsi, struct http_request *r)
{
    char *uri = NULL;
    int uri_len = 0;
    int method = lws_http_get_uri_and_method(wsi, &uri, &uri_len);
    if (method < 0 || method >= (int)(sizeof lws_methods / sizeof lws_methods[0]) ||
        lws_methods[method] < 0 || !uri || uri[0] != '/' || !host_ok(wsi))
        return ER_MALFORMED;
    r->method = (enum http_method)lws_methods[method];
    r->path = strndup(uri, (size_t)uri_len);
    r->query = query_copy(wsi);
    r->host = header_copy(wsi, WSI_TOKEN_HOST);
    r->authorization = header_copy(wsi, WSI_TOKEN_HTTP_AUTHORIZATION);
    r->content_type = header_copy(wsi, WSI_TOKEN_HTTP_CONTENT_TYPE);
    r->if_match = header_copy(wsi, WSI_TOKEN_HTTP_IF_MATCH);
    r->if_none_match = header_copy(wsi, WSI_TOKEN_HTTP_IF_NONE_MATCH);
    r->if_range = header_copy(wsi, WSI_TOKEN_HTTP_IF_RANGE);
    r->range = header_copy(wsi, WSI_TOKEN_HTTP_RANGE);
    r->origin = header_copy(wsi, WSI_TOKEN_ORIGIN);
    r->accept = header_copy(wsi, WSI_TOKEN_HTTP_ACCEPT);
    r->idempotency_key = custom_copy(wsi, "idempotency-key:");
    r->upload_offset = custom_copy(wsi, "upload-offset:");
    r->upload_complete = custom_copy(wsi, "upload-complete:");
    r->repr_digest = custom_copy(wsi, "repr-digest:");
    r->peer = peer_of(wsi);
    r->forwarded = was_forwarded(wsi);
    if (!r->path)
        return ER_NOMEM;
    /* A path that a NUL cuts short is not the one that was asked for. */
    size_t len = strlen(r->path);
    return len == (size_t)uri_len && utf8_is_clean(r->path, len) ? 0 : ER_MALFORMED;
}

static void remember(struct exchange *x)
{
    const struct http_request *r = x->request;
    x->asked.method = r->method;
    x->asked.if_none_match = text_dup(r->if_none_match);
    x->asked.range = text_dup(r->range);
    x->asked.if_range = text_dup(r->if_range);
    x->asked.allowed_origin = text_dup(r->origin);
}

int exchange_new(struct exchange **ret, struct lws *wsi, uint64_t number, bool *ret_body)
{
    *ret_body = false;
    struct exchange *x = calloc(1, sizeof *x);
    if (x)
        x->request = calloc(1, sizeof *x->request);
    if (!x || !x->request) {
        free(x);
        return ER_NOMEM;
    }
    *ret = x;
    x->wsi = wsi;
    x->number = number;
    x->request->reply.number = number;
    int er = request_read(wsi, x->request);
    if (er) {
        exchange_refuse(x, 400, "the request cannot be read", true);
        return er;
    }
    remember(x);
    bool known;
    er = body_length(wsi, &x->body_size, &known);
    if (er == ER_UNSUPPORTED) {
        exchange_refuse(x, 411, "a body needs a Content-Length", true);
    } else if (er == ER_MALFORMED) {
        exchange_refuse(x, 400, "the Content-Length is no number", true);
    } else if (er == ER_FULL) {
        /* A moderate rest is read and dropped, so that the client hears the answer. */
        *ret_body = x->body_size <= 32 * LIMIT_HTTP_BODY && !expects(wsi);
        exchange_refuse(x, 413, "a body is 1 MiB at most", true);
    } else {
        *ret_body = x->body_size > 0;
        x->continues = *ret_body && expects(wsi);
        /* Without a length libwebsockets takes all that follows for the body of these. */
        enum http_method m = x->asked.method;
        if (!known && (m == HTTP_POST || m == HTTP_PUT || m == HTTP_PATCH))
            x->asked.close = true;
    }
    return er;
}

void exchange_free(struct exchange *x)
{
    if (!x)
        return;
    http_request_free(x->request);
    http_response_clear(&x->response);
    const char *texts[] = {x->asked.if_none_match, x->asked.range, x->asked.if_range,
                           x->asked.allowed_origin};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        free((void *)(uintptr_t)texts[i]);
    free(x->head);
    free(x->piece.bytes);
    free(x);
}

int exchange_body(struct exchange *x, const void *data, size_t len)
{
    struct http_request *r = x->request;
    if (x->refused || !r || len == 0)
        return 0;
    if (!r->body) {
        r->body = malloc(x->body_size + 1);
        if (!r->body) {
            exchange_refuse(x, 503, NULL, true);
            return ER_NOMEM;
        }
    }
    if (len > x->body_size - r->body_len)
        return ER_FULL;
    memcpy(r->body + r->body_len, data, len);
    r->body_len += len;
    r->body[r->body_len] = '\0';
    return 0;
}

void exchange_answer(struct exchange *x, struct http_response *response)
{
    if (x->answered)
        http_response_clear(response);
    else
        x->response = *response;
    memset(response, 0, sizeof *response);
    x->answered = true;
    x->asked.unix_us = clock_unix_us();
    http_settle(&x->response, &x->asked, &x->slice);
}

void exchange_refuse(struct exchange *x, int status, const char *detail, bool close)
{
    struct http_response r = {0};
    if (close)
        x->asked.close = true;
    x->refused = true;
    http_problem(&r, status, detail);
    exchange_answer(x, &r);
}

void exchange_refuse_plain(struct exchange *x)
{
    struct http_response r = {0};
    http_problem(&r, 426, "this path speaks WebSocket");
    http_header_add(&r, "upgrade", "websocket");
    x->refused = true;
    exchange_answer(x, &r);
}

bool exchange_continue(struct exchange *x)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    uint8_t buf[LWS_PRE + sizeof text];
    memcpy(buf + LWS_PRE, text, sizeof text);
    return lws_write(x->wsi, buf + LWS_PRE, sizeof text - 1, LWS_WRITE_HTTP_HEADERS_CONTINUATION) >=
           0;
}

/** The head, with as much of a body from memory as fits. */
static enum exchange_step write_head(struct exchange *x, uint64_t *bytes_out)
{
    x->head = http_head(&x->response, &x->asked, x->slice.len, &x->head_len);
    if (!x->head)
        return EXCHANGE_BROKEN;
    if (x->asked.method == HTTP_HEAD)
        x->slice.len = 0;
    size_t body = 0;
    const char *from = x->response.body ? x->response.body : x->response.constant;
    if (!x->response.file_size && from)
        body = x->slice.len < PIECE ? (size_t)x->slice.len : PIECE;
    size_t len = x->head_len + body;
    uint8_t *buf = malloc(LWS_PRE + len);
    if (!buf)
        return EXCHANGE_BROKEN;
    memcpy(buf + LWS_PRE, x->head, x->head_len);
    if (body)
        memcpy(buf + LWS_PRE + x->head_len, from + x->slice.first, body);
    int n = lws_write(x->wsi, buf + LWS_PRE, len, LWS_WRITE_HTTP_HEADERS);
    free(buf);
    free(x->head);
    x->head = NULL;
    x->slice.first += body;
    x->slice.len -= body;
    *bytes_out += len;
    if (n < 0)
        return EXCHANGE_BROKEN;
    return x->slice.len ? EXCHANGE_MORE : EXCHANGE_DONE;
}

static enum exchange_step write_memory(struct exchange *x, uint64_t *bytes_out)
{
    const char *from = x->response.body ? x->response.body : x->response.constant;
    size_t len = x->slice.len < PIECE ? (size_t)x->slice.len : PIECE;
    uint8_t *buf = malloc(LWS_PRE + len);
    if (!buf)
        return EXCHANGE_BROKEN;
    memcpy(buf + LWS_PRE, from + x->slice.first, len);
    int n = lws_write(x->wsi, buf + LWS_PRE, len, LWS_WRITE_HTTP);
    free(buf);
    x->slice.first += len;
    x->slice.len -= len;
    *bytes_out += len;
    if (n < 0)
        return EXCHANGE_BROKEN;
    return x->slice.len ? EXCHANGE_MORE : EXCHANGE_DONE;
}

static enum exchange_step ask_piece(struct exchange *x, struct http_files *files)
{
    if (!x->piece.bytes && !(x->piece.bytes = malloc(LWS_PRE + PIECE)))
        return EXCHANGE_BROKEN;
    struct http_piece p = {.file = x->response.file,
                           .source = x->response.source,
                           .offset = x->slice.first,
                           .len = x->slice.len < PIECE ? (size_t)x->slice.len : PIECE,
                           .bytes = x->piece.bytes + LWS_PRE,
                           .who = x};
    if (http_files_ask(files, &p))
        return EXCHANGE_BROKEN;
    x->piece_asked = true;
    return EXCHANGE_WAIT;
}

static enum exchange_step write_file(struct exchange *x, struct http_files *files,
                                     uint64_t *bytes_out)
{
    if (x->piece_asked)
        return EXCHANGE_WAIT;
    if (!x->piece_ready)
        return ask_piece(x, files);
    x->piece_ready = false;
    size_t len = x->piece.len;
    /* The file has become shorter than was promised: only closing can say so. */
    if (len == 0)
        return EXCHANGE_BROKEN;
    int n = lws_write(x->wsi, x->piece.bytes + LWS_PRE, len, LWS_WRITE_HTTP);
    x->slice.first += len;
    x->slice.len -= len;
    *bytes_out += len;
    if (n < 0)
        return EXCHANGE_BROKEN;
    return x->slice.len ? EXCHANGE_MORE : EXCHANGE_DONE;
}

enum exchange_step exchange_write(struct exchange *x, struct http_files *files, uint64_t *bytes_out)
{
    if (!x->answered || x->writing_done)
        return EXCHANGE_WAIT;
    enum exchange_step step;
    if (!x->head_len)
        step = write_head(x, bytes_out);
    else if (x->response.file_size)
        step = write_file(x, files, bytes_out);
    else
        step = write_memory(x, bytes_out);
    x->writing_done = step == EXCHANGE_DONE;
    return step;
}
