// SPDX-License-Identifier: Apache-2.0
/* The fake browser's offers, and what it takes from answers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/er.h"
#include "tests/sim/browser_private.h"

#define URN "urn:ietf:params:rtp-hdrext:"
#define PLAYOUT_URI "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"

static const char *const rids[BROWSER_ENCODINGS] = {"q", "h", "f"};

const struct browser_numbers *browser_numbers(enum browser_flavour flavour)
{
    static const struct browser_numbers table[] = {
        [BROWSER_CHROMIUM] = {.vp8 = 96,
                              .vp8_rtx = 97,
                              .opus = 111,
                              .mid = 4,
                              .audio_level = 1,
                              .transport_cc = 3,
                              .abs_send_time = 2,
                              .orientation = 13,
                              .playout_delay = 5,
                              .rid = 10,
                              .repaired_rid = 11,
                              .red = 63},
        [BROWSER_FIREFOX] = {.vp8 = 120,
                             .vp8_rtx = 124,
                             .opus = 109,
                             .mid = 3,
                             .audio_level = 1,
                             .transport_cc = 7,
                             .abs_send_time = 4,
                             .rid = 10,
                             .repaired_rid = 11},
    };
    return &table[flavour];
}

bool browser_line_sends(const struct browser_line *line)
{
    return line->direction == SDP_SENDRECV || line->direction == SDP_SENDONLY;
}

bool browser_line_receives(const struct browser_line *line)
{
    return line->direction == SDP_SENDRECV || line->direction == SDP_RECVONLY;
}

size_t browser_add_line(struct browser *b, enum media_kind kind, enum sdp_direction direction)
{
    if (b->line_count == BROWSER_LINES)
        abort();
    size_t index = b->line_count++;
    struct browser_line *line = &b->lines[index];
    line->kind = kind;
    line->direction = direction;
    snprintf(line->mid, sizeof line->mid, "%zu", index);
    line->ssrc = (uint32_t)entropy_u64(&b->entropy) | 0x100;
    if (kind == MEDIA_VIDEO && !b->config.without_rtx)
        line->rtx_ssrc = (uint32_t)entropy_u64(&b->entropy) | 0x100;
    for (size_t k = 0; kind == MEDIA_VIDEO && b->config.simulcast && k < BROWSER_ENCODINGS - 1;
         k++) {
        line->higher_ssrc[k] = (uint32_t)entropy_u64(&b->entropy) | 0x100;
        line->higher_rtx_ssrc[k] = (uint32_t)entropy_u64(&b->entropy) | 0x100;
    }
    return index;
}

void browser_set_direction(struct browser *b, size_t line, enum sdp_direction direction)
{
    b->lines[line].direction = direction;
}

void browser_stop_line(struct browser *b, size_t line)
{
    b->lines[line].stopped = true;
    b->lines[line].direction = SDP_INACTIVE;
}

void browser_restart_ice(struct browser *b)
{
    entropy_text(&b->entropy, b->ufrag, sizeof b->ufrag - 1);
    entropy_text(&b->entropy, b->pwd, sizeof b->pwd - 1);
}

/* The offer. */

static void write_extension(struct wr *w, uint8_t id, const char *uri)
{
    if (id)
        wr_printf(w, "a=extmap:%u %s\r\n", id, uri);
}

static void write_transport(struct wr *w, const struct browser *b)
{
    wr_printf(w,
              "c=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\na=ice-ufrag:%s\r\na=ice-pwd:%s\r\n"
              "a=ice-options:trickle\r\na=fingerprint:sha-256 %s\r\na=setup:actpass\r\n",
              b->ufrag, b->pwd, dtls_identity_fingerprint(b->config.identity));
}

