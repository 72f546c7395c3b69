// SPDX-License-Identifier: Apache-2.0
/* Events of all cases as they come, each once, also what is written late. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/str.h"
#include "server/ctl_events.h"
#include "server/store_feed.h"

#define T0 UINT64_C(1795298400000000)
#define S UINT64_C(1000000)

static struct entropy_seeded seeded;

static int setup(void **state)
{
    struct entropy e = entropy_seeded_init(&seeded, 5);
    return store_open((struct store **)state, ":memory:", &e, NULL);
}

static int teardown(void **state)
{
    store_close(*state);
    return 0;
}

static struct id opened(struct store *s, const char *merchant, const char *title, uint64_t at_us)
{
    struct store_case c = {.kind = CASE_INSPECTION, .buyer = "lin"};
    bool repeated;
    (void)str_copy(c.merchant, sizeof c.merchant, merchant);
    (void)str_copy(c.title, sizeof c.title, title);
    assert_int_equal(store_case_create(s, &c, "shop", "k", NULL, "", at_us, &repeated), 0);
    store_case_clear(&c);
    return c.id;
}

static void add(struct store *s, const struct id *id, const char *type, uint64_t at_us)
{
    assert_int_equal(store_event_append(s, id, "ann\x1b[31m", type, NULL, at_us, NULL), 0);
}

/** How many lines a step prints; they are in `text`. */
static int step(struct ctl_events *e, FILE *f, char *text, size_t size)
{
    memset(text, 0, size);
    rewind(f);
    int n = ctl_events_step(e);
    int lines = 0;
    for (const char *p = text; *p; p++)
        lines += *p == '\n';
    assert_int_equal(lines, n < 0 ? 0 : n);
    return n;
}

static void each_once(void **state)
{
    static char text[200000];
    struct store *s = *state;
    struct ctl_events *e;
    const struct ctl_events_of of = {.since_us = 0};
    FILE *f = fmemopen(text, sizeof text, "w");
    assert_int_equal(ctl_events_new(&e, s, &of, f), 0);
    assert_int_equal(step(e, f, text, sizeof text), 0);
    struct id a = opened(s, "m", "a", T0), b = opened(s, "n", "b", T0 + 40 * 86400 * S);
    assert_int_equal(step(e, f, text, sizeof text), 2);
    assert_non_null(strstr(text, " 1 case_opened \"shop\" {"));
    assert_int_equal(step(e, f, text, sizeof text), 0);
    uint64_t now = T0 + 40 * 86400 * S;
    add(s, &a, "joined", now + 5 * S);
    assert_int_equal(step(e, f, text, sizeof text), 1);
    assert_null(strchr(text, '\x1b'));
    add(s, &b, "joined", now + 2 * S); /* was asked for before it */
    assert_int_equal(step(e, f, text, sizeof text), 1);
    assert_int_equal(store_begin(s), 0);
    for (unsigned i = 0; i < 1700; i++)
        add(s, &a, i % 2 ? "left" : "joined", now + 6 * S + i / 100);
    assert_int_equal(store_end(s, 0), 0);
    assert_int_equal(step(e, f, text, sizeof text), 1700);
    assert_int_equal(step(e, f, text, sizeof text), 0);
    ctl_events_free(e);
    (void)fclose(f);
}

static void some_of_them(void **state)
{
    static char text[20000];
    struct store *s = *state;
    struct ctl_events *e;
    struct id a = opened(s, "m", "a", T0), b = opened(s, "n", "b", T0);
    add(s, &a, "joined", T0 + S);
    add(s, &b, "joined", T0 + S);
    add(s, &b, "left", T0 + 2 * S);
    const struct {
        struct ctl_events_of of;
        int want;
    } rows[] = {{{.case_id = b}, 3},       {{.merchant = "m"}, 2},
                {{.type = "joined"}, 2},   {{.type = "joined", .merchant = "n"}, 1},
                {{.since_us = T0 + S}, 3}, {{.since_us = T0 + 3 * S}, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        FILE *f = fmemopen(text, sizeof text, "w");
        assert_int_equal(ctl_events_new(&e, s, &rows[i].of, f), 0);
        assert_int_equal(step(e, f, text, sizeof text), rows[i].want);
        ctl_events_free(e);
        (void)fclose(f);
    }
    FILE *f = fmemopen(text, sizeof text, "w");
    const struct ctl_events_of json = {.case_id = b, .type = "left", .as_json = true};
    assert_int_equal(ctl_events_new(&e, s, &json, f), 0);
    assert_int_equal(step(e, f, text, sizeof text), 1);
    json_t *o = json_loads(text, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(o, "case")), b.text);
    assert_string_equal(json_string_value(json_object_get(o, "type")), "left");
    json_decref(o);
    ctl_events_free(e);
    (void)fclose(f);
}

struct places {
    char text[400];
    struct store_feed_at last;
};

static void place(void *ctx, const struct store_event *e, const char *number, const char *merchant)
{
    struct places *p = ctx;
    size_t len = strlen(p->text);
    (void)snprintf(p->text + len, sizeof p->text - len, "%c%s%llu ", number[strlen(number) - 1],
                   merchant, (unsigned long long)e->seq);
    p->last = (struct store_feed_at){.at_us = e->at_us, .case_id = e->case_id, .seq = e->seq};
}

static void in_order_and_in_pages(void **state)
{
    struct store *s = *state;
    struct places p = {""};
    uint64_t first;
    assert_int_equal(store_feed_first(s, 0, &first), 0);
    assert_true(first == UINT64_MAX);
    struct id a = opened(s, "m", "a", T0), b = opened(s, "n", "b", T0 + S);
    add(s, &b, "joined", T0 + 2 * S);
    add(s, &a, "left", T0 + 2 * S);
    add(s, &a, "joined", T0 + 3 * S);
    assert_int_equal(store_feed_first(s, T0 + 1, &first), 0);
    assert_int_equal(first, T0 + S);
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(store_feed(s, &p.last, INT64_MAX, 1, place, &p), 0);
    assert_string_equal(p.text, "1m1 2n1 1m2 2n2 1m3 ");
    p = (struct places){""};
    assert_int_equal(store_feed(s, &p.last, T0 + 2 * S, 9, place, &p), 0);
    assert_string_equal(p.text, "1m1 2n1 ");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(each_once),
        TEST(some_of_them),
        TEST(in_order_and_in_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
