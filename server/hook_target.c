// SPDX-License-Identifier: Apache-2.0
/* Addresses of webhooks, and tables of networks they may not be in. */
#include "server/hook_target.h"

#include <string.h>

#include "base/str.h"

struct network {
    uint8_t ip[16];
    unsigned bits;
};

/* https://www.iana.org/assignments/iana-ipv4-special-registry, and multicast */
static const struct network v4[] = {
    {{0}, 8},             /* this network */
    {{10}, 8},            /* private */
    {{100, 64}, 10},      /* shared: CGNAT */
    {{127}, 8},           /* loopback */
    {{169, 254}, 16},     /* link-local; clouds tell their machines secrets there */
    {{172, 16}, 12},      /* private */
    {{192, 0, 0}, 24},    /* protocol assignments */
    {{192, 0, 2}, 24},    /* documentation */
    {{192, 31, 196}, 24}, /* AS112 */
    {{192, 52, 193}, 24}, /* AMT */
    {{192, 88, 99}, 24},  /* 6to4 relays */
    {{192, 168}, 16},     /* private */
    {{192, 175, 48}, 24}, /* AS112 */
    {{198, 18}, 15},      /* benchmarks */
    {{198, 51, 100}, 24}, /* documentation */
    {{203, 0, 113}, 24},  /* documentation */
    {{224}, 3},           /* multicast, reserved, broadcast */
};

/* Of 2000::/3, which is all that is global. */
static const struct network v6[] = {
    {{0x20, 0x01, 0}, 23},             /* protocol assignments: Teredo, ORCHID, benchmarks */
    {{0x20, 0x01, 0x0d, 0xb8}, 32},    /* documentation */
    {{0x20, 0x02}, 16},                /* 6to4: any IPv4 address is inside */
    {{0x26, 0x20, 0, 0x4f, 0x80}, 48}, /* AS112 */
    {{0x3f, 0xff}, 20},                /* documentation */
};

static bool within(const uint8_t *ip, const struct network *n)
{
    unsigned bytes = n->bits / 8, rest = n->bits % 8;
    if (memcmp(ip, n->ip, bytes) != 0)
        return false;
    return rest == 0 || (ip[bytes] ^ n->ip[bytes]) >> (8 - rest) == 0;
}

static bool within_any(const uint8_t *ip, const struct network *n, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (within(ip, &n[i]))
            return true;
    }
    return false;
}

bool hook_address_global(const struct addr *a)
{
    if (addr_is_v4(a))
        return !within_any(a->ip + 12, v4, sizeof v4 / sizeof v4[0]);
    return a->ip[0] >> 5 == 1 && !within_any(a->ip, v6, sizeof v6 / sizeof v6[0]);
}

bool hook_address_ok(enum hook_reach reach, bool plain, const struct addr *a)
{
    if (reach == HOOK_ANYWHERE || (reach == HOOK_LOOPBACK && addr_is_loopback(a)))
        return true;
    return !plain && hook_address_global(a);
}

/** The host within "host[:port]", without brackets; false: malformed. */
static bool host_of(struct span authority, struct span *ret)
{
    uint64_t port;
    struct span rest = authority;
    if (span_starts(authority, "[")) {
        const char *end = memchr(authority.at, ']', authority.len);
        if (!end)
            return false;
        *ret = (struct span){.at = authority.at + 1, .len = (size_t)(end - authority.at) - 1};
        rest = (struct span){.at = end + 1, .len = authority.len - ret->len - 2};
        if (rest.len == 0)
            return true;
        if (rest.at[0] != ':')
            return false;
        (void)span_cut(&rest, ':');
    } else {
        *ret = span_cut(&rest, ':');
        if (!rest.at)
            return ret->len > 0;
    }
    return ret->len > 0 && span_u64(rest, 65535, &port) == 0 && port > 0;
}

/** An IPv4 address in one of its old forms (0x7f.1, 2130706433, 010.0.0.1): resolvers take them. */
static bool looks_numeric(struct span host)
{
    const char *last = host.at + host.len;
    while (last > host.at && last[-1] != '.')
        last--;
    return last < host.at + host.len && *last >= '0' && *last <= '9';
}

static const char *host_check(enum hook_reach reach, bool plain, struct span host)
{
    struct addr a;
    char text[256];
    if (str_copy_span(text, sizeof text, host))
        return "the host's name is too long";
    if (addr_parse_ip(text, 0, &a) == 0)
        return hook_address_ok(reach, plain, &a) ? NULL : "webhooks do not go to such an address";
    if (looks_numeric(host))
        return "the host is neither a name nor an address";
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
    if (strspn(text, allowed) != host.len || text[0] == '.')
        return "the host is neither a name nor an address";
    bool local = span_equal_nocase(host, "localhost") ||
                 (host.len > 10 &&
                  span_equal_nocase((struct span){text + host.len - 10, 10}, ".localhost"));
    return local && reach == HOOK_PUBLIC ? "webhooks do not go to such an address" : NULL;
}

const char *hook_url_check(enum hook_reach reach, const char *url)
{
    struct span rest = span_of(url), host;
    bool plain = span_starts(rest, "http://");
    if (rest.len >= HOOK_URL_BYTES)
        return "the address is too long";
    for (const unsigned char *p = (const unsigned char *)url; *p; p++) {
        if (*p <= ' ' || *p >= 0x7f || strchr("\"\\<>^`{|}", *p))
            return "the address has characters that do not belong there";
    }
    if (!plain && !span_starts(rest, "https://"))
        return "the address begins with https://";
    if (plain && reach == HOOK_PUBLIC)
        return "webhooks go over https:// only";
    rest.at += plain ? 7 : 8;
    rest.len -= plain ? 7 : 8;
    struct span authority = {.at = rest.at, .len = strcspn(rest.at, "/?#")};
    if (memchr(authority.at, '@', authority.len))
        return "no name and password in the address: signatures tell who sends";
    if (memchr(rest.at, '#', rest.len))
        return "no fragment in the address";
    if (!host_of(authority, &host))
        return "the address has no host, or no port after it";
    return host_check(reach, plain, host);
}
