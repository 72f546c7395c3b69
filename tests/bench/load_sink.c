// SPDX-License-Identifier: Apache-2.0
/* A viewer's bookkeeping. */
#include "tests/bench/load_sink.h"

#include <string.h>

#include "base/buf.h"
#include "tests/bench/load_source.h"

#define FEEDBACK_EVERY_US 100000u
#define REPORT_EVERY_US 1000000u
#define SAMPLE_VIDEO 7 /* every so many packets is decrypted, and every frame's last */
#define SAMPLE_AUDIO 8
#define AUDIO_PACKET_BYTES 300 /* at most */

void load_sink_init(struct load_sink *s, uint32_t ssrc)
{
    memset(s, 0, sizeof *s);
    s->ssrc = ssrc;
    s->rtx_type = 255;
    s->feedback_us = s->report_us = UINT64_MAX;
}

void load_sink_start(struct load_sink *s, uint64_t now_us)
{
    s->feedback_us = s->transport_cc_id ? now_us + s->ssrc % FEEDBACK_EVERY_US : UINT64_MAX;
    s->report_us = now_us + s->ssrc % REPORT_EVERY_US;
}

static struct load_incoming *find(struct load_sink *s, uint32_t ssrc)
{
    for (size_t i = 0; i < s->stream_count; i++)
        if (s->streams[i].ssrc == ssrc)
            return &s->streams[i];
    return NULL;
}

static struct load_incoming *learn(struct load_sink *s, uint32_t ssrc, uint8_t type)
{
    if (s->stream_count == SINK_STREAMS)
        return NULL;
    struct load_incoming *in = &s->streams[s->stream_count++];
    *in = (struct load_incoming){.ssrc = ssrc, .payload_type = type};
    return in;
}

static void note_transport(struct load_sink *s, uint32_t ssrc, uint64_t arrived_us,
                           const uint8_t *data, size_t len)
{
    struct rtp_packet packet;
    if (!(data[0] & 0x10) || rtp_parse(data, len, &packet) != 0)
        return;
    const struct rtp_extension *x = rtp_find_extension(&packet, s->transport_cc_id);
    if (x && x->len == 2) {
        twcc_record(&s->twcc, get_u16(x->at), arrived_us);
        s->twcc_media = ssrc;
    }
}

static void check(struct load_sink *s, struct load_incoming *in, struct load_meter *meter,
                  struct srtp_pair *srtp, uint64_t arrived_us, uint8_t *data, size_t len)
{
    struct rtp_packet packet;
    struct load_stamp stamp;
    bool marker = data[1] & 0x80;
    bool audio = len < AUDIO_PACKET_BYTES;
    s->counts.checked++;
    if (srtp_pair_unprotect_rtp(srtp, data, &len) != 0 || rtp_parse(data, len, &packet) != 0 ||
        load_stamp_read(packet.payload, packet.payload_len, &stamp) != 0) {
        s->counts.corrupt++;
        return;
    }
    if (stamp.counter < in->counter)
        s->counts.reordered++;
    if (in->counter == 0 && !audio)
        in->clean = load_is_key_start(packet.payload);
    in->counter = stamp.counter;
    uint64_t delay = arrived_us > stamp.sent_us ? arrived_us - stamp.sent_us : 0;
    histogram_add(audio ? &meter->audio : &meter->video, delay);
    if (audio)
        return;
    s->delay_sum_us += delay;
    s->delay_count++;
    if (marker)
        meter_frame(meter, stamp.stream, stamp.frame, arrived_us, &s->last_count);
}

