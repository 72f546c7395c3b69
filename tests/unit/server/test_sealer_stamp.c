// SPDX-License-Identifier: Apache-2.0
/* A time stamp for a clip that is sealed: asked for once, kept, and put in its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/str.h"
#include "server/seal/durable.h"
#include "server/seal/manifest.h"
#include "server/seal/verify_files.h"
#include "server/sealer.h"
#include "tests/unit/support/authority.h"
#include "tests/unit/support/matroska_make.h"
#include "tests/unit/support/scratch.h"

#define T0 UINT64_C(1790000000000000)

struct scene {
    struct scratch scratch;
    struct entropy_seeded random;
    struct entropy entropy;
    struct authority authority;
    struct sealer *sealer;
    struct sealer_stamped stamped;
    struct sealer_hashes hashes;
    char path[160], ca[160];
};

static int setup(void **state)
{
    static struct scene s;
    struct matroska_make m;
    memset(&s, 0, sizeof s);
    scratch_make(&s.scratch);
    s.entropy = entropy_seeded_init(&s.random, 5);
    (void)snprintf(s.ca, sizeof s.ca, "%s", scratch_path(&s.scratch, "ca.pem"));
    authority_make(&s.authority, s.ca);
    const struct sealer_config config = {.keys = s.scratch.folder,
                                         .unix_us = T0,
                                         .entropy = s.entropy,
                                         .stamp = authority_stamp,
                                         .stamp_ctx = &s.authority};
    assert_int_equal(sealer_new(&s.sealer, &config), 0);
    assert_true(sealer_stamps(s.sealer));
    struct id clip = id_make(T0, &s.entropy);
    (void)snprintf(s.path, sizeof s.path, "%s", scratch_path(&s.scratch, "a"));
    matroska_make_clip(&m, 0, 1500);
    scratch_write(&s.scratch, "a.webm", m.bytes, m.len);
    matroska_make_free(&m);
    json_t *facts = json_pack("{s:s}", "publisher", "bo");
    assert_int_equal(sealer_seal(s.sealer, &clip, s.path, facts, T0 + 1000000, &s.hashes), 0);
    assert_int_equal(s.authority.asked, 0); /* sealing waits for nobody */
    json_decref(facts);
    *state = &s;
    return 0;
}

static int teardown(void **state)
{
    struct scene *s = *state;
    sealer_free(s->sealer);
    authority_free(&s->authority);
    free(s->stamped.text);
    scratch_remove(&s->scratch);
    return 0;
}

static int get(struct scene *s, bool ask)
{
    free(s->stamped.text);
    return sealer_stamp_get(s->sealer, s->path, s->hashes.manifest, ask, T0 + 9000000, &s->stamped);
}

static void verifies(struct scene *s, bool stamped)
{
    char media[200], manifest[200];
    const char *const paths[] = {media, manifest};
    struct keys *keys;
    struct report r;
    (void)snprintf(media, sizeof media, "%s.webm", s->path);
    (void)snprintf(manifest, sizeof manifest, "%s.manifest.json", s->path);
    assert_int_equal(keys_open(&keys, s->scratch.folder, &s->entropy, T0), 0);
    struct verify_trust trust = {.keys = keys};
    assert_int_equal(report_init(&r), 0);
    verify_files(&r, &trust, paths, 2);
    assert_int_equal(report_verdict(&r), REPORT_VERIFIES);
    assert_int_equal(json_array_size(r.findings), stamped); /* that it says so */
    report_clear(&r);
    keys_free(keys);
}

static void is_had_when_the_authority_is_there(void **state)
{
    struct scene *s = *state;
    s->authority.down = true;
    assert_int_equal(get(s, true), ER_AGAIN);
    assert_null(s->stamped.text);
    verifies(s, false);
    s->authority.down = false;
    assert_int_equal(get(s, true), 0);
    assert_int_equal(sealer_stamp_keep(s->path, &s->stamped), 0);
    verifies(s, false);
    assert_int_equal(sealer_stamp_put(s->path), 0);
    verifies(s, true);
    assert_false(scratch_exists(&s->scratch, "a.manifest.json.stamped"));
    assert_int_equal(get(s, true), ER_STALE);
}

/** As a process finds it that starts after one that died. */
static void what_was_kept_is_not_asked_for_again(void **state)
{
    struct scene *s = *state;
    char hash[SEALER_HASH_BYTES];
    assert_int_equal(get(s, true), 0);
    assert_int_equal(sealer_stamp_keep(s->path, &s->stamped), 0);
    memcpy(hash, s->stamped.sha256, sizeof hash);
    s->authority.down = true;
    assert_int_equal(get(s, false), 0);
    assert_string_equal(s->stamped.sha256, hash);
    assert_int_equal(s->authority.asked, 1);
    /* But half a file, or one of another manifest, is nothing. */
    scratch_write(&s->scratch, "a.manifest.json.stamped", (const uint8_t *)s->stamped.text,
                  s->stamped.len / 2);
    assert_int_equal(get(s, true), ER_AGAIN);
    assert_int_equal(get(s, false), ER_AGAIN);
    assert_int_equal(s->authority.asked, 2);
}

