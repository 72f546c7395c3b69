// SPDX-License-Identifier: Apache-2.0
/* RTCP of the fake browser: what it is told, and what it tells. */
#include <string.h>

#include "base/buf.h"
#include "base/er.h"
#include "tests/sim/browser_private.h"

#define NACKS_MAX 512
#define UNKNOWN_RTT_US 100000u

static struct sender *sender_of(struct browser *b, uint32_t ssrc)
{
    for (size_t i = 0; i < b->line_count; i++) {
        for (size_t k = 0; k < BROWSER_ENCODINGS; k++) {
            struct sender *s = browser_sender(&b->lines[i], k);
            if (s && s->config.ssrc == ssrc)
                return s;
        }
    }
    return NULL;
}

static void take_nack(struct browser *b, const struct rtcp_packet *p)
{
    uint32_t ssrc;
    uint16_t seqs[NACKS_MAX];
    size_t count;
    if (rtcp_parse_nack(p, &ssrc, seqs, NACKS_MAX, &count)) {
        b->stats.malformed++;
        return;
    }
    struct sender *s = sender_of(b, ssrc);
    for (size_t i = 0; s && i < count; i++)
        sender_nack(s, b->now_us, seqs[i], browser_send_rtp, browser_next_transport_seq, b);
}

static void take_key_request(struct browser *b, const struct rtcp_packet *p)
{
    uint32_t ssrcs[8] = {0};
    size_t count = 1;
    bool pli = p->count == RTCP_PSFB_PLI;
    int er = pli ? rtcp_parse_pli(p, &ssrcs[0]) : rtcp_parse_fir(p, ssrcs, 8, &count);
    if (er) {
        b->stats.malformed++;
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct sender *s = sender_of(b, ssrcs[i]);
        if (!s)
            continue;
        s->key_wanted = s->config.codec == CODEC_VP8;
        s->stats.plis += pli;
        s->stats.firs += !pli;
    }
}

/* The round trip (RFC 3550, 6.4.1), and what sound must bear. */
static void learn(struct browser *b, struct sender *s, const struct rtcp_report *report)
{
    uint32_t now = ntp_middle(ntp_from_unix_us(BROWSER_UNIX_US(b->now_us)));
    uint32_t rtt = now - report->last_sr - report->delay_since_last_sr;
    if (report->last_sr && rtt < 10u * 65536u) {
        b->rtcp_rtt_us = (uint64_t)rtt * 1000000u / 65536u;
        congestion_rtt(&b->congestion, b->rtcp_rtt_us);
        s->rtt_us = b->rtcp_rtt_us;
    }
    if (s->config.codec == CODEC_OPUS) {
        b->sound_loss += (report->fraction_lost / 256.0 - b->sound_loss) / 2;
        s->fec = s->config.adaptive && b->sound_loss > 0.01;
    }
}

static void take_reports(struct browser *b, const struct rtcp_report *reports, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct sender *s = sender_of(b, reports[i].ssrc);
        if (!s)
            continue;
        learn(b, s, &reports[i]);
        b->stats.reports++;
        if (reports[i].fraction_lost > b->stats.worst_fraction_lost)
            b->stats.worst_fraction_lost = reports[i].fraction_lost;
    }
}

static void take_sr(struct browser *b, uint64_t now_us, const struct rtcp_packet *p)
{
    struct rtcp_sender_info info;
    struct rtcp_report reports[RTCP_MAX_REPORTS];
    size_t count;
    if (rtcp_parse_sr(p, &info, reports, RTCP_MAX_REPORTS, &count)) {
        b->stats.malformed++;
        return;
    }
    take_reports(b, reports, count);
    for (size_t i = 0; i < b->line_count; i++)
        if (b->lines[i].receiver && b->lines[i].receiver->config.ssrc == info.ssrc)
            receiver_note_sr(b->lines[i].receiver, now_us, &info);
}

static void take_rr(struct browser *b, const struct rtcp_packet *p)
{
    uint32_t sender;
    struct rtcp_report reports[RTCP_MAX_REPORTS];
    size_t count;
    if (rtcp_parse_rr(p, &sender, reports, RTCP_MAX_REPORTS, &count))
        b->stats.malformed++;
    else
        take_reports(b, reports, count);
}

static void take_transport_feedback(struct browser *b, const struct rtcp_packet *p)
{
    struct twcc_arrival arrivals[TWCC_WINDOW];
    int64_t reference_us;
    size_t count;
    b->stats.transport_reports++;
    if (twcc_parse(p, &reference_us, arrivals, TWCC_WINDOW, &count)) {
        b->stats.malformed++;
        return;
    }
    congestion_feedback(&b->congestion, b->now_us, arrivals, count);
    browser_rate_apply(b, b->now_us);
}

