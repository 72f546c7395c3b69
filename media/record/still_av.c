// SPDX-License-Identifier: Apache-2.0
/* Key frames of H264 and AV1 through libavcodec. */
#include <libavcodec/avcodec.h>
#include <libavutil/frame.h>
#include <libavutil/log.h>
#include <libavutil/mem.h>
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "media/record/frame.h"
#include "media/record/still.h"

/** Not its own AV1 decoder, which only hands over to hardware. */
static const AVCodec *find_decoder(enum codec_format format)
{
    if (format == FORMAT_H264)
        return avcodec_find_decoder(AV_CODEC_ID_H264);
    if (format != FORMAT_AV1)
        return NULL;
    const AVCodec *codec = avcodec_find_decoder_by_name("libdav1d");
    return codec ? codec : avcodec_find_decoder_by_name("libaom-av1");
}

static int open_decoder(AVCodecContext *context, const AVCodec *codec, enum codec_format format,
                        const uint8_t *frame, size_t len)
{
    uint8_t head[FRAME_PRIVATE_BYTES];
    int head_len = frame_private(format, frame, len, head);
    if (head_len < 0)
        return head_len;
    if (format == FORMAT_H264) { /* says that units have their lengths in front */
        context->extradata = av_mallocz((size_t)head_len + AV_INPUT_BUFFER_PADDING_SIZE);
        if (!context->extradata)
            return ER_NOMEM;
        memcpy(context->extradata, head, (size_t)head_len);
        context->extradata_size = head_len;
    }
    context->thread_count = 1;
    return avcodec_open2(context, codec, NULL) < 0 ? ER_UNSUPPORTED : 0;
}

/** One frame in, then the end, then one picture out. */
static int run_decoder(AVCodecContext *context, AVPacket *packet, AVFrame *picture,
                       const uint8_t *frame, size_t len)
{
    if (av_new_packet(packet, (int)len) < 0)
        return ER_NOMEM;
    memcpy(packet->data, frame, len);
    packet->flags = AV_PKT_FLAG_KEY;
    if (avcodec_send_packet(context, packet) < 0)
        return ER_MALFORMED;
    (void)avcodec_send_packet(context, NULL);
    return avcodec_receive_frame(context, picture) < 0 ? ER_MALFORMED : 0;
}

static void release_picture(void *owner)
{
    AVFrame *picture = owner;
    av_frame_free(&picture);
}

static int take_picture(struct still *ret, AVFrame *picture)
{
    bool full = picture->format == AV_PIX_FMT_YUVJ420P;
    if ((picture->format != AV_PIX_FMT_YUV420P && !full) || picture->width <= 0 ||
        picture->height <= 0)
        return ER_UNSUPPORTED;
    *ret = (struct still){
        .width = (unsigned)picture->width,
        .height = (unsigned)picture->height,
        .full_range = full || picture->color_range == AVCOL_RANGE_JPEG,
        .owner = picture,
        .release = release_picture,
    };
    for (int p = 0; p < 3; p++) {
        ret->planes[p] = picture->data[p];
        ret->stride[p] = picture->linesize[p];
    }
    return 0;
}

int still_decode_av(struct still *ret, enum codec_format format, const uint8_t *frame, size_t len)
{
    av_log_set_level(AV_LOG_QUIET);
    const AVCodec *codec = find_decoder(format);
    if (!codec)
        return ER_UNSUPPORTED;
    AVCodecContext *context = avcodec_alloc_context3(codec);
    AVPacket *packet = av_packet_alloc();
    AVFrame *picture = av_frame_alloc();
    int er = context && packet && picture ? 0 : ER_NOMEM;
    if (er == 0)
        er = open_decoder(context, codec, format, frame, len);
    if (er == 0)
        er = run_decoder(context, packet, picture, frame, len);
    if (er == 0)
        er = take_picture(ret, picture);
    if (er < 0)
        av_frame_free(&picture);
    av_packet_free(&packet);
    avcodec_free_context(&context);
    return er;
}
