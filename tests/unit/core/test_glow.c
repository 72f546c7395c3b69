// SPDX-License-Identifier: Apache-2.0
/* The pictures of a while, from the tape: of whom, from which key frame on, with their times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
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

static uint64_t unix_us(const struct fake_hub *f)
{
    return f->now_us + FAKE_HUB_UNIX_US;
}

static void ask(struct fake_hub *f, const char *publisher, uint64_t from_unix_us)
{
    struct media_light_config config = {.light = id_make(FAKE_HUB_UNIX_US, &f->entropy),
                                        .from_unix_us = from_unix_us};
    (void)str_copy(config.publisher, sizeof config.publisher, publisher);
    hub_light(f->hub, f->now_us, &f->room, &config);
}

static int last_er(struct fake_hub *f)
{
    const struct media_event *e = fake_hub_last(f, MEDIA_LIGHT);
    assert_non_null(e);
    return e->er;
}

static void needs_consent_a_picture_and_a_key_frame(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "vs");
    fake_client_stream(ann, 0.4);
    ask(f, "ann", unix_us(f));
    assert_int_equal(last_er(f), ER_DENIED);
    hub_consent(f->hub, f->now_us, &f->room, "ann", true);
    hub_consent(f->hub, f->now_us, &f->room, "bob", true);
    ask(f, "bob", unix_us(f));
    assert_int_equal(last_er(f), ER_NOT_FOUND);
    ask(f, "ann", FAKE_HUB_UNIX_US);
    assert_int_equal(last_er(f), ER_STALE); /* nothing was there then */
    f->recorder_full = true;
    ask(f, "ann", unix_us(f));
    assert_int_equal(last_er(f), ER_FULL);
    assert_int_equal(f->still_count, 0);
}

static void gives_all_since_the_key_frame_before(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "vs");
    hub_consent(f->hub, f->now_us, &f->room, "ann", true);
    fake_client_stream(ann, 0.4); /* each begins with a key frame */
    fake_client_stream(ann, 0.4);
    uint64_t from_us = unix_us(f) - 100000;
    fake_client_stream(ann, 0.4);
    ask(f, "ann", from_us);
    assert_int_equal(f->still_count, 1);
    const struct still_batch *b = f->stills[0];
    assert_int_equal(b->count, 20);
    assert_true(b->from_unix_us == from_us);
    assert_true(b->packets[0]->flags & TAPE_KEY_FRAME);
    assert_true(b->captures[0] <= from_us && b->captures[19] > from_us);
    for (size_t i = 1; i < b->count; i++)
        assert_true(b->captures[i] > b->captures[i - 1]);
}

static void a_hole_is_left_out(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "vs");
    hub_consent(f->hub, f->now_us, &f->room, "ann", true);
    fake_client_stream(ann, 0.4);
    ann->next_seq[0]++;
    fake_client_stream(ann, 0.4);
    ask(f, "ann", unix_us(f) - 500000);
    assert_int_equal(f->still_count, 1);
    assert_int_equal(f->stills[0]->count, 20);
}

static void the_beginning_asks_for_a_key_frame(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "vs");
    fake_client_stream(ann, 3);
    unsigned plis = ann->plis;
    hub_light_begins(f->hub, f->now_us, &f->room, "nobody");
    hub_light_begins(f->hub, f->now_us, &f->room, "ann");
    fake_hub_run(f, 50000);
    assert_int_equal(ann->plis, plis + 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_hub, close_hub)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(needs_consent_a_picture_and_a_key_frame),
        TEST(gives_all_since_the_key_frame_before),
        TEST(a_hole_is_left_out),
        TEST(the_beginning_asks_for_a_key_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
