// SPDX-License-Identifier: Apache-2.0
/* One reader for each codec; what they have in common comes before and after. */
#include "media/relay/payload.h"

#include "base/er.h"
#include "media/wire/av1.h"
#include "media/wire/h264.h"
#include "media/wire/opus.h"
#include "media/wire/vp8.h"
#include "media/wire/vp9.h"

static void set(struct tape_packet *head, bool condition, unsigned flags)
{
    if (condition)
        head->flags = (uint16_t)(head->flags | flags);
}

static void set_key(struct tape_packet *head, uint16_t width, uint16_t height)
{
    set(head, true, TAPE_KEY_FRAME | TAPE_INDEPENDENT);
    head->width = width;
    head->height = height;
}

static int describe_opus(struct payload_reader *r, const struct rtp_packet *packet,
                         struct tape_packet *head)
{
    (void)r;
    (void)head;
    uint32_t samples;
    return opus_duration(packet->payload, packet->payload_len, &samples);
}

static int describe_vp8(struct payload_reader *r, const struct rtp_packet *packet,
                        struct tape_packet *head)
{
    (void)r;
    struct vp8_payload p;
    int er = vp8_parse(packet->payload, packet->payload_len, &p);
    if (er != 0)
        return er;
    set(head, p.start, TAPE_FRAME_START);
    if (p.start && p.key_frame)
        set_key(head, p.width, p.height);
    set(head, p.non_reference, TAPE_NON_REFERENCE);
    set(head, p.layer_sync, TAPE_LAYER_SYNC);
    set(head, p.has_picture_id, TAPE_HAS_PICTURE_ID);
    set(head, p.has_tl0_index, TAPE_HAS_TL0_INDEX);
    head->temporal_id = p.temporal_id;
    head->picture_id = p.picture_id;
    head->tl0_index = p.tl0_index;
    return 0;
}

static int describe_vp9(struct payload_reader *r, const struct rtp_packet *packet,
                        struct tape_packet *head)
{
    struct vp9_payload p;
    int er = vp9_parse(packet->payload, packet->payload_len, &p);
    if (er != 0)
        return er;
    if (p.has_structure)
        r->spatial_count = p.layer_count < DEPENDENCY_SPATIAL ? p.layer_count : DEPENDENCY_SPATIAL;
    for (unsigned i = 0; p.has_sizes && i < r->spatial_count; i++) {
        r->layer_width[i] = p.layer_width[i];
        r->layer_height[i] = p.layer_height[i];
    }
    set(head, p.start && p.spatial_id == 0, TAPE_FRAME_START);
    if (p.key_picture)
        set_key(head, p.width, p.height);
    set(head, p.start, TAPE_LAYER_START);
    set(head, p.end, TAPE_LAYER_END);
    set(head, p.switch_up, TAPE_SWITCH_UP);
    set(head, !p.inter_predicted, TAPE_INDEPENDENT);
    head->temporal_id = p.temporal_id;
    head->spatial_id = p.spatial_id;
    return 0;
}

/** Whether a packet that may begin a picture does: not when one of that time has begun before it. */
static bool begins(struct payload_reader *r, const struct rtp_packet *packet)
{
    if (r->begun && packet->timestamp == r->begun_timestamp &&
        seq_diff(packet->seq, r->begun_seq) > 0)
        return false;
    if (!r->begun || seq_diff(packet->seq, r->begun_seq) > 0 ||
        packet->timestamp == r->begun_timestamp) {
        r->begun = true;
        r->begun_seq = packet->seq;
        r->begun_timestamp = packet->timestamp;
    }
    return true;
}

/** A key frame begins with its parameter sets; what may stand before them nobody needs. A slice of a
 *  key frame without them begins nothing: who joins there could not decode it. */
static int describe_h264(struct payload_reader *r, const struct rtp_packet *packet,
                         struct tape_packet *head)
{
    struct h264_payload p;
    int er = h264_parse(packet->payload, packet->payload_len, &p);
    if (er != 0)
        return er;
    set(head, p.may_start && begins(r, packet), TAPE_FRAME_START);
    if (p.sps && p.key) {
        set(head, true, TAPE_FRAME_START);
        set_key(head, p.width, p.height);
    }
    set(head, p.non_reference, TAPE_NON_REFERENCE | TAPE_LAYER_SYNC);
    head->temporal_id = p.non_reference;
    return 0;
}

