// SPDX-License-Identifier: Apache-2.0
/* Who may have somebody recorded: in which room, of whom, and what is told when it cannot be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/str.h"
#include "server/calls_impl.h"
#include "tests/unit/support/calls_world.h"
#include "tests/unit/support/fake_media.h"

struct fixture {
    struct world w;
    struct client buyer, agent;
    struct store_case c;
    struct claims who;
    int run_er;             /* what the recording answers */
    struct record_ask seen; /* by it */
    unsigned runs, answers;
    int er;
    char why[80];
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    world_start(&f->w);
    f->c = world_case(&f->w, "bo");
    f->who = world_claims("ann", ROLE_AGENT, NULL);
    client_hello(&f->buyer, &f->w, "bo", ROLE_BUYER, &f->c.id);
    client_hello(&f->agent, &f->w, "ann", ROLE_AGENT, &f->c.id);
    client_say(&f->buyer, "{'type':'consent','id':'c','recording':true}");
    client_publish(&f->buyer, &f->c.room, "bo");
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    client_free(&f->buyer);
    client_free(&f->agent);
    world_stop(&f->w);
    free(f);
    return 0;
}

static int on_run(struct calls *c, struct room *r, const struct record_ask *ask)
{
    struct fixture *f = ask->ctx;
    assert_ptr_equal(r->calls, c);
    f->runs++;
    f->seen = *ask;
    return f->run_er;
}

static void on_done(void *ctx, int er, const char *why, const json_t *body)
{
    struct fixture *f = ctx;
    assert_null(body);
    f->answers++;
    f->er = er;
    (void)snprintf(f->why, sizeof f->why, "%s", why ? why : "");
}

/** The error that it was answered with, or 0: the recording has it. */
static int record(struct fixture *f, const char *room, const char *publisher)
{
    struct record_ask ask = {.who = f->who, .run = on_run, .done = on_done, .ctx = f};
    (void)str_copy(ask.publisher, sizeof ask.publisher, publisher);
    f->runs = f->answers = 0;
    f->er = 0;
    calls_record(f->w.calls, room, &ask);
    world_settle(&f->w);
    assert_int_equal(f->answers, f->er ? 1 : 0);
    assert_true(f->er != 0 || f->runs == 1);
    return f->er;
}

static void the_buyer_is_meant_when_nobody_is_named(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(record(f, f->c.room.text, ""), 0);
    assert_string_equal(f->seen.publisher, "bo");
    assert_string_equal(f->seen.who.identity, "ann");
    assert_int_equal(record(f, f->c.room.text, "bo"), 0);
}

static void only_those_with_the_right_in_this_room(void **state)
{
    struct fixture *f = *state;
    f->who.grants.record = false;
    assert_int_equal(record(f, f->c.room.text, ""), ER_DENIED);
    assert_string_equal(f->why, "this token may not record");
    f->who = world_claims("ann", ROLE_AGENT, NULL);
    (void)snprintf(f->who.merchant, sizeof f->who.merchant, "elsewhere");
    assert_int_equal(record(f, f->c.room.text, ""), ER_DENIED);
    assert_string_equal(f->why, "this token is not for this room");
    f->who = world_claims("ann", ROLE_AGENT, &f->c.room); /* some other case */
    assert_int_equal(record(f, f->c.room.text, ""), ER_DENIED);
    assert_int_equal(f->runs, 0);
}

static void rooms_that_are_not_there(void **state)
{
    struct fixture *f = *state;
    struct store_case empty = world_case(&f->w, "di");
    assert_int_equal(record(f, "nonsense", ""), ER_NOT_FOUND);
    assert_int_equal(record(f, f->c.id.text, ""), ER_NOT_FOUND);
    assert_int_equal(record(f, empty.room.text, ""), ER_CONFLICT);
    assert_string_equal(f->why, "nobody is in the room");
    store_case_clear(&empty);
}

static void only_of_who_is_there_and_agrees(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(record(f, f->c.room.text, "nobody"), ER_NOT_FOUND);
    assert_int_equal(record(f, f->c.room.text, "ann"), ER_CONFLICT); /* no word of hers */
    client_say(&f->buyer, "{'type':'consent','id':'w','recording':false}");
    assert_int_equal(record(f, f->c.room.text, ""), ER_CONFLICT);
    assert_string_equal(f->why, "the publisher has not consented to being recorded");
    client_say(&f->buyer, "{'type':'leave','id':'l'}");
    assert_int_equal(record(f, f->c.room.text, ""), ER_CONFLICT);
    assert_string_equal(f->why, "nobody is there to be recorded");
    assert_int_equal(f->runs, 0);
}

static void not_of_who_sends_no_picture(void **state)
{
    struct fixture *f = *state;
    struct media_event gone = {.type = MEDIA_TRACK_REMOVED,
                               .room = f->c.room,
                               .peer = fake_media_last_peer(f->w.media),
                               .track = 1};
    assert_int_equal(record(f, f->c.room.text, ""), 0);
    fake_media_say(f->w.media, &gone);
    world_settle(&f->w);
    assert_int_equal(record(f, f->c.room.text, "bo"), ER_CONFLICT);
    assert_string_equal(f->why, "the publisher sends no picture");
}

static void not_without_room_nor_while_all_ends(void **state)
{
    struct fixture *f = *state;
    f->w.calls->space_low = true;
    assert_int_equal(record(f, f->c.room.text, ""), ER_IO);
    f->w.calls->space_low = false;
    f->run_er = ER_FULL;
    assert_int_equal(record(f, f->c.room.text, ""), ER_FULL);
    assert_string_equal(f->why, "too much is recorded in this room already");
    f->run_er = ER_NOMEM;
    assert_int_equal(record(f, f->c.room.text, ""), ER_NOMEM);
    f->w.calls->draining = true;
    assert_int_equal(record(f, f->c.room.text, ""), ER_CLOSED);
    f->w.calls->draining = false;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_buyer_is_meant_when_nobody_is_named),
        TEST(only_those_with_the_right_in_this_room),
        TEST(rooms_that_are_not_there),
        TEST(only_of_who_is_there_and_agrees),
        TEST(not_of_who_sends_no_picture),
        TEST(not_without_room_nor_while_all_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
