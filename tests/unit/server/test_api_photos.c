// SPDX-License-Identifier: Apache-2.0
/* Uploads in pieces over HTTP: headers read and written, errors as statuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/support/api_bench.h"

#define TYPE "application/partial-upload"
/* Of nothing. */
#define DIGEST "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"

struct bench {
    struct api_bench api;
    struct client buyer, agent;
    char photo[ID_TEXT_BYTES];
};

static int setup(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    assert_non_null(b);
    api_bench_start(&b->api);
    client_hello(&b->buyer, &b->api.w, "lin", ROLE_BUYER, &b->api.sc.id);
    client_hello(&b->agent, &b->api.w, "ann", ROLE_AGENT, &b->api.sc.id);
    client_say(&b->buyer, "{'type':'consent','id':'c','recording':true}");
    client_forget(&b->agent);
    client_say(&b->agent, "{'type':'photograph','id':'p'}");
    (void)snprintf(b->photo, sizeof b->photo, "%s",
                   text_at(client_expect(&b->agent, "ok"), "photo"));
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    client_free(&b->buyer);
    client_free(&b->agent);
    api_bench_stop(&b->api);
    free(b);
    return 0;
}

/** As the buyer's page. */
static int patch(struct bench *b, struct api_ask ask)
{
    ask.role = ROLE_BUYER;
    ask.who = "lin";
    ask.method = HTTP_PATCH;
    ask.param[0] = b->photo;
    if (!ask.content_type)
        ask.content_type = TYPE;
    return api_on_loop(&b->api, api_photo_piece, ask);
}

static void requests_are_read(void **state)
{
    struct bench *b = *state;
    static const struct {
        int status;
        struct api_ask ask;
    } rows[] = {
        {400, {.raw = "abc"}},
        {400, {.raw = "abc", .upload_offset = "-1"}},
        {400, {.raw = "abc", .upload_offset = "0x"}},
        {400, {.raw = "abc", .upload_offset = "0", .upload_complete = "yes"}},
        {400, {.raw = "abc", .upload_offset = "0", .upload_complete = "?1"}},
        {400, {.upload_offset = "0", .upload_complete = "?1", .repr_digest = "md5=:aa==:"}},
        {400, {.upload_offset = "0", .upload_complete = "?1", .repr_digest = "sha-256=:aa==:"}},
        {415, {.raw = "abc", .upload_offset = "0", .content_type = "image/jpeg"}},
        {400, {.raw = "abc", .upload_offset = "0", .query = "place=perhaps"}},
        {204, {.raw = "abc", .upload_offset = "0"}},
        {409, {.raw = "abc", .upload_offset = "0"}},
        {204,
         {.raw = "d",
          .upload_offset = "3",
          .upload_complete = "?0",
          .content_type = "Application/Offset+Octet-Stream; x=y"}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(patch(b, rows[i].ask), rows[i].status);
    assert_string_equal(api_header(&b->api, "upload-offset"), "4");
    assert_string_equal(api_header(&b->api, "upload-complete"), "?0");
}

static void the_last_piece_makes_a_still(void **state)
{
    struct bench *b = *state;
    const struct api_ask look = {.role = ROLE_BUYER, .who = "lin", .param = {b->photo}};
    const struct api_ask stranger = {.role = ROLE_AGENT, .who = "ann", .param = {b->photo}};
    assert_int_equal(patch(b, (struct api_ask){.raw = "abc", .upload_offset = "0"}), 204);
    assert_int_equal(api_on_loop(&b->api, api_photo_look, look), 204);
    assert_string_equal(api_header(&b->api, "upload-offset"), "3");
    assert_int_equal(api_on_loop(&b->api, api_photo_look, stranger), 403);
    const struct api_ask last = {
        .upload_offset = "3", .upload_complete = "?1", .repr_digest = "sha-512=:x:, " DIGEST};
    assert_int_equal(patch(b, last), 200);
    assert_string_equal(api_text(&b->api, "id"), b->photo);
    assert_string_equal(api_text(&b->api, "upload_sha256"),
                        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_non_null(strstr(api_text(&b->api, "media_url"), "/stills/"));
    assert_int_equal(api_on_loop(&b->api, api_photo_look, look), 204);
    assert_string_equal(api_header(&b->api, "upload-complete"), "?1");
    (void)snprintf(b->photo, sizeof b->photo, "nonsense");
    assert_int_equal(patch(b, last), 404);
}

static void a_place_is_kept_where_that_was_agreed(void **state)
{
    struct bench *b = *state;
    const struct api_ask last = {.raw = "abc",
                                 .upload_offset = "0",
                                 .upload_complete = "?1",
                                 .repr_digest = DIGEST,
                                 .query = "place=keep"};
    assert_int_equal(patch(b, last), 200);
    const json_t *place = json_object_get(b->api.body, "place");
    assert_float_equal(json_number_value(json_object_get(place, "latitude")), 31.2304, 1e-9);
    assert_float_equal(json_number_value(json_object_get(place, "longitude")), -121.4737, 1e-9);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(requests_are_read),
        TEST(the_last_piece_makes_a_still),
        TEST(a_place_is_kept_where_that_was_agreed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
