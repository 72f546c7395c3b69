// SPDX-License-Identifier: Apache-2.0
/* What the parts of WHIP and WHEP share: whip.c reads requests and answers them, whip_session.c has the
 * sessions and their media peers. */
#ifndef LOUPE_SERVER_WHIP_IMPL_H
#define LOUPE_SERVER_WHIP_IMPL_H

#include "server/calls_impl.h"
#include "server/whip.h"
#include "server/whip_sdp.h"

#define WHIP_SDP_TYPE "application/sdp"
#define WHIP_FRAGMENT_TYPE "application/trickle-ice-sdpfrag"
#define WHIP_TOO_MANY "too many sessions of this person"

struct whip {
    struct whip_config config;
    struct map *sessions; /* id -> struct whip_session */
};

struct whip_session {
    struct id id;
    struct whip *whip;
    struct id room;
    char identity[LIMIT_IDENTITY + 1];
    char merchant[AUTH_MERCHANT_BYTES];
    bool publish;
    uint64_t peer;
    char *offer;
    unsigned version; /* counts ICE sessions: the ETag */
};

/** What a path asks for. */
struct whip_target {
    bool publish;
    bool is_session;
    struct id id; /* of the room, or of the session */
    char identity[LIMIT_IDENTITY + 1];
};

/* whip.c */
void whip_send(struct whip *w, struct http_reply reply, struct http_response *response);
void whip_send_problem(struct whip *w, struct http_reply reply, int status, const char *detail);
/** For what entering a room or the media engine said. */
void whip_send_error(struct whip *w, struct http_reply reply, int er, const char *why);
void whip_add_ice_servers(struct http_response *response, const struct calls *c,
                          const char *identity);
void whip_add_etag(struct http_response *response, const struct whip_session *s);

/* whip_session.c */
/** Sessions that the person has. */
size_t whip_session_count(const struct whip *w, const struct claims *who);
/** Enter the target's room with an offer, which is copied: the session is begun and the request
 *  answered later. ER_NOMEM: it is the caller's still. */
int whip_session_post(struct whip *w, struct http_reply reply, const struct whip_target *target,
                      const struct claims *who, const char *offer, bool takeover);
/** ICE restart (RFC 9725 section 4.3.3): the offer anew with the fragment's credentials. Answers. */
void whip_session_restart(struct whip_session *s, struct http_reply reply,
                          const struct whip_ice *ice);
/** Ends a session from our side. */
void whip_session_end(struct whip_session *s);
/** Forgets it alone. */
void whip_session_free(struct whip_session *s);

#endif
