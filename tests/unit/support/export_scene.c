// SPDX-License-Identifier: Apache-2.0
/* A case with a clip and a still, exported. */
#include "tests/unit/support/export_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/str.h"
#include "server/store_drawings.h"
#include "server/export.h"
#include "server/seal/verify_case.h"
#include "server/seal/verify_files.h"
#include "server/seal/zip.h"
#include "tests/unit/support/matroska_make.h"
#include "tests/unit/support/seen_make.h"

#define T0 EXPORT_SCENE_US

static void write_at(struct export_scene *s, const char *id, const char *suffix, const void *data,
                     size_t len)
{
    char name[64];
    (void)snprintf(name, sizeof name, "%s%s", id, suffix);
    scratch_write(&s->scratch, name, data, len);
}

static void add_clip(struct export_scene *s)
{
    struct store_clip c = {.case_id = s->sc.id, .room = s->sc.room, .kind = "clip"};
    struct matroska_make m;
    json_t *facts;
    c.id = s->clip = id_make(T0, &s->entropy);
    (void)str_copy(c.started_by, sizeof c.started_by, "ann");
    (void)snprintf(c.path, sizeof c.path, "%s", scratch_path(&s->scratch, c.id.text));
    assert_int_equal(store_clip_add(s->store, &c, T0 + 1), 0);
    matroska_make_clip(&m, 0, 1500);
    write_at(s, c.id.text, ".webm", m.bytes, m.len);
    matroska_make_free(&m);
    matroska_make_voices(&m, 1500);
    write_at(s, c.id.text, ".voices.mka", m.bytes, m.len);
    matroska_make_free(&m);
    assert_int_equal(store_clip_facts(s->store, &c, &facts), 0);
    json_object_set_new(facts, "take",
                        json_pack("{s:i,s:b,s:[{s:i,s:i,s:s},{s:i,s:i,s:s}]}", "to_ms", 1500,
                                  "lens_checked", 1, "breaks", "from_ms", 400, "to_ms", 900, "kind",
                                  "covered", "from_ms", 1200, "to_ms", 1200, "kind", "camera"));
    struct sealer_hashes hashes;
    assert_int_equal(sealer_seal(s->sealer, &c.id, c.path, facts, T0 + 2000000, &hashes), 0);
    (void)str_copy(c.manifest_sha256, sizeof c.manifest_sha256, hashes.manifest);
    json_decref(facts);
    uint8_t log[256];
    size_t len = seen_make(log, sizeof log, "<b>ann", "bo", T0 / 1000000, 2, 24);
    assert_int_equal(store_seen_add(s->store, &s->sc.room, log, len, T0), 0);
    struct store_drawing drawing = {
        .case_id = s->sc.id, .op = DRAWING_DRAW, .began_us = T0, .at_us = T0 + 1000};
    (void)str_copy(drawing.publisher, sizeof drawing.publisher, c.publisher);
    (void)str_copy(drawing.author, sizeof drawing.author, "ann");
    drawing.data = json_pack("{s:s,s:s}", "id", "s1", "text", "torn");
    assert_int_equal(store_drawing_add(s->store, &drawing), 0);
    json_decref(drawing.data);
    c.started_us = T0;
    c.duration_ms = 1500;
    c.state = CLIP_READY;
    assert_int_equal(store_clip_update(s->store, &c, T0 + 3000000), 0);
}

static void add_still(struct export_scene *s)
{
    static const char jpeg[] = "\xff\xd8 no real picture";
    struct store_still still = {.case_id = s->sc.id, .room = s->sc.room, .kind = "still"};
    struct merkle_hash hash;
    char *text;
    size_t len;
    still.id = s->still = id_make(T0, &s->entropy);
    (void)str_copy(still.taken_by, sizeof still.taken_by, "ann");
    (void)str_copy(still.facts, sizeof still.facts, "{}");
    (void)snprintf(still.path, sizeof still.path, "%s", scratch_path(&s->scratch, still.id.text));
    assert_int_equal(store_still_add(s->store, &still, T0), 0);
    still.at_us = T0 + 1500000;
    still.bytes = sizeof jpeg;
    assert_int_equal(merkle_sha256(jpeg, sizeof jpeg, &hash), 0);
    hex_encode(still.sha256, hash.bytes, sizeof hash.bytes);
    assert_int_equal(store_still_finish(s->store, &still, T0), 0);
    write_at(s, still.id.text, ".jpg", jpeg, sizeof jpeg);
    json_t *record = json_pack(
        "{s:s,s:{s:s,s:I,s:s}}", "format", VERIFY_STILL_FORMAT, "still", "sha256", still.sha256,
        "bytes", (json_int_t)sizeof jpeg, "at",
        "2020-01-01T00:00:00.000Z"); /* what a camera says is no time of ours */
    assert_int_equal(
        sealer_sign(s->sealer, VERIFY_STILL_CONTEXT, record, T0 + 1500000, &text, &len), 0);
    write_at(s, still.id.text, ".still.json", text, len);
    free(text);
}

