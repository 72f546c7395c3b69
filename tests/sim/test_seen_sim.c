// SPDX-License-Identifier: Apache-2.0
/* What the hub notes of what a viewer was shown, against what that viewer decoded: whole calls in
 * virtual time, with loss both ways, a path that goes dark, a viewer who says nothing, and layers that
 * change. */
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
#include "tests/sim/player.h"
#include "tests/sim/sim_server.h"

#define SECOND_US 1000000u
#define START_US (7 * SECOND_US)
#define SECONDS 120

enum { PUBLISHER = 1, VIEWER, PEOPLE };

struct world {
    struct netsim *sim;
    struct sim_server *server;
    struct dtls_identity *identity;
    bool real, silent;
    struct attached *people[PEOPLE];
    size_t events; /* read */
    size_t bytes;  /* of logs */
    unsigned told[SECONDS];
    struct seenlog_second video[SECONDS], sound[SECONDS]; /* from START_US on; the newest word */
};

static void enter(struct world *w, unsigned who, const struct netsim_link *link)
{
    bool publishes = who == PUBLISHER;
    struct addr at;
    char text[32];
    (void)snprintf(text, sizeof text, "192.0.2.%u", 10 + who);
    assert_int_equal(addr_parse_ip(text, (uint16_t)(5000 + who), &at), 0);
    struct browser_config config = {.name = publishes ? "publisher" : "viewer",
                                    .seed = 100 + who,
                                    .identity = w->identity,
                                    .real = w->real,
                                    .simulcast = publishes && w->real,
                                    .without_ssrcs = publishes && w->real,
                                    .without_transport_cc = !publishes && w->silent,
                                    .video_bps = w->real ? 2500000 : 800000};
    assert_int_equal(attached_new(&w->people[who], w->sim, &at, link, link, &config), 0);
    enum sdp_direction direction = publishes ? SDP_SENDONLY : SDP_RECVONLY;
    browser_add_line(w->people[who]->browser, MEDIA_VIDEO, direction);
    browser_add_line(w->people[who]->browser, MEDIA_AUDIO, direction);
    struct media_peer_config peer = {.peer = who,
                                     .may_publish = publishes,
                                     .may_subscribe = true,
                                     .keep_seen = true,
                                     .rank = publishes};
    (void)str_copy(peer.identity, sizeof peer.identity, config.name);
    const char *why = "";
    assert_int_equal(sim_server_offer(w->server, &peer, w->people[who], &why), 0);
}

static void world_open(struct world *w, uint64_t seed, const struct netsim_link *link)
{
    const struct netsim_link quiet = {.delay_us = 10000};
    struct addr at;
    assert_int_equal(addr_parse_ip("192.0.2.1", 5001, &at), 0);
    assert_int_equal(srtp_pair_library_init(), 0);
    assert_int_equal(netsim_new(&w->sim, seed, START_US), 0);
    assert_int_equal(dtls_identity_new(&w->identity), 0);
    assert_int_equal(sim_server_new(&w->server, w->sim, &at, seed), 0);
    enter(w, PUBLISHER, &quiet);
    enter(w, VIEWER, link);
}

static void world_close(struct world *w)
{
    for (size_t i = 0; i < PEOPLE; i++)
        attached_free(w->people[i]);
    sim_server_free(w->server);
    netsim_free(w->sim);
    dtls_identity_free(w->identity);
}

static void read_log(struct world *w, const struct media_seen *seen)
{
    struct seenlog_reader r = seenlog_read(seen->bytes, seen->len);
    struct seenlog_second s;
    int er;
    w->bytes += seen->len;
    while ((er = seenlog_next_line(&r)) == 0) {
        assert_string_equal(r.line.viewer, "viewer");
        assert_string_equal(r.line.publisher, "publisher");
        assert_int_equal(r.line.peer, VIEWER);
        uint64_t at = r.line.first - (SIM_UNIX_US + START_US) / SECOND_US;
        struct seenlog_second *seconds = r.line.kind == SEENLOG_VIDEO ? w->video : w->sound;
        for (; (er = seenlog_next(&r, &s)) == 0; at++) {
            assert_true(at < SECONDS);
            seconds[at] = s;
            w->told[at] += r.line.kind == SEENLOG_VIDEO;
        }
        assert_int_equal(er, ER_NOT_FOUND);
    }
    assert_int_equal(er, ER_NOT_FOUND);
}

