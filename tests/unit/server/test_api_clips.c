// SPDX-License-Identifier: Apache-2.0
/* Clips over HTTP: who may see them, their files by token and by link, which requests are views, the
 * manifest. Ranges over a real connection: tests/net. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/str.h"
#include "tests/unit/support/api_bench.h"

#define SHA "abababababababababababababababababababababababababababababababab"

struct bench {
    struct api_bench api;
    struct store_clip clip;
};

/** A finished clip of the bench's case, with its files. */
static int setup(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    assert_non_null(b);
    *state = b;
    api_bench_start(&b->api);
    struct store_clip *c = &b->clip;
    *c = (struct store_clip){.case_id = b->api.sc.id,
                             .room = b->api.sc.room,
                             .kind = "clip",
                             .label = "cup",
                             .publisher = "lin",
                             .started_by = "ann"};
    (void)snprintf(c->path, sizeof c->path, "%s/sample", b->api.w.data);
    api_bench_file(b->clip.path, ".webm", "0123456789");
    api_bench_file(b->clip.path, ".jpg", "picture");
    assert_int_equal(store_clip_add(b->api.w.store, c, b->api.unix_us), 0);
    c->state = CLIP_READY;
    c->bytes = 10;
    c->duration_ms = 1000;
    c->gaps = 1;
    c->gap_ms = 40;
    c->has_video = c->has_audio = c->has_poster = true;
    (void)str_copy(c->sha256, sizeof c->sha256, SHA);
    (void)str_copy(c->video_codec, sizeof c->video_codec, "VP8");
    assert_int_equal(store_clip_update(b->api.w.store, c, b->api.unix_us), 0);
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    api_bench_stop(&b->api);
    free(b);
    return 0;
}

typedef void handler(struct store *s, struct api_call *c);

static int ask(struct bench *b, handler *what, struct api_ask a)
{
    if (!a.param[0])
        a.param[0] = b->clip.id.text;
    return api_on_store(&b->api, what, a);
}

static size_t views(struct bench *b)
{
    return world_events(&b->api.w, &b->api.sc.id, "clip_viewed");
}

static void test_clip_addresses(void **state)
{
    (void)state;
    struct media_key key = {{1, 2, 3}};
    json_t *clip = json_pack("{s:s,s:s}", "id", "01hzzzzzzzzzzzzzzzzzzzzzz0", "state", "ready");
    assert_int_equal(api_clip_sign(&key, clip, false, "a b", 1000), 0);
    const char *url = json_string_value(json_object_get(clip, "media_url"));
    assert_non_null(strstr(url, "/api/v1/clips/01hzzzzzzzzzzzzzzzzzzzzzz0/media?person=a%20b"
                                "&expires=1600&signature="));
    assert_true(json_is_null(json_object_get(clip, "poster_url")));
    assert_true(json_is_string(json_object_get(clip, "manifest_url")));
    json_object_set_new(clip, "state", json_string("recording"));
    assert_int_equal(api_clip_sign(&key, clip, true, "a", 1000), 0);
    assert_true(json_is_null(json_object_get(clip, "media_url")));
    json_object_del(clip, "state");
    assert_int_equal(api_clip_sign(&key, clip, true, "a", 1000), ER_INVALID);
    json_decref(clip);
}

static void test_who_sees_a_clip(void **state)
{
    struct bench *b = *state;
    struct store_case other = world_case(&b->api.w, "bo");
    assert_int_equal(ask(b, api_clip_get, (struct api_ask){.role = ROLE_BUYER}), 200);
    assert_string_equal(api_text(&b->api, "state"), "ready");
    assert_string_equal(api_text(&b->api, "sha256"), SHA);
    assert_true(strncmp(api_text(&b->api, "media_url"), "/api/v1/clips/", 14) == 0);
    const struct api_ask stranger = {.role = ROLE_BUYER, .of_case = &other.id};
    assert_int_equal(ask(b, api_clip_get, stranger), 403);
    assert_int_equal(ask(b, api_clip_media, stranger), 403);
    assert_int_equal(ask(b, api_clip_seen, stranger), 403);
    assert_int_equal(ask(b, api_clip_seen, (struct api_ask){.role = ROLE_VIEWER}), 403);
    assert_int_equal(ask(b, api_clip_seen, (struct api_ask){.role = ROLE_BUYER}), 200);
    assert_true(json_is_array(json_object_get(b->api.body, "items")));
    assert_int_equal(ask(b, api_clip_get, (struct api_ask){.role = ROLE_SERVICE, .foreign = true}),
                     403);
    static const char *const none[] = {"01hzzzzzzzzzzzzzzzzzzzzzz0", "x", ""};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(
            ask(b, api_clip_get, (struct api_ask){.role = ROLE_AGENT, .param = {none[i]}}), 404);
    assert_int_equal(views(b), 0);
}

