// SPDX-License-Identifier: Apache-2.0
/* Measures of pictures made by hand, whose values are known. */
#include "media/record/measure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { W = 64, H = 48 };

static uint8_t plane[W * H];

static struct still picture(bool full)
{
    return (struct still){.width = W,
                          .height = H,
                          .full_range = full,
                          .planes = {plane, plane, plane},
                          .stride = {W, W, W}};
}

static void assert_near(double value, double wanted)
{
    assert_true(value > wanted - 0.02 && value < wanted + 0.02);
}

static void a_flat_picture_is_not_sharp(void **state)
{
    (void)state;
    struct still image = picture(true);
    memset(plane, 100, sizeof plane);
    struct measures m = measure_picture(&image);
    assert_near(m.sharpness, 0);
    assert_near(m.luma, 100);
    assert_near(measure_luma(&image), 100);
    assert_true(m.dark < 0.001 && m.bright < 0.001);
}

/** A chessboard of single pixels: the Laplacian is +-4 times its contrast, everywhere. */
static void a_chessboard_is(void **state)
{
    (void)state;
    struct still image = picture(true);
    for (unsigned i = 0; i < sizeof plane; i++)
        plane[i] = (i % W + i / W) % 2 ? 110 : 100;
    assert_near(measure_picture(&image).sharpness, 40 * 40);
    for (unsigned i = 0; i < sizeof plane; i++)
        plane[i] = (i % W + i / W) % 2 ? 103 : 100;
    assert_near(measure_picture(&image).sharpness, 12 * 12);
}

/** Video levels come out as those of full range. */
static void ranges_are_told_apart(void **state)
{
    (void)state;
    struct still image = picture(false);
    for (unsigned i = 0; i < sizeof plane; i++)
        plane[i] = i % W < W / 4 ? 16 : i % W < W / 2 ? 235 : 125;
    struct measures m = measure_picture(&image);
    assert_near(m.dark, 0.25);
    assert_near(m.bright, 0.25);
    assert_near(m.luma, 255 / 4.0 + (125 - 16) * 255 / 219.0 / 2);
    assert_near(measure_luma(&image), m.luma);
    image.full_range = true;
    m = measure_picture(&image);
    assert_true(m.dark < 0.001 && m.bright < 0.001);
    double full = m.sharpness;
    image.full_range = false;
    m = measure_picture(&image);
    assert_near(m.sharpness / full, 255 * 255 / (219.0 * 219));
}

static void tiny_pictures_have_no_sharpness(void **state)
{
    (void)state;
    struct still image = picture(true);
    image.width = 2;
    assert_near(measure_picture(&image).sharpness, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flat_picture_is_not_sharp),
        cmocka_unit_test(a_chessboard_is),
        cmocka_unit_test(ranges_are_told_apart),
        cmocka_unit_test(tiny_pictures_have_no_sharpness),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
