// SPDX-License-Identifier: Apache-2.0
/* A worker's TCP connections on loopback: packets in and out, strangers, slow readers, ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/er.h"
#include "media/io/tcp.h"
#include "media/wire/framing.h"
#include "tests/unit/support/tcp_pair.h"

#define MOST 64 /* connections */

struct fixture {
    struct tcp *tcp;
    struct msgq *gone;
    bool refuse; /* what comes */
    bool release_from_within;
    size_t packet_count, gone_count;
    uint8_t last[LIMIT_DATAGRAM];
    size_t last_len;
    struct path from, ended;
};

static bool on_packet(void *ctx, const struct path *from, uint8_t *data, size_t len)
{
    struct fixture *f = ctx;
    f->packet_count++;
    f->from = *from;
    memcpy(f->last, data, len);
    f->last_len = len;
    memset(data, 0xee, len);
    if (f->release_from_within)
        tcp_release(f->tcp, from);
    return !f->refuse;
}

static void on_gone(void *ctx, const struct path *path)
{
    struct fixture *f = ctx;
    f->gone_count++;
    f->ended = *path;
    tcp_release(f->tcp, path); /* as the hub does; too late to matter */
}

static int open_fixture(void **state)
{
    static const struct tcp_ops ops = {.packet = on_packet, .gone = on_gone};
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    assert_int_equal(msgq_new(&f->gone, sizeof(struct addr), MOST), 0);
    assert_int_equal(tcp_new(&f->tcp, &ops, f, f->gone), 0);
    *state = f;
    return 0;
}

static int close_fixture(void **state)
{
    struct fixture *f = *state;
    tcp_free(f->tcp);
    tcp_free(NULL);
    msgq_free(f->gone);
    free(f);
    return 0;
}

/** Buffers of a fixed size: those that the system tunes could come to hold all that should wait. */
static void fix_buffers(int receiver, int sender)
{
    int bytes = 65536;
    assert_int_equal(setsockopt(receiver, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes), 0);
    assert_int_equal(setsockopt(sender, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes), 0);
}

/** The client's end of a connection that the door has handed over with some bytes. */
static int hand_over(struct fixture *f, const void *bytes, size_t len, int wanted)
{
    int ends[2];
    struct tcp_arrival *a = calloc(1, sizeof *a + len);
    assert_non_null(a);
    tcp_pair_open(ends, &a->remote);
    fix_buffers(ends[0], ends[1]);
    a->fd = ends[1];
    a->len = len;
    memcpy(a->bytes, bytes, len);
    assert_int_equal(tcp_adopt(f->tcp, 1, a), wanted);
    return ends[0];
}

static void receive(struct fixture *f, size_t count)
{
    while (f->packet_count < count) {
        struct pollfd p = {.fd = tcp_fd(f->tcp), .events = POLLIN};
        assert_int_equal(poll(&p, 1, 5000), 1);
        tcp_receive(f->tcp, 1);
    }
    assert_int_equal(f->packet_count, count);
}

static void carries_packets_both_ways(void **state)
{
    struct fixture *f = *state;
    uint8_t got[64];
    int fd = hand_over(f, "\0\5hello\0\2y", 10, 0);
    assert_int_equal(f->packet_count, 1);
    assert_memory_equal(f->last, "hello", 5);
    assert_true(f->from.via != 0);
    assert_int_equal(send(fd, "o\0\1!", 4, 0), 4);
    receive(f, 3);
    assert_memory_equal(f->last, "!", 1);
    for (int i = 0; i < 3; i++) {
        uint8_t *room = tcp_reserve(f->tcp, &f->from, 100);
        assert_non_null(room);
        memcpy(room, "answer", 6);
        tcp_commit(f->tcp, i == 1 ? 0 : 6); /* the second is given back */
    }
    tcp_flush(f->tcp, 1);
    tcp_take(fd, got, 16);
    assert_memory_equal(got, "\0\6answer\0\6answer", 16);
    assert_int_equal(tcp_count(f->tcp), 1);
    close(fd);
}

static void each_has_a_path_of_its_own(void **state)
{
    struct fixture *f = *state;
    uint8_t got[3];
    int one = hand_over(f, "\0\1a", 3, 0);
    struct path first = f->from, other = f->from;
    int two = hand_over(f, "\0\1b", 3, 0);
    assert_false(path_equal(&first, &f->from));
    assert_int_not_equal(first.via, f->from.via);
    other.remote.port ^= 1;
    assert_null(tcp_reserve(f->tcp, &other, 10));
    other = first;
    other.via ^= 1u << 20;
    assert_null(tcp_reserve(f->tcp, &other, 10));
    assert_null(tcp_reserve(f->tcp, &first, 4096));
    *tcp_reserve(f->tcp, &first, 1) = 'A';
    tcp_commit(f->tcp, 1);
    *tcp_reserve(f->tcp, &f->from, 1) = 'B';
    tcp_commit(f->tcp, 1);
    tcp_flush(f->tcp, 1);
    tcp_take(one, got, 3);
    assert_memory_equal(got, "\0\1A", 3);
    tcp_take(two, got, 3);
    assert_memory_equal(got, "\0\1B", 3);
    close(one);
    close(two);
}

