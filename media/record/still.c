// SPDX-License-Identifier: Apache-2.0
/* Frames through libvpx, and the choice of decoder. */
#include "media/record/still.h"

#include <stdlib.h>
#include <vpx/vp8dx.h>
#include <vpx/vpx_decoder.h>

#include "base/er.h"

struct still_decoder {
    enum codec_format format;
    bool running; /* a key frame came, and nothing failed since */
    bool has_vpx;
    vpx_codec_ctx_t vpx;
    vpx_image_t *image; /* of the last frame; NULL: none came out */
    uint8_t *samples;   /* made of a picture with more than 8 bits */
    struct still_av *av;
};

static void stop(struct still_decoder *d)
{
    if (d->has_vpx)
        (void)vpx_codec_destroy(&d->vpx);
    still_av_free(d->av);
    free(d->samples);
    *d = (struct still_decoder){0};
}

static bool is_vpx(enum codec_format format)
{
    return format == FORMAT_VP8 || format == FORMAT_VP9;
}

static int begin(struct still_decoder *d, enum codec_format format, const uint8_t *key, size_t len)
{
    stop(d);
    d->format = format;
    if (!is_vpx(format))
        return still_av_new(&d->av, format, key, len);
    vpx_codec_iface_t *codec = format == FORMAT_VP8 ? vpx_codec_vp8_dx() : vpx_codec_vp9_dx();
    if (vpx_codec_dec_init(&d->vpx, codec, NULL, 0) != VPX_CODEC_OK)
        return ER_NOMEM;
    d->has_vpx = true;
    return 0;
}

/** Of a superframe only the last picture is shown. */
static int push_vpx(struct still_decoder *d, const uint8_t *frame, size_t len)
{
    vpx_codec_iter_t iterator = NULL;
    vpx_image_t *image;
    if (vpx_codec_decode(&d->vpx, frame, (unsigned)len, NULL, 0) != VPX_CODEC_OK)
        return ER_MALFORMED;
    while ((image = vpx_codec_get_frame(&d->vpx, &iterator)))
        d->image = image;
    return 0;
}

int still_decoder_new(struct still_decoder **ret)
{
    *ret = calloc(1, sizeof **ret);
    return *ret ? 0 : ER_NOMEM;
}

void still_decoder_free(struct still_decoder *d)
{
    if (d)
        stop(d);
    free(d);
}

int still_decoder_push(struct still_decoder *d, enum codec_format format, const uint8_t *frame,
                       size_t len, bool key)
{
    int er = 0;
    if (!key && (!d->running || d->format != format))
        return ER_AGAIN;
    if (len == 0 || len > INT32_MAX)
        return ER_MALFORMED;
    if (key && (!d->running || d->format != format || !is_vpx(format)))
        er = begin(d, format, frame, len); /* H264 and AV1: heads may have changed */
    d->image = NULL;
    if (er == 0)
        er = is_vpx(format) ? push_vpx(d, frame, len) : still_av_push(d->av, frame, len, key);
    d->running = er == 0;
    return er;
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

static int take_deep_planes(struct still_decoder *d, struct still *ret)
{
    const vpx_image_t *image = d->image;
    unsigned half_w = (image->d_w + 1) / 2, half_h = (image->d_h + 1) / 2;
    size_t luma = (size_t)image->d_w * image->d_h, chroma = (size_t)half_w * half_h;
    if (image->bit_depth < 9 || image->bit_depth > 16)
        return ER_UNSUPPORTED;
    free(d->samples);
    d->samples = malloc(luma + 2 * chroma);
    if (!d->samples)
        return ER_NOMEM;
    uint8_t *at = d->samples;
    for (int p = 0; p < 3; p++) {
        unsigned width = p ? half_w : image->d_w, height = p ? half_h : image->d_h;
        narrow(at, width, height, image->planes[p], image->stride[p], image->bit_depth);
        ret->planes[p] = at;
        ret->stride[p] = (int)width;
        at += (size_t)width * height;
    }
    return 0;
}

static int take_image(struct still_decoder *d, struct still *ret)
{
    const vpx_image_t *image = d->image;
    if (!image)
        return ER_AGAIN;
    bool deep = image->fmt == VPX_IMG_FMT_I42016;
    if ((image->fmt != VPX_IMG_FMT_I420 && !deep) || image->d_w == 0 || image->d_h == 0)
        return ER_UNSUPPORTED;
    *ret = (struct still){.width = image->d_w,
                          .height = image->d_h,
                          .full_range = image->range == VPX_CR_FULL_RANGE,
                          .quantizer = STILL_NO_QUANTIZER};
    for (int p = 0; !deep && p < 3; p++) {
        ret->planes[p] = image->planes[p];
        ret->stride[p] = image->stride[p];
    }
    int quantizer;
    if (vpx_codec_control(&d->vpx, VPXD_GET_LAST_QUANTIZER, &quantizer) == VPX_CODEC_OK)
        ret->quantizer = quantizer;
    return deep ? take_deep_planes(d, ret) : 0;
}

int still_decoder_picture(struct still_decoder *d, struct still *ret)
{
    if (!d->running)
        return ER_AGAIN;
    return is_vpx(d->format) ? take_image(d, ret) : still_av_picture(d->av, ret);
}

int still_decode(struct still *ret, enum codec_format format, const uint8_t *frame, size_t len)
{
    struct still_decoder *d;
    *ret = (struct still){0};
    int er = still_decoder_new(&d);
    if (er < 0)
        return er;
    er = still_decoder_push(d, format, frame, len, true);
    if (er == 0)
        er = still_decoder_picture(d, ret);
    if (er < 0)
        still_decoder_free(d);
    else
        ret->owner = d;
    return er == ER_AGAIN ? ER_MALFORMED : er;
}

void still_clear(struct still *s)
{
    still_decoder_free(s->owner);
    *s = (struct still){0};
}
