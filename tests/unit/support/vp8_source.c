// SPDX-License-Identifier: Apache-2.0
/* The tests' camera. */
#include "tests/unit/support/vp8_source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <vpx/vp8cx.h>
#include <vpx/vpx_encoder.h>

enum { FRAME_MAX = 1 << 20, DESCRIPTOR_BYTES = 4, FIRST_SEQ = 70000 };

struct vp8_source {
    vpx_codec_ctx_t encoder;
    vpx_codec_enc_cfg_t config;
    vpx_image_t *image;
    int64_t seq;
    int64_t pictures;
    size_t mtu;
    enum vp8_scene scene;
    uint32_t noise;
    uint8_t frame[FRAME_MAX];
    uint8_t *store; /* the packets of one picture */
};

static void open_encoder(struct vp8_source *s, unsigned width, unsigned height)
{
    assert_int_equal(vpx_codec_enc_config_default(vpx_codec_vp8_cx(), &s->config, 0), VPX_CODEC_OK);
    s->config.g_w = width;
    s->config.g_h = height;
    s->config.g_threads = 1;
    s->config.g_timebase.num = 1;
    s->config.g_timebase.den = 90000;
    s->config.rc_target_bitrate = 200;
    s->config.kf_mode = VPX_KF_DISABLED;
    s->config.g_lag_in_frames = 0;
    assert_int_equal(vpx_codec_enc_init(&s->encoder, vpx_codec_vp8_cx(), &s->config, 0),
                     VPX_CODEC_OK);
    vpx_codec_control(&s->encoder, VP8E_SET_CPUUSED, 16);
    s->image = vpx_img_alloc(NULL, VPX_IMG_FMT_I420, width, height, 16);
    assert_non_null(s->image);
}

static void close_encoder(struct vp8_source *s)
{
    vpx_codec_destroy(&s->encoder);
    vpx_img_free(s->image);
}

struct vp8_source *vp8_source_new(unsigned width, unsigned height)
{
    struct vp8_source *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->store = malloc(FRAME_MAX);
    assert_non_null(s->store);
    s->seq = FIRST_SEQ;
    s->mtu = 200;
    open_encoder(s, width, height);
    return s;
}

void vp8_source_free(struct vp8_source *s)
{
    close_encoder(s);
    free(s->store);
    free(s);
}

void vp8_source_resize(struct vp8_source *s, unsigned width, unsigned height)
{
    close_encoder(s);
    open_encoder(s, width, height);
}

void vp8_source_set_mtu(struct vp8_source *s, size_t bytes)
{
    s->mtu = bytes;
}

void vp8_source_look(struct vp8_source *s, enum vp8_scene scene)
{
    s->scene = scene;
}

static int noise_of(struct vp8_source *s, int most)
{
    s->noise = s->noise * 1664525u + 1013904223u;
    return (int)(s->noise >> 16) % (2 * most + 1) - most;
}

static int luma_of(struct vp8_source *s, unsigned x, unsigned y)
{
    unsigned w = s->image->d_w, h = s->image->d_h;
    bool moves = s->scene == VP8_SCENE_MOVING || s->scene == VP8_SCENE_WAVING;
    bool noisy = s->scene == VP8_SCENE_STANDING || s->scene == VP8_SCENE_WAVING;
    unsigned at = moves ? (unsigned)s->pictures : 0;
    unsigned left = at * 3 % w, top = at * 2 % h;
    bool in = x >= left && x < left + w / 6 && y >= top && y < top + h / 6;
    int level = in ? 230 : (int)(40 + 100 * x / w);
    if (s->scene == VP8_SCENE_COVERED)
        return 20 + noise_of(s, 8) / 8; /* what denoising leaves */
    if (s->scene == VP8_SCENE_NIGHT)
        return in ? 200 : 22;
    return noisy ? level + noise_of(s, 2) : level;
}

/** A grey ramp with a bright square that wanders over it; the chroma is that of a warm tone. */
static void draw(struct vp8_source *s)
{
    unsigned w = s->image->d_w, h = s->image->d_h;
    for (unsigned y = 0; y < h; y++)
        for (unsigned x = 0; x < w; x++)
            s->image->planes[0][y * (unsigned)s->image->stride[0] + x] = (uint8_t)luma_of(s, x, y);
    for (unsigned y = 0; y < (h + 1) / 2; y++) {
        memset(s->image->planes[1] + y * (unsigned)s->image->stride[1], 100, (w + 1) / 2);
        memset(s->image->planes[2] + y * (unsigned)s->image->stride[2], 160, (w + 1) / 2);
    }
}

static void packetise(struct vp8_source *s, int64_t timestamp, struct vp8_picture *picture)
{
    const size_t stride = (sizeof(struct tape_packet) + s->mtu + 15) / 16 * 16;
    size_t room = s->mtu - DESCRIPTOR_BYTES;
    for (size_t at = 0; at < picture->len; at += room) {
        assert_true(picture->count < VP8_SOURCE_PACKETS);
        size_t len = picture->len - at < room ? picture->len - at : room;
        bool last = at + len == picture->len;
        struct tape_packet *p = (struct tape_packet *)(void *)(s->store + picture->count * stride);
        *p = (struct tape_packet){
            .seq = s->seq++,
            .timestamp = timestamp,
            .arrival_us = (uint64_t)timestamp * 100 / 9,
            .payload_len = (uint16_t)(len + DESCRIPTOR_BYTES),
            .codec = CODEC_VP8,
            .flags = (uint8_t)((last ? TAPE_MARKER : 0) | (at == 0 ? TAPE_FRAME_START : 0) |
                               (at == 0 && picture->key ? TAPE_KEY_FRAME : 0)),
        };
        p->payload[0] = at == 0 ? 0x90 : 0x80;
        p->payload[1] = 0x80;
        p->payload[2] = (uint8_t)(0x80 | (s->pictures >> 8 & 0x7f));
        p->payload[3] = (uint8_t)s->pictures;
        memcpy(p->payload + DESCRIPTOR_BYTES, picture->frame + at, len);
        picture->packets[picture->count++] = p;
    }
}

void vp8_source_next(struct vp8_source *s, int64_t timestamp, bool key, struct vp8_picture *ret)
{
    draw(s);
    assert_int_equal(vpx_codec_encode(&s->encoder, s->image, timestamp, 3000,
                                      key ? VPX_EFLAG_FORCE_KF : 0, VPX_DL_REALTIME),
                     VPX_CODEC_OK);
    *ret = (struct vp8_picture){.frame = s->frame};
    vpx_codec_iter_t iterator = NULL;
    const vpx_codec_cx_pkt_t *out;
    while ((out = vpx_codec_get_cx_data(&s->encoder, &iterator))) {
        if (out->kind != VPX_CODEC_CX_FRAME_PKT)
            continue;
        assert_true(out->data.frame.sz <= FRAME_MAX);
        memcpy(s->frame, out->data.frame.buf, out->data.frame.sz);
        ret->len = out->data.frame.sz;
        ret->key = out->data.frame.flags & VPX_FRAME_IS_KEY;
    }
    assert_true(ret->len > 0);
    packetise(s, timestamp, ret);
    s->pictures++;
}
