// SPDX-License-Identifier: Apache-2.0
/* The job threads: clips written from batches, failures told, nothing left open at the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/str.h"
#include "media/io/jobs.h"
#include "media/record/clip.h"
#include "tests/unit/support/scratch.h"
#include "tests/unit/support/vp8_source.h"

#define WAIT_MS 20000
#define UNIX_US UINT64_C(1700000000000000)

#define SLOW "slow"

static sem_t slow;

int __real_clip_repair(struct vault *vault, const char *path, struct clip_result *ret);
int __wrap_clip_repair(struct vault *vault, const char *path, struct clip_result *ret);
int __wrap_clip_repair(struct vault *vault, const char *path, struct clip_result *ret)
{
    if (strcmp(path, SLOW) != 0)
        return __real_clip_repair(vault, path, ret);
    while (sem_wait(&slow) != 0)
        ;
    return ER_NOT_FOUND;
}

struct fixture {
    struct scratch scratch;
    struct entropy_seeded seeded;
    struct entropy entropy;
    struct msgq *events;
    struct jobs *jobs;
    struct vp8_source *camera;
    struct id room;
    int64_t seq;
};

static int open_fixture(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    scratch_make(&f->scratch);
    assert_int_equal(sem_init(&slow, 0, 0), 0);
    f->entropy = entropy_seeded_init(&f->seeded, 9);
    f->room = id_make(UNIX_US, &f->entropy);
    f->seq = 65536;
    f->camera = vp8_source_new(160, 120);
    assert_int_equal(msgq_new(&f->events, sizeof(struct media_event), 64), 0);
    assert_int_equal(jobs_start(&f->jobs, 2, f->events, NULL, NULL), 0);
    *state = f;
    return 0;
}

static int close_fixture(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(sem_post(&slow), 0); /* whoever waits still */
    jobs_stop(f->jobs);
    msgq_free(f->events);
    vp8_source_free(f->camera);
    scratch_remove(&f->scratch);
    free(f);
    return 0;
}

static struct media_event next_event(struct fixture *f, enum media_event_type type)
{
    struct media_event e;
    assert_true(msgq_wait(f->events, &e, WAIT_MS));
    assert_int_equal(e.type, type);
    return e;
}

static struct record_batch *make_batch(struct fixture *f, const struct id *clip,
                                       enum record_step step, uint64_t at_us)
{
    struct record_batch *b = calloc(1, sizeof *b);
    assert_non_null(b);
    b->step = step;
    b->room = f->room;
    b->clip = *clip;
    b->unix_us = UNIX_US + at_us;
    return b;
}

static void open_clip(struct fixture *f, const struct id *clip, const char *name)
{
    struct record_batch *b = make_batch(f, clip, RECORD_OPEN, 0);
    assert_int_equal(str_copy(b->path, sizeof b->path, scratch_path(&f->scratch, name)), 0);
    assert_int_equal(jobs_record(f->jobs, b), 0);
}

/** One picture, its packets copied onto a slab of their own. */
static void write_picture(struct fixture *f, const struct id *clip, uint64_t at_us)
{
    struct vp8_picture picture;
    struct record_batch *b = make_batch(f, clip, RECORD_DATA, at_us);
    vp8_source_next(f->camera, (int64_t)at_us * 9 / 100 + 90000, at_us == 0, &picture);
    for (size_t i = 0; i < picture.count; i++) {
        size_t len = sizeof(struct tape_packet) + picture.packets[i]->payload_len;
        struct slab *slab = slab_new((uint32_t)len);
        assert_non_null(slab);
        struct tape_packet *p = (struct tape_packet *)(void *)slab->bytes;
        memcpy(p, picture.packets[i], len);
        p->seq = f->seq++;
        p->arrival_us = at_us;
        b->items[b->count++] = (struct record_item){.kind = RECORD_VIDEO,
                                                    .source = 1,
                                                    .packet = p,
                                                    .slab = slab,
                                                    .capture_unix_us = UNIX_US + at_us};
    }
    assert_int_equal(jobs_record(f->jobs, b), 0);
}

