// SPDX-License-Identifier: Apache-2.0
/* A person in the room who means harm: theft of an SSRC, feedback that was made up, storms of
 * requests. Each run is held against one in which that person does nothing: what the others send and
 * get must be the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/str.h"
#include "tests/sim/browser_private.h"
#include "tests/sim/sim_server.h"

#define START_US 1000000u
#define SECOND_US 1000000u
#define TICK_US 10000u
#define CALM_S 3
#define ATTACK_S 20
#define KEY_PACKETS 30
#define KEY_BYTES 31250 /* at 1.5 Mbit/s */
#define KEYS 14         /* key frames that one viewer may have made meanwhile, whatever it claims */

enum { VICTIM = 1, VIEWER, ATTACKER, PEOPLE };

struct world {
    struct netsim *sim;
    struct sim_server *server;
    struct dtls_identity *identity;
    struct attached *people[PEOPLE];
    uint32_t tick;
};

/** Once every TICK_US of the attack. */
typedef void attack_fn(struct world *w, struct browser *attacker);

/** What the others send and get while it lasts. */
struct outcome {
    uint64_t victim_keys, victim_nacked, victim_packets;
    uint64_t seen, bytes, shown, freezes, corrupt, concealed, resent;
    uint64_t attacker_bytes, attacker_resent;
    uint64_t closed;
};

static struct browser *enter(struct world *w, unsigned who, uint32_t stolen_ssrc)
{
    static const char *const names[] = {"", "victim", "viewer", "attacker"};
    static const struct netsim_link link = {.delay_us = 25000};
    char text[32];
    struct addr at;
    struct browser_config config = {.name = names[who],
                                    .seed = 100 + who,
                                    .identity = w->identity,
                                    .real = true,
                                    .audio_nack = true,
                                    .width = 640,
                                    .height = 480};
    (void)snprintf(text, sizeof text, "192.0.2.%u", 10 + who);
    assert_int_equal(addr_parse_ip(text, (uint16_t)(5000 + who), &at), 0);
    assert_int_equal(attached_new(&w->people[who], w->sim, &at, &link, &link, &config), 0);
    struct browser *b = w->people[who]->browser;
    browser_add_line(b, MEDIA_AUDIO, who == VIEWER ? SDP_RECVONLY : SDP_SENDRECV);
    browser_add_line(b, MEDIA_VIDEO, who == VIEWER ? SDP_RECVONLY : SDP_SENDRECV);
    if (stolen_ssrc)
        b->lines[1].ssrc = stolen_ssrc;
    struct media_peer_config peer = {.peer = who,
                                     .may_publish = who != VIEWER,
                                     .may_subscribe = true,
                                     .rank = who == VICTIM,
                                     .pick = MEDIA_PICK_PERSON};
    (void)str_copy(peer.identity, sizeof peer.identity, names[who]);
    (void)str_copy(peer.pick_identity, sizeof peer.pick_identity, names[VICTIM]);
    const char *why = "";
    int er = sim_server_offer(w->server, &peer, w->people[who], &why);
    if (er != 0)
        fail_msg("%s is refused: %s (%s)", names[who], why, er_name(er));
    return b;
}

static void note(const struct world *w, struct outcome *o)
{
    const struct sender *s = w->people[VICTIM]->browser->lines[1].sender;
    const struct receiver *r = w->people[VIEWER]->browser->lines[1].receiver;
    const struct receiver *own = w->people[ATTACKER]->browser->lines[1].receiver;
    *o = (struct outcome){.victim_keys = s->stats.key_frames,
                          .victim_nacked = s->stats.nacked,
                          .victim_packets = s->stats.packets,
                          .seen = r->stats.packets,
                          .bytes = r->bytes,
                          .shown = r->player->shown_count,
                          .freezes = r->player->stats.freezes,
                          .corrupt = r->stats.corrupt + r->player->stats.broken,
                          .resent = r->stats.retransmitted,
                          .attacker_bytes = own ? own->bytes : 0,
                          .attacker_resent = own ? own->stats.retransmitted : 0};
    o->concealed = w->people[VIEWER]->browser->lines[0].receiver->voice->stats.concealed;
    for (unsigned who = VICTIM; who < ATTACKER; who++)
        o->closed += !browser_is_connected(w->people[who]->browser);
}

/** What happened between two notes. */
static struct outcome between(const struct outcome *a, const struct outcome *b)
{
    return (struct outcome){.victim_keys = b->victim_keys - a->victim_keys,
                            .victim_nacked = b->victim_nacked - a->victim_nacked,
                            .victim_packets = b->victim_packets - a->victim_packets,
                            .seen = b->seen - a->seen,
                            .bytes = b->bytes - a->bytes,
                            .shown = b->shown - a->shown,
                            .freezes = b->freezes - a->freezes,
                            .corrupt = b->corrupt - a->corrupt,
                            .concealed = b->concealed - a->concealed,
                            .resent = b->resent - a->resent,
                            .attacker_bytes = b->attacker_bytes - a->attacker_bytes,
                            .attacker_resent = b->attacker_resent - a->attacker_resent,
                            .closed = b->closed};
}

