// SPDX-License-Identifier: Apache-2.0
/* No memory is taken or given back while packets are relayed: every malloc, free and their like that
 * happens within the hub over ten seconds of a warm room is counted, whichever library calls it. (The
 * linker wraps the hub's entries and the network that it sends to; see tests/CMakeLists.txt.) */
#include <execinfo.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/str.h"
#include "media/wire/rtp.h"
#include "tests/sim/sim_server.h"

#define SECOND_US 1000000u
#define VIEWERS 8
#define PUBLISHER 1
#define TRACES 8 /* shown of what was counted, with LOUPE_TRACE set */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define COUNTS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define COUNTS 0
#else
#define COUNTS 1
#endif
#else
#define COUNTS 1
#endif

static bool within;
static bool steady;
static size_t counted;
static size_t entries;

#if COUNTS
static void note(void)
{
    if (!within || !steady)
        return;
    within = false;
    if (counted++ < TRACES && getenv("LOUPE_TRACE")) {
        void *stack[24];
        backtrace_symbols_fd(stack, backtrace(stack, 24), STDERR_FILENO);
        (void)!write(STDERR_FILENO, "\n", 1);
    }
    within = true;
}

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *old);

void *malloc(size_t size)
{
    note();
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    note();
    return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    note();
    return __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    note();
    return __libc_memalign(alignment, size);
}

void free(void *old)
{
    if (old)
        note();
    __libc_free(old);
}
#endif

/* The hub's entries, and the way out of it */

void __real_hub_datagram(struct hub *h, uint64_t now_us, const struct path *from, uint8_t *data,
                         size_t len);
void __wrap_hub_datagram(struct hub *h, uint64_t now_us, const struct path *from, uint8_t *data,
                         size_t len);
void __real_hub_expire(struct hub *h, uint64_t now_us);
void __wrap_hub_expire(struct hub *h, uint64_t now_us);
void __real_netsim_send(struct netsim_node *node, const struct addr *to, const uint8_t *data,
                        size_t len);
void __wrap_netsim_send(struct netsim_node *node, const struct addr *to, const uint8_t *data,
                        size_t len);

void __wrap_hub_datagram(struct hub *h, uint64_t now_us, const struct path *from, uint8_t *data,
                         size_t len)
{
    entries++;
    within = rtp_or_rtcp(data, len); /* connectivity checks are not relaying */
    __real_hub_datagram(h, now_us, from, data, len);
    within = false;
}

void __wrap_hub_expire(struct hub *h, uint64_t now_us)
{
    entries++;
    within = true;
    __real_hub_expire(h, now_us);
    within = false;
}

void __wrap_netsim_send(struct netsim_node *node, const struct addr *to, const uint8_t *data,
                        size_t len)
{
    bool was = within;
    within = false;
    __real_netsim_send(node, to, data, len);
    within = was;
}

/* A room */

struct world {
    struct netsim *sim;
    struct sim_server *server;
    struct dtls_identity *identity;
    struct attached *people[VIEWERS + 2];
};

static struct addr address_of(unsigned host)
{
    char text[32];
    struct addr a;
    (void)snprintf(text, sizeof text, "192.0.2.%u", host);
    assert_int_equal(addr_parse_ip(text, (uint16_t)(5000 + host), &a), 0);
    return a;
}

static void enter(struct world *w, unsigned who, const struct netsim_link *link)
{
    struct addr at = address_of(10 + who);
    char name[16];
    (void)snprintf(name, sizeof name, "p%u", who);
    struct browser_config config = {.name = name, .seed = 100 + who, .identity = w->identity};
    assert_int_equal(attached_new(&w->people[who], w->sim, &at, link, link, &config), 0);
    bool publishes = who == PUBLISHER;
    enum sdp_direction direction = publishes ? SDP_SENDONLY : SDP_RECVONLY;
    browser_add_line(w->people[who]->browser, MEDIA_AUDIO, direction);
    browser_add_line(w->people[who]->browser, MEDIA_VIDEO, direction);
    struct media_peer_config peer = {
        .peer = who, .may_publish = publishes, .may_subscribe = !publishes, .rank = publishes};
    peer.keep_seen = !publishes; /* handed over every 30 s, which lies before what is counted */
    (void)str_copy(peer.identity, sizeof peer.identity, name);
    const char *why = "";
    assert_int_equal(sim_server_offer(w->server, &peer, w->people[who], &why), 0);
}

static void world_open(struct world *w, const struct netsim_link *link)
{
    struct addr at = address_of(1);
    memset(w, 0, sizeof *w);
    assert_int_equal(srtp_pair_library_init(), 0);
    assert_int_equal(netsim_new(&w->sim, 1, 1000 * SECOND_US), 0);
    assert_int_equal(dtls_identity_new(&w->identity), 0);
    assert_int_equal(sim_server_new(&w->server, w->sim, &at, 1), 0);
    for (unsigned who = PUBLISHER; who <= PUBLISHER + VIEWERS; who++)
        enter(w, who, link);
}

static void world_close(struct world *w)
{
    for (size_t i = 0; i < sizeof w->people / sizeof w->people[0]; i++)
        attached_free(w->people[i]);
    sim_server_free(w->server);
    netsim_free(w->sim);
    dtls_identity_free(w->identity);
}

static void run_for(struct world *w, uint64_t us)
{
    netsim_run_until(w->sim, netsim_now_us(w->sim) + us);
}

/** What is counted over ten seconds, some time after the last one came. */
static size_t count(const struct netsim_link *link)
{
    struct world w;
    world_open(&w, link);
    run_for(&w, 35 * SECOND_US);
    const struct media_counters *counters = hub_counters(w.server->hub);
    uint64_t packets = counters->packets_out;
    steady = true;
    counted = entries = 0;
    run_for(&w, 10 * SECOND_US);
    steady = false;
    packets = counters->packets_out - packets;
    print_message("%zu calls of the allocator in %zu entries of the hub, %u packets out\n", counted,
                  entries, (unsigned)packets);
    assert_true(entries > 1000);
    assert_true(packets > VIEWERS * 10u * (50 + 100));
    world_close(&w);
    return counted;
}

static void must_count(void)
{
    if (!COUNTS || getenv("LOUPE_VALGRIND"))
        skip(); /* the allocator is another one */
}

static void test_the_count_sees_what_happens(void **state)
{
    (void)state;
    must_count();
    struct world w;
    struct netsim_link link = {.delay_us = 10000};
    world_open(&w, &link);
    counted = 0;
    steady = true;
    run_for(&w, SECOND_US); /* handshakes, tapes, slots */
    steady = false;
    world_close(&w);
    assert_true(counted > 10);
}

static void test_steady_relay_allocates_nothing(void **state)
{
    (void)state;
    must_count();
    assert_int_equal(count(&(struct netsim_link){.delay_us = 10000}), 0);
}

static void test_relay_under_loss_allocates_nothing(void **state)
{
    (void)state;
    must_count();
    assert_int_equal(
        count(&(struct netsim_link){
            .delay_us = 10000, .loss_ppm = 10000, .reorder_ppm = 10000, .reorder_us = 5000}),
        0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_count_sees_what_happens),
        cmocka_unit_test(test_steady_relay_allocates_nothing),
        cmocka_unit_test(test_relay_under_loss_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
