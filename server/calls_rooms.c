// SPDX-License-Identifier: Apache-2.0
/* Rooms: entering, being there, speaking, leaving. A room is open while somebody or something is in
 * it; its case is looked up by the store thread before anybody enters. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/str.h"
#include "server/calls_impl.h"

struct room *room_find(const struct calls *c, const struct id *id)
{
    return map_get_str(c->rooms, id->text);
}

struct room *room_of_case(const struct calls *c, const struct id *case_id)
{
    return map_get_str(c->cases, case_id->text);
}

void room_take_case(struct room *r, const struct store_case *found)
{
    (void)str_copy(r->merchant, sizeof r->merchant, found->merchant);
    (void)str_copy(r->buyer, sizeof r->buyer, found->buyer);
    (void)str_copy(r->language, sizeof r->language, found->language);
    r->priority = found->priority;
    r->kind = found->kind;
    r->state = found->state;
    json_decref(r->case_json);
    r->case_json = store_case_json(found);
}

void room_take_rules(struct room *r, json_t *rules)
{
    if (!rules)
        return;
    json_decref(r->rules);
    r->rules = rules;
}

void call_room_free(struct room *r)
{
    if (!r)
        return;
    struct calls *c = r->calls;
    map_remove_str(c->rooms, r->id.text);
    if (map_get_str(c->cases, r->case_id.text) == r)
        map_remove_str(c->cases, r->case_id.text);
    list_each_safe (peer, &r->peers, struct peer, node)
        call_peer_free(peer, false);
    list_each_safe (clip, &r->clips, struct clip, node)
        call_clip_free(c, clip);
    room_light_free(r);
    room_forget_pictures(r);
    roster_free(r->roster);
    chat_clear(&r->chat);
    json_decref(r->case_json);
    json_decref(r->rules);
    free(r->handed_note);
    free(r->tracks);
    free(r);
}

int room_open(struct calls *c, const struct store_case *found, struct room **ret)
{
    struct room *r = calloc(1, sizeof *r);
    if (!r)
        return ER_NOMEM;
    r->calls = c;
    r->id = found->room;
    r->case_id = found->id;
    list_init(&r->peers);
    list_init(&r->clips);
    list_init(&r->pictures);
    int er = roster_new(&r->roster, entropy_u64(&c->config.entropy));
    if (er == 0)
        er = map_add_str(c->rooms, r->id.text, r);
    if (er == 0)
        er = map_add_str(c->cases, r->case_id.text, r);
    if (er == 0)
        er = media_room_open(c->config.media, &r->id);
    if (er < 0) {
        call_room_free(r);
        return er;
    }
    room_take_case(r, found);
    *ret = r;
    return 0;
}

void room_settle(struct room *r)
{
    struct calls *c = r->calls;
    if (roster_count(r->roster) || !list_empty(&r->peers) || r->entering ||
        queue_is_waiting(c->queue, &r->case_id))
        return;
    room_stop_clips(r);
    if (!list_empty(&r->clips))
        return;
    must_room_close(c, &r->id);
    room_settle_drawings(r);
    call_room_free(r);
}

static bool sees_evidence(const struct roster_person *p)
{
    return role_describe(p->role)->evidence;
}

/** `to`: to whom; NULL: to all. */
static void tell(struct room *r, const struct session *except,
                 bool (*to)(const struct roster_person *p), json_t *message)
{
    char *text = message ? json_dumps(message, JSON_COMPACT) : NULL;
    json_decref(message);
    if (!text)
        return;
    size_t len = strlen(text);
    list_each (person, roster_people(r->roster), struct roster_person, node) {
        if (person->session && person->session != except && (!to || to(person)))
            sessions_send_text(r->calls->sessions, person->session, text, len);
    }
    free(text);
}

void room_tell(struct room *r, const struct session *except, json_t *message)
{
    tell(r, except, NULL, message);
}

void room_tell_evidence(struct room *r, json_t *message)
{
    tell(r, NULL, sees_evidence, message);
}

