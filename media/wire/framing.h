// SPDX-License-Identifier: Apache-2.0
/* Packets on a byte stream (RFC 4571): two bytes of length in front of each. ICE-TCP carries STUN,
 * DTLS and SRTP so (RFC 6544, 10). Bytes come in as they arrive, whole packets go out. */
#ifndef LOUPE_MEDIA_WIRE_FRAMING_H
#define LOUPE_MEDIA_WIRE_FRAMING_H

#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

#define FRAMING_HEADER 2

/** What came and is not handed out yet. Zeroed memory is an empty one. */
struct framing {
    uint32_t begin, end;
    uint8_t bytes[LIMIT_TCP_READ];
};

/** Where the next bytes go and how many fit: at least one once framing_next has given 0. Packets
 *  handed out before are no longer valid. */
size_t framing_room(struct framing *f, uint8_t **ret_at);
/** `len` bytes have been put there. */
void framing_add(struct framing *f, size_t len);
/** 1 and the next packet, valid until framing_room, to be worked on in place; 0 when more bytes are
 *  needed; ER_FULL: it says that it is longer than LIMIT_DATAGRAM, and the stream is lost. Packets
 *  of no length are passed over. */
int framing_next(struct framing *f, uint8_t **ret_packet, size_t *ret_len);
/** What stands in front of a packet of `len` bytes (at most 65535). */
void framing_write_header(uint8_t ret[FRAMING_HEADER], size_t len);

#endif
