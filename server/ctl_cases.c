// SPDX-License-Identifier: Apache-2.0
/* Cases for who runs the server. Texts of strangers are printed as JSON, so that none of them moves a terminal. */
#include "server/ctl_cases.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/str.h"
#include "server/store_attachments.h"

struct listing {
    FILE *out;
    bool as_json;
    uint64_t left;
};

static void quoted(FILE *out, const char *text)
{
    json_t *o = json_string(text);
    (void)json_dumpf(o, out, JSON_ENCODE_ANY);
    json_decref(o);
}

static void list_case(void *ctx, const struct store_case *c)
{
    struct listing *l = ctx;
    if (!l->left)
        return;
    l->left--;
    if (l->as_json) {
        json_t *o = store_case_json(c);
        (void)json_dumpf(o, l->out, JSON_COMPACT | JSON_ENSURE_ASCII);
        json_decref(o);
    } else {
        char at[CLOCK_TEXT_BYTES];
        clock_format(c->created_us, at);
        (void)fprintf(l->out, "%s %s %s %s %s %s ", c->number, c->id.text, c->merchant,
                      case_kind_name(c->kind), case_state_name(c->state), at);
        quoted(l->out, c->title);
    }
    (void)fputc('\n', l->out);
}

int ctl_cases_list(struct store *s, const struct ctl_cases *args, FILE *out, const char **ret_why)
{
    struct store_case_filter f = {
        .merchant = args->merchant, .text = args->text, .limit = LIMIT_PAGE_ITEMS};
    struct listing l = {.out = out, .as_json = args->as_json, .left = 50};
    f.by_state = args->state != NULL;
    f.by_kind = args->kind != NULL;
    *ret_why = "--state or --kind is not one that is known, or --limit is no number";
    if ((f.by_state && case_state_parse(args->state, &f.state)) ||
        (f.by_kind && case_kind_parse(args->kind, &f.kind)) ||
        (args->limit && (span_u64(span_of(args->limit), UINT32_MAX, &l.left) || !l.left)))
        return ER_INVALID;
    *ret_why = NULL;
    int er;
    struct id next;
    do {
        er = store_cases_list(s, &f, list_case, &l, &next);
        f.before = next;
    } while (!er && l.left && id_is_set(&next));
    return er;
}

/* One */

static int case_find(struct store *s, const char *which, struct store_case *ret)
{
    struct id id;
    if (which && id_parse(which, &id) == 0)
        return store_case_get(s, &id, ret);
    return which ? store_case_numbered(s, which, ret) : ER_INVALID;
}

static void add_person(void *ctx, const struct store_person *p)
{
    (void)json_array_append_new(ctx, json_pack("{s:s,s:s,s:s,s:b}", "identity", p->identity, "name",
                                               p->name, "role", role_name(p->role), "consent",
                                               p->consent));
}

static void add_clip(void *ctx, const struct store_clip *c)
{
    (void)json_array_append_new(ctx, store_clip_json(c));
}

static void add_still(void *ctx, const struct store_still *still)
{
    (void)json_array_append_new(ctx, store_still_json(still));
}

static void add_attachment(void *ctx, const struct store_attachment *a)
{
    (void)json_array_append_new(ctx, store_attachment_json(a));
}

static void add_event(void *ctx, const struct store_event *e)
{
    (void)json_array_append_new(ctx, store_event_json(e));
}

int ctl_cases_show(struct store *s, const struct ctl_cases *args, FILE *out, const char **ret_why)
{
    struct store_case c;
    uint64_t bad_seq = 0;
    *ret_why = args->which ? NULL : "--case is missing";
    int er = case_find(s, args->which, &c);
    if (er)
        return er;
    json_t *o = json_pack("{s:o,s:o,s:o,s:o,s:o,s:o}", "case", store_case_json(&c), "people",
                          json_array(), "clips", json_array(), "stills", json_array(),
                          "attachments", json_array(), "events", json_array());
    er = o ? store_people_list(s, &c.id, add_person, json_object_get(o, "people")) : ER_NOMEM;
    if (!er)
        er = store_clips_of_case(s, &c.id, add_clip, json_object_get(o, "clips"));
    if (!er)
        er = store_stills_of_case(s, &c.id, add_still, json_object_get(o, "stills"));
    if (!er)
        er = store_attachments_of_case(s, &c.id, true, add_attachment,
                                       json_object_get(o, "attachments"));
    if (!er)
        er = store_events_list(s, &c.id, 0, (size_t)INT64_MAX, add_event,
                               json_object_get(o, "events"));
    int chain = er ? er : store_chain_verify(s, &c.id, &bad_seq);
    if (!er && (chain == 0 || chain == ER_UNAUTHENTIC)) {
        (void)json_object_set_new(o, "chain",
                                  chain ? json_pack("{s:I}", "broken_at", (json_int_t)bad_seq)
                                        : json_string("holds"));
        (void)json_dumpf(o, out, JSON_INDENT(2) | JSON_ENSURE_ASCII);
        (void)fputc('\n', out);
    }
    json_decref(o);
    store_case_clear(&c);
    return chain;
}
