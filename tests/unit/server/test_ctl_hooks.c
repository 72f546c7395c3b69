// SPDX-License-Identifier: Apache-2.0
/* `loupectl webhooks`, verb by verb. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "server/ctl_hooks.h"
#include "tests/unit/support/hook_scene.h"

/** What it said; the caller frees it. */
static char *run(struct hook_scene *s, const char *verb, struct ctl_hooks args, int expected)
{
    char *text = NULL;
    size_t len;
    const char *why;
    FILE *out = open_memstream(&text, &len);
    args.merchant = "m";
    assert_int_equal(ctl_hooks_run(s->store, verb, &args, HOOK_T0, out, &why), expected);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void expect(struct hook_scene *s, const char *verb, struct ctl_hooks args, const char *part)
{
    char *text = run(s, verb, args, 0);
    if (!strstr(text, part))
        fail_msg("%s says: %s", verb, text);
    free(text);
}

static void test_a_life(void **state)
{
    struct hook_scene *s = *state;
    char id[ID_TEXT_BYTES];
    char *text = run(
        s, "add", (struct ctl_hooks){.url = "https://shop.example/x", .types = "noted,closed"}, 0);
    assert_non_null(strstr(text, "\nsecret whsec_"));
    (void)snprintf(id, sizeof id, "%s", text);
    free(text);
    const struct ctl_hooks one = {.id = id};
    expect(s, "list", one, "https://shop.example/x enabled waiting 0 dead 0 types noted,closed\n");
    hook_scene_event(s, 0, "noted");
    expect(s, "deliveries", one, "noted waiting attempts 0");
    hook_scene_round(s, HOOK_T0 + HOOK_S, 200);
    expect(s, "deliveries", one, "noted delivered attempts 1 status 200");
    expect(s, "replay", (struct ctl_hooks){.id = id, .case_id = s->cases[0].text}, "queued 1\n");
    expect(s, "replay", (struct ctl_hooks){.id = id, .delivery = "1"}, "queued 1\n");
    hook_scene_round(s, HOOK_T0 + 300000 * HOOK_S, 500);
    expect(s, "dead", one, "noted dead attempts 1 status 500");
    expect(s, "replay", one, "queued 1\n");
    expect(s, "test", one, " webhook_test waiting");
    expect(s, "rotate", one, "\nsecret whsec_");
    expect(s, "disable", one, "disabled (asked)");
    expect(s, "enable", one, " enabled ");
    free(run(s, "remove", one, 0));
    free(run(s, "remove", one, ER_NOT_FOUND));
}

static void test_refused(void **state)
{
    struct hook_scene *s = *state;
    static const struct ctl_hooks bad[] = {{.url = NULL},
                                           {.url = "http://shop.example/"},
                                           {.url = "https://10.0.0.1/"},
                                           {.url = "https://shop.example/", .types = ",a"},
                                           {.url = "https://shop.example/", .types = "a,,b"},
                                           {.url = "https://shop.example/", .types = "A"}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        free(run(s, "add", bad[i], ER_INVALID));
    free(run(s, "burn", bad[0], ER_INVALID));
    free(run(s, "test", bad[0], ER_INVALID));
    struct store_hook h = hook_scene_hook(s, "m", "");
    free(run(s, "replay", (struct ctl_hooks){.id = h.id.text, .delivery = "x"}, ER_INVALID));
    free(run(s, "replay", (struct ctl_hooks){.id = h.id.text, .delivery = "7"}, ER_NOT_FOUND));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, hook_scene_setup, hook_scene_teardown)
    const struct CMUnitTest tests[] = {TEST(test_a_life), TEST(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