static void take_remb(struct browser *b, const struct rtcp_packet *p)
{
    uint64_t bps;
    uint32_t ssrcs[8];
    size_t count;
    if (rtcp_parse_remb(p, &bps, ssrcs, 8, &count))
        return; /* other application feedback */
    b->stats.rembs++;
    congestion_remb(&b->congestion, bps > UINT32_MAX ? UINT32_MAX : (uint32_t)bps);
    browser_rate_apply(b, b->now_us);
}

void browser_input_rtcp(struct browser *b, uint64_t now_us, const uint8_t *data, size_t len)
{
    struct rd r = rd_make(data, len);
    struct rtcp_packet p;
    int er;
    while ((er = rtcp_next(&r, &p)) == 0) {
        if (p.type == RTCP_SR)
            take_sr(b, now_us, &p);
        else if (p.type == RTCP_RR)
            take_rr(b, &p);
        else if (p.type == RTCP_RTPFB && p.count == RTCP_RTPFB_NACK)
            take_nack(b, &p);
        else if (p.type == RTCP_RTPFB && p.count == RTCP_RTPFB_TWCC)
            take_transport_feedback(b, &p);
        else if (p.type == RTCP_PSFB && p.count == RTCP_PSFB_AFB)
            take_remb(b, &p);
        else if (p.type == RTCP_PSFB && (p.count == RTCP_PSFB_PLI || p.count == RTCP_PSFB_FIR))
            take_key_request(b, &p);
    }
    if (er != ER_AGAIN)
        b->stats.malformed++;
}

/* The SSRC that our feedback comes from: that of a sending line, or as browsers do, 1. */
static uint32_t feedback_ssrc(const struct browser *b)
{
    for (size_t i = 0; i < b->line_count; i++)
        if (b->lines[i].sender)
            return b->lines[i].sender->config.ssrc;
    return 1;
}

void browser_send_feedback(struct browser *b, uint64_t now_us, struct browser_line *line)
{
    struct receiver_feedback f;
    uint8_t buf[1200];
    struct wr w = wr_make(buf, sizeof buf);
    /* Who only receives learns no round trip from RTCP; libwebrtc then takes 100 ms. */
    uint64_t rtt_us = b->config.real ? b->rtcp_rtt_us : b->rtt_us;
    line->receiver->rtt_us = rtt_us;
    receiver_expire(line->receiver, now_us, rtt_us ? rtt_us : UNKNOWN_RTT_US, &f);
    if (f.seq_count)
        rtcp_write_nack(&w, feedback_ssrc(b), line->receiver->config.ssrc, f.seqs, f.seq_count);
    if (f.pli)
        rtcp_write_pli(&w, feedback_ssrc(b), line->receiver->config.ssrc);
    if (!w.bad && wr_len(&w) > 0)
        browser_send_rtcp(b, buf, wr_len(&w));
}

static void write_sender_report(struct browser *b, struct wr *w, const struct sender *s,
                                uint64_t now_us)
{
    struct rtcp_sender_info info = {
        .ssrc = s->config.ssrc,
        .ntp = ntp_from_unix_us(BROWSER_UNIX_US(now_us)),
        .rtp_timestamp = sender_timestamp_at(s, now_us),
        .packets = (uint32_t)s->stats.packets,
        .bytes = (uint32_t)s->stats.bytes,
    };
    rtcp_write_sr(w, &info, NULL, 0);
    rtcp_write_sdes_cname(w, s->config.ssrc, b->config.name);
}

void browser_send_reports(struct browser *b, uint64_t now_us)
{
    uint8_t buf[1200];
    struct rtcp_report reports[RTCP_MAX_REPORTS];
    size_t count = 0;
    for (size_t i = 0; i < b->line_count; i++) {
        struct browser_line *line = &b->lines[i];
        for (size_t k = 0; k < BROWSER_ENCODINGS; k++) {
            const struct sender *s = browser_sender(line, k);
            if (!s || !s->stats.packets)
                continue;
            struct wr w = wr_make(buf, sizeof buf);
            write_sender_report(b, &w, s, now_us);
            if (!w.bad)
                browser_send_rtcp(b, buf, wr_len(&w));
        }
        if (line->receiver && count < RTCP_MAX_REPORTS &&
            receiver_report(line->receiver, now_us, &reports[count]))
            count++;
    }
    if (count > 0) {
        struct wr w = wr_make(buf, sizeof buf);
        rtcp_write_rr(&w, feedback_ssrc(b), reports, count);
        if (!w.bad)
            browser_send_rtcp(b, buf, wr_len(&w));
    }
}

void browser_send_transport_feedback(struct browser *b, uint64_t now_us)
{
    (void)now_us;
    while (twcc_pending(&b->recorder)) {
        uint8_t buf[1200];
        struct wr w = wr_make(buf, sizeof buf);
        twcc_write(&b->recorder, &w, feedback_ssrc(b), 0);
        if (w.bad || wr_len(&w) == 0)
            return;
        browser_send_rtcp(b, buf, wr_len(&w));
    }
}
