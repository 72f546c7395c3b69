// SPDX-License-Identifier: Apache-2.0
/* The lower layers of a VP9 picture are all marked as shown by those who send layers over RTP: their
 * receivers show the highest one only. In a file each would be a picture of its own; so there all but
 * the highest are marked as not shown. */
#ifndef LOUPE_MEDIA_RECORD_VP9_HIDE_H
#define LOUPE_MEDIA_RECORD_VP9_HIDE_H

#include <stddef.h>
#include <stdint.h>

#define VP9_HIDE_MORE 1 /* bytes that a frame may grow by */

/** Rewrites the uncompressed header of one layer's frame into `ret`, which has room for
 *  len + VP9_HIDE_MORE bytes. *width is that of this layer, as its frame before told (0: unknown); where this
 *  one tells it anew it is set. The new length; ER_UNSUPPORTED: it cannot be (it is not shown, or of a
 *  profile other than 0 and 2), or its width is not known; ER_TRUNCATED. */
int vp9_hide(const uint8_t *frame, size_t len, uint32_t *width, uint8_t *ret);

#endif
