// SPDX-License-Identifier: Apache-2.0
/* The relay: a room's published tracks and the slots that show them. It handles decrypted packets
 * only; what it wants sent or asked goes out through `struct relay_ops`, synchronously.
 *
 * Ownership: the room owns its tracks and slots. Times: `now_us` is monotonic, unix times are derived
 * by the room's fixed offset. */
#ifndef LOUPE_MEDIA_RELAY_RELAY_H
#define LOUPE_MEDIA_RELAY_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/entropy.h"
#include "base/heap.h"
#include "base/list.h"
#include "media/codec.h"
#include "media/relay/nacker.h"
#include "media/relay/reception.h"
#include "media/tape/tape.h"
#include "media/wire/rtp.h"

struct room;
struct track;
struct slot;

/** A packet for a viewer: the tape's bytes with the slot's numbering. */
struct relay_packet {
    const struct tape_packet *from;
    uint16_t seq;
    uint32_t timestamp;
    bool retransmission; /* answers a NACK: RTX where agreed, else the packet as it was */
    bool leading;        /* among the slot's first, also when it is sent again */
};

struct relay_ops {
    void (*send)(void *ctx, struct slot *slot, const struct relay_packet *packet);
    /** Ask the publisher for a key frame now (the relay keeps the rate limit). */
    void (*ask_key_frame)(void *ctx, struct track *track);
    /** Ask the publisher for packets again. */
    void (*ask_packets)(void *ctx, struct track *track, const int64_t *seqs, size_t count);
    /** The slot shows another track now (slot->track, NULL: none). */
    void (*slot_changed)(void *ctx, struct slot *slot);
};

struct relay_config {
    const struct relay_ops *ops;
    void *ops_ctx;
    struct list *pending; /* struct track, in_pending: those with packets for relay_flush; may be
                             shared by several rooms. NULL: packets are forwarded as they come */
    const struct entropy *entropy;
    uint64_t unix_offset_us; /* unix time = now_us + this */
};

/* Room */

/** Visible within the relay. */
struct room {
    struct relay_config config;
    struct list tracks; /* struct track, in_room; in order of age */
    struct list slots;  /* struct slot, in_room */
    size_t track_count;
    struct heap track_timers;
    struct heap slot_timers;
};

int room_new(struct room **ret, const struct relay_config *config);
/** Frees its tracks and slots without calling ops. NULL is fine. */
void room_free(struct room *r);
/** The earliest moment at which room_expire has work; HEAP_NEVER when idle. */
uint64_t room_deadline_us(const struct room *r);
/** NACKs, key-frame requests that were held back, joiners catching up, tapes trimmed. */
void room_expire(struct room *r, uint64_t now_us);
size_t room_track_count(const struct room *r);
/** Forward what came since the last call, viewer by viewer, so that what leaves for one viewer leaves
 *  together; the viewer served first is another one each time. `pending` is the list of the config. */
void relay_flush(struct list *pending, uint64_t now_us);

/* Tracks: what one publisher sends on one line */

struct track_config {
    uint64_t id;          /* unique in the room */
    const char *identity; /* the publisher's; copied */
    uint8_t rank;         /* main publisher: highest rank, then oldest */
    enum media_codec codec;
    bool nack;                  /* lost packets may be asked for */
    struct sender_clock *clock; /* the publisher's, outlives the track */
    void *owner;                /* for ops */
};

struct track_counters {
    uint64_t packets, bytes, recovered, duplicates, key_requests, given_up;
};

/** Visible for reading; written by relay only, but for `owner`. */
struct track {
    struct list in_room;
    struct list slots;      /* struct slot, in_track */
    struct list in_pending; /* linked while packets wait to be forwarded: */
    int64_t pending[LIMIT_TURN_PACKETS];
    size_t pending_count;
    struct heap_node timer;
    struct room *room;
    void *owner;
    uint64_t id;
    char *identity;
    uint8_t rank;
    uint64_t since_us;
    enum media_kind kind;
    enum media_codec codec;
    uint32_t clock_rate;
    bool nack;
    struct tape *tape;
    struct nacker nacker;
    struct reception reception;
    struct sender_clock *sender_clock;
    struct track_clock clock;
    struct seq_extender seq;
    struct ts_extender ts;
    uint64_t rtt_us;       /* to the publisher; 0: unknown */
    uint64_t key_asked_us; /* last request */
    bool key_wanted;       /* a request is held back by the rate limit, or has not been answered */
    uint64_t trim_at_us;
    uint16_t width, height; /* of the last key frame */
    struct track_counters counters;
};

int track_new(struct track **ret, struct room *r, const struct track_config *config,
              uint64_t now_us);
/** Slots that showed it are given something else, or nothing. NULL is fine. */
void track_free(struct track *t, uint64_t now_us);

/** What the header extensions of a packet said, already mapped from the publisher's ids. */
struct track_extras {
    bool has_audio_level;
    uint8_t audio_level;
};
/** A packet of the track's codec: onto the tape, then to every slot. `recovered`: it came by RTX (the
 *  caller has restored the original header). 0; ER_STALE: duplicate, or recovered before it could be
 *  missed; ER_MALFORMED: not this codec. */
