// SPDX-License-Identifier: Apache-2.0
/* Clips: the row is durable before the recording starts; each change of state is durable before
 * people hear of it, unless it cannot be written: then it is told, and tried again; what a dead
 * process left is repaired. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/str.h"
#include "server/calls_impl.h"
#include "server/sealer.h"

#define RETRY_US 5000000u /* between two tries to write finished clips' rows */

void call_clip_free(struct calls *c, struct clip *clip)
{
    c->clips_unsaved -= clip->unsaved;
    map_remove_str(c->clips, clip->row.id.text);
    list_remove(&clip->node);
    free(clip->trim);
    free(clip);
}

static struct clip *clip_find(const struct calls *c, const struct id *id)
{
    return map_get_str(c->clips, id->text);
}

json_t *room_recording_json(struct room *r)
{
    json_t *ids = json_array();
    uint64_t since_us = UINT64_MAX;
    list_each (clip, &r->clips, struct clip, node) {
        if (!clip->row.started_us || clip->row.state != CLIP_RECORDING || clip->past.ends)
            continue; /* of a look-back nothing is recorded any more */
        json_array_append_new(ids, json_string(clip->row.id.text));
        since_us = clip->row.started_us < since_us ? clip->row.started_us : since_us;
    }
    char since[CLOCK_TEXT_BYTES] = "";
    bool on = json_array_size(ids) > 0;
    if (on)
        clock_format(since_us, since);
    return json_pack("{s:s,s:b,s:o,s:s?}", "type", "recording", "on", on, "clips", ids, "since",
                     on ? since : NULL);
}

static void tell_clip(struct room *r, const struct store_clip *row)
{
    json_t *message = json_pack("{s:s,s:o}", "type", "clip", "clip", store_clip_json(row));
    if (message && row->state == CLIP_FAILED)
        json_object_set_new(message, "reason", json_string(row->reason));
    room_tell_evidence(r, message);
}

void call_clip_tell(struct calls *c, const struct store_clip *row)
{
    struct room *r = room_find(c, &row->room);
    if (r)
        tell_clip(r, row);
}

void room_stop_clips_of(struct room *r, const char *publisher)
{
    list_each_safe (clip, &r->clips, struct clip, node) {
        if (clip->stopping || (publisher && strcmp(publisher, clip->row.publisher) != 0))
            continue;
        clip->stopping = true;
        must_clip_stop(r->calls, &r->id, &clip->row.id);
    }
}

void room_stop_clips(struct room *r)
{
    room_stop_clips_of(r, NULL);
}

/* Rows */

struct row_job {
    struct calls_job head;
    struct store_clip row;
    bool final;
    int er;
};

static void row_work(struct store *s, struct calls_job *head)
{
    struct row_job *job = container_of(head, struct row_job, head);
    job->er = store_clip_update(s, &job->row, head->unix_us);
}

/** Tell what became of a clip, and let its room go on without it. */
static void clip_leave(struct calls *c, struct clip *clip, bool saved)
{
    struct room *r = clip->room;
    bool elsewhere = !r && saved && (clip->again || clip->trim);
    struct room *open = elsewhere ? room_find(c, &clip->row.room) : NULL;
    if (open)
        tell_clip(open, &clip->row);
    if (!r)
        return;
    list_remove(&clip->node);
    clip->room = NULL;
    tell_clip(r, &clip->row);
    if (!saved)
        room_notice(r, "clip_not_saved", "a clip could not be entered on the case yet");
    room_tell(r, NULL, room_recording_json(r));
    room_settle(r);
}

/** A finished clip's row is in the store, or could not be written: then it is tried again while this
 *  process lives; the next one finds the row `recording`, and repairs. */
static void row_written(struct calls *c, const struct store_clip *row, bool final, int er)
{
    struct clip *clip = clip_find(c, &row->id);
    if (er < 0)
        log_event(c->config.log, LOG_ERROR, "clip_row_lost", "clip=%s state=%s er=%s", row->id.text,
                  clip_state_name(row->state), er_name(er));
    if (!clip || !final)
        return;
    clip->writing = false;
    bool again = er < 0 && er != ER_NOT_FOUND;
    if (again && !clip->unsaved) {
        clip->unsaved = true;
        if (c->clips_unsaved++ == 0)
            c->clips_retry_us = calls_now_us(c) + RETRY_US;
    }
    clip_leave(c, clip, er == 0);
    if (er == 0 && row->state == CLIP_READY)
        calls_stamp_soon(c);
    if (!again)
        call_clip_free(c, clip);
}

