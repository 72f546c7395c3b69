// SPDX-License-Identifier: Apache-2.0
/* The engine whole: two workers, real offers and handshakes on loopback, a clip on the disk. */
#include "media/media.h"

#include <setjmp.h>
#include <stdarg.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/str.h"
#include "tests/unit/support/real_client.h"
#include "tests/unit/support/scratch.h"
#include "tests/unit/support/tcp_pair.h"

#define WAIT_MS 10000

struct fixture {
    struct entropy entropy;
    struct media *media;
    struct id room;
};

static int open_fixture(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    struct media_config config = {.workers = 2, .jobs = 1};
    assert_int_equal(addr_parse_ip("127.0.0.1", 0, &config.udp), 0);
    f->entropy = entropy_system();
    f->room = id_make(1700000000000000, &f->entropy);
    assert_int_equal(media_start(&f->media, &config), 0);
    assert_int_equal(media_room_open(f->media, &f->room), 0);
    *state = f;
    return 0;
}

static int close_fixture(void **state)
{
    struct fixture *f = *state;
    media_stop(f->media);
    free(f);
    return 0;
}

/** The next event of a type; others before it are let go. The caller clears it. */
static struct media_event wait_for(struct fixture *f, enum media_event_type type)
{
    struct media_event e;
    for (;;) {
        while (media_next_event(f->media, &e)) {
            if (e.type == type)
                return e;
            media_event_clear(&e);
        }
        struct pollfd p = {.fd = media_event_fd(f->media), .events = POLLIN};
        assert_int_equal(poll(&p, 1, WAIT_MS), 1);
    }
}

static int add(struct fixture *f, const struct id *room, uint64_t peer, const char *offer)
{
    struct media_peer_config config = {.peer = peer, .may_publish = true, .may_subscribe = true};
    snprintf(config.identity, sizeof config.identity, "person-%u", (unsigned)peer);
    return media_peer_add(f->media, room, &config, peer, offer, strlen(offer), NULL, 0);
}

/** The port of the answer. */
static uint16_t meet(struct fixture *f, const struct id *room, struct real_client *c, uint64_t peer,
                     const char *direction)
{
    char *offer = real_client_offer(c, direction);
    assert_int_equal(add(f, room, peer, offer), 0);
    struct media_event e = wait_for(f, MEDIA_ANSWER);
    assert_int_equal(e.request, peer);
    assert_true(id_equal(&e.room, room));
    uint16_t port = real_client_answer_port(e.sdp);
    real_client_connect(c, e.sdp);
    media_event_clear(&e);
    free(offer);
    e = wait_for(f, MEDIA_PEER_CONNECTED);
    assert_int_equal(e.peer, peer);
    return port;
}

static uint16_t join(struct fixture *f, const struct id *room, struct real_client *c, uint64_t peer,
                     const char *direction)
{
    real_client_open(c);
    return meet(f, room, c, peer, direction);
}

static void carries_calls_over_tcp(void **state)
{
    (void)state;
    struct fixture f = {.entropy = entropy_system()};
    struct media_config config = {.workers = 2, .jobs = 1, .has_tcp = true};
    struct id rooms[2];
    struct real_client clients[4];
    struct media_counters n;
    assert_int_equal(addr_parse_ip("127.0.0.1", 0, &config.udp), 0);
    assert_int_equal(addr_parse_ip("127.0.0.1", 0, &config.tcp), 0);
    assert_int_equal(media_start(&f.media, &config), 0);
    assert_int_not_equal(media_tcp_address(f.media).port, 0);
    for (unsigned i = 0; i < 2; i++) { /* a room on each worker; one port for both */
        struct real_client *ann = &clients[2 * i], *bob = &clients[2 * i + 1];
        rooms[i] = id_make(1700000000000000, &f.entropy);
        assert_int_equal(media_room_open(f.media, &rooms[i]), 0);
        real_client_open_at(ann, "127.0.0.1", true);
        real_client_open_at(bob, "127.0.0.1", true);
        uint16_t port = meet(&f, &rooms[i], ann, 2 * i + 1, "sendonly");
        assert_int_equal(port, media_worker_address(f.media, i).port);
        (void)meet(&f, &rooms[i], bob, 2 * i + 2, "recvonly");
        for (uint32_t k = 0; k < 50; k++)
            real_client_picture(ann, k * 3000, k == 0);
        real_client_wait(bob, &bob->rtp_count, 50);
    }
    media_read_counters(f.media, &n);
    assert_int_equal(n.tcp_connections, 4);
    assert_int_equal(n.tcp_delivered, 4);
    assert_int_equal(n.tcp_dismissed + n.tcp_refused, 0);
    assert_int_equal(media_room_close(f.media, &rooms[0]), 0); /* closes its connections */
    while (n.tcp_connections != 2)
        media_read_counters(f.media, &n);
    assert_true(tcp_is_closed(clients[0].fd) && tcp_is_closed(clients[1].fd));
    media_stop(f.media);
    for (unsigned i = 0; i < 4; i++)
        real_client_close(&clients[i]);
}

