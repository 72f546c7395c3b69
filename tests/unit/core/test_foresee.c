// SPDX-License-Identifier: Apache-2.0
/* To foresee datagrams reads what there is, whatever there is, and changes nothing. (That nothing is
 * read that is not there, the sanitizers see, here and in all tests that hand datagrams to a hub.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "media/core/hub_private.h"
#include "tests/unit/support/fake_client.h"

#define BATCH 40 /* more than are looked at together */

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

/** What a peer might send, of every kind, of each of them by turns. */
static void foresee_all(struct fake_hub *f, struct fake_client *const *clients, size_t count)
{
    static uint8_t bytes[] = {0x80, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0xff, 0xff};
    struct datagram batch[BATCH];
    for (size_t i = 0; i < BATCH; i++) {
        struct fake_client *c = clients[i % count];
        batch[i] = (struct datagram){.from = c->at, .data = bytes, .len = i % sizeof bytes};
        if (i % 3 == 0)
            put_u32(bytes + 8, c->ssrc[i % FAKE_CLIENT_LINES]);
    }
    struct media_counters before = *fake_hub_counters(f);
    uint64_t deadline_us = hub_deadline_us(f->hub);
    size_t out = f->out_count, events = f->event_count;
    hub_foresee(f->hub, batch, 0);
    for (size_t n = 1; n <= BATCH; n++)
        hub_foresee(f->hub, batch, n);
    for (size_t i = 0; i < BATCH; i++)
        hub_foresee(f->hub, &batch[i], 1);
    assert_memory_equal(&before, fake_hub_counters(f), sizeof before);
    assert_true(hub_deadline_us(f->hub) == deadline_us);
    assert_int_equal(f->out_count, out);
    assert_int_equal(f->event_count, events);
}

static void it_changes_nothing_at_any_time(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *all[3];
    all[0] = fake_client_new(f, 1, "ann");
    all[1] = fake_client_new(f, 2, "bob");
    all[2] = fake_client_new(f, 3, "cat");
    foresee_all(f, all, 3); /* nobody is known, */
    assert_true(fake_client_offer(all[0], "as vs", NULL, 0));
    fake_client_check_from(all[0], &all[0]->at);
    foresee_all(f, all, 3); /* one has no keys yet, */
    fake_client_connect(all[0]);
    fake_client_stream(all[0], 0.5);
    foresee_all(f, all, 3); /* nobody watches, */
    assert_true(fake_client_offer(all[1], "ar vr", NULL, 0));
    fake_client_connect(all[1]);
    foresee_all(f, all, 3);
    assert_true(fake_client_offer(all[2], "ab vb", NULL, 0));
    fake_client_connect(all[2]);
    fake_client_stream(all[0], 0.5);
    fake_client_stream(all[2], 0.5);
    foresee_all(f, all, 3); /* all see each other, */
    hub_peer_remove(f->hub, f->now_us, &f->room, 2);
    foresee_all(f, all, 3); /* and one goes. */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_changes_nothing_at_any_time, open_hub, close_hub),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
