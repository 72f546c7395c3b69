// SPDX-License-Identifier: Apache-2.0
/* Short texts, encrypted: there and back, each differently, bound to what they are of; any change is noticed. */
#include "base/vault_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"

#define KEY "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define OTHER "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"

static struct entropy_seeded seeded;

static struct vault *vault_of(const char *keys)
{
    struct vault *v;
    size_t line;
    assert_int_equal(vault_new(&v, entropy_seeded_init(&seeded, 7)), 0);
    if (keys)
        assert_int_equal(vault_set_keys(v, span_of(keys), &line), 0);
    return v;
}

static void test_there_and_back(void **state)
{
    (void)state;
    struct vault *v = vault_of(KEY);
    char sealed[VAULT_TEXT_BYTES], again[VAULT_TEXT_BYTES], text[VAULT_TEXT_MAX + 1],
        longest[VAULT_TEXT_MAX + 2] = "";
    memset(longest, 'x', VAULT_TEXT_MAX);
    const char *const texts[] = {"", "a", "a secret of some length", longest};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(vault_text_seal(v, "key:1", texts[i], sealed), 0);
        assert_true(vault_text_is_sealed(sealed));
        assert_int_equal(vault_text_seal(v, "key:1", texts[i], again), 0);
        assert_string_not_equal(sealed, again);
        assert_int_equal(vault_text_open(v, "key:1", sealed, text, sizeof text), 0);
        assert_string_equal(text, texts[i]);
    }
    longest[VAULT_TEXT_MAX] = 'x';
    assert_int_equal(vault_text_seal(v, "key:1", longest, sealed), ER_INVALID);
    vault_free(v);
}

static void test_refusals(void **state)
{
    (void)state;
    struct vault *v = vault_of(KEY), *other = vault_of(OTHER), *none = vault_of(NULL);
    char sealed[VAULT_TEXT_BYTES], text[64];
    assert_int_equal(vault_text_seal(none, "key:1", "secret", sealed), ER_NOT_FOUND);
    assert_int_equal(vault_text_seal(v, "key:1", "secret", sealed), 0);
    assert_int_equal(vault_text_open(other, "key:1", sealed, text, sizeof text), ER_DENIED);
    assert_int_equal(vault_text_open(v, "key:2", sealed, text, sizeof text), ER_UNAUTHENTIC);
    assert_string_equal(text, "");
    assert_int_equal(vault_text_open(v, "key:1", sealed, text, 3), ER_TRUNCATED);
    assert_int_equal(vault_text_open(v, "key:1", "secret", text, sizeof text), ER_MALFORMED);
    size_t len = strlen(sealed);
    for (size_t i = sizeof VAULT_TEXT_PREFIX - 1; i < len; i++) {
        char was = sealed[i];
        sealed[i] = was == '0' ? '1' : '0';
        assert_int_not_equal(vault_text_open(v, "key:1", sealed, text, sizeof text), 0);
        sealed[i] = was;
    }
    for (size_t cut = 0; cut < len; cut++) {
        char was = sealed[cut];
        sealed[cut] = '\0';
        assert_int_not_equal(vault_text_open(v, "key:1", sealed, text, sizeof text), 0);
        sealed[cut] = was;
    }
    assert_int_equal(vault_text_open(v, "key:1", sealed, text, sizeof text), 0);
    vault_free(v);
    vault_free(other);
    vault_free(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
