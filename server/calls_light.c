// SPDX-License-Identifier: Apache-2.0
/* The light challenge: the light at somebody's camera is switched in a pattern that nobody knows before,
 * step by step, and the pictures that come must follow it. The result and the curve go on the timeline. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/str.h"
#include "server/calls_impl.h"
#include "server/light.h"

#define TAIL_US (LIGHT_LAG_MAX_US + 300000u) /* pictures of the last step are still on the way */
#define LEAD_US 600000u                      /* for the key frame that is asked for */
#define ANSWER_US 10000000u                  /* the media engine has answered by then */
#define CURVE_POINTS 160                     /* on the timeline */

/** One under way in a room. */
struct light {
    struct id id;
    char publisher[LIMIT_IDENTITY + 1];
    char asked_by[LIMIT_IDENTITY + 1];
    bool pattern[LIGHT_STEPS];
    uint64_t step_unix_us[LIGHT_STEPS + 1];
    unsigned next; /* step to be told; LIGHT_STEPS: the end, beyond: evaluated */
    uint64_t at_us;
};

static void tell_publisher(struct room *r, json_t *message)
{
    const struct roster_person *p = roster_find(r->roster, r->light->publisher);
    if (p && p->session && message)
        calls_send(r->calls, p->session, message);
    json_decref(message);
}

void room_light_free(struct room *r)
{
    r->calls->lights -= r->light != NULL;
    free(r->light);
    r->light = NULL;
}

static json_t *result_json(const struct light *l, const char *reason)
{
    return json_pack("{s:s,s:s,s:s,s:s?,s:b}", "type", "light_result", "challenge", l->id.text,
                     "publisher", l->publisher, "reason", reason, "passed", false);
}

static void end(struct room *r, json_t *message)
{
    if (message)
        room_tell(r, NULL, message);
    room_light_free(r);
}

/** No verdict: it counts neither way. */
static void give_up(struct room *r, const char *reason)
{
    json_t *data = json_pack("{s:s,s:s,s:s}", "challenge", r->light->id.text, "publisher",
                             r->light->publisher, "reason", reason);
    calls_event(r->calls, &r->case_id, r->light->asked_by, "light_challenge_failed", data);
    end(r, result_json(r->light, reason));
}

/* The result */

static json_t *curve_json(const struct light *l, const struct media_light_curve *curve)
{
    json_t *points = json_array();
    size_t every = curve->count / CURVE_POINTS + 1;
    for (size_t i = 0; points && i < curve->count; i += every) {
        int64_t ms = ((int64_t)curve->samples[i].unix_us - (int64_t)l->step_unix_us[0]) / 1000;
        json_array_append_new(
            points, json_pack("[I,f]", (json_int_t)ms, round(curve->samples[i].luma * 10) / 10));
    }
    return points;
}

static json_t *pattern_json(const struct light *l)
{
    json_t *steps = json_array();
    for (size_t i = 0; steps && i < LIGHT_STEPS; i++) {
        uint64_t ms = (l->step_unix_us[i] - l->step_unix_us[0]) / 1000;
        json_array_append_new(steps, json_pack("[I,i]", (json_int_t)ms, (int)l->pattern[i]));
    }
    return steps;
}

void calls_on_light_event(struct calls *c, const struct media_event *e)
{
    struct room *r = room_find(c, &e->room);
    struct light *l = r ? r->light : NULL;
    if (!l || !id_equal(&l->id, &e->clip))
        return;
    if (!e->light) {
        give_up(r, "no_picture");
        return;
    }
    struct light_verdict v = light_judge(l->pattern, l->step_unix_us, e->light);
    json_t *data = json_pack("{s:s,s:s,s:b,s:f,s:f,s:I}", "challenge", l->id.text, "publisher",
                             l->publisher, "passed", v.passed, "correlation",
                             round(v.correlation * 1000) / 1000, "contrast",
                             round(v.contrast * 10) / 10, "lag_ms", (json_int_t)(v.lag_us / 1000));
    json_t *message = data ? json_copy(data) : NULL;
    if (message)
        json_object_set_new(message, "type", json_string("light_result"));
    if (data) {
        json_object_set_new(data, "pattern", pattern_json(l));
        json_object_set_new(data, "curve", curve_json(l, e->light));
    }
    calls_event(c, &r->case_id, l->asked_by, "light_challenge", data);
    end(r, message);
}

/* Its course */

