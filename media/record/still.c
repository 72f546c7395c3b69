// SPDX-License-Identifier: Apache-2.0
/* Key frames through libvpx. */
#include "media/record/still.h"

#include <stdlib.h>
#include <vpx/vp8dx.h>
#include <vpx/vpx_decoder.h>

#include "base/er.h"

/** The decoder, and what was made of its picture where that has more than 8 bits. */
struct vpx {
    vpx_codec_ctx_t decoder;
    uint8_t *samples;
};

static void release_vpx(void *owner)
{
    struct vpx *v = owner;
    vpx_codec_destroy(&v->decoder);
    free(v->samples);
    free(v);
}

/** The upper 8 bits of each sample of a plane of `bits`. */
static void narrow(uint8_t *to, unsigned width, unsigned height, const uint8_t *from, int stride,
                   unsigned bits)
{
    for (unsigned y = 0; y < height; y++) {
        const uint16_t *row = (const uint16_t *)(const void *)(from + (ptrdiff_t)y * stride);
        for (unsigned x = 0; x < width; x++)
            to[(size_t)y * width + x] = (uint8_t)(row[x] >> (bits - 8));
    }
}

static int take_deep_planes(struct still *ret, struct vpx *v, const vpx_image_t *image)
{
    unsigned half_w = (image->d_w + 1) / 2, half_h = (image->d_h + 1) / 2;
    size_t luma = (size_t)image->d_w * image->d_h, chroma = (size_t)half_w * half_h;
    if (image->bit_depth < 9 || image->bit_depth > 16)
        return ER_UNSUPPORTED;
    v->samples = malloc(luma + 2 * chroma);
    if (!v->samples)
        return ER_NOMEM;
    uint8_t *at = v->samples;
    for (int p = 0; p < 3; p++) {
        unsigned width = p ? half_w : image->d_w, height = p ? half_h : image->d_h;
        narrow(at, width, height, image->planes[p], image->stride[p], image->bit_depth);
        ret->planes[p] = at;
        ret->stride[p] = (int)width;
        at += (size_t)width * height;
    }
    return 0;
}

static int take_image(struct still *ret, struct vpx *v, const vpx_image_t *image)
{
    if (!image)
        return ER_MALFORMED;
    bool deep = image->fmt == VPX_IMG_FMT_I42016;
    if ((image->fmt != VPX_IMG_FMT_I420 && !deep) || image->d_w == 0 || image->d_h == 0)
        return ER_UNSUPPORTED;
    ret->width = image->d_w;
    ret->height = image->d_h;
    ret->full_range = image->range == VPX_CR_FULL_RANGE;
    if (deep)
        return take_deep_planes(ret, v, image);
    for (int p = 0; p < 3; p++) {
        ret->planes[p] = image->planes[p];
        ret->stride[p] = image->stride[p];
    }
    return 0;
}

static int decode_vpx(struct still *ret, vpx_codec_iface_t *codec, const uint8_t *frame, size_t len)
{
    struct vpx *v = calloc(1, sizeof *v);
    if (!v || vpx_codec_dec_init(&v->decoder, codec, NULL, 0) != VPX_CODEC_OK) {
        free(v);
        return ER_NOMEM;
    }
    ret->owner = v;
    ret->release = release_vpx;
    if (vpx_codec_decode(&v->decoder, frame, (unsigned)len, NULL, 0) != VPX_CODEC_OK)
        return ER_MALFORMED;
    vpx_codec_iter_t iterator = NULL;
    return take_image(ret, v, vpx_codec_get_frame(&v->decoder, &iterator));
}

int still_decode(struct still *ret, enum codec_format format, const uint8_t *frame, size_t len)
{
    *ret = (struct still){0};
    int er = format == FORMAT_VP8   ? decode_vpx(ret, vpx_codec_vp8_dx(), frame, len)
             : format == FORMAT_VP9 ? decode_vpx(ret, vpx_codec_vp9_dx(), frame, len)
                                    : still_decode_av(ret, format, frame, len);
    if (er < 0)
        still_clear(ret);
    return er;
}

void still_clear(struct still *s)
{
    if (s->owner)
        s->release(s->owner);
    *s = (struct still){0};
}
