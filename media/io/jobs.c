// SPDX-License-Identifier: Apache-2.0
/* Job threads and their clips. */
#include "media/io/jobs.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/list.h"
#include "base/str.h"
#include "base/thread.h"
#include "media/record/clip.h"
#include "media/record/curve.h"
#include "media/record/photo.h"
#include "media/record/snapshot.h"
#include "media/record/standing.h"
#include "media/record/trim.h"

struct photo_job {
    struct id room;
    struct media_photo_config config;
};

struct job {
    struct record_batch *batch;     /* owned; or: */
    struct still_batch *still;      /* owned; or: */
    struct photo_job *photo;        /* owned; or: */
    struct job_clip *closing;       /* owned; or: */
    struct media_trim_config *trim; /* owned; NULL: a repair */
    struct id clip;
    char *path; /* owned */
};

struct job_clip {
    struct list in_thread;
    struct id room;
    struct id id;
    struct clip *clip;
    uint64_t start_unix_us;
    uint64_t last_unix_us;
    uint64_t end_unix_us; /* once it closes: */
    int er;               /* why, when not as wished */
};

/** What is said in a room that can be looked back to. */
struct job_mix {
    struct list in_thread;
    struct id room;
    struct standing *standing;
};

struct job_thread {
    struct jobs *jobs;
    pthread_t thread;
    bool started;
    struct msgq *queue;
    struct list clips;
    struct list mixes;
};

#define MOST_THREADS 8
#define LONG_CLIP_US 60000000u
#define MIX_BEFORE_US 1000000u

struct jobs {
    struct msgq *events;
    struct log *log;
    struct vault *vault;
    unsigned count; /* of those that write clips */
    struct job_thread threads[MOST_THREADS];
    struct job_thread pictures;
    struct job_thread finishing; /* what takes long: the ends of long clips, and repairs */
};

static void tell(struct jobs *j, struct media_event *event)
{
    if (msgq_push(j->events, event) != 0) {
        log_event(j->log, LOG_ERROR, "event_lost", "type=%d clip=%s", (int)event->type,
                  event->clip.text);
        media_event_clear(event);
    }
}

static void tell_failed(struct jobs *j, const struct id *room, const struct id *clip, int er)
{
    struct media_event event = {.type = MEDIA_CLIP_FAILED, .room = *room, .clip = *clip, .er = er};
    log_event(j->log, LOG_ERROR, "clip_failed", "clip=%s why=%s", clip->text, er_name(er));
    tell(j, &event);
}

static void tell_ready(struct jobs *j, const struct id *room, const struct id *clip, int er,
                       uint64_t start_unix_us, const struct clip_result *r)
{
    struct media_event event = {.type = MEDIA_CLIP_READY, .room = *room, .clip = *clip, .er = er};
    struct media_clip_result *out = &event.result;
    out->started_unix_us = start_unix_us;
    out->duration_ms = r->duration_us / 1000;
    out->bytes = r->bytes;
    out->width = r->width;
    out->height = r->height;
    out->repaired = r->repaired;
    out->has_poster = r->has_poster;
    out->has_video = r->has_video;
    out->video_codec = r->has_video ? codec_format_name(r->format) : NULL;
    out->has_audio = r->has_audio;
    out->gaps = r->gaps;
    out->gap_ms = r->gap_us / 1000;
    out->covered = r->covered;
    out->hashed = r->hashed;
    tell(j, &event);
}

static struct job_clip *find_clip(struct job_thread *t, const struct id *id)
{
    list_each (c, &t->clips, struct job_clip, in_thread) {
        if (id_equal(&c->id, id))
            return c;
    }
    return NULL;
}

static struct job_mix *find_mix(struct job_thread *t, const struct id *room)
{
    list_each (m, &t->mixes, struct job_mix, in_thread) {
        if (id_equal(&m->room, room))
            return m;
    }
    return NULL;
}

