// SPDX-License-Identifier: Apache-2.0
/* WHIP (RFC 9725) and WHEP: publishing and playing over plain HTTP, for tools that speak nothing
 * of Loupe. A third and fourth door to the same exchange of offer and answer. */
#ifndef LOUPE_SERVER_WHIP_H
#define LOUPE_SERVER_WHIP_H

#include <stdbool.h>

#include "server/auth.h"
#include "server/calls.h"
#include "server/http.h"

struct whip;

struct whip_config {
    struct calls *calls;
    struct auth *auth;
    struct pace *pace; /* NULL: nobody is held back */
    /** How an answer goes out, once for each request taken: http_reply_send. */
    void (*send)(void *ctx, struct http_reply reply, struct http_response *response);
    void *ctx;
};

/** ER_NOMEM. */
int whip_new(struct whip **ret, const struct whip_config *config);
/** Before calls_free. Answers still owed are not sent. NULL is fine. */
void whip_free(struct whip *w);

/** Takes `request` over and answers it when its path is of /whip/ or /whep/ (method, token, type and
 *  all are checked here); false: it is another's. */
bool whip_handle(struct whip *w, struct http_request *request);

#endif
