// SPDX-License-Identifier: Apache-2.0
/* A case in one archive: what is in it, and its report, which is plain text in HTML. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/str.h"
#include "server/export.h"
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
    assert_non_null(strstr(html, "<strong>并非连续拍摄，中断次数： 2</strong><ul>"
                                 "<li>0:00.400 – 0:00.900 镜头被遮挡</li>"
                                 "<li>0:01.200 更换摄像头</li></ul>"));
    assert_non_null(strstr(html, "<td>&lt;b&gt;ann</td><td>bo</td><td>2</td><td>640×360</td>"
                                 "<td>24</td><td>0</td><td>2</td>"));
    free(html);
    char name[64];
    (void)snprintf(name, sizeof name, "clips/%s.seen.json", s->clip.text);
    char *seen = export_scene_entry(s, name);
    assert_non_null(strstr(seen, "\"arrived\":[24,24]"));
    free(seen);
    (void)snprintf(name, sizeof name, "clips/%s.drawings.json", s->clip.text);
    char *drawings = export_scene_entry(s, name);
    assert_non_null(strstr(drawings, "\"text\":\"torn\""));
    free(drawings);
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

/* What cannot be read */

static const char *file_of(struct export_scene *s, const struct id *id, const char *suffix)
{
    char name[64];
    (void)snprintf(name, sizeof name, "%s%s", id->text, suffix);
    return scratch_path(&s->scratch, name);
}

/** The archive names that one file, to people in their language, to programs, and to who verifies it. */
static void is_named(struct export_scene *s, const char *name, const char *why, const char *word)
{
    struct report r;
    char row[200], line[200];
    export_scene_verify(s, s->len, &r);
    (void)snprintf(line, sizeof line, "%s is missing", name);
    assert_true(export_scene_says(&r, "entry", line));
    assert_int_equal(r.wrong, 0);
    assert_int_equal(r.unsure, 1);
    export_scene_expect(&r, REPORT_CANNOT_TELL);
    char *html = export_scene_entry(s, "report.html");
    (void)snprintf(row, sizeof row, "<td>%s</td><td>%s</td>", name, word);
    assert_non_null(strstr(html, "<h2>缺失</h2>"));
    assert_non_null(strstr(html, row));
    free(html);
    char *text = export_scene_entry(s, "export.json");
    json_t *list = json_loads(text, 0, NULL), *missing = json_object_get(list, "missing");
    assert_int_equal(json_array_size(missing), 1);
    const json_t *m = json_array_get(missing, 0);
    assert_string_equal(json_string_value(json_object_get(m, "name")), name);
    assert_string_equal(json_string_value(json_object_get(m, "why")), why);
    json_decref(list);
    free(text);
}

static void a_file_that_is_gone_is_named_and_the_rest_is_exported(void **state)
{
    struct export_scene *s = *state;
    static const char *const suffixes[] = {".webm", ".voices.mka", ".manifest.json"};
    for (size_t i = 0; i < 3; i++) {
        char name[64], away[210], there[200];
        (void)snprintf(name, sizeof name, "clips/%s%s", s->clip.text, suffixes[i]);
        (void)snprintf(there, sizeof there, "%s", file_of(s, &s->clip, suffixes[i]));
        (void)snprintf(away, sizeof away, "%s.away", there);
        assert_int_equal(rename(there, away), 0);
        export_scene_export(s);
        is_named(s, name, "not_found", "文件不存在");
        assert_int_equal(rename(away, there), 0);
    }
    struct report r;
    export_scene_export(s);
    export_scene_verify(s, s->len, &r);
    export_scene_expect(&r, REPORT_VERIFIES);
    char *list = export_scene_entry(s, "export.json");
    assert_null(strstr(list, "\"missing\""));
    free(list);
}

