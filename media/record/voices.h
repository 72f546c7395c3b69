// SPDX-License-Identifier: Apache-2.0
/* The voices of a clip as they were received: one Opus track a voice in a Matroska file of its own
 * (RFC 9559), beside the mix that one listens to. While recording, a .part with all tracks that may come,
 * which is whole up to its last cluster wherever it is cut. */
#ifndef LOUPE_MEDIA_RECORD_VOICES_H
#define LOUPE_MEDIA_RECORD_VOICES_H

#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "media/framelog.h"
#include "media/record/webm.h"

#define VOICES_TRACKS 32 /* FRAMELOG_FIRST_VOICE .. */

struct voices;

/** Opens a new file, which is to be at `path` (copied) from the first packet on. `vault` as base/file.h has
 *  it; it outlives this. ER_NOMEM. */
int voices_new(struct voices **ret, struct vault *vault, const char *path);
/** Closes the file as it stands. NULL is fine. */
void voices_free(struct voices *v);
/** All of it comes at once: it is kept in memory, and goes to no file before voices_finish. */
void voices_hurry(struct voices *v);

/** One packet of voice `track` (see VOICES_TRACKS). ER_IO: the disk failed or is full, now and ever
 *  after; ER_CONFLICT: there is a file of that name; ER_INVALID; ER_NOMEM. */
int voices_write(struct voices *v, uint32_t track, const uint8_t *data, size_t len, int64_t at_ms);
/** All that was written is on the disk on return. Only voices_free may follow. */
int voices_end(struct voices *v);

/** Whose voice a track is. */
struct voices_name {
    uint32_t track;
    char identity[FRAMELOG_TEXT_BYTES];
};
/** Makes `out` from what is whole in `part`: with the tracks that have packets, their names (those not
 *  given have none), and the duration. `out` appears durable and complete or not at all; `part` stays.
 *  ER_NOT_FOUND: no file, or no packet in it; ER_IO, ER_NOMEM. */
int voices_finalise(struct vault *vault, const char *part, const char *out,
                    const struct voices_name *names, size_t count);
/** The same of what `v` was given, after voices_end, however it keeps that. */
int voices_finish(struct voices *v, const char *out, const struct voices_name *names, size_t count);
/** As webm_each; numbers of tracks are those of voices_write. ER_MALFORMED: the file is none of ours. */
int voices_each(struct vault *vault, const char *path,
                int (*each)(void *ctx, const struct webm_frame *frame), void *ctx);

#endif
