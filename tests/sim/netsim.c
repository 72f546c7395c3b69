// SPDX-License-Identifier: Apache-2.0
/* The virtual network: one heap of events, one random stream per link direction. */
#include "tests/sim/netsim.h"

#include <stdlib.h>
#include <string.h>

#include "base/entropy.h"
#include "base/er.h"
#include "base/list.h"
#include "base/map.h"

#define NETSIM_NODES 8192
#define NETSIM_QUEUE_US 200000u
#define NETSIM_DTLS_BYTES 1200 /* what a DTLS record counts as */
#define NETSIM_DUPLICATE_US 1000
#define FNV_START 0xcbf29ce484222325u
#define FNV_PRIME 0x100000001b3u

/** One direction of a node's access line. */
struct direction {
    struct netsim_link link;
    struct entropy_seeded seeded;
    struct entropy entropy;
    uint64_t busy_until_us;
    uint64_t last_at_us;               /* of the last datagram in order */
    bool in_burst;                     /* the last datagram was lost, and the next may be, too */
    uint64_t leaving_us[NETSIM_QUEUE]; /* when those leave that wait for the rate: a ring */
    size_t oldest, waiting;
    struct netsim_queue queue;
};

struct netsim_node {
    struct netsim *sim;
    struct netsim_node *next;
    struct addr address;
    struct direction up;
    struct direction down;
    netsim_receive_fn *receive;
    void *ctx;
    struct netsim_stats stats;
};

struct netsim {
    uint64_t now_us;
    uint64_t seed;
    uint64_t node_count;
    uint64_t hash;
    FILE *log;
    struct heap heap;
    struct map *by_address;
    struct netsim_node *nodes;
    struct datagram *in_flight; /* all of them, to be freed with the simulation */
};

struct datagram {
    struct netsim_timer timer;
    struct netsim *sim;
    struct netsim_node *sender;
    struct netsim_node *receiver; /* NULL: between the two links */
    struct datagram *next;
    struct datagram **link;
    struct addr from;
    struct addr to;
    size_t len;
    uint8_t bytes[];
};

/** LOUPE_SEED=n in the environment makes every network of the run another one. */
static uint64_t seed_of_run(void)
{
    const char *text = getenv("LOUPE_SEED");
    return text ? strtoull(text, NULL, 10) * 0x9e3779b97f4a7c15u : 0;
}

int netsim_new(struct netsim **ret, uint64_t seed, uint64_t start_us)
{
    struct netsim *sim = calloc(1, sizeof *sim);
    *ret = sim;
    if (!sim)
        return ER_NOMEM;
    sim->seed = seed ^ seed_of_run();
    sim->now_us = start_us;
    sim->hash = FNV_START;
    int er = map_new(&sim->by_address, NETSIM_NODES, 1);
    if (er) {
        netsim_free(sim);
        *ret = NULL;
    }
    return er;
}

static void datagram_free(struct datagram *d)
{
    if (d->next)
        d->next->link = d->link;
    *d->link = d->next;
    free(d);
}

void netsim_free(struct netsim *sim)
{
    if (!sim)
        return;
    while (sim->in_flight)
        datagram_free(sim->in_flight);
    while (sim->nodes) {
        struct netsim_node *node = sim->nodes;
        sim->nodes = node->next;
        free(node);
    }
    map_free(sim->by_address);
    heap_clear(&sim->heap);
    free(sim);
}

uint64_t netsim_now_us(const struct netsim *sim)
{
    return sim->now_us;
}

uint64_t netsim_trace_hash(const struct netsim *sim)
{
    return sim->hash;
}

void netsim_note(struct netsim *sim, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        sim->hash = (sim->hash ^ (value >> (8 * i) & 0xff)) * FNV_PRIME;
}

void netsim_set_log(struct netsim *sim, FILE *log)
{
    sim->log = log;
}

