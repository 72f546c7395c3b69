// SPDX-License-Identifier: Apache-2.0
/* Archives: read in any pieces they are the same bytes, and what was changed in one is told. */
#include "server/seal/zip.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/er.h"
#include "tests/unit/support/sealed_clip.h"

struct scene {
    struct scratch scratch;
    struct zip *zip;
    uint8_t *bytes;
    size_t len;
};

struct lost {
    unsigned count;
    int er;     /* of the last one */
    int answer; /* to go on, or not */
};

static int take_lost(void *ctx, const struct zip_entry *e, int er)
{
    struct lost *lost = ctx;
    lost->count++;
    lost->er = er;
    assert_string_equal(e->name, "clips/a.webm");
    return lost->answer;
}

static int setup(void **state)
{
    static struct scene s;
    uint8_t file[5000];
    memset(&s, 0, sizeof s);
    scratch_make(&s.scratch);
    for (size_t i = 0; i < sizeof file; i++)
        file[i] = (uint8_t)(i * 31 + (i >> 6));
    scratch_write(&s.scratch, "file", file, sizeof file);
    assert_int_equal(zip_new(&s.zip, NULL), 0);
    assert_int_equal(zip_add_bytes(s.zip, "hello.txt", strdup("hello"), 5), 0);
    assert_int_equal(zip_add_file(s.zip, "clips/a.webm", scratch_path(&s.scratch, "file")), 0);
    assert_int_equal(zip_add_bytes(s.zip, "empty", strdup(""), 0), 0);
    assert_int_equal(zip_measure(s.zip, take_lost, NULL), 0);
    assert_int_equal(zip_layout(s.zip), 0);
    s.len = (size_t)zip_size(s.zip);
    s.bytes = malloc(s.len);
    assert_int_equal(zip_read(s.zip, 0, s.bytes, s.len + 50), s.len);
    *state = &s;
    return 0;
}

static int teardown(void **state)
{
    struct scene *s = *state;
    zip_free(s->zip);
    free(s->bytes);
    scratch_remove(&s->scratch);
    return 0;
}

static int reopen(struct scene *s, size_t len, struct zip **ret, uint64_t *ret_at)
{
    struct bytes_source b = {s->bytes, len};
    struct matroska_source source = bytes_source(&b);
    return zip_open(ret, &source, len, ret_at);
}

static void others_can_read_it(void **state)
{
    struct scene *s = *state;
    char command[300];
    scratch_write(&s->scratch, "a.zip", s->bytes, s->len);
    (void)snprintf(command, sizeof command,
                   "cd %s && python3 -c \"import zipfile; z = zipfile.ZipFile('a.zip'); "
                   "assert z.testzip() is None; assert z.read('hello.txt') == b'hello'; "
                   "assert z.read('clips/a.webm') == open('file', 'rb').read()\"",
                   s->scratch.folder);
    assert_int_equal(system(command), 0);
}

static void pieces_are_the_same_as_the_whole(void **state)
{
    struct scene *s = *state;
    uint8_t piece[97];
    for (size_t at = 0; at < s->len; at += 61) {
        size_t n = zip_read(s->zip, at, piece, sizeof piece);
        assert_int_equal(n, s->len - at < sizeof piece ? s->len - at : sizeof piece);
        assert_memory_equal(piece, s->bytes + at, n);
    }
    assert_int_equal(zip_read(s->zip, s->len, piece, sizeof piece), 0);
}

static void reads_back_what_was_laid_out(void **state)
{
    struct scene *s = *state;
    struct zip *again;
    uint64_t at;
    assert_int_equal(reopen(s, s->len, &again, &at), 0);
    assert_int_equal(zip_count(again), 3);
    const struct zip_entry *e = zip_find(again, "clips/a.webm");
    assert_int_equal(e->size, 5000);
    assert_int_equal(e->at, zip_find(s->zip, "clips/a.webm")->at);
    assert_null(zip_find(again, "other"));
    zip_free(again);
}

