// SPDX-License-Identifier: Apache-2.0
/* How long clips, stills and attachments are kept, what is held, and what is due to go. */
#include "server/store_keep.h"

#include <string.h>

#include "base/er.h"
#include "base/str.h"
#include "server/store_sql.h"

#define US UINT64_C(1000000)
/* The case k is being fought over at ?now, so that nothing of it goes: in dispute, in review, ruled but not carried out;
 * while there is a proposal in a dispute; and after a ruling while there may be an appeal. */
#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)
#define DISPUTED(now)                                                                              \
    "(k.disputed = 1 AND (k.state IN ('disputed', 'in_review', 'ruled')"                           \
    " OR (k.state IN ('executed', 'closed') AND (unixepoch(json_extract(k.more, '$.ruling.at'))"   \
    " + 1 + " TEXT(                                                                                \
        LIMIT_APPEAL_SECONDS) ") * 1000000 >= " now ")"                                            \
                              " OR (k.state = 'proposed' AND 'outcome_disputed' = (SELECT CASE "   \
                              "e.type WHEN 'appealed' THEN"                                        \
                              " 'outcome_disputed' ELSE e.type END FROM events e WHERE e.case_id " \
                              "= k.id AND (e.type IN"                                              \
                              " ('outcome_disputed', 'appealed', 'outcome_agreed', 'reopened') OR" \
                              " (e.type = 'proposal_lapsed' AND json_extract(e.data, '$.to') IS "  \
                              "NULL))"                                                             \
                              " ORDER BY e.seq DESC LIMIT 1))))"
/* A certificate that was not revoked names what has this hash as what it goes by. */
#define CERTIFIED(hash)                                                                            \
    "EXISTS(SELECT 1 FROM certificates t JOIN events e ON e.case_id = t.case_id AND e.seq = t.seq" \
    " JOIN json_each(e.data, '$.document.points') p JOIN json_each(p.value, '$.evidence') v"       \
    " WHERE t.case_id = k.id AND json_extract(v.value, '$.sha256') = " hash                        \
    " AND NOT EXISTS(SELECT 1 FROM events r WHERE r.case_id = t.case_id AND"                       \
    " r.type = 'certificate_revoked' AND json_extract(r.data, '$.certificate') = t.id))"

static const char *const kinds[KEEP_KINDS] = {
    [KEEP_CLIP] = "clip",   [KEEP_LOOKBACK] = "lookback", [KEEP_TRIM] = "trim",
    [KEEP_STILL] = "still", [KEEP_PHOTO] = "photo",       [KEEP_ATTACHMENT] = "attachment",
};

static const char *const objects[KEPT_OBJECTS] = {
    [KEPT_CLIP] = "clip", [KEPT_STILL] = "still", [KEPT_ATTACHMENT] = "attachment"};

const char *keep_object_name(enum keep_object object)
{
    return (unsigned)object < KEPT_OBJECTS ? objects[object] : "unknown";
}

enum keep_object keep_object_of(const char *name)
{
    unsigned i = 0;
    while (i < KEPT_OBJECTS && strcmp(objects[i], name) != 0)
        i++;
    return (enum keep_object)i;
}

const char *keep_kind_name(enum keep_kind kind)
{
    return (unsigned)kind < KEEP_KINDS ? kinds[kind] : "unknown";
}

int store_retention_get(struct store *s, const char *merchant, struct store_retention *ret)
{
    sqlite3_stmt *st;
    *ret = (struct store_retention){0};
    int er = sql_begin(s, &st, "SELECT kind, seconds FROM retention WHERE merchant = ?", "t",
                       merchant);
    if (er)
        return er;
    while ((er = sql_step(s, st)) == 1) {
        const char *kind = (const char *)sqlite3_column_text(st, 0);
        for (unsigned i = 0; kind && i < KEEP_KINDS; i++) {
            if (strcmp(kinds[i], kind) == 0)
                ret->seconds[i] = sql_u64(st, 1);
        }
    }
    sql_end(st);
    return er;
}

static int retention_write(struct store *s, const char *merchant,
                           const struct store_retention_change *c)
{
    int er = sql_run(s, NULL,
                     "INSERT INTO retention VALUES(?, ?, ?, ?) ON CONFLICT(merchant, kind)"
                     " DO UPDATE SET seconds = excluded.seconds, changed_us = excluded.changed_us",
                     "ttii", merchant, kinds[c->kind], (int64_t)c->to_seconds, (int64_t)c->at_us);
    return er ? er
              : sql_run(s, NULL,
                        "INSERT INTO retention_changes SELECT ?1, coalesce(max(seq), 0) + 1, ?2,"
                        " ?3, ?4, ?5, ?6 FROM retention_changes WHERE merchant = ?1",
                        "tittii", merchant, (int64_t)c->at_us, c->actor, kinds[c->kind],
                        (int64_t)c->from_seconds, (int64_t)c->to_seconds);
}

