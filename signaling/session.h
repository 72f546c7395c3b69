// SPDX-License-Identifier: Apache-2.0
/* One person's session over whatever connections carry it: numbers what goes out and keeps it until
 * it is acknowledged, carries a request out once, limits the rate, and knows when to ping. Sans-IO:
 * `now_us` comes in. The table around it is signaling/sessions.h. */
#ifndef LOUPE_SIGNALING_SESSION_H
#define LOUPE_SIGNALING_SESSION_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/id.h"
#include "base/limits.h"
#include "signaling/person.h"
#include "signaling/proto.h"
#include "signaling/role.h"

#define SESSION_MERCHANT_BYTES PERSON_MERCHANT_BYTES
#define SESSION_RECENT_IDS 128
#define SESSION_BURST 100
#define SESSION_PINGS_MISSED 2 /* so many without a pong: the connection is dead */

/** Who a checked token says somebody is. */
struct session_who {
    char identity[LIMIT_IDENTITY + 1];
    char name[LIMIT_NAME + 1];
    char merchant[SESSION_MERCHANT_BYTES];
    enum role role;
    struct role_grants grants;
    struct id case_id; /* zeroed: bound to none */
    struct id room;    /* likewise */
};

/** One text that goes out, kept until it is acknowledged. */
struct session_frame {
    uint64_t seq;
    size_t len;
    char *text;
};

struct session {
    struct id id;
    struct id was; /* the one that its page had before, and that is gone; zeroed: none */
    struct session_who who;
    void *user; /* the conductor's */

    /* The outbox: frames of seq first..last, a ring that grows up to LIMIT_OUTBOX. */
    struct session_frame *outbox;
    size_t outbox_size;
    size_t outbox_bytes;
    uint64_t seq_first; /* oldest kept; seq_last + 1 when none is */
    uint64_t seq_last;  /* given last; 0: none yet */
    uint64_t seq_acked;
    uint64_t seq_sent; /* handed to the connection of now last */

    struct session_frame fleeting,
        fleeting_given; /* the one to come; and the last, with the connection */

    uint64_t recent[SESSION_RECENT_IDS]; /* hashes of request ids, a ring */
    size_t recent_at;
    uint64_t hash_key[2];

    uint32_t tokens_milli; /* of the rate limit, thousandths of a message */
    uint64_t tokens_at_us;

    uint64_t ping_at_us; /* next one */
    unsigned pings_open; /* sent and not answered */
    bool ping_due;
};

/** `seed` keys the hashes of request ids. */
void session_init(struct session *s, const struct id *id, const struct session_who *who,
                  const uint64_t seed[2], uint64_t now_us);
/** Frees the frames; the session's own memory is the caller's. */
void session_clear(struct session *s);

/** A connection carries it from now on: everything beyond `received` goes out again, in order.
 *  Without a word of the client `received` is session_acked(). ER_STALE when some of it is no
 *  longer kept, ER_INVALID when it was never sent. */
int session_attach(struct session *s, uint64_t received, uint64_t now_us);

/** Queue a message. `body` is compact JSON of an object, without "seq". When the outbox is full the
 *  oldest frame is forgotten (the session can no longer be resumed from before it); ER_FULL when
 *  that one was not even sent to the connection, so that the client cannot keep up and is to be
 *  dropped. ER_NOMEM. */
int session_push(struct session *s, const char *body, size_t len);
/** Queue what is worth nothing a moment later: without a number, not kept, behind all else, and only the newest. It
 *  is forgotten with the connection. ER_NOMEM. */
int session_push_fleeting(struct session *s, const char *body, size_t len);
/** The next frame to hand to the connection, or NULL. It stays the session's. */
const struct session_frame *session_next(struct session *s);
bool session_has_next(const struct session *s);

/** All up to `seq` has arrived. Nonsense is ignored. */
void session_acknowledge(struct session *s, uint64_t seq);

enum session_admit { SESSION_CARRY_OUT, SESSION_DUPLICATE, SESSION_TOO_FAST };
/** Whether a request (`id` may be NULL) is to be carried out now. */
enum session_admit session_admit(struct session *s, const char *id, uint64_t now_us);

/** Call when session_deadline_us() is reached, and before it is asked anew. False: the connection is
 *  dead, it missed its pings. */
bool session_tick(struct session *s, uint64_t now_us);
uint64_t session_deadline_us(const struct session *s);
/** A ping is to be sent now: its payload (decimal: the seq sent last); false when none is due. */
bool session_take_ping(struct session *s, char ret_payload[24], size_t *ret_len);
/** A pong came. The payload is checked. */
void session_on_pong(struct session *s, const void *payload, size_t len);

#endif
