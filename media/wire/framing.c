// SPDX-License-Identifier: Apache-2.0
/* A small buffer per stream: what is incomplete moves to its beginning before more is read. */
#include "media/wire/framing.h"

#include <string.h>

#include "base/buf.h"
#include "base/er.h"

_Static_assert(LIMIT_TCP_READ >= FRAMING_HEADER + LIMIT_DATAGRAM, "the longest packet fits");

size_t framing_room(struct framing *f, uint8_t **ret_at)
{
    if (f->begin > 0) {
        memmove(f->bytes, f->bytes + f->begin, f->end - f->begin);
        f->end -= f->begin;
        f->begin = 0;
    }
    *ret_at = f->bytes + f->end;
    return sizeof f->bytes - f->end;
}

void framing_add(struct framing *f, size_t len)
{
    f->end += (uint32_t)len;
}

int framing_next(struct framing *f, uint8_t **ret_packet, size_t *ret_len)
{
    while (f->end - f->begin >= FRAMING_HEADER) {
        size_t len = get_u16(f->bytes + f->begin);
        if (len > LIMIT_DATAGRAM)
            return ER_FULL;
        if (f->end - f->begin < FRAMING_HEADER + len)
            return 0;
        *ret_packet = f->bytes + f->begin + FRAMING_HEADER;
        *ret_len = len;
        f->begin += (uint32_t)(FRAMING_HEADER + len);
        if (len > 0)
            return 1;
    }
    return 0;
}

void framing_write_header(uint8_t ret[FRAMING_HEADER], size_t len)
{
    put_u16(ret, (uint16_t)len);
}
