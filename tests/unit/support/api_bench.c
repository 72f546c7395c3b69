// SPDX-License-Identifier: Apache-2.0
/* The bench of REST handlers. */
#include "tests/unit/support/api_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"

/** What stands for the HTTP server: where answers go. */
struct http {
    struct api_bench *bench;
};

void __wrap_http_reply_send(struct http *h, struct http_reply reply,
                            struct http_response *response);
void __wrap_http_read_counters(const struct http *h, struct http_counters *ret);

void __wrap_http_reply_send(struct http *h, struct http_reply reply, struct http_response *response)
{
    struct api_bench *b = h->bench;
    assert_int_equal(reply.number, 1);
    b->answers++;
    b->response = *response;
    *response = (struct http_response){0};
    b->body = b->response.body ? json_loads(b->response.body, JSON_DECODE_ANY, NULL) : NULL;
}

void __wrap_http_read_counters(const struct http *h, struct http_counters *ret)
{
    (void)h;
    *ret = (struct http_counters){
        .connections = 3, .requests = 41, .responses = {0, 0, 7, 0, 2, 1}};
}

static void forget(struct api_bench *b)
{
    json_decref(b->body);
    b->body = NULL;
    http_response_clear(&b->response);
    b->answers = 0;
}

void api_bench_start(struct api_bench *b)
{
    memset(b, 0, sizeof *b);
    world_start(&b->w);
    b->sc = world_case(&b->w, "lin");
    b->unix_us = UINT64_C(1700000001000000);
    struct http *http = calloc(1, sizeof *http);
    assert_non_null(http);
    http->bench = b;
    b->app = (struct app){.config = &b->config,
                          .http = http,
                          .entropy = b->w.entropy,
                          .auth = b->w.auth,
                          .store = b->w.store,
                          .dbq = b->w.dbq,
                          .media = b->w.media,
                          .calls = b->w.calls,
                          .media_key = {{1, 2, 3}}};
    (void)str_copy(b->app.base_url, sizeof b->app.base_url, "http://h");
}

void api_bench_stop(struct api_bench *b)
{
    forget(b);
    free(b->app.http);
    world_stop(&b->w);
}

int api_bench_setup(void **state)
{
    struct api_bench *b = calloc(1, sizeof *b);
    assert_non_null(b);
    api_bench_start(b);
    *state = b;
    return 0;
}

int api_bench_teardown(void **state)
{
    api_bench_stop(*state);
    free(*state);
    return 0;
}

void api_bench_file(const char *path, const char *suffix, const char *text)
{
    char name[STORE_PATH_BYTES + 24];
    (void)snprintf(name, sizeof name, "%s%s", path, suffix);
    FILE *f = fopen(name, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static char *copy(const char *text)
{
    char *made = text ? strdup(text) : NULL;
    assert_true(made || !text);
    return made;
}

static struct api_call *make_call(struct api_bench *b, const struct api_ask *a)
{
    struct api_call *c = calloc(1, sizeof *c);
    struct http_request *r = calloc(1, sizeof *r);
    assert_true(c && r);
    *r = (struct http_request){.method = a->method,
                               .reply = {1},
                               .query = copy(a->query),
                               .if_match = copy(a->if_match),
                               .if_none_match = copy(a->if_none_match),
                               .range = copy(a->range),
                               .if_range = copy(a->if_range),
                               .idempotency_key = copy(a->idempotency_key),
                               .content_type = copy(a->content_type),
                               .upload_offset = copy(a->upload_offset),
                               .upload_complete = copy(a->upload_complete),
                               .repr_digest = copy(a->repr_digest),
                               .body = (uint8_t *)copy(a->raw),
                               .body_len = a->raw ? strlen(a->raw) : 0,
                               .forwarded = a->forwarded};
    if (b->peer)
        assert_int_equal(addr_parse(b->peer, &r->peer), 0);
    *c = (struct api_call){.app = &b->app,
                           .request = r,
                           .has_claims = !a->nobody,
                           .unix_us = b->unix_us,
                           .draining = a->draining,
                           .clips_unsaved = a->clips_unsaved};
    const struct id *of_case = a->role == ROLE_BUYER && !a->of_case ? &b->sc.id : a->of_case;
    c->claims = world_claims(a->who ? a->who : "me", a->role, of_case);
    if (a->jti)
        (void)str_copy(c->claims.jti, sizeof c->claims.jti, a->jti);
    if (a->grants)
        c->claims.grants = *a->grants;
    if (a->roles)
        c->claims.roles = a->roles;
    if (a->scopes)
        c->claims.scopes = a->scopes;
    if (a->foreign)
        (void)str_copy(c->claims.merchant, sizeof c->claims.merchant, "elsewhere");
    for (size_t i = 0; i < 2 && a->param[i]; i++)
        (void)str_copy(c->params.values[i], ROUTE_PARAM_BYTES, a->param[i]);
    char *body = copy(a->body ? a->body : "{}");
    for (char *quote = body; (quote = strchr(quote, '\''));)
        *quote = '"';
    c->body = json_loads(body, 0, NULL);
    assert_non_null(c->body);
    free(body);
    return c;
}

int api_on_store(struct api_bench *b, void (*handler)(struct store *s, struct api_call *c),
                 struct api_ask ask)
{
    forget(b);
    struct api_call *c = make_call(b, &ask);
    handler(b->w.store, c);
    api_answer(c);
    assert_int_equal(b->answers, 1);
    return b->response.status;
}

int api_on_loop(struct api_bench *b, void (*handler)(struct api_call *c), struct api_ask ask)
{
    forget(b);
    handler(make_call(b, &ask));
    world_settle(&b->w);
    assert_true(b->answers <= 1);
    return b->response.status;
}

const char *api_text(const struct api_bench *b, const char *path)
{
    return text_at(b->body, path);
}

const char *api_header(const struct api_bench *b, const char *name)
{
    for (size_t i = 0; i < b->response.header_count; i++)
        if (strcmp(b->response.headers[i].name, name) == 0)
            return b->response.headers[i].value;
    return NULL;
}
