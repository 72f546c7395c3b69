// SPDX-License-Identifier: Apache-2.0
/* Clips over HTTP: what is known of them, their files (by token or signed link), their manifest. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/str.h"
#include "server/api_access.h"
#include "server/api_keep.h"
#include "server/store_drawings.h"

int api_sign_link(const struct media_key *key, json_t *object, const char *kind, const char *id,
                  const char *member, const char *file, const char *identity, uint64_t expires_s)
{
    struct id clip_id;
    char person[3 * LIMIT_IDENTITY + 1], signature[AUTH_SIGNATURE_BYTES];
    char url[1024];
    if (id_parse(id, &clip_id))
        return ER_INVALID;
    media_key_sign(key, &clip_id, file, identity, expires_s, signature);
    api_encode(identity, person, sizeof person);
    (void)snprintf(url, sizeof url, "/api/v1/%s/%s/%s?person=%s&expires=%llu&signature=%s", kind,
                   id, file, person, (unsigned long long)expires_s, signature);
    return json_object_set_new(object, member, json_string(url)) ? ER_NOMEM : 0;
}

static int sign_one(const struct media_key *key, json_t *clip, const char *id, const char *member,
                    const char *file, const char *identity, uint64_t expires_s)
{
    return api_sign_link(key, clip, "clips", id, member, file, identity, expires_s);
}

int api_clip_sign(const struct media_key *key, json_t *clip, bool has_poster, const char *identity,
                  uint64_t now_s)
{
    const char *id = json_string_value(json_object_get(clip, "id"));
    const char *state = json_string_value(json_object_get(clip, "state"));
    uint64_t expires = now_s + AUTH_MEDIA_SECONDS;
    if (!id || !state)
        return ER_INVALID;
    bool ready = strcmp(state, "ready") == 0;
    int er = json_object_set_new(clip, "media_url", json_null()) |
             json_object_set_new(clip, "poster_url", json_null()) |
             json_object_set_new(clip, "manifest_url", json_null());
    if (er)
        return ER_NOMEM;
    if (ready)
        er = sign_one(key, clip, id, "media_url", "media", identity, expires);
    if (ready && !er)
        er = sign_one(key, clip, id, "manifest_url", "manifest", identity, expires);
    if (ready && has_poster && !er)
        er = sign_one(key, clip, id, "poster_url", "poster", identity, expires);
    return er;
}

static json_t *clip_json(struct store *s, const struct api_call *c, const struct store_clip *clip)
{
    json_t *o = store_clip_json(clip);
    const struct api_kept kept = {&clip->case_id, clip->kind, &clip->id, clip->created_us};
    if (o &&
        (api_keeping_add(s, &kept, o) || api_clip_sign(&c->app->media_key, o, clip->has_poster,
                                                       c->claims.identity, c->unix_us / 1000000))) {
        json_decref(o);
        return NULL;
    }
    return o;
}

struct clip_list {
    struct store *store;
    struct api_call *call;
    json_t *items;
};

static void list_add(void *ctx, const struct store_clip *clip)
{
    struct clip_list *list = ctx;
    (void)json_array_append_new(list->items, clip_json(list->store, list->call, clip));
}

void api_clips_list(struct store *s, struct api_call *c)
{
    struct store_case sc;
    if (!api_case_evidence(s, c, &sc))
        return;
    struct clip_list list = {.store = s, .call = c, .items = json_array()};
    int er = list.items ? store_clips_of_case(s, &sc.id, list_add, &list) : ER_NOMEM;
    store_case_clear(&sc);
    api_items(c, er, list.items);
}

/** The clip of the first parameter; false: the problem is set. */
static bool clip_find(struct store *s, struct api_call *c, struct store_clip *clip)
{
    struct id id;
    int er = id_parse(c->params.values[0], &id) ? ER_NOT_FOUND : store_clip_get(s, &id, clip);
    if (er == ER_NOT_FOUND)
        api_not_there(s, c, "there is no such clip");
    else if (er)
        api_problem_er(c, er, NULL);
    return er == 0;
}

void api_clip_get(struct store *s, struct api_call *c)
{
    struct store_clip clip;
    if (clip_find(s, c, &clip) && api_evidence_allowed(s, c, &clip.case_id))
        api_json(c, 200, clip_json(s, c, &clip));
}

void api_clip_seen(struct store *s, struct api_call *c)
{
    struct store_clip clip;
    json_t *body;
    if (!clip_find(s, c, &clip) || !api_evidence_allowed(s, c, &clip.case_id))
        return;
    int er = store_clip_seen_document(s, &clip, c->unix_us, &body);
    if (er)
        api_problem_er(c, er, NULL);
    else
        api_json(c, 200, body);
}

