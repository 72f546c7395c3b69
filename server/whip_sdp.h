// SPDX-License-Identifier: Apache-2.0
/* The little that the server needs to know of SDP: whether an offer sends, and for WHIP the ICE
 * credentials in and out of fragments (RFC 8840, RFC 9725 section 4.3). Everything else is the media engine's. */
#ifndef LOUPE_SERVER_WHIP_SDP_H
#define LOUPE_SERVER_WHIP_SDP_H

#include <stdbool.h>
#include <stddef.h>

#define WHIP_ICE_BYTES 257 /* a ufrag or password with its NUL (RFC 8839: 256 characters) */

struct whip_ice {
    char ufrag[WHIP_ICE_BYTES];
    char pwd[WHIP_ICE_BYTES];
};

/** The first credentials in an SDP or a fragment. 0; ER_NOT_FOUND without any; ER_MALFORMED when one
 *  is missing, too short (4 and 22 characters), too long, or not of the ICE alphabet. */
int whip_ice_read(const char *sdp, struct whip_ice *ret);
/** Whether an offer would send audio or video: an m-line of these that is sendrecv (the default) or
 *  sendonly. */
bool whip_offer_sends(const char *sdp);
/** Whether one of its m-lines has this mid. */
bool whip_offer_has_mid(const char *sdp, const char *mid);
/** Whether this is a fragment (RFC 8840): SDP lines alone, at least one of them an attribute. */
bool whip_is_fragment(const char *text);
/** The offer with other credentials, without candidates, its version counted up. The caller frees
 *  it; NULL without memory. */
char *whip_offer_restart(const char *offer, const struct whip_ice *ice);
/** What of an answer goes into the fragment that confirms an ICE restart. The caller frees it; NULL
 *  without memory. */
char *whip_answer_fragment(const char *answer);

#endif
