// SPDX-License-Identifier: Apache-2.0
// Packets of anything into the depacketiser. Input: a byte that chooses the codec, then records of 4
// bytes (sequence step, timestamp step, flags, length of the payload) and the payload.
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "media/record/depack.h"

enum { HEAD_BYTES = 4, PAYLOAD_MAX = 255 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct depack *depack;
    if (size == 0 || depack_new(&depack) < 0)
        return 0;
    uint8_t codec = data[0] % CODEC_COUNT;
    data++;
    size--;
    struct tape_packet *packet = malloc(sizeof *packet + PAYLOAD_MAX);
    if (!packet)
        abort();
    int64_t seq = 1000, timestamp = 1000;
    while (size >= HEAD_BYTES) {
        seq += (int8_t)data[0];
        timestamp += (int8_t)data[1];
        *packet = (struct tape_packet){
            .seq = seq, .timestamp = timestamp, .flags = data[2], .codec = codec};
        size_t len = data[3] < size - HEAD_BYTES ? data[3] : size - HEAD_BYTES;
        memcpy(packet->payload, data + HEAD_BYTES, len);
        packet->payload_len = (uint16_t)len;
        data += HEAD_BYTES + len;
        size -= HEAD_BYTES + len;

        struct depack_frame frame;
        if (depack_push(depack, packet, &frame) == 0) {
            if (frame.len == 0 || frame.timestamp != timestamp ||
                (frame.key && (frame.width == 0 || frame.height == 0)) || depack_in_gap(depack))
                abort();
        }
        if (packet->flags == 0x80)
            depack_gap(depack, (uint32_t)len);
    }
    free(packet);
    depack_free(depack);
    return 0;
}
