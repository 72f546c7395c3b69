// SPDX-License-Identifier: Apache-2.0
/* Encrypted files: what goes in comes out, from any place; what was changed, cut or moved does not. */
#include "base/vault_file.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/er.h"
#include "base/file.h"
#include "tests/unit/support/scratch.h"

#define KEY_A "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define KEY_B "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
enum { CHUNK = 1 << VAULT_CHUNK_LOG2, RECORD = CHUNK + VAULT_RECORD_BYTES, TEXT = 5 * CHUNK + 777 };

struct fixture {
    struct scratch scratch;
    struct entropy_seeded seeded;
    struct vault *vault;
    char path[512];
    uint8_t text[TEXT], read[TEXT + 1];
};

static void set_keys(struct fixture *f, const char *text)
{
    size_t line;
    assert_int_equal(vault_set_keys(f->vault, span_of(text), &line), 0);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    scratch_make(&f->scratch);
    (void)snprintf(f->path, sizeof f->path, "%s", scratch_path(&f->scratch, "a"));
    assert_int_equal(vault_new(&f->vault, entropy_seeded_init(&f->seeded, 3)), 0);
    set_keys(f, KEY_A);
    for (size_t i = 0; i < TEXT; i++)
        f->text[i] = (uint8_t)(i * 2654435761u >> 13);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    vault_free(f->vault);
    scratch_remove(&f->scratch);
    free(f);
    return 0;
}

static void write_whole(struct fixture *f, size_t len)
{
    struct file *file;
    assert_int_equal(file_replace(&file, f->vault, f->path), 0);
    assert_int_equal(file_write(file, f->text, len), 0);
    assert_int_equal(file_sync(file), 0);
    file_close(file);
}

/** In pieces of these lengths, again and again; a file that grows. */
static void write_log(struct fixture *f, size_t len, const size_t *pieces)
{
    struct file *file;
    size_t at = 0, i = 0;
    assert_int_equal(file_remove(f->path), 0);
    assert_int_equal(file_create(&file, f->vault, f->path), 0);
    while (at < len) {
        size_t piece = pieces[i++] < len - at ? pieces[i - 1] : len - at;
        assert_int_equal(file_write(file, f->text + at, piece), 0);
        at += piece;
        i = pieces[i] ? i : 0;
    }
    file_close(file);
}

/** What can be read of it: an error, or 0 with that in f->read. */
static int read_back(struct fixture *f, size_t *ret_len)
{
    struct file *file;
    *ret_len = 0;
    int er = file_open(&file, f->vault, f->path);
    if (er < 0)
        return er;
    er = file_read_at(file, 0, f->read, sizeof f->read, ret_len);
    file_close(file);
    return er;
}

static void expect(struct fixture *f, size_t len)
{
    size_t got;
    assert_int_equal(read_back(f, &got), 0);
    assert_int_equal(got, len);
    assert_memory_equal(f->read, f->text, len);
}

static uint8_t *disk(struct fixture *f, size_t *len)
{
    return scratch_read(&f->scratch, "a", len);
}

static void put_disk(struct fixture *f, const uint8_t *bytes, size_t len)
{
    scratch_write(&f->scratch, "a", bytes, len);
}

static const size_t sizes[] = {0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 4 * CHUNK + 5, TEXT};
static const size_t odd_pieces[] = {1, 700, 40000, 16384, 0};

static void test_what_goes_in_comes_out(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        write_whole(f, sizes[i]);
        expect(f, sizes[i]);
        write_log(f, sizes[i], odd_pieces);
        expect(f, sizes[i]);
    }
    struct vault_counters counters;
    vault_read_counters(f->vault, &counters);
    assert_true(counters.bytes_encrypted > TEXT && counters.bytes_decrypted > TEXT);
    assert_int_equal(counters.unauthentic, 0);
}

