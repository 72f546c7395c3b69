// SPDX-License-Identifier: Apache-2.0
/* The store: schema and migrations, cases and their changes, people, clips, invites. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

#include "base/er.h"
#include "base/str.h"
#include "server/store.h"

#define T0 UINT64_C(1795298400000000) /* 2026-11-21T22:00:00Z */
#define S UINT64_C(1000000)

static struct entropy_seeded seeded;

static struct store *fresh(const char *path)
{
    struct entropy e = entropy_seeded_init(&seeded, 11);
    struct store *s;
    assert_int_equal(store_open(&s, path, &e, NULL), 0);
    return s;
}

static struct store_case make_case(struct store *s, const char *title)
{
    struct store_case c = {.kind = CASE_INSPECTION};
    bool repeated;
    (void)str_copy(c.merchant, sizeof c.merchant, "m");
    (void)str_copy(c.title, sizeof c.title, title);
    (void)str_copy(c.buyer, sizeof c.buyer, "lin");
    (void)str_copy(c.buyer_name, sizeof c.buyer_name, "Lin");
    c.more = json_pack("{s:s}", "reason", "broken");
    assert_int_equal(store_case_create(s, &c, "shop", "k", NULL, "", T0, &repeated), 0);
    assert_false(repeated);
    return c;
}

static void test_open_and_migrate(void **state)
{
    (void)state;
    char path[] = "/tmp/loupe-store-XXXXXX";
    char why[100];
    close(mkstemp(path));
    struct store *s = fresh(path);
    assert_int_equal(store_ping(s, T0), 0);
    assert_int_equal(store_check(s, why, sizeof why), 0);
    struct store_case c = make_case(s, "kept");
    store_close(s);
    s = fresh(path); /* nothing to migrate, everything there */
    struct store_case again;
    assert_int_equal(store_case_get(s, &c.id, &again), 0);
    assert_string_equal(again.title, "kept");
    store_case_clear(&again);
    store_case_clear(&c);
    store_close(s);

    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 999", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    struct entropy e = entropy_seeded_init(&seeded, 11);
    assert_int_equal(store_open(&s, path, &e, NULL), ER_UNSUPPORTED);
    assert_int_equal(store_open(&s, "/nowhere/at/all.db", &e, NULL), ER_IO);
    unlink(path);
    char side[64];
    (void)snprintf(side, sizeof side, "%s-wal", path);
    unlink(side);
    (void)snprintf(side, sizeof side, "%s-shm", path);
    unlink(side);
    store_close(NULL);
}

static struct id add_file(struct store *s, const struct id *case_id, const char *path)
{
    struct store_clip clip = {.case_id = *case_id, .kind = "clip"};
    (void)str_copy(clip.path, sizeof clip.path, path);
    assert_int_equal(store_clip_add(s, &clip, T0), 0);
    struct store_still still = {.case_id = *case_id, .kind = "still", .id = clip.id};
    (void)str_copy(still.path, sizeof still.path, path);
    assert_int_equal(store_still_add(s, &still, T0), 0);
    return clip.id;
}

static void check_file(struct store *s, const struct id *id, const char *path)
{
    struct store_clip clip;
    struct store_still still;
    assert_int_equal(store_clip_get(s, id, &clip), 0);
    assert_int_equal(store_still_get(s, id, &still), 0);
    assert_string_equal(clip.path, path);
    assert_string_equal(still.path, path);
}