static void direction_init(struct direction *d, const struct netsim_link *link, uint64_t seed)
{
    d->link = link ? *link : (struct netsim_link){0};
    d->entropy = entropy_seeded_init(&d->seeded, seed);
}

int netsim_add_node(struct netsim *sim, const struct addr *address, const struct netsim_link *up,
                    const struct netsim_link *down, netsim_receive_fn *receive, void *ctx,
                    struct netsim_node **ret)
{
    *ret = NULL;
    struct netsim_node *node = calloc(1, sizeof *node);
    if (!node)
        return ER_NOMEM;
    int er = map_add(sim->by_address, address, sizeof *address, node);
    if (er) {
        free(node);
        return er;
    }
    uint64_t seed = sim->seed * 1000003 + sim->node_count++ * 2;
    node->sim = sim;
    node->address = *address;
    node->receive = receive;
    node->ctx = ctx;
    direction_init(&node->up, up, seed);
    direction_init(&node->down, down, seed + 1);
    node->next = sim->nodes;
    sim->nodes = node;
    *ret = node;
    return 0;
}

void netsim_set_links(struct netsim_node *node, const struct netsim_link *up,
                      const struct netsim_link *down)
{
    if (up)
        node->up.link = *up;
    if (down)
        node->down.link = *down;
}

int netsim_rebind(struct netsim_node *node, const struct addr *address)
{
    int er = map_add(node->sim->by_address, address, sizeof *address, node);
    if (er)
        return er;
    map_remove(node->sim->by_address, &node->address, sizeof node->address);
    node->address = *address;
    netsim_note(node->sim, node->sim->now_us);
    return 0;
}

void netsim_silence(struct netsim_node *node)
{
    node->receive = NULL;
}

const struct addr *netsim_node_addr(const struct netsim_node *node)
{
    return &node->address;
}

const struct netsim_stats *netsim_node_stats(const struct netsim_node *node)
{
    return &node->stats;
}

const struct netsim_queue *netsim_node_queue(const struct netsim_node *node, bool up)
{
    return up ? &node->up.queue : &node->down.queue;
}

void netsim_queue_clear(struct netsim_node *node)
{
    node->up.queue = node->down.queue = (struct netsim_queue){0};
}

uint64_t netsim_queue_wait_us(const struct netsim_queue *q, unsigned percent)
{
    uint64_t seen = 0;
    for (size_t i = 0; i < NETSIM_WAIT_BUCKETS; i++) {
        seen += q->waits[i];
        if (q->datagrams && seen * 100 >= q->datagrams * percent)
            return (i + 1) * NETSIM_WAIT_US;
    }
    return 0;
}

/* The trace. */

static size_t traced_len(const uint8_t *data, size_t len)
{
    bool dtls = len > 0 && data[0] >= 20 && data[0] <= 63;
    return dtls ? NETSIM_DTLS_BYTES : len;
}

static void trace(struct netsim *sim, const struct addr *from, const struct addr *to, size_t len,
                  enum netsim_fate fate)
{
    static const char *const names[] = {"delivered", "lost", "queue_full", "unreachable"};
    netsim_note(sim, sim->now_us);
    netsim_note(sim, (uint64_t)from->port << 32 | to->port);
    netsim_note(sim, (uint64_t)from->ip[15] << 8 | to->ip[15]);
    netsim_note(sim, (uint64_t)len << 8 | fate);
    if (!sim->log)
        return;
    char a[ADDR_TEXT_BYTES], b[ADDR_TEXT_BYTES];
    addr_format(from, a);
    addr_format(to, b);
    fprintf(sim->log, "%llu %s %s %zu %s\n", (unsigned long long)sim->now_us, a, b, len,
            names[fate]);
}

/* Links. */

/** What the dice say about one datagram on one link. */
struct draw {
    bool lost;
    bool duplicated;
    bool held_back;
    uint64_t jitter_us;
};

