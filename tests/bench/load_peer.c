// SPDX-License-Identifier: Apache-2.0
/* A load peer's transport and media. */
#include "tests/bench/load_peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/er.h"
#include "base/limits.h"
#include "media/peer/srtp.h"
#include "media/wire/rtcp.h"
#include "media/wire/rtp.h"
#include "media/wire/stun.h"
#include "tests/bench/load_sdp.h"

#define STREAMS 16
#define AUDIO_EVERY_US 20000u
#define AUDIO_BYTES 100
#define FRAME_EVERY_US 33333u
#define VIDEO_BYTES 1000
#define CHECK_FAST_US 50000u
#define CHECK_SLOW_US 2000000u
#define REPORT_EVERY_US 1000000u
#define KEY_EVERY_US 10000000u

struct outgoing {
    uint32_t ssrc;
    uint16_t seq;
    uint32_t timestamp;
    uint32_t packets, bytes;
    uint64_t due_us;
};

/** What came under one SSRC. */
struct incoming {
    uint32_t ssrc;
    struct seq_extender extender;
    int64_t first, highest;
    uint64_t received;
};

struct load_peer {
    char name[64];
    struct load_config config;
    int fd;
    char ufrag[9], pwd[25];
    struct load_remote remote;
    bool has_remote;
    bool checked; /* a check was answered */
    struct dtls *dtls;
    struct srtp_pair *srtp;
    struct outgoing audio, video;
    uint32_t rtx_ssrc;
    uint64_t check_us, report_us, key_us;
    bool key_wanted;
    struct load_counts counts;
    size_t stream_count;
    struct incoming streams[STREAMS];
};

