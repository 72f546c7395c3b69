// SPDX-License-Identifier: Apache-2.0
/* Master keys as text, heads of files, and the keys that come of both. */
#include "base/vault.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"

#define KEY_A "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define KEY_B "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"

static struct entropy_seeded seeded;

static int set(struct vault *v, const char *text, size_t *line)
{
    return vault_set_keys(v, span_of(text), line);
}

static struct vault *vault_of(const char *text)
{
    struct vault *v;
    size_t line;
    assert_int_equal(vault_new(&v, entropy_seeded_init(&seeded, 7)), 0);
    if (text)
        assert_int_equal(set(v, text, &line), 0);
    return v;
}

static void test_reads_keys(void **state)
{
    (void)state;
    struct vault *v = vault_of(NULL);
    char names[4][2 * VAULT_KEY_ID_BYTES + 1];
    size_t line;
    assert_false(vault_has_key(v));
    assert_int_equal(set(v, "# ours\n" KEY_A " # of 2025\n\n\t" KEY_B "\r\n", &line), 0);
    assert_true(vault_has_key(v));
    assert_int_equal(vault_key_names(v, names, 4), 2);
    uint8_t key[VAULT_KEY_BYTES];
    char name[2 * VAULT_KEY_ID_BYTES + 1];
    assert_int_equal(hex_decode(key, sizeof key, span_of(KEY_B)), 0);
    vault_key_name(key, name);
    assert_string_equal(names[1], name);
    assert_string_not_equal(names[0], name);
    assert_int_equal(set(v, KEY_A "," KEY_B, &line), 0);
    assert_int_equal(vault_key_names(v, names, 1), 2);
    assert_string_equal(names[0], name); /* the last one is never left out */
    vault_free(v);
    vault_free(NULL);
}

static void test_refuses_what_is_no_key(void **state)
{
    (void)state;
    struct vault *v = vault_of(KEY_A);
    size_t line;
    assert_int_equal(set(v, "", &line), ER_NOT_FOUND);
    assert_int_equal(set(v, "# nothing\n\n", &line), ER_NOT_FOUND);
    assert_int_equal(set(v, KEY_A "\n" KEY_B "0\n", &line), ER_MALFORMED);
    assert_int_equal(line, 2);
    assert_int_equal(set(v, "secret", &line), ER_MALFORMED);
    char many[(LIMIT_VAULT_KEYS + 1) * sizeof KEY_A + 1] = "";
    for (size_t i = 0; i <= LIMIT_VAULT_KEYS; i++)
        (void)snprintf(many + i * sizeof KEY_A, sizeof KEY_A + 1, "%s\n", KEY_A);
    assert_int_equal(set(v, many, &line), ER_FULL);
    char names[4][2 * VAULT_KEY_ID_BYTES + 1];
    assert_int_equal(vault_key_names(v, names, 4), 1); /* what it had stays */
    vault_free(v);
}

static void test_each_head_has_a_key_of_its_own(void **state)
{
    (void)state;
    struct vault *v = vault_of(KEY_A);
    struct vault_file_key a = {.kind = VAULT_LOG, .chunk_log2 = 14}, b = a, again;
    uint8_t first[VAULT_HEAD_BYTES], second[VAULT_HEAD_BYTES];
    assert_int_equal(vault_make_head(v, &a, first), 0);
    assert_int_equal(vault_make_head(v, &b, second), 0);
    assert_true(vault_is_head(first, sizeof first));
    assert_memory_not_equal(a.key, b.key, sizeof a.key);
    assert_int_equal(vault_read_head(v, first, &again), 0);
    assert_memory_equal(a.key, again.key, sizeof a.key);
    assert_int_equal(again.kind, VAULT_LOG);
    assert_int_equal(again.chunk_log2, 14);
    vault_free(v);
}

/** HKDF as OpenSSL has it. */
static void hkdf(const uint8_t *master, const uint8_t *salt, const uint8_t *info, size_t info_len,
                 uint8_t *ret, size_t len)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char[]){"SHA256"}, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)master, 32),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)salt, 16),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)(uintptr_t)info, info_len),
        OSSL_PARAM_construct_end(),
    };
    assert_int_equal(EVP_KDF_derive(ctx, ret, len, params), 1);
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
}

