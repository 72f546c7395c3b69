// SPDX-License-Identifier: Apache-2.0
/* Stills: the row is durable before the picture is taken, and finished before anybody hears of it; what
 * a dead process left unfinished is removed, files and all. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/er.h"
#include "base/json.h"
#include "base/str.h"
#include "server/calls_impl.h"
#include "server/seal/durable.h"
#include "server/sealer.h"

#define RECORD_FORMAT "loupe-still/1"
#define RECORD_CONTEXT "loupe-still-1"

/** One being taken. */
struct still_wait {
    struct store_still row;
    calls_done *done;
    void *ctx;
};

void call_still_free(struct calls *c, struct still_wait *w)
{
    map_remove_str(c->stills, w->row.id.text);
    free(w);
}

static struct still_wait *wait_find(const struct calls *c, const struct id *id)
{
    return map_get_str(c->stills, id->text);
}

static void remove_files(const char *path)
{
    static const char *const suffixes[] = {".jpg", ".small.jpg", ".jpg.tmp", ".small.jpg.tmp",
                                           ".still.json"};
    char name[STORE_PATH_BYTES + 24];
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        (void)snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        (void)unlink(name);
    }
}

/* Its row */

enum row_step { ROW_ADD, ROW_FINISH, ROW_DROP };

struct row_job {
    struct calls_job head;
    enum row_step step;
    char folder[STORE_PATH_BYTES];
    struct sealer *sealer; /* NULL: nothing is signed */
    struct store_still row;
    int er;
};

/** <path>.still.json: all that is known of it, signed. */
static int write_record(struct sealer *sealer, const struct store_still *row, uint64_t unix_us)
{
    char name[STORE_PATH_BYTES + 16];
    char *text = NULL;
    size_t len;
    if (!sealer)
        return 0;
    json_t *still = store_still_json(row);
    json_t *document = still ? json_pack("{s:s,s:o}", "format", RECORD_FORMAT, "still", still)
                             : NULL;
    int er = sealer_sign(sealer, RECORD_CONTEXT, document, unix_us, &text, &len);
    (void)snprintf(name, sizeof name, "%s.still.json", row->path);
    if (er == 0)
        er = durable_write(name, text, len, 0640);
    free(text);
    return er;
}

static void row_work(struct store *s, struct calls_job *head)
{
    struct row_job *job = container_of(head, struct row_job, head);
    if (job->step == ROW_ADD) {
        job->er = calls_make_folder(job->folder);
        if (job->er == 0)
            job->er = store_still_add(s, &job->row, head->unix_us);
        return;
    }
    if (job->step == ROW_FINISH)
        job->er = write_record(job->sealer, &job->row, head->unix_us);
    if (job->step == ROW_FINISH && job->er == 0)
        job->er = store_still_finish(s, &job->row, head->unix_us);
    if (job->step == ROW_DROP || job->er < 0) { /* the files first: else nobody knew of them */
        remove_files(job->row.path);
        (void)store_still_drop(s, &job->row.id);
    }
}

static void row_done(struct calls *c, struct calls_job *head);

static int row_run(struct calls *c, const struct still_wait *w, enum row_step step)
{
    struct row_job *job = calloc(1, sizeof *job);
    if (!job)
        return ER_NOMEM;
    job->head.work = row_work;
    job->head.done = row_done;
    job->step = step;
    job->row = w->row;
    job->sealer = c->config.sealer;
    (void)snprintf(job->folder, sizeof job->folder, "%s/blobs/%.2s", c->data, w->row.id.text);
    int er = calls_run(c, &job->head);
    if (er < 0)
        free(job);
    return er;
}

/** Nothing comes of it. `begun`: there is a row. A row that cannot be dropped now goes at the next
 *  start. */
static void give_up(struct calls *c, struct still_wait *w, int er, const char *why, bool begun)
{
    if (begun && row_run(c, w, ROW_DROP) < 0)
        log_event(c->config.log, LOG_WARN, "still_left", "still=%s", w->row.id.text);
    calls_done *done = w->done;
    void *ctx = w->ctx;
    call_still_free(c, w);
    done(ctx, er, why, NULL);
}

static void take(struct calls *c, struct still_wait *w)
{
    struct media_still_config config = {.still = w->row.id};
    (void)str_copy(config.publisher, sizeof config.publisher, w->row.publisher);
    (void)str_copy(config.path, sizeof config.path, w->row.path);
    int er = media_still(c->config.media, &w->row.room, &config);
    if (er == ER_NOT_FOUND)
        er = ER_CONFLICT;
    if (er < 0)
        give_up(c, w, er, er == ER_CONFLICT ? "the room has closed" : "cannot be done now", true);
}

