// SPDX-License-Identifier: Apache-2.0
/* Photographs: asked of somebody's page by WebSocket, uploaded in pieces by HTTP, each piece durable
 * before it is answered, so that an upload goes on where it was left. When the last piece is there the
 * photograph is checked, and becomes a still of the case. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/str.h"
#include "server/calls_impl.h"

static void upload_name(const struct store_still *row, char *ret, size_t size)
{
    (void)snprintf(ret, size, "%s.upload", row->path);
}

/* Asking */

struct ask_job {
    struct calls_job head;
    struct store_still row;
    struct id session; /* who asked */
    char re[PROTO_ID_BYTES];
    char folder[STORE_PATH_BYTES];
    int er;
};

static void count_each(void *ctx, const struct store_still *row)
{
    (void)row;
    (*(size_t *)ctx)++;
}

static int ask_event(struct store *s, const struct ask_job *job)
{
    const struct store_still *row = &job->row;
    json_t *data = json_pack("{s:s,s:s,s:s}", "still", row->id.text, "publisher", row->publisher,
                             "label", row->label);
    if (!data)
        return ER_NOMEM;
    int er = store_event_append(s, &row->case_id, row->taken_by, "photograph_asked", data,
                                job->head.unix_us, NULL);
    json_decref(data);
    return er;
}

static void ask_work(struct store *s, struct calls_job *head)
{
    struct ask_job *job = container_of(head, struct ask_job, head);
    size_t pending = 0;
    calls_tidy_photos(s, head->unix_us);
    job->er = store_stills_unfinished(s, &job->row.case_id, "photo", count_each, &pending);
    if (job->er == 0 && pending >= LIMIT_PHOTOS_PENDING)
        job->er = ER_FULL;
    if (job->er == 0)
        job->er = calls_make_folder(job->folder);
    if (job->er < 0 || (job->er = store_begin(s)) < 0)
        return;
    job->er = store_still_add(s, &job->row, head->unix_us);
    if (job->er == 0)
        job->er = ask_event(s, job);
    job->er = store_end(s, job->er);
}

/** To the page that is to take it; false: it is not there. */
static bool pass_on(struct calls *c, const struct ask_job *job)
{
    struct room *r = room_find(c, &job->row.room);
    const struct roster_person *p = r ? roster_find(r->roster, job->row.publisher) : NULL;
    const struct roster_person *by = r ? roster_find(r->roster, job->row.taken_by) : NULL;
    if (!p || !p->session || !p->consent)
        return false;
    json_t *message = json_pack("{s:s,s:s,s:s,s:{s:s,s:s},s:i}", "type", "photograph", "photo",
                                job->row.id.text, "label", job->row.label, "by", "identity",
                                job->row.taken_by, "name", by ? by->name : "", "max_bytes",
                                LIMIT_PHOTO_BYTES);
    if (message)
        calls_send(c, p->session, message);
    json_decref(message);
    return message != NULL;
}

static void ask_done(struct calls *c, struct calls_job *head)
{
    struct ask_job *job = container_of(head, struct ask_job, head);
    struct session *s = c ? sessions_find(c->sessions, &job->session) : NULL;
    if (!c)
        return;
    if (job->er == 0 && !pass_on(c, job)) {
        calls_drop_photo(c, &job->row);
        job->er = ER_CONFLICT;
    }
    if (s && job->er < 0)
        calls_error_er(c, s, job->re, job->er,
                       job->er == ER_FULL ? "too many photographs are asked for already"
                                          : "the photograph could not be asked for");
    else if (s)
        sessions_reply(c->sessions, s, job->re,
                       job->re[0] ? json_pack("{s:s,s:s}", "type", "ok", "photo", job->row.id.text)
                                  : NULL);
}

/** Whether it can be asked of this person now; else what is in the way. */
static enum proto_error ask_check(struct calls *c, const struct member *m,
                                  const struct roster_person *p, const char **ret_why)
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
    *ret_why = CALLS_DISK_LOW;
    if (c->space_low)
        return PROTO_FULL;
    *ret_why = "the server is about to restart";
    return c->draining ? PROTO_DRAINING : PROTO_ERRORS;
}

