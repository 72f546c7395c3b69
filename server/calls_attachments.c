// SPDX-License-Identifier: Apache-2.0
/* Attachments: sent in pieces, each durable before it is answered; when the last is there, the whole is read, hashed and told
 * by its bytes on the sealing thread, and only then it is on the case. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/er.h"
#include "base/file.h"
#include "base/str.h"
#include "server/blobs.h"
#include "server/calls_impl.h"
#include "server/sealer.h"
#include "server/store_attachments.h"

enum { PIECE = 1 << 18 };

/** A piece on its way, from the asking to the answer. */
struct taking {
    struct vault *vault;
    struct claims who;
    struct calls_photo_piece piece;
    struct store_attachment row;
    bool drop;       /* instead of a piece */
    uint64_t offset; /* what is there */
    calls_done *done;
    void *ctx;
    const char *why;
    int er;
};

static void file_of(const struct taking *t, const char *suffix, char ret[STORE_PATH_BYTES + 16])
{
    (void)snprintf(ret, STORE_PATH_BYTES + 16, "%s%s", t->row.path, suffix);
}

static void end(struct calls *c, struct taking *t, json_t *body)
{
    map_remove_str(c->uploads, t->row.id.text);
    t->done(t->ctx, t->er, t->er ? t->why : NULL, body);
    json_decref(body);
    free(t);
}

static const char *why_not(int er)
{
    switch (er) {
    case ER_NOT_FOUND:
        return "no such attachment is waited for";
    case ER_DENIED:
        return "somebody else began this upload";
    case ER_STALE:
        return "the offset is not where the upload stands";
    case ER_FULL:
        return "the file is too large, or longer than was said";
    case ER_MALFORMED:
        return "what came is not what Repr-Digest says: it is dropped";
    case ER_UNSUPPORTED:
        return "only JPEG, PNG, WebP and HEIC pictures, PDF, plain text, MP4 and WebM are taken: "
               "it is dropped";
    default:
        return "the piece could not be kept";
    }
}

/** How far it is. */
static void end_at(struct calls *c, struct taking *t)
{
    t->why = why_not(t->er);
    end(c, t, json_pack("{s:I,s:b}", "offset", (json_int_t)t->offset, "complete", t->row.ready));
}

static void step(struct calls *c, struct dbq *queue, struct taking *t,
                 void (*work)(struct store *, struct calls_job *),
                 void (*done)(struct calls *, struct calls_job *))
{
    int er = calls_step(c, queue, t, work, done);
    if (er == 0)
        return;
    t->er = er == ER_FULL ? ER_AGAIN : er;
    t->why = "cannot be done now";
    end(c, t, NULL);
}

/* 3. On the case, or gone */

static void finish_work(struct store *s, struct calls_job *head)
{
    struct taking *t = calls_step_of(head);
    if (t->er == 0)
        t->er = store_attachment_finish(s, &t->row, head->unix_us);
    if (t->er == ER_MALFORMED || t->er == ER_UNSUPPORTED || t->er == ER_NOT_FOUND) {
        (void)blobs_remove(t->row.path); /* the files first: else nobody knew of them */
        (void)store_attachment_drop(s, &t->row.id);
    }
}

static void finish_done(struct calls *c, struct calls_job *head)
{
    struct taking *t = calls_step_of(head);
    if (!c) {
        free(t);
        return;
    }
    t->why = why_not(t->er);
    if (t->er == 0) {
        c->attachments_added++;
        c->attachment_bytes += t->row.bytes;
        calls_case_changed(c, &t->row.case_id);
    } else {
        c->attachments_refused++;
    }
    end(c, t, t->er ? NULL : store_attachment_json(&t->row));
}

/* 2. All of it is looked at */

static int go_through(struct file *f, struct attachment_look *look, uint8_t ret_hash[DIGEST_BYTES])
{
    struct digest digest;
    uint8_t *piece = malloc(PIECE);
    size_t len = 1;
    int er = piece ? 0 : ER_NOMEM;
    digest_begin(&digest);
    for (uint64_t at = 0; er == 0 && len > 0; at += len) {
        er = file_read_at(f, at, piece, PIECE, &len);
        if (er == 0 && len > 0) {
            digest_add(&digest, piece, len);
            attachment_look_on(look, piece, len);
        }
    }
    digest_end(&digest, ret_hash);
    free(piece);
    return er;
}

static int look(struct taking *t)
{
    char name[STORE_PATH_BYTES + 16], whole[STORE_PATH_BYTES + 16];
    struct attachment_look seen = {.bytes = 0};
    uint8_t hash[DIGEST_BYTES];
    struct file *f;
    file_of(t, STORE_ATTACHMENT_UPLOAD, name);
    int er = file_open(&f, t->vault, name);
    if (er)
        return er == ER_NOT_FOUND ? ER_UNSUPPORTED : ER_IO; /* nothing was sent */
    er = go_through(f, &seen, hash);
    file_close(f);
    if (er)
        return er == ER_NOMEM ? er : ER_IO;
    if (memcmp(hash, t->piece.sha256, sizeof hash) != 0)
        return ER_MALFORMED;
    t->row.type = attachment_look_end(&seen);
    t->row.bytes = seen.bytes;
    hex_encode(t->row.sha256, hash, sizeof hash);
    file_of(t, STORE_ATTACHMENT_SUFFIX, whole);
    return t->row.type == ATTACHMENT_TYPES ? ER_UNSUPPORTED : file_commit(name, whole);
}

static void look_work(struct store *s, struct calls_job *head)
{
    struct taking *t = calls_step_of(head);
    (void)s;
    t->er = look(t);
}

