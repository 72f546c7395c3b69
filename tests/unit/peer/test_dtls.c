// SPDX-License-Identifier: Apache-2.0
/* DTLS associations against each other in virtual time: fragments in any order, losses on every
 * datagram, repetitions, the three SRTP profiles, wrong certificates. */
#include "media/peer/dtls.h"

#include <openssl/ssl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/entropy.h"
#include "base/er.h"
#include "base/limits.h"

#define DELAY_US 10000u
#define WIRE_SLOTS 256

struct datagram {
    uint64_t at_us; /* 0: free */
    bool to_server;
    size_t len;
    uint8_t bytes[LIMIT_DTLS_MTU];
};

struct fate {
    int copies;
    uint64_t extra_us; /* later than DELAY_US */
};

struct pair;
typedef struct fate fate_fn(struct pair *p, bool to_server, unsigned index);

struct pair {
    struct dtls_identity *client_id;
    struct dtls_identity *server_id;
    struct dtls *client;
    struct dtls *server;
    uint64_t now_us;
    unsigned sent[2]; /* datagrams per direction, [1] to the server */
    fate_fn *fate;
    unsigned wanted; /* parameter of the fate functions */
    struct entropy entropy;
    struct entropy_seeded seeded;
    struct datagram wire[WIRE_SLOTS];
};

static struct span text(const char *s)
{
    return span_of(s);
}

static struct fate arrives(struct pair *p, bool to_server, unsigned index)
{
    (void)p;
    (void)to_server;
    (void)index;
    return (struct fate){1, 0};
}

static void pair_open(struct pair *p)
{
    memset(p, 0, sizeof *p);
    p->now_us = 1000000;
    p->fate = arrives;
    p->entropy = entropy_seeded_init(&p->seeded, 7);
    assert_int_equal(dtls_identity_new(&p->client_id), 0);
    assert_int_equal(dtls_identity_new(&p->server_id), 0);
    assert_int_equal(dtls_new(&p->client, p->client_id, false, text("sha-256"),
                              text(dtls_identity_fingerprint(p->server_id))),
                     0);
    assert_int_equal(dtls_new(&p->server, p->server_id, true, text("SHA-256"),
                              text(dtls_identity_fingerprint(p->client_id))),
                     0);
}

static void pair_close(struct pair *p)
{
    dtls_free(p->client);
    dtls_free(p->server);
    dtls_identity_free(p->client_id);
    dtls_identity_free(p->server_id);
}

/* Fill the ClientHello with application protocols, so that it needs several datagrams. */
static void fatten_hello(struct pair *p, size_t bytes)
{
    uint8_t protocols[4096];
    size_t at = 0;
    while (at + 200 < bytes) {
        protocols[at] = 199;
        memset(protocols + at + 1, 'a' + (int)(at / 200 % 26), 199);
        at += 200;
    }
    assert_int_equal(SSL_set_alpn_protos(dtls_openssl(p->client), protocols, (unsigned)at), 0);
}

static void put_on_wire(struct pair *p, bool to_server, const uint8_t *data, size_t len)
{
    assert_true(len <= LIMIT_DTLS_MTU);
    struct fate f = p->fate(p, to_server, p->sent[to_server]++);
    for (int i = 0; i < f.copies; i++) {
        struct datagram *d = p->wire;
        while (d->at_us)
            assert_true(++d < p->wire + WIRE_SLOTS);
        d->at_us = p->now_us + DELAY_US + f.extra_us + (uint64_t)i;
        d->to_server = to_server;
        d->len = len;
        memcpy(d->bytes, data, len);
    }
}

static void collect(struct pair *p)
{
    const uint8_t *data;
    size_t len;
    while (dtls_output(p->client, &data, &len))
        put_on_wire(p, true, data, len);
    while (dtls_output(p->server, &data, &len))
        put_on_wire(p, false, data, len);
}

static struct datagram *next_datagram(struct pair *p)
{
    struct datagram *next = NULL;
    for (struct datagram *d = p->wire; d < p->wire + WIRE_SLOTS; d++)
        if (d->at_us && (!next || d->at_us < next->at_us))
            next = d;
    return next;
}

/* One event; false when nothing will happen any more. */
static bool step(struct pair *p)
{
    struct datagram *d = next_datagram(p);
    uint64_t client_us = dtls_deadline_us(p->client), server_us = dtls_deadline_us(p->server);
    uint64_t timer_us = client_us < server_us ? client_us : server_us;
    if (!d && timer_us == UINT64_MAX)
        return false;
    if (d && d->at_us <= timer_us) {
        p->now_us = d->at_us;
        d->at_us = 0;
        uint8_t copy[LIMIT_DTLS_MTU];
        memcpy(copy, d->bytes, d->len);
        dtls_input(d->to_server ? p->server : p->client, p->now_us, copy, d->len);
    } else {
        p->now_us = timer_us;
        dtls_expire(p->client, p->now_us);
        dtls_expire(p->server, p->now_us);
    }
    collect(p);
    return true;
}

