// SPDX-License-Identifier: Apache-2.0
/* The outbox: events put down for webhooks, the first of each lane taken out, what became of it written
 * down, and old things tidied away. */
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/json.h"
#include "base/str.h"
#include "server/store_hooks.h"
#include "server/store_secrets.h"
#include "server/store_sql.h"

#define SECOND UINT64_C(1000000)

int store_hooks_note(struct store *s, const struct store_event *e)
{
    int changes = 0;
    int er = sql_run(
        s, &changes,
        "INSERT INTO hook_deliveries(hook, case_id, seq, type, case_state, state, attempts,"
        " since_us, changed_us, status, error)"
        " SELECT w.id, c.id, ?2, ?3, c.state, 0, 0, ?4, ?4, 0, '' FROM cases c"
        " JOIN webhooks w ON w.merchant = c.merchant"
        " WHERE c.id = ?1 AND w.enabled AND (w.types = '' OR instr(w.types, ',' || ?3 || ','))",
        "titi", e->case_id.text, (int64_t)e->seq, e->type, (int64_t)e->at_us);
    if (er || !changes)
        return er;
    er = sql_run(s, NULL,
                 "INSERT OR IGNORE INTO hook_lanes SELECT hook, case_id, ?3 FROM hook_deliveries"
                 " WHERE case_id = ?1 AND seq = ?2",
                 "tii", e->case_id.text, (int64_t)e->seq, (int64_t)e->at_us);
    if (!er)
        er = sql_run(s, NULL,
                     "UPDATE webhooks SET waiting = waiting + 1, enabled = waiting + 1 < ?3,"
                     " why = iif(waiting + 1 < ?3, why, 'backlog') WHERE id IN"
                     " (SELECT hook FROM hook_deliveries WHERE case_id = ?1 AND seq = ?2)",
                     "tii", e->case_id.text, (int64_t)e->seq, (int64_t)LIMIT_HOOK_WAITING);
    (void)atomic_fetch_add(&s->hook_news, 1);
    return er;
}

/* What is said of an event. Of the case only what stays as it is, so that each attempt says the same. */

static json_t *case_facts(const struct store_case *c, const char *state)
{
    json_t *o = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:{s:s,s:s}}", "id", c->id.text, "number",
                          c->number, "room", c->room.text, "merchant", c->merchant, "kind",
                          case_kind_name(c->kind), "state", state, "title", c->title, "buyer", "id",
                          c->buyer, "name", c->buyer_name);
    const json_t *order = json_object_get(c->more, "order");
    if (o && order)
        (void)json_object_set(o, "order", (json_t *)(uintptr_t)order);
    if (o && !json_set_time(o, "created_at", c->created_us))
        return o;
    json_decref(o);
    return NULL;
}

static void event_take(void *ctx, const struct store_event *e)
{
    json_t **ret = ctx;
    json_decref(*ret);
    *ret = store_event_json(e);
}

static int event_data(struct store *s, const struct store_delivery *d, json_t **ret)
{
    struct store_case c = {0};
    json_t *event = NULL;
    int er = store_events_list(s, &d->lane.case_id, d->seq - 1, 1, event_take, &event);
    if (!er)
        er = event ? store_case_get(s, &d->lane.case_id, &c) : ER_NOT_FOUND;
    json_t *facts = er ? NULL : case_facts(&c, d->case_state);
    store_case_clear(&c);
    if (facts)
        *ret = json_pack("{s:o,s:o}", "event", event, "case", facts);
    else
        json_decref(event);
    return er ? er : *ret ? 0 : ER_NOMEM;
}

static int body_make(struct store *s, const struct store_delivery *d, char **ret)
{
    json_t *data = NULL;
    int er = 0;
    if (id_is_set(&d->lane.case_id))
        er = event_data(s, d, &data);
    else
        data = json_pack("{s:s}", "webhook", d->lane.hook.text);
    if (er)
        return er;
    json_t *at = json_object_get(json_object_get(data, "event"), "at");
    json_t *o = data ? json_pack("{s:s,s:O}", "type", d->type, "data", data) : NULL;
    int bad = !o || (at ? json_object_set(o, "timestamp", at)
                        : json_set_time(o, "timestamp", d->since_us));
    json_decref(data);
    *ret = bad ? NULL : json_canonical(o);
    json_decref(o);
    return *ret ? 0 : ER_NOMEM;
}

/* What is due */

struct found {
    struct id *ids;
    size_t count;
};

