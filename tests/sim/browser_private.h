// SPDX-License-Identifier: Apache-2.0
/* What the fake browser's files share. */
#ifndef LOUPE_TESTS_SIM_BROWSER_PRIVATE_H
#define LOUPE_TESTS_SIM_BROWSER_PRIVATE_H

#include "tests/sim/browser.h"

/** How a browser numbers things. */
struct browser_numbers {
    uint8_t vp8;
    uint8_t vp8_rtx;
    uint8_t opus;
    uint8_t mid;
    uint8_t audio_level;
    uint8_t transport_cc;
    uint8_t abs_send_time;
    uint8_t orientation;
    uint8_t rid;
    uint8_t repaired_rid;
    uint8_t playout_delay; /* 0: not known, as the next */
    uint8_t red;
};
const struct browser_numbers *browser_numbers(enum browser_flavour flavour);

bool browser_line_sends(const struct browser_line *line);
bool browser_line_receives(const struct browser_line *line);

/** Protect and send; `bytes` has SRTP_OVERHEAD to spare. */
void browser_send_rtp(void *browser, const uint8_t *packet, size_t len);
uint16_t browser_next_transport_seq(void *browser);

/* The rate, in browser_rate.c. */
void browser_rate_start(struct browser *b);
/** Senders get their share of what may be sent now. */
void browser_rate_apply(struct browser *b, uint64_t now_us);
/** The most for one encoding of a line, and its size. */
void browser_encoding(const struct browser *b, size_t encoding, uint32_t *ret_max_bps,
                      uint16_t *ret_width, uint16_t *ret_height);

/* RTCP, in browser_rtcp.c. */
void browser_input_rtcp(struct browser *b, uint64_t now_us, const uint8_t *data, size_t len);
void browser_send_feedback(struct browser *b, uint64_t now_us, struct browser_line *line);
void browser_send_reports(struct browser *b, uint64_t now_us);
void browser_send_transport_feedback(struct browser *b, uint64_t now_us);
void browser_send_rtcp(struct browser *b, const uint8_t *data, size_t len);

#endif
