// SPDX-License-Identifier: Apache-2.0
/* What /metrics says the conductor has: it follows what people do, and comes back to nothing when they go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "tests/unit/support/calls_world.h"

static struct calls_gauges read_gauges(const struct world *w)
{
    struct calls_gauges g;
    memset(&g, 0xee, sizeof g);
    calls_read_gauges(w->calls, &g);
    return g;
}

static void test_begins_with_nothing(void **state)
{
    (void)state;
    struct world w;
    world_start(&w);
    struct calls_gauges g = read_gauges(&w), none = {.disk_free_bytes = g.disk_free_bytes};
    assert_memory_equal(&g, &none, sizeof g);
    world_stop(&w);
}

static void test_counts_people_and_rooms(void **state)
{
    (void)state;
    struct world w;
    struct client buyers[3], agent;
    static const char *const names[] = {"bo", "di", "li"};
    world_start(&w);
    for (int i = 0; i < 3; i++) {
        struct store_case c = world_case(&w, names[i]);
        client_hello(&buyers[i], &w, names[i], ROLE_BUYER, &c.id);
        if (i == 2)
            client_hello(&agent, &w, "ann", ROLE_AGENT, &c.id);
    }
    struct calls_gauges g = read_gauges(&w);
    assert_int_equal(g.links, 4);
    assert_int_equal(g.sessions, 4);
    assert_int_equal(g.rooms, 3);
    assert_int_equal(g.people, 4);
    client_cut(&buyers[0]); /* for a while there is hope */
    g = read_gauges(&w);
    assert_int_equal(g.links, 3);
    assert_int_equal(g.sessions, 4);
    assert_int_equal(g.people, 4);
    world_pass(&w, 62000);
    g = read_gauges(&w);
    assert_int_equal(g.sessions, 3);
    assert_int_equal(g.people, 3);
    for (int i = 0; i < 3; i++)
        client_free(&buyers[i]);
    client_free(&agent);
    world_pass(&w, 130000);
    g = read_gauges(&w);
    assert_int_equal(g.links + g.sessions + g.rooms + g.people, 0);
    world_stop(&w);
}

static void test_counts_what_is_said(void **state)
{
    struct in_room *in = *state;
    struct calls_gauges before = read_gauges(&in->w);
    client_say(&in->buyer, "{'type':'chat','id':'1','text':'hello'}");
    client_say(&in->buyer, "{'type':'chat','id':'2','text':' '}");
    struct calls_gauges g = read_gauges(&in->w);
    assert_int_equal(g.messages_in - before.messages_in, 2);
    assert_int_equal(g.errors_out - before.errors_out, 1);
}

static void test_counts_waiting_and_calls(void **state)
{
    struct in_room *in = *state;
    struct client agent;
    client_say(&in->buyer, "{'type':'wait','id':'w'}");
    struct calls_gauges g = read_gauges(&in->w);
    assert_int_equal(g.waiting, 1);
    assert_int_equal(g.calls + g.agents_available + g.queue.offers, 0);
    client_hello(&agent, &in->w, "ann", ROLE_AGENT, NULL);
    client_say(&agent, "{'type':'available','id':'a','on':true,'languages':['en']}");
    char reservation[ID_TEXT_BYTES];
    (void)str_copy(reservation, sizeof reservation,
                   text_at(client_expect(&agent, "call_offer"), "reservation"));
    g = read_gauges(&in->w);
    assert_int_equal(g.queue.offers, 1);
    assert_int_equal(g.calls_started, 0);
    client_say(&agent, "{'type':'accept','id':'b','reservation':'%s'}", reservation);
    world_settle(&in->w);
    g = read_gauges(&in->w);
    assert_int_equal(g.waiting, 0);
    assert_int_equal(g.calls, 1);
    assert_int_equal(g.calls_started, 1);
    client_say(&agent, "{'type':'hang_up','id':'z'}");
    world_settle(&in->w);
    g = read_gauges(&in->w);
    assert_int_equal(g.calls, 0);
    assert_int_equal(g.calls_started, 1);
    client_free(&agent);
}

int main(void)
{
#define IN_ROOM(f) cmocka_unit_test_setup_teardown(f, room_setup, room_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_begins_with_nothing),
        cmocka_unit_test(test_counts_people_and_rooms),
        IN_ROOM(test_counts_what_is_said),
        IN_ROOM(test_counts_waiting_and_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