static struct outcome run(attack_fn *attack, bool thief)
{
    struct world w = {0};
    struct addr at;
    struct outcome before, after;
    assert_int_equal(addr_parse_ip("192.0.2.1", 5000, &at), 0);
    assert_int_equal(srtp_pair_library_init(), 0);
    assert_int_equal(netsim_new(&w.sim, 1, START_US), 0);
    assert_int_equal(dtls_identity_new(&w.identity), 0);
    assert_int_equal(sim_server_new(&w.server, w.sim, &at, 1), 0);
    struct browser *victim = enter(&w, VICTIM, 0);
    enter(&w, VIEWER, 0);
    struct browser *attacker = enter(&w, ATTACKER, thief ? victim->lines[1].ssrc : 0);
    netsim_run_until(w.sim, START_US + CALM_S * SECOND_US);
    note(&w, &before);
    unsigned ticks = (getenv("LOUPE_VALGRIND") ? 3 : ATTACK_S) * SECOND_US / TICK_US;
    for (w.tick = 0; w.tick < ticks; w.tick++) {
        netsim_run_until(w.sim, netsim_now_us(w.sim) + TICK_US);
        if (attack)
            attack(&w, attacker);
        attached_touch(w.people[ATTACKER]);
    }
    note(&w, &after);
    for (size_t i = 0; i < PEOPLE; i++)
        attached_free(w.people[i]);
    sim_server_free(w.server);
    netsim_free(w.sim);
    dtls_identity_free(w.identity);
    return between(&before, &after);
}

/** But for what key frames are larger. */
static void assert_near(uint64_t is, uint64_t was, uint64_t more)
{
    assert_in_range(is, was - was / 50, was + was / 50 + more);
}

/** Nothing that another could notice, but for so many key frames. */
static void assert_unharmed(const struct outcome *is, const struct outcome *was, unsigned keys)
{
    print_message(
        "key frames %u, before %u; the viewer got %u packets, before %u; %u bytes, before "
        "%u; the attacker %u bytes, before %u\n",
        (unsigned)is->victim_keys, (unsigned)was->victim_keys, (unsigned)is->seen,
        (unsigned)was->seen, (unsigned)is->bytes, (unsigned)was->bytes,
        (unsigned)is->attacker_bytes, (unsigned)was->attacker_bytes);
    assert_in_range(is->victim_keys, was->victim_keys, was->victim_keys + keys);
    assert_int_equal(is->closed, 0);
    assert_int_equal(is->corrupt, 0);
    assert_int_equal(is->freezes, was->freezes);
    assert_int_equal(is->concealed, was->concealed);
    uint64_t more = is->victim_keys - was->victim_keys;
    assert_near(is->victim_packets, was->victim_packets, more * KEY_PACKETS);
    assert_near(is->seen, was->seen, more * KEY_PACKETS);
    assert_near(is->bytes, was->bytes, more * KEY_BYTES);
    /* An encoder that made a key frame may leave out a picture or two to keep its rate. */
    assert_true(is->shown + 3 * more + 2 >= was->shown);
    assert_true(is->victim_nacked <= was->victim_nacked + 2);
    assert_true(is->resent <= was->resent + 2);
}

/* The attacks. */

static uint32_t watched_ssrc(const struct browser *b)
{
    return b->lines[1].receiver->config.ssrc;
}

static void send_all(struct browser *b, const struct wr *w)
{
    assert_false(w->bad);
    browser_send_rtcp(b, w->start, wr_len(w));
}

static void plis_and_firs(struct world *w, struct browser *b)
{
    uint8_t buf[1100];
    uint32_t ssrcs[] = {watched_ssrc(b), w->people[VICTIM]->browser->lines[1].ssrc,
                        w->people[VIEWER]->browser->lines[1].receiver->config.ssrc};
    struct wr out = wr_make(buf, sizeof buf);
    for (uint8_t i = 0; i < 10; i++) {
        rtcp_write_pli(&out, 1, ssrcs[i % 3]);
        rtcp_write_fir(&out, 1, ssrcs[i % 3], (uint8_t)(w->tick + i));
    }
    send_all(b, &out);
}

