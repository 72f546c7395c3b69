// SPDX-License-Identifier: Apache-2.0
/* Stills: right and consent first, the row before the picture, told when it is there, nothing left of
 * one that did not come about. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/er.h"
#include "tests/unit/support/calls_world.h"
#include "tests/unit/support/fake_dbq.h"
#include "tests/unit/support/fake_media.h"

struct result {
    int er;
    unsigned calls;
    json_t *body;
};

static void take_result(void *ctx, int er, const char *why, const json_t *body)
{
    struct result *r = ctx;
    assert_true(er == 0 || why);
    r->er = er;
    r->calls++;
    json_decref(r->body);
    r->body = body ? json_deep_copy(body) : NULL;
}

static int take(struct world *w, const struct claims *who, const char *room, const char *publisher,
                struct result *ret)
{
    json_decref(ret->body);
    *ret = (struct result){0};
    calls_still(w->calls, who, room, publisher, "crack", take_result, ret);
    world_settle(w);
    assert_int_equal(ret->calls, 1);
    return ret->er;
}

struct fixture {
    struct world w;
    struct client buyer;
    struct store_case c;
    struct claims agent;
    struct result result;
};

static void begin(struct fixture *f, bool consents)
{
    memset(f, 0, sizeof *f);
    world_start(&f->w);
    f->c = world_case(&f->w, "bo");
    f->agent = world_claims("ann", ROLE_AGENT, NULL);
    client_hello(&f->buyer, &f->w, "bo", ROLE_BUYER, &f->c.id);
    if (consents)
        client_say(&f->buyer, "{'type':'consent','id':'c','recording':true}");
    client_publish(&f->buyer, &f->c.room, "bo");
    client_forget(&f->buyer);
}

static void end(struct fixture *f)
{
    json_decref(f->result.body);
    client_free(&f->buyer);
    world_stop(&f->w);
}

static void count_each(void *ctx, const struct store_still *still)
{
    (void)still;
    (*(unsigned *)ctx)++;
}

static unsigned unfinished(struct fixture *f)
{
    unsigned count = 0;
    assert_int_equal(store_stills_unfinished(f->w.store, NULL, "still", count_each, &count), 0);
    return count;
}

static void test_needs_consent_and_right(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, false);
    struct store_case other = world_case(&f.w, "di");
    struct claims elsewhere = world_claims("ann", ROLE_AGENT, &other.id);
    struct claims nobody = world_claims("bo", ROLE_BUYER, &f.c.id);
    const char *room = f.c.room.text;
    assert_int_equal(take(&f.w, &f.agent, room, NULL, &f.result), ER_CONFLICT);
    assert_int_equal(take(&f.w, &f.agent, room, "nobody", &f.result), ER_NOT_FOUND);
    assert_int_equal(take(&f.w, &f.agent, other.room.text, NULL, &f.result), ER_CONFLICT);
    assert_int_equal(take(&f.w, &f.agent, "nonsense", NULL, &f.result), ER_NOT_FOUND);
    assert_int_equal(take(&f.w, &nobody, room, NULL, &f.result), ER_DENIED);
    assert_int_equal(take(&f.w, &elsewhere, room, NULL, &f.result), ER_DENIED);
    assert_int_equal(fake_media_count(f.w.media, "still"), 0);
    assert_int_equal(unfinished(&f), 0);
    end(&f);
}

static void test_life_of_a_still(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, true);
    assert_int_equal(take(&f.w, &f.agent, f.c.room.text, NULL, &f.result), 0);
    json_t *told = client_expect(&f.buyer, "still");
    const char *id = text_at(told, "still.id");
    assert_string_equal(text_at(f.result.body, "id"), id);
    assert_string_equal(text_at(f.result.body, "publisher"), "bo");
    assert_string_equal(text_at(f.result.body, "label"), "crack");
    assert_string_equal(text_at(f.result.body, "at"), "2023-11-14T22:13:20.000Z");
    assert_string_equal(text_at(f.result.body, "frame.sha256"), "f5");
    assert_true(json_real_value(json_object_get(f.result.body, "sharpness")) == 123.46);
    assert_int_equal(json_integer_value(json_object_get(f.result.body, "quantizer")), 21);
    char path[200];
    (void)snprintf(path, sizeof path, "still %s bo %s/blobs/%.2s/%s", id, f.w.data, id, id);
    assert_string_equal(fake_media_last(f.w.media, "still"), path);
    assert_int_equal(world_events(&f.w, &f.c.id, "still_taken"), 1);
    struct id still;
    struct store_still row;
    assert_int_equal(id_parse(id, &still), 0);
    assert_int_equal(store_still_get(f.w.store, &still, &row), 0);
    assert_true(row.ready && row.width == 1280 && row.bytes == 70000);
    unsigned listed = 0;
    assert_int_equal(store_stills_of_case(f.w.store, &f.c.id, count_each, &listed), 0);
    assert_int_equal(listed, 1);
    struct calls_gauges gauges;
    calls_read_gauges(f.w.calls, &gauges);
    assert_int_equal(gauges.stills_taken, 1);
    end(&f);
}

/** Who may not see a still is not told of it either, nor of where a photograph was taken. */
static void test_viewers_are_not_told(void **state)
{
    (void)state;
    struct fixture f;
    struct client viewer;
    begin(&f, true);
    client_hello(&viewer, &f.w, "vi", ROLE_VIEWER, &f.c.id);
    assert_int_equal(take(&f.w, &f.agent, f.c.room.text, NULL, &f.result), 0);
    assert_true(client_has(&f.buyer, "still"));
    client_say(&f.buyer, "{'type':'chat','text':'all hear this'}");
    assert_true(client_has(&viewer, "chat"));
    assert_false(client_has(&viewer, "still"));
    client_free(&viewer);
    end(&f);
}

