// SPDX-License-Identifier: Apache-2.0
/* Three things go round: looking for what is due (store), sending (poster), writing down (store). */
#include "server/hook_runner.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/str.h"
#include "server/booking_link.h"
#include "server/http_post.h"

/* How often is looked without news: attempts that have become due, and what loupectl changed. */
#define LOOK_US UINT64_C(1000000)

/** One delivery under way: what belongs to its request. */
struct flight {
    uint64_t sent_us;
    struct store_delivery delivery;
};

/** A look at the store: what is due, with room for it; and figures. */
struct look {
    struct hook_runner *runner;
    struct hooks_room *room;
    struct http_post *posts[LIMIT_HOOK_FLIGHTS];
    size_t count;
    uint64_t now_us; /* wall clock */
    bool sweep, more;
    int er;
    struct store_hook_figures figures;
};

struct writing {
    struct hook_runner *runner;
    struct store_outcome outcomes[LIMIT_HOOK_FLIGHTS];
    size_t count;
    uint64_t now_us;
    int er;
};

struct hook_runner {
    struct hook_runner_config config;
    struct hooks *hooks;
    struct http_poster *poster; /* NULL: stopped */
    bool looking, writing_on, look_again;
    uint64_t news;
    uint64_t look_at_us, sweep_at_us, unwritten_at_us; /* monotonic */
    struct writing
        *unwritten; /* what the store could not take; once more, or the next start sends again */
    struct writing *pending; /* what came of attempts, not with the store yet */
    struct hook_counters counters;
};

int hook_runner_new(struct hook_runner **ret, const struct hook_runner_config *config)
{
    struct hook_runner *r = calloc(1, sizeof *r);
    if (!r)
        return ER_NOMEM;
    r->config = *config;
    r->pending = calloc(1, sizeof *r->pending);
    int er = r->pending ? hooks_new(&r->hooks, &config->entropy) : ER_NOMEM;
    if (!er)
        er = http_poster_new(&r->poster, config->reach, config->authorities);
    if (er) {
        hook_runner_free(r);
        return er;
    }
    *ret = r;
    return 0;
}

void hook_runner_stop(struct hook_runner *r)
{
    if (!r)
        return;
    http_poster_free(r->poster);
    r->poster = NULL;
}

void hook_runner_free(struct hook_runner *r)
{
    if (!r)
        return;
    hook_runner_stop(r);
    hooks_free(r->hooks);
    free(r->pending);
    free(r->unwritten);
    free(r);
}

int hook_runner_fd(const struct hook_runner *r)
{
    return http_poster_fd(r->poster);
}

/* Looking */

/** On the store thread: a request, but for its signature, which is of the moment it goes out. */
static void due_add(void *ctx, const struct store_due *due)
{
    struct look *k = ctx;
    if (k->count == LIMIT_HOOK_FLIGHTS)
        return;
    struct http_post *post = calloc(1, sizeof *post);
    struct flight *f = calloc(1, sizeof *f);
    const struct hook_runner_config *config = &k->runner->config;
    char *body = booking_link_add(config->auth, config->base_url, due->body);
    if (!body)
        body = strdup(due->body);
    char id[HOOK_ID_BYTES], signatures[HOOK_SIGNATURES_BYTES];
    uint64_t now_s = k->now_us / 1000000;
    size_t len = body ? strlen(body) : 0;
    store_delivery_name(due->delivery, id);
    if (!post || !f || !body ||
        hook_sign(due->hook->secret, due->hook->old_secret, id, now_s, body, len, signatures)) {
        free(post);
        free(f);
        free(body);
        return;
    }
    f->delivery = *due->delivery;
    f->sent_us = k->now_us;
    post->tag = f;
    post->body = body;
    post->len = len;
    (void)str_copy(post->url, sizeof post->url, due->hook->url);
    (void)snprintf(post->headers[0], HTTP_POST_HEADER_BYTES, "webhook-id: %s", id);
    (void)snprintf(post->headers[1], HTTP_POST_HEADER_BYTES, "webhook-timestamp: %llu",
                   (unsigned long long)now_s);
    (void)snprintf(post->headers[2], HTTP_POST_HEADER_BYTES, "webhook-signature: %s", signatures);
    k->posts[k->count++] = post;
}

static void look_work(struct store *s, void *job)
{
    struct look *k = job;
    k->er = store_hooks_due(s, k->room, k->now_us, due_add, k);
    if (!k->er && k->sweep)
        k->er = store_hooks_sweep(s, k->now_us, &k->more);
    if (!k->er && k->sweep)
        k->er = store_hooks_figures(s, &k->figures);
}

static void send_out(struct hook_runner *r, struct http_post *post)
{
    const struct flight *f = post->tag;
    const struct hook_lane lane = f->delivery.lane;
    if (!r->poster || hooks_sent(r->hooks, &lane)) {
        http_post_free(post);
    } else if (http_poster_send(r->poster, post)) {
        hooks_settled(r->hooks, &lane);
        http_post_free(post);
    }
}