static void test_the_clips_of_a_case(void **state)
{
    struct bench *b = *state;
    struct store_case other = world_case(&b->api.w, "bo");
    const char *id = b->api.sc.id.text;
    assert_int_equal(ask(b, api_clips_list, (struct api_ask){.role = ROLE_AGENT, .param = {id}}),
                     200);
    assert_int_equal(json_array_size(json_object_get(b->api.body, "items")), 1);
    assert_string_equal(api_text(&b->api, "items.0.id"), b->clip.id.text);
    assert_int_equal(
        ask(b, api_clips_list, (struct api_ask){.role = ROLE_AGENT, .param = {other.id.text}}),
        200);
    assert_int_equal(json_array_size(json_object_get(b->api.body, "items")), 0);
    const struct api_ask stranger = {.role = ROLE_BUYER, .of_case = &other.id, .param = {id}};
    assert_int_equal(ask(b, api_clips_list, stranger), 403);
}

static void test_files(void **state)
{
    struct bench *b = *state;
    const struct http_response *r = &b->api.response;
    char name[128];
    assert_int_equal(ask(b, api_clip_media, (struct api_ask){.role = ROLE_BUYER}), 200);
    assert_true(r->file && r->file_size == 10);
    assert_string_equal(r->content_type, "video/webm");
    assert_string_equal(r->etag, "\"" SHA "\"");
    (void)snprintf(name, sizeof name, "inline; filename=\"%s.webm\"", b->clip.id.text);
    assert_string_equal(api_header(&b->api, "content-disposition"), name);
    assert_string_equal(api_header(&b->api, "cache-control"), "private, max-age=600");
    assert_int_equal(ask(b, api_clip_poster, (struct api_ask){.role = ROLE_BUYER}), 200);
    assert_string_equal(r->content_type, "image/jpeg");
    assert_string_equal(r->etag, "\"" SHA "-p\"");
    assert_int_equal(r->file_size, 7);
}

static void test_files_that_are_not_there(void **state)
{
    struct bench *b = *state;
    const struct api_ask buyer = {.role = ROLE_BUYER};
    b->clip.has_poster = false;
    assert_int_equal(store_clip_update(b->api.w.store, &b->clip, b->api.unix_us), 0);
    assert_int_equal(ask(b, api_clip_poster, buyer), 404);
    api_bench_file(b->clip.path, ".webm", "");
    assert_true(ask(b, api_clip_media, buyer) >= 500);
    char path[STORE_PATH_BYTES + 24];
    (void)snprintf(path, sizeof path, "%s.webm", b->clip.path);
    assert_int_equal(remove(path), 0);
    assert_int_equal(ask(b, api_clip_media, buyer), 404);
    assert_int_equal(views(b), 0);
    struct store_clip young = b->clip;
    young.id = (struct id){0};
    assert_int_equal(store_clip_add(b->api.w.store, &young, b->api.unix_us), 0);
    const struct api_ask early = {.role = ROLE_BUYER, .param = {young.id.text}};
    assert_int_equal(ask(b, api_clip_media, early), 409);
    assert_int_equal(ask(b, api_clip_manifest, early), 409);
}

/** The query of a link that was given to `who`. */
static void query_of(struct bench *b, const char *member, const char *who, char ret[512])
{
    assert_int_equal(ask(b, api_clip_get, (struct api_ask){.role = ROLE_AGENT, .who = who}), 200);
    (void)snprintf(ret, 512, "%s", strchr(api_text(&b->api, member), '?') + 1);
}

static void test_links(void **state)
{
    struct bench *b = *state;
    char query[512];
    query_of(b, "media_url", "ann lee", query);
    const struct api_ask by_link = {.nobody = true, .query = query};
    assert_int_equal(ask(b, api_clip_media, by_link), 200);
    assert_int_equal(views(b), 1);
    assert_int_equal(ask(b, api_clip_poster, by_link), 403); /* good for that file alone */
    assert_int_equal(ask(b, api_clip_manifest, by_link), 403);
    assert_int_equal(ask(b, api_clip_media,
                         (struct api_ask){.nobody = true,
                                          .query = query,
                                          .param = {"01hzzzzzzzzzzzzzzzzzzzzzz0"}}),
                     403);
    char *person = strstr(query, "ann");
    person[0] = 'A';
    assert_int_equal(ask(b, api_clip_media, by_link), 403);
    person[0] = 'a';
    b->api.unix_us += (AUTH_MEDIA_SECONDS + 1) * UINT64_C(1000000);
    assert_int_equal(ask(b, api_clip_media, by_link), 403);
    assert_int_equal(ask(b, api_clip_media, (struct api_ask){.nobody = true}), 401);
    assert_non_null(api_header(&b->api, "www-authenticate"));
    assert_int_equal(
        ask(b, api_clip_media,
            (struct api_ask){.nobody = true, .query = "person=a&expires=x&signature=y"}),
        403);
    assert_int_equal(views(b), 1);
}