static void run_for(struct world *w, uint64_t us)
{
    netsim_run_until(w->sim, netsim_now_us(w->sim) + us);
    for (; w->events < w->server->event_count; w->events++) {
        const struct media_event *e = &w->server->events[w->events % SIM_EVENTS];
        if (e->type == MEDIA_SEEN)
            read_log(w, e->seen);
    }
}

static struct receiver *receiver_of(const struct world *w, size_t line)
{
    struct receiver *r = w->people[VIEWER]->browser->lines[line].receiver;
    assert_non_null(r);
    return r;
}

/** Pictures that the viewer decoded in a second, and how long none of it was new: as W3C counts. */
static void truth_of(const struct receiver *r, unsigned at, unsigned *ret_decoded,
                     unsigned *ret_frozen_ms)
{
    uint64_t begin_us = START_US + (uint64_t)at * SECOND_US, end_us = begin_us + SECOND_US;
    uint64_t before_us = 0, interval_us = 0, frozen_us = 0;
    *ret_decoded = 0;
    for (size_t i = 0; i < r->frame_count; i++) {
        uint64_t at_us = r->frames[i].decoded_us;
        if (!at_us)
            continue;
        *ret_decoded += at_us >= begin_us && at_us < end_us;
        uint64_t passed_us = before_us ? at_us - before_us : 0;
        uint64_t limit_us = interval_us * 3 > interval_us + 150000 ? interval_us * 3
                                                                   : interval_us + 150000;
        uint64_t from_us = before_us > begin_us ? before_us : begin_us;
        uint64_t to_us = at_us < end_us ? at_us : end_us;
        if (before_us && passed_us >= limit_us && from_us < to_us)
            frozen_us += to_us - from_us;
        if (before_us)
            interval_us = interval_us ? (interval_us * 29 + passed_us) / 30 : passed_us;
        before_us = at_us;
    }
    *ret_frozen_ms = (unsigned)(frozen_us / 1000);
}

struct comparison {
    unsigned decoded, arrived, worst;
    unsigned frozen_ms, noted_ms;
    unsigned lost;
};

static struct comparison compare(const struct world *w, unsigned from, unsigned to)
{
    struct comparison c = {0};
    for (unsigned at = from; at < to; at++) {
        const struct seenlog_second *s = &w->video[at];
        unsigned decoded, frozen_ms;
        assert_true(w->told[at] > 0);
        assert_int_not_equal(s->arrived, SEENLOG_UNKNOWN);
        truth_of(receiver_of(w, 0), at, &decoded, &frozen_ms);
        unsigned off = (unsigned)abs((int)decoded - (int)s->arrived);
        if (getenv("LOUPE_TRACE"))
            print_message("%u: %u sent, %u decoded, %u arrived; frozen %u noted %u; %u lost\n", at,
                          s->sent, decoded, s->arrived, frozen_ms, s->frozen_ms, s->lost);
        c.worst = off > c.worst ? off : c.worst;
        c.decoded += decoded;
        c.arrived += s->arrived;
        c.frozen_ms += frozen_ms;
        c.noted_ms += s->frozen_ms;
        c.lost += s->lost;
    }
    print_message("%u decoded, %u arrived, at most %u apart in a second; frozen %u ms, noted %u; "
                  "%u lost\n",
                  c.decoded, c.arrived, c.worst, c.frozen_ms, c.noted_ms, c.lost);
    return c;
}

