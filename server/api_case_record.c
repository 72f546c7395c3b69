// SPDX-License-Identifier: Apache-2.0
/* A case's record over HTTP: its facts put right, by those who have seen what they change; notes, tags, links. */
#include <string.h>

#include "base/er.h"
#include "base/json.h"
#include "base/str.h"
#include "server/api_page.h"
#include "server/case_deeds.h"
#include "server/case_facts.h"
#include "server/store_record.h"

/** False: the problem is set. */
static bool may_do(struct api_call *c, enum case_deed deed, const struct store_case *sc)
{
    if (!case_role_may_do(deed, c->claims.role))
        api_problem(c, 403, "this role does not do this to cases");
    else if (!(case_states_of_deed(deed) & 1u << sc->state))
        api_case_wrong_state(c, case_states_of_deed(deed), sc);
    else
        return true;
    return false;
}

/** Whoever changes facts says which case they have before them. False: the problem is set. */
static bool has_seen(struct api_call *c, const struct store_case *sc)
{
    if (!c->request->if_match)
        api_problem(c, 428, "If-Match is needed: the case's ETag (or * for whatever it is)");
    else if (!api_case_matches(c, sc))
        api_case_stale(c, sc);
    else
        return true;
    return false;
}

static void change(struct store *s, struct api_call *c, struct store_case *sc)
{
    json_t *changes = NULL;
    struct store_case after;
    const char *why = case_facts_diff(sc, c->body, &changes);
    if (why && why[0])
        api_problem(c, 400, why);
    else if (why)
        api_problem_er(c, ER_NOMEM, NULL);
    if (why)
        return;
    if (json_object_size(changes) == 0) {
        json_decref(changes);
        api_case_answer(c, 200, sc);
        return;
    }
    const struct store_change what = {.case_id = sc->id,
                                      .actor = c->claims.identity,
                                      .changes = changes,
                                      .if_version = sc->version};
    int er = store_case_change(s, &what, c->unix_us, &after);
    json_decref(changes);
    if (er == 0) {
        c->changed = after.id;
        c->recorded = true;
        api_case_answer(c, 200, &after);
    } else if (er == ER_STALE) {
        api_case_stale(c, &after);
        store_case_clear(&after);
    } else {
        api_problem_er(c, er, NULL);
    }
}

void api_case_change(struct store *s, struct api_call *c)
{
    struct store_case sc;
    if (!api_case(s, c, &sc))
        return;
    if (may_do(c, CASE_CHANGE_FACTS, &sc) && has_seen(c, &sc))
        change(s, c, &sc);
    store_case_clear(&sc);
}

/** The case of the first parameter for that deed; If-Match counts if it is there. Else false, and the problem is set. */
static bool open_for(struct store *s, struct api_call *c, enum case_deed deed,
                     struct store_case *ret)
{
    if (!api_case(s, c, ret))
        return false;
    if (may_do(c, deed, ret)) {
        if (api_case_matches(c, ret))
            return true;
        api_case_stale(c, ret);
    }
    store_case_clear(ret);
    return false;
}

static void done(struct api_call *c, const struct store_case *sc)
{
    c->changed = sc->id;
    c->recorded = true;
}

/** Answers with the case as it is now. Clears `sc`. */
static void answer_anew(struct store *s, struct api_call *c, int status, struct store_case *sc)
{
    struct id id = sc->id;
    done(c, sc);
    store_case_clear(sc);
    int er = store_case_get(s, &id, sc);
    if (er)
        api_problem_er(c, er, NULL);
    else
        api_case_answer(c, status, sc);
}

/* Notes */

static json_t *note_json(const struct store_event *e)
{
    json_t *event = store_event_json_internal(e), *data = json_object_get(event, "data");
    const json_t *internal = json_object_get(event, "internal");
    json_t *text = json_object_get(internal ? internal : data, "text");
    json_t *o = json_pack("{s:I,s:O?,s:O?,s:O?,s:O?}", "id", (json_int_t)e->seq, "at",
                          json_object_get(event, "at"), "by", json_object_get(event, "actor"),
                          "visible", json_object_get(data, "visible"), "text", text);
    json_decref(event);
    return o;
}

static void note_take(void *ctx, const struct store_event *e)
{
    *(json_t **)ctx = note_json(e);
}

static void note_page(void *ctx, const struct store_event *e)
{
    struct api_page *page = ctx;
    if (api_page_takes(page, e->seq))
        (void)json_array_append_new(page->items, note_json(e));
}

void api_notes_list(struct store *s, struct api_call *c)
{
    struct store_case sc;
    struct api_page page;
    if (!api_page_read(c, &page))
        return;
    if (!api_case_evidence(s, c, &sc)) {
        api_page_drop(&page);
        return;
    }
    int er = store_notes_list(s, &sc.id, case_role_sees_internal(c->claims.role), page.after,
                              page.limit + 1, note_page, &page);
    store_case_clear(&sc);
    api_page_answer(c, er, &page);
}

