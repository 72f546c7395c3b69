// SPDX-License-Identifier: Apache-2.0
/* Deleting over HTTP: what is asked for, what is answered, and 410 at every door of what is gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "server/store_keep.h"
#include "tests/unit/support/api_bench.h"

static const char document[] =
    "{\"format\":\"loupe-tombstone/1\",\"tombstone\":{\"reason\":\"asked\"}}";

/** A clip (or still) of the bench's case that was deleted. */
static struct id buried(struct api_bench *b, bool still)
{
    struct store_clip c = {.case_id = b->sc.id, .room = b->sc.room, .kind = "clip", .path = "p"};
    struct store_still s = {.case_id = b->sc.id,
                            .room = b->sc.room,
                            .kind = "still",
                            .path = "p",
                            .facts = "{}",
                            .taken_by = "ann"};
    json_t *told = json_object();
    if (still) {
        assert_int_equal(store_still_add(b->w.store, &s, b->unix_us), 0);
        assert_int_equal(store_still_finish(b->w.store, &s, b->unix_us), 0);
    } else {
        assert_int_equal(store_clip_add(b->w.store, &c, b->unix_us), 0);
        c.state = CLIP_READY;
        assert_int_equal(store_clip_update(b->w.store, &c, b->unix_us), 0);
    }
    char text[sizeof document];
    memcpy(text, document, sizeof document);
    struct store_tombstone t = {
        .id = still ? s.id : c.id, .case_id = b->sc.id, .path = "p", .document = text};
    (void)str_copy(t.object, sizeof t.object, still ? "still" : "clip");
    assert_int_equal(store_bury(b->w.store, &t, "shop", told, b->unix_us), 0);
    json_decref(told);
    return t.id;
}

static void test_gone_at_every_door(void **state)
{
    struct api_bench *b = *state;
    static void (*const doors[2][4])(struct store *, struct api_call *) = {
        {api_clip_get, api_clip_media, api_clip_poster, api_clip_manifest},
        {api_still_get, api_still_media, api_still_poster, api_still_record}};
    struct store_case other = world_case(&b->w, "bo");
    for (unsigned still = 0; still < 2; still++) {
        struct id id = buried(b, still);
        for (size_t d = 0; d < 4; d++) {
            struct api_ask a = {.role = ROLE_BUYER, .param = {id.text}, .range = "bytes=1-2"};
            assert_int_equal(api_on_store(b, doors[still][d], a), 410);
            assert_string_equal(b->response.content_type, "application/problem+json");
            assert_string_equal(api_text(b, "tombstone.tombstone.reason"), "asked");
            a.of_case = &other.id; /* it is told to members only */
            assert_int_equal(api_on_store(b, doors[still][d], a), 403);
            assert_null(json_object_get(b->body, "tombstone"));
            a = (struct api_ask){.role = ROLE_VIEWER, .of_case = &b->sc.id, .param = {id.text}};
            assert_int_equal(api_on_store(b, doors[still][d], a), 403);
        }
    }
    assert_int_equal(world_events(&b->w, &b->sc.id, "clip_viewed"), 0);
}

static void test_links_of_what_is_gone(void **state)
{
    struct api_bench *b = *state;
    struct id id = buried(b, false);
    char query[512];
    json_t *clip = json_object();
    assert_int_equal(api_sign_link(&b->app.media_key, clip, "clips", id.text, "url", "media", "ann",
                                   b->unix_us / 1000000 + 60),
                     0);
    (void)snprintf(query, sizeof query, "%s",
                   strchr(json_string_value(json_object_get(clip, "url")), '?') + 1);
    json_decref(clip);
    const struct api_ask a = {.nobody = true, .query = query, .param = {id.text}};
    assert_int_equal(api_on_store(b, api_clip_media, a), 410);
    assert_int_equal(api_on_store(b, api_clip_poster, a), 403);
}

static void test_tombstones(void **state)
{
    struct api_bench *b = *state;
    struct store_case other = world_case(&b->w, "bo");
    struct id clip = buried(b, false), still = buried(b, true);
    struct api_ask a = {.role = ROLE_BUYER, .param = {b->sc.id.text}};
    assert_int_equal(api_on_store(b, api_tombstones_list, a), 200);
    assert_int_equal(json_array_size(json_object_get(b->body, "items")), 2);
    a.param[0] = still.text;
    assert_int_equal(api_on_store(b, api_tombstone_get, a), 200);
    assert_string_equal(b->response.body, document);
    a.of_case = &other.id;
    assert_int_equal(api_on_store(b, api_tombstone_get, a), 403);
    a.param[0] = b->sc.id.text;
    assert_int_equal(api_on_store(b, api_tombstones_list, a), 403);
    a = (struct api_ask){.role = ROLE_AGENT, .param = {"01hzzzzzzzzzzzzzzzzzzzzzz0"}};
    assert_int_equal(api_on_store(b, api_tombstone_get, a), 404);
    a.param[0] = b->sc.id.text;
    assert_int_equal(api_on_store(b, api_clips_list, a), 200);
    assert_int_equal(json_array_size(json_object_get(b->body, "items")), 0);
    (void)clip;
}

static int remove_clip(struct api_bench *b, enum role role, const char *id, const char *query)
{
    return api_on_loop(
        b, api_clip_delete,
        (struct api_ask){.role = role, .method = HTTP_DELETE, .param = {id}, .query = query});
}

static void test_what_is_asked_for(void **state)
{
    struct api_bench *b = *state;
    const char *none = "01hzzzzzzzzzzzzzzzzzzzzzz0";
    assert_int_equal(remove_clip(b, ROLE_SERVICE, none, NULL), 400);
    assert_int_equal(remove_clip(b, ROLE_SERVICE, none, "reason="), 400);
    assert_int_equal(remove_clip(b, ROLE_SERVICE, none, "reason=x&parts=1"), 400);
    assert_int_equal(remove_clip(b, ROLE_AGENT, none, "reason=x"), 403);
    assert_int_equal(remove_clip(b, ROLE_SERVICE, none, "reason=x"), 503); /* nothing signs here */
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, api_bench_setup, api_bench_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_gone_at_every_door),
        TEST(test_links_of_what_is_gone),
        TEST(test_tombstones),
        TEST(test_what_is_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
