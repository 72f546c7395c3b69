// SPDX-License-Identifier: Apache-2.0
/* A case in one archive: it verifies, whatever is changed in it does not, and its report is plain text in
 * HTML. */
#include "server/export.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/str.h"
#include "server/blobs.h"
#include "server/export_report.h"
#include "server/seal/verify_case.h"
#include "server/seal/verify_files.h"
#include "server/seal/zip.h"
#include "server/store_keep.h"
#include "server/tombstone.h"
#include "tests/unit/support/matroska_make.h"
#include "tests/unit/support/scratch.h"
#include "tests/unit/support/seen_make.h"

#define T0 UINT64_C(1790000000000000)

struct scene {
    struct scratch scratch;
    struct entropy_seeded random;
    struct entropy entropy;
    struct store *store;
    struct sealer *sealer;
    struct keys *keys;
    struct store_case sc;
    struct id clip, still;
    uint8_t *zip;
    size_t len;
};

static void write_at(struct scene *s, const char *id, const char *suffix, const void *data,
                     size_t len)
{
    char name[64];
    (void)snprintf(name, sizeof name, "%s%s", id, suffix);
    scratch_write(&s->scratch, name, data, len);
}

static void add_clip(struct scene *s)
{
    struct store_clip c = {.case_id = s->sc.id, .room = s->sc.room, .kind = "clip"};
    struct matroska_make m;
    json_t *facts;
    c.id = s->clip = id_make(T0, &s->entropy);
    (void)str_copy(c.started_by, sizeof c.started_by, "ann");
    (void)snprintf(c.path, sizeof c.path, "%s", scratch_path(&s->scratch, c.id.text));
    assert_int_equal(store_clip_add(s->store, &c, T0 + 1), 0);
    matroska_make_clip(&m, 0, 1500);
    write_at(s, c.id.text, ".webm", m.bytes, m.len);
    matroska_make_free(&m);
    matroska_make_voices(&m, 1500);
    write_at(s, c.id.text, ".voices.mka", m.bytes, m.len);
    matroska_make_free(&m);
    assert_int_equal(store_clip_facts(s->store, &c, &facts), 0);
    struct sealer_hashes hashes;
    assert_int_equal(sealer_seal(s->sealer, &c.id, c.path, facts, T0 + 2000000, &hashes), 0);
    (void)str_copy(c.manifest_sha256, sizeof c.manifest_sha256, hashes.manifest);
    json_decref(facts);
    uint8_t log[256];
    size_t len = seen_make(log, sizeof log, "<b>ann", "bo", T0 / 1000000, 2, 24);
    assert_int_equal(store_seen_add(s->store, &s->sc.room, log, len, T0), 0);
    c.started_us = T0;
    c.duration_ms = 1500;
    c.state = CLIP_READY;
    assert_int_equal(store_clip_update(s->store, &c, T0 + 3000000), 0);
}

static void add_still(struct scene *s)
{
    static const char jpeg[] = "\xff\xd8 no real picture";
    struct store_still still = {.case_id = s->sc.id, .room = s->sc.room, .kind = "still"};
    struct merkle_hash hash;
    char *text;
    size_t len;
    still.id = s->still = id_make(T0, &s->entropy);
    (void)str_copy(still.taken_by, sizeof still.taken_by, "ann");
    (void)str_copy(still.facts, sizeof still.facts, "{}");
    (void)snprintf(still.path, sizeof still.path, "%s", scratch_path(&s->scratch, still.id.text));
    assert_int_equal(store_still_add(s->store, &still, T0), 0);
    still.at_us = T0 + 1500000;
    still.bytes = sizeof jpeg;
    assert_int_equal(merkle_sha256(jpeg, sizeof jpeg, &hash), 0);
    hex_encode(still.sha256, hash.bytes, sizeof hash.bytes);
    assert_int_equal(store_still_finish(s->store, &still, T0), 0);
    write_at(s, still.id.text, ".jpg", jpeg, sizeof jpeg);
    json_t *record = json_pack(
        "{s:s,s:{s:s,s:I,s:s}}", "format", VERIFY_STILL_FORMAT, "still", "sha256", still.sha256,
        "bytes", (json_int_t)sizeof jpeg, "at",
        "2020-01-01T00:00:00.000Z"); /* what a camera says is no time of ours */
    assert_int_equal(
        sealer_sign(s->sealer, VERIFY_STILL_CONTEXT, record, T0 + 1500000, &text, &len), 0);
    write_at(s, still.id.text, ".still.json", text, len);
    free(text);
}