static void test_any_range_can_be_read(void **state)
{
    struct fixture *f = *state;
    struct entropy_seeded seeded;
    const struct entropy e = entropy_seeded_init(&seeded, 11);
    for (int log = 0; log < 2; log++) {
        struct file *file;
        if (log)
            write_log(f, TEXT, odd_pieces);
        else
            write_whole(f, TEXT);
        assert_int_equal(file_open(&file, f->vault, f->path), 0);
        uint64_t size;
        assert_int_equal(file_size(file, &size), 0);
        assert_int_equal(size, TEXT);
        for (int i = 0; i < 500; i++) {
            size_t at = entropy_u64(&e) % (TEXT + 10), want = entropy_u64(&e) % (3 * CHUNK), got;
            size_t there = at < TEXT ? TEXT - at : 0;
            assert_int_equal(file_read_at(file, at, f->read, want, &got), 0);
            assert_int_equal(got, want < there ? want : there);
            assert_memory_equal(f->read, f->text + (got ? at : 0), got);
        }
        file_close(file);
    }
}

static void test_nothing_of_it_is_on_the_disk(void **state)
{
    struct fixture *f = *state;
    for (int log = 0; log < 2; log++) {
        size_t len;
        if (log)
            write_log(f, TEXT, odd_pieces);
        else
            write_whole(f, TEXT);
        uint8_t *bytes = disk(f, &len);
        for (size_t at = 0; at + 16 <= TEXT; at += 16)
            assert_null(memmem(bytes, len, f->text + at, 16));
        free(bytes);
    }
}

static void test_the_begin_may_be_written_again(void **state)
{
    struct fixture *f = *state;
    struct file *file;
    assert_int_equal(file_replace(&file, f->vault, f->path), 0);
    assert_int_equal(file_write(file, f->text, TEXT), 0);
    for (unsigned i = 0; i < 40;
         i++) { /* across a border too, and in what is not on the disk yet */
        const size_t places[] = {0, 5, CHUNK - 2, 3 * CHUNK + 9, 5 * CHUNK + 700, TEXT - 4};
        size_t at = places[i % 6];
        memset(f->text + at, (int)i, 4);
        file_seek(file, at);
        assert_int_equal(file_write(file, f->text + at, 4), 0);
    }
    assert_int_equal(file_sync(file), 0);
    assert_int_equal(file_write(file, "x", 1), ER_INVALID); /* it has its end */
    file_close(file);
    expect(f, TEXT);
}

static void test_what_was_overwritten_cannot_come_back(void **state)
{
    struct fixture *f = *state;
    struct file *file;
    size_t len, got;
    assert_int_equal(file_replace(&file, f->vault, f->path), 0);
    assert_int_equal(file_write(file, f->text, TEXT), 0);
    uint8_t *before = disk(f, &len);
    file_seek(file, CHUNK + 3);
    assert_int_equal(file_write(file, "other", 5), 0);
    assert_int_equal(file_sync(file), 0);
    file_close(file);
    assert_int_equal(read_back(f, &got), 0);
    uint8_t *after = disk(f, &len);
    memcpy(after + VAULT_HEAD_BYTES + RECORD, before + VAULT_HEAD_BYTES + RECORD, RECORD);
    put_disk(f, after, len);
    assert_int_equal(read_back(f, &got), ER_UNAUTHENTIC);
    free(before);
    free(after);
}

static int salvage(struct fixture *f, size_t *ret_len)
{
    struct file *file;
    *ret_len = 0;
    int er = file_salvage(&file, f->vault, f->path);
    if (er < 0)
        return er;
    er = file_read_at(file, 0, f->read, sizeof f->read, ret_len);
    file_close(file);
    return er;
}

static void test_what_is_left_can_be_salvaged(void **state)
{
    struct fixture *f = *state;
    struct file *file;
    size_t len, got;
    assert_int_equal(file_create_whole(&file, f->vault, f->path), 0);
    assert_int_equal(file_write(file, f->text, TEXT), 0);
    memset(f->text + 9, 77, 9);
    file_seek(file, 9);
    assert_int_equal(file_write(file, f->text + 9, 9), 0);
    file_close(file); /* without its end */
    assert_int_equal(read_back(f, &got), ER_TRUNCATED);
    assert_int_equal(salvage(f, &got), 0);
    assert_int_equal(got, 5 * CHUNK); /* what did not fill a record is lost */
    assert_memory_equal(f->read, f->text, got);
    uint8_t *bytes = disk(f, &len);
    for (size_t cut = VAULT_HEAD_BYTES; cut < len; cut += 1009) {
        put_disk(f, bytes, cut);
        assert_int_equal(salvage(f, &got), 0);
        size_t there = (cut - VAULT_HEAD_BYTES) / RECORD;
        assert_int_equal(got, (there < 5 ? there : 5) * CHUNK);
        assert_memory_equal(f->read, f->text, got);
    }
    put_disk(f, bytes, len);
    assert_int_equal(file_create_whole(&file, f->vault, f->path), ER_CONFLICT);
    free(bytes);
    write_whole(f, TEXT);
    assert_int_equal(salvage(f, &got), 0);
    assert_int_equal(got, TEXT);
}

