// SPDX-License-Identifier: Apache-2.0
/* Alarms in virtual time: what is not answered in time is said to be overdue, once, and by nothing else. */
#include "server/store_alarms.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/str.h"
#include "server/store_disputes.h"
#include "server/store_sql.h"

#define T0 UINT64_C(1790000000000000)
#define S UINT64_C(1000000)

struct bench {
    struct entropy_seeded random;
    struct entropy entropy;
    struct store *s;
    struct id id;
};

static void act(struct bench *b, enum case_action action, const char *who, const char *data,
                uint64_t now_us)
{
    struct store_case after;
    json_t *o = json_loads(data, 0, NULL);
    const struct store_action a = {
        .case_id = b->id, .action = action, .actor = who, .role = ROLE_COUNT, .data = o};
    assert_int_equal(store_case_act(b->s, &a, now_us, &after), 0);
    store_case_clear(&after);
    json_decref(o);
}

/** A case in review by sun. */
static int setup(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    struct store_case c = {.merchant = "m", .title = "A cup", .buyer = "lin", .buyer_name = "Lin"};
    bool repeated;
    assert_non_null(b);
    b->entropy = entropy_seeded_init(&b->random, 3);
    assert_int_equal(store_open(&b->s, ":memory:", &b->entropy, NULL), 0);
    assert_int_equal(store_case_create(b->s, &c, "shop", "k", NULL, NULL, T0, &repeated), 0);
    b->id = c.id;
    store_case_clear(&c);
    act(b, CASE_PROPOSE, "tom", "{}", T0);
    act(b, CASE_DISPUTE, "lin", "{\"statement\":\"No.\"}", T0);
    act(b, CASE_REVIEW, "sun", "{}", T0);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    store_close(b->s);
    free(b);
    return 0;
}

static void ask(struct bench *b, const char *to, uint64_t within_s, uint64_t now_us)
{
    struct store_case c;
    struct refusal why = {0};
    unsigned number;
    assert_int_equal(store_case_get(b->s, &b->id, &c), 0);
    const struct disputant sun = {&c, "sun", ROLE_ARBITER, now_us};
    assert_int_equal(store_dispute_ask(b->s, &sun, to, "When?", within_s, &number, &why), 0);
    store_case_clear(&c);
}

/** So many cases have something run out. */
static void runs(struct bench *b, uint64_t now_us, size_t count)
{
    struct id ids[4];
    struct timers_stuck stuck;
    size_t is;
    assert_int_equal(store_alarms_run(b->s, now_us, ids, 4, &is, &stuck), 0);
    assert_int_equal(stuck.count, 0);
    assert_int_equal(is, count);
    if (count)
        assert_true(id_equal(&ids[0], &b->id));
}

/** The events that say so, as "question to at-seconds;". */
static void note(void *ctx, const struct store_event *e)
{
    char *text = ctx, line[80];
    json_t *data = json_loads(e->data, 0, NULL);
    assert_string_equal(e->actor, "system");
    (void)snprintf(line, sizeof line, "%d %s %llu;",
                   (int)json_integer_value(json_object_get(data, "question")),
                   json_string_value(json_object_get(data, "to")),
                   (unsigned long long)((e->at_us - T0) / S));
    size_t len = strlen(text);
    (void)str_copy(text + len, 400 - len, line);
    json_decref(data);
}

static void said(struct bench *b, const char *want)
{
    char text[400] = "";
    assert_int_equal(store_events_typed(b->s, &b->id, "[\"question_overdue\"]", note, text), 0);
    assert_string_equal(text, want);
}

static void test_a_question_is_overdue_once(void **state)
{
    struct bench *b = *state;
    ask(b, "buyer", 60, T0);
    ask(b, "merchant", 60, T0);
    ask(b, "merchant", 100, T0);
    runs(b, T0 + 60 * S, 0); /* there is time until then */
    said(b, "");
    runs(b, T0 + 61 * S, 1);
    said(b, "1 buyer 61;2 merchant 61;");
    runs(b, T0 + 62 * S, 0);
    runs(b, T0 + 101 * S, 1);
    runs(b, T0 + 102 * S, 0);
    said(b, "1 buyer 61;2 merchant 61;3 merchant 101;");
}

static void test_what_was_answered_is_not_overdue(void **state)
{
    struct bench *b = *state;
    struct store_case c;
    struct refusal why = {0};
    ask(b, "buyer", 60, T0);
    assert_int_equal(store_case_get(b->s, &b->id, &c), 0);
    const struct disputant lin = {&c, "lin", ROLE_BUYER, T0 + 60 * S};
    assert_int_equal(store_dispute_answer(b->s, &lin, 1, "Monday.", NULL, &why), 0);
    store_case_clear(&c);
    runs(b, T0 + 100 * S, 0);
    said(b, "");
}

static void test_nothing_is_overdue_once_it_was_ruled(void **state)
{
    struct bench *b = *state;
    ask(b, "buyer", 60, T0);
    act(b, CASE_RULE, "sun", "{\"grounds\":[]}", T0 + 61 * S);
    runs(b, T0 + 62 * S, 0);
    said(b, "");
}

static void test_a_case_that_cannot_be_read_is_put_off(void **state)
{
    struct bench *b = *state;
    struct timers_stuck stuck;
    struct id ids[4];
    size_t is;
    ask(b, "buyer", 60, T0);
    ask(b, "buyer", 70, T0);
    assert_int_equal(sql_run(b->s, NULL, "UPDATE cases SET more = '{'", ""), 0);
    assert_int_equal(store_alarms_run(b->s, T0 + 100 * S, ids, 4, &is, &stuck), 0);
    assert_int_equal(is, 0);
    assert_int_equal(stuck.count, 1);
    assert_true(id_equal(&stuck.id, &b->id));
    assert_int_equal(sql_run(b->s, NULL, "UPDATE cases SET more = '{}'", ""), 0);
    runs(b, T0 + 3600 * S, 0);
    runs(b, T0 + 3701 * S, 1);
    said(b, "1 buyer 3701;2 buyer 3701;");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_question_is_overdue_once),
        TEST(test_what_was_answered_is_not_overdue),
        TEST(test_nothing_is_overdue_once_it_was_ruled),
        TEST(test_a_case_that_cannot_be_read_is_put_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
