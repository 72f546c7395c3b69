// SPDX-License-Identifier: Apache-2.0
/* Drawing over somebody's picture: the room sees it at once, and a stroke that is done is kept with its place in
 * time. The pointer goes by and is kept nowhere. */
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/str.h"
#include "server/calls_impl.h"
#include "server/store_drawings.h"
#include "signaling/board.h"

#define ASKS_TOO_MUCH "so much is drawn already: clear some of it"

/** One person's picture, as long as it is drawn on or stands still. */
struct picture {
    struct list node; /* of the room */
    char of[LIMIT_IDENTITY + 1];
    struct board board;
    bool frozen;
    char frozen_by[LIMIT_IDENTITY + 1];
    struct id still; /* what is shown meanwhile; zeroed: none */
};

/* Keeping */

struct draw_job {
    struct calls_job head;
    struct id session, room;
    char re[PROTO_ID_BYTES];
    struct store_drawing row; /* owns its data */
    struct id still;          /* that must be one of the case; zeroed: none */
    json_t *tell;             /* to the room, when that is so */
    bool settle;              /* no row: the room is closed */
    int er;
};

static void draw_work(struct store *s, struct calls_job *head)
{
    struct draw_job *job = container_of(head, struct draw_job, head);
    struct store_still still;
    if (job->settle) {
        (void)store_drawings_settle(s, &job->row.case_id);
        return;
    }
    if (id_is_set(&job->still)) {
        job->er = store_still_get(s, &job->still, &still);
        if (job->er == 0 && !id_equal(&still.case_id, &job->row.case_id))
            job->er = ER_NOT_FOUND;
    }
    if (job->er == 0)
        job->er = store_drawing_add(s, &job->row);
    if (job->er == ER_FULL)
        job->er = 0; /* seen, but not kept: limits.h */
}

static void put_down_done(struct calls *c, struct calls_job *head)
{
    struct draw_job *job = container_of(head, struct draw_job, head);
    (void)c;
    json_decref(job->row.data);
}

/** Without anybody to answer; takes the row's data over. */
static void put_down(struct room *r, const struct store_drawing *row)
{
    struct draw_job *job = calloc(1, sizeof *job);
    if (job)
        *job = (struct draw_job){.head = {.work = draw_work, .done = put_down_done}, .row = *row};
    if (job)
        job->settle = !row->data;
    if (job && calls_run(r->calls, &job->head) == 0)
        return;
    json_decref(row->data);
    free(job);
}

void room_settle_drawings(struct room *r)
{
    const struct store_drawing all = {.case_id = r->case_id};
    if (r->drawn)
        put_down(r, &all);
    r->drawn = false;
}

/* Pictures of a room */

static struct picture *picture_of(const struct room *r, const char *of)
{
    list_each (p, &r->pictures, struct picture, node)
        if (strcmp(p->of, of) == 0)
            return p;
    return NULL;
}

static void picture_free(struct picture *p)
{
    list_remove(&p->node);
    board_clear(&p->board);
    free(p);
}

/** It goes when there is nothing on it. */
static void picture_settle(struct picture *p)
{
    if (p && !p->frozen && p->board.count == 0)
        picture_free(p);
}

static int picture_need(struct room *r, const char *of, struct picture **ret)
{
    size_t count = 0;
    *ret = picture_of(r, of);
    if (*ret)
        return 0;
    list_each (p, &r->pictures, struct picture, node)
        count += p != NULL;
    if (count == LIMIT_BOARDS)
        return ER_FULL;
    struct picture *p = calloc(1, sizeof *p);
    if (!p)
        return ER_NOMEM;
    (void)str_copy(p->of, sizeof p->of, of);
    board_init(&p->board);
    list_append(&r->pictures, &p->node);
    *ret = p;
    return 0;
}

void room_forget_pictures(struct room *r)
{
    list_each_safe (p, &r->pictures, struct picture, node)
        picture_free(p);
}

/** Told to those who are there, and put down as the server's own doing. */
static void told_off(struct room *r, const struct picture *p, enum drawing_op op)
{
    bool clear = op == DRAWING_CLEAR;
    json_t *message = json_pack("{s:s,s:s,s:s}", "type", clear ? "cleared" : "frozen", "by",
                                "system", "of", p->of);
    if (!clear)
        json_object_set_new(message, "on", json_false());
    room_tell(r, NULL, message);
    struct store_drawing row = {.case_id = r->case_id, .op = op, .data = json_object()};
    row.at_us = row.began_us = calls_unix_us(r->calls);
    (void)str_copy(row.publisher, sizeof row.publisher, p->of);
    (void)str_copy(row.author, sizeof row.author, "system");
    put_down(r, &row);
}

void room_clear_pictures(struct room *r, const char *of)
{
    list_each_safe (p, &r->pictures, struct picture, node) {
        if (of && strcmp(p->of, of) != 0)
            continue;
        if (p->frozen)
            told_off(r, p, DRAWING_RESUME);
        if (p->board.count)
            told_off(r, p, DRAWING_CLEAR);
        picture_free(p);
    }
}