static void writes_a_clip(void **state)
{
    struct fixture *f = *state;
    struct id clip = id_make(UNIX_US, &f->entropy);
    open_clip(f, &clip, "one");
    struct media_event e = next_event(f, MEDIA_CLIP_STARTED);
    assert_true(id_equal(&e.clip, &clip) && id_equal(&e.room, &f->room));
    assert_true(e.unix_us == UNIX_US);
    for (uint64_t i = 0; i < 25; i++)
        write_picture(f, &clip, i * 40000);
    assert_int_equal(jobs_record(f->jobs, make_batch(f, &clip, RECORD_CLOSE, 1000000)), 0);
    e = next_event(f, MEDIA_CLIP_READY);
    assert_int_equal(e.er, 0);
    assert_true(id_equal(&e.clip, &clip) && id_equal(&e.room, &f->room));
    assert_true(e.result.started_unix_us == UNIX_US);
    assert_in_range(e.result.duration_ms, 950, 1050);
    assert_int_equal(e.result.width, 160);
    assert_int_equal(e.result.height, 120);
    assert_true(e.result.has_video && e.result.has_poster && !e.result.repaired);
    assert_string_equal(e.result.video_codec, "VP8");
    size_t len;
    uint8_t *file = scratch_read(&f->scratch, "one.webm", &len);
    assert_int_equal(len, e.result.bytes);
    free(file);
    assert_true(scratch_exists(&f->scratch, "one.jpg"));
    assert_false(scratch_exists(&f->scratch, "one.part"));
}

static void tells_what_failed(void **state)
{
    struct fixture *f = *state;
    struct id clip = id_make(UNIX_US, &f->entropy);
    open_clip(f, &clip, "no/such/folder");
    struct media_event e = next_event(f, MEDIA_CLIP_FAILED);
    assert_int_equal(e.er, ER_IO);
    assert_true(id_equal(&e.clip, &clip) && id_equal(&e.room, &f->room));
    write_picture(f, &clip, 0); /* for a clip that is not: released, and no more */
    assert_int_equal(jobs_record(f->jobs, make_batch(f, &clip, RECORD_CLOSE, 1000)), 0);
    assert_int_equal(jobs_repair(f->jobs, &clip, scratch_path(&f->scratch, "none")), 0);
    e = next_event(f, MEDIA_CLIP_FAILED);
    assert_int_equal(e.er, ER_NOT_FOUND);
    assert_false(id_is_set(&e.room));
}

static void several_clips_do_not_mix(void **state)
{
    struct fixture *f = *state;
    struct id clips[6];
    for (size_t i = 0; i < 6; i++) {
        char name[2] = {(char)('a' + i), 0};
        clips[i] = id_make(UNIX_US + i, &f->entropy);
        open_clip(f, &clips[i], name);
    }
    for (size_t i = 0; i < 6; i++)
        (void)next_event(f, MEDIA_CLIP_STARTED);
    for (uint64_t i = 0; i < 10; i++)
        write_picture(f, &clips[2], i * 40000);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(jobs_record(f->jobs, make_batch(f, &clips[i], RECORD_CLOSE, 400000)), 0);
    for (size_t i = 0; i < 6; i++) {
        struct media_event e;
        assert_true(msgq_wait(f->events, &e, WAIT_MS));
        if (id_equal(&e.clip, &clips[2]))
            assert_true(e.type == MEDIA_CLIP_READY && e.result.has_video);
        else
            assert_false(e.result.has_video);
    }
}

static void end_clip(struct fixture *f, const struct id *clip, uint64_t at_us)
{
    assert_int_equal(jobs_record(f->jobs, make_batch(f, clip, RECORD_CLOSE, at_us)), 0);
}

/** Repairs and the ends of long clips wait for each other, but nobody waits for them. */
static void what_takes_long_holds_nobody_up(void **state)
{
    struct fixture *f = *state;
    struct id repaired = id_make(UNIX_US, &f->entropy), clips[8];
    assert_int_equal(jobs_repair(f->jobs, &repaired, SLOW), 0);
    for (size_t i = 0; i < 8; i++) { /* on both threads */
        char name[2] = {(char)('a' + i), 0};
        clips[i] = id_make(UNIX_US + 1 + i, &f->entropy);
        open_clip(f, &clips[i], name);
        (void)next_event(f, MEDIA_CLIP_STARTED);
    }
    write_picture(f, &clips[0], 0);
    end_clip(f, &clips[0], 90000000);
    for (size_t i = 1; i < 8; i++) {
        write_picture(f, &clips[i], 0);
        end_clip(f, &clips[i], 40000);
        struct media_event e = next_event(f, MEDIA_CLIP_READY);
        assert_true(id_equal(&e.clip, &clips[i]));
    }
    assert_int_equal(sem_post(&slow), 0);
    struct media_event e = next_event(f, MEDIA_CLIP_FAILED);
    assert_true(id_equal(&e.clip, &repaired));
    e = next_event(f, MEDIA_CLIP_READY);
    assert_true(id_equal(&e.clip, &clips[0]));
    assert_in_range(e.result.duration_ms, 89000, 91000);
}