/** A process may die at any byte of writing a record again: the old one or the new one is there. */
static void test_writing_again_survives_death(void **state)
{
    struct fixture *f = *state;
    struct file *file;
    size_t len_before, len, got;
    assert_int_equal(file_create_whole(&file, f->vault, f->path), 0);
    assert_int_equal(file_write(file, f->text, 3 * CHUNK), 0);
    uint8_t *before = disk(f, &len_before), old = f->text[CHUNK + 7];
    file_seek(file, CHUNK + 7);
    f->text[CHUNK + 7] = (uint8_t)(old + 1);
    assert_int_equal(file_write(file, f->text + CHUNK + 7, 1), 0);
    file_close(file);
    uint8_t *after = disk(f, &len);
    assert_int_equal(len_before, VAULT_HEAD_BYTES + 3 * RECORD);
    assert_int_equal(len, len_before + RECORD);
    for (size_t done = 0; done <= 2 * RECORD; done += 331) {
        uint8_t *torn = malloc(len);
        size_t behind = done < RECORD ? done : RECORD, inside = done - behind;
        memcpy(torn, before, len_before);
        memcpy(torn + len_before, after + len_before, behind);
        memcpy(torn + VAULT_HEAD_BYTES + RECORD, after + VAULT_HEAD_BYTES + RECORD, inside);
        put_disk(f, torn, len_before + behind);
        free(torn);
        f->text[CHUNK + 7] = inside ? (uint8_t)(old + 1) : old;
        assert_int_equal(salvage(f, &got), 0);
        assert_int_equal(got, 3 * CHUNK);
        assert_memory_equal(f->read, f->text, got);
    }
    free(before);
    free(after);
}

static void test_every_changed_byte_is_noticed(void **state)
{
    struct fixture *f = *state;
    size_t len, got;
    write_whole(f, CHUNK + 100);
    uint8_t *bytes = disk(f, &len);
    for (size_t i = 0; i < len; i++) {
        if (i > VAULT_HEAD_BYTES + 100 && i < len - 400 && i % 61)
            continue; /* the rest of the text is as its begin */
        bytes[i] ^= 1;
        put_disk(f, bytes, len);
        int er = read_back(f, &got);
        bytes[i] ^= 1;
        if (i < 8) { /* then it is not one of ours at all, and read as it is */
            assert_int_equal(er, 0);
            assert_memory_not_equal(f->read, f->text, 100);
            continue;
        }
        assert_true(er == ER_UNAUTHENTIC || er == ER_TRUNCATED || er == ER_DENIED ||
                    er == ER_UNSUPPORTED);
    }
    free(bytes);
}

static void test_records_cannot_change_places(void **state)
{
    struct fixture *f = *state;
    size_t len, got;
    write_whole(f, TEXT);
    uint8_t *bytes = disk(f, &len), *other = malloc(len);
    memcpy(other, bytes, len); /* the second and the third change places */
    memcpy(other + VAULT_HEAD_BYTES + RECORD, bytes + VAULT_HEAD_BYTES + 2 * RECORD, RECORD);
    memcpy(other + VAULT_HEAD_BYTES + 2 * RECORD, bytes + VAULT_HEAD_BYTES + RECORD, RECORD);
    put_disk(f, other, len);
    assert_int_equal(read_back(f, &got), ER_UNAUTHENTIC);
    write_whole(f, TEXT); /* a record of the same text at the same place of another file */
    size_t again;
    uint8_t *second = disk(f, &again);
    memcpy(second + VAULT_HEAD_BYTES, bytes + VAULT_HEAD_BYTES, RECORD);
    put_disk(f, second, again);
    assert_int_equal(read_back(f, &got), ER_UNAUTHENTIC);
    memmove(bytes + VAULT_HEAD_BYTES, bytes + VAULT_HEAD_BYTES + RECORD,
            len - VAULT_HEAD_BYTES - RECORD); /* the first one is left out */
    put_disk(f, bytes, len - RECORD);
    assert_int_equal(read_back(f, &got), ER_TRUNCATED);
    free(bytes);
    free(other);
    free(second);
}

