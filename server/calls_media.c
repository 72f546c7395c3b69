// SPDX-License-Identifier: Apache-2.0
/* Media peers of sessions, the engine's answers and events. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/str.h"
#include "server/calls_impl.h"
#include "server/whip_sdp.h"

const char *track_text(char ret[TRACK_TEXT_BYTES], uint64_t track)
{
    (void)snprintf(ret, TRACK_TEXT_BYTES, "%" PRIu64, track);
    return ret;
}

const char *kind_name(enum media_kind kind)
{
    return kind == MEDIA_VIDEO ? "video" : "audio";
}

uint8_t calls_rank(enum role role)
{
    const struct role_info *info = role_describe(role);
    return info ? info->media_rank : 0;
}

uint64_t request_new(struct calls *c, request_done *done, void *ctx)
{
    struct request *request = calloc(1, sizeof *request);
    if (!request)
        return 0;
    *request = (struct request){.number = ++c->last_request, .done = done, .ctx = ctx};
    if (map_add_u64(c->requests, request->number, request) < 0) {
        free(request);
        return 0;
    }
    return c->last_request;
}

void request_drop(struct calls *c, uint64_t number)
{
    free(map_remove_u64(c->requests, number));
}

static void request_finish(struct calls *c, const struct media_event *event)
{
    struct request *request = map_remove_u64(c->requests, event->request);
    if (!request)
        return;
    request->done(c, request->ctx, event);
    free(request);
}

/* Tracks */

static json_t *track_json(const struct room_track *t)
{
    char number[TRACK_TEXT_BYTES];
    return json_pack("{s:s,s:s,s:s,s:s,s:s}", "type", "track_added", "track",
                     track_text(number, t->track), "identity", t->identity, "kind",
                     kind_name(t->kind), "label", t->label);
}

static void track_add(struct room *r, const struct media_event *e)
{
    struct room_track t = {.track = e->track, .peer = e->peer, .kind = e->kind};
    (void)str_copy(t.identity, sizeof t.identity, e->identity);
    (void)str_copy(t.label, sizeof t.label, e->label);
    if (r->track_count == r->track_size && r->track_size < ROOM_TRACKS) {
        size_t size = r->track_size ? 2 * r->track_size : 8;
        struct room_track *grown = realloc(r->tracks, size * sizeof *grown);
        if (grown) {
            r->tracks = grown;
            r->track_size = size;
        }
    }
    if (r->track_count < r->track_size)
        r->tracks[r->track_count++] = t;
    room_tell(r, NULL, track_json(&t));
}

static void track_remove_at(struct room *r, size_t i)
{
    char number[TRACK_TEXT_BYTES];
    json_t *message = json_pack("{s:s,s:s,s:s}", "type", "track_removed", "track",
                                track_text(number, r->tracks[i].track), "identity",
                                r->tracks[i].identity);
    memmove(&r->tracks[i], &r->tracks[i + 1], (r->track_count - i - 1) * sizeof r->tracks[0]);
    r->track_count--;
    room_tell(r, NULL, message);
}

static void track_remove(struct room *r, const struct media_event *e)
{
    for (size_t i = 0; i < r->track_count; i++) {
        if (r->tracks[i].track == e->track && r->tracks[i].peer == e->peer) {
            track_remove_at(r, i);
            return;
        }
    }
}

void room_send_tracks(struct room *r, struct member *m)
{
    for (size_t i = 0; i < r->track_count; i++) {
        json_t *message = track_json(&r->tracks[i]);
        calls_send(r->calls, m->session, message);
        json_decref(message);
    }
}

/* Peers */

int call_peer_new(struct room *r, const char *identity, struct member *m, const struct door *door,
                  struct peer **ret)
{
    struct calls *c = r->calls;
    struct peer *p = calloc(1, sizeof *p);
    if (!p)
        return ER_NOMEM;
    p->number = ++c->last_peer;
    int er = map_add_u64(c->peers, p->number, p);
    if (er < 0) {
        free(p);
        return er;
    }
    p->room = r;
    p->member = m;
    if (door)
        p->door = *door;
    (void)str_copy(p->identity, sizeof p->identity, identity);
    list_append(&r->peers, &p->node);
    *ret = p;
    return 0;
}

void call_peer_free(struct peer *p, bool tell_media)
{
    struct room *r = p->room;
    struct calls *c = r->calls;
    map_remove_u64(c->peers, p->number);
    list_remove(&p->node);
    if (p->member)
        p->member->peer = NULL;
    if (tell_media)
        must_peer_remove(c, &r->id, p->number);
    for (size_t i = r->track_count; i-- > 0;) {
        if (tell_media && r->tracks[i].peer == p->number)
            track_remove_at(r, i);
    }
    free(p->seen);
    free(p);
}

bool room_identity_publishes(const struct room *r, const char *identity)
{
    for (size_t i = 0; i < r->track_count; i++) {
        if (strcmp(r->tracks[i].identity, identity) == 0)
            return true;
    }
    list_each (peer, (struct list *)(uintptr_t)&r->peers, struct peer, node) {
        if (peer->publishes && strcmp(peer->identity, identity) == 0)
            return true;
    }
    return false;
}