static void row_done(struct calls *c, struct calls_job *head)
{
    struct row_job *job = container_of(head, struct row_job, head);
    if (c)
        row_written(c, &job->row, job->final, job->er);
}

static void row_write(struct calls *c, struct clip *clip, bool final)
{
    struct row_job *job = calloc(1, sizeof *job);
    if (job) {
        job->head.work = row_work;
        job->head.done = row_done;
        job->row = clip->row;
        job->final = final;
    }
    clip->writing = final;
    if (job && calls_run(c, &job->head) == 0)
        return;
    free(job);
    const struct store_clip row = clip->row;
    row_written(c, &row, final, ER_FULL);
}

void calls_retry_clips(struct calls *c)
{
    size_t cursor = 0;
    void *value;
    if (!c->clips_unsaved || calls_now_us(c) < c->clips_retry_us)
        return;
    c->clips_retry_us = calls_now_us(c) + RETRY_US;
    while (map_next(c->clips, &cursor, NULL, NULL, &value)) {
        struct clip *clip = value;
        if (!clip->unsaved || clip->writing)
            continue;
        if (clip->sealed)
            row_write(c, clip, true);
        else
            call_clip_seal(c, clip);
    }
}

bool calls_has_unsaved(const struct calls *c)
{
    return c->clips_unsaved > 0;
}

/** Tried again while this process lives; the next one finds the row `recording`, and repairs. */
static void seal_again(struct calls *c, struct clip *clip)
{
    clip->writing = false;
    if (!clip->unsaved) {
        clip->unsaved = true;
        if (c->clips_unsaved++ == 0)
            c->clips_retry_us = calls_now_us(c) + RETRY_US;
    }
    if (clip->room) {
        struct room *r = clip->room;
        list_remove(&clip->node);
        clip->room = NULL;
        room_notice(r, "clip_not_saved", "a clip could not be sealed yet");
        room_tell(r, NULL, room_recording_json(r));
        room_settle(r);
    }
}

void call_clip_sealed(struct calls *c, struct clip *clip, int er,
                      const struct sealer_hashes *hashes)
{
    c->seals += er == 0;
    c->seals_failed += er != 0;
    if (er)
        log_event(c->config.log, LOG_ERROR, "clip_not_sealed", "clip=%s er=%s", clip->row.id.text,
                  er_name(er));
    if (er == ER_IO || er == ER_NOMEM || er == ER_FULL) {
        seal_again(c, clip);
        return;
    }
    clip->sealed = true;
    if (er) {
        clip->row.state = CLIP_FAILED;
        (void)str_copy(clip->row.reason, sizeof clip->row.reason, er_name(er));
    }
    if (hashes) {
        (void)str_copy(clip->row.sha256, sizeof clip->row.sha256, hashes->media);
        (void)str_copy(clip->row.manifest_sha256, sizeof clip->row.manifest_sha256,
                       hashes->manifest);
    }
    row_write(c, clip, true);
}

static void tell_disk(struct clip *clip)
{
    if (clip->room)
        room_notice(clip->room, "recording_stopped_disk_full",
                    "the recording stopped: the disk is full or failed; the call goes on");
}

void call_clip_failed(struct calls *c, struct clip *clip, int er)
{
    const struct store_clip row = clip->row;
    if (er == ER_IO)
        calls_repair_later(c, &row, clip->again);
    if (clip->again) { /* as it was before */
        call_clip_free(c, clip);
        return;
    }
    clip->row.state = CLIP_FAILED;
    clip->sealed = true;
    (void)str_copy(clip->row.reason, sizeof clip->row.reason, er_name(er));
    if (er == ER_IO)
        tell_disk(clip);
    row_write(c, clip, true);
}

static void take_result(struct store_clip *row, const struct media_clip_result *result)
{
    row->state = CLIP_READY;
    row->started_us = result->started_unix_us ? result->started_unix_us : row->started_us;
    row->duration_ms = result->duration_ms;
    row->bytes = result->bytes;
    row->width = result->width;
    row->height = result->height;
    row->gaps = result->gaps;
    row->gap_ms = result->gap_ms;
    row->has_video = result->has_video;
    (void)str_copy(row->video_codec, sizeof row->video_codec,
                   result->video_codec ? result->video_codec : "");
    row->has_audio = result->has_audio;
    row->has_poster = result->has_poster;
    row->repaired = result->repaired;
    row->reason[0] = '\0';
}

