// SPDX-License-Identifier: Apache-2.0
/* Attachments over HTTP: begun, sent in pieces, looked at when they are whole, shown to whom they are for, and deleted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "base/str.h"
#include "server/store_attachments.h"
#include "tests/unit/support/api_bench.h"

#define TYPE "application/partial-upload"

static int setup(void **state)
{
    assert_int_equal(api_bench_setup(state), 0);
    struct api_bench *b = *state;
    world_seal(&b->w);
    b->app.calls = b->w.calls;
    (void)str_copy(b->app.data, sizeof b->app.data, b->w.data);
    return 0;
}

/** The id of what was begun; valid until the next. */
static const char *begun(struct api_bench *b, enum role role, const char *who, const char *body)
{
    static char id[ID_TEXT_BYTES];
    struct api_ask ask = {
        .role = role, .who = who, .param = {b->sc.id.text}, .method = HTTP_POST, .body = body};
    assert_int_equal(api_on_store(b, api_attachment_begin, ask), 201);
    assert_string_equal(api_text(b, "state"), "uploading");
    (void)str_copy(id, sizeof id, api_text(b, "id"));
    return id;
}

static int piece(struct api_bench *b, enum role role, const char *who, const char *id,
                 const char *text, const char *offset, const char *whole)
{
    uint8_t hash[32];
    char digest[64] = "", base64[48];
    struct api_ask ask = {.role = role,
                          .who = who,
                          .param = {id},
                          .method = HTTP_PATCH,
                          .raw = text,
                          .content_type = TYPE,
                          .upload_offset = offset};
    if (whole) {
        (void)EVP_Digest(whole, strlen(whole), hash, NULL, EVP_sha256(), NULL);
        (void)EVP_EncodeBlock((uint8_t *)base64, hash, sizeof hash);
        (void)snprintf(digest, sizeof digest, "sha-256=:%s:", base64);
        ask.upload_complete = "?1";
        ask.repr_digest = digest;
    }
    return api_on_loop(b, api_attachment_piece, ask);
}

static int ask(struct api_bench *b, void (*handler)(struct store *, struct api_call *),
               enum role role, const char *who, const char *id)
{
    return api_on_store(b, handler, (struct api_ask){.role = role, .who = who, .param = {id}});
}

static void in_pieces(void **state)
{
    struct api_bench *b = *state;
    const char *id = begun(b, ROLE_BUYER, "lin", "{'name':'note.txt'}");
    const struct api_ask look = {.role = ROLE_BUYER, .who = "lin", .param = {id}};
    assert_int_equal(piece(b, ROLE_BUYER, "lin", id, "Hello", "0", NULL), 204);
    assert_string_equal(api_header(b, "upload-offset"), "5");
    assert_int_equal(piece(b, ROLE_BUYER, "lin", id, "x", "4", NULL), 409);
    assert_int_equal(piece(b, ROLE_AGENT, "ann", id, ", all", "5", NULL), 403);
    assert_int_equal(ask(b, api_attachment_get, ROLE_AGENT, "ann", id), 404);
    assert_int_equal(ask(b, api_attachment_get, ROLE_BUYER, "lin", id), 200);
    assert_int_equal(ask(b, api_attachment_media, ROLE_BUYER, "lin", id), 409);
    assert_int_equal(api_on_loop(b, api_attachment_look, look), 204);
    assert_string_equal(api_header(b, "upload-complete"), "?0");
    assert_int_equal(piece(b, ROLE_BUYER, "lin", id, ", all", "5", "Hello, all"), 200);
    assert_string_equal(api_text(b, "content_type"), "text/plain");
    assert_non_null(strstr(api_text(b, "media_url"), "/attachments/"));
    assert_int_equal(piece(b, ROLE_BUYER, "lin", id, "", "10", "Hello, all"), 200);
    assert_int_equal(ask(b, api_attachment_media, ROLE_AGENT, "ann", id), 200);
    assert_string_equal(api_header(b, "content-security-policy"), "default-src 'none'; sandbox");
    assert_non_null(strstr(api_header(b, "content-disposition"), "attachment; filename="));
    assert_int_equal(ask(b, api_attachments_list, ROLE_BUYER, "lin", b->sc.id.text), 200);
    assert_string_equal(api_text(b, "items.0.id"), id);
}

