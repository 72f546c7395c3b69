// SPDX-License-Identifier: Apache-2.0
/* A cell of the grid, run and measured. */
#include "tests/sim/grid.h"

#include <stdlib.h>

#include "base/er.h"
#include "base/str.h"
#include "tests/sim/sim_server.h"

#define START_US 1000000u
#define SECOND_US 1000000u
#define CONNECT_US (3 * SECOND_US)
#define CLEAN_US (5 * SECOND_US)
#define SAMPLE_US 250000u
#define SAMPLES 512
#define SETTLED_SAMPLES 8 /* two seconds */
#define SETTLED_WAIT_US 300000u
#define SETTLED_PERCENT 70
#define SETTLE_US (5 * SECOND_US)
#define FLOWING_US 250000u /* pictures without longer pauses flow */

enum { PUBLISHER = 1, VIEWER = 2 };

struct sample {
    uint64_t bytes, worst_us;
};

struct grid {
    const struct grid_case *c;
    struct netsim *sim;
    struct dtls_identity *identity;
    struct sim_server *server;
    struct attached *publisher, *viewer;
    struct receiver *picture, *sound;
    struct netsim_link clean;
    uint64_t from_us;
};

static int enter(struct grid *g, unsigned who, uint64_t seed, struct attached **ret)
{
    const struct grid_case *c = g->c;
    struct addr at;
    bool publishes = who == PUBLISHER;
    struct browser_config config = {.name = publishes ? "publisher" : "viewer",
                                    .seed = seed * 10 + who,
                                    .identity = g->identity,
                                    .real = true,
                                    .simulcast = c->simulcast,
                                    .temporal_layers = c->temporal_layers,
                                    .audio_nack = publishes && !c->without_audio_nack,
                                    .video_bps = c->video_bps,
                                    .width = c->width ? c->width : 640,
                                    .height = c->height ? c->height : 480};
    struct media_peer_config peer = {
        .peer = who, .may_publish = publishes, .may_subscribe = !publishes, .rank = publishes};
    (void)str_copy(peer.identity, sizeof peer.identity, config.name);
    int er = addr_parse_ip(publishes ? "192.0.2.11" : "192.0.2.12", (uint16_t)(5000 + who), &at);
    if (er == 0)
        er = attached_new(ret, g->sim, &at, &g->clean, &g->clean, &config);
    if (er != 0)
        return er;
    enum sdp_direction direction = publishes ? SDP_SENDONLY : SDP_RECVONLY;
    browser_add_line((*ret)->browser, MEDIA_AUDIO, direction);
    browser_add_line((*ret)->browser, MEDIA_VIDEO, direction);
    const char *why;
    return sim_server_offer(g->server, &peer, *ret, &why);
}

static void run_for(struct grid *g, uint64_t us)
{
    netsim_run_until(g->sim, netsim_now_us(g->sim) + us);
}

static int open_grid(struct grid *g, uint64_t seed)
{
    struct addr at;
    g->clean.delay_us = g->c->leg.delay_us;
    int er = srtp_pair_library_init();
    if (er == 0)
        er = netsim_new(&g->sim, seed, START_US);
    if (er == 0)
        er = dtls_identity_new(&g->identity);
    if (er == 0)
        er = addr_parse_ip("192.0.2.1", 5000, &at);
    if (er == 0)
        er = sim_server_new(&g->server, g->sim, &at, seed);
    if (er == 0)
        er = enter(g, PUBLISHER, seed, &g->publisher);
    if (er == 0)
        er = enter(g, VIEWER, seed, &g->viewer);
    if (er != 0)
        return er;
    run_for(g, CONNECT_US);
    g->sound = g->viewer->browser->lines[0].receiver;
    g->picture = g->viewer->browser->lines[1].receiver;
    bool there = g->sound && g->picture && g->picture->player->started;
    return there ? 0 : ER_AGAIN;
}

static void close_grid(struct grid *g)
{
    attached_free(g->publisher);
    attached_free(g->viewer);
    sim_server_free(g->server);
    netsim_free(g->sim);
    dtls_identity_free(g->identity);
}

