// SPDX-License-Identifier: Apache-2.0
/* Deleting clips, stills and attachments: looked at on the store thread, a tombstone signed on the sealing thread, put in
 * the row's place, and only then the files removed. What dies in between is taken up at the next start,
 * since the tombstone says that its files are there yet. */
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/json.h"
#include "base/str.h"
#include "server/blobs.h"
#include "server/calls_impl.h"
#include "server/tombstone.h"

/** What is deleted, one after the other, from the asking to the answer. */
struct deletion {
    struct claims who; /* no identity: its time is over */
    enum keep_object object;
    char reason[STORE_TEXT_BYTES];
    bool parts;     /* of a clip: these, too, and first */
    struct id *ids; /* `count` of them, owned; ids[at] is the one under way */
    size_t count, at;
    struct store_tombstone tomb; /* of that one; owns its document */
    json_t *facts;
    char sha256[SEALER_HASH_BYTES]; /* of the document */
    bool buried;
    struct sealer *sealer;
    calls_done *done; /* NULL: nobody waits */
    void *ctx;
    const char *why;
    int er;
};

static void deletion_free(struct deletion *d)
{
    json_decref(d->facts);
    free(d->tomb.document);
    free(d->ids);
    free(d);
}

/** All is done, or something went wrong. */
static void end(struct calls *c, struct deletion *d)
{
    map_remove_str(c->deletions, d->ids[d->at].text);
    c->deletions_failed += d->er && (d->buried || d->er == ER_IO || d->er == ER_NOMEM);
    if (d->er && !d->done)
        log_event(c->config.log, LOG_WARN, "not_deleted", "%s=%s er=%s",
                  keep_object_name(d->object), d->ids[d->at].text, er_name(d->er));
    json_t *document = NULL;
    if (d->tomb.document)
        (void)json_parse(d->tomb.document, strlen(d->tomb.document), &document, NULL);
    if (d->done)
        d->done(d->ctx, d->er, d->er ? d->why : NULL, document);
    json_decref(document);
    deletion_free(d);
}

static void step(struct calls *c, struct dbq *queue, struct deletion *d,
                 void (*work)(struct store *, struct calls_job *),
                 void (*done)(struct calls *, struct calls_job *))
{
    int er = calls_step(c, queue, d, work, done);
    if (er == 0)
        return;
    d->er = er;
    d->why = "cannot be done now";
    end(c, d);
}

static void begin_one(struct calls *c, struct deletion *d);

/* 4. The files are gone: it is written, and the next one begun */

static void cleared_work(struct store *s, struct calls_job *head)
{
    struct deletion *d = calls_step_of(head);
    d->er = store_tombstone_cleared(s, &d->tomb.id);
}

static void cleared_done(struct calls *c, struct calls_job *head)
{
    struct deletion *d = calls_step_of(head);
    if (!c) {
        deletion_free(d);
        return;
    }
    d->why = "it is deleted, but that its files are gone could not be written yet";
    if (d->er || d->at + 1 == d->count) {
        end(c, d);
        return;
    }
    map_remove_str(c->deletions, d->ids[d->at].text);
    d->at++;
    begin_one(c, d);
}

/* 3. Its files */

static void clear_work(struct store *s, struct calls_job *head)
{
    struct deletion *d = calls_step_of(head);
    (void)s;
    d->er = blobs_remove(d->tomb.path);
}

static void clear_done(struct calls *c, struct calls_job *head)
{
    struct deletion *d = calls_step_of(head);
    d->why = "it is deleted, but its files could not be removed yet: this is tried again";
    if (!c)
        deletion_free(d);
    else if (d->er)
        end(c, d);
    else
        step(c, c->config.dbq, d, cleared_work, cleared_done);
}

/* 2. The tombstone, in the row's place */

static void bury_work(struct store *s, struct calls_job *head)
{
    struct deletion *d = calls_step_of(head);
    bool asked = d->who.identity[0] != '\0';
    json_t *told = json_pack("{s:s,s:s,s:s}", "cause", asked ? "asked" : "retention", "reason",
                             d->reason, "tombstone_sha256", d->sha256);
    d->er = told ? store_bury(s, &d->tomb, asked ? d->who.identity : "system", told,
                              d->tomb.deleted_us)
                 : ER_NOMEM;
    json_decref(told);
}

static void bury_done(struct calls *c, struct calls_job *head)
{
    struct deletion *d = calls_step_of(head);
    d->why = d->er == ER_CONFLICT ? "it was held meanwhile, or a part of it is being made"
                                  : "it could not be deleted";
    if (!c) {
        deletion_free(d);
        return;
    }
    if (d->er) {
        free(d->tomb.document); /* it never was */
        d->tomb.document = NULL;
        end(c, d);
        return;
    }
    d->buried = true;
    c->deleted++;
    c->deleted_due += !d->done;
    calls_repair_never(c, &d->tomb.id);
    struct room *r = room_of_case(c, &d->tomb.case_id);
    if (r)
        room_tell_evidence(r, json_pack("{s:s,s:s,s:s}", "type", "deleted", "object",
                                        keep_object_name(d->object), "id", d->tomb.id.text));
    step(c, sealer_slow_queue(d->sealer), d, clear_work, clear_done);
}