static void test_derives_as_rfc_5869_says(void **state)
{
    (void)state;
    struct vault *v = vault_of(KEY_A);
    struct vault_file_key key = {.kind = VAULT_WHOLE, .chunk_log2 = 14};
    uint8_t head[VAULT_HEAD_BYTES], master[32], expected[64], info[14 + 40] = "loupe-vault-1";
    assert_int_equal(vault_make_head(v, &key, head), 0);
    assert_int_equal(hex_decode(master, sizeof master, span_of(KEY_A)), 0);
    memcpy(info + 14, head, 40);
    hkdf(master, head + 24, info, sizeof info, expected, sizeof expected);
    assert_memory_equal(key.key, expected, 32);
    assert_memory_equal(head + 40, expected + 32, 24);
    vault_free(v);
}

static void test_old_keys_read_and_the_last_writes(void **state)
{
    (void)state;
    struct vault *v = vault_of(KEY_A);
    struct vault_file_key key = {.kind = VAULT_LOG, .chunk_log2 = 14}, again;
    uint8_t old[VAULT_HEAD_BYTES], new[VAULT_HEAD_BYTES];
    size_t line;
    assert_int_equal(vault_make_head(v, &key, old), 0);
    assert_int_equal(set(v, KEY_A "\n" KEY_B, &line), 0);
    assert_int_equal(vault_make_head(v, &key, new), 0);
    assert_int_equal(vault_read_head(v, old, &again), 0);
    assert_int_equal(set(v, KEY_B, &line), 0);
    assert_int_equal(vault_read_head(v, new, &again), 0);
    assert_int_equal(vault_read_head(v, old, &again), ER_DENIED);
    assert_int_equal(vault_read_head(NULL, old, &again), ER_DENIED);
    struct vault_counters counters;
    vault_read_counters(v, &counters);
    assert_int_equal(counters.no_key, 1);
    vault_free(v);
}

static void test_every_byte_of_a_head_counts(void **state)
{
    (void)state;
    struct vault *v = vault_of(KEY_A);
    struct vault_file_key key = {.kind = VAULT_WHOLE, .chunk_log2 = 14}, again;
    uint8_t head[VAULT_HEAD_BYTES];
    assert_int_equal(vault_make_head(v, &key, head), 0);
    for (size_t i = 0; i < sizeof head; i++) {
        head[i] ^= 3;
        int er = vault_read_head(v, head, &again);
        assert_int_equal(er, i < 8    ? ER_MALFORMED
                             : i == 8 ? ER_UNSUPPORTED
                             : i < 16 ? ER_UNAUTHENTIC
                             : i < 24 ? ER_DENIED /* no such key */
                                      : ER_UNAUTHENTIC);
        head[i] ^= 3;
    }
    assert_int_equal(vault_read_head(v, head, &again), 0);
    vault_free(v);
}

static void test_without_keys_there_is_no_head(void **state)
{
    (void)state;
    struct vault *v = vault_of(NULL);
    struct vault_file_key key = {.kind = VAULT_LOG, .chunk_log2 = 14};
    uint8_t head[VAULT_HEAD_BYTES];
    struct vault_counters counters;
    assert_int_equal(vault_make_head(v, &key, head), ER_NOT_FOUND);
    assert_int_equal(vault_make_head(NULL, &key, head), ER_NOT_FOUND);
    assert_false(vault_has_key(NULL));
    assert_false(vault_is_head("\0lpvaul", 7));
    vault_count(NULL, 1, 1, 1);
    vault_read_counters(NULL, &counters);
    assert_int_equal(counters.bytes_encrypted, 0);
    vault_free(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_keys),
        cmocka_unit_test(test_refuses_what_is_no_key),
        cmocka_unit_test(test_each_head_has_a_key_of_its_own),
        cmocka_unit_test(test_derives_as_rfc_5869_says),
        cmocka_unit_test(test_old_keys_read_and_the_last_writes),
        cmocka_unit_test(test_every_byte_of_a_head_counts),
        cmocka_unit_test(test_without_keys_there_is_no_head),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