static void test_the_data_folder_may_be_moved(void **state)
{
    (void)state;
    char path[] = "/tmp/loupe-store-XXXXXX", side[64], huge[STORE_PATH_BYTES + 8];
    close(mkstemp(path));
    struct store *s = fresh(path);
    struct store_case c = make_case(s, "moved");
    struct id old = add_file(s, &c.id,
                             "/a/data/blobs/01/old"); /* by a version that knew no folder */
    assert_int_equal(store_set_folder(s, "/a/data"), 0);
    struct id within = add_file(s, &c.id, "/a/data/blobs/02/new");
    struct id outside = add_file(s, &c.id, "/a/database/other");
    check_file(s, &old, "/a/data/blobs/01/old");
    check_file(s, &within, "/a/data/blobs/02/new");
    check_file(s, &outside, "/a/database/other");
    store_close(s);
    s = fresh(path);
    assert_int_equal(store_set_folder(s, "/b"), 0);
    check_file(s, &old, "/b/blobs/01/old");
    check_file(s, &within, "/b/blobs/02/new");
    check_file(s, &outside, "/a/database/other");
    memset(huge, 'x', sizeof huge);
    huge[sizeof huge - 1] = '\0';
    assert_int_equal(store_set_folder(s, huge), ER_INVALID);
    store_case_clear(&c);
    store_close(s);
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(side, sizeof side, "%s%s", path, suffixes[i]);
        unlink(side);
    }
}

static void test_secrets(void **state)
{
    (void)state;
    struct store *s = fresh(":memory:");
    uint8_t a[32] = {0}, b[32] = {0}, c[32] = {0};
    assert_int_equal(store_secret(s, "x", a), 0);
    assert_int_equal(store_secret(s, "x", b), 0);
    assert_int_equal(store_secret(s, "y", c), 0);
    assert_memory_equal(a, b, 32);
    assert_memory_not_equal(a, c, 32);
    store_close(s);
}

static void test_transactions(void **state)
{
    (void)state;
    struct store *s = fresh(":memory:");
    struct store_case c = make_case(s, "one"), got;
    /* An error inside undoes the whole, even when the outer end says nothing of it. */
    assert_int_equal(store_begin(s), 0);
    assert_int_equal(store_case_set(s, &c.id, "note", json_true(), T0), 0);
    assert_int_equal(store_begin(s), 0);
    assert_int_equal(store_end(s, ER_DENIED), ER_DENIED);
    assert_int_equal(store_end(s, 0), ER_DENIED);
    assert_int_equal(store_case_get(s, &c.id, &got), 0);
    assert_null(json_object_get(got.more, "note"));
    assert_int_equal(got.version, 1);
    store_case_clear(&got);
    assert_int_equal(store_case_set(s, &c.id, "note", json_true(), T0), 0);
    assert_int_equal(store_case_get(s, &c.id, &got), 0);
    assert_true(json_is_true(json_object_get(got.more, "note")));
    assert_int_equal(got.version, 2);
    store_case_clear(&got);
    store_case_clear(&c);
    store_close(s);
}

static void test_numbers_and_rooms(void **state)
{
    (void)state;
    struct store *s = fresh(":memory:");
    struct store_case a = make_case(s, "a"), b = make_case(s, "b"), got;
    assert_string_equal(a.number, "C-2026-000001");
    assert_string_equal(b.number, "C-2026-000002");
    assert_false(id_equal(&a.id, &a.room));
    assert_int_equal(store_case_of_room(s, &b.room, &got), 0);
    assert_true(id_equal(&got.id, &b.id));
    store_case_clear(&got);
    assert_int_equal(store_case_of_room(s, &b.id, &got), ER_NOT_FOUND);
    json_t *o = store_case_json(&a);
    assert_string_equal(json_string_value(json_object_get(o, "created_at")),
                        "2026-11-21T22:00:00.000Z");
    assert_string_equal(json_string_value(json_object_get(o, "reason")), "broken");
    assert_string_equal(json_string_value(json_object_get(o, "state")), "open");
    json_decref(o);
    store_case_clear(&a);
    store_case_clear(&b);
    store_close(s);
}

static int create_keyed(struct store *s, const char *owner, const char *print, uint64_t now_us,
                        struct id *ret, bool *ret_repeated)
{
    struct store_case c = {.merchant = "m", .title = "t", .buyer = "b", .buyer_name = "B"};
    int er = store_case_create(s, &c, "shop", owner, "key-1", print, now_us, ret_repeated);
    *ret = c.id;
    store_case_clear(&c);
    return er;
}

