// SPDX-License-Identifier: Apache-2.0
/* Sent against seen. */
#include "tests/sim/audit.h"

/* RTP timestamps may start anywhere, but then run with the capture times. */
static bool is_skewed(const struct receiver *r, const struct received_frame *first,
                      const struct received_frame *f)
{
    int64_t rate = codec_describe(r->config.codec)->clock_rate;
    int64_t ticks = (int32_t)(f->timestamp - first->timestamp);
    int64_t us = (int64_t)(f->capture_us - first->capture_us);
    int64_t off = ticks - us * rate / 1000000;
    return off > rate / 1000 || off < -rate / 1000;
}

struct audit audit_frames(const struct sender *sender, const struct receiver *receiver,
                          uint64_t from_us, uint64_t to_us, uint64_t within_us)
{
    struct audit a = {0};
    const struct received_frame *first = NULL;
    bool same = receiver && receiver->stats.streams && receiver->stream == sender->config.stream;
    for (uint64_t n = 0; n < sender->stats.frames; n++) {
        uint64_t captured_us = sender_capture_us(sender, n);
        bool there = same && n < receiver->frame_count && receiver->frames[n].complete_us;
        const struct received_frame *f = there ? &receiver->frames[n] : NULL;
        if (f && f->decoded_us && (!a.first_us || f->decoded_us < a.first_us))
            a.first_us = f->decoded_us;
        if (captured_us < from_us || captured_us >= to_us)
            continue;
        a.frames++;
        if (!f)
            continue;
        uint64_t took_us = f->complete_us - captured_us;
        a.complete += took_us <= within_us;
        a.decoded += f->decoded_us && f->decoded_us - captured_us <= within_us;
        a.worst_us = took_us > a.worst_us ? took_us : a.worst_us;
        a.misdated += f->capture_us != captured_us;
        if (!first)
            first = f;
        a.skewed += is_skewed(receiver, first, f);
    }
    return a;
}