static void export_all(struct scene *s)
{
    struct export *e;
    assert_int_equal(export_gather(&e, NULL, s->store, &s->sc, "ann", T0 + 5000000), 0);
    assert_int_equal(export_finish(e, s->sealer, T0 + 5000000), 0);
    s->len = (size_t)export_size(e);
    s->zip = malloc(s->len);
    struct http_source source = export_source(e);
    assert_int_equal(source.read(source.ctx, 0, s->zip, s->len), s->len);
    source.free(source.ctx);
}

static int setup(void **state)
{
    static struct scene s;
    bool repeated;
    char folder[160];
    memset(&s, 0, sizeof s);
    scratch_make(&s.scratch);
    s.entropy = entropy_seeded_init(&s.random, 4);
    (void)snprintf(folder, sizeof folder, "%s", scratch_path(&s.scratch, "keys"));
    const struct sealer_config config = {.keys = folder, .unix_us = T0, .entropy = s.entropy};
    assert_int_equal(sealer_new(&s.sealer, &config), 0);
    assert_int_equal(keys_open(&s.keys, folder, &s.entropy, T0), 0);
    assert_int_equal(store_open(&s.store, ":memory:", &s.entropy, NULL), 0);
    assert_int_equal(store_merchant_put(s.store, "default", NULL, T0), 0);
    (void)str_copy(s.sc.merchant, sizeof s.sc.merchant, "default");
    (void)str_copy(s.sc.title, sizeof s.sc.title, "a <script>cracked</script> cup");
    (void)str_copy(s.sc.language, sizeof s.sc.language, "zh-CN");
    (void)str_copy(s.sc.buyer, sizeof s.sc.buyer, "bo");
    assert_int_equal(store_case_create(s.store, &s.sc, "shop", "demo", NULL, NULL, T0, &repeated),
                     0);
    json_t *chat = json_pack("{s:s}", "text", "Hello & \"welcome\"");
    assert_int_equal(store_event_append(s.store, &s.sc.id, "bo", "chat", chat, T0, NULL), 0);
    json_decref(chat);
    add_clip(&s);
    add_still(&s);
    export_all(&s);
    *state = &s;
    return 0;
}

static int teardown(void **state)
{
    struct scene *s = *state;
    char command[200];
    free(s->zip);
    store_case_clear(&s->sc);
    store_close(s->store);
    keys_free(s->keys);
    sealer_free(s->sealer);
    (void)snprintf(command, sizeof command, "rm -rf %s/keys", s->scratch.folder);
    assert_int_equal(system(command), 0);
    scratch_remove(&s->scratch);
    return 0;
}

static void verify(struct scene *s, size_t len, struct report *ret)
{
    char path[160];
    const char *const paths[] = {path};
    struct verify_trust trust = {.keys = s->keys};
    scratch_write(&s->scratch, "case.zip", s->zip, len);
    (void)snprintf(path, sizeof path, "%s", scratch_path(&s->scratch, "case.zip"));
    assert_int_equal(report_init(ret), 0);
    verify_files(ret, &trust, paths, 1);
}

static void expect(struct report *r, enum report_verdict verdict)
{
    if (report_verdict(r) != verdict)
        json_dumpf(r->findings, stderr, JSON_INDENT(1));
    assert_int_equal(report_verdict(r), verdict);
    report_clear(r);
}

static void an_exported_case_verifies(void **state)
{
    struct scene *s = *state;
    struct report r;
    verify(s, s->len, &r);
    assert_int_equal(json_array_size(r.findings), 0);
    assert_null(memmem(s->zip, s->len, "已删除", strlen("已删除")));
    expect(&r, REPORT_VERIFIES);
    struct keys *none = s->keys;
    s->keys = NULL;
    verify(s, s->len, &r);
    expect(&r, REPORT_CANNOT_TELL);
    s->keys = none;
}

static void every_changed_byte_is_found(void **state)
{
    struct scene *s = *state;
    struct report r;
    for (size_t i = 0; i < 1000; i++) {
        size_t at = (size_t)(entropy_u64(&s->entropy) % s->len);
        uint64_t draw = entropy_u64(&s->entropy);
        uint8_t was = s->zip[at];
        s->zip[at] ^= (uint8_t)(draw & 1 ? 1u << (draw / 2 % 8) : 1 + draw % 255);
        verify(s, s->len, &r);
        assert_true(json_array_size(r.findings) > 0);
        expect(&r, REPORT_WRONG);
        s->zip[at] = was;
    }
    verify(s, s->len - 1, &r);
    expect(&r, REPORT_WRONG);
}

