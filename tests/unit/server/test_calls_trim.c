// SPDX-License-Identifier: Apache-2.0
/* Parts of clips: who may ask, where they begin, that they verify, and what becomes of them in a crash. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/er.h"
#include "server/seal/durable.h"
#include "server/seal/verify_files.h"
#include "tests/unit/support/calls_world.h"
#include "tests/unit/support/fake_media.h"
#include "tests/unit/support/matroska_make.h"

struct scene {
    struct world w;
    struct client buyer;
    struct store_case c;
    struct claims agent;
    struct id clip;
};

struct answer {
    int er;
    unsigned count;
    struct id id;
    char kind[16], state[16];
};

static void take(void *ctx, int er, const char *why, const json_t *body)
{
    struct answer *a = ctx;
    a->er = er;
    a->count++;
    assert_true(er == 0 || why != NULL);
    if (!body)
        return;
    assert_int_equal(id_parse(json_string_value(json_object_get(body, "id")), &a->id), 0);
    (void)snprintf(a->kind, sizeof a->kind, "%s", json_string_value(json_object_get(body, "kind")));
    (void)snprintf(a->state, sizeof a->state, "%s",
                   json_string_value(json_object_get(body, "state")));
}

static struct store_clip stored(struct scene *s, const struct id *id)
{
    struct store_clip row;
    assert_int_equal(store_clip_get(s->w.store, id, &row), 0);
    return row;
}

static void write_clip(struct scene *s, const struct id *id, uint64_t from_ms, uint64_t to_ms)
{
    char path[600];
    struct matroska_make m;
    (void)snprintf(path, sizeof path, "%s.webm", stored(s, id).path);
    matroska_make_clip(&m, from_ms, to_ms);
    assert_int_equal(durable_write(path, m.bytes, m.len, 0600), 0);
    matroska_make_free(&m);
}

static void say_ready(struct scene *s, const struct id *id)
{
    const struct media_event e = {
        .type = MEDIA_CLIP_READY, .clip = *id, .result = {.duration_ms = 5, .has_video = true}};
    fake_media_say(s->w.media, &e);
    world_settle(&s->w);
}

static int setup(void **state)
{
    static struct scene s;
    struct answer a = {0};
    world_start(&s.w);
    world_seal(&s.w);
    fake_media_manual_clips(s.w.media);
    s.c = world_case(&s.w, "bo");
    s.agent = world_claims("ann", ROLE_AGENT, NULL);
    client_hello(&s.buyer, &s.w, "bo", ROLE_BUYER, &s.c.id);
    client_say(&s.buyer, "{'type':'consent','id':'c','recording':true}");
    client_publish(&s.buyer, &s.c.room, "bo");
    calls_clip_start(s.w.calls, &s.agent, s.c.room.text, NULL, "cup", take, &a);
    world_settle(&s.w);
    s.clip = a.id;
    write_clip(&s, &s.clip, 0, 5000);
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

static struct answer trim(struct scene *s, const struct claims *who, const char *clip,
                          uint64_t from_ms, uint64_t to_ms)
{
    struct answer a = {0};
    calls_clip_trim(s->w.calls, who, clip, from_ms, to_ms, take, &a);
    world_settle(&s->w);
    assert_int_equal(a.count, 1);
    return a;
}

static void begins_with_a_key_frame_and_verifies(void **state)
{
    struct scene *s = *state;
    char command[96], media[600], manifest[600], folder[80];
    const char *const paths[] = {media, manifest};
    struct report r;
    struct keys *keys;
    say_ready(s, &s->clip);
    struct answer a = trim(s, &s->agent, s->clip.text, 2700, 3900);
    assert_int_equal(a.er, 0);
    assert_string_equal(a.kind, "trim");
    assert_string_equal(a.state, "recording");
    client_expect(&s->buyer, "clip"); /* the original's, when it began */
    assert_string_equal(text_at(client_expect(&s->buyer, "clip"), "clip.state"), "ready");
    assert_string_equal(text_at(client_expect(&s->buyer, "clip"), "clip.kind"), "trim");
    (void)snprintf(command, sizeof command, "clip_trim %s 2000 3900", a.id.text);
    assert_string_equal(fake_media_last(s->w.media, "clip_trim"), command);
    write_clip(s, &a.id, 2000, 3900);
    say_ready(s, &a.id);
    json_t *told = client_expect(&s->buyer, "clip");
    assert_string_equal(text_at(told, "clip.id"), a.id.text);
    assert_string_equal(text_at(told, "clip.state"), "ready");
    struct store_clip row = stored(s, &a.id), of = stored(s, &s->clip);
    assert_int_equal(row.state, CLIP_READY);
    assert_int_equal(row.started_us, of.started_us + 2000000);
    assert_int_equal(world_events(&s->w, &s->c.id, "clip_trimmed"), 1);
    (void)snprintf(media, sizeof media, "%s.webm", row.path);
    (void)snprintf(manifest, sizeof manifest, "%s.manifest.json", row.path);
    (void)snprintf(folder, sizeof folder, "%s/keys", s->w.data);
    assert_int_equal(keys_open(&keys, folder, &s->w.entropy, 1), 0);
    struct verify_trust trust = {.keys = keys};
    assert_int_equal(report_init(&r), 0);
    verify_files(&r, &trust, paths, 2);
    assert_int_equal(report_verdict(&r), REPORT_VERIFIES);
    report_clear(&r);
    keys_free(keys);
    assert_int_equal(trim(s, &s->agent, a.id.text, 0, 500).er, ER_CONFLICT); /* a part already */
}

