// SPDX-License-Identifier: Apache-2.0
/* Frames out of packets that come in order of sequence, in the form in which Matroska keeps them: VP8
 * as it is, VP9 with its layers as one superframe, H264 as units with lengths of four bytes in front,
 * AV1 as OBUs with sizes and without delimiters. Only frames that can be decoded come out: whole ones,
 * from a key frame on, and after a gap from the next key frame on. */
#ifndef LOUPE_MEDIA_RECORD_DEPACK_H
#define LOUPE_MEDIA_RECORD_DEPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "media/tape/tape.h"

struct depack;

/** A whole frame; `data` is valid until the next call. */
struct depack_frame {
    const uint8_t *data;
    size_t len;
    enum codec_format format;
    int64_t timestamp;
    int64_t first_seq; /* of its first packet */
    bool recovered;    /* a packet of it was sent again */
    bool key;
    bool after_gap;         /* pictures are missing between the last frame and this one */
    unsigned width, height; /* of a key frame; else 0 */
};

/** 0 or ER_NOMEM. */
int depack_new(struct depack **ret);
/** NULL is fine. */
void depack_free(struct depack *d);

/** 0: *ret is a frame that ends with this packet. ER_AGAIN: none does, or not one that can be shown.
 *  ER_STALE: an earlier sequence number. ER_MALFORMED, ER_FULL (beyond LIMIT_FRAME_BYTES), ER_NOMEM:
 *  the frame is lost, which is a gap. A jump in the sequence numbers is a gap too, and so is another
 *  codec. */
int depack_push(struct depack *d, const struct tape_packet *packet, struct depack_frame *ret);
/** `packets` packets before the next one are missing. 0: another stream follows, with numbers of its
 *  own. */
void depack_gap(struct depack *d, uint32_t packets);
/** The same picture goes on in another stream, which has numbers of its own, with a key frame. */
void depack_switch(struct depack *d);
/** A frame came out before, and now a key frame is waited for. */
bool depack_in_gap(const struct depack *d);

#endif