static void sign_work(struct store *s, struct calls_job *head)
{
    struct deletion *d = calls_step_of(head);
    bool asked = d->who.identity[0] != '\0';
    const struct tombstone_cause cause = {.by = asked ? d->who.identity : "system",
                                          .cause = asked ? "asked" : "retention",
                                          .reason = d->reason};
    (void)s;
    json_t *facts = d->facts;
    d->facts = NULL;
    d->tomb.deleted_us = head->unix_us;
    d->er = tombstone_make(d->sealer, facts, d->tomb.path, &cause, head->unix_us, &d->tomb.document,
                           d->sha256);
}

static void sign_done(struct calls *c, struct calls_job *head)
{
    struct deletion *d = calls_step_of(head);
    d->why = "its tombstone could not be signed";
    if (!c)
        deletion_free(d);
    else if (d->er)
        end(c, d);
    else
        step(c, c->config.dbq, d, bury_work, bury_done);
}

/* 1. What is to be deleted */

static int clip_read(struct store *s, struct deletion *d, const struct id *id)
{
    struct store_clip c;
    int er = store_clip_get(s, id, &c);
    if (er)
        return er;
    d->tomb = (struct store_tombstone){.case_id = c.case_id};
    (void)str_copy(d->tomb.path, sizeof d->tomb.path, c.path);
    d->facts = tombstone_of_clip(&c);
    d->why = "it is being recorded, or finished";
    return c.state == CLIP_RECORDING ? ER_CONFLICT : 0;
}

static int still_read(struct store *s, struct deletion *d, const struct id *id)
{
    struct store_still still;
    int er = store_still_get(s, id, &still);
    if (er || !still.ready)
        return er ? er : ER_NOT_FOUND;
    d->tomb = (struct store_tombstone){.case_id = still.case_id};
    (void)str_copy(d->tomb.path, sizeof d->tomb.path, still.path);
    d->facts = tombstone_of_still(&still);
    return 0;
}

static int attachment_read(struct store *s, struct deletion *d, const struct id *id)
{
    struct store_attachment a;
    int er = store_attachment_get(s, id, &a);
    if (er || !a.ready)
        return er ? er : ER_NOT_FOUND;
    d->tomb = (struct store_tombstone){.case_id = a.case_id};
    (void)str_copy(d->tomb.path, sizeof d->tomb.path, a.path);
    d->facts = tombstone_of_attachment(&a);
    return 0;
}

/** The row as a tombstone tells of it. */
static int row_read(struct store *s, struct deletion *d)
{
    const struct id id = d->ids[d->at];
    int er = d->object == KEPT_CLIP    ? clip_read(s, d, &id)
             : d->object == KEPT_STILL ? still_read(s, d, &id)
                                       : attachment_read(s, d, &id);
    if (er && er != ER_CONFLICT)
        return er;
    d->tomb.id = id;
    d->tomb.due = !d->who.identity[0];
    (void)str_copy(d->tomb.object, sizeof d->tomb.object, keep_object_name(d->object));
    return er ? er : d->facts ? 0 : ER_NOMEM;
}

/** What stands in its place already: ER_STALE, with the document. */
static int look_for_tomb(struct store *s, struct deletion *d)
{
    const struct id id = d->ids[d->at];
    int er = store_tombstone_get(s, &id, &d->tomb);
    d->why = er == 0 ? "it was deleted before" : "there is no such clip, still or attachment";
    return er == 0 ? ER_STALE : er;
}

/** The parts before the clip itself. */
static int take_parts(struct store *s, struct deletion *d)
{
    const struct id clip = d->ids[0];
    struct id *ids = d->parts ? calloc(LIMIT_PARTS + 1, sizeof *ids) : NULL;
    size_t count;
    if (d->parts && !ids)
        return ER_NOMEM;
    int er = store_parts_of(s, &d->tomb.case_id, &clip, ids, ids ? LIMIT_PARTS : 0, &count);
    d->why = er == ER_CONFLICT ? "a part of it is being made" : "it has too many parts";
    if (er || !ids || !count) {
        free(ids);
        return er == ER_FULL && !d->parts ? 0 : er;
    }
    ids[count] = clip;
    free(d->ids);
    d->ids = ids;
    d->count = count + 1;
    return ER_AGAIN; /* the first of these is another one */
}

