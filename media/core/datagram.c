// SPDX-License-Identifier: Apache-2.0
/* Bytes in: told apart by their first byte (RFC 7983), matched to a member, and what is authentic
 * handed on. Everything else is counted and forgotten. */
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "media/core/hub_private.h"
#include "media/relay/redundancy.h"

#define SOURCE_SILENT_US 500000u
#define CODEC_SETTLED_US 1000000u /* a track lives so long before another codec ends it */

static struct member *member_at(struct hub *h, const struct path *from)
{
    return map_get(h->paths, from, sizeof *from);
}

bool hub_has_path(const struct hub *h, const struct path *path)
{
    return map_get(h->paths, path, sizeof *path) != NULL;
}

void hub_path_gone(struct hub *h, uint64_t now_us, const struct path *path)
{
    struct member *m = member_at(h, path);
    if (m)
        member_path_gone(m, now_us, path);
}

static void on_stun(struct hub *h, uint64_t now_us, const struct path *from, const uint8_t *data,
                    size_t len)
{
    struct stun_message msg;
    if (stun_parse(data, len, &msg) != 0 || msg.type != STUN_BINDING_REQUEST || !msg.username.at) {
        h->counters.stun_bad++;
        return;
    }
    struct span rest = msg.username;
    struct span ours = span_cut(&rest, ':');
    struct member *m = map_get(h->ufrags, ours.at, ours.len);
    int change = m ? peer_stun(m->peer, now_us, from, data, len, &msg) : ER_UNAUTHENTIC;
    if (change < 0) {
        h->counters.stun_unauthentic++;
        return;
    }
    m->heard_us = now_us;
    /* Whoever proved an address last has it: a proof that was replayed or sent from a stolen address
     * holds until the owner's next check. */
    if (icelite_is_valid_path(&m->peer->ice, from))
        member_map_path(m, from);
    if (member_changed(m, now_us, change))
        member_arm(m);
}

static void on_dtls(struct hub *h, uint64_t now_us, const struct path *from, const uint8_t *data,
                    size_t len)
{
    struct member *m = member_at(h, from);
    int change = m ? peer_dtls(m->peer, now_us, from, data, len) : ER_DENIED;
    if (change < 0) {
        h->counters.dtls_bad++;
        change = m && m->peer->state == PEER_FAILED ? PEER_CHANGED_STATE : 0;
    }
    if (m && member_changed(m, now_us, change))
        member_arm(m);
}

/** Media that an unknown address sends under a known SSRC is believed when its SRTP tag is right: it
 *  is what a publisher sends after a rebinding, before its next connectivity check. Where we send to
 *  does not move. */
static struct member *member_for_media(struct hub *h, const struct path *from, uint32_t ssrc)
{
    struct member *m = member_at(h, from);
    if (!m) {
        h->counters.unknown_path++;
        m = map_get_u64(h->sources, ssrc);
    }
    return m && m->peer->srtp ? m : NULL;
}

static void on_rtcp(struct hub *h, uint64_t now_us, const struct path *from, uint8_t *data,
                    size_t len)
{
    struct member *m = member_at(h, from);
    if (!m || !m->peer->srtp) {
        h->counters.unknown_path++;
        return;
    }
    if (srtp_pair_unprotect_rtcp(m->peer->srtp, data, &len) != 0) {
        h->counters.rtp_unauthentic++;
        return;
    }
    m->heard_us = now_us;
    member_rtcp(m, now_us, data, len);
    hub_room_arm(m->room);
}

/** Undo RFC 4588: the original number stands in front of the payload. */
static bool unwrap_rtx(struct rtp_packet *packet)
{
    if (packet->payload_len < 2)
        return false; /* padding that a sender probes with */
    packet->seq = get_u16(packet->payload);
    packet->payload += 2;
    packet->payload_len -= 2;
    return true;
}

static void read_extras(const struct line *agreed, const struct rtp_packet *packet,
                        struct track_extras *ret)
{
    *ret = (struct track_extras){
        .descriptor = rtp_find_extension(packet, agreed->extensions.dependency_descriptor)};
    const struct rtp_extension *e = rtp_find_extension(packet, agreed->extensions.audio_level);
    if (e && e->len >= 1) {
        ret->has_audio_level = true;
        ret->audio_level = e->at[0];
    }
}

static struct track *track_for(struct member_line *l, uint64_t now_us, enum media_codec codec)
{
    if (l->track)
        return l->track;
    struct member *m = l->member;
    const struct line *agreed = member_line_agreed(l);
    struct track_config config = {
        .id = m->hub->next_track,
        .identity = m->config.identity,
        .rank = m->config.rank,
        .codec = codec,
        .nack = agreed->nack,
        .clock = &m->clock,
        .owner = l,
    };
    if (track_new(&l->track, m->room->relay, &config, now_us) != 0)
        return NULL;
    m->hub->next_track += m->hub->config.track_step;
    m->hub->counters.tracks++;
    tap_keep_track(m->room, l->track, now_us);
    mirror_track_added(m->room, l->track);
    struct media_event event = {.type = MEDIA_TRACK_ADDED,
                                .peer = m->config.peer,
                                .track = l->track->id,
                                .kind = agreed->kind};
    (void)str_copy(event.identity, sizeof event.identity, m->config.identity);
    (void)str_copy(event.label, sizeof event.label, agreed->label);
    hub_tell(m->room, &event);
    return l->track;
}

