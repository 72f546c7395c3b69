// SPDX-License-Identifier: Apache-2.0
/* Clips in the store: rows that follow a recording from its start to the finished file. */
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/str.h"
#include "server/store_sql.h"

#define COLUMNS                                                                                    \
    "id, case_id, room, merchant, state, kind, label, publisher, started_by, path, reason,"        \
    " created_us, started_us, duration_ms, bytes, sha256, width, height, gaps, gap_ms, has_video," \
    " has_audio, has_poster, repaired, video_codec, stamp"

static const char *const states[] = {
    [CLIP_RECORDING] = "recording",
    [CLIP_READY] = "ready",
    [CLIP_FAILED] = "failed",
};

const char *clip_state_name(enum clip_state state)
{
    return (unsigned)state <= CLIP_FAILED ? states[state] : "unknown";
}

static int state_parse(const char *name, enum clip_state *ret)
{
    for (unsigned i = 0; name && i <= CLIP_FAILED; i++) {
        if (strcmp(states[i], name) == 0) {
            *ret = (enum clip_state)i;
            return 0;
        }
    }
    return ER_INTERNAL;
}

static int clip_read(const struct store *s, sqlite3_stmt *st, struct store_clip *c)
{
    memset(c, 0, sizeof *c);
    c->id = sql_id(st, 0);
    c->case_id = sql_id(st, 1);
    c->room = sql_id(st, 2);
    sql_text(st, 3, c->merchant, sizeof c->merchant);
    sql_text(st, 5, c->kind, sizeof c->kind);
    sql_text(st, 6, c->label, sizeof c->label);
    sql_text(st, 7, c->publisher, sizeof c->publisher);
    sql_text(st, 8, c->started_by, sizeof c->started_by);
    sql_path(s, st, 9, c->path, sizeof c->path);
    sql_text(st, 10, c->reason, sizeof c->reason);
    c->created_us = sql_u64(st, 11);
    c->started_us = sql_u64(st, 12);
    c->duration_ms = sql_u64(st, 13);
    c->bytes = sql_u64(st, 14);
    sql_text(st, 15, c->sha256, sizeof c->sha256);
    c->width = (unsigned)sqlite3_column_int(st, 16);
    c->height = (unsigned)sqlite3_column_int(st, 17);
    c->gaps = (unsigned)sqlite3_column_int(st, 18);
    c->gap_ms = sql_u64(st, 19);
    c->has_video = sqlite3_column_int(st, 20) != 0;
    c->has_audio = sqlite3_column_int(st, 21) != 0;
    c->has_poster = sqlite3_column_int(st, 22) != 0;
    c->repaired = sqlite3_column_int(st, 23) != 0;
    sql_text(st, 24, c->video_codec, sizeof c->video_codec);
    c->stamp = (enum clip_stamp)sqlite3_column_int(st, 25);
    return state_parse((const char *)sqlite3_column_text(st, 4), &c->state);
}

static int clip_insert(struct store *s, const struct store_clip *c)
{
    return sql_run(s, NULL,
                   "INSERT INTO clips(" COLUMNS ") VALUES(?1, ?2, ?3,"
                   " (SELECT merchant FROM cases WHERE id = ?2), ?4, ?5, ?6, ?7, ?8, ?9, '', ?10,"
                   " 0, 0, 0, '', 0, 0, 0, 0, 0, 0, 0, 0, '', 0)",
                   "ttttttttti", c->id.text, c->case_id.text, c->room.text,
                   clip_state_name(c->state), c->kind, c->label, c->publisher, c->started_by,
                   sql_kept_path(s, c->path), (int64_t)c->created_us);
}

static int started_event(struct store *s, const struct store_clip *c, uint64_t now_us)
{
    json_t *data = json_pack("{s:s,s:s,s:s,s:s}", "clip", c->id.text, "kind", c->kind, "publisher",
                             c->publisher, "label", c->label);
    if (!data)
        return ER_NOMEM;
    int er = store_event_append(s, &c->case_id, c->started_by, "clip_started", data, now_us, NULL);
    json_decref(data);
    return er;
}

