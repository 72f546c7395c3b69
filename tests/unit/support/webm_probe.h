// SPDX-License-Identifier: Apache-2.0
/* What a player would find in a WebM file: tracks, blocks, and whether every picture decodes. */
#ifndef LOUPE_TESTS_UNIT_SUPPORT_WEBM_PROBE_H
#define LOUPE_TESTS_UNIT_SUPPORT_WEBM_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct webm_block {
    bool video;
    bool key;
    int64_t at_ms;
    uint8_t *data;
    size_t len;
};

struct webm_probe {
    unsigned vp8_tracks, opus_tracks, other_tracks;
    unsigned width, height;    /* of the track */
    int64_t duration_ms;       /* as the header says; -1: it does not */
    struct webm_block *blocks; /* in the file's order */
    size_t count;
    size_t pictures, broken_pictures; /* decoded by libvpx */
};

/** False when the file cannot be opened. Clear it in any case. */
bool webm_probe_read(struct webm_probe *p, const char *path);
void webm_probe_clear(struct webm_probe *p);

#endif
