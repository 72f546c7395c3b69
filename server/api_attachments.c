// SPDX-License-Identifier: Apache-2.0
/* Attachments over HTTP: begun, sent in pieces as photographs are, listed, and had back in a way in which nothing of them
 * runs: as a download of the type that their bytes say, in a sandbox. */
#include <stdio.h>
#include <string.h>

#include "base/er.h"
#include "base/json.h"
#include "base/str.h"
#include "server/api_access.h"
#include "server/api_keep.h"
#include "server/attachment_name.h"
#include "server/calls.h"
#include "server/case_deeds.h"
#include "server/store_attachments.h"

static json_t *attachment_json(struct store *s, const struct api_call *c,
                               const struct store_attachment *a)
{
    json_t *o = store_attachment_json(a);
    const struct api_kept kept = {&a->case_id, keep_kind_name(KEEP_ATTACHMENT), &a->id,
                                  a->created_us};
    int er = o ? api_keeping_add(s, &kept, o) : ER_NOMEM;
    if (!er && a->ready)
        er = api_sign_link(&c->app->media_key, o, "attachments", a->id.text, "media_url", "media",
                           c->claims.identity, c->unix_us / 1000000 + AUTH_MEDIA_SECONDS);
    if (!er)
        return o;
    json_decref(o);
    return NULL;
}

/* Lists */

struct listing {
    struct store *store;
    struct api_call *call;
    json_t *items;
};

static void list_add(void *ctx, const struct store_attachment *a)
{
    struct listing *l = ctx;
    (void)json_array_append_new(l->items, attachment_json(l->store, l->call, a));
}

void api_attachments_list(struct store *s, struct api_call *c)
{
    struct store_case sc;
    if (!api_case_evidence(s, c, &sc))
        return;
    struct listing l = {.store = s, .call = c, .items = json_array()};
    int er = l.items ? store_attachments_of_case(s, &sc.id, case_role_sees_internal(c->claims.role),
                                                 list_add, &l)
                     : ER_NOMEM;
    store_case_clear(&sc);
    api_items(c, er, l.items);
}

/** The one of the first parameter, ready; false: the problem is set. What is for staff is not there for others. */
static bool attachment_find(struct store *s, struct api_call *c, struct store_attachment *a)
{
    struct id id;
    int er = id_parse(c->params.values[0], &id) ? ER_NOT_FOUND : store_attachment_get(s, &id, a);
    bool theirs = er == 0 && c->has_claims && !a->ready &&
                  strcmp(a->added_by, c->claims.identity) == 0;
    if (er == 0 && !a->ready && !theirs)
        er = ER_NOT_FOUND;
    if (er == ER_NOT_FOUND)
        api_not_there(s, c, "there is no such attachment");
    else if (er)
        api_problem_er(c, er, NULL);
    if (er || (c->has_claims && !api_evidence_allowed(s, c, &a->case_id)))
        return false;
    if (a->visible || !c->has_claims || case_role_sees_internal(c->claims.role))
        return true;
    api_problem(c, 404, "there is no such attachment");
    return false;
}

void api_attachment_get(struct store *s, struct api_call *c)
{
    struct store_attachment a;
    if (attachment_find(s, c, &a))
        api_json(c, 200, attachment_json(s, c, &a));
}

/* Beginning */

static bool may_attach(struct api_call *c, bool visible, const struct store_case *sc)
{
    enum case_deed deed = visible ? CASE_ATTACH_VISIBLE : CASE_ATTACH;
    if (!case_role_may_do(deed, c->claims.role))
        api_problem(c, 403, "this role does not put such files to cases");
    else if (!(case_states_of_deed(deed) & 1u << sc->state))
        api_case_wrong_state(c, case_states_of_deed(deed), sc);
    else if (c->disk_low)
        api_problem(c, 503, "the server's disk is nearly full: nothing new can be kept");
    else
        return true;
    return false;
}

/** What is to come, of the body; false: the problem is set. */
static bool begin_read(struct api_call *c, struct store_attachment *a)
{
    int64_t bytes = 0;
    const char *name = json_text(c->body, "name", LIMIT_NAME);
    const json_t *visible = json_object_get(c->body, "visible");
    bool sized = json_object_get(c->body, "bytes") != NULL;
    a->visible = visible ? json_is_true(visible) : c->claims.role == ROLE_BUYER;
    if (name && claims_text_ok(name))
        attachment_name_clean(name, a->name, sizeof a->name);
    if (!a->name[0] || (visible && !json_is_boolean(visible)) ||
        (sized && json_int(c->body, "bytes", 1, INT64_MAX, &bytes))) {
        api_problem(c, 400,
                    "an attachment has a `name` of 1 to 200 bytes, some of which are seen; it is "
                    "`visible` to the buyer or "
                    "not; `bytes` says how long it is");
        return false;
    }
    if (bytes > LIMIT_ATTACHMENT_BYTES) {
        api_problem(c, 413, "the file is too large: 128 MiB are taken at most");
        return false;
    }
    a->bytes = (uint64_t)bytes;
    (void)str_copy(a->added_by, sizeof a->added_by, c->claims.identity);
    return true;
}

