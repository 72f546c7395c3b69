// SPDX-License-Identifier: Apache-2.0
/* The worker's socket on loopback: both address families, batches, and what cannot be sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <poll.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "media/io/udp.h"

#define WAIT_MS 5000

struct inbox {
    size_t count;
    size_t bytes;
    struct addr from;
    uint8_t last[2048];
    size_t last_len;
};

static void take(void *ctx, const struct addr *from, uint8_t *data, size_t len)
{
    struct inbox *in = ctx;
    in->count++;
    in->bytes += len;
    in->from = *from;
    memcpy(in->last, data, len);
    in->last_len = len;
    memset(data, 0xee, len); /* may be worked on in place */
}

static struct udp *open_at(const char *ip)
{
    struct addr a;
    struct udp *u = NULL;
    assert_int_equal(addr_parse_ip(ip, 0, &a), 0);
    assert_int_equal(udp_open(&u, &a), 0);
    assert_int_not_equal(udp_address(u).port, 0);
    return u;
}

static void put(struct udp *u, const struct addr *to, const void *bytes, size_t len)
{
    uint8_t *room = udp_reserve(u, to, len);
    assert_non_null(room);
    memcpy(room, bytes, len);
    udp_commit(u, len);
}

/** Until `count` datagrams are there in all. */
static void receive(struct udp *u, struct inbox *in, size_t count)
{
    while (in->count < count) {
        struct pollfd p = {.fd = udp_fd(u), .events = POLLIN};
        assert_int_equal(poll(&p, 1, WAIT_MS), 1);
        while (udp_receive(u, take, in))
            ;
    }
    assert_int_equal(in->count, count);
}

static void sends_and_receives(void **state)
{
    (void)state;
    struct udp *a = open_at("127.0.0.1"), *b = open_at("127.0.0.1");
    struct inbox in = {0};
    struct addr to = udp_address(b), from = udp_address(a);
    put(a, &to, "hello", 5);
    assert_true(udp_flush(a));
    receive(b, &in, 1);
    assert_int_equal(in.last_len, 5);
    assert_memory_equal(in.last, "hello", 5);
    assert_true(addr_equal(&in.from, &from));
    assert_false(udp_receive(b, take, &in)); /* nothing more, and no waiting */
    assert_int_equal(in.count, 1);
    udp_close(a);
    udp_close(b);
    udp_close(NULL);
}

static void rooms_given_back_are_not_sent(void **state)
{
    (void)state;
    struct udp *a = open_at("127.0.0.1"), *b = open_at("127.0.0.1");
    struct inbox in = {0};
    struct addr to = udp_address(b);
    assert_null(udp_reserve(a, &to, 4096));
    assert_non_null(udp_reserve(a, &to, 100));
    udp_commit(a, 0);
    put(a, &to, "x", 1);
    assert_non_null(udp_reserve(a, &to, 100)); /* reserved, never committed */
    assert_true(udp_flush(a));
    assert_true(udp_flush(a));
    receive(b, &in, 1);
    udp_close(a);
    udp_close(b);
}

static void one_socket_for_both_families(void **state)
{
    (void)state;
    struct udp *both = open_at("::"), *v4 = open_at("127.0.0.1"), *v6 = open_at("::1");
    struct inbox in = {0};
    struct addr to, from4 = udp_address(v4), from6 = udp_address(v6);
    assert_int_equal(addr_parse_ip("127.0.0.1", udp_address(both).port, &to), 0);
    put(v4, &to, "four", 4);
    assert_true(udp_flush(v4));
    receive(both, &in, 1);
    assert_true(addr_equal(&in.from, &from4));
    assert_int_equal(addr_parse_ip("::1", udp_address(both).port, &to), 0);
    put(v6, &to, "six", 3);
    assert_true(udp_flush(v6));
    receive(both, &in, 2);
    assert_true(addr_equal(&in.from, &from6));
    put(both, &from4, "back", 4); /* and the same ways back */
    put(both, &from6, "back", 4);
    assert_true(udp_flush(both));
    struct inbox back4 = {0}, back6 = {0};
    receive(v4, &back4, 1);
    receive(v6, &back6, 1);
    udp_close(both);
    udp_close(v4);
    udp_close(v6);
}

static void batches_larger_than_the_array(void **state)
{
    (void)state;
    enum { COUNT = 1200 };
    struct udp *a = open_at("127.0.0.1"), *b = open_at("127.0.0.1");
    struct inbox in = {0};
    struct addr to = udp_address(b);
    size_t taken = 0;
    for (uint32_t i = 0; i < COUNT; i++) {
        uint8_t *room = udp_reserve(a, &to, sizeof i);
        assert_non_null(room); /* a full batch is sent on the way */
        memcpy(room, &i, sizeof i);
        udp_commit(a, sizeof i);
        if (i % 100 == 99 && i > 600) {
            while (udp_receive(b, take, &in))
                ;
            taken = in.count;
        }
    }
    assert_true(taken > 0);
    assert_true(udp_flush(a));
    receive(b, &in, COUNT);
    uint32_t last;
    memcpy(&last, in.last, sizeof last);
    assert_int_equal(last, COUNT - 1);
    udp_close(a);
    udp_close(b);
}

static void what_cannot_be_sent_is_passed_over(void **state)
{
    (void)state;
    struct udp *a = open_at("127.0.0.1"), *b = open_at("127.0.0.1");
    struct inbox in = {0};
    struct addr to = udp_address(b), everybody, six;
    assert_int_equal(addr_parse_ip("255.255.255.255", 9, &everybody), 0);
    assert_int_equal(addr_parse_ip("2001:db8::1", 9, &six), 0);
    put(a, &to, "1", 1);
    put(a, &everybody, "2", 1); /* not allowed on this socket */
    put(a, &six, "3", 1);       /* of the other family */
    put(a, &to, "4", 1);
    assert_true(udp_flush(a));
    receive(b, &in, 2);
    assert_int_equal(in.last[0], '4');
    udp_close(a);
    udp_close(b);
}

static void a_port_is_bound_once(void **state)
{
    (void)state;
    struct udp *a = open_at("127.0.0.1"), *b = NULL;
    struct addr taken = udp_address(a);
    assert_int_equal(udp_open(&b, &taken), ER_IO);
    assert_null(b);
    udp_close(a);
    assert_int_equal(udp_open(&b, &taken), 0);
    udp_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sends_and_receives),
        cmocka_unit_test(rooms_given_back_are_not_sent),
        cmocka_unit_test(one_socket_for_both_families),
        cmocka_unit_test(batches_larger_than_the_array),
        cmocka_unit_test(what_cannot_be_sent_is_passed_over),
        cmocka_unit_test(a_port_is_bound_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
