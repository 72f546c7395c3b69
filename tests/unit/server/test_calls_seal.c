// SPDX-License-Identifier: Apache-2.0
/* Clips are ready when they are sealed, and not before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/str.h"
#include "server/seal/durable.h"
#include "server/seal/verify_files.h"
#include "tests/unit/support/calls_world.h"
#include "tests/unit/support/fake_media.h"
#include "tests/unit/support/seen_make.h"
#include "tests/unit/support/matroska_make.h"

struct scene {
    struct world w;
    struct client buyer;
    struct store_case c;
    struct claims agent;
    struct id clip;
};

static void take_clip(void *ctx, int er, const char *why, const json_t *body)
{
    (void)why;
    assert_int_equal(er, 0);
    assert_int_equal(id_parse(json_string_value(json_object_get(body, "id")), ctx), 0);
}

static int setup(void **state)
{
    static struct scene s;
    world_start(&s.w);
    world_seal(&s.w);
    s.c = world_case(&s.w, "bo");
    s.agent = world_claims("ann", ROLE_AGENT, NULL);
    client_hello(&s.buyer, &s.w, "bo", ROLE_BUYER, &s.c.id);
    client_say(&s.buyer, "{'type':'consent','id':'c','recording':true}");
    client_publish(&s.buyer, &s.c.room, "bo");
    calls_clip_start(s.w.calls, &s.agent, s.c.room.text, NULL, "cup", take_clip, &s.clip);
    world_settle(&s.w);
    client_forget(&s.buyer);
    *state = &s;
    return 0;
}

static int teardown(void **state)
{
    struct scene *s = *state;
    client_free(&s->buyer);
    world_stop(&s->w);
    return 0;
}

static struct store_clip stored(struct scene *s)
{
    struct store_clip row;
    assert_int_equal(store_clip_get(s->w.store, &s->clip, &row), 0);
    return row;
}

static const char *path_of(struct scene *s, const char *suffix)
{
    static char path[600];
    struct store_clip row = stored(s);
    (void)snprintf(path, sizeof path, "%s%s", row.path, suffix);
    return path;
}

static void write_clip(struct scene *s)
{
    struct matroska_make m;
    matroska_make_clip(&m, 0, 2100);
    assert_int_equal(durable_write(path_of(s, ".webm"), m.bytes, m.len, 0600), 0);
    matroska_make_free(&m);
}

static void ignore(void *ctx, int er, const char *why, const json_t *body)
{
    (void)ctx;
    (void)er;
    (void)why;
    (void)body;
}

static void stop(struct scene *s)
{
    calls_clip_stop(s->w.calls, &s->agent, s->clip.text, ignore, NULL);
    world_settle(&s->w);
}

/** The row has the hash of the file that is there. */
static void check_hash(struct scene *s)
{
    struct merkle_hash hash;
    char *bytes, hex[65];
    size_t len;
    assert_int_equal(durable_read(path_of(s, ".webm"), 1 << 20, &bytes, &len), 0);
    assert_int_equal(merkle_sha256(bytes, len, &hash), 0);
    free(bytes);
    hex_encode(hex, hash.bytes, sizeof hash.bytes);
    assert_string_equal(stored(s).sha256, hex);
}

static void check_manifest(struct scene *s)
{
    char media[600], manifest[600], folder[80];
    const char *const paths[] = {media, manifest};
    struct report r;
    struct keys *keys;
    (void)snprintf(media, sizeof media, "%s", path_of(s, ".webm"));
    (void)snprintf(manifest, sizeof manifest, "%s", path_of(s, ".manifest.json"));
    (void)snprintf(folder, sizeof folder, "%s/keys", s->w.data);
    assert_int_equal(keys_open(&keys, folder, &s->w.entropy, 1), 0);
    struct verify_trust trust = {.keys = keys};
    assert_int_equal(report_init(&r), 0);
    verify_files(&r, &trust, paths, 2);
    assert_int_equal(report_verdict(&r), REPORT_VERIFIES);
    report_clear(&r);
    keys_free(keys);
    check_hash(s);
}

static void ready_with_a_manifest_that_verifies(void **state)
{
    struct scene *s = *state;
    write_clip(s);
    stop(s);
    assert_string_equal(text_at(client_expect(&s->buyer, "clip"), "clip.state"), "ready");
    assert_int_equal(stored(s).state, CLIP_READY);
    check_manifest(s);
}

struct last {
    char data[600];
};

static void take_ready(void *ctx, const struct store_event *e)
{
    struct last *last = ctx;
    if (strcmp(e->type, "clip_ready") == 0)
        (void)snprintf(last->data, sizeof last->data, "%s", e->data);
}

