// SPDX-License-Identifier: Apache-2.0
/* Frames put together, gaps noticed; VP8 and VP9. */
#include "media/record/depack.h"

#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/limits.h"
#include "media/record/depack_impl.h"
#include "media/record/frame.h"
#include "media/record/vp9_hide.h"
#include "media/wire/vp8.h"

enum { FRAME_FIRST_BYTES = 65536, SUPERFRAME_MARKER = 0xc0, SIZE_BYTES = 4 };

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

static void drop(struct depack *d)
{
    d->building = false;
    d->in_unit = false;
    d->need_key = true;
    d->len = 0;
}

void depack_gap(struct depack *d, uint32_t packets)
{
    drop(d);
    if (packets == 0) {
        d->next_seq = 0;
        d->sps.len = d->pps.len = 0;
    } else if (d->next_seq) {
        d->next_seq += packets;
    }
}

void depack_switch(struct depack *d)
{
    bool need_key = d->need_key;
    depack_gap(d, 0);
    d->need_key = need_key;
}

bool depack_in_gap(const struct depack *d)
{
    return d->shown && d->need_key;
}

int depack_insert(struct depack *d, size_t at, const void *bytes, size_t len)
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
    if (len == 0)
        return 0;
    memmove(d->data + at + len, d->data + at, d->len - at);
    memcpy(d->data + at, bytes, len);
    d->len += len;
    return 0;
}

int depack_add(struct depack *d, const void *bytes, size_t len)
{
    return depack_insert(d, d->len, bytes, len);
}

/* VP8 (RFC 7741) */

static int take_vp8(struct depack *d, const struct tape_packet *packet, bool start)
{
    struct vp8_payload p;
    if (vp8_parse(packet->payload, packet->payload_len, &p) < 0)
        return ER_MALFORMED;
    if (start && !p.start)
        return d->need_key ? ER_AGAIN : ER_MALFORMED;
    if (start)
        d->key = p.key_frame;
    return depack_add(d, packet->payload + p.descriptor_len,
                      packet->payload_len - p.descriptor_len);
}

static int finish_vp8(struct depack *d)
{
    (void)d;
    return 0;
}

/* VP9 (RFC 9628) */

static int take_vp9(struct depack *d, const struct tape_packet *packet, bool start)
{
    struct vp9_payload p;
    if (vp9_parse(packet->payload, packet->payload_len, &p) < 0)
        return ER_MALFORMED;
    if (start && !p.start)
        return d->need_key ? ER_AGAIN : ER_MALFORMED;
    if (start) {
        d->key = p.key_picture;
        d->layer_count = d->layers_len = 0;
    }
    if (p.start != (d->len == d->layers_len))
        return ER_MALFORMED; /* within a layer's frame, or none */
    int er = depack_add(d, packet->payload + p.descriptor_len,
                        packet->payload_len - p.descriptor_len);
    if (er < 0 || !p.end)
        return er;
    if (d->layer_count == VP9_SPATIAL_LAYERS)
        return ER_MALFORMED;
    d->layer_ids[d->layer_count] = p.spatial_id;
    d->layers[d->layer_count++] = d->len - d->layers_len;
    d->layers_len = d->len;
    return 0;
}

/** Marks the frame of a layer as not shown, unless it is the highest; that one's width is learnt too. */
static int hide_layer(struct depack *d, size_t at, size_t i)
{
    size_t len = d->layers[i];
    uint8_t *hidden = malloc(len + VP9_HIDE_MORE);
    if (!hidden)
        return ER_NOMEM;
    int er = 0;
    int hidden_len = vp9_hide(d->data + at, len, &d->widths[d->layer_ids[i]], hidden);
    if (hidden_len > 0 && i + 1 < d->layer_count) {
        er = depack_insert(d, at, hidden, (size_t)hidden_len - len);
        if (er == 0) {
            memcpy(d->data + at, hidden, (size_t)hidden_len);
            d->layers[i] = (size_t)hidden_len;
        }
    }
    free(hidden);
    return er;
}