/** The file with a member of it changed, beside the sealed one. */
static void keep_with(struct scene *s, const char *member, json_t *value)
{
    json_t *document = json_loadb(s->stamped.text, s->stamped.len, 0, NULL);
    assert_int_equal(json_object_set_new(document, member, value), 0);
    char *text = json_dumps(document, JSON_SORT_KEYS | JSON_COMPACT);
    scratch_write(&s->scratch, "a.manifest.json.stamped", (const uint8_t *)text, strlen(text));
    free(text);
    json_decref(document);
}

/** Signed, with a stamp that is of something else. */
static void keep_with_stamp_of(struct scene *s, const char *token)
{
    char *text;
    size_t len;
    struct manifest m;
    const char *why;
    struct keys *keys;
    char sealed[200];
    (void)snprintf(sealed, sizeof sealed, "%s.manifest.json", s->path);
    assert_int_equal(durable_read(sealed, 1 << 20, &text, &len), 0);
    assert_int_equal(manifest_read(text, len, &m, &why), 0);
    free(text);
    assert_int_equal(keys_open(&keys, s->scratch.folder, &s->entropy, T0), 0);
    const struct manifest_signer signer = {.keys = keys, .unix_us = T0 + 2000000};
    assert_int_equal(manifest_stamp(&signer, &m, token, &text, &len), 0);
    scratch_write(&s->scratch, "a.manifest.json.stamped", (const uint8_t *)text, len);
    keys_free(keys);
    manifest_clear(&m);
    free(text);
}

static void what_was_kept_is_checked(void **state)
{
    struct scene *s = *state;
    const struct merkle_hash other = {{7}};
    char *token;
    assert_int_equal(get(s, true), 0);
    assert_int_equal(authority_stamp(&s->authority, &other, &token), 0);
    keep_with(s, "signature",
              json_string("00112233445566778899aabbccddeeff00112233445566778899aabb"
                          "ccddeeff00112233445566778899aabbccddeeff001122334455667"
                          "78899aabbccddeeff"));
    assert_int_equal(get(s, false), ER_AGAIN); /* as if it were not there */
    assert_int_equal(get(s, true), 0);
    keep_with(s, "timestamp", json_string(token));
    assert_int_equal(get(s, false), ER_AGAIN);
    keep_with_stamp_of(s, token);
    assert_int_equal(get(s, false), ER_AGAIN);
    free(token);
    assert_int_equal(get(s, true), 0);
    assert_int_equal(sealer_stamp_keep(s->path, &s->stamped), 0);
    assert_int_equal(get(s, false), 0);
}

/** The key signs nothing that took the sealed manifest's place. */
static void only_what_was_sealed_is_stamped(void **state)
{
    struct scene *s = *state;
    assert_int_equal(get(s, true), 0);
    assert_int_equal(sealer_stamp_keep(s->path, &s->stamped), 0);
    unsigned asked = s->authority.asked;
    s->hashes.manifest[5] = s->hashes.manifest[5] == 'a' ? 'b' : 'a';
    assert_int_equal(get(s, true), ER_MALFORMED);
    assert_null(s->stamped.text);
    s->hashes.manifest[0] = '\0'; /* none was sealed */
    assert_int_equal(get(s, true), ER_MALFORMED);
    assert_int_equal(s->authority.asked, asked);
}

static void without_a_manifest_there_is_nothing_to_stamp(void **state)
{
    struct scene *s = *state;
    assert_int_equal(get(s, true), 0);
    assert_int_equal(unlink(scratch_path(&s->scratch, "a.manifest.json")), 0);
    assert_int_equal(sealer_stamp_keep(s->path, &s->stamped), ER_NOT_FOUND);
    assert_false(scratch_exists(&s->scratch, "a.manifest.json.stamped"));
    assert_int_equal(get(s, true), ER_NOT_FOUND);
    scratch_write(&s->scratch, "a.manifest.json", (const uint8_t *)"{}", 2);
    assert_int_equal(get(s, true), ER_MALFORMED);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(is_had_when_the_authority_is_there),
        TEST(what_was_kept_is_not_asked_for_again),
        TEST(what_was_kept_is_checked),
        TEST(only_what_was_sealed_is_stamped),
        TEST(without_a_manifest_there_is_nothing_to_stamp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
