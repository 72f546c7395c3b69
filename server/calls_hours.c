// SPDX-License-Identifier: Apache-2.0
/* Business hours in the queue: who comes outside of them is told when it opens, who waits at closing time is served on for
 * a while and told then. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/str.h"
#include "server/booking.h"
#include "server/calls_impl.h"
#include "server/store_hours.h"

#define LOOK_US 2000000u             /* from one look at those who wait to the next */
#define LOAD_US UINT64_C(3600000000) /* zone files may have changed */
#define KEY_BYTES (2 * STORE_SHORT_BYTES + 1)

struct load_job {
    struct calls_job head;
    bool one; /* those of `merchant` and `team` alone */
    char merchant[STORE_SHORT_BYTES], team[STORE_SHORT_BYTES];
    struct map *found; /* "merchant/team" -> struct hours */
    unsigned bad;      /* documents that cannot be read any more */
    int er;
};

static void key_of(const char *merchant, const char *team, char ret[static KEY_BYTES])
{
    char name[STORE_SHORT_BYTES] = "";
    if (team[0])
        (void)store_hours_team(team, name);
    (void)snprintf(ret, KEY_BYTES, "%s/%s", merchant, name);
}

static void all_free(struct map *m)
{
    size_t cursor = 0;
    void *value;
    while (m && map_next(m, &cursor, NULL, NULL, &value))
        hours_free(value);
    map_free(m);
}

/* Loading */

static void load_each(void *ctx, const struct store_hours *h)
{
    struct load_job *job = ctx;
    struct hours *made;
    const char *why;
    char key[KEY_BYTES];
    key_of(h->merchant, h->team, key);
    int er = job->er ? job->er : store_hours_make(h->document, &made, &why);
    if (er == ER_MALFORMED) {
        job->bad++;
        return;
    }
    if (!er) {
        er = map_add_str(job->found, key, made);
        if (er)
            hours_free(made);
    }
    job->er = er;
}

static int load_one(struct store *s, struct load_job *job)
{
    struct store_hours h = {0};
    int er = store_hours_get(s, job->merchant, job->team, &h);
    if (!er)
        load_each(job, &h);
    store_hours_clear(&h);
    return er == ER_NOT_FOUND ? 0 : er;
}

static void load_work(struct store *s, struct calls_job *head)
{
    struct load_job *job = container_of(head, struct load_job, head);
    int er = job->one ? load_one(s, job) : store_hours_each(s, NULL, load_each, job);
    job->er = job->er ? job->er : er;
}

/** In place of what there was of that key. */
static void put_one(struct calls *c, struct load_job *job)
{
    char key[KEY_BYTES];
    key_of(job->merchant, job->team, key);
    struct hours *made = map_remove_str(job->found, key);
    hours_free(map_remove_str(c->hours.all, key));
    if (made && map_add_str(c->hours.all, key, made)) {
        hours_free(made);
        c->hours.load_us = calls_now_us(c) + LOOK_US; /* without memory: all of them, then */
    }
}

static void load_done(struct calls *c, struct calls_job *head)
{
    struct load_job *job = container_of(head, struct load_job, head);
    if (c && (job->er || job->bad))
        log_event(c->config.log, LOG_ERROR, "hours_not_read", "er=%s bad=%u", er_name(job->er),
                  job->bad);
    if (!c || job->er) {
        all_free(job->found);
        return;
    }
    c->hours.at_us = 0;
    if (job->one && c->hours.all) {
        put_one(c, job);
        all_free(job->found);
        return;
    }
    all_free(c->hours.all);
    c->hours.all = job->found;
}

static void load(struct calls *c, struct load_job *job)
{
    if (!job)
        return;
    job->head.work = load_work;
    job->head.done = load_done;
    if (map_new(&job->found, job->one ? 1 : LIMIT_HOURS_ALL, entropy_u64(&c->config.entropy)) ==
            0 &&
        calls_run(c, &job->head) == 0)
        return;
    log_event(c->config.log, LOG_ERROR, "hours_not_read", "er=full bad=0");
    c->hours.load_us = calls_now_us(c) + LOOK_US; /* all of them, then */
    all_free(job->found);
    free(job);
}

static void load_all(struct calls *c)
{
    c->hours.load_us = calls_now_us(c) + LOAD_US;
    load(c, calloc(1, sizeof(struct load_job)));
}

void calls_hours_changed(struct calls *c, const char *merchant, const char *team)
{
    struct load_job *job = c->hours.all && merchant ? calloc(1, sizeof *job) : NULL;
    if (!job || str_copy(job->merchant, sizeof job->merchant, merchant) ||
        (team[0] && store_hours_team(team, job->team))) {
        free(job);
        load_all(c);
        return;
    }
    job->one = true;
    load(c, job);
}

void calls_hours_clear(struct calls *c)
{
    all_free(c->hours.all);
    c->hours.all = NULL;
}

/* What holds */

