// SPDX-License-Identifier: Apache-2.0
/* Whole calls through the hub in virtual time: loss, repetition of a run, rebinding, late joiners,
 * people who vanish, consent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/er.h"
#include "base/str.h"
#include "tests/sim/sim_server.h"

#define START_US 1000000u
#define SECOND_US 1000000u

enum { BUYER = 1, AGENT, JOINER, PEOPLE };

struct world {
    struct netsim *sim;
    struct sim_server *server;
    struct dtls_identity *identity;
    struct netsim_link link;
    uint32_t video_bps; /* 0: as the browser likes */
    struct attached *people[PEOPLE];
    struct media_peer_config configs[PEOPLE];
    size_t video_line[PEOPLE]; /* that receives */
};

static const struct netsim_link quiet = {.delay_us = 25000};
static const struct netsim_link lossy = {
    .delay_us = 25000, .loss_ppm = 100000, .reorder_ppm = 10000, .reorder_us = 8000};

static struct addr address_of(unsigned host)
{
    char text[32];
    struct addr a;
    (void)snprintf(text, sizeof text, "192.0.2.%u", host);
    assert_int_equal(addr_parse_ip(text, (uint16_t)(5000 + host), &a), 0);
    return a;
}

static void world_open(struct world *w, uint64_t seed, const struct netsim_link *link)
{
    *w = (struct world){.link = *link};
    struct addr at = address_of(1);
    assert_int_equal(srtp_pair_library_init(), 0);
    assert_int_equal(netsim_new(&w->sim, seed, START_US), 0);
    assert_int_equal(dtls_identity_new(&w->identity), 0);
    assert_int_equal(sim_server_new(&w->server, w->sim, &at, seed), 0);
}

static void world_close(struct world *w)
{
    for (size_t i = 0; i < PEOPLE; i++)
        attached_free(w->people[i]);
    sim_server_free(w->server);
    netsim_free(w->sim);
    dtls_identity_free(w->identity);
}

/** `publish` adds sending lines; everybody has one receiving line of each kind. */
static struct browser *enter(struct world *w, unsigned who, bool publish)
{
    static const char *const names[] = {"", "buyer", "agent", "joiner"};
    struct addr at = address_of(10 + who);
    struct browser_config config = {.name = names[who],
                                    .seed = 100 + who,
                                    .identity = w->identity,
                                    .video_bps = w->video_bps,
                                    .flavour = who == AGENT ? BROWSER_FIREFOX : BROWSER_CHROMIUM,
                                    .big_hello = true};
    assert_int_equal(attached_new(&w->people[who], w->sim, &at, &w->link, &w->link, &config), 0);
    struct browser *b = w->people[who]->browser;
    if (publish) {
        browser_add_line(b, MEDIA_AUDIO, SDP_SENDONLY);
        browser_add_line(b, MEDIA_VIDEO, SDP_SENDONLY);
    }
    browser_add_line(b, MEDIA_AUDIO, SDP_RECVONLY);
    w->video_line[who] = browser_add_line(b, MEDIA_VIDEO, SDP_RECVONLY);
    w->configs[who] = (struct media_peer_config){
        .peer = who, .may_publish = true, .may_subscribe = true, .rank = who == BUYER};
    (void)str_copy(w->configs[who].identity, sizeof w->configs[who].identity, names[who]);
    const char *why = "";
    int er = sim_server_offer(w->server, &w->configs[who], w->people[who], &why);
    if (er != 0)
        fail_msg("%s is refused: %s (%s)", names[who], why, er_name(er));
    return b;
}

static void run_for(struct world *w, uint64_t us)
{
    netsim_run_until(w->sim, netsim_now_us(w->sim) + us);
}

static struct receiver *picture_at(const struct world *w, unsigned who)
{
    return w->people[who]->browser->lines[w->video_line[who]].receiver;
}

static struct sender *picture_of(const struct world *w, unsigned who)
{
    return w->people[who]->browser->lines[1].sender;
}

/** Frames captured within the given time that were whole later than `late_us` after, or never. */
static size_t late_frames(const struct receiver *r, const struct sender *s, uint64_t from_us,
                          uint64_t to_us, uint64_t late_us, size_t *ret_all)
{
    size_t late = 0;
    *ret_all = 0;
    for (size_t i = 0; i < s->stats.frames; i++) {
        uint64_t captured = sender_capture_us(s, i);
        if (captured < from_us || captured >= to_us)
            continue;
        ++*ret_all;
        bool whole = i < r->frame_count && r->frames[i].complete_us;
        if (!whole || r->frames[i].complete_us > captured + late_us)
            late++;
    }
    return late;
}

