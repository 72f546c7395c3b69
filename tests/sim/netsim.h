// SPDX-License-Identifier: Apache-2.0
/* A virtual network in virtual time: nodes with addresses, links with delay, jitter, loss, reorder,
 * duplication and a rate, timers, and a hash over everything that happened. The same seed and the
 * same calls give the same run. */
#ifndef LOUPE_TESTS_SIM_NETSIM_H
#define LOUPE_TESTS_SIM_NETSIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/addr.h"
#include "base/heap.h"

/** What one direction does to datagrams; zeroed: nothing, at once. */
struct netsim_link {
    uint64_t delay_us;
    uint64_t jitter_us;     /* up to so much more, uniformly; may change the order, */
    bool jitter_in_order;   /* unless this is set: whoever is early then waits */
    uint32_t loss_ppm;      /* of a million datagrams */
    uint32_t loss_burst;    /* they are lost in runs of this mean length (Gilbert); 0, 1: singly */
    uint32_t duplicate_ppm; /* arrive twice, the second 1 ms later */
    uint32_t reorder_ppm;   /* held back by reorder_us */
    uint64_t reorder_us;
    uint64_t rate_bps; /* 0: unlimited */
    uint64_t queue_us; /* a datagram that would wait longer for the rate is dropped; 0: 200 ms */
    uint32_t queue_packets; /* instead: one that finds so many waiting; at most NETSIM_QUEUE */
};

#define NETSIM_QUEUE 1024      /* datagrams that may wait for a rate */
#define NETSIM_WAIT_BUCKETS 64 /* of 25 ms each; the last one holds all beyond */
#define NETSIM_WAIT_US 25000u

/** What a link's queue did since the last netsim_queue_clear. */
struct netsim_queue {
    uint64_t datagrams, bytes; /* that passed the rate */
    uint64_t dropped;
    uint64_t worst_us;
    uint64_t waits[NETSIM_WAIT_BUCKETS]; /* datagrams by how long they waited */
};

enum netsim_fate {
    NETSIM_DELIVERED,
    NETSIM_LOST,
    NETSIM_QUEUE_FULL,
    NETSIM_UNREACHABLE, /* nobody has the address, or the sender's NAT no longer does */
};

struct netsim_stats {
    uint64_t sent; /* by this node */
    uint64_t lost; /* of those, for whatever reason */
    uint64_t received;
};

struct netsim;
struct netsim_node;
typedef void netsim_receive_fn(void *ctx, uint64_t now_us, const struct addr *from,
                               const uint8_t *data, size_t len);
typedef void netsim_timer_fn(void *ctx, uint64_t now_us);

/** Embed it; zeroed: not set. Must be unset before its memory goes. */
struct netsim_timer {
    struct heap_node node;
    netsim_timer_fn *fn;
    void *ctx;
};

int netsim_new(struct netsim **ret, uint64_t seed, uint64_t start_us);
void netsim_free(struct netsim *sim);
uint64_t netsim_now_us(const struct netsim *sim);

/** A node at `address` (must be free). Links are from the node's view: `up` for what it sends. A
 *  datagram passes the sender's up and then the receiver's down. Nodes live as long as `sim`. */
int netsim_add_node(struct netsim *sim, const struct addr *address, const struct netsim_link *up,
                    const struct netsim_link *down, netsim_receive_fn *receive, void *ctx,
                    struct netsim_node **ret);
/** From now on. NULL: as it was. */
void netsim_set_links(struct netsim_node *node, const struct netsim_link *up,
                      const struct netsim_link *down);
/** The queue of one direction: `up` is what the node sends. Valid as long as the node. */
const struct netsim_queue *netsim_node_queue(const struct netsim_node *node, bool up);
void netsim_queue_clear(struct netsim_node *node);
/** The wait that `percent` of the datagrams did not exceed, to the bucket's upper end. */
uint64_t netsim_queue_wait_us(const struct netsim_queue *q, unsigned percent);
/** The node's datagrams come from `address` from now on, and what is sent to the old one is lost:
 *  what a NAT does that forgot its mapping. The node itself is not told. */
int netsim_rebind(struct netsim_node *node, const struct addr *address);
/** Deliver nothing to it any more: its owner is gone. */
void netsim_silence(struct netsim_node *node);
const struct addr *netsim_node_addr(const struct netsim_node *node);
const struct netsim_stats *netsim_node_stats(const struct netsim_node *node);

void netsim_send(struct netsim_node *node, const struct addr *to, const uint8_t *data, size_t len);
/** Arm or move; HEAP_NEVER disarms. In the past: now. */
void netsim_timer_set(struct netsim *sim, struct netsim_timer *timer, uint64_t at_us);

/** One event; false when there is none. */
bool netsim_step(struct netsim *sim);
/** All events up to and including `at_us`; it is `at_us` then. */
void netsim_run_until(struct netsim *sim, uint64_t at_us);

/** FNV-1a over time, ends, length and fate of every datagram and whatever netsim_note adds. DTLS
 *  records count with one fixed length, since signatures vary in theirs. */
uint64_t netsim_trace_hash(const struct netsim *sim);
void netsim_note(struct netsim *sim, uint64_t value);
/** Also write each datagram's fate as a line of text; NULL: stop. */
void netsim_set_log(struct netsim *sim, FILE *log);

#endif
