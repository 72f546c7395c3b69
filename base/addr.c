// SPDX-License-Identifier: Apache-2.0
/* Transport addresses: comparing, and to and from sockets and text. */
#include "base/addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/er.h"
#include "base/str.h"

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

bool addr_equal(const struct addr *a, const struct addr *b)
{
    return a->port == b->port && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

bool addr_is_v4(const struct addr *a)
{
    return memcmp(a->ip, mapped, sizeof mapped) == 0;
}

bool addr_is_loopback(const struct addr *a)
{
    static const uint8_t one[16] = {[15] = 1};
    return addr_is_v4(a) ? a->ip[12] == 127 : memcmp(a->ip, one, sizeof one) == 0;
}

static struct addr from_v4(const void *ip, uint16_t port)
{
    struct addr a = {.port = port};
    memcpy(a.ip, mapped, sizeof mapped);
    memcpy(a.ip + sizeof mapped, ip, 4);
    return a;
}

static struct addr from_v6(const void *ip, uint16_t port)
{
    struct addr a = {.port = port};
    memcpy(a.ip, ip, 16);
    return a;
}

int addr_from_sockaddr(const struct sockaddr *sa, struct addr *ret)
{
    *ret = (struct addr){0};
    if (sa->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, sa, sizeof in);
        *ret = from_v4(&in.sin_addr, ntohs(in.sin_port));
        return 0;
    }
    if (sa->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, sa, sizeof in6);
        *ret = from_v6(&in6.sin6_addr, ntohs(in6.sin6_port));
        return 0;
    }
    return ER_UNSUPPORTED;
}

socklen_t addr_to_sockaddr(const struct addr *a, bool v6_socket, struct sockaddr_storage *ret)
{
    memset(ret, 0, sizeof *ret);
    if (addr_is_v4(a) && !v6_socket) {
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(a->port)};
        memcpy(&in.sin_addr, a->ip + sizeof mapped, 4);
        memcpy(ret, &in, sizeof in);
        return sizeof in;
    }
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(a->port)};
    memcpy(&in6.sin6_addr, a->ip, sizeof a->ip);
    memcpy(ret, &in6, sizeof in6);
    return sizeof in6;
}

int addr_parse_ip(const char *text, uint16_t port, struct addr *ret)
{
    uint8_t ip[16];
    *ret = (struct addr){0};
    if (inet_pton(AF_INET, text, ip) == 1)
        *ret = from_v4(ip, port);
    else if (inet_pton(AF_INET6, text, ip) == 1)
        *ret = from_v6(ip, port);
    else
        return ER_MALFORMED;
    return 0;
}

int addr_parse(const char *text, struct addr *ret)
{
    *ret = (struct addr){0};
    const char *colon = strrchr(text, ':');
    if (!colon)
        return ER_MALFORMED;
    struct span ip = {.at = text, .len = (size_t)(colon - text)};
    uint64_t port;
    if (span_u64(span_of(colon + 1), UINT16_MAX, &port) < 0)
        return ER_MALFORMED;
    bool bracketed = ip.len >= 2 && ip.at[0] == '[' && ip.at[ip.len - 1] == ']';
    if (bracketed)
        ip = (struct span){.at = ip.at + 1, .len = ip.len - 2};
    // Brackets belong to IPv6, and IPv6 to brackets.
    bool has_colon = ip.len && memchr(ip.at, ':', ip.len);
    char copy[INET6_ADDRSTRLEN];
    if (bracketed != has_colon || str_copy_span(copy, sizeof copy, ip) < 0)
        return ER_MALFORMED;
    return addr_parse_ip(copy, (uint16_t)port, ret);
}

void addr_format_ip(const struct addr *a, char ret_text[ADDR_TEXT_BYTES])
{
    bool v4 = addr_is_v4(a);
    // The buffer is larger than any address: it cannot fail.
    if (!inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? a->ip + sizeof mapped : a->ip, ret_text,
                   ADDR_TEXT_BYTES))
        ret_text[0] = '\0';
}

void addr_format(const struct addr *a, char ret_text[ADDR_TEXT_BYTES])
{
    char ip[ADDR_TEXT_BYTES];
    addr_format_ip(a, ip);
    bool v4 = addr_is_v4(a);
    (void)snprintf(ret_text, ADDR_TEXT_BYTES, "%s%.*s%s:%u", v4 ? "" : "[", INET6_ADDRSTRLEN, ip,
                   v4 ? "" : "]", (unsigned)a->port);
}
