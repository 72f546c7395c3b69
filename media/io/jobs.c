// SPDX-License-Identifier: Apache-2.0
/* Job threads and their clips. */
#include "media/io/jobs.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/list.h"
#include "base/str.h"
#include "media/record/clip.h"

struct job {
    struct record_batch *batch; /* owned; NULL: a repair */
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
};

struct job_thread {
    struct jobs *jobs;
    pthread_t thread;
    bool started;
    struct msgq *queue;
    struct list clips;
};

struct jobs {
    struct msgq *events;
    struct log *log;
    unsigned count;
    struct job_thread threads[8];
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
    hex_encode(out->sha256, r->sha256, sizeof r->sha256);
    out->width = r->width;
    out->height = r->height;
    out->repaired = r->repaired;
    out->has_poster = r->has_poster;
    out->has_video = r->has_video;
    out->video_codec = r->has_video ? codec_format_name(r->format) : NULL;
    out->has_audio = r->has_audio;
    out->gaps = r->gaps;
    out->gap_ms = r->gap_us / 1000;
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

static void open_clip(struct job_thread *t, const struct record_batch *b)
{
    const struct clip_config config = {
        .path = b->path, .start_unix_us = b->unix_us, .publisher = b->publisher};
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
    struct media_event event = {
        .type = MEDIA_CLIP_STARTED, .room = b->room, .clip = b->clip, .unix_us = b->unix_us};
    tell(t->jobs, &event);
}

static void close_clip(struct job_thread *t, struct job_clip *c, uint64_t end_unix_us, int er)
{
    struct clip_result result = {0};
    int finished = clip_finish(c->clip, end_unix_us, &result);
    if (finished == 0)
        tell_ready(t->jobs, &c->room, &c->id, er, c->start_unix_us, &result);
    else
        tell_failed(t->jobs, &c->room, &c->id, er ? er : finished);
    clip_free(c->clip);
    list_remove(&c->in_thread);
    free(c);
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
        er = clip_tick(c->clip, b->unix_us);
    if (er == ER_IO) /* the disk is full or broken: keep what is on it, tell, go on without */
        close_clip(t, c, b->unix_us, er);
}

static void record(struct job_thread *t, struct record_batch *b)
{
    struct job_clip *c = find_clip(t, &b->clip);
    if (b->step == RECORD_OPEN)
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
    int er = clip_repair(path, &result);
    if (er == 0)
        tell_ready(t->jobs, &none, clip, 0, 0, &result);
    else
        tell_failed(t->jobs, &none, clip, er);
}

static void *run(void *arg)
{
    struct job_thread *t = arg;
    struct job job;
    while (msgq_wait(t->queue, &job, -1)) {
        if (job.batch)
            record(t, job.batch);
        else
            repair(t, &job.clip, job.path);
        free(job.path);
    }
    list_each_safe (c, &t->clips, struct job_clip, in_thread)
        close_clip(t, c, c->last_unix_us, 0);
    return NULL;
}

static int start_thread(struct jobs *j, struct job_thread *t)
{
    t->jobs = j;
    list_init(&t->clips);
    int er = msgq_new(&t->queue, sizeof(struct job), LIMIT_JOB_QUEUE);
    if (er != 0)
        return er;
    if (pthread_create(&t->thread, NULL, run, t) != 0)
        return ER_IO;
    t->started = true;
    return 0;
}

int jobs_start(struct jobs **ret, unsigned threads, struct msgq *events, struct log *log)
{
    struct jobs *j = calloc(1, sizeof *j);
    if (!j)
        return ER_NOMEM;
    j->events = events;
    j->log = log;
    for (unsigned i = 0; i < threads && i < sizeof j->threads / sizeof j->threads[0]; i++) {
        j->count = i + 1;
        int er = start_thread(j, &j->threads[i]);
        if (er != 0) {
            jobs_stop(j);
            return er;
        }
    }
    *ret = j;
    return 0;
}

void jobs_stop(struct jobs *j)
{
    if (!j)
        return;
    for (unsigned i = 0; i < j->count; i++)
        if (j->threads[i].queue)
            msgq_close(j->threads[i].queue);
    for (unsigned i = 0; i < j->count; i++) {
        if (j->threads[i].started)
            pthread_join(j->threads[i].thread, NULL);
        msgq_free(j->threads[i].queue);
    }
    free(j);
}

/** The thread that does all of this clip. */
static struct job_thread *thread_for(struct jobs *j, const struct id *clip)
{
    unsigned sum = 0;
    for (const char *p = clip->text; *p; p++)
        sum = sum * 31 + (unsigned char)*p;
    return &j->threads[sum % j->count];
}

int jobs_record(struct jobs *j, struct record_batch *batch)
{
    struct job job = {.batch = batch};
    return msgq_push(thread_for(j, &batch->clip)->queue, &job);
}

int jobs_repair(struct jobs *j, const struct id *clip, const char *path)
{
    struct job job = {.clip = *clip, .path = strdup(path)};
    if (!job.path)
        return ER_NOMEM;
    int er = msgq_push(thread_for(j, clip)->queue, &job);
    if (er != 0)
        free(job.path);
    return er;
}