static void test_a_whole_file_cannot_be_cut(void **state)
{
    struct fixture *f = *state;
    size_t len, got;
    write_whole(f, 2 * CHUNK + 50);
    uint8_t *bytes = disk(f, &len);
    for (size_t cut = VAULT_HEAD_BYTES; cut<len; cut += cut> len - 200 ? 1 : 97) {
        put_disk(f, bytes, cut);
        assert_int_equal(read_back(f, &got), ER_TRUNCATED);
    }
    free(bytes);
    struct file *file; /* nor is it one before its end */
    assert_int_equal(file_replace(&file, f->vault, f->path), 0);
    assert_int_equal(file_write(file, f->text, TEXT), 0);
    file_close(file);
    assert_int_equal(read_back(f, &got), ER_TRUNCATED);
}

/** Wherever a log is cut, what was written by whole calls before is there, and nothing else is. */
static void test_a_torn_log_ends_with_its_last_record(void **state)
{
    static const size_t pieces[] = {300, 17, 1000, 0};
    struct fixture *f = *state;
    size_t len, got;
    write_log(f, 2634, pieces);
    uint8_t *bytes = disk(f, &len);
    assert_int_equal(len, VAULT_HEAD_BYTES + 2634 + 6 * VAULT_RECORD_BYTES);
    for (size_t cut = 0; cut <= len; cut++) {
        put_disk(f, bytes, cut);
        size_t there = 0, place = VAULT_HEAD_BYTES;
        for (size_t i = 0; place + pieces[i % 3] + VAULT_RECORD_BYTES <= cut; i++) {
            place += pieces[i % 3] + VAULT_RECORD_BYTES;
            there += pieces[i % 3];
        }
        assert_int_equal(read_back(f, &got), 0);
        if (cut < VAULT_HEAD_BYTES)
            assert_int_equal(got, cut); /* a head without anything behind it: not even that */
        else
            assert_int_equal(got, there);
        if (cut >= VAULT_HEAD_BYTES)
            assert_memory_equal(f->read, f->text, got);
    }
    free(bytes);
}

static void test_a_log_ends_where_it_is_not_as_written(void **state)
{
    static const size_t pieces[] = {500, 0};
    struct fixture *f = *state;
    size_t len, got;
    write_log(f, 5000, pieces);
    uint8_t *bytes = disk(f, &len);
    for (size_t i = VAULT_HEAD_BYTES; i < len; i += 37) {
        bytes[i] ^= 0x40;
        put_disk(f, bytes, len);
        bytes[i] ^= 0x40;
        assert_int_equal(read_back(f, &got), 0);
        size_t record = (i - VAULT_HEAD_BYTES) / (500 + VAULT_RECORD_BYTES);
        assert_int_equal(got, 500 * record);
        assert_memory_equal(f->read, f->text, got);
    }
    memset(bytes + len - 2 * 536, 0, 2 * 536); /* never written before the power failed */
    put_disk(f, bytes, len);
    expect(f, 4000);
    free(bytes);
}

static void test_goes_on_behind_what_is_whole(void **state)
{
    static const size_t pieces[] = {1000, 0};
    struct fixture *f = *state;
    struct file *file;
    size_t len;
    write_log(f, 3000, pieces);
    uint8_t *bytes = disk(f, &len);
    for (size_t cut = VAULT_HEAD_BYTES; cut <= len; cut += 23) {
        put_disk(f, bytes, cut);
        size_t there = (cut - VAULT_HEAD_BYTES) / (1000 + VAULT_RECORD_BYTES) * 1000;
        assert_int_equal(file_append(&file, f->vault, f->path), 0);
        assert_int_equal(file_position(file), there);
        assert_int_equal(file_write(file, f->text + there, 5000 - there), 0);
        assert_int_equal(file_sync(file), 0);
        file_close(file);
        expect(f, 5000);
    }
    bytes[len - 1] ^= 1; /* all of it there, and not what was written */
    put_disk(f, bytes, len);
    assert_int_equal(file_append(&file, f->vault, f->path), 0);
    assert_int_equal(file_position(file), 2000);
    assert_int_equal(file_write(file, f->text + 2000, 3000), 0);
    file_close(file);
    expect(f, 5000);
    assert_int_equal(file_append(&file, f->vault, f->path), 0);
    assert_int_equal(file_write(file, f->text + 5000, TEXT - 5000), 0);
    assert_int_equal(file_undo(file), 0);
    assert_int_equal(file_position(file), 5000);
    assert_int_equal(file_write(file, f->text + 5000, 100), 0);
    file_close(file);
    expect(f, 5100);
    free(bytes);
}

