// SPDX-License-Identifier: Apache-2.0
/* Clips of H264, VP9 and AV1: recorded without encoding again, and played by FFmpeg's own decoders. */
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/er.h"
#include "media/record/clip.h"
#include "tests/unit/support/av_source.h"
#include "tests/unit/support/opus_source.h"
#include "tests/unit/support/scratch.h"

#define START_US UINT64_C(1700000000000000)
#define FRAME_US 40000

struct fixture {
    struct scratch scratch;
    struct opus_source voice;
    struct clip *clip;
    char *path;
    int64_t at_us;
    int64_t sound;
};

/** What a player finds. */
struct played {
    enum AVCodecID codec[4];
    unsigned tracks, pictures, broken;
    int width, height; /* of the last picture */
    char doctype[16];
    uint8_t first_private; /* of the first track of pictures */
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    scratch_make(&f->scratch);
    opus_source_tone(&f->voice, 300, 0.3);
    f->path = strdup(scratch_path(&f->scratch, "a"));
    const struct clip_config config = {.path = f->path, .start_unix_us = START_US};
    assert_int_equal(clip_new(&f->clip, &config), 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    clip_free(f->clip);
    scratch_remove(&f->scratch);
    free(f->path);
    free(f);
    return 0;
}

/** Pictures and sound for so long; the packets from picture `lose` on, so many, do not come. */
static void record(struct fixture *f, struct av_source *camera, int pictures, int lose, int lost)
{
    for (int i = 0; i < pictures; i++, f->at_us += FRAME_US) {
        struct av_picture picture;
        av_source_next(camera, 90000 + f->at_us * 9 / 100, i % 25 == 0, &picture);
        for (size_t k = 0; k < picture.count; k++)
            if (i < lose || i >= lose + lost)
                assert_int_equal(
                    clip_video(f->clip, picture.packets[k], START_US + (uint64_t)f->at_us), 0);
            else
                clip_video_gap(f->clip, 1);
        for (int k = 0; k < 2; k++, f->sound++)
            clip_audio(f->clip, 7, opus_source_packet(&f->voice, f->sound, 0),
                       START_US + (uint64_t)f->sound * 20000);
        assert_int_equal(clip_tick(f->clip, START_US + (uint64_t)f->at_us, 0), 0);
    }
}

static void read_doctype(struct played *p, const char *path)
{
    uint8_t head[64] = {0};
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_true(fread(head, 1, sizeof head, file) == sizeof head);
    fclose(file);
    const uint8_t *at = memmem(head, sizeof head, "\x42\x82", 2);
    assert_non_null(at);
    memcpy(p->doctype, at + 3, at[2] & 0x0f);
}

static void decode(struct played *p, AVCodecContext *decoder, const AVPacket *packet)
{
    AVFrame *frame = av_frame_alloc();
    if (avcodec_send_packet(decoder, packet) < 0)
        p->broken++;
    while (avcodec_receive_frame(decoder, frame) == 0) {
        p->pictures++;
        p->broken += frame->decode_error_flags || (frame->flags & AV_FRAME_FLAG_CORRUPT);
        p->width = frame->width;
        p->height = frame->height;
    }
    av_frame_free(&frame);
}

static struct played play(const char *path)
{
    struct played p = {0};
    AVFormatContext *context = NULL;
    AVCodecContext *decoders[4] = {NULL};
    read_doctype(&p, path);
    assert_int_equal(avformat_open_input(&context, path, NULL, NULL), 0);
    p.tracks = context->nb_streams;
    for (unsigned i = 0; i < p.tracks; i++) {
        const AVCodecParameters *par = context->streams[i]->codecpar;
        p.codec[i] = par->codec_id;
        if (i == 0 && par->extradata_size > 0)
            p.first_private = par->extradata[0];
        decoders[i] = avcodec_alloc_context3(avcodec_find_decoder(par->codec_id));
        avcodec_parameters_to_context(decoders[i], par);
        decoders[i]->thread_count = 1;
        assert_int_equal(avcodec_open2(decoders[i], decoders[i]->codec, NULL), 0);
    }
    AVPacket *packet = av_packet_alloc();
    while (av_read_frame(context, packet) >= 0) {
        if (p.codec[packet->stream_index] != AV_CODEC_ID_OPUS)
            decode(&p, decoders[packet->stream_index], packet);
        av_packet_unref(packet);
    }
    for (unsigned i = 0; i < p.tracks; i++) {
        if (p.codec[i] != AV_CODEC_ID_OPUS)
            decode(&p, decoders[i], NULL);
        avcodec_free_context(&decoders[i]);
    }
    av_packet_free(&packet);
    avformat_close_input(&context);
    return p;
}

static char *with(const struct fixture *f, const char *suffix)
{
    char *path = malloc(strlen(f->path) + 8);
    snprintf(path, strlen(f->path) + 8, "%s%s", f->path, suffix);
    return path;
}

static struct played finish(struct fixture *f, struct clip_result *result)
{
    assert_int_equal(clip_finish(f->clip, START_US + (uint64_t)f->at_us, result), 0);
    char *path = with(f, ".webm");
    struct played p = play(path);
    free(path);
    return p;
}

struct expectation {
    enum media_codec codec;
    enum AVCodecID id;
    const char *doctype;
    int first_private;
};

static const struct expectation all[] = {
    {CODEC_VP9, AV_CODEC_ID_VP9, "webm", -1},
    {CODEC_H264_CONSTRAINED_1, AV_CODEC_ID_H264, "matroska", 1},
    {CODEC_H264_CONSTRAINED, AV_CODEC_ID_H264, "matroska", 1},
    {CODEC_AV1, AV_CODEC_ID_AV1, "webm", 0x81},
};

static void records(struct fixture *f, const struct expectation *e)
{
    struct av_source *camera = av_source_new(e->codec, 320, 180);
    if (!camera)
        skip();
    struct clip_result result;
    record(f, camera, 75, 0, 0);
    struct played p = finish(f, &result);
    assert_int_equal(p.tracks, 2);
    assert_int_equal(p.codec[0], e->id);
    assert_int_equal(p.codec[1], AV_CODEC_ID_OPUS);
    assert_int_equal(p.pictures, 75);
    assert_int_equal(p.broken, 0);
    assert_string_equal(p.doctype, e->doctype);
    if (e->first_private >= 0)
        assert_int_equal(p.first_private, e->first_private);
    assert_true(result.width == 320 && result.height == 180);
    assert_int_equal(result.format, codec_describe(e->codec)->format);
    assert_true(result.has_video && result.has_audio && result.has_poster);
    assert_int_equal(result.gaps, 0);
    assert_in_range(result.duration_us, 2960000, 3000000);
    av_source_free(camera);
}

static void test_vp9(void **state)
{
    records(*state, &all[0]);
}

static void test_h264(void **state)
{
    records(*state, &all[1]);
}

static void test_h264_single_units(void **state)
{
    records(*state, &all[2]);
}

static void test_av1(void **state)
{
    records(*state, &all[3]);
}

/** Another size, so other parameter sets: they stand in the stream. */
static void resizes(struct fixture *f, enum media_codec codec)
{
    struct av_source *camera = av_source_new(codec, 320, 180);
    if (!camera)
        skip();
    struct clip_result result;
    record(f, camera, 30, 0, 0);
    av_source_resize(camera, 640, 360);
    record(f, camera, 30, 0, 0);
    struct played p = finish(f, &result);
    assert_int_equal(p.pictures, 60);
    assert_int_equal(p.broken, 0);
    assert_true(p.width == 640 && p.height == 360);
    assert_true(result.width == 320 && result.height == 180);
    av_source_free(camera);
}

static void test_h264_resizes(void **state)
{
    resizes(*state, CODEC_H264_CONSTRAINED_1);
}

static void test_av1_resizes(void **state)
{
    resizes(*state, CODEC_AV1);
}

static void test_vp9_resizes(void **state)
{
    resizes(*state, CODEC_VP9);
}

/** What is lost is a gap, up to the next key frame; nothing that comes out is broken. */
static void gaps(struct fixture *f, enum media_codec codec)
{
    struct av_source *camera = av_source_new(codec, 320, 180);
    if (!camera)
        skip();
    struct clip_result result;
    record(f, camera, 60, 10, 2); /* the next key frame is number 25 */
    struct played p = finish(f, &result);
    assert_int_equal(p.pictures, 45);
    assert_int_equal(p.broken, 0);
    assert_int_equal(result.gaps, 1);
    assert_int_equal(result.gap_us, 640000);
    av_source_free(camera);
}

static void test_gaps(void **state)
{
    gaps(*state, CODEC_H264_CONSTRAINED_1);
}

static void test_av1_gaps(void **state)
{
    gaps(*state, CODEC_AV1);
}

/** The process died: what it had written plays, whatever the codec. */
static void repairs(struct fixture *f, enum media_codec codec)
{
    struct av_source *camera = av_source_new(codec, 320, 180);
    if (!camera)
        skip();
    record(f, camera, 75, 0, 0);
    clip_free(f->clip);
    f->clip = NULL;
    struct clip_result result;
    assert_int_equal(clip_repair(NULL, f->path, &result), 0);
    char *path = with(f, ".webm");
    struct played p = play(path);
    free(path);
    assert_true(result.repaired && result.has_video && result.has_poster);
    assert_true(result.width == 320 && result.height == 180);
    assert_in_range(p.pictures, 65, 75);
    assert_int_equal(p.broken, 0);
    assert_int_equal(p.tracks, 2);
    av_source_free(camera);
}

static void test_h264_repairs(void **state)
{
    repairs(*state, CODEC_H264_CONSTRAINED_1);
}

static void test_av1_repairs(void **state)
{
    repairs(*state, CODEC_AV1);
}

/** The publisher went over to another codec: a track for each, one after the other. */
static void test_another_codec(void **state)
{
    struct fixture *f = *state;
    struct av_source *first = av_source_new(CODEC_VP9, 320, 180);
    struct av_source *second = av_source_new(CODEC_H264_CONSTRAINED_1, 640, 360);
    if (!first || !second)
        skip();
    struct clip_result result;
    record(f, first, 30, 0, 0);
    clip_video_gap(f->clip, 0);
    record(f, second, 30, 0, 0);
    struct played p = finish(f, &result);
    assert_int_equal(p.tracks, 3);
    assert_true(p.codec[0] == AV_CODEC_ID_VP9 && p.codec[2] == AV_CODEC_ID_H264);
    assert_int_equal(p.pictures, 60);
    assert_int_equal(p.broken, 0);
    assert_string_equal(p.doctype, "matroska");
    av_source_free(first);
    av_source_free(second);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_vp9),          TEST(test_h264),         TEST(test_h264_single_units),
        TEST(test_av1),          TEST(test_h264_resizes), TEST(test_av1_resizes),
        TEST(test_vp9_resizes),  TEST(test_gaps),         TEST(test_av1_gaps),
        TEST(test_h264_repairs), TEST(test_av1_repairs),  TEST(test_another_codec),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
