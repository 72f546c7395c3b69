// SPDX-License-Identifier: Apache-2.0
/* The fake browser: connectivity checks, handshake, packets in and out. */
#include "tests/sim/browser.h"

#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/heap.h"
#include "media/wire/stun.h"
#include "tests/sim/browser_private.h"

#define CHECK_FIRST_US 50000u
#define CHECK_US 500000u
#define REPORT_US 1000000u
#define FEEDBACK_US 100000u
#define HELLO_PADDING 1200

int browser_new(struct browser **ret, const struct browser_config *config)
{
    struct browser *b = *ret = calloc(1, sizeof *b);
    if (!b)
        return ER_NOMEM;
    b->config = *config;
    b->entropy = entropy_seeded_init(&b->seeded, config->seed);
    b->session_id = entropy_u64(&b->entropy) >> 2;
    b->next_check_us = HEAP_NEVER;
    b->next_report_us = b->next_feedback_us = HEAP_NEVER;
    b->rtt_us = 100000;
    browser_restart_ice(b);
    return 0;
}

void browser_free(struct browser *b)
{
    if (!b)
        return;
    for (size_t i = 0; i < b->line_count; i++) {
        for (size_t k = 0; k < BROWSER_ENCODINGS; k++)
            sender_free(browser_sender(&b->lines[i], k));
        receiver_free(b->lines[i].receiver);
    }
    dtls_free(b->dtls);
    srtp_pair_free(b->srtp);
    free(b);
}

static void send_datagram(struct browser *b, const uint8_t *data, size_t len)
{
    b->stats.datagrams_out++;
    b->config.send(b->config.ctx, &b->remote, data, len);
}

/* ICE. */

static void send_check(struct browser *b, uint64_t now_us)
{
    uint8_t buf[700];
    char username[520];
    snprintf(username, sizeof username, "%s:%s", b->remote_ufrag, b->ufrag);
    struct stun_request request = {.username = username,
                                   .priority = 0x6e7f1eff,
                                   .tie_breaker = b->session_id,
                                   .controlling = true,
                                   .use_candidate = b->paired};
    entropy_fill(&b->entropy, request.transaction, sizeof request.transaction);
    size_t place = b->stats.checks++ % BROWSER_CHECKS;
    b->checks[place].sent_us = now_us;
    memcpy(b->checks[place].transaction, request.transaction, sizeof request.transaction);
    int len = stun_write_request(buf, sizeof buf, &request, b->remote_pwd);
    if (len < 0)
        abort();
    send_datagram(b, buf, (size_t)len);
    uint64_t steady_us = b->config.check_interval_us ? b->config.check_interval_us : CHECK_US;
    b->next_check_us = now_us + (browser_is_connected(b) ? steady_us : CHECK_FIRST_US);
}

static void flush_dtls(struct browser *b)
{
    const uint8_t *data;
    size_t len;
    while (dtls_output(b->dtls, &data, &len))
        send_datagram(b, data, len);
}

/* Application protocols of nonsense make the ClientHello as long as that of a real browser. */
static void shape_hello(struct browser *b)
{
    SSL *ssl = dtls_openssl(b->dtls);
    if (b->config.srtp_profiles && SSL_set_tlsext_use_srtp(ssl, b->config.srtp_profiles) != 0)
        abort();
    if (!b->config.big_hello)
        return;
    uint8_t protocols[HELLO_PADDING];
    for (size_t at = 0; at < sizeof protocols; at += 200) {
        memset(protocols + at, 'a' + (int)(at / 200), 200);
        protocols[at] = 199;
    }
    if (SSL_set_alpn_protos(ssl, protocols, sizeof protocols) != 0)
        abort();
}

