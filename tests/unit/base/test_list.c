// SPDX-License-Identifier: Apache-2.0
/* Lists: order, removal, both walks, nodes on the heap freed while walking. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/list.h"

struct item {
    int number;
    struct list node;
};

static int digits_of(const struct list *head)
{
    int digits = 0;
    list_each (item, head, struct item, node)
        digits = digits * 10 + item->number;
    return digits;
}

static void keeps_order(void **state)
{
    (void)state;
    struct list head;
    struct item a = {.number = 1}, b = {.number = 2}, c = {.number = 3};
    list_init(&head);
    assert_true(list_empty(&head));
    assert_int_equal(digits_of(&head), 0);
    list_append(&head, &a.node);
    list_append(&head, &b.node);
    list_append(&head, &c.node);
    assert_false(list_empty(&head));
    assert_int_equal(digits_of(&head), 123);
    list_remove(&b.node);
    assert_int_equal(digits_of(&head), 13);
    list_append(&head, &b.node);
    assert_int_equal(digits_of(&head), 132);
}

static void removal_is_idempotent(void **state)
{
    (void)state;
    struct list head;
    struct item a = {0};
    list_init(&head);
    assert_false(list_linked(&a.node));
    list_remove(&a.node);
    list_append(&head, &a.node);
    assert_true(list_linked(&a.node));
    list_remove(&a.node);
    list_remove(&a.node);
    assert_false(list_linked(&a.node));
    assert_true(list_empty(&head));
}

static void safe_walk_frees(void **state)
{
    (void)state;
    struct list head;
    list_init(&head);
    for (int i = 1; i <= 5; i++) {
        struct item *item = calloc(1, sizeof *item);
        assert_non_null(item);
        item->number = i;
        list_append(&head, &item->node);
    }
    list_each_safe (item, &head, struct item, node) {
        if (item->number % 2) {
            list_remove(&item->node);
            free(item);
        }
    }
    assert_int_equal(digits_of(&head), 24);
    list_each_safe (item, &head, struct item, node) {
        list_remove(&item->node);
        free(item);
    }
    assert_true(list_empty(&head));
    list_each_safe (item, &head, struct item, node)
        fail();
}

static void walks_nest(void **state)
{
    (void)state;
    struct list head;
    struct item a = {.number = 1}, b = {.number = 2};
    list_init(&head);
    list_append(&head, &a.node);
    list_append(&head, &b.node);
    int sum = 0;
    list_each (outer, &head, struct item, node)
        list_each (inner, &head, struct item, node)
            sum += 10 * outer->number + inner->number;
    assert_int_equal(sum, 11 + 12 + 21 + 22);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_order),
        cmocka_unit_test(removal_is_idempotent),
        cmocka_unit_test(safe_walk_frees),
        cmocka_unit_test(walks_nest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
