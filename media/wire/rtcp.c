// SPDX-License-Identifier: Apache-2.0
/* RTCP packets in and out. Any type may come first in a compound (reduced size, RFC 5506). */
#include "media/wire/rtcp.h"

#include <string.h>

#include "base/er.h"

enum { REPORT_BYTES = 24, SENDER_INFO_BYTES = 20, FEEDBACK_HEADER_BYTES = 8, FIR_ENTRY_BYTES = 8 };
enum { SDES_CNAME = 1, REMB_MANTISSA_BITS = 18 };

#define REMB_NAME 0x52454d42u /* "REMB" */
#define NTP_UNIX_SECONDS UINT64_C(2208988800)
#define NTP_ERA_SECONDS UINT64_C(0x100000000)

int rtcp_next(struct rd *compound, struct rtcp_packet *ret)
{
    if (rd_left(compound) == 0)
        return compound->bad ? ER_MALFORMED : ER_AGAIN;
    const uint8_t *header = rd_bytes(compound, 4);
    if (!header || header[0] >> 6 != 2)
        return ER_MALFORMED;
    size_t body_len = (size_t)get_u16(header + 2) * 4;
    const uint8_t *body = rd_bytes(compound, body_len);
    if (!body)
        return ER_MALFORMED;
    size_t padding = 0;
    if (header[0] & 0x20) {
        padding = body_len ? body[body_len - 1] : 0;
        if (padding == 0 || padding > body_len)
            return ER_MALFORMED;
    }
    *ret = (struct rtcp_packet){
        .type = header[1],
        .count = header[0] & 0x1f,
        .body = body,
        .body_len = body_len - padding,
        .whole = header,
        .whole_len = 4 + body_len,
    };
    return 0;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static int parse_reports(struct rd *r, size_t count, struct rtcp_report *ret, size_t size,
                         size_t *ret_count)
{
    if (r->bad || rd_left(r) < count * REPORT_BYTES)
        return ER_MALFORMED;
    *ret_count = smaller(count, size);
    for (size_t i = 0; i < *ret_count; i++) {
        ret[i].ssrc = rd_u32(r);
        ret[i].fraction_lost = rd_u8(r);
        uint32_t lost = rd_u24(r);
        ret[i].cumulative_lost = lost & 0x800000 ? (int32_t)lost - 0x1000000 : (int32_t)lost;
        ret[i].highest_seq = rd_u32(r);
        ret[i].jitter = rd_u32(r);
        ret[i].last_sr = rd_u32(r);
        ret[i].delay_since_last_sr = rd_u32(r);
    }
    return 0;
}

int rtcp_parse_sr(const struct rtcp_packet *p, struct rtcp_sender_info *ret_info,
                  struct rtcp_report *ret_reports, size_t size, size_t *ret_count)
{
    *ret_count = 0;
    struct rd r = rd_make(p->body, p->body_len);
    if (p->type != RTCP_SR || p->body_len < 4 + SENDER_INFO_BYTES)
        return ER_MALFORMED;
    ret_info->ssrc = rd_u32(&r);
    ret_info->ntp = rd_u64(&r);
    ret_info->rtp_timestamp = rd_u32(&r);
    ret_info->packets = rd_u32(&r);
    ret_info->bytes = rd_u32(&r);
    return parse_reports(&r, p->count, ret_reports, size, ret_count);
}

int rtcp_parse_rr(const struct rtcp_packet *p, uint32_t *ret_sender,
                  struct rtcp_report *ret_reports, size_t size, size_t *ret_count)
{
    *ret_count = 0;
    struct rd r = rd_make(p->body, p->body_len);
    if (p->type != RTCP_RR)
        return ER_MALFORMED;
    *ret_sender = rd_u32(&r);
    return parse_reports(&r, p->count, ret_reports, size, ret_count);
}

/** The common head of feedback: sender and media source. `r` then stands at the FCI. */
static int feedback_start(const struct rtcp_packet *p, unsigned type, unsigned format,
                          struct rd *ret_r, uint32_t *ret_media)
{
    *ret_r = rd_make(p->body, p->body_len);
    if (p->type != type || p->count != format || p->body_len < FEEDBACK_HEADER_BYTES)
        return ER_MALFORMED;
    rd_skip(ret_r, 4);
    *ret_media = rd_u32(ret_r);
    return 0;
}

int rtcp_parse_nack(const struct rtcp_packet *p, uint32_t *ret_media_ssrc, uint16_t *ret_seqs,
                    size_t size, size_t *ret_count)
{
    struct rd r;
    size_t n = 0;
    *ret_count = 0;
    int er = feedback_start(p, RTCP_RTPFB, RTCP_RTPFB_NACK, &r, ret_media_ssrc);
    if (er < 0 || rd_left(&r) == 0 || rd_left(&r) % 4 != 0)
        return ER_MALFORMED;
    while (rd_left(&r) && n < size) {
        uint16_t pid = rd_u16(&r);
        unsigned following = rd_u16(&r);
        ret_seqs[n++] = pid;
        for (unsigned i = 1; following && n < size; i++, following >>= 1)
            if (following & 1)
                ret_seqs[n++] = (uint16_t)(pid + i);
    }
    *ret_count = n;
    return 0;
}

int rtcp_parse_pli(const struct rtcp_packet *p, uint32_t *ret_media_ssrc)
{
    struct rd r;
    return feedback_start(p, RTCP_PSFB, RTCP_PSFB_PLI, &r, ret_media_ssrc);
}

int rtcp_parse_fir(const struct rtcp_packet *p, uint32_t *ret_ssrcs, size_t size, size_t *ret_count)
{
    struct rd r;
    uint32_t unused;
    *ret_count = 0;
    int er = feedback_start(p, RTCP_PSFB, RTCP_PSFB_FIR, &r, &unused);
    if (er < 0 || rd_left(&r) == 0 || rd_left(&r) % FIR_ENTRY_BYTES != 0)
        return ER_MALFORMED;
    *ret_count = smaller(rd_left(&r) / FIR_ENTRY_BYTES, size);
    for (size_t i = 0; i < *ret_count; i++) {
        ret_ssrcs[i] = rd_u32(&r);
        rd_skip(&r, 4);
    }
    return 0;
}

int rtcp_parse_remb(const struct rtcp_packet *p, uint64_t *ret_bps, uint32_t *ret_ssrcs,
                    size_t size, size_t *ret_count)
{
    struct rd r;
    uint32_t unused;
    *ret_count = 0;
    int er = feedback_start(p, RTCP_PSFB, RTCP_PSFB_AFB, &r, &unused);
    if (er < 0)
        return er;
    if (rd_left(&r) < 4 || rd_u32(&r) != REMB_NAME)
        return ER_UNSUPPORTED;
    size_t count = rd_u8(&r);
    uint32_t rate = rd_u24(&r);
    unsigned exponent = rate >> REMB_MANTISSA_BITS;
    uint64_t mantissa = rate & ((UINT32_C(1) << REMB_MANTISSA_BITS) - 1);
    if (r.bad || rd_left(&r) < count * 4 || mantissa << exponent >> exponent != mantissa)
        return ER_MALFORMED;
    *ret_bps = mantissa << exponent;
    *ret_count = smaller(count, size);
    for (size_t i = 0; i < *ret_count; i++)
        ret_ssrcs[i] = rd_u32(&r);
    return 0;
}

int rtcp_parse_bye(const struct rtcp_packet *p, uint32_t *ret_ssrcs, size_t size, size_t *ret_count)
{
    *ret_count = 0;
    if (p->type != RTCP_BYE || p->body_len < (size_t)p->count * 4)
        return ER_MALFORMED;
    struct rd r = rd_make(p->body, p->body_len);
    *ret_count = smaller(p->count, size);
    for (size_t i = 0; i < *ret_count; i++)
        ret_ssrcs[i] = rd_u32(&r);
    return 0;
}

/** The header, with a length that write_end fills in. The packet's first byte, or NULL. */
static uint8_t *write_start(struct wr *w, unsigned type, size_t count)
{
    uint8_t *header = wr_room(w, 4);
    if (!header)
        return NULL;
    header[0] = (uint8_t)(2 << 6 | count);
    header[1] = (uint8_t)type;
    return header;
}

static void write_end(struct wr *w, uint8_t *header)
{
    if (w->bad)
        return;
    size_t words = (size_t)(w->at - header) / 4 - 1;
    if (words > UINT16_MAX) {
        w->bad = true;
        return;
    }
    put_u16(header + 2, (uint16_t)words);
}

static uint8_t *write_feedback(struct wr *w, unsigned type, unsigned format, uint32_t sender,
                               uint32_t media)
{
    uint8_t *header = write_start(w, type, format);
    wr_u32(w, sender);
    wr_u32(w, media);
    return header;
}

static void write_reports(struct wr *w, const struct rtcp_report *reports, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int32_t lost = reports[i].cumulative_lost;
        lost = lost > 0x7fffff ? 0x7fffff : lost < -0x800000 ? -0x800000 : lost;
        wr_u32(w, reports[i].ssrc);
        wr_u8(w, reports[i].fraction_lost);
        wr_u24(w, (uint32_t)lost & 0xffffff);
        wr_u32(w, reports[i].highest_seq);
        wr_u32(w, reports[i].jitter);
        wr_u32(w, reports[i].last_sr);
        wr_u32(w, reports[i].delay_since_last_sr);
    }
}

