// SPDX-License-Identifier: Apache-2.0
/* An exported case verifies, and whatever is changed in it is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/str.h"
#include "server/blobs.h"
#include "server/seal/verify_case.h"
#include "server/seal/zip.h"
#include "server/store_keep.h"
#include "server/tombstone.h"
#include "tests/unit/support/export_scene.h"

#define T0 EXPORT_SCENE_US

static void an_exported_case_verifies(void **state)
{
    struct export_scene *s = *state;
    struct report r;
    export_scene_verify(s, s->len, &r);
    assert_int_equal(json_array_size(r.findings), 0);
    assert_null(memmem(s->zip, s->len, "已删除", strlen("已删除")));
    export_scene_expect(&r, REPORT_VERIFIES);
    struct keys *none = s->keys;
    s->keys = NULL;
    export_scene_verify(s, s->len, &r);
    export_scene_expect(&r, REPORT_CANNOT_TELL);
    s->keys = none;
}

static void every_changed_byte_is_found(void **state)
{
    struct export_scene *s = *state;
    struct report r;
    for (size_t i = 0; i < 1000; i++) {
        size_t at = (size_t)(entropy_u64(&s->entropy) % s->len);
        uint64_t draw = entropy_u64(&s->entropy);
        uint8_t was = s->zip[at];
        s->zip[at] ^= (uint8_t)(draw & 1 ? 1u << (draw / 2 % 8) : 1 + draw % 255);
        export_scene_verify(s, s->len, &r);
        assert_true(json_array_size(r.findings) > 0);
        export_scene_expect(&r, REPORT_WRONG);
        s->zip[at] = was;
    }
    export_scene_verify(s, s->len - 1, &r);
    export_scene_expect(&r, REPORT_WRONG);
}

static void a_changed_event_is_named(void **state)
{
    struct export_scene *s = *state;
    struct report r;
    char *at = memmem(s->zip, s->len, "\"events\":[", 10);
    assert_non_null(at);
    char *text = memmem(at, s->len - (size_t)((uint8_t *)at - s->zip), "Hello", 5);
    assert_non_null(text);
    text[0] = 'h';
    export_scene_verify(s, s->len, &r);
    assert_true(export_scene_says(&r, "event", "event 2 is not as it was"));
    assert_true(export_scene_says(&r, "entry", "timeline.json is not as it was exported"));
    export_scene_expect(&r, REPORT_WRONG);
}

static void a_changed_still_is_named(void **state)
{
    struct export_scene *s = *state;
    struct report r;
    char *at = memmem(s->zip, s->len, "no real picture", 15);
    assert_non_null(at);
    at[0] = 'N';
    export_scene_verify(s, s->len, &r);
    assert_true(export_scene_says(&r, "still", "the picture is not the one that was taken"));
    export_scene_expect(&r, REPORT_WRONG);
}

/** All that is in an archive, put together anew by somebody with the key: a clip of another case. */
static void a_clip_of_another_case_does_not_belong(void **state)
{
    struct export_scene *s = *state;
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
    assert_true(id_equal(&mine, &s->sc.id));
    export_scene_export(s);
    export_scene_verify(s, s->len, &r);
    assert_true(export_scene_says(&r, "event", "the timeline tells of no such manifest"));
    assert_true(export_scene_says(&r, "event", "sealed on another timeline"));
    export_scene_expect(&r, REPORT_WRONG);
    store_case_clear(&other);
}

/** What is listed as often as one likes would be hashed as often. */
static void an_entry_is_listed_once(void **state)
{
    struct export_scene *s = *state;
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
    export_scene_verify(s, s->len, &r);
    assert_true(export_scene_says(&r, "entry", "a is listed twice"));
    assert_false(export_scene_says(&r, "entry", "was not exported"));
    export_scene_expect(&r, REPORT_WRONG);
}

/** The clip is deleted; the timeline tells of `sha256` (NULL: of the tombstone's own). */
static void bury(struct export_scene *s, const char *sha256)
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
    export_scene_export(s);
}

