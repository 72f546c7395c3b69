// SPDX-License-Identifier: Apache-2.0
/* Tokens said over WebSocket: good ones, ones that are none, and too many of either. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "server/calls_impl.h"
#include "server/pace.h"
#include "tests/unit/support/calls_world.h"

static const struct pace_limits limits = {{1, 3}, {1, 3}, {1, 3}};

/** Says hello from there; the code of the error, or "". */
static const char *hello(struct world *w, const char *from, const char *token, unsigned close)
{
    static char code[32];
    struct client c;
    client_open(&c, w);
    link_set_from(c.link, from);
    client_say(&c, "{'type':'hello','id':'1','token':'%s'}", token);
    code[0] = '\0';
    if (!client_has(&c, "welcome"))
        (void)str_copy(code, sizeof code, text_at(client_expect(&c, "error"), "code"));
    assert_int_equal(c.closed, close);
    client_free(&c);
    return code;
}

static void test_tokens_that_are_none_count_for_their_address(void **state)
{
    (void)state;
    struct world w;
    struct pace *pace;
    world_start(&w);
    assert_int_equal(pace_new(&pace, &limits, 1), 0);
    w.calls->config.pace = pace;
    for (int i = 0; i < 3; i++)
        assert_string_equal(hello(&w, "192.0.2.1", "no.such.token", 4401), "unauthenticated");
    assert_string_equal(hello(&w, "192.0.2.1", "no.such.token", 1013), "rate_limited");
    assert_string_equal(hello(&w, "192.0.2.2", "no.such.token", 4401), "unauthenticated");
    for (int i = 0; i < 9; i++) /* behind a proxy all would have one */
        assert_string_equal(hello(&w, "", "no.such.token", 4401), "unauthenticated");
    w.now_us += 1000000;
    assert_string_equal(hello(&w, "192.0.2.1", "no.such.token", 4401), "unauthenticated");
    world_stop(&w);
    pace_free(pace);
}

static void test_a_person_counts_wherever_it_comes_from(void **state)
{
    (void)state;
    struct world w;
    struct pace *pace;
    char token[AUTH_TOKEN_BYTES];
    world_start(&w);
    assert_int_equal(pace_new(&pace, &limits, 1), 0);
    w.calls->config.pace = pace;
    world_token(&w, "ann", ROLE_AGENT, NULL, token);
    assert_string_equal(hello(&w, "192.0.2.1", token, 0), "");
    assert_string_equal(hello(&w, "192.0.2.2", token, 0), "");
    assert_string_equal(hello(&w, "", token, 0), "");
    assert_string_equal(hello(&w, "192.0.2.3", token, 1013), "rate_limited");
    world_token(&w, "bob", ROLE_AGENT, NULL, token);
    assert_string_equal(hello(&w, "192.0.2.1", token, 0), "");
    world_token(&w, "back", ROLE_SERVICE, NULL, token);
    assert_string_equal(hello(&w, "192.0.2.1", token, 4403), "denied"); /* has no place there */
    world_stop(&w);
    pace_free(pace);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokens_that_are_none_count_for_their_address),
        cmocka_unit_test(test_a_person_counts_wherever_it_comes_from),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
