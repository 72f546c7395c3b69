// SPDX-License-Identifier: Apache-2.0
/* The description of the interface is in the program, whole, and describes every route there is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/support/api_bench.h"

static void test_it_is_the_file(void **state)
{
    struct api_bench *b = *state;
    assert_int_equal(api_on_loop(b, api_openapi, (struct api_ask){.nobody = true}), 200);
    assert_string_equal(b->response.content_type, "application/json");
    assert_string_equal(api_header(b, "cache-control"), "no-cache");
    FILE *f = fopen("server/openapi.json", "rb"); /* tests run at the top */
    assert_non_null(f);
    char *text = calloc(1, 1 << 20);
    assert_non_null(text);
    size_t len = fread(text, 1, (1 << 20) - 1, f);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(b->response.body_len, len);
    assert_memory_equal(b->response.body, text, len);
    free(text);
}

static void test_it_is_json_of_openapi_3(void **state)
{
    struct api_bench *b = *state;
    assert_int_equal(api_on_loop(b, api_openapi, (struct api_ask){.nobody = true}), 200);
    assert_non_null(b->body);
    assert_int_equal(strncmp(api_text(b, "openapi"), "3.", 2), 0);
    json_t *paths = json_object_get(b->body, "paths");
    static const char *const some[] = {"/api/v1/cases", "/api/v1/cases/{id}/actions/{action}",
                                       "/api/v1/rooms/{room}/consents", "/metrics"};
    for (size_t i = 0; i < sizeof some / sizeof *some; i++)
        assert_non_null(json_object_get(paths, some[i]));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, api_bench_setup, api_bench_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_it_is_the_file),
        TEST(test_it_is_json_of_openapi_3),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
