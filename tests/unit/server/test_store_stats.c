// SPDX-License-Identifier: Apache-2.0
/* Sums of figures in the store: over any span of time, by group, by merchant; the same from events alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/str.h"
#include "server/case_facts.h"
#include "server/store_sql.h"
#include "server/store_stats.h"

#define T0 UINT64_C(1795298400000000) /* 2026-11-21T22:00:00Z */
#define S UINT64_C(1000000)
#define HOUR (3600 * S)

static struct entropy_seeded seeded;

static int setup(void **state)
{
    struct entropy e = entropy_seeded_init(&seeded, 11);
    return store_open((struct store **)state, ":memory:", &e, NULL);
}

static int teardown(void **state)
{
    store_close(*state);
    return 0;
}

static void act(struct store *s, const struct id *id, enum case_action action, const char *actor,
                json_t *data, uint64_t at_us)
{
    const struct store_action a = {
        .case_id = *id, .action = action, .actor = actor, .role = ROLE_COUNT, .data = data};
    struct store_case c;
    assert_int_equal(store_case_act(s, &a, at_us, &c), 0);
    store_case_clear(&c);
    json_decref(data);
}

/** A case that waited for `wait_s`, then for `agent` (NULL: in vain). */
static struct id waited(struct store *s, const char *merchant, const char *reason,
                        const char *agent, uint64_t at_us, uint64_t wait_s)
{
    struct store_case c = {.kind = CASE_INSPECTION, .title = "a", .buyer = "lin"};
    bool repeated;
    (void)str_copy(c.merchant, sizeof c.merchant, merchant);
    c.more = json_pack("{s:s}", "reason", reason);
    assert_int_equal(store_case_create(s, &c, "shop", "k", NULL, "", at_us, &repeated), 0);
    struct id id = c.id;
    store_case_clear(&c);
    act(s, &id, CASE_WAIT, "lin", NULL, at_us);
    if (agent)
        act(s, &id, CASE_START_CALL, agent, json_pack("{s:s}", "agent", agent), at_us + wait_s * S);
    else
        act(s, &id, CASE_STOP_WAIT, "lin", NULL, at_us + wait_s * S);
    return id;
}

struct said {
    char text[4000];
};

static void note(void *ctx, const char *key, uint64_t at_us, const struct stats_cell *c)
{
    struct said *said = ctx;
    size_t len = strlen(said->text);
    (void)snprintf(said->text + len, sizeof said->text - len, "%s@%llu:%llu/%llu ", key,
                   (unsigned long long)(at_us ? (at_us - T0 / HOUR * HOUR) / HOUR : 0),
                   (unsigned long long)c->counts[STATS_OPENED], (unsigned long long)c->wait.count);
}

static struct stats_cell ask(struct store *s, const char *merchant, uint64_t from, uint64_t to,
                             enum store_stats_group group, const char *want)
{
    struct store_stats_query q = {
        .merchant = merchant, .from_us = from, .to_us = to, .group = group};
    struct stats_cell total;
    struct said said = {""};
    assert_int_equal(store_stats(s, &q, &total, note, &said), 0);
    assert_string_equal(said.text, want);
    return total;
}

static void fill(struct store *s)
{
    (void)waited(s, "m", "broken", "ann", T0, 30);
    (void)waited(s, "m", "broken", "abe", T0 + HOUR, 150);
    (void)waited(s, "m", "late", NULL, T0 + 3 * HOUR, 9); /* the next day */
    (void)waited(s, "n", "late", "ann", T0, 1);
}

static void test_sums(void **state)
{
    struct store *s = *state;
    fill(s);
    struct stats_cell c = ask(s, "m", 0, INT64_MAX, STATS_BY_NOTHING, "");
    assert_int_equal(c.counts[STATS_OPENED], 3);
    assert_int_equal(c.counts[STATS_WAITS], 3);
    assert_int_equal(c.counts[STATS_ABANDONED], 1);
    assert_int_equal(c.counts[STATS_ANSWERED_2MIN], 1);
    assert_int_equal(c.wait.count, 2);
    assert_int_equal(c.wait.sum_ms, 180000);
    assert_int_equal(c.wait.max_ms, 150000);
    assert_int_equal(c.counts[STATS_CALLS], 2);
    assert_int_equal(ask(s, "n", 0, INT64_MAX, STATS_BY_NOTHING, "").counts[STATS_OPENED], 1);
    assert_int_equal(ask(s, "o", 0, INT64_MAX, STATS_BY_NOTHING, "").counts[STATS_OPENED], 0);
    /* Hours at both sides of days. */
    for (uint64_t from = 0; from < 6; from++) {
        for (uint64_t to = from; to < 60; to += to < 6 ? 1 : 27) {
            c = ask(s, "m", T0 + from * HOUR, T0 + to * HOUR, STATS_BY_NOTHING, "");
            uint64_t want = (from == 0 && to > 0) + (from <= 1 && to > 1) + (from <= 3 && to > 3);
            assert_int_equal(c.counts[STATS_OPENED], want);
        }
    }
}

