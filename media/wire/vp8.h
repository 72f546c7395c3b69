// SPDX-License-Identifier: Apache-2.0
/* VP8 in RTP (RFC 7741): the payload descriptor, and what the frame header tells (RFC 6386). */
#ifndef LOUPE_MEDIA_WIRE_VP8_H
#define LOUPE_MEDIA_WIRE_VP8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vp8_payload {
    bool start;     /* S bit and partition 0: the frame begins here */
    bool key_frame; /* only known (true) on a start packet */
    bool has_picture_id;
    uint16_t picture_id; /* 7 or 15 bits */
    bool has_tl0_index;
    uint8_t tl0_index;
    bool has_temporal;
    uint8_t temporal_id;
    bool layer_sync;
    bool non_reference;    /* N bit */
    size_t descriptor_len; /* the frame's bytes begin here */
    uint16_t width;        /* of a key frame's start packet; else 0 */
    uint16_t height;
};

/** 0, ER_TRUNCATED or ER_MALFORMED. */
int vp8_parse(const uint8_t *payload, size_t len, struct vp8_payload *ret);

#define VP8_PATCH_MAX 5
/** The payload's first bytes with another PictureID, in as many bits as there are, and TL0PICIDX,
 *  where it has them. The number of bytes; 0 when it has no PictureID. For payloads that
 *  vp8_parse took. */
size_t vp8_patch(const uint8_t *payload, size_t len, uint16_t picture_id, uint8_t tl0_index,
                 uint8_t ret[VP8_PATCH_MAX]);

#endif
