// SPDX-License-Identifier: Apache-2.0
/* What a load peer receives: counted by the headers, a sample decrypted and checked, and answered as a
 * browser would with receiver reports and transport-wide feedback. */
#ifndef LOUPE_TESTS_BENCH_LOAD_SINK_H
#define LOUPE_TESTS_BENCH_LOAD_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "media/peer/srtp.h"
#include "media/wire/rtp.h"
#include "media/wire/twcc.h"
#include "tests/bench/load_meter.h"

#define SINK_STREAMS 16

/** Sums since load_sink_reset. */
struct load_counts {
    uint64_t sent;
    uint64_t received; /* media packets: neither retransmissions nor padding */
    uint64_t expected; /* by sequence numbers */
    uint64_t repeated; /* RTX */
    uint64_t padding;
    uint64_t streams;   /* that something came of */
    uint64_t checked;   /* decrypted */
    uint64_t corrupt;   /* of those, not authentic or not what was sent */
    uint64_t reordered; /* of those, older than one that came before */
    uint64_t clean;     /* streams of pictures that began with a key frame's first packet */
    uint64_t nacks;     /* packets the server asked for again: lost on its way in */
    uint64_t refused;   /* that our own kernel did not take */
};

/** What came under one SSRC. */
struct load_incoming {
    uint32_t ssrc;
    uint8_t payload_type;
    struct seq_extender extender;
    int64_t first, highest;
    uint64_t received, padding;
    bool clean;                           /* see load_counts */
    uint64_t reported, reported_expected; /* up to the last report */
    uint64_t counter;                     /* of the newest packet checked */
    uint32_t last_sr;
    uint64_t last_sr_us;
};

struct load_sink {
    uint32_t ssrc;           /* ours as a reporter */
    uint8_t transport_cc_id; /* 0: not agreed */
    uint8_t rtx_type;        /* 255: none */
    uint64_t feedback_us, report_us;
    struct twcc_recorder twcc;
    uint32_t twcc_media;
    size_t stream_count;
    struct load_incoming streams[SINK_STREAMS];
    struct load_counts counts;
    uint64_t delay_sum_us, delay_count; /* of video */
    uint64_t last_count;                /* frames that reached this viewer last */
};

void load_sink_init(struct load_sink *s, uint32_t ssrc);
void load_sink_start(struct load_sink *s, uint64_t now_us);
void load_sink_rtp(struct load_sink *s, struct load_meter *meter, struct srtp_pair *srtp,
                   uint64_t arrived_us, uint8_t *data, size_t len);
/** A sender report of the server's. */
void load_sink_sender_report(struct load_sink *s, const struct rtcp_sender_info *info,
                             uint64_t now_us);
uint64_t load_sink_due_us(const struct load_sink *s);
/** Append what is due to be said to `w`. */
void load_sink_write(struct load_sink *s, uint64_t now_us, struct wr *w);
void load_sink_reset(struct load_sink *s);
void load_sink_count(const struct load_sink *s, struct load_counts *sum);

#endif
