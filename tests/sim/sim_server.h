// SPDX-License-Identifier: Apache-2.0
/* A hub on a node of the virtual network: the real server's media engine, in virtual time. Its
 * events are kept for the test to look at. */
#ifndef LOUPE_TESTS_SIM_SIM_SERVER_H
#define LOUPE_TESTS_SIM_SIM_SERVER_H

#include "media/core/hub.h"
#include "tests/sim/attach.h"

#define SIM_EVENTS 256 /* the newest; older ones are forgotten */
#define SIM_UNIX_US 1700000000000000u
#define SIM_PEOPLE 16 /* peers below this number are told hints, as their pages would be */

struct sim_server {
    struct netsim *sim;
    struct netsim_node *node;
    struct netsim_timer timer;
    struct addr address;
    struct entropy_seeded seeded;
    struct dtls_identity *identity;
    struct hub *hub;
    struct id room;
    struct path to;   /* of the reservation that is open */
    bool connections; /* each remote address is a connection, as of TCP, with a path of its own */
    size_t released;  /* paths that the hub let go */
    uint8_t buffer[2048];
    uint64_t next_request;
    size_t event_count;
    struct media_event events[SIM_EVENTS];
    struct attached *people[SIM_PEOPLE];
    uint64_t recorded[64]; /* packets handed to the recorder, by track id */
    size_t clips_closed;
    void (*recorder)(void *ctx, const struct record_batch *batch); /* NULL: nothing is kept */
    void *recorder_ctx;
};

/** One room is open. Free before `sim`. */
int sim_server_new(struct sim_server **ret, struct netsim *sim, const struct addr *address,
                   uint64_t seed);
void sim_server_free(struct sim_server *s);

/** A browser's offer and our answer at once, as if signalling took no time. The first offer adds the
 *  peer. ER_* with the hub's reason in *ret_why when it is refused. */
int sim_server_offer(struct sim_server *s, const struct media_peer_config *config,
                     struct attached *browser, const char **ret_why);
/** The newest event of this type about `peer` (0: any), or NULL. */
const struct media_event *sim_server_event(const struct sim_server *s, enum media_event_type type,
                                           uint64_t peer);
/** What the hub knows an address by. */
struct path sim_server_path(const struct sim_server *s, const struct addr *remote);
/** Call after commands given to the hub directly. */
void sim_server_touch(struct sim_server *s);

#endif
