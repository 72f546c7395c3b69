// SPDX-License-Identifier: Apache-2.0
/* The VP8 depacketiser. */
#include "media/record/depack.h"

#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/limits.h"
#include "media/wire/vp8.h"

enum { FRAME_FIRST_BYTES = 65536, KEY_HEADER_BYTES = 10 };

struct depack {
    int64_t next_seq;  /* 0: any */
    int64_t timestamp; /* of the frame being put together */
    bool building;
    bool key;
    bool need_key;
    bool shown; /* a frame came out */
    uint8_t *data;
    size_t len;
    size_t size;
};

int depack_new(struct depack **ret)
{
    struct depack *d = calloc(1, sizeof *d);
    if (!d)
        return ER_NOMEM;
    d->size = FRAME_FIRST_BYTES;
    d->data = malloc(d->size);
    if (!d->data) {
        free(d);
        return ER_NOMEM;
    }
    d->need_key = true;
    *ret = d;
    return 0;
}

void depack_free(struct depack *d)
{
    if (!d)
        return;
    free(d->data);
    free(d);
}

bool depack_key_size(const uint8_t *frame, size_t len, unsigned *ret_width, unsigned *ret_height)
{
    if (len < KEY_HEADER_BYTES || (frame[0] & 1) || frame[3] != 0x9d || frame[4] != 0x01 ||
        frame[5] != 0x2a)
        return false;
    /* Little-endian; the upper two bits of each are the scale to display at. */
    *ret_width = (unsigned)(frame[7] & 0x3f) << 8 | frame[6];
    *ret_height = (unsigned)(frame[9] & 0x3f) << 8 | frame[8];
    return *ret_width > 0 && *ret_height > 0;
}

static void drop(struct depack *d)
{
    d->building = false;
    d->need_key = true;
    d->len = 0;
}

void depack_gap(struct depack *d, uint32_t packets)
{
    drop(d);
    if (packets == 0)
        d->next_seq = 0;
    else if (d->next_seq)
        d->next_seq += packets;
}

bool depack_in_gap(const struct depack *d)
{
    return d->shown && d->need_key;
}

static int add(struct depack *d, const uint8_t *bytes, size_t len)
{
    if (len > LIMIT_FRAME_BYTES - d->len)
        return ER_FULL;
    if (d->len + len > d->size) {
        size_t size = d->size * 2 < LIMIT_FRAME_BYTES ? d->size * 2 : LIMIT_FRAME_BYTES;
        uint8_t *data = realloc(d->data, size);
        if (!data)
            return ER_NOMEM;
        d->data = data;
        d->size = size;
    }
    memcpy(d->data + d->len, bytes, len);
    d->len += len;
    return 0;
}

/** The packet's part of the frame goes in; a new frame begins where the packet says so. */
static int take(struct depack *d, const struct tape_packet *packet)
{
    struct vp8_payload vp8;
    int er = vp8_parse(packet->payload, packet->payload_len, &vp8);
    if (er < 0)
        return ER_MALFORMED;
    if (d->building && packet->timestamp != d->timestamp)
        return ER_MALFORMED; /* the last frame had no end */
    if (!d->building) {
        if (!vp8.start)
            return d->need_key ? ER_AGAIN : ER_MALFORMED;
        d->building = true;
        d->key = vp8.key_frame;
        d->timestamp = packet->timestamp;
        d->len = 0;
    }
    return add(d, packet->payload + vp8.descriptor_len, packet->payload_len - vp8.descriptor_len);
}

static int finish(struct depack *d, struct depack_frame *ret)
{
    d->building = false;
    if (d->need_key && !d->key)
        return ER_AGAIN;
    *ret = (struct depack_frame){
        .data = d->data,
        .len = d->len,
        .timestamp = d->timestamp,
        .key = d->key,
        .after_gap = depack_in_gap(d),
    };
    if (d->key && !depack_key_size(d->data, d->len, &ret->width, &ret->height)) {
        drop(d);
        return ER_MALFORMED;
    }
    d->need_key = false;
    d->shown = true;
    return 0;
}

int depack_push(struct depack *d, const struct tape_packet *packet, struct depack_frame *ret)
{
    if (d->next_seq && packet->seq < d->next_seq)
        return ER_STALE;
    if (d->next_seq && packet->seq > d->next_seq)
        drop(d);
    d->next_seq = packet->seq + 1;
    if (packet->payload_len == 0)
        return ER_AGAIN; /* padding that probes the path */
    int er = take(d, packet);
    if (er == ER_MALFORMED && d->building && packet->timestamp != d->timestamp) {
        drop(d);
        er = take(d, packet);
    }
    if (er < 0) {
        if (er != ER_AGAIN)
            drop(d);
        return er;
    }
    return packet->flags & TAPE_MARKER ? finish(d, ret) : ER_AGAIN;
}
