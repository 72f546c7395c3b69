// SPDX-License-Identifier: Apache-2.0
/* What is in an exported case, and its signed list. */
#include "server/export.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/json.h"
#include "base/str.h"
#include "server/export_report.h"
#include "server/export_take.h"
#include "server/seal/durable.h"
#include "server/seal/verify_case.h"
#include "server/seal/zip.h"
#include "server/store_attachments.h"
#include "server/store_drawings.h"
#include "server/store_keep.h"

static const char how[] =
    "To check that nothing in this archive was changed:\n"
    "\n"
    "    loupe-verify CASE.zip --keys KEYS.json\n"
    "\n"
    "KEYS.json are the public keys of the server that recorded the case, from its address under\n"
    "/.well-known/loupe-keys.json. Do not take keys.json from in here for it: who changed the "
    "archive\n"
    "may have changed that, too. A clip by itself: loupe-verify clips/ID.webm "
    "clips/ID.manifest.json\n"
    "--keys KEYS.json. docs/EVIDENCE.md of Loupe describes all of it.\n"
    "\n"
    "What could not be read when the archive was made is not in it: \"missing\" of export.json "
    "names "
    "each\n"
    "such file, report.html too, and loupe-verify then says that it cannot tell (exit code 2).\n";

struct export
{
    struct zip *zip;
    struct id case_id;
    char number[24];
    char by[STORE_IDENTITY_BYTES];
    char language[36];
    json_t *about;
    json_t *events, *clips, *stills, *attachments;
    json_t *missing; /* [{"name", "why"}, ..] */
    json_t *takes;   /* clip id -> as export_take has it */
    json_t *seen;    /* clip id -> what was shown then */
    struct store *store;
    uint64_t unix_us;
    int er; /* of the callbacks */
};

void export_free(struct export *e)
{
    if (!e)
        return;
    zip_free(e->zip);
    json_decref(e->about);
    json_decref(e->missing);
    json_decref(e->events);
    json_decref(e->clips);
    json_decref(e->stills);
    json_decref(e->attachments);
    json_decref(e->seen);
    json_decref(e->takes);
    free(e);
}

static void note(struct export *e, int er)
{
    if (e->er == 0)
        e->er = er;
}

/** What a file that belongs to the case, and cannot be read, is listed with; NULL: it stops the export. A key
 *  that is not here, or memory, may be there the next time. */
static const char *why_missing(int er)
{
    static const struct {
        int er;
        const char *why;
    } all[] = {{ER_NOT_FOUND, "not_found"},
               {ER_IO, "unreadable"},
               {ER_UNAUTHENTIC, "changed"},
               {ER_TRUNCATED, "changed"},
               {ER_UNSUPPORTED, "changed"}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (all[i].er == er)
            return all[i].why;
    }
    return NULL;
}

/** 0: it is listed, and the rest goes on. */
static int miss(struct export *e, const char *name, int er)
{
    const char *why = why_missing(er);
    if (!why)
        return er;
    return json_array_append_new(e->missing, json_pack("{s:s,s:s}", "name", name, "why", why))
               ? ER_NOMEM
               : 0;
}

static int lost(void *ctx, const struct zip_entry *entry, int er)
{
    return miss(ctx, entry->name, er);
}

static bool is_missing(const struct export *e, const char *name)
{
    const json_t *m;
    size_t i;
    json_array_foreach(e->missing, i, m)
    {
        if (strcmp(json_string_value(json_object_get(m, "name")), name) == 0)
            return true;
    }
    return false;
}

/** `needed`: it belongs to the case, so that it is missing where it is not there. */
static void add_file(struct export *e, const char *folder, const char *id, const char *suffix,
                     const char *path, bool needed)
{
    char name[ZIP_NAME_BYTES], full[STORE_PATH_BYTES + 24];
    (void)snprintf(name, sizeof name, "%s/%s%s", folder, id, suffix);
    (void)snprintf(full, sizeof full, "%s%s", path, suffix);
    int er = zip_add_file(e->zip, name, full);
    if (er && (er != ER_NOT_FOUND || needed))
        note(e, miss(e, name, er));
}

