// SPDX-License-Identifier: Apache-2.0
/* An encoding: one RTP stream of a track. A track has one, or with simulcast (RFC 8853) up to
 * LIMIT_ENCODINGS of the same picture in different quality. Packets onto its tape, losses and key
 * frames asked for, and every packet to the slots that show it. */
#ifndef LOUPE_MEDIA_RELAY_ENCODING_H
#define LOUPE_MEDIA_RELAY_ENCODING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/heap.h"
#include "base/limits.h"
#include "base/list.h"
#include "media/relay/healer.h"
#include "media/relay/layer.h"
#include "media/relay/nacker.h"
#include "media/relay/payload.h"
#include "media/relay/reception.h"
#include "media/tape/tape.h"
#include "media/wire/rtp.h"

struct track;

/** Visible for reading; written by relay only, but for `ssrc`. */
struct encoding {
    struct track *track;
    uint8_t rid;            /* its place among the streams agreed */
    uint8_t index;          /* its place in track->encodings, by quality */
    uint32_t ssrc;          /* the publisher's; for ops */
    struct list slots;      /* struct slot, in_encoding: to whom it flows */
    struct list in_pending; /* linked while packets wait to be forwarded: */
    size_t pending_count;
    int64_t pending[LIMIT_TURN_PACKETS];
    struct heap_node timer;
    struct tape *tape;
    struct reception reception;
    struct track_clock clock;
    struct seq_extender seq;
    struct ts_extender ts;
    uint64_t since_us;
    uint64_t heard_us;     /* 0: nothing came yet */
    unsigned missed;       /* pictures of its track's other encodings since */
    uint64_t key_asked_us; /* last request; 0: none */
    uint64_t lit_us;       /* when the publisher's path was dark no more; 0: it never was */
    bool key_wanted;       /* a request is held back by the rate limit, or has not been answered */
    bool key_seen;
    uint64_t key_us; /* when the last one began to come */
    uint64_t trim_at_us;
    uint16_t width, height;            /* of the last key frame */
    int64_t key_timestamp;             /* of a key picture under way, or 0; */
    uint8_t key_spatial;               /* the highest layer seen of it */
    uint8_t top_spatial, top_temporal; /* the highest layers seen */
    uint64_t packets, bytes;
    struct payload_reader reader;
    struct layer_meter meter;
    struct nacker nacker;
    struct healer healer; /* while its track is kept; */
    int64_t kept_from;    /* from this packet on it is; 0: it is not */
    bool rtx_seen;        /* packets are sent again as RTX */
};

/** Also without memory for it: ER_NOMEM. */
int encoding_new(struct encoding **ret, struct track *t, uint8_t rid, uint64_t now_us);
/** Slots that it flows to are the caller's to move. NULL is fine. */
void encoding_free(struct encoding *e);

/** What the header extensions of a packet said, already mapped from the publisher's ids. */
struct track_extras {
    bool has_audio_level;
    uint8_t audio_level;
    const struct rtp_extension *descriptor; /* the dependency descriptor; NULL: none */
};
/** A packet of the track's codec: onto the tape, then to every slot. `recovered`: it came by RTX (the
 *  caller has restored the original header). 0; ER_STALE: duplicate, or recovered before it could be
 *  missed; ER_MALFORMED: not this codec. */
int encoding_receive(struct encoding *e, uint64_t now_us, const struct rtp_packet *packet,
                     const struct track_extras *extras, bool recovered);
/** The same for a packet of a stream that another room's tape has, see track_config.mirror: it lies in
 *  `slab`, of which the tape takes references. 0, ER_STALE, ER_NOMEM. */
int encoding_share(struct encoding *e, uint64_t now_us, struct slab *slab,
                   const struct tape_packet *packet);
/** A sender report of the publisher for this stream. */
void encoding_sender_report(struct encoding *e, uint64_t now_us, uint64_t ntp,
                            uint32_t rtp_timestamp);
/** A key frame is wanted: asked for now, or when LIMIT_PLI_INTERVAL_US since the last has passed. A
 *  stream that has just begun is given a moment to bring one by itself. */
void encoding_want_key_frame(struct encoding *e, uint64_t now_us);
/** Its publisher does not answer: the same, past all limits, if anybody watches. */
void encoding_ask_in_the_dark(struct encoding *e);
/** When a packet was captured, on our unix clock (microseconds). */
uint64_t encoding_capture_unix_us(const struct encoding *e, const struct tape_packet *p);
/** False when it has stopped while others of its track go on: publishers leave out what their path
 *  does not carry. */
bool encoding_flows(const struct encoding *e);
/** Is the last key frame here with all that followed, and no longer ago than `packets`? Its first
 *  packet, or NULL. */
const struct tape_packet *encoding_whole_since_key(const struct encoding *e, int64_t packets);

/* Within the relay */

/** Its track is kept from now on, or no more; see track_keep. */
void encoding_keep(struct encoding *e, uint64_t now_us);

/** Forward what waits; whoever looks at the tape or at slots between turns does this first. */
void encoding_flush(struct encoding *e, uint64_t now_us);
void encoding_expire(struct encoding *e, uint64_t now_us);

#endif
