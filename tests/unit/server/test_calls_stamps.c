// SPDX-License-Identifier: Apache-2.0
/* Clips get their time stamps when the authority is there: neither clips nor restarts wait for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/str.h"
#include "server/seal/durable.h"
#include "server/seal/manifest.h"
#include "server/seal/merkle.h"
#include "server/sealer.h"
#include "tests/unit/support/authority.h"
#include "tests/unit/support/calls_world.h"
#include "tests/unit/support/matroska_make.h"
#include "tests/unit/support/scratch.h"

struct scene {
    struct world w;
    struct scratch scratch;
    struct authority authority;
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

static void ignore(void *ctx, int er, const char *why, const json_t *body)
{
    (void)why;
    (void)body;
    if (ctx)
        *(int *)ctx = er;
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
    (void)snprintf(path, sizeof path, "%s%s", stored(s).path, suffix);
    return path;
}

/** s->clip is the clip that was made, and its state. */
static enum clip_state record(struct scene *s)
{
    struct matroska_make m;
    calls_clip_start(s->w.calls, &s->agent, s->c.room.text, NULL, "cup", take_clip, &s->clip);
    world_settle(&s->w);
    matroska_make_clip(&m, 0, 2100);
    assert_int_equal(durable_write(path_of(s, ".webm"), m.bytes, m.len, 0600), 0);
    matroska_make_free(&m);
    calls_clip_stop(s->w.calls, &s->agent, s->clip.text, ignore, NULL);
    world_settle(&s->w);
    return stored(s).state;
}

static void join(struct scene *s)
{
    client_hello(&s->buyer, &s->w, "bo", ROLE_BUYER, &s->c.id);
    client_say(&s->buyer, "{'type':'consent','id':'c','recording':true}");
    client_publish(&s->buyer, &s->c.room, "bo");
}

static int setup(void **state)
{
    static struct scene s;
    memset(&s, 0, sizeof s);
    scratch_make(&s.scratch);
    authority_make(&s.authority, scratch_path(&s.scratch, "ca.pem"));
    world_start(&s.w);
    s.w.stamp = authority_stamp;
    s.w.stamp_ctx = &s.authority;
    s.authority.down = true;
    world_seal(&s.w);
    s.c = world_case(&s.w, "bo");
    s.agent = world_claims("ann", ROLE_AGENT, NULL);
    join(&s);
    *state = &s;
    return 0;
}

static int teardown(void **state)
{
    struct scene *s = *state;
    client_free(&s->buyer);
    world_stop(&s->w);
    authority_free(&s->authority);
    scratch_remove(&s->scratch);
    return 0;
}

struct told {
    char clip[ID_TEXT_BYTES], hash[65];
};

static void take_told(void *ctx, const struct store_event *e)
{
    struct told *told = ctx;
    if (strcmp(e->type, "clip_stamped") != 0)
        return;
    json_t *data = json_loads(e->data, 0, NULL);
    assert_string_equal(e->actor, "system");
    (void)str_copy(told->clip, sizeof told->clip, text_at(data, "clip"));
    (void)str_copy(told->hash, sizeof told->hash, text_at(data, "manifest_sha256"));
    json_decref(data);
}

static void is_stamped(struct scene *s, size_t events)
{
    struct told told = {"", ""};
    struct merkle_hash hash;
    struct manifest m;
    const char *why;
    char *text, hex[65];
    size_t len;
    assert_int_equal(durable_read(path_of(s, ".manifest.json"), 1 << 20, &text, &len), 0);
    assert_int_equal(merkle_sha256(text, len, &hash), 0);
    hex_encode(hex, hash.bytes, sizeof hash.bytes);
    assert_int_equal(manifest_read(text, len, &m, &why), 0);
    assert_non_null(m.stamped);
    assert_non_null(json_object_get(m.document, "timestamp"));
    manifest_clear(&m);
    free(text);
    assert_int_equal(stored(s).stamp, CLIP_STAMPED);
    assert_int_equal(world_events(&s->w, &s->c.id, "clip_stamped"), events);
    assert_int_equal(store_events_list(s->w.store, &s->c.id, 0, 1000, take_told, &told), 0);
    assert_string_equal(told.clip, s->clip.text);
    assert_string_equal(told.hash, hex);
}

static struct calls_gauges gauges(struct scene *s)
{
    struct calls_gauges n;
    calls_read_gauges(s->w.calls, &n);
    return n;
}

static void a_clip_is_ready_without_and_stamped_when_the_authority_is_back(void **state)
{
    struct scene *s = *state;
    assert_int_equal(record(s), CLIP_READY);
    assert_int_equal(stored(s).stamp, CLIP_UNSTAMPED);
    assert_int_equal(s->authority.asked, 1);
    world_pass(&s->w, 4000);
    assert_int_equal(s->authority.asked, 1);
    world_pass(&s->w, 100000); /* 5, 10, 20, 40 s later, and so on */
    assert_int_equal(s->authority.asked, 5);
    assert_int_equal(gauges(s).unstamped, 1);
    assert_int_equal(gauges(s).stamp_tries_failed, 5);
    s->authority.down = false;
    world_pass(&s->w, 60000);
    is_stamped(s, 1);
    assert_int_equal(gauges(s).unstamped, 0);
    assert_int_equal(gauges(s).stamped, 1);
    unsigned asked = s->authority.asked;
    world_pass(&s->w, 3600000);
    assert_int_equal(s->authority.asked, asked);
    client_free(&s->buyer);
    join(s);
    assert_int_equal(record(s), CLIP_READY); /* the next one at once */
    is_stamped(s, 2);
}

