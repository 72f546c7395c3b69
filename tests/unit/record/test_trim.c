// SPDX-License-Identifier: Apache-2.0
/* A part of a clip holds its frames as they are. */
#include "media/record/trim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "media/record/webm.h"
#include "tests/unit/support/opus_source.h"
#include "tests/unit/support/scratch.h"
#include "tests/unit/support/vp8_source.h"
#include "tests/unit/support/webm_probe.h"

struct fixture {
    struct scratch scratch;
    char whole[160], part[160];
};

/** Pictures each 40 ms (a key frame each 2 s) and sound each 20 ms. */
static void record(struct fixture *f, int64_t to_ms)
{
    struct vp8_source *camera = vp8_source_new(64, 48);
    struct opus_source voice;
    struct webm *w;
    struct webm_info info;
    opus_source_tone(&voice, 500, 0.5);
    assert_int_equal(webm_new(&w, NULL, scratch_path(&f->scratch, "w.part")), 0);
    for (int64_t at = 0; at < to_ms; at += 20) {
        struct vp8_picture picture;
        if (at % 40 == 0) {
            vp8_source_next(camera, at * 90, at % 2000 == 0, &picture);
            assert_int_equal(
                webm_write_video(w, FORMAT_VP8, picture.frame, picture.len, at, picture.key), 0);
        }
        const struct tape_packet *p = opus_source_packet(&voice, at / 20, 0);
        assert_int_equal(webm_write_audio(w, p->payload, p->payload_len, at), 0);
    }
    assert_int_equal(webm_end(w), 0);
    webm_free(w);
    char out[170];
    (void)snprintf(out, sizeof out, "%s.webm", f->whole);
    assert_int_equal(webm_finalise(NULL, scratch_path(&f->scratch, "w.part"), out, &info), 0);
    webm_info_clear(&info);
    vp8_source_free(camera);
}

static int setup(void **state)
{
    static struct fixture f;
    scratch_make(&f.scratch);
    (void)snprintf(f.whole, sizeof f.whole, "%s", scratch_path(&f.scratch, "whole"));
    (void)snprintf(f.part, sizeof f.part, "%s", scratch_path(&f.scratch, "cut"));
    record(&f, 7000);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    scratch_remove(&f->scratch);
    return 0;
}

static const struct webm_block *block_at(const struct webm_probe *p, bool video, int64_t at_ms)
{
    for (size_t i = 0; i < p->count; i++) {
        if (p->blocks[i].video == video && p->blocks[i].at_ms == at_ms)
            return &p->blocks[i];
    }
    return NULL;
}

static void keeps_every_frame_between(void **state)
{
    struct fixture *f = *state;
    struct clip_result result;
    struct webm_probe whole, cut;
    assert_int_equal(clip_trim(NULL, f->whole, f->part, 2000, 5500, &result), 0);
    assert_int_equal(result.duration_us, 3500000);
    assert_true(result.has_video && result.has_audio && result.has_poster && !result.repaired);
    assert_true(webm_probe_read(&whole, scratch_path(&f->scratch, "whole.webm")));
    assert_true(webm_probe_read(&cut, scratch_path(&f->scratch, "cut.webm")));
    assert_int_equal(cut.count, 175 + 88);
    assert_int_equal(cut.broken_pictures, 0);
    for (size_t i = 0; i < cut.count; i++) {
        const struct webm_block *b = &cut.blocks[i];
        const struct webm_block *was = block_at(&whole, b->video, b->at_ms + 2000);
        assert_non_null(was);
        assert_int_equal(b->len, was->len);
        assert_int_equal(b->key, was->key);
        assert_memory_equal(b->data, was->data, b->len);
    }
    webm_probe_clear(&whole);
    webm_probe_clear(&cut);
}

static void leaves_nothing_when_it_fails(void **state)
{
    struct fixture *f = *state;
    struct clip_result result;
    unsigned before = scratch_count(&f->scratch);
    assert_int_equal(clip_trim(NULL, f->whole, f->part, 9000, 9500, &result), ER_NOT_FOUND);
    assert_int_equal(clip_trim(NULL, f->part, f->part, 0, 500, &result), ER_NOT_FOUND);
    assert_int_equal(scratch_count(&f->scratch), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keeps_every_frame_between, setup, teardown),
        cmocka_unit_test_setup_teardown(leaves_nothing_when_it_fails, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