static void write_audio_codecs(struct wr *w, const struct browser *b,
                               const struct browser_numbers *n)
{
    write_extension(w, n->audio_level, URN "ssrc-audio-level");
    wr_printf(w, "a=rtpmap:%u opus/48000/2\r\na=fmtp:%u minptime=10;useinbandfec=1\r\n", n->opus,
              n->opus);
    if (!b->config.without_transport_cc)
        wr_printf(w, "a=rtcp-fb:%u transport-cc\r\n", n->opus);
    if (b->config.audio_nack)
        wr_printf(w, "a=rtcp-fb:%u nack\r\n", n->opus);
    if (b->config.real && n->red)
        wr_printf(w, "a=rtpmap:%u red/48000/2\r\na=fmtp:%u %u/%u\r\n", n->red, n->red, n->opus,
                  n->opus);
    wr_printf(w, "a=rtpmap:9 G722/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n");
}

static void write_video_codecs(struct wr *w, const struct browser *b,
                               const struct browser_numbers *n)
{
    write_extension(w, n->orientation, "urn:3gpp:video-orientation");
    if (b->config.real)
        write_extension(w, n->playout_delay, PLAYOUT_URI);
    if (b->config.simulcast) {
        write_extension(w, n->rid, URN "sdes:rtp-stream-id");
        write_extension(w, n->repaired_rid, URN "sdes:repaired-rtp-stream-id");
    }
    wr_printf(w, "a=rtpmap:%u VP8/90000\r\na=rtcp-fb:%u goog-remb\r\n", n->vp8, n->vp8);
    if (!b->config.without_transport_cc)
        wr_printf(w, "a=rtcp-fb:%u transport-cc\r\n", n->vp8);
    wr_printf(w, "a=rtcp-fb:%u ccm fir\r\na=rtcp-fb:%u nack\r\na=rtcp-fb:%u nack pli\r\n", n->vp8,
              n->vp8, n->vp8);
    if (!b->config.without_rtx)
        wr_printf(w, "a=rtpmap:%u rtx/90000\r\na=fmtp:%u apt=%u\r\n", n->vp8_rtx, n->vp8_rtx,
                  n->vp8);
    wr_printf(w, "a=rtpmap:35 VP9/90000\r\na=rtcp-fb:35 nack\r\n");
}

static void write_sources(struct wr *w, const struct browser *b, const struct browser_line *line)
{
    if (!browser_line_sends(line))
        return;
    const char *name = b->config.name;
    wr_printf(w, "a=msid:%s-stream %s-track-%s\r\n", name, name, line->mid);
    if (b->config.simulcast && line->kind == MEDIA_VIDEO) {
        for (size_t k = 0; k < BROWSER_ENCODINGS; k++)
            wr_printf(w, "a=rid:%s send\r\n", rids[k]);
        wr_printf(w, "a=simulcast:send %s;%s;%s\r\n", rids[0], rids[1], rids[2]);
        return; /* encodings are told apart by their rids */
    }
    if (b->config.without_ssrcs)
        return;
    if (line->rtx_ssrc)
        wr_printf(w, "a=ssrc-group:FID %u %u\r\n", line->ssrc, line->rtx_ssrc);
    wr_printf(w, "a=ssrc:%u cname:%s\r\n", line->ssrc, name);
    if (line->rtx_ssrc)
        wr_printf(w, "a=ssrc:%u cname:%s\r\n", line->rtx_ssrc, name);
}

