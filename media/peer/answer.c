// SPDX-License-Identifier: Apache-2.0
/* Writing the answer. Rejected lines carry mid, ICE, fingerprint and setup too: some clients refuse
 * an answer whose rejected lines lack them. */
#include <stdlib.h>

#include "base/buf.h"
#include "base/er.h"
#include "media/peer/negotiate.h"
#include "media/peer/negotiate_table.h"

enum { NONE = LINE_PAYLOAD_NONE };

/** Codecs in the order of the answer, which is the order in which a publisher takes them: `i` counts
 *  through those that the rules prefer, then through all others. CODEC_NONE: passed over. */
static enum media_codec codec_at(const struct negotiation *n, const struct line *line, unsigned i)
{
    uint8_t codec = negotiate_order[i % CODEC_COUNT];
    bool preferred = n->prefer >> codec & 1, first = i < CODEC_COUNT;
    return line->payload_type[codec] != NONE && preferred == first ? codec : CODEC_NONE;
}

static void write_group(struct wr *w, const struct negotiation *n)
{
    bool any = false;
    for (size_t i = 0; i < n->line_count; i++) {
        if (!n->bundled || n->lines[i].rejected)
            continue;
        wr_printf(w, any ? " %s" : "a=group:BUNDLE %s", n->lines[i].mid);
        any = true;
    }
    if (any)
        wr_printf(w, "\r\n");
}

static const char *address_family(const struct addr *a)
{
    return addr_is_v4(a) ? "IP4" : "IP6";
}

static void write_session(struct wr *w, const struct negotiation *n)
{
    wr_printf(w, "v=0\r\no=- %llu %llu IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=ice-lite\r\n",
              (unsigned long long)n->session_id, (unsigned long long)n->session_version);
    write_group(w, n);
    if (n->extmap_allow_mixed)
        wr_printf(w, "a=extmap-allow-mixed\r\n");
    wr_printf(w, "a=msid-semantic: WMS *\r\n");
}

/* The m= and c= lines name the default candidate (RFC 8839, 4.3.1.1). */
static void write_media_line(struct wr *w, const struct negotiation *n, const struct line *line,
                             const struct answer_transport *transport)
{
    const struct addr *a = transport->candidate_count ? &transport->candidates[0] : NULL;
    char ip[ADDR_TEXT_BYTES] = "0.0.0.0";
    if (a && !line->rejected)
        addr_format_ip(a, ip);
    unsigned port = line->rejected ? 0 : a ? a->port : 9;
    wr_printf(w, "m=%s %u %s", line->kind_text, port, line->protocol);
    if (line->rejected)
        wr_printf(w, " %s", line->format);
    for (unsigned i = 0; i < 2 * CODEC_COUNT && !line->rejected; i++) {
        enum media_codec c = codec_at(n, line, i);
        if (c == CODEC_NONE)
            continue;
        wr_printf(w, " %u", line->payload_type[c]);
        if (line->rtx_payload_type[c] != NONE)
            wr_printf(w, " %u", line->rtx_payload_type[c]);
    }
    wr_printf(w, "\r\nc=IN %s %s\r\n", a && !line->rejected ? address_family(a) : "IP4", ip);
}

static void write_transport(struct wr *w, const struct line *line,
                            const struct answer_transport *transport)
{
    if (line->mid_offered)
        wr_printf(w, "a=mid:%s\r\n", line->mid);
    wr_printf(w,
              "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=fingerprint:sha-256 %s\r\na=setup:passive\r\n",
              transport->ice_ufrag, transport->ice_pwd, transport->fingerprint);
}

/* RFC 8445, 5.1.2.1: host candidates, the first one preferred; all over UDP before any over TCP, whose
 * local preference is made of a direction and a rest (RFC 6544, 4.2). */
static void write_candidates(struct wr *w, const struct answer_transport *transport)
{
    enum { HOST = 126, TCP_HOST = 90, PASSIVE = 4 };
    char ip[ADDR_TEXT_BYTES];
    size_t foundation = 1;
    for (size_t i = 0; i < transport->candidate_count; i++) {
        const struct addr *a = &transport->candidates[i];
        addr_format_ip(a, ip);
        uint32_t priority = (uint32_t)HOST << 24 | (uint32_t)(65535 - (i & 0xffff)) << 8 | 255;
        wr_printf(w, "a=candidate:%zu 1 udp %u %s %u typ host\r\n", foundation++, priority, ip,
                  a->port);
    }
    for (size_t i = 0; i < transport->tcp_candidate_count; i++) {
        const struct addr *a = &transport->tcp_candidates[i];
        addr_format_ip(a, ip);
        uint32_t local = (uint32_t)PASSIVE << 13 | (uint32_t)(8191 - (i & 0x1fff));
        uint32_t priority = (uint32_t)TCP_HOST << 24 | local << 8 | 255;
        wr_printf(w, "a=candidate:%zu 1 tcp %u %s %u typ host tcptype passive\r\n", foundation++,
                  priority, ip, a->port);
    }
    wr_printf(w, "a=end-of-candidates\r\n");
}

static const char *direction_name(const struct line *line)
{
    if (line->receives)
        return line->sends ? "sendrecv" : "recvonly";
    return line->sends ? "sendonly" : "inactive";
}

