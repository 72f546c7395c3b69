// SPDX-License-Identifier: Apache-2.0
/* The door on loopback: who is handed to which worker, who is sent away, and what is counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/er.h"
#include "media/io/door.h"
#include "media/peer/icelite.h"
#include "tests/unit/support/tcp_pair.h"

#define WAIT_MS 5000

struct delivery {
    unsigned worker;
    struct tcp_arrival *arrival;
};

struct fixture {
    struct door *door;
    struct addr at;
    struct msgq *deliveries;
    struct msgq *foreign; /* descriptors; NULL: the port is not shared */
    bool full;
};

static int deliver(void *ctx, unsigned worker, struct tcp_arrival *arrival)
{
    struct fixture *f = ctx;
    const struct delivery d = {.worker = worker, .arrival = arrival};
    return f->full ? ER_FULL : msgq_push(f->deliveries, &d);
}

static int pass_on(void *ctx, int fd)
{
    struct fixture *f = ctx;
    return msgq_push(f->foreign, &fd);
}

static void open_door(struct fixture *f, const char *ip, struct door_limits limits, bool full)
{
    struct door_config config = {.workers = 3, .deliver = deliver, .ctx = f, .limits = limits};
    struct msgq *foreign = f->foreign;
    config.pass_on = foreign ? pass_on : NULL;
    *f = (struct fixture){.full = full, .foreign = foreign};
    assert_int_equal(addr_parse_ip(ip, 0, &config.address), 0);
    assert_int_equal(msgq_new(&f->deliveries, sizeof(struct delivery), 64), 0);
    assert_int_equal(door_new(&f->door, &config), 0);
    assert_int_equal(door_start(f->door), 0);
    f->at = door_address(f->door);
    assert_int_not_equal(f->at.port, 0);
}

static void close_door(struct fixture *f)
{
    struct delivery d;
    door_stop(f->door);
    while (msgq_pop(f->deliveries, &d))
        tcp_arrival_free(d.arrival);
    door_free(f->door);
    msgq_free(f->deliveries);
}

/** A check as a browser's, for a peer of a worker. */
static size_t write_check(uint8_t *ret, size_t size, char mark)
{
    char username[32];
    snprintf(username, sizeof username, "%cBCDEFGH:Rem1", mark);
    const struct stun_request r = {
        .username = username, .controlling = true, .use_candidate = true};
    int len = stun_write_request(ret, size, &r, "a password of whoever it is");
    assert_true(len > 0);
    return (size_t)len;
}

static struct delivery next(struct fixture *f)
{
    struct delivery d;
    assert_true(msgq_wait(f->deliveries, &d, WAIT_MS));
    return d;
}

/** Until the counters are as wanted. */
static struct door_counters settle(struct fixture *f, uint64_t connections, uint64_t dismissed,
                                   uint64_t refused)
{
    struct door_counters n = {0};
    for (int i = 0; i < 1000; i++) {
        door_read_counters(f->door, &n);
        if (n.connections == connections && n.dismissed == dismissed && n.refused == refused)
            return n;
        (void)poll(NULL, 0, 5);
    }
    fail_msg("%u connections, %u dismissed, %u refused", (unsigned)n.connections,
             (unsigned)n.dismissed, (unsigned)n.refused);
    return n;
}

static void hands_each_to_its_worker(void **state)
{
    (void)state;
    static const char *const ips[] = {"127.0.0.1", "::1", "::"};
    for (size_t i = 0; i < 3; i++) {
        struct fixture f = {0};
        uint8_t check[512];
        open_door(&f, ips[i], (struct door_limits){0}, false);
        if (i == 2) /* both families on one socket */
            assert_int_equal(addr_parse_ip("127.0.0.1", f.at.port, &f.at), 0);
        for (unsigned worker = 0; worker < 3; worker++) {
            int fd = tcp_connect_to(&f.at);
            size_t len = write_check(check, sizeof check, icelite_mark(worker));
            tcp_put(fd, check, len);
            struct delivery d = next(&f);
            assert_int_equal(d.worker, worker);
            assert_true(d.arrival->len >= len + 2);
            assert_memory_equal(d.arrival->bytes + 2, check, len);
            assert_int_equal(addr_is_v4(&d.arrival->remote), i != 1);
            assert_int_equal(send(d.arrival->fd, "x", 1, 0), 1); /* the socket itself */
            char got;
            tcp_take(fd, &got, 1);
            assert_true(msgq_push(door_gone(f.door), &d.arrival->remote) == 0);
            tcp_arrival_free(d.arrival);
            assert_true(tcp_is_closed(fd));
            close(fd);
        }
        struct door_counters n = settle(&f, 0, 0, 0);
        assert_int_equal(n.accepted, 3);
        assert_int_equal(n.delivered, 3);
        close_door(&f);
    }
}

