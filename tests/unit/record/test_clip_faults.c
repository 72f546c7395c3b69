// SPDX-License-Identifier: Apache-2.0
/* A disk that fails at any of the writes, fsyncs and renames of a recording, for a while or for good:
 * a clip that says it is finished plays, and one that does not can be repaired once the disk is well. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/er.h"
#include "media/record/clip.h"
#include "tests/unit/support/opus_source.h"
#include "tests/unit/support/scratch.h"
#include "tests/unit/support/vp8_source.h"
#include "tests/unit/support/webm_probe.h"

#define START_US UINT64_C(1700000000000000)
#define LENGTH_US 2000000
#define NEVER UINT32_MAX

/* These stand in for the C library's: they count, and fail when told to. */
static unsigned calls, fail_at = NEVER, fail_count;
static int fail_errno;

static bool fails(void)
{
    unsigned n = calls++;
    if (n < fail_at || n - fail_at >= fail_count)
        return false;
    errno = fail_errno;
    return true;
}

int fsync(int fd)
{
    return fails() ? -1 : (int)syscall(SYS_fsync, fd);
}

/** What still fits is written, as on a disk that fills up. */
ssize_t pwrite(int fd, const void *data, size_t len, off_t at)
{
    if (!fails())
        return syscall(SYS_pwrite64, fd, data, len, at);
    if (fail_errno == ENOSPC && len > 1)
        (void)syscall(SYS_pwrite64, fd, data, len / 2, at);
    return -1;
}

int rename(const char *from, const char *to)
{
    return fails() ? -1 : (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

static int record(const char *path, struct clip_result *ret)
{
    struct vp8_source *camera = vp8_source_new(160, 120);
    struct opus_source voice = {0};
    struct clip *clip;
    const struct clip_config config = {.path = path, .start_unix_us = START_US, .publisher = "ann"};
    opus_source_tone(&voice, 440, 0.3);
    int er = clip_new(&clip, &config);
    if (er == 0) {
        for (int64_t at = 0; at < LENGTH_US && er != ER_IO; at += 20000) {
            uint64_t unix_us = START_US + (uint64_t)at;
            struct vp8_picture picture;
            if (at % 40000 == 0) {
                vp8_source_next(camera, 90000 + at * 9 / 100, at % 1000000 == 0, &picture);
                for (size_t i = 0; i < picture.count && er != ER_IO; i++)
                    er = clip_video(clip, picture.packets[i], unix_us);
            }
            if (er != ER_IO)
                er = clip_audio(clip, 1, opus_source_packet(&voice, at / 20000, unix_us), unix_us);
            if (er != ER_IO)
                er = clip_tick(clip, unix_us, 0);
        }
        er = clip_finish(clip, START_US + LENGTH_US, ret);
        clip_free(clip);
    }
    vp8_source_free(camera);
    return er;
}

static void assert_plays(struct scratch *s)
{
    struct webm_probe probe = {0};
    assert_true(webm_probe_read(&probe, scratch_path(s, "clip.webm")));
    assert_int_equal(probe.broken_pictures, 0);
    assert_int_equal(probe.vp8_tracks, 1);
    webm_probe_clear(&probe);
}

/** One run in which the n-th call fails; true when it came that far. */
static bool fails_at(unsigned n, unsigned count, int error)
{
    struct scratch s;
    char path[128];
    struct clip_result result = {0};
    scratch_make(&s);
    (void)snprintf(path, sizeof path, "%s", scratch_path(&s, "clip"));
    calls = 0;
    fail_at = n;
    fail_count = count;
    fail_errno = error;
    int er = record(path, &result);
    bool reached = calls > n;
    fail_at = NEVER;
    if (er != 0 && er != ER_IO && er != ER_NOT_FOUND)
        fail_msg("call %u of %u: %s", n, calls, er_name(er));
    if (er == 0) {
        assert_plays(&s);
        assert_false(scratch_exists(&s, "clip.part"));
    }
    er = clip_repair(NULL, path, &result);
    if (er != 0 && er != ER_NOT_FOUND)
        fail_msg("repair after call %u of %u: %s", n, calls, er_name(er));
    if (er == 0)
        assert_plays(&s);
    if (n > 100)
        assert_int_equal(er, 0); /* something good was there by then */
    scratch_remove(&s);
    return reached;
}

static void every_call_fails_once(void **state)
{
    (void)state;
    for (unsigned n = 0; fails_at(n, 1, EIO); n += n < 20 ? 1 : 7)
        ;
}

static void the_disk_is_full_from_then_on(void **state)
{
    (void)state;
    for (unsigned n = 0; fails_at(n, NEVER, ENOSPC); n += n < 20 ? 1 : 7)
        ;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_call_fails_once),
        cmocka_unit_test(the_disk_is_full_from_then_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
