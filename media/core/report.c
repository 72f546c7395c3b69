// SPDX-License-Identifier: Apache-2.0
/* RTCP: sender and receiver reports and transport feedback of our own, and what members send. */
#include <stdlib.h>

#include "base/er.h"
#include "media/core/hub_private.h"

#define COMPOUND_BYTES 1200
#define COMPOUND_FULL 1000 /* begin another packet behind this */
#define NACKED_MAX 1024
#define NO_LIMIT_BPS 100000000u
#define DARK_US 3000000u /* on a path with light consent is asked for more often */
#define DARK_MOST_US 15000000u
#define DARK_EVERY_US 25000u

/* In */

static void on_sender_info(struct member *m, uint64_t now_us, const struct rtcp_sender_info *info)
{
    struct encoding *e = member_encoding_by_remote(m, info->ssrc);
    if (e)
        encoding_sender_report(e, now_us, info->ntp, info->rtp_timestamp);
    if (e)
        mirror_clock_noted(m->room, e);
}

/** The round trip from our SR's echo (RFC 3550, 6.4.1). */
static void on_report_block(struct member *m, uint64_t now_us, const struct rtcp_report *b)
{
    struct member_line *l = member_line_by_local(m, b->ssrc);
    if (!l)
        return;
    const struct codec_info *codec = l->slot->track ? codec_describe(l->slot->track->codec) : NULL;
    l->viewer_fraction_lost = b->fraction_lost;
    slot_viewer_loss(l->slot, b->fraction_lost);
    slot_hold_back(l->slot, now_us, b->fraction_lost);
    slot_viewer_heard(l->slot, now_us, (uint16_t)b->highest_seq);
    if (codec)
        l->viewer_jitter_us = (uint32_t)((uint64_t)b->jitter * 1000000u / codec->clock_rate);
    if (b->last_sr == 0)
        return;
    uint32_t now = ntp_middle(ntp_from_unix_us(hub_unix_us(m->hub, now_us)));
    uint32_t rtt = now - b->last_sr - b->delay_since_last_sr; /* 1/65536 s */
    if (rtt > 10u * 65536u)
        return; /* the echo of a report we never sent */
    m->rtt_us = (uint64_t)rtt * 1000000u / 65536u;
    sender_clock_note_rtt(&m->clock, m->rtt_us, hub_unix_us(m->hub, now_us));
    l->slot->rtt_us = m->rtt_us;
    for (size_t i = 0; i < m->line_count; i++)
        if (m->lines[i]->track && m->lines[i]->track->rtt_us == 0)
            m->lines[i]->track->rtt_us = m->rtt_us;
}

/** One report is many blocks: the path hears of the worst. */
static void tell_path(struct member *m, uint64_t now_us)
{
    uint8_t lost = 0;
    for (size_t i = 0; i < m->line_count; i++)
        if (m->lines[i]->slot && m->lines[i]->viewer_fraction_lost > lost)
            lost = m->lines[i]->viewer_fraction_lost;
    downlink_receiver_report(m->downlink, now_us, lost, m->rtt_us);
}

static int on_reports(struct member *m, uint64_t now_us, const struct rtcp_packet *p)
{
    struct rtcp_sender_info info;
    struct rtcp_report blocks[RTCP_MAX_REPORTS];
    size_t count = 0;
    uint32_t sender;
    int er = p->type == RTCP_SR ? rtcp_parse_sr(p, &info, blocks, RTCP_MAX_REPORTS, &count)
                                : rtcp_parse_rr(p, &sender, blocks, RTCP_MAX_REPORTS, &count);
    if (er != 0)
        return er;
    m->hub->counters.reports_received++;
    if (p->type == RTCP_SR)
        on_sender_info(m, now_us, &info);
    for (size_t i = 0; i < count; i++)
        on_report_block(m, now_us, &blocks[i]);
    if (count > 0 && m->downlink)
        tell_path(m, now_us);
    return 0;
}

static int on_transport_feedback(struct member *m, uint64_t now_us, const struct rtcp_packet *p)
{
    struct twcc_arrival arrivals[TWCC_WINDOW];
    int64_t reference_us;
    size_t count;
    int er = twcc_parse(p, &reference_us, arrivals, TWCC_WINDOW, &count);
    m->hub->counters.feedback_received += er == 0;
    if (er == 0)
        seen_feedback(m, now_us, arrivals, count);
    if (er == 0 && m->downlink)
        downlink_feedback(m->downlink, now_us, arrivals, count);
    return er;
}

