// SPDX-License-Identifier: Apache-2.0
/* Checklists: the ones that come with the program are whole, strangers' are held to their form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/limits.h"
#include "server/checklist.h"

static void test_those_that_come_with_it_are_whole(void **state)
{
    (void)state;
    static const char *const goods[] = {"Handbag", "jewelry",      "PHONE",
                                        "sneaker", "trading card", "手表"};
    unsigned found = 0;
    assert_int_equal(checklist_shipped_count(), sizeof goods / sizeof goods[0]);
    for (size_t i = 0; i < checklist_shipped_count(); i++) {
        json_t *c, *point;
        size_t j;
        assert_int_equal(checklist_shipped(i, &c), 0);
        assert_true(json_array_size(json_object_get(c, "points")) >= 8);
        assert_non_null(json_object_get(json_object_get(c, "name"), "zh"));
        json_array_foreach(json_object_get(c, "points"), j, point)
        {
            assert_non_null(json_object_get(json_object_get(point, "title"), "zh"));
            assert_non_null(json_object_get(json_object_get(point, "hint"), "zh"));
        }
        for (size_t g = 0; g < sizeof goods / sizeof goods[0]; g++)
            found += checklist_fits(c, goods[g], "any brand") == 1;
        json_decref(c);
    }
    assert_int_equal(found, sizeof goods / sizeof goods[0]);
    json_t *none;
    assert_int_equal(checklist_shipped(checklist_shipped_count(), &none), ER_INVALID);
}

/** What is made of a body with single quotes, or why not. */
static int make(const char *text, json_t **ret, const char **why)
{
    char *copy = strdup(text);
    for (char *p = copy; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    json_t *body = json_loads(copy, 0, NULL);
    assert_non_null(body);
    int er = checklist_make(body, "bag", 3, ret, why);
    json_decref(body);
    free(copy);
    return er;
}

#define POINT "{'id':'logo','title':{'en':'Logo'}}"
#define HEAD "{'name':{'en':'Bags'},'categories':['bag'],"

static void test_the_form(void **state)
{
    (void)state;
    json_t *c;
    const char *why;
    assert_int_equal(make(HEAD "'points':[" POINT "],'x':1}", &c, &why), 0);
    assert_int_equal(json_object_size(c), 6);
    assert_int_equal(json_integer_value(json_object_get(c, "version")), 3);
    const json_t *point = checklist_point(c, "logo");
    assert_int_equal(checklist_point_evidence(point), CHECKLIST_ANY);
    assert_null(checklist_point(c, "zip"));
    json_decref(c);
    static const char *const bad[] = {
        "{}",
        HEAD "'points':[]}",
        HEAD "'points':[" POINT "," POINT "]}",
        HEAD "'points':[{'id':'A','title':{'en':'x'}}]}",
        HEAD "'points':[{'id':'a','title':{'zh':'x'}}]}",
        HEAD "'points':[{'id':'a','title':{'en':'x','zh':7}}]}",
        HEAD "'points':[{'id':'a','title':{'en':'x'},'hint':'h'}]}",
        HEAD "'points':[{'id':'a','title':{'en':'x'},'evidence':'smell'}]}",
        HEAD "'points':[{'id':'a','title':{'en':'x'},'optional':1}]}",
        HEAD "'brands':'x','points':[" POINT "]}",
        "{'name':'x','categories':['bag'],'points':[" POINT "]}",
        "{'name':{'en':'x'},'categories':[],'points':[" POINT "]}",
        "{'name':{'en':'x'},'categories':[''],'points':[" POINT "]}",
        "{'name':{'en':'x\\u0001'},'categories':['bag'],'points':[" POINT "]}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(make(bad[i], &c, &why), ER_MALFORMED);
        assert_null(c);
        assert_true(strlen(why) > 10);
    }
}

static void test_how_many_points(void **state)
{
    (void)state;
    json_t *c, *points = json_array();
    const char *why;
    for (int i = 0; i <= LIMIT_CHECKLIST_POINTS; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "p%d", i);
        assert_int_equal(
            json_array_append_new(points, json_pack("{s:s,s:{s:s}}", "id", id, "title", "en", "x")),
            0);
    }
    json_t *body = json_pack("{s:{s:s},s:[s],s:o}", "name", "en", "x", "categories", "bag",
                             "points", points);
    assert_int_equal(checklist_make(body, "bag", 1, &c, &why), ER_MALFORMED);
    assert_int_equal(json_array_remove(points, 0), 0);
    assert_int_equal(checklist_make(body, "bag", 1, &c, &why), 0);
    json_decref(c);
    json_decref(body);
}

static void test_fit_and_hash(void **state)
{
    (void)state;
    json_t *any, *branded;
    const char *why;
    char a[CHECKLIST_HASH_BYTES], b[CHECKLIST_HASH_BYTES];
    assert_int_equal(make(HEAD "'points':[" POINT "]}", &any, &why), 0);
    assert_int_equal(make(HEAD "'brands':['Aurelle'],'points':[" POINT "]}", &branded, &why), 0);
    assert_int_equal(checklist_fits(any, " BAG ", NULL), 1);
    assert_int_equal(checklist_fits(any, "", NULL), 0);
    assert_int_equal(checklist_fits(any, NULL, NULL), 0);
    assert_int_equal(checklist_fits(branded, "bag", "aurelle"), 2);
    assert_int_equal(checklist_fits(branded, "bag", "other"), 0);
    assert_int_equal(checklist_fits(branded, "watch", "aurelle"), 0);
    assert_int_equal(checklist_hash(any, a), 0);
    assert_int_equal(checklist_hash(branded, b), 0);
    assert_int_equal(strlen(a), 64);
    assert_string_not_equal(a, b);
    json_decref(any);
    json_decref(branded);
    assert_true(checklist_id_ok("trading-card"));
    assert_false(checklist_id_ok("Bag") || checklist_id_ok("") || checklist_id_ok(NULL) ||
                 checklist_id_ok("a/b") ||
                 checklist_id_ok("a-name-that-is-longer-than-that-of-all"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_those_that_come_with_it_are_whole),
        cmocka_unit_test(test_the_form),
        cmocka_unit_test(test_how_many_points),
        cmocka_unit_test(test_fit_and_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
