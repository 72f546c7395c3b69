// SPDX-License-Identifier: Apache-2.0
/* Two tracks in one order of time. */
#include "media/record/weave.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void put(struct weave *w, enum weave_track track, int64_t at_ms, size_t len)
{
    uint8_t data[9000];
    memset(data, (int)(at_ms * 2 + track) & 0xff, sizeof data);
    const struct weave_frame f = {track, data, len, at_ms, track == WEAVE_SOUND};
    assert_int_equal(weave_put(w, &f), 0);
}

static void expect(struct weave *w, bool last, enum weave_track track, int64_t at_ms, size_t len)
{
    struct weave_frame f;
    assert_true(weave_next(w, last, &f));
    assert_int_equal(f.track, track);
    assert_int_equal(f.at_ms, at_ms);
    assert_int_equal(f.key, track == WEAVE_SOUND);
    assert_int_equal(f.len, len);
    for (size_t i = 0; i < len; i++)
        assert_int_equal(f.data[i], (at_ms * 2 + track) & 0xff);
}

static void earlier_comes_first(void **state)
{
    (void)state;
    struct weave w = {0};
    struct weave_frame f;
    assert_false(weave_next(&w, true, &f));
    put(&w, WEAVE_PICTURE, 10, 500);
    put(&w, WEAVE_PICTURE, 40, 600);
    assert_false(weave_next(&w, false, &f)); /* sound of before may come */
    put(&w, WEAVE_SOUND, 0, 30);
    put(&w, WEAVE_SOUND, 20, 31);
    put(&w, WEAVE_SOUND, 40, 32);
    expect(&w, false, WEAVE_SOUND, 0, 30);
    expect(&w, false, WEAVE_PICTURE, 10, 500);
    expect(&w, false, WEAVE_SOUND, 20, 31);
    expect(&w, false, WEAVE_PICTURE, 40, 600); /* of two at a time the picture */
    assert_false(weave_next(&w, false, &f));
    assert_int_equal(weave_count(&w, WEAVE_SOUND), 1);
    expect(&w, true, WEAVE_SOUND, 40, 32);
    assert_false(weave_next(&w, true, &f));
    weave_clear(&w);
}

static void one_alone_is_not_waited_with_for_ever(void **state)
{
    (void)state;
    struct weave w = {0};
    struct weave_frame f;
    put(&w, WEAVE_PICTURE, 100, 10);
    put(&w, WEAVE_PICTURE, 100 + WEAVE_SKEW_MS, 10);
    assert_false(weave_next(&w, false, &f));
    put(&w, WEAVE_PICTURE, 101 + WEAVE_SKEW_MS, 10);
    expect(&w, false, WEAVE_PICTURE, 100, 10);
    assert_false(weave_next(&w, false, &f));
    weave_clear(&w);
}

static void what_was_taken_makes_room(void **state)
{
    (void)state;
    struct weave w = {0};
    for (int64_t at_ms = 0; at_ms < 3000; at_ms += 20) {
        put(&w, WEAVE_SOUND, at_ms, 9000);
        expect(&w, true, WEAVE_SOUND, at_ms, 9000);
    }
    assert_true(w.lines[WEAVE_SOUND].size <= 262144);
    weave_clear(&w);
}

/** Pictures run ahead by more and less, so that what waits moves about in memory. */
static void what_waits_keeps_its_bytes(void **state)
{
    (void)state;
    struct weave w = {0};
    int64_t heard_ms = 0, seen_ms = 0;
    for (int64_t at_ms = 0; at_ms < 60000; at_ms += 33) {
        put(&w, WEAVE_PICTURE, at_ms, (size_t)(at_ms * 7919 % 8999) + 1);
        int64_t until_ms = at_ms - at_ms / 300 % 4500;
        for (; heard_ms < until_ms; heard_ms += 20)
            put(&w, WEAVE_SOUND, heard_ms, 50);
        for (struct weave_frame f; weave_next(&w, false, &f);) {
            for (size_t i = 0; i < f.len; i++)
                assert_int_equal(f.data[i], (f.at_ms * 2 + f.track) & 0xff);
            if (f.track != WEAVE_PICTURE)
                continue;
            assert_int_equal(f.at_ms, seen_ms);
            assert_int_equal(f.len, (size_t)(seen_ms * 7919 % 8999) + 1);
            seen_ms += 33;
        }
    }
    assert_true(seen_ms > 50000);
    assert_true(w.lines[WEAVE_PICTURE].size <= 4194304); /* what waits at most is 1.2 MB */
    weave_clear(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(earlier_comes_first),
        cmocka_unit_test(one_alone_is_not_waited_with_for_ever),
        cmocka_unit_test(what_was_taken_makes_room),
        cmocka_unit_test(what_waits_keeps_its_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
