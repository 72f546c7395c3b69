// SPDX-License-Identifier: Apache-2.0
/* Pictures as JPEG files. */
#ifndef LOUPE_MEDIA_RECORD_JPEG_H
#define LOUPE_MEDIA_RECORD_JPEG_H

#include <stddef.h>
#include <stdint.h>

#include "base/vault.h"
#include "media/record/still.h"

/** Averaged down to `max_width` when wider (0: never); quality 1..100. *ret_jpeg is the caller's, to
 *  free(). ER_NOMEM. */
int jpeg_encode(const struct still *image, unsigned max_width, int quality, uint8_t **ret_jpeg,
                size_t *ret_len);

/** The file at `path` holds these bytes, durably, or what it was before; `path`.tmp is used for it.
 *  ER_IO, ER_NOMEM. */
int jpeg_write(struct vault *vault, const char *path, const uint8_t *jpeg, size_t len);
/** The same of `path` with `suffix` behind it. */
int jpeg_write_as(struct vault *vault, const char *path, const char *suffix, const uint8_t *jpeg,
                  size_t len);

#endif