static int describe_av1(struct payload_reader *r, const struct rtp_packet *packet,
                        struct tape_packet *head)
{
    struct av1_payload p;
    int er = av1_parse(packet->payload, packet->payload_len, &p);
    if (er != 0)
        return er;
    set(head, p.may_start && begins(r, packet), TAPE_FRAME_START);
    if (p.key) {
        set(head, true, TAPE_FRAME_START);
        set_key(head, p.width, p.height);
    }
    head->temporal_id = p.temporal_id;
    head->spatial_id = p.spatial_id;
    return 0;
}

typedef int describe_function(struct payload_reader *, const struct rtp_packet *,
                              struct tape_packet *);

static describe_function *const describers[] = {
    [FORMAT_OPUS] = describe_opus, [FORMAT_VP8] = describe_vp8,   [FORMAT_VP9] = describe_vp9,
    [FORMAT_AV1] = describe_av1,   [FORMAT_H264] = describe_h264,
};

/* Dependency descriptors */

static void note_structure(struct payload_reader *r)
{
    const struct dependency_structure *s = &r->dependencies;
    r->spatial_count = s->spatial_count;
    for (unsigned i = 0; s->has_sizes && i < s->spatial_count; i++) {
        r->layer_width[i] = s->width[i];
        r->layer_height[i] = s->height[i];
    }
}

/** What the decode targets make of the frame. */
static void read_targets(const struct dependency_structure *s,
                         const struct dependency_descriptor *d, struct tape_packet *head)
{
    bool needed = false, sync = false, up = s->temporal_count > d->temporal_id + 1;
    for (unsigned i = 0; i < s->target_count; i++) {
        enum dependency_indication what = dependency_indication_of(d, i);
        const struct dependency_target *t = &s->targets[i];
        needed = needed || what == DEPENDENCY_SWITCH || what == DEPENDENCY_REQUIRED;
        if (t->spatial_id != d->spatial_id)
            continue;
        sync = sync || (what == DEPENDENCY_SWITCH && t->temporal_id == d->temporal_id);
        up = up && (t->temporal_id <= d->temporal_id || what == DEPENDENCY_SWITCH);
    }
    set(head, !needed, TAPE_NON_REFERENCE);
    set(head, sync, TAPE_LAYER_SYNC);
    set(head, up, TAPE_SWITCH_UP);
}

static void read_descriptor(struct payload_reader *r, const struct rtp_extension *descriptor,
                            struct tape_packet *head)
{
    struct dependency_descriptor d;
    int er = dependency_parse(descriptor->at, descriptor->len, &r->dependencies, &d);
    /* Of a structure that we have not seen it is passed on all the same: who has not seen it either
     * knows from it that something is missing. */
    if (er == 0 || er == ER_NOT_FOUND)
        head->descriptor_len = descriptor->len;
    if (er != 0)
        return;
    if (d.new_structure)
        note_structure(r);
    head->temporal_id = d.temporal_id;
    head->spatial_id = d.spatial_id;
    head->flags &= (uint16_t) ~(TAPE_FRAME_START | TAPE_LAYER_SYNC | TAPE_SWITCH_UP);
    set(head, d.frame_start, TAPE_LAYER_START);
    set(head, d.frame_end, TAPE_LAYER_END);
    set(head, (d.frame_start && d.spatial_id == 0) || (head->flags & TAPE_KEY_FRAME),
        TAPE_FRAME_START);
    /* Frames of one picture are numbered one after the other, the lower layers first. */
    set(head, d.oldest_reference <= d.spatial_id, TAPE_INDEPENDENT);
    read_targets(&r->dependencies, &d, head);
}

int payload_describe(struct payload_reader *r, enum media_codec codec,
                     const struct rtp_packet *packet, const struct rtp_extension *descriptor,
                     struct tape_packet *head)
{
    const struct codec_info *info = codec_describe(codec);
    if (!info || info->format == FORMAT_RED)
        return ER_MALFORMED;
    head->codec = (uint8_t)codec;
    if (packet->payload_len == 0)
        return 0; /* padding that a sender probes with; it still takes a number */
    set(head, packet->marker, TAPE_MARKER);
    int er = describers[info->format](r, packet, head);
    if (er == 0 && descriptor && info->kind == MEDIA_VIDEO)
        read_descriptor(r, descriptor, head);
    return er;
}