void room_thaw_pictures(struct room *r, const char *by)
{
    list_each_safe (p, &r->pictures, struct picture, node) {
        if (!p->frozen || strcmp(p->frozen_by, by) != 0)
            continue;
        told_off(r, p, DRAWING_RESUME);
        p->frozen = false;
        picture_settle(p);
    }
}

static json_t *frozen_json(const struct picture *p)
{
    json_t *frozen = json_pack("{s:s}", "by", p->frozen_by);
    if (id_is_set(&p->still))
        json_object_set_new(frozen, "still", json_string(p->still.text));
    return frozen;
}

void room_send_pictures(const struct room *r, struct session *s)
{
    list_each (p, &r->pictures, struct picture, node) {
        json_t *message = json_pack("{s:s,s:s,s:o}", "type", "drawings", "of", p->of, "shapes",
                                    board_json(&p->board));
        if (p->frozen)
            json_object_set_new(message, "frozen", frozen_json(p));
        calls_send(r->calls, s, message);
        json_decref(message);
    }
}

/* Who may, and on what */

/** The sender, who may draw on that picture; NULL: told why not. */
static struct roster_person *may_draw(struct calls *c, struct member *m,
                                      const struct proto_message *msg, const char *of)
{
    struct roster_person *by = calls_need_room(c, m, msg);
    const char *why = NULL;
    enum proto_error code = PROTO_DENIED;
    if (!by)
        return NULL;
    if (!m->claims.grants.publish)
        why = "who may not speak may not draw";
    else if (!roster_find(m->room->roster, of)) {
        why = "of: nobody of that name is here";
        code = PROTO_NOT_FOUND;
    }
    if (!why)
        return by;
    calls_error(c, m->session, msg->id, code, why);
    return NULL;
}

void calls_on_pointer(struct calls *c, struct member *m, const struct proto_message *msg)
{
    struct roster_person *by = may_draw(c, m, msg, msg->pointer.of);
    if (!by)
        return;
    json_t *message = json_pack("{s:s,s:s,s:s}", "type", "pointer", "by", by->identity, "of",
                                msg->pointer.of);
    if (msg->pointer.has_x && msg->pointer.has_y) {
        json_object_set_new(message, "x", json_real(msg->pointer.x));
        json_object_set_new(message, "y", json_real(msg->pointer.y));
    }
    char *text = message ? json_dumps(message, JSON_COMPACT | JSON_REAL_PRECISION(5)) : NULL;
    json_decref(message);
    if (text) {
        size_t len = strlen(text);
        list_each (p, roster_people(m->room->roster), struct roster_person, node)
            if (p->session && p != by && p->role != ROLE_VIEWER)
                sessions_send_fleeting(p->session, text, len);
    }
    free(text);
    sessions_reply(c->sessions, m->session, msg->id, NULL);
}

/* What is said is kept, and answered then */

static void freeze_told(struct calls *c, const struct draw_job *job)
{
    struct room *r = room_find(c, &job->room);
    struct picture *p;
    if (!r || !roster_find(r->roster, job->row.publisher) ||
        picture_need(r, job->row.publisher, &p) < 0)
        return;
    p->frozen = job->row.op == DRAWING_FREEZE;
    p->still = job->still;
    (void)str_copy(p->frozen_by, sizeof p->frozen_by, job->row.author);
    picture_settle(p);
    room_tell(r, NULL, json_incref(job->tell));
}

static void draw_done(struct calls *c, struct calls_job *head)
{
    struct draw_job *job = container_of(head, struct draw_job, head);
    struct session *s = c ? sessions_find(c->sessions, &job->session) : NULL;
    if (c && job->er == 0 && job->tell)
        freeze_told(c, job);
    if (s && job->er < 0)
        calls_error_er(c, s, job->re, job->er,
                       job->tell ? "still: there is none such of this case"
                                 : "it could not be kept");
    else if (s)
        sessions_reply(c->sessions, s, job->re, NULL);
    json_decref(job->row.data);
    json_decref(job->tell);
}

/** Put a row down, and answer then. Takes `data` and `tell` (may be NULL) over. */
static void keep(struct calls *c, struct member *m, const struct proto_message *msg,
                 const struct store_drawing *row, const struct id *still, json_t *tell)
{
    /* No clip can show what there was before the picture's owner agreed to any. */
    const struct roster_person *owner = roster_find(m->room->roster, row->publisher);
    bool shown_only = !tell && owner && !owner->consent;
    if (shown_only) {
        json_decref(row->data);
        sessions_reply(c->sessions, m->session, msg->id, NULL);
        return;
    }
    m->room->drawn = true;
    struct draw_job *job = calloc(1, sizeof *job);
    int er = job && row->data ? 0 : ER_NOMEM;
    if (job) {
        *job = (struct draw_job){.head = {.work = draw_work, .done = draw_done},
                                 .session = m->session->id,
                                 .room = m->room->id,
                                 .row = *row,
                                 .tell = tell};
        if (still)
            job->still = *still;
        (void)str_copy(job->re, sizeof job->re, msg->id);
    }
    if (er == 0)
        er = calls_run(c, &job->head);
    if (er == 0)
        return;
    calls_error_er(c, m->session, msg->id, er, "it could not be kept");
    json_decref(row->data);
    json_decref(tell);
    free(job);
}

