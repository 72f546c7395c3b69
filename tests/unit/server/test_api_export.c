// SPDX-License-Identifier: Apache-2.0
/* An export's way through the threads: who may have one, how many at once, what is told, and what is given
 * back when it cannot be made. What is in it is test_export's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/str.h"
#include "server/sealer.h"
#include "tests/unit/support/api_bench.h"
#include "tests/unit/support/fake_dbq.h"

/** With keys to sign by. */
static int setup(void **state)
{
    int failed = api_bench_setup(state);
    struct api_bench *b = *state;
    world_seal(&b->w);
    b->app.sealer = b->w.sealer;
    b->app.dbq = b->w.dbq;
    b->app.calls = b->w.calls;
    b->app.media = b->w.media;
    return failed;
}

static int export_as(struct api_bench *b, enum role role, const char *who)
{
    return api_on_loop(b, api_case_export,
                       (struct api_ask){.role = role, .who = who, .param = {b->sc.id.text}});
}

static void test_by_role(void **state)
{
    struct api_bench *b = *state;
    for (int role = 0; role < ROLE_COUNT; role++) {
        bool may = role_describe((enum role)role)->evidence && role != ROLE_BOT &&
                   role != ROLE_ARBITER; /* who sees a case once it is disputed */
        assert_int_equal(export_as(b, (enum role)role, role == ROLE_BUYER ? "lin" : "me"),
                         may ? 200 : 403);
    }
    assert_int_equal(export_as(b, ROLE_VIEWER, "me"), 403);
    assert_int_equal(export_as(b, ROLE_BOT, "me"), 403);
    assert_int_equal(
        api_on_loop(
            b, api_case_export,
            (struct api_ask){.role = ROLE_AGENT, .foreign = true, .param = {b->sc.id.text}}),
        403);
    assert_int_equal(
        api_on_loop(b, api_case_export,
                    (struct api_ask){.role = ROLE_AGENT, .param = {"01arz3ndektsv4rrffq69g5fav"}}),
        404);
}

/** Every byte of it can be had, and who had it stands on the case, once. */
static void test_it_is_told_before_it_goes_out(void **state)
{
    struct api_bench *b = *state;
    char name[80];
    assert_int_equal(export_as(b, ROLE_AGENT, "ann"), 200);
    assert_string_equal(b->response.content_type, "application/zip");
    assert_string_equal(api_header(b, "cache-control"), "private, no-store");
    (void)snprintf(name, sizeof name, "attachment; filename=\"%s.zip\"", b->sc.number);
    assert_string_equal(api_header(b, "content-disposition"), name);
    assert_int_equal(world_events(&b->w, &b->sc.id, "case_exported"), 1);
    size_t size = (size_t)b->response.file_size;
    uint8_t *zip = malloc(size + 10);
    const struct http_source *source = &b->response.source;
    assert_int_equal(source->read(source->ctx, 0, zip, size + 10), size);
    assert_memory_equal(zip, "PK\3\4", 4);
    free(zip);
    const struct api_ask head = {.role = ROLE_AGENT, .method = HTTP_HEAD, .param = {b->sc.id.text}};
    assert_int_equal(api_on_loop(b, api_case_export, head), 200);
    assert_int_equal(world_events(&b->w, &b->sc.id, "case_exported"), 1); /* nothing went out */
}

static int link_as(struct api_bench *b, enum role role, const char *who)
{
    return api_on_loop(b, api_case_export_link,
                       (struct api_ask){.role = role, .who = who, .param = {b->sc.id.text}});
}

/** The query of the address that ann is given, to free(). */
static char *link_query(struct api_bench *b)
{
    assert_int_equal(link_as(b, ROLE_AGENT, "ann o'neil"), 201);
    char path[128];
    (void)snprintf(path, sizeof path, "/api/v1/cases/%s/export?", b->sc.id.text);
    const char *url = api_text(b, "url");
    assert_int_equal(strncmp(url, path, strlen(path)), 0);
    assert_string_equal(api_text(b, "expires_at"), "2023-11-14T22:23:21.000Z");
    return strdup(url + strlen(path));
}

