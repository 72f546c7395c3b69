// SPDX-License-Identifier: Apache-2.0
/* What REST asks of a live room: refused before it gets there, passed on, and answered when the conductor
 * has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "tests/unit/support/api_bench.h"
#include "tests/unit/support/fake_dbq.h"
#include "tests/unit/support/fake_media.h"

struct bench {
    struct api_bench api;
    struct client buyer;
};

/** The case's buyer is in the room and has not consented. */
static int setup(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    assert_non_null(b);
    api_bench_start(&b->api);
    client_hello(&b->buyer, &b->api.w, "lin", ROLE_BUYER, &b->api.sc.id);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    client_free(&b->buyer);
    api_bench_stop(&b->api);
    free(b);
    return 0;
}

typedef void handler(struct api_call *c);

static int ask(struct bench *b, handler *what, enum role role, const char *who, const char *body)
{
    return api_on_loop(
        &b->api, what,
        (struct api_ask){.role = role, .who = who, .param = {b->api.sc.room.text}, .body = body});
}

static void test_the_room(void **state)
{
    struct bench *b = *state;
    assert_int_equal(ask(b, api_room_get, ROLE_AGENT, "ann", NULL), 200);
    assert_string_equal(api_text(&b->api, "people.0.identity"), "lin");
    struct store_case other = world_case(&b->api.w, "bo");
    const struct api_ask stranger = {
        .role = ROLE_BUYER, .of_case = &other.id, .param = {b->api.sc.room.text}};
    assert_int_equal(api_on_loop(&b->api, api_room_get, stranger), 403);
    const struct api_ask nowhere = {.role = ROLE_AGENT, .param = {"nonsense"}};
    assert_int_equal(api_on_loop(&b->api, api_room_get, nowhere), 404);
    assert_string_equal(b->api.response.content_type, "application/problem+json");
}

static void test_consent(void **state)
{
    struct bench *b = *state;
    static const char *const bad[] = {"{}", "{'recording':'yes'}", "{'recording':1}",
                                      "{'recording':null}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(ask(b, api_room_consent, ROLE_BUYER, "lin", bad[i]), 400);
    assert_int_equal(world_events(&b->api.w, &b->api.sc.id, "recording_consent"), 0);
    int status = ask(b, api_room_consent, ROLE_BUYER, "lin", "{'recording':true}");
    assert_true(status == 200 || status == 204);
    assert_int_equal(world_events(&b->api.w, &b->api.sc.id, "recording_consent"), 1);
    assert_non_null(fake_media_last(b->api.w.media, "consent"));
}

static void test_a_clip_from_start_to_stop(void **state)
{
    struct bench *b = *state;
    char id[ID_TEXT_BYTES];
    assert_int_equal(ask(b, api_room_clip, ROLE_AGENT, "ann", NULL), 409); /* no consent */
    (void)ask(b, api_room_consent, ROLE_BUYER, "lin", "{'recording':true}");
    assert_int_equal(ask(b, api_room_clip, ROLE_BUYER, "lin", NULL), 403);
    assert_int_equal(ask(b, api_room_clip, ROLE_AGENT, "ann", "{'publisher':'nobody'}"), 404);
    assert_int_equal(ask(b, api_room_clip, ROLE_AGENT, "ann", NULL), 409); /* no picture */
    client_publish(&b->buyer, &b->api.sc.room, "lin");
    assert_int_equal(fake_media_count(b->api.w.media, "clip_start"), 0);
    assert_int_equal(ask(b, api_room_clip, ROLE_AGENT, "ann", "{'publisher':'lin','label':'cup'}"),
                     201);
    assert_string_equal(api_text(&b->api, "label"), "cup");
    assert_string_equal(api_text(&b->api, "state"), "recording");
    assert_true(json_is_null(json_object_get(b->api.body, "media_url")));
    (void)snprintf(id, sizeof id, "%s", api_text(&b->api, "id"));
    const struct api_ask stop = {.role = ROLE_AGENT, .who = "ann", .param = {id}};
    assert_int_equal(api_on_loop(&b->api, api_clip_stop, stop), 200);
    /* Once more, when it is written. */
    assert_int_equal(api_on_loop(&b->api, api_clip_stop, stop), 200);
    assert_string_equal(api_text(&b->api, "state"), "ready");
    /* Its files have addresses for the one who asked. */
    assert_non_null(strstr(api_text(&b->api, "media_url"), "person=ann&"));
    const struct api_ask none = {.role = ROLE_AGENT, .param = {"01hzzzzzzzzzzzzzzzzzzzzzz0"}};
    assert_int_equal(api_on_loop(&b->api, api_clip_stop, none), 404);
}

static void test_texts_of_a_clip(void **state)
{
    struct bench *b = *state;
    (void)ask(b, api_room_consent, ROLE_BUYER, "lin", "{'recording':true}");
    assert_int_equal(ask(b, api_room_clip, ROLE_AGENT, "ann", "{'publisher':7}"), 400);
    assert_int_equal(ask(b, api_room_clip, ROLE_AGENT, "ann", "{'label':{}}"), 400);
    char body[LIMIT_NAME + 64];
    (void)snprintf(body, sizeof body, "{'label':'%0*d'}", LIMIT_NAME + 1, 0);
    assert_int_equal(ask(b, api_room_clip, ROLE_AGENT, "ann", body), 400);
    assert_int_equal(fake_media_count(b->api.w.media, "clip_start"), 0);
}

/* Too much waits for the database: come again. */
static void test_too_much_at_once(void **state)
{
    struct bench *b = *state;
    (void)ask(b, api_room_consent, ROLE_BUYER, "lin", "{'recording':true}");
    client_publish(&b->buyer, &b->api.sc.room, "lin");
    fake_dbq_full(b->api.w.dbq, true);
    assert_int_equal(ask(b, api_room_clip, ROLE_AGENT, "ann", NULL), 429);
    assert_string_equal(api_header(&b->api, "retry-after"), "1");
    fake_dbq_full(b->api.w.dbq, false);
    assert_int_equal(ask(b, api_room_clip, ROLE_AGENT, "ann", NULL), 201);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_the_room),
        TEST(test_consent),
        TEST(test_a_clip_from_start_to_stop),
        TEST(test_texts_of_a_clip),
        TEST(test_too_much_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