static void evaluate(struct room *r)
{
    struct light *l = r->light;
    struct media_light_config config = {.light = l->id, .from_unix_us = l->step_unix_us[0]};
    (void)str_copy(config.publisher, sizeof config.publisher, l->publisher);
    l->next++;
    l->at_us = calls_now_us(r->calls) + ANSWER_US;
    if (media_light(r->calls->config.media, &r->id, &config) < 0)
        give_up(r, "busy");
}

static void step(struct room *r)
{
    struct calls *c = r->calls;
    struct light *l = r->light;
    if (l->next > LIGHT_STEPS + 1) {
        give_up(r, "no_answer");
    } else if (l->next == LIGHT_STEPS + 1) {
        evaluate(r);
    } else {
        bool last = l->next == LIGHT_STEPS;
        l->step_unix_us[l->next] = calls_unix_us(c);
        tell_publisher(r, json_pack("{s:s,s:s,s:b,s:b}", "type", "light", "challenge", l->id.text,
                                    "on", !last && l->pattern[l->next], "done", last));
        l->next++;
        l->at_us = calls_now_us(c) + (last ? TAIL_US : LIGHT_STEP_US);
    }
}

void calls_step_lights(struct calls *c)
{
    size_t cursor = 0;
    void *value;
    while (c->lights && map_next(c->rooms, &cursor, NULL, NULL, &value)) {
        struct room *r = value;
        if (r->light && calls_now_us(c) >= r->light->at_us)
            step(r);
    }
}

uint64_t calls_lights_deadline_us(const struct calls *c)
{
    uint64_t next_us = UINT64_MAX;
    size_t cursor = 0;
    void *value;
    while (c->lights && map_next(c->rooms, &cursor, NULL, NULL, &value)) {
        const struct room *r = value;
        if (r->light && r->light->at_us < next_us)
            next_us = r->light->at_us;
    }
    return next_us;
}

/* Asking */

static enum proto_error ask_check(const struct member *m, const struct roster_person *p,
                                  const char **ret_why)
{
    *ret_why = "this token may not record";
    if (!m->claims.grants.record)
        return PROTO_DENIED;
    *ret_why = "nobody of that name is in the room";
    if (!p)
        return PROTO_NOT_FOUND;
    *ret_why = "this person has no page open";
    if (!p->session || !p->online)
        return PROTO_CONFLICT;
    *ret_why = "this person has not consented to being recorded";
    if (!p->consent)
        return PROTO_CONFLICT;
    *ret_why = "a challenge is under way";
    return m->room->light ? PROTO_CONFLICT : PROTO_ERRORS;
}

static int begin(struct room *r, const char *publisher, const char *by)
{
    struct calls *c = r->calls;
    struct light *l = calloc(1, sizeof *l);
    int er = l ? media_light_begins(c->config.media, &r->id, publisher) : ER_NOMEM;
    if (er < 0) {
        free(l);
        return er;
    }
    l->id = id_make(calls_unix_us(c), &c->config.entropy);
    (void)str_copy(l->publisher, sizeof l->publisher, publisher);
    (void)str_copy(l->asked_by, sizeof l->asked_by, by);
    light_pattern(&c->config.entropy, l->pattern);
    l->at_us = calls_now_us(c) + LEAD_US;
    r->light = l;
    c->lights++;
    return 0;
}

void calls_on_light_challenge(struct calls *c, struct member *m, const struct proto_message *msg)
{
    const char *why;
    const struct roster_person *me = calls_need_room(c, m, msg);
    if (!me)
        return;
    const char *publisher = msg->light_challenge.identity ? msg->light_challenge.identity
                                                          : room_default_publisher(m->room);
    enum proto_error error = ask_check(m, roster_find(m->room->roster, publisher), &why);
    if (error != PROTO_ERRORS) {
        calls_error(c, m->session, msg->id, error, why);
        return;
    }
    int er = begin(m->room, publisher, m->claims.identity);
    if (er < 0) {
        calls_error_er(c, m->session, msg->id, er, "the challenge could not begin");
        return;
    }
    const struct light *l = m->room->light;
    tell_publisher(m->room,
                   json_pack("{s:s,s:s,s:{s:s,s:s},s:i}", "type", "light_challenge", "challenge",
                             l->id.text, "by", "identity", me->identity, "name", me->name, "ms",
                             (int)((LEAD_US + LIGHT_STEPS * LIGHT_STEP_US) / 1000)));
    sessions_reply(c->sessions, m->session, msg->id,
                   msg->id[0] ? json_pack("{s:s,s:s}", "type", "ok", "challenge", l->id.text)
                              : NULL);
}