static void test_a_good_path_is_seen_whole(void **state)
{
    (void)state;
    struct world w = {0};
    world_open(&w, 1, &(struct netsim_link){.delay_us = 20000});
    run_for(&w, 40 * SECOND_US);
    hub_peer_remove(w.server->hub, netsim_now_us(w.sim), &w.server->room, VIEWER);
    run_for(&w, 0);
    struct comparison c = compare(&w, 2, 39);
    assert_int_equal(c.noted_ms + c.lost, 0);
    assert_in_range(c.worst, 0, 1);
    for (unsigned at = 2; at < 39; at++) {
        assert_int_equal(w.told[at], 1); /* nothing twice */
        assert_in_range(w.sound[at].sent, 49, 51);
        assert_in_range(w.sound[at].arrived, 49, 51);
        assert_int_equal(w.sound[at].lost, 0);
        assert_int_equal(w.video[at].layer.width, 1280);
        assert_int_equal(w.video[at].layer.state, SEENLOG_MOVING);
    }
    print_message("%zu bytes in 40 s\n", w.bytes);
    assert_true(w.bytes < 400);
    world_close(&w);
}

static void test_five_percent_lost_both_ways(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= (getenv("LOUPE_VALGRIND") ? 1 : 3); seed++) {
        struct world w = {0};
        world_open(&w, seed, &(struct netsim_link){.delay_us = 20000, .loss_ppm = 50000});
        run_for(&w, 64 * SECOND_US);
        struct comparison c = compare(&w, 2, 58);
        assert_in_range(c.arrived, c.decoded * 98 / 100, c.decoded * 102 / 100);
        assert_in_range(c.worst, 0, 6);
        assert_in_range(c.lost, 0, 20);
        world_close(&w);
    }
}

/** They take long there, and tell nothing of memory that the others do not. */
static void not_under_valgrind(void)
{
    if (getenv("LOUPE_VALGRIND"))
        skip();
}

/** What is sent again comes late, or is lost again: the picture stands still now and then. */
static void test_a_long_and_bad_path(void **state)
{
    (void)state;
    not_under_valgrind();
    struct world w = {0};
    world_open(&w, 1, &(struct netsim_link){.delay_us = 80000, .loss_ppm = 150000});
    run_for(&w, 64 * SECOND_US);
    struct comparison c = compare(&w, 2, 58);
    assert_in_range(c.arrived, c.decoded * 96 / 100, c.decoded * 104 / 100);
    assert_true(c.frozen_ms > 2000);
    assert_in_range(c.noted_ms, c.frozen_ms * 7 / 10, c.frozen_ms * 13 / 10);
    world_close(&w);
}

/** 2.5 s in which nothing arrives. */
static void test_a_path_that_goes_dark(void **state)
{
    (void)state;
    const struct netsim_link quiet = {.delay_us = 20000};
    const struct netsim_link dark = {.delay_us = 20000, .loss_ppm = 1000000};
    struct world w = {0};
    world_open(&w, 1, &quiet);
    run_for(&w, 10 * SECOND_US);
    netsim_set_links(w.people[VIEWER]->node, &dark, &dark);
    run_for(&w, 5 * SECOND_US / 2);
    netsim_set_links(w.people[VIEWER]->node, &quiet, &quiet);
    run_for(&w, 22 * SECOND_US);
    struct comparison c = compare(&w, 2, 27);
    assert_in_range(c.noted_ms, c.frozen_ms * 9 / 10, c.frozen_ms * 11 / 10);
    assert_in_range(c.frozen_ms, 2400, 4000);
    assert_int_equal(w.video[11].arrived, 0);
    assert_int_equal(w.video[11].frozen_ms, 1000);
    assert_true(w.video[11].lost > 20);
    assert_in_range(w.sound[11].arrived, 0, 2);
    assert_in_range(w.video[20].arrived, 29, 31);
    world_close(&w);
}

static void test_of_a_viewer_who_says_nothing_only_what_was_sent_is_known(void **state)
{
    (void)state;
    not_under_valgrind();
    struct world w = {.silent = true};
    world_open(&w, 1, &(struct netsim_link){.delay_us = 20000});
    run_for(&w, 34 * SECOND_US);
    for (unsigned at = 2; at < 28; at++) {
        assert_in_range(w.video[at].sent, 29, 31);
        assert_int_equal(w.video[at].arrived, SEENLOG_UNKNOWN);
        assert_int_equal(w.video[at].frozen_ms, SEENLOG_UNKNOWN);
        assert_int_equal(w.video[at].lost, SEENLOG_UNKNOWN);
        assert_int_equal(w.video[at].layer.width, 1280);
    }
    world_close(&w);
}

