// SPDX-License-Identifier: Apache-2.0
/* Photographs: who may ask whom, pieces that fit and those that do not, what is told, what stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/er.h"
#include "server/calls_impl.h"
#include "tests/unit/support/calls_world.h"
#include "tests/unit/support/fake_media.h"

struct fixture {
    struct world w;
    struct client buyer, agent;
    struct store_case c;
    struct claims page; /* the buyer's */
    int er;
    unsigned calls, asked;
    uint64_t offset;
    bool still;
    char photo[ID_TEXT_BYTES];
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    world_start(&f->w);
    f->c = world_case(&f->w, "bo");
    f->page = world_claims("bo", ROLE_BUYER, &f->c.id);
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
    client_free(&f->buyer);
    client_free(&f->agent);
    world_stop(&f->w);
    free(f);
    return 0;
}

static void took(void *ctx, int er, const char *why, const json_t *body)
{
    struct fixture *f = ctx;
    assert_true(er == 0 || why);
    f->er = er;
    f->calls++;
    f->offset = (uint64_t)json_integer_value(json_object_get(body, "offset"));
    f->still = json_object_get(body, "sha256") != NULL;
}

static int piece(struct fixture *f, const struct claims *who, const struct calls_photo_piece *p)
{
    f->calls = 0;
    calls_photo_piece(f->w.calls, who, f->photo, p, took, f);
    world_settle(&f->w);
    assert_int_equal(f->calls, 1);
    return f->er;
}

static int put(struct fixture *f, uint64_t offset, const char *text, bool complete)
{
    const struct calls_photo_piece p = {.offset = offset,
                                        .data = (const uint8_t *)text,
                                        .len = strlen(text),
                                        .complete = complete,
                                        .sha256 = {0xab}};
    return piece(f, &f->page, &p);
}

static void ask(struct fixture *f)
{
    client_say(&f->agent, "{'type':'photograph','id':'a%u','label':'seam'}", ++f->asked);
    const char *photo = text_at(client_expect(&f->agent, "ok"), "photo");
    (void)snprintf(f->photo, sizeof f->photo, "%s", photo);
    json_t *told = client_expect(&f->buyer, "photograph");
    assert_string_equal(text_at(told, "photo"), f->photo);
    assert_string_equal(text_at(told, "by.identity"), "ann");
    assert_string_equal(text_at(told, "label"), "seam");
}

static void assert_refused(struct client *c, const char *code)
{
    assert_string_equal(text_at(client_expect(c, "error"), "code"), code);
}

static void who_may_ask_whom(void **state)
{
    struct fixture *f = *state;
    client_say(&f->buyer, "{'type':'photograph','id':'r1','identity':'ann'}");
    assert_refused(&f->buyer, "denied");
    client_say(&f->agent, "{'type':'photograph','id':'r2','identity':'nobody'}");
    assert_refused(&f->agent, "not_found");
    client_say(&f->agent, "{'type':'photograph','id':'r3','identity':'ann'}");
    assert_refused(&f->agent, "conflict"); /* no consent of her own */
    f->w.calls->space_low = true;
    client_say(&f->agent, "{'type':'photograph','id':'r4'}");
    assert_refused(&f->agent, "full");
    f->w.calls->space_low = false;
    for (int i = 0; i < LIMIT_PHOTOS_PENDING; i++)
        ask(f);
    assert_int_equal(world_events(&f->w, &f->c.id, "photograph_asked"), LIMIT_PHOTOS_PENDING);
    client_say(&f->agent, "{'type':'photograph','id':'r5'}");
    assert_refused(&f->agent, "full");
    uint64_t unix_us = calls_unix_us(f->w.calls);
    calls_tidy_photos(f->w.store, unix_us + LIMIT_PHOTO_WAIT_US - 1000000);
    client_say(&f->agent, "{'type':'photograph','id':'again'}");
    assert_refused(&f->agent, "full");
    calls_tidy_photos(f->w.store, unix_us + LIMIT_PHOTO_WAIT_US + 1000000); /* none came */
    ask(f);
    client_say(&f->buyer, "{'type':'consent','id':'w','recording':false}");
    client_say(&f->agent, "{'type':'photograph','id':'r6'}");
    assert_refused(&f->agent, "conflict");
}