/* Runs until both are connected; microseconds it took. */
static uint64_t handshake(struct pair *p)
{
    uint64_t began_us = p->now_us;
    assert_int_equal(dtls_start(p->client, p->now_us), 0);
    collect(p);
    for (int i = 0; i < 2000; i++) {
        if (dtls_get_state(p->client) != DTLS_HANDSHAKE &&
            dtls_get_state(p->server) != DTLS_HANDSHAKE)
            break;
        if (!step(p))
            break;
    }
    return p->now_us - began_us;
}

static void assert_connected(struct pair *p)
{
    struct srtp_keys a, b;
    assert_int_equal(dtls_get_state(p->client), DTLS_CONNECTED);
    assert_int_equal(dtls_get_state(p->server), DTLS_CONNECTED);
    assert_int_equal(dtls_export(p->client, &a), 0);
    assert_int_equal(dtls_export(p->server, &b), 0);
    assert_memory_equal(&a, &b, sizeof a);
    assert_int_not_equal(a.profile, SRTP_PROFILE_NONE);
    assert_memory_not_equal(a.client, a.server, 16);
}

static void test_connects_and_prefers_gcm_128(void **state)
{
    (void)state;
    struct pair p;
    struct srtp_keys keys;
    pair_open(&p);
    assert_int_equal(dtls_export(p.server, &keys), ER_CONFLICT);
    assert_true(dtls_deadline_us(p.server) == UINT64_MAX);
    uint64_t took_us = handshake(&p);
    assert_connected(&p);
    assert_int_equal(dtls_export(p.server, &keys), 0);
    assert_int_equal(keys.profile, SRTP_PROFILE_AEAD_AES_128_GCM);
    assert_int_equal(keys.len, 28);
    assert_true(took_us <= 4 * DELAY_US);
    assert_true(dtls_deadline_us(p.server) == UINT64_MAX);
    assert_true(dtls_deadline_us(p.client) == UINT64_MAX);
    pair_close(&p);
}

static void test_each_profile(void **state)
{
    (void)state;
    static const struct {
        const char *offered;
        enum srtp_profile profile;
        size_t len;
    } table[] = {
        {"SRTP_AES128_CM_SHA1_80", SRTP_PROFILE_AES128_CM_SHA1_80, 30},
        {"SRTP_AEAD_AES_256_GCM", SRTP_PROFILE_AEAD_AES_256_GCM, 44},
        {"SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_128_GCM", SRTP_PROFILE_AEAD_AES_128_GCM, 28},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct pair p;
        struct srtp_keys keys;
        pair_open(&p);
        assert_int_equal(SSL_set_tlsext_use_srtp(dtls_openssl(p.client), table[i].offered), 0);
        handshake(&p);
        assert_connected(&p);
        assert_int_equal(dtls_export(p.server, &keys), 0);
        assert_int_equal(keys.profile, table[i].profile);
        assert_int_equal(keys.len, table[i].len);
        pair_close(&p);
    }
}

static struct fate first_flight_reversed(struct pair *p, bool to_server, unsigned index)
{
    (void)p;
    return (struct fate){1, to_server && index < 3 ? 1000u * (3 - index) : 0};
}

static struct fate one_lost(struct pair *p, bool to_server, unsigned index)
{
    return (struct fate){to_server && index == p->wanted ? 0 : 1, 0};
}

static struct fate reversed_and_one_lost(struct pair *p, bool to_server, unsigned index)
{
    struct fate f = first_flight_reversed(p, to_server, index);
    f.copies = to_server && index == p->wanted ? 0 : 1;
    return f;
}

static struct fate all_twice(struct pair *p, bool to_server, unsigned index)
{
    (void)p;
    (void)to_server;
    (void)index;
    return (struct fate){2, 0};
}

static void run_fat_hello(size_t bytes, fate_fn *fate, unsigned wanted, unsigned max_repeats)
{
    struct pair p;
    pair_open(&p);
    fatten_hello(&p, bytes);
    p.fate = fate;
    p.wanted = wanted;
    uint64_t took_us = handshake(&p);
    assert_connected(&p);
    assert_true(p.sent[1] >= 3); /* hello in pieces, and the client's second flight */
    assert_true(took_us <= 10 * DELAY_US + max_repeats * 100000u);
    pair_close(&p);
}

