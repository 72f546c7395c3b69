// SPDX-License-Identifier: Apache-2.0
/* WHIP and WHEP: HTTP requests and their answers. Sessions live under /whip/sessions/{id} and
 * /whep/sessions/{id}; "sessions" is no room's id. */
#include "server/whip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/er.h"
#include "base/str.h"
#include "server/ice_servers.h"
#include "server/pace.h"
#include "server/whip_impl.h"

#define RETRY_SECONDS 5

int whip_new(struct whip **ret, const struct whip_config *config)
{
    *ret = NULL;
    struct whip *w = calloc(1, sizeof *w);
    if (!w)
        return ER_NOMEM;
    w->config = *config;
    int er = map_new(&w->sessions, LIMIT_WORKERS * LIMIT_PEERS,
                     entropy_u64(&config->calls->config.entropy));
    if (er < 0) {
        free(w);
        return er;
    }
    *ret = w;
    return 0;
}

void whip_free(struct whip *w)
{
    if (!w)
        return;
    size_t cursor = 0;
    void *value;
    while (map_next(w->sessions, &cursor, NULL, NULL, &value))
        whip_session_free(value);
    map_free(w->sessions);
    free(w);
}

/* Answers */

void whip_send(struct whip *w, struct http_reply reply, struct http_response *response)
{
    w->config.send(w->config.ctx, reply, response);
}

void whip_send_problem(struct whip *w, struct http_reply reply, int status, const char *detail)
{
    struct http_response response = {0};
    http_problem(&response, status, detail);
    if (status == 429 || status == 503)
        http_header_add(&response, "retry-after", "%d", RETRY_SECONDS);
    if (status == 401)
        http_header_add(&response, "www-authenticate", "Bearer");
    whip_send(w, reply, &response);
}

void whip_send_error(struct whip *w, struct http_reply reply, int er, const char *why)
{
    int status = er == ER_NOT_FOUND                                   ? 404
                 : er == ER_DENIED || er == ER_STALE                  ? 403
                 : er == ER_CONFLICT                                  ? 409
                 : er == ER_FULL || er == ER_CLOSED                   ? 503
                 : er == ER_NOMEM || er == ER_INTERNAL || er == ER_IO ? 500
                                                                      : 400;
    whip_send_problem(w, reply, status, why);
}

/** RFC 9725, 4.6. */
void whip_add_ice_servers(struct http_response *response, const struct calls *c,
                          const char *identity)
{
    ice_servers_link(calls_ice_servers(c), identity, calls_unix_us(c) / 1000000, response);
}

void whip_add_etag(struct http_response *response, const struct whip_session *s)
{
    (void)snprintf(response->etag, sizeof response->etag, "\"%s-%u\"", s->id.text, s->version);
}

/* Requests */

struct exchange {
    struct whip *whip;
    struct http_request *request;
    struct claims who;
    struct whip_target target;
};

static void fail(struct exchange *x, int status, const char *detail)
{
    whip_send_problem(x->whip, x->request->reply, status, detail);
}

static bool has_type(const struct http_request *request, const char *type)
{
    struct span rest = span_of(request->content_type ? request->content_type : "");
    return span_equal_nocase(span_trim(span_cut(&rest, ';')), type);
}

static bool post_check(struct exchange *x)
{
    const struct http_request *request = x->request;
    struct calls *c = x->whip->config.calls;
    bool may = x->target.publish ? x->who.grants.publish : x->who.grants.subscribe;
    if (!may)
        fail(x, 403,
             x->target.publish ? "this token may not publish" : "this token may not subscribe");
    else if (!has_type(request, WHIP_SDP_TYPE))
        fail(x, 415, "an offer is sent as " WHIP_SDP_TYPE);
    else if (!request->body_len || request->body_len > LIMIT_SDP_BYTES ||
             strlen((const char *)request->body) != request->body_len)
        fail(x, 400, "the body is no SDP offer of up to 60000 bytes");
    else if (x->target.publish && !whip_offer_sends((const char *)request->body))
        fail(x, 400, "this offer sends nothing: to publish takes an m-line that is sendonly");
    else if (c->draining)
        fail(x, 503, "the server is about to restart");
    else if (whip_session_count(x->whip, &x->who) >= LIMIT_WHIP_SESSIONS_PER_IDENTITY)
        fail(x, 429, WHIP_TOO_MANY);
    else
        return true;
    return false;
}

static void on_post(struct exchange *x)
{
    if (!post_check(x))
        return;
    char takeover[8] = "";
    (void)http_query(x->request, "takeover", takeover, sizeof takeover);
    if (whip_session_post(x->whip, x->request->reply, &x->target, &x->who,
                          (const char *)x->request->body, strcmp(takeover, "1") == 0) != 0)
        fail(x, 500, NULL);
}

/** The session of the path, when it is this person's; else the error is sent. */
static struct whip_session *own_session(struct exchange *x)
{
    struct whip_session *s = map_get_str(x->whip->sessions, x->target.id.text);
    if (!s || s->publish != x->target.publish) {
        fail(x, 404, "no such session");
        return NULL;
    }
    if (strcmp(s->identity, x->who.identity) != 0 || strcmp(s->merchant, x->who.merchant) != 0) {
        fail(x, 403, "another person's session");
        return NULL;
    }
    return s;
}

static void on_delete(struct exchange *x)
{
    struct whip_session *s = own_session(x);
    if (!s)
        return;
    whip_session_end(s);
    struct http_response response = {.status = 200};
    whip_send(x->whip, x->request->reply, &response);
}

