// SPDX-License-Identifier: Apache-2.0
/* The conductor's frame: what sessions ask goes to the part that does it; start, time and end. */
#include "server/calls.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/json.h"
#include "base/str.h"
#include "server/calls_impl.h"
#include "server/ice_servers.h"

#define GOODBYE_US 2000000u /* for the close frames of a drain */

/** Outlives the conductor while jobs are under way. One thread. */
struct calls_anchor {
    struct calls *calls; /* NULL: gone */
    size_t jobs;
};

static uint64_t system_now_us(void *ctx)
{
    (void)ctx;
    return clock_now_us();
}

static uint64_t system_unix_us(void *ctx)
{
    (void)ctx;
    return clock_unix_us();
}

uint64_t calls_now_us(const struct calls *c)
{
    return c->clock.now_us(c->clock.ctx);
}

uint64_t calls_unix_us(const struct calls *c)
{
    return c->clock.unix_us(c->clock.ctx);
}

/* Jobs */

static void job_work(struct store *s, void *data)
{
    struct calls_job *job = data;
    job->work(s, job);
}

static void job_done(void *data)
{
    struct calls_job *job = data;
    struct calls_anchor *anchor = job->anchor;
    anchor->jobs--;
    if (anchor->calls)
        sessions_set_clock(anchor->calls->sessions, calls_now_us(anchor->calls),
                           calls_unix_us(anchor->calls));
    job->done(anchor->calls, job);
    free(job);
    if (!anchor->calls && !anchor->jobs)
        free(anchor);
}

int calls_run_on(struct calls *c, struct dbq *queue, struct calls_job *job)
{
    job->anchor = c->anchor;
    job->unix_us = calls_unix_us(c);
    int er = dbq_run(queue, job_work, job_done, job);
    if (er == 0)
        c->anchor->jobs++;
    return er;
}

int calls_run(struct calls *c, struct calls_job *job)
{
    return calls_run_on(c, c->config.dbq, job);
}

struct event_job {
    struct calls_job head;
    struct id case_id;
    char actor[STORE_IDENTITY_BYTES];
    const char *type;
    json_t *data;
    int er;
};

static void event_work(struct store *s, struct calls_job *job)
{
    struct event_job *e = container_of(job, struct event_job, head);
    e->er = store_event_append(s, &e->case_id, e->actor, e->type, e->data, job->unix_us, NULL);
}

static void event_done(struct calls *c, struct calls_job *job)
{
    struct event_job *e = container_of(job, struct event_job, head);
    if (c && e->er < 0)
        log_event(c->config.log, LOG_ERROR, "timeline_lost", "type=%s er=%s", e->type,
                  er_name(e->er));
    json_decref(e->data);
}

void calls_event(struct calls *c, const struct id *case_id, const char *actor, const char *type,
                 json_t *data)
{
    struct event_job *e = calloc(1, sizeof *e);
    if (e) {
        e->head.work = event_work;
        e->head.done = event_done;
        e->case_id = *case_id;
        (void)str_copy(e->actor, sizeof e->actor, actor);
        e->type = type;
        e->data = data;
    }
    if (e && calls_run(c, &e->head) == 0)
        return;
    log_event(c->config.log, LOG_ERROR, "timeline_lost", "type=%s er=full", type);
    json_decref(data);
    free(e);
}

struct give_back_job {
    struct calls_job head;
    char jti[AUTH_JTI_BYTES];
};

static void give_back_work(struct store *s, struct calls_job *head)
{
    (void)store_invite_give_back(s, container_of(head, struct give_back_job, head)->jti);
}

static void give_back_done(struct calls *c, struct calls_job *head)
{
    (void)c;
    (void)head;
}

void calls_give_back_invite(struct calls *c, const char *jti)
{
    struct give_back_job *job = jti[0] ? calloc(1, sizeof *job) : NULL;
    if (!job)
        return;
    job->head.work = give_back_work;
    job->head.done = give_back_done;
    (void)str_copy(job->jti, sizeof job->jti, jti);
    if (calls_run(c, &job->head) < 0)
        free(job);
}

bool calls_token_lives(const struct calls *c, const char *jti)
{
    size_t cursor = 0;
    const struct session *s;
    void *value;
    while ((s = sessions_each(c->sessions, &cursor))) {
        const struct member *m = member_of(s);
        if (m && strcmp(m->claims.jti, jti) == 0)
            return true;
    }
    cursor = 0;
    while (map_next(c->peers, &cursor, NULL, NULL, &value)) {
        if (strcmp(((const struct peer *)value)->jti, jti) == 0)
            return true;
    }
    return false;
}

