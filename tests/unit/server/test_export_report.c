// SPDX-License-Identifier: Apache-2.0
/* The report for people: what the case says is in it, as text and nothing else. */
#include "server/export_report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define EVIL "\"'><script>alert(1)</script><img src=x onerror=alert(1)>&amp;"

static char *report(const char *language, json_t *about, json_t *events, json_t *clips,
                    json_t *stills)
{
    const struct report_facts facts = {.language = language,
                                       .about = about,
                                       .events = events,
                                       .clips = clips,
                                       .stills = stills,
                                       .exported_at = "2026-11-22T08:00:00.000Z",
                                       .exported_by = EVIL};
    char *html = report_html(&facts);
    assert_non_null(html);
    json_decref(about);
    json_decref(events);
    json_decref(clips);
    json_decref(stills);
    return html;
}

static size_t count(const char *html, const char *text)
{
    size_t n = 0;
    for (const char *at = html; (at = strstr(at, text)) != NULL; at++)
        n++;
    return n;
}

static void nothing_that_was_said_becomes_markup(void **state)
{
    (void)state;
    json_t *clip = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "id", EVIL, "label", EVIL,
                             "publisher", EVIL, "kind", EVIL, "state", "ready", "sha256", EVIL,
                             "started_at", EVIL);
    json_t *failed = json_pack("{s:s,s:s}", "id", "b", "state", EVIL);
    json_t *still = json_pack("{s:s,s:s,s:s,s:s,s:s}", "id", EVIL, "label", EVIL, "publisher", EVIL,
                              "at", EVIL, "sha256", EVIL);
    json_t *chat = json_pack("{s:s,s:s,s:s,s:{s:s},s:s}", "at", EVIL, "actor", EVIL, "type", "chat",
                             "data", "text", EVIL, "hash", EVIL);
    json_t *event = json_pack("{s:s,s:s,s:{s:s,s:[s,b,n,f]}}", "type", EVIL, "actor", EVIL, "data",
                              EVIL, EVIL, "list", EVIL, 1, 0.5);
    char *html = report("en", json_pack("{s:s,s:s,s:s}", "number", EVIL, "title", EVIL, EVIL, EVIL),
                        json_pack("[o,o]", chat, event), json_pack("[o,o]", clip, failed),
                        json_pack("[o]", still));
    assert_int_equal(count(html, "<script"), 0);
    assert_int_equal(count(html, "<img "), 1); /* the still's own */
    assert_int_equal(count(html, "<img alt=\"\" src=\"stills/&quot;"), 1);
    assert_int_equal(count(html, "<a href=\"clips/&quot;"), 1);
    assert_true(count(html, "&lt;script&gt;alert(1)") > 20);
    assert_int_equal(count(html, "&amp;amp;"), count(html, "&lt;script&gt;alert(1)"));
    free(html);
}

static void nesting_is_cut(void **state)
{
    (void)state;
    json_t *deep = json_string("BOTTOM");
    for (int i = 0; i < 30; i++)
        deep = i % 2 ? json_pack("[o]", deep) : json_pack("{s:o}", "in", deep);
    char *html = report("en", json_pack("{s:o}", "order", deep), json_array(), json_array(),
                        json_array());
    assert_null(strstr(html, "BOTTOM"));
    assert_non_null(strstr(html, "…"));
    free(html);
}

static void it_is_in_the_cases_language(void **state)
{
    (void)state;
    static const struct {
        const char *language, *shown, *title;
    } all[] = {{"zh-CN", "<html lang=\"zh-CN\">", "案件报告"},
               {"zh", "<html lang=\"zh-CN\">", "案件报告"},
               {"en", "<html lang=\"en\">", "Report of the case"},
               {"", "<html lang=\"en\">", "Report of the case"}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        char *html = report(all[i].language, json_object(), json_array(), json_array(),
                            json_array());
        assert_non_null(strstr(html, all[i].shown));
        assert_non_null(strstr(html, all[i].title));
        free(html);
    }
}

/** What of a case is missing is no reason to have no report. */
static void little_is_enough(void **state)
{
    (void)state;
    char *html = report("en", json_object(), json_pack("[{}]"), json_pack("[{},n]"),
                        json_pack("[{}]"));
    assert_non_null(strstr(html, "</html>"));
    free(html);
    html = report("en", NULL, NULL, NULL, NULL);
    assert_non_null(strstr(html, "</html>"));
    free(html);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_that_was_said_becomes_markup),
        cmocka_unit_test(nesting_is_cut),
        cmocka_unit_test(it_is_in_the_cases_language),
        cmocka_unit_test(little_is_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
