// SPDX-License-Identifier: Apache-2.0
/* A room's figures: who sends what at which rate, and who gets it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/er.h"
#include "tests/unit/support/fake_client.h"

static int open_hub(void **state)
{
    *state = fake_hub_new();
    return 0;
}

static int close_hub(void **state)
{
    fake_hub_free(*state);
    return 0;
}

static void an_unknown_room_and_an_empty_one(void **state)
{
    struct fake_hub *f = *state;
    struct id other = id_make(FAKE_HUB_UNIX_US, &f->entropy);
    hub_stats(f->hub, f->now_us, &other, 5);
    const struct media_event *e = fake_hub_last(f, MEDIA_STATS);
    assert_int_equal(e->er, ER_NOT_FOUND);
    assert_int_equal(e->request, 5);
    assert_null(e->stats);
    hub_stats(f->hub, f->now_us, &f->room, 6);
    e = fake_hub_last(f, MEDIA_STATS);
    assert_int_equal(e->er, 0);
    assert_int_equal(e->stats->track_count + e->stats->slot_count, 0);
}

static void lines_both_ways_are_told_apart(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "ab vb");
    struct fake_client *bob = fake_client_join(f, 2, "bob", "ab vb");
    for (int i = 0; i < 15; i++) {
        fake_client_stream(ann, 0.2); /* sends half as much, since time passes for both */
        fake_client_stream(bob, 0.1);
        fake_client_stream(bob, 0.1);
    }
    hub_stats(f->hub, f->now_us, &f->room, 6);
    const struct media_room_stats *s = fake_hub_last(f, MEDIA_STATS)->stats;
    assert_int_equal(s->track_count, 4);
    assert_int_equal(s->slot_count, 4);
    for (size_t i = 0; i < s->track_count; i++) {
        const struct media_track_stats *t = &s->tracks[i];
        assert_string_equal(t->identity, t->peer == 1 ? "ann" : "bob");
        uint64_t expected = t->kind == MEDIA_AUDIO ? 150 : 75;
        assert_in_range(t->packets, expected, expected + 15);
        assert_int_equal(t->bytes, t->packets * 11);
        assert_int_equal(t->lost + t->recovered, 0);
        assert_int_equal(t->width, t->kind == MEDIA_VIDEO ? 640 : 0);
        /* 25 packets of 11 bytes a second on average, or half of them pictures. */
        assert_in_range(t->bitrate_bps, t->kind == MEDIA_AUDIO ? 1200 : 600, 3000);
    }
    for (size_t i = 0; i < s->slot_count; i++) {
        const struct media_slot_stats *t = &s->slots[i];
        assert_string_equal(t->identity, t->peer == 1 ? "ann" : "bob");
        assert_int_equal(t->track % 4, 3);
        assert_true(t->packets > 70 && t->bytes == t->packets * 11);
        assert_in_range(t->bitrate_bps, 600, 3000);
        assert_int_equal(t->retransmitted, 0);
    }
}

static void one_way_has_its_own_rate(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "vb");
    fake_client_join(f, 2, "bob", "vr");
    struct fake_client *eve = fake_client_join(f, 3, "eve", "vs");
    fake_client_stream(eve, 0.1); /* ann's line shows eve, who then sends nothing */
    fake_client_stream(ann, 3);
    hub_stats(f->hub, f->now_us, &f->room, 6);
    const struct media_room_stats *s = fake_hub_last(f, MEDIA_STATS)->stats;
    assert_int_equal(s->tracks[0].peer, 1);
    assert_in_range(s->tracks[0].bitrate_bps, 1900, 2500);
    assert_int_equal(s->slots[0].peer, 1);
    assert_int_equal(s->slots[0].bitrate_bps, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_hub, close_hub)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_unknown_room_and_an_empty_one),
        TEST(lines_both_ways_are_told_apart),
        TEST(one_way_has_its_own_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
