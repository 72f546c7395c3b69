// SPDX-License-Identifier: Apache-2.0
/* The client's side of ICE, DTLS and SRTP, and notes of what reached it. */
#include "tests/unit/support/fake_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "media/wire/stun.h"
#include "media/wire/twcc.h"
#include "tests/unit/wire/dependency_write.h"

#define KEPT (sizeof((struct fake_client *)0)->rtp / sizeof(struct fake_rtp))
#define PASSWORD "clientpasswordof22plus"

struct path fake_client_path(const char *ip, uint16_t port)
{
    struct path p = {.via = 0};
    assert_int_equal(addr_parse_ip(ip, port, &p.remote), 0);
    return p;
}

struct fake_client *fake_client_new(struct fake_hub *f, uint64_t peer, const char *identity)
{
    char ip[32];
    struct fake_client *c = calloc(1, sizeof *c);
    assert_non_null(c);
    c->net = f;
    c->ufrag = "clnt";
    c->config.peer = peer;
    c->config.may_publish = c->config.may_subscribe = true;
    (void)str_copy(c->config.identity, sizeof c->config.identity, identity);
    snprintf(ip, sizeof ip, "198.51.100.%u", (unsigned)peer);
    c->at = fake_client_path(ip, 5000);
    for (size_t i = 0; i < FAKE_CLIENT_LINES; i++) {
        c->ssrc[i] = (uint32_t)(peer * 1000 + i * 10);
        c->rtx_ssrc[i] = c->ssrc[i] + 1;
    }
    assert_true(f->client_count < FAKE_HUB_CLIENTS);
    f->clients[f->client_count++] = c;
    return c;
}

void fake_client_free(struct fake_client *c)
{
    dtls_free(c->dtls);
    srtp_pair_free(c->srtp);
    free(c);
}

/* Offers */

static const char *direction_of(char letter)
{
    switch (letter) {
    case 's':
        return "sendonly";
    case 'r':
        return "recvonly";
    case 'b':
        return "sendrecv";
    default:
        return "inactive";
    }
}

static void write_line(const struct fake_client *c, struct wr *w, size_t i, const char *word)
{
    bool video = word[0] == 'v';
    wr_printf(w, "m=%s %d UDP/TLS/RTP/SAVPF %s\r\nc=IN IP4 0.0.0.0\r\n", video ? "video" : "audio",
              word[1] == '0' ? 0 : 9,
              !video                         ? "111"
              : c->video == FAKE_VP8         ? "96 97"
              : c->video == FAKE_VP8_AND_VP9 ? "96 97 98"
                                             : "98");
    wr_printf(w, "a=mid:%zu\r\na=rtcp-mux\r\na=rtcp-rsize\r\na=%s\r\n", i, direction_of(word[1]));
    wr_printf(w,
              "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=setup:actpass\r\na=fingerprint:sha-256 %s\r\n",
              c->ufrag, PASSWORD, dtls_identity_fingerprint(c->net->client_identity));
    wr_printf(w, "a=extmap:%d urn:ietf:params:rtp-hdrext:sdes:mid\r\na=extmap:%d %s\r\n",
              FAKE_EXT_MID, FAKE_EXT_TWCC, TWCC_URI);
    if (video && c->video != FAKE_VP8)
        wr_printf(w, "a=rtpmap:98 VP9/90000\r\na=fmtp:98 profile-id=0\r\n");
    if (video && c->video != FAKE_VP9)
        wr_printf(w, "a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\n"
                     "a=rtcp-fb:96 transport-cc\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n");
    if (!video)
        wr_printf(w,
                  "a=extmap:%d urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"
                  "a=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 transport-cc\r\n",
                  FAKE_EXT_LEVEL);
    if (word[1] != 's' && word[1] != 'b')
        return;
    wr_printf(w, "a=msid:stream label-%zu\r\n", i);
    if (video)
        wr_printf(w, "a=ssrc-group:FID %u %u\r\na=ssrc:%u cname:c\r\na=ssrc:%u cname:c\r\n",
                  c->ssrc[i], c->rtx_ssrc[i], c->ssrc[i], c->rtx_ssrc[i]);
    else
        wr_printf(w, "a=ssrc:%u cname:c\r\n", c->ssrc[i]);
}

void fake_client_write_offer(const struct fake_client *c, const char *lines, char *ret, size_t size)
{
    struct wr w = wr_make(ret, size);
    size_t count = 0;
    wr_printf(&w, "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE");
    for (const char *word = lines; *word; word += word[2] ? 3 : 2, count++)
        if (word[1] != '0')
            wr_printf(&w, " %zu", count);
    wr_printf(&w, "\r\n");
    count = 0;
    for (const char *word = lines; *word; word += word[2] ? 3 : 2)
        write_line(c, &w, count++, word);
    assert_false(w.bad);
}

