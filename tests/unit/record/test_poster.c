// SPDX-License-Identifier: Apache-2.0
/* The still of a clip. */
#include "media/record/poster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jpeglib.h>

#include "base/er.h"
#include "tests/unit/support/vp8_source.h"

struct picture {
    unsigned width, height;
    uint8_t *rgb;
};

static struct picture decode(const uint8_t *jpeg, size_t len)
{
    struct jpeg_error_mgr errors;
    struct jpeg_decompress_struct d = {.err = jpeg_std_error(&errors)};
    jpeg_create_decompress(&d);
    jpeg_mem_src(&d, jpeg, len);
    assert_int_equal(jpeg_read_header(&d, TRUE), JPEG_HEADER_OK);
    jpeg_start_decompress(&d);
    struct picture p = {.width = d.output_width, .height = d.output_height};
    p.rgb = malloc((size_t)p.width * p.height * 3);
    assert_non_null(p.rgb);
    while (d.output_scanline < d.output_height) {
        JSAMPROW rows[1] = {p.rgb + (size_t)d.output_scanline * p.width * 3};
        jpeg_read_scanlines(&d, rows, 1);
    }
    jpeg_finish_decompress(&d);
    assert_int_equal(errors.num_warnings, 0);
    jpeg_destroy_decompress(&d);
    return p;
}

static struct picture make(unsigned width, unsigned height)
{
    struct vp8_source *source = vp8_source_new(width, height);
    vp8_source_set_mtu(source, 60000);
    struct vp8_picture picture;
    vp8_source_next(source, 3000, true, &picture);
    uint8_t *jpeg = NULL;
    size_t len;
    assert_int_equal(poster_make(FORMAT_VP8, picture.frame, picture.len, &jpeg, &len), 0);
    vp8_source_free(source);
    struct picture p = decode(jpeg, len);
    free(jpeg);
    return p;
}

static void assert_near(const uint8_t *rgb, int r, int g, int b)
{
    assert_in_range(rgb[0], r - 14, r + 14);
    assert_in_range(rgb[1], g - 14, g + 14);
    assert_in_range(rgb[2], b - 14, b + 14);
}

static void test_keeps_size_and_colour(void **state)
{
    (void)state;
    struct picture p = make(320, 180);
    assert_int_equal(p.width, 320);
    assert_int_equal(p.height, 180);
    /* BT.601 of (90, 100, 160) and of (230, 100, 160), the square in the corner. */
    assert_near(p.rgb + (90 * 320 + 160) * 3, 137, 71, 30);
    assert_near(p.rgb + (12 * 320 + 20) * 3, 255, 234, 193);
    free(p.rgb);
}

static void test_scales_down(void **state)
{
    (void)state;
    struct picture p = make(1282, 722);
    assert_int_equal(p.width, POSTER_WIDTH);
    assert_int_equal(p.height, 360);
    assert_near(p.rgb + (180 * 640 + 320) * 3, 137, 71, 30);
    free(p.rgb);
}

static void test_takes_odd_sizes(void **state)
{
    (void)state;
    struct picture p = make(17, 33);
    assert_int_equal(p.width, 17);
    assert_int_equal(p.height, 33);
    free(p.rgb);
}

static void test_refuses_what_is_no_key_frame(void **state)
{
    (void)state;
    struct vp8_source *source = vp8_source_new(64, 64);
    struct vp8_picture picture;
    uint8_t *jpeg;
    size_t len;
    vp8_source_next(source, 3000, true, &picture);
    assert_int_equal(poster_make(FORMAT_VP8, picture.frame, 9, &jpeg, &len), ER_MALFORMED);
    uint8_t large[64] = {0, 0, 0, 0x9d, 0x01, 0x2a, 0xff, 0x3f, 0xff, 0x3f};
    assert_int_equal(poster_make(FORMAT_VP8, large, sizeof large, &jpeg, &len), ER_UNSUPPORTED);
    uint8_t torn[64] = {0xf0, 0xff, 0xff, 0x9d, 0x01, 0x2a, 64, 0, 64, 0};
    assert_int_equal(poster_make(FORMAT_VP8, torn, sizeof torn, &jpeg, &len), ER_MALFORMED);
    vp8_source_next(source, 6000, false, &picture);
    assert_int_equal(poster_make(FORMAT_VP8, picture.frame, picture.len, &jpeg, &len),
                     ER_MALFORMED);
    vp8_source_free(source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keeps_size_and_colour),
        cmocka_unit_test(test_scales_down),
        cmocka_unit_test(test_takes_odd_sizes),
        cmocka_unit_test(test_refuses_what_is_no_key_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
