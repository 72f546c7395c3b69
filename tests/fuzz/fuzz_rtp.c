// SPDX-License-Identifier: Apache-2.0
/* RTP packets, their extensions written back, and their payload as VP8 and as Opus. */
#include <stdint.h>
#include <stdlib.h>

#include "media/wire/opus.h"
#include "media/wire/rtp.h"
#include "media/wire/vp8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** What was parsed is written and must come back the same. */
static void write_back(const struct rtp_packet *p)
{
    uint8_t buf[12 + 4 + LIMIT_RTP_EXTENSIONS * 260];
    struct rtp_packet again;
    struct rtp_header h = {.marker = p->marker,
                           .payload_type = p->payload_type,
                           .seq = p->seq,
                           .timestamp = p->timestamp,
                           .ssrc = p->ssrc,
                           .extensions = p->extensions,
                           .extension_count = p->extension_count};
    int len = rtp_write_header(buf, sizeof buf, &h);
    if (len < 0 || rtp_parse(buf, (size_t)len, &again) < 0)
        abort();
    if (again.extension_count != p->extension_count || again.seq != p->seq ||
        again.ssrc != p->ssrc || again.payload_len != 0)
        abort();
    for (size_t i = 0; i < p->extension_count; i++)
        if (again.extensions[i].id != p->extensions[i].id ||
            again.extensions[i].len != p->extensions[i].len)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rtp_packet p;
    struct vp8_payload v;
    uint32_t samples = 0;
    rtcp_looks_like(data, size);
    if (rtp_parse(data, size, &p) < 0)
        return 0;
    if (p.payload_len + p.padding_len + RTP_HEADER_BYTES > size)
        abort();
    write_back(&p);
    if (vp8_parse(p.payload, p.payload_len, &v) == 0 && v.descriptor_len >= p.payload_len)
        abort();
    if (opus_duration(p.payload, p.payload_len, &samples) == 0 && samples > 5760)
        abort();
    return 0;
}
