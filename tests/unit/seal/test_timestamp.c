// SPDX-License-Identifier: Apache-2.0
/* Time stamps, against an authority made here. */
#include "server/seal/timestamp.h"

#include <openssl/crypto.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "tests/unit/support/authority.h"
#include "tests/unit/support/scratch.h"

struct scene {
    struct authority authority;
    struct scratch scratch;
};

static const struct merkle_hash hash = {{1, 2, 3}};

static char *token_from(struct authority *a, uint64_t nonce, uint64_t expected, int er)
{
    unsigned char *request;
    size_t len;
    int answer_len;
    char *token = NULL;
    assert_int_equal(timestamp_request(&hash, nonce, &request, &len), 0);
    unsigned char *answer = authority_answer(a, request, len, &answer_len);
    assert_int_equal(timestamp_take(answer, (size_t)answer_len, &hash, expected, &token), er);
    OPENSSL_free(answer);
    free(request);
    return token;
}

static int setup(void **state)
{
    static struct scene s;
    scratch_make(&s.scratch);
    authority_make(&s.authority, scratch_path(&s.scratch, "ca.pem"));
    *state = &s;
    return 0;
}

static int teardown(void **state)
{
    struct scene *s = *state;
    authority_free(&s->authority);
    scratch_remove(&s->scratch);
    return 0;
}

static void stamps_and_checks(void **state)
{
    struct scene *s = *state;
    char at[CLOCK_TEXT_BYTES];
    char *token = token_from(&s->authority, 77, 77, 0);
    assert_int_equal(timestamp_check(token, &hash, scratch_path(&s->scratch, "ca.pem"), at), 0);
    assert_int_equal(strlen(at), 24);
    assert_int_equal(at[10], 'T');
    assert_int_equal(timestamp_check(token, &hash, NULL, at), ER_AGAIN);
    assert_int_equal(timestamp_check(token, &hash, scratch_path(&s->scratch, "none.pem"), at),
                     ER_NOT_FOUND);
    struct merkle_hash other = {{9}};
    assert_int_equal(timestamp_check(token, &other, NULL, at), ER_UNAUTHENTIC);
    free(token);
}

static void another_authority_is_not_believed(void **state)
{
    struct scene *s = *state;
    struct authority other;
    char at[CLOCK_TEXT_BYTES];
    authority_make(&other, scratch_path(&s->scratch, "other.pem"));
    char *token = token_from(&s->authority, 77, 77, 0);
    assert_int_equal(timestamp_check(token, &hash, scratch_path(&s->scratch, "other.pem"), at),
                     ER_UNAUTHENTIC);
    free(token);
    authority_free(&other);
}

static void an_answer_to_another_question_is_refused(void **state)
{
    struct scene *s = *state;
    assert_null(token_from(&s->authority, 77, 78, ER_UNAUTHENTIC));
}

static void what_is_no_answer_is_refused(void **state)
{
    (void)state;
    char *token, at[CLOCK_TEXT_BYTES];
    static const unsigned char refusal[] = {0x30, 0x05, 0x30, 0x03, 0x02, 0x01, 0x02};
    assert_int_equal(timestamp_take((const unsigned char *)"<html>", 6, &hash, 1, &token),
                     ER_UNAUTHENTIC);
    assert_int_equal(timestamp_take(refusal, sizeof refusal, &hash, 1, &token), ER_AGAIN);
    assert_int_equal(timestamp_check("AAAA", &hash, NULL, at), ER_UNAUTHENTIC);
    assert_int_equal(timestamp_check("", &hash, NULL, at), ER_UNAUTHENTIC);
    assert_int_equal(timestamp_check(NULL, &hash, NULL, at), ER_UNAUTHENTIC);
}

static void nobody_there(void **state)
{
    (void)state;
    char *token;
    struct entropy_seeded random;
    struct entropy entropy = entropy_seeded_init(&random, 1);
    assert_int_equal(timestamp_get("http://127.0.0.1:1/", &hash, &entropy, &token), ER_AGAIN);
    assert_int_equal(timestamp_get("https://127.0.0.1:1/", &hash, &entropy, &token), ER_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(stamps_and_checks, setup, teardown),
        cmocka_unit_test_setup_teardown(another_authority_is_not_believed, setup, teardown),
        cmocka_unit_test_setup_teardown(an_answer_to_another_question_is_refused, setup, teardown),
        cmocka_unit_test(what_is_no_answer_is_refused),
        cmocka_unit_test(nobody_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
