// SPDX-License-Identifier: Apache-2.0
/* The report: tables and lists, no script, nothing from elsewhere. */
#include "server/export_report.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/attachment_type.h"
#include "server/export_words.h"

#define SIZES 8 /* of what one was shown; further ones are left out */
#define DEPTH 6 /* of what is shown of nested values */

static const char style[] =
    "body{font:14px/1.5 system-ui,'Noto Sans','Noto Sans CJK "
    "SC',sans-serif;max-width:60em;margin:2em "
    "auto;padding:0 1em;color:#111}table{border-collapse:collapse;width:100%}th,td{border:1px "
    "solid "
    "#bbb;padding:.25em "
    ".5em;text-align:left;vertical-align:top;overflow-wrap:anywhere}th{background:"
    "#eee}code{font-size:11px}dl{display:grid;grid-template-columns:max-content 1fr;gap:.1em "
    "1em;margin:"
    "0}dt{color:#555}dd{margin:0}figure{display:inline-block;margin:.5em;width:45%;vertical-align:"
    "top}"
    "img{max-width:100%}@media "
    "print{body{margin:0;max-width:none;font-size:11px}h2{break-after:avoid}"
    "tr,figure{break-inside:avoid}thead{display:table-header-group}}";

struct page {
    FILE *out;
    const char *const *words;
    const json_t *missing;
};

/** As text within an element or a quoted attribute. */
static void put_text(FILE *out, const char *text)
{
    for (const char *p = text ? text : ""; *p; p++) {
        switch (*p) {
        case '<':
            (void)fputs("&lt;", out);
            break;
        case '>':
            (void)fputs("&gt;", out);
            break;
        case '&':
            (void)fputs("&amp;", out);
            break;
        case '"':
            (void)fputs("&quot;", out);
            break;
        default:
            (void)fputc(*p, out);
        }
    }
}

static const char *text_of(const json_t *o, const char *name)
{
    const char *text = json_string_value(json_object_get(o, name));
    return text ? text : "";
}

static void put_value(FILE *out, const json_t *value, unsigned depth);

static void put_object(FILE *out, const json_t *o, unsigned depth)
{
    json_t *walked = (json_t *)(uintptr_t)o; /* jansson walks, but does not change it */
    (void)fputs("<dl>", out);
    for (void *at = json_object_iter(walked); at; at = json_object_iter_next(walked, at)) {
        (void)fputs("<dt>", out);
        put_text(out, json_object_iter_key(at));
        (void)fputs("</dt><dd>", out);
        put_value(out, json_object_iter_value(at), depth + 1);
        (void)fputs("</dd>", out);
    }
    (void)fputs("</dl>", out);
}

static void put_value(FILE *out, const json_t *value, unsigned depth)
{
    size_t i;
    const json_t *item;
    if (depth > DEPTH) {
        (void)fputs("…", out);
    } else if (json_is_object(value)) {
        put_object(out, value, depth);
    } else if (json_is_array(value)) {
        (void)fputs("<ul>", out);
        json_array_foreach(value, i, item)
        {
            (void)fputs("<li>", out);
            put_value(out, item, depth + 1);
            (void)fputs("</li>", out);
        }
        (void)fputs("</ul>", out);
    } else if (json_is_string(value)) {
        put_text(out, json_string_value(value));
    } else if (json_is_number(value)) {
        (void)fprintf(out, "%.15g", json_number_value(value));
    } else {
        (void)fputs(json_is_true(value) ? "✓" : json_is_false(value) ? "✗" : "–", out);
    }
}

static void heading(const struct page *p, enum word word)
{
    (void)fprintf(p->out, "<h2>%s</h2>\n", p->words[word]);
}

static void columns(const struct page *p, const enum word *words, size_t count)
{
    (void)fputs("<table><thead><tr>", p->out);
    for (size_t i = 0; i < count; i++)
        (void)fprintf(p->out, "<th>%s</th>", p->words[words[i]]);
    (void)fputs("</tr></thead><tbody>\n", p->out);
}

static void cell(const struct page *p, const char *text)
{
    (void)fputs("<td>", p->out);
    put_text(p->out, text);
    (void)fputs("</td>", p->out);
}

