// SPDX-License-Identifier: Apache-2.0
/* Loopback connections. */
#include "tests/unit/support/tcp_pair.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "media/wire/framing.h"

#define WAIT_MS 5000

static struct addr name_of(int fd)
{
    struct sockaddr_storage sa;
    socklen_t len = sizeof sa;
    struct addr a;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
    assert_int_equal(addr_from_sockaddr((struct sockaddr *)&sa, &a), 0);
    return a;
}

int tcp_connect_to(const struct addr *to)
{
    struct sockaddr_storage sa;
    socklen_t len = addr_to_sockaddr(to, !addr_is_v4(to), &sa);
    int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&sa, len), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

void tcp_pair_open(int ends[2], struct addr *ret_remote)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(listener >= 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&sa, sizeof sa), 0);
    assert_int_equal(listen(listener, 1), 0);
    struct addr at = name_of(listener);
    ends[0] = tcp_connect_to(&at);
    ends[1] = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    assert_true(ends[1] >= 0);
    *ret_remote = name_of(ends[0]);
    close(listener);
}

void tcp_put(int fd, const void *packet, size_t len)
{
    uint8_t header[FRAMING_HEADER];
    framing_write_header(header, len);
    assert_int_equal(send(fd, header, sizeof header, MSG_NOSIGNAL), sizeof header);
    assert_int_equal(send(fd, packet, len, MSG_NOSIGNAL), (ssize_t)len);
}

void tcp_take(int fd, void *ret, size_t len)
{
    uint8_t *at = ret;
    while (len > 0) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        assert_int_equal(poll(&p, 1, WAIT_MS), 1);
        ssize_t n = recv(fd, at, len, 0);
        assert_true(n > 0);
        at += n;
        len -= (size_t)n;
    }
}

bool tcp_is_closed(int fd)
{
    uint8_t bytes[4096];
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (poll(&p, 1, WAIT_MS) != 1)
            return false;
        if (recv(fd, bytes, sizeof bytes, 0) <= 0)
            return true;
    }
}