static void test_hello_in_two_datagrams(void **state)
{
    (void)state;
    run_fat_hello(1400, arrives, 0, 0);
    run_fat_hello(1400, first_flight_reversed, 0, 0);
    run_fat_hello(1400, all_twice, 0, 0);
    for (unsigned lost = 0; lost < 2; lost++) {
        run_fat_hello(1400, one_lost, lost, 1);
        run_fat_hello(1400, reversed_and_one_lost, lost, 1);
    }
}

static void test_hello_in_three_datagrams(void **state)
{
    (void)state;
    run_fat_hello(2800, arrives, 0, 0);
    run_fat_hello(2800, first_flight_reversed, 0, 0);
    for (unsigned lost = 0; lost < 3; lost++)
        run_fat_hello(2800, reversed_and_one_lost, lost, 1);
}

static struct fate one_lost_either_way(struct pair *p, bool to_server, unsigned index)
{
    return (struct fate){index == p->wanted / 2 && to_server == (p->wanted & 1) ? 0 : 1, 0};
}

static void test_any_single_loss_is_healed(void **state)
{
    (void)state;
    for (unsigned wanted = 0; wanted < 12; wanted++) {
        struct pair p;
        pair_open(&p);
        p.fate = one_lost_either_way;
        p.wanted = wanted;
        uint64_t took_us = handshake(&p);
        assert_connected(&p);
        assert_true(took_us <= 350000);
        pair_close(&p);
    }
}

static struct fate random_fate(struct pair *p, bool to_server, unsigned index)
{
    (void)to_server;
    (void)index;
    uint64_t r = entropy_u64(&p->entropy);
    return (struct fate){r % 10 < 3 ? 0 : r % 10 < 4 ? 2 : 1, (r >> 8) % 30000};
}

static void test_random_loss_and_reorder(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 40; seed++) {
        struct pair p;
        pair_open(&p);
        fatten_hello(&p, 1400);
        p.entropy = entropy_seeded_init(&p.seeded, seed);
        p.fate = random_fate;
        handshake(&p);
        assert_connected(&p);
        pair_close(&p);
    }
}

static struct fate servers_end_lost(struct pair *p, bool to_server, unsigned index)
{
    (void)index;
    bool final = !to_server && dtls_get_state(p->server) == DTLS_CONNECTED;
    return (struct fate){final && p->wanted-- > 0 ? 0 : 1, 0};
}

static void test_lost_final_flight_is_echoed(void **state)
{
    (void)state;
    struct pair p;
    pair_open(&p);
    p.fate = servers_end_lost;
    p.wanted = 3;
    handshake(&p);
    assert_connected(&p);
    pair_close(&p);
}

static struct fate nothing_arrives(struct pair *p, bool to_server, unsigned index)
{
    (void)p;
    (void)to_server;
    (void)index;
    return (struct fate){0, 0};
}

static void test_gives_up(void **state)
{
    (void)state;
    struct pair p;
    pair_open(&p);
    p.fate = nothing_arrives;
    assert_int_equal(dtls_start(p.client, p.now_us), 0);
    collect(&p);
    assert_true(dtls_deadline_us(p.client) == p.now_us + 100000);
    uint64_t began_us = p.now_us;
    while (dtls_get_state(p.client) == DTLS_HANDSHAKE)
        assert_true(step(&p));
    assert_int_equal(dtls_get_state(p.client), DTLS_FAILED);
    assert_true(p.now_us - began_us == 20000000);
    assert_true(p.sent[1] >= 10 && p.sent[1] <= 20);
    assert_true(dtls_deadline_us(p.client) == UINT64_MAX);
    pair_close(&p);
}

static void swap_expectation(struct dtls **end, const struct dtls_identity *own, bool server)
{
    struct dtls_identity *other;
    assert_int_equal(dtls_identity_new(&other), 0);
    dtls_free(*end);
    assert_int_equal(
        dtls_new(end, own, server, text("sha-256"), text(dtls_identity_fingerprint(other))), 0);
    dtls_identity_free(other);
}

static void test_wrong_certificate_of_client(void **state)
{
    (void)state;
    struct pair p;
    struct srtp_keys keys;
    pair_open(&p);
    swap_expectation(&p.server, p.server_id, true);
    handshake(&p);
    assert_int_equal(dtls_get_state(p.server), DTLS_FAILED);
    assert_int_equal(dtls_export(p.server, &keys), ER_CONFLICT);
    while (next_datagram(&p))
        step(&p);
    assert_int_equal(dtls_get_state(p.client), DTLS_FAILED); /* told by the alert */
    pair_close(&p);
}

