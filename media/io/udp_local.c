// SPDX-License-Identifier: Apache-2.0
/* IP_PKTINFO and IPV6_PKTINFO (RFC 3542, 6). An IPv6 socket tells and takes IPv4 addresses mapped. */
#include "media/io/udp_local.h"

#include <netinet/in.h>
#include <string.h>

_Static_assert(UDP_LOCAL_SPACE >= CMSG_SPACE(sizeof(struct in6_pktinfo)), "room for IPv6");
_Static_assert(UDP_LOCAL_SPACE >= CMSG_SPACE(sizeof(struct in_pktinfo)), "room for IPv4");

void udp_local_open(struct udp_local *l, int fd, const struct addr *bound)
{
    static const uint8_t zeros[16];
    bool v4 = addr_is_v4(bound);
    int on = 1;
    l->wanted = memcmp(bound->ip + (v4 ? 12 : 0), zeros, v4 ? 4 : 16) == 0;
    if (l->wanted && v4)
        (void)setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
    else if (l->wanted)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);
}

static bool read_address(struct msghdr *hdr, struct addr *ret)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    for (struct cmsghdr *c = CMSG_FIRSTHDR(hdr); c; c = CMSG_NXTHDR(hdr, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            v4.sin_addr = info.ipi_spec_dst;
            return addr_from_sockaddr((struct sockaddr *)&v4, ret) == 0;
        }
        if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            v6.sin6_addr = info.ipi6_addr;
            return addr_from_sockaddr((struct sockaddr *)&v6, ret) == 0;
        }
    }
    return false;
}

uint32_t udp_local_note(struct udp_local *l, struct msghdr *hdr)
{
    struct addr a;
    if (!l->wanted || !read_address(hdr, &a))
        return 0;
    for (uint32_t i = 0; i < l->count; i++)
        if (addr_equal(&l->addresses[i], &a))
            return i + 1;
    if (l->count == UDP_LOCAL_MAX)
        return 0;
    l->addresses[l->count++] = a;
    return (uint32_t)l->count;
}

size_t udp_local_write(const struct udp_local *l, uint32_t number, bool v6_socket,
                       struct cmsghdr *at)
{
    if (number == 0 || number > l->count)
        return 0;
    const struct addr *a = &l->addresses[number - 1];
    if (v6_socket) {
        struct in6_pktinfo info = {0};
        memcpy(&info.ipi6_addr, a->ip, sizeof info.ipi6_addr);
        *at = (struct cmsghdr){.cmsg_level = IPPROTO_IPV6,
                               .cmsg_type = IPV6_PKTINFO,
                               .cmsg_len = CMSG_LEN(sizeof info)};
        memcpy(CMSG_DATA(at), &info, sizeof info);
        return CMSG_SPACE(sizeof info);
    }
    struct in_pktinfo info = {0};
    memcpy(&info.ipi_spec_dst, a->ip + 12, sizeof info.ipi_spec_dst);
    *at = (struct cmsghdr){
        .cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO, .cmsg_len = CMSG_LEN(sizeof info)};
    memcpy(CMSG_DATA(at), &info, sizeof info);
    return CMSG_SPACE(sizeof info);
}
