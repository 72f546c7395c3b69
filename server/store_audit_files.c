// SPDX-License-Identifier: Apache-2.0
/* The files of clips, stills and tombstones against their rows, seals and events. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "server/seal/durable.h"
#include "server/seal/verify_case.h"
#include "server/store_attachments.h"
#include "server/store_audit_impl.h"

#define NAME_BYTES (STORE_PATH_BYTES + 24)

void audit_cannot_read(struct audit *a, const char *suffix, int er)
{
    if (er == ER_DENIED)
        report_add(a->report, REPORT_IS_UNSURE, "file", REPORT_ANYWHERE,
                   "%s lies encrypted, and its key is not here", suffix);
    else
        audit_wrong(a, "its file %s %s", suffix,
                    er == ER_NOT_FOUND ? "is missing"
                    : er == ER_IO      ? "cannot be read"
                                       : "is not as it was written");
}

static void add_wrong(struct audit *a, struct report_place place, const char *text)
{
    report_add(a->report, REPORT_IS_WRONG, "manifest", place, "%s", text);
}

/** The manifest that was sealed; or that one with a stamp that came later, which the timeline tells of, or
 *  is about to. */
static bool is_told(const struct manifest *m, const char *hash, const json_t *told)
{
    char first[2 * sizeof(struct merkle_hash) + 1];
    struct merkle_hash sealed;
    const char *said = json_text(told, "manifest_sha256", 64);
    const json_t *stamped = json_object_get(told, "stamped");
    if (said && strcmp(said, hash) == 0)
        return true;
    if (!said || !m->stamped || manifest_sealed_hash(m, &sealed))
        return false;
    hex_encode(first, sealed.bytes, sizeof sealed.bytes);
    return strcmp(said, first) == 0 && (!stamped || json_object_get(stamped, hash));
}

/** That the event tells of this manifest, and the manifest of this case, row and timeline. */
static void check_belongs(struct audit *a, const struct store_clip *c, const struct manifest *m,
                          const char *hash, const json_t *told)
{
    char at[CLOCK_TEXT_BYTES];
    const char *own = m->trim ? json_text(m->trim, "clip", 26) : m->clip;
    const json_t *of = json_object_get(m->seal, "case");
    const json_t *line = json_object_get(m->seal, "timeline");
    const char *of_case = json_text(of, "id", 26), *head = json_text(line, "hash", 64);
    const char *started = json_text(m->seal, "started_at", 24);
    int64_t seq = 0;
    if (!is_told(m, hash, told))
        add_wrong(a, REPORT_ANYWHERE, "the manifest is not the one that the timeline tells of");
    if (!own || strcmp(own, c->id.text) != 0)
        add_wrong(a, REPORT_ANYWHERE, "the manifest is of another clip");
    if (!of_case || strcmp(of_case, a->case_id.text) != 0)
        add_wrong(a, REPORT_ANYWHERE, "the manifest is of another case");
    (void)json_int(line, "seq", 1, INT32_MAX, &seq);
    const char *is = json_string_value(json_array_get(a->tale.hashes, (size_t)seq - 1));
    if (!head || !is || strcmp(is, head) != 0)
        add_wrong(a, report_at_event((uint64_t)seq),
                  "the clip was sealed on another timeline than this one");
    clock_format(c->started_us ? c->started_us : c->created_us, at); /* a repaired one has none */
    if (!m->trim && started && strcmp(started, at) != 0)
        audit_wrong(a, "started_us is %s, but the seal says %s", at, started);
}

static void check_media(struct audit *a, const struct store_clip *c, const struct manifest *m,
                        bool voices)
{
    char name[NAME_BYTES], hex[2 * sizeof(struct merkle_hash) + 1];
    const char *suffix = voices ? ".voices.mka" : ".webm";
    struct matroska_file file = {0};
    (void)snprintf(name, sizeof name, "%s%s", c->path, suffix);
    int er = matroska_read_path(a->config->vault, name, &file);
    if (er && er != ER_MALFORMED) {
        audit_cannot_read(a, suffix, er);
        matroska_clear(&file);
        return;
    }
    a->report->file = suffix;
    if (m)
        verify_media(a->report, m, &file, er, voices);
    a->report->file = NULL;
    hex_encode(hex, file.hash.bytes, sizeof file.hash.bytes);
    if (!voices && (strcmp(hex, c->sha256) != 0 || file.bytes != c->bytes))
        audit_wrong(a, "sha256 or bytes is not that of its file .webm");
    matroska_clear(&file);
}