static bool says(const struct report *r, const char *what, const char *part)
{
    size_t i;
    const json_t *f;
    json_array_foreach(r->findings, i, f)
    {
        if (strcmp(json_string_value(json_object_get(f, "what")), what) == 0 &&
            strstr(json_string_value(json_object_get(f, "text")), part))
            return true;
    }
    return false;
}

static void a_changed_event_is_named(void **state)
{
    struct scene *s = *state;
    struct report r;
    char *at = memmem(s->zip, s->len, "\"events\":[", 10);
    assert_non_null(at);
    char *text = memmem(at, s->len - (size_t)((uint8_t *)at - s->zip), "Hello", 5);
    assert_non_null(text);
    text[0] = 'h';
    verify(s, s->len, &r);
    assert_true(says(&r, "event", "event 2 is not as it was"));
    assert_true(says(&r, "entry", "timeline.json is not as it was exported"));
    expect(&r, REPORT_WRONG);
}

static void a_changed_still_is_named(void **state)
{
    struct scene *s = *state;
    struct report r;
    char *at = memmem(s->zip, s->len, "no real picture", 15);
    assert_non_null(at);
    at[0] = 'N';
    verify(s, s->len, &r);
    assert_true(says(&r, "still", "the picture is not the one that was taken"));
    expect(&r, REPORT_WRONG);
}

/** All that is in an archive, put together anew by somebody with the key: a clip of another case. */
static void a_clip_of_another_case_does_not_belong(void **state)
{
    struct scene *s = *state;
    struct report r;
    struct store_case other = {.language = "en"};
    bool repeated;
    struct id mine = s->sc.id;
    (void)str_copy(other.merchant, sizeof other.merchant, "default");
    (void)str_copy(other.title, sizeof other.title, "another");
    (void)str_copy(other.buyer, sizeof other.buyer, "di");
    assert_int_equal(store_case_create(s->store, &other, "shop", "demo", NULL, NULL, T0, &repeated),
                     0);
    struct store_clip row;
    assert_int_equal(store_clip_get(s->store, &s->clip, &row), 0);
    json_t *facts;
    row.case_id = other.id; /* sealed with the other's timeline */
    assert_int_equal(store_clip_facts(s->store, &row, &facts), 0);
    struct sealer_hashes hashes;
    assert_int_equal(sealer_seal(s->sealer, &row.id, row.path, facts, T0 + 4000000, &hashes), 0);
    json_decref(facts);
    free(s->zip);
    assert_true(id_equal(&mine, &s->sc.id));
    export_all(s);
    verify(s, s->len, &r);
    assert_true(says(&r, "event", "the timeline tells of no such manifest"));
    assert_true(says(&r, "event", "sealed on another timeline"));
    expect(&r, REPORT_WRONG);
    store_case_clear(&other);
}

/** What is listed as often as one likes would be hashed as often. */
static void an_entry_is_listed_once(void **state)
{
    struct scene *s = *state;
    struct report r;
    struct zip *z;
    char *text;
    size_t len;
    json_t *e = json_pack("{s:s,s:i,s:s}", "name", "a", "bytes", 1, "sha256",
                          "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb");
    json_t *list = json_pack("{s:s,s:s,s:[O,O]}", "format", VERIFY_EXPORT_FORMAT, "case",
                             s->sc.id.text, "entries", e, e);
    json_decref(e);
    assert_int_equal(zip_new(&z, NULL), 0);
    assert_int_equal(zip_add_bytes(z, "a", strdup("a"), 1), 0);
    assert_int_equal(sealer_sign(s->sealer, VERIFY_EXPORT_CONTEXT, list, T0, &text, &len), 0);
    assert_int_equal(zip_add_bytes(z, "export.json", text, len), 0);
    assert_int_equal(zip_layout(z), 0);
    free(s->zip);
    s->len = (size_t)zip_size(z);
    s->zip = malloc(s->len);
    assert_int_equal(zip_read(z, 0, s->zip, s->len), s->len);
    zip_free(z);
    verify(s, s->len, &r);
    assert_true(says(&r, "entry", "a is listed twice"));
    assert_false(says(&r, "entry", "was not exported"));
    expect(&r, REPORT_WRONG);
}

