// SPDX-License-Identifier: Apache-2.0
/* Which handler a method and path belong to: tables of routes with patterns. Pure. */
#ifndef LOUPE_SERVER_ROUTER_H
#define LOUPE_SERVER_ROUTER_H

#include <stdbool.h>
#include <stddef.h>

#include "server/http.h"

struct api_call;
struct store;

enum route_flags {
    ROUTE_OPEN = 1,   /* no token is asked for before the handler; one that is sent is checked */
    ROUTE_MANAGE = 4, /* asks for the scope that manages */
    ROUTE_JSON = 2,   /* takes a JSON object as body; none is taken for {} */
};

/** One line of a table: either `on_store` (runs on the store thread, fills the call's response in)
 *  or `on_loop` (runs on the signalling thread, takes the call over and ends with api_answer). */
struct route {
    enum http_method method; /* HTTP_GET serves HEAD too */
    const char *pattern;     /* "/api/v1/cases/{id}": a {part} takes one segment, not empty */
    unsigned flags;
    void (*on_store)(struct store *s, struct api_call *c);
    void (*on_loop)(struct api_call *c);
};

#define ROUTE_PARAMS_MAX 3
#define ROUTE_PARAM_BYTES 129

/** What stood in the places of {parts}, in order. */
struct route_params {
    size_t count;
    char values[ROUTE_PARAMS_MAX][ROUTE_PARAM_BYTES];
};

/** 0 and the route; ER_NOT_FOUND: no such path; ER_UNSUPPORTED: not with this method, and
 *  *ret_allowed has the bits (1u << method) that would do. */
int router_find(const struct route *routes, size_t count, enum http_method method, const char *path,
                const struct route **ret, struct route_params *ret_params, unsigned *ret_allowed);
/** "GET, HEAD, POST" for an Allow header, OPTIONS included. */
void router_allow(unsigned allowed, char *ret, size_t size);

#endif
