// SPDX-License-Identifier: Apache-2.0
/* The timeline: order, the chain of hashes, and that nothing in it can be changed unseen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

#include "base/er.h"
#include "base/json.h"
#include "base/str.h"
#include "server/store.h"

#define T0 UINT64_C(1795298400123456)

static struct entropy_seeded seeded;

static struct store *fresh(const char *path, struct id *ret_case)
{
    struct entropy e = entropy_seeded_init(&seeded, 3);
    struct store_case c = {.merchant = "m", .title = "t", .buyer = "b", .buyer_name = "B"};
    struct store *s;
    bool repeated;
    assert_int_equal(store_open(&s, path, &e, NULL), 0);
    assert_int_equal(store_case_create(s, &c, "shop", "k", NULL, "", T0, &repeated), 0);
    *ret_case = c.id;
    store_case_clear(&c);
    return s;
}

static void link_check(void *ctx, const struct store_event *e)
{
    char *prev = ctx;
    assert_string_equal(e->prev, prev);
    /* The hash can be made again from what the API gives. */
    json_t *o = store_event_json(e);
    assert_non_null(o);
    json_object_del(o, "hash");
    json_object_set_new(o, "case", json_string(e->case_id.text));
    char *text = json_canonical(o);
    uint8_t hash[32];
    char hex[65];
    EVP_Digest(text, strlen(text), hash, NULL, EVP_sha256(), NULL);
    hex_encode(hex, hash, 32);
    assert_string_equal(hex, e->hash);
    memcpy(prev, e->hash, 65);
    free(text);
    json_decref(o);
}

static void count(void *ctx, const struct store_event *e)
{
    uint64_t *n = ctx;
    *n = *n * 10 + e->seq;
}

static void test_chain(void **state)
{
    (void)state;
    struct id id, none = {"00000000000000000000000000"};
    struct store *s = fresh(":memory:", &id);
    char head[65], last[65] = "";
    uint64_t bad, n = 0;
    for (int i = 0; i < 5; i++) {
        json_t *data = json_pack("{s:i,s:s}", "n", i, "a", "ä林\n");
        assert_int_equal(store_event_append(s, &id, "mei", "noted", data, T0 + i, last), 0);
        json_decref(data);
    }
    assert_int_equal(store_chain_head(s, &id, &n, head), 0);
    assert_string_equal(head, last);
    assert_int_equal(n, 6); /* its opening is the first */
    assert_int_equal(store_chain_head(s, &none, &n, head), 0);
    assert_int_equal(n, 0);
    char prev[65];
    memset(prev, '0', 64);
    prev[64] = '\0';
    assert_string_equal(head, prev);
    assert_int_equal(store_events_list(s, &id, 0, 100, link_check, prev), 0);
    assert_string_equal(prev, last);
    assert_int_equal(store_events_list(s, &id, 2, 3, count, &n), 0);
    assert_int_equal(n, 345);
    assert_int_equal(store_chain_verify(s, &id, &bad), 0);
    assert_int_equal(bad, 0);
    store_close(s);
}

static void test_bad_events(void **state)
{
    (void)state;
    struct id id, none = {"00000000000000000000000000"};
    struct store *s = fresh(":memory:", &id);
    char longer[200];
    json_t *list = json_array();
    memset(longer, 'x', sizeof longer);
    longer[199] = '\0';
    assert_int_equal(store_event_append(s, &none, "a", "t", NULL, T0, NULL), ER_NOT_FOUND);
    assert_int_equal(store_event_append(s, &id, longer, "t", NULL, T0, NULL), ER_INVALID);
    assert_int_equal(store_event_append(s, &id, "a", longer, NULL, T0, NULL), ER_INVALID);
    assert_int_equal(store_event_append(s, &id, "a", "", NULL, T0, NULL), ER_INVALID);
    assert_int_equal(store_event_append(s, &id, "a", "t", list, T0, NULL), ER_INVALID);
    json_decref(list);
    store_close(s);
}

static void test_tampering_is_seen(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        uint64_t bad_seq;
    } rows[] = {
        {"UPDATE events SET data = '{\"n\":9}' WHERE seq = 2", 2},
        {"UPDATE events SET actor = 'eve' WHERE seq = 3", 3},
        {"UPDATE events SET at_us = at_us + 1000 WHERE seq = 1", 1},
        {"DELETE FROM events WHERE seq = 2", 3},
        {"UPDATE events SET hash = prev WHERE seq = 4", 4},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char path[] = "/tmp/loupe-events-XXXXXX";
        char command[100];
        struct id id;
        uint64_t bad;
        close(mkstemp(path));
        struct store *s = fresh(path, &id);
        for (int k = 0; k < 3; k++)
            assert_int_equal(store_event_append(s, &id, "mei", "noted", NULL, T0, NULL), 0);
        sqlite3 *db;
        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        /* Even the database itself refuses. */
        assert_int_equal(sqlite3_exec(db, rows[i].sql, NULL, NULL, NULL), SQLITE_CONSTRAINT);
        assert_int_equal(store_chain_verify(s, &id, &bad), 0);
        sqlite3_exec(db, "DROP TRIGGER events_stay; DROP TRIGGER events_last", NULL, NULL, NULL);
        assert_int_equal(sqlite3_exec(db, rows[i].sql, NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(db);
        assert_int_equal(store_chain_verify(s, &id, &bad), ER_UNAUTHENTIC);
        assert_int_equal(bad, rows[i].bad_seq);
        store_close(s);
        unlink(path);
        (void)snprintf(command, sizeof command, "%s-wal", path);
        unlink(command);
        (void)snprintf(command, sizeof command, "%s-shm", path);
        unlink(command);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_chain),
                                       cmocka_unit_test(test_bad_events),
                                       cmocka_unit_test(test_tampering_is_seen)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