static void copy_value(char *ret, size_t size, const char *answer, const char *name)
{
    const char *at = strstr(answer, name);
    assert_non_null(at);
    at += strlen(name);
    assert_int_equal(str_copy_span(ret, size, (struct span){at, strcspn(at, "\r")}), 0);
}

bool fake_client_offer(struct fake_client *c, const char *lines, const struct media_want *wants,
                       size_t want_count)
{
    struct fake_hub *f = c->net;
    char offer[16384];
    size_t count = 0;
    fake_client_write_offer(c, lines, offer, sizeof offer);
    for (const char *word = lines; *word; word += word[2] ? 3 : 2, count++) {
        assert_true(count < FAKE_CLIENT_LINES);
        c->kind[count] = word[0];
        c->sends[count] = word[1] == 's' || word[1] == 'b';
    }
    size_t before = f->event_count;
    if (c->remote_ufrag[0])
        hub_peer_offer(f->hub, f->now_us, &f->room, c->config.peer, 77, offer, strlen(offer), wants,
                       want_count);
    else
        hub_peer_add(f->hub, f->now_us, &f->room, &c->config, 77, offer, strlen(offer), wants,
                     want_count);
    assert_true(f->event_count > before);
    const struct media_event *e = &f->events[before % 512];
    assert_int_equal(e->request, 77);
    if (e->type != MEDIA_ANSWER)
        return false;
    copy_value(c->remote_ufrag, sizeof c->remote_ufrag, e->sdp, "a=ice-ufrag:");
    copy_value(c->remote_pwd, sizeof c->remote_pwd, e->sdp, "a=ice-pwd:");
    copy_value(c->remote_fingerprint, sizeof c->remote_fingerprint, e->sdp,
               "a=fingerprint:sha-256 ");
    return true;
}

/* Connecting */

void fake_client_send(struct fake_client *c, const struct path *from, const uint8_t *data,
                      size_t len)
{
    uint8_t *copy = malloc(len ? len : 1); /* of its exact size, so that overruns show */
    assert_non_null(copy);
    memcpy(copy, data, len);
    const struct datagram d = {.from = *from, .at_us = c->net->now_us, .data = copy, .len = len};
    hub_foresee(c->net->hub, &d, 1);
    hub_datagram(c->net->hub, c->net->now_us, from, copy, len);
    if (hub_deadline_us(c->net->hub) == 0) /* the turn ends */
        hub_expire(c->net->hub, c->net->now_us);
    free(copy);
}

void fake_client_check_from(struct fake_client *c, const struct path *from)
{
    char username[160];
    uint8_t request[512];
    snprintf(username, sizeof username, "%s:%s", c->remote_ufrag, c->ufrag);
    struct stun_request r = {.username = username, .controlling = true, .use_candidate = true};
    entropy_fill(&c->net->entropy, r.transaction, sizeof r.transaction);
    int len = stun_write_request(request, sizeof request, &r, c->remote_pwd);
    assert_true(len > 0);
    fake_client_send(c, from, request, (size_t)len);
    fake_hub_pump(c->net);
}

static void flush_dtls(struct fake_client *c)
{
    const uint8_t *data;
    size_t len;
    while (dtls_output(c->dtls, &data, &len))
        fake_client_send(c, &c->at, data, len);
}

void fake_client_connect(struct fake_client *c)
{
    struct srtp_keys keys;
    fake_client_check_from(c, &c->at);
    assert_int_equal(dtls_new(&c->dtls, c->net->client_identity, false, span_of("sha-256"),
                              span_of(c->remote_fingerprint)),
                     0);
    assert_int_equal(dtls_start(c->dtls, c->net->now_us), 0);
    flush_dtls(c);
    fake_hub_pump(c->net);
    assert_int_equal(dtls_get_state(c->dtls), DTLS_CONNECTED);
    if (c->srtp)
        return;
    assert_int_equal(dtls_export(c->dtls, &keys), 0);
    assert_int_equal(srtp_pair_new(&c->srtp, &keys, false), 0);
    fake_hub_run(c->net, LIMIT_BEGIN_AFTER_US);
}

struct fake_client *fake_client_join(struct fake_hub *f, uint64_t peer, const char *identity,
                                     const char *lines)
{
    struct fake_client *c = fake_client_new(f, peer, identity);
    assert_true(fake_client_offer(c, lines, NULL, 0));
    fake_client_connect(c);
    return c;
}

/* Media out */