static void open_clip(struct job_thread *t, const struct record_batch *b)
{
    const struct clip_config config = {.path = b->path,
                                       .start_unix_us = b->unix_us,
                                       .publisher = b->publisher,
                                       .hurry = b->hurry,
                                       .vault = t->jobs->vault};
    struct job_clip *c = calloc(1, sizeof *c);
    int er = c ? clip_new(&c->clip, &config) : ER_NOMEM;
    if (er != 0) {
        free(c);
        tell_failed(t->jobs, &b->room, &b->clip, er);
        return;
    }
    c->room = b->room;
    c->id = b->clip;
    c->start_unix_us = c->last_unix_us = b->unix_us;
    list_append(&t->clips, &c->in_thread);
    struct job_mix *mix = find_mix(t, &b->room);
    if (mix && standing_covers(mix->standing, b->unix_us))
        clip_follow(c->clip, mix->standing);
    struct media_event event = {
        .type = MEDIA_CLIP_STARTED, .room = b->room, .clip = b->clip, .unix_us = b->unix_us};
    tell(t->jobs, &event);
}

static void finish_clip(struct jobs *j, struct job_clip *c)
{
    struct clip_result result = {0};
    int finished = clip_finish(c->clip, c->end_unix_us, &result);
    if (result.repaired && !c->er) /* the disk failed as the last of it was written */
        c->er = ER_IO;
    if (finished == 0)
        tell_ready(j, &c->room, &c->id, c->er, c->start_unix_us, &result);
    else
        tell_failed(j, &c->room, &c->id, c->er ? c->er : finished);
    clip_free(c->clip);
    free(c);
}

/** A short clip at once. A long one is copied and hashed for many seconds, in which the thread's other
 *  clips would wait. */
static void close_clip(struct job_thread *t, struct job_clip *c, uint64_t end_unix_us, int er)
{
    const struct job job = {.closing = c};
    list_remove(&c->in_thread);
    c->end_unix_us = end_unix_us;
    int parted = clip_unfollow(c->clip); /* its end may be another thread's */
    c->er = er ? er : parted;
    if (end_unix_us < c->start_unix_us + LONG_CLIP_US ||
        msgq_push(t->jobs->finishing.queue, &job) != 0)
        finish_clip(t->jobs, c);
}

static int write_item(struct job_clip *c, const struct record_item *item)
{
    switch (item->kind) {
    case RECORD_VIDEO:
        return clip_video(c->clip, item->packet, item->capture_unix_us);
    case RECORD_VIDEO_GAP:
        clip_video_gap(c->clip, item->gap);
        return 0;
    case RECORD_VIDEO_SWITCH:
        clip_video_switch(c->clip);
        return 0;
    case RECORD_AUDIO:
        return clip_audio(c->clip, item->source, item->packet, item->capture_unix_us);
    case RECORD_AUDIO_BEGIN:
        clip_voice(c->clip, item->source, item->text);
        return 0;
    case RECORD_AUDIO_END:
        clip_audio_end(c->clip, item->source);
        return 0;
    case RECORD_MARK:
        clip_mark(c->clip, item->mark, item->capture_unix_us, item->text);
        return 0;
    }
    return ER_INTERNAL;
}

static void write_batch(struct job_thread *t, struct job_clip *c, const struct record_batch *b)
{
    int er = 0;
    for (size_t i = 0; i < b->count && er != ER_IO; i++)
        er = write_item(c, &b->items[i]);
    c->last_unix_us = b->unix_us;
    if (er != ER_IO)
        er = clip_tick(c->clip, b->unix_us, b->sound_until_us);
    if (er == ER_IO) /* the disk is full or broken: keep what is on it, tell, go on without */
        close_clip(t, c, b->unix_us, er);
}

/** Clips that copy of it go on by themselves. */
static void end_mix(struct job_thread *t, struct job_mix *m)
{
    list_each_safe (c, &t->clips, struct job_clip, in_thread) {
        int er = id_equal(&c->room, &m->room) ? clip_unfollow(c->clip) : 0;
        if (er < 0)
            close_clip(t, c, c->last_unix_us, er);
    }
    list_remove(&m->in_thread);
    standing_free(m->standing);
    free(m);
}

