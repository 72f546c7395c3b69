// SPDX-License-Identifier: Apache-2.0
/* AV1 packets element by element, OBUs, and sequence headers. */
#include <stdint.h>
#include <stdlib.h>

#include "media/wire/av1.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct av1_payload p;
    struct av1_elements elements;
    struct av1_element element;
    struct av1_obu obu;
    uint16_t width, height;
    int er = av1_elements_begin(&elements, data, size);
    while (er == 0 && (er = av1_elements_next(&elements, &element)) == 1) {
        if (element.len > 0 && (element.at < data || element.at + element.len > data + size))
            abort();
        if (av1_parse_obu(element.at, element.len, &obu) && obu.len > element.len)
            abort();
        er = 0;
    }
    if (av1_parse(data, size, &p) != er)
        abort();
    if (av1_sequence_size(data, size, &width, &height) && (width == 0 || height == 0))
        abort();
    return 0;
}