/** Whatever it is called, it is saved as what it is. */
static void under_a_name_that_does_not_run(void **state)
{
    struct api_bench *b = *state;
    const char *id = begun(b, ROLE_BUYER, "lin", "{'name':'invoice\xe2\x80\xaetxt.hta'}");
    assert_string_equal(api_text(b, "name"), "invoicetxt.hta");
    assert_int_equal(piece(b, ROLE_BUYER, "lin", id, "<b>", "0", "<b>"), 200);
    assert_int_equal(ask(b, api_attachment_media, ROLE_AGENT, "ann", id), 200);
    assert_non_null(
        strstr(api_header(b, "content-disposition"), "filename*=UTF-8''invoicetxt.txt"));
    struct api_ask unseen = {.role = ROLE_BUYER,
                             .who = "lin",
                             .param = {b->sc.id.text},
                             .body = "{'name':'\xe2\x80\xae'}"};
    assert_int_equal(api_on_store(b, api_attachment_begin, unseen), 400);
}

static void what_is_not_taken(void **state)
{
    struct api_bench *b = *state;
    static const struct {
        enum role role;
        const char *body;
        int status;
    } rows[] = {
        {ROLE_BUYER, "{}", 400},
        {ROLE_BUYER, "{'name':''}", 400},
        {ROLE_BUYER, "{'name':'a','visible':'yes'}", 400},
        {ROLE_BUYER, "{'name':'a','bytes':200000000}", 413},
        {ROLE_BUYER, "{'name':'a','visible':false}", 403},
        {ROLE_VIEWER, "{'name':'a','visible':true}", 403},
        {ROLE_SUPERVISOR, "{'name':'a'}", 403},
        {ROLE_SERVICE, "{'name':'a'}", 201},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct api_ask a = {
            .role = rows[i].role, .who = "lin", .param = {b->sc.id.text}, .body = rows[i].body};
        assert_int_equal(api_on_store(b, api_attachment_begin, a), rows[i].status);
    }
    const char *id = begun(b, ROLE_AGENT, "ann", "{'name':'tool.exe'}");
    assert_int_equal(piece(b, ROLE_AGENT, "ann", id, "MZ\x01", "0", "MZ\x01"), 415);
    assert_int_equal(piece(b, ROLE_AGENT, "ann", id, "", "0", NULL), 404);
    id = begun(b, ROLE_AGENT, "ann", "{'name':'a'}");
    assert_int_equal(piece(b, ROLE_AGENT, "ann", id, "abc", "0", "abd"), 400);
    id = begun(b, ROLE_AGENT, "ann", "{'name':'a'}");
    assert_int_equal(piece(b, ROLE_AGENT, "ann", id, "", "0", ""), 415);
    struct calls_gauges gauges;
    calls_read_gauges(b->w.calls, &gauges);
    assert_int_equal(gauges.attachments_refused, 3);
    assert_int_equal(gauges.attachments_added, 0);
}

static int drop(struct api_bench *b, const char *who, const char *id)
{
    return api_on_loop(
        b, api_attachment_drop,
        (struct api_ask){.role = ROLE_BUYER, .who = who, .param = {id}, .method = HTTP_DELETE});
}

static void what_is_given_up(void **state)
{
    struct api_bench *b = *state;
    const char *id = begun(b, ROLE_BUYER, "lin", "{'name':'note.txt','bytes':6}");
    const struct api_ask look = {.role = ROLE_BUYER, .who = "lin", .param = {id}};
    assert_int_equal(piece(b, ROLE_BUYER, "lin", id, "Hello", "0", NULL), 204);
    assert_int_equal(piece(b, ROLE_BUYER, "lin", id, ", all", "5", NULL), 413);
    assert_int_equal(drop(b, "bo", id), 403);
    assert_int_equal(drop(b, "lin", id), 204);
    assert_int_equal(api_on_loop(b, api_attachment_look, look), 404);
    assert_int_equal(drop(b, "lin", id), 404);
    id = begun(b, ROLE_BUYER, "lin", "{'name':'note.txt'}");
    assert_int_equal(piece(b, ROLE_BUYER, "lin", id, "Hello", "0", "Hello"), 200);
    assert_int_equal(drop(b, "lin", id), 409);
    assert_int_equal(ask(b, api_attachment_get, ROLE_BUYER, "lin", id), 200);
    struct calls_gauges gauges;
    calls_read_gauges(b->w.calls, &gauges);
    assert_int_equal(gauges.attachments_given_up, 1);
}

