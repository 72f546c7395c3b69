// SPDX-License-Identifier: Apache-2.0
/* Encrypted files read while the system fails or the file changes under the reader: what is not sure is not
 * given, what was wrong once is not remembered. What was changed beforehand is test_vault_file's. */
#include "base/vault_file.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/er.h"
#include "tests/unit/support/scratch.h"

enum { CHUNK = 1 << VAULT_CHUNK_LOG2, RECORD = CHUNK + VAULT_RECORD_BYTES, TEXT = 9 * CHUNK + 777 };

/** What the system does with the next calls of preadv, which reads records. */
static struct {
    unsigned calls;
    unsigned interrupted; /* so many fail with EINTR */
    bool fails, is_short;
} disk;

ssize_t __wrap_preadv(int fd, const struct iovec *parts, int count, off_t at);
ssize_t __real_preadv(int fd, const struct iovec *parts, int count, off_t at);
ssize_t __wrap_preadv(int fd, const struct iovec *parts, int count, off_t at)
{
    disk.calls++;
    if (disk.interrupted > 0) {
        disk.interrupted--;
        errno = EINTR;
        return -1;
    }
    if (disk.fails) {
        errno = EIO;
        return -1;
    }
    ssize_t n = __real_preadv(fd, parts, count, at);
    return disk.is_short && n > 0 ? n - 1 : n;
}

struct fixture {
    struct scratch scratch;
    struct entropy_seeded seeded;
    struct vault *vault;
    struct vault_file *file;
    int fd;
    uint8_t text[TEXT], read[TEXT];
};

