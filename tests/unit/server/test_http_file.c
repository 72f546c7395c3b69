// SPDX-License-Identifier: Apache-2.0
/* The thread that reads files: pieces come back in their order, short where there is no more. */
#include "server/http_file.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/er.h"

static void ring(void *ctx)
{
    uint64_t one = 1;
    (void)!write(*(int *)ctx, &one, sizeof one);
}

static void test_file_reader(void **state)
{
    (void)state;
    int bell = eventfd(0, 0);
    struct http_files *f;
    char path[] = "/tmp/loupe-file-XXXXXX";
    int fd = mkstemp(path);
    uint8_t bytes[8];
    struct file *file;
    assert_int_equal(write(fd, "0123456789", 10), 10);
    assert_int_equal(http_files_new(&f, ring, &bell), 0);
    assert_int_equal(file_open(&file, NULL, path), 0);
    struct http_piece p = {.file = file, .offset = 4, .len = 8, .bytes = bytes, .who = path}, got;
    assert_int_equal(http_files_next(f, &got), 0);
    assert_int_equal(http_files_ask(f, &p), 0);
    struct pollfd wait = {.fd = bell, .events = POLLIN};
    assert_int_equal(poll(&wait, 1, 10000), 1);
    assert_int_equal(http_files_next(f, &got), 1);
    assert_int_equal(got.len, 6);
    assert_memory_equal(bytes, "456789", 6);
    assert_ptr_equal(got.who, path);
    http_files_close(f);
    assert_int_not_equal(http_files_ask(f, &p), 0);
    http_files_free(f);
    http_files_free(NULL);
    file_close(file);
    close(fd);
    close(bell);
    unlink(path);
}

static size_t read_letters(void *ctx, uint64_t at, void *ret_bytes, size_t size)
{
    (void)ctx;
    memset(ret_bytes, (int)('a' + at % 26), size);
    return size / 2;
}

/** One after the other, of sources and of a file that is empty. */
static void test_pieces_come_back_in_order(void **state)
{
    (void)state;
    enum { PIECES = 100 };
    static uint8_t bytes[PIECES][4];
    int bell = eventfd(0, EFD_NONBLOCK);
    struct http_files *f;
    struct file *empty;
    assert_int_equal(file_open(&empty, NULL, "/dev/null"), 0);
    assert_int_equal(http_files_new(&f, ring, &bell), 0);
    for (size_t i = 0; i < PIECES; i++) {
        struct http_piece p = {.offset = i, .len = 4, .bytes = bytes[i], .who = bytes[i]};
        if (i % 3)
            p.source = (struct http_source){.read = read_letters};
        else
            p.file = empty;
        assert_int_equal(http_files_ask(f, &p), 0);
    }
    http_files_close(f); /* waits for them; they can be had still */
    for (size_t i = 0; i < PIECES; i++) {
        struct http_piece got;
        assert_int_equal(http_files_next(f, &got), 1);
        assert_ptr_equal(got.who, bytes[i]);
        assert_int_equal(got.len, i % 3 ? 2 : 0);
        if (i % 3)
            assert_int_equal(bytes[i][0], 'a' + i % 26);
    }
    http_files_free(f);
    file_close(empty);
    close(bell);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file_reader),
        cmocka_unit_test(test_pieces_come_back_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
