// SPDX-License-Identifier: Apache-2.0
/* A worker's thread with real clients on loopback: commands, candidates, handshake, media, counters. */
#include <pthread.h>
#include <sched.h>

#include "base/er.h"
#include "tests/unit/io/worker_bench.h"

/** The second of three. */
static int open_fixture(void **state)
{
    struct worker_bench *f = calloc(1, sizeof *f);
    assert_non_null(f);
    worker_bench_open(f, 1, 3);
    *state = f;
    return 0;
}

static int close_fixture(void **state)
{
    worker_bench_close(*state);
    free(*state);
    return 0;
}

/** Asks for figures, and so lets the loop turn, until a counter of the published ones has a value. */
static struct media_counters settle(struct worker_bench *f, size_t counter, uint64_t wanted)
{
    for (uint64_t i = 0; i < 10000; i++) {
        struct media_counters n = {0};
        uint64_t value;
        tell(f, (struct command){.type = COMMAND_STATS, .request = i});
        struct media_event e = wait_for(f, MEDIA_STATS);
        assert_int_equal(e.request, i);
        media_event_clear(&e);
        worker_add_counters(f->worker, &n);
        memcpy(&value, (const char *)&n + counter, sizeof value);
        if (value == wanted)
            return n;
    }
    fail_msg("a counter never became %u", (unsigned)wanted);
    return (struct media_counters){0};
}
#define SETTLE(f, counter, wanted) settle(f, offsetof(struct media_counters, counter), wanted)

static void carries_out_commands(void **state)
{
    struct worker_bench *f = *state;
    tell(f, (struct command){.type = COMMAND_ROOM_OPEN});
    SETTLE(f, rooms, 1);
    tell_offer(f, 5, "nonsense");
    struct media_event e = wait_for(f, MEDIA_REFUSED);
    assert_int_equal(e.er, ER_MALFORMED);
    assert_int_equal(e.peer, 5);
    tell(f, (struct command){.type = COMMAND_CONSENT, .identity = strdup("ann"), .flag = true});
    tell(f, (struct command){.type = COMMAND_PEER_REMOVE, .peer = 5});
    struct media_clip_config *clip = calloc(1, sizeof *clip);
    memcpy(clip->publisher, "ann", 4);
    tell(f, (struct command){.type = COMMAND_CLIP_START, .clip_config = clip});
    e = wait_for(f, MEDIA_CLIP_FAILED);
    assert_int_equal(e.er, ER_NOT_FOUND);
    tell(f, (struct command){.type = COMMAND_ROOM_CLOSE});
    SETTLE(f, rooms, 0);
}

static void carries_a_call(void **state)
{
    struct worker_bench *f = *state;
    struct real_client ann, bob;
    tell(f, (struct command){.type = COMMAND_ROOM_OPEN});
    join(f, &ann, 1, "sendonly");
    join(f, &bob, 2, "recvonly");
    for (uint32_t i = 0; i < 50; i++)
        real_client_picture(&ann, i * 3000, i == 0);
    real_client_wait(&bob, &bob.rtp_count, 50);
    struct media_event e = wait_for(f, MEDIA_TRACK_ADDED);
    assert_int_equal(e.track, 2); /* the second of three workers: 2, 5, 8.. */
    assert_string_equal(e.identity, "person-1");
    real_client_wait(&ann, &ann.rtcp_count, 1); /* deadlines wake the thread by themselves */
    real_client_wait(&bob, &bob.rtcp_count, 1);
    struct media_counters n = SETTLE(f, tracks, 1);
    assert_int_equal(n.peers, 2);
    assert_int_equal(n.handshakes_ok, 2);
    assert_true(n.packets_in >= 50 && n.packets_out >= 50);
    assert_int_equal(n.rtp_bad + n.rtp_unauthentic + n.stun_bad + n.packets_dropped_send, 0);
    tell(f, (struct command){.type = COMMAND_ROOM_CLOSE});
    SETTLE(f, peers, 0);
    real_client_close(&ann);
    real_client_close(&bob);
}

