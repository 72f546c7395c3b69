// SPDX-License-Identifier: Apache-2.0
/* What a recording left on the disk, made into a finished clip. */
#ifndef LOUPE_MEDIA_RECORD_COMPLETE_H
#define LOUPE_MEDIA_RECORD_COMPLETE_H

#include <stdbool.h>

#include "media/record/clip.h"
#include "media/record/ledger.h"
#include "media/record/webm.h"

/** <path>.webm, .voices.mka, .framelog and .jpg from what stands beside them; then the .part and
 *  .voices.part go. `ledger` is that of the recording; `whole`: its files were written without a failure,
 *  so that the log needs no look at them. *ret is cleared by the caller. ER_IO: what is there stays for
 *  clip_repair. ER_NOT_FOUND: nothing playable, and nothing stays. ER_NOMEM, ER_INTERNAL. */
int complete_recording(struct vault *vault, const char *path, struct ledger *ledger, bool whole,
                       struct clip_result *ret);
/** The same where the .part is already what the .webm is to be (see direct.h), and holds `info`. */
int complete_written(struct vault *vault, const char *path, struct ledger *ledger,
                     const struct webm_info *info, struct clip_result *ret);

#endif
