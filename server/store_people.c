// SPDX-License-Identifier: Apache-2.0
/* Secrets, the people of a case with their consents, and invites. */
#include <string.h>

#include "base/er.h"
#include "base/str.h"
#include "server/store_sql.h"

int store_secret(struct store *s, const char *name, uint8_t ret_secret[32])
{
    uint8_t fresh[32];
    char hex[65];
    entropy_fill(&s->entropy, fresh, sizeof fresh);
    hex_encode(hex, fresh, sizeof fresh);
    int er = sql_run(s, NULL, "INSERT INTO settings VALUES(?, ?) ON CONFLICT(name) DO NOTHING",
                     "tt", name, hex);
    sqlite3_stmt *st;
    if (!er)
        er = sql_begin(s, &st, "SELECT value FROM settings WHERE name = ?", "t", name);
    if (er)
        return er;
    er = sql_step(s, st);
    if (er == 1) {
        sql_text(st, 0, hex, sizeof hex);
        er = hex_decode(ret_secret, 32, span_of(hex));
    } else if (er == 0) {
        er = ER_IO;
    }
    sql_end(st);
    return er;
}

/* People */

static int person_read(sqlite3_stmt *st, struct store_person *p)
{
    memset(p, 0, sizeof *p);
    sql_text(st, 0, p->identity, sizeof p->identity);
    sql_text(st, 1, p->name, sizeof p->name);
    p->consent = sqlite3_column_int(st, 3) != 0;
    return role_parse((const char *)sqlite3_column_text(st, 2), &p->role) ? ER_INTERNAL : 0;
}

int store_person_get(struct store *s, const struct id *case_id, const char *identity,
                     struct store_person *ret)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st,
                       "SELECT identity, name, role, consent FROM people"
                       " WHERE case_id = ? AND identity = ?",
                       "tt", case_id->text, identity);
    if (er)
        return er;
    er = sql_step(s, st);
    if (er == 1)
        er = person_read(st, ret);
    else if (er == 0)
        er = ER_NOT_FOUND;
    sql_end(st);
    return er;
}

int store_people_list(struct store *s, const struct id *case_id,
                      void (*each)(void *ctx, const struct store_person *p), void *ctx)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st,
                       "SELECT identity, name, role, consent FROM people WHERE case_id = ?"
                       " ORDER BY identity",
                       "t", case_id->text);
    if (er)
        return er;
    while ((er = sql_step(s, st)) == 1) {
        struct store_person p;
        er = person_read(st, &p);
        if (er)
            break;
        each(ctx, &p);
    }
    sql_end(st);
    return er;
}

static int person_event(struct store *s, const struct id *case_id, const struct store_person *p,
                        const char *type, uint64_t now_us)
{
    json_t *data = json_pack("{s:s,s:s,s:s}", "identity", p->identity, "name", p->name, "role",
                             role_name(p->role));
    if (!data)
        return ER_NOMEM;
    int er = store_event_append(s, case_id, p->identity, type, data, now_us, NULL);
    json_decref(data);
    return er;
}

int store_person_put(struct store *s, const struct id *case_id, const struct store_person *p,
                     uint64_t now_us)
{
    int er = store_begin(s);
    if (er)
        return er;
    struct store_person before;
    er = store_person_get(s, case_id, p->identity, &before);
    if (er == 0) {
        if (before.role != p->role)
            er = person_event(s, case_id, p, "person_changed", now_us);
        if (!er)
            er = sql_run(s, NULL,
                         "UPDATE people SET name = ?, role = ? WHERE case_id = ? AND identity = ?",
                         "tttt", p->name, role_name(p->role), case_id->text, p->identity);
        return store_end(s, er);
    }
    if (er == ER_NOT_FOUND)
        er = person_event(s, case_id, p, "person_added", now_us);
    if (!er)
        er = sql_run(s, NULL, "INSERT INTO people VALUES(?, ?, ?, ?, NULL)", "tttt", case_id->text,
                     p->identity, p->name, role_name(p->role));
    return store_end(s, er);
}

int store_consent_set(struct store *s, const struct id *case_id, const char *identity,
                      bool recording, uint64_t now_us)
{
    json_t *data = json_pack("{s:b}", "recording", recording);
    if (!data)
        return ER_NOMEM;
    int er = store_begin(s);
    if (!er) {
        int changes = 0;
        er = sql_run(s, &changes,
                     "UPDATE people SET consent = ? WHERE case_id = ? AND identity = ?", "btt",
                     (int)recording, case_id->text, identity);
        if (!er && changes == 0)
            er = ER_NOT_FOUND;
        if (!er)
            er = store_event_append(s, case_id, identity, "recording_consent", data, now_us, NULL);
        er = store_end(s, er);
    }
    json_decref(data);
    return er;
}