static void tell_about(struct room *r, const struct session *except, const char *type,
                       const struct roster_person *p)
{
    room_tell(r, except, json_pack("{s:s,s:o}", "type", type, "person", roster_person_json(p)));
}

void room_tell_person(struct room *r, const struct roster_person *p)
{
    tell_about(r, NULL, "person_changed", p);
}

void room_notice(struct room *r, const char *code, const char *message)
{
    room_tell(r, NULL,
              json_pack("{s:s,s:s,s:s}", "type", "notice", "code", code, "message", message));
}

/* Entering */

static int enter_checked(struct store *s, struct entry_job *job)
{
    const struct claims *who = &job->claims;
    int er = 0;
    if (id_is_set(&job->by_case))
        er = store_case_get(s, &job->by_case, &job->found);
    else if (id_is_set(&job->by_room))
        er = store_case_of_room(s, &job->by_room, &job->found);
    else
        return 0;
    if (er < 0)
        return er;
    bool assigned = job->assigned && !claims_is_bound(who) &&
                    strcmp(who->merchant, job->found.merchant) == 0;
    if (!assigned && !claims_allow_case(who, &job->found.id, &job->found.room, job->found.merchant))
        return ER_DENIED;
    struct store_person p = {.role = who->role};
    (void)str_copy(p.identity, sizeof p.identity, who->identity);
    (void)str_copy(p.name, sizeof p.name, who->name);
    er = store_pairing_get(s, job->found.merchant, &job->rules);
    if (er == 0 && !job->look_only)
        er = store_person_put(s, &job->found.id, &p, job->head.unix_us);
    if (er == 0 && store_person_get(s, &job->found.id, who->identity, &p) == 0)
        job->consent = p.consent;
    return er;
}

static void enter_work(struct store *s, struct calls_job *head)
{
    struct entry_job *job = container_of(head, struct entry_job, head);
    job->er = store_begin(s);
    if (job->er < 0)
        return;
    if (job->use_invite)
        job->er = store_invite_use(s, job->claims.jti, &job->session, &job->was, head->unix_us);
    if (job->er == 0)
        job->er = enter_checked(s, job);
    job->er = store_end(s, job->er);
}

static void enter_done(struct calls *c, struct calls_job *head)
{
    struct entry_job *job = container_of(head, struct entry_job, head);
    struct room *r = NULL;
    bool wanted = c && job->er == 0 && id_is_set(&job->found.id);
    if (wanted) {
        r = room_find(c, &job->found.room);
        if (!r && !job->look_only)
            job->er = c->draining ? ER_CLOSED : room_open(c, &job->found, &r);
    }
    if (r)
        room_take_rules(r, json_incref(job->rules));
    if (r)
        r->entering++;
    job->entered(c, job, r);
    if (r) {
        r->entering--;
        room_settle(r);
    }
    store_case_clear(&job->found);
    json_decref(job->rules);
    if (c)
        calls_on_queue_events(c);
}

void calls_enter(struct calls *c, struct entry_job *job)
{
    job->head.work = enter_work;
    job->head.done = enter_done;
    if (!job->use_invite && !id_is_set(&job->by_case) && !id_is_set(&job->by_room)) {
        job->entered(c, job, NULL);
        free(job);
        return;
    }
    int er = calls_run(c, &job->head);
    if (er < 0) {
        job->er = er;
        job->entered(c, job, NULL);
        free(job);
    }
}

static void joined_event(struct room *r, const struct roster_person *p, const char *via)
{
    calls_event(
        r->calls, &r->case_id, p->identity, "joined",
        json_pack("{s:s,s:s,s:s}", "name", p->name, "role", role_name(p->role), "via", via));
}

static void set_consent(struct room *r, struct roster_person *p, bool consent)
{
    p->consent = consent;
    must_consent(r->calls, &r->id, p->identity, consent);
}

/** An older session of the same person gives way. */
static void replace_session(struct room *r, struct roster_person *p)
{
    struct session *old = p->session;
    if (!old)
        return;
    struct member *before = member_of(old);
    if (before->peer)
        call_peer_free(before->peer, true);
    before->room = NULL;
    p->session = NULL;
    sessions_end(r->calls->sessions, old, SESSION_END_REPLACED, LINK_CLOSE_REPLACED);
}

