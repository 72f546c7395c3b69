// SPDX-License-Identifier: Apache-2.0
/* A verdict that is disputed over HTTP: by whom, for how long, and what becomes of its certificate. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "server/store_audit.h"
#include "tests/unit/support/hat_bench.h"

static int act(struct hat_bench *b, enum role role, const char *who, const char *action,
               const char *body)
{
    return hat_ask(b, api_case_act, role, who, action, body);
}

#define RULING(more) "{'liability':'merchant','remedy':'refund','grounds':[{'text':'x'}]" more "}"

/** Sun's review of the owner's "No.", and the ruling. */
static void disputed(struct hat_bench *b, const char *ruling)
{
    assert_int_equal(act(b, ROLE_BUYER, "lin", "dispute", "{'statement':'No.'}"), 200);
    assert_string_equal(api_text(&b->api, "state"), "disputed");
    assert_int_equal(act(b, ROLE_ARBITER, "sun", "review", NULL), 200);
    assert_int_equal(act(b, ROLE_ARBITER, "sun", "rule", RULING("")), 400); /* and the verdict? */
    assert_int_equal(act(b, ROLE_ARBITER, "sun", "rule", ruling), 200);
    assert_int_equal(act(b, ROLE_SERVICE, "shop", "execute", NULL), 200);
}

static int certificate(struct hat_bench *b, const char *id)
{
    return api_on_store(&b->api, api_certificate_get,
                        (struct api_ask){.nobody = true, .param = {id}});
}

static void the_row_is_as_its_events_say(struct hat_bench *b)
{
    struct report r;
    struct store_audit audit = {.only = b->hat.id};
    char row[64];
    size_t i;
    const json_t *f;
    (void)snprintf(row, sizeof row, "cases %s", b->hat.id.text);
    assert_int_equal(report_init(&r), 0);
    assert_int_equal(store_audit(b->api.w.store, &audit, &r), 0);
    assert_int_equal(audit.cases, 1);
    json_array_foreach(r.findings, i, f)
    {
        const char *is = json_string_value(json_object_get(f, "row"));
        if (is && strcmp(is, row) == 0)
            fail_msg("%s", json_string_value(json_object_get(f, "text")));
    }
    report_clear(&r);
}

static void test_a_verdict_that_falls_takes_its_certificate_along(void **state)
{
    struct hat_bench *b = *state;
    char id[ID_TEXT_BYTES];
    assert_int_equal(act(b, ROLE_BUYER, "lin", "dispute", "{'statement':'No.'}"), 409);
    hat_fill(b);
    assert_int_equal(hat_verdict(b, ROLE_APPRAISER, "{'verdict':'genuine'," GROUNDS "}"), 200);
    assert_int_equal(hat_ask(b, api_certificate_issue, ROLE_SERVICE, "shop", NULL, NULL), 201);
    (void)str_copy(id, sizeof id, api_text(&b->api, "id"));
    /* The merchant closes it at once: that takes nothing from the owner. */
    assert_int_equal(act(b, ROLE_SERVICE, "shop", "close", NULL), 200);
    assert_int_equal(act(b, ROLE_BUYER, "lin", "dispute", "{'statement':'No.'}"), 200);
    assert_int_equal(certificate(b, id), 200);
    assert_true(json_is_true(json_object_get(b->api.body, "disputed")));
    assert_string_equal(api_text(&b->api, "state"), "valid");
    assert_int_equal(hat_ask(b, api_dispute_get, ROLE_BUYER, "lin", NULL, NULL), 200);
    assert_string_equal(api_text(&b->api, "of"), "verdict");
    assert_string_equal(api_text(&b->api, "statements.0.text"), "No.");
    assert_int_equal(act(b, ROLE_ARBITER, "sun", "review", NULL), 200);
    assert_int_equal(act(b, ROLE_ARBITER, "sun", "rule", RULING(",'verdict_stands':false")), 200);
    assert_int_equal(certificate(b, id), 200);
    assert_string_equal(api_text(&b->api, "state"), "revoked");
    assert_string_equal(api_text(&b->api, "reason"), "disputed");
    assert_null(json_object_get(b->api.body, "disputed"));
    assert_int_equal(act(b, ROLE_SERVICE, "shop", "execute", NULL), 200);
    assert_int_equal(hat_ask(b, api_certificate_issue, ROLE_SERVICE, "shop", NULL, NULL), 409);
    assert_int_equal(act(b, ROLE_BUYER, "lin", "dispute", "{'statement':'No.'}"), 409); /* ruled */
    the_row_is_as_its_events_say(b);
}

static void test_a_verdict_that_stands_is_certified(void **state)
{
    struct hat_bench *b = *state;
    hat_fill(b);
    assert_int_equal(hat_verdict(b, ROLE_APPRAISER, "{'verdict':'genuine'," GROUNDS "}"), 200);
    disputed(b, RULING(",'verdict_stands':true"));
    assert_int_equal(hat_ask(b, api_certificate_issue, ROLE_SERVICE, "shop", NULL, NULL), 201);
}

static void test_a_verdict_is_disputed_within_a_week(void **state)
{
    struct hat_bench *b = *state;
    hat_fill(b);
    assert_int_equal(hat_verdict(b, ROLE_APPRAISER, "{'verdict':'genuine'," GROUNDS "}"), 200);
    b->api.unix_us += LIMIT_APPEAL_SECONDS * UINT64_C(1000000) + 2000;
    assert_int_equal(act(b, ROLE_BUYER, "lin", "dispute", "{'statement':'No.'}"), 409);
    b->api.unix_us -= 4000;
    assert_int_equal(act(b, ROLE_SUPERVISOR, "sue", "dispute", "{'statement':'No.'}"), 403);
    assert_int_equal(act(b, ROLE_BUYER, "lin", "dispute", "{'statement':'No.'}"), 200);
}

static void test_what_was_agreed_to_is_not_disputed_any_more(void **state)
{
    struct hat_bench *b = *state;
    assert_int_equal(act(b, ROLE_AGENT, "tom", "propose", "{'outcome':'refund'}"), 200);
    assert_int_equal(act(b, ROLE_BUYER, "lin", "agree", NULL), 200);
    assert_int_equal(act(b, ROLE_SERVICE, "shop", "execute", NULL), 200);
    assert_int_equal(act(b, ROLE_BUYER, "lin", "dispute", "{'statement':'No.'}"), 409);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, hat_setup, hat_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_verdict_that_falls_takes_its_certificate_along),
        TEST(test_a_verdict_that_stands_is_certified),
        TEST(test_a_verdict_is_disputed_within_a_week),
        TEST(test_what_was_agreed_to_is_not_disputed_any_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
