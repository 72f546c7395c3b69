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
#include "media/relay/encoding.h"
#include "media/relay/hold.h"
#include "media/relay/layer.h"
#include "media/relay/reception.h"
#include "media/relay/seqmap.h"
#include "media/tape/tape.h"

struct room;
struct track;
struct slot;
struct downlink;

#define RELAY_PATCH_MAX 8

/** A packet for a viewer: the tape's bytes with the slot's numbering. */
struct relay_packet {
    const struct tape_packet *from;
    uint64_t now_us;
    uint16_t seq;
    uint32_t timestamp;
    bool marker;
    bool retransmission; /* answers a NACK: RTX where agreed, else the packet as it was */
    bool probe;          /* a retransmission that nobody asked for */
    bool leading;        /* among the slot's first, also when it is sent again */
    bool empty; /* without payload: keeps the place of a packet that this viewer is not sent */
    uint8_t patch_len; /* so many bytes of the payload are to be replaced, from its beginning: */
    uint8_t patch[RELAY_PATCH_MAX];
};

struct relay_ops {
    void (*send)(void *ctx, struct slot *slot, const struct relay_packet *packet);
    /** Ask the publisher for a key frame now (the relay keeps the rate limit). */
    void (*ask_key_frame)(void *ctx, struct encoding *encoding);
    /** Ask the publisher for packets again. */
    void (*ask_packets)(void *ctx, struct encoding *encoding, const int64_t *seqs, size_t count);
    /** Packets that came since the last call, by number, for those who mirror the room; called while
     *  room->mirrored is set. Other ops may be called for the same encoding before. */
    void (*mirror)(void *ctx, const struct encoding *encoding, const int64_t *seqs, size_t count);
    /** The slot shows another track now (slot->track, NULL: none). */
    void (*slot_changed)(void *ctx, struct slot *slot);
    /** The slot shows another encoding of it now, or begins or stops to show one. May be NULL. */
    void (*slot_layer)(void *ctx, struct slot *slot);
};

struct relay_config {
    const struct relay_ops *ops;
    void *ops_ctx;
    struct list *pending; /* struct encoding, in_pending: those with packets for relay_flush; may be
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
    bool mirrored; /* set by the owner: packets are wanted by relay_ops.mirror */
    struct heap track_timers;
    struct heap encoding_timers;
    struct heap slot_timers;
    struct heap copy_timers;
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
    bool nack;   /* lost packets may be asked for */
    bool mirror; /* of a track elsewhere: packets come by encoding_share, not from a publisher */
    struct sender_clock *clock; /* the publisher's, outlives the track */
    void *owner;                /* for ops */
};

/** Its tapes keep more than viewers need: for a recorder, and for looking back. */
struct track_keeping {
    uint64_t keep_us;           /* 0: they do not */
    uint64_t key_every_us;      /* a picture has a key frame so often; 0: when somebody needs one */
    struct tape_budget *budget; /* may be NULL; outlives the track */
};

/** Of all its encodings together. */
struct track_counters {
    uint64_t packets, bytes, recovered, duplicates, key_requests, given_up;
};

/** Visible for reading; written by relay only, but for `owner`. */
struct track {
    struct list in_room;
    struct list slots;   /* struct slot, in_track */
    struct list waiting; /* struct slot, in_waiting: for a key frame (sound: for any packet) */
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
    bool mirror;
    struct sender_clock *sender_clock;
    struct track_keeping keeping; /* see track_keep */
    uint64_t rtt_us;              /* to the publisher; 0: unknown */
    uint64_t heard_us;            /* any of its encodings */
    size_t encoding_count;
    struct encoding *encodings[LIMIT_ENCODINGS]; /* owned; the better, the later */
    struct track_counters counters;
};

int track_new(struct track **ret, struct room *r, const struct track_config *config,
              uint64_t now_us);
/** Slots that showed it are given something else, or nothing. NULL is fine. */
void track_free(struct track *t, uint64_t now_us);

/** The encoding that comes as number `rid` of those agreed, from the lowest on (0 where there is one
 *  only); made when it is asked for first. NULL: no memory, or no such number. */
struct encoding *track_encoding(struct track *t, unsigned rid, uint64_t now_us);
/** Keep its packets from now on, and ask for those that are missing as long as the publisher may have
 *  them; keep_us 0: no more, and what viewers do not need is forgotten at once. */
