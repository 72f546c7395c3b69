// SPDX-License-Identifier: Apache-2.0
/* Durations of Opus packets, from the table-of-contents byte. */
#include "media/wire/opus.h"

#include "base/er.h"

enum { SAMPLES_MAX = 5760 }; /* 120 ms, the longest packet */

/** Samples of one frame at 48 kHz, by configuration number (RFC 6716, table 2). */
static const uint16_t frame_samples[32] = {
    480, 960, 1920, 2880, /* SILK, narrowband */
    480, 960, 1920, 2880, /* SILK, mediumband */
    480, 960, 1920, 2880, /* SILK, wideband */
    480, 960, 480,  960,  /* hybrid, super-wideband and fullband */
    120, 240, 480,  960,  /* CELT, narrowband */
    120, 240, 480,  960,  /* CELT, wideband */
    120, 240, 480,  960,  /* CELT, super-wideband */
    120, 240, 480,  960,  /* CELT, fullband */
};

int opus_duration(const uint8_t *payload, size_t len, uint32_t *ret_samples)
{
    if (len < 1)
        return ER_TRUNCATED;
    unsigned code = payload[0] & 3u;
    unsigned frames = code == 0 ? 1 : 2;
    if (code == 3) {
        if (len < 2)
            return ER_TRUNCATED;
        frames = payload[1] & 0x3fu;
    }
    uint32_t samples = frames * frame_samples[payload[0] >> 3];
    if (samples == 0 || samples > SAMPLES_MAX)
        return ER_MALFORMED;
    *ret_samples = samples;
    return 0;
}