static void write_line(struct wr *w, const struct browser *b, const struct browser_line *line)
{
    static const char *const directions[] = {[SDP_SENDRECV] = "sendrecv",
                                             [SDP_SENDONLY] = "sendonly",
                                             [SDP_RECVONLY] = "recvonly",
                                             [SDP_INACTIVE] = "inactive"};
    const struct browser_numbers *n = browser_numbers(b->config.flavour);
    unsigned port = line->stopped ? 0 : 9;
    if (line->kind == MEDIA_AUDIO && b->config.real && n->red)
        wr_printf(w, "m=audio %u UDP/TLS/RTP/SAVPF %u %u 9 0 8\r\n", port, n->opus, n->red);
    else if (line->kind == MEDIA_AUDIO)
        wr_printf(w, "m=audio %u UDP/TLS/RTP/SAVPF %u 9 0 8\r\n", port, n->opus);
    else if (b->config.without_rtx)
        wr_printf(w, "m=video %u UDP/TLS/RTP/SAVPF %u 35\r\n", port, n->vp8);
    else
        wr_printf(w, "m=video %u UDP/TLS/RTP/SAVPF %u %u 35\r\n", port, n->vp8, n->vp8_rtx);
    write_transport(w, b);
    wr_printf(w, "a=mid:%s\r\na=%s\r\na=rtcp-mux\r\na=rtcp-rsize\r\n", line->mid,
              directions[line->direction]);
    write_extension(w, n->mid, URN "sdes:mid");
    write_extension(w, n->abs_send_time,
                    "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time");
    if (!b->config.without_transport_cc)
        write_extension(w, n->transport_cc, TWCC_URI);
    if (line->kind == MEDIA_AUDIO)
        write_audio_codecs(w, b, n);
    else
        write_video_codecs(w, b, n);
    write_sources(w, b, line);
}

int browser_offer(struct browser *b, char **ret_text)
{
    size_t size = 1024 + b->line_count * 2048;
    char *text = *ret_text = malloc(size);
    if (!text)
        return ER_NOMEM;
    struct wr w = wr_make(text, size);
    wr_printf(&w, "v=0\r\no=- %llu %llu IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE",
              (unsigned long long)b->session_id, (unsigned long long)++b->session_version);
    for (size_t i = 0; i < b->line_count; i++)
        if (!b->lines[i].stopped)
            wr_printf(&w, " %s", b->lines[i].mid);
    wr_printf(&w, "\r\na=extmap-allow-mixed\r\na=msid-semantic: WMS\r\n");
    for (size_t i = 0; i < b->line_count; i++)
        write_line(&w, b, &b->lines[i]);
    wr_u8(&w, 0);
    if (!w.bad)
        return 0;
    free(text);
    *ret_text = NULL;
    return ER_INTERNAL;
}

/* The answer. */

/* The first UDP candidate of our family: "a=candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host". */
static bool find_candidate(const struct browser *b, const char *text, struct addr *ret)
{
    for (const char *at = text; (at = strstr(at, "a=candidate:")); at++) {
        char protocol[8], ip[64];
        unsigned component, priority, port;
        if (sscanf(at, "a=candidate:%*s %u %7s %u %63s %u typ host", &component, protocol,
                   &priority, ip, &port) != 5)
            continue;
        if (strcmp(protocol, "udp") != 0 || port == 0 || port > UINT16_MAX)
            continue;
        if (addr_parse_ip(ip, (uint16_t)port, ret) == 0 && addr_is_v4(ret) == !b->config.ipv6)
            return true;
    }
    return false;
}

/* Both ends must name an extension by the number that was offered. */
static bool agreed_extension(const struct sdp_media *m, const char *uri, uint8_t offered)
{
    for (size_t i = 0; i < m->extension_count; i++)
        if (span_equal(m->extensions[i].uri, uri))
            return m->extensions[i].id == offered;
    return false;
}

static void describe_sender(const struct browser *b, const struct browser_line *line,
                            const struct sdp_media *m, const struct sdp_codec *codec,
                            struct sender_config *ret)
{
    const struct browser_numbers *n = browser_numbers(b->config.flavour);
    bool video = line->kind == MEDIA_VIDEO;
    *ret = (struct sender_config){
        .codec = video ? CODEC_VP8 : CODEC_OPUS,
        .payload_type = codec->payload_type,
        .rtx_payload_type = video && sdp_find_codec(m, n->vp8_rtx) ? n->vp8_rtx : 0,
        .mid_id = agreed_extension(m, URN "sdes:mid", n->mid) ? n->mid : 0,
        .transport_cc_id = codec->transport_cc && agreed_extension(m, TWCC_URI, n->transport_cc)
                               ? n->transport_cc
                               : 0,
        .audio_level_id = agreed_extension(m, URN "ssrc-audio-level", n->audio_level)
                              ? n->audio_level
                              : 0,
        .bps = b->config.video_bps ? b->config.video_bps : 1500000,
        .fps = b->config.fps ? b->config.fps : 30,
        .key_interval_frames = b->config.key_interval_frames,
        .pace_us = b->config.pace_us ? b->config.pace_us : 500,
        .adaptive = b->config.real,
        .temporal_layers = b->config.temporal_layers,
    };
    /* What the answer names first is what is sent. */
    if (!video && n->red && m->codec_count && m->codecs[0].payload_type == n->red)
        ret->red_payload_type = n->red;
    (void)str_copy(ret->mid, sizeof ret->mid, line->mid);
}

