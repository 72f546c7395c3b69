// SPDX-License-Identifier: Apache-2.0
/* What a tombstone says of a clip and of a still, and what it does not. */
#include "server/tombstone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "tests/unit/support/scratch.h"

#define T0 UINT64_C(1795298400000000) /* 2026-11-21T22:00:00Z */

struct scene {
    struct scratch scratch;
    struct entropy_seeded random;
    struct entropy entropy;
    struct sealer *sealer;
    char path[128];
};

static int setup(void **state)
{
    static struct scene s;
    memset(&s, 0, sizeof s);
    scratch_make(&s.scratch);
    s.entropy = entropy_seeded_init(&s.random, 5);
    const struct sealer_config config = {
        .keys = s.scratch.folder, .unix_us = T0, .entropy = s.entropy};
    assert_int_equal(sealer_new(&s.sealer, &config), 0);
    (void)snprintf(s.path, sizeof s.path, "%s", scratch_path(&s.scratch, "a"));
    *state = &s;
    return 0;
}

static int teardown(void **state)
{
    struct scene *s = *state;
    sealer_free(s->sealer);
    scratch_remove(&s->scratch);
    return 0;
}

static void put(struct scene *s, const char *name, const char *text)
{
    scratch_write(&s->scratch, name, (const uint8_t *)text, strlen(text));
}

/** Its text without key and signature; to be let go. */
static json_t *made(struct scene *s, json_t *facts)
{
    const struct tombstone_cause cause = {.by = "shop", .cause = "asked", .reason = "GDPR"};
    char sha256[SEALER_HASH_BYTES], *text;
    json_t *document;
    assert_int_equal(tombstone_make(s->sealer, facts, s->path, &cause, T0 + 9000000, &text, sha256),
                     0);
    assert_int_equal(strlen(sha256), 64);
    assert_int_equal(json_parse(text, strlen(text), &document, NULL), 0);
    free(text);
    json_t *t = json_incref(json_object_get(document, "tombstone"));
    json_decref(document);
    return t;
}

static const char *text_in(json_t *o, const char *name)
{
    const char *text = json_string_value(json_object_get(o, name));
    return text ? text : "";
}

static struct store_clip some_clip(void)
{
    return (struct store_clip){.id = {"01hzzzzzzzzzzzzzzzzzzzzzz0"},
                               .kind = "trim",
                               .label = "my address: 7 Main St",
                               .state = CLIP_READY,
                               .publisher = "lin",
                               .sha256 = "ab",
                               .created_us = T0,
                               .started_us = T0 + 1000000,
                               .duration_ms = 5000};
}

static void of_a_clip(void **state)
{
    struct scene *s = *state;
    const struct store_clip c = some_clip();
    put(s, "a.manifest.json", "{\"seal\":{\"head\":\"cd\"},\"trim\":{\"of\":\"original\"}}");
    json_t *t = made(s, tombstone_of_clip(&c));
    static const char *const told[][2] = {{"object", "clip"},
                                          {"id", "01hzzzzzzzzzzzzzzzzzzzzzz0"},
                                          {"kind", "trim"},
                                          {"publisher", "lin"},
                                          {"sha256", "ab"},
                                          {"head", "cd"},
                                          {"of", "original"},
                                          {"started_at", "2026-11-21T22:00:01.000Z"},
                                          {"deleted_at", "2026-11-21T22:00:09.000Z"},
                                          {"deleted_by", "shop"},
                                          {"cause", "asked"},
                                          {"reason", "GDPR"}};
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++)
        assert_string_equal(text_in(t, told[i][0]), told[i][1]);
    assert_int_equal(strlen(text_in(t, "manifest_sha256")), 64);
    assert_null(json_object_get(t, "label"));
    json_decref(t);
}

static void of_what_was_never_sealed(void **state)
{
    struct scene *s = *state;
    struct store_clip c = some_clip();
    c.state = CLIP_FAILED;
    c.sha256[0] = '\0';
    c.started_us = 0;
    json_t *t = made(s, tombstone_of_clip(&c));
    assert_string_equal(text_in(t, "state"), "failed");
    static const char *const not_told[] = {"manifest_sha256", "head",       "of",
                                           "sha256",          "started_at", "record_sha256"};
    for (size_t i = 0; i < sizeof not_told / sizeof not_told[0]; i++)
        assert_null(json_object_get(t, not_told[i]));
    json_decref(t);
    put(s, "a.manifest.json", "this is no manifest"); /* its hash, then */
    t = made(s, tombstone_of_clip(&c));
    assert_int_equal(strlen(text_in(t, "manifest_sha256")), 64);
    assert_null(json_object_get(t, "head"));
    json_decref(t);
}

static void of_a_still(void **state)
{
    struct scene *s = *state;
    const struct store_still still = {.id = {"01hzzzzzzzzzzzzzzzzzzzzzz0"},
                                      .kind = "photo",
                                      .publisher = "lin",
                                      .label = "x",
                                      .sha256 = "ab",
                                      .created_us = T0,
                                      .at_us = T0};
    put(s, "a.still.json", "{}");
    json_t *t = made(s, tombstone_of_still(&still));
    assert_string_equal(text_in(t, "object"), "still");
    assert_string_equal(text_in(t, "at"), "2026-11-21T22:00:00.000Z");
    assert_int_equal(strlen(text_in(t, "record_sha256")), 64);
    assert_null(json_object_get(t, "manifest_sha256"));
    assert_null(json_object_get(t, "label"));
    json_decref(t);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(of_a_clip),
        TEST(of_what_was_never_sealed),
        TEST(of_a_still),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
