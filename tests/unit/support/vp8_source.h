// SPDX-License-Identifier: Apache-2.0
/* A camera for tests: a moving pattern encoded with libvpx, in packets as they lie on a tape. */
#ifndef LOUPE_TESTS_UNIT_SUPPORT_VP8_SOURCE_H
#define LOUPE_TESTS_UNIT_SUPPORT_VP8_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "media/tape/tape.h"

enum { VP8_SOURCE_PACKETS = 64 };

struct vp8_source;

/** Fails the test when it cannot. */
struct vp8_source *vp8_source_new(unsigned width, unsigned height);
void vp8_source_free(struct vp8_source *s);
/** From the next frame on, which is a key frame. */
void vp8_source_resize(struct vp8_source *s, unsigned width, unsigned height);
/** What it looks at. */
enum vp8_scene {
    VP8_SCENE_MOVING,   /* without noise */
    VP8_SCENE_WAVING,   /* with that of a sensor */
    VP8_SCENE_STANDING, /* likewise, in good light */
    VP8_SCENE_FROZEN,   /* the same without noise */
    VP8_SCENE_COVERED,  /* the lens; with noise */
    VP8_SCENE_NIGHT,    /* dark, but for a lamp */
};
void vp8_source_look(struct vp8_source *s, enum vp8_scene scene);
/** Payload bytes per packet (200 at first). */
void vp8_source_set_mtu(struct vp8_source *s, size_t bytes);

/** One picture. All is valid until the next call. */
struct vp8_picture {
    const struct tape_packet *packets[VP8_SOURCE_PACKETS];
    size_t count;
    const uint8_t *frame; /* the same without RTP */
    size_t len;
    bool key;
};
/** The next picture, `timestamp` in 90 kHz. The first is a key frame anyhow. */
void vp8_source_next(struct vp8_source *s, int64_t timestamp, bool key, struct vp8_picture *ret);

#endif
