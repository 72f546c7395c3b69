// SPDX-License-Identifier: Apache-2.0
/* Frame logs as they are written; journal_settle.c makes them fit the finished files. They hold neither
 * picture nor sound, and lie plain. */
#include "media/record/journal.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/er.h"
#include "base/file.h"
#include "media/record/webm.h"

enum { BUFFER_BYTES = 32768 };

struct journal {
    struct file *file;
    int error; /* sticky */
    uint64_t sync_every_ms, hand_over_every_ms;
    uint64_t newest_ms, handed_ms, synced_ms;
    uint64_t counts[FRAMELOG_VOICE + 1];
    enum framelog_track_kind kinds[FRAMELOG_FIRST_VOICE]; /* of tracks of the .webm */
    size_t len;
    char buffer[BUFFER_BYTES];
};

static int hand_over(struct journal *j)
{
    if (j->error == 0 && j->len > 0)
        j->error = file_write(j->file, j->buffer, j->len);
    j->len = 0;
    j->handed_ms = j->newest_ms;
    return j->error;
}

static int append(struct journal *j, const struct framelog_record *record)
{
    if (sizeof j->buffer - j->len <= FRAMELOG_LINE_BYTES)
        (void)hand_over(j);
    if (j->error)
        return j->error;
    int len = framelog_write(j->buffer + j->len, sizeof j->buffer - j->len, record);
    j->len += len > 0 ? (size_t)len : 0;
    return 0;
}

int journal_new(struct journal **ret, const char *path, uint64_t start_unix_us)
{
    struct journal *j = calloc(1, sizeof *j);
    if (!j)
        return ER_NOMEM;
    j->sync_every_ms = WEBM_BESIDE_MS;
    j->hand_over_every_ms = WEBM_CLUSTER_MS;
    const struct framelog_record head = {.type = FRAMELOG_HEAD, .unix_us = start_unix_us};
    int er = file_create(&j->file, NULL, path);
    if (er == 0)
        er = append(j, &head);
    if (er == 0)
        er = hand_over(j);
    if (er < 0) {
        journal_free(j);
        return er;
    }
    *ret = j;
    return 0;
}

void journal_free(struct journal *j)
{
    if (!j)
        return;
    if (j->file)
        (void)hand_over(j);
    file_close(j->file);
    free(j);
}

void journal_hurry(struct journal *j)
{
    j->sync_every_ms = j->hand_over_every_ms = UINT64_MAX;
}

int journal_add(struct journal *j, const struct framelog_record *record)
{
    if (append(j, record) < 0)
        return j->error;
    if (record->type == FRAMELOG_TRACK && record->track < FRAMELOG_FIRST_VOICE)
        j->kinds[record->track] = record->kind;
    if (record->at_ms > j->newest_ms)
        j->newest_ms = record->at_ms;
    if (j->newest_ms - j->handed_ms >= j->hand_over_every_ms)
        (void)hand_over(j);
    if (j->error == 0 && j->newest_ms - j->synced_ms >= j->sync_every_ms) {
        j->synced_ms = j->newest_ms;
        if (hand_over(j) == 0)
            j->error = file_sync(j->file);
    }
    return j->error;
}

int journal_add_frame(struct journal *j, struct framelog_record *record, const uint8_t *data,
                      size_t len)
{
    record->len = (uint32_t)len;
    digest_sha256(data, len, record->sha256);
    return journal_add_hashed(j, record);
}

int journal_add_hashed(struct journal *j, struct framelog_record *record)
{
    record->type = FRAMELOG_FRAME;
    j->counts[record->track < FRAMELOG_FIRST_VOICE ? j->kinds[record->track] : FRAMELOG_VOICE]++;
    return journal_add(j, record);
}

uint64_t journal_count(const struct journal *j, enum framelog_track_kind kind)
{
    return j->counts[kind];
}

int journal_end(struct journal *j, uint64_t at_ms)
{
    const struct framelog_record end = {.type = FRAMELOG_END, .at_ms = at_ms};
    (void)append(j, &end);
    if (hand_over(j) == 0)
        j->error = file_sync(j->file);
    return j->error;
}
