// SPDX-License-Identifier: Apache-2.0
/* Of what the parts of the conductor share: wrap-ups after agents' calls, and bots before them. Included by calls_impl.h. */
#ifndef LOUPE_SERVER_CALLS_WRAPS_IMPL_H
#define LOUPE_SERVER_CALLS_WRAPS_IMPL_H

#include "server/calls_impl.h"

/* Wrap-ups */

/** The call of the room's agent ends: what is to be asked for then, or NULL. For calls_wrap_asked. */
struct store_wrap *room_wrap_begin(struct room *r);
/** It was written down (c NULL: who knows), or there is no need of one. Takes `w`. */
void calls_wrap_asked(struct calls *c, struct store_wrap *w, bool asked);
/** When the first one that this agent must give is due; 0: none. For struct queue_agent. */
uint64_t calls_wraps_due_us(const struct calls *c, const char *merchant, const char *identity);
/** Who has come is told what is owed. */
void calls_wraps_tell(struct calls *c, struct session *s);
void calls_wraps_load(struct calls *c);
void calls_run_wraps(struct calls *c);
uint64_t calls_wraps_deadline_us(const struct calls *c);
size_t calls_wraps_overdue(const struct calls *c);
void calls_wraps_clear(struct calls *c);

/* Bots */

/** The same with a bot, whose buyer has waited so long. */
void room_begin_with_bot(struct room *r, const char *bot, uint64_t waited_us);
/** The bot whose call it is cannot go on with it: its buyer waits on for people. False: it is none's. */
bool room_bot_gone(struct room *r, const char *bot);
/** Its call is over: it is in the room no more, unless its token is for that. */
void room_bot_out(struct room *r, const char *bot);
/** How long a buyer who is passed on counts as having waited. */
uint64_t room_credit_us(const struct room *r);

#endif
