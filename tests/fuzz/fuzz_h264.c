// SPDX-License-Identifier: Apache-2.0
/* H264 packets unit by unit, and sequence parameter sets. */
#include <stdint.h>
#include <stdlib.h>

#include "media/wire/h264.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct h264_payload p;
    struct h264_sps sps;
    struct h264_units units;
    struct h264_unit unit;
    if (h264_units_begin(&units, data, size) == 0) {
        size_t sum = 0;
        bool units_seen = false;
        int er;
        while ((er = h264_units_next(&units, &unit)) == 1) {
            sum += unit.len;
            units_seen = true;
            if (unit.at < data || unit.at + unit.len > data + size || sum >= size)
                abort();
        }
        if ((h264_parse(data, size, &p) == 0) != (er == 0 && units_seen))
            abort();
    } else if (h264_parse(data, size, &p) == 0) {
        abort();
    }
    if (h264_parse_sps(data, size, &sps) &&
        (sps.width == 0 || sps.height == 0 || sps.luma_bits > 14 || sps.chroma_format > 3))
        abort();
    return 0;
}