static void a_case_with_a_tombstone_verifies(void **state)
{
    struct export_scene *s = *state;
    struct report r;
    uint8_t *at;
    bury(s, NULL);
    export_scene_verify(s, s->len, &r);
    assert_true(export_scene_says(&r, "tombstone", "was deleted at 2026"));
    assert_int_equal(json_array_size(r.findings), 1);
    export_scene_expect(&r, REPORT_VERIFIES);
    char media[64];
    int len = snprintf(media, sizeof media, "%s.webm", s->clip.text);
    assert_null(memmem(s->zip, s->len, media, (size_t)len));
    assert_non_null(memmem(s->zip, s->len, "<h2>已删除</h2>", strlen("<h2>已删除</h2>")));
    at = memmem(s->zip, s->len, "\"reason\":\"GDPR\"", 15);
    assert_non_null(at);
    at[10] = 'g';
    export_scene_verify(s, s->len, &r);
    export_scene_expect(&r, REPORT_WRONG);
}

static void another_tombstone_than_the_timelines_is_named(void **state)
{
    struct export_scene *s = *state;
    struct report r;
    bury(s, "00");
    export_scene_verify(s, s->len, &r);
    assert_true(export_scene_says(&r, "event", "tells of no such tombstone"));
    export_scene_expect(&r, REPORT_WRONG);
}

static void a_missing_tombstone_is_named(void **state)
{
    struct export_scene *s = *state;
    struct report r;
    json_t *data = json_pack("{s:s}", "clip", s->clip.text);
    assert_int_equal(
        store_event_append(s->store, &s->sc.id, "shop", "clip_deleted", data, T0, NULL), 0);
    json_decref(data);
    export_scene_export(s);
    export_scene_verify(s, s->len, &r);
    assert_true(export_scene_says(&r, "entry", ".json is missing"));
    export_scene_expect(&r, REPORT_WRONG);
}

/* Time stamps that came after the sealing */

static struct store_clip clip_of(struct export_scene *s)
{
    struct store_clip row;
    assert_int_equal(store_clip_get(s->store, &s->clip, &row), 0);
    return row;
}

/** Of the file that lies there, whoever put it there. */
static void manifest_hash_of(struct export_scene *s, char ret[static SEALER_HASH_BYTES])
{
    char name[64];
    struct merkle_hash hash;
    size_t len;
    (void)snprintf(name, sizeof name, "%s.manifest.json", s->clip.text);
    uint8_t *text = scratch_read(&s->scratch, name, &len);
    assert_int_equal(merkle_sha256(text, len, &hash), 0);
    hex_encode(ret, hash.bytes, sizeof hash.bytes);
    free(text);
}

/** The manifest gets its stamp; the timeline tells of `hash` (NULL: of none; "": of the file's own). */
static void stamp(struct export_scene *s, const char *hash, bool put)
{
    struct sealer_stamped stamped;
    struct store_clip row = clip_of(s);
    char sealed[SEALER_HASH_BYTES];
    manifest_hash_of(s, sealed);
    assert_int_equal(sealer_stamp_get(s->sealer, row.path, sealed, true, T0 + 3500000, &stamped),
                     0);
    assert_int_equal(sealer_stamp_keep(row.path, &stamped), 0);
    if (hash)
        assert_int_equal(
            store_clip_stamp_tell(s->store, &row, hash[0] ? hash : stamped.sha256, T0 + 3500000),
            0);
    if (put)
        assert_int_equal(sealer_stamp_put(row.path), 0);
    free(stamped.text);
    export_scene_export(s);
}

static void a_manifest_that_was_stamped_later_verifies(void **state)
{
    struct export_scene *s = *state;
    struct report r;
    stamp(s, "", true);
    export_scene_verify(s, s->len, &r);
    assert_true(export_scene_says(&r, "timestamp", "a time stamp says"));
    assert_int_equal(json_array_size(r.findings), 1);
    export_scene_expect(&r, REPORT_VERIFIES);
}

