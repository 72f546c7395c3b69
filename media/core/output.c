// SPDX-License-Identifier: Apache-2.0
/* Packets out: the relay's decisions become protected datagrams. */
#include <string.h>

#include "base/er.h"
#include "media/core/hub_private.h"
#include "media/relay/redundancy.h"

#define EXTENSIONS 8
#define NUMBER_BYTES 2
#define PLAYOUT_BYTES 3
#define PLAYOUT_MOST 1000u   /* 10 s, in its unit: as much as browsers allow themselves */
#define PACKET_OVERHEAD 40   /* headers and tag, without IP and UDP */
#define HEADER_BYTES 96      /* of RTP, with all extensions but the dependency descriptor */
#define REDUNDANT_BYTES 1000 /* of payloads together, in a packet of redundant sound */

void member_send_datagram(void *ctx, const struct path *to, const uint8_t *data, size_t len)
{
    struct member *m = ctx;
    struct hub *h = m->hub;
    uint8_t *room = h->config.io->reserve(h->config.io_ctx, to, len);
    if (!room) {
        h->counters.packets_dropped_send++;
        return;
    }
    memcpy(room, data, len);
    h->config.io->commit(h->config.io_ctx, len);
    h->counters.packets_out++;
    h->counters.bytes_out += len;
}

void member_send_rtcp(struct member *m, uint8_t *packet, size_t len)
{
    if (!m->peer->srtp || !m->peer->ice.has_selected ||
        srtp_pair_protect_rtcp(m->peer->srtp, packet, &len) != 0)
        return;
    member_send_datagram(m, &m->peer->ice.selected, packet, len);
}

/** The same for a packet that is sent again without RTX: under the same number, SRTP must see the same
 *  bytes (RFC 3711, 9.1). The mid leads only: later the SSRC is known. */
static size_t write_extensions(const struct line *agreed, const struct relay_packet *out,
                               const uint8_t *number, const uint8_t *playout,
                               struct rtp_extension *ret)
{
    const struct tape_packet *from = out->from;
    size_t n = 0;
    if (agreed->extensions.mid && agreed->mid_offered && out->leading)
        ret[n++] = (struct rtp_extension){.id = agreed->extensions.mid,
                                          .len = (uint8_t)strlen(agreed->mid),
                                          .at = (const uint8_t *)agreed->mid};
    if (agreed->extensions.audio_level && (from->flags & TAPE_HAS_AUDIO_LEVEL))
        ret[n++] = (struct rtp_extension){
            .id = agreed->extensions.audio_level, .len = 1, .at = &from->audio_level};
    if (agreed->extensions.dependency_descriptor && from->descriptor_len && !out->empty)
        ret[n++] = (struct rtp_extension){.id = agreed->extensions.dependency_descriptor,
                                          .len = from->descriptor_len,
                                          .at = tape_descriptor(from)};
    if (number)
        ret[n++] = (struct rtp_extension){
            .id = agreed->extensions.transport_cc, .len = NUMBER_BYTES, .at = number};
    if (playout)
        ret[n++] = (struct rtp_extension){
            .id = agreed->extensions.playout_delay, .len = PLAYOUT_BYTES, .at = playout};
    return n;
}

/** Every packet has a transport-wide number of its own, so what may be sent again as it was has none:
 *  pictures without RTX. (Sound with such numbers is not sent again.) */
static bool is_numbered(const struct line *agreed, const struct relay_packet *out)
{
    bool rtx = agreed->local_rtx_ssrc &&
               line_send_rtx_type(agreed, out->from->codec) != LINE_PAYLOAD_NONE;
    return agreed->extensions.transport_cc && (rtx || agreed->kind == MEDIA_AUDIO);
}

/** Sound goes to viewers that know redundancy with the packet before it, on a lossy path with two, on a
 *  very lossy one with three. */
static unsigned earlier_packets(const struct slot *s)
{
    return 1u + s->lossy + s->very_lossy;
}

static bool is_redundant(const struct line *agreed, const struct relay_packet *out)
{
    return out->from->codec == CODEC_OPUS && !out->empty && out->from->payload_len > 0 &&
           agreed->payload_type[CODEC_RED] != LINE_PAYLOAD_NONE;
}

/** Sound that is another packet the second time is not sent again, though it may once have been agreed
 *  so: SRTP would use a nonce twice. */
static bool is_other_again(const struct line *agreed, const struct relay_packet *out)
{
    return out->retransmission && agreed->kind == MEDIA_AUDIO &&
           (is_redundant(agreed, out) || is_numbered(agreed, out));
}

/** So much of a packet is payload; of redundancy it is a guess. */
static uint32_t payload_bytes(const struct member_line *l, const struct relay_packet *out)
{
    const struct tape_packet *from = out->from;
    if (out->empty)
        return 0;
    if (is_redundant(member_line_agreed(l), out))
        return from->payload_len * (1u + earlier_packets(l->slot));
    return (uint32_t)from->payload_len + from->descriptor_len;
}

