// SPDX-License-Identifier: Apache-2.0
/* Time stamps for clips that are ready: one after the other, as the store has them, so that a restart
 * forgets none. When the authority does not answer, all wait, longer each time. A clip that is older than
 * LIMIT_STAMP_US is not tried any more. */
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "server/calls_impl.h"
#include "server/sealer.h"

#define FIRST_RETRY_US 5000000u
#define LAST_RETRY_US 600000000u

/** A clip, from the search for it to its end. */
struct stamping {
    struct store_clip row;
    struct sealer *sealer;
    struct sealer_stamped stamped;
    enum clip_stamp becomes;
    uint64_t waiting;
    bool ask;
    int er;
};

static void stamping_free(struct stamping *t)
{
    free(t->stamped.text);
    free(t);
}

/** On to the next clip; or, with an error, not before some time has passed. ER_CONFLICT: this clip is being
 *  deleted, or has been. */
static void end(struct calls *c, struct stamping *t)
{
    uint64_t now_us = calls_now_us(c), *delay_us = &c->stamps.delay_us;
    if (t->er && t->er != ER_CONFLICT) {
        c->stamps.tries_failed++;
        *delay_us = *delay_us == 0                  ? FIRST_RETRY_US
                    : *delay_us * 2 < LAST_RETRY_US ? *delay_us * 2
                                                    : LAST_RETRY_US;
        log_event(c->config.log, LOG_WARN, "no_timestamp", "clip=%s er=%s retry_s=%u",
                  t->row.id.text, er_name(t->er), (unsigned)(*delay_us / 1000000));
    }
    c->stamps.at_us = now_us + (t->er == ER_CONFLICT ? FIRST_RETRY_US : t->er ? *delay_us : 0);
    c->stamps.after = t->row.id;
    c->stamps.writing = (struct id){0};
    c->stamps.busy = false;
    stamping_free(t);
}

static void step(struct calls *c, struct dbq *queue, struct stamping *t,
                 void (*work)(struct store *, struct calls_job *),
                 void (*done)(struct calls *, struct calls_job *))
{
    int er = calls_step(c, queue, t, work, done);
    if (er == 0)
        return;
    t->er = er;
    end(c, t);
}

/* 5. The store knows that there is nothing more to do */

static void mark_work(struct store *s, struct calls_job *head)
{
    struct stamping *t = calls_step_of(head);
    t->er = store_clip_stamp_set(s, &t->row.id, t->becomes);
}

static void mark_done(struct calls *c, struct calls_job *head)
{
    if (c)
        end(c, calls_step_of(head));
    else
        stamping_free(calls_step_of(head));
}

static void mark(struct calls *c, struct stamping *t, enum clip_stamp becomes)
{
    t->becomes = becomes;
    step(c, c->config.dbq, t, mark_work, mark_done);
}

/* 4. In the place of the sealed manifest, now that the timeline tells of it */

static void put_work(struct store *s, struct calls_job *head)
{
    struct stamping *t = calls_step_of(head);
    (void)s;
    t->er = sealer_stamp_put(t->row.path);
}

static void put_done(struct calls *c, struct calls_job *head)
{
    struct stamping *t = calls_step_of(head);
    if (!c) {
        stamping_free(t);
    } else if (t->er) {
        end(c, t);
    } else {
        c->stamps.stamped++;
        mark(c, t, CLIP_STAMPED);
    }
}

/* 3. On the timeline */

static void tell_work(struct store *s, struct calls_job *head)
{
    struct stamping *t = calls_step_of(head);
    t->er = store_clip_stamp_tell(s, &t->row, t->stamped.sha256, head->unix_us);
}

static void tell_done(struct calls *c, struct calls_job *head)
{
    struct stamping *t = calls_step_of(head);
    t->er = t->er == ER_NOT_FOUND ? ER_CONFLICT : t->er;
    if (!c)
        stamping_free(t);
    else if (t->er)
        end(c, t); /* it lies there for the next time */
    else
        step(c, sealer_stamp_queue(t->sealer), t, put_work, put_done);
}

/* 2. Beside the sealed manifest. From here to its end nobody deletes the clip */

static void keep_work(struct store *s, struct calls_job *head)
{
    struct stamping *t = calls_step_of(head);
    (void)s;
    t->er = sealer_stamp_keep(t->row.path, &t->stamped);
}