static void take_stun(struct browser *b, uint64_t now_us, const uint8_t *data, size_t len)
{
    struct stun_message msg;
    if (stun_parse(data, len, &msg) || msg.type != STUN_BINDING_SUCCESS ||
        stun_check_integrity(data, len, &msg, b->remote_pwd)) {
        b->stats.malformed++;
        return;
    }
    uint64_t sent_us = 0;
    for (size_t i = 0; i < BROWSER_CHECKS; i++) {
        if (memcmp(msg.transaction, b->checks[i].transaction, sizeof msg.transaction) != 0)
            continue;
        sent_us = b->checks[i].sent_us;
        b->checks[i].sent_us = 0;
    }
    if (!sent_us)
        return; /* a duplicate, or too late */
    b->stats.checks_answered++;
    b->last_answer_us = now_us;
    uint64_t rtt_us = now_us - sent_us;
    b->rtt_us = b->paired ? (b->rtt_us * 7 + rtt_us) / 8 : rtt_us;
    if (b->paired)
        return;
    b->paired = true;
    shape_hello(b);
    dtls_start(b->dtls, now_us);
    flush_dtls(b);
    send_check(b, now_us); /* nominate at once */
}

/* DTLS. */

static void begin_media(struct browser *b, uint64_t now_us)
{
    struct srtp_keys keys;
    if (dtls_export(b->dtls, &keys) || srtp_pair_new(&b->srtp, &keys, false))
        abort();
    b->connected_us = now_us;
    b->next_report_us = now_us + REPORT_US / 2;
    b->next_feedback_us = now_us + FEEDBACK_US;
    for (size_t i = 0; i < b->line_count; i++) {
        for (size_t k = 0; k < BROWSER_ENCODINGS; k++) {
            struct sender *s = browser_sender(&b->lines[i], k);
            if (s)
                s->started_us = s->next_frame_us = now_us;
        }
    }
    if (b->config.real)
        browser_rate_start(b);
}

static void follow_dtls(struct browser *b, uint64_t now_us)
{
    flush_dtls(b);
    enum dtls_state state = dtls_get_state(b->dtls);
    if (state == DTLS_CONNECTED && !b->srtp)
        begin_media(b, now_us);
    if (state == DTLS_CLOSED || state == DTLS_FAILED)
        b->closed = true;
}

/* SRTP. */

void browser_send_rtp(void *browser, const uint8_t *packet, size_t len)
{
    struct browser *b = browser;
    uint8_t buf[SENDER_PACKET_BYTES + 64 + SRTP_OVERHEAD];
    memcpy(buf, packet, len);
    if (srtp_pair_protect_rtp(b->srtp, buf, &len))
        abort();
    if (b->number_given)
        congestion_sent(&b->congestion, b->now_us, (uint16_t)(b->transport_seq - 1), len);
    b->number_given = false;
    send_datagram(b, buf, len);
}

void browser_send_rtcp(struct browser *b, const uint8_t *data, size_t len)
{
    uint8_t buf[1200 + SRTP_OVERHEAD];
    memcpy(buf, data, len);
    if (srtp_pair_protect_rtcp(b->srtp, buf, &len))
        abort();
    send_datagram(b, buf, len);
}

uint16_t browser_next_transport_seq(void *browser)
{
    struct browser *b = browser;
    b->number_given = true;
    return b->transport_seq++;
}

static struct receiver *receiver_of(struct browser *b, uint32_t ssrc)
{
    for (size_t i = 0; i < b->line_count; i++) {
        struct receiver *r = b->lines[i].receiver;
        if (r && (r->config.ssrc == ssrc || (r->config.rtx_ssrc && r->config.rtx_ssrc == ssrc)))
            return r;
    }
    return NULL;
}

static void take_rtp(struct browser *b, uint64_t now_us, uint8_t *data, size_t len)
{
    struct rtp_packet packet;
    if (srtp_pair_unprotect_rtp(b->srtp, data, &len)) {
        b->stats.srtp_errors++;
        return;
    }
    if (rtp_parse(data, len, &packet)) {
        b->stats.malformed++;
        return;
    }
    const struct rtp_extension *x = rtp_find_extension(&packet, b->transport_cc_id);
    if (x && x->len == 2)
        twcc_record(&b->recorder, (uint16_t)(x->at[0] << 8 | x->at[1]), now_us);
    struct receiver *r = receiver_of(b, packet.ssrc);
    if (r)
        receiver_input(r, now_us, &packet);
    else
        b->stats.stray_packets++;
}