static int setup(void **state)
{
    static const char key[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    struct fixture *f = calloc(1, sizeof *f);
    size_t line;
    memset(&disk, 0, sizeof disk);
    scratch_make(&f->scratch);
    assert_int_equal(vault_new(&f->vault, entropy_seeded_init(&f->seeded, 3)), 0);
    assert_int_equal(vault_set_keys(f->vault, span_of(key), &line), 0);
    for (size_t i = 0; i < TEXT; i++)
        f->text[i] = (uint8_t)(i * 2654435761u >> 13);
    f->fd = open(scratch_path(&f->scratch, "a"), O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_true(f->fd >= 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    vault_file_free(f->file);
    vault_free(f->vault);
    close(f->fd);
    scratch_remove(&f->scratch);
    free(f);
    return 0;
}

/** The text in pieces of `piece` bytes (0: at once), and opened to read. */
static void put(struct fixture *f, enum vault_kind kind, size_t piece)
{
    struct vault_file *file;
    assert_int_equal(ftruncate(f->fd, 0), 0);
    assert_int_equal(vault_file_begin(&file, f->vault, f->fd, kind), 0);
    for (size_t at = 0, len; at < TEXT; at += len) {
        len = piece && piece < TEXT - at ? piece : TEXT - at;
        assert_int_equal(vault_file_write(file, at, f->text + at, len), 0);
    }
    assert_int_equal(vault_file_end(file), 0);
    vault_file_free(file);
    vault_file_free(f->file);
    assert_int_equal(vault_file_open(&f->file, f->vault, f->fd, VAULT_READ), 0);
    assert_int_equal(vault_file_size(f->file), TEXT);
    disk.calls = 0;
}

static int read_some(struct fixture *f, uint64_t at, size_t size, size_t *ret_len)
{
    memset(f->read, 0xee, sizeof f->read);
    return vault_file_read(f->file, at, f->read, size, ret_len);
}

static void expect(struct fixture *f, uint64_t at, size_t size, size_t there)
{
    size_t len;
    assert_int_equal(read_some(f, at, size, &len), 0);
    assert_int_equal(len, there);
    assert_memory_equal(f->read, f->text + at, len);
}

static uint64_t unauthentic(const struct fixture *f)
{
    struct vault_counters counters;
    vault_read_counters(f->vault, &counters);
    return counters.unauthentic;
}

/** Four records a call; within one that is known, none. */
static void test_reads_by_few_calls(void **state)
{
    struct fixture *f = *state;
    put(f, VAULT_WHOLE, 0);
    expect(f, 0, TEXT, TEXT);
    assert_int_equal(disk.calls, 3);
    disk.calls = 0;
    for (size_t at = CHUNK + 1; at < CHUNK + 100; at++)
        expect(f, at, 50, 50);
    assert_int_equal(disk.calls, 1);
    expect(f, TEXT - 3, 100, 3);
    expect(f, TEXT, 100, 0);
    expect(f, 2 * CHUNK - 1, 2, 2); /* across a border */
}

/** More records than are looked for at first, each found by its place in the text. */
static void test_finds_any_record_of_a_log(void **state)
{
    struct fixture *f = *state;
    put(f, VAULT_LOG, 501);
    for (size_t at = 0; at < TEXT; at += 499)
        expect(f, at, 3, TEXT - at < 3 ? TEXT - at : 3);
    expect(f, 0, TEXT, TEXT);
}

static void test_goes_on_when_interrupted(void **state)
{
    struct fixture *f = *state;
    put(f, VAULT_WHOLE, 0);
    disk.interrupted = 5;
    expect(f, 0, TEXT, TEXT);
    assert_int_equal(disk.calls, 3 + 5);
}

static void test_gives_nothing_when_the_disk_fails(void **state)
{
    struct fixture *f = *state;
    const enum vault_kind kinds[] = {VAULT_WHOLE, VAULT_LOG};
    for (int i = 0; i < 2; i++) {
        size_t len;
        put(f, kinds[i], 0);
        expect(f, 10, 10, 10); /* so that a record is known */
        disk.fails = true;
        assert_int_equal(read_some(f, 5 * CHUNK + 10, 10, &len), ER_IO);
        assert_int_equal(len, 0);
        assert_int_equal(read_some(f, 0, TEXT, &len), ER_IO);
        disk.fails = false;
        expect(f, 5 * CHUNK + 10, 10, 10);
        expect(f, 0, TEXT, TEXT);
        assert_int_equal(vault_file_size(f->file), TEXT); /* a log ends no earlier for it */
    }
    assert_int_equal(unauthentic(f), 0);
}

static void test_a_short_read_is_no_record(void **state)
{
    struct fixture *f = *state;
    size_t len;
    put(f, VAULT_WHOLE, 0);
    expect(f, 1, 10, 10);
    disk.is_short = true;
    assert_int_equal(read_some(f, CHUNK, CHUNK, &len), ER_UNAUTHENTIC);
    assert_int_equal(read_some(f, CHUNK + 1, 10, &len), ER_UNAUTHENTIC);
    assert_int_equal(len, 0);
    assert_int_equal(unauthentic(f), 2);
    disk.is_short = false;
    expect(f, 1, 10, 10); /* and is not taken for another one afterwards */
    expect(f, CHUNK, CHUNK, CHUNK);
}

/** Its end was whole when it was opened. */
static void test_a_file_that_is_cut_while_open(void **state)
{
    struct fixture *f = *state;
    size_t len;
    put(f, VAULT_WHOLE, 0);
    assert_int_equal(ftruncate(f->fd, VAULT_HEAD_BYTES + 5 * RECORD + 100), 0);
    expect(f, 0, 4 * CHUNK, 4 * CHUNK);
    assert_int_equal(read_some(f, 5 * CHUNK, CHUNK, &len), ER_UNAUTHENTIC);
    put(f, VAULT_LOG, CHUNK); /* this one ends before what is not there any more */
    assert_int_equal(ftruncate(f->fd, VAULT_HEAD_BYTES + 5 * RECORD + 100), 0);
    expect(f, 0, TEXT, 5 * CHUNK);
    assert_int_equal(vault_file_size(f->file), 5 * CHUNK);
    expect(f, 5 * CHUNK, 10, 0);
}

static void test_what_is_changed_while_open_is_noticed(void **state)
{
    struct fixture *f = *state;
    size_t len;
    put(f, VAULT_WHOLE, 0);
    assert_int_equal(pwrite(f->fd, "x", 1, VAULT_HEAD_BYTES + 6 * RECORD + 999), 1);
    assert_int_equal(read_some(f, 0, TEXT, &len), ER_UNAUTHENTIC);
    assert_int_equal(len, 4 * CHUNK); /* what was read before it */
    assert_memory_equal(f->read, f->text, len);
    expect(f, 7 * CHUNK, CHUNK, CHUNK); /* the others are as they were */
    assert_int_equal(read_some(f, 6 * CHUNK + 1, 5, &len), ER_UNAUTHENTIC);
    assert_int_equal(unauthentic(f), 2);
}

static int open_again(struct fixture *f, enum vault_use use)
{
    struct vault_file *file = NULL;
    int er = vault_file_open(&file, f->vault, f->fd, use);
    vault_file_free(file);
    return er;
}

/** How long the end is said to be: nothing, too little, past the file's begin, past all bounds. */
static void test_believes_no_end_that_cannot_be(void **state)
{
    struct fixture *f = *state;
    put(f, VAULT_WHOLE, 0);
    off_t size = lseek(f->fd, 0, SEEK_END);
    const uint32_t good = VAULT_RECORD_BYTES + 12;
    const uint32_t bad[] = {0,         1,          good - 1,
                            good + 1,  good + 8,   good + 8 * LIMIT_VAULT_REWRITES + 8,
                            INT32_MAX, UINT32_MAX, (uint32_t)size};
    uint8_t foot[4];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        put_u32(foot, bad[i]);
        assert_int_equal(pwrite(f->fd, foot, 4, size - 4), 4);
        assert_int_equal(open_again(f, VAULT_READ), ER_TRUNCATED);
        assert_int_equal(open_again(f, VAULT_SALVAGE), 0);
    }
    put_u32(foot, good);
    assert_int_equal(pwrite(f->fd, foot, 4, size - 4), 4);
    assert_int_equal(open_again(f, VAULT_READ), 0);
}

static void test_refuses_what_it_is_not_for(void **state)
{
    struct fixture *f = *state;
    struct vault_file *file;
    size_t len;
    put(f, VAULT_WHOLE, 0);
    assert_int_equal(open_again(f, VAULT_APPEND), ER_INVALID);
    put(f, VAULT_LOG, 1000);
    assert_int_equal(vault_file_open(&file, f->vault, f->fd, VAULT_APPEND), 0);
    assert_int_equal(vault_file_read(file, 0, f->read, 10, &len), ER_INVALID);
    vault_file_free(file);
    assert_int_equal(ftruncate(f->fd, VAULT_HEAD_BYTES - 1), 0);
    assert_int_equal(open_again(f, VAULT_READ), ER_TRUNCATED);
    assert_int_equal(vault_file_open(&file, f->vault, -1, VAULT_READ), ER_IO);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_reads_by_few_calls),
        TEST(test_finds_any_record_of_a_log),
        TEST(test_goes_on_when_interrupted),
        TEST(test_gives_nothing_when_the_disk_fails),
        TEST(test_a_short_read_is_no_record),
        TEST(test_a_file_that_is_cut_while_open),
        TEST(test_what_is_changed_while_open_is_noticed),
        TEST(test_believes_no_end_that_cannot_be),
        TEST(test_refuses_what_it_is_not_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