int room_seat(struct room *r, struct member *m, bool consent)
{
    struct roster_person *p = roster_find(r->roster, m->claims.identity);
    bool is_new = !p;
    if (p)
        replace_session(r, p);
    else {
        int er = roster_add(r->roster, m->claims.identity, m->claims.name, m->claims.role, &p);
        if (er < 0)
            return er;
        p->joined_unix_us = calls_unix_us(r->calls);
        set_consent(r, p, consent);
    }
    p->session = m->session;
    p->online = true;
    p->role = m->claims.role;
    (void)str_copy(p->name, sizeof p->name, m->claims.name);
    m->room = r;
    tell_about(r, m->session, is_new ? "person_joined" : "person_changed", p);
    if (is_new)
        joined_event(r, p, "page");
    return 0;
}

void room_welcome(struct room *r, struct member *m)
{
    struct calls *c = r->calls;
    json_t *all[] = {
        json_pack("{s:s,s:s,s:o}", "type", "roster", "room", r->id.text, "people",
                  roster_json(r->roster)),
        json_pack("{s:s,s:o}", "type", "history", "messages", chat_history(&r->chat)),
        room_case_message(r, m->claims.role),
        list_empty(&r->clips) ? NULL : room_recording_json(r),
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (all[i])
            calls_send(c, m->session, all[i]);
        json_decref(all[i]);
    }
    room_send_tracks(r, m);
    room_send_pictures(r, m->session);
    calls_tell_space(c, m->session);
}

/** The last presence of a person ends. */
static void person_out(struct room *r, struct roster_person *p, const char *reason)
{
    calls_event(r->calls, &r->case_id, p->identity, "left", json_pack("{s:s}", "reason", reason));
    json_t *message = json_pack("{s:s,s:s,s:s}", "type", "person_left", "identity", p->identity,
                                "reason", reason);
    room_stop_clips_of(r, p->identity);
    room_clear_pictures(r, p->identity);
    room_thaw_pictures(r, p->identity);
    roster_remove(r->roster, p);
    room_tell(r, NULL, message);
}

void room_unseat(struct member *m, const char *reason)
{
    struct room *r = m->room;
    struct roster_person *p = roster_find(r->roster, m->claims.identity);
    if (m->peer)
        call_peer_free(m->peer, true);
    m->room = NULL;
    if (!p || p->session != m->session)
        return;
    p->session = NULL;
    if (p->doors) {
        p->online = true;
        room_tell_person(r, p);
    } else {
        person_out(r, p, reason);
    }
    r->entering++;
    calls_unseated(r, m, reason);
    r->entering--;
    room_settle(r);
}

int room_door_open(struct room *r, const struct claims *who, bool consent)
{
    struct roster_person *p = roster_find(r->roster, who->identity);
    bool is_new = !p;
    if (is_new) {
        int er = roster_add(r->roster, who->identity, who->name, who->role, &p);
        if (er < 0)
            return er;
        p->joined_unix_us = calls_unix_us(r->calls);
        set_consent(r, p, consent);
    }
    p->doors++;
    bool was_online = p->online;
    p->online = true;
    if (is_new) {
        tell_about(r, NULL, "person_joined", p);
        joined_event(r, p, "http");
    } else if (!was_online) {
        room_tell_person(r, p);
    }
    return 0;
}

void room_door_close(struct room *r, const char *identity)
{
    struct roster_person *p = roster_find(r->roster, identity);
    if (!p || !p->doors)
        return;
    p->doors--;
    if (p->doors)
        return;
    if (!p->session) {
        person_out(r, p, "left");
    } else if (p->online && !session_is_online(p->session)) {
        p->online = false;
        room_tell_person(r, p);
    }
}

/* Requests */