/** Whoever spoke before, it begins a little earlier than what is heard: clips begin when the oldest
 *  picture was captured, not when it came. */
static struct job_mix *begin_mix(struct job_thread *t, const struct record_batch *b)
{
    struct job_mix *m = calloc(1, sizeof *m);
    uint64_t begin_us = b->unix_us - MIX_BEFORE_US;
    if (!m || standing_new(&m->standing, begin_us, b->whole_us, b->keep_us) < 0) {
        free(m);
        return NULL;
    }
    m->room = b->room;
    list_append(&t->mixes, &m->in_thread);
    return m;
}

/** What is there of a listener beside sound. */
static void put_other(struct standing *s, const struct record_item *item)
{
    if (item->kind == RECORD_VIDEO) {
        standing_video(s, item->source, item->packet);
    } else if (item->kind == RECORD_VIDEO_GAP) {
        standing_video_gap(s, item->source, item->gap);
    } else if (item->kind == RECORD_AUDIO_END) { /* of any track */
        standing_audio_end(s, item->source);
        standing_video_end(s, item->source);
    }
}

static void put_mix(struct job_thread *t, const struct record_batch *b)
{
    struct job_mix *m = find_mix(t, &b->room);
    if (!m)
        m = begin_mix(t, b);
    int er = m ? 0 : ER_NOMEM;
    for (size_t i = 0; i < b->count && er == 0; i++) {
        const struct record_item *item = &b->items[i];
        if (item->kind == RECORD_AUDIO)
            er = standing_audio(m->standing, item->source, item->packet, item->capture_unix_us);
        else
            put_other(m->standing, item);
    }
    if (er == 0)
        er = standing_tick(m->standing, b->unix_us, b->sound_until_us);
    if (er < 0 && m) /* clips do without */
        end_mix(t, m);
}

static void record(struct job_thread *t, struct record_batch *b)
{
    struct job_clip *c = find_clip(t, &b->clip);
    struct job_mix *mix = b->step == RECORD_DEAF ? find_mix(t, &b->room) : NULL;
    if (b->step == RECORD_LISTEN)
        put_mix(t, b);
    else if (mix)
        end_mix(t, mix);
    else if (b->step == RECORD_OPEN)
        open_clip(t, b);
    else if (c && b->step == RECORD_DATA)
        write_batch(t, c, b);
    else if (c && b->step == RECORD_CLOSE)
        close_clip(t, c, b->unix_us, 0);
    record_batch_free(b);
}

static void repair(struct job_thread *t, const struct id *clip, const char *path)
{
    struct clip_result result = {0};
    struct id none = {{0}};
    int er = clip_repair(t->jobs->vault, path, &result);
    if (er == 0)
        tell_ready(t->jobs, &none, clip, 0, 0, &result);
    else
        tell_failed(t->jobs, &none, clip, er);
}

static void trim(struct job_thread *t, const struct media_trim_config *c)
{
    struct clip_result result = {0};
    struct id none = {{0}};
    int er = clip_trim(t->jobs->vault, c->from, c->path, c->from_ms, c->to_ms, &result);
    if (er == 0)
        tell_ready(t->jobs, &none, &c->clip, 0, 0, &result);
    else
        tell_failed(t->jobs, &none, &c->clip, er);
}

static struct media_still_result *still_result(const struct still_batch *b,
                                               const struct snapshot *s)
{
    struct media_still_result *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    *r = (struct media_still_result){.width = s->width,
                                     .height = s->height,
                                     .bytes = s->bytes,
                                     .capture_unix_us = b->capture_unix_us,
                                     .track = b->track,
                                     .codec = codec_format_name(s->format),
                                     .frame_bytes = s->frame_bytes,
                                     .frame_timestamp = s->frame_timestamp,
                                     .frame_key = s->frame_key,
                                     .quantizer = s->quantizer,
                                     .sharpness = s->measures.sharpness,
                                     .luma = s->measures.luma,
                                     .dark = s->measures.dark,
                                     .bright = s->measures.bright};
    hex_encode(r->sha256, s->sha256, sizeof s->sha256);
    hex_encode(r->frame_sha256, s->frame_sha256, sizeof s->frame_sha256);
    return r;
}

