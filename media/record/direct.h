// SPDX-License-Identifier: Apache-2.0
/* A clip of which all comes at once, written in the form that it is to have, in one go: what webm.h would
 * write as a .part and copy. Pictures of one codec. Cut anywhere, it is read as a .part is. */
#ifndef LOUPE_MEDIA_RECORD_DIRECT_H
#define LOUPE_MEDIA_RECORD_DIRECT_H

#include "media/record/webm.h"

struct direct;

/** Opens a new file. As webm_new. */
int direct_new(struct direct **ret, struct vault *vault, const char *path);
/** Closes the file as it stands. NULL is fine. */
void direct_free(struct direct *d);

/** As webm_write_video, webm_write_audio; pictures of another codec than the first are ER_INVALID. */
int direct_write_video(struct direct *d, enum codec_format format, const uint8_t *data, size_t len,
                       int64_t at_ms, bool key);
int direct_write_audio(struct direct *d, const uint8_t *data, size_t len, int64_t at_ms);
/** The file is whole, and on the disk, on return; *ret is what it holds, to be cleared in any case. Only
 *  direct_free may follow. ER_FULL: it has more key frames than the head has room for, and is to be
 *  finalised as a .part is. ER_NOT_FOUND: there is nothing in it. */
int direct_end(struct direct *d, struct webm_info *ret);

#endif