/* Sessions */

void calls_send(struct calls *c, struct session *s, const json_t *message)
{
    sessions_send(c->sessions, s, message);
}

void calls_error(struct calls *c, struct session *s, const char *re, enum proto_error code,
                 const char *message)
{
    c->errors_out++;
    sessions_reply_error(c->sessions, s, re, code, message);
}

void calls_error_er(struct calls *c, struct session *s, const char *re, int er, const char *why)
{
    enum proto_error code = proto_error_of(er);
    calls_error(c, s, re, code, why ? why : proto_error_name(code));
}

static void refuse_hello(struct calls *c, struct session *s, int er)
{
    const char *why = er == ER_STALE       ? "this link was used before"
                      : er == ER_NOT_FOUND ? "no such case or room"
                      : er == ER_DENIED    ? "this token is not for this case or room"
                                           : "cannot be done now";
    bool denied = er == ER_STALE || er == ER_DENIED || er == ER_NOT_FOUND;
    enum proto_error code = er == ER_STALE ? PROTO_DENIED : proto_error_of(er);
    free(s->user);
    s->user = NULL;
    c->errors_out++;
    sessions_refuse(c->sessions, s, code, why, denied ? LINK_CLOSE_DENIED : LINK_CLOSE_LATER);
}

static void hello_entered(struct calls *c, struct entry_job *job, struct room *room)
{
    struct session *s = c ? sessions_find(c->sessions, &job->session) : NULL;
    if (!s)
        return;
    struct member *m = member_of(s);
    int er = job->er;
    if (er == 0 && room)
        er = room_seat(room, m, job->consent);
    if (er < 0) {
        if (job->er == 0)
            calls_give_back_invite(c, m->claims.jti);
        refuse_hello(c, s, er);
        return;
    }
    sessions_welcome(c->sessions, s);
}

static void on_opening(void *ctx, struct session *s)
{
    struct calls *c = ctx;
    struct member *m = calloc(1, sizeof *m);
    struct entry_job *job = calloc(1, sizeof *job);
    if (!m || !job) {
        free(m);
        free(job);
        refuse_hello(c, s, ER_NOMEM);
        return;
    }
    m->session = s;
    m->claims = c->checked;
    s->user = m;
    job->claims = c->checked;
    job->by_case = m->claims.case_id;
    if (!id_is_set(&job->by_case))
        job->by_room = m->claims.room;
    job->use_invite = m->claims.jti[0] != '\0';
    job->session = s->id;
    job->was = s->was;
    job->entered = hello_entered;
    calls_enter(c, job);
}

const struct ice_servers *calls_ice_servers(const struct calls *c)
{
    static const struct ice_servers none;
    return c->config.ice_servers ? c->config.ice_servers : &none;
}

static void on_welcome(void *ctx, struct session *s, json_t *welcome)
{
    struct calls *c = ctx;
    const struct member *m = member_of(s);
    if (m->room) {
        json_object_set_new(welcome, "room", json_string(m->room->id.text));
        json_object_set_new(welcome, "case", json_string(m->room->case_id.text));
    }
    json_object_set_new(
        welcome, "ice_servers",
        ice_servers_json(calls_ice_servers(c), m->claims.identity, calls_unix_us(c) / 1000000));
}

static void on_opened(void *ctx, struct session *s, bool resumed)
{
    struct calls *c = ctx;
    struct member *m = member_of(s);
    struct room *r = m->room;
    if (!resumed && r) {
        room_welcome(r, m);
        calls_seated(r, m);
    } else if (resumed && r) {
        struct roster_person *p = roster_find(r->roster, m->claims.identity);
        if (p && p->session == s && !p->online) {
            p->online = true;
            room_tell_person(r, p);
            calls_event(c, &r->case_id, p->identity, "connection_resumed", NULL);
        }
        if (strcmp(r->buyer, m->claims.identity) == 0)
            queue_buyer_present(c->queue, &r->case_id, true, calls_now_us(c));
    }
    if (resumed)
        calls_agent_back(c, s);
    else
        calls_wraps_tell(c, s);
    if (role_describe(m->claims.role)->sees_queue)
        calls_send_queue(c, s);
    calls_on_queue_events(c);
}