/** Count the packet on its viewer's path; its transport-wide number into `buf`, or NULL. */
static const uint8_t *number_packet(struct member_line *l, const struct relay_packet *out,
                                    uint8_t buf[NUMBER_BYTES])
{
    const struct line *agreed = member_line_agreed(l);
    struct downlink *d = l->member->downlink;
    uint32_t bytes = payload_bytes(l, out) + PACKET_OVERHEAD;
    if (!d)
        return NULL;
    if (!is_numbered(agreed, out)) {
        downlink_sent_unnumbered(d, out->now_us, bytes);
        return NULL;
    }
    put_u16(buf, downlink_sent(d, out->now_us, bytes, 0));
    return buf;
}

/** For how long the viewer is to hold pictures back: least and most, 12 bits of 10 ms each. Where a
 *  packet that is sent again is another one anyway. */
static const uint8_t *tell_playout(const struct line *agreed, const struct slot *s,
                                   uint8_t buf[PLAYOUT_BYTES])
{
    if (!agreed->extensions.playout_delay || !agreed->local_rtx_ssrc || !s->hold.told)
        return NULL;
    unsigned least = s->hold.ms / 10u;
    buf[0] = (uint8_t)(least >> 4);
    buf[1] = (uint8_t)(least << 4 | PLAYOUT_MOST >> 8);
    buf[2] = (uint8_t)PLAYOUT_MOST;
    return buf;
}

/** One packet as it leaves: what its header says, and where its payload comes from. */
struct packet_plan {
    bool redundant;
    struct rtp_extension extensions[EXTENSIONS];
    struct rtp_header header;
    uint8_t number[NUMBER_BYTES];
    uint8_t playout[PLAYOUT_BYTES];
    uint8_t head[NUMBER_BYTES + RELAY_PATCH_MAX];
    struct srtp_payload payload; /* from the tape, but for its head; not if redundant */
};

static void plan_packet(struct packet_plan *ret, struct member_line *l,
                        const struct relay_packet *out)
{
    const struct line *agreed = member_line_agreed(l);
    const struct tape_packet *from = out->from;
    uint8_t rtx_type = line_send_rtx_type(agreed, from->codec);
    bool rtx = out->retransmission && rtx_type != LINE_PAYLOAD_NONE && agreed->local_rtx_ssrc;
    const uint8_t *number = number_packet(l, out, ret->number);
    if (l->seen)
        seen_sent(l, out, number, is_redundant(agreed, out) ? earlier_packets(l->slot) : 0);
    const uint8_t *playout = number ? tell_playout(agreed, l->slot, ret->playout) : NULL;
    ret->redundant = is_redundant(agreed, out);
    ret->header = (struct rtp_header){
        .marker = out->marker,
        .payload_type = rtx              ? rtx_type
                        : ret->redundant ? agreed->payload_type[CODEC_RED]
                                         : line_send_type(agreed, from->codec),
        .seq = rtx ? l->rtx_seq++ : out->seq,
        .timestamp = out->timestamp,
        .ssrc = rtx ? agreed->local_rtx_ssrc : agreed->local_ssrc,
        .extensions = ret->extensions,
        .extension_count = write_extensions(agreed, out, number, playout, ret->extensions),
    };
    size_t patch = out->empty ? 0 : out->patch_len;
    ret->payload = (struct srtp_payload){.head = ret->head, .head_len = patch};
    if (rtx) { /* RFC 4588: the original number leads */
        put_u16(ret->head, out->seq);
        ret->payload.head_len += NUMBER_BYTES;
    }
    memcpy(ret->head + ret->payload.head_len - patch, out->patch, patch);
    if (!out->empty) {
        ret->payload.body = from->payload + patch;
        ret->payload.body_len = from->payload_len - patch;
    }
}

/** The payload of redundant sound, put together at `at`. 0 or an error. */
static int plan_redundant(struct packet_plan *plan, const struct member_line *l,
                          const struct relay_packet *out, uint8_t *at, size_t size)
{
    const struct slot *s = l->slot;
    struct red_block blocks[RED_BLOCKS];
    size_t count = redundancy_blocks(s->encoding->tape, out->from, earlier_packets(s),
                                     REDUNDANT_BYTES, blocks);
    for (size_t i = 0; i < count; i++)
        blocks[i].payload_type = member_line_agreed(l)->payload_type[CODEC_OPUS];
    int len = red_write(at, size, blocks, count);
    if (len < 0)
        return len;
    plan->payload = (struct srtp_payload){.body = at, .body_len = (size_t)len};
    return 0;
}

/** The header into `buf`, and behind it the payload, encrypted on its way there from the tape. The
 *  length of all, or an error. */
static int write_packet(struct member_line *l, const struct relay_packet *out, uint8_t *buf,
                        size_t size)
{
    struct packet_plan plan;
    plan_packet(&plan, l, out);
    int header = rtp_write_header(buf, size, &plan.header);
    if (header < 0)
        return header;
    uint8_t *at = buf + header;
    size_t room = size - (size_t)header, len = 0;
    int er = plan.redundant ? plan_redundant(&plan, l, out, at, room) : 0;
    if (er == 0 && plan.payload.head_len + plan.payload.body_len > room)
        er = ER_TRUNCATED;
    if (er == 0)
        er = srtp_pair_seal_rtp(l->member->peer->srtp, buf, (size_t)header, &plan.payload, &len);
    return er < 0 ? er : (int)len;
}