/** `value` is taken over. */
static void add_json(struct export *e, const char *name, json_t *value)
{
    char *text = value ? json_canonical(value) : NULL;
    json_decref(value);
    note(e, zip_add_bytes(e->zip, name, text, text ? strlen(text) : 0));
}

/** What viewers were shown while the clip was recorded. */
static void seen_add(struct export *e, const struct store_clip *c)
{
    char name[ZIP_NAME_BYTES];
    json_t *seen = NULL;
    note(e, store_clip_seen_document(e->store, c, e->unix_us, &seen));
    if (!seen)
        return;
    if (json_object_set(e->seen, c->id.text, seen))
        note(e, ER_NOMEM);
    (void)snprintf(name, sizeof name, "clips/%s.seen.json", c->id.text);
    add_json(e, name, seen);
}

/** What was drawn over it, if anything was. */
static void drawings_add(struct export *e, const struct store_clip *c)
{
    char name[ZIP_NAME_BYTES];
    json_t *items = NULL;
    note(e, store_drawings_of_clip(e->store, c, &items));
    (void)snprintf(name, sizeof name, "clips/%s.drawings.json", c->id.text);
    if (json_array_size(items))
        add_json(e, name, json_pack("{s:s,s:O}", "clip", c->id.text, "items", items));
    json_decref(items);
}

/** Whether the timeline tells of a manifest of this clip. */
static bool was_sealed(const struct export *e, const char *id)
{
    const json_t *event;
    size_t i;
    json_array_foreach(e->events, i, event)
    {
        const json_t *data = json_object_get(event, "data");
        const char *type = json_text(event, "type", 48), *clip = json_text(data, "clip", 26);
        if (type && clip && strcmp(type, "clip_ready") == 0 && strcmp(clip, id) == 0 &&
            json_object_get(data, "manifest_sha256"))
            return true;
    }
    return false;
}

static void clip_add(void *ctx, const struct store_clip *c)
{
    struct export *e = ctx;
    if (json_array_append_new(e->clips, store_clip_json(c)))
        note(e, ER_NOMEM);
    if (c->state != CLIP_READY)
        return;
    add_file(e, "clips", c->id.text, ".webm", c->path, true);
    add_file(e, "clips", c->id.text, ".voices.mka", c->path, false); /* see check_voices */
    add_file(e, "clips", c->id.text, ".manifest.json", c->path, was_sealed(e, c->id.text));
    if (c->stamp == CLIP_UNSTAMPED)
        zip_hold(e->zip); /* a stamp may come while it is sent */
    add_file(e, "clips", c->id.text, ".jpg", c->path, c->has_poster);
    seen_add(e, c);
    drawings_add(e, c);
}

static void still_add(void *ctx, const struct store_still *s)
{
    struct export *e = ctx;
    if (json_array_append_new(e->stills, store_still_json(s)))
        note(e, ER_NOMEM);
    add_file(e, "stills", s->id.text, ".jpg", s->path, true);
    add_file(e, "stills", s->id.text, ".still.json", s->path, true);
}

/** What the buyer sees too: notes for staff are in no export either. Under the name of what it is. */
static void attachment_add(void *ctx, const struct store_attachment *a)
{
    struct export *e = ctx;
    char name[ZIP_NAME_BYTES], full[STORE_PATH_BYTES + 24];
    const char *suffix = attachment_suffix(a->type);
    if (json_array_append_new(e->attachments, store_attachment_json(a)))
        note(e, ER_NOMEM);
    (void)snprintf(name, sizeof name, "attachments/%s%s", a->id.text, suffix ? suffix : "");
    (void)snprintf(full, sizeof full, "%s%s", a->path, STORE_ATTACHMENT_SUFFIX);
    int er = zip_add_file(e->zip, name, full);
    if (er)
        note(e, miss(e, name, er));
}

