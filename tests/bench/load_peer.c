// SPDX-License-Identifier: Apache-2.0
/* A load peer's transport: ICE, DTLS, SRTP and a socket; media comes from its source and goes to its
 * sink. */
#include "tests/bench/load_peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/limits.h"
#include "media/peer/srtp.h"
#include "media/wire/rtcp.h"
#include "media/wire/rtp.h"
#include "media/wire/stun.h"
#include "tests/bench/load_sdp.h"
#include "tests/bench/load_source.h"

#define CHECK_FAST_US 50000u
#define CHECK_SLOW_US 2000000u
#define RTCP_ROOM 1400

struct load_peer {
    struct heap_node timer;
    char name[64];
    struct load_config config;
    struct load_world *world;
    int fd;
    char ufrag[9], pwd[25];
    struct load_remote remote;
    bool has_remote;
    bool checked; /* a check was answered */
    struct dtls *dtls;
    struct srtp_pair *srtp;
    uint64_t check_us;
    uint64_t nacks, refused;
    struct load_source source;
    struct load_sink sink;
};

int load_peer_new(struct load_peer **ret, const struct load_config *config)
{
    struct load_peer *p = calloc(1, sizeof *p);
    if (!p)
        return ER_NOMEM;
    p->config = *config;
    p->world = config->world;
    (void)str_copy(p->name, sizeof p->name, config->name);
    p->config.name = p->name;
    entropy_text(&p->world->entropy, p->ufrag, sizeof p->ufrag - 1);
    entropy_text(&p->world->entropy, p->pwd, sizeof p->pwd - 1);
    load_source_init(&p->source, &p->world->entropy, config->video_bps);
    p->source.film = config->film;
    load_sink_init(&p->sink, p->source.audio.ssrc ^ 0x33333333u);
    p->fd = load_socket_open(p->world->gro, true);
    if (p->fd < 0) {
        load_peer_free(p);
        return ER_IO;
    }
    *ret = p;
    return 0;
}

static void send_bytes(struct load_peer *p, const uint8_t *data, size_t len)
{
    (void)send(p->fd, data, len, MSG_DONTWAIT);
}

static void close_dtls(struct load_peer *p)
{
    const uint8_t *data;
    size_t len;
    dtls_close(p->dtls);
    while (dtls_output(p->dtls, &data, &len))
        send_bytes(p, data, len);
}

void load_peer_free(struct load_peer *p)
{
    if (!p)
        return;
    heap_remove(&p->world->timers, &p->timer);
    if (p->srtp)
        close_dtls(p);
    if (p->fd >= 0)
        close(p->fd);
    dtls_free(p->dtls);
    srtp_pair_free(p->srtp);
    free(p);
}

int load_peer_fd(const struct load_peer *p)
{
    return p->fd;
}

const char *load_peer_name(const struct load_peer *p)
{
    return p->name;
}

bool load_peer_connected(const struct load_peer *p)
{
    return p->srtp != NULL;
}

bool load_peer_watching(const struct load_peer *p)
{
    return p->config.receive > 0 && p->sink.stream_count >= 2 * (size_t)p->config.receive;
}

uint16_t load_peer_port(const struct load_peer *p)
{
    return p->remote.address.port;
}