static void the_timeline_has_the_manifests_hash_and_the_manifest_the_timeline(void **state)
{
    struct scene *s = *state;
    struct last last = {""};
    struct merkle_hash hash;
    struct manifest m;
    char *text, hex[65];
    const char *why;
    size_t len;
    write_clip(s);
    stop(s);
    assert_int_equal(durable_read(path_of(s, ".manifest.json"), 1 << 20, &text, &len), 0);
    assert_int_equal(merkle_sha256(text, len, &hash), 0);
    hex_encode(hex, hash.bytes, sizeof hash.bytes);
    assert_int_equal(store_events_list(s->w.store, &s->c.id, 0, 100, take_ready, &last), 0);
    assert_non_null(strstr(last.data, hex));
    assert_int_equal(manifest_read(text, len, &m, &why), 0);
    const json_t *consents = json_object_get(m.seal, "consents");
    assert_int_equal(json_array_size(consents), 1);
    assert_string_equal(json_string_value(json_object_get(json_array_get(consents, 0), "identity")),
                        "bo");
    const json_t *timeline = json_object_get(m.seal, "timeline");
    assert_int_equal(strlen(json_string_value(json_object_get(timeline, "hash"))), 64);
    assert_true(json_integer_value(json_object_get(timeline, "seq")) >= 3);
    assert_string_equal(json_string_value(json_object_get(json_object_get(m.seal, "case"), "id")),
                        s->c.id.text);
    manifest_clear(&m);
    free(text);
}

static struct media_seen *seen_by_ann(uint64_t unix_us)
{
    struct media_seen *seen = malloc(sizeof *seen + 256);
    assert_non_null(seen);
    seen->len = seen_make(seen->bytes, 256, "ann", "bo", (uint32_t)(unix_us / 1000000) - 5, 20, 29);
    return seen;
}

static void what_people_were_shown_is_sealed_with_it(void **state)
{
    struct scene *s = *state;
    struct media_event e = {.type = MEDIA_SEEN, .room = s->c.room};
    struct manifest m;
    const char *why;
    char *text;
    size_t len;
    write_clip(s);
    e.seen = seen_by_ann(stored(s).started_us);
    fake_media_say(s->w.media, &e);
    stop(s);
    check_manifest(s);
    assert_int_equal(durable_read(path_of(s, ".manifest.json"), 1 << 20, &text, &len), 0);
    assert_int_equal(manifest_read(text, len, &m, &why), 0);
    const json_t *line = json_array_get(json_object_get(m.seal, "seen"), 0);
    assert_string_equal(json_string_value(json_object_get(line, "viewer")), "ann");
    const json_t *arrived = json_object_get(line, "arrived");
    uint64_t seconds = stored(s).duration_ms / 1000; /* its own alone */
    assert_in_range(json_array_size(arrived), seconds, seconds + 2);
    assert_int_equal(json_integer_value(json_array_get(arrived, 0)), 29);
    manifest_clear(&m);
    free(text);
}

static void a_full_disk_keeps_it_from_being_ready(void **state)
{
    struct scene *s = *state;
    write_clip(s);
    /* Nothing can be written there. */
    assert_int_equal(mkdir(path_of(s, ".manifest.json.tmp"), 0700), 0);
    stop(s);
    assert_int_equal(stored(s).state, CLIP_RECORDING);
    assert_string_equal(text_at(client_expect(&s->buyer, "notice"), "code"), "clip_not_saved");
    assert_false(client_has(&s->buyer, "clip"));
    assert_int_equal(world_events(&s->w, &s->c.id, "clip_ready"), 0);
    world_pass(&s->w, 11000);
    assert_int_equal(stored(s).state, CLIP_RECORDING);
    assert_string_equal(stored(s).sha256, "");
    assert_int_equal(rmdir(path_of(s, ".manifest.json.tmp")), 0);
    world_pass(&s->w, 6000);
    assert_int_equal(stored(s).state, CLIP_READY);
    assert_int_equal(world_events(&s->w, &s->c.id, "clip_ready"), 1);
    check_manifest(s);
}

static void what_cannot_be_sealed_has_failed(void **state)
{
    struct scene *s = *state;
    assert_int_equal(durable_write(path_of(s, ".webm"), "<html>", 6, 0600), 0);
    stop(s);
    assert_int_equal(stored(s).state, CLIP_FAILED);
    assert_string_equal(stored(s).reason, "malformed");
    check_hash(s);
    assert_int_equal(world_events(&s->w, &s->c.id, "clip_failed"), 1);
}

/** A process that dies before the manifest is there leaves the row as it was. */
static void repaired_clips_are_sealed(void **state)
{
    struct scene *s = *state;
    write_clip(s);
    client_free(&s->buyer);
    world_restart(&s->w);
    struct media_event e = {.type = MEDIA_CLIP_READY,
                            .clip = s->clip,
                            .result = {.duration_ms = 2100, .bytes = 5, .repaired = true}};
    if (stored(s).state == CLIP_RECORDING)
        fake_media_say(s->w.media, &e);
    world_settle(&s->w);
    assert_int_equal(stored(s).state, CLIP_READY);
    check_manifest(s);
    client_open(&s->buyer, &s->w);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(ready_with_a_manifest_that_verifies),
        TEST(the_timeline_has_the_manifests_hash_and_the_manifest_the_timeline),
        TEST(what_people_were_shown_is_sealed_with_it),
        TEST(a_full_disk_keeps_it_from_being_ready),
        TEST(what_cannot_be_sealed_has_failed),
        TEST(repaired_clips_are_sealed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
