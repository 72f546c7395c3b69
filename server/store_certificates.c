// SPDX-License-Identifier: Apache-2.0
/* Certificates: the events that make them, and the rows by which they are found. */
#include "server/store_certificates.h"

#include <string.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/json.h"
#include "base/str.h"
#include "server/dispute.h"
#include "server/store_disputes.h"
#include "server/store_record.h"
#include "server/store_sql.h"

#define COLUMNS "id, number, case_id, seq"

static void row_read(sqlite3_stmt *st, struct store_certificate *c)
{
    *c = (struct store_certificate){.id = sql_id(st, 0)};
    sql_text(st, 1, c->number, sizeof c->number);
    c->case_id = sql_id(st, 2);
    c->seq = sql_u64(st, 3);
}

int store_certificate_find(struct store *s, const char *text, struct store_certificate *ret)
{
    struct id id;
    char number[CERTIFICATE_NUMBER_BYTES] = "";
    sqlite3_stmt *st;
    if (id_parse(text, &id) && certificate_number_parse(text, number))
        return ER_NOT_FOUND;
    int er = sql_begin(s, &st, "SELECT " COLUMNS " FROM certificates WHERE id = ? OR number = ?",
                       "tt", id.text, number);
    if (er)
        return er;
    er = sql_step(s, st);
    if (er == 1)
        row_read(st, ret);
    sql_end(st);
    return er == 1 ? 0 : er ? er : ER_NOT_FOUND;
}

int store_certificates_of_case(struct store *s, const struct id *case_id,
                               void (*each)(void *ctx, const struct store_certificate *c),
                               void *ctx)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st, "SELECT " COLUMNS " FROM certificates WHERE case_id = ? ORDER BY id",
                       "t", case_id->text);
    if (er)
        return er;
    while ((er = sql_step(s, st)) == 1) {
        struct store_certificate c;
        row_read(st, &c);
        each(ctx, &c);
    }
    sql_end(st);
    return er;
}

/* Issuing */

static int merchant_name(struct store *s, const char *id, char ret[STORE_TEXT_BYTES])
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st, "SELECT name FROM merchants WHERE id = ?", "t", id);
    if (er)
        return er;
    er = sql_step(s, st);
    if (er == 1)
        sql_text(st, 0, ret, STORE_TEXT_BYTES);
    sql_end(st);
    return er == 1 ? 0 : er ? er : ER_NOT_FOUND;
}

/** When the picture was captured, or the clip began, into the piece; nothing of what was deleted. */
static int moment_put(struct store *s, json_t *piece)
{
    struct id id;
    struct store_still still = {0};
    struct store_clip clip = {0};
    const char *still_id = json_text(piece, "still", ID_TEXT_BYTES - 1);
    const char *clip_id = json_text(piece, "clip", ID_TEXT_BYTES - 1);
    if (id_parse(still_id ? still_id : clip_id ? clip_id : "", &id))
        return 0;
    int er = still_id ? store_still_get(s, &id, &still) : store_clip_get(s, &id, &clip);
    uint64_t at_us = still_id ? still.at_us : clip.started_us;
    if (!er)
        er = json_set_time(piece, "at", at_us);
    return er == ER_NOT_FOUND ? 0 : er;
}

static int moments_put(struct store *s, json_t *exam)
{
    const char *id;
    json_t *point, *piece;
    size_t i;
    int er = 0;
    json_object_foreach(json_object_get(exam, "points"), id, point)
    {
        json_array_foreach(json_object_get(point, "evidence"), i, piece)
        {
            if (!er)
                er = moment_put(s, piece);
        }
    }
    return er;
}

/** The dispute of the case's verdict. *ret_open: it is not decided; *ret_stands: nobody ruled that it does not. */
static int verdict_disputed(struct store *s, const struct store_case *c, bool *ret_open,
                            bool *ret_stands)
{
    json_t *dispute;
    int er = store_dispute_read(s, c, &dispute);
    *ret_open = dispute_is_of_verdict(dispute) &&
                (c->state == CASE_DISPUTED || c->state == CASE_IN_REVIEW);
    *ret_stands = dispute_lets_verdict(dispute);
    json_decref(dispute);
    return er;
}

