// SPDX-License-Identifier: Apache-2.0
/* A finished clip, and asking for its end. */
#include "tests/unit/support/buried.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/str.h"
#include "server/calls.h"
#include "server/seal/durable.h"
#include "server/seal/verify_files.h"
#include "tests/unit/support/fake_media.h"
#include "tests/unit/support/matroska_make.h"

struct answer {
    int er;
    struct id id;
};

static void take(void *ctx, int er, const char *why, const json_t *body)
{
    struct answer *a = ctx;
    a->er = er;
    assert_true(er == 0 || why != NULL);
    if (body)
        assert_int_equal(id_parse(json_string_value(json_object_get(body, "id")), &a->id), 0);
}

struct store_clip buried_row(struct buried *b, const struct id *clip)
{
    struct store_clip row;
    assert_int_equal(store_clip_get(b->w.store, clip, &row), 0);
    return row;
}

static void finish(struct buried *b, const struct id *id, uint64_t from_ms, uint64_t to_ms)
{
    char path[STORE_PATH_BYTES + 16];
    struct matroska_make m;
    (void)snprintf(path, sizeof path, "%s.webm", buried_row(b, id).path);
    matroska_make_clip(&m, from_ms, to_ms);
    assert_int_equal(durable_write(path, m.bytes, m.len, 0600), 0);
    matroska_make_free(&m);
    const struct media_event e = {
        .type = MEDIA_CLIP_READY, .clip = *id, .result = {.duration_ms = 5, .has_video = true}};
    fake_media_say(b->w.media, &e);
    world_settle(&b->w);
    assert_int_equal(buried_row(b, id).state, CLIP_READY);
}

struct id buried_clip(struct buried *b)
{
    struct answer a = {0};
    calls_clip_start(b->w.calls, &b->agent, b->c.room.text, NULL, "cup", take, &a);
    world_settle(&b->w);
    assert_int_equal(a.er, 0);
    finish(b, &a.id, 0, 5000);
    return a.id;
}

struct id buried_part(struct buried *b, const struct id *of)
{
    struct answer a = {0};
    calls_clip_trim(b->w.calls, &b->agent, of->text, 2000, 3900, take, &a);
    world_settle(&b->w);
    assert_int_equal(a.er, 0);
    finish(b, &a.id, 2000, 3900);
    return a.id;
}

int buried_setup(void **state)
{
    struct buried *b = calloc(1, sizeof *b);
    assert_non_null(b);
    world_start(&b->w);
    world_seal(&b->w);
    fake_media_manual_clips(b->w.media);
    b->c = world_case(&b->w, "bo");
    b->agent = world_claims("ann", ROLE_AGENT, NULL);
    b->shop = world_claims("shop", ROLE_SERVICE, NULL);
    b->arbiter = world_claims("arb", ROLE_ARBITER, &b->c.id);
    client_hello(&b->buyer, &b->w, "bo", ROLE_BUYER, &b->c.id);
    client_say(&b->buyer, "{'type':'consent','id':'c','recording':true}");
    client_publish(&b->buyer, &b->c.room, "bo");
    b->clip = buried_clip(b);
    *state = b;
    return 0;
}

int buried_teardown(void **state)
{
    struct buried *b = *state;
    client_free(&b->buyer);
    world_stop(&b->w);
    free(b);
    return 0;
}

bool buried_is_gone(struct buried *b, const struct id *clip)
{
    struct store_clip row;
    return store_clip_get(b->w.store, clip, &row) != 0;
}

static void folder_of(struct buried *b, const struct id *of, char ret[128])
{
    (void)snprintf(ret, 128, "%s/blobs/%.2s", b->w.data, of->text);
}

unsigned buried_files(struct buried *b, const struct id *of)
{
    char folder[128];
    unsigned count = 0;
    folder_of(b, of, folder);
    DIR *d = opendir(folder);
    for (const struct dirent *e; d && (e = readdir(d));)
        count += strncmp(e->d_name, of->text, strlen(of->text)) == 0;
    if (d)
        (void)closedir(d);
    return count;
}

void buried_put(struct buried *b, const struct id *of, const char *suffix, const char *text)
{
    char folder[128], path[256];
    folder_of(b, of, folder);
    (void)snprintf(path, sizeof path, "%s/%s%s", folder, of->text, suffix);
    assert_int_equal(durable_write(path, text, strlen(text), 0600), 0);
}

static void take_deleted(void *ctx, int er, const char *why, const json_t *body)
{
    struct buried_answer *a = ctx;
    a->er = er;
    a->count++;
    (void)snprintf(a->why, sizeof a->why, "%s", why ? why : "");
    free(a->document);
    a->document = body ? json_canonical(body) : strdup("");
}

struct buried_answer *buried_delete(struct buried *b, const struct claims *who, const char *id,
                                    bool still, bool parts)
{
    static struct buried_answer a;
    a.count = 0;
    const struct calls_unwanted what = {.id = id,
                                        .object = still ? KEPT_STILL : KEPT_CLIP,
                                        .parts = parts,
                                        .reason = "the buyer asked for it"};
    calls_delete(b->w.calls, who, &what, take_deleted, &a);
    for (int i = 0; i < 8; i++)
        world_settle(&b->w);
    assert_int_equal(a.count, 1);
    return &a;
}

bool buried_verifies(struct buried *b, const char *document, const char *manifest)
{
    char folder[80], path[96];
    struct report r;
    struct keys *keys;
    (void)snprintf(folder, sizeof folder, "%s/keys", b->w.data);
    (void)snprintf(path, sizeof path, "%s/tombstone.json", b->w.data);
    assert_int_equal(keys_open(&keys, folder, &b->w.entropy, 1), 0);
    assert_int_equal(durable_write(path, document, strlen(document), 0600), 0);
    const char *const paths[] = {path, manifest};
    struct verify_trust trust = {.keys = keys};
    assert_int_equal(report_init(&r), 0);
    verify_files(&r, &trust, paths, manifest ? 2 : 1);
    bool good = report_verdict(&r) == REPORT_VERIFIES;
    report_clear(&r);
    keys_free(keys);
    assert_int_equal(unlink(path), 0);
    return good;
}