/** Behind a superframe stands an index of its frames' sizes (VP9, annex B). */
static int write_index(struct depack *d)
{
    uint8_t index[2 + VP9_SPATIAL_LAYERS * SIZE_BYTES];
    size_t at = 0;
    uint8_t marker = (uint8_t)(SUPERFRAME_MARKER | (SIZE_BYTES - 1) << 3 | (d->layer_count - 1));
    index[at++] = marker;
    for (size_t i = 0; i < d->layer_count; i++)
        for (unsigned k = 0; k < SIZE_BYTES; k++)
            index[at++] = (uint8_t)(d->layers[i] >> (k * 8));
    index[at++] = marker;
    return depack_add(d, index, at);
}

/** Several layers make a superframe, of which the highest is shown. */
static int finish_vp9(struct depack *d)
{
    if (d->layer_count == 0 || d->layers_len != d->len)
        return ER_MALFORMED;
    if (d->layer_count == 1)
        return 0;
    int er = 0;
    size_t at = 0;
    for (size_t i = 0; i < d->layer_count && er == 0; i++) {
        er = hide_layer(d, at, i);
        at += d->layers[i];
    }
    return er == 0 ? write_index(d) : er;
}

/* All of them */

static const struct depack_functions *functions_of(enum codec_format format)
{
    static const struct depack_functions vp8 = {take_vp8, finish_vp8}, vp9 = {take_vp9, finish_vp9};
    switch (format) {
    case FORMAT_VP8:
        return &vp8;
    case FORMAT_VP9:
        return &vp9;
    case FORMAT_H264:
        return &depack_h264;
    case FORMAT_AV1:
        return &depack_av1;
    case FORMAT_OPUS:
    case FORMAT_RED:
        break;
    }
    return NULL;
}

/** The packet's part of the frame goes in; a new frame begins where the packet says so. */
static int take(struct depack *d, const struct tape_packet *packet)
{
    if (d->building && packet->timestamp != d->timestamp)
        return ER_MALFORMED; /* the last frame had no end */
    bool start = !d->building;
    if (start) {
        d->key = false;
        d->len = 0;
        d->in_unit = false;
        d->timestamp = packet->timestamp;
        d->first_seq = packet->seq;
        d->recovered = false;
    }
    d->recovered = d->recovered || (packet->flags & TAPE_RECOVERED);
    int er = functions_of(d->format)->take(d, packet, start);
    if (er == 0)
        d->building = true;
    return er;
}

static int finish(struct depack *d, struct depack_frame *ret)
{
    d->building = false;
    int er = d->in_unit ? ER_MALFORMED : functions_of(d->format)->finish(d);
    if (er < 0) {
        drop(d);
        return er;
    }
    if (d->len == 0 || (d->need_key && !d->key))
        return ER_AGAIN;
    *ret = (struct depack_frame){
        .data = d->data,
        .len = d->len,
        .format = d->format,
        .timestamp = d->timestamp,
        .first_seq = d->first_seq,
        .recovered = d->recovered,
        .key = d->key,
        .after_gap = depack_in_gap(d),
    };
    if (d->key && !frame_key_size(d->format, d->data, d->len, &ret->width, &ret->height)) {
        drop(d);
        return ER_MALFORMED;
    }
    d->need_key = false;
    d->shown = true;
    return 0;
}

/** Another codec begins anew. ER_MALFORMED: it is none of pictures. */
static int follow_format(struct depack *d, unsigned codec)
{
    const struct codec_info *info = codec_describe(codec);
    if (!info || info->kind != MEDIA_VIDEO)
        return ER_MALFORMED;
    if (d->begun && d->format != info->format)
        drop(d);
    d->begun = true;
    d->format = info->format;
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
    int er = follow_format(d, packet->codec);
    if (er == 0)
        er = take(d, packet);
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
