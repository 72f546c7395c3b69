// SPDX-License-Identifier: Apache-2.0
/* The container: WebM with a track of pictures and one of Opus; Matroska where the pictures are H264,
 * which WebM does not know. While recording, a .part in live mode with a track for each codec that may
 * come: short clusters, each handed to the kernel as it closes, on the disk once a second; whatever is
 * cut off, the rest can be had. Afterwards webm_finalise makes a file that players can seek in, with
 * the tracks that were used. Beside still_av.c this is the only user of FFmpeg's libraries, so that
 * another writer can take their place. */
#ifndef LOUPE_MEDIA_RECORD_WEBM_H
#define LOUPE_MEDIA_RECORD_WEBM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/vault.h"
#include "media/codec.h"

#define WEBM_CLUSTER_MS 300 /* a process that dies loses at most so much of what it wrote */
#define WEBM_SYNC_MS 1000   /* a machine that dies, so much, */
#define WEBM_BESIDE_MS 4000 /* and so much of the frame log, which repair completes, and of single voices */
#define WEBM_PACKET_MS 20   /* of sound, in the mix; how long another one is, is not looked at */

struct webm;

/** Opens a new file. `vault` as base/file.h has it, here and below. ER_CONFLICT: there is one; ER_IO,
 *  ER_NOMEM, ER_INTERNAL. */
int webm_new(struct webm **ret, struct vault *vault, const char *path);
/** All of it comes at once: it is on the disk when it ends, and not before. */
void webm_hurry(struct webm *w);
/** Closes the file as it stands. NULL is fine. */
void webm_free(struct webm *w);

/** One frame, as depack.h says; `at_ms` rises, and pictures and sound keep about together. ER_INVALID:
 *  it does not rise, or `format` is none of pictures. ER_IO: the disk failed or is full; then every
 *  later call fails likewise. */
int webm_write_video(struct webm *w, enum codec_format format, const uint8_t *data, size_t len,
                     int64_t at_ms, bool key);
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
    enum codec_format format; /* of the first key frame, */
    unsigned width, height;   /* its size, */
    uint8_t *key_frame;       /* and itself; NULL without. webm_info_clear frees it */
    size_t key_frame_len;
};
void webm_info_clear(struct webm_info *info);

/** Reads through a file, whole or cut anywhere. ER_NOT_FOUND: no file, or nothing playable in it;
 *  ER_IO, ER_NOMEM. */
int webm_scan(struct vault *vault, const char *path, struct webm_info *ret);
/** A frame or packet of a file. */
struct webm_frame {
    unsigned
        track; /* its number in the file: 1 is the first picture's, 2 the mix, then other codecs' */
    enum codec_format format;
    uint64_t at_ms;
    bool key;
    const uint8_t *data; /* valid during the call */
    size_t len;
};
/** Calls `each` for all of a finished file, in its order, until that does not give 0, which is returned.
 *  As webm_scan. */
int webm_each(struct vault *vault, const char *path,
              int (*each)(void *ctx, const struct webm_frame *frame), void *ctx);
/** Copies what is whole in `part` into `out`: duration, cues in front, the tracks in order of time.
 *  `out` appears durable and complete or not at all; `part` stays. *ret is cleared by the caller.
 *  ER_NOT_FOUND as webm_scan; ER_IO, ER_NOMEM, ER_INTERNAL. */
int webm_finalise(struct vault *vault, const char *part, const char *out, struct webm_info *ret);

#endif