void rtcp_write_sr(struct wr *w, const struct rtcp_sender_info *info,
                   const struct rtcp_report *reports, size_t count)
{
    count = smaller(count, RTCP_MAX_REPORTS);
    uint8_t *header = write_start(w, RTCP_SR, count);
    wr_u32(w, info->ssrc);
    wr_u64(w, info->ntp);
    wr_u32(w, info->rtp_timestamp);
    wr_u32(w, info->packets);
    wr_u32(w, info->bytes);
    write_reports(w, reports, count);
    write_end(w, header);
}

void rtcp_write_rr(struct wr *w, uint32_t sender, const struct rtcp_report *reports, size_t count)
{
    count = smaller(count, RTCP_MAX_REPORTS);
    uint8_t *header = write_start(w, RTCP_RR, count);
    wr_u32(w, sender);
    write_reports(w, reports, count);
    write_end(w, header);
}

void rtcp_write_sdes_cname(struct wr *w, uint32_t ssrc, const char *cname)
{
    static const uint8_t zeros[4];
    size_t len = strnlen(cname, UINT8_MAX);
    uint8_t *header = write_start(w, RTCP_SDES, 1);
    wr_u32(w, ssrc);
    wr_u8(w, SDES_CNAME);
    wr_u8(w, (uint8_t)len);
    wr_bytes(w, cname, len);
    /* A zero byte ends the chunk, further ones fill its last word. */
    wr_bytes(w, zeros, 4 - (2 + len) % 4);
    write_end(w, header);
}

