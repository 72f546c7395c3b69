// SPDX-License-Identifier: Apache-2.0
/* A case told again from its events, so that its rows can be held against them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/json.h"
#include "base/str.h"
#include "server/booking.h"
#include "server/store_audit_impl.h"

int audit_tale_init(struct audit_tale *t)
{
    *t = (struct audit_tale){.people = json_object(),
                             .clips = json_object(),
                             .stills = json_object(),
                             .attachments = json_object(),
                             .holds = json_object(),
                             .tombstones = json_object(),
                             .tags = json_object(),
                             .links = json_object(),
                             .pins = json_object(),
                             .certificates = json_object(),
                             .wraps = json_object(),
                             .hashes = json_array(),
                             .c.more = json_object()};
    return t->people && t->clips && t->stills && t->attachments && t->holds && t->tombstones &&
                   t->tags && t->links && t->pins && t->certificates && t->wraps && t->hashes &&
                   t->c.more
               ? 0
               : ER_NOMEM;
}

void audit_tale_clear(struct audit_tale *t)
{
    json_decref(t->opened);
    json_decref(t->people);
    json_decref(t->clips);
    json_decref(t->stills);
    json_decref(t->attachments);
    json_decref(t->holds);
    json_decref(t->tombstones);
    json_decref(t->tags);
    json_decref(t->links);
    json_decref(t->pins);
    json_decref(t->certificates);
    json_decref(t->wraps);
    json_decref(t->hashes);
    store_case_clear(&t->c);
    *t = (struct audit_tale){0};
}

/** The entry under `key`, made if need be; NULL: no memory, or no key. */
static json_t *entry(json_t *of, const char *key)
{
    json_t *o = key ? json_object_get(of, key) : NULL;
    if (o || !key)
        return o;
    o = json_object();
    return json_object_set_new(of, key, o) ? NULL : o;
}

/** The entry of what `data` names by `member`, with all of `data`; who and when too. */
static json_t *entry_from(json_t *of, const char *member, const struct store_event *e,
                          const json_t *data)
{
    json_t *o = entry(of, json_text(data, member, 64));
    if (!o || json_object_update(o, (json_t *)(uintptr_t)data))
        return NULL;
    (void)json_object_set_new(o, "event", json_integer((json_int_t)e->seq));
    return o;
}

static void by_and_at(json_t *o, const struct store_event *e)
{
    (void)json_object_set_new(o, "by", json_string(e->actor));
    (void)json_object_set_new(o, "at_us", json_integer((json_int_t)e->at_us));
}

static const char *text_of(const json_t *data, const char *member)
{
    const char *text = json_string_value(json_object_get(data, member));
    return text ? text : "";
}

static void opened(struct audit_tale *t, const struct store_event *e, const json_t *data)
{
    if (e->seq != 1)
        return;
    const char *buyer = json_text(data, "buyer", LIMIT_IDENTITY);
    t->began = true;
    t->opened = json_incref((json_t *)(uintptr_t)data);
    (void)str_copy(t->c.title, sizeof t->c.title, text_of(data, "title"));
    (void)str_copy(t->c.language, sizeof t->c.language, text_of(data, "language"));
    t->c.priority = (int)json_integer_value(json_object_get(data, "priority"));
    t->c.created_us = t->c.changed_us = e->at_us;
    t->c.version = 1;
    t->c.state = CASE_OPEN;
    (void)json_object_update(t->c.more, json_object_get(data, "facts"));
    if (buyer)
        (void)json_object_set_new(t->people, buyer, json_pack("{s:s}", "role", "buyer"));
}

static void changed(struct audit_tale *t, const struct store_event *e, const json_t *data)
{
    (void)store_case_changed(&t->c, json_object_get(data, "changes"), e->at_us);
}

/* What stands beside the event is looked at by audit_internal: here it is taken as it is. */

static void touched(struct audit_tale *t, const struct store_event *e)
{
    t->c.version++;
    t->c.changed_us = e->at_us;
}

static void tags_set(struct audit_tale *t, const json_t *tags, bool on)
{
    for (size_t i = 0; i < json_array_size(tags); i++) {
        const char *tag = json_string_value(json_array_get(tags, i));
        if (tag && on)
            (void)entry(t->tags, tag);
        else if (tag)
            (void)json_object_del(t->tags, tag);
    }
}

static void tagged(struct audit_tale *t, const struct store_event *e, const json_t *data)
{
    (void)data;
    json_t *internal = e->internal ? json_loads(e->internal, 0, NULL) : NULL;
    touched(t, e);
    tags_set(t, json_object_get(internal, "added"), true);
    tags_set(t, json_object_get(internal, "removed"), false);
    json_decref(internal);
}

