// SPDX-License-Identifier: Apache-2.0
/* Mail between workers: a ring for each pair, made when the first letter passes, and a descriptor for
 * each worker that wakes it once a turn of the sender's. */
#ifndef LOUPE_MEDIA_IO_MAIL_H
#define LOUPE_MEDIA_IO_MAIL_H

#include <stdbool.h>
#include <stddef.h>

#include "media/core/mirror.h"

struct mail;

/** For workers 0..`workers` - 1. ER_NOMEM, ER_IO. */
int mail_new(struct mail **ret, unsigned workers);
/** No thread may use it any more; letters still inside are released. NULL is fine. */
void mail_free(struct mail *m);

/** The thread of worker `from`. 0: what the letter owns moved; ER_FULL, ER_NOMEM: it did not. */
int mail_post(struct mail *m, unsigned from, unsigned to, const struct mirror_message *letter);
/** The thread of worker `from`: so many letters at least will be taken. */
size_t mail_room(const struct mail *m, unsigned from, unsigned to);
/** The thread of worker `from`, at the end of its turn: wakes those whom it wrote to. */
void mail_ring(struct mail *m, unsigned from);
/** The thread of worker `to`. False when there is nothing. */
bool mail_take(struct mail *m, unsigned to, unsigned *ret_from, struct mirror_message *ret);
/** Readable while letters may be waiting; the mail owns it. Clear it before taking. */
int mail_fd(const struct mail *m, unsigned to);
void mail_clear_wake(struct mail *m, unsigned to);

#endif
