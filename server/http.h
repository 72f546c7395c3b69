// SPDX-License-Identifier: Apache-2.0
/* The HTTP server and the loop of the signalling thread; the only user of libwebsockets beside
 * signaling/ws. A request is a value that was read whole; its answer is a value too, and may be given
 * later. HTTP/1.1 (RFC 9110, 9112). */
#ifndef LOUPE_SERVER_HTTP_H
#define LOUPE_SERVER_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/file.h"
#include "base/log.h"

struct lws_protocols;

enum http_method {
    HTTP_GET,
    HTTP_HEAD,
    HTTP_POST,
    HTTP_PUT,
    HTTP_PATCH,
    HTTP_DELETE,
    HTTP_OPTIONS,
    HTTP_METHODS, /* how many */
};
const char *http_method_name(enum http_method method);

/** Names a request that waits for its answer; stays harmless when the client has gone. */
struct http_reply {
    uint64_t number; /* 0: none */
};

/** Texts are NUL-terminated and owned by the request; headers that were not sent are NULL. */
struct http_request {
    enum http_method method;
    char *path;  /* percent-decoded, without the query, dot segments resolved; begins with '/' */
    char *query; /* behind the '?', percent-encoded (see http_query), or NULL */
    char *host, *authorization, *content_type, *if_match, *if_none_match, *if_range, *range,
        *origin, *idempotency_key, *accept, *upload_offset, *upload_complete, *repr_digest;
    uint8_t *body; /* NUL-terminated too */
    size_t body_len;
    struct addr peer;
    bool forwarded; /* by a proxy: `peer` is the proxy's address, not the client's */
    struct http_reply reply;
};
void http_request_free(struct http_request *r);
/** A query parameter, percent-decoded, into `ret`; ER_NOT_FOUND, ER_TRUNCATED, ER_MALFORMED. */
int http_query(const struct http_request *r, const char *name, char *ret, size_t size);

#define HTTP_HEADERS_MAX 16

struct http_header {
    const char *name; /* static text, lower case, without colon */
    char *value;      /* owned by the response */
};

/** Bytes that are made as they are read, of a size that is known. */
struct http_source {
    /** `size` bytes from `at` on, on the file thread; fewer at the end or an error only. NULL: none. */
    size_t (*read)(void *ctx, uint64_t at, void *ret_bytes, size_t size);
    void (*free)(void *ctx);
    void *ctx;
};

/** What goes back. Zeroed but for `status` is a valid answer without a body. */
struct http_response {
    int status;
    struct http_header headers[HTTP_HEADERS_MAX];
    size_t header_count;
    const char *content_type; /* static text, or NULL without a body */
    char *body;               /* owned; or: */
    size_t body_len;
    const char *constant;      /* static bytes of body_len, not owned */
    struct file *file;         /* with file_size > 0: open to read, owned; answered with Range */
    struct http_source source; /* instead of it, owned; answered whole */
    uint64_t file_size;
    char etag[80]; /* with its quotes; "" none */
};
/** Add a header (printf). Silently left out beyond HTTP_HEADERS_MAX or without memory; line breaks
 *  in the value are dropped. */
void http_header_add(struct http_response *r, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/** Take over `text` (freed with the response; NULL: 500) as the body. */
void http_body_take(struct http_response *r, int status, const char *content_type, char *text);
/** A problem document (RFC 9457). `detail` may be NULL. */
void http_problem(struct http_response *r, int status, const char *detail);
/** The problem for an error of base/er.h: NOT_FOUND 404, DENIED 403, CONFLICT 409, FULL 503, .. */
void http_problem_er(struct http_response *r, int er, const char *detail);
/** Frees what it owns (the descriptor too) and zeroes it. */
void http_response_clear(struct http_response *r);

struct http_counters {
    uint64_t connections, connections_total, requests, responses[6]; /* by hundreds of the status */
    uint64_t refused_upgrades, bad_requests, bytes_out;
};

struct http_config {
    struct addr address;            /* port 0: a free one */
    bool adopts;                    /* listens nowhere: somebody else does, and calls http_adopt */
    const char *tls_cert, *tls_key; /* NULL: plain */
    const char *web;                /* folder of the pages, or NULL */
    const char *const *origins;     /* allowed foreign origins */
    size_t origin_count;
    struct log *log;
    struct lws_protocols *ws; /* the WebSocket protocol, or NULL; borrowed until http_free */

    void *ctx;
    /** A request is complete. Takes `request` over. The answer goes to http_reply_send, in here or
     *  later. */
    void (*on_request)(void *ctx, struct http_request *request);
    /** Called on the loop after each round of events; returns the next moment it must be called
     *  again at the latest (monotonic microseconds, UINT64_MAX: none). */
    uint64_t (*on_tick)(void *ctx, uint64_t now_us);
};

struct http;

/** Listens. ER_IO when the address is taken or the certificate cannot be read. */
int http_new(struct http **ret, const struct http_config *config);
void http_free(struct http *h);
struct addr http_address(const struct http *h);
/** A connection that was accepted elsewhere. Takes the descriptor over, or closes it. Signalling
 *  thread. */
void http_adopt(struct http *h, int fd);

/** The loop of the signalling thread; returns after http_stop. */
void http_run(struct http *h);
/** Any thread, and signal handlers: on_tick is called soon. */
void http_wake(struct http *h);
/** Signalling thread: http_run returns after this round. */
void http_stop(struct http *h);
/** From here on no new WebSocket, and every answer ends its connection. */
void http_drain(struct http *h);
/** Call `on_readable(ctx)` on the loop while `fd` is readable. The descriptor stays the caller's. */
int http_watch(struct http *h, int fd, void (*on_readable)(void *ctx), void *ctx);
/** Certificates anew from their files. ER_IO: the old ones stay. */
int http_reload_tls(struct http *h);

/** Answer a request. Takes what `response` owns over and zeroes it. Signalling thread. */
void http_reply_send(struct http *h, struct http_reply reply, struct http_response *response);

/** Whether a page of `origin` (NULL: not a browser) may talk to us, who were asked for as `host`: the
 *  same host, or one of the list ("*": any). */
bool http_origin_allowed(const char *const *origins, size_t count, const char *origin,
                         const char *host);

void http_read_counters(const struct http *h, struct http_counters *ret);

#endif
