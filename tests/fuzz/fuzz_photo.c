// SPDX-License-Identifier: Apache-2.0
/* JPEG files from strangers: what is kept walks like a JPEG again, says the same, and is not longer than
 * what came by more than the orientation. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "media/record/photo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct photo photo, again;
    uint8_t *jpeg, *second;
    size_t len, second_len;
    if (photo_strip(data, size, &photo, &jpeg, &len) != 0)
        return 0;
    if (len > size + 36 || photo.width == 0 || photo.height == 0 || photo.orientation < 1 ||
        photo.orientation > 8 || (uint64_t)photo.width * photo.height > PHOTO_PIXELS_MAX)
        abort();
    if (photo_strip(jpeg, len, &again, &second, &second_len) != 0 || second_len != len ||
        memcmp(jpeg, second, len) != 0 || again.orientation != photo.orientation)
        abort();
    free(second);
    free(jpeg);
    return 0;
}