static void on_patch(struct exchange *x)
{
    const struct http_request *request = x->request;
    struct whip_session *s = own_session(x);
    struct whip_ice now, asked;
    char etag[80];
    if (!s)
        return;
    (void)snprintf(etag, sizeof etag, "\"%s-%u\"", s->id.text, s->version);
    const char *body = request->body_len ? (const char *)request->body : "";
    int er = whip_ice_read(body, &asked);
    bool other = er == 0 && whip_ice_read(s->offer, &now) == 0 &&
                 strcmp(now.ufrag, asked.ufrag) != 0;
    if (!has_type(request, WHIP_FRAGMENT_TYPE))
        fail(x, 415, "a change is sent as " WHIP_FRAGMENT_TYPE);
    else if (!request->if_match)
        fail(x, 428, "If-Match is needed: the ETag, or * for an ICE restart");
    else if (strcmp(request->if_match, "*") != 0 && strcmp(request->if_match, etag) != 0)
        fail(x, 412, "the ICE session has changed");
    else if (!whip_is_fragment(body))
        fail(x, 400, "the body is no SDP fragment");
    else if (er == ER_MALFORMED)
        fail(x, 400, "ice-ufrag and ice-pwd must both be there and well formed");
    else if (other)
        whip_session_restart(s, request->reply, &asked);
    else { /* candidates: an ICE-lite agent waits for the checks themselves */
        struct http_response response = {.status = 204};
        whip_add_etag(&response, s);
        whip_send(x->whip, request->reply, &response);
    }
}

/** The bearer token, checked; else *ret_why says what is wrong with it. */
static bool verify(struct exchange *x, const char **ret_why)
{
    const char *header = x->request->authorization;
    *ret_why = "a token is needed: Authorization: Bearer";
    if (!header || strncasecmp(header, "Bearer ", 7) != 0)
        return false;
    const char *token = header + 7 + strspn(header + 7, " ");
    uint64_t now_s = calls_unix_us(x->whip->config.calls) / 1000000;
    if (auth_verify(x->whip->config.auth, token, strlen(token), now_s, &x->who, ret_why))
        return false;
    *ret_why = "the token's key is not for calls";
    return (x->who.scopes & AUTH_CALL) != 0;
}

static void on_options(struct exchange *x)
{
    struct http_response response = {.status = 200};
    const char *why;
    if (x->target.is_session) {
        http_header_add(&response, "accept-patch", WHIP_FRAGMENT_TYPE);
        http_header_add(&response, "allow", "PATCH, DELETE, OPTIONS");
    } else {
        http_header_add(&response, "accept-post", WHIP_SDP_TYPE);
        http_header_add(&response, "allow", "POST, OPTIONS");
        if (verify(x, &why)) /* for clients that cannot take ICE servers after their offer */
            whip_add_ice_servers(&response, x->whip->config.calls, x->who.identity);
    }
    whip_send(x->whip, x->request->reply, &response);
}

/** As often as over REST; a token that is none counts for its address. False: it is answered. */
static bool paced(struct exchange *x, bool verified)
{
    const struct http_request *request = x->request;
    struct pace *pace = x->whip->config.pace;
    uint64_t now_us = calls_now_us(x->whip->config.calls);
    char address[ADDR_TEXT_BYTES] = "";
    if (!request->forwarded)
        addr_format_ip(&request->peer, address);
    uint64_t wait_s = verified ? pace_person(pace, &x->who, now_us)
                               : pace_stranger(pace, address, now_us);
    if (!wait_s)
        return true;
    struct http_response response = {0};
    http_problem(&response, 429, "too many requests");
    http_header_add(&response, "retry-after", "%llu", (unsigned long long)wait_s);
    whip_send(x->whip, request->reply, &response);
    return false;
}

typedef void exchange_handler(struct exchange *x);
static exchange_handler *const of_room[HTTP_METHODS] = {[HTTP_POST] = on_post};
static exchange_handler *const of_session[HTTP_METHODS] = {
    [HTTP_PATCH] = on_patch, [HTTP_DELETE] = on_delete};

/** The path is percent-decoded already: what follows the room is the identity as it is, which may
 *  hold any character. */
static bool read_target(struct span path, struct whip_target *ret)
{
    struct span first = span_cut(&path, '/');
    char text[ID_TEXT_BYTES];
    ret->is_session = span_equal(first, "sessions");
    struct span id = ret->is_session ? span_cut(&path, '/') : first;
    if (str_copy_span(text, sizeof text, id) < 0 || id_parse(text, &ret->id) < 0)
        return false;
    if (!path.at)
        return true;
    return !ret->is_session && !ret->publish && path.len &&
           str_copy_span(ret->identity, sizeof ret->identity, path) == 0;
}

bool whip_handle(struct whip *w, struct http_request *request)
{
    struct exchange x = {.whip = w, .request = request};
    const char *why;
    bool whip = strncmp(request->path, "/whip/", 6) == 0;
    if (!whip && strncmp(request->path, "/whep/", 6) != 0)
        return false;
    x.target.publish = whip;
    if (!read_target(span_of(request->path + 6), &x.target)) {
        fail(&x, 404, "no such room");
    } else if (request->method == HTTP_OPTIONS) {
        on_options(&x);
    } else {
        exchange_handler *const *table = x.target.is_session ? of_session : of_room;
        exchange_handler *handler = request->method < HTTP_METHODS ? table[request->method] : NULL;
        if (!handler) {
            struct http_response response = {0};
            http_problem(&response, 405, NULL);
            http_header_add(&response, "allow",
                            x.target.is_session ? "PATCH, DELETE, OPTIONS" : "POST, OPTIONS");
            whip_send(w, request->reply, &response);
        } else {
            bool good = verify(&x, &why);
            if (!paced(&x, good))
                good = false;
            else if (!good)
                fail(&x, 401, why);
            if (good)
                handler(&x);
        }
    }
    http_request_free(request);
    return true;
}
