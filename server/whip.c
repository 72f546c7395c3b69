// SPDX-License-Identifier: Apache-2.0
/* WHIP and WHEP: HTTP requests to media peers and back. Sessions live under /whip/sessions/{id} and
 * /whep/sessions/{id}; "sessions" is no room's id. */
#include "server/whip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/er.h"
#include "base/str.h"
#include "server/calls_impl.h"
#include "server/ice_servers.h"
#include "server/whip_sdp.h"

#define SDP_TYPE "application/sdp"
#define FRAGMENT_TYPE "application/trickle-ice-sdpfrag"
#define RETRY_SECONDS 5
#define TOO_MANY "too many sessions of this person"

struct whip {
    struct whip_config config;
    struct map *sessions; /* id -> struct whip_session */
};

struct whip_session {
    struct id id;
    struct whip *whip;
    struct id room;
    char identity[LIMIT_IDENTITY + 1];
    char merchant[AUTH_MERCHANT_BYTES];
    bool publish;
    uint64_t peer;
    char *offer;
    unsigned version; /* counts ICE sessions: the ETag */
};

/** What a path asks for. */
struct target {
    bool publish;
    bool is_session;
    struct id id; /* of the room, or of the session */
    char identity[LIMIT_IDENTITY + 1];
};

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

static void session_free(struct whip_session *s)
{
    map_remove_str(s->whip->sessions, s->id.text);
    free(s->offer);
    free(s);
}

void whip_free(struct whip *w)
{
    if (!w)
        return;
    size_t cursor = 0;
    void *value;
    while (map_next(w->sessions, &cursor, NULL, NULL, &value))
        session_free(value);
    map_free(w->sessions);
    free(w);
}

/* Answers */

static void send_response(struct whip *w, struct http_reply reply, struct http_response *response)
{
    w->config.send(w->config.ctx, reply, response);
}

static void send_problem(struct whip *w, struct http_reply reply, int status, const char *detail)
{
    struct http_response response = {0};
    http_problem(&response, status, detail);
    if (status == 429 || status == 503)
        http_header_add(&response, "retry-after", "%d", RETRY_SECONDS);
    if (status == 401)
        http_header_add(&response, "www-authenticate", "Bearer");
    send_response(w, reply, &response);
}

/** For what entering a room or the media engine said. */
static void send_error(struct whip *w, struct http_reply reply, int er, const char *why)
{
    int status = er == ER_NOT_FOUND                                   ? 404
                 : er == ER_DENIED || er == ER_STALE                  ? 403
                 : er == ER_CONFLICT                                  ? 409
                 : er == ER_FULL || er == ER_CLOSED                   ? 503
                 : er == ER_NOMEM || er == ER_INTERNAL || er == ER_IO ? 500
                                                                      : 400;
    send_problem(w, reply, status, why);
}

/** RFC 9725, 4.6. */
static void add_ice_servers(struct http_response *response, const struct calls *c,
                            const char *identity)
{
    ice_servers_link(calls_ice_servers(c), identity, calls_unix_us(c) / 1000000, response);
}

static void add_etag(struct http_response *response, const struct whip_session *s)
{
    (void)snprintf(response->etag, sizeof response->etag, "\"%s-%u\"", s->id.text, s->version);
}

/* Sessions and peers */

static void on_gone(void *ctx, int er)
{
    (void)er;
    struct whip_session *s = ctx;
    struct calls *c = s->whip->config.calls;
    struct room *r = room_find(c, &s->room);
    size_t *count = s->publish ? &c->whip : &c->whep;
    --*count;
    if (r)
        room_door_close(r, s->identity);
    session_free(s);
}

/** Ends a session from our side. */
static void session_end(struct whip_session *s)
{
    struct calls *c = s->whip->config.calls;
    struct peer *p = map_get_u64(c->peers, s->peer);
    struct room *r = room_find(c, &s->room);
    if (r)
        r->entering++;
    if (p)
        call_peer_free(p, true);
    on_gone(s, ER_CLOSED);
    if (r) {
        r->entering--;
        room_settle(r);
    }
}

struct post {
    struct whip *whip;
    struct http_reply reply;
    struct target target;
    bool takeover;
    char *offer;
    struct id session;        /* of a request under way */
    char jti[AUTH_JTI_BYTES]; /* of the invite that was used for it */
};

