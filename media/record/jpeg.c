// SPDX-License-Identifier: Apache-2.0
/* Pictures through libjpeg, averaged down where they are too wide. */
#include "media/record/jpeg.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include "base/er.h"
#include "base/file.h"

enum { PLANES = 3, HEADER_BYTES = 4096 };

/** Where the bytes go: a block that is large enough from the start. */
struct target {
    struct jpeg_destination_mgr manager;
    uint8_t *bytes;
    size_t size;
    bool overflowed;
};

static void target_init(j_compress_ptr jpeg)
{
    struct target *t = (struct target *)jpeg->dest;
    t->manager.next_output_byte = t->bytes;
    t->manager.free_in_buffer = t->size;
}

static boolean target_full(j_compress_ptr jpeg)
{
    ((struct target *)jpeg->dest)->overflowed = true;
    target_init(jpeg);
    return TRUE;
}

static void target_term(j_compress_ptr jpeg)
{
    (void)jpeg;
}

/** Average of the source's samples under one sample of the result. */
static unsigned average(const uint8_t *plane, int stride, unsigned x0, unsigned x1, unsigned y0,
                        unsigned y1)
{
    unsigned sum = 0;
    for (unsigned y = y0; y < y1; y++)
        for (unsigned x = x0; x < x1; x++)
            sum += plane[(size_t)y * (size_t)stride + x];
    unsigned count = (x1 - x0) * (y1 - y0);
    return (sum + count / 2) / count;
}

static uint8_t clamp(int value)
{
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/** Video levels (16..235, 16..240) to those of JPEG (0..255). */
static uint8_t full_range(unsigned value, int plane)
{
    int v = (int)value;
    return plane == 0 ? clamp(((v - 16) * 255 + 109) / 219)
                      : clamp(((v - 128) * 255 + (v < 128 ? -112 : 112)) / 224 + 128);
}

/** What each level of each plane becomes. */
struct levels {
    uint8_t of[PLANES][256];
};

static struct levels levels_of(const struct still *image)
{
    struct levels l;
    for (int p = 0; p < PLANES; p++)
        for (unsigned v = 0; v < 256; v++)
            l.of[p][v] = image->full_range ? (uint8_t)v : full_range(v, p);
    return l;
}

/** One row of the result, interleaved. */
static void scale_row(const struct still *image, const struct levels *levels, unsigned width,
                      unsigned height, unsigned row, uint8_t *out)
{
    for (int p = 0; p < PLANES; p++) {
        unsigned from_w = p ? (image->width + 1) / 2 : image->width;
        unsigned from_h = p ? (image->height + 1) / 2 : image->height;
        unsigned y0 = (unsigned)((uint64_t)row * from_h / height);
        unsigned y1 = (unsigned)((uint64_t)(row + 1) * from_h / height);
        for (unsigned x = 0; x < width; x++) {
            unsigned x0 = (unsigned)((uint64_t)x * from_w / width);
            unsigned x1 = (unsigned)((uint64_t)(x + 1) * from_w / width);
            unsigned value = average(image->planes[p], image->stride[p], x0, x1 > x0 ? x1 : x0 + 1,
                                     y0, y1 > y0 ? y1 : y0 + 1);
            out[x * PLANES + (unsigned)p] = levels->of[p][value];
        }
    }
}

/** The same at its own size. */
static void copy_row(const struct still *image, const struct levels *levels, unsigned row,
                     uint8_t *out)
{
    for (int p = 0; p < PLANES; p++) {
        unsigned shift = p ? 1 : 0;
        const uint8_t *from = image->planes[p] + (size_t)(row >> shift) * (size_t)image->stride[p];
        for (unsigned x = 0; x < image->width; x++)
            out[x * PLANES + (unsigned)p] = levels->of[p][from[x >> shift]];
    }
}

/** libjpeg's own error handler ends the process; with a block of our own to write to, sizes within
 *  bounds and constant parameters, only exhausted memory could call it. */
int jpeg_encode(const struct still *image, unsigned max_width, int quality, uint8_t **ret_jpeg,
                size_t *ret_len)
{
    bool whole = max_width == 0 || image->width <= max_width;
    unsigned width = whole ? image->width : max_width;
    unsigned height = (unsigned)((uint64_t)image->height * width / image->width);
    height = height ? height : 1;
    struct target target = {.manager = {.init_destination = target_init,
                                        .empty_output_buffer = target_full,
                                        .term_destination = target_term}};
    target.size = (size_t)width * height * PLANES + HEADER_BYTES;
    target.bytes = malloc(target.size);
    uint8_t *row = malloc((size_t)width * PLANES);
    if (!target.bytes || !row) {
        free(target.bytes);
        free(row);
        return ER_NOMEM;
    }
    struct jpeg_error_mgr errors;
    struct jpeg_compress_struct jpeg = {.err = jpeg_std_error(&errors)};
    jpeg_create_compress(&jpeg);
    jpeg.dest = &target.manager;
    jpeg.image_width = width;
    jpeg.image_height = height;
    jpeg.input_components = PLANES;
    jpeg.in_color_space = JCS_YCbCr;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, quality, TRUE);
    const struct levels levels = levels_of(image);
    jpeg_start_compress(&jpeg, TRUE);
    for (unsigned y = 0; y < height; y++) {
        if (whole)
            copy_row(image, &levels, y, row);
        else
            scale_row(image, &levels, width, height, y, row);
        JSAMPROW rows[1] = {row};
        jpeg_write_scanlines(&jpeg, rows, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    free(row);
    if (target.overflowed) {
        free(target.bytes);
        return ER_INTERNAL;
    }
    *ret_jpeg = target.bytes;
    *ret_len = target.size - target.manager.free_in_buffer;
    return 0;
}

int jpeg_write(struct vault *vault, const char *path, const uint8_t *jpeg, size_t len)
{
    char *temporary = file_name(path, ".tmp");
    struct file *f = NULL;
    int er = temporary ? file_replace(&f, vault, temporary) : ER_NOMEM;
    if (er == 0)
        er = file_write(f, jpeg, len);
    if (er == 0)
        er = file_sync(f);
    file_close(f);
    if (er == 0)
        er = file_commit(temporary, path);
    if (er < 0 && temporary)
        (void)file_remove(temporary);
    free(temporary);
    return er;
}

int jpeg_write_as(struct vault *vault, const char *path, const char *suffix, const uint8_t *jpeg,
                  size_t len)
{
    char *name = file_name(path, suffix);
    int er = name ? jpeg_write(vault, name, jpeg, len) : ER_NOMEM;
    free(name);
    return er;
}
