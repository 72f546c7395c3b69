// SPDX-License-Identifier: Apache-2.0
/* Manifests made and read back: of whole clips and of trimmed ones. */
#include "server/seal/manifest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/json.h"
#include "tests/unit/support/sealed_clip.h"

static int setup(void **state)
{
    static struct sealed_clip clip;
    sealed_clip_make(&clip);
    *state = &clip;
    return 0;
}

static int teardown(void **state)
{
    sealed_clip_free(*state);
    return 0;
}

static void read_made(const struct matroska_make *m, struct matroska_file *ret)
{
    struct bytes_source b = {m->bytes, m->len};
    struct matroska_source source = bytes_source(&b);
    assert_int_equal(matroska_read(&source, ret), 0);
}

static void tells_all_there_is(void **state)
{
    struct sealed_clip *c = *state;
    struct manifest m;
    const char *why;
    assert_int_equal(manifest_read(c->manifest, c->manifest_len, &m, &why), 0);
    assert_string_equal(m.clip, SEALED_CLIP_ID);
    assert_string_equal(json_text(m.seal, "label", 40), "serial number");
    assert_int_equal(m.second_count, 4);
    assert_int_equal(m.frame_count, 88 + 175 + 175 + 59);
    assert_int_equal(m.seconds[0].media_frames, 75);
    assert_int_equal(m.seconds[0].voices_frames, 50 + 17);
    assert_int_equal(m.voice_count, 2);
    assert_true(manifest_is_voice(&m, 17));
    assert_false(manifest_is_voice(&m, 2));
    assert_null(m.trim);
    assert_true(merkle_equal(&m.head, &m.seconds[3].chain));
    manifest_clear(&m);
}

static void is_canonical(void **state)
{
    struct sealed_clip *c = *state;
    struct manifest m;
    const char *why;
    assert_int_equal(manifest_read(c->manifest, c->manifest_len, &m, &why), 0);
    char *again = json_canonical(m.document);
    assert_string_equal(again, c->manifest);
    free(again);
    manifest_clear(&m);
}

static void seconds_without_frames_are_in_the_chain(void **state)
{
    struct sealed_clip *c = *state;
    struct matroska_make made;
    struct matroska_file file;
    struct manifest m;
    const char *why;
    char *text;
    size_t len;
    matroska_make_begin(&made, true, 2, 1);
    matroska_make_cluster(&made, 0);
    matroska_make_frame(&made, 1, 0, true, 9);
    matroska_make_cluster(&made, 5000);
    matroska_make_frame(&made, 1, 10, true, 9);
    matroska_make_end(&made);
    read_made(&made, &file);
    struct manifest_signer signer = {.keys = c->keys, .unix_us = SEALED_CLIP_US};
    json_t *facts = json_object();
    assert_int_equal(manifest_seal(&signer, "x", facts, &file, NULL, &text, &len, &why), 0);
    assert_int_equal(manifest_read(text, len, &m, &why), 0);
    assert_int_equal(m.second_count, 6);
    assert_int_equal(m.seconds[3].media_frames, 0);
    manifest_clear(&m);
    json_decref(facts);
    free(text);
    matroska_clear(&file);
    matroska_make_free(&made);
}

static void expect_unsealable(struct sealed_clip *c, const struct matroska_file *media,
                              const struct matroska_file *voices, int er)
{
    struct manifest_signer signer = {.keys = c->keys, .unix_us = SEALED_CLIP_US};
    const char *why = NULL;
    char *text;
    size_t len;
    json_t *facts = json_object();
    assert_int_equal(manifest_seal(&signer, "x", facts, media, voices, &text, &len, &why), er);
    assert_non_null(why);
    json_decref(facts);
}

static void refuses_what_cannot_be_sealed(void **state)
{
    struct sealed_clip *c = *state;
    struct matroska_file media, none = {0};
    read_made(&c->media, &media);
    expect_unsealable(c, &none, NULL, ER_NOT_FOUND);
    expect_unsealable(c, &media, &media, ER_MALFORMED); /* tracks in common */
    media.frames[5] = media.frames[3];
    expect_unsealable(c, &media, NULL, ER_MALFORMED);
    matroska_clear(&media);
}

static void expect_no_manifest(json_t *document)
{
    struct manifest m;
    const char *why = NULL;
    char *text = json_canonical(document);
    assert_int_equal(manifest_read(text, strlen(text), &m, &why), ER_MALFORMED);
    assert_non_null(why);
    manifest_clear(&m);
    free(text);
    json_decref(document);
}

