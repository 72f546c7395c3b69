// SPDX-License-Identifier: Apache-2.0
/* Tombstones by themselves, and with what was kept of what they are of; those that were changed. */
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
    struct sealed_clip clip;
    char *text;
    size_t len;
};

static void write_tombstone(struct scene *s, const char *deleted_by)
{
    struct merkle_hash hash;
    char hex[65];
    struct manifest_signer signer = {.keys = s->clip.keys, .unix_us = SEALED_CLIP_US};
    assert_int_equal(merkle_sha256(s->clip.manifest, s->clip.manifest_len, &hash), 0);
    hex_encode(hex, hash.bytes, sizeof hash.bytes);
    json_t *o = json_pack("{s:s,s:s,s:{s:s,s:s,s:s,s:s,s:s?,s:s}}", "format",
                          VERIFY_TOMBSTONE_FORMAT, "signed_at", "2026-09-21T14:13:20.000Z",
                          "tombstone", "object", "clip", "id", SEALED_CLIP_ID, "reason",
                          "asked for", "deleted_at", "2026-09-21T14:13:20.000Z", "deleted_by",
                          deleted_by, "manifest_sha256", hex);
    assert_non_null(o);
    free(s->text);
    assert_int_equal(manifest_sign(&signer, VERIFY_TOMBSTONE_CONTEXT, o, &s->text, &s->len), 0);
}

static int setup(void **state)
{
    static struct scene s;
    memset(&s, 0, sizeof s);
    sealed_clip_make(&s.clip);
    write_tombstone(&s, "shop");
    scratch_write(&s.clip.scratch, "m.json", (const uint8_t *)s.clip.manifest, s.clip.manifest_len);
    scratch_write(&s.clip.scratch, "c.webm", s.clip.media.bytes, s.clip.media.len);
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

static void verify(struct scene *s, size_t count, const struct keys *keys, struct report *ret)
{
    static const char *const names[] = {"t.json", "m.json", "c.webm"};
    char paths[3][160];
    const char *given[3];
    scratch_write(&s->clip.scratch, "t.json", (const uint8_t *)s->text, s->len);
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(paths[i], sizeof paths[i], "%s", scratch_path(&s->clip.scratch, names[i]));
        given[i] = paths[i];
    }
    struct verify_trust trust = {.keys = keys};
    assert_int_equal(report_init(ret), 0);
    verify_files(ret, &trust, given, count);
}

static void it_verifies_and_says_what_went(void **state)
{
    struct scene *s = *state;
    struct report r;
    for (size_t count = 1; count <= 3; count++) {
        verify(s, count, s->clip.keys, &r);
        assert_int_equal(report_verdict(&r), REPORT_VERIFIES);
        assert_true(report_has(&r, "tombstone", "deleted at 2026-09-21T14:13:20.000Z by shop: "));
        report_clear(&r);
    }
    verify(s, 1, NULL, &r);
    assert_int_equal(report_verdict(&r), REPORT_CANNOT_TELL);
    report_clear(&r);
}

static void every_changed_byte_is_found(void **state)
{
    struct scene *s = *state;
    struct report r;
    for (size_t i = 0; i < s->len; i++) {
        s->text[i] ^= 1;
        verify(s, 1, s->clip.keys, &r);
        assert_int_not_equal(report_verdict(&r), REPORT_VERIFIES);
        report_clear(&r);
        s->text[i] ^= 1;
    }
}

static void a_manifest_of_something_else_is_not_its(void **state)
{
    struct scene *s = *state;
    struct report r;
    s->clip.manifest[s->clip.manifest_len / 2] ^= 1;
    scratch_write(&s->clip.scratch, "m.json", (const uint8_t *)s->clip.manifest,
                  s->clip.manifest_len);
    verify(s, 2, s->clip.keys, &r);
    assert_true(report_has(&r, "tombstone", "not what was given with it"));
    report_clear(&r);
}

static void it_must_say_who(void **state)
{
    struct scene *s = *state;
    struct report r;
    write_tombstone(s, NULL);
    verify(s, 1, s->clip.keys, &r);
    assert_int_equal(report_verdict(&r), REPORT_WRONG);
    report_clear(&r);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_verifies_and_says_what_went),
        TEST(every_changed_byte_is_found),
        TEST(a_manifest_of_something_else_is_not_its),
        TEST(it_must_say_who),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
