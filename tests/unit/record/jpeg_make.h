// SPDX-License-Identifier: Apache-2.0
/* JPEG files as phones make them, and as those make them who mean harm. */
#ifndef LOUPE_TESTS_JPEG_MAKE_H
#define LOUPE_TESTS_JPEG_MAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jpeglib.h>

#include "media/record/photo.h"

enum { JPEG_W = 96, JPEG_H = 64 };

/** To free(). */
struct bytes {
    uint8_t *data;
    size_t len;
};

/** A JPEG by libjpeg: left half dark, right half bright, in this subsampling. */
static inline struct bytes jpeg_make(int components, int h, int v, bool progressive)
{
    struct jpeg_error_mgr errors;
    struct jpeg_compress_struct c = {.err = jpeg_std_error(&errors)};
    unsigned char *out = NULL;
    unsigned long len = 0;
    uint8_t row[JPEG_W * 3];
    jpeg_create_compress(&c);
    jpeg_mem_dest(&c, &out, &len);
    c.image_width = JPEG_W;
    c.image_height = JPEG_H;
    c.input_components = components;
    c.in_color_space = components == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(&c);
    if (components == 3) {
        c.comp_info[0].h_samp_factor = h;
        c.comp_info[0].v_samp_factor = v;
    }
    if (progressive)
        jpeg_simple_progression(&c);
    jpeg_start_compress(&c, TRUE);
    for (unsigned x = 0; x < JPEG_W; x++)
        memset(row + x * components, x < JPEG_W / 2 ? 40 : 220, (size_t)components);
    for (unsigned y = 0; y < JPEG_H; y++) {
        JSAMPROW rows[1] = {row};
        jpeg_write_scanlines(&c, rows, 1);
    }
    jpeg_finish_compress(&c);
    jpeg_destroy_compress(&c);
    return (struct bytes){out, len};
}

/** A segment goes in behind the start of image; `jpeg` is taken over. */
static inline struct bytes jpeg_with(struct bytes jpeg, uint8_t marker, const char *data,
                                     size_t len)
{
    struct bytes b = {malloc(jpeg.len + len + 4), jpeg.len + len + 4};
    assert_non_null(b.data);
    memcpy(b.data, jpeg.data, 2);
    b.data[2] = 0xff;
    b.data[3] = marker;
    b.data[4] = (uint8_t)((len + 2) >> 8);
    b.data[5] = (uint8_t)(len + 2);
    memcpy(b.data + 6, data, len);
    memcpy(b.data + 6 + len, jpeg.data + 2, jpeg.len - 2);
    free(jpeg.data);
    return b;
}

/** Exif: on its side, and where it was taken. */
#define JPEG_GPS "Exif\0\0II*\0\10\0\0\0\2\0\x12\1\3\0\1\0\0\0\6\0\0\0%\x88\4\0\1\0\0\0SECRETPLACE"

static inline void jpeg_put(struct bytes *b, const void *data, size_t len)
{
    b->data = realloc(b->data, b->len + len);
    assert_non_null(b->data);
    memcpy(b->data + b->len, data, len);
    b->len += len;
}

/** A grey progressive picture of 32767 blocks at most, of which each scan says in a few bytes that nothing
 *  in it changes. */
static inline struct bytes jpeg_of_scans(unsigned width, unsigned height, size_t scans)
{
    struct bytes b = {0};
    uint8_t quantizers[69] = {0xff, 0xdb, 0, 67};
    const uint8_t frame[] = {0xff,
                             0xc2,
                             0,
                             11,
                             8,
                             (uint8_t)(height >> 8),
                             (uint8_t)height,
                             (uint8_t)(width >> 8),
                             (uint8_t)width,
                             1,
                             1,
                             0x11,
                             0};
    const uint8_t codes[] = {0xff, 0xc4, 0, 20, 0x10, 1, 0, 0, 0, 0, 0,
                             0,    0,    0, 0,  0,    0, 0, 0, 0, 0, 0xe0};
    const uint8_t head[] = {0xff, 0xda, 0, 8, 1, 1, 0, 1, 63, 0};
    const uint8_t run[] = {0x7f, 0xff, 0}; /* 32767 blocks without a coefficient */
    memset(quantizers + 5, 1, 64);
    jpeg_put(&b, "\xff\xd8", 2);
    jpeg_put(&b, quantizers, sizeof quantizers);
    jpeg_put(&b, frame, sizeof frame);
    jpeg_put(&b, codes, sizeof codes);
    for (size_t i = 0; i < scans; i++) {
        jpeg_put(&b, head, sizeof head);
        jpeg_put(&b, run, sizeof run);
    }
    jpeg_put(&b, "\xff\xd9", 2);
    return b;
}

#endif
