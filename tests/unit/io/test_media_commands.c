// SPDX-License-Identifier: Apache-2.0
/* What the engine's face tells its workers, with workers that only write it down. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/er.h"
#include "media/io/worker.h"

#define WORKERS 3

struct worker {
    bool full; /* its queue */
    size_t rooms;
};

static struct worker workers[WORKERS];

int worker_start(struct worker **ret, const struct worker_config *config)
{
    *ret = &workers[config->index];
    **ret = (struct worker){0};
    return 0;
}

void worker_stop(struct worker *w)
{
    (void)w;
}

struct addr worker_address(const struct worker *w)
{
    (void)w;
    return (struct addr){0};
}

void worker_add_counters(const struct worker *w, struct media_counters *sum)
{
    sum->rooms += w->rooms;
}

void command_clear(struct command *c)
{
    free(c->offer);
}

/** A worker refuses to open what it has. */
int worker_command(struct worker *w, const struct command *c)
{
    struct command mine = *c;
    if (w->full)
        return ER_FULL;
    if (c->type == COMMAND_ROOM_OPEN)
        w->rooms++;
    if (c->type == COMMAND_ROOM_CLOSE) {
        assert_true(w->rooms > 0);
        w->rooms--;
    }
    command_clear(&mine);
    return 0;
}

struct fixture {
    struct media *media;
    struct id room;
};

/** A room with so many viewers that each worker has it; its home is the first. */
static int open_fixture(void **state)
{
    static struct fixture f;
    struct entropy entropy = entropy_system();
    const struct media_config config = {.workers = WORKERS, .jobs = 1};
    f.room = id_make(1700000000000000, &entropy);
    assert_int_equal(media_start(&f.media, &config), 0);
    assert_int_equal(media_room_open(f.media, &f.room), 0);
    for (uint64_t i = 1; i <= LIMIT_FANOUT_FROM + WORKERS; i++) {
        struct media_peer_config viewer = {.peer = i, .may_subscribe = true};
        assert_int_equal(media_peer_add(f.media, &f.room, &viewer, i, "v=0", 3, NULL, 0), 0);
    }
    for (unsigned i = 0; i < WORKERS; i++)
        assert_int_equal(workers[i].rooms, 1);
    *state = &f;
    return 0;
}

static int close_fixture(void **state)
{
    struct fixture *f = *state;
    media_stop(f->media);
    return 0;
}

static void closes_a_room_everywhere_or_again(void **state)
{
    struct fixture *f = *state;
    struct media_counters n;
    for (int i = 0; i < 2; i++) {
        unsigned full = i == 0 ? WORKERS - 1 : 0; /* a mirror's, then the home's */
        workers[full].full = true;
        assert_int_equal(media_room_close(f->media, &f->room), ER_FULL);
        assert_int_equal(media_room_open(f->media, &f->room), ER_CONFLICT);
        workers[full].full = false;
    }
    assert_int_equal(media_room_close(f->media, &f->room), 0);
    media_read_counters(f->media, &n);
    assert_int_equal(n.rooms, 0);
    assert_int_equal(media_room_close(f->media, &f->room), ER_NOT_FOUND);
    assert_int_equal(media_room_open(f->media, &f->room), 0);
}

/** Who is closed comes back with the next viewer. */
static void a_room_that_does_not_close_goes_on(void **state)
{
    struct fixture *f = *state;
    workers[0].full = true;
    assert_int_equal(media_room_close(f->media, &f->room), ER_FULL);
    assert_int_equal(workers[1].rooms + workers[2].rooms, 0);
    for (uint64_t i = 100; i < 102; i++) {
        struct media_peer_config viewer = {.peer = i, .may_subscribe = true};
        assert_int_equal(media_peer_add(f->media, &f->room, &viewer, i, "v=0", 3, NULL, 0), 0);
    }
    assert_int_equal(workers[1].rooms + workers[2].rooms, 2);
    workers[0].full = false;
    assert_int_equal(media_room_close(f->media, &f->room), 0);
    assert_int_equal(workers[0].rooms + workers[1].rooms + workers[2].rooms, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(closes_a_room_everywhere_or_again),
        TEST(a_room_that_does_not_close_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
