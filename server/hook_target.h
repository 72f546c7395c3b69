// SPDX-License-Identifier: Apache-2.0
/* Where webhooks may go: not into the network that the server stands in, unless the settings say so.
 * The address is looked at when a webhook is made or changed, and each IP address it resolves to when a
 * connection is made (RFC 6890 and its successors: what is not global is refused). Pure. */
#ifndef LOUPE_SERVER_HOOK_TARGET_H
#define LOUPE_SERVER_HOOK_TARGET_H

#include <stdbool.h>

#include "base/addr.h"

#define HOOK_URL_BYTES 1024

enum hook_reach {
    HOOK_PUBLIC,   /* https:// to addresses that are global */
    HOOK_LOOPBACK, /* and http:// and https:// to this machine: a demonstration */
    HOOK_ANYWHERE, /* anything: for tests, and behind a proxy that keeps the peace */
};

/** NULL, or why no webhook goes there. A host that is an address is looked at; a name is not resolved. */
const char *hook_url_check(enum hook_reach reach, const char *url);
/** Whether a connection may be made. `plain` is http. */
bool hook_address_ok(enum hook_reach reach, bool plain, const struct addr *a);
/** Whether an address is of the global Internet: not private, loopback, link-local, shared (CGNAT),
 *  multicast, documentation or reserved; in IPv6, also by what it embeds (mapped, 6to4, NAT64). */
bool hook_address_global(const struct addr *a);

#endif
