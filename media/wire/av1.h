// SPDX-License-Identifier: Apache-2.0
/* AV1 in RTP ("RTP Payload Format For AV1", Alliance for Open Media): the OBU elements of a packet and
 * what they say about the picture; sequence headers (AV1 bitstream specification, 5.5). */
#ifndef LOUPE_MEDIA_WIRE_AV1_H
#define LOUPE_MEDIA_WIRE_AV1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum av1_obu_type {
    AV1_SEQUENCE_HEADER = 1,
    AV1_TEMPORAL_DELIMITER = 2,
    AV1_FRAME_HEADER = 3,
    AV1_TILE_GROUP = 4,
    AV1_METADATA = 5,
    AV1_FRAME = 6,
    AV1_REDUNDANT_FRAME_HEADER = 7,
    AV1_TILE_LIST = 8,
    AV1_PADDING = 15,
};

/** An OBU, or the part of one that the packet has. `at` borrows from the packet. */
struct av1_element {
    const uint8_t *at;
    size_t len;
    bool starts; /* the OBU begins here */
    bool ends;
};

/** Walks through the elements of a packet. */
struct av1_elements {
    struct rd r;
    bool continues;    /* Z: the first element goes on with the last packet's */
    bool continued;    /* Y: the last one goes on in the next packet */
    bool new_sequence; /* N: a coded video sequence, so a key frame, begins */
    uint8_t counted;   /* elements still to come; 0: each tells its length */
    bool lengths;      /* each tells its length */
    bool first;
};

/** 0 or ER_TRUNCATED, ER_MALFORMED (N and Z together). */
int av1_elements_begin(struct av1_elements *e, const uint8_t *payload, size_t len);
/** 1: *ret is the next; 0: there is none; ER_TRUNCATED, ER_MALFORMED. */
int av1_elements_next(struct av1_elements *e, struct av1_element *ret);

/** An OBU's header. */
struct av1_obu {
    uint8_t type;
    bool has_layers;
    uint8_t temporal_id, spatial_id;
    uint8_t header_len; /* one or two bytes, */
    const uint8_t *at;  /* then perhaps a length; then this */
    size_t len;
};
/** Of a whole OBU, or of the beginning of one (then `len` is what is here). False: damaged. */
bool av1_parse_obu(const uint8_t *data, size_t len, struct av1_obu *ret);

/** What a packet says. */
struct av1_payload {
    bool may_start; /* its first element can be the first of a picture */
    bool key;       /* a coded video sequence begins: a key frame with its sequence header */
    bool has_layers;
    uint8_t temporal_id, spatial_id;
    uint16_t width; /* from a sequence header; 0: none */
    uint16_t height;
};
/** 0, ER_TRUNCATED or ER_MALFORMED. */
int av1_parse(const uint8_t *payload, size_t len, struct av1_payload *ret);

/** The size of the largest picture, from a sequence header without its OBU header. False: damaged. */
bool av1_sequence_size(const uint8_t *data, size_t len, uint16_t *ret_width, uint16_t *ret_height);

/** An unsigned number of up to eight bytes (AV1, 4.10.5); sets `bad` beyond 32 bits. */
uint32_t av1_read_leb128(struct rd *r);

#endif
