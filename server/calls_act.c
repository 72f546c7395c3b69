// SPDX-License-Identifier: Apache-2.0
/* Actions on a case that people take within the session: the same as over HTTP, by the same rules. */
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/list.h"
#include "base/str.h"
#include "server/calls_impl.h"

struct deed {
    struct calls_job head;
    struct id session;
    char re[PROTO_ID_BYTES];
    char actor[STORE_IDENTITY_BYTES];
    char jti[AUTH_JTI_BYTES];
    struct store_action action;
    json_t *data;
    struct store_case after;
    struct refusal why;
    int er;
};

static void deed_work(struct store *s, struct calls_job *head)
{
    struct deed *d = container_of(head, struct deed, head);
    d->er = store_case_act_why(s, &d->action, head->unix_us, &d->after, &d->why);
}

static const char *refusal(const struct deed *d)
{
    if (d->why.why)
        return d->why.why;
    switch (d->er) {
    case ER_CONFLICT:
        return case_states_for(d->action.action) & 1u << d->after.state
                   ? "this was said of the case already"
                   : "the case's state does not allow this";
    case ER_STALE:
        return "the case has changed";
    default:
        return NULL;
    }
}

static void deed_done(struct calls *c, struct calls_job *head)
{
    struct deed *d = container_of(head, struct deed, head);
    struct session *s = c ? sessions_find(c->sessions, &d->session) : NULL;
    if (s && d->er == 0)
        sessions_reply(c->sessions, s, d->re,
                       json_pack("{s:s,s:o}", "type", "ok", "case", store_case_json(&d->after)));
    else if (s)
        calls_error_er(c, s, d->re, d->er, refusal(d));
    if (c && d->er == 0)
        calls_case_changed(c, &d->action.case_id);
    store_case_clear(&d->after);
    refusal_clear(&d->why);
    json_decref(d->data);
}

/** NULL: told why not. */
static struct deed *deed_new(struct calls *c, struct member *m, const struct proto_message *msg)
{
    enum case_action action;
    const char *why = NULL;
    struct deed *d = NULL;
    json_t *data = NULL;
    int er = case_action_parse(msg->act.action, &action);
    if (er == 0 && !(m->claims.scopes & AUTH_WRITE)) {
        er = ER_DENIED;
        why = "the token's key is not for this";
    }
    if (er == 0 && !case_role_may(action, m->claims.role)) {
        er = ER_DENIED;
        why = "this role does not take this action";
    }
    if (er == 0)
        er = case_action_data(action, msg->act.data, &data, &why);
    if (er == 0 && !(d = calloc(1, sizeof *d)))
        er = ER_NOMEM;
    if (er) {
        json_decref(data);
        calls_error_er(c, m->session, msg->id, er, er == ER_NOT_FOUND ? "no such action" : why);
        return NULL;
    }
    d->head.work = deed_work;
    d->head.done = deed_done;
    d->session = m->session->id;
    d->data = data;
    (void)str_copy(d->re, sizeof d->re, msg->id);
    (void)str_copy(d->actor, sizeof d->actor, m->claims.identity);
    (void)str_copy(d->jti, sizeof d->jti, m->claims.jti);
    d->action = (struct store_action){.case_id = m->room->case_id,
                                      .action = action,
                                      .actor = d->actor,
                                      .jti = d->jti,
                                      .role = m->claims.role,
                                      .data = data,
                                      .if_version = msg->act.version};
    return d;
}

void calls_on_act(struct calls *c, struct member *m, const struct proto_message *msg)
{
    struct deed *d = calls_need_room(c, m, msg) ? deed_new(c, m, msg) : NULL;
    if (!d || calls_run(c, &d->head) == 0)
        return;
    calls_error(c, m->session, msg->id, PROTO_FULL, "too much is waiting for the database");
    json_decref(d->data);
    free(d);
}
