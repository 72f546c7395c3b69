// SPDX-License-Identifier: Apache-2.0
/* The reader: frames, times, places and hashes; what it refuses; files cut and changed anywhere. */
#include "server/seal/matroska.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "tests/unit/support/sealed_clip.h"

static int read_as(const uint8_t *bytes, size_t len, struct matroska_file *ret)
{
    struct bytes_source b = {bytes, len};
    struct matroska_source source = bytes_source(&b);
    return matroska_read(&source, ret);
}

static void check_hashes(const struct matroska_make *m, const struct matroska_file *f)
{
    struct merkle_hash hash;
    uint64_t at = 0;
    assert_int_equal(f->bytes, m->len);
    assert_int_equal(merkle_sha256(m->bytes, m->len, &hash), 0);
    assert_true(merkle_equal(&hash, &f->hash));
    for (size_t i = 0; i < f->part_count; i++) {
        assert_int_equal(f->parts[i].at, at);
        assert_int_equal(merkle_sha256(m->bytes + at, f->parts[i].len, &hash), 0);
        assert_true(merkle_equal(&hash, &f->parts[i].hash));
        at += f->parts[i].len;
    }
    assert_int_equal(at, m->len);
    for (size_t i = 0; i < f->frame_count; i++) {
        assert_int_equal(merkle_sha256(m->bytes + f->frames[i].byte, f->frames[i].len, &hash), 0);
        assert_true(merkle_equal(&hash, &f->frames[i].hash));
    }
}

static void reads_frames_times_and_parts(void **state)
{
    (void)state;
    struct matroska_make m;
    struct matroska_file f;
    matroska_make_clip(&m, 0, 2500);
    assert_int_equal(read_as(m.bytes, m.len, &f), 0);
    assert_int_equal(f.track_count, 2);
    assert_string_equal(f.tracks[0].codec, "V_VP8");
    assert_int_equal(f.tracks[1].number, 2);
    assert_int_equal(f.frame_count, 125 + 63);
    assert_int_equal(f.frames[0].at_ms, 0);
    assert_true(f.frames[0].key);
    assert_int_equal(f.frames[f.frame_count - 1].at_ms, 2480);
    assert_int_equal(f.part_count, 2 + 2 + 3 + 1); /* head, segment; info, tracks; clusters; cues */
    assert_string_equal(matroska_part_name(f.parts[4].id), "cluster");
    assert_int_equal(f.parts[5].at_ms, 1000);
    check_hashes(&m, &f);
    matroska_clear(&f);
    matroska_make_free(&m);
}

static void frames_larger_than_the_window(void **state)
{
    (void)state;
    struct matroska_make m;
    struct matroska_file f;
    matroska_make_begin(&m, true, 2, 1);
    matroska_make_cluster(&m, 0);
    matroska_make_frame(&m, 1, 0, true, 200000);
    matroska_make_frame(&m, 1, 33, false, 65536);
    matroska_make_frame(&m, 2, 40, true, 0);
    matroska_make_end(&m);
    assert_int_equal(read_as(m.bytes, m.len, &f), 0);
    assert_int_equal(f.frames[0].len, 200000);
    assert_int_equal(f.frames[2].len, 0);
    check_hashes(&m, &f);
    matroska_clear(&f);
    matroska_make_free(&m);
}

static void takes_block_groups_and_live_files(void **state)
{
    (void)state;
    /* Segment and cluster without sizes; a group whose block refers to another frame. */
    static const uint8_t group[] = {0xA1, 0x85, 0x81, 0x00, 0x05, 0x00, 0xAA, 0xFB, 0x81, 0xFF};
    static const uint8_t cluster[] = {0x1F, 0x43, 0xB6, 0x75, 0xFF, 0xE7, 0x81, 0x07};
    struct matroska_make m;
    struct matroska_file f;
    matroska_make_begin(&m, true, 2, 1);
    memset(m.bytes + m.segment_size_at, 0xff, 8);
    m.bytes[m.segment_size_at] = 0x01;
    size_t begin = m.len;
    matroska_make_element(&m, 0xEC, "", 0);
    m.bytes = realloc(m.bytes, m.len + 64);
    memcpy(m.bytes + m.len, cluster, sizeof cluster);
    m.len += sizeof cluster;
    m.size = m.len;
    matroska_make_element(&m, 0xA0, group, sizeof group);
    assert_int_equal(read_as(m.bytes, m.len, &f), 0);
    assert_int_equal(f.frame_count, 1);
    assert_int_equal(f.frames[0].at_ms, 12);
    assert_false(f.frames[0].key);
    assert_int_equal(f.frames[0].len, 1);
    assert_true(f.parts[f.part_count - 1].at > begin);
    check_hashes(&m, &f);
    matroska_clear(&f);
    matroska_make_free(&m);
}

static void expect_wrong(const struct matroska_make *m, const char *why)
{
    struct matroska_file f;
    struct merkle_hash hash;
    assert_int_equal(read_as(m->bytes, m->len, &f), ER_MALFORMED);
    assert_string_equal(f.wrong, why);
    assert_int_equal(merkle_sha256(m->bytes, m->len, &hash), 0);
    assert_int_equal(f.bytes, m->len);
    assert_true(merkle_equal(&hash, &f.hash));
    matroska_clear(&f);
}

