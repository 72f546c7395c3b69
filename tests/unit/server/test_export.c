// SPDX-License-Identifier: Apache-2.0
/* A case in one archive: what is in it, and its report, which is plain text in HTML. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/export_report.h"
#include "tests/unit/support/export_scene.h"

static void the_report_is_in_the_cases_language_and_harmless(void **state)
{
    struct export_scene *s = *state;
    char *html = export_scene_entry(s, "report.html");
    assert_non_null(strstr(html, "<html lang=\"zh-CN\">"));
    assert_non_null(strstr(html, "案件报告"));
    assert_null(strstr(html, "<script"));
    assert_non_null(strstr(html, "a &lt;script&gt;cracked"));
    assert_non_null(strstr(html, "Hello &amp; &quot;welcome&quot;"));
    assert_non_null(strstr(html, s->still.text));
    assert_non_null(strstr(html, "@media print"));
    assert_non_null(strstr(html, "各方所见画面"));
    assert_non_null(strstr(html, "<td>&lt;b&gt;ann</td><td>bo</td><td>2</td><td>640×360</td>"
                                 "<td>24</td><td>0</td><td>2</td>"));
    free(html);
    char name[64];
    (void)snprintf(name, sizeof name, "clips/%s.seen.json", s->clip.text);
    char *seen = export_scene_entry(s, name);
    assert_non_null(strstr(seen, "\"arrived\":[24,24]"));
    free(seen);
    char *chat = export_scene_entry(s, "chat.json");
    assert_non_null(strstr(chat, "Hello & "));
    free(chat);
    const json_t *nothing = json_object();
    const struct report_facts facts = {
        .language = "de", .about = nothing, .exported_at = "", .exported_by = ""};
    html = report_html(&facts);
    assert_non_null(strstr(html, "Report of the case"));
    free(html);
    json_decref((json_t *)(uintptr_t)nothing);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, export_scene_setup, export_scene_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_report_is_in_the_cases_language_and_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
