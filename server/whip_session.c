// SPDX-License-Identifier: Apache-2.0
/* Sessions of WHIP and WHEP: each is a person in a room with one media peer, from an offer that is let
 * in until it is deleted or gone. */
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/str.h"
#include "server/whip_impl.h"

void whip_session_free(struct whip_session *s)
{
    map_remove_str(s->whip->sessions, s->id.text);
    free(s->offer);
    free(s);
}

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
    whip_session_free(s);
}

void whip_session_end(struct whip_session *s)
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
    struct whip_target target;
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
    http_body_take(&response, 201, WHIP_SDP_TYPE, body);
    http_header_add(&response, "location", "/%s/sessions/%s", s->publish ? "whip" : "whep",
                    s->id.text);
    http_header_add(&response, "accept-patch", WHIP_FRAGMENT_TYPE);
    whip_add_ice_servers(&response, s->whip->config.calls, s->identity);
    whip_add_etag(&response, s);
    whip_send(s->whip, reply, &response);
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
        whip_send_error(post->whip, post->reply, refused ? event->er : ER_INTERNAL,
                        refused && event->why ? event->why : "the session has ended");
        calls_give_back_invite(c, post->jti);
        if (s)
            whip_session_end(s);
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
                                       .keep_seen = who->role != ROLE_VIEWER,
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
        whip_session_free(s);
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

size_t whip_session_count(const struct whip *w, const struct claims *who)
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
        whip_session_end(other);
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
    if (er == 0 &&
        whip_session_count(post->whip, &job->claims) >= LIMIT_WHIP_SESSIONS_PER_IDENTITY) {
        whip_send_problem(post->whip, post->reply, 429, WHIP_TOO_MANY);
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
    whip_send_error(post->whip, post->reply, er, why);
    calls_give_back_invite(c, post->jti);
    post_free(post);
}

int whip_session_post(struct whip *w, struct http_reply reply, const struct whip_target *target,
                      const struct claims *who, const char *offer, bool takeover)
{
    struct post *post = calloc(1, sizeof *post);
    struct entry_job *job = calloc(1, sizeof *job);
    if (post)
        post->offer = strdup(offer);
    if (!post || !job || !post->offer) {
        free(job);
        if (post)
            post_free(post);
        return ER_NOMEM;
    }
    post->takeover = takeover;
    post->whip = w;
    post->reply = reply;
    post->target = *target;
    job->claims = *who;
    job->by_room = target->id;
    job->use_invite = who->jti[0] != '\0';
    job->entered = post_entered;
    job->ctx = post;
    calls_enter(w->config.calls, job);
    return 0;
}

/* Restarts */

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
        http_body_take(&response, 200, WHIP_FRAGMENT_TYPE, whip_answer_fragment(event->sdp));
        whip_add_etag(&response, s);
        whip_send(post->whip, post->reply, &response);
    } else if (event) {
        bool refused = event->type == MEDIA_REFUSED;
        whip_send_error(post->whip, post->reply, refused ? event->er : ER_INTERNAL,
                        refused && event->why ? event->why : "the session has ended");
    }
    post_free(post);
}

void whip_session_restart(struct whip_session *s, struct http_reply reply,
                          const struct whip_ice *ice)
{
    struct calls *c = s->whip->config.calls;
    struct post *post = calloc(1, sizeof *post);
    uint64_t request = 0;
    int er = ER_NOMEM;
    if (post) {
        post->whip = s->whip;
        post->reply = reply;
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
    whip_send_error(s->whip, reply, er, "the restart cannot be done now");
}