/** REMB speaks of the whole path; other applications use the same format. */
static int on_remb(struct member *m, uint64_t now_us, const struct rtcp_packet *p)
{
    uint64_t bps;
    uint32_t ssrcs[RTCP_MAX_REPORTS];
    size_t count;
    int er = rtcp_parse_remb(p, &bps, ssrcs, RTCP_MAX_REPORTS, &count);
    if (er == 0 && m->downlink)
        downlink_remb(m->downlink, now_us, bps < UINT32_MAX ? (uint32_t)bps : UINT32_MAX);
    return er == ER_UNSUPPORTED ? 0 : er;
}

static int on_nack(struct member *m, uint64_t now_us, const struct rtcp_packet *p)
{
    uint32_t ssrc;
    uint16_t seqs[NACKED_MAX];
    size_t count;
    int er = rtcp_parse_nack(p, &ssrc, seqs, NACKED_MAX, &count);
    struct member_line *l = er == 0 ? member_line_by_local(m, ssrc) : NULL;
    if (er == 0)
        m->hub->counters.nacks_received += count;
    if (l) {
        seen_nacked(l, now_us, seqs, count);
        slot_nack(l->slot, now_us, seqs, count);
        hub_room_arm(m->room);
    }
    return er;
}

static void on_key_request(struct member *m, uint64_t now_us, uint32_t ssrc)
{
    struct member_line *l = member_line_by_local(m, ssrc);
    m->hub->counters.plis_received++;
    if (l)
        slot_key_frame(l->slot, now_us);
}

static int on_payload_feedback(struct member *m, uint64_t now_us, const struct rtcp_packet *p)
{
    uint32_t ssrcs[RTCP_MAX_REPORTS];
    size_t count = 0;
    int er = 0;
    if (p->count == RTCP_PSFB_PLI) {
        er = rtcp_parse_pli(p, &ssrcs[0]);
        count = er == 0;
    } else if (p->count == RTCP_PSFB_FIR) {
        er = rtcp_parse_fir(p, ssrcs, RTCP_MAX_REPORTS, &count);
    } else if (p->count == RTCP_PSFB_AFB) {
        er = on_remb(m, now_us, p);
    }
    for (size_t i = 0; i < count; i++)
        on_key_request(m, now_us, ssrcs[i]);
    return er;
}

void member_rtcp(struct member *m, uint64_t now_us, const uint8_t *data, size_t len)
{
    struct rd compound = rd_make(data, len);
    struct rtcp_packet p;
    int er;
    while ((er = rtcp_next(&compound, &p)) == 0) {
        if (p.type == RTCP_SR || p.type == RTCP_RR)
            er = on_reports(m, now_us, &p);
        else if (p.type == RTCP_RTPFB && p.count == RTCP_RTPFB_NACK)
            er = on_nack(m, now_us, &p);
        else if (p.type == RTCP_RTPFB && p.count == RTCP_RTPFB_TWCC)
            er = on_transport_feedback(m, now_us, &p);
        else if (p.type == RTCP_PSFB)
            er = on_payload_feedback(m, now_us, &p);
        if (er != 0)
            break;
    }
    if (er == ER_MALFORMED || er == ER_TRUNCATED)
        m->hub->counters.rtcp_bad++;
    member_arm(m);
}

/* Out */

struct compound {
    struct member *member;
    struct wr w;
    uint8_t bytes[COMPOUND_BYTES + SRTP_OVERHEAD];
};

static void compound_begin(struct compound *c)
{
    c->w = wr_make(c->bytes, COMPOUND_BYTES);
}

static void compound_send(struct compound *c)
{
    if (!c->w.bad && wr_len(&c->w) > 0)
        member_send_rtcp(c->member, c->bytes, wr_len(&c->w));
    compound_begin(c);
}

static size_t collect_blocks(struct member *m, uint64_t now_us, struct rtcp_report *ret)
{
    size_t n = 0;
    for (size_t i = 0; i < m->line_count; i++) {
        for (size_t k = 0; k < LIMIT_ENCODINGS && n < RTCP_MAX_REPORTS; k++) {
            struct encoding *e = m->lines[i]->sources[k].encoding;
            if (e && reception_report(&e->reception, e->ssrc, now_us, &ret[n]))
                n++;
        }
    }
    return n;
}

static void measure(struct rate_meter *r, uint64_t bytes, uint64_t now_us)
{
    if (r->at_us && now_us > r->at_us && bytes >= r->bytes)
        r->bps = (uint32_t)((bytes - r->bytes) * 8u * 1000000u / (now_us - r->at_us));
    r->bytes = bytes;
    r->at_us = now_us;
}