int store_clip_add(struct store *s, struct store_clip *c, uint64_t now_us)
{
    if (!id_is_set(&c->id))
        c->id = id_make(now_us, &s->entropy);
    c->created_us = now_us;
    c->state = CLIP_RECORDING;
    int er = store_begin(s);
    if (er)
        return er;
    er = started_event(s, c, now_us); /* knows when there is no such case */
    if (!er)
        er = clip_insert(s, c);
    er = store_end(s, er);
    struct store_clip row;
    if (!er && !(er = store_clip_get(s, &c->id, &row)))
        *c = row;
    return er;
}

static int finished_event(struct store *s, const struct store_clip *c, uint64_t now_us)
{
    bool ready = c->state == CLIP_READY;
    json_t *data = ready ? json_pack("{s:s,s:s,s:I,s:I,s:b,s:i,s:I}", "clip", c->id.text, "sha256",
                                     c->sha256, "duration_ms", (json_int_t)c->duration_ms, "bytes",
                                     (json_int_t)c->bytes, "repaired", c->repaired, "gaps",
                                     (int)c->gaps, "gap_ms", (json_int_t)c->gap_ms)
                         : json_pack("{s:s,s:s}", "clip", c->id.text, "reason", c->reason);
    if (data && ready && c->manifest_sha256[0] &&
        json_object_set_new(data, "manifest_sha256", json_string(c->manifest_sha256))) {
        json_decref(data);
        data = NULL;
    }
    if (!data)
        return ER_NOMEM;
    int er = store_event_append(s, &c->case_id, "system", ready ? "clip_ready" : "clip_failed",
                                data, now_us, NULL);
    json_decref(data);
    return er;
}

/* Finished, but not written */

struct store_unsaved {
    struct store_unsaved *next;
    struct store_clip clip;
};

static struct store_unsaved **unsaved_find(struct store *s, const struct id *id)
{
    struct store_unsaved **at = &s->unsaved;
    while (*at && strcmp((*at)->clip.id.text, id->text) != 0)
        at = &(*at)->next;
    return at;
}

static void unsaved_drop(struct store *s, const struct id *id)
{
    struct store_unsaved **at = unsaved_find(s, id), *u = *at;
    if (u)
        *at = u->next;
    free(u);
}

static void unsaved_keep(struct store *s, const struct store_clip *c)
{
    struct store_unsaved *u = *unsaved_find(s, &c->id);
    if (!u) {
        u = calloc(1, sizeof *u);
        if (!u)
            return;
        u->next = s->unsaved;
        s->unsaved = u;
    }
    u->clip = *c;
}

void store_unsaved_clear(struct store *s)
{
    while (s->unsaved)
        unsaved_drop(s, &s->unsaved->clip.id);
}

/** What is known of a clip beyond its row. */
static void unsaved_apply(struct store *s, struct store_clip *c)
{
    const struct store_unsaved *u = *unsaved_find(s, &c->id);
    if (u)
        *c = u->clip;
}

static int clip_write(struct store *s, const struct store_clip *c, uint64_t now_us)
{
    int er = store_begin(s);
    if (er)
        return er;
    int changes = 0;
    er = sql_run(s, &changes,
                 "UPDATE clips SET state = ?, reason = ?, started_us = ?, duration_ms = ?,"
                 " bytes = ?, sha256 = ?, width = ?, height = ?, gaps = ?, gap_ms = ?,"
                 " has_video = ?, has_audio = ?, has_poster = ?, repaired = ?, video_codec = ?"
                 " WHERE id = ?",
                 "ttiiitiiiibbbbtt", clip_state_name(c->state), c->reason, (int64_t)c->started_us,
                 (int64_t)c->duration_ms, (int64_t)c->bytes, c->sha256, (int64_t)c->width,
                 (int64_t)c->height, (int64_t)c->gaps, (int64_t)c->gap_ms, (int)c->has_video,
                 (int)c->has_audio, (int)c->has_poster, (int)c->repaired, c->video_codec,
                 c->id.text);
    if (!er && changes == 0)
        er = ER_NOT_FOUND;
    if (!er && c->state != CLIP_RECORDING)
        er = finished_event(s, c, now_us);
    return store_end(s, er);
}

int store_clip_update(struct store *s, const struct store_clip *c, uint64_t now_us)
{
    int er = clip_write(s, c, now_us);
    if (er == ER_IO && c->state != CLIP_RECORDING)
        unsaved_keep(s, c);
    else if (er == 0)
        unsaved_drop(s, &c->id);
    return er;
}