static int due_hooks(struct store *s, uint64_t now_us, struct found *f)
{
    sqlite3_stmt *st;
    size_t size = 0;
    int er = sql_begin(s, &st,
                       "SELECT id FROM webhooks WHERE enabled AND waiting > 0 AND EXISTS"
                       " (SELECT 1 FROM hook_lanes WHERE hook = webhooks.id AND next_us <= ?)"
                       " ORDER BY random()",
                       "i", (int64_t)now_us);
    if (er)
        return er;
    while ((er = sql_step(s, st)) == 1) {
        if (f->count == size) {
            size = size ? size * 2 : 16;
            struct id *ids = realloc(f->ids, size * sizeof *ids);
            if (!ids) {
                er = ER_NOMEM;
                break;
            }
            f->ids = ids;
        }
        f->ids[f->count++] = sql_id(st, 0);
    }
    sql_end(st);
    return er;
}

/** Lanes of one webhook that are due, the longest waiting first. */
static int due_lanes(struct store *s, const struct id *hook, uint64_t now_us, size_t limit,
                     struct found *f)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st,
                       "SELECT case_id FROM hook_lanes WHERE hook = ? AND next_us <= ?"
                       " ORDER BY next_us LIMIT ?",
                       "tii", hook->text, (int64_t)now_us, (int64_t)limit);
    if (er)
        return er;
    f->count = 0;
    while ((er = sql_step(s, st)) == 1 && f->count < limit)
        f->ids[f->count++] = sql_id(st, 0);
    sql_end(st);
    return er < 0 ? er : 0;
}

static int lane_first(struct store *s, const struct hook_lane *lane, struct store_delivery *ret)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st,
                       "SELECT id, seq, type, case_state, attempts, since_us FROM hook_deliveries"
                       " WHERE hook = ? AND case_id = ? AND state = 0 ORDER BY seq LIMIT 1",
                       "tt", lane->hook.text, lane->case_id.text);
    if (er)
        return er;
    memset(ret, 0, sizeof *ret);
    er = sql_step(s, st);
    if (er == 1) {
        ret->id = sqlite3_column_int64(st, 0);
        ret->lane = *lane;
        ret->seq = sql_u64(st, 1);
        sql_text(st, 2, ret->type, sizeof ret->type);
        sql_text(st, 3, ret->case_state, sizeof ret->case_state);
        ret->attempts = (unsigned)sql_u64(st, 4);
        ret->since_us = sql_u64(st, 5);
    }
    sql_end(st);
    return er == 1 ? 0 : er ? er : ER_NOT_FOUND;
}

struct taking {
    struct store *s;
    struct hooks_room *room;
    uint64_t now_us;
    void (*each)(void *ctx, const struct store_due *due);
    void *ctx;
};

static int lane_take(struct taking *t, const struct store_hook *hook, const struct hook_lane *lane)
{
    struct store_delivery d;
    char *body = NULL;
    int er = lane_first(t->s, lane, &d);
    if (er == ER_NOT_FOUND) /* nothing waits any more */
        return sql_run(t->s, NULL, "DELETE FROM hook_lanes WHERE hook = ? AND case_id = ?", "tt",
                       lane->hook.text, lane->case_id.text);
    if (!er)
        er = body_make(t->s, &d, &body);
    if (!er) {
        const struct store_due due = {.hook = hook, .delivery = &d, .body = body};
        t->each(t->ctx, &due);
        hooks_room_take(t->room, lane);
    }
    free(body);
    return er;
}

static int hook_take(struct taking *t, const struct id *id)
{
    struct id lanes[LIMIT_HOOK_FLIGHTS + LIMIT_HOOK_PARALLEL];
    struct found f = {.ids = lanes};
    struct store_hook hook;
    if (hooks_room_for(t->room, id) == 0)
        return 0;
    int er = store_hook_get(t->s, NULL, id, &hook);
    if (er)
        return er == ER_NOT_FOUND ? 0 : er;
    if (hook.old_secret[0] && hook.old_until_us <= t->now_us)
        hook.old_secret[0] = '\0';
    er = due_lanes(t->s, id, t->now_us, hooks_room_for(t->room, id) + hooks_room_taken(t->room, id),
                   &f);
    for (size_t i = 0; !er && hooks_room_for(t->room, id) && i < f.count; i++) {
        const struct hook_lane lane = {.hook = *id, .case_id = lanes[i]};
        if (!hooks_room_is_taken(t->room, &lane))
            er = lane_take(t, &hook, &lane);
    }
    return er;
}

int store_hooks_due(struct store *s, struct hooks_room *room, uint64_t now_us,
                    void (*each)(void *ctx, const struct store_due *due), void *ctx)
{
    const struct id all = {{0}};
    struct found f = {0};
    struct taking t = {.s = s, .room = room, .now_us = now_us, .each = each, .ctx = ctx};
    int er = due_hooks(s, now_us, &f);
    for (size_t i = 0; !er && hooks_room_for(room, &all) && i < f.count; i++)
        er = hook_take(&t, &f.ids[i]);
    free(f.ids);
    return er;
}

