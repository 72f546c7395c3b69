// SPDX-License-Identifier: Apache-2.0
/* Fake browser against a real `struct peer` over the virtual network. The peer's side is a mirror:
 * what the browser publishes comes back on the same m-line, and its NACKs and PLIs go back to it as
 * publisher, so that both halves of the browser are at work. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/er.h"
#include "media/peer/peer.h"
#include "tests/sim/attach.h"
#include "tests/sim/audit.h"

#define START_US 1000000u

struct mirror {
    struct netsim *sim;
    struct netsim_node *node;
    struct netsim_timer timer;
    struct entropy_seeded seeded;
    struct entropy entropy;
    struct dtls_identity *identity;
    struct addr address;
    struct peer *peer;
    uint64_t denied; /* DTLS and SRTP from paths not validated */
    uint64_t mirrored;
};

struct call {
    struct netsim *sim;
    struct dtls_identity *identity;
    struct mirror mirror;
    struct attached *client;
    struct browser *browser;
};

/* The mirror. */

static void mirror_send(void *ctx, const struct path *to, const uint8_t *data, size_t len)
{
    struct mirror *m = ctx;
    netsim_send(m->node, &to->remote, data, len);
}

static void mirror_touch(struct mirror *m)
{
    netsim_timer_set(m->sim, &m->timer, peer_deadline_us(m->peer));
}

static void mirror_expire(void *ctx, uint64_t now_us)
{
    struct mirror *m = ctx;
    assert_true(peer_expire(m->peer, now_us) >= 0);
    mirror_touch(m);
}

static void mirror_rtp(struct mirror *m, uint8_t *data, size_t len)
{
    struct rtp_packet packet;
    struct peer_match match;
    struct peer *p = m->peer;
    if (srtp_pair_unprotect_rtp(p->srtp, data, &len))
        return;
    assert_int_equal(rtp_parse(data, len, &packet), 0);
    int index = peer_match_line(p, &packet, &match);
    assert_true(index >= 0);
    const struct line *line = &p->negotiation.lines[index];
    assert_int_equal(line->kind, codec_describe(match.codec)->kind);
    if (!line->sends)
        return;
    put_u32(data + 8, match.rtx ? line->local_rtx_ssrc : line->local_ssrc);
    assert_int_equal(srtp_pair_protect_rtp(p->srtp, data, &len), 0);
    mirror_send(m, &p->ice.selected, data, len);
    m->mirrored++;
}

/* Feedback and reports about our SSRC become such about the browser's, and the other way round. */
static void mirror_rtcp(struct mirror *m, uint8_t *data, size_t len)
{
    struct peer *p = m->peer;
    if (srtp_pair_unprotect_rtcp(p->srtp, data, &len))
        return;
    bool report = data[1] == RTCP_SR;
    size_t at = report ? 4 : 8;
    if (len < 12 || (!report && data[1] != RTCP_RTPFB && data[1] != RTCP_PSFB))
        return;
    for (size_t i = 0; i < p->negotiation.line_count; i++) {
        const struct line *line = &p->negotiation.lines[i];
        uint32_t from = report ? line->remote_ssrc : line->local_ssrc;
        uint32_t to = report ? line->local_ssrc : line->remote_ssrc;
        if (!from || !to || get_u32(data + at) != from)
            continue;
        put_u32(data + at, to);
        assert_int_equal(srtp_pair_protect_rtcp(p->srtp, data, &len), 0);
        mirror_send(m, &p->ice.selected, data, len);
        return;
    }
}

static void mirror_receive(void *ctx, uint64_t now_us, const struct addr *from,
                           const uint8_t *bytes, size_t len)
{
    struct mirror *m = ctx;
    struct path path = {.remote = *from};
    uint8_t data[LIMIT_DATAGRAM + SRTP_OVERHEAD];
    struct stun_message msg;
    memcpy(data, bytes, len);
    if (stun_looks_like(data, len)) {
        if (stun_parse(data, len, &msg) == 0)
            peer_stun(m->peer, now_us, &path, data, len, &msg);
    } else if (!icelite_is_valid_path(&m->peer->ice, &path)) {
        m->denied++;
    } else if (data[0] >= 20 && data[0] <= 63) {
        peer_dtls(m->peer, now_us, &path, data, len);
    } else if (m->peer->srtp && rtcp_looks_like(data, len)) {
        mirror_rtcp(m, data, len);
    } else if (m->peer->srtp && rtp_or_rtcp(data, len)) {
        mirror_rtp(m, data, len);
    }
    mirror_touch(m);
}

