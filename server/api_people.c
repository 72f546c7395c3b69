// SPDX-License-Identifier: Apache-2.0
/* A merchant's register of people over HTTP: who they are, what they are good at, and how many calls at once they take.
 * Nobody need be in it: a token is enough, and says more than the register where it says anything. */
#include <string.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/json.h"
#include "base/str.h"
#include "server/api_keep.h"
#include "server/store_log.h"
#include "signaling/proto.h"

#define NOBODY "there is nobody of that name"

static bool may(struct api_call *c)
{
    return api_role_may(c, role_describe(c->claims.role)->forgets,
                        "the register is for service and supervisor") &&
           api_role_may(c, !claims_is_bound(&c->claims),
                        "a token for one case or room says nothing about the others");
}

static int set_time(json_t *o, const char *name, uint64_t at_us)
{
    char at[CLOCK_TEXT_BYTES];
    clock_format(at_us, at);
    return json_object_set_new(o, name, json_string(at));
}

static json_t *worker_json(const struct store_worker *w)
{
    json_t *skills = json_loads(w->skills[0] ? w->skills : "[]", 0, NULL);
    json_t *languages = json_loads(w->languages[0] ? w->languages : "[]", 0, NULL);
    json_t *o = json_pack("{s:s,s:s,s:s,s:o,s:o,s:i,s:b}", "identity", w->identity, "name", w->name,
                          "role", role_name(w->role), "skills", skills, "languages", languages,
                          "capacity", (int)(w->capacity ? w->capacity : 1), "active", !w->inactive);
    int bad = !o || (w->team[0] && json_object_set_new(o, "team", json_string(w->team))) ||
              set_time(o, "created_at", w->created_us) ||
              (w->changed_us && set_time(o, "changed_at", w->changed_us));
    if (!bad)
        return o;
    json_decref(o);
    return NULL;
}

/* Reading */

struct page {
    json_t *items;
    size_t limit;
    bool more;
    char last[STORE_IDENTITY_BYTES];
};

static void page_add(void *ctx, const struct store_worker *w)
{
    struct page *page = ctx;
    if (json_array_size(page->items) == page->limit) {
        page->more = true;
        return;
    }
    (void)json_array_append_new(page->items, worker_json(w));
    (void)str_copy(page->last, sizeof page->last, w->identity);
}

void api_people_list(struct store *s, struct api_call *c)
{
    char text[STORE_IDENTITY_BYTES] = "", number[16];
    uint64_t limit = LIMIT_PAGE_ITEMS;
    if (!may(c))
        return;
    int er = http_query(c->request, "limit", number, sizeof number);
    if (er != ER_NOT_FOUND && (er || span_u64(span_of(number), UINT32_MAX, &limit) || !limit)) {
        api_problem(c, 400, "`limit` is a number from 1");
        return;
    }
    er = http_query(c->request, "cursor", text, sizeof text);
    if (er && er != ER_NOT_FOUND) {
        api_problem(c, 400, "`cursor` is not one that was given");
        return;
    }
    struct page page = {.items = json_array(),
                        .limit = limit > LIMIT_PAGE_ITEMS ? LIMIT_PAGE_ITEMS : (size_t)limit};
    er = store_workers_page(s, c->claims.merchant, text, page.limit + 1, page_add, &page);
    json_t *answer = er ? NULL : json_pack("{s:O}", "items", page.items);
    json_decref(page.items);
    if (answer && page.more)
        (void)json_object_set_new(answer, "next_cursor", json_string(page.last));
    if (er)
        api_problem_er(c, er, NULL);
    else
        api_json(c, 200, answer);
}

static void answer(struct store *s, struct api_call *c, int status, int er)
{
    struct store_worker w;
    if (!er)
        er = store_worker_get(s, c->claims.merchant, c->params.values[0], &w);
    if (er)
        api_problem_er(c, er, er == ER_NOT_FOUND ? NOBODY : NULL);
    else
        api_json(c, status, worker_json(&w));
}