static void write_extensions(struct wr *w, const struct line *line)
{
    for (size_t i = 0; i < NEGOTIATE_EXTENSIONS; i++) {
        const struct negotiate_extension *x = &negotiate_extensions[i];
        uint8_t id = ((const uint8_t *)&line->extensions)[x->offset];
        bool received = line->extensions_received >> i & 1;
        if (id)
            wr_printf(w, "a=extmap:%u%s %s\r\n", id, received ? "/recvonly" : "", x->uri);
    }
}

static void write_feedback(struct wr *w, const struct line *line, enum media_codec codec)
{
    uint8_t agreed = line->feedback[codec];
    const struct {
        bool agreed;
        const char *name;
    } table[] = {
        {line->remb && (agreed & LINE_REMB), "goog-remb"},
        {line->transport_cc && (agreed & LINE_TRANSPORT_CC), "transport-cc"},
        {agreed & LINE_CCM_FIR, "ccm fir"},
        {agreed & LINE_NACK, "nack"},
        {agreed & LINE_NACK_PLI, "nack pli"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].agreed)
            wr_printf(w, "a=rtcp-fb:%u %s\r\n", line->payload_type[codec], table[i].name);
}

static void write_format(struct wr *w, const struct line *line, enum media_codec codec)
{
    const struct codec_info *info = codec_describe(codec);
    const struct line_format *f = &line->parameters[codec];
    unsigned pt = line->payload_type[codec], opus = line->payload_type[CODEC_OPUS];
    switch (info->format) {
    case FORMAT_OPUS:
        wr_printf(w, "a=fmtp:%u minptime=10;useinbandfec=1%s\r\n", pt,
                  line->stereo ? ";stereo=1" : "");
        break;
    case FORMAT_RED:
        wr_printf(w, "a=fmtp:%u %u/%u\r\n", pt, opus, opus);
        break;
    case FORMAT_VP9:
        wr_printf(w, "a=fmtp:%u profile-id=%u\r\n", pt, info->profile);
        break;
    case FORMAT_AV1:
        wr_printf(w, "a=fmtp:%u level-idx=%u;profile=%u;tier=%u\r\n", pt, f->level, info->profile,
                  f->tier);
        break;
    case FORMAT_H264:
        wr_printf(w, "a=fmtp:%u %spacketization-mode=%u;profile-level-id=%06x\r\n", pt,
                  f->level_asymmetry ? "level-asymmetry-allowed=1;" : "", info->mode,
                  f->profile_level_id);
        break;
    case FORMAT_VP8:
        break;
    }
}

static void write_codec(struct wr *w, const struct line *line, enum media_codec codec)
{
    const struct codec_info *info = codec_describe(codec);
    unsigned pt = line->payload_type[codec], rtx = line->rtx_payload_type[codec];
    wr_printf(w, "a=rtpmap:%u %s/%u", pt, info->name, info->clock_rate);
    if (info->channels > 1)
        wr_printf(w, "/%u", info->channels);
    wr_printf(w, "\r\n");
    write_feedback(w, line, codec);
    write_format(w, line, codec);
    if (rtx != NONE)
        wr_printf(w, "a=rtpmap:%u rtx/%u\r\na=fmtp:%u apt=%u\r\n", rtx, info->clock_rate, rtx, pt);
}

static void write_sources(struct wr *w, const struct line *line, const char *cname)
{
    if (!line->sends)
        return;
    wr_printf(w, "a=msid:%s %s\r\n", cname, line->mid);
    if (line->local_rtx_ssrc)
        wr_printf(w, "a=ssrc-group:FID %u %u\r\n", line->local_ssrc, line->local_rtx_ssrc);
    wr_printf(w, "a=ssrc:%u cname:%s\r\n", line->local_ssrc, cname);
    if (line->local_rtx_ssrc)
        wr_printf(w, "a=ssrc:%u cname:%s\r\n", line->local_rtx_ssrc, cname);
}

static void write_line(struct wr *w, const struct negotiation *n, const struct line *line,
                       const struct answer_transport *transport)
{
    write_media_line(w, n, line, transport);
    write_transport(w, line, transport);
    if (line->rejected)
        return;
    wr_printf(w, "a=rtcp-mux\r\n");
    if (line->rtcp_rsize)
        wr_printf(w, "a=rtcp-rsize\r\n");
    wr_printf(w, "a=%s\r\n", direction_name(line));
    write_extensions(w, line);
    for (unsigned i = 0; i < 2 * CODEC_COUNT; i++)
        if (codec_at(n, line, i) != CODEC_NONE)
            write_codec(w, line, codec_at(n, line, i));
    answer_simulcast(w, line);
    write_sources(w, line, n->cname);
    write_candidates(w, transport);
}

int negotiate_answer(const struct negotiation *n, const struct answer_transport *transport,
                     char **ret_answer)
{
    *ret_answer = NULL;
    /* The fixed parts of a line stay below 8 KiB, with every codec; a candidate below 128 bytes. */
    size_t candidates = transport->candidate_count + transport->tcp_candidate_count;
    size_t size = 4096 + n->line_count * (8192 + candidates * 128);
    char *text = malloc(size);
    if (!text)
        return ER_NOMEM;
    struct wr w = wr_make(text, size);
    write_session(&w, n);
    for (size_t i = 0; i < n->line_count; i++)
        write_line(&w, n, &n->lines[i], transport);
    wr_u8(&w, 0);
    if (w.bad) {
        free(text);
        return ER_INTERNAL;
    }
    *ret_answer = text;
    return 0;
}