static void post_free(struct post *post)
{
    free(post->offer);
    free(post);
}

static void send_created(struct whip_session *s, struct http_reply reply, const char *sdp)
{
    struct http_response response = {0};
    char *body = strdup(sdp ? sdp : "");
    http_body_take(&response, 201, SDP_TYPE, body);
    http_header_add(&response, "location", "/%s/sessions/%s", s->publish ? "whip" : "whep",
                    s->id.text);
    http_header_add(&response, "accept-patch", FRAGMENT_TYPE);
    add_ice_servers(&response, s->whip->config.calls, s->identity);
    add_etag(&response, s);
    send_response(s->whip, reply, &response);
}

static void offer_answered(struct calls *c, void *ctx, const struct media_event *event)
{
    struct post *post = ctx;
    struct whip_session *s = event ? map_get_str(post->whip->sessions, post->session.text) : NULL;
    if (event && event->type == MEDIA_ANSWER && s) {
        struct peer *p = map_get_u64(c->peers, s->peer);
        if (p)
            p->answered = true;
        send_created(s, post->reply, event->sdp);
    } else if (event) {
        bool refused = event->type == MEDIA_REFUSED;
        send_error(post->whip, post->reply, refused ? event->er : ER_INTERNAL,
                   refused && event->why ? event->why : "the session has ended");
        calls_give_back_invite(c, post->jti);
        if (s)
            session_end(s);
    }
    post_free(post);
}

static int add_peer(struct whip_session *s, struct room *r, const struct claims *who,
                    const struct post *post, uint64_t request)
{
    struct calls *c = r->calls;
    struct peer *p;
    const struct door door = {.gone = on_gone, .ctx = s};
    int er = call_peer_new(r, who->identity, NULL, &door, &p);
    if (er < 0)
        return er;
    p->publishes = s->publish;
    (void)str_copy(p->jti, sizeof p->jti, who->jti);
    s->peer = p->number;
    struct media_peer_config config = {.peer = p->number,
                                       .may_publish = s->publish,
                                       .may_subscribe = !s->publish,
                                       .rank = calls_rank(who->role),
                                       .pick = post->target.identity[0] ? MEDIA_PICK_PERSON
                                                                        : MEDIA_PICK_MAIN};
    (void)str_copy(config.identity, sizeof config.identity, who->identity);
    (void)str_copy(config.pick_identity, sizeof config.pick_identity, post->target.identity);
    er = media_peer_add(c->config.media, &r->id, &config, request, s->offer, strlen(s->offer), NULL,
                        0);
    if (er < 0)
        call_peer_free(p, false);
    return er;
}

static int open_session(struct post *post, struct room *r, const struct claims *who, bool consent)
{
    struct whip *w = post->whip;
    struct calls *c = r->calls;
    struct whip_session *s = calloc(1, sizeof *s);
    if (!s)
        return ER_NOMEM;
    s->id = id_make(calls_unix_us(c), &c->config.entropy);
    s->whip = w;
    s->room = r->id;
    s->publish = post->target.publish;
    s->version = 1;
    (void)str_copy(s->identity, sizeof s->identity, who->identity);
    (void)str_copy(s->merchant, sizeof s->merchant, who->merchant);
    s->offer = post->offer;
    post->offer = NULL;
    int er = map_add_str(w->sessions, s->id.text, s);
    if (er == 0)
        er = room_door_open(r, who, consent);
    if (er < 0) {
        session_free(s);
        return er;
    }
    size_t *count = s->publish ? &c->whip : &c->whep;
    ++*count;
    post->session = s->id;
    uint64_t request = request_new(c, offer_answered, post);
    er = request ? add_peer(s, r, who, post, request) : ER_NOMEM;
    if (er < 0) {
        if (request)
            request_drop(c, request);
        on_gone(s, er);
    }
    return er;
}

static size_t count_sessions(const struct whip *w, const struct claims *who)
{
    size_t cursor = 0, count = 0;
    void *value;
    while (map_next(w->sessions, &cursor, NULL, NULL, &value)) {
        const struct whip_session *s = value;
        count += strcmp(s->identity, who->identity) == 0 && strcmp(s->merchant, who->merchant) == 0;
    }
    return count;
}

