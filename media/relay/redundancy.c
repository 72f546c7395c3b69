// SPDX-License-Identifier: Apache-2.0
/* Redundant sound: unwrapped onto the tape, and made from it. */
#include "media/relay/redundancy.h"

#include "base/er.h"
#include "media/relay/relay.h"

enum { NEIGHBOURS = 4 }; /* how far a missing packet's place is looked about for others */

/** Does a packet of that time belong between those that are here? Publishers may leave packets out of
 *  the redundancy; then what looks like the one before is an earlier one, which is here already. */
static bool fits_between(const struct tape *tape, int64_t seq, int64_t timestamp)
{
    for (int64_t at = seq - 1; at >= seq - NEIGHBOURS; at--) {
        const struct tape_packet *p = tape_find(tape, at);
        if (p && p->timestamp >= timestamp)
            return false;
        if (p)
            break;
    }
    for (int64_t at = seq + 1; at <= seq + NEIGHBOURS; at++) {
        const struct tape_packet *p = tape_find(tape, at);
        if (p)
            return p->timestamp > timestamp;
    }
    return false;
}

/** The packet `distance` before `packet`, if that is what was lost. */
static void recover(struct encoding *e, uint64_t now_us, const struct rtp_packet *packet,
                    size_t distance, const struct red_block *block)
{
    struct seq_extender seqs = e->seq;
    struct ts_extender times = e->ts;
    struct rtp_packet lost = {
        .seq = (uint16_t)(packet->seq - distance),
        .timestamp = packet->timestamp - block->age,
        .payload = block->at,
        .payload_len = block->len,
    };
    int64_t seq = seq_extend(&seqs, lost.seq);
    if (block->len == 0 || block->age == 0 || seq < tape_tail(e->tape) || tape_find(e->tape, seq) ||
        !fits_between(e->tape, seq, ts_extend(&times, lost.timestamp)))
        return;
    const struct track_extras nothing = {0};
    if (encoding_receive(e, now_us, &lost, &nothing, true) == 0)
        e->track->counters.recovered++;
}

int redundancy_receive(struct encoding *e, uint64_t now_us, const struct rtp_packet *packet,
                       uint8_t payload_type, const struct track_extras *extras)
{
    struct red_block blocks[RED_BLOCKS];
    size_t count = 0;
    if (packet->payload_len == 0)
        return encoding_receive(e, now_us, packet, extras, false);
    int er = red_parse(packet->payload, packet->payload_len, blocks, &count);
    if (er != 0 || blocks[count - 1].payload_type != payload_type)
        return ER_MALFORMED;
    struct rtp_packet own = *packet;
    own.payload = blocks[count - 1].at;
    own.payload_len = blocks[count - 1].len;
    er = encoding_receive(e, now_us, &own, extras, false);
    if (er == ER_MALFORMED)
        return er;
    for (size_t distance = 1; distance < count; distance++) {
        const struct red_block *block = &blocks[count - 1 - distance];
        if (block->payload_type == payload_type)
            recover(e, now_us, packet, distance, block);
    }
    return er;
}

size_t redundancy_blocks(const struct tape *tape, const struct tape_packet *p, size_t earlier,
                         size_t bytes, struct red_block ret[static RED_BLOCKS])
{
    size_t count = 0;
    const struct tape_packet *found[RED_BLOCKS - 1];
    bytes = bytes > p->payload_len ? bytes - p->payload_len : 0;
    while (count < earlier && count < RED_BLOCKS - 1) {
        const struct tape_packet *before = tape_find(tape, p->seq - 1 - (int64_t)count);
        if (!before || before->payload_len == 0 || before->payload_len > RED_BLOCK_BYTES_MAX ||
            before->payload_len > bytes || before->timestamp >= p->timestamp ||
            p->timestamp - before->timestamp > RED_OFFSET_MAX)
            break;
        bytes -= before->payload_len;
        found[count++] = before;
    }
    for (size_t i = 0; i < count; i++) {
        const struct tape_packet *before = found[count - 1 - i];
        ret[i] = (struct red_block){.age = (uint16_t)(p->timestamp - before->timestamp),
                                    .at = before->payload,
                                    .len = before->payload_len};
    }
    ret[count] = (struct red_block){.at = p->payload, .len = p->payload_len};
    return count + 1;
}
