// SPDX-License-Identifier: Apache-2.0
/* What webm.c (writing) and webm_read.c (reading, finishing) share: an open container, and what its
 * tracks are. */
#ifndef LOUPE_MEDIA_RECORD_WEBM_IMPL_H
#define LOUPE_MEDIA_RECORD_WEBM_IMPL_H

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

#include "base/file.h"
#include "media/record/frame.h"
#include "media/record/webm.h"

/** Of a .part; a finished file has those that were used. */
enum webm_track { WEBM_VP8, WEBM_VP9, WEBM_H264, WEBM_AV1, WEBM_AUDIO, WEBM_TRACKS };

/** One open container. */
struct webm_box {
    AVFormatContext *context;
    AVIOContext *io;
    AVPacket *packet;
    struct file *file;
    bool writing;
};

/** What a track is, or is to be. */
struct webm_plan {
    bool used;
    unsigned place; /* before those of higher ones */
    unsigned width, height;
    uint8_t private[FRAME_PRIVATE_BYTES];
    size_t private_len;
    int stream; /* its number in the container being written */
};

struct webm_kind {
    enum AVCodecID id;
    enum codec_format format;
};
extern const struct webm_kind webm_kinds[WEBM_TRACKS];

/** Takes over `file`, also when it fails; then the box is to be closed all the same. */
int webm_box_init(struct webm_box *b, struct file *file, bool writing, bool seekable);
void webm_box_close(struct webm_box *b);
/** What FFmpeg said, as one of ours. */
int webm_box_er(const struct webm_box *b, int status);
/** Writes the head. Takes over `file`. `cues`: room for how many in front; negative: live, no seeking
 *  back. */
int webm_box_write(struct webm_box *b, struct file *file,
                   struct webm_plan plans[static WEBM_TRACKS], int64_t cues);
void webm_plan_sound(struct webm_plan plans[static WEBM_TRACKS]);
/** WEBM_TRACKS: none. */
int webm_track_of(enum codec_format format);
/** Counts a packet of a finished file; the first one of each track, which is a key frame, tells what the
 *  track is. ER_NOMEM, ER_MALFORMED. */
int webm_note(struct webm_info *info, struct webm_plan plans[static WEBM_TRACKS],
              const AVPacket *packet, int track);

#endif
