// SPDX-License-Identifier: Apache-2.0
/* What was configured, else what the system says of its interfaces. */
#include "media/io/candidates.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>

struct found {
    size_t count;
    uint16_t port;
    struct addr *to;
};

static void add(struct found *f, struct addr a)
{
    a.port = f->port;
    for (size_t i = 0; i < f->count; i++)
        if (addr_equal(&f->to[i], &a))
            return;
    if (f->count < CANDIDATES_MAX)
        f->to[f->count++] = a;
}

static bool is_link_local(const struct addr *a)
{
    return addr_is_v4(a) ? a->ip[12] == 169 && a->ip[13] == 254
                         : a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80;
}

static bool is_any(const struct addr *a)
{
    static const uint8_t zeros[16];
    return memcmp(a->ip, zeros, sizeof zeros) == 0 ||
           (addr_is_v4(a) && memcmp(a->ip + 12, zeros, 4) == 0);
}

static void add_interfaces(struct found *f, bool v4_only)
{
    struct ifaddrs *all = NULL;
    if (getifaddrs(&all) != 0)
        return;
    for (int loopback = 0; loopback < 2 && f->count == 0; loopback++) {
        for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
            struct addr a;
            if (i->ifa_addr && (i->ifa_flags & IFF_UP) &&
                addr_from_sockaddr(i->ifa_addr, &a) == 0 && !(v4_only && !addr_is_v4(&a)) &&
                addr_is_loopback(&a) == (loopback == 1) && !is_link_local(&a))
                add(f, a);
        }
    }
    freeifaddrs(all);
}

size_t candidates_find(const struct addr *bound, const struct addr *public_addresses, size_t count,
                       struct addr ret[CANDIDATES_MAX])
{
    struct found f = {.port = bound->port, .to = ret};
    for (size_t i = 0; i < count; i++)
        add(&f, public_addresses[i]);
    if (count == 0 && is_any(bound))
        add_interfaces(&f, addr_is_v4(bound));
    else if (count == 0)
        add(&f, *bound);
    return f.count;
}
