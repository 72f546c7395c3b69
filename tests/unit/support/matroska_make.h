// SPDX-License-Identifier: Apache-2.0
/* Small Matroska files made by hand, so that a test knows where each byte comes from. */
#ifndef LOUPE_TESTS_UNIT_SUPPORT_MATROSKA_MAKE_H
#define LOUPE_TESTS_UNIT_SUPPORT_MATROSKA_MAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MATROSKA_MAKE_PARTS = 64 };

/** Grows as it is written. Freed by matroska_make_free. */
struct matroska_make {
    uint8_t *bytes;
    size_t len, size;
    size_t clusters;
    size_t cluster_at[MATROSKA_MAKE_PARTS], cluster_end[MATROSKA_MAKE_PARTS];
    size_t segment_size_at; /* of the eight bytes that say how long the segment is */
};

void matroska_make_free(struct matroska_make *m);
/** An element with its content, ID as it is written. */
void matroska_make_element(struct matroska_make *m, uint32_t id, const void *data, size_t len);
/** Head, segment, info; a picture (if wanted) and `sounds` tracks of Opus from number `first_sound`. */
void matroska_make_begin(struct matroska_make *m, bool picture, unsigned first_sound,
                         unsigned sounds);
void matroska_make_cluster(struct matroska_make *m, uint64_t at_ms);
/** Into the last cluster. Its bytes follow from track and time. */
void matroska_make_frame(struct matroska_make *m, unsigned track, int relative_ms, bool key,
                         size_t len);
/** Sizes are set; nothing may follow. */
void matroska_make_end(struct matroska_make *m);
/** A clip of pictures every 40 ms (a key frame every 1000) and sound every 20, a cluster a second;
 *  from `from_ms` of a longer one, its times beginning at 0. */
void matroska_make_clip(struct matroska_make *m, uint64_t from_ms, uint64_t to_ms);
/** A clip whose pictures are VP8 for a second and then VP9, in track 3; the part from there on has them in
 *  track 1. */
void matroska_make_two_codecs(struct matroska_make *m, bool part);
/** Voices of two tracks, from 16 on, of the same length. */
void matroska_make_voices(struct matroska_make *m, uint64_t to_ms);

#endif
