// SPDX-License-Identifier: Apache-2.0
/* Certificates as they are fetched: those that hold, those that were revoked or changed, and what they go by. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "server/seal/verify_case.h"
#include "server/seal/verify_files.h"
#include "tests/unit/support/sealed_clip.h"

struct scene {
    struct sealed_clip clip; /* that the certificate goes by */
    char *text;
    size_t len;
};

static void certify(struct scene *s, const char *state)
{
    struct merkle_hash hash;
    char hex[65];
    struct manifest_signer signer = {.keys = s->clip.keys, .unix_us = SEALED_CLIP_US};
    assert_int_equal(merkle_sha256(s->clip.media.bytes, s->clip.media.len, &hash), 0);
    hex_encode(hex, hash.bytes, sizeof hash.bytes);
    json_t *o = json_pack("{s:i,s:s,s:s,s:s,s:s,s:s,s:s,s:[{s:s,s:[{s:s,s:s}]}]}", "appraisers", 1,
                          "format", VERIFY_CERTIFICATE_FORMAT, "number", "LC-1", "merchant", "Hats",
                          "verdict", "genuine", "signed_at", "2026-09-21T14:13:20.000Z", "state",
                          state, "points", "id", "label", "evidence", "object", "clip", "sha256",
                          hex);
    assert_non_null(o);
    if (strcmp(state, "revoked") == 0) {
        (void)json_object_set_new(o, "reason", json_string("fraud"));
        (void)json_object_set_new(o, "revoked_at", json_string("2026-09-21T14:00:00.000Z"));
    }
    free(s->text);
    assert_int_equal(manifest_sign(&signer, VERIFY_CERTIFICATE_CONTEXT, o, &s->text, &s->len), 0);
}

static int setup(void **state)
{
    static struct scene s;
    memset(&s, 0, sizeof s);
    sealed_clip_make(&s.clip);
    certify(&s, "valid");
    scratch_write(&s.clip.scratch, "c.webm", s.clip.media.bytes, s.clip.media.len);
    scratch_write(&s.clip.scratch, "v.mka", s.clip.voices.bytes, s.clip.voices.len);
    scratch_write(&s.clip.scratch, "m.json", (const uint8_t *)s.clip.manifest, s.clip.manifest_len);
    *state = &s;
    return 0;
}

static int teardown(void **state)
{
    struct scene *s = *state;
    free(s->text);
    sealed_clip_free(&s->clip);
    return 0;
}

/** The certificate, with `other` where that is not NULL. */
static void verify(struct scene *s, const char *other, const struct keys *keys, struct report *ret)
{
    char paths[2][160];
    const char *given[2] = {paths[0], paths[1]};
    scratch_write(&s->clip.scratch, "certificate.json", (const uint8_t *)s->text, s->len);
    (void)snprintf(paths[0], sizeof paths[0], "%s",
                   scratch_path(&s->clip.scratch, "certificate.json"));
    if (other)
        (void)snprintf(paths[1], sizeof paths[1], "%s", scratch_path(&s->clip.scratch, other));
    struct verify_trust trust = {.keys = keys};
    assert_int_equal(report_init(ret), 0);
    verify_files(ret, &trust, given, other ? 2 : 1);
}

static void comes_to(struct scene *s, const char *other, enum report_verdict want, const char *says)
{
    struct report r;
    verify(s, other, s->clip.keys, &r);
    assert_int_equal(report_verdict(&r), want);
    assert_true(report_has(&r, want == REPORT_CANNOT_TELL ? "file" : "certificate", says));
    report_clear(&r);
}

static void it_verifies_by_itself(void **state)
{
    struct scene *s = *state;
    struct report r;
    comes_to(s, NULL, REPORT_VERIFIES, "LC-1 of Hats says genuine; it was not revoked at 2026-");
    verify(s, NULL, NULL, &r);
    assert_int_equal(report_verdict(&r), REPORT_CANNOT_TELL); /* who signed? */
    report_clear(&r);
}

static void one_that_was_revoked_does_not(void **state)
{
    struct scene *s = *state;
    certify(s, "revoked");
    comes_to(s, NULL, REPORT_WRONG, "was revoked at 2026-09-21T14:00:00.000Z: fraud");
    certify(s, "splendid");
    comes_to(s, NULL, REPORT_WRONG, "it does not say");
}

static void what_it_goes_by_is_told_from_what_it_does_not(void **state)
{
    struct scene *s = *state;
    comes_to(s, "c.webm", REPORT_VERIFIES, "it goes by this file for the point label");
    comes_to(s, "v.mka", REPORT_WRONG, "it does not go by this file");
    comes_to(s, "m.json", REPORT_CANNOT_TELL, "one certificate, and stills and clips");
}

static void every_changed_byte_is_found(void **state)
{
    struct scene *s = *state;
    struct report r;
    for (size_t i = 0; i < s->len; i++) {
        s->text[i] ^= 1;
        verify(s, NULL, s->clip.keys, &r);
        assert_int_not_equal(report_verdict(&r), REPORT_VERIFIES);
        report_clear(&r);
        s->text[i] ^= 1;
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(it_verifies_by_itself),
        TEST(one_that_was_revoked_does_not),
        TEST(what_it_goes_by_is_told_from_what_it_does_not),
        TEST(every_changed_byte_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
