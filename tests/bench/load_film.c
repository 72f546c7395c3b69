// SPDX-License-Identifier: Apache-2.0
/* IVF: a head of 32 bytes, then frames, each with its size (32 bits, little-endian) and its time (64). */
#include "tests/bench/load_film.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/er.h"

enum { HEAD_BYTES = 32, FRAME_HEAD_BYTES = 12, FILM_BYTES_MAX = 16 << 20, FRAMES_MAX = 4096 };

struct load_film {
    uint8_t *bytes;
    size_t count;
    struct {
        const uint8_t *at;
        size_t len;
    } frames[FRAMES_MAX];
};

static int read_file(const char *path, uint8_t **ret, size_t *ret_len)
{
    FILE *in = fopen(path, "rb");
    uint8_t *bytes = in ? malloc(FILM_BYTES_MAX) : NULL;
    if (bytes)
        *ret_len = fread(bytes, 1, FILM_BYTES_MAX, in);
    if (in)
        (void)fclose(in);
    *ret = bytes;
    return !in ? ER_IO : bytes ? 0 : ER_NOMEM;
}

static void find_frames(struct load_film *f, const uint8_t *at, size_t left)
{
    while (left > FRAME_HEAD_BYTES && f->count < FRAMES_MAX) {
        size_t len = (size_t)at[0] | (size_t)at[1] << 8 | (size_t)at[2] << 16 | (size_t)at[3] << 24;
        at += FRAME_HEAD_BYTES;
        left -= FRAME_HEAD_BYTES;
        if (len == 0 || len > left)
            return;
        f->frames[f->count].at = at;
        f->frames[f->count++].len = len;
        at += len;
        left -= len;
    }
}

int load_film_open(struct load_film **ret, const char *path)
{
    struct load_film *f = calloc(1, sizeof *f);
    size_t len = 0;
    int er = f ? read_file(path, &f->bytes, &len) : ER_NOMEM;
    if (er == 0 && (len < HEAD_BYTES || memcmp(f->bytes, "DKIF", 4) != 0 ||
                    memcmp(f->bytes + 8, "VP80", 4) != 0))
        er = ER_MALFORMED;
    if (er == 0) {
        find_frames(f, f->bytes + HEAD_BYTES, len - HEAD_BYTES);
        er = f->count ? 0 : ER_MALFORMED;
    }
    if (er == 0)
        *ret = f;
    else
        load_film_free(f);
    return er;
}

void load_film_free(struct load_film *f)
{
    if (!f)
        return;
    free(f->bytes);
    free(f);
}

const uint8_t *load_film_frame(const struct load_film *f, size_t index, size_t *ret_len)
{
    *ret_len = f->frames[index % f->count].len;
    return f->frames[index % f->count].at;
}