static void look_done(void *job)
{
    struct look *k = job;
    struct hook_runner *r = k->runner;
    r->looking = false;
    for (size_t i = 0; i < k->count; i++)
        send_out(r, k->posts[i]);
    if (k->er)
        log_event(r->config.log, LOG_ERROR, "webhooks_unread", "er=%s", er_name(k->er));
    else if (k->sweep)
        r->counters.store = k->figures;
    r->look_again |= k->more;
    hooks_room_free(k->room);
    free(k);
}

static void look(struct hook_runner *r, uint64_t now_us)
{
    struct look *k = calloc(1, sizeof *k);
    if (!k || hooks_room_new(&k->room, r->hooks, clock_unix_us())) {
        free(k);
        return;
    }
    k->runner = r;
    k->now_us = clock_unix_us();
    k->sweep = now_us >= r->sweep_at_us;
    if (dbq_run(r->config.dbq, look_work, look_done, k)) {
        hooks_room_free(k->room);
        free(k);
        return;
    }
    r->looking = true;
    r->look_again = false;
    if (k->sweep)
        r->sweep_at_us = now_us + LOOK_US;
}

/* Writing down */

static void writing_work(struct store *s, void *job)
{
    struct writing *w = job;
    w->er = store_hooks_done(s, w->outcomes, w->count, w->now_us);
}

static void writing_done(void *job)
{
    struct writing *w = job;
    struct hook_runner *r = w->runner;
    r->writing_on = false;
    if (w->er) {
        log_event(r->config.log, LOG_ERROR, "webhooks_unwritten", "er=%s", er_name(w->er));
        r->unwritten = w;
        return;
    }
    for (size_t i = 0; i < w->count; i++)
        hooks_settled(r->hooks, &w->outcomes[i].lane);
    r->look_again = true;
    free(w);
}

/** What could not be written comes first: until then its lanes stay taken. */
static void write_down(struct hook_runner *r, uint64_t now_us)
{
    struct writing *next = NULL, *w = r->unwritten;
    if (w && now_us < r->unwritten_at_us)
        return;
    if (!w) {
        w = r->pending;
        next = w->count ? calloc(1, sizeof *next) : NULL;
        if (!next)
            return;
    }
    w->runner = r;
    w->now_us = clock_unix_us();
    if (dbq_run(r->config.dbq, writing_work, writing_done, w)) {
        free(next);
        return;
    }
    if (w == r->unwritten)
        r->unwritten = NULL;
    else
        r->pending = next;
    r->unwritten_at_us = now_us + LOOK_US;
    r->writing_on = true;
}

/* Answers */

static void count(struct hook_runner *r, const struct http_post *post, enum hook_fate fate)
{
    r->counters.delivered += fate == HOOK_DELIVERED;
    r->counters.failed += fate != HOOK_DELIVERED;
    r->counters.dead += fate == HOOK_DEAD || fate == HOOK_GONE;
    r->counters.gone += fate == HOOK_GONE;
    r->counters.refused += post->refused;
}

static void answer_take(struct hook_runner *r, const struct http_post *post, uint64_t unix_us)
{
    const struct flight *f = post->tag;
    const struct hook_answer a = {.lane = f->delivery.lane,
                                  .attempts = f->delivery.attempts,
                                  .since_us = f->delivery.since_us,
                                  .status = post->status,
                                  .retry_after_s = post->retry_after_s};
    const struct hook_verdict v = hooks_answered(r->hooks, &a, unix_us);
    r->pending->outcomes[r->pending->count++] = (struct store_outcome){.lane = a.lane,
                                                                       .delivery = f->delivery.id,
                                                                       .sent_us = f->sent_us,
                                                                       .status = post->status,
                                                                       .error = post->error,
                                                                       .verdict = v};
    count(r, post, v.fate);
    if (v.fate != HOOK_DELIVERED)
        log_event(r->config.log, LOG_INFO, "webhook_failed",
                  "webhook=%s delivery=%lld attempt=%u status=%d error=%s given_up=%s",
                  a.lane.hook.text, (long long)f->delivery.id, a.attempts + 1, post->status,
                  post->error[0] ? post->error : "none", v.fate == HOOK_RETRY ? "false" : "true");
}

uint64_t hook_runner_tick(struct hook_runner *r, uint64_t now_us)
{
    struct http_post *post;
    if (!r->poster)
        return UINT64_MAX;
    while (r->pending->count < LIMIT_HOOK_FLIGHTS && http_poster_take(r->poster, &post)) {
        answer_take(r, post, clock_unix_us());
        http_post_free(post);
    }
    if (!r->writing_on)
        write_down(r, now_us);
    uint64_t news = store_hooks_news(r->config.store);
    if (!r->looking && (r->look_again || news != r->news || now_us >= r->look_at_us)) {
        r->news = news;
        r->look_at_us = now_us + LOOK_US;
        look(r, now_us);
    }
    /* While the store looks there is nothing to be called for: its answer wakes. */
    return r->looking ? UINT64_MAX : r->look_at_us;
}

void hook_runner_read_counters(const struct hook_runner *r, struct hook_counters *ret)
{
    *ret = r->counters;
    ret->flights = hooks_flights(r->hooks);
    ret->troubled = hooks_troubled(r->hooks);
}
