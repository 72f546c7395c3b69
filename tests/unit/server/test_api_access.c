// SPDX-License-Identifier: Apache-2.0
/* The access log: what stands on it, in which order and by whose hand, and who may read it. What is a view:
 * test_api_clips.c, test_api_stills.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "tests/unit/support/api_bench.h"

#define SHA "abababababababababababababababababababababababababababababababab"

struct bench {
    struct api_bench api;
    struct store_clip clip;
    struct store_still still;
};

static void add_clip(struct bench *b)
{
    struct store_clip *c = &b->clip;
    *c = (struct store_clip){.case_id = b->api.sc.id, .room = b->api.sc.room, .kind = "clip"};
    (void)snprintf(c->path, sizeof c->path, "%s/sample", b->api.w.data);
    api_bench_file(c->path, ".webm", "0123456789");
    api_bench_file(c->path, ".jpg", "picture");
    api_bench_file(c->path, ".manifest.json", "{}");
    assert_int_equal(store_clip_add(b->api.w.store, c, b->api.unix_us), 0);
    c->state = CLIP_READY;
    c->has_poster = true;
    (void)str_copy(c->sha256, sizeof c->sha256, SHA);
    assert_int_equal(store_clip_update(b->api.w.store, c, b->api.unix_us), 0);
}

static void add_still(struct bench *b)
{
    struct store_still *s = &b->still;
    *s = (struct store_still){
        .case_id = b->api.sc.id, .room = b->api.sc.room, .kind = "still", .facts = "{}"};
    (void)snprintf(s->path, sizeof s->path, "%s/still", b->api.w.data);
    (void)str_copy(s->taken_by, sizeof s->taken_by, "ann");
    api_bench_file(s->path, ".jpg", "0123456789");
    api_bench_file(s->path, ".small.jpg", "small");
    api_bench_file(s->path, ".still.json", "{}");
    assert_int_equal(store_still_add(b->api.w.store, s, b->api.unix_us), 0);
    (void)str_copy(s->sha256, sizeof s->sha256, SHA);
    assert_int_equal(store_still_finish(b->api.w.store, s, b->api.unix_us), 0);
}

static int setup(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    assert_non_null(b);
    *state = b;
    api_bench_start(&b->api);
    add_clip(b);
    add_still(b);
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    api_bench_stop(&b->api);
    free(b);
    return 0;
}

struct door {
    void (*handler)(struct store *s, struct api_call *c);
    const char *object, *what;
};
static const struct door doors[] = {
    {api_clip_media, "clip", "media"},       {api_clip_poster, "clip", "poster"},
    {api_clip_manifest, "clip", "manifest"}, {api_still_media, "still", "media"},
    {api_still_poster, "still", "poster"},   {api_still_record, "still", "record"},
};
#define DOORS (sizeof doors / sizeof doors[0])

static const char *id_of(const struct bench *b, const struct door *d)
{
    return d->object[0] == 'c' ? b->clip.id.text : b->still.id.text;
}

static int go(struct bench *b, const struct door *d, struct api_ask a)
{
    a.param[0] = id_of(b, d);
    return api_on_store(&b->api, d->handler, a);
}

static int read_log(struct bench *b, struct api_ask a)
{
    a.param[0] = b->api.sc.id.text;
    return api_on_store(&b->api, api_accesses, a);
}

static void test_all_that_is_opened_is_on_the_log(void **state)
{
    struct bench *b = *state;
    char path[32];
    for (size_t i = 0; i < DOORS; i++)
        assert_int_equal(go(b, &doors[i], (struct api_ask){.role = ROLE_AGENT, .who = "ann"}), 200);
    assert_int_equal(read_log(b, (struct api_ask){.role = ROLE_BUYER}), 200);
    assert_int_equal(json_array_size(json_object_get(b->api.body, "items")), DOORS);
    for (size_t i = 0; i < DOORS; i++) {
        const char *const told[][2] = {{"actor", "ann"},
                                       {"object", doors[i].object},
                                       {"id", id_of(b, &doors[i])},
                                       {"what", doors[i].what}};
        for (size_t k = 0; k < 4; k++) {
            (void)snprintf(path, sizeof path, "items.%zu.%s", i, told[k][0]);
            assert_string_equal(api_text(&b->api, path), told[k][1]);
        }
    }
    assert_int_equal(b->api.app.views, DOORS);
}

static void test_the_log_comes_in_pages(void **state)
{
    struct bench *b = *state;
    char query[64];
    for (size_t i = 0; i < DOORS; i++)
        assert_int_equal(go(b, &doors[i], (struct api_ask){.role = ROLE_AGENT}), 200);
    assert_int_equal(read_log(b, (struct api_ask){.role = ROLE_AGENT, .query = "limit=4"}), 200);
    assert_int_equal(json_array_size(json_object_get(b->api.body, "items")), 4);
    (void)snprintf(query, sizeof query, "cursor=%s", api_text(&b->api, "next_cursor"));
    assert_int_equal(read_log(b, (struct api_ask){.role = ROLE_AGENT, .query = query}), 200);
    assert_int_equal(json_array_size(json_object_get(b->api.body, "items")), DOORS - 4);
    assert_null(json_object_get(b->api.body, "next_cursor"));
    assert_int_equal(read_log(b, (struct api_ask){.role = ROLE_AGENT, .query = "limit=0"}), 400);
}

/** Every role at every door, also by a range: who may see the case sees what was recorded, but viewers. */
static void test_role_by_clip(void **state)
{
    struct bench *b = *state;
    struct store_case other = world_case(&b->api.w, "bo");
    for (enum role role = 0; role < ROLE_COUNT; role++) {
        const struct api_ask asks[] = {
            {.role = role, .of_case = &b->api.sc.id},
            {.role = role, .of_case = &b->api.sc.id, .range = "bytes=3-5"},
            {.role = role, .of_case = &other.id},
            {.role = role, .of_case = &other.id, .range = "bytes=3-5"},
            {.role = role, .of_case = &b->api.sc.id, .foreign = true, .range = "bytes=0-"},
        };
        for (size_t i = 0; i < sizeof asks / sizeof asks[0]; i++) {
            int expected = i < 2 && role != ROLE_VIEWER ? 200 : 403;
            uint64_t views = b->api.app.views;
            for (size_t d = 0; d < DOORS; d++)
                assert_int_equal(go(b, &doors[d], asks[i]), expected);
            if (expected != 200)
                assert_int_equal(b->api.app.views, views);
            assert_int_equal(read_log(b, asks[i]), expected);
        }
    }
    for (size_t d = 0; d < DOORS; d++)
        assert_int_equal(go(b, &doors[d], (struct api_ask){.nobody = true}), 401);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_all_that_is_opened_is_on_the_log),
        TEST(test_the_log_comes_in_pages),
        TEST(test_role_by_clip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