static int may_issue(const struct examiner *who, const json_t *exam, bool stands,
                     struct refusal *why)
{
    const json_t *all = json_object_get(exam, "certificates");
    const char *verdict = json_string_value(
        json_object_get(json_object_get(exam, "verdict"), "verdict"));
    if (!verdict || (who->sc->state != CASE_EXECUTED && who->sc->state != CASE_CLOSED))
        return refusal_set(why, ER_CONFLICT, "there is no verdict that holds");
    if (!stands)
        return refusal_set(why, ER_CONFLICT, "the verdict was disputed, and did not stand");
    if (strcmp(verdict, "inconclusive") == 0)
        return refusal_set(why, ER_CONFLICT, "what could not be judged is not certified");
    for (size_t i = 0; i < json_array_size(all); i++) {
        const json_t *c = json_array_get(all, i);
        if (json_object_get(c, "revoked_at"))
            continue;
        why->more = json_pack("{s:O*}", "certificate", json_object_get(c, "id"));
        return refusal_set(why, ER_CONFLICT, "the case has a certificate that holds");
    }
    return 0;
}

static int issue_event(struct store *s, const struct examiner *who, struct store_certificate *c,
                       const json_t *document)
{
    char hash[STORE_HASH_BYTES];
    json_t *data = json_pack("{s:s,s:s,s:O}", "certificate", c->id.text, "number", c->number,
                             "document", document);
    int er = data ? store_event_append(s, &c->case_id, who->identity, "certificate_issued", data,
                                       who->now_us, NULL)
                  : ER_NOMEM;
    json_decref(data);
    if (!er)
        er = store_chain_head(s, &c->case_id, &c->seq, hash);
    return er ? er
              : sql_run(s, NULL, "INSERT INTO certificates VALUES(?, ?, ?, ?)", "ttti", c->id.text,
                        c->number, c->case_id.text, (int64_t)c->seq);
}

static int issue(struct store *s, const struct examiner *who, const char *item,
                 struct store_certificate *c, json_t **ret_document, struct refusal *why)
{
    json_t *exam, *checklist;
    char hash[STORE_HASH_BYTES], merchant[STORE_TEXT_BYTES];
    int er = store_examination_open(s, &who->sc->id, &exam, &checklist);
    if (er == ER_NOT_FOUND)
        return refusal_set(why, ER_CONFLICT, "there is no verdict that holds");
    if (er)
        return er;
    *c = (struct store_certificate){.id = id_make(who->now_us, &s->entropy),
                                    .case_id = who->sc->id};
    certificate_number_make(&s->entropy, c->number);
    bool open, stands;
    er = verdict_disputed(s, who->sc, &open, &stands);
    if (!er)
        er = may_issue(who, exam, stands, why);
    if (!er)
        er = moments_put(s, exam);
    if (!er)
        er = merchant_name(s, who->sc->merchant, merchant);
    if (!er)
        er = store_chain_head(s, &c->case_id, &c->seq, hash);
    const struct certificate_facts facts = {who->sc, merchant, item,       exam,      checklist,
                                            c->seq,  hash,     c->id.text, c->number, who->now_us};
    *ret_document = er ? NULL : certificate_make(&facts);
    json_decref(exam);
    json_decref(checklist);
    if (!er)
        er = *ret_document ? issue_event(s, who, c, *ret_document) : ER_NOMEM;
    return er;
}

int store_certificate_issue(struct store *s, const struct examiner *who, const char *item,
                            struct store_certificate *ret, json_t **ret_document,
                            struct refusal *ret_why)
{
    *ret_document = NULL;
    int er = store_begin(s);
    if (!er)
        er = store_end(s, issue(s, who, item, ret, ret_document, ret_why));
    if (er) {
        json_decref(*ret_document);
        *ret_document = NULL;
    }
    return er;
}

/* What became of it */

struct life {
    const struct store_certificate *c;
    json_t *document; /* owned */
    json_t *revoked;  /* what the event says; owned */
    char revoked_at[CLOCK_TEXT_BYTES];
};

