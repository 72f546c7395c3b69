// SPDX-License-Identifier: Apache-2.0
/* Tokens said over WebSocket: whether they are good, and not too many. */
#include <string.h>

#include "base/er.h"
#include "base/str.h"
#include "server/calls_impl.h"
#include "server/pace.h"

static void who_is(const struct claims *claims, struct session_who *ret)
{
    memset(ret, 0, sizeof *ret);
    (void)str_copy(ret->identity, sizeof ret->identity, claims->identity);
    (void)str_copy(ret->name, sizeof ret->name, claims->name);
    (void)str_copy(ret->merchant, sizeof ret->merchant, claims->merchant);
    ret->role = claims->role;
    ret->case_id = claims->case_id;
    ret->room = claims->room;
    ret->grants = claims->grants;
}

int calls_authenticate(void *ctx, const char *token, const char *from, struct session_who *ret_who,
                       const char **ret_why)
{
    struct calls *c = ctx;
    if (c->draining) {
        *ret_why = "the server is about to restart";
        return ER_CLOSED;
    }
    struct claims *claims = &c->checked;
    int er = auth_verify(c->config.auth, token, strlen(token), calls_unix_us(c) / 1000000, claims,
                         ret_why);
    uint64_t now_us = calls_now_us(c);
    if (er ? pace_stranger(c->config.pace, from, now_us)
           : pace_person(c->config.pace, claims, now_us)) {
        *ret_why = er ? "too many tokens that are none" : "too many requests";
        return ER_AGAIN;
    }
    if (er < 0)
        return er;
    if (!(claims->scopes & AUTH_CALL)) {
        *ret_why = "the token's key is not for calls";
        return ER_DENIED;
    }
    if (!role_describe(claims->role)->enters) {
        *ret_why = "this role has no place in a room";
        return ER_DENIED;
    }
    who_is(claims, ret_who);
    return 0;
}