static void on_dropped(void *ctx, struct session *s)
{
    struct calls *c = ctx;
    struct member *m = member_of(s);
    struct room *r = m->room;
    struct roster_person *p = r ? roster_find(r->roster, m->claims.identity) : NULL;
    if (p && p->session == s && p->online) {
        p->online = p->doors > 0;
        room_tell_person(r, p);
        calls_event(c, &r->case_id, p->identity, "connection_lost", NULL);
        if (strcmp(r->buyer, p->identity) == 0 && !r->ringing)
            queue_buyer_present(c->queue, &r->case_id, false, calls_now_us(c));
    }
    calls_agent_gone(c, s, false);
    calls_on_queue_events(c);
}

static const char *const end_reasons[] = {
    [SESSION_END_LEFT] = "left",
    [SESSION_END_TIMEOUT] = "timeout",
    [SESSION_END_REPLACED] = "replaced",
    [SESSION_END_CLOSED] = "removed",
};

static void on_ended(void *ctx, struct session *s, enum session_end why)
{
    struct calls *c = ctx;
    struct member *m = member_of(s);
    if (!m)
        return;
    if (m->room)
        room_unseat(m, end_reasons[why]);
    calls_agent_gone(c, s, true);
    free(m);
    s->user = NULL;
    calls_on_queue_events(c);
}

/* Life */

static int make_maps(struct calls *c)
{
    const struct entropy *e = &c->config.entropy;
    struct map **maps[] = {&c->rooms,  &c->cases,   &c->peers,     &c->requests, &c->clips,
                           &c->stills, &c->uploads, &c->deletions, &c->waited};
    for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++) {
        int er = map_new(maps[i], LIMIT_WORKERS * LIMIT_PEERS, entropy_u64(e));
        if (er < 0)
            return er;
    }
    int er = queue_new(&c->queue, e);
    if (!er && c->config.pairing)
        queue_set_policy(c->queue, c->config.pairing);
    return er;
}

int calls_new(struct calls **ret, const struct calls_config *config)
{
    *ret = NULL;
    struct calls *c = calloc(1, sizeof *c);
    if (!c)
        return ER_NOMEM;
    c->config = *config;
    list_init(&c->musts);
    list_init(&c->repairs);
    list_init(&c->wraps.owed);
    list_init(&c->bookings.untold);
    c->clock = (struct calls_clock){.now_us = system_now_us, .unix_us = system_unix_us};
    if (config->clock)
        c->clock = *config->clock;
    c->config.clock = NULL;
    const struct sessions_ops ops = {.ctx = c,
                                     .authenticate = calls_authenticate,
                                     .opening = on_opening,
                                     .welcome = on_welcome,
                                     .opened = on_opened,
                                     .request = calls_on_request,
                                     .dropped = on_dropped,
                                     .ended = on_ended};
    int er = str_copy(c->data, sizeof c->data, config->data ? config->data : ".");
    c->anchor = calloc(1, sizeof *c->anchor);
    if (er == 0 && !c->anchor)
        er = ER_NOMEM;
    if (er == 0)
        er = make_maps(c);
    if (er == 0)
        er = sessions_new(&c->sessions, &ops, &config->entropy);
    if (er < 0) {
        calls_free(c);
        return er;
    }
    c->anchor->calls = c;
    sessions_set_clock(c->sessions, calls_now_us(c), calls_unix_us(c));
    queue_set_clock(c->queue, calls_now_us(c), calls_unix_us(c));
    calls_hours_changed(c, NULL, "");
    calls_reset_cases(c);
    calls_wraps_load(c);
    calls_repair_clips(c);
    calls_tidy_stills(c);
    *ret = c;
    return 0;
}

static void free_requests(struct calls *c)
{
    size_t cursor = 0;
    void *value;
    while (c->requests && map_next(c->requests, &cursor, NULL, NULL, &value)) {
        struct request *request = value;
        request->done(c, request->ctx, NULL);
        free(request);
    }
}

