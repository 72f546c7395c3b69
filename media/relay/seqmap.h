// SPDX-License-Identifier: Apache-2.0
/* Sequence numbers for one viewer: packets that are left out leave no holes, packets that are missing
 * keep their place. Within one stretch no number is ever given twice, so that SRTP never uses a nonce
 * twice. */
#ifndef LOUPE_MEDIA_RELAY_SEQMAP_H
#define LOUPE_MEDIA_RELAY_SEQMAP_H

#include <stdint.h>

#define SEQMAP_WINDOW 1024 /* packets later than this by number are lost; a power of two */
#define SEQMAP_HOLE_LEFT 64

/** A stretch: packets of one source from one number on. Visible for reading. */
struct seqmap {
    int64_t first;   /* source numbers below are not of it */
    int64_t highest; /* source number seen */
    int64_t delta;   /* out = source + delta, for what comes behind `highest` */
    uint64_t dropped[SEQMAP_WINDOW / 64]; /* bits by source number */
};

/** Begin with source number `first`, which goes out as `first_out`. */
void seqmap_begin(struct seqmap *m, int64_t first, int64_t first_out);
/** The packet goes out: its number. 0: it does not belong to the stretch, comes too late for it, or
 *  was left out before. A leap of the source by more than the window, whose packets nobody can fill
 *  in, leaves SEQMAP_HOLE_LEFT numbers for the viewer to notice. */
int64_t seqmap_pass(struct seqmap *m, int64_t source);
/** The packet is left out. 0: without a trace; else later packets went out already, and the number
 *  that was kept for this one is to be filled with an empty packet. */
int64_t seqmap_drop(struct seqmap *m, int64_t source);
/** The highest number given, or kept, so far. */
static inline int64_t seqmap_last(const struct seqmap *m)
{
    return m->highest + m->delta;
}

#endif
