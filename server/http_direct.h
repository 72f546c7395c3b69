// SPDX-License-Identifier: Apache-2.0
/* Answers to upgrades that are refused: written to the socket itself, since there is no exchange.
 * Used by server/http.c only. */
#ifndef LOUPE_SERVER_HTTP_DIRECT_H
#define LOUPE_SERVER_HTTP_DIRECT_H

struct lws;

/** A problem (RFC 9457) that ends the connection, as far as the socket takes it now. `detail` may be
 *  NULL; `upgrade` is the value of that header, or NULL. */
void http_direct_problem(struct lws *wsi, int status, const char *detail, const char *upgrade);

#endif