static void mirror_open(struct mirror *m, struct netsim *sim, bool ipv6)
{
    m->sim = sim;
    m->timer = (struct netsim_timer){.fn = mirror_expire, .ctx = m};
    m->entropy = entropy_seeded_init(&m->seeded, 99);
    assert_int_equal(addr_parse_ip(ipv6 ? "2001:db8::1" : "198.51.100.1", 10000, &m->address), 0);
    assert_int_equal(dtls_identity_new(&m->identity), 0);
    assert_int_equal(netsim_add_node(sim, &m->address, NULL, NULL, mirror_receive, m, &m->node), 0);
    struct peer_config config = {.identity = m->identity,
                                 .entropy = &m->entropy,
                                 .send = mirror_send,
                                 .send_ctx = m,
                                 .candidates = &m->address,
                                 .candidate_count = 1};
    assert_int_equal(peer_new(&m->peer, &config, START_US), 0);
}

/* The call. */

static void negotiate(struct call *c)
{
    static const struct negotiate_rules rules = {.may_publish = true, .may_subscribe = true};
    char *offer, *answer;
    const char *why = NULL;
    assert_int_equal(browser_offer(c->browser, &offer), 0);
    if (peer_offer(c->mirror.peer, &rules, offer, strlen(offer), &answer, &why))
        fail_msg("offer refused: %s\n%s", why, offer);
    if (browser_answer(c->browser, netsim_now_us(c->sim), answer, strlen(answer), &why))
        fail_msg("answer refused: %s\n%s", why, answer);
    free(offer);
    free(answer);
    attached_touch(c->client);
    mirror_touch(&c->mirror);
}

static struct call *call_open(uint64_t seed, const struct netsim_link *link,
                              struct browser_config config)
{
    struct call *c = calloc(1, sizeof *c);
    struct addr address;
    assert_int_equal(srtp_pair_library_init(), 0);
    assert_int_equal(netsim_new(&c->sim, seed, START_US), 0);
    mirror_open(&c->mirror, c->sim, config.ipv6);
    assert_int_equal(dtls_identity_new(&c->identity), 0);
    assert_int_equal(addr_parse_ip(config.ipv6 ? "2001:db8::7" : "192.0.2.7", 5000, &address), 0);
    config.name = "alice";
    config.seed = seed;
    config.identity = c->identity;
    assert_int_equal(attached_new(&c->client, c->sim, &address, link, link, &config), 0);
    c->browser = c->client->browser;
    browser_add_line(c->browser, MEDIA_AUDIO, SDP_SENDRECV);
    browser_add_line(c->browser, MEDIA_VIDEO, SDP_SENDRECV);
    negotiate(c);
    return c;
}

static void call_close(struct call *c)
{
    netsim_timer_set(c->sim, &c->mirror.timer, HEAP_NEVER);
    attached_free(c->client);
    peer_free(c->mirror.peer);
    netsim_free(c->sim);
    dtls_identity_free(c->mirror.identity);
    dtls_identity_free(c->identity);
    free(c);
}

static void run_for(struct call *c, uint64_t us)
{
    netsim_run_until(c->sim, netsim_now_us(c->sim) + us);
}

/* Every frame of `line` captured in [from, to) and after the first that was shown was shown within
 * `within_us`; how many those were. */
static uint64_t assert_played(const struct call *c, size_t line, uint64_t from_us, uint64_t to_us,
                              uint64_t within_us)
{
    const struct sender *s = c->browser->lines[line].sender;
    const struct receiver *r = c->browser->lines[line].receiver;
    uint64_t shown_us = audit_frames(s, r, 0, HEAP_NEVER, within_us).first_us;
    assert_true(shown_us != 0);
    struct audit a = audit_frames(s, r, shown_us > from_us ? shown_us : from_us, to_us, within_us);
    if (a.decoded != a.frames)
        fail_msg("line %zu: of %u frames %u complete, %u decoded within %u us", line,
                 (unsigned)a.frames, (unsigned)a.complete, (unsigned)a.decoded,
                 (unsigned)within_us);
    assert_int_equal(a.misdated, 0);
    assert_int_equal(a.skewed, 0);
    assert_int_equal(r->stats.corrupt, 0);
    assert_int_equal(c->browser->stats.malformed, 0);
    assert_int_equal(c->browser->stats.stray_packets, 0);
    return a.frames;
}

static const struct netsim_link clean = {.delay_us = 12500};

