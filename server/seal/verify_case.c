// SPDX-License-Identifier: Apache-2.0
/* An exported case: the archive itself, the signed list of what is in it, the timeline, each clip and
 * each still, and what these say of each other. */
#include "server/seal/verify_case.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/json.h"
#include "base/str.h"
#include "server/seal/zip.h"

enum { PIECE = 65536 };

struct opened {
    struct report *r;
    const struct verify_trust *trust;
    const struct matroska_source *source;
    struct zip *zip;
    json_t *timeline; /* NULL: there is none that can be read */
    json_t *missing;  /* what export.json says could not be read; NULL: nothing */
};

/** One entry as if it were a file. */
struct part {
    const struct matroska_source *source;
    uint64_t at, size;
};

static int part_read(void *ctx, uint64_t at, void *ret_bytes, size_t size, size_t *ret_len)
{
    const struct part *p = ctx;
    uint64_t left = at < p->size ? p->size - at : 0;
    *ret_len = 0;
    if (left == 0)
        return 0;
    return p->source->read(p->source->ctx, p->at + at, ret_bytes, left < size ? (size_t)left : size,
                           ret_len);
}

/** NULL: it cannot be had, and the report says so. To free(). */
static char *entry_text(struct opened *o, const struct zip_entry *e, size_t max)
{
    struct part p = {o->source, e->at, e->size};
    size_t done = 0, n = 1;
    char *text = e->size <= max ? malloc((size_t)e->size + 1) : NULL;
    while (text && done < e->size && n) {
        if (part_read(&p, done, text + done, (size_t)e->size - done, &n))
            n = 0;
        done += n;
    }
    if (text && done == e->size) {
        text[done] = '\0';
        return text;
    }
    free(text);
    report_add(o->r, REPORT_IS_UNSURE, "entry", REPORT_ANYWHERE, "%s cannot be read", e->name);
    return NULL;
}

static int entry_hash(const struct opened *o, const struct zip_entry *e, struct merkle_hash *ret)
{
    struct part p = {o->source, e->at, e->size};
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    uint8_t *buffer = malloc(PIECE);
    uint64_t at = 0;
    size_t n = 1;
    int er = md && buffer && EVP_DigestInit_ex(md, EVP_sha256(), NULL) ? 0 : ER_NOMEM;
    while (er == 0 && n) {
        er = part_read(&p, at, buffer, PIECE, &n);
        at += n;
        if (er == 0 && !EVP_DigestUpdate(md, buffer, n))
            er = ER_NOMEM;
    }
    if (er == 0)
        er = at != e->size ? ER_IO : EVP_DigestFinal_ex(md, ret->bytes, NULL) ? 0 : ER_NOMEM;
    EVP_MD_CTX_free(md);
    free(buffer);
    return er;
}

/* The list */

/** `seen`: of each entry of the archive, whether it was listed before. */
static void check_listed(struct opened *o, const json_t *listed, bool *seen)
{
    struct merkle_hash told, there;
    uint64_t bytes;
    const char *name = json_text(listed, "name", ZIP_NAME_BYTES);
    const struct zip_entry *e = name ? zip_find(o->zip, name) : NULL;
    if (!e || manifest_file(listed, &told, &bytes)) {
        report_add(o->r, REPORT_IS_WRONG, "entry", REPORT_ANYWHERE, "%s is missing",
                   name ? name : "an entry");
        return;
    }
    size_t i = (size_t)(e - zip_at(o->zip, 0));
    if (seen[i]) {
        report_add(o->r, REPORT_IS_WRONG, "entry", report_at_byte(e->at), "%s is listed twice",
                   name);
        return;
    }
    seen[i] = true;
    int er = entry_hash(o, e, &there);
    if (er)
        report_add(o->r, REPORT_IS_UNSURE, "entry", report_at_byte(e->at), "%s cannot be read",
                   name);
    else if (bytes != e->size || !merkle_equal(&told, &there))
        report_add(o->r, REPORT_IS_WRONG, "entry", report_at_byte(e->at),
                   "%s is not as it was exported", name);
}

