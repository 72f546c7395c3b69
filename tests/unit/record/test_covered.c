// SPDX-License-Identifier: Apache-2.0
/* A lens that is covered for a second is found in the clip, and when; what merely stands still, or is
 * dark with something in it, is not taken for that. */
#include "media/record/covered.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/str.h"
#include "media/framelog.h"
#include "media/record/clip.h"
#include "tests/unit/support/scratch.h"
#include "tests/unit/support/vp8_source.h"

#define START_US UINT64_C(1700000000000000)
#define FRAME_MS 40
#define MARKS 16

struct scene {
    struct scratch scratch;
    struct vp8_source *camera;
    struct clip *clip;
    char path[100];
    int64_t at_ms;
    unsigned key_every_ms;
    size_t count; /* of marks found, but for sizes */
    struct framelog_record marks[MARKS];
    bool checked;
};

static struct scene *scene_open(void **state, bool hurry)
{
    static struct scene s;
    s = (struct scene){.camera = vp8_source_new(320, 240), .key_every_ms = 100000};
    vp8_source_set_mtu(s.camera, 1200);
    scratch_make(&s.scratch);
    str_copy(s.path, sizeof s.path, scratch_path(&s.scratch, "clip"));
    const struct clip_config config = {.path = s.path, .start_unix_us = START_US, .hurry = hurry};
    assert_int_equal(clip_new(&s.clip, &config), 0);
    *state = &s;
    return &s;
}

static int setup(void **state)
{
    (void)scene_open(state, false);
    return 0;
}

static int teardown(void **state)
{
    struct scene *s = *state;
    clip_free(s->clip);
    vp8_source_free(s->camera);
    scratch_remove(&s->scratch);
    return 0;
}

/** The camera looks at that for so long. */
static void look(struct scene *s, enum vp8_scene what, int64_t ms)
{
    int64_t until_ms = s->at_ms + ms;
    vp8_source_look(s->camera, what);
    for (; s->at_ms < until_ms; s->at_ms += FRAME_MS) {
        struct vp8_picture picture;
        uint64_t unix_us = START_US + (uint64_t)s->at_ms * 1000;
        bool key = s->at_ms % s->key_every_ms == 0;
        vp8_source_next(s->camera, 90000 + s->at_ms * 90, key, &picture);
        for (size_t i = 0; i < picture.count; i++)
            assert_int_equal(clip_video(s->clip, picture.packets[i], unix_us), 0);
        assert_int_equal(clip_tick(s->clip, unix_us, 0), 0);
    }
}

static void finish(struct scene *s)
{
    struct clip_result result;
    struct framelog_record r;
    assert_int_equal(clip_finish(s->clip, START_US + (uint64_t)s->at_ms * 1000, &result), 0);
    size_t len;
    uint8_t *text = scratch_read(&s->scratch, "clip.framelog", &len);
    struct framelog_reader reader = framelog_read((struct span){(const char *)text, len});
    while (framelog_next(&reader, &r) == 0) {
        if (r.type != FRAMELOG_MARK || r.mark == FRAMELOG_SIZE)
            continue;
        if (r.mark == FRAMELOG_LENS_CHECKED)
            s->checked = true;
        else if (s->count < MARKS)
            s->marks[s->count++] = r;
    }
    assert_true(reader.ended);
    free(text);
}

static void expect_mark(const struct scene *s, size_t i, enum framelog_mark mark, uint64_t at_ms)
{
    assert_true(i < s->count);
    assert_int_equal(s->marks[i].mark, mark);
    assert_in_range(s->marks[i].at_ms, at_ms - 80, at_ms + 500);
}

static void three_seconds_are_found(void **state)
{
    struct scene *s = *state;
    look(s, VP8_SCENE_WAVING, 2000);
    look(s, VP8_SCENE_COVERED, 3000);
    look(s, VP8_SCENE_WAVING, 1000);
    finish(s);
    assert_true(s->checked);
    assert_int_equal(s->count, 2);
    expect_mark(s, 0, FRAMELOG_COVERED, 2000);
    expect_mark(s, 1, FRAMELOG_UNCOVERED, 5000);
}

/** They take long there, and the one before has run through all of the code. */
static void not_under_valgrind(void)
{
    if (getenv("LOUPE_VALGRIND"))
        skip();
}

static void a_second_is_found_and_half_a_second_is_not(void **state)
{
    struct scene *s = *state;
    not_under_valgrind();
    look(s, VP8_SCENE_STANDING, 4000);
    look(s, VP8_SCENE_COVERED, 480);
    look(s, VP8_SCENE_STANDING, 4000);
    look(s, VP8_SCENE_COVERED, 1080);
    look(s, VP8_SCENE_STANDING, 2000);
    finish(s);
    assert_true(s->checked);
    assert_int_equal(s->count, 2);
    expect_mark(s, 0, FRAMELOG_COVERED, 8480);
    expect_mark(s, 1, FRAMELOG_UNCOVERED, 9560);
}

