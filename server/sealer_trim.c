// SPDX-License-Identifier: Apache-2.0
/* Trimmed clips: where one can begin, and their manifests. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/json.h"
#include "server/seal/durable.h"
#include "server/seal/manifest.h"
#include "server/sealer.h"

static int original_read(const char *path, struct manifest *ret)
{
    char name[600], *text;
    const char *why;
    size_t len;
    *ret = (struct manifest){0};
    (void)snprintf(name, sizeof name, "%s.manifest.json", path);
    int er = durable_read(name, MANIFEST_BYTES_MAX, &text, &len);
    if (er)
        return er;
    er = manifest_read(text, len, ret, &why);
    free(text);
    return er == 0 && ret->trim ? ER_UNSUPPORTED : er;
}

static bool is_picture(const struct manifest *m, uint32_t track)
{
    const json_t *tracks = json_object_get(m->seal, "tracks"), *t;
    size_t i;
    json_array_foreach(tracks, i, t)
    {
        const char *kind = json_text(t, "kind", 8);
        if (json_integer_value(json_object_get(t, "number")) == track)
            return kind && strcmp(kind, "video") == 0;
    }
    return false;
}

/** The last key frame at or before `at_ms`, else the first one there is; without pictures `at_ms`. */
static uint64_t begin_of(const struct manifest *m, uint64_t at_ms)
{
    uint64_t begin = UINT64_MAX;
    for (size_t i = 0; i < m->frame_count; i++) {
        const struct seal_frame *f = &m->frames[i];
        if (!f->key || !is_picture(m, f->track))
            continue;
        if (f->at_ms > at_ms && begin != UINT64_MAX)
            break;
        begin = f->at_ms;
    }
    return begin == UINT64_MAX ? at_ms : begin;
}

int sealer_find_cut(const char *path, uint64_t *from_ms, uint64_t *to_ms)
{
    struct manifest m;
    int er = original_read(path, &m);
    if (er == 0) {
        uint64_t end = m.frames[m.frame_count - 1].at_ms + 1, asked = *from_ms;
        *from_ms = begin_of(&m, asked);
        *to_ms = *to_ms < end ? *to_ms : end;
        if (asked >= end || *from_ms >= *to_ms)
            er = ER_INVALID;
    }
    manifest_clear(&m);
    return er;
}

static int trim(struct sealer *s, const struct sealer_trim *t, uint64_t unix_us,
                const struct manifest *original, const struct matroska_file *media,
                struct sealer_hashes *ret)
{
    struct manifest_signer signer = {0};
    const char *why = "";
    char *text = NULL;
    size_t len;
    json_t *facts = json_pack("{s:s,s:{s:I,s:I}}", "asked_by", t->asked_by, "asked", "from_ms",
                              (json_int_t)t->asked_from_ms, "to_ms", (json_int_t)t->asked_to_ms);
    struct manifest_cut cut = {.original = original,
                               .clip = t->clip.text,
                               .from_ms = t->from_ms,
                               .to_ms = t->to_ms,
                               .facts = facts,
                               .media = media};
    int er = facts ? sealer_signer(s, unix_us, &signer) : ER_NOMEM;
    if (er == 0) {
        er = manifest_trim(&signer, &cut, &text, &len, &why);
        if (er)
            log_event(sealer_log(s), LOG_ERROR, "trim_failed", "clip=%s er=%s why=\"%s\"",
                      t->clip.text, er_name(er), why);
    }
    if (er == 0)
        er = sealer_write(t->path, text, len, ret);
    free(text);
    json_decref(facts);
    keys_free((struct keys *)(uintptr_t)signer.keys);
    return er;
}

int sealer_trim(struct sealer *s, const struct sealer_trim *t, uint64_t unix_us,
                struct sealer_hashes *ret)
{
    struct manifest original;
    struct matroska_file media = {0};
    *ret = (struct sealer_hashes){0};
    int er = original_read(t->of_path, &original);
    if (er == 0)
        er = sealer_read(s, t->path, &media, ret);
    if (er == 0)
        er = trim(s, t, unix_us, &original, &media, ret);
    matroska_clear(&media);
    manifest_clear(&original);
    return er;
}
