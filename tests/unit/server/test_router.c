// SPDX-License-Identifier: Apache-2.0
/* Paths against patterns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "server/router.h"

static const struct route table[] = {
    {HTTP_GET, "/a", 0, NULL, NULL},      {HTTP_POST, "/a", 0, NULL, NULL},
    {HTTP_GET, "/a/{id}", 0, NULL, NULL}, {HTTP_POST, "/a/{id}/b/{name}", 0, NULL, NULL},
    {HTTP_DELETE, "/", 0, NULL, NULL},
};

static int find(enum http_method method, const char *path, size_t *ret_index,
                struct route_params *params, unsigned *allowed)
{
    const struct route *r = NULL;
    int er = router_find(table, 5, method, path, &r, params, allowed);
    if (!er)
        *ret_index = (size_t)(r - table);
    return er;
}

static void test_find(void **state)
{
    (void)state;
    struct route_params p;
    unsigned allowed;
    size_t i = 9;
    assert_int_equal(find(HTTP_GET, "/a", &i, &p, &allowed), 0);
    assert_int_equal(i, 0);
    assert_int_equal(find(HTTP_HEAD, "/a", &i, &p, &allowed), 0);
    assert_int_equal(i, 0);
    assert_int_equal(find(HTTP_POST, "/a", &i, &p, &allowed), 0);
    assert_int_equal(i, 1);
    assert_int_equal(find(HTTP_GET, "/a/x y", &i, &p, &allowed), 0);
    assert_int_equal(i, 2);
    assert_int_equal(p.count, 1);
    assert_string_equal(p.values[0], "x y");
    assert_int_equal(find(HTTP_POST, "/a/1/b/2", &i, &p, &allowed), 0);
    assert_string_equal(p.values[0], "1");
    assert_string_equal(p.values[1], "2");
    assert_int_equal(find(HTTP_DELETE, "/", &i, &p, &allowed), 0);
}

static void test_not_found(void **state)
{
    (void)state;
    static const char *const paths[] = {"",          "/A", "/a/", "/a//b/2", "/a/1/b",
                                        "/a/1/b/2/", "/b", "a",   "/a/1/c/2"};
    struct route_params p;
    unsigned allowed;
    size_t i;
    for (size_t k = 0; k < sizeof paths / sizeof paths[0]; k++)
        assert_int_equal(find(HTTP_GET, paths[k], &i, &p, &allowed), ER_NOT_FOUND);
    char longer[400];
    memset(longer, 'x', sizeof longer);
    memcpy(longer, "/a/", 3);
    longer[399] = '\0';
    assert_int_equal(find(HTTP_GET, longer, &i, &p, &allowed), ER_NOT_FOUND);
}

static void test_allowed(void **state)
{
    (void)state;
    struct route_params p;
    unsigned allowed;
    size_t i;
    char text[64];
    assert_int_equal(find(HTTP_PATCH, "/a", &i, &p, &allowed), ER_UNSUPPORTED);
    router_allow(allowed, text, sizeof text);
    assert_string_equal(text, "GET, HEAD, POST, OPTIONS");
    assert_int_equal(find(HTTP_HEAD, "/", &i, &p, &allowed), ER_UNSUPPORTED);
    router_allow(allowed, text, sizeof text);
    assert_string_equal(text, "DELETE, OPTIONS");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_find),
                                       cmocka_unit_test(test_not_found),
                                       cmocka_unit_test(test_allowed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