void api_clip_drawings(struct store *s, struct api_call *c)
{
    struct store_clip clip;
    json_t *items;
    if (!clip_find(s, c, &clip) || !api_evidence_allowed(s, c, &clip.case_id))
        return;
    int er = store_drawings_of_clip(s, &clip, &items);
    api_items(c, er, items);
}

static bool link_allowed(struct api_call *c, const char *file, char ret_person[LIMIT_IDENTITY + 1])
{
    char expires_text[24], signature[AUTH_SIGNATURE_BYTES];
    uint64_t expires;
    struct id id;
    if (http_query(c->request, "person", ret_person, LIMIT_IDENTITY + 1) ||
        http_query(c->request, "expires", expires_text, sizeof expires_text) ||
        http_query(c->request, "signature", signature, sizeof signature)) {
        http_header_add(&c->response, "www-authenticate", "Bearer realm=\"loupe\"");
        api_problem(c, 401, "a token or a signed link is needed");
        return false;
    }
    if (id_parse(c->params.values[0], &id) ||
        span_u64(span_of(expires_text), INT64_MAX, &expires) ||
        media_key_check(&c->app->media_key, &id, file, ret_person, expires, c->unix_us / 1000000,
                        signature)) {
        api_problem(c, 403, "the link's signature does not match, or it has run out");
        return false;
    }
    return true;
}

bool api_file_person(struct api_call *c, const char *file, char ret_person[LIMIT_IDENTITY + 1])
{
    if (!c->has_claims)
        return link_allowed(c, file, ret_person);
    return str_copy(ret_person, LIMIT_IDENTITY + 1, c->claims.identity) == 0;
}

static bool file_allowed(struct store *s, struct api_call *c, const char *file,
                         struct store_clip *clip, char ret_person[LIMIT_IDENTITY + 1])
{
    return api_file_person(c, file, ret_person) && clip_find(s, c, clip) &&
           (!c->has_claims || api_evidence_allowed(s, c, &clip->case_id));
}

/** H264 is in no WebM: such clips are Matroska at large, and their head says so (RFC 9559, 12). */
static bool is_matroska(struct file *file)
{
    static const char type[] = "matroska";
    char head[64];
    size_t len;
    return file_read_at(file, 0, head, sizeof head, &len) == 0 &&
           memmem(head, len, type, sizeof type - 1);
}

/** A manifest grows when its time stamp comes; the others never change. */
static void set_tag(struct api_call *c, const struct store_clip *clip, const char *what)
{
    char more[32] = "";
    if (strcmp(what, "poster") == 0)
        (void)str_copy(more, sizeof more, "-p");
    else if (strcmp(what, "manifest") == 0)
        (void)snprintf(more, sizeof more, "-m%llu", (unsigned long long)c->response.file_size);
    (void)snprintf(c->response.etag, sizeof c->response.etag, "\"%.64s%.12s\"", clip->sha256, more);
}

static void send_file(struct store *s, struct api_call *c, const char *suffix, const char *type,
                      const char *what)
{
    struct store_clip clip;
    char person[LIMIT_IDENTITY + 1];
    if (!file_allowed(s, c, what, &clip, person))
        return;
    bool poster = strcmp(what, "poster") == 0, media = strcmp(what, "media") == 0;
    if (clip.state != CLIP_READY || (poster && !clip.has_poster)) {
        api_problem(c, poster ? 404 : 409, "there is no such file, or not yet");
        return;
    }
    const struct access access = {.case_id = &clip.case_id,
                                  .object = "clip",
                                  .id = &clip.id,
                                  .what = what,
                                  .person = person,
                                  .once_us = poster ? ACCESS_POSTER_US : 0};
    char path[STORE_PATH_BYTES + 24];
    (void)snprintf(path, sizeof path, "%s%s", clip.path, suffix);
    if (api_file(c, path))
        return;
    set_tag(c, &clip, what);
    int er = access_tell(s, c, &access);
    if (er) {
        api_problem_er(c, er, "the file cannot be read");
        return;
    }
    if (media && is_matroska(c->response.file)) {
        suffix = ".mkv";
        type = "video/x-matroska";
    }
    c->response.content_type = type;
    http_header_add(&c->response, "cache-control", "private, %s",
                    poster || media ? "max-age=600" : "no-cache");
    http_header_add(&c->response, "content-disposition", "inline; filename=\"%s%s\"", clip.id.text,
                    suffix);
}

void api_clip_media(struct store *s, struct api_call *c)
{
    send_file(s, c, ".webm", "video/webm", "media");
}

void api_clip_poster(struct store *s, struct api_call *c)
{
    send_file(s, c, ".jpg", "image/jpeg", "poster");
}

void api_clip_manifest(struct store *s, struct api_call *c)
{
    send_file(s, c, ".manifest.json", "application/json", "manifest");
}
