// SPDX-License-Identifier: Apache-2.0
/* Stills over HTTP: what is known of them, and their files, by token or signed link. */
#include <stdio.h>
#include <string.h>

#include "base/er.h"
#include "base/str.h"
#include "server/api_access.h"
#include "server/api_keep.h"

int api_still_sign(const struct media_key *key, json_t *still, const char *identity, uint64_t now_s)
{
    const char *id = json_string_value(json_object_get(still, "id"));
    uint64_t expires = now_s + AUTH_MEDIA_SECONDS;
    int er = id ? 0 : ER_INVALID;
    if (!er)
        er = api_sign_link(key, still, "stills", id, "media_url", "media", identity, expires);
    if (!er)
        er = api_sign_link(key, still, "stills", id, "poster_url", "poster", identity, expires);
    if (!er)
        er = api_sign_link(key, still, "stills", id, "record_url", "record", identity, expires);
    return er;
}

static json_t *still_json(struct store *s, const struct api_call *c,
                          const struct store_still *still)
{
    json_t *o = store_still_json(still);
    const struct api_kept kept = {&still->case_id, still->kind, &still->id, still->created_us};
    if (o && api_keeping_add(s, &kept, o) == 0 &&
        api_still_sign(&c->app->media_key, o, c->claims.identity, c->unix_us / 1000000) == 0)
        return o;
    json_decref(o);
    return NULL;
}

struct still_list {
    struct store *store;
    struct api_call *call;
    json_t *items;
};

static void list_add(void *ctx, const struct store_still *still)
{
    struct still_list *list = ctx;
    (void)json_array_append_new(list->items, still_json(list->store, list->call, still));
}

void api_stills_list(struct store *s, struct api_call *c)
{
    struct store_case sc;
    if (!api_case_evidence(s, c, &sc))
        return;
    struct still_list list = {.store = s, .call = c, .items = json_array()};
    int er = list.items ? store_stills_of_case(s, &sc.id, list_add, &list) : ER_NOMEM;
    store_case_clear(&sc);
    api_items(c, er, list.items);
}

/** The still of the first parameter; false: the problem is set. */
static bool still_find(struct store *s, struct api_call *c, struct store_still *still)
{
    struct id id;
    int er = id_parse(c->params.values[0], &id) ? ER_NOT_FOUND : store_still_get(s, &id, still);
    if (!er && !still->ready)
        er = ER_NOT_FOUND;
    if (er == ER_NOT_FOUND)
        api_not_there(s, c, "there is no such still");
    else if (er)
        api_problem_er(c, er, NULL);
    return er == 0;
}

void api_still_get(struct store *s, struct api_call *c)
{
    struct store_still still;
    if (still_find(s, c, &still) && api_evidence_allowed(s, c, &still.case_id))
        api_json(c, 200, still_json(s, c, &still));
}

static bool file_allowed(struct store *s, struct api_call *c, const char *file,
                         struct store_still *still, char ret_person[LIMIT_IDENTITY + 1])
{
    return api_file_person(c, file, ret_person) && still_find(s, c, still) &&
           (!c->has_claims || api_evidence_allowed(s, c, &still->case_id));
}

static void send_file(struct store *s, struct api_call *c, const char *what, const char *suffix,
                      const char *type, uint64_t once_us)
{
    struct store_still still;
    char person[LIMIT_IDENTITY + 1];
    if (!file_allowed(s, c, what, &still, person))
        return;
    (void)snprintf(c->response.etag, sizeof c->response.etag, "\"%.64s-%s\"", still.sha256, what);
    const struct access access = {.case_id = &still.case_id,
                                  .object = "still",
                                  .id = &still.id,
                                  .what = what,
                                  .person = person,
                                  .once_us = once_us};
    char path[STORE_PATH_BYTES + 16];
    (void)snprintf(path, sizeof path, "%s%s", still.path, suffix);
    if (api_file(c, path))
        return;
    int er = access_tell(s, c, &access);
    if (er) {
        api_problem_er(c, er, "the file cannot be read");
        return;
    }
    c->response.content_type = type;
    http_header_add(&c->response, "cache-control", "private, max-age=600");
    http_header_add(&c->response, "content-disposition", "inline; filename=\"%s%s\"", still.id.text,
                    suffix);
}

void api_still_media(struct store *s, struct api_call *c)
{
    send_file(s, c, "media", ".jpg", "image/jpeg", 0);
}

void api_still_poster(struct store *s, struct api_call *c)
{
    send_file(s, c, "poster", ".small.jpg", "image/jpeg", ACCESS_POSTER_US);
}

void api_still_record(struct store *s, struct api_call *c)
{
    send_file(s, c, "record", ".still.json", "application/json", 0);
}
