// SPDX-License-Identifier: Apache-2.0
// Any bytes as a clip: parts cover them all without a gap, frames lie within, and all of it is hashed
// whatever is wrong with it.
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "server/seal/matroska.h"

struct input {
    const uint8_t *data;
    size_t size;
};

static void require(bool holds)
{
    if (!holds)
        abort();
}

static int read_input(void *ctx, uint64_t at, void *ret_bytes, size_t size, size_t *ret_len)
{
    const struct input *in = ctx;
    size_t left = at < in->size ? in->size - (size_t)at : 0;
    *ret_len = size < left ? size : left;
    if (*ret_len)
        memcpy(ret_bytes, in->data + at, *ret_len);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    struct matroska_source source = {.read = read_input, .ctx = &in};
    struct matroska_file file;
    struct merkle_hash hash;
    uint64_t at = 0;
    int er = matroska_read(&source, &file);
    require(er == 0 || (er == ER_MALFORMED && file.wrong && file.wrong_at <= size));
    require(file.bytes == size && merkle_sha256(data, size, &hash) == 0);
    require(merkle_equal(&hash, &file.hash));
    for (size_t i = 0; i < file.part_count; i++) {
        require(file.parts[i].at == at && file.parts[i].len > 0);
        at += file.parts[i].len;
    }
    require(at == size);
    for (size_t i = 0; i < file.frame_count; i++) {
        const struct seal_frame *f = &file.frames[i];
        require(f->byte + f->len <= size && (i == 0 || f->byte > file.frames[i - 1].byte));
    }
    matroska_clear(&file);
    return 0;
}