static void test_call_under_loss(void **state)
{
    (void)state;
    const bool slow = getenv("LOUPE_VALGRIND") != NULL;
    const uint64_t seeds = slow ? 1 : 3;
    const uint64_t length_us = (slow ? 10 : 60) * SECOND_US;
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        struct world w;
        world_open(&w, seed, &lossy);
        enter(&w, BUYER, true);
        enter(&w, AGENT, true);
        run_for(&w, 3 * SECOND_US);
        uint64_t from = netsim_now_us(w.sim);
        run_for(&w, length_us + SECOND_US);
        for (unsigned viewer = BUYER; viewer <= AGENT; viewer++) {
            const struct receiver *r = picture_at(&w, viewer);
            const struct sender *s = picture_of(&w, BUYER + AGENT - viewer);
            size_t all;
            assert_non_null(r);
            size_t late = late_frames(r, s, from, from + length_us, 400000, &all);
            print_message("seed %u: %zu of %zu frames later than 400 ms\n", (unsigned)seed, late,
                          all);
            assert_true(all * SECOND_US >= 29 * length_us);
            assert_true(late * 1000 <= all);
            assert_int_equal(r->stats.corrupt, 0);
        }
        world_close(&w);
    }
}

static uint64_t trace_of(uint64_t seed)
{
    struct world w;
    world_open(&w, seed, &lossy);
    enter(&w, BUYER, true);
    enter(&w, AGENT, true);
    run_for(&w, (getenv("LOUPE_VALGRIND") ? 3 : 10) * SECOND_US);
    uint64_t hash = netsim_trace_hash(w.sim);
    world_close(&w);
    return hash;
}

static void test_same_seed_same_trace(void **state)
{
    (void)state;
    uint64_t first = trace_of(7);
    assert_true(first == trace_of(7));
    assert_true(first != trace_of(8));
}

/** The longest time within [from, to) in which no frame became whole. */
static uint64_t longest_silence_us(const struct receiver *r, uint64_t from_us, uint64_t to_us)
{
    uint64_t last = from_us;
    uint64_t longest = 0;
    for (size_t i = 0; i < r->frame_count; i++) {
        uint64_t at = r->frames[i].complete_us;
        if (at <= last || at >= to_us)
            continue;
        if (at - last > longest)
            longest = at - last;
        last = at;
    }
    return to_us - last > longest ? to_us - last : longest;
}

static void test_publisher_moves(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, 3, &quiet);
    enter(&w, BUYER, true);
    enter(&w, AGENT, false);
    run_for(&w, 5 * SECOND_US);
    struct addr moved = address_of(200);
    uint64_t from = netsim_now_us(w.sim);
    assert_int_equal(netsim_rebind(w.people[BUYER]->node, &moved), 0);
    run_for(&w, 5 * SECOND_US);
    uint64_t silence = longest_silence_us(picture_at(&w, AGENT), from, from + 5 * SECOND_US);
    print_message("longest silence after the move: %u ms\n", (unsigned)(silence / 1000));
    assert_true(silence < SECOND_US);
    assert_non_null(sim_server_event(w.server, MEDIA_PEER_MOVED, BUYER));
    assert_null(sim_server_event(w.server, MEDIA_PEER_GONE, BUYER));
    world_close(&w);
}

static void test_viewer_moves(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, 4, &quiet);
    enter(&w, BUYER, true);
    enter(&w, AGENT, false);
    run_for(&w, 5 * SECOND_US);
    struct addr moved = address_of(201);
    uint64_t from = netsim_now_us(w.sim);
    assert_int_equal(netsim_rebind(w.people[AGENT]->node, &moved), 0);
    run_for(&w, 5 * SECOND_US);
    assert_true(longest_silence_us(picture_at(&w, AGENT), from, from + 5 * SECOND_US) < SECOND_US);
    world_close(&w);
}

static void test_joiner_is_served_from_the_tape(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, 5, &quiet);
    enter(&w, BUYER, true);
    enter(&w, AGENT, false);
    run_for(&w, 3 * SECOND_US);
    uint64_t key_frames = picture_of(&w, BUYER)->stats.key_frames;
    struct browser *joiner = enter(&w, JOINER, false);
    run_for(&w, SECOND_US);
    const struct receiver *r = picture_at(&w, JOINER);
    assert_non_null(r);
    assert_true(r->frame_count > 0);
    assert_true(joiner->connected_us > 0);
    assert_true(r->first_packet_us < joiner->connected_us + 200000);
    assert_int_equal(picture_of(&w, BUYER)->stats.key_frames, key_frames);
    /* The past is squeezed: within half a second the picture is the present one. */
    size_t all;
    uint64_t now = netsim_now_us(w.sim);
    assert_int_equal(
        late_frames(r, picture_of(&w, BUYER), now - 500000, now - 100000, 100000, &all), 0);
    assert_true(all > 8);
    assert_int_equal(r->stats.corrupt, 0);
    world_close(&w);
}

/** A path that lets sound through, but nothing of the picture. */
struct narrow {
    browser_send_fn *send;
    void *ctx;
    uint32_t ssrc;
    bool on;
    size_t dropped;
};

static void narrow_send(void *ctx, const struct addr *to, const uint8_t *data, size_t len)
{
    struct narrow *n = ctx;
    if (n->on && len > 12 && data[0] >> 6 == 2 && get_u32(data + 8) == n->ssrc)
        n->dropped++;
    else
        n->send(n->ctx, to, data, len);
}