static void check_list(struct opened *o, const json_t *document)
{
    const json_t *entries = json_object_get(document, "entries"), *listed;
    size_t i;
    bool *seen = calloc(zip_count(o->zip) + 1, sizeof *seen);
    if (!seen) {
        report_add(o->r, REPORT_IS_UNSURE, "entry", REPORT_ANYWHERE, "no memory");
        return;
    }
    if (!json_is_array(entries) || json_array_size(entries) > ZIP_ENTRIES_MAX)
        report_add(o->r, REPORT_IS_WRONG, "entry", REPORT_ANYWHERE, "export.json lists nothing");
    else
        json_array_foreach(entries, i, listed) check_listed(o, listed, seen);
    for (i = 0; i < zip_count(o->zip); i++) {
        const struct zip_entry *e = zip_at(o->zip, i);
        if (!seen[i] && strcmp(e->name, "export.json") != 0)
            report_add(o->r, REPORT_IS_WRONG, "entry", report_at_byte(e->at), "%s was not exported",
                       e->name);
    }
    free(seen);
}

static bool is_missing(const struct opened *o, const char *name)
{
    const json_t *m;
    size_t i;
    json_array_foreach(o->missing, i, m)
    {
        const char *is = json_text(m, "name", ZIP_NAME_BYTES);
        if (is && strcmp(is, name) == 0)
            return true;
    }
    return false;
}

/** What the server had not to give: nothing is wrong with the archive, but neither can it be told. */
static void check_missing(struct opened *o, const json_t *document)
{
    const json_t *m;
    size_t i;
    o->missing = json_incref(json_object_get(document, "missing"));
    json_array_foreach(o->missing, i, m)
    {
        const char *name = json_text(m, "name", ZIP_NAME_BYTES), *why = json_text(m, "why", 32);
        report_add(o->r, REPORT_IS_UNSURE, "entry", REPORT_ANYWHERE,
                   "%s is missing: when the case was exported it could not be read (%s)",
                   name ? name : "an entry", why ? why : "it is not said why");
    }
}

static void check_export(struct opened *o)
{
    const struct zip_entry *e = zip_find(o->zip, "export.json");
    json_t *document = NULL;
    char *text = e ? entry_text(o, e, MANIFEST_BYTES_MAX) : NULL;
    if (!e)
        report_add(o->r, REPORT_IS_WRONG, "entry", REPORT_ANYWHERE, "export.json is missing");
    if (!text)
        return;
    o->r->file = e->name;
    if (verify_document(o->r, o->trust, VERIFY_EXPORT_FORMAT, VERIFY_EXPORT_CONTEXT, text,
                        (size_t)e->size, &document) == 0) {
        o->r->file = NULL;
        check_list(o, document);
        check_missing(o, document);
    }
    o->r->file = NULL;
    json_decref(document);
    free(text);
}

/* The timeline */

static int event_hash(const json_t *event, const char *case_id, char ret[static 65])
{
    struct merkle_hash hash;
    json_t *facts = json_copy((json_t *)(uintptr_t)event);
    int er = facts && !json_object_set_new(facts, "case", json_string(case_id)) ? 0 : ER_NOMEM;
    if (er == 0)
        (void)json_object_del(facts, "hash");
    char *text = er ? NULL : json_canonical(facts);
    er = text ? merkle_sha256(text, strlen(text), &hash) : ER_NOMEM;
    if (er == 0)
        hex_encode(ret, hash.bytes, sizeof hash.bytes);
    free(text);
    json_decref(facts);
    return er;
}

void verify_timeline(struct report *r, const json_t *timeline)
{
    const json_t *events = json_object_get(timeline, "events"), *e;
    const char *case_id = json_text(timeline, "case", 26);
    char prev[65], hash[65] = "";
    size_t i;
    memset(prev, '0', 64);
    prev[64] = '\0';
    if (!json_is_array(events) || !case_id) {
        report_add(r, REPORT_IS_WRONG, "event", REPORT_ANYWHERE, "the timeline cannot be read");
        return;
    }
    json_array_foreach(events, i, e)
    {
        int64_t seq = 0;
        const char *told = json_text(e, "hash", 64), *before = json_text(e, "prev", 64);
        bool good = json_int(e, "seq", (int64_t)i + 1, (int64_t)i + 1, &seq) == 0 && told && before;
        if (!good || event_hash(e, case_id, hash) || strcmp(hash, told) != 0)
            report_add(r, REPORT_IS_WRONG, "event", report_at_event(i + 1),
                       "event %zu is not as it was when the next one was added", i + 1);
        else if (strcmp(before, prev) != 0)
            report_add(r, REPORT_IS_WRONG, "event", report_at_event(i + 1),
                       "event %zu does not follow the one before it", i + 1);
        (void)str_copy(prev, sizeof prev, told);
    }
}

