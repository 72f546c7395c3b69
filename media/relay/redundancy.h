// SPDX-License-Identifier: Apache-2.0
/* Redundant sound (RFC 2198) on both sides of the tape, where only plain Opus lies: what publishers
 * wrap is unwrapped, and lost packets are had back from those behind them; for viewers that want it,
 * it is made anew from the tape, whatever the publisher sends. */
#ifndef LOUPE_MEDIA_RELAY_REDUNDANCY_H
#define LOUPE_MEDIA_RELAY_REDUNDANCY_H

#include <stddef.h>
#include <stdint.h>

#include "media/relay/encoding.h"
#include "media/wire/red.h"

/** A packet of redundant sound whose blocks are of `payload_type`: its own payload onto the tape, then
 *  those of earlier packets that are missing there. As encoding_receive. */
int redundancy_receive(struct encoding *e, uint64_t now_us, const struct rtp_packet *packet,
                       uint8_t payload_type, const struct track_extras *extras);

/** The blocks of a redundant packet for `p`: before its own up to `earlier` payloads, those of the
 *  packets right before it, as far as they are on the tape and `bytes` of payload are enough; at most
 *  RED_BLOCKS. The count, at least 1; payload types are the caller's to fill in. */
size_t redundancy_blocks(const struct tape *tape, const struct tape_packet *p, size_t earlier,
                         size_t bytes, struct red_block ret[static RED_BLOCKS]);

#endif