int load_peer_new(struct load_peer **ret, const struct load_config *config)
{
    struct load_peer *p = calloc(1, sizeof *p);
    if (!p)
        return ER_NOMEM;
    p->config = *config;
    (void)str_copy(p->name, sizeof p->name, config->name);
    entropy_text(config->entropy, p->ufrag, sizeof p->ufrag - 1);
    entropy_text(config->entropy, p->pwd, sizeof p->pwd - 1);
    uint64_t random = entropy_u64(config->entropy);
    p->audio.ssrc = (uint32_t)random | 1u;
    p->video.ssrc = (uint32_t)(random >> 32) | 2u;
    p->rtx_ssrc = p->video.ssrc ^ 0x5a5a5a5au;
    p->audio.seq = (uint16_t)(random & 0x3fff);
    p->video.seq = (uint16_t)((random >> 16) & 0x3fff);
    p->key_wanted = true;
    p->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (p->fd < 0) {
        load_peer_free(p);
        return ER_IO;
    }
    int bytes = 4 * 1024 * 1024;
    if (setsockopt(p->fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0)
        (void)setsockopt(p->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    *ret = p;
    return 0;
}

void load_peer_free(struct load_peer *p)
{
    if (!p)
        return;
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

static void send_bytes(struct load_peer *p, const uint8_t *data, size_t len)
{
    (void)send(p->fd, data, len, MSG_DONTWAIT);
}

/* Signalling */

static struct load_local describe(const struct load_peer *p)
{
    return (struct load_local){.ufrag = p->ufrag,
                               .pwd = p->pwd,
                               .fingerprint = dtls_identity_fingerprint(p->config.identity),
                               .audio_ssrc = p->audio.ssrc,
                               .video_ssrc = p->video.ssrc,
                               .rtx_ssrc = p->rtx_ssrc,
                               .publish = p->config.publish,
                               .receive = p->config.receive};
}

char *load_peer_offer(struct load_peer *p)
{
    struct load_local local = describe(p);
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
    er = dtls_new(&p->dtls, p->config.identity, false, span_of("sha-256"),
                  span_of(p->remote.fingerprint));
    p->has_remote = er == 0;
    p->check_us = now_us;
    return er;
}

char *load_peer_accept(struct load_peer *p, uint64_t now_us, const char *sdp)
{
    struct load_local local = describe(p);
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
    entropy_fill(p->config.entropy, req.transaction, sizeof req.transaction);
    int n = stun_write_request(buf, sizeof buf, &req, p->remote.pwd);
    if (n > 0)
        send_bytes(p, buf, (size_t)n);
}

static void flush_dtls(struct load_peer *p)
{
    const uint8_t *data;
    size_t len;
    while (dtls_output(p->dtls, &data, &len))
        send_bytes(p, data, len);
    struct srtp_keys keys;
    if (!p->srtp && dtls_get_state(p->dtls) == DTLS_CONNECTED && dtls_export(p->dtls, &keys) == 0)
        (void)srtp_pair_new(&p->srtp, &keys, false);
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
    (void)dtls_start(p->dtls, now_us);
    flush_dtls(p);
}

/* Receiving */

static void on_rtp(struct load_peer *p, const uint8_t *data, size_t len)
{
    if (len < RTP_HEADER_BYTES)
        return;
    uint32_t ssrc = get_u32(data + 8);
    struct incoming *s = NULL;
    for (size_t i = 0; i < p->stream_count && !s; i++)
        if (p->streams[i].ssrc == ssrc)
            s = &p->streams[i];
    if (!s) {
        if (p->stream_count == STREAMS)
            return;
        s = &p->streams[p->stream_count++];
        *s = (struct incoming){.ssrc = ssrc};
    }
    int64_t seq = seq_extend(&s->extender, get_u16(data + 2));
    if (s->received++ == 0)
        s->first = s->highest = seq;
    if (seq > s->highest)
        s->highest = seq;
}

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
        if (packet.type == RTCP_PSFB &&
            (packet.count == RTCP_PSFB_PLI || packet.count == RTCP_PSFB_FIR))
            p->key_wanted = true;
        if (packet.type == RTCP_RTPFB && packet.count == RTCP_RTPFB_NACK &&
            rtcp_parse_nack(&packet, &media, seqs, 256, &count) == 0)
            p->counts.nacks += count;
    }
}

void load_peer_readable(struct load_peer *p, uint64_t now_us)
{
    uint8_t data[2048];
    for (int i = 0; i < 256; i++) {
        ssize_t n = recv(p->fd, data, sizeof data, MSG_DONTWAIT);
        if (n <= 0)
            return;
        size_t len = (size_t)n;
        if (rtcp_looks_like(data, len)) {
            on_rtcp(p, data, len);
        } else if (rtp_or_rtcp(data, len)) {
            on_rtp(p, data, len);
        } else if (stun_looks_like(data, len)) {
            on_stun(p, now_us, data, len);
        } else if (p->dtls && data[0] >= 20 && data[0] <= 63) {
            (void)dtls_input(p->dtls, now_us, data, len);
            flush_dtls(p);
        }
    }
}

/* Sending */

static void send_rtp(struct load_peer *p, struct outgoing *o, uint8_t type, bool marker,
                     const uint8_t *payload, size_t payload_len)
{
    uint8_t buf[1500];
    struct rtp_header header = {.marker = marker,
                                .payload_type = type,
                                .seq = o->seq++,
                                .timestamp = o->timestamp,
                                .ssrc = o->ssrc};
    int at = rtp_write_header(buf, sizeof buf, &header);
    size_t len = (size_t)at + payload_len;
    memcpy(buf + at, payload, payload_len);
    if (at < 0 || srtp_pair_protect_rtp(p->srtp, buf, &len) != 0)
        return;
    o->packets++;
    o->bytes += (uint32_t)payload_len;
    p->counts.sent++;
    send_bytes(p, buf, len);
}

static void send_audio(struct load_peer *p)
{
    uint8_t payload[AUDIO_BYTES] = {0xfc}; /* CELT, 20 ms, stereo, one frame */
    p->audio.timestamp += 960;
    send_rtp(p, &p->audio, LOAD_AUDIO_TYPE, false, payload, sizeof payload);
}

static void send_frame(struct load_peer *p, uint64_t now_us)
{
    uint8_t payload[VIDEO_BYTES] = {0};
    size_t packets = (size_t)p->config.video_bps / 8 * FRAME_EVERY_US / 1000000u / VIDEO_BYTES;
    bool key = p->key_wanted || now_us - p->key_us > KEY_EVERY_US;
    if (key) {
        p->key_us = now_us;
        p->key_wanted = false;
    }
    p->video.timestamp += 3000;
    for (size_t i = 0; i < packets; i++) {
        static const uint8_t key_head[] = {0x10, 0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 1};
        payload[0] = i == 0 ? 0x10 : 0x00; /* RFC 7741: S on the first packet */
        payload[1] = 0x11;                 /* RFC 6386: an inter frame, shown */
        if (key && i == 0)
            memcpy(payload, key_head, sizeof key_head);
        send_rtp(p, &p->video, LOAD_VIDEO_TYPE, i + 1 == packets, payload, sizeof payload);
    }
}

static void send_reports(struct load_peer *p, uint64_t unix_us)
{
    uint8_t buf[256 + SRTP_OVERHEAD];
    struct wr w = wr_make(buf, 256);
    const struct outgoing *all[] = {&p->audio, &p->video};
    for (size_t i = 0; i < 2; i++) {
        struct rtcp_sender_info info = {.ssrc = all[i]->ssrc,
                                        .ntp = ntp_from_unix_us(unix_us),
                                        .rtp_timestamp = all[i]->timestamp,
                                        .packets = all[i]->packets,
                                        .bytes = all[i]->bytes};
        rtcp_write_sr(&w, &info, NULL, 0);
        rtcp_write_sdes_cname(&w, all[i]->ssrc, "load");
    }
    size_t len = wr_len(&w);
    if (!w.bad && srtp_pair_protect_rtcp(p->srtp, buf, &len) == 0)
        send_bytes(p, buf, len);
}

static void send_media(struct load_peer *p, uint64_t now_us, uint64_t unix_us)
{
    if (p->audio.due_us == 0) { /* spread the peers over time */
        p->audio.due_us = now_us + entropy_u64(p->config.entropy) % AUDIO_EVERY_US;
        p->video.due_us = now_us + entropy_u64(p->config.entropy) % FRAME_EVERY_US;
        p->report_us = now_us + entropy_u64(p->config.entropy) % REPORT_EVERY_US;
    }
    for (; p->audio.due_us <= now_us; p->audio.due_us += AUDIO_EVERY_US)
        send_audio(p);
    for (; p->video.due_us <= now_us; p->video.due_us += FRAME_EVERY_US)
        send_frame(p, now_us);
    if (p->report_us <= now_us) {
        p->report_us = now_us + REPORT_EVERY_US;
        send_reports(p, unix_us);
    }
}

void load_peer_tick(struct load_peer *p, uint64_t now_us, uint64_t unix_us)
{
    if (!p->has_remote)
        return;
    if (now_us >= p->check_us) {
        p->check_us = now_us + (p->checked ? CHECK_SLOW_US : CHECK_FAST_US);
        send_check(p);
    }
    if (p->checked && !p->srtp && now_us >= dtls_deadline_us(p->dtls)) {
        dtls_expire(p->dtls, now_us);
        flush_dtls(p);
    }
    if (p->srtp && p->config.publish)
        send_media(p, now_us, unix_us);
}

/* Counting */

void load_peer_reset(struct load_peer *p)
{
    p->counts = (struct load_counts){0};
    p->stream_count = 0;
}

void load_peer_count(const struct load_peer *p, struct load_counts *sum)
{
    sum->sent += p->counts.sent;
    sum->nacks += p->counts.nacks;
    for (size_t i = 0; i < p->stream_count; i++) {
        sum->streams++;
        sum->received += p->streams[i].received;
        sum->expected += (uint64_t)(p->streams[i].highest - p->streams[i].first + 1);
    }
}
