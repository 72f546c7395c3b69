// SPDX-License-Identifier: Apache-2.0
/* Pictures made by hand as JPEG: their size and levels; files that are whole or not there. */
#include "media/record/jpeg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jpeglib.h>

#include "base/er.h"
#include "tests/unit/support/scratch.h"

enum { W = 65, H = 33, CHROMA = 33 };

static uint8_t luma[W * H], chroma[CHROMA * CHROMA];

/** Left half black, right half white, without colour. */
static struct still picture(bool full)
{
    memset(chroma, 128, sizeof chroma);
    for (unsigned i = 0; i < sizeof luma; i++)
        luma[i] = (uint8_t)(i % W < W / 2 ? (full ? 0 : 16) : (full ? 255 : 235));
    return (struct still){.width = W,
                          .height = H,
                          .full_range = full,
                          .planes = {luma, chroma, chroma},
                          .stride = {W, CHROMA, CHROMA}};
}

struct grey {
    unsigned width, height;
    uint8_t left, right;
};

static struct grey decode(const uint8_t *jpeg, size_t len)
{
    struct jpeg_error_mgr errors;
    struct jpeg_decompress_struct d = {.err = jpeg_std_error(&errors)};
    uint8_t row[W * 3];
    JSAMPROW rows[1] = {row};
    jpeg_create_decompress(&d);
    jpeg_mem_src(&d, jpeg, len);
    assert_int_equal(jpeg_read_header(&d, TRUE), JPEG_HEADER_OK);
    d.out_color_space = JCS_GRAYSCALE;
    jpeg_start_decompress(&d);
    assert_true(d.output_width <= W);
    jpeg_read_scanlines(&d, rows, 1);
    struct grey g = {d.output_width, d.output_height, row[1], row[d.output_width - 2]};
    jpeg_destroy_decompress(&d);
    return g;
}

static struct grey encode(bool full, unsigned max_width)
{
    struct still image = picture(full);
    uint8_t *jpeg;
    size_t len;
    assert_int_equal(jpeg_encode(&image, max_width, 95, &jpeg, &len), 0);
    struct grey g = decode(jpeg, len);
    free(jpeg);
    return g;
}

static void levels_are_those_of_full_range(void **state)
{
    (void)state;
    for (unsigned full = 0; full < 2; full++) {
        struct grey g = encode(full, 0);
        assert_true(g.width == W && g.height == H);
        assert_in_range(g.left, 0, 3);
        assert_in_range(g.right, 252, 255);
    }
}

static void wide_ones_are_scaled_down(void **state)
{
    (void)state;
    struct grey g = encode(false, 32);
    assert_true(g.width == 32 && g.height == 16);
    assert_in_range(g.left, 0, 6);
    assert_in_range(g.right, 249, 255);
    g = encode(false, W);
    assert_int_equal(g.width, W);
}

static void a_file_is_whole_or_not_there(void **state)
{
    (void)state;
    struct scratch s;
    size_t len;
    scratch_make(&s);
    assert_int_equal(jpeg_write(NULL, scratch_path(&s, "a.jpg"), (const uint8_t *)"abc", 3), 0);
    assert_int_equal(jpeg_write(NULL, scratch_path(&s, "a.jpg"), (const uint8_t *)"defg", 4), 0);
    uint8_t *file = scratch_read(&s, "a.jpg", &len);
    assert_true(len == 4 && memcmp(file, "defg", 4) == 0);
    free(file);
    assert_int_equal(jpeg_write(NULL, scratch_path(&s, "no/a.jpg"), (const uint8_t *)"a", 1),
                     ER_IO);
    assert_int_equal(scratch_count(&s), 1);
    scratch_remove(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_are_those_of_full_range),
        cmocka_unit_test(wide_ones_are_scaled_down),
        cmocka_unit_test(a_file_is_whole_or_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
