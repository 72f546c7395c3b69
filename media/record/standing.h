// SPDX-License-Identifier: Apache-2.0
/* What clips of a room that can be looked back to need not make when they are asked for. The room's mix, kept
 * running: its packets of the last minute or so, which they copy. (Mixing anew what was said in a minute takes
 * as long as ten others' turns.) And the hashes of its pictures. Times are unix times. */
#ifndef LOUPE_MEDIA_RECORD_STANDING_H
#define LOUPE_MEDIA_RECORD_STANDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "media/record/depack.h"
#include "media/record/mixer.h"
#include "media/tape/tape.h"

struct standing;

/** Mixes from `begin_us` on, and keeps the last `keep_us` (at most LIMIT_LOOKBACK_SECONDS and what key
 *  frames are apart). What was said before `whole_us` it may not have been given. ER_NOMEM, ER_INTERNAL. */
int standing_new(struct standing **ret, uint64_t begin_us, uint64_t whole_us, uint64_t keep_us);
/** Nobody may follow it then. NULL is fine. */
void standing_free(struct standing *s);

/** As clip_audio, clip_audio_end, clip_tick. ER_NOMEM, ER_INTERNAL. */
int standing_audio(struct standing *s, uint64_t source, const struct tape_packet *packet,
                   uint64_t capture_us);
void standing_audio_end(struct standing *s, uint64_t source);
/** As hashed_packet, hashed_gap, hashed_end, hashed_find. */
void standing_video(struct standing *s, uint64_t source, const struct tape_packet *packet);
void standing_video_gap(struct standing *s, uint64_t source, uint32_t packets);
void standing_video_end(struct standing *s, uint64_t source);
bool standing_hash(const struct standing *s, const struct depack_frame *frame,
                   const struct tape_packet *last, uint8_t ret[static DIGEST_BYTES]);
int standing_tick(struct standing *s, uint64_t now_us, uint64_t sound_until_us);

/** What a clip from this moment on needs is here, or will be. */
bool standing_covers(const struct standing *s, uint64_t from_us);
/** The packet was taken in. */
bool standing_has(const struct standing *s, uint64_t source, int64_t seq);
struct standing_frame {
    const uint8_t *data; /* valid until the next tick */
    size_t len;
    uint64_t at_us;
};
/** The first packet of the mix at or after a moment. False: it is not mixed yet. */
bool standing_at(const struct standing *s, uint64_t from_us, struct standing_frame *ret);

/** How it goes on from here: a mixer of the caller's own, whose time 0 is *ret_begin_us and that has done
 *  what is before *ret_until_us. ER_NOMEM. */
int standing_continue(const struct standing *s, struct mixer **ret, uint64_t *ret_begin_us,
                      uint64_t *ret_until_us);

#endif
