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
    json_t *facts; /* owned */
    int er;
};

/** What became of it goes on where the row is written. */
static void sealed(struct calls *c, const struct id *clip, int er, const char *sha256)
{
    struct clip *found = c ? map_get_str(c->clips, clip->text) : NULL;
    if (found)
        call_clip_sealed(c, found, er, sha256);
}

static void seal_work(struct store *s, struct calls_job *head)
{
    struct seal_job *job = container_of(head, struct seal_job, head);
    (void)s;
    job->er = sealer_seal(job->sealer, &job->row.id, job->row.path, job->facts, head->unix_us,
                          job->row.manifest_sha256);
}

static void seal_done(struct calls *c, struct calls_job *head)
{
    struct seal_job *job = container_of(head, struct seal_job, head);
    sealed(c, &job->row.id, job->er, job->row.manifest_sha256);
    json_decref(job->facts);
}

static void facts_work(struct store *s, struct calls_job *head)
{
    struct facts_job *job = container_of(head, struct facts_job, head);
    job->er = store_clip_facts(s, &job->row, &job->facts);
}

static void facts_done(struct calls *c, struct calls_job *head)
{
    struct facts_job *job = container_of(head, struct facts_job, head);
    struct seal_job *next = c && job->er == 0 ? calloc(1, sizeof *next) : NULL;
    int er = job->er;
    if (next) {
        next->head.work = seal_work;
        next->head.done = seal_done;
        next->sealer = c->config.sealer;
        next->row = job->row;
        next->facts = json_incref(job->facts);
        er = calls_run_on(c, sealer_queue(c->config.sealer), &next->head);
        if (er)
            json_decref(next->facts);
    } else if (er == 0) {
        er = ER_NOMEM;
    }
    if (er) {
        free(next);
        sealed(c, &job->row.id, er, "");
    }
    json_decref(job->facts);
}

void call_clip_seal(struct calls *c, struct clip *clip)
{
    struct facts_job *job = calloc(1, sizeof *job);
    int er = job ? 0 : ER_NOMEM;
    clip->writing = true;
    if (job) {
        job->head.work = facts_work;
        job->head.done = facts_done;
        job->row = clip->row;
        er = calls_run(c, &job->head);
    }
    if (er == 0)
        return;
    free(job);
    call_clip_sealed(c, clip, er, "");
}
