// SPDX-License-Identifier: Apache-2.0
/* The table of sessions and the connections (links) that carry them: hello and its deadline, resume,
 * replacement, closing. Sans-IO: bytes and `now_us` come in; frames to write are fetched. What a
 * message means is the conductor's, through `struct sessions_ops`. */
#ifndef LOUPE_SIGNALING_SESSIONS_H
#define LOUPE_SIGNALING_SESSIONS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/entropy.h"
#include "signaling/proto.h"
#include "signaling/session.h"

struct sessions;
struct link;

/** WebSocket close codes of this protocol beside RFC 6455's. */
enum link_close {
    LINK_CLOSE_NORMAL = 1000,
    LINK_CLOSE_BINARY = 1003,
    LINK_CLOSE_POLICY = 1008,
    LINK_CLOSE_TOO_BIG = 1009,
    LINK_CLOSE_INTERNAL = 1011,
    LINK_CLOSE_RESTART = 1012,
    LINK_CLOSE_LATER = 1013,
    LINK_CLOSE_TOKEN = 4401,
    LINK_CLOSE_DENIED = 4403,
    LINK_CLOSE_NO_HELLO = 4408,
    LINK_CLOSE_REPLACED = 4409,
    LINK_CLOSE_ENDED = 4410,
};

enum session_end {
    SESSION_END_LEFT,     /* bye */
    SESSION_END_TIMEOUT,  /* dropped, and not back in time */
    SESSION_END_REPLACED, /* a newer one of the same person */
    SESSION_END_CLOSED,   /* by the conductor */
};

/** The conductor's side. A session lives from `opening` to `ended` or to sessions_refuse(); whoever
 *  waits for something keeps its id and asks sessions_find(). */
struct sessions_ops {
    void *ctx;
    /** Check a token, which came `from` an address ("": not known): 0; ER_UNAUTHENTIC (closes with 4401),
     *  ER_DENIED (4403), ER_CLOSED (the server drains: 1012), ER_AGAIN (too often: 1013). *ret_why is for
     *  the client. */
    int (*authenticate)(void *ctx, const char *token, const char *from, struct session_who *ret_who,
                        const char **ret_why);
    /** A new session: sessions_welcome() or sessions_refuse() is due, now or later. What the client
     *  says meanwhile is held back. */
    void (*opening)(void *ctx, struct session *s);
    /** Add members to a welcome, which has session, identity, name, role, resumed and ping_ms. */
    void (*welcome)(void *ctx, struct session *s, json_t *welcome);
    /** The welcome is on its way. */
    void (*opened)(void *ctx, struct session *s, bool resumed);
    /** A request to carry out. It is borrowed. Every request with an id must be answered. */
    void (*request)(void *ctx, struct session *s, const struct proto_message *m);
    /** Its connection is gone; it may come back. */
    void (*dropped)(void *ctx, struct session *s);
    /** It is over, perhaps before it was welcomed; the memory goes after the call. */
    void (*ended)(void *ctx, struct session *s, enum session_end why);
};

/** ER_NOMEM. `entropy` is copied and must stay usable. */
int sessions_new(struct sessions **ret, const struct sessions_ops *ops,
                 const struct entropy *entropy);
/** Links must be gone. No callbacks. NULL is fine. */
void sessions_free(struct sessions *t);
/** The moment by the wall clock, for new ids; told at start and now and then. */
void sessions_set_clock(struct sessions *t, uint64_t now_us, uint64_t unix_us);

/* Connections */

/** How a link asks for link_next() to be called: `wake(user)`, any number of times, from within any
 *  call of this header. */
void sessions_set_wake(struct sessions *t, void (*wake)(void *user));
/** A connection was upgraded. NULL at LIMIT_SESSIONS or without memory: close it with 1013. */
struct link *link_open(struct sessions *t, void *user, uint64_t now_us);
/** Where it comes from, an address without port: whoever it is. */
void link_set_from(struct link *l, const char *address);
/** A whole text message. */
void link_on_text(struct link *l, const char *text, size_t len, uint64_t now_us);
void link_on_pong(struct link *l, const void *payload, size_t len, uint64_t now_us);
/** To be closed: it sent a binary frame or one that is too long. */
void link_fail(struct link *l, enum link_close code);
/** The connection is gone; the link is freed. */
void link_gone(struct link *l, uint64_t now_us);

enum link_frame_type { LINK_TEXT, LINK_PING, LINK_CLOSE };
struct link_frame {
    enum link_frame_type type;
    const char *data; /* until the next call */
    size_t len;
    unsigned code; /* of LINK_CLOSE; data is the reason */
};
/** The next thing to write; false when there is nothing. */
bool link_next(struct link *l, struct link_frame *ret);
bool link_has_next(const struct link *l);
enum link_state { LINK_OPEN, LINK_CLOSING, LINK_DEAD };
/** CLOSING: give it a few seconds to take what is queued; DEAD: cut it now. */
enum link_state link_state(const struct link *l);

void sessions_tick(struct sessions *t, uint64_t now_us);
uint64_t sessions_deadline_us(const struct sessions *t);

/* For the conductor */

/** The answer to a hello. */
void sessions_welcome(struct sessions *t, struct session *s);
void sessions_refuse(struct sessions *t, struct session *s, enum proto_error code,
                     const char *message, enum link_close close);

/** Send {"type": .., ..} to one session; `body` stays the caller's. */
void sessions_send(struct sessions *t, struct session *s, const json_t *body);
/** The same, already as compact text: for one message to many. */
void sessions_send_text(struct sessions *t, struct session *s, const char *body, size_t len);
/** Text that is worth nothing a moment later (session_push_fleeting): to who is connected. */
void sessions_send_fleeting(struct session *s, const char *body, size_t len);
/** Answer a request: adds "re" when `re` is neither NULL nor "". Takes `body` over; NULL: ok. */
void sessions_reply(struct sessions *t, struct session *s, const char *re, json_t *body);
void sessions_reply_error(struct sessions *t, struct session *s, const char *re,
                          enum proto_error code, const char *message);
/** It is over: `ended` is called, the connection is closed after what is queued. */
void sessions_end(struct sessions *t, struct session *s, enum session_end why,
                  enum link_close code);
/** Every link, as when the server restarts; sessions stay. */
void sessions_close_all(struct sessions *t, enum link_close code);
bool session_is_online(const struct session *s);
/** By id; NULL. */
struct session *sessions_find(const struct sessions *t, const struct id *id);
/** Every session: start with *cursor = 0; NULL at the end. The one just given may be ended. */
struct session *sessions_each(const struct sessions *t, size_t *cursor);
/** The index-th of one person's, the newest first; NULL at the end. */
struct session *sessions_of(const struct sessions *t, const char *merchant, const char *identity,
                            size_t index);
size_t sessions_count(const struct sessions *t);
size_t sessions_link_count(const struct sessions *t);

#endif