static void closes_whom_nobody_knows(void **state)
{
    struct fixture *f = *state;
    struct addr told;
    f->refuse = true;
    int fd = hand_over(f, "\0\1a\0\1b", 6, ER_DENIED);
    assert_int_equal(f->packet_count, 1); /* and nothing behind it is looked at */
    assert_null(tcp_reserve(f->tcp, &f->from, 10));
    tcp_flush(f->tcp, 1);
    assert_true(tcp_is_closed(fd));
    assert_int_equal(tcp_count(f->tcp), 0);
    assert_int_equal(f->gone_count, 0);
    assert_true(msgq_pop(f->gone, &told));
    assert_true(addr_equal(&told, &f->from.remote));
    close(fd);
}

static void a_known_one_may_say_anything_later(void **state)
{
    struct fixture *f = *state;
    int fd = hand_over(f, "\0\1a", 3, 0);
    f->refuse = true;
    tcp_put(fd, "b", 1);
    receive(f, 2);
    tcp_flush(f->tcp, 1);
    assert_int_equal(tcp_count(f->tcp), 1);
    close(fd);
}

static void tells_of_ends(void **state)
{
    struct fixture *f = *state;
    for (int how = 0; how < 2; how++) {
        int fd = hand_over(f, "\0\1a", 3, 0);
        f->gone_count = 0;
        if (how == 0)
            close(fd);
        else
            assert_int_equal(send(fd, "\xff\xff", 2, 0), 2); /* longer than any packet */
        while (f->gone_count == 0) {
            struct pollfd p = {.fd = tcp_fd(f->tcp), .events = POLLIN};
            assert_int_equal(poll(&p, 1, 5000), 1);
            tcp_receive(f->tcp, 1);
        }
        assert_true(path_equal(&f->ended, &f->from));
        assert_null(tcp_reserve(f->tcp, &f->from, 10));
        tcp_flush(f->tcp, 1);
        assert_int_equal(f->gone_count, 1);
        assert_int_equal(tcp_count(f->tcp), 0);
        assert_int_equal(msgq_count(f->gone), how + 1);
        if (how == 1)
            close(fd);
    }
}

static void sends_the_last_words_of_whom_it_lets_go(void **state)
{
    struct fixture *f = *state;
    uint8_t got[5];
    int fd = hand_over(f, "\0\1a", 3, 0);
    struct path stranger = f->from;
    stranger.via ^= 1u << 20;
    memcpy(tcp_reserve(f->tcp, &f->from, 3), "bye", 3);
    tcp_commit(f->tcp, 3);
    tcp_release(f->tcp, &stranger);
    tcp_release(f->tcp, &f->from);
    assert_null(tcp_reserve(f->tcp, &f->from, 3));
    tcp_flush(f->tcp, 1);
    tcp_take(fd, got, 5);
    assert_memory_equal(got, "\0\3bye", 5);
    assert_true(tcp_is_closed(fd));
    assert_int_equal(f->gone_count, 0);
    close(fd);
    f->release_from_within = true;
    fd = hand_over(f, "\0\1a\0\1b", 6, ER_DENIED);
    assert_true(f->packet_count == 2);
    tcp_flush(f->tcp, 1);
    assert_int_equal(tcp_count(f->tcp), 0);
    close(fd);
}

static bool put_packet(struct fixture *f, size_t len, uint64_t now_us)
{
    uint8_t *room = tcp_reserve(f->tcp, &f->from, len);
    if (room) {
        memset(room, 7, len);
        tcp_commit(f->tcp, len);
    }
    tcp_flush(f->tcp, now_us);
    return room != NULL;
}

/** Reads once what there is, or what comes within some seconds, and lets more be sent; checks and counts
 *  the packets of 1000 or 100 bytes that are whole. */
static size_t drain(struct fixture *f, struct framing *in, int fd, uint64_t now_us)
{
    uint8_t *at, *packet;
    size_t room = framing_room(in, &at), len, count = 0;
    ssize_t n = recv(fd, at, room, 0);
    while (n <= 0) {
        struct pollfd p[] = {{.fd = tcp_fd(f->tcp), .events = POLLIN},
                             {.fd = fd, .events = POLLIN}};
        assert_true(poll(p, 2, 5000) > 0);
        tcp_receive(f->tcp, now_us);
        tcp_flush(f->tcp, now_us);
        n = recv(fd, at, room, 0);
    }
    framing_add(in, (size_t)n);
    while (framing_next(in, &packet, &len) == 1) {
        assert_true((len == 1000 || len == 100) && packet[0] == 7 && packet[len - 1] == 7);
        count++;
    }
    return count;
}

