// SPDX-License-Identifier: Apache-2.0
/* Voices mixed into one Opus track of one channel. Each voice is laid on the timeline by its capture
 * times; where its clock runs off, single samples are put in or left out; losses are concealed, and all
 * else is silence: the track has no holes. Media time is in microseconds from the beginning. */
#ifndef LOUPE_MEDIA_RECORD_MIXER_H
#define LOUPE_MEDIA_RECORD_MIXER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MIXER_FRAME_US 20000 /* length of each packet that comes out */

struct mixer;

/** A packet that came in (RFC 7587: the clock is 48 kHz). */
struct mixer_packet {
    uint64_t source;
    int64_t seq;
    int64_t timestamp;
    int64_t at_us; /* captured; may lie before the beginning */
    const uint8_t *payload;
    size_t len;
};

/** A packet of the mix; `data` is valid until the next call. */
struct mixer_frame {
    const uint8_t *data;
    size_t len;
    int64_t at_us; /* what it decodes to begins here: no samples to skip */
};

/** 0, ER_NOMEM or ER_INTERNAL. */
int mixer_new(struct mixer **ret);
/** Another one that goes on as `of` would from here. ER_NOMEM. */
int mixer_copy(struct mixer **ret, const struct mixer *of);
/** NULL is fine. */
void mixer_free(struct mixer *m);

/** Takes a packet, those of a source in order. ER_AGAIN: too far ahead of what was mixed: mix first.
 *  ER_FULL: LIMIT_MIX_SOURCES voices are here. ER_STALE: an earlier one of that source. ER_MALFORMED,
 *  ER_NOMEM. What lies before mixer_position_us is lost. */
int mixer_put(struct mixer *m, const struct mixer_packet *packet);
/** The packet, or one behind it, was put in. */
bool mixer_has(const struct mixer *m, uint64_t source, int64_t seq);
/** The voice falls silent behind what it has sent; a later packet brings it back. */
void mixer_end(struct mixer *m, uint64_t source);
/** Mixes the next MIXER_FRAME_US if they end by `until_us`; else ER_AGAIN. ER_INTERNAL. */
int mixer_next(struct mixer *m, int64_t until_us, struct mixer_frame *ret);
/** Mixed so far. */
int64_t mixer_position_us(const struct mixer *m);
/** Furthest end a packet may have now. */
int64_t mixer_reach_us(const struct mixer *m);

#endif