/** Whether it is said to be missing. */
static bool is_missing(const struct page *p, const char *folder, const char *id, const char *suffix)
{
    char name[128];
    size_t i;
    const json_t *m;
    (void)snprintf(name, sizeof name, "%s/%s%s", folder, id, suffix);
    json_array_foreach(p->missing, i, m)
    {
        if (strcmp(text_of(m, "name"), name) == 0)
            return true;
    }
    return false;
}

/** What belongs to the case and is not in the archive; nothing where all is. */
static void put_missing(const struct page *p)
{
    static const enum word words[] = {WORD_FILE, WORD_WHY};
    size_t i;
    const json_t *m;
    if (json_array_size(p->missing) == 0)
        return;
    heading(p, WORD_MISSING);
    (void)fprintf(p->out, "<p><strong>%s</strong></p>\n", p->words[WORD_NOT_READ]);
    columns(p, words, 2);
    json_array_foreach(p->missing, i, m)
    {
        const char *why = text_of(m, "why");
        (void)fputs("<tr>", p->out);
        cell(p, text_of(m, "name"));
        cell(p, p->words[strcmp(why, "not_found") == 0 ? WORD_WHY_NOT_FOUND
                         : strcmp(why, "changed") == 0 ? WORD_WHY_CHANGED
                                                       : WORD_WHY_UNREADABLE]);
        (void)fputs("</tr>\n", p->out);
    }
    (void)fputs("</tbody></table>\n", p->out);
}

static void put_clips(const struct page *p, const json_t *clips)
{
    static const enum word words[] = {WORD_LABEL,   WORD_PUBLISHER, WORD_BEGAN,
                                      WORD_SECONDS, WORD_GAPS,      WORD_DETAILS};
    size_t i;
    const json_t *c;
    heading(p, WORD_CLIPS);
    if (json_array_size(clips) == 0) {
        (void)fprintf(p->out, "<p>%s</p>\n", p->words[WORD_NONE]);
        return;
    }
    columns(p, words, sizeof words / sizeof words[0]);
    json_array_foreach(clips, i, c)
    {
        (void)fputs("<tr>", p->out);
        cell(p, text_of(c, "label"));
        cell(p, text_of(c, "publisher"));
        cell(p, text_of(c, "started_at"));
        (void)fprintf(p->out, "<td>%.1f</td><td>%lld (%.1f)</td><td>",
                      (double)json_integer_value(json_object_get(c, "duration_ms")) / 1000,
                      (long long)json_integer_value(json_object_get(c, "gaps")),
                      (double)json_integer_value(json_object_get(c, "gap_ms")) / 1000);
        put_text(p->out, text_of(c, "kind"));
        if (is_missing(p, "clips", text_of(c, "id"), ".webm")) {
            (void)fputs(": ", p->out);
            put_text(p->out, text_of(c, "id"));
            (void)fprintf(p->out, " <strong>%s</strong>", p->words[WORD_MISSING]);
        } else if (strcmp(text_of(c, "state"), "ready") == 0) {
            (void)fputs(": <a href=\"clips/", p->out);
            put_text(p->out, text_of(c, "id"));
            (void)fputs(".webm\">", p->out);
            put_text(p->out, text_of(c, "id"));
            (void)fputs("</a><br><code>", p->out);
            put_text(p->out, text_of(c, "sha256"));
            (void)fputs("</code>", p->out);
        } else {
            (void)fputs(", ", p->out);
            put_text(p->out, text_of(c, "state"));
        }
        (void)fputs("</td></tr>\n", p->out);
    }
    (void)fputs("</tbody></table>\n", p->out);
}

/* Takes */

/** Minutes, seconds and milliseconds into the clip. */
static void put_moment(const struct page *p, const json_t *o, const char *name)
{
    long long ms = json_integer_value(json_object_get(o, name));
    (void)fprintf(p->out, "%lld:%02lld.%03lld", ms / 60000, ms / 1000 % 60, ms % 1000);
}