/** The moment of the picture that somebody looked at who now draws on it. */
static struct store_drawing row_of(const struct member *m, const char *of, enum drawing_op op,
                                   uint64_t age_ms)
{
    struct store_drawing row = {.case_id = m->room->case_id, .op = op};
    row.at_us = row.began_us = calls_unix_us(m->room->calls) - age_ms * 1000;
    (void)str_copy(row.publisher, sizeof row.publisher, of);
    (void)str_copy(row.author, sizeof row.author, m->claims.identity);
    return row;
}

/* Shapes */

void calls_on_draw(struct calls *c, struct member *m, const struct proto_message *msg)
{
    const char *of = msg->draw.of, *why = NULL;
    struct picture *p = NULL;
    const struct board_shape *shape;
    size_t first;
    if (!may_draw(c, m, msg, of))
        return;
    struct store_drawing row = row_of(m, of, DRAWING_DRAW, msg->draw.age_ms);
    int er = picture_need(m->room, of, &p);
    if (er == 0)
        er = board_draw(&p->board, m->claims.identity, msg->draw.shape, row.at_us, &shape, &first,
                        &why);
    if (er < 0) {
        picture_settle(p);
        calls_error_er(c, m->session, msg->id, er, er == ER_FULL ? ASKS_TOO_MUCH : why);
        return;
    }
    json_t *delta = board_shape_json(shape, first);
    json_object_set_new(delta, "from", json_integer((json_int_t)first));
    room_tell(m->room, m->session,
              json_pack("{s:s,s:s,s:s,s:o}", "type", "drawn", "by", m->claims.identity, "of", of,
                        "shape", delta));
    if (!shape->done) {
        sessions_reply(c->sessions, m->session, msg->id, NULL);
        return;
    }
    c->shapes_drawn++;
    row.began_us = shape->began_us < row.at_us ? shape->began_us : row.at_us;
    row.data = board_shape_json(shape, 0);
    keep(c, m, msg, &row, NULL, NULL);
}

void calls_on_undo(struct calls *c, struct member *m, const struct proto_message *msg)
{
    const char *of = msg->draw.of;
    char id[BOARD_ID_BYTES];
    if (!may_draw(c, m, msg, of))
        return;
    struct picture *p = picture_of(m->room, of);
    if (!p || board_undo(&p->board, m->claims.identity, msg->draw.id, id) < 0) {
        calls_error(c, m->session, msg->id, PROTO_NOT_FOUND, "shape: there is none of yours");
        return;
    }
    picture_settle(p);
    room_tell(m->room, m->session,
              json_pack("{s:s,s:s,s:s,s:s}", "type", "undrawn", "by", m->claims.identity, "of", of,
                        "shape", id));
    struct store_drawing row = row_of(m, of, DRAWING_UNDO, msg->draw.age_ms);
    row.data = json_pack("{s:s}", "shape", id);
    keep(c, m, msg, &row, NULL, NULL);
}

void calls_on_clear(struct calls *c, struct member *m, const struct proto_message *msg)
{
    const char *of = msg->draw.of;
    if (!may_draw(c, m, msg, of))
        return;
    const char *whose = m->claims.grants.record ? NULL : m->claims.identity;
    struct picture *p = picture_of(m->room, of);
    size_t count = p ? board_wipe(&p->board, whose) : 0;
    picture_settle(p);
    if (count == 0) {
        sessions_reply(c->sessions, m->session, msg->id, NULL);
        return;
    }
    json_t *message = json_pack("{s:s,s:s,s:s}", "type", "cleared", "by", m->claims.identity, "of",
                                of);
    struct store_drawing row = row_of(m, of, DRAWING_CLEAR, msg->draw.age_ms);
    row.data = json_object();
    if (whose) {
        json_object_set_new(message, "whose", json_string(whose));
        json_object_set_new(row.data, "whose", json_string(whose));
    }
    room_tell(m->room, m->session, message);
    keep(c, m, msg, &row, NULL, NULL);
}

/* Standing still */

void calls_on_freeze(struct calls *c, struct member *m, const struct proto_message *msg)
{
    const char *of = msg->freeze.of;
    bool on = msg->freeze.on;
    if (!may_draw(c, m, msg, of))
        return;
    if (!m->claims.grants.record) {
        calls_error(c, m->session, msg->id, PROTO_DENIED, "who may not record may not freeze");
        return;
    }
    const struct id *still = on && id_is_set(&msg->freeze.still) ? &msg->freeze.still : NULL;
    struct store_drawing row = row_of(m, of, on ? DRAWING_FREEZE : DRAWING_RESUME,
                                      msg->freeze.age_ms);
    row.data = json_object();
    json_t *tell = json_pack("{s:s,s:s,s:s,s:b}", "type", "frozen", "by", m->claims.identity, "of",
                             of, "on", on);
    if (still) {
        json_object_set_new(row.data, "still", json_string(still->text));
        json_object_set_new(tell, "still", json_string(still->text));
    }
    keep(c, m, msg, &row, still, tell);
}
