// SPDX-License-Identifier: Apache-2.0
/* AV1: elements of packets become OBUs that tell their sizes; delimiters and padding are left out. */
#include "base/er.h"
#include "media/record/depack_impl.h"
#include "media/wire/av1.h"

enum { HAS_SIZE = 0x02, SIZE_BYTES = 5, SHOW_EXISTING_OR_TYPE = 0xe0 };

static size_t write_leb128(size_t value, uint8_t ret[static SIZE_BYTES])
{
    size_t n = 0;
    do {
        ret[n] = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        n++;
        value >>= 7;
    } while (value > 0);
    return n;
}

static bool is_left_out(unsigned type)
{
    return type == AV1_TEMPORAL_DELIMITER || type == AV1_TILE_LIST || type == AV1_PADDING;
}

static int end_unit(struct depack *d)
{
    struct av1_obu obu;
    uint8_t *at = d->data + d->unit_at;
    d->in_unit = false;
    if (!av1_parse_obu(at, d->len - d->unit_at, &obu))
        return ER_MALFORMED;
    if (is_left_out(obu.type)) {
        d->len = d->unit_at;
        return 0;
    }
    bool picture = obu.type == AV1_FRAME || obu.type == AV1_FRAME_HEADER;
    if (picture && obu.len > 0 && d->has_sps && !(obu.at[0] & SHOW_EXISTING_OR_TYPE))
        d->key = true;
    d->has_sps = d->has_sps || obu.type == AV1_SEQUENCE_HEADER;
    if (at[0] & HAS_SIZE) {
        /* What lies behind the size it tells is none of it. */
        d->len = (size_t)(obu.at + obu.len - d->data);
        return 0;
    }
    uint8_t size[SIZE_BYTES];
    at[0] |= HAS_SIZE;
    return depack_insert(d, d->unit_at + obu.header_len, size, write_leb128(obu.len, size));
}

static int take_element(struct depack *d, const struct av1_element *element)
{
    if (element->starts == d->in_unit)
        return ER_MALFORMED;
    if (element->starts)
        d->unit_at = d->len;
    int er = depack_add(d, element->at, element->len);
    d->in_unit = er == 0;
    return er == 0 && element->ends ? end_unit(d) : er;
}

static int take(struct depack *d, const struct tape_packet *packet, bool start)
{
    struct av1_elements elements;
    struct av1_element element;
    if (start && d->need_key && !(packet->flags & TAPE_FRAME_START))
        return ER_AGAIN;
    if (start)
        d->has_sps = false;
    if (av1_elements_begin(&elements, packet->payload, packet->payload_len) < 0)
        return ER_MALFORMED;
    int more, er = 0;
    while (er == 0 && (more = av1_elements_next(&elements, &element)) != 0)
        er = more < 0 ? ER_MALFORMED : take_element(d, &element);
    return er;
}

static int finish(struct depack *d)
{
    (void)d;
    return 0;
}

const struct depack_functions depack_av1 = {take, finish};
