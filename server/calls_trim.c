// SPDX-License-Identifier: Apache-2.0
/* Trimmed clips: looked up in the store, cut at a key frame of the manifest, entered on the case, copied
 * by a job thread, and then sealed as others are. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/er.h"
#include "base/str.h"
#include "server/calls_impl.h"
#include "server/sealer.h"

/** What is asked for, from the asking to the answer. */
struct trimming {
    struct claims who;
    struct store_clip original, row;
    struct sealer_trim trim;
    calls_done *done;
    void *ctx;
    const char *why;
    int er;
};

static void answer(struct trimming *t, const json_t *body)
{
    t->done(t->ctx, t->er, t->er ? t->why : NULL, body);
    free(t);
}

/** The next step on that queue; answers when it cannot be taken. `done` gets the job. */
static void step(struct calls *c, struct dbq *queue, struct trimming *t,
                 void (*work)(struct store *, struct calls_job *),
                 void (*done)(struct calls *, struct calls_job *))
{
    int er = calls_step(c, queue, t, work, done);
    if (er == 0)
        return;
    t->er = er;
    t->why = "cannot be done now";
    answer(t, NULL);
}

/* 3. The row, then the copy */

static void add_work(struct store *s, struct calls_job *head)
{
    struct trimming *t = calls_step_of(head);
    struct store_clip original;
    t->er = store_begin(s);
    if (t->er)
        return;
    t->er = store_clip_get(s, &t->original.id, &original); /* it may have been deleted meanwhile */
    if (!t->er)
        t->er = store_clip_add(s, &t->row, head->unix_us);
    json_t *data = json_pack("{s:s,s:s,s:I,s:I}", "clip", t->row.id.text, "of", t->original.id.text,
                             "from_ms", (json_int_t)t->trim.from_ms, "to_ms",
                             (json_int_t)t->trim.to_ms);
    if (!t->er)
        t->er = data ? store_event_append(s, &t->row.case_id, t->who.identity, "clip_trimmed", data,
                                          head->unix_us, NULL)
                     : ER_NOMEM;
    json_decref(data);
    t->er = store_end(s, t->er);
}

static int begin(struct calls *c, struct trimming *t)
{
    struct clip *clip = calloc(1, sizeof *clip);
    struct media_trim_config config = {
        .clip = t->row.id, .from_ms = t->trim.from_ms, .to_ms = t->trim.to_ms};
    (void)str_copy(config.from, sizeof config.from, t->original.path);
    (void)str_copy(config.path, sizeof config.path, t->row.path);
    if (clip)
        clip->trim = malloc(sizeof *clip->trim);
    if (!clip || !clip->trim || map_add_str(c->clips, t->row.id.text, clip)) {
        free(clip ? clip->trim : NULL);
        free(clip);
        return ER_NOMEM; /* the next start finds the row, and fails it */
    }
    *clip->trim = t->trim;
    clip->row = t->row;
    clip->row.started_us = t->original.started_us + t->trim.from_ms * 1000;
    call_clip_tell(c, &clip->row);
    int er = media_clip_trim(c->config.media, &config);
    if (er < 0)
        call_clip_failed(c, clip, er);
    return er;
}

static void add_done(struct calls *c, struct calls_job *head)
{
    struct trimming *t = calls_step_of(head);
    json_t *body = NULL;
    if (!c) {
        free(t);
        return;
    }
    t->why = "the clip could not be entered on the case";
    if (t->er == 0) {
        t->er = begin(c, t);
        t->why = "cannot be done now";
        body = t->er ? NULL : store_clip_json(&t->row);
    }
    answer(t, body);
    json_decref(body);
}

/* 2. Where it begins */

static void cut_work(struct store *s, struct calls_job *head)
{
    struct trimming *t = calls_step_of(head);
    (void)s;
    t->trim.from_ms = t->trim.asked_from_ms;
    t->trim.to_ms = t->trim.asked_to_ms;
    t->er = sealer_find_cut(t->original.path, &t->trim.from_ms, &t->trim.to_ms);
}

