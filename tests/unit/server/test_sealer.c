// SPDX-License-Identifier: Apache-2.0
/* Sealing what was recorded: with the recorder's log, without, and against it. */
#include "server/sealer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/digest.h"
#include "base/er.h"
#include "base/json.h"
#include "base/str.h"
#include "media/framelog.h"
#include "server/seal/durable.h"
#include "server/seal/verify_files.h"
#include "tests/unit/support/matroska_make.h"
#include "tests/unit/support/scratch.h"

struct scene {
    struct scratch scratch;
    struct entropy_seeded random;
    struct entropy entropy;
    struct sealer *sealer;
    struct id clip;
    char path[160];
    char *log;
    size_t log_len;
};

static void put(struct scene *s, const char *name, const struct matroska_make *m)
{
    scratch_write(&s->scratch, name, m->bytes, m->len);
}

static int setup(void **state)
{
    static struct scene s;
    struct matroska_make m;
    memset(&s, 0, sizeof s);
    scratch_make(&s.scratch);
    s.entropy = entropy_seeded_init(&s.random, 5);
    const struct sealer_config config = {
        .keys = s.scratch.folder, .unix_us = 1790000000000000u, .entropy = s.entropy};
    assert_int_equal(sealer_new(&s.sealer, &config), 0);
    s.clip = id_make(1790000000000000u, &s.entropy);
    (void)snprintf(s.path, sizeof s.path, "%s", scratch_path(&s.scratch, "a"));
    matroska_make_clip(&m, 0, 1500);
    put(&s, "a.webm", &m);
    matroska_make_free(&m);
    matroska_make_voices(&m, 1500);
    put(&s, "a.voices.mka", &m);
    matroska_make_free(&m);
    *state = &s;
    return 0;
}

static int teardown(void **state)
{
    struct scene *s = *state;
    sealer_free(s->sealer);
    free(s->log);
    scratch_remove(&s->scratch);
    return 0;
}

static int seal_hashed(struct scene *s, struct sealer_hashes *ret)
{
    json_t *facts = json_pack("{s:s}", "publisher", "bo");
    int er = sealer_seal(s->sealer, &s->clip, s->path, facts, 1790000001000000u, ret);
    json_decref(facts);
    return er;
}

static int seal(struct scene *s)
{
    struct sealer_hashes hashes;
    return seal_hashed(s, &hashes);
}

/** The seal's member; the manifest is to be cleared. */
static const json_t *sealed(struct scene *s, const char *member, struct manifest *m)
{
    const char *why;
    size_t len;
    char *text = (char *)scratch_read(&s->scratch, "a.manifest.json", &len);
    assert_int_equal(manifest_read(text, len, m, &why), 0);
    free(text);
    return json_object_get(m->seal, member);
}

static void log_line(struct scene *s, const struct framelog_record *r)
{
    char line[FRAMELOG_LINE_BYTES + 1];
    int len = framelog_write(line, sizeof line, r);
    assert_true(len > 0);
    s->log = realloc(s->log, s->log_len + (size_t)len + 1);
    memcpy(s->log + s->log_len, line, (size_t)len + 1);
    s->log_len += (size_t)len;
}

static void log_track(struct scene *s, uint32_t track, enum framelog_track_kind kind)
{
    struct framelog_record r = {.type = FRAMELOG_TRACK, .track = track, .kind = kind};
    (void)snprintf(r.codec, sizeof r.codec, "%s", kind == FRAMELOG_VIDEO ? "VP8" : "opus");
    (void)snprintf(r.text, sizeof r.text, "speaker-%u", track);
    log_line(s, &r);
}

static void log_frames(struct scene *s, const char *name)
{
    struct matroska_file f;
    assert_int_equal(matroska_read_path(NULL, scratch_path(&s->scratch, name), &f), 0);
    for (size_t i = 0; i < f.frame_count; i++) {
        struct framelog_record r = {.type = FRAMELOG_FRAME,
                                    .track = f.frames[i].track,
                                    .at_ms = f.frames[i].at_ms,
                                    .key = f.frames[i].key,
                                    .len = f.frames[i].len};
        memcpy(r.sha256, f.frames[i].hash.bytes, sizeof r.sha256);
        log_line(s, &r);
    }
    matroska_clear(&f);
}

static void log_begin(struct scene *s)
{
    log_line(s, &(struct framelog_record){.type = FRAMELOG_HEAD, .unix_us = 1790000000000000u});
    log_track(s, 1, FRAMELOG_VIDEO);
    log_track(s, 2, FRAMELOG_MIX);
    log_track(s, 16, FRAMELOG_VOICE);
    log_track(s, 17, FRAMELOG_VOICE);
    log_frames(s, "a.webm");
    log_frames(s, "a.voices.mka");
}