/* Gilbert's model: in a burst all are lost; bursts end and begin by chance so that their mean length
 * and the share lost are as wished. */
static bool draw_loss(struct direction *d, uint64_t random)
{
    const struct netsim_link *l = &d->link;
    uint64_t ppm = l->loss_ppm;
    if (l->loss_burst > 1 && ppm > 0 && ppm < 1000000) {
        uint64_t end = 1000000 / l->loss_burst;
        uint64_t begin = ppm * end / (1000000 - ppm);
        ppm = d->in_burst ? 1000000 - end : begin;
    }
    d->in_burst = random % 1000000 < ppm;
    return d->in_burst;
}

/* The same number of draws for every datagram, so that a changed figure changes nothing else. */
static struct draw draw_fate(struct direction *d)
{
    uint64_t r[4];
    entropy_fill(&d->entropy, r, sizeof r);
    const struct netsim_link *l = &d->link;
    return (struct draw){
        .lost = draw_loss(d, r[0]),
        .duplicated = r[1] % 1000000 < l->duplicate_ppm,
        .held_back = r[2] % 1000000 < l->reorder_ppm,
        .jitter_us = l->jitter_us ? r[3] % (l->jitter_us + 1) : 0,
    };
}

/* Through the bottleneck, if there is one: false when the queue is full. */
static bool pass_queue(struct direction *d, size_t len, uint64_t *at_us)
{
    const struct netsim_link *l = &d->link;
    if (!l->rate_bps)
        return true;
    uint64_t start_us = d->busy_until_us > *at_us ? d->busy_until_us : *at_us;
    while (d->waiting && d->leaving_us[d->oldest % NETSIM_QUEUE] <= *at_us) {
        d->oldest++;
        d->waiting--;
    }
    uint64_t queue_us = l->queue_us ? l->queue_us : NETSIM_QUEUE_US;
    uint64_t wait_us = start_us - *at_us;
    bool full = l->queue_packets ? d->waiting >= l->queue_packets : wait_us > queue_us;
    if (full || d->waiting == NETSIM_QUEUE) {
        d->queue.dropped++;
        return false;
    }
    uint64_t bucket = wait_us / NETSIM_WAIT_US;
    d->queue.waits[bucket < NETSIM_WAIT_BUCKETS ? bucket : NETSIM_WAIT_BUCKETS - 1]++;
    d->queue.worst_us = wait_us > d->queue.worst_us ? wait_us : d->queue.worst_us;
    d->queue.datagrams++;
    d->queue.bytes += len;
    *at_us = d->busy_until_us = start_us + (uint64_t)len * 8000000 / l->rate_bps;
    d->leaving_us[(d->oldest + d->waiting++) % NETSIM_QUEUE] = *at_us;
    return true;
}

/* When a datagram that enters at `at_us` leaves the link; false: it never does. */
static bool pass_link(struct direction *d, size_t len, uint64_t *at_us, bool *ret_twice,
                      enum netsim_fate *ret_fate)
{
    const struct netsim_link *l = &d->link;
    struct draw draw = draw_fate(d);
    if (!pass_queue(d, len, at_us)) {
        *ret_fate = NETSIM_QUEUE_FULL;
        return false;
    }
    if (draw.lost) {
        *ret_fate = NETSIM_LOST;
        return false;
    }
    *ret_twice = *ret_twice || draw.duplicated;
    *at_us += l->delay_us + draw.jitter_us;
    if (draw.held_back) {
        *at_us += l->reorder_us;
    } else if (!l->jitter_us || l->jitter_in_order) {
        /* Two at the same moment keep their order. */
        if (*at_us <= d->last_at_us)
            *at_us = d->last_at_us + 1;
        d->last_at_us = *at_us;
    }
    return true;
}

static void drop(struct datagram *d, enum netsim_fate fate)
{
    d->sender->stats.lost++;
    trace(d->sim, &d->from, &d->to, traced_len(d->bytes, d->len), fate);
    datagram_free(d);
}