size_t fake_client_write_media(struct fake_client *c, size_t line, uint16_t seq, uint32_t timestamp,
                               unsigned flags, uint8_t ret[LIMIT_DATAGRAM])
{
    static const uint8_t key[] = {0x10, 0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01};
    static const uint8_t vp9[] = {0x8c, 0x81, 0x00, 0xa2, 0x49, 0x83, 0x42, 0xe0, 0x28, 0x10, 0x16};
    static const uint8_t inter[11] = {0x10, 0x01}, sound[11] = {0xf8, 1, 2, 3};
    bool video = c->kind[line] == 'v', rtx = flags & FAKE_MEDIA_RTX;
    char mid[4];
    uint8_t transport[2], level = 0x80 | 30;
    struct dependency_writer w;
    if (flags & FAKE_MEDIA_KEY)
        dependency_key_of_three_temporal(&w, seq);
    else
        dependency_begin(&w, 3, 11, seq);
    snprintf(mid, sizeof mid, "%u", (unsigned)line);
    put_u16(transport, c->transport_seq++);
    const struct rtp_extension extensions[] = {
        {.id = flags & FAKE_MEDIA_DESCRIPTOR ? FAKE_EXT_DESCRIPTOR : 0,
         .len = (uint8_t)dependency_len(&w),
         .at = w.bytes},
        {.id = FAKE_EXT_TWCC, .len = 2, .at = transport},
        {.id = flags & FAKE_MEDIA_NO_MID ? 0 : FAKE_EXT_MID, .len = 1, .at = (uint8_t *)mid},
        {.id = video ? 0 : FAKE_EXT_LEVEL, .len = 1, .at = &level},
    };
    const struct rtp_header h = {
        .marker = video,
        .payload_type = rtx                      ? FAKE_PT_RTX
                        : flags & FAKE_MEDIA_VP9 ? FAKE_PT_VP9
                        : flags & FAKE_MEDIA_RED ? FAKE_PT_RED
                        : video                  ? FAKE_PT_VP8
                                                 : FAKE_PT_OPUS,
        .seq = rtx ? c->rtx_seq++ : seq,
        .timestamp = timestamp,
        .ssrc = rtx ? c->rtx_ssrc[line] : c->ssrc[line],
        .extensions = extensions,
        .extension_count = 4,
    };
    int at = rtp_write_header(ret, LIMIT_DATAGRAM, &h);
    assert_true(at > 0);
    size_t len = (size_t)at;
    if (rtx) {
        put_u16(ret + len, seq);
        len += 2;
    }
    if (flags & FAKE_MEDIA_RED) {
        const uint8_t red[] = {0x80 | FAKE_PT_OPUS, 0x0f, 0x00, 4, FAKE_PT_OPUS, 0xf8, 9, 9, 9};
        memcpy(ret + len, red, sizeof red);
        len += sizeof red;
    }
    const uint8_t *picture = flags & FAKE_MEDIA_VP9 ? vp9 : flags & FAKE_MEDIA_KEY ? key : inter;
    memcpy(ret + len, video ? picture : sound, sizeof key);
    len += sizeof key;
    assert_int_equal(srtp_pair_protect_rtp(c->srtp, ret, &len), 0);
    return len;
}

void fake_client_media(struct fake_client *c, size_t line, uint16_t seq, uint32_t timestamp,
                       unsigned flags)
{
    uint8_t packet[LIMIT_DATAGRAM];
    size_t len = fake_client_write_media(c, line, seq, timestamp, flags, packet);
    fake_client_send(c, &c->at, packet, len);
    fake_hub_pump(c->net);
}

void fake_client_rtcp(struct fake_client *c, const struct wr *w)
{
    uint8_t packet[LIMIT_DATAGRAM];
    size_t len = wr_len(w);
    assert_true(!w->bad && len + SRTP_OVERHEAD <= sizeof packet);
    memcpy(packet, w->start, len);
    assert_int_equal(srtp_pair_protect_rtcp(c->srtp, packet, &len), 0);
    fake_client_send(c, &c->at, packet, len);
    fake_hub_pump(c->net);
}

void fake_client_stream(struct fake_client *c, double seconds)
{
    for (unsigned turn = 0; turn < (unsigned)(seconds * 50); turn++) {
        for (size_t i = 0; i < FAKE_CLIENT_LINES; i++) {
            bool video = c->kind[i] == 'v';
            if (!c->sends[i] || (video && turn % 2))
                continue;
            fake_client_media(c, i, c->next_seq[i]++, c->next_timestamp[i],
                              turn == 0 ? FAKE_MEDIA_KEY : 0);
            c->next_timestamp[i] += video ? 3600 : 960;
        }
        if (turn % 50 == 0)
            fake_client_check_from(c, &c->at);
        fake_hub_run(c->net, 20000);
    }
}

/* In */