/** The end of the process finishes what is being recorded. */
static void stopping_finishes_clips(void **state)
{
    struct fixture *f = *state;
    struct id clip = id_make(UNIX_US, &f->entropy);
    open_clip(f, &clip, "one");
    for (uint64_t i = 0; i < 25; i++)
        write_picture(f, &clip, i * 40000);
    jobs_stop(f->jobs);
    f->jobs = NULL;
    jobs_stop(NULL);
    (void)next_event(f, MEDIA_CLIP_STARTED);
    struct media_event e = next_event(f, MEDIA_CLIP_READY);
    assert_in_range(e.result.duration_ms, 900, 1050);
    assert_true(scratch_exists(&f->scratch, "one.webm"));
}

static void repairs_what_a_dead_process_left(void **state)
{
    struct fixture *f = *state;
    struct id clip = id_make(UNIX_US, &f->entropy);
    open_clip(f, &clip, "one");
    (void)next_event(f, MEDIA_CLIP_STARTED);
    for (uint64_t i = 0; i < 75; i++)
        write_picture(f, &clip, i * 40000);
    assert_int_equal(jobs_record(f->jobs, make_batch(f, &clip, RECORD_CLOSE, 3000000)), 0);
    (void)next_event(f, MEDIA_CLIP_READY);
    size_t len;
    uint8_t *file = scratch_read(&f->scratch, "one.webm", &len);
    scratch_write(&f->scratch, "two.part", file, len * 3 / 4);
    free(file);
    assert_int_equal(jobs_repair(f->jobs, &clip, scratch_path(&f->scratch, "two")), 0);
    struct media_event e = next_event(f, MEDIA_CLIP_READY);
    assert_true(e.result.repaired && e.result.has_video);
    assert_true(scratch_exists(&f->scratch, "two.webm"));
}

static void trims_a_finished_clip(void **state)
{
    struct fixture *f = *state;
    struct id clip = id_make(UNIX_US, &f->entropy);
    open_clip(f, &clip, "whole");
    (void)next_event(f, MEDIA_CLIP_STARTED);
    for (uint64_t i = 0; i < 75; i++)
        write_picture(f, &clip, i * 40000);
    assert_int_equal(jobs_record(f->jobs, make_batch(f, &clip, RECORD_CLOSE, 3000000)), 0);
    (void)next_event(f, MEDIA_CLIP_READY);
    struct media_trim_config config = {
        .clip = id_make(UNIX_US, &f->entropy), .from_ms = 0, .to_ms = 1000};
    (void)snprintf(config.from, sizeof config.from, "%s", scratch_path(&f->scratch, "whole"));
    (void)snprintf(config.path, sizeof config.path, "%s", scratch_path(&f->scratch, "cut"));
    assert_int_equal(jobs_trim(f->jobs, &config), 0);
    struct media_event e = next_event(f, MEDIA_CLIP_READY);
    assert_true(id_equal(&e.clip, &config.clip));
    assert_true(e.result.has_video && !e.result.repaired && e.result.duration_ms <= 1000);
    config.from_ms = 8000;
    config.to_ms = 9000;
    (void)snprintf(config.path, sizeof config.path, "%s", scratch_path(&f->scratch, "none"));
    assert_int_equal(jobs_trim(f->jobs, &config), 0);
    assert_int_equal(next_event(f, MEDIA_CLIP_FAILED).er, ER_NOT_FOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(writes_a_clip),
        TEST(tells_what_failed),
        TEST(several_clips_do_not_mix),
        TEST(what_takes_long_holds_nobody_up),
        TEST(stopping_finishes_clips),
        TEST(repairs_what_a_dead_process_left),
        TEST(trims_a_finished_clip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
