// SPDX-License-Identifier: Apache-2.0
/* What recording a clip and taking a still have in common: who may ask for it in which room, and of whom. */
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/str.h"
#include "server/calls_impl.h"

static bool has_picture(const struct room *r, const char *identity)
{
    for (size_t i = 0; i < r->track_count; i++) {
        if (r->tracks[i].kind == MEDIA_VIDEO && strcmp(r->tracks[i].identity, identity) == 0)
            return true;
    }
    return false;
}

/** Whether that person is there, agrees and sends pictures; the one who is meant when nobody is named. */
static int check(struct room *r, struct record_ask *ask, const char **ret_why)
{
    bool named = ask->publisher[0] != '\0';
    if (!named)
        (void)str_copy(ask->publisher, sizeof ask->publisher, room_default_publisher(r));
    const struct roster_person *p = roster_find(r->roster, ask->publisher);
    *ret_why = named ? "nobody of that name is in the room" : "nobody is there to be recorded";
    if (!p)
        return named ? ER_NOT_FOUND : ER_CONFLICT;
    *ret_why = "the publisher has not consented to being recorded";
    if (!p->consent)
        return ER_CONFLICT;
    *ret_why = "the publisher sends no picture";
    if (!has_picture(r, ask->publisher))
        return ER_CONFLICT;
    *ret_why = CALLS_DISK_LOW;
    return r->calls->space_low ? ER_IO : 0;
}

static int run(struct calls *c, struct room *r, struct record_ask *ask, const char **ret_why)
{
    *ret_why = "the server is about to restart";
    if (c->draining) /* since it was asked for */
        return ER_CLOSED;
    *ret_why = "nobody is in the room";
    int er = r ? check(r, ask, ret_why) : ER_CONFLICT;
    if (er)
        return er;
    er = ask->run(c, r, ask);
    *ret_why = er == ER_FULL ? "too much is recorded in this room already" : "cannot be done now";
    return er;
}

static void entered(struct calls *c, struct entry_job *job, struct room *r)
{
    struct record_ask *ask = job->ctx;
    int er = job->er;
    const char *why = er == ER_DENIED ? "this token is not for this room" : "no such room";
    if (c && er == 0)
        er = run(c, r, ask, &why);
    if (c && er < 0)
        ask->done(ask->ctx, er, why, NULL);
    free(ask);
}

void calls_record(struct calls *c, const char *room, const struct record_ask *ask)
{
    if (c->draining || !ask->who.grants.record) {
        ask->done(ask->ctx, c->draining ? ER_CLOSED : ER_DENIED,
                  c->draining ? "the server is about to restart" : "this token may not record",
                  NULL);
        return;
    }
    struct record_ask *kept = malloc(sizeof *kept);
    struct entry_job *job = calloc(1, sizeof *job);
    if (!kept || !job || id_parse(room, &job->by_room) < 0) {
        ask->done(ask->ctx, kept && job ? ER_NOT_FOUND : ER_NOMEM, "no such room", NULL);
        free(kept);
        free(job);
        return;
    }
    *kept = *ask;
    job->claims = ask->who;
    job->look_only = true;
    job->entered = entered;
    job->ctx = kept;
    calls_enter(c, job);
}
