// SPDX-License-Identifier: Apache-2.0
/* Hub and node, tied together. */
#include "tests/sim/sim_server.h"

#include <stdlib.h>
#include <string.h>

#include "base/er.h"

static uint8_t *reserve(void *ctx, const struct path *to, size_t size)
{
    struct sim_server *s = ctx;
    if (size > sizeof s->buffer)
        return NULL;
    s->to = *to;
    return s->buffer;
}

static void commit(void *ctx, size_t len)
{
    struct sim_server *s = ctx;
    if (len > 0)
        netsim_send(s->node, &s->to.remote, s->buffer, len);
}

static void release(void *ctx, const struct path *path)
{
    struct sim_server *s = ctx;
    (void)path;
    s->released++;
}

static void keep_event(void *ctx, const struct media_event *event)
{
    struct sim_server *s = ctx;
    struct media_event *place = &s->events[s->event_count++ % SIM_EVENTS];
    media_event_clear(place);
    *place = *event;
    netsim_note(s->sim, event->type);
    struct attached *a = event->peer < SIM_PEOPLE ? s->people[event->peer] : NULL;
    if (event->type == MEDIA_PUBLISH_HINT && a && a->browser->config.real) {
        browser_hint(a->browser, event->max_bps, event->slideshow);
        attached_touch(a);
    }
}

static int record(void *ctx, struct record_batch *batch)
{
    struct sim_server *s = ctx;
    for (size_t i = 0; i < batch->count; i++)
        if (batch->step == RECORD_DATA && batch->items[i].packet && batch->items[i].source < 64)
            s->recorded[batch->items[i].source]++;
    s->clips_closed += batch->step == RECORD_CLOSE;
    if (s->recorder)
        s->recorder(s->recorder_ctx, batch);
    record_batch_free(batch);
    return 0;
}

static const struct hub_io io = {.reserve = reserve,
                                 .commit = commit,
                                 .release = release,
                                 .event = keep_event,
                                 .record = record};

struct path sim_server_path(const struct sim_server *s, const struct addr *remote)
{
    return (struct path){.remote = *remote, .via = s->connections ? 10000u + remote->port : 0};
}

void sim_server_touch(struct sim_server *s)
{
    netsim_timer_set(s->sim, &s->timer, hub_deadline_us(s->hub));
}

static void on_receive(void *ctx, uint64_t now_us, const struct addr *from, const uint8_t *data,
                       size_t len)
{
    struct sim_server *s = ctx;
    struct path path = sim_server_path(s, from);
    uint8_t copy[2048];
    memcpy(copy, data, len);
    const struct datagram d = {.from = path, .at_us = now_us, .data = copy, .len = len};
    hub_foresee(s->hub, &d, 1);
    hub_datagram(s->hub, now_us, &path, copy, len);
    sim_server_touch(s);
}

static void on_timer(void *ctx, uint64_t now_us)
{
    struct sim_server *s = ctx;
    hub_expire(s->hub, now_us);
    sim_server_touch(s);
}

static int open_hub(struct sim_server *s, uint64_t seed)
{
    struct hub_config config = {.io = &io,
                                .io_ctx = s,
                                .entropy = entropy_seeded_init(&s->seeded, seed),
                                .candidates = &s->address,
                                .candidate_count = 1,
                                .unix_offset_us = SIM_UNIX_US,
                                .lookback_us = 60000000,
                                .first_track = 1,
                                .track_step = 1};
    int er = dtls_identity_new(&s->identity);
    config.identity = s->identity;
    if (er == 0)
        er = hub_new(&s->hub, &config);
    if (er != 0)
        return er;
    s->room = id_make(SIM_UNIX_US, &config.entropy);
    return hub_room_open(s->hub, &s->room);
}

int sim_server_new(struct sim_server **ret, struct netsim *sim, const struct addr *address,
                   uint64_t seed)
{
    struct sim_server *s = calloc(1, sizeof *s);
    if (!s)
        return ER_NOMEM;
    s->sim = sim;
    s->address = *address;
    s->timer = (struct netsim_timer){.fn = on_timer, .ctx = s};
    struct netsim_link none = {0};
    int er = open_hub(s, seed);
    if (er == 0)
        er = netsim_add_node(sim, address, &none, &none, on_receive, s, &s->node);
    if (er != 0) {
        sim_server_free(s);
        return er;
    }
    *ret = s;
    return 0;
}

void sim_server_free(struct sim_server *s)
{
    if (!s)
        return;
    netsim_timer_set(s->sim, &s->timer, HEAP_NEVER);
    if (s->node)
        netsim_silence(s->node);
    hub_free(s->hub);
    for (size_t i = 0; i < SIM_EVENTS; i++)
        media_event_clear(&s->events[i]);
    dtls_identity_free(s->identity);
    free(s);
}

const struct media_event *sim_server_event(const struct sim_server *s, enum media_event_type type,
                                           uint64_t peer)
{
    for (size_t back = 1; back <= s->event_count && back <= SIM_EVENTS; back++) {
        const struct media_event *e = &s->events[(s->event_count - back) % SIM_EVENTS];
        if (e->type == type && (peer == 0 || e->peer == peer))
            return e;
    }
    return NULL;
}

static int take_answer(struct sim_server *s, uint64_t peer, struct attached *browser,
                       const char **ret_why)
{
    const struct media_event *refused = sim_server_event(s, MEDIA_REFUSED, peer);
    const struct media_event *answer = sim_server_event(s, MEDIA_ANSWER, peer);
    if (refused && refused->request == s->next_request) {
        *ret_why = refused->why;
        return refused->er;
    }
    if (!answer || answer->request != s->next_request)
        return ER_NOT_FOUND;
    return browser_answer(browser->browser, netsim_now_us(s->sim), answer->sdp, strlen(answer->sdp),
                          ret_why);
}

int sim_server_offer(struct sim_server *s, const struct media_peer_config *config,
                     struct attached *browser, const char **ret_why)
{
    char *offer;
    int er = browser_offer(browser->browser, &offer);
    if (er != 0)
        return er;
    uint64_t now_us = netsim_now_us(s->sim);
    bool known = sim_server_event(s, MEDIA_ANSWER, config->peer) != NULL;
    s->next_request++;
    if (config->peer < SIM_PEOPLE)
        s->people[config->peer] = browser;
    if (known)
        hub_peer_offer(s->hub, now_us, &s->room, config->peer, s->next_request, offer,
                       strlen(offer), NULL, 0);
    else
        hub_peer_add(s->hub, now_us, &s->room, config, s->next_request, offer, strlen(offer), NULL,
                     0);
    free(offer);
    er = take_answer(s, config->peer, browser, ret_why);
    sim_server_touch(s);
    attached_touch(browser);
    return er;
}