/** Reads until no more than so much waits with us. */
static void drain_to(struct fixture *f, struct framing *in, int fd, uint64_t now_us, size_t queued)
{
    while (tcp_queued(f->tcp) > queued)
        (void)drain(f, in, fd, now_us);
}

static void drops_what_a_slow_reader_does_not_take(void **state)
{
    struct fixture *f = *state;
    uint64_t now_us = 1000000;
    int fd = hand_over(f, "\0\1a", 3, 0);
    static struct framing in;
    size_t put = 0;
    while (put < 100000 && put_packet(f, 1000, now_us))
        put++;
    assert_in_range(put, 1000, 50000); /* a MiB of ours, and the system's buffers */
    size_t got = 0;
    while (got < put)
        got += drain(f, &in, fd, now_us);
    assert_int_equal(got, put); /* nothing of what was taken is lost, and it goes on */
    assert_int_equal(tcp_queued(f->tcp), 0);
    assert_true(put_packet(f, 1000, now_us));
    assert_int_equal(drain(f, &in, fd, now_us), 1);

    /* There is room, but what waits has waited long: large packets are dropped, small ones go on. */
    for (put = 0; put < 100000 && put_packet(f, 1000, now_us); put++)
        ;
    while (!put_packet(f, 1000, now_us))
        (void)drain(f, &in, fd, now_us);
    for (int i = 0; i < 2; i++) {
        now_us += LIMIT_TCP_QUEUE_US + 1;
        assert_true(put_packet(f, 100, now_us));
    }
    assert_false(put_packet(f, 1000, now_us));
    assert_true(put_packet(f, 100, now_us));
    drain_to(f, &in, fd, now_us, 0);
    assert_true(put_packet(f, 1000, now_us)); /* nothing waits any more */
    close(fd);
}

#define HOARDERS (LIMIT_TCP_QUEUES / 2 / LIMIT_TCP_QUEUE)

/** Those who take nothing fill half of what there is for all; the others go on. */
static void what_waits_for_all_is_bounded(void **state)
{
    struct fixture *f = *state;
    int fds[HOARDERS + 1];
    struct path paths[HOARDERS + 1];
    for (size_t i = 0; i <= HOARDERS; i++) {
        fds[i] = hand_over(f, "\0\1a", 3, 0);
        paths[i] = f->from;
        size_t put = 0;
        while (put < 100000 && put_packet(f, 1000, 1))
            put++;
        assert_in_range(put, 60, 50000); /* the last as well */
        assert_true(tcp_queued(f->tcp) <= LIMIT_TCP_QUEUES / 2 + LIMIT_TCP_QUEUE / 16);
    }
    assert_int_equal(tcp_queued(f->tcp), LIMIT_TCP_QUEUES / 2 + LIMIT_TCP_QUEUE / 16);
    assert_int_equal(tcp_dropped(f->tcp), HOARDERS + 1);
    f->from = paths[0];
    static struct framing in;
    /* What is given back the last may have. */
    const size_t others = LIMIT_TCP_QUEUES / 2 - LIMIT_TCP_QUEUE + LIMIT_TCP_QUEUE / 16;
    drain_to(f, &in, fds[0], 1, others);
    assert_int_equal(tcp_queued(f->tcp), others);
    f->from = paths[HOARDERS];
    assert_true(put_packet(f, 1000, 1));
    for (size_t i = 0; i <= HOARDERS; i++) {
        tcp_release(f->tcp, &paths[i]);
        close(fds[i]);
    }
    tcp_flush(f->tcp, 1);
    assert_int_equal(tcp_queued(f->tcp), 0);
}

static void places_are_used_again(void **state)
{
    struct fixture *f = *state;
    struct path before = {0};
    struct addr told;
    for (int i = 0; i < 100; i++) {
        int fd = hand_over(f, "\0\1a", 3, 0);
        assert_false(path_equal(&before, &f->from));
        assert_null(before.via ? tcp_reserve(f->tcp, &before, 1) : NULL);
        before = f->from;
        tcp_release(f->tcp, &f->from);
        tcp_flush(f->tcp, 1);
        assert_true(msgq_pop(f->gone, &told));
        close(fd);
    }
    assert_int_equal(tcp_count(f->tcp), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(carries_packets_both_ways),
        TEST(each_has_a_path_of_its_own),
        TEST(closes_whom_nobody_knows),
        TEST(a_known_one_may_say_anything_later),
        TEST(tells_of_ends),
        TEST(sends_the_last_words_of_whom_it_lets_go),
        TEST(drops_what_a_slow_reader_does_not_take),
        TEST(what_waits_for_all_is_bounded),
        TEST(places_are_used_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
