// SPDX-License-Identifier: Apache-2.0
/* The whole store checked: it verifies as it was written, and whatever row or byte of a file is changed is
 * found and named. */
#include "server/store_audit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/str.h"
#include "server/store_certificates.h"
#include "server/store_sql.h"
#include "tests/unit/support/whole_store.h"

static int setup(void **state)
{
    static struct whole_store w;
    whole_store_make(&w);
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    whole_store_free(*state);
    return 0;
}

static void audit(struct whole_store *w, const struct keys *keys, struct report *r,
                  struct store_audit *ret)
{
    *ret = (struct store_audit){.trust = {.keys = keys}};
    assert_int_equal(report_init(r), 0);
    assert_int_equal(store_audit(w->store, ret, r), 0);
}

static void run(struct whole_store *w, const char *sql)
{
    char *why = NULL;
    if (sqlite3_exec(w->store->db, sql, NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s: %s", sql, why);
}

/** Is there a finding with that row, whose text has `part` in it? */
static bool names(const struct report *r, const char *row, const char *part)
{
    size_t i;
    const json_t *f;
    json_array_foreach(r->findings, i, f)
    {
        const char *is = json_string_value(json_object_get(f, "row"));
        const char *text = json_string_value(json_object_get(f, "text"));
        if (strcmp(is ? is : "", row) == 0 && strstr(text, part))
            return true;
    }
    return false;
}

static void as_written_it_verifies(void **state)
{
    struct whole_store *w = *state;
    struct store_audit a;
    struct report r;
    audit(w, w->keys, &r, &a);
    if (r.wrong || r.unsure)
        json_dumpf(r.findings, stderr, JSON_INDENT(1));
    assert_int_equal(report_verdict(&r), REPORT_VERIFIES);
    assert_int_equal(json_array_size(r.findings), 0);
    assert_int_equal(a.cases, 2);
    assert_int_equal(a.clips, 1);
    assert_int_equal(a.stills, 1);
    assert_int_equal(a.tombstones, 1);
    assert_true(a.events > 12);
    report_clear(&r);
    audit(w, NULL, &r, &a);
    assert_int_equal(report_verdict(&r), REPORT_CANNOT_TELL);
    report_clear(&r);
    a = (struct store_audit){.trust = {.keys = w->keys}, .only = w->other.id};
    assert_int_equal(report_init(&r), 0);
    assert_int_equal(store_audit(w->store, &a, &r), 0);
    assert_int_equal(a.cases, 1);
    assert_int_equal(a.clips, 0);
    report_clear(&r);
}

/** What is done to the database; %c, %o the cases, %k the clip, %s the still, %b the deleted clip, %h the hold. */
static const struct {
    const char *sql, *row, *part;
} tampers[] = {
    {"UPDATE cases SET title = 'A whole cup' WHERE id = '%c'", "cases %c", "title is"},
    {"UPDATE cases SET number = 'C-2026-999999' WHERE id = '%c'", "cases %c", "number is"},
    {"UPDATE cases SET state = 'agreed' WHERE id = '%c'", "cases %c", "state is"},
    {"UPDATE cases SET buyer_name = 'Eve' WHERE id = '%c'", "cases %c", "buyer_name is"},
    {"UPDATE cases SET priority = 9 WHERE id = '%c'", "cases %c", "priority is 9"},
    {"UPDATE cases SET language = 'en' WHERE id = '%c'", "cases %c", "language is"},
    {"UPDATE cases SET version = version + 1 WHERE id = '%c'", "cases %c", "version is"},
    {"UPDATE cases SET created_us = 1 WHERE id = '%c'", "cases %c", "created_us is 1"},
    {"UPDATE cases SET more = json_set(more, '$.outcome.outcome', 'repair') WHERE id = '%c'",
     "cases %c", "more is not"},
    {"PRAGMA foreign_keys = OFF; DELETE FROM cases WHERE id = '%c'", "cases %c", "no such row"},
    {"PRAGMA foreign_keys = OFF; DELETE FROM people WHERE case_id = '%o';"
     "DROP TRIGGER events_last; DELETE FROM events WHERE case_id = '%o';"
     "DELETE FROM cases WHERE id = '%o'",
     "numbers 2026", "2 cases were numbered, and 1 are there"},
    {"DROP TRIGGER events_stay; UPDATE events SET actor = 'me' WHERE case_id = '%c' AND seq = 3",
     "events %c 3", "not as it was"},
    {"DROP TRIGGER events_stay; UPDATE events SET at_us = 5 WHERE case_id = '%o' AND seq = 1",
     "events %o 1", "not as it was"},
    {"DROP TRIGGER events_last; DELETE FROM events WHERE case_id = '%c' AND seq = 4", "events %c 5",
     "follow"},
    {"DROP TRIGGER events_last; DELETE FROM events WHERE case_id = '%c' AND seq ="
     " (SELECT max(seq) FROM events WHERE case_id = '%c')",
     "cases %c", "state is"},
    {"UPDATE people SET consent = 0 WHERE case_id = '%c' AND identity = 'bo'", "people %c bo",
     "consent is 0"},
    {"UPDATE people SET role = 'arbiter' WHERE case_id = '%c' AND identity = 'ann'",
     "people %c ann", "role is"},
    {"DELETE FROM people WHERE case_id = '%c' AND identity = 'ann'", "people %c ann",
     "no such row"},
    {"INSERT INTO people VALUES('%c', 'eve', 'Eve', 'arbiter', NULL)", "people %c eve",
     "knows of no such"},
    {"UPDATE clips SET sha256 = replace(sha256, substr(sha256, 1, 8), '00000000')", "clips %k",
     "sha256 is"},
    {"UPDATE clips SET publisher = 'eve'", "clips %k", "publisher is"},
    {"UPDATE clips SET duration_ms = 9000", "clips %k", "duration_ms is 9000"},
    {"UPDATE clips SET started_us = started_us + 1000000", "clips %k", "started_us is"},
    {"UPDATE clips SET gap_ms = 40", "clips %k", "gap_ms is 40"},
    {"UPDATE clips SET path = path || 'x'", "clips %k", "is missing"},
    {"UPDATE clips SET case_id = '%o'", "clips %k", "no such row"},
    {"UPDATE clips SET state = 'failed'", "clips %k", "state is"},
    {"DELETE FROM clips", "clips %k", "no such row"},
    {"UPDATE stills SET width = 4000", "stills %s", "width is not"},
    {"UPDATE stills SET facts = json_set(facts, '$.sharpness', 99)", "stills %s", "sharpness is"},
    {"UPDATE stills SET at_us = at_us + 1000", "stills %s", "at is not"},
    {"UPDATE stills SET taken_by = 'eve'", "stills %s", "taken_by is"},
    {"UPDATE stills SET ready = 0", "stills %s", "no such row"},
    {"DELETE FROM stills", "stills %s", "no such row"},
    {"UPDATE tombstones SET document = replace(document, 'GDPR', 'none')", "tombstones %b",
     "not the tombstone"},
    {"UPDATE tombstones SET object = 'still'", "tombstones %b", "object is"},
    {"DELETE FROM tombstones", "tombstones %b", "no such row"},
    {"UPDATE holds SET lifted_us = 7", "holds %h", "lifted_us is 7"},
    {"UPDATE holds SET firm = 0", "holds %h", "firm is 0"},
    {"UPDATE holds SET of = '%s'", "holds %h", "of is"},
    {"DELETE FROM holds", "holds %h", "no such row"},
    {"UPDATE internals SET body = replace(body, 'Careful', 'Careless') WHERE case_id = '%c'",
     "internals %c 14", "not what was written"},
    {"UPDATE internals SET salt = 'ff' WHERE case_id = '%c'", "internals %c 14",
     "not what was written"},
    {"DELETE FROM internals WHERE case_id = '%c'", "internals %c 14", "no such row"},
    {"INSERT INTO internals VALUES('%c', 1, 'ff', '{}')", "internals %c 1", "knows of no such"},
    {"UPDATE cases SET disputed = 0 WHERE id = '%c'", "cases %c", "disputed is 0"},
    {"UPDATE case_texts SET words = ' other ' WHERE case_id = '%c'", "case_texts %c", "not those"},
    {"DELETE FROM case_texts WHERE case_id = '%o'", "case_texts %o", "no such row"},
    {"INSERT INTO tags VALUES('default', 'vip', '%c')", "tags %c vip", "knows of no such"},
    {"UPDATE tags SET tag = 'vip' WHERE case_id = '%c'", "tags %c fragile", "no such row"},
    {"UPDATE tags SET merchant = 'x' WHERE case_id = '%c'", "tags %c fragile", "merchant is not"},
    {"DELETE FROM links WHERE case_id = '%c'", "links %c %o reinspected_by", "no such row"},
    {"UPDATE links SET relation = 'related' WHERE case_id = '%o'", "links %o %c related",
     "knows of no such"},
    {"DELETE FROM stats_cells WHERE dim = 'all' AND span = 3600",
     "stats_cells default by all in 3600 s 2026-09-21T00:00:00.000Z", "sums"},
    {"UPDATE stats_cells SET cell = x'01' WHERE dim = 'team'",
     "stats_cells default by team in 3600 s 2026-09-21T00:00:00.000Z", "sums"},
    {"UPDATE stats_cells SET at_s = at_s + 86400 WHERE dim = 'all' AND span = 86400",
     "stats_cells default by all in 86400 s 2026-09-21T00:00:00.000Z", "sums"},
    {"UPDATE seen SET log = x'00'", "seen 1", "cannot be read"},
    {"UPDATE seen SET to_s = to_s + 9", "seen 1", "to_s is not"},
    {"DROP TRIGGER events_stay", "", "trigger events_stay is missing"},
    {"DROP TRIGGER events_last; CREATE TRIGGER events_last BEFORE DELETE ON events WHEN 0 BEGIN"
     " SELECT 1; END",
     "", "trigger events_last was changed"},
    {"CREATE TABLE extra(x)", "", "table extra is none of ours"},
};

static void fill(const struct whole_store *w, const char *text, char *ret, size_t size)
{
    size_t len = 0;
    for (; *text && len + 30 < size; text++) {
        const struct id *id = text[0] != '%'   ? NULL
                              : text[1] == 'c' ? &w->c.id
                              : text[1] == 'o' ? &w->other.id
                              : text[1] == 'k' ? &w->clip
                              : text[1] == 's' ? &w->still
                              : text[1] == 'b' ? &w->buried
                                               : &w->hold;
        if (id)
            len += (size_t)snprintf(ret + len, size - len, "%s", id->text), text++;
        else
            ret[len++] = *text;
    }
    ret[len] = '\0';
}

static void every_changed_row_is_named(void **state)
{
    char sql[600], row[120];
    (void)state;
    for (size_t i = 0; i < sizeof tampers / sizeof tampers[0]; i++) {
        struct whole_store w;
        struct store_audit a;
        struct report r;
        whole_store_make(&w);
        fill(&w, tampers[i].sql, sql, sizeof sql);
        fill(&w, tampers[i].row, row, sizeof row);
        run(&w, sql);
        audit(&w, w.keys, &r, &a);
        if (report_verdict(&r) != REPORT_WRONG || !names(&r, row, tampers[i].part)) {
            json_dumpf(r.findings, stderr, JSON_INDENT(1));
            fail_msg("%s: not \"%s\" of %s", sql, tampers[i].part, row);
        }
        report_clear(&r);
        whole_store_free(&w);
    }
}

/** Changes, then shortens, then removes a file. */
static void each_file(struct whole_store *w, const char *table, const struct id *id,
                      const char *suffix)
{
    char row[80], path[256], keep[300];
    struct store_audit a;
    struct report r;
    (void)snprintf(row, sizeof row, "%s %s", table, id->text);
    (void)snprintf(path, sizeof path, "%s", whole_store_path(w, id, suffix));
    (void)snprintf(keep, sizeof keep, "%s.kept", w->data);
    for (int how = 0; how < 3; how++) {
        assert_int_equal(rename(path, keep), 0);
        FILE *from = fopen(keep, "rb"), *to = how < 2 ? fopen(path, "wb") : NULL;
        char bytes[65536];
        size_t len = fread(bytes, 1, sizeof bytes, from);
        bytes[len / 2] = (char)(bytes[len / 2] ^ 1);
        if (to) {
            assert_true(fwrite(bytes, 1, how ? len - 1 : len, to) > 0);
            assert_int_equal(fclose(to), 0);
        }
        (void)fclose(from);
        audit(w, w->keys, &r, &a);
        if (!names(&r, row, ""))
            fail_msg("%s of %s, changed in way %d, is not named", suffix, row, how);
        assert_int_equal(report_verdict(&r), REPORT_WRONG);
        report_clear(&r);
        assert_int_equal(rename(keep, path), 0);
    }
}

static void every_changed_file_is_named(void **state)
{
    struct whole_store *w = *state;
    struct store_audit a;
    struct report r;
    each_file(w, "clips", &w->clip, ".webm");
    each_file(w, "clips", &w->clip, ".voices.mka");
    each_file(w, "clips", &w->clip, ".manifest.json");
    each_file(w, "stills", &w->still, ".jpg");
    each_file(w, "stills", &w->still, ".still.json");
    audit(w, w->keys, &r, &a);
    assert_int_equal(report_verdict(&r), REPORT_VERIFIES);
    report_clear(&r);
    FILE *back = fopen(whole_store_path(w, &w->buried, ".webm"), "wb");
    assert_non_null(back);
    (void)fclose(back);
    char row[80];
    (void)snprintf(row, sizeof row, "tombstones %s", w->buried.text);
    audit(w, w->keys, &r, &a);
    assert_true(names(&r, row, ".webm is there"));
    report_clear(&r);
}

/** An authentication that was judged and certified; the certificate's row and the checklist's are its. */
static struct store_certificate certify(struct whole_store *w)
{
    struct store_case c = {.merchant = "default", .kind = CASE_AUTHENTICATION};
    struct store_certificate made;
    struct refusal why = {0};
    json_t *checklist, *exam, *point, *document;
    size_t i;
    bool repeated;
    (void)str_copy(c.title, sizeof c.title, "A watch");
    (void)str_copy(c.buyer, sizeof c.buyer, "bo");
    (void)str_copy(c.buyer_name, sizeof c.buyer_name, "Bo");
    c.more = json_pack("{s:s}", "category", "watch");
    assert_int_equal(store_case_create(w->store, &c, "shop", "k", NULL, NULL, WHOLE_T0, &repeated),
                     0);
    struct examiner who = {&c, "ann", WHOLE_T0 + 1};
    json_t *found = json_pack("{s:s,s:s}", "judgement", "not_applicable", "note", "Not shown.");
    assert_int_equal(store_examination_open(w->store, &c.id, &exam, &checklist), 0);
    json_array_foreach(json_object_get(checklist, "points"), i, point)
    {
        const char *id = json_string_value(json_object_get(point, "id"));
        assert_int_equal(store_examination_point(w->store, &who, id, found, &why), 0);
    }
    json_t *verdict = json_pack("{s:s,s:[{s:s,s:[]}]}", "verdict", "genuine", "grounds", "text",
                                "It is.", "evidence");
    const struct store_action give = {.case_id = c.id,
                                      .action = CASE_VERDICT,
                                      .actor = "ann",
                                      .role = ROLE_APPRAISER,
                                      .data = verdict};
    store_case_clear(&c);
    assert_int_equal(store_case_act(w->store, &give, WHOLE_T0 + 2, &c), 0);
    assert_int_equal(store_certificate_issue(w->store, &who, NULL, &made, &document, &why), 0);
    json_decref(document);
    json_decref(verdict);
    json_decref(found);
    json_decref(exam);
    json_decref(checklist);
    store_case_clear(&c);
    return made;
}

static void what_was_certified_is_held_against_the_timeline(void **state)
{
    static const struct {
        const char *sql, *table, *part;
    } changes[] = {
        {NULL, NULL, NULL},
        {"UPDATE certificates SET number = 'LC-0000-0000-0000'", "certificates", "number is not"},
        {"UPDATE certificates SET seq = 1", "certificates", "seq is not"},
        {"DELETE FROM certificates", "certificates", "no such row"},
        {"UPDATE certificates SET case_id = (SELECT id FROM cases WHERE kind <> 'authentication' "
         "LIMIT 1)",
         "certificates", "no such row"},
        {"DROP TRIGGER checklists_kept_stay; UPDATE checklists_kept SET document ="
         " json_set(document, '$.points[0].optional', json('true'))",
         "checklists_kept", "not the one"},
        {"DROP TRIGGER checklists_kept_last; DELETE FROM checklists_kept", "checklists_kept",
         "no such row"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        struct whole_store w;
        struct store_audit a;
        struct report r;
        bool named = false;
        size_t n;
        const json_t *f;
        whole_store_make(&w);
        struct store_certificate made = certify(&w);
        if (changes[i].sql)
            run(&w, changes[i].sql);
        audit(&w, w.keys, &r, &a);
        json_array_foreach(r.findings, n, f)
        {
            const char *row = json_string_value(json_object_get(f, "row"));
            const char *text = json_string_value(json_object_get(f, "text"));
            named |= row && changes[i].table && strstr(row, changes[i].table) == row &&
                     strstr(text, changes[i].part);
        }
        assert_true(id_is_set(&made.id));
        if (report_verdict(&r) != (changes[i].sql ? REPORT_WRONG : REPORT_VERIFIES))
            fail_msg("%s: %d", changes[i].sql ? changes[i].sql : "nothing", report_verdict(&r));
        if (changes[i].sql && !named)
            fail_msg("%s is not named", changes[i].sql);
        report_clear(&r);
        whole_store_free(&w);
    }
}

/** Another's manifest, true by itself, does not pass. */
static void a_seal_of_another_clip_does_not_belong(void **state)
{
    struct whole_store *w = *state;
    struct store_audit a;
    struct report r;
    char from[256], row[80];
    struct id second = whole_store_clip(w);
    static const char *const suffixes[] = {".webm", ".voices.mka", ".manifest.json"};
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(from, sizeof from, "%s", whole_store_path(w, &second, suffixes[i]));
        assert_int_equal(unlink(whole_store_path(w, &w->clip, suffixes[i])), 0);
        assert_int_equal(link(from, whole_store_path(w, &w->clip, suffixes[i])), 0);
    }
    (void)snprintf(row, sizeof row, "clips %s", w->clip.text);
    audit(w, w->keys, &r, &a);
    assert_true(names(&r, row, "not the one that the timeline tells of"));
    assert_true(names(&r, row, "of another clip"));
    report_clear(&r);
}

static void looked_at_beside_the_server(void **state)
{
    struct whole_store *w = *state;
    struct store_audit a = {.trust = {.keys = w->keys}};
    struct report r;
    struct store *look;
    char path[128];
    int version, newest;
    (void)snprintf(path, sizeof path, "%s/loupe.db", w->data);
    assert_int_equal(store_look(&look, path, w->data, &w->entropy), 0);
    assert_int_equal(report_init(&r), 0);
    assert_int_equal(store_audit(look, &a, &r), 0);
    assert_int_equal(report_verdict(&r), REPORT_VERIFIES);
    report_clear(&r);
    assert_int_equal(store_merchant_put(look, "m", NULL, 1), ER_IO); /* nothing is written */
    assert_int_equal(store_schema(look, &version, &newest), 0);
    assert_int_equal(version, newest);
    store_close(look);
    run(w, "PRAGMA user_version = 1");
    assert_int_equal(store_look(&look, path, w->data, &w->entropy), ER_STALE);
    assert_int_equal(store_schema(look, &version, &newest), 0);
    assert_int_equal(version, 1);
    store_close(look);
    run(w, "PRAGMA user_version = 9999");
    assert_int_equal(store_look(&look, path, w->data, &w->entropy), ER_UNSUPPORTED);
    store_close(look);
    assert_int_equal(store_look(&look, "/nowhere/loupe.db", w->data, &w->entropy), ER_IO);
}

static void what_lapsed_in_a_dispute_is_retold(void **state)
{
    struct whole_store *w = *state;
    static const enum case_action actions[] = {CASE_PROPOSE, CASE_DISPUTE, CASE_PROPOSE,
                                               CASE_LAPSE};
    struct store_case c = {.kind = CASE_INSPECTION, .merchant = "default"};
    struct store_audit a;
    struct report r;
    bool repeated;
    (void)str_copy(c.title, sizeof c.title, "A watch");
    (void)str_copy(c.buyer, sizeof c.buyer, "bo");
    (void)str_copy(c.buyer_name, sizeof c.buyer_name, "Bo");
    assert_int_equal(store_case_create(w->store, &c, "shop", "k", NULL, NULL, WHOLE_T0, &repeated),
                     0);
    const struct id id = c.id;
    store_case_clear(&c);
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        const struct store_action one = {
            .case_id = id, .action = actions[i], .actor = "ann", .role = ROLE_COUNT};
        assert_int_equal(store_case_act(w->store, &one, WHOLE_T0 + i + 1, &c), 0);
        assert_int_equal(c.state, i % 2 ? CASE_DISPUTED : CASE_PROPOSED);
        store_case_clear(&c);
    }
    audit(w, w->keys, &r, &a);
    assert_int_equal(json_array_size(r.findings), 0);
    report_clear(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(as_written_it_verifies, setup, teardown),
        cmocka_unit_test(every_changed_row_is_named),
        cmocka_unit_test(what_was_certified_is_held_against_the_timeline),
        cmocka_unit_test_setup_teardown(what_lapsed_in_a_dispute_is_retold, setup, teardown),
        cmocka_unit_test_setup_teardown(every_changed_file_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(a_seal_of_another_clip_does_not_belong, setup, teardown),
        cmocka_unit_test_setup_teardown(looked_at_beside_the_server, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
