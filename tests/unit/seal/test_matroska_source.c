// SPDX-License-Identifier: Apache-2.0
/* Matroska files by name and by descriptor. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/er.h"
#include "server/seal/matroska.h"
#include "tests/unit/support/matroska_make.h"
#include "tests/unit/support/scratch.h"

static void check(const struct matroska_make *m, const struct matroska_file *f)
{
    struct merkle_hash hash;
    assert_int_equal(merkle_sha256(m->bytes, m->len, &hash), 0);
    assert_int_equal(f->bytes, m->len);
    assert_true(merkle_equal(&f->hash, &hash));
    assert_true(f->frame_count > 100);
}

static void a_file_is_read_from_where_it_lies(void **state)
{
    (void)state;
    struct scratch scratch;
    struct matroska_make m;
    struct matroska_file f;
    scratch_make(&scratch);
    matroska_make_clip(&m, 0, 3000);
    scratch_write(&scratch, "a.webm", m.bytes, m.len);
    const char *path = scratch_path(&scratch, "a.webm");
    assert_int_equal(matroska_read_path(NULL, path, &f), 0);
    check(&m, &f);
    matroska_clear(&f);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    const struct matroska_source source = matroska_source_fd(&fd);
    assert_int_equal(matroska_read(&source, &f), 0);
    check(&m, &f);
    matroska_clear(&f);
    close(fd);
    assert_int_equal(matroska_read(&source, &f), ER_IO);
    matroska_clear(&f);
    assert_int_equal(matroska_read_path(NULL, scratch_path(&scratch, "b"), &f), ER_NOT_FOUND);
    matroska_clear(&f);
    matroska_make_free(&m);
    scratch_remove(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_file_is_read_from_where_it_lies)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
