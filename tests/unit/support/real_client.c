// SPDX-License-Identifier: Apache-2.0
/* ICE, DTLS and SRTP over a connected UDP or TCP socket. */
#include "tests/unit/support/real_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "media/wire/rtp.h"
#include "media/wire/stun.h"
#include "tests/unit/peer/offers.h"
#include "tests/unit/support/tcp_pair.h"

#define WAIT_US 5000000u

void real_client_open_at(struct real_client *c, const char *ip, bool tcp)
{
    *c = (struct real_client){.fd = -1, .video_ssrc = 2001, .ip = ip, .tcp = tcp};
    assert_int_equal(srtp_pair_library_init(), 0);
    assert_int_equal(dtls_identity_new(&c->identity), 0);
    if (tcp)
        return;
    c->fd = socket(strchr(ip, ':') ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                   0);
    assert_true(c->fd >= 0);
}

void real_client_open(struct real_client *c)
{
    real_client_open_at(c, "127.0.0.1", false);
}

void real_client_close(struct real_client *c)
{
    dtls_free(c->dtls);
    srtp_pair_free(c->srtp);
    dtls_identity_free(c->identity);
    close(c->fd);
}

char *real_client_offer(const struct real_client *c, const char *direction)
{
    static const char both[] = CHROME_OFFER;
    const char *fingerprint = dtls_identity_fingerprint(c->identity);
    char *offer = calloc(1, sizeof both + 64);
    assert_non_null(offer);
    char *out = offer;
    for (const char *at = both; *at;) {
        if (strncmp(at, FINGERPRINT, strlen(FINGERPRINT)) == 0) {
            memcpy(out, fingerprint, strlen(FINGERPRINT));
            out += strlen(FINGERPRINT);
            at += strlen(FINGERPRINT);
        } else if (strncmp(at, "a=sendrecv", 10) == 0) {
            out += snprintf(out, 16, "a=%s", direction);
            at += 10;
        } else {
            *out++ = *at++;
        }
    }
    return offer;
}

static void value_of(char *ret, size_t size, const char *answer, const char *name)
{
    const char *at = strstr(answer, name);
    assert_non_null(at);
    at += strlen(name);
    assert_int_equal(str_copy_span(ret, size, (struct span){at, strcspn(at, "\r")}), 0);
}

uint16_t real_client_answer_port(const char *answer)
{
    char line[128], ip[64];
    unsigned port = 0;
    value_of(line, sizeof line, answer, "a=candidate:");
    assert_int_equal(sscanf(line, "%*s %*d %*s %*u %63s %u", ip, &port), 2);
    return (uint16_t)port;
}

void real_client_send(struct real_client *c, const void *data, size_t len)
{
    if (c->tcp) {
        tcp_put(c->fd, data, len);
        return;
    }
    assert_int_equal(send(c->fd, data, len, 0), (ssize_t)len);
}

static void flush(struct real_client *c)
{
    const uint8_t *data;
    size_t len;
    while (c->dtls && dtls_output(c->dtls, &data, &len))
        real_client_send(c, data, len);
}

static void take_keys(struct real_client *c)
{
    struct srtp_keys keys;
    if (c->srtp || !c->dtls || dtls_get_state(c->dtls) != DTLS_CONNECTED)
        return;
    assert_int_equal(dtls_export(c->dtls, &keys), 0);
    assert_int_equal(srtp_pair_new(&c->srtp, &keys, false), 0);
}

static void take(struct real_client *c, uint8_t *data, size_t len)
{
    struct stun_message msg;
    if (stun_looks_like(data, len)) {
        assert_int_equal(stun_parse(data, len, &msg), 0);
        c->stun_count += msg.type == STUN_BINDING_SUCCESS;
    } else if (data[0] >= 20 && data[0] <= 63 && c->dtls) {
        (void)dtls_input(c->dtls, clock_now_us(), data, len);
        flush(c);
        take_keys(c);
    } else if (c->srtp && rtcp_looks_like(data, len)) {
        c->rtcp_count += srtp_pair_unprotect_rtcp(c->srtp, data, &len) == 0;
    } else if (c->srtp) {
        c->rtp_count += srtp_pair_unprotect_rtp(c->srtp, data, &len) == 0;
    }
}

