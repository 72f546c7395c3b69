// SPDX-License-Identifier: Apache-2.0
/* GET /cases/{id}/export: from the store to the sealing thread, and from there out. */
#include <stdio.h>
#include <stdlib.h>

#include "base/er.h"
#include "server/api.h"
#include "server/export.h"
#include "server/sealer.h"

/** What goes out, and counts as long as it does. */
struct sending {
    struct app *app;
    struct export *export;
    struct http_source source;
    uint64_t size; /* of the archive; */
    bool broken;   /* and it could not be sent whole */
};

static size_t sending_read(void *ctx, uint64_t at, void *ret_bytes, size_t size)
{
    struct sending *s = ctx;
    size_t len = s->source.read(s->source.ctx, at, ret_bytes, size);
    s->broken |= len == 0 && size && at < s->size;
    return len;
}

static void sending_free(void *ctx)
{
    struct sending *s = ctx;
    s->app->exports--;
    s->app->exports_broken += s->broken;
    if (s->source.read)
        s->source.free(s->source.ctx);
    export_free(s->export);
    free(s);
}

struct export_job {
    struct api_call *call;
    struct sealer *sealer;
    struct sending *sending; /* owned, until it goes out */
    char number[24];
    int er;
};

/** A key of ours that is not here is no fault of who asks (401, 403). */
static void answer_why_not(struct api_call *c, int er)
{
    if (er == ER_DENIED)
        api_problem(c, 503, "a file of the case is encrypted with a key that is not here");
    else
        api_problem_er(c, er, "the case cannot be exported now");
}

static void answer(struct export_job *job)
{
    struct api_call *c = job->call;
    if (!c->response.status && job->er)
        answer_why_not(c, job->er);
    if (!c->response.status) {
        c->response.status = 200;
        c->response.content_type = "application/zip";
        c->response.file_size = export_size(job->sending->export);
        job->sending->size = c->response.file_size;
        c->app->exports_missing += export_missing(job->sending->export);
        job->sending->source = export_source(job->sending->export);
        job->sending->export = NULL;
        c->response.source = (struct http_source){
            .read = sending_read, .free = sending_free, .ctx = job->sending};
        job->sending = NULL;
        http_header_add(&c->response, "cache-control", "private, no-store");
        http_header_add(&c->response, "content-disposition", "attachment; filename=\"%s.zip\"",
                        job->number);
    }
    if (job->sending)
        sending_free(job->sending);
    free(job);
    api_answer(c);
}

static void finish_work(struct store *s, void *data)
{
    struct export_job *job = data;
    (void)s;
    job->er = export_finish(job->sending->export, job->sealer, job->call->unix_us);
}

static void finish_done(void *data)
{
    answer(data);
}

/** Whoever may see the case, but for those who only look on. */
static bool may_export(struct api_call *c)
{
    if (role_describe(c->claims.role)->evidence && c->claims.role != ROLE_BOT)
        return true;
    api_problem(c, 403, "this role may not export");
    return false;
}

static int told(struct store *s, struct api_call *c, const struct store_case *sc)
{
    if (c->request->method != HTTP_GET)
        return 0;
    int er = store_event_append(s, &sc->id, c->claims.identity, "case_exported", NULL, c->unix_us,
                                NULL);
    c->viewed = er == 0;
    return er;
}

static void gather_work(struct store *s, void *data)
{
    struct export_job *job = data;
    struct api_call *c = job->call;
    struct store_case sc;
    if (!may_export(c) || !api_case(s, c, &sc))
        return;
    (void)snprintf(job->number, sizeof job->number, "%s", sc.number);
    job->er = told(s, c, &sc);
    if (!job->er)
        job->er = export_gather(&job->sending->export, c->app->vault, s, &sc, c->claims.identity,
                                c->unix_us);
    store_case_clear(&sc);
}

static void gather_done(void *data)
{
    struct export_job *job = data;
    struct app *app = job->call->app;
    if (job->call->response.status || job->er || !app->http) {
        answer(job);
        return;
    }
    job->er = dbq_run(sealer_slow_queue(job->sealer), finish_work, finish_done, job);
    if (job->er)
        answer(job);
}

void api_case_export(struct api_call *c)
{
    struct app *app = c->app;
    struct export_job *job = calloc(1, sizeof *job);
    struct sending *sending = calloc(1, sizeof *sending);
    int er = !job || !sending ? ER_NOMEM : app->exports >= LIMIT_EXPORTS ? ER_FULL : 0;
    if (er == 0) {
        *sending = (struct sending){.app = app};
        *job = (struct export_job){.call = c, .sealer = app->sealer, .sending = sending};
        er = dbq_run(app->dbq, gather_work, gather_done, job);
    }
    if (er == 0) {
        app->exports++;
        return;
    }
    free(job);
    free(sending);
    http_header_add(&c->response, "retry-after", "5");
    api_problem(c, er == ER_FULL ? 429 : 503, "too many cases are exported at once");
    api_answer(c);
}