static void note_rtp(struct fake_client *c, const uint8_t *data, size_t len)
{
    struct rtp_packet p;
    assert_int_equal(rtp_parse(data, len, &p), 0);
    struct fake_rtp *r = &c->rtp[c->rtp_count++ % KEPT];
    *r = (struct fake_rtp){.at_us = c->net->now_us,
                           .ssrc = p.ssrc,
                           .timestamp = p.timestamp,
                           .seq = p.seq,
                           .payload_type = p.payload_type,
                           .marker = p.marker,
                           .audio_level = -1};
    const struct rtp_extension *x = rtp_find_extension(&p, FAKE_EXT_MID);
    if (x && x->len < sizeof r->mid)
        memcpy(r->mid, x->at, x->len);
    x = rtp_find_extension(&p, FAKE_EXT_DESCRIPTOR);
    if (x && x->len >= sizeof r->descriptor) {
        r->descriptor_len = x->len;
        memcpy(r->descriptor, x->at, sizeof r->descriptor);
    }
    x = rtp_find_extension(&p, FAKE_EXT_LEVEL);
    if (x)
        r->audio_level = x->at[0];
    if (p.payload_type == FAKE_PT_RTX && p.payload_len >= 2) {
        r->rtx_of = get_u16(p.payload);
        p.payload += 2;
        p.payload_len -= 2;
    }
    r->payload_len = (uint16_t)p.payload_len;
    if (p.payload_len >= 2)
        memcpy(r->head, p.payload, 2);
}

static void note_reports(struct fake_client *c, const struct rtcp_packet *p)
{
    struct rtcp_report blocks[RTCP_MAX_REPORTS];
    size_t count = 0;
    uint32_t sender;
    if (p->type == RTCP_SR) {
        assert_int_equal(rtcp_parse_sr(p, &c->sender, blocks, RTCP_MAX_REPORTS, &count), 0);
        c->senders++;
    } else {
        assert_int_equal(rtcp_parse_rr(p, &sender, blocks, RTCP_MAX_REPORTS, &count), 0);
        c->receivers++;
    }
    if (count)
        c->report = blocks[count - 1];
}

static void note_rtcp(struct fake_client *c, const uint8_t *data, size_t len)
{
    struct rd compound = rd_make(data, len);
    struct rtcp_packet p;
    int er;
    uint32_t ssrc;
    while ((er = rtcp_next(&compound, &p)) == 0) {
        if (p.type == RTCP_SR || p.type == RTCP_RR) {
            note_reports(c, &p);
        } else if (p.type == RTCP_RTPFB && p.count == RTCP_RTPFB_NACK) {
            c->nacks++;
            assert_int_equal(rtcp_parse_nack(&p, &ssrc, c->nacked, 64, &c->nacked_count), 0);
        } else if (p.type == RTCP_RTPFB && p.count == RTCP_RTPFB_TWCC) {
            c->twccs++;
        } else if (p.type == RTCP_PSFB && p.count == RTCP_PSFB_PLI) {
            c->plis++;
            assert_int_equal(rtcp_parse_pli(&p, &c->pli_ssrc), 0);
        }
    }
    assert_int_equal(er, ER_AGAIN); /* well formed to its end */
}

static void note_stun(struct fake_client *c, const uint8_t *data, size_t len)
{
    struct stun_message msg;
    assert_int_equal(stun_parse(data, len, &msg), 0);
    if (msg.type == STUN_BINDING_SUCCESS)
        c->stun_answers++;
    else
        c->stun_errors++;
}

void fake_client_datagram(struct fake_client *c, uint8_t *data, size_t len)
{
    if (stun_looks_like(data, len)) {
        note_stun(c, data, len);
    } else if (data[0] >= 20 && data[0] <= 63) {
        if (!c->dtls)
            return;
        (void)dtls_input(c->dtls, c->net->now_us, data, len);
        flush_dtls(c);
    } else if (!c->srtp && c->dtls && dtls_get_state(c->dtls) == DTLS_CONNECTED) {
        struct srtp_keys keys; /* media right behind the last flight */
        assert_int_equal(dtls_export(c->dtls, &keys), 0);
        assert_int_equal(srtp_pair_new(&c->srtp, &keys, false), 0);
        fake_client_datagram(c, data, len);
    } else if (rtcp_looks_like(data, len)) {
        if (c->srtp && srtp_pair_unprotect_rtcp(c->srtp, data, &len) == 0)
            note_rtcp(c, data, len);
        else
            c->unreadable++;
    } else if (c->srtp && srtp_pair_unprotect_rtp(c->srtp, data, &len) == 0) {
        note_rtp(c, data, len);
    } else {
        c->unreadable++;
    }
}