void audit_clip_files(struct audit *a, const struct store_clip *c, const json_t *told)
{
    char name[NAME_BYTES], hex[2 * sizeof(struct merkle_hash) + 1];
    struct manifest m = {0};
    struct merkle_hash hash;
    char *text = NULL;
    size_t len;
    bool read = false;
    (void)snprintf(name, sizeof name, "%s.manifest.json", c->path);
    int er = durable_read(name, MANIFEST_BYTES_MAX, &text, &len);
    if (er) {
        audit_cannot_read(a, ".manifest.json", er);
    } else if (merkle_sha256(text, len, &hash) == 0) {
        hex_encode(hex, hash.bytes, sizeof hash.bytes);
        a->report->file = ".manifest.json";
        read = verify_manifest(a->report, &a->config->trust, text, len, &m) == 0;
        if (read)
            check_belongs(a, c, &m, hex, told);
        a->report->file = NULL;
    }
    free(text);
    check_media(a, c, read ? &m : NULL, false);
    if (read && !m.trim && json_object_get(m.seal, "voices"))
        check_media(a, c, &m, true);
    (void)snprintf(name, sizeof name, "%s.jpg", c->path);
    if (c->has_poster && access(name, F_OK))
        audit_cannot_read(a, ".jpg", ER_NOT_FOUND);
    manifest_clear(&m);
}

void audit_still_files(struct audit *a, const struct store_still *s)
{
    char name[NAME_BYTES], hex[2 * sizeof(struct merkle_hash) + 1];
    char *jpeg = NULL, *record = NULL;
    size_t jpeg_len, len;
    struct merkle_hash hash = {{0}};
    (void)snprintf(name, sizeof name, "%s.jpg", s->path);
    int er = file_read_all(a->config->vault, name, MANIFEST_BYTES_MAX, &jpeg, &jpeg_len);
    if (er || merkle_sha256(jpeg, jpeg_len, &hash)) {
        audit_cannot_read(a, ".jpg", er);
    } else {
        hex_encode(hex, hash.bytes, sizeof hash.bytes);
        if (strcmp(hex, s->sha256) != 0 || jpeg_len != s->bytes)
            audit_wrong(a, "sha256 or bytes is not that of its file .jpg");
    }
    (void)snprintf(name, sizeof name, "%s.still.json", s->path);
    int none = durable_read(name, MANIFEST_BYTES_MAX, &record, &len);
    if (none)
        audit_cannot_read(a, ".still.json", none);
    a->report->file = ".still.json";
    if (!er && !none)
        verify_still(a->report, &a->config->trust, record, len, &hash, jpeg_len, NULL);
    a->report->file = NULL;
    free(jpeg);
    free(record);
}

/** Nothing is left of what was deleted. */
static void check_cleared(struct audit *a, const struct store_tombstone *t)
{
    static const char *const suffixes[] = {
        ".webm",       ".voices.mka",          ".jpg", ".part", ".manifest.json",
        ".still.json", STORE_ATTACHMENT_SUFFIX};
    char name[NAME_BYTES];
    for (size_t i = 0; t->cleared && i < sizeof suffixes / sizeof suffixes[0]; i++) {
        (void)snprintf(name, sizeof name, "%s%s", t->path, suffixes[i]);
        if (access(name, F_OK) == 0)
            audit_wrong(a, "it was deleted, but its file %s is there", suffixes[i]);
    }
}

void audit_tombstone(struct audit *a, const struct store_tombstone *t)
{
    char hex[2 * sizeof(struct merkle_hash) + 1] = "";
    struct merkle_hash hash;
    json_t *document = NULL;
    size_t len = strlen(t->document), notes = a->report->notes;
    const json_t *told = json_object_get(a->tale.tombstones, t->id.text);
    const char *said = json_text(told, "tombstone_sha256", 64);
    if (merkle_sha256(t->document, len, &hash) == 0)
        hex_encode(hex, hash.bytes, sizeof hash.bytes);
    if (!said || strcmp(said, hex) != 0)
        audit_wrong(a, "document is not the tombstone that the timeline tells of");
    if (verify_tombstone(a->report, &a->config->trust, t->document, len, &document) == 0) {
        const json_t *of = json_object_get(document, "tombstone");
        const char *own = json_text(of, "id", 26);
        if (!own || strcmp(own, t->id.text) != 0)
            audit_wrong(a, "document is of something else");
        if (a->report->notes > notes) { /* that something was deleted is no news here */
            a->report->notes--;
            (void)json_array_remove(a->report->findings, json_array_size(a->report->findings) - 1);
        }
    }
    check_cleared(a, t);
    json_decref(document);
}