static void look_done(struct calls *c, struct calls_job *head)
{
    struct taking *t = calls_step_of(head);
    if (!c)
        free(t);
    else
        step(c, c->config.dbq, t, finish_work, finish_done);
}

/* 1. The piece */

/** Whether `who` began it, and may still see the case. */
static int who_check(struct store *s, const struct taking *t)
{
    struct store_case sc = {0};
    int er = store_case_get(s, &t->row.case_id, &sc);
    if (er == 0 && (strcmp(t->row.added_by, t->who.identity) != 0 ||
                    !claims_allow_case(&t->who, &sc.id, &sc.room, sc.merchant)))
        er = ER_DENIED;
    store_case_clear(&sc);
    return er;
}

/** How long it may become; of one begun by a server that kept nothing free: as long as any. */
static uint64_t most_bytes(const struct store_attachment *a)
{
    return a->bytes ? a->bytes : LIMIT_ATTACHMENT_BYTES;
}

static int drop(struct store *s, const struct store_attachment *a)
{
    int er = blobs_remove(a->path); /* the files first: else nobody knew of them */
    return er ? er : store_attachment_drop(s, &a->id);
}

static int piece_take(struct store *s, struct taking *t, uint64_t unix_us)
{
    char name[STORE_PATH_BYTES + 16];
    const struct calls_photo_piece *p = &t->piece;
    const struct id id = t->row.id;
    int er = store_attachment_get(s, &id, &t->row);
    t->row.id = id;
    if (er == 0)
        er = who_check(s, t);
    if (er == 0 && t->drop)
        return t->row.ready ? ER_CONFLICT : drop(s, &t->row);
    if (er || t->row.ready)
        return er;
    if (t->row.created_us + LIMIT_ATTACHMENT_WAIT_US < unix_us)
        return ER_NOT_FOUND;
    file_of(t, STORE_ATTACHMENT_UPLOAD, name);
    er = calls_upload_size(t->vault, name, &t->offset);
    if (er || p->only_look)
        return er;
    if (p->offset != t->offset)
        return ER_STALE;
    if (t->offset > most_bytes(&t->row) || p->len > most_bytes(&t->row) - t->offset)
        return ER_FULL;
    if (p->len)
        er = calls_upload_append(t->vault, name, p->offset, p->data, p->len);
    if (er == 0)
        t->offset += p->len;
    else if (er == ER_STALE)
        (void)calls_upload_size(t->vault, name, &t->offset);
    return er;
}

static void piece_work(struct store *s, struct calls_job *head)
{
    struct taking *t = calls_step_of(head);
    t->er = piece_take(s, t, head->unix_us);
}

static void piece_done(struct calls *c, struct calls_job *head)
{
    struct taking *t = calls_step_of(head);
    if (!c) {
        free(t);
        return;
    }
    if (t->drop) {
        c->attachments_given_up += t->er == 0;
        t->why = t->er == ER_CONFLICT ? "it is whole already" : why_not(t->er);
        end(c, t, NULL);
        return;
    }
    if (t->er || t->piece.only_look || (!t->row.ready && !t->piece.complete))
        end_at(c, t);
    else if (t->row.ready) /* the answer to the last piece got lost */
        end(c, t, store_attachment_json(&t->row));
    else
        step(c, sealer_slow_queue(c->config.sealer), t, look_work, look_done);
}

/** What `like` says, for an attachment of that name. */
static void take(struct calls *c, const char *attachment, const struct taking *like)
{
    struct id id;
    const char *why = NULL;
    int er = id_parse(attachment, &id) ? ER_NOT_FOUND : 0;
    if (er) {
        why = why_not(er);
    } else if (!c->config.sealer || c->draining) {
        er = ER_CLOSED;
        why = "cannot be done now";
    } else if (c->space_low && !like->piece.only_look && !like->drop) {
        er = ER_IO;
        why = CALLS_DISK_LOW;
    }
    struct taking *t = er ? NULL : calloc(1, sizeof *t);
    if (!er)
        er = t ? map_add_str(c->uploads, id.text, t) : ER_NOMEM;
    if (er) {
        free(t);
        like->done(like->ctx, er,
                   why                 ? why
                   : er == ER_CONFLICT ? "a piece of it is being taken"
                                       : NULL,
                   NULL);
        return;
    }
    *t = *like;
    t->vault = c->config.vault;
    t->row.id = id;
    step(c, c->config.dbq, t, piece_work, piece_done);
}

void calls_attachment_piece(struct calls *c, const struct claims *who, const char *attachment,
                            const struct calls_photo_piece *piece, calls_done *done, void *ctx)
{
    take(c, attachment, &(struct taking){.who = *who, .piece = *piece, .done = done, .ctx = ctx});
}

void calls_attachment_drop(struct calls *c, const struct claims *who, const char *attachment,
                           calls_done *done, void *ctx)
{
    take(c, attachment, &(struct taking){.who = *who, .drop = true, .done = done, .ctx = ctx});
}

int calls_attachment_begin(struct store *s, struct store_attachment *a, uint64_t unix_us)
{
    struct store_attachment idle;
    int er;
    calls_tidy_attachments(s, unix_us);
    while ((er = store_attachment_begin(s, a, unix_us)) == ER_AGAIN) {
        er = store_attachment_idle(s, a, unix_us, &idle);
        er = er ? er : drop(s, &idle);
        if (er)
            break;
    }
    return er;
}

/* Never sent whole */

static void tidy_each(void *ctx, const struct store_attachment *a)
{
    (void)drop(ctx, a);
}

void calls_tidy_attachments(struct store *s, uint64_t unix_us)
{
    uint64_t wait_us = LIMIT_ATTACHMENT_WAIT_US;
    if (unix_us > wait_us)
        (void)store_attachments_unfinished(s, unix_us - wait_us, tidy_each, s);
}