int store_retention_set(struct store *s, const char *merchant, enum keep_kind kind,
                        uint64_t seconds, const char *by, uint64_t now_us, bool *ret_changed)
{
    struct store_retention was;
    struct store_retention_change c = {.at_us = now_us, .kind = kind, .to_seconds = seconds};
    if ((unsigned)kind >= KEEP_KINDS || seconds > LIMIT_RETENTION_SECONDS ||
        str_copy(c.actor, sizeof c.actor, by))
        return ER_INVALID;
    int er = store_begin(s);
    if (er)
        return er;
    er = store_retention_get(s, merchant, &was);
    bool changed = er == 0 && was.seconds[kind] != seconds;
    c.from_seconds = was.seconds[kind];
    if (changed)
        er = retention_write(s, merchant, &c);
    if (ret_changed)
        *ret_changed = changed;
    return store_end(s, er);
}

int store_retention_changes(struct store *s, const char *merchant, uint64_t after_seq, size_t limit,
                            void (*each)(void *ctx, const struct store_retention_change *c),
                            void *ctx)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st,
                       "SELECT seq, at_us, actor, kind, from_seconds, to_seconds FROM"
                       " retention_changes WHERE merchant = ? AND seq > ? ORDER BY seq LIMIT ?",
                       "tii", merchant, (int64_t)after_seq, (int64_t)limit);
    if (er)
        return er;
    while ((er = sql_step(s, st)) == 1) {
        struct store_retention_change c = {.seq = sql_u64(st, 0),
                                           .at_us = sql_u64(st, 1),
                                           .from_seconds = sql_u64(st, 4),
                                           .to_seconds = sql_u64(st, 5)};
        const char *kind = (const char *)sqlite3_column_text(st, 3);
        sql_text(st, 2, c.actor, sizeof c.actor);
        while (kind && c.kind + 1 < KEEP_KINDS && strcmp(kinds[c.kind], kind) != 0)
            c.kind++;
        each(ctx, &c);
    }
    sql_end(st);
    return er;
}

/* Holds */

#define COLUMNS                                                                                    \
    "id, case_id, object, of, firm, reason, placed_by, placed_us, lift_reason, lifted_by, "        \
    "lifted_us"

static void hold_read(sqlite3_stmt *st, struct store_hold *h)
{
    memset(h, 0, sizeof *h);
    h->id = sql_id(st, 0);
    h->case_id = sql_id(st, 1);
    sql_text(st, 2, h->object, sizeof h->object);
    h->of = sql_id(st, 3);
    h->firm = sqlite3_column_int(st, 4) != 0;
    sql_text(st, 5, h->reason, sizeof h->reason);
    sql_text(st, 6, h->placed_by, sizeof h->placed_by);
    h->placed_us = sql_u64(st, 7);
    sql_text(st, 8, h->lift_reason, sizeof h->lift_reason);
    sql_text(st, 9, h->lifted_by, sizeof h->lifted_by);
    h->lifted_us = sql_u64(st, 10);
}

/** The only number that the statement gives. */
static int number_of(struct store *s, sqlite3_stmt *st, uint64_t *ret)
{
    int er = sql_step(s, st);
    *ret = er == 1 ? sql_u64(st, 0) : 0;
    sql_end(st);
    return er < 0 ? er : 0;
}

/** Whether there is in the case what is to be held, and room for one more. */
static int hold_check(struct store *s, const struct store_hold *h)
{
    sqlite3_stmt *st;
    uint64_t found = 0, count = 0;
    int er = sql_begin(s, &st,
                       "SELECT ?2 = 'case' OR EXISTS(SELECT 1 FROM clips WHERE ?2 = 'clip' AND"
                       " id = ?3 AND case_id = ?1) OR EXISTS(SELECT 1 FROM stills WHERE"
                       " ?2 = 'still' AND id = ?3 AND case_id = ?1 AND ready = 1) OR EXISTS(SELECT"
                       " 1 FROM attachments WHERE ?2 = 'attachment' AND id = ?3 AND case_id = ?1"
                       " AND ready = 1)",
                       "ttt", h->case_id.text, h->object, h->of.text);
    if (!er)
        er = number_of(s, st, &found);
    if (!er)
        er = sql_begin(s, &st, "SELECT count(*) FROM holds WHERE case_id = ? AND lifted_us = 0",
                       "t", h->case_id.text);
    if (!er)
        er = number_of(s, st, &count);
    return er ? er : !found ? ER_NOT_FOUND : count >= LIMIT_HOLDS ? ER_FULL : 0;
}