void calls_on_clip_event(struct calls *c, const struct media_event *e)
{
    struct clip *clip = clip_find(c, &e->clip);
    if (!clip || clip->row.state != CLIP_RECORDING)
        return;
    if (e->type == MEDIA_CLIP_READY) {
        if (e->er == ER_IO)
            tell_disk(clip);
        take_result(&clip->row, &e->result);
        c->lenses_covered += e->result.covered;
        c->pictures_hashed += e->result.hashed;
        clip->sealed = !c->config.sealer;
        if (clip->sealed)
            row_write(c, clip, true);
        else
            call_clip_seal(c, clip);
    } else if (e->type == MEDIA_CLIP_FAILED) {
        call_clip_failed(c, clip, e->er);
    } else {
        clip->row.started_us = e->unix_us;
        row_write(c, clip, false);
        if (clip->room)
            room_tell(clip->room, NULL, room_recording_json(clip->room));
    }
}

/* Start */

struct add_job {
    struct calls_job head;
    struct store_clip row;
    char folder[STORE_PATH_BYTES];
    calls_done *done;
    void *ctx;
    int er;
};

int calls_make_folder(const char *path)
{
    char part[STORE_PATH_BYTES];
    (void)str_copy(part, sizeof part, path);
    char *cut = strrchr(part, '/');
    if (cut)
        *cut = '\0';
    if (mkdir(part, 0700) < 0 && errno != EEXIST)
        return ER_IO;
    return mkdir(path, 0700) < 0 && errno != EEXIST ? ER_IO : 0;
}

static void add_work(struct store *s, struct calls_job *head)
{
    struct add_job *job = container_of(head, struct add_job, head);
    job->er = calls_make_folder(job->folder);
    if (job->er == 0)
        job->er = store_clip_add(s, &job->row, head->unix_us);
}

static void add_done(struct calls *c, struct calls_job *head)
{
    struct add_job *job = container_of(head, struct add_job, head);
    struct clip *clip = c ? clip_find(c, &job->row.id) : NULL;
    if (!clip)
        return;
    struct room *r = clip->room;
    if (job->er < 0) {
        call_clip_free(c, clip);
        job->done(job->ctx, job->er, "the clip could not be entered on the case", NULL);
        room_settle(r);
        return;
    }
    clip->row = job->row;
    struct media_clip_config config = {
        .clip = clip->row.id, .preroll_ms = clip->past.seconds * 1000, .lookback = clip->past.ends};
    (void)str_copy(config.publisher, sizeof config.publisher, clip->row.publisher);
    (void)str_copy(config.path, sizeof config.path, clip->row.path);
    json_t *body = store_clip_json(&clip->row);
    tell_clip(r, &clip->row);
    int er = media_clip_start(c->config.media, &r->id, &config);
    if (er == 0 && clip->stopping)
        must_clip_stop(c, &r->id, &clip->row.id);
    job->done(job->ctx, er, er < 0 ? "the recording could not start" : NULL, er < 0 ? NULL : body);
    json_decref(body);
    if (er < 0)
        call_clip_failed(c, clip, er);
}

const char *room_default_publisher(struct room *r)
{
    list_each (person, roster_people(r->roster), struct roster_person, node) {
        if (r->kind == CASE_LIVE ? person->role == ROLE_HOST
                                 : strcmp(person->identity, r->buyer) == 0)
            return person->identity;
    }
    for (size_t i = 0; i < r->track_count; i++) {
        if (r->tracks[i].kind == MEDIA_VIDEO)
            return r->tracks[i].identity;
    }
    return r->buyer;
}

static bool has_room_for_another(struct room *r)
{
    size_t count = 0;
    list_each (clip, &r->clips, struct clip, node)
        count++;
    return count < LIMIT_CLIPS_PER_ROOM;
}

