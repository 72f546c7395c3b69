// SPDX-License-Identifier: Apache-2.0
/* RTCP: compound packets (RFC 3550), feedback (RFC 4585, 5104), REMB
 * (draft-alvestrand-rmcat-remb). Transport-wide congestion control is in twcc.h. */
#ifndef LOUPE_MEDIA_WIRE_RTCP_H
#define LOUPE_MEDIA_WIRE_RTCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum rtcp_type {
    RTCP_SR = 200,
    RTCP_RR = 201,
    RTCP_SDES = 202,
    RTCP_BYE = 203,
    RTCP_APP = 204,
    RTCP_RTPFB = 205,
    RTCP_PSFB = 206,
    RTCP_XR = 207,
};

enum rtcp_rtpfb { RTCP_RTPFB_NACK = 1, RTCP_RTPFB_TWCC = 15 };
enum rtcp_psfb { RTCP_PSFB_PLI = 1, RTCP_PSFB_FIR = 4, RTCP_PSFB_AFB = 15 };

/** One packet of a compound. `body` begins behind the 4-byte header, padding cut off. */
struct rtcp_packet {
    uint8_t type;
    uint8_t count; /* RC, SC or FMT */
    const uint8_t *body;
    size_t body_len;
    const uint8_t *whole; /* with the header */
    size_t whole_len;
};

/** Walks a compound; start with rd_make over it. 0, ER_AGAIN at the end, ER_MALFORMED (stop then).
 *  Any type may come first (reduced size, RFC 5506). */
int rtcp_next(struct rd *compound, struct rtcp_packet *ret);

/** A report block of SR and RR. */
struct rtcp_report {
    uint32_t ssrc;
    uint8_t fraction_lost; /* of 256 */
    int32_t cumulative_lost;
    uint32_t highest_seq;         /* extended */
    uint32_t jitter;              /* in the clock's units */
    uint32_t last_sr;             /* middle 32 bits of the SR's NTP time; 0: none */
    uint32_t delay_since_last_sr; /* 1/65536 s */
};

struct rtcp_sender_info {
    uint32_t ssrc;
    uint64_t ntp; /* 32.32 seconds since 1900 */
    uint32_t rtp_timestamp;
    uint32_t packets;
    uint32_t bytes;
};

#define RTCP_MAX_REPORTS 31

/** Each parser takes a packet of the fitting type: 0 or ER_MALFORMED. Of lists longer than `size`
 *  the first `size` items are given. */
int rtcp_parse_sr(const struct rtcp_packet *p, struct rtcp_sender_info *ret_info,
                  struct rtcp_report *ret_reports, size_t size, size_t *ret_count);
int rtcp_parse_rr(const struct rtcp_packet *p, uint32_t *ret_sender,
                  struct rtcp_report *ret_reports, size_t size, size_t *ret_count);

/** Generic NACK. Gives up to `size` sequence numbers, expanded from PID and BLP; further ones are
 *  ignored. */
int rtcp_parse_nack(const struct rtcp_packet *p, uint32_t *ret_media_ssrc, uint16_t *ret_seqs,
                    size_t size, size_t *ret_count);
/** PLI: the media source. */
int rtcp_parse_pli(const struct rtcp_packet *p, uint32_t *ret_media_ssrc);
/** FIR: up to `size` SSRCs of its entries. */
int rtcp_parse_fir(const struct rtcp_packet *p, uint32_t *ret_ssrcs, size_t size,
                   size_t *ret_count);
/** REMB: bits per second and up to `size` SSRCs. ER_UNSUPPORTED for other application feedback. */
int rtcp_parse_remb(const struct rtcp_packet *p, uint64_t *ret_bps, uint32_t *ret_ssrcs,
                    size_t size, size_t *ret_count);
/** BYE: up to `size` SSRCs. */
int rtcp_parse_bye(const struct rtcp_packet *p, uint32_t *ret_ssrcs, size_t size,
                   size_t *ret_count);

/* Writers append one packet to `w` (overruns set w->bad, and the packet must not be sent). Reports
 * beyond RTCP_MAX_REPORTS and SSRCs beyond 255 are left out, a CNAME is cut to 255 bytes. */
void rtcp_write_sr(struct wr *w, const struct rtcp_sender_info *info,
                   const struct rtcp_report *reports, size_t count);
void rtcp_write_rr(struct wr *w, uint32_t sender, const struct rtcp_report *reports, size_t count);
void rtcp_write_sdes_cname(struct wr *w, uint32_t ssrc, const char *cname);
void rtcp_write_bye(struct wr *w, uint32_t ssrc);
/** `seqs` sorted ascending (in sequence-number space); packed into PID/BLP pairs. Without any
 *  nothing is written. */
void rtcp_write_nack(struct wr *w, uint32_t sender, uint32_t media, const uint16_t *seqs,
                     size_t count);
void rtcp_write_pli(struct wr *w, uint32_t sender, uint32_t media);
void rtcp_write_fir(struct wr *w, uint32_t sender, uint32_t media, uint8_t command_seq);
void rtcp_write_remb(struct wr *w, uint32_t sender, uint64_t bps, const uint32_t *ssrcs,
                     size_t count);

/** NTP 32.32 from microseconds since 1970, and back; good from 1970 to 2106. */
uint64_t ntp_from_unix_us(uint64_t unix_us);
uint64_t ntp_to_unix_us(uint64_t ntp);
static inline uint32_t ntp_middle(uint64_t ntp)
{
    return (uint32_t)(ntp >> 16);
}

#endif