static int hold_event(struct store *s, const struct store_hold *h, const char *type,
                      const char *actor, const char *reason, uint64_t now_us)
{
    json_t *data = json_pack("{s:s,s:s}", "hold", h->id.text, "reason", reason);
    int bad = !data || (h->firm && json_object_set_new(data, "firm", json_true())) ||
              (id_is_set(&h->of) && json_object_set_new(data, h->object, json_string(h->of.text)));
    int er = bad ? ER_NOMEM : store_event_append(s, &h->case_id, actor, type, data, now_us, NULL);
    json_decref(data);
    return er;
}

int store_hold_place(struct store *s, struct store_hold *h, uint64_t now_us)
{
    if (!id_is_set(&h->id))
        h->id = id_make(now_us, &s->entropy);
    h->placed_us = now_us;
    h->lifted_us = 0;
    int er = store_begin(s);
    if (er)
        return er;
    er = hold_check(s, h);
    if (!er)
        er = hold_event(s, h, "hold_placed", h->placed_by, h->reason, now_us);
    if (!er)
        er = sql_run(s, NULL,
                     "INSERT INTO holds(" COLUMNS ") VALUES(?, ?, ?, ?, ?, ?, ?, ?, '', '', 0)",
                     "ttttbtti", h->id.text, h->case_id.text, h->object, h->of.text, (int)h->firm,
                     h->reason, h->placed_by, (int64_t)now_us);
    return store_end(s, er);
}

int store_hold_lift(struct store *s, const struct id *id, const char *by, bool firmly,
                    const char *reason, uint64_t now_us, struct store_hold *ret)
{
    int er = store_begin(s);
    if (er)
        return er;
    er = store_hold_get(s, id, ret);
    if (!er && ret->firm && !firmly)
        er = ER_DENIED;
    else if (!er && ret->lifted_us)
        er = ER_CONFLICT;
    if (!er)
        er = hold_event(s, ret, "hold_lifted", by, reason, now_us);
    if (!er)
        er = sql_run(s, NULL,
                     "UPDATE holds SET lift_reason = ?, lifted_by = ?, lifted_us = ? WHERE id = ?",
                     "ttit", reason, by, (int64_t)now_us, id->text);
    er = store_end(s, er);
    return er ? er : store_hold_get(s, id, ret);
}

int store_hold_get(struct store *s, const struct id *id, struct store_hold *ret)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st, "SELECT " COLUMNS " FROM holds WHERE id = ?", "t", id->text);
    if (er)
        return er;
    er = sql_step(s, st);
    if (er == 1)
        hold_read(st, ret);
    sql_end(st);
    return er == 1 ? 0 : er == 0 ? ER_NOT_FOUND : er;
}

int store_holds_of_case(struct store *s, const struct id *case_id,
                        void (*each)(void *ctx, const struct store_hold *h), void *ctx)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st, "SELECT " COLUMNS " FROM holds WHERE case_id = ? ORDER BY id", "t",
                       case_id->text);
    if (er)
        return er;
    while ((er = sql_step(s, st)) == 1) {
        struct store_hold h;
        hold_read(st, &h);
        each(ctx, &h);
    }
    sql_end(st);
    return er;
}

json_t *store_hold_json(const struct store_hold *h)
{
    json_t *o = json_pack("{s:s,s:s,s:b,s:s,s:s}", "id", h->id.text, "case", h->case_id.text,
                          "firm", h->firm, "reason", h->reason, "placed_by", h->placed_by);
    int bad = !o || json_set_time(o, "placed_at", h->placed_us);
    if (!bad && id_is_set(&h->of))
        bad = json_object_set_new(o, h->object, json_string(h->of.text));
    if (!bad && h->lifted_us)
        bad = json_set_time(o, "lifted_at", h->lifted_us) |
              json_object_set_new(o, "lifted_by", json_string(h->lifted_by)) |
              json_object_set_new(o, "lift_reason", json_string(h->lift_reason));
    if (!bad)
        return o;
    json_decref(o);
    return NULL;
}

/* What comes of both */