static void begin(struct store *s, struct api_call *c, struct store_attachment *a)
{
    char folder[STORE_PATH_BYTES];
    a->id = id_make(c->unix_us, &c->app->entropy);
    int len = snprintf(folder, sizeof folder, "%.400s/blobs/%.2s", c->app->data, a->id.text);
    (void)snprintf(a->path, sizeof a->path, "%.*s/%s", len, folder, a->id.text);
    int er = strlen(c->app->data) > 400 ? ER_INVALID : calls_make_folder(folder);
    if (!er)
        er = calls_attachment_begin(s, a, c->unix_us);
    if (er == ER_FULL) {
        api_problem(
            c, 429,
            "a case has 200 attachments at most, of 8 GiB, and of one person 100, of 2 GiB, 8 "
            "of them on their way");
    } else if (er) {
        api_problem_er(c, er, NULL);
    } else {
        json_t *o = attachment_json(s, c, a);
        (void)json_object_set_new(o, "max_bytes", json_integer(LIMIT_ATTACHMENT_BYTES));
        api_json(c, 201, o);
        http_header_add(&c->response, "location", "/api/v1/attachments/%s/upload", a->id.text);
    }
}

void api_attachment_begin(struct store *s, struct api_call *c)
{
    struct store_case sc;
    struct store_attachment a = {.visible = false};
    if (!api_case_evidence(s, c, &sc))
        return;
    a.case_id = sc.id;
    if (begin_read(c, &a) && may_attach(c, a.visible, &sc))
        begin(s, c, &a);
    store_case_clear(&sc);
}

/* Pieces */

static void on_piece(void *ctx, int er, const char *why, const json_t *body)
{
    struct api_call *c = ctx;
    api_put_offset(c, body);
    if (er == ER_STALE) {
        api_problem(c, 409, why);
    } else if (er == ER_FULL) {
        api_problem(c, 413, why);
    } else if (er == ER_UNSUPPORTED) {
        api_problem(c, 415, why);
    } else if (er) {
        api_problem_er(c, er, why);
    } else if (json_object_get(body, "offset")) {
        c->response.status = 204;
    } else {
        json_t *o = json_deep_copy(body);
        const char *id = json_string_value(json_object_get(o, "id"));
        if (o && id)
            (void)api_sign_link(&c->app->media_key, o, "attachments", id, "media_url", "media",
                                c->claims.identity, c->unix_us / 1000000 + AUTH_MEDIA_SECONDS);
        api_json(c, 200, o);
    }
    api_answer(c);
}

void api_attachment_look(struct api_call *c)
{
    const struct calls_photo_piece look = {.only_look = true};
    calls_attachment_piece(c->app->calls, &c->claims, c->params.values[0], &look, on_piece, c);
}

void api_attachment_piece(struct api_call *c)
{
    struct calls_photo_piece piece;
    if (api_piece_taken(c, &piece))
        calls_attachment_piece(c->app->calls, &c->claims, c->params.values[0], &piece, on_piece, c);
    else
        api_answer(c);
}

static void on_dropped(void *ctx, int er, const char *why, const json_t *body)
{
    struct api_call *c = ctx;
    (void)body;
    if (er)
        api_problem_er(c, er, why);
    else
        c->response.status = 204;
    api_answer(c);
}

void api_attachment_drop(struct api_call *c)
{
    calls_attachment_drop(c->app->calls, &c->claims, c->params.values[0], on_dropped, c);
}

/* Files */

static void file_answer(struct api_call *c, const struct store_attachment *a)
{
    char saved[ATTACHMENT_SAVED_BYTES(STORE_TEXT_BYTES)], name[3 * sizeof saved + 1];
    attachment_name_saved(a->name, a->type, saved, sizeof saved);
    api_encode(saved, name, sizeof name);
    c->response.content_type = attachment_media_type(a->type);
    if (a->type == ATTACHMENT_TEXT)
        c->response.content_type = "text/plain; charset=utf-8";
    http_header_add(&c->response, "cache-control", "private, max-age=600");
    http_header_add(&c->response, "content-disposition",
                    "attachment; filename=\"%s%s\"; filename*=UTF-8''%s", a->id.text,
                    attachment_suffix(a->type), name);
    http_header_add(&c->response, "content-security-policy", "default-src 'none'; sandbox");
}

void api_attachment_media(struct store *s, struct api_call *c)
{
    struct store_attachment a;
    char person[LIMIT_IDENTITY + 1], path[STORE_PATH_BYTES + 16];
    if (!api_file_person(c, "media", person) || !attachment_find(s, c, &a))
        return;
    (void)snprintf(c->response.etag, sizeof c->response.etag, "\"%.64s\"", a.sha256);
    (void)snprintf(path, sizeof path, "%s%s", a.path, STORE_ATTACHMENT_SUFFIX);
    if (!a.ready) {
        c->response.etag[0] = '\0';
        api_problem(c, 409, "it is not there yet");
        return;
    }
    if (api_file(c, path))
        return;
    const struct access access = {.case_id = &a.case_id,
                                  .object = keep_object_name(KEPT_ATTACHMENT),
                                  .id = &a.id,
                                  .what = "media",
                                  .person = person};
    int er = access_tell(s, c, &access);
    if (er) {
        api_problem_er(c, er, "the file cannot be read");
        return;
    }
    file_answer(c, &a);
}