void calls_free(struct calls *c)
{
    if (!c)
        return;
    size_t cursor = 0;
    void *value;
    struct session *s;
    free_requests(c);
    while (c->rooms && map_next(c->rooms, &cursor, NULL, NULL, &value))
        call_room_free(value);
    cursor = 0;
    while (c->clips && map_next(c->clips, &cursor, NULL, NULL, &value))
        call_clip_free(c, value);
    cursor = 0;
    while (c->stills && map_next(c->stills, &cursor, NULL, NULL, &value))
        call_still_free(c, value);
    cursor = 0;
    while (c->sessions && (s = sessions_each(c->sessions, &cursor)))
        free(s->user);
    sessions_free(c->sessions);
    map_free(c->rooms);
    map_free(c->cases);
    map_free(c->peers);
    map_free(c->requests);
    map_free(c->clips);
    map_free(c->stills);
    map_free(c->uploads);
    calls_waited_clear(c);
    calls_wraps_clear(c);
    calls_bookings_clear(c);
    map_free(c->deletions);
    calls_hours_clear(c);
    queue_free(c->queue);
    must_clear(c);
    calls_repairs_clear(c);
    if (c->anchor) {
        c->anchor->calls = NULL;
        if (!c->anchor->jobs)
            free(c->anchor);
    }
    free(c);
}

struct sessions *calls_sessions(struct calls *c)
{
    return c->sessions;
}

void calls_tick(struct calls *c)
{
    uint64_t now_us = calls_now_us(c);
    sessions_set_clock(c->sessions, now_us, calls_unix_us(c));
    queue_set_clock(c->queue, now_us, calls_unix_us(c));
    must_retry(c);
    calls_retry_clips(c);
    calls_look_for_space(c);
    calls_retry_repairs(c);
    calls_step_lights(c);
    calls_sweep(c);
    calls_run_timers(c);
    calls_run_desk(c);
    calls_hours_tick(c);
    calls_run_wraps(c);
    calls_stamp(c);
    sessions_tick(c->sessions, now_us);
    queue_tick(c->queue, now_us);
    calls_on_queue_events(c);
    calls_end_drain(c);
}

uint64_t calls_deadline_us(const struct calls *c)
{
    const uint64_t all[] = {sessions_deadline_us(c->sessions),
                            queue_deadline_us(c->queue),
                            must_deadline_us(c),
                            calls_space_deadline_us(c),
                            calls_repairs_deadline_us(c),
                            calls_lights_deadline_us(c),
                            calls_sweep_deadline_us(c),
                            calls_timers_deadline_us(c),
                            calls_desk_deadline_us(c),
                            calls_hours_deadline_us(c),
                            calls_wraps_deadline_us(c),
                            calls_stamps_deadline_us(c)};
    uint64_t next_us = c->clips_unsaved ? c->clips_retry_us : UINT64_MAX;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        next_us = all[i] < next_us ? all[i] : next_us;
    bool leaving = c->drain_until_us && !c->drained;
    return leaving && c->drain_until_us < next_us ? c->drain_until_us : next_us;
}

/* Drain */

void calls_drain(struct calls *c, void (*done)(void *ctx), void *ctx)
{
    size_t cursor = 0;
    void *value;
    struct session *s;
    c->draining = true;
    c->drain_done = done;
    c->drain_ctx = ctx;
    json_t *notice = json_pack("{s:s,s:s,s:s}", "type", "notice", "code", "draining", "message",
                               "the server is about to restart");
    while ((s = sessions_each(c->sessions, &cursor)))
        calls_send(c, s, notice);
    json_decref(notice);
    cursor = 0;
    while (map_next(c->rooms, &cursor, NULL, NULL, &value)) {
        struct room *r = value;
        room_stop_clips(r);
        if (r->call_on)
            room_end_call(r, "left", NULL);
    }
    calls_end_drain(c);
}

/** Once the last clip is on the disk and in the store people are sent away; it is over when they
 *  are gone, or do not take it in. */
void calls_end_drain(struct calls *c)
{
    uint64_t now_us = calls_now_us(c);
    if (!c->draining || c->drained || map_count(c->clips) > c->clips_unsaved ||
        map_count(c->stills) || c->anchor->jobs)
        return;
    if (!c->drain_until_us) {
        c->drain_until_us = now_us + GOODBYE_US;
        sessions_close_all(c->sessions, LINK_CLOSE_RESTART);
    }
    if (sessions_link_count(c->sessions) && now_us < c->drain_until_us)
        return;
    c->drained = true;
    if (c->drain_done)
        c->drain_done(c->drain_ctx);
}

bool calls_is_draining(const struct calls *c)
{
    return c->draining;
}
