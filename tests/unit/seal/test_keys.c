// SPDX-License-Identifier: Apache-2.0
/* Keys: made once, rotated, revoked, published, used. */
#include "server/seal/keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/er.h"
#include "tests/unit/support/sealed_clip.h"

static int setup(void **state)
{
    static struct sealed_clip clip;
    sealed_clip_make(&clip);
    *state = &clip;
    return 0;
}

static int teardown(void **state)
{
    sealed_clip_free(*state);
    return 0;
}

static struct keys *again(struct sealed_clip *c)
{
    struct keys *k;
    assert_int_equal(keys_open(&k, scratch_path(&c->scratch, "keys"), &c->entropy, 5), 0);
    return k;
}

static bool has_private(struct sealed_clip *c, const char *kid)
{
    char name[64];
    (void)snprintf(name, sizeof name, "keys/%s.key", kid);
    return access(scratch_path(&c->scratch, name), R_OK) == 0;
}

static void makes_one_key_and_keeps_it(void **state)
{
    struct sealed_clip *c = *state;
    char name[64];
    struct stat st;
    assert_int_equal(keys_count(c->keys), 1);
    const struct key *key = keys_active(c->keys);
    assert_string_equal(key->created_at, "2026-09-21T14:13:19.000Z");
    (void)snprintf(name, sizeof name, "keys/%s.key", key->kid);
    assert_int_equal(stat(scratch_path(&c->scratch, name), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    struct keys *k = again(c);
    assert_int_equal(keys_count(k), 1);
    assert_string_equal(keys_active(k)->kid, key->kid);
    keys_free(k);
}

static void signs_and_checks(void **state)
{
    struct sealed_clip *c = *state;
    const struct key *key = keys_active(c->keys);
    uint8_t signature[KEYS_SIGNATURE_BYTES];
    assert_int_equal(keys_sign(c->keys, "one", "data", 4, signature), 0);
    assert_int_equal(keys_check(key->public, "one", "data", 4, signature), 0);
    assert_int_equal(keys_check(key->public, "two", "data", 4, signature), ER_UNAUTHENTIC);
    assert_int_equal(keys_check(key->public, "one", "dat", 3, signature), ER_UNAUTHENTIC);
    signature[63] ^= 1;
    assert_int_equal(keys_check(key->public, "one", "data", 4, signature), ER_UNAUTHENTIC);
}

static void rotation_retires_and_forgets_the_private_half(void **state)
{
    struct sealed_clip *c = *state;
    char old[KEYS_KID_BYTES];
    memcpy(old, keys_active(c->keys)->kid, sizeof old);
    assert_true(has_private(c, old));
    assert_int_equal(keys_rotate(c->keys, &c->entropy, SEALED_CLIP_US + 5000000), 0);
    assert_string_not_equal(keys_active(c->keys)->kid, old);
    assert_string_equal(keys_at(c->keys, 0)->retired_at, "2026-09-21T14:13:25.000Z");
    assert_false(has_private(c, old));
    struct keys *k = again(c);
    assert_int_equal(keys_count(k), 2);
    assert_string_equal(keys_active(k)->kid, keys_active(c->keys)->kid);
    keys_free(k);
}

static void revoking_the_active_key_makes_a_new_one(void **state)
{
    struct sealed_clip *c = *state;
    char old[KEYS_KID_BYTES];
    memcpy(old, keys_active(c->keys)->kid, sizeof old);
    assert_int_equal(keys_revoke(c->keys, "0000000000000000", "?", &c->entropy, 0), ER_NOT_FOUND);
    assert_int_equal(keys_revoke(c->keys, old, "laptop lost", &c->entropy, SEALED_CLIP_US), 0);
    assert_int_equal(keys_revoke(c->keys, old, "again", &c->entropy, SEALED_CLIP_US), ER_CONFLICT);
    struct keys *k = again(c);
    assert_string_equal(keys_at(k, 0)->reason, "laptop lost");
    assert_string_equal(keys_at(k, 0)->revoked_at, "2026-09-21T14:13:20.000Z");
    assert_string_not_equal(keys_active(k)->kid, old);
    assert_false(has_private(c, old));
    keys_free(k);
}

static void published_document_reads_back_without_private_halves(void **state)
{
    struct sealed_clip *c = *state;
    struct keys *k;
    uint8_t signature[KEYS_SIGNATURE_BYTES];
    json_t *document = keys_json(c->keys);
    char *text = json_dumps(document, 0);
    assert_null(strstr(text, "\"d\""));
    assert_int_equal(keys_parse(&k, document), 0);
    assert_null(keys_active(k));
    assert_int_equal(keys_sign(k, "x", "", 0, signature), ER_CONFLICT);
    assert_int_equal(keys_rotate(k, &c->entropy, 1), ER_INVALID);
    assert_non_null(keys_find(k, keys_active(c->keys)->public));
    keys_free(k);
    free(text);
    json_decref(document);
}

static void refuses_broken_documents(void **state)
{
    struct sealed_clip *c = *state;
    static const struct {
        const char *member, *value;
    } wrong[] = {
        {"kty", "EC"},  {"crv", "X25519"},           {"kid", "0123456789abcdef"},
        {"x", "short"}, {"created_at", "yesterday"}, {"retired_at", "2026-09-21 14:13:20.000Z"}};
    struct keys *k;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        json_t *document = keys_json(c->keys);
        json_t *key = json_array_get(json_object_get(document, "keys"), 0);
        json_object_set_new(key, wrong[i].member, json_string(wrong[i].value));
        assert_int_equal(keys_parse(&k, document), ER_MALFORMED);
        json_decref(document);
    }
    json_t *twice = keys_json(c->keys);
    json_t *list = json_object_get(twice, "keys");
    json_array_append(list, json_array_get(list, 0));
    assert_int_equal(keys_parse(&k, twice), ER_MALFORMED);
    json_decref(twice);
    scratch_write(&c->scratch, "keys/keys.json", (const uint8_t *)"{}", 2);
    assert_int_equal(keys_open(&k, scratch_path(&c->scratch, "keys"), &c->entropy, 5),
                     ER_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(makes_one_key_and_keeps_it, setup, teardown),
        cmocka_unit_test_setup_teardown(signs_and_checks, setup, teardown),
        cmocka_unit_test_setup_teardown(rotation_retires_and_forgets_the_private_half, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(revoking_the_active_key_makes_a_new_one, setup, teardown),
        cmocka_unit_test_setup_teardown(published_document_reads_back_without_private_halves, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(refuses_broken_documents, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
