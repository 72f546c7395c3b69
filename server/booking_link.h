// SPDX-License-Identifier: Apache-2.0
/* The link by which a buyer comes to a call-back: put into what webhooks are told of its time, and kept nowhere. */
#ifndef LOUPE_SERVER_BOOKING_LINK_H
#define LOUPE_SERVER_BOOKING_LINK_H

#include "server/auth.h"

/** The body of a webhook with `data.link` {url, expires_at}, of those events at which the buyer is to come: signed with the
 *  key that the booking was made with, good for a day from the event on, and so the same at each attempt. NULL: it is of
 *  another event, or that key is gone or signs for no buyer. The caller frees it. */
char *booking_link_add(struct auth *auth, const char *base_url, const char *body);

#endif
