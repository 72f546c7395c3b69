// SPDX-License-Identifier: Apache-2.0
/* Steps: what they are of goes from thread to thread and back, and stays its owner's where there is no room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "server/calls_impl.h"
#include "tests/unit/support/calls_world.h"
#include "tests/unit/support/fake_dbq.h"

/** What takes two steps; the order in which it is touched. */
struct errand {
    char way[8];
    bool orphaned;
};

static void note(struct calls_job *head, char what)
{
    struct errand *e = calls_step_of(head);
    e->way[strlen(e->way)] = what;
}

static void second_work(struct store *s, struct calls_job *head)
{
    assert_non_null(s);
    note(head, 'c');
}

static void second_done(struct calls *c, struct calls_job *head)
{
    note(head, 'd');
    ((struct errand *)calls_step_of(head))->orphaned = c == NULL;
}

static void first_work(struct store *s, struct calls_job *head)
{
    assert_non_null(s);
    note(head, 'a');
}

static void first_done(struct calls *c, struct calls_job *head)
{
    note(head, 'b');
    assert_int_equal(calls_step(c, c->config.dbq, calls_step_of(head), second_work, second_done),
                     0);
}

static void test_one_after_the_other(void **state)
{
    struct in_room *in = *state;
    struct errand e = {""};
    assert_int_equal(calls_step(in->w.calls, in->w.dbq, &e, first_work, first_done), 0);
    assert_string_equal(e.way, "");
    world_settle(&in->w);
    assert_string_equal(e.way, "abcd");
    assert_false(e.orphaned);
}

static void test_what_finds_no_room_is_not_begun(void **state)
{
    struct in_room *in = *state;
    struct errand e = {""};
    fake_dbq_full(in->w.dbq, true);
    assert_int_equal(calls_step(in->w.calls, in->w.dbq, &e, first_work, first_done), ER_FULL);
    fake_dbq_full(in->w.dbq, false);
    world_settle(&in->w);
    assert_string_equal(e.way, "");
}

static void test_a_step_may_outlive_the_conductor(void **state)
{
    (void)state;
    struct world w;
    struct errand e = {""};
    world_start(&w);
    assert_int_equal(calls_step(w.calls, w.dbq, &e, second_work, second_done), 0);
    world_restart(&w);
    assert_string_equal(e.way, "cd");
    assert_true(e.orphaned);
    world_stop(&w);
}

int main(void)
{
#define IN_ROOM(f) cmocka_unit_test_setup_teardown(f, room_setup, room_teardown)
    const struct CMUnitTest tests[] = {
        IN_ROOM(test_one_after_the_other),
        IN_ROOM(test_what_finds_no_room_is_not_begun),
        cmocka_unit_test(test_a_step_may_outlive_the_conductor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