static void pieces_one_behind_the_other(void **state)
{
    struct fixture *f = *state;
    ask(f);
    const struct calls_photo_piece look = {.only_look = true};
    assert_int_equal(piece(f, &f->page, &look), 0);
    assert_int_equal(f->offset, 0);
    assert_int_equal(put(f, 0, "abc", false), 0);
    assert_int_equal(f->offset, 3);
    assert_int_equal(put(f, 0, "abc", false), ER_STALE);
    assert_int_equal(put(f, 4, "e", false), ER_STALE);
    assert_int_equal(f->offset, 3);
    assert_int_equal(piece(f, &f->page, &look), 0);
    assert_int_equal(f->offset, 3);
    assert_false(client_has(&f->agent, "still"));
    assert_int_equal(put(f, 3, "def", true), 0);
    assert_true(f->still);
    assert_string_equal(text_at(client_expect(&f->agent, "still"), "still.kind"), "photo");
    char noted[200];
    (void)snprintf(noted, sizeof noted, "photo %s %s/blobs/%.2s/%s ab", f->photo, f->w.data,
                   f->photo, f->photo);
    assert_string_equal(fake_media_last(f->w.media, "photo"), noted);
    assert_int_equal(world_events(&f->w, &f->c.id, "still_taken"), 1);
    (void)snprintf(noted, sizeof noted, "%s/blobs/%.2s/%s.upload", f->w.data, f->photo, f->photo);
    assert_int_equal(access(noted, F_OK), -1);
    assert_int_equal(put(f, 6, "", true), 0); /* the answer got lost */
    assert_true(f->still);
    assert_int_equal(fake_media_count(f->w.media, "photo"), 1);
}

/** The process died after the row was written. */
static void the_upload_goes_at_the_next_start(void **state)
{
    struct fixture *f = *state;
    char name[200];
    ask(f);
    assert_int_equal(put(f, 0, "abc", true), 0);
    (void)snprintf(name, sizeof name, "%s/blobs/%.2s/%s.upload", f->w.data, f->photo, f->photo);
    FILE *left = fopen(name, "w");
    assert_non_null(left);
    assert_int_equal(fclose(left), 0);
    calls_tidy_stills(f->w.calls);
    world_settle(&f->w);
    assert_int_equal(access(name, F_OK), -1);
}

static void others_and_too_much_are_refused(void **state)
{
    struct fixture *f = *state;
    ask(f);
    const struct claims agent = world_claims("ann", ROLE_AGENT, NULL);
    const struct calls_photo_piece p = {.data = (const uint8_t *)"x", .len = 1};
    const struct calls_photo_piece huge = {.data = (const uint8_t *)"x",
                                           .len = LIMIT_PHOTO_BYTES + 1};
    struct claims other = f->page; /* somebody of the same name, elsewhere */
    (void)snprintf(other.merchant, sizeof other.merchant, "elsewhere");
    struct claims looks_on = f->page;
    looks_on.grants.publish = false;
    struct store_case another = world_case(&f->w, "bo");
    const struct claims bound = world_claims("bo", ROLE_BUYER, &another.id);
    store_case_clear(&another);
    assert_int_equal(piece(f, &agent, &p), ER_DENIED);
    assert_int_equal(piece(f, &other, &p), ER_DENIED);
    assert_int_equal(piece(f, &bound, &p), ER_DENIED);
    assert_int_equal(piece(f, &looks_on, &p), ER_DENIED);
    assert_int_equal(piece(f, &f->page, &huge), ER_FULL);
    assert_int_equal(put(f, 0, "abc", false), 0);
    (void)snprintf(f->photo, sizeof f->photo, "nonsense");
    assert_int_equal(put(f, 0, "abc", false), ER_NOT_FOUND);
}

