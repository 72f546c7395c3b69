// SPDX-License-Identifier: Apache-2.0
/* The kinds and codecs of media, shared by every media layer. */
#ifndef LOUPE_MEDIA_CODEC_H
#define LOUPE_MEDIA_CODEC_H

#include <stdint.h>

enum media_kind { MEDIA_AUDIO, MEDIA_VIDEO };

/** Codecs we relay. The numbers index tables. */
enum media_codec { CODEC_OPUS, CODEC_VP8, CODEC_COUNT, CODEC_NONE = 255 };

struct codec_info {
    const char *name; /* as in rtpmap */
    enum media_kind kind;
    uint32_t clock_rate;
    uint8_t channels;
};

static inline const struct codec_info *codec_describe(enum media_codec codec)
{
    static const struct codec_info table[CODEC_COUNT] = {
        [CODEC_OPUS] = {"opus", MEDIA_AUDIO, 48000, 2},
        [CODEC_VP8] = {"VP8", MEDIA_VIDEO, 90000, 1},
    };
    return codec < CODEC_COUNT ? &table[codec] : (const struct codec_info *)0;
}

#endif
