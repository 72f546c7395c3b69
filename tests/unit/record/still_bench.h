// SPDX-License-Identifier: Apache-2.0
/* Key frames to decode, and what must come out: the pattern of av_source.h. */
#ifndef LOUPE_TESTS_UNIT_RECORD_STILL_BENCH_H
#define LOUPE_TESTS_UNIT_RECORD_STILL_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "media/record/depack.h"
#include "media/record/still.h"
#include "tests/unit/support/av_source.h"

/** The frame of a picture of 320x180 as the container would have it, valid as long as `depack`. The
 *  test is skipped where there is no encoder. */
static inline void make(enum media_codec codec, struct depack *depack, struct depack_frame *ret)
{
    struct av_source *source = av_source_new(codec, 320, 180);
    if (!source)
        skip();
    struct av_picture picture;
    int er = ER_AGAIN;
    av_source_next(source, 3000, true, &picture);
    for (size_t i = 0; i < picture.count; i++)
        er = depack_push(depack, picture.packets[i], ret);
    assert_int_equal(er, 0);
    av_source_free(source);
}

static inline void assert_is_the_pattern(const struct still *still)
{
    assert_true(still->width == 320 && still->height == 180);
    assert_in_range(still->planes[0][90 * still->stride[0] + 160], 85, 95);
    assert_in_range(still->planes[0][10 * still->stride[0] + 10], 220, 240); /* the square */
    assert_in_range(still->planes[1][45 * still->stride[1] + 80], 95, 105);
    assert_in_range(still->planes[2][45 * still->stride[2] + 80], 155, 165);
    assert_false(still->full_range);
}

#endif
