// SPDX-License-Identifier: Apache-2.0
/* From what was uploaded to what is kept: hash, walk, decode, measure, write. */
#include "media/record/photo.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/er.h"
#include "base/limits.h"
#include "base/file.h"
#include "media/record/jpeg.h"

enum { SMALL_QUALITY = 80 };

/** The whole file, to free(). */
static int read_upload(struct vault *vault, const char *path, uint8_t **ret, size_t *ret_len)
{
    struct file *f = NULL;
    uint64_t size = 0;
    uint8_t *data = NULL;
    int er = file_open(&f, vault, path);
    if (er == 0)
        er = file_size(f, &size);
    if (er == 0 && (size == 0 || size > LIMIT_PHOTO_BYTES))
        er = size ? ER_FULL : ER_MALFORMED;
    if (er == 0)
        data = malloc((size_t)size);
    if (er == 0 && !data)
        er = ER_NOMEM;
    size_t at = 0, len = 1;
    while (er == 0 && at < size && len > 0) {
        er = file_read(f, data + at, (size_t)size - at, &len);
        at += len;
    }
    file_close(f);
    if (er == 0 && at < size)
        er = ER_IO;
    if (er < 0) {
        free(data);
        return er;
    }
    *ret = data;
    *ret_len = at;
    return 0;
}

/** Turned as the large one is. */
static int write_small(struct vault *vault, const char *path, const struct still *image,
                       unsigned orientation)
{
    uint8_t *jpeg, *turned = NULL;
    size_t len, turned_len;
    int er = jpeg_encode(image, PHOTO_SMALL_WIDTH, SMALL_QUALITY, &jpeg, &len);
    if (er == 0)
        er = photo_orient(jpeg, len, orientation, &turned, &turned_len);
    if (er == 0)
        er = jpeg_write_as(vault, path, ".small.jpg", turned, turned_len);
    free(turned);
    free(jpeg);
    return er;
}

static int keep(struct vault *vault, const char *path, const uint8_t *jpeg, size_t len,
                struct photo *ret)
{
    struct photo_picture *picture;
    struct still image;
    int er = photo_decode(&picture, &image, jpeg, len);
    if (er < 0)
        return er;
    if (image.width != ret->width || image.height != ret->height)
        er = ER_MALFORMED;
    if (er == 0) {
        ret->measures = measure_picture(&image);
        er = write_small(vault, path, &image, ret->orientation);
    }
    photo_picture_free(picture);
    digest_sha256(jpeg, len, ret->sha256);
    ret->bytes = len;
    return er == 0 ? jpeg_write_as(vault, path, ".jpg", jpeg, len) : er;
}

int photo_take(struct vault *vault, const char *path, const uint8_t sha256[static 32],
               bool keep_place, struct photo *ret)
{
    uint8_t *data = NULL, *jpeg = NULL, digest[32];
    size_t len = 0, jpeg_len = 0;
    *ret = (struct photo){0};
    char *upload = file_name(path, ".upload");
    int er = upload ? read_upload(vault, upload, &data, &len) : ER_NOMEM;
    if (er == 0)
        digest_sha256(data, len, digest);
    if (er == 0 && CRYPTO_memcmp(digest, sha256, sizeof digest) != 0)
        er = ER_UNAUTHENTIC;
    if (er == 0)
        er = photo_strip(data, len, keep_place, ret, &jpeg, &jpeg_len);
    if (er == 0)
        er = keep(vault, path, jpeg, jpeg_len, ret);
    free(jpeg);
    free(data);
    free(upload);
    return er;
}
