// SPDX-License-Identifier: Apache-2.0
/* A merchant's brand over HTTP: who sets it, who reads it, what is refused, what is written down. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "server/store_brands.h"
#include "server/store_log.h"
#include "tests/unit/support/api_bench.h"

#define GOOD                                                                                       \
    "{'name':'Loom','accent':{'light':'#8a1538','dark':'#ff9fb6'},'languages':['en'],"             \
    "'privacy_url':'https://loom.example/privacy'}"

static int put(struct api_bench *b, enum role role, const char *body, const char *if_match)
{
    return api_on_store(
        b, api_brand_put,
        (struct api_ask){.role = role, .method = HTTP_PUT, .body = body, .if_match = if_match});
}

static int get(struct api_bench *b, struct api_ask ask)
{
    return api_on_store(b, api_brand_get, ask);
}

static void count(void *ctx, const struct store_log_entry *e)
{
    *(unsigned *)ctx += strcmp(e->action, "brand_changed") == 0 ||
                        strcmp(e->action, "logo_changed") == 0;
}

static void set_and_read(void **state)
{
    struct api_bench *b = *state;
    const struct api_ask buyer = {.role = ROLE_BUYER, .who = "lin"};
    unsigned changes = 0;
    assert_int_equal(get(b, buyer), 200);
    assert_string_not_equal(api_text(b, "name"), ""); /* the merchant's own */
    assert_int_equal(put(b, ROLE_SERVICE, GOOD, NULL), 200);
    assert_string_equal(api_text(b, "changed_by"), "me");
    assert_int_equal(get(b, buyer), 200);
    assert_string_equal(api_text(b, "name"), "Loom");
    assert_string_equal(api_text(b, "accent.dark"), "#ff9fb6");
    assert_string_equal(api_text(b, "changed_by"), ""); /* not for buyers */
    assert_string_equal(b->response.etag, "\"1\"");
    assert_int_equal(put(b, ROLE_SUPERVISOR, "{'name':'Weave'}", "\"0\""), 412);
    assert_int_equal(put(b, ROLE_SUPERVISOR, "{'name':'Weave'}", "\"1\""), 200);
    assert_string_equal(api_text(b, "name"), "Weave");
    assert_string_equal(api_text(b, "accent.dark"), ""); /* put as a whole */
    assert_int_equal(get(b, (struct api_ask){.role = ROLE_AGENT, .foreign = true}), 200);
    assert_string_not_equal(api_text(b, "name"), "Weave"); /* another merchant's own */
    assert_int_equal(store_log_list(b->w.store, b->sc.merchant, 0, 100, count, &changes), 0);
    assert_int_equal(changes, 2);
}

static void who_may_not(void **state)
{
    struct api_bench *b = *state;
    static const enum role roles[] = {ROLE_BUYER, ROLE_AGENT,  ROLE_APPRAISER, ROLE_ARBITER,
                                      ROLE_HOST,  ROLE_VIEWER, ROLE_BOT};
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
        assert_int_equal(put(b, roles[i], GOOD, NULL), 403);
    struct api_ask bound = {.role = ROLE_SERVICE, .of_case = &b->sc.id, .body = GOOD};
    assert_int_equal(api_on_store(b, api_brand_put, bound), 403);
    assert_int_equal(put(b, ROLE_SERVICE, "{'accent':{'light':'#ffee00','dark':'#ffee00'}}", NULL),
                     400);
    assert_non_null(strstr(api_text(b, "detail"), "take a darker one"));
}

static void logos(void **state)
{
    struct api_bench *b = *state;
    struct store_brand brand;
    char type[16], *bytes, url[100];
    size_t len;
    struct api_ask bad = {.role = ROLE_SERVICE, .raw = "<svg/>"};
    assert_int_equal(api_on_store(b, api_brand_logo_put, bad), 415);
    bad.role = ROLE_AGENT;
    assert_int_equal(api_on_store(b, api_brand_logo_put, bad), 403);
    assert_int_equal(store_brand_logo_put(b->w.store, b->sc.merchant, "image/webp",
                                          (const uint8_t *)"a\0b", 3, "me", 1),
                     0);
    assert_int_equal(store_brand_get(b->w.store, b->sc.merchant, &brand), 0);
    assert_int_equal(store_brand_logo(b->w.store, brand.logo_sha256, type, &bytes, &len), 0);
    assert_int_equal(len, 3);
    free(bytes);
    assert_int_equal(get(b, (struct api_ask){.role = ROLE_BUYER, .who = "lin"}), 200);
    (void)snprintf(url, sizeof url, "/api/v1/logos/%s", brand.logo_sha256);
    assert_string_equal(api_text(b, "logo_url"), url);
    struct api_ask logo = {.nobody = true, .param = {brand.logo_sha256}};
    assert_int_equal(api_on_store(b, api_logo_get, logo), 200);
    assert_string_equal(b->response.content_type, "image/webp");
    assert_int_equal(b->response.body_len, 3);
    logo.param[0] = "";
    assert_int_equal(api_on_store(b, api_logo_get, logo), 404);
    struct api_ask none = {.role = ROLE_SERVICE};
    assert_int_equal(api_on_store(b, api_brand_logo_delete, none), 200);
    assert_string_equal(api_text(b, "logo_url"), "");
    logo.param[0] = brand.logo_sha256;
    assert_int_equal(api_on_store(b, api_logo_get, logo), 404);
    assert_int_equal(store_brand_logo(b->w.store, "", type, &bytes, &len), ER_NOT_FOUND);
    store_brand_clear(&brand);
    struct api_ask certificate = {.nobody = true, .param = {"A-2026-000001"}};
    assert_int_equal(api_on_store(b, api_certificate_brand, certificate), 404);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, api_bench_setup, api_bench_teardown)
    const struct CMUnitTest tests[] = {TEST(set_and_read), TEST(who_may_not), TEST(logos)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
