// SPDX-License-Identifier: Apache-2.0
/* The course of a light challenge: who may ask, each step told in its time, the verdict on the case. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "server/calls_impl.h"
#include "server/light.h"
#include "tests/unit/support/calls_world.h"
#include "tests/unit/support/fake_media.h"

struct fixture {
    struct world w;
    struct client buyer, agent;
    struct store_case c;
    struct media_light_curve *curve;
    unsigned asked;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    world_start(&f->w);
    f->c = world_case(&f->w, "bo");
    client_hello(&f->buyer, &f->w, "bo", ROLE_BUYER, &f->c.id);
    client_hello(&f->agent, &f->w, "ann", ROLE_AGENT, &f->c.id);
    client_say(&f->buyer, "{'type':'consent','id':'c','recording':true}");
    client_forget(&f->buyer);
    client_forget(&f->agent);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    free(f->curve);
    client_free(&f->buyer);
    client_free(&f->agent);
    world_stop(&f->w);
    free(f);
    return 0;
}

static void ask(struct fixture *f)
{
    client_say(&f->agent, "{'type':'light_challenge','id':'a%u'}", ++f->asked);
}

/** Plays the buyer's page through all steps; the curve is what its camera would see, if it is `live`. */
static void play(struct fixture *f, bool live)
{
    free(f->curve);
    f->curve = calloc(1, sizeof *f->curve);
    assert_non_null(f->curve);
    bool on = false, done = false;
    unsigned steps = 0;
    for (unsigned i = 0; i < 400 && !done; i++) {
        world_pass(&f->w, 40);
        while (client_has(&f->buyer, "light")) {
            json_t *m = client_expect(&f->buyer, "light");
            on = json_is_true(json_object_get(m, "on"));
            done = json_is_true(json_object_get(m, "done"));
            steps++;
        }
        f->curve->samples[f->curve->count++] = (struct media_light_sample){
            .unix_us = calls_unix_us(f->w.calls), .luma = 90 + (live && on ? 20 : i % 3)};
    }
    assert_int_equal(steps, LIGHT_STEPS + 1);
    assert_int_equal(fake_media_count(f->w.media, "light 0"), f->asked - 1);
    world_pass(&f->w, 2500);
    assert_int_equal(fake_media_count(f->w.media, "light 0"), f->asked);
}

static void answer(struct fixture *f, int er)
{
    struct media_event e = {.type = MEDIA_LIGHT, .room = f->c.room, .er = er};
    char text[64];
    assert_int_equal(sscanf(fake_media_last(f->w.media, "light 0"), "light %63s", text), 1);
    assert_int_equal(id_parse(text, &e.clip), 0);
    if (er == 0) {
        e.light = f->curve;
        f->curve = NULL;
    }
    fake_media_say(f->w.media, &e);
    world_settle(&f->w);
}

static void who_may_ask(void **state)
{
    struct fixture *f = *state;
    client_say(&f->buyer, "{'type':'light_challenge','id':'x','identity':'ann'}");
    assert_string_equal(text_at(client_expect(&f->buyer, "error"), "code"), "denied");
    client_say(&f->agent, "{'type':'light_challenge','id':'x','identity':'nobody'}");
    assert_string_equal(text_at(client_expect(&f->agent, "error"), "code"), "not_found");
    client_say(&f->agent, "{'type':'light_challenge','id':'y','identity':'ann'}");
    assert_string_equal(text_at(client_expect(&f->agent, "error"), "code"), "conflict");
    ask(f);
    assert_string_equal(text_at(client_expect(&f->buyer, "light_challenge"), "by.identity"), "ann");
    assert_int_equal(fake_media_count(f->w.media, "light_begins bo"), 1);
    ask(f); /* one at a time */
    assert_string_equal(text_at(client_expect(&f->agent, "error"), "code"), "conflict");
}

static void what_follows_passes(void **state)
{
    struct fixture *f = *state;
    ask(f);
    play(f, true);
    answer(f, 0);
    json_t *result = client_expect(&f->agent, "light_result");
    assert_true(json_is_true(json_object_get(result, "passed")));
    assert_string_equal(text_at(result, "publisher"), "bo");
    assert_int_equal(world_events(&f->w, &f->c.id, "light_challenge"), 1);
    ask(f); /* the next may begin */
    play(f, false);
    answer(f, 0);
    client_forget(&f->agent);
    assert_int_equal(world_events(&f->w, &f->c.id, "light_challenge"), 2);
}

static void what_does_not_fails(void **state)
{
    struct fixture *f = *state;
    ask(f);
    play(f, false);
    answer(f, 0);
    json_t *result = client_expect(&f->agent, "light_result");
    assert_true(json_is_false(json_object_get(result, "passed")));
    assert_true(json_object_get(result, "correlation") != NULL);
}

static void without_pictures_there_is_no_verdict(void **state)
{
    struct fixture *f = *state;
    ask(f);
    play(f, true);
    answer(f, ER_STALE);
    assert_string_equal(text_at(client_expect(&f->agent, "light_result"), "reason"), "no_picture");
    ask(f);
    play(f, true);
    world_pass(&f->w, 11000); /* the media engine says nothing at all */
    assert_string_equal(text_at(client_expect(&f->agent, "light_result"), "reason"), "no_answer");
    assert_int_equal(world_events(&f->w, &f->c.id, "light_challenge_failed"), 2);
    assert_int_equal(world_events(&f->w, &f->c.id, "light_challenge"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_may_ask),
        TEST(what_follows_passes),
        TEST(what_does_not_fails),
        TEST(without_pictures_there_is_no_verdict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