void track_keep(struct track *t, const struct track_keeping *keeping, uint64_t now_us);
/** The best one that flows now, or the best; NULL before the first. */
struct encoding *track_best(const struct track *t);
/** A key frame of the best encoding that flows. */
void track_want_key_frame(struct track *t, uint64_t now_us);

/** What one layer costs, those below it included. */
struct layer_rate {
    int8_t encoding, spatial, temporal;
    uint32_t bps;
    uint16_t width, height; /* 0: unknown */
};
/** The layers that flow, each worth and costing more than the one before; the count. Temporal layers
 *  below half the rate are given for the lowest picture only: larger ones would rather be left. */
size_t track_layer_rates(const struct track *t, uint64_t now_us, struct layer_rate *ret,
                         size_t size);

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
    bool nack;          /* sound that the viewer misses is sent again, as pictures always are */
    struct downlink *downlink; /* the viewer's, outlives the slot; NULL: a path without a limit */
    bool flat;                 /* the viewer cannot tell AV1's spatial layers apart: the lowest */
    void *owner;               /* for ops */
};

struct slot_counters {
    uint64_t packets, bytes, retransmitted, nacks, refused;
    uint64_t switches; /* to another encoding, or to other layers of one */
};

/** How one sent packet can be found again by its number, as it was. */
struct slot_sent {
    uint32_t source_seq; /* its lower half */
    uint16_t picture_id;
    uint8_t tl0_index;
    uint8_t state; /* within slot_send.c */
};

/** A packet that was sent again: first and last when. */
struct slot_resent {
    int64_t seq;
    uint64_t first_us, last_us;
    uint64_t copy_us; /* when once more, unasked; 0: not */
};

/** Visible for reading; written by relay only, but for `owner`. */
struct slot {
    struct list in_room;
    struct list in_track;    /* linked while it is given a track; */
    struct list in_encoding; /* while an encoding flows to it; */
    struct list in_waiting;  /* and while it waits for `target` to begin */
    struct list beside;      /* a ring without a head: the slots of this viewer */
    struct heap_node timer;  /* armed while catching up */
    struct heap_node copies; /* and while answers are to go out once more */
    struct room *room;
    struct track *track;       /* NULL: shows nothing */
    struct encoding *encoding; /* what flows; NULL: nothing, so far */
    struct encoding *target;   /* what is to flow; NULL: nothing */
    struct downlink *downlink; /* NULL: no limit */
    void *owner;
    enum media_kind kind;
    enum slot_pick pick;
    bool aimed;       /* somebody said so: */
    bool flat;        /* see slot_config */
    bool catching_up; /* reading the tape behind the head */
    bool very_lossy;  /* answers go out again within a round trip; */
    bool lossy;       /* the viewer's path loses much: answers to NACKs go out twice, */
    bool loses_runs;  /* and in runs: not at once */
    struct hold hold; /* pictures are to be shown so much later */
    struct layer_aim aim;
    struct layer_filter layers;
    uint32_t codecs;
    bool lacks_codec; /* it shows nothing, but would, did the viewer take the codec */
    uint64_t viewer;
    char *identity;
    char *person;
    uint64_t person_track;

    /* Numbering, unbroken over stretches: a stretch is what it shows of one encoding at a time. */
    struct seqmap seqs;
    struct picture_map pictures;
    int64_t stretch_out; /* number of the stretch's first packet */
    uint64_t stretch_us; /* when it began */
    uint8_t begun_again; /* how often it got its beginning once more */
    int64_t ts_delta;
    int64_t squeeze_until; /* source timestamps below are squeezed together */
    int64_t last_ts;       /* of the newest frame sent, out numbering, extended */
    uint64_t last_sent_us;
    struct tape_cursor cursor; /* while catching up */

    bool nack;
    struct slot_sent *sent;     /* of the last `sent_size`; from the first packet on, or NULL */
    struct slot_resent *resent; /* LIMIT_RESENT, with it */
    uint32_t sent_size;
    uint32_t resent_next;
    int64_t noted; /* what `sent` tells ends with this number */
    int64_t heard; /* the highest number that the viewer has reported; 0: none ever */
    bool unheard;  /* it got none of so many since that it is sent next to nothing */
    uint64_t rtt_us;
    uint64_t keys_until_us; /* the key frames asked for on its behalf are paid for by then */
    uint64_t resend_window_us, resend_bytes, window_bytes; /* the retransmission budget */
    struct slot_counters counters;
};