static void test_idempotency(void **state)
{
    (void)state;
    struct store *s = fresh(":memory:");
    struct id first, id;
    bool repeated;
    assert_int_equal(create_keyed(s, "k", "p1", T0, &first, &repeated), 0);
    assert_false(repeated);
    assert_int_equal(create_keyed(s, "k", "p1", T0 + S, &id, &repeated), 0);
    assert_true(repeated);
    assert_true(id_equal(&id, &first));
    assert_int_equal(create_keyed(s, "k", "p2", T0 + S, &id, &repeated), ER_CONFLICT);
    assert_int_equal(create_keyed(s, "other", "p1", T0 + S, &id, &repeated), 0);
    assert_false(id_equal(&id, &first));
    assert_int_equal(create_keyed(s, "k", "p2", T0 + 86401 * S, &id, &repeated), 0);
    assert_false(repeated);
    store_close(s);
}

static int act(struct store *s, const struct id *id, enum case_action action, enum role role,
               uint64_t version, uint64_t now_us, enum case_state *ret)
{
    struct store_action a = {
        .case_id = *id, .action = action, .actor = "x", .role = role, .if_version = version};
    struct store_case c;
    int er = store_case_act(s, &a, now_us, &c);
    *ret = c.state;
    store_case_clear(&c);
    return er;
}

static void test_actions(void **state)
{
    (void)state;
    struct store *s = fresh(":memory:");
    struct store_case c = make_case(s, "a"), got;
    enum case_state now;
    assert_int_equal(act(s, &c.id, CASE_PROPOSE, ROLE_BUYER, 0, T0, &now), ER_DENIED);
    assert_int_equal(act(s, &c.id, CASE_AGREE, ROLE_BUYER, 0, T0, &now), ER_CONFLICT);
    assert_int_equal(now, CASE_OPEN);
    assert_int_equal(act(s, &c.id, CASE_WAIT, ROLE_COUNT, 0, T0 + S, &now), 0);
    assert_int_equal(store_case_get(s, &c.id, &got), 0);
    assert_int_equal(got.waiting_since_us, T0 + S);
    store_case_clear(&got);
    assert_int_equal(act(s, &c.id, CASE_PROPOSE, ROLE_AGENT, 1, T0, &now), ER_STALE);
    assert_int_equal(act(s, &c.id, CASE_PROPOSE, ROLE_AGENT, 2, T0 + 2 * S, &now), 0);
    assert_int_equal(now, CASE_PROPOSED);
    assert_int_equal(act(s, &c.id, CASE_START_CALL, ROLE_COUNT, 0, T0 + 3 * S, &now), 0);
    assert_int_equal(now, CASE_PROPOSED);
    assert_int_equal(store_case_get(s, &c.id, &got), 0);
    assert_int_equal(got.waiting_since_us, 0);
    assert_int_equal(got.version, 4);
    assert_non_null(json_object_get(got.more, "outcome"));
    store_case_clear(&got);
    struct id none = {"00000000000000000000000000"};
    assert_int_equal(act(s, &none, CASE_AGREE, ROLE_BUYER, 0, T0, &now), ER_NOT_FOUND);
    store_case_clear(&c);
    store_close(s);
}

struct titles {
    char text[100];
};

static void note_title(void *ctx, const struct store_case *c)
{
    struct titles *t = ctx;
    size_t len = strlen(t->text);
    (void)snprintf(t->text + len, sizeof t->text - len, "%s ", c->title);
}

static void lists(struct store *s, struct store_case_filter f, const char *want)
{
    struct titles t = {""};
    assert_int_equal(store_cases_list(s, &f, note_title, &t, NULL), 0);
    assert_string_equal(t.text, want);
}