static void log_save(struct scene *s)
{
    scratch_write(&s->scratch, "a.framelog", (const uint8_t *)s->log, s->log_len);
}

/** All that goes into it is known: its bytes are what they have always been. */
static void the_same_clip_gives_the_same_manifest(void **state)
{
    struct scene *s = *state;
    struct sealer_hashes hashes;
    assert_int_equal(seal_hashed(s, &hashes), 0);
    assert_string_equal(hashes.manifest,
                        "0e2ba4a00e1251ea24335a524d365b939e7525c405aa4381306b7435e3cbdae3");
}

static void the_hashes_are_those_of_the_files(void **state)
{
    struct scene *s = *state;
    struct sealer_hashes hashes;
    assert_int_equal(seal_hashed(s, &hashes), 0);
    const struct {
        const char *name, *told;
    } files[] = {{"a.webm", hashes.media}, {"a.manifest.json", hashes.manifest}};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        size_t len;
        uint8_t *bytes = scratch_read(&s->scratch, files[i].name, &len), hash[DIGEST_BYTES];
        char text[SEALER_HASH_BYTES];
        digest_sha256(bytes, len, hash);
        free(bytes);
        hex_encode(text, hash, sizeof hash);
        assert_string_equal(files[i].told, text);
    }
}

static void seals_without_a_log(void **state)
{
    struct scene *s = *state;
    struct manifest m;
    assert_int_equal(seal(s), 0);
    assert_null(sealed(s, "take", &m));
    assert_int_equal(m.voice_count, 2);
    manifest_clear(&m);
    assert_int_equal(unlink(scratch_path(&s->scratch, "a.voices.mka")), 0);
    assert_int_equal(seal(s), 0);
    (void)sealed(s, "take", &m);
    assert_int_equal(m.voice_count, 0);
    manifest_clear(&m);
    assert_int_equal(unlink(scratch_path(&s->scratch, "a.webm")), 0);
    assert_int_equal(seal(s), ER_NOT_FOUND);
}

static void an_unbroken_take_is_certified(void **state)
{
    struct scene *s = *state;
    struct manifest m;
    log_begin(s);
    log_line(s, &(struct framelog_record){
                    .type = FRAMELOG_GAP, .at_ms = 400, .to_ms = 900, .packets = 3, .frames = 2});
    log_line(s, &(struct framelog_record){.type = FRAMELOG_END, .at_ms = 1500});
    log_save(s);
    assert_int_equal(seal(s), 0);
    const json_t *take = sealed(s, "take", &m);
    assert_true(json_is_true(json_object_get(take, "continuous")));
    assert_int_equal(json_integer_value(json_object_get(take, "to_ms")), 1500);
    const json_t *recorder = json_object_get(m.seal, "recorder");
    assert_int_equal(json_integer_value(json_object_get(recorder, "frames")), m.frame_count);
    assert_int_equal(json_integer_value(json_object_get(recorder, "only_in_files")), 0);
    assert_int_equal(json_array_size(json_object_get(m.seal, "gaps")), 1);
    assert_int_equal(json_array_size(json_object_get(m.seal, "speakers")), 2);
    manifest_clear(&m);
}

static void breaks_are_listed(void **state)
{
    struct scene *s = *state;
    struct manifest m;
    log_begin(s);
    log_line(s, &(struct framelog_record){
                    .type = FRAMELOG_GAP, .at_ms = 400, .to_ms = 901, .packets = 3, .frames = 2});
    log_line(s, &(struct framelog_record){
                    .type = FRAMELOG_MARK, .at_ms = 950, .mark = FRAMELOG_COVERED});
    log_line(s, &(struct framelog_record){
                    .type = FRAMELOG_MARK, .at_ms = 960, .mark = FRAMELOG_ENCODING});
    log_line(s, &(struct framelog_record){.type = FRAMELOG_END, .at_ms = 1500});
    log_save(s);
    assert_int_equal(seal(s), 0);
    const json_t *take = sealed(s, "take", &m), *breaks = json_object_get(take, "breaks");
    assert_true(json_is_false(json_object_get(take, "continuous")));
    assert_int_equal(json_array_size(breaks), 2);
    assert_string_equal(json_string_value(json_object_get(json_array_get(breaks, 1), "kind")),
                        "covered");
    manifest_clear(&m);
}

static void a_log_that_was_cut_is_no_certificate(void **state)
{
    struct scene *s = *state;
    struct manifest m;
    log_begin(s);
    s->log_len -= 10; /* within the last line */
    log_save(s);
    assert_int_equal(seal(s), 0);
    const json_t *take = sealed(s, "take", &m);
    assert_true(json_is_false(json_object_get(take, "continuous")));
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(m.seal, "recorder"), "only_in_files")),
        1);
    manifest_clear(&m);
}

