// SPDX-License-Identifier: Apache-2.0
/* Which of our addresses a datagram was sent to, for a socket that is bound to all of them: the answer
 * must come from there, or the other side's ICE drops it, and its NAT too. */
#ifndef LOUPE_MEDIA_IO_UDP_LOCAL_H
#define LOUPE_MEDIA_IO_UDP_LOCAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/addr.h"

#define UDP_LOCAL_MAX 31 /* further addresses answer as the system likes */
#define UDP_LOCAL_SPACE CMSG_SPACE(sizeof(uint8_t[20])) /* of struct in6_pktinfo */

/** Zeroed: none known yet. */
struct udp_local {
    bool wanted; /* the socket is bound to "any" */
    size_t count;
    struct addr addresses[UDP_LOCAL_MAX];
};

/** Has the system tell, when `bound` is "any". */
void udp_local_open(struct udp_local *l, int fd, const struct addr *bound);
/** A number of 1 and up for the address that a datagram came to, always the same; 0: not known. */
uint32_t udp_local_note(struct udp_local *l, struct msghdr *hdr);
/** Writes what has a datagram leave from that address into `at`, which has UDP_LOCAL_SPACE bytes; how
 *  many it took: 0 when the system is to choose. */
size_t udp_local_write(const struct udp_local *l, uint32_t number, bool v6_socket,
                       struct cmsghdr *at);

#endif
