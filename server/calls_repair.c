// SPDX-License-Identifier: Apache-2.0
/* Clips that did not come to their end: what a dead process left is finished at the start, what the disk
 * did not take is tried again while this one lives, and at the next start. Nobody is told of tries that
 * fail. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/er.h"
#include "server/calls_impl.h"

#define FIRST_RETRY_US 5000000u
#define LAST_RETRY_US 600000000u

/** One that waits for room. */
struct repair {
    struct list node;
    struct store_clip row;
    uint64_t at_us, delay_us;
    bool trying; /* it is with the media engine */
};

static bool is_trim(const struct store_clip *row)
{
    return strcmp(row->kind, "trim") == 0;
}

static void begin(struct calls *c, const struct store_clip *row, bool again)
{
    struct clip *clip = map_get_str(c->deletions, row->id.text) ? NULL : calloc(1, sizeof *clip);
    if (!clip || map_add_str(c->clips, row->id.text, clip) < 0) {
        free(clip);
        return;
    }
    clip->row = *row;
    clip->row.state = CLIP_RECORDING;
    clip->again = again;
    if (is_trim(row)) { /* can be asked for again */
        call_clip_failed(c, clip, ER_CLOSED);
        return;
    }
    int er = media_clip_repair(c->config.media, &clip->row.id, clip->row.path);
    log_event(c->config.log, LOG_INFO, "clip_repair", "clip=%s er=%s", clip->row.id.text,
              er_name(er));
    if (er < 0)
        call_clip_free(c, clip); /* stays as it is until the next start */
}

/* At the start */

struct repair_job {
    struct calls_job head;
    struct store_clip *rows;
    size_t count;
    int er;
};

static void repair_each(void *ctx, const struct store_clip *row)
{
    struct repair_job *job = ctx;
    struct store_clip *grown = realloc(job->rows, (job->count + 1) * sizeof *grown);
    if (!grown)
        return; /* the next start tries again */
    job->rows = grown;
    job->rows[job->count++] = *row;
}

/** Failed ones only if something was kept of them. */
static void failed_each(void *ctx, const struct store_clip *row)
{
    char part[STORE_PATH_BYTES + 8];
    (void)snprintf(part, sizeof part, "%s.part", row->path);
    bool later = strcmp(row->reason, er_name(ER_IO)) == 0 ||
                 strcmp(row->reason, er_name(ER_DENIED)) == 0; /* its key was not there */
    if (!is_trim(row) && later && access(part, F_OK) == 0)
        repair_each(ctx, row);
}

static void repair_work(struct store *s, struct calls_job *head)
{
    struct repair_job *job = container_of(head, struct repair_job, head);
    job->er = store_clips_in_state(s, CLIP_RECORDING, repair_each, job);
    for (size_t i = 0; i < job->count; i++) {
        if (is_trim(&job->rows[i]))
            call_trim_clear(job->rows[i].path);
    }
    if (job->er == 0)
        job->er = store_clips_in_state(s, CLIP_FAILED, failed_each, job);
}

static void repair_done(struct calls *c, struct calls_job *head)
{
    struct repair_job *job = container_of(head, struct repair_job, head);
    for (size_t i = 0; c && i < job->count; i++)
        begin(c, &job->rows[i], job->rows[i].state == CLIP_FAILED);
    free(job->rows);
}

void calls_repair_clips(struct calls *c)
{
    struct repair_job *job = calloc(1, sizeof *job);
    if (!job)
        return;
    job->head.work = repair_work;
    job->head.done = repair_done;
    if (calls_run(c, &job->head) < 0)
        free(job);
}

/* Later */

static struct repair *find(struct calls *c, const struct id *clip, size_t *ret_count)
{
    *ret_count = 0;
    list_each (r, &c->repairs, struct repair, node) {
        if (id_equal(&r->row.id, clip))
            return r;
        (*ret_count)++;
    }
    return NULL;
}

void calls_repair_later(struct calls *c, const struct store_clip *row, bool again)
{
    size_t count;
    if (is_trim(row))
        return;
    struct repair *r = find(c, &row->id, &count);
    if (!r && count < LIMIT_REPAIRS && (r = calloc(1, sizeof *r))) {
        r->row = *row;
        r->delay_us = FIRST_RETRY_US;
        list_append(&c->repairs, &r->node);
    }
    if (!r)
        return;
    if (again && r->delay_us < LAST_RETRY_US)
        r->delay_us *= 2;
    r->trying = false;
    r->at_us = calls_now_us(c) + r->delay_us;
}

static void repair_free(struct repair *r)
{
    list_remove(&r->node);
    free(r);
}

/** One that was tried and did not come back failed has come to an end. */
static bool is_over(const struct calls *c, const struct repair *r)
{
    return r->trying && !map_get_str(c->clips, r->row.id.text);
}

void calls_retry_repairs(struct calls *c)
{
    uint64_t now_us = calls_now_us(c);
    list_each_safe (r, &c->repairs, struct repair, node) {
        if (is_over(c, r)) {
            repair_free(r);
        } else if (!r->trying && now_us >= r->at_us && !c->draining) {
            r->at_us = now_us + r->delay_us;
            if (c->space_low || map_get_str(c->clips, r->row.id.text) ||
                map_get_str(c->deletions, r->row.id.text))
                continue; /* its row is being written yet */
            r->trying = true;
            begin(c, &r->row, true);
        }
    }
}

void calls_repair_never(struct calls *c, const struct id *clip)
{
    size_t count;
    struct repair *r = find(c, clip, &count);
    if (r)
        repair_free(r);
}

uint64_t calls_repairs_deadline_us(const struct calls *c)
{
    uint64_t next_us = UINT64_MAX;
    list_each (r, &c->repairs, struct repair, node) {
        if (!r->trying && !c->draining && r->at_us < next_us)
            next_us = r->at_us;
    }
    return next_us;
}

void calls_repairs_clear(struct calls *c)
{
    list_each_safe (r, &c->repairs, struct repair, node)
        repair_free(r);
}