static void refuses_documents_of_another_form(void **state)
{
    struct sealed_clip *c = *state;
    static const char *const members[] = {"format",    "seal",   "seal_signature",
                                          "signature", "frames", "key"};
    static const char *const of_seal[] = {"clip", "head", "key", "seconds", "tracks"};
    struct manifest m;
    const char *why;
    assert_int_equal(manifest_read(c->manifest, c->manifest_len, &m, &why), 0);
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        json_t *d = json_deep_copy(m.document);
        json_object_del(d, members[i]);
        expect_no_manifest(d);
    }
    for (size_t i = 0; i < sizeof of_seal / sizeof of_seal[0]; i++) {
        json_t *d = json_deep_copy(m.document);
        json_object_del(json_object_get(d, "seal"), of_seal[i]);
        expect_no_manifest(d);
    }
    static const char *const frames[] = {"1 0 k 5", "1 0 x 5 00", "1 -1 k 5 00",
                                         "",        "1 0 k 5 ",   "1 9000 k 5 00"};
    for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++) {
        json_t *d = json_deep_copy(m.document);
        json_t *second = json_array_get(json_object_get(d, "frames"), 0);
        json_array_set_new(json_object_get(second, "frames"), 0, json_string(frames[i]));
        expect_no_manifest(d);
    }
    json_t *twice = json_deep_copy(
        m.document); /* the first second in two parts, as if all were told */
    json_t *seconds = json_object_get(twice, "frames");
    json_t *all = json_object_get(json_array_get(seconds, 0), "frames");
    json_t *rest = json_pack("{s:i,s:O}", "second", 0, "frames", all);
    assert_true(json_array_size(all) > 1);
    json_t *first = json_pack("{s:i,s:[O]}", "second", 0, "frames", json_array_get(all, 0));
    json_array_remove(all, 0);
    json_array_set_new(seconds, 0, rest);
    json_array_insert_new(seconds, 0, first);
    expect_no_manifest(twice);
    manifest_clear(&m);
    assert_int_equal(manifest_read("[]", 2, &m, &why), ER_MALFORMED);
    manifest_clear(&m);
}

static int trim(struct sealed_clip *c, const struct manifest *original, uint64_t from_ms,
                uint64_t to_ms, const struct matroska_make *made, char **ret, size_t *ret_len)
{
    struct matroska_file file;
    const char *why;
    read_made(made, &file);
    struct manifest_signer signer = {.keys = c->keys, .unix_us = SEALED_CLIP_US + 1000000};
    struct manifest_cut cut = {.original = original,
                               .clip = "01jd0000000000000000000001",
                               .from_ms = from_ms,
                               .to_ms = to_ms,
                               .media = &file};
    int er = manifest_trim(&signer, &cut, ret, ret_len, &why);
    matroska_clear(&file);
    return er;
}

static void trims(void **state)
{
    struct sealed_clip *c = *state;
    struct manifest m, t;
    struct matroska_make made;
    const char *why;
    char *text;
    size_t len;
    assert_int_equal(manifest_read(c->manifest, c->manifest_len, &m, &why), 0);
    matroska_make_clip(&made, 1000, 2500);
    assert_int_equal(trim(c, &m, 1000, 2500, &made, &text, &len), 0);
    assert_int_equal(manifest_read(text, len, &t, &why), 0);
    assert_non_null(t.trim);
    assert_int_equal(t.from_ms, 1000);
    assert_int_equal(t.frame_count, 75 + 25 + 13);
    assert_int_equal(json_array_size(json_object_get(t.trim, "edges")), 1);
    assert_true(json_equal(t.seal, m.seal));
    free(text);
    manifest_clear(&t);
    assert_int_equal(trim(c, &m, 1020, 2500, &made, &text, &len), ER_MALFORMED);
    assert_int_equal(trim(c, &m, 1000, 2520, &made, &text, &len), ER_MALFORMED);
    assert_int_equal(trim(c, &m, 9000, 9500, &made, &text, &len), ER_NOT_FOUND);
    manifest_clear(&m);
    matroska_make_free(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tells_all_there_is, setup, teardown),
        cmocka_unit_test_setup_teardown(is_canonical, setup, teardown),
        cmocka_unit_test_setup_teardown(seconds_without_frames_are_in_the_chain, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_what_cannot_be_sealed, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_documents_of_another_form, setup, teardown),
        cmocka_unit_test_setup_teardown(trims, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
