// SPDX-License-Identifier: Apache-2.0
/* Things that take several steps, each a job on whichever thread it belongs to. */
#include <stdlib.h>

#include "base/er.h"
#include "base/list.h"
#include "server/calls_impl.h"

struct step {
    struct calls_job head;
    void *of;
};

int calls_step(struct calls *c, struct dbq *queue, void *of,
               void (*work)(struct store *, struct calls_job *),
               void (*done)(struct calls *, struct calls_job *))
{
    struct step *step = calloc(1, sizeof *step);
    if (!step)
        return ER_NOMEM;
    step->head.work = work;
    step->head.done = done;
    step->of = of;
    int er = calls_run_on(c, queue, &step->head);
    if (er)
        free(step);
    return er;
}

void *calls_step_of(struct calls_job *head)
{
    return container_of(head, struct step, head)->of;
}