void export_scene_export(struct export_scene *s)
{
    struct export *e;
    free(s->zip);
    assert_int_equal(export_gather(&e, NULL, s->store, &s->sc, "ann", T0 + 5000000), 0);
    assert_int_equal(export_finish(e, s->sealer, T0 + 5000000), 0);
    s->len = (size_t)export_size(e);
    s->zip = malloc(s->len);
    struct http_source source = export_source(e);
    assert_int_equal(source.read(source.ctx, 0, s->zip, s->len), s->len);
    source.free(source.ctx);
}

int export_scene_setup(void **state)
{
    static struct export_scene s;
    bool repeated;
    char folder[160];
    memset(&s, 0, sizeof s);
    scratch_make(&s.scratch);
    s.entropy = entropy_seeded_init(&s.random, 4);
    (void)snprintf(folder, sizeof folder, "%s", scratch_path(&s.scratch, "keys"));
    authority_make(&s.authority, scratch_path(&s.scratch, "ca.pem"));
    const struct sealer_config config = {.keys = folder,
                                         .unix_us = T0,
                                         .entropy = s.entropy,
                                         .stamp = authority_stamp,
                                         .stamp_ctx = &s.authority};
    assert_int_equal(sealer_new(&s.sealer, &config), 0);
    assert_int_equal(keys_open(&s.keys, folder, &s.entropy, T0), 0);
    assert_int_equal(store_open(&s.store, ":memory:", &s.entropy, NULL), 0);
    assert_int_equal(store_merchant_put(s.store, "default", NULL, T0), 0);
    (void)str_copy(s.sc.merchant, sizeof s.sc.merchant, "default");
    (void)str_copy(s.sc.title, sizeof s.sc.title, "a <script>cracked</script> cup");
    (void)str_copy(s.sc.language, sizeof s.sc.language, "zh-CN");
    (void)str_copy(s.sc.buyer, sizeof s.sc.buyer, "bo");
    assert_int_equal(store_case_create(s.store, &s.sc, "shop", "demo", NULL, NULL, T0, &repeated),
                     0);
    json_t *chat = json_pack("{s:s}", "text", "Hello & \"welcome\"");
    assert_int_equal(store_event_append(s.store, &s.sc.id, "bo", "chat", chat, T0, NULL), 0);
    json_decref(chat);
    add_clip(&s);
    add_still(&s);
    export_scene_export(&s);
    *state = &s;
    return 0;
}

int export_scene_teardown(void **state)
{
    struct export_scene *s = *state;
    char command[200];
    free(s->zip);
    store_case_clear(&s->sc);
    store_close(s->store);
    keys_free(s->keys);
    sealer_free(s->sealer);
    authority_free(&s->authority);
    (void)snprintf(command, sizeof command, "rm -rf %s/keys", s->scratch.folder);
    assert_int_equal(system(command), 0);
    scratch_remove(&s->scratch);
    return 0;
}

void export_scene_verify(struct export_scene *s, size_t len, struct report *ret)
{
    char path[160];
    const char *const paths[] = {path};
    struct verify_trust trust = {.keys = s->keys};
    scratch_write(&s->scratch, "case.zip", s->zip, len);
    (void)snprintf(path, sizeof path, "%s", scratch_path(&s->scratch, "case.zip"));
    assert_int_equal(report_init(ret), 0);
    verify_files(ret, &trust, paths, 1);
}

void export_scene_expect(struct report *r, enum report_verdict verdict)
{
    if (report_verdict(r) != verdict)
        json_dumpf(r->findings, stderr, JSON_INDENT(1));
    assert_int_equal(report_verdict(r), verdict);
    report_clear(r);
}

bool export_scene_says(const struct report *r, const char *what, const char *part)
{
    size_t i;
    const json_t *f;
    json_array_foreach(r->findings, i, f)
    {
        if (strcmp(json_string_value(json_object_get(f, "what")), what) == 0 &&
            strstr(json_string_value(json_object_get(f, "text")), part))
            return true;
    }
    return false;
}

char *export_scene_entry(struct export_scene *s, const char *name)
{
    struct zip *z;
    uint64_t at;
    int fd;
    scratch_write(&s->scratch, "case.zip", s->zip, s->len);
    FILE *f = fopen(scratch_path(&s->scratch, "case.zip"), "rb");
    fd = fileno(f);
    const struct matroska_source source = matroska_source_fd(&fd);
    assert_int_equal(zip_open(&z, &source, s->len, &at), 0);
    const struct zip_entry *e = zip_find(z, name);
    assert_non_null(e);
    char *text = strndup((const char *)s->zip + e->at, (size_t)e->size);
    zip_free(z);
    fclose(f);
    return text;
}
