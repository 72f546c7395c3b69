// SPDX-License-Identifier: Apache-2.0
/* The brightness of a row of pictures, from their packets. */
#include "media/record/curve.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "tests/unit/support/vp8_source.h"

enum { MOST = 256, PICTURES = 20, FRAME_US = 40000 };

struct row {
    struct tape_packet *packets[MOST];
    uint64_t captures[MOST];
    size_t count;
};

static struct row film(void)
{
    struct row r = {.count = 0};
    struct vp8_source *source = vp8_source_new(160, 120);
    struct vp8_picture picture;
    for (unsigned i = 0; i < PICTURES; i++) {
        vp8_source_next(source, 3600 * (i + 1), i == 0, &picture);
        for (size_t k = 0; k < picture.count; k++) {
            size_t size = sizeof *picture.packets[k] + picture.packets[k]->payload_len;
            assert_true(r.count < MOST);
            r.packets[r.count] = malloc(size);
            assert_non_null(r.packets[r.count]);
            memcpy(r.packets[r.count], picture.packets[k], size);
            r.captures[r.count++] = 1000000 + i * FRAME_US;
        }
    }
    vp8_source_free(source);
    return r;
}

static void row_free(struct row *r)
{
    for (size_t i = 0; i < r->count; i++)
        free(r->packets[i]);
}

static int make(const struct row *r, uint64_t from_us, struct curve **ret)
{
    return curve_make((const struct tape_packet *const *)r->packets, r->captures, r->count, from_us,
                      ret);
}

static void each_picture_from_then_on(void **state)
{
    (void)state;
    struct row r = film();
    struct curve *curve;
    assert_int_equal(make(&r, 1, &curve), 0);
    assert_int_equal(curve->count, PICTURES);
    for (size_t i = 0; i < curve->count; i++) {
        assert_int_equal(curve->samples[i].unix_us, 1000000 + i * FRAME_US);
        assert_true(curve->samples[i].luma > 70 && curve->samples[i].luma < 120);
    }
    free(curve);
    assert_int_equal(make(&r, 1000000 + 5 * FRAME_US, &curve), 0);
    assert_int_equal(curve->count, PICTURES - 5);
    assert_int_equal(curve->samples[0].unix_us, 1000000 + 5 * FRAME_US);
    free(curve);
    row_free(&r);
}

static void without_a_picture_there_is_none(void **state)
{
    (void)state;
    struct row r = film();
    struct curve *curve;
    assert_int_equal(make(&r, UINT64_MAX, &curve), ER_MALFORMED);
    struct row cut = r; /* the key frame is missing */
    cut.count = r.count - 5;
    memmove(cut.packets, r.packets + 5, cut.count * sizeof cut.packets[0]);
    while (cut.count > 0 && cut.packets[0]->flags & TAPE_KEY_FRAME)
        cut.count = 0;
    assert_int_equal(make(&cut, 1, &curve), ER_MALFORMED);
    row_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_picture_from_then_on),
        cmocka_unit_test(without_a_picture_there_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