static void tell_taken(struct calls *c, struct still_wait *w)
{
    struct room *r = room_find(c, &w->row.room);
    json_t *body = store_still_json(&w->row);
    c->stills_taken++;
    if (r && body)
        room_tell(r, NULL, json_pack("{s:s,s:O}", "type", "still", "still", body));
    calls_done *done = w->done;
    void *ctx = w->ctx;
    call_still_free(c, w);
    done(ctx, body ? 0 : ER_NOMEM, NULL, body);
    json_decref(body);
}

static void row_done(struct calls *c, struct calls_job *head)
{
    struct row_job *job = container_of(head, struct row_job, head);
    struct still_wait *w = c ? wait_find(c, &job->row.id) : NULL;
    if (!w || job->step == ROW_DROP)
        return;
    if (job->er < 0) {
        give_up(c, w, job->er, "the still could not be entered on the case", false);
        return;
    }
    w->row = job->row;
    if (job->step == ROW_ADD)
        take(c, w);
    else
        tell_taken(c, w);
}

/* What the media engine says */

static const char *why_not(int er, int *ret_er)
{
    static const struct {
        int er, answer;
        const char *why;
    } reasons[] = {
        {ER_DENIED, ER_CONFLICT, "the publisher has not consented to being recorded"},
        {ER_NOT_FOUND, ER_CONFLICT, "the publisher sends no picture"},
        {ER_STALE, ER_CONFLICT, "no picture of the publisher comes at present"},
        {ER_CLOSED, ER_CONFLICT, "the room has closed"},
        {ER_MALFORMED, ER_CONFLICT, "the publisher's picture cannot be decoded"},
        {ER_UNSUPPORTED, ER_CONFLICT, "the publisher's picture cannot be decoded here"},
        {ER_FULL, ER_FULL, "too many stills are asked for at once"},
        {ER_IO, ER_IO, "the disk is full or failed"},
    };
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if (reasons[i].er == er) {
            *ret_er = reasons[i].answer;
            return reasons[i].why;
        }
    }
    *ret_er = er;
    return "the still could not be taken";
}

static double round_to(double value, double steps)
{
    return round(value * steps) / steps;
}

static int take_facts(struct store_still *row, const struct media_still_result *r)
{
    char track[TRACK_TEXT_BYTES];
    json_t *o = json_pack(
        "{s:f,s:f,s:f,s:f,s:s,s:s,s:{s:s,s:I,s:I,s:b}}", "sharpness", round_to(r->sharpness, 100),
        "luma", round_to(r->luma, 100), "clipped_dark", round_to(r->dark, 10000), "clipped_bright",
        round_to(r->bright, 10000), "codec", r->codec, "track", track_text(track, r->track),
        "frame", "sha256", r->frame_sha256, "bytes", (json_int_t)r->frame_bytes, "rtp_timestamp",
        (json_int_t)r->frame_timestamp, "key", r->frame_key);
    if (o && r->quantizer >= 0)
        json_object_set_new(o, "quantizer", json_integer(r->quantizer));
    char *text = o ? json_canonical(o) : NULL;
    int er = text ? str_copy(row->facts, sizeof row->facts, text) : ER_NOMEM;
    free(text);
    json_decref(o);
    return er;
}

void calls_on_still_event(struct calls *c, const struct media_event *e)
{
    struct still_wait *w = wait_find(c, &e->clip);
    if (!w)
        return;
    int er = e->still ? 0 : e->er ? e->er : ER_INTERNAL;
    if (er < 0) {
        const char *why = why_not(er, &er);
        give_up(c, w, er, why, true);
        return;
    }
    struct store_still *row = &w->row;
    row->at_us = e->still->capture_unix_us;
    row->bytes = e->still->bytes;
    row->width = e->still->width;
    row->height = e->still->height;
    (void)str_copy(row->sha256, sizeof row->sha256, e->still->sha256);
    er = take_facts(row, e->still);
    if (er == 0)
        er = row_run(c, w, ROW_FINISH);
    if (er < 0)
        give_up(c, w, er, "the still could not be entered on the case", true);
}

/* Start */

struct still_ask {
    struct claims who;
    char publisher[LIMIT_IDENTITY + 1];
    char label[LIMIT_NAME + 1];
    calls_done *done;
    void *ctx;
};