static void the_pause_between_tries_is_bounded(void **state)
{
    struct scene *s = *state;
    assert_int_equal(record(s), CLIP_READY);
    world_pass(&s->w, 3600000);
    unsigned asked = s->authority.asked;
    world_pass(&s->w, 3600000);
    assert_int_equal(s->authority.asked, asked + 6);
}

static void a_restart_finds_them_all(void **state)
{
    struct scene *s = *state;
    struct id clips[3];
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(record(s), CLIP_READY);
        clips[i] = s->clip;
        world_pass(&s->w, 10);
    }
    world_pass(&s->w, 20000);
    client_free(&s->buyer);
    s->authority.down = false;
    unsigned asked = s->authority.asked;
    world_restart(&s->w);
    world_pass(&s->w, 1000);
    assert_int_equal(s->authority.asked, asked + 3);
    for (size_t i = 0; i < 3; i++) {
        s->clip = clips[i];
        assert_int_equal(stored(s).stamp, CLIP_STAMPED);
    }
    is_stamped(s, 3);
    client_open(&s->buyer, &s->w);
}

/** The stamp lies on the disk, and on the timeline perhaps: it is neither asked for nor told again. */
static void one_that_was_not_put_in_place_is_taken_up(void **state)
{
    struct scene *s = *state;
    s->authority.down = false;
    assert_int_equal(record(s), CLIP_READY);
    is_stamped(s, 1);
    char now[600], beside[620], *text;
    size_t len;
    struct manifest m;
    const char *why;
    (void)snprintf(now, sizeof now, "%s", path_of(s, ".manifest.json"));
    (void)snprintf(beside, sizeof beside, "%s.stamped", now);
    assert_int_equal(durable_read(now, 1 << 20, &text, &len), 0);
    assert_int_equal(manifest_read(text, len, &m, &why), 0);
    json_t *sealed = manifest_as_sealed(&m);
    char *before = json_dumps(sealed, JSON_SORT_KEYS | JSON_COMPACT);
    assert_int_equal(rename(now, beside), 0);
    assert_int_equal(durable_write(now, before, strlen(before), 0600), 0);
    assert_int_equal(store_clip_stamp_set(s->w.store, &s->clip, CLIP_UNSTAMPED), 0);
    free(before);
    free(text);
    json_decref(sealed);
    manifest_clear(&m);
    client_free(&s->buyer);
    unsigned asked = s->authority.asked;
    world_restart(&s->w);
    world_pass(&s->w, 1000);
    is_stamped(s, 1);
    assert_int_equal(s->authority.asked, asked);
    assert_int_not_equal(access(beside, F_OK), 0);
    client_open(&s->buyer, &s->w);
}

static void one_that_is_too_old_is_given_up(void **state)
{
    struct scene *s = *state;
    assert_int_equal(record(s), CLIP_READY);
    client_free(&s->buyer);
    s->w.now_us += LIMIT_STAMP_US;
    world_restart(&s->w);
    s->authority.down = false;
    unsigned asked = s->authority.asked;
    world_pass(&s->w, 1000);
    assert_int_equal(stored(s).stamp, CLIP_STAMPLESS);
    assert_int_equal(s->authority.asked, asked);
    assert_int_equal(gauges(s).stamps_given_up, 1);
    client_open(&s->buyer, &s->w);
}

static void one_that_took_the_sealed_ones_place_is_given_up(void **state)
{
    struct scene *s = *state;
    char *text;
    size_t len;
    assert_int_equal(record(s), CLIP_READY);
    unsigned asked = s->authority.asked;
    assert_int_equal(durable_read(path_of(s, ".manifest.json"), 1 << 20, &text, &len), 0);
    json_t *document = json_loadb(text, len, 0, NULL);
    free(text);
    assert_int_equal(json_object_set_new(document, "more", json_true()), 0);
    text = json_dumps(document, JSON_SORT_KEYS | JSON_COMPACT);
    assert_int_equal(durable_write(path_of(s, ".manifest.json"), text, strlen(text), 0600), 0);
    s->authority.down = false;
    world_pass(&s->w, 60000);
    assert_int_equal(stored(s).stamp, CLIP_STAMPLESS);
    assert_int_equal(gauges(s).stamps_given_up, 1);
    assert_int_equal(s->authority.asked, asked);
    assert_int_not_equal(access(path_of(s, ".manifest.json.stamped"), F_OK), 0);
    json_decref(document);
    free(text);
}

