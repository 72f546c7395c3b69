// SPDX-License-Identifier: Apache-2.0
/* A camera for tests in the codecs that libavcodec encodes: a moving pattern, in packets as they lie on
 * a tape. */
#ifndef LOUPE_TESTS_UNIT_SUPPORT_AV_SOURCE_H
#define LOUPE_TESTS_UNIT_SUPPORT_AV_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "media/tape/tape.h"

enum { AV_SOURCE_PACKETS = 256 };

struct av_source;

/** NULL when libavcodec has no encoder of that codec. */
struct av_source *av_source_new(enum media_codec codec, unsigned width, unsigned height);
void av_source_free(struct av_source *s);
/** From the next frame on, which is a key frame. */
void av_source_resize(struct av_source *s, unsigned width, unsigned height);

/** One picture. All is valid until the next call. */
struct av_picture {
    const struct tape_packet *packets[AV_SOURCE_PACKETS];
    size_t count;
    bool key;
};
/** The next picture, `timestamp` in 90 kHz. The first is a key frame anyhow. */
void av_source_next(struct av_source *s, int64_t timestamp, bool key, struct av_picture *ret);

#endif
