// SPDX-License-Identifier: Apache-2.0
/* What is read of a photograph's Exif (CIPA DC-008), and written of it anew: which way is up, and, if
 * whoever took it agreed, where it was taken. Nothing is copied: what a file says goes through these
 * values. */
#ifndef LOUPE_MEDIA_RECORD_PHOTO_EXIF_H
#define LOUPE_MEDIA_RECORD_PHOTO_EXIF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define PHOTO_EXIF_BYTES 168 /* of a written segment, at most */

struct photo_place {
    bool known;
    int32_t latitude_e7;  /* degrees north, times 10^7: -90..90 */
    int32_t longitude_e7; /* degrees east: -180..180 */
};

struct photo_exif {
    unsigned orientation; /* 1..8; 1: as it is */
    struct photo_place place;
};

/** `data` is an APP1 segment behind its length. Whatever it does not say, or says in a way that is not
 *  allowed, is 1 and not known. Takes any bytes. */
void photo_exif_read(const uint8_t *data, size_t len, struct photo_exif *ret);

/** An APP1 segment, its marker included, that says no more than this; nothing if that is nothing. Read
 *  again it is the same. */
void photo_exif_write(struct wr *out, const struct photo_exif *exif);

#endif
