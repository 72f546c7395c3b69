// SPDX-License-Identifier: Apache-2.0
/* The report for people: what the case says is in it, as text and nothing else. */
#include "server/export_report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
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

static void files_are_named_and_linked(void **state)
{
    (void)state;
    json_t *about = json_object(), *none = json_array();
    json_t *files = json_pack("[{s:s,s:s,s:s,s:s,s:s},{s:s,s:s,s:s},{s:s,s:s,s:s}]", "id", "a1",
                              "name", EVIL, "content_type", "image/png", "added_by", EVIL, "sha256",
                              EVIL, "id", "a2", "name", "lost.pdf", "content_type",
                              "application/pdf", "id", EVIL, "name", "x", "content_type", EVIL);
    json_t *missing = json_pack("[{s:s,s:s}]", "name", "attachments/a2.pdf", "why", "not_found");
    const struct report_facts facts = {.language = "en",
                                       .about = about,
                                       .events = none,
                                       .clips = none,
                                       .stills = none,
                                       .attachments = files,
                                       .missing = missing,
                                       .exported_at = "2026-11-22T08:00:00.000Z",
                                       .exported_by = "ann"};
    char *html = report_html(&facts);
    assert_non_null(html);
    assert_int_equal(count(html, "<script"), 0);
    assert_int_equal(count(html, "<a href=\"attachments/"), 1);
    assert_int_equal(count(html, "<a href=\"attachments/a1.png\">&quot;"), 1);
    assert_int_equal(count(html, "lost.pdf <strong>"), 1);
    free(html);
    json_decref(about);
    json_decref(none);
    json_decref(files);
    json_decref(missing);
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

static char *report_of_takes(const char *language, json_t *takes)
{
    json_t *clips = json_pack("[{s:s,s:s,s:s},{s:s,s:s},{s:s,s:s},{s:s,s:s}]", "id", "a", "state",
                              "ready", "label", "crack", "id", "b", "state", "ready", "id", "c",
                              "state", "ready", "id", "d", "state", "failed");
    const struct report_facts facts = {
        .language = language, .clips = clips, .takes = takes, .exported_at = "", .exported_by = ""};
    char *html = report_html(&facts);
    assert_non_null(html);
    json_decref(clips);
    json_decref(takes);
    return html;
}

static json_t *some_takes(bool checked)
{
    json_t *breaks = json_array();
    static const char *const kinds[] = {"gap",           "muted",       "camera",  "covered",
                                        "track_changed", "track_ended", "overrun", EVIL};
    for (int i = 0; i < 8; i++)
        json_array_append_new(breaks, json_pack("{s:i,s:i,s:s}", "from_ms", 61001 + i, "to_ms",
                                                61001 + 2 * i, "kind", kinds[i]));
    return json_pack("{s:{s:b,s:i,s:i,s:b,s:[]},s:{s:b,s:o}}", "a", "continuous", 1, "from_ms", 0,
                     "to_ms", 3600500, "lens_checked", checked, "breaks", "b", "continuous", 0,
                     "breaks", breaks);
}

static void each_take_is_certified(void **state)
{
    (void)state;
    char *html = report_of_takes("en", some_takes(true));
    assert_non_null(strstr(html, "<td>a</td><td>crack</td><td><strong>Unbroken take</strong>: "
                                 "0:00.000 – 60:00.500<br>One camera, never off nor covered"));
    assert_non_null(strstr(html, "Not one take; breaks: 8</strong><ul><li>1:01.001 Picture missing"
                                 "</li><li>1:01.002 – 1:01.003 Camera off</li>"));
    assert_non_null(strstr(html, "Another break</li></ul>"));
    assert_null(strstr(html, "<script"));
    assert_non_null(strstr(html, "<td>c</td><td></td><td>Not known whether"));
    assert_null(strstr(html, "<td>d</td>"));
    free(html);
    html = report_of_takes("en", some_takes(false));
    assert_non_null(strstr(html, "Whether its lens was covered could not be looked at all over"));
    free(html);
    html = report_of_takes("zh", some_takes(true));
    static const char *const words[] = {"连续拍摄，未中断",
                                        "并非连续拍摄，中断次数： 8",
                                        "画面缺失",
                                        "摄像头关闭",
                                        "更换摄像头",
                                        "镜头被遮挡",
                                        "画面来源改变",
                                        "没有画面",
                                        "录制器来不及写入",
                                        "其他中断",
                                        "无法判断拍摄是否连续"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        assert_non_null(strstr(html, words[i]));
    free(html);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_that_was_said_becomes_markup),
        cmocka_unit_test(files_are_named_and_linked),
        cmocka_unit_test(nesting_is_cut),
        cmocka_unit_test(it_is_in_the_cases_language),
        cmocka_unit_test(little_is_enough),
        cmocka_unit_test(each_take_is_certified),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
