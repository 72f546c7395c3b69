// SPDX-License-Identifier: Apache-2.0
/* Certificates: their numbers, and that nothing of people is in what they say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "server/certificate.h"

static void test_numbers(void **state)
{
    (void)state;
    struct entropy_seeded seed;
    struct entropy entropy = entropy_seeded_init(&seed, 7);
    char a[CERTIFICATE_NUMBER_BYTES], b[CERTIFICATE_NUMBER_BYTES];
    certificate_number_make(&entropy, a);
    certificate_number_make(&entropy, b);
    assert_int_equal(strlen(a), CERTIFICATE_NUMBER_BYTES - 1);
    assert_string_not_equal(a, b);
    assert_int_equal(certificate_number_parse(a, b), 0);
    assert_string_equal(a, b);
    assert_int_equal(certificate_number_parse("lc-2k7q 9xmd-o4Il", b), 0);
    assert_string_equal(b, "LC-2K7Q-9XMD-0411");
    assert_int_equal(certificate_number_parse("2k7q9xmd04tr", b), 0);
    assert_string_equal(b, "LC-2K7Q-9XMD-04TR");
    static const char *const bad[] = {"",
                                      "L",
                                      "LC",
                                      "LC-",
                                      "LC-2K7Q-9XMD-04T",
                                      "LC-2K7Q-9XMD-04TRX",
                                      "LC-2K7Q-9XMD-04U'",
                                      "LC-2K7Q-9XMD-04T\xc3"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(certificate_number_parse(bad[i], b), ER_MALFORMED);
}

static void test_reasons(void **state)
{
    (void)state;
    assert_true(certificate_reason_ok("fraud"));
    assert_false(certificate_reason_ok("he lied") || certificate_reason_ok(NULL));
}

static json_t *json_of(const char *text)
{
    json_t *o = json_loads(text, 0, NULL);
    assert_non_null(o);
    return o;
}

static json_t *make(json_t *exam)
{
    struct store_case sc = {.title = "SECRET title", .buyer = "SECRET", .buyer_name = "SECRET"};
    sc.more = json_of("{\"category\":\"handbag\",\"brand\":\"Aurelle\",\"reason\":\"SECRET\"}");
    json_t *checklist = json_of("{\"name\":{\"en\":\"Bags\"},\"points\":["
                                "{\"id\":\"logo\",\"title\":{\"en\":\"Logo\"}},"
                                "{\"id\":\"box\",\"title\":{\"en\":\"Box\"},\"optional\":true}]}");
    const struct certificate_facts facts = {
        &sc, "Sample shop", "A black bag", exam,   checklist,
        9,   "feed",        "id",          "LC-1", 1700000000000000};
    json_t *o = certificate_make(&facts);
    assert_non_null(o);
    char *text = json_dumps(o, 0);
    assert_null(strstr(text, "SECRET"));
    free(text);
    json_decref(checklist);
    store_case_clear(&sc);
    return o;
}

static void test_what_it_says(void **state)
{
    (void)state;
    json_t *exam = json_of(
        "{\"checklist\":{\"id\":\"bag\",\"version\":2,\"sha256\":\"ab\",\"by\":\"SECRET\"},"
        "\"points\":{\"logo\":{\"evidence\":[{\"still\":\"SECRET\",\"sha256\":\"cd\"}],"
        "\"judgement\":\"consistent\",\"note\":\"SECRET\",\"by\":\"SECRET\"}},"
        "\"verdict\":{\"verdict\":\"genuine\",\"grounds\":[{\"text\":\"SECRET\"}],"
        "\"by\":\"SECRET\",\"at\":\"2026-01-01T00:00:00.000Z\"}}");
    json_t *o = make(exam);
    json_t *want = json_of(
        "{\"format\":\"loupe-certificate/1\",\"id\":\"id\",\"number\":\"LC-1\","
        "\"issued_at\":\"2023-11-14T22:13:20.000Z\",\"merchant\":\"Sample shop\","
        "\"verdict\":\"genuine\",\"examined_at\":\"2026-01-01T00:00:00.000Z\",\"blind\":false,"
        "\"appraisers\":1,\"checklist\":{\"id\":\"bag\",\"version\":2,\"sha256\":\"ab\","
        "\"name\":{\"en\":\"Bags\"}},\"points\":[{\"id\":\"logo\",\"title\":{\"en\":\"Logo\"},"
        "\"judgements\":[\"consistent\"],\"evidence\":[{\"object\":\"still\",\"sha256\":\"cd\"}]}],"
        "\"timeline\":{\"seq\":9,\"hash\":\"feed\"},\"category\":\"handbag\","
        "\"brand\":\"Aurelle\",\"item\":\"A black bag\"}");
    if (!json_equal(o, want))
        json_dumpf(o, stderr, JSON_INDENT(1));
    assert_true(json_equal(o, want));
    json_decref(o);
    json_decref(want);
    json_decref(exam);
}

static void test_what_several_said(void **state)
{
    (void)state;
    json_t *exam = json_of(
        "{\"checklist\":{},\"points\":{\"logo\":{\"evidence\":[]}},\"opinions\":["
        "{\"by\":\"SECRET\",\"points\":{\"logo\":{\"judgement\":\"consistent\",\"note\":\"SECRET\"}"
        "},\"revealed_at\":\"x\",\"blind\":true},"
        "{\"by\":\"SECRET\",\"lapsed_at\":\"x\",\"blind\":true},"
        "{\"revealed_at\":\"x\",\"blind\":true,\"points\":{\"logo\":{\"judgement\":\"unclear\","
        "\"note\":\"SECRET\"}}}],"
        "\"verdict\":{\"verdict\":\"genuine\"}}");
    json_t *o = make(exam), *point = json_array_get(json_object_get(o, "points"), 0);
    assert_int_equal(json_array_size(json_object_get(point, "judgements")), 2);
    assert_int_equal(json_integer_value(json_object_get(o, "appraisers")), 2);
    assert_true(json_is_true(json_object_get(o, "blind")));
    json_decref(o);
    /* The second came after the first was known. */
    (void)json_object_set_new(json_array_get(json_object_get(exam, "opinions"), 2), "blind",
                              json_false());
    o = make(exam);
    assert_true(json_is_false(json_object_get(o, "blind")));
    json_decref(o);
    json_decref(exam);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_reasons),
        cmocka_unit_test(test_what_it_says),
        cmocka_unit_test(test_what_several_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
