// SPDX-License-Identifier: Apache-2.0
/* Signatures of webhooks, by the example of the specification's own libraries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "server/hook_sign.h"

#define BODY "{\"test\": 2432232314}"
#define AT 1614265330u
#define ID "msg_p5jXN8AQM9LWM0D4loKWxJek"

static void test_a_secret(void **state)
{
    (void)state;
    struct entropy_seeded seeded;
    struct entropy e = entropy_seeded_init(&seeded, 1);
    char a[HOOK_SECRET_BYTES], b[HOOK_SECRET_BYTES], out[HOOK_SIGNATURES_BYTES];
    hook_secret_make(&e, a);
    hook_secret_make(&e, b);
    assert_int_equal(strlen(a), HOOK_SECRET_BYTES - 1);
    assert_memory_equal(a, "whsec_", 6);
    assert_string_not_equal(a, b);
    assert_int_equal(hook_sign(a, "", ID, AT, BODY, strlen(BODY), out), 0);
}

/** Computed by openssl: printf .. | openssl dgst -sha256 -mac HMAC -macopt hexkey:0001..1f -binary | base64 */
static void test_known(void **state)
{
    (void)state;
    static const char secret[] = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    char out[HOOK_SIGNATURES_BYTES], two[HOOK_SIGNATURES_BYTES], other[HOOK_SIGNATURES_BYTES];
    assert_int_equal(hook_sign(secret, "", ID, AT, BODY, strlen(BODY), out), 0);
    assert_string_equal(out, "v1,O4Gjv1HqPqsMrjmczoggs/sWA8gZD0VyHG+fLh4+ktI=");
    static const char old[] = "whsec_HxECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    assert_int_equal(hook_sign(old, "", ID, AT, BODY, strlen(BODY), other), 0);
    assert_int_equal(hook_sign(secret, old, ID, AT, BODY, strlen(BODY), two), 0);
    assert_memory_equal(two, out, strlen(out));
    assert_int_equal(two[strlen(out)], ' ');
    assert_string_equal(two + strlen(out) + 1, other);
}

static void test_what_is_none(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "whsec_", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
                                      "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
                                      "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBka*xwdHh8="};
    char out[HOOK_SIGNATURES_BYTES];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(hook_sign(bad[i], "", ID, AT, BODY, strlen(BODY), out), ER_INVALID);
    static const char secret[] = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    assert_int_equal(hook_sign(secret, "", "a.b", AT, BODY, strlen(BODY), out), ER_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_secret),
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_what_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