/** The clip is deleted; the timeline tells of `sha256` (NULL: of the tombstone's own). */
static void bury(struct scene *s, const char *sha256)
{
    struct store_clip row;
    char hash[SEALER_HASH_BYTES];
    const struct tombstone_cause cause = {.by = "shop", .cause = "asked", .reason = "GDPR"};
    assert_int_equal(store_clip_get(s->store, &s->clip, &row), 0);
    struct store_tombstone t = {.id = s->clip, .case_id = s->sc.id, .object = "clip"};
    assert_int_equal(tombstone_make(s->sealer, tombstone_of_clip(&row), row.path, &cause,
                                    T0 + 4000000, &t.document, hash),
                     0);
    json_t *told = json_pack("{s:s}", "tombstone_sha256", sha256 ? sha256 : hash);
    assert_int_equal(store_bury(s->store, &t, "shop", told, T0 + 4000000), 0);
    assert_int_equal(blobs_remove(row.path), 0);
    json_decref(told);
    free(t.document);
    free(s->zip);
    export_all(s);
}

static void a_case_with_a_tombstone_verifies(void **state)
{
    struct scene *s = *state;
    struct report r;
    uint8_t *at;
    bury(s, NULL);
    verify(s, s->len, &r);
    assert_true(says(&r, "tombstone", "was deleted at 2026"));
    assert_int_equal(json_array_size(r.findings), 1);
    expect(&r, REPORT_VERIFIES);
    char media[64];
    int len = snprintf(media, sizeof media, "%s.webm", s->clip.text);
    assert_null(memmem(s->zip, s->len, media, (size_t)len));
    assert_non_null(memmem(s->zip, s->len, "<h2>已删除</h2>", strlen("<h2>已删除</h2>")));
    at = memmem(s->zip, s->len, "\"reason\":\"GDPR\"", 15);
    assert_non_null(at);
    at[10] = 'g';
    verify(s, s->len, &r);
    expect(&r, REPORT_WRONG);
}

static void another_tombstone_than_the_timelines_is_named(void **state)
{
    struct scene *s = *state;
    struct report r;
    bury(s, "00");
    verify(s, s->len, &r);
    assert_true(says(&r, "event", "tells of no such tombstone"));
    expect(&r, REPORT_WRONG);
}

static void a_missing_tombstone_is_named(void **state)
{
    struct scene *s = *state;
    struct report r;
    json_t *data = json_pack("{s:s}", "clip", s->clip.text);
    assert_int_equal(
        store_event_append(s->store, &s->sc.id, "shop", "clip_deleted", data, T0, NULL), 0);
    json_decref(data);
    free(s->zip);
    export_all(s);
    verify(s, s->len, &r);
    assert_true(says(&r, "entry", ".json is missing"));
    expect(&r, REPORT_WRONG);
}

static char *entry(struct scene *s, const char *name)
{
    struct zip *z;
    uint64_t at;
    int fd;
    scratch_write(&s->scratch, "case.zip", s->zip, s->len);
    FILE *f = fopen(scratch_path(&s->scratch, "case.zip"), "rb");
    fd = fileno(f);
    const struct matroska_source source = matroska_source_fd(&fd);
    assert_int_equal(zip_open(&z, &source, s->len, &at), 0);
    const struct zip_entry *e = zip_find(z, name);
    assert_non_null(e);
    char *text = strndup((const char *)s->zip + e->at, (size_t)e->size);
    zip_free(z);
    fclose(f);
    return text;
}

static void the_report_is_in_the_cases_language_and_harmless(void **state)
{
    struct scene *s = *state;
    char *html = entry(s, "report.html");
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
    char *seen = entry(s, name);
    assert_non_null(strstr(seen, "\"arrived\":[24,24]"));
    free(seen);
    char *chat = entry(s, "chat.json");
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

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_case_with_a_tombstone_verifies),
        TEST(another_tombstone_than_the_timelines_is_named),
        TEST(a_missing_tombstone_is_named),
        TEST(an_exported_case_verifies),
        TEST(an_entry_is_listed_once),
        TEST(every_changed_byte_is_found),
        TEST(a_changed_event_is_named),
        TEST(a_changed_still_is_named),
        TEST(a_clip_of_another_case_does_not_belong),
        TEST(the_report_is_in_the_cases_language_and_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
