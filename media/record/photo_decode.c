// SPDX-License-Identifier: Apache-2.0
/* JPEG through libavcodec, which, unlike libjpeg, can be told of broken files without leaving the
 * function. Chroma of any of its sizes is brought to half of luma's both ways. */
#include <libavcodec/avcodec.h>
#include <libavutil/frame.h>
#include <libavutil/log.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "media/record/photo.h"

struct photo_picture {
    AVCodecContext *context;
    AVPacket *packet;
    AVFrame *frame;
    uint8_t *chroma; /* both planes, where they had to be made */
};

void photo_picture_free(struct photo_picture *p)
{
    if (!p)
        return;
    av_frame_free(&p->frame);
    av_packet_free(&p->packet);
    avcodec_free_context(&p->context);
    free(p->chroma);
    free(p);
}

static int run(struct photo_picture *p, const uint8_t *jpeg, size_t len)
{
    const AVCodec *codec = avcodec_find_decoder(AV_CODEC_ID_MJPEG);
    if (!codec)
        return ER_UNSUPPORTED;
    p->context = avcodec_alloc_context3(codec);
    p->packet = av_packet_alloc();
    p->frame = av_frame_alloc();
    if (!p->context || !p->packet || !p->frame || len > INT32_MAX ||
        av_new_packet(p->packet, (int)len) < 0)
        return ER_NOMEM;
    memcpy(p->packet->data, jpeg, len);
    p->context->thread_count = 1;
    p->context->max_pixels = PHOTO_PIXELS_MAX;
    p->context->err_recognition = AV_EF_EXPLODE;
    if (avcodec_open2(p->context, codec, NULL) < 0)
        return ER_UNSUPPORTED;
    if (avcodec_send_packet(p->context, p->packet) < 0 ||
        avcodec_receive_frame(p->context, p->frame) < 0 || p->frame->decode_error_flags)
        return ER_MALFORMED;
    return 0;
}

/** How many samples of luma one of chroma stands for; false: another kind of picture. */
static bool chroma_of(const AVFrame *f, unsigned *ret_x, unsigned *ret_y)
{
    static const struct {
        int format;
        unsigned x, y;
    } kinds[] = {
        {AV_PIX_FMT_YUVJ420P, 2, 2}, {AV_PIX_FMT_YUV420P, 2, 2},  {AV_PIX_FMT_YUVJ422P, 2, 1},
        {AV_PIX_FMT_YUV422P, 2, 1},  {AV_PIX_FMT_YUVJ440P, 1, 2}, {AV_PIX_FMT_YUV440P, 1, 2},
        {AV_PIX_FMT_YUVJ444P, 1, 1}, {AV_PIX_FMT_YUV444P, 1, 1},  {AV_PIX_FMT_GRAY8, 0, 0}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (kinds[i].format != f->format)
            continue;
        *ret_x = kinds[i].x;
        *ret_y = kinds[i].y;
        return true;
    }
    return false;
}

/** Every other sample, in the directions that have too many. */
static void thin_out(uint8_t *to, const struct still *image, const uint8_t *from, int stride,
                     unsigned x, unsigned y)
{
    unsigned width = (image->width + 1) / 2, height = (image->height + 1) / 2;
    for (unsigned row = 0; row < height; row++)
        for (unsigned column = 0; column < width; column++)
            to[(size_t)row * width + column] =
                x ? from[(size_t)(row * 2 / y) * (size_t)stride + column * 2 / x] : 128;
}

static int make_chroma(struct photo_picture *p, struct still *image, unsigned x, unsigned y)
{
    size_t plane = (size_t)((image->width + 1) / 2) * ((image->height + 1) / 2);
    p->chroma = malloc(plane * 2);
    if (!p->chroma)
        return ER_NOMEM;
    for (int i = 1; i <= 2; i++) {
        uint8_t *to = p->chroma + (i == 1 ? 0 : plane);
        thin_out(to, image, p->frame->data[i], p->frame->linesize[i], x, y);
        image->planes[i] = to;
        image->stride[i] = (int)((image->width + 1) / 2);
    }
    return 0;
}

static int take(struct photo_picture *p, struct still *ret)
{
    const AVFrame *f = p->frame;
    unsigned x, y;
    if (f->width <= 0 || f->height <= 0 || !chroma_of(f, &x, &y))
        return ER_UNSUPPORTED;
    *ret = (struct still){.width = (unsigned)f->width,
                          .height = (unsigned)f->height,
                          .full_range = f->color_range != AVCOL_RANGE_MPEG,
                          .quantizer = STILL_NO_QUANTIZER};
    for (int i = 0; i < 3; i++) {
        ret->planes[i] = f->data[i];
        ret->stride[i] = f->linesize[i];
    }
    return x == 2 && y == 2 ? 0 : make_chroma(p, ret, x, y);
}

int photo_decode(struct photo_picture **ret, struct still *ret_still, const uint8_t *jpeg,
                 size_t len)
{
    av_log_set_level(AV_LOG_QUIET);
    struct photo_picture *p = calloc(1, sizeof *p);
    if (!p)
        return ER_NOMEM;
    int er = run(p, jpeg, len);
    if (er == 0)
        er = take(p, ret_still);
    if (er < 0)
        photo_picture_free(p);
    else
        *ret = p;
    return er;
}
