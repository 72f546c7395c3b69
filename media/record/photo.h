// SPDX-License-Identifier: Apache-2.0
/* Photographs that somebody sent: JPEG files checked piece by piece, and freed of all that is not picture:
 * no device, no thumbnail, no comment, and no place unless that was agreed. What says which way is up
 * stays. */
#ifndef LOUPE_MEDIA_RECORD_PHOTO_H
#define LOUPE_MEDIA_RECORD_PHOTO_H

#include <stddef.h>
#include <stdint.h>

#include "base/vault.h"
#include "media/record/measure.h"
#include "media/record/photo_exif.h"

#define PHOTO_PIXELS_MAX 67108864
#define PHOTO_SMALL_WIDTH 320

struct photo {
    unsigned width, height;   /* as coded, before turning */
    unsigned orientation;     /* of Exif, 1..8; 1: as it is */
    struct photo_place place; /* where it was taken, as the file kept says it, too */
    uint64_t bytes;
    uint8_t sha256[32]; /* of the file kept */
    struct measures measures;
};

/** A JPEG (ITU-T T.81; baseline, extended or progressive, 8 bits, grey or YCbCr) without its metadata, to
 *  free(). What follows the end of the picture is left out, too. ER_MALFORMED; ER_UNSUPPORTED: another
 *  kind of JPEG, too large, of too many scans, or none at all; ER_NOMEM. Fills in size and
 *  orientation, and with `keep_place` the place, which stays in the file then. */
int photo_strip(const uint8_t *data, size_t len, bool keep_place, struct photo *ret,
                uint8_t **ret_jpeg, size_t *ret_len);

/** A JPEG of ours with an orientation of 1..8 told in it; to free(). ER_MALFORMED, ER_NOMEM. */
int photo_orient(const uint8_t *jpeg, size_t len, unsigned orientation, uint8_t **ret,
                 size_t *ret_len);

/** From <path>.upload, which must have this hash, to <path>.jpg and <path>.small.jpg; the upload stays, so
 *  that all can be done again. ER_UNAUTHENTIC: another hash; ER_MALFORMED, ER_UNSUPPORTED: no picture that
 *  can be decoded; ER_NOT_FOUND, ER_FULL (beyond LIMIT_PHOTO_BYTES), ER_IO, ER_NOMEM. */
int photo_take(struct vault *vault, const char *path, const uint8_t sha256[static 32],
               bool keep_place, struct photo *ret);

/** Decodes a stripped one: 4:2:0, whatever it was. As still_decode. */
struct photo_picture;
int photo_decode(struct photo_picture **ret, struct still *ret_still, const uint8_t *jpeg,
                 size_t len);
void photo_picture_free(struct photo_picture *p);

#endif
