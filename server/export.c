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
#include "server/seal/verify_case.h"
#include "server/seal/zip.h"
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
    "--keys KEYS.json. docs/EVIDENCE.md of Loupe describes all of it.\n";

struct export
{
    struct zip *zip;
    struct id case_id;
    char number[24];
    char by[STORE_IDENTITY_BYTES];
    json_t *events, *clips, *stills;
    json_t *seen; /* clip id -> what was shown then */
    struct store *store;
    uint64_t unix_us;
    int er; /* of the callbacks */
};

void export_free(struct export *e)
{
    if (!e)
        return;
    zip_free(e->zip);
    json_decref(e->events);
    json_decref(e->clips);
    json_decref(e->stills);
    json_decref(e->seen);
    free(e);
}

static void note(struct export *e, int er)
{
    if (e->er == 0)
        e->er = er;
}

/** A file that need not be there. */
static void add_file(struct export *e, const char *folder, const char *id, const char *suffix,
                     const char *path)
{
    char name[ZIP_NAME_BYTES], full[STORE_PATH_BYTES + 24];
    (void)snprintf(name, sizeof name, "%s/%s%s", folder, id, suffix);
    (void)snprintf(full, sizeof full, "%s%s", path, suffix);
    int er = zip_add_file(e->zip, name, full);
    if (er != ER_NOT_FOUND)
        note(e, er);
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

static void clip_add(void *ctx, const struct store_clip *c)
{
    static const char *const suffixes[] = {".webm", ".voices.mka", ".manifest.json", ".jpg"};
    struct export *e = ctx;
    if (json_array_append_new(e->clips, store_clip_json(c)))
        note(e, ER_NOMEM);
    for (size_t i = 0; c->state == CLIP_READY && i < sizeof suffixes / sizeof suffixes[0]; i++)
        add_file(e, "clips", c->id.text, suffixes[i], c->path);
    if (c->state == CLIP_READY)
        seen_add(e, c);
}

static void still_add(void *ctx, const struct store_still *s)
{
    struct export *e = ctx;
    if (json_array_append_new(e->stills, store_still_json(s)))
        note(e, ER_NOMEM);
    add_file(e, "stills", s->id.text, ".jpg", s->path);
    add_file(e, "stills", s->id.text, ".still.json", s->path);
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

static void add_texts(struct export *e, const struct store_case *sc, uint64_t unix_us)
{
    char at[CLOCK_TEXT_BYTES];
    json_t *about = store_case_json(sc);
    clock_format(unix_us, at);
    const struct report_facts facts = {.language = sc->language,
                                       .about = about,
                                       .events = e->events,
                                       .clips = e->clips,
                                       .stills = e->stills,
                                       .seen = e->seen,
                                       .exported_at = at,
                                       .exported_by = e->by};
    char *report = about ? report_html(&facts) : NULL;
    note(e, zip_add_bytes(e->zip, "report.html", report, report ? strlen(report) : 0));
    note(e, zip_add_bytes(e->zip, "HOW-TO-VERIFY.txt", strdup(how), strlen(how)));
    add_json(e, "case.json", about);
    add_json(e, "chat.json", chat_of(e->events));
    add_json(e, "clips.json", json_pack("{s:O}", "items", e->clips));
    add_json(e, "stills.json", json_pack("{s:O}", "items", e->stills));
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
    e->events = json_array();
    e->clips = json_array();
    e->stills = json_array();
    e->seen = json_object();
    e->store = s;
    e->unix_us = unix_us;
    int er = e->events && e->clips && e->stills && e->seen ? zip_new(&e->zip, vault) : ER_NOMEM;
    if (er == 0)
        er = store_events_list(s, &sc->id, 0, (size_t)INT64_MAX, event_add, e);
    if (er == 0)
        er = store_clips_of_case(s, &sc->id, clip_add, e);
    if (er == 0)
        er = store_stills_of_case(s, &sc->id, still_add, e);
    if (er == 0)
        er = store_tombstones_of_case(s, &sc->id, tombstone_add, e);
    if (er == 0)
        add_texts(e, sc, unix_us);
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
    return o;
}

int export_finish(struct export *e, struct sealer *sealer, uint64_t unix_us)
{
    char *text = NULL;
    size_t len = 0;
    int er = sealer_keys_text(sealer, &text, &len);
    if (er == 0)
        er = zip_add_bytes(e->zip, "keys.json", text, len);
    if (er == 0)
        er = zip_measure(e->zip);
    if (er == 0)
        er = sealer_sign(sealer, VERIFY_EXPORT_CONTEXT, list_json(e, unix_us), unix_us, &text,
                         &len);
    if (er == 0)
        er = zip_add_bytes(e->zip, "export.json", text, len);
    return er ? er : zip_layout(e->zip);
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
