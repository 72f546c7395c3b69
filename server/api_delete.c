// SPDX-License-Identifier: Apache-2.0
/* Deleting clips, stills and attachments over HTTP, and the tombstones that stand in their place. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/json.h"
#include "server/api_keep.h"
#include "server/calls.h"
#include "server/store_keep.h"

/** 410 (RFC 9110, 15.5.11), the document a member of the problem. It is taken over. */
static void answer_gone(struct api_call *c, const char *why, json_t *document)
{
    json_t *o = json_pack("{s:s,s:s,s:i,s:s,s:o}", "type", "about:blank", "title", "Gone", "status",
                          410, "detail", why, "tombstone", document);
    char *text = o ? json_canonical(o) : NULL;
    json_decref(o);
    c->response.etag[0] = '\0';
    http_body_take(&c->response, 410, "application/problem+json", text);
}

static json_t *document_of(const struct store_tombstone *t)
{
    json_t *document = NULL;
    (void)json_parse(t->document, strlen(t->document), &document, NULL);
    return document;
}

void api_not_there(struct store *s, struct api_call *c, const char *why)
{
    struct store_tombstone t = {0};
    struct id id;
    int er = id_parse(c->params.values[0], &id) ? ER_NOT_FOUND : store_tombstone_get(s, &id, &t);
    if (er)
        api_problem_er(c, er, er == ER_NOT_FOUND ? why : NULL);
    else if (!c->has_claims || api_evidence_allowed(s, c, &t.case_id))
        answer_gone(c, "it was deleted", document_of(&t));
    free(t.document);
}

void api_tombstone_get(struct store *s, struct api_call *c)
{
    struct store_tombstone t = {0};
    struct id id;
    int er = id_parse(c->params.values[0], &id) ? ER_NOT_FOUND : store_tombstone_get(s, &id, &t);
    if (er)
        api_problem_er(c, er, er == ER_NOT_FOUND ? "nothing of this id was deleted" : NULL);
    else if (api_evidence_allowed(s, c, &t.case_id))
        api_json(c, 200, document_of(&t));
    free(t.document);
}

static void tomb_add(void *ctx, const struct store_tombstone *t)
{
    (void)json_array_append_new(ctx, document_of(t));
}

void api_tombstones_list(struct store *s, struct api_call *c)
{
    struct store_case sc;
    if (!api_case_evidence(s, c, &sc))
        return;
    json_t *items = json_array();
    int er = items ? store_tombstones_of_case(s, &sc.id, tomb_add, items) : ER_NOMEM;
    store_case_clear(&sc);
    api_items(c, er, items);
}

static void on_deleted(void *ctx, int er, const char *why, const json_t *body)
{
    struct api_call *c = ctx;
    if (er == ER_STALE) {
        answer_gone(c, why, json_deep_copy(body));
    } else if (er == ER_FULL) {
        http_header_add(&c->response, "retry-after", "1");
        api_problem(c, 429, why);
    } else if (er) {
        api_problem_er(c, er, why);
    } else {
        api_json(c, 200, json_deep_copy(body));
    }
    api_answer(c);
}

/** A member of the query that is true, or not there; false: the problem is set. */
static bool flag_read(struct api_call *c, const char *name, bool *ret)
{
    char text[8];
    int er = http_query(c->request, name, text, sizeof text);
    *ret = er == 0 && strcmp(text, "true") == 0;
    if (er == ER_NOT_FOUND || *ret || (er == 0 && strcmp(text, "false") == 0))
        return true;
    api_problem(c, 400, "`parts` is true or false");
    return false;
}

static void delete_it(struct api_call *c, enum keep_object object)
{
    char reason[LIMIT_NAME + 1] = "";
    struct calls_unwanted what = {.id = c->params.values[0], .object = object, .reason = reason};
    if (http_query(c->request, "reason", reason, sizeof reason))
        reason[0] = '\0';
    if (!api_reason_ok(c, reason) || !flag_read(c, "parts", &what.parts))
        api_answer(c);
    else
        calls_delete(c->app->calls, &c->claims, &what, on_deleted, c);
}

void api_clip_delete(struct api_call *c)
{
    delete_it(c, KEPT_CLIP);
}

void api_still_delete(struct api_call *c)
{
    delete_it(c, KEPT_STILL);
}

void api_attachment_delete(struct api_call *c)
{
    delete_it(c, KEPT_ATTACHMENT);
}