int track_receive(struct track *t, uint64_t now_us, const struct rtp_packet *packet,
                  const struct track_extras *extras, bool recovered);
/** A sender report of the publisher for this track. */
void track_sender_report(struct track *t, uint64_t now_us, uint64_t ntp, uint32_t rtp_timestamp);
/** A key frame is wanted: asked for now, or when LIMIT_PLI_INTERVAL_US since the last has passed. */
void track_want_key_frame(struct track *t, uint64_t now_us);
/** When a packet was captured, on our unix clock (microseconds). */
uint64_t track_capture_unix_us(const struct track *t, const struct tape_packet *p);

/* Slots: a viewer's receiving line */

enum slot_pick { SLOT_PICK_OTHERS, SLOT_PICK_MAIN, SLOT_PICK_PERSON };

struct slot_config {
    enum media_kind kind;
    uint32_t codecs; /* bits 1 << enum media_codec that the viewer takes */
    uint64_t viewer; /* slots of one viewer never show the same track under PICK_OTHERS */
    const char
        *identity; /* the viewer's; its own tracks are not picked under PICK_OTHERS. Copied */
    enum slot_pick pick;
    const char *person; /* for PICK_PERSON; copied */
    uint64_t track;     /* under PICK_PERSON: this track only; 0: any */
    void *owner;        /* for ops */
};

struct slot_counters {
    uint64_t packets, bytes, retransmitted, nacks, refused;
};

/** How one sent packet can be found again by its number. */
struct slot_sent {
    int64_t source_seq; /* 0: none */
    uint32_t timestamp;
    uint8_t resent;
    bool leading;
};

/** Visible for reading; written by relay only, but for `owner`. */
struct slot {
    struct list in_room;
    struct list in_track;   /* linked while it shows something */
    struct list beside;     /* a ring without a head: the slots of this viewer */
    struct heap_node timer; /* armed while catching up */
    struct room *room;
    struct track *track; /* NULL: shows nothing */
    void *owner;
    enum media_kind kind;
    enum slot_pick pick;
    uint32_t codecs;
    uint64_t viewer;
    char *identity;
    char *person;
    uint64_t person_track;

    /* Numbering: out = source + delta within one stretch of one track. */
    bool live;             /* packets flow (from a key frame on, for video) */
    bool catching_up;      /* reading the tape behind the head */
    int64_t stretch_first; /* source seq the stretch began with */
    int64_t seq_delta;
    int64_t ts_delta;
    int64_t last_seq; /* highest sent, extended; 0: nothing yet */
    int64_t last_ts;  /* of the newest frame sent, out numbering, extended */
    uint64_t last_sent_us;
    struct tape_cursor cursor; /* while catching up */
    int64_t squeeze_until;     /* source timestamps below are squeezed together */

    struct slot_sent *sent; /* LIMIT_SENT_HISTORY, video only */
    bool lossy; /* the viewer's path loses much: answers to NACKs go out twice at once */
    uint64_t rtt_us;
    uint64_t resend_window_us, resend_bytes, window_bytes; /* the retransmission budget */
    struct slot_counters counters;
};

int slot_new(struct slot **ret, struct room *r, const struct slot_config *config, uint64_t now_us);
/** NULL is fine. */
void slot_free(struct slot *s);
/** Another wish for the same slot. */
int slot_wish(struct slot *s, enum slot_pick pick, const char *person, uint64_t track,
              uint64_t now_us);
/** The viewer misses these (its numbering). */
void slot_nack(struct slot *s, uint64_t now_us, const uint16_t *seqs, size_t count);
/** What the viewer's last receiver report said is lost on its path, of 256. */
void slot_viewer_loss(struct slot *s, uint8_t fraction_lost);
/** The viewer asks for a key frame. */
void slot_key_frame(struct slot *s, uint64_t now_us);
/** For a sender report: the RTP timestamp that belongs to `now_us`; false while nothing flows. */
bool slot_sender_clock(const struct slot *s, uint64_t now_us, uint32_t *ret_timestamp);

/* Within the relay */

/** Give every slot, or one, what it should show now (assign.c). */
void room_assign(struct room *r, uint64_t now_us);
void room_assign_slot(struct room *r, struct slot *s, uint64_t now_us);
/** Show `t` (NULL: nothing) from its last key frame on, or from the next one. */
void slot_show(struct slot *s, struct track *t, uint64_t now_us);
/** Packets that were just written onto the tape of the slot's track. */
void slot_forward(struct slot *s, uint64_t now_us, const struct tape_packet *const *packets,
                  size_t count);
/** Send some of what lies between the slot's cursor and the head of the tape. */
void slot_catch_up(struct slot *s, uint64_t now_us);
void track_expire(struct track *t, uint64_t now_us);
/** Forward what waits; whoever looks at the tape or at slots between turns does this first. */
void track_flush(struct track *t, uint64_t now_us);

#endif
