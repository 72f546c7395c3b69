// SPDX-License-Identifier: Apache-2.0
/* Logs of what was shown are kept with their case, and a clip's part of them is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/str.h"
#include "server/store.h"
#include "tests/unit/support/seen_make.h"

#define T 1795298400u
#define US UINT64_C(1000000)

struct scene {
    struct entropy_seeded seeded;
    struct entropy entropy;
    struct store *store;
    struct store_case c;
};

static int setup(void **state)
{
    struct scene *s = calloc(1, sizeof *s);
    bool repeated;
    s->entropy = entropy_seeded_init(&s->seeded, 3);
    assert_int_equal(store_open(&s->store, ":memory:", &s->entropy, NULL), 0);
    assert_int_equal(store_merchant_put(s->store, "m", NULL, T * US), 0);
    s->c.more = json_object();
    (void)str_copy(s->c.merchant, sizeof s->c.merchant, "m");
    (void)str_copy(s->c.title, sizeof s->c.title, "cup");
    (void)str_copy(s->c.buyer, sizeof s->c.buyer, "lin");
    assert_int_equal(store_case_create(s->store, &s->c, "shop", "k", NULL, "", T * US, &repeated),
                     0);
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct scene *s = *state;
    store_case_clear(&s->c);
    store_close(s->store);
    free(s);
    return 0;
}

static int keep(struct scene *s, const struct id *room, uint32_t first, uint32_t count)
{
    uint8_t log[512];
    size_t len = seen_make(log, sizeof log, "agent", "lin", first, count, 30);
    return store_seen_add(s->store, room, log, len, first * US);
}

static size_t seconds_of(const json_t *items)
{
    size_t count = 0, i;
    const json_t *item;
    json_array_foreach(items, i, item) count += json_array_size(json_object_get(item, "sent"));
    return count;
}

static void a_clip_has_its_seconds(void **state)
{
    struct scene *s = *state;
    struct store_clip clip = {.case_id = s->c.id, .state = CLIP_READY};
    json_t *items, *document;
    assert_int_equal(store_clip_seen(s->store, &clip, T * US, &items), 0);
    assert_int_equal(json_array_size(items), 0); /* it has not begun */
    json_decref(items);
    for (uint32_t at = 0; at < 300; at += 30)
        assert_int_equal(keep(s, &s->c.room, T + at, 30), 0);
    clip.started_us = T * US + 45 * US + 500000;
    clip.duration_ms = 40000;
    assert_int_equal(store_clip_seen(s->store, &clip, 0, &items), 0);
    assert_int_equal(json_array_size(items), 1);
    assert_int_equal(seconds_of(items), 41);
    json_decref(items);
    clip.state = CLIP_RECORDING;
    clip.duration_ms = 0;
    assert_int_equal(store_clip_seen(s->store, &clip, (T + 100) * US, &items), 0);
    assert_int_equal(seconds_of(items), 55);
    json_decref(items);
    assert_int_equal(store_clip_seen_document(s->store, &clip, (T + 100) * US, &document), 0);
    assert_non_null(json_object_get(document, "started_at"));
    json_decref(document);
}

static void what_is_no_log_and_what_has_no_room_is_not_kept(void **state)
{
    struct scene *s = *state;
    struct id other = id_make(T * US, &s->entropy);
    json_t *items;
    assert_int_equal(keep(s, &other, T, 5), ER_FULL);
    assert_int_equal(store_seen_add(s->store, &s->c.room, "no log", 6, T * US), ER_MALFORMED);
    assert_int_equal(store_seen_between(s->store, &s->c.id, T * US, (T + 9) * US, &items), 0);
    assert_int_equal(json_array_size(items), 0);
    json_decref(items);
}

static void a_case_has_so_many_and_no_more(void **state)
{
    struct scene *s = *state;
    static uint8_t log[1 << 20];
    size_t len = seen_make(log, sizeof log, "agent", "lin", T, 30, 30), one = len - 1;
    while (len + one <= sizeof log) { /* the same again and again */
        memcpy(log + len, log + 1, one);
        len += one;
    }
    assert_int_equal(store_begin(s->store), 0);
    for (size_t total = 0; total < LIMIT_SEEN_BYTES; total += len)
        assert_int_equal(store_seen_add(s->store, &s->c.room, log, len, T * US), 0);
    assert_int_equal(keep(s, &s->c.room, T, 5), ER_FULL);
    assert_int_equal(store_end(s->store, 0), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_clip_has_its_seconds),
        TEST(what_is_no_log_and_what_has_no_room_is_not_kept),
        TEST(a_case_has_so_many_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
