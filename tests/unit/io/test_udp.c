// SPDX-License-Identifier: Apache-2.0
/* The worker's socket on loopback: both address families, runs that leave as one message, what the
 * kernel refuses or takes only in part, times of arrival. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <netinet/udp.h>
#include <poll.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/er.h"
#include "media/io/udp.h"

#define WAIT_MS 5000

/** What sendmmsg was asked, and how it is to answer. */
static struct {
    unsigned calls, messages, segments; /* messages that went out, and how many were to be cut */
    unsigned take;                      /* at most so many of a call; then `why`; 0: all */
    int why;
} kernel;

/* Stands in front of the C library's. */
int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
    kernel.calls++;
    if (kernel.why && kernel.take == 0) {
        errno = kernel.why;
        return -1;
    }
    if (kernel.why && count > kernel.take)
        count = kernel.take;
    long n = syscall(SYS_sendmmsg, fd, messages, count, flags);
    if (n > 0) {
        kernel.messages += (unsigned)n;
        for (long i = 0; i < n; i++)
            kernel.segments += messages[i].msg_hdr.msg_controllen > 0;
        if (kernel.why)
            kernel.take -= (unsigned)n;
    }
    return (int)n;
}

static void kernel_is(unsigned take, int why)
{
    memset(&kernel, 0, sizeof kernel);
    kernel.take = take;
    kernel.why = why;
}

struct inbox {
    size_t count;
    size_t bytes;
    struct addr from;
    uint8_t last[2048];
    size_t last_len;
    uint64_t last_at_us;
    size_t sizes[2048];  /* of the first ones */
    uint8_t marks[2048]; /* and their first bytes */
};

static void take_one(struct inbox *in, const struct datagram *d)
{
    if (in->count < 2048) {
        in->sizes[in->count] = d->len;
        in->marks[in->count] = d->data[0];
    }
    assert_true(d->at_us >= in->last_at_us && d->at_us <= clock_now_us());
    in->last_at_us = d->at_us;
    in->count++;
    in->bytes += d->len;
    in->from = d->from.remote;
    memcpy(in->last, d->data, d->len);
    in->last_len = d->len;
    memset(d->data, 0xee, d->len); /* may be worked on in place */
}

static void take(void *ctx, const struct datagram *batch, size_t count)
{
    for (size_t i = 0; i < count; i++)
        take_one(ctx, &batch[i]);
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
    uint8_t *room = udp_reserve(u, to, 0, len);
    assert_non_null(room);
    memcpy(room, bytes, len);
    udp_commit(u, len);
}

static bool pull(struct udp *u, struct inbox *in)
{
    uint64_t now_us = 0;
    size_t n = udp_receive(u, take, in, &now_us);
    assert_true(now_us > 0);
    return n == UDP_BATCH;
}

