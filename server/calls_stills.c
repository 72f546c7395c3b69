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
#include "server/store_drawings.h"
#include "server/seal/durable.h"
#include "server/sealer.h"

#define RECORD_FORMAT "loupe-still/1"
#define RECORD_CONTEXT "loupe-still-1"

/** One being taken. */
struct still_wait {
    struct store_still row;
    char uploaded[65]; /* of a photograph: the hash of what was sent; else "" */
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

void calls_remove_still_files(const char *path)
{
    static const char *const suffixes[] = {".jpg",           ".small.jpg",  ".jpg.tmp",
                                           ".small.jpg.tmp", ".still.json", ".still.json.tmp",
                                           ".upload"};
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

/** What was sent is of no use any more once the photograph is on the case, and may have a place in it; but
 *  not before that: who was told that it arrived need not send it again. */
static void remove_upload(void *ctx, const struct store_still *row)
{
    char name[STORE_PATH_BYTES + 16];
    (void)ctx;
    (void)snprintf(name, sizeof name, "%s.upload", row->path);
    (void)unlink(name);
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
    if (job->step == ROW_FINISH && job->er == 0)
        remove_upload(NULL, &job->row);
    if (job->step == ROW_DROP || job->er < 0) { /* the files first: else nobody knew of them */
        calls_remove_still_files(job->row.path);
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

/** Whoever asked for the photograph hears that there will be none. */
static void tell_no_photo(struct calls *c, const struct store_still *row, int er)
{
    struct room *r = room_find(c, &row->room);
    if (r && strcmp(row->kind, "photo") == 0)
        room_tell_evidence(r, json_pack("{s:s,s:s,s:s}", "type", "photograph_failed", "photo",
                                        row->id.text, "reason", er_name(er)));
}

/** Nothing comes of it. `begun`: there is a row. A row that cannot be dropped now goes at the next
 *  start. */
static void give_up(struct calls *c, struct still_wait *w, int er, const char *why, bool begun)
{
    if (begun && row_run(c, w, ROW_DROP) < 0)
        log_event(c->config.log, LOG_WARN, "still_left", "still=%s", w->row.id.text);
    tell_no_photo(c, &w->row, er);
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
        room_tell_evidence(r, json_pack("{s:s,s:O}", "type", "still", "still", body));
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

static const char *why_no_photo(int er, int *ret_er)
{
    *ret_er = er == ER_UNAUTHENTIC ? ER_MALFORMED : er;
    return er == ER_UNAUTHENTIC   ? "what arrived has another hash"
           : er == ER_MALFORMED   ? "this is no JPEG that can be read"
           : er == ER_UNSUPPORTED ? "photographs are taken as JPEG, of 64 megapixels at most"
                                  : "the photograph could not be kept";
}

static double round_to(double value, double steps)
{
    return round(value * steps) / steps;
}

/** `uploaded`: the hash of what somebody sent, where it is a photograph. */
static int take_facts(struct store_still *row, const struct media_still_result *r,
                      const char *uploaded)
{
    char track[TRACK_TEXT_BYTES];
    json_t *o = json_pack("{s:f,s:f,s:f,s:f}", "sharpness", round_to(r->sharpness, 100), "luma",
                          round_to(r->luma, 100), "clipped_dark", round_to(r->dark, 10000),
                          "clipped_bright", round_to(r->bright, 10000));
    json_t *more = r->codec
                       ? json_pack("{s:s,s:s,s:{s:s,s:I,s:I,s:b}}", "codec", r->codec, "track",
                                   track_text(track, r->track), "frame", "sha256", r->frame_sha256,
                                   "bytes", (json_int_t)r->frame_bytes, "rtp_timestamp",
                                   (json_int_t)r->frame_timestamp, "key", r->frame_key)
                       : json_pack("{s:i,s:s}", "orientation", (int)r->orientation, "upload_sha256",
                                   uploaded);
    bool bad = !o || !more || json_object_update(o, more);
    json_decref(more);
    if (bad) {
        json_decref(o);
        return ER_NOMEM;
    }
    if (r->quantizer >= 0)
        json_object_set_new(o, "quantizer", json_integer(r->quantizer));
    if (r->placed)
        json_object_set_new(o, "place",
                            json_pack("{s:f,s:f}", "latitude", r->latitude_e7 / 1e7, "longitude",
                                      r->longitude_e7 / 1e7));
    char *text = json_canonical(o);
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
        const char *why = w->uploaded[0] ? why_no_photo(er, &er) : why_not(er, &er);
        give_up(c, w, er, why, true);
        return;
    }
    struct store_still *row = &w->row;
    row->at_us = e->still->capture_unix_us ? e->still->capture_unix_us : calls_unix_us(c);
    row->bytes = e->still->bytes;
    row->width = e->still->width;
    row->height = e->still->height;
    (void)str_copy(row->sha256, sizeof row->sha256, e->still->sha256);
    er = take_facts(row, e->still, w->uploaded);
    if (er == 0)
        er = row_run(c, w, ROW_FINISH);
    if (er < 0)
        give_up(c, w, er, "the still could not be entered on the case", true);
}

int calls_photo_check(struct calls *c, const struct store_still *row,
                      const struct calls_photo_piece *last, calls_done *done, void *ctx)
{
    struct media_photo_config config = {.still = row->id, .keep_place = last->keep_place};
    struct still_wait *w = wait_find(c, &row->id) ? NULL : calloc(1, sizeof *w);
    if (!w)
        return ER_CONFLICT;
    w->row = *row;
    w->done = done;
    w->ctx = ctx;
    hex_encode(w->uploaded, last->sha256, 32);
    memcpy(config.sha256, last->sha256, sizeof config.sha256);
    (void)str_copy(config.path, sizeof config.path, row->path);
    int er = map_add_str(c->stills, row->id.text, w);
    if (er == 0)
        er = media_photo(c->config.media, &row->room, &config);
    if (er < 0)
        call_still_free(c, w);
    return er;
}

void calls_drop_photo(struct calls *c, const struct store_still *row)
{
    const struct still_wait w = {.row = *row};
    if (row_run(c, &w, ROW_DROP) < 0)
        log_event(c->config.log, LOG_WARN, "still_left", "still=%s", row->id.text);
}

/* Start */

static int ask_run(struct calls *c, struct room *r, const struct record_ask *ask)
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

void calls_still(struct calls *c, const struct claims *who, const char *room, const char *publisher,
                 const char *label, calls_done *done, void *ctx)
{
    struct record_ask ask = {.who = *who, .run = ask_run, .done = done, .ctx = ctx};
    (void)str_copy(ask.publisher, sizeof ask.publisher, publisher);
    (void)str_copy(ask.label, sizeof ask.label, label);
    calls_record(c, room, &ask);
}

/* The start of the process */

struct tidy {
    struct store *store;
    uint64_t before_us; /* photographs may come until then */
};

static void tidy_each(void *ctx, const struct store_still *row)
{
    const struct tidy *t = ctx;
    if (strcmp(row->kind, "photo") == 0 && row->created_us >= t->before_us)
        return;
    calls_remove_still_files(row->path);
    (void)store_still_drop(t->store, &row->id);
}

static void tidy_kind(struct store *s, const char *kind, uint64_t unix_us)
{
    struct tidy t = {.store = s};
    t.before_us = unix_us > LIMIT_PHOTO_WAIT_US ? unix_us - LIMIT_PHOTO_WAIT_US : 0;
    (void)store_stills_unfinished(s, NULL, kind, tidy_each, &t);
}

void calls_tidy_photos(struct store *s, uint64_t unix_us)
{
    tidy_kind(s, "photo", unix_us);
}

static void tidy_work(struct store *s, struct calls_job *head)
{
    tidy_kind(s, "still", head->unix_us);
    calls_tidy_photos(s, head->unix_us);
    calls_tidy_attachments(s, head->unix_us);
    (void)store_drawings_restart(s, head->unix_us);
    (void)store_photos(s, remove_upload, NULL);
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
