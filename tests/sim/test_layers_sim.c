// SPDX-License-Identifier: Apache-2.0
/* Simulcast and temporal layers through the hub in virtual time: viewers that are given different
 * layers of one publisher, and others every second, over good paths and bad ones. What a browser
 * makes of it is the measure: no picture decoded without what it needs, nothing asked for in vain. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/str.h"
#include "media/core/hub_private.h"
#include "media/relay/downlink.h"
#include "tests/sim/player.h"
#include "tests/sim/sim_server.h"

#define START_US 1000000u
#define SECOND_US 1000000u

enum { PUBLISHER = 1, ANN, BOB, PEOPLE };

struct world {
    struct netsim *sim;
    struct sim_server *server;
    struct dtls_identity *identity;
    bool transport_cc; /* viewers tell what their path carries */
    struct attached *people[PEOPLE];
    struct media_peer_config configs[PEOPLE];
};

static const struct netsim_link quiet = {.delay_us = 20000};
static const struct netsim_link lossy = {
    .delay_us = 20000, .loss_ppm = 30000, .reorder_ppm = 10000, .reorder_us = 8000};

static struct addr address_of(unsigned host)
{
    char text[32];
    struct addr a;
    (void)snprintf(text, sizeof text, "192.0.2.%u", host);
    assert_int_equal(addr_parse_ip(text, (uint16_t)(5000 + host), &a), 0);
    return a;
}

static void enter(struct world *w, unsigned who, const struct netsim_link *link,
                  uint8_t temporal_layers)
{
    static const char *const names[] = {"", "publisher", "ann", "bob"};
    bool publishes = who == PUBLISHER;
    struct addr at = address_of(10 + who);
    struct browser_config config = {.name = names[who],
                                    .seed = 100 + who,
                                    .identity = w->identity,
                                    .flavour = who == ANN ? BROWSER_FIREFOX : BROWSER_CHROMIUM,
                                    .real = true,
                                    .simulcast = publishes,
                                    .without_ssrcs = publishes,
                                    .without_transport_cc = !publishes && !w->transport_cc,
                                    .temporal_layers = temporal_layers,
                                    .video_bps = 2500000};
    assert_int_equal(attached_new(&w->people[who], w->sim, &at, link, link, &config), 0);
    browser_add_line(w->people[who]->browser, MEDIA_VIDEO, publishes ? SDP_SENDONLY : SDP_RECVONLY);
    w->configs[who] = (struct media_peer_config){
        .peer = who, .may_publish = true, .may_subscribe = true, .rank = publishes};
    (void)str_copy(w->configs[who].identity, sizeof w->configs[who].identity, names[who]);
    const char *why = "";
    int er = sim_server_offer(w->server, &w->configs[who], w->people[who], &why);
    if (er != 0)
        fail_msg("%s is refused: %s (%s)", names[who], why, er_name(er));
}

