// SPDX-License-Identifier: Apache-2.0
/* Problems written past libwebsockets. */
#include "server/http_direct.h"

#include <libwebsockets.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "server/http_message.h"

static void put(struct lws *wsi, const char *text, size_t len)
{
    SSL *ssl = lws_get_ssl(wsi);
    if (ssl)
        (void)SSL_write(ssl, text, (int)len);
    else
        (void)send(lws_get_socket_fd(wsi), text, len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void http_direct_problem(struct lws *wsi, int status, const char *detail, const char *upgrade)
{
    struct http_response r = {0};
    struct http_asked asked = {.close = true, .unix_us = clock_unix_us()};
    size_t head_len = 0;
    http_problem(&r, status, detail);
    if (upgrade) {
        http_header_add(&r, "upgrade", "%s", upgrade);
        http_header_add(&r, "sec-websocket-version", "13");
    }
    char *head = http_head(&r, &asked, r.body_len, &head_len);
    char *text = head ? realloc(head, head_len + r.body_len) : NULL;
    if (text) {
        if (r.body_len)
            memcpy(text + head_len, r.body, r.body_len);
        put(wsi, text, head_len + r.body_len);
    }
    free(text ? text : head);
    http_response_clear(&r);
}
