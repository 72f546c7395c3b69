// SPDX-License-Identifier: Apache-2.0
/* What REST handlers share: encoding, whose case it is. The handlers have tests of their own; over real
 * HTTP: tests/net. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "tests/unit/support/api_bench.h"

static void test_encode(void **state)
{
    (void)state;
    char text[64];
    api_encode("a-Z_0.~", text, sizeof text);
    assert_string_equal(text, "a-Z_0.~");
    api_encode("a b&林", text, sizeof text);
    assert_string_equal(text, "a%20b%26%e6%9e%97");
    api_encode("aaaaaaaaaaaaaaaaaaaaaaaaaaa", text, 8);
    assert_true(strlen(text) < 8);
}

static void test_whose_case_it_is(void **state)
{
    (void)state;
    struct api_bench b;
    api_bench_start(&b);
    struct store_case other = world_case(&b.w, "bo");
    const struct {
        int status;
        struct api_ask ask;
    } rows[] = {
        {200, {.role = ROLE_BUYER}},
        {200, {.role = ROLE_AGENT}},
        {200, {.role = ROLE_SERVICE}},
        {200, {.role = ROLE_SUPERVISOR}},
        {200, {.role = ROLE_AGENT, .of_case = &b.sc.id}},
        {403, {.role = ROLE_BUYER, .of_case = &other.id}},
        {403, {.role = ROLE_AGENT, .of_case = &other.id}},
        {403, {.role = ROLE_SERVICE, .foreign = true}},
        {403, {.role = ROLE_ARBITER}}, /* nothing was disputed */
        {403, {.role = ROLE_VIEWER}},
        {404, {.role = ROLE_SERVICE, .param = {"01hzzzzzzzzzzzzzzzzzzzzzz0"}}},
        {404, {.role = ROLE_SERVICE, .param = {"nonsense"}}},
        {404, {.role = ROLE_SERVICE, .param = {""}}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct api_ask ask = rows[i].ask;
        if (!ask.param[0])
            ask.param[0] = b.sc.id.text;
        assert_int_equal(api_on_store(&b, api_case_get, ask), rows[i].status);
        if (rows[i].status == 200)
            assert_string_equal(api_text(&b, "buyer.id"), "lin");
        else
            assert_string_equal(b.response.content_type, "application/problem+json");
    }
    api_bench_stop(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encode),
        cmocka_unit_test(test_whose_case_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
