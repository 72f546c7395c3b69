// SPDX-License-Identifier: Apache-2.0
/* A thread that reads pieces of files, so that a slow disk never holds up the loop. */
#ifndef LOUPE_SERVER_HTTP_FILE_H
#define LOUPE_SERVER_HTTP_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "server/http.h"

#define HTTP_FILE_PIECE 65536

struct http_files;

/** A piece to read, and then what came of it. `bytes` is the asker's and must stay until it is back. */
struct http_piece {
    struct file *file;
    struct http_source source; /* instead of it, if it has `read` */
    uint64_t offset;
    size_t len; /* wanted; then read, fewer at an error or the file's end */
    uint8_t *bytes;
    void *who;
};

/** `wake(ctx)` is called on the thread when a piece is ready. ER_NOMEM, ER_IO. */
int http_files_new(struct http_files **ret, void (*wake)(void *ctx), void *ctx);
/** Takes no more, waits for the pieces asked for; they can still be fetched. */
void http_files_close(struct http_files *f);
/** Closes it too. NULL is fine. */
void http_files_free(struct http_files *f);
/** ER_FULL. */
int http_files_ask(struct http_files *f, const struct http_piece *piece);
/** Pieces that are ready, one a call: 1, or 0 when there is none. */
int http_files_next(struct http_files *f, struct http_piece *ret);

#endif
