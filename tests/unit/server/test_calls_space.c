// SPDX-License-Identifier: Apache-2.0
/* The disk fills up and is emptied again: nothing new meanwhile, people are told, once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include <cmocka.h>

#include "base/er.h"
#include "server/calls_impl.h"
#include "tests/unit/support/calls_world.h"
#include "tests/unit/support/fake_media.h"

#define MIB 1048576u

/* Stands in for the C library's. */
static uint64_t free_bytes;
static bool broken;
int statvfs(const char *path, struct statvfs *ret)
{
    assert_non_null(path);
    *ret = (struct statvfs){.f_bsize = 1, .f_frsize = 4096, .f_bavail = free_bytes / 4096};
    return broken ? -1 : 0;
}

struct result {
    int er;
    unsigned calls;
};

static void take_result(void *ctx, int er, const char *why, const json_t *body)
{
    struct result *r = ctx;
    (void)body;
    assert_true(er == 0 || why);
    r->er = er;
    r->calls++;
}

static int start_clip(struct world *w, const struct store_case *c)
{
    struct claims agent = world_claims("ann", ROLE_AGENT, NULL);
    struct result r = {0};
    calls_clip_start(w->calls, &agent, c->room.text, NULL, NULL, take_result, &r);
    world_settle(w);
    assert_int_equal(r.calls, 1);
    return r.er;
}

static int take_still(struct world *w, const struct store_case *c)
{
    struct claims agent = world_claims("ann", ROLE_AGENT, NULL);
    struct result r = {0};
    calls_still(w->calls, &agent, c->room.text, NULL, NULL, take_result, &r);
    world_settle(w);
    assert_int_equal(r.calls, 1);
    return r.er;
}

static void set_free(struct world *w, uint64_t bytes)
{
    free_bytes = bytes;
    world_pass(w, 2500);
}

static void test_fills_and_empties(void **state)
{
    (void)state;
    struct world w;
    struct client buyer, late;
    free_bytes = 200 * MIB;
    broken = false;
    world_start(&w);
    w.calls->config.min_free_bytes = 100 * MIB;
    struct store_case c = world_case(&w, "bo");
    client_hello(&buyer, &w, "bo", ROLE_BUYER, &c.id);
    client_say(&buyer, "{'type':'consent','id':'c','recording':true}");
    client_publish(&buyer, &c.room, "bo");
    world_pass(&w, 2500);
    assert_int_equal(start_clip(&w, &c), 0);
    assert_false(client_has(&buyer, "notice"));

    set_free(&w, 99 * MIB);
    assert_string_equal(text_at(client_expect(&buyer, "notice"), "code"), "disk_low");
    assert_true(calls_is_disk_low(w.calls));
    assert_int_equal(start_clip(&w, &c), ER_IO);
    assert_int_equal(take_still(&w, &c), ER_IO);
    assert_int_equal(fake_media_count(w.media, "clip_stop"), 0); /* what is recorded goes on */
    client_hello(&late, &w, "ann", ROLE_AGENT, &c.id);
    assert_string_equal(text_at(client_expect(&late, "notice"), "code"), "disk_low");
    struct calls_gauges gauges;
    calls_read_gauges(w.calls, &gauges);
    assert_int_equal(gauges.disk_free_bytes, 99 * MIB);

    set_free(&w, 101 * MIB); /* not enough yet: it would be low again soon */
    set_free(&w, 98 * MIB);
    assert_false(client_has(&buyer, "notice"));
    broken = true;
    set_free(&w, 500 * MIB);
    assert_true(calls_is_disk_low(w.calls));
    broken = false;
    set_free(&w, 106 * MIB);
    assert_string_equal(text_at(client_expect(&buyer, "notice"), "code"), "disk_ok");
    assert_int_equal(start_clip(&w, &c), 0);
    assert_int_equal(take_still(&w, &c), 0);
    client_free(&late);
    client_free(&buyer);
    world_stop(&w);
}

static void test_without_a_limit_nobody_looks(void **state)
{
    struct in_room *in = *state;
    free_bytes = 0;
    client_say(&in->buyer, "{'type':'consent','id':'c','recording':true}");
    client_publish(&in->buyer, &in->c.room, "bo");
    world_pass(&in->w, 5000);
    assert_int_equal(start_clip(&in->w, &in->c), 0);
    assert_false(client_has(&in->buyer, "notice"));
}

int main(void)
{
#define IN_ROOM(f) cmocka_unit_test_setup_teardown(f, room_setup, room_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fills_and_empties),
        IN_ROOM(test_without_a_limit_nobody_looks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
