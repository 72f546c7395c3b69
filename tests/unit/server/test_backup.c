// SPDX-License-Identifier: Apache-2.0
/* A data folder backed up, also while things are deleted and made in it, and made again: it verifies. */
#include "server/backup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/str.h"
#include "server/store_audit.h"
#include "server/store_copy.h"
#include "tests/unit/support/whole_store.h"

struct scene {
    struct whole_store w;
    char to[160], again[160];
    struct id deleted[3];
    struct store_clip ending[24];
    size_t endings, rounds;
};

static int setup(void **state)
{
    static struct scene s;
    memset(&s, 0, sizeof s);
    whole_store_make(&s.w);
    (void)snprintf(s.to, sizeof s.to, "%s/backups/one", s.w.scratch.folder);
    (void)snprintf(s.again, sizeof s.again, "%s/again", s.w.scratch.folder);
    *state = &s;
    return 0;
}

static int teardown(void **state)
{
    struct scene *s = *state;
    whole_store_free(&s->w);
    return 0;
}

static struct backup_told make(struct scene *s, void (*copied)(void *ctx))
{
    const struct backup_from from = {.data = s->w.data, .copied = copied, .ctx = s};
    struct backup_told told;
    int er = backup_make(&from, s->to, WHOLE_T0, &told);
    if (er)
        fail_msg("%s: %s", er_name(er), told.why);
    return told;
}

/** What was restored verifies, and has as many clips. */
static void verify(struct scene *s, size_t clips)
{
    struct store *store;
    struct report r;
    struct store_audit a = {.trust = {.keys = s->w.keys}};
    char path[200];
    (void)snprintf(path, sizeof path, "%s/loupe.db", s->again);
    assert_int_equal(store_look(&store, path, s->again, &s->w.entropy), 0);
    assert_int_equal(report_init(&r), 0);
    assert_int_equal(store_audit(store, &a, &r), 0);
    if (report_verdict(&r) != REPORT_VERIFIES)
        json_dumpf(r.findings, stderr, JSON_INDENT(1));
    assert_int_equal(report_verdict(&r), REPORT_VERIFIES);
    assert_int_equal(a.clips, clips);
    assert_int_equal(a.cases, 2);
    report_clear(&r);
    store_close(store);
}

static bool is_there(const char *folder, const char *name)
{
    char path[300];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return access(path, F_OK) == 0;
}

static void there_and_back(void **state)
{
    struct scene *s = *state;
    struct backup_told told, back;
    struct stat st;
    char name[120];
    told = make(s, NULL);
    assert_int_equal(told.rounds, 1);
    assert_int_equal(told.lost, 0);
    assert_true(told.files >= 9); /* database, two of keys, four of a clip, two of a still */
    assert_int_equal(stat(s->to, &st), 0);
    assert_int_equal(st.st_mode & 077, 0);
    (void)snprintf(name, sizeof name, "blobs/%.2s/%s.webm", s->w.buried.text, s->w.buried.text);
    assert_false(is_there(s->to, name));
    assert_int_equal(backup_restore(s->to, s->again, &back), 0);
    assert_int_equal(back.files, told.files);
    assert_int_equal(back.bytes, told.bytes);
    assert_true(is_there(s->again, "keys/keys.json"));
    assert_false(is_there(s->again, "loupe.db.partial"));
    verify(s, 1);
    /* What is there is not written over. */
    assert_int_equal(backup_restore(s->to, s->again, &back), ER_CONFLICT);
    const struct backup_from from = {.data = s->w.data};
    assert_int_equal(backup_make(&from, s->to, WHOLE_T0, &told), ER_CONFLICT);
    assert_non_null(strstr(told.why, "not empty"));
}

/** While a case is disputed nothing of it goes. */
static void settle(struct scene *s)
{
    static const enum case_action actions[] = {CASE_REVIEW, CASE_RULE};
    for (size_t i = 0; i < 2; i++) {
        struct store_case after;
        struct store_action a = {
            .case_id = s->w.c.id, .action = actions[i], .actor = "arb", .role = ROLE_ARBITER};
        assert_int_equal(store_case_act(s->w.store, &a, WHOLE_T0, &after), 0);
        store_case_clear(&after);
    }
}

