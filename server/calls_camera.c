// SPDX-License-Identifier: Apache-2.0
/* Wishes for somebody's camera: passed on to their page, which asks its owner and says what came of it. */
#include <string.h>

#include "base/er.h"
#include "server/calls_impl.h"
#include "signaling/camera.h"

void calls_on_camera(struct calls *c, struct member *m, const struct proto_message *msg)
{
    struct roster_person *by = calls_need_room(c, m, msg);
    const char *why = NULL;
    json_t *wish = NULL;
    if (!by)
        return;
    struct roster_person *p = roster_find(m->room->roster, msg->camera.of);
    if (!m->claims.grants.record)
        calls_error(c, m->session, msg->id, PROTO_DENIED, "who may not record may not steer");
    else if (!p)
        calls_error(c, m->session, msg->id, PROTO_NOT_FOUND, "of: nobody of that name is here");
    else if (!p->session || !p->online)
        calls_error(c, m->session, msg->id, PROTO_CONFLICT, "of: there is no page to ask just now");
    else if (camera_read_wish(msg->camera.wish, &wish, &why) < 0)
        calls_error(c, m->session, msg->id, why ? PROTO_INVALID : PROTO_INTERNAL, why);
    if (!wish)
        return;
    json_t *message = json_pack("{s:s,s:{s:s,s:s},s:o}", "type", "camera", "by", "identity",
                                by->identity, "name", by->name, "wish", wish);
    calls_send(c, p->session, message);
    json_decref(message);
    c->camera_wishes++;
    sessions_reply(c->sessions, m->session, msg->id, NULL);
}

/** A part of the picture in place of the whole is another picture: clips say so. */
static void mark_region(struct room *r, const struct roster_person *p, const json_t *state)
{
    const json_t *before = json_object_get(p->camera, "region");
    const json_t *now = json_object_get(state, "region");
    bool was = json_is_object(before), is = json_is_object(now);
    if ((was || is) && !(was && is && json_equal(before, now))) {
        room_clear_pictures(r, p->identity);
        (void)media_mark(r->calls->config.media, &r->id, p->identity, FRAMELOG_CAMERA,
                         is ? "region" : "whole");
    }
}

void calls_on_camera_state(struct calls *c, struct member *m, const struct proto_message *msg)
{
    struct roster_person *p = calls_need_room(c, m, msg);
    const char *why = NULL;
    json_t *state;
    if (!p)
        return;
    if (!m->claims.grants.publish) {
        calls_error(c, m->session, msg->id, PROTO_DENIED, "who may not publish has no camera");
        return;
    }
    int er = camera_read_state(msg->camera.state, &state, &why);
    if (er < 0) {
        calls_error_er(c, m->session, msg->id, er, why);
        return;
    }
    mark_region(m->room, p, state);
    bool same = p->camera && json_equal(p->camera, state);
    json_decref(p->camera);
    p->camera = state;
    if (!same)
        room_tell_person(m->room, p);
    sessions_reply(c->sessions, m->session, msg->id, NULL);
}
