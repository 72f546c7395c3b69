// SPDX-License-Identifier: Apache-2.0
/* Old files encrypted where they lie: none is ever missing or half there, whenever the process dies, and what
 * was deleted meanwhile does not come back. */
#include "server/storage_encrypt.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/file.h"
#include "base/str.h"
#include "tests/unit/support/scratch.h"

enum { LONG = 700000 };

/** What the system does; each is a step at which the process may die. */
static struct {
    unsigned steps, dies_at;
    unsigned disk_full_at; /* of pwrite */
    const char *deleted;   /* just before it would be exchanged */
    int no_exchange;       /* errno */
} world;

static void step(void)
{
    if (++world.steps == world.dies_at)
        _exit(9);
}

ssize_t __wrap_pwrite(int fd, const void *data, size_t len, off_t at);
ssize_t __real_pwrite(int fd, const void *data, size_t len, off_t at);
ssize_t __wrap_pwrite(int fd, const void *data, size_t len, off_t at)
{
    step();
    if (world.disk_full_at && world.steps >= world.disk_full_at) {
        errno = ENOSPC;
        return -1;
    }
    /* It may die in the middle of it, too. */
    ssize_t half = __real_pwrite(fd, data, len / 2, at);
    step();
    return half < 0 ? half
                    : half + __real_pwrite(fd, (const char *)data + half, len - half, at + half);
}

int __wrap_fsync(int fd);
int __real_fsync(int fd);
int __wrap_fsync(int fd)
{
    step();
    return __real_fsync(fd);
}

int __wrap_renameat2(int from_at, const char *from, int to_at, const char *to, unsigned flags);
int __real_renameat2(int from_at, const char *from, int to_at, const char *to, unsigned flags);
int __wrap_renameat2(int from_at, const char *from, int to_at, const char *to, unsigned flags)
{
    step();
    if (world.deleted)
        (void)remove(world.deleted);
    if (world.no_exchange) {
        errno = world.no_exchange;
        return -1;
    }
    return __real_renameat2(from_at, from, to_at, to, flags);
}

int __wrap_unlink(const char *path);
int __real_unlink(const char *path);
int __wrap_unlink(const char *path)
{
    step();
    return __real_unlink(path);
}

/** A data folder's blobs: the files lie in a folder below. */
struct fixture {
    struct scratch below;
    char blobs[80];
    struct vault *vault;
    struct entropy_seeded seeded;
    uint8_t *text;
    unsigned told;
    int told_er;
};

static const struct {
    const char *name;
    size_t len;
} finished[] = {{"a.webm", LONG}, {"a.voices.mka", 70000}, {"a.jpg", 16384},
                {"b.jpg", 1},     {"b.small.jpg", 9000},   {"c.webm", 0}};
enum { FINISHED = sizeof finished / sizeof *finished };

static void on_failed(void *ctx, const char *path, int er)
{
    struct fixture *f = ctx;
    assert_non_null(path);
    f->told++;
    f->told_er = er;
}