/** Between the database and its files: at first one clip is deleted, then another, and one is made. */
static void disturb(void *ctx)
{
    struct scene *s = ctx;
    if (s->rounds < 2)
        whole_store_bury(&s->w, &s->deleted[s->rounds]);
    if (s->rounds++ == 0)
        (void)whole_store_clip(&s->w);
}

static void what_is_deleted_meanwhile_is_in_neither(void **state)
{
    struct scene *s = *state;
    struct backup_told told;
    char name[120];
    settle(s);
    for (size_t i = 0; i < 3; i++)
        s->deleted[i] = whole_store_clip_of(&s->w, &s->w.other);
    told = make(s, disturb);
    assert_int_equal(told.rounds, 2); /* the second one deleted had been copied by then */
    assert_int_equal(told.lost, 0);
    for (size_t i = 0; i < 3; i++) {
        const char *id = s->deleted[i].text;
        (void)snprintf(name, sizeof name, "blobs/%.2s/%s.webm", id, id);
        assert_int_equal(is_there(s->to, name), i > 0);
    }
    assert_int_equal(backup_restore(s->to, s->again, &told), 0);
    verify(s, 4); /* the first, two of three, the one made */
}

/** One ends each time. */
static void end_one(void *ctx)
{
    struct scene *s = ctx;
    if (s->rounds < s->endings)
        whole_store_end(&s->w, &s->ending[s->rounds]);
    s->rounds++;
}

static void begin(struct scene *s, size_t endings)
{
    s->endings = endings;
    for (size_t i = 0; i < endings; i++)
        s->ending[i] = whole_store_begin(&s->w);
}

static void what_ends_meanwhile_is_in_it(void **state)
{
    struct scene *s = *state;
    struct backup_told told;
    begin(s, 2);
    told = make(s, end_one);
    assert_int_equal(told.rounds, 3);
    assert_int_equal(told.lost, 0);
    assert_int_equal(backup_restore(s->to, s->again, &told), 0);
    verify(s, 3);
}

static void append(const char *folder, const char *name)
{
    char path[300];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "ab");
    assert_non_null(f);
    assert_int_equal(fputc('x', f), 'x');
    assert_int_equal(fclose(f), 0);
}

static const char *name_of(const struct store_clip *c, const char *suffix)
{
    static char name[120];
    (void)snprintf(name, sizeof name, "blobs/%.2s/%s%s", c->id.text, c->id.text, suffix);
    return name;
}

/** When both are finished, a file that was copied before that is another, and so is a manifest. */
static void end_and_change(void *ctx)
{
    struct scene *s = ctx;
    if (s->rounds == 2) {
        append(s->w.data, name_of(&s->ending[1], ".jpg"));
        append(s->w.data, name_of(&s->ending[0], ".manifest.json"));
        append(s->w.data, name_of(&s->ending[0], ".voices.mka"));
    }
    end_one(ctx);
}

static long size_of(const char *folder, const char *name)
{
    char path[300];
    struct stat st;
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(stat(path, &st), 0);
    return (long)st.st_size;
}

static void what_was_copied_too_early_is_copied_again(void **state)
{
    struct scene *s = *state;
    struct backup_told told;
    begin(s, 2);
    told = make(s, end_and_change);
    assert_int_equal(told.rounds, 3);
    const char *name = name_of(&s->ending[1], ".jpg");
    assert_int_equal(size_of(s->to, name), size_of(s->w.data, name));
    name = name_of(&s->ending[0], ".manifest.json");
    assert_int_equal(size_of(s->to, name), size_of(s->w.data, name));
    name = name_of(&s->ending[0], ".voices.mka"); /* it was finished: copied once */
    assert_int_equal(size_of(s->to, name), size_of(s->w.data, name) - 1);
    for (size_t i = 0; i < 2; i++)
        assert_false(is_there(s->to, name_of(&s->ending[i], ".part")));
    assert_int_equal(backup_restore(s->to, s->again, &told), 0);
}