/** One socket each for UDP and TCP serves both families; all public addresses are announced. */
static void carries_calls_over_both_families(void **state)
{
    (void)state;
    struct fixture f = {.entropy = entropy_system()};
    struct media_config config = {
        .workers = 1, .jobs = 1, .has_tcp = true, .public_address_count = 3};
    static const char *const ips[] = {"::1", "127.0.0.1", "2001:db8::7"};
    struct addr public[3];
    struct real_client ann, viewers[4];
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(addr_parse_ip(ips[i], 0, &public[i]), 0);
    config.public_addresses = public;
    assert_int_equal(addr_parse_ip("::", 0, &config.udp), 0);
    config.tcp = config.udp;
    assert_int_equal(media_start(&f.media, &config), 0);
    f.room = id_make(1700000000000000, &f.entropy);
    assert_int_equal(media_room_open(f.media, &f.room), 0);
    real_client_open_at(&ann, "::1", false);
    (void)meet(&f, &f.room, &ann, 1, "sendonly");
    for (unsigned i = 0; i < 4; i++) {
        real_client_open_at(&viewers[i], ips[i & 1], i >= 2);
        (void)meet(&f, &f.room, &viewers[i], 2 + i, "recvonly");
    }
    for (uint32_t k = 0; k < 20; k++)
        real_client_picture(&ann, k * 3000, k == 0);
    for (unsigned i = 0; i < 4; i++)
        real_client_wait(&viewers[i], &viewers[i].rtp_count, 20);

    char *offer = real_client_offer(&ann, "sendonly");
    assert_int_equal(media_peer_offer(f.media, &f.room, 1, 77, offer, strlen(offer), NULL, 0), 0);
    struct media_event e = wait_for(&f, MEDIA_ANSWER);
    for (unsigned tcp = 0; tcp < 2; tcp++)
        for (unsigned i = 0; i < 3; i++) {
            char line[128];
            uint16_t port = tcp ? media_tcp_address(f.media).port
                                : media_worker_address(f.media, 0).port;
            snprintf(line, sizeof line, " %s %u typ host%s\r\n", ips[i], port,
                     tcp ? " tcptype passive" : "");
            assert_non_null(strstr(e.sdp, line));
        }
    media_event_clear(&e);
    free(offer);
    media_stop(f.media);
    real_client_close(&ann);
    for (unsigned i = 0; i < 4; i++)
        real_client_close(&viewers[i]);
}

static void refuses_bad_configurations(void **state)
{
    (void)state;
    struct media *m = NULL;
    struct media_config config = {.workers = 0, .jobs = 1};
    assert_int_equal(addr_parse_ip("127.0.0.1", 0, &config.udp), 0);
    assert_int_equal(media_start(&m, &config), ER_INVALID);
    config.workers = LIMIT_WORKERS + 1;
    assert_int_equal(media_start(&m, &config), ER_INVALID);
    config.workers = 1;
    config.jobs = 9;
    assert_int_equal(media_start(&m, &config), ER_INVALID);
    config.jobs = 1;
    config.workers = 4;
    config.udp.port = 65534;
    assert_int_equal(media_start(&m, &config), ER_INVALID);
    config.workers = 1;
    assert_int_equal(addr_parse_ip("203.0.113.77", 0, &config.udp), 0);
    assert_int_equal(media_start(&m, &config), ER_IO); /* not an address of ours */
    assert_null(m);
    media_stop(NULL);
}

static void ports_count_up(void **state)
{
    (void)state;
    struct media *m = NULL, *again = NULL;
    struct media_config config = {.workers = 2, .jobs = 1};
    for (uint16_t port = 42000; !m && port < 42100; port += 2) {
        assert_int_equal(addr_parse_ip("127.0.0.1", port, &config.udp), 0);
        (void)media_start(&m, &config);
    }
    assert_non_null(m);
    assert_int_equal(media_worker_address(m, 0).port, config.udp.port);
    assert_int_equal(media_worker_address(m, 1).port, config.udp.port + 1);
    config.udp.port--;
    assert_int_equal(media_start(&again, &config), ER_IO); /* its second port is taken */
    assert_null(again);
    media_stop(m);
}