void api_person_get(struct store *s, struct api_call *c)
{
    if (may(c))
        answer(s, c, 200, 0);
}

/* Changes */

/** A list of short words; left out: none. */
static bool words_read(const json_t *list, char *ret, size_t size)
{
    if (!list)
        return true;
    if (!json_is_array(list) || json_array_size(list) > PROTO_LIST_MAX)
        return false;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *v = json_array_get(list, i);
        size_t len = json_string_length(v);
        if (!json_is_string(v) || len == 0 || len >= PROTO_WORD_BYTES ||
            !utf8_is_clean(json_string_value(v), len))
            return false;
    }
    char *text = json_canonical(list);
    bool fits = text && str_copy(ret, size, text) == 0;
    free(text);
    return fits;
}

/** NULL, or what is wrong. */
static const char *worker_said(const struct api_call *c, struct store_worker *w)
{
    const json_t *b = c->body, *active = json_object_get(b, "active");
    const char *name = json_text(b, "name", LIMIT_NAME), *team = json_text(b, "team", 64);
    const char *role = json_text(b, "role", 16), *who = c->params.values[0];
    int64_t capacity = 1;
    if (!claims_text_ok(who) || str_copy(w->identity, sizeof w->identity, who))
        return "an identity is a line of at most 128 bytes";
    if ((json_object_get(b, "name") && !claims_text_ok(name)) ||
        str_copy(w->name, sizeof w->name, name ? name : who))
        return "`name` is a line of at most 200 bytes";
    if (role_parse(role, &w->role) || !role_describe(w->role)->any_room)
        return "`role` is agent, appraiser, host or supervisor";
    if ((json_object_get(b, "team") && !claims_text_ok(team)) ||
        str_copy(w->team, sizeof w->team, team ? team : ""))
        return "`team` is a text of 1 to 64 bytes";
    if (!words_read(json_object_get(b, "skills"), w->skills, sizeof w->skills) ||
        !words_read(json_object_get(b, "languages"), w->languages, sizeof w->languages))
        return "`skills` and `languages` are lists of up to 16 words of 64 bytes at most";
    if (json_int(b, "capacity", 1, PROTO_CAPACITY_MAX, &capacity) == ER_MALFORMED)
        return "`capacity` is a number from 1 to 8";
    if (active && !json_is_boolean(active))
        return "`active` is true or false";
    w->capacity = (unsigned)capacity;
    w->inactive = json_is_false(active);
    return NULL;
}

/** Ends the transaction. */
static int noted(struct store *s, struct api_call *c, const char *action, int er)
{
    if (!er)
        er = store_log_add(s, c->claims.merchant, c->claims.identity, action, c->params.values[0],
                           c->body, c->unix_us);
    return store_end(s, er);
}

void api_person_put(struct store *s, struct api_call *c)
{
    struct store_worker w = {0}, before;
    if (!may(c))
        return;
    const char *why = worker_said(c, &w);
    if (why) {
        api_problem(c, 400, why);
        return;
    }
    (void)str_copy(w.merchant, sizeof w.merchant, c->claims.merchant);
    int known = store_worker_get(s, w.merchant, w.identity, &before);
    int er = known && known != ER_NOT_FOUND ? known : store_begin(s);
    if (!er)
        er = noted(s, c, "person_put", store_worker_put(s, &w, c->unix_us));
    if (er == ER_FULL)
        api_problem(c, 429, "the merchant has too many people");
    else
        answer(s, c, known ? 201 : 200, er);
}

void api_person_delete(struct store *s, struct api_call *c)
{
    if (!may(c))
        return;
    int er = store_begin(s);
    if (!er)
        er = noted(s, c, "person_removed",
                   store_worker_remove(s, c->claims.merchant, c->params.values[0]));
    if (er)
        api_problem_er(c, er, er == ER_NOT_FOUND ? NOBODY : NULL);
    else
        c->response.status = 204;
}
