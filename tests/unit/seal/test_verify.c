// SPDX-License-Identifier: Apache-2.0
/* Whatever is changed in a sealed clip or its manifest is found, and named. */
#include "server/seal/verify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/json.h"
#include "server/seal/verify_files.h"
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

static void check(struct sealed_clip *c, const uint8_t *media, size_t len, struct report *r)
{
    sealed_clip_verify(c, c->keys, c->manifest, c->manifest_len, media, len, true, r);
}

static void expect(struct report *r, enum report_verdict verdict)
{
    if (report_verdict(r) != verdict)
        json_dumpf(r->findings, stderr, JSON_INDENT(1));
    assert_int_equal(report_verdict(r), verdict);
}

static void what_was_sealed_verifies(void **state)
{
    struct sealed_clip *c = *state;
    struct report r;
    check(c, c->media.bytes, c->media.len, &r);
    expect(&r, REPORT_VERIFIES);
    assert_int_equal(json_array_size(r.findings), 0);
    report_clear(&r);
}

static void without_keys_it_cannot_be_told_whose_it_is(void **state)
{
    struct sealed_clip *c = *state;
    struct report r;
    sealed_clip_verify(c, NULL, c->manifest, c->manifest_len, c->media.bytes, c->media.len, true,
                       &r);
    expect(&r, REPORT_CANNOT_TELL);
    report_clear(&r);
}

/** The byte's place is within the finding's, or in front of it by a block's head. */
static void every_changed_byte_of_the_clip_is_named(void **state)
{
    struct sealed_clip *c = *state;
    for (size_t i = 0; i < 1000; i++) {
        struct report r;
        size_t at = (size_t)(entropy_u64(&c->entropy) % c->media.len);
        uint8_t was = c->media.bytes[at];
        c->media.bytes[at] ^= (uint8_t)(1 + entropy_u64(&c->entropy) % 255);
        check(c, c->media.bytes, c->media.len, &r);
        expect(&r, REPORT_WRONG);
        assert_true(report_has(&r, "file", "are not those that were sealed"));
        assert_true(report_place(&r, "part", "byte") >= 0);
        report_clear(&r);
        c->media.bytes[at] = was;
    }
}

static void a_changed_frame_is_named(void **state)
{
    struct sealed_clip *c = *state;
    struct bytes_source b = {c->media.bytes, c->media.len};
    struct matroska_source source = bytes_source(&b);
    struct matroska_file file;
    assert_int_equal(matroska_read(&source, &file), 0);
    for (size_t i = 0; i < file.frame_count; i++) {
        struct report r;
        const struct seal_frame *f = &file.frames[i];
        c->media.bytes[f->byte + f->len / 2] ^= 4;
        check(c, c->media.bytes, c->media.len, &r);
        expect(&r, REPORT_WRONG);
        assert_true(report_has(&r, "frame", "has other bytes than were sealed"));
        assert_int_equal(report_place(&r, "frame", "at_ms"), f->at_ms);
        assert_int_equal(report_place(&r, "frame", "track"), f->track);
        assert_int_equal(report_place(&r, "frame", "second"), f->at_ms / 1000);
        assert_int_equal(report_place(&r, "part", "second"), f->at_ms / 1000);
        report_clear(&r);
        c->media.bytes[f->byte + f->len / 2] ^= 4;
    }
    matroska_clear(&file);
}

static void every_changed_byte_of_the_manifest_is_found(void **state)
{
    struct sealed_clip *c = *state;
    for (size_t i = 0; i < 1000; i++) {
        struct report r;
        size_t at = (size_t)(entropy_u64(&c->entropy) % c->manifest_len);
        char was = c->manifest[at];
        /* A single bit more often than not: it makes other digits, other letters' cases. */
        uint64_t draw = entropy_u64(&c->entropy);
        c->manifest[at] ^= (char)(draw & 1 ? 1u << (draw / 2 % 8) : 1 + draw % 255);
        check(c, c->media.bytes, c->media.len, &r);
        expect(&r, REPORT_WRONG);
        report_clear(&r);
        c->manifest[at] = was;
    }
}

/** Sets the text behind `name` in the manifest at the same length. */
static void change(struct sealed_clip *c, const char *from, const char *to)
{
    char *at = strstr(c->manifest, from);
    assert_non_null(at);
    assert_int_equal(strlen(from), strlen(to));
    memcpy(at, to, strlen(to));
}