static void every_changed_byte_of_the_structure_is_told(void **state)
{
    struct scene *s = *state;
    for (size_t i = 0; i < s->len; i++) {
        struct zip *again;
        uint64_t at;
        bool data = false;
        for (size_t k = 0; k < zip_count(s->zip); k++) {
            const struct zip_entry *e = zip_at(s->zip, k);
            data = data || (i >= e->at && i < e->at + e->size);
        }
        if (data)
            continue;
        s->bytes[i] ^= 1;
        assert_int_equal(reopen(s, s->len, &again, &at), ER_UNSUPPORTED);
        assert_true(at <= s->len);
        s->bytes[i] ^= 1;
    }
    for (size_t len = 0; len < s->len; len += 13) {
        struct zip *again;
        uint64_t at;
        assert_int_equal(reopen(s, len, &again, &at), ER_UNSUPPORTED);
    }
}

static void refuses_bad_names(void **state)
{
    struct scene *s = *state;
    static const char *const names[] = {"", "/a", "a/../b", "a b", "c:d", "hello.txt", "\xc3\xa4"};
    assert_int_equal(zip_add_file(s->zip, "x", "/nowhere/at/all"), ER_NOT_FOUND);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_int_equal(zip_add_bytes(s->zip, names[i], strdup("x"), 1), ER_INVALID);
}

static void a_file_that_is_lost_is_left_out(void **state)
{
    struct scene *s = *state;
    for (int answer = -1; answer < 1; answer++) {
        struct lost lost = {.answer = answer};
        struct zip *z;
        assert_int_equal(zip_new(&z, NULL), 0);
        assert_int_equal(zip_add_bytes(z, "a", strdup("a"), 1), 0);
        scratch_write(&s->scratch, "file", (const uint8_t *)"short", 5);
        assert_int_equal(zip_add_file(z, "clips/a.webm", scratch_path(&s->scratch, "file")), 0);
        assert_int_equal(zip_add_bytes(z, "z", strdup("z"), 1), 0);
        assert_int_equal(unlink(scratch_path(&s->scratch, "file")), 0);
        assert_int_equal(zip_measure(z, take_lost, &lost), answer);
        assert_int_equal(lost.count, 1);
        assert_int_equal(lost.er, ER_NOT_FOUND);
        assert_int_equal(zip_count(z), answer ? 3 : 2);
        if (!answer)
            assert_string_equal(zip_at(z, 1)->name, "z");
        zip_free(z);
    }
}

/** Cut short, replaced by another of the same length, or gone: the archive ends before its entry does. */
static void a_file_that_changes_while_it_is_read_breaks_the_archive(void **state)
{
    struct scene *s = *state;
    uint8_t file[5000] = {1};
    uint8_t *bytes = malloc(s->len);
    const struct zip_entry *e = zip_find(s->zip, "clips/a.webm");
    for (int how = 0; how < 3; how++) {
        struct zip *z;
        size_t len = 0, n = 1;
        scratch_write(&s->scratch, "file", s->bytes + e->at, sizeof file);
        assert_int_equal(zip_new(&z, NULL), 0);
        assert_int_equal(zip_add_file(z, "clips/a.webm", scratch_path(&s->scratch, "file")), 0);
        assert_int_equal(zip_measure(z, take_lost, NULL), 0);
        assert_int_equal(zip_layout(z), 0);
        if (how == 2)
            assert_int_equal(unlink(scratch_path(&s->scratch, "file")), 0);
        else
            scratch_write(&s->scratch, "file", file, how ? sizeof file : 4000);
        for (int tries = 0; tries < 1000; tries++, len += n) /* whoever asks again gets no more */
            n = zip_read(z, len, bytes + len, len + 700 < zip_size(z) ? 700 : 1);
        assert_true(len < zip_at(z, 0)->at + 5000);
        zip_free(z);
    }
    free(bytes);
}