static int range(struct bench *b, const char *which)
{
    const struct api_ask part = {.role = ROLE_BUYER, .who = "lin", .range = which};
    return ask(b, api_clip_media, part);
}

static void test_what_is_a_view(void **state)
{
    struct bench *b = *state;
    struct api_ask a = {.role = ROLE_BUYER, .who = "lin", .method = HTTP_HEAD};
    assert_int_equal(ask(b, api_clip_media, a), 200);
    a = (struct api_ask){.role = ROLE_BUYER, .who = "lin", .if_none_match = "\"" SHA "\""};
    assert_int_equal(ask(b, api_clip_media, a), 200);
    assert_int_equal(range(b, "bytes=100-"), 200); /* answered by 416 */
    assert_int_equal(views(b), 0);
    assert_int_equal(range(b, "bytes=5-"), 200); /* the middle first is a view */
    assert_int_equal(views(b), 1);
    b->api.unix_us += 59000000;
    assert_int_equal(range(b, "bytes=7-"), 200); /* its later pieces are not */
    assert_int_equal(views(b), 1);
    assert_int_equal(range(b, "bytes=0-3"), 200); /* from the start again is */
    assert_int_equal(views(b), 2);
    b->api.unix_us += 61000000;
    assert_int_equal(range(b, "bytes=7-"), 200);
    assert_int_equal(views(b), 3);
    assert_int_equal(
        ask(b, api_clip_media, (struct api_ask){.role = ROLE_AGENT, .range = "bytes=7-"}),
        200); /* somebody else's */
    assert_int_equal(views(b), 4);
    assert_int_equal(range(b, "pages=1-2"), 200); /* no range that is understood: all of it */
    assert_int_equal(views(b), 5);
    a = (struct api_ask){.role = ROLE_BUYER, .who = "lin", .range = "bytes=7-"};
    a.if_range = "\"" SHA "\"";
    assert_int_equal(ask(b, api_clip_media, a), 200);
    assert_int_equal(views(b), 5);
    a.if_range = "\"of another\""; /* it has changed, so they want: all of it */
    assert_int_equal(ask(b, api_clip_media, a), 200);
    assert_int_equal(views(b), 6);
}

static void test_manifest(void **state)
{
    struct bench *b = *state;
    const struct http_response *r = &b->api.response;
    const struct api_ask buyer = {.role = ROLE_BUYER};
    assert_int_equal(ask(b, api_clip_manifest, buyer), 404); /* not sealed yet */
    api_bench_file(b->clip.path, ".manifest.json", "{}");
    assert_int_equal(ask(b, api_clip_manifest, buyer), 200);
    assert_string_equal(r->content_type, "application/json");
    assert_string_equal(r->etag, "\"" SHA "-m2\"");
    assert_string_equal(api_header(&b->api, "cache-control"), "private, no-cache");
    assert_int_equal(r->file_size, 2);
    assert_int_equal(views(b), 1);
    const struct api_ask only_looking = {.role = ROLE_BUYER, .method = HTTP_HEAD};
    assert_int_equal(ask(b, api_clip_manifest, only_looking), 200);
    assert_int_equal(views(b), 1);
    /* With its time stamp it is another file: who has the first one is sent it, and that is a view. */
    const struct api_ask again = {.role = ROLE_BUYER, .if_none_match = "\"" SHA "-m2\""};
    assert_int_equal(ask(b, api_clip_manifest, again), 200);
    assert_int_equal(views(b), 1);
    api_bench_file(b->clip.path, ".manifest.json", "{'timestamp':0}");
    assert_int_equal(ask(b, api_clip_manifest, again), 200);
    assert_string_equal(r->etag, "\"" SHA "-m15\"");
    assert_int_equal(views(b), 2);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_clip_addresses),           TEST(test_who_sees_a_clip),
        TEST(test_the_clips_of_a_case),      TEST(test_files),
        TEST(test_files_that_are_not_there), TEST(test_links),
        TEST(test_what_is_a_view),           TEST(test_manifest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
