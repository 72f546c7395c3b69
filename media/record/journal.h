// SPDX-License-Identifier: Apache-2.0
/* The frame log of a clip on its way to the disk (media/framelog.h): appended while the clip grows, and
 * afterwards made to say exactly what is in the finished files. */
#ifndef LOUPE_MEDIA_RECORD_JOURNAL_H
#define LOUPE_MEDIA_RECORD_JOURNAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/vault.h"
#include "media/framelog.h"

struct journal;

/** Opens a new file and writes the head. ER_CONFLICT: there is one; ER_IO, ER_NOMEM. */
int journal_new(struct journal **ret, const char *path, uint64_t start_unix_us);
/** Closes the file as it stands. NULL is fine. */
void journal_free(struct journal *j);
/** All of it comes at once: see webm_hurry. */
void journal_hurry(struct journal *j);

/** A record other than the head and the end. What framelog_write refuses is left out. ER_IO: the disk
 *  failed or is full, now and ever after. */
int journal_add(struct journal *j, const struct framelog_record *record);
/** Adds what frame lines need of the frame itself: its length and hash. */
int journal_add_frame(struct journal *j, struct framelog_record *record, const uint8_t *data,
                      size_t len);
/** The same of a frame whose length and hash are in the record. */
int journal_add_hashed(struct journal *j, struct framelog_record *record);
/** How many frames of that kind were added: pictures, packets of the mix, of voices. */
uint64_t journal_count(const struct journal *j, enum framelog_track_kind kind);
/** The end: all of it is on the disk on return. Only journal_free may follow. */
int journal_end(struct journal *j, uint64_t at_ms);

/** Writes the log at `path` anew, so that it tells of the frames in `media` (a finished .webm, of
 *  `vault`) and `voices` (NULL: there is none) and of no others, as it told of them before; of a frame that
 *  it did not tell of, only what can be seen in the file. What it says of times beyond `end_ms` goes, and it
 *  ends there. It appears durable and complete or stays. A log that is missing or broken is as good as empty.
 *  ER_IO, ER_NOMEM, and what webm_each gives. */
int journal_settle(struct vault *vault, const char *path, const char *media, const char *voices,
                   uint64_t end_ms);
/** Whose the voices in the log at `path` are, to free(); NULL and 0 without. */
struct voices_name;
int journal_voices(const char *path, struct voices_name **ret, size_t *ret_count);

#endif