static void put_span(const struct page *p, const json_t *o)
{
    put_moment(p, o, "from_ms");
    if (json_integer_value(json_object_get(o, "to_ms")) ==
        json_integer_value(json_object_get(o, "from_ms")))
        return;
    (void)fputs(" – ", p->out);
    put_moment(p, o, "to_ms");
}

/** Continuous from here to there, or every break with its time and kind, or that it is not known. */
static void put_take(const struct page *p, const json_t *take)
{
    const json_t *breaks = json_object_get(take, "breaks"), *one;
    const json_t *continuous = json_object_get(take, "continuous");
    bool checked = json_is_true(json_object_get(take, "lens_checked"));
    size_t i;
    if (json_is_true(continuous)) {
        (void)fprintf(p->out, "<strong>%s</strong>: ", p->words[WORD_TAKE_UNBROKEN]);
        put_span(p, take);
        (void)fprintf(p->out, "<br>%s",
                      p->words[checked ? WORD_TAKE_CHECKED : WORD_TAKE_UNCHECKED]);
    } else if (json_is_false(continuous)) {
        (void)fprintf(p->out, "<strong>%s %zu</strong><ul>", p->words[WORD_TAKE_BROKEN],
                      json_array_size(breaks));
        json_array_foreach(breaks, i, one)
        {
            (void)fputs("<li>", p->out);
            put_span(p, one);
            (void)fprintf(p->out, " %s</li>", p->words[export_break_word(text_of(one, "kind"))]);
        }
        (void)fputs("</ul>", p->out);
    } else {
        (void)fputs(p->words[WORD_TAKE_UNKNOWN], p->out);
    }
}

static void put_takes(const struct page *p, const json_t *clips, const json_t *takes)
{
    static const enum word words[] = {WORD_CLIP, WORD_LABEL, WORD_TAKE};
    size_t i, count = 0;
    const json_t *c;
    json_array_foreach(clips, i, c)
    {
        if (strcmp(text_of(c, "state"), "ready") != 0)
            continue;
        if (count++ == 0) {
            heading(p, WORD_TAKE);
            columns(p, words, 3);
        }
        (void)fputs("<tr>", p->out);
        cell(p, text_of(c, "id"));
        cell(p, text_of(c, "label"));
        (void)fputs("<td>", p->out);
        put_take(p, json_object_get(takes, text_of(c, "id")));
        (void)fputs("</td></tr>\n", p->out);
    }
    if (count)
        (void)fputs("</tbody></table>\n", p->out);
}

/* What they saw */

struct column_sum {
    double sum;
    size_t known;
};

/** Of the numbers of a list; what is null is not known. */
static struct column_sum sum_of(const json_t *list)
{
    struct column_sum s = {0};
    size_t i;
    const json_t *v;
    json_array_foreach(list, i, v)
    {
        s.known += json_is_number(v);
        s.sum += json_number_value(v);
    }
    return s;
}

static void put_sum(const struct page *p, const json_t *list, double unit, bool mean)
{
    struct column_sum s = sum_of(list);
    if (s.known == 0)
        (void)fputs("<td>–</td>", p->out);
    else
        (void)fprintf(p->out, "<td>%.4g</td>", s.sum / (mean ? (double)s.known : unit));
}

static void put_sizes(const struct page *p, const json_t *layers)
{
    size_t i;
    const json_t *l;
    long long width = -1, height = -1;
    unsigned shown = 0;
    (void)fputs("<td>", p->out);
    json_array_foreach(layers, i, l)
    {
        long long w = json_integer_value(json_object_get(l, "width"));
        long long h = json_integer_value(json_object_get(l, "height"));
        if (w == 0 || (w == width && h == height))
            continue;
        width = w;
        height = h;
        if (shown++ < SIZES)
            (void)fprintf(p->out, "%s%lld×%lld", shown > 1 ? ", " : "", w, h);
    }
    (void)fputs(shown > SIZES ? ", …</td>" : "</td>", p->out);
}