/** Until `count` datagrams are there in all. */
static void receive(struct udp *u, struct inbox *in, size_t count)
{
    while (in->count < count) {
        struct pollfd p = {.fd = udp_fd(u), .events = POLLIN};
        assert_int_equal(poll(&p, 1, WAIT_MS), 1);
        while (pull(u, in))
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
    assert_false(pull(b, &in)); /* nothing more, and no waiting */
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
    assert_null(udp_reserve(a, &to, 0, 4096));
    assert_non_null(udp_reserve(a, &to, 0, 100));
    udp_commit(a, 0);
    put(a, &to, "x", 1);
    assert_non_null(udp_reserve(a, &to, 0, 100)); /* reserved, never committed */
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

static void large_batches_are_sent_on_the_way(void **state)
{
    (void)state;
    enum { COUNT = 1200 };
    struct udp *a = open_at("127.0.0.1"), *b = open_at("127.0.0.1");
    struct inbox in = {0};
    struct addr to = udp_address(b);
    size_t taken = 0;
    for (uint32_t i = 0; i < COUNT; i++) {
        uint8_t *room = udp_reserve(a, &to, 0, 1000);
        assert_non_null(room); /* a full batch is sent on the way */
        memcpy(room, &i, sizeof i);
        udp_commit(a, 1000);
        if (i % 100 == 99 && i > 600) {
            while (pull(b, &in))
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

/** A datagram of `len` bytes that begin with `mark`. */
static void put_marked(struct udp *u, const struct addr *to, uint8_t mark, size_t len)
{
    uint8_t *room = udp_reserve(u, to, 0, len + 32);
    assert_non_null(room);
    memset(room, mark, len);
    udp_commit(u, len);
}

static void runs_leave_as_one_message(void **state)
{
    (void)state;
    struct udp *a = open_at("127.0.0.1"), *b = open_at("127.0.0.1"), *c = open_at("127.0.0.1");
    struct inbox in = {0}, other = {0};
    struct addr to = udp_address(b), elsewhere = udp_address(c);
    static const size_t sizes[] = {1000, 1000, 1000, 400, 400, 1200, 1200, 7, 1200};
    kernel_is(0, 0);
    for (size_t i = 0; i < 9; i++)
        put_marked(a, &to, (uint8_t)i, sizes[i]);
    put_marked(a, &elsewhere, 9, 1200);
    put_marked(a, &elsewhere, 10, 1200);
    put_marked(a, &to, 11, 1200);
    assert_true(udp_flush(a));
    /* 1000 1000 1000 400 | 400 | 1200 1200 7 | 1200 || 1200 1200 || 1200 */
    assert_int_equal(kernel.calls, 1);
    assert_int_equal(kernel.messages, 6);
    assert_int_equal(kernel.segments, 3);
    receive(b, &in, 10);
    receive(c, &other, 2);
    for (size_t i = 0; i < 9; i++) {
        assert_int_equal(in.sizes[i], sizes[i]);
        assert_int_equal(in.marks[i], i);
    }
    assert_int_equal(in.marks[9], 11);
    assert_int_equal(other.marks[0], 9);
    assert_int_equal(other.marks[1], 10);
    udp_close(a);
    udp_close(b);
    udp_close(c);
}

static void long_runs_keep_to_the_kernels_bounds(void **state)
{
    (void)state;
    struct udp *a = open_at("::1"), *b = open_at("::1");
    struct inbox in = {0};
    struct addr to = udp_address(b);
    kernel_is(0, 0);
    for (size_t i = 0; i < 150; i++)
        put_marked(a, &to, (uint8_t)i, 100); /* 64 at most */
    for (size_t i = 150; i < 250; i++)
        put_marked(a, &to, (uint8_t)i, 1400); /* 64 KiB at most */
    assert_true(udp_flush(a));
    receive(b, &in, 250);
    assert_int_equal(kernel.messages, 3 + 3);
    for (size_t i = 0; i < 250; i++)
        assert_int_equal(in.marks[i], (uint8_t)i);
    udp_close(a);
    udp_close(b);
}

/** SO_NO_CHECK has the kernel refuse to cut, as devices do that cannot compute checksums. */
static void goes_on_where_nothing_is_cut(void **state)
{
    (void)state;
    struct udp *a = open_at("127.0.0.1"), *b = open_at("127.0.0.1");
    struct inbox in = {0};
    struct addr to = udp_address(b);
    int on = 1;
    size_t sent = 0;
    assert_int_equal(setsockopt(udp_fd(a), SOL_SOCKET, SO_NO_CHECK, &on, sizeof on), 0);
    for (size_t turn = 0; turn < 40; turn++) {
        kernel_is(0, 0);
        for (size_t i = 0; i < 5; i++)
            put_marked(a, &to, (uint8_t)sent++, i < 4 ? 900 : 100);
        assert_true(udp_flush(a));
        assert_false(udp_must_pause(a));
        receive(b, &in, sent);
        assert_int_equal(in.sizes[sent - 1], 100);
        assert_int_equal(kernel.segments, 0);
    }
    assert_int_equal(kernel.calls, 1); /* it has given up trying */
    for (size_t i = 0; i < sent; i++)
        assert_int_equal(in.marks[i], (uint8_t)i);
    udp_close(a);
    udp_close(b);
}

/** Taken in part, again and again: all arrives once and in order, pieces of a run included. */
static void keeps_what_is_not_taken(void **state)
{
    (void)state;
    static const int errors[] = {EAGAIN, ENOBUFS};
    for (size_t k = 0; k < 2; k++) {
        struct udp *a = open_at("127.0.0.1"), *b = open_at("127.0.0.1"), *c = open_at("127.0.0.1");
        struct inbox in = {0}, other = {0};
        struct addr to = udp_address(b), elsewhere = udp_address(c);
        size_t sent = 0;
        int on = 1;
        if (k == 1) /* nothing is cut: so runs are taken in part, too */
            (void)setsockopt(udp_fd(a), SOL_SOCKET, SO_NO_CHECK, &on, sizeof on);
        for (size_t turn = 0; turn < 100; turn++) {
            for (size_t i = 0; i < 7; i++) {
                put_marked(a, i % 4 == 3 ? &elsewhere : &to, (uint8_t)turn, 500 + turn % 3);
                sent += i % 4 != 3;
            }
            kernel_is(k == 1 && turn < 50 ? 20 : 2, errors[k]);
            (void)udp_flush(a);
        }
        kernel_is(0, errors[k]);
        assert_false(udp_flush(a));
        assert_int_equal(udp_must_pause(a), errors[k] == ENOBUFS);
        kernel_is(0, 0);
        assert_true(udp_flush(a));
        receive(b, &in, sent);
        receive(c, &other, 100);
        for (size_t i = 1; i < sent; i++)
            assert_true(in.marks[i] >= in.marks[i - 1]);
        udp_close(a);
        udp_close(b);
        udp_close(c);
    }
}

/** The socket takes nothing: room ends, nothing that was kept is lost, and it begins anew after. */
static void room_ends_while_nothing_is_taken(void **state)
{
    (void)state;
    struct udp *a = open_at("127.0.0.1"), *b = open_at("127.0.0.1");
    struct addr to = udp_address(b);
    struct inbox in = {0};
    for (unsigned round = 0; round < 2; round++) {
        size_t kept = 0;
        kernel_is(0, EAGAIN);
        while (udp_reserve(a, &to, 0, 1000)) {
            memset(udp_reserve(a, &to, 0, 1000), (int)(kept & 0x7f), 1000);
            udp_commit(a, 1000);
            kept++;
        }
        assert_true(kept > 900 && kept < 1100);
        assert_false(udp_flush(a));
        kernel_is(12, EAGAIN); /* some room again: what is left moves to the front */
        assert_false(udp_flush(a));
        kernel_is(0, EAGAIN);
        assert_non_null(udp_reserve(a, &to, 0, 1000));
        put_marked(a, &to, 0xff, 1000);
        kernel_is(0, 0);
        assert_true(udp_flush(a));
        in.count = 0;
        in.bytes = 0;
        receive(b, &in, kept + 1);
        for (size_t i = 0; i < kept; i++)
            assert_int_equal(in.marks[i], i & 0x7f);
        assert_int_equal(in.marks[kept], 0xff);
    }
    udp_close(a);
    udp_close(b);
}

/** The kernel's own times: apart, though taken in one batch. */
static void tells_when_each_came(void **state)
{
    (void)state;
    struct udp *a = open_at("127.0.0.1"), *b = open_at("127.0.0.1");
    struct addr to = udp_address(b);
    struct inbox in = {0};
    put(a, &to, "1", 1);
    assert_true(udp_flush(a));
    uint64_t sent_us = clock_now_us();
    while (clock_now_us() < sent_us + 3000)
        ;
    put(a, &to, "2", 1);
    assert_true(udp_flush(a));
    receive(b, &in, 1 + 1);
    assert_true(in.last_at_us >= sent_us + 2500);
    uint64_t now_us;
    struct inbox first = {0};
    put(a, &to, "3", 1);
    assert_true(udp_flush(a));
    sent_us = clock_now_us();
    while (clock_now_us() < sent_us + 3000)
        ;
    assert_int_equal(udp_receive(b, take, &first, &now_us), 1);
    assert_true(first.last_at_us + 2500 <= now_us);
    udp_close(a);
    udp_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sends_and_receives),
        cmocka_unit_test(rooms_given_back_are_not_sent),
        cmocka_unit_test(one_socket_for_both_families),
        cmocka_unit_test(large_batches_are_sent_on_the_way),
        cmocka_unit_test(what_cannot_be_sent_is_passed_over),
        cmocka_unit_test(a_port_is_bound_once),
        cmocka_unit_test(runs_leave_as_one_message),
        cmocka_unit_test(long_runs_keep_to_the_kernels_bounds),
        cmocka_unit_test(goes_on_where_nothing_is_cut),
        cmocka_unit_test(keeps_what_is_not_taken),
        cmocka_unit_test(room_ends_while_nothing_is_taken),
        cmocka_unit_test(tells_when_each_came),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