bool room_door_publishes(const struct room *r, const char *identity)
{
    list_each (peer, (struct list *)(uintptr_t)&r->peers, struct peer, node) {
        if (!peer->member && peer->publishes && strcmp(peer->identity, identity) == 0)
            return true;
    }
    return false;
}

static void say_gone(struct peer *p, const char *reason)
{
    json_t *message = json_pack("{s:s,s:s}", "type", "media_gone", "reason", reason);
    calls_send(p->room->calls, p->member->session, message);
    json_decref(message);
}

/** The peer ends; whoever holds it is told why. */
static void peer_end(struct peer *p, int er, bool tell_media)
{
    struct door door = p->door;
    if (p->member)
        say_gone(p, er == ER_UNAUTHENTIC ? "failed" : er == ER_CLOSED ? "closed" : "timeout");
    call_peer_free(p, tell_media);
    if (door.gone)
        door.gone(door.ctx, er);
}

void room_stop_publishing(struct room *r, const char *identity)
{
    list_each_safe (peer, &r->peers, struct peer, node) {
        bool publishes = peer->publishes;
        for (size_t i = 0; i < r->track_count; i++)
            publishes |= r->tracks[i].peer == peer->number;
        if (publishes && strcmp(peer->identity, identity) == 0)
            peer_end(peer, ER_CLOSED, true);
    }
}

/* Offers by WebSocket */

struct offer {
    struct id session;
    char re[PROTO_ID_BYTES];
    uint64_t peer;
};

static void offer_answered(struct calls *c, void *ctx, const struct media_event *event)
{
    struct offer *offer = ctx;
    struct session *s = event ? sessions_find(c->sessions, &offer->session) : NULL;
    struct peer *p = event ? map_get_u64(c->peers, offer->peer) : NULL;
    if (event && event->type == MEDIA_ANSWER) {
        if (p)
            p->answered = true;
        if (s)
            sessions_reply(
                c->sessions, s, offer->re,
                json_pack("{s:s,s:s}", "type", "answer", "sdp", event->sdp ? event->sdp : ""));
    } else if (event) {
        if (p && !p->answered)
            call_peer_free(p, false);
        if (s)
            calls_error_er(c, s, offer->re, event->er,
                           event->why ? event->why : "the offer cannot be answered");
    }
    free(offer);
}

/** The certificate tells one RTCPeerConnection from another. */
static void find_fingerprint(const char *sdp, char ret[FINGERPRINT_BYTES])
{
    const char *at = strstr(sdp, "a=fingerprint:");
    size_t len = at ? strcspn(at, "\r\n") : 0;
    (void)str_copy_span(ret, FINGERPRINT_BYTES, (struct span){.at = at ? at : "", .len = len});
}

static int offer_send(struct calls *c, struct member *m, const struct proto_message *msg,
                      const struct media_want *wants, uint64_t request, struct offer *offer)
{
    const char *sdp = msg->offer.sdp;
    size_t len = strlen(sdp), want_count = msg->offer.wants.count;
    struct room *r = m->room;
    char fingerprint[FINGERPRINT_BYTES];
    find_fingerprint(sdp, fingerprint);
    if (m->peer && strcmp(m->peer->fingerprint, fingerprint) != 0)
        call_peer_free(m->peer, true); /* the page made a new connection */
    if (m->peer) {
        offer->peer = m->peer->number;
        return media_peer_offer(c->config.media, &r->id, m->peer->number, request, sdp, len, wants,
                                want_count);
    }
    int er = call_peer_new(r, m->claims.identity, m, NULL, &m->peer);
    if (er < 0)
        return er;
    (void)str_copy(m->peer->fingerprint, sizeof m->peer->fingerprint, fingerprint);
    offer->peer = m->peer->number;
    struct media_peer_config config = {.peer = m->peer->number,
                                       .may_publish = m->claims.grants.publish,
                                       .may_subscribe = m->claims.grants.subscribe,
                                       .keep_seen = m->claims.role != ROLE_VIEWER,
                                       .rank = calls_rank(m->claims.role),
                                       .pick = MEDIA_PICK_OTHERS};
    (void)str_copy(config.identity, sizeof config.identity, m->claims.identity);
    er = media_peer_add(c->config.media, &r->id, &config, request, sdp, len, wants, want_count);
    if (er < 0)
        call_peer_free(m->peer, false);
    return er;
}

/** What speaks against this offer: true, and the error is sent. */
static bool offer_refused(struct calls *c, struct member *m, const struct proto_message *msg)
{
    const struct proto_wants *wants = &msg->offer.wants;
    size_t known = 0;
    while (known < wants->count && whip_offer_has_mid(msg->offer.sdp, wants->items[known].mid))
        known++;
    if (!m->room || c->draining)
        calls_error(c, m->session, msg->id, m->room ? PROTO_DRAINING : PROTO_CONFLICT,
                    m->room ? "the server is about to restart" : "not in a room");
    else if (known < wants->count)
        calls_error(c, m->session, msg->id, PROTO_INVALID,
                    "wants: a mid that the offer does not have");
    else if (room_door_publishes(m->room, m->claims.identity) && whip_offer_sends(msg->offer.sdp))
        calls_error(c, m->session, msg->id, PROTO_CONFLICT,
                    "this person publishes by WHIP already");
    else
        return false;
    return true;
}

