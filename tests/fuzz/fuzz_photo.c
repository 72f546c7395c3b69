// SPDX-License-Identifier: Apache-2.0
/* JPEG files from strangers: what is kept walks like a JPEG again, says the same, and is not longer than
 * what came by more than the orientation. What decodes, if it is small, has all the samples it tells of. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "media/record/photo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode(const struct photo *photo, const uint8_t *jpeg, size_t len)
{
    struct photo_picture *picture;
    struct still still;
    if ((uint64_t)photo->width * photo->height > 65536 ||
        photo_decode(&picture, &still, jpeg, len) != 0)
        return;
    unsigned sum = 0;
    for (int p = 0; p < 3; p++) {
        unsigned width = p ? (still.width + 1) / 2 : still.width;
        unsigned height = p ? (still.height + 1) / 2 : still.height;
        for (unsigned y = 0; y < height; y++)
            for (unsigned x = 0; x < width; x++)
                sum += still.planes[p][(ptrdiff_t)y * still.stride[p] + x];
    }
    if (sum > 65536u * 2 * 255)
        abort();
    photo_picture_free(picture);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct photo photo, again;
    uint8_t *jpeg, *second;
    size_t len, second_len;
    if (photo_strip(data, size, false, &photo, &jpeg, &len) != 0)
        return 0;
    if (len > size + 36 || photo.width == 0 || photo.height == 0 || photo.orientation < 1 ||
        photo.orientation > 8 || (uint64_t)photo.width * photo.height > PHOTO_PIXELS_MAX)
        abort();
    if (photo_strip(jpeg, len, false, &again, &second, &second_len) != 0 || second_len != len ||
        memcmp(jpeg, second, len) != 0 || again.orientation != photo.orientation)
        abort();
    decode(&photo, jpeg, len);
    free(second);
    second = NULL;
    if (photo_strip(data, size, true, &again, &second, &second_len) != 0 ||
        second_len > size + PHOTO_EXIF_BYTES)
        abort();
    free(second);
    free(jpeg);
    return 0;
}