static void live(void *ctx, const struct store_event *e)
{
    struct life *life = ctx;
    json_t *data = json_loads(e->data, 0, NULL);
    const char *id = json_text(data, "certificate", ID_TEXT_BYTES - 1);
    if (id && strcmp(id, life->c->id.text) == 0) {
        if (strcmp(e->type, "certificate_issued") == 0 && !life->document) {
            life->document = json_incref(json_object_get(data, "document"));
        } else if (!life->revoked) {
            life->revoked = json_incref(data);
            clock_format(e->at_us, life->revoked_at);
        }
    }
    json_decref(data);
}

static int life_read(struct store *s, const struct store_certificate *c, struct life *ret)
{
    *ret = (struct life){.c = c};
    return store_events_typed(s, &c->case_id, "[\"certificate_issued\",\"certificate_revoked\"]",
                              live, ret);
}

static void life_clear(struct life *life)
{
    json_decref(life->document);
    json_decref(life->revoked);
}

static int tell_dispute(struct store *s, const struct id *case_id, json_t *document)
{
    struct store_case sc;
    bool open = false, stands;
    int er = store_case_get(s, case_id, &sc);
    if (!er)
        er = verdict_disputed(s, &sc, &open, &stands);
    if (!er && open)
        (void)json_object_set_new(document, "disputed", json_true());
    store_case_clear(&sc);
    return er;
}

int store_certificate_public(struct store *s, const struct store_certificate *c, json_t **ret)
{
    struct life life;
    int er = life_read(s, c, &life);
    *ret = NULL;
    if (!er && !json_is_object(life.document))
        er = ER_INTERNAL;
    if (!er) {
        *ret = json_incref(life.document);
        (void)json_object_set_new(*ret, "state", json_string(life.revoked ? "revoked" : "valid"));
    }
    if (!er)
        er = tell_dispute(s, &c->case_id, *ret);
    if (!er && life.revoked) {
        (void)json_object_set_new(*ret, "revoked_at", json_string(life.revoked_at));
        (void)json_object_set(*ret, "reason", json_object_get(life.revoked, "reason"));
    }
    life_clear(&life);
    return er;
}

static int revoke(struct store *s, const struct store_certificate *c, const struct examiner *who,
                  const char *reason, const char *note, struct refusal *why)
{
    struct life life;
    int er = life_read(s, c, &life);
    bool before = life.revoked != NULL;
    life_clear(&life);
    if (!er && before)
        er = refusal_set(why, ER_CONFLICT, "it was revoked before");
    json_t *data = json_pack("{s:s,s:s,s:s}", "certificate", c->id.text, "number", c->number,
                             "reason", reason);
    json_t *internal = note ? json_pack("{s:s}", "note", note) : NULL;
    if (!er && (!data || (note && !internal)))
        er = ER_NOMEM;
    if (!er && note)
        er = store_event_append_internal(s, &c->case_id, who->identity, "certificate_revoked", data,
                                         internal, who->now_us);
    else if (!er)
        er = store_event_append(s, &c->case_id, who->identity, "certificate_revoked", data,
                                who->now_us, NULL);
    json_decref(internal);
    json_decref(data);
    return er;
}

int store_certificate_revoke(struct store *s, const struct store_certificate *c,
                             const struct examiner *who, const char *reason, const char *note,
                             struct refusal *ret_why)
{
    int er = store_begin(s);
    return er ? er : store_end(s, revoke(s, c, who, reason, note, ret_why));
}

int store_certificate_falls(struct store *s, const struct examiner *who)
{
    json_t *exam;
    int er = store_examination_read(s, &who->sc->id, &exam);
    const json_t *all = json_object_get(exam, "certificates");
    for (size_t i = 0; !er && i < json_array_size(all); i++) {
        const json_t *one = json_array_get(all, i);
        const char *id = json_string_value(json_object_get(one, "id"));
        struct store_certificate c;
        struct refusal why = {0};
        if (!id || json_object_get(one, "revoked_at"))
            continue;
        er = store_certificate_find(s, id, &c);
        if (!er)
            er = store_certificate_revoke(s, &c, who, "disputed", NULL, &why);
        refusal_clear(&why);
    }
    json_decref(exam);
    return er;
}