static void test_lists(void **state)
{
    (void)state;
    struct store *s = fresh(":memory:");
    struct id ids[3];
    static const char *const titles[] = {"Cup", "Coat", "Bag"};
    for (size_t i = 0; i < 3; i++) {
        struct store_case c = {.merchant = "m", .buyer = "b", .buyer_name = "B"};
        bool repeated;
        c.kind = i == 2 ? CASE_AUTHENTICATION : CASE_INSPECTION;
        (void)str_copy(c.title, sizeof c.title, titles[i]);
        assert_int_equal(store_case_create(s, &c, "shop", "k", NULL, "", T0 + i * S, &repeated), 0);
        ids[i] = c.id;
        store_case_clear(&c);
    }
    enum case_state now;
    assert_int_equal(act(s, &ids[0], CASE_PROPOSE, ROLE_AGENT, 0, T0, &now), 0);
    assert_int_equal(act(s, &ids[0], CASE_DISPUTE, ROLE_BUYER, 0, T0, &now), 0);
    lists(s, (struct store_case_filter){.merchant = "m"}, "Bag Coat Cup ");
    lists(s, (struct store_case_filter){.merchant = "n"}, "");
    lists(s, (struct store_case_filter){.limit = 2}, "Bag Coat ");
    lists(s, (struct store_case_filter){.before = ids[1]}, "Cup ");
    lists(s, (struct store_case_filter){.only = ids[1]}, "Coat ");
    lists(s, (struct store_case_filter){.text = "CO"}, "Coat ");
    lists(s, (struct store_case_filter){.text = "000003"}, "Bag ");
    lists(s, (struct store_case_filter){.text = "%"}, "");
    lists(s, (struct store_case_filter){.by_kind = true, .kind = CASE_AUTHENTICATION}, "Bag ");
    lists(s, (struct store_case_filter){.by_state = true, .state = CASE_DISPUTED}, "Cup ");
    lists(s, (struct store_case_filter){.disputed = true}, "Cup ");
    store_close(s);
}

struct people {
    size_t count;
    struct store_person last;
};

static void note_person(void *ctx, const struct store_person *p)
{
    struct people *people = ctx;
    people->count++;
    people->last = *p;
}

static void test_people_and_consent(void **state)
{
    (void)state;
    struct store *s = fresh(":memory:");
    struct store_case c = make_case(s, "a");
    struct store_person p = {.identity = "mei", .name = "Mei", .role = ROLE_AGENT}, got;
    struct people people = {0};
    assert_int_equal(store_consent_set(s, &c.id, "mei", true, T0), ER_NOT_FOUND);
    assert_int_equal(store_person_put(s, &c.id, &p, T0), 0);
    (void)str_copy(p.name, sizeof p.name, "Mei Li");
    assert_int_equal(store_person_put(s, &c.id, &p, T0), 0);
    assert_int_equal(store_people_list(s, &c.id, note_person, &people), 0);
    assert_int_equal(people.count, 2); /* and the buyer */
    assert_string_equal(people.last.name, "Mei Li");
    assert_false(people.last.consent);
    assert_int_equal(store_consent_set(s, &c.id, "mei", true, T0), 0);
    assert_int_equal(store_person_get(s, &c.id, "mei", &got), 0);
    assert_true(got.consent);
    assert_int_equal(got.role, ROLE_AGENT);
    assert_int_equal(store_consent_set(s, &c.id, "mei", false, T0), 0);
    assert_int_equal(store_person_get(s, &c.id, "mei", &got), 0);
    assert_false(got.consent);
    assert_int_equal(store_person_get(s, &c.id, "nobody", &got), ER_NOT_FOUND);
    store_case_clear(&c);
    store_close(s);
}

