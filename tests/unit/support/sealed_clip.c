// SPDX-License-Identifier: Apache-2.0
/* Clips sealed in memory. */
#include "tests/unit/support/sealed_clip.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/er.h"

static int read_bytes(void *ctx, uint64_t at, void *ret_bytes, size_t size, size_t *ret_len)
{
    const struct bytes_source *b = ctx;
    size_t left = at < b->len ? b->len - (size_t)at : 0;
    *ret_len = size < left ? size : left;
    if (*ret_len)
        memcpy(ret_bytes, b->bytes + at, *ret_len);
    return 0;
}

struct matroska_source bytes_source(const struct bytes_source *b)
{
    return (struct matroska_source){.read = read_bytes, .ctx = (void *)(uintptr_t)b};
}

static int read_made(const uint8_t *bytes, size_t len, struct matroska_file *ret)
{
    struct bytes_source b = {bytes, len};
    struct matroska_source source = bytes_source(&b);
    return matroska_read(&source, ret);
}

void sealed_clip_make(struct sealed_clip *c)
{
    struct matroska_file media, voices;
    const char *why = "";
    memset(c, 0, sizeof *c);
    scratch_make(&c->scratch);
    c->entropy = entropy_seeded_init(&c->random, 7);
    assert_int_equal(keys_open(&c->keys, scratch_path(&c->scratch, "keys"), &c->entropy,
                               SEALED_CLIP_US - 1000000),
                     0);
    matroska_make_clip(&c->media, 0, 3500);
    matroska_make_voices(&c->voices, 3500);
    assert_int_equal(read_made(c->media.bytes, c->media.len, &media), 0);
    assert_int_equal(read_made(c->voices.bytes, c->voices.len, &voices), 0);
    json_t *facts = json_pack("{s:s,s:s}", "publisher", "buyer-1", "label", "serial number");
    struct manifest_signer signer = {.keys = c->keys, .unix_us = SEALED_CLIP_US};
    assert_int_equal(manifest_seal(&signer, SEALED_CLIP_ID, facts, &media, &voices, &c->manifest,
                                   &c->manifest_len, &why),
                     0);
    json_decref(facts);
    matroska_clear(&media);
    matroska_clear(&voices);
}

static void remove_keys(struct sealed_clip *c)
{
    char path[256];
    for (size_t i = 0; i < keys_count(c->keys); i++) {
        (void)snprintf(path, sizeof path, "keys/%s.key", keys_at(c->keys, i)->kid);
        (void)unlink(scratch_path(&c->scratch, path));
    }
    (void)unlink(scratch_path(&c->scratch, "keys/keys.json"));
    (void)rmdir(scratch_path(&c->scratch, "keys"));
}

void sealed_clip_free(struct sealed_clip *c)
{
    remove_keys(c);
    keys_free(c->keys);
    matroska_make_free(&c->media);
    matroska_make_free(&c->voices);
    free(c->manifest);
    scratch_remove(&c->scratch);
}

static void verify_one(struct report *r, const struct manifest *m, const uint8_t *bytes, size_t len,
                       bool voices)
{
    struct matroska_file file;
    int er = read_made(bytes, len, &file);
    verify_media(r, m, &file, er, voices);
    matroska_clear(&file);
}

void sealed_clip_verify(const struct sealed_clip *c, const struct keys *keys, const char *manifest,
                        size_t manifest_len, const uint8_t *media, size_t media_len, bool voices,
                        struct report *ret)
{
    struct verify_trust trust = {.keys = keys};
    struct manifest m = {0};
    assert_int_equal(report_init(ret), 0);
    if (verify_manifest(ret, &trust, manifest, manifest_len, &m) == 0) {
        verify_one(ret, &m, media, media_len, false);
        if (voices)
            verify_one(ret, &m, c->voices.bytes, c->voices.len, true);
    }
    manifest_clear(&m);
}

bool report_has(const struct report *r, const char *what, const char *part)
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

int64_t report_place(const struct report *r, const char *what, const char *name)
{
    size_t i;
    const json_t *f;
    json_array_foreach(r->findings, i, f)
    {
        const json_t *place = json_object_get(f, name);
        if (place && strcmp(json_string_value(json_object_get(f, "what")), what) == 0)
            return json_integer_value(place);
    }
    return -1;
}
