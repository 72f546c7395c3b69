// SPDX-License-Identifier: Apache-2.0
/* The libwebsockets side of `/ws`: carries text frames, pings and closes between connections and
 * the session table (signaling/sessions.h), which decides everything. One per lws context. */
#ifndef LOUPE_SIGNALING_WS_H
#define LOUPE_SIGNALING_WS_H

#include <libwebsockets.h>
#include <stdbool.h>
#include <stddef.h>

#include "signaling/sessions.h"

#define WS_PROTOCOL_NAME "loupe.v1"

struct ws;

struct ws_config {
    struct sessions *sessions; /* outlives the lws context */
    /** Whether a page of `origin` (NULL: no such header) at `host` may connect; asked in
     *  LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION, a refusal never becomes a connection. NULL: it was
     *  asked before (server/http does). */
    bool (*origin_allowed)(void *ctx, const char *origin, const char *host);
    void *ctx;
};

/** ER_NOMEM. Also tells the session table how to ask for a turn to write. */
int ws_new(struct ws **ret, const struct ws_config *config);
/** After the lws context is destroyed. NULL is fine. */
void ws_free(struct ws *ws);

/** The entry for the array of protocols: name WS_PROTOCOL_NAME, `user` the ws. */
struct lws_protocols ws_protocol(struct ws *ws);

#endif
