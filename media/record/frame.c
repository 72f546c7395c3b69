// SPDX-License-Identifier: Apache-2.0
/* Looking into stored frames, codec by codec. */
#include "media/record/frame.h"

#include "base/buf.h"
#include "base/er.h"
#include "media/wire/av1.h"
#include "media/wire/h264.h"
#include "media/wire/vp9.h"

enum { VP8_KEY_BYTES = 10, SUPERFRAME_MARKER = 0xc0, SUPERFRAME_MASK = 0xe0 };

static bool vp8_key(const uint8_t *frame, size_t len, unsigned *ret_width, unsigned *ret_height)
{
    /* RFC 6386, 9.1 */
    if (len < VP8_KEY_BYTES || (frame[0] & 1) || frame[3] != 0x9d || frame[4] != 0x01 ||
        frame[5] != 0x2a)
        return false;
    /* Little-endian; the upper two bits of each are the scale to display at. */
    *ret_width = (unsigned)(frame[7] & 0x3f) << 8 | frame[6];
    *ret_height = (unsigned)(frame[9] & 0x3f) << 8 | frame[8];
    return true;
}

/** The last frame of a superframe (VP9, annex B); the frame itself where there is only one. */
static void last_of_superframe(const uint8_t **frame, size_t *len)
{
    uint8_t marker = *len ? (*frame)[*len - 1] : 0;
    if ((marker & SUPERFRAME_MASK) != SUPERFRAME_MARKER)
        return;
    size_t bytes = (marker >> 3 & 3u) + 1u, count = (marker & 7u) + 1u, index = 2 + bytes * count;
    if (*len < index || (*frame)[*len - index] != marker)
        return;
    const uint8_t *size_at = *frame + *len - 1 - bytes;
    size_t size = 0;
    for (size_t i = bytes; i-- > 0;)
        size = size << 8 | size_at[i];
    if (size > *len - index)
        return;
    *frame += *len - index - size;
    *len = size;
}

static bool vp9_key(const uint8_t *frame, size_t len, unsigned *ret_width, unsigned *ret_height)
{
    uint16_t width, height;
    if (!vp9_key_size(frame, len, &width, &height))
        return false;
    last_of_superframe(&frame, &len);
    (void)vp9_upper_size(frame, len, &width, &height);
    *ret_width = width;
    *ret_height = height;
    return true;
}

bool frame_next_unit(struct rd *frame, const uint8_t **ret_unit, size_t *ret_len)
{
    *ret_len = rd_u32(frame);
    *ret_unit = rd_bytes(frame, *ret_len);
    return !frame->bad && *ret_len > 0;
}

/** The first unit of that type; NULL: there is none. */
static const uint8_t *find_unit(const uint8_t *frame, size_t len, unsigned type, size_t *ret_len)
{
    struct rd r = rd_make(frame, len);
    const uint8_t *unit;
    while (frame_next_unit(&r, &unit, ret_len))
        if (h264_unit_type(unit[0]) == type)
            return unit;
    return NULL;
}

static bool h264_key(const uint8_t *frame, size_t len, unsigned *ret_width, unsigned *ret_height)
{
    size_t sps_len, other_len;
    struct h264_sps info;
    const uint8_t *sps = find_unit(frame, len, H264_SPS, &sps_len);
    if (!sps || !h264_parse_sps(sps, sps_len, &info) ||
        !find_unit(frame, len, H264_PPS, &other_len) ||
        !find_unit(frame, len, H264_IDR, &other_len))
        return false;
    *ret_width = info.width;
    *ret_height = info.height;
    return true;
}

/** The first OBU of that type, where the next one begins after it. */
static bool find_obu(const uint8_t *frame, size_t len, unsigned type, struct av1_obu *ret)
{
    const uint8_t *end = frame + len;
    while (frame < end && av1_parse_obu(frame, (size_t)(end - frame), ret)) {
        if (ret->type == type)
            return true;
        frame = ret->at + ret->len;
    }
    return false;
}

