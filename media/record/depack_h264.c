// SPDX-License-Identifier: Apache-2.0
/* H264 (RFC 6184): units of packets become units with lengths in front. Parameter sets stay where they
 * come, so that a change of them is found in its place; key frames that lack them are given those that
 * came last. */
#include <string.h>

#include "base/buf.h"
#include "base/er.h"
#include "media/record/depack_impl.h"
#include "media/wire/h264.h"

enum { LENGTH_BYTES = 4 };

/** Units that mean nothing in a file. */
static bool is_left_out(unsigned type)
{
    return type == H264_DELIMITER || type == H264_FILLER || type == H264_END_OF_SEQUENCE ||
           type == H264_END_OF_STREAM;
}

static void remember(struct depack_parameters *p, const uint8_t *unit, size_t len)
{
    p->len = len <= sizeof p->bytes ? len : 0;
    if (p->len)
        memcpy(p->bytes, unit, len);
}

static void end_unit(struct depack *d)
{
    uint8_t *at = d->data + d->unit_at;
    size_t len = d->len - d->unit_at - LENGTH_BYTES;
    unsigned type = h264_unit_type(at[LENGTH_BYTES]);
    put_u32(at, (uint32_t)len);
    d->in_unit = false;
    if (type == H264_SPS)
        remember(&d->sps, at + LENGTH_BYTES, len);
    if (type == H264_PPS)
        remember(&d->pps, at + LENGTH_BYTES, len);
    d->has_sps = d->has_sps || type == H264_SPS;
    d->has_pps = d->has_pps || type == H264_PPS;
    d->key = d->key || type == H264_IDR;
    if (is_left_out(type))
        d->len = d->unit_at;
}

static int take_unit(struct depack *d, const struct h264_unit *unit)
{
    int er = 0;
    if (unit->starts == d->in_unit)
        return ER_MALFORMED;
    if (unit->starts) {
        const uint8_t head[LENGTH_BYTES + 1] = {0, 0, 0, 0, unit->first};
        d->unit_at = d->len;
        er = depack_add(d, head, sizeof head);
        d->in_unit = er == 0;
    }
    if (er == 0)
        er = depack_add(d, unit->at, unit->len);
    if (er == 0 && unit->ends)
        end_unit(d);
    return er;
}

static int take(struct depack *d, const struct tape_packet *packet, bool start)
{
    struct h264_units units;
    struct h264_unit unit;
    if (start && d->need_key && !(packet->flags & TAPE_FRAME_START))
        return ER_AGAIN;
    if (start)
        d->has_sps = d->has_pps = false;
    if (h264_units_begin(&units, packet->payload, packet->payload_len) < 0)
        return ER_MALFORMED;
    int more, er = 0;
    while (er == 0 && (more = h264_units_next(&units, &unit)) != 0)
        er = more < 0 ? ER_MALFORMED : take_unit(d, &unit);
    return er;
}

static int prepend(struct depack *d, const struct depack_parameters *p)
{
    uint8_t length[LENGTH_BYTES];
    if (p->len == 0)
        return ER_MALFORMED;
    put_u32(length, (uint32_t)p->len);
    int er = depack_insert(d, 0, p->bytes, p->len);
    return er == 0 ? depack_insert(d, 0, length, sizeof length) : er;
}

static int finish(struct depack *d)
{
    int er = 0;
    if (d->key && !d->has_pps)
        er = prepend(d, &d->pps);
    if (er == 0 && d->key && !d->has_sps)
        er = prepend(d, &d->sps);
    return er;
}

const struct depack_functions depack_h264 = {take, finish};
