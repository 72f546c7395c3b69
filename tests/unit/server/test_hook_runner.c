// SPDX-License-Identifier: Apache-2.0
/* What carries webhooks says when it wants to be called: not again and again while the store is busy. The rest of it goes
 * between threads: tests/net/webhooks. */
#include "server/hook_runner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support/fake_dbq.h"

#define S UINT64_C(1000000)

static void test_a_busy_store_is_waited_for(void **state)
{
    (void)state;
    struct entropy_seeded random;
    struct store *s;
    struct dbq *q;
    struct hook_runner *r;
    struct hook_runner_config config = {.entropy = entropy_seeded_init(&random, 1),
                                        .reach = HOOK_PUBLIC};
    assert_int_equal(store_open(&s, ":memory:", &config.entropy, NULL), 0);
    assert_int_equal(dbq_new(&q, "store", s, NULL, NULL), 0);
    fake_dbq_full(q, false);
    config.store = s;
    config.dbq = q;
    assert_int_equal(hook_runner_new(&r, &config), 0);
    for (uint64_t now_us = S; now_us < 4000 * S; now_us += 1000 * S) {
        assert_int_equal(dbq_count(q), 0);
        assert_true(hook_runner_tick(r, now_us) == UINT64_MAX);
        assert_int_equal(dbq_count(q), 1);
        assert_true(hook_runner_tick(r, now_us + 500 * S) == UINT64_MAX); /* as the store is busy */
        assert_int_equal(dbq_count(q), 1);
        dbq_dispatch(q);
        uint64_t next_us = hook_runner_tick(r, now_us);
        assert_true(next_us > now_us && next_us < now_us + 1000 * S);
    }
    hook_runner_stop(r);
    dbq_free(q);
    hook_runner_free(r);
    store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_busy_store_is_waited_for)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
