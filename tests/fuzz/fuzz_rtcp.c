// SPDX-License-Identifier: Apache-2.0
/* RTCP compounds: every parser over every packet, with room for few and for many results. */
#include <stdint.h>
#include <stdlib.h>

#include "media/wire/rtcp.h"
#include "media/wire/twcc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ITEMS = 128 };

static void expect(int er, const size_t *count, size_t size)
{
    if (*count > size || (er < 0 && *count != 0))
        abort();
}

static void parse_all(const struct rtcp_packet *p, size_t size)
{
    struct rtcp_sender_info info;
    struct rtcp_report reports[ITEMS];
    struct twcc_arrival arrivals[ITEMS];
    uint16_t seqs[ITEMS];
    uint32_t ssrcs[ITEMS];
    uint32_t ssrc;
    uint64_t bps;
    int64_t reference;
    size_t count = 0;
    expect(rtcp_parse_sr(p, &info, reports, size, &count), &count, size);
    expect(rtcp_parse_rr(p, &ssrc, reports, size, &count), &count, size);
    expect(rtcp_parse_nack(p, &ssrc, seqs, size, &count), &count, size);
    rtcp_parse_pli(p, &ssrc);
    expect(rtcp_parse_fir(p, ssrcs, size, &count), &count, size);
    expect(rtcp_parse_remb(p, &bps, ssrcs, size, &count), &count, size);
    expect(rtcp_parse_bye(p, ssrcs, size, &count), &count, size);
    expect(twcc_parse(p, &reference, arrivals, size, &count), &count, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rtcp_packet p;
    if (size == 0)
        return 0;
    struct rd r = rd_make(data, size);
    while (rtcp_next(&r, &p) == 0) {
        if (p.body + p.body_len > data + size || p.whole + p.whole_len > data + size)
            abort();
        parse_all(&p, ITEMS);
        parse_all(&p, 2);
        parse_all(&p, 0);
    }
    return 0;
}
