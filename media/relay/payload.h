// SPDX-License-Identifier: Apache-2.0
/* What a payload says, whatever its codec, in the tape's terms: where pictures begin, which of them
 * are key frames, of what size, and which layer a packet is of. */
#ifndef LOUPE_MEDIA_RELAY_PAYLOAD_H
#define LOUPE_MEDIA_RELAY_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "media/codec.h"
#include "media/tape/tape.h"
#include "media/wire/dependency_descriptor.h"
#include "media/wire/rtp.h"

/** What of one RTP stream is to be remembered from packet to packet. Zeroed: nothing came yet. */
struct payload_reader {
    struct dependency_structure dependencies;
    uint8_t spatial_count;                    /* layers as announced last; 0: not announced */
    uint16_t layer_width[DEPENDENCY_SPATIAL]; /* of each; 0: not told */
    uint16_t layer_height[DEPENDENCY_SPATIAL];
    /* H264 and AV1, whose packets do not all tell whether a picture begins: the last that began. */
    bool begun;
    uint16_t begun_seq;
    uint32_t begun_timestamp;
};

/** Fills in codec, flags, layers, sizes, VP8's numbers and descriptor_len of *head, which is zeroed
 *  otherwise. `descriptor`: the dependency descriptor that came with the packet, or NULL. Damaged
 *  ones are left out. 0, ER_TRUNCATED or ER_MALFORMED: not a payload of `codec`. */
int payload_describe(struct payload_reader *r, enum media_codec codec,
                     const struct rtp_packet *packet, const struct rtp_extension *descriptor,
                     struct tape_packet *head);

#endif