static void test_groups(void **state)
{
    struct store *s = *state;
    fill(s);
    ask(s, "m", 0, INT64_MAX, STATS_BY_HOUR, "@0:1/1 @1:1/1 @3:1/0 ");
    ask(s, "m", T0 + 4000 * S, INT64_MAX, STATS_BY_HOUR, "@1:1/1 @3:1/0 ");
    ask(s, "m", T0 + 5 * HOUR, T0 + 6 * HOUR, STATS_BY_DAY, "@2:1/0 ");
    ask(s, "m", 0, INT64_MAX, STATS_BY_AGENT, "@0:3/0 abe@0:0/1 ann@0:0/1 ");
    ask(s, "m", 0, INT64_MAX, STATS_BY_REASON, "broken@0:2/2 late@0:1/0 ");
    ask(s, "m", 0, INT64_MAX, STATS_BY_TEAM, "@0:3/2 ");
    ask(s, "m", T0, T0 + HOUR, STATS_BY_REASON, "broken@0:1/1 ");
}

static size_t cells(struct store *s, char *ret, size_t size)
{
    sqlite3_stmt *st;
    size_t n = 0;
    ret[0] = '\0';
    assert_int_equal(sql_begin(s, &st,
                               "SELECT merchant || dim || span || at_s || key || hex(cell)"
                               " FROM stats_cells ORDER BY merchant, dim, span, at_s, key",
                               ""),
                     0);
    for (; sql_step(s, st) == 1; n++) {
        size_t len = strlen(ret);
        (void)snprintf(ret + len, size - len, "%s\n", (const char *)sqlite3_column_text(st, 0));
    }
    sql_end(st);
    return n;
}

static void test_the_same_from_events_alone(void **state)
{
    static char before[60000], after[60000];
    struct store *s = *state;
    fill(s);
    assert_true(cells(s, before, sizeof before) > 20);
    assert_int_equal(sql_run(s, NULL, "DELETE FROM stats_cells", ""), 0);
    assert_int_equal(store_stats_fill(s), 0);
    (void)cells(s, after, sizeof after);
    assert_string_equal(after, before);
}

/** A case's facts, changed as PATCH does it. */
static void change(struct store *s, const struct id *id, const char *patch, uint64_t at_us)
{
    struct store_case c;
    json_t *changes, *asked = json_loads(patch, 0, NULL);
    assert_int_equal(store_case_get(s, id, &c), 0);
    assert_null(case_facts_diff(&c, asked, &changes));
    store_case_clear(&c);
    const struct store_change ch = {.case_id = *id, .actor = "ann", .changes = changes};
    assert_int_equal(store_case_change(s, &ch, at_us, &c), 0);
    store_case_clear(&c);
    json_decref(changes);
    json_decref(asked);
}

static void test_by_what_the_case_is_by_then(void **state)
{
    struct store *s = *state;
    struct id id = waited(s, "m", "broken", NULL, T0, 30);
    change(s, &id, "{\"reason\":\"late\",\"team\":\"north\"}", T0 + 60 * S);
    act(s, &id, CASE_WAIT, "lin", NULL, T0 + 70 * S);
    act(s, &id, CASE_START_CALL, "ann", json_pack("{s:s}", "agent", "ann"), T0 + 80 * S);
    ask(s, "m", 0, INT64_MAX, STATS_BY_REASON, "broken@0:1/0 late@0:0/1 ");
    ask(s, "m", 0, INT64_MAX, STATS_BY_TEAM, "@0:1/0 north@0:0/1 ");
    change(s, &id, "{\"reason\":null,\"team\":null}", T0 + 90 * S);
    act(s, &id, CASE_END_CALL, "ann", NULL, T0 + 100 * S);
    act(s, &id, CASE_WAIT, "lin", NULL, T0 + 110 * S);
    act(s, &id, CASE_START_CALL, "ann", json_pack("{s:s}", "agent", "ann"), T0 + 120 * S);
    ask(s, "m", 0, INT64_MAX, STATS_BY_REASON, "@0:0/1 broken@0:1/0 late@0:0/1 ");
    ask(s, "m", 0, INT64_MAX, STATS_BY_TEAM, "@0:1/1 north@0:0/1 ");
}