static void answers_and_refuses(void **state)
{
    struct fixture *f = *state;
    struct id other = id_make(1700000000000001, &f->entropy);
    struct real_client c;
    assert_int_equal(media_room_open(f->media, &f->room), ER_CONFLICT);
    assert_int_equal(add(f, &other, 1, "v=0\r\n"), ER_NOT_FOUND);
    assert_int_equal(media_room_close(f->media, &other), ER_NOT_FOUND);
    assert_int_equal(media_peer_remove(f->media, &other, 1), ER_NOT_FOUND);
    assert_int_equal(media_consent(f->media, &other, "ann", true), ER_NOT_FOUND);
    assert_int_equal(media_stats(f->media, &other, 1), ER_NOT_FOUND);
    char *huge = malloc(LIMIT_SDP_BYTES + 2);
    assert_non_null(huge);
    memset(huge, 'x', LIMIT_SDP_BYTES + 1);
    huge[LIMIT_SDP_BYTES + 1] = '\0';
    assert_int_equal(add(f, &f->room, 1, huge), ER_INVALID);
    free(huge);
    assert_int_equal(add(f, &f->room, 1, "garbage"), 0);
    struct media_event e = wait_for(f, MEDIA_REFUSED);
    assert_int_equal(e.er, ER_MALFORMED);
    assert_non_null(e.why);
    assert_true(id_equal(&e.room, &f->room));
    real_client_open(&c);
    char *offer = real_client_offer(&c, "sendrecv");
    assert_int_equal(add(f, &f->room, 2, offer), 0);
    e = wait_for(f, MEDIA_ANSWER);
    assert_int_equal(e.peer, 2);
    assert_non_null(strstr(e.sdp, "a=ice-lite"));
    assert_non_null(strstr(e.sdp, "a=setup:passive"));
    media_event_clear(&e);
    const struct media_want want = {.mid = "1", .identity = "person-3"};
    assert_int_equal(media_peer_offer(f->media, &f->room, 2, 9, offer, strlen(offer), &want, 1), 0);
    e = wait_for(f, MEDIA_ANSWER);
    assert_int_equal(e.request, 9);
    media_event_clear(&e);
    assert_int_equal(media_peer_remove(f->media, &f->room, 2), 0);
    assert_int_equal(media_peer_offer(f->media, &f->room, 2, 10, offer, strlen(offer), NULL, 0), 0);
    e = wait_for(f, MEDIA_REFUSED);
    assert_int_equal(e.er, ER_NOT_FOUND);
    free(offer);
    real_client_close(&c);
}

static void rooms_are_spread_over_workers(void **state)
{
    struct fixture *f = *state;
    struct id other = id_make(1700000000000001, &f->entropy);
    struct real_client ann, bob, eve;
    assert_int_equal(media_room_open(f->media, &other), 0);
    uint16_t a = join(f, &f->room, &ann, 1, "sendonly");
    uint16_t b = join(f, &f->room, &bob, 2, "recvonly");
    uint16_t e = join(f, &other, &eve, 3, "recvonly");
    assert_int_equal(a, b);
    assert_int_not_equal(a, e);
    assert_true(media_worker_address(f->media, 0).port == a ||
                media_worker_address(f->media, 1).port == a);
    for (uint32_t i = 0; i < 20; i++)
        real_client_picture(&ann, i * 3000, i == 0);
    real_client_wait(&bob, &bob.rtp_count, 20);
    assert_int_equal(media_stats(f->media, &f->room, 44), 0);
    struct media_event stats = wait_for(f, MEDIA_STATS);
    assert_int_equal(stats.request, 44);
    assert_int_equal(stats.stats->track_count, 1);
    assert_int_equal(stats.stats->tracks[0].packets, 20);
    media_event_clear(&stats);
    struct media_counters n = {0};
    for (int i = 0; i < 10000 && (n.packets_out < 20 || n.handshakes_ok < 3); i++) {
        assert_int_equal(media_stats(f->media, &f->room, 45), 0);
        stats = wait_for(f, MEDIA_STATS);
        media_event_clear(&stats);
        media_read_counters(f->media, &n);
    }
    assert_int_equal(n.rooms, 2); /* of both workers together */
    assert_int_equal(n.peers, 3);
    assert_int_equal(n.handshakes_ok, 3);
    assert_true(n.packets_out >= 20 && n.packets_in >= 20);
    assert_int_equal(eve.rtp_count, 0);
    assert_int_equal(media_room_close(f->media, &f->room), 0);
    assert_int_equal(media_room_open(f->media, &f->room), 0);
    real_client_close(&ann);
    real_client_close(&bob);
    real_client_close(&eve);
}