static void what_is_changed_in_the_manifest_is_named(void **state)
{
    struct sealed_clip *c = *state;
    struct report r;
    change(c, "\"publisher\":\"buyer-1\"", "\"publisher\":\"buyer-2\"");
    check(c, c->media.bytes, c->media.len, &r);
    assert_true(report_has(&r, "signature", "the seal's signature does not fit"));
    report_clear(&r);
    change(c, "\"publisher\":\"buyer-2\"", "\"publisher\":\"buyer-1\"");
    change(c, "\"1 1480 - ", "\"1 1479 - ");
    check(c, c->media.bytes, c->media.len, &r);
    assert_true(report_has(&r, "second", "second 1 (picture and mix): the frames listed are not"));
    assert_true(report_has(&r, "frame", "at 1.479 s is missing"));
    assert_true(report_has(&r, "frame", "at 1.480 s was not sealed"));
    report_clear(&r);
}

static void splice(struct matroska_make *ret, const struct matroska_make *m, const size_t *order,
                   size_t count)
{
    *ret = (struct matroska_make){.bytes = malloc(m->len * 2), .size = m->len * 2};
    memcpy(ret->bytes, m->bytes, m->cluster_at[0]);
    ret->len = m->cluster_at[0];
    for (size_t i = 0; i < count; i++) {
        size_t at = m->cluster_at[order[i]], end = m->cluster_end[order[i]];
        memcpy(ret->bytes + ret->len, m->bytes + at, end - at);
        ret->len += end - at;
    }
    size_t tail = m->cluster_end[m->clusters - 1];
    memcpy(ret->bytes + ret->len, m->bytes + tail, m->len - tail);
    ret->len += m->len - tail;
    uint64_t size = ret->len - m->segment_size_at - 8;
    for (unsigned i = 0; i < 7; i++)
        ret->bytes[m->segment_size_at + 7 - i] = (uint8_t)(size >> (8 * i));
}

