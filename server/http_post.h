// SPDX-License-Identifier: Apache-2.0
/* Requests that the server makes itself: POSTs, by a thread of their own (libcurl), so that slow receivers hold
 * up nobody but themselves. Redirects are not followed, proxies not asked, and no connection is made to an
 * address that hook_address_ok does not allow, whatever the name resolved to. */
#ifndef LOUPE_SERVER_HTTP_POST_H
#define LOUPE_SERVER_HTTP_POST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "server/hook_target.h"

#define HTTP_POST_HEADERS 6
#define HTTP_POST_HEADER_BYTES 192

/** One request, then its answer. Given to the poster, and back, as a whole. */
struct http_post {
    char url[HOOK_URL_BYTES];
    char headers[HTTP_POST_HEADERS][HTTP_POST_HEADER_BYTES]; /* "name: value"; "" none */
    char *body;                                              /* owned */
    size_t len;
    void *tag; /* the caller's, owned: freed with free() */
    /* The answer: */
    int status;        /* 0: none came in time */
    const char *error; /* why: "timeout", "address", "resolve", "connect", "tls", ..; else "" */
    uint64_t retry_after_s; /* as the answer says; 0: it does not */
    bool refused;           /* an address that is not allowed was among those of the name */
};
/** NULL is fine. */
void http_post_free(struct http_post *post);

struct http_poster;

/** Starts the thread. `authorities`: a file of certificates in place of the system's, or NULL. ER_NOMEM, ER_IO. */
int http_poster_new(struct http_poster **ret, enum hook_reach reach, const char *authorities);
/** Breaks off what is under way. NULL is fine. */
void http_poster_free(struct http_poster *p);
/** Takes `post` over until http_poster_take gives it back. ER_FULL: LIMIT_HOOK_FLIGHTS are under way. */
int http_poster_send(struct http_poster *p, struct http_post *post);
/** One that is over, the caller's again; false: none. The same thread as http_poster_send. */
bool http_poster_take(struct http_poster *p, struct http_post **ret);
/** Readable while http_poster_take may have something. The poster owns it. */
int http_poster_fd(const struct http_poster *p);

#endif