static void cut_done(struct calls *c, struct calls_job *head)
{
    struct trimming *t = calls_step_of(head);
    if (!c) {
        free(t);
        return;
    }
    t->why = t->er == ER_INVALID ? "there is nothing of the clip between these times"
                                 : "the clip has no seal to trim it by";
    if (t->er) {
        t->er = t->er == ER_NOT_FOUND ? ER_CONFLICT : t->er;
        answer(t, NULL);
        return;
    }
    struct store_clip *row = &t->row;
    uint64_t unix_us = calls_unix_us(c);
    *row = (struct store_clip){.id = id_make(unix_us, &c->config.entropy),
                               .case_id = t->original.case_id,
                               .room = t->original.room,
                               .state = CLIP_RECORDING,
                               .kind = "trim",
                               .created_us = unix_us};
    (void)str_copy(row->merchant, sizeof row->merchant, t->original.merchant);
    (void)str_copy(row->label, sizeof row->label, t->original.label);
    (void)str_copy(row->publisher, sizeof row->publisher, t->original.publisher);
    (void)str_copy(row->started_by, sizeof row->started_by, t->who.identity);
    (void)snprintf(row->path, sizeof row->path, "%s/blobs/%.2s/%s", c->data, row->id.text,
                   row->id.text);
    t->trim.clip = row->id;
    (void)str_copy(t->trim.path, sizeof t->trim.path, row->path);
    (void)str_copy(t->trim.of_path, sizeof t->trim.of_path, t->original.path);
    (void)str_copy(t->trim.asked_by, sizeof t->trim.asked_by, t->who.identity);
    step(c, c->config.dbq, t, add_work, add_done);
}

/* 1. What is to be trimmed */

static void look_work(struct store *s, struct calls_job *head)
{
    struct trimming *t = calls_step_of(head);
    struct id id = t->original.id;
    struct store_clip *row = &t->original;
    t->er = store_clip_get(s, &id, row);
    t->why = "no such clip";
    if (t->er == 0 && !claims_allow_case(&t->who, &row->case_id, &row->room, row->merchant)) {
        t->er = ER_DENIED;
        t->why = "this token is not for this clip's case";
    }
    if (t->er == 0 && (row->state != CLIP_READY || strcmp(row->kind, "trim") == 0)) {
        t->er = ER_CONFLICT;
        t->why = row->state == CLIP_READY ? "it is trimmed already: trim the clip it is of"
                                          : "the clip is not ready";
    }
}

static void look_done(struct calls *c, struct calls_job *head)
{
    struct trimming *t = calls_step_of(head);
    if (!c)
        free(t);
    else if (t->er)
        answer(t, NULL);
    else
        step(c, sealer_queue_for(c->config.sealer, t->original.duration_ms), t, cut_work, cut_done);
}

void calls_clip_trim(struct calls *c, const struct claims *who, const char *clip, uint64_t from_ms,
                     uint64_t to_ms, calls_done *done, void *ctx)
{
    struct trimming *t = calloc(1, sizeof *t);
    const char *why = "no such clip";
    int er = t ? id_parse(clip, &t->original.id) : ER_NOMEM;
    er = er == ER_MALFORMED ? ER_NOT_FOUND : er;
    if (er == 0 && !who->grants.record) {
        er = ER_DENIED;
        why = "this token may not record";
    } else if (er == 0 && (c->draining || c->space_low || !c->config.sealer)) {
        er = c->draining ? ER_CLOSED : ER_FULL;
        why = c->draining ? "the server is about to restart" : "cannot be done now";
    }
    if (er) {
        free(t);
        done(ctx, er, why, NULL);
        return;
    }
    t->who = *who;
    t->done = done;
    t->ctx = ctx;
    t->trim.asked_from_ms = from_ms;
    t->trim.asked_to_ms = to_ms;
    step(c, c->config.dbq, t, look_work, look_done);
}

void call_trim_clear(const char *path)
{
    static const char *const suffixes[] = {
        ".part", ".webm",     ".framelog",     ".jpg",     ".manifest.json",
        ".tmp",  ".webm.tmp", ".framelog.tmp", ".jpg.tmp", ".manifest.json.tmp",
    };
    char name[STORE_PATH_BYTES + 24];
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        (void)snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        (void)unlink(name);
    }
}
