// SPDX-License-Identifier: Apache-2.0
/* Wrap-ups in the store: a row for each one that is owed, and the events that tell of it. */
#include "server/store_wraps.h"

#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/json.h"
#include "base/str.h"
#include "server/store_record.h"
#include "server/store_sql.h"

#define SECOND_US UINT64_C(1000000)
#define COLUMNS                                                                                    \
    "w.case_id, w.merchant, w.agent, c.number, c.title, w.since_us, w.seconds, w.extensions,"      \
    " w.required"
#define OUTCOME_BYTES 32

uint64_t store_wrap_due_us(const struct store_wrap *w)
{
    return w->since_us + w->seconds * SECOND_US;
}

static void wrap_read(sqlite3_stmt *st, struct store_wrap *w)
{
    *w = (struct store_wrap){.case_id = sql_id(st, 0)};
    sql_text(st, 1, w->merchant, sizeof w->merchant);
    sql_text(st, 2, w->agent, sizeof w->agent);
    sql_text(st, 3, w->number, sizeof w->number);
    sql_text(st, 4, w->title, sizeof w->title);
    w->since_us = sql_u64(st, 5);
    w->seconds = (unsigned)sql_u64(st, 6);
    w->extensions = (unsigned)sql_u64(st, 7);
    w->required = sql_u64(st, 8) != 0;
}

int store_wrap_get(struct store *s, struct store_wrap *w)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st,
                       "SELECT " COLUMNS " FROM wrap_ups w JOIN cases c ON c.id = w.case_id"
                       " WHERE w.case_id = ? AND w.agent = ?",
                       "tt", w->case_id.text, w->agent);
    if (er)
        return er;
    struct store_wrap found;
    er = sql_step(s, st);
    if (er == 1)
        wrap_read(st, &found);
    sql_end(st);
    if (er == 1)
        *w = found;
    return er == 1 ? 0 : er ? er : ER_NOT_FOUND;
}

int store_wraps_each(struct store *s, const char *merchant, const char *agent,
                     void (*each)(void *ctx, const struct store_wrap *w), void *ctx)
{
    sqlite3_stmt *st;
    struct store_wrap w;
    int er = sql_begin(s, &st,
                       "SELECT " COLUMNS " FROM wrap_ups w JOIN cases c ON c.id = w.case_id"
                       " WHERE (?1 IS NULL OR w.merchant = ?1) AND (?2 IS NULL OR w.agent = ?2)"
                       " ORDER BY w.merchant, w.agent, w.since_us LIMIT ?3",
                       "tti", merchant, agent, (int64_t)LIMIT_WRAP_UPS);
    if (er)
        return er;
    while ((er = sql_step(s, st)) == 1) {
        wrap_read(st, &w);
        each(ctx, &w);
    }
    sql_end(st);
    return er;
}

int store_wraps_of_case(struct store *s, const struct id *case_id,
                        void (*each)(void *ctx, const struct store_wrap *w), void *ctx)
{
    sqlite3_stmt *st;
    struct store_wrap w;
    int er = sql_begin(s, &st,
                       "SELECT " COLUMNS " FROM wrap_ups w JOIN cases c ON c.id = w.case_id"
                       " WHERE w.case_id = ? ORDER BY w.agent",
                       "t", case_id->text);
    if (er)
        return er;
    while ((er = sql_step(s, st)) == 1) {
        wrap_read(st, &w);
        each(ctx, &w);
    }
    sql_end(st);
    return er;
}

json_t *store_wrap_json(const struct store_wrap *w, uint64_t now_us)
{
    json_t *o = json_pack("{s:s,s:s,s:s,s:s,s:b,s:i,s:b}", "case", w->case_id.text, "number",
                          w->number, "title", w->title, "agent", w->agent, "required", w->required,
                          "extensions", (int)w->extensions, "overdue",
                          now_us >= store_wrap_due_us(w));
    if (o && (json_set_time(o, "since", w->since_us) ||
              json_set_time(o, "due_at", store_wrap_due_us(w)))) {
        json_decref(o);
        o = NULL;
    }
    return o;
}

/* Asking */

