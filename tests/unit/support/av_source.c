// SPDX-License-Identifier: Apache-2.0
/* The tests' camera for H264, VP9 and AV1, with packetisers of their own. */
#include "tests/unit/support/av_source.h"

#include <libavcodec/avcodec.h>
#include <libavutil/frame.h>
#include <libavutil/log.h>
#include <libavutil/opt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { STORE = 1 << 21, FIRST_SEQ = 70000, ROOM = 300, STAP_A = 24, FU_A = 28 };

struct av_source {
    enum media_codec codec;
    enum codec_format format;
    AVCodecContext *encoder;
    AVFrame *frame;
    AVPacket *packet;
    int64_t seq, pictures, timestamp;
    size_t used;
    uint8_t *store; /* the packets of one picture */
    struct av_picture *out;
};

static const char *encoder_name(enum codec_format format)
{
    return format == FORMAT_H264 ? "libx264" : format == FORMAT_VP9 ? "libvpx-vp9" : "libaom-av1";
}

static void open_encoder(struct av_source *s, unsigned width, unsigned height)
{
    s->encoder = avcodec_alloc_context3(avcodec_find_encoder_by_name(encoder_name(s->format)));
    assert_non_null(s->encoder);
    s->encoder->width = (int)width;
    s->encoder->height = (int)height;
    s->encoder->time_base = (AVRational){1, 90000};
    s->encoder->framerate = (AVRational){25, 1};
    s->encoder->pix_fmt = s->codec == CODEC_VP9_2 ? AV_PIX_FMT_YUV420P10 : AV_PIX_FMT_YUV420P;
    s->encoder->gop_size = 10000;
    s->encoder->bit_rate = 300000;
    s->encoder->thread_count = 1;
    AVDictionary *options = NULL;
    if (s->format == FORMAT_H264) {
        av_dict_set(&options, "preset", "ultrafast", 0);
        av_dict_set(&options, "tune", "zerolatency", 0);
        av_dict_set(&options, "profile", "baseline", 0);
        av_dict_set(&options, "forced-idr", "1", 0);
        if (codec_describe(s->codec)->mode == 0)
            av_dict_set(&options, "x264-params", "slice-max-size=290", 0);
    } else {
        av_dict_set(&options, s->format == FORMAT_VP9 ? "deadline" : "usage", "realtime", 0);
        av_dict_set(&options, "cpu-used", "8", 0);
        av_dict_set(&options, "lag-in-frames", "0", 0);
    }
    assert_int_equal(avcodec_open2(s->encoder, s->encoder->codec, &options), 0);
    av_dict_free(&options);
    s->frame = av_frame_alloc();
    s->frame->width = (int)width;
    s->frame->height = (int)height;
    s->frame->format = s->encoder->pix_fmt;
    assert_int_equal(av_frame_get_buffer(s->frame, 0), 0);
}

static void close_encoder(struct av_source *s)
{
    avcodec_free_context(&s->encoder);
    av_frame_free(&s->frame);
}

struct av_source *av_source_new(enum media_codec codec, unsigned width, unsigned height)
{
    av_log_set_level(AV_LOG_QUIET);
    if (!avcodec_find_encoder_by_name(encoder_name(codec_describe(codec)->format)))
        return NULL;
    struct av_source *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->codec = codec;
    s->format = codec_describe(codec)->format;
    s->seq = FIRST_SEQ;
    s->store = malloc(STORE);
    s->packet = av_packet_alloc();
    assert_true(s->store && s->packet);
    open_encoder(s, width, height);
    return s;
}

void av_source_free(struct av_source *s)
{
    if (!s)
        return;
    close_encoder(s);
    av_packet_free(&s->packet);
    free(s->store);
    free(s);
}

void av_source_resize(struct av_source *s, unsigned width, unsigned height)
{
    close_encoder(s);
    open_encoder(s, width, height);
}

/** `value` of 8 bits, whatever the frame has. */
static void set_sample(AVFrame *f, int plane, int x, int y, unsigned value)
{
    uint8_t *row = f->data[plane] + y * f->linesize[plane];
    if (f->format == AV_PIX_FMT_YUV420P10)
        ((uint16_t *)(void *)row)[x] = (uint16_t)(value << 2 | 3);
    else
        row[x] = (uint8_t)value;
}

/** A grey ramp with a bright square that wanders over it; the chroma is that of a warm tone. */
static void draw(struct av_source *s)
{
    AVFrame *f = s->frame;
    assert_int_equal(av_frame_make_writable(f), 0);
    int left = (int)(s->pictures * 3 % f->width), top = (int)(s->pictures * 2 % f->height);
    for (int y = 0; y < f->height; y++)
        for (int x = 0; x < f->width; x++) {
            bool in = x >= left && x < left + f->width / 6 && y >= top && y < top + f->height / 6;
            set_sample(f, 0, x, y, in ? 230 : (unsigned)(40 + 100 * x / f->width));
        }
    for (int y = 0; y < (f->height + 1) / 2; y++)
        for (int x = 0; x < (f->width + 1) / 2; x++) {
            set_sample(f, 1, x, y, 100);
            set_sample(f, 2, x, y, 160);
        }
}

