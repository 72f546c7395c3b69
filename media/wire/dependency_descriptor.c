// SPDX-License-Identifier: Apache-2.0
/* Reading dependency descriptors bit by bit. */
#include "media/wire/dependency_descriptor.h"

#include "base/er.h"
#include "media/wire/bits.h"

enum {
    MANDATORY_BYTES = 3,
    TEMPLATE_IDS = 64,
    LAYER_TEMPORAL = 1,
    LAYER_SPATIAL = 2,
    LAYER_END = 3
};

static int read_layers(struct bits *b, struct dependency_structure *s)
{
    unsigned spatial = 0, temporal = 0, next;
    do {
        if (s->template_count == DEPENDENCY_TEMPLATES || spatial >= DEPENDENCY_SPATIAL ||
            temporal >= DEPENDENCY_TEMPORAL)
            return ER_MALFORMED;
        struct dependency_template *t = &s->templates[s->template_count++];
        *t = (struct dependency_template){.spatial_id = (uint8_t)spatial,
                                          .temporal_id = (uint8_t)temporal};
        if (temporal >= s->temporal_count)
            s->temporal_count = (uint8_t)(temporal + 1);
        s->spatial_count = (uint8_t)(spatial + 1);
        next = bits_u(b, 2);
        if (next == LAYER_TEMPORAL)
            temporal++;
        if (next == LAYER_SPATIAL) {
            temporal = 0;
            spatial++;
        }
    } while (next != LAYER_END && !b->bad);
    return 0;
}

static uint64_t read_indications(struct bits *b, unsigned targets)
{
    uint64_t all = 0;
    for (unsigned i = 0; i < targets; i++)
        all |= (uint64_t)bits_u(b, 2) << (i * 2);
    return all;
}

static void read_references(struct bits *b, struct dependency_template *t)
{
    while (bits_flag(b)) {
        uint8_t back = (uint8_t)(bits_u(b, 4) + 1);
        if (back > t->oldest_reference)
            t->oldest_reference = back;
        t->references++; /* the packet's end bounds it */
    }
}

static void skip_chains(struct bits *b, struct dependency_structure *s)
{
    s->chain_count = (uint8_t)bits_ns(b, s->target_count + 1u);
    if (s->chain_count == 0)
        return;
    for (unsigned i = 0; i < s->target_count; i++)
        bits_ns(b, s->chain_count);
    bits_skip(b, (size_t)s->template_count * s->chain_count * 4);
}

/** A target has the layers of the templates that are not absent from it. */
static void find_targets(struct dependency_structure *s)
{
    for (unsigned i = 0; i < s->template_count; i++) {
        const struct dependency_template *t = &s->templates[i];
        for (unsigned k = 0; k < s->target_count; k++) {
            struct dependency_target *target = &s->targets[k];
            if ((t->indications >> (k * 2) & 3u) == DEPENDENCY_ABSENT)
                continue;
            if (t->spatial_id > target->spatial_id)
                target->spatial_id = t->spatial_id;
            if (t->temporal_id > target->temporal_id)
                target->temporal_id = t->temporal_id;
        }
    }
}

static int read_structure(struct bits *b, struct dependency_structure *s)
{
    *s = (struct dependency_structure){.id_offset = (uint8_t)bits_u(b, 6)};
    s->target_count = (uint8_t)(bits_u(b, 5) + 1);
    int er = read_layers(b, s);
    if (er < 0)
        return er;
    for (unsigned i = 0; i < s->template_count; i++)
        s->templates[i].indications = read_indications(b, s->target_count);
    find_targets(s);
    for (unsigned i = 0; i < s->template_count; i++)
        read_references(b, &s->templates[i]);
    skip_chains(b, s);
    s->has_sizes = bits_flag(b);
    for (unsigned i = 0; s->has_sizes && i < s->spatial_count; i++) {
        uint32_t width = bits_u(b, 16) + 1, height = bits_u(b, 16) + 1;
        s->width[i] = (uint16_t)(width > UINT16_MAX ? UINT16_MAX : width);
        s->height[i] = (uint16_t)(height > UINT16_MAX ? UINT16_MAX : height);
    }
    return b->bad ? ER_TRUNCATED : 0;
}

/** References of this frame alone. */
static void read_own_references(struct bits *b, struct dependency_descriptor *ret)
{
    unsigned nibbles;
    ret->references = 0;
    ret->oldest_reference = 0;
    while ((nibbles = bits_u(b, 2)) != 0) {
        uint32_t back = bits_u(b, nibbles * 4) + 1;
        if (back > ret->oldest_reference)
            ret->oldest_reference = back;
        ret->references++;
    }
}

static int look_up(const struct dependency_structure *s, unsigned template_id,
                   struct dependency_descriptor *ret)
{
    unsigned index = (template_id + TEMPLATE_IDS - s->id_offset) % TEMPLATE_IDS;
    if (index >= s->template_count)
        return ER_NOT_FOUND;
    const struct dependency_template *t = &s->templates[index];
    ret->spatial_id = t->spatial_id;
    ret->temporal_id = t->temporal_id;
    ret->references = t->references;
    ret->oldest_reference = t->oldest_reference;
    ret->indications = t->indications;
    return 0;
}

int dependency_parse(const uint8_t *data, size_t len, struct dependency_structure *s,
                     struct dependency_descriptor *ret)
{
    struct bits b = bits_make(data, len);
    *ret = (struct dependency_descriptor){0};
    ret->frame_start = bits_flag(&b);
    ret->frame_end = bits_flag(&b);
    unsigned template_id = bits_u(&b, 6);
    ret->frame_number = (uint16_t)bits_u(&b, 16);
    bool own_indications = false, own_references = false, active = false;
    struct dependency_structure fresh;
    if (len > MANDATORY_BYTES) {
        ret->new_structure = bits_flag(&b);
        active = bits_flag(&b);
        own_indications = bits_flag(&b);
        own_references = bits_flag(&b);
        bits_skip(&b, 1); /* chains of its own, which would stand last */
        int er = ret->new_structure ? read_structure(&b, &fresh) : 0;
        if (er < 0)
            return er;
    }
    const struct dependency_structure *known = ret->new_structure ? &fresh : s;
    if (b.bad)
        return ER_TRUNCATED;
    if (active)
        bits_skip(&b, known->target_count);
    int er = look_up(known, template_id, ret);
    if (er < 0)
        return ret->new_structure ? ER_MALFORMED : er;
    if (own_indications)
        ret->indications = read_indications(&b, known->target_count);
    if (own_references)
        read_own_references(&b, ret);
    if (b.bad)
        return ER_TRUNCATED;
    if (ret->new_structure)
        *s = fresh;
    return 0;
}
