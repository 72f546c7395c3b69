// SPDX-License-Identifier: Apache-2.0
/* With the media engine's queue full nothing that was taken away stays: it is told later, in order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "tests/unit/support/calls_world.h"
#include "tests/unit/support/fake_dbq.h"
#include "tests/unit/support/fake_media.h"

static void test_withdrawal_reaches_a_busy_engine(void **state)
{
    (void)state;
    struct world w;
    struct client buyer;
    world_start(&w);
    fake_dbq_full(w.dbq, false);
    struct store_case c = world_case(&w, "bo");
    client_hello(&buyer, &w, "bo", ROLE_BUYER, &c.id);
    client_say(&buyer, "{'type':'consent','id':'a','recording':true}");
    assert_int_equal(fake_media_count(w.media, "consent bo 1"), 1);
    fake_media_full(w.media, true);
    client_say(&buyer, "{'type':'consent','id':'b','recording':false}");
    assert_string_equal(fake_media_last(w.media, "consent"), "consent bo 1");
    assert_true(calls_deadline_us(w.calls) <= w.now_us + 1000000);
    fake_media_full(w.media, false);
    world_pass(&w, 100);
    assert_string_equal(fake_media_last(w.media, "consent"), "consent bo 0");
    client_free(&buyer);
    world_stop(&w);
}

static void test_a_room_that_could_not_close_opens_again(void **state)
{
    struct in_room *in = *state;
    client_say(&in->buyer, "{'type':'offer','id':'o','sdp':'v=0'}");
    fake_media_full(in->w.media, true);
    client_say(&in->buyer, "{'type':'leave'}");
    assert_int_equal(fake_media_count(in->w.media, "peer_remove"), 0);
    assert_int_equal(fake_media_count(in->w.media, "room_close"), 0);
    fake_media_full(in->w.media, false);
    world_pass(&in->w, 100);
    assert_int_equal(fake_media_count(in->w.media, "peer_remove"), 1);
    assert_int_equal(fake_media_count(in->w.media, "room_close"), 1);
}

static void test_what_is_left_goes_with_the_conductor(void **state)
{
    (void)state;
    struct world w;
    struct client buyer;
    world_start(&w);
    struct store_case c = world_case(&w, "bo");
    client_hello(&buyer, &w, "bo", ROLE_BUYER, &c.id);
    fake_media_full(w.media, true);
    client_say(&buyer, "{'type':'leave'}");
    client_free(&buyer);
    world_stop(&w); /* under the leak checker */
}

int main(void)
{
#define IN_ROOM(f) cmocka_unit_test_setup_teardown(f, room_setup, room_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_withdrawal_reaches_a_busy_engine),
        IN_ROOM(test_a_room_that_could_not_close_opens_again),
        cmocka_unit_test(test_what_is_left_goes_with_the_conductor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
