// SPDX-License-Identifier: Apache-2.0
/* The dependency descriptor, an RTP header extension that says which layer a frame is of and what it
 * needs (appendix A of "RTP Payload Format For AV1"). Key frames bring a structure of templates, to
 * which the descriptors that follow refer. */
#ifndef LOUPE_MEDIA_WIRE_DEPENDENCY_DESCRIPTOR_H
#define LOUPE_MEDIA_WIRE_DEPENDENCY_DESCRIPTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DEPENDENCY_URI                                                                             \
    "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"

#define DEPENDENCY_TEMPLATES 64
#define DEPENDENCY_TARGETS 32
#define DEPENDENCY_SPATIAL 4
#define DEPENDENCY_TEMPORAL 8

/** What a decode target thinks of a frame. */
enum dependency_indication {
    DEPENDENCY_ABSENT,
    DEPENDENCY_DISCARDABLE,
    DEPENDENCY_SWITCH, /* from this frame on the target can be joined */
    DEPENDENCY_REQUIRED
};

struct dependency_template {
    uint8_t spatial_id, temporal_id;
    uint8_t references;       /* frames it needs */
    uint8_t oldest_reference; /* so many frames back */
    uint64_t indications;     /* two bits for each decode target, the first lowest */
};

/** The highest layers that a receiver of this quality gets. */
struct dependency_target {
    uint8_t spatial_id, temporal_id;
};

/** What a key frame's descriptor brought; zeroed: none yet. */
struct dependency_structure {
    uint8_t id_offset;
    uint8_t template_count; /* 0: no structure is known */
    uint8_t target_count;
    uint8_t chain_count;
    uint8_t spatial_count, temporal_count;
    bool has_sizes;
    uint16_t width[DEPENDENCY_SPATIAL], height[DEPENDENCY_SPATIAL];
    struct dependency_target targets[DEPENDENCY_TARGETS];
    struct dependency_template templates[DEPENDENCY_TEMPLATES];
};

/** What one descriptor says. */
struct dependency_descriptor {
    bool frame_start; /* first packet of a spatial layer's frame */
    bool frame_end;
    uint16_t frame_number;
    bool new_structure; /* it brought one */
    uint8_t spatial_id, temporal_id;
    uint8_t references;
    uint32_t oldest_reference; /* so many frames back; 0: none */
    uint64_t indications;
};

/** Reads a descriptor and, where it brings a structure, replaces *s; else looks its template up there.
 *  0; ER_TRUNCATED, ER_MALFORMED: *s is as it was. ER_NOT_FOUND: the template is of a structure that
 *  we have not. */
int dependency_parse(const uint8_t *data, size_t len, struct dependency_structure *s,
                     struct dependency_descriptor *ret);

static inline enum dependency_indication dependency_indication_of(
    const struct dependency_descriptor *d, unsigned target)
{
    return (enum dependency_indication)(d->indications >> (target * 2) & 3u);
}

#endif