static void clusters_moved_dropped_and_doubled_are_named(void **state)
{
    struct sealed_clip *c = *state;
    static const struct {
        size_t count, order[5];
        const char *what, *says;
    } cases[] = {
        {4, {1, 0, 2, 3}, "part", "is not at its place"},
        {4, {1, 0, 2, 3}, "frame", "does not come after the one before it"},
        {3, {0, 2, 3}, "part", "is missing or changed"},
        {3, {0, 2, 3}, "frame", "at 1.000 s is missing"},
        {3, {0, 1, 2}, "frame", "at 3.000 s is missing"},
        {5, {0, 1, 1, 2, 3}, "part", "is there a second time"},
        {5, {0, 1, 1, 2, 3}, "frame", "was not sealed"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct matroska_make m;
        struct report r;
        splice(&m, &c->media, cases[i].order, cases[i].count);
        check(c, m.bytes, m.len, &r);
        expect(&r, REPORT_WRONG);
        assert_true(report_has(&r, cases[i].what, cases[i].says));
        report_clear(&r);
        matroska_make_free(&m);
    }
}

static void cut_files_are_found(void **state)
{
    struct sealed_clip *c = *state;
    for (size_t len = 0; len < c->media.len; len += 97) {
        struct report r;
        check(c, c->media.bytes, len, &r);
        expect(&r, REPORT_WRONG);
        report_clear(&r);
    }
}

/* Forgery */

static struct keys *foreign(struct sealed_clip *c, const char *name)
{
    struct keys *k;
    assert_int_equal(
        keys_open(&k, scratch_path(&c->scratch, name), &c->entropy, SEALED_CLIP_US - 2000000), 0);
    return k;
}

/** The manifest signed anew as it stands, by somebody else's key. */
static char *resign(const struct sealed_clip *c, const struct keys *keys, size_t *ret_len)
{
    struct manifest m;
    struct matroska_file media;
    const char *why;
    char *text;
    struct bytes_source b = {c->media.bytes, c->media.len};
    struct matroska_source source = bytes_source(&b);
    assert_int_equal(matroska_read(&source, &media), 0);
    assert_int_equal(manifest_read(c->manifest, c->manifest_len, &m, &why), 0);
    struct manifest_signer signer = {.keys = keys, .unix_us = SEALED_CLIP_US};
    json_object_del(m.seal, "voices");
    assert_int_equal(
        manifest_seal(&signer, SEALED_CLIP_ID, m.seal, &media, NULL, &text, ret_len, &why), 0);
    manifest_clear(&m);
    matroska_clear(&media);
    return text;
}

static void foreign_keys_do_not_verify(void **state)
{
    struct sealed_clip *c = *state;
    struct keys *other = foreign(c, "other");
    struct report r;
    size_t len;
    char *text = resign(c, other, &len);
    sealed_clip_verify(c, c->keys, text, len, c->media.bytes, c->media.len, false, &r);
    expect(&r, REPORT_WRONG);
    assert_true(report_has(&r, "key", "which is none of the keys given"));
    report_clear(&r);
    sealed_clip_verify(c, other, c->manifest, c->manifest_len, c->media.bytes, c->media.len, true,
                       &r);
    assert_true(report_has(&r, "key", "which is none of the keys given"));
    report_clear(&r);
    free(text);
    keys_free(other);
}

/** Another's seal with our key's name on it, and our seal in another's document. */
static void mixed_signatures_do_not_verify(void **state)
{
    struct sealed_clip *c = *state;
    struct keys *other = foreign(c, "other");
    json_t *document = json_loads(c->manifest, 0, NULL);
    struct manifest_signer signer = {.keys = other, .unix_us = SEALED_CLIP_US};
    struct report r;
    char *text;
    size_t len;
    json_object_del(document, "signature");
    assert_int_equal(manifest_sign(&signer, MANIFEST_CONTEXT, document, &text, &len), 0);
    sealed_clip_verify(c, c->keys, text, len, c->media.bytes, c->media.len, true, &r);
    expect(&r, REPORT_WRONG);
    assert_true(report_has(&r, "key", "by another key than its seal"));
    report_clear(&r);
    free(text);
    document = json_loads(c->manifest, 0, NULL);
    json_object_set_new(json_object_get(document, "seal"), "label", json_string("forged"));
    json_object_del(document, "signature");
    signer.keys = c->keys;
    assert_int_equal(manifest_sign(&signer, MANIFEST_CONTEXT, document, &text, &len), 0);
    sealed_clip_verify(c, c->keys, text, len, c->media.bytes, c->media.len, true, &r);
    assert_true(report_has(&r, "signature", "the seal's signature does not fit"));
    report_clear(&r);
    free(text);
    keys_free(other);
}

static void revoked_and_retired_keys(void **state)
{
    struct sealed_clip *c = *state;
    struct report r;
    assert_int_equal(keys_rotate(c->keys, &c->entropy, SEALED_CLIP_US + 1000), 0);
    check(c, c->media.bytes, c->media.len, &r);
    expect(&r, REPORT_VERIFIES); /* it was good then */
    report_clear(&r);
    char kid[KEYS_KID_BYTES];
    memcpy(kid, keys_at(c->keys, 0)->kid, sizeof kid);
    assert_int_equal(keys_revoke(c->keys, kid, "copied", &c->entropy, SEALED_CLIP_US + 9000000), 0);
    check(c, c->media.bytes, c->media.len, &r);
    expect(&r, REPORT_WRONG); /* a thief could have dated it back */
    assert_true(report_has(&r, "key", "(copied), and nothing proves that the seal is older"));
    report_clear(&r);
}

static void sealed_before_the_key_was_made(void **state)
{
    struct sealed_clip *c = *state;
    struct manifest m;
    struct report r;
    struct verify_trust trust = {.keys = c->keys};
    assert_int_equal(report_init(&r), 0);
    assert_int_equal(verify_manifest(&r, &trust, c->manifest, c->manifest_len, &m), 0);
    verify_key(&r, &trust, &m.key, "seal", "2020-01-01T00:00:00.000Z", NULL);
    assert_true(report_has(&r, "key", "was in use from"));
    manifest_clear(&m);
    report_clear(&r);
}

/* Trimmed clips */

static char *trimmed(struct sealed_clip *c, uint64_t from_ms, uint64_t to_ms,
                     struct matroska_make *ret_media, size_t *ret_len)
{
    struct manifest m;
    struct matroska_file file;
    const char *why;
    char *text;
    matroska_make_clip(ret_media, from_ms, to_ms);
    struct bytes_source b = {ret_media->bytes, ret_media->len};
    struct matroska_source source = bytes_source(&b);
    assert_int_equal(matroska_read(&source, &file), 0);
    assert_int_equal(manifest_read(c->manifest, c->manifest_len, &m, &why), 0);
    struct manifest_signer signer = {.keys = c->keys, .unix_us = SEALED_CLIP_US + 1000000};
    struct manifest_cut cut = {.original = &m,
                               .clip = "01jd0000000000000000000001",
                               .from_ms = from_ms,
                               .to_ms = to_ms,
                               .media = &file};
    assert_int_equal(manifest_trim(&signer, &cut, &text, ret_len, &why), 0);
    manifest_clear(&m);
    matroska_clear(&file);
    return text;
}

static void trimmed_clips_verify(void **state)
{
    struct sealed_clip *c = *state;
    static const uint64_t ranges[][2] = {{0, 3500},    {0, 20},      {1000, 2000}, {1000, 2500},
                                         {120, 3440},  {1040, 1100}, {2000, 3500}, {3480, 3500},
                                         {1980, 2020}, {40, 1000}};
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        struct matroska_make media;
        struct report r;
        size_t len;
        char *text = trimmed(c, ranges[i][0], ranges[i][1], &media, &len);
        sealed_clip_verify(c, c->keys, text, len, media.bytes, media.len, false, &r);
        expect(&r, REPORT_VERIFIES);
        report_clear(&r);
        sealed_clip_verify(c, c->keys, text, len, c->media.bytes, c->media.len, false, &r);
        if (ranges[i][0] != 0 || ranges[i][1] != 3500)
            expect(&r, REPORT_WRONG);
        report_clear(&r);
        matroska_make_free(&media);
        free(text);
    }
}

