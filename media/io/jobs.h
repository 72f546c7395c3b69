// SPDX-License-Identifier: Apache-2.0
/* The job threads: they write clips, one more makes stills, and one finishes long clips and repairs.
 * All of one clip is done in order. */
#ifndef LOUPE_MEDIA_IO_JOBS_H
#define LOUPE_MEDIA_IO_JOBS_H

#include "base/log.h"
#include "base/msgq.h"
#include "base/vault.h"
#include "media/core/record_batch.h"
#include "media/core/still_batch.h"

struct jobs;

/** `events` (struct media_event) and `vault` (may be NULL: files lie plain) outlive the jobs. */
int jobs_start(struct jobs **ret, unsigned threads, struct msgq *events, struct log *log,
               struct vault *vault);
/** Finishes what was handed over, closes clips that are still open, joins. NULL is fine. */
void jobs_stop(struct jobs *j);
/** Any thread. 0: ownership moved; ER_FULL, ER_CLOSED: the caller keeps it. */
int jobs_record(struct jobs *j, struct record_batch *batch);
/** The same for a still. Answered by MEDIA_STILL. */
int jobs_still(struct jobs *j, struct still_batch *batch);
/** Answered by MEDIA_STILL. Copies the config. ER_NOMEM, ER_FULL. */
int jobs_photo(struct jobs *j, const struct id *room, const struct media_photo_config *config);
int jobs_repair(struct jobs *j, const struct id *clip, const char *path);
/** Copied. */
int jobs_trim(struct jobs *j, const struct media_trim_config *config);

#endif