static void says_what_it_refuses(void **state)
{
    (void)state;
    struct matroska_make m;
    matroska_make_clip(&m, 0, 1000);
    m.bytes[m.cluster_at[0] + 4 + 8 + 1 + 8 + 3 + 1 + 8 + 3] |= 0x02; /* the first block's flags */
    expect_wrong(&m, "frames laced into one block");
    m.bytes[m.cluster_at[0] + 4 + 8 + 1 + 8 + 3 + 1 + 8] = 0x85; /* and its track */
    expect_wrong(&m, "a block of a track that is not there");
    m.bytes[0] = 'R';
    expect_wrong(&m, "this is no Matroska file");
    matroska_make_free(&m);
    matroska_make_clip(&m, 0, 1000);
    matroska_make_element(&m, 0xEC, "x", 1);
    expect_wrong(&m, "bytes behind the end");
    m.len = 0;
    expect_wrong(&m, "this is no Matroska file");
    matroska_make_free(&m);
}

/** Two bytes make a part: so many are no clip, and are not worth the memory. */
static void refuses_more_parts_than_a_clip_has(void **state)
{
    (void)state;
    struct matroska_make m;
    matroska_make_begin(&m, true, 2, 1);
    for (size_t i = 0; i < MATROSKA_PARTS + 1000; i++)
        matroska_make_element(&m, 0xEC, "", 0);
    matroska_make_end(&m);
    expect_wrong(&m, "too many parts");
    matroska_make_free(&m);
}

static void survives_cuts_and_changes_anywhere(void **state)
{
    (void)state;
    struct matroska_make m;
    struct matroska_file f;
    struct entropy_seeded random;
    struct entropy entropy = entropy_seeded_init(&random, 3);
    matroska_make_clip(&m, 0, 300);
    for (size_t len = 0; len < m.len; len++) {
        uint8_t *exact = malloc(len + 1);
        memcpy(exact, m.bytes, len);
        assert_int_equal(read_as(exact, len, &f), ER_MALFORMED);
        matroska_clear(&f);
        free(exact);
    }
    for (size_t i = 0; i < m.len; i++) {
        uint8_t was = m.bytes[i];
        m.bytes[i] ^= (uint8_t)(1 + entropy_u64(&entropy) % 255);
        int er = read_as(m.bytes, m.len, &f);
        assert_true(er == 0 || er == ER_MALFORMED);
        assert_int_equal(f.bytes, m.len);
        matroska_clear(&f);
        m.bytes[i] = was;
    }
    matroska_make_free(&m);
}

static int read_fails(void *ctx, uint64_t at, void *ret_bytes, size_t size, size_t *ret_len)
{
    (void)ctx;
    (void)at;
    (void)ret_bytes;
    (void)size;
    *ret_len = 0;
    return ER_IO;
}

static void passes_on_what_the_disk_says(void **state)
{
    (void)state;
    struct matroska_file f;
    struct matroska_source source = {.read = read_fails};
    assert_int_equal(matroska_read(&source, &f), ER_IO);
    matroska_clear(&f);
    assert_int_equal(matroska_read_path(NULL, "/nowhere/at/all", &f), ER_NOT_FOUND);
    matroska_clear(&f);
}

/** Also such as are hashed beside the file, and go beyond what is read at once. */
static void frames_of_all_sizes_have_their_hashes(void **state)
{
    (void)state;
    static const size_t sizes[] = {1,    55,   56,    119,   120,    1023, 1024,
                                   1025, 5000, 65535, 65536, 131100, 70,   200000};
    struct matroska_make m = {0};
    struct matroska_file f;
    matroska_make_begin(&m, true, 2, 1);
    for (size_t i = 0; i < 3 * sizeof sizes / sizeof sizes[0]; i++) {
        if (i % 5 == 0)
            matroska_make_cluster(&m, i * 40);
        matroska_make_frame(&m, 1, (int)(i % 5) * 40, i == 0,
                            sizes[i % (sizeof sizes / sizeof sizes[0])] + i / 14);
        matroska_make_frame(&m, 2, (int)(i % 5) * 40 + 20, true, 80 + i);
    }
    matroska_make_end(&m);
    assert_int_equal(read_as(m.bytes, m.len, &f), 0);
    assert_int_equal(f.frame_count, 6 * sizeof sizes / sizeof sizes[0]);
    check_hashes(&m, &f);
    matroska_clear(&f);
    matroska_make_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_frames_times_and_parts),
        cmocka_unit_test(frames_larger_than_the_window),
        cmocka_unit_test(takes_block_groups_and_live_files),
        cmocka_unit_test(says_what_it_refuses),
        cmocka_unit_test(refuses_more_parts_than_a_clip_has),
        cmocka_unit_test(survives_cuts_and_changes_anywhere),
        cmocka_unit_test(passes_on_what_the_disk_says),
        cmocka_unit_test(frames_of_all_sizes_have_their_hashes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
