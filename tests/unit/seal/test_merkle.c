// SPDX-License-Identifier: Apache-2.0
/* Trees, proofs of ranges, the chain of seconds. */
#include "server/seal/merkle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/str.h"

enum { MOST = 33 };

static void leaves_make(struct merkle_hash *leaves, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint8_t byte = (uint8_t)i;
        assert_int_equal(merkle_sha256(&byte, 1, &leaves[i]), 0);
    }
}

static void expect(const struct merkle_hash *hash, const char *hex)
{
    char text[65];
    hex_encode(text, hash->bytes, sizeof hash->bytes);
    assert_string_equal(text, hex);
}

/** Vectors of the test suite of certificate transparency: leaves "", 00, 10, 20 21, 30 31, ... */
static void is_the_tree_of_rfc_6962(void **state)
{
    (void)state;
    static const struct {
        uint8_t bytes[17];
        size_t len;
    } inputs[] = {
        {{0}, 1}, {{0, 0x00}, 2}, {{0, 0x10}, 2}, {{0, 0x20, 0x21}, 3}, {{0, 0x30, 0x31}, 3}};
    struct merkle_hash leaves[5], root;
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(merkle_sha256(inputs[i].bytes, inputs[i].len, &leaves[i]), 0);
    assert_int_equal(merkle_root(leaves, 0, &root), 0);
    expect(&root, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_int_equal(merkle_root(leaves, 1, &root), 0);
    expect(&root, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
    assert_int_equal(merkle_root(leaves, 2, &root), 0);
    expect(&root, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125");
    assert_int_equal(merkle_root(leaves, 3, &root), 0);
    expect(&root, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77");
    assert_int_equal(merkle_root(leaves, 4, &root), 0);
    expect(&root, "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7");
}

static void proves_every_range_of_every_tree(void **state)
{
    (void)state;
    struct merkle_hash leaves[MOST], root, proof[MERKLE_PROOF_MAX], again;
    leaves_make(leaves, MOST);
    for (size_t count = 1; count <= MOST; count++) {
        assert_int_equal(merkle_root(leaves, count, &root), 0);
        for (size_t first = 0; first < count; first++) {
            for (size_t end = first + 1; end <= count; end++) {
                size_t n;
                assert_int_equal(merkle_prove(leaves, count, first, end, proof, &n), 0);
                assert_int_equal(
                    merkle_prove_root(leaves + first, count, first, end, proof, n, &again), 0);
                assert_true(merkle_equal(&root, &again));
                if (n) {
                    proof[n - 1].bytes[0] ^= 1;
                    assert_int_equal(
                        merkle_prove_root(leaves + first, count, first, end, proof, n, &again), 0);
                    assert_false(merkle_equal(&root, &again));
                    assert_int_equal(
                        merkle_prove_root(leaves + first, count, first, end, proof, n - 1, &again),
                        ER_MALFORMED);
                }
                assert_int_equal(
                    merkle_prove_root(leaves + first, count, first, end, proof, n + 1, &again),
                    ER_MALFORMED);
            }
        }
    }
}

static void refuses_what_is_no_range(void **state)
{
    (void)state;
    struct merkle_hash leaves[2], proof[MERKLE_PROOF_MAX];
    size_t n;
    leaves_make(leaves, 2);
    assert_int_equal(merkle_prove(leaves, 2, 1, 1, proof, &n), ER_INVALID);
    assert_int_equal(merkle_prove(leaves, 2, 0, 3, proof, &n), ER_INVALID);
    assert_int_equal(merkle_prove_root(leaves, 2, 1, 1, proof, 0, proof), ER_INVALID);
}

static void every_field_is_in_the_leaf(void **state)
{
    (void)state;
    struct seal_frame f = {.track = 1, .at_ms = 2, .len = 3};
    struct merkle_hash first, other;
    assert_int_equal(merkle_leaf(&f, &first), 0);
    /* 00 | 00000001 | 0000000000000002 | 00 | 00000003 | 32 zeros, by sha256sum */
    expect(&first, "a9bd5152aeb46987e21c15c8856f5f8e594bb6932e3a514f9474f5b32f8ef919");
    struct seal_frame all[5] = {f, f, f, f, f};
    all[0].track++;
    all[1].at_ms++;
    all[2].len++;
    all[3].key = true;
    all[4].hash.bytes[31] = 1;
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(merkle_leaf(&all[i], &other), 0);
        assert_false(merkle_equal(&first, &other));
    }
    f.byte = 99; /* where it lies is not sealed */
    assert_int_equal(merkle_leaf(&f, &other), 0);
    assert_true(merkle_equal(&first, &other));
}

static void chain_depends_on_all_before(void **state)
{
    (void)state;
    struct merkle_hash a, b, root = {{1}}, none;
    assert_int_equal(merkle_root(NULL, 0, &none), 0);
    assert_int_equal(merkle_chain_begin("a", &a), 0);
    assert_int_equal(merkle_chain_begin("b", &b), 0);
    assert_false(merkle_equal(&a, &b));
    b = a;
    assert_int_equal(merkle_chain_step(&a, 0, &root, &none), 0);
    assert_int_equal(merkle_chain_step(&b, 0, &none, &root), 0);
    assert_false(merkle_equal(&a, &b));
    b = a;
    assert_int_equal(merkle_chain_step(&a, 1, &root, &none), 0);
    assert_int_equal(merkle_chain_step(&b, 2, &root, &none), 0);
    assert_false(merkle_equal(&a, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_the_tree_of_rfc_6962),
        cmocka_unit_test(proves_every_range_of_every_tree),
        cmocka_unit_test(refuses_what_is_no_range),
        cmocka_unit_test(every_field_is_in_the_leaf),
        cmocka_unit_test(chain_depends_on_all_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
