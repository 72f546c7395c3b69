// SPDX-License-Identifier: Apache-2.0
/* Packets to frames (depack.h), to a picture (still.h), to files (jpeg.h). */
#include "media/record/snapshot.h"

#include <stdlib.h>

#include "base/digest.h"
#include "base/er.h"
#include "media/record/depack.h"
#include "base/file.h"
#include "media/record/jpeg.h"
#include "media/record/poster.h"
#include "media/record/still.h"

enum { QUALITY = 92, SMALL_QUALITY = 80 };

/** The frame at which what follows is decoded: the last one's facts stay. */
static int take_frame(struct still_decoder *decoder, const struct depack_frame *frame,
                      struct snapshot *ret)
{
    if (frame->key && (uint64_t)frame->width * frame->height > POSTER_PIXELS_MAX)
        return ER_UNSUPPORTED;
    ret->format = frame->format;
    ret->frame_bytes = frame->len;
    ret->frame_timestamp = frame->timestamp;
    ret->frame_key = frame->key;
    return still_decoder_push(decoder, frame->format, frame->data, frame->len, frame->key);
}

/** The last frame that the packets make is pushed, and hashed. */
static int decode(struct still_decoder *decoder, struct depack *depack,
                  const struct tape_packet *const *packets, size_t count, struct snapshot *ret)
{
    int er = ER_MALFORMED;
    for (size_t i = 0; i < count; i++) {
        struct depack_frame frame;
        int step = depack_push(depack, packets[i], &frame);
        if (step == ER_NOMEM)
            return step;
        if (step != 0)
            continue;
        er = take_frame(decoder, &frame, ret);
        if (er == ER_UNSUPPORTED || er == ER_NOMEM)
            return er;
        if (er == 0)
            digest_sha256(frame.data, frame.len, ret->frame_sha256);
    }
    return er == ER_AGAIN ? ER_MALFORMED : er;
}

static int write_small(struct vault *vault, const struct still *image, const char *path)
{
    uint8_t *jpeg;
    size_t len;
    int er = jpeg_encode(image, SNAPSHOT_SMALL_WIDTH, SMALL_QUALITY, &jpeg, &len);
    if (er < 0)
        return er;
    er = jpeg_write_as(vault, path, ".small.jpg", jpeg, len);
    free(jpeg);
    return er;
}

static void remove_small(const char *path)
{
    char *name = file_name(path, ".small.jpg");
    if (name)
        (void)file_remove(name);
    free(name);
}

/** The small one first: when the large one stands, all is there. */
static int write_files(struct vault *vault, const struct still *image, const char *path,
                       struct snapshot *ret)
{
    uint8_t *jpeg;
    size_t len;
    int er = jpeg_encode(image, 0, QUALITY, &jpeg, &len);
    if (er < 0)
        return er;
    ret->bytes = len;
    digest_sha256(jpeg, len, ret->sha256);
    er = write_small(vault, image, path);
    if (er == 0)
        er = jpeg_write_as(vault, path, ".jpg", jpeg, len);
    if (er < 0)
        remove_small(path);
    free(jpeg);
    return er;
}

static int finish(struct vault *vault, struct still_decoder *decoder, const char *path,
                  struct snapshot *ret)
{
    struct still image;
    int er = still_decoder_picture(decoder, &image);
    if (er < 0)
        return er == ER_AGAIN ? ER_MALFORMED : er;
    if ((uint64_t)image.width * image.height > POSTER_PIXELS_MAX)
        return ER_UNSUPPORTED;
    ret->width = image.width;
    ret->height = image.height;
    ret->quantizer = image.quantizer;
    ret->measures = measure_picture(&image);
    return write_files(vault, &image, path, ret);
}

int snapshot_make(struct vault *vault, const struct tape_packet *const *packets, size_t count,
                  const char *path, struct snapshot *ret)
{
    struct depack *depack;
    struct still_decoder *decoder = NULL;
    *ret = (struct snapshot){0};
    int er = depack_new(&depack);
    if (er < 0)
        return er;
    er = still_decoder_new(&decoder);
    if (er == 0)
        er = decode(decoder, depack, packets, count, ret);
    if (er == 0)
        er = finish(vault, decoder, path, ret);
    still_decoder_free(decoder);
    depack_free(depack);
    return er;
}