void calls_on_offer(struct calls *c, struct member *m, const struct proto_message *msg)
{
    struct media_want wants[PROTO_WANTS_MAX];
    if (offer_refused(c, m, msg))
        return;
    for (size_t i = 0; i < msg->offer.wants.count; i++) {
        const struct proto_want *want = &msg->offer.wants.items[i];
        wants[i] = (struct media_want){.track = want->track};
        (void)str_copy(wants[i].mid, sizeof wants[i].mid, want->mid);
        (void)str_copy(wants[i].identity, sizeof wants[i].identity, want->identity);
    }
    struct offer *offer = calloc(1, sizeof *offer);
    uint64_t request = offer ? request_new(c, offer_answered, offer) : 0;
    int er = ER_NOMEM;
    if (request) {
        offer->session = m->session->id;
        (void)str_copy(offer->re, sizeof offer->re, msg->id);
        er = offer_send(c, m, msg, wants, request, offer);
    }
    if (er == 0)
        return;
    if (request)
        request_drop(c, request);
    free(offer);
    calls_error_er(c, m->session, msg->id, er, "the offer cannot be taken");
}

/* Events */

static void on_connected(struct calls *c, struct peer *p, const char *type)
{
    json_t *message = proto_new(type);
    if (p->member)
        calls_send(c, p->member->session, message);
    json_decref(message);
    calls_event(c, &p->room->case_id, p->identity, type, NULL);
}

static void on_slot(struct calls *c, struct peer *p, const struct media_event *e)
{
    char number[TRACK_TEXT_BYTES];
    if (!p->member)
        return;
    json_t *message = json_pack("{s:s,s:s,s:s,s:s?}", "type", "slot", "mid", e->mid, "kind",
                                kind_name(e->kind), "track",
                                e->track ? track_text(number, e->track) : NULL);
    if (message && e->track)
        json_object_set_new(message, "identity", json_string(e->identity));
    if (message && e->er == ER_UNSUPPORTED)
        json_object_set_new(message, "lacking", json_string("codec"));
    calls_send(c, p->member->session, message);
    json_decref(message);
}

static void on_gone(struct calls *c, struct peer *p, int er)
{
    struct room *r = p->room;
    calls_event(c, &r->case_id, p->identity, "media_gone",
                json_pack("{s:s}", "reason", er_name(er)));
    r->entering++;
    for (size_t i = r->track_count; i-- > 0;) {
        if (r->tracks[i].peer == p->number)
            track_remove_at(r, i);
    }
    peer_end(p, er, false);
    r->entering--;
    room_settle(r);
}

static void on_peer_event(struct calls *c, struct peer *p, const struct media_event *e)
{
    switch (e->type) {
    case MEDIA_PEER_CONNECTED:
        p->connected = true;
        on_connected(c, p, "media_connected");
        break;
    case MEDIA_PEER_MOVED:
        on_connected(c, p, "media_moved");
        break;
    case MEDIA_PEER_GONE:
        on_gone(c, p, e->er);
        break;
    case MEDIA_TRACK_ADDED:
        track_add(p->room, e);
        break;
    case MEDIA_TRACK_REMOVED:
        track_remove(p->room, e);
        break;
    case MEDIA_SLOT:
        on_slot(c, p, e);
        break;
    case MEDIA_PUBLISH_HINT:
        peer_tell_hint(p, e);
        break;
    case MEDIA_SLOT_LAYER:
        peer_tell_layer(p, e);
        break;
    default:
        break;
    }
}

static void on_event(struct calls *c, struct media_event *e)
{
    struct peer *p = e->peer ? map_get_u64(c->peers, e->peer) : NULL;
    switch (e->type) {
    case MEDIA_ANSWER:
    case MEDIA_REFUSED:
    case MEDIA_STATS:
        request_finish(c, e);
        break;
    case MEDIA_CLIP_STARTED:
    case MEDIA_CLIP_READY:
    case MEDIA_CLIP_FAILED:
        calls_on_clip_event(c, e);
        break;
    case MEDIA_LIGHT:
        calls_on_light_event(c, e);
        break;
    case MEDIA_STILL:
        calls_on_still_event(c, e);
        break;
    case MEDIA_SEEN:
        calls_on_seen_event(c, e);
        break;
    default:
        if (p)
            on_peer_event(c, p, e);
        break;
    }
}

void calls_on_media_events(struct calls *c)
{
    struct media_event e;
    sessions_set_clock(c->sessions, calls_now_us(c), calls_unix_us(c));
    while (media_next_event(c->config.media, &e)) {
        on_event(c, &e);
        media_event_clear(&e);
    }
    calls_on_queue_events(c);
}