static void put_in_flight(struct datagram *d, netsim_timer_fn *then, uint64_t at_us)
{
    d->timer = (struct netsim_timer){.fn = then, .ctx = d};
    netsim_timer_set(d->sim, &d->timer, at_us);
}

static struct datagram *datagram_new(struct netsim_node *sender, const struct addr *from,
                                     const struct addr *to, const uint8_t *data, size_t len)
{
    struct netsim *sim = sender->sim;
    struct datagram *d = malloc(sizeof *d + len);
    if (!d)
        abort();
    *d = (struct datagram){.sim = sim, .sender = sender, .from = *from, .to = *to, .len = len};
    memcpy(d->bytes, data, len);
    d->next = sim->in_flight;
    d->link = &sim->in_flight;
    if (d->next)
        d->next->link = &d->next;
    sim->in_flight = d;
    return d;
}

/* Out of the receiver's link. */
static void deliver(void *ctx, uint64_t now_us)
{
    struct datagram *d = ctx;
    struct netsim_node *node = d->receiver;
    if (!node->receive || !addr_equal(&node->address, &d->to)) {
        drop(d, NETSIM_UNREACHABLE);
        return;
    }
    trace(d->sim, &d->from, &d->to, traced_len(d->bytes, d->len), NETSIM_DELIVERED);
    node->stats.received++;
    node->receive(node->ctx, now_us, &d->from, d->bytes, d->len);
    datagram_free(d);
}

/* Out of the sender's link and into the receiver's. */
static void cross(void *ctx, uint64_t now_us)
{
    struct datagram *d = ctx;
    enum netsim_fate fate = NETSIM_UNREACHABLE;
    bool twice = false;
    d->receiver = map_get(d->sim->by_address, &d->to, sizeof d->to);
    if (!d->receiver ||
        !pass_link(&d->receiver->down, traced_len(d->bytes, d->len), &now_us, &twice, &fate)) {
        drop(d, fate);
        return;
    }
    if (twice) {
        struct datagram *copy = datagram_new(d->sender, &d->from, &d->to, d->bytes, d->len);
        copy->receiver = d->receiver;
        put_in_flight(copy, deliver, now_us + NETSIM_DUPLICATE_US);
    }
    put_in_flight(d, deliver, now_us);
}

void netsim_send(struct netsim_node *node, const struct addr *to, const uint8_t *data, size_t len)
{
    uint64_t at_us = node->sim->now_us;
    enum netsim_fate fate;
    bool twice = false;
    struct datagram *d = datagram_new(node, &node->address, to, data, len);
    node->stats.sent++;
    if (!pass_link(&node->up, traced_len(data, len), &at_us, &twice, &fate)) {
        drop(d, fate);
        return;
    }
    put_in_flight(d, cross, at_us);
    if (twice)
        put_in_flight(datagram_new(node, &node->address, to, data, len), cross,
                      at_us + NETSIM_DUPLICATE_US);
}

/* Time. */

void netsim_timer_set(struct netsim *sim, struct netsim_timer *timer, uint64_t at_us)
{
    if (at_us < sim->now_us)
        at_us = sim->now_us;
    if (heap_set(&sim->heap, &timer->node, at_us))
        abort();
}

bool netsim_step(struct netsim *sim)
{
    uint64_t at_us = heap_next_us(&sim->heap);
    if (at_us == HEAP_NEVER)
        return false;
    sim->now_us = at_us;
    struct netsim_timer *timer = container_of(heap_pop_due(&sim->heap, at_us), struct netsim_timer,
                                              node);
    timer->fn(timer->ctx, at_us);
    return true;
}

void netsim_run_until(struct netsim *sim, uint64_t at_us)
{
    while (heap_next_us(&sim->heap) <= at_us && netsim_step(sim))
        ;
    if (sim->now_us < at_us)
        sim->now_us = at_us;
}
