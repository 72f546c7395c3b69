// SPDX-License-Identifier: Apache-2.0
/* Which keys are good: those of the settings and of the store, until they are there no longer. */
#include "server/app_keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "server/app_demo.h"

#define T0 UINT64_C(1795298400000000)

struct fixture {
    struct entropy_seeded seeded;
    struct store *s;
    struct auth *auth;
    struct config config;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    struct entropy e = entropy_seeded_init(&f->seeded, 11);
    assert_int_equal(store_open(&f->s, ":memory:", &e, NULL), 0);
    assert_int_equal(auth_new(&f->auth), 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    auth_free(f->auth);
    store_close(f->s);
    free(f);
    return 0;
}

static void add(struct fixture *f, const char *id, const char *merchant, const char *secret)
{
    struct store_api_key key = {0};
    (void)snprintf(key.id, sizeof key.id, "%s", id);
    (void)snprintf(key.merchant, sizeof key.merchant, "%s", merchant);
    (void)snprintf(key.secret, sizeof key.secret, "%s", secret);
    assert_int_equal(store_api_key_add(f->s, &key, T0), 0);
}

/** The merchant of a token by this key, or NULL: it is none. */
static const char *merchant_of(struct fixture *f, const char *id)
{
    static struct claims read;
    struct claims claims = {.role = ROLE_SERVICE, .identity = "back-end", .expires_s = 2000};
    char token[AUTH_TOKEN_BYTES];
    const char *why;
    (void)snprintf(claims.key, sizeof claims.key, "%s", id);
    if (auth_mint(f->auth, &claims, 1000, token))
        return NULL;
    return auth_verify(f->auth, token, strlen(token), 1000, &read, &why) ? NULL : read.merchant;
}

static void each_key_is_its_merchants(void **state)
{
    struct fixture *f = *state;
    f->config.api_keys = (struct config_list){.count = 1, .items = {"shop:a-secret"}};
    add(f, "tea", "tea-house", "another");
    assert_int_equal(app_keys_take(f->auth, f->s, &f->config, NULL), 0);
    assert_string_equal(merchant_of(f, "shop"), AUTH_MERCHANT_DEFAULT);
    assert_string_equal(merchant_of(f, "tea"), "tea-house");
    assert_null(merchant_of(f, DEMO_KEY));
}

static void what_is_gone_is_forgotten(void **state)
{
    struct fixture *f = *state;
    f->config.api_keys = (struct config_list){.count = 1, .items = {"shop:a-secret"}};
    add(f, "tea", "tea-house", "another");
    assert_int_equal(app_keys_take(f->auth, f->s, &f->config, NULL), 0);
    assert_int_equal(store_api_key_remove(f->s, "tea"), 0);
    f->config.api_keys.count = 0;
    f->config.demo = true;
    assert_int_equal(app_keys_take(f->auth, f->s, &f->config, NULL), 0);
    assert_null(merchant_of(f, "tea"));
    assert_null(merchant_of(f, "shop"));
    assert_string_equal(merchant_of(f, DEMO_KEY), AUTH_MERCHANT_DEFAULT);
}

/** Who runs the server has the last word. */
static void the_settings_stand_above_the_store(void **state)
{
    struct fixture *f = *state;
    f->config.api_keys = (struct config_list){.count = 1, .items = {"shop:a-secret"}};
    add(f, "shop", "tea-house", "another");
    assert_int_equal(app_keys_take(f->auth, f->s, &f->config, NULL), 0);
    assert_string_equal(merchant_of(f, "shop"), AUTH_MERCHANT_DEFAULT);
}

/** The server starts with those that it takes, and with those of the settings among them. */
static void too_many_are_left_out(void **state)
{
    struct fixture *f = *state;
    char id[16];
    unsigned good = 0;
    f->config.api_keys = (struct config_list){.count = 1, .items = {"shop:a-secret"}};
    assert_int_equal(store_begin(f->s), 0);
    for (int i = 0; i <= LIMIT_API_KEYS; i++) {
        (void)snprintf(id, sizeof id, "k%04d", i);
        add(f, id, "m", "s");
    }
    add(f, "shop", "tea-house", "another");
    assert_int_equal(store_end(f->s, 0), 0);
    for (unsigned again = 0; again < 2; again++) {
        assert_int_equal(app_keys_take(f->auth, f->s, &f->config, NULL), 0);
        assert_string_equal(merchant_of(f, "shop"), AUTH_MERCHANT_DEFAULT);
        assert_string_equal(merchant_of(f, "k0000"), "m");
        assert_true(auth_is_full(f->auth));
    }
    for (int i = 0; i <= LIMIT_API_KEYS; i++) {
        (void)snprintf(id, sizeof id, "k%04d", i);
        good += auth_knows_key(f->auth, id);
    }
    assert_int_equal(good, LIMIT_API_KEYS - 1);
}

/** One that takes the place of another is good at once, also where there is no room for both. */
static void one_that_came_for_one_that_went_is_good(void **state)
{
    struct fixture *f = *state;
    char id[16];
    assert_int_equal(store_begin(f->s), 0);
    for (int i = 0; i < LIMIT_API_KEYS; i++) {
        (void)snprintf(id, sizeof id, "k%04d", i);
        add(f, id, "m", "s");
    }
    assert_int_equal(store_end(f->s, 0), 0);
    assert_int_equal(app_keys_take(f->auth, f->s, &f->config, NULL), 0);
    assert_int_equal(store_api_key_remove(f->s, "k0007"), 0);
    add(f, "new", "m", "s");
    assert_int_equal(app_keys_take(f->auth, f->s, &f->config, NULL), 0);
    assert_null(merchant_of(f, "k0007"));
    assert_string_equal(merchant_of(f, "new"), "m");
    assert_string_equal(merchant_of(f, "k1023"), "m");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_key_is_its_merchants),
        TEST(what_is_gone_is_forgotten),
        TEST(the_settings_stand_above_the_store),
        TEST(too_many_are_left_out),
        TEST(one_that_came_for_one_that_went_is_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