static int start_run(struct calls *c, struct room *r, const struct record_ask *start)
{
    if (!has_room_for_another(r))
        return ER_FULL;
    struct clip *clip = calloc(1, sizeof *clip);
    struct add_job *job = calloc(1, sizeof *job);
    if (!clip || !job) {
        free(clip);
        free(job);
        return ER_NOMEM;
    }
    uint64_t unix_us = calls_unix_us(c);
    struct store_clip *row = &clip->row;
    *row = (struct store_clip){.id = id_make(unix_us, &c->config.entropy),
                               .case_id = r->case_id,
                               .room = r->id,
                               .state = CLIP_RECORDING,
                               .created_us = unix_us};
    clip->past = start->past;
    (void)str_copy(row->kind, sizeof row->kind, start->past.ends ? "lookback" : "clip");
    (void)str_copy(row->merchant, sizeof row->merchant, r->merchant);
    (void)str_copy(row->label, sizeof row->label, start->label);
    (void)str_copy(row->publisher, sizeof row->publisher, start->publisher);
    (void)str_copy(row->started_by, sizeof row->started_by, start->who.identity);
    (void)snprintf(job->folder, sizeof job->folder, "%s/blobs/%.2s", c->data, row->id.text);
    (void)snprintf(row->path, sizeof row->path, "%s/blobs/%.2s/%s", c->data, row->id.text,
                   row->id.text);
    clip->room = r;
    list_append(&r->clips, &clip->node);
    job->head.work = add_work;
    job->head.done = add_done;
    job->row = *row;
    job->done = start->done;
    job->ctx = start->ctx;
    int er = map_add_str(c->clips, row->id.text, clip);
    if (er == 0)
        er = calls_run(c, &job->head);
    if (er < 0) {
        call_clip_free(c, clip);
        free(job);
    }
    return er;
}

void calls_clip_start(struct calls *c, const struct claims *who, const char *room,
                      const char *publisher, const char *label, calls_done *done, void *ctx)
{
    const struct calls_past present = {0};
    calls_clip_start_past(c, who, room, publisher, label, &present, done, ctx);
}

void calls_clip_start_past(struct calls *c, const struct claims *who, const char *room,
                           const char *publisher, const char *label, const struct calls_past *past,
                           calls_done *done, void *ctx)
{
    if (past->seconds > c->config.lookback_seconds) {
        done(ctx, ER_INVALID, "not so much is kept", NULL);
        return;
    }
    struct record_ask start = {
        .who = *who, .past = *past, .run = start_run, .done = done, .ctx = ctx};
    (void)str_copy(start.publisher, sizeof start.publisher, publisher);
    (void)str_copy(start.label, sizeof start.label, label);
    calls_record(c, room, &start);
}

/* Stop */

struct get_job {
    struct calls_job head;
    struct claims who;
    struct store_clip row;
    calls_done *done;
    void *ctx;
    int er;
};

static void get_work(struct store *s, struct calls_job *head)
{
    struct get_job *job = container_of(head, struct get_job, head);
    struct id id = job->row.id;
    job->er = store_clip_get(s, &id, &job->row);
    const struct store_clip *row = &job->row;
    if (job->er == 0 && !claims_allow_case(&job->who, &row->case_id, &row->room, row->merchant))
        job->er = ER_DENIED;
}

static void get_done(struct calls *c, struct calls_job *head)
{
    struct get_job *job = container_of(head, struct get_job, head);
    if (!c)
        return;
    struct clip *clip = job->er == 0 ? clip_find(c, &job->row.id) : NULL;
    if (clip && clip->room && !clip->stopping) {
        clip->stopping = true;
        must_clip_stop(c, &clip->room->id, &clip->row.id);
    }
    json_t *body = job->er == 0 ? store_clip_json(&job->row) : NULL;
    job->done(job->ctx, job->er,
              job->er == ER_DENIED ? "this token is not for this clip's case" : "no such clip",
              body);
    json_decref(body);
}

void calls_clip_stop(struct calls *c, const struct claims *who, const char *clip, calls_done *done,
                     void *ctx)
{
    struct get_job *job = calloc(1, sizeof *job);
    int er = job ? id_parse(clip, &job->row.id) : ER_NOMEM;
    if (er == ER_MALFORMED)
        er = ER_NOT_FOUND;
    if (er == 0 && !who->grants.record)
        er = ER_DENIED;
    if (er == 0) {
        job->head.work = get_work;
        job->head.done = get_done;
        job->who = *who;
        job->done = done;
        job->ctx = ctx;
        er = calls_run(c, &job->head);
    }
    if (er < 0) {
        done(ctx, er, er == ER_DENIED ? "this token may not record" : "no such clip", NULL);
        free(job);
    }
}
