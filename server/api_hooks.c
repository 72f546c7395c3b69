// SPDX-License-Identifier: Apache-2.0
/* Webhooks over HTTP: to make, change and try them, to see what became of deliveries, and once more. */
#include <stdio.h>
#include <string.h>

#include "base/er.h"
#include "base/json.h"
#include "base/str.h"
#include "server/api_keep.h"
#include "server/api_page.h"
#include "server/store_hooks.h"
#include "server/store_log.h"

#define NO_HOOK "there is no such webhook"

static bool may(struct api_call *c)
{
    return api_role_may(c, role_describe(c->claims.role)->hooks,
                        "webhooks are for service and supervisor") &&
           api_role_may(c, !claims_is_bound(&c->claims),
                        "a token for one case or room has no webhooks");
}

/** The webhook of the first parameter; false: the problem is set. */
static bool hook_find(struct store *s, struct api_call *c, struct store_hook *ret)
{
    struct id id;
    if (!may(c))
        return false;
    int er = id_parse(c->params.values[0], &id) ? ER_NOT_FOUND
                                                : store_hook_get(s, c->claims.merchant, &id, ret);
    if (er)
        api_problem_er(c, er, er == ER_NOT_FOUND ? NO_HOOK : NULL);
    return er == 0;
}

static void answer_hook(struct api_call *c, int status, int er, const struct store_hook *h,
                        bool secret)
{
    if (er) {
        api_problem_er(c, er, er == ER_NOT_FOUND ? NO_HOOK : NULL);
        return;
    }
    json_t *o = store_hook_json(h);
    if (o && secret)
        (void)json_object_set_new(o, "secret", json_string(h->secret));
    api_json(c, status, o);
}

/* What is asked for */

static bool type_ok(const char *type)
{
    size_t len = type ? strlen(type) : 0;
    return len > 0 && len < 48 && strspn(type, "abcdefghijklmnopqrstuvwxyz0123456789_") == len;
}

/** A list of types as ",a,b,"; none: "". */
static bool types_read(const json_t *list, char *ret, size_t size)
{
    size_t len = 0;
    ret[0] = '\0';
    if (!json_is_array(list) || json_array_size(list) > LIMIT_HOOK_TYPES)
        return false;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *type = json_string_value(json_array_get(list, i));
        if (!type_ok(type))
            return false;
        int more = snprintf(ret + len, size - len, "%s%s,", i ? "" : ",", type);
        if (more < 0 || (size_t)more >= size - len)
            return false;
        len += (size_t)more;
    }
    return true;
}

/** The members that came, over those of `h`; NULL, or what is wrong. */
static const char *hook_read(const struct api_call *c, struct store_hook *h)
{
    const json_t *url = json_object_get(c->body, "url");
    const json_t *description = json_object_get(c->body, "description");
    const json_t *types = json_object_get(c->body, "event_types");
    const json_t *enabled = json_object_get(c->body, "enabled");
    if (url) {
        const char *text = json_string_value(url);
        const char *why = text && strlen(text) == json_string_length(url)
                              ? hook_url_check(c->app->hook_reach, text)
                              : "`url` is a text";
        if (why)
            return why;
        (void)str_copy(h->url, sizeof h->url, text);
    }
    if (description) {
        const char *text = json_text(c->body, "description", LIMIT_NAME);
        if (!text)
            return "`description` is a text of at most 200 bytes";
        (void)str_copy(h->description, sizeof h->description, text);
    }
    if (types && !types_read(types, h->types, sizeof h->types))
        return "`event_types` is a list of at most 32 types, as in the timeline; [] is all";
    if (enabled && !json_is_boolean(enabled))
        return "`enabled` is true or false";
    if (enabled && json_is_true(enabled) != h->enabled) {
        h->enabled = json_is_true(enabled);
        (void)str_copy(h->why, sizeof h->why, h->enabled ? "" : "asked");
    }
    return NULL;
}

/* Handlers */

/** What was done is in the log, or it was not done. Within a transaction, which it ends. */
static int logged(struct store *s, const struct api_call *c, int er, const char *action,
                  const struct store_hook *h)
{
    json_t *data = json_pack("{s:s,s:b}", "url", h->url, "enabled", (int)h->enabled);
    if (!er)
        er = data ? store_log_add(s, c->claims.merchant, c->claims.identity, action, h->id.text,
                                  data, c->unix_us)
                  : ER_NOMEM;
    json_decref(data);
    return store_end(s, er);
}

