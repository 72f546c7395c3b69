// SPDX-License-Identifier: Apache-2.0
/* What a clip's recorder keeps beside the .webm: the frame log, with what is missing counted, and each
 * voice as it was received. */
#ifndef LOUPE_MEDIA_RECORD_LEDGER_H
#define LOUPE_MEDIA_RECORD_LEDGER_H

#include <stddef.h>
#include <stdint.h>

#include "media/framelog.h"
#include "media/record/depack.h"
#include "media/record/voices.h"
#include "media/tape/tape.h"

struct ledger;

/** Opens <path>.framelog, and <path>.voices.part when somebody speaks. `publisher` is copied. As
 *  clip_new. */
int ledger_new(struct ledger **ret, struct vault *vault, const char *path, uint64_t start_unix_us,
               const char *publisher);
/** NULL is fine. */
void ledger_free(struct ledger *l);
/** All of it comes at once: see webm_hurry. */
void ledger_hurry(struct ledger *l);

/* Each of these: 0, or ER_IO once the disk failed. */

/** Before depack_push: pictures and packets that come, and those that are passed over, are counted. */
int ledger_packet(struct ledger *l, const struct tape_packet *packet, uint64_t at_ms);
/** `packets` are missing before the next one; 0: another track follows. */
void ledger_gap(struct ledger *l, uint32_t packets);
/** Another stream, with numbers of its own. */
void ledger_switch(struct ledger *l);
/** A picture that was written; after a gap (frame->after_gap), which began at `last_ms`. `hash`: of the
 *  frame; NULL: it is not known yet. */
int ledger_picture(struct ledger *l, const struct depack_frame *frame, const uint8_t *hash,
                   uint64_t at_ms, uint64_t capture_unix_us, uint64_t last_ms);
/** Pictures are missing from `last_ms` to the end. */
int ledger_gap_at_end(struct ledger *l, uint64_t last_ms, uint64_t end_ms);
/** A packet of the mix that was written. */
int ledger_mix(struct ledger *l, const uint8_t *data, size_t len, uint64_t at_ms);
/** Whose voice the packets of `source` will be. */
void ledger_voice(struct ledger *l, uint64_t source, const char *identity);
/** A packet of a voice, captured at `at_us` of media time: onto its track. Before 0 it is left out. */
int ledger_sound(struct ledger *l, uint64_t source, const struct tape_packet *packet, int64_t at_us,
                 uint64_t capture_unix_us);
/** The voice ended; what comes later of it begins anew. */
void ledger_voice_end(struct ledger *l, uint64_t source);
int ledger_mark(struct ledger *l, enum framelog_mark mark, uint64_t at_ms, const char *text);

/** Nothing more follows but the log's end: the voices are on the disk on return. */
int ledger_close(struct ledger *l);
/** Closes the log when it tells of as many `pictures` and `packets` of the mix as the finished .webm
 *  has; else ER_CONFLICT. ER_IO. */
int ledger_end(struct ledger *l, uint64_t pictures, uint64_t packets, uint64_t end_ms);
/** The voices' finished file. As voices_finalise. */
int ledger_finish_voices(struct ledger *l, const char *out);

#endif