void api_note_add(struct store *s, struct api_call *c)
{
    struct store_case sc;
    uint64_t seq = 0;
    json_t *note = NULL;
    const json_t *visible = json_object_get(c->body, "visible");
    const char *text = json_text(c->body, "text", LIMIT_CHAT_BYTES);
    if (!open_for(s, c, json_is_true(visible) ? CASE_NOTE_VISIBLE : CASE_NOTE, &sc))
        return;
    if (!text || !text[0] || (visible && !json_is_boolean(visible))) {
        api_problem(c, 400,
                    "a note is a `text` of 1 to 4000 bytes, and `visible` to the buyer or not");
    } else {
        int er = store_note_add(s, &sc.id, c->claims.identity, text, json_is_true(visible),
                                c->unix_us, &seq);
        if (!er)
            er = store_notes_list(s, &sc.id, true, seq - 1, 1, note_take, &note);
        if (er) {
            json_decref(note);
            api_problem_er(c, er, NULL);
        } else {
            done(c, &sc);
            api_json(c, 201, note);
        }
    }
    store_case_clear(&sc);
}

/* Tags */

/** Is it a list of tags, or not there? */
static bool tags_ok(const json_t *list)
{
    if (!list)
        return true;
    if (!json_is_array(list) || json_array_size(list) > LIMIT_TAGS)
        return false;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *tag = json_string_value(json_array_get(list, i));
        if (!tag || strlen(tag) > LIMIT_TAG || !claims_text_ok(tag) || tag[0] == ' ')
            return false;
    }
    return true;
}

void api_case_tag(struct store *s, struct api_call *c)
{
    struct store_case sc;
    const json_t *add = json_object_get(c->body, "add");
    const json_t *remove = json_object_get(c->body, "remove");
    if (!open_for(s, c, CASE_TAG, &sc))
        return;
    if ((!add && !remove) || !tags_ok(add) || !tags_ok(remove)) {
        store_case_clear(&sc);
        api_problem(c, 400,
                    "`add` and `remove` are lists of up to 32 tags, lines of 1 to 64 bytes");
        return;
    }
    int er = store_tags_change(s, &sc.id, c->claims.identity, add, remove, c->unix_us);
    if (er == 0) {
        answer_anew(s, c, 200, &sc);
        return;
    }
    store_case_clear(&sc);
    if (er == ER_FULL)
        api_problem(c, 409, "a case has 32 tags at most");
    else
        api_problem_er(c, er, NULL);
}

/* Links */

/** The other case, which may be linked by who may see it, within one merchant. */
static bool other_case(struct store *s, struct api_call *c, const struct store_case *sc,
                       const char *text, struct id *ret)
{
    struct store_case other = {0};
    bool may = text && id_parse(text, ret) == 0 && store_case_get(s, ret, &other) == 0 &&
               strcmp(other.merchant, sc->merchant) == 0 && api_may_see(&c->claims, &other);
    store_case_clear(&other);
    if (!may)
        api_problem(c, 404, "there is no such case to link to");
    return may;
}

static void link_answer(struct store *s, struct api_call *c, int er, int status,
                        struct store_case *sc)
{
    if (er == 0) {
        answer_anew(s, c, status, sc);
        return;
    }
    store_case_clear(sc);
    if (er == ER_CONFLICT)
        api_problem(c, 409, "the cases are linked so already");
    else if (er == ER_FULL)
        api_problem(c, 409, "a case has 64 links at most");
    else
        api_problem_er(c, er, er == ER_NOT_FOUND ? "the cases are not linked" : NULL);
}

void api_case_link(struct store *s, struct api_call *c)
{
    struct store_case sc;
    struct id other;
    enum store_relation relation;
    if (!open_for(s, c, CASE_LINK, &sc))
        return;
    if (store_relation_parse(json_text(c->body, "relation", 32), &relation)) {
        api_problem(c, 400, "`relation` is not one that is known");
    } else if (other_case(s, c, &sc, json_text(c->body, "case", 64), &other)) {
        if (!id_equal(&other, &sc.id)) {
            link_answer(s, c,
                        store_link_add(s, &sc.id, c->claims.identity, &other, relation, c->unix_us),
                        201, &sc);
            return;
        }
        api_problem(c, 400, "a case is not linked to itself");
    }
    store_case_clear(&sc);
}

void api_case_unlink(struct store *s, struct api_call *c)
{
    struct store_case sc;
    struct id other;
    if (!open_for(s, c, CASE_LINK, &sc))
        return;
    if (id_parse(c->params.values[1], &other) == 0) {
        link_answer(s, c, store_link_remove(s, &sc.id, c->claims.identity, &other, c->unix_us), 200,
                    &sc);
        return;
    }
    api_problem(c, 404, "the cases are not linked");
    store_case_clear(&sc);
}
