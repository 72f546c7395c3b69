// SPDX-License-Identifier: Apache-2.0
/* Stills over HTTP: who may see them, their files by token and by link, which requests are views. */
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
    struct store_still still;
};

/** A still of the bench's case that was taken, with its files. */
static int setup(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    assert_non_null(b);
    *state = b;
    api_bench_start(&b->api);
    struct store_still *s = &b->still;
    *s = (struct store_still){.case_id = b->api.sc.id,
                              .room = b->api.sc.room,
                              .kind = "still",
                              .label = "cup",
                              .publisher = "lin",
                              .taken_by = "ann"};
    (void)snprintf(s->path, sizeof s->path, "%s/sample", b->api.w.data);
    api_bench_file(b->still.path, ".jpg", "0123456789");
    api_bench_file(b->still.path, ".small.jpg", "small");
    assert_int_equal(store_still_add(b->api.w.store, s, b->api.unix_us), 0);
    s->at_us = b->api.unix_us;
    s->bytes = 10;
    s->width = 640;
    s->height = 480;
    (void)str_copy(s->sha256, sizeof s->sha256, SHA);
    (void)str_copy(s->facts, sizeof s->facts, "{}");
    assert_int_equal(store_still_finish(b->api.w.store, s, b->api.unix_us), 0);
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
        a.param[0] = b->still.id.text;
    return api_on_store(&b->api, what, a);
}

static size_t views(struct bench *b)
{
    return world_events(&b->api.w, &b->api.sc.id, "still_viewed");
}

static void test_who_sees_a_still(void **state)
{
    struct bench *b = *state;
    struct store_case other = world_case(&b->api.w, "bo");
    const char *id = b->api.sc.id.text;
    assert_int_equal(ask(b, api_still_get, (struct api_ask){.role = ROLE_BUYER}), 200);
    assert_string_equal(api_text(&b->api, "sha256"), SHA);
    assert_true(strncmp(api_text(&b->api, "media_url"), "/api/v1/stills/", 15) == 0);
    const struct api_ask of_case = {.role = ROLE_AGENT, .param = {id}};
    assert_int_equal(ask(b, api_stills_list, of_case), 200);
    assert_string_equal(api_text(&b->api, "items.0.id"), b->still.id.text);
    const struct api_ask stranger = {.role = ROLE_BUYER, .of_case = &other.id};
    assert_int_equal(ask(b, api_still_get, stranger), 403);
    assert_int_equal(ask(b, api_still_media, stranger), 403);
    assert_int_equal(ask(b, api_still_poster, stranger), 403);
    const struct api_ask foreign = {.role = ROLE_SERVICE, .foreign = true};
    assert_int_equal(ask(b, api_still_get, foreign), 403);
    static const char *const none[] = {"01hzzzzzzzzzzzzzzzzzzzzzz0", "x", ""};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(
            ask(b, api_still_get, (struct api_ask){.role = ROLE_AGENT, .param = {none[i]}}), 404);
    assert_int_equal(views(b), 0);
}

/* Until it is taken there is none. */
static void test_one_that_is_being_taken(void **state)
{
    struct bench *b = *state;
    struct store_still young = b->still;
    young.id = (struct id){0};
    assert_int_equal(store_still_add(b->api.w.store, &young, b->api.unix_us), 0);
    const struct api_ask early = {.role = ROLE_AGENT, .param = {young.id.text}};
    assert_int_equal(ask(b, api_still_get, early), 404);
    assert_int_equal(ask(b, api_still_media, early), 404);
    const struct api_ask of_case = {.role = ROLE_AGENT, .param = {b->api.sc.id.text}};
    assert_int_equal(ask(b, api_stills_list, of_case), 200);
    assert_int_equal(json_array_size(json_object_get(b->api.body, "items")), 1);
}

static void test_files(void **state)
{
    struct bench *b = *state;
    const struct http_response *r = &b->api.response;
    const struct api_ask buyer = {.role = ROLE_BUYER};
    char name[128], path[STORE_PATH_BYTES + 16];
    assert_int_equal(ask(b, api_still_media, buyer), 200);
    assert_true(r->file && r->file_size == 10);
    assert_string_equal(r->content_type, "image/jpeg");
    assert_string_equal(r->etag, "\"" SHA "-media\"");
    (void)snprintf(name, sizeof name, "inline; filename=\"%s.jpg\"", b->still.id.text);
    assert_string_equal(api_header(&b->api, "content-disposition"), name);
    assert_string_equal(api_header(&b->api, "cache-control"), "private, max-age=600");
    assert_int_equal(ask(b, api_still_poster, buyer), 200);
    assert_string_equal(r->etag, "\"" SHA "-poster\"");
    assert_int_equal(r->file_size, 5);
    api_bench_file(b->still.path, ".small.jpg", "");
    assert_true(ask(b, api_still_poster, buyer) >= 500);
    (void)snprintf(path, sizeof path, "%s.small.jpg", b->still.path);
    assert_int_equal(remove(path), 0);
    assert_int_equal(ask(b, api_still_poster, buyer), 404);
}

static void test_links(void **state)
{
    struct bench *b = *state;
    char query[512];
    assert_int_equal(ask(b, api_still_get, (struct api_ask){.role = ROLE_AGENT, .who = "ann"}),
                     200);
    (void)snprintf(query, sizeof query, "%s", strchr(api_text(&b->api, "media_url"), '?') + 1);
    const struct api_ask by_link = {.nobody = true, .query = query};
    assert_int_equal(ask(b, api_still_media, by_link), 200);
    assert_int_equal(views(b), 1);
    assert_int_equal(ask(b, api_still_poster, by_link), 403); /* good for that file alone */
    query[strlen("person=")] = 'A';
    assert_int_equal(ask(b, api_still_media, by_link), 403);
    query[strlen("person=")] = 'a';
    b->api.unix_us += (AUTH_MEDIA_SECONDS + 1) * UINT64_C(1000000);
    assert_int_equal(ask(b, api_still_media, by_link), 403);
    assert_int_equal(ask(b, api_still_media, (struct api_ask){.nobody = true}), 401);
    assert_int_equal(views(b), 1);
}

static void test_what_is_a_view(void **state)
{
    struct bench *b = *state;
    const struct api_ask head = {.role = ROLE_BUYER, .method = HTTP_HEAD};
    const struct api_ask known = {.role = ROLE_BUYER, .if_none_match = "\"" SHA "-media\""};
    const struct api_ask buyer = {.role = ROLE_BUYER};
    assert_int_equal(ask(b, api_still_media, head), 200);
    assert_int_equal(ask(b, api_still_media, known), 200);
    assert_int_equal(views(b), 0);
    assert_int_equal(ask(b, api_still_media, buyer), 200);
    assert_int_equal(ask(b, api_still_media, buyer), 200);
    assert_int_equal(views(b), 2);
    assert_int_equal(ask(b, api_still_poster, buyer), 200);
    assert_int_equal(ask(b, api_still_poster, buyer), 200); /* as lists do all the time */
    assert_int_equal(views(b), 3);
    b->api.unix_us += 601000000;
    assert_int_equal(ask(b, api_still_poster, buyer), 200);
    assert_int_equal(views(b), 4);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_who_sees_a_still),
        TEST(test_one_that_is_being_taken),
        TEST(test_files),
        TEST(test_links),
        TEST(test_what_is_a_view),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
