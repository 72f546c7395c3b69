// SPDX-License-Identifier: Apache-2.0
/* Sockets like the generator's, whose datagrams are read and forgotten. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/er.h"
#include "base/str.h"
#include "tests/bench/limit.h"
#include "tests/bench/load_socket.h"

#define FIRST_PORT 20000u
#define LAST_PORT 60000u
#define EVENTS 256

/** Binds all, or none. */
static int bind_row(const struct addr *address, int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct sockaddr_storage sa;
        struct addr a = *address;
        a.port = (uint16_t)(a.port + i);
        socklen_t len = addr_to_sockaddr(&a, false, &sa);
        fds[i] = load_socket_open(true, true);
        if (fds[i] >= 0 && bind(fds[i], (struct sockaddr *)&sa, len) == 0)
            continue;
        for (size_t j = 0; j <= i; j++)
            if (fds[j] >= 0)
                close(fds[j]);
        return ER_IO;
    }
    return 0;
}

static int find_row(struct addr *address, int *fds, size_t count)
{
    for (unsigned port = FIRST_PORT; port + count < LAST_PORT; port += 1000) {
        address->port = (uint16_t)port;
        if (bind_row(address, fds, count) == 0)
            return 0;
    }
    return ER_FULL;
}

static uint64_t drain(int epoll, struct load_inbox *inbox)
{
    uint64_t received = 0;
    while (true) {
        struct epoll_event events[EVENTS];
        int n = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.fd == STDIN_FILENO)
                return received;
            received += load_inbox_read(inbox, events[i].data.fd, NULL, NULL);
        }
    }
}

int drain_main(int argc, char **argv)
{
    struct addr address;
    uint64_t count;
    struct load_inbox *inbox;
    if (argc < 2 || addr_parse_ip(argv[0], 0, &address) != 0 ||
        span_u64(span_of(argv[1]), 8192, &count) != 0 || load_inbox_new(&inbox) != 0)
        return 2;
    int *fds = calloc((size_t)count + 1, sizeof *fds);
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (!fds || epoll < 0 || find_row(&address, fds, (size_t)count) != 0)
        return 1;
    fds[count] = STDIN_FILENO;
    for (size_t i = 0; i <= count; i++) {
        struct epoll_event ev = {.events = EPOLLIN, .data.fd = fds[i]};
        (void)epoll_ctl(epoll, EPOLL_CTL_ADD, fds[i], &ev);
    }
    printf("{\"first_port\":%u}\n", address.port);
    fflush(stdout);
    printf("{\"received\":%llu}\n", (unsigned long long)drain(epoll, inbox));
    load_inbox_free(inbox);
    free(fds);
    return 0;
}
