// SPDX-License-Identifier: Apache-2.0
/* The VP8 payload descriptor and the first bytes of a key frame. */
#include "media/wire/vp8.h"

#include <string.h>

#include "base/buf.h"
#include "base/er.h"

/* The descriptor's first byte */
enum { DESC_EXTENDED = 0x80, DESC_NON_REFERENCE = 0x20, DESC_START = 0x10, DESC_PARTITION = 0x07 };
/* Its extension byte */
enum { EXT_PICTURE_ID = 0x80, EXT_TL0 = 0x40, EXT_TEMPORAL = 0x20, EXT_KEY_INDEX = 0x10 };

enum { FRAME_TAG_BYTES = 3, KEY_HEADER_BYTES = 10, FRAME_INTER = 0x01 };

static void parse_extension(struct rd *r, struct vp8_payload *ret)
{
    uint8_t flags = rd_u8(r);
    if (flags & EXT_PICTURE_ID) {
        ret->has_picture_id = true;
        ret->picture_id = rd_u8(r);
        if (ret->picture_id & 0x80)
            ret->picture_id = (uint16_t)((ret->picture_id & 0x7f) << 8 | rd_u8(r));
    }
    if (flags & EXT_TL0) {
        ret->has_tl0_index = true;
        ret->tl0_index = rd_u8(r);
    }
    if (flags & (EXT_TEMPORAL | EXT_KEY_INDEX)) {
        uint8_t layer = rd_u8(r);
        if (flags & EXT_TEMPORAL) {
            ret->has_temporal = true;
            ret->temporal_id = layer >> 6;
            ret->layer_sync = (layer & 0x20) != 0;
        }
    }
}

int vp8_parse(const uint8_t *payload, size_t len, struct vp8_payload *ret)
{
    *ret = (struct vp8_payload){0};
    struct rd r = rd_make(payload, len);
    uint8_t first = rd_u8(&r);
    ret->start = (first & DESC_START) && (first & DESC_PARTITION) == 0;
    ret->non_reference = (first & DESC_NON_REFERENCE) != 0;
    if (first & DESC_EXTENDED)
        parse_extension(&r, ret);
    if (r.bad || rd_left(&r) == 0)
        return ER_TRUNCATED;
    ret->descriptor_len = (size_t)(r.at - payload);
    if (!ret->start || (r.at[0] & FRAME_INTER))
        return 0;

    ret->key_frame = true;
    /* The header may be cut by the packet's end: then the size stays unknown. */
    if (rd_left(&r) < KEY_HEADER_BYTES)
        return 0;
    const uint8_t *header = rd_bytes(&r, KEY_HEADER_BYTES) + FRAME_TAG_BYTES;
    if (header[0] != 0x9d || header[1] != 0x01 || header[2] != 0x2a)
        return ER_MALFORMED;
    /* Little-endian; the upper two bits of each are the scale to display at. */
    ret->width = (uint16_t)((header[4] & 0x3f) << 8 | header[3]);
    ret->height = (uint16_t)((header[6] & 0x3f) << 8 | header[5]);
    return 0;
}

size_t vp8_patch(const uint8_t *payload, size_t len, uint16_t picture_id, uint8_t tl0_index,
                 uint8_t ret[VP8_PATCH_MAX])
{
    if (len < 4 || !(payload[0] & DESC_EXTENDED) || !(payload[1] & EXT_PICTURE_ID))
        return 0;
    memcpy(ret, payload, len < VP8_PATCH_MAX ? len : VP8_PATCH_MAX);
    size_t at = 2;
    if (payload[at] & 0x80) {
        ret[at++] = (uint8_t)(0x80 | picture_id >> 8);
        ret[at++] = (uint8_t)picture_id;
    } else {
        ret[at++] = picture_id & 0x7f;
    }
    if (payload[1] & EXT_TL0)
        ret[at++] = tl0_index;
    return at;
}
