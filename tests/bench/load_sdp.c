// SPDX-License-Identifier: Apache-2.0
/* The least that a WebRTC server accepts. */
#include "tests/bench/load_sdp.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/er.h"
#include "media/wire/sdp.h"
#include "media/wire/twcc.h"

#define TEXT_BYTES 32768

static void write_head(struct wr *w, size_t lines, const struct sdp *mids)
{
    wr_printf(w, "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE");
    for (size_t i = 0; i < lines; i++) {
        if (mids)
            wr_printf(w, " %.*s", (int)mids->media[i].mid.len, mids->media[i].mid.at);
        else
            wr_printf(w, " %zu", i);
    }
    wr_printf(w, "\r\na=msid-semantic: WMS *\r\n");
}

static void write_transport(struct wr *w, const struct load_local *l, const char *setup)
{
    wr_printf(w,
              "c=IN IP4 0.0.0.0\r\na=rtcp-mux\r\na=ice-ufrag:%s\r\na=ice-pwd:%s\r\n"
              "a=fingerprint:sha-256 %s\r\na=setup:%s\r\n",
              l->ufrag, l->pwd, l->fingerprint, setup);
}

static void write_audio(struct wr *w, unsigned type)
{
    wr_printf(w, "a=rtpmap:%u opus/48000/2\r\na=fmtp:%u minptime=10;useinbandfec=1\r\n", type,
              type);
}

static void write_video(struct wr *w, unsigned type)
{
    wr_printf(w, "a=rtpmap:%u VP8/90000\r\na=rtcp-fb:%u nack\r\na=rtcp-fb:%u nack pli\r\n", type,
              type, type);
}

static void write_transport_cc(struct wr *w, unsigned type, unsigned id)
{
    wr_printf(w, "a=rtcp-fb:%u transport-cc\r\na=extmap:%u " TWCC_URI "\r\n", type, id);
}

static void write_ssrc(struct wr *w, uint32_t ssrc)
{
    wr_printf(w, "a=msid:load load\r\na=ssrc:%u cname:load\r\n", ssrc);
}

static void write_offer_line(struct wr *w, const struct load_local *l, size_t mid, bool video,
                             bool sends)
{
    if (video)
        wr_printf(w, "m=video 9 UDP/TLS/RTP/SAVPF %d %d\r\n", LOAD_VIDEO_TYPE, LOAD_RTX_TYPE);
    else
        wr_printf(w, "m=audio 9 UDP/TLS/RTP/SAVPF %d\r\n", LOAD_AUDIO_TYPE);
    write_transport(w, l,
                    "active"); /* the server is passive: Janus would else begin the handshake */
    wr_printf(w, "a=mid:%zu\r\na=%s\r\n", mid, sends ? "sendonly" : "recvonly");
    if (video) {
        write_video(w, LOAD_VIDEO_TYPE);
        wr_printf(w, "a=rtpmap:%d rtx/90000\r\na=fmtp:%d apt=%d\r\n", LOAD_RTX_TYPE, LOAD_RTX_TYPE,
                  LOAD_VIDEO_TYPE);
    } else {
        write_audio(w, LOAD_AUDIO_TYPE);
    }
    if (l->transport_cc)
        write_transport_cc(w, video ? LOAD_VIDEO_TYPE : LOAD_AUDIO_TYPE, LOAD_TRANSPORT_CC_ID);
    if (sends)
        write_ssrc(w, video ? l->video_ssrc : l->audio_ssrc);
}

char *load_sdp_offer(const struct load_local *local)
{
    char *text = malloc(TEXT_BYTES);
    if (!text)
        return NULL;
    struct wr w = wr_make(text, TEXT_BYTES - 1);
    size_t lines = 2 * ((size_t)local->receive + local->publish);
    write_head(&w, lines, NULL);
    for (size_t i = 0; i < lines; i++)
        write_offer_line(&w, local, i, i % 2 == 1, local->publish && i < 2);
    *w.at = '\0';
    return text;
}

