// SPDX-License-Identifier: Apache-2.0
/* Threads run what they are given, under their name. */
#include "base/thread.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/** Waits until it may end, so that it can be asked for its name. */
static void *wait(void *arg)
{
    pthread_mutex_t *until = arg;
    pthread_mutex_lock(until);
    pthread_mutex_unlock(until);
    return arg;
}

static void assert_named(const char *given, const char *shown)
{
    pthread_mutex_t until = PTHREAD_MUTEX_INITIALIZER;
    char name[64];
    void *result = NULL;
    pthread_t thread;
    pthread_mutex_lock(&until);
    assert_int_equal(thread_start(&thread, given, wait, &until), 0);
    assert_int_equal(pthread_getname_np(thread, name, sizeof name), 0);
    pthread_mutex_unlock(&until);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_string_equal(name, shown);
    assert_ptr_equal(result, &until);
}

static void test_it_has_its_name(void **state)
{
    (void)state;
    assert_named("worker 0", "worker 0");
}

static void test_a_long_name_is_cut(void **state)
{
    (void)state;
    assert_named("a thread with much to say", "a thread with m");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_has_its_name),
        cmocka_unit_test(test_a_long_name_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