int store_keeping_of(struct store *s, const struct id *case_id, const char *kind,
                     const struct id *of, uint64_t made_us, uint64_t now_us,
                     struct store_keeping *ret)
{
    sqlite3_stmt *st;
    *ret = (struct store_keeping){0};
    int er = sql_begin(
        s, &st,
        "SELECT " DISPUTED(
            "?4") ", EXISTS(SELECT 1 FROM holds h WHERE"
                  " h.case_id = k.id AND h.lifted_us = 0 AND (h.object = 'case' OR h.of = ?3)),"
                  " coalesce(r.seconds, 0), " CERTIFIED(
                      "(SELECT sha256 FROM clips WHERE id = ?3 UNION ALL"
                      " SELECT sha256 FROM stills WHERE id = ?3 UNION ALL"
                      " SELECT sha256 FROM attachments WHERE id = ?3)") " FROM cases k LEFT JOIN "
                                                                        "retention r ON"
                                                                        " r.merchant = k.merchant "
                                                                        "AND "
                                                                        "r.kind = ?2 WHERE k.id = "
                                                                        "?1",
        "ttti", case_id->text, kind, of->text, (int64_t)now_us);
    if (er)
        return er;
    er = sql_step(s, st);
    if (er == 1) {
        ret->disputed = sqlite3_column_int(st, 0) != 0;
        ret->held = sqlite3_column_int(st, 1) != 0;
        ret->until_us = sql_u64(st, 2) ? made_us + sql_u64(st, 2) * US : 0;
        ret->certified = sqlite3_column_int(st, 3) != 0;
    }
    sql_end(st);
    return er == 1 ? 0 : er == 0 ? ER_NOT_FOUND : er;
}

const char *store_keeping_why(const struct store_keeping *keeping)
{
    return keeping->held        ? "a legal hold is on it"
           : keeping->disputed  ? "its case is disputed, or there is time for an appeal"
           : keeping->certified ? "a certificate goes by it: it is to be revoked first"
                                : NULL;
}

/** Nothing younger can be due. *ret 0: nothing at all. */
static int oldest_kept(struct store *s, uint64_t now_us, uint64_t *ret)
{
    sqlite3_stmt *st;
    uint64_t seconds = 0;
    int er = sql_begin(s, &st, "SELECT min(seconds) FROM retention WHERE seconds > 0", "");
    if (!er)
        er = number_of(s, st, &seconds);
    *ret = seconds && now_us > seconds * US ? now_us - seconds * US : 0;
    return er;
}

#define DUE                                                                                        \
    "coalesce(r.seconds, 0) > 0 AND x.created_us + r.seconds * 1000000 <= ?2"                      \
    " AND NOT EXISTS(SELECT 1 FROM holds h WHERE"                                                  \
    " h.case_id = x.case_id AND h.lifted_us = 0 AND (h.object = 'case' OR h.of = x.id))"           \
    " AND NOT " DISPUTED("?2") " AND NOT " CERTIFIED("x.sha256")
#define ROWS(table, kind, which)                                                                   \
    "SELECT x.id, x.created_us, " DUE " FROM " table " x JOIN cases k ON k.id = x.case_id"         \
    " LEFT JOIN retention r ON r.merchant = x.merchant AND r.kind = " kind                         \
    " WHERE x.id > ?1 AND " which " ORDER BY x.id LIMIT ?3"

static const char *const rows_of[KEPT_OBJECTS] = {
    [KEPT_CLIP] = ROWS("clips", "x.kind", "x.state <> 'recording'"),
    [KEPT_STILL] = ROWS("stills", "x.kind", "x.ready = 1"),
    [KEPT_ATTACHMENT] = ROWS("attachments", "'attachment'", "x.ready = 1"),
};

int store_due(struct store *s, struct store_round *round, uint64_t now_us, struct id *ret,
              size_t size, size_t *ret_count, bool *ret_end)
{
    sqlite3_stmt *st;
    uint64_t before_us;
    size_t rows = 0;
    *ret_count = 0;
    *ret_end = true;
    int er = oldest_kept(s, now_us, &before_us);
    if (er || !before_us)
        return er;
    er = sql_begin(s, &st, rows_of[round->of], "tii", round->after.text, (int64_t)now_us,
                   (int64_t)LIMIT_SWEEP_ROWS);
    if (er)
        return er;
    bool young = false;
    while (*ret_count < size && !young && (er = sql_step(s, st)) == 1) {
        rows++;
        young = sql_u64(st, 1) > before_us; /* ids rise with time */
        round->after = sql_id(st, 0);
        if (sqlite3_column_int(st, 2))
            ret[(*ret_count)++] = round->after;
    }
    sql_end(st);
    bool over = young || (rows < LIMIT_SWEEP_ROWS && *ret_count < size);
    *ret_end = over && round->of + 1 == KEPT_OBJECTS;
    if (over)
        *round = (struct store_round){.of = (round->of + 1) % KEPT_OBJECTS};
    return er < 0 ? er : 0;
}
