// SPDX-License-Identifier: Apache-2.0
/* Deleting: who may, what is in the way, that nothing is left but the tombstone, and that a death in between
 * is taken up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/json.h"
#include "tests/unit/support/buried.h"
#include "tests/unit/support/fake_media.h"

static json_t *tombstone_in(const struct buried_answer *a)
{
    json_t *document;
    assert_int_equal(json_parse(a->document, strlen(a->document), &document, NULL), 0);
    json_t *t = json_deep_copy(json_object_get(document, "tombstone"));
    json_decref(document);
    return t;
}

static void nothing_is_left_but_the_tombstone(void **state)
{
    struct buried *b = *state;
    char kept[600], command[1300];
    struct store_clip row = buried_row(b, &b->clip);
    uint64_t bad;
    buried_put(b, &b->clip, ".voices.mka", "voices");
    buried_put(b, &b->clip, ".framelog", "log");
    buried_put(b, &b->clip, ".of_later_versions", "x");
    (void)snprintf(kept, sizeof kept, "%s/kept.json", b->w.data);
    (void)snprintf(command, sizeof command, "cp %s.manifest.json %s", row.path, kept);
    assert_int_equal(system(command), 0);
    struct buried_answer *a = buried_delete(b, &b->shop, b->clip.text, false, false);
    assert_int_equal(a->er, 0);
    assert_int_equal(buried_files(b, &b->clip), 0);
    assert_true(buried_is_gone(b, &b->clip));
    json_t *t = tombstone_in(a);
    assert_string_equal(text_at(t, "id"), b->clip.text);
    assert_string_equal(text_at(t, "object"), "clip");
    assert_string_equal(text_at(t, "deleted_by"), "shop");
    assert_string_equal(text_at(t, "reason"), "the buyer asked for it");
    assert_int_equal(strlen(text_at(t, "head")), 64);
    assert_null(json_object_get(t, "label"));
    json_decref(t);
    assert_true(buried_verifies(b, a->document, NULL));
    assert_true(buried_verifies(b, a->document, kept)); /* what somebody kept is what was deleted */
    char *reason = strstr(a->document, "the buyer");
    reason[0] = 'T';
    assert_false(buried_verifies(b, a->document, NULL));
    assert_int_equal(unlink(kept), 0);
    assert_int_equal(world_events(&b->w, &b->c.id, "clip_deleted"), 1);
    assert_int_equal(store_chain_verify(b->w.store, &b->c.id, &bad), 0);
    json_t *told = client_expect(&b->buyer, "deleted");
    assert_string_equal(text_at(told, "id"), b->clip.text);
}

static void a_second_time_gives_the_tombstone(void **state)
{
    struct buried *b = *state;
    assert_int_equal(buried_delete(b, &b->shop, b->clip.text, false, false)->er, 0);
    struct buried_answer *a = buried_delete(b, &b->shop, b->clip.text, false, false);
    assert_int_equal(a->er, ER_STALE);
    assert_non_null(strstr(a->document, b->clip.text));
    assert_int_equal(world_events(&b->w, &b->c.id, "clip_deleted"), 1);
}

static void who_may(void **state)
{
    struct buried *b = *state;
    for (enum role role = 0; role < ROLE_COUNT; role++) {
        struct id clip = buried_clip(b);
        struct claims who = world_claims("who", role, &b->c.id);
        bool may = role == ROLE_SERVICE || role == ROLE_SUPERVISOR;
        int er = buried_delete(b, &who, clip.text, false, false)->er;
        assert_int_equal(er, may ? 0 : ER_DENIED);
        assert_true(may == (buried_files(b, &clip) == 0));
    }
    struct store_case other = world_case(&b->w, "di");
    struct claims stranger = world_claims("eve", ROLE_SERVICE, &other.id);
    assert_int_equal(buried_delete(b, &stranger, b->clip.text, false, false)->er, ER_DENIED);
    assert_int_equal(buried_delete(b, &b->shop, "x", false, false)->er, ER_NOT_FOUND);
    assert_int_equal(buried_delete(b, &b->shop, b->clip.text, true, false)->er, ER_NOT_FOUND);
    assert_true(buried_files(b, &b->clip) > 0);
    assert_int_equal(buried_delete(b, &b->shop, b->clip.text, false, false)->er, 0);
    struct buried_answer *a = buried_delete(b, &stranger, b->clip.text, false, false);
    assert_int_equal(a->er, ER_DENIED); /* nor its tombstone */
    assert_string_equal(a->document, "");
}