const struct load_sink *load_peer_sink(const struct load_peer *p)
{
    return &p->sink;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void arm(struct load_peer *p)
{
    uint64_t at = p->check_us;
    if (p->checked && !p->srtp)
        at = least(at, dtls_deadline_us(p->dtls));
    if (p->srtp)
        at = least(at, least(load_source_due_us(&p->source), load_sink_due_us(&p->sink)));
    (void)heap_set(&p->world->timers, &p->timer, at);
}

struct load_peer *load_peer_of_timer(struct heap_node *node)
{
    return (struct load_peer *)(void *)node; /* its first member */
}

/* Signalling */

static struct load_local describe(const struct load_peer *p)
{
    return (struct load_local){.ufrag = p->ufrag,
                               .pwd = p->pwd,
                               .fingerprint = dtls_identity_fingerprint(p->world->identity),
                               .audio_ssrc = p->source.audio.ssrc,
                               .video_ssrc = p->source.video.ssrc,
                               .rtx_ssrc = p->source.rtx_ssrc,
                               .transport_cc = p->world->transport_cc,
                               .publish = p->config.publish,
                               .receive = p->config.receive};
}

char *load_peer_offer(struct load_peer *p)
{
    struct load_local local = describe(p);
    p->sink.rtx_type = LOAD_RTX_TYPE;
    return load_sdp_offer(&local);
}

int load_peer_answer(struct load_peer *p, uint64_t now_us, const char *sdp)
{
    struct sockaddr_storage sa;
    int er = load_sdp_read(sdp, &p->remote);
    if (er != 0)
        return er;
    socklen_t len = addr_to_sockaddr(&p->remote.address, false, &sa);
    if (connect(p->fd, (struct sockaddr *)&sa, len) != 0)
        return ER_IO;
    if (p->world->transport_cc)
        p->source.transport_cc_id = p->sink.transport_cc_id = p->remote.transport_cc_id;
    er = dtls_new(&p->dtls, p->world->identity, false, span_of("sha-256"),
                  span_of(p->remote.fingerprint));
    p->has_remote = er == 0;
    p->check_us = now_us;
    if (er == 0)
        arm(p);
    return er;
}

char *load_peer_accept(struct load_peer *p, uint64_t now_us, const char *sdp)
{
    struct load_local local = describe(p);
    p->config.receive = 1;
    if (load_peer_answer(p, now_us, sdp) != 0)
        return NULL;
    return load_sdp_answer(&local, sdp);
}

/* Connecting */

static void send_check(struct load_peer *p)
{
    uint8_t buf[256];
    char username[600];
    struct stun_request req = {.username = username,
                               .priority = 2130706431u,
                               .tie_breaker = 1,
                               .controlling = true,
                               .use_candidate = true};
    (void)snprintf(username, sizeof username, "%s:%s", p->remote.ufrag, p->ufrag);
    entropy_fill(&p->world->entropy, req.transaction, sizeof req.transaction);
    int n = stun_write_request(buf, sizeof buf, &req, p->remote.pwd);
    if (n > 0)
        send_bytes(p, buf, (size_t)n);
}

static void begin_media(struct load_peer *p, uint64_t now_us)
{
    if (p->config.publish)
        load_source_start(&p->source, &p->world->entropy, now_us);
    if (p->config.receive)
        load_sink_start(&p->sink, now_us);
}

static void flush_dtls(struct load_peer *p, uint64_t now_us)
{
    const uint8_t *data;
    size_t len;
    struct srtp_keys keys;
    while (dtls_output(p->dtls, &data, &len))
        send_bytes(p, data, len);
    if (!p->srtp && dtls_get_state(p->dtls) == DTLS_CONNECTED && dtls_export(p->dtls, &keys) == 0 &&
        srtp_pair_new(&p->srtp, &keys, false) == 0)
        begin_media(p, now_us);
}

static void on_stun(struct load_peer *p, uint64_t now_us, const uint8_t *data, size_t len)
{
    struct stun_message msg;
    if (stun_parse(data, len, &msg) != 0)
        return;
    if (msg.type == STUN_BINDING_REQUEST) { /* a full agent checks us, too */
        uint8_t buf[256];
        int n = stun_write_success(buf, sizeof buf, msg.transaction, &p->remote.address, p->pwd);
        if (n > 0)
            send_bytes(p, buf, (size_t)n);
        return;
    }
    if (msg.type != STUN_BINDING_SUCCESS || p->checked)
        return;
    p->checked = true;
    p->check_us = now_us + CHECK_SLOW_US;
    (void)dtls_start(p->dtls, now_us);
    flush_dtls(p, now_us);
    arm(p);
}

/* Receiving */

static void on_rtcp(struct load_peer *p, uint8_t *data, size_t len)
{
    struct rtcp_packet packet;
    if (!p->srtp || srtp_pair_unprotect_rtcp(p->srtp, data, &len) != 0)
        return;
    struct rd compound = rd_make(data, len);
    while (rtcp_next(&compound, &packet) == 0) {
        uint32_t media;
        uint16_t seqs[256];
        size_t count;
        struct rtcp_sender_info info;
        if (packet.type == RTCP_PSFB &&
            (packet.count == RTCP_PSFB_PLI || packet.count == RTCP_PSFB_FIR))
            p->source.key_wanted = true;
        else if (packet.type == RTCP_RTPFB && packet.count == RTCP_RTPFB_NACK &&
                 rtcp_parse_nack(&packet, &media, seqs, 256, &count) == 0)
            p->nacks += count;
        else if (packet.type == RTCP_SR && rtcp_parse_sr(&packet, &info, NULL, 0, &count) == 0)
            load_sink_sender_report(&p->sink, &info, clock_now_us());
    }
}

static void on_datagram(void *ctx, uint64_t arrived_us, uint8_t *data, size_t len)
{
    struct load_peer *p = ctx;
    if (rtcp_looks_like(data, len)) {
        on_rtcp(p, data, len);
    } else if (rtp_or_rtcp(data, len)) {
        if (p->srtp)
            load_sink_rtp(&p->sink, p->world->meter, p->srtp, arrived_us, data, len);
    } else if (stun_looks_like(data, len)) {
        on_stun(p, clock_now_us(), data, len);
    } else if (p->dtls && len > 0 && data[0] >= 20 && data[0] <= 63) {
        uint64_t now_us = clock_now_us();
        (void)dtls_input(p->dtls, now_us, data, len);
        flush_dtls(p, now_us);
        arm(p);
    }
}

void load_peer_readable(struct load_peer *p)
{
    (void)load_inbox_read(p->world->inbox, p->fd, on_datagram, p);
}

/* Sending */

static uint8_t *room(void *ctx)
{
    struct load_peer *p = ctx;
    return load_outbox_room(p->world->outbox, p->fd);
}

static void emit(void *ctx, uint8_t *packet, size_t len, bool rtcp)
{
    struct load_peer *p = ctx;
    int er = rtcp ? srtp_pair_protect_rtcp(p->srtp, packet, &len)
                  : srtp_pair_protect_rtp(p->srtp, packet, &len);
    if (er == 0)
        load_outbox_commit(p->world->outbox, len);
}

static void send_feedback(struct load_peer *p, uint64_t now_us)
{
    uint8_t *packet = room(p);
    struct wr w = wr_make(packet, RTCP_ROOM);
    load_sink_write(&p->sink, now_us, &w);
    if (!w.bad && wr_len(&w) > 0)
        emit(p, packet, wr_len(&w), true);
}

void load_peer_expire(struct load_peer *p, uint64_t now_us)
{
    const struct load_output out = {.room = room, .emit = emit, .ctx = p};
    if (now_us >= p->check_us) {
        p->check_us = now_us + (p->checked ? CHECK_SLOW_US : CHECK_FAST_US);
        send_check(p);
    }
    if (p->checked && !p->srtp && now_us >= dtls_deadline_us(p->dtls)) {
        dtls_expire(p->dtls, now_us);
        flush_dtls(p, now_us);
    }
    if (p->srtp && now_us >= load_sink_due_us(&p->sink))
        send_feedback(p, now_us);
    if (p->srtp && now_us >= load_source_due_us(&p->source))
        load_source_tick(&p->source, now_us, &out);
    p->refused += load_outbox_flush(p->world->outbox, p->fd);
    arm(p);
}

/* Counting */

void load_peer_reset(struct load_peer *p)
{
    p->nacks = p->refused = p->source.sent = 0;
    load_sink_reset(&p->sink);
}

void load_peer_count(const struct load_peer *p, struct load_counts *sum)
{
    sum->sent += p->source.sent;
    sum->nacks += p->nacks;
    sum->refused += p->refused;
    load_sink_count(&p->sink, sum);
}