int slot_new(struct slot **ret, struct room *r, const struct slot_config *config, uint64_t now_us);
/** NULL is fine. */
void slot_free(struct slot *s);
/** Another wish for the same slot. */
int slot_wish(struct slot *s, enum slot_pick pick, const char *person, uint64_t track,
              uint64_t now_us);
/** The most it may show from now on. Less: at once, from the next picture on, or where that takes
 *  another encoding, at its next key frame, which is asked for. More: when the stream lets it. */
void slot_aim(struct slot *s, const struct layer_aim *aim, uint64_t now_us);
/** The layers of its encoding that it shows, as far as there are such. */
void slot_layers(const struct slot *s, int8_t *ret_spatial, int8_t *ret_temporal);
/** Size of the picture that it shows; 0 while unknown. */
void slot_size(const struct slot *s, unsigned *ret_width, unsigned *ret_height);
/** Send a packet of about `bytes` that was sent lately once more, to probe the path with: false when
 *  there is none. */
bool slot_probe(struct slot *s, uint64_t now_us, uint32_t bytes);
/** The viewer misses these (its numbering). */
void slot_nack(struct slot *s, uint64_t now_us, const uint16_t *seqs, size_t count);
/** What the viewer's last receiver report said is lost on its path, of 256. */
void slot_viewer_loss(struct slot *s, uint8_t fraction_lost);
/** After that: for how long it is to hold pictures back. */
void slot_hold_back(struct slot *s, uint64_t now_us, uint8_t fraction_lost);
/** The highest number that the viewer's last receiver report names. */
void slot_viewer_heard(struct slot *s, uint64_t now_us, uint16_t seq);
/** The viewer asks for a key frame. */
void slot_key_frame(struct slot *s, uint64_t now_us);
/** For a sender report: the RTP timestamp that belongs to `now_us`; false while nothing flows. */
bool slot_sender_clock(const struct slot *s, uint64_t now_us, uint32_t *ret_timestamp);

/* Within the relay */

/** What the viewer takes has changed: bits 1 << enum media_codec. */
void slot_set_codecs(struct slot *s, uint32_t codecs, uint64_t now_us);
/** Give every slot, or one, what it should show now (assign.c). */
void room_assign(struct room *r, uint64_t now_us);
void room_assign_slot(struct room *r, struct slot *s, uint64_t now_us);
void track_expire(struct track *t, uint64_t now_us);
/** It has several encodings or spatial layers: look now and then which of them flow. */
void track_watch(struct track *t, uint64_t now_us);
/** Sizes are another: by quality again. */
void track_order_encodings(struct track *t);

/* slot.c */
/** Show `t` (NULL: nothing) from its last key frame on, or from the next one. */
void slot_show(struct slot *s, struct track *t, uint64_t now_us);
/** Of those who wait, begin with whom these packets allow it. */
void slots_begin_with(struct encoding *e, uint64_t now_us, const struct tape_packet *const *packets,
                      size_t count);
/** It is too far behind what its path carries: on with the newest key frame, or the next one. */
void slot_skip(struct slot *s, uint64_t now_us);
/** Choose anew which encoding it is to show: others flow, or another is aimed at. */
void slot_retarget(struct slot *s, uint64_t now_us);

/** Ask for a key frame of `e` on its behalf: LIMIT_SLOT_KEY_FRAMES at once, then now and then. */
void slot_ask_key_frame(struct slot *s, struct encoding *e, uint64_t now_us);

/** What it may show of its track: the aim, and less where the viewer can do with less only. */
struct layer_aim slot_limits(const struct slot *s);

/* slot_send.c */
/** Let packets of `e` flow from `first_seq`, which is on its tape, on. 0 or ER_NOMEM. */
int slot_begin(struct slot *s, struct encoding *e, int64_t first_seq, uint64_t now_us);
/** Packets that were just written onto the tape of the slot's encoding. */
void slot_forward(struct slot *s, uint64_t now_us, const struct tape_packet *const *packets,
                  size_t count);
/** Send some of what lies between the slot's cursor and the head of the tape. */
void slot_catch_up(struct slot *s, uint64_t now_us);
/** Second copies of what was sent again over a lossy path. */
void slot_send_copies(struct slot *s, uint64_t now_us);

#endif