void real_client_poll(struct real_client *c)
{
    uint8_t data[2048];
    struct pollfd p = {.fd = c->fd, .events = POLLIN};
    (void)poll(&p, 1, 50);
    while (c->tcp) {
        uint8_t *at;
        size_t room = framing_room(&c->in, &at), packet_len;
        ssize_t len = recv(c->fd, at, room, 0);
        if (len <= 0)
            break;
        framing_add(&c->in, (size_t)len);
        while (framing_next(&c->in, &at, &packet_len) == 1)
            take(c, at, packet_len);
    }
    while (!c->tcp) {
        ssize_t len = recv(c->fd, data, sizeof data, 0);
        if (len <= 0)
            break;
        take(c, data, (size_t)len);
    }
    if (c->dtls)
        dtls_expire(c->dtls, clock_now_us());
    flush(c);
}

void real_client_wait(struct real_client *c, const size_t *count, size_t wanted)
{
    uint64_t until_us = clock_now_us() + WAIT_US;
    while (*count < wanted) {
        assert_true(clock_now_us() < until_us);
        real_client_poll(c);
    }
}

static void check(struct real_client *c, const char *answer)
{
    char ufrag[64], pwd[64], username[128];
    uint8_t request[512];
    value_of(ufrag, sizeof ufrag, answer, "a=ice-ufrag:");
    value_of(pwd, sizeof pwd, answer, "a=ice-pwd:");
    snprintf(username, sizeof username, "%s:Rem1", ufrag);
    const struct stun_request r = {
        .username = username, .controlling = true, .use_candidate = true};
    int len = stun_write_request(request, sizeof request, &r, pwd);
    assert_true(len > 0);
    real_client_send(c, request, (size_t)len);
    real_client_wait(c, &c->stun_count, c->stun_count + 1);
}

void real_client_connect(struct real_client *c, const char *answer)
{
    char fingerprint[DTLS_FINGERPRINT_BYTES];
    struct addr to;
    struct sockaddr_storage sa;
    const char *from = c->tcp ? strstr(answer, " 1 tcp ") : answer;
    assert_non_null(from);
    unsigned port = real_client_answer_port(answer);
    if (c->tcp)
        assert_int_equal(sscanf(from, " 1 tcp %*u %*s %u typ host tcptype passive", &port), 1);
    assert_int_equal(addr_parse_ip(c->ip, (uint16_t)port, &to), 0);
    socklen_t len = addr_to_sockaddr(&to, false, &sa);
    if (c->tcp)
        c->fd = tcp_connect_to(&to);
    else
        assert_int_equal(connect(c->fd, (struct sockaddr *)&sa, len), 0);
    check(c, answer);
    value_of(fingerprint, sizeof fingerprint, answer, "a=fingerprint:sha-256 ");
    assert_int_equal(
        dtls_new(&c->dtls, c->identity, false, span_of("sha-256"), span_of(fingerprint)), 0);
    assert_int_equal(dtls_start(c->dtls, clock_now_us()), 0);
    flush(c);
    uint64_t until_us = clock_now_us() + WAIT_US;
    while (!c->srtp) {
        assert_true(clock_now_us() < until_us);
        real_client_poll(c);
    }
}

void real_client_picture(struct real_client *c, uint32_t timestamp, bool key)
{
    static const uint8_t intra[] = {0x10, 0x10, 0x02, 0x00, 0x9d, 0x01,
                                    0x2a, 0x80, 0x02, 0x68, 0x01};
    static const uint8_t inter[sizeof intra] = {0x10, 0x01};
    uint8_t packet[256];
    const struct rtp_header h = {.marker = true,
                                 .payload_type = 96,
                                 .seq = c->seq++,
                                 .timestamp = timestamp,
                                 .ssrc = c->video_ssrc};
    int at = rtp_write_header(packet, sizeof packet, &h);
    assert_true(at > 0);
    size_t len = (size_t)at + sizeof intra;
    memcpy(packet + at, key ? intra : inter, sizeof intra);
    assert_int_equal(srtp_pair_protect_rtp(c->srtp, packet, &len), 0);
    real_client_send(c, packet, len);
}