const struct hours *calls_hours_of(const struct calls *c, const char *merchant, const char *team)
{
    char key[KEY_BYTES];
    if (!c->hours.all || !map_count(c->hours.all))
        return NULL;
    key_of(merchant, team, key);
    const struct hours *h = map_get_str(c->hours.all, key);
    if (!h && team[0]) {
        key_of(merchant, "", key);
        h = map_get_str(c->hours.all, key);
    }
    return h;
}

static int64_t unix_s(const struct calls *c)
{
    return (int64_t)(calls_unix_us(c) / 1000000);
}

const struct hours *room_hours(const struct room *r)
{
    struct queue_case needs;
    if (!r->calls->hours.all || !map_count(r->calls->hours.all))
        return NULL;
    room_queue_case(r, &needs);
    return calls_hours_of(r->calls, r->merchant, needs.team);
}

bool room_overflows(const struct room *r, int64_t expected_wait_ms)
{
    struct booking_policy policy;
    const struct hours *h = room_hours(r);
    return h && !booking_policy_read(hours_document(h), &policy) && policy.offered &&
           policy.overflow_s && expected_wait_ms > policy.overflow_s * INT64_C(1000);
}

/** Whether it is closed to the case of this room, and how things stand then. */
static bool closed(const struct room *r, const struct hours **ret, struct hours_state *ret_now)
{
    *ret = room_hours(r);
    if (!*ret || hours_open(*ret, unix_s(r->calls)))
        return false;
    hours_at(*ret, unix_s(r->calls), ret_now);
    return true;
}

static json_t *time_json(int64_t at_s)
{
    char text[CLOCK_TEXT_BYTES];
    if (at_s == HOURS_NEVER)
        return json_null();
    clock_format((uint64_t)at_s * 1000000, text);
    return json_string(text);
}

/** `until_s`: who waits keeps the place until then; 0: does not wait. */
static json_t *closed_json(const struct hours *h, const struct hours_state *now, int64_t until_s)
{
    json_t *o = json_pack("{s:s,s:b,s:o,s:O?}", "type", "queue_closed", "waiting", until_s > 0,
                          "opens_at", time_json(now->until_s), "time_zone",
                          json_object_get(hours_document(h), "time_zone"));
    if (o && until_s)
        (void)json_object_set_new(o, "until", time_json(until_s));
    struct booking_policy policy;
    bool times = !booking_policy_read(hours_document(h), &policy) && policy.offered;
    if (o)
        (void)json_object_set_new(o, "can",
                                  times ? json_pack("[s,s]", "callback", "message")
                                        : json_pack("[s]", "message"));
    if (o && now->reason)
        (void)json_object_set_new(o, "reason", json_deep_copy(now->reason));
    return o;
}

bool room_is_closed(struct room *r, struct session *s, const char *re)
{
    const struct hours *h;
    struct hours_state now;
    if (!closed(r, &h, &now))
        return false;
    r->calls->hours.turned_away++;
    sessions_reply(r->calls->sessions, s, re, closed_json(h, &now, 0));
    return true;
}

/* Closing time */

static void tell_buyer(struct room *r, json_t *message)
{
    const struct roster_person *p = roster_find(r->roster, r->buyer);
    if (p && p->session)
        calls_send(r->calls, p->session, message);
    json_decref(message);
}

static void send_away(struct room *r, const struct hours *h, const struct hours_state *now)
{
    struct calls *c = r->calls;
    if (queue_stop(c->queue, &r->case_id, calls_now_us(c)) < 0)
        return;
    c->hours.sent_away++;
    tell_buyer(r, closed_json(h, now, 0));
    room_booking_missed(r, false, "closed");
    calls_case_act(c, &r->case_id, CASE_STOP_WAIT, "system",
                   json_pack("{s:s}", "reason", "closed"));
}

static void look_at(struct room *r)
{
    const struct hours *h;
    struct hours_state now;
    if (r->call_on || !queue_is_waiting(r->calls->queue, &r->case_id) || !closed(r, &h, &now)) {
        r->closing_s = 0;
        return;
    }
    int64_t until_s = now.since_s + (int64_t)hours_grace_s(h);
    if (r->closing_s != until_s) {
        r->closing_s = until_s;
        if (unix_s(r->calls) < until_s)
            tell_buyer(r, closed_json(h, &now, until_s));
    }
    if (unix_s(r->calls) >= until_s && !queue_is_offered(r->calls->queue, &r->case_id))
        send_away(r, h, &now);
}

void calls_hours_tick(struct calls *c)
{
    size_t cursor = 0;
    void *value;
    if (calls_now_us(c) >= c->hours.load_us && !c->draining)
        load_all(c);
    if (!c->hours.all || !map_count(c->hours.all) || calls_now_us(c) < c->hours.at_us)
        return;
    c->hours.at_us = calls_now_us(c) + LOOK_US;
    while (map_next(c->rooms, &cursor, NULL, NULL, &value))
        look_at(value);
    calls_on_queue_events(c);
}

uint64_t calls_hours_deadline_us(const struct calls *c)
{
    bool looks = c->hours.all && map_count(c->hours.all) && queue_waiting_count(c->queue);
    uint64_t at_us = c->draining ? UINT64_MAX : c->hours.load_us;
    return looks && c->hours.at_us < at_us ? c->hours.at_us : at_us;
}