static uint8_t transport_cc_id(const struct sdp_media *m)
{
    for (size_t i = 0; i < m->extension_count; i++)
        if (span_equal(m->extensions[i].uri, TWCC_URI))
            return m->extensions[i].id;
    return 0;
}

static void write_answer_line(struct wr *w, const struct load_local *l, const struct sdp_media *m)
{
    const char *codec = m->kind == SDP_VIDEO ? "VP8" : "opus";
    const struct sdp_codec *c = NULL;
    for (size_t i = 0; i < m->codec_count && !c; i++)
        if (span_equal_nocase(m->codecs[i].name, codec))
            c = &m->codecs[i];
    unsigned type = c ? c->payload_type : 0;
    wr_printf(w, "m=%.*s %d UDP/TLS/RTP/SAVPF %u\r\n", (int)m->kind_text.len, m->kind_text.at,
              c ? 9 : 0, type);
    write_transport(w, l, "active");
    wr_printf(w, "a=mid:%.*s\r\na=recvonly\r\n", (int)m->mid.len, m->mid.at);
    if (m->kind == SDP_VIDEO)
        write_video(w, type);
    else
        write_audio(w, type);
    if (l->transport_cc && transport_cc_id(m))
        write_transport_cc(w, type, transport_cc_id(m));
}

char *load_sdp_answer(const struct load_local *local, const char *offer)
{
    struct sdp *sdp;
    const char *why;
    if (sdp_parse(offer, strlen(offer), &sdp, &why) != 0)
        return NULL;
    char *text = malloc(TEXT_BYTES);
    if (text) {
        struct wr w = wr_make(text, TEXT_BYTES - 1);
        write_head(&w, sdp->media_count, sdp);
        for (size_t i = 0; i < sdp->media_count; i++)
            write_answer_line(&w, local, &sdp->media[i]);
        *w.at = '\0';
    }
    sdp_free(sdp);
    return text;
}

/** "a=candidate:1 1 udp 2130706431 127.0.0.1 10000 typ host" */
static int read_candidate(const char *sdp, struct addr *ret)
{
    struct span rest = span_of(sdp);
    while (rest.at) {
        struct span line = span_trim(span_cut(&rest, '\n'));
        struct span field[6];
        char ip[64];
        uint64_t port;
        if (!span_starts(line, "a=candidate:"))
            continue;
        for (size_t i = 0; i < 6; i++)
            field[i] = span_cut(&line, ' ');
        if (!span_equal_nocase(field[2], "udp") || str_copy_span(ip, sizeof ip, field[4]) != 0 ||
            span_u64(field[5], 65535, &port) != 0 || addr_parse_ip(ip, (uint16_t)port, ret) != 0)
            continue;
        if (addr_is_v4(ret))
            return 0;
    }
    return ER_MALFORMED;
}

int load_sdp_read(const char *sdp_text, struct load_remote *ret)
{
    struct sdp *sdp;
    const char *why;
    int er = sdp_parse(sdp_text, strlen(sdp_text), &sdp, &why);
    if (er != 0)
        return er;
    const struct sdp_media *m = sdp->media_count ? &sdp->media[0] : NULL;
    if (!m || str_copy_span(ret->ufrag, sizeof ret->ufrag, m->ice_ufrag) != 0 ||
        str_copy_span(ret->pwd, sizeof ret->pwd, m->ice_pwd) != 0 ||
        str_copy_span(ret->fingerprint, sizeof ret->fingerprint, m->fingerprint.value) != 0)
        er = ER_MALFORMED;
    if (er == 0)
        er = read_candidate(sdp_text, &ret->address);
    for (size_t i = 0; i < sdp->media_count && ret->transport_cc_id == 0; i++)
        ret->transport_cc_id = transport_cc_id(&sdp->media[i]);
    sdp_free(sdp);
    return er;
}