static void linked(struct audit_tale *t, const struct store_event *e, const json_t *data)
{
    char key[128];
    (void)data;
    json_t *internal = e->internal ? json_loads(e->internal, 0, NULL) : NULL;
    touched(t, e);
    (void)snprintf(key, sizeof key, "%s %s", text_of(internal, "case"),
                   text_of(internal, "relation"));
    if (strcmp(e->type, "case_linked") == 0)
        (void)entry(t->links, key);
    else
        (void)json_object_del(t->links, key);
    json_decref(internal);
}

static void person(struct audit_tale *t, const struct store_event *e, const json_t *data)
{
    json_t *o = entry(t->people, e->actor);
    (void)json_object_set(o, "role", json_object_get(data, "role"));
}

static void consent(struct audit_tale *t, const struct store_event *e, const json_t *data)
{
    (void)json_object_set(entry(t->people, e->actor), "recording",
                          json_object_get(data, "recording"));
}

static void clip_started(struct audit_tale *t, const struct store_event *e, const json_t *data)
{
    json_t *o = entry_from(t->clips, "clip", e, data);
    by_and_at(o, e);
    (void)json_object_set_new(o, "state", json_string("recording"));
}

static void clip_ready(struct audit_tale *t, const struct store_event *e, const json_t *data)
{
    (void)json_object_set_new(entry_from(t->clips, "clip", e, data), "state", json_string("ready"));
}

static void clip_failed(struct audit_tale *t, const struct store_event *e, const json_t *data)
{
    (void)json_object_set_new(entry_from(t->clips, "clip", e, data), "state",
                              json_string("failed"));
}

/** A manifest that came of the sealed one by a time stamp. */
static void clip_stamped(struct audit_tale *t, const struct store_event *e, const json_t *data)
{
    json_t *o = entry(t->clips, json_text(data, "clip", 64));
    json_t *stamped = entry(o, "stamped");
    const char *hash = json_text(data, "manifest_sha256", 64);
    if (hash)
        (void)json_object_set_new(stamped, hash, json_integer((json_int_t)e->seq));
}

static void still_taken(struct audit_tale *t, const struct store_event *e, const json_t *data)
{
    json_t *o = entry(t->stills, json_text(data, "still", 64));
    (void)json_object_set(o, "data", (json_t *)(uintptr_t)data);
    by_and_at(o, e);
}

static void attachment_added(struct audit_tale *t, const struct store_event *e, const json_t *data)
{
    json_t *internal = e->internal ? json_loads(e->internal, 0, NULL) : NULL;
    json_t *o = entry_from(t->attachments, "attachment", e, data);
    if (internal)
        (void)json_object_update(o, internal);
    by_and_at(o, e);
    json_decref(internal);
}

static void deleted(struct audit_tale *t, const json_t *data, const char *object, json_t *list)
{
    const char *id = json_text(data, object, 64);
    json_t *o = entry(t->tombstones, id);
    (void)json_object_set_new(o, "object", json_string(object));
    (void)json_object_set(o, "tombstone_sha256", json_object_get(data, "tombstone_sha256"));
    o = id ? json_object_get(list, id) : NULL;
    (void)json_object_set_new(o, "gone", json_true());
}

static void clip_deleted(struct audit_tale *t, const struct store_event *e, const json_t *data)
{
    (void)e;
    deleted(t, data, "clip", t->clips);
}

static void still_deleted(struct audit_tale *t, const struct store_event *e, const json_t *data)
{
    (void)e;
    deleted(t, data, "still", t->stills);
}

static void attachment_deleted(struct audit_tale *t, const struct store_event *e,
                               const json_t *data)
{
    (void)e;
    deleted(t, data, "attachment", t->attachments);
}

static void hold_placed(struct audit_tale *t, const struct store_event *e, const json_t *data)
{
    by_and_at(entry_from(t->holds, "hold", e, data), e);
}

static void hold_lifted(struct audit_tale *t, const struct store_event *e, const json_t *data)
{
    json_t *o = entry(t->holds, json_text(data, "hold", 64));
    (void)json_object_set(o, "lift_reason", json_object_get(data, "reason"));
    (void)json_object_set_new(o, "lifted_by", json_string(e->actor));
    (void)json_object_set_new(o, "lifted_us", json_integer((json_int_t)e->at_us));
}

static void checklist_pinned(struct audit_tale *t, const struct store_event *e, const json_t *data)
{
    (void)entry_from(t->pins, "sha256", e, data);
}

static void certificate_issued(struct audit_tale *t, const struct store_event *e,
                               const json_t *data)
{
    json_t *o = entry_from(t->certificates, "certificate", e, data);
    (void)json_object_del(o, "document");
}