static struct ask_job *ask_job_new(struct calls *c, const struct member *m, const char *publisher,
                                   const struct proto_message *msg)
{
    struct ask_job *job = calloc(1, sizeof *job);
    if (!job)
        return NULL;
    const struct room *r = m->room;
    struct store_still *row = &job->row;
    *row = (struct store_still){.id = id_make(calls_unix_us(c), &c->config.entropy),
                                .case_id = r->case_id,
                                .room = r->id,
                                .kind = "photo",
                                .facts = "{}"};
    (void)str_copy(row->merchant, sizeof row->merchant, r->merchant);
    (void)str_copy(row->label, sizeof row->label, msg->photograph.label);
    (void)str_copy(row->publisher, sizeof row->publisher, publisher);
    (void)str_copy(row->taken_by, sizeof row->taken_by, m->claims.identity);
    (void)snprintf(job->folder, sizeof job->folder, "%s/blobs/%.2s", c->data, row->id.text);
    (void)snprintf(row->path, sizeof row->path, "%s/blobs/%.2s/%s", c->data, row->id.text,
                   row->id.text);
    job->head.work = ask_work;
    job->head.done = ask_done;
    job->session = m->session->id;
    (void)str_copy(job->re, sizeof job->re, msg->id);
    return job;
}

void calls_on_photograph(struct calls *c, struct member *m, const struct proto_message *msg)
{
    const char *why;
    if (!calls_need_room(c, m, msg))
        return;
    const char *publisher = msg->photograph.identity ? msg->photograph.identity
                                                     : room_default_publisher(m->room);
    const struct roster_person *p = roster_find(m->room->roster, publisher);
    enum proto_error error = ask_check(c, m, p, &why);
    if (error != PROTO_ERRORS) {
        calls_error(c, m->session, msg->id, error, why);
        return;
    }
    struct ask_job *job = ask_job_new(c, m, publisher, msg);
    int er = job ? calls_run(c, &job->head) : ER_NOMEM;
    if (er < 0) {
        free(job);
        calls_error_er(c, m->session, msg->id, er, "the photograph could not be asked for");
    }
}

/* It will not come */

struct fail_job {
    struct calls_job head;
    struct id id, room;
    char identity[STORE_IDENTITY_BYTES];
    char reason[PROTO_REASON_MAX + 1];
    bool gone; /* it was theirs, and is no more */
};

static void fail_work(struct store *s, struct calls_job *head)
{
    struct fail_job *job = container_of(head, struct fail_job, head);
    struct store_still row;
    if (store_still_get(s, &job->id, &row) < 0 || row.ready || strcmp(row.kind, "photo") != 0 ||
        strcmp(row.publisher, job->identity) != 0 || !id_equal(&row.room, &job->room))
        return;
    calls_remove_still_files(row.path);
    job->gone = store_still_drop(s, &job->id) == 0;
}

static void fail_done(struct calls *c, struct calls_job *head)
{
    struct fail_job *job = container_of(head, struct fail_job, head);
    struct room *r = c && job->gone ? room_find(c, &job->room) : NULL;
    if (r)
        room_tell_evidence(r, json_pack("{s:s,s:s,s:s}", "type", "photograph_failed", "photo",
                                        job->id.text, "reason", job->reason));
}

void calls_on_photograph_failed(struct calls *c, struct member *m, const struct proto_message *msg)
{
    if (!calls_need_room(c, m, msg))
        return;
    struct fail_job *job = calloc(1, sizeof *job);
    if (job) {
        job->head.work = fail_work;
        job->head.done = fail_done;
        job->id = msg->photograph_failed.photo;
        job->room = m->room->id;
        (void)str_copy(job->identity, sizeof job->identity, m->claims.identity);
        (void)str_copy(job->reason, sizeof job->reason, msg->photograph_failed.reason);
    }
    int er = job ? calls_run(c, &job->head) : ER_NOMEM;
    if (er < 0) {
        free(job);
        calls_error_er(c, m->session, msg->id, er, NULL);
        return;
    }
    sessions_reply(c->sessions, m->session, msg->id, NULL);
}

struct forgetting {
    struct store *store;
    const char *identity;
    struct id *ids;
    size_t count, max;
};

static void forget_each(void *ctx, const struct store_still *row)
{
    struct forgetting *f = ctx;
    if (strcmp(row->publisher, f->identity) != 0)
        return;
    calls_remove_still_files(row->path);
    if (store_still_drop(f->store, &row->id) == 0 && f->count < f->max)
        f->ids[f->count++] = row->id;
}

size_t calls_forget_photos(struct store *s, const struct id *case_id, const char *identity,
                           struct id *ret, size_t max)
{
    struct forgetting f = {.store = s, .identity = identity, .ids = ret, .max = max};
    (void)store_stills_unfinished(s, case_id, "photo", forget_each, &f);
    return f.count;
}

/* Pieces */

struct piece_job {
    struct calls_job head;
    struct vault *vault;
    struct claims who;
    struct calls_photo_piece piece;
    struct store_still row;
    uint64_t offset; /* what is there */
    calls_done *done;
    void *ctx;
    int er;
};