static void keep_done(struct calls *c, struct calls_job *head)
{
    struct stamping *t = calls_step_of(head);
    t->er = t->er == ER_NOT_FOUND ? ER_CONFLICT : t->er;
    if (!c)
        stamping_free(t);
    else if (t->er)
        end(c, t);
    else
        step(c, c->config.dbq, t, tell_work, tell_done);
}

/* 1. From the authority */

static void get_work(struct store *s, struct calls_job *head)
{
    struct stamping *t = calls_step_of(head);
    (void)s;
    t->er = sealer_stamp_get(t->sealer, t->row.path, t->row.manifest_sha256, t->ask, head->unix_us,
                             &t->stamped);
}

static void give_up(struct calls *c, struct stamping *t)
{
    c->stamps.given_up++;
    log_event(c->config.log, LOG_ERROR, "timestamp_given_up", "clip=%s er=%s", t->row.id.text,
              er_name(t->er));
    mark(c, t, CLIP_STAMPLESS);
}

static void get_done(struct calls *c, struct calls_job *head)
{
    struct stamping *t = calls_step_of(head);
    if (!c) {
        stamping_free(t);
        return;
    }
    bool answered = t->er == 0 || t->er == ER_STALE;
    if (answered && t->ask)
        c->stamps.delay_us = 0;
    if (t->er == 0 && map_get_str(c->deletions, t->row.id.text)) {
        t->er = ER_CONFLICT;
        end(c, t);
    } else if (t->er == 0) {
        c->stamps.writing = t->row.id;
        step(c, sealer_stamp_queue(t->sealer), t, keep_work, keep_done);
    } else if (t->er == ER_STALE) {
        mark(c, t, CLIP_STAMPED);
    } else if (t->er == ER_NOT_FOUND) { /* it was never sealed */
        mark(c, t, CLIP_STAMPLESS);
    } else if (t->er == ER_MALFORMED || !t->ask) {
        give_up(c, t);
    } else {
        end(c, t);
    }
}

/* 0. Which */

static void find_work(struct store *s, struct calls_job *head)
{
    struct stamping *t = calls_step_of(head);
    struct id after = t->row.id;
    t->er = store_clip_unstamped(s, &after, &t->row, &t->waiting);
    t->ask = t->row.created_us + LIMIT_STAMP_US > head->unix_us;
}

/** All were looked at. */
static void end_round(struct calls *c, struct stamping *t)
{
    uint64_t now_us = calls_now_us(c);
    bool again = c->stamps.again || (t->waiting && c->stamps.delay_us);
    c->stamps.after = (struct id){0};
    c->stamps.again = c->stamps.busy = false;
    c->stamps.at_us = again ? now_us : t->waiting ? now_us + FIRST_RETRY_US : UINT64_MAX;
    stamping_free(t);
}

static void find_done(struct calls *c, struct calls_job *head)
{
    struct stamping *t = calls_step_of(head);
    if (!c) {
        stamping_free(t);
        return;
    }
    c->stamps.waiting = t->waiting;
    if (t->er == 0 && map_get_str(c->deletions, t->row.id.text))
        t->er = ER_CONFLICT;
    if (t->er == ER_NOT_FOUND)
        end_round(c, t);
    else if (t->er)
        end(c, t);
    else
        step(c, sealer_stamp_queue(t->sealer), t, get_work, get_done);
}

static bool may_look(const struct calls *c)
{
    return c->config.sealer && sealer_stamps(c->config.sealer) && !c->draining && !c->space_low &&
           !c->stamps.busy;
}

void calls_stamp(struct calls *c)
{
    if (!may_look(c) || calls_now_us(c) < c->stamps.at_us)
        return;
    struct stamping *t = calloc(1, sizeof *t);
    if (!t) {
        c->stamps.at_us = calls_now_us(c) + FIRST_RETRY_US;
        return;
    }
    t->sealer = c->config.sealer;
    t->row.id = c->stamps.after;
    c->stamps.busy = true;
    step(c, c->config.dbq, t, find_work, find_done);
}

void calls_stamp_soon(struct calls *c)
{
    c->stamps.again = true;
    c->stamps.waiting++; /* until it is counted anew */
    if (!c->stamps.delay_us)
        c->stamps.at_us = 0;
}

uint64_t calls_stamps_deadline_us(const struct calls *c)
{
    return may_look(c) ? c->stamps.at_us : UINT64_MAX;
}