/** As it lies when the server dies between the timeline and the file, or is exported then. */
static void the_sealed_manifest_verifies_beside_its_stamp(void **state)
{
    struct export_scene *s = *state;
    struct report r;
    stamp(s, "", false);
    export_scene_verify(s, s->len, &r);
    assert_int_equal(json_array_size(r.findings), 0);
    export_scene_expect(&r, REPORT_VERIFIES);
}

static void a_stamp_that_came_while_it_was_exported_verifies(void **state)
{
    struct export_scene *s = *state;
    struct report r;
    stamp(s, NULL, true);
    export_scene_verify(s, s->len, &r);
    export_scene_expect(&r, REPORT_VERIFIES);
}

static void another_stamp_than_the_timelines_is_named(void **state)
{
    struct export_scene *s = *state;
    struct report r;
    stamp(s, "00", true);
    export_scene_verify(s, s->len, &r);
    assert_true(export_scene_says(&r, "event", "the timeline tells of no such manifest"));
    export_scene_expect(&r, REPORT_WRONG);
}

/** Sealed anew, and that stamped: the stamp is good and told, but what it is on is not what was sealed. */
static void a_stamp_on_another_seal_is_named(void **state)
{
    struct export_scene *s = *state;
    struct report r;
    struct store_clip row = clip_of(s);
    json_t *facts;
    struct sealer_hashes hashes;
    assert_int_equal(store_clip_facts(s->store, &row, &facts), 0);
    assert_int_equal(sealer_seal(s->sealer, &row.id, row.path, facts, T0 + 3200000, &hashes), 0);
    json_decref(facts);
    stamp(s, "", true);
    export_scene_verify(s, s->len, &r);
    assert_true(export_scene_says(&r, "event", "the timeline tells of no such manifest"));
    export_scene_expect(&r, REPORT_WRONG);
}

/** Of the tombstone's two hashes either may be that of a copy that was kept. */
static void a_tombstone_is_of_the_sealed_manifest_and_the_stamped_one(void **state)
{
    struct export_scene *s = *state;
    struct report r;
    char name[64];
    struct merkle_hash sealed, stamped, other = {{1}};
    size_t len;
    (void)snprintf(name, sizeof name, "%s.manifest.json", s->clip.text);
    uint8_t *text = scratch_read(&s->scratch, name, &len);
    assert_int_equal(merkle_sha256(text, len, &sealed), 0);
    free(text);
    stamp(s, "", true);
    text = scratch_read(&s->scratch, name, &len);
    assert_int_equal(merkle_sha256(text, len, &stamped), 0);
    free(text);
    bury(s, NULL);
    export_scene_verify(s, s->len, &r);
    export_scene_expect(&r, REPORT_VERIFIES);
    (void)snprintf(name, sizeof name, "tombstones/%s.json", s->clip.text);
    char *tomb = export_scene_entry(s, name);
    json_t *document = json_loads(tomb, 0, NULL);
    assert_int_equal(report_init(&r), 0);
    verify_buried(&r, document, "manifest_sha256", &sealed);
    verify_buried(&r, document, "manifest_sha256", &stamped);
    assert_int_equal(r.wrong, 0);
    verify_buried(&r, document, "manifest_sha256", &other);
    export_scene_expect(&r, REPORT_WRONG);
    json_decref(document);
    free(tomb);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, export_scene_setup, export_scene_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_exported_case_verifies),
        TEST(every_changed_byte_is_found),
        TEST(a_changed_event_is_named),
        TEST(a_changed_still_is_named),
        TEST(a_clip_of_another_case_does_not_belong),
        TEST(an_entry_is_listed_once),
        TEST(a_case_with_a_tombstone_verifies),
        TEST(another_tombstone_than_the_timelines_is_named),
        TEST(a_missing_tombstone_is_named),
        TEST(a_manifest_that_was_stamped_later_verifies),
        TEST(the_sealed_manifest_verifies_beside_its_stamp),
        TEST(a_stamp_that_came_while_it_was_exported_verifies),
        TEST(another_stamp_than_the_timelines_is_named),
        TEST(a_stamp_on_another_seal_is_named),
        TEST(a_tombstone_is_of_the_sealed_manifest_and_the_stamped_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
