// SPDX-License-Identifier: Apache-2.0
/* Webhooks, and lists of what was and is to be delivered to them; once more by hand. */
#include "server/store_hooks.h"

#include <stdio.h>
#include <string.h>

#include "base/er.h"
#include "base/str.h"
#include "server/store_sql.h"

#define COLUMNS                                                                                    \
    "id, merchant, url, description, types, enabled, why, secret, old_secret, old_until_us,"       \
    " created_us, changed_us, waiting, dead"

static void hook_read(struct store *s, sqlite3_stmt *st, struct store_hook *h)
{
    memset(h, 0, sizeof *h);
    h->id = sql_id(st, 0);
    sql_text(st, 1, h->merchant, sizeof h->merchant);
    sql_text(st, 2, h->url, sizeof h->url);
    sql_text(st, 3, h->description, sizeof h->description);
    sql_text(st, 4, h->types, sizeof h->types);
    h->enabled = sql_u64(st, 5) != 0;
    sql_text(st, 6, h->why, sizeof h->why);
    sql_secret_open(s, "webhook", h->id.text, (const char *)sqlite3_column_text(st, 7), h->secret,
                    sizeof h->secret);
    sql_secret_open(s, "webhook_old", h->id.text, (const char *)sqlite3_column_text(st, 8),
                    h->old_secret, sizeof h->old_secret);
    h->old_until_us = sql_u64(st, 9);
    h->created_us = sql_u64(st, 10);
    h->changed_us = sql_u64(st, 11);
    h->waiting = sql_u64(st, 12);
    h->dead = sql_u64(st, 13);
}

static int hooks_count_of(struct store *s, const char *merchant, uint64_t *ret)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st, "SELECT count(*) FROM webhooks WHERE merchant = ? AND NOT removed",
                       "t", merchant);
    if (er)
        return er;
    er = sql_step(s, st);
    *ret = er == 1 ? sql_u64(st, 0) : 0;
    sql_end(st);
    return er < 0 ? er : 0;
}

int store_hook_add(struct store *s, struct store_hook *hook, uint64_t now_us)
{
    uint64_t count = 0;
    char sealed[VAULT_TEXT_BYTES] = "";
    int er = store_begin(s);
    if (er)
        return er;
    hook->id = id_make(now_us, &s->entropy);
    hook_secret_make(&s->entropy, hook->secret);
    hook->enabled = true;
    hook->created_us = hook->changed_us = now_us;
    er = hooks_count_of(s, hook->merchant, &count);
    if (!er && count >= LIMIT_HOOKS)
        er = ER_FULL;
    if (!er)
        er = sql_secret_seal(s, "webhook", hook->id.text, hook->secret, sealed);
    if (!er)
        er = sql_run(s, NULL,
                     "INSERT INTO webhooks(" COLUMNS ", removed)"
                     " VALUES(?1, ?2, ?3, ?4, ?5, 1, '', ?6, '', 0, ?7, ?7, 0, 0, 0)",
                     "tttttti", hook->id.text, hook->merchant, hook->url, hook->description,
                     hook->types, sealed, (int64_t)now_us);
    return store_end(s, er);
}

int store_hook_get(struct store *s, const char *merchant, const struct id *id,
                   struct store_hook *ret)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st,
                       "SELECT " COLUMNS " FROM webhooks WHERE id = ?1 AND NOT removed"
                       " AND (?2 IS NULL OR merchant = ?2)",
                       "tt", id->text, merchant);
    if (er)
        return er;
    er = sql_step(s, st);
    if (er == 1)
        hook_read(s, st, ret);
    sql_end(st);
    return er == 1 ? 0 : er ? er : ER_NOT_FOUND;
}

int store_hooks_list(struct store *s, const char *merchant,
                     void (*each)(void *ctx, const struct store_hook *hook), void *ctx)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st,
                       "SELECT " COLUMNS " FROM webhooks WHERE NOT removed"
                       " AND (?1 IS NULL OR merchant = ?1) ORDER BY id",
                       "t", merchant);
    if (er)
        return er;
    while ((er = sql_step(s, st)) == 1) {
        struct store_hook h;
        hook_read(s, st, &h);
        each(ctx, &h);
    }
    sql_end(st);
    return er;
}

int store_hook_change(struct store *s, struct store_hook *hook, uint64_t now_us)
{
    int changes = 0;
    hook->changed_us = now_us;
    int er = sql_run(s, &changes,
                     "UPDATE webhooks SET url = ?, description = ?, types = ?, enabled = ?,"
                     " why = ?, changed_us = ? WHERE id = ? AND NOT removed",
                     "tttbtit", hook->url, hook->description, hook->types, (int)hook->enabled,
                     hook->why, (int64_t)now_us, hook->id.text);
    return er ? er : changes ? 0 : ER_NOT_FOUND;
}

