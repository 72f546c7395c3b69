// SPDX-License-Identifier: Apache-2.0
/* Transport-wide congestion control (draft-holmer-rmcat-transport-wide-cc-extensions-01): the
 * receiver's recorder of arrivals, the feedback packet's writer, and its parser. */
#ifndef LOUPE_MEDIA_WIRE_TWCC_H
#define LOUPE_MEDIA_WIRE_TWCC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "media/wire/rtcp.h"
#include "media/wire/rtp.h"

#define TWCC_URI "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
#define TWCC_WINDOW 1024 /* arrivals kept until reported; older ones are forgotten */
#define TWCC_OUTAGE_US 400000u

/** Arrivals of one transport not yet reported. Zeroed memory is an empty one. */
struct twcc_recorder {
    struct seq_extender extender;
    int64_t next;                     /* first number not reported yet; 0: no report so far */
    int64_t end;                      /* one behind the highest number seen; 0: nothing seen */
    uint64_t arrival_us[TWCC_WINDOW]; /* by number modulo; 0: not arrived */
    uint64_t heard_us;                /* the last arrival; 0: none */
    uint8_t feedback_count;
    bool arrived_only; /* set by the owner: what did not arrive is not told of at all */
};

/** Note an arrival. Duplicates and numbers already reported are ignored. */
void twcc_record(struct twcc_recorder *r, uint16_t transport_seq, uint64_t now_us);
/** Before twcc_record. When nothing at all has come for TWCC_OUTAGE_US, what was lost meanwhile is left
 *  out of the reports: the path was away, not slow, and its sender should go on as before. */
void twcc_skip_outage(struct twcc_recorder *r, uint16_t transport_seq, uint64_t now_us);
/** Anything to report? */
bool twcc_pending(const struct twcc_recorder *r);
/** Of what the next reports are about: how many numbers, and how many of them did not come. */
void twcc_count(const struct twcc_recorder *r, size_t *ret_expected, size_t *ret_lost);
/** Append one feedback packet for as many arrivals as fit a datagram and the room in `w` (call
 *  again while pending and not w->bad). Without arrivals nothing is written; too little room for
 *  any sets w->bad and keeps the arrivals. With `arrived_only` each run of arrivals takes a feedback of
 *  its own; numbers between them are passed over. */
void twcc_write(struct twcc_recorder *r, struct wr *w, uint32_t sender, uint32_t media);

/** One packet's fate as the feedback tells it. */
struct twcc_arrival {
    uint16_t seq;
    bool received;
    int64_t at_us; /* of the receiver's clock, modulo 2^24 * 64 ms; 0 when not received */
};
/** Up to `size` arrivals in order of their numbers. 0 or ER_MALFORMED; `ret_reference_us` is the
 *  24-bit reference time in microseconds; arrivals' at_us already contain it. Both wrap every
 *  2^24 * 64 ms (12 days). */
int twcc_parse(const struct rtcp_packet *p, int64_t *ret_reference_us, struct twcc_arrival *ret,
               size_t size, size_t *ret_count);

#endif