static void takes_a_check_in_pieces(void **state)
{
    (void)state;
    struct fixture f = {0};
    uint8_t check[512], framed[514];
    open_door(&f, "127.0.0.1", (struct door_limits){0}, false);
    int fd = tcp_connect_to(&f.at);
    size_t len = write_check(check, sizeof check, icelite_mark(1));
    framed[0] = (uint8_t)(len >> 8);
    framed[1] = (uint8_t)len;
    memcpy(framed + 2, check, len);
    for (size_t i = 0; i < len + 2; i++)
        assert_int_equal(send(fd, framed + i, 1, 0), 1);
    struct delivery d = next(&f);
    assert_int_equal(d.worker, 1);
    assert_int_equal(d.arrival->len, len + 2);
    assert_memory_equal(d.arrival->bytes, framed, len + 2);
    tcp_arrival_free(d.arrival);
    close(fd);
    close_door(&f);
}

static void expect_dismissal(struct fixture *f, const void *bytes, size_t len)
{
    int fd = tcp_connect_to(&f->at);
    assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
    assert_true(tcp_is_closed(fd));
    close(fd);
}

static void sends_strangers_away(void **state)
{
    (void)state;
    struct fixture f = {0};
    uint8_t check[514];
    open_door(&f, "127.0.0.1", (struct door_limits){0}, false);
    expect_dismissal(&f, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27);
    expect_dismissal(&f, "\x16\x03\x01\x02\0\1", 6); /* TLS */
    expect_dismissal(&f, "\xff\xff", 2);
    expect_dismissal(&f, "\0\0", 2);
    expect_dismissal(&f, "\0\24aaaaaaaaaaaaaaaaaaaa", 22);
    size_t len = write_check(check + 2, 512, icelite_mark(3)); /* there are three workers */
    check[0] = (uint8_t)(len >> 8);
    check[1] = (uint8_t)len;
    expect_dismissal(&f, check, len + 2);
    len = write_check(check + 2, 512, '?');
    expect_dismissal(&f, check, len + 2);
    len = write_check(check + 2, 512, icelite_mark(0));
    check[1] ^= 4; /* shorter than it says */
    expect_dismissal(&f, check, len + 2);
    settle(&f, 0, 8, 0);
    assert_int_equal(msgq_count(f.deliveries), 0);
    close_door(&f);
}

static void passes_on_what_is_not_media(void **state)
{
    (void)state;
    struct fixture f = {0};
    uint8_t check[512];
    char got[16];
    int fds[2], passed;
    assert_int_equal(msgq_new(&f.foreign, sizeof(int), 1), 0);
    open_door(&f, "127.0.0.1", (struct door_limits){.hello_us = 1000000}, false);
    for (size_t i = 0; i < 2; i++) {
        const char *words = i ? "\x16\x03\x01" : "GET ";
        fds[0] = tcp_connect_to(&f.at);
        assert_int_equal(send(fds[0], words, strlen(words), 0), (ssize_t)strlen(words));
        assert_true(msgq_wait(f.foreign, &passed, WAIT_MS));
        assert_int_equal(recv(passed, got, sizeof got, 0), (ssize_t)strlen(words)); /* all of it */
        assert_memory_equal(got, words, strlen(words));
        settle(&f, 0, 0, 0); /* not the door's any more */
        close(passed);
        close(fds[0]);
    }
    fds[0] = tcp_connect_to(&f.at); /* media still goes to its worker */
    tcp_put(fds[0], check, write_check(check, sizeof check, icelite_mark(2)));
    struct delivery d = next(&f);
    assert_int_equal(d.worker, 2);
    tcp_arrival_free(d.arrival);
    close(fds[0]);
    for (size_t i = 0; i < 2; i++) { /* one more than there is room for */
        fds[i] = tcp_connect_to(&f.at);
        assert_int_equal(send(fds[i], "POST", 4, 0), 4);
        settle(&f, 1, i, 0);
    }
    assert_true(tcp_is_closed(fds[1]));
    close_door(&f);
    assert_true(msgq_pop(f.foreign, &passed));
    close(passed);
    close(fds[0]);
    close(fds[1]);
    msgq_free(f.foreign);
}