static void what_is_held_or_fought_over_stays(void **state)
{
    struct buried *b = *state;
    struct store_case after;
    struct store_hold h = {.case_id = b->c.id, .object = "case", .reason = "r", .placed_by = "p"};
    assert_int_equal(store_hold_place(b->w.store, &h, 1), 0);
    assert_int_equal(buried_delete(b, &b->shop, b->clip.text, false, false)->er, ER_CONFLICT);
    assert_int_equal(store_hold_lift(b->w.store, &h.id, "p", true, "over", 1, &h), 0);
    static const enum case_action actions[] = {CASE_PROPOSE, CASE_DISPUTE};
    for (size_t i = 0; i < 2; i++) {
        const struct store_action act = {
            .case_id = b->c.id, .action = actions[i], .actor = "x", .role = ROLE_COUNT};
        assert_int_equal(store_case_act(b->w.store, &act, 1, &after), 0);
        store_case_clear(&after);
    }
    assert_int_equal(buried_delete(b, &b->shop, b->clip.text, false, false)->er, ER_CONFLICT);
    assert_true(buried_files(b, &b->clip) > 0);
    assert_int_equal(buried_row(b, &b->clip).state, CLIP_READY);
}

static void not_while_it_is_recorded(void **state)
{
    struct buried *b = *state;
    struct store_clip row = {.case_id = b->c.id, .room = b->c.room, .kind = "clip", .path = "p"};
    assert_int_equal(store_clip_add(b->w.store, &row, 1), 0);
    assert_int_equal(buried_delete(b, &b->shop, row.id.text, false, false)->er, ER_CONFLICT);
    assert_int_equal(buried_row(b, &row.id).state, CLIP_RECORDING);
}

static void parts_stay_unless_asked_for(void **state)
{
    struct buried *b = *state;
    struct id part = buried_part(b, &b->clip), other = buried_clip(b);
    struct id another = buried_part(b, &other);
    assert_int_equal(buried_delete(b, &b->shop, b->clip.text, false, false)->er, 0);
    assert_int_equal(buried_row(b, &part).state, CLIP_READY);
    char media[600], manifest[600];
    (void)snprintf(media, sizeof media, "%s.webm", buried_row(b, &part).path);
    (void)snprintf(manifest, sizeof manifest, "%s.manifest.json", buried_row(b, &part).path);
    assert_int_equal(access(media, F_OK) | access(manifest, F_OK), 0);
    struct buried_answer *a = buried_delete(b, &b->shop, other.text, false, true);
    assert_int_equal(a->er, 0);
    assert_non_null(strstr(a->document, other.text));
    assert_true(buried_is_gone(b, &another) && buried_is_gone(b, &other));
    assert_int_equal(buried_files(b, &another) + buried_files(b, &other), 0);
    assert_int_equal(world_events(&b->w, &b->c.id, "clip_deleted"), 3);
}

static void a_still_goes_too(void **state)
{
    struct buried *b = *state;
    struct store_still still = {.case_id = b->c.id,
                                .room = b->c.room,
                                .kind = "photo",
                                .facts = "{}",
                                .taken_by = "ann",
                                .id = id_make(5, &b->w.entropy)};
    (void)snprintf(still.path, sizeof still.path, "%s/blobs/%.2s/%s", b->w.data, still.id.text,
                   still.id.text);
    assert_int_equal(store_still_add(b->w.store, &still, 1), 0);
    char command[128]; /* its own folder */
    (void)snprintf(command, sizeof command, "mkdir -p %s/blobs/%.2s", b->w.data, still.id.text);
    assert_int_equal(system(command), 0);
    buried_put(b, &still.id, ".jpg", "x");
    buried_put(b, &still.id, ".small.jpg", "x");
    buried_put(b, &still.id, ".still.json", "{}");
    assert_int_equal(buried_delete(b, &b->shop, still.id.text, true, false)->er, ER_NOT_FOUND);
    assert_int_equal(store_still_finish(b->w.store, &still, 1), 0);
    struct buried_answer *a = buried_delete(b, &b->shop, still.id.text, true, false);
    assert_int_equal(a->er, 0);
    assert_non_null(strstr(a->document, "record_sha256"));
    assert_true(buried_verifies(b, a->document, NULL));
    assert_int_equal(buried_files(b, &still.id), 0);
    assert_int_equal(world_events(&b->w, &b->c.id, "still_deleted"), 1);
}