/** As a manifest is when its time stamp comes: another takes its place, and is not what is sent. */
static void a_file_that_is_held_is_read_as_it_was_measured(void **state)
{
    struct scene *s = *state;
    const struct zip_entry *e = zip_find(s->zip, "clips/a.webm");
    const char *path = scratch_path(&s->scratch, "file");
    uint8_t *bytes = malloc(s->len);
    uint8_t other[6000] = {1};
    char next[700];
    struct zip *z;
    assert_int_equal(zip_new(&z, NULL), 0);
    zip_hold(z); /* nothing is there yet */
    assert_int_equal(zip_add_file(z, "clips/a.webm", path), 0);
    zip_hold(z);
    zip_hold(z);
    assert_int_equal(zip_measure(z, take_lost, NULL), 0);
    assert_int_equal(zip_layout(z), 0);
    scratch_write(&s->scratch, "next", other, sizeof other);
    (void)snprintf(next, sizeof next, "%s", scratch_path(&s->scratch, "next"));
    assert_int_equal(rename(next, scratch_path(&s->scratch, "file")), 0);
    assert_int_equal(zip_read(z, 0, bytes, s->len), zip_size(z));
    assert_memory_equal(bytes + zip_at(z, 0)->at, s->bytes + e->at, 5000);
    zip_free(z);
    free(bytes);
}

static void large_files_take_zip64(void **state)
{
    struct scene *s = *state;
    struct zip *z, *again;
    uint8_t tail[1000];
    char path[200];
    uint64_t at, size = UINT64_C(0x100000010);
    (void)snprintf(path, sizeof path, "%s", scratch_path(&s->scratch, "large"));
    scratch_write(&s->scratch, "large", (const uint8_t *)"x", 1);
    assert_int_equal(truncate(path, (off_t)size), 0); /* a hole */
    assert_int_equal(zip_new(&z, NULL), 0);
    assert_int_equal(zip_add_file(z, "large", path), 0);
    assert_int_equal(zip_add_bytes(z, "behind", strdup("it"), 2), 0);
    assert_int_equal(zip_layout(z), 0);
    assert_true(zip_at(z, 1)->at > UINT32_MAX);
    size_t n = zip_read(z, zip_size(z) - sizeof tail, tail, sizeof tail);
    assert_int_equal(n, sizeof tail);
    assert_memory_equal(tail + sizeof tail - 22, "PK\5\6", 4);
    assert_memory_equal(tail + sizeof tail - 22 - 20, "PK\6\7", 4);
    /* The whole as a sparse file again, for another reader's eyes. */
    char *out = strdup(scratch_path(&s->scratch, "large.zip"));
    FILE *f = fopen(out, "wb");
    uint8_t head[200];
    n = zip_read(z, 0, head, sizeof head);
    assert_int_equal(fwrite(head, 1, n, f), n);
    assert_int_equal(fseeko(f, (off_t)(zip_size(z) - sizeof tail), SEEK_SET), 0);
    assert_int_equal(fwrite(tail, 1, sizeof tail, f), sizeof tail);
    fclose(f);
    f = fopen(out, "rb");
    int fd = fileno(f);
    const struct matroska_source source = matroska_source_fd(&fd);
    assert_int_equal(zip_open(&again, &source, zip_size(z), &at), 0);
    assert_int_equal(zip_find(again, "large")->size, size);
    zip_free(again);
    fclose(f);
    free(out);
    zip_free(z);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(others_can_read_it),
        TEST(pieces_are_the_same_as_the_whole),
        TEST(reads_back_what_was_laid_out),
        TEST(every_changed_byte_of_the_structure_is_told),
        TEST(refuses_bad_names),
        TEST(a_file_that_is_lost_is_left_out),
        TEST(a_file_that_changes_while_it_is_read_breaks_the_archive),
        TEST(a_file_that_is_held_is_read_as_it_was_measured),
        TEST(large_files_take_zip64),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