/* Several encodings only when the answer takes them. */
static size_t encodings_agreed(const struct browser *b, const struct browser_line *line,
                               const struct sdp_media *m)
{
    const struct browser_numbers *n = browser_numbers(b->config.flavour);
    bool several = line->kind == MEDIA_VIDEO && b->config.simulcast && b->config.real &&
                   agreed_extension(m, URN "sdes:rtp-stream-id", n->rid);
    return several ? BROWSER_ENCODINGS : 1;
}

static int start_sender(struct browser *b, uint64_t now_us, struct browser_line *line,
                        const struct sdp_media *m)
{
    const struct browser_numbers *n = browser_numbers(b->config.flavour);
    bool video = line->kind == MEDIA_VIDEO;
    const struct sdp_codec *codec = sdp_find_codec(m, video ? n->vp8 : n->opus);
    if (!codec)
        return ER_MALFORMED;
    struct sender_config c;
    describe_sender(b, line, m, codec, &c);
    size_t encodings = encodings_agreed(b, line, m);
    for (size_t k = 0; k < encodings; k++) {
        struct sender **place = k ? &line->higher[k - 1] : &line->sender;
        c.stream = c.ssrc = k ? line->higher_ssrc[k - 1] : line->ssrc;
        c.rtx_ssrc = !c.rtx_payload_type ? 0 : k ? line->higher_rtx_ssrc[k - 1] : line->rtx_ssrc;
        if (encodings > 1) {
            (void)str_copy(c.rid, sizeof c.rid, rids[k]);
            c.rid_id = n->rid;
            c.repaired_rid_id = n->repaired_rid;
        }
        browser_encoding(b, encodings > 1 ? k : BROWSER_ENCODINGS - 1, NULL, &c.width, &c.height);
        c.pace = b->config.real && video ? &b->pace : NULL;
        int er = sender_new(place, &c, &b->entropy, now_us);
        if (er)
            return er;
    }
    return 0;
}

static int start_receiver(struct browser *b, struct browser_line *line, const struct sdp_media *m)
{
    const struct browser_numbers *n = browser_numbers(b->config.flavour);
    bool video = line->kind == MEDIA_VIDEO;
    uint8_t pt = video ? n->vp8 : n->opus;
    const struct sdp_codec *codec = sdp_find_codec(m, pt);
    if (!codec || m->ssrc_count == 0)
        return ER_MALFORMED;
    bool rtx = video && sdp_find_codec(m, n->vp8_rtx);
    struct receiver_config c = {
        .codec = video ? CODEC_VP8 : CODEC_OPUS,
        .ssrc = m->ssrcs[0].ssrc,
        .rtx_ssrc = rtx ? m->ssrcs[0].rtx_ssrc : 0,
        .payload_type = pt,
        .rtx_payload_type = rtx ? n->vp8_rtx : 0,
        .red_payload_type = !video && n->red && sdp_find_codec(m, n->red) ? n->red : 0,
        .nack = codec->nack,
        .pli = codec->nack_pli,
        .real = b->config.real,
        .playout_id = video && agreed_extension(m, PLAYOUT_URI, n->playout_delay) ? n->playout_delay
                                                                                  : 0,
    };
    if (codec->transport_cc && agreed_extension(m, TWCC_URI, n->transport_cc)) {
        b->transport_cc = true;
        b->transport_cc_id = n->transport_cc;
    }
    return receiver_new(&line->receiver, &c);
}