static void world_open(struct world *w, uint64_t seed, const struct netsim_link *link,
                       uint8_t temporal_layers)
{
    *w = (struct world){.transport_cc = w->transport_cc};
    struct addr at = address_of(1);
    assert_int_equal(srtp_pair_library_init(), 0);
    assert_int_equal(netsim_new(&w->sim, seed, START_US), 0);
    assert_int_equal(dtls_identity_new(&w->identity), 0);
    assert_int_equal(sim_server_new(&w->server, w->sim, &at, seed), 0);
    for (unsigned who = PUBLISHER; who < PEOPLE; who++)
        enter(w, who, link, temporal_layers);
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

static struct slot *slot_of(struct world *w, unsigned who)
{
    struct member *m = member_find(hub_find_room(w->server->hub, &w->server->room), who);
    assert_non_null(m);
    assert_non_null(m->lines[0]->slot);
    return m->lines[0]->slot;
}

/** What the viewer's path would carry does not count any more. */
static void aim(struct world *w, unsigned who, int8_t encoding, int8_t temporal)
{
    const struct layer_aim to = {.encoding = encoding, .spatial = LAYER_BEST, .temporal = temporal};
    struct slot *s = slot_of(w, who);
    downlink_detach(s->downlink, s);
    slot_aim(s, &to, netsim_now_us(w->sim));
    sim_server_touch(w->server);
}

static struct receiver *receiver_of(const struct world *w, unsigned who)
{
    struct receiver *r = w->people[who]->browser->lines[0].receiver;
    assert_non_null(r);
    return r;
}

static void report(const struct world *w, unsigned who)
{
    const struct receiver *r = receiver_of(w, who);
    const struct player_stats *p = &r->player->stats;
    print_message("viewer %u: %u decoded, %u keys, %u broken, %u discarded, longest %u ms, "
                  "%u long freezes, %u nacked, %u corrupt, %ux%u, %u srtp errors\n",
                  who, (unsigned)p->decoded, (unsigned)p->keys, (unsigned)p->broken,
                  (unsigned)p->discarded, (unsigned)(p->longest_us / 1000),
                  (unsigned)p->long_freezes, (unsigned)r->stats.nacked, (unsigned)r->stats.corrupt,
                  r->player->width, r->player->height,
                  (unsigned)w->people[who]->browser->stats.srtp_errors);
}

/** Nothing is decoded that could not be, and nothing sent that is not what it says. */
static void check_sound(const struct world *w, unsigned who)
{
    const struct receiver *r = receiver_of(w, who);
    report(w, who);
    assert_int_equal(r->player->stats.broken, 0);
    assert_int_equal(r->stats.corrupt, 0);
    assert_int_equal(w->people[who]->browser->stats.srtp_errors, 0);
}

static size_t tracks_added(const struct world *w)
{
    size_t count = 0;
    for (size_t i = 0; i < w->server->event_count && i < SIM_EVENTS; i++)
        count += w->server->events[i].type == MEDIA_TRACK_ADDED;
    return count;
}

static void test_each_viewer_has_its_encoding(void **state)
{
    (void)state;
    struct world w = {0};
    world_open(&w, 1, &quiet, 1);
    run_for(&w, SECOND_US);
    aim(&w, BOB, 0, LAYER_BEST);
    run_for(&w, 14 * SECOND_US);
    assert_int_equal(tracks_added(&w), 1);
    const struct track *t = slot_of(&w, ANN)->track;
    assert_non_null(t);
    assert_int_equal(t->encoding_count, 3);
    assert_int_equal(t->encodings[2]->width, 1280);
    check_sound(&w, ANN);
    check_sound(&w, BOB);
    assert_int_equal(receiver_of(&w, ANN)->player->width, 1280);
    assert_int_equal(receiver_of(&w, BOB)->player->width, 320);
    struct layer_rate rates[12];
    size_t count = track_layer_rates(t, netsim_now_us(w.sim), rates, 12);
    assert_int_equal(count, 3);
    assert_in_range(rates[0].bps, 100000, 250000);
    assert_in_range(rates[1].bps, 350000, 800000);
    assert_in_range(rates[2].bps, 1500000, 3500000);
    assert_int_equal(receiver_of(&w, ANN)->stats.nacked + receiver_of(&w, BOB)->stats.nacked, 0);
    world_close(&w);
}

/** Another layer every 700 ms, at random. */
static void wander(struct world *w, unsigned seconds, uint8_t temporal_layers)
{
    struct entropy_seeded seeded;
    struct entropy entropy = entropy_seeded_init(&seeded, 5);
    for (unsigned i = 0; i < seconds * 10 / 7; i++) {
        for (unsigned who = ANN; who <= BOB; who++) {
            uint64_t random = entropy_u64(&entropy);
            aim(w, who, (int8_t)(random % 3), (int8_t)(random / 3 % temporal_layers));
        }
        run_for(w, 700000);
    }
}

static void test_wandering_over_good_paths(void **state)
{
    (void)state;
    const bool slow = getenv("LOUPE_VALGRIND") != NULL;
    for (uint8_t layers = 1; layers <= 3; layers++) {
        struct world w = {0};
        world_open(&w, layers, &quiet, layers);
        run_for(&w, 8 * SECOND_US);
        for (unsigned who = ANN; who <= BOB; who++)
            receiver_of(&w, who)->player->counting_from_us = netsim_now_us(w.sim);
        wander(&w, slow ? 7 : 30, layers);
        for (unsigned who = ANN; who <= BOB; who++) {
            check_sound(&w, who);
            const struct receiver *r = receiver_of(&w, who);
            assert_int_equal(r->stats.nacked, 0); /* no hole was left */
            assert_int_equal(r->stats.plis, 0);
            assert_true(r->player->stats.longest_us < 400000);
        }
        world_close(&w);
    }
}

static void test_wandering_over_bad_paths(void **state)
{
    (void)state;
    const bool slow = getenv("LOUPE_VALGRIND") != NULL;
    for (uint64_t seed = 1; seed <= (slow ? 1 : 3); seed++) {
        struct world w = {0};
        world_open(&w, seed, &lossy, 3);
        run_for(&w, 8 * SECOND_US);
        for (unsigned who = ANN; who <= BOB; who++)
            receiver_of(&w, who)->player->counting_from_us = netsim_now_us(w.sim);
        wander(&w, slow ? 7 : 30, 3);
        for (unsigned who = ANN; who <= BOB; who++) {
            check_sound(&w, who);
            assert_true(receiver_of(&w, who)->player->stats.longest_us < 1500000);
        }
        world_close(&w);
    }
}

/** How long until a viewer's picture is so wide, at most `us`. */
static uint64_t until_width(struct world *w, unsigned who, unsigned least, unsigned most,
                            uint64_t us)
{
    uint64_t from = netsim_now_us(w->sim), now = from;
    for (; now < from + us; now = netsim_now_us(w->sim)) {
        unsigned width = receiver_of(w, who)->player->width;
        if (width >= least && width <= most)
            break;
        run_for(w, 50000);
    }
    print_message("%u to %u wide after %u ms\n", least, most, (unsigned)((now - from) / 1000));
    return now - from;
}

static void set_down_bps(struct world *w, unsigned who, uint64_t bps)
{
    const struct netsim_link down = {.delay_us = 20000, .rate_bps = bps, .queue_packets = 50};
    netsim_set_links(w->people[who]->node, &quiet, &down);
}

/** One viewer's path becomes narrow and wide again; the other's picture does not change. */
static void test_layers_follow_the_path(void **state)
{
    (void)state;
    struct world w = {.transport_cc = true};
    world_open(&w, 3, &quiet, 2);
    assert_true(until_width(&w, ANN, 1280, 1280, 20 * SECOND_US) < 15 * SECOND_US);
    run_for(&w, 10 * SECOND_US);
    for (unsigned i = 0; i < 2; i++) {
        set_down_bps(&w, ANN, 800000);
        assert_true(until_width(&w, ANN, 160, 640, 5 * SECOND_US) <= 3 * SECOND_US / 2);
        receiver_of(&w, ANN)->player->counting_from_us = netsim_now_us(w.sim);
        run_for(&w, 15 * SECOND_US);
        assert_true(receiver_of(&w, ANN)->player->width <= 640);
        set_down_bps(&w, ANN, 8000000);
        assert_true(until_width(&w, ANN, 1280, 1280, 12 * SECOND_US) <= 6 * SECOND_US);
        run_for(&w, 5 * SECOND_US);
    }
    check_sound(&w, ANN);
    check_sound(&w, BOB);
    assert_int_equal(receiver_of(&w, BOB)->player->width, 1280);
    const struct media_counters *n = hub_counters(w.server->hub);
    assert_in_range(n->layer_switches, 4, 200); /* up and down, twice */
    assert_true(n->probes_sent > 10 && n->feedback_received > 100 && n->feedback_sent > 100);
    assert_in_range(n->reports_received, 100, n->feedback_received);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_viewer_has_its_encoding),
        cmocka_unit_test(test_wandering_over_good_paths),
        cmocka_unit_test(test_wandering_over_bad_paths),
        cmocka_unit_test(test_layers_follow_the_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
