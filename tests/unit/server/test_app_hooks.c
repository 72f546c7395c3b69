// SPDX-License-Identifier: Apache-2.0
/* How far webhooks reach by the settings, and where they may go then. */
#include "server/app_hooks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/hook_target.h"

static void test_reach(void **state)
{
    (void)state;
    char *args[] = {"louped", NULL, NULL};
    static const struct {
        const char *flag;
        enum hook_reach reach;
    } rows[] = {{NULL, HOOK_PUBLIC},
                {"--demo", HOOK_LOOPBACK},
                {"--webhook-private", HOOK_ANYWHERE},
                {"--webhook-private=no", HOOK_PUBLIC}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct config config;
        char why[256];
        args[1] = (char *)(uintptr_t)rows[i].flag; /* not written to */
        assert_int_equal(config_load(&config, rows[i].flag ? 2 : 1, args, NULL, why, sizeof why),
                         0);
        assert_int_equal(app_hooks_reach(&config), rows[i].reach);
        config_clear(&config);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_reach)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