/** A folder can be opened, but not read. */
static void a_file_that_cannot_be_read_is_named(void **state)
{
    struct export_scene *s = *state;
    char name[64], there[200];
    (void)snprintf(name, sizeof name, "stills/%s.jpg", s->still.text);
    (void)snprintf(there, sizeof there, "%s", file_of(s, &s->still, ".jpg"));
    assert_int_equal(unlink(there), 0);
    assert_int_equal(mkdir(there, 0700), 0);
    export_scene_export(s);
    is_named(s, name, "unreadable", "文件无法读取");
    char *html = export_scene_entry(s, "report.html");
    assert_null(strstr(html, "<img"));
    free(html);
    assert_int_equal(rmdir(there), 0);
}

/** What was nobody's to lose is not missing: a clip in which nobody spoke, or without a picture. */
static void what_never_was_is_not_missing(void **state)
{
    struct export_scene *s = *state;
    char *list = export_scene_entry(s, "export.json");
    assert_null(strstr(list, "\"missing\""));
    assert_null(strstr(list, ".jpg\",\"sha256\":\"\"")); /* the clip has no poster */
    free(list);
    struct store_clip row;
    assert_int_equal(store_clip_get(s->store, &s->clip, &row), 0);
    row.has_poster = true;
    assert_int_equal(store_clip_update(s->store, &row, EXPORT_SCENE_US + 3000000), 0);
    export_scene_export(s);
    list = export_scene_entry(s, "export.json");
    assert_non_null(strstr(list, "\"missing\":[{\"name\":\"clips/"));
    free(list);
}

static struct export *gathered(struct export_scene *s)
{
    struct export *e;
    assert_int_equal(export_gather(&e, NULL, s->store, &s->sc, "ann", EXPORT_SCENE_US + 5000000),
                     0);
    return e;
}

static void a_file_that_goes_while_it_is_exported_is_named(void **state)
{
    struct export_scene *s = *state;
    struct export *e = gathered(s);
    char name[64];
    assert_int_equal(unlink(file_of(s, &s->clip, ".webm")), 0);
    assert_int_equal(export_finish(e, s->sealer, EXPORT_SCENE_US + 5000000), 0);
    assert_int_equal(export_missing(e), 1);
    free(s->zip);
    s->len = (size_t)export_size(e);
    s->zip = malloc(s->len);
    struct http_source source = export_source(e);
    assert_int_equal(source.read(source.ctx, 0, s->zip, s->len), s->len);
    source.free(source.ctx);
    (void)snprintf(name, sizeof name, "clips/%s.webm", s->clip.text);
    is_named(s, name, "not_found", "文件不存在");
}

/** Cut short, or another one by now, when its bytes go out: the archive breaks off there. */
static void a_file_that_breaks_on_its_way_out_breaks_the_archive(void **state)
{
    struct export_scene *s = *state;
    size_t len;
    char name[64];
    (void)snprintf(name, sizeof name, "%s.webm", s->clip.text);
    uint8_t *media = scratch_read(&s->scratch, name, &len);
    for (int how = 0; how < 2; how++) {
        uint8_t piece[1000];
        struct export *e = gathered(s);
        assert_int_equal(export_finish(e, s->sealer, EXPORT_SCENE_US + 5000000), 0);
        uint64_t size = export_size(e), sent = 0;
        struct http_source source = export_source(e);
        media[len / 2] ^= 1;
        scratch_write(&s->scratch, name, media, how ? len : len / 2);
        for (int i = 0; i < 1000 && sent < size; i++)
            sent += source.read(source.ctx, sent, piece, sizeof piece);
        assert_true(sent < size);
        source.free(source.ctx);
        media[len / 2] ^= 1;
        scratch_write(&s->scratch, name, media, len);
    }
    free(media);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, export_scene_setup, export_scene_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_report_is_in_the_cases_language_and_harmless),
        TEST(a_file_that_is_gone_is_named_and_the_rest_is_exported),
        TEST(a_file_that_cannot_be_read_is_named),
        TEST(what_never_was_is_not_missing),
        TEST(a_file_that_goes_while_it_is_exported_is_named),
        TEST(a_file_that_breaks_on_its_way_out_breaks_the_archive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