static void join_entered(struct calls *c, struct entry_job *job, struct room *r)
{
    struct session *s = c ? sessions_find(c->sessions, &job->session) : NULL;
    if (!s)
        return;
    struct member *m = member_of(s);
    int er = job->er;
    bool again = er == 0 && m->room == r;
    if (er == 0 && m->room && !again)
        room_unseat(m, "left");
    if (er == 0 && !again)
        er = room_seat(r, m, job->consent);
    if (er < 0) {
        calls_error_er(c, s, job->re, er,
                       er == ER_DENIED ? "not for this room" : "no such room can be entered");
        return;
    }
    sessions_reply(
        c->sessions, s, job->re,
        json_pack("{s:s,s:s,s:s}", "type", "joined", "room", r->id.text, "case", r->case_id.text));
    room_welcome(r, m);
    if (!again)
        calls_seated(r, m);
}

void calls_on_join(struct calls *c, struct member *m, const struct proto_message *msg)
{
    if (c->draining) {
        calls_error(c, m->session, msg->id, PROTO_DRAINING, "the server is about to restart");
        return;
    }
    struct entry_job *job = calloc(1, sizeof *job);
    if (!job) {
        calls_error(c, m->session, msg->id, PROTO_INTERNAL, "no memory");
        return;
    }
    job->claims = m->claims;
    job->by_room = msg->join.room;
    job->by_case = msg->join.case_id;
    job->session = m->session->id;
    (void)str_copy(job->re, sizeof job->re, msg->id);
    job->entered = join_entered;
    calls_enter(c, job);
}

struct roster_person *calls_need_room(struct calls *c, struct member *m,
                                      const struct proto_message *msg)
{
    struct roster_person *p = m->room ? roster_find(m->room->roster, m->claims.identity) : NULL;
    if (!p)
        calls_error(c, m->session, msg->id, PROTO_CONFLICT, "not in a room");
    return p;
}

void calls_on_leave(struct calls *c, struct member *m, const struct proto_message *msg)
{
    if (!calls_need_room(c, m, msg))
        return;
    room_unseat(m, "left");
    sessions_reply(c->sessions, m->session, msg->id, NULL);
}

/** For the frame logs of clips: a break is no longer one of the picture's own. */
static void mark_picture(struct room *r, const struct roster_person *p, bool video,
                         enum proto_facing facing)
{
    struct media *m = r->calls->config.media;
    if (p->video != video)
        (void)media_mark(m, &r->id, p->identity, video ? FRAMELOG_UNMUTED : FRAMELOG_MUTED, NULL);
    if (p->facing != facing && p->facing != PROTO_FACING_NONE)
        (void)media_mark(m, &r->id, p->identity, FRAMELOG_CAMERA, proto_facing_name(facing));
}

void calls_on_media_state(struct calls *c, struct member *m, const struct proto_message *msg)
{
    struct roster_person *p = calls_need_room(c, m, msg);
    if (!p)
        return;
    mark_picture(m->room, p, msg->media_state.video, msg->media_state.facing);
    if (p->facing != msg->media_state.facing)
        room_clear_pictures(m->room, p->identity);
    p->audio = msg->media_state.audio;
    p->video = msg->media_state.video;
    p->facing = msg->media_state.facing;
    sessions_reply(c->sessions, m->session, msg->id, NULL);
    tell_about(m->room, m->session, "person_changed", p);
}

/* Consent */

struct consent_job {
    struct calls_job head;
    struct claims claims;
    struct id room;
    bool recording;
    uint64_t seq;      /* a newer word of the same person makes this one moot */
    struct id session; /* by WebSocket */
    char re[PROTO_ID_BYTES];
    calls_done *done; /* by HTTP */
    void *ctx;
    struct id photos[LIMIT_PHOTOS_PENDING]; /* that were waited for, and are not any more */
    size_t photo_count;
    int er;
};