void rtcp_write_bye(struct wr *w, uint32_t ssrc)
{
    uint8_t *header = write_start(w, RTCP_BYE, 1);
    wr_u32(w, ssrc);
    write_end(w, header);
}

void rtcp_write_nack(struct wr *w, uint32_t sender, uint32_t media, const uint16_t *seqs,
                     size_t count)
{
    if (count == 0)
        return;
    uint8_t *header = write_feedback(w, RTCP_RTPFB, RTCP_RTPFB_NACK, sender, media);
    for (size_t i = 0; i < count;) {
        uint16_t pid = seqs[i];
        unsigned following = 0;
        for (i++; i < count; i++) {
            uint16_t distance = (uint16_t)(seqs[i] - pid);
            if (distance > 16)
                break;
            if (distance)
                following |= 1u << (distance - 1);
        }
        wr_u16(w, pid);
        wr_u16(w, (uint16_t)following);
    }
    write_end(w, header);
}

void rtcp_write_pli(struct wr *w, uint32_t sender, uint32_t media)
{
    write_end(w, write_feedback(w, RTCP_PSFB, RTCP_PSFB_PLI, sender, media));
}

void rtcp_write_fir(struct wr *w, uint32_t sender, uint32_t media, uint8_t command_seq)
{
    uint8_t *header = write_feedback(w, RTCP_PSFB, RTCP_PSFB_FIR, sender, 0);
    wr_u32(w, media);
    wr_u32(w, (uint32_t)command_seq << 24);
    write_end(w, header);
}

void rtcp_write_remb(struct wr *w, uint32_t sender, uint64_t bps, const uint32_t *ssrcs,
                     size_t count)
{
    unsigned exponent = 0;
    count = smaller(count, UINT8_MAX);
    while (bps >> exponent >> REMB_MANTISSA_BITS)
        exponent++;
    uint8_t *header = write_feedback(w, RTCP_PSFB, RTCP_PSFB_AFB, sender, 0);
    wr_u32(w, REMB_NAME);
    wr_u8(w, (uint8_t)count);
    wr_u24(w, exponent << REMB_MANTISSA_BITS | (uint32_t)(bps >> exponent));
    for (size_t i = 0; i < count; i++)
        wr_u32(w, ssrcs[i]);
    write_end(w, header);
}

uint64_t ntp_from_unix_us(uint64_t unix_us)
{
    uint64_t seconds = unix_us / 1000000 + NTP_UNIX_SECONDS;
    uint64_t fraction = (unix_us % 1000000 << 32) / 1000000;
    return seconds << 32 | fraction;
}

uint64_t ntp_to_unix_us(uint64_t ntp)
{
    uint64_t seconds = ntp >> 32;
    /* The seconds wrap in 2036: what would lie before 1970 is of the next era. */
    if (seconds < NTP_UNIX_SECONDS)
        seconds += NTP_ERA_SECONDS;
    uint64_t fraction = ((ntp & UINT32_MAX) * 1000000 + (UINT64_C(1) << 31)) >> 32;
    return (seconds - NTP_UNIX_SECONDS) * 1000000 + fraction;
}