static void what_stands_still_is_not_covered(void **state)
{
    struct scene *s = *state;
    not_under_valgrind();
    s->key_every_ms = 4000;
    look(s, VP8_SCENE_WAVING, 3000);
    look(s, VP8_SCENE_FROZEN, 9000);
    look(s, VP8_SCENE_STANDING, 5000);
    look(s, VP8_SCENE_NIGHT, 6000);
    look(s, VP8_SCENE_FROZEN, 4000);
    finish(s);
    assert_true(s->checked);
    assert_int_equal(s->count, 0);
}

/** From the beginning, over key frames, and to the end. */
static void a_lens_that_stays_covered_is_one_stretch(void **state)
{
    struct scene *s = *state;
    not_under_valgrind();
    s->key_every_ms = 2000;
    look(s, VP8_SCENE_COVERED, 7000);
    look(s, VP8_SCENE_WAVING, 3000);
    look(s, VP8_SCENE_COVERED, 5000);
    finish(s);
    assert_int_equal(s->count, 3);
    assert_int_equal(s->marks[0].mark, FRAMELOG_COVERED);
    assert_in_range(s->marks[0].at_ms, 0, 600);
    expect_mark(s, 1, FRAMELOG_UNCOVERED, 7000);
    expect_mark(s, 2, FRAMELOG_COVERED, 10000);
    assert_true(s->checked);
}

static void a_look_back_is_looked_through_too(void **state)
{
    struct scene *s = *state;
    not_under_valgrind();
    (void)teardown(state);
    s = scene_open(state, true);
    look(s, VP8_SCENE_WAVING, 3000);
    look(s, VP8_SCENE_COVERED, 2000);
    look(s, VP8_SCENE_WAVING, 1000);
    finish(s);
    assert_true(s->checked);
    assert_int_equal(s->count, 2);
    expect_mark(s, 0, FRAMELOG_COVERED, 3000);
    expect_mark(s, 1, FRAMELOG_UNCOVERED, 5000);
}

static void note(struct covered *c, bool key, size_t len, uint64_t at_ms)
{
    const struct depack_frame f = {.key = key, .len = len, .width = 1280, .height = 720};
    covered_note(c, &f, at_ms);
}

static void only_small_pictures_are_candidates(void **state)
{
    static struct covered c;
    (void)state;
    c = (struct covered){0};
    note(&c, true, 40000, 0);
    assert_false(covered_end(&c));
    for (uint64_t i = 1; i < 100; i++)
        note(&c, false, i < 30 ? 9000 : i < 45 ? 1500 : i < 60 ? 2500 : 3200, i * 40);
    assert_true(covered_end(&c));
    assert_int_equal(c.count, 1);
    assert_int_equal(c.stretches[0].from_ms, 30 * 40);
    assert_int_equal(c.stretches[0].to_ms, 60 * 40); /* then not so much less than usual */
    assert_int_equal(c.stretches[0].key_ms, 0);
    assert_false(c.stretches[0].to_end);
    for (uint64_t i = 0; i < 2 * COVERED_STRETCHES; i++) {
        for (uint64_t k = 0; k < 10; k++)
            note(&c, false, 100, 10000 + i * 800 + k * 40);
        note(&c, false, 9000, 10000 + i * 800 + 400);
    }
    assert_true(covered_end(&c));
    assert_int_equal(c.count, COVERED_STRETCHES);
    assert_true(c.overflowed);
}

/** As a browser sent it over a narrow path: 320 x 240, black in nearly 300 bytes a picture. */
static void of_few_pixels_more_are_candidates(void **state)
{
    static struct covered c;
    (void)state;
    c = (struct covered){0};
    for (uint64_t i = 0; i < 125; i++) {
        const struct depack_frame f = {
            .key = i == 0, .len = i >= 50 && i < 100 ? 292 : 600, .width = 320, .height = 240};
        covered_note(&c, &f, i * 65);
    }
    assert_true(covered_end(&c));
    assert_true(c.count >= 5 && c.stretches[0].from_ms == 65 * 50);
    for (size_t i = 1; i < c.count; i++)
        assert_int_equal(c.stretches[i].from_ms, c.stretches[i - 1].to_ms);
    assert_int_equal(c.stretches[c.count - 1].to_ms, 65 * 100);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(three_seconds_are_found),
        TEST(a_second_is_found_and_half_a_second_is_not),
        TEST(what_stands_still_is_not_covered),
        TEST(a_lens_that_stays_covered_is_one_stretch),
        TEST(a_look_back_is_looked_through_too),
        cmocka_unit_test(only_small_pictures_are_candidates),
        cmocka_unit_test(of_few_pixels_more_are_candidates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
