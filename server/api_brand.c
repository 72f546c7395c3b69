// SPDX-License-Identifier: Apache-2.0
/* A merchant's brand over HTTP: set by service and supervisor, read by whoever has one of its tokens, and, by a certificate, by
 * anybody. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/json.h"
#include "base/str.h"
#include "server/api_keep.h"
#include "server/brand.h"
#include "server/http_range.h"
#include "server/store_brands.h"
#include "server/store_certificates.h"

static bool may_change(struct api_call *c)
{
    return api_role_may(c, role_describe(c->claims.role)->forgets,
                        "the brand is set by service and supervisor") &&
           api_role_may(c, !claims_is_bound(&c->claims),
                        "a token for one case or room says nothing about the others");
}

/** What the pages go by; `inside`: and what is not for everybody. */
static json_t *brand_json(const struct store_brand *b, bool inside)
{
    json_t *o = json_deep_copy(b->document);
    const char *name = b->merchant_name[0] ? b->merchant_name : b->merchant;
    char at[CLOCK_TEXT_BYTES], url[sizeof "/api/v1/logos/" + STORE_HASH_BYTES];
    (void)snprintf(url, sizeof url, "/api/v1/logos/%s", b->logo_sha256);
    int bad = !o || json_object_set_new(o, "named", json_boolean(json_object_get(o, "name"))) ||
              (!json_object_get(o, "name") && json_object_set_new(o, "name", json_string(name)));
    if (!bad && b->logo_sha256[0])
        bad = json_object_set_new(o, "logo_url", json_string(url));
    if (!bad && inside)
        bad = json_object_set_new(o, "version", json_integer((json_int_t)b->version));
    clock_format(b->changed_us, at);
    if (!bad && inside && b->version)
        bad = json_object_set_new(o, "changed_at", json_string(at)) |
              json_object_set_new(o, "changed_by", json_string(b->changed_by));
    if (!bad)
        return o;
    json_decref(o);
    return NULL;
}

static void answer(struct store *s, struct api_call *c, const char *merchant, bool inside)
{
    struct store_brand b;
    int er = store_brand_get(s, merchant, &b);
    if (er) {
        api_problem_er(c, er, NULL);
    } else {
        api_json(c, 200, brand_json(&b, inside));
        (void)snprintf(c->response.etag, sizeof c->response.etag, "\"%llu\"",
                       (unsigned long long)b.version);
        http_header_add(&c->response, "cache-control", "no-cache");
    }
    store_brand_clear(&b);
}

void api_brand_get(struct store *s, struct api_call *c)
{
    answer(s, c, c->claims.merchant, role_describe(c->claims.role)->forgets);
}

/** Is it still what whoever changes it saw, if that is said? False: the problem is set. */
static bool matches(struct store *s, struct api_call *c)
{
    struct store_brand b;
    char etag[24];
    if (!c->request->if_match)
        return true;
    int er = store_brand_get(s, c->claims.merchant, &b);
    (void)snprintf(etag, sizeof etag, "\"%llu\"", (unsigned long long)b.version);
    store_brand_clear(&b);
    if (er)
        api_problem_er(c, er, NULL);
    else if (!http_etag_listed(c->request->if_match, etag, true))
        api_problem(c, 412, "the brand was changed meanwhile");
    return c->response.status == 0;
}

static void changed(struct store *s, struct api_call *c, int er)
{
    c->branded = er == 0;
    if (er)
        api_problem_er(c, er, NULL);
    else
        answer(s, c, c->claims.merchant, true);
}

void api_brand_put(struct store *s, struct api_call *c)
{
    char why[BRAND_WHY_BYTES];
    if (!may_change(c) || !matches(s, c))
        return;
    if (brand_check(c->body, why))
        api_problem(c, 400, why);
    else
        changed(s, c,
                store_brand_put(s, c->claims.merchant, c->body, c->claims.identity, c->unix_us));
}

void api_brand_logo_put(struct store *s, struct api_call *c)
{
    const struct http_request *r = c->request;
    unsigned w, h;
    if (!may_change(c) || !matches(s, c))
        return;
    const char *type = brand_logo(r->body, r->body_len, &w, &h);
    if (r->body_len > LIMIT_LOGO_BYTES)
        api_problem(c, 413, "a logo has at most 256 KiB");
    else if (!type)
        api_problem(c, 415,
                    "a logo is a PNG, or a WebP that does not move, of at most 1024 x 1024");
    else
        changed(s, c,
                store_brand_logo_put(s, c->claims.merchant, type, r->body, r->body_len,
                                     c->claims.identity, c->unix_us));
}

void api_brand_logo_delete(struct store *s, struct api_call *c)
{
    if (may_change(c) && matches(s, c))
        changed(s, c,
                store_brand_logo_put(s, c->claims.merchant, "", NULL, 0, c->claims.identity,
                                     c->unix_us));
}

void api_logo_get(struct store *s, struct api_call *c)
{
    static const char *const types[] = {"image/png", "image/webp"};
    const char *hash = c->params.values[0];
    char type[16] = "", *bytes = NULL;
    size_t len = 0;
    int er = strlen(hash) == STORE_HASH_BYTES - 1 ? store_brand_logo(s, hash, type, &bytes, &len)
                                                  : ER_NOT_FOUND;
    if (er) {
        api_problem_er(c, er, er == ER_NOT_FOUND ? "there is no such logo" : NULL);
        return;
    }
    c->response.status = 200;
    c->response.content_type = types[strcmp(type, types[1]) == 0];
    c->response.body = bytes;
    c->response.body_len = len;
    (void)snprintf(c->response.etag, sizeof c->response.etag, "\"%.64s\"", hash);
    http_header_add(&c->response, "cache-control", "public, max-age=31536000, immutable");
    http_header_add(&c->response, "content-security-policy", "default-src 'none'; sandbox");
}

void api_certificate_brand(struct store *s, struct api_call *c)
{
    struct store_certificate found;
    struct store_case sc = {0};
    int er = store_certificate_find(s, c->params.values[0], &found);
    if (!er)
        er = store_case_get(s, &found.case_id, &sc);
    if (er)
        api_problem_er(c, er, er == ER_NOT_FOUND ? "there is no such certificate" : NULL);
    else
        answer(s, c, sc.merchant, false);
    store_case_clear(&sc);
}