/** Every event that counts is one that the sums are told of. */
static void test_all_that_counts_is_summed(void **state)
{
    struct store *s = *state;
    struct id id = waited(s, "m", "broken", "ann", T0, 30);
    assert_int_equal(store_event_append(s, &id, "he", "verdict_given", NULL, T0 + 60 * S, NULL), 0);
    struct stats_cell c = ask(s, "m", 0, INT64_MAX, STATS_BY_NOTHING, "");
    assert_int_equal(c.counts[STATS_SOLVED], 1);
}

/** A store as the version before left it: what its sums lack is there when it is opened. */
static void test_summed_up_anew(void **state)
{
    (void)state;
    char path[] = "/tmp/loupe-stats-XXXXXX";
    int fd = mkstemp(path), before = 0;
    sqlite3 *db;
    assert_true(fd >= 0);
    (void)close(fd);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    while (strncmp(store_migrations[before], "DELETE FROM stats_cells;", 24) != 0)
        assert_int_equal(sqlite3_exec(db, store_migrations[before++], NULL, NULL, NULL), SQLITE_OK);
    char *sql = sqlite3_mprintf(
        "INSERT INTO merchants VALUES('m', 'm', 0);"
        "INSERT INTO cases(id, room, number, merchant, kind, state, title, language, priority,"
        " buyer, buyer_name, created_us, changed_us, waiting_since_us, version, more)"
        " VALUES('01hzzzzzzzzzzzzzzzzzzzzzz0', '01hzzzzzzzzzzzzzzzzzzzzzz1', 'C-2026-000001', 'm',"
        " 'authentication', 'agreed', 'a', '', 0, 'lin', '', 0, 0, 0, 1, '{}');"
        "INSERT INTO events VALUES('01hzzzzzzzzzzzzzzzzzzzzzz0', 1, %lld, 'he', 'verdict_given',"
        " '{}', '', '');"
        "INSERT INTO stats_keys VALUES('m', 'reason', 'of old');"
        "INSERT INTO stats_cells VALUES('m', 'all', 86400, 0, '', x'');"
        "PRAGMA user_version = %d",
        (long long)T0, before);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_free(sql);
    sqlite3_close(db);
    struct store *s;
    struct entropy e = entropy_seeded_init(&seeded, 11);
    assert_int_equal(store_open(&s, path, &e, NULL), 0);
    assert_int_equal(ask(s, "m", 0, INT64_MAX, STATS_BY_NOTHING, "").counts[STATS_SOLVED], 1);
    store_close(s);
    (void)unlink(path);
}

static void test_bounds(void **state)
{
    struct store *s = *state;
    struct store_stats_query q = {.merchant = "m", .to_us = INT64_MAX, .group = STATS_BY_REASON};
    struct stats_cell total;
    struct said said = {""};
    char reason[32];
    assert_int_equal(store_begin(s), 0);
    for (unsigned i = 0; i < LIMIT_STATS_KEYS; i++) {
        (void)snprintf(reason, sizeof reason, "r%u", i);
        assert_int_equal(
            sql_run(s, NULL, "INSERT INTO stats_keys VALUES('m', 'reason', ?)", "t", reason), 0);
    }
    for (unsigned i = 0; i <= LIMIT_STATS_ROWS; i++)
        assert_int_equal(sql_run(s, NULL,
                                 "INSERT INTO stats_cells VALUES('h', 'all', 3600, ?, '', ?)", "ix",
                                 (int64_t)i * 3600, "\1\0\0\0\0\0\0\0", (size_t)8),
                         0);
    assert_int_equal(store_end(s, 0), 0);
    (void)waited(s, "m", "one more", NULL, T0, 1);
    (void)waited(s, "m", "r7", NULL, T0, 1);
    assert_int_equal(store_stats(s, &q, &total, note, &said), 0);
    assert_string_equal(said.text, STATS_OTHER "@0:1/0 r7@0:1/0 ");
    struct store_stats_query hours = {.merchant = "h", .to_us = INT64_MAX, .group = STATS_BY_HOUR};
    assert_int_equal(store_stats(s, &hours, &total, note, &said), ER_FULL);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_sums),
        TEST(test_groups),
        TEST(test_the_same_from_events_alone),
        TEST(test_by_what_the_case_is_by_then),
        TEST(test_all_that_counts_is_summed),
        cmocka_unit_test(test_summed_up_anew),
        TEST(test_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