static void open_timeline(struct opened *o)
{
    const struct zip_entry *e = zip_find(o->zip, "timeline.json");
    char *text = e ? entry_text(o, e, MANIFEST_BYTES_MAX) : NULL;
    if (!e)
        report_add(o->r, REPORT_IS_WRONG, "entry", REPORT_ANYWHERE, "timeline.json is missing");
    if (!text)
        return;
    o->r->file = e->name;
    if (json_parse(text, (size_t)e->size, &o->timeline, NULL))
        report_add(o->r, REPORT_IS_WRONG, "event", REPORT_ANYWHERE, "the timeline cannot be read");
    else
        verify_timeline(o->r, o->timeline);
    o->r->file = NULL;
    free(text);
}

/** The last event of that type that tells of `id` by `member`. */
static const json_t *event_of(const struct opened *o, const char *type, const char *member,
                              const char *id)
{
    const json_t *events = json_object_get(o->timeline, "events"), *e, *found = NULL;
    size_t i;
    json_array_foreach(events, i, e)
    {
        const char *is = json_text(e, "type", 48);
        const char *of = json_text(json_object_get(e, "data"), member, 26);
        if (is && of && strcmp(is, type) == 0 && strcmp(of, id) == 0)
            found = json_object_get(e, "data");
    }
    return found;
}

/* Clips */

static void media_check(struct opened *o, const struct manifest *m, const char *name, bool voices)
{
    const struct zip_entry *e = zip_find(o->zip, name);
    struct matroska_file file;
    if (!e)
        return;
    struct part p = {o->source, e->at, e->size};
    const struct matroska_source source = {.read = part_read, .ctx = &p};
    int er = matroska_read(&source, &file);
    o->r->file = e->name;
    if (er == 0 || er == ER_MALFORMED)
        verify_media(o->r, m, &file, er, voices);
    else
        report_add(o->r, REPORT_IS_UNSURE, "file", REPORT_ANYWHERE, "it cannot be read");
    matroska_clear(&file);
}

/** Whether the timeline tells that this manifest came of the clip's by a time stamp. With no `hex`: any. */
static bool stamp_is_told(const struct opened *o, const char *id, const char *hex)
{
    const json_t *events = json_object_get(o->timeline, "events"), *e;
    size_t i;
    json_array_foreach(events, i, e)
    {
        const json_t *data = json_object_get(e, "data");
        const char *is = json_text(e, "type", 48), *of = json_text(data, "clip", 26);
        const char *told = json_text(data, "manifest_sha256", 64);
        if (is && of && told && strcmp(is, "clip_stamped") == 0 && strcmp(of, id) == 0 &&
            (!hex || strcmp(told, hex) == 0))
            return true;
    }
    return false;
}

/** The manifest is the one that was sealed; or that one, with a stamp that came later and nothing else. The
 *  archive may have been begun just before the timeline had the stamp. */
static bool is_told(const struct opened *o, const struct manifest *m, const char *hex,
                    const char *id)
{
    char first[65];
    struct merkle_hash hash;
    const char *told = json_text(event_of(o, "clip_ready", "clip", id), "manifest_sha256", 64);
    if (!told || strcmp(told, hex) == 0)
        return told != NULL;
    if (!m->stamped || manifest_sealed_hash(m, &hash))
        return false;
    hex_encode(first, hash.bytes, sizeof hash.bytes);
    return strcmp(told, first) == 0 && (stamp_is_told(o, id, hex) || !stamp_is_told(o, id, NULL));
}

