// SPDX-License-Identifier: Apache-2.0
/* Findings: their places, their number, the verdict. */
#include "server/seal/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void the_verdict_is_the_worst(void **state)
{
    (void)state;
    struct report r;
    assert_int_equal(report_init(&r), 0);
    report_add(&r, REPORT_NOTE, "key", REPORT_ANYWHERE, "by the way");
    assert_int_equal(report_verdict(&r), REPORT_VERIFIES);
    report_add(&r, REPORT_IS_UNSURE, "key", REPORT_ANYWHERE, "who knows");
    assert_int_equal(report_verdict(&r), REPORT_CANNOT_TELL);
    report_add(&r, REPORT_IS_WRONG, "key", REPORT_ANYWHERE, "no");
    assert_int_equal(report_verdict(&r), REPORT_WRONG);
    report_clear(&r);
}

static void findings_say_where(void **state)
{
    (void)state;
    struct report r;
    assert_int_equal(report_init(&r), 0);
    r.file = "a.webm";
    report_add(&r, REPORT_IS_WRONG, "frame", report_at_frame(2, 3456, 0), "%d", 1);
    r.file = NULL;
    report_add(&r, REPORT_IS_WRONG, "event", report_at_event(7), "%d", 2);
    json_t *o = report_json(&r);
    json_t *expected = json_loads(
        "{\"verdict\":\"does not verify\",\"wrong\":2,\"findings\":[{\"kind\":\"wrong\","
        "\"what\":\"frame\",\"text\":\"1\",\"file\":\"a.webm\",\"second\":3,\"track\":2,"
        "\"at_ms\":3456},{\"kind\":\"wrong\",\"what\":\"event\",\"text\":\"2\",\"event\":7}]}",
        0, NULL);
    assert_true(json_equal(o, expected));
    json_decref(o);
    json_decref(expected);
    report_clear(&r);
}

static void many_findings_are_counted_but_not_kept(void **state)
{
    (void)state;
    struct report r;
    assert_int_equal(report_init(&r), 0);
    for (unsigned i = 0; i < REPORT_FINDINGS + 50; i++)
        report_add(&r, REPORT_IS_WRONG, "frame", REPORT_ANYWHERE, "%u \xff", i);
    assert_int_equal(json_array_size(r.findings), REPORT_FINDINGS);
    assert_int_equal(r.wrong, REPORT_FINDINGS + 50);
    report_clear(&r);
}

/** A file from a stranger must not be able to print a verdict of its own. */
static void what_files_say_does_not_speak_for_the_report(void **state)
{
    (void)state;
    static const struct {
        const char *told, *shown;
    } all[] = {
        {"a.webm\nverifies\x1b[8m", "a.webm?verifies?[8m"},
        {"a\r\tb\x7f", "a??b?"},
        {"\xc2\x9b"
         "2J",
         "??2J"}, /* CSI in one character */
        {"\xe2\x80\xae"
         "mbew.a",
         "???mbew.a"}, /* right to left from here on */
        {"\xe5\x8f\x91\xe7\x8e\xb0 \xff", "\xe5\x8f\x91\xe7\x8e\xb0 ?"},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        struct report r;
        assert_int_equal(report_init(&r), 0);
        report_add(&r, REPORT_IS_WRONG, "entry", REPORT_ANYWHERE, "%s", all[i].told);
        const json_t *f = json_array_get(r.findings, 0);
        assert_string_equal(json_string_value(json_object_get(f, "text")), all[i].shown);
        report_clear(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_verdict_is_the_worst),
        cmocka_unit_test(findings_say_where),
        cmocka_unit_test(many_findings_are_counted_but_not_kept),
        cmocka_unit_test(what_files_say_does_not_speak_for_the_report),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
