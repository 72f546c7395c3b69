// SPDX-License-Identifier: Apache-2.0
/* Facts: what each may hold, what a patch changes of them and what it leaves, and that applying what was told gives
 * the same case. */
#include "server/case_facts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "server/store.h"

static json_t *json(const char *text)
{
    char copy[2000];
    (void)snprintf(copy, sizeof copy, "%s", text);
    for (char *quote = copy; (quote = strchr(quote, '\''));)
        *quote = '"';
    json_t *o = json_loads(copy, JSON_DECODE_ANY, NULL);
    assert_non_null(o);
    return o;
}

static struct store_case a_case(void)
{
    struct store_case sc = {0};
    json_t *body = json("{'title':'A cup','language':'en','priority':2,'brand':'Loom',"
                        "'order':{'number':'1','items':[1]},'kind':'live','outcome':'x'}");
    assert_null(case_facts_read(body, &sc));
    json_decref(body);
    return sc;
}

static void test_reads(void **state)
{
    (void)state;
    struct store_case sc = a_case();
    assert_string_equal(sc.title, "A cup");
    assert_string_equal(sc.language, "en");
    assert_int_equal(sc.priority, 2);
    json_t *more = json("{'brand':'Loom','order':{'number':'1','items':[1]}}");
    assert_true(json_equal(sc.more, more)); /* nothing that is no fact */
    json_decref(more);
    store_case_clear(&sc);
}

/** What the patch changes; NULL: nothing may, and why begins so. */
static void diff_is(const char *patch, const char *want, const char *why_begins)
{
    struct store_case sc = a_case();
    json_t *asked = json(patch), *changes = NULL;
    const char *why = case_facts_diff(&sc, asked, &changes);
    if (why_begins) {
        assert_non_null(why);
        assert_int_equal(strncmp(why, why_begins, strlen(why_begins)), 0);
        assert_null(changes);
    } else {
        json_t *due = json(want);
        assert_null(why);
        if (!json_equal(changes, due))
            fail_msg("%s", json_dumps(changes, JSON_ENCODE_ANY));
        json_decref(due);
    }
    json_decref(changes);
    json_decref(asked);
    store_case_clear(&sc);
}

static void test_says_what_changes(void **state)
{
    (void)state;
    diff_is("{}", "{}", NULL);
    diff_is("{'title':'A cup','priority':2,'language':'en','brand':'Loom','tier':null}", "{}",
            NULL);
    diff_is("{'order':{'items':[1],'number':'1'}}", "{}", NULL);
    diff_is("{'title':'Two cups','priority':0}",
            "{'title':{'from':'A cup','to':'Two cups'},'priority':{'from':2,'to':0}}", NULL);
    diff_is("{'brand':null,'language':null,'tier':'gold'}",
            "{'brand':{'from':'Loom'},'language':{'from':'en'},'tier':{'to':'gold'}}", NULL);
    diff_is("{'order':{'number':'2'}}",
            "{'order':{'from':{'number':'1','items':[1]},'to':{'number':'2'}}}", NULL);
}

static void test_refuses(void **state)
{
    (void)state;
    diff_is("{'title':''}", NULL, "`title`");
    diff_is("{'title':null}", NULL, "`title`");
    diff_is("{'title':'a\\u0007'}", NULL, "`title`");
    diff_is("{'priority':null}", NULL, "`priority`");
    diff_is("{'priority':10}", NULL, "`priority`");
    diff_is("{'priority':1.5}", NULL, "`priority`");
    diff_is("{'language':'en_GB'}", NULL, "`language`");
    diff_is("{'languages':['en','']}", NULL, "`languages`");
    diff_is("{'languages':['a','b','c','d','e']}", NULL, "`languages`");
    diff_is("{'order':[]}", NULL, "`order`");
    diff_is("{'purchase_evidence':{}}", NULL, "`purchase_evidence`");
    diff_is("{'brand':7}", NULL, "`brand`");
    static const char *const others[] = {"state", "outcome", "buyer", "version", "kind", "id", "x"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        char patch[64];
        (void)snprintf(patch, sizeof patch, "{'brand':'L','%s':'closed'}", others[i]);
        diff_is(patch, NULL, "only facts");
    }
}

static void test_applies(void **state)
{
    (void)state;
    struct store_case sc = a_case();
    json_t *asked = json("{'title':'B','language':null,'priority':9,'brand':null,'tier':'gold',"
                         "'order':{'n':1}}"),
           *changes = NULL;
    assert_null(case_facts_diff(&sc, asked, &changes));
    assert_int_equal(case_facts_apply(&sc, changes), 0);
    assert_string_equal(sc.title, "B");
    assert_string_equal(sc.language, "");
    assert_int_equal(sc.priority, 9);
    json_t *more = json("{'tier':'gold','order':{'n':1}}");
    assert_true(json_equal(sc.more, more));
    json_decref(more);
    json_decref(changes);
    assert_null(case_facts_diff(&sc, asked, &changes));
    assert_int_equal(json_object_size(changes), 0);
    json_decref(changes);
    json_decref(asked);
    changes = json("{'state':{'to':'closed'}}"); /* as nobody tells it */
    assert_int_equal(case_facts_apply(&sc, changes), 0);
    assert_int_equal(json_object_size(sc.more), 2);
    json_decref(changes);
    store_case_clear(&sc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads),
        cmocka_unit_test(test_says_what_changes),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_applies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