static void call_ended(struct audit_tale *t, const struct store_event *e, const json_t *data)
{
    const json_t *asked = json_object_get(data, "wrap_up");
    const char *agent = json_text(asked, "agent", LIMIT_IDENTITY);
    if (!agent)
        return;
    (void)json_object_set_new(t->wraps, agent,
                              json_pack("{s:I,s:O,s:i,s:b}", "since_us", (json_int_t)e->at_us,
                                        "seconds", json_object_get(asked, "seconds"), "extensions",
                                        0, "required",
                                        json_is_true(json_object_get(asked, "required"))));
}

static void wrap_up_extended(struct audit_tale *t, const struct store_event *e, const json_t *data)
{
    (void)e;
    json_t *o = json_object_get(t->wraps, text_of(data, "agent"));
    json_int_t had = json_integer_value(json_object_get(o, "extensions"));
    (void)json_object_set(o, "seconds", json_object_get(data, "seconds"));
    (void)json_object_set_new(o, "extensions", json_integer(had + 1));
}

static void wrapped_up(struct audit_tale *t, const struct store_event *e, const json_t *data)
{
    (void)e;
    (void)json_object_del(t->wraps, text_of(data, "agent"));
}

static int booked(struct audit_tale *t, const struct store_event *e, const json_t *data)
{
    json_t *b = json_incref(json_object_get(t->c.more, "booking"));
    int er = booking_tell(&b, e->type, data, e->actor, e->at_us);
    if (!er && b && json_object_set(t->c.more, "booking", b))
        er = ER_NOMEM;
    json_decref(b);
    touched(t, e);
    return er;
}

/** An action, as store_case_act took it. */
static int acted(struct audit_tale *t, enum case_action action, const struct store_event *e,
                 const json_t *data)
{
    const struct store_action a = {.action = action, .actor = e->actor, .data = data};
    enum case_state before = t->c.state;
    if (case_next(action, before, &t->c.state))
        return 0; /* an event that nobody could have caused: the state will not fit */
    const char *to = json_text(data, "to", 16);
    if (action == CASE_LAPSE && to && strcmp(to, case_state_name(CASE_DISPUTED)) == 0)
        t->c.state = CASE_DISPUTED; /* what was offered in a dispute leads back into it */
    (void)store_wait_acted(&t->wait, &a, t->c.state, e->at_us);
    return store_case_acted(&t->c, before, &a, e->at_us);
}

static int action_of(const char *type, enum case_action *ret)
{
    for (unsigned i = 0; i < CASE_ACTIONS; i++) {
        if (strcmp(case_action_event((enum case_action)i), type) == 0) {
            *ret = (enum case_action)i;
            return 0;
        }
    }
    return ER_NOT_FOUND;
}

static const struct {
    const char *type;
    void (*tell)(struct audit_tale *t, const struct store_event *e, const json_t *data);
} tales[] = {
    {"case_opened", opened},
    {"person_added", person},
    {"person_changed", person},
    {"recording_consent", consent},
    {"clip_started", clip_started},
    {"clip_ready", clip_ready},
    {"clip_failed", clip_failed},
    {"clip_stamped", clip_stamped},
    {"clip_deleted", clip_deleted},
    {"still_taken", still_taken},
    {"still_deleted", still_deleted},
    {"attachment_added", attachment_added},
    {"attachment_deleted", attachment_deleted},
    {"hold_placed", hold_placed},
    {"hold_lifted", hold_lifted},
    {"case_changed", changed},
    {"tags_changed", tagged},
    {"case_linked", linked},
    {"case_unlinked", linked},
    {"checklist_pinned", checklist_pinned},
    {"call_ended", call_ended},
    {"wrap_up_extended", wrap_up_extended},
    {"wrapped_up", wrapped_up},
    {"wrap_up_lapsed", wrapped_up},
    {"certificate_issued", certificate_issued},
};

int audit_tale_add(struct audit_tale *t, const struct store_event *e)
{
    enum case_action action;
    const char *why;
    json_t *data = NULL;
    int er = json_array_append_new(t->hashes, json_string(e->hash)) ? ER_NOMEM : 0;
    if (!er && json_parse(e->data, strlen(e->data), &data, &why) == ER_NOMEM)
        er = ER_NOMEM;
    if (!er && data && action_of(e->type, &action) == 0)
        er = acted(t, action, e, data);
    if (!er && data && booking_event_is(e->type))
        er = booked(t, e, data);
    for (size_t i = 0; !er && data && i < sizeof tales / sizeof tales[0]; i++) {
        if (strcmp(tales[i].type, e->type) == 0)
            tales[i].tell(t, e, data);
    }
    json_decref(data);
    return er;
}
