// SPDX-License-Identifier: Apache-2.0
/* Manifests that got their time stamp later: they verify, say what they were, and let nothing else in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/json.h"
#include "server/seal/verify.h"
#include "tests/unit/support/authority.h"
#include "tests/unit/support/sealed_clip.h"

struct scene {
    struct sealed_clip c;
    struct authority authority;
    char ca[160];
    char *text; /* the stamped manifest */
    size_t len;
};

static int stamp(struct scene *s, const char *from, size_t from_len)
{
    struct manifest m;
    struct merkle_hash hash;
    const char *why;
    char *token;
    struct manifest_signer signer = {.keys = s->c.keys, .unix_us = SEALED_CLIP_US + 60000000};
    assert_int_equal(manifest_read(from, from_len, &m, &why), 0);
    assert_int_equal(manifest_stamp_hash(&m, &hash), 0);
    assert_int_equal(authority_stamp(&s->authority, &hash, &token), 0);
    int er = manifest_stamp(&signer, &m, token, &s->text, &s->len);
    free(token);
    manifest_clear(&m);
    return er;
}

static int setup(void **state)
{
    static struct scene s;
    memset(&s, 0, sizeof s);
    sealed_clip_make(&s.c);
    (void)snprintf(s.ca, sizeof s.ca, "%s", scratch_path(&s.c.scratch, "ca.pem"));
    authority_make(&s.authority, s.ca);
    *state = &s;
    return 0;
}

static int teardown(void **state)
{
    struct scene *s = *state;
    authority_free(&s->authority);
    sealed_clip_free(&s->c);
    free(s->text);
    return 0;
}

static void check(struct scene *s, const char *text, struct report *ret)
{
    struct verify_trust trust = {.keys = s->c.keys, .authority_path = s->ca};
    struct manifest m = {0};
    assert_int_equal(report_init(ret), 0);
    (void)verify_manifest(ret, &trust, text, strlen(text), &m);
    manifest_clear(&m);
}

static void it_verifies_and_tells_what_it_was(void **state)
{
    struct scene *s = *state;
    struct report r;
    struct manifest m;
    struct merkle_hash was, hash;
    const char *why;
    assert_int_equal(stamp(s, s->c.manifest, s->c.manifest_len), 0);
    check(s, s->text, &r);
    assert_int_equal(json_array_size(r.findings), 0);
    report_clear(&r);
    assert_int_equal(manifest_read(s->text, s->len, &m, &why), 0);
    assert_int_equal(manifest_sealed_hash(&m, &was), 0);
    assert_int_equal(merkle_sha256(s->c.manifest, s->c.manifest_len, &hash), 0);
    assert_true(merkle_equal(&was, &hash));
    manifest_clear(&m);
    assert_int_equal(stamp(s, s->text, s->len), ER_STALE);
}

static void one_without_a_stamp_is_as_it_was_sealed(void **state)
{
    struct scene *s = *state;
    struct manifest m;
    struct merkle_hash was, hash;
    const char *why;
    assert_int_equal(manifest_read(s->c.manifest, s->c.manifest_len, &m, &why), 0);
    assert_null(m.stamped);
    assert_int_equal(manifest_sealed_hash(&m, &was), 0);
    assert_int_equal(merkle_sha256(s->c.manifest, s->c.manifest_len, &hash), 0);
    assert_true(merkle_equal(&was, &hash));
    manifest_clear(&m);
}

/** The key that sealed is gone: another one may stamp, but seal nothing in its name. */
static void a_rotated_key_may_stamp(void **state)
{
    struct scene *s = *state;
    struct report r;
    assert_int_equal(keys_rotate(s->c.keys, &s->c.entropy, SEALED_CLIP_US + 1000), 0);
    assert_int_equal(stamp(s, s->c.manifest, s->c.manifest_len), 0);
    check(s, s->text, &r);
    assert_int_equal(json_array_size(r.findings), 0);
    report_clear(&r);
    json_t *document = json_loads(s->text, 0, NULL);
    struct manifest_signer signer = {.keys = s->c.keys, .unix_us = SEALED_CLIP_US + 60000000};
    json_object_del(document, "stamped");
    json_object_del(document, "signature");
    char *text;
    size_t len;
    assert_int_equal(manifest_finish(&signer, document, NULL, &text, &len), 0);
    check(s, text, &r);
    assert_true(report_has(&r, "key", "by another key than its seal"));
    report_clear(&r);
    free(text);
}

/** Whoever has a good key puts something else in than a stamp. */
static void another_body_is_found(void **state)
{
    struct scene *s = *state;
    struct report r;
    char *text;
    size_t len;
    assert_int_equal(stamp(s, s->c.manifest, s->c.manifest_len), 0);
    json_t *document = json_loads(s->text, 0, NULL);
    struct manifest_signer signer = {.keys = s->c.keys, .unix_us = SEALED_CLIP_US + 60000000};
    json_object_set_new(document, "note", json_string("of another bag"));
    json_object_del(document, "signature");
    assert_int_equal(manifest_finish(&signer, document, NULL, &text, &len), 0);
    check(s, text, &r);
    assert_int_equal(report_verdict(&r), REPORT_WRONG);
    assert_true(report_has(&r, "signature", "something else than the stamp"));
    report_clear(&r);
    free(text);
}

static void a_malformed_history_is_not_read(void **state)
{
    static const char *const bad[] = {
        "{}", "[]", "{\"at\":\"2026-01-01T00:00:00.000Z\",\"key\":{},\"signature\":\"00\"}"};
    struct scene *s = *state;
    struct manifest m;
    const char *why;
    assert_int_equal(stamp(s, s->c.manifest, s->c.manifest_len), 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0] + 1; i++) {
        json_t *document = json_loads(s->text, 0, NULL);
        if (i < sizeof bad / sizeof bad[0])
            json_object_set_new(document, "stamped", json_loads(bad[i], 0, NULL));
        else
            json_object_del(document, "timestamp");
        char *text = json_canonical(document);
        json_decref(document);
        assert_int_equal(manifest_read(text, strlen(text), &m, &why), ER_MALFORMED);
        manifest_clear(&m);
        free(text);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_verifies_and_tells_what_it_was), TEST(one_without_a_stamp_is_as_it_was_sealed),
        TEST(a_rotated_key_may_stamp),           TEST(another_body_is_found),
        TEST(a_malformed_history_is_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
