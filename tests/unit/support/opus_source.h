// SPDX-License-Identifier: Apache-2.0
/* Voices for tests: one second of sound, encoded once and then repeated for ever. */
#ifndef LOUPE_TESTS_UNIT_SUPPORT_OPUS_SOURCE_H
#define LOUPE_TESTS_UNIT_SUPPORT_OPUS_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "media/tape/tape.h"

enum { OPUS_SOURCE_RATE = 48000, OPUS_SOURCE_FRAME = 960, OPUS_SOURCE_PACKETS = 50 };

struct opus_source {
    uint8_t data[OPUS_SOURCE_PACKETS][400];
    size_t len[OPUS_SOURCE_PACKETS];
    /* What opus_source_packet returned last. */
    _Alignas(struct tape_packet) uint8_t packet[sizeof(struct tape_packet) + 400];
};

/** 5 ms of 1 kHz that begin `at_ms` into each second; silence otherwise. */
void opus_source_click(struct opus_source *s, unsigned at_ms);
/** A steady tone. */
void opus_source_tone(struct opus_source *s, unsigned hertz, double amplitude);
/** Packet number `i` of the endless row; its sound begins i * 20 ms after the first. */
const struct tape_packet *opus_source_packet(struct opus_source *s, int64_t i, uint64_t arrival_us);

/** Where clicks begin in decoded stereo sound. */
struct click_finder {
    int64_t samples;      /* looked at so far */
    int64_t silent_since; /* sample behind the last loud one */
};
/** Looks at `count` samples; the sample at which a click begins, or -1 (one per call at most). */
int64_t click_find(struct click_finder *f, const int16_t *pcm, int count);

#endif
