// SPDX-License-Identifier: Apache-2.0
/* Getting through, in virtual time: calls over IPv6, ICE restarts from another network, connections
 * that end in the middle of a call. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/str.h"
#include "tests/sim/sim_server.h"

#define START_US 1000000u
#define SECOND_US 1000000u

enum { BUYER = 1, AGENT, PEOPLE };

struct world {
    struct netsim *sim;
    struct sim_server *server;
    struct dtls_identity *identity;
    struct netsim_link link;
    bool ipv6;
    struct attached *people[PEOPLE];
    struct media_peer_config configs[PEOPLE];
    size_t video_line;
};

static const struct netsim_link quiet = {.delay_us = 25000};
static const struct netsim_link lossy = {.delay_us = 25000, .loss_ppm = 20000};
static const struct netsim_link dead = {.delay_us = 25000, .loss_ppm = 1000000};

static struct addr address_of(const struct world *w, unsigned host)
{
    char text[32];
    struct addr a;
    (void)snprintf(text, sizeof text, w->ipv6 ? "2001:db8::%x" : "192.0.2.%u", host);
    assert_int_equal(addr_parse_ip(text, (uint16_t)(5000 + host), &a), 0);
    return a;
}

static void offer(struct world *w, unsigned who)
{
    const char *why = "";
    int er = sim_server_offer(w->server, &w->configs[who], w->people[who], &why);
    if (er != 0)
        fail_msg("refused: %s (%s)", why, er_name(er));
}

/** The buyer publishes, the agent watches. */
static void world_open(struct world *w, uint64_t seed, const struct netsim_link *link, bool ipv6)
{
    static const char *const names[] = {"", "buyer", "agent"};
    *w = (struct world){.link = *link, .ipv6 = ipv6};
    struct addr at = address_of(w, 1);
    assert_int_equal(srtp_pair_library_init(), 0);
    assert_int_equal(netsim_new(&w->sim, seed, START_US), 0);
    assert_int_equal(dtls_identity_new(&w->identity), 0);
    assert_int_equal(sim_server_new(&w->server, w->sim, &at, seed), 0);
    for (unsigned who = BUYER; who < PEOPLE; who++) {
        struct addr here = address_of(w, 10 + who);
        struct browser_config config = {
            .name = names[who], .seed = seed + who, .identity = w->identity, .ipv6 = ipv6};
        assert_int_equal(attached_new(&w->people[who], w->sim, &here, link, link, &config), 0);
        struct browser *b = w->people[who]->browser;
        enum sdp_direction direction = who == BUYER ? SDP_SENDONLY : SDP_RECVONLY;
        browser_add_line(b, MEDIA_AUDIO, direction);
        w->video_line = browser_add_line(b, MEDIA_VIDEO, direction);
        w->configs[who] = (struct media_peer_config){
            .peer = who, .may_publish = true, .may_subscribe = true, .rank = who == BUYER};
        (void)str_copy(w->configs[who].identity, sizeof w->configs[who].identity, names[who]);
    }
}

static void world_close(struct world *w)
{
    for (size_t i = 0; i < PEOPLE; i++)
        attached_free(w->people[i]);
    sim_server_free(w->server);
    netsim_free(w->sim);
    dtls_identity_free(w->identity);
}

static void run_for(struct world *w, uint64_t us)
{
    netsim_run_until(w->sim, netsim_now_us(w->sim) + us);
}

/** Whole pictures at the agent, captured from a moment on. */
static size_t pictures_since(const struct world *w, uint64_t from_us)
{
    const struct receiver *r = w->people[AGENT]->browser->lines[w->video_line].receiver;
    const struct sender *s = w->people[BUYER]->browser->lines[w->video_line].sender;
    size_t whole = 0;
    for (size_t i = 0; i < r->frame_count && i < s->stats.frames; i++)
        whole += sender_capture_us(s, i) >= from_us && r->frames[i].complete_us;
    return whole;
}

static void a_call_over_ipv6(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, 31, &lossy, true);
    offer(&w, BUYER);
    offer(&w, AGENT);
    run_for(&w, 8 * SECOND_US);
    assert_in_range(pictures_since(&w, START_US + 2 * SECOND_US), 170, 181);
    assert_int_equal(hub_counters(w.server->hub)->unknown_path, 0);
    world_close(&w);
}

/** One side's network is gone; it learns of it, gets another address, and restarts ICE. */
static void an_ice_restart_from_another_network(void **state)
{
    (void)state;
    for (unsigned who = BUYER; who < PEOPLE; who++) {
        struct world w;
        world_open(&w, 41 + who, &quiet, who == AGENT);
        offer(&w, BUYER);
        offer(&w, AGENT);
        run_for(&w, 4 * SECOND_US);
        struct attached *a = w.people[who];
        uint64_t connected_us = a->browser->connected_us;
        uint64_t handshakes = hub_counters(w.server->hub)->handshakes_ok;
        netsim_set_links(a->node, &dead, &dead);
        run_for(&w, 4 * SECOND_US);
        uint64_t back_us = netsim_now_us(w.sim);
        struct addr elsewhere = address_of(&w, 77);
        assert_int_equal(netsim_rebind(a->node, &elsewhere), 0);
        netsim_set_links(a->node, &quiet, &quiet);
        browser_restart_ice(a->browser);
        offer(&w, who);
        run_for(&w, 3 * SECOND_US);
        assert_in_range(pictures_since(&w, back_us + SECOND_US / 2), 60, 80);
        assert_int_equal(a->browser->connected_us, connected_us); /* the same DTLS association */
        assert_int_equal(hub_counters(w.server->hub)->handshakes_ok, handshakes);
        assert_null(sim_server_event(w.server, MEDIA_PEER_GONE, 0));
        world_close(&w);
    }
}

/** Paths as TCP connections: they end, and others take their place. */
static void connections_end_and_come_back(void **state)
{
    (void)state;
    for (unsigned who = BUYER; who < PEOPLE; who++) {
        struct world w;
        world_open(&w, 51 + who, &quiet, false);
        w.server->connections = true;
        offer(&w, BUYER);
        offer(&w, AGENT);
        run_for(&w, 4 * SECOND_US);
        assert_true(pictures_since(&w, 0) > 80);
        struct attached *a = w.people[who];
        struct path path = sim_server_path(w.server, netsim_node_addr(a->node));
        assert_true(path.via != 0 && hub_has_path(w.server->hub, &path));
        hub_path_gone(w.server->hub, netsim_now_us(w.sim), &path);
        sim_server_touch(w.server);
        struct addr other = address_of(&w, 90); /* the client connects again */
        assert_int_equal(netsim_rebind(a->node, &other), 0);
        uint64_t from_us = netsim_now_us(w.sim);
        run_for(&w, 3 * SECOND_US);
        assert_false(hub_has_path(w.server->hub, &path));
        assert_in_range(pictures_since(&w, from_us + SECOND_US), 50, 61);
        hub_peer_remove(w.server->hub, netsim_now_us(w.sim), &w.server->room, who);
        assert_true(w.server->released >= 1); /* so that nobody keeps it open */
        world_close(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_over_ipv6),
        cmocka_unit_test(an_ice_restart_from_another_network),
        cmocka_unit_test(connections_end_and_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
