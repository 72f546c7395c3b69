// SPDX-License-Identifier: Apache-2.0
/* The demonstration: made once, links that open what they say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/str.h"
#include "server/app_demo.h"

#define T0 UINT64_C(1795298400000000)

static void count(void *ctx, const struct store_case *c)
{
    (void)c;
    ++*(size_t *)ctx;
}

static void test_demo(void **state)
{
    (void)state;
    struct entropy_seeded seeded;
    struct entropy e = entropy_seeded_init(&seeded, 2);
    struct store_case_filter all = {.merchant = AUTH_MERCHANT_DEFAULT};
    struct store *s;
    struct auth *auth;
    size_t cases = 0;
    assert_int_equal(store_open(&s, ":memory:", &e, NULL), 0);
    assert_int_equal(auth_new(&auth), 0);
    assert_int_equal(auth_add_key(auth, DEMO_KEY, DEMO_SECRET, AUTH_MERCHANT_DEFAULT), 0);
    assert_int_equal(demo_fill(s, T0), 0);
    assert_int_equal(demo_fill(s, T0), 0); /* a second start adds nothing */
    assert_int_equal(store_cases_list(s, &all, count, &cases, NULL), 0);
    assert_int_equal(cases, 3);

    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_int_equal(demo_print(s, auth, "http://h", T0, out), 0);
    fclose(out);
    size_t lines = 0, buyers = 0;
    struct span rest = span_of(text);
    while (rest.len) {
        struct span line = span_cut(&rest, '\n');
        (void)span_cut(&line, '#');
        struct span token = span_cut(&line, ' ');
        struct claims claims;
        const char *why;
        assert_int_equal(auth_verify(auth, token.at, token.len, T0 / 1000000, &claims, &why), 0);
        lines++;
        buyers += claims.role == ROLE_BUYER && id_is_set(&claims.case_id);
    }
    assert_int_equal(lines, 8);
    assert_int_equal(buyers, 3);
    free(text);
    auth_free(auth);
    store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_demo)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