static int look(struct store *s, struct deletion *d, uint64_t unix_us)
{
    struct store_keeping keeping;
    struct store_case sc = {0};
    int er = row_read(s, d);
    if (er == ER_NOT_FOUND)
        er = look_for_tomb(s, d);
    if (d->who.identity[0] && (er == 0 || er == ER_CONFLICT || er == ER_STALE)) {
        int found = store_case_get(s, &d->tomb.case_id, &sc);
        if (found)
            er = found;
        else if (!claims_allow_case(&d->who, &sc.id, &sc.room, sc.merchant)) {
            d->why = "this token is not for the case that it is of";
            er = ER_DENIED;
        }
        store_case_clear(&sc);
    }
    if (er == 0 && d->object == KEPT_CLIP && d->count == 1)
        er = take_parts(s, d);
    if (er == 0)
        er = store_keeping_of(s, &d->tomb.case_id, "", &d->tomb.id, 0, unix_us, &keeping);
    if (er == 0 && store_keeping_why(&keeping)) {
        d->why = store_keeping_why(&keeping);
        er = ER_CONFLICT;
    }
    return er;
}

static void look_work(struct store *s, struct calls_job *head)
{
    struct deletion *d = calls_step_of(head);
    d->why = "cannot be done now";
    d->er = look(s, d, head->unix_us);
    if (d->er == ER_AGAIN || (d->er && d->er != ER_STALE)) {
        free(d->tomb.document);
        d->tomb.document = NULL;
    }
    if (d->er) {
        json_decref(d->facts);
        d->facts = NULL;
    }
}

static void look_done(struct calls *c, struct calls_job *head)
{
    struct deletion *d = calls_step_of(head);
    if (!c) {
        deletion_free(d);
        return;
    }
    if (d->er == ER_AGAIN) {
        map_remove_str(c->deletions, d->ids[d->count - 1].text);
        begin_one(c, d);
    } else if (d->er) {
        end(c, d);
    } else {
        step(c, sealer_slow_queue(d->sealer), d, sign_work, sign_done);
    }
}

/** Nobody else deletes it, and nothing is being written to it. */
static int claim(struct calls *c, const struct deletion *d)
{
    const char *id = d->ids[d->at].text;
    if (map_get_str(c->deletions, id) || map_get_str(c->clips, id) ||
        strcmp(c->stamps.writing.text, id) == 0)
        return ER_CONFLICT;
    return map_add_str(c->deletions, id, c);
}

static void begin_one(struct calls *c, struct deletion *d)
{
    free(d->tomb.document);
    d->tomb.document = NULL;
    d->buried = false;
    d->er = claim(c, d);
    if (d->er == 0) {
        step(c, c->config.dbq, d, look_work, look_done);
        return;
    }
    if (d->done)
        d->done(d->ctx, d->er, "it is being recorded, finished or deleted", NULL);
    deletion_free(d);
}

static struct deletion *deletion_new(struct calls *c, enum keep_object object, const struct id *id)
{
    struct deletion *d = calloc(1, sizeof *d);
    if (d)
        d->ids = calloc(1, sizeof *d->ids);
    if (!d || !d->ids) {
        free(d);
        return NULL;
    }
    d->ids[0] = *id;
    d->count = 1;
    d->sealer = c->config.sealer;
    d->object = object;
    return d;
}

void calls_delete(struct calls *c, const struct claims *who, const struct calls_unwanted *what,
                  calls_done *done, void *ctx)
{
    struct id id;
    int er = id_parse(what->id, &id) ? ER_NOT_FOUND : 0;
    const char *why = "there is no such clip, still or attachment";
    if (!role_describe(who->role)->forgets) {
        er = ER_DENIED;
        why = "clips, stills and attachments are for service and supervisor to delete";
    } else if (er == 0 && (c->draining || !c->config.sealer)) {
        er = ER_CLOSED;
        why = "cannot be done now";
    }
    struct deletion *d = er ? NULL : deletion_new(c, what->object, &id);
    if (!d) {
        done(ctx, er ? er : ER_NOMEM, er ? why : "cannot be done now", NULL);
        return;
    }
    if (map_count(c->deletions) >= LIMIT_DELETIONS) {
        deletion_free(d);
        done(ctx, ER_FULL, "too much is being deleted", NULL);
        return;
    }
    d->who = *who;
    d->parts = what->parts;
    (void)str_copy(d->reason, sizeof d->reason, what->reason);
    d->done = done;
    d->ctx = ctx;
    begin_one(c, d);
}

void calls_delete_due(struct calls *c, enum keep_object object, const struct id *id)
{
    struct deletion *d = deletion_new(c, object, id);
    if (!d)
        return; /* the next round finds it */
    (void)str_copy(d->reason, sizeof d->reason, "its time is over");
    begin_one(c, d);
}

void calls_delete_files(struct calls *c, const struct store_tombstone *t)
{
    struct deletion *d = deletion_new(c, keep_object_of(t->object), &t->id);
    if (!d)
        return;
    d->tomb = *t;
    d->tomb.document = NULL;
    d->buried = true;
    d->er = claim(c, d);
    if (d->er == 0)
        step(c, sealer_slow_queue(d->sealer), d, clear_work, clear_done);
    else
        deletion_free(d);
}