static void tombstone_add(void *ctx, const struct store_tombstone *t)
{
    struct export *e = ctx;
    char name[ZIP_NAME_BYTES];
    char *text = strdup(t->document);
    (void)snprintf(name, sizeof name, "tombstones/%s.json", t->id.text);
    note(e, zip_add_bytes(e->zip, name, text, text ? strlen(text) : 0));
}

static void event_add(void *ctx, const struct store_event *event)
{
    struct export *e = ctx;
    if (json_array_append_new(e->events, store_event_json(event)))
        note(e, ER_NOMEM);
}

static json_t *chat_of(const json_t *events)
{
    json_t *chat = json_array();
    size_t i;
    const json_t *event;
    json_array_foreach(events, i, event)
    {
        const char *type = json_string_value(json_object_get(event, "type"));
        if (type && strcmp(type, "chat") == 0)
            (void)json_array_append(chat, (json_t *)(uintptr_t)event);
    }
    return json_pack("{s:o}", "items", chat);
}

static void add_texts(struct export *e)
{
    char at[CLOCK_TEXT_BYTES];
    clock_format(e->unix_us, at);
    const struct report_facts facts = {.language = e->language,
                                       .about = e->about,
                                       .events = e->events,
                                       .clips = e->clips,
                                       .stills = e->stills,
                                       .attachments = e->attachments,
                                       .seen = e->seen,
                                       .takes = e->takes,
                                       .missing = e->missing,
                                       .exported_at = at,
                                       .exported_by = e->by};
    char *report = report_html(&facts);
    note(e, zip_add_bytes(e->zip, "report.html", report, report ? strlen(report) : 0));
    note(e, zip_add_bytes(e->zip, "HOW-TO-VERIFY.txt", strdup(how), strlen(how)));
    add_json(e, "case.json", json_incref(e->about));
    add_json(e, "chat.json", chat_of(e->events));
    add_json(e, "clips.json", json_pack("{s:O}", "items", e->clips));
    add_json(e, "stills.json", json_pack("{s:O}", "items", e->stills));
    add_json(e, "attachments.json", json_pack("{s:O}", "items", e->attachments));
    add_json(e, "timeline.json",
             json_pack("{s:s,s:O}", "case", e->case_id.text, "events", e->events));
}

int export_gather(struct export **ret, struct vault *vault, struct store *s,
                  const struct store_case *sc, const char *by, uint64_t unix_us)
{
    struct export *e = calloc(1, sizeof *e);
    if (!e)
        return ER_NOMEM;
    e->case_id = sc->id;
    (void)str_copy(e->number, sizeof e->number, sc->number);
    (void)str_copy(e->by, sizeof e->by, by);
    (void)str_copy(e->language, sizeof e->language, sc->language);
    e->about = store_case_json(sc);
    e->missing = json_array();
    e->events = json_array();
    e->clips = json_array();
    e->stills = json_array();
    e->attachments = json_array();
    e->seen = json_object();
    e->takes = json_object();
    e->store = s;
    e->unix_us = unix_us;
    bool whole = e->about && e->missing && e->events && e->clips && e->stills && e->attachments &&
                 e->seen && e->takes;
    int er = whole ? zip_new(&e->zip, vault) : ER_NOMEM;
    if (er == 0)
        er = store_events_list(s, &sc->id, 0, (size_t)INT64_MAX, event_add, e);
    if (er == 0)
        er = store_clips_of_case(s, &sc->id, clip_add, e);
    if (er == 0)
        er = store_stills_of_case(s, &sc->id, still_add, e);
    if (er == 0)
        er = store_attachments_of_case(s, &sc->id, false, attachment_add, e);
    if (er == 0)
        er = store_tombstones_of_case(s, &sc->id, tombstone_add, e);
    er = er ? er : e->er;
    if (er)
        export_free(e);
    else
        *ret = e;
    return er;
}

/* The list */

