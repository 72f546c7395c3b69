// SPDX-License-Identifier: Apache-2.0
/* Datagrams to a socket that is bound to "any": the answer leaves from the address that was asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "media/io/udp.h"

#define WAIT_MS 5000

struct inbox {
    size_t count;
    struct addr from;
    uint32_t local;
};

static void take(void *ctx, const struct datagram *batch, size_t count)
{
    struct inbox *in = ctx;
    assert_int_equal(count, 1);
    assert_int_equal(batch->len, 3);
    in->count++;
    in->from = batch->from.remote;
    in->local = batch->from.via;
}

static struct udp *open_at(const char *ip)
{
    struct addr a;
    struct udp *u = NULL;
    assert_int_equal(addr_parse_ip(ip, 0, &a), 0);
    assert_int_equal(udp_open(&u, &a), 0);
    return u;
}

/** A socket that hears only `ip`, and what is said to it. */
static int client_of(const char *ip, uint16_t port)
{
    struct addr a;
    struct sockaddr_storage sa;
    assert_int_equal(addr_parse_ip(ip, port, &a), 0);
    socklen_t len = addr_to_sockaddr(&a, !addr_is_v4(&a), &sa);
    int fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&sa, len), 0);
    return fd;
}

static struct inbox ask(struct udp *u, int client)
{
    struct inbox in = {0};
    uint64_t now_us;
    assert_int_equal(send(client, "ask", 3, 0), 3);
    struct pollfd p = {.fd = udp_fd(u), .events = POLLIN};
    assert_int_equal(poll(&p, 1, WAIT_MS), 1);
    assert_int_equal(udp_receive(u, take, &in, &now_us), 1);
    return in;
}

static void put(struct udp *u, const struct inbox *asked, uint32_t local, uint8_t value, size_t len)
{
    uint8_t *room = udp_reserve(u, &asked->from, local, len);
    assert_non_null(room);
    memset(room, value, len);
    udp_commit(u, len);
}

static void expect(int client, uint8_t value, size_t len)
{
    uint8_t got[2048];
    struct pollfd p = {.fd = client, .events = POLLIN};
    assert_int_equal(poll(&p, 1, WAIT_MS), 1);
    assert_int_equal(recv(client, got, sizeof got, 0), (ssize_t)len);
    assert_int_equal(got[0], value);
}

static void answers_from_where_it_was_asked(void **state)
{
    (void)state;
    static const struct {
        const char *bound, *asked[3];
    } cases[] = {{"0.0.0.0", {"127.0.0.1", "127.0.0.5", "127.0.0.6"}},
                 {"::", {"127.0.0.5", "::1", "127.0.0.6"}}};
    for (size_t i = 0; i < 2; i++) {
        struct udp *u = open_at(cases[i].bound);
        uint32_t seen = 0;
        for (size_t k = 0; k < 6; k++) { /* twice: the numbers stay */
            int client = client_of(cases[i].asked[k % 3], udp_address(u).port);
            struct inbox in = ask(u, client);
            assert_int_equal(in.local, k % 3 + 1);
            seen |= 1u << in.local;
            put(u, &in, in.local, 1, 10);
            for (uint8_t n = 2; n < 10; n++) /* a run: cut by the kernel */
                put(u, &in, in.local, n, 1000);
            put(u, &in, in.local, 10, 500);
            assert_true(udp_flush(u));
            expect(client, 1, 10);
            for (uint8_t n = 2; n < 10; n++)
                expect(client, n, 1000);
            expect(client, 10, 500);
            close(client);
        }
        assert_int_equal(seen, 14);
        udp_close(u);
    }
}

static void else_the_system_chooses(void **state)
{
    (void)state;
    struct udp *u = open_at("0.0.0.0");
    int client = client_of("127.0.0.5", udp_address(u).port);
    struct inbox in = ask(u, client);
    put(u, &in, 0, 1, 10);  /* from 127.0.0.1: not heard */
    put(u, &in, 99, 2, 10); /* a number never given */
    put(u, &in, in.local, 3, 10);
    assert_true(udp_flush(u));
    expect(client, 3, 10);
    close(client);
    udp_close(u);
}

static void a_bound_socket_needs_no_numbers(void **state)
{
    (void)state;
    static const char *const ips[] = {"127.0.0.5", "::1"};
    for (size_t i = 0; i < 2; i++) {
        struct udp *u = open_at(ips[i]);
        int client = client_of(ips[i], udp_address(u).port);
        struct inbox in = ask(u, client);
        assert_int_equal(in.local, 0);
        put(u, &in, 0, 4, 10);
        assert_true(udp_flush(u));
        expect(client, 4, 10);
        close(client);
        udp_close(u);
    }
}

static void numbers_are_bounded(void **state)
{
    (void)state;
    struct udp *u = open_at("0.0.0.0");
    for (unsigned i = 1; i <= UDP_LOCAL_MAX + 3; i++) {
        char ip[16] = "127.0.1.0";
        ip[8] = (char)('0' + i % 10);
        ip[6] = (char)('1' + i / 10);
        int client = client_of(ip, udp_address(u).port);
        assert_int_equal(ask(u, client).local, i <= UDP_LOCAL_MAX ? i : 0);
        close(client);
    }
    udp_close(u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_from_where_it_was_asked),
        cmocka_unit_test(else_the_system_chooses),
        cmocka_unit_test(a_bound_socket_needs_no_numbers),
        cmocka_unit_test(numbers_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
