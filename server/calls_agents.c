// SPDX-License-Identifier: Apache-2.0
/* Those whom calls are offered to: agents, who say that they are there; and first-line bots, who are asked before people, are
 * in a room for that call alone, and leave nobody behind: whoever a bot cannot go on with waits on for people. */
#include <string.h>

#include "base/er.h"
#include "base/str.h"
#include "server/calls_impl.h"

/** Whether calls are offered to such as them. */
static bool is_asked(const struct member *m)
{
    const struct role_info *role = role_describe(m->claims.role);
    return role->takes_calls || role->first_line;
}

void calls_agent_gone(struct calls *c, const struct session *s, bool for_good)
{
    const struct member *m = member_of(s);
    struct session *other;
    if (!m || !is_asked(m))
        return;
    if (m->room && !for_good)
        (void)room_bot_gone(m->room, m->claims.identity);
    bool any_online = false, any = false;
    for (size_t i = 0;
         (other = sessions_of(c->sessions, m->claims.merchant, m->claims.identity, i)); i++) {
        any |= other != s;
        any_online |= other != s && session_is_online(other);
    }
    if (for_good && !any)
        queue_agent_remove(c->queue, m->claims.merchant, m->claims.identity, calls_now_us(c));
    else if (!any_online)
        queue_agent_present(c->queue, m->claims.merchant, m->claims.identity, false,
                            calls_now_us(c));
}

void calls_agent_back(struct calls *c, const struct session *s)
{
    const struct member *m = member_of(s);
    if (is_asked(m))
        queue_agent_present(c->queue, m->claims.merchant, m->claims.identity, true,
                            calls_now_us(c));
}

bool calls_need_agent(struct calls *c, struct member *m, const struct proto_message *msg)
{
    bool ok = is_asked(m);
    if (!ok)
        calls_error(c, m->session, msg->id, PROTO_DENIED, "this role takes no calls");
    return ok;
}

void calls_on_available(struct calls *c, struct member *m, const struct proto_message *msg)
{
    if (!calls_need_agent(c, m, msg))
        return;
    struct queue_agent agent = {.appraiser = m->claims.role == ROLE_APPRAISER,
                                .bot = role_describe(m->claims.role)->first_line,
                                .capacity = (unsigned)msg->available.capacity,
                                .languages = msg->available.languages,
                                .skills = msg->available.skills};
    (void)str_copy(agent.team, sizeof agent.team, msg->available.team);
    (void)str_copy(agent.identity, sizeof agent.identity, m->claims.identity);
    (void)str_copy(agent.merchant, sizeof agent.merchant, m->claims.merchant);
    if (claims_is_bound(&m->claims)) {
        calls_error(c, m->session, msg->id, PROTO_DENIED, "this token is for one case only");
        return;
    }
    calls_agent_set(c, m, msg, &agent);
}

void calls_on_decline(struct calls *c, struct member *m, const struct proto_message *msg)
{
    if (!calls_need_agent(c, m, msg))
        return;
    int er = queue_decline(c->queue, m->claims.merchant, m->claims.identity,
                           &msg->reservation.reservation, calls_now_us(c));
    if (er < 0) {
        calls_error_er(c, m->session, msg->id, er, "this offer is over");
        return;
    }
    sessions_reply(c->sessions, m->session, msg->id, NULL);
}

/* Bots */

uint64_t room_credit_us(const struct room *r)
{
    return r->bot ? calls_now_us(r->calls) - r->bot_from_us : CREDIT_US;
}

bool room_bot_gone(struct room *r, const char *bot)
{
    if (!r->call_on || !r->bot || strcmp(r->agent, bot) != 0)
        return false;
    if (room_inherit(r))
        return true;
    room_pass_on(r, bot);
    return true;
}

void room_bot_out(struct room *r, const char *bot)
{
    const struct roster_person *p = roster_find(r->roster, bot);
    struct member *m = p && p->session ? member_of(p->session) : NULL;
    if (!m || m->room != r || claims_is_bound(&m->claims))
        return;
    r->entering++;
    room_unseat(m, "removed");
    r->entering--;
}
