// SPDX-License-Identifier: Apache-2.0
/* The kinds and codecs of media, shared by every media layer. */
#ifndef LOUPE_MEDIA_CODEC_H
#define LOUPE_MEDIA_CODEC_H

#include <stdbool.h>
#include <stdint.h>

enum media_kind { MEDIA_AUDIO, MEDIA_VIDEO };

/** What a payload looks like. */
enum codec_format { FORMAT_OPUS, FORMAT_RED, FORMAT_VP8, FORMAT_VP9, FORMAT_AV1, FORMAT_H264 };

/** Codecs as they are agreed on: a receiver either takes all of one or nothing of it, so profiles and
 *  packetisation modes are told apart. The numbers index tables and, as 1 << codec, make masks. RED
 *  is a wrapping of Opus (RFC 2198): it is agreed on as a codec, but no track and no tape has it. */
enum media_codec {
    CODEC_OPUS,
    CODEC_VP8,
    CODEC_RED,
    CODEC_VP9,   /* profile 0: 8 bits, 4:2:0 */
    CODEC_VP9_2, /* profile 2: 10 or 12 bits */
    CODEC_AV1,   /* profile 0 */
    /* H264 by profile; _1: packetisation mode 1 (aggregates and fragments), else 0 (single units). High
     * and Constrained High count as one. */
    CODEC_H264_CONSTRAINED,
    CODEC_H264_CONSTRAINED_1,
    CODEC_H264_BASELINE,
    CODEC_H264_BASELINE_1,
    CODEC_H264_MAIN,
    CODEC_H264_MAIN_1,
    CODEC_H264_HIGH,
    CODEC_H264_HIGH_1,
    CODEC_COUNT,
    CODEC_NONE = 255
};

/** Profiles of H264; a decoder of one shows those whose bits it has. */
enum h264_profile {
    H264_CONSTRAINED = 1,
    H264_BASELINE = 2 | H264_CONSTRAINED,
    H264_MAIN = 4 | H264_CONSTRAINED,
    H264_HIGH = 8 | H264_MAIN
};

struct codec_info {
    const char *name; /* as in rtpmap */
    enum media_kind kind;
    uint32_t clock_rate;
    uint8_t channels;
    enum codec_format format;
    uint8_t profile; /* VP9 and AV1: the number; H264: enum h264_profile */
    uint8_t mode;    /* H264: packetisation mode */
};

static inline const struct codec_info *codec_describe(enum media_codec codec)
{
#define H264(profile, mode)                                                                        \
    {                                                                                              \
        "H264", MEDIA_VIDEO, 90000, 1, FORMAT_H264, profile, mode                                  \
    }
    static const struct codec_info table[CODEC_COUNT] = {
        [CODEC_OPUS] = {"opus", MEDIA_AUDIO, 48000, 2, FORMAT_OPUS, 0, 0},
        [CODEC_RED] = {"red", MEDIA_AUDIO, 48000, 2, FORMAT_RED, 0, 0},
        [CODEC_VP8] = {"VP8", MEDIA_VIDEO, 90000, 1, FORMAT_VP8, 0, 0},
        [CODEC_VP9] = {"VP9", MEDIA_VIDEO, 90000, 1, FORMAT_VP9, 0, 0},
        [CODEC_VP9_2] = {"VP9", MEDIA_VIDEO, 90000, 1, FORMAT_VP9, 2, 0},
        [CODEC_AV1] = {"AV1", MEDIA_VIDEO, 90000, 1, FORMAT_AV1, 0, 0},
        [CODEC_H264_CONSTRAINED] = H264(H264_CONSTRAINED, 0),
        [CODEC_H264_CONSTRAINED_1] = H264(H264_CONSTRAINED, 1),
        [CODEC_H264_BASELINE] = H264(H264_BASELINE, 0),
        [CODEC_H264_BASELINE_1] = H264(H264_BASELINE, 1),
        [CODEC_H264_MAIN] = H264(H264_MAIN, 0),
        [CODEC_H264_MAIN_1] = H264(H264_MAIN, 1),
        [CODEC_H264_HIGH] = H264(H264_HIGH, 0),
        [CODEC_H264_HIGH_1] = H264(H264_HIGH, 1),
    };
#undef H264
    return codec < CODEC_COUNT ? &table[codec] : (const struct codec_info *)0;
}

static inline const char *codec_format_name(enum codec_format format)
{
    static const char *const names[] = {
        [FORMAT_OPUS] = "opus", [FORMAT_RED] = "red", [FORMAT_VP8] = "VP8",
        [FORMAT_VP9] = "VP9",   [FORMAT_AV1] = "AV1", [FORMAT_H264] = "H264",
    };
    return names[format];
}

/** Does a receiver of `as` understand a stream of `codec`, sent under the former's payload type? */
static inline bool codec_carries(enum media_codec as, enum media_codec codec)
{
    const struct codec_info *a = codec_describe(as), *c = codec_describe(codec);
    if (as == codec || !a || !c)
        return a && c;
    return a->format == FORMAT_H264 && c->format == FORMAT_H264 && a->mode >= c->mode &&
           (a->profile & c->profile) == c->profile;
}

#endif