/** Who has the call, and whether that is a bot. */
static int talker_get(struct store *s, const struct id *case_id, char ret[STORE_IDENTITY_BYTES],
                      bool *ret_bot)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st,
                       "SELECT coalesce(json_extract(data, '$.agent'), ''),"
                       " coalesce(json_extract(data, '$.bot'), 0) FROM events WHERE case_id = ?"
                       " AND type IN ('call_started', 'call_taken_over') ORDER BY seq DESC LIMIT 1",
                       "t", case_id->text);
    if (er)
        return er;
    ret[0] = '\0';
    er = sql_step(s, st);
    if (er == 1) {
        sql_text(st, 0, ret, STORE_IDENTITY_BYTES);
        *ret_bot = sqlite3_column_int(st, 1) != 0;
    }
    sql_end(st);
    return er < 0 ? er : 0;
}

int store_wrap_of_call(struct store *s, const struct store_case *c, struct store_wrap *w)
{
    struct store_worker known = {.team = ""};
    struct wrap_rule rule;
    json_t *rules;
    bool bot = false;
    *w = (struct store_wrap){.case_id = c->id};
    int er = talker_get(s, &c->id, w->agent, &bot);
    if (!er && (!w->agent[0] || bot))
        er = ER_NOT_FOUND;
    if (er)
        return er;
    er = store_worker_get(s, c->merchant, w->agent, &known);
    if (er == ER_NOT_FOUND)
        known.team[0] = '\0';
    else if (er)
        return er;
    er = store_pairing_get(s, c->merchant, &rules);
    if (er)
        return er;
    pairing_rules_wrap(rules, known.team, &rule);
    json_decref(rules);
    (void)str_copy(w->merchant, sizeof w->merchant, c->merchant);
    w->required = rule.required;
    w->seconds = rule.seconds;
    return 0;
}

/** The outcome or the verdict that the agent came to since the call is theirs; "" when there is none. */
static int talk_outcome(struct store *s, const struct store_wrap *w, char ret[OUTCOME_BYTES])
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st,
                       "SELECT coalesce(json_extract(data, '$.outcome'),"
                       " json_extract(data, '$.verdict')) FROM events WHERE case_id = ?1"
                       " AND actor = ?2 AND type IN ('outcome_proposed', 'verdict_given')"
                       " AND seq > (SELECT max(seq) FROM events WHERE case_id = ?1"
                       " AND type IN ('call_started', 'call_taken_over'))"
                       " ORDER BY seq DESC LIMIT 1",
                       "tt", w->case_id.text, w->agent);
    if (er)
        return er;
    ret[0] = '\0';
    er = sql_step(s, st);
    if (er == 1)
        sql_text(st, 0, ret, OUTCOME_BYTES);
    sql_end(st);
    return er < 0 ? er : 0;
}

static int end_call(struct store *s, const struct store_action *a, uint64_t now_us,
                    struct store_wrap *w, struct store_case *ret, bool *ret_asked)
{
    char outcome[OUTCOME_BYTES];
    struct store_action told = *a;
    int er = talk_outcome(s, w, outcome);
    json_t *data = er ? NULL : json_copy((json_t *)(uintptr_t)a->data);
    if (!data)
        return er ? er : ER_NOMEM;
    *ret_asked = !outcome[0];
    json_t *what = outcome[0] ? json_string(outcome)
                              : json_pack("{s:s,s:i,s:b}", "agent", w->agent, "seconds",
                                          (int)w->seconds, "required", w->required);
    (void)json_object_set_new(data, outcome[0] ? "disposition" : "wrap_up", what);
    told.data = data;
    er = store_case_act(s, &told, now_us, ret);
    json_decref(data);
    if (er || !*ret_asked)
        return er;
    (void)str_copy(w->merchant, sizeof w->merchant, ret->merchant);
    (void)str_copy(w->number, sizeof w->number, ret->number);
    (void)str_copy(w->title, sizeof w->title, ret->title);
    w->since_us = now_us;
    return sql_run(s, NULL, "INSERT OR REPLACE INTO wrap_ups VALUES(?, ?, ?, ?, ?, 0, ?)", "tttiib",
                   w->case_id.text, w->agent, w->merchant, (int64_t)now_us, (int64_t)w->seconds,
                   (int)w->required);
}

int store_wrap_end_call(struct store *s, const struct store_action *a, uint64_t now_us,
                        struct store_wrap *w, struct store_case *ret, bool *ret_asked)
{
    memset(ret, 0, sizeof *ret);
    int er = store_begin(s);
    if (er)
        return er;
    er = store_end(s, end_call(s, a, now_us, w, ret, ret_asked));
    if (er)
        store_case_clear(ret);
    return er;
}

/* Ends */

