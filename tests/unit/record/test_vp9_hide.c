// SPDX-License-Identifier: Apache-2.0
/* Layers of VP9 from libvpx's own encoder: hidden, they decode to the same picture, and to it alone. */
#include <libavcodec/avcodec.h>
#include <libavutil/frame.h>
#include <libavutil/log.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <vpx/vp8cx.h>
#include <vpx/vp8dx.h>
#include <vpx/vpx_decoder.h>
#include <vpx/vpx_encoder.h>

#include "base/er.h"
#include "media/record/depack.h"
#include "media/record/vp9_hide.h"

enum { WIDTH = 320, HEIGHT = 184, LAYERS = 3, FRAME_BYTES = 1 << 18 };

struct camera {
    vpx_codec_ctx_t encoder;
    vpx_image_t *image;
    int64_t pictures;
    uint8_t superframe[FRAME_BYTES];
    size_t len;
};

static void open_camera(struct camera *c)
{
    vpx_codec_enc_cfg_t config;
    assert_int_equal(vpx_codec_enc_config_default(vpx_codec_vp9_cx(), &config, 0), VPX_CODEC_OK);
    config.g_w = WIDTH;
    config.g_h = HEIGHT;
    config.g_lag_in_frames = 0;
    config.g_threads = 1;
    config.rc_end_usage = VPX_CBR;
    config.rc_target_bitrate = 600;
    config.kf_mode = VPX_KF_DISABLED;
    config.ss_number_layers = LAYERS;
    config.ts_number_layers = 1;
    vpx_svc_extra_cfg_t svc = {.temporal_layering_mode = 0};
    for (int i = 0; i < LAYERS; i++) {
        config.layer_target_bitrate[i] = config.ss_target_bitrate[i] = 100u << i;
        svc.max_quantizers[i] = 56;
        svc.min_quantizers[i] = 2;
        svc.scaling_factor_num[i] = 1;
        svc.scaling_factor_den[i] = 1 << (LAYERS - 1 - i);
    }
    assert_int_equal(vpx_codec_enc_init(&c->encoder, vpx_codec_vp9_cx(), &config, 0), VPX_CODEC_OK);
    assert_int_equal(vpx_codec_control(&c->encoder, VP9E_SET_SVC, 1), VPX_CODEC_OK);
    assert_int_equal(vpx_codec_control(&c->encoder, VP9E_SET_SVC_PARAMETERS, &svc), VPX_CODEC_OK);
    vpx_codec_control(&c->encoder, VP8E_SET_CPUUSED, 8);
    c->image = vpx_img_alloc(NULL, VPX_IMG_FMT_I420, WIDTH, HEIGHT, 16);
    assert_non_null(c->image);
}

static void close_camera(struct camera *c)
{
    vpx_codec_destroy(&c->encoder);
    vpx_img_free(c->image);
}

static void take_picture(struct camera *c)
{
    for (unsigned y = 0; y < HEIGHT; y++)
        for (unsigned x = 0; x < WIDTH; x++)
            c->image->planes[0][y * (unsigned)c->image->stride[0] + x] =
                (uint8_t)((x * y / 16 + (unsigned)c->pictures * 5) & 0xff);
    for (unsigned y = 0; y < HEIGHT / 2; y++) {
        memset(c->image->planes[1] + y * (unsigned)c->image->stride[1], 100, WIDTH / 2);
        memset(c->image->planes[2] + y * (unsigned)c->image->stride[2], 160, WIDTH / 2);
    }
    assert_int_equal(vpx_codec_encode(&c->encoder, c->image, c->pictures++, 1, 0, VPX_DL_REALTIME),
                     VPX_CODEC_OK);
    vpx_codec_iter_t iterator = NULL;
    const vpx_codec_cx_pkt_t *out;
    c->len = 0;
    while ((out = vpx_codec_get_cx_data(&c->encoder, &iterator))) {
        if (out->kind != VPX_CODEC_CX_FRAME_PKT)
            continue;
        assert_true(out->data.frame.sz <= sizeof c->superframe);
        memcpy(c->superframe, out->data.frame.buf, out->data.frame.sz);
        c->len = out->data.frame.sz;
    }
    assert_true(c->len > 0);
}

/** The layers' frames of a superframe, which libvpx has written. */
static size_t split(const struct camera *c, size_t sizes[static 8])
{
    uint8_t marker = c->superframe[c->len - 1];
    assert_int_equal(marker & 0xe0, 0xc0);
    size_t bytes = (marker >> 3 & 3u) + 1u, count = (marker & 7u) + 1u;
    const uint8_t *at = c->superframe + c->len - 1 - bytes * count;
    for (size_t i = 0; i < count; i++) {
        sizes[i] = 0;
        for (size_t k = 0; k < bytes; k++)
            sizes[i] |= (size_t)*at++ << (k * 8);
    }
    return count;
}