static void start_clip(struct fixture *f, struct media_clip_config *clip, struct scratch *scratch)
{
    *clip = (struct media_clip_config){.clip = id_make(1700000000000005, &f->entropy),
                                       .publisher = "person-1"};
    (void)str_copy(clip->path, sizeof clip->path, scratch_path(scratch, "clip"));
    assert_int_equal(media_clip_start(f->media, &f->room, clip), 0);
}

static void a_clip_from_start_to_file(void **state)
{
    struct fixture *f = *state;
    struct real_client ann;
    struct scratch scratch;
    struct media_clip_config clip;
    scratch_make(&scratch);
    join(f, &f->room, &ann, 1, "sendonly");
    real_client_picture(&ann, 0, true);
    struct media_event e = wait_for(f, MEDIA_TRACK_ADDED);
    start_clip(f, &clip, &scratch);
    e = wait_for(f, MEDIA_CLIP_FAILED);
    assert_int_equal(e.er, ER_DENIED);
    assert_int_equal(media_consent(f->media, &f->room, "person-1", true), 0);
    start_clip(f, &clip, &scratch);
    e = wait_for(f, MEDIA_CLIP_STARTED);
    assert_true(id_equal(&e.clip, &clip.clip));
    uint64_t began_us = e.unix_us;
    real_client_picture(&ann, 3000, true);
    assert_int_equal(media_clip_stop(f->media, &f->room, &clip.clip), 0);
    e = wait_for(f, MEDIA_CLIP_READY);
    assert_true(id_equal(&e.clip, &clip.clip));
    assert_true(e.result.started_unix_us == began_us);
    assert_true(scratch_exists(&scratch, "clip.webm"));
    assert_int_equal(media_clip_repair(f->media, &clip.clip, scratch_path(&scratch, "none")), 0);
    e = wait_for(f, MEDIA_CLIP_FAILED);
    assert_int_equal(e.er, ER_NOT_FOUND);
    real_client_close(&ann);
    scratch_remove(&scratch);
}

static uint64_t packets_in(const struct fixture *f)
{
    struct media_counters n;
    media_read_counters(f->media, &n);
    return n.packets_in;
}

/** Sent, and come. */
static void picture_arrives(struct fixture *f, struct real_client *c, uint32_t timestamp)
{
    uint64_t before = packets_in(f);
    real_client_picture(c, timestamp, true);
    for (int tries = 0; packets_in(f) == before; tries++) {
        assert_true(tries < WAIT_MS);
        real_client_poll(c);
    }
}

static void stopping_finishes_clips_and_calls(void **state)
{
    struct fixture *f = *state;
    struct real_client ann;
    struct scratch scratch;
    struct media_clip_config clip;
    scratch_make(&scratch);
    join(f, &f->room, &ann, 1, "sendonly");
    real_client_picture(&ann, 0, true);
    (void)wait_for(f, MEDIA_TRACK_ADDED);
    assert_int_equal(media_consent(f->media, &f->room, "person-1", true), 0);
    start_clip(f, &clip, &scratch);
    (void)wait_for(f, MEDIA_CLIP_STARTED);
    picture_arrives(f, &ann, 3000);
    media_stop(f->media);
    f->media = NULL;
    assert_true(scratch_exists(&scratch, "clip.webm"));
    assert_false(scratch_exists(&scratch, "clip.part"));
    for (int i = 0; i < 20 && dtls_get_state(ann.dtls) != DTLS_CLOSED; i++)
        real_client_poll(&ann);
    assert_int_equal(dtls_get_state(ann.dtls), DTLS_CLOSED); /* and the client knows */
    real_client_close(&ann);
    scratch_remove(&scratch);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_bad_configurations),
        cmocka_unit_test(ports_count_up),
        cmocka_unit_test(carries_calls_over_tcp),
        cmocka_unit_test(carries_calls_over_both_families),
        TEST(answers_and_refuses),
        TEST(rooms_are_spread_over_workers),
        TEST(a_clip_from_start_to_file),
        TEST(stopping_finishes_clips_and_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
