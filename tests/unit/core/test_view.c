// SPDX-License-Identifier: Apache-2.0
/* What viewers wish to see of a line is kept with it; what they and publishers are told of lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "media/core/hub_private.h"
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

static struct member *member_of(struct fake_hub *f, uint64_t peer)
{
    struct member *m = member_find(hub_find_room(f->hub, &f->room), peer);
    assert_non_null(m);
    return m;
}

static void a_wish_is_kept_with_its_line(void **state)
{
    struct fake_hub *f = *state;
    struct media_view view = {.paused = true, .max_width = 320, .max_height = 180, .layer = 1};
    struct id other = id_make(FAKE_HUB_UNIX_US, &f->entropy);
    fake_client_join(f, 1, "ann", "ab vb");
    struct member *m = member_of(f, 1);
    const char *mid = member_line_agreed(m->lines[1])->mid;
    assert_int_equal(m->lines[1]->view.layer, MEDIA_LAYER_AUTO);
    hub_view(f->hub, f->now_us, &other, 1, mid, &view);
    hub_view(f->hub, f->now_us, &f->room, 2, mid, &view);
    hub_view(f->hub, f->now_us, &f->room, 1, "no such", &view);
    assert_false(m->lines[1]->view.paused);
    hub_view(f->hub, f->now_us, &f->room, 1, mid, &view);
    assert_true(m->lines[1]->view.paused && m->lines[1]->view.max_width == 320);
    assert_int_equal(m->lines[1]->view.layer, 1);
    assert_false(m->lines[0]->view.paused);
}

static void what_is_the_same_is_not_told_again(void **state)
{
    struct fake_hub *f = *state;
    fake_client_join(f, 1, "ann", "ab vb");
    struct member_line *l = member_of(f, 1)->lines[1];
    member_tell_layer(l, MEDIA_SLOT_VIDEO, 0, 0);
    member_tell_hint(l, 0, false, false);
    assert_int_equal(fake_hub_count(f, MEDIA_SLOT_LAYER), 0);
    assert_int_equal(fake_hub_count(f, MEDIA_PUBLISH_HINT), 0);
    for (int i = 0; i < 2; i++) {
        member_tell_layer(l, MEDIA_SLOT_SLIDESHOW, 640, 480);
        member_tell_hint(l, 300000, true, false);
    }
    assert_int_equal(fake_hub_count(f, MEDIA_SLOT_LAYER), 1);
    assert_int_equal(fake_hub_count(f, MEDIA_PUBLISH_HINT), 1);
    assert_int_equal(fake_hub_counters(f)->views_slideshow, 1);
    assert_int_equal(fake_hub_counters(f)->hints_told, 1);
    const struct media_event *e = fake_hub_last(f, MEDIA_SLOT_LAYER);
    assert_string_equal(e->mid, member_line_agreed(l)->mid);
    assert_int_equal(e->peer, 1);
    assert_int_equal(e->state, MEDIA_SLOT_SLIDESHOW);
    assert_true(e->width == 640 && e->height == 480);
    e = fake_hub_last(f, MEDIA_PUBLISH_HINT);
    assert_true(e->max_bps == 300000 && e->slideshow && e->peer == 1);
    member_tell_hint(l, 0, false, true);
    assert_int_equal(fake_hub_count(f, MEDIA_PUBLISH_HINT), 2);
    assert_true(fake_hub_last(f, MEDIA_PUBLISH_HINT)->layers);
    member_tell_layer(l, MEDIA_SLOT_PAUSED, 0, 0);
    assert_int_equal(fake_hub_counters(f)->views_slideshow, 0);
    assert_int_equal(fake_hub_counters(f)->views_paused, 1);
    hub_peer_remove(f->hub, f->now_us, &f->room, 1);
    assert_int_equal(fake_hub_counters(f)->views_paused, 0);
    assert_int_equal(fake_hub_counters(f)->views, 0);
}

static void layers_are_wanted_where_viewers_differ(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "vs");
    fake_client_join(f, 2, "bob", "vr");
    fake_client_join(f, 3, "eve", "vr");
    fake_client_stream(ann, 2);
    assert_int_equal(fake_hub_count(f, MEDIA_PUBLISH_HINT), 0); /* one picture serves both */
    const struct media_view low = {.layer = 0}, all = MEDIA_VIEW_ALL;
    const char *mid = member_line_agreed(member_of(f, 3)->lines[0])->mid;
    hub_view(f->hub, f->now_us, &f->room, 3, mid, &low);
    fake_client_stream(ann, 2);
    const struct media_event *e = fake_hub_last(f, MEDIA_PUBLISH_HINT);
    assert_true(e && e->layers && e->peer == 1 && e->max_bps == 0 && !e->slideshow);
    hub_view(f->hub, f->now_us, &f->room, 3, mid, &all);
    fake_client_stream(ann, 20);
    assert_true(fake_hub_last(f, MEDIA_PUBLISH_HINT)->layers); /* for a while */
    fake_client_stream(ann, 15);
    assert_false(fake_hub_last(f, MEDIA_PUBLISH_HINT)->layers);
    hub_view(f->hub, f->now_us, &f->room, 3, mid, &low);
    fake_client_stream(ann, 2);
    hub_peer_remove(f->hub, f->now_us, &f->room, 2);
    fake_client_stream(ann, 2);
    assert_false(fake_hub_last(f, MEDIA_PUBLISH_HINT)->layers); /* eve alone is sent less at once */
}

/** Each look at a publisher's viewers goes through all of them: one serves all changes of a turn. */
static void a_turns_changes_are_looked_at_together(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "vs");
    fake_client_join(f, 2, "bob", "vr");
    fake_client_join(f, 3, "eve", "vr");
    fake_client_stream(ann, 2);
    const struct media_view none = {.paused = true}, all = MEDIA_VIEW_ALL;
    const struct member_line *l = member_of(f, 1)->lines[0];
    const char *mid = member_line_agreed(member_of(f, 3)->lines[0])->mid;
    uint64_t looked_us = l->hint_looked_us;
    for (int i = 0; i < 10; i++) {
        hub_view(f->hub, f->now_us, &f->room, 3, mid, &none);
        hub_view(f->hub, f->now_us, &f->room, 2, mid, &none);
        hub_view(f->hub, f->now_us, &f->room, 3, mid, &all);
    }
    assert_true(l->hint_wanted && l->hint_looked_us == looked_us);
    assert_true(hub_deadline_us(f->hub) <= f->now_us + 200000);
    fake_hub_run(f, 200000);
    assert_false(l->hint_wanted);
    assert_in_range(l->hint_looked_us, looked_us + 200000, f->now_us);
    hub_view(f->hub, f->now_us, &f->room, 3, mid, &none);
    hub_peer_remove(f->hub, f->now_us, &f->room, 1); /* the timer goes with it */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_hub, close_hub)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_wish_is_kept_with_its_line),
        TEST(what_is_the_same_is_not_told_again),
        TEST(layers_are_wanted_where_viewers_differ),
        TEST(a_turns_changes_are_looked_at_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
