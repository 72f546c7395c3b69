// SPDX-License-Identifier: Apache-2.0
/* Holds a finished clip's frame log against its files. */
#ifndef LOUPE_TESTS_UNIT_SUPPORT_FRAMELOG_CHECK_H
#define LOUPE_TESTS_UNIT_SUPPORT_FRAMELOG_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/vault.h"
#include "media/framelog.h"

struct framelog_summary {
    size_t records, pictures, mixed, spoken, gaps, voice_gaps, marks, voices;
    size_t unknown;   /* frames without time of capture, but for the mix */
    size_t recovered; /* of the pictures */
    uint32_t gap_packets, gap_frames;
    uint64_t end_ms, start_unix_us;
    struct framelog_record last_gap, last_voice_gap;
};

/** The log of the clip at `path` (without suffix) has an end, names its tracks, and tells of the frames in
 *  the .webm and the .voices.mka, each with its length, hash and kind, and of no others. Fails the test
 *  otherwise. */
struct framelog_summary framelog_check(const char *path);
/** The same of a clip that may be encrypted. */
struct framelog_summary framelog_check_in(struct vault *vault, const char *path);

#endif