static void test_invites(void **state)
{
    (void)state;
    struct store *s = fresh(":memory:");
    struct store_case c = make_case(s, "a");
    struct store_invite once = {
        .jti = "j1", .case_id = c.id, .identity = "lin", .role = ROLE_BUYER, .single_use = true};
    struct store_invite often = once;
    (void)str_copy(often.jti, sizeof often.jti, "j2");
    often.single_use = false;
    assert_int_equal(store_invite_add(s, &once, "Lin", "mei", T0), 0);
    assert_int_equal(store_invite_add(s, &often, "Lin", "mei", T0), 0);
    assert_int_equal(store_invite_add(s, &once, "Lin", "mei", T0), ER_CONFLICT);
    assert_int_equal(store_invite_use(s, "j1", NULL, NULL, T0), 0);
    assert_int_equal(store_invite_use(s, "j1", NULL, NULL, T0), ER_STALE);
    assert_int_equal(store_invite_use(s, "j2", NULL, NULL, T0), 0);
    assert_int_equal(store_invite_use(s, "j2", NULL, NULL, T0), 0);
    assert_int_equal(store_invite_use(s, "unknown", NULL, NULL, T0), 0);
    enum store_invite_state invite;
    assert_int_equal(store_invite_state(s, "j1", &invite), 0);
    assert_int_equal(invite, INVITE_USED);
    assert_int_equal(store_invite_give_back(s, "j1"), 0);
    assert_int_equal(store_invite_state(s, "j1", &invite), 0);
    assert_int_equal(invite, INVITE_UNUSED);
    assert_int_equal(store_invite_state(s, "j2", &invite), 0);
    assert_int_equal(invite, INVITE_ANY);
    assert_int_equal(store_invite_use(s, "j1", NULL, NULL, T0), 0);
    const struct id one = {"01hf7yatz85hfvjhwdk6y20krs"}, two = {"01hf7yatz8xsyhpv9kmhgz442g"};
    assert_int_equal(store_invite_give_back(s, "j1"), 0);
    assert_int_equal(store_invite_use(s, "j1", &one, NULL, T0), 0);
    assert_int_equal(store_invite_use(s, "j1", &two, &two, T0), ER_STALE);
    assert_int_equal(store_invite_use(s, "j1", &two, &one, T0), 0); /* it comes back */
    assert_int_equal(store_invite_use(s, "j1", &one, &one, T0), ER_STALE);
    store_case_clear(&c);
    store_close(s);
}

static void test_clips(void **state)
{
    (void)state;
    struct store *s = fresh(":memory:");
    struct store_case c = make_case(s, "a");
    struct store_clip clip = {.case_id = c.id,
                              .room = c.room,
                              .kind = "clip",
                              .publisher = "lin",
                              .started_by = "mei",
                              .path = "/x/y",
                              .label = "crack"},
                      got;
    assert_int_equal(store_clip_add(s, &clip, T0), 0);
    assert_true(id_is_set(&clip.id));
    assert_string_equal(clip.merchant, "m");
    struct store_clip lost = clip;
    lost.case_id = c.room;
    memset(&lost.id, 0, sizeof lost.id);
    assert_int_equal(store_clip_add(s, &lost, T0), ER_NOT_FOUND);
    clip.state = CLIP_READY;
    clip.started_us = T0 + S;
    clip.duration_ms = 10000;
    clip.bytes = 77;
    clip.width = 640;
    clip.height = 480;
    clip.gaps = 2;
    clip.gap_ms = 80;
    clip.has_video = clip.has_poster = true;
    (void)str_copy(clip.video_codec, sizeof clip.video_codec, "AV1");
    (void)str_copy(clip.sha256, sizeof clip.sha256, "abc");
    assert_int_equal(store_clip_update(s, &clip, T0 + 2 * S), 0);
    assert_int_equal(store_clip_get(s, &clip.id, &got), 0);
    assert_memory_equal(&got, &clip, sizeof got);
    json_t *o = store_clip_json(&got);
    assert_string_equal(json_string_value(json_object_get(o, "started_at")),
                        "2026-11-21T22:00:01.000Z");
    json_t *tracks = json_object_get(o, "tracks");
    assert_int_equal(json_array_size(tracks), 1);
    assert_string_equal(json_string_value(json_object_get(json_array_get(tracks, 0), "codec")),
                        "AV1");
    json_decref(o);
    assert_int_equal(store_clip_get(s, &c.id, &got), ER_NOT_FOUND);
    clip.id = c.id;
    assert_int_equal(store_clip_update(s, &clip, T0), ER_NOT_FOUND);
    store_case_clear(&c);
    store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open_and_migrate),
        cmocka_unit_test(test_the_data_folder_may_be_moved),
        cmocka_unit_test(test_secrets),
        cmocka_unit_test(test_transactions),
        cmocka_unit_test(test_numbers_and_rooms),
        cmocka_unit_test(test_idempotency),
        cmocka_unit_test(test_actions),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_people_and_consent),
        cmocka_unit_test(test_invites),
        cmocka_unit_test(test_clips),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