/** The publisher may go over to another codec, which makes a new track; not all the time. An encoding
 *  has one source at a time. Another one takes over only when the first has fallen silent:
 *  its numbers have nothing to do with what came before, so it makes a new track. */
static struct encoding *encoding_for(struct member_line *l, uint64_t now_us, uint32_t ssrc,
                                     unsigned rid, enum media_codec codec)
{
    struct member_source *source = &l->sources[rid];
    if (l->track && l->track->codec != codec && now_us - l->track->since_us >= CODEC_SETTLED_US)
        member_drop_track(l, now_us);
    if (source->encoding && source->ssrc != ssrc) {
        if (now_us - source->heard_us < SOURCE_SILENT_US)
            return NULL;
        member_drop_track(l, now_us);
    }
    source->heard_us = now_us;
    if (source->encoding)
        return source->encoding;
    struct track *t = track_for(l, now_us, codec);
    source->encoding = t ? track_encoding(t, rid, now_us) : NULL;
    if (!source->encoding)
        return NULL;
    source->ssrc = source->encoding->ssrc = ssrc;
    (void)map_add_u64(l->member->hub->sources, ssrc, l->member);
    return source->encoding;
}

static void note_transport_seq(struct member *m, uint64_t now_us, const struct line *agreed,
                               const struct rtp_packet *packet)
{
    const struct rtp_extension *e = rtp_find_extension(packet, agreed->extensions.transport_cc);
    if (!e || e->len < 2)
        return;
    if (!m->uplink)
        m->uplink = calloc(1, sizeof *m->uplink);
    if (!m->uplink)
        return;
    size_t bytes = packet->payload_len + RTP_HEADER_BYTES;
    bool now = uplink_note(m->uplink, now_us, get_u16(e->at), bytes);
    if (m->twcc_at_us == 0 || now) {
        m->twcc_at_us = now_us + (now ? 0 : LIMIT_TWCC_INTERVAL_US);
        member_arm(m);
    }
}

/** Whatever else is wrong with it: a packet that came must not look lost to the publisher. */
static void note_stray_transport_seq(struct member *m, uint64_t now_us,
                                     const struct rtp_packet *packet)
{
    for (size_t i = 0; i < m->line_count; i++) {
        const struct line *agreed = member_line_agreed(m->lines[i]);
        if (!agreed->receives || !agreed->extensions.transport_cc)
            continue;
        note_transport_seq(m, now_us, agreed, packet);
        return;
    }
}

static void on_media(struct member *m, uint64_t now_us, struct rtp_packet *packet)
{
    struct peer_match match;
    m->heard_us = now_us;
    int index = peer_match_line(m->peer, packet, &match);
    bool rtx = match.rtx;
    unsigned rid = match.rid;
    enum media_codec codec = match.codec;
    if (index < 0 || (size_t)index >= m->line_count || codec >= CODEC_COUNT) {
        m->hub->counters.rtp_bad++;
        note_stray_transport_seq(m, now_us, packet);
        return;
    }
    struct member_line *l = m->lines[index];
    const struct line *agreed = member_line_agreed(l);
    note_transport_seq(m, now_us, agreed, packet);
    if (!agreed->receives || (rtx && !unwrap_rtx(packet)))
        return;
    bool red = codec == CODEC_RED;
    if (red)
        codec = CODEC_OPUS;
    struct encoding *e = rtx ? l->sources[rid].encoding
                             : encoding_for(l, now_us, packet->ssrc, rid, codec);
    if (!e && !rtx)
        m->hub->counters.rtp_bad++;
    if (!e || e->track->codec != codec)
        return;
    struct track_extras extras;
    read_extras(agreed, packet, &extras);
    int er = red ? redundancy_receive(e, now_us, packet, agreed->payload_type[CODEC_OPUS], &extras)
                 : encoding_receive(e, now_us, packet, &extras, rtx);
    if (er == ER_MALFORMED)
        m->hub->counters.rtp_bad++;
    else if (rtx)
        m->hub->counters.retransmissions_received++;
    if (!list_linked(&e->in_pending)) /* else it is armed at the turn's end */
        hub_room_arm(m->room);
}

static void on_rtp(struct hub *h, uint64_t now_us, const struct path *from, uint8_t *data,
                   size_t len)
{
    if (len < RTP_HEADER_BYTES) {
        h->counters.rtp_bad++;
        return;
    }
    struct member *m = member_for_media(h, from, get_u32(data + 8));
    if (!m)
        return;
    if (srtp_pair_unprotect_rtp(m->peer->srtp, data, &len) != 0) {
        h->counters.rtp_unauthentic++;
        return;
    }
    struct rtp_packet packet;
    if (rtp_parse(data, len, &packet) != 0) {
        h->counters.rtp_bad++;
        return;
    }
    on_media(m, now_us, &packet);
}

void hub_datagram(struct hub *h, uint64_t now_us, const struct path *from, uint8_t *data,
                  size_t len)
{
    h->counters.packets_in++;
    h->counters.bytes_in += len;
    if (len == 0 || len > LIMIT_DATAGRAM)
        h->counters.rtp_bad++;
    else if (rtcp_looks_like(data, len))
        on_rtcp(h, now_us, from, data, len);
    else if (rtp_or_rtcp(data, len))
        on_rtp(h, now_us, from, data, len);
    else if (data[0] >= 20 && data[0] <= 63)
        on_dtls(h, now_us, from, data, len);
    else if (stun_looks_like(data, len))
        on_stun(h, now_us, from, data, len);
    else
        h->counters.stun_bad++;
}
