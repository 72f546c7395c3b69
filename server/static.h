// SPDX-License-Identifier: Apache-2.0
/* The pages: a folder read into memory once, served with tags and security headers. */
#ifndef LOUPE_SERVER_STATIC_H
#define LOUPE_SERVER_STATIC_H

#include "server/http.h"

struct statics;

/** Reads the folder (files up to 16 MiB, 4096 of them; beyond: ER_FULL). ER_NOT_FOUND when there is
 *  none, ER_IO, ER_NOMEM. */
int statics_load(struct statics **ret, const char *folder);
void statics_free(struct statics *s);

/** The address that people know the server by, of which scheme, host and port count: pages may connect
 *  there, besides to where they come from. */
void statics_set_origin(struct statics *s, const char *url);

/** Fills in the answer for a path: 200 with bytes that live as long as `s`, 405 for another
 *  method, or 404. `s` may be NULL: nothing is there. */
void statics_respond(const struct statics *s, enum http_method method, const char *path,
                     struct http_response *response);

#endif