static void test_clean(void **state)
{
    (void)state;
    struct call *c = call_open(1, &clean, (struct browser_config){.big_hello = true});
    run_for(c, 10000000);
    assert_int_equal(c->mirror.peer->state, PEER_CONNECTED);
    /* Check, hello, two flights: four round trips of 50 ms at most. */
    assert_true(c->browser->connected_us - START_US <= 200000);
    assert_true(c->browser->rtt_us >= 25000 && c->browser->rtt_us <= 26000);
    assert_in_range(assert_played(c, 0, 0, START_US + 9900000, 60000), 480, 500);
    assert_in_range(assert_played(c, 1, 0, START_US + 9900000, 60000), 285, 297);
    const struct sender *video = c->browser->lines[1].sender;
    assert_int_equal(video->stats.key_frames, 1);
    assert_int_equal(video->stats.nacked, 0);
    uint64_t bps = video->stats.bytes * 8 * 1000000 / (netsim_now_us(c->sim) - video->started_us);
    assert_in_range(bps, 1400000, 1700000);
    assert_true(c->browser->lines[1].receiver->last_sr_us != 0);
    assert_int_equal(c->mirror.denied, 0);
    assert_true(c->browser->stats.checks_answered >= 19);
    call_close(c);
}

static void test_connects_under_loss(void **state)
{
    (void)state;
    const uint64_t seeds = getenv("LOUPE_VALGRIND") ? 2 : 30;
    struct netsim_link link = {
        .delay_us = 25000, .jitter_us = 10000, .loss_ppm = 200000, .duplicate_ppm = 20000};
    uint64_t worst_us = 0;
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        struct call *c = call_open(seed, &link,
                                   (struct browser_config){.big_hello = true, .fps = 5});
        for (int i = 0; i < 150 && !c->browser->connected_us; i++)
            run_for(c, 100000);
        if (!c->browser->connected_us)
            fail_msg("seed %u did not connect", (unsigned)seed);
        run_for(c, 3000000);
        assert_int_equal(c->mirror.peer->state, PEER_CONNECTED);
        uint64_t took_us = c->browser->connected_us - START_US;
        worst_us = took_us > worst_us ? took_us : worst_us;
        call_close(c);
    }
    assert_true(worst_us < 5000000);
}

static void test_profiles_flavours_families(void **state)
{
    (void)state;
    static const struct browser_config configs[] = {
        {.srtp_profiles = "SRTP_AES128_CM_SHA1_80"},
        {.srtp_profiles = "SRTP_AEAD_AES_128_GCM"},
        {.srtp_profiles = "SRTP_AEAD_AES_256_GCM"},
        {.ipv6 = true},
        {.flavour = BROWSER_FIREFOX},
        {.without_ssrcs = true},
        {.without_rtx = true},
        {.without_transport_cc = true, .flavour = BROWSER_FIREFOX, .without_ssrcs = true},
    };
    struct netsim_link link = {.delay_us = 12500, .loss_ppm = 10000};
    for (size_t i = 0; i < sizeof configs / sizeof *configs; i++) {
        struct call *c = call_open(40 + i, &link, configs[i]);
        /* The mirror has no tape: what it saw already it takes for a replay. */
        if (configs[i].without_rtx)
            netsim_set_links(c->client->node, NULL, &clean);
        run_for(c, 4000000);
        assert_int_equal(c->mirror.peer->state, PEER_CONNECTED);
        assert_true(assert_played(c, 1, 0, START_US + 3000000, 400000) > 60);
        const struct sender *video = c->browser->lines[1].sender;
        assert_true(video->stats.retransmitted > 0);
        assert_true(!video->config.rtx_ssrc == configs[i].without_rtx);
        call_close(c);
    }
}

static void test_heavy_loss_is_healed(void **state)
{
    (void)state;
    struct netsim_link link = {.delay_us = 12500,
                               .jitter_us = 3000,
                               .loss_ppm = 50000,
                               .reorder_ppm = 20000,
                               .reorder_us = 8000,
                               .duplicate_ppm = 5000};
    struct call *c = call_open(5, &link, (struct browser_config){0});
    run_for(c, 20000000);
    assert_true(assert_played(c, 1, 0, START_US + 19000000, 800000) > 500);
    assert_true(c->browser->lines[1].receiver->stats.retransmitted > 100);
    call_close(c);
}

static void test_rebinding_goes_on(void **state)
{
    (void)state;
    struct call *c = call_open(6, &clean, (struct browser_config){0});
    run_for(c, 3000000);
    struct addr other;
    assert_int_equal(addr_parse_ip("203.0.113.50", 6000, &other), 0);
    uint64_t at_us = netsim_now_us(c->sim);
    assert_int_equal(netsim_rebind(c->client->node, &other), 0);
    run_for(c, 4000000);
    assert_true(addr_equal(&c->mirror.peer->ice.selected.remote, &other));
    assert_true(c->mirror.denied > 0); /* media ahead of the first check is not believed */
    assert_int_equal(c->mirror.peer->state, PEER_CONNECTED);
    assert_true(assert_played(c, 1, at_us + 1000000, at_us + 3800000, 100000) > 80);
    call_close(c);
}

