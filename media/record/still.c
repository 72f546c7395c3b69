// SPDX-License-Identifier: Apache-2.0
/* Key frames through libvpx. */
#include "media/record/still.h"

#include <stdlib.h>
#include <vpx/vp8dx.h>
#include <vpx/vpx_decoder.h>

#include "base/er.h"

static void release_vpx(void *owner)
{
    vpx_codec_destroy(owner);
    free(owner);
}

static int take_image(struct still *ret, const vpx_image_t *image)
{
    if (!image)
        return ER_MALFORMED;
    if (image->fmt != VPX_IMG_FMT_I420 || image->d_w == 0 || image->d_h == 0)
        return ER_UNSUPPORTED;
    ret->width = image->d_w;
    ret->height = image->d_h;
    ret->full_range = image->range == VPX_CR_FULL_RANGE;
    for (int p = 0; p < 3; p++) {
        ret->planes[p] = image->planes[p];
        ret->stride[p] = image->stride[p];
    }
    return 0;
}

static int decode_vpx(struct still *ret, vpx_codec_iface_t *codec, const uint8_t *frame, size_t len)
{
    vpx_codec_ctx_t *decoder = calloc(1, sizeof *decoder);
    if (!decoder || vpx_codec_dec_init(decoder, codec, NULL, 0) != VPX_CODEC_OK) {
        free(decoder);
        return ER_NOMEM;
    }
    ret->owner = decoder;
    ret->release = release_vpx;
    if (vpx_codec_decode(decoder, frame, (unsigned)len, NULL, 0) != VPX_CODEC_OK)
        return ER_MALFORMED;
    vpx_codec_iter_t iterator = NULL;
    return take_image(ret, vpx_codec_get_frame(decoder, &iterator));
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