static void put_seen_line(const struct page *p, const char *clip, const json_t *item)
{
    if (strcmp(text_of(item, "kind"), "video") != 0)
        return;
    (void)fputs("<tr>", p->out);
    cell(p, clip);
    cell(p, text_of(item, "viewer"));
    cell(p, text_of(item, "publisher"));
    (void)fprintf(p->out, "<td>%zu</td>", json_array_size(json_object_get(item, "sent")));
    put_sizes(p, json_object_get(item, "layers"));
    put_sum(p, json_object_get(item, "arrived"), 1, true);
    put_sum(p, json_object_get(item, "frozen_ms"), 1000, false);
    put_sum(p, json_object_get(item, "lost"), 1, false);
    (void)fputs("</tr>\n", p->out);
}

static void put_seen(const struct page *p, const json_t *seen)
{
    static const enum word words[] = {WORD_CLIP,    WORD_VIEWER,  WORD_PUBLISHER, WORD_SECONDS,
                                      WORD_PICTURE, WORD_ARRIVED, WORD_FROZEN,    WORD_LOST};
    json_t *walked = (json_t *)(uintptr_t)seen;
    size_t i;
    const json_t *item;
    heading(p, WORD_SAW);
    columns(p, words, sizeof words / sizeof words[0]);
    for (void *at = json_object_iter(walked); at; at = json_object_iter_next(walked, at)) {
        json_array_foreach(json_object_get(json_object_iter_value(at), "items"), i, item)
            put_seen_line(p, json_object_iter_key(at), item);
    }
    (void)fputs("</tbody></table>\n", p->out);
}

static void put_stills(const struct page *p, const json_t *stills)
{
    size_t i;
    const json_t *s;
    heading(p, WORD_STILLS);
    if (json_array_size(stills) == 0)
        (void)fprintf(p->out, "<p>%s</p>\n", p->words[WORD_NONE]);
    json_array_foreach(stills, i, s)
    {
        (void)fputs("<figure>", p->out);
        if (is_missing(p, "stills", text_of(s, "id"), ".jpg")) {
            (void)fprintf(p->out, "<strong>%s</strong>", p->words[WORD_MISSING]);
        } else {
            (void)fputs("<img alt=\"\" src=\"stills/", p->out);
            put_text(p->out, text_of(s, "id"));
            (void)fputs(".jpg\">", p->out);
        }
        (void)fputs("<figcaption>", p->out);
        put_text(p->out, text_of(s, "label"));
        (void)fputs(" · ", p->out);
        put_text(p->out, text_of(s, "publisher"));
        (void)fputs(" · ", p->out);
        put_text(p->out, text_of(s, "at"));
        (void)fputs("<br><code>", p->out);
        put_text(p->out, text_of(s, "sha256"));
        (void)fputs("</code></figcaption></figure>\n", p->out);
    }
}

/** Files lie in the archive under what they are, so that they can be opened from here. */
static void put_files(const struct page *p, const json_t *files)
{
    static const enum word words[] = {WORD_FILE, WORD_WHO, WORD_TIME};
    size_t i;
    const json_t *f;
    if (json_array_size(files) == 0)
        return;
    heading(p, WORD_FILES);
    columns(p, words, sizeof words / sizeof words[0]);
    json_array_foreach(files, i, f)
    {
        const char *suffix = attachment_suffix(attachment_type_of(text_of(f, "content_type")));
        const char *id = text_of(f, "id");
        (void)fputs("<tr><td>", p->out);
        if (!suffix || is_missing(p, "attachments", id, suffix)) {
            put_text(p->out, text_of(f, "name"));
            (void)fprintf(p->out, " <strong>%s</strong>", p->words[WORD_MISSING]);
        } else {
            (void)fputs("<a href=\"attachments/", p->out);
            put_text(p->out, id);
            (void)fprintf(p->out, "%s\">", suffix);
            put_text(p->out, text_of(f, "name"));
            (void)fputs("</a>", p->out);
        }
        (void)fputs("<br><code>", p->out);
        put_text(p->out, text_of(f, "sha256"));
        (void)fputs("</code></td>", p->out);
        cell(p, text_of(f, "added_by"));
        cell(p, text_of(f, "added_at"));
        (void)fputs("</tr>\n", p->out);
    }
    (void)fputs("</tbody></table>\n", p->out);
}