static void test_outage_is_recovered_by_key_frame(void **state)
{
    (void)state;
    struct netsim_link dead = {.loss_ppm = 1000000};
    struct call *c = call_open(7, &clean, (struct browser_config){0});
    run_for(c, 2000000);
    netsim_set_links(c->client->node, NULL, &dead);
    run_for(c, 6000000);
    netsim_set_links(c->client->node, NULL, &clean);
    uint64_t back_us = netsim_now_us(c->sim);
    run_for(c, 5000000);
    assert_true(c->browser->lines[1].sender->stats.plis > 0);
    assert_true(c->browser->lines[1].sender->stats.key_frames > 1);
    assert_true(assert_played(c, 1, back_us + 2000000, back_us + 4800000, 100000) > 80);
    call_close(c);
}

static void test_silence_ends_the_peer(void **state)
{
    (void)state;
    struct netsim_link dead = {.loss_ppm = 1000000};
    struct call *c = call_open(8, &clean, (struct browser_config){.fps = 5});
    run_for(c, 2000000);
    netsim_set_links(c->client->node, &dead, &dead);
    run_for(c, 29000000);
    assert_int_equal(c->mirror.peer->state, PEER_CONNECTED);
    run_for(c, 2000000);
    assert_int_equal(c->mirror.peer->state, PEER_FAILED);
    call_close(c);
}

static void test_browser_says_goodbye(void **state)
{
    (void)state;
    struct call *c = call_open(9, &clean, (struct browser_config){.fps = 5});
    run_for(c, 2000000);
    browser_close(c->browser, netsim_now_us(c->sim));
    attached_touch(c->client);
    run_for(c, 100000);
    assert_int_equal(c->mirror.peer->state, PEER_CLOSED);
    call_close(c);
}

static void test_renegotiation_and_ice_restart(void **state)
{
    (void)state;
    struct call *c = call_open(10, &clean, (struct browser_config){0});
    run_for(c, 2000000);
    browser_restart_ice(c->browser);
    browser_add_line(c->browser, MEDIA_VIDEO, SDP_SENDRECV);
    negotiate(c);
    uint64_t at_us = netsim_now_us(c->sim);
    run_for(c, 3000000);
    assert_int_equal(c->mirror.peer->state, PEER_CONNECTED);
    assert_played(c, 0, 0, at_us + 2900000, 100000);
    assert_played(c, 1, 0, at_us + 2900000, 100000);
    const struct browser_line *added = &c->browser->lines[2];
    assert_true(added->sender->stats.frames > 80);
    assert_true(added->receiver->stats.frames > 75);
    browser_stop_line(c->browser, 2);
    browser_set_direction(c->browser, 1, SDP_SENDONLY);
    negotiate(c);
    run_for(c, 1000000);
    assert_true(added->rejected && !added->sender && !added->receiver);
    assert_null(c->browser->lines[1].receiver);
    assert_non_null(c->browser->lines[1].sender);
    call_close(c);
}

static uint64_t trace_of(uint64_t seed)
{
    struct netsim_link link = {
        .delay_us = 25000, .jitter_us = 5000, .loss_ppm = 50000, .duplicate_ppm = 10000};
    struct call *c = call_open(seed, &link, (struct browser_config){.big_hello = true});
    run_for(c, 5000000);
    assert_true(c->mirror.mirrored > 500);
    uint64_t hash = netsim_trace_hash(c->sim);
    call_close(c);
    return hash;
}

static void test_same_seed_same_trace(void **state)
{
    (void)state;
    uint64_t first = trace_of(11);
    for (int i = 0; i < 5; i++)
        assert_true(trace_of(11) == first);
    assert_true(trace_of(12) != first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clean),
        cmocka_unit_test(test_connects_under_loss),
        cmocka_unit_test(test_profiles_flavours_families),
        cmocka_unit_test(test_heavy_loss_is_healed),
        cmocka_unit_test(test_rebinding_goes_on),
        cmocka_unit_test(test_outage_is_recovered_by_key_frame),
        cmocka_unit_test(test_silence_ends_the_peer),
        cmocka_unit_test(test_browser_says_goodbye),
        cmocka_unit_test(test_renegotiation_and_ice_restart),
        cmocka_unit_test(test_same_seed_same_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