static void consent_work(struct store *s, struct calls_job *head)
{
    struct consent_job *job = container_of(head, struct consent_job, head);
    struct store_case found = {0};
    struct store_person p = {.role = job->claims.role};
    (void)str_copy(p.identity, sizeof p.identity, job->claims.identity);
    (void)str_copy(p.name, sizeof p.name, job->claims.name);
    job->er = store_begin(s);
    if (job->er < 0)
        return;
    int er = store_case_of_room(s, &job->room, &found);
    if (er == 0 && !claims_allow_case(&job->claims, &found.id, &found.room, found.merchant))
        er = ER_DENIED;
    if (er == 0)
        er = store_person_put(s, &found.id, &p, head->unix_us);
    if (er == 0)
        er = store_consent_set(s, &found.id, p.identity, job->recording, head->unix_us);
    job->er = store_end(s, er);
    if (job->er == 0 && !job->recording)
        job->photo_count = calls_forget_photos(s, &found.id, p.identity, job->photos,
                                               LIMIT_PHOTOS_PENDING);
    store_case_clear(&found);
}

static void consent_answer(struct calls *c, struct consent_job *job)
{
    struct session *s = id_is_set(&job->session) ? sessions_find(c->sessions, &job->session) : NULL;
    if (s && job->er < 0)
        calls_error_er(c, s, job->re, job->er, "the consent could not be noted");
    else if (s)
        sessions_reply(c->sessions, s, job->re, NULL);
    if (!job->done)
        return;
    json_t *body = json_pack("{s:s,s:b}", "identity", job->claims.identity, "recording",
                             job->recording);
    job->done(job->ctx, job->er,
              job->er == ER_NOT_FOUND ? "no such room"
              : job->er == ER_DENIED  ? "this token is not for this room"
                                      : NULL,
              job->er < 0 ? NULL : body);
    json_decref(body);
}

static void consent_done(struct calls *c, struct calls_job *head)
{
    struct consent_job *job = container_of(head, struct consent_job, head);
    if (!c)
        return;
    struct room *r = room_find(c, &job->room);
    struct roster_person *p = r ? roster_find(r->roster, job->claims.identity) : NULL;
    consent_answer(c, job);
    if (job->er == 0 && p && (!job->recording || p->consent_seq <= job->seq)) {
        set_consent(r, p, job->recording);
        room_tell_person(r, p);
    }
    for (size_t i = 0; r && i < job->photo_count; i++)
        room_tell_evidence(r, json_pack("{s:s,s:s,s:s}", "type", "photograph_failed", "photo",
                                        job->photos[i].text, "reason", "withdrawn"));
}

/** Withdrawal takes effect at once; the record of it follows. */
static void consent_run(struct calls *c, struct consent_job *job)
{
    struct room *r = room_find(c, &job->room);
    struct roster_person *p = r ? roster_find(r->roster, job->claims.identity) : NULL;
    bool allowed = p && claims_allow_case(&job->claims, &r->case_id, &r->id, r->merchant);
    job->seq = ++c->last_consent;
    if (allowed)
        p->consent_seq = job->seq;
    if (allowed && !job->recording)
        set_consent(r, p, false);
    job->head.work = consent_work;
    job->head.done = consent_done;
    int er = calls_run(c, &job->head);
    if (er < 0) {
        job->er = er;
        consent_answer(c, job);
        free(job);
    }
}

void calls_on_consent(struct calls *c, struct member *m, const struct proto_message *msg)
{
    struct roster_person *p = calls_need_room(c, m, msg);
    struct consent_job *job = p ? calloc(1, sizeof *job) : NULL;
    if (!job)
        return;
    job->claims = m->claims;
    job->room = m->room->id;
    job->recording = msg->consent.recording;
    job->session = m->session->id;
    (void)str_copy(job->re, sizeof job->re, msg->id);
    consent_run(c, job);
}

void calls_consent(struct calls *c, const struct claims *who, const char *room, bool recording,
                   calls_done *done, void *ctx)
{
    struct consent_job *job = calloc(1, sizeof *job);
    if (!job || id_parse(room, &job->room) < 0) {
        done(ctx, job ? ER_NOT_FOUND : ER_NOMEM, "no such room", NULL);
        free(job);
        return;
    }
    job->claims = *who;
    job->recording = recording;
    job->done = done;
    job->ctx = ctx;
    consent_run(c, job);
}