/** The first picture's time; of a viewer who came before the publisher it begins with the latter. */
static void note_first_picture(struct member *m, const struct slot *s, uint64_t now_us)
{
    uint64_t since_us = m->joined_us;
    if (s->track && s->track->since_us > since_us)
        since_us = s->track->since_us;
    m->pictured = true;
    if (now_us >= since_us)
        histogram_add(&m->hub->counters.first_picture, now_us - since_us);
}

static void send_packet(void *ctx, struct slot *s, const struct relay_packet *out)
{
    struct hub *h = ctx;
    struct member_line *l = s->owner;
    struct peer *p = l->member->peer;
    if (!p->srtp || is_other_again(member_line_agreed(l), out))
        return;
    size_t size = (size_t)out->from->payload_len + out->from->descriptor_len + HEADER_BYTES;
    if (is_redundant(member_line_agreed(l), out) && size < REDUNDANT_BYTES + HEADER_BYTES)
        size = REDUNDANT_BYTES + HEADER_BYTES;
    uint8_t *buf = NULL;
    if (p->ice.has_selected)
        buf = h->config.io->reserve(h->config.io_ctx, &p->ice.selected, size + SRTP_OVERHEAD);
    if (!buf) {
        h->counters.packets_dropped_send += p->ice.has_selected;
        srtp_pair_skip_rtp(p->srtp, member_line_agreed(l)->local_ssrc, out->seq);
        return;
    }
    int written = write_packet(l, out, buf, size);
    size_t len = written > 0 ? (size_t)written : 0;
    h->config.io->commit(h->config.io_ctx, len);
    if (len == 0)
        return;
    if (!l->member->begun) { /* its path has to be looked at */
        l->member->begun = true;
        member_arm(l->member);
    }
    h->counters.packets_out++;
    h->counters.bytes_out += len;
    h->counters.retransmissions_sent += out->retransmission && !out->probe;
    h->counters.probes_sent += out->probe;
    if (!l->member->pictured && s->kind == MEDIA_VIDEO)
        note_first_picture(l->member, s, s->last_sent_us);
}

static void ask_key_frame(void *ctx, struct encoding *e)
{
    struct hub *h = ctx;
    if (e->track->mirror) {
        mirror_ask_key_frame(e);
        return;
    }
    struct member_line *l = e->track->owner;
    uint8_t packet[64 + SRTP_OVERHEAD];
    struct wr w = wr_make(packet, sizeof packet - SRTP_OVERHEAD);
    rtcp_write_rr(&w, l->member->rtcp_ssrc, NULL, 0);
    rtcp_write_pli(&w, l->member->rtcp_ssrc, e->ssrc);
    if (w.bad)
        return;
    h->counters.plis_sent++;
    member_send_rtcp(l->member, packet, wr_len(&w));
}

static void ask_packets(void *ctx, struct encoding *e, const int64_t *seqs, size_t count)
{
    struct hub *h = ctx;
    struct member_line *l = e->track->owner;
    uint8_t packet[512 + SRTP_OVERHEAD];
    uint16_t short_seqs[LIMIT_NACK_PENDING];
    struct wr w = wr_make(packet, sizeof packet - SRTP_OVERHEAD);
    for (size_t i = 0; i < count; i++)
        short_seqs[i] = (uint16_t)seqs[i];
    rtcp_write_rr(&w, l->member->rtcp_ssrc, NULL, 0);
    rtcp_write_nack(&w, l->member->rtcp_ssrc, e->ssrc, short_seqs, count);
    if (w.bad)
        return;
    h->counters.nacks_sent += count;
    member_send_rtcp(l->member, packet, wr_len(&w));
}

static void slot_changed(void *ctx, struct slot *s)
{
    (void)ctx;
    struct member_line *l = s->owner;
    uint64_t track = s->track ? s->track->id : 0;
    if (l->slot_told_once && l->slot_told == track && l->slot_told_lack == s->lacks_codec)
        return;
    l->slot_told_once = true;
    l->slot_told = track;
    l->slot_told_lack = s->lacks_codec;
    struct media_event event = {.type = MEDIA_SLOT,
                                .peer = l->member->config.peer,
                                .track = track,
                                .kind = s->kind,
                                .er = s->lacks_codec ? ER_UNSUPPORTED : 0};
    (void)str_copy(event.mid, sizeof event.mid, member_line_agreed(l)->mid);
    if (s->track)
        (void)str_copy(event.identity, sizeof event.identity, s->track->identity);
    hub_tell(l->member->room, &event);
}

const struct relay_ops hub_relay_ops = {
    .send = send_packet,
    .ask_key_frame = ask_key_frame,
    .ask_packets = ask_packets,
    .mirror = mirror_packets,
    .slot_changed = slot_changed,
    .slot_layer = member_slot_layer,
};