/** That the case tells of this manifest, and the manifest of this case. */
static void check_belongs(struct opened *o, const struct manifest *m, const char *text, size_t len,
                          const char *id)
{
    char hex[65], there[65];
    struct merkle_hash hash;
    int64_t seq = 0;
    const json_t *head = json_object_get(m->seal, "timeline");
    const char *at = json_text(head, "hash", 64);
    if (merkle_sha256(text, len, &hash))
        return;
    hex_encode(hex, hash.bytes, sizeof hash.bytes);
    if (!is_told(o, m, hex, id))
        report_add(o->r, REPORT_IS_WRONG, "event", REPORT_ANYWHERE,
                   "the timeline tells of no such manifest of clip %s", id);
    const json_t *event = NULL;
    if (at && json_int(head, "seq", 1, INT32_MAX, &seq) == 0)
        event = json_array_get(json_object_get(o->timeline, "events"), (size_t)seq - 1);
    const char *is = json_text(event, "hash", 64);
    (void)str_copy(there, sizeof there, is);
    if (!at || strcmp(there, at) != 0)
        report_add(o->r, REPORT_IS_WRONG, "event", report_at_event((uint64_t)seq),
                   "the clip was sealed on another timeline than this one");
}

static bool stem_of(const char *name, const char *folder, const char *suffix, char ret[static 64])
{
    size_t len = strlen(name), head = strlen(folder), tail = strlen(suffix);
    if (len <= head + tail || len - head - tail >= 64 || strncmp(name, folder, head) != 0 ||
        strcmp(name + len - tail, suffix) != 0)
        return false;
    return str_copy_span(ret, 64, (struct span){name + head, len - head - tail}) == 0;
}

static void check_clip(struct opened *o, const struct zip_entry *e, const char *id)
{
    struct manifest m = {0};
    char name[ZIP_NAME_BYTES];
    char *text = entry_text(o, e, MANIFEST_BYTES_MAX);
    if (!text)
        return;
    o->r->file = e->name;
    if (verify_manifest(o->r, o->trust, text, (size_t)e->size, &m) == 0) {
        check_belongs(o, &m, text, (size_t)e->size, id);
        const char *own = m.trim ? json_text(m.trim, "clip", 26) : m.clip;
        if (!own || strcmp(own, id) != 0)
            report_add(o->r, REPORT_IS_WRONG, "manifest", REPORT_ANYWHERE,
                       "it is the manifest of another clip");
        (void)snprintf(name, sizeof name, "clips/%s.webm", id);
        if (!zip_find(o->zip, name) && !is_missing(o, name))
            report_add(o->r, REPORT_IS_WRONG, "entry", REPORT_ANYWHERE, "%s is missing", name);
        media_check(o, &m, name, false);
        (void)snprintf(name, sizeof name, "clips/%s.voices.mka", id);
        media_check(o, &m, name, true);
    }
    manifest_clear(&m);
    o->r->file = NULL;
    free(text);
}

static void check_still(struct opened *o, const struct zip_entry *e, const char *id)
{
    char name[ZIP_NAME_BYTES];
    struct merkle_hash hash;
    (void)snprintf(name, sizeof name, "stills/%s.jpg", id);
    const struct zip_entry *jpeg = zip_find(o->zip, name);
    char *text = entry_text(o, e, MANIFEST_BYTES_MAX);
    o->r->file = e->name;
    if (!jpeg && !is_missing(o, name))
        report_add(o->r, REPORT_IS_WRONG, "still", REPORT_ANYWHERE, "%s is missing", name);
    else if (jpeg && entry_hash(o, jpeg, &hash))
        report_add(o->r, REPORT_IS_UNSURE, "still", REPORT_ANYWHERE, "%s cannot be read", name);
    else if (jpeg && text)
        verify_still(o->r, o->trust, text, (size_t)e->size, &hash, jpeg->size, NULL);
    o->r->file = NULL;
    free(text);
}

/** A file that somebody sent is the one that the timeline tells of. */
static void check_attachment(struct opened *o, const struct zip_entry *e)
{
    const char *name = e->name + strlen("attachments/"), *end = strchr(name, '.');
    struct merkle_hash hash;
    char id[64], hex[65];
    if (!end || str_copy_span(id, sizeof id, (struct span){name, (size_t)(end - name)}))
        return;
    const char *told = json_text(event_of(o, "attachment_added", "attachment", id), "sha256", 64);
    o->r->file = e->name;
    if (entry_hash(o, e, &hash)) {
        report_add(o->r, REPORT_IS_UNSURE, "attachment", REPORT_ANYWHERE, "it cannot be read");
    } else {
        hex_encode(hex, hash.bytes, sizeof hash.bytes);
        if (!told || strcmp(told, hex) != 0)
            report_add(o->r, REPORT_IS_WRONG, "attachment", REPORT_ANYWHERE,
                       "the timeline tells of no such file");
    }
    o->r->file = NULL;
}