/** What came from the same person long ago makes room. */
static void what_gives_way(void **state)
{
    struct api_bench *b = *state;
    struct id first;
    struct store_attachment a;
    assert_int_equal(id_parse(begun(b, ROLE_BUYER, "lin", "{'name':'a'}"), &first), 0);
    b->unix_us++;
    for (int i = 1; i < LIMIT_ATTACHMENTS_PENDING; i++)
        (void)begun(b, ROLE_BUYER, "lin", "{'name':'a'}");
    struct api_ask more = {
        .role = ROLE_BUYER, .who = "lin", .param = {b->sc.id.text}, .body = "{'name':'a'}"};
    assert_int_equal(api_on_store(b, api_attachment_begin, more), 429);
    (void)begun(b, ROLE_AGENT, "ann", "{'name':'a'}");
    b->unix_us += LIMIT_ATTACHMENT_IDLE_US;
    assert_int_equal(api_on_store(b, api_attachment_begin, more), 201);
    assert_int_not_equal(store_attachment_get(b->w.store, &first, &a), 0);
}

static void for_staff_alone(void **state)
{
    struct api_bench *b = *state;
    const char *id = begun(b, ROLE_AGENT, "ann", "{'name':'for us.txt'}");
    assert_int_equal(piece(b, ROLE_AGENT, "ann", id, "secret", "0", "secret"), 200);
    assert_int_equal(ask(b, api_attachment_get, ROLE_BUYER, "lin", id), 404);
    assert_int_equal(ask(b, api_attachment_media, ROLE_BUYER, "lin", id), 404);
    assert_int_equal(ask(b, api_attachments_list, ROLE_BUYER, "lin", b->sc.id.text), 200);
    assert_string_equal(api_text(b, "items.0.id"), "");
    assert_int_equal(ask(b, api_attachments_list, ROLE_SUPERVISOR, "sue", b->sc.id.text), 200);
    assert_string_equal(api_text(b, "items.0.name"), "for us.txt");
    struct api_ask stranger = {.role = ROLE_AGENT, .foreign = true, .param = {id}};
    assert_int_equal(api_on_store(b, api_attachment_get, stranger), 403);
    struct api_ask gone = {.role = ROLE_SERVICE, .param = {id}, .query = "reason=asked"};
    assert_int_equal(api_on_loop(b, api_attachment_delete, gone), 200);
    assert_string_equal(api_text(b, "tombstone.object"), "attachment");
    assert_int_equal(ask(b, api_attachment_get, ROLE_AGENT, "ann", id), 410);
}

static void what_never_comes_goes(void **state)
{
    struct api_bench *b = *state;
    struct store_attachment a;
    struct id id;
    assert_int_equal(id_parse(begun(b, ROLE_BUYER, "lin", "{'name':'a'}"), &id), 0);
    calls_tidy_attachments(b->w.store, b->unix_us);
    assert_int_equal(store_attachment_get(b->w.store, &id, &a), 0);
    calls_tidy_attachments(b->w.store, b->unix_us + 2 * LIMIT_ATTACHMENT_WAIT_US);
    assert_int_not_equal(store_attachment_get(b->w.store, &id, &a), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, api_bench_teardown)
    const struct CMUnitTest tests[] = {
        TEST(in_pieces),
        TEST(under_a_name_that_does_not_run),
        TEST(what_is_not_taken),
        TEST(what_is_given_up),
        TEST(what_gives_way),
        TEST(for_staff_alone),
        TEST(what_never_comes_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
