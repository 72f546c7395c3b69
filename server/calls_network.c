// SPDX-License-Identifier: Apache-2.0
/* How media gets to people: what their pages have use for, what publishers should send, what lines
 * show, and what clients say of how it arrives. */
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/str.h"
#include "server/calls_impl.h"

#define TELL_NETWORK_US 2000000u /* at most so often of one person */

/* Wishes and hints */

void calls_on_view(struct calls *c, struct member *m, const struct proto_message *msg)
{
    struct media_view view = {.paused = msg->view.paused,
                              .max_width = (uint16_t)msg->view.max_width,
                              .max_height = (uint16_t)msg->view.max_height,
                              .layer = (int8_t)((int)msg->view.layer - 1)};
    if (!m->room || !m->peer) {
        calls_error(c, m->session, msg->id, PROTO_CONFLICT, "no media connection");
        return;
    }
    int er = media_view(c->config.media, &m->room->id, m->peer->number, msg->view.mid, &view);
    if (er < 0)
        calls_error_er(c, m->session, msg->id, er, "the wish cannot be taken now");
    else
        sessions_reply(c->sessions, m->session, msg->id, NULL);
}

static void peer_say(struct peer *p, json_t *message)
{
    if (p->member)
        calls_send(p->room->calls, p->member->session, message);
    json_decref(message);
}

void peer_tell_hint(struct peer *p, const struct media_event *e)
{
    peer_say(p, json_pack("{s:s,s:s,s:I,s:b,s:b}", "type", "publish_hint", "mid", e->mid,
                          "max_bitrate_bps", (json_int_t)e->max_bps, "slideshow", e->slideshow,
                          "layers", e->layers));
}

const char *slot_state_name(enum media_slot_state state)
{
    static const char *const names[] = {[MEDIA_SLOT_VIDEO] = "video",
                                        [MEDIA_SLOT_SLIDESHOW] = "slideshow",
                                        [MEDIA_SLOT_AUDIO_ONLY] = "audio_only",
                                        [MEDIA_SLOT_PAUSED] = "paused"};
    return (size_t)state < sizeof names / sizeof names[0] ? names[state] : names[0];
}

void peer_tell_layer(struct peer *p, const struct media_event *e)
{
    peer_say(p, json_pack("{s:s,s:s,s:i,s:i,s:s}", "type", "layer", "mid", e->mid, "width",
                          (int)e->width, "height", (int)e->height, "state",
                          slot_state_name(e->state)));
}

/* What clients say */

const struct peer_line *peer_seen(const struct peer *p, const char *mid)
{
    for (size_t i = 0; p && i < p->seen_count; i++)
        if (strcmp(p->seen[i].mid, mid) == 0)
            return &p->seen[i];
    return NULL;
}

/** The last word stands, of the lines that it names. */
static void peer_take_lines(struct peer *p, const struct proto_lines *lines)
{
    if (lines->count == 0)
        return;
    struct peer_line *seen = calloc(lines->count, sizeof *seen);
    if (!seen)
        return;
    for (size_t i = 0; i < lines->count; i++) {
        const struct proto_line_stats *line = &lines->items[i];
        seen[i] = (struct peer_line){.fps = (uint16_t)line->fps,
                                     .width = (uint16_t)line->width,
                                     .height = (uint16_t)line->height,
                                     .freezes = (uint32_t)line->freezes,
                                     .frozen_ms = (uint32_t)line->frozen_ms,
                                     .concealed_permille = (uint16_t)line->concealed_permille};
        (void)str_copy(seen[i].mid, sizeof seen[i].mid, line->mid);
    }
    free(p->seen);
    p->seen = seen;
    p->seen_count = lines->count;
}

/** Viewers come by thousands: of them nobody is told, and they are told of nobody. */
static void tell_network(struct room *r, const struct roster_person *p)
{
    if (p->role == ROLE_VIEWER)
        return;
    json_t *message = json_pack("{s:s,s:s,s:o}", "type", "network", "identity", p->identity,
                                "network", roster_network_json(&p->network));
    list_each (other, roster_people(r->roster), struct roster_person, node) {
        if (other->session && other != p && other->role != ROLE_VIEWER)
            calls_send(r->calls, other->session, message);
    }
    json_decref(message);
}

void calls_on_stats(struct calls *c, struct member *m, const struct proto_message *msg)
{
    struct roster_person *p = m->room ? roster_find(m->room->roster, m->claims.identity) : NULL;
    uint64_t now_us = calls_now_us(c);
    if (!p) {
        calls_error(c, m->session, msg->id, PROTO_CONFLICT, "not in a room");
        return;
    }
    if (m->peer)
        peer_take_lines(m->peer, &msg->stats.lines);
    p->network = (struct roster_network){.quality = msg->stats.quality,
                                         .why = msg->stats.why,
                                         .has_rtt = msg->stats.has_rtt,
                                         .rtt_ms = (uint32_t)msg->stats.rtt_ms};
    sessions_reply(c->sessions, m->session, msg->id, NULL);
    if (p->network.quality == p->network_told.quality && p->network.why == p->network_told.why)
        return;
    if (p->network_told_us && now_us - p->network_told_us < TELL_NETWORK_US)
        return; /* with the next report, if it is still so */
    p->network_told = p->network;
    p->network_told_us = now_us;
    tell_network(m->room, p);
}