/* Invites */

static int invited_event(struct store *s, const struct store_invite *i, const char *name,
                         const char *actor, uint64_t now_us)
{
    json_t *data = json_pack("{s:s,s:s,s:s,s:b}", "identity", i->identity, "name", name, "role",
                             role_name(i->role), "single_use", i->single_use);
    int er = ER_NOMEM;
    if (data && !json_set_time(data, "expires_at", i->expires_us))
        er = store_event_append(s, &i->case_id, actor, "invited", data, now_us, NULL);
    json_decref(data);
    return er;
}

int store_invite_add(struct store *s, const struct store_invite *i, const char *name,
                     const char *actor, uint64_t now_us)
{
    int er = store_begin(s);
    if (er)
        return er;
    er = invited_event(s, i, name, actor, now_us);
    if (!er)
        er = sql_run(s, NULL,
                     "INSERT INTO invites(jti, case_id, identity, role, single_use, used_us,"
                     " expires_us, by_role) VALUES(?, ?, ?, ?, ?, 0, ?, ?)",
                     "ttttbit", i->jti, i->case_id.text, i->identity, role_name(i->role),
                     (int)i->single_use, (int64_t)i->expires_us, role_name(i->by_role));
    return store_end(s, er);
}

int store_invite_taken(struct store *s, const char *merchant, const struct id *case_id,
                       const char *identity, bool *ret)
{
    sqlite3_stmt *st;
    int er = sql_begin(
        s, &st,
        "SELECT 1 FROM people p JOIN cases c ON c.id = p.case_id"
        " WHERE p.identity = ? AND c.merchant = ? AND p.role NOT IN ('buyer', 'viewer')"
        " AND NOT EXISTS(SELECT 1 FROM invites i"
        " WHERE i.case_id = p.case_id AND i.identity = p.identity AND i.by_role <> 'service')"
        " UNION ALL SELECT 1 FROM events e WHERE e.case_id = ? AND e.actor = ?"
        " AND NOT EXISTS(SELECT 1 FROM invites i"
        " WHERE i.case_id = e.case_id AND i.identity = e.actor AND i.by_role <> 'service')"
        " LIMIT 1",
        "tttt", identity, merchant, case_id->text, identity);
    if (er)
        return er;
    er = sql_step(s, st);
    *ret = er == 1;
    sql_end(st);
    return er < 0 ? er : 0;
}

int store_invite_guest(struct store *s, const char *jti, bool *ret)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st, "SELECT 1 FROM invites WHERE jti = ? AND by_role <> 'service'", "t",
                       jti ? jti : "");
    if (er)
        return er;
    er = sql_step(s, st);
    *ret = er == 1;
    sql_end(st);
    return er < 0 ? er : 0;
}

int store_invite_give_back(struct store *s, const char *jti)
{
    return sql_run(s, NULL, "UPDATE invites SET used_us = 0 WHERE jti = ? AND single_use", "t",
                   jti);
}

int store_invite_state(struct store *s, const char *jti, enum store_invite_state *ret)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st, "SELECT used_us FROM invites WHERE jti = ? AND single_use", "t",
                       jti);
    if (er)
        return er;
    er = sql_step(s, st);
    *ret = er != 1 ? INVITE_ANY : sqlite3_column_int64(st, 0) ? INVITE_USED : INVITE_UNUSED;
    sql_end(st);
    return er < 0 ? er : 0;
}

int store_invite_use(struct store *s, const char *jti, const struct id *session,
                     const struct id *was, uint64_t now_us)
{
    int er = store_begin(s);
    if (er)
        return er;
    sqlite3_stmt *st;
    er = sql_begin(s, &st, "SELECT single_use, used_us, session FROM invites WHERE jti = ?", "t",
                   jti);
    if (er)
        return store_end(s, er);
    er = sql_step(s, st);
    bool known = er == 1;
    bool spent = known && sqlite3_column_int(st, 0) && sqlite3_column_int64(st, 1);
    struct id by = known ? sql_id(st, 2) : (struct id){{0}};
    if (spent && was && id_is_set(was) && id_equal(was, &by))
        spent = false; /* the same page, whose session ended without it */
    sql_end(st);
    if (er == 1)
        er = spent ? ER_STALE
                   : sql_run(s, NULL, "UPDATE invites SET used_us = ?, session = ? WHERE jti = ?",
                             "itt", (int64_t)now_us,
                             session && id_is_set(session) ? session->text : "", jti);
    return store_end(s, er);
}
