// SPDX-License-Identifier: Apache-2.0
/* The container: WebM with one VP8 and one Opus track. While recording, a .part in live mode: short
 * clusters, each handed to the kernel as it closes, on the disk once a second; whatever is cut off,
 * the rest plays. Afterwards webm_finalise makes a file that players can seek in. This is the only
 * user of FFmpeg's libraries, so that another writer can take their place. */
#ifndef LOUPE_MEDIA_RECORD_WEBM_H
#define LOUPE_MEDIA_RECORD_WEBM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WEBM_CLUSTER_MS 200 /* a process that dies loses at most so much of what it wrote */
#define WEBM_SYNC_MS 1000   /* a machine that dies, so much */

struct webm;

/** Opens a new file. ER_CONFLICT: there is one; ER_IO, ER_NOMEM, ER_INTERNAL. */
int webm_new(struct webm **ret, const char *path);
/** Closes the file as it stands. NULL is fine. */
void webm_free(struct webm *w);

/** One frame; `at_ms` rises within a track, and the tracks keep about together. ER_INVALID: it does
 *  not rise. ER_IO: the disk failed or is full; then every later call fails likewise. */
int webm_write_video(struct webm *w, const uint8_t *data, size_t len, int64_t at_ms, bool key);
/** One Opus packet of 20 ms, stereo. Likewise. */
int webm_write_audio(struct webm *w, const uint8_t *data, size_t len, int64_t at_ms);
/** The end of the .part: all of it is on the disk on return. Only webm_free may follow. */
int webm_end(struct webm *w);

/** What a file holds. */
struct webm_info {
    uint64_t duration_ms;
    uint64_t video_frames;
    uint64_t key_frames;
    uint64_t audio_packets;
    unsigned width, height; /* of the first key frame */
    uint8_t *key_frame;     /* the first one; NULL without. webm_info_clear frees it */
    size_t key_frame_len;
};
void webm_info_clear(struct webm_info *info);

/** Reads through a file, whole or cut anywhere. ER_NOT_FOUND: no file, or nothing playable in it;
 *  ER_IO, ER_NOMEM. */
int webm_scan(const char *path, struct webm_info *ret);
/** Copies what is whole in `part` into `out`: duration, cues in front, the tracks in order of time.
 *  `out` appears durable and complete or not at all; `part` stays. *ret is cleared by the caller.
 *  ER_NOT_FOUND as webm_scan; ER_IO, ER_NOMEM, ER_INTERNAL. */
int webm_finalise(const char *part, const char *out, struct webm_info *ret);

#endif