int store_hook_rotate(struct store *s, struct store_hook *hook, uint64_t overlap_us,
                      uint64_t now_us)
{
    int changes = 0;
    char fresh[VAULT_TEXT_BYTES], old[VAULT_TEXT_BYTES];
    (void)str_copy(hook->old_secret, sizeof hook->old_secret, overlap_us ? hook->secret : "");
    hook->old_until_us = overlap_us ? now_us + overlap_us : 0;
    hook->changed_us = now_us;
    hook_secret_make(&s->entropy, hook->secret);
    int er = sql_secret_seal(s, "webhook", hook->id.text, hook->secret, fresh);
    if (!er)
        er = sql_secret_seal(s, "webhook_old", hook->id.text, hook->old_secret, old);
    if (er)
        return er;
    er = sql_run(s, &changes,
                     "UPDATE webhooks SET secret = ?, old_secret = ?, old_until_us = ?,"
                     " changed_us = ? WHERE id = ? AND NOT removed",
                     "ttiit", fresh, old, (int64_t)hook->old_until_us,
                     (int64_t)now_us, hook->id.text);
    return er ? er : changes ? 0 : ER_NOT_FOUND;
}

int store_hook_remove(struct store *s, const struct store_hook *hook, uint64_t now_us)
{
    int changes = 0;
    int er = sql_run(s, &changes,
                     "UPDATE webhooks SET removed = 1, enabled = 0, secret = '', old_secret = '',"
                     " changed_us = ? WHERE id = ? AND NOT removed",
                     "it", (int64_t)now_us, hook->id.text);
    return er ? er : changes ? 0 : ER_NOT_FOUND;
}

static json_t *types_json(const char *types)
{
    json_t *list = json_array();
    struct span rest = span_of(types);
    while (rest.at) {
        struct span one = span_cut(&rest, ',');
        if (one.len)
            (void)json_array_append_new(list, json_stringn(one.at, one.len));
    }
    return list;
}

json_t *store_hook_json(const struct store_hook *h)
{
    json_t *o = json_pack("{s:s,s:s,s:s,s:o,s:b,s:I,s:I}", "id", h->id.text, "url", h->url,
                          "description", h->description, "event_types", types_json(h->types),
                          "enabled", (int)h->enabled, "waiting", (json_int_t)h->waiting, "dead",
                          (json_int_t)h->dead);
    int bad = !o || json_set_time(o, "created_at", h->created_us) ||
              json_set_time(o, "changed_at", h->changed_us);
    if (!bad && !h->enabled)
        bad = json_object_set_new(o, "disabled", json_string(h->why));
    if (!bad && h->old_secret[0])
        bad = json_set_time(o, "old_secret_until", h->old_until_us);
    if (!bad)
        return o;
    json_decref(o);
    return NULL;
}

/* Deliveries */

const char *delivery_state_name(enum delivery_state state)
{
    static const char *const names[] = {"waiting", "delivered", "dead"};
    return (unsigned)state < DELIVERY_STATES ? names[state] : "unknown";
}

#define ROW                                                                                        \
    "d.id, d.hook, d.case_id, d.seq, d.type, d.case_state, d.state, d.attempts, d.since_us,"       \
    " d.changed_us, d.status, d.error,"                                                            \
    " iif(d.state, 0, (SELECT next_us FROM hook_lanes l WHERE l.hook = d.hook"                     \
    "  AND l.case_id = d.case_id))"

static void delivery_read(sqlite3_stmt *st, struct store_delivery *d)
{
    memset(d, 0, sizeof *d);
    d->id = sqlite3_column_int64(st, 0);
    d->lane = (struct hook_lane){.hook = sql_id(st, 1), .case_id = sql_id(st, 2)};
    d->seq = sql_u64(st, 3);
    sql_text(st, 4, d->type, sizeof d->type);
    sql_text(st, 5, d->case_state, sizeof d->case_state);
    d->state = (enum delivery_state)sqlite3_column_int(st, 6);
    d->attempts = (unsigned)sql_u64(st, 7);
    d->since_us = sql_u64(st, 8);
    d->changed_us = sql_u64(st, 9);
    d->status = sqlite3_column_int(st, 10);
    sql_text(st, 11, d->error, sizeof d->error);
    d->next_us = sql_u64(st, 12);
}

void store_delivery_name(const struct store_delivery *d, char ret[static HOOK_ID_BYTES])
{
    bool test = !id_is_set(&d->lane.case_id);
    (void)snprintf(ret, HOOK_ID_BYTES, "%s_%s_%llu", test ? "test" : "evt",
                   test ? d->lane.hook.text : d->lane.case_id.text, (unsigned long long)d->seq);
}

