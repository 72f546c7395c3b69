// SPDX-License-Identifier: Apache-2.0
/* Tombstones are written: from the row, the manifest or record, and the cause. */
#include "server/tombstone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/json.h"
#include "base/str.h"
#include "server/seal/durable.h"
#include "server/seal/manifest.h"
#include "server/seal/verify_case.h"

static int set_time(json_t *o, const char *name, uint64_t at_us)
{
    char text[CLOCK_TEXT_BYTES];
    clock_format(at_us, text);
    return json_object_set_new(o, name, json_string(text));
}

json_t *tombstone_of_clip(const struct store_clip *c)
{
    json_t *o = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:I}", "object", "clip", "id", c->id.text,
                          "case", c->case_id.text, "kind", c->kind, "state",
                          clip_state_name(c->state), "publisher", c->publisher, "duration_ms",
                          (json_int_t)c->duration_ms, "bytes", (json_int_t)c->bytes);
    int bad = !o || set_time(o, "created_at", c->created_us);
    if (!bad && c->started_us)
        bad = set_time(o, "started_at", c->started_us);
    if (!bad && c->sha256[0])
        bad = json_object_set_new(o, "sha256", json_string(c->sha256));
    if (!bad)
        return o;
    json_decref(o);
    return NULL;
}

json_t *tombstone_of_still(const struct store_still *s)
{
    json_t *o = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:I}", "object", "still", "id", s->id.text,
                          "case", s->case_id.text, "kind", s->kind, "publisher", s->publisher,
                          "sha256", s->sha256, "bytes", (json_int_t)s->bytes);
    if (o && !(set_time(o, "created_at", s->created_us) | set_time(o, "at", s->at_us)))
        return o;
    json_decref(o);
    return NULL;
}

json_t *tombstone_of_attachment(const struct store_attachment *a)
{
    json_t *o = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:I}", "object", "attachment", "id", a->id.text,
                          "case", a->case_id.text, "kind", "attachment", "added_by", a->added_by,
                          "sha256", a->sha256, "bytes", (json_int_t)a->bytes);
    if (o && !(set_time(o, "created_at", a->created_us) | set_time(o, "added_at", a->added_us)))
        return o;
    json_decref(o);
    return NULL;
}

/** The hash of a manifest before its time stamp came, of which there may be copies; if it came later. */
static int add_sealed(json_t *facts, const char *text, size_t len)
{
    struct manifest m;
    struct merkle_hash hash;
    char hex[SEALER_HASH_BYTES];
    const char *why;
    int er = manifest_read(text, len, &m, &why);
    if (er == 0 && m.stamped) {
        er = manifest_sealed_hash(&m, &hash);
        hex_encode(hex, hash.bytes, sizeof hash.bytes);
        if (er == 0 && json_object_set_new(facts, "sealed_manifest_sha256", json_string(hex)))
            er = ER_NOMEM;
    }
    manifest_clear(&m);
    return er == ER_NOMEM ? er : 0; /* what cannot be read says nothing */
}

/** The hash of one of the files, and what it says, which the caller lets go; neither if there is none. */
static int look_into(const char *path, const char *suffix, json_t *facts, const char *member,
                     json_t **ret)
{
    char name[STORE_PATH_BYTES + 24], hex[SEALER_HASH_BYTES], *text;
    struct merkle_hash hash;
    size_t len;
    *ret = NULL;
    (void)snprintf(name, sizeof name, "%s%s", path, suffix);
    int er = durable_read(name, MANIFEST_BYTES_MAX, &text, &len);
    if (er)
        return er == ER_NOT_FOUND ? 0 : er == ER_NOMEM ? er : ER_IO;
    er = merkle_sha256(text, len, &hash);
    hex_encode(hex, hash.bytes, sizeof hash.bytes);
    if (er == 0 && json_object_set_new(facts, member, json_string(hex)))
        er = ER_NOMEM;
    if (er == 0)
        (void)json_parse(text, len, ret, NULL); /* what cannot be read says nothing */
    if (er == 0 && json_object_get(*ret, "stamped"))
        er = add_sealed(facts, text, len);
    free(text);
    return er;
}

static int add_seal(json_t *facts, const char *path)
{
    json_t *manifest, *record;
    int er = look_into(path, ".manifest.json", facts, "manifest_sha256", &manifest);
    json_t *head = json_object_get(json_object_get(manifest, "seal"), "head");
    json_t *of = json_object_get(json_object_get(manifest, "trim"), "of");
    if (er == 0 && head && json_object_set(facts, "head", head))
        er = ER_NOMEM;
    if (er == 0 && of && json_object_set(facts, "of", of))
        er = ER_NOMEM;
    json_decref(manifest);
    if (er)
        return er;
    er = look_into(path, ".still.json", facts, "record_sha256", &record);
    json_decref(record);
    return er;
}

static int add_cause(json_t *facts, const struct tombstone_cause *cause, uint64_t unix_us)
{
    return set_time(facts, "deleted_at", unix_us) |
                   json_object_set_new(facts, "deleted_by", json_string(cause->by)) |
                   json_object_set_new(facts, "cause", json_string(cause->cause)) |
                   json_object_set_new(facts, "reason", json_string(cause->reason))
               ? ER_NOMEM
               : 0;
}

int tombstone_make(struct sealer *s, json_t *facts, const char *path,
                   const struct tombstone_cause *cause, uint64_t unix_us, char **ret,
                   char ret_sha256[static SEALER_HASH_BYTES])
{
    struct merkle_hash hash;
    size_t len;
    int er = facts ? add_seal(facts, path) : ER_NOMEM;
    if (er == 0)
        er = add_cause(facts, cause, unix_us);
    json_t *document =
        er ? NULL : json_pack("{s:s,s:O}", "format", VERIFY_TOMBSTONE_FORMAT, "tombstone", facts);
    json_decref(facts);
    if (er)
        return er;
    er = sealer_sign(s, VERIFY_TOMBSTONE_CONTEXT, document, unix_us, ret, &len);
    if (er == 0)
        er = merkle_sha256(*ret, len, &hash);
    if (er == 0)
        hex_encode(ret_sha256, hash.bytes, sizeof hash.bytes);
    return er;
}
