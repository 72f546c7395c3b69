// SPDX-License-Identifier: Apache-2.0
/* Links for buyers in webhooks: which events have them, the same each time, good for that case and buyer alone. */
#include "server/booking_link.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"

#define CASE "01hf7yatz84kpfvtg50g5dzvkx"

static char *body_of(const char *type, const char *key, char *ret, size_t size)
{
    (void)snprintf(
        ret, size,
        "{\"data\":{\"case\":{\"buyer\":{\"id\":\"lin\",\"name\":\"Lin Yue\"},\"id\":\"" CASE
        "\"},\"event\":{\"at\":\"2026-11-24T09:00:00.123Z\",\"data\":{\"key\":\"%s\"}}},"
        "\"type\":\"%s\"}",
        key, type);
    return ret;
}

static void test_link(void **state)
{
    (void)state;
    struct auth *auth;
    struct claims claims;
    const char *why;
    char body[512];
    assert_int_equal(auth_new(&auth), 0);
    assert_int_equal(auth_add_key(auth, "demo", "a secret for the tests, long", "acme"), 0);
    const struct auth_key_spec agents = {.id = "agents",
                                         .merchant = "acme",
                                         .secret = "a secret for the tests, long",
                                         .old_secret = "",
                                         .roles = 1u << ROLE_AGENT,
                                         .scopes = AUTH_ALL};
    assert_int_equal(auth_put_key(auth, &agents), 0);
    static const char *const types[] = {"callback_due", "appointment_due", "booking_reminder"};
    for (size_t i = 0; i < 3; i++) {
        char *one = booking_link_add(auth, "https://x.example",
                                     body_of(types[i], "demo", body, sizeof body));
        char *two = booking_link_add(auth, "https://x.example", body);
        assert_non_null(one);
        assert_string_equal(one, two);
        json_t *o = json_loads(one, 0, NULL);
        const json_t *link = json_object_get(json_object_get(o, "data"), "link");
        const char *url = json_string_value(json_object_get(link, "url"));
        assert_int_equal(strncmp(url, "https://x.example/c/#", 21), 0);
        assert_string_equal(json_string_value(json_object_get(link, "expires_at")),
                            "2026-11-25T09:00:00.000Z");
        assert_int_equal(auth_verify(auth, url + 21, strlen(url + 21), 1795510801, &claims, &why),
                         0);
        assert_int_equal(claims.role, ROLE_BUYER);
        assert_string_equal(claims.identity, "lin");
        assert_string_equal(claims.case_id.text, CASE);
        assert_string_equal(claims.merchant, "acme");
        json_decref(o);
        free(one);
        free(two);
    }
    assert_null(booking_link_add(auth, "", body_of("booking_made", "demo", body, sizeof body)));
    assert_null(booking_link_add(auth, "", body_of("callback_due", "gone", body, sizeof body)));
    assert_null(booking_link_add(auth, "", body_of("callback_due", "agents", body, sizeof body)));
    assert_null(booking_link_add(auth, "", "{\"type\":\"callback_due\"}"));
    assert_null(booking_link_add(auth, "", "_due\""));
    assert_null(booking_link_add(NULL, "", body_of("callback_due", "demo", body, sizeof body)));
    auth_free(auth);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_link)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