static int export_by_link(struct api_bench *b, const char *case_id, const char *query)
{
    return api_on_loop(b, api_case_export,
                       (struct api_ask){.nobody = true, .param = {case_id}, .query = query});
}

/** A browser downloads by it, without a token; it is its person's doing all the same. */
static void test_an_address_to_download_by(void **state)
{
    struct api_bench *b = *state;
    char *query = link_query(b);
    assert_int_equal(world_events(&b->w, &b->sc.id, "case_exported"), 0);
    assert_int_equal(export_by_link(b, b->sc.id.text, query), 200);
    assert_string_equal(b->response.content_type, "application/zip");
    assert_true(b->response.file_size > 1000);
    assert_int_equal(world_events(&b->w, &b->sc.id, "case_exported"), 1);
    http_response_clear(&b->response);

    struct store_case other = world_case(&b->w, "di");
    assert_int_equal(export_by_link(b, other.id.text, query), 403);
    assert_int_equal(export_by_link(b, b->sc.id.text, NULL), 401);
    b->app.exports = LIMIT_EXPORTS; /* it is known who asks before there is a place for them */
    assert_int_equal(export_by_link(b, b->sc.id.text, NULL), 401);
    b->app.exports = 0;
    char *changed = strdup(query);
    changed[strlen(changed) - 1] ^= 1;
    assert_int_equal(export_by_link(b, b->sc.id.text, changed), 403);
    free(changed);
    b->unix_us += (uint64_t)AUTH_MEDIA_SECONDS * 1000000;
    assert_int_equal(export_by_link(b, b->sc.id.text, query), 403);
    assert_int_equal(world_events(&b->w, &b->sc.id, "case_exported"), 1);
    assert_int_equal(b->app.exports, 0);
    free(query);
}

static void test_addresses_are_for_who_may_export(void **state)
{
    struct api_bench *b = *state;
    for (int role = 0; role < ROLE_COUNT; role++) {
        const char *who = role == ROLE_BUYER ? "lin" : "me";
        int status = export_as(b, (enum role)role, who);
        http_response_clear(&b->response);
        assert_int_equal(link_as(b, (enum role)role, who), status == 200 ? 201 : status);
    }
    b->app.exports = LIMIT_EXPORTS; /* better said now than by a download that fails */
    assert_int_equal(link_as(b, ROLE_AGENT, "ann"), 429);
    b->app.exports = 0;
    fake_dbq_full(b->w.dbq, true);
    assert_int_equal(link_as(b, ROLE_AGENT, "ann"), 429);
    fake_dbq_full(b->w.dbq, false);
}

/** They count until the last byte is out, or the client has gone. */
static void test_so_many_at_once(void **state)
{
    struct api_bench *b = *state;
    struct http_response going[LIMIT_EXPORTS];
    for (unsigned i = 0; i < LIMIT_EXPORTS; i++) {
        assert_int_equal(export_as(b, ROLE_AGENT, "ann"), 200);
        going[i] = b->response;
        b->response = (struct http_response){0};
        assert_int_equal(b->app.exports, i + 1);
    }
    assert_int_equal(export_as(b, ROLE_AGENT, "ann"), 429);
    assert_string_equal(api_header(b, "retry-after"), "5");
    http_response_clear(&going[3]);
    assert_int_equal(export_as(b, ROLE_AGENT, "ann"), 200);
    http_response_clear(&b->response);
    for (unsigned i = 0; i < LIMIT_EXPORTS; i++)
        http_response_clear(&going[i]);
    assert_int_equal(b->app.exports, 0);
}

/** What is refused on the way, by whichever thread, leaves nothing that counts. */
static void test_what_fails_makes_room(void **state)
{
    struct api_bench *b = *state;
    fake_dbq_full(b->w.dbq, true);
    assert_int_equal(export_as(b, ROLE_AGENT, "ann"), 429);
    fake_dbq_full(b->w.dbq, false);
    fake_dbq_full(sealer_slow_queue(b->w.sealer), true);
    assert_int_equal(export_as(b, ROLE_AGENT, "ann"), 503);
    fake_dbq_full(sealer_slow_queue(b->w.sealer), false);
    assert_int_equal(export_as(b, ROLE_VIEWER, "eve"), 403);
    assert_int_equal(b->app.exports, 0);
}

