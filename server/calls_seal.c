// SPDX-License-Identifier: Apache-2.0
/* Between a finished file and a clip that is ready: what the case says of it is gathered, and sealed
 * with it. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/str.h"
#include "server/calls_impl.h"
#include "server/sealer.h"

struct facts_job {
    struct calls_job head;
    struct store_clip row;
    json_t *facts;
    int er;
};

struct seal_job {
    struct calls_job head;
    struct sealer *sealer;
    struct store_clip row;
    json_t *facts;            /* owned; or: */
    struct sealer_trim *trim; /* a copy, owned */
    struct sealer_hashes hashes;
    int er;
};

/** What became of it goes on where the row is written. */
static void sealed(struct calls *c, const struct id *clip, int er,
                   const struct sealer_hashes *hashes)
{
    struct clip *found = c ? map_get_str(c->clips, clip->text) : NULL;
    if (found)
        call_clip_sealed(c, found, er, hashes);
}

static void seal_work(struct store *s, struct calls_job *head)
{
    struct seal_job *job = container_of(head, struct seal_job, head);
    (void)s;
    if (job->trim)
        job->er = sealer_trim(job->sealer, job->trim, head->unix_us, &job->hashes);
    else
        job->er = sealer_seal(job->sealer, &job->row.id, job->row.path, job->facts, head->unix_us,
                              &job->hashes);
}

static void seal_done(struct calls *c, struct calls_job *head)
{
    struct seal_job *job = container_of(head, struct seal_job, head);
    sealed(c, &job->row.id, job->er, &job->hashes);
    json_decref(job->facts);
    free(job->trim);
}

/** Either `facts` or `trim`; both stay the caller's. */
static int seal_run(struct calls *c, const struct store_clip *row, json_t *facts,
                    const struct sealer_trim *trim)
{
    struct seal_job *job = calloc(1, sizeof *job);
    if (!job)
        return ER_NOMEM;
    job->head.work = seal_work;
    job->head.done = seal_done;
    job->sealer = c->config.sealer;
    job->row = *row;
    job->facts = facts ? json_incref(facts) : NULL;
    job->trim = trim ? malloc(sizeof *trim) : NULL;
    int er = trim && !job->trim ? ER_NOMEM : 0;
    if (job->trim)
        *job->trim = *trim;
    if (er == 0)
        er = calls_run_on(c, sealer_queue_for(c->config.sealer, row->duration_ms), &job->head);
    if (er == 0)
        return 0;
    json_decref(job->facts);
    free(job->trim);
    free(job);
    return er;
}

static void facts_work(struct store *s, struct calls_job *head)
{
    struct facts_job *job = container_of(head, struct facts_job, head);
    json_t *seen = NULL;
    job->er = store_clip_facts(s, &job->row, &job->facts);
    if (job->er == 0)
        job->er = store_clip_seen(s, &job->row, head->unix_us, &seen);
    if (job->er == 0 && json_object_set_new(job->facts, "seen", seen))
        job->er = ER_NOMEM;
}

static void facts_done(struct calls *c, struct calls_job *head)
{
    struct facts_job *job = container_of(head, struct facts_job, head);
    int er = job->er;
    if (c && er == 0)
        er = seal_run(c, &job->row, job->facts, NULL);
    if (er)
        sealed(c, &job->row.id, er, NULL);
    json_decref(job->facts);
}

static int facts_run(struct calls *c, const struct store_clip *row)
{
    struct facts_job *job = calloc(1, sizeof *job);
    if (!job)
        return ER_NOMEM;
    job->head.work = facts_work;
    job->head.done = facts_done;
    job->row = *row;
    int er = calls_run(c, &job->head);
    if (er)
        free(job);
    return er;
}

void call_clip_seal(struct calls *c, struct clip *clip)
{
    clip->writing = true;
    int er = clip->trim ? seal_run(c, &clip->row, NULL, clip->trim) : facts_run(c, &clip->row);
    if (er)
        call_clip_sealed(c, clip, er, NULL);
}
