// SPDX-License-Identifier: Apache-2.0
/* A sealed clip for tests: its file, its voices, the keys and the manifest. */
#ifndef LOUPE_TESTS_UNIT_SUPPORT_SEALED_CLIP_H
#define LOUPE_TESTS_UNIT_SUPPORT_SEALED_CLIP_H

#include "server/seal/verify.h"
#include "tests/unit/support/matroska_make.h"
#include "tests/unit/support/scratch.h"

#define SEALED_CLIP_ID "01jd0000000000000000000000"
#define SEALED_CLIP_US UINT64_C(1790000000000000)

/** Bytes as a source. */
struct bytes_source {
    const uint8_t *bytes;
    size_t len;
};
struct matroska_source bytes_source(const struct bytes_source *b);

struct sealed_clip {
    struct scratch scratch; /* the keys are in its folder "keys" */
    struct entropy_seeded random;
    struct entropy entropy;
    struct keys *keys;
    struct matroska_make media, voices;
    char *manifest;
    size_t manifest_len;
};

/** Of 3.5 s. Fails the test when it cannot. */
void sealed_clip_make(struct sealed_clip *c);
void sealed_clip_free(struct sealed_clip *c);
/** The manifest and the clip checked: *ret is to be cleared. With `voices` they too. */
void sealed_clip_verify(const struct sealed_clip *c, const struct keys *keys, const char *manifest,
                        size_t manifest_len, const uint8_t *media, size_t media_len, bool voices,
                        struct report *ret);
/** Whether a finding is of that kind and its text has `part` in it. */
bool report_has(const struct report *r, const char *what, const char *part);
/** The finding's place, -1 when it says none or there is no such finding. */
int64_t report_place(const struct report *r, const char *what, const char *name);

#endif