/** A packet of a head and a body; its flags are those of the first or of the last. */
static void put(struct av_source *s, const void *head, size_t head_len, const void *body,
                size_t body_len)
{
    struct av_picture *out = s->out;
    size_t need = (sizeof(struct tape_packet) + head_len + body_len + 15) / 16 * 16;
    assert_true(out->count < AV_SOURCE_PACKETS && s->used + need <= STORE);
    struct tape_packet *p = (struct tape_packet *)(void *)(s->store + s->used);
    s->used += need;
    bool first = out->count == 0;
    *p = (struct tape_packet){
        .seq = s->seq++,
        .timestamp = s->timestamp,
        .arrival_us = (uint64_t)s->timestamp * 100 / 9,
        .payload_len = (uint16_t)(head_len + body_len),
        .codec = (uint8_t)s->codec,
        .flags = (uint16_t)((first ? TAPE_FRAME_START : 0) |
                            (first && out->key ? TAPE_KEY_FRAME : 0)),
    };
    memcpy(p->payload, head, head_len);
    memcpy(p->payload + head_len, body, body_len);
    out->packets[out->count++] = p;
}

static void packetise_vp9(struct av_source *s, const uint8_t *data, size_t len)
{
    for (size_t at = 0; at < len; at += ROOM) {
        size_t part = len - at < ROOM ? len - at : ROOM;
        uint8_t head[] = {(uint8_t)(0x80 | (s->out->key ? 0 : 0x40) | (at == 0 ? 8 : 0) |
                                    (at + part == len ? 4 : 0)),
                          (uint8_t)(0x80 | (s->pictures >> 8 & 0x7f)), (uint8_t)s->pictures};
        put(s, head, sizeof head, data + at, part);
    }
}

static void put_unit(struct av_source *s, const uint8_t *unit, size_t len)
{
    if (len <= ROOM || codec_describe(s->codec)->mode == 0) {
        put(s, unit, 1, unit + 1, len - 1);
        return;
    }
    for (size_t at = 1; at < len; at += ROOM) {
        size_t part = len - at < ROOM ? len - at : ROOM;
        uint8_t head[] = {
            (uint8_t)((unit[0] & 0xe0) | FU_A),
            (uint8_t)((unit[0] & 0x1f) | (at == 1 ? 0x80 : 0) | (at + part == len ? 0x40 : 0))};
        put(s, head, sizeof head, unit + at, part);
    }
}

static const uint8_t *start_code(const uint8_t *at, const uint8_t *end)
{
    for (; at + 3 <= end; at++)
        if (at[0] == 0 && at[1] == 0 && at[2] == 1)
            return at;
    return end;
}

/** Parameter sets in one aggregate where the mode has those; all else unit by unit. */
static void packetise_h264(struct av_source *s, const uint8_t *data, size_t len)
{
    const uint8_t *end = data + len, *at = start_code(data, end);
    uint8_t sets[200], stap = 0x60 | STAP_A;
    size_t sets_len = 0;
    while (at < end) {
        const uint8_t *unit = at + 3, *next = start_code(unit, end);
        size_t unit_len = (size_t)(next - unit);
        while (next < end && unit_len > 0 && unit[unit_len - 1] == 0)
            unit_len--;
        unsigned type = unit[0] & 0x1f;
        if ((type == 7 || type == 8) && codec_describe(s->codec)->mode == 1) {
            sets[sets_len++] = 0;
            sets[sets_len++] = (uint8_t)unit_len;
            memcpy(sets + sets_len, unit, unit_len);
            sets_len += unit_len;
        } else {
            if (sets_len)
                put(s, &stap, 1, sets, sets_len);
            sets_len = 0;
            put_unit(s, unit, unit_len);
        }
        at = next;
    }
}

/** One element after the other, without sizes of their own; none shares a packet with another. */
static void packetise_av1(struct av_source *s, const uint8_t *data, size_t len)
{
    const uint8_t *end = data + len;
    while (data < end) {
        uint8_t header = data[0] & (uint8_t)~2u;
        size_t size = 0;
        unsigned shift = 0;
        const uint8_t *at = data + 1;
        do {
            size |= (size_t)(*at & 0x7f) << shift;
            shift += 7;
        } while (*at++ & 0x80);
        data = at + size;
        if (header >> 3 == 2)
            continue; /* a delimiter */
        bool sequence = header >> 3 == 1;
        for (size_t done = 0; done < size;) {
            size_t part = size - done < ROOM ? size - done : ROOM;
            uint8_t head[] = {(uint8_t)(0x10 | (done ? 0x80 : 0) | (done + part < size ? 0x40 : 0) |
                                        (sequence ? 8 : 0)),
                              header};
            put(s, head, done ? 1 : 2, at + done, part);
            done += part;
        }
    }
}

void av_source_next(struct av_source *s, int64_t timestamp, bool key, struct av_picture *ret)
{
    draw(s);
    s->frame->pts = timestamp;
    s->frame->pict_type = key ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
    assert_int_equal(avcodec_send_frame(s->encoder, s->frame), 0);
    assert_int_equal(avcodec_receive_packet(s->encoder, s->packet), 0);
    *ret = (struct av_picture){.key = s->packet->flags & AV_PKT_FLAG_KEY};
    s->out = ret;
    s->used = 0;
    s->timestamp = timestamp;
    size_t len = (size_t)s->packet->size;
    if (s->format == FORMAT_VP9)
        packetise_vp9(s, s->packet->data, len);
    else if (s->format == FORMAT_H264)
        packetise_h264(s, s->packet->data, len);
    else
        packetise_av1(s, s->packet->data, len);
    assert_true(ret->count > 0);
    ((struct tape_packet *)(uintptr_t)ret->packets[ret->count - 1])->flags |= TAPE_MARKER;
    av_packet_unref(s->packet);
    s->pictures++;
}