static void sends_the_silent_away(void **state)
{
    (void)state;
    struct fixture f = {0};
    open_door(&f, "127.0.0.1", (struct door_limits){.hello_us = 100000}, false);
    int silent = tcp_connect_to(&f.at), slow = tcp_connect_to(&f.at);
    assert_int_equal(send(slow, "\0\x64\0\1", 4, 0), 4);
    assert_true(tcp_is_closed(silent) && tcp_is_closed(slow));
    settle(&f, 0, 2, 0);
    close(silent);
    close(slow);
    close_door(&f);
}

static void keeps_to_its_bounds(void **state)
{
    (void)state;
    struct fixture f = {0};
    uint8_t check[512];
    int fds[4];
    open_door(&f, "127.0.0.1", (struct door_limits){.per_address = 3}, false);
    for (size_t i = 0; i < 4; i++)
        fds[i] = tcp_connect_to(&f.at);
    assert_true(tcp_is_closed(fds[3]));
    settle(&f, 3, 0, 1);
    close(fds[3]);
    /* One that a worker has counts until the worker tells of its end. */
    tcp_put(fds[0], check, write_check(check, sizeof check, icelite_mark(0)));
    struct delivery d = next(&f);
    fds[3] = tcp_connect_to(&f.at);
    assert_true(tcp_is_closed(fds[3]));
    close(fds[3]);
    assert_int_equal(msgq_push(door_gone(f.door), &d.arrival->remote), 0);
    tcp_arrival_free(d.arrival);
    settle(&f, 2, 0, 2);
    fds[3] = tcp_connect_to(&f.at);
    settle(&f, 3, 0, 2);
    for (size_t i = 0; i < 4; i++)
        close(fds[i]);
    close_door(&f);

    open_door(&f, "127.0.0.1", (struct door_limits){.connections = 2}, false);
    for (size_t i = 0; i < 3; i++)
        fds[i] = tcp_connect_to(&f.at);
    assert_true(tcp_is_closed(fds[2]));
    settle(&f, 2, 0, 1);
    for (size_t i = 0; i < 3; i++)
        close(fds[i]);
    close_door(&f);

    open_door(&f, "127.0.0.1", (struct door_limits){.pending = 2}, false);
    for (size_t i = 0; i < 3; i++)
        fds[i] = tcp_connect_to(&f.at);
    assert_true(tcp_is_closed(fds[0])); /* the one that has said nothing longest */
    settle(&f, 2, 1, 0);
    for (size_t i = 0; i < 3; i++)
        close(fds[i]);
    close_door(&f);
}

static void closes_what_a_worker_does_not_take(void **state)
{
    (void)state;
    struct fixture f = {0};
    uint8_t check[512];
    open_door(&f, "127.0.0.1", (struct door_limits){0}, true);
    int fd = tcp_connect_to(&f.at);
    tcp_put(fd, check, write_check(check, sizeof check, icelite_mark(0)));
    assert_true(tcp_is_closed(fd));
    settle(&f, 0, 1, 0);
    close(fd);
    close_door(&f);
}

static void a_port_that_is_taken(void **state)
{
    (void)state;
    struct fixture f = {0};
    struct door *other = NULL;
    open_door(&f, "127.0.0.1", (struct door_limits){0}, false);
    const struct door_config again = {.address = f.at, .workers = 1, .deliver = deliver, .ctx = &f};
    assert_int_equal(door_new(&other, &again), ER_IO);
    assert_null(other);
    door_free(NULL);
    int fd = tcp_connect_to(&f.at); /* closed with the door */
    settle(&f, 1, 0, 0);
    close_door(&f);
    assert_true(tcp_is_closed(fd));
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hands_each_to_its_worker),
        cmocka_unit_test(takes_a_check_in_pieces),
        cmocka_unit_test(sends_strangers_away),
        cmocka_unit_test(passes_on_what_is_not_media),
        cmocka_unit_test(sends_the_silent_away),
        cmocka_unit_test(keeps_to_its_bounds),
        cmocka_unit_test(closes_what_a_worker_does_not_take),
        cmocka_unit_test(a_port_that_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
