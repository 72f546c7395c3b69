// SPDX-License-Identifier: Apache-2.0
/* Sockets of TCP on loopback for tests: a listener, a connected pair, framed packets. */
#ifndef LOUPE_TESTS_UNIT_SUPPORT_TCP_PAIR_H
#define LOUPE_TESTS_UNIT_SUPPORT_TCP_PAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

/** A socket connected to an address, which does not block. Fails the test when it cannot be. */
int tcp_connect_to(const struct addr *to);
/** Two ends of a connection; *ret_remote is where ends[0] is seen from by ends[1]. */
void tcp_pair_open(int ends[2], struct addr *ret_remote);
/** A packet with its length in front. */
void tcp_put(int fd, const void *packet, size_t len);
/** As many bytes, waiting up to 5 seconds; fails the test when they do not come. */
void tcp_take(int fd, void *ret, size_t len);
/** Whether the other side closes within 5 seconds; what comes before is dropped. */
bool tcp_is_closed(int fd);

#endif
