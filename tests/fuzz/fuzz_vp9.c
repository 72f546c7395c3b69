// SPDX-License-Identifier: Apache-2.0
/* VP9 payload descriptors, and frames read for their size. */
#include <stdint.h>
#include <stdlib.h>

#include "media/wire/vp9.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vp9_payload p;
    uint16_t width, height;
    if (vp9_parse(data, size, &p) == 0) {
        if (p.descriptor_len >= size || p.temporal_id > 7 || p.layer_count > VP9_SPATIAL_LAYERS ||
            p.spatial_id >= VP9_SPATIAL_LAYERS)
            abort();
        if (p.key_picture && (p.inter_predicted || !p.start))
            abort();
    }
    if (vp9_key_size(data, size, &width, &height) && (width == 0 || height == 0))
        abort();
    vp9_upper_size(data, size, &width, &height);
    return 0;
}
