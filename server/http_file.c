// SPDX-License-Identifier: Apache-2.0
/* The file reading thread. */
#include "server/http_file.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/er.h"
#include "base/limits.h"
#include "base/msgq.h"
#include "base/thread.h"

struct http_files {
    struct msgq *in;
    struct msgq *out;
    void (*wake)(void *ctx);
    void *ctx;
    pthread_t thread;
    bool started;
};

static size_t read_piece(const struct http_piece *p)
{
    size_t len = 0;
    if (p->source.read)
        return p->source.read(p->source.ctx, p->offset, p->bytes, p->len);
    return file_read_at(p->file, p->offset, p->bytes, p->len, &len) < 0 ? 0 : len;
}

static void *files_thread(void *arg)
{
    struct http_files *f = arg;
    struct http_piece p;
    while (msgq_wait(f->in, &p, -1)) {
        p.len = read_piece(&p);
        (void)msgq_push(f->out, &p);
        f->wake(f->ctx);
    }
    return NULL;
}

int http_files_new(struct http_files **ret, void (*wake)(void *ctx), void *ctx)
{
    struct http_files *f = calloc(1, sizeof *f);
    if (!f)
        return ER_NOMEM;
    f->wake = wake;
    f->ctx = ctx;
    int er = msgq_new(&f->in, sizeof(struct http_piece), LIMIT_HTTP_CONNECTIONS);
    /* One piece a connection: with what is under way it never fills up. */
    if (!er)
        er = msgq_new(&f->out, sizeof(struct http_piece), LIMIT_HTTP_CONNECTIONS * 2);
    if (!er)
        er = thread_start(&f->thread, "files", files_thread, f);
    if (er) {
        http_files_free(f);
        return er;
    }
    f->started = true;
    *ret = f;
    return 0;
}

void http_files_close(struct http_files *f)
{
    if (!f->started)
        return;
    msgq_close(f->in);
    (void)pthread_join(f->thread, NULL);
    f->started = false;
}

void http_files_free(struct http_files *f)
{
    if (!f)
        return;
    http_files_close(f);
    msgq_free(f->in);
    msgq_free(f->out);
    free(f);
}

int http_files_ask(struct http_files *f, const struct http_piece *piece)
{
    return msgq_push(f->in, piece);
}

int http_files_next(struct http_files *f, struct http_piece *ret)
{
    return msgq_pop(f->out, ret) ? 1 : 0;
}