static int apply_line(struct browser *b, uint64_t now_us, struct browser_line *line,
                      const struct sdp_media *m)
{
    line->answered = true;
    line->answer = m->direction;
    line->rejected = m->port == 0;
    bool sends = browser_line_sends(line) && !line->rejected &&
                 (m->direction == SDP_RECVONLY || m->direction == SDP_SENDRECV);
    bool receives = browser_line_receives(line) && !line->rejected &&
                    (m->direction == SDP_SENDONLY || m->direction == SDP_SENDRECV);
    bool same = line->receiver && m->ssrc_count > 0 &&
                line->receiver->config.ssrc == m->ssrcs[0].ssrc;
    if (!sends) {
        for (size_t k = 0; k < BROWSER_ENCODINGS; k++)
            sender_free(browser_sender(line, k));
        line->sender = NULL;
        memset(line->higher, 0, sizeof line->higher);
    }
    if (!receives || !same) {
        receiver_free(line->receiver);
        line->receiver = NULL;
    }
    int er = 0;
    if (sends && !line->sender)
        er = start_sender(b, now_us, line, m);
    if (!er && receives && !line->receiver)
        er = start_receiver(b, line, m);
    return er;
}

static int apply_transport(struct browser *b, const struct sdp_media *m, const char *text,
                           const char **ret_why)
{
    if (!m->ice_ufrag.at || !m->ice_pwd.at || m->setup != SDP_SETUP_PASSIVE || !m->rtcp_mux) {
        *ret_why = "no ICE credentials, setup:passive or rtcp-mux";
        return ER_MALFORMED;
    }
    str_copy_span(b->remote_ufrag, sizeof b->remote_ufrag, m->ice_ufrag);
    str_copy_span(b->remote_pwd, sizeof b->remote_pwd, m->ice_pwd);
    if (!find_candidate(b, text, &b->remote)) {
        *ret_why = "no candidate of our address family";
        return ER_MALFORMED;
    }
    if (b->dtls)
        return 0;
    *ret_why = "no usable fingerprint";
    return dtls_new(&b->dtls, b->config.identity, false, m->fingerprint.algorithm,
                    m->fingerprint.value);
}

static int apply_answer(struct browser *b, uint64_t now_us, const struct sdp *sdp, const char *text,
                        const char **ret_why)
{
    const struct sdp_media *transport = NULL;
    if (sdp->media_count != b->line_count) {
        *ret_why = "not as many m-lines as offered";
        return ER_MALFORMED;
    }
    for (size_t i = 0; i < b->line_count; i++) {
        const struct sdp_media *m = &sdp->media[i];
        enum sdp_kind kind = b->lines[i].kind == MEDIA_AUDIO ? SDP_AUDIO : SDP_VIDEO;
        if (m->kind != kind || !span_equal(m->mid, b->lines[i].mid)) {
            *ret_why = "an m-line of another kind or mid";
            return ER_MALFORMED;
        }
        if (!transport && m->port != 0)
            transport = m;
        int er = apply_line(b, now_us, &b->lines[i], m);
        if (er) {
            *ret_why = "an m-line without the codec or SSRC it needs";
            return er;
        }
    }
    return transport ? apply_transport(b, transport, text, ret_why) : 0;
}

int browser_answer(struct browser *b, uint64_t now_us, const char *text, size_t len,
                   const char **ret_why)
{
    struct sdp *sdp;
    const char *why = NULL;
    char *copy = strndup(text, len);
    if (!copy)
        return ER_NOMEM;
    int er = sdp_parse(copy, strlen(copy), &sdp, &why);
    if (!er) {
        er = apply_answer(b, now_us, sdp, copy, &why);
        sdp_free(sdp);
    }
    free(copy);
    if (!er)
        b->next_check_us = now_us;
    if (ret_why)
        *ret_why = er ? why : NULL;
    return er;
}