static struct netsim_node *narrow_node(const struct grid *g)
{
    return g->c->up ? g->publisher->node : g->viewer->node;
}

/* The impaired network, with the bottleneck's rate of now; 0: none. */
static void impair(struct grid *g, uint64_t rate_bps)
{
    struct netsim_link narrow = g->c->leg;
    narrow.rate_bps = rate_bps;
    narrow.queue_packets = g->c->queue_packets;
    narrow.queue_us = g->c->queue_us;
    bool up = rate_bps && g->c->up;
    bool down = rate_bps && !g->c->up;
    netsim_set_links(g->publisher->node, up ? &narrow : &g->c->leg, &g->c->leg);
    netsim_set_links(g->viewer->node, &g->c->leg, down ? &narrow : &g->c->leg);
}

static void judge_step(const struct grid_case *c, size_t step, const struct sample *samples,
                       size_t count, const struct netsim_queue *q, struct grid_step *ret)
{
    uint64_t full = c->steps[step].rate_bps / 8 * SAMPLE_US / 1000000;
    uint64_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += samples[i].bytes;
    ret->used = 100.0 * (double)bytes / (double)(full * count);
    ret->wait_ms = (uint32_t)(netsim_queue_wait_us(q, 95) / 1000);
    ret->worst_ms = (uint32_t)(q->worst_us / 1000);
    ret->settled_ms = UINT32_MAX;
    for (size_t i = 0; i + SETTLED_SAMPLES <= count; i++) {
        uint64_t sum = 0, worst_us = 0;
        for (size_t k = i; k < i + SETTLED_SAMPLES; k++) {
            sum += samples[k].bytes;
            worst_us = samples[k].worst_us > worst_us ? samples[k].worst_us : worst_us;
        }
        if (sum * 100 < full * SETTLED_SAMPLES * SETTLED_PERCENT || worst_us >= SETTLED_WAIT_US)
            continue;
        ret->settled_ms = (uint32_t)(i * SAMPLE_US / 1000);
        return;
    }
}

static void add_up(struct netsim_queue *all, const struct netsim_queue *q)
{
    all->datagrams += q->datagrams;
    all->worst_us = q->worst_us > all->worst_us ? q->worst_us : all->worst_us;
    for (size_t i = 0; i < NETSIM_WAIT_BUCKETS; i++)
        all->waits[i] += q->waits[i];
}

static uint32_t ms_after(uint64_t us, uint64_t from_us)
{
    return us == UINT64_MAX ? UINT32_MAX : (uint32_t)((us - from_us) / 1000);
}

/* One rate of the bottleneck, for its time. */
static void run_step(struct grid *g, size_t step, uint64_t length_us, struct grid_result *ret)
{
    struct sample samples[SAMPLES];
    struct netsim_node *node = narrow_node(g);
    struct netsim_queue all = {0}, after = {0};
    size_t count = 0;
    uint64_t from_us = netsim_now_us(g->sim);
    for (uint64_t done_us = 0; done_us < length_us && count < SAMPLES; done_us += SAMPLE_US) {
        netsim_queue_clear(node);
        run_for(g, SAMPLE_US);
        const struct netsim_queue *q = netsim_node_queue(node, g->c->up);
        samples[count++] = (struct sample){.bytes = q->bytes, .worst_us = q->worst_us};
        add_up(&all, q);
        if (done_us >= SETTLE_US)
            add_up(&after, q);
    }
    judge_step(g->c, step, samples, count, &all, &ret->steps[step]);
    ret->steps[step].after_ms = (uint32_t)(netsim_queue_wait_us(&after, 95) / 1000);
    const struct player *p = g->picture->player;
    ret->steps[step].changed_ms = ms_after(player_resized_us(p, from_us), from_us);
    ret->steps[step].reached_ms = ms_after(player_width_again_us(p, from_us), from_us);
    ret->steps[step].width = p->width;
    ret->step_count = step + 1;
}