static void put_event(const struct page *p, const json_t *e, bool chat)
{
    const json_t *data = json_object_get(e, "data");
    (void)fputs("<tr>", p->out);
    cell(p, text_of(e, "at"));
    cell(p, text_of(e, "actor"));
    if (chat) {
        cell(p, text_of(data, "text"));
    } else {
        cell(p, text_of(e, "type"));
        (void)fputs("<td>", p->out);
        put_value(p->out, data, 1);
        char hash[17];
        (void)snprintf(hash, sizeof hash, "%s", text_of(e, "hash"));
        (void)fprintf(p->out, "<code>%lld · ",
                      (long long)json_integer_value(json_object_get(e, "seq")));
        put_text(p->out, hash);
        (void)fputs("</code></td>", p->out);
    }
    (void)fputs("</tr>\n", p->out);
}

static void put_events(const struct page *p, const json_t *events, bool chat)
{
    static const enum word words[] = {WORD_TIME, WORD_WHO, WORD_WHAT, WORD_DETAILS};
    size_t i;
    const json_t *e;
    heading(p, chat ? WORD_CHAT : WORD_TIMELINE);
    columns(p, words, chat ? 3 : 4);
    json_array_foreach(events, i, e)
    {
        if (!chat || strcmp(text_of(e, "type"), "chat") == 0)
            put_event(p, e, chat);
    }
    (void)fputs("</tbody></table>\n", p->out);
}

/** What is not in the archive any more, by whom and why; nothing where all is. */
static void put_deleted(const struct page *p, const json_t *events)
{
    static const enum word words[] = {WORD_TIME, WORD_WHO, WORD_WHAT, WORD_DETAILS};
    size_t i, count = 0;
    const json_t *e;
    json_array_foreach(events, i, e)
    {
        const char *type = text_of(e, "type");
        if (strcmp(type, "clip_deleted") != 0 && strcmp(type, "still_deleted") != 0)
            continue;
        if (count++ == 0) {
            heading(p, WORD_DELETED);
            columns(p, words, 4);
        }
        put_event(p, e, false);
    }
    if (count)
        (void)fputs("</tbody></table>\n", p->out);
}

static void put_page(const struct page *p, const struct report_facts *f, bool is_chinese)
{
    (void)fprintf(p->out,
                  "<!doctype html>\n<html lang=\"%s\"><head><meta charset=\"utf-8\"><title>%s ",
                  is_chinese ? "zh-CN" : "en", p->words[WORD_REPORT]);
    put_text(p->out, text_of(f->about, "number"));
    (void)fprintf(p->out, "</title><style>%s</style></head><body>\n<h1>", style);
    put_text(p->out, text_of(f->about, "title"));
    (void)fputs("</h1>\n<p>", p->out);
    put_text(p->out, text_of(f->about, "number"));
    (void)fprintf(p->out, " · %s ", p->words[WORD_EXPORTED]);
    put_text(p->out, f->exported_at);
    (void)fputs(" (", p->out);
    put_text(p->out, f->exported_by);
    (void)fputs(")</p>\n", p->out);
    put_missing(p);
    heading(p, WORD_CASE);
    put_object(p->out, f->about, 0);
    put_clips(p, f->clips);
    if (f->takes)
        put_takes(p, f->clips, f->takes);
    if (f->seen)
        put_seen(p, f->seen);
    put_stills(p, f->stills);
    put_files(p, f->attachments);
    put_deleted(p, f->events);
    put_events(p, f->events, true);
    put_events(p, f->events, false);
    heading(p, WORD_VERIFY);
    (void)fprintf(p->out, "<p>%s</p>\n</body></html>\n", p->words[WORD_HOW]);
}

char *report_html(const struct report_facts *facts)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    bool is_chinese = strncmp(facts->language, "zh", 2) == 0;
    const struct page p = {
        .out = out, .words = export_words(is_chinese), .missing = facts->missing};
    put_page(&p, facts, is_chinese);
    bool good = !ferror(out);
    if (fclose(out) == 0 && good)
        return text;
    free(text);
    return NULL;
}