/** It does not go on for ever where there is always one that ends. */
static void what_goes_on_ending_is_left_as_it_was(void **state)
{
    struct scene *s = *state;
    begin(s, 24);
    assert_int_equal(make(s, end_one).rounds, 10);
}

static void what_is_lost_is_said(void **state)
{
    struct scene *s = *state;
    struct backup_told told;
    assert_int_equal(unlink(whole_store_path(&s->w, &s->w.clip, ".manifest.json")), 0);
    told = make(s, NULL);
    assert_int_equal(told.lost, 1);
    assert_non_null(strstr(told.why, ".manifest.json is missing"));
}

/** One that was changed, or is not complete, is not restored. */
static void a_broken_backup_is_refused(void **state)
{
    struct scene *s = *state;
    struct backup_told told;
    char name[120], path[300];
    (void)make(s, NULL);
    (void)snprintf(name, sizeof name, "blobs/%.2s/%s.webm", s->w.clip.text, s->w.clip.text);
    append(s->to, name);
    assert_int_equal(backup_restore(s->to, s->again, &told), ER_UNAUTHENTIC);
    assert_non_null(strstr(told.why, ".webm is not as it was"));
    assert_false(is_there(s->again, "loupe.db"));
    (void)snprintf(path, sizeof path, "%s/%s", s->to, name);
    assert_int_equal(unlink(path), 0);
    (void)snprintf(s->again, sizeof s->again, "%s/second", s->w.scratch.folder);
    assert_int_equal(backup_restore(s->to, s->again, &told), ER_UNAUTHENTIC);
    assert_non_null(strstr(told.why, "is missing"));
    (void)snprintf(s->again, sizeof s->again, "%s/third", s->w.scratch.folder);
    append(s->to, "SHA256SUMS");
    assert_int_equal(backup_restore(s->to, s->again, &told), ER_UNAUTHENTIC);
    append(s->to, "backup.json");
    assert_int_equal(backup_restore(s->to, s->again, &told), ER_MALFORMED);
    (void)snprintf(path, sizeof path, "%s/backup.json", s->to);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(backup_restore(s->to, s->again, &told), ER_MALFORMED);
    assert_non_null(strstr(told.why, "not a complete one"));
    assert_int_equal(access(s->again, F_OK), -1); /* not even begun */
}

/** A writer in another connection neither waits nor gets in. */
static void store_copies_are_of_one_moment(void **state)
{
    struct scene *s = *state;
    struct store *copy, *look;
    struct store_blob b;
    char path[200], to[200];
    (void)snprintf(path, sizeof path, "%s/loupe.db", s->w.data);
    (void)snprintf(to, sizeof to, "%s/copy.db", s->w.scratch.folder);
    assert_int_equal(store_look(&look, path, s->w.data, &s->w.entropy), 0);
    assert_int_equal(store_copy(look, to), 0);
    struct id later = whole_store_clip(&s->w);
    assert_int_equal(store_look(&copy, to, s->w.scratch.folder, &s->w.entropy), 0);
    assert_int_equal(store_blob_get(copy, s->w.clip.text, &b), 0);
    assert_true(b.finished && b.object == KEPT_CLIP);
    assert_int_equal(store_blob_get(copy, later.text, &b), ER_NOT_FOUND);
    assert_int_equal(store_blob_get(look, later.text, &b), 0);
    struct store_clip c;
    assert_int_equal(store_clip_get(copy, &s->w.clip, &c), 0);
    (void)snprintf(path, sizeof path, "%s/blobs/%.2s/%s", s->w.scratch.folder, s->w.clip.text,
                   s->w.clip.text);
    assert_string_equal(c.path, path);
    store_close(copy);
    assert_int_equal(store_copy(look, "/nowhere/copy.db"), ER_IO);
    store_close(look);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(there_and_back, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_deleted_meanwhile_is_in_neither, setup, teardown),
        cmocka_unit_test_setup_teardown(what_ends_meanwhile_is_in_it, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_copied_too_early_is_copied_again, setup, teardown),
        cmocka_unit_test_setup_teardown(what_goes_on_ending_is_left_as_it_was, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_lost_is_said, setup, teardown),
        cmocka_unit_test_setup_teardown(a_broken_backup_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(store_copies_are_of_one_moment, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