static void a_part_with_another_codec_first_verifies(void **state)
{
    struct sealed_clip *c = *state;
    struct matroska_make whole, part;
    struct matroska_file file, cut_file;
    struct manifest m;
    struct report r;
    const char *why;
    char *text, *cut_text;
    size_t len, cut_len;
    matroska_make_two_codecs(&whole, false);
    matroska_make_two_codecs(&part, true);
    struct bytes_source b = {whole.bytes, whole.len}, p = {part.bytes, part.len};
    struct matroska_source source = bytes_source(&b), cut_source = bytes_source(&p);
    assert_int_equal(matroska_read(&source, &file), 0);
    assert_int_equal(matroska_read(&cut_source, &cut_file), 0);
    struct manifest_signer signer = {.keys = c->keys, .unix_us = SEALED_CLIP_US};
    json_t *facts = json_object();
    assert_int_equal(manifest_seal(&signer, SEALED_CLIP_ID, facts, &file, NULL, &text, &len, &why),
                     0);
    assert_int_equal(manifest_read(text, len, &m, &why), 0);
    struct manifest_cut cut = {
        .original = &m, .clip = "part", .from_ms = 1000, .to_ms = 2000, .media = &cut_file};
    assert_int_equal(manifest_trim(&signer, &cut, &cut_text, &cut_len, &why), 0);
    sealed_clip_verify(c, c->keys, cut_text, cut_len, part.bytes, part.len, false, &r);
    expect(&r, REPORT_VERIFIES);
    report_clear(&r);
    manifest_clear(&m);
    matroska_clear(&file);
    matroska_clear(&cut_file);
    json_decref(facts);
    free(text);
    free(cut_text);
    matroska_make_free(&whole);
    matroska_make_free(&part);
}

/** The trimmed document changed by somebody who has the key: the original's trees still tell. */
static void expect_trim_wrong(struct sealed_clip *c, json_t *document, const char *what,
                              const char *says)
{
    struct manifest_signer signer = {.keys = c->keys, .unix_us = SEALED_CLIP_US};
    struct verify_trust trust = {.keys = c->keys};
    struct manifest m;
    struct report r;
    char *text;
    size_t len;
    json_object_del(document, "signature");
    assert_int_equal(manifest_sign(&signer, MANIFEST_CONTEXT, document, &text, &len), 0);
    assert_int_equal(report_init(&r), 0);
    assert_int_equal(verify_manifest(&r, &trust, text, len, &m), 0);
    expect(&r, REPORT_WRONG);
    assert_true(report_has(&r, what, says));
    report_clear(&r);
    manifest_clear(&m);
    free(text);
}

static json_t *frames_of_second(json_t *document, size_t i)
{
    return json_object_get(json_array_get(json_object_get(document, "frames"), i), "frames");
}