/** More than half a round of sequence numbers is lost, and the picture comes back all the same. */
static void test_a_path_without_room_for_pictures(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, 81, &quiet);
    w.video_bps = 8000000;
    struct browser *b = enter(&w, BUYER, true);
    (void)enter(&w, AGENT, false);
    run_for(&w, 3 * SECOND_US);
    struct narrow narrow = {.send = b->config.send, .ctx = b->config.ctx, .ssrc = b->lines[1].ssrc};
    b->config.send = narrow_send;
    b->config.ctx = &narrow;
    for (int round = 0; round < 2; round++) {
        narrow.on = true;
        narrow.dropped = 0;
        while (narrow.dropped < 36000)
            run_for(&w, SECOND_US);
        narrow.on = false;
        run_for(&w, SECOND_US);
        uint64_t from_us = netsim_now_us(w.sim);
        run_for(&w, 4 * SECOND_US);
        size_t all, late = late_frames(picture_at(&w, AGENT), picture_of(&w, BUYER), from_us,
                                       from_us + 3 * SECOND_US, SECOND_US, &all);
        assert_in_range(all, 80, 100);
        assert_int_equal(late, 0);
    }
    world_close(&w);
}

static void test_vanished_publisher_is_removed(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, 6, &quiet);
    enter(&w, BUYER, true);
    enter(&w, AGENT, false);
    run_for(&w, 2 * SECOND_US);
    netsim_silence(w.people[BUYER]->node);
    browser_close(w.people[BUYER]->browser, netsim_now_us(w.sim));
    netsim_set_links(w.people[BUYER]->node, &(struct netsim_link){.loss_ppm = 1000000},
                     &(struct netsim_link){.loss_ppm = 1000000});
    run_for(&w, 40 * SECOND_US);
    assert_non_null(sim_server_event(w.server, MEDIA_PEER_GONE, BUYER));
    assert_non_null(sim_server_event(w.server, MEDIA_TRACK_REMOVED, BUYER));
    const struct media_event *slot = sim_server_event(w.server, MEDIA_SLOT, AGENT);
    assert_non_null(slot);
    assert_int_equal(slot->track, 0);
    world_close(&w);
}

/** Track ids of the two voices and the buyer's picture, from MEDIA_TRACK_ADDED. */
static uint64_t track_of(const struct world *w, unsigned who, enum media_kind kind)
{
    for (size_t i = 0; i < w->server->event_count && i < SIM_EVENTS; i++) {
        const struct media_event *e = &w->server->events[i];
        if (e->type == MEDIA_TRACK_ADDED && e->peer == who && e->kind == kind)
            return e->track;
    }
    fail_msg("no track of %u", who);
    return 0;
}

static void test_only_who_consents_is_recorded(void **state)
{
    (void)state;
    struct world w;
    struct media_clip_config clip = {.publisher = "buyer", .path = "unused"};
    world_open(&w, 9, &quiet);
    enter(&w, BUYER, true);
    enter(&w, AGENT, true);
    run_for(&w, 2 * SECOND_US);
    struct sim_server *s = w.server;
    clip.clip = s->room;
    hub_clip_start(s->hub, netsim_now_us(w.sim), &s->room, &clip);
    const struct media_event *refused = sim_server_event(s, MEDIA_CLIP_FAILED, 0);
    assert_non_null(refused);
    assert_int_equal(refused->er, ER_DENIED);
    hub_consent(s->hub, netsim_now_us(w.sim), &s->room, "buyer", true);
    hub_clip_start(s->hub, netsim_now_us(w.sim), &s->room, &clip);
    sim_server_touch(s);
    run_for(&w, 3 * SECOND_US);
    assert_true(s->recorded[track_of(&w, BUYER, MEDIA_VIDEO)] > 300);
    assert_true(s->recorded[track_of(&w, BUYER, MEDIA_AUDIO)] > 120);
    assert_int_equal(s->recorded[track_of(&w, AGENT, MEDIA_AUDIO)], 0);
    assert_int_equal(s->recorded[track_of(&w, AGENT, MEDIA_VIDEO)], 0);
    hub_consent(s->hub, netsim_now_us(w.sim), &s->room, "agent", true);
    run_for(&w, SECOND_US);
    uint64_t heard = s->recorded[track_of(&w, AGENT, MEDIA_AUDIO)];
    assert_in_range(heard, 40, 51); /* from the consent on, not before */
    hub_consent(s->hub, netsim_now_us(w.sim), &s->room, "buyer", false);
    uint64_t recorded = s->recorded[track_of(&w, BUYER, MEDIA_VIDEO)];
    assert_int_equal(s->clips_closed, 1);
    run_for(&w, 2 * SECOND_US);
    assert_int_equal(s->recorded[track_of(&w, BUYER, MEDIA_VIDEO)], recorded);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_call_under_loss),
        cmocka_unit_test(test_same_seed_same_trace),
        cmocka_unit_test(test_publisher_moves),
        cmocka_unit_test(test_viewer_moves),
        cmocka_unit_test(test_joiner_is_served_from_the_tape),
        cmocka_unit_test(test_a_path_without_room_for_pictures),
        cmocka_unit_test(test_vanished_publisher_is_removed),
        cmocka_unit_test(test_only_who_consents_is_recorded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
