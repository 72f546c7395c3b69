// SPDX-License-Identifier: Apache-2.0
/* A stream of packets: whatever pieces it is cut into, the same packets come out. The first byte of
 * the input chooses the pieces. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/siphash.h"
#include "media/wire/framing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** A digest of the packets and of how it ended; `piece` 0: as much as there is room for. */
static uint64_t read_all(const uint8_t *data, size_t size, size_t piece)
{
    struct framing f = {0};
    uint64_t digest = 0;
    size_t at = 0;
    while (at < size) {
        uint8_t *to, *packet;
        size_t len, room = framing_room(&f, &to);
        int got;
        if (room == 0)
            abort();
        if (piece && room > piece)
            room = piece;
        if (room > size - at)
            room = size - at;
        memcpy(to, data + at, room);
        framing_add(&f, room);
        at += room;
        while ((got = framing_next(&f, &packet, &len)) == 1) {
            if (len == 0 || len > LIMIT_DATAGRAM)
                abort();
            uint64_t key[2] = {digest, len};
            digest = siphash13(key, packet, len);
        }
        if (got < 0)
            return digest + 1;
    }
    return digest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    uint64_t whole = read_all(data + 1, size - 1, 0);
    if (read_all(data + 1, size - 1, 1u + data[0]) != whole)
        abort();
    return 0;
}