static void make_still(struct job_thread *t, struct still_batch *b)
{
    struct snapshot s;
    struct media_event event = {.type = MEDIA_STILL, .room = b->room, .clip = b->still};
    event.er = snapshot_make(t->jobs->vault, b->packets, b->count, b->path, &s);
    if (event.er == 0) {
        event.still = still_result(b, &s);
        event.er = event.still ? 0 : ER_NOMEM;
    }
    if (event.er != 0)
        log_event(t->jobs->log, LOG_ERROR, "still_failed", "still=%s why=%s", b->still.text,
                  er_name(event.er));
    tell(t->jobs, &event);
    still_batch_free(b);
}

static struct media_light_curve *light_result(const struct curve *curve)
{
    struct media_light_curve *r = calloc(1, sizeof *r);
    for (size_t i = 0; r && i < curve->count; i++)
        r->samples[r->count++] = (struct media_light_sample){.unix_us = curve->samples[i].unix_us,
                                                             .luma = curve->samples[i].luma};
    return r;
}

static void make_curve(struct job_thread *t, struct still_batch *b)
{
    struct media_event event = {.type = MEDIA_LIGHT, .room = b->room, .clip = b->still};
    struct curve *curve;
    event.er = curve_make(b->packets, b->captures, b->count, b->from_unix_us, &curve);
    if (event.er == 0) {
        event.light = light_result(curve);
        event.er = event.light ? 0 : ER_NOMEM;
        free(curve);
    }
    tell(t->jobs, &event);
    still_batch_free(b);
}

static struct media_still_result *photo_result(const struct photo *p)
{
    struct media_still_result *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    *r = (struct media_still_result){.width = p->width,
                                     .height = p->height,
                                     .bytes = p->bytes,
                                     .orientation = p->orientation,
                                     .placed = p->place.known,
                                     .latitude_e7 = p->place.latitude_e7,
                                     .longitude_e7 = p->place.longitude_e7,
                                     .quantizer = STILL_NO_QUANTIZER,
                                     .sharpness = p->measures.sharpness,
                                     .luma = p->measures.luma,
                                     .dark = p->measures.dark,
                                     .bright = p->measures.bright};
    hex_encode(r->sha256, p->sha256, sizeof p->sha256);
    return r;
}

static void take_photo(struct job_thread *t, struct photo_job *job)
{
    struct photo photo;
    struct media_event event = {.type = MEDIA_STILL, .room = job->room, .clip = job->config.still};
    event.er = photo_take(t->jobs->vault, job->config.path, job->config.sha256,
                          job->config.keep_place, &photo);
    if (event.er == 0) {
        event.still = photo_result(&photo);
        event.er = event.still ? 0 : ER_NOMEM;
    }
    tell(t->jobs, &event);
    free(job);
}

static void *run(void *arg)
{
    struct job_thread *t = arg;
    struct job job;
    while (msgq_wait(t->queue, &job, -1)) {
        if (job.batch)
            record(t, job.batch);
        else if (job.still && job.still->from_unix_us)
            make_curve(t, job.still);
        else if (job.still)
            make_still(t, job.still);
        else if (job.photo)
            take_photo(t, job.photo);
        else if (job.closing)
            finish_clip(t->jobs, job.closing);
        else if (job.trim)
            trim(t, job.trim);
        else
            repair(t, &job.clip, job.path);
        free(job.path);
        free(job.trim);
    }
    list_each_safe (m, &t->mixes, struct job_mix, in_thread)
        end_mix(t, m);
    list_each_safe (c, &t->clips, struct job_clip, in_thread)
        close_clip(t, c, c->last_unix_us, 0);
    return NULL;
}