static void a_file_that_is_not_what_was_recorded_is_not_sealed(void **state)
{
    struct scene *s = *state;
    size_t len;
    log_begin(s);
    log_save(s);
    uint8_t *media = scratch_read(&s->scratch, "a.webm", &len);
    media[len / 2] ^= 1;
    scratch_write(&s->scratch, "a.webm", media, len);
    free(media);
    assert_int_equal(seal(s), ER_UNAUTHENTIC);
    assert_false(scratch_exists(&s->scratch, "a.manifest.json"));
}

static void a_rotated_key_seals_the_next_clip(void **state)
{
    struct scene *s = *state;
    struct manifest m;
    struct keys *keys;
    assert_int_equal(keys_open(&keys, s->scratch.folder, &s->entropy, 1), 0);
    assert_int_equal(keys_rotate(keys, &s->entropy, 1790000000500000u), 0);
    assert_int_equal(seal(s), 0);
    (void)sealed(s, "key", &m);
    assert_string_equal(m.key.kid, keys_active(keys)->kid);
    keys_free(keys);
    manifest_clear(&m);
}

/** It was asked for before: the seal may not be older than its key. */
static void a_key_made_meanwhile_seals_too(void **state)
{
    struct scene *s = *state;
    char path[200], manifest[200];
    const char *const paths[] = {path, manifest};
    struct keys *keys;
    struct report r;
    assert_int_equal(keys_open(&keys, s->scratch.folder, &s->entropy, 1), 0);
    assert_int_equal(keys_rotate(keys, &s->entropy, 1790000009000000u), 0);
    assert_int_equal(seal(s), 0);
    struct verify_trust trust = {.keys = keys};
    (void)snprintf(path, sizeof path, "%s.webm", s->path);
    (void)snprintf(manifest, sizeof manifest, "%s.manifest.json", s->path);
    assert_int_equal(report_init(&r), 0);
    verify_files(&r, &trust, paths, 2);
    assert_int_equal(report_verdict(&r), REPORT_VERIFIES);
    report_clear(&r);
    keys_free(keys);
}

static void finds_where_a_part_can_begin(void **state)
{
    struct scene *s = *state;
    static const uint64_t cases[][4] = {
        {0, 500, 0, 500}, {999, 1001, 0, 1001}, {1000, 1400, 1000, 1400}, {1200, 9000, 1000, 1481}};
    uint64_t from, to;
    assert_int_equal(seal(s), 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        from = cases[i][0];
        to = cases[i][1];
        assert_int_equal(sealer_find_cut(s->path, &from, &to), 0);
        assert_int_equal(from, cases[i][2]);
        assert_int_equal(to, cases[i][3]);
    }
    from = 1500;
    to = 1600;
    assert_int_equal(sealer_find_cut(s->path, &from, &to), ER_INVALID);
    assert_int_equal(sealer_find_cut("/nowhere", &from, &to), ER_NOT_FOUND);
}

static void signs_other_documents(void **state)
{
    struct scene *s = *state;
    char *text;
    size_t len;
    uint8_t signature[KEYS_SIGNATURE_BYTES];
    struct key key;
    assert_int_equal(sealer_sign(s->sealer, "loupe-still-1", json_pack("{s:i}", "a", 1),
                                 1790000002000000u, &text, &len),
                     0);
    json_t *document = json_loads(text, 0, NULL);
    const char *hex = json_string_value(json_object_get(document, "signature"));
    assert_int_equal(hex_decode(signature, sizeof signature, span_of(hex)), 0);
    assert_int_equal(keys_from_jwk(json_object_get(document, "key"), &key), 0);
    json_object_del(document, "signature");
    char *canonical = json_canonical(document);
    assert_int_equal(
        keys_check(key.public, "loupe-still-1", canonical, strlen(canonical), signature), 0);
    free(canonical);
    free(text);
    json_decref(document);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_same_clip_gives_the_same_manifest),
        TEST(the_hashes_are_those_of_the_files),
        TEST(seals_without_a_log),
        TEST(an_unbroken_take_is_certified),
        TEST(breaks_are_listed),
        TEST(a_log_that_was_cut_is_no_certificate),
        TEST(a_file_that_is_not_what_was_recorded_is_not_sealed),
        TEST(a_rotated_key_seals_the_next_clip),
        TEST(a_key_made_meanwhile_seals_too),
        TEST(finds_where_a_part_can_begin),
        TEST(signs_other_documents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