/** Whether `who` was asked for the photograph, and still agrees to being recorded. An identity is a
 *  person only within a merchant, so the name alone is not enough. */
static int piece_check(struct store *s, const struct claims *who, const struct store_still *row)
{
    struct store_person p;
    if (strcmp(row->kind, "photo") != 0)
        return ER_NOT_FOUND;
    if (strcmp(row->publisher, who->identity) != 0 || !who->grants.publish ||
        !claims_allow_case(who, &row->case_id, &row->room, row->merchant))
        return ER_DENIED;
    int er = row->ready ? 0 : store_person_get(s, &row->case_id, who->identity, &p);
    return er == ER_NOT_FOUND || (er == 0 && !row->ready && !p.consent) ? ER_CONFLICT : er;
}

static int piece_take(struct store *s, struct piece_job *job)
{
    char name[STORE_PATH_BYTES + 16];
    const struct calls_photo_piece *p = &job->piece;
    struct id id = job->row.id;
    int er = store_still_get(s, &id, &job->row);
    if (er == 0)
        er = piece_check(s, &job->who, &job->row);
    if (er < 0 || job->row.ready)
        return er;
    if (job->row.created_us + LIMIT_PHOTO_WAIT_US < job->head.unix_us)
        return ER_NOT_FOUND;
    upload_name(&job->row, name, sizeof name);
    er = calls_upload_size(job->vault, name, &job->offset);
    if (er < 0 || p->only_look)
        return er;
    if (p->offset != job->offset)
        return ER_STALE;
    if (p->len > LIMIT_PHOTO_BYTES - job->offset)
        return ER_FULL;
    if (p->len)
        er = calls_upload_append(job->vault, name, p->offset, p->data, p->len);
    if (er == 0)
        job->offset += p->len;
    else if (er == ER_STALE)
        (void)calls_upload_size(job->vault, name, &job->offset);
    return er;
}

static void piece_work(struct store *s, struct calls_job *head)
{
    struct piece_job *job = container_of(head, struct piece_job, head);
    job->er = piece_take(s, job);
}

static const char *why_not(int er)
{
    switch (er) {
    case ER_NOT_FOUND:
        return "no such photograph is waited for";
    case ER_DENIED:
        return "the photograph was asked of somebody else";
    case ER_CONFLICT:
        return "this person does not consent to being recorded";
    case ER_STALE:
        return "the offset is not where the upload stands";
    case ER_FULL:
        return "the photograph is too large";
    default:
        return "the piece could not be kept";
    }
}

static void answer(const struct piece_job *job, int er, const char *why, json_t *body)
{
    job->done(job->ctx, er, why, body);
    json_decref(body);
}

static void piece_done(struct calls *c, struct calls_job *head)
{
    struct piece_job *job = container_of(head, struct piece_job, head);
    if (!c)
        return;
    json_t *stands = json_pack("{s:I,s:b}", "offset", (json_int_t)job->offset, "complete",
                               job->row.ready);
    if (job->er < 0) {
        answer(job, job->er, why_not(job->er), stands);
        return;
    }
    if (job->row.ready && !job->piece.only_look) { /* the answer to the last piece got lost */
        json_decref(stands);
        answer(job, 0, NULL, store_still_json(&job->row));
        return;
    }
    if (!job->piece.complete) {
        answer(job, 0, NULL, stands);
        return;
    }
    json_decref(stands);
    int er = calls_photo_check(c, &job->row, &job->piece, job->done, job->ctx);
    if (er < 0)
        answer(job, er, er == ER_CONFLICT ? "it is being checked" : "cannot be done now", NULL);
}

void calls_photo_piece(struct calls *c, const struct claims *who, const char *photo,
                       const struct calls_photo_piece *piece, calls_done *done, void *ctx)
{
    struct piece_job *job = calloc(1, sizeof *job);
    int er = job ? 0 : ER_NOMEM;
    if (er == 0 && id_parse(photo, &job->row.id) < 0)
        er = ER_NOT_FOUND;
    if (er == 0) {
        job->head.work = piece_work;
        job->head.done = piece_done;
        job->vault = c->config.vault;
        job->who = *who;
        job->piece = *piece;
        job->done = done;
        job->ctx = ctx;
        er = calls_run(c, &job->head);
    }
    if (er < 0) {
        free(job);
        done(ctx, er == ER_FULL ? ER_AGAIN : er, why_not(er == ER_FULL ? ER_AGAIN : er), NULL);
    }
}