static void what_is_no_picture_is_dropped(void **state)
{
    static const struct {
        int said, answered;
    } all[] = {{ER_UNAUTHENTIC, ER_MALFORMED},
               {ER_MALFORMED, ER_MALFORMED},
               {ER_UNSUPPORTED, ER_UNSUPPORTED},
               {ER_IO, ER_IO}};
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        char name[200];
        ask(f);
        (void)snprintf(name, sizeof name, "%s/blobs/%.2s/%s.upload", f->w.data, f->photo, f->photo);
        assert_int_equal(put(f, 0, "abc", false), 0);
        assert_int_equal(access(name, F_OK), 0);
        fake_media_refuse_stills(f->w.media, all[i].said);
        assert_int_equal(put(f, 3, "", true), all[i].answered);
        assert_string_equal(text_at(client_expect(&f->agent, "photograph_failed"), "photo"),
                            f->photo);
        assert_int_equal(put(f, 3, "", true), ER_NOT_FOUND);
        assert_int_equal(access(name, F_OK), -1);
    }
}

static void the_page_may_say_no(void **state)
{
    struct fixture *f = *state;
    ask(f);
    client_say(&f->agent, "{'type':'photograph_failed','id':'n','photo':'%s'}", f->photo);
    assert_false(client_has(&f->agent, "photograph_failed")); /* it is not hers */
    assert_int_equal(put(f, 0, "abc", false), 0);
    client_say(&f->buyer, "{'type':'photograph_failed','id':'n','photo':'%s','reason':'busy'}",
               f->photo);
    assert_string_equal(text_at(client_expect(&f->agent, "photograph_failed"), "reason"), "busy");
    assert_int_equal(put(f, 3, "def", false), ER_NOT_FOUND);
}

static void withdrawal_forgets_what_was_sent(void **state)
{
    struct fixture *f = *state;
    char name[400];
    ask(f);
    assert_int_equal(put(f, 0, "abc", false), 0);
    (void)snprintf(name, sizeof name, "%s/blobs/%.2s/%s.upload", f->w.data, f->photo, f->photo);
    assert_int_equal(access(name, F_OK), 0);
    client_say(&f->buyer, "{'type':'consent','id':'w','recording':false}");
    json_t *told = client_expect(&f->agent, "photograph_failed");
    assert_string_equal(text_at(told, "photo"), f->photo);
    assert_string_equal(text_at(told, "reason"), "withdrawn");
    assert_int_equal(access(name, F_OK), -1);
    assert_int_equal(put(f, 3, "def", true), ER_NOT_FOUND);
    assert_int_equal(fake_media_count(f->w.media, "photo"), 0);
}

/** The word that counts is the one on the case, wherever it was given. */
static void without_consent_nothing_is_kept(void **state)
{
    struct fixture *f = *state;
    char name[400];
    ask(f);
    uint64_t unix_us = calls_unix_us(f->w.calls);
    assert_int_equal(store_consent_set(f->w.store, &f->c.id, "bo", false, unix_us), 0);
    assert_int_equal(put(f, 0, "abc", false), ER_CONFLICT);
    (void)snprintf(name, sizeof name, "%s/blobs/%.2s/%s.upload", f->w.data, f->photo, f->photo);
    assert_int_equal(access(name, F_OK), -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_may_ask_whom),
        TEST(pieces_one_behind_the_other),
        TEST(the_upload_goes_at_the_next_start),
        TEST(others_and_too_much_are_refused),
        TEST(what_is_no_picture_is_dropped),
        TEST(the_page_may_say_no),
        TEST(withdrawal_forgets_what_was_sent),
        TEST(without_consent_nothing_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