void api_hook_create(struct store *s, struct api_call *c)
{
    struct store_hook h = {.enabled = true};
    if (!may(c))
        return;
    const char *why = json_object_get(c->body, "url") ? hook_read(c, &h) : "`url` is missing";
    if (why) {
        api_problem(c, 400, why);
        return;
    }
    bool enabled = h.enabled;
    (void)str_copy(h.merchant, sizeof h.merchant, c->claims.merchant);
    int er = store_begin(s);
    if (!er) {
        er = store_hook_add(s, &h, c->unix_us);
        h.enabled = enabled;
        if (!er && !enabled)
            er = store_hook_change(s, &h, c->unix_us);
        er = logged(s, c, er, "webhook_created", &h);
    }
    if (er == ER_FULL)
        api_problem(c, 429, "there are too many webhooks");
    else
        answer_hook(c, 201, er, &h, true);
    if (!er)
        http_header_add(&c->response, "location", "/api/v1/webhooks/%s", h.id.text);
}

static void hook_add(void *ctx, const struct store_hook *h)
{
    (void)json_array_append_new(ctx, store_hook_json(h));
}

void api_hooks_list(struct store *s, struct api_call *c)
{
    if (!may(c))
        return;
    json_t *items = json_array();
    api_items(c, items ? store_hooks_list(s, c->claims.merchant, hook_add, items) : ER_NOMEM,
              items);
}

void api_hook_get(struct store *s, struct api_call *c)
{
    struct store_hook h;
    if (hook_find(s, c, &h))
        answer_hook(c, 200, 0, &h, false);
}

void api_hook_change(struct store *s, struct api_call *c)
{
    struct store_hook h;
    if (!hook_find(s, c, &h))
        return;
    const char *why = hook_read(c, &h);
    if (why) {
        api_problem(c, 400, why);
        return;
    }
    int er = store_begin(s);
    if (!er)
        er = logged(s, c, store_hook_change(s, &h, c->unix_us), "webhook_changed", &h);
    answer_hook(c, 200, er, &h, false);
}

void api_hook_delete(struct store *s, struct api_call *c)
{
    struct store_hook h;
    if (!hook_find(s, c, &h))
        return;
    int er = store_begin(s);
    if (!er)
        er = logged(s, c, store_hook_remove(s, &h, c->unix_us), "webhook_removed", &h);
    if (er)
        api_problem_er(c, er, NULL);
    else
        c->response.status = 204;
}

void api_hook_rotate(struct store *s, struct api_call *c)
{
    struct store_hook h;
    int64_t overlap_s = 86400;
    if (!hook_find(s, c, &h))
        return;
    if (json_int(c->body, "overlap_seconds", 0, LIMIT_HOOK_OVERLAP_SECONDS, &overlap_s) ==
        ER_MALFORMED) {
        api_problem(c, 400, "`overlap_seconds` is a number from 0 to 604800");
        return;
    }
    int er = store_begin(s);
    if (!er) {
        er = store_hook_rotate(s, &h, (uint64_t)overlap_s * UINT64_C(1000000), c->unix_us);
        er = logged(s, c, er, "webhook_rotated", &h);
    }
    answer_hook(c, 200, er, &h, true);
}

/** Of a webhook that is sent something; false: the problem is set. */
static bool hook_find_enabled(struct store *s, struct api_call *c, struct store_hook *ret)
{
    if (!hook_find(s, c, ret))
        return false;
    if (!ret->enabled)
        api_problem(c, 409, "the webhook is disabled");
    return ret->enabled;
}

void api_hook_test(struct store *s, struct api_call *c)
{
    struct store_hook h;
    struct store_delivery d;
    if (!hook_find_enabled(s, c, &h))
        return;
    int er = store_hook_test(s, &h, c->unix_us, &d);
    if (er)
        api_problem_er(c, er, NULL);
    else
        api_json(c, 202, store_delivery_json(&d));
}

/* Deliveries */

static void delivery_add(void *ctx, const struct store_delivery *d)
{
    struct api_page *page = ctx;
    if (api_page_takes(page, (uint64_t)d->id))
        (void)json_array_append_new(page->items, store_delivery_json(d));
}

