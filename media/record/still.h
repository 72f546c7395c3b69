// SPDX-License-Identifier: Apache-2.0
/* Frames decoded, for a picture that somebody looks at: VP8 and VP9 by libvpx, H264 and AV1 by what
 * FFmpeg's libavcodec was built with (still_av.c). */
#ifndef LOUPE_MEDIA_RECORD_STILL_H
#define LOUPE_MEDIA_RECORD_STILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "media/codec.h"

/** A picture of 8 bits, 4:2:0. */
struct still {
    unsigned width, height;
    bool full_range; /* levels of 0..255, not of 16..235 and 16..240 */
    const uint8_t *planes[3];
    int stride[3];
    int quantizer; /* the codec's own measure of how coarse; STILL_NO_QUANTIZER: it does not tell */
    struct still_decoder *owner; /* of the planes, for still_decode */
};
#define STILL_NO_QUANTIZER (-1)

/** One key frame. `frame` as depack.h says. ER_MALFORMED: it cannot be decoded; ER_UNSUPPORTED: there is no
 *  decoder, or the picture is of another kind; ER_NOMEM. */
int still_decode(struct still *ret, enum codec_format format, const uint8_t *frame, size_t len);
void still_clear(struct still *s);

/** One frame after the other, from a key frame on. */
struct still_decoder;
int still_decoder_new(struct still_decoder **ret);
/** NULL is fine. */
void still_decoder_free(struct still_decoder *d);
/** `frame` as depack.h says; another format only with a key frame. 0, or as still_decode: then a key
 *  frame is needed next. ER_AGAIN: there was none yet. */
int still_decoder_push(struct still_decoder *d, enum codec_format format, const uint8_t *frame,
                       size_t len, bool key);
/** The picture of the last frame pushed, borrowed until the next call. ER_AGAIN: none came out. */
int still_decoder_picture(struct still_decoder *d, struct still *ret);

/* For H264 and AV1; contracts as above. `picture` is filled in when one comes out. */
struct still_av;
int still_av_new(struct still_av **ret, enum codec_format format, const uint8_t *key, size_t len);
void still_av_free(struct still_av *d);
int still_av_push(struct still_av *d, const uint8_t *frame, size_t len, bool key);
int still_av_picture(struct still_av *d, struct still *ret);

#endif
