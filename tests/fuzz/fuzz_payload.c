// SPDX-License-Identifier: Apache-2.0
/* Streams of payloads of every codec into the reader that keeps state. Input: a byte that chooses the
 * codec, then records of 4 bytes (sequence step, timestamp step, length of the descriptor, length of
 * the payload) and what they announce. */
#include <stdint.h>
#include <stdlib.h>

#include "media/relay/payload.h"

enum { HEAD_BYTES = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct payload_reader reader = {0};
    enum media_codec codec = data[0] % CODEC_COUNT;
    struct rtp_packet packet = {.seq = 100, .timestamp = 1000};
    for (data++, size--; size >= HEAD_BYTES;) {
        packet.seq = (uint16_t)(packet.seq + (int8_t)data[0]);
        packet.timestamp += (uint32_t)(int8_t)data[1];
        struct rtp_extension x = {.len = (uint8_t)least(data[2], size - HEAD_BYTES)};
        packet.payload_len = least(data[3], size - HEAD_BYTES - x.len);
        x.at = data + HEAD_BYTES;
        packet.payload = x.at + x.len;
        data = packet.payload + packet.payload_len;
        size -= HEAD_BYTES + x.len + packet.payload_len;
        struct tape_packet head = {0};
        if (payload_describe(&reader, codec, &packet, x.len ? &x : NULL, &head) != 0)
            continue;
        if ((head.flags & TAPE_KEY_FRAME) && !(head.flags & TAPE_FRAME_START))
            abort();
        if (head.descriptor_len != 0 && head.descriptor_len != x.len)
            abort();
        if (reader.spatial_count > DEPENDENCY_SPATIAL)
            abort();
    }
    return 0;
}
