// SPDX-License-Identifier: Apache-2.0
/* A bounded reader of Matroska and WebM (RFC 9559 on EBML, RFC 8794): the frames of a clip with their
 * times, places and hashes, and the hash of every part of the file, in one pass. It takes what the
 * recorder writes (times in milliseconds, no lacing, no encodings); what else there is it refuses. */
#ifndef LOUPE_SERVER_SEAL_MATROSKA_H
#define LOUPE_SERVER_SEAL_MATROSKA_H

#include "base/vault.h"
#include "server/seal/merkle.h"

#define MATROSKA_TRACKS 64    /* more are refused */
#define MATROSKA_PARTS 100000 /* more are refused: four hours have 15,000 */
#define MATROSKA_CODEC_BYTES 33

/** Where the bytes come from. */
struct matroska_source {
    /** *ret_len of at most `size` bytes from `at`; 0 at the end only. ER_IO. */
    int (*read)(void *ctx, uint64_t at, void *ret_bytes, size_t size, size_t *ret_len);
    void *ctx;
};

struct matroska_track {
    uint32_t number;
    unsigned type; /* 1 video, 2 audio */
    char codec[MATROSKA_CODEC_BYTES];
};

/** A stretch of the file: an element of the top level, or of the segment's. */
struct matroska_part {
    uint32_t id; /* of the element; 0: bytes behind the end */
    uint64_t at, len;
    uint64_t at_ms; /* of a cluster */
    struct merkle_hash hash;
};
/** "cluster"; "other" for what has no name here. */
const char *matroska_part_name(uint32_t id);

struct matroska_file {
    uint64_t bytes;
    struct merkle_hash hash; /* of all of it */
    size_t track_count, frame_count, frame_size, part_count, part_size;
    struct matroska_track tracks[MATROSKA_TRACKS];
    struct seal_frame *frames; /* in the file's order */
    struct matroska_part *parts;
    const char *wrong; /* after ER_MALFORMED: what is wrong, */
    uint64_t wrong_at; /* and at which byte */
};

/** Reads all of it. 0; ER_MALFORMED: *ret has bytes and hash, and what could be read up to there;
 *  ER_IO, ER_NOMEM. Clear *ret in any case. */
int matroska_read(const struct matroska_source *source, struct matroska_file *ret);
void matroska_clear(struct matroska_file *file);

/** Of a file opened by the caller. */
struct matroska_source matroska_source_fd(const int *fd);
/** The same of a file by its name. As base/file.h too. */
int matroska_read_path(struct vault *vault, const char *path, struct matroska_file *ret);

#endif
