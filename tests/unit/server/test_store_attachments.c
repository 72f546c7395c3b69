// SPDX-License-Identifier: Apache-2.0
/* Attachments in the store: from the beginning to the event, what of one for staff stands on the timeline, limits, periods;
 * and that whatever is changed of them later is found. */
#include "server/store_attachments.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/digest.h"
#include "base/er.h"
#include "base/str.h"
#include "server/seal/durable.h"
#include "server/store_audit.h"
#include "server/store_keep.h"
#include "server/store_sql.h"
#include "tests/unit/support/whole_store.h"

#define NOW (WHOLE_T0 + 60000000)

static int setup(void **state)
{
    static struct whole_store w;
    whole_store_make(&w);
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    whole_store_free(*state);
    return 0;
}

static struct store_attachment begin(struct whole_store *w, const char *name, bool visible)
{
    struct store_attachment a = {.case_id = w->c.id, .visible = visible};
    (void)str_copy(a.name, sizeof a.name, name);
    (void)str_copy(a.added_by, sizeof a.added_by, "lin");
    a.id = id_make(NOW + 1000 * (visible ? 1 : 2), &w->entropy);
    (void)str_copy(a.path, sizeof a.path, whole_store_path(w, &a.id, ""));
    assert_int_equal(store_attachment_begin(w->store, &a, NOW), 0);
    return a;
}

static struct store_attachment added(struct whole_store *w, const char *name, bool visible)
{
    char path[STORE_PATH_BYTES + 16];
    uint8_t hash[32];
    struct store_attachment a = begin(w, name, visible);
    (void)snprintf(path, sizeof path, "%s%s", a.path, STORE_ATTACHMENT_SUFFIX);
    assert_int_equal(durable_write(path, "mine", 4, 0600), 0);
    digest_sha256("mine", 4, hash);
    hex_encode(a.sha256, hash, sizeof hash);
    a.bytes = 4;
    a.type = ATTACHMENT_TEXT;
    assert_int_equal(store_attachment_finish(w->store, &a, NOW + 1), 0);
    assert_int_equal(store_attachment_finish(w->store, &a, NOW + 1), ER_NOT_FOUND);
    return a;
}

static void names(void *ctx, const struct store_attachment *a)
{
    char *text = ctx;
    (void)snprintf(text + strlen(text), 100 - strlen(text), "%s;", a->name);
}

static void last_event(void *ctx, const struct store_event *e)
{
    (void)snprintf(ctx, 1000, "%s %s %s %s", e->type, e->actor, e->data,
                   e->internal ? e->internal : "-");
}

static void what_the_timeline_says(void **state)
{
    struct whole_store *w = *state;
    char event[1000], text[100] = "";
    struct store_attachment a = added(w, "shown.txt", true);
    assert_int_equal(store_events_list(w->store, &w->c.id, 0, 1000, last_event, event), 0);
    assert_non_null(strstr(event, "attachment_added lin "));
    assert_non_null(strstr(event, a.sha256));
    assert_non_null(strstr(event, "\"visible\":true"));
    struct store_attachment inside = added(w, "inside.txt", false);
    assert_int_equal(store_events_list(w->store, &w->c.id, 0, 1000, last_event, event), 0);
    char *internal = strstr(event, "{\"bytes\":4,");
    assert_non_null(internal);
    assert_non_null(strstr(internal, inside.sha256));
    *internal = '\0'; /* and the event itself says nothing of it */
    assert_null(strstr(event, inside.sha256));
    assert_null(strstr(event, "inside.txt"));
    (void)begin(w, "coming", true);
    assert_int_equal(store_attachments_of_case(w->store, &w->c.id, false, names, text), 0);
    assert_string_equal(text, "shown.txt;");
    text[0] = '\0';
    assert_int_equal(store_attachments_of_case(w->store, &w->c.id, true, names, text), 0);
    assert_string_equal(text, "shown.txt;inside.txt;");
    text[0] = '\0';
    assert_int_equal(store_attachments_unfinished(w->store, NOW + 1, names, text), 0);
    assert_string_equal(text, "coming;");
    assert_int_equal(store_attachment_drop(w->store, &a.id), 0); /* which is finished: it stays */
    assert_int_equal(store_attachment_get(w->store, &a.id, &a), 0);
    assert_int_equal(a.type, ATTACHMENT_TEXT);
}