static bool add_sender_report(struct compound *c, struct member_line *l, uint64_t now_us,
                              const struct rtcp_report *blocks, size_t count)
{
    struct member *m = l->member;
    const struct line *agreed = member_line_agreed(l);
    struct rtcp_sender_info info = {
        .ssrc = agreed->local_ssrc,
        .ntp = ntp_from_unix_us(hub_unix_us(m->hub, now_us)),
        .packets = (uint32_t)l->slot->counters.packets,
        .bytes = (uint32_t)l->slot->counters.bytes,
    };
    if (!slot_sender_clock(l->slot, now_us, &info.rtp_timestamp))
        return false;
    if (wr_len(&c->w) > COMPOUND_FULL)
        compound_send(c);
    rtcp_write_sr(&c->w, &info, blocks, count);
    rtcp_write_sdes_cname(&c->w, info.ssrc, m->peer->negotiation.cname);
    return true;
}

/** A cap beside transport-wide feedback: browsers heed it. */
static void add_limit(struct compound *c)
{
    struct member *m = c->member;
    uint32_t ssrcs[RTCP_MAX_REPORTS], bps;
    size_t count = 0;
    if (!member_publish_limit(m, &bps))
        return;
    for (size_t i = 0; i < m->line_count; i++)
        for (size_t k = 0; k < LIMIT_ENCODINGS && count < RTCP_MAX_REPORTS; k++)
            if (m->lines[i]->sources[k].encoding)
                ssrcs[count++] = m->lines[i]->sources[k].ssrc;
    rtcp_write_remb(&c->w, m->rtcp_ssrc, bps ? bps : NO_LIMIT_BPS, ssrcs, count);
}

void member_report_limit(struct member *m)
{
    struct compound c = {.member = m};
    compound_begin(&c);
    rtcp_write_rr(&c.w, m->rtcp_ssrc, NULL, 0);
    add_limit(&c);
    compound_send(&c);
}

/** A publisher whose path is dark is asked for key frames all the time: the request that gets through first
 *  is there when the light comes, not a round trip later. It heeds few of them, if it hears them and only
 *  the way from it is dark. */
void member_ask_in_the_dark(struct member *m, uint64_t now_us)
{
    uint64_t silent_us = now_us - m->heard_us;
    m->dark_at_us = silent_us < DARK_US || silent_us > DARK_MOST_US ? 0 : now_us + DARK_EVERY_US;
    for (size_t i = 0; m->dark_at_us && i < m->line_count; i++)
        for (size_t k = 0; k < LIMIT_ENCODINGS; k++)
            if (m->lines[i]->sources[k].encoding)
                encoding_ask_in_the_dark(m->lines[i]->sources[k].encoding);
}

void member_report(struct member *m, uint64_t now_us)
{
    struct compound c = {.member = m};
    struct rtcp_report blocks[RTCP_MAX_REPORTS];
    size_t count = collect_blocks(m, now_us, blocks);
    m->report_at_us = now_us + LIMIT_RTCP_INTERVAL_US;
    if (m->dark_at_us == 0 && m->uplink && now_us - m->heard_us >= DARK_US)
        member_ask_in_the_dark(m, now_us);
    seen_tick(m, now_us);
    compound_begin(&c);
    bool reported = false;
    for (size_t i = 0; i < m->line_count; i++) {
        struct member_line *l = m->lines[i];
        if (l->track)
            measure(&l->rate_in, l->track->counters.bytes, now_us);
        member_line_hint(l, now_us);
        if (!l->slot)
            continue;
        measure(&l->rate_out, l->slot->counters.bytes, now_us);
        member_count_switches(l);
        if (add_sender_report(&c, l, now_us, blocks, reported ? 0 : count))
            reported = true;
    }
    if (!reported && count > 0) {
        rtcp_write_rr(&c.w, m->rtcp_ssrc, blocks, count);
        rtcp_write_sdes_cname(&c.w, m->rtcp_ssrc, m->peer->negotiation.cname);
    }
    if (wr_len(&c.w) > 0)
        add_limit(&c);
    compound_send(&c);
}

void member_report_twcc(struct member *m, uint64_t now_us)
{
    struct compound c = {.member = m};
    uint32_t media = 0;
    for (size_t i = 0; i < m->line_count && media == 0; i++)
        if (m->lines[i]->track && m->lines[i]->track->encoding_count)
            media = m->lines[i]->track->encodings[0]->ssrc;
    bool capped = m->uplink && uplink_judge(m->uplink, now_us, m->rtt_us);
    while (m->uplink && twcc_pending(&m->uplink->twcc)) {
        compound_begin(&c);
        twcc_write(&m->uplink->twcc, &c.w, m->rtcp_ssrc, media);
        if (c.w.bad || wr_len(&c.w) == 0)
            break;
        m->hub->counters.feedback_sent++;
        if (uplink_is_lossy(m->uplink)) {
            struct compound again = c;
            member_send_rtcp(m, again.bytes, wr_len(&c.w));
        }
        compound_send(&c);
    }
    if (capped)
        member_report_limit(m);
    m->twcc_at_us = 0;
}
