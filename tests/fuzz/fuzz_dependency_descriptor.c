// SPDX-License-Identifier: Apache-2.0
/* Dependency descriptors, one after the other: a byte of length, then the descriptor. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "media/wire/dependency_descriptor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dependency_structure s = {0};
    struct dependency_descriptor d;
    while (size > 0) {
        size_t len = data[0] < size - 1 ? data[0] : size - 1;
        struct dependency_structure before = s;
        int er = dependency_parse(data + 1, len, &s, &d);
        if (er != 0 && memcmp(&before, &s, sizeof s) != 0)
            abort();
        if (er == 0 && (s.template_count == 0 || s.template_count > DEPENDENCY_TEMPLATES ||
                        s.spatial_count > DEPENDENCY_SPATIAL || d.spatial_id >= s.spatial_count ||
                        d.temporal_id >= s.temporal_count || s.target_count > DEPENDENCY_TARGETS))
            abort();
        data += len + 1;
        size -= len + 1;
    }
    return 0;
}
