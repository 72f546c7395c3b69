// SPDX-License-Identifier: Apache-2.0
/* RTP packets (RFC 3550) with header extensions in both forms (RFC 8285). */
#ifndef LOUPE_MEDIA_WIRE_RTP_H
#define LOUPE_MEDIA_WIRE_RTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

#define RTP_HEADER_BYTES 12

/** One header extension element: `at` borrows from the packet. */
struct rtp_extension {
    uint8_t id;
    uint8_t len;
    const uint8_t *at;
};

/** A parsed packet; pointers borrow from the parsed bytes. */
struct rtp_packet {
    bool marker;
    uint8_t payload_type;
    uint16_t seq;
    uint32_t timestamp;
    uint32_t ssrc;
    uint8_t csrc_count;
    uint8_t extension_count;
    struct rtp_extension extensions[LIMIT_RTP_EXTENSIONS];
    const uint8_t *payload; /* without padding */
    size_t payload_len;
    uint8_t padding_len;
};

/** RFC 5761 and 7983: RTP or RTCP (first byte 128..191), told apart by the second byte. */
static inline bool rtp_or_rtcp(const uint8_t *data, size_t len)
{
    return len >= 2 && data[0] >= 128 && data[0] <= 191;
}

static inline bool rtcp_looks_like(const uint8_t *data, size_t len)
{
    return rtp_or_rtcp(data, len) && data[1] >= 192 && data[1] <= 223;
}

/** 0, ER_TRUNCATED or ER_MALFORMED (version, padding, extension lengths). Extensions beyond
 *  LIMIT_RTP_EXTENSIONS are ignored. */
int rtp_parse(const uint8_t *data, size_t len, struct rtp_packet *ret);
/** The element with this id, or NULL. Id 0 is never found. */
const struct rtp_extension *rtp_find_extension(const struct rtp_packet *packet, uint8_t id);

/** What to write in front of a payload. Extensions with id 0 are left out; the one-byte form is
 *  used when all fit it (id <= 14, 1 <= len <= 16), else the two-byte form. */
struct rtp_header {
    bool marker;
    uint8_t payload_type;
    uint16_t seq;
    uint32_t timestamp;
    uint32_t ssrc;
    const struct rtp_extension *extensions;
    size_t extension_count;
};
/** The header's length, or ER_TRUNCATED. */
int rtp_write_header(uint8_t *buf, size_t size, const struct rtp_header *header);

/** Signed distance from `b` to `a` in sequence-number space (RFC 1982). */
static inline int16_t seq_diff(uint16_t a, uint16_t b)
{
    return (int16_t)(uint16_t)(a - b);
}

/** Extends 16-bit sequence numbers to 64 bits that do not wrap. Start: zeroed; the first number
 *  lands at 65536 + seq, so that earlier packets still have positive numbers. */
struct seq_extender {
    int64_t highest; /* 0: nothing seen yet */
};
int64_t seq_extend(struct seq_extender *x, uint16_t seq);

/** Extends 32-bit RTP timestamps likewise; the first lands at 2^32 + timestamp. */
struct ts_extender {
    int64_t last; /* the highest; 0: nothing seen yet */
};
int64_t ts_extend(struct ts_extender *x, uint32_t timestamp);

#endif