/** In packets, as over RTP; what the depacketiser makes of it. */
static void send(struct depack *depack, const struct camera *c, int64_t *seq,
                 struct depack_frame *ret)
{
    size_t sizes[8], at = 0, count = split(c, sizes);
    int er = ER_AGAIN;
    assert_int_equal(count, LAYERS);
    for (size_t i = 0; i < count; i++) {
        struct tape_packet *p = calloc(1, sizeof *p + sizes[i] + 3);
        assert_non_null(p);
        *p = (struct tape_packet){.seq = ++*seq,
                                  .timestamp = 3000 * c->pictures,
                                  .codec = CODEC_VP9,
                                  .payload_len = (uint16_t)(sizes[i] + 3),
                                  .flags = i + 1 == count ? TAPE_MARKER : 0};
        p->payload[0] = (uint8_t)(0x20 | 0x08 | 0x04 | (c->pictures == 1 ? 0 : 0x40));
        p->payload[1] = (uint8_t)(i << 1);
        memcpy(p->payload + 3, c->superframe + at, sizes[i]);
        er = depack_push(depack, p, ret);
        at += sizes[i];
        free(p);
    }
    assert_int_equal(er, 0);
}

/** FFmpeg's own decoder takes a superframe apart and shows every frame that is marked so. */
struct player {
    AVCodecContext *decoder;
    AVFrame *frame;
    unsigned shown;
};

static void play(struct player *p, const struct depack_frame *frame)
{
    AVPacket *packet = av_packet_alloc();
    assert_int_equal(av_new_packet(packet, (int)frame->len), 0);
    memcpy(packet->data, frame->data, frame->len);
    assert_int_equal(avcodec_send_packet(p->decoder, packet), 0);
    AVFrame *got = av_frame_alloc();
    p->shown = 0;
    while (avcodec_receive_frame(p->decoder, got) == 0) {
        p->shown++;
        av_frame_unref(p->frame);
        av_frame_move_ref(p->frame, got);
    }
    av_frame_free(&got);
    av_packet_free(&packet);
}

static void test_shows_the_highest_layer_alone(void **state)
{
    (void)state;
    struct camera *camera = calloc(1, sizeof *camera);
    struct depack *depack;
    vpx_codec_ctx_t original;
    av_log_set_level(AV_LOG_QUIET);
    const AVCodec *codec = avcodec_find_decoder_by_name("vp9");
    if (!codec)
        skip();
    struct player player = {.decoder = avcodec_alloc_context3(codec), .frame = av_frame_alloc()};
    player.decoder->thread_count = 1;
    assert_int_equal(avcodec_open2(player.decoder, codec, NULL), 0);
    assert_int_equal(vpx_codec_dec_init(&original, vpx_codec_vp9_dx(), NULL, 0), VPX_CODEC_OK);
    assert_int_equal(depack_new(&depack), 0);
    open_camera(camera);
    int64_t seq = 100;
    for (int i = 0; i < 40; i++) {
        struct depack_frame frame;
        take_picture(camera);
        send(depack, camera, &seq, &frame);
        assert_int_equal(frame.key, i == 0);
        if (frame.key)
            assert_true(frame.width == WIDTH && frame.height == HEIGHT);
        play(&player, &frame);
        assert_int_equal(player.shown, 1);
        assert_true(player.frame->width == WIDTH && player.frame->height == HEIGHT);
        assert_int_equal(
            vpx_codec_decode(&original, camera->superframe, (unsigned)camera->len, NULL, 0),
            VPX_CODEC_OK);
        vpx_codec_iter_t iterator = NULL;
        const vpx_image_t *right = vpx_codec_get_frame(&original, &iterator);
        assert_non_null(right);
        for (unsigned y = 0; y < HEIGHT; y++)
            assert_memory_equal(player.frame->data[0] + (int)y * player.frame->linesize[0],
                                right->planes[0] + y * (unsigned)right->stride[0], WIDTH);
    }
    close_camera(camera);
    depack_free(depack);
    vpx_codec_destroy(&original);
    avcodec_free_context(&player.decoder);
    av_frame_free(&player.frame);
    free(camera);
}

static void test_refuses(void **state)
{
    (void)state;
    uint8_t out[32];
    uint32_t width = 0;
    const uint8_t key[] = {0x82, 0x49, 0x83, 0x42, 0x00, 0x13, 0xf0, 0x0b, 0x30};
    assert_int_equal(vp9_hide(key, 0, &width, out), ER_TRUNCATED);
    assert_int_equal(vp9_hide(key, 5, &width, out), ER_UNSUPPORTED);
    assert_int_equal(vp9_hide(key, sizeof key, &width, out), (int)sizeof key);
    assert_int_equal(width, 320);
    assert_int_equal(out[0], 0x80);
    assert_int_equal(vp9_hide(out, sizeof key, &width, out), ER_UNSUPPORTED); /* hidden already */
    const uint8_t existing[] = {0x88}, other[] = {0xa2}, cut[] = {0x86, 0, 0, 0};
    assert_int_equal(vp9_hide(existing, 1, &width, out), ER_UNSUPPORTED);
    assert_int_equal(vp9_hide(other, 1, &width, out), ER_UNSUPPORTED);
    assert_int_equal(vp9_hide(cut, 4, &width, out), ER_TRUNCATED);
    /* as large as a frame before, which nobody knows */
    const uint8_t inter[16] = {0x87, 0, 0, 0x08};
    width = 0;
    assert_int_equal(vp9_hide(inter, sizeof inter, &width, out), ER_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shows_the_highest_layer_alone),
        cmocka_unit_test(test_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
