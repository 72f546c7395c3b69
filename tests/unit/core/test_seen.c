// SPDX-License-Identifier: Apache-2.0
/* What members are shown is told of those of whom it is to be kept: when they go, when another track
 * is shown, and from time to time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

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

static struct fake_client *join(struct fake_hub *f, uint64_t peer, const char *identity,
                                const char *lines, bool keep)
{
    struct fake_client *c = fake_client_new(f, peer, identity);
    c->config.keep_seen = keep;
    assert_true(fake_client_offer(c, lines, NULL, 0));
    fake_client_connect(c);
    return c;
}

static size_t count_told(const struct fake_hub *f)
{
    size_t count = 0;
    for (size_t i = 0; i < f->event_count && i < 512; i++)
        count += f->events[i].type == MEDIA_SEEN;
    return count;
}

/** Seconds of a line of one kind and publisher, and pictures sent in them, over all that was told. */
static unsigned told_of(const struct fake_hub *f, enum seenlog_kind kind, const char *publisher,
                        unsigned *ret_sent)
{
    unsigned seconds = 0;
    *ret_sent = 0;
    for (size_t i = 0; i < f->event_count && i < 512; i++) {
        const struct media_seen *seen = f->events[i].seen;
        struct seenlog_second s;
        if (f->events[i].type != MEDIA_SEEN)
            continue;
        struct seenlog_reader r = seenlog_read(seen->bytes, seen->len);
        while (seenlog_next_line(&r) == 0) {
            assert_string_equal(r.line.viewer, "ann");
            while (seenlog_next(&r, &s) == 0) {
                bool same = r.line.kind == kind && strcmp(r.line.publisher, publisher) == 0;
                seconds += same;
                *ret_sent += same ? s.sent : 0u;
            }
        }
    }
    return seconds;
}

static void of_an_audience_nothing_is_kept(void **state)
{
    struct fake_hub *f = *state;
    (void)join(f, 1, "ann", "ar vr", false);
    struct fake_client *bob = join(f, 2, "bob", "as vs", false);
    fake_client_stream(bob, 3);
    hub_peer_remove(f->hub, f->now_us, &f->room, 1);
    assert_int_equal(count_told(f), 0);
    assert_int_equal(hub_find_room(f->hub, &f->room)->seen_lines, 0);
}

static void one_who_goes_is_told_of_at_once(void **state)
{
    struct fake_hub *f = *state;
    (void)join(f, 1, "ann", "ar vr", true);
    struct fake_client *bob = join(f, 2, "bob", "as vs", true);
    unsigned sent;
    fake_client_stream(bob, 3);
    assert_int_equal(hub_find_room(f->hub, &f->room)->seen_lines, 2);
    assert_int_equal(count_told(f), 0);
    hub_peer_remove(f->hub, f->now_us, &f->room, 1);
    assert_int_equal(count_told(f), 1);
    assert_in_range(told_of(f, SEENLOG_VIDEO, "bob", &sent), 3, 5);
    assert_in_range(sent, 73, 76);
    assert_in_range(told_of(f, SEENLOG_AUDIO, "bob", &sent), 3, 5);
    assert_in_range(sent, 148, 151);
    assert_int_equal(hub_find_room(f->hub, &f->room)->seen_lines, 0);
}

static void it_is_told_from_time_to_time(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = join(f, 1, "ann", "ar vr", true);
    struct fake_client *bob = join(f, 2, "bob", "as vs", false);
    unsigned sent;
    for (unsigned i = 0; i < 8; i++) {
        fake_client_check_from(ann, &ann->at); /* it is there still */
        fake_client_stream(bob, 8);
    }
    assert_int_equal(count_told(f), 2);
    unsigned seconds = told_of(f, SEENLOG_VIDEO, "bob", &sent);
    assert_in_range(seconds, 57, 62);
    hub_room_close(f->hub, f->now_us, &f->room);
    assert_in_range(told_of(f, SEENLOG_VIDEO, "bob", &sent), 64, 66); /* each second once */
    assert_in_range(sent, 1595, 1601);
}

static void another_track_is_another_stretch(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = join(f, 1, "ann", "vr", true);
    struct fake_client *bob = join(f, 2, "bob", "vs", false);
    struct fake_client *cyd = join(f, 3, "cyd", "vs", false);
    const struct media_want first = {.mid = "0", .identity = "bob"};
    const struct media_want then = {.mid = "0", .identity = "cyd"};
    unsigned sent;
    assert_true(fake_client_offer(ann, "vr", &first, 1));
    for (unsigned i = 0; i < 40; i++) {
        fake_client_stream(bob, 0.05);
        fake_client_stream(cyd, 0.05);
    }
    assert_true(fake_client_offer(ann, "vr", &then, 1));
    for (unsigned i = 0; i < 40; i++) {
        fake_client_stream(bob, 0.05);
        fake_client_stream(cyd, 0.05);
    }
    hub_peer_remove(f->hub, f->now_us, &f->room, 1);
    assert_in_range(told_of(f, SEENLOG_VIDEO, "bob", &sent), 4, 6);
    assert_in_range(sent, 40, 60);
    assert_in_range(told_of(f, SEENLOG_VIDEO, "cyd", &sent), 4, 6);
    assert_in_range(sent, 30, 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(of_an_audience_nothing_is_kept, open_hub, close_hub),
        cmocka_unit_test_setup_teardown(one_who_goes_is_told_of_at_once, open_hub, close_hub),
        cmocka_unit_test_setup_teardown(it_is_told_from_time_to_time, open_hub, close_hub),
        cmocka_unit_test_setup_teardown(another_track_is_another_stretch, open_hub, close_hub),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