static struct store_attachment by(struct whole_store *w, const char *who)
{
    struct store_attachment a = {.case_id = w->c.id, .path = "p"};
    (void)str_copy(a.added_by, sizeof a.added_by, who);
    return a;
}

/** Who fills up a case is in nobody's way, and not in their own for long. */
static void those_that_come(void **state)
{
    struct whole_store *w = *state;
    const struct store_attachment first = begin(w, "first", true);
    for (int i = 1; i < LIMIT_ATTACHMENTS_PENDING; i++)
        (void)begin(w, "a", true);
    struct store_attachment a = by(w, "lin"), idle, other = by(w, "ann");
    assert_int_equal(store_attachment_begin(w->store, &a, NOW), ER_FULL);
    assert_int_equal(store_attachment_begin(w->store, &other, NOW), 0);
    uint64_t later = NOW + LIMIT_ATTACHMENT_IDLE_US;
    assert_int_equal(store_attachment_begin(w->store, &a, later - 1), ER_FULL);
    assert_int_equal(store_attachment_begin(w->store, &a, later), ER_AGAIN);
    assert_int_equal(store_attachment_idle(w->store, &a, later, &idle), 0);
    assert_string_equal(idle.added_by, first.added_by);
    assert_int_equal(store_attachment_drop(w->store, &idle.id), 0);
    assert_int_equal(store_attachment_begin(w->store, &a, later), 0);
    a.case_id = id_make(1, &w->entropy);
    assert_int_equal(store_attachment_begin(w->store, &a, NOW), ER_NOT_FOUND);
}

static void set(struct whole_store *w, const char *sql)
{
    assert_int_equal(sqlite3_exec(w->store->db, sql, NULL, NULL, NULL), SQLITE_OK);
}

static void limits(void **state)
{
    struct whole_store *w = *state;
    struct store_attachment a = by(w, "lin"), other = by(w, "ann"), third = by(w, "bea");
    for (int i = 0; i < LIMIT_ATTACHMENTS_PERSON; i++) {
        a.id = (struct id){0};
        assert_int_equal(store_attachment_begin(w->store, &a, NOW), 0);
        set(w, "UPDATE attachments SET ready = 1, bytes = 1");
    }
    a.id = (struct id){0};
    a.bytes = 1;
    assert_int_equal(store_attachment_begin(w->store, &a, NOW), ER_FULL);
    for (int i = 0; i < LIMIT_ATTACHMENTS - LIMIT_ATTACHMENTS_PERSON; i++) {
        other.id = (struct id){0};
        assert_int_equal(store_attachment_begin(w->store, &other, NOW), 0);
        set(w, "UPDATE attachments SET ready = 1, bytes = 1");
    }
    assert_int_equal(store_attachment_begin(w->store, &third, NOW), ER_FULL);
}

static void limits_of_bytes(void **state)
{
    struct whole_store *w = *state;
    struct store_attachment a = by(w, "lin"), other = by(w, "ann");
    assert_int_equal(store_attachment_begin(w->store, &a, NOW), 0);
    assert_int_equal(a.bytes, LIMIT_ATTACHMENT_BYTES);
    set(w, "UPDATE attachments SET ready = 1, bytes = 2147483648 - 134217728"); /* 2 GiB */
    a.id = (struct id){0};
    a.bytes = LIMIT_ATTACHMENT_BYTES;
    assert_int_equal(store_attachment_begin(w->store, &a, NOW), 0);
    a.id = (struct id){0};
    a.bytes = 1;
    assert_int_equal(store_attachment_begin(w->store, &a, NOW), ER_FULL);
    assert_int_equal(store_attachment_begin(w->store, &a, NOW + LIMIT_ATTACHMENT_IDLE_US),
                     ER_AGAIN); /* the one that comes may go */
    other.bytes = 1;
    assert_int_equal(store_attachment_begin(w->store, &other, NOW), 0);
    set(w, "UPDATE attachments SET bytes = 8589934592 WHERE added_by = 'lin'"); /* 8 GiB */
    other.id = (struct id){0};
    assert_int_equal(store_attachment_begin(w->store, &other, NOW), ER_FULL);
}