json_t *store_delivery_json(const struct store_delivery *d)
{
    char name[HOOK_ID_BYTES];
    store_delivery_name(d, name);
    json_t *o = json_pack("{s:I,s:s,s:s,s:s,s:i}", "id", (json_int_t)d->id, "webhook_id", name,
                          "type", d->type, "state", delivery_state_name(d->state), "attempts",
                          (int)d->attempts);
    int bad = !o || json_set_time(o, "since", d->since_us) ||
              json_set_time(o, "changed_at", d->changed_us);
    if (!bad && id_is_set(&d->lane.case_id))
        bad = json_object_set_new(o, "case", json_string(d->lane.case_id.text)) ||
              json_object_set_new(o, "seq", json_integer((json_int_t)d->seq));
    if (!bad && d->next_us)
        bad = json_set_time(o, "next_attempt_at", d->next_us);
    if (!bad && d->status)
        bad = json_object_set_new(o, "status", json_integer(d->status));
    if (!bad && d->error[0])
        bad = json_object_set_new(o, "error", json_string(d->error));
    if (!bad)
        return o;
    json_decref(o);
    return NULL;
}

int store_deliveries_list(struct store *s, const struct id *hook, enum delivery_state state,
                          int64_t before, size_t limit,
                          void (*each)(void *ctx, const struct store_delivery *d), void *ctx)
{
#define PICK(n)                                                                                    \
    "SELECT id FROM (SELECT id FROM hook_deliveries WHERE hook = ?1 AND state = " #n               \
    " AND id < ?3 AND ?2 IN (" #n ", 3) ORDER BY id DESC LIMIT ?4)"
    sqlite3_stmt *st;
    int er = sql_begin(
        s, &st,
        "SELECT " ROW " FROM hook_deliveries d WHERE d.id IN (" PICK(0) " UNION ALL " PICK(
            1) " UNION ALL " PICK(2) ") ORDER BY d.id DESC LIMIT ?4",
        "tiii", hook->text, (int64_t)state, before > 0 ? before : INT64_MAX, (int64_t)limit);
    if (er)
        return er;
    while ((er = sql_step(s, st)) == 1) {
        struct store_delivery d;
        delivery_read(st, &d);
        each(ctx, &d);
    }
    sql_end(st);
    return er;
}

int store_delivery_get(struct store *s, const struct id *hook, int64_t id,
                       struct store_delivery *ret)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st,
                       "SELECT " ROW " FROM hook_deliveries d WHERE d.id = ? AND d.hook = ?", "it",
                       id, hook->text);
    if (er)
        return er;
    er = sql_step(s, st);
    if (er == 1)
        delivery_read(st, ret);
    sql_end(st);
    return er == 1 ? 0 : er ? er : ER_NOT_FOUND;
}

/* Once more */

/** What waits for the webhook is counted anew, and has its lanes. */
static int recount(struct store *s, const struct id *hook, uint64_t now_us)
{
    int er = sql_run(s, NULL,
                     "INSERT OR IGNORE INTO hook_lanes SELECT DISTINCT hook, case_id, ?2"
                     " FROM hook_deliveries WHERE hook = ?1 AND state = 0",
                     "ti", hook->text, (int64_t)now_us);
    if (!er)
        er = sql_run(s, NULL,
                     "UPDATE webhooks SET waiting ="
                     " (SELECT count(*) FROM hook_deliveries WHERE hook = ?1 AND state = 0), dead ="
                     " (SELECT count(*) FROM hook_deliveries WHERE hook = ?1 AND state = 2)"
                     " WHERE id = ?1",
                     "t", hook->text);
    (void)atomic_fetch_add(&s->hook_news, 1);
    return er;
}

static int test_waits(struct store *s, const struct id *hook, int *ret)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st,
                       "SELECT 1 FROM hook_deliveries"
                       " WHERE hook = ? AND case_id = '' AND state = 0 LIMIT 1",
                       "t", hook->text);
    if (er)
        return er;
    er = sql_step(s, st);
    sql_end(st);
    *ret = er == 1;
    return er < 0 ? er : 0;
}

int store_hook_test(struct store *s, const struct store_hook *hook, uint64_t now_us,
                    struct store_delivery *ret)
{
    int waits = 0, er = store_begin(s);
    if (er)
        return er;
    er = test_waits(s, &hook->id, &waits);
    if (!er && waits)
        er = ER_FULL; /* one at a time */
    if (er)
        return store_end(s, er);
    er = sql_run(
        s, NULL,
        "INSERT INTO hook_deliveries(hook, case_id, seq, type, case_state, state, attempts,"
        " since_us, changed_us, status, error)"
        " VALUES(?1, '', ?2, 'webhook_test', '', 0, 0, ?2, ?2, 0, '')",
        "ti", hook->id.text, (int64_t)now_us);
    int64_t id = sqlite3_last_insert_rowid(s->db);
    if (!er)
        er = recount(s, &hook->id, now_us);
    if (!er)
        er = store_delivery_get(s, &hook->id, id, ret);
    return store_end(s, er);
}