static void take_rtcp(struct browser *b, uint64_t now_us, uint8_t *data, size_t len)
{
    if (srtp_pair_unprotect_rtcp(b->srtp, data, &len))
        b->stats.srtp_errors++;
    else
        browser_input_rtcp(b, now_us, data, len);
}

void browser_input(struct browser *b, uint64_t now_us, const struct addr *from, const uint8_t *data,
                   size_t len)
{
    uint8_t copy[LIMIT_DATAGRAM];
    if (b->closed || !addr_equal(from, &b->remote) || len == 0 || len > sizeof copy)
        return;
    b->stats.datagrams_in++;
    b->now_us = now_us;
    memcpy(copy, data, len);
    if (stun_looks_like(copy, len)) {
        take_stun(b, now_us, copy, len);
    } else if (copy[0] >= 20 && copy[0] <= 63) {
        dtls_input(b->dtls, now_us, copy, len);
        follow_dtls(b, now_us);
    } else if (b->srtp && rtcp_looks_like(copy, len)) {
        take_rtcp(b, now_us, copy, len);
    } else if (b->srtp && rtp_or_rtcp(copy, len)) {
        take_rtp(b, now_us, copy, len);
    }
}

/* Time. */

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t browser_deadline_us(const struct browser *b)
{
    if (b->closed || !b->remote.port)
        return HEAP_NEVER;
    uint64_t at_us = b->next_check_us;
    if (b->dtls)
        at_us = earlier(at_us, dtls_deadline_us(b->dtls));
    if (!b->srtp)
        return at_us;
    at_us = earlier(at_us, b->next_report_us);
    if (b->transport_cc)
        at_us = earlier(at_us, b->next_feedback_us);
    for (size_t i = 0; i < b->line_count; i++) {
        for (size_t k = 0; k < BROWSER_ENCODINGS; k++)
            if (browser_sender(&b->lines[i], k))
                at_us = earlier(at_us, sender_deadline_us(browser_sender(&b->lines[i], k)));
        if (b->lines[i].receiver)
            at_us = earlier(at_us, receiver_deadline_us(b->lines[i].receiver));
    }
    return at_us;
}

static void expire_media(struct browser *b, uint64_t now_us)
{
    for (size_t i = 0; i < b->line_count; i++) {
        struct browser_line *line = &b->lines[i];
        for (size_t k = 0; k < BROWSER_ENCODINGS; k++)
            if (browser_sender(line, k))
                sender_expire(browser_sender(line, k), now_us, browser_send_rtp,
                              browser_next_transport_seq, b);
        if (line->receiver && receiver_deadline_us(line->receiver) <= now_us)
            browser_send_feedback(b, now_us, line);
    }
    if (now_us >= b->next_report_us) {
        b->next_report_us = now_us + REPORT_US;
        browser_send_reports(b, now_us);
    }
    if (b->transport_cc && now_us >= b->next_feedback_us) {
        b->next_feedback_us = now_us + FEEDBACK_US;
        browser_send_transport_feedback(b, now_us);
    }
}

void browser_expire(struct browser *b, uint64_t now_us)
{
    if (b->closed || !b->remote.port)
        return;
    b->now_us = now_us;
    if (now_us >= b->next_check_us)
        send_check(b, now_us);
    if (b->dtls && now_us >= dtls_deadline_us(b->dtls)) {
        dtls_expire(b->dtls, now_us);
        follow_dtls(b, now_us);
    }
    if (b->srtp && !b->closed)
        expire_media(b, now_us);
}

void browser_close(struct browser *b, uint64_t now_us)
{
    (void)now_us;
    if (b->dtls && b->paired && !b->closed) {
        dtls_close(b->dtls);
        flush_dtls(b);
    }
    b->closed = true;
}
