// SPDX-License-Identifier: Apache-2.0
/* The STUN and TURN servers that clients are told of. TURN credentials are made for one person and
 * hold for a while (coturn's use-auth-secret, draft-uberti-behave-turn-rest): the name says until when,
 * the password proves that we made it. */
#ifndef LOUPE_SERVER_ICE_SERVERS_H
#define LOUPE_SERVER_ICE_SERVERS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/http.h"

/** Borrows its texts. Zeroed: none. */
struct ice_servers {
    const char *const *stun_urls; /* checked with ice_url_check */
    size_t stun_count;
    const char *const *turn_urls;
    size_t turn_count;
    const char *turn_secret; /* shared with the TURN servers */
    uint32_t turn_ttl_s;
};

/** RFC 7064 and 7065: "stun:" or "stuns:" HOST[:PORT]; with `turn` "turn:" or "turns:", and perhaps
 *  "?transport=udp" or "tcp". */
bool ice_url_check(const char *url, bool turn);

#define ICE_USERNAME_BYTES 160
#define ICE_CREDENTIAL_BYTES 29

struct ice_credential {
    char username[ICE_USERNAME_BYTES];     /* "expiry:identity", seconds since 1970 */
    char credential[ICE_CREDENTIAL_BYTES]; /* base64 of HMAC-SHA1 */
};
/** What an identity holds beyond letters, digits and "._@-" becomes '_': it stands in headers and in
 *  other servers' logs. */
void ice_credential_make(const struct ice_servers *s, const char *identity, uint64_t unix_s,
                         struct ice_credential *ret);

/** RTCIceServer[] as JSON, for `welcome`. NULL without memory. */
json_t *ice_servers_json(const struct ice_servers *s, const char *identity, uint64_t unix_s);
/** A Link header each (RFC 9725, 4.6). */
void ice_servers_link(const struct ice_servers *s, const char *identity, uint64_t unix_s,
                      struct http_response *response);

#endif