/** The same person publishes by WHIP in whatever room. */
static struct whip_session *other_publisher(const struct whip *w, const struct claims *who)
{
    size_t cursor = 0;
    void *value;
    while (map_next(w->sessions, &cursor, NULL, NULL, &value)) {
        struct whip_session *s = value;
        if (s->publish && strcmp(s->identity, who->identity) == 0 &&
            strcmp(s->merchant, who->merchant) == 0)
            return s;
    }
    return NULL;
}

static int make_way(struct post *post, struct room *r, const struct claims *who)
{
    struct whip_session *other = other_publisher(post->whip, who);
    if (!other && !room_identity_publishes(r, who->identity))
        return 0;
    if (!post->takeover)
        return ER_CONFLICT;
    for (; other; other = other_publisher(post->whip, who))
        session_end(other);
    room_stop_publishing(r, who->identity);
    return 0;
}

static void post_entered(struct calls *c, struct entry_job *job, struct room *r)
{
    struct post *post = job->ctx;
    if (!c) {
        post_free(post);
        return;
    }
    int er = job->er;
    const char *why = er == ER_DENIED      ? "this token is not for this room"
                      : er == ER_NOT_FOUND ? "no such room"
                      : er == ER_STALE     ? "this link was used before"
                                           : NULL;
    if (er == 0)
        (void)str_copy(post->jti, sizeof post->jti, job->claims.jti);
    /* Others of this person may have come in since the request was let in. */
    if (er == 0 && count_sessions(post->whip, &job->claims) >= LIMIT_WHIP_SESSIONS_PER_IDENTITY) {
        send_problem(post->whip, post->reply, 429, TOO_MANY);
        calls_give_back_invite(c, post->jti);
        post_free(post);
        return;
    }
    if (er == 0 && post->target.publish) {
        er = make_way(post, r, &job->claims);
        why = "this person publishes already; ?takeover=1 takes its place";
    }
    if (er == 0) {
        er = open_session(post, r, &job->claims, job->consent);
        why = "no room for one more";
    }
    if (er == 0)
        return;
    send_error(post->whip, post->reply, er, why);
    calls_give_back_invite(c, post->jti);
    post_free(post);
}

/* Requests */

struct exchange {
    struct whip *whip;
    struct http_request *request;
    struct claims who;
    struct target target;
};

static void fail(struct exchange *x, int status, const char *detail)
{
    send_problem(x->whip, x->request->reply, status, detail);
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
    else if (!has_type(request, SDP_TYPE))
        fail(x, 415, "an offer is sent as " SDP_TYPE);
    else if (!request->body_len || request->body_len > LIMIT_SDP_BYTES ||
             strlen((const char *)request->body) != request->body_len)
        fail(x, 400, "the body is no SDP offer of up to 60000 bytes");
    else if (x->target.publish && !whip_offer_sends((const char *)request->body))
        fail(x, 400, "this offer sends nothing: to publish takes an m-line that is sendonly");
    else if (c->draining)
        fail(x, 503, "the server is about to restart");
    else if (count_sessions(x->whip, &x->who) >= LIMIT_WHIP_SESSIONS_PER_IDENTITY)
        fail(x, 429, TOO_MANY);
    else
        return true;
    return false;
}

static void on_post(struct exchange *x)
{
    if (!post_check(x))
        return;
    struct post *post = calloc(1, sizeof *post);
    struct entry_job *job = calloc(1, sizeof *job);
    if (post)
        post->offer = strdup((const char *)x->request->body);
    if (!post || !job || !post->offer) {
        fail(x, 500, NULL);
        free(job);
        if (post)
            post_free(post);
        return;
    }
    char takeover[8] = "";
    (void)http_query(x->request, "takeover", takeover, sizeof takeover);
    post->takeover = strcmp(takeover, "1") == 0;
    post->whip = x->whip;
    post->reply = x->request->reply;
    post->target = x->target;
    job->claims = x->who;
    job->by_room = x->target.id;
    job->use_invite = x->who.jti[0] != '\0';
    job->entered = post_entered;
    job->ctx = post;
    calls_enter(x->whip->config.calls, job);
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
    session_end(s);
    struct http_response response = {.status = 200};
    send_response(x->whip, x->request->reply, &response);
}