int store_clip_get(struct store *s, const struct id *id, struct store_clip *ret)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st, "SELECT " COLUMNS " FROM clips WHERE id = ?", "t", id->text);
    if (er)
        return er;
    er = sql_step(s, st);
    if (er == 1)
        er = clip_read(s, st, ret);
    else if (er == 0)
        er = ER_NOT_FOUND;
    sql_end(st);
    if (er == 0)
        unsaved_apply(s, ret);
    return er;
}

static int clips_each(struct store *s, sqlite3_stmt *st,
                      void (*each)(void *ctx, const struct store_clip *c), void *ctx)
{
    int er;
    while ((er = sql_step(s, st)) == 1) {
        struct store_clip c;
        er = clip_read(s, st, &c);
        if (er)
            break;
        unsaved_apply(s, &c);
        each(ctx, &c);
    }
    sql_end(st);
    return er;
}

int store_clips_of_case(struct store *s, const struct id *case_id,
                        void (*each)(void *ctx, const struct store_clip *c), void *ctx)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st, "SELECT " COLUMNS " FROM clips WHERE case_id = ? ORDER BY id", "t",
                       case_id->text);
    return er ? er : clips_each(s, st, each, ctx);
}

int store_clips_in_state(struct store *s, enum clip_state state,
                         void (*each)(void *ctx, const struct store_clip *c), void *ctx)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st, "SELECT " COLUMNS " FROM clips WHERE state = ? ORDER BY id", "t",
                       clip_state_name(state));
    return er ? er : clips_each(s, st, each, ctx);
}

/* Time stamps */

static int unstamped_count(struct store *s, uint64_t *ret)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st, "SELECT count(*) FROM clips WHERE state = 'ready' AND stamp = 0",
                       "");
    if (er)
        return er;
    er = sql_step(s, st);
    if (er == 1)
        *ret = sql_u64(st, 0);
    sql_end(st);
    return er < 0 ? er : 0;
}

/** What "clip_ready" tells of the manifest, into ret->manifest_sha256. */
static int sealed_hash(struct store *s, struct store_clip *ret)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st,
                       "SELECT coalesce(json_extract(data, '$.manifest_sha256'), '') FROM events"
                       " WHERE case_id = ? AND type = 'clip_ready'"
                       " AND json_extract(data, '$.clip') = ? LIMIT 1",
                       "tt", ret->case_id.text, ret->id.text);
    if (er)
        return er;
    er = sql_step(s, st);
    if (er == 1)
        sql_text(st, 0, ret->manifest_sha256, sizeof ret->manifest_sha256);
    sql_end(st);
    return er < 0 ? er : 0;
}

int store_clip_unstamped(struct store *s, const struct id *after, struct store_clip *ret,
                         uint64_t *ret_count)
{
    sqlite3_stmt *st;
    int er = unstamped_count(s, ret_count);
    if (!er)
        er = sql_begin(s, &st,
                       "SELECT " COLUMNS " FROM clips WHERE state = 'ready' AND stamp = 0"
                       " AND id > ? ORDER BY id LIMIT 1",
                       "t", after->text);
    if (er)
        return er;
    er = sql_step(s, st);
    if (er == 1)
        er = clip_read(s, st, ret);
    else if (er == 0)
        er = ER_NOT_FOUND;
    sql_end(st);
    return er ? er : sealed_hash(s, ret);
}

int store_clip_stamp_tell(struct store *s, const struct store_clip *c, const char *manifest_sha256,
                          uint64_t now_us)
{
    struct store_clip row;
    bool told = false;
    json_t *data = json_pack("{s:s,s:s}", "clip", c->id.text, "manifest_sha256", manifest_sha256);
    int er = data ? store_begin(s) : ER_NOMEM;
    if (!er) {
        er = store_clip_get(s, &c->id, &row);
        if (!er)
            er = store_event_find(s, &c->case_id, "clip_stamped", data, &told);
        if (!er && !told)
            er = store_event_append(s, &c->case_id, "system", "clip_stamped", data, now_us, NULL);
        er = store_end(s, er);
    }
    json_decref(data);
    return er;
}

