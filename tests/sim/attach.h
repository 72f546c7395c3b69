// SPDX-License-Identifier: Apache-2.0
/* A fake browser on a node of the virtual network: datagrams and timers wired up. */
#ifndef LOUPE_TESTS_SIM_ATTACH_H
#define LOUPE_TESTS_SIM_ATTACH_H

#include "tests/sim/browser.h"
#include "tests/sim/netsim.h"

struct attached {
    struct netsim *sim;
    struct netsim_node *node;
    struct netsim_timer timer;
    struct browser *browser;
};

/** Makes the browser too; `config`'s send and ctx are set here. Free before `sim`. */
int attached_new(struct attached **ret, struct netsim *sim, const struct addr *address,
                 const struct netsim_link *up, const struct netsim_link *down,
                 const struct browser_config *config);
/** NULL is fine. The node stays in the network, deaf. */
void attached_free(struct attached *a);
/** Call after anything done to the browser directly (an answer, a close). */
void attached_touch(struct attached *a);

#endif
