// SPDX-License-Identifier: Apache-2.0
/* Stills over HTTP: what is known of them, and their files, by token or signed link. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/er.h"
#include "base/str.h"
#include "server/api.h"
#include "server/http_range.h"

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

static json_t *still_json(const struct api_call *c, const struct store_still *still)
{
    json_t *o = store_still_json(still);
    if (o && api_still_sign(&c->app->media_key, o, c->claims.identity, c->unix_us / 1000000) == 0)
        return o;
    json_decref(o);
    return NULL;
}

struct still_list {
    struct api_call *call;
    json_t *items;
};

static void list_add(void *ctx, const struct store_still *still)
{
    struct still_list *list = ctx;
    (void)json_array_append_new(list->items, still_json(list->call, still));
}

void api_stills_list(struct store *s, struct api_call *c)
{
    struct store_case sc;
    if (!api_case(s, c, &sc))
        return;
    struct still_list list = {.call = c, .items = json_array()};
    int er = list.items ? store_stills_of_case(s, &sc.id, list_add, &list) : ER_NOMEM;
    store_case_clear(&sc);
    if (er) {
        json_decref(list.items);
        api_problem_er(c, er, NULL);
        return;
    }
    api_json(c, 200, json_pack("{s:o}", "items", list.items));
}

/** The still of the first parameter; false: the problem is set. */
static bool still_find(struct store *s, struct api_call *c, struct store_still *still)
{
    struct id id;
    int er = id_parse(c->params.values[0], &id) ? ER_NOT_FOUND : store_still_get(s, &id, still);
    if (!er && !still->ready)
        er = ER_NOT_FOUND;
    if (!er)
        return true;
    api_problem_er(c, er, er == ER_NOT_FOUND ? "there is no such still" : NULL);
    return false;
}

/** May the one with the token see the still's case? */
static bool still_allowed(struct store *s, struct api_call *c, const struct store_still *still)
{
    struct store_case sc;
    int er = store_case_get(s, &still->case_id, &sc);
    bool may = !er && api_may_see(&c->claims, &sc);
    store_case_clear(&sc);
    if (er)
        api_problem_er(c, er, NULL);
    else if (!may)
        api_problem(c, 403, "the token is not for this still's case");
    return may;
}

void api_still_get(struct store *s, struct api_call *c)
{
    struct store_still still;
    if (still_find(s, c, &still) && still_allowed(s, c, &still))
        api_json(c, 200, still_json(c, &still));
}

/** By signature when there is no token; who looks is then in `ret_person`. */
static bool file_allowed(struct store *s, struct api_call *c, const char *file,
                         struct store_still *still, char ret_person[LIMIT_IDENTITY + 1])
{
    if (!c->has_claims)
        return api_link_allowed(c, file, ret_person) && still_find(s, c, still);
    (void)str_copy(ret_person, LIMIT_IDENTITY + 1, c->claims.identity);
    return still_find(s, c, still) && still_allowed(s, c, still);
}

/** Each look is told. */
static int viewed(struct store *s, const struct api_call *c, const struct store_still *still,
                  const char *person)
{
    const struct http_request *r = c->request;
    if (r->method != HTTP_GET ||
        (r->if_none_match && http_etag_listed(r->if_none_match, c->response.etag, false)))
        return 0;
    json_t *data = json_pack("{s:s}", "still", still->id.text);
    if (!data)
        return ER_NOMEM;
    int er = store_event_append(s, &still->case_id, person, "still_viewed", data, c->unix_us, NULL);
    json_decref(data);
    return er;
}

static int file_open(struct api_call *c, const struct store_still *still, const char *suffix)
{
    char path[STORE_PATH_BYTES + 16];
    struct stat st;
    (void)snprintf(path, sizeof path, "%s%s", still->path, suffix);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? ER_NOT_FOUND : ER_IO;
    if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size <= 0) {
        (void)close(fd);
        return ER_IO;
    }
    c->response.status = 200;
    c->response.file = fd;
    c->response.file_size = (uint64_t)st.st_size;
    return 0;
}

static void send_file(struct store *s, struct api_call *c, const char *what, const char *suffix,
                      const char *type, bool is_view)
{
    struct store_still still;
    char person[LIMIT_IDENTITY + 1];
    if (!file_allowed(s, c, what, &still, person))
        return;
    (void)snprintf(c->response.etag, sizeof c->response.etag, "\"%.64s-%s\"", still.sha256, what);
    int er = file_open(c, &still, suffix);
    if (!er && is_view)
        er = viewed(s, c, &still, person);
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
    send_file(s, c, "media", ".jpg", "image/jpeg", true);
}

void api_still_poster(struct store *s, struct api_call *c)
{
    send_file(s, c, "poster", ".small.jpg", "image/jpeg", false);
}

void api_still_record(struct store *s, struct api_call *c)
{
    send_file(s, c, "record", ".still.json", "application/json", false);
}
