// SPDX-License-Identifier: Apache-2.0
/* Frames of H264 and AV1 through libavcodec. */
#include <libavcodec/avcodec.h>
#include <libavutil/frame.h>
#include <libavutil/log.h>
#include <libavutil/mem.h>
#include <libavutil/video_enc_params.h>
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "media/record/frame.h"
#include "media/record/poster.h"
#include "media/record/still.h"

struct still_av {
    AVCodecContext *context;
    AVPacket *packet;
    AVFrame *picture; /* the last that came out; */
    AVFrame *next;    /* the one that is asked for */
    bool has_picture;
    bool fresh; /* the picture is of the last frame pushed */
};

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
                        const uint8_t *key, size_t len)
{
    uint8_t head[FRAME_PRIVATE_BYTES];
    int head_len = frame_private(format, key, len, head);
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
    context->max_pixels = POSTER_PIXELS_MAX;
    context->flags |= AV_CODEC_FLAG_LOW_DELAY;
    context->export_side_data |= AV_CODEC_EXPORT_DATA_VIDEO_ENC_PARAMS;
    return avcodec_open2(context, codec, NULL) < 0 ? ER_UNSUPPORTED : 0;
}

int still_av_new(struct still_av **ret, enum codec_format format, const uint8_t *key, size_t len)
{
    av_log_set_level(AV_LOG_QUIET);
    const AVCodec *codec = find_decoder(format);
    if (!codec)
        return ER_UNSUPPORTED;
    struct still_av *d = calloc(1, sizeof *d);
    if (!d)
        return ER_NOMEM;
    d->context = avcodec_alloc_context3(codec);
    d->packet = av_packet_alloc();
    d->picture = av_frame_alloc();
    d->next = av_frame_alloc();
    int er = d->context && d->packet && d->picture && d->next ? 0 : ER_NOMEM;
    if (er == 0)
        er = open_decoder(d->context, codec, format, key, len);
    if (er < 0)
        still_av_free(d);
    else
        *ret = d;
    return er;
}

void still_av_free(struct still_av *d)
{
    if (!d)
        return;
    av_frame_free(&d->picture);
    av_frame_free(&d->next);
    av_packet_free(&d->packet);
    avcodec_free_context(&d->context);
    free(d);
}

/** All that comes out; the last is kept. */
static void take_pictures(struct still_av *d)
{
    while (avcodec_receive_frame(d->context, d->next) >= 0) {
        AVFrame *newer = d->next;
        d->next = d->picture;
        d->picture = newer;
        d->has_picture = d->fresh = true;
    }
}

int still_av_push(struct still_av *d, const uint8_t *frame, size_t len, bool key)
{
    d->fresh = false;
    if (av_new_packet(d->packet, (int)len) < 0)
        return ER_NOMEM;
    memcpy(d->packet->data, frame, len);
    if (key)
        d->packet->flags |= AV_PKT_FLAG_KEY;
    int sent = avcodec_send_packet(d->context, d->packet);
    av_packet_unref(d->packet);
    if (sent < 0)
        return ER_MALFORMED;
    take_pictures(d);
    return 0;
}

static int quantizer_of(const AVFrame *picture)
{
    const AVFrameSideData *data = av_frame_get_side_data(picture, AV_FRAME_DATA_VIDEO_ENC_PARAMS);
    const AVVideoEncParams *params = data ? (const void *)data->data : NULL;
    return params ? params->qp : STILL_NO_QUANTIZER;
}

/** A decoder that holds its last picture back gives it at the end; a key frame is needed then. */
int still_av_picture(struct still_av *d, struct still *ret)
{
    if (!d->fresh) {
        (void)avcodec_send_packet(d->context, NULL);
        take_pictures(d);
        avcodec_flush_buffers(d->context);
    }
    if (!d->has_picture)
        return ER_AGAIN;
    const AVFrame *picture = d->picture;
    bool full = picture->format == AV_PIX_FMT_YUVJ420P;
    if ((picture->format != AV_PIX_FMT_YUV420P && !full) || picture->width <= 0 ||
        picture->height <= 0)
        return ER_UNSUPPORTED;
    *ret = (struct still){
        .width = (unsigned)picture->width,
        .height = (unsigned)picture->height,
        .full_range = full || picture->color_range == AVCOL_RANGE_JPEG,
        .quantizer = quantizer_of(picture),
    };
    for (int p = 0; p < 3; p++) {
        ret->planes[p] = picture->data[p];
        ret->stride[p] = picture->linesize[p];
    }
    return 0;
}