static void nacks(struct world *w, struct browser *b)
{
    uint8_t buf[1100];
    uint16_t seqs[200];
    uint32_t ssrcs[] = {watched_ssrc(b), w->people[VICTIM]->browser->lines[1].ssrc,
                        w->people[VIEWER]->browser->lines[1].receiver->config.ssrc};
    struct wr out = wr_make(buf, sizeof buf);
    int64_t newest = b->lines[1].receiver->highest;
    for (size_t i = 0; i < 200; i++)
        seqs[i] = (uint16_t)(newest - 150 + (int64_t)i); /* also what is not there yet */
    for (size_t i = 0; i < 3; i++)
        rtcp_write_nack(&out, 1, ssrcs[i], seqs, 200);
    send_all(b, &out);
}

static void rembs(struct world *w, struct browser *b)
{
    static const uint64_t rates[] = {0, 1000, 30000, UINT64_MAX / 2, 100000000};
    uint8_t buf[300];
    uint32_t ssrcs[] = {watched_ssrc(b), w->people[VICTIM]->browser->lines[1].ssrc,
                        w->people[VIEWER]->browser->lines[1].receiver->config.ssrc};
    struct wr out = wr_make(buf, sizeof buf);
    rtcp_write_remb(&out, 1, rates[w->tick / 100 % 5], ssrcs, 3);
    send_all(b, &out);
}

/* Numbers that were never sent, at times that never were. */
static void transport_feedback(struct world *w, struct browser *b)
{
    struct twcc_recorder made_up = {0};
    uint64_t at_us = (w->tick % 3 == 0 ? 1u : 1u << 30) + w->tick * 1000003ull * (w->tick % 7);
    uint8_t buf[1200];
    struct wr out = wr_make(buf, sizeof buf);
    for (unsigned i = 0; i < 300; i++)
        twcc_record(&made_up, (uint16_t)(w->tick * 9973 + i), at_us + i * (w->tick % 5) * 20000);
    twcc_write(&made_up, &out, 1, watched_ssrc(b));
    if (!out.bad && wr_len(&out) > 0)
        send_all(b, &out);
}

static void reports(struct world *w, struct browser *b)
{
    uint8_t buf[600];
    struct rtcp_report lies[3] = {0};
    struct wr out = wr_make(buf, sizeof buf);
    uint32_t ssrcs[] = {watched_ssrc(b), w->people[VICTIM]->browser->lines[1].ssrc,
                        w->people[VIEWER]->browser->lines[1].receiver->config.ssrc};
    for (size_t i = 0; i < 3; i++)
        lies[i] = (struct rtcp_report){.ssrc = ssrcs[i],
                                       .fraction_lost = 255,
                                       .cumulative_lost = 0x7fffff,
                                       .highest_seq = UINT32_MAX,
                                       .jitter = UINT32_MAX,
                                       .last_sr = w->tick * 77777u,
                                       .delay_since_last_sr = w->tick};
    struct rtcp_sender_info info = {.ssrc = ssrcs[1], .ntp = w->tick, .rtp_timestamp = w->tick};
    rtcp_write_sr(&out, &info, lies, 3);
    rtcp_write_bye(&out, ssrcs[1]);
    send_all(b, &out);
}

static void garbage(struct world *w, struct browser *b)
{
    uint8_t packet[200] = {0x80, 96};
    uint32_t ssrc = w->people[VICTIM]->browser->lines[1].ssrc;
    for (size_t i = 12; i < sizeof packet; i++)
        packet[i] = (uint8_t)(w->tick * 31 + i * 7);
    for (uint16_t i = 0; i < 20; i++) {
        put_u16(packet + 2, (uint16_t)(w->tick * 20 + i));
        put_u32(packet + 4, w->tick * 90);
        put_u32(packet + 8, i & 1 ? ssrc : ssrc + 1 + i);
        browser_send_rtp(b, packet, sizeof packet);
    }
}

static void test_a_stolen_ssrc(void **state)
{
    (void)state;
    struct outcome was = run(NULL, false), is = run(NULL, true);
    assert_unharmed(&is, &was, 0);
    is = run(garbage, true);
    assert_unharmed(&is, &was, 0);
}

static void test_storms_of_requests(void **state)
{
    (void)state;
    struct outcome was = run(NULL, false);
    struct outcome is = run(plis_and_firs, false);
    assert_unharmed(&is, &was, KEYS);
    is = run(nacks, false);
    assert_unharmed(&is, &was, KEYS);
    /* It is sent again what it asks for up to its budget: no more than as much as it gets anyway. */
    assert_true(is.attacker_resent > 0);
    assert_true(is.attacker_bytes <= 2 * was.attacker_bytes + ATTACK_S * 70000);
}

static void test_feedback_made_up(void **state)
{
    (void)state;
    struct outcome was = run(NULL, false);
    attack_fn *attacks[] = {rembs, transport_feedback, reports};
    for (size_t i = 0; i < 3; i++) {
        struct outcome is = run(attacks[i], false);
        assert_unharmed(&is, &was, KEYS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_stolen_ssrc),
        cmocka_unit_test(test_storms_of_requests),
        cmocka_unit_test(test_feedback_made_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