static void run_impaired(struct grid *g, struct grid_result *ret)
{
    uint64_t left_us = (g->c->seconds ? g->c->seconds : GRID_SECONDS) * SECOND_US;
    for (size_t i = 0; i < GRID_STEPS && g->c->steps[i].rate_bps && left_us; i++) {
        uint64_t wished_us = g->c->steps[i].seconds * SECOND_US;
        uint64_t length_us = wished_us && wished_us < left_us ? wished_us : left_us;
        impair(g, g->c->steps[i].rate_bps);
        run_step(g, i, length_us, ret);
        left_us -= length_us;
    }
    if (!g->c->steps[0].rate_bps)
        impair(g, 0);
    run_for(g, left_us);
}

static uint64_t video_bytes(const struct grid *g)
{
    return g->viewer->browser->lines[1].receiver->bytes;
}

static double encoder_kbps(const struct grid *g)
{
    const struct browser_line *line = &g->publisher->browser->lines[1];
    uint64_t bps = 0;
    for (size_t k = 0; k < BROWSER_ENCODINGS; k++)
        bps += browser_sender(line, k) ? browser_sender(line, k)->bps : 0;
    return (double)bps / 1000;
}

static void measure(struct grid *g, uint64_t bytes_before, uint64_t keys_before,
                    struct grid_result *ret)
{
    uint64_t now_us = netsim_now_us(g->sim);
    double seconds = (double)(now_us - g->from_us) / 1e6;
    struct player *p = g->picture->player;
    const struct voice *v = g->sound->voice;
    player_end(p, now_us);
    ret->fps = (double)player_shown_between(p, g->from_us, now_us) / seconds;
    ret->kbps = (double)(video_bytes(g) - bytes_before) * 8 / 1000 / seconds;
    ret->key_frames = (double)(p->stats.keys - keys_before);
    ret->freezes = (uint32_t)p->stats.freezes;
    ret->long_freezes = (uint32_t)p->stats.long_freezes;
    ret->frozen_ms = (uint32_t)(p->stats.frozen_us / 1000);
    ret->longest_ms = (uint32_t)(p->stats.longest_us / 1000);
    ret->delay_ms = (uint32_t)(player_delay_us(p, 50) / 1000);
    ret->late_ms = (uint32_t)(player_delay_us(p, 95) / 1000);
    ret->concealed = voice_concealed(v);
    ret->silent_ms = (uint32_t)(v->stats.longest_concealed * VOICE_FRAME_US / 1000);
    ret->sound_ms = (uint32_t)(v->target_us / 1000);
    ret->sent_kbps = encoder_kbps(g);
    ret->nacked = (uint32_t)g->picture->stats.nacked;
    ret->resent = (uint32_t)g->picture->stats.retransmitted;
    ret->plis = (uint32_t)g->picture->stats.plis;
}

int grid_run(const struct grid_case *c, uint64_t seed, struct grid_result *ret)
{
    struct grid g = {.c = c};
    *ret = (struct grid_result){0};
    int er = open_grid(&g, seed);
    if (er == 0) {
        struct player *p = g.picture->player;
        g.from_us = netsim_now_us(g.sim);
        player_clear(p, g.from_us);
        voice_clear(g.sound->voice);
        g.picture->stats.nacked = g.picture->stats.retransmitted = g.picture->stats.plis = 0;
        uint64_t bytes = video_bytes(&g);
        run_impaired(&g, ret);
        measure(&g, bytes, 0, ret);
        uint64_t end_us = netsim_now_us(g.sim);
        netsim_set_links(g.publisher->node, &g.clean, &g.clean);
        netsim_set_links(g.viewer->node, &g.clean, &g.clean);
        run_for(&g, CLEAN_US);
        uint64_t flows_us = player_flows_from_us(p, end_us, FLOWING_US);
        ret->recovery_ms = flows_us == UINT64_MAX ? UINT32_MAX
                                                  : (uint32_t)((flows_us - end_us) / 1000);
        ret->broken = p->stats.broken;
        ret->corrupt = g.picture->stats.corrupt + g.sound->stats.corrupt;
    }
    close_grid(&g);
    return er;
}

/* The cases. */

