// SPDX-License-Identifier: Apache-2.0
/* Stills of every codec from the packets of a group of pictures. */
#include "media/record/snapshot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jpeglib.h>
#include <openssl/evp.h>

#include "base/er.h"
#include "media/record/depack.h"
#include "tests/unit/support/av_source.h"
#include "tests/unit/support/scratch.h"
#include "tests/unit/support/vp8_source.h"

enum { MOST = 512, PICTURES = 12 };

/** Packets copied, because the cameras keep those of one picture only. */
struct group {
    struct tape_packet *packets[MOST];
    size_t count;
};

static void group_add(struct group *g, const struct tape_packet *const *packets, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t size = sizeof *packets[i] + packets[i]->payload_len + packets[i]->descriptor_len;
        assert_true(g->count < MOST);
        g->packets[g->count] = malloc(size);
        assert_non_null(g->packets[g->count]);
        memcpy(g->packets[g->count++], packets[i], size);
    }
}

static void group_free(struct group *g)
{
    for (size_t i = 0; i < g->count; i++)
        free(g->packets[i]);
}

static void make_vp8(struct group *g, unsigned width, unsigned height, unsigned pictures,
                     size_t mtu)
{
    struct vp8_source *source = vp8_source_new(width, height);
    struct vp8_picture picture;
    vp8_source_set_mtu(source, mtu);
    for (unsigned i = 0; i < pictures; i++) {
        vp8_source_next(source, 3000 * (i + 1), i == 0, &picture);
        group_add(g, picture.packets, picture.count);
    }
    vp8_source_free(source);
}

static void make_av(struct group *g, enum media_codec codec)
{
    struct av_source *source = av_source_new(codec, 320, 180);
    struct av_picture picture;
    if (!source)
        skip();
    for (unsigned i = 0; i < PICTURES; i++) {
        av_source_next(source, 3000 * (i + 1), i == 0, &picture);
        group_add(g, picture.packets, picture.count);
    }
    av_source_free(source);
}

static int snapshot(const struct group *g, const char *path, struct snapshot *ret)
{
    return snapshot_make(NULL, (const struct tape_packet *const *)g->packets, g->count, path, ret);
}

/** Width and height of a JPEG; its first row's grey in *ret_grey. */
static void look(struct scratch *s, const char *name, unsigned *ret_width, unsigned *ret_height)
{
    size_t len;
    uint8_t *jpeg = scratch_read(s, name, &len);
    struct jpeg_error_mgr errors;
    struct jpeg_decompress_struct d = {.err = jpeg_std_error(&errors)};
    jpeg_create_decompress(&d);
    jpeg_mem_src(&d, jpeg, len);
    assert_int_equal(jpeg_read_header(&d, TRUE), JPEG_HEADER_OK);
    *ret_width = d.image_width;
    *ret_height = d.image_height;
    jpeg_destroy_decompress(&d);
    free(jpeg);
}

/** The hash that the recorder of a clip would have of the last frame. */
static void hash_in_clip(const struct group *g, uint8_t ret[32])
{
    struct depack *depack;
    struct depack_frame frame;
    assert_int_equal(depack_new(&depack), 0);
    for (size_t i = 0; i < g->count; i++)
        if (depack_push(depack, g->packets[i], &frame) == 0)
            assert_int_equal(EVP_Digest(frame.data, frame.len, ret, NULL, EVP_sha256(), NULL), 1);
    depack_free(depack);
}

static void check(const struct group *g, enum codec_format format)
{
    struct scratch s;
    struct snapshot still;
    uint8_t hash[32], jpeg_hash[32];
    unsigned width, height;
    size_t len;
    scratch_make(&s);
    assert_int_equal(snapshot(g, scratch_path(&s, "a"), &still), 0);
    assert_true(still.width == 320 && still.height == 180 && still.format == format);
    assert_int_equal(still.frame_timestamp, 3000 * PICTURES);
    assert_false(still.frame_key);
    hash_in_clip(g, hash);
    assert_memory_equal(still.frame_sha256, hash, 32);
    assert_true(still.measures.luma > 70 && still.measures.luma < 130);
    assert_true(still.measures.sharpness > 1);
    look(&s, "a.jpg", &width, &height);
    assert_true(width == 320 && height == 180);
    uint8_t *jpeg = scratch_read(&s, "a.jpg", &len);
    assert_int_equal(EVP_Digest(jpeg, len, jpeg_hash, NULL, EVP_sha256(), NULL), 1);
    assert_memory_equal(still.sha256, jpeg_hash, 32);
    assert_int_equal(still.bytes, len);
    free(jpeg);
    assert_int_equal(scratch_count(&s), 2);
    if (format == FORMAT_AV1)
        assert_int_equal(still.quantizer, STILL_NO_QUANTIZER);
    else
        assert_in_range(still.quantizer, 0, 255);
    scratch_remove(&s);
}

static void test_vp8(void **state)
{
    (void)state;
    struct group g = {.count = 0};
    make_vp8(&g, 320, 180, PICTURES, 1100);
    check(&g, FORMAT_VP8);
    group_free(&g);
}

static void all_of(enum media_codec codec, enum codec_format format)
{
    struct group g = {.count = 0};
    make_av(&g, codec);
    check(&g, format);
    group_free(&g);
}

static void test_vp9(void **state)
{
    (void)state;
    all_of(CODEC_VP9, FORMAT_VP9);
}

static void test_h264(void **state)
{
    (void)state;
    all_of(CODEC_H264_CONSTRAINED_1, FORMAT_H264);
}

static void test_av1(void **state)
{
    (void)state;
    all_of(CODEC_AV1, FORMAT_AV1);
}

static void test_a_wide_one_has_a_small_one(void **state)
{
    (void)state;
    struct group g = {.count = 0};
    struct scratch s;
    struct snapshot still;
    unsigned width, height;
    scratch_make(&s);
    make_vp8(&g, 1280, 720, 1, 1100);
    assert_int_equal(snapshot(&g, scratch_path(&s, "a"), &still), 0);
    assert_true(still.frame_key);
    look(&s, "a.jpg", &width, &height);
    assert_true(width == 1280 && height == 720);
    look(&s, "a.small.jpg", &width, &height);
    assert_true(width == SNAPSHOT_SMALL_WIDTH && height == 180);
    group_free(&g);
    scratch_remove(&s);
}

static void test_no_picture_no_file(void **state)
{
    (void)state;
    struct group g = {.count = 0}, cut;
    struct scratch s;
    struct snapshot still;
    scratch_make(&s);
    make_vp8(&g, 320, 180, 3, 100);
    cut = g;
    cut.count = 0;
    assert_int_equal(snapshot(&cut, scratch_path(&s, "a"), &still), ER_MALFORMED);
    cut.count = 1; /* the key frame's first packet, its end missing */
    assert_int_equal(snapshot(&cut, scratch_path(&s, "a"), &still), ER_MALFORMED);
    assert_int_equal(snapshot(&g, scratch_path(&s, "none/a"), &still), ER_IO);
    assert_int_equal(scratch_count(&s), 0);
    group_free(&g);
    scratch_remove(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vp8),
        cmocka_unit_test(test_vp9),
        cmocka_unit_test(test_h264),
        cmocka_unit_test(test_av1),
        cmocka_unit_test(test_a_wide_one_has_a_small_one),
        cmocka_unit_test(test_no_picture_no_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