static int ask_check(struct room *r, struct still_ask *ask, const char **ret_why)
{
    bool named = ask->publisher[0] != '\0';
    if (!named)
        (void)str_copy(ask->publisher, sizeof ask->publisher, room_default_publisher(r));
    const struct roster_person *p = roster_find(r->roster, ask->publisher);
    if (!p) {
        *ret_why = named ? "nobody of that name is in the room" : "nobody is there";
        return named ? ER_NOT_FOUND : ER_CONFLICT;
    }
    if (!p->consent) {
        *ret_why = "the publisher has not consented to being recorded";
        return ER_CONFLICT;
    }
    *ret_why = CALLS_DISK_LOW;
    return r->calls->space_low ? ER_IO : 0;
}

static int ask_run(struct calls *c, struct room *r, const struct still_ask *ask)
{
    struct still_wait *w = calloc(1, sizeof *w);
    if (!w)
        return ER_NOMEM;
    uint64_t unix_us = calls_unix_us(c);
    struct store_still *row = &w->row;
    *row = (struct store_still){.id = id_make(unix_us, &c->config.entropy),
                                .case_id = r->case_id,
                                .room = r->id,
                                .kind = "still",
                                .created_us = unix_us,
                                .facts = "{}"};
    (void)str_copy(row->merchant, sizeof row->merchant, r->merchant);
    (void)str_copy(row->label, sizeof row->label, ask->label);
    (void)str_copy(row->publisher, sizeof row->publisher, ask->publisher);
    (void)str_copy(row->taken_by, sizeof row->taken_by, ask->who.identity);
    (void)snprintf(row->path, sizeof row->path, "%s/blobs/%.2s/%s", c->data, row->id.text,
                   row->id.text);
    w->done = ask->done;
    w->ctx = ask->ctx;
    int er = map_add_str(c->stills, row->id.text, w);
    if (er == 0)
        er = row_run(c, w, ROW_ADD);
    if (er < 0)
        call_still_free(c, w);
    return er;
}

static void ask_entered(struct calls *c, struct entry_job *job, struct room *r)
{
    struct still_ask *ask = job->ctx;
    int er = job->er;
    const char *why = er == ER_DENIED ? "this token is not for this room" : "no such room";
    if (c && er == 0 && c->draining) { /* since it was asked for */
        er = ER_CLOSED;
        why = "the server is about to restart";
    }
    if (er == 0 && !r) {
        er = ER_CONFLICT;
        why = "nobody is in the room";
    }
    if (er == 0)
        er = ask_check(r, ask, &why);
    if (c && er == 0) {
        er = ask_run(c, r, ask);
        why = "cannot be done now";
    }
    if (c && er < 0)
        ask->done(ask->ctx, er, why, NULL);
    free(ask);
}

void calls_still(struct calls *c, const struct claims *who, const char *room, const char *publisher,
                 const char *label, calls_done *done, void *ctx)
{
    if (c->draining || !who->grants.record) {
        done(ctx, c->draining ? ER_CLOSED : ER_DENIED,
             c->draining ? "the server is about to restart" : "this token may not record", NULL);
        return;
    }
    struct still_ask *ask = calloc(1, sizeof *ask);
    struct entry_job *job = calloc(1, sizeof *job);
    if (!ask || !job || id_parse(room, &job->by_room) < 0) {
        done(ctx, ask && job ? ER_NOT_FOUND : ER_NOMEM, "no such room", NULL);
        free(ask);
        free(job);
        return;
    }
    ask->who = *who;
    ask->done = done;
    ask->ctx = ctx;
    (void)str_copy(ask->publisher, sizeof ask->publisher, publisher);
    (void)str_copy(ask->label, sizeof ask->label, label);
    job->claims = *who;
    job->look_only = true;
    job->entered = ask_entered;
    job->ctx = ask;
    calls_enter(c, job);
}

/* The start of the process */

static void tidy_each(void *ctx, const struct store_still *row)
{
    (void)ctx;
    remove_files(row->path);
}

static void tidy_work(struct store *s, struct calls_job *head)
{
    (void)head;
    if (store_stills_unfinished(s, tidy_each, NULL) == 0)
        (void)store_stills_drop_unfinished(s);
}

static void tidy_done(struct calls *c, struct calls_job *head)
{
    (void)c;
    (void)head;
}

void calls_tidy_stills(struct calls *c)
{
    struct calls_job *job = calloc(1, sizeof *job);
    if (!job)
        return;
    job->work = tidy_work;
    job->done = tidy_done;
    if (calls_run(c, job) < 0)
        free(job);
}