static void frames_left_out_of_a_trimmed_clip_are_named(void **state)
{
    struct sealed_clip *c = *state;
    struct matroska_make media;
    size_t len;
    char *text = trimmed(c, 500, 3200, &media, &len);
    json_t *d = json_loads(text, 0, NULL);
    json_array_remove(frames_of_second(d, 1), 7);
    expect_trim_wrong(c, d, "second", "second 1: the frames kept are not");
    d = json_loads(text, 0, NULL);
    json_array_remove(json_object_get(d, "frames"), 2);
    expect_trim_wrong(c, d, "second", "second 2: the frames kept are not");
    d = json_loads(text, 0, NULL);
    json_array_remove(frames_of_second(d, 0), json_array_size(frames_of_second(d, 0)) - 1);
    expect_trim_wrong(c, d, "second", "second 0: the frames kept are not");
    d = json_loads(text, 0, NULL);
    json_array_clear(json_object_get(json_object_get(d, "trim"), "edges"));
    expect_trim_wrong(c, d, "second", "second 3: the frames kept are not");
    d = json_loads(text, 0, NULL);
    json_object_set_new(json_object_get(d, "trim"), "of", json_string("another"));
    expect_trim_wrong(c, d, "manifest", "trimmed from another clip");
    d = json_loads(text, 0, NULL);
    json_object_set_new(json_object_get(d, "trim"), "to_ms", json_integer(3000));
    expect_trim_wrong(c, d, "frame", "is not of what was kept");
    matroska_make_free(&media);
    free(text);
}

/* Files */

static void verdict_of_files(struct sealed_clip *c, const char *const *names, size_t count,
                             enum report_verdict verdict)
{
    char paths[4][160];
    const char *list[4];
    struct report r;
    struct verify_trust trust = {.keys = c->keys};
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(paths[i], sizeof paths[i], "%s", scratch_path(&c->scratch, names[i]));
        list[i] = paths[i];
    }
    assert_int_equal(report_init(&r), 0);
    verify_files(&r, &trust, list, count);
    expect(&r, verdict);
    report_clear(&r);
}

static void files_in_any_order(void **state)
{
    struct sealed_clip *c = *state;
    static const char *const all[] = {"a.voices.mka", "a.json", "a.webm"};
    static const char *const twice[] = {"a.json", "a.webm", "a.webm"};
    static const char *const gone[] = {"a.json", "b.webm"};
    scratch_write(&c->scratch, "a.webm", c->media.bytes, c->media.len);
    scratch_write(&c->scratch, "a.voices.mka", c->voices.bytes, c->voices.len);
    scratch_write(&c->scratch, "a.json", (const uint8_t *)c->manifest, c->manifest_len);
    verdict_of_files(c, all, 3, REPORT_VERIFIES);
    verdict_of_files(c, all + 1, 2, REPORT_VERIFIES);
    verdict_of_files(c, all, 2, REPORT_VERIFIES);
    verdict_of_files(c, all + 2, 1, REPORT_CANNOT_TELL);
    verdict_of_files(c, all + 1, 1, REPORT_CANNOT_TELL);
    verdict_of_files(c, twice, 3, REPORT_WRONG);
    verdict_of_files(c, gone, 2, REPORT_CANNOT_TELL);
    c->media.bytes[0] ^= 1; /* what it is must be guessed */
    scratch_write(&c->scratch, "a.webm", c->media.bytes, c->media.len);
    verdict_of_files(c, all + 1, 2, REPORT_WRONG);
    c->media.bytes[0] ^= 1;
    c->manifest[0] ^= 1;
    scratch_write(&c->scratch, "a.webm", c->media.bytes, c->media.len);
    scratch_write(&c->scratch, "a.json", (const uint8_t *)c->manifest, c->manifest_len);
    verdict_of_files(c, all + 1, 2, REPORT_WRONG);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_sealed_verifies),
        TEST(without_keys_it_cannot_be_told_whose_it_is),
        TEST(every_changed_byte_of_the_clip_is_named),
        TEST(a_changed_frame_is_named),
        TEST(every_changed_byte_of_the_manifest_is_found),
        TEST(what_is_changed_in_the_manifest_is_named),
        TEST(clusters_moved_dropped_and_doubled_are_named),
        TEST(cut_files_are_found),
        TEST(foreign_keys_do_not_verify),
        TEST(mixed_signatures_do_not_verify),
        TEST(revoked_and_retired_keys),
        TEST(sealed_before_the_key_was_made),
        TEST(trimmed_clips_verify),
        TEST(a_part_with_another_codec_first_verifies),
        TEST(frames_left_out_of_a_trimmed_clip_are_named),
        TEST(files_in_any_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
