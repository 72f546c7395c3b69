// SPDX-License-Identifier: Apache-2.0
/* Checklists over HTTP: those of a merchant, read by its people, changed by service and supervisor. */
#include <stdio.h>
#include <string.h>

#include "base/er.h"
#include "base/str.h"
#include "server/api_keep.h"
#include "server/http_range.h"
#include "server/store_checklists.h"

static bool may_read(struct api_call *c)
{
    const struct role_info *role = role_describe(c->claims.role);
    return api_role_may(c, role->takes_calls || role->forgets || role->rules,
                        "checklists are for a merchant's own people");
}

static bool may_change(struct api_call *c)
{
    return api_role_may(c, role_describe(c->claims.role)->forgets,
                        "checklists are changed by service and supervisor") &&
           api_role_may(c, !claims_is_bound(&c->claims),
                        "a token for one case or room says nothing about the others");
}

struct list {
    json_t *items;
    const char *category, *brand; /* NULL: of any */
};

static void list_add(void *ctx, const struct store_checklist *c)
{
    struct list *list = ctx;
    if (!list->category || checklist_fits(c->document, list->category, list->brand))
        (void)json_array_append_new(list->items, store_checklist_json(c));
}

void api_checklists_list(struct store *s, struct api_call *c)
{
    char category[201], brand[201];
    if (!may_read(c))
        return;
    int has_category = http_query(c->request, "category", category, sizeof category);
    int has_brand = http_query(c->request, "brand", brand, sizeof brand);
    if ((has_category && has_category != ER_NOT_FOUND) ||
        (has_brand && has_brand != ER_NOT_FOUND)) {
        api_problem(c, 400, "`category` and `brand` are texts of at most 200 bytes");
        return;
    }
    struct list list = {.items = json_array(),
                        .category = has_category ? NULL : category,
                        .brand = has_brand ? NULL : brand};
    int er = list.items ? store_checklists_each(s, c->claims.merchant, list_add, &list) : ER_NOMEM;
    api_items(c, er, list.items);
}

static void answer(struct api_call *c, int status, struct store_checklist *found)
{
    api_json(c, status, store_checklist_json(found));
    (void)snprintf(c->response.etag, sizeof c->response.etag, "\"%.64s\"", found->sha256);
    store_checklist_clear(found);
}

void api_checklist_get(struct store *s, struct api_call *c)
{
    struct store_checklist found;
    char text[16];
    uint64_t version = 0;
    if (!may_read(c))
        return;
    int er = http_query(c->request, "version", text, sizeof text);
    if (er != ER_NOT_FOUND && (er || span_u64(span_of(text), INT32_MAX, &version) || !version)) {
        api_problem(c, 400, "`version` is a number from 1");
        return;
    }
    er = store_checklist_get(s, c->claims.merchant, c->params.values[0], (unsigned)version, &found);
    if (er)
        api_problem_er(c, er, er == ER_NOT_FOUND ? "there is no such checklist" : NULL);
    else
        answer(c, 200, &found);
}

/** Whether what is asked with If-Match holds; false: the problem is set. */
static bool matches(struct store *s, struct api_call *c)
{
    struct store_checklist now;
    char etag[STORE_HASH_BYTES + 2];
    if (!c->request->if_match)
        return true;
    int er = store_checklist_get(s, c->claims.merchant, c->params.values[0], 0, &now);
    (void)snprintf(etag, sizeof etag, "\"%s\"", er ? "" : now.sha256);
    if (!er)
        store_checklist_clear(&now);
    if (!er && http_etag_listed(c->request->if_match, etag, true))
        return true;
    if (er && er != ER_NOT_FOUND)
        api_problem_er(c, er, NULL);
    else
        api_problem(c, 412, "the checklist has changed");
    return false;
}

void api_checklist_put(struct store *s, struct api_call *c)
{
    struct store_checklist made;
    const char *why;
    bool is_new;
    if (!may_change(c) || !matches(s, c))
        return;
    int er = store_checklist_put(s, c->claims.merchant, c->params.values[0], c->body,
                                 c->claims.identity, c->unix_us, &made, &is_new, &why);
    if (er == ER_FULL)
        api_problem(c, 429, "the merchant has too many checklists");
    else if (er)
        api_problem_er(c, er, why);
    else
        answer(c, is_new ? 201 : 200, &made);
}

void api_checklist_delete(struct store *s, struct api_call *c)
{
    if (!may_change(c) || !matches(s, c))
        return;
    int er = store_checklist_retire(s, c->claims.merchant, c->params.values[0], c->claims.identity,
                                    c->unix_us);
    if (er)
        api_problem_er(c, er, er == ER_NOT_FOUND ? "the merchant has no such checklist" : NULL);
    else
        c->response.status = 204;
}