static void test_nothing_stays_of_a_failure(void **state)
{
    static const struct {
        int said, answered;
    } all[] = {{ER_DENIED, ER_CONFLICT},    {ER_NOT_FOUND, ER_CONFLICT}, {ER_STALE, ER_CONFLICT},
               {ER_MALFORMED, ER_CONFLICT}, {ER_FULL, ER_FULL},          {ER_IO, ER_IO},
               {ER_NOMEM, ER_NOMEM}};
    (void)state;
    struct fixture f;
    begin(&f, true);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        fake_media_refuse_stills(f.w.media, all[i].said);
        assert_int_equal(take(&f.w, &f.agent, f.c.room.text, NULL, &f.result), all[i].answered);
        assert_int_equal(unfinished(&f), 0);
    }
    fake_media_full(f.w.media, true);
    assert_int_equal(take(&f.w, &f.agent, f.c.room.text, NULL, &f.result), ER_FULL);
    fake_media_full(f.w.media, false);
    assert_int_equal(unfinished(&f), 0);
    assert_int_equal(world_events(&f.w, &f.c.id, "still_taken"), 0);
    assert_false(client_has(&f.buyer, "still"));
    end(&f);
}

static void write_file(const char *path, const char *suffix)
{
    char name[STORE_PATH_BYTES + 16];
    (void)snprintf(name, sizeof name, "%s%s", path, suffix);
    FILE *file = fopen(name, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
}

static bool has_file(const char *path, const char *suffix)
{
    char name[STORE_PATH_BYTES + 16];
    (void)snprintf(name, sizeof name, "%s%s", path, suffix);
    return access(name, F_OK) == 0;
}

/** The process dies between the file and its row's end: the next one removes both. */
static void test_what_a_dead_process_left_goes(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, true);
    assert_int_equal(take(&f.w, &f.agent, f.c.room.text, NULL, &f.result), 0);
    struct store_still row = {.case_id = f.c.id, .room = f.c.room, .kind = "still"};
    (void)snprintf(row.path, sizeof row.path, "%s/left", f.w.data);
    assert_int_equal(store_still_add(f.w.store, &row, 1), 0);
    write_file(row.path, ".jpg");
    write_file(row.path, ".small.jpg.tmp");
    client_cut(&f.buyer);
    world_restart(&f.w);
    world_settle(&f.w);
    assert_int_equal(unfinished(&f), 0);
    assert_false(has_file(row.path, ".jpg") || has_file(row.path, ".small.jpg.tmp"));
    unsigned listed = 0;
    assert_int_equal(store_stills_of_case(f.w.store, &f.c.id, count_each, &listed), 0);
    assert_int_equal(listed, 1);
    end(&f);
}

static void test_drain_refuses_and_waits(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, true);
    struct result r = {0};
    calls_still(f.w.calls, &f.agent, f.c.room.text, NULL, NULL, take_result, &r);
    calls_drain(f.w.calls, NULL, NULL);
    world_settle(&f.w);
    assert_int_equal(r.er, ER_CLOSED);
    assert_int_equal(take(&f.w, &f.agent, f.c.room.text, NULL, &f.result), ER_CLOSED);
    assert_int_equal(fake_media_count(f.w.media, "still"), 0);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_needs_consent_and_right),
        cmocka_unit_test(test_life_of_a_still),
        cmocka_unit_test(test_viewers_are_not_told),
        cmocka_unit_test(test_nothing_stays_of_a_failure),
        cmocka_unit_test(test_what_a_dead_process_left_goes),
        cmocka_unit_test(test_drain_refuses_and_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