static void its_time_comes(void **state)
{
    struct whole_store *w = *state;
    w->c.id = w->other.id; /* nothing is in the way of that one */
    struct store_attachment a = added(w, "a", true);
    struct store_round round = {.of = KEPT_ATTACHMENT};
    struct store_keeping keeping;
    struct id due[4];
    size_t count;
    bool end;
    assert_int_equal(
        store_retention_set(w->store, w->c.merchant, KEEP_ATTACHMENT, 3600, "op", NOW, NULL), 0);
    assert_int_equal(
        store_keeping_of(w->store, &w->c.id, "attachment", &a.id, a.created_us, NOW, &keeping), 0);
    assert_int_equal(keeping.until_us, NOW + UINT64_C(3600000000));
    struct store_hold h = {.case_id = w->c.id, .object = "attachment", .of = a.id, .reason = "r"};
    assert_int_equal(store_hold_place(w->store, &h, NOW), 0);
    uint64_t later = NOW + UINT64_C(7200000000);
    assert_int_equal(store_due(w->store, &round, later, due, 4, &count, &end), 0);
    assert_int_equal(count, 0);
    assert_int_equal(store_hold_lift(w->store, &h.id, "op", true, "over", NOW, &h), 0);
    round = (struct store_round){.of = KEPT_ATTACHMENT};
    assert_int_equal(store_due(w->store, &round, later, due, 4, &count, &end), 0);
    assert_int_equal(count, 1);
    assert_true(end && id_equal(&due[0], &a.id));
}

/** What an audit finds of the attachment when this was done to it; NULL: nothing. */
static void audited(struct whole_store *w, const char *sql, const char *want)
{
    struct store_audit a = {.trust = {.keys = w->keys}};
    struct report r;
    char *why = NULL;
    if (sql && sqlite3_exec(w->store->db, sql, NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s: %s", sql, why);
    assert_int_equal(report_init(&r), 0);
    assert_int_equal(store_audit(w->store, &a, &r), 0);
    char *text = json_dumps(r.findings, 0);
    if (want ? !strstr(text, want) : json_array_size(r.findings) > 0)
        fail_msg("%s: %s", sql ? sql : "as it was written", text);
    assert_int_equal(a.attachments > 0, !want || !strstr(want, "no such row"));
    free(text);
    report_clear(&r);
}

static void what_is_changed_is_found(void **state)
{
    struct whole_store *w = *state;
    char path[STORE_PATH_BYTES + 16];
    struct store_attachment a = added(w, "inside.txt", false);
    audited(w, NULL, NULL);
    audited(w, "UPDATE attachments SET name = 'b'", "name is");
    audited(w, "UPDATE attachments SET name = 'inside.txt', visible = 1", "visible is not");
    audited(w, "UPDATE attachments SET visible = 0, type = 'video/mp4'", "type is");
    audited(w, "UPDATE attachments SET type = 'text/plain', bytes = 5", "bytes is not");
    audited(w, "UPDATE attachments SET bytes = 4, added_by = 'eve'", "added_by is");
    audited(w, "UPDATE attachments SET added_by = 'lin', added_us = 7", "added_us is not");
    (void)snprintf(path, sizeof path, "%s%s", a.path, STORE_ATTACHMENT_SUFFIX);
    assert_int_equal(durable_write(path, "mind", 4, 0600), 0);
    audited(w, "UPDATE attachments SET added_us = created_us + 1", "not that of its file");
    audited(w, "DELETE FROM attachments", "no such row");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_the_timeline_says), TEST(those_that_come), TEST(limits),
        TEST(limits_of_bytes),        TEST(its_time_comes),  TEST(what_is_changed_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
