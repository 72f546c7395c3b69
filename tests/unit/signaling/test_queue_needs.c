// SPDX-License-Identifier: Apache-2.0
/* What words of needs and skills mean: who may be asked at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/er.h"
#include "tests/unit/support/queue_bench.h"

/** Whether an agent with that skill is asked for such a case, beside one who could do anything else. */
static bool suits(const char *skill, const char *category, const char *brand, unsigned level)
{
    struct queue_bench b;
    struct queue_case c = {.level = level};
    qb_start(&b);
    (void)snprintf(c.category, sizeof c.category, "%s", category);
    (void)snprintf(c.brand, sizeof c.brand, "%s", brand);
    qb_on(&b, qb_agent("ann", skill, NULL), true);
    qb_wait(&b, 1, c);
    qb_pass(&b, 1000 * S); /* no widening makes up for a skill */
    bool asked = b.offers > 0;
    queue_free(b.q);
    return asked;
}

static void test_skills(void **state)
{
    (void)state;
    assert_true(suits(NULL, "bag", "gucci", 0));  /* whatever there is, */
    assert_false(suits(NULL, "bag", "gucci", 1)); /* without a certificate */
    assert_true(suits("bag", "bag", "gucci", 0));
    assert_true(suits("Bag", "bAG", "", 0));
    assert_false(suits("bag", "watch", "", 0));
    assert_true(suits("bag", "", "", 0));
    assert_true(suits("bag/gucci", "bag", "Gucci", 0));
    assert_false(suits("bag/gucci", "bag", "prada", 0));
    assert_true(suits("*/gucci", "shoe", "gucci", 0));
    assert_false(suits("bag", "bag", "", 2));
    assert_false(suits("bag:1", "bag", "", 2));
    assert_true(suits("bag:2", "bag", "", 2));
    assert_true(suits("*:3", "bag", "prada", 2));
    assert_false(suits("bag:much", "bag", "", 1));
    assert_true(suits(" bag / gucci :1", "bag", "gucci", 1));
    assert_true(suits("手表/欧米茄:1", "手表", "欧米茄", 1));
}

/** Equal needs share a class and equal skills a profile, and what is left over goes. */
static void test_many_kinds_come_and_go(void **state)
{
    (void)state;
    struct queue_bench b;
    char word[24];
    qb_start(&b);
    for (unsigned n = 0; n < 600; n++) {
        struct queue_case c = {.level = 1};
        (void)snprintf(c.brand, sizeof c.brand, "brand%u", n);
        qb_wait(&b, n, c);
    }
    for (unsigned n = 0; n < 40; n++) {
        char name[24];
        (void)snprintf(name, sizeof name, "agent%u", n);
        (void)snprintf(word, sizeof word, "*/brand%u:1", n % 20);
        qb_on(&b, qb_agent(name, word, NULL), true);
    }
    assert_int_equal(b.offers, 20);
    for (unsigned n = 0; n < 600; n++) {
        struct id id = qb_id(n);
        assert_int_equal(queue_stop(b.q, &id, b.now_us), 0);
    }
    qb_drain(&b);
    assert_int_equal(queue_available_count(b.q), 40);
    qb_on(&b, qb_agent("agent0", "bag", NULL), true); /* can do something else now */
    struct queue_case bag = {.category = "bag"};
    qb_wait(&b, 1, bag);
    QB_OFFERED(&b, 21, "agent0");
    queue_free(b.q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_skills),
        cmocka_unit_test(test_many_kinds_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
