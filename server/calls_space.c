// SPDX-License-Identifier: Apache-2.0
/* The free space where clips and stills go: looked at now and then; below the limit nothing new is
 * begun, and those in rooms are told, as they are when there is room again. What is being recorded goes
 * on as long as the disk takes it. */
#include <stdlib.h>
#include <sys/statvfs.h>

#include "base/er.h"
#include "base/str.h"
#include "server/calls_impl.h"

#define LOOK_EVERY_US 2000000u
#define LEEWAY_SHARE 20 /* the limit's 1/20 more must be free before it counts as enough again */

struct space_job {
    struct calls_job head;
    char path[sizeof((struct calls *)0)->data];
    uint64_t free_bytes;
    bool known;
};

static void space_work(struct store *s, struct calls_job *head)
{
    struct space_job *job = container_of(head, struct space_job, head);
    struct statvfs fs;
    (void)s;
    job->known = statvfs(job->path, &fs) == 0;
    if (job->known)
        job->free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
}

static json_t *space_json(bool low)
{
    return json_pack("{s:s,s:s,s:s}", "type", "notice", "code", low ? "disk_low" : "disk_ok",
                     "message", low ? CALLS_DISK_LOW : "the server's disk has room again");
}

static void tell_all(struct calls *c)
{
    size_t cursor = 0;
    void *value;
    while (map_next(c->rooms, &cursor, NULL, NULL, &value))
        room_tell(value, NULL, space_json(c->space_low));
}

static void space_done(struct calls *c, struct calls_job *head)
{
    struct space_job *job = container_of(head, struct space_job, head);
    if (!c)
        return;
    c->space_looking = false;
    if (!job->known)
        return;
    uint64_t limit = c->config.min_free_bytes;
    if (c->space_low)
        limit += limit / LEEWAY_SHARE;
    bool low = job->free_bytes < limit;
    c->space_free_bytes = job->free_bytes;
    if (low == c->space_low)
        return;
    c->space_low = low;
    log_event(c->config.log, low ? LOG_ERROR : LOG_INFO, low ? "disk_low" : "disk_ok",
              "free_bytes=%llu limit_bytes=%llu", (unsigned long long)job->free_bytes,
              (unsigned long long)c->config.min_free_bytes);
    tell_all(c);
}

void calls_look_for_space(struct calls *c)
{
    uint64_t now_us = calls_now_us(c);
    if (!c->config.min_free_bytes || c->space_looking || now_us < c->space_look_us)
        return;
    c->space_look_us = now_us + LOOK_EVERY_US;
    struct space_job *job = calloc(1, sizeof *job);
    if (!job)
        return;
    job->head.work = space_work;
    job->head.done = space_done;
    (void)str_copy(job->path, sizeof job->path, c->data);
    c->space_looking = calls_run(c, &job->head) == 0;
    if (!c->space_looking)
        free(job);
}

uint64_t calls_space_deadline_us(const struct calls *c)
{
    return c->config.min_free_bytes && !c->space_looking ? c->space_look_us : UINT64_MAX;
}

void calls_tell_space(struct calls *c, struct session *s)
{
    json_t *message = c->space_low ? space_json(true) : NULL;
    if (message)
        calls_send(c, s, message);
    json_decref(message);
}

bool calls_is_disk_low(const struct calls *c)
{
    return c->space_low;
}
