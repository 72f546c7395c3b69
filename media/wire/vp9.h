// SPDX-License-Identifier: Apache-2.0
/* VP9 in RTP (RFC 9628): the payload descriptor, and what the uncompressed header of a key frame
 * tells (VP9 bitstream specification, 6.2). */
#ifndef LOUPE_MEDIA_WIRE_VP9_H
#define LOUPE_MEDIA_WIRE_VP9_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VP9_SPATIAL_LAYERS 8

struct vp9_payload {
    bool start; /* B: a layer's frame begins */
    bool end;   /* E: it ends */
    bool has_picture_id;
    uint16_t picture_id;  /* 7 or 15 bits */
    bool inter_predicted; /* P: needs earlier pictures */
    bool flexible;        /* F */
    bool has_layers;      /* L */
    uint8_t temporal_id;
    uint8_t spatial_id;
    bool switch_up;    /* U: temporal layers above can be joined from here on */
    bool inter_layer;  /* D: needs the layer below of the same picture */
    bool no_upper_use; /* Z: no layer above needs this one */
    bool has_tl0_index;
    uint8_t tl0_index;
    bool has_structure; /* V */
    uint8_t layer_count;
    bool has_sizes;
    uint16_t layer_width[VP9_SPATIAL_LAYERS];
    uint16_t layer_height[VP9_SPATIAL_LAYERS];
    bool key_picture; /* a key picture's first packet */
    uint16_t width;   /* of a key picture's first packet, its highest layer; 0: not told */
    uint16_t height;
    size_t descriptor_len; /* the frame's bytes begin here */
};

/** 0, ER_TRUNCATED or ER_MALFORMED. */
int vp9_parse(const uint8_t *payload, size_t len, struct vp9_payload *ret);

/** True for a key frame with a sound header; then its size. */
bool vp9_key_size(const uint8_t *frame, size_t len, uint16_t *ret_width, uint16_t *ret_height);
/** The size that an upper layer's frame tells, when it does not have that of a frame before: so of key
 *  pictures. False: it is not told. */
bool vp9_upper_size(const uint8_t *frame, size_t len, uint16_t *ret_width, uint16_t *ret_height);

#endif