int store_clip_stamp_set(struct store *s, const struct id *id, enum clip_stamp stamp)
{
    return sql_run(s, NULL, "UPDATE clips SET stamp = ? WHERE id = ?", "it", (int64_t)stamp,
                   id->text);
}

static json_t *tracks_json(const struct store_clip *c)
{
    json_t *tracks = json_array();
    if (tracks && c->has_video)
        (void)json_array_append_new(tracks, json_pack("{s:s,s:s,s:i,s:i}", "kind", "video", "codec",
                                                      c->video_codec, "width", (int)c->width,
                                                      "height", (int)c->height));
    if (tracks && c->has_audio)
        (void)json_array_append_new(
            tracks, json_pack("{s:s,s:s,s:i}", "kind", "audio", "codec", "opus", "rate", 48000));
    return tracks;
}

json_t *store_clip_json(const struct store_clip *c)
{
    json_t *o = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:I,s:s,s:i,s:I,s:b,s:o}", "id",
                          c->id.text, "case", c->case_id.text, "room", c->room.text, "state",
                          clip_state_name(c->state), "kind", c->kind, "label", c->label,
                          "publisher", c->publisher, "started_by", c->started_by, "duration_ms",
                          (json_int_t)c->duration_ms, "bytes", (json_int_t)c->bytes, "sha256",
                          c->sha256, "gaps", (int)c->gaps, "gap_ms", (json_int_t)c->gap_ms,
                          "repaired", c->repaired, "tracks", tracks_json(c));
    if (!o)
        return NULL;
    int bad = json_set_time(o, "created_at", c->created_us) |
              json_set_time(o, "started_at", c->started_us ? c->started_us : c->created_us);
    if (c->reason[0])
        bad |= json_object_set_new(o, "reason", json_string(c->reason));
    if (c->state == CLIP_READY)
        bad |= json_object_set_new(o, "stamped", json_boolean(c->stamp == CLIP_STAMPED));
    if (!bad)
        return o;
    json_decref(o);
    return NULL;
}

/* To be sealed */

static void consent_add(void *ctx, const struct store_event *e)
{
    json_t *list = ctx, *data;
    if (strcmp(e->type, "recording_consent") != 0)
        return;
    data = json_loads(e->data, 0, NULL);
    json_t *o = json_pack("{s:s,s:I,s:O?}", "identity", e->actor, "seq", (json_int_t)e->seq,
                          "recording", json_object_get(data, "recording"));
    if (o)
        (void)json_set_time(o, "at", e->at_us);
    (void)json_array_append_new(list, o);
    json_decref(data);
}

static json_t *facts_json(const struct store_clip *c, const struct store_case *sc, json_t *consents,
                          uint64_t seq, const char *hash)
{
    json_t *o = store_clip_json(c);
    /* Of the file itself the manifest tells better. */
    static const char *const others[] = {"id",     "state", "bytes",  "sha256", "tracks",
                                         "reason", "gaps",  "gap_ms", "stamped"};
    for (size_t i = 0; o && i < sizeof others / sizeof others[0]; i++)
        (void)json_object_del(o, others[i]);
    json_t *of = json_pack("{s:s,s:s}", "id", sc->id.text, "number", sc->number);
    json_t *timeline = json_pack("{s:I,s:s}", "seq", (json_int_t)seq, "hash", hash);
    if (o && !(json_object_set_new(o, "case", of) | json_object_set_new(o, "timeline", timeline) |
               json_object_set(o, "consents", consents)))
        return o;
    json_decref(o);
    return NULL;
}

int store_clip_facts(struct store *s, const struct store_clip *c, json_t **ret)
{
    struct store_case sc = {0};
    uint64_t seq;
    char hash[STORE_HASH_BYTES];
    json_t *consents = json_array();
    int er = consents ? store_case_get(s, &c->case_id, &sc) : ER_NOMEM;
    if (!er)
        er = store_events_list(s, &c->case_id, 0, SIZE_MAX / 2, consent_add, consents);
    if (!er)
        er = store_chain_head(s, &c->case_id, &seq, hash);
    *ret = er ? NULL : facts_json(c, &sc, consents, seq, hash);
    json_decref(consents);
    store_case_clear(&sc);
    return er ? er : *ret ? 0 : ER_NOMEM;
}
