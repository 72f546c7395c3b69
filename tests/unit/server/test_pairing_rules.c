// SPDX-License-Identifier: Apache-2.0
/* What merchants may want of pairing, and what holds where they want nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/pairing_rules.h"

static json_t *rules_of(const char *text)
{
    json_t *o = json_loads(text, 0, NULL);
    assert_non_null(o);
    return o;
}

static void test_what_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "[]",
        "{\"x\":1}",
        "{\"wrap_up\":1}",
        "{\"wrap_up\":{\"required\":1}}",
        "{\"wrap_up\":{\"seconds\":0}}",
        "{\"wrap_up\":{\"seconds\":86401}}",
        "{\"wrap_up\":{\"seconds\":1.5}}",
        "{\"wrap_up\":{\"extensions\":-1}}",
        "{\"wrap_up\":{\"extension_seconds\":\"1\"}}",
        "{\"wrap_up\":{\"teams\":[]}}",
        "{\"wrap_up\":{\"teams\":{\"\":{}}}}",
        "{\"wrap_up\":{\"teams\":{\"night\":{\"teams\":{}}}}}",
        "{\"first_line\":{}}",
        "{\"first_line\":[1]}",
        "{\"first_line\":[{\"kind\":\"none\"}]}",
        "{\"first_line\":[{\"category\":1}]}",
        "{\"first_line\":[{\"colour\":\"red\"}]}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        json_t *o = rules_of(bad[i]);
        assert_non_null(pairing_rules_check(o));
        json_decref(o);
    }
    json_t *good = rules_of("{\"wrap_up\":{\"required\":false,\"teams\":{\"a\":{\"seconds\":9}}},"
                            "\"first_line\":[{},{\"kind\":\"live\",\"category\":\"bag\"}]}");
    assert_null(pairing_rules_check(good));
    json_decref(good);
}

static void test_what_holds(void **state)
{
    (void)state;
    struct wrap_rule r;
    pairing_rules_wrap(NULL, "", &r);
    assert_true(r.required);
    assert_int_equal(r.seconds, 120);
    json_t *o = rules_of("{\"wrap_up\":{\"seconds\":60,\"teams\":{\"night\":{\"required\":false,"
                         "\"extensions\":0}}}}");
    pairing_rules_wrap(o, "day", &r);
    assert_true(r.required && r.extensions == 3 && r.seconds == 60);
    pairing_rules_wrap(o, "night", &r);
    assert_true(!r.required && r.extensions == 0 && r.seconds == 60);
    json_t *whole = pairing_rules_whole(o);
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(whole, "wrap_up"), "extension_seconds")),
        120);
    assert_null(pairing_rules_check(whole)); /* what is read may be set again */
    json_decref(whole);
    json_decref(o);
}

static void test_bots_first(void **state)
{
    (void)state;
    json_t *o = rules_of("{\"first_line\":[{\"kind\":\"live\"},{\"category\":\"Bag\"}]}");
    assert_false(pairing_rules_bot_first(NULL, CASE_LIVE, "bag"));
    assert_true(pairing_rules_bot_first(o, CASE_LIVE, NULL));
    assert_true(pairing_rules_bot_first(o, CASE_INSPECTION, "bag"));
    assert_false(pairing_rules_bot_first(o, CASE_INSPECTION, "watch"));
    assert_false(pairing_rules_bot_first(o, CASE_INSPECTION, NULL));
    json_decref(o);
    o = rules_of("{\"first_line\":[{}]}");
    assert_true(pairing_rules_bot_first(o, CASE_INSPECTION, NULL));
    json_decref(o);
}

static void test_dispositions(void **state)
{
    (void)state;
    unsigned n = 0;
    while (wrap_disposition(n))
        assert_true(wrap_disposition_ok(wrap_disposition(n++)));
    assert_int_equal(n, 9);
    assert_false(wrap_disposition_ok("great"));
    assert_false(wrap_disposition_ok(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_what_holds),
        cmocka_unit_test(test_bots_first),
        cmocka_unit_test(test_dispositions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
