// SPDX-License-Identifier: Apache-2.0
/* What participants were shown goes from the media engine to the store, as it comes. */
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "server/calls_impl.h"

struct seen_job {
    struct calls_job head;
    struct id room;
    struct media_seen *seen; /* owned */
    int er;
};

static void seen_work(struct store *s, struct calls_job *head)
{
    struct seen_job *job = container_of(head, struct seen_job, head);
    job->er = store_seen_add(s, &job->room, job->seen->bytes, job->seen->len, head->unix_us);
}

static void note(struct calls *c, int er, size_t len)
{
    c->seen_logs += er == 0;
    c->seen_bytes += er == 0 ? len : 0;
    c->seen_dropped += er != 0;
    if (er)
        log_event(c->config.log, LOG_WARN, "seen_not_kept", "er=%s bytes=%zu", er_name(er), len);
}

static void seen_done(struct calls *c, struct calls_job *head)
{
    struct seen_job *job = container_of(head, struct seen_job, head);
    if (c)
        note(c, job->er, job->seen->len);
    free(job->seen);
}

void calls_on_seen_event(struct calls *c, struct media_event *event)
{
    struct seen_job *job = calloc(1, sizeof *job);
    size_t len = event->seen->len;
    int er = job ? 0 : ER_NOMEM;
    if (!er) {
        *job = (struct seen_job){.head = {.work = seen_work, .done = seen_done},
                                 .room = event->room,
                                 .seen = event->seen};
        er = calls_run(c, &job->head);
    }
    if (er) {
        note(c, er, len);
        free(job);
        return;
    }
    event->seen = NULL; /* the job's */
}