static void test_wrong_certificate_of_server(void **state)
{
    (void)state;
    struct pair p;
    pair_open(&p);
    swap_expectation(&p.client, p.client_id, false);
    handshake(&p);
    assert_int_equal(dtls_get_state(p.client), DTLS_FAILED);
    pair_close(&p);
}

static void test_without_a_common_profile(void **state)
{
    (void)state;
    struct pair p;
    pair_open(&p);
    assert_int_equal(SSL_set_tlsext_use_srtp(dtls_openssl(p.client), "SRTP_AES128_CM_SHA1_32"), 0);
    handshake(&p);
    assert_int_equal(dtls_get_state(p.server), DTLS_FAILED);
    pair_close(&p);
}

static void test_close_notify(void **state)
{
    (void)state;
    struct pair p;
    pair_open(&p);
    handshake(&p);
    dtls_close(p.server);
    assert_int_equal(dtls_get_state(p.server), DTLS_CLOSED);
    collect(&p);
    while (next_datagram(&p))
        step(&p);
    assert_int_equal(dtls_get_state(p.client), DTLS_CLOSED);
    uint8_t record[13] = {22};
    assert_int_equal(dtls_input(p.client, p.now_us, record, sizeof record), ER_CLOSED);
    pair_close(&p);
}

/* A record of this type whose header is right and whose body is noise. */
static void make_noise(struct pair *p, uint8_t *noise, size_t len, uint8_t type)
{
    static const uint8_t header[] = {0, 254, 253, 0, 0, 0, 0, 0, 0, 0, 1};
    entropy_fill(&p->entropy, noise, len);
    memcpy(noise, header, sizeof header);
    noise[0] = type;
    noise[11] = 0;
    noise[12] = (uint8_t)(len - 13);
}

static void test_garbage_is_ignored(void **state)
{
    (void)state;
    struct pair p;
    uint8_t noise[200];
    pair_open(&p);
    assert_int_equal(dtls_input(p.server, p.now_us, noise, 5), ER_MALFORMED);
    for (int i = 0; i < 500; i++) {
        make_noise(&p, noise, sizeof noise, (uint8_t)(20 + i % 44));
        if (noise[0] < 23)
            noise[4] = 1; /* in the clear they would be a forged part of the handshake */
        dtls_input(p.server, p.now_us, noise, sizeof noise);
    }
    assert_int_equal(dtls_get_state(p.server), DTLS_HANDSHAKE);
    handshake(&p);
    assert_connected(&p);
    for (int i = 0; i < 500; i++) {
        make_noise(&p, noise, sizeof noise, (uint8_t)(20 + i % 44));
        noise[4] = (uint8_t)(i & 1);
        dtls_input(p.server, p.now_us, noise, sizeof noise);
    }
    assert_connected(&p);
    pair_close(&p);
}

static void test_fingerprints_are_parsed(void **state)
{
    (void)state;
    struct dtls_identity *id;
    struct dtls *d;
    assert_int_equal(dtls_identity_new(&id), 0);
    const char *own = dtls_identity_fingerprint(id);
    assert_int_equal(strlen(own), 95);
    assert_int_equal(dtls_new(&d, id, true, text("sha-1"), text(own)), ER_UNSUPPORTED);
    assert_int_equal(dtls_new(&d, id, true, text("sha-512"), text(own)), ER_MALFORMED);
    assert_int_equal(dtls_new(&d, id, true, text("sha-256"), text("AB:CD")), ER_MALFORMED);
    char bad[96];
    memcpy(bad, own, sizeof bad);
    bad[2] = '-';
    assert_int_equal(dtls_new(&d, id, true, text("sha-256"), text(bad)), ER_MALFORMED);
    memcpy(bad, own, sizeof bad);
    bad[0] = 'x';
    assert_int_equal(dtls_new(&d, id, true, text("sha-256"), text(bad)), ER_MALFORMED);
    assert_null(d);
    dtls_identity_free(id);
    dtls_identity_free(NULL);
    dtls_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connects_and_prefers_gcm_128),
        cmocka_unit_test(test_each_profile),
        cmocka_unit_test(test_hello_in_two_datagrams),
        cmocka_unit_test(test_hello_in_three_datagrams),
        cmocka_unit_test(test_any_single_loss_is_healed),
        cmocka_unit_test(test_random_loss_and_reorder),
        cmocka_unit_test(test_lost_final_flight_is_echoed),
        cmocka_unit_test(test_gives_up),
        cmocka_unit_test(test_wrong_certificate_of_client),
        cmocka_unit_test(test_wrong_certificate_of_server),
        cmocka_unit_test(test_without_a_common_profile),
        cmocka_unit_test(test_close_notify),
        cmocka_unit_test(test_garbage_is_ignored),
        cmocka_unit_test(test_fingerprints_are_parsed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
