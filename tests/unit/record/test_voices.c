// SPDX-License-Identifier: Apache-2.0
/* The voices' file: there and back, cut anywhere. That a player takes it is in test_complete.c. */
#include "media/record/voices.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/str.h"
#include "tests/unit/support/scratch.h"

enum { A = FRAMELOG_FIRST_VOICE, B = FRAMELOG_FIRST_VOICE + VOICES_TRACKS - 1 };

struct fixture {
    struct scratch scratch;
    char part[128], out[128];
};

struct read {
    size_t count;
    int stop_at;
};

static void fill(uint8_t *data, size_t len, size_t i)
{
    for (size_t k = 0; k < len; k++)
        data[k] = (uint8_t)(i * 7 + k);
}

static size_t length_of(size_t i)
{
    return 1 + (i * 37) % 900;
}

/** Packet `i` of those that write_some writes. */
static int check(void *ctx, const struct webm_frame *frame)
{
    struct read *r = ctx;
    uint8_t data[1000];
    size_t i = r->count++;
    fill(data, length_of(i), i);
    assert_int_equal(frame->track, i % 2 ? B : A);
    assert_int_equal(frame->at_ms, i * 10 + (i % 2 ? 0 : 700));
    assert_int_equal(frame->len, length_of(i));
    assert_memory_equal(frame->data, data, frame->len);
    return r->count == (size_t)r->stop_at ? 77 : 0;
}

/** One voice is 700 ms ahead of the other. */
static void write_some(struct voices *v, size_t count)
{
    uint8_t data[1000];
    for (size_t i = 0; i < count; i++) {
        fill(data, length_of(i), i);
        assert_int_equal(
            voices_write(v, i % 2 ? B : A, data, length_of(i), (int64_t)i * 10 + (i % 2 ? 0 : 700)),
            0);
    }
}

static void test_there_and_back(void **state)
{
    struct fixture *f = *state;
    struct voices *v;
    assert_int_equal(voices_new(&v, NULL, f->part), 0);
    assert_false(scratch_exists(&f->scratch, "a.voices.part")); /* nobody has spoken yet */
    write_some(v, 1000);
    assert_int_equal(voices_end(v), 0);
    voices_free(v);
    struct read r = {0};
    assert_int_equal(voices_each(NULL, f->part, check, &r), 0);
    assert_int_equal(r.count, 1000);
    const struct voices_name names[] = {{.track = A, .identity = "ann"}, {.track = B}};
    assert_int_equal(voices_finalise(NULL, f->part, f->out, names, 2), 0);
    r = (struct read){0};
    assert_int_equal(voices_each(NULL, f->out, check, &r), 0);
    assert_int_equal(r.count, 1000);
    r = (struct read){.stop_at = 10};
    assert_int_equal(voices_each(NULL, f->out, check, &r), 77);
    size_t part_len, out_len;
    free(scratch_read(&f->scratch, "a.voices.part", &part_len));
    free(scratch_read(&f->scratch, "a.voices.mka", &out_len));
    assert_true(out_len < part_len); /* without the tracks that nobody used */
}

static void test_cut_anywhere(void **state)
{
    struct fixture *f = *state;
    struct voices *v;
    assert_int_equal(voices_new(&v, NULL, f->part), 0);
    write_some(v, 300);
    assert_int_equal(voices_end(v), 0);
    voices_free(v);
    size_t len, most = 0;
    uint8_t *data = scratch_read(&f->scratch, "a.voices.part", &len);
    for (size_t cut = 0; cut < len; cut += 97) {
        scratch_write(&f->scratch, "a.voices.part", data, cut);
        int er = voices_finalise(NULL, f->part, f->out, NULL, 0);
        struct read r = {0};
        if (er == 0) {
            assert_int_equal(voices_each(NULL, f->out, check, &r), 0);
            assert_true(r.count >= most);
            most = r.count;
        } else {
            assert_int_equal(er, ER_NOT_FOUND);
            assert_int_equal(most, 0);
        }
    }
    free(data);
    assert_true(most > 200);
}

static void test_a_changed_byte_is_no_harm(void **state)
{
    struct fixture *f = *state;
    struct voices *v;
    assert_int_equal(voices_new(&v, NULL, f->part), 0);
    uint8_t byte = 7;
    for (int i = 0; i < 40; i++)
        assert_int_equal(voices_write(v, A, &byte, 1, i * 20), 0);
    assert_int_equal(voices_end(v), 0);
    voices_free(v);
    size_t len;
    uint8_t *data = scratch_read(&f->scratch, "a.voices.part", &len);
    for (size_t i = 0; i < len; i += 3) {
        data[i] ^= 0xff;
        scratch_write(&f->scratch, "a.voices.part", data, len);
        (void)voices_finalise(NULL, f->part, f->out, NULL, 0);
        data[i] ^= 0xff;
    }
    free(data);
}

static void test_what_is_refused(void **state)
{
    struct fixture *f = *state;
    struct voices *v;
    uint8_t data[LIMIT_RTP_PACKET + 1] = {0};
    assert_int_equal(voices_new(&v, NULL, f->part), 0);
    assert_int_equal(voices_write(v, A - 1, data, 1, 0), ER_INVALID);
    assert_int_equal(voices_write(v, B + 1, data, 1, 0), ER_INVALID);
    assert_int_equal(voices_write(v, A, data, 0, 0), ER_INVALID);
    assert_int_equal(voices_write(v, A, data, sizeof data, 0), ER_INVALID);
    assert_int_equal(voices_write(v, A, data, 1, -1), ER_INVALID);
    assert_int_equal(voices_end(v), 0);
    voices_free(v);
    assert_int_equal(voices_finalise(NULL, f->part, f->out, NULL, 0), ER_NOT_FOUND);
    scratch_write(&f->scratch, "a.voices.part", data, 3);
    assert_int_equal(voices_new(&v, NULL, f->part), 0);
    assert_int_equal(voices_write(v, A, data, 1, 0), ER_CONFLICT);
    voices_free(v);
    assert_int_equal(voices_finalise(NULL, f->part, f->out, NULL, 0), ER_NOT_FOUND);
    voices_free(NULL);
}

static int setup(void **state)
{
    static struct fixture f;
    scratch_make(&f.scratch);
    (void)str_copy(f.part, sizeof f.part, scratch_path(&f.scratch, "a.voices.part"));
    (void)str_copy(f.out, sizeof f.out, scratch_path(&f.scratch, "a.voices.mka"));
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    scratch_remove(&f->scratch);
    return 0;
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_there_and_back),
        TEST(test_cut_anywhere),
        TEST(test_a_changed_byte_is_no_harm),
        TEST(test_what_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