static json_t *entry_json(const struct zip_entry *entry)
{
    char hash[2 * sizeof entry->hash.bytes + 1];
    hex_encode(hash, entry->hash.bytes, sizeof entry->hash.bytes);
    return json_pack("{s:s,s:I,s:s}", "name", entry->name, "bytes", (json_int_t)entry->size,
                     "sha256", hash);
}

static json_t *list_json(const struct export *e, uint64_t unix_us)
{
    char at[CLOCK_TEXT_BYTES];
    json_t *entries = json_array();
    int bad = !entries;
    clock_format(unix_us, at);
    for (size_t i = 0; !bad && i < zip_count(e->zip); i++)
        bad = json_array_append_new(entries, entry_json(zip_at(e->zip, i)));
    json_t *o = bad ? NULL
                    : json_pack("{s:s,s:s,s:s,s:s,s:s,s:O}", "format", VERIFY_EXPORT_FORMAT, "case",
                                e->case_id.text, "number", e->number, "made_at", at, "made_by",
                                e->by, "entries", entries);
    json_decref(entries);
    if (!o || json_array_size(e->missing) == 0 || !json_object_set(o, "missing", e->missing))
        return o;
    json_decref(o);
    return NULL;
}

/* Clips' manifests, read on the sealing thread */

/** What was sealed has voices, and they are not there. */
static void check_voices(struct export *e, const char *id, const json_t *manifest)
{
    char name[ZIP_NAME_BYTES];
    (void)snprintf(name, sizeof name, "clips/%s.voices.mka", id);
    bool sealed = !json_object_get(manifest, "trim") &&
                  json_object_get(json_object_get(manifest, "seal"), "voices");
    if (sealed && !zip_find(e->zip, name) && !is_missing(e, name))
        note(e, miss(e, name, ER_NOT_FOUND));
}

static void read_manifest(struct export *e, const char *id)
{
    char name[ZIP_NAME_BYTES], *text;
    size_t len;
    json_t *manifest = NULL;
    (void)snprintf(name, sizeof name, "clips/%s.manifest.json", id);
    const struct zip_entry *entry = zip_find(e->zip, name);
    if (!entry || durable_read(entry->path, MANIFEST_BYTES_MAX, &text, &len))
        return;
    (void)json_parse(text, len, &manifest,
                     NULL); /* what is wrong with it is for loupe-verify to say */
    free(text);
    if (manifest) {
        check_voices(e, id, manifest);
        if (json_object_set_new(e->takes, id, export_take(manifest)))
            note(e, ER_NOMEM);
    }
    json_decref(manifest);
}

static int add_what_is_told(struct export *e)
{
    const json_t *clip;
    size_t i;
    json_array_foreach(e->clips, i, clip)
        read_manifest(e, json_string_value(json_object_get(clip, "id")));
    if (e->er == 0)
        add_texts(e);
    return e->er;
}

int export_finish(struct export *e, struct sealer *sealer, uint64_t unix_us)
{
    char *text = NULL;
    size_t len = 0;
    int er = zip_measure(e->zip, lost, e);
    if (er == 0)
        er = add_what_is_told(e);
    if (er == 0)
        er = sealer_keys_text(sealer, &text, &len);
    if (er == 0)
        er = zip_add_bytes(e->zip, "keys.json", text, len);
    if (er == 0)
        er = sealer_sign(sealer, VERIFY_EXPORT_CONTEXT, list_json(e, unix_us), unix_us, &text,
                         &len);
    if (er == 0)
        er = zip_add_bytes(e->zip, "export.json", text, len);
    return er ? er : zip_layout(e->zip);
}

size_t export_missing(const struct export *e)
{
    return json_array_size(e->missing);
}

uint64_t export_size(const struct export *e)
{
    return zip_size(e->zip);
}

static size_t source_read(void *ctx, uint64_t at, void *ret_bytes, size_t size)
{
    struct export *e = ctx;
    return zip_read(e->zip, at, ret_bytes, size);
}

static void source_free(void *ctx)
{
    export_free(ctx);
}

struct http_source export_source(struct export *e)
{
    return (struct http_source){.read = source_read, .free = source_free, .ctx = e};
}
