// SPDX-License-Identifier: Apache-2.0
/* One request and its answer on a connection of libwebsockets: reads the request whole, writes the
 * answer piece by piece. Used by server/http*.c only. */
#ifndef LOUPE_SERVER_HTTP_EXCHANGE_H
#define LOUPE_SERVER_HTTP_EXCHANGE_H

#include <libwebsockets.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/http.h"
#include "server/http_file.h"
#include "server/http_message.h"

struct exchange {
    struct lws *wsi; /* NULL: the client has gone */
    uint64_t number;
    struct http_request *request; /* until it is handed over */
    size_t body_size;             /* allocated */
    bool refused;                 /* answered without having been handed over */
    bool continues;               /* the client waits for a 100 before it sends the body */
    bool answered;
    bool writing_done;

    struct http_asked asked; /* texts owned */
    struct http_response response;
    struct http_slice slice; /* still to send */
    char *head;              /* made when it is sent, so that it knows whether the */
    size_t head_len;         /* connection goes on */

    struct http_piece piece; /* of a file: what was read */
    bool piece_asked, piece_ready;
};

/** Reads the head of a request that has just arrived. ER_NOMEM, ER_MALFORMED (and a problem as the
 *  answer: *ret is set all the same), ER_FULL (likewise). `ret_body`: a body follows. */
int exchange_new(struct exchange **ret, struct lws *wsi, uint64_t number, bool *ret_body);
void exchange_free(struct exchange *x);
/** A part of the body. ER_NOMEM, ER_FULL: the answer is set then. */
int exchange_body(struct exchange *x, const void *data, size_t len);
/** The answer; takes what it owns over. */
void exchange_answer(struct exchange *x, struct http_response *response);
/** An answer that comes from here, a problem; what is still read of the body is dropped. */
void exchange_refuse(struct exchange *x, int status, const char *detail, bool close);
/** The answer to who asks for WebSocket's path without upgrading: 426. */
void exchange_refuse_plain(struct exchange *x);
/** 100 Continue (RFC 9110, 10.1.1). false: the connection is broken. */
bool exchange_continue(struct exchange *x);

enum exchange_step {
    EXCHANGE_WAIT, /* nothing can be written now */
    EXCHANGE_MORE, /* ask for another turn to write */
    EXCHANGE_DONE, /* all is written */
    EXCHANGE_BROKEN,
};
/** Write once. What it adds to *bytes_out went out. */
enum exchange_step exchange_write(struct exchange *x, struct http_files *files,
                                  uint64_t *bytes_out);

#endif
