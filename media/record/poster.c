// SPDX-License-Identifier: Apache-2.0
/* Key frame to JPEG: decoded by still.h, encoded by jpeg.h. */
#include "media/record/poster.h"

#include "base/er.h"
#include "media/record/frame.h"
#include "media/record/jpeg.h"
#include "media/record/still.h"

enum { QUALITY = 82 };

int poster_make(enum codec_format format, const uint8_t *frame, size_t len, uint8_t **ret_jpeg,
                size_t *ret_len)
{
    unsigned width, height;
    if (!frame_key_size(format, frame, len, &width, &height) || len > INT32_MAX)
        return ER_MALFORMED;
    if ((uint64_t)width * height > POSTER_PIXELS_MAX)
        return ER_UNSUPPORTED;
    struct still still;
    int er = still_decode(&still, format, frame, len);
    if (er < 0)
        return er;
    if ((uint64_t)still.width * still.height > POSTER_PIXELS_MAX)
        er = ER_UNSUPPORTED;
    else
        er = jpeg_encode(&still, POSTER_WIDTH, QUALITY, ret_jpeg, ret_len);
    still_clear(&still);
    return er;
}
