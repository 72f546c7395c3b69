// SPDX-License-Identifier: Apache-2.0
/* Makes it, by the same calls as the server. */
#include "tests/unit/support/whole_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/str.h"
#include "server/blobs.h"
#include "server/case_facts.h"
#include "server/seal/verify_case.h"
#include "server/store_record.h"
#include "server/tombstone.h"
#include "tests/unit/support/matroska_make.h"
#include "tests/unit/support/seen_make.h"

#define S UINT64_C(1000000)

const char *whole_store_path(struct whole_store *w, const struct id *id, const char *suffix)
{
    static char path[256];
    (void)snprintf(path, sizeof path, "%s/blobs/%.2s/%s%s", w->data, id->text, id->text, suffix);
    return path;
}

static void put(struct whole_store *w, const struct id *id, const char *suffix, const void *data,
                size_t len)
{
    FILE *f = fopen(whole_store_path(w, id, suffix), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static void folder_of(struct whole_store *w, const struct id *id)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/blobs", w->data);
    (void)mkdir(path, 0700);
    (void)snprintf(path, sizeof path, "%s/blobs/%.2s", w->data, id->text);
    (void)mkdir(path, 0700);
}

static struct store_clip begin_of(struct whole_store *w, const struct store_case *sc)
{
    struct store_clip c = {.case_id = sc->id, .room = sc->room, .kind = "clip"};
    c.id = id_make(WHOLE_T0, &w->entropy);
    (void)str_copy(c.started_by, sizeof c.started_by, "ann");
    (void)str_copy(c.publisher, sizeof c.publisher, "bo");
    (void)str_copy(c.path, sizeof c.path, whole_store_path(w, &c.id, ""));
    folder_of(w, &c.id);
    assert_int_equal(store_clip_add(w->store, &c, WHOLE_T0 + S), 0);
    put(w, &c.id, ".part", "the first half", 14);
    return c;
}

struct store_clip whole_store_begin(struct whole_store *w)
{
    return begin_of(w, &w->c);
}

void whole_store_end(struct whole_store *w, struct store_clip *c)
{
    struct matroska_make m;
    struct sealer_hashes hashes;
    json_t *facts;
    matroska_make_clip(&m, 0, 1500);
    put(w, &c->id, ".webm", m.bytes, m.len);
    matroska_make_free(&m);
    matroska_make_voices(&m, 1500);
    put(w, &c->id, ".voices.mka", m.bytes, m.len);
    matroska_make_free(&m);
    put(w, &c->id, ".jpg", "\xff\xd8 a poster", 11);
    assert_int_equal(remove(whole_store_path(w, &c->id, ".part")), 0);
    c->started_us = WHOLE_T0 + S;
    c->duration_ms = 1500;
    assert_int_equal(store_clip_facts(w->store, c, &facts), 0);
    assert_int_equal(sealer_seal(w->sealer, &c->id, c->path, facts, WHOLE_T0 + 3 * S, &hashes), 0);
    json_decref(facts);
    struct stat st;
    assert_int_equal(stat(whole_store_path(w, &c->id, ".webm"), &st), 0);
    (void)str_copy(c->sha256, sizeof c->sha256, hashes.media);
    (void)str_copy(c->manifest_sha256, sizeof c->manifest_sha256, hashes.manifest);
    c->bytes = (uint64_t)st.st_size;
    c->has_poster = c->has_video = c->has_audio = true;
    c->state = CLIP_READY;
    assert_int_equal(store_clip_update(w->store, c, WHOLE_T0 + 4 * S), 0);
}

struct id whole_store_clip(struct whole_store *w)
{
    return whole_store_clip_of(w, &w->c);
}

struct id whole_store_clip_of(struct whole_store *w, const struct store_case *sc)
{
    struct store_clip c = begin_of(w, sc);
    whole_store_end(w, &c);
    return c.id;
}

static void add_still(struct whole_store *w)
{
    static const char jpeg[] = "\xff\xd8 no real picture";
    struct store_still still = {.case_id = w->c.id, .room = w->c.room, .kind = "still"};
    struct merkle_hash hash;
    char *text;
    size_t len;
    still.id = w->still = id_make(WHOLE_T0, &w->entropy);
    (void)str_copy(still.taken_by, sizeof still.taken_by, "ann");
    (void)str_copy(still.facts, sizeof still.facts, "{\"sharpness\":12,\"place\":\"here\"}");
    (void)str_copy(still.path, sizeof still.path, whole_store_path(w, &still.id, ""));
    folder_of(w, &still.id);
    assert_int_equal(store_still_add(w->store, &still, WHOLE_T0 + S), 0);
    still.at_us = WHOLE_T0 + S;
    still.bytes = sizeof jpeg;
    assert_int_equal(merkle_sha256(jpeg, sizeof jpeg, &hash), 0);
    hex_encode(still.sha256, hash.bytes, sizeof hash.bytes);
    assert_int_equal(store_still_finish(w->store, &still, WHOLE_T0 + 2 * S), 0);
    put(w, &still.id, ".jpg", jpeg, sizeof jpeg);
    json_t *record = json_pack("{s:s,s:{s:s,s:I}}", "format", VERIFY_STILL_FORMAT, "still",
                               "sha256", still.sha256, "bytes", (json_int_t)sizeof jpeg);
    assert_int_equal(
        sealer_sign(w->sealer, VERIFY_STILL_CONTEXT, record, WHOLE_T0 + 2 * S, &text, &len), 0);
    put(w, &still.id, ".still.json", text, len);
    free(text);
}

void whole_store_bury(struct whole_store *w, const struct id *clip)
{
    struct store_clip row;
    char hash[SEALER_HASH_BYTES];
    const struct tombstone_cause cause = {.by = "shop", .cause = "asked", .reason = "GDPR"};
    assert_int_equal(store_clip_get(w->store, clip, &row), 0);
    struct store_tombstone t = {.id = *clip, .case_id = row.case_id, .object = "clip"};
    (void)str_copy(t.path, sizeof t.path, row.path);
    assert_int_equal(tombstone_make(w->sealer, tombstone_of_clip(&row), row.path, &cause,
                                    WHOLE_T0 + 5 * S, &t.document, hash),
                     0);
    json_t *told = json_pack("{s:s}", "tombstone_sha256", hash);
    assert_int_equal(store_bury(w->store, &t, "shop", told, WHOLE_T0 + 5 * S), 0);
    assert_int_equal(blobs_remove(row.path), 0);
    assert_int_equal(store_tombstone_cleared(w->store, clip), 0);
    json_decref(told);
    free(t.document);
}

static void add_case(struct whole_store *w, struct store_case *c, const char *title)
{
    bool repeated;
    *c = (struct store_case){.merchant = "default", .priority = 2, .language = "zh-CN"};
    (void)str_copy(c->title, sizeof c->title, title);
    (void)str_copy(c->buyer, sizeof c->buyer, "bo");
    (void)str_copy(c->buyer_name, sizeof c->buyer_name, "Bo");
    c->more = json_pack("{s:s}", "brand", "Loom");
    assert_int_equal(store_case_create(w->store, c, "shop", "k", NULL, NULL, WHOLE_T0, &repeated),
                     0);
}

static void act(struct whole_store *w, enum case_action action, const char *actor, const char *data)
{
    struct store_case after;
    json_t *body = data ? json_loads(data, 0, NULL) : NULL;
    struct store_action a = {
        .case_id = w->c.id, .action = action, .actor = actor, .role = ROLE_COUNT, .data = body};
    assert_int_equal(store_case_act(w->store, &a, WHOLE_T0 + 6 * S, &after), 0);
    store_case_clear(&after);
    json_decref(body);
}

/** The facts are put right. */
static void change(struct whole_store *w, const char *patch)
{
    struct store_case before, after;
    json_t *wanted = json_loads(patch, 0, NULL), *changes = NULL;
    assert_int_equal(store_case_get(w->store, &w->c.id, &before), 0);
    assert_null(case_facts_diff(&before, wanted, &changes));
    const struct store_change c = {.case_id = w->c.id, .actor = "ann", .changes = changes};
    assert_int_equal(store_case_change(w->store, &c, WHOLE_T0 + 6 * S, &after), 0);
    store_case_clear(&before);
    store_case_clear(&after);
    json_decref(changes);
    json_decref(wanted);
}

/** What staff keep on the case beside its facts. */
static void record(struct whole_store *w)
{
    uint64_t seq;
    json_t *tags = json_loads("[\"vip\",\"fragile\"]", 0, NULL);
    json_t *off = json_loads("[\"vip\"]", 0, NULL);
    const uint64_t at = WHOLE_T0 + 6 * S;
    assert_int_equal(store_note_add(w->store, &w->c.id, "ann", "Careful", false, at, &seq), 0);
    assert_int_equal(store_note_add(w->store, &w->c.id, "ann", "Soon", true, at, &seq), 0);
    assert_int_equal(store_tags_change(w->store, &w->c.id, "ann", tags, NULL, at), 0);
    assert_int_equal(store_tags_change(w->store, &w->c.id, "ann", NULL, off, at), 0);
    assert_int_equal(
        store_link_add(w->store, &w->other.id, "ann", &w->c.id, LINK_REINSPECTION_OF, at), 0);
    json_decref(tags);
    json_decref(off);
}

void whole_store_make(struct whole_store *w)
{
    char path[128];
    uint8_t log[256];
    memset(w, 0, sizeof *w);
    scratch_make(&w->scratch);
    w->entropy = entropy_seeded_init(&w->random, 4);
    (void)snprintf(w->data, sizeof w->data, "%s/data", w->scratch.folder);
    assert_int_equal(mkdir(w->data, 0700), 0);
    (void)snprintf(path, sizeof path, "%s/keys", w->data);
    const struct sealer_config config = {.keys = path, .unix_us = WHOLE_T0, .entropy = w->entropy};
    assert_int_equal(sealer_new(&w->sealer, &config), 0);
    assert_int_equal(keys_open(&w->keys, path, &w->entropy, WHOLE_T0), 0);
    (void)snprintf(path, sizeof path, "%s/loupe.db", w->data);
    assert_int_equal(store_open(&w->store, path, &w->entropy, NULL), 0);
    assert_int_equal(store_set_folder(w->store, w->data), 0);
    assert_int_equal(store_merchant_put(w->store, "default", NULL, WHOLE_T0), 0);
    add_case(w, &w->c, "A cracked cup");
    add_case(w, &w->other, "A bag");
    const struct store_person ann = {.identity = "ann", .name = "Ann", .role = ROLE_AGENT};
    assert_int_equal(store_person_put(w->store, &w->c.id, &ann, WHOLE_T0), 0);
    assert_int_equal(store_consent_set(w->store, &w->c.id, "bo", true, WHOLE_T0), 0);
    act(w, CASE_WAIT, "bo", NULL);
    act(w, CASE_START_CALL, "ann", NULL);
    size_t len = seen_make(log, sizeof log, "ann", "bo", WHOLE_T0 / S, 2, 24);
    assert_int_equal(store_seen_add(w->store, &w->c.room, log, len, WHOLE_T0), 0);
    w->clip = whole_store_clip(w);
    add_still(w);
    w->buried = whole_store_clip(w);
    whole_store_bury(w, &w->buried);
    struct store_hold hold = {.case_id = w->c.id, .of = w->clip, .firm = true};
    (void)str_copy(hold.object, sizeof hold.object, "clip");
    (void)str_copy(hold.reason, sizeof hold.reason, "court");
    (void)str_copy(hold.placed_by, sizeof hold.placed_by, "operator");
    assert_int_equal(store_hold_place(w->store, &hold, WHOLE_T0 + 6 * S), 0);
    w->hold = hold.id;
    change(w, "{\"title\":\"A blue cup\",\"language\":\"en-GB\",\"priority\":4,"
              "\"brand\":null,\"order\":{\"number\":\"7\"}}");
    record(w);
    act(w, CASE_PROPOSE, "ann", "{\"outcome\":\"refund\"}");
    act(w, CASE_DISPUTE, "bo", "{\"statement\":\"no\"}");
}

void whole_store_free(struct whole_store *w)
{
    char command[200];
    store_case_clear(&w->c);
    store_case_clear(&w->other);
    store_close(w->store);
    keys_free(w->keys);
    sealer_free(w->sealer);
    (void)snprintf(command, sizeof command, "rm -rf %s", w->scratch.folder);
    assert_int_equal(system(command), 0);
}