int store_hook_replay(struct store *s, const struct id *hook, int64_t id, uint64_t now_us)
{
    int changes = 0;
    int er = store_begin(s);
    if (er)
        return er;
    er = sql_run(s, &changes,
                 "UPDATE hook_deliveries SET state = 0, attempts = 0, since_us = ?3,"
                 " changed_us = ?3 WHERE id = ?1 AND hook = ?2",
                 "iti", id, hook->text, (int64_t)now_us);
    if (!er && !changes)
        er = ER_NOT_FOUND;
    if (!er)
        er = sql_run(s, NULL,
                     "UPDATE hook_lanes SET next_us = ?3 WHERE hook = ?2 AND case_id ="
                     " (SELECT case_id FROM hook_deliveries WHERE id = ?1)",
                     "iti", id, hook->text, (int64_t)now_us);
    if (!er)
        er = recount(s, hook, now_us);
    return store_end(s, er);
}

int store_hook_replay_dead(struct store *s, const struct id *hook, uint64_t now_us,
                           uint64_t *ret_count)
{
    int changes = 0;
    int er = store_begin(s);
    if (er)
        return er;
    er = sql_run(s, &changes,
                 "UPDATE hook_deliveries SET state = 0, attempts = 0, since_us = ?2,"
                 " changed_us = ?2 WHERE id IN (SELECT id FROM hook_deliveries WHERE hook = ?1"
                 " AND state = 2 ORDER BY id LIMIT ?3)",
                 "tii", hook->text, (int64_t)now_us, (int64_t)LIMIT_HOOK_STEP);
    if (!er)
        er = recount(s, hook, now_us);
    er = store_end(s, er);
    *ret_count = er ? 0 : (uint64_t)changes;
    return er;
}

/** The last event that a step from after `seq` on looks at. */
static int step_end(struct store *s, const struct id *case_id, uint64_t seq, uint64_t *ret)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st,
                       "SELECT max(seq) FROM (SELECT seq FROM events WHERE case_id = ? AND seq > ?"
                       " ORDER BY seq LIMIT ?)",
                       "tii", case_id->text, (int64_t)seq, (int64_t)LIMIT_HOOK_STEP);
    if (er)
        return er;
    er = sql_step(s, st);
    *ret = er == 1 ? sql_u64(st, 0) : 0;
    sql_end(st);
    return er < 0 ? er : 0;
}

int store_hook_replay_case(struct store *s, const struct store_hook *hook, const struct id *case_id,
                           uint64_t seq, uint64_t now_us, uint64_t *ret_count, uint64_t *ret_last)
{
    int changes = 0;
    *ret_last = *ret_count = 0;
    int er = store_begin(s);
    if (er)
        return er;
    er = step_end(s, case_id, seq, ret_last);
    if (!er)
        er = sql_run(
            s, &changes,
            "INSERT INTO hook_deliveries(hook, case_id, seq, type, case_state, state, attempts,"
            " since_us, changed_us, status, error)"
            " SELECT ?1, e.case_id, e.seq, e.type, c.state, 0, 0, ?5, ?5, 0, ''"
            " FROM events e JOIN cases c ON c.id = e.case_id"
            " WHERE e.case_id = ?2 AND c.merchant = ?6 AND e.seq > ?3 AND e.seq <= ?4"
            " AND (?7 = '' OR instr(?7, ',' || e.type || ','))"
            " ORDER BY e.seq ON CONFLICT(case_id, seq, hook) DO UPDATE SET state = 0, attempts = 0,"
            " since_us = excluded.since_us, changed_us = excluded.changed_us",
            "ttiiitt", hook->id.text, case_id->text, (int64_t)seq, (int64_t)*ret_last,
            (int64_t)now_us, hook->merchant, hook->types);
    if (!er)
        er = sql_run(s, NULL, "UPDATE hook_lanes SET next_us = ? WHERE hook = ? AND case_id = ?",
                     "itt", (int64_t)now_us, hook->id.text, case_id->text);
    if (!er)
        er = recount(s, &hook->id, now_us);
    er = store_end(s, er);
    *ret_count = er ? 0 : (uint64_t)changes;
    return er;
}

uint64_t store_hooks_news(struct store *s)
{
    return atomic_load(&s->hook_news);
}
