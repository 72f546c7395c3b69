// SPDX-License-Identifier: Apache-2.0
/* What participants were shown goes into the store as the media engine tells it, and is counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/support/fake_media.h"
#include "tests/unit/support/seen_make.h"
#include "tests/unit/support/calls_world.h"

#define T 1795298400u

static void say(struct world *w, const struct id *room, bool good)
{
    struct media_event e = {.type = MEDIA_SEEN, .room = *room};
    e.seen = malloc(sizeof *e.seen + 256);
    assert_non_null(e.seen);
    e.seen->len = seen_make(e.seen->bytes, 256, "ann", "bo", T, 20, 29);
    if (!good)
        e.seen->bytes[0] = 0;
    fake_media_say(w->media, &e);
    world_settle(w);
}

static void logs_are_kept_with_the_case_and_counted(void **state)
{
    struct world w;
    struct calls_gauges gauges;
    json_t *items;
    (void)state;
    world_start(&w);
    struct store_case c = world_case(&w, "bo");
    say(&w, &c.room, true); /* also when nobody is there any more */
    say(&w, &c.room, false);
    calls_read_gauges(w.calls, &gauges);
    assert_int_equal(gauges.seen_logs, 1);
    assert_int_equal(gauges.seen_dropped, 1);
    assert_in_range(gauges.seen_bytes, 10, 60);
    assert_int_equal(store_seen_between(w.store, &c.id, T * UINT64_C(1000000),
                                        (T + 60) * UINT64_C(1000000), &items),
                     0);
    assert_int_equal(json_array_size(items), 1);
    assert_int_equal(json_array_size(json_object_get(json_array_get(items, 0), "sent")), 20);
    json_decref(items);
    world_stop(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logs_are_kept_with_the_case_and_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