static int setup(void **state)
{
    static const char key[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    struct fixture *f = calloc(1, sizeof *f);
    char below[64];
    size_t line;
    memset(&world, 0, sizeof world);
    scratch_make(&f->below);
    (void)str_copy(f->blobs, sizeof f->blobs, f->below.folder);
    (void)snprintf(below, sizeof below, "%.50s/01", f->blobs);
    assert_int_equal(mkdir(below, 0700), 0);
    (void)str_copy(f->below.folder, sizeof f->below.folder, below);
    assert_int_equal(vault_new(&f->vault, entropy_seeded_init(&f->seeded, 3)), 0);
    assert_int_equal(vault_set_keys(f->vault, span_of(key), &line), 0);
    f->text = malloc(LONG);
    for (size_t i = 0; i < LONG; i++)
        f->text[i] = (uint8_t)(i * 2654435761u >> 13);
    for (size_t i = 0; i < FINISHED; i++)
        scratch_write(&f->below, finished[i].name, f->text, finished[i].len);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    scratch_remove(&f->below);
    assert_int_equal(rmdir(f->blobs), 0);
    vault_free(f->vault);
    free(f->text);
    free(f);
    return 0;
}

static int encrypt(struct fixture *f, struct storage_encrypted *ret)
{
    f->told = 0;
    world.steps = 0;
    return storage_encrypt(f->blobs, f->vault, on_failed, f, ret);
}

/** Every finished file can be read, and says what it said; how many of them lie encrypted. */
static unsigned check(struct fixture *f)
{
    unsigned encrypted = 0;
    for (size_t i = 0; i < FINISHED; i++) {
        char *text;
        size_t len, raw_len;
        const char *path = scratch_path(&f->below, finished[i].name);
        assert_int_equal(file_read_all(f->vault, path, LONG, &text, &len), 0);
        assert_int_equal(len, finished[i].len);
        assert_memory_equal(text, f->text, len);
        free(text);
        uint8_t *raw = scratch_read(&f->below, finished[i].name, &raw_len);
        encrypted += raw_len != len && vault_is_head(raw, raw_len);
        if (raw_len != len && len >= 32)
            assert_null(memmem(raw, raw_len, f->text, 32));
        free(raw);
    }
    return encrypted;
}

static void test_encrypts_what_is_finished(void **state)
{
    static const char *const others[] = {"d.part",          "d.voices.part", "d.upload",
                                         "a.manifest.json", "a.framelog",    "jpg"};
    struct fixture *f = *state;
    struct storage_encrypted done;
    size_t len;
    for (size_t i = 0; i < 6; i++)
        scratch_write(&f->below, others[i], f->text, 100);
    assert_int_equal(encrypt(f, &done), 0);
    assert_int_equal(check(f), FINISHED);
    assert_int_equal(done.files, FINISHED);
    assert_int_equal(done.bytes, LONG + 70000 + 16384 + 1 + 9000);
    assert_int_equal(done.before + done.failed + f->told, 0);
    for (size_t i = 0; i < 6; i++) {
        free(scratch_read(&f->below, others[i], &len));
        assert_int_equal(len, 100);
    }
    assert_int_equal(scratch_count(&f->below), FINISHED + 6);
    assert_int_equal(encrypt(f, &done), 0); /* once more: all is done */
    assert_int_equal(done.files, 0);
    assert_int_equal(done.before, FINISHED);
}

/** kill -9 at every write, half of one, fsync, exchange and removal. */
static void test_may_die_at_any_moment(void **state)
{
    struct fixture *f = *state;
    struct storage_encrypted done;
    unsigned deaths = 0, last = 0;
    for (unsigned at = 1;; at++) {
        for (size_t i = 0; i < FINISHED; i++)
            scratch_write(&f->below, finished[i].name, f->text, finished[i].len);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            world.dies_at = at;
            (void)encrypt(f, &done);
            _exit(0);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        unsigned encrypted = check(f);
        assert_true(encrypted >= last); /* what is done stays done */
        last = encrypted;
        assert_int_equal(encrypt(f, &done), 0);
        assert_int_equal(check(f), FINISHED);
        assert_int_equal(scratch_count(&f->below), FINISHED); /* nothing is left beside them */
        if (WEXITSTATUS(status) == 0)
            break;
        deaths++;
    }
    assert_true(deaths > 5 * FINISHED);
    assert_int_equal(last, FINISHED);
}

static void test_what_was_deleted_stays_deleted(void **state)
{
    struct fixture *f = *state;
    struct storage_encrypted done;
    char name[128];
    (void)str_copy(name, sizeof name, scratch_path(&f->below, "a.jpg"));
    world.deleted = name;
    assert_int_equal(encrypt(f, &done), 0);
    assert_false(scratch_exists(&f->below, "a.jpg"));
    assert_int_equal(done.files, FINISHED - 1);
    assert_int_equal(done.failed, 0);
    assert_int_equal(scratch_count(&f->below), FINISHED - 1);
}

static void test_a_full_disk_leaves_all_as_it_was(void **state)
{
    struct fixture *f = *state;
    struct storage_encrypted done;
    world.disk_full_at = 1;
    assert_int_equal(encrypt(f, &done), 0);
    assert_int_equal(done.failed, FINISHED);
    assert_int_equal(f->told, FINISHED);
    assert_int_equal(f->told_er, ER_IO);
    assert_int_equal(check(f), 0);
    assert_int_equal(scratch_count(&f->below), FINISHED);
    world.disk_full_at = 0;
    world.no_exchange = EINVAL;
    assert_int_equal(encrypt(f, &done), 0);
    assert_int_equal(f->told_er, ER_UNSUPPORTED);
    assert_int_equal(check(f), 0);
    assert_int_equal(scratch_count(&f->below), FINISHED);
}

static void test_who_could_read_one_still_can(void **state)
{
    struct fixture *f = *state;
    struct storage_encrypted done;
    struct stat st;
    char path[128];
    uid_t owner = geteuid() == 0 ? 4321 : geteuid();
    (void)str_copy(path, sizeof path, scratch_path(&f->below, "a.jpg"));
    assert_int_equal(chmod(path, 0604), 0);
    assert_int_equal(geteuid() == 0 ? chown(path, owner, 5432) : 0, 0);
    mode_t mask = umask(077);
    int er = encrypt(f, &done);
    (void)umask(mask);
    assert_int_equal(er, 0);
    assert_int_equal(check(f), FINISHED);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0604);
    assert_int_equal(st.st_uid, owner);
    if (geteuid() == 0)
        assert_int_equal(st.st_gid, 5432);
}

static void test_what_others_encrypted_stays(void **state)
{
    struct fixture *f = *state;
    struct storage_encrypted done;
    static const char other[] = "f123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    size_t line, before_len, len;
    assert_int_equal(encrypt(f, &done), 0);
    uint8_t *before = scratch_read(&f->below, "a.jpg", &before_len);
    assert_int_equal(vault_set_keys(f->vault, span_of(other), &line), 0);
    assert_int_equal(encrypt(f, &done), 0);
    assert_int_equal(done.before, FINISHED);
    assert_int_equal(done.failed, 0);
    uint8_t *after = scratch_read(&f->below, "a.jpg", &len);
    assert_int_equal(len, before_len);
    assert_memory_equal(after, before, len);
    free(before);
    free(after);
}

static void test_refuses(void **state)
{
    struct fixture *f = *state;
    struct storage_encrypted done;
    struct vault *keyless;
    assert_int_equal(vault_new(&keyless, entropy_seeded_init(&f->seeded, 3)), 0);
    assert_int_equal(storage_encrypt(f->blobs, keyless, on_failed, f, &done), ER_NOT_FOUND);
    vault_free(keyless);
    assert_int_equal(storage_encrypt("/nowhere", f->vault, on_failed, f, &done), ER_NOT_FOUND);
    int fd = open(f->blobs, O_RDONLY | O_DIRECTORY);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_int_equal(encrypt(f, &done), ER_CONFLICT);
    close(fd);
    assert_int_equal(check(f), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_encrypts_what_is_finished),      TEST(test_may_die_at_any_moment),
        TEST(test_what_was_deleted_stays_deleted), TEST(test_a_full_disk_leaves_all_as_it_was),
        TEST(test_what_others_encrypted_stays),    TEST(test_refuses),
        TEST(test_who_could_read_one_still_can),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
