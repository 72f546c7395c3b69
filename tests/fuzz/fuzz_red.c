// SPDX-License-Identifier: Apache-2.0
/* Redundant audio: what was parsed is written and must be the same bytes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "media/wire/red.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct red_block blocks[RED_BLOCKS];
    size_t count = 0;
    if (red_parse(data, size, blocks, &count) != 0)
        return 0;
    if (count == 0 || count > RED_BLOCKS)
        abort();
    uint8_t *again = malloc(size + 1);
    if (!again)
        return 0;
    int len = red_write(again, size + 1, blocks, count);
    if (len != (int)size || memcmp(again, data, size) != 0)
        abort();
    free(again);
    return 0;
}
