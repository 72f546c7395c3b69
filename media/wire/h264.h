// SPDX-License-Identifier: Apache-2.0
/* H264 in RTP (RFC 6184, packetisation modes 0 and 1): the NAL units of a packet, what they say about
 * the picture, and sequence parameter sets (H.264, 7.3.2.1). */
#ifndef LOUPE_MEDIA_WIRE_H264_H
#define LOUPE_MEDIA_WIRE_H264_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum h264_unit_type {
    H264_SLICE = 1,
    H264_IDR = 5,
    H264_SEI = 6,
    H264_SPS = 7,
    H264_PPS = 8,
    H264_DELIMITER = 9,
    H264_END_OF_SEQUENCE = 10,
    H264_END_OF_STREAM = 11,
    H264_FILLER = 12,
};

/** A NAL unit, or the part of one that the packet has. `at` borrows from the packet; it is behind the
 *  unit's first byte, which fragments do not have in its place. */
struct h264_unit {
    uint8_t first; /* forbidden bit, nal_ref_idc, type */
    const uint8_t *at;
    size_t len;
    bool starts; /* the unit begins here */
    bool ends;
};

static inline unsigned h264_unit_type(uint8_t first)
{
    return first & 0x1fu;
}

/** Walks through the units of a packet. */
struct h264_units {
    const uint8_t *at;
    const uint8_t *end;
    bool aggregate;
    bool fragment;
};

/** 0, ER_TRUNCATED or ER_MALFORMED (a kind of packet that modes 0 and 1 do not have). */
int h264_units_begin(struct h264_units *u, const uint8_t *payload, size_t len);
/** 1: *ret is the next; 0: there is none; ER_TRUNCATED. */
int h264_units_next(struct h264_units *u, struct h264_unit *ret);

/** What a packet says. */
struct h264_payload {
    bool may_start;     /* its first unit can be the first of a picture */
    bool sps;           /* has one, and */
    bool key;           /* an IDR slice, or what goes before one */
    bool non_reference; /* no other picture needs this one */
    uint16_t width;     /* from the SPS; 0: none, or not understood */
    uint16_t height;
};
/** 0, ER_TRUNCATED or ER_MALFORMED. */
int h264_parse(const uint8_t *payload, size_t len, struct h264_payload *ret);

/** What a sequence parameter set says; `unit` begins with the NAL unit's first byte. False: damaged,
 *  or a picture beyond 65535 pixels. */
struct h264_sps {
    uint8_t profile, constraints, level;
    uint8_t chroma_format, luma_bits, chroma_bits;
    uint16_t width, height; /* cropped */
};
bool h264_parse_sps(const uint8_t *unit, size_t len, struct h264_sps *ret);

/** The profile of a profile-level-id's first two bytes (RFC 6184, table 5), an enum h264_profile; 0:
 *  none of those we relay. */
unsigned h264_profile_of(uint8_t profile_idc, uint8_t constraints);

#endif