static bool av1_key(const uint8_t *frame, size_t len, unsigned *ret_width, unsigned *ret_height)
{
    enum { SHOW_EXISTING = 0x80, FRAME_TYPE = 0x60 };
    struct av1_obu sequence, picture;
    uint16_t width, height;
    if (!find_obu(frame, len, AV1_SEQUENCE_HEADER, &sequence) ||
        !av1_sequence_size(sequence.at, sequence.len, &width, &height) ||
        !(find_obu(frame, len, AV1_FRAME, &picture) ||
          find_obu(frame, len, AV1_FRAME_HEADER, &picture)) ||
        picture.len == 0 || (picture.at[0] & (SHOW_EXISTING | FRAME_TYPE)))
        return false;
    *ret_width = width;
    *ret_height = height;
    return true;
}

bool frame_key_size(enum codec_format format, const uint8_t *frame, size_t len, unsigned *ret_width,
                    unsigned *ret_height)
{
    bool key = false;
    if (format == FORMAT_VP8)
        key = vp8_key(frame, len, ret_width, ret_height);
    else if (format == FORMAT_VP9)
        key = vp9_key(frame, len, ret_width, ret_height);
    else if (format == FORMAT_H264)
        key = h264_key(frame, len, ret_width, ret_height);
    else if (format == FORMAT_AV1)
        key = av1_key(frame, len, ret_width, ret_height);
    return key && *ret_width > 0 && *ret_height > 0;
}

static bool has_chroma(const struct h264_sps *sps)
{
    return sps->profile == 100 || sps->profile == 110 || sps->profile == 122 || sps->profile == 144;
}

static int h264_private(const uint8_t *frame, size_t len, struct wr *w)
{
    size_t sps_len, pps_len;
    struct h264_sps info;
    const uint8_t *sps = find_unit(frame, len, H264_SPS, &sps_len);
    const uint8_t *pps = find_unit(frame, len, H264_PPS, &pps_len);
    if (!sps || !pps || !h264_parse_sps(sps, sps_len, &info))
        return ER_MALFORMED;
    wr_u8(w, 1);
    wr_bytes(w, sps + 1, 3); /* profile, constraints, level */
    wr_u8(w, 0xfc | 3);      /* lengths of four bytes */
    wr_u8(w, 0xe0 | 1);
    wr_u16(w, (uint16_t)sps_len);
    wr_bytes(w, sps, sps_len);
    wr_u8(w, 1);
    wr_u16(w, (uint16_t)pps_len);
    wr_bytes(w, pps, pps_len);
    if (has_chroma(&info)) {
        wr_u8(w, 0xfc | info.chroma_format);
        wr_u8(w, (uint8_t)(0xf8 | (info.luma_bits - 8)));
        wr_u8(w, (uint8_t)(0xf8 | (info.chroma_bits - 8)));
        wr_u8(w, 0);
    }
    return w->bad ? ER_MALFORMED : (int)wr_len(w);
}

static int av1_private(const uint8_t *frame, size_t len, struct wr *w)
{
    struct av1_obu sequence;
    if (!find_obu(frame, len, AV1_SEQUENCE_HEADER, &sequence) || sequence.len > 127)
        return ER_MALFORMED;
    wr_u8(w, AV1_SEQUENCE_HEADER << 3 | 2); /* without layers, with its size */
    wr_u8(w, (uint8_t)sequence.len);
    wr_bytes(w, sequence.at, sequence.len);
    return w->bad ? ER_MALFORMED : (int)wr_len(w);
}

int frame_private(enum codec_format format, const uint8_t *frame, size_t len,
                  uint8_t ret[static FRAME_PRIVATE_BYTES])
{
    struct wr w = wr_make(ret, FRAME_PRIVATE_BYTES);
    if (format == FORMAT_H264)
        return h264_private(frame, len, &w);
    return format == FORMAT_AV1 ? av1_private(frame, len, &w) : 0;
}