/* What was deleted */

static const json_t *deletion_of(const struct opened *o, const char *id)
{
    const json_t *event = event_of(o, "clip_deleted", "clip", id);
    event = event ? event : event_of(o, "still_deleted", "still", id);
    return event ? event : event_of(o, "attachment_deleted", "attachment", id);
}

/** The timeline tells of this tombstone, and of the manifest that it tells of. */
static void check_tombstone(struct opened *o, const struct zip_entry *e, const char *id)
{
    json_t *document = NULL;
    struct merkle_hash hash;
    char hex[65] = "";
    char *text = entry_text(o, e, MANIFEST_BYTES_MAX);
    if (!text)
        return;
    o->r->file = e->name;
    if (verify_tombstone(o->r, o->trust, text, (size_t)e->size, &document) == 0 &&
        merkle_sha256(text, (size_t)e->size, &hash) == 0) {
        hex_encode(hex, hash.bytes, sizeof hash.bytes);
        const json_t *t = json_object_get(document, "tombstone");
        const char *told = json_text(deletion_of(o, id), "tombstone_sha256", 64);
        const char *own = json_text(t, "id", 26);
        const char *sealed = json_text(t, "manifest_sha256", 64);
        const char *ready = json_text(event_of(o, "clip_ready", "clip", id), "manifest_sha256", 64);
        if (!told || strcmp(told, hex) != 0 || !own || strcmp(own, id) != 0)
            report_add(o->r, REPORT_IS_WRONG, "event", REPORT_ANYWHERE,
                       "the timeline tells of no such tombstone of %s", id);
        if (ready && (!sealed || (strcmp(sealed, ready) != 0 && !stamp_is_told(o, id, sealed))))
            report_add(o->r, REPORT_IS_WRONG, "tombstone", REPORT_ANYWHERE,
                       "the clip was sealed with another manifest than it says");
    }
    json_decref(document);
    o->r->file = NULL;
    free(text);
}

/** What the timeline says was deleted has a tombstone, and nothing else. */
static void check_deleted(struct opened *o)
{
    static const char *const objects[] = {"clip", "still", "attachment"};
    const json_t *events = json_object_get(o->timeline, "events"), *e;
    char name[ZIP_NAME_BYTES], type[32];
    size_t i;
    json_array_foreach(events, i, e)
    {
        for (size_t k = 0; k < sizeof objects / sizeof objects[0]; k++) {
            const char *is = json_text(e, "type", 48);
            const char *id = json_text(json_object_get(e, "data"), objects[k], 26);
            (void)snprintf(type, sizeof type, "%s_deleted", objects[k]);
            if (!is || !id || strcmp(is, type) != 0)
                continue;
            (void)snprintf(name, sizeof name, "tombstones/%s.json", id);
            if (!zip_find(o->zip, name))
                report_add(o->r, REPORT_IS_WRONG, "entry", report_at_event(i + 1), "%s is missing",
                           name);
        }
    }
}

void verify_case(struct report *r, const struct verify_trust *trust,
                 const struct matroska_source *source, uint64_t size)
{
    struct opened o = {.r = r, .trust = trust, .source = source};
    char id[64];
    uint64_t at;
    int er = zip_open(&o.zip, source, size, &at);
    if (er) {
        report_add(r, er == ER_UNSUPPORTED ? REPORT_IS_WRONG : REPORT_IS_UNSURE, "file",
                   report_at_byte(at),
                   "the archive is not one that was exported, or was changed at byte %llu",
                   (unsigned long long)at);
        return;
    }
    check_export(&o);
    open_timeline(&o);
    for (size_t i = 0; i < zip_count(o.zip); i++) {
        const struct zip_entry *e = zip_at(o.zip, i);
        if (stem_of(e->name, "clips/", ".manifest.json", id))
            check_clip(&o, e, id);
        else if (stem_of(e->name, "stills/", ".still.json", id))
            check_still(&o, e, id);
        else if (strncmp(e->name, "attachments/", strlen("attachments/")) == 0)
            check_attachment(&o, e);
        else if (stem_of(e->name, "tombstones/", ".json", id))
            check_tombstone(&o, e, id);
    }
    check_deleted(&o);
    json_decref(o.timeline);
    json_decref(o.missing);
    zip_free(o.zip);
}