static void restart_answered(struct calls *c, void *ctx, const struct media_event *event)
{
    struct post *post = ctx;
    struct whip_session *s = event ? map_get_str(post->whip->sessions, post->session.text) : NULL;
    (void)c;
    if (event && event->type == MEDIA_ANSWER && s && event->sdp) {
        struct http_response response = {0};
        free(s->offer);
        s->offer = post->offer;
        post->offer = NULL;
        s->version++;
        http_body_take(&response, 200, FRAGMENT_TYPE, whip_answer_fragment(event->sdp));
        add_etag(&response, s);
        send_response(post->whip, post->reply, &response);
    } else if (event) {
        bool refused = event->type == MEDIA_REFUSED;
        send_error(post->whip, post->reply, refused ? event->er : ER_INTERNAL,
                   refused && event->why ? event->why : "the session has ended");
    }
    post_free(post);
}

/** ICE restart (RFC 9725 section 4.3.3): the offer anew with the fragment's credentials. */
static void restart(struct exchange *x, struct whip_session *s, const struct whip_ice *ice)
{
    struct calls *c = x->whip->config.calls;
    struct post *post = calloc(1, sizeof *post);
    uint64_t request = 0;
    int er = ER_NOMEM;
    if (post) {
        post->whip = x->whip;
        post->reply = x->request->reply;
        post->session = s->id;
        post->offer = whip_offer_restart(s->offer, ice);
        request = post->offer ? request_new(c, restart_answered, post) : 0;
    }
    if (request)
        er = media_peer_offer(c->config.media, &s->room, s->peer, request, post->offer,
                              strlen(post->offer), NULL, 0);
    if (er == 0)
        return;
    if (request)
        request_drop(c, request);
    if (post)
        post_free(post);
    send_error(x->whip, x->request->reply, er, "the restart cannot be done now");
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
    if (!has_type(request, FRAGMENT_TYPE))
        fail(x, 415, "a change is sent as " FRAGMENT_TYPE);
    else if (!request->if_match)
        fail(x, 428, "If-Match is needed: the ETag, or * for an ICE restart");
    else if (strcmp(request->if_match, "*") != 0 && strcmp(request->if_match, etag) != 0)
        fail(x, 412, "the ICE session has changed");
    else if (!whip_is_fragment(body))
        fail(x, 400, "the body is no SDP fragment");
    else if (er == ER_MALFORMED)
        fail(x, 400, "ice-ufrag and ice-pwd must both be there and well formed");
    else if (other)
        restart(x, s, &asked);
    else { /* candidates: an ICE-lite agent waits for the checks themselves */
        struct http_response response = {.status = 204};
        add_etag(&response, s);
        send_response(x->whip, request->reply, &response);
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
    return auth_verify(x->whip->config.auth, token, strlen(token), now_s, &x->who, ret_why) == 0;
}

static void on_options(struct exchange *x)
{
    struct http_response response = {.status = 200};
    const char *why;
    if (x->target.is_session) {
        http_header_add(&response, "accept-patch", FRAGMENT_TYPE);
        http_header_add(&response, "allow", "PATCH, DELETE, OPTIONS");
    } else {
        http_header_add(&response, "accept-post", SDP_TYPE);
        http_header_add(&response, "allow", "POST, OPTIONS");
        if (verify(x, &why)) /* for clients that cannot take ICE servers after their offer */
            add_ice_servers(&response, x->whip->config.calls, x->who.identity);
    }
    send_response(x->whip, x->request->reply, &response);
}

typedef void exchange_handler(struct exchange *x);
static exchange_handler *const of_room[HTTP_METHODS] = {[HTTP_POST] = on_post};
static exchange_handler *const of_session[HTTP_METHODS] = {
    [HTTP_PATCH] = on_patch, [HTTP_DELETE] = on_delete};

/** The path is percent-decoded already: what follows the room is the identity as it is, which may
 *  hold any character. */
static bool read_target(struct span path, struct target *ret)
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
            send_response(w, request->reply, &response);
        } else if (verify(&x, &why)) {
            handler(&x);
        } else {
            fail(&x, 401, why);
        }
    }
    http_request_free(request);
    return true;
}