static unsigned width_shown(const struct player *p, uint64_t until_us)
{
    unsigned width = 0;
    for (size_t i = 0; i < p->shown_count && i < PLAYER_SHOWN; i++)
        if (p->shown[i].at_us < until_us)
            width = p->shown[i].width;
    return width;
}

/** A narrow path, then a wide one: the layer noted is what was on the screen. */
static void test_layers_that_change(void **state)
{
    (void)state;
    not_under_valgrind();
    struct world w = {.real = true};
    const struct netsim_link narrow = {.delay_us = 20000, .rate_bps = 700000, .queue_packets = 50};
    const struct netsim_link wide = {.delay_us = 20000, .rate_bps = 8000000, .queue_packets = 50};
    world_open(&w, 3, &wide);
    run_for(&w, 25 * SECOND_US);
    netsim_set_links(w.people[VIEWER]->node, &wide, &narrow);
    run_for(&w, 25 * SECOND_US);
    netsim_set_links(w.people[VIEWER]->node, &wide, &wide);
    run_for(&w, 41 * SECOND_US);
    const struct player *p = receiver_of(&w, 0)->player;
    unsigned same = 0, widths = 0, last = 0;
    for (unsigned at = 2; at < 85; at++) {
        /* What is sent last in a second is on the screen a little later. */
        unsigned width = width_shown(p, START_US + (at + 1) * SECOND_US + 100000);
        same += w.video[at].layer.width == width;
        widths += w.video[at].layer.width != last;
        last = w.video[at].layer.width;
        unsigned shown = (unsigned)player_shown_between(p, START_US + at * SECOND_US,
                                                        START_US + (at + 1) * SECOND_US);
        if (getenv("LOUPE_TRACE"))
            print_message("%u: %u wide, noted %u (encoding %u), %u shown, %u arrived\n", at, width,
                          last, w.video[at].layer.encoding, shown, w.video[at].arrived);
    }
    print_message("%u of 83 seconds have the width that was shown; %u stretches\n", same, widths);
    assert_true(same >= 79);
    assert_in_range(widths, 3, 40);
    assert_int_equal(w.video[20].layer.width, 1280);
    assert_true(w.video[45].layer.width < 1280);
    world_close(&w);
}

/** The end of a clip has what is known told at once, and later what came of it. */
static void test_the_end_of_a_clip_tells_what_is_known(void **state)
{
    (void)state;
    struct world w = {0};
    world_open(&w, 1, &(struct netsim_link){.delay_us = 20000});
    run_for(&w, 12 * SECOND_US + SECOND_US / 2);
    hub_consent(w.server->hub, netsim_now_us(w.sim), &w.server->room, "publisher", true);
    struct media_clip_config clip = {.preroll_ms = 5000, .lookback = true};
    (void)str_copy(clip.publisher, sizeof clip.publisher, "publisher");
    run_for(&w, 6 * SECOND_US);
    assert_int_equal(w.told[10], 0);
    hub_clip_start(w.server->hub, netsim_now_us(w.sim), &w.server->room, &clip);
    sim_server_touch(w.server);
    run_for(&w, SECOND_US);
    assert_int_equal(w.told[10], 1);
    assert_int_equal(w.told[17], 1);
    assert_in_range(w.video[17].arrived, 28, 31);
    assert_in_range(w.video[18].arrived, 12, 20); /* half of it */
    run_for(&w, 20 * SECOND_US);
    assert_int_equal(w.told[17], 2);
    assert_in_range(w.video[18].arrived, 29, 31);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_good_path_is_seen_whole),
        cmocka_unit_test(test_five_percent_lost_both_ways),
        cmocka_unit_test(test_a_long_and_bad_path),
        cmocka_unit_test(test_a_path_that_goes_dark),
        cmocka_unit_test(test_of_a_viewer_who_says_nothing_only_what_was_sent_is_known),
        cmocka_unit_test(test_layers_that_change),
        cmocka_unit_test(test_the_end_of_a_clip_tells_what_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