static void counts_garbage(void **state)
{
    struct worker_bench *f = *state;
    struct real_client c;
    struct sockaddr_storage sa;
    struct addr to = worker_address(f->worker);
    real_client_open(&c);
    socklen_t len = addr_to_sockaddr(&to, false, &sa);
    assert_int_equal(connect(c.fd, (struct sockaddr *)&sa, len), 0);
    static const uint8_t zeros[3000];
    for (int i = 0; i < 100; i++)
        real_client_send(&c, "rubbish", 7);
    real_client_send(&c, "\x80\x60\0\0\0\0\0\0\0\0\0\0", 12);
    real_client_send(&c, zeros, sizeof zeros); /* larger than any datagram of ours */
    real_client_send(&c, "", 0);
    struct media_counters n = SETTLE(f, packets_in, 103);
    assert_int_equal(n.stun_bad, 100);
    assert_int_equal(n.unknown_path, 1);
    assert_int_equal(n.rtp_bad, 2);
    assert_int_equal(n.packets_out, 0);
    real_client_close(&c);
}

static void announces_its_addresses(void **state)
{
    struct worker_bench *f = *state;
    struct real_client c;
    struct addr public[2];
    struct worker *other = NULL;
    assert_int_equal(worker_start(&other, &(struct worker_config){.udp = worker_address(f->worker),
                                                                  .identity = f->identity,
                                                                  .count = 1,
                                                                  .events = f->events,
                                                                  .jobs = f->jobs}),
                     ER_IO); /* the port is taken */
    assert_null(other);
    worker_stop(NULL);
    assert_int_equal(addr_parse_ip("203.0.113.1", 0, &public[0]), 0);
    assert_int_equal(addr_parse_ip("2001:db8::7", 0, &public[1]), 0);
    static const char *const binds[] = {"127.0.0.1", "0.0.0.0", "::"};
    for (size_t i = 0; i < 3; i++) {
        worker_stop(f->worker);
        assert_int_equal(addr_parse_ip(binds[i], 0, &f->config.udp), 0);
        f->config.public_addresses = public;
        f->config.public_address_count = i == 0 ? 2 : 0;
        assert_int_equal(worker_start(&f->worker, &f->config), 0);
        tell(f, (struct command){.type = COMMAND_ROOM_OPEN});
        real_client_open(&c);
        char *offer = real_client_offer(&c, "sendonly");
        tell_offer(f, 1, offer);
        struct media_event e = wait_for(f, MEDIA_ANSWER);
        assert_int_equal(strstr(e.sdp, " 203.0.113.1 ") != NULL, i == 0);
        assert_int_equal(strstr(e.sdp, " 2001:db8::7 ") != NULL, i == 0);
        assert_non_null(strstr(e.sdp, "a=candidate:"));
        assert_int_equal(real_client_answer_port(e.sdp), worker_address(f->worker).port);
        const char *candidates = strstr(e.sdp, "a=candidate:");
        assert_null(strstr(candidates, " 0.0.0.0 ")); /* "any" is nobody's address */
        assert_null(strstr(candidates, " :: "));
        media_event_clear(&e);
        free(offer);
        real_client_close(&c);
    }
}

/** Whether the system lets this process have real-time priority. */
static bool may_go_first(void)
{
    struct sched_param was, first = {.sched_priority = sched_get_priority_min(SCHED_RR)};
    int policy;
    assert_int_equal(pthread_getschedparam(pthread_self(), &policy, &was), 0);
    bool may = pthread_setschedparam(pthread_self(), SCHED_RR, &first) == 0;
    assert_int_equal(pthread_setschedparam(pthread_self(), policy, &was), 0);
    return may;
}

static void goes_first_when_told_and_allowed(void **state)
{
    struct worker_bench *f = *state;
    struct media_counters n = {0};
    worker_add_counters(f->worker, &n);
    assert_int_equal(n.realtime, 0);
    worker_stop(f->worker);
    f->config.realtime = true;
    assert_int_equal(worker_start(&f->worker, &f->config), 0);
    SETTLE(f, realtime, may_go_first());
    tell(f, (struct command){.type = COMMAND_ROOM_OPEN}); /* it works all the same */
    SETTLE(f, rooms, 1);
}

/** Commands still queued when it stops are released. */
static void stops_in_the_middle(void **state)
{
    struct worker_bench *f = *state;
    struct real_client c;
    tell(f, (struct command){.type = COMMAND_ROOM_OPEN});
    join(f, &c, 1, "sendrecv");
    for (int i = 0; i < 1000; i++)
        tell(f, (struct command){.type = COMMAND_CONSENT, .identity = strdup("ann"), .flag = true});
    worker_stop(f->worker);
    f->worker = NULL;
    real_client_close(&c);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(carries_out_commands), TEST(carries_a_call),
        TEST(counts_garbage),       TEST(announces_its_addresses),
        TEST(stops_in_the_middle),  TEST(goes_first_when_told_and_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
