// SPDX-License-Identifier: Apache-2.0
/* GET /cases/{id}/export: from the store to the sealing thread, and from there out. */
#include <stdio.h>
#include <stdlib.h>

#include "base/er.h"
#include "server/api.h"
#include "server/export.h"
#include "server/sealer.h"

struct export_job {
    struct api_call *call;
    struct sealer *sealer;
    struct export *export;
    char number[24];
    int er;
};

static void answer(struct export_job *job)
{
    struct api_call *c = job->call;
    if (!c->response.status && job->er)
        api_problem_er(c, job->er, "the case cannot be exported now");
    if (!c->response.status) {
        c->response.status = 200;
        c->response.content_type = "application/zip";
        c->response.file_size = export_size(job->export);
        c->response.source = export_source(job->export);
        job->export = NULL;
        http_header_add(&c->response, "cache-control", "private, no-store");
        http_header_add(&c->response, "content-disposition", "attachment; filename=\"%s.zip\"",
                        job->number);
    }
    export_free(job->export);
    free(job);
    api_answer(c);
}

static void finish_work(struct store *s, void *data)
{
    struct export_job *job = data;
    (void)s;
    job->er = export_finish(job->export, job->sealer, job->call->unix_us);
}

static void finish_done(void *data)
{
    answer(data);
}

/** Whoever may see the case, but for those who only look on. */
static bool may_export(struct api_call *c)
{
    if (c->claims.role != ROLE_VIEWER && c->claims.role != ROLE_BOT)
        return true;
    api_problem(c, 403, "this role may not export");
    return false;
}

static int told(struct store *s, const struct api_call *c, const struct store_case *sc)
{
    if (c->request->method != HTTP_GET)
        return 0;
    return store_event_append(s, &sc->id, c->claims.identity, "case_exported", NULL, c->unix_us,
                              NULL);
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
        job->er = export_gather(&job->export, s, &sc, c->claims.identity, c->unix_us);
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
    struct export_job *job = calloc(1, sizeof *job);
    int er = job ? 0 : ER_NOMEM;
    if (job) {
        job->call = c;
        job->sealer = c->app->sealer;
        er = dbq_run(c->app->dbq, gather_work, gather_done, job);
    }
    if (er == 0)
        return;
    free(job);
    api_problem_er(c, er, "too much is waiting for the database");
    api_answer(c);
}