static bool loss_case(size_t i, struct grid_case *ret)
{
    static const unsigned percents[] = {0, 1, 3, 5, 10, 20, 30, 50};
    static const unsigned delays[] = {20, 100};
    static const unsigned bursts[] = {1, 3, 8};
    size_t burst = i % 3, delay = i / 3 % 2, percent = i / 6;
    if (percent == 0 && burst > 0)
        return false; /* no loss, no bursts */
    *ret = (struct grid_case){.leg = {.delay_us = delays[delay] * 1000u,
                                      .loss_ppm = percents[percent] * 10000u,
                                      .loss_burst = bursts[burst]}};
    (void)snprintf(ret->name, sizeof ret->name, "loss %u%% x%u, %u ms", percents[percent],
                   bursts[burst], delays[delay]);
    return true;
}

static void jitter_case(size_t i, struct grid_case *ret)
{
    unsigned ms = i & 1 ? 100 : 30;
    bool in_order = i & 2;
    *ret = (struct grid_case){
        .leg = {.delay_us = 20000, .jitter_us = ms * 1000u, .jitter_in_order = in_order}};
    (void)snprintf(ret->name, sizeof ret->name, "jitter %u ms%s", ms,
                   in_order ? "" : ", reordering");
}

static void queue_case(size_t i, struct grid_case *ret)
{
    static const unsigned rates[] = {250, 500, 2000};
    unsigned packets = i & 1 ? 50 : 10;
    unsigned rate = rates[i / 2 % 3];
    bool up = i >= 6;
    *ret = (struct grid_case){
        .leg = {.delay_us = 20000, .jitter_us = 1000, .jitter_in_order = true},
        .queue_packets = packets,
        .up = up};
    ret->steps[0].rate_bps = rate * 1000u;
    ret->video_bps = 2500000;
    (void)snprintf(ret->name, sizeof ret->name, "%s %uk, queue %u", up ? "up" : "down", rate,
                   packets);
}

/* Nothing gets through, either way, on both legs. */
static void blackout_case(size_t i, struct grid_case *ret)
{
    unsigned delay = i ? 100 : 20;
    *ret = (struct grid_case){.leg = {.delay_us = delay * 1000u, .loss_ppm = 1000000},
                              .seconds = 5};
    (void)snprintf(ret->name, sizeof ret->name, "blackout 5 s, %u ms", delay);
}

static void step_case(size_t i, struct grid_case *ret)
{
    if (i >= 2) {
        *ret = (struct grid_case){
            .leg = {.delay_us = 20000, .jitter_us = 1000, .jitter_in_order = true},
            .steps = {{3500000, 20}, {300000, 20}, {3500000, 20}},
            .queue_us = 250000,
            .seconds = 60,
            .simulcast = true,
            .temporal_layers = i == 3 ? 3 : 1,
            .video_bps = 2500000,
            .width = 1280,
            .height = 720};
        (void)snprintf(ret->name, sizeof ret->name, "300k and back, simulcast%s",
                       i == 3 ? ", 3 temporal layers" : "");
        return;
    }
    *ret = (struct grid_case){
        .leg = {.delay_us = 20000, .jitter_us = 1000, .jitter_in_order = true},
        .steps = {{1000000, 40}, {2500000, 20}, {600000, 20}, {1000000, 20}},
        .queue_us = 1000000,
        .seconds = 100,
        .simulcast = i == 1,
        .video_bps = 2500000,
        .width = 1280,
        .height = 720};
    (void)snprintf(ret->name, sizeof ret->name, "steps%s", i == 1 ? ", simulcast" : "");
}

bool grid_at(size_t i, struct grid_case *ret)
{
    enum { LOSSES = 8 * 6, JITTERS = 4, QUEUES = 12, STEPS = 4, BLACKOUTS = 2 };
    size_t at = 0;
    for (size_t k = 0; k < LOSSES; k++)
        if (loss_case(k, ret) && at++ == i)
            return true;
    i -= at;
    if (i < JITTERS)
        jitter_case(i, ret);
    else if (i < JITTERS + QUEUES)
        queue_case(i - JITTERS, ret);
    else if (i < JITTERS + QUEUES + STEPS)
        step_case(i - JITTERS - QUEUES, ret);
    else if (i < JITTERS + QUEUES + STEPS + BLACKOUTS)
        blackout_case(i - JITTERS - QUEUES - STEPS, ret);
    else
        return false;
    return true;
}
