// SPDX-License-Identifier: Apache-2.0
/* GET /cases/{id}/export: from the store to the sealing thread, and from there out. POST: an address for that,
 * which a browser can download by itself. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/str.h"
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
    char person[LIMIT_IDENTITY + 1]; /* whose token, or whose address, it is */
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

static int told(struct store *s, struct api_call *c, const struct store_case *sc,
                const char *person)
{
    if (c->request->method != HTTP_GET)
        return 0;
    int er = store_event_append(s, &sc->id, person, "case_exported", NULL, c->unix_us, NULL);
    c->viewed = er == 0;
    return er;
}

/** With a token, as everywhere; an address was made for this case, by who might export it. */
static bool find_case(struct store *s, struct api_call *c, struct store_case *ret)
{
    struct id id;
    if (c->has_claims)
        return may_export(c) && api_case(s, c, ret);
    int er = id_parse(c->params.values[0], &id) ? ER_NOT_FOUND : store_case_get(s, &id, ret);
    if (er)
        api_problem_er(c, er, "there is no such case");
    return er == 0;
}

static void gather_work(struct store *s, void *data)
{
    struct export_job *job = data;
    struct api_call *c = job->call;
    struct store_case sc;
    if (!find_case(s, c, &sc))
        return;
    (void)snprintf(job->number, sizeof job->number, "%s", sc.number);
    job->er = told(s, c, &sc, job->person);
    if (!job->er)
        job->er = export_gather(&job->sending->export, c->app->vault, s, &sc, job->person,
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

static void refuse_more(struct api_call *c, int er)
{
    http_header_add(&c->response, "retry-after", "5");
    api_problem(c, er == ER_FULL ? 429 : 503, "too many cases are exported at once");
    api_answer(c);
}

void api_case_export(struct api_call *c)
{
    struct app *app = c->app;
    char person[LIMIT_IDENTITY + 1];
    if (!api_file_person(c, "export", person)) { /* nobody, who is to take nobody's place */
        api_answer(c);
        return;
    }
    struct export_job *job = calloc(1, sizeof *job);
    struct sending *sending = calloc(1, sizeof *sending);
    int er = !job || !sending ? ER_NOMEM : app->exports >= LIMIT_EXPORTS ? ER_FULL : 0;
    if (er == 0) {
        *sending = (struct sending){.app = app};
        *job = (struct export_job){.call = c, .sealer = app->sealer, .sending = sending};
        (void)str_copy(job->person, sizeof job->person, person);
        er = dbq_run(app->dbq, gather_work, gather_done, job);
    }
    if (er == 0) {
        app->exports++;
        return;
    }
    free(job);
    free(sending);
    refuse_more(c, er);
}

static void link_work(struct store *s, void *data)
{
    struct api_call *c = data;
    struct store_case sc;
    char at[CLOCK_TEXT_BYTES];
    if (!may_export(c) || !api_case(s, c, &sc))
        return;
    uint64_t expires_s = c->unix_us / 1000000 + AUTH_MEDIA_SECONDS;
    clock_format(expires_s * 1000000, at);
    json_t *o = json_pack("{s:s}", "expires_at", at);
    if (o && api_sign_link(&c->app->media_key, o, "cases", sc.id.text, "url", "export",
                           c->claims.identity, expires_s)) {
        json_decref(o);
        o = NULL;
    }
    store_case_clear(&sc);
    api_json(c, 201, o);
}

static void link_done(void *data)
{
    api_answer(data);
}

/** Where there is no room for one more it is said now, when a page can still tell it. */
void api_case_export_link(struct api_call *c)
{
    struct app *app = c->app;
    int er = app->exports >= LIMIT_EXPORTS ? ER_FULL : dbq_run(app->dbq, link_work, link_done, c);
    if (er)
        refuse_more(c, er);
}