/** A still of 100 bytes, encrypted; its name. */
static void put_still(struct api_bench *b, struct vault *vault, char ret_name[600])
{
    struct store_still still = {.case_id = b->sc.id, .room = b->sc.room, .kind = "still"};
    struct file *file;
    still.id = id_make(b->unix_us, &b->w.entropy);
    (void)str_copy(still.taken_by, sizeof still.taken_by, "ann");
    (void)str_copy(still.facts, sizeof still.facts, "{}");
    (void)snprintf(still.path, sizeof still.path, "%s/%s", b->w.data, still.id.text);
    assert_int_equal(store_still_add(b->w.store, &still, b->unix_us), 0);
    still.at_us = b->unix_us;
    assert_int_equal(store_still_finish(b->w.store, &still, b->unix_us), 0);
    (void)snprintf(ret_name, 600, "%s.jpg", still.path);
    assert_int_equal(file_replace(&file, vault, ret_name), 0);
    assert_int_equal(file_write(file, "a picture", 9), 0);
    assert_int_equal(file_sync(file), 0);
    file_close(file);
}

/** A file of the case without its key is no fault of who asks; one that was changed is left out, and so is a
 *  still's record, which is not there. */
static void test_files_that_cannot_be_read(void **state)
{
    static const char key[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    struct api_bench *b = *state;
    struct vault *vault;
    char name[600];
    size_t line;
    assert_int_equal(vault_new(&vault, b->w.entropy), 0);
    assert_int_equal(vault_set_keys(vault, span_of(key), &line), 0);
    put_still(b, vault, name);
    assert_int_equal(export_as(b, ROLE_AGENT, "ann"), 503);
    assert_non_null(strstr(api_text(b, "detail"), "a key that is not here"));
    b->app.vault = vault;
    assert_int_equal(export_as(b, ROLE_AGENT, "ann"), 200);
    http_response_clear(&b->response);
    FILE *file = fopen(name, "r+");
    assert_non_null(file);
    assert_int_equal(fseek(file, VAULT_HEAD_BYTES + 25, SEEK_SET), 0);
    assert_int_equal(fputc('x', file), 'x');
    assert_int_equal(fclose(file), 0);
    assert_int_equal(b->app.exports_missing, 1);
    assert_int_equal(export_as(b, ROLE_AGENT, "ann"), 200);
    assert_int_equal(b->app.exports_missing, 3);
    http_response_clear(&b->response);
    assert_int_equal(b->app.exports, 0);
    vault_free(vault);
}

/** A still that is cut when it goes out: the download breaks off, and that counts. */
static void test_one_that_breaks_off_counts(void **state)
{
    struct api_bench *b = *state;
    char name[600];
    uint8_t piece[500];
    uint64_t sent = 0;
    size_t n = 1;
    put_still(b, NULL, name);
    assert_int_equal(export_as(b, ROLE_AGENT, "ann"), 200);
    assert_int_equal(truncate(name, 3), 0);
    const struct http_source *source = &b->response.source;
    for (; n; sent += n)
        n = source->read(source->ctx, sent, piece, sizeof piece);
    assert_true(sent < b->response.file_size);
    http_response_clear(&b->response);
    assert_int_equal(b->app.exports_broken, 1);
    assert_int_equal(export_as(b, ROLE_AGENT, "ann"), 200);
    http_response_clear(&b->response); /* left by its client */
    assert_int_equal(b->app.exports_broken, 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, api_bench_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_by_role),
        TEST(test_it_is_told_before_it_goes_out),
        TEST(test_an_address_to_download_by),
        TEST(test_addresses_are_for_who_may_export),
        TEST(test_so_many_at_once),
        TEST(test_what_fails_makes_room),
        TEST(test_files_that_cannot_be_read),
        TEST(test_one_that_breaks_off_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