void load_sink_rtp(struct load_sink *s, struct load_meter *meter, struct srtp_pair *srtp,
                   uint64_t arrived_us, uint8_t *data, size_t len)
{
    if (len < RTP_HEADER_BYTES)
        return;
    uint8_t type = data[1] & 0x7f;
    uint32_t ssrc = get_u32(data + 8);
    if (s->transport_cc_id)
        note_transport(s, ssrc, arrived_us, data, len);
    if (type == s->rtx_type) {
        s->counts.repeated++;
        return;
    }
    struct load_incoming *in = find(s, ssrc);
    if (!in)
        in = learn(s, ssrc, type);
    if (!in)
        return;
    int64_t seq = seq_extend(&in->extender, get_u16(data + 2));
    in->received++;
    if (in->highest == 0)
        in->first = in->highest = seq;
    if (seq > in->highest)
        in->highest = seq;
    if (data[0] & 0x20) {
        in->padding++;
        return;
    }
    bool audio = len < AUDIO_PACKET_BYTES;
    if (in->received == 1 ||
        (audio ? seq % SAMPLE_AUDIO == 0 : (data[1] & 0x80) || seq % SAMPLE_VIDEO == 0))
        check(s, in, meter, srtp, arrived_us, data, len);
}

/* Feedback */

void load_sink_sender_report(struct load_sink *s, const struct rtcp_sender_info *info,
                             uint64_t now_us)
{
    struct load_incoming *in = find(s, info->ssrc);
    if (in) {
        in->last_sr = ntp_middle(info->ntp);
        in->last_sr_us = now_us;
    }
}

uint64_t load_sink_due_us(const struct load_sink *s)
{
    return s->feedback_us < s->report_us ? s->feedback_us : s->report_us;
}

static struct rtcp_report report_of(struct load_incoming *in, uint64_t now_us)
{
    uint64_t expected = (uint64_t)(in->highest - in->first + 1);
    uint64_t span = expected - in->reported_expected;
    uint64_t came = in->received - in->reported;
    uint64_t lost = span > came ? span - came : 0;
    struct rtcp_report report = {
        .ssrc = in->ssrc,
        .fraction_lost = (uint8_t)(span ? lost * 255 / span : 0),
        .cumulative_lost = (int32_t)(expected - in->received),
        .highest_seq = (uint32_t)(in->highest - 65536),
        .last_sr = in->last_sr,
    };
    if (in->last_sr)
        report.delay_since_last_sr = (uint32_t)((now_us - in->last_sr_us) * 65536 / 1000000);
    in->reported_expected = expected;
    in->reported = in->received;
    return report;
}

void load_sink_write(struct load_sink *s, uint64_t now_us, struct wr *w)
{
    if (now_us >= s->report_us) {
        struct rtcp_report reports[SINK_STREAMS];
        for (size_t i = 0; i < s->stream_count; i++)
            reports[i] = report_of(&s->streams[i], now_us);
        s->report_us = now_us + REPORT_EVERY_US;
        rtcp_write_rr(w, s->ssrc, reports, s->stream_count);
        rtcp_write_sdes_cname(w, s->ssrc, "load");
    }
    if (now_us >= s->feedback_us) {
        s->feedback_us = now_us + FEEDBACK_EVERY_US;
        while (twcc_pending(&s->twcc) && !w->bad)
            twcc_write(&s->twcc, w, s->ssrc, s->twcc_media);
    }
}

/* Counting */

void load_sink_reset(struct load_sink *s)
{
    s->counts = (struct load_counts){0};
    s->delay_sum_us = s->delay_count = s->last_count = 0;
    for (size_t i = 0; i < s->stream_count; i++) {
        struct load_incoming *in = &s->streams[i];
        in->first = in->highest + 1;
        in->received = in->padding = in->reported = in->reported_expected = 0;
    }
}

void load_sink_count(const struct load_sink *s, struct load_counts *sum)
{
    sum->repeated += s->counts.repeated;
    sum->checked += s->counts.checked;
    sum->corrupt += s->counts.corrupt;
    sum->reordered += s->counts.reordered;
    for (size_t i = 0; i < s->stream_count; i++) {
        const struct load_incoming *in = &s->streams[i];
        sum->streams += in->received > 0;
        sum->clean += in->clean;
        sum->received += in->received - in->padding;
        sum->padding += in->padding;
        sum->expected += (uint64_t)(in->highest - in->first + 1);
    }
}
