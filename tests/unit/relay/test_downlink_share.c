// SPDX-License-Identifier: Apache-2.0
/* What is shown follows what the path carries and what the viewer has use for: layers, then a publisher
 * that is asked for less, key frames, sound alone. */
#include "tests/unit/relay/downlink_world.h"

static void layers_follow_the_link(void **state)
{
    (void)state;
    struct world *w = world_new(3, 0, true);
    run(w, 3 * SECOND);
    assert_int_equal(shown(w), 2);
    w->link_bps = 900000;
    run(w, SECOND);
    assert_true(shown(w) < 2); /* down within a second */
    run(w, 4 * SECOND);
    assert_int_equal(shown(w), 1);
    forget(w);
    run(w, 20 * SECOND);
    assert_int_equal(shown(w), 1);
    assert_true(w->queue_max_us < 300 * MS);
    assert_true(w->pictures > 570); /* and at full rate */
    w->link_bps = 320000;
    run(w, 2 * SECOND);
    assert_int_equal(shown(w), 0);
    w->link_bps = 4000000;
    run(w, 10 * SECOND);
    assert_int_equal(shown(w), 2);
    assert_int_equal(w->sound_late_us, 0);
    world_free(w);
}

static void wishes_are_heeded(void **state)
{
    (void)state;
    const struct {
        struct downlink_view view;
        int shown;
    } rows[] = {
        {{.layer = 0}, 0},
        {{.layer = 1}, 1},
        {{.layer = -1, .max_width = 320, .max_height = 180}, 0},
        {{.layer = -1, .max_width = 400}, 1},
        {{.layer = -1, .max_width = 1920}, 2},
        {{.layer = -1, .paused = true}, -1},
        {{.layer = -1}, 2},
    };
    for (unsigned reports = 0; reports < 2; reports++) {
        struct world *w = world_new(3, 0, reports);
        run(w, 3 * SECOND);
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            downlink_view(w->path, w->picture, &rows[i].view, w->now_us);
            run(w, 4 * SECOND);
            assert_int_equal(shown(w), rows[i].shown);
            assert_int_equal(downlink_slot_state(w->path, w->picture),
                             rows[i].view.paused ? DOWNLINK_PAUSED : DOWNLINK_VIDEO);
        }
        world_free(w);
    }
}

static void a_lone_publisher_is_asked_for_less(void **state)
{
    (void)state;
    struct world *w = world_new(1, 3000000, true);
    w->obeys = true;
    run(w, 5 * SECOND);
    assert_int_equal(downlink_slot_state(w->path, w->picture), DOWNLINK_VIDEO);
    w->link_bps = 500000;
    run(w, 5 * SECOND);
    forget(w);
    run(w, 20 * SECOND);
    assert_int_equal(downlink_slot_state(w->path, w->picture), DOWNLINK_VIDEO);
    assert_in_range(downlink_slot_bps(w->path, w->picture), 300000, 520000);
    assert_true(w->pictures > 500);
    assert_true(w->queue_max_us < 300 * MS);
    w->link_bps = 3000000;
    run(w, 12 * SECOND);
    assert_true(downlink_slot_bps(w->path, w->picture) > 1500000);
    world_free(w);
}

static void pictures_give_way_to_sound_and_come_back(void **state)
{
    (void)state;
    struct world *w = world_new(1, 1000000, true);
    w->obeys = true;
    run(w, 5 * SECOND);
    w->link_bps = 120000;
    run(w, 15 * SECOND);
    assert_int_equal(downlink_slot_state(w->path, w->picture), DOWNLINK_SLIDESHOW);
    forget(w);
    run(w, 20 * SECOND);
    assert_int_equal(downlink_slot_state(w->path, w->picture), DOWNLINK_SLIDESHOW);
    assert_in_range(w->pictures, 5, 25);
    w->link_bps = 70000;
    run(w, 5 * SECOND);
    forget(w);
    run(w, 30 * SECOND);
    print_message("sound alone for %u of 30 s\n", (unsigned)(w->silent_us / SECOND));
    assert_true(w->silent_us > 10 * SECOND); /* pictures are tried now and then */
    assert_true(w->queue_max_us < SECOND / 2);
    assert_int_equal(w->sound_late_us, 0);
    w->link_bps = 1000000;
    run(w, 30 * SECOND);
    assert_int_equal(downlink_slot_state(w->path, w->picture), DOWNLINK_VIDEO);
    forget(w);
    run(w, 5 * SECOND);
    assert_true(w->pictures > 130);
    world_free(w);
}

static void one_that_no_longer_obeys_is_shown_by_key_frames(void **state)
{
    (void)state;
    struct world *w = world_new(1, 600000, true); /* it sends 1.5 Mbit/s, come what may */
    run(w, 15 * SECOND);
    forget(w);
    run(w, 20 * SECOND);
    assert_int_equal(downlink_slot_state(w->path, w->picture), DOWNLINK_SLIDESHOW);
    assert_true(w->pictures > 3);
    assert_int_equal(w->sound_late_us, 0);
    assert_true(w->queue_max_us < 500 * MS);
    world_free(w);
}

static void a_pause_costs_nothing_and_ends_with_a_key_frame(void **state)
{
    (void)state;
    struct world *w = world_new(3, 2000000, true);
    const struct downlink_view paused = {.layer = -1, .paused = true}, all = {.layer = -1};
    run(w, 5 * SECOND);
    downlink_view(w->path, w->picture, &paused, w->now_us);
    run(w, 100 * MS);
    forget(w);
    run(w, 5 * SECOND);
    assert_int_equal(downlink_slot_state(w->path, w->picture), DOWNLINK_PAUSED);
    assert_int_equal(w->pictures, 0);
    assert_in_range(w->sent - w->probes, 249, 251); /* sound goes on */
    unsigned keys = w->sources[0].keys + w->sources[1].keys + w->sources[2].keys;
    downlink_view(w->path, w->picture, &all, w->now_us);
    run(w, SECOND);
    assert_int_equal(downlink_slot_state(w->path, w->picture), DOWNLINK_VIDEO);
    assert_true(w->sources[0].keys + w->sources[1].keys + w->sources[2].keys > keys);
    assert_true(w->pictures > 20);
    world_free(w);
}

static void it_tells_what_changes_and_no_more(void **state)
{
    (void)state;
    struct world *w = world_new(3, 0, false);
    const struct downlink_view paused = {.layer = -1, .paused = true}, all = {.layer = -1};
    run(w, 3 * SECOND);
    forget(w);
    run(w, 10 * SECOND);
    assert_int_equal(w->changes, 0);
    downlink_view(w->path, w->picture, &paused, w->now_us);
    run(w, 2 * SECOND);
    assert_int_equal(w->changes, 1);
    downlink_view(w->path, w->picture, &paused, w->now_us);
    run(w, 2 * SECOND);
    assert_int_equal(w->changes, 1);
    downlink_view(w->path, w->picture, &all, w->now_us);
    run(w, 2 * SECOND);
    assert_int_equal(w->changes, 2);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_follow_the_link),
        cmocka_unit_test(wishes_are_heeded),
        cmocka_unit_test(a_lone_publisher_is_asked_for_less),
        cmocka_unit_test(pictures_give_way_to_sound_and_come_back),
        cmocka_unit_test(one_that_no_longer_obeys_is_shown_by_key_frames),
        cmocka_unit_test(a_pause_costs_nothing_and_ends_with_a_key_frame),
        cmocka_unit_test(it_tells_what_changes_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