/** The row goes, and the event says so. */
static int settle(struct store *s, const struct store_wrap *w, const char *actor, const char *type,
                  json_t *data, uint64_t now_us)
{
    int changes = 0;
    int er = data ? sql_run(s, &changes, "DELETE FROM wrap_ups WHERE case_id = ? AND agent = ?",
                            "tt", w->case_id.text, w->agent)
                  : ER_NOMEM;
    if (!er && !changes)
        er = ER_NOT_FOUND;
    if (!er)
        er = store_event_append(s, &w->case_id, actor, type, data, now_us, NULL);
    json_decref(data);
    return er;
}

int store_wrap_give(struct store *s, const struct store_wrap *w, const char *actor,
                    const char *disposition, const char *note, uint64_t now_us)
{
    uint64_t seq;
    int er = store_begin(s);
    if (er)
        return er;
    er = settle(s, w, actor, "wrapped_up",
                json_pack("{s:s,s:s}", "agent", w->agent, "disposition", disposition), now_us);
    if (!er && note)
        er = store_note_add(s, &w->case_id, actor, note, false, now_us, &seq);
    return store_end(s, er);
}

int store_wrap_lapse(struct store *s, const struct store_wrap *w, uint64_t now_us)
{
    int er = store_begin(s);
    return er ? er
              : store_end(s, settle(s, w, "system", "wrap_up_lapsed",
                                    json_pack("{s:s}", "agent", w->agent), now_us));
}

static int extend(struct store *s, struct store_wrap *w, const char *actor,
                  const struct wrap_rule *rule, uint64_t now_us)
{
    int er = store_wrap_get(s, w);
    if (er)
        return er;
    if (w->extensions >= rule->extensions)
        return ER_CONFLICT;
    uint64_t due_us = store_wrap_due_us(w);
    if (now_us > due_us)
        due_us = now_us;
    w->seconds = (unsigned)((due_us - w->since_us + SECOND_US - 1) / SECOND_US) +
                 rule->extension_seconds;
    w->extensions++;
    json_t *data = json_pack("{s:s,s:i}", "agent", w->agent, "seconds", (int)w->seconds);
    er = data ? sql_run(s, NULL,
                        "UPDATE wrap_ups SET seconds = ?, extensions = extensions + 1"
                        " WHERE case_id = ? AND agent = ?",
                        "itt", (int64_t)w->seconds, w->case_id.text, w->agent)
              : ER_NOMEM;
    if (!er)
        er = store_event_append(s, &w->case_id, actor, "wrap_up_extended", data, now_us, NULL);
    json_decref(data);
    return er;
}

int store_wrap_extend(struct store *s, struct store_wrap *w, const char *actor,
                      const struct wrap_rule *rule, uint64_t now_us)
{
    int er = store_begin(s);
    return er ? er : store_end(s, extend(s, w, actor, rule, now_us));
}

int store_transfer_note(struct store *s, const struct id *case_id, char **ret)
{
    sqlite3_stmt *st;
    *ret = NULL;
    int er = sql_begin(s, &st,
                       "SELECT json_extract(i.body, '$.text') FROM events e JOIN internals i"
                       " ON i.case_id = e.case_id AND i.seq = e.seq WHERE e.case_id = ?1"
                       " AND e.type = 'note_added' AND e.seq = 1 + (SELECT max(seq) FROM events"
                       " WHERE case_id = ?1 AND type = 'transferred')",
                       "t", case_id->text);
    if (er)
        return er;
    er = sql_step(s, st);
    const char *text = er == 1 ? (const char *)sqlite3_column_text(st, 0) : NULL;
    if (text && !(*ret = strdup(text)))
        er = ER_NOMEM;
    sql_end(st);
    return er < 0 ? er : 0;
}

/* What merchants want */

int store_pairing_get(struct store *s, const char *merchant, json_t **ret)
{
    sqlite3_stmt *st;
    *ret = NULL;
    int er = sql_begin(s, &st, "SELECT rules FROM pairing WHERE merchant = ?", "t", merchant);
    if (er)
        return er;
    er = sql_step(s, st);
    if (er == 1)
        *ret = sql_json(st, 0);
    sql_end(st);
    if (er == 0)
        *ret = json_object();
    return er < 0 ? er : *ret ? 0 : ER_NOMEM;
}

int store_pairing_put(struct store *s, const char *merchant, const json_t *rules)
{
    char *text = json_canonical(rules);
    int er = text ? sql_run(s, NULL, "INSERT OR REPLACE INTO pairing VALUES(?, ?)", "tt", merchant,
                            text)
                  : ER_NOMEM;
    free(text);
    return er;
}