static void test_grows_only_at_its_end(void **state)
{
    struct fixture *f = *state;
    struct file *file;
    size_t got;
    assert_int_equal(file_create(&file, f->vault, f->path), 0);
    assert_int_equal(file_write(file, "abc", 3), 0);
    assert_int_equal(file_read_at(file, 0, f->read, 3, &got), ER_INVALID);
    file_close(file);
    assert_int_equal(file_append(&file, f->vault, f->path), 0);
    file_seek(file, 1);
    assert_int_equal(file_write(file, "x", 1), ER_INVALID);
    assert_int_equal(file_error(file), 0);
    file_close(file);
    write_whole(f, 100);
    assert_int_equal(file_append(&file, f->vault, f->path), ER_INVALID);
}

static void test_says_whose_key_is_missing(void **state)
{
    struct fixture *f = *state;
    struct file *file;
    size_t got;
    write_whole(f, 1000);
    set_keys(f, KEY_A "\n" KEY_B);
    expect(f, 1000);
    set_keys(f, KEY_B);
    assert_int_equal(read_back(f, &got), ER_DENIED);
    assert_int_equal(file_open(&file, NULL, f->path), ER_DENIED);
    assert_int_equal(file_append(&file, NULL, f->path), ER_DENIED);
}

static void test_plain_files_stay_readable(void **state)
{
    struct fixture *f = *state;
    struct file *file;
    put_disk(f, f->text, 3000);
    expect(f, 3000);
    /* but nothing is appended to plain text where there are keys */
    assert_int_equal(file_append(&file, NULL, f->path), 0);
    assert_int_equal(file_position(file), 3000);
    file_close(file);
    assert_int_equal(file_append(&file, f->vault, f->path), 0);
    assert_int_equal(file_position(file), 0);
    assert_int_equal(file_write(file, f->text, 10), 0);
    file_close(file);
    expect(f, 10);
}

static void test_bounds_what_is_written_again(void **state)
{
    struct fixture *f = *state;
    struct file *file;
    const size_t chunks = LIMIT_VAULT_REWRITES + 1;
    assert_int_equal(file_replace(&file, f->vault, f->path), 0);
    for (size_t i = 0; i < chunks; i++)
        assert_int_equal(file_write(file, f->text, CHUNK), 0);
    for (size_t i = 0; i < chunks; i++) {
        file_seek(file, i * CHUNK);
        assert_int_equal(file_write(file, "again", 5), i < LIMIT_VAULT_REWRITES ? 0 : ER_IO);
    }
    file_close(file);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_what_goes_in_comes_out),
        TEST(test_any_range_can_be_read),
        TEST(test_nothing_of_it_is_on_the_disk),
        TEST(test_the_begin_may_be_written_again),
        TEST(test_what_was_overwritten_cannot_come_back),
        TEST(test_what_is_left_can_be_salvaged),
        TEST(test_writing_again_survives_death),
        TEST(test_every_changed_byte_is_noticed),
        TEST(test_records_cannot_change_places),
        TEST(test_a_whole_file_cannot_be_cut),
        TEST(test_a_torn_log_ends_with_its_last_record),
        TEST(test_a_log_ends_where_it_is_not_as_written),
        TEST(test_goes_on_behind_what_is_whole),
        TEST(test_grows_only_at_its_end),
        TEST(test_says_whose_key_is_missing),
        TEST(test_plain_files_stay_readable),
        TEST(test_bounds_what_is_written_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