/* What became of it */

/** Nothing more of this one: the next in its lane may go. */
static int lane_advance(struct store *s, const struct hook_lane *lane, uint64_t now_us)
{
    int er = sql_run(s, NULL, "UPDATE hook_lanes SET next_us = ? WHERE hook = ? AND case_id = ?",
                     "itt", (int64_t)now_us, lane->hook.text, lane->case_id.text);
    if (er)
        return er;
    return sql_run(
        s, NULL,
        "DELETE FROM hook_lanes WHERE hook = ?1 AND case_id = ?2 AND NOT EXISTS"
        " (SELECT 1 FROM hook_deliveries WHERE hook = ?1 AND case_id = ?2 AND state = 0)",
        "tt", lane->hook.text, lane->case_id.text);
}

/** Who was asked says that it is gone; but the webhook may have moved on since. */
static int is_gone(struct store *s, const struct store_outcome *o, bool *ret)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st, "SELECT 1 FROM webhooks WHERE id = ? AND changed_us > ?", "ti",
                       o->lane.hook.text, (int64_t)o->sent_us);
    if (er)
        return er;
    er = sql_step(s, st);
    sql_end(st);
    *ret = er == 0;
    return er < 0 ? er : 0;
}

static int outcome_write(struct store *s, const struct store_outcome *given, uint64_t now_us)
{
    int changes = 0;
    bool gone = true;
    struct store_outcome outcome = *given, *o = &outcome;
    int seen = o->verdict.fate == HOOK_GONE ? is_gone(s, o, &gone) : 0;
    if (seen)
        return seen;
    if (!gone)
        o->verdict = (struct hook_verdict){.fate = HOOK_RETRY, .next_us = now_us};
    bool over = o->verdict.fate != HOOK_RETRY, dead = over && o->verdict.fate != HOOK_DELIVERED;
    int er = sql_run(s, &changes,
                     "UPDATE hook_deliveries SET state = ?2, attempts = attempts + 1,"
                     " changed_us = ?3, status = ?4, error = ?5 WHERE id = ?1 AND state = 0",
                     "iiiit", o->delivery,
                     (int64_t)(!over  ? DELIVERY_WAITING
                               : dead ? DELIVERY_DEAD
                                      : DELIVERY_DELIVERED),
                     (int64_t)now_us, (int64_t)o->status, o->error);
    if (er || !changes)
        return er; /* removed meanwhile, or found dead */
    if (!over)
        return sql_run(s, NULL, "UPDATE hook_lanes SET next_us = ? WHERE hook = ? AND case_id = ?",
                       "itt", (int64_t)o->verdict.next_us, o->lane.hook.text, o->lane.case_id.text);
    er = sql_run(s, NULL, "UPDATE webhooks SET waiting = waiting - 1, dead = dead + ? WHERE id = ?",
                 "bt", (int)dead, o->lane.hook.text);
    if (!er && o->verdict.fate == HOOK_GONE)
        er = sql_run(s, NULL,
                     "UPDATE webhooks SET enabled = 0, why = 'gone', changed_us = ?"
                     " WHERE id = ? AND enabled",
                     "it", (int64_t)now_us, o->lane.hook.text);
    return er ? er : lane_advance(s, &o->lane, now_us);
}

int store_hooks_done(struct store *s, const struct store_outcome *outcomes, size_t count,
                     uint64_t now_us)
{
    int er = store_begin(s);
    if (er)
        return er;
    for (size_t i = 0; !er && i < count; i++)
        er = outcome_write(s, &outcomes[i], now_us);
    return store_end(s, er);
}

/* Tidying up */

static const struct {
    const char *pick; /* ids of deliveries; ?1: an earliest time, ?2: how many */
    uint64_t age_s;
    const char *error; /* they become dead letters; NULL: they go */
} chores[] = {
    {"SELECT id FROM hook_deliveries WHERE state = 0 AND since_us < ?1 ORDER BY since_us LIMIT ?2",
     LIMIT_HOOK_TRY_SECONDS + 3600, "never reached"},
    {"SELECT d.id FROM webhooks w JOIN hook_deliveries d ON d.hook = w.id AND d.state = 0"
     " WHERE NOT w.enabled AND NOT w.removed AND ?1 LIMIT ?2",
     0, "disabled"},
    {"SELECT d.id FROM webhooks w JOIN hook_deliveries d ON d.hook = w.id"
     " WHERE w.removed AND ?1 LIMIT ?2",
     0, NULL},
    {"SELECT id FROM hook_deliveries WHERE state = 1 AND state > 0 AND changed_us < ?1 LIMIT ?2",
     LIMIT_HOOK_KEPT_SECONDS, NULL},
    {"SELECT id FROM hook_deliveries WHERE state = 2 AND state > 0 AND changed_us < ?1 LIMIT ?2",
     LIMIT_HOOK_DEAD_SECONDS, NULL},
};

