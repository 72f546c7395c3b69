// SPDX-License-Identifier: Apache-2.0
/* A transport address as a small value that can be compared and hashed; IPv4 and IPv6. */
#ifndef LOUPE_BASE_ADDR_H
#define LOUPE_BASE_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/** IPv4 is kept mapped into IPv6 (::ffff:a.b.c.d), so that one form serves both.
 *  No padding: may be used as a key as it is. */
struct addr {
    uint8_t ip[16];
    uint16_t port; /* host byte order */
    uint16_t zero;
};

#define ADDR_TEXT_BYTES 56

bool addr_equal(const struct addr *a, const struct addr *b);
bool addr_is_v4(const struct addr *a);
bool addr_is_loopback(const struct addr *a);
/** From an IPv4, IPv6 or mapped socket address. ER_UNSUPPORTED for other families. */
int addr_from_sockaddr(const struct sockaddr *sa, struct addr *ret);
/** As IPv4 where it is one and `v6_socket` is false, else as IPv6 (mapped). The length. */
socklen_t addr_to_sockaddr(const struct addr *a, bool v6_socket, struct sockaddr_storage *ret);
/** "127.0.0.1" or "::1" (without port). 0 or ER_MALFORMED. */
int addr_parse_ip(const char *text, uint16_t port, struct addr *ret);
/** "127.0.0.1:80", "[::1]:80". 0 or ER_MALFORMED. */
int addr_parse(const char *text, struct addr *ret);
void addr_format(const struct addr *a, char ret_text[ADDR_TEXT_BYTES]);
void addr_format_ip(const struct addr *a, char ret_text[ADDR_TEXT_BYTES]);

#endif