static int start_thread(struct jobs *j, struct job_thread *t, size_t queue, const char *name)
{
    t->jobs = j;
    list_init(&t->clips);
    list_init(&t->mixes);
    int er = msgq_new(&t->queue, sizeof(struct job), queue);
    if (er != 0)
        return er;
    er = thread_start(&t->thread, name, run, t);
    t->started = er == 0;
    return er;
}

static int start_threads(struct jobs *j, unsigned threads)
{
    int er = start_thread(j, &j->pictures, LIMIT_STILL_QUEUE, "pictures");
    if (er == 0)
        er = start_thread(j, &j->finishing, LIMIT_JOB_QUEUE, "finishing");
    for (unsigned i = 0; er == 0 && i < threads && i < MOST_THREADS; i++) {
        j->count = i + 1;
        char name[THREAD_NAME_BYTES];
        (void)snprintf(name, sizeof name, "job %u", i);
        er = start_thread(j, &j->threads[i], LIMIT_JOB_QUEUE, name);
    }
    return er;
}

int jobs_start(struct jobs **ret, unsigned threads, struct msgq *events, struct log *log,
               struct vault *vault)
{
    struct jobs *j = calloc(1, sizeof *j);
    if (!j)
        return ER_NOMEM;
    j->events = events;
    j->log = log;
    j->vault = vault;
    int er = start_threads(j, threads);
    if (er != 0)
        jobs_stop(j);
    else
        *ret = j;
    return er;
}

static void close_queue(struct job_thread *t)
{
    if (t->queue)
        msgq_close(t->queue);
}

static void stop_thread(struct job_thread *t)
{
    if (t->started)
        pthread_join(t->thread, NULL);
    msgq_free(t->queue);
}

void jobs_stop(struct jobs *j)
{
    if (!j)
        return;
    close_queue(&j->pictures);
    for (unsigned i = 0; i < j->count; i++)
        close_queue(&j->threads[i]);
    stop_thread(&j->pictures);
    for (unsigned i = 0; i < j->count; i++)
        stop_thread(&j->threads[i]);
    close_queue(&j->finishing); /* the others may have handed it their last */
    stop_thread(&j->finishing);
    free(j);
}

/** The thread that does all of this room's clips, and its mix. */
static struct job_thread *thread_for(struct jobs *j, const struct id *room)
{
    unsigned sum = 0;
    for (const char *p = room->text; *p; p++)
        sum = sum * 31 + (unsigned char)*p;
    return &j->threads[sum % j->count];
}

int jobs_record(struct jobs *j, struct record_batch *batch)
{
    struct job job = {.batch = batch};
    return msgq_push(thread_for(j, &batch->room)->queue, &job);
}

int jobs_still(struct jobs *j, struct still_batch *batch)
{
    struct job job = {.still = batch};
    return msgq_push(j->pictures.queue, &job);
}

int jobs_photo(struct jobs *j, const struct id *room, const struct media_photo_config *config)
{
    struct job job = {.photo = malloc(sizeof *job.photo)};
    if (!job.photo)
        return ER_NOMEM;
    *job.photo = (struct photo_job){.room = *room, .config = *config};
    int er = msgq_push(j->pictures.queue, &job);
    if (er != 0)
        free(job.photo);
    return er;
}

int jobs_repair(struct jobs *j, const struct id *clip, const char *path)
{
    struct job job = {.clip = *clip, .path = strdup(path)};
    if (!job.path)
        return ER_NOMEM;
    int er = msgq_push(j->finishing.queue, &job);
    if (er != 0)
        free(job.path);
    return er;
}

int jobs_trim(struct jobs *j, const struct media_trim_config *config)
{
    struct job job = {.trim = malloc(sizeof *config)};
    if (!job.trim)
        return ER_NOMEM;
    *job.trim = *config;
    int er = msgq_push(j->finishing.queue, &job);
    if (er != 0)
        free(job.trim);
    return er;
}