/** The tombstone is there, its files are not gone yet: so a process died. */
static void bury_only(struct buried *b)
{
    char document[] = "{}";
    struct store_clip row = buried_row(b, &b->clip);
    struct store_tombstone t = {.id = b->clip, .case_id = b->c.id, .object = "clip"};
    (void)snprintf(t.path, sizeof t.path, "%s", row.path);
    t.document = document;
    json_t *told = json_object();
    assert_int_equal(store_bury(b->w.store, &t, "shop", told, 1), 0);
    json_decref(told);
}

static bool is_cleared(struct buried *b)
{
    struct store_tombstone t;
    assert_int_equal(store_tombstone_get(b->w.store, &b->clip, &t), 0);
    free(t.document);
    return t.cleared;
}

static void a_death_in_between_is_taken_up(void **state)
{
    struct buried *b = *state;
    bury_only(b);
    assert_true(buried_files(b, &b->clip) > 0);
    client_cut(&b->buyer);
    world_restart(&b->w);
    world_settle(&b->w);
    assert_int_equal(buried_files(b, &b->clip), 0);
    assert_true(is_cleared(b));
    assert_int_equal(world_events(&b->w, &b->c.id, "clip_deleted"), 1);
}

static void files_that_do_not_go_are_tried_again(void **state)
{
    struct buried *b = *state;
    char stuck[600];
    (void)snprintf(stuck, sizeof stuck, "%s.stuck", buried_row(b, &b->clip).path);
    assert_int_equal(mkdir(stuck, 0700), 0); /* unlink() refuses it */
    assert_int_equal(buried_delete(b, &b->shop, b->clip.text, false, false)->er, ER_IO);
    assert_int_equal(buried_files(b, &b->clip), 1);
    assert_false(is_cleared(b));
    world_pass(&b->w, 61000);
    assert_false(is_cleared(b));
    assert_int_equal(rmdir(stuck), 0);
    world_pass(&b->w, 61000);
    assert_true(is_cleared(b));
}

/** One that failed for want of room is not tried again once it is deleted. */
static void nothing_is_repaired_that_was_deleted(void **state)
{
    struct buried *b = *state;
    struct store_clip row = {.case_id = b->c.id, .room = b->c.room, .kind = "clip"};
    (void)snprintf(row.path, sizeof row.path, "%s/none/failed", b->w.data);
    assert_int_equal(store_clip_add(b->w.store, &row, 1), 0);
    row.state = CLIP_FAILED;
    (void)snprintf(row.reason, sizeof row.reason, "%s", er_name(ER_IO));
    assert_int_equal(store_clip_update(b->w.store, &row, 1), 0);
    struct buried_answer *a = buried_delete(b, &b->shop, row.id.text, false, false);
    assert_int_equal(a->er, 0);
    assert_null(strstr(a->document, "manifest_sha256"));
    world_pass(&b->w, 20000);
    assert_int_equal(fake_media_count(b->w.media, "clip_repair"), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, buried_setup, buried_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_left_but_the_tombstone),
        TEST(a_second_time_gives_the_tombstone),
        TEST(who_may),
        TEST(what_is_held_or_fought_over_stays),
        TEST(not_while_it_is_recorded),
        TEST(parts_stay_unless_asked_for),
        TEST(a_still_goes_too),
        TEST(a_death_in_between_is_taken_up),
        TEST(files_that_do_not_go_are_tried_again),
        TEST(nothing_is_repaired_that_was_deleted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