static void what_cannot_be_written_holds_up_no_other(void **state)
{
    struct scene *s = *state;
    assert_int_equal(record(s), CLIP_READY);
    struct id first = s->clip;
    char blocked[600];
    (void)snprintf(blocked, sizeof blocked, "%s", path_of(s, ".manifest.json.stamped.tmp"));
    assert_int_equal(mkdir(blocked, 0700), 0);
    world_pass(&s->w, 10);
    assert_int_equal(record(s), CLIP_READY);
    s->authority.down = false;
    world_pass(&s->w, 60000);
    is_stamped(s, 1);
    s->clip = first;
    assert_int_equal(stored(s).stamp, CLIP_UNSTAMPED);
    assert_int_equal(rmdir(blocked), 0);
    world_pass(&s->w, 600000);
    is_stamped(s, 2);
}

static void a_deleted_clip_is_not_stamped(void **state)
{
    struct scene *s = *state;
    int er = -1;
    assert_int_equal(record(s), CLIP_READY);
    char manifest[600];
    (void)snprintf(manifest, sizeof manifest, "%s", path_of(s, ".manifest.json"));
    struct claims shop = world_claims("shop", ROLE_SERVICE, NULL);
    const struct calls_unwanted what = {.id = s->clip.text, .reason = "asked"};
    calls_delete(s->w.calls, &shop, &what, ignore, &er);
    world_settle(&s->w);
    assert_int_equal(er, 0);
    s->authority.down = false;
    world_pass(&s->w, 600000);
    assert_int_equal(world_events(&s->w, &s->c.id, "clip_stamped"), 0);
    assert_int_not_equal(access(manifest, F_OK), 0);
    assert_int_equal(gauges(s).unstamped, 0);
}

/** One job of the next clip's: looked for, or asked for. */
static void dispatch(struct dbq *q, struct scene *s)
{
    calls_tick(s->w.calls);
    dbq_dispatch(q);
}

static int delete_now(struct scene *s, int *er)
{
    struct claims shop = world_claims("shop", ROLE_SERVICE, NULL);
    const struct calls_unwanted what = {.id = s->clip.text, .reason = "asked"};
    *er = 1; /* nothing yet */
    calls_delete(s->w.calls, &shop, &what, ignore, er);
    return *er;
}

static void what_is_being_stamped_is_not_deleted_and_the_other_way_round(void **state)
{
    struct scene *s = *state;
    static int er;
    assert_int_equal(record(s), CLIP_READY);
    char beside[600];
    s->authority.down = false;
    s->w.now_us += 6000000;
    dispatch(s->w.dbq, s); /* none behind it: from the first again */
    dispatch(s->w.dbq, s);
    dispatch(sealer_stamp_queue(s->w.sealer), s); /* it has its stamp, and it is to be written */
    assert_int_equal(delete_now(s, &er), ER_CONFLICT);
    world_settle(&s->w);
    is_stamped(s, 1);
    s->authority.down = true;
    assert_int_equal(record(s), CLIP_READY);
    (void)snprintf(beside, sizeof beside, "%s", path_of(s, ".manifest.json.stamped"));
    s->authority.down = false;
    s->w.now_us += 6000000;
    dispatch(s->w.dbq, s);
    dispatch(s->w.dbq, s);
    assert_int_equal(delete_now(s, &er), 1); /* begun */
    dispatch(sealer_stamp_queue(s->w.sealer), s);
    world_settle(&s->w);
    assert_int_equal(er, 0);
    world_pass(&s->w, 60000);
    assert_int_not_equal(access(beside, F_OK), 0);
}

static void it_is_told_once(void **state)
{
    struct scene *s = *state;
    assert_int_equal(record(s), CLIP_READY);
    struct store_clip row = stored(s);
    assert_int_equal(store_clip_stamp_tell(s->w.store, &row, "aa", 1), 0);
    assert_int_equal(store_clip_stamp_tell(s->w.store, &row, "aa", 2), 0);
    assert_int_equal(world_events(&s->w, &s->c.id, "clip_stamped"), 1);
    assert_int_equal(store_clip_stamp_tell(s->w.store, &row, "bb", 3), 0);
    assert_int_equal(world_events(&s->w, &s->c.id, "clip_stamped"), 2);
    row.id = id_make(1, &s->w.entropy);
    assert_int_equal(store_clip_stamp_tell(s->w.store, &row, "bb", 3), ER_NOT_FOUND);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_clip_is_ready_without_and_stamped_when_the_authority_is_back),
        TEST(the_pause_between_tries_is_bounded),
        TEST(a_restart_finds_them_all),
        TEST(one_that_was_not_put_in_place_is_taken_up),
        TEST(one_that_is_too_old_is_given_up),
        TEST(one_that_took_the_sealed_ones_place_is_given_up),
        TEST(what_cannot_be_written_holds_up_no_other),
        TEST(a_deleted_clip_is_not_stamped),
        TEST(what_is_being_stamped_is_not_deleted_and_the_other_way_round),
        TEST(it_is_told_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
