// SPDX-License-Identifier: Apache-2.0
/* Matching an m-line's payload types with the codecs we relay: by name, clock and, where one name
 * stands for several codecs, by what the fmtp says. */
#include "media/peer/negotiate.h"

#include <string.h>

#include "media/peer/negotiate_table.h"
#include "media/wire/h264.h"

/* VP8 first: everybody has it. Profiles of H264 that more people can show come before others, and
 * redundant sound before plain. */
const uint8_t negotiate_order[CODEC_COUNT] = {
    CODEC_RED,
    CODEC_OPUS,
    CODEC_VP8,
    CODEC_H264_CONSTRAINED_1,
    CODEC_H264_CONSTRAINED,
    CODEC_H264_BASELINE_1,
    CODEC_H264_BASELINE,
    CODEC_H264_MAIN_1,
    CODEC_H264_MAIN,
    CODEC_H264_HIGH_1,
    CODEC_H264_HIGH,
    CODEC_VP9,
    CODEC_AV1,
    CODEC_VP9_2,
};

/* A number of an fmtp, or what its absence means; UINT64_MAX when it is none. */
static uint64_t fmtp_number(const struct sdp_codec *c, const char *name, uint64_t max,
                            uint64_t absent)
{
    struct span text = sdp_fmtp_get(c->fmtp, name);
    uint64_t value;
    if (!text.at)
        return absent;
    return span_u64(text, max, &value) == 0 ? value : UINT64_MAX;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* RFC 6184, 8.1: six hexadecimal digits; without, Baseline at level 1. */
static bool profile_level_id(const struct sdp_codec *c, uint32_t *ret)
{
    struct span text = sdp_fmtp_get(c->fmtp, "profile-level-id");
    *ret = 0x42000a;
    if (!text.at)
        return true;
    if (text.len != 6)
        return false;
    *ret = 0;
    for (size_t i = 0; i < text.len; i++) {
        int digit = hex_digit(text.at[i]);
        if (digit < 0)
            return false;
        *ret = *ret << 4 | (uint32_t)digit;
    }
    return true;
}

static int base64_digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

/** Whoever leaves profile-level-id out may say in sprop-parameter-sets what it sends: the first of them is
 *  the sequence parameter set, whose first bytes are those of profile-level-id (RFC 6184, 8.1). */
static uint32_t profile_told(const struct sdp_codec *c, uint32_t profile_level_id)
{
    struct span text = sdp_fmtp_get(c->fmtp, "sprop-parameter-sets");
    uint32_t bytes = 0;
    if (sdp_fmtp_get(c->fmtp, "profile-level-id").at || !text.at || text.len < 4)
        return profile_level_id;
    for (size_t i = 0; i < 4; i++) {
        int digit = base64_digit(text.at[i]);
        if (digit < 0)
            return profile_level_id;
        bytes = bytes << 6 | (uint32_t)digit;
    }
    bool is_set = (bytes >> 16 & 0x1f) == H264_SPS;
    return is_set ? (bytes & 0xffff) << 8 : profile_level_id;
}

static bool h264_fits(const struct codec_info *info, const struct sdp_codec *c,
                      struct line_format *ret)
{
    if (!profile_level_id(c, &ret->profile_level_id))
        return false;
    ret->level_asymmetry = fmtp_number(c, "level-asymmetry-allowed", 1, 0) == 1;
    uint32_t told = profile_told(c, ret->profile_level_id);
    return h264_profile_of((uint8_t)(told >> 16), (uint8_t)(told >> 8)) == info->profile &&
           fmtp_number(c, "packetization-mode", 2, 0) == info->mode;
}

static bool av1_fits(const struct codec_info *info, const struct sdp_codec *c,
                     struct line_format *ret)
{
    ret->level = (uint8_t)(fmtp_number(c, "level-idx", 31, 5) & 31);
    ret->tier = (uint8_t)(fmtp_number(c, "tier", 1, 0) & 1);
    return fmtp_number(c, "profile", 2, 0) == info->profile;
}

/* RFC 2198, 5: what it wraps, everywhere the same Opus. */
static bool red_fits(const struct line *line, const struct sdp_codec *c)
{
    struct span rest = c->fmtp;
    if (!rest.at || line->payload_type[CODEC_OPUS] == LINE_PAYLOAD_NONE)
        return false;
    while (rest.at) {
        uint64_t type;
        if (span_u64(span_cut(&rest, '/'), 127, &type) != 0 ||
            type != line->payload_type[CODEC_OPUS])
            return false;
    }
    return true;
}

static bool codec_fits(const struct line *line, const struct sdp_codec *c, enum media_codec codec,
                       struct line_format *ret)
{
    const struct codec_info *info = codec_describe(codec);
    *ret = (struct line_format){0};
    /* RFC 7587, 7: it is always said to have two channels; some do not say it. */
    bool unsaid = info->format == FORMAT_OPUS && c->channels == 1;
    if (!span_equal_nocase(c->name, info->name) || c->clock_rate != info->clock_rate ||
        (c->channels != info->channels && !unsaid))
        return false;
    switch (info->format) {
    case FORMAT_RED:
        return red_fits(line, c);
    case FORMAT_VP9:
        return fmtp_number(c, "profile-id", 3, 0) == info->profile;
    case FORMAT_AV1:
        return av1_fits(info, c, ret);
    case FORMAT_H264:
        return h264_fits(info, c, ret);
    case FORMAT_OPUS:
    case FORMAT_VP8:
        break;
    }
    return true;
}

/* The retransmission payload type of `payload_type` (RFC 4588, 8.6). */
static uint8_t find_rtx(const struct sdp_media *media, uint8_t payload_type)
{
    for (size_t i = 0; i < media->codec_count; i++) {
        const struct sdp_codec *c = &media->codecs[i];
        if (span_equal_nocase(c->name, "rtx") &&
            fmtp_number(c, "apt", 127, UINT64_MAX) == payload_type)
            return c->payload_type;
    }
    return LINE_PAYLOAD_NONE;
}

static uint8_t feedback_of(const struct sdp_codec *c)
{
    return (uint8_t)((c->nack ? LINE_NACK : 0) | (c->nack_pli ? LINE_NACK_PLI : 0) |
                     (c->ccm_fir ? LINE_CCM_FIR : 0) | (c->goog_remb ? LINE_REMB : 0) |
                     (c->transport_cc ? LINE_TRANSPORT_CC : 0));
}

static void agree_codec(struct line *line, const struct sdp_media *media, enum media_codec codec)
{
    for (size_t i = 0; i < media->codec_count; i++) {
        const struct sdp_codec *c = &media->codecs[i];
        if (!codec_fits(line, c, codec, &line->parameters[codec]))
            continue;
        line->payload_type[codec] = c->payload_type;
        line->feedback[codec] = feedback_of(c);
        line->nack = line->nack || c->nack;
        line->transport_cc = line->transport_cc || c->transport_cc;
        line->remb = line->remb || c->goog_remb;
        if (c->nack)
            line->rtx_payload_type[codec] = find_rtx(media, c->payload_type);
        if (codec == CODEC_OPUS)
            line->stereo = span_equal(sdp_fmtp_get(c->fmtp, "stereo"), "1");
        return;
    }
}

/* As itself, or as another that its receiver understands, the first in order. Redundant sound is made
 * for each viewer; nothing is of that codec by itself. */
static void find_send_as(struct line *line, enum media_codec codec)
{
    if (line->payload_type[codec] != LINE_PAYLOAD_NONE)
        line->send_as[codec] = (uint8_t)codec;
    for (size_t i = 0; i < CODEC_COUNT && line->send_as[codec] == CODEC_NONE; i++) {
        uint8_t as = negotiate_order[i];
        if (line->payload_type[as] != LINE_PAYLOAD_NONE && codec_carries(as, codec))
            line->send_as[codec] = as;
    }
    if (line->send_as[codec] != CODEC_NONE && codec != CODEC_RED)
        line->send_codecs |= 1u << codec;
}

bool negotiate_codecs(struct line *line, const struct sdp_media *media)
{
    for (unsigned c = 0; c < CODEC_COUNT; c++)
        if (codec_describe(c)->kind == line->kind)
            agree_codec(line, media, c);
    for (unsigned c = 0; c < CODEC_COUNT; c++)
        find_send_as(line, c);
    return line->send_codecs != 0;
}