static void only_what_may_be_trimmed(void **state)
{
    struct scene *s = *state;
    struct store_case other = world_case(&s->w, "di");
    struct claims buyer = world_claims("bo", ROLE_BUYER, &s->c.id);
    struct claims stranger = world_claims("eve", ROLE_AGENT, &other.id);
    assert_int_equal(trim(s, &s->agent, s->clip.text, 0, 500).er, ER_CONFLICT); /* not ready */
    say_ready(s, &s->clip);
    assert_int_equal(trim(s, &buyer, s->clip.text, 0, 500).er, ER_DENIED);
    assert_int_equal(trim(s, &stranger, s->clip.text, 0, 500).er, ER_DENIED);
    assert_int_equal(trim(s, &s->agent, "nonsense", 0, 500).er, ER_NOT_FOUND);
    assert_int_equal(trim(s, &s->agent, s->clip.text, 9000, 9500).er, ER_INVALID);
    char path[600];
    (void)snprintf(path, sizeof path, "%s.manifest.json", stored(s, &s->clip).path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(trim(s, &s->agent, s->clip.text, 0, 500).er, ER_CONFLICT);
    assert_int_equal(fake_media_count(s->w.media, "clip_trim"), 0);
}

static void frames_that_are_not_the_originals_are_not_sealed(void **state)
{
    struct scene *s = *state;
    say_ready(s, &s->clip);
    struct answer a = trim(s, &s->agent, s->clip.text, 1000, 2000);
    write_clip(s, &a.id, 1000, 1980);
    say_ready(s, &a.id);
    assert_int_equal(stored(s, &a.id).state, CLIP_FAILED);
    assert_string_equal(stored(s, &a.id).reason, "malformed");
}

static void a_crash_leaves_no_half_part(void **state)
{
    struct scene *s = *state;
    char path[600];
    say_ready(s, &s->clip);
    struct answer a = trim(s, &s->agent, s->clip.text, 1000, 2000);
    write_clip(s, &a.id, 1000, 2000);
    (void)snprintf(path, sizeof path, "%s.webm", stored(s, &a.id).path);
    client_free(&s->buyer);
    world_restart(&s->w);
    assert_int_equal(stored(s, &a.id).state, CLIP_FAILED);
    assert_int_equal(world_events(&s->w, &s->c.id, "clip_failed"), 1);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(stored(s, &s->clip).state, CLIP_READY);
    client_open(&s->buyer, &s->w);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(begins_with_a_key_frame_and_verifies),
        TEST(only_what_may_be_trimmed),
        TEST(frames_that_are_not_the_originals_are_not_sealed),
        TEST(a_crash_leaves_no_half_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