/** Of which state; false: the problem is set. */
static bool state_read(struct api_call *c, enum delivery_state *ret)
{
    char text[16];
    *ret = 0;
    int er = http_query(c->request, "state", text, sizeof text);
    while (er == 0 && *ret < DELIVERY_STATES && strcmp(text, delivery_state_name(*ret)) != 0)
        (*ret)++;
    if (er == ER_NOT_FOUND)
        *ret = DELIVERY_STATES;
    else if (er || *ret == DELIVERY_STATES)
        api_problem(c, 400, "`state` is waiting, delivered or dead");
    return er == ER_NOT_FOUND || (er == 0 && *ret < DELIVERY_STATES);
}

void api_hook_deliveries(struct store *s, struct api_call *c)
{
    struct store_hook h;
    enum delivery_state state;
    struct api_page page;
    if (!hook_find(s, c, &h) || !state_read(c, &state) || !api_page_read(c, &page))
        return;
    int er = store_deliveries_list(s, &h.id, state, (int64_t)page.after, page.limit + 1,
                                   delivery_add, &page);
    api_page_answer(c, er, &page);
}

/** The number in the second parameter; 0: none. */
static int64_t delivery_id(const struct api_call *c)
{
    uint64_t id;
    return span_u64(span_of(c->params.values[1]), INT64_MAX, &id) ? 0 : (int64_t)id;
}

static void answer_delivery(struct store *s, struct api_call *c, int status,
                            const struct store_hook *h)
{
    struct store_delivery d;
    int er = store_delivery_get(s, &h->id, delivery_id(c), &d);
    if (er)
        api_problem_er(c, er, er == ER_NOT_FOUND ? "there is no such delivery" : NULL);
    else
        api_json(c, status, store_delivery_json(&d));
}

void api_hook_delivery(struct store *s, struct api_call *c)
{
    struct store_hook h;
    if (hook_find(s, c, &h))
        answer_delivery(s, c, 200, &h);
}

void api_hook_delivery_replay(struct store *s, struct api_call *c)
{
    struct store_hook h;
    if (!hook_find_enabled(s, c, &h))
        return;
    int er = store_hook_replay(s, &h.id, delivery_id(c), c->unix_us);
    if (er)
        api_problem_er(c, er, er == ER_NOT_FOUND ? "there is no such delivery" : NULL);
    else
        answer_delivery(s, c, 202, &h);
}

static int replay_case(struct store *s, struct api_call *c, const struct store_hook *h,
                       json_t **ret)
{
    struct id id;
    struct store_case sc;
    int64_t after = 0;
    uint64_t count = 0, last = 0;
    const char *text = json_string_value(json_object_get(c->body, "case"));
    if (!text || id_parse(text, &id) ||
        json_int(c->body, "after_seq", 0, INT64_MAX, &after) == ER_MALFORMED)
        return ER_MALFORMED;
    int er = store_case_get(s, &id, &sc);
    bool mine = !er && strcmp(sc.merchant, h->merchant) == 0;
    if (!er)
        store_case_clear(&sc);
    if (!er && !mine)
        er = ER_NOT_FOUND;
    if (!er)
        er = store_hook_replay_case(s, h, &id, (uint64_t)after, c->unix_us, &count, &last);
    *ret = er ? NULL
              : json_pack("{s:I,s:b}", "queued", (json_int_t)count, "more",
                          last >= (uint64_t)after + LIMIT_HOOK_STEP);
    if (*ret && last)
        (void)json_object_set_new(*ret, "last_seq", json_integer((json_int_t)last));
    return er;
}

static int replay_dead(struct store *s, struct api_call *c, const struct store_hook *h,
                       json_t **ret)
{
    uint64_t count = 0;
    int er = store_hook_replay_dead(s, &h->id, c->unix_us, &count);
    *ret = er ? NULL
              : json_pack("{s:I,s:b}", "queued", (json_int_t)count, "more",
                          count == LIMIT_HOOK_STEP);
    return er;
}

void api_hook_replay(struct store *s, struct api_call *c)
{
    struct store_hook h;
    json_t *answer = NULL;
    if (!hook_find_enabled(s, c, &h))
        return;
    bool dead = json_flag(c->body, "dead", false), of_case = json_object_get(c->body, "case");
    int er = dead == of_case ? ER_MALFORMED
             : dead          ? replay_dead(s, c, &h, &answer)
                             : replay_case(s, c, &h, &answer);
    if (er == ER_MALFORMED)
        api_problem(c, 400, "what: {\"dead\":true}, or {\"case\":id,\"after_seq\"?:number}");
    else if (er)
        api_problem_er(c, er, er == ER_NOT_FOUND ? "there is no such case" : NULL);
    else
        api_json(c, 202, answer);
}