/** The ids that one chore is about. (An index over `state > 0` is used where a query says so.) */
static int chore_pick(struct store *s, const char *pick, uint64_t before_us, int64_t *ids,
                      size_t *ret)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st, pick, "ii", (int64_t)before_us, (int64_t)LIMIT_HOOK_STEP);
    if (er)
        return er;
    *ret = 0;
    while ((er = sql_step(s, st)) == 1 && *ret < LIMIT_HOOK_STEP)
        ids[(*ret)++] = sqlite3_column_int64(st, 0);
    sql_end(st);
    return er < 0 ? er : 0;
}

/** One of them: the counts of its webhook, its lane, itself. */
static int chore_do(struct store *s, int64_t id, const char *error, uint64_t now_us)
{
    sqlite3_stmt *st;
    struct hook_lane lane = {0};
    int state = 0;
    int er = sql_begin(s, &st, "SELECT hook, case_id, state FROM hook_deliveries WHERE id = ?", "i",
                       id);
    if (er)
        return er;
    er = sql_step(s, st);
    if (er == 1) {
        lane = (struct hook_lane){.hook = sql_id(st, 0), .case_id = sql_id(st, 1)};
        state = sqlite3_column_int(st, 2);
    }
    sql_end(st);
    if (er != 1)
        return er;
    er = error ? sql_run(s, NULL,
                         "UPDATE hook_deliveries SET state = 2, changed_us = ?2,"
                         " error = iif(error = '', ?3, error) WHERE id = ?1",
                         "iit", id, (int64_t)now_us, error)
               : sql_run(s, NULL, "DELETE FROM hook_deliveries WHERE id = ?", "i", id);
    if (!er && state != DELIVERY_DELIVERED)
        er = sql_run(s, NULL,
                     "UPDATE webhooks SET waiting = waiting - ?, dead = dead + ? WHERE id = ?",
                     "iit", (int64_t)(state == DELIVERY_WAITING),
                     (int64_t)((error != NULL) - (state == DELIVERY_DEAD)), lane.hook.text);
    if (!er && state == DELIVERY_WAITING)
        er = sql_run(
            s, NULL,
            "DELETE FROM hook_lanes WHERE hook = ?1 AND case_id = ?2 AND NOT EXISTS"
            " (SELECT 1 FROM hook_deliveries WHERE hook = ?1 AND case_id = ?2 AND state = 0)",
            "tt", lane.hook.text, lane.case_id.text);
    return er;
}

static int chore_all(struct store *s, const int64_t *ids, size_t count, const char *error,
                     uint64_t now_us)
{
    int er = store_begin(s);
    if (er)
        return er;
    for (size_t i = 0; !er && i < count; i++)
        er = chore_do(s, ids[i], error, now_us);
    return store_end(s, er);
}

int store_hooks_sweep(struct store *s, uint64_t now_us, bool *ret_more)
{
    int64_t ids[LIMIT_HOOK_STEP];
    *ret_more = false;
    for (size_t i = 0; i < sizeof chores / sizeof chores[0]; i++) {
        size_t count;
        uint64_t age_us = chores[i].age_s * SECOND;
        int er = chore_pick(s, chores[i].pick, now_us > age_us ? now_us - age_us : 0, ids, &count);
        if (!er && count)
            er = chore_all(s, ids, count, chores[i].error, now_us);
        if (er)
            return er;
        *ret_more |= count == LIMIT_HOOK_STEP;
    }
    int er = store_secrets_tidy(s, now_us);
    return er ? er
              : sql_run(s, NULL,
                        "DELETE FROM webhooks WHERE removed AND NOT EXISTS"
                        " (SELECT 1 FROM hook_deliveries WHERE hook = webhooks.id)",
                        "");
}

int store_hooks_figures(struct store *s, struct store_hook_figures *ret)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st,
                       "SELECT count(*), sum(NOT enabled), sum(waiting), sum(dead),"
                       " (SELECT min(since_us) FROM hook_deliveries WHERE state = 0)"
                       " FROM webhooks WHERE NOT removed",
                       "");
    if (er)
        return er;
    er = sql_step(s, st);
    if (er == 1)
        *ret = (struct store_hook_figures){.hooks = sql_u64(st, 0),
                                           .disabled = sql_u64(st, 1),
                                           .waiting = sql_u64(st, 2),
                                           .dead = sql_u64(st, 3),
                                           .oldest_us = sql_u64(st, 4)};
    sql_end(st);
    return er < 0 ? er : 0;
}
