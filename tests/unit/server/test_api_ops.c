// SPDX-License-Identifier: Apache-2.0
/* Health, readiness and metrics: what they say, to whom, and that Prometheus can read it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "tests/unit/support/api_bench.h"

static void test_health_and_readiness(void **state)
{
    struct api_bench *b = *state;
    assert_int_equal(api_on_loop(b, api_healthz, (struct api_ask){.nobody = true}), 200);
    assert_string_equal(b->response.body, "ok\n");
    assert_int_equal(api_on_store(b, api_readyz, (struct api_ask){.nobody = true}), 200);
    assert_string_equal(b->response.body, "ok\n");
    const struct api_ask late = {.nobody = true, .draining = true};
    assert_int_equal(api_on_store(b, api_readyz, late), 503);
    assert_string_equal(b->response.body, "draining\n");
    const struct api_ask unsaved = {.nobody = true, .clips_unsaved = true};
    assert_int_equal(api_on_store(b, api_readyz, unsaved), 503);
    assert_int_equal(api_on_loop(b, api_healthz, late), 200); /* it lives all the same */
}

static int metrics(struct api_bench *b, struct api_ask ask, const char *from)
{
    b->peer = from;
    return api_on_loop(b, api_metrics, ask);
}

static void test_who_gets_metrics(void **state)
{
    struct api_bench *b = *state;
    const struct api_ask nobody = {.nobody = true}, forwarded = {.nobody = true, .forwarded = true};
    assert_int_equal(metrics(b, nobody, "127.0.0.1:9"), 200);
    assert_int_equal(metrics(b, nobody, "[::1]:9"), 200);
    assert_int_equal(metrics(b, nobody, "192.0.2.7:9"), 401);
    assert_int_equal(metrics(b, forwarded, "127.0.0.1:9"), 401); /* a proxy speaks for others */
    b->config.allow_plain_http = true;                           /* all of them may be such */
    assert_int_equal(metrics(b, nobody, "127.0.0.1:9"), 401);
    for (unsigned r = 0; r < ROLE_COUNT; r++) {
        bool may = r == ROLE_SERVICE || r == ROLE_SUPERVISOR;
        assert_int_equal(metrics(b, (struct api_ask){.role = (enum role)r}, "192.0.2.7:9"),
                         may ? 200 : 403);
        const struct api_ask foreign = {.role = (enum role)r, .foreign = true};
        const struct api_ask bound = {.role = (enum role)r, .of_case = &b->sc.id};
        assert_int_equal(metrics(b, foreign, "192.0.2.7:9"), 403); /* they tell of all merchants */
        assert_int_equal(metrics(b, bound, "192.0.2.7:9"), 403);
    }
}

/** The value of a metric without labels; fails when it is not there. */
static double value_of(const struct api_bench *b, const char *name)
{
    char line[128];
    int len = snprintf(line, sizeof line, "\nloupe_%s ", name);
    const char *at = strstr(b->response.body, line);
    if (!at)
        fail_msg("no %s", name);
    return strtod(at + len, NULL);
}

static void test_what_they_count(void **state)
{
    struct api_bench *b = *state;
    struct client buyer;
    client_hello(&buyer, &b->w, "lin", ROLE_BUYER, &b->sc.id);
    assert_int_equal(metrics(b, (struct api_ask){.role = ROLE_SERVICE}, "192.0.2.7:9"), 200);
    assert_true(value_of(b, "http_connections") == 3);
    assert_true(value_of(b, "http_requests_total") == 41);
    assert_true(value_of(b, "ws_sessions") == 1);
    assert_true(value_of(b, "people") == 1);
    assert_true(value_of(b, "draining") == 0);
    assert_true(value_of(b, "media_packets_in_total") == 0);
    assert_non_null(strstr(b->response.body, "\nloupe_http_responses_total{class=\"2xx\"} 7\n"));
    assert_non_null(strstr(b->response.body, "\nloupe_http_responses_total{class=\"5xx\"} 1\n"));
    b->app.drain_until_us = 1;
    assert_int_equal(metrics(b, (struct api_ask){.role = ROLE_SERVICE}, "192.0.2.7:9"), 200);
    assert_true(value_of(b, "draining") == 1);
    client_free(&buyer);
}

/** The name that a line is about, up to a blank or labels, in `ret`. */
static void name_in(const char *line, char ret[96])
{
    size_t len = strcspn(line, " {\n");
    assert_in_range(len, 7, 95);
    memcpy(ret, line, len);
    ret[len] = '\0';
    assert_int_equal(strncmp(ret, "loupe_", 6), 0);
}

/* Every sample stands behind the HELP and the TYPE of its name, which stand there once. */
static void test_the_format(void **state)
{
    struct api_bench *b = *state;
    char name[96], typed[96] = "", told[96] = "", once[128];
    unsigned samples = 0;
    assert_int_equal(metrics(b, (struct api_ask){.role = ROLE_SERVICE}, "192.0.2.7:9"), 200);
    assert_string_equal(b->response.content_type, "text/plain; version=0.0.4; charset=utf-8");
    assert_int_equal(b->response.body[b->response.body_len - 1], '\n');
    for (const char *line = b->response.body; *line; line = strchr(line, '\n') + 1) {
        if (strncmp(line, "# HELP ", 7) == 0) {
            name_in(line + 7, told);
            (void)snprintf(once, sizeof once, "# HELP %s ", told);
            assert_null(strstr(line + 1, once));
        } else if (strncmp(line, "# TYPE ", 7) == 0) {
            name_in(line + 7, typed);
            assert_string_equal(typed, told);
        } else {
            name_in(line, name);
            assert_int_equal(strncmp(name, typed, strlen(typed)), 0);
            assert_true(name[strlen(typed)] == '\0' || name[strlen(typed)] == '_');
            samples++;
        }
    }
    assert_true(samples > 50);
}

static void test_histograms_add_up(void **state)
{
    struct api_bench *b = *state;
    assert_int_equal(metrics(b, (struct api_ask){.role = ROLE_SERVICE}, "192.0.2.7:9"), 200);
    static const char *const names[] = {"media_join_seconds", "media_first_picture_seconds",
                                        "media_relay_delay_seconds"};
    for (size_t i = 0; i < 3; i++) {
        char line[128];
        (void)snprintf(line, sizeof line, "\nloupe_%s_bucket{le=\"+Inf\"} 0\n", names[i]);
        assert_non_null(strstr(b->response.body, line));
        (void)snprintf(line, sizeof line, "%s_count", names[i]);
        assert_true(value_of(b, line) == 0);
        (void)snprintf(line, sizeof line, "%s_sum", names[i]);
        assert_true(value_of(b, line) == 0);
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, api_bench_setup, api_bench_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_health_and_readiness), TEST(test_who_gets_metrics),  TEST(test_what_they_count),
        TEST(test_the_format),           TEST(test_histograms_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
